/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/slot_change.h"

#include "entity/batch.h"
#include "entity/counters.h"
#include "entity/vector_index.h"
#include "storage/key.h"
#include "storage/log.h"

typedef struct slot_run {
  rem_engine *engine;
  const char *tenant;
  rem_table *table; /* owned: before the commit what is stored, after it what has been stored */
  unsigned slot;
  rem_slot held, moving; /* to be stored; without a name: none */
} slot_run;

bool rem_slot_area_used(const rem_table *table, uint64_t area) {
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    const rem_slot *moving = &table->moving[slot];
    if (table->slots[slot].area == area || (moving->model && moving->area == area))
      return true;
  }
  return false;
}

static rem_slot slot_of(const rem_model_info *model, unsigned area) {
  return (rem_slot){.model = model->name, .sha256 = model->identity, .dimension = model->dimension, .area = (uint8_t)area};
}

static bool is_model(const rem_slot *slot, const rem_model_info *model) {
  return slot->model && strcmp(slot->model, model->name) == 0 && slot->sha256 && strcmp(slot->sha256, model->identity) == 0 &&
         slot->dimension == model->dimension;
}

/* ------------------------------------------------------------------------------------------- */
/* Storing a definition                                                                         */

static rem_status put_definition(const slot_run *run, rem_commit_group *group, rem_error *err) {
  const rem_table *table = run->table;
  rem_buffer key REM_AUTO_BUFFER = {0}, stored REM_AUTO_BUFFER = {0};
  rem_key_table(&key, run->tenant, table->name);
  REM_TRY(rem_buffer_status(&key, err));
  REM_TRY(rem_table_store(table, &stored, err));
  rem_commit_put(group, REM_CF_META, rem_buffer_slice(&key), rem_buffer_slice(&stored), REM_COMMIT_SEEN);
  rem_log_payload payload = {.table = rem_slice_text(table->name), .key = rem_slice_text(table->name)};
  payload.record = rem_buffer_slice(&stored);
  rem_log_append append = {.tenant = run->tenant,
                           .operation = REM_LOG_SCHEMA,
                           .flags = REM_LOG_TXN_END,
                           .epoch = run->engine->identity.epoch,
                           .enabled = run->engine->log_enabled,
                           .payload = &payload};
  uint64_t seq;
  return rem_log_put(group, &append, &seq, err);
}

static rem_status apply_slot(void *context, rem_commit_group *group, rem_error *err) {
  slot_run *run = context;
  rem_table *changed;
  REM_TRY(rem_table_with_slot(run->table, run->slot, &run->held, &run->moving, &changed, err));
  rem_table_unref(run->table);
  run->table = changed;
  return put_definition(run, group, err);
}

static void slot_committed(void *context) {
  slot_run *run = context;
  pthread_rwlock_wrlock(&run->engine->view_lock);
  rem_registry_install(run->engine->registry, run->tenant, run->table);
  pthread_rwlock_unlock(&run->engine->view_lock);
}

static rem_status store(slot_run *run, rem_error *err) {
  rem_commit_request request = {
      .apply = apply_slot, .committed = slot_committed, .context = run, .sync = run->engine->durability == REM_SYNC};
  return rem_commit_submit(run->engine->committer, &request, err);
}

/* Runs `change` on the stored definition with the schema lock held. `ret_table` may be NULL. */
static rem_status with_table(slot_run *run, const char *name, bool locked, rem_status (*change)(slot_run *, const void *, rem_error *),
                             const void *argument, rem_table **ret_table, rem_error *err) {
  if (!locked)
    pthread_rwlock_wrlock(&run->engine->schema_lock);
  rem_status status = rem_registry_table(run->engine->registry, run->tenant, name, &run->table, err);
  if (status >= 0)
    status = change(run, argument, err);
  if (!locked)
    pthread_rwlock_unlock(&run->engine->schema_lock);
  if (status < 0 || !ret_table)
    rem_table_unref(run->table);
  else
    *ret_table = run->table;
  return status;
}

/* ------------------------------------------------------------------------------------------- */
/* Pinning                                                                                      */

static rem_status pin(slot_run *run, const void *argument, rem_error *err) {
  if (run->table->slots[run->slot].model)
    return REM_OK;
  run->held = slot_of(argument, run->table->slots[run->slot].area);
  return store(run, err);
}

rem_status rem_slot_pin(rem_engine *engine, const char *tenant, const rem_table *table, unsigned slot,
                        const rem_model_info *model, bool locked, rem_table **ret_table, rem_error *err) {
  slot_run run = {.engine = engine, .tenant = tenant, .slot = slot};
  return with_table(&run, table->name, locked, pin, model, ret_table, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Clearing                                                                                     */

typedef struct clear_run {
  rem_kv_family family;
  rem_buffer lower, upper;
} clear_run;

static rem_status apply_clear(void *context, rem_commit_group *group, rem_error *err) {
  clear_run *run = context;
  (void)err;
  rem_commit_delete_range(group, run->family, rem_buffer_slice(&run->lower), rem_buffer_slice(&run->upper));
  return REM_OK;
}

/* A range that is empty is left alone: a tombstone costs every later read of it. */
static rem_status clear_prefix(rem_engine *engine, clear_run *run, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_key_prefix_end(&run->upper, rem_buffer_slice(&run->lower));
  REM_TRY(rem_buffer_status(&run->lower, err));
  REM_TRY(rem_buffer_status(&run->upper, err));
  REM_TRY(rem_kv_iterator_prefix(engine->kv, NULL, run->family, rem_buffer_slice(&run->lower), &iterator, err));
  rem_kv_iterator_first(iterator);
  if (!rem_kv_iterator_valid(iterator))
    return rem_kv_iterator_status(iterator, err);
  rem_commit_request request = {.apply = apply_clear, .context = run, .sync = engine->durability == REM_SYNC};
  REM_TRY(rem_commit_submit(engine->committer, &request, err));
  return rem_kv_compact(engine->kv, run->family, rem_buffer_slice(&run->lower), rem_buffer_slice(&run->upper), err);
}

static rem_status clear_area(rem_engine *engine, const char *tenant, const char *table, unsigned area, rem_error *err) {
  clear_run vectors = {.family = REM_CF_VECTORS}, changes = {.family = REM_CF_VECTOR_LOG};
  REM_TRY(rem_ann_drop(engine->ann, tenant, table, area, err));
  rem_key_vector_prefix(&vectors.lower, tenant, table, area);
  rem_key_vector_log_prefix(&changes.lower, tenant, table, area);
  rem_status status = clear_prefix(engine, &vectors, err);
  if (status >= 0)
    status = clear_prefix(engine, &changes, err);
  rem_buffer_deinit(&vectors.lower);
  rem_buffer_deinit(&vectors.upper);
  rem_buffer_deinit(&changes.lower);
  rem_buffer_deinit(&changes.upper);
  return status;
}

static rem_status clear_unused(slot_run *run, const void *argument, rem_error *err) {
  (void)argument;
  for (unsigned area = 0; area < REM_AREA_COUNT; area++)
    if (!rem_slot_area_used(run->table, area))
      REM_TRY(clear_area(run->engine, run->tenant, run->table->name, area, err));
  rem_vector_index_want(run->engine, run->tenant, run->table);
  return REM_OK;
}

rem_status rem_slot_clear_areas(rem_engine *engine, const char *tenant, const char *table, rem_error *err) {
  slot_run run = {.engine = engine, .tenant = tenant};
  return with_table(&run, table, false, clear_unused, NULL, NULL, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Moving                                                                                       */

/* The areas of the slots themselves are left to them. There are more areas than slots and moves can take. */
static unsigned free_area(const rem_table *table) {
  unsigned area = REM_SLOT_COUNT;
  while (rem_slot_area_used(table, area))
    area++;
  return area;
}

static rem_status begin_move(slot_run *run, const void *argument, rem_error *err) {
  const rem_model_info *model = argument;
  const rem_slot *moving = &run->table->moving[run->slot];
  run->held = run->table->slots[run->slot];
  if (is_model(&run->held, model))
    return moving->model ? store(run, err) : REM_OK;
  if (is_model(moving, model))
    return REM_OK;
  unsigned area = free_area(run->table);
  REM_TRY(clear_area(run->engine, run->tenant, run->table->name, area, err));
  run->moving = slot_of(model, area);
  return store(run, err);
}

rem_status rem_slot_begin_move(rem_engine *engine, const char *tenant, const char *table, unsigned slot,
                               const rem_model_info *model, rem_table **ret_table, rem_error *err) {
  slot_run run = {.engine = engine, .tenant = tenant, .slot = slot};
  return with_table(&run, table, false, begin_move, model, ret_table, err);
}

static rem_status count_area(const slot_run *run, unsigned area, int64_t *ret_count, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer prefix REM_AUTO_BUFFER = {0};
  *ret_count = 0;
  rem_key_vector_prefix(&prefix, run->tenant, run->table->name, area);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(run->engine->kv, NULL, REM_CF_VECTORS, rem_buffer_slice(&prefix), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator))
    (*ret_count)++;
  return rem_kv_iterator_status(iterator, err);
}

rem_status rem_slot_check_aim(const rem_table *table, unsigned slot, const rem_model_info *model, rem_error *err) {
  const rem_slot *moving = &table->moving[slot];
  if (is_model(moving, model) || (!moving->model && is_model(&table->slots[slot], model)))
    return REM_OK;
  rem_error_set(err, REM_CONFLICT, "the move of '%s' to the model '%s' has been given up: meanwhile it was asked to move to '%s'", table->name,
                model->name, moving->model ? moving->model : table->slots[slot].model);
  rem_error_hint(err, "let one 'db embed --all' work on a table at a time");
  return REM_CONFLICT;
}

static rem_status open_area(const slot_run *run, unsigned area, rem_kv_iterator **ret_iterator, rem_error *err) {
  rem_buffer prefix REM_AUTO_BUFFER = {0};
  rem_key_vector_prefix(&prefix, run->tenant, run->table->name, area);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(run->engine->kv, NULL, REM_CF_VECTORS, rem_buffer_slice(&prefix), ret_iterator, err));
  rem_kv_iterator_first(*ret_iterator);
  return REM_OK;
}

/* The ids of vectors that have no counterpart, not more than `most` and one. Both areas are in the order of ids. */
static rem_status list_left(const slot_run *run, size_t most, rem_buffer *ret_ids, rem_error *err) {
  rem_kv_iterator *held REM_AUTO_ITERATOR = NULL, *moved REM_AUTO_ITERATOR = NULL;
  REM_TRY(open_area(run, run->table->slots[run->slot].area, &held, err));
  REM_TRY(open_area(run, run->table->moving[run->slot].area, &moved, err));
  for (; rem_kv_iterator_valid(held) && ret_ids->size / 16 <= most; rem_kv_iterator_next(held)) {
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(held));
    while (rem_kv_iterator_valid(moved) && memcmp(rem_key_id(rem_kv_iterator_key(moved)), id, 16) < 0)
      rem_kv_iterator_next(moved);
    if (!rem_kv_iterator_valid(moved) || memcmp(rem_key_id(rem_kv_iterator_key(moved)), id, 16) != 0)
      rem_buffer_append(ret_ids, id, 16);
  }
  REM_TRY(rem_buffer_status(ret_ids, err));
  REM_TRY(rem_kv_iterator_status(held, err));
  return rem_kv_iterator_status(moved, err);
}

/* One commit: those rows lose their vectors and are pending, and the slot has moved. */
static rem_status leave_and_store(slot_run *run, rem_slice ids, rem_error *err) {
  rem_batch *batch;
  rem_table *changed;
  REM_TRY(rem_entity_batch_new(run->engine, run->tenant, &batch, err));
  batch->schema_change = true;
  rem_status status = REM_OK;
  for (size_t at = 0; at < ids.size && status >= 0; at += 16)
    status = rem_entity_batch_leave(batch, run->table, ids.data + at, run->slot, err);
  if (status >= 0)
    status = rem_table_with_slot(run->table, run->slot, &run->held, &run->moving, &changed, err);
  if (status >= 0)
    status = rem_entity_batch_table(batch, changed, NULL, err);
  if (status >= 0)
    status = rem_entity_batch_commit(batch, NULL, NULL, err);
  rem_entity_batch_free(batch);
  return status;
}

typedef struct end_of_move {
  const rem_model_info *model;
  size_t most_left;
} end_of_move;

/* Only rows that have a vector have one made for the move, so equal numbers mean that all have. No writer is at work meanwhile. */
static rem_status end_move(slot_run *run, const void *argument, rem_error *err) {
  const end_of_move *end = argument;
  const rem_slot *moving = &run->table->moving[run->slot];
  rem_buffer left REM_AUTO_BUFFER = {0};
  rem_counters counters;
  int64_t moved;
  REM_TRY(rem_slot_check_aim(run->table, run->slot, end->model, err));
  if (!moving->model)
    return REM_DONE;
  REM_TRY(rem_counters_read(run->engine->kv, NULL, run->tenant, run->table->name, &counters, err));
  REM_TRY(count_area(run, moving->area, &moved, err));
  if (moved != counters.vectors[run->slot] && end->most_left)
    REM_TRY(list_left(run, end->most_left, &left, err));
  if (left.size / 16 > end->most_left || moved + (int64_t)(left.size / 16) != counters.vectors[run->slot])
    return REM_ROW;
  run->held = *moving;
  REM_TRY(left.size ? leave_and_store(run, rem_buffer_slice(&left), err) : store(run, err));
  return REM_DONE;
}

rem_status rem_slot_end_move(rem_engine *engine, const char *tenant, const char *table, unsigned slot, const rem_model_info *model,
                             size_t most_left, rem_error *err) {
  slot_run run = {.engine = engine, .tenant = tenant, .slot = slot};
  const end_of_move end = {.model = model, .most_left = most_left};
  return with_table(&run, table, false, end_move, &end, NULL, err);
}
