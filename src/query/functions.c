/* SPDX-License-Identifier: Apache-2.0 */
#include "query/functions.h"

#include "base/instant.h"
#include "query/list_function.h"
#include "query/score_function.h"
#include "query/text_function.h"

/* ------------------------------------------------------------------------------------------- */
/* Instants                                                                                     */

rem_status rem_functions_no_instant(rem_slice text, rem_error *err) {
  rem_error_set(err, REM_INVALID, "a date-time is compared with '%.*s', which is none", (int)(text.size < 60 ? text.size : 60),
                text.data);
  rem_error_hint(err, "write it as 2025-10-01, or 2025-10-01T09:00:00Z");
  return REM_INVALID;
}

static void refuse_instant(rem_session *session, const void *text, int size) {
  rem_error err;
  rem_status status = rem_functions_no_instant(rem_slice_of(text, (size_t)size), &err);
  (void)rem_session__fail(session, status, &err);
}

/*
 * A total order, as SQLite wants one whatever it is given: what is no instant comes last, by bytes. But such a comparison is a mistake, and a
 * collation cannot fail: it is noted in the session, and the statement fails at its next row or its end.
 */
static int compare_instants(void *context, int a_size, const void *a, int b_size, const void *b) {
  int64_t x, y;
  if (a_size == b_size && memcmp(a, b, (size_t)a_size) == 0)
    return 0;
  bool a_is = rem_instant_parse(a, (size_t)a_size, true, &x), b_is = rem_instant_parse(b, (size_t)b_size, true, &y);
  if (a_is && b_is)
    return x < y ? -1 : x > y;
  refuse_instant(context, a_is ? b : a, a_is ? b_size : a_size);
  if (a_is != b_is)
    return a_is ? -1 : 1;
  return rem_slice_compare(rem_slice_of(a, (size_t)a_size), rem_slice_of(b, (size_t)b_size));
}

/* _rem_instant(x): what is no instant stays what it is. */
static void canonical_instant(sqlite3_context *context, int count, sqlite3_value **arguments) {
  char canonical[REM_INSTANT_TEXT_SIZE];
  int64_t instant;
  (void)count;
  const char *text = sqlite3_value_type(arguments[0]) == SQLITE_TEXT ? (const char *)sqlite3_value_text(arguments[0]) : NULL;
  if (text && rem_instant_parse(text, (size_t)sqlite3_value_bytes(arguments[0]), true, &instant))
    sqlite3_result_text(context, canonical, (int)rem_instant_format_fixed(instant, canonical), SQLITE_TRANSIENT);
  else
    sqlite3_result_value(context, arguments[0]);
}

/* ------------------------------------------------------------------------------------------- */

rem_status rem_functions_add(rem_session *session, rem_error *err) {
  int code = sqlite3_create_collation_v2(session->sqlite, "rem_instant", SQLITE_UTF8, session, compare_instants, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_create_function_v2(session->sqlite, "_rem_instant", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
                                      canonical_instant, NULL, NULL, NULL);
  REM_TRY(code == SQLITE_OK ? REM_OK : rem_error_nomem(err));
  REM_TRY(rem_list_functions_add(session->sqlite, err));
  REM_TRY(rem_text_functions_add(session, err));
  return rem_score_function_add(session, err);
}
