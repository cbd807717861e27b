/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/index_build.h"

#include "entity/counters.h"
#include "entity/read.h"
#include "index/entries.h"
#include "storage/key.h"

#define PIECE_BYTES ((size_t)4 << 20)

typedef struct index_work {
  rem_engine *engine;
  const char *tenant;
  rem_table *table;
  const uint16_t *numbers;
  size_t number_count;
  bool put; /* else delete */
  rem_kv_batch *batch;
  rem_counters *delta;
  rem_arena arena;
} index_work;

static rem_status clear_field(const index_work *work, uint16_t number, rem_error *err) {
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0}, end REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_index_prefix(&prefix, work->tenant, work->table->name, number);
  rem_key_prefix_end(&end, rem_buffer_slice(&prefix));
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_buffer_status(&end, err));
  rem_kv_batch_delete_range(work->batch, REM_CF_FIELD_INDEX, rem_buffer_slice(&prefix), rem_buffer_slice(&end));
  return REM_OK;
}

static rem_status write_piece(index_work *work, size_t least_bytes, rem_error *err) {
  if (rem_kv_batch_size(work->batch) < least_bytes)
    return REM_OK;
  REM_TRY(rem_kv_write(work->engine->kv, work->batch, false, err));
  rem_kv_batch_clear(work->batch);
  return REM_OK;
}

static rem_status add_row(index_work *work, const rem_row *row, rem_error *err) {
  if (rem_record_is_deleted(&row->record))
    return REM_OK;
  rem_arena_reset(&work->arena);
  rem_index_entries entries;
  rem_index_entries_init(&entries, &work->arena);
  rem_index_row source = {.tenant = work->tenant, .table = work->table, .id = row->id, .record = &row->record};
  REM_TRY(rem_index_entries_add_fields(&entries, &source, work->numbers, work->number_count, err));
  rem_index_entries_sort(&entries);
  for (size_t i = 0; work->put && i < entries.count; i++)
    rem_kv_batch_put(work->batch, REM_CF_FIELD_INDEX, entries.items[i].key, entries.items[i].value);
  int sign = work->put ? 1 : -1;
  work->delta->index_entries += sign * entries.fields;
  work->delta->long_values += sign * entries.long_values;
  return REM_OK;
}

static rem_status scan_rows(index_work *work, rem_row *row, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_entity_prefix(&prefix, work->tenant, work->table->name);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(work->engine->kv, NULL, REM_CF_ENTITIES, rem_buffer_slice(&prefix), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator)) {
    REM_TRY(rem_engine_check_usable(work->engine, err));
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(iterator));
    REM_TRY(rem_read_value(work->engine, NULL, work->tenant, work->table, id, rem_kv_iterator_value(iterator), row, err));
    REM_TRY(add_row(work, row, err));
    REM_TRY(write_piece(work, PIECE_BYTES, err));
  }
  return rem_kv_iterator_status(iterator, err);
}

static rem_status clear_fields(index_work *work, rem_error *err) {
  for (size_t i = 0; i < work->number_count; i++)
    REM_TRY(clear_field(work, work->numbers[i], err));
  return write_piece(work, 1, err);
}

static rem_status count_rows(index_work *work, rem_error *err) {
  rem_row row;
  rem_row__init(&row, work->engine);
  rem_status status = scan_rows(work, &row, err);
  rem_row__deinit(&row);
  return status;
}

static rem_status build(index_work *work, rem_error *err) {
  REM_TRY(clear_fields(work, err));
  REM_TRY(count_rows(work, err));
  return rem_kv_write(work->engine->kv, work->batch, true, err);
}

static rem_status with_batch(index_work *work, rem_status (*run)(index_work *work, rem_error *err), rem_error *err) {
  REM_TRY(rem_kv_batch_new(work->engine->kv, &work->batch, err));
  rem_status status = run(work, err);
  rem_kv_batch_free(work->batch);
  rem_arena_deinit(&work->arena);
  return status;
}

rem_status rem_index_build(rem_engine *engine, const char *tenant, rem_table *table, const uint16_t *numbers,
                           size_t number_count, rem_counters *delta, rem_error *err) {
  index_work work = {.engine = engine, .tenant = tenant, .table = table, .numbers = numbers};
  work.number_count = number_count;
  work.put = true;
  work.delta = delta;
  return with_batch(&work, build, err);
}

rem_status rem_index_count_off(rem_engine *engine, const char *tenant, rem_table *table, const uint16_t *numbers,
                               size_t number_count, rem_counters *delta, rem_error *err) {
  index_work work = {.engine = engine, .tenant = tenant, .table = table, .numbers = numbers};
  work.number_count = number_count;
  work.delta = delta;
  return with_batch(&work, count_rows, err);
}

rem_status rem_index_clear(rem_engine *engine, const char *tenant, const rem_table *table, const uint16_t *numbers,
                           size_t number_count, rem_error *err) {
  index_work work = {.engine = engine, .tenant = tenant, .table = (rem_table *)table, .numbers = numbers};
  work.number_count = number_count;
  return with_batch(&work, clear_fields, err);
}
