/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write batches, writing, and moving what is written to where it stays.
 *
 * After any failed write, sync or flush RocksDB refuses further writes, and what the failed batch left in its log is decided only by the next
 * open (all of it or nothing). So we latch at once and in our own words.
 */
#include <string.h>

#include "storage/kv_internal.h"

#define PARTS_MAX 8
/* What a close leaves in RocksDB's log for the next open to replay: about a millisecond. */
#define CLOSE_FLUSH_BYTES ((uint64_t)256 << 10)
#define CLOSE_FLUSH_LOGS 16

struct rem_kv_batch {
  rem_kv *kv;
  rocksdb_writebatch_t *batch;
};

/* ---- batches ---- */

rem_status rem_kv_batch_new(rem_kv *kv, rem_kv_batch **ret_batch, rem_error *err) {
  if (!rem_kv_is_writer(kv))
    return rem_error_set(err, REM_READONLY, "the database was opened for reading");
  rem_kv_batch *batch = rem_calloc(1, sizeof *batch);
  if (!batch)
    return rem_error_nomem(err);
  batch->kv = kv;
  batch->batch = rocksdb_writebatch_create();
  atomic_fetch_add(&kv->batches, 1);
  *ret_batch = batch;
  return REM_OK;
}

void rem_kv_batch_free(rem_kv_batch *batch) {
  if (!batch)
    return;
  rocksdb_writebatch_destroy(batch->batch);
  atomic_fetch_sub(&batch->kv->batches, 1);
  rem_free(batch);
}

/* NULL after a reopen that failed: the batch will be refused anyway. */
static rocksdb_column_family_handle_t *family_of(const rem_kv_batch *batch, rem_kv_family family) {
  return batch->kv->handle ? batch->kv->handle->families[family] : NULL;
}

void rem_kv_batch_put(rem_kv_batch *batch, rem_kv_family family, rem_slice key, rem_slice value) {
  rocksdb_column_family_handle_t *column = family_of(batch, family);
  if (column)
    rocksdb_writebatch_put_cf(batch->batch, column, (const char *)key.data, key.size, (const char *)value.data,
                              value.size);
}

void rem_kv_batch_put_parts(rem_kv_batch *batch, rem_kv_family family, rem_slice key, const rem_slice *parts,
                            size_t part_count) {
  rocksdb_column_family_handle_t *column = family_of(batch, family);
  const char *keys[1] = {(const char *)key.data}, *values[PARTS_MAX];
  size_t sizes[PARTS_MAX];
  for (size_t i = 0; i < part_count && i < PARTS_MAX; i++) {
    values[i] = (const char *)parts[i].data;
    sizes[i] = parts[i].size;
  }
  if (column)
    rocksdb_writebatch_putv_cf(batch->batch, column, 1, keys, &key.size, (int)part_count, values, sizes);
}

void rem_kv_batch_delete(rem_kv_batch *batch, rem_kv_family family, rem_slice key) {
  rocksdb_column_family_handle_t *column = family_of(batch, family);
  if (column)
    rocksdb_writebatch_delete_cf(batch->batch, column, (const char *)key.data, key.size);
}

void rem_kv_batch_delete_range(rem_kv_batch *batch, rem_kv_family family, rem_slice lower, rem_slice upper) {
  rocksdb_column_family_handle_t *column = family_of(batch, family);
  if (column && rem_slice_compare(lower, upper) < 0)
    rocksdb_writebatch_delete_range_cf(batch->batch, column, (const char *)lower.data, lower.size,
                                       (const char *)upper.data, upper.size);
}

void rem_kv_batch_clear(rem_kv_batch *batch) {
  rocksdb_writebatch_clear(batch->batch);
}

size_t rem_kv_batch_count(const rem_kv_batch *batch) {
  return (size_t)rocksdb_writebatch_count(batch->batch);
}

size_t rem_kv_batch_size(const rem_kv_batch *batch) {
  size_t size;
  rocksdb_writebatch_data(batch->batch, &size);
  return size;
}

void rem_kv_batch_savepoint(rem_kv_batch *batch) {
  rocksdb_writebatch_set_save_point(batch->batch);
}

/* Fails only when there is no savepoint: a bug of ours. */
void rem_kv_batch_rollback(rem_kv_batch *batch) {
  char *message = NULL;
  rocksdb_writebatch_rollback_to_save_point(batch->batch, &message);
  rocksdb_free(message);
}

void rem_kv_batch_keep(rem_kv_batch *batch) {
  char *message = NULL;
  rocksdb_writebatch_pop_save_point(batch->batch, &message);
  rocksdb_free(message);
}

/* ---- writing ---- */

static rem_status acquire_for_writing(rem_kv *kv, rem_kv_handle **ret_handle, rem_error *err) {
  if (!rem_kv_is_writer(kv))
    return rem_error_set(err, REM_READONLY, "the database was opened for reading");
  rem_kv__gate_pass(kv->gate);
  rem_kv_handle *handle;
  REM_TRY(rem_kv__handle_acquire(kv, &handle, err));
  rem_status failed = rem_kv_failed(kv, err);
  if (failed < 0) {
    rem_kv__handle_release(handle);
    return failed;
  }
  *ret_handle = handle;
  return REM_OK;
}

rem_status rem_kv_write(rem_kv *kv, rem_kv_batch *batch, bool sync, rem_error *err) {
  rem_kv_handle *handle;
  REM_TRY(acquire_for_writing(kv, &handle, err));
  char *message = NULL;
  if (rem_kv_batch_count(batch) > 0) {
    rocksdb_write(handle->db, sync ? kv->sync_options : kv->write_options, batch->batch, &message);
    atomic_fetch_add_explicit(&kv->write_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&kv->sync_count, sync, memory_order_relaxed);
  }
  rem_status status = message ? rem_kv__write_error(kv, message, err) : REM_OK;
  rem_kv__handle_release(handle);
  return status;
}

rem_status rem_kv_sync(rem_kv *kv, rem_error *err) {
  rem_kv_handle *handle;
  REM_TRY(acquire_for_writing(kv, &handle, err));
  char *message = NULL;
  rocksdb_flush_wal(handle->db, 1, &message);
  atomic_fetch_add_explicit(&kv->sync_count, 1, memory_order_relaxed);
  rem_status status = message ? rem_kv__write_error(kv, message, err) : REM_OK;
  rem_kv__handle_release(handle);
  return status;
}

/* ---- flushing ---- */

static uint64_t family_property(const rem_kv_handle *handle, int family, const char *name) {
  uint64_t value = 0;
  return rocksdb_property_int_cf(handle->db, handle->families[family], name, &value) == 0 ? value : 0;
}

static bool is_unflushed(const rem_kv_handle *handle, int family) {
  return family_property(handle, family, "rocksdb.num-entries-active-mem-table") > 0 ||
         family_property(handle, family, "rocksdb.num-immutable-mem-table") > 0;
}

static rem_status flush_families(rem_kv *kv, rem_kv_handle *handle, rem_error *err) {
  rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
  rocksdb_flushoptions_set_wait(options, 1);
  char *message = NULL;
  /* First the log: while only some of the families are flushed, the others' part of a batch must be safe there. */
  rocksdb_flush_wal(handle->db, 1, &message);
  for (int f = 0; f < REM_CF_COUNT && !message; f++)
    if (is_unflushed(handle, f))
      rocksdb_flush_cf(handle->db, options, handle->families[f], &message);
  rocksdb_flushoptions_destroy(options);
  return message ? rem_kv__write_error(kv, message, err) : REM_OK;
}

rem_status rem_kv_flush(rem_kv *kv, rem_error *err) {
  rem_kv_handle *handle;
  REM_TRY(acquire_for_writing(kv, &handle, err));
  rem_status status = flush_families(kv, handle, err);
  rem_kv__handle_release(handle);
  return status;
}

rem_status rem_kv__flush_on_close(rem_kv *kv, rem_kv_handle *handle, rem_error *err) {
  rem_kv_position position;
  rem_status found = rem_kv__position_read(kv->path, &position, err);
  if (found != REM_OK)
    return found < 0 ? found : REM_OK;
  if (position.log_bytes > (int64_t)CLOSE_FLUSH_BYTES || rem_kv__files_log_count(kv->path) > CLOSE_FLUSH_LOGS)
    return flush_families(kv, handle, err);
  char *message = NULL;
  rocksdb_flush_wal(handle->db, 1, &message);
  return message ? rem_kv__write_error(kv, message, err) : REM_OK;
}

rem_status rem_kv_compact(rem_kv *kv, rem_kv_family family, rem_slice lower, rem_slice upper, rem_error *err) {
  rem_kv_handle *handle;
  REM_TRY(acquire_for_writing(kv, &handle, err));
  rocksdb_compactoptions_t *options = rocksdb_compactoptions_create();
  rocksdb_compactoptions_set_bottommost_level_compaction(options, 1);
  rocksdb_compact_range_cf_opt(handle->db, handle->families[family], options,
                               lower.size ? (const char *)lower.data : NULL, lower.size,
                               upper.size ? (const char *)upper.data : NULL, upper.size);
  rocksdb_compactoptions_destroy(options);
  rem_kv__handle_release(handle);
  return REM_OK;
}
