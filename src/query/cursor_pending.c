/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that the transaction has written, laid over those of the store.
 *
 * They are collected when the walk begins. A row of the store that the transaction has written by then is passed over, and the transaction's own rows that
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
  return rem_table_cursor__judge(cursor, row->id, &row->record);
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

/* Rows that were written, found by something. */
typedef struct found_rows {
  const rem_pending_row **items; /* in the cursor's arena */
  size_t count, capacity;
} found_rows;

static rem_status add_found(rem_table_cursor *cursor, found_rows *found, const rem_pending_row *row, rem_error *err) {
  if (found->count == found->capacity) {
    size_t capacity = found->capacity ? found->capacity * 2 : 16;
    const rem_pending_row **items = rem_arena_alloc(&cursor->arena, capacity * sizeof *items);
    if (!items)
      return rem_error_nomem(err);
    if (found->count)
      memcpy(items, found->items, found->count * sizeof *items);
    found->items = items;
    found->capacity = capacity;
  }
  found->items[found->count++] = row;
  return REM_OK;
}

static int compare_rows(const void *a, const void *b) {
  return memcmp((*(const rem_pending_row *const *)a)->id, (*(const rem_pending_row *const *)b)->id, 16);
}

/* A row may be found more than once: by several elements of a list, in overlapping stretches. */
static void each_once(found_rows *found) {
  size_t kept = 0;
  if (found->count > 1)
    qsort(found->items, found->count, sizeof *found->items, compare_rows);
  for (size_t i = 0; i < found->count; i++)
    if (kept == 0 || found->items[kept - 1] != found->items[i])
      found->items[kept++] = found->items[i];
  found->count = kept;
}

static rem_status find_by_ids(rem_table_cursor *cursor, found_rows *found, rem_error *err) {
  for (size_t i = 0; i < cursor->id_count; i++) {
    const rem_pending_row *row = rem_transaction_find(cursor->view->transaction, cursor->module->table, cursor->ids[i]);
    if (row)
      REM_TRY(add_found(cursor, found, row, err));
  }
  return REM_OK;
}

static rem_status find_by_index(rem_table_cursor *cursor, found_rows *found, rem_error *err) {
  for (size_t i = 0; i < cursor->stretch_count; i++) {
    rem_pending_walk walk;
    REM_TRY(rem_transaction_walk(cursor->view->transaction, REM_CF_FIELD_INDEX, cursor->stretches[i].lower, cursor->stretches[i].upper, &walk, err));
    while (rem_pending_walk_next(&walk))
      REM_TRY(add_found(cursor, found, walk.row, err));
  }
  each_once(found);
  return REM_OK;
}

/* The rows of the transaction that the walk may give: those at its ids or in its stretches of an index, else all. A statement that looks for few must not cost
 * what the transaction has written, or a transaction of many statements costs the square of its rows. */
static rem_status collect(rem_table_cursor *cursor, found_rows *found, rem_error *err) {
  rem_transaction *transaction = cursor->view->transaction;
  if (cursor->path == REM_PATH_ID || cursor->path == REM_PATH_KEY || cursor->path == REM_PATH_LABEL)
    return find_by_ids(cursor, found, err);
  if (cursor->path == REM_PATH_INDEX)
    return find_by_index(cursor, found, err);
  return rem_transaction_collect(transaction, cursor->module->table, &cursor->arena, &found->items, &found->count, err);
}

rem_status rem_table_cursor__begin_pending(rem_table_cursor *cursor, rem_error *err) {
  found_rows found = {0};
  cursor->place_count = cursor->next_place = 0;
  cursor->held = cursor->store_done = false;
  if (!cursor->view->transaction || cursor->path == REM_PATH_COUNT)
    return REM_OK;
  cursor->moment = rem_transaction_moment(cursor->view->transaction);
  REM_TRY(collect(cursor, &found, err));
  if (found.count == 0)
    return REM_OK;
  cursor->places = rem_arena_alloc(&cursor->arena, found.count * sizeof *cursor->places);
  if (!cursor->places)
    return rem_error_nomem(err);
  for (size_t i = 0; i < found.count; i++) {
    if (!passes(cursor, found.items[i]))
      continue;
    rem_pending_place *place = &cursor->places[cursor->place_count++];
    place->row = found.items[i];
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

/* The store's next row that the transaction has not written. */
static rem_status hold_next(rem_table_cursor *cursor, rem_error *err) {
  do
    REM_TRY(rem_table_cursor__step_store(cursor, err));
  while (!cursor->eof && rem_transaction_wrote(cursor->view->transaction, cursor->module->table, cursor->id, cursor->moment));
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
