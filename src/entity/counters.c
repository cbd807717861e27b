/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/counters.h"

#include "storage/key.h"

#define VERSION 1

/* The struct is int64 members only, so it is its own stored form (little endian, no padding). */
_Static_assert(sizeof(rem_counters) % sizeof(int64_t) == 0, "counters are int64 members only");
#define MEMBER_COUNT (sizeof(rem_counters) / sizeof(int64_t))

void rem_counters_encode(const rem_counters *counters, uint8_t ret_bytes[REM_COUNTERS_STORED_SIZE]) {
  ret_bytes[0] = VERSION;
  memcpy(ret_bytes + 1, counters, sizeof *counters);
}

rem_status rem_counters_decode(rem_slice stored, rem_counters *ret_counters, rem_error *err) {
  if (stored.size < 1 || stored.data[0] != VERSION || (stored.size - 1) % sizeof(int64_t) != 0) {
    rem_error_set(err, REM_CORRUPT, "a table's counters cannot be read (%zu bytes, version %d)", stored.size,
                  stored.size ? stored.data[0] : -1);
    rem_error_hint(err, "run 'db check --repair' to count again");
    return REM_CORRUPT;
  }
  *ret_counters = (rem_counters){0};
  size_t known = stored.size - 1 < sizeof *ret_counters ? stored.size - 1 : sizeof *ret_counters;
  memcpy(ret_counters, stored.data + 1, known);
  return REM_OK;
}

void rem_counters_add(rem_counters *counters, const rem_counters *delta) {
  int64_t *to = (int64_t *)counters;
  const int64_t *from = (const int64_t *)delta;
  for (size_t i = 0; i < MEMBER_COUNT; i++)
    to[i] += from[i];
}

bool rem_counters_equal(const rem_counters *a, const rem_counters *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

bool rem_counters_zero(const rem_counters *counters) {
  return rem_counters_equal(counters, &(rem_counters){0});
}

rem_status rem_counters_read(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant, const char *table,
                             rem_counters *ret_counters, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  rem_key_counter(&key, tenant, table);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status status = rem_kv_get(kv, snapshot, REM_CF_META, rem_buffer_slice(&key), &pin, err);
  REM_TRY(status);
  if (status == REM_OK)
    return rem_counters_decode(rem_kv_pin_slice(&pin), ret_counters, err);
  *ret_counters = (rem_counters){0};
  return REM_OK;
}

rem_status rem_counters_put(rem_kv_batch *batch, const char *tenant, const char *table, const rem_counters *counters,
                            rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  uint8_t bytes[REM_COUNTERS_STORED_SIZE];
  rem_key_counter(&key, tenant, table);
  REM_TRY(rem_buffer_status(&key, err));
  rem_counters_encode(counters, bytes);
  rem_kv_batch_put(batch, REM_CF_META, rem_buffer_slice(&key), rem_slice_of(bytes, sizeof bytes));
  return REM_OK;
}

int64_t rem_counters_pending(const rem_counters *counters, unsigned slot) {
  int64_t with_text = counters->vectors[0] - counters->deleted_vectors[0] + counters->pending[0];
  return slot == 0 ? counters->pending[0] : with_text - (counters->vectors[slot] - counters->deleted_vectors[slot]);
}
