/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding changes to a batch, and the commit loop around embedding and apply.
 */
#include "entity/batch.h"

#include "base/json.h"
#include "base/uuid.h"
#include "entity/log_upkeep.h"
#include "entity/read.h"
#include "entity/tenant.h"
#include "schema/registry.h"

/* How often a commit is prepared again when other writers get in between, before it gives up. */
#define MAX_ATTEMPTS 100

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

static void batch_clear(rem_batch *batch) {
  for (size_t i = 0; i < batch->count; i++)
    change_deinit(&batch->changes[i]);
  batch->count = 0;
  batch->outcome_count = 0;
  batch->document_bytes = 0;
  batch->committed = false;
  rem_hash_map_clear(&batch->places);
  batch->placed = 0;
  rem_arena_reset(&batch->arena);
}

size_t rem_entity_batch_count(const rem_batch *batch) {
  return batch->committed ? 0 : batch->count;
}

void rem_entity_batch_truncate(rem_batch *batch, size_t count) {
  if (batch->committed || count == 0)
    batch_clear(batch);
  while (batch->count > count)
    change_deinit(&batch->changes[--batch->count]);
  rem_hash_map_clear(&batch->places);
  batch->placed = 0;
}

void rem_entity_batch_free(rem_batch *batch) {
  if (!batch)
    return;
  batch_clear(batch);
  rem_hash_map_deinit(&batch->places);
  rem_arena_deinit(&batch->arena);
  rem_free(batch->changes);
  rem_free(batch);
}

/* Room for one more change, zeroed, not yet counted. */
static rem_status new_change(rem_batch *batch, size_t text_size, rem_change **ret_change, rem_error *err) {
  if (batch->committed)
    batch_clear(batch);
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

/* Counts a finished change, or takes an unfinished one apart. */
static rem_status end_change(rem_batch *batch, rem_change *change, size_t text_size, rem_status status) {
  if (status < 0) {
    change_deinit(change);
    return status;
  }
  batch->count++;
  batch->document_bytes += text_size;
  return REM_OK;
}

static rem_status copy_slice(rem_batch *batch, rem_slice from, rem_slice *ret_copy, rem_error *err) {
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
    REM_TRY(copy_slice(batch, rem_buffer_slice(&scratch), &change->key, err));
  if (change->kind == REM_CHANGE_PUT && change->key.size)
    rem_uuid_of_key(batch->tenant, change->table->name, change->key.data, change->key.size, change->id);
  rem_buffer_reset(&scratch);
  change->has_text = rem_record_embedded_text(&record, change->table, &scratch);
  REM_TRY(rem_buffer_status(&scratch, err));
  change->text = (rem_slice){0};
  if (change->has_text)
    REM_TRY(copy_slice(batch, rem_buffer_slice(&scratch), &change->text, err));
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

static rem_status resolve_table(rem_batch *batch, const char *name, rem_table **ret_table, rem_error *err) {
  REM_TRY(rem_engine_check_usable(batch->engine, err));
  return rem_registry_table(batch->engine->registry, batch->tenant, name, ret_table, err);
}

static rem_status refuse_schema_table(const rem_table *table, const char *what, rem_error *err) {
  if (strcmp(table->name, "schema") != 0)
    return REM_OK;
  rem_error_set(err, REM_INVALID, "rows of 'schema' cannot be %s as data", what);
  rem_error_hint(err, "schemas are registered and removed by 'db schema add' and 'db schema remove'");
  return REM_INVALID;
}

/* Validates and encodes a document that has been split already. */
static rem_status finish_document(rem_batch *batch, rem_change *change, rem_error *err) {
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
  REM_TRY(finish_document(batch, change, err));
  return settle_id(change, change->document.id, err);
}

static rem_status add_put(rem_batch *batch, const char *table, json_t *json, size_t size, bool schema_rows,
                          rem_error *err) {
  rem_change *change;
  rem_status status = new_change(batch, size, &change, err);
  if (status < 0) {
    json_decref(json);
    return status;
  }
  change->kind = REM_CHANGE_PUT;
  status = resolve_table(batch, table, &change->table, err);
  if (status >= 0 && !schema_rows)
    status = refuse_schema_table(change->table, "written", err);
  if (status >= 0)
    status = put_document(batch, change, json, err);
  else
    json_decref(json);
  return end_change(batch, change, size, status);
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

rem_status rem_entity_batch_table(rem_batch *batch, rem_table *table, const rem_counters *delta, rem_error *err) {
  rem_change *change;
  rem_status status = new_change(batch, 0, &change, err);
  if (status < 0) {
    rem_table_unref(table);
    return status;
  }
  change->kind = REM_CHANGE_TABLE;
  change->table = table;
  if (delta)
    change->delta = *delta;
  return end_change(batch, change, 0, REM_OK);
}

/* A change that is nothing but a kind and a table. */
static rem_status add_bare(rem_batch *batch, rem_change_kind kind, rem_table *table, rem_change **ret_change,
                           rem_error *err) {
  REM_TRY(new_change(batch, 0, ret_change, err));
  (*ret_change)->kind = kind;
  (*ret_change)->table = rem_table_ref(table);
  return end_change(batch, *ret_change, 0, REM_OK);
}

rem_status rem_entity_batch_purge(rem_batch *batch, rem_table *table, const uint8_t id[16], bool live_too,
                                  rem_error *err) {
  rem_change *change;
  REM_TRY(add_bare(batch, REM_CHANGE_PURGE, table, &change, err));
  memcpy(change->id, id, sizeof change->id);
  change->live_too = live_too;
  return REM_OK;
}

rem_status rem_entity_batch_untable(rem_batch *batch, rem_table *table, rem_error *err) {
  rem_change *change;
  return add_bare(batch, REM_CHANGE_UNTABLE, table, &change, err);
}

rem_status rem_entity_batch_delete(rem_batch *batch, const char *table, rem_slice key, rem_error *err) {
  rem_change *change;
  REM_TRY(new_change(batch, key.size, &change, err));
  change->kind = REM_CHANGE_DELETE;
  rem_status status = resolve_table(batch, table, &change->table, err);
  if (status >= 0)
    status = refuse_schema_table(change->table, "deleted", err);
  if (status >= 0)
    status = copy_slice(batch, key, &change->key, err);
  /* For updates that follow in the batch; apply finds out which row it is. */
  if (status >= 0 && !rem_uuid_parse((const char *)key.data, key.size, change->id))
    rem_uuid_of_key(batch->tenant, change->table->name, key.data, key.size, change->id);
  return end_change(batch, change, key.size, status);
}

/* ------------------------------------------------------------------------------------------- */
/* Updates                                                                                      */

/* A put or delete may name the row by its key where the row has an id of its own. */
static bool names_key(const rem_change *change) {
  return (change->kind == REM_CHANGE_PUT || change->kind == REM_CHANGE_DELETE) && change->key.size;
}

static rem_status place_name(const rem_table *table, char kind, rem_slice value, rem_buffer *name, rem_error *err) {
  rem_buffer_reset(name);
  rem_buffer_append_text(name, table->name);
  rem_buffer_append_byte(name, 0);
  rem_buffer_append_byte(name, (uint8_t)kind);
  rem_buffer_append_slice(name, value);
  return rem_buffer_status(name, err);
}

static rem_status place_changes(rem_batch *batch, rem_buffer *name, rem_error *err) {
  for (; batch->placed < batch->count; batch->placed++) {
    const rem_change *change = &batch->changes[batch->placed];
    void *place = (void *)(uintptr_t)(batch->placed + 1);
    if (change->kind == REM_CHANGE_TABLE)
      continue;
    REM_TRY(place_name(change->table, 'i', rem_slice_of(change->id, 16), name, err));
    REM_TRY(rem_hash_map_put(&batch->places, rem_buffer_slice(name), place, NULL, err));
    if (!names_key(change))
      continue;
    REM_TRY(place_name(change->table, 'k', change->key, name, err));
    REM_TRY(rem_hash_map_put(&batch->places, rem_buffer_slice(name), place, NULL, err));
  }
  return REM_OK;
}

/* Looks at each change before `change`: when the commit starts again, applying has settled ids that were not known before. */
static rem_change *scan_earlier(rem_batch *batch, const rem_change *change, const uint8_t id[16], rem_slice key) {
  for (rem_change *earlier = batch->changes + (change - batch->changes); earlier-- > batch->changes;)
    if (earlier->kind != REM_CHANGE_TABLE &&
        (earlier->table == change->table || strcmp(earlier->table->name, change->table->name) == 0) &&
        (memcmp(earlier->id, id, 16) == 0 || (names_key(earlier) && rem_slice_equal(earlier->key, key))))
      return earlier;
  return NULL;
}

/* The change of this batch that the row `id` with this key will have come from, or NULL: the last one before `change`. */
static rem_status earlier_change(rem_batch *batch, const rem_change *change, const uint8_t id[16], rem_slice key,
                                 rem_change **ret_earlier, rem_error *err) {
  if (change < batch->changes + batch->count) {
    *ret_earlier = scan_earlier(batch, change, id, key);
    return REM_OK;
  }
  rem_buffer name REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(place_changes(batch, &name, err));
  REM_TRY(place_name(change->table, 'i', rem_slice_of(id, 16), &name, err));
  uintptr_t by_id = (uintptr_t)rem_hash_map_get(&batch->places, rem_buffer_slice(&name)), by_key = 0;
  if (key.size) {
    REM_TRY(place_name(change->table, 'k', key, &name, err));
    by_key = (uintptr_t)rem_hash_map_get(&batch->places, rem_buffer_slice(&name));
  }
  uintptr_t place = by_id > by_key ? by_id : by_key;
  *ret_earlier = place ? &batch->changes[place - 1] : NULL;
  return REM_OK;
}

static rem_status update_not_found(const rem_change *change, rem_slice key, rem_error *err) {
  rem_error_set(err, REM_NOT_FOUND, "no row '%.*s' in '%s' to update", (int)key.size, key.data, change->table->name);
  rem_error_hint(err, "use an insert to make it");
  return REM_NOT_FOUND;
}

/* The stored properties and edges of `record` become the change's document. */
static rem_status document_of_record(rem_change *change, const rem_record *record, rem_error *err) {
  rem_document_deinit(&change->document);
  REM_TRY(rem_record_properties(record, change->table, &change->document.properties, err));
  rem_slice edges = rem_record_edges(record);
  return edges.size ? rem_json_parse((const char *)edges.data, edges.size, &change->document.edges, err) : REM_OK;
}

static rem_status check_key_kept(const rem_change *change, rem_slice old_key, rem_error *err) {
  if (rem_slice_equal(change->key, old_key))
    return REM_OK;
  rem_error_set(err, REM_INVALID, "the key of a row cannot change: it is '%.*s' and would be '%.*s'", (int)old_key.size,
                old_key.data, (int)change->key.size, change->key.data);
  rem_error_hint(err, "insert a new row with the new key, and delete this one");
  return REM_INVALID;
}

/* Merges the patch into the base row and prepares the result as a put does. */
static rem_status merge_patch(rem_batch *batch, rem_change *change, const rem_record *base, rem_error *err) {
  json_t *patch REM_AUTO_JSON = NULL;
  REM_TRY(rem_json_parse_object((const char *)change->patch.data, change->patch.size, &patch, err));
  bool edges_given = change->replaces_edges = json_object_get(patch, "edges") != NULL;
  rem_document given = {0};
  REM_TRY(rem_document_split(change->table, REM_TAKE(patch), &given, err));
  rem_status status = document_of_record(change, base, err);
  if (status >= 0 && given.has_id && memcmp(given.id, change->id, 16) != 0) {
    status = rem_error_set(err, REM_INVALID, "at '/id': the id of a row cannot change");
    rem_error_hint(err, "leave 'id' out of the update");
  }
  if (status >= 0)
    status = rem_document_merge_patch(change->document.properties, given.properties, err);
  if (status >= 0 && edges_given) {
    json_decref(change->document.edges);
    change->document.edges = json_incref(given.edges);
  }
  rem_document_deinit(&given);
  REM_TRY(status);
  rem_buffer old_key REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_record_key(base, change->table, &old_key, err));
  REM_TRY(finish_document(batch, change, err));
  return check_key_kept(change, rem_buffer_slice(&old_key), err);
}

/* What the update is merged into: an earlier change of the batch, or the stored row. REM_NOT_FOUND when there is neither. */
static rem_status find_base(rem_batch *batch, rem_change *change, rem_row *row, rem_record *ret_base, rem_error *err) {
  rem_slice wanted = change->key;
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_status status = rem_read_resolve(batch->engine, batch->tenant, change->table, wanted, change->id, row, err);
  REM_TRY(status);
  bool stored = status == REM_OK;
  if (stored)
    REM_TRY(rem_record_key(&row->record, change->table, &key, err));
  rem_change *earlier;
  REM_TRY(earlier_change(batch, change, change->id, stored ? rem_buffer_slice(&key) : wanted, &earlier, err));
  change->expected_seq = 0;
  if (earlier && earlier->kind == REM_CHANGE_DELETE)
    return REM_NOT_FOUND;
  if (earlier) {
    if (!stored)
      memcpy(change->id, earlier->id, sizeof change->id);
    return rem_record_open(earlier->record.data, earlier->record.size, ret_base, err);
  }
  if (!stored || rem_record_is_deleted(&row->record))
    return REM_NOT_FOUND;
  rem_record_system system;
  rem_record_system_get(&row->record, &system);
  change->expected_seq = system.seq;
  *ret_base = row->record;
  return REM_OK;
}

rem_status rem_batch__prepare_update(rem_batch *batch, rem_change *change, rem_error *err) {
  rem_slice wanted = change->key;
  rem_row row = {0};
  rem_record base = {0};
  rem_row__init(&row, batch->engine);
  rem_status status = find_base(batch, change, &row, &base, err);
  if (status == REM_OK)
    status = merge_patch(batch, change, &base, err);
  change->key = wanted; /* to resolve again, should the row change meanwhile */
  rem_row__deinit(&row);
  return status == REM_NOT_FOUND ? update_not_found(change, wanted, err) : status;
}

rem_status rem_entity_batch_update(rem_batch *batch, const char *table, rem_slice key, rem_slice json, rem_error *err) {
  rem_change *change;
  REM_TRY(new_change(batch, key.size + json.size, &change, err));
  change->kind = REM_CHANGE_UPDATE;
  rem_status status = resolve_table(batch, table, &change->table, err);
  if (status >= 0)
    status = refuse_schema_table(change->table, "changed", err);
  if (status >= 0)
    status = copy_slice(batch, key, &change->key, err);
  if (status >= 0)
    status = copy_slice(batch, json, &change->patch, err);
  if (status >= 0)
    status = rem_batch__prepare_update(batch, change, err);
  if (status == REM_NOT_FOUND) {
    end_change(batch, change, 0, REM_INVALID);
    return REM_NOT_FOUND;
  }
  return end_change(batch, change, key.size + json.size, status);
}

rem_status rem_entity_batch_refresh(rem_batch *batch, const char *table, const uint8_t id[16], rem_error *err) {
  rem_change *change;
  char text[37];
  rem_uuid_format(id, text);
  REM_TRY(new_change(batch, 0, &change, err));
  change->kind = REM_CHANGE_UPDATE;
  rem_status status = resolve_table(batch, table, &change->table, err);
  if (status >= 0)
    status = copy_slice(batch, rem_slice_text(text), &change->key, err);
  change->patch = rem_slice_text("{}");
  if (status >= 0)
    status = rem_batch__prepare_update(batch, change, err);
  if (status == REM_NOT_FOUND) {
    end_change(batch, change, 0, REM_INVALID);
    return REM_OK;
  }
  return end_change(batch, change, 0, status);
}

/* ------------------------------------------------------------------------------------------- */
/* Commit                                                                                       */

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
  REM_TRY(finish_document(batch, change, err));
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
    batch_clear(batch);
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
  if (ret_result)
    *ret_result = result;
  return REM_OK;
}
