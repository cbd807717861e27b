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
#include "entity/batch.h"

#include "base/instant.h"
#include "base/uuid.h"
#include "base/json.h"
#include "entity/counters.h"
#include "index/entries.h"
#include "storage/key.h"
#include "storage/log.h"

#define MAX_TABLES 64 /* different tables in one batch */

typedef struct table_state {
  rem_table *table; /* borrowed from a change; the first of that name */
  rem_counters counters, loaded;
} table_state;

typedef struct apply_run {
  rem_batch *batch;
  rem_commit_group *group;
  rem_apply_verdict verdict;
  int64_t failed_index;
  rem_batch_result result;
  table_state tables[MAX_TABLES];
  size_t table_count;
  uint64_t transaction_seq; /* of the first log entry; 0: none yet */
  int64_t now;              /* microseconds */
  rem_arena arena;          /* entries of one change */
  rem_buffer key, key2, text;
  rem_status key_failure; /* of a key that could not be built */
} apply_run;

/* One stored row, as the group sees it. */
typedef struct stored_row {
  bool found;
  rem_kv_pin pin, large;
  rem_record record;
  rem_record_system system;
} stored_row;

static void stored_row_deinit(stored_row *row) {
  rem_kv_pin_release(&row->pin);
  rem_kv_pin_release(&row->large);
}
#define AUTO_STORED_ROW REM_CLEANUP(stored_row_deinit)

/* The key in run->key. One that could not be built fails the apply in the end, whatever was decided by it. */
static rem_slice key_built(apply_run *run) {
  if (run->key.failure < 0)
    run->key_failure = run->key.failure;
  return rem_buffer_slice(&run->key);
}

static rem_slice entity_key(apply_run *run, const rem_table *table, const uint8_t id[16]) {
  rem_buffer_reset(&run->key);
  rem_key_entity(&run->key, run->batch->tenant, table->name, id);
  return key_built(run);
}

static rem_slice large_key(apply_run *run, const rem_table *table, const uint8_t id[16]) {
  rem_buffer_reset(&run->key);
  rem_key_large(&run->key, run->batch->tenant, table->name, id);
  return key_built(run);
}

static rem_slice vector_key(apply_run *run, const rem_table *table, unsigned slot, const uint8_t id[16]) {
  rem_buffer_reset(&run->key);
  rem_key_vector(&run->key, run->batch->tenant, table->name, slot, id);
  return key_built(run);
}

static rem_slice pending_key(apply_run *run, const rem_table *table, unsigned slot, const uint8_t id[16]) {
  rem_buffer_reset(&run->key);
  rem_key_pending(&run->key, run->batch->tenant, table->name, slot, id);
  return key_built(run);
}

/* ------------------------------------------------------------------------------------------- */
/* Tables and counters                                                                          */

static rem_status load_counters(apply_run *run, table_state *state, rem_error *err) {
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  rem_buffer_reset(&run->key);
  rem_key_counter(&run->key, run->batch->tenant, state->table->name);
  rem_status status = rem_commit_get(run->group, REM_CF_META, key_built(run), &pin, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  REM_TRY(rem_counters_decode(rem_kv_pin_slice(&pin), &state->counters, err));
  state->loaded = state->counters;
  return REM_OK;
}

static rem_status find_table(apply_run *run, rem_table *table, table_state **ret_state, rem_error *err) {
  for (size_t i = run->table_count; i-- > 0;)
    if (run->tables[i].table == table || strcmp(run->tables[i].table->name, table->name) == 0) {
      *ret_state = &run->tables[i];
      return REM_OK;
    }
  if (run->table_count == MAX_TABLES)
    return rem_error_set(err, REM_LIMIT, "a batch writes to at most %d tables", MAX_TABLES);
  table_state *state = &run->tables[run->table_count];
  *state = (table_state){.table = table};
  REM_TRY(load_counters(run, state, err));
  run->table_count++;
  *ret_state = state;
  return REM_OK;
}

static rem_status store_counters(apply_run *run, rem_error *err) {
  for (size_t i = 0; i < run->table_count; i++) {
    table_state *state = &run->tables[i];
    if (rem_counters_equal(&state->counters, &state->loaded))
      continue;
    uint8_t bytes[REM_COUNTERS_STORED_SIZE];
    rem_counters_encode(&state->counters, bytes);
    rem_buffer_reset(&run->key);
    rem_key_counter(&run->key, run->batch->tenant, state->table->name);
    REM_TRY(rem_buffer_status(&run->key, err));
    rem_commit_put(run->group, REM_CF_META, key_built(run), rem_slice_of(bytes, sizeof bytes),
                   REM_COMMIT_LATE);
  }
  return REM_OK;
}

static rem_status again(apply_run *run, rem_apply_verdict verdict, rem_error *err) {
  run->verdict = verdict;
  return rem_error_set(err, REM_CONFLICT, "another writer was first");
}

/* Was the change prepared under the definition that is stored now? */
static rem_status check_generation(apply_run *run, const rem_table *table, rem_error *err) {
  rem_table *current;
  rem_status status = rem_registry_table(run->batch->engine->registry, run->batch->tenant, table->name, &current, err);
  if (status == REM_UNKNOWN)
    return again(run, REM_APPLY_AGAIN_TABLE, err);
  REM_TRY(status);
  bool same = current->generation == table->generation;
  rem_table_unref(current);
  return same ? REM_OK : again(run, REM_APPLY_AGAIN_TABLE, err);
}

/* ------------------------------------------------------------------------------------------- */
/* The stored row                                                                               */

static rem_status read_row(apply_run *run, const rem_table *table, const uint8_t id[16], stored_row *row,
                           rem_error *err) {
  rem_status status = rem_commit_get(run->group, REM_CF_ENTITIES, entity_key(run, table, id), &row->pin, err);
  row->found = status == REM_OK;
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  REM_TRY(rem_record_open(row->pin.data, row->pin.size, &row->record, err));
  if (rem_record_is_external(&row->record)) {
    status = rem_commit_get(run->group, REM_CF_LARGE, large_key(run, table, id), &row->large, err);
    if (status == REM_NOT_FOUND)
      return rem_error_set(err, REM_CORRUPT, "a row's large value is missing");
    REM_TRY(status);
    REM_TRY(rem_record_open(row->large.data, row->large.size, &row->record, err));
  }
  rem_record_system_get(&row->record, &row->system);
  return REM_OK;
}

static rem_status row_key_is(apply_run *run, const rem_table *table, const stored_row *row, rem_slice key,
                             bool *ret_same, rem_error *err) {
  rem_buffer_reset(&run->key2);
  rem_status status = rem_record_key(&row->record, table, &run->key2, err);
  REM_TRY(status);
  *ret_same = rem_slice_equal(rem_buffer_slice(&run->key2), key);
  return REM_OK;
}

/* The row with an explicit id that has `key`: REM_OK or REM_NOT_FOUND. */
static rem_status find_alias(apply_run *run, const rem_table *table, rem_slice key, uint8_t ret_id[16],
                             rem_error *err) {
  table_state *state;
  REM_TRY(find_table(run, (rem_table *)table, &state, err));
  if (state->counters.explicit_ids == 0)
    return REM_NOT_FOUND;
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  rem_buffer_reset(&run->key);
  rem_index_alias_key(&run->key, run->batch->tenant, table->name, key);
  rem_status status = rem_commit_get(run->group, REM_CF_KEY_INDEX, key_built(run), &pin, err);
  if (status != REM_OK)
    return status;
  if (pin.size != 16)
    return rem_error_set(err, REM_CORRUPT, "the alias entry of key '%.*s' is damaged", (int)key.size, key.data);
  memcpy(ret_id, pin.data, 16);
  return REM_OK;
}

static rem_status key_conflict(const rem_change *change, const uint8_t owner[16], rem_error *err) {
  char given[37], other[37];
  rem_uuid_format(change->id, given);
  rem_uuid_format(owner, other);
  rem_error_set(err, REM_CONFLICT, "id %s cannot have the key '%.*s' in '%s': row %s has it", given,
                (int)change->key.size, change->key.data, change->table->name, other);
  rem_error_hint(err, "leave 'id' out to write the row that has this key, or delete that row and run 'db vacuum'");
  return REM_CONFLICT;
}

/* A document with an explicit id: does its key belong to another row? (D8) */
static rem_status check_key_free(apply_run *run, const rem_change *change, rem_error *err) {
  uint8_t owner[16];
  rem_status status = find_alias(run, change->table, change->key, owner, err);
  REM_TRY(status);
  if (status == REM_OK && memcmp(owner, change->id, 16) != 0)
    return key_conflict(change, owner, err);
  uint8_t derived[16];
  rem_uuid_of_key(run->batch->tenant, change->table->name, change->key.data, change->key.size, derived);
  if (memcmp(derived, change->id, 16) == 0)
    return REM_OK;
  stored_row row AUTO_STORED_ROW = {0};
  REM_TRY(read_row(run, change->table, derived, &row, err));
  bool same = false;
  if (row.found)
    REM_TRY(row_key_is(run, change->table, &row, change->key, &same, err));
  return same ? key_conflict(change, derived, err) : REM_OK;
}

/* An id that the document names for a new row: edges and lookups know rows by id alone, so no other table may have it. */
static rem_status check_id_free(apply_run *run, const rem_change *change, rem_error *err) {
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  char text[37];
  rem_uuid_format(change->id, text);
  rem_buffer_reset(&run->key);
  REM_TRY(rem_key_key(&run->key, run->batch->tenant, rem_slice_text(text), change->id, err));
  rem_status status = rem_commit_get(run->group, REM_CF_KEY_INDEX, key_built(run), &pin, err);
  uint8_t labels;
  bool deleted;
  rem_slice table;
  if (status != REM_OK || !rem_index_key_value(rem_kv_pin_slice(&pin), &labels, &deleted, &table) ||
      rem_slice_equal(table, rem_slice_text(change->table->name)))
    return status < 0 ? status : REM_OK;
  rem_error_set(err, REM_CONFLICT, "id %s is that of a row of '%.*s'", text, (int)table.size, table.data);
  rem_error_hint(err, "an id names one row in all tables: leave 'id' out of the document, or choose another");
  return REM_CONFLICT;
}

/* Finds the row a put replaces and settles the change's id. */
static rem_status find_replaced(apply_run *run, rem_change *change, stored_row *row, rem_error *err) {
  if (change->id_given && change->key.size)
    REM_TRY(check_key_free(run, change, err));
  REM_TRY(read_row(run, change->table, change->id, row, err));
  if (change->id_given && !row->found)
    return check_id_free(run, change, err);
  if (row->found || change->id_given || change->key.size == 0)
    return REM_OK;
  uint8_t id[16];
  rem_status status = find_alias(run, change->table, change->key, id, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  memcpy(change->id, id, sizeof id);
  change->id_derived = false;
  return read_row(run, change->table, id, row, err);
}

/* Finds the row a text names: an id, or a key. */
static rem_status find_named(apply_run *run, rem_change *change, stored_row *row, rem_error *err) {
  uint8_t id[16];
  if (rem_uuid_parse((const char *)change->key.data, change->key.size, id)) {
    REM_TRY(read_row(run, change->table, id, row, err));
    if (row->found) {
      memcpy(change->id, id, sizeof id);
      return REM_OK;
    }
  }
  rem_uuid_of_key(run->batch->tenant, change->table->name, change->key.data, change->key.size, change->id);
  REM_TRY(read_row(run, change->table, change->id, row, err));
  bool same = false;
  if (row->found)
    REM_TRY(row_key_is(run, change->table, row, change->key, &same, err));
  if (same)
    return REM_OK;
  stored_row_deinit(row);
  *row = (stored_row){0};
  rem_status status = find_alias(run, change->table, change->key, id, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  memcpy(change->id, id, sizeof id);
  return read_row(run, change->table, id, row, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Index entries                                                                                */

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

/* The index entries of a row go from those of `old` (NULL: none) to those of `new` (NULL: none). */
static rem_status put_entries(apply_run *run, const rem_change *change, const rem_record *old, const rem_record *new,
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

/* ------------------------------------------------------------------------------------------- */
/* Record, vector, log                                                                          */

static void put_record(apply_run *run, const rem_change *change, const uint8_t *data, size_t size, bool was_external) {
  bool external = size > REM_RECORD_INLINE_SIZE;
  rem_slice whole = rem_slice_of(data, size);
  if (external) {
    rem_commit_put(run->group, REM_CF_LARGE, large_key(run, change->table, change->id), whole, REM_COMMIT_SEEN);
    uint8_t stub[REM_RECORD_HEADER_SIZE];
    rem_record_make_stub(data, stub);
    rem_commit_put(run->group, REM_CF_ENTITIES, entity_key(run, change->table, change->id),
                   rem_slice_of(stub, sizeof stub), REM_COMMIT_SEEN);
    return;
  }
  rem_commit_put(run->group, REM_CF_ENTITIES, entity_key(run, change->table, change->id), whole, REM_COMMIT_SEEN);
  if (was_external)
    rem_commit_delete(run->group, REM_CF_LARGE, large_key(run, change->table, change->id), REM_COMMIT_SEEN);
}

/* The change log of the vector index: op (1 put, 2 delete), id; keyed by the log's sequence number. */
static void put_vector_log(apply_run *run, const rem_change *change, unsigned slot, bool put, uint64_t seq) {
  uint8_t value[17];
  value[0] = put ? 1 : 2;
  memcpy(value + 1, change->id, 16);
  rem_buffer_reset(&run->key);
  rem_key_vector_log(&run->key, run->batch->tenant, change->table->name, slot, seq);
  rem_commit_put(run->group, REM_CF_VECTOR_LOG, key_built(run), rem_slice_of(value, sizeof value),
                 REM_COMMIT_BLIND);
}

static void put_vector(apply_run *run, const rem_change *change, unsigned slot, uint64_t seq) {
  rem_commit_put(run->group, REM_CF_VECTORS, vector_key(run, change->table, slot, change->id),
                 rem_slice_of(change->vector, change->dimension * sizeof(float)), REM_COMMIT_BLIND);
  put_vector_log(run, change, slot, true, seq);
}

static void delete_vector(apply_run *run, const rem_change *change, unsigned slot, uint64_t seq) {
  rem_commit_delete(run->group, REM_CF_VECTORS, vector_key(run, change->table, slot, change->id), REM_COMMIT_BLIND);
  put_vector_log(run, change, slot, false, seq);
}

static rem_status put_log(apply_run *run, const rem_change *change, rem_log_operation operation, rem_slice record,
                          bool with_vector, uint64_t *ret_seq, rem_error *err) {
  const rem_batch *batch = run->batch;
  rem_log_payload payload = {.table = rem_slice_text(change->table->name), .record = record};
  if (change->kind != REM_CHANGE_UPDATE && change->kind != REM_CHANGE_DELETE)
    payload.key = change->key;
  memcpy(payload.id, change->id, sizeof payload.id);
  if (with_vector) {
    payload.vectors[0] = (rem_log_vector){.slot = 0, .dimension = change->dimension, .values = change->vector};
    payload.vector_count = 1;
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

/* ------------------------------------------------------------------------------------------- */
/* Put and update                                                                               */

typedef enum vector_fate { VECTOR_NONE, VECTOR_KEEP, VECTOR_NEW, VECTOR_PENDING } vector_fate;

static rem_status had_text(apply_run *run, const rem_change *change, const stored_row *old, bool *ret_had,
                           rem_error *err) {
  rem_buffer_reset(&run->text);
  *ret_had = old->found && rem_record_embedded_text(&old->record, change->table, &run->text);
  return rem_buffer_status(&run->text, err);
}

/* A row has a stored vector when it has text to embed and is not pending. */
static rem_status decide_vector(apply_run *run, rem_change *change, const stored_row *old, bool old_text,
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
    return again(run, REM_APPLY_AGAIN_EMBED, err);
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
static rem_status merge_edges(rem_change *change, const stored_row *old, rem_error *err) {
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

static rem_status check_key_same(apply_run *run, const rem_change *change, const stored_row *old, rem_error *err) {
  bool same = false;
  if (change->kind != REM_CHANGE_PUT)
    return REM_OK; /* an update has checked it against the row it read */
  REM_TRY(row_key_is(run, change->table, old, change->key, &same, err));
  if (same)
    return REM_OK;
  char id[37];
  rem_uuid_format(change->id, id);
  rem_error_set(err, REM_CONFLICT, "row %s of '%s' has the key '%.*s', and a key cannot change", id,
                change->table->name, (int)run->key2.size, run->key2.data);
  rem_error_hint(err, "leave 'id' out to write a row of its own under the new key");
  return REM_CONFLICT;
}

static void count_put(rem_counters *counters, const stored_row *old, bool old_text, vector_fate fate, bool derived) {
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
static void fill_system(apply_run *run, const rem_change *change, const stored_row *old, vector_fate fate,
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

/* Writes the prepared record over `old`. `content_same`: only the vector is new. */
static rem_status write_row(apply_run *run, rem_change *change, const stored_row *old, bool old_text, vector_fate fate,
                            bool content_same, rem_error *err) {
  table_state *state;
  REM_TRY(find_table(run, change->table, &state, err));
  uint64_t seq;
  REM_TRY(rem_log_next_seq(run->group, run->batch->tenant, &seq, err));
  rem_record_system system;
  fill_system(run, change, old, fate, content_same, seq, &system);
  rem_record_system_set(change->record.data, &system);
  rem_record record;
  REM_TRY(rem_record_open(change->record.data, change->record.size, &record, err));
  REM_TRY(put_log(run, change, REM_LOG_PUT, rem_buffer_slice(&change->record), fate == VECTOR_NEW, &seq, err));
  bool was_external = old->large.data != NULL;
  put_record(run, change, change->record.data, change->record.size, was_external);
  REM_TRY(put_entries(run, change, old->found ? &old->record : NULL, &record, change->id_derived, &state->counters, err));
  bool was_pending = old_text && (old->system.flags & REM_RECORD_PENDING);
  if (fate == VECTOR_NEW)
    put_vector(run, change, 0, seq);
  if (fate != VECTOR_NEW && fate != VECTOR_KEEP && old_text && !was_pending)
    delete_vector(run, change, 0, seq);
  if (fate == VECTOR_PENDING)
    rem_commit_put(run->group, REM_CF_META, pending_key(run, change->table, 0, change->id), (rem_slice){0},
                   REM_COMMIT_BLIND);
  else if (was_pending)
    rem_commit_delete(run->group, REM_CF_META, pending_key(run, change->table, 0, change->id), REM_COMMIT_BLIND);
  count_put(&state->counters, old, old_text, fate, change->id_derived);
  change->result.pending = fate == VECTOR_PENDING;
  change->result.seq = (int64_t)seq;
  return REM_OK;
}

static rem_status apply_put(apply_run *run, rem_change *change, rem_error *err) {
  stored_row old AUTO_STORED_ROW = {0};
  if (change->kind == REM_CHANGE_UPDATE)
    REM_TRY(read_row(run, change->table, change->id, &old, err));
  else
    REM_TRY(find_replaced(run, change, &old, err));
  bool live = old.found && !rem_record_is_deleted(&old.record);
  if (change->kind == REM_CHANGE_UPDATE && (!live || (change->expected_seq && old.system.seq != change->expected_seq)))
    return again(run, REM_APPLY_AGAIN_UPDATE, err);
  if (change->key.size == 0 || change->kind == REM_CHANGE_UPDATE || old.found) {
    /* Whether the id follows from the key is a property of the row, not of how it was written. */
    rem_record record;
    REM_TRY(rem_record_open(change->record.data, change->record.size, &record, err));
    REM_TRY(rem_index_id_is_derived(run->batch->tenant, change->table, &record, change->id, &change->id_derived, NULL,
                                    err));
  }
  if (old.found)
    REM_TRY(check_key_same(run, change, &old, err));
  REM_TRY(merge_edges(change, &old, err));
  bool old_text;
  REM_TRY(had_text(run, change, &old, &old_text, err));
  vector_fate fate;
  REM_TRY(decide_vector(run, change, &old, old_text, &fate, err));
  rem_record record;
  REM_TRY(rem_record_open(change->record.data, change->record.size, &record, err));
  bool same = live && rem_record_same_content(&old.record, &record);
  bool vector_same = fate != VECTOR_NEW && !(fate == VECTOR_PENDING && !(old.system.flags & REM_RECORD_PENDING));
  memcpy(change->result.id, change->id, sizeof change->result.id);
  change->result.outcome = same ? REM_UNCHANGED : live ? REM_UPDATED : REM_INSERTED;
  if (same && vector_same) {
    change->result.pending = fate == VECTOR_PENDING;
    return REM_OK;
  }
  return write_row(run, change, &old, old_text, fate, same, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Delete                                                                                       */

static void count_delete(rem_counters *counters, const stored_row *old, bool text) {
  bool pending = text && (old->system.flags & REM_RECORD_PENDING);
  counters->live--;
  counters->deleted++;
  counters->deleted_vectors[0] += text && !pending;
  counters->pending[0] -= pending;
}

static rem_status delete_row(apply_run *run, rem_change *change, const stored_row *old, rem_error *err) {
  table_state *state;
  REM_TRY(find_table(run, change->table, &state, err));
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
  REM_TRY(put_log(run, change, REM_LOG_DELETE, rem_buffer_slice(&change->record), false, &seq, err));
  put_record(run, change, change->record.data, change->record.size, old->large.data != NULL);
  bool derived;
  REM_TRY(rem_index_id_is_derived(run->batch->tenant, change->table, &record, change->id, &derived, NULL, err));
  REM_TRY(put_entries(run, change, &old->record, &record, derived, &state->counters, err));
  bool text;
  REM_TRY(had_text(run, change, old, &text, err));
  if (text && (system.flags & REM_RECORD_PENDING))
    rem_commit_delete(run->group, REM_CF_META, pending_key(run, change->table, 0, change->id), REM_COMMIT_BLIND);
  count_delete(&state->counters, old, text);
  change->result.seq = (int64_t)seq;
  return REM_OK;
}

static rem_status apply_delete(apply_run *run, rem_change *change, rem_error *err) {
  stored_row old AUTO_STORED_ROW = {0};
  REM_TRY(find_named(run, change, &old, err));
  memcpy(change->result.id, change->id, sizeof change->result.id);
  if (!old.found || rem_record_is_deleted(&old.record)) {
    change->result.outcome = REM_MISSING;
    return REM_OK;
  }
  change->result.outcome = REM_DELETED;
  return delete_row(run, change, &old, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Purge                                                                                        */

static void count_purge(rem_counters *counters, const stored_row *old, bool text, bool derived) {
  bool deleted = rem_record_is_deleted(&old->record);
  bool pending = text && (old->system.flags & REM_RECORD_PENDING);
  counters->live -= !deleted;
  counters->deleted -= deleted;
  counters->explicit_ids -= !derived;
  counters->vectors[0] -= text && !pending;
  counters->deleted_vectors[0] -= text && !pending && deleted;
  counters->pending[0] -= pending && !deleted;
}

static rem_status purge_row(apply_run *run, rem_change *change, const stored_row *old, rem_error *err) {
  table_state *state;
  REM_TRY(find_table(run, change->table, &state, err));
  bool derived, text;
  REM_TRY(had_text(run, change, old, &text, err));
  REM_TRY(rem_index_id_is_derived(run->batch->tenant, change->table, &old->record, change->id, &derived, NULL, err));
  uint64_t seq;
  REM_TRY(put_log(run, change, REM_LOG_PURGE, (rem_slice){0}, false, &seq, err));
  REM_TRY(put_entries(run, change, &old->record, NULL, derived, &state->counters, err));
  rem_commit_delete(run->group, REM_CF_ENTITIES, entity_key(run, change->table, change->id), REM_COMMIT_SEEN);
  if (old->large.data)
    rem_commit_delete(run->group, REM_CF_LARGE, large_key(run, change->table, change->id), REM_COMMIT_SEEN);
  if (text && !(old->system.flags & REM_RECORD_PENDING))
    delete_vector(run, change, 0, seq);
  if (text && (old->system.flags & REM_RECORD_PENDING))
    rem_commit_delete(run->group, REM_CF_META, pending_key(run, change->table, 0, change->id), REM_COMMIT_BLIND);
  count_purge(&state->counters, old, text, derived);
  return REM_OK;
}

static rem_status apply_purge(apply_run *run, rem_change *change, rem_error *err) {
  stored_row old AUTO_STORED_ROW = {0};
  REM_TRY(read_row(run, change->table, change->id, &old, err));
  if (!old.found || (!change->live_too && !rem_record_is_deleted(&old.record))) {
    change->result.outcome = REM_MISSING;
    return REM_OK;
  }
  change->result.outcome = REM_DELETED;
  return purge_row(run, change, &old, err);
}

/* What a change of the definition that was cut short has left: the next table of this name numbers its fields anew. */
static rem_status clear_indexes(apply_run *run, const rem_table *table, rem_error *err) {
  rem_buffer_reset(&run->key);
  rem_buffer_reset(&run->key2);
  rem_buffer_append_format(&run->key, "index:%s:%s:", run->batch->tenant, table->name);
  rem_key_prefix_end(&run->key2, rem_buffer_slice(&run->key));
  REM_TRY(rem_buffer_status(&run->key2, err));
  rem_commit_delete_range(run->group, REM_CF_FIELD_INDEX, key_built(run), rem_buffer_slice(&run->key2));
  return REM_OK;
}

static rem_status apply_untable(apply_run *run, rem_change *change, rem_error *err) {
  table_state *state;
  uint64_t seq;
  REM_TRY(find_table(run, change->table, &state, err));
  change->key = rem_slice_text(change->table->name);
  REM_TRY(put_log(run, change, REM_LOG_SCHEMA_REMOVE, (rem_slice){0}, false, &seq, err));
  rem_buffer_reset(&run->key);
  rem_key_table(&run->key, run->batch->tenant, change->table->name);
  rem_commit_delete(run->group, REM_CF_META, key_built(run), REM_COMMIT_SEEN);
  rem_buffer_reset(&run->key);
  rem_key_counter(&run->key, run->batch->tenant, change->table->name);
  rem_commit_delete(run->group, REM_CF_META, key_built(run), REM_COMMIT_SEEN);
  state->counters = state->loaded; /* nothing to store for it any more */
  return clear_indexes(run, change->table, err);
}

/* ------------------------------------------------------------------------------------------- */

static rem_status apply_table(apply_run *run, rem_change *change, rem_error *err) {
  rem_buffer stored REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_table_store(change->table, &stored, err));
  rem_buffer_reset(&run->key);
  rem_key_table(&run->key, run->batch->tenant, change->table->name);
  REM_TRY(rem_buffer_status(&run->key, err));
  rem_commit_put(run->group, REM_CF_META, key_built(run), rem_buffer_slice(&stored), REM_COMMIT_SEEN);
  if (!rem_counters_zero(&change->delta)) {
    table_state *state;
    REM_TRY(find_table(run, change->table, &state, err));
    rem_counters_add(&state->counters, &change->delta);
  }
  change->key = rem_slice_text(change->table->name);
  uint64_t seq;
  return put_log(run, change, REM_LOG_SCHEMA, rem_buffer_slice(&stored), false, &seq, err);
}

static rem_status apply_change(apply_run *run, rem_change *change, rem_error *err) {
  switch (change->kind) {
  case REM_CHANGE_PUT:
  case REM_CHANGE_UPDATE: return apply_put(run, change, err);
  case REM_CHANGE_DELETE: return apply_delete(run, change, err);
  case REM_CHANGE_TABLE: return apply_table(run, change, err);
  case REM_CHANGE_PURGE: return apply_purge(run, change, err);
  case REM_CHANGE_UNTABLE: return apply_untable(run, change, err);
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

static rem_status apply_changes(apply_run *run, rem_error *err) {
  const rem_table *checked = NULL;
  for (size_t i = 0; i < run->batch->count; i++) {
    rem_change *change = &run->batch->changes[i];
    run->failed_index = (int64_t)i;
    change->result = (rem_write_result){0};
    if (change->table != checked && change->kind != REM_CHANGE_TABLE)
      REM_TRY(check_generation(run, change->table, err));
    checked = change->table;
    REM_TRY(apply_change(run, change, err));
    if (change->kind != REM_CHANGE_TABLE)
      count_outcome(&run->result, change);
  }
  run->failed_index = -1;
  if (run->batch->begins_tenant) {
    rem_buffer_reset(&run->key);
    rem_key_tenant(&run->key, run->batch->tenant);
    rem_commit_put(run->group, REM_CF_META, key_built(run), (rem_slice){0}, REM_COMMIT_BLIND);
  }
  return store_counters(run, err);
}

static rem_status apply(void *context, rem_commit_group *group, rem_error *err) {
  apply_run *run = context;
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

/* The registry follows the store, in commit order. */
static void committed(void *context) {
  apply_run *run = context;
  if (!run->batch->schema_change)
    return;
  pthread_rwlock_wrlock(&run->batch->engine->view_lock);
  for (size_t i = 0; i < run->batch->count; i++)
    follow(run->batch->engine->registry, run->batch->tenant, &run->batch->changes[i]);
  pthread_rwlock_unlock(&run->batch->engine->view_lock);
}

rem_status rem_batch__apply(rem_batch *batch, bool want_sync, rem_apply_verdict *ret_verdict, int64_t *ret_failed_index,
                            rem_batch_result *ret_result, rem_error *err) {
  apply_run *run = rem_calloc(1, sizeof *run);
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
  *ret_verdict = run->verdict;
  if (status >= 0)
    *ret_result = run->result;
  else if (run->verdict != REM_APPLY_DONE)
    status = REM_OK;
  else
    *ret_failed_index = run->failed_index;
  rem_arena_deinit(&run->arena);
  rem_buffer_deinit(&run->key);
  rem_buffer_deinit(&run->key2);
  rem_buffer_deinit(&run->text);
  rem_free(run);
  return status;
}
