/* SPDX-License-Identifier: Apache-2.0 */
/* The commit loop around embedding and apply. */
#include "entity/batch_internal.h"

#include "entity/log_upkeep.h"
#include "entity/tenant.h"
#include "schema/registry.h"

/* How often a commit is prepared again when other writers get in between, before it gives up. */
#define MAX_ATTEMPTS 100

static rem_status row_is_gone(const rem_change *change, rem_error *err) {
  rem_error_set(err, REM_CONFLICT, "row '%.*s' of '%s' was deleted while it was being updated", (int)change->key.size,
                change->key.data, change->table->name);
  rem_error_hint(err, "insert it again if it is still wanted");
  return REM_CONFLICT;
}

/* The definition of a table changed since a row was validated: validate and encode it again under the new one. */
static rem_status prepare_again(rem_batch *batch, rem_change *change, rem_error *err) {
  if (change->kind == REM_CHANGE_TABLE || change->kind == REM_CHANGE_UNTABLE)
    return REM_OK;
  rem_table *table;
  REM_TRY(rem_registry_table(batch->engine->registry, batch->tenant, change->table->name, &table, err));
  /* A vector made for an aim that has been given up since must not get among those of the next one. */
  if (change->kind == REM_CHANGE_MOVE && !rem_slot_same(&change->table->moving[change->slot], &table->moving[change->slot]))
    change->vectors[change->slot].values = NULL;
  rem_table_unref(change->table);
  change->table = table;
  if (change->kind == REM_CHANGE_UPDATE) {
    rem_status status = rem_batch__prepare_update(batch, change, err);
    return status == REM_NOT_FOUND ? row_is_gone(change, err) : status;
  }
  if (change->kind != REM_CHANGE_PUT)
    return REM_OK;
  uint8_t id[16];
  memcpy(id, change->id, 16);
  REM_TRY(rem_batch__finish_document(batch, change, err));
  memcpy(change->id, id, 16);
  return REM_OK;
}

static rem_status prepare_all_again(rem_batch *batch, int64_t *ret_failed_index, rem_error *err) {
  for (size_t i = 0; i < batch->count; i++) {
    rem_status status = prepare_again(batch, &batch->changes[i], err);
    if (status < 0) {
      *ret_failed_index = (int64_t)i;
      return status;
    }
  }
  return REM_OK;
}

static rem_status commit_attempts(rem_batch *batch, rem_batch_result *ret_result, int64_t *ret_failed_index,
                                  rem_error *err) {
  bool want_sync = batch->engine->durability == REM_SYNC;
  for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    REM_TRY(rem_batch__embed(batch, err));
    rem_apply_verdict verdict = REM_APPLY_DONE;
    REM_TRY(rem_batch__apply(batch, want_sync, &verdict, ret_failed_index, ret_result, err));
    if (verdict == REM_APPLY_DONE) {
      rem_log_upkeep(batch->engine, batch->tenant);
      return REM_OK;
    }
    if (verdict != REM_APPLY_AGAIN_EMBED)
      REM_TRY(prepare_all_again(batch, ret_failed_index, err));
  }
  rem_error_set(err, REM_CONFLICT, "the rows changed %d times while this was being committed", MAX_ATTEMPTS);
  rem_error_hint(err, "try again when fewer writers work on the same rows");
  return REM_CONFLICT;
}

rem_status rem_entity_batch_embed(rem_batch *batch, rem_error *err) {
  REM_TRY(rem_engine_check_usable(batch->engine, err));
  if (rem_entity_batch_count(batch) == 0)
    return REM_OK;
  if (!batch->schema_change)
    REM_TRY(rem_tenant_ensure(batch->engine, batch->tenant, err));
  return rem_batch__embed(batch, err);
}

rem_status rem_entity_batch_commit(rem_batch *batch, rem_batch_result *ret_result, int64_t *ret_failed_index,
                                   rem_error *err) {
  int64_t failed_index = -1;
  rem_batch_result result = {0};
  rem_status status = rem_engine_check_usable(batch->engine, err);
  if (batch->committed)
    rem_batch__clear(batch);
  if (status >= 0 && batch->count && !batch->schema_change)
    status = rem_tenant_ensure(batch->engine, batch->tenant, err);
  if (status >= 0 && batch->count)
    status = commit_attempts(batch, &result, &failed_index, err);
  batch->outcome_count = status >= 0 ? batch->count : 0;
  batch->committed = true;
  if (status < 0) {
    if (ret_failed_index)
      *ret_failed_index = failed_index;
    return status;
  }
  result.truncated = batch->truncated;
  if (ret_result)
    *ret_result = result;
  return REM_OK;
}
