/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel this CPU can run, against sums in double, over all small dimensions, at odd addresses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "vector/kernel.h"

enum { MAX_DIMENSION = 4096 };
static const char *const NAMES[] = {"generic", "avx2", "avx512"};
static float a[MAX_DIMENSION], b[MAX_DIMENSION];
static uint64_t seed = 20251117;

static double uniform(void) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (double)(int64_t)(seed >> 11) / 4503599627370496.0 - 1.0;
}

static void fill(size_t dimension, double scale) {
  for (size_t i = 0; i < dimension; i++) {
    a[i] = (float)(uniform() * scale);
    b[i] = (float)(uniform() * scale);
  }
}

/* The reference, and the sum of magnitudes that bounds the rounding error. */
typedef struct reference {
  double dot, dot_size, l2, norm;
} reference;

static reference sums(size_t dimension) {
  reference r = {0};
  for (size_t i = 0; i < dimension; i++) {
    double x = a[i], y = b[i];
    r.dot += x * y;
    r.dot_size += fabs(x * y);
    r.l2 += (x - y) * (x - y);
    r.norm += y * y;
  }
  return r;
}

static void assert_near(double value, double expected, double size) {
  if (fabs(value - expected) > size * 1e-5) fail_msg("%.9g is not %.9g", value, expected);
}

static void check(const rem_kernel *kernel, size_t dimension) {
  reference r = sums(dimension);
  float dot, norm;
  kernel->dot_norm(a, b, dimension, &dot, &norm);
  assert_near(dot, r.dot, r.dot_size);
  assert_near(norm, r.norm, r.norm);
  assert_near(kernel->dot(a, b, dimension), r.dot, r.dot_size);
  assert_near(kernel->l2(a, b, dimension), r.l2, r.l2);
}

static const rem_kernel *kernel_or_note(const char *name) {
  const rem_kernel *kernel = rem_kernel_by_name(name);
  if (kernel == NULL) print_message("this CPU cannot run the kernel %s\n", name);
  return kernel;
}

static void every_kernel_agrees_with_double_sums(void **state) {
  (void)state;
  print_message("seed %llu\n", (unsigned long long)seed);
  for (size_t k = 0; k < 3; k++) {
    const rem_kernel *kernel = kernel_or_note(NAMES[k]);
    if (kernel == NULL) continue;
    for (size_t dimension = 1; dimension <= 300; dimension++) {
      fill(dimension, 1.0);
      check(kernel, dimension);
    }
    const size_t large[] = {384, 768, 1024, 1536, 3071, 4096};
    for (size_t i = 0; i < 6; i++) {
      fill(large[i], 1.0);
      check(kernel, large[i]);
    }
  }
}

static void large_and_small_components_keep_their_digits(void **state) {
  (void)state;
  const double scales[] = {1e-12, 1e-6, 1e6, 1e15};
  for (size_t k = 0; k < 3; k++) {
    const rem_kernel *kernel = kernel_or_note(NAMES[k]);
    for (size_t s = 0; kernel != NULL && s < 4; s++) {
      fill(384, scales[s]);
      check(kernel, 384);
    }
  }
}

static void vectors_may_stand_at_any_address(void **state) {
  (void)state;
  static char bytes[sizeof b + 64];
  fill(133, 1.0);
  reference r = sums(133);
  for (size_t k = 0; k < 3; k++) {
    const rem_kernel *kernel = kernel_or_note(NAMES[k]);
    for (size_t shift = 0; kernel != NULL && shift < 17; shift++) {
      memcpy(bytes + shift, b, 133 * sizeof *b);
      assert_near(kernel->dot(a, bytes + shift, 133), r.dot, r.dot_size);
      assert_near(kernel->l2(a, bytes + shift, 133), r.l2, r.l2);
    }
  }
}

/* A guard: components beyond the dimension are NaN and must not be seen. */
static void nothing_beyond_the_dimension_counts(void **state) {
  (void)state;
  for (size_t k = 0; k < 3; k++) {
    const rem_kernel *kernel = kernel_or_note(NAMES[k]);
    for (size_t dimension = 1; kernel != NULL && dimension < 140; dimension++) {
      fill(dimension + 64, 1.0);
      for (size_t i = dimension; i < dimension + 64; i++)
        a[i] = b[i] = NAN;
      check(kernel, dimension);
    }
  }
}

static void check_plain(const rem_kernel *kernel, size_t dimension) {
  static float scaled[4096];
  static int8_t levels[4096];
  float largest = 0;
  int32_t sum = 0;
  for (size_t i = 0; i < dimension; i++)
    largest = fabsf(a[i]) > largest ? fabsf(a[i]) : largest;
  assert_true(kernel->largest(a, dimension) == largest);
  kernel->scale(a, 0.25f, dimension, scaled);
  int32_t total = kernel->levels(a, 127 / largest, dimension, levels);
  for (size_t i = 0; i < dimension; i++) {
    assert_true(scaled[i] == a[i] * 0.25f);
    assert_true(fabs((double)a[i] * (double)(127 / largest) - levels[i]) < 0.5001);
    sum += levels[i];
  }
  assert_int_equal(total, sum);
}

static void magnitudes_and_levels_are_those_of_each_component(void **state) {
  (void)state;
  for (size_t k = 0; k < 3; k++) {
    const rem_kernel *kernel = kernel_or_note(NAMES[k]);
    for (size_t dimension = 1; kernel != NULL && dimension < 140; dimension++) {
      fill(dimension, 1.0);
      check_plain(kernel, dimension);
    }
  }
}

static void what_is_not_finite_is_the_largest(void **state) {
  (void)state;
  const float strange[] = {NAN, -NAN, INFINITY, -INFINITY};
  for (size_t k = 0; k < 3; k++) {
    const rem_kernel *kernel = kernel_or_note(NAMES[k]);
    for (size_t i = 0; kernel != NULL && i < 4 * 70; i++) {
      fill(70, 1e38);
      a[i % 70] = strange[i / 70];
      assert_false(isfinite(kernel->largest(a, 70)));
    }
  }
}

static void the_level_chooses_the_kernel(void **state) {
  (void)state;
  rem_cpu_set_level("generic");
  assert_string_equal(rem_kernel_get()->name, "generic");
  assert_null(rem_kernel_by_name("avx2"));
  rem_cpu_set_level("avx2");
  assert_string_equal(rem_kernel_get()->name, rem_cpu_has(REM_CPU_AVX2) ? "avx2" : "generic");
  rem_cpu_set_level(NULL);
  assert_null(rem_kernel_by_name("no such kernel"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kernel_agrees_with_double_sums),
      cmocka_unit_test(large_and_small_components_keep_their_digits),
      cmocka_unit_test(vectors_may_stand_at_any_address),
      cmocka_unit_test(nothing_beyond_the_dimension_counts),
      cmocka_unit_test(magnitudes_and_levels_are_those_of_each_component),
      cmocka_unit_test(what_is_not_finite_is_the_largest),
      cmocka_unit_test(the_level_chooses_the_kernel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
