/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv: a thin, safe layer over RocksDB. Only kv*.c include rocksdb/c.h.
 *
 * A rem_kv is one open database folder. It owns a *handle* (the RocksDB object with its families) that is counted: every
 * iterator, snapshot and pin holds it, so that a reader can swap in a fresh handle (rem_kv_refresh) while old views
 * live on, and so that nothing is destroyed under anyone's feet.
 *
 * Reading beside a live writer is made safe by a seqlock over CURRENT and the manifest (kv_open.c). Writing needs the
 * lock of lock.h, which the caller takes first.
 *
 * Threads: all functions may be called from many threads at once, except that one iterator, snapshot, pin or batch is used by
 * one thread at a time (a snapshot may be read from by several). A forked child may not use a handle: calls that would touch RocksDB answer REM_MISUSE.
 */
#ifndef REM_STORAGE_KV_H
#define REM_STORAGE_KV_H

#include "base/buffer.h"

/* Families, all made when the database is. The numbers are ours and not stored. */
typedef enum rem_kv_family {
  REM_CF_META = 0,
  REM_CF_ENTITIES,
  REM_CF_LARGE, /* values over 64 KiB, so that scans of entities do not drag them */
  REM_CF_VECTORS,
  REM_CF_VECTOR_LOG,
  REM_CF_KEY_INDEX,
  REM_CF_FIELD_INDEX,
  REM_CF_TRIGRAMS,
  REM_CF_FULLTEXT,
  REM_CF_EDGES,
  REM_CF_EDGES_REVERSE,
  REM_CF_WAL, /* the REM log (log.h), not RocksDB's */
  REM_CF_COUNT,
} rem_kv_family;

/* "entities", …; static. */
const char *rem_kv_family_name(rem_kv_family family);

typedef enum rem_kv_mode {
  REM_KV_READ = 0,   /* beside any writer; creates no file in the folder */
  REM_KV_WRITE = 1,  /* the folder holds a database */
  REM_KV_CREATE = 2, /* makes one; REM_EXISTS when there is one */
} rem_kv_mode;

typedef struct rem_kv_options {
  rem_kv_mode mode;
  size_t cache_bytes;        /* block cache; default 32 MiB */
  size_t write_buffer_bytes; /* of all families together (db_write_buffer_size); default 64 MiB */
  int max_open_files;        /* writers; default 1000. Readers keep every file open. */
  size_t manifest_bytes;     /* writers: the manifest begins anew beyond this, as every open reads it whole; default 256 KiB */
  int64_t open_wait_ms;      /* readers: how long to go on retrying beside a busy writer; default 60,000 */
} rem_kv_options;
void rem_kv_options_init(rem_kv_options *options);

/* Does the folder hold a database (perhaps a damaged or half-made one)? To be asked before taking its lock, which makes a file. */
bool rem_kv_is_database(const char *path);

typedef struct rem_kv rem_kv;
typedef struct rem_kv_handle rem_kv_handle; /* internal */

/*
 * Opens the folder `path`. REM_UNKNOWN: no database there; REM_EXISTS (create); REM_CORRUPT: a file is damaged, the message
 * names it; REM_FORMAT: it has families this version does not know; REM_IO, REM_FULL. Owned: rem_kv_close().
 */
REM_CHECKED rem_status rem_kv_open(const char *path, const rem_kv_options *options, rem_kv **ret_kv, rem_error *err);

/*
 * A writer first flushes when much is unflushed (replaying costs every later open), then closes. All iterators, snapshots, pins and
 * batches must be gone; else REM_INTERNAL tells what is left, and the handle is closed with the last of them. NULL is REM_OK.
 * `kv` is freed in every case.
 */
rem_status rem_kv_close(rem_kv *kv, rem_error *err);

bool rem_kv_is_writer(const rem_kv *kv);
const char *rem_kv_path(const rem_kv *kv);

/* Readers: opens a fresh handle and swaps it in; views that live keep the old one. REM_OK also when nothing has changed (then nothing is
 * opened). A writer always sees everything: REM_OK. */
REM_CHECKED rem_status rem_kv_refresh(rem_kv *kv, rem_error *err);

/*
 * Writers: after a failed write the handle refuses all writes (see rem_kv_failed()) until this has closed and opened it again. Waits up
 * to `wait_ms` for iterators, snapshots and pins to end, else REM_CONFLICT. Calls of other threads wait meanwhile.
 */
REM_CHECKED rem_status rem_kv_reopen(rem_kv *kv, int64_t wait_ms, rem_error *err);
/* REM_OK, or the error that made the handle refuse writes. */
rem_status rem_kv_failed(rem_kv *kv, rem_error *err);
/* Makes the handle refuse writes: for a broken invariant found above. */
void rem_kv_fail(rem_kv *kv, const rem_error *reason);

/* ------------------------------------------------------------------------------------------- */
/* Snapshots: one view for several reads. Where a function takes a snapshot, NULL means the latest. */

typedef struct rem_kv_snapshot rem_kv_snapshot;

/* Owned: rem_kv_snapshot_release(). */
REM_CHECKED rem_status rem_kv_snapshot_acquire(rem_kv *kv, rem_kv_snapshot **ret_snapshot, rem_error *err);
void rem_kv_snapshot_release(rem_kv_snapshot *snapshot);
static inline void rem_kv_snapshot_cleanup(rem_kv_snapshot **snapshot) {
  rem_kv_snapshot_release(*snapshot);
}
#define REM_AUTO_SNAPSHOT REM_CLEANUP(rem_kv_snapshot_cleanup)

/* ------------------------------------------------------------------------------------------- */
/* Point reads                                                                                  */

/* A value held in place, without a copy. Zero-initialise; rem_kv_pin_release() may be called on an empty one. Do not copy. */
typedef struct rem_kv_pin {
  const uint8_t *data; /* borrowed until the pin is released or filled again */
  size_t size;
  void *slice;           /* internal */
  rem_kv_handle *handle; /* internal; NULL: nothing is held */
} rem_kv_pin;

static inline rem_slice rem_kv_pin_slice(const rem_kv_pin *pin) {
  return rem_slice_of(pin->data, pin->size);
}
void rem_kv_pin_release(rem_kv_pin *pin);
#define REM_AUTO_PIN REM_CLEANUP(rem_kv_pin_release)

/* REM_OK with the value pinned (what the pin held before is released), or REM_NOT_FOUND (the pin is then empty). */
REM_CHECKED rem_status rem_kv_get(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, rem_slice key,
                                  rem_kv_pin *ret_pin, rem_error *err);
/* REM_OK or REM_NOT_FOUND. */
REM_CHECKED rem_status rem_kv_exists(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, rem_slice key,
                                     rem_error *err);
/* All keys at once; wins when they are `sorted` and near. `pins` holds `count` of them, each zeroed or filled; one of an
 * absent key has data NULL. */
REM_CHECKED rem_status rem_kv_multi_get(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family,
                                        const rem_slice *keys, size_t count, bool sorted, rem_kv_pin *pins,
                                        rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Iterators                                                                                    */

typedef struct rem_kv_iterator rem_kv_iterator;

/*
 * An iterator over keys in [lower, upper), which are copied. An empty upper bound means the end of the family (rem_key_prefix_end()
 * gives the bound of a prefix). Starts invalid: seek first. It keeps its own view. Owned: rem_kv_iterator_free().
 */
REM_CHECKED rem_status rem_kv_iterator_new(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family,
                                           rem_slice lower, rem_slice upper, rem_kv_iterator **ret_iterator,
                                           rem_error *err);
/* The same for the keys that start with `prefix`. */
REM_CHECKED rem_status rem_kv_iterator_prefix(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family,
                                              rem_slice prefix, rem_kv_iterator **ret_iterator, rem_error *err);
/* Has a scan of the whole of `family` been announced by this call before? A command that scans once and ends should not pay for keeping
 * what it read (a page fault for each page of cache); a process that scans again should find it in the cache. */
bool rem_kv_scan_again(rem_kv *kv, rem_kv_family family);
/* An iterator over a prefix whose blocks stay in the cache only when `keep`. */
REM_CHECKED rem_status rem_kv_iterator_scan(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family,
                                            rem_slice prefix, bool keep, rem_kv_iterator **ret_iterator, rem_error *err);
void rem_kv_iterator_free(rem_kv_iterator *iterator);
static inline void rem_kv_iterator_cleanup(rem_kv_iterator **iterator) {
  rem_kv_iterator_free(*iterator);
}
#define REM_AUTO_ITERATOR REM_CLEANUP(rem_kv_iterator_cleanup)

/* A narrower range for the same iterator (making one costs more than seeking); copied; empty bounds: those of its making. The position becomes
 * invalid: seek. */
REM_CHECKED rem_status rem_kv_iterator_narrow(rem_kv_iterator *iterator, rem_slice lower, rem_slice upper,
                                              rem_error *err);
void rem_kv_iterator_seek(rem_kv_iterator *iterator, rem_slice key);      /* first key >= key */
void rem_kv_iterator_seek_prev(rem_kv_iterator *iterator, rem_slice key); /* last key <= key */
void rem_kv_iterator_first(rem_kv_iterator *iterator);
void rem_kv_iterator_last(rem_kv_iterator *iterator);
/* Of valid ones only; is it still one? */
bool rem_kv_iterator_next(rem_kv_iterator *iterator);
bool rem_kv_iterator_prev(rem_kv_iterator *iterator);
bool rem_kv_iterator_valid(const rem_kv_iterator *iterator);
/* Borrowed until the iterator moves. */
rem_slice rem_kv_iterator_key(const rem_kv_iterator *iterator);
rem_slice rem_kv_iterator_value(const rem_kv_iterator *iterator);
/* To be asked when it is no longer valid: REM_OK at the end of the range, or the failure that ended it. */
REM_CHECKED rem_status rem_kv_iterator_status(rem_kv_iterator *iterator, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Writing                                                                                      */

typedef struct rem_kv_batch rem_kv_batch;

/* Owned: rem_kv_batch_free(), before the kv is closed. REM_READONLY for readers. */
REM_CHECKED rem_status rem_kv_batch_new(rem_kv *kv, rem_kv_batch **ret_batch, rem_error *err);
void rem_kv_batch_free(rem_kv_batch *batch);
static inline void rem_kv_batch_cleanup(rem_kv_batch **batch) {
  rem_kv_batch_free(*batch);
}
#define REM_AUTO_BATCH REM_CLEANUP(rem_kv_batch_cleanup)
/* Copies key and value. */
void rem_kv_batch_put(rem_kv_batch *batch, rem_kv_family family, rem_slice key, rem_slice value);
/* The value in up to 8 parts. */
void rem_kv_batch_put_parts(rem_kv_batch *batch, rem_kv_family family, rem_slice key, const rem_slice *parts,
                            size_t part_count);
void rem_kv_batch_delete(rem_kv_batch *batch, rem_kv_family family, rem_slice key);
/* [lower, upper). Seldom: range tombstones slow every read. */
void rem_kv_batch_delete_range(rem_kv_batch *batch, rem_kv_family family, rem_slice lower, rem_slice upper);
void rem_kv_batch_clear(rem_kv_batch *batch); /* keeps the memory */
size_t rem_kv_batch_count(const rem_kv_batch *batch);
size_t rem_kv_batch_size(const rem_kv_batch *batch); /* bytes */
/* Savepoints, nested. Each is ended by one of the other two. */
void rem_kv_batch_savepoint(rem_kv_batch *batch);
void rem_kv_batch_rollback(rem_kv_batch *batch);
void rem_kv_batch_keep(rem_kv_batch *batch);

/* All of the batch or nothing. `sync`: on disk when this returns. A failure latches the handle (rem_kv_reopen()). An empty batch is REM_OK. */
REM_CHECKED rem_status rem_kv_write(rem_kv *kv, rem_kv_batch *batch, bool sync, rem_error *err);
/* Makes writes without `sync` durable. */
REM_CHECKED rem_status rem_kv_sync(rem_kv *kv, rem_error *err);
/* Moves everything from the write buffers to table files, family by family. */
REM_CHECKED rem_status rem_kv_flush(rem_kv *kv, rem_error *err);
/* Rewrites a range without its deleted parts (vacuum); empty bounds: all of the family. */
REM_CHECKED rem_status rem_kv_compact(rem_kv *kv, rem_kv_family family, rem_slice lower, rem_slice upper,
                                      rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Figures                                                                                      */

/* When the oldest snapshot that lives was taken, in seconds since 1970; 0: none lives. */
int64_t rem_kv_oldest_snapshot_s(rem_kv *kv);

typedef struct rem_kv_family_stats {
  uint64_t estimated_keys;
  uint64_t table_bytes;  /* on disk, live files */
  uint64_t memory_bytes; /* write buffers */
} rem_kv_family_stats;
REM_CHECKED rem_status rem_kv_stats(rem_kv *kv, rem_kv_family family, rem_kv_family_stats *ret_stats, rem_error *err);
/* Bytes of a range on disk and in memory, roughly. */
uint64_t rem_kv_range_bytes(rem_kv *kv, rem_kv_family family, rem_slice lower, rem_slice upper);
/* Reads every block of every family with checksums; REM_CORRUPT names the file. */
REM_CHECKED rem_status rem_kv_verify(rem_kv *kv, rem_error *err);

typedef struct rem_kv_counters {
  uint64_t write_count, sync_count;   /* since the open */
  uint64_t live_iterators, live_snapshots, live_pins, live_batches;
  uint64_t open_retries;              /* readers: opens thrown away because the writer moved meanwhile */
} rem_kv_counters;
void rem_kv_counters_get(rem_kv *kv, rem_kv_counters *ret_counters);

#endif
