/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Iterators with bounds.
 *
 * RocksDB gets the bounds of the making once and for all: changing them under a live iterator is not safe in 7.8 (a block that was found
 * to lie within the old bound is not checked again on a seek within that block). Narrower ranges are therefore kept here and
 * compared at every step; that is one memcmp against a key that is at hand.
 *
 *   bounds of the making   [----------------------------)    iterate_lower_bound, iterate_upper_bound
 *   range                       [-------)                    rem_kv_iterator_narrow(), else the same
 */
#include <string.h>

#include "storage/key.h"
#include "storage/kv_internal.h"

struct rem_kv_iterator {
  rem_kv_handle *handle;
  rocksdb_iterator_t *iterator;
  rocksdb_readoptions_t *read_options;
  rem_buffer lower, upper;             /* of the making; RocksDB points into them */
  rem_buffer range_lower, range_upper; /* when narrowed */
  bool valid;
  rem_slice key; /* of the current position; data NULL: not asked for yet */
};

static rem_slice range_lower(const rem_kv_iterator *it) {
  return rem_buffer_slice(it->range_lower.size ? &it->range_lower : &it->lower);
}

static rem_slice range_upper(const rem_kv_iterator *it) {
  return rem_buffer_slice(it->range_upper.size ? &it->range_upper : &it->upper);
}

static rem_status copy_bounds(rem_buffer *lower, rem_buffer *upper, rem_slice from, rem_slice to, rem_error *err) {
  rem_buffer_append_slice(lower, from);
  rem_buffer_append_slice(upper, to);
  REM_TRY(rem_buffer_status(lower, err));
  return rem_buffer_status(upper, err);
}

static void start(rem_kv_iterator *it, const rem_kv_snapshot *snapshot, rem_kv_family family, bool keep) {
  it->read_options = rocksdb_readoptions_create();
  rocksdb_readoptions_set_fill_cache(it->read_options, keep);
  if (snapshot && snapshot->snapshot)
    rocksdb_readoptions_set_snapshot(it->read_options, snapshot->snapshot);
  if (it->lower.size)
    rocksdb_readoptions_set_iterate_lower_bound(it->read_options, (const char *)it->lower.data, it->lower.size);
  if (it->upper.size)
    rocksdb_readoptions_set_iterate_upper_bound(it->read_options, (const char *)it->upper.data, it->upper.size);
  it->iterator = rocksdb_create_iterator_cf(it->handle->db, it->read_options, it->handle->families[family]);
}

static void deinit_buffers(rem_kv_iterator *it) {
  rem_buffer_deinit(&it->lower);
  rem_buffer_deinit(&it->upper);
  rem_buffer_deinit(&it->range_lower);
  rem_buffer_deinit(&it->range_upper);
}

static void discard(rem_kv_iterator *it) {
  deinit_buffers(it);
  rem_free(it);
}

static rem_status new_iterator(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, rem_slice lower,
                               rem_slice upper, bool keep, rem_kv_iterator **ret_iterator, rem_error *err) {
  rem_kv_iterator *it = rem_calloc(1, sizeof *it);
  if (!it)
    return rem_error_nomem(err);
  rem_status status = copy_bounds(&it->lower, &it->upper, lower, upper, err);
  if (status == REM_OK)
    status = rem_kv__view_acquire(kv, snapshot, &it->handle, err);
  if (status < 0) {
    discard(it);
    return status;
  }
  start(it, snapshot, family, keep);
  atomic_fetch_add(&it->handle->iterators, 1);
  *ret_iterator = it;
  return REM_OK;
}

rem_status rem_kv_iterator_new(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, rem_slice lower,
                               rem_slice upper, rem_kv_iterator **ret_iterator, rem_error *err) {
  return new_iterator(kv, snapshot, family, lower, upper, true, ret_iterator, err);
}

rem_status rem_kv_iterator_scan(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, rem_slice prefix,
                                bool keep, rem_kv_iterator **ret_iterator, rem_error *err) {
  rem_buffer end REM_AUTO_BUFFER = {0};
  rem_key_prefix_end(&end, prefix);
  REM_TRY(rem_buffer_status(&end, err));
  return new_iterator(kv, snapshot, family, prefix, rem_buffer_slice(&end), keep, ret_iterator, err);
}

rem_status rem_kv_iterator_prefix(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, rem_slice prefix,
                                  rem_kv_iterator **ret_iterator, rem_error *err) {
  return rem_kv_iterator_scan(kv, snapshot, family, prefix, true, ret_iterator, err);
}

bool rem_kv_scan_again(rem_kv *kv, rem_kv_family family) {
  rem_kv_handle *handle;
  if (rem_kv__handle_acquire(kv, &handle, NULL) < 0)
    return true;
  bool again = atomic_exchange_explicit(&handle->scanned[family], true, memory_order_relaxed);
  rem_kv__handle_release(handle);
  return again;
}

void rem_kv_iterator_free(rem_kv_iterator *it) {
  if (!it)
    return;
  rem_kv_handle *handle = it->handle;
  if (handle->fork_generation == rem_kv__fork_generation()) {
    rocksdb_iter_destroy(it->iterator);
    rocksdb_readoptions_destroy(it->read_options);
  }
  discard(it);
  atomic_fetch_sub(&handle->iterators, 1);
  rem_kv__handle_release(handle);
}

rem_status rem_kv_iterator_narrow(rem_kv_iterator *it, rem_slice lower, rem_slice upper, rem_error *err) {
  it->valid = false;
  rem_buffer_reset(&it->range_lower);
  rem_buffer_reset(&it->range_upper);
  return copy_bounds(&it->range_lower, &it->range_upper, lower, upper, err);
}

static bool in_range(const rem_kv_iterator *it) {
  if (it->range_lower.size && rem_slice_compare(it->key, rem_buffer_slice(&it->range_lower)) < 0)
    return false;
  return !it->range_upper.size || rem_slice_compare(it->key, rem_buffer_slice(&it->range_upper)) < 0;
}

static rem_slice current_key(const rem_kv_iterator *it) {
  size_t size;
  const char *key = rocksdb_iter_key(it->iterator, &size);
  return rem_slice_of(key, size);
}

static void arrive(rem_kv_iterator *it) {
  it->valid = rocksdb_iter_valid(it->iterator);
  it->key = (rem_slice){0};
  if (!it->valid || (!it->range_lower.size && !it->range_upper.size))
    return;
  it->key = current_key(it);
  it->valid = in_range(it);
}

void rem_kv_iterator_seek(rem_kv_iterator *it, rem_slice key) {
  rem_slice lower = range_lower(it);
  if (rem_slice_compare(key, lower) < 0)
    key = lower;
  rocksdb_iter_seek(it->iterator, (const char *)key.data, key.size);
  arrive(it);
}

void rem_kv_iterator_first(rem_kv_iterator *it) {
  rem_slice lower = range_lower(it);
  if (lower.size)
    rocksdb_iter_seek(it->iterator, (const char *)lower.data, lower.size);
  else
    rocksdb_iter_seek_to_first(it->iterator);
  arrive(it);
}

/* The bound itself is outside. */
static void seek_below(rem_kv_iterator *it, rem_slice bound) {
  rocksdb_iter_seek_for_prev(it->iterator, (const char *)bound.data, bound.size);
  size_t size;
  const char *key;
  if (rocksdb_iter_valid(it->iterator) && (key = rocksdb_iter_key(it->iterator, &size)) &&
      rem_slice_equal(rem_slice_of(key, size), bound))
    rocksdb_iter_prev(it->iterator);
}

void rem_kv_iterator_last(rem_kv_iterator *it) {
  if (it->range_upper.size)
    seek_below(it, rem_buffer_slice(&it->range_upper));
  else
    rocksdb_iter_seek_to_last(it->iterator);
  arrive(it);
}

void rem_kv_iterator_seek_prev(rem_kv_iterator *it, rem_slice key) {
  rem_slice upper = range_upper(it);
  if (upper.size && rem_slice_compare(key, upper) >= 0) {
    rem_kv_iterator_last(it);
    return;
  }
  rocksdb_iter_seek_for_prev(it->iterator, (const char *)key.data, key.size);
  arrive(it);
}

bool rem_kv_iterator_next(rem_kv_iterator *it) {
  rocksdb_iter_next(it->iterator);
  arrive(it);
  return it->valid;
}

bool rem_kv_iterator_prev(rem_kv_iterator *it) {
  rocksdb_iter_prev(it->iterator);
  arrive(it);
  return it->valid;
}

bool rem_kv_iterator_valid(const rem_kv_iterator *it) {
  return it->valid;
}

rem_slice rem_kv_iterator_key(const rem_kv_iterator *it) {
  return it->key.data ? it->key : current_key(it);
}

rem_slice rem_kv_iterator_value(const rem_kv_iterator *it) {
  size_t size;
  const char *value = rocksdb_iter_value(it->iterator, &size);
  return rem_slice_of(value, size);
}

rem_status rem_kv_iterator_status(rem_kv_iterator *it, rem_error *err) {
  char *message = NULL;
  rocksdb_iter_get_error(it->iterator, &message);
  return message ? rem_kv__error(message, "read", err) : REM_OK;
}
