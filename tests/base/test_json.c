/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON: what is accepted, what is refused and how it is said, writing, equality. */
#include "base/json.h"

#include <locale.h>
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

#include "fault_sweep.h"

static json_t *parse(const char *text) {
  rem_error err = {0};
  json_t *json = NULL;
  if (rem_json_parse(text, strlen(text), &json, &err) != REM_OK)
    fail_msg("'%s': %s", text, err.message);
  return json;
}

static void assert_writes(const char *text, const char *expected) {
  rem_error err = {0};
  rem_bytes written = {0};
  json_t *json = parse(text);
  assert_int_equal(rem_json_text(json, &written, &err), REM_OK);
  assert_string_equal(written.data, expected);
  assert_int_equal(written.size, strlen(expected));
  rem_bytes_free(&written);
  json_decref(json);
}

static void assert_refused_sized(const char *text, size_t size, rem_status code, int64_t offset, const char *part) {
  rem_error err = {0};
  json_t *json = NULL;
  assert_int_equal(rem_json_parse(text, size, &json, &err), code);
  assert_null(json);
  assert_int_equal(err.code, code);
  if (!strstr(err.message, part))
    fail_msg("'%s' does not say '%s'", err.message, part);
  if (err.offset != offset)
    fail_msg("offset %ld instead of %ld: %s", (long)err.offset, (long)offset, err.message);
}

static void assert_refused(const char *text, int64_t offset, const char *part) {
  assert_refused_sized(text, strlen(text), REM_INVALID, offset, part);
}

static void values_are_written_compact_and_in_their_order(void **state) {
  (void)state;
  assert_writes(" { \"b\" : [ 1 , true , null ] , \"a\" : { } , \"c\":[] } ", "{\"b\":[1,true,null],\"a\":{},\"c\":[]}");
  assert_writes("\"x\"", "\"x\"");
  assert_writes("false", "false");
}

static void integers_are_exact_to_both_ends_of_int64(void **state) {
  (void)state;
  assert_writes("[9223372036854775807,-9223372036854775808,0,-1,10]", "[9223372036854775807,-9223372036854775808,0,-1,10]");
  assert_refused("[1,9223372036854775808]", 3, "9223372036854775808 is outside the range of a 64-bit integer");
  assert_refused("-9223372036854775809", 0, "outside the range of a 64-bit integer");
}

static void reals_are_written_by_the_shortest_form_that_reads_back(void **state) {
  (void)state;
  assert_writes("[1.0,0.1,0.30000000000000004,1e20,1e-7,-0.0,123456789.125]",
                "[1.0,0.1,0.30000000000000004,1e+20,1e-07,-0.0,123456789.125]");
  assert_writes("[1.7976931348623157e308,1e15,999999999999999.0,3]",
                "[1.7976931348623157e+308,1e+15,999999999999999.0,3]");
}

static void random_reals_round_trip(void **state) {
  (void)state;
  unsigned seed = (unsigned)time(NULL);
  print_message("seed %u\n", seed);
  uint64_t x = seed * 2654435761u + 1;
  for (int i = 0; i < 100000; i++) {
    double value;
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    memcpy(&value, &x, sizeof value);
    if (!isfinite(value))
      continue;
    rem_buffer buffer REM_AUTO_BUFFER = {0};
    rem_json_append_real(&buffer, value);
    rem_buffer_append_byte(&buffer, 0);
    if (strtod((const char *)buffer.data, NULL) != value || !strpbrk((const char *)buffer.data, ".e"))
      fail_msg("%a became %s", value, (const char *)buffer.data);
  }
}

static void the_locale_of_the_host_changes_nothing(void **state) {
  (void)state;
  static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ru_RU.UTF-8"};
  for (size_t i = 0; i < 3; i++)
    setlocale(LC_ALL, locales[i]); /* whichever is installed */
  assert_writes("[0.5,1.25e-9]", "[0.5,1.25e-09]");
  setlocale(LC_ALL, "C");
}

static void strings_escape_what_json_demands_and_nothing_else(void **state) {
  (void)state;
  assert_writes("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\\u00e9\\ud83d\\ude00\"",
                "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\u00e9\U0001f600\"");
}

static void escapes_are_found_at_every_position(void **state) {
  (void)state;
  for (size_t size = 1; size < 40; size++)
    for (size_t at = 0; at < size; at++)
      for (int c = 0; c < 0x30; c++) {
        char text[40];
        memset(text, 'z', sizeof text);
        text[at] = (char)c;
        rem_buffer buffer REM_AUTO_BUFFER = {0};
        rem_json_append_string(&buffer, text, size);
        json_error_t failure;
        json_t *back = json_loadb((const char *)buffer.data, buffer.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &failure);
        if (!back || json_string_length(back) != size || memcmp(json_string_value(back), text, size) != 0)
          fail_msg("byte %d at %zu of %zu", c, at, size);
        json_decref(back);
      }
}

static void duplicate_keys_are_refused_by_name(void **state) {
  (void)state;
  assert_refused("{\"a\":1,\"a\":2}", 7, "the key \"a\" appears twice");
  assert_refused("{\"x\":{\"q\\\"\\\\\":1,\n \"q\\\"\\\\\":2}}", 18, "line 2, column 2: the key \"q\\\"\\\\\" appears twice");
}

static void syntax_errors_say_where(void **state) {
  (void)state;
  assert_refused("", 0, "the text is empty");
  assert_refused("  ", 2, "ends before the value");
  assert_refused("{\"a\":", 5, "ends before the value");
  assert_refused("{\"a\":\n  tru}", 8, "line 2, column 3");
  assert_refused("[1,]", 3, "line 1, column 4");
  assert_refused("{\"a\" 1}", 5, "':' expected");
  assert_refused("[1] x", 4, "something follows");
  assert_refused("{'a':1}", 1, "column 2");
  assert_refused("[01]", 1, "column 2");
  assert_refused("[NaN]", 1, "column 2");
  assert_refused("[Infinity]", 1, "column 2");
  assert_refused("[1e400]", 1, "1e400 is outside the range of a 64-bit real");
  assert_refused("\"a\tb\"", 2, "control character");
  assert_refused("\"\\x\"", 2, "invalid escape");
}

static void invalid_utf8_is_named_with_its_offset(void **state) {
  (void)state;
  assert_refused("{\"\u00e9\":\"\xff\"}", 7, "line 1, column 7: byte 0xff at offset 7 is not UTF-8");
  assert_refused("\"\\ud800\"", 0, "invalid Unicode");
}

static void nul_is_allowed_in_strings_and_not_in_keys(void **state) {
  (void)state;
  json_t *json = parse("\"a\\u0000b\"");
  assert_int_equal(json_string_length(json), 3);
  json_decref(json);
  assert_refused("{\"a\\u0000\":1}", 1, "may not contain \\u0000");
  assert_refused_sized("[1\0]", 4, REM_INVALID, 2, "column 3: NUL bytes");
}

static void deep_nesting_is_a_limit_not_a_crash(void **state) {
  (void)state;
  enum { DEEP = 100000 };
  char *text = malloc(2 * DEEP + 1);
  assert_non_null(text);
  memset(text, '[', DEEP);
  memset(text + DEEP, ']', DEEP);
  assert_refused_sized(text, 2 * DEEP, REM_LIMIT, 512, "nested deeper than 512");
  memset(text + 512, ']', 512);
  text[1024] = 0;
  json_decref(parse(text));
  memset(text, '"', 1);
  memset(text + 1, '[', 1000);
  memcpy(text + 1001, "\\\"\"", 4); /* brackets in a string are text */
  json_decref(parse(text));
  free(text);
}

static void an_object_is_asked_for_by_type(void **state) {
  (void)state;
  rem_error err = {0};
  json_t *json = NULL;
  assert_int_equal(rem_json_parse_object("[1]", 3, &json, &err), REM_INVALID);
  assert_string_equal(err.message, "a JSON object is expected, not array");
  assert_int_equal(rem_json_parse_object("{}", 2, &json, &err), REM_OK);
  json_decref(json);
}

static void assert_equality(const char *a, const char *b, bool expected) {
  json_t *left = parse(a), *right = parse(b);
  if (rem_json_equal(left, right) != expected || rem_json_equal(right, left) != expected)
    fail_msg("%s and %s", a, b);
  json_decref(left);
  json_decref(right);
}

static void equality_is_that_of_json_schema(void **state) {
  (void)state;
  assert_equality("1", "1.0", true);
  assert_equality("{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true);
  assert_equality("[1,2]", "[2,1]", false);
  assert_equality("1", "true", false);
  assert_equality("0", "-0.0", true);
  assert_equality("9007199254740993", "9007199254740992.0", false);
  assert_equality("9223372036854775807", "9223372036854775808.0", false);
  assert_equality("\"a\"", "\"a\\u0000\"", false);
  assert_equality("{\"a\":1}", "{\"a\":1,\"b\":2}", false);
  assert_equality("{\"a\":1}", "{\"b\":1}", false);
  assert_equality("null", "false", false);
}

static rem_status write_value(void *context, rem_error *err) {
  rem_bytes text = {0};
  rem_status status = rem_json_text(context, &text, err);
  rem_bytes_free(&text);
  return status;
}

static void writing_survives_every_allocation_failure(void **state) {
  (void)state;
  /* Long enough to grow the buffer more than once. */
  char text[1024];
  snprintf(text, sizeof text, "[\"%0600d\",1,2.5,{\"k\":[]}]", 7);
  json_t *json = parse(text);
  assert_true(fault_sweep(write_value, json) >= 2);
  json_decref(json);
}

static void values_too_deep_or_missing_are_not_written(void **state) {
  (void)state;
  rem_error err = {0};
  rem_bytes text = {0};
  json_t *top = json_array();
  for (int i = 0; i < 1100; i++) {
    json_t *outer = json_array();
    json_array_append_new(outer, top);
    top = outer;
  }
  assert_int_equal(rem_json_text(top, &text, &err), REM_LIMIT);
  assert_null(text.data);
  json_decref(top);
  assert_int_equal(rem_json_text(NULL, &text, &err), REM_MISUSE);
}

static void types_have_names(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"{}", "object"}, {"[]", "array"},    {"\"\"", "string"}, {"1", "integer"},
                                         {"1.0", "number"}, {"true", "boolean"}, {"null", "null"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    json_t *json = parse(cases[i][0]);
    assert_string_equal(rem_json_type_name(json), cases[i][1]);
    json_decref(json);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_written_compact_and_in_their_order),
      cmocka_unit_test(integers_are_exact_to_both_ends_of_int64),
      cmocka_unit_test(reals_are_written_by_the_shortest_form_that_reads_back),
      cmocka_unit_test(random_reals_round_trip),
      cmocka_unit_test(the_locale_of_the_host_changes_nothing),
      cmocka_unit_test(strings_escape_what_json_demands_and_nothing_else),
      cmocka_unit_test(escapes_are_found_at_every_position),
      cmocka_unit_test(duplicate_keys_are_refused_by_name),
      cmocka_unit_test(syntax_errors_say_where),
      cmocka_unit_test(invalid_utf8_is_named_with_its_offset),
      cmocka_unit_test(nul_is_allowed_in_strings_and_not_in_keys),
      cmocka_unit_test(deep_nesting_is_a_limit_not_a_crash),
      cmocka_unit_test(an_object_is_asked_for_by_type),
      cmocka_unit_test(equality_is_that_of_json_schema),
      cmocka_unit_test(writing_survives_every_allocation_failure),
      cmocka_unit_test(values_too_deep_or_missing_are_not_written),
      cmocka_unit_test(types_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
