/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels for any CPU: vector extensions of the compiler, four lanes (SSE2, NEON), four sums at a time so that additions do not
 * wait for one another.
 */
#include "vector/kernel_plain.h"

#include <string.h>

typedef float lanes __attribute__((vector_size(16)));
enum { LANES = 4, SUMS = 4, BLOCK = LANES * SUMS };

static inline float load_one(const void *b, size_t i) {
  float value;
  memcpy(&value, (const char *)b + i * sizeof value, sizeof value);
  return value;
}

static inline void load(lanes *ret_lanes, const void *p, size_t i) {
  memcpy(ret_lanes, (const char *)p + i * sizeof(float), sizeof *ret_lanes);
}

static inline float fold(const lanes sums[SUMS]) {
  lanes sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static float dot(const float *a, const void *b, size_t dimension) {
  lanes sums[SUMS] = {{0}}, x, y;
  size_t i = 0;
  for (; i + BLOCK <= dimension; i += BLOCK) {
    for (size_t s = 0; s < SUMS; s++) {
      load(&x, a, i + s * LANES);
      load(&y, b, i + s * LANES);
      sums[s] += x * y;
    }
  }
  float total = fold(sums);
  for (; i < dimension; i++)
    total += a[i] * load_one(b, i);
  return total;
}

static float l2(const float *a, const void *b, size_t dimension) {
  lanes sums[SUMS] = {{0}}, x, y;
  size_t i = 0;
  for (; i + BLOCK <= dimension; i += BLOCK) {
    for (size_t s = 0; s < SUMS; s++) {
      load(&x, a, i + s * LANES);
      load(&y, b, i + s * LANES);
      x -= y;
      sums[s] += x * x;
    }
  }
  float total = fold(sums);
  for (; i < dimension; i++) {
    float difference = a[i] - load_one(b, i);
    total += difference * difference;
  }
  return total;
}

static void dot_norm(const float *a, const void *b, size_t dimension, float *ret_dot, float *ret_norm) {
  lanes dots[SUMS] = {{0}}, norms[SUMS] = {{0}}, x, y;
  size_t i = 0;
  for (; i + BLOCK <= dimension; i += BLOCK) {
    for (size_t s = 0; s < SUMS; s++) {
      load(&x, a, i + s * LANES);
      load(&y, b, i + s * LANES);
      dots[s] += x * y;
      norms[s] += y * y;
    }
  }
  float total_dot = fold(dots), total_norm = fold(norms);
  for (; i < dimension; i++) {
    float value = load_one(b, i);
    total_dot += a[i] * value;
    total_norm += value * value;
  }
  *ret_dot = total_dot;
  *ret_norm = total_norm;
}

const rem_kernel rem_kernel__generic = {"generic", dot, l2, dot_norm, largest, scale, levels};
