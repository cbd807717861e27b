/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a row: what becomes of the stored one, of its edges and of its vector. */
#include "entity/apply_internal.h"

#include "base/json.h"
#include "base/uuid.h"
#include "index/entries.h"

typedef enum vector_fate { VECTOR_NONE, VECTOR_KEEP, VECTOR_NEW, VECTOR_PENDING } vector_fate;

/* A row has a stored vector when it has text to embed and is not pending. */
static rem_status decide_vector(rem_apply *run, rem_change *change, const rem_apply_row *old, bool old_text,
                                vector_fate *ret_fate, rem_error *err) {
  *ret_fate = VECTOR_NONE;
  if (!change->has_text)
    return REM_OK;
  bool old_vector = old_text && !(old->system.flags & REM_RECORD_PENDING);
  if (old_vector && rem_slice_equal(rem_buffer_slice(&run->text), change->text))
    *ret_fate = VECTOR_KEEP;
  else if (change->vector)
    *ret_fate = VECTOR_NEW;
  else if (change->no_model)
    *ret_fate = VECTOR_PENDING;
  else {
    change->must_embed = true;
    return rem_apply__again(run, REM_APPLY_AGAIN_EMBED, err);
  }
  return REM_OK;
}

static rem_status encode_again(rem_change *change, const json_t *edges, rem_error *err) {
  rem_buffer_reset(&change->record);
  rem_record_system system = {.generation = change->table->generation};
  return rem_record_encode(change->table, &system, change->document.properties, edges, &change->record, err);
}

/* A put keeps the stored edges and merges those given with them (D12). An update that gives none keeps them too: the change it was merged into,
 * earlier in the batch, may have known less of them. */
static rem_status merge_edges(rem_change *change, const rem_apply_row *old, rem_error *err) {
  rem_slice text = old->found ? rem_record_edges(&old->record) : (rem_slice){0};
  if (change->edges_merged) /* by an apply that was taken back: those edges may be gone */
    REM_TRY(encode_again(change, change->document.edges, err));
  change->edges_merged = false;
  if (change->replaces_edges || text.size == 0)
    return REM_OK;
  if (change->kind == REM_CHANGE_UPDATE && change->expected_seq)
    return REM_OK; /* merged into this very row */
  json_t *stored REM_AUTO_JSON = NULL, *merged REM_AUTO_JSON = NULL;
  REM_TRY(rem_json_parse((const char *)text.data, text.size, &stored, err));
  change->edges_merged = true;
  if (!change->document.edges || change->kind == REM_CHANGE_UPDATE)
    return encode_again(change, stored, err);
  REM_TRY(rem_edges_merge(stored, change->document.edges, &merged, err));
  return encode_again(change, merged, err);
}

static rem_status check_key_same(rem_apply *run, const rem_change *change, const rem_apply_row *old, rem_error *err) {
  bool same = false;
  if (change->kind != REM_CHANGE_PUT)
    return REM_OK; /* an update has checked it against the row it read */
  REM_TRY(rem_apply__row_key_is(run, change->table, old, change->key, &same, err));
  if (same)
    return REM_OK;
  char id[37];
  rem_uuid_format(change->id, id);
  rem_error_set(err, REM_CONFLICT, "row %s of '%s' has the key '%.*s', and a key cannot change", id,
                change->table->name, (int)run->key2.size, run->key2.data);
  rem_error_hint(err, "leave 'id' out to write a row of its own under the new key");
  return REM_CONFLICT;
}

static void count_put(rem_counters *counters, const rem_apply_row *old, bool old_text, vector_fate fate, bool derived) {
  bool was_live = old->found && !rem_record_is_deleted(&old->record);
  bool was_pending = old_text && (old->system.flags & REM_RECORD_PENDING);
  bool old_vector = old_text && !was_pending;
  bool new_vector = fate == VECTOR_KEEP || fate == VECTOR_NEW;
  counters->live += !was_live;
  counters->deleted -= old->found && !was_live;
  counters->explicit_ids += !old->found && !derived;
  counters->vectors[0] += new_vector - old_vector;
  counters->deleted_vectors[0] -= old_vector && old->found && !was_live;
  counters->pending[0] += (fate == VECTOR_PENDING) - (was_live && was_pending);
}

/* The system part of the new record. */
static void fill_system(rem_apply *run, const rem_change *change, const rem_apply_row *old, vector_fate fate,
                        bool content_same, uint64_t seq, rem_record_system *ret_system) {
  int64_t now = run->now;
  if (old->found && now <= old->system.modified_at)
    now = old->system.modified_at + 1;
  *ret_system = (rem_record_system){
      .flags = fate == VECTOR_PENDING ? REM_RECORD_PENDING : 0,
      .generation = change->table->generation,
      .created_at = old->found ? old->system.created_at : now,
      .modified_at = content_same ? old->system.modified_at : now,
      .seq = seq,
  };
}

static void write_vector(rem_apply *run, const rem_change *change, const rem_apply_row *old, bool old_text,
                         vector_fate fate, uint64_t seq) {
  bool was_pending = old_text && (old->system.flags & REM_RECORD_PENDING);
  if (fate == VECTOR_NEW)
    rem_apply__put_vector(run, change, 0, seq);
  if (fate != VECTOR_NEW && fate != VECTOR_KEEP && old_text && !was_pending)
    rem_apply__delete_vector(run, change, 0, seq);
  if (fate == VECTOR_PENDING)
    rem_apply__put_pending(run, change, 0);
  else if (was_pending)
    rem_apply__delete_pending(run, change, 0);
}

/* Writes the prepared record, which `record` is a view of, over `old`. `content_same`: only the vector is new. */
static rem_status write_row(rem_apply *run, rem_change *change, const rem_record *record, const rem_apply_row *old,
                            bool old_text, vector_fate fate, bool content_same, rem_error *err) {
  rem_apply_table *state;
  REM_TRY(rem_apply__table_state(run, change->table, &state, err));
  uint64_t seq;
  REM_TRY(rem_log_next_seq(run->group, run->batch->tenant, &seq, err));
  rem_record_system system;
  fill_system(run, change, old, fate, content_same, seq, &system);
  rem_record_system_set(change->record.data, &system);
  rem_slice encoded = rem_buffer_slice(&change->record);
  REM_TRY(rem_apply__put_log(run, change, REM_LOG_PUT, encoded, fate == VECTOR_NEW, &seq, err));
  rem_apply__put_record(run, change, encoded.data, encoded.size, old->large.data != NULL);
  REM_TRY(rem_apply__put_entries(run, change, old->found ? &old->record : NULL, record, change->id_derived,
                                 &state->counters, err));
  write_vector(run, change, old, old_text, fate, seq);
  count_put(&state->counters, old, old_text, fate, change->id_derived);
  change->result.pending = fate == VECTOR_PENDING;
  change->result.seq = (int64_t)seq;
  return REM_OK;
}

/* The row that this put or update is written over. */
static rem_status find_old(rem_apply *run, rem_change *change, rem_apply_row *old, rem_error *err) {
  if (change->kind == REM_CHANGE_PUT)
    return rem_apply__find_replaced(run, change, old, err);
  REM_TRY(rem_apply__read_row(run, change->table, change->id, old, err));
  bool live = old->found && !rem_record_is_deleted(&old->record);
  if (!live || (change->expected_seq && old->system.seq != change->expected_seq))
    return rem_apply__again(run, REM_APPLY_AGAIN_UPDATE, err);
  return REM_OK;
}

rem_status rem_apply__put(rem_apply *run, rem_change *change, rem_error *err) {
  rem_apply_row old AUTO_APPLY_ROW = {0};
  REM_TRY(find_old(run, change, &old, err));
  if (old.found)
    REM_TRY(check_key_same(run, change, &old, err));
  REM_TRY(merge_edges(change, &old, err));
  rem_record record;
  REM_TRY(rem_record_open(change->record.data, change->record.size, &record, err));
  /* Whether the id follows from the key is a property of the row, not of how it was written. */
  if (change->key.size == 0 || change->kind == REM_CHANGE_UPDATE || old.found)
    REM_TRY(rem_index_id_is_derived(run->batch->tenant, change->table, &record, change->id, &change->id_derived, NULL,
                                    err));
  bool old_text;
  REM_TRY(rem_apply__had_text(run, change, &old, &old_text, err));
  vector_fate fate;
  REM_TRY(decide_vector(run, change, &old, old_text, &fate, err));
  bool live = old.found && !rem_record_is_deleted(&old.record);
  bool same = live && rem_record_same_content(&old.record, &record);
  bool vector_same = fate != VECTOR_NEW && !(fate == VECTOR_PENDING && !(old.system.flags & REM_RECORD_PENDING));
  memcpy(change->result.id, change->id, sizeof change->result.id);
  change->result.outcome = same ? REM_UNCHANGED : live ? REM_UPDATED : REM_INSERTED;
  if (same && vector_same) {
    change->result.pending = fate == VECTOR_PENDING;
    return REM_OK;
  }
  return write_row(run, change, &record, &old, old_text, fate, same, err);
}
