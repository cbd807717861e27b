/* SPDX-License-Identifier: Apache-2.0 */
/* Reals as text: the shortest that reads back, whatever the locale. */
#include "base/real.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void assert_format(double value, const char *expected) {
  char text[REM_REAL_TEXT_SIZE];
  assert_int_equal(rem_real_format(value, text), strlen(expected));
  assert_string_equal(text, expected);
}

static void well_known_reals_have_their_text(void **state) {
  (void)state;
  assert_format(0.0, "0.0");
  assert_format(-0.0, "-0.0");
  assert_format(1.0, "1.0");
  assert_format(-17.0, "-17.0");
  assert_format(0.5, "0.5");
  assert_format(12.05, "12.05");
  assert_format(-0.001, "-0.001");
  assert_format(0.0001, "0.0001");
  assert_format(0.00001, "1e-05");
  assert_format(0.1 + 0.2, "0.30000000000000004");
  assert_format(123456789.125, "123456789.125");
  assert_format(999999999999999.0, "999999999999999.0");
  assert_format(1e15, "1e+15");
  assert_format(9007199254740993.0, "9007199254740992.0");
  assert_format(1.0 / 3, "0.3333333333333333");
  assert_format(5e-324, "4.94065645841247e-324");
  assert_format(1.7976931348623157e308, "1.7976931348623157e+308");
}

/* What printf needs, without the ".0" that keeps a real a real. */
static size_t printf_digits(double value) {
  static const char *const formats[] = {"%.15g", "%.16g", "%.17g"};
  char text[64];
  for (int i = 0; i < 3; i++) {
    snprintf(text, sizeof text, formats[i], value);
    if (strtod(text, NULL) == value)
      break;
  }
  return strlen(text);
}

static void assert_shortest(double value) {
  char text[REM_REAL_TEXT_SIZE];
  size_t size = rem_real_format(value, text);
  if (size != strlen(text) || rem_real_parse(text, NULL) != value || signbit(strtod(text, NULL)) != signbit(value))
    fail_msg("%a became %s", value, text);
  size_t needed = printf_digits(value);
  if (size > needed && !(size == needed + 2 && strcmp(text + needed, ".0") == 0))
    fail_msg("%s could be shorter", text);
}

static void random_decimals_and_bit_patterns_are_shortest(void **state) {
  (void)state;
  unsigned seed = (unsigned)time(NULL);
  print_message("seed %u\n", seed);
  for (int i = 0; i < 200000; i++) {
    double value;
    uint64_t bits = (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed) << 11 ^ (uint64_t)rand_r(&seed);
    memcpy(&value, &bits, sizeof value);
    if (isfinite(value))
      assert_shortest(value);
    assert_shortest((double)rand_r(&seed) / pow(10, i % 12));
    assert_shortest(-((double)rand_r(&seed) * 10000 + rand_r(&seed) % 10000) / pow(10, i % 12));
    assert_shortest((double)(float)(rand_r(&seed) / 2147483648.0));
  }
}

static void parsing_tells_where_the_number_ends(void **state) {
  (void)state;
  const char *text = "1.5e3x", *end;
  assert_true(rem_real_parse(text, &end) == 1500.0);
  assert_ptr_equal(end, text + 5);
  assert_true(isinf(rem_real_parse("1e999", NULL)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(well_known_reals_have_their_text),
      cmocka_unit_test(random_decimals_and_bit_patterns_are_shortest),
      cmocka_unit_test(parsing_tells_where_the_number_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
