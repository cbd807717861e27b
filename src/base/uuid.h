/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs: 16 bytes, printed hyphenated in lower case (RFC 9562, section 4; D7). */
#ifndef REM_BASE_UUID_H
#define REM_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct rem_uuid {
  uint8_t bytes[16];
} rem_uuid;

#define REM_UUID_TEXT_SIZE 36
/* 36 characters and NUL. */
void rem_uuid_format(const uint8_t bytes[16], char ret_text[37]);
/* The hyphenated form in either case; false for anything else. */
bool rem_uuid_parse(const char *text, size_t size, uint8_t ret_bytes[16]);
/* Version 4, from the system's random source. */
REM_CHECKED rem_status rem_uuid_random(uint8_t ret_bytes[16], rem_error *err);
/* D7: the first 16 bytes of BLAKE3 over "{tenant}:{table}:{key}". */
void rem_uuid_of_key(const char *tenant, const char *table, const void *key, size_t key_size, uint8_t ret_bytes[16]);

#endif
