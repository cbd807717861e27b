/* SPDX-License-Identifier: Apache-2.0 */
/* Which way rows are found, and that every way finds the same. */
#include "query_test.h"

static const char ITEM[] =
    "{\"title\":\"Item\",\"short_name\":\"item\",\"type\":\"object\",\"key_field\":\"code\",\"indexed_fields\":[\"part\",\"state\",\"size\"],\"properties\":{"
    "\"code\":{\"type\":\"string\"},\"part\":{\"type\":\"string\"},\"state\":{\"type\":\"string\"},\"size\":{\"type\":\"integer\"},"
    "\"note\":{\"type\":\"string\"}}}";

#define ROWS 3000

/* Rows 0 to 2,999: `part` has 1,000 values of three rows each; `state` is 'open' in nearly all rows, 'lost' in eight; `size` is the row's number. */
static int fill(void **state) {
  test_setup(state);
  test_db *test = *state;
  add_schema(test, ITEM);
  rem_session *s = open_session(test);
  do_sql(s, "INSERT INTO item (code, part, state, size) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999)"
            " SELECT 'c' || i, 'p' || (i % 1000), CASE WHEN i % 400 = 199 THEN 'lost' ELSE 'open' END, i FROM n");
  rem_session_close(s);
  return 0;
}

/* Few rows of an index are fetched at first, more as the walk goes on. */
static void a_walk_of_an_index_gives_every_row_once_wherever_it_ends(void **state) {
  test_db *test = *state;
  rem_session *s = open_session(test);
  expect(s, "SELECT count(*) AS n, sum(size) AS s, count(DISTINCT code) AS d FROM item WHERE state = 'open'", "{\"n\":2992,\"s\":4485708,\"d\":2992}\n");
  expect(s, "SELECT count(*) AS n, sum(size) AS s FROM item WHERE state = 'lost' AND note IS NULL", "{\"n\":8,\"s\":12792}\n");
  static const int limits[] = {1, 2, 4, 5, 20, 21, 84, 85, 148, 149, 700};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    char sql[200], rows[200];
    int n = limits[i];
    snprintf(sql, sizeof sql, "SELECT count(note) + count(*) AS n, min(size) AS a, max(size) AS b FROM (SELECT * FROM item WHERE size >= 100 ORDER BY size LIMIT %d)", n);
    snprintf(rows, sizeof rows, "{\"n\":%d,\"a\":100,\"b\":%d}\n", n, 99 + n);
    expect(s, sql, rows);
    snprintf(sql, sizeof sql, "SELECT count(note) + count(*) AS n, min(size) AS a, max(size) AS b FROM (SELECT * FROM item WHERE size < 2000 ORDER BY size DESC LIMIT %d)", n);
    snprintf(rows, sizeof rows, "{\"n\":%d,\"a\":%d,\"b\":1999}\n", n, 2000 - n);
    expect(s, sql, rows);
  }
  rem_session_close(s);
}

/* There the rows that the transaction has written are merged in at their places. */
static void in_a_transaction_its_rows_stand_among_the_others(void **state) {
  test_db *test = *state;
  rem_session *s = open_session(test);
  do_sql(s, "BEGIN");
  do_sql(s, "UPDATE item SET size = 5000 WHERE code = 'c150'");
  do_sql(s, "DELETE FROM item WHERE code = 'c151'");
  do_sql(s, "INSERT INTO item (code, part, state, size) VALUES ('x', 'px', 'open', 151)");
  expect(s, "SELECT code, note, size FROM item WHERE size BETWEEN 149 AND 153 ORDER BY size",
         "{\"code\":\"c149\",\"note\":null,\"size\":149}\n{\"code\":\"x\",\"note\":null,\"size\":151}\n{\"code\":\"c152\",\"note\":null,\"size\":152}\n"
         "{\"code\":\"c153\",\"note\":null,\"size\":153}\n");
  expect(s, "SELECT count(*) AS n, sum(size) AS s FROM item WHERE state = 'open'", "{\"n\":2992,\"s\":4490558}\n");
  do_sql(s, "ROLLBACK");
  rem_session_close(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_walk_of_an_index_gives_every_row_once_wherever_it_ends, fill, test_teardown),
      cmocka_unit_test_setup_teardown(in_a_transaction_its_rows_stand_among_the_others, fill, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
