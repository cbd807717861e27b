/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: the core schema's values, aliases within bounds, errors and where. */
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fault_sweep.h"

static void assert_reads(const char *yaml, const char *expected) {
  rem_error err = {0};
  json_t *json REM_AUTO_JSON = NULL;
  rem_bytes text REM_CLEANUP(rem_bytes_free) = {0};
  if (rem_yaml_parse(yaml, strlen(yaml), &json, &err) != REM_OK)
    fail_msg("%s in\n%s", err.message, yaml);
  assert_int_equal(rem_json_text(json, &text, &err), REM_OK);
  assert_string_equal(text.data, expected);
}

static void assert_refused(const char *yaml, rem_status code, const char *part) {
  rem_error err = {0};
  json_t *json = NULL;
  rem_status status = rem_yaml_parse(yaml, strlen(yaml), &json, &err);
  if (status != code || err.code != code)
    fail_msg("status %d: %s\n%s", status, err.message, yaml);
  assert_null(json);
  if (!strstr(err.message, part))
    fail_msg("'%s' does not say '%s'", err.message, part);
}

static void plain_scalars_follow_the_core_schema(void **state) {
  (void)state;
  assert_reads("[null, Null, NULL, ~, ]", "[null,null,null,null]");
  assert_reads("a:\nb: ''", "{\"a\":null,\"b\":\"\"}");
  assert_reads("[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]");
  assert_reads("[0, -12, +7, 007, 0o17, 0xFf]", "[0,-12,7,7,15,255]");
  assert_reads("[1.5, -.5, 1., 1e3, +1.5E-2, -0.0]", "[1.5,-0.5,1.0,1000.0,0.015,-0.0]");
  assert_reads("[9223372036854775807, -9223372036854775808]", "[9223372036854775807,-9223372036854775808]");
}

static void what_yaml_1_1_misread_is_text(void **state) {
  (void)state;
  assert_reads("[no, yes, on, off, n, y, NO]", "[\"no\",\"yes\",\"on\",\"off\",\"n\",\"y\",\"NO\"]");
  assert_reads("[12:30, 1_000, 0b11, 2025-10-17, 1e, e5, ., +, -x, 0x, 0o9, 1.2.3, nULL]",
               "[\"12:30\",\"1_000\",\"0b11\",\"2025-10-17\",\"1e\",\"e5\",\".\",\"+\",\"-x\",\"0x\",\"0o9\",\"1.2.3\",\"nULL\"]");
}

static void quoted_and_block_scalars_are_text(void **state) {
  (void)state;
  assert_reads("['1', \"true\", '', \"a\\tb\\u00e9\", 'it''s']", "[\"1\",\"true\",\"\",\"a\\tb\u00e9\",\"it's\"]");
  assert_reads("a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}");
}

static void tags_of_json_are_obeyed(void **state) {
  (void)state;
  assert_reads("[!!str 1, !!int '1', !!float 3, !!bool 'true', !!null '', ! 1]", "[\"1\",1,3.0,true,null,\"1\"]");
  assert_reads("!!map {a: !!seq [1]}", "{\"a\":[1]}");
  assert_refused("!!int x", REM_INVALID, "tag");
  assert_refused("!!binary aGk=", REM_INVALID, "tag");
  assert_refused("!mine {}", REM_INVALID, "tag '!mine' does not fit");
}

static void collections_nest_in_order(void **state) {
  (void)state;
  assert_reads("z: 1\na:\n  - - 1\n    - {b: c}\n  - []\n", "{\"z\":1,\"a\":[[1,{\"b\":\"c\"}],[]]}");
  assert_reads("--- # c\n- 1\n...\n", "[1]");
  assert_reads("\xEF\xBB\xBF" "a: 1", "{\"a\":1}");
  assert_reads("just text", "\"just text\"");
}

static void aliases_copy_what_was_anchored(void **state) {
  (void)state;
  assert_reads("a: &x {k: [1]}\nb: *x\nc: &x 5\nd: *x", "{\"a\":{\"k\":[1]},\"b\":{\"k\":[1]},\"c\":5,\"d\":5}");
  assert_reads("&k key: *k", "{\"key\":\"key\"}");
  assert_reads("[&a [1], &b [*a, *a], *b]", "[[1],[[1],[1]],[[1],[1]]]");
  assert_refused("a: *nothing", REM_INVALID, "line 1, column 4: nothing before is named '&nothing'");
  assert_refused("a: &a [*a]", REM_INVALID, "nothing before is named '&a'");
}

static void exploding_aliases_are_a_limit(void **state) {
  (void)state;
  rem_buffer text REM_AUTO_BUFFER = {0};
  rem_buffer_append_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
  for (int i = 1; i < 30; i++) {
    rem_buffer_append_format(&text, "a%d: &a%d [", i, i);
    for (int j = 0; j < 10; j++)
      rem_buffer_append_format(&text, "%s*a%d", j ? ", " : "", i - 1);
    rem_buffer_append_text(&text, "]\n");
  }
  rem_buffer_append_byte(&text, 0);
  assert_refused((const char *)text.data, REM_LIMIT, "aliases expand to more than");
}

static void nesting_is_limited_also_through_aliases(void **state) {
  (void)state;
  char text[4096];
  memset(text, '[', 600);
  text[600] = 0;
  assert_refused(text, REM_LIMIT, "nested deeper than 512 levels");
  rem_buffer deep REM_AUTO_BUFFER = {0};
  rem_buffer_append_text(&deep, "- &a [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n");
  for (int i = 0; i < 20; i++) { /* each twice as deep as the one before */
    int name = 'a' + i;
    rem_buffer_append_format(&deep, "- &%c ", name + 1);
    for (int j = 0; j < 40; j++)
      rem_buffer_append_byte(&deep, '[');
    rem_buffer_append_format(&deep, "*%c", name);
    for (int j = 0; j < 40; j++)
      rem_buffer_append_byte(&deep, ']');
    rem_buffer_append_byte(&deep, '\n');
  }
  rem_buffer_append_byte(&deep, 0);
  assert_refused((const char *)deep.data, REM_LIMIT, "nested deeper than 512 levels");
}

static void what_json_cannot_hold_is_refused(void **state) {
  (void)state;
  assert_refused("a: 9223372036854775808", REM_INVALID, "line 1, column 4: the number '9223372036854775808' is outside");
  assert_refused("a: 0xFFFFFFFFFFFFFFFF", REM_INVALID, "outside the range");
  assert_refused("a: 1e400", REM_INVALID, "outside the range");
  assert_refused("a: .inf", REM_INVALID, "must be finite");
  assert_refused("a: -.INF", REM_INVALID, "must be finite");
  assert_refused("a: .NaN", REM_INVALID, "must be finite");
}

static void keys_are_unique_strings(void **state) {
  (void)state;
  assert_refused("a: 1\nb: 2\na: 3", REM_INVALID, "line 3, column 1: the key 'a' appears twice");
  assert_refused("1: a", REM_INVALID, "a key must be a string, not integer");
  assert_refused("{true: a}", REM_INVALID, "a key must be a string, not boolean");
  assert_refused("? [a]\n: b", REM_INVALID, "a key must be a string, not array");
  assert_refused("\"a\\0\": b", REM_INVALID, "U+0000");
  assert_refused("a: &a {x: 1}\nb:\n  <<: *a", REM_UNSUPPORTED, "merge keys");
  assert_reads("'1': a\n'<<': b", "{\"1\":\"a\",\"<<\":\"b\"}");
}

static void errors_say_where(void **state) {
  (void)state;
  rem_error err = {0};
  json_t *json = NULL;
  assert_refused("", REM_INVALID, "holds no value");
  assert_refused("# nothing\n", REM_INVALID, "holds no value");
  assert_refused("a: 1\n--- 2", REM_INVALID, "line 2, column 1: a second document");
  assert_refused("a: [1\nb: 2", REM_INVALID, "line 2");
  assert_refused("a: b: c", REM_INVALID, "line 1");
  assert_refused("\tx: 1", REM_INVALID, "line 1");
  const char *text = "\u00e9: 1\n\u00e9: 2";
  assert_int_equal(rem_yaml_parse(text, strlen(text), &json, &err), REM_INVALID);
  assert_int_equal(err.offset, 6); /* bytes, not characters */
  assert_refused("a: \xff", REM_INVALID, "byte 0xff at offset 3 is not UTF-8");
}

static rem_status parse_document(void *context, rem_error *err) {
  json_t *json = NULL;
  REM_TRY(rem_yaml_parse(context, strlen(context), &json, err));
  json_decref(json);
  return REM_OK;
}

static void reading_survives_every_allocation_failure(void **state) {
  (void)state;
  char text[] = "a: &x [1, {b: c}]\nd: &y 5\ne: *x\nf: *y\n";
  assert_true(fault_sweep(parse_document, text) > 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_scalars_follow_the_core_schema),
      cmocka_unit_test(what_yaml_1_1_misread_is_text),
      cmocka_unit_test(quoted_and_block_scalars_are_text),
      cmocka_unit_test(tags_of_json_are_obeyed),
      cmocka_unit_test(collections_nest_in_order),
      cmocka_unit_test(aliases_copy_what_was_anchored),
      cmocka_unit_test(exploding_aliases_are_a_limit),
      cmocka_unit_test(nesting_is_limited_also_through_aliases),
      cmocka_unit_test(what_json_cannot_hold_is_refused),
      cmocka_unit_test(keys_are_unique_strings),
      cmocka_unit_test(errors_say_where),
      cmocka_unit_test(reading_survives_every_allocation_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
