/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/log_upkeep.h"

#include "storage/key.h"
#include "storage/log.h"

/* Commits between two looks. A look costs a read or two. */
#define INTERVAL 16

typedef struct trim_run {
  const char *tenant;
  rem_buffer lower, upper; /* keys of family vector_log */
} trim_run;

static rem_status apply_trim(void *context, rem_commit_group *group, rem_error *err) {
  trim_run *run = context;
  (void)err;
  rem_commit_delete_range(group, REM_CF_VECTOR_LOG, rem_buffer_slice(&run->lower), rem_buffer_slice(&run->upper));
  return REM_OK;
}

/* The oldest entry of one slot is at the iterator: drops what lies behind the window. */
static rem_status trim_slot(rem_engine *engine, const char *tenant, const char *table, unsigned slot, uint64_t last,
                            rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  trim_run run = {.tenant = tenant};
  rem_key_vector_log_prefix(&run.lower, tenant, table, slot);
  rem_status status = rem_buffer_status(&run.lower, err);
  if (status >= 0)
    status = rem_kv_iterator_prefix(engine->kv, NULL, REM_CF_VECTOR_LOG, rem_buffer_slice(&run.lower), &iterator, err);
  if (status >= 0) {
    rem_kv_iterator_first(iterator);
    rem_key_parts parts;
    bool old = rem_kv_iterator_valid(iterator) && rem_key_parse(rem_kv_iterator_key(iterator), &parts) &&
               parts.rest.size == 8 && rem_load_u64be(parts.rest.data) + 2 * REM_VECTOR_LOG_WINDOW < last;
    if (old) {
      rem_key_vector_log(&run.upper, tenant, table, slot, last - REM_VECTOR_LOG_WINDOW);
      rem_commit_request request = {.apply = apply_trim, .context = &run};
      status = rem_commit_submit(engine->committer, &request, err);
    }
  }
  rem_buffer_deinit(&run.lower);
  rem_buffer_deinit(&run.upper);
  return status;
}

static rem_status trim_vector_logs(rem_engine *engine, const char *tenant, rem_error *err) {
  rem_table_list list REM_CLEANUP(rem_table_list_deinit) = {0};
  uint64_t last;
  REM_TRY(rem_log_last_seq(engine->kv, NULL, tenant, &last, err));
  if (last < 2 * REM_VECTOR_LOG_WINDOW)
    return REM_OK;
  REM_TRY(rem_registry_list(engine->registry, tenant, &list, err));
  for (size_t i = 0; i < list.count; i++)
    for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
      if (list.tables[i]->slots[slot].model)
        REM_TRY(trim_slot(engine, tenant, list.tables[i]->name, list.tables[i]->slots[slot].area, last, err));
  return REM_OK;
}

/* A failed trim is tried again later; a failed write has latched the store, and the next commit says so. */
void rem_log_upkeep(rem_engine *engine, const char *tenant) {
  if ((atomic_fetch_add_explicit(&engine->commit_count, 1, memory_order_relaxed) + 1) % INTERVAL != 0)
    return;
  (void)!rem_log_trim(engine->committer, tenant, engine->log_max_bytes, NULL, NULL);
}

void rem_log_upkeep_close(rem_engine *engine) {
  size_t cursor = 0;
  for (rem_hash_entry *entry; (entry = rem_hash_map_next(&engine->tenants_known, &cursor));) {
    char tenant[REM_TENANT_SIZE] = {0};
    if (entry->key.size >= sizeof tenant)
      continue;
    memcpy(tenant, entry->key.data, entry->key.size);
    (void)!rem_log_trim(engine->committer, tenant, engine->log_max_bytes, NULL, NULL);
    (void)!trim_vector_logs(engine, tenant, NULL);
  }
}
