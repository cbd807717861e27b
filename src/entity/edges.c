/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/edges.h"

#include "base/json.h"
#include "base/uuid.h"
#include "entity/read.h"
#include "index/entries.h"
#include "storage/key.h"

typedef struct edges_run {
  rem_engine *engine;
  const char *tenant;
  rem_row row;
  rem_kv_snapshot *snapshot;
  rem_transaction *transaction; /* borrowed; NULL: none */
  json_t *array; /* owned */
  rem_buffer key, parts;
  uint8_t found[16];
} edges_run;

static json_t *text_of(rem_slice text) {
  return text.size ? json_stringn((const char *)text.data, text.size) : json_null();
}

static json_t *id_text(const uint8_t id[16]) {
  char text[37];
  rem_uuid_format(id, text);
  return json_string(text);
}

/* Is the entry of the key index one of a live row, in `table` only when that is not empty? */
static bool names_live(rem_slice entry, rem_slice table, rem_slice *ret_table) {
  uint8_t labels;
  bool deleted;
  return rem_index_key_value(entry, &labels, &deleted, ret_table) && !deleted && (!table.size || rem_slice_equal(table, *ret_table));
}

/* The same among what the transaction has written; entries come by id, so the first of both is the lesser. */
static rem_status find_written(edges_run *run, rem_slice prefix, rem_slice table, const uint8_t **best, json_t **ret_table, rem_error *err) {
  rem_buffer end REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_pending_walk walk;
  rem_slice found;
  rem_key_prefix_end(&end, prefix);
  REM_TRY(rem_buffer_status(&end, err));
  REM_TRY(rem_transaction_walk(run->transaction, REM_CF_KEY_INDEX, prefix, rem_buffer_slice(&end), &walk, err));
  while (rem_pending_walk_next(&walk)) {
    if (!names_live(walk.value, table, &found))
      continue;
    if (*best && memcmp(*best, walk.row->id, 16) < 0)
      return REM_OK;
    json_decref(*ret_table);
    *ret_table = text_of(found);
    *best = walk.row->id;
    return REM_OK;
  }
  return REM_OK;
}

/* The first row that a key or id names, in `table` only when that is not empty: what an edge points to now. */
static rem_status find_target(edges_run *run, rem_slice value, rem_slice table, json_t **ret_table, json_t **ret_id,
                              rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0};
  json_t *owner REM_AUTO_JSON = NULL;
  *ret_table = *ret_id = NULL;
  REM_TRY(rem_key_key(&prefix, run->tenant, value, NULL, err));
  REM_TRY(rem_kv_iterator_prefix(run->engine->kv, run->snapshot, REM_CF_KEY_INDEX, rem_buffer_slice(&prefix), &iterator,
                                 err));
  const uint8_t *best = NULL;
  rem_slice best_table = {0};
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator) && !best; rem_kv_iterator_next(iterator)) {
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(iterator));
    if (!id || !names_live(rem_kv_iterator_value(iterator), table, &best_table) || (run->transaction && rem_transaction_wrote_id(run->transaction, id)))
      continue;
    owner = text_of(best_table);
    best = memcpy(run->found, id, 16);
  }
  REM_TRY(rem_kv_iterator_status(iterator, err));
  REM_TRY(find_written(run, rem_buffer_slice(&prefix), table, &best, &owner, err));
  *ret_id = best ? id_text(best) : NULL;
  *ret_table = REM_TAKE(owner);
  return REM_OK;
}

/* The key of a row that is there, as text; null when it has none. */
static rem_status key_of_row(edges_run *run, const char *table_name, const uint8_t id[16], json_t **ret_key, rem_error *err) {
  rem_table *table;
  rem_row row;
  rem_buffer key REM_AUTO_BUFFER = {0};
  REM_TRY(rem_registry_table(run->engine->registry, run->tenant, table_name, &table, err));
  rem_row__init(&row, run->engine);
  rem_status status = rem_transaction_read(run->transaction, run->engine, run->snapshot, run->tenant, table, id, &row, err);
  if (status == REM_OK)
    status = rem_record_key(&row.record, table, &key, err);
  rem_row__deinit(&row);
  rem_table_unref(table);
  REM_TRY(status);
  *ret_key = text_of(rem_buffer_slice(&key));
  return REM_OK;
}

/* The row at the far end: the one that `value` (an id or a key) names, in `table` only when that is not empty. */
static rem_status describe_end(edges_run *run, json_t *edge, rem_slice value, rem_slice table, bool by_id, rem_error *err) {
  json_t *found, *id, *key = NULL;
  REM_TRY(find_target(run, value, table, &found, &id, err));
  bool dangling = found == NULL;
  uint8_t bytes[16];
  if (json_object_get(edge, "target"))
    json_decref(id);
  else
    json_object_set_new(edge, "target", id ? id : by_id ? text_of(value) : json_null());
  json_object_set_new(edge, "table", found ? found : text_of(table));
  if (by_id && !dangling && rem_uuid_parse((const char *)value.data, value.size, bytes))
    REM_TRY(key_of_row(run, json_string_value(found), bytes, &key, err));
  json_object_set_new(edge, "key", key ? key : by_id ? json_null() : text_of(value));
  json_object_set_new(edge, "dangling", json_boolean(dangling));
  return REM_OK;
}

static rem_status add_edge(edges_run *run, const uint8_t source[16], rem_slice type, const rem_key_target *target,
                           rem_slice data, bool out, rem_error *err) {
  json_t *properties REM_AUTO_JSON = NULL;
  if (data.size)
    REM_TRY(rem_json_parse((const char *)data.data, data.size, &properties, err));
  json_t *weight = json_object_get(properties, "weight"), *more = json_object_get(properties, "properties");
  json_t *edge = json_pack("{s:o, s:s, s:o, s:O?, s:O?}", "source", id_text(source), "direction", out ? "out" : "in",
                           "type", text_of(type), "weight", weight, "properties", more);
  if (!edge || json_array_append_new(run->array, edge))
    return rem_error_nomem(err);
  if (!out)
    json_object_set_new(edge, "target", id_text(run->row.id));
  bool by_id = !out || target->kind == REM_TARGET_ID;
  char text[37];
  rem_uuid_format(out ? target->id : source, text);
  rem_slice wanted = out && target->kind == REM_TARGET_TABLE_KEY ? target->table : (rem_slice){0};
  return describe_end(run, edge, by_id ? rem_slice_text(text) : target->key, wanted, by_id, err);
}

/* An entry of the edge index; of the store unless `written`. */
static rem_status visit_edge(edges_run *run, bool out, rem_slice key, rem_slice data, bool written, rem_error *err) {
  uint8_t source[16];
  rem_slice type;
  rem_key_target target;
  rem_buffer_reset(&run->parts);
  bool good = out ? rem_key_parse_edge(key, &run->parts, source, &type, &target)
                  : rem_key_parse_edge_reverse(key, &run->parts, source, &type, &target);
  REM_TRY(rem_buffer_status(&run->parts, err));
  if (!good) {
    rem_error_set(err, REM_CORRUPT, "an entry of the edge index is damaged");
    rem_error_hint(err, "run 'db check', then 'db reindex'");
    return REM_CORRUPT;
  }
  /* The edges of a row are written with it. */
  if (!written && run->transaction && rem_transaction_wrote_id(run->transaction, source))
    return REM_OK;
  return add_edge(run, source, type, &target, data, out, err);
}

/* Those of the transaction whose keys are before `key`; NULL: all that are left. `more`: the walk stands on one. */
static rem_status visit_written(edges_run *run, bool out, rem_pending_walk *walk, bool *more, const rem_slice *key, rem_error *err) {
  for (; *more && (!key || rem_slice_compare(walk->key, *key) < 0); *more = rem_pending_walk_next(walk))
    REM_TRY(visit_edge(run, out, walk->key, walk->value, true, err));
  return REM_OK;
}

/* Every edge whose key starts with run->key, in the order of the keys. */
static rem_status scan(edges_run *run, bool out, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer end REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_kv_family family = out ? REM_CF_EDGES : REM_CF_EDGES_REVERSE;
  rem_slice prefix = rem_buffer_slice(&run->key);
  rem_pending_walk walk;
  rem_key_prefix_end(&end, prefix);
  REM_TRY(rem_buffer_status(&run->key, err));
  REM_TRY(rem_buffer_status(&end, err));
  REM_TRY(rem_kv_iterator_prefix(run->engine->kv, run->snapshot, family, prefix, &iterator, err));
  REM_TRY(rem_transaction_walk(run->transaction, family, prefix, rem_buffer_slice(&end), &walk, err));
  bool more = rem_pending_walk_next(&walk);
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator)) {
    rem_slice key = rem_kv_iterator_key(iterator);
    REM_TRY(visit_written(run, out, &walk, &more, &key, err));
    REM_TRY(visit_edge(run, out, key, rem_kv_iterator_value(iterator), false, err));
  }
  REM_TRY(rem_kv_iterator_status(iterator, err));
  return visit_written(run, out, &walk, &more, NULL, err);
}

static rem_status scan_out(edges_run *run, rem_error *err) {
  rem_buffer_reset(&run->key);
  rem_key_edge_prefix(&run->key, run->tenant);
  rem_buffer_append(&run->key, run->row.id, 16);
  return scan(run, true, err);
}

static rem_status scan_in_by(edges_run *run, const rem_key_target *target, rem_error *err) {
  rem_buffer_reset(&run->key);
  rem_key_edge_prefix(&run->key, run->tenant);
  rem_key_append_target(&run->key, target);
  return scan(run, false, err);
}

/* Edges point to a row by its id, by a key in its table, or by a key in any table. */
static rem_status scan_in(edges_run *run, rem_error *err) {
  rem_key_target target = {.kind = REM_TARGET_ID};
  memcpy(target.id, run->row.id, 16);
  REM_TRY(scan_in_by(run, &target, err));
  rem_buffer texts REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_record_label labels[REM_RECORD_LABEL_MAX];
  size_t count;
  REM_TRY(rem_record_labels(&run->row.record, run->row.table, run->row.id, &texts, labels, &count, err));
  for (size_t i = 0; i < count; i++) {
    if (labels[i].labels == REM_LABEL_ID)
      continue;
    target = (rem_key_target){.kind = REM_TARGET_TABLE_KEY, .key = labels[i].value};
    target.table = rem_slice_text(run->row.table->name);
    REM_TRY(scan_in_by(run, &target, err));
    target.kind = REM_TARGET_KEY;
    REM_TRY(scan_in_by(run, &target, err));
  }
  return REM_OK;
}

static rem_status scan_both(edges_run *run, rem_direction direction, rem_error *err) {
  if (rem_record_is_deleted(&run->row.record))
    return REM_NOT_FOUND;
  if (direction & REM_OUT)
    REM_TRY(scan_out(run, err));
  return direction & REM_IN ? scan_in(run, err) : REM_OK;
}

static rem_status collect(edges_run *run, const char *name, rem_slice key, rem_direction direction, rem_error *err) {
  rem_table *table;
  uint8_t id[16];
  REM_TRY(rem_registry_table(run->engine->registry, run->tenant, name, &table, err));
  rem_status status = rem_read_resolve(run->engine, run->tenant, table, key, id, &run->row, err);
  rem_table_unref(table);
  return status == REM_OK ? scan_both(run, direction, err) : status;
}

rem_status rem_entity_edges_of(rem_engine *engine, const char *tenant, rem_kv_snapshot *snapshot, rem_transaction *transaction, rem_table *table,
                               const uint8_t id[16], rem_direction direction, json_t **ret_array, rem_error *err) {
  edges_run run = {.engine = engine, .tenant = tenant, .snapshot = snapshot, .transaction = transaction, .array = json_array()};
  rem_row__init(&run.row, engine);
  rem_status status = rem_transaction_read(transaction, engine, snapshot, tenant, table, id, &run.row, err);
  if (status == REM_OK)
    status = scan_both(&run, direction, err);
  if (status == REM_OK)
    *ret_array = json_incref(run.array);
  rem_row__deinit(&run.row);
  rem_buffer_deinit(&run.key);
  rem_buffer_deinit(&run.parts);
  json_decref(run.array);
  return status;
}

rem_status rem_entity_edges(rem_engine *engine, const char *tenant, const char *table, rem_slice key,
                            rem_direction direction, rem_bytes *ret_json, rem_error *err) {
  edges_run run = {.engine = engine, .tenant = tenant, .array = json_array()};
  rem_row__init(&run.row, engine);
  rem_status status = rem_kv_snapshot_acquire(engine->kv, &run.snapshot, err);
  if (status >= 0)
    status = collect(&run, table, key, direction, err);
  if (status == REM_OK)
    status = rem_json_text(run.array, ret_json, err);
  rem_row__deinit(&run.row);
  rem_kv_snapshot_release(run.snapshot);
  rem_buffer_deinit(&run.key);
  rem_buffer_deinit(&run.parts);
  json_decref(run.array);
  return status;
}
