/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates: the row a patch is merged into, and the merging.
 *
 * That row is the stored one, or what an earlier change of the same batch makes of it.
 */
#include "entity/batch_internal.h"

#include "base/json.h"
#include "base/uuid.h"
#include "entity/read.h"

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
  REM_TRY(rem_batch__finish_document(batch, change, err));
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
  REM_TRY(rem_batch__new_change(batch, key.size + json.size, &change, err));
  change->kind = REM_CHANGE_UPDATE;
  rem_status status = rem_batch__resolve_table(batch, table, &change->table, err);
  if (status >= 0)
    status = rem_batch__refuse_schema_table(change->table, "changed", err);
  if (status >= 0)
    status = rem_batch__copy_slice(batch, key, &change->key, err);
  if (status >= 0)
    status = rem_batch__copy_slice(batch, json, &change->patch, err);
  if (status >= 0)
    status = rem_batch__prepare_update(batch, change, err);
  if (status == REM_NOT_FOUND) {
    rem_batch__end_change(batch, change, 0, REM_INVALID);
    return REM_NOT_FOUND;
  }
  return rem_batch__end_change(batch, change, key.size + json.size, status);
}

rem_status rem_entity_batch_refresh(rem_batch *batch, const char *table, const uint8_t id[16], rem_error *err) {
  rem_change *change;
  char text[37];
  rem_uuid_format(id, text);
  REM_TRY(rem_batch__new_change(batch, 0, &change, err));
  change->kind = REM_CHANGE_UPDATE;
  rem_status status = rem_batch__resolve_table(batch, table, &change->table, err);
  if (status >= 0)
    status = rem_batch__copy_slice(batch, rem_slice_text(text), &change->key, err);
  change->patch = rem_slice_text("{}");
  if (status >= 0)
    status = rem_batch__prepare_update(batch, change, err);
  if (status == REM_NOT_FOUND) {
    rem_batch__end_change(batch, change, 0, REM_INVALID);
    return REM_OK;
  }
  return rem_batch__end_change(batch, change, 0, status);
}
