/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REM log (D25, D30): what happened, as source data only, one entry a row operation, numbered from 1 in each tenant.
 *
 * Entry, under wal:{tenant}:entry:{20 digits} in family wal; little endian:
 *
 *   offset size
 *   0      1    format version, 1
 *   1      1    operation
 *   2      2    flags
 *   4      4    epoch
 *   8      8    seq
 *   16     8    seq of the first operation of its transaction
 *   24     8    timestamp, nanoseconds since 1970
 *   32     4    payload size (as written, also when blanked)
 *   36     4    header CRC of the predecessor (0 for the first entry, or after a gap in logging)
 *   40     16   BLAKE3 of the payload
 *   56     4    reserved, 0
 *   60     4    CRC-32C of bytes 0..59, with the BLANKED flag taken as 0
 *   64          payload; nothing when BLANKED
 *
 * The chain runs over headers, which hold the payload's hash: blanking a payload (D14) breaks nothing.
 *
 * Payload: u8 table size, table | u16 key size, key | id[16] | u32 record size, record |
 *          u8 vector count, each: u8 slot, u8 0, u32 dimension, float32[dimension]
 * The record is the row as stored (schema/record.h; it holds the edges), or the stored form of a schema.
 *
 * Head, under wal:{tenant}:seq in meta:    u64 seq | u64 bytes of entries stored | u32 header CRC of the last | u32 0
 * Floor, under wal:{tenant}:floor in meta: u64: entries up to it are gone. Stored before they go.
 */
#ifndef REM_STORAGE_LOG_H
#define REM_STORAGE_LOG_H

#include "storage/commit.h"

#define REM_LOG_HEADER_SIZE 64
#define REM_LOG_VERSION 1

typedef enum rem_log_operation {
  REM_LOG_PUT = 1,           /* a row: its whole new state */
  REM_LOG_DELETE = 2,        /* soft delete: record is the deleted row */
  REM_LOG_VECTOR = 3,        /* vectors alone (embedded later, or by another model) */
  REM_LOG_SCHEMA = 4,        /* key: the table's name; record: its stored form */
  REM_LOG_SCHEMA_REMOVE = 5, /* key: the table's name */
  REM_LOG_PURGE = 6,         /* a row is gone for good */
} rem_log_operation;

enum {
  REM_LOG_BLANKED = 1, /* the payload has been taken out */
  REM_LOG_TXN_END = 2, /* last operation of its transaction */
};

typedef struct rem_log_vector {
  uint8_t slot;
  uint32_t dimension;
  const void *values; /* float32, borrowed; not aligned when decoded */
} rem_log_vector;
#define REM_LOG_VECTOR_MAX 2

typedef struct rem_log_payload {
  rem_slice table;
  rem_slice key;
  uint8_t id[16];
  rem_slice record;
  rem_log_vector vectors[REM_LOG_VECTOR_MAX];
  size_t vector_count;
} rem_log_payload;

typedef struct rem_log_entry {
  rem_log_operation operation;
  uint16_t flags;
  uint32_t epoch;
  uint64_t seq, transaction_seq;
  int64_t timestamp_ns;
  uint32_t previous_crc, crc;
  uint8_t payload_hash[16];
  rem_slice payload; /* borrowed; empty when blanked */
} rem_log_entry;

/* Codec. Lengths, versions, checksums and the payload's hash are checked: REM_CORRUPT; REM_FORMAT for a newer version. */
REM_CHECKED rem_status rem_log_entry_decode(rem_slice value, rem_log_entry *ret_entry, rem_error *err);
REM_CHECKED rem_status rem_log_payload_decode(rem_slice bytes, rem_log_payload *ret_payload, rem_error *err);
/* Appends; REM_LIMIT when a part is too long (table 255, key 4 KiB, record 64 MiB). */
REM_CHECKED rem_status rem_log_payload_encode(const rem_log_payload *payload, rem_buffer *buffer, rem_error *err);
/* Appends the bytes of an entry with its payload; sets entry->payload_hash and entry->crc. */
REM_CHECKED rem_status rem_log_entry_encode(rem_log_entry *entry, rem_buffer *buffer, rem_error *err);

/* ---- writing, inside apply() ---- */

typedef struct rem_log_append {
  const char *tenant;
  rem_log_operation operation;
  uint16_t flags;            /* REM_LOG_TXN_END */
  uint32_t epoch;
  uint64_t transaction_seq;  /* 0: this entry starts one */
  int64_t timestamp_ns;      /* 0: now */
  bool enabled;              /* P8_ENABLE_WAL: without it only the number advances and the floor follows */
  const rem_log_payload *payload;
} rem_log_append;

/* The number the next rem_log_put() in this group will give. */
REM_CHECKED rem_status rem_log_next_seq(rem_commit_group *group, const char *tenant, uint64_t *ret_seq, rem_error *err);
/* Appends one entry and advances the tenant's sequence in the same batch. */
REM_CHECKED rem_status rem_log_put(rem_commit_group *group, const rem_log_append *append, uint64_t *ret_seq,
                                   rem_error *err);
/* A replica: stores an entry as it came, at its own number. REM_CONFLICT when it is not the successor (a gap is an error, never a skip). */
REM_CHECKED rem_status rem_log_put_entry(rem_commit_group *group, const char *tenant, rem_slice value, rem_error *err);
/* Takes the payload out of a stored entry. REM_NOT_FOUND when it is below the floor. */
REM_CHECKED rem_status rem_log_blank(rem_commit_group *group, const char *tenant, uint64_t seq, rem_error *err);

/* ---- reading ---- */

/* 0 for a tenant that never wrote. */
REM_CHECKED rem_status rem_log_last_seq(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant,
                                        uint64_t *ret_seq, rem_error *err);
REM_CHECKED rem_status rem_log_floor(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant,
                                     uint64_t *ret_floor, rem_error *err);
/* Bytes of the entries stored. */
REM_CHECKED rem_status rem_log_bytes(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant,
                                     uint64_t *ret_bytes, rem_error *err);

typedef struct rem_log_reader rem_log_reader;
/* Entries after `after_seq` (exclusive, D25) in order. REM_LIMIT when some of them are gone (after_seq below the floor). Owned. */
REM_CHECKED rem_status rem_log_reader_new(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant,
                                          uint64_t after_seq, rem_log_reader **ret_reader, rem_error *err);
void rem_log_reader_free(rem_log_reader *reader);
/* REM_ROW with an entry, borrowed until the next call, or REM_DONE. REM_CORRUPT: damaged, a gap, or a broken chain. */
REM_CHECKED rem_status rem_log_reader_next(rem_log_reader *reader, rem_log_entry *ret_entry, rem_error *err);
/* The stored bytes of the entry just given. */
rem_slice rem_log_reader_value(const rem_log_reader *reader);

/* ---- keeping it bounded ---- */

/*
 * Drops the oldest entries when more than `max_bytes` + a quarter are stored, down to `max_bytes`; 0 bytes: all of them. First the floor is stored and
 * synced, then one range is deleted. REM_OK; how many went through `ret_dropped` (may be NULL). Takes its turn among commits.
 */
REM_CHECKED rem_status rem_log_trim(rem_committer *committer, const char *tenant, uint64_t max_bytes,
                                    uint64_t *ret_dropped, rem_error *err);

#endif
