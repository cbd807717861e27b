/* SPDX-License-Identifier: Apache-2.0 */
/* The tables a batch writes to: their counters, their generation, and their definitions. */
#include "entity/apply_internal.h"

#include "storage/key.h"

static rem_status load_counters(rem_apply *run, rem_apply_table *state, rem_error *err) {
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  rem_buffer_reset(&run->key);
  rem_key_counter(&run->key, run->batch->tenant, state->table->name);
  rem_status status = rem_commit_get(run->group, REM_CF_META, rem_apply__key(run), &pin, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  REM_TRY(rem_counters_decode(rem_kv_pin_slice(&pin), &state->counters, err));
  state->loaded = state->counters;
  return REM_OK;
}

rem_status rem_apply__table_state(rem_apply *run, rem_table *table, rem_apply_table **ret_state, rem_error *err) {
  for (size_t i = run->table_count; i-- > 0;)
    if (run->tables[i].table == table || strcmp(run->tables[i].table->name, table->name) == 0) {
      *ret_state = &run->tables[i];
      return REM_OK;
    }
  if (run->table_count == REM_APPLY_MAX_TABLES)
    return rem_error_set(err, REM_LIMIT, "a batch writes to at most %d tables", REM_APPLY_MAX_TABLES);
  rem_apply_table *state = &run->tables[run->table_count];
  *state = (rem_apply_table){.table = table};
  REM_TRY(load_counters(run, state, err));
  run->table_count++;
  *ret_state = state;
  return REM_OK;
}

rem_status rem_apply__store_counters(rem_apply *run, rem_error *err) {
  for (size_t i = 0; i < run->table_count; i++) {
    rem_apply_table *state = &run->tables[i];
    if (rem_counters_equal(&state->counters, &state->loaded))
      continue;
    uint8_t bytes[REM_COUNTERS_STORED_SIZE];
    rem_counters_encode(&state->counters, bytes);
    rem_buffer_reset(&run->key);
    rem_key_counter(&run->key, run->batch->tenant, state->table->name);
    REM_TRY(rem_buffer_status(&run->key, err));
    rem_commit_put(run->group, REM_CF_META, rem_apply__key(run), rem_slice_of(bytes, sizeof bytes),
                   REM_COMMIT_LATE);
  }
  return REM_OK;
}

rem_status rem_apply__again(rem_apply *run, rem_apply_verdict verdict, rem_error *err) {
  run->verdict = verdict;
  return rem_error_set(err, REM_CONFLICT, "another writer was first");
}

rem_status rem_apply__check_generation(rem_apply *run, const rem_table *table, rem_error *err) {
  rem_table *current;
  rem_status status = rem_registry_table(run->batch->engine->registry, run->batch->tenant, table->name, &current, err);
  if (status == REM_UNKNOWN)
    return rem_apply__again(run, REM_APPLY_AGAIN_TABLE, err);
  REM_TRY(status);
  bool same = current->generation == table->generation && rem_table_same_slots(current, table);
  rem_table_unref(current);
  return same ? REM_OK : rem_apply__again(run, REM_APPLY_AGAIN_TABLE, err);
}

/* What a change of the definition that was cut short has left: the next table of this name numbers its fields anew. */
static rem_status clear_indexes(rem_apply *run, const rem_table *table, rem_error *err) {
  rem_buffer_reset(&run->key);
  rem_buffer_reset(&run->key2);
  rem_buffer_append_format(&run->key, "index:%s:%s:", run->batch->tenant, table->name);
  rem_key_prefix_end(&run->key2, rem_buffer_slice(&run->key));
  REM_TRY(rem_buffer_status(&run->key2, err));
  rem_commit_delete_range(run->group, REM_CF_FIELD_INDEX, rem_apply__key(run), rem_buffer_slice(&run->key2));
  return REM_OK;
}

rem_status rem_apply__remove_definition(rem_apply *run, rem_change *change, rem_error *err) {
  rem_apply_table *state;
  uint64_t seq;
  REM_TRY(rem_apply__table_state(run, change->table, &state, err));
  change->key = rem_slice_text(change->table->name);
  REM_TRY(rem_apply__put_log(run, change, REM_LOG_SCHEMA_REMOVE, (rem_slice){0}, 0, &seq, err));
  rem_buffer_reset(&run->key);
  rem_key_table(&run->key, run->batch->tenant, change->table->name);
  rem_commit_delete(run->group, REM_CF_META, rem_apply__key(run), REM_COMMIT_SEEN);
  rem_buffer_reset(&run->key);
  rem_key_counter(&run->key, run->batch->tenant, change->table->name);
  rem_commit_delete(run->group, REM_CF_META, rem_apply__key(run), REM_COMMIT_SEEN);
  state->counters = state->loaded; /* nothing to store for it any more */
  return clear_indexes(run, change->table, err);
}

rem_status rem_apply__put_definition(rem_apply *run, rem_change *change, rem_error *err) {
  rem_buffer stored REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_table_store(change->table, &stored, err));
  rem_buffer_reset(&run->key);
  rem_key_table(&run->key, run->batch->tenant, change->table->name);
  REM_TRY(rem_buffer_status(&run->key, err));
  rem_commit_put(run->group, REM_CF_META, rem_apply__key(run), rem_buffer_slice(&stored), REM_COMMIT_SEEN);
  if (!rem_counters_zero(&change->delta)) {
    rem_apply_table *state;
    REM_TRY(rem_apply__table_state(run, change->table, &state, err));
    rem_counters_add(&state->counters, &change->delta);
  }
  change->key = rem_slice_text(change->table->name);
  uint64_t seq;
  return rem_apply__put_log(run, change, REM_LOG_SCHEMA, rem_buffer_slice(&stored), 0, &seq, err);
}
