/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as read. */
#include <math.h>

#include "entity/read.h"

rem_status rem_row_new(rem_db *db, rem_row **ret_row, rem_error *err) {
  REM_CHECK_ARG(db && ret_row, err);
  rem_row *row = rem_alloc(sizeof *row);
  if (!row)
    return rem_error_nomem(err);
  rem_row__init(row, rem_engine_ref(db->engine));
  *ret_row = row;
  return REM_OK;
}

void rem_row_free(rem_row *row) {
  if (!row)
    return;
  rem_engine *engine = row->engine;
  rem_row__deinit(row);
  rem_free(row);
  (void)rem_engine_unref(engine, NULL);
}

const uint8_t *rem_row_id(const rem_row *row) {
  return row && row->table ? row->id : NULL;
}

const char *rem_row_table(const rem_row *row) {
  return row && row->table ? row->table->name : NULL;
}

double rem_row_score(const rem_row *row) {
  return row ? row->score : NAN;
}

const char *rem_row_match(const rem_row *row) {
  return row ? row->match : NULL;
}

/* ------------------------------------------------------------------------------------------- */

static bool system_field(const rem_row *row, const char *name, rem_value *ret_value) {
  rem_record_system system;
  rem_record_system_get(&row->record, &system);
  *ret_value = (rem_value){.type = REM_TYPE_INSTANT};
  if (strcmp(name, "id") == 0)
    *ret_value = (rem_value){.type = REM_TYPE_UUID, .uuid = row->id};
  else if (strcmp(name, "created_at") == 0)
    ret_value->integer = system.created_at;
  else if (strcmp(name, "modified_at") == 0)
    ret_value->integer = system.modified_at;
  else if (strcmp(name, "deleted_at") == 0 && rem_record_is_deleted(&row->record))
    ret_value->integer = system.deleted_at;
  else if (strcmp(name, "deleted_at") == 0)
    ret_value->type = REM_TYPE_NULL;
  else if (strcmp(name, "edges") == 0) {
    rem_slice edges = rem_record_edges(&row->record);
    *ret_value = (rem_value){.type = REM_TYPE_JSON, .text = edges.size ? (const char *)edges.data : "[]"};
    ret_value->text_size = edges.size ? edges.size : 2;
  } else
    return false;
  return true;
}

static rem_status outside_schema(rem_row *row, const char *name, rem_value *ret_value, rem_error *err) {
  rem_status status = rem_record_tail_field(&row->record, name, strlen(name), &row->scratch, ret_value, err);
  if (status != REM_NOT_FOUND)
    return status;
  rem_error_set(err, REM_UNKNOWN, "'%s' has no field '%s'", row->table->name, name);
  rem_error_hint(err, "rem_schema_show() lists the fields of a table");
  return REM_UNKNOWN;
}

rem_status rem_row_field(rem_row *row, const char *name, rem_value *ret_value, rem_error *err) {
  REM_CHECK_ARG(row && name && ret_value, err);
  REM_CHECK_ARG(row->table, err);
  const rem_field *field = rem_table_field(row->table, name, strlen(name));
  rem_buffer_reset(&row->scratch);
  if (field)
    return rem_record_value(&row->record, row->table, field, &row->scratch, ret_value, err);
  if (system_field(row, name, ret_value))
    return REM_OK;
  return outside_schema(row, name, ret_value, err);
}

rem_status rem_row_json(rem_row *row, unsigned flags, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(row && ret_json, err);
  REM_CHECK_ARG(row->table, err);
  rem_record_vector vectors[REM_SLOT_COUNT] = {0};
  rem_buffer floats REM_CLEANUP(rem_buffer_deinit) = {0}, json REM_CLEANUP(rem_buffer_deinit) = {0};
  bool with_vectors = (flags & REM_WITH_EMBEDDING) != 0;
  if (with_vectors)
    REM_TRY(rem_read_vectors(row->engine, row, &floats, vectors, err));
  REM_TRY(rem_record_append_entity(&row->record, row->table, row->id, with_vectors ? vectors : NULL, &json, err));
  return rem_buffer_take(&json, ret_json, err);
}
