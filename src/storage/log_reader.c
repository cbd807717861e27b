/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the log in order, checking that nothing is missing and that every entry continues the one before. */
#include "storage/key.h"
#include "storage/log_internal.h"

struct rem_log_reader {
  rem_kv_snapshot *own_snapshot; /* when the caller gave none */
  rem_kv_iterator *iterator;
  uint64_t next_seq, last_seq;
  uint32_t previous_crc;
  bool started; /* previous_crc is known */
  rem_slice value;
};

void rem_log_reader_free(rem_log_reader *reader) {
  if (!reader)
    return;
  rem_kv_iterator_free(reader->iterator);
  rem_kv_snapshot_release(reader->own_snapshot);
  rem_free(reader);
}

static rem_status set_gone(uint64_t after_seq, uint64_t floor, rem_error *err) {
  rem_error_set(err, REM_LIMIT, "the log starts after entry %llu; entries after %llu are wanted",
                (unsigned long long)floor, (unsigned long long)after_seq);
  rem_error_hint(err, "start from a snapshot of the database");
  return REM_LIMIT;
}

static rem_status open_range(rem_log_reader *reader, rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant,
                             uint64_t after_seq, rem_error *err) {
  rem_buffer lower REM_AUTO_BUFFER = {0}, upper REM_AUTO_BUFFER = {0};
  rem_key_log_entry(&lower, tenant, after_seq + 1);
  rem_key_log_entry(&upper, tenant, UINT64_MAX);
  REM_TRY(rem_buffer_status(&lower, err));
  REM_TRY(rem_buffer_status(&upper, err));
  REM_TRY(rem_kv_iterator_new(kv, snapshot, REM_CF_WAL, rem_buffer_slice(&lower), rem_buffer_slice(&upper),
                              &reader->iterator, err));
  rem_kv_iterator_first(reader->iterator);
  return REM_OK;
}

static rem_status start(rem_log_reader *reader, rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant,
                        uint64_t after_seq, rem_error *err) {
  uint64_t floor;
  if (!snapshot) {
    REM_TRY(rem_kv_snapshot_acquire(kv, &reader->own_snapshot, err));
    snapshot = reader->own_snapshot;
  }
  REM_TRY(rem_log_last_seq(kv, snapshot, tenant, &reader->last_seq, err));
  REM_TRY(rem_log_floor(kv, snapshot, tenant, &floor, err));
  if (after_seq < floor)
    return set_gone(after_seq, floor, err);
  reader->next_seq = after_seq + 1;
  return after_seq < UINT64_MAX ? open_range(reader, kv, snapshot, tenant, after_seq, err)
                                : rem_error_set(err, REM_INVALID, "there is no entry after the largest number");
}

rem_status rem_log_reader_new(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant, uint64_t after_seq,
                              rem_log_reader **ret_reader, rem_error *err) {
  rem_log_reader *reader = rem_calloc(1, sizeof *reader);
  if (!reader)
    return rem_error_nomem(err);
  rem_status status = start(reader, kv, snapshot, tenant, after_seq, err);
  if (status < 0) {
    rem_log_reader_free(reader);
    return status;
  }
  *ret_reader = reader;
  return REM_OK;
}

static rem_status finish(rem_log_reader *reader, rem_error *err) {
  REM_TRY(rem_kv_iterator_status(reader->iterator, err));
  if (reader->next_seq <= reader->last_seq)
    return rem_error_set(err, REM_CORRUPT, "entry %llu of the log is missing", (unsigned long long)reader->next_seq);
  return REM_DONE;
}

static rem_status check_chain(const rem_log_reader *reader, const rem_log_entry *entry, rem_error *err) {
  if (entry->seq != reader->next_seq)
    return rem_error_set(err, REM_CORRUPT, "entry %llu of the log is missing", (unsigned long long)reader->next_seq);
  if (reader->started && entry->previous_crc != reader->previous_crc)
    return rem_error_set(err, REM_CORRUPT, "entry %llu of the log does not continue the one before it",
                         (unsigned long long)entry->seq);
  return REM_OK;
}

rem_status rem_log_reader_next(rem_log_reader *reader, rem_log_entry *ret_entry, rem_error *err) {
  rem_log_entry entry;
  if (reader->value.data)
    rem_kv_iterator_next(reader->iterator);
  reader->value = (rem_slice){0};
  if (!rem_kv_iterator_valid(reader->iterator))
    return finish(reader, err);
  rem_slice value = rem_kv_iterator_value(reader->iterator);
  REM_TRY(rem_log_entry_decode(value, &entry, err));
  REM_TRY(check_chain(reader, &entry, err));
  reader->value = value;
  reader->next_seq = entry.seq + 1;
  reader->previous_crc = entry.crc;
  reader->started = true;
  *ret_entry = entry;
  return REM_ROW;
}

rem_slice rem_log_reader_value(const rem_log_reader *reader) {
  return reader->value;
}
