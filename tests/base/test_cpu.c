/* SPDX-License-Identifier: Apache-2.0 */
/* CPU dispatch: levels are ordered and only ever lower. */
#include "base/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const levels[] = {"generic", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "amx"};

#define LEVEL_COUNT (sizeof levels / sizeof *levels)

/* avxvnni is a branch: its instructions for VEX registers come back with those of AVX-512. */
static void each_level_keeps_the_features_of_the_one_below(void **state) {
  (void)state;
  unsigned below = 0;
  for (size_t i = 0; i < LEVEL_COUNT; i++) {
    rem_cpu_set_level(levels[i]);
    unsigned features = rem_cpu_features();
    assert_int_equal(features & below, below);
    below = strcmp(levels[i], "avxvnni") == 0 ? features & ~(unsigned)REM_CPU_AVX_VNNI : features;
  }
  rem_cpu_set_level(NULL);
  assert_int_equal(rem_cpu_features(), below);
}

static size_t rank(const char *name) {
  for (size_t i = 0; i < LEVEL_COUNT; i++)
    if (strcmp(levels[i], name) == 0)
      return i;
  fail_msg("no level '%s'", name);
  return 0;
}

static void the_level_in_use_is_not_above_the_one_set(void **state) {
  (void)state;
  for (size_t i = 0; i < LEVEL_COUNT; i++) {
    rem_cpu_set_level(levels[i]);
    assert_true(rank(rem_cpu_level()) <= i);
  }
  rem_cpu_set_level("generic");
  assert_int_equal(rem_cpu_features(), 0);
  assert_string_equal(rem_cpu_level(), "generic");
  rem_cpu_set_level(NULL);
}

static void the_environment_lowers_the_level(void **state) {
  (void)state;
  assert_int_equal(setenv("REM_CPU_LEVEL", "generic", 1), 0);
  rem_cpu_set_level(NULL);
  assert_int_equal(rem_cpu_features(), 0);
  assert_int_equal(setenv("REM_CPU_LEVEL", "no such level", 1), 0);
  rem_cpu_set_level(NULL);
  unsigned unknown = rem_cpu_features();
  assert_int_equal(unsetenv("REM_CPU_LEVEL"), 0);
  rem_cpu_set_level(NULL);
  assert_int_equal(unknown, rem_cpu_features());
}

static void the_cpu_has_a_trimmed_name(void **state) {
  (void)state;
  const char *name = rem_cpu_name();
  size_t size = strlen(name);
  assert_true(size > 0 && size < 49);
  assert_true(name[0] != ' ' && name[size - 1] != ' ');
}

#if defined(__x86_64__)
static void detection_agrees_with_the_compiler(void **state) {
  (void)state;
  __builtin_cpu_init();
  bool is_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  bool is_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  assert_int_equal(rem_cpu_has(REM_CPU_AVX2), is_avx2);
  assert_int_equal(rem_cpu_has(REM_CPU_AVX512), is_avx512);
  assert_int_equal(rem_cpu_has(REM_CPU_AVX512_VNNI), is_avx512 && __builtin_cpu_supports("avx512vnni"));
  assert_int_equal(rem_cpu_has(REM_CPU_SSE42), __builtin_cpu_supports("sse4.2") != 0);
}
#else
static void detection_agrees_with_the_compiler(void **state) {
  (void)state;
  assert_int_equal(rem_cpu_features(), 0);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_level_keeps_the_features_of_the_one_below),
      cmocka_unit_test(the_level_in_use_is_not_above_the_one_set),
      cmocka_unit_test(the_environment_lowers_the_level),
      cmocka_unit_test(the_cpu_has_a_trimmed_name),
      cmocka_unit_test(detection_agrees_with_the_compiler),
      cmocka_unit_test(detection_agrees_with_the_compiler),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
