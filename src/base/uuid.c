/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/blake3.h"

/* Where the hyphens stand in the 36 characters. */
static bool is_hyphen_at(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

void rem_uuid_format(const uint8_t bytes[16], char ret_text[37]) {
  static const char digits[] = "0123456789abcdef";
  size_t position = 0;
  for (size_t i = 0; i < 16; i++) {
    if (is_hyphen_at(position))
      ret_text[position++] = '-';
    ret_text[position++] = digits[bytes[i] >> 4];
    ret_text[position++] = digits[bytes[i] & 15];
  }
  ret_text[position] = 0;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool rem_uuid_parse(const char *text, size_t size, uint8_t ret_bytes[16]) {
  uint8_t bytes[16];
  size_t position = 0;
  if (size != REM_UUID_TEXT_SIZE)
    return false;
  for (size_t i = 0; i < 16; i++) {
    if (is_hyphen_at(position) && text[position++] != '-')
      return false;
    int high = hex_value(text[position]), low = hex_value(text[position + 1]);
    if (high < 0 || low < 0)
      return false;
    bytes[i] = (uint8_t)(high << 4 | low);
    position += 2;
  }
  memcpy(ret_bytes, bytes, sizeof bytes);
  return true;
}

rem_status rem_uuid_random(uint8_t ret_bytes[16], rem_error *err) {
  uint8_t bytes[16];
  ssize_t got;
  do
    got = getrandom(bytes, sizeof bytes, 0);
  while (got < 0 && errno == EINTR);
  if (got != (ssize_t)sizeof bytes)
    return rem_error_set(err, REM_IO, "the system's random source gave nothing");
  bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40); /* version 4 */
  bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80); /* variant of RFC 9562 */
  memcpy(ret_bytes, bytes, sizeof bytes);
  return REM_OK;
}

void rem_uuid_of_key(const char *tenant, const char *table, const void *key, size_t key_size,
                     uint8_t ret_bytes[16]) {
  rem_blake3 hasher;
  rem_blake3_init(&hasher);
  rem_blake3_update(&hasher, tenant, strlen(tenant));
  rem_blake3_update(&hasher, ":", 1);
  rem_blake3_update(&hasher, table, strlen(table));
  rem_blake3_update(&hasher, ":", 1);
  rem_blake3_update(&hasher, key, key_size);
  rem_blake3_final(&hasher, ret_bytes, 16);
}
