/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: validation and stepping (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
#ifndef REM_BASE_UTF8_H
#define REM_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The offset of the first byte that is not valid UTF-8, or `size`. Fast on ASCII. */
size_t rem_utf8_valid_prefix(const char *text, size_t size);
static inline bool rem_utf8_valid(const char *text, size_t size) {
  return rem_utf8_valid_prefix(text, size) == size;
}
/* Decodes one character of valid text at `*offset` and steps over it; `*offset` < size. On an invalid byte it
 * gives U+FFFD and steps one byte. */
uint32_t rem_utf8_next(const char *text, size_t size, size_t *offset);
/* Encodes a character up to U+10FFFF; 1 to 4 bytes into `ret_bytes`, returns how many. */
size_t rem_utf8_encode(uint32_t character, char ret_bytes[4]);
/* The largest character boundary <= `offset`. */
size_t rem_utf8_floor(const char *text, size_t size, size_t offset);

#endif
