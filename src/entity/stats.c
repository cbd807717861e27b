/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a database, and of one tenant in it. */
#include "base/file.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/uuid.h"
#include "entity/counters.h"
#include "entity/maintenance.h"
#include "entity/tenant.h"
#include "entity/vector_index.h"
#include "storage/log.h"

static json_t *text_or_null(const char *text) {
  return text ? json_string(text) : json_null();
}

/* The second slot, and moves under way, of tables that have them. */
static rem_status add_slots(const rem_table *table, const rem_counters *counters, json_t *json, rem_error *err) {
  static const char *const moving_keys[REM_SLOT_COUNT] = {"moving_to", "alt_moving_to"};
  const rem_slot *alt = &table->slots[1];
  json_t *second = alt->model ? json_pack("{s:s, s:I, s:I, s:I}", "model", alt->model, "dimension", (json_int_t)alt->dimension,
                                          "vectors", (json_int_t)counters->vectors[1], "pending", (json_int_t)counters->pending[1])
                              : NULL;
  if (alt->model && (!second || json_object_set_new(json, "alt", second)))
    return rem_error_nomem(err);
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    if (table->moving[slot].model && json_object_set_new(json, moving_keys[slot], json_string(table->moving[slot].model)))
      return rem_error_nomem(err);
  return REM_OK;
}

/* How the vectors of a slot are searched: {type: flat}, or what there is of a graph. */
static json_t *index_json(rem_engine *engine, const char *tenant, const rem_table *table, const rem_counters *counters,
                          unsigned slot) {
  rem_ann_target target;
  rem_ann_stats stats;
  int64_t live = counters->vectors[slot] - counters->deleted_vectors[slot];
  if (!rem_vector_index_target(tenant, table, slot, &target) || !rem_ann_pays(engine->ann, live))
    return json_pack("{s:s}", "type", "flat");
  rem_ann_stats_get(engine->ann, &target, &stats);
  json_t *json = json_pack("{s:s, s:s}", "type", "hnsw", "state", stats.state);
  if (!json || !stats.graph.built)
    return json;
  json_t *more = json_pack(
      "{s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "rows", (json_int_t)stats.graph.rows, "nodes",
      (json_int_t)stats.graph.nodes, "changes", (json_int_t)stats.recent, "ef_search", (json_int_t)stats.graph.search_ef,
      "recall", stats.graph.recall, "m", (json_int_t)stats.graph.m, "ef_construction", (json_int_t)stats.graph.build_ef,
      "code_bits", (json_int_t)stats.graph.code_bits, "seq", (json_int_t)stats.file_seq, "file_bytes",
      (json_int_t)stats.file_bytes, "memory_bytes", (json_int_t)stats.memory_bytes);
  if (!more || json_object_update_new(json, more)) {
    json_decref(json);
    return NULL;
  }
  return json;
}

static rem_status table_json(rem_engine *engine, const char *tenant, const rem_table *table, int64_t *pending,
                             json_t **ret_json, rem_error *err) {
  rem_counters counters;
  REM_TRY(rem_counters_read(engine->kv, NULL, tenant, table->name, &counters, err));
  *pending += counters.pending[0] + counters.pending[1];
  *ret_json = json_pack(
      "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "name", table->name, "rows", (json_int_t)counters.live,
      "deleted", (json_int_t)counters.deleted, "vectors", (json_int_t)counters.vectors[0], "pending",
      (json_int_t)counters.pending[0], "edges", (json_int_t)counters.edges, "index_entries",
      (json_int_t)counters.index_entries, "model", text_or_null(table->slots[0].model), "dimension",
      table->slots[0].model ? json_integer(table->slots[0].dimension) : json_null());
  if (!*ret_json)
    return rem_error_nomem(err);
  rem_status status = add_slots(table, &counters, *ret_json, err);
  if (status >= 0 && table->slots[0].model &&
      json_object_set_new(*ret_json, "vector_index", index_json(engine, tenant, table, &counters, 0)))
    status = rem_error_nomem(err);
  if (status >= 0 && table->slots[1].model &&
      json_object_set_new(json_object_get(*ret_json, "alt"), "vector_index", index_json(engine, tenant, table, &counters, 1)))
    status = rem_error_nomem(err);
  if (status < 0)
    json_decref(*ret_json);
  return status;
}

static rem_status tables_json(rem_engine *engine, const char *tenant, json_t *stats, rem_error *err) {
  rem_table_list list REM_CLEANUP(rem_table_list_deinit) = {0};
  json_t *array = json_array();
  int64_t pending = 0;
  if (!array || json_object_set_new(stats, "tables", array))
    return rem_error_nomem(err);
  REM_TRY(rem_registry_list(engine->registry, tenant, &list, err));
  for (size_t i = 0; i < list.count; i++) {
    json_t *item;
    REM_TRY(table_json(engine, tenant, list.tables[i], &pending, &item, err));
    json_array_append_new(array, item);
  }
  return json_object_set_new(stats, "pending", json_integer(pending)) ? rem_error_nomem(err) : REM_OK;
}

static rem_status vector_memory_json(rem_engine *engine, json_t *stats, rem_error *err) {
  uint64_t bytes, limit;
  rem_filter_cache_stats filters;
  rem_ann_memory_get(engine->ann, &bytes, &limit);
  rem_filter_cache_stats_get(engine->filters, &filters);
  json_t *json = json_pack("{s:I, s:I, s:I, s:I}", "graph_bytes", (json_int_t)bytes, "graph_limit_bytes", (json_int_t)limit, "filters",
                           (json_int_t)filters.entries, "filter_bytes", (json_int_t)filters.bytes);
  return !json || json_object_set_new(stats, "vector_memory", json) ? rem_error_nomem(err) : REM_OK;
}

static rem_status log_json(rem_engine *engine, const char *tenant, json_t *stats, rem_error *err) {
  uint64_t seq, floor, bytes;
  REM_TRY(rem_log_last_seq(engine->kv, NULL, tenant, &seq, err));
  REM_TRY(rem_log_floor(engine->kv, NULL, tenant, &floor, err));
  REM_TRY(rem_log_bytes(engine->kv, NULL, tenant, &bytes, err));
  json_t *log = json_pack("{s:I, s:I, s:I}", "last_seq", (json_int_t)seq, "floor", (json_int_t)floor, "bytes",
                          (json_int_t)bytes);
  return !log || json_object_set_new(stats, "log", log) ? rem_error_nomem(err) : REM_OK;
}

static rem_status families_json(rem_engine *engine, json_t *stats, rem_error *err) {
  json_t *families = json_object();
  if (!families || json_object_set_new(stats, "families", families))
    return rem_error_nomem(err);
  for (unsigned i = 0; i < REM_CF_COUNT; i++) {
    rem_kv_family_stats family;
    REM_TRY(rem_kv_stats(engine->kv, (rem_kv_family)i, &family, err));
    json_t *item = json_pack("{s:I, s:I, s:I}", "estimated_keys", (json_int_t)family.estimated_keys, "table_bytes",
                             (json_int_t)family.table_bytes, "memory_bytes", (json_int_t)family.memory_bytes);
    if (!item || json_object_set_new(families, rem_kv_family_name((rem_kv_family)i), item))
      return rem_error_nomem(err);
  }
  return REM_OK;
}

static rem_status tenants_json(rem_engine *engine, json_t *stats, rem_error *err) {
  rem_arena arena REM_CLEANUP(rem_arena_deinit) = {0};
  const char **names;
  size_t count;
  REM_TRY(rem_tenant_list(engine, &arena, &names, &count, err));
  return json_object_set_new(stats, "tenants", json_integer((json_int_t)count)) ? rem_error_nomem(err) : REM_OK;
}

rem_status rem_maintenance_stats(rem_engine *engine, const char *tenant, rem_bytes *ret_json, rem_error *err) {
  char uuid[37], created[REM_INSTANT_TEXT_SIZE];
  rem_uuid_format(engine->identity.uuid, uuid);
  rem_instant_format(engine->identity.created_at, created);
  const char *path = rem_kv_path(engine->kv);
  json_t *stats REM_AUTO_JSON = json_pack(
      "{s:s, s:s, s:s, s:i, s:I, s:I, s:s}", "path", path, "id", uuid, "created_at", created, "format",
      REM_FORMAT_VERSION, "epoch", (json_int_t)engine->identity.epoch, "disk_bytes",
      (json_int_t)rem_file_tree_bytes(path), "tenant", tenant);
  if (!stats)
    return rem_error_nomem(err);
  /* The number of tenants says nothing of any of them (D6). */
  REM_TRY(tenants_json(engine, stats, err));
  REM_TRY(tables_json(engine, tenant, stats, err));
  REM_TRY(vector_memory_json(engine, stats, err));
  REM_TRY(log_json(engine, tenant, stats, err));
  REM_TRY(families_json(engine, stats, err));
  return rem_json_text(stats, ret_json, err);
}
