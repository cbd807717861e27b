/* SPDX-License-Identifier: Apache-2.0 */
#include "query/table_write.h"

#include <math.h>

#include "base/json.h"
#include "base/uuid.h"

#define JSON_SUBTYPE 'J'

/* ------------------------------------------------------------------------------------------- */
/* A value of SQL as a value of a document                                                      */

static rem_status bad_value(const rem_column *column, const char *what, const char *hint, rem_error *err) {
  rem_error_set(err, REM_INVALID, "column '%s': %s", column->name, what);
  rem_error_hint(err, "%s", hint);
  return REM_INVALID;
}

static rem_status text_json(const rem_column *column, sqlite3_value *value, json_t **ret_json, rem_error *err) {
  const char *text = (const char *)sqlite3_value_text(value);
  size_t size = (size_t)sqlite3_value_bytes(value);
  if (!text)
    return rem_error_nomem(err);
  bool nested = column->kind == REM_FIELD_LIST || column->kind == REM_FIELD_OBJECT ||
                (column->kind == REM_FIELD_ANY && sqlite3_value_subtype(value) == JSON_SUBTYPE);
  if (!nested) {
    *ret_json = json_stringn(text, size);
    return *ret_json ? REM_OK : bad_value(column, "the text is not valid UTF-8", "texts are UTF-8 without NUL", err);
  }
  if (rem_json_parse(text, size, ret_json, err) >= 0)
    return REM_OK;
  if (err)
    err->offset = -1; /* it was a place in the JSON */
  rem_error_prefix(err, "column '%s': ", column->name);
  rem_error_hint(err, "lists and objects are written as JSON: '[\"a\", \"b\"]'");
  return REM_INVALID;
}

static rem_status value_json(const rem_column *column, sqlite3_value *value, json_t **ret_json, rem_error *err) {
  double real;
  sqlite3_int64 integer;
  switch (sqlite3_value_type(value)) {
  case SQLITE_NULL: *ret_json = json_null(); return REM_OK;
  case SQLITE_INTEGER:
    integer = sqlite3_value_int64(value);
    *ret_json = column->kind == REM_FIELD_BOOL && (integer == 0 || integer == 1) ? json_boolean(integer) : json_integer(integer);
    break;
  case SQLITE_FLOAT:
    real = sqlite3_value_double(value);
    if (!isfinite(real))
      return bad_value(column, "the number is not finite", "store NULL for what has no value", err);
    *ret_json = json_real(real);
    break;
  case SQLITE_TEXT: return text_json(column, value, ret_json, err);
  default: return bad_value(column, "a blob cannot be stored", "store it as text, hex() or base64 for example", err);
  }
  return *ret_json ? REM_OK : rem_error_nomem(err);
}

static rem_status set_member(json_t *document, const rem_column *column, sqlite3_value *value, rem_error *err) {
  json_t *json;
  REM_TRY(value_json(column, value, &json, err));
  return json_object_set_new(document, column->name, json) < 0 ? rem_error_nomem(err) : REM_OK;
}

static rem_status set_type(const rem_module *module, const rem_column *column, sqlite3_value *value, rem_error *err) {
  const char *text = (const char *)sqlite3_value_text(value);
  if (!text || strcmp(text, module->table->type) == 0)
    return REM_OK;
  return bad_value(column, "a row has the type of its table", "leave it out", err);
}

/* The system columns: most are the database's own. */
static rem_status set_system(const rem_module *module, json_t *document, const rem_column *column, sqlite3_value *value, rem_error *err) {
  switch (column->place) {
  case REM_COLUMN_FIELD:
  case REM_COLUMN_ID:
  case REM_COLUMN_EDGES: return set_member(document, column, value, err);
  case REM_COLUMN_TYPE: return set_type(module, column, value, err);
  case REM_COLUMN_EMBEDDING:
  case REM_COLUMN_VECTOR: return bad_value(column, "vectors are made from the embedding fields", "write those fields", err);
  default: return bad_value(column, "it is set by the database", "leave it out", err);
  }
}

/* ------------------------------------------------------------------------------------------- */
/* Insert, update, delete                                                                       */

static rem_status base_document(const rem_module *module, sqlite3_value **columns, json_t **ret_document, rem_error *err) {
  for (int i = 0; i < module->columns.count; i++) {
    const rem_column *column = &module->columns.items[i];
    if (column->place != REM_COLUMN_DOC || sqlite3_value_type(columns[i]) == SQLITE_NULL)
      continue;
    const char *text = (const char *)sqlite3_value_text(columns[i]);
    if (!text)
      return rem_error_nomem(err);
    rem_status status = rem_json_parse_object(text, (size_t)sqlite3_value_bytes(columns[i]), ret_document, err);
    if (status < 0 && err)
      err->offset = -1; /* it was a place in the JSON */
    if (status < 0)
      rem_error_prefix(err, "column '_doc': ");
    return status;
  }
  *ret_document = json_object();
  return *ret_document ? REM_OK : rem_error_nomem(err);
}

/* A NULL is a field left out, unless the schema wants the field to be there. */
static rem_status insert(rem_module *module, sqlite3_value **columns, bool *ret_written, rem_error *err) {
  rem_session *session = module->session;
  json_t *document REM_AUTO_JSON = NULL;
  REM_TRY(base_document(module, columns, &document, err));
  for (int i = 0; i < module->columns.count; i++) {
    const rem_column *column = &module->columns.items[i];
    bool null = sqlite3_value_type(columns[i]) == SQLITE_NULL;
    bool wanted = column->required && column->field->nullable && !json_object_get(document, column->name);
    if (column->place == REM_COLUMN_DOC || (null && !wanted))
      continue;
    REM_TRY(set_system(module, document, column, columns[i], err));
  }
  bool keep_old = sqlite3_vtab_on_conflict(session->sqlite) == SQLITE_IGNORE;
  return rem_transaction_put(session->view->transaction, module->table, REM_TAKE(document), keep_old, ret_written, err);
}

static rem_status id_of(const rem_module *module, sqlite3_value *value, uint8_t ret_id[16], rem_error *err) {
  const char *text = (const char *)sqlite3_value_text(value);
  if (text && rem_uuid_parse(text, (size_t)sqlite3_value_bytes(value), ret_id))
    return REM_OK;
  return rem_error_set(err, REM_INTERNAL, "a row of '%s' is to be written by what is no id", module->table->name);
}

static rem_status same_id(const rem_column *column, const uint8_t id[16], sqlite3_value *value, rem_error *err) {
  uint8_t given[16];
  const char *text = (const char *)sqlite3_value_text(value);
  if (text && rem_uuid_parse(text, (size_t)sqlite3_value_bytes(value), given) && memcmp(given, id, 16) == 0)
    return REM_OK;
  return bad_value(column, "the id of a row cannot change", "insert a new row, and delete this one", err);
}

static rem_status update(rem_module *module, const uint8_t id[16], sqlite3_value **columns, rem_error *err) {
  json_t *fields REM_AUTO_JSON = json_object();
  if (!fields)
    return rem_error_nomem(err);
  for (int i = 0; i < module->columns.count; i++) {
    const rem_column *column = &module->columns.items[i];
    if (sqlite3_value_nochange(columns[i]))
      continue;
    if (column->place == REM_COLUMN_ID)
      REM_TRY(same_id(column, id, columns[i], err));
    else if (column->place == REM_COLUMN_DOC)
      return bad_value(column, "a whole document cannot be set", "set its fields", err);
    else
      REM_TRY(set_system(module, fields, column, columns[i], err));
  }
  return rem_transaction_set(module->session->view->transaction, module->table, id, REM_TAKE(fields), err);
}

rem_status rem_table_write(rem_module *module, int count, sqlite3_value **values, bool *ret_written, rem_error *err) {
  rem_view *view = module->session->view;
  uint8_t id[16];
  *ret_written = true;
  if (!view || !view->transaction)
    return rem_error_set(err, REM_INTERNAL, "a table is written outside a transaction");
  if (count > 1 && sqlite3_value_type(values[0]) == SQLITE_NULL)
    return insert(module, values + 2, ret_written, err);
  REM_TRY(id_of(module, values[0], id, err));
  rem_status status = count == 1 ? rem_transaction_delete(view->transaction, module->table, id, err) : update(module, id, values + 2, err);
  return status == REM_NOT_FOUND ? err->code = REM_INVALID : status;
}

/* ------------------------------------------------------------------------------------------- */
/* Transactions                                                                                 */

rem_status rem_write_sync(rem_session *session, rem_error *err) {
  rem_view *view = session->view;
  if (!view || !view->transaction || view->committed)
    return REM_OK;
  view->committed = true;
  session->commit_result = (rem_batch_result){0};
  if (rem_transaction_is_empty(view->transaction))
    return REM_OK;
  /* A statement by itself that only inserts writes its rows whatever they are by now, as an API call does (D12). */
  bool checked = view->reads || view == session->transaction_view;
  return rem_transaction_commit(view->transaction, checked, &session->commit_result, err);
}

void rem_write_rollback(rem_session *session) {
  rem_view *view = session->view;
  if (view && view->transaction && !view->committed)
    rem_transaction_rewind(view->transaction, 0);
}

#define UNSET SIZE_MAX

rem_status rem_write_savepoint(rem_session *session, int level, rem_error *err) {
  rem_view *view = session->view;
  if (!view || !view->transaction)
    return REM_OK;
  size_t index = (size_t)level;
  if (index >= view->savepoint_count) {
    size_t *savepoints = rem_realloc(view->savepoints, (index + 1) * sizeof *savepoints);
    if (!savepoints)
      return rem_error_nomem(err);
    /* Levels that were there before the first table was written begin where the transaction does. */
    for (size_t i = view->savepoint_count; i <= index; i++)
      savepoints[i] = i < index ? 0 : UNSET;
    view->savepoints = savepoints;
    view->savepoint_count = index + 1;
  }
  /* Each table is told; the first time counts. */
  if (view->savepoints[index] == UNSET)
    view->savepoints[index] = rem_transaction_mark(view->transaction);
  return REM_OK;
}

static void forget_from(rem_view *view, size_t level) {
  for (size_t i = level; i < view->savepoint_count; i++)
    view->savepoints[i] = UNSET;
}

void rem_write_release(rem_session *session, int level) {
  if (session->view)
    forget_from(session->view, (size_t)level);
}

void rem_write_rollback_to(rem_session *session, int level) {
  rem_view *view = session->view;
  size_t index = (size_t)level;
  if (!view || !view->transaction || view->committed)
    return;
  size_t mark = index < view->savepoint_count && view->savepoints[index] != UNSET ? view->savepoints[index] : 0;
  rem_transaction_rewind(view->transaction, mark);
  forget_from(view, index + 1);
}
