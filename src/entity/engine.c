/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/engine.h"

#include <stdio.h>

#include "base/file.h"
#include "entity/log_upkeep.h"
#include "entity/vector_index.h"

#define MIB ((size_t)1 << 20)

static void kv_options(const rem_config *config, rem_kv_mode mode, rem_kv_options *ret_options) {
  rem_kv_options_init(ret_options);
  size_t budget = (size_t)rem_config_int(config, REM_CONFIG_MEMORY_BUDGET_MB) * MIB;
  size_t buffers = (size_t)rem_config_int(config, REM_CONFIG_ROCKSDB_WRITE_BUFFER_SIZE) * MIB;
  if (buffers > budget / 2)
    buffers = budget / 2;
  ret_options->mode = mode;
  ret_options->write_buffer_bytes = buffers;
  /* A reader has no write buffers to speak of. */
  ret_options->cache_bytes = mode == REM_KV_READ ? budget : budget - buffers;
  ret_options->max_open_files = (int)rem_config_int(config, REM_CONFIG_ROCKSDB_MAX_OPEN_FILES);
}

/* Ends what has been made so far, the reverse way. The first failure is the one reported. */
static rem_status engine_destroy(rem_engine *engine, rem_error *err) {
  size_t cursor = 0;
  for (rem_hash_entry *entry; (entry = rem_hash_map_next(&engine->embedders, &cursor));)
    rem_embedder_close(entry->value);
  rem_hash_map_deinit(&engine->embedders);
  rem_hash_map_deinit(&engine->tenants_known);
  rem_ann_close(engine->ann, true);
  rem_filter_cache_free(engine->filters);
  rem_committer_free(engine->committer);
  rem_thread_pool_free(engine->pool);
  rem_registry_free(engine->registry);
  rem_status status = rem_kv_close(engine->kv, err);
  rem_lock_release(engine->lock);
  rem_config_free(engine->config);
  pthread_rwlock_destroy(&engine->schema_lock);
  pthread_rwlock_destroy(&engine->view_lock);
  pthread_mutex_destroy(&engine->embedder_lock);
  rem_free(engine);
  return status;
}

static rem_status open_parts(rem_engine *engine, const char *path, const rem_open_options *options, rem_error *err) {
  rem_kv_options kv;
  kv_options(engine->config, engine->writer ? REM_KV_WRITE : REM_KV_READ, &kv);
  /* The lock would make its file in a folder that holds no database. */
  if (engine->writer && rem_file_is_folder(path))
    REM_TRY(rem_lock_acquire(path, options->lock_wait_ms, &engine->lock, err));
  REM_TRY(rem_kv_open(path, &kv, &engine->kv, err));
  REM_TRY(rem_identity_load(engine->kv, &engine->identity, err));
  REM_TRY(rem_registry_new(engine->kv, &engine->registry, err));
  size_t threads = (size_t)rem_config_int(engine->config, REM_CONFIG_WORKER_THREADS);
  REM_TRY(rem_thread_pool_new(threads, &engine->pool, err));
  if (engine->writer)
    REM_TRY(rem_committer_new(engine->kv, 0, &engine->committer, err));
  REM_TRY(rem_filter_cache_new(&engine->filters, err));
  return rem_vector_index_open(engine, &engine->ann, err);
}

/* Who wants a lock alone is not kept waiting by ever new ones who share it. Nobody takes such a lock twice. */
static void init_lock(pthread_rwlock_t *lock) {
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(lock, &attributes);
  pthread_rwlockattr_destroy(&attributes);
}

static rem_status engine_new(const rem_config *config, rem_engine **ret_engine, rem_error *err) {
  rem_engine *engine = rem_calloc(1, sizeof *engine);
  if (!engine)
    return rem_error_nomem(err);
  atomic_init(&engine->references, 1);
  init_lock(&engine->schema_lock);
  init_lock(&engine->view_lock);
  pthread_mutex_init(&engine->embedder_lock, NULL);
  rem_status status = rem_config_copy(config, &engine->config, err);
  if (status < 0) {
    engine_destroy(engine, NULL);
    return status;
  }
  engine->log_enabled = rem_config_bool(config, REM_CONFIG_ENABLE_WAL);
  engine->log_max_bytes = (uint64_t)rem_config_int(config, REM_CONFIG_WAL_DISK_SIZE) * MIB;
  *ret_engine = engine;
  return REM_OK;
}

rem_status rem_engine_open(const char *path, const rem_open_options *options, const rem_config *config,
                           rem_engine **ret_engine, rem_error *err) {
  rem_engine *engine = NULL;
  REM_TRY(engine_new(config, &engine, err));
  engine->writer = options->mode == REM_WRITE;
  engine->durability = options->durability;
  rem_status status = open_parts(engine, path, options, err);
  if (status < 0) {
    engine_destroy(engine, NULL);
    return status;
  }
  *ret_engine = engine;
  return REM_OK;
}

static rem_status put_identity(rem_kv *kv, rem_error *err) {
  rem_kv_batch *batch REM_CLEANUP(rem_kv_batch_cleanup) = NULL;
  rem_identity identity;
  REM_TRY(rem_kv_batch_new(kv, &batch, err));
  REM_TRY(rem_identity_create(batch, &identity, err));
  return rem_kv_write(kv, batch, true, err);
}

rem_status rem_engine_create(const char *path, const rem_config *config, rem_error *err) {
  rem_kv_options options;
  kv_options(config, REM_KV_CREATE, &options);
  REM_TRY(rem_file_make_folders(path, 0700, err));
  rem_lock *lock;
  REM_TRY(rem_lock_acquire(path, 0, &lock, err));
  rem_kv *kv = NULL;
  rem_status status = rem_kv_open(path, &options, &kv, err);
  if (status >= 0)
    status = put_identity(kv, err);
  rem_status closed = rem_kv_close(kv, status >= 0 ? err : NULL);
  rem_lock_release(lock);
  return status < 0 ? status : closed;
}

rem_engine *rem_engine_ref(rem_engine *engine) {
  atomic_fetch_add_explicit(&engine->references, 1, memory_order_relaxed);
  return engine;
}

/* A clean close makes everything durable, also what was written with REM_OS. */
rem_status rem_engine_unref(rem_engine *engine, rem_error *err) {
  if (!engine || atomic_fetch_sub(&engine->references, 1) > 1)
    return REM_OK;
  rem_status status = REM_OK;
  if (engine->writer && rem_kv_failed(engine->kv, NULL) >= 0) {
    rem_ann_close(REM_TAKE(engine->ann), atomic_load_explicit(&engine->interrupted, memory_order_relaxed));
    rem_log_upkeep_close(engine);
    status = rem_kv_sync(engine->kv, err);
  }
  rem_status closed = engine_destroy(engine, status >= 0 ? err : NULL);
  return status < 0 ? status : closed;
}

rem_status rem_engine_check_usable(rem_engine *engine, rem_error *err) {
  if (atomic_load_explicit(&engine->interrupted, memory_order_relaxed))
    return rem_error_set(err, REM_CANCELLED, "interrupted");
  return REM_OK;
}

rem_status rem_engine_check_writable(rem_engine *engine, rem_error *err) {
  if (engine->writer)
    return REM_OK;
  rem_error_set(err, REM_READONLY, "the database was opened for reading");
  rem_error_hint(err, "open it with REM_WRITE to change it");
  return REM_READONLY;
}

/* ------------------------------------------------------------------------------------------- */
/* Embedders                                                                                    */

static rem_status open_embedder(rem_engine *engine, const char *model, rem_embedder **ret_embedder, rem_error *err) {
  rem_slice name = rem_slice_text(model);
  rem_embedder *embedder = rem_hash_map_get(&engine->embedders, name);
  if (!embedder) {
    REM_TRY(rem_embedder_open(engine->config, engine->pool, model, &embedder, err));
    rem_status status = rem_hash_map_put(&engine->embedders, name, embedder, NULL, err);
    if (status < 0) {
      rem_embedder_close(embedder);
      return status;
    }
  }
  *ret_embedder = embedder;
  return REM_OK;
}

rem_status rem_engine_embedder(rem_engine *engine, const char *model, rem_embedder **ret_embedder, rem_error *err) {
  if (!model || strcmp(model, "default") == 0)
    model = rem_config_text(engine->config, REM_CONFIG_DEFAULT_EMBEDDING);
  pthread_mutex_lock(&engine->embedder_lock);
  rem_status status = open_embedder(engine, model, ret_embedder, err);
  pthread_mutex_unlock(&engine->embedder_lock);
  return status;
}

void rem_engine_note_trouble(rem_engine *engine, const rem_error *reason) {
  pthread_mutex_lock(&engine->embedder_lock);
  engine->trouble = *reason;
  pthread_mutex_unlock(&engine->embedder_lock);
}

rem_status rem_engine_notice(rem_engine *engine, char *ret_text, size_t capacity) {
  pthread_mutex_lock(&engine->embedder_lock);
  bool some = engine->notice[0] != 0;
  snprintf(ret_text, capacity, "%s", engine->notice);
  engine->notice[0] = 0;
  pthread_mutex_unlock(&engine->embedder_lock);
  return some ? REM_OK : REM_NOT_FOUND;
}

/* A table that took the default keeps its model when the environment names another (D17): whoever set it should know. */
static void notice_default(rem_engine *engine, const rem_table *table, const char *pinned) {
  const char *provider = table->embedding_provider, *wanted = rem_config_text(engine->config, REM_CONFIG_DEFAULT_EMBEDDING);
  bool takes_default = !provider || strcmp(provider, "default") == 0;
  if (!takes_default || rem_config_origin_of(engine->config, REM_CONFIG_DEFAULT_EMBEDDING) == REM_CONFIG_FROM_DEFAULT ||
      rem_provider_same_model(pinned, wanted))
    return;
  pthread_mutex_lock(&engine->embedder_lock);
  if (!engine->model_told)
    snprintf(engine->notice, sizeof engine->notice,
             "'%.64s' keeps its model '%.96s', though P8_DEFAULT_EMBEDDING is '%.96s' (db embed --all --model changes it)",
             table->name, pinned, wanted);
  engine->model_told = true;
  pthread_mutex_unlock(&engine->embedder_lock);
}

/* The model for a slot that has none yet. */
static rem_status chosen_model(const rem_engine *engine, const rem_table *table, size_t slot, const char **ret_model,
                               rem_error *err) {
  *ret_model = slot == 0 ? table->embedding_provider : rem_config_text(engine->config, REM_CONFIG_ALT_EMBEDDING);
  if (slot == 0 || *ret_model)
    return REM_OK;
  rem_error_set(err, REM_MODEL, "'%s' has no second embedding", table->name);
  rem_error_hint(err, "set P8_ALT_EMBEDDING to a model, then run 'db embed --all --slot alt --model NAME'");
  return REM_MODEL;
}

bool rem_engine_slot_is_remote(const rem_engine *engine, const rem_table *table, size_t slot) {
  const char *model = table->slots[slot].model;
  if (!model && chosen_model(engine, table, slot, &model, NULL) < 0)
    return false;
  if (!model || strcmp(model, "default") == 0)
    model = rem_config_text(engine->config, REM_CONFIG_DEFAULT_EMBEDDING);
  return rem_provider_type_of(model)->service != NULL;
}

rem_status rem_engine_table_embedder(rem_engine *engine, const rem_table *table, size_t slot,
                                     rem_embedder **ret_embedder, rem_error *err) {
  const rem_slot *pinned = &table->slots[slot];
  rem_embedder *embedder;
  const char *model = pinned->model;
  if (!model)
    REM_TRY(chosen_model(engine, table, slot, &model, err));
  REM_TRY(rem_engine_embedder(engine, model, &embedder, err));
  REM_TRY(rem_embedder_ready(embedder, pinned->model ? pinned->dimension : 0, &engine->interrupted, err));
  const rem_model_info *info = rem_embedder_info(embedder);
  if (pinned->model && pinned->sha256 && strcmp(pinned->sha256, info->identity) != 0) {
    rem_error_set(err, REM_MODEL, "the model '%s' installed now is not the one that made the vectors of '%s'",
                  pinned->model, table->name);
    rem_error_hint(err, "install it as it was, weights and prefixes (identity %s), or move to what is there now: db embed --all --model %s", pinned->sha256,
                   pinned->model);
    return REM_MODEL;
  }
  if (pinned->model && slot == 0)
    notice_default(engine, table, pinned->model);
  *ret_embedder = embedder;
  return REM_OK;
}
