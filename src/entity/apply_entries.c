/* SPDX-License-Identifier: Apache-2.0 */
/* What a row leaves in the store: its record, index entries, vector and log entry. */
#include "entity/apply_internal.h"

#include "index/entries.h"
#include "storage/key.h"

rem_slice rem_apply__key(rem_apply *run) {
  if (run->key.failure < 0)
    run->key_failure = run->key.failure;
  return rem_buffer_slice(&run->key);
}

rem_slice rem_apply__entity_key(rem_apply *run, const rem_table *table, const uint8_t id[16]) {
  rem_buffer_reset(&run->key);
  rem_key_entity(&run->key, run->batch->tenant, table->name, id);
  return rem_apply__key(run);
}

rem_slice rem_apply__large_key(rem_apply *run, const rem_table *table, const uint8_t id[16]) {
  rem_buffer_reset(&run->key);
  rem_key_large(&run->key, run->batch->tenant, table->name, id);
  return rem_apply__key(run);
}

static rem_slice vector_key(rem_apply *run, const rem_table *table, unsigned area, const uint8_t id[16]) {
  rem_buffer_reset(&run->key);
  rem_key_vector(&run->key, run->batch->tenant, table->name, area, id);
  return rem_apply__key(run);
}

static rem_slice pending_key(rem_apply *run, const rem_table *table, unsigned slot, const uint8_t id[16]) {
  rem_buffer_reset(&run->key);
  rem_key_pending(&run->key, run->batch->tenant, table->name, slot, id);
  return rem_apply__key(run);
}

/* Later changes of the group look for aliases, and for ids that documents have named. */
static rem_commit_flags entry_flags(const rem_change *change, const rem_index_entry *entry) {
  if (entry->family != REM_CF_KEY_INDEX)
    return REM_COMMIT_BLIND;
  bool alias = entry->key.data[0] == 'a';
  bool given_id = change->id_given && entry->value.data[0] & REM_LABEL_ID;
  return alias || given_id ? REM_COMMIT_SEEN : REM_COMMIT_BLIND;
}

static int compare_keys(const rem_index_entry *a, const rem_index_entry *b) {
  if (a->family != b->family)
    return a->family < b->family ? -1 : 1;
  return rem_slice_compare(a->key, b->key);
}

/* Both sorted: deletes what only `old` has, puts what is new or has another value. */
static void put_difference(rem_commit_group *group, const rem_change *change, const rem_index_entries *old,
                           const rem_index_entries *new) {
  size_t i = 0, j = 0;
  while (i < old->count || j < new->count) {
    int order = i == old->count ? 1 : j == new->count ? -1 : compare_keys(&old->items[i], &new->items[j]);
    if (order < 0) {
      const rem_index_entry *gone = &old->items[i++];
      rem_commit_delete(group, gone->family, gone->key, entry_flags(change, gone));
      continue;
    }
    const rem_index_entry *entry = &new->items[j++];
    bool same = order == 0 && rem_slice_equal(old->items[i].value, entry->value);
    if (order == 0)
      i++;
    if (!same)
      rem_commit_put(group, entry->family, entry->key, entry->value, entry_flags(change, entry));
  }
}

static void put_all(rem_commit_group *group, const rem_change *change, const rem_index_entries *entries) {
  for (size_t i = 0; i < entries->count; i++) {
    const rem_index_entry *entry = &entries->items[i];
    rem_commit_put(group, entry->family, entry->key, entry->value, entry_flags(change, entry));
  }
}

rem_status rem_apply__put_entries(rem_apply *run, const rem_change *change, const rem_record *old, const rem_record *new,
                              bool derived, rem_counters *counters, rem_error *err) {
  rem_arena_reset(&run->arena);
  rem_index_entries before, after;
  rem_index_entries_init(&before, &run->arena);
  rem_index_entries_init(&after, &run->arena);
  rem_index_row row = {.tenant = run->batch->tenant, .table = change->table, .id = change->id, .id_derived = derived};
  if (old) {
    row.record = old;
    REM_TRY(rem_index_entries_add(&before, &row, err));
  }
  if (new) {
    row.record = new;
    REM_TRY(rem_index_entries_add(&after, &row, err));
  }
  if (old || after.may_repeat)
    rem_index_entries_sort(&after);
  rem_index_entries_sort(&before);
  if (old)
    put_difference(run->group, change, &before, &after);
  else
    put_all(run->group, change, &after);
  counters->edges += after.edges - before.edges;
  counters->index_entries += after.fields - before.fields;
  counters->long_values += after.long_values - before.long_values;
  return REM_OK;
}

void rem_apply__put_record(rem_apply *run, const rem_change *change, const uint8_t *data, size_t size, bool was_external) {
  bool external = size > REM_RECORD_INLINE_SIZE;
  rem_slice whole = rem_slice_of(data, size);
  if (external) {
    rem_commit_put(run->group, REM_CF_LARGE, rem_apply__large_key(run, change->table, change->id), whole, REM_COMMIT_SEEN);
    uint8_t stub[REM_RECORD_HEADER_SIZE];
    rem_record_make_stub(data, stub);
    rem_commit_put(run->group, REM_CF_ENTITIES, rem_apply__entity_key(run, change->table, change->id),
                   rem_slice_of(stub, sizeof stub), REM_COMMIT_SEEN);
    return;
  }
  rem_commit_put(run->group, REM_CF_ENTITIES, rem_apply__entity_key(run, change->table, change->id), whole, REM_COMMIT_SEEN);
  if (was_external)
    rem_commit_delete(run->group, REM_CF_LARGE, rem_apply__large_key(run, change->table, change->id), REM_COMMIT_SEEN);
}

/* What the index hears of after the commit. */
static void note_vector(rem_apply *run, const rem_change *change, unsigned slot, uint64_t seq, bool gone, const float *vector) {
  if (run->vector_count == run->vector_capacity) {
    size_t capacity = run->vector_capacity ? run->vector_capacity * 2 : 64;
    rem_apply_vector *vectors = rem_realloc(run->vectors, capacity * sizeof *vectors);
    if (!vectors) {
      run->key_failure = REM_NOMEM;
      return;
    }
    run->vectors = vectors;
    run->vector_capacity = capacity;
  }
  rem_apply_vector *noted = &run->vectors[run->vector_count++];
  *noted = (rem_apply_vector){.table = change->table, .slot = slot};
  noted->change = (rem_ann_change){.seq = seq, .gone = gone, .vector = vector};
  memcpy(noted->change.id, change->id, 16);
}

/* The change log of the vector index: op (1 found from now on, 2 no longer), id; keyed by the log's sequence number. */
static void put_vector_log(rem_apply *run, const rem_change *change, unsigned area, bool found, uint64_t seq) {
  uint8_t value[17];
  value[0] = found ? 1 : 2;
  memcpy(value + 1, change->id, 16);
  rem_buffer_reset(&run->key);
  rem_key_vector_log(&run->key, run->batch->tenant, change->table->name, area, seq);
  rem_commit_put(run->group, REM_CF_VECTOR_LOG, rem_apply__key(run), rem_slice_of(value, sizeof value),
                 REM_COMMIT_BLIND);
}

static void put_vector(rem_apply *run, const rem_change *change, unsigned area, unsigned slot, uint64_t seq) {
  const rem_change_vector *vector = &change->vectors[slot];
  rem_commit_put(run->group, REM_CF_VECTORS, vector_key(run, change->table, area, change->id),
                 rem_slice_of(vector->values, vector->dimension * sizeof(float)), REM_COMMIT_BLIND);
  put_vector_log(run, change, area, true, seq);
}

void rem_apply__put_vector(rem_apply *run, const rem_change *change, unsigned slot, uint64_t seq) {
  put_vector(run, change, change->table->slots[slot].area, slot, seq);
  note_vector(run, change, slot, seq, false, change->vectors[slot].values);
}

void rem_apply__put_moving(rem_apply *run, const rem_change *change, uint64_t seq) {
  put_vector(run, change, change->table->moving[change->slot].area, change->slot, seq);
}

void rem_apply__delete_vector(rem_apply *run, const rem_change *change, unsigned slot, uint64_t seq) {
  unsigned area = change->table->slots[slot].area;
  rem_commit_delete(run->group, REM_CF_VECTORS, vector_key(run, change->table, area, change->id), REM_COMMIT_BLIND);
  put_vector_log(run, change, area, false, seq);
  note_vector(run, change, slot, seq, true, NULL);
}

void rem_apply__hide_vector(rem_apply *run, const rem_change *change, unsigned slot, uint64_t seq) {
  put_vector_log(run, change, change->table->slots[slot].area, false, seq);
  note_vector(run, change, slot, seq, true, NULL);
}

void rem_apply__show_vector(rem_apply *run, const rem_change *change, unsigned slot, uint64_t seq) {
  put_vector_log(run, change, change->table->slots[slot].area, true, seq);
  note_vector(run, change, slot, seq, false, NULL);
}

void rem_apply__delete_moving(rem_apply *run, const rem_change *change, unsigned slot) {
  const rem_slot *moving = &change->table->moving[slot];
  if (moving->model)
    rem_commit_delete(run->group, REM_CF_VECTORS, vector_key(run, change->table, moving->area, change->id),
                      REM_COMMIT_BLIND);
}

void rem_apply__put_pending(rem_apply *run, const rem_change *change, unsigned slot) {
  rem_commit_put(run->group, REM_CF_META, pending_key(run, change->table, slot, change->id), (rem_slice){0},
                 REM_COMMIT_BLIND);
}

void rem_apply__delete_pending(rem_apply *run, const rem_change *change, unsigned slot) {
  rem_commit_delete(run->group, REM_CF_META, pending_key(run, change->table, slot, change->id), REM_COMMIT_BLIND);
}

static uint8_t area_of(const rem_change *change, unsigned slot) {
  return change->kind == REM_CHANGE_MOVE ? change->table->moving[slot].area : change->table->slots[slot].area;
}

rem_status rem_apply__put_log(rem_apply *run, const rem_change *change, rem_log_operation operation, rem_slice record,
                              unsigned new_vectors, uint64_t *ret_seq, rem_error *err) {
  const rem_batch *batch = run->batch;
  rem_log_payload payload = {.table = rem_slice_text(change->table->name), .record = record};
  if (change->kind != REM_CHANGE_UPDATE && change->kind != REM_CHANGE_DELETE && change->kind != REM_CHANGE_MOVE)
    payload.key = change->key;
  memcpy(payload.id, change->id, sizeof payload.id);
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    const rem_change_vector *vector = &change->vectors[slot];
    if (new_vectors >> slot & 1)
      payload.vectors[payload.vector_count++] =
          (rem_log_vector){.slot = area_of(change, slot), .dimension = vector->dimension, .values = vector->values};
  }
  rem_log_append append = {
      .tenant = batch->tenant,
      .operation = operation,
      .flags = change == &batch->changes[batch->count - 1] ? REM_LOG_TXN_END : 0,
      .epoch = batch->engine->identity.epoch,
      .transaction_seq = run->transaction_seq,
      .timestamp_ns = run->now * 1000,
      .enabled = batch->engine->log_enabled,
      .payload = &payload,
  };
  REM_TRY(rem_log_put(run->group, &append, ret_seq, err));
  if (run->transaction_seq == 0)
    run->transaction_seq = *ret_seq;
  if (run->result.first_seq == 0)
    run->result.first_seq = (int64_t)*ret_seq;
  run->result.last_seq = (int64_t)*ret_seq;
  return REM_OK;
}
