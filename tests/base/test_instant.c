/* SPDX-License-Identifier: Apache-2.0 */
/* Instants: known dates, every form of text, round trips. */
#include "base/instant.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)

static void assert_format(int64_t instant, const char *shortest, const char *fixed) {
  char text[REM_INSTANT_TEXT_SIZE];
  assert_int_equal(rem_instant_format(instant, text), strlen(shortest));
  assert_string_equal(text, shortest);
  assert_int_equal(rem_instant_format_fixed(instant, text), 27);
  assert_string_equal(text, fixed);
}

static void known_instants_have_their_text(void **state) {
  (void)state;
  assert_format(0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z");
  assert_format(-1, "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z");
  assert_format(1759276800 * SECOND, "2025-10-01T00:00:00Z", "2025-10-01T00:00:00.000000Z");
  assert_format(951782400 * SECOND + 500000, "2000-02-29T00:00:00.5Z", "2000-02-29T00:00:00.500000Z");
  assert_format(1709210096 * SECOND + 1230, "2024-02-29T12:34:56.00123Z", "2024-02-29T12:34:56.001230Z");
  assert_format(INT64_MIN, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z");
  assert_format(INT64_MAX, "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z");
}

static void formatting_agrees_with_the_c_library(void **state) {
  (void)state;
  unsigned seed = (unsigned)time(NULL);
  print_message("seed %u\n", seed);
  for (int i = 0; i < 100000; i++) {
    int64_t seconds = ((int64_t)rand_r(&seed) << 31 ^ rand_r(&seed)) % INT64_C(253402300800);
    if (i % 2)
      seconds = -(seconds % INT64_C(62135596800));
    time_t t = (time_t)seconds;
    struct tm parts;
    char expected[64], text[REM_INSTANT_TEXT_SIZE];
    int64_t back;
    gmtime_r(&t, &parts);
    snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1,
             parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    size_t size = rem_instant_format(seconds * SECOND, text);
    assert_string_equal(text, expected);
    assert_true(rem_instant_parse(text, size, false, &back));
    assert_true(back == seconds * SECOND);
  }
}

static void assert_parse(const char *text, bool lenient, const char *expected) {
  int64_t instant;
  char canonical[REM_INSTANT_TEXT_SIZE];
  if (!rem_instant_parse(text, strlen(text), lenient, &instant))
    fail_msg("'%s' is refused", text);
  rem_instant_format(instant, canonical);
  assert_string_equal(canonical, expected);
}

static void rfc_3339_is_read_in_all_its_forms(void **state) {
  (void)state;
  assert_parse("2025-10-17T09:00:00Z", false, "2025-10-17T09:00:00Z");
  assert_parse("2025-10-17t09:00:00z", false, "2025-10-17T09:00:00Z");
  assert_parse("2025-10-17 09:00:00Z", false, "2025-10-17T09:00:00Z");
  assert_parse("2025-10-17T09:00:00+02:00", false, "2025-10-17T07:00:00Z");
  assert_parse("2025-10-17T09:00:00-00:30", false, "2025-10-17T09:30:00Z");
  assert_parse("2025-12-31T23:30:00-01:00", false, "2026-01-01T00:30:00Z");
  assert_parse("2025-10-17T09:00:00.1234567899Z", false, "2025-10-17T09:00:00.123456Z");
  assert_parse("2025-10-17T09:00:00.000Z", false, "2025-10-17T09:00:00Z");
  assert_parse("2016-12-31T23:59:60Z", false, "2017-01-01T00:00:00Z");
  assert_parse("2024-02-29T00:00:00Z", false, "2024-02-29T00:00:00Z");
  assert_parse("2000-02-29T00:00:00Z", false, "2000-02-29T00:00:00Z");
}

static void lenient_reading_fills_in_what_is_missing(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"2025-10-17", "2025-10-17T00:00:00Z"},
      {"2025-10-17T09:30", "2025-10-17T09:30:00Z"},
      {"2025-10-17 09:30:01", "2025-10-17T09:30:01Z"},
      {"2025-10-17T09:30+01:00", "2025-10-17T08:30:00Z"},
      {"2025-10-17T09:30:01.5", "2025-10-17T09:30:01.5Z"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t ignored;
    assert_parse(cases[i][0], true, cases[i][1]);
    assert_false(rem_instant_parse(cases[i][0], strlen(cases[i][0]), false, &ignored));
  }
}

static void what_is_no_instant_is_refused_in_both_modes(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "",
      "2025",
      "2025-1-1",
      "2025-13-01",
      "2025-00-01",
      "2025-02-29",
      "1900-02-29",
      "2025-04-31",
      "2025-10-00",
      "0000-01-01",
      "10000-01-01",
      "2025-10-17T",
      "2025-10-17T24:00:00Z",
      "2025-10-17T09:60:00Z",
      "2025-10-17T09:00:61Z",
      "2025-10-17T09:00:00.Z",
      "2025-10-17T09:00:00+0200",
      "2025-10-17T09:00:00+24:00",
      "2025-10-17T09:00:00+01:60",
      "2025-10-17T09:00:00ZZ",
      "2025-10-17T09:00:00 Z",
      "2025-10-17x09:00:00Z",
      " 2025-10-17",
      "2025-10-17 ",
      "+025-10-17",
      "0001-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59-00:01",
      "9999-12-31T23:59:60Z",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    int64_t instant = 42;
    if (rem_instant_parse(wrong[i], strlen(wrong[i]), true, &instant) ||
        rem_instant_parse(wrong[i], strlen(wrong[i]), false, &instant))
      fail_msg("'%s' is accepted", wrong[i]);
    assert_true(instant == 42);
  }
}

static void now_is_after_this_was_written(void **state) {
  (void)state;
  assert_true(rem_instant_now() > 1700000000 * SECOND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_instants_have_their_text),
      cmocka_unit_test(formatting_agrees_with_the_c_library),
      cmocka_unit_test(rfc_3339_is_read_in_all_its_forms),
      cmocka_unit_test(lenient_reading_fills_in_what_is_missing),
      cmocka_unit_test(what_is_no_instant_is_refused_in_both_modes),
      cmocka_unit_test(now_is_after_this_was_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
