/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/cursor.h"

#include "base/json.h"

#include <math.h>

#include "storage/key.h"

void rem_read_options_init(rem_read_options *options) {
  *options = (rem_read_options){.struct_size = sizeof *options, .limit = -1, .min_score = NAN};
}

rem_status rem_cursor__new(rem_engine *engine, const char *tenant, rem_kv_snapshot *snapshot, rem_cursor **ret_cursor,
                           rem_error *err) {
  rem_cursor *cursor = rem_calloc(1, sizeof *cursor);
  if (!cursor)
    return rem_error_nomem(err);
  cursor->engine = engine;
  cursor->left = -1;
  memcpy(cursor->tenant, tenant, strlen(tenant) + 1);
  cursor->snapshot = snapshot;
  cursor->snapshot_borrowed = snapshot != NULL;
  rem_status status = snapshot ? REM_OK : rem_kv_snapshot_acquire(engine->kv, &cursor->snapshot, err);
  if (status < 0) {
    rem_free(cursor);
    return status;
  }
  *ret_cursor = cursor;
  return REM_OK;
}

void rem_entity_cursor_free(rem_cursor *cursor) {
  if (!cursor)
    return;
  for (size_t i = 0; i < cursor->hit_count; i++)
    rem_table_unref(cursor->hits[i].table);
  for (size_t i = 0; i < cursor->searched_count; i++)
    rem_table_unref(cursor->searched[i].table);
  rem_free(cursor->searched);
  rem_free(cursor->hits);
  rem_kv_iterator_free(cursor->iterator);
  rem_filter_deinit(&cursor->filter);
  rem_table_unref(cursor->table);
  if (!cursor->snapshot_borrowed)
    rem_kv_snapshot_release(cursor->snapshot);
  rem_free(cursor);
}

rem_status rem_cursor__add_searched(rem_cursor *cursor, rem_table *table, const rem_ranking_report *report,
                                    rem_error *err) {
  rem_searched *searched = rem_realloc(cursor->searched, (cursor->searched_count + 1) * sizeof *searched);
  if (!searched)
    return rem_error_nomem(err);
  cursor->searched = searched;
  searched[cursor->searched_count++] = (rem_searched){rem_table_ref(table), *report};
  return REM_OK;
}

rem_status rem_entity_cursor_plan(const rem_cursor *cursor, rem_bytes *ret_json, rem_error *err) {
  json_t *array REM_AUTO_JSON = json_array();
  if (!array)
    return rem_error_nomem(err);
  for (size_t i = 0; i < cursor->searched_count; i++) {
    const rem_ranking_report *report = &cursor->searched[i].report;
    json_t *item = json_pack("{s:s, s:s, s:I, s:I, s:I, s:i}", "table", cursor->searched[i].table->name, "plan", report->plan,
                             "ef", (json_int_t)report->ef, "visited", (json_int_t)report->visited, "recent",
                             (json_int_t)report->recent, "passes", (int)report->passes);
    if (!item || json_array_append_new(array, item))
      return rem_error_nomem(err);
  }
  return rem_json_text(array, ret_json, err);
}

rem_status rem_cursor__add_hit(rem_cursor *cursor, rem_table *table, const uint8_t id[16], double score,
                               const char *match, rem_error *err) {
  if (cursor->hit_count == cursor->hit_capacity) {
    size_t capacity = cursor->hit_capacity ? cursor->hit_capacity * 2 : 16;
    rem_hit *hits = rem_realloc(cursor->hits, capacity * sizeof *hits);
    if (!hits)
      return rem_error_nomem(err);
    cursor->hits = hits;
    cursor->hit_capacity = capacity;
  }
  rem_hit *hit = &cursor->hits[cursor->hit_count++];
  *hit = (rem_hit){.table = rem_table_ref(table), .score = score, .match = match};
  memcpy(hit->id, id, sizeof hit->id);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Walks                                                                                        */

/* An index of this table that answers part of the filter, if there is one, else the rows themselves. */
static rem_status open_iterator(rem_cursor *cursor, rem_error *err) {
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0};
  /* Deleted rows have no field index entries. */
  const rem_filter_term *term = cursor->include_deleted ? NULL : rem_filter_indexed_term(&cursor->filter);
  cursor->by_index = term != NULL;
  if (term) {
    rem_key_index_prefix(&prefix, cursor->tenant, cursor->table->name, term->field->number);
    rem_buffer_append_slice(&prefix, term->encoded);
  } else {
    rem_key_entity_prefix(&prefix, cursor->tenant, cursor->table->name);
  }
  REM_TRY(rem_buffer_status(&prefix, err));
  rem_kv_family family = term ? REM_CF_FIELD_INDEX : REM_CF_ENTITIES;
  return rem_kv_iterator_prefix(cursor->engine->kv, cursor->snapshot, family, rem_buffer_slice(&prefix),
                                &cursor->iterator, err);
}

rem_status rem_cursor__walk(rem_cursor *cursor, rem_table *table, const rem_read_options *options, rem_error *err) {
  cursor->table = rem_table_ref(table);
  REM_TRY(rem_filter_parse(table, options->where_json, &cursor->filter, err));
  cursor->include_deleted = options->include_deleted;
  cursor->left = options->limit < 0 ? -1 : options->limit;
  cursor->to_skip = options->offset;
  return open_iterator(cursor, err);
}

static void step(rem_cursor *cursor) {
  if (cursor->started)
    rem_kv_iterator_next(cursor->iterator);
  else
    rem_kv_iterator_first(cursor->iterator);
  cursor->started = true;
}

static rem_status read_current(rem_cursor *cursor, rem_row *row, rem_error *err) {
  const uint8_t *id = rem_key_id(rem_kv_iterator_key(cursor->iterator));
  if (!cursor->by_index)
    return rem_read_value(cursor->engine, cursor->snapshot, cursor->tenant, cursor->table, id,
                          rem_kv_iterator_value(cursor->iterator), row, err);
  rem_status status = rem_read_id(cursor->engine, cursor->snapshot, cursor->tenant, cursor->table, id, row, err);
  if (status != REM_NOT_FOUND)
    return status;
  rem_error_set(err, REM_CORRUPT, "an index of '%s' names a row that does not exist", cursor->table->name);
  rem_error_hint(err, "run 'db reindex %s'", cursor->table->name);
  return REM_CORRUPT;
}

static rem_status next_walked(rem_cursor *cursor, rem_row *row, rem_error *err) {
  for (step(cursor); rem_kv_iterator_valid(cursor->iterator); step(cursor)) {
    bool match = false;
    REM_TRY(rem_engine_check_usable(cursor->engine, err));
    REM_TRY(read_current(cursor, row, err));
    if (rem_record_is_deleted(&row->record) && !cursor->include_deleted)
      continue;
    REM_TRY(rem_filter_match(&cursor->filter, row->id, &row->record, &match, err));
    if (!match)
      continue;
    if (cursor->to_skip > 0) {
      cursor->to_skip--;
      continue;
    }
    return REM_ROW;
  }
  REM_TRY(rem_kv_iterator_status(cursor->iterator, err));
  return REM_DONE;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status next_hit(rem_cursor *cursor, rem_row *row, rem_error *err) {
  if (cursor->next_hit == cursor->hit_count)
    return REM_DONE;
  const rem_hit *hit = &cursor->hits[cursor->next_hit++];
  rem_status status =
      rem_transaction_read(cursor->transaction, cursor->engine, cursor->snapshot, cursor->tenant, hit->table, hit->id, row, err);
  if (status == REM_NOT_FOUND)
    return rem_error_set(err, REM_CORRUPT, "an index names a row of '%s' that does not exist", hit->table->name);
  REM_TRY(status);
  row->score = hit->score;
  row->match = hit->match;
  return REM_ROW;
}

rem_status rem_entity_cursor_next(rem_cursor *cursor, rem_row *row, rem_error *err) {
  if (cursor->failure < 0) {
    if (err)
      *err = cursor->reason;
    return cursor->failure;
  }
  rem_row__reset(row);
  if (cursor->left == 0)
    return REM_DONE;
  rem_status status = cursor->iterator ? next_walked(cursor, row, &cursor->reason) : next_hit(cursor, row, &cursor->reason);
  if (status == REM_ROW && cursor->left > 0)
    cursor->left--;
  if (status == REM_DONE) {
    rem_row__reset(row);
    cursor->left = 0; /* the iterator is past its end: not to be stepped again */
  }
  if (status < 0) {
    rem_row__reset(row);
    cursor->failure = status;
    if (err)
      *err = cursor->reason;
  }
  return status;
}

rem_status rem_entity_list(rem_engine *engine, const char *tenant, const char *table, const rem_read_options *options,
                           rem_cursor **ret_cursor, rem_error *err) {
  rem_table *definition = NULL;
  rem_cursor *cursor = NULL;
  REM_TRY(rem_engine_check_usable(engine, err));
  pthread_rwlock_rdlock(&engine->view_lock);
  rem_status status = rem_registry_table(engine->registry, tenant, table, &definition, err);
  if (status >= 0)
    status = rem_cursor__new(engine, tenant, NULL, &cursor, err);
  pthread_rwlock_unlock(&engine->view_lock);
  if (status >= 0) {
    status = rem_cursor__walk(cursor, definition, options, err);
    if (status >= 0)
      *ret_cursor = cursor;
    else
      rem_entity_cursor_free(cursor);
  }
  rem_table_unref(definition);
  return status;
}
