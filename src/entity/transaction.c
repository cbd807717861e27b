/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/transaction_internal.h"

#include <stdlib.h>

#include "base/instant.h"
#include "base/json.h"
#include "base/uuid.h"
#include "index/entries.h"
#include "storage/key.h"
#include "storage/log.h"

rem_status rem_transaction_new(rem_engine *engine, const char *tenant, const rem_kv_snapshot *snapshot, size_t max_bytes,
                               rem_transaction **ret_transaction, rem_error *err) {
  rem_transaction *transaction = rem_calloc(1, sizeof *transaction);
  if (!transaction)
    return rem_error_nomem(err);
  transaction->engine = engine;
  transaction->snapshot = snapshot;
  memcpy(transaction->tenant, tenant, strlen(tenant) + 1);
  rem_arena_init(&transaction->arena, max_bytes);
  rem_row__init(&transaction->row, engine);
  rem_status status = rem_entity_batch_new(engine, tenant, &transaction->batch, err);
  if (status >= 0)
    status = rem_log_last_seq(engine->kv, snapshot, tenant, &transaction->first_seq, err);
  if (status < 0)
    rem_transaction_free(transaction);
  else
    *ret_transaction = transaction;
  return status;
}

void rem_transaction_free(rem_transaction *transaction) {
  if (!transaction)
    return;
  rem_entity_batch_free(transaction->batch);
  rem_row__deinit(&transaction->row);
  for (size_t i = 0; i < transaction->table_count; i++) {
    rem_table_unref(transaction->tables[i].table);
    rem_free(transaction->tables[i].heads);
  }
  rem_free(transaction->tables);
  rem_free(transaction->states);
  rem_read_notes_deinit(&transaction->reads);
  rem_hash_map_deinit(&transaction->rows);
  rem_hash_map_deinit(&transaction->aliases);
  rem_arena_deinit(&transaction->arena);
  rem_free(transaction);
}

static rem_status too_large(rem_error *err) {
  rem_error_set(err, REM_LIMIT, "the transaction has grown too large, or memory is out");
  rem_error_hint(err, "commit in smaller parts, or raise the memory of the session");
  return REM_LIMIT;
}

/* ------------------------------------------------------------------------------------------- */
/* Tables, heads, states                                                                        */

rem_pending_table *rem_transaction__table(const rem_transaction *transaction, const rem_table *table, uint32_t *ret_number) {
  for (size_t i = 0; i < transaction->table_count; i++)
    if (transaction->tables[i].table == table || strcmp(transaction->tables[i].table->name, table->name) == 0) {
      *ret_number = (uint32_t)i;
      return &transaction->tables[i];
    }
  return NULL;
}

static rem_pending_table *need_table(rem_transaction *transaction, rem_table *table, uint32_t *ret_number) {
  rem_pending_table *found = rem_transaction__table(transaction, table, ret_number);
  if (found)
    return found;
  rem_pending_table *tables = rem_realloc(transaction->tables, (transaction->table_count + 1) * sizeof *tables);
  if (!tables)
    return NULL;
  transaction->tables = tables;
  *ret_number = (uint32_t)transaction->table_count;
  tables[transaction->table_count] = (rem_pending_table){.table = rem_table_ref(table)};
  return &tables[transaction->table_count++];
}

static rem_slice row_name(uint8_t bytes[20], uint32_t table, const uint8_t id[16]) {
  rem_store_u32le(bytes, table);
  memcpy(bytes + 4, id, 16);
  return rem_slice_of(bytes, 20);
}

rem_pending_head *rem_transaction__head(const rem_transaction *transaction, const rem_table *table, const uint8_t id[16]) {
  uint8_t bytes[20];
  uint32_t number;
  if (!rem_transaction__table(transaction, table, &number))
    return NULL;
  return rem_hash_map_get(&transaction->rows, row_name(bytes, number, id));
}

static rem_pending_state *find_state(const rem_transaction *transaction, const rem_table *table, const uint8_t id[16]) {
  rem_pending_head *head = rem_transaction__head(transaction, table, id);
  return head ? head->newest : NULL;
}

static rem_pending_head *need_head(rem_transaction *transaction, rem_table *table, const uint8_t id[16], bool was_live) {
  uint8_t bytes[20];
  uint32_t number;
  rem_pending_table *pending = need_table(transaction, table, &number);
  if (!pending)
    return NULL;
  rem_slice name = row_name(bytes, number, id);
  rem_pending_head *head = rem_hash_map_get(&transaction->rows, name);
  if (head)
    return head;
  if (pending->count == pending->capacity) {
    size_t capacity = pending->capacity ? pending->capacity * 2 : 16;
    rem_pending_head **heads = rem_realloc(pending->heads, capacity * sizeof *heads);
    if (!heads)
      return NULL;
    pending->heads = heads;
    pending->capacity = capacity;
  }
  head = rem_arena_calloc(&transaction->arena, 1, sizeof *head);
  if (!head || rem_hash_map_put(&transaction->rows, name, head, NULL, NULL) < 0)
    return NULL;
  head->was_live = was_live;
  memcpy(head->id, id, 16);
  pending->heads[pending->count++] = head;
  return head;
}

static bool room_for_state(rem_transaction *transaction) {
  if (transaction->state_count < transaction->state_capacity)
    return true;
  size_t capacity = transaction->state_capacity ? transaction->state_capacity * 2 : 16;
  rem_pending_state **states = rem_realloc(transaction->states, capacity * sizeof *states);
  if (!states)
    return false;
  transaction->states = states;
  transaction->state_capacity = capacity;
  return true;
}

static rem_slice alias_name(rem_buffer *buffer, uint32_t table, rem_slice key) {
  uint8_t bytes[4];
  rem_store_u32le(bytes, table);
  rem_buffer_append(buffer, bytes, sizeof bytes);
  rem_buffer_append_slice(buffer, key);
  return rem_buffer_slice(buffer);
}

/* Makes `state` the last with its key, or, when it is taken back, the one before it. */
static rem_status turn_alias(rem_transaction *transaction, rem_pending_state *state, bool back, rem_error *err) {
  rem_buffer buffer REM_CLEANUP(rem_buffer_deinit) = {0};
  uint32_t number = 0;
  (void)rem_transaction__table(transaction, state->row.table, &number);
  rem_slice name = alias_name(&buffer, number, state->key);
  REM_TRY(rem_buffer_status(&buffer, err));
  if (!back)
    state->same_key = rem_hash_map_get(&transaction->aliases, name);
  if (!back || state->same_key)
    return rem_hash_map_put(&transaction->aliases, name, back ? state->same_key : state, NULL, err);
  (void)rem_hash_map_remove(&transaction->aliases, name);
  return REM_OK;
}

/* What a write leaves of its row, on top of what there was. */
static rem_status push_state(rem_transaction *transaction, rem_table *table, const uint8_t id[16], bool was_live, rem_slice record,
                             const rem_record_system *system, rem_slice key, rem_error *err) {
  rem_pending_head *head = need_head(transaction, table, id, was_live);
  rem_pending_state *state = head ? rem_arena_calloc(&transaction->arena, 1, sizeof *state) : NULL;
  uint8_t *copy = state ? rem_arena_memdup(&transaction->arena, record.data, record.size) : NULL;
  if (!copy || !room_for_state(transaction))
    return too_large(err);
  rem_record_system_set(copy, system);
  REM_TRY(rem_record_open(copy, record.size, &state->row.record, err));
  uint32_t number;
  state->row.table = rem_transaction__table(transaction, table, &number)->table;
  state->row.was_live = head->was_live;
  memcpy(state->row.id, id, 16);
  if (key.size) {
    void *kept = rem_arena_memdup(&transaction->arena, key.data, key.size);
    if (!kept)
      return too_large(err);
    state->key = rem_slice_of(kept, key.size);
    if (turn_alias(transaction, state, false, err) < 0)
      return too_large(err);
  }
  state->head = head;
  state->previous = head->newest;
  state->older = head->history;
  state->written = ++transaction->moment;
  state->taken_back = UINT64_MAX;
  head->newest = head->history = state;
  state->place = transaction->state_count;
  transaction->states[transaction->state_count++] = state;
  return REM_OK;
}

size_t rem_transaction_mark(const rem_transaction *transaction) {
  return transaction->state_count;
}

void rem_transaction_rewind(rem_transaction *transaction, size_t mark) {
  if (!transaction->batch)
    return;
  while (transaction->state_count > mark) {
    rem_pending_state *state = transaction->states[--transaction->state_count];
    state->head->newest = state->previous;
    state->taken_back = ++transaction->moment;
    rem_transaction__unindex(transaction, state);
    /* Without memory for it the state stays where it is found, and is passed over there. */
    if (state->key.size)
      (void)!turn_alias(transaction, state, true, NULL);
  }
  if (rem_entity_batch_count(transaction->batch) > mark)
    rem_entity_batch_truncate(transaction->batch, mark);
}

bool rem_transaction_is_empty(const rem_transaction *transaction) {
  return transaction->state_count == 0;
}

/* ------------------------------------------------------------------------------------------- */
/* The row that a write finds                                                                   */

typedef struct base_row {
  bool found, was_live; /* was_live: in the store, whatever was written since */
  rem_record record;
  rem_record_system system;
} base_row;

static rem_status find_base(rem_transaction *transaction, rem_table *table, const uint8_t id[16], base_row *base, rem_error *err) {
  *base = (base_row){0};
  rem_pending_state *state = find_state(transaction, table, id);
  if (state) {
    base->found = true;
    base->was_live = state->row.was_live;
    base->record = state->row.record;
  } else {
    rem_status status =
        rem_read_id(transaction->engine, transaction->snapshot, transaction->tenant, table, id, &transaction->row, err);
    REM_TRY(status);
    base->found = status == REM_OK;
    if (base->found)
      base->record = transaction->row.record;
    base->was_live = base->found && !rem_record_is_deleted(&base->record);
  }
  if (base->found)
    rem_record_system_get(&base->record, &base->system);
  /* What is written is also read: two transactions that write one row must not both commit. */
  if (!state)
    rem_transaction_note(transaction, table, id, base->found ? base->system.seq : 0);
  return REM_OK;
}

const rem_pending_row *rem_transaction_find_key(const rem_transaction *transaction, const rem_table *table, rem_slice key) {
  uint32_t number;
  rem_buffer name REM_CLEANUP(rem_buffer_deinit) = {0};
  const rem_pending_state *state = NULL;
  if (transaction->aliases.count > 0 && rem_transaction__table(transaction, table, &number))
    state = rem_hash_map_get(&transaction->aliases, alias_name(&name, number, key));
  while (state && state->head->newest != state)
    state = state->same_key;
  return state ? &state->row : NULL;
}

/* A row with an id of its own that has this key: in the store, or pending. REM_OK or REM_NOT_FOUND. */
static rem_status find_alias(rem_transaction *transaction, const rem_table *table, rem_slice key, uint8_t ret_id[16], rem_error *err) {
  const rem_pending_row *row = rem_transaction_find_key(transaction, table, key);
  if (row) {
    memcpy(ret_id, row->id, 16);
    return REM_OK;
  }
  rem_buffer alias REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_index_alias_key(&alias, transaction->tenant, table->name, key);
  REM_TRY(rem_buffer_status(&alias, err));
  rem_status status = rem_kv_get(transaction->engine->kv, transaction->snapshot, REM_CF_KEY_INDEX, rem_buffer_slice(&alias), &pin, err);
  if (status == REM_OK && pin.size == 16)
    memcpy(ret_id, pin.data, 16);
  return status;
}

/* ------------------------------------------------------------------------------------------- */
/* Writes                                                                                       */

static rem_status check_writable(const rem_transaction *transaction, rem_error *err) {
  return transaction->batch ? REM_OK : rem_error_set(err, REM_MISUSE, "the transaction has ended");
}

static rem_status encode_merged(const rem_change *change, const base_row *base, rem_buffer *record, rem_error *err) {
  rem_slice text = rem_record_edges(&base->record);
  json_t *stored REM_AUTO_JSON = NULL, *merged REM_AUTO_JSON = NULL;
  const rem_record_system system = {.generation = change->table->generation};
  REM_TRY(rem_json_parse((const char *)text.data, text.size, &stored, err));
  if (change->document.edges)
    REM_TRY(rem_edges_merge(stored, change->document.edges, &merged, err));
  return rem_record_encode(change->table, &system, change->document.properties, merged ? merged : stored, record, err);
}

/* The pending form of the batch's last change. */
static rem_status push_put(rem_transaction *transaction, const rem_change *change, const uint8_t id[16], const base_row *base, rem_error *err) {
  rem_buffer merged REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_slice record = rem_buffer_slice(&change->record);
  bool keeps_edges = base->found && !change->replaces_edges && rem_record_edges(&base->record).size > 0;
  if (keeps_edges) {
    REM_TRY(encode_merged(change, base, &merged, err));
    record = rem_buffer_slice(&merged);
  }
  int64_t now = rem_instant_now();
  rem_record_system system = {.generation = change->table->generation,
                              .created_at = base->found ? base->system.created_at : now,
                              .modified_at = now,
                              .seq = base->found ? base->system.seq : 0};
  bool derived = memcmp(id, change->id, 16) == 0 && change->id_derived;
  return push_state(transaction, change->table, id, base->was_live, record, &system, derived ? (rem_slice){0} : change->key, err);
}

/* Has a row of another table the id, here or in the store? */
static rem_status check_id_free(rem_transaction *transaction, const rem_change *change, rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  char text[37];
  uint8_t labels;
  bool deleted;
  rem_slice table;
  for (size_t i = 0; i < transaction->table_count; i++)
    if (strcmp(transaction->tables[i].table->name, change->table->name) != 0 && find_state(transaction, transaction->tables[i].table, change->id))
      return rem_change__id_taken(change, rem_slice_text(transaction->tables[i].table->name), err);
  rem_uuid_format(change->id, text);
  REM_TRY(rem_key_key(&key, transaction->tenant, rem_slice_text(text), change->id, err));
  rem_status status = rem_kv_get(transaction->engine->kv, transaction->snapshot, REM_CF_KEY_INDEX, rem_buffer_slice(&key), &pin, err);
  if (status != REM_OK || !rem_index_key_value(rem_kv_pin_slice(&pin), &labels, &deleted, &table) ||
      rem_slice_equal(table, rem_slice_text(change->table->name)))
    return status < 0 ? status : REM_OK;
  return rem_change__id_taken(change, table, err);
}

/* Has another row the key? The one whose id follows from it, or one with an id of its own. */
static rem_status check_key_free(rem_transaction *transaction, const rem_change *change, rem_error *err) {
  uint8_t owner[16];
  base_row row;
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_status status = find_alias(transaction, change->table, change->key, owner, err);
  REM_TRY(status);
  if (status == REM_OK && memcmp(owner, change->id, 16) != 0)
    return rem_change__key_taken(change, owner, err);
  rem_uuid_of_key(transaction->tenant, change->table->name, change->key.data, change->key.size, owner);
  if (memcmp(owner, change->id, 16) == 0)
    return REM_OK;
  REM_TRY(find_base(transaction, change->table, owner, &row, err));
  if (row.found)
    REM_TRY(rem_record_key(&row.record, change->table, &key, err));
  return row.found && rem_slice_equal(rem_buffer_slice(&key), change->key) ? rem_change__key_taken(change, owner, err) : REM_OK;
}

/* A document that says its id: what the apply order would refuse is refused here, where the statement is. */
static rem_status check_names(rem_transaction *transaction, const rem_change *change, rem_error *err) {
  base_row row;
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  if (change->key.size)
    REM_TRY(check_key_free(transaction, change, err));
  REM_TRY(find_base(transaction, change->table, change->id, &row, err));
  if (!row.found)
    return check_id_free(transaction, change, err);
  REM_TRY(rem_record_key(&row.record, change->table, &key, err));
  return rem_slice_equal(rem_buffer_slice(&key), change->key) ? REM_OK : rem_change__key_changed(change, rem_buffer_slice(&key), err);
}

/* Adds the put, finds the row it meets, and decides whether it stays. */
static rem_status put(rem_transaction *transaction, rem_table *table, json_t *document, bool keep_old, bool replaces_edges,
                      bool *ret_written, rem_error *err) {
  rem_batch *batch = transaction->batch;
  REM_TRY(rem_entity_batch_put_row(batch, table->name, document, err));
  rem_change *change = &batch->changes[batch->count - 1];
  base_row base;
  uint8_t id[16];
  change->replaces_edges = replaces_edges;
  memcpy(id, change->id, 16);
  /* What sets fields of a row names it by its id, and looks after its key itself. */
  rem_status status = change->id_given && !replaces_edges ? check_names(transaction, change, err) : REM_OK;
  if (status >= 0)
    status = find_base(transaction, table, id, &base, err);
  if (status >= 0 && !base.found && change->key.size && !change->id_given) {
    status = find_alias(transaction, table, change->key, id, err);
    if (status == REM_OK)
      status = find_base(transaction, table, id, &base, err);
  }
  bool kept = status >= 0 && keep_old && base.found && !rem_record_is_deleted(&base.record);
  if (status >= 0 && !kept)
    status = push_put(transaction, change, id, &base, err);
  if (status < 0 || kept)
    rem_entity_batch_truncate(batch, batch->count - 1);
  if (ret_written)
    *ret_written = !kept;
  return status < 0 ? status : REM_OK;
}

rem_status rem_transaction_put(rem_transaction *transaction, rem_table *table, json_t *document, bool keep_old, bool *ret_written,
                               rem_error *err) {
  rem_status status = check_writable(transaction, err);
  if (status < 0) {
    json_decref(document);
    return status;
  }
  return put(transaction, table, document, keep_old, false, ret_written, err);
}

static rem_status no_such_row(const rem_table *table, const uint8_t id[16], rem_error *err) {
  char text[37];
  rem_uuid_format(id, text);
  rem_error_set(err, REM_NOT_FOUND, "there is no row %s in '%s', or it is deleted", text, table->name);
  rem_error_hint(err, "an insert makes it, or brings it back");
  return REM_NOT_FOUND;
}

/* The whole document that the row would be after `fields` (borrowed) are set. Owned. */
static rem_status whole_document(const rem_table *table, const uint8_t id[16], const base_row *base, const json_t *fields, json_t **ret_document,
                                 rem_error *err) {
  json_t *document REM_AUTO_JSON = NULL;
  char text[37];
  const char *name;
  json_t *value;
  REM_TRY(rem_record_properties(&base->record, table, &document, err));
  rem_slice edges = rem_record_edges(&base->record);
  if (edges.size) {
    json_t *stored;
    REM_TRY(rem_json_parse((const char *)edges.data, edges.size, &stored, err));
    if (json_object_set_new(document, "edges", stored) < 0)
      return rem_error_nomem(err);
  }
  json_object_foreach((json_t *)fields, name, value) {
    const rem_field *field = rem_table_field(table, name, strlen(name));
    bool out = json_is_null(value) && !(field && field->nullable);
    if (out)
      json_object_del(document, name);
    else if (json_object_set(document, name, value) < 0)
      return rem_error_nomem(err);
  }
  rem_uuid_format(id, text);
  if (json_object_set_new(document, "id", json_string(text)) < 0)
    return rem_error_nomem(err);
  *ret_document = REM_TAKE(document);
  return REM_OK;
}

static rem_status check_key_kept(const rem_table *table, rem_slice old, const rem_record *after, rem_error *err) {
  rem_buffer new REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_record_key(after, table, &new, err));
  if (rem_slice_equal(old, rem_buffer_slice(&new)))
    return REM_OK;
  rem_error_set(err, REM_INVALID, "the key of a row cannot change: it is '%.*s' and would be '%.*s'", (int)old.size, old.data,
                (int)new.size, new.data);
  rem_error_hint(err, "insert a new row with the new key, and delete this one");
  return REM_INVALID;
}

static rem_status set(rem_transaction *transaction, rem_table *table, const uint8_t id[16], const json_t *fields, rem_error *err) {
  base_row base;
  json_t *document = NULL;
  REM_TRY(check_writable(transaction, err));
  REM_TRY(find_base(transaction, table, id, &base, err));
  if (!base.found || rem_record_is_deleted(&base.record))
    return no_such_row(table, id, err);
  rem_buffer old_key REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_record_key(&base.record, table, &old_key, err));
  REM_TRY(whole_document(table, id, &base, fields, &document, err));
  size_t mark = rem_transaction_mark(transaction);
  REM_TRY(put(transaction, table, document, false, true, NULL, err));
  rem_status status = check_key_kept(table, rem_buffer_slice(&old_key), &transaction->states[mark]->row.record, err);
  if (status < 0)
    rem_transaction_rewind(transaction, mark);
  return status;
}

rem_status rem_transaction_set(rem_transaction *transaction, rem_table *table, const uint8_t id[16], json_t *fields, rem_error *err) {
  rem_status status = set(transaction, table, id, fields, err);
  json_decref(fields);
  return status;
}

rem_status rem_transaction_delete(rem_transaction *transaction, rem_table *table, const uint8_t id[16], rem_error *err) {
  base_row base;
  char text[37];
  REM_TRY(check_writable(transaction, err));
  REM_TRY(find_base(transaction, table, id, &base, err));
  if (!base.found || rem_record_is_deleted(&base.record))
    return no_such_row(table, id, err);
  rem_uuid_format(id, text);
  size_t count = rem_entity_batch_count(transaction->batch);
  REM_TRY(rem_entity_batch_delete(transaction->batch, table->name, rem_slice_text(text), err));
  rem_record_system system = base.system;
  system.flags |= REM_RECORD_DELETED;
  system.deleted_at = system.modified_at = rem_instant_now();
  const rem_pending_state *before = find_state(transaction, table, id);
  rem_status status = push_state(transaction, table, id, base.was_live, rem_slice_of(base.record.data, base.record.size), &system,
                                 before ? before->key : (rem_slice){0}, err);
  if (status < 0)
    rem_entity_batch_truncate(transaction->batch, count);
  return status;
}

/* ------------------------------------------------------------------------------------------- */
/* Reading                                                                                      */

const rem_pending_row *rem_transaction_find(const rem_transaction *transaction, const rem_table *table, const uint8_t id[16]) {
  const rem_pending_state *state = find_state(transaction, table, id);
  return state ? &state->row : NULL;
}

uint64_t rem_transaction_moment(const rem_transaction *transaction) {
  return transaction->moment;
}

bool rem_transaction_wrote(const rem_transaction *transaction, const rem_table *table, const uint8_t id[16], uint64_t moment) {
  const rem_pending_head *head = transaction->state_count || transaction->moment ? rem_transaction__head(transaction, table, id) : NULL;
  for (const rem_pending_state *state = head ? head->history : NULL; state; state = state->older)
    if (state->written <= moment && state->taken_back > moment)
      return true;
  return false;
}

bool rem_transaction_wrote_id(const rem_transaction *transaction, const uint8_t id[16]) {
  for (size_t i = 0; i < transaction->table_count; i++)
    if (rem_transaction_find(transaction, transaction->tables[i].table, id))
      return true;
  return false;
}

rem_status rem_transaction_read(rem_transaction *transaction, rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant,
                                rem_table *table, const uint8_t id[16], rem_row *row, rem_error *err) {
  const rem_pending_row *pending = transaction ? rem_transaction_find(transaction, table, id) : NULL;
  if (pending) {
    rem_row__show(row, tenant, table, id, &pending->record);
    return REM_OK;
  }
  rem_status status = rem_read_id(engine, snapshot, tenant, table, id, row, err);
  if (status == REM_OK && transaction) {
    rem_record_system system;
    rem_record_system_get(&row->record, &system);
    rem_transaction_note(transaction, table, id, system.seq);
  }
  return status;
}

static int compare_heads(const void *a, const void *b) {
  return memcmp((*(const rem_pending_head *const *)a)->id, (*(const rem_pending_head *const *)b)->id, 16);
}

/* Sorts the heads that came since the last time, and merges them in from behind. */
static rem_status sort_heads(rem_pending_table *pending, rem_error *err) {
  size_t old = pending->sorted, added = pending->count - old, at = pending->count;
  if (added == 0)
    return REM_OK;
  rem_pending_head **tail REM_AUTO_FREE = rem_alloc(added * sizeof *tail);
  if (!tail)
    return rem_error_nomem(err);
  memcpy(tail, pending->heads + old, added * sizeof *tail);
  qsort(tail, added, sizeof *tail, compare_heads);
  while (added > 0) {
    bool keep = old > 0 && compare_heads(&pending->heads[old - 1], &tail[added - 1]) > 0;
    pending->heads[--at] = keep ? pending->heads[--old] : tail[--added];
  }
  pending->sorted = pending->count;
  return REM_OK;
}

rem_status rem_transaction_collect(rem_transaction *transaction, const rem_table *table, rem_arena *arena,
                                   const rem_pending_row ***ret_rows, size_t *ret_count, rem_error *err) {
  uint32_t number;
  rem_pending_table *pending = rem_transaction__table(transaction, table, &number);
  *ret_count = 0;
  *ret_rows = NULL;
  if (!pending || pending->count == 0)
    return REM_OK;
  REM_TRY(sort_heads(pending, err));
  transaction->seen += pending->count;
  const rem_pending_row **rows = rem_arena_alloc(arena, pending->count * sizeof *rows);
  if (!rows)
    return rem_error_nomem(err);
  size_t count = 0;
  for (size_t i = 0; i < pending->count; i++)
    if (pending->heads[i]->newest)
      rows[count++] = &pending->heads[i]->newest->row;
  *ret_rows = rows;
  *ret_count = count;
  return REM_OK;
}

int64_t rem_transaction_live_delta(const rem_transaction *transaction, const rem_table *table) {
  uint32_t number;
  int64_t delta = 0;
  const rem_pending_table *pending = rem_transaction__table(transaction, table, &number);
  for (size_t i = 0; pending && i < pending->count; i++) {
    const rem_pending_state *state = pending->heads[i]->newest;
    if (state)
      delta += !rem_record_is_deleted(&state->row.record) - state->row.was_live;
  }
  return delta;
}

void rem_transaction_note(rem_transaction *transaction, const rem_table *table, const uint8_t id[16], uint64_t seq) {
  uint32_t number;
  if (need_table(transaction, (rem_table *)table, &number))
    rem_read_notes_add(&transaction->reads, number, id, seq);
  else
    transaction->reads.lost = true;
}

/* ------------------------------------------------------------------------------------------- */
/* Commit                                                                                       */

static rem_status conflict(const rem_table *table, const uint8_t *id, rem_error *err) {
  char text[37] = "";
  if (id)
    rem_uuid_format(id, text);
  if (id)
    rem_error_set(err, REM_CONFLICT, "row %s of '%s' was changed by another writer since this transaction read it", text, table->name);
  else
    rem_error_set(err, REM_CONFLICT, "another writer has committed since this transaction began, and it has read too many rows to tell whether they are the same");
  rem_error_hint(err, "begin again: nothing of it was stored");
  return REM_CONFLICT;
}

static rem_status check_note(const rem_transaction *transaction, rem_commit_group *group, const rem_read_note *note, rem_error *err) {
  const rem_table *table = transaction->tables[note->table].table;
  rem_buffer *key = rem_commit_scratch(group, 0);
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_key_entity(key, transaction->tenant, table->name, note->id);
  REM_TRY(rem_buffer_status(key, err));
  rem_status status = rem_commit_get(group, REM_CF_ENTITIES, rem_buffer_slice(key), &pin, err);
  REM_TRY(status);
  uint64_t seq = 0;
  if (status == REM_OK) {
    rem_record record;
    rem_record_system system;
    REM_TRY(rem_record_open(pin.data, pin.size, &record, err));
    rem_record_system_get(&record, &system);
    seq = system.seq;
  }
  return seq == note->seq ? REM_OK : conflict(table, note->id, err);
}

rem_status rem_transaction__check(const rem_transaction *transaction, rem_commit_group *group, rem_error *err) {
  uint64_t next;
  REM_TRY(rem_log_next_seq(group, transaction->tenant, &next, err));
  if (next == transaction->first_seq + 1)
    return REM_OK;
  if (transaction->reads.lost)
    return conflict(NULL, NULL, err);
  for (size_t i = 0; i < transaction->reads.count; i++)
    REM_TRY(check_note(transaction, group, &transaction->reads.items[i], err));
  return REM_OK;
}

rem_status rem_transaction_commit(rem_transaction *transaction, bool checked, rem_batch_result *ret_result, rem_error *err) {
  REM_TRY(check_writable(transaction, err));
  transaction->batch->transaction = checked ? transaction : NULL;
  rem_status status = rem_entity_batch_commit(transaction->batch, ret_result, NULL, err);
  rem_entity_batch_free(REM_TAKE(transaction->batch));
  return status;
}
