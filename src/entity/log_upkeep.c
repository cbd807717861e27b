/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/log_upkeep.h"

#include "storage/log.h"

/* Commits between two looks. A look costs a read or two. */
#define INTERVAL 16

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
  }
}
