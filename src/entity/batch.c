/* SPDX-License-Identifier: Apache-2.0 */
/* A batch: its life, and adding changes to it. */
#include "entity/batch_internal.h"

#include "base/json.h"
#include "base/uuid.h"
#include "schema/registry.h"

static void change_deinit(rem_change *change) {
  rem_table_unref(change->table);
  rem_document_deinit(&change->document);
  rem_buffer_deinit(&change->record);
  *change = (rem_change){0};
}

rem_status rem_entity_batch_new(rem_engine *engine, const char *tenant, rem_batch **ret_batch, rem_error *err) {
  REM_TRY(rem_engine_check_writable(engine, err));
  rem_batch *batch = rem_calloc(1, sizeof *batch);
  if (!batch)
    return rem_error_nomem(err);
  batch->engine = engine;
  memcpy(batch->tenant, tenant, strlen(tenant) + 1);
  *ret_batch = batch;
  return REM_OK;
}

void rem_batch__clear(rem_batch *batch) {
  for (size_t i = 0; i < batch->count; i++)
    change_deinit(&batch->changes[i]);
  batch->count = 0;
  batch->outcome_count = 0;
  batch->document_bytes = 0;
  batch->committed = false;
  batch->trouble = (rem_error){0};
  batch->refused_only = false;
  batch->truncated = 0;
  rem_hash_map_clear(&batch->places);
  batch->placed = 0;
  rem_arena_reset(&batch->arena);
}

size_t rem_entity_batch_count(const rem_batch *batch) {
  return batch->committed ? 0 : batch->count;
}

void rem_entity_batch_truncate(rem_batch *batch, size_t count) {
  if (batch->committed || count == 0)
    rem_batch__clear(batch);
  while (batch->count > count)
    change_deinit(&batch->changes[--batch->count]);
  rem_hash_map_clear(&batch->places);
  batch->placed = 0;
}

void rem_entity_batch_free(rem_batch *batch) {
  if (!batch)
    return;
  rem_batch__clear(batch);
  rem_hash_map_deinit(&batch->places);
  rem_arena_deinit(&batch->arena);
  rem_free(batch->changes);
  rem_free(batch);
}

rem_status rem_batch__new_change(rem_batch *batch, size_t text_size, rem_change **ret_change, rem_error *err) {
  if (batch->committed)
    rem_batch__clear(batch);
  if (batch->count >= REM_BATCH_MAX_COUNT || batch->document_bytes + text_size > REM_BATCH_MAX_BYTES) {
    rem_error_set(err, REM_LIMIT, "a batch holds at most %zu rows and %zu MiB", REM_BATCH_MAX_COUNT,
                  REM_BATCH_MAX_BYTES >> 20);
    rem_error_hint(err, "commit in smaller batches");
    return REM_LIMIT;
  }
  if (batch->count == batch->capacity) {
    size_t capacity = batch->capacity ? batch->capacity * 2 : 4;
    rem_change *changes = rem_realloc(batch->changes, capacity * sizeof *changes);
    if (!changes)
      return rem_error_nomem(err);
    batch->changes = changes;
    batch->capacity = capacity;
  }
  *ret_change = &batch->changes[batch->count];
  **ret_change = (rem_change){0};
  return REM_OK;
}

rem_status rem_batch__end_change(rem_batch *batch, rem_change *change, size_t text_size, rem_status status) {
  if (status < 0) {
    change_deinit(change);
    return status;
  }
  batch->count++;
  batch->document_bytes += text_size;
  return REM_OK;
}

rem_status rem_batch__copy_slice(rem_batch *batch, rem_slice from, rem_slice *ret_copy, rem_error *err) {
  void *copy = rem_arena_memdup(&batch->arena, from.data, from.size);
  if (!copy)
    return rem_error_nomem(err);
  *ret_copy = rem_slice_of(copy, from.size);
  return REM_OK;
}

/* What follows from the encoded record before the stored row is known: its key, its id when the key decides it, its text. */
static rem_status derive(rem_batch *batch, rem_change *change, rem_error *err) {
  rem_record record;
  REM_TRY(rem_record_open(change->record.data, change->record.size, &record, err));
  rem_buffer scratch REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_status status = rem_record_key(&record, change->table, &scratch, err);
  REM_TRY(status);
  change->key = (rem_slice){0};
  if (status != REM_NOT_FOUND)
    REM_TRY(rem_batch__copy_slice(batch, rem_buffer_slice(&scratch), &change->key, err));
  if (change->kind == REM_CHANGE_PUT && change->key.size)
    rem_uuid_of_key(batch->tenant, change->table->name, change->key.data, change->key.size, change->id);
  rem_buffer_reset(&scratch);
  change->has_text = rem_record_embedded_text(&record, change->table, &scratch);
  REM_TRY(rem_buffer_status(&scratch, err));
  /* A change that is prepared again may come to another text, or under another model. */
  memset(change->vectors, 0, sizeof change->vectors);
  change->text = (rem_slice){0};
  if (change->has_text)
    REM_TRY(rem_batch__copy_slice(batch, rem_buffer_slice(&scratch), &change->text, err));
  return REM_OK;
}

/* Room for a record as large as the last one, so that it need not grow: rows of a batch are alike. */
static void expect_size(rem_batch *batch, rem_change *change) {
  size_t last = batch->count ? batch->changes[batch->count - 1].record.size : 0;
  if (change->record.capacity == 0 && last > 0 && last <= REM_RECORD_INLINE_SIZE)
    (void)rem_buffer_extend(&change->record, last + last / 8);
}

static rem_status encode(rem_batch *batch, rem_change *change, rem_error *err) {
  expect_size(batch, change);
  rem_buffer_reset(&change->record);
  change->record.max = REM_RECORD_MAX_SIZE;
  rem_record_system system = {.generation = change->table->generation};
  REM_TRY(rem_record_encode(change->table, &system, change->document.properties, change->document.edges,
                            &change->record, err));
  return derive(batch, change, err);
}

rem_status rem_batch__resolve_table(rem_batch *batch, const char *name, rem_table **ret_table, rem_error *err) {
  REM_TRY(rem_engine_check_usable(batch->engine, err));
  return rem_registry_table(batch->engine->registry, batch->tenant, name, ret_table, err);
}

rem_status rem_batch__refuse_schema_table(const rem_table *table, const char *what, rem_error *err) {
  if (strcmp(table->name, "schema") != 0)
    return REM_OK;
  rem_error_set(err, REM_INVALID, "rows of 'schema' cannot be %s as data", what);
  rem_error_hint(err, "schemas are registered and removed by 'db schema add' and 'db schema remove'");
  return REM_INVALID;
}

rem_status rem_batch__finish_document(rem_batch *batch, rem_change *change, rem_error *err) {
  REM_TRY(rem_table_apply_defaults(change->table, change->document.properties, err));
  REM_TRY(rem_table_validate(change->table, change->document.properties, err));
  return encode(batch, change, err);
}

static rem_status settle_id(rem_change *change, const uint8_t given[16], rem_error *err) {
  if (change->document.has_id) {
    change->id_given = true;
    change->id_derived = change->key.size && memcmp(given, change->id, 16) == 0;
    memcpy(change->id, given, 16);
    return REM_OK;
  }
  change->id_derived = change->key.size != 0;
  return change->key.size ? REM_OK : rem_uuid_random(change->id, err);
}

static rem_status put_document(rem_batch *batch, rem_change *change, json_t *json, rem_error *err) {
  REM_TRY(rem_document_split(change->table, json, &change->document, err));
  REM_TRY(rem_batch__finish_document(batch, change, err));
  return settle_id(change, change->document.id, err);
}

static rem_status add_put(rem_batch *batch, const char *table, json_t *json, size_t size, bool schema_rows,
                          rem_error *err) {
  rem_change *change;
  rem_status status = rem_batch__new_change(batch, size, &change, err);
  if (status < 0) {
    json_decref(json);
    return status;
  }
  change->kind = REM_CHANGE_PUT;
  status = rem_batch__resolve_table(batch, table, &change->table, err);
  if (status >= 0 && !schema_rows)
    status = rem_batch__refuse_schema_table(change->table, "written", err);
  if (status >= 0)
    status = put_document(batch, change, json, err);
  else
    json_decref(json);
  return rem_batch__end_change(batch, change, size, status);
}

rem_status rem_entity_batch_put(rem_batch *batch, const char *table, const char *json, size_t json_size,
                                rem_error *err) {
  json_t *parsed;
  REM_TRY(rem_json_parse_object(json, json_size, &parsed, err));
  return add_put(batch, table, parsed, json_size, false, err);
}

rem_status rem_entity_batch_replace(rem_batch *batch, const char *table, const char *json, size_t json_size,
                                    rem_error *err) {
  REM_TRY(rem_entity_batch_put(batch, table, json, json_size, err));
  batch->changes[batch->count - 1].replaces_edges = true;
  return REM_OK;
}

rem_status rem_entity_batch_put_json(rem_batch *batch, const char *table, json_t *json, rem_error *err) {
  return add_put(batch, table, json, 0, true, err);
}

rem_status rem_entity_batch_put_row(rem_batch *batch, const char *table, json_t *json, rem_error *err) {
  return add_put(batch, table, json, 0, false, err);
}

rem_status rem_entity_batch_table(rem_batch *batch, rem_table *table, const rem_counters *delta, rem_error *err) {
  rem_change *change;
  rem_status status = rem_batch__new_change(batch, 0, &change, err);
  if (status < 0) {
    rem_table_unref(table);
    return status;
  }
  change->kind = REM_CHANGE_TABLE;
  change->table = table;
  if (delta)
    change->delta = *delta;
  return rem_batch__end_change(batch, change, 0, REM_OK);
}

/* A change that is nothing but a kind and a table. */
static rem_status add_bare(rem_batch *batch, rem_change_kind kind, rem_table *table, rem_change **ret_change,
                           rem_error *err) {
  REM_TRY(rem_batch__new_change(batch, 0, ret_change, err));
  (*ret_change)->kind = kind;
  (*ret_change)->table = rem_table_ref(table);
  return rem_batch__end_change(batch, *ret_change, 0, REM_OK);
}

rem_status rem_entity_batch_purge(rem_batch *batch, rem_table *table, const uint8_t id[16], bool live_too,
                                  rem_error *err) {
  rem_change *change;
  REM_TRY(add_bare(batch, REM_CHANGE_PURGE, table, &change, err));
  memcpy(change->id, id, sizeof change->id);
  change->live_too = live_too;
  return REM_OK;
}

rem_status rem_entity_batch_move(rem_batch *batch, rem_table *table, const uint8_t id[16], unsigned slot, rem_slice text,
                                 float *values, uint32_t dimension, rem_error *err) {
  rem_change *change;
  REM_TRY(add_bare(batch, REM_CHANGE_MOVE, table, &change, err));
  memcpy(change->id, id, sizeof change->id);
  change->slot = slot;
  change->text = text;
  change->vectors[slot].values = values;
  change->vectors[slot].dimension = dimension;
  return REM_OK;
}

rem_status rem_entity_batch_leave(rem_batch *batch, rem_table *table, const uint8_t id[16], unsigned slot, rem_error *err) {
  rem_change *change;
  REM_TRY(add_bare(batch, REM_CHANGE_LEAVE, table, &change, err));
  memcpy(change->id, id, sizeof change->id);
  change->slot = slot;
  return REM_OK;
}

rem_status rem_entity_batch_untable(rem_batch *batch, rem_table *table, rem_error *err) {
  rem_change *change;
  return add_bare(batch, REM_CHANGE_UNTABLE, table, &change, err);
}

rem_status rem_entity_batch_delete(rem_batch *batch, const char *table, rem_slice key, rem_error *err) {
  rem_change *change;
  REM_TRY(rem_batch__new_change(batch, key.size, &change, err));
  change->kind = REM_CHANGE_DELETE;
  rem_status status = rem_batch__resolve_table(batch, table, &change->table, err);
  if (status >= 0)
    status = rem_batch__refuse_schema_table(change->table, "deleted", err);
  if (status >= 0)
    status = rem_batch__copy_slice(batch, key, &change->key, err);
  /* For updates that follow in the batch; apply finds out which row it is. */
  if (status >= 0 && !rem_uuid_parse((const char *)key.data, key.size, change->id))
    rem_uuid_of_key(batch->tenant, change->table->name, key.data, key.size, change->id);
  return rem_batch__end_change(batch, change, key.size, status);
}
