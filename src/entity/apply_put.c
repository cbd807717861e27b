/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a row: what becomes of the stored one, of its edges and of its vector. */
#include "entity/apply_internal.h"

#include "base/json.h"
#include "base/uuid.h"
#include "index/entries.h"

typedef enum vector_fate { VECTOR_NONE, VECTOR_KEEP, VECTOR_NEW, VECTOR_PENDING } vector_fate;

/* What becomes of one slot. */
typedef struct slot_fate {
  vector_fate fate;
  rem_vector_state before, after;
} slot_fate;

static rem_vector_state state_after(vector_fate fate) {
  switch (fate) {
  case VECTOR_KEEP:
  case VECTOR_NEW: return REM_VECTOR_STORED;
  case VECTOR_PENDING: return REM_VECTOR_PENDING;
  default: return REM_VECTOR_NONE;
  }
}

static rem_status decide_vector(rem_apply *run, rem_change *change, unsigned slot, bool same_text, slot_fate *slots,
                                rem_error *err) {
  rem_change_vector *vector = &change->vectors[slot];
  slot_fate *decided = &slots[slot];
  decided->fate = VECTOR_NONE;
  if (!vector->wanted)
    return REM_OK;
  if (decided->before == REM_VECTOR_STORED && same_text)
    decided->fate = VECTOR_KEEP;
  else if (vector->values)
    decided->fate = VECTOR_NEW;
  else if (vector->no_model)
    decided->fate = VECTOR_PENDING;
  else {
    vector->must_embed = true;
    return rem_apply__again(run, REM_APPLY_AGAIN_EMBED, err);
  }
  return REM_OK;
}

static rem_status decide_vectors(rem_apply *run, rem_change *change, const rem_apply_row *old, slot_fate *slots,
                                 rem_error *err) {
  bool old_text;
  REM_TRY(rem_apply__had_text(run, change, old, &old_text, err));
  bool same_text = old_text && change->has_text && rem_slice_equal(rem_buffer_slice(&run->text), change->text);
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    slots[slot].before = rem_record_vector_state(old->system.flags, old_text, slot);
    REM_TRY(decide_vector(run, change, slot, same_text, slots, err));
    slots[slot].after = state_after(slots[slot].fate);
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
  return rem_change__key_changed(change, rem_buffer_slice(&run->key2), err);
}

static void count_put(rem_counters *counters, const rem_apply_row *old, const slot_fate *slots, bool derived) {
  bool was_live = old->found && !rem_record_is_deleted(&old->record);
  counters->live += !was_live;
  counters->deleted -= old->found && !was_live;
  counters->explicit_ids += !old->found && !derived;
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    bool had = slots[slot].before == REM_VECTOR_STORED, waited = slots[slot].before == REM_VECTOR_PENDING;
    counters->vectors[slot] += (slots[slot].after == REM_VECTOR_STORED) - had;
    counters->deleted_vectors[slot] -= had && !was_live;
    counters->pending[slot] += (slots[slot].after == REM_VECTOR_PENDING) - (was_live && waited);
  }
}

/* The system part of the new record. */
static void fill_system(rem_apply *run, const rem_change *change, const rem_apply_row *old, const slot_fate *slots,
                        bool content_same, uint64_t seq, rem_record_system *ret_system) {
  int64_t now = run->now;
  if (old->found && now <= old->system.modified_at)
    now = old->system.modified_at + 1;
  *ret_system = (rem_record_system){
      .generation = change->table->generation,
      .created_at = old->found ? old->system.created_at : now,
      .modified_at = content_same ? old->system.modified_at : now,
      .seq = seq,
  };
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    ret_system->flags |= rem_record_vector_flags(slots[slot].after, slot);
}

static void write_vector(rem_apply *run, const rem_change *change, unsigned slot, const slot_fate *decided, bool was_hidden,
                         uint64_t seq) {
  if (decided->fate == VECTOR_NEW)
    rem_apply__put_vector(run, change, slot, seq);
  if (decided->fate == VECTOR_KEEP && was_hidden)
    rem_apply__show_vector(run, change, slot, seq);
  if (decided->after != REM_VECTOR_STORED && decided->before == REM_VECTOR_STORED)
    rem_apply__delete_vector(run, change, slot, seq);
  /* What was prepared for another model is of the text before; whoever is moving the slot makes it again. */
  if (decided->fate != VECTOR_KEEP)
    rem_apply__delete_moving(run, change, slot);
  if (decided->after == REM_VECTOR_PENDING)
    rem_apply__put_pending(run, change, slot);
  else if (decided->before == REM_VECTOR_PENDING)
    rem_apply__delete_pending(run, change, slot);
}

/* Writes the prepared record, which `record` is a view of, over `old`. `content_same`: only vectors are new. */
static rem_status write_row(rem_apply *run, rem_change *change, const rem_record *record, const rem_apply_row *old,
                            const slot_fate *slots, bool content_same, rem_error *err) {
  rem_apply_table *state;
  REM_TRY(rem_apply__table_state(run, change->table, &state, err));
  uint64_t seq;
  REM_TRY(rem_log_next_seq(run->group, run->batch->tenant, &seq, err));
  rem_record_system system;
  fill_system(run, change, old, slots, content_same, seq, &system);
  rem_record_system_set(change->record.data, &system);
  rem_slice encoded = rem_buffer_slice(&change->record);
  unsigned new_vectors = 0;
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    new_vectors |= (unsigned)(slots[slot].fate == VECTOR_NEW) << slot;
  REM_TRY(rem_apply__put_log(run, change, REM_LOG_PUT, encoded, new_vectors, &seq, err));
  rem_apply__put_record(run, change, encoded.data, encoded.size, old->large.data != NULL);
  REM_TRY(rem_apply__put_entries(run, change, old->found ? &old->record : NULL, record, change->id_derived,
                                 &state->counters, err));
  bool was_hidden = old->found && rem_record_is_deleted(&old->record);
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    write_vector(run, change, slot, &slots[slot], was_hidden, seq);
  count_put(&state->counters, old, slots, change->id_derived);
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
  slot_fate slots[REM_SLOT_COUNT];
  REM_TRY(decide_vectors(run, change, &old, slots, err));
  bool live = old.found && !rem_record_is_deleted(&old.record);
  bool same = live && rem_record_same_content(&old.record, &record);
  bool vectors_same = true;
  change->result.pending = false;
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    vectors_same = vectors_same && slots[slot].fate != VECTOR_NEW && slots[slot].before == slots[slot].after;
    change->result.pending = change->result.pending || slots[slot].after == REM_VECTOR_PENDING;
  }
  memcpy(change->result.id, change->id, sizeof change->result.id);
  change->result.outcome = same ? REM_UNCHANGED : live ? REM_UPDATED : REM_INSERTED;
  if (same && vectors_same)
    return REM_OK;
  return write_row(run, change, &record, &old, slots, same, err);
}

/* The outcome counts: REM_UPDATED when the vector was stored, REM_MISSING when it is of no use any more. */
rem_status rem_apply__move(rem_apply *run, rem_change *change, rem_error *err) {
  rem_apply_row old AUTO_APPLY_ROW = {0};
  bool old_text;
  uint64_t seq;
  const rem_slot *moving = &change->table->moving[change->slot];
  REM_TRY(rem_apply__read_row(run, change->table, change->id, &old, err));
  REM_TRY(rem_apply__had_text(run, change, &old, &old_text, err));
  bool stored = rem_record_vector_state(old.system.flags, old_text, change->slot) == REM_VECTOR_STORED;
  bool useful = stored && moving->model && change->vectors[change->slot].values && moving->dimension == change->vectors[change->slot].dimension &&
                rem_slice_equal(rem_buffer_slice(&run->text), change->text);
  change->result.outcome = useful ? REM_UPDATED : REM_MISSING;
  if (!useful)
    return REM_OK;
  rem_slice none = {0};
  REM_TRY(rem_apply__put_log(run, change, REM_LOG_VECTOR, none, 1u << change->slot, &seq, err));
  rem_apply__put_moving(run, change, seq);
  return REM_OK;
}

/* The row as it is, pending in the slot. */
static rem_status write_left(rem_apply *run, rem_change *change, const rem_apply_row *old, uint64_t *ret_seq, rem_error *err) {
  bool deleted = rem_record_is_deleted(&old->record);
  rem_record_system system = old->system;
  REM_TRY(rem_log_next_seq(run->group, run->batch->tenant, ret_seq, err));
  rem_buffer_reset(&change->record);
  rem_buffer_append(&change->record, old->record.data, old->record.size);
  REM_TRY(rem_buffer_status(&change->record, err));
  system.flags &= (uint8_t)~rem_record_vector_flags(REM_VECTOR_STORED, change->slot);
  system.flags |= rem_record_vector_flags(REM_VECTOR_PENDING, change->slot);
  system.seq = *ret_seq;
  rem_record_system_set(change->record.data, &system);
  rem_slice record = rem_buffer_slice(&change->record);
  REM_TRY(rem_apply__put_log(run, change, deleted ? REM_LOG_DELETE : REM_LOG_PUT, record, 0, ret_seq, err));
  rem_apply__put_record(run, change, record.data, record.size, old->large.data != NULL);
  return REM_OK;
}

/* Index entries know nothing of vectors, and stay. */
rem_status rem_apply__leave(rem_apply *run, rem_change *change, rem_error *err) {
  rem_apply_row old AUTO_APPLY_ROW = {0};
  rem_apply_table *state;
  bool old_text;
  uint64_t seq;
  REM_TRY(rem_apply__read_row(run, change->table, change->id, &old, err));
  REM_TRY(rem_apply__had_text(run, change, &old, &old_text, err));
  change->result.outcome = REM_MISSING;
  if (rem_record_vector_state(old.system.flags, old_text, change->slot) != REM_VECTOR_STORED)
    return REM_OK;
  REM_TRY(rem_apply__table_state(run, change->table, &state, err));
  REM_TRY(write_left(run, change, &old, &seq, err));
  bool deleted = rem_record_is_deleted(&old.record);
  rem_apply__delete_vector(run, change, change->slot, seq);
  rem_apply__delete_moving(run, change, change->slot);
  if (!deleted)
    rem_apply__put_pending(run, change, change->slot);
  state->counters.vectors[change->slot]--;
  state->counters.deleted_vectors[change->slot] -= deleted;
  state->counters.pending[change->slot] += !deleted;
  change->result.outcome = REM_UPDATED;
  change->result.pending = !deleted;
  return REM_OK;
}
