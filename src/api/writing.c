/* SPDX-License-Identifier: Apache-2.0 */
/* Put, update, delete, batches. */
#include "entity/batch.h"

rem_status rem_batch_new(rem_db *db, rem_batch **ret_batch, rem_error *err) {
  REM_CHECK_ARG(db && ret_batch, err);
  REM_TRY(rem_entity_batch_new(db->engine, db->tenant, ret_batch, err));
  rem_engine_ref(db->engine);
  return REM_OK;
}

void rem_batch_free(rem_batch *batch) {
  if (!batch)
    return;
  rem_engine *engine = batch->engine;
  rem_entity_batch_free(batch);
  (void)rem_engine_unref(engine, NULL);
}

rem_status rem_batch_put(rem_batch *batch, const char *table, const char *json, size_t json_size, rem_error *err) {
  REM_CHECK_ARG(batch && table && json, err);
  return rem_entity_batch_put(batch, table, json, json_size, err);
}

rem_status rem_batch_update(rem_batch *batch, const char *table, const char *key, size_t key_size, const char *json,
                            size_t json_size, rem_error *err) {
  REM_CHECK_ARG(batch && table && key && json, err);
  return rem_entity_batch_update(batch, table, rem_slice_of(key, key_size), rem_slice_of(json, json_size), err);
}

rem_status rem_batch_delete(rem_batch *batch, const char *table, const char *key, size_t key_size, rem_error *err) {
  REM_CHECK_ARG(batch && table && key, err);
  return rem_entity_batch_delete(batch, table, rem_slice_of(key, key_size), err);
}

size_t rem_batch_count(const rem_batch *batch) {
  return batch && !batch->committed ? batch->count : 0;
}

rem_status rem_batch_commit(rem_batch *batch, rem_batch_result *ret_result, int64_t *ret_failed_index, rem_error *err) {
  REM_CHECK_ARG(batch, err);
  return rem_entity_batch_commit(batch, ret_result, ret_failed_index, err);
}

bool rem_batch_outcome(const rem_batch *batch, size_t index, rem_write_result *ret_result) {
  if (!batch || index >= batch->outcome_count)
    return false;
  *ret_result = batch->changes[index].result;
  return true;
}

/* ------------------------------------------------------------------------------------------- */
/* One row: a batch of one                                                                      */

static rem_status commit_one(rem_batch *batch, rem_status added, rem_write_result *ret_result, rem_error *err) {
  rem_status status = added;
  if (status == REM_OK)
    status = rem_entity_batch_commit(batch, NULL, NULL, err);
  rem_write_result result = {0};
  if (status == REM_OK) {
    result = batch->changes[0].result;
    if (result.outcome == REM_MISSING)
      status = REM_NOT_FOUND;
    else if (ret_result)
      *ret_result = result;
  }
  rem_entity_batch_free(batch);
  return status;
}

rem_status rem_put(rem_db *db, const char *table, const char *json, size_t json_size, rem_write_result *ret_result,
                   rem_error *err) {
  REM_CHECK_ARG(db && table && json, err);
  rem_batch *batch;
  REM_TRY(rem_entity_batch_new(db->engine, db->tenant, &batch, err));
  return commit_one(batch, rem_entity_batch_put(batch, table, json, json_size, err), ret_result, err);
}

rem_status rem_update(rem_db *db, const char *table, const char *key, size_t key_size, const char *json,
                      size_t json_size, rem_write_result *ret_result, rem_error *err) {
  REM_CHECK_ARG(db && table && key && json, err);
  rem_batch *batch;
  REM_TRY(rem_entity_batch_new(db->engine, db->tenant, &batch, err));
  rem_status added =
      rem_entity_batch_update(batch, table, rem_slice_of(key, key_size), rem_slice_of(json, json_size), err);
  return commit_one(batch, added, ret_result, err);
}

rem_status rem_delete(rem_db *db, const char *table, const char *key, size_t key_size, rem_write_result *ret_result,
                      rem_error *err) {
  REM_CHECK_ARG(db && table && key, err);
  rem_batch *batch;
  REM_TRY(rem_entity_batch_new(db->engine, db->tenant, &batch, err));
  return commit_one(batch, rem_entity_batch_delete(batch, table, rem_slice_of(key, key_size), err), ret_result, err);
}
