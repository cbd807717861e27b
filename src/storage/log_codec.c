/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as bytes (log.h has the picture). Everything read is checked: it may come from a damaged disk or from the network. */
#include "base/blake3.h"
#include "base/crc32c.h"
#include "storage/key.h"
#include "storage/log_internal.h"

#define HASH_SIZE 16
#define TABLE_MAX 255
#define RECORD_MAX ((size_t)64 << 20)
#define DIMENSION_MAX 65536u
#define VECTOR_HEADER_SIZE 6

/* ---- writing ---- */

static rem_status check_payload(const rem_log_payload *payload, rem_error *err) {
  if (payload->table.size > TABLE_MAX || payload->key.size > REM_KEY_TEXT_MAX || payload->record.size > RECORD_MAX ||
      payload->vector_count > REM_LOG_VECTOR_MAX)
    return rem_error_set(err, REM_LIMIT, "the row is too large for the log");
  for (size_t i = 0; i < payload->vector_count; i++)
    if (payload->vectors[i].dimension > DIMENSION_MAX)
      return rem_error_set(err, REM_LIMIT, "a vector has %u dimensions; at most %u are possible",
                           payload->vectors[i].dimension, DIMENSION_MAX);
  return REM_OK;
}

static void append_small_pieces(const rem_log_payload *payload, rem_buffer *buffer) {
  rem_buffer_append_byte(buffer, (uint8_t)payload->table.size);
  rem_buffer_append_slice(buffer, payload->table);
  rem_buffer_append_u16le(buffer, (uint16_t)payload->key.size);
  rem_buffer_append_slice(buffer, payload->key);
  rem_buffer_append(buffer, payload->id, 16);
  rem_buffer_append_u32le(buffer, (uint32_t)payload->record.size);
}

static void append_vector_header(const rem_log_vector *vector, rem_buffer *buffer) {
  rem_buffer_append_byte(buffer, vector->slot);
  rem_buffer_append_byte(buffer, 0);
  rem_buffer_append_u32le(buffer, vector->dimension);
}

static rem_slice vector_bytes(const rem_log_vector *vector) {
  return rem_slice_of(vector->values, (size_t)vector->dimension * 4);
}

static void add_part(rem_log__parts *parts, rem_slice slice) {
  parts->slices[parts->count++] = slice;
  parts->payload_size += slice.size;
}

/* The small pieces go to `prefix` first and are sliced when it does not move any more:
 * [table … record size] record [vector count, header] values [header] values */
rem_status rem_log__parts_make(const rem_log_payload *payload, rem_buffer *prefix, rem_log__parts *ret_parts,
                               rem_error *err) {
  REM_TRY(check_payload(payload, err));
  append_small_pieces(payload, prefix);
  size_t start = prefix->size;
  rem_buffer_append_byte(prefix, (uint8_t)payload->vector_count);
  for (size_t i = 0; i < payload->vector_count; i++)
    append_vector_header(&payload->vectors[i], prefix);
  REM_TRY(rem_buffer_status(prefix, err));
  ret_parts->count = 1;
  ret_parts->payload_size = 0;
  add_part(ret_parts, rem_slice_of(prefix->data, start));
  add_part(ret_parts, payload->record);
  size_t end = start + 1;
  for (size_t i = 0; i < payload->vector_count; i++, start = end) {
    end += VECTOR_HEADER_SIZE;
    add_part(ret_parts, rem_slice_of(prefix->data + start, end - start));
    add_part(ret_parts, vector_bytes(&payload->vectors[i]));
  }
  if (!payload->vector_count)
    add_part(ret_parts, rem_slice_of(prefix->data + start, 1));
  return REM_OK;
}

static uint32_t header_crc(const uint8_t header[REM_LOG_HEADER_SIZE]) {
  uint8_t bytes[REM_LOG_HEADER_SIZE - 4];
  memcpy(bytes, header, sizeof bytes);
  rem_store_u16le(bytes + 2, rem_load_u16le(bytes + 2) & (uint16_t)~REM_LOG_BLANKED);
  return rem_crc32c(0, bytes, sizeof bytes);
}

static void encode_header(rem_log_entry *entry, size_t payload_size, uint8_t header[REM_LOG_HEADER_SIZE]) {
  header[0] = REM_LOG_VERSION;
  header[1] = (uint8_t)entry->operation;
  rem_store_u16le(header + 2, entry->flags);
  rem_store_u32le(header + 4, entry->epoch);
  rem_store_u64le(header + 8, entry->seq);
  rem_store_u64le(header + 16, entry->transaction_seq);
  rem_store_u64le(header + 24, (uint64_t)entry->timestamp_ns);
  rem_store_u32le(header + 32, (uint32_t)payload_size);
  rem_store_u32le(header + 36, entry->previous_crc);
  memcpy(header + 40, entry->payload_hash, HASH_SIZE);
  rem_store_u32le(header + 56, 0);
  entry->crc = header_crc(header);
  rem_store_u32le(header + 60, entry->crc);
}

void rem_log__parts_header(rem_log__parts *parts, rem_log_entry *entry) {
  rem_blake3 hasher;
  rem_blake3_init(&hasher);
  for (size_t i = 1; i < parts->count; i++)
    rem_blake3_update(&hasher, parts->slices[i].data, parts->slices[i].size);
  rem_blake3_final(&hasher, entry->payload_hash, HASH_SIZE);
  encode_header(entry, parts->payload_size, parts->header);
  parts->slices[0] = rem_slice_of(parts->header, sizeof parts->header);
}

void rem_log__header_blank(uint8_t header[REM_LOG_HEADER_SIZE]) {
  rem_store_u16le(header + 2, rem_load_u16le(header + 2) | REM_LOG_BLANKED);
}

rem_status rem_log_payload_encode(const rem_log_payload *payload, rem_buffer *buffer, rem_error *err) {
  rem_buffer prefix REM_AUTO_BUFFER = {0};
  rem_log__parts parts;
  REM_TRY(rem_log__parts_make(payload, &prefix, &parts, err));
  for (size_t i = 1; i < parts.count; i++)
    rem_buffer_append_slice(buffer, parts.slices[i]);
  return rem_buffer_status(buffer, err);
}

rem_status rem_log_entry_encode(rem_log_entry *entry, rem_buffer *buffer, rem_error *err) {
  if (entry->payload.size > UINT32_MAX)
    return rem_error_set(err, REM_LIMIT, "the row is too large for the log");
  uint8_t header[REM_LOG_HEADER_SIZE];
  rem_blake3_hash(entry->payload.data, entry->payload.size, entry->payload_hash, HASH_SIZE);
  encode_header(entry, entry->payload.size, header);
  rem_buffer_append(buffer, header, sizeof header);
  if (!(entry->flags & REM_LOG_BLANKED))
    rem_buffer_append_slice(buffer, entry->payload);
  return rem_buffer_status(buffer, err);
}

/* ---- reading ---- */

static rem_status set_damaged(rem_error *err, const char *what) {
  return rem_error_set(err, REM_CORRUPT, "an entry of the log is damaged: %s", what);
}

static rem_status check_header(rem_slice value, rem_error *err) {
  if (value.size < 1)
    return set_damaged(err, "it is empty");
  if (value.data[0] > REM_LOG_VERSION) {
    rem_error_set(err, REM_FORMAT, "the log was written by a newer version (format %u)", value.data[0]);
    rem_error_hint(err, "update this program");
    return REM_FORMAT;
  }
  if (value.data[0] != REM_LOG_VERSION || value.size < REM_LOG_HEADER_SIZE)
    return set_damaged(err, "its header is cut short");
  if (rem_load_u32le(value.data + 60) != header_crc(value.data))
    return set_damaged(err, "the checksum of its header does not match");
  return REM_OK;
}

static rem_status check_payload_bytes(const rem_log_entry *entry, size_t declared, rem_error *err) {
  if (entry->flags & REM_LOG_BLANKED)
    return entry->payload.size == 0 ? REM_OK : set_damaged(err, "it holds bytes although it was blanked");
  if (entry->payload.size != declared)
    return set_damaged(err, "its payload has another length than it should");
  uint8_t hash[HASH_SIZE];
  rem_blake3_hash(entry->payload.data, entry->payload.size, hash, sizeof hash);
  return memcmp(hash, entry->payload_hash, sizeof hash) == 0 ? REM_OK
                                                             : set_damaged(err, "the hash of its payload does not match");
}

rem_status rem_log_entry_decode(rem_slice value, rem_log_entry *ret_entry, rem_error *err) {
  REM_TRY(check_header(value, err));
  const uint8_t *h = value.data;
  rem_log_entry entry = {
      .operation = (rem_log_operation)h[1],
      .flags = rem_load_u16le(h + 2),
      .epoch = rem_load_u32le(h + 4),
      .seq = rem_load_u64le(h + 8),
      .transaction_seq = rem_load_u64le(h + 16),
      .timestamp_ns = (int64_t)rem_load_u64le(h + 24),
      .previous_crc = rem_load_u32le(h + 36),
      .crc = rem_load_u32le(h + 60),
      .payload = rem_slice_of(h + REM_LOG_HEADER_SIZE, value.size - REM_LOG_HEADER_SIZE),
  };
  memcpy(entry.payload_hash, h + 40, HASH_SIZE);
  REM_TRY(check_payload_bytes(&entry, rem_load_u32le(h + 32), err));
  *ret_entry = entry;
  return REM_OK;
}

/* Bytes off the front; `size` zero ones when there are not enough, which `*ok` remembers. */
static rem_slice take(rem_slice *cursor, size_t size, bool *ok) {
  if (!*ok || cursor->size < size) {
    *ok = false;
    return (rem_slice){0};
  }
  rem_slice taken = rem_slice_of(cursor->data, size);
  *cursor = rem_slice_of(cursor->data + size, cursor->size - size);
  return taken;
}

static size_t take_number(rem_slice *cursor, size_t size, bool *ok) {
  rem_slice bytes = take(cursor, size, ok);
  size_t number = 0;
  for (size_t i = bytes.size; i-- > 0;)
    number = number << 8 | bytes.data[i];
  return number;
}

static void take_vector(rem_slice *cursor, rem_log_vector *vector, bool *ok) {
  vector->slot = (uint8_t)take_number(cursor, 1, ok);
  *ok &= take_number(cursor, 1, ok) == 0;
  vector->dimension = (uint32_t)take_number(cursor, 4, ok);
  *ok &= vector->dimension <= DIMENSION_MAX;
  vector->values = take(cursor, (size_t)vector->dimension * 4, ok).data;
}

rem_status rem_log_payload_decode(rem_slice bytes, rem_log_payload *ret_payload, rem_error *err) {
  rem_log_payload payload = {0};
  bool ok = true;
  payload.table = take(&bytes, take_number(&bytes, 1, &ok), &ok);
  payload.key = take(&bytes, take_number(&bytes, 2, &ok), &ok);
  rem_slice id = take(&bytes, 16, &ok);
  payload.record = take(&bytes, take_number(&bytes, 4, &ok), &ok);
  payload.vector_count = take_number(&bytes, 1, &ok);
  ok &= payload.vector_count <= REM_LOG_VECTOR_MAX && payload.key.size <= REM_KEY_TEXT_MAX &&
        payload.record.size <= RECORD_MAX;
  for (size_t i = 0; ok && i < payload.vector_count; i++)
    take_vector(&bytes, &payload.vectors[i], &ok);
  if (!ok || bytes.size)
    return set_damaged(err, "its payload cannot be read");
  memcpy(payload.id, id.data, 16);
  *ret_payload = payload;
  return REM_OK;
}
