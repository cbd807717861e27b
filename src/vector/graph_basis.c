/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orthogonal iteration: rows are multiplied by the covariance and made orthonormal again, a few times. The rows themselves need not
 * converge, only their span, and that only as far as its variance goes: six rounds do. Then a random rotation within the span.
 */
#include "vector/graph_basis.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "vector/kernel.h"

#define ROUNDS 6

typedef struct basis_run {
  const rem_kernel *kernel;
  size_t dimension, kept, count;
  float *columns;    /* the sample less its mean, transposed: dimension x count */
  float *covariance; /* dimension x dimension */
  float *rows, *other; /* kept x dimension */
  float *rotation;     /* kept x kept */
  uint64_t random;
} basis_run;

static void run_deinit(basis_run *run) {
  rem_free(run->columns);
  rem_free(run->covariance);
  rem_free(run->other);
  rem_free(run->rotation);
}

static float next_random(basis_run *run) {
  float sum = 0;
  for (int i = 0; i < 4; i++) {
    run->random = run->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    sum += (float)(run->random >> 40) / (float)(1 << 24) - 0.5f;
  }
  return sum;
}

static void find_covariance(basis_run *run) {
  size_t n = run->dimension;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = i; j < n; j++) {
      float sum = run->kernel->dot(run->columns + i * run->count, run->columns + j * run->count, run->count);
      run->covariance[i * n + j] = run->covariance[j * n + i] = sum / (float)run->count;
    }
  }
}

static void subtract(float *row, const float *other, float factor, size_t length) {
  for (size_t i = 0; i < length; i++)
    row[i] -= factor * other[i];
}

/* Gram-Schmidt, twice for each row, since once leaves too much in float32; a row that vanishes is drawn anew. */
static void make_orthonormal(basis_run *run, float *rows, size_t count, size_t length) {
  for (size_t i = 0; i < count; i++) {
    float *row = rows + i * length;
    for (int again = 0; again < 2; again++) {
      for (size_t j = 0; j < i; j++)
        subtract(row, rows + j * length, run->kernel->dot(row, rows + j * length, length), length);
    }
    float size = sqrtf(run->kernel->dot(row, row, length));
    if (!(size > 1e-12f)) {
      for (size_t j = 0; j < length; j++)
        row[j] = next_random(run);
      i--;
      continue;
    }
    for (size_t j = 0; j < length; j++)
      row[j] /= size;
  }
}

/* `scale` keeps small covariances from vanishing in float32. */
static void iterate(basis_run *run) {
  size_t n = run->dimension;
  float trace = 0;
  for (size_t i = 0; i < n; i++)
    trace += run->covariance[i * n + i];
  float scale = trace > 0 ? (float)n / trace : 1;
  for (size_t i = 0; i < run->kept; i++) {
    for (size_t j = 0; j < n; j++)
      run->other[i * n + j] = scale * run->kernel->dot(run->rows + i * n, run->covariance + j * n, n);
  }
  memcpy(run->rows, run->other, run->kept * n * sizeof(float));
  make_orthonormal(run, run->rows, run->kept, n);
}

static void rotate(basis_run *run) {
  size_t n = run->dimension, k = run->kept;
  for (size_t i = 0; i < k * k; i++)
    run->rotation[i] = next_random(run);
  make_orthonormal(run, run->rotation, k, k);
  memset(run->other, 0, k * n * sizeof(float));
  for (size_t i = 0; i < k; i++) {
    for (size_t j = 0; j < k; j++)
      subtract(run->other + i * n, run->rows + j * n, -run->rotation[i * k + j], n);
  }
  memcpy(run->rows, run->other, k * n * sizeof(float));
}

rem_status rem_graph_basis_find(const float *sample, size_t count, const float *mean, size_t dimension, size_t kept, float *ret_basis,
                                rem_error *err) {
  basis_run run REM_CLEANUP(run_deinit) = {.kernel = rem_kernel_get(), .dimension = dimension, .kept = kept, .count = count,
                                           .rows = ret_basis, .random = 11};
  run.columns = rem_alloc((dimension * count + 1) * sizeof(float));
  run.covariance = rem_alloc(dimension * dimension * sizeof(float));
  run.other = rem_alloc(kept * dimension * sizeof(float));
  run.rotation = rem_alloc(kept * kept * sizeof(float));
  if (!run.columns || !run.covariance || !run.other || !run.rotation) return rem_error_nomem(err);
  for (size_t row = 0; row < count; row++) {
    for (size_t i = 0; i < dimension; i++)
      run.columns[i * count + row] = sample[row * dimension + i] - mean[i];
  }
  find_covariance(&run);
  for (size_t i = 0; i < kept * dimension; i++)
    ret_basis[i] = next_random(&run);
  make_orthonormal(&run, ret_basis, kept, dimension);
  for (int round = 0; round < ROUNDS; round++)
    iterate(&run);
  rotate(&run);
  return REM_OK;
}
