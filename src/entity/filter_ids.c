/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/filter_ids.h"

#include <stdlib.h>

#include "entity/cursor.h"
#include "storage/key.h"

void rem_id_list_deinit(rem_id_list *list) {
  rem_free(list->ids);
  *list = (rem_id_list){0};
}

static rem_status add_id(rem_id_list *list, const uint8_t id[16], rem_error *err) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 256;
    uint8_t(*ids)[16] = rem_realloc(list->ids, capacity * sizeof *ids);
    if (!ids)
      return rem_error_nomem(err);
    list->ids = ids;
    list->capacity = capacity;
  }
  memcpy(list->ids[list->count++], id, 16);
  return REM_OK;
}

static int compare_ids(const void *a, const void *b) {
  return memcmp(a, b, 16);
}

/* Is the filter the one term, and does its index hold the value itself? Then it need not be looked up on the rows. */
static const rem_filter_term *whole_index_term(const rem_filter *filter, bool include_deleted) {
  const rem_filter_term *term = include_deleted || filter->count != 1 ? NULL : rem_filter_indexed_term(filter);
  if (!term)
    return NULL;
  switch (term->value.type) {
  case REM_TYPE_TEXT: return term->value.text_size <= REM_KEY_VALUE_MAX ? term : NULL;
  case REM_TYPE_INT:
  case REM_TYPE_BOOL: return term;
  default: return NULL;
  }
}

bool rem_filter_is_indexed(const rem_filter *filter, bool include_deleted) {
  return whole_index_term(filter, include_deleted) != NULL;
}

static rem_status open_index(rem_engine *engine, const char *tenant, const rem_kv_snapshot *snapshot, const rem_table *table,
                             const rem_filter_term *term, rem_kv_iterator **ret_iterator, rem_error *err) {
  rem_buffer prefix REM_AUTO_BUFFER = {0};
  rem_key_index_prefix(&prefix, tenant, table->name, term->field->number);
  rem_buffer_append_slice(&prefix, term->encoded);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(engine->kv, snapshot, REM_CF_FIELD_INDEX, rem_buffer_slice(&prefix), ret_iterator, err));
  rem_kv_iterator_first(*ret_iterator);
  return REM_OK;
}

/* The entries of one value come in the order of their ids. */
static rem_status ids_of_index(rem_engine *engine, const char *tenant, const rem_kv_snapshot *snapshot, const rem_table *table,
                               const rem_filter_term *term, rem_id_list *ret_ids, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  REM_TRY(open_index(engine, tenant, snapshot, table, term, &iterator, err));
  for (size_t step = 0; rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator), step++) {
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(iterator));
    if (step % 1024 == 0)
      REM_TRY(rem_engine_check_usable(engine, err));
    REM_TRY(add_id(ret_ids, id, err));
  }
  return rem_kv_iterator_status(iterator, err);
}

rem_status rem_filter_ids(rem_engine *engine, const char *tenant, const rem_kv_snapshot *snapshot, rem_table *table,
                          const rem_filter *filter, const char *where_json, bool include_deleted, rem_id_list *ret_ids,
                          rem_error *err) {
  const rem_filter_term *term = whole_index_term(filter, include_deleted);
  if (term)
    return ids_of_index(engine, tenant, snapshot, table, term, ret_ids, err);
  rem_cursor *walk;
  rem_row row;
  rem_read_options options;
  rem_read_options_init(&options);
  options.where_json = where_json;
  options.include_deleted = include_deleted;
  REM_TRY(rem_cursor__new(engine, tenant, (rem_kv_snapshot *)snapshot, &walk, err));
  rem_row__init(&row, engine);
  rem_status status = rem_cursor__walk(walk, table, &options, err);
  while (status >= 0 && (status = rem_entity_cursor_next(walk, &row, err)) == REM_ROW)
    status = add_id(ret_ids, row.id, err);
  rem_row__deinit(&row);
  rem_entity_cursor_free(walk);
  REM_TRY(status);
  if (ret_ids->count)
    qsort(ret_ids->ids, ret_ids->count, sizeof *ret_ids->ids, compare_ids);
  return REM_OK;
}

static uint64_t bytes_under(rem_engine *engine, const rem_buffer *prefix) {
  rem_buffer end REM_AUTO_BUFFER = {0};
  rem_key_prefix_end(&end, rem_buffer_slice(prefix));
  if (rem_buffer_status(prefix, NULL) < 0 || rem_buffer_status(&end, NULL) < 0)
    return 0;
  return rem_kv_range_bytes(engine->kv, REM_CF_FIELD_INDEX, rem_buffer_slice(prefix), rem_buffer_slice(&end));
}

size_t rem_filter_estimate(rem_engine *engine, const char *tenant, const rem_filter *filter, size_t rows) {
  const rem_filter_term *term = rem_filter_indexed_term(filter);
  rem_buffer prefix REM_AUTO_BUFFER = {0};
  if (!term)
    return rows;
  rem_key_index_prefix(&prefix, tenant, filter->table->name, term->field->number);
  uint64_t all = bytes_under(engine, &prefix);
  rem_buffer_append_slice(&prefix, term->encoded);
  uint64_t matching = bytes_under(engine, &prefix);
  return all && matching && matching <= all ? (size_t)((double)matching / (double)all * (double)rows) : rows;
}

rem_status rem_filter_is_few(rem_engine *engine, const char *tenant, const rem_kv_snapshot *snapshot,
                             const rem_filter *filter, size_t most, bool *ret_few, rem_error *err) {
  const rem_filter_term *term = rem_filter_indexed_term(filter);
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  size_t count = 0;
  *ret_few = false;
  if (!term)
    return REM_OK;
  REM_TRY(open_index(engine, tenant, snapshot, filter->table, term, &iterator, err));
  for (; rem_kv_iterator_valid(iterator) && count <= most; rem_kv_iterator_next(iterator))
    count++;
  *ret_few = count <= most;
  return rem_kv_iterator_status(iterator, err);
}
