/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting a row, which keeps it, and purging it, which does not. */
#include "entity/apply_internal.h"

#include "index/entries.h"

static void count_delete(rem_counters *counters, const rem_apply_row *old, bool text) {
  counters->live--;
  counters->deleted++;
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    rem_vector_state state = rem_record_vector_state(old->system.flags, text, slot);
    counters->deleted_vectors[slot] += state == REM_VECTOR_STORED;
    counters->pending[slot] -= state == REM_VECTOR_PENDING;
  }
}

static rem_status delete_row(rem_apply *run, rem_change *change, const rem_apply_row *old, rem_error *err) {
  rem_apply_table *state;
  REM_TRY(rem_apply__table_state(run, change->table, &state, err));
  uint64_t seq;
  REM_TRY(rem_log_next_seq(run->group, run->batch->tenant, &seq, err));
  rem_buffer_reset(&change->record);
  rem_buffer_append(&change->record, old->record.data, old->record.size);
  REM_TRY(rem_buffer_status(&change->record, err));
  rem_record_system system = old->system;
  int64_t now = run->now > system.modified_at ? run->now : system.modified_at + 1;
  system.flags |= REM_RECORD_DELETED;
  system.modified_at = system.deleted_at = now;
  system.seq = seq;
  rem_record_system_set(change->record.data, &system);
  rem_record record;
  REM_TRY(rem_record_open(change->record.data, change->record.size, &record, err));
  REM_TRY(rem_apply__put_log(run, change, REM_LOG_DELETE, rem_buffer_slice(&change->record), 0, &seq, err));
  rem_apply__put_record(run, change, change->record.data, change->record.size, old->large.data != NULL);
  bool derived;
  REM_TRY(rem_index_id_is_derived(run->batch->tenant, change->table, &record, change->id, &derived, NULL, err));
  REM_TRY(rem_apply__put_entries(run, change, &old->record, &record, derived, &state->counters, err));
  bool text;
  REM_TRY(rem_apply__had_text(run, change, old, &text, err));
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    rem_vector_state state_of_slot = rem_record_vector_state(system.flags, text, slot);
    if (state_of_slot == REM_VECTOR_PENDING)
      rem_apply__delete_pending(run, change, slot);
    if (state_of_slot == REM_VECTOR_STORED)
      rem_apply__hide_vector(run, change, slot, seq);
  }
  count_delete(&state->counters, old, text);
  change->result.seq = (int64_t)seq;
  return REM_OK;
}

rem_status rem_apply__delete(rem_apply *run, rem_change *change, rem_error *err) {
  rem_apply_row old AUTO_APPLY_ROW = {0};
  REM_TRY(rem_apply__find_named(run, change, &old, err));
  memcpy(change->result.id, change->id, sizeof change->result.id);
  if (!old.found || rem_record_is_deleted(&old.record)) {
    change->result.outcome = REM_MISSING;
    return REM_OK;
  }
  change->result.outcome = REM_DELETED;
  return delete_row(run, change, &old, err);
}

static void count_purge(rem_counters *counters, const rem_apply_row *old, bool text, bool derived) {
  bool deleted = rem_record_is_deleted(&old->record);
  counters->live -= !deleted;
  counters->deleted -= deleted;
  counters->explicit_ids -= !derived;
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    rem_vector_state state = rem_record_vector_state(old->system.flags, text, slot);
    counters->vectors[slot] -= state == REM_VECTOR_STORED;
    counters->deleted_vectors[slot] -= state == REM_VECTOR_STORED && deleted;
    counters->pending[slot] -= state == REM_VECTOR_PENDING && !deleted;
  }
}

static rem_status purge_row(rem_apply *run, rem_change *change, const rem_apply_row *old, rem_error *err) {
  rem_apply_table *state;
  REM_TRY(rem_apply__table_state(run, change->table, &state, err));
  bool derived, text;
  REM_TRY(rem_apply__had_text(run, change, old, &text, err));
  REM_TRY(rem_index_id_is_derived(run->batch->tenant, change->table, &old->record, change->id, &derived, NULL, err));
  uint64_t seq;
  REM_TRY(rem_apply__put_log(run, change, REM_LOG_PURGE, (rem_slice){0}, 0, &seq, err));
  REM_TRY(rem_apply__put_entries(run, change, &old->record, NULL, derived, &state->counters, err));
  rem_commit_delete(run->group, REM_CF_ENTITIES, rem_apply__entity_key(run, change->table, change->id), REM_COMMIT_SEEN);
  if (old->large.data)
    rem_commit_delete(run->group, REM_CF_LARGE, rem_apply__large_key(run, change->table, change->id), REM_COMMIT_SEEN);
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    rem_vector_state state = rem_record_vector_state(old->system.flags, text, slot);
    if (state == REM_VECTOR_STORED)
      rem_apply__delete_vector(run, change, slot, seq);
    if (state == REM_VECTOR_PENDING)
      rem_apply__delete_pending(run, change, slot);
    rem_apply__delete_moving(run, change, slot);
  }
  count_purge(&state->counters, old, text, derived);
  return REM_OK;
}

rem_status rem_apply__purge(rem_apply *run, rem_change *change, rem_error *err) {
  rem_apply_row old AUTO_APPLY_ROW = {0};
  REM_TRY(rem_apply__read_row(run, change->table, change->id, &old, err));
  if (!old.found || (!change->live_too && !rem_record_is_deleted(&old.record))) {
    change->result.outcome = REM_MISSING;
    return REM_OK;
  }
  change->result.outcome = REM_DELETED;
  return purge_row(run, change, &old, err);
}
