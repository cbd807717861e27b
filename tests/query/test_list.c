/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons with the elements of a list: SQL's logic, exact numbers, texts by their bytes. */
#include "query_test.h"

static void gives(rem_session *s, const char *expression, const char *value) {
  char sql[512], row[64];
  snprintf(sql, sizeof sql, "SELECT %s AS v", expression);
  snprintf(row, sizeof row, "{\"v\":%s}\n", value);
  expect(s, sql, row);
}

static void any_and_all_follow_three_valued_logic(void **state) {
  rem_session *s = open_session(*state);
  static const char *const cases[][2] = {
      {"_rem_has('[\"a\",\"b\"]', 'b')", "1"}, {"_rem_has('[\"a\",\"b\"]', 'B')", "0"}, {"_rem_has('[]', 'b')", "0"},
      {"_rem_has(NULL, 'b')", "null"}, {"_rem_has('[\"a\"]', NULL)", "null"}, {"_rem_has('[]', NULL)", "0"},
      {"_rem_has('[null, \"a\"]', 'a')", "1"}, {"_rem_has('[null, \"a\"]', 'b')", "null"}, {"_rem_has(' [ 1 , 2.0 ,\"x\" ] ', 2)", "1"},
      {"_rem_has('[\"1\"]', 1)", "0"}, {"_rem_has('[1]', '1')", "0"}, {"_rem_has('[true]', 1)", "1"}, {"_rem_has('[false]', 0)", "1"},
      {"_rem_has('[\"a\\\"b\\u00e9\"]', 'a\"bé')", "1"}, {"_rem_has('[9007199254740993]', 9007199254740993)", "1"},
      {"_rem_has('[9007199254740993]', 9007199254740992)", "0"}, {"_rem_has('[9007199254740992.0]', 9007199254740993)", "0"},
      {"_rem_has('[1400000000000000001]', 1400000000000000001)", "1"}, {"_rem_has('[1400000000000000001]', 1400000000000000000)", "0"},
      {"_rem_has('[9223372036854775807]', 9223372036854775807)", "1"}, {"_rem_has('[-9223372036854775808]', -9223372036854775807)", "0"},
      {"_rem_any('[18446744073709551616]', '>', 9223372036854775807)", "0"},
      {"_rem_has('[[1,2],{\"k\":\"]\"},3]', 3)", "1"}, {"_rem_has('[[1,2]]', '[1,2]')", "1"}, {"_rem_has('[1e2]', 100.0)", "1"},
      {"_rem_any('[1,5]', '<', 3)", "1"}, {"_rem_any('[1,2]', '<', 3)", "0"}, {"_rem_any('[1,null]', '<', 3)", "null"},
      {"_rem_all('[1,2]', '>', 3)", "1"}, {"_rem_all('[1,4]', '>', 3)", "0"}, {"_rem_all('[1,null]', '>', 3)", "null"}, {"_rem_all('[4,null]', '>', 3)", "0"},
      {"_rem_all('[]', '=', 3)", "1"}, {"_rem_all(NULL, '=', 3)", "null"}, {"_rem_all('[1,1]', '=', 1)", "1"}, {"_rem_all('[1,2]', '<>', 3)", "1"},
      {"_rem_any('[\"b\",\"d\"]', '>=', 'c')", "1"}, {"_rem_any('[\"x%\",\"_b\"]', 'LIKE', 'AB')", "1"}, {"_rem_any('[\"x%\"]', 'LIKE', 'ab')", "0"},
      {"_rem_any('[\"a\"]', '>', 5)", "0"}, {"_rem_any('[\"a\"]', '<', 5)", "1"}, {"_rem_any('[-1.5]', '>', -1)", "1"}, {"_rem_any('[1e300]', '>=', 9223372036854775807)", "0"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    gives(s, cases[i][0], cases[i][1]);
  rem_session_close(s);
}

/* An index of a list keeps true and 1 apart, ANY() does not. */
static void an_index_finds_what_a_scan_finds(void **state) {
  add_schema(*state, "{\"title\":\"Bag\",\"short_name\":\"bag\",\"type\":\"object\",\"key_field\":\"code\",\"indexed_fields\":[\"things\"],"
                     "\"properties\":{\"code\":{\"type\":\"string\"},\"things\":{\"type\":\"array\"}},\"required\":[\"code\"]}");
  rem_session *s = open_session(*state);
  do_sql(s, "INSERT INTO bag(code, things) VALUES ('a', '[true]'), ('b', '[1]'), ('c', '[true, 1, 1.0]'), ('d', '[1400000000000000001, 2]')");
  static const char *const values[] = {"1", "TRUE", "1.0", "0", "2", "1400000000000000001", "1400000000000000000", "'1'"};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    char by_index[256], by_scan[256];
    snprintf(by_index, sizeof by_index, "SELECT group_concat(code) AS c FROM (SELECT code FROM bag WHERE %s = ANY(things) ORDER BY code)", values[i]);
    snprintf(by_scan, sizeof by_scan, "SELECT group_concat(code) AS c FROM (SELECT code FROM bag WHERE _rem_has(+things, %s) ORDER BY code)", values[i]);
    char *expected = run(s, by_scan);
    expect(s, by_index, expected);
    free(expected);
  }
  expect(s, "SELECT count(*) AS n FROM bag WHERE 1 = ANY(things)", "{\"n\":3}\n");
  rem_session_close(s);
}

static void what_is_no_list_is_an_error(void **state) {
  rem_session *s = open_session(*state);
  static const char *const cases[] = {"_rem_has('a', 'a')", "_rem_has('', 'a')", "_rem_has('[', 'a')", "_rem_has('[\"a', 'b')", "_rem_has('[1,', 2)", "_rem_has('[1 2]', 3)",
                                      "_rem_has('{\"a\":1}', 'a')", "_rem_has(5, 5)", "_rem_any('[1]', 'IS', 1)", "_rem_has('[,]', 1)"};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT %s", cases[i]);
    if (refuse(s, sql, NULL) != REM_INVALID) fail_msg("%s was taken", sql);
  }
  rem_session_close(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(any_and_all_follow_three_valued_logic, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(an_index_finds_what_a_scan_finds, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(what_is_no_list_is_an_error, test_setup, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
