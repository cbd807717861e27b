/* SPDX-License-Identifier: Apache-2.0 */
/* Codes stand for similarities: how well, on data of several shapes, and which basis is chosen for them. */
#include "vector/graph_fixture.h"

#include "base/alloc.h"
#include "fault_sweep.h"
#include "vector/graph_basis.h"
#include "vector/graph_codec.h"
#include "vector/kernel.h"

enum { COUNT = 2100, FEWER = 800 }; /* a basis is looked for from 2,048 vectors on */

typedef enum shape { EVEN, LOW_RANK, OUTLIER, CONSTANT_COMPONENT } shape;

/* Unit vectors: of full rank, of rank 40 with a little noise, with one component far beyond the others, with one that never varies. */
static float *directions(shape what, size_t dimension, size_t count) {
  float *values = malloc(count * dimension * sizeof *values), *span = malloc(40 * dimension * sizeof *span);
  for (size_t i = 0; i < 40 * dimension; i++)
    span[i] = random_normal();
  for (size_t row = 0; row < count; row++) {
    float *v = values + row * dimension;
    for (size_t i = 0; i < dimension; i++)
      v[i] = what == LOW_RANK ? 0.05f * random_normal() : random_normal();
    for (size_t k = 0; what == LOW_RANK && k < 40; k++) {
      float part = random_normal();
      for (size_t i = 0; i < dimension; i++)
        v[i] += part * span[k * dimension + i] / 6;
    }
    if (what == OUTLIER) v[5] *= 40;
    if (what == CONSTANT_COMPONENT) v[5] = 10;
    normalise(v, dimension);
  }
  free(span);
  return values;
}

static void check_similarities(const rem_graph_codec *codec, const float *values, size_t dimension, shape what) {
  int8_t room[2 * 4096] __attribute__((aligned(64)));
  uint8_t code[4096] __attribute__((aligned(64)));
  rem_graph_query query = {.values = room};
  const uint32_t node = 0;
  double squares = 0;
  for (size_t i = 0; i < 200; i++) {
    const float *a = values + i * dimension, *b = values + (i + 400) * dimension;
    uint32_t key;
    rem_graph_codec_query(codec, a, &query);
    rem_graph_codec_encode(codec, b, code);
    rem_graph_kernel_get()->keys[codec->bits == 8](room, codec->lines, code, codec->lines * REM_GRAPH_LINE, &node, 1, &key);
    double similarity = rem_graph_query_similarity(&query, key) + (double)codec->bias;
    double error = similarity - (double)rem_kernel_get()->dot(a, b, dimension);
    squares += error * error;
    assert_in_range(rem_graph_query_key(&query, similarity - (double)codec->bias), key - 1, key + 1);
  }
  double error = sqrt(squares / 200);
  if (error > 0.06) fail_msg("similarities of shape %d in %zu dimensions are off by %.4f", (int)what, dimension, error);
}

static void codes_stand_for_similarities(void **state) {
  (void)state;
  print_message("seed %llu\n", (unsigned long long)fixture_seed);
  const size_t dimensions[] = {2, 64, 192, 200, 300};
  for (size_t d = 0; d < sizeof dimensions / sizeof *dimensions; d++) {
    for (int what = EVEN; what <= CONSTANT_COMPONENT; what++) {
      size_t dimension = dimensions[d];
      if (what > LOW_RANK && dimension < 64) continue;
      size_t count = what == OUTLIER && dimension > 192 ? COUNT : FEWER;
      float *values = directions((shape)what, dimension, count);
      rem_graph_codec codec = {0};
      must(rem_graph_codec_train(&codec, dimension, values, count, err));
      check_similarities(&codec, values, dimension, (shape)what);
      assert_int_equal(codec.bits, dimension < 193 ? 8 : 4);
      rem_graph_codec_deinit(&codec);
      free(values);
    }
  }
}

static void a_basis_is_taken_where_it_serves(void **state) {
  (void)state;
  struct {
    shape what;
    bool has_basis;
    size_t code_dimension;
  } cases[] = {{EVEN, false, 384}, {LOW_RANK, true, 256}, {OUTLIER, true, 0}};
  for (size_t i = 0; i < 3; i++) {
    float *values = directions(cases[i].what, 384, COUNT);
    rem_graph_codec codec = {0};
    must(rem_graph_codec_train(&codec, 384, values, COUNT, err));
    assert_int_equal(codec.basis != NULL, cases[i].has_basis);
    if (cases[i].code_dimension != 0) assert_int_equal(codec.code_dimension, cases[i].code_dimension);
    rem_graph_codec_deinit(&codec);
    free(values);
  }
}

static void a_basis_is_orthonormal_and_holds_the_variance(void **state) {
  (void)state;
  enum { DIMENSION = 96, KEPT = 48 };
  float *values = directions(LOW_RANK, DIMENSION, FEWER), mean[DIMENSION] = {0}, *basis = malloc(KEPT * DIMENSION * sizeof *basis);
  must(rem_graph_basis_find(values, FEWER, mean, DIMENSION, KEPT, basis, err));
  for (size_t i = 0; i < KEPT; i++) {
    for (size_t j = 0; j <= i; j++) {
      float dot = rem_kernel_get()->dot(basis + i * DIMENSION, basis + j * DIMENSION, DIMENSION);
      assert_true(fabsf(dot - (i == j ? 1.0f : 0.0f)) < 1e-4f);
    }
  }
  double held = 0;
  for (size_t row = 0; row < FEWER; row++) {
    for (size_t i = 0; i < KEPT; i++) {
      float part = rem_kernel_get()->dot(values + row * DIMENSION, basis + i * DIMENSION, DIMENSION);
      held += (double)part * (double)part;
    }
  }
  assert_true(held / FEWER > 0.99);
  free(basis);
  free(values);
}

static void directions_have_length_one_at_any_scale(void **state) {
  (void)state;
  const float scales[] = {1e-38f, 1e-30f, 1e-12f, 1, 1e12f, 1e30f, 1e38f};
  for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
    float v[7] = {1, -1, 0.5f, 0, 0.25f, -2, 3}, direction[7];
    double squares = 0;
    for (size_t i = 0; i < 7; i++)
      v[i] *= scales[s];
    rem_graph_direction(v, 7, direction);
    for (size_t i = 0; i < 7; i++)
      squares += (double)direction[i] * (double)direction[i];
    if (fabs(squares - 1) > 1e-5) fail_msg("length %.8f at %g", sqrt(squares), (double)scales[s]);
  }
  float zero[7] = {0}, direction[7];
  rem_graph_direction(zero, 7, direction);
  for (size_t i = 0; i < 7; i++)
    assert_true(direction[i] == 0);
}

static rem_status train(void *context, rem_error *err) {
  rem_graph_codec codec = {0};
  rem_status status = rem_graph_codec_train(&codec, 64, context, 300, err);
  rem_graph_codec_deinit(&codec);
  const float mean[64] = {0};
  float basis[8 * 64];
  if (status >= 0) status = rem_graph_basis_find(context, 300, mean, 64, 8, basis, err);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  float *values = directions(LOW_RANK, 64, 300);
  assert_true(fault_sweep(train, values) > 8);
  free(values);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_stand_for_similarities),
      cmocka_unit_test(a_basis_is_taken_where_it_serves),
      cmocka_unit_test(a_basis_is_orthonormal_and_holds_the_variance),
      cmocka_unit_test(directions_have_length_one_at_any_scale),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
