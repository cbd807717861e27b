/* SPDX-License-Identifier: Apache-2.0 */
/* From a text to a statement of SQLite over modules that are there. */
#include <ctype.h>
#include <stdlib.h>

#include "query/session.h"
#include "query/session_internal.h"

#define MOST_USES 256

static rem_status add_use(rem_statement *statement, rem_catalog_entry *entry, rem_error *err) {
  for (size_t i = 0; i < statement->use_count; i++)
    if (statement->uses[i].entry == entry)
      return REM_OK;
  if (statement->use_count == MOST_USES)
    return rem_error_set(err, REM_LIMIT, "a statement names at most %d tables", MOST_USES);
  rem_statement_use *uses = rem_realloc(statement->uses, (statement->use_count + 1) * sizeof *uses);
  if (!uses)
    return rem_error_nomem(err);
  statement->uses = uses;
  uses[statement->use_count++] = (rem_statement_use){.entry = entry, .version = entry->version};
  return REM_OK;
}

/* Every word of the text that is a table's name makes that table known. */
static rem_status name_tables(rem_statement *statement, rem_error *err) {
  const char *text = statement->text, *end = text + statement->text_size;
  for (const char *p = text; p < end;) {
    if (!isalpha((unsigned char)*p) && *p != '_') {
      p++;
      continue;
    }
    const char *start = p;
    while (p < end && (isalnum((unsigned char)*p) || *p == '_'))
      p++;
    char word[REM_TABLE_NAME_SIZE];
    if ((size_t)(p - start) >= sizeof word)
      continue;
    memcpy(word, start, (size_t)(p - start));
    word[p - start] = 0;
    rem_catalog_entry *entry;
    rem_status status = rem_catalog_find(statement->session->catalog, word, &entry, err);
    REM_TRY(status);
    if (status == REM_OK)
      REM_TRY(add_use(statement, entry, err));
  }
  return REM_OK;
}

static void read_columns(rem_statement *statement) {
  rem_free(statement->types);
  int count = sqlite3_column_count(statement->prepared);
  statement->types = rem_calloc((size_t)count + 1, sizeof *statement->types);
  for (int i = 0; statement->types && i < count; i++)
    statement->types[i] = rem_columns_type_of(sqlite3_column_decltype(statement->prepared, i));
}

rem_status rem_statement__compile(rem_statement *statement, size_t *ret_used, rem_error *err) {
  rem_session *session = statement->session;
  sqlite3_stmt *prepared = NULL;
  const char *tail = NULL;
  statement->use_count = 0;
  REM_TRY(name_tables(statement, err));
  session->failed = REM_OK;
  session->deadline_us = rem_session__deadline(session);
  int code = sqlite3_prepare_v3(session->sqlite, statement->text, (int)statement->text_size, SQLITE_PREPARE_PERSISTENT, &prepared, &tail);
  if (code != SQLITE_OK)
    return rem_statement__failure(session, statement, code, err);
  *ret_used = (size_t)(tail - statement->text);
  if (statement->prepared && prepared)
    (void)sqlite3_transfer_bindings(statement->prepared, prepared);
  (void)sqlite3_finalize(statement->prepared);
  statement->prepared = prepared;
  if (!prepared)
    return REM_DONE;
  read_columns(statement);
  return statement->types ? REM_OK : rem_error_nomem(err);
}

static rem_status further_text(rem_slice text, size_t used, rem_error *err) {
  rem_error_set(err, REM_INVALID, "one statement at a time: another begins here");
  rem_error_hint(err, "run them one after the other");
  if (err)
    err->offset = (int64_t)used;
  (void)text;
  return REM_INVALID;
}

static size_t skip_blank(rem_slice text, size_t at) {
  while (at < text.size && isspace(text.data[at]))
    at++;
  return at;
}

static rem_status new_statement(rem_session *session, rem_slice text, rem_statement **ret_statement, rem_error *err) {
  rem_statement *statement = rem_calloc(1, sizeof *statement);
  if (!statement)
    return rem_error_nomem(err);
  statement->text = rem_strndup((const char *)text.data, text.size);
  statement->text_size = text.size;
  statement->session = session;
  statement->next = session->statements;
  if (statement->next)
    statement->next->previous = statement;
  session->statements = statement;
  *ret_statement = statement;
  return statement->text ? REM_OK : rem_error_nomem(err);
}

static rem_status prepare(rem_session *session, rem_slice text, rem_statement **statement, size_t *ret_used, rem_error *err) {
  size_t used = 0;
  REM_TRY(new_statement(session, text, statement, err));
  rem_status status = rem_statement__compile(*statement, &used, err);
  REM_TRY(status);
  used = skip_blank(text, used);
  if (!ret_used && used < text.size)
    return further_text(text, used, err);
  if (ret_used)
    *ret_used = used;
  (*statement)->text_size = used;
  return status;
}

rem_status rem_query_prepare(rem_session *session, rem_slice text, rem_statement **ret_statement, size_t *ret_used, rem_error *err) {
  rem_statement *statement = NULL;
  if (text.size > (size_t)session->options.max_text_bytes)
    return rem_error_set(err, REM_LIMIT, "the statement is longer than %lld bytes", (long long)session->options.max_text_bytes);
  rem_status status = prepare(session, text, &statement, ret_used, err);
  if (status == REM_OK)
    *ret_statement = statement;
  else
    rem_statement_free(statement);
  return status;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status append_step(rem_statement *plan, int64_t *parents, int *depths, size_t *count, rem_buffer *text) {
  rem_value id = rem_statement_value(plan, 0), parent = rem_statement_value(plan, 1), detail = rem_statement_value(plan, 3);
  int depth = 0;
  for (size_t i = 0; i < *count; i++)
    if (parents[i] == parent.integer)
      depth = depths[i] + 1;
  if (*count < 256) {
    parents[*count] = id.integer;
    depths[(*count)++] = depth;
  }
  for (int i = 0; i < depth; i++)
    rem_buffer_append_text(text, "  ");
  rem_buffer_append(text, detail.text, detail.type == REM_TYPE_TEXT ? detail.text_size : 0);
  rem_buffer_append_byte(text, '\n');
  return REM_OK;
}

rem_status rem_query_explain(rem_session *session, rem_slice text, rem_bytes *ret_text, rem_error *err) {
  static const char before[] = "EXPLAIN QUERY PLAN ";
  rem_buffer whole REM_CLEANUP(rem_buffer_deinit) = {0}, steps REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_statement *plan = NULL;
  int64_t parents[256];
  int depths[256];
  size_t count = 0;
  rem_buffer_append_text(&whole, before);
  rem_buffer_append_slice(&whole, text);
  REM_TRY(rem_buffer_status(&whole, err));
  rem_status status = rem_query_prepare(session, rem_buffer_slice(&whole), &plan, NULL, err);
  if (status < 0 && err && err->offset >= 0)
    err->offset = err->offset > (int64_t)strlen(before) ? err->offset - (int64_t)strlen(before) : 0;
  while (status >= 0 && plan && (status = rem_statement_step(plan, err)) == REM_ROW)
    (void)append_step(plan, parents, depths, &count, &steps);
  rem_statement_free(plan);
  REM_TRY(status);
  return rem_buffer_take(&steps, ret_text, err);
}
