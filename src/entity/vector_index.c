/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/vector_index.h"

rem_status rem_vector_index_open(rem_engine *engine, rem_ann **ret_ann, rem_error *err) {
  const rem_config *config = engine->config;
  bool fixed = rem_config_origin_of(config, REM_CONFIG_HNSW_EF_SEARCH) != REM_CONFIG_FROM_DEFAULT;
  rem_ann_options options = {
      .kv = engine->kv,
      .committer = engine->committer,
      .pool = engine->pool,
      .identity = &engine->identity,
      .cancel = &engine->interrupted,
      .flat = strcmp(rem_config_text(config, REM_CONFIG_VECTOR_INDEX_TYPE), "flat") == 0,
      .min_rows = (size_t)rem_config_int(config, REM_CONFIG_VECTOR_INDEX_MIN_ROWS),
      .m = (unsigned)rem_config_int(config, REM_CONFIG_HNSW_M),
      .build_ef = (unsigned)rem_config_int(config, REM_CONFIG_HNSW_EF_CONSTRUCTION),
      .search_ef = fixed ? (unsigned)rem_config_int(config, REM_CONFIG_HNSW_EF_SEARCH) : 0,
      .memory_bytes = (uint64_t)rem_config_int(config, REM_CONFIG_VECTOR_INDEX_MEMORY_MB) << 20,
      .recall_target = rem_config_real(config, REM_CONFIG_VECTOR_RECALL_TARGET),
  };
  return rem_ann_new(&options, ret_ann, err);
}

bool rem_vector_index_target(const char *tenant, const rem_table *table, unsigned slot, rem_ann_target *ret_target) {
  const rem_slot *pinned = &table->slots[slot];
  if (!pinned->model || pinned->dimension < REM_GRAPH_MIN_DIMENSION)
    return false;
  *ret_target = (rem_ann_target){.tenant = tenant,
                                 .table = table->name,
                                 .area = pinned->area,
                                 .dimension = pinned->dimension,
                                 .model_hash = pinned->sha256 && pinned->sha256[0] ? pinned->sha256 : pinned->model};
  return true;
}

void rem_vector_index_committed(rem_engine *engine, const char *tenant, const rem_table *table, unsigned slot,
                                const rem_ann_change *changes, size_t count, int64_t live_rows) {
  rem_ann_target target;
  if (rem_vector_index_target(tenant, table, slot, &target))
    rem_ann_committed(engine->ann, &target, changes, count, live_rows);
}

rem_status rem_vector_index_drop(rem_engine *engine, const char *tenant, const rem_table *table, rem_error *err) {
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    REM_TRY(rem_ann_drop(engine->ann, tenant, table->name, table->slots[slot].area, err));
  return REM_OK;
}

rem_status rem_vector_index_rebuild(rem_engine *engine, const char *tenant, const rem_table *table, rem_error *err) {
  rem_ann_target target;
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    if (rem_vector_index_target(tenant, table, slot, &target))
      REM_TRY(rem_ann_checkpoint(engine->ann, &target, true, err));
  return REM_OK;
}

void rem_vector_index_want(rem_engine *engine, const char *tenant, const rem_table *table) {
  rem_ann_target target;
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    if (rem_vector_index_target(tenant, table, slot, &target))
      rem_ann_want(engine->ann, &target);
}
