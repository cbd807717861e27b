/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kv*.c files share: the counted handle and its ways in and out.
 *
 *   rem_kv ──── current handle ◄── iterator, snapshot, pin      each holds one reference; the kv holds one as well
 *          ╲
 *           (after a refresh) old handles live as long as their views
 */
#ifndef REM_STORAGE_KV_INTERNAL_H
#define REM_STORAGE_KV_INTERNAL_H

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "storage/kv.h"

struct rem_kv_handle {
  rocksdb_t *db;
  rocksdb_column_family_handle_t *families[REM_CF_COUNT];
  rocksdb_column_family_handle_t *unused_family; /* RocksDB's "default" */
  rocksdb_readoptions_t *read_options;           /* for reads without a snapshot */
  atomic_long references;
  atomic_long iterators, snapshots, pins;
  unsigned fork_generation;
  bool writer;
  atomic_bool scanned[REM_CF_COUNT]; /* rem_kv_scan_again() */
};

/* What a reader compares to see whether the writer moved: the manifest by name and size, and how much log there is. */
typedef struct rem_kv_position {
  char manifest[64];
  int64_t manifest_bytes;
  int64_t log_bytes; /* of RocksDB's log files; not part of the seqlock, which only asks about the manifest */
  uint64_t log_number; /* the newest */
} rem_kv_position;

struct rem_kv {
  char *path;
  rem_kv_options options;
  rem_kv_handle *handle; /* NULL after a reopen that failed */
  pthread_mutex_t lock;  /* handle, reopening */
  pthread_cond_t reopened;
  pthread_mutex_t refresh_lock; /* position; one refresh at a time */
  bool reopening; /* acquiring waits */
  unsigned fork_generation;
  pthread_mutex_t failure_lock;
  rem_error failure; /* code REM_OK: none */
  atomic_bool failed;
  rocksdb_writeoptions_t *write_options, *sync_options; /* writers */
  rem_kv_position position;                             /* readers: before the current handle was opened */
  int gate;                                             /* writers; -1: none */
  atomic_uint_fast64_t write_count, sync_count, open_retries;
  atomic_long batches;
};

struct rem_kv_snapshot {
  rem_kv_handle *handle;
  const rocksdb_snapshot_t *snapshot; /* NULL on readers, whose handle never changes */
  rocksdb_readoptions_t *read_options;
};

/* Counts fork()s seen from the child's side: a handle of another generation belongs to the parent. */
unsigned rem_kv__fork_generation(void);

/* The current handle, referenced; ends with rem_kv__handle_release(). REM_MISUSE in a forked child, the stored error when a reopen failed. */
REM_CHECKED rem_status rem_kv__handle_acquire(rem_kv *kv, rem_kv_handle **ret_handle, rem_error *err);
/* The snapshot's handle, or the current one; likewise. */
REM_CHECKED rem_status rem_kv__view_acquire(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_handle **ret_handle,
                                            rem_error *err);
void rem_kv__handle_release(rem_kv_handle *handle);

static inline const rocksdb_readoptions_t *rem_kv__read_options(const rem_kv_handle *handle,
                                                                const rem_kv_snapshot *snapshot) {
  return snapshot ? snapshot->read_options : handle->read_options;
}

/* kv_error.c: turns RocksDB's message (freed here) into our error. `doing`: "read", "write", "open". */
rem_status rem_kv__error(char *message, const char *doing, rem_error *err);
/* As above, and the handle refuses writes from now on. */
rem_status rem_kv__write_error(rem_kv *kv, char *message, rem_error *err);

/* kv_options.c */
typedef struct rem_kv__setup {
  rocksdb_options_t *database;
  rocksdb_options_t *families[REM_CF_COUNT];
  rocksdb_cache_t *cache;
} rem_kv__setup;
REM_CHECKED rem_status rem_kv__setup_init(rem_kv__setup *setup, const rem_kv_options *options, rem_error *err);
void rem_kv__setup_deinit(rem_kv__setup *setup);

/* kv_files.c */
/* REM_NOT_FOUND when the folder holds no database (no CURRENT). A manifest that is missing has -1 bytes: either CURRENT
 * names another one by now, or it is lost. */
REM_CHECKED rem_status rem_kv__position_read(const char *path, rem_kv_position *ret_position, rem_error *err);
bool rem_kv__position_same_manifest(const rem_kv_position *a, const rem_kv_position *b);
bool rem_kv__position_same(const rem_kv_position *a, const rem_kv_position *b);
/* Removes what earlier writers and this open left behind: old info logs, options, empty logs. Right after an open for writing, while
 * RocksDB's own lock keeps others out. */
void rem_kv__files_tidy(const char *path);
/* Is there room for what an open writes? REM_FULL, REM_IO. */
REM_CHECKED rem_status rem_kv__files_check_space(const char *path, rem_error *err);
/* Count of RocksDB's log files. */
size_t rem_kv__files_log_count(const char *path);

/* kv_gate.c: a descriptor; -1: there is no gate. */
int rem_kv__gate_open(const char *path, bool create);
void rem_kv__gate_close(int gate);
void rem_kv__gate_raise(int gate, unsigned times); /* readers; `times` raised before: for longer each time */
void rem_kv__gate_lower(int gate);
void rem_kv__gate_pass(int gate); /* writers: waits while it is raised, seconds at most */

/* kv_open.c */
REM_CHECKED rem_status rem_kv__handle_open(rem_kv *kv, rem_kv_handle **ret_handle, rem_error *err);
/* kv_write.c: flushes when much is unflushed. */
REM_CHECKED rem_status rem_kv__flush_on_close(rem_kv *kv, rem_kv_handle *handle, rem_error *err);

#endif
