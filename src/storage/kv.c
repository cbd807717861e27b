/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a kv: open, views, refresh, reopen, failure, close.
 *
 * The current handle may change (a reader's refresh, a writer's reopen), so it is taken with a reference under the lock. The last
 * reference closes RocksDB: with assertions compiled in, it would abort if anything of it were still alive.
 */
#include "storage/kv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "storage/kv_internal.h"

/* ---- forks ---- */

static atomic_uint fork_generation;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void count_fork(void) {
  atomic_fetch_add(&fork_generation, 1);
}

static void watch_forks(void) {
  pthread_atfork(NULL, NULL, count_fork);
}

unsigned rem_kv__fork_generation(void) {
  return atomic_load_explicit(&fork_generation, memory_order_relaxed);
}

static bool is_foreign(unsigned generation) {
  return generation != rem_kv__fork_generation();
}

static rem_status set_foreign(rem_error *err) {
  rem_error_set(err, REM_MISUSE, "this handle was opened before a fork and cannot be used in the child");
  rem_error_hint(err, "open the database again in the child process");
  return REM_MISUSE;
}

/* ---- references ---- */

static void close_handle(rem_kv_handle *handle) {
  /* RocksDB's threads are not in a forked child, and its files belong to the parent. */
  if (!is_foreign(handle->fork_generation)) {
    rocksdb_readoptions_destroy(handle->read_options);
    for (int f = 0; f < REM_CF_COUNT; f++)
      rocksdb_column_family_handle_destroy(handle->families[f]);
    rocksdb_column_family_handle_destroy(handle->unused_family);
    rocksdb_close(handle->db);
  }
  rem_free(handle);
}

void rem_kv__handle_release(rem_kv_handle *handle) {
  if (handle && atomic_fetch_sub(&handle->references, 1) == 1)
    close_handle(handle);
}

/* Under the lock. */
static rem_status reference_current(rem_kv *kv, rem_kv_handle **ret_handle, rem_error *err) {
  while (kv->reopening)
    pthread_cond_wait(&kv->reopened, &kv->lock);
  if (!kv->handle)
    return rem_kv_failed(kv, err);
  atomic_fetch_add_explicit(&kv->handle->references, 1, memory_order_relaxed);
  *ret_handle = kv->handle;
  return REM_OK;
}

rem_status rem_kv__handle_acquire(rem_kv *kv, rem_kv_handle **ret_handle, rem_error *err) {
  if (is_foreign(kv->fork_generation)) /* before the lock: the parent's other threads may have held it */
    return set_foreign(err);
  pthread_mutex_lock(&kv->lock);
  rem_status status = reference_current(kv, ret_handle, err);
  pthread_mutex_unlock(&kv->lock);
  return status;
}

rem_status rem_kv__view_acquire(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_handle **ret_handle,
                                rem_error *err) {
  if (!snapshot)
    return rem_kv__handle_acquire(kv, ret_handle, err);
  if (is_foreign(snapshot->handle->fork_generation))
    return set_foreign(err);
  atomic_fetch_add_explicit(&snapshot->handle->references, 1, memory_order_relaxed);
  *ret_handle = snapshot->handle;
  return REM_OK;
}

/* ---- open and close ---- */

static void free_kv(rem_kv *kv) {
  rem_kv__gate_close(kv->gate);
  if (kv->write_options)
    rocksdb_writeoptions_destroy(kv->write_options);
  if (kv->sync_options)
    rocksdb_writeoptions_destroy(kv->sync_options);
  pthread_cond_destroy(&kv->reopened);
  pthread_mutex_destroy(&kv->lock);
  pthread_mutex_destroy(&kv->refresh_lock);
  pthread_mutex_destroy(&kv->failure_lock);
  rem_free(kv->path);
  rem_free(kv);
}

static rem_kv *new_kv(const char *path, const rem_kv_options *options) {
  rem_kv *kv = rem_calloc(1, sizeof *kv);
  if (!kv)
    return NULL;
  kv->options = *options;
  kv->gate = -1;
  kv->fork_generation = rem_kv__fork_generation();
  kv->write_options = rocksdb_writeoptions_create();
  kv->sync_options = rocksdb_writeoptions_create();
  rocksdb_writeoptions_set_sync(kv->sync_options, 1);
  pthread_mutex_init(&kv->lock, NULL);
  pthread_mutex_init(&kv->refresh_lock, NULL);
  pthread_mutex_init(&kv->failure_lock, NULL);
  pthread_cond_init(&kv->reopened, NULL);
  kv->path = rem_strdup(path);
  if (kv->path)
    return kv;
  free_kv(kv);
  return NULL;
}

rem_status rem_kv_open(const char *path, const rem_kv_options *options, rem_kv **ret_kv, rem_error *err) {
  pthread_once(&fork_once, watch_forks);
  rem_kv *kv = new_kv(path, options);
  if (!kv)
    return rem_error_nomem(err);
  rem_status status = rem_kv__handle_open(kv, &kv->handle, err);
  if (status < 0) {
    free_kv(kv);
    return status;
  }
  if (options->mode != REM_KV_READ)
    kv->gate = rem_kv__gate_open(path, true);
  *ret_kv = kv;
  return REM_OK;
}

static rem_status set_leak(const rem_kv_counters *left, rem_error *err) {
  return rem_error_set(err, REM_INTERNAL,
                       "the database was closed with %llu iterators, %llu snapshots, %llu pinned values and %llu batches left",
                       (unsigned long long)left->live_iterators, (unsigned long long)left->live_snapshots,
                       (unsigned long long)left->live_pins, (unsigned long long)left->live_batches);
}

static rem_status close_down(rem_kv *kv, rem_error *err) {
  if (is_foreign(kv->fork_generation))
    return set_foreign(err);
  rem_kv_handle *handle = kv->handle;
  if (!handle)
    return REM_OK;
  rem_status status = REM_OK;
  if (handle->writer && !atomic_load(&kv->failed))
    status = rem_kv__flush_on_close(kv, handle, err);
  rem_kv_counters left;
  rem_kv_counters_get(kv, &left);
  if (left.live_iterators || left.live_snapshots || left.live_pins || left.live_batches)
    status = set_leak(&left, err);
  return status;
}

rem_status rem_kv_close(rem_kv *kv, rem_error *err) {
  if (!kv)
    return REM_OK;
  rem_status status = close_down(kv, err);
  rem_kv__handle_release(kv->handle);
  free_kv(kv);
  return status;
}

bool rem_kv_is_writer(const rem_kv *kv) {
  return kv->options.mode != REM_KV_READ;
}

const char *rem_kv_path(const rem_kv *kv) {
  return kv->path;
}

void rem_kv_counters_get(rem_kv *kv, rem_kv_counters *ret_counters) {
  *ret_counters = (rem_kv_counters){
      .write_count = atomic_load(&kv->write_count),
      .sync_count = atomic_load(&kv->sync_count),
      .live_batches = (uint64_t)atomic_load(&kv->batches),
      .open_retries = atomic_load(&kv->open_retries),
  };
  pthread_mutex_lock(&kv->lock);
  if (kv->handle) {
    ret_counters->live_iterators = (uint64_t)atomic_load(&kv->handle->iterators);
    ret_counters->live_snapshots = (uint64_t)atomic_load(&kv->handle->snapshots);
    ret_counters->live_pins = (uint64_t)atomic_load(&kv->handle->pins);
  }
  pthread_mutex_unlock(&kv->lock);
}

/* ---- refresh ---- */

static void swap_handle(rem_kv *kv, rem_kv_handle *fresh) {
  pthread_mutex_lock(&kv->lock);
  rem_kv_handle *old = kv->handle;
  kv->handle = fresh;
  pthread_mutex_unlock(&kv->lock);
  rem_kv__handle_release(old);
}

/* Under the refresh lock: of two refreshes the later one must install the later view. */
static rem_status refresh_reader(rem_kv *kv, rem_error *err) {
  rem_kv_position now;
  rem_status found = rem_kv__position_read(kv->path, &now, err);
  if (found < 0)
    return found;
  if (found == REM_OK && rem_kv__position_same(&now, &kv->position))
    return REM_OK;
  rem_kv_handle *fresh = NULL;
  REM_TRY(rem_kv__handle_open(kv, &fresh, err));
  swap_handle(kv, fresh);
  return REM_OK;
}

rem_status rem_kv_refresh(rem_kv *kv, rem_error *err) {
  if (rem_kv_is_writer(kv))
    return REM_OK;
  if (is_foreign(kv->fork_generation))
    return set_foreign(err);
  pthread_mutex_lock(&kv->refresh_lock);
  rem_status status = refresh_reader(kv, err);
  pthread_mutex_unlock(&kv->refresh_lock);
  return status;
}

/* ---- failure and reopen ---- */

rem_status rem_kv_failed(rem_kv *kv, rem_error *err) {
  if (!atomic_load(&kv->failed))
    return REM_OK;
  pthread_mutex_lock(&kv->failure_lock);
  rem_error failure = kv->failure;
  pthread_mutex_unlock(&kv->failure_lock);
  if (failure.code < 0 && err) {
    *err = failure;
    rem_error_prefix(err, "writing has stopped after an error: ");
    if (!err->hint[0])
      rem_error_hint(err, "open the database again when the cause is gone");
  }
  return failure.code;
}

void rem_kv_fail(rem_kv *kv, const rem_error *reason) {
  pthread_mutex_lock(&kv->failure_lock);
  if (kv->failure.code == REM_OK)
    kv->failure = *reason;
  atomic_store(&kv->failed, true);
  pthread_mutex_unlock(&kv->failure_lock);
}

static void forget_failure(rem_kv *kv) {
  pthread_mutex_lock(&kv->failure_lock);
  kv->failure = (rem_error){0};
  atomic_store(&kv->failed, false);
  pthread_mutex_unlock(&kv->failure_lock);
}

/* Under the lock, which is given up while waiting. */
static bool wait_for_views(rem_kv *kv, int64_t wait_ms) {
  int64_t deadline_us = rem_clock_monotonic_us() + wait_ms * 1000;
  while (kv->handle && atomic_load(&kv->handle->references) > 1) {
    if (rem_clock_monotonic_us() >= deadline_us)
      return false;
    pthread_mutex_unlock(&kv->lock);
    struct timespec pause = {.tv_nsec = 1000000};
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&kv->lock);
  }
  return true;
}

static rem_status set_in_use(rem_error *err) {
  rem_error_set(err, REM_CONFLICT, "the database cannot be opened again while it is being read");
  rem_error_hint(err, "finish the open cursors and statements, then try again");
  return REM_CONFLICT;
}

/* The old handle must be closed first: RocksDB locks its folder. */
static rem_status replace_handle(rem_kv *kv, rem_kv_handle *old, rem_kv_handle **ret_fresh, rem_error *err) {
  rem_kv__handle_release(old);
  rem_error reason = {0};
  rem_status status = rem_kv__handle_open(kv, ret_fresh, &reason);
  forget_failure(kv);
  if (status == REM_OK)
    return REM_OK;
  rem_kv_fail(kv, &reason);
  if (err)
    *err = reason;
  return status;
}

/* Under the lock. Whoever finds `reopening` set waits, so nobody sees the handle change. */
static rem_status reopen_locked(rem_kv *kv, int64_t wait_ms, rem_error *err) {
  while (kv->reopening)
    pthread_cond_wait(&kv->reopened, &kv->lock);
  kv->reopening = true;
  bool unused = wait_for_views(kv, wait_ms);
  rem_kv_handle *handle = kv->handle;
  if (unused)
    kv->handle = NULL;
  pthread_mutex_unlock(&kv->lock);
  rem_status status = unused ? replace_handle(kv, REM_TAKE(handle), &handle, err) : set_in_use(err);
  pthread_mutex_lock(&kv->lock);
  kv->handle = handle;
  kv->reopening = false;
  pthread_cond_broadcast(&kv->reopened);
  return status;
}

rem_status rem_kv_reopen(rem_kv *kv, int64_t wait_ms, rem_error *err) {
  if (!rem_kv_is_writer(kv))
    return rem_kv_refresh(kv, err);
  if (is_foreign(kv->fork_generation))
    return set_foreign(err);
  pthread_mutex_lock(&kv->lock);
  rem_status status = reopen_locked(kv, wait_ms, err);
  pthread_mutex_unlock(&kv->lock);
  return status;
}
