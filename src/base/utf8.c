/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One decoder serves validation and stepping: a character is accepted by its lead byte's length, the range of
 * its second byte (which rules out overlong forms, surrogates and what lies above U+10FFFF, RFC 3629 section 4)
 * and continuation bytes after that. Runs of ASCII are skipped eight bytes at a time.
 */
#include "base/utf8.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080u

static bool is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

/* What the second byte after `lead` may be: the length of the character, or 0 when `lead` starts none. */
static size_t second_byte_range(unsigned char lead, unsigned char *ret_low, unsigned char *ret_high) {
  *ret_low = 0x80;
  *ret_high = 0xBF;
  if (lead < 0xC2)
    return 0;
  if (lead < 0xE0)
    return 2;
  if (lead < 0xF0) {
    if (lead == 0xE0)
      *ret_low = 0xA0;
    if (lead == 0xED)
      *ret_high = 0x9F;
    return 3;
  }
  if (lead > 0xF4)
    return 0;
  if (lead == 0xF0)
    *ret_low = 0x90;
  if (lead == 0xF4)
    *ret_high = 0x8F;
  return 4;
}

/* The length of the valid character at `p`, of which `left` bytes exist; 0 when there is none. */
static size_t character_size(const unsigned char *p, size_t left) {
  if (p[0] < 0x80)
    return 1;
  unsigned char low, high;
  size_t size = second_byte_range(p[0], &low, &high);
  if (size == 0 || size > left || p[1] < low || p[1] > high)
    return 0;
  for (size_t i = 2; i < size; i++)
    if (!is_continuation(p[i]))
      return 0;
  return size;
}

static size_t skip_ascii(const unsigned char *p, size_t offset, size_t size) {
  uint64_t word;
  while (offset + sizeof word <= size) {
    memcpy(&word, p + offset, sizeof word);
    if (word & HIGH_BITS)
      break;
    offset += sizeof word;
  }
  while (offset < size && p[offset] < 0x80)
    offset++;
  return offset;
}

size_t rem_utf8_valid_prefix(const char *text, size_t size) {
  const unsigned char *p = (const unsigned char *)text;
  size_t offset = skip_ascii(p, 0, size);
  while (offset < size) {
    size_t step = character_size(p + offset, size - offset);
    if (step == 0)
      return offset;
    offset += step;
    if (offset < size && p[offset] < 0x80)
      offset = skip_ascii(p, offset, size);
  }
  return size;
}

uint32_t rem_utf8_next(const char *text, size_t size, size_t *offset) {
  const unsigned char *p = (const unsigned char *)text + *offset;
  size_t step = character_size(p, size - *offset);
  *offset += step ? step : 1;
  switch (step) {
  case 1: return p[0];
  case 2: return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
  case 3: return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
  case 4:
    return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
           (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
  default: return 0xFFFD;
  }
}

size_t rem_utf8_encode(uint32_t character, char ret_bytes[4]) {
  if (character < 0x80) {
    ret_bytes[0] = (char)character;
    return 1;
  }
  if (character < 0x800) {
    ret_bytes[0] = (char)(0xC0 | character >> 6);
    ret_bytes[1] = (char)(0x80 | (character & 0x3F));
    return 2;
  }
  if (character < 0x10000) {
    ret_bytes[0] = (char)(0xE0 | character >> 12);
    ret_bytes[1] = (char)(0x80 | (character >> 6 & 0x3F));
    ret_bytes[2] = (char)(0x80 | (character & 0x3F));
    return 3;
  }
  ret_bytes[0] = (char)(0xF0 | character >> 18);
  ret_bytes[1] = (char)(0x80 | (character >> 12 & 0x3F));
  ret_bytes[2] = (char)(0x80 | (character >> 6 & 0x3F));
  ret_bytes[3] = (char)(0x80 | (character & 0x3F));
  return 4;
}

size_t rem_utf8_floor(const char *text, size_t size, size_t offset) {
  if (offset >= size)
    return size;
  /* In valid text a lead byte is at most three bytes back. */
  size_t floor = offset;
  for (int back = 0; back < 3 && floor > 0 && is_continuation((unsigned char)text[floor]); back++)
    floor--;
  return is_continuation((unsigned char)text[floor]) ? offset : floor;
}
