/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that the transaction has written, laid over those of the store.
 *
 * They are collected when the walk begins. A row of the store that the transaction has written is passed over, and the transaction's own rows that
 * pass the terms are given in its place: merged in where an order was promised, after the store's rows where none was. Rows of the store are noted
 * as read, so that the commit finds out whether somebody has changed them.
 */
#include <stdlib.h>

#include "query/cursor.h"
#include "storage/key.h"

/* As in a key, but whole: what is too long for an index has its place in the order here. */
static void append_ordered(rem_buffer *key, const rem_value *value) {
  if (value->type != REM_TYPE_TEXT) {
    (void)rem_key_append_value(key, value);
    return;
  }
  size_t first = value->text_size < REM_KEY_VALUE_MAX ? value->text_size : REM_KEY_VALUE_MAX;
  (void)rem_key_append_value_prefix(key, rem_slice_of(value->text, first));
  rem_key_append_text(key, rem_slice_of(value->text + first, value->text_size - first));
}

/* Where a pending row stands in the order of an index: its value and id. */
static rem_status order_key(rem_table_cursor *cursor, rem_pending_place *place, rem_error *err) {
  if (cursor->path != REM_PATH_INDEX) {
    place->key = rem_slice_of(place->row->id, 16);
    return REM_OK;
  }
  rem_value value;
  const rem_column *column = &cursor->module->columns.items[cursor->plan->column];
  REM_TRY(rem_record_value(&place->row->record, cursor->module->table, column->field, &cursor->scratch, &value, err));
  rem_buffer_reset(&cursor->key);
  append_ordered(&cursor->key, &value);
  rem_buffer_append(&cursor->key, place->row->id, 16);
  REM_TRY(rem_buffer_status(&cursor->key, err));
  void *copy = rem_arena_memdup(&cursor->arena, cursor->key.data, cursor->key.size);
  if (!copy)
    return rem_error_nomem(err);
  place->key = rem_slice_of(copy, cursor->key.size);
  return REM_OK;
}

/* Best first, then by id, as the ranking itself. */
static int compare_scores(const void *a, const void *b) {
  const rem_pending_place *x = a, *y = b;
  if (x->score != y->score)
    return x->score > y->score ? -1 : 1;
  return memcmp(x->row->id, y->row->id, 16);
}

static int compare_places(const void *a, const void *b) {
  return rem_slice_compare(((const rem_pending_place *)a)->key, ((const rem_pending_place *)b)->key);
}

static bool passes(rem_table_cursor *cursor, const rem_pending_row *row) {
  if (rem_record_is_deleted(&row->record) && !cursor->module->deleted_too)
    return false;
  for (int i = 0; i < cursor->term_count; i++)
    if (!rem_term_passes(&cursor->terms[i], cursor->module->table, row->id, &row->record, &cursor->scratch))
      return false;
  return true;
}

static void reverse_places(rem_pending_place *places, size_t count) {
  for (size_t i = 0; i < count / 2; i++) {
    rem_pending_place other = places[i];
    places[i] = places[count - 1 - i];
    places[count - 1 - i] = other;
  }
}

static rem_status begin_scored(rem_table_cursor *cursor, rem_error *err) {
  REM_TRY(rem_table_cursor__score_pending(cursor, err));
  if (cursor->place_count)
    qsort(cursor->places, cursor->place_count, sizeof *cursor->places, compare_scores);
  if (cursor->metric == REM_METRIC_L2) /* there the least is best */
    reverse_places(cursor->places, cursor->place_count);
  return REM_OK;
}

/* All rows of the transaction; of a walk over known ids only those, or a transaction of many statements would cost the square of them. */
static rem_status collect(rem_table_cursor *cursor, rem_error *err) {
  const rem_transaction *transaction = cursor->view->transaction;
  rem_table *table = cursor->module->table;
  bool by_id = cursor->path == REM_PATH_ID || (cursor->path == REM_PATH_KEY && !rem_transaction_has_aliases(transaction));
  if (!by_id)
    return rem_transaction_collect(transaction, table, &cursor->arena, &cursor->pending, &cursor->pending_count, err);
  cursor->pending = rem_arena_alloc(&cursor->arena, (cursor->id_count + 1) * sizeof *cursor->pending);
  if (!cursor->pending)
    return rem_error_nomem(err);
  for (size_t i = 0; i < cursor->id_count; i++) {
    const rem_pending_row *row = rem_transaction_find(transaction, table, cursor->ids[i]);
    if (row)
      cursor->pending[cursor->pending_count++] = row;
  }
  return REM_OK;
}

rem_status rem_table_cursor__begin_pending(rem_table_cursor *cursor, rem_error *err) {
  cursor->pending_count = cursor->place_count = cursor->next_place = 0;
  cursor->held = cursor->store_done = false;
  if (!cursor->view->transaction || cursor->path == REM_PATH_COUNT)
    return REM_OK;
  REM_TRY(collect(cursor, err));
  if (cursor->pending_count == 0)
    return REM_OK;
  cursor->places = rem_arena_alloc(&cursor->arena, cursor->pending_count * sizeof *cursor->places);
  if (!cursor->places)
    return rem_error_nomem(err);
  for (size_t i = 0; i < cursor->pending_count; i++) {
    if (!passes(cursor, cursor->pending[i]))
      continue;
    rem_pending_place *place = &cursor->places[cursor->place_count++];
    place->row = cursor->pending[i];
    if (cursor->ordered && cursor->path != REM_PATH_SEARCH)
      REM_TRY(order_key(cursor, place, err));
  }
  if (cursor->path == REM_PATH_SEARCH)
    return begin_scored(cursor, err);
  if (cursor->ordered && cursor->place_count)
    qsort(cursor->places, cursor->place_count, sizeof *cursor->places, compare_places);
  if (cursor->ordered && cursor->reverse)
    reverse_places(cursor->places, cursor->place_count);
  return REM_OK;
}

static bool is_written(const rem_table_cursor *cursor, const uint8_t id[16]) {
  size_t low = 0, high = cursor->pending_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = memcmp(cursor->pending[middle]->id, id, 16);
    if (order == 0)
      return true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

/* The store's next row that the transaction has not written. */
static rem_status hold_next(rem_table_cursor *cursor, rem_error *err) {
  do
    REM_TRY(rem_table_cursor__step_store(cursor, err));
  while (!cursor->eof && is_written(cursor, cursor->id));
  cursor->held = !cursor->eof;
  cursor->store_done = cursor->eof;
  cursor->eof = false;
  if (!cursor->held)
    return REM_OK;
  if (cursor->has_record)
    rem_view_note(cursor->view, cursor->module->table, cursor->id, &cursor->record);
  memcpy(cursor->held_id, cursor->id, 16);
  cursor->held_score = cursor->score;
  cursor->held_record = cursor->record;
  return REM_OK;
}

static bool held_is_first(const rem_table_cursor *cursor) {
  if (cursor->next_place == cursor->place_count)
    return true;
  if (cursor->path == REM_PATH_SEARCH)
    return !rem_metric_better(cursor->metric, cursor->places[cursor->next_place].score, cursor->held_score);
  if (!cursor->ordered)
    return true;
  rem_slice key = rem_kv_iterator_key(cursor->iterator);
  size_t prefix = cursor->iterator_prefix.size;
  int order = rem_slice_compare(rem_slice_of(key.data + prefix, key.size - prefix), cursor->places[cursor->next_place].key);
  return cursor->reverse ? order > 0 : order < 0;
}

rem_status rem_table_cursor__step_merged(rem_table_cursor *cursor, rem_error *err) {
  if (!cursor->held && !cursor->store_done)
    REM_TRY(hold_next(cursor, err));
  if (cursor->held && held_is_first(cursor)) {
    memcpy(cursor->id, cursor->held_id, 16);
    cursor->record = cursor->held_record;
    cursor->score = cursor->held_score;
    cursor->has_record = true;
    cursor->held = false;
    return REM_OK;
  }
  if (cursor->next_place == cursor->place_count) {
    cursor->eof = true;
    return REM_OK;
  }
  cursor->score = cursor->places[cursor->next_place].score;
  const rem_pending_row *row = cursor->places[cursor->next_place++].row;
  memcpy(cursor->id, row->id, 16);
  cursor->record = row->record;
  cursor->has_record = true;
  return REM_OK;
}
