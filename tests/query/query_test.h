/* SPDX-License-Identifier: Apache-2.0 */
/* SQL in one line, for tests: run a statement and compare its rows with text. */
#ifndef REM_TESTS_QUERY_TEST_H
#define REM_TESTS_QUERY_TEST_H

#include "../api/api_test.h"

static inline rem_session *open_session(test_db *test) {
  rem_session *session;
  OK(rem_session_open(test->db, NULL, &session, err));
  return session;
}

/* All rows as lines of JSON. Owned: free(). */
static inline char *run(rem_session *session, const char *sql) {
  rem_statement *statement;
  char *text = calloc(1, 1);
  size_t size = 0;
  OK(rem_session_prepare(session, sql, strlen(sql), &statement, NULL, err));
  for (rem_status status = REM_ROW; status == REM_ROW;) {
    rem_error error = {0};
    rem_bytes json = {0};
    status = rem_statement_step(statement, &error);
    if (status < 0)
      fail_msg("%s: %s", sql, error.message);
    if (status != REM_ROW)
      break;
    OK(rem_statement_row_json(statement, &json, err));
    text = realloc(text, size + json.size + 2);
    size += (size_t)sprintf(text + size, "%s\n", json.data);
    rem_bytes_free(&json);
  }
  rem_statement_free(statement);
  return text;
}

static inline void do_sql(rem_session *session, const char *sql) {
  free(run(session, sql));
}

static inline void expect(rem_session *session, const char *sql, const char *rows) {
  char *found = run(session, sql);
  if (strcmp(found, rows) != 0)
    fail_msg("%s\n--- expected\n%s--- found\n%s", sql, rows, found);
  free(found);
}

/* The statement fails, when it is prepared or when it runs; `ret_error` may be NULL. */
static inline rem_status refuse(rem_session *session, const char *sql, rem_error *ret_error) {
  rem_statement *statement = NULL;
  rem_error error = {0};
  rem_status status = rem_session_prepare(session, sql, strlen(sql), &statement, NULL, &error);
  while (status >= 0 && status != REM_DONE)
    status = rem_statement_step(statement, &error);
  rem_statement_free(statement);
  if (ret_error)
    *ret_error = error;
  return status;
}

#endif
