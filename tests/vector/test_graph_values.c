/* SPDX-License-Identifier: Apache-2.0 */
/* Kept vectors: what they hold exactly, how far off the rest is, and scores of them beside those of the vectors they were made of. */
#include "vector/graph_fixture.h"

#include <float.h>

#include "vector/graph_values.h"

enum { MOST_DIMENSION = 1030, PAIRS = 200 };
static const char *const KERNELS[] = {"generic", "avx2", "avxvnni", "avx512vnni"};

static int16_t kept[MOST_DIMENSION + 32] __attribute__((aligned(64)));
static float room[MOST_DIMENSION + 32] __attribute__((aligned(64)));

static void expect_exact(const float *vector, size_t dimension) {
  float again[MOST_DIMENSION];
  float unit = rem_graph_values_encode(vector, dimension, kept);
  assert_true(rem_graph_unit_is_sound(unit));
  rem_graph_values_decode(kept, unit, dimension, again);
  for (size_t i = 0; i < dimension; i++)
    assert_float_equal(again[i], vector[i], 0);
  for (size_t i = dimension; i < rem_graph_values_count(dimension); i++)
    assert_int_equal(kept[i], 0);
}

static void what_has_few_digits_is_kept_exactly(void **state) {
  (void)state;
  for (int exponent = -148; exponent <= 113; exponent++) {
    float vector[5];
    for (size_t i = 0; i < 5; i++)
      vector[i] = ldexpf((float)((int)i * 7 - 11), exponent < 120 ? exponent : 120);
    expect_exact(vector, 5);
  }
  expect_exact((const float[]){0, 0, 0}, 3);
  expect_exact((const float[]){0, -0x1p-149f}, 2);
  expect_exact((const float[]){0x1p127f, -0x1p126f, 0x1p113f}, 3);
  expect_exact((const float[]){32767, -32767, 1}, 3);
}

static void no_component_is_off_by_more_than_half_a_unit(void **state) {
  (void)state;
  print_message("seed %llu\n", (unsigned long long)fixture_seed);
  for (int exponent = -149; exponent <= 126; exponent++) {
    float vector[77], again[77];
    for (size_t i = 0; i < 77; i++)
      vector[i] = ldexpf(random_normal() / 8, exponent);
    float unit = rem_graph_values_encode(vector, 77, kept);
    rem_graph_values_decode(kept, unit, 77, again);
    for (size_t i = 0; i < 77; i++)
      assert_true(fabs((double)again[i] - (double)vector[i]) <= 0.5 * (double)unit);
  }
}

/* All but the largest float of all, which must stay one. */
static void the_largest_floats_stay_finite(void **state) {
  (void)state;
  const float vector[] = {FLT_MAX, -FLT_MAX, nextafterf(FLT_MAX, 0), FLT_MAX / 2};
  float again[4];
  float unit = rem_graph_values_encode(vector, 4, kept);
  assert_true(rem_graph_unit_is_sound(unit));
  rem_graph_values_decode(kept, unit, 4, again);
  for (size_t i = 0; i < 4; i++)
    assert_true(isfinite(again[i]) && fabs((double)again[i] - (double)vector[i]) <= (double)unit);
}

static void a_kept_vector_is_kept_as_it_is(void **state) {
  (void)state;
  for (size_t round = 0; round < 2000; round++) {
    float vector[3], again[3];
    int16_t second[32];
    for (size_t i = 0; i < 3; i++)
      vector[i] = ldexpf(random_normal(), (int)(round % 250) - 125);
    if (round % 3 == 0) vector[0] = nextafterf(ldexpf(1, (int)(round % 250) - 125), 0); /* rounds up to the next power of two */
    float unit = rem_graph_values_encode(vector, 3, kept);
    rem_graph_values_decode(kept, unit, 3, again);
    assert_float_equal(rem_graph_values_encode(again, 3, second), unit, 0);
    assert_memory_equal(kept, second, sizeof second);
  }
}

static void make_pair(size_t dimension, float *query, float *vector, int query_exponent, int vector_exponent) {
  for (size_t i = 0; i < dimension; i++) {
    query[i] = ldexpf(random_normal() / 32, query_exponent);
    vector[i] = ldexpf(random_normal() / 32, vector_exponent);
  }
}

static void check_score(const rem_graph_kernel *kernel, rem_metric metric, const float *query, const float *vector, size_t dimension) {
  rem_query exact;
  rem_graph_measure measure;
  rem_query_init(&exact, metric, query, dimension);
  rem_graph_measure_init(&measure, metric, query, dimension, room);
  measure.kernel = kernel;
  float unit = rem_graph_values_encode(vector, dimension, kept);
  double wanted = rem_query_score(&exact, vector), got = rem_graph_measure_score(&measure, kept, unit);
  double error = rem_graph_measure_error(&measure, kept, unit);
  assert_true(isfinite(got));
  if (!(fabs(wanted - got) <= error))
    fail_msg("%s, metric %d, dimension %zu: %.9g instead of %.9g, off by more than %.3g", kernel->name, (int)metric, dimension, got, wanted, error);
  assert_true(metric != REM_METRIC_COSINE || error < 0.002);
}

static void scores_are_within_their_error(void **state) {
  (void)state;
  const size_t dimensions[] = {2, 3, 31, 32, 33, 384, MOST_DIMENSION};
  float query[MOST_DIMENSION], vector[MOST_DIMENSION];
  for (size_t k = 0; k < 4; k++) {
    const rem_graph_kernel *kernel = rem_graph_kernel_by_name(KERNELS[k]);
    for (size_t d = 0; kernel != NULL && d < sizeof dimensions / sizeof *dimensions; d++) {
      for (int i = 0; i < PAIRS; i++) {
        make_pair(dimensions[d], query, vector, i % 3 == 0 ? i - 100 : 0, i % 5 == 0 ? 100 - i : 0);
        for (int metric = REM_METRIC_COSINE; metric <= REM_METRIC_L2; metric++)
          check_score(kernel, (rem_metric)metric, query, vector, dimensions[d]);
      }
    }
  }
}

static void zeros_score_as_the_metric_says(void **state) {
  (void)state;
  float zeros[40] = {0}, ones[40];
  for (size_t i = 0; i < 40; i++)
    ones[i] = 1;
  const float *pairs[3][2] = {{zeros, ones}, {ones, zeros}, {zeros, zeros}};
  for (size_t i = 0; i < 3; i++) {
    for (int metric = REM_METRIC_COSINE; metric <= REM_METRIC_L2; metric++)
      check_score(rem_graph_kernel_get(), (rem_metric)metric, pairs[i][0], pairs[i][1], 40);
  }
}

static void a_vector_is_at_no_distance_from_itself_when_kept_exactly(void **state) {
  (void)state;
  float vector[100];
  rem_graph_measure measure;
  for (size_t i = 0; i < 100; i++)
    vector[i] = (float)(int)(i * i % 201) - 100;
  rem_graph_measure_init(&measure, REM_METRIC_L2, vector, 100, room);
  float unit = rem_graph_values_encode(vector, 100, kept);
  assert_true(rem_graph_measure_score(&measure, kept, unit) == 0);
  rem_graph_measure_init(&measure, REM_METRIC_COSINE, vector, 100, room);
  assert_true(rem_graph_measure_score(&measure, kept, unit) > 1 - 1e-6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_has_few_digits_is_kept_exactly),
      cmocka_unit_test(no_component_is_off_by_more_than_half_a_unit),
      cmocka_unit_test(the_largest_floats_stay_finite),
      cmocka_unit_test(a_kept_vector_is_kept_as_it_is),
      cmocka_unit_test(scores_are_within_their_error),
      cmocka_unit_test(zeros_score_as_the_metric_says),
      cmocka_unit_test(a_vector_is_at_no_distance_from_itself_when_kept_exactly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
