/* SPDX-License-Identifier: Apache-2.0 */
/* The two records by which a database is known. */
#include "storage/identity.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/instant.h"
#include "base/uuid.h"

#define FORMAT_SIZE 12
#define IDENTITY_SIZE 32

static const char magic[4] = "REM";

static void put_format(rem_kv_batch *batch) {
  uint8_t bytes[FORMAT_SIZE];
  memcpy(bytes, magic, sizeof magic);
  rem_store_u32le(bytes + 4, REM_FORMAT_VERSION);
  rem_store_u32le(bytes + 8, rem_crc32c(0, bytes, 8));
  rem_kv_batch_put(batch, REM_CF_META, rem_slice_text("format"), rem_slice_of(bytes, sizeof bytes));
}

void rem_identity_put(rem_kv_batch *batch, const rem_identity *identity) {
  uint8_t bytes[IDENTITY_SIZE];
  memcpy(bytes, identity->uuid, 16);
  rem_store_u64le(bytes + 16, (uint64_t)identity->created_at);
  rem_store_u32le(bytes + 24, identity->epoch);
  rem_store_u32le(bytes + 28, rem_crc32c(0, bytes, 28));
  rem_kv_batch_put(batch, REM_CF_META, rem_slice_text("identity"), rem_slice_of(bytes, sizeof bytes));
}

rem_status rem_identity_create(rem_kv_batch *batch, rem_identity *ret_identity, rem_error *err) {
  rem_identity identity = {.created_at = rem_instant_now(), .epoch = 1};
  REM_TRY(rem_uuid_random(identity.uuid, err));
  put_format(batch);
  rem_identity_put(batch, &identity);
  *ret_identity = identity;
  return REM_OK;
}

static rem_status set_incomplete(rem_error *err) {
  rem_error_set(err, REM_CORRUPT, "the database was not made to the end: its format record is missing");
  rem_error_hint(err, "make it again with `db init`, or restore a backup");
  return REM_CORRUPT;
}

static rem_status check_format(rem_kv *kv, rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_status found = rem_kv_get(kv, NULL, REM_CF_META, rem_slice_text("format"), &pin, err);
  if (found == REM_NOT_FOUND)
    return set_incomplete(err);
  if (found < 0)
    return found;
  /* Magic and version stay where they are in every format to come; what follows may change. */
  if (pin.size < 8 || memcmp(pin.data, magic, sizeof magic) != 0)
    return rem_error_set(err, REM_CORRUPT, "the format record of the database is damaged");
  uint32_t version = rem_load_u32le(pin.data + 4);
  if (version > REM_FORMAT_VERSION) {
    rem_error_set(err, REM_FORMAT, "the database has format %u; this version reads up to %d", version,
                  REM_FORMAT_VERSION);
    rem_error_hint(err, "update this program: the database was written by a newer version");
    return REM_FORMAT;
  }
  if (!version || pin.size != FORMAT_SIZE || rem_load_u32le(pin.data + 8) != rem_crc32c(0, pin.data, 8))
    return rem_error_set(err, REM_CORRUPT, "the format record of the database is damaged");
  return REM_OK;
}

rem_status rem_identity_load(rem_kv *kv, rem_identity *ret_identity, rem_error *err) {
  REM_TRY(check_format(kv, err));
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_status found = rem_kv_get(kv, NULL, REM_CF_META, rem_slice_text("identity"), &pin, err);
  if (found < 0)
    return found;
  if (found == REM_NOT_FOUND || pin.size != IDENTITY_SIZE ||
      rem_load_u32le(pin.data + 28) != rem_crc32c(0, pin.data, 28))
    return rem_error_set(err, REM_CORRUPT, "the identity record of the database is missing or damaged");
  memcpy(ret_identity->uuid, pin.data, 16);
  ret_identity->created_at = (int64_t)rem_load_u64le(pin.data + 16);
  ret_identity->epoch = rem_load_u32le(pin.data + 24);
  return REM_OK;
}
