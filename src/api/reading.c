/* SPDX-License-Identifier: Apache-2.0 */
/* Get, list, lookup, search, edges. */
#include "api/api_internal.h"
#include "base/utf8.h"
#include "entity/cursor.h"
#include "entity/edges.h"

/* Hides a deleted row unless it is asked for. */
static rem_status visible(rem_status status, bool include_deleted, rem_row *row) {
  if (status != REM_OK || include_deleted || !rem_record_is_deleted(&row->record))
    return status;
  rem_row__reset(row);
  return REM_NOT_FOUND;
}

rem_status rem_get_id(rem_db *db, const char *table, const uint8_t id[16], bool include_deleted, rem_row *row,
                      rem_error *err) {
  REM_CHECK_ARG(db && table && id && row, err);
  rem_table *definition;
  REM_TRY(rem_registry_table(db->engine->registry, db->tenant, table, &definition, err));
  rem_status status = rem_read_id(db->engine, NULL, db->tenant, definition, id, row, err);
  rem_table_unref(definition);
  return visible(status, include_deleted, row);
}

rem_status rem_get(rem_db *db, const char *table, const char *key, size_t key_size, bool include_deleted, rem_row *row,
                   rem_error *err) {
  REM_CHECK_ARG(db && table && key && row, err);
  rem_table *definition;
  uint8_t id[16];
  REM_TRY(rem_registry_table(db->engine->registry, db->tenant, table, &definition, err));
  rem_status status =
      rem_read_resolve(db->engine, db->tenant, definition, rem_slice_of(key, key_size), id, row, err);
  rem_table_unref(definition);
  return visible(status, include_deleted, row);
}

/* A cursor handed out keeps the database open, until rem_cursor_free(). */
static rem_status hand_out(rem_db *db, rem_status status) {
  if (status >= 0)
    rem_engine_ref(db->engine);
  return status;
}

rem_status rem_list(rem_db *db, const char *table, const rem_read_options *options, rem_cursor **ret_cursor,
                    rem_error *err) {
  REM_CHECK_ARG(db && table && ret_cursor, err);
  REM_READ_OPTIONS(rem_read_options, chosen, options);
  return hand_out(db, rem_entity_list(db->engine, db->tenant, table, &chosen, ret_cursor, err));
}

rem_status rem_lookup(rem_db *db, const char *key, size_t key_size, unsigned flags, int64_t limit,
                      rem_cursor **ret_cursor, rem_error *err) {
  REM_CHECK_ARG(db && key && ret_cursor, err);
  return hand_out(db, rem_entity_lookup(db->engine, db->tenant, rem_slice_of(key, key_size), flags, limit, ret_cursor, err));
}

rem_status rem_search(rem_db *db, const char *text, size_t text_size, const char *table,
                      const rem_read_options *options, rem_cursor **ret_cursor, int64_t *ret_pending, rem_error *err) {
  REM_CHECK_ARG(db && text && ret_cursor, err);
  REM_READ_OPTIONS(rem_read_options, chosen, options);
  if (!rem_utf8_valid(text, text_size))
    return rem_error_set(err, REM_INVALID, "the text to search for is not valid UTF-8");
  return hand_out(db, rem_entity_search(db->engine, db->tenant, rem_slice_of(text, text_size), table, &chosen,
                                        ret_cursor, ret_pending, err));
}

rem_status rem_search_vector(rem_db *db, const float *vector, size_t dimension, const char *table,
                             const rem_read_options *options, rem_cursor **ret_cursor, int64_t *ret_pending,
                             rem_error *err) {
  REM_CHECK_ARG(db && vector && dimension && table && ret_cursor, err);
  REM_READ_OPTIONS(rem_read_options, chosen, options);
  return hand_out(db, rem_entity_search_vector(db->engine, db->tenant, vector, dimension, table, &chosen, ret_cursor,
                                               ret_pending, err));
}

rem_status rem_cursor_next(rem_cursor *cursor, rem_row *row, rem_error *err) {
  REM_CHECK_ARG(cursor && row, err);
  return rem_entity_cursor_next(cursor, row, err);
}

rem_status rem_cursor_plan(const rem_cursor *cursor, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(cursor && ret_json, err);
  return rem_entity_cursor_plan(cursor, ret_json, err);
}

void rem_cursor_free(rem_cursor *cursor) {
  if (!cursor)
    return;
  rem_engine *engine = cursor->engine;
  rem_entity_cursor_free(cursor);
  (void)rem_engine_unref(engine, NULL);
}

rem_status rem_edges(rem_db *db, const char *table, const char *key, size_t key_size, rem_direction direction,
                     rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(db && table && key && ret_json, err);
  REM_CHECK_ARG(direction >= REM_OUT && direction <= REM_BOTH, err);
  return rem_entity_edges(db->engine, db->tenant, table, rem_slice_of(key, key_size), direction, ret_json, err);
}
