/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a database says of itself, in `meta`:
 *
 *   format     "REM" u8 0 | u32 format version | u32 crc32c                   refused when newer than this library
 *   identity   uuid[16] | i64 created_at (microseconds) | u32 epoch | u32 crc32c
 *
 * The epoch starts at 1; a restore starts the next one (D30). Little endian.
 */
#ifndef REM_STORAGE_IDENTITY_H
#define REM_STORAGE_IDENTITY_H

#include "storage/kv.h"

#define REM_FORMAT_VERSION 1

typedef struct rem_identity {
  uint8_t uuid[16];
  int64_t created_at; /* microseconds */
  uint32_t epoch;
} rem_identity;

/* Puts format and a new identity into the batch that makes the database. */
REM_CHECKED rem_status rem_identity_create(rem_kv_batch *batch, rem_identity *ret_identity, rem_error *err);
/* Checks the format and reads the identity. REM_FORMAT: written by a newer version; REM_CORRUPT: missing or damaged. */
REM_CHECKED rem_status rem_identity_load(rem_kv *kv, rem_identity *ret_identity, rem_error *err);
/* Replaces the identity (restore: a new epoch). */
void rem_identity_put(rem_kv_batch *batch, const rem_identity *identity);

#endif
