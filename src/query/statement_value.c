/* SPDX-License-Identifier: Apache-2.0 */
/* Results: columns, values, and rows as JSON. */
#include "base/instant.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "query/session_internal.h"
#include "schema/record.h"

#define JSON_SUBTYPE 'J' /* SQLite's json functions mark what they make */

int rem_statement_column_count(const rem_statement *statement) {
  return statement && statement->prepared ? sqlite3_column_count(statement->prepared) : 0;
}

static bool is_column(const rem_statement *statement, int column) {
  return column >= 0 && column < rem_statement_column_count(statement);
}

const char *rem_statement_column_name(const rem_statement *statement, int column) {
  return is_column(statement, column) ? sqlite3_column_name(statement->prepared, column) : NULL;
}

rem_type rem_statement_column_type(const rem_statement *statement, int column) {
  return is_column(statement, column) ? statement->types[column] : REM_TYPE_NULL;
}

/* ------------------------------------------------------------------------------------------- */

static rem_value typed_text(rem_statement *statement, int column, rem_value value) {
  int64_t instant;
  switch (statement->types[column]) {
  case REM_TYPE_INSTANT:
    if (rem_instant_parse(value.text, value.text_size, false, &instant))
      return (rem_value){.type = REM_TYPE_INSTANT, .integer = instant};
    return value;
  case REM_TYPE_UUID:
    if (rem_uuid_parse(value.text, value.text_size, statement->uuid))
      return (rem_value){.type = REM_TYPE_UUID, .uuid = statement->uuid};
    return value;
  case REM_TYPE_JSON: value.type = REM_TYPE_JSON; return value;
  default: break;
  }
  if (sqlite3_value_subtype(sqlite3_column_value(statement->prepared, column)) == JSON_SUBTYPE)
    value.type = REM_TYPE_JSON;
  return value;
}

static rem_value bytes_value(rem_statement *statement, int column, rem_type type) {
  const void *data = type == REM_TYPE_BLOB ? sqlite3_column_blob(statement->prepared, column)
                                           : (const void *)sqlite3_column_text(statement->prepared, column);
  int size = sqlite3_column_bytes(statement->prepared, column);
  return (rem_value){.type = type, .text = data ? data : "", .text_size = data ? (size_t)size : 0};
}

rem_value rem_statement_value(rem_statement *statement, int column) {
  rem_value value = {.type = REM_TYPE_NULL};
  if (!is_column(statement, column) || !statement->has_row)
    return value;
  switch (sqlite3_column_type(statement->prepared, column)) {
  case SQLITE_INTEGER:
    value.integer = sqlite3_column_int64(statement->prepared, column);
    value.type = statement->types[column] == REM_TYPE_BOOL && (value.integer == 0 || value.integer == 1) ? REM_TYPE_BOOL : REM_TYPE_INT;
    return value;
  case SQLITE_FLOAT: return (rem_value){.type = REM_TYPE_REAL, .real = sqlite3_column_double(statement->prepared, column)};
  case SQLITE_TEXT: return typed_text(statement, column, bytes_value(statement, column, REM_TYPE_TEXT));
  case SQLITE_BLOB: return bytes_value(statement, column, REM_TYPE_BLOB);
  default: return value;
  }
}

/* ------------------------------------------------------------------------------------------- */
/* JSON                                                                                         */

/* The key of a column: its name, or "name:1" and on when earlier columns have that name. */
static char *key_of(const rem_statement *statement, int column) {
  const char *name = sqlite3_column_name(statement->prepared, column);
  int before = 0;
  if (!name)
    return NULL;
  for (int i = 0; i < column; i++)
    before += strcmp(sqlite3_column_name(statement->prepared, i), name) == 0;
  if (before == 0)
    return rem_strdup(name);
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_buffer_append_format(&key, "%s:%d", name, before);
  return key.failure < 0 ? NULL : rem_strndup((const char *)key.data, key.size);
}

static rem_status make_keys(rem_statement *statement, rem_error *err) {
  int count = rem_statement_column_count(statement);
  statement->names = rem_calloc((size_t)count + 1, sizeof *statement->names);
  if (!statement->names)
    return rem_error_nomem(err);
  for (int i = 0; i < count; i++) {
    statement->names[i] = key_of(statement, i);
    if (!statement->names[i])
      return rem_error_nomem(err);
  }
  return REM_OK;
}

/* Text that an expression made out of bytes may be no UTF-8; then it is shown as bytes are. */
static void append_value(rem_buffer *buffer, rem_value value) {
  if (value.type == REM_TYPE_TEXT && !rem_utf8_valid(value.text, value.text_size))
    value.type = REM_TYPE_BLOB;
  rem_value_append_json(&value, buffer);
}

rem_status rem_statement_row_json(rem_statement *statement, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(statement && statement->has_row && ret_json, err);
  rem_buffer buffer REM_CLEANUP(rem_buffer_deinit) = {0};
  if (!statement->names)
    REM_TRY(make_keys(statement, err));
  int count = rem_statement_column_count(statement);
  rem_buffer_append_byte(&buffer, '{');
  for (int i = 0; i < count; i++) {
    if (i)
      rem_buffer_append_byte(&buffer, ',');
    rem_json_append_string(&buffer, statement->names[i], strlen(statement->names[i]));
    rem_buffer_append_byte(&buffer, ':');
    append_value(&buffer, rem_statement_value(statement, i));
  }
  rem_buffer_append_byte(&buffer, '}');
  return rem_buffer_take(&buffer, ret_json, err);
}
