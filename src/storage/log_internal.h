/* SPDX-License-Identifier: Apache-2.0 */
/* What log.c, log_codec.c and log_reader.c share. */
#ifndef REM_STORAGE_LOG_INTERNAL_H
#define REM_STORAGE_LOG_INTERNAL_H

#include "storage/log.h"

/* The state a tenant's log is in; zero for one that never wrote. */
typedef struct rem_log__head {
  uint64_t seq;   /* of the last entry */
  uint64_t bytes; /* of all entries stored */
  uint32_t crc;   /* header CRC of the last entry */
} rem_log__head;

REM_CHECKED rem_status rem_log__head_read(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant,
                                          rem_log__head *ret_head, rem_error *err);

/* An entry as the pieces it is put together from, so that record and vectors are copied once, into the batch. */
#define REM_LOG__PARTS_MAX 8
typedef struct rem_log__parts {
  uint8_t header[REM_LOG_HEADER_SIZE];
  rem_slice slices[REM_LOG__PARTS_MAX]; /* the first is the header */
  size_t count;
  size_t payload_size;
} rem_log__parts;

/* `prefix` (empty) holds the small pieces and must outlive `parts`, as must the payload. */
REM_CHECKED rem_status rem_log__parts_make(const rem_log_payload *payload, rem_buffer *prefix, rem_log__parts *ret_parts,
                                           rem_error *err);
/* Hashes the payload and fills the header; sets entry->payload_hash and entry->crc. `parts` may not be copied afterwards. */
void rem_log__parts_header(rem_log__parts *parts, rem_log_entry *entry);
/* Marks an encoded header as one whose payload is gone. */
void rem_log__header_blank(uint8_t header[REM_LOG_HEADER_SIZE]);

#endif
