/* SPDX-License-Identifier: Apache-2.0 */
/* Point reads and snapshots. Values are pinned in RocksDB's cache or write buffer: no copy. */
#include <string.h>

#include "storage/kv_internal.h"

#define MULTI_GET_CHUNK 128

/* ---- snapshots ---- */

static rem_kv_snapshot *new_snapshot(rem_kv_handle *handle) {
  rem_kv_snapshot *snapshot = rem_calloc(1, sizeof *snapshot);
  if (!snapshot)
    return NULL;
  snapshot->handle = handle;
  snapshot->read_options = rocksdb_readoptions_create();
  if (handle->writer) {
    snapshot->snapshot = rocksdb_create_snapshot(handle->db);
    rocksdb_readoptions_set_snapshot(snapshot->read_options, snapshot->snapshot);
  }
  atomic_fetch_add(&handle->snapshots, 1);
  return snapshot;
}

rem_status rem_kv_snapshot_acquire(rem_kv *kv, rem_kv_snapshot **ret_snapshot, rem_error *err) {
  rem_kv_handle *handle;
  REM_TRY(rem_kv__handle_acquire(kv, &handle, err));
  rem_kv_snapshot *snapshot = new_snapshot(handle);
  if (!snapshot) {
    rem_kv__handle_release(handle);
    return rem_error_nomem(err);
  }
  *ret_snapshot = snapshot;
  return REM_OK;
}

void rem_kv_snapshot_release(rem_kv_snapshot *snapshot) {
  if (!snapshot)
    return;
  rem_kv_handle *handle = snapshot->handle;
  if (handle->fork_generation == rem_kv__fork_generation()) {
    if (snapshot->snapshot)
      rocksdb_release_snapshot(handle->db, snapshot->snapshot);
    rocksdb_readoptions_destroy(snapshot->read_options);
  }
  rem_free(snapshot);
  atomic_fetch_sub(&handle->snapshots, 1);
  rem_kv__handle_release(handle);
}

/* ---- pins ---- */

/* Takes over slice and the reference to the handle. */
static void fill_pin(rem_kv_pin *pin, rem_kv_handle *handle, rocksdb_pinnableslice_t *slice) {
  size_t size = 0;
  const char *data = rocksdb_pinnableslice_value(slice, &size);
  atomic_fetch_add_explicit(&handle->pins, 1, memory_order_relaxed);
  *pin = (rem_kv_pin){.data = (const uint8_t *)data, .size = size, .slice = slice, .handle = handle};
}

void rem_kv_pin_release(rem_kv_pin *pin) {
  rem_kv_handle *handle = pin->handle;
  if (handle) {
    rocksdb_pinnableslice_destroy(pin->slice);
    atomic_fetch_sub_explicit(&handle->pins, 1, memory_order_relaxed);
    rem_kv__handle_release(handle);
  }
  *pin = (rem_kv_pin){0};
}

rem_status rem_kv_get(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, rem_slice key,
                      rem_kv_pin *ret_pin, rem_error *err) {
  rem_kv_handle *handle;
  REM_TRY(rem_kv__view_acquire(kv, snapshot, &handle, err));
  char *message = NULL;
  rocksdb_pinnableslice_t *slice =
      rocksdb_get_pinned_cf(handle->db, rem_kv__read_options(handle, snapshot), handle->families[family],
                            (const char *)key.data, key.size, &message);
  if (slice) {
    rem_kv_pin_release(ret_pin);
    fill_pin(ret_pin, handle, slice);
    return REM_OK;
  }
  rem_kv__handle_release(handle);
  if (message)
    return rem_kv__error(message, "read", err);
  rem_kv_pin_release(ret_pin);
  return REM_NOT_FOUND;
}

rem_status rem_kv_exists(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, rem_slice key,
                         rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  return rem_kv_get(kv, snapshot, family, key, &pin, err);
}

/* ---- many at once ---- */

typedef struct multi_get_view {
  rem_kv_handle *handle;
  const rocksdb_readoptions_t *options;
  rem_kv_family family;
  bool sorted;
} multi_get_view;

/* Every slice and message of a chunk must be taken, also after a failure. */
static rem_status take_results(const multi_get_view *view, rocksdb_pinnableslice_t **slices, char **messages,
                               size_t count, rem_kv_pin *pins, rem_error *err) {
  rem_status status = REM_OK;
  for (size_t i = 0; i < count; i++) {
    rem_kv_pin_release(&pins[i]);
    if (slices[i]) {
      atomic_fetch_add_explicit(&view->handle->references, 1, memory_order_relaxed);
      fill_pin(&pins[i], view->handle, slices[i]);
    }
    if (messages[i] && status == REM_OK)
      status = rem_kv__error(messages[i], "read", err);
    else if (messages[i])
      rocksdb_free(messages[i]);
  }
  return status;
}

static rem_status multi_get_chunk(const multi_get_view *view, const rem_slice *keys, size_t count, rem_kv_pin *pins,
                                  rem_error *err) {
  const char *data[MULTI_GET_CHUNK];
  size_t sizes[MULTI_GET_CHUNK];
  rocksdb_pinnableslice_t *slices[MULTI_GET_CHUNK] = {0};
  char *messages[MULTI_GET_CHUNK] = {0};
  for (size_t i = 0; i < count; i++) {
    data[i] = (const char *)keys[i].data;
    sizes[i] = keys[i].size;
  }
  rocksdb_batched_multi_get_cf(view->handle->db, view->options, view->handle->families[view->family], count, data,
                               sizes, slices, messages, view->sorted);
  return take_results(view, slices, messages, count, pins, err);
}

rem_status rem_kv_multi_get(rem_kv *kv, const rem_kv_snapshot *snapshot, rem_kv_family family, const rem_slice *keys,
                            size_t count, bool sorted, rem_kv_pin *pins, rem_error *err) {
  rem_kv_handle *handle;
  REM_TRY(rem_kv__view_acquire(kv, snapshot, &handle, err));
  multi_get_view view = {handle, rem_kv__read_options(handle, snapshot), family, sorted};
  rem_status status = REM_OK;
  for (size_t done = 0; done < count && status == REM_OK;) {
    size_t chunk = count - done < MULTI_GET_CHUNK ? count - done : MULTI_GET_CHUNK;
    status = multi_get_chunk(&view, keys + done, chunk, pins + done, err);
    done += chunk;
  }
  rem_kv__handle_release(handle);
  return status;
}
