/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in byte order (key.h has the picture).
 *
 * Numbers: a double alone cannot tell 2^53 from 2^53 + 1. An integer is rounded to the nearest double and keeps the distance; rounding
 * is monotonic, so comparing (double, distance) is comparing exactly: if the rounded values differ they decide rightly, and when they
 * are equal the distance does. A real has distance 0.
 */
#include <math.h>
#include <string.h>

#include "base/blake3.h"
#include "storage/key.h"

enum {
  TAG_NULL = 0,
  TAG_FALSE = 1,
  TAG_TRUE = 2,
  TAG_NUMBER = 3,
  TAG_INSTANT = 4,
  TAG_UUID = 5,
  TAG_TEXT = 6,
  TAG_JSON = 7,
};

enum { END = 0x01, END_LONG = 0x02, ESCAPED = 0xFF };

#define SIGN ((uint64_t)1 << 63)
#define RESIDUAL_BIAS 0x8000
#define HASH_SIZE 16
#define NUMBER_SIZE 11

/* ---- text ---- */

void rem_key_append_text_open(rem_buffer *buffer, rem_slice text) {
  while (text.size) {
    const uint8_t *zero = memchr(text.data, 0, text.size);
    size_t plain = zero ? (size_t)(zero - text.data) : text.size;
    rem_buffer_append(buffer, text.data, plain);
    if (!zero)
      return;
    rem_buffer_append(buffer, (const uint8_t[]){0, ESCAPED}, 2);
    text = rem_slice_of(zero + 1, text.size - plain - 1);
  }
}

void rem_key_append_text(rem_buffer *buffer, rem_slice text) {
  rem_key_append_text_open(buffer, text);
  rem_buffer_append(buffer, (const uint8_t[]){0, END}, 2);
}

static bool append_text_value(rem_buffer *buffer, rem_slice text) {
  rem_buffer_append_byte(buffer, TAG_TEXT);
  if (text.size <= REM_KEY_VALUE_MAX) {
    rem_key_append_text(buffer, text);
    return false;
  }
  uint8_t hash[HASH_SIZE];
  rem_blake3_hash(text.data, text.size, hash, sizeof hash);
  rem_key_append_text_open(buffer, rem_slice_of(text.data, REM_KEY_VALUE_MAX));
  rem_buffer_append(buffer, (const uint8_t[]){0, END_LONG}, 2);
  rem_buffer_append(buffer, hash, sizeof hash);
  return true;
}

bool rem_key_append_value_prefix(rem_buffer *buffer, rem_slice text) {
  if (text.size > REM_KEY_VALUE_MAX)
    return false;
  rem_buffer_append_byte(buffer, TAG_TEXT);
  rem_key_append_text_open(buffer, text);
  return true;
}

/* ---- numbers ---- */

static uint64_t ordered_bits(double number) {
  uint64_t bits;
  if (number == 0)
    number = 0; /* -0.0 */
  if (isnan(number))
    number = NAN;
  memcpy(&bits, &number, sizeof bits);
  return bits & SIGN && !isnan(number) ? ~bits : bits | SIGN;
}

static double number_of_bits(uint64_t ordered) {
  uint64_t bits = ordered & SIGN ? ordered ^ SIGN : ~ordered;
  double number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

static void append_number_value(rem_buffer *buffer, double rounded, int residual) {
  uint8_t bytes[NUMBER_SIZE] = {TAG_NUMBER};
  rem_store_u64be(bytes + 1, ordered_bits(rounded));
  unsigned biased = (unsigned)(residual + RESIDUAL_BIAS);
  bytes[9] = (uint8_t)(biased >> 8);
  bytes[10] = (uint8_t)biased;
  rem_buffer_append(buffer, bytes, sizeof bytes);
}

static void append_integer_value(rem_buffer *buffer, int64_t integer) {
  double rounded = (double)integer;
  /* 128 bits: the rounded value may be 2^63. */
  append_number_value(buffer, rounded, (int)(integer - (__extension__ (__int128)rounded)));
}

/* ---- any value ---- */

bool rem_key_append_value(rem_buffer *buffer, const rem_value *value) {
  uint8_t bytes[17];
  switch (value->type) {
  case REM_TYPE_INT:
    append_integer_value(buffer, value->integer);
    return false;
  case REM_TYPE_REAL:
    append_number_value(buffer, value->real, 0);
    return false;
  case REM_TYPE_TEXT:
    return append_text_value(buffer, rem_slice_of(value->text, value->text_size));
  case REM_TYPE_INSTANT:
    bytes[0] = TAG_INSTANT;
    rem_store_u64be(bytes + 1, (uint64_t)value->integer ^ SIGN);
    rem_buffer_append(buffer, bytes, 9);
    return false;
  case REM_TYPE_UUID:
    bytes[0] = TAG_UUID;
    memcpy(bytes + 1, value->uuid, 16);
    rem_buffer_append(buffer, bytes, 17);
    return false;
  case REM_TYPE_JSON:
    bytes[0] = TAG_JSON;
    rem_blake3_hash(value->text, value->text_size, bytes + 1, HASH_SIZE);
    rem_buffer_append(buffer, bytes, 17);
    return true;
  default:
    rem_buffer_append_byte(buffer, rem_key_value_tag(value));
    return false;
  }
}

uint8_t rem_key_value_tag(const rem_value *value) {
  switch (value->type) {
  case REM_TYPE_BOOL:
    return value->integer ? TAG_TRUE : TAG_FALSE;
  case REM_TYPE_INT:
  case REM_TYPE_REAL:
    return TAG_NUMBER;
  case REM_TYPE_INSTANT:
    return TAG_INSTANT;
  case REM_TYPE_UUID:
    return TAG_UUID;
  case REM_TYPE_TEXT:
    return TAG_TEXT;
  case REM_TYPE_JSON:
    return TAG_JSON;
  default:
    return TAG_NULL;
  }
}

/* ---- reading back ---- */

/* The size of escaped text without its two end bytes, which `ret_end` tells; false when there is no end. */
static bool measure_text(rem_slice bytes, size_t *ret_size, uint8_t *ret_end) {
  for (size_t at = 0; at < bytes.size;) {
    const uint8_t *zero = memchr(bytes.data + at, 0, bytes.size - at);
    if (!zero || zero + 1 >= bytes.data + bytes.size)
      return false;
    at = (size_t)(zero - bytes.data);
    if (zero[1] != ESCAPED) {
      *ret_size = at;
      *ret_end = zero[1];
      return zero[1] == END || zero[1] == END_LONG;
    }
    at += 2;
  }
  return false;
}

static void append_unescaped(rem_buffer *buffer, rem_slice escaped) {
  while (escaped.size) {
    const uint8_t *zero = memchr(escaped.data, 0, escaped.size);
    size_t plain = zero ? (size_t)(zero - escaped.data) + 1 : escaped.size;
    rem_buffer_append(buffer, escaped.data, plain);
    size_t step = plain + (zero != NULL);
    escaped = rem_slice_of(escaped.data + step, escaped.size - step);
  }
}

bool rem_key_read_text(rem_slice *cursor, rem_buffer *buffer) {
  size_t size;
  uint8_t end;
  if (!measure_text(*cursor, &size, &end) || end != END)
    return false;
  append_unescaped(buffer, rem_slice_of(cursor->data, size));
  *cursor = rem_slice_of(cursor->data + size + 2, cursor->size - size - 2);
  return true;
}

/* The whole size of the encoded value at the start of `bytes`; 0 when it is cut off or unknown. */
static size_t value_size(rem_slice bytes) {
  static const uint8_t fixed[8] = {1, 1, 1, NUMBER_SIZE, 9, 17, 0, 17};
  if (!bytes.size || bytes.data[0] > TAG_JSON)
    return 0;
  size_t size = fixed[bytes.data[0]];
  if (size)
    return size <= bytes.size ? size : 0;
  size_t text_size;
  uint8_t end;
  if (!measure_text(rem_slice_of(bytes.data + 1, bytes.size - 1), &text_size, &end))
    return 0;
  size = 1 + text_size + 2 + (end == END_LONG ? HASH_SIZE : 0);
  return size <= bytes.size ? size : 0;
}

bool rem_key_skip_value(rem_slice *cursor, rem_slice *ret_value) {
  size_t size = value_size(*cursor);
  if (!size)
    return false;
  *ret_value = rem_slice_of(cursor->data, size);
  *cursor = rem_slice_of(cursor->data + size, cursor->size - size);
  return true;
}

static bool decode_number(const uint8_t *bytes, rem_value *ret_value) {
  double rounded = number_of_bits(rem_load_u64be(bytes));
  int residual = (bytes[8] << 8 | bytes[9]) - RESIDUAL_BIAS;
  bool integral = rounded >= -0x1p63 && rounded <= 0x1p63 && rounded == trunc(rounded);
  if (!integral && residual)
    return false;
  __extension__ __int128 exact = integral ? (__extension__ (__int128)rounded) + residual : 0;
  if (integral && exact >= INT64_MIN && exact <= INT64_MAX) {
    *ret_value = (rem_value){.type = REM_TYPE_INT, .integer = (int64_t)exact};
    return true;
  }
  *ret_value = (rem_value){.type = REM_TYPE_REAL, .real = rounded};
  return residual == 0;
}

static bool decode_text(rem_slice escaped, rem_buffer *buffer, rem_value *ret_value) {
  size_t start = buffer->size;
  rem_slice cursor = escaped;
  if (!rem_key_read_text(&cursor, buffer) || buffer->failure)
    return false;
  *ret_value = (rem_value){.type = REM_TYPE_TEXT,
                           .text_size = buffer->size - start,
                           .text = buffer->data ? (const char *)buffer->data + start : ""};
  return true;
}

bool rem_key_decode_value(rem_slice encoded, rem_buffer *buffer, rem_value *ret_value) {
  if (!encoded.size || value_size(encoded) != encoded.size)
    return false;
  switch (encoded.data[0]) {
  case TAG_NULL:
    *ret_value = (rem_value){.type = REM_TYPE_NULL};
    return true;
  case TAG_FALSE:
  case TAG_TRUE:
    *ret_value = (rem_value){.type = REM_TYPE_BOOL, .integer = encoded.data[0] == TAG_TRUE};
    return true;
  case TAG_NUMBER:
    return decode_number(encoded.data + 1, ret_value);
  case TAG_INSTANT:
    *ret_value = (rem_value){.type = REM_TYPE_INSTANT, .integer = (int64_t)(rem_load_u64be(encoded.data + 1) ^ SIGN)};
    return true;
  case TAG_UUID:
    *ret_value = (rem_value){.type = REM_TYPE_UUID, .uuid = encoded.data + 1};
    return true;
  case TAG_TEXT:
    return decode_text(rem_slice_of(encoded.data + 1, encoded.size - 1), buffer, ret_value);
  default:
    return false;
  }
}
