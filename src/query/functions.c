/* SPDX-License-Identifier: Apache-2.0 */
#include "query/functions.h"

#include "base/instant.h"
#include "query/list_function.h"
#include "query/score_function.h"

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

/* ------------------------------------------------------------------------------------------- */

rem_status rem_functions_add(rem_session *session, rem_error *err) {
  int code = sqlite3_create_collation_v2(session->sqlite, "rem_instant", SQLITE_UTF8, session, compare_instants, NULL);
  REM_TRY(code == SQLITE_OK ? REM_OK : rem_error_nomem(err));
  REM_TRY(rem_list_functions_add(session->sqlite, err));
  return rem_score_function_add(session, err);
}
