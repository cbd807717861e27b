/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/tenant.h"

#include "base/arena.h"
#include "entity/batch.h"
#include "entity/maintenance.h"
#include "entity/schema_change.h"
#include "schema/builtin.h"
#include "storage/key.h"

static bool known(rem_engine *engine, const char *tenant) {
  pthread_mutex_lock(&engine->embedder_lock);
  bool is_known = rem_hash_map_get(&engine->tenants_known, rem_slice_text(tenant)) != NULL;
  pthread_mutex_unlock(&engine->embedder_lock);
  return is_known;
}

static rem_status remember(rem_engine *engine, const char *tenant, rem_error *err) {
  pthread_mutex_lock(&engine->embedder_lock);
  rem_status status = rem_hash_map_put(&engine->tenants_known, rem_slice_text(tenant), engine, NULL, err);
  pthread_mutex_unlock(&engine->embedder_lock);
  return status;
}

static rem_status stored(rem_engine *engine, const char *tenant, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_tenant(&key, tenant);
  REM_TRY(rem_buffer_status(&key, err));
  return rem_kv_exists(engine->kv, NULL, REM_CF_META, rem_buffer_slice(&key), err);
}

/* One commit for the definitions, and one for their rows in `schema`: embedding those pins the model of `schema`, which needs the
 * definitions. Cut short between the two, the next write does both again. */
static rem_status store_definitions(rem_engine *engine, rem_batch *batch, const char *tenant, rem_error *err) {
  for (size_t i = 0; i < rem_builtin_count(); i++) {
    rem_table *table;
    REM_TRY(rem_registry_table(engine->registry, tenant, rem_builtin_at(i)->table, &table, err));
    REM_TRY(rem_entity_batch_table(batch, table, NULL, err));
  }
  return rem_entity_batch_commit(batch, NULL, NULL, err);
}

static rem_status store_rows(rem_engine *engine, rem_batch *batch, const char *tenant, rem_error *err) {
  for (size_t i = 0; i < rem_builtin_count(); i++) {
    rem_table *table;
    json_t *document;
    REM_TRY(rem_registry_table(engine->registry, tenant, rem_builtin_at(i)->table, &table, err));
    rem_status status = rem_schema_document(table, &document, err);
    rem_table_unref(table);
    REM_TRY(status);
    REM_TRY(rem_entity_batch_put_json(batch, "schema", document, err));
  }
  batch->begins_tenant = true;
  return rem_entity_batch_commit(batch, NULL, NULL, err);
}

/* REM_ROW when it was done now. */
static rem_status begin(rem_engine *engine, const char *tenant, rem_error *err) {
  rem_status status = stored(engine, tenant, err);
  if (status != REM_NOT_FOUND)
    return status;
  rem_batch *batch;
  REM_TRY(rem_entity_batch_new(engine, tenant, &batch, err));
  batch->schema_change = true;
  status = store_definitions(engine, batch, tenant, err);
  if (status >= 0)
    status = store_rows(engine, batch, tenant, err);
  rem_entity_batch_free(batch);
  return status < 0 ? status : REM_ROW;
}

rem_status rem_tenant_ensure(rem_engine *engine, const char *tenant, rem_error *err) {
  if (known(engine, tenant))
    return REM_OK;
  pthread_rwlock_wrlock(&engine->schema_lock);
  rem_status status = begin(engine, tenant, err);
  pthread_rwlock_unlock(&engine->schema_lock);
  REM_TRY(status);
  REM_TRY(remember(engine, tenant, err));
  return status == REM_ROW ? rem_maintenance_embed_descriptions(engine, tenant, NULL, err) : REM_OK;
}

rem_status rem_tenant_list(rem_engine *engine, rem_arena *arena, const char ***ret_names, size_t *ret_count,
                           rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  const char prefix[] = "tenant:";
  rem_slice start = rem_slice_of(prefix, sizeof prefix - 1);
  REM_TRY(rem_kv_iterator_prefix(engine->kv, NULL, REM_CF_META, start, &iterator, err));
  const char **names = NULL;
  size_t count = 0, capacity = 0;
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator)) {
    rem_slice key = rem_kv_iterator_key(iterator);
    if (count == capacity) {
      capacity = capacity ? capacity * 2 : 16;
      const char **more = rem_arena_alloc(arena, capacity * sizeof *more);
      if (!more)
        return rem_error_nomem(err);
      if (count)
        memcpy(more, names, count * sizeof *more);
      names = more;
    }
    names[count] = rem_arena_strndup(arena, (const char *)key.data + start.size, key.size - start.size);
    if (!names[count++])
      return rem_error_nomem(err);
  }
  REM_TRY(rem_kv_iterator_status(iterator, err));
  *ret_names = names;
  *ret_count = count;
  return REM_OK;
}
