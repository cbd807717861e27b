/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engine: one open database, shared by all handles on it.
 *
 * It owns, in the order they are made and the reverse of which they are ended: the writer's lock, the kv, the registry, the committer, the
 * thread pool, the vector indexes, the embedders. A handle (rem_db) is an engine reference and a tenant's name.
 *
 * Locks, in the order they may be taken: schema_lock (shared by commits, exclusive for schema changes), the committer's queue, view_lock, embedder_lock.
 */
#ifndef REM_ENTITY_ENGINE_H
#define REM_ENTITY_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "ann/ann.h"
#include "base/hash_map.h"
#include "base/thread_pool.h"
#include "config/config.h"
#include "embed/embedder.h"
#include "entity/filter_cache.h"
#include "schema/registry.h"
#include "storage/commit.h"
#include "storage/identity.h"
#include "storage/lock.h"

#define REM_TENANT_SIZE 65 /* D27: at most 64 bytes, and NUL */

typedef struct rem_engine {
  _Atomic int references;
  rem_config *config; /* owned copy */
  rem_durability durability;
  bool writer;
  bool log_enabled;       /* P8_ENABLE_WAL */
  uint64_t log_max_bytes; /* of each tenant's log on disk */
  rem_identity identity;
  rem_lock *lock;           /* writers */
  rem_kv *kv;
  rem_registry *registry;
  rem_committer *committer; /* writers */
  rem_thread_pool *pool;
  rem_ann *ann;             /* the graphs of the vectors */
  rem_filter_cache *filters; /* ids that filters of searches let through */
  pthread_rwlock_t schema_lock; /* writers: shared by commits of rows, exclusive while definitions change and indexes are built */
  pthread_rwlock_t view_lock; /* a definition and a snapshot taken under it (shared) belong together: it is held alone while a definition is
                               * installed, before what its old indexes held is cleared, and while a reader's view is refreshed */
  pthread_mutex_t embedder_lock; /* guards embedders, trouble, notice and tenants_known */
  rem_hash_map embedders;     /* model name -> rem_embedder * */
  rem_error trouble;          /* why an embedding could not be had the last time that happened; code 0: it never did */
  char notice[512];           /* for rem_notice(); empty: none */
  bool model_told;            /* the notice below was given */
  rem_hash_map tenants_known; /* tenants that are known to have their built-in tables -> (void *)1 */
  _Atomic uint64_t commit_count; /* batches committed, for upkeep */
  _Atomic bool interrupted;
} rem_engine;

/* A handle: rem.h's rem_db. */
struct rem_db {
  rem_engine *engine;
  char tenant[REM_TENANT_SIZE];
};

/* Opens `path`; `options` as in rem.h, `config` never NULL. Owned: rem_engine_unref() or rem_engine_close(). */
REM_CHECKED rem_status rem_engine_open(const char *path, const rem_open_options *options, const rem_config *config,
                                       rem_engine **ret_engine, rem_error *err);
/* Makes an empty database in the folder `path` (which is made too) and leaves it closed. REM_EXISTS. */
REM_CHECKED rem_status rem_engine_create(const char *path, const rem_config *config, rem_error *err);
rem_engine *rem_engine_ref(rem_engine *engine);
/* The last reference closes: flush, everything destroyed in order. A failure is reported, the engine is gone all the same. */
rem_status rem_engine_unref(rem_engine *engine, rem_error *err);

/* REM_CANCELLED after rem_interrupt(); the stored failure of a latched store. */
REM_CHECKED rem_status rem_engine_check_usable(rem_engine *engine, rem_error *err);
/* REM_READONLY for readers. */
REM_CHECKED rem_status rem_engine_check_writable(rem_engine *engine, rem_error *err);

/*
 * The embedder of a model (NULL: the configured default), opened on first use; borrowed until the engine ends. REM_MODEL when it is not installed.
 */
REM_CHECKED rem_status rem_engine_embedder(rem_engine *engine, const char *model, rem_embedder **ret_embedder,
                                           rem_error *err);
/* The same for the slot of a table, its dimension known: the pinned model, else what its provider names (the second slot: P8_ALT_EMBEDDING), else the default. REM_MODEL
 * too when the model installed under the pinned name has another hash. */
REM_CHECKED rem_status rem_engine_table_embedder(rem_engine *engine, const rem_table *table, size_t slot,
                                                 rem_embedder **ret_embedder, rem_error *err);
/* Is the model of a slot, by its name, one of a service? */
bool rem_engine_slot_is_remote(const rem_engine *engine, const rem_table *table, size_t slot);
/* Remembers why rows are pending, for rem_pending_reason(). */
void rem_engine_note_trouble(rem_engine *engine, const rem_error *reason);
/* Once: that P8_DEFAULT_EMBEDDING names another model than the one that a table keeps. REM_NOT_FOUND: nothing to tell. */
rem_status rem_engine_notice(rem_engine *engine, char *ret_text, size_t capacity);

#endif
