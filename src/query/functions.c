/* SPDX-License-Identifier: Apache-2.0 */
#include "query/functions.h"

#include "base/instant.h"
#include "base/json.h"

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
/* Lists                                                                                        */

static bool element_equals(const json_t *element, sqlite3_value *value) {
  switch (sqlite3_value_type(value)) {
  case SQLITE_INTEGER:
    if (json_is_integer(element))
      return json_integer_value(element) == sqlite3_value_int64(value);
    return json_is_real(element) && json_real_value(element) == (double)sqlite3_value_int64(value) &&
           (int64_t)json_real_value(element) == sqlite3_value_int64(value);
  case SQLITE_FLOAT: return json_is_number(element) && json_number_value(element) == sqlite3_value_double(value);
  case SQLITE_TEXT: {
    const char *text = (const char *)sqlite3_value_text(value);
    size_t size = (size_t)sqlite3_value_bytes(value);
    return text && json_is_string(element) && json_string_length(element) == size &&
           memcmp(json_string_value(element), text, size) == 0;
  }
  default: return false;
  }
}

void rem_function_has(sqlite3_context *context, int count, sqlite3_value **arguments) {
  json_t *list REM_AUTO_JSON = NULL;
  rem_error err;
  (void)count;
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL || sqlite3_value_type(arguments[1]) == SQLITE_NULL) {
    sqlite3_result_null(context);
    return;
  }
  const char *text = (const char *)sqlite3_value_text(arguments[0]);
  size_t size = (size_t)sqlite3_value_bytes(arguments[0]);
  if (!text || rem_json_parse(text, size, &list, &err) < 0 || !json_is_array(list)) {
    sqlite3_result_error(context, "ANY() wants a list", -1);
    return;
  }
  size_t index;
  json_t *element;
  int found = 0;
  json_array_foreach(list, index, element) found |= element_equals(element, arguments[1]);
  sqlite3_result_int(context, found);
}

/* ------------------------------------------------------------------------------------------- */

rem_status rem_functions_add(rem_session *session, rem_error *err) {
  int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  int code = sqlite3_create_collation_v2(session->sqlite, "rem_instant", SQLITE_UTF8, session, compare_instants, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_create_function_v2(session->sqlite, "_rem_has", 2, flags, NULL, rem_function_has, NULL, NULL, NULL);
  return code == SQLITE_OK ? REM_OK : rem_error_nomem(err);
}
