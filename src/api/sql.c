/* SPDX-License-Identifier: Apache-2.0 */
/* SQL: sessions. Statements are whole in src/query. */
#include "api/api_internal.h"
#include "base/utf8.h"
#include "dialect/dialect.h"
#include "query/session.h"

rem_status rem_session_open(rem_db *db, const rem_session_options *options, rem_session **ret_session, rem_error *err) {
  REM_CHECK_ARG(db && ret_session, err);
  REM_READ_OPTIONS(rem_session_options, chosen, options);
  return rem_query_open(db->engine, db->tenant, &chosen, ret_session, err);
}

void rem_session_close(rem_session *session) {
  rem_query_close(session);
}

static rem_status check_text(const char *text, size_t text_size, rem_error *err) {
  size_t valid = text_size;
  if (rem_utf8_valid(text, valid) && !memchr(text, 0, text_size))
    return REM_OK;
  return rem_error_set(err, REM_INVALID, "the text of the statement is not valid UTF-8, or holds a NUL");
}

rem_status rem_session_prepare(rem_session *session, const char *text, size_t text_size, rem_statement **ret_statement,
                               size_t *ret_used, rem_error *err) {
  REM_CHECK_ARG(session && text && ret_statement, err);
  REM_TRY(check_text(text, text_size, err));
  return rem_query_prepare(session, rem_slice_of(text, text_size), ret_statement, ret_used, err);
}

rem_status rem_session_explain(rem_session *session, const char *text, size_t text_size, rem_bytes *ret_text, rem_error *err) {
  REM_CHECK_ARG(session && text && ret_text, err);
  REM_TRY(check_text(text, text_size, err));
  return rem_query_explain(session, rem_slice_of(text, text_size), ret_text, err);
}

rem_status rem_session_tables_json(rem_session *session, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(session && ret_json, err);
  return rem_query_tables_json(session, ret_json, err);
}

size_t rem_sql_statement_size(const char *text, size_t text_size) {
  return text ? rem_dialect_statement_size(text, text_size) : 0;
}

bool rem_sql_writes(const char *text, size_t text_size) {
  return text && rem_dialect_writes(text, text_size);
}

const char *rem_sql_word(size_t index) {
  return rem_dialect_word(index);
}
