/* SPDX-License-Identifier: Apache-2.0 */
/* TOML 1.0: documents and the JSON they mean, documents that are wrong and where. */
#include "base/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fault_sweep.h"

typedef struct valid_case {
  const char *toml, *json;
} valid_case;

static void assert_reads(const char *toml, const char *expected) {
  rem_error err = {0};
  json_t *json REM_AUTO_JSON = NULL;
  rem_bytes text REM_CLEANUP(rem_bytes_free) = {0};
  if (rem_toml_parse(toml, strlen(toml), &json, &err) != REM_OK)
    fail_msg("%s in\n%s", err.message, toml);
  assert_int_equal(rem_json_text(json, &text, &err), REM_OK);
  assert_string_equal(text.data, expected);
}

static void assert_all_read(const valid_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++)
    assert_reads(cases[i].toml, cases[i].json);
}
#define ASSERT_ALL_READ(cases) assert_all_read(cases, sizeof cases / sizeof *cases)

typedef struct invalid_case {
  const char *toml;
  int line, column;
  const char *part; /* of the message */
} invalid_case;

static void assert_refused(const invalid_case *wrong) {
  rem_error err = {0};
  json_t *json = NULL;
  char place[64];
  if (rem_toml_parse(wrong->toml, strlen(wrong->toml), &json, &err) != REM_INVALID)
    fail_msg("not REM_INVALID:\n%s", wrong->toml);
  assert_null(json);
  snprintf(place, sizeof place, "line %d, column %d: ", wrong->line, wrong->column);
  if (!strstr(err.message, place) || !strstr(err.message, wrong->part))
    fail_msg("'%s' does not say '%s…%s' of\n%s", err.message, place, wrong->part, wrong->toml);
  assert_true(err.offset >= 0 && (size_t)err.offset <= strlen(wrong->toml));
}

static void assert_all_refused(const invalid_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++)
    assert_refused(&cases[i]);
}
#define ASSERT_ALL_REFUSED(cases) assert_all_refused(cases, sizeof cases / sizeof *cases)

static void empty_documents_and_comments(void **state) {
  (void)state;
  static const valid_case cases[] = {
      {"", "{}"},
      {"\n\r\n  \t\n", "{}"},
      {"# only \t a comment \u00e9", "{}"},
      {"\xEF\xBB\xBF" "a=1", "{\"a\":1}"},
      {"a = 1 # c\n#d\nb=2", "{\"a\":1,\"b\":2}"},
      {"[t]#c", "{\"t\":{}}"},
  };
  ASSERT_ALL_READ(cases);
}

static void keys_bare_quoted_and_dotted(void **state) {
  (void)state;
  static const valid_case cases[] = {
      {"bare_Key-1 = 1", "{\"bare_Key-1\":1}"},
      {"1234 = 1", "{\"1234\":1}"},
      {"\"a b\" = 1\n'c\"d' = 2\n\"\" = 3", "{\"a b\":1,\"c\\\"d\":2,\"\":3}"},
      {"\"\\u00e9\" = 1", "{\"\u00e9\":1}"},
      {"a.b.c = 1\na . \"d\".'e' = 2\na.b.f=3", "{\"a\":{\"b\":{\"c\":1,\"f\":3},\"d\":{\"e\":2}}}"},
      {"3.14 = 1", "{\"3\":{\"14\":1}}"},
      {"true = 1\ninf = 2", "{\"true\":1,\"inf\":2}"},
  };
  ASSERT_ALL_READ(cases);
}

static void strings_of_all_four_forms(void **state) {
  (void)state;
  static const valid_case cases[] = {
      {"s = \"\"", "{\"s\":\"\"}"},
      {"s = \"\\b\\t\\n\\f\\r\\\"\\\\\\u00e9\\U0001F600\"", "{\"s\":\"\\b\\t\\n\\f\\r\\\"\\\\\u00e9\U0001F600\"}"},
      {"s = 'C:\\x\\'", "{\"s\":\"C:\\\\x\\\\\"}"},
      {"s = \"tab\there\"", "{\"s\":\"tab\\there\"}"},
      {"s = \"\"\"\nfirst\n\nthird\"\"\"", "{\"s\":\"first\\n\\nthird\"}"},
      {"s = \"\"\"\r\na\r\nb\"\"\"", "{\"s\":\"a\\nb\"}"},
      {"s = \"\"\"a \\\n   b \\  \r\n\r\n\t c\"\"\"", "{\"s\":\"a b c\"}"},
      {"s = \"\"\"\\\n  \"\"\"", "{\"s\":\"\"}"},
      {"s = \"\"\"a\\\\\nb\"\"\"", "{\"s\":\"a\\\\\\nb\"}"},
      {"s = \"\"\"\"one\" \"\"two\"\" \"\"\\\"three\"\"\"", "{\"s\":\"\\\"one\\\" \\\"\\\"two\\\"\\\" \\\"\\\"\\\"three\"}"},
      {"s = \"\"\"a\"\"\"\"\"", "{\"s\":\"a\\\"\\\"\"}"},
      {"s = '''a'''''", "{\"s\":\"a''\"}"},
      {"s = '''\na\\b\n'c'\n'''", "{\"s\":\"a\\\\b\\n'c'\\n\"}"},
      {"s = \"\\u0000\"", "{\"s\":\"\\u0000\"}"},
  };
  ASSERT_ALL_READ(cases);
}

static void integers_in_four_bases(void **state) {
  (void)state;
  static const valid_case cases[] = {
      {"i = [0, +0, -0, 42, +17, -17]", "{\"i\":[0,0,0,42,17,-17]}"},
      {"i = [1_000, 5_349_221, 1_2_3]", "{\"i\":[1000,5349221,123]}"},
      {"i = [0xDEADbeef, 0xdead_beef, 0o755, 0o0_1, 0b1101_0110, 0x0]", "{\"i\":[3735928559,3735928559,493,1,214,0]}"},
      {"i = [9223372036854775807, -9223372036854775808, 0x7fffffffffffffff]",
       "{\"i\":[9223372036854775807,-9223372036854775808,9223372036854775807]}"},
  };
  ASSERT_ALL_READ(cases);
}

static void reals_stay_reals(void **state) {
  (void)state;
  static const valid_case cases[] = {
      {"r = [1.0, +1.5, -0.01, 5e+22, 1e06, -2E-2, 6.626e-34, -0.0]",
       "{\"r\":[1.0,1.5,-0.01,5e+22,1000000.0,-0.02,6.626e-34,-0.0]}"},
      {"r = [224_617.445_991_228, 1_0e1_0, 1.0_0]", "{\"r\":[224617.445991228,100000000000.0,1.0]}"},
  };
  ASSERT_ALL_READ(cases);
}

static void dates_and_times_keep_their_text(void **state) {
  (void)state;
  static const valid_case cases[] = {
      {"d = 1979-05-27T07:32:00Z", "{\"d\":\"1979-05-27T07:32:00Z\"}"},
      {"d = 1979-05-27T00:32:00.999999-07:00 # c", "{\"d\":\"1979-05-27T00:32:00.999999-07:00\"}"},
      {"d = 1979-05-27 07:32:00z", "{\"d\":\"1979-05-27 07:32:00z\"}"},
      {"d = 1979-05-27t07:32:00", "{\"d\":\"1979-05-27t07:32:00\"}"},
      {"d = 1979-05-27 ", "{\"d\":\"1979-05-27\"}"},
      {"d = 1979-05-27 # 12", "{\"d\":\"1979-05-27\"}"},
      {"d = [07:32:00, 00:32:00.999999]", "{\"d\":[\"07:32:00\",\"00:32:00.999999\"]}"},
      {"d = 2000-02-29", "{\"d\":\"2000-02-29\"}"},
  };
  ASSERT_ALL_READ(cases);
}

static void arrays_and_inline_tables(void **state) {
  (void)state;
  static const valid_case cases[] = {
      {"a = []", "{\"a\":[]}"},
      {"a = [ 1, 'x', [true, false,], {b = 1} ]", "{\"a\":[1,\"x\",[true,false],{\"b\":1}]}"},
      {"a = [ # c\n 1 # d\n , # e\r\n 2,\n]", "{\"a\":[1,2]}"},
      {"t = {}", "{\"t\":{}}"},
      {"t = { a = 1, b.c = 2, b.d = {e = []} }", "{\"t\":{\"a\":1,\"b\":{\"c\":2,\"d\":{\"e\":[]}}}}"},
      {"t = { a = [\n1\n] }", "{\"t\":{\"a\":[1]}}"},
      {"t = [{x = {}}, {x = 2}]", "{\"t\":[{\"x\":{}},{\"x\":2}]}"},
  };
  ASSERT_ALL_READ(cases);
}

static void tables_and_arrays_of_tables(void **state) {
  (void)state;
  static const valid_case cases[] = {
      {"[a]\nx=1\n[b]\n[a.c]\ny=2", "{\"a\":{\"x\":1,\"c\":{\"y\":2}},\"b\":{}}"},
      {"[ x . \"y z\" . 'w' ]", "{\"x\":{\"y z\":{\"w\":{}}}}"},
      {"[x.y.z]\n[x]\na=1\n[x.y]\nb=1", "{\"x\":{\"y\":{\"z\":{},\"b\":1},\"a\":1}}"},
      {"[[p]]\nn=1\n[[p]]\n[[p]]\nn=3", "{\"p\":[{\"n\":1},{},{\"n\":3}]}"},
      {"[[f]]\n[f.p]\nc=1\n[[f.v]]\nn=1\n[[f.v]]\n[[f]]\n[[f.v]]\nn=2",
       "{\"f\":[{\"p\":{\"c\":1},\"v\":[{\"n\":1},{}]},{\"v\":[{\"n\":2}]}]}"},
      {"[fruit]\napple.color=1\napple.taste.sweet=true\n[fruit.apple.texture]\nsmooth=1",
       "{\"fruit\":{\"apple\":{\"color\":1,\"taste\":{\"sweet\":true},\"texture\":{\"smooth\":1}}}}"},
      {"[a.b]\n[a]\nb2.c=1", "{\"a\":{\"b\":{},\"b2\":{\"c\":1}}}"},
      {"[[a.b]]\n[a]\nx=1", "{\"a\":{\"b\":[{}],\"x\":1}}"},
  };
  ASSERT_ALL_READ(cases);
}

static void defining_a_thing_twice_is_refused(void **state) {
  (void)state;
  static const invalid_case cases[] = {
      {"a=1\na=2", 2, 1, "'a' is already defined"},
      {"a=1\n\"a\"=2", 2, 1, "already defined"},
      {"[t]\n[t]", 2, 2, "'t' is already defined"},
      {"a=1\n[a]", 2, 2, "already defined"},
      {"a=1\n[a.b]", 2, 2, "'a' is already defined"},
      {"a=1\na.b=2", 2, 1, "already defined"},
      {"a.b=1\na.b.c=2", 2, 3, "'b' is already defined"},
      {"[[a]]\n[a]", 2, 2, "already defined"},
      {"[a]\n[[a]]", 2, 3, "already defined"},
      {"[a.b]\n[[a]]", 2, 3, "already defined"},
      {"a=[]\n[[a]]", 2, 3, "already defined"},
      {"a=[{b=1}]\n[a.c]", 2, 2, "already defined"},
      {"a={}\n[a.b]", 2, 2, "already defined"},
      {"a={}\na.b=1", 2, 1, "already defined"},
      {"a={b=1,b=2}", 1, 8, "already defined"},
      {"a={b={},b.c=2}", 1, 9, "already defined"},
      {"[fruit]\napple.color=1\n[fruit.apple]", 3, 8, "'apple' is already defined"},
      {"[a.b.c]\nz=9\n[a]\nb.c.t=1", 4, 3, "'c' is already defined"},
      {"[[a.b]]\n[a]\nb.y=2", 3, 1, "already defined"},
      {"[a]\nb.c=1\n[a.d]\n[x]\n[a.b]", 5, 4, "already defined"},
  };
  ASSERT_ALL_REFUSED(cases);
}

static void wrong_syntax_is_refused_where_it_stands(void **state) {
  (void)state;
  static const invalid_case cases[] = {
      {"a", 1, 2, "'=' is expected"},
      {"a = ", 1, 5, "a value is expected"},
      {"= 1", 1, 1, "a key is expected"},
      {"a b = 1", 1, 3, "'=' is expected"},
      {"a..b = 1", 1, 3, "a key is expected"},
      {".a = 1", 1, 1, "a key is expected"},
      {"\u00e9 = 1", 1, 1, "a key is expected"},
      {"a\n= 1", 1, 2, "'=' is expected"},
      {"a = 1 b = 2", 1, 7, "the end of the line"},
      {"a = 1\rb = 2", 1, 6, "the end of the line"},
      {"[a", 1, 3, "']' is expected"},
      {"[[a]", 1, 5, "']]' is expected"},
      {"[[a] ]", 1, 5, "']]' is expected"},
      {"[]", 1, 2, "a key is expected"},
      {"[a]]", 1, 4, "the end of the line"},
      {"[a] b=1", 1, 5, "the end of the line"},
      {"\"\"\"a\"\"\" = 1", 1, 1, "a multi-line string cannot be a key"},
      {"\"a\\u0000\" = 1", 1, 1, "U+0000"},
      {"a = [1", 1, 5, "no end"},
      {"a = [1 2]", 1, 8, "',' or ']'"},
      {"a = [,]", 1, 6, "a value is expected"},
      {"a = [1,,2]", 1, 8, "a value is expected"},
      {"a = {b=1,}", 1, 10, "a key is expected"},
      {"a = {b=1\n}", 1, 9, "an inline table stays in its line"},
      {"a = {b=1 c=2}", 1, 10, "',' or '}'"},
      {"a = {", 1, 6, "a key is expected"},
      {"# a\x01", 1, 4, "control character 0x01"},
      {"a = 1 # \x7f", 1, 9, "control character 0x7f"},
  };
  ASSERT_ALL_REFUSED(cases);
}

static void wrong_values_are_refused(void **state) {
  (void)state;
  static const char *const values[] = {
      "01",     "-01",    "1_",       "_1",   "1__0",  "0x",   "0x_1",  "0xg", "0X1",   "+0x1",  "0o8",  "0b2",
      "1.",     ".5",     "1.e5",     "1e",   "1e_5",  "1._5", "1_.5",  "00.5", "1e5.0", "--1",  "+-1",  "True",
      "truex",  "nul",    "inf",      "-inf", "nan",   "+nan", "1e400", "9223372036854775808", "-9223372036854775809",
      "0x8000000000000000", "1979-05-27T", "1979-13-01", "1979-02-29", "1979-05-27T25:00:00", "1979-05-27T07:32",
      "07:32",  "24:00:00", "7:32:00", "1979-05-27T07:32:00+1", "1979-05-27T07:32:00.", "1979-5-27",
  };
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    char text[128];
    snprintf(text, sizeof text, "ok = 1\nx = %s\n", values[i]);
    invalid_case wrong = {text, 2, 5, values[i]};
    assert_refused(&wrong);
  }
}

static void wrong_strings_are_refused(void **state) {
  (void)state;
  static const invalid_case cases[] = {
      {"s = \"a", 1, 5, "no end"},
      {"s = 'a\n'", 1, 5, "does not end in its line"},
      {"s = \"\"\"a", 1, 5, "no end"},
      {"s = '''a''", 1, 5, "no end"},
      {"s = \"\\q\"", 1, 6, "no such escape"},
      {"s = \"\\x41\"", 1, 6, "no such escape"},
      {"s = \"\\u12g4\"", 1, 6, "4 hex digits"},
      {"s = \"\\U1234567\"", 1, 6, "8 hex digits"},
      {"s = \"\\ud800\"", 1, 6, "U+D800 is not a character"},
      {"s = \"\\U00110000\"", 1, 6, "is not a character"},
      {"s = \"a\x01\"", 1, 7, "control character 0x01"},
      {"s = 'a\x7f'", 1, 7, "control character 0x7f"},
      {"s = \"\"\"\na\rb\"\"\"", 2, 2, "control character 0x0d"},
      {"s = \"\"\"a\\ b\"\"\"", 1, 9, "no such escape"},
      {"s = \"\"\"a\"\"\"\"\"\"", 1, 14, "the end of the line"},
      {"s = \"\xff\"", 1, 6, "byte 0xff is not UTF-8"},
  };
  ASSERT_ALL_REFUSED(cases);
}

static void assert_limit(const char *unit, size_t count) {
  rem_error err = {0};
  rem_buffer text REM_AUTO_BUFFER = {0};
  json_t *json = NULL;
  rem_buffer_append_text(&text, "a = ");
  for (size_t i = 0; i < count; i++)
    rem_buffer_append_text(&text, unit);
  assert_int_equal(rem_toml_parse((const char *)text.data, text.size, &json, &err), REM_LIMIT);
  assert_int_equal(err.code, REM_LIMIT);
  assert_non_null(strstr(err.message, "nested deeper than 512 levels"));
}

static void deep_nesting_is_a_limit_not_a_crash(void **state) {
  (void)state;
  assert_limit("[", 100000);
  assert_limit("{a=", 100000);
  assert_limit("[{a.b.c.d=", 50000);
}

static void deep_keys_are_a_limit_too(void **state) {
  (void)state;
  static const char *const ends[] = {"a = 1", "a]"};
  for (size_t i = 0; i < 2; i++) {
    rem_error err = {0};
    rem_buffer text REM_AUTO_BUFFER = {0};
    json_t *json = NULL;
    rem_buffer_append_text(&text, i == 1 ? "[" : "");
    for (int part = 0; part < 100000; part++)
      rem_buffer_append_text(&text, "a.");
    rem_buffer_append_text(&text, ends[i]);
    assert_int_equal(rem_toml_parse((const char *)text.data, text.size, &json, &err), REM_LIMIT);
  }
}

static void lines_of_keys_are_remembered(void **state) {
  (void)state;
  const char *text = "top = 1\n[core]\n\nhome = 'x'\nsub.deep = 2\n[[list]]\n";
  rem_error err = {0};
  rem_hash_map places = {0};
  json_t *json REM_AUTO_JSON = NULL;
  assert_int_equal(rem_toml_parse_places(text, strlen(text), &json, &places, &err), REM_OK);
  const json_t *core = json_object_get(json, "core");
  assert_int_equal(rem_toml_line(&places, json, "top"), 1);
  assert_int_equal(rem_toml_line(&places, json, "core"), 2);
  assert_int_equal(rem_toml_line(&places, core, "home"), 4);
  assert_int_equal(rem_toml_line(&places, json_object_get(core, "sub"), "deep"), 5);
  assert_int_equal(rem_toml_line(&places, json, "list"), 6);
  assert_int_equal(rem_toml_line(&places, json, "home"), 0);
  rem_hash_map_deinit(&places);
}

static rem_status parse_document(void *context, rem_error *err) {
  json_t *json = NULL;
  rem_hash_map places = {0};
  rem_status status = rem_toml_parse_places(context, strlen(context), &json, &places, err);
  rem_hash_map_deinit(&places);
  json_decref(json);
  return status;
}

static void reading_survives_every_allocation_failure(void **state) {
  (void)state;
  char text[] = "a.b = 1\n[t]\n\"q\\t\" = \"string\"\n[[l]]\nx = {y.z = [1.5, 0x10, '''s''']}\n[[l]]\n[t.u]\nv = 1979-05-27\n";
  assert_true(fault_sweep(parse_document, text) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_documents_and_comments),
      cmocka_unit_test(keys_bare_quoted_and_dotted),
      cmocka_unit_test(strings_of_all_four_forms),
      cmocka_unit_test(integers_in_four_bases),
      cmocka_unit_test(reals_stay_reals),
      cmocka_unit_test(dates_and_times_keep_their_text),
      cmocka_unit_test(arrays_and_inline_tables),
      cmocka_unit_test(tables_and_arrays_of_tables),
      cmocka_unit_test(defining_a_thing_twice_is_refused),
      cmocka_unit_test(wrong_syntax_is_refused_where_it_stands),
      cmocka_unit_test(wrong_values_are_refused),
      cmocka_unit_test(wrong_strings_are_refused),
      cmocka_unit_test(deep_nesting_is_a_limit_not_a_crash),
      cmocka_unit_test(deep_keys_are_a_limit_too),
      cmocka_unit_test(lines_of_keys_are_remembered),
      cmocka_unit_test(reading_survives_every_allocation_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
