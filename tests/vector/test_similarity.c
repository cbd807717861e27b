/* SPDX-License-Identifier: Apache-2.0 */
/* Scores: definitions, extremes, what is refused. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vector/similarity.h"

static double score(rem_metric metric, const float *a, const float *b, size_t dimension) {
  rem_query query;
  rem_query_init(&query, metric, a, dimension);
  return rem_query_score(&query, b);
}

static void assert_close(double value, double expected) {
  if (fabs(value - expected) > 1e-6 * fmax(1, fabs(expected))) fail_msg("%.12g is not %.12g", value, expected);
}

static void scores_follow_their_definitions(void **state) {
  (void)state;
  const float a[] = {3, 4, 0}, b[] = {6, 8, 0}, c[] = {0, 0, 2}, d[] = {-3, -4, 0};
  assert_close(score(REM_METRIC_COSINE, a, b, 3), 1);
  assert_close(score(REM_METRIC_COSINE, a, c, 3), 0);
  assert_close(score(REM_METRIC_COSINE, a, d, 3), -1);
  assert_close(score(REM_METRIC_INNER_PRODUCT, a, b, 3), 50);
  assert_close(score(REM_METRIC_L2, a, b, 3), 5);
  assert_close(score(REM_METRIC_L2, a, c, 3), sqrt(29));
  assert_true(score(REM_METRIC_L2, a, a, 3) == 0);
}

static void a_zero_vector_scores_zero(void **state) {
  (void)state;
  const float zero[4] = {0}, a[4] = {1, 2, 3, 4};
  assert_true(score(REM_METRIC_COSINE, zero, a, 4) == 0);
  assert_true(score(REM_METRIC_COSINE, a, zero, 4) == 0);
  assert_true(score(REM_METRIC_COSINE, zero, zero, 4) == 0);
}

static void extreme_vectors_have_finite_scores(void **state) {
  (void)state;
  float huge[64], tiny[64], mixed[64];
  for (size_t i = 0; i < 64; i++) {
    huge[i] = FLT_MAX;
    tiny[i] = FLT_TRUE_MIN * 3;
    mixed[i] = i % 2 ? FLT_MAX : -FLT_MAX;
  }
  assert_close(score(REM_METRIC_COSINE, huge, huge, 64), 1);
  assert_close(score(REM_METRIC_COSINE, tiny, tiny, 64), 1);
  assert_close(score(REM_METRIC_COSINE, huge, tiny, 64), 1);
  assert_close(score(REM_METRIC_COSINE, huge, mixed, 64), 0);
  assert_true(isfinite(score(REM_METRIC_INNER_PRODUCT, huge, huge, 64)));
  assert_close(score(REM_METRIC_INNER_PRODUCT, huge, huge, 64) / (64.0 * FLT_MAX * FLT_MAX), 1);
  assert_close(score(REM_METRIC_L2, huge, mixed, 64) / (sqrt(32.0) * 2.0 * FLT_MAX), 1);
}

static void a_vector_and_its_multiple_never_exceed_one(void **state) {
  (void)state;
  float a[384], b[384];
  for (uint32_t round = 0; round < 200; round++) {
    for (uint32_t i = 0; i < 384; i++) {
      a[i] = (float)((round * 7919 + i * 104729) % 1000) / 500.0f - 1.0f;
      b[i] = a[i] * 0.3f;
    }
    double value = score(REM_METRIC_COSINE, a, b, 384);
    assert_true(value <= 1);
    assert_close(value, 1);
  }
}

static void what_cannot_be_compared_is_refused(void **state) {
  (void)state;
  float values[8] = {0};
  rem_error err = {0};
  assert_int_equal(rem_vector_check(values, 8, &err), REM_OK);
  values[3] = NAN;
  assert_int_equal(rem_vector_check(values, 8, &err), REM_INVALID);
  assert_string_equal(err.message, "component 3 of the vector is not a number");
  values[3] = -INFINITY;
  assert_int_equal(rem_vector_check(values, 8, &err), REM_INVALID);
  assert_string_equal(err.message, "component 3 of the vector is infinite");
  assert_int_equal(rem_vector_check(values, 3, &err), REM_OK);
  assert_int_equal(rem_vector_check(values, 0, &err), REM_INVALID);
  assert_int_equal(rem_vector_check(values, 4097, &err), REM_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scores_follow_their_definitions),
      cmocka_unit_test(a_zero_vector_scores_zero),
      cmocka_unit_test(extreme_vectors_have_finite_scores),
      cmocka_unit_test(a_vector_and_its_multiple_never_exceed_one),
      cmocka_unit_test(what_cannot_be_compared_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
