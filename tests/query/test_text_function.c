/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of texts that stand in for SQLite's: the same answers as a connection of its own gives, and an end in time. */
#include "query/sqlite_lib.h"
#include "query_test.h"

static const char *const VALUES[] = {"NULL", "''", "'a'", "'A'", "'aba'", "'\xc3\xa4pfel \xc3\x84'", "'a%b_'", "'%'", "'_'", "'a\\%'", "'[a-c]'", "'*'", "'?b*'", "'ab'", "' a '", "'\x01%'",
                                     "5", "5.5", "-7", "x''", "x'6162'", "x'c3a4'", "'\xf0\x9f\x98\x80z'", "'aXbXc'", "'X'", "'b%%a'", "'__b'", "'a' || char(0) || 'b'"};
#define VALUE_COUNT (sizeof VALUES / sizeof *VALUES)

static void same(rem_session *session, sqlite3 *sqlite, const char *expression) {
  char sql[512], *wanted;
  sqlite3_stmt *statement;
  snprintf(sql, sizeof sql, "SELECT quote(%s) || typeof(%s) AS v", expression, expression);
  assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL), SQLITE_OK);
  if (sqlite3_step(statement) != SQLITE_ROW) {
    assert_int_equal(refuse(session, sql, NULL), REM_INVALID);
  } else {
    wanted = strdup((const char *)sqlite3_column_text(statement, 0));
    rem_statement *ours;
    OK(rem_session_prepare(session, sql, strlen(sql), &ours, NULL, err));
    rem_error error = {0};
    if (rem_statement_step(ours, &error) != REM_ROW)
      fail_msg("%s: wanted %s, found %s", expression, wanted, error.message);
    rem_value value = rem_statement_value(ours, 0);
    if (value.text_size != strlen(wanted) || memcmp(value.text, wanted, value.text_size) != 0)
      fail_msg("%s: wanted %s, found %.*s", expression, wanted, (int)value.text_size, value.text);
    rem_statement_free(ours);
    free(wanted);
  }
  (void)sqlite3_finalize(statement);
}

static void they_give_what_sqlite_gives(void **state) {
  rem_session *session = open_session(*state);
  sqlite3 *sqlite;
  OK(rem_sqlite_open(NULL, &sqlite, err));
  static const char *const calls[] = {"like", "glob", "instr", "trim", "ltrim", "rtrim"};
  char expression[256];
  for (size_t a = 0; a < VALUE_COUNT; a++)
    for (size_t b = 0; b < VALUE_COUNT; b++) {
      for (size_t f = 0; f < sizeof calls / sizeof *calls; f++) {
        snprintf(expression, sizeof expression, "%s(%s, %s)", calls[f], VALUES[a], VALUES[b]);
        same(session, sqlite, expression);
      }
      for (size_t c = 0; c < VALUE_COUNT; c += 1 + (a + b) % 3) {
        snprintf(expression, sizeof expression, "replace(%s, %s, %s)", VALUES[a], VALUES[b], VALUES[c]);
        same(session, sqlite, expression);
        snprintf(expression, sizeof expression, "%s NOT LIKE %s ESCAPE %s", VALUES[a], VALUES[b], VALUES[c]);
        same(session, sqlite, expression);
      }
    }
  sqlite3_close_v2(sqlite);
  rem_session_close(session);
}

/* SQLite's own would take hours for each of these, and no timeout would end them. */
static void long_texts_have_an_end(void **state) {
  rem_session *session = open_session(*state);
  static const char text[] = "printf('%.*c', 20000000, 'a')";
  char sql[512];
  snprintf(sql, sizeof sql, "SELECT instr(%s, printf('%%.*c', 1000000, 'a') || 'b') AS n", text);
  expect(session, sql, "{\"n\":0}\n");
  snprintf(sql, sizeof sql, "SELECT length(replace(%s, printf('%%.*c', 1000000, 'a') || 'b', 'x')) AS n", text);
  expect(session, sql, "{\"n\":20000000}\n");
  snprintf(sql, sizeof sql, "SELECT %s LIKE '%%' || printf('%%.*c', 40000, 'a') || 'b'", text);
  assert_int_equal(refuse(session, sql, NULL), REM_LIMIT);
  snprintf(sql, sizeof sql, "SELECT %s GLOB '*' || printf('%%.*c', 40000, 'a') || 'b'", text);
  assert_int_equal(refuse(session, sql, NULL), REM_LIMIT);
  snprintf(sql, sizeof sql, "SELECT trim(%s, printf('%%.*c', 1000000, 'b') || 'a')", text);
  assert_int_equal(refuse(session, sql, NULL), REM_LIMIT);
  snprintf(sql, sizeof sql, "SELECT %s LIKE ANY('[\"%%' || printf('%%.*c', 40000, 'a') || 'b\"]')", text);
  assert_int_equal(refuse(session, sql, NULL), REM_LIMIT);
  expect(session, "SELECT 'abc' LIKE ANY('[\"x\", \"A%\"]') AS v", "{\"v\":1}\n");
  rem_session_close(session);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(they_give_what_sqlite_gives, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(long_texts_have_an_end, test_setup, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
