/* SPDX-License-Identifier: Apache-2.0 */
/* Making, finding, opening and closing databases. */
#include <math.h>

#include "api/api_internal.h"
#include "api/locate.h"
#include "base/file.h"
#include "entity/counters.h"
#include "entity/engine.h"
#include "entity/tenant.h"

void rem_create_options_init(rem_create_options *options) {
  *options = (rem_create_options){.struct_size = sizeof *options};
}

void rem_open_options_init(rem_open_options *options) {
  *options = (rem_open_options){.struct_size = sizeof *options, .lock_wait_ms = 2000};
}

static rem_status take_path(char *path, rem_bytes *ret_path) {
  *ret_path = (rem_bytes){path, strlen(path)};
  return REM_OK;
}

/* Opens the new database once for its first tenant: the built-in schemas, and their descriptions embedded. */
static rem_status fill(const rem_config *config, const char *path, bool *ret_pending, rem_error *err) {
  rem_engine *engine;
  rem_open_options options;
  rem_open_options_init(&options);
  options.mode = REM_WRITE;
  const char *tenant = rem_config_text(config, REM_CONFIG_DEFAULT_TENANT);
  REM_TRY(rem_tenant_check_name(tenant, err));
  REM_TRY(rem_engine_open(path, &options, config, &engine, err));
  rem_counters counters = {0};
  rem_status status = rem_tenant_ensure(engine, tenant, err);
  if (status >= 0)
    status = rem_counters_read(engine->kv, NULL, tenant, "schema", &counters, err);
  *ret_pending = counters.pending[0] > 0;
  rem_status closed = rem_engine_unref(engine, status >= 0 ? err : NULL);
  return status < 0 ? status : closed;
}

rem_status rem_create(const rem_config *config, const char *name, const rem_create_options *options,
                      rem_create_result *ret_result, rem_error *err) {
  REM_CHECK_ARG(config, err);
  REM_READ_OPTIONS(rem_create_options, chosen, options);
  REM_CHECK_ARG(name || chosen.path, err);
  rem_create_result result = {0};
  char *path REM_AUTO_FREE = NULL;
  if (name)
    REM_TRY(rem_locate_by_name(config, name, &path, err));
  if (chosen.path) {
    rem_free(path);
    path = rem_path_absolute(chosen.path);
    if (!path)
      return rem_error_nomem(err);
  }
  rem_status status = rem_engine_create(path, config, err);
  if (status == REM_EXISTS && chosen.if_not_exists)
    result.existed = true;
  else
    REM_TRY(status);
  REM_TRY(fill(config, path, &result.pending, err));
  if (!chosen.keep_current)
    REM_TRY(rem_locate_set_current(config, path, err));
  if (ret_result) {
    take_path(REM_TAKE(path), &result.path);
    *ret_result = result;
  }
  return REM_OK;
}

rem_status rem_resolve(const rem_config *config, const char *name, rem_bytes *ret_path, rem_error *err) {
  REM_CHECK_ARG(config && ret_path, err);
  char *path;
  REM_TRY(rem_locate(config, name, &path, err));
  return take_path(path, ret_path);
}

rem_status rem_use(const rem_config *config, const char *name, rem_error *err) {
  REM_CHECK_ARG(config && name, err);
  char *path;
  REM_TRY(rem_locate(config, name, &path, err));
  rem_status status = rem_locate_set_current(config, path, err);
  rem_free(path);
  return status;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status new_handle(rem_engine *engine, const char *tenant, rem_db **ret_db, rem_error *err) {
  REM_TRY(rem_tenant_check_name(tenant, err));
  rem_db *db = rem_calloc(1, sizeof *db);
  if (!db)
    return rem_error_nomem(err);
  db->engine = rem_engine_ref(engine);
  memcpy(db->tenant, tenant, strlen(tenant) + 1);
  *ret_db = db;
  return REM_OK;
}

static rem_status open_with(const char *path, const rem_open_options *options, const rem_config *config,
                            rem_db **ret_db, rem_error *err) {
  rem_engine *engine;
  const char *tenant = options->tenant ? options->tenant : rem_config_text(config, REM_CONFIG_DEFAULT_TENANT);
  REM_TRY(rem_tenant_check_name(tenant, err));
  REM_TRY(rem_engine_open(path, options, config, &engine, err));
  rem_status status = new_handle(engine, tenant, ret_db, err);
  rem_status released = rem_engine_unref(engine, status >= 0 ? err : NULL);
  return status < 0 ? status : released;
}

rem_status rem_open(const char *path, const rem_open_options *options, rem_db **ret_db, rem_error *err) {
  REM_CHECK_ARG(path && ret_db, err);
  REM_READ_OPTIONS(rem_open_options, chosen, options);
  if (chosen.config)
    return open_with(path, &chosen, chosen.config, ret_db, err);
  rem_config *config;
  REM_TRY(rem_config_load(&config, err));
  rem_status status = open_with(path, &chosen, config, ret_db, err);
  rem_config_free(config);
  return status;
}

rem_status rem_db_tenant(rem_db *db, const char *tenant, rem_db **ret_db, rem_error *err) {
  REM_CHECK_ARG(db && tenant && ret_db, err);
  return new_handle(db->engine, tenant, ret_db, err);
}

rem_status rem_close(rem_db *db, rem_error *err) {
  if (!db)
    return REM_OK;
  /* Others may hold on to the database: what this handle has written is not left to them. */
  bool synced = !db->engine->writer || db->engine->durability == REM_SYNC || rem_kv_failed(db->engine->kv, NULL) < 0;
  rem_status status = synced ? REM_OK : rem_kv_sync(db->engine->kv, err);
  rem_status closed = rem_engine_unref(db->engine, status >= 0 ? err : NULL);
  rem_free(db);
  return status < 0 ? status : closed;
}

rem_status rem_refresh(rem_db *db, rem_error *err) {
  REM_CHECK_ARG(db, err);
  if (db->engine->writer)
    return rem_kv_refresh(db->engine->kv, err);
  pthread_rwlock_wrlock(&db->engine->view_lock);
  rem_status status = rem_kv_refresh(db->engine->kv, err);
  rem_registry_clear(db->engine->registry);
  pthread_rwlock_unlock(&db->engine->view_lock);
  return status;
}

rem_status rem_flush(rem_db *db, rem_error *err) {
  REM_CHECK_ARG(db, err);
  return db->engine->writer ? rem_kv_sync(db->engine->kv, err) : REM_OK;
}

rem_status rem_checkpoint(rem_db *db, rem_error *err) {
  REM_CHECK_ARG(db, err);
  REM_TRY(rem_engine_check_usable(db->engine, err));
  rem_ann_settle(db->engine->ann);
  return rem_engine_check_usable(db->engine, err);
}

rem_status rem_notice(rem_db *db, rem_bytes *ret_text, rem_error *err) {
  REM_CHECK_ARG(db && ret_text, err);
  char text[512];
  if (rem_engine_notice(db->engine, text, sizeof text) != REM_OK &&
      rem_ann_notice(db->engine->ann, text, sizeof text) != REM_OK)
    return REM_NOT_FOUND;
  char *copy = rem_strdup(text);
  if (!copy)
    return rem_error_nomem(err);
  *ret_text = (rem_bytes){copy, strlen(copy)};
  return REM_OK;
}

void rem_interrupt(rem_db *db) {
  if (db)
    atomic_store(&db->engine->interrupted, true);
}

void rem_interrupt_clear(rem_db *db) {
  if (db)
    atomic_store(&db->engine->interrupted, false);
}
