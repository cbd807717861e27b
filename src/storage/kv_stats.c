/* SPDX-License-Identifier: Apache-2.0 */
/* Figures about families and ranges, and the check that reads everything. */
#include <string.h>

#include "storage/kv_internal.h"

static uint64_t property(const rem_kv_handle *handle, rem_kv_family family, const char *name) {
  uint64_t value = 0;
  return rocksdb_property_int_cf(handle->db, handle->families[family], name, &value) == 0 ? value : 0;
}

rem_status rem_kv_stats(rem_kv *kv, rem_kv_family family, rem_kv_family_stats *ret_stats, rem_error *err) {
  rem_kv_handle *handle;
  REM_TRY(rem_kv__handle_acquire(kv, &handle, err));
  *ret_stats = (rem_kv_family_stats){
      .estimated_keys = property(handle, family, "rocksdb.estimate-num-keys"),
      .table_bytes = property(handle, family, "rocksdb.live-sst-files-size"),
      .memory_bytes = property(handle, family, "rocksdb.cur-size-all-mem-tables"),
  };
  rem_kv__handle_release(handle);
  return REM_OK;
}

int64_t rem_kv_oldest_snapshot_s(rem_kv *kv) {
  rem_kv_handle *handle;
  if (rem_kv__handle_acquire(kv, &handle, NULL) < 0)
    return 1;
  int64_t time = (int64_t)property(handle, REM_CF_META, "rocksdb.oldest-snapshot-time");
  rem_kv__handle_release(handle);
  return time;
}

uint64_t rem_kv_range_bytes(rem_kv *kv, rem_kv_family family, rem_slice lower, rem_slice upper) {
  rem_kv_handle *handle;
  if (rem_kv__handle_acquire(kv, &handle, NULL) < 0)
    return 0;
  const char *starts[1] = {(const char *)lower.data}, *ends[1] = {(const char *)upper.data};
  uint64_t bytes = 0;
  char *message = NULL;
  rocksdb_approximate_sizes_cf(handle->db, handle->families[family], 1, starts, &lower.size, ends, &upper.size,
                               &bytes, &message);
  rocksdb_free(message);
  rem_kv__handle_release(handle);
  return bytes;
}

/* Past the cache, so that the blocks come from the files. */
static rem_status verify_family(const rem_kv_handle *handle, int family, rem_error *err) {
  rocksdb_readoptions_t *options = rocksdb_readoptions_create();
  rocksdb_readoptions_set_fill_cache(options, 0);
  rocksdb_readoptions_set_verify_checksums(options, 1);
  rocksdb_readoptions_set_readahead_size(options, (size_t)2 << 20);
  rocksdb_iterator_t *iterator = rocksdb_create_iterator_cf(handle->db, options, handle->families[family]);
  for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator);)
    rocksdb_iter_next(iterator);
  char *message = NULL;
  rocksdb_iter_get_error(iterator, &message);
  rocksdb_iter_destroy(iterator);
  rocksdb_readoptions_destroy(options);
  return message ? rem_kv__error(message, "read", err) : REM_OK;
}

rem_status rem_kv_verify(rem_kv *kv, rem_error *err) {
  rem_kv_handle *handle;
  REM_TRY(rem_kv__handle_acquire(kv, &handle, err));
  rem_status status = REM_OK;
  for (int f = 0; f < REM_CF_COUNT && status == REM_OK; f++)
    status = verify_family(handle, f, err);
  rem_kv__handle_release(handle);
  return status;
}
