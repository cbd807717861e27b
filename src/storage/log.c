/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing and trimming the log. The head of a tenant (its last sequence, chain and size) is a late value of the commit group: read
 * once, advanced in memory, rolled back with its request, written once a group. So there is no cached state that could disagree with
 * the disk after a failure.
 */
#include "storage/log.h"

#include <time.h>

#include "base/blake3.h"
#include "storage/key.h"
#include "storage/log_internal.h"

#define HEAD_SIZE 24
#define FLOOR_SIZE 8
#define SCRATCH_KEY (REM_COMMIT_SCRATCH_COUNT + 0)
#define SCRATCH_PREFIX (REM_COMMIT_SCRATCH_COUNT + 1)

/* ---- head and floor ---- */

static rem_status decode_head(const rem_kv_pin *pin, rem_log__head *ret_head, rem_error *err) {
  if (pin->size != HEAD_SIZE)
    return rem_error_set(err, REM_CORRUPT, "the head of the log is damaged");
  ret_head->seq = rem_load_u64le(pin->data);
  ret_head->bytes = rem_load_u64le(pin->data + 8);
  ret_head->crc = rem_load_u32le(pin->data + 16);
  return REM_OK;
}

static void encode_head(const rem_log__head *head, uint8_t bytes[HEAD_SIZE]) {
  rem_store_u64le(bytes, head->seq);
  rem_store_u64le(bytes + 8, head->bytes);
  rem_store_u32le(bytes + 16, head->crc);
  rem_store_u32le(bytes + 20, 0);
}

rem_status rem_log__head_read(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant, rem_log__head *ret_head,
                              rem_error *err) {
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_key_log_seq(&key, tenant);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status found = rem_kv_get(kv, snapshot, REM_CF_META, rem_buffer_slice(&key), &pin, err);
  if (found == REM_OK)
    return decode_head(&pin, ret_head, err);
  *ret_head = (rem_log__head){0};
  return found < 0 ? found : REM_OK;
}

static rem_status group_head(rem_commit_group *group, const char *tenant, rem_log__head *ret_head, rem_error *err) {
  rem_buffer *key = rem_commit_scratch(group, SCRATCH_KEY);
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_key_log_seq(key, tenant);
  REM_TRY(rem_buffer_status(key, err));
  rem_status found = rem_commit_get(group, REM_CF_META, rem_buffer_slice(key), &pin, err);
  if (found == REM_OK)
    return decode_head(&pin, ret_head, err);
  *ret_head = (rem_log__head){0};
  return found < 0 ? found : REM_OK;
}

static void put_head(rem_commit_group *group, const char *tenant, const rem_log__head *head) {
  uint8_t bytes[HEAD_SIZE];
  rem_buffer *key = rem_commit_scratch(group, SCRATCH_KEY);
  rem_key_log_seq(key, tenant);
  encode_head(head, bytes);
  rem_commit_put(group, REM_CF_META, rem_buffer_slice(key), rem_slice_of(bytes, sizeof bytes), REM_COMMIT_LATE);
}

static void put_floor(rem_commit_group *group, const char *tenant, uint64_t floor) {
  uint8_t bytes[FLOOR_SIZE];
  rem_buffer *key = rem_commit_scratch(group, SCRATCH_KEY);
  rem_key_log_floor(key, tenant);
  rem_store_u64le(bytes, floor);
  rem_commit_put(group, REM_CF_META, rem_buffer_slice(key), rem_slice_of(bytes, sizeof bytes), REM_COMMIT_LATE);
}

/* ---- appending ---- */

rem_status rem_log_next_seq(rem_commit_group *group, const char *tenant, uint64_t *ret_seq, rem_error *err) {
  rem_log__head head;
  REM_TRY(group_head(group, tenant, &head, err));
  *ret_seq = head.seq + 1;
  return REM_OK;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Without a log the floor follows the sequence; what the log held until now goes. */
static void skip_entry(rem_commit_group *group, const char *tenant, rem_log__head *head) {
  if (head->bytes) {
    rem_buffer *lower = rem_commit_scratch(group, SCRATCH_PREFIX), *upper = rem_commit_scratch(group, SCRATCH_KEY);
    rem_key_log_entry(lower, tenant, 0);
    rem_key_log_entry(upper, tenant, head->seq);
    rem_commit_delete_range(group, REM_CF_WAL, rem_buffer_slice(lower), rem_buffer_slice(upper));
  }
  head->bytes = 0;
  head->crc = 0;
  put_floor(group, tenant, head->seq);
}

static rem_status write_entry(rem_commit_group *group, const rem_log_append *append, rem_log__head *head,
                              rem_error *err) {
  rem_log__parts parts;
  rem_log_entry entry = {
      .operation = append->operation,
      .flags = append->flags,
      .epoch = append->epoch,
      .seq = head->seq,
      .transaction_seq = append->transaction_seq ? append->transaction_seq : head->seq,
      .timestamp_ns = append->timestamp_ns ? append->timestamp_ns : now_ns(),
      .previous_crc = head->crc,
  };
  REM_TRY(rem_log__parts_make(append->payload, rem_commit_scratch(group, SCRATCH_PREFIX), &parts, err));
  rem_log__parts_header(&parts, &entry);
  rem_buffer *key = rem_commit_scratch(group, SCRATCH_KEY);
  rem_key_log_entry(key, append->tenant, head->seq);
  REM_TRY(rem_buffer_status(key, err));
  rem_commit_put_parts(group, REM_CF_WAL, rem_buffer_slice(key), parts.slices, parts.count);
  head->bytes += REM_LOG_HEADER_SIZE + parts.payload_size;
  head->crc = entry.crc;
  return REM_OK;
}

rem_status rem_log_put(rem_commit_group *group, const rem_log_append *append, uint64_t *ret_seq, rem_error *err) {
  rem_log__head head;
  REM_TRY(group_head(group, append->tenant, &head, err));
  head.seq++;
  if (append->enabled)
    REM_TRY(write_entry(group, append, &head, err));
  else
    skip_entry(group, append->tenant, &head);
  put_head(group, append->tenant, &head);
  *ret_seq = head.seq;
  return REM_OK;
}

rem_status rem_log_put_entry(rem_commit_group *group, const char *tenant, rem_slice value, rem_error *err) {
  rem_log_entry entry;
  rem_log__head head;
  REM_TRY(rem_log_entry_decode(value, &entry, err));
  REM_TRY(group_head(group, tenant, &head, err));
  if (entry.seq != head.seq + 1)
    return rem_error_set(err, REM_CONFLICT, "log entry %llu does not follow %llu", (unsigned long long)entry.seq,
                         (unsigned long long)head.seq);
  if (entry.previous_crc != head.crc)
    return rem_error_set(err, REM_CONFLICT, "log entry %llu belongs to another history than the entry before it",
                         (unsigned long long)entry.seq);
  rem_buffer *key = rem_commit_scratch(group, SCRATCH_KEY);
  rem_key_log_entry(key, tenant, entry.seq);
  rem_commit_put(group, REM_CF_WAL, rem_buffer_slice(key), value, REM_COMMIT_BLIND);
  head = (rem_log__head){.seq = entry.seq, .bytes = head.bytes + value.size, .crc = entry.crc};
  put_head(group, tenant, &head);
  return REM_OK;
}

rem_status rem_log_blank(rem_commit_group *group, const char *tenant, uint64_t seq, rem_error *err) {
  rem_log_entry entry;
  rem_log__head head;
  rem_kv_pin pin REM_AUTO_PIN = {0};
  REM_TRY(group_head(group, tenant, &head, err));
  rem_buffer *key = rem_commit_scratch(group, SCRATCH_KEY);
  rem_key_log_entry(key, tenant, seq);
  rem_status found = rem_commit_get(group, REM_CF_WAL, rem_buffer_slice(key), &pin, err);
  if (found != REM_OK)
    return found;
  REM_TRY(rem_log_entry_decode(rem_kv_pin_slice(&pin), &entry, err));
  if (entry.flags & REM_LOG_BLANKED)
    return REM_OK;
  uint8_t header[REM_LOG_HEADER_SIZE];
  memcpy(header, pin.data, sizeof header);
  rem_log__header_blank(header);
  rem_commit_put(group, REM_CF_WAL, rem_buffer_slice(key), rem_slice_of(header, sizeof header), REM_COMMIT_SEEN);
  head.bytes -= head.bytes > entry.payload.size ? entry.payload.size : head.bytes;
  put_head(group, tenant, &head);
  return REM_OK;
}

/* ---- figures ---- */

rem_status rem_log_last_seq(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant, uint64_t *ret_seq,
                            rem_error *err) {
  rem_log__head head;
  REM_TRY(rem_log__head_read(kv, snapshot, tenant, &head, err));
  *ret_seq = head.seq;
  return REM_OK;
}

rem_status rem_log_bytes(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant, uint64_t *ret_bytes,
                         rem_error *err) {
  rem_log__head head;
  REM_TRY(rem_log__head_read(kv, snapshot, tenant, &head, err));
  *ret_bytes = head.bytes;
  return REM_OK;
}

rem_status rem_log_floor(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant, uint64_t *ret_floor,
                         rem_error *err) {
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_key_log_floor(&key, tenant);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status found = rem_kv_get(kv, snapshot, REM_CF_META, rem_buffer_slice(&key), &pin, err);
  if (found < 0)
    return found;
  if (found == REM_OK && pin.size != FLOOR_SIZE)
    return rem_error_set(err, REM_CORRUPT, "the floor of the log is damaged");
  *ret_floor = found == REM_OK ? rem_load_u64le(pin.data) : 0;
  return REM_OK;
}

/* ---- trimming ---- */

typedef struct trim_run {
  rem_kv *kv;
  const char *tenant;
  uint64_t max_bytes;
  uint64_t dropped;
} trim_run;

/* The last entry to drop, and how many bytes and entries go with it. Starts at the oldest stored one, not at the floor: an earlier trim may have
 * been cut short between storing the floor and deleting. */
static rem_status find_cut(const trim_run *run, uint64_t stored_bytes, uint64_t *ret_seq, uint64_t *ret_bytes,
                           uint64_t *ret_count, rem_error *err) {
  rem_buffer prefix REM_AUTO_BUFFER = {0};
  rem_kv_iterator *it REM_AUTO_ITERATOR = NULL;
  rem_key_log_prefix(&prefix, run->tenant);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(run->kv, NULL, REM_CF_WAL, rem_buffer_slice(&prefix), &it, err));
  uint64_t seq = 0, bytes = 0, count = 0;
  for (rem_kv_iterator_first(it); rem_kv_iterator_valid(it); rem_kv_iterator_next(it)) {
    rem_key_parts parts;
    if (run->max_bytes && (bytes >= stored_bytes || stored_bytes - bytes <= run->max_bytes))
      break;
    if (!rem_key_parse(rem_kv_iterator_key(it), &parts))
      return rem_error_set(err, REM_CORRUPT, "the log holds a damaged key");
    seq = parts.number;
    bytes += rem_kv_iterator_value(it).size;
    count++;
  }
  REM_TRY(rem_kv_iterator_status(it, err));
  *ret_seq = seq;
  *ret_bytes = bytes;
  *ret_count = count;
  return REM_OK;
}

static rem_status store_floor(const trim_run *run, rem_kv_batch *batch, uint64_t floor, rem_error *err) {
  rem_buffer key REM_AUTO_BUFFER = {0};
  uint8_t bytes[FLOOR_SIZE];
  rem_key_log_floor(&key, run->tenant);
  REM_TRY(rem_buffer_status(&key, err));
  rem_store_u64le(bytes, floor);
  rem_kv_batch_put(batch, REM_CF_META, rem_buffer_slice(&key), rem_slice_of(bytes, sizeof bytes));
  return rem_kv_write(run->kv, batch, true, err);
}

static rem_status delete_entries(const trim_run *run, rem_kv_batch *batch, const rem_log__head *head, uint64_t cut,
                                 rem_error *err) {
  rem_buffer lower REM_AUTO_BUFFER = {0}, upper REM_AUTO_BUFFER = {0}, key REM_AUTO_BUFFER = {0};
  uint8_t bytes[HEAD_SIZE];
  rem_key_log_entry(&lower, run->tenant, 0);
  rem_key_log_entry(&upper, run->tenant, cut + 1);
  rem_key_log_seq(&key, run->tenant);
  REM_TRY(rem_buffer_status(&lower, err));
  REM_TRY(rem_buffer_status(&upper, err));
  REM_TRY(rem_buffer_status(&key, err));
  encode_head(head, bytes);
  rem_kv_batch_clear(batch);
  rem_kv_batch_delete_range(batch, REM_CF_WAL, rem_buffer_slice(&lower), rem_buffer_slice(&upper));
  rem_kv_batch_put(batch, REM_CF_META, rem_buffer_slice(&key), rem_slice_of(bytes, sizeof bytes));
  return rem_kv_write(run->kv, batch, false, err);
}

static rem_status trim(void *context, rem_error *err) {
  trim_run *run = context;
  rem_log__head head;
  uint64_t cut = 0, bytes = 0;
  rem_kv_batch *batch REM_AUTO_BATCH = NULL;
  REM_TRY(rem_log__head_read(run->kv, NULL, run->tenant, &head, err));
  if (head.bytes == 0 || (run->max_bytes && head.bytes <= run->max_bytes + run->max_bytes / 4))
    return REM_OK;
  REM_TRY(find_cut(run, head.bytes, &cut, &bytes, &run->dropped, err));
  if (!run->dropped)
    return REM_OK;
  REM_TRY(rem_kv_batch_new(run->kv, &batch, err));
  REM_TRY(store_floor(run, batch, cut, err));
  head.bytes -= bytes < head.bytes ? bytes : head.bytes;
  return delete_entries(run, batch, &head, cut, err);
}

rem_status rem_log_trim(rem_committer *committer, const char *tenant, uint64_t max_bytes, uint64_t *ret_dropped,
                        rem_error *err) {
  trim_run run = {.kv = rem_committer_kv(committer), .tenant = tenant, .max_bytes = max_bytes};
  REM_TRY(rem_commit_exclusive(committer, trim, &run, err));
  if (ret_dropped)
    *ret_dropped = run.dropped;
  return REM_OK;
}
