/* SPDX-License-Identifier: Apache-2.0 */
/* A value of the current row, as SQLite takes it. Text is always copied by SQLite: what it points to moves on with the cursor. */
#include "query/cursor.h"

#include "base/instant.h"
#include "base/json.h"
#include "base/uuid.h"
#include "storage/key.h"

static void give_text(sqlite3_context *context, const void *text, size_t size) {
  sqlite3_result_text64(context, text, size, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void give_instant(sqlite3_context *context, int64_t instant) {
  char text[REM_INSTANT_TEXT_SIZE];
  give_text(context, text, rem_instant_format_fixed(instant, text));
}

static void give_uuid(sqlite3_context *context, const uint8_t id[16]) {
  char text[37];
  rem_uuid_format(id, text);
  give_text(context, text, 36);
}

/* A column of reals holds reals, also where the document had 5 for 5.0: 5 / 2 is 2.5. Integers that no double is stay as they are. */
static void give_integer(sqlite3_context *context, const rem_column *column, int64_t integer) {
  bool exact = integer >= -REM_CURSOR_EXACT && integer <= REM_CURSOR_EXACT;
  if (column->kind == REM_FIELD_REAL && exact)
    sqlite3_result_double(context, (double)integer);
  else
    sqlite3_result_int64(context, integer);
}

static void give_value(sqlite3_context *context, const rem_column *column, const rem_value *value) {
  switch (value->type) {
  case REM_TYPE_NULL: sqlite3_result_null(context); return;
  case REM_TYPE_BOOL: sqlite3_result_int(context, (int)value->integer); return;
  case REM_TYPE_INT: give_integer(context, column, value->integer); return;
  case REM_TYPE_REAL: sqlite3_result_double(context, value->real); return;
  case REM_TYPE_TEXT:
  case REM_TYPE_JSON: give_text(context, value->text, value->text_size); return;
  case REM_TYPE_INSTANT: give_instant(context, value->integer); return;
  case REM_TYPE_UUID: give_uuid(context, value->uuid); return;
  case REM_TYPE_BLOB: sqlite3_result_blob64(context, value->text, value->text_size, SQLITE_TRANSIENT); return;
  }
}

static rem_status give_document(rem_table_cursor *cursor, sqlite3_context *context, rem_error *err) {
  rem_buffer_reset(&cursor->value_text);
  REM_TRY(rem_record_append_entity(&cursor->record, cursor->module->table, cursor->id, NULL, &cursor->value_text, err));
  REM_TRY(rem_buffer_status(&cursor->value_text, err));
  give_text(context, cursor->value_text.data, cursor->value_text.size);
  return REM_OK;
}

static void append_numbers(rem_buffer *buffer, const uint8_t *data, size_t size) {
  for (size_t at = 0; at + sizeof(float) <= size; at += sizeof(float)) {
    float number;
    memcpy(&number, data + at, sizeof number);
    rem_buffer_append_byte(buffer, at ? ',' : '[');
    rem_json_append_real(buffer, (double)number);
  }
  rem_buffer_append_byte(buffer, ']');
}

static rem_status give_vector(rem_table_cursor *cursor, const rem_column *column, sqlite3_context *context, rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_buffer_reset(&cursor->key);
  rem_key_vector(&cursor->key, cursor->module->session->tenant, cursor->module->table->name,
                 cursor->module->table->slots[column->slot].area, cursor->id);
  REM_TRY(rem_buffer_status(&cursor->key, err));
  rem_status status = rem_kv_get(cursor->view->engine->kv, cursor->view->snapshot, REM_CF_VECTORS,
                                 rem_buffer_slice(&cursor->key), &pin, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND) {
    sqlite3_result_null(context);
    return REM_OK;
  }
  if (column->place == REM_COLUMN_VECTOR) {
    sqlite3_result_blob64(context, pin.data, pin.size, SQLITE_TRANSIENT);
    return REM_OK;
  }
  rem_buffer_reset(&cursor->value_text);
  append_numbers(&cursor->value_text, pin.data, pin.size);
  REM_TRY(rem_buffer_status(&cursor->value_text, err));
  give_text(context, cursor->value_text.data, cursor->value_text.size);
  return REM_OK;
}

static rem_status outside_search(const rem_column *column, rem_error *err) {
  rem_error_set(err, REM_INVALID, "'%s' is read where nothing is searched for", column->name);
  rem_error_hint(err, "use it beside a search: WHERE embedding.cosine('text')");
  return REM_INVALID;
}

static void give_system_instant(const rem_table_cursor *cursor, const rem_column *column, sqlite3_context *context) {
  rem_record_system system;
  rem_record_system_get(&cursor->record, &system);
  if (column->place == REM_COLUMN_CREATED_AT)
    give_instant(context, system.created_at);
  else if (column->place == REM_COLUMN_MODIFIED_AT)
    give_instant(context, system.modified_at);
  else if (rem_record_is_deleted(&cursor->record))
    give_instant(context, system.deleted_at);
  else
    sqlite3_result_null(context);
}

static rem_status give_field(rem_table_cursor *cursor, const rem_column *column, sqlite3_context *context, rem_error *err) {
  rem_value value;
  if (!cursor->has_record) {
    give_value(context, column, &cursor->covered_value);
    return REM_OK;
  }
  REM_TRY(rem_record_value(&cursor->record, cursor->module->table, column->field, &cursor->scratch, &value, err));
  give_value(context, column, &value);
  return REM_OK;
}

rem_status rem_table_cursor_column(rem_table_cursor *cursor, sqlite3_context *context, int number, rem_error *err) {
  const rem_column *column = &cursor->module->columns.items[number];
  switch (column->place) {
  case REM_COLUMN_FIELD: return give_field(cursor, column, context, err);
  case REM_COLUMN_ID: give_uuid(context, cursor->id); return REM_OK;
  case REM_COLUMN_TYPE:
    give_text(context, cursor->module->table->type, strlen(cursor->module->table->type));
    return REM_OK;
  case REM_COLUMN_CREATED_AT:
  case REM_COLUMN_MODIFIED_AT:
  case REM_COLUMN_DELETED_AT: give_system_instant(cursor, column, context); return REM_OK;
  case REM_COLUMN_EDGES: {
    rem_slice edges = rem_record_edges(&cursor->record);
    give_text(context, edges.size ? (const char *)edges.data : "[]", edges.size ? edges.size : 2);
    return REM_OK;
  }
  case REM_COLUMN_DOC: return give_document(cursor, context, err);
  case REM_COLUMN_EMBEDDING:
  case REM_COLUMN_VECTOR: return give_vector(cursor, column, context, err);
  case REM_COLUMN_SCORE:
    if (cursor->path != REM_PATH_SEARCH)
      return outside_search(column, err);
    sqlite3_result_double(context, cursor->score);
    return REM_OK;
  case REM_COLUMN_MIN_SCORE:
  case REM_COLUMN_SEARCH: return outside_search(column, err);
  }
  return REM_OK;
}
