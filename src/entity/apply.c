/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apply: what a batch does to the store, decided in the one apply order.
 *
 * For every change: find the stored row, decide the outcome, put the record, the difference of its index entries, its vector, its log
 * entry. Old state is read through the commit group, which shows what earlier requests of the same group have put. All that follows from a row
 * is derived from its encoded record.
 *
 * When a change cannot be applied as prepared (another writer was first), apply fails with a verdict, the group rolls
 * the request back, and the commit loop prepares it again.
 */
#include "entity/apply_internal.h"
#include "entity/transaction.h"

#include "base/instant.h"
#include "entity/vector_index.h"
#include "storage/key.h"

static rem_status apply_change(rem_apply *run, rem_change *change, rem_error *err) {
  switch (change->kind) {
  case REM_CHANGE_PUT:
  case REM_CHANGE_UPDATE: return rem_apply__put(run, change, err);
  case REM_CHANGE_DELETE: return rem_apply__delete(run, change, err);
  case REM_CHANGE_TABLE: return rem_apply__put_definition(run, change, err);
  case REM_CHANGE_PURGE: return rem_apply__purge(run, change, err);
  case REM_CHANGE_MOVE: return rem_apply__move(run, change, err);
  case REM_CHANGE_LEAVE: return rem_apply__leave(run, change, err);
  case REM_CHANGE_UNTABLE: return rem_apply__remove_definition(run, change, err);
  }
  return rem_error_set(err, REM_INTERNAL, "a change of unknown kind");
}

static void count_outcome(rem_batch_result *result, const rem_change *change) {
  result->inserted += change->result.outcome == REM_INSERTED;
  result->updated += change->result.outcome == REM_UPDATED;
  result->unchanged += change->result.outcome == REM_UNCHANGED;
  result->deleted += change->result.outcome == REM_DELETED;
  result->missing += change->result.outcome == REM_MISSING;
  result->pending += change->result.pending;
}

static rem_status apply_changes(rem_apply *run, rem_error *err) {
  const rem_table *checked = NULL;
  if (run->batch->transaction)
    REM_TRY(rem_transaction__check(run->batch->transaction, run->group, err));
  for (size_t i = 0; i < run->batch->count; i++) {
    rem_change *change = &run->batch->changes[i];
    run->failed_index = (int64_t)i;
    change->result = (rem_write_result){0};
    if (change->table != checked && change->kind != REM_CHANGE_TABLE)
      REM_TRY(rem_apply__check_generation(run, change->table, err));
    checked = change->table;
    REM_TRY(apply_change(run, change, err));
    if (change->kind != REM_CHANGE_TABLE)
      count_outcome(&run->result, change);
  }
  run->failed_index = -1;
  if (run->batch->begins_tenant) {
    rem_buffer_reset(&run->key);
    rem_key_tenant(&run->key, run->batch->tenant);
    rem_commit_put(run->group, REM_CF_META, rem_apply__key(run), (rem_slice){0}, REM_COMMIT_BLIND);
  }
  return rem_apply__store_counters(run, err);
}

static rem_status apply(void *context, rem_commit_group *group, rem_error *err) {
  rem_apply *run = context;
  run->group = group;
  run->now = rem_instant_now();
  rem_status status = apply_changes(run, err);
  if (run->key_failure == REM_OK)
    return status;
  run->verdict = REM_APPLY_DONE;
  return rem_error_nomem(err);
}

static void follow(rem_registry *registry, const char *tenant, const rem_change *change) {
  if (change->kind == REM_CHANGE_TABLE)
    rem_registry_install(registry, tenant, change->table);
  if (change->kind == REM_CHANGE_UNTABLE)
    rem_registry_forget(registry, tenant, change->table->name);
}

/* Hands the vectors that changed to the index, table by table as they come. */
static void feed_index(rem_apply *run) {
  const rem_batch *batch = run->batch;
  rem_ann_change *changes = rem_alloc(run->vector_count * sizeof *changes);
  for (size_t first = 0, end; first < run->vector_count; first = end) {
    const rem_apply_vector *vector = &run->vectors[first];
    for (end = first; end < run->vector_count && run->vectors[end].table == vector->table && run->vectors[end].slot == vector->slot; end++)
      if (changes)
        changes[end - first] = run->vectors[end].change;
    rem_apply_table *state;
    int64_t live = -1;
    if (rem_apply__table_state(run, (rem_table *)vector->table, &state, NULL) >= 0)
      live = state->counters.vectors[vector->slot] - state->counters.deleted_vectors[vector->slot];
    rem_vector_index_committed(batch->engine, batch->tenant, vector->table, vector->slot, changes, end - first, live);
  }
  rem_free(changes);
  rem_ann_advance(batch->engine->ann, batch->tenant, (uint64_t)run->result.last_seq);
}

static bool is_written(const void *context, const char *table) {
  const rem_apply *run = context;
  for (size_t i = 0; i < run->table_count; i++)
    if (strcmp(run->tables[i].table->name, table) == 0)
      return true;
  return false;
}

/* The index, the filters and the registry follow the store, in commit order. */
static void committed(void *context) {
  rem_apply *run = context;
  if (run->result.last_seq) {
    feed_index(run);
    rem_filter_cache_committed(run->batch->engine->filters, run->batch->tenant, (uint64_t)run->result.last_seq, is_written, run);
  }
  if (!run->batch->schema_change)
    return;
  rem_filter_cache_clear(run->batch->engine->filters);
  pthread_rwlock_wrlock(&run->batch->engine->view_lock);
  for (size_t i = 0; i < run->batch->count; i++)
    follow(run->batch->engine->registry, run->batch->tenant, &run->batch->changes[i]);
  pthread_rwlock_unlock(&run->batch->engine->view_lock);
}

rem_status rem_batch__apply(rem_batch *batch, bool want_sync, rem_apply_verdict *ret_verdict, int64_t *ret_failed_index,
                            rem_batch_result *ret_result, rem_error *err) {
  rem_apply *run = rem_calloc(1, sizeof *run);
  if (!run)
    return rem_error_nomem(err);
  run->batch = batch;
  run->failed_index = -1;
  rem_commit_request request = {.apply = apply, .committed = committed, .context = run, .sync = want_sync};
  if (!batch->schema_change)
    pthread_rwlock_rdlock(&batch->engine->schema_lock);
  rem_status status = rem_commit_submit(batch->engine->committer, &request, err);
  if (!batch->schema_change)
    pthread_rwlock_unlock(&batch->engine->schema_lock);
  if (status >= 0 && run->vector_count)
    rem_ann_upkeep(batch->engine->ann, batch->tenant);
  *ret_verdict = run->verdict;
  if (status >= 0)
    *ret_result = run->result;
  else if (run->verdict != REM_APPLY_DONE)
    status = REM_OK;
  else
    *ret_failed_index = run->failed_index;
  rem_free(run->vectors);
  rem_arena_deinit(&run->arena);
  rem_buffer_deinit(&run->key);
  rem_buffer_deinit(&run->key2);
  rem_buffer_deinit(&run->text);
  rem_free(run);
  return status;
}
