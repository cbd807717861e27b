/* SPDX-License-Identifier: Apache-2.0 */
/* Taking keys apart. They come from the disk, so every length is checked. */
#include <string.h>

#include "storage/key.h"

/* What follows the kind: t tenant, b table, n number; '*' raw rest; '|' the key ends there. */
typedef struct key_shape {
  const char *kind, *parts;
} key_shape;

static const key_shape shapes[] = {
    {"entity", "tb*"}, {"large", "tb*"},   {"vector", "tbn*"}, {"vlog", "tbn*"},  {"pending", "tbn*"},
    {"index", "tbn*"}, {"key", "t*"},      {"edge", "t*"},     {"wal", "t*"},     {"table", "tb|"},
    {"counter", "tb|"}, {"tenant", "t|"}, {"format", "|"},     {"identity", "|"}, {"graph", "tbn|"},
};

/* The bytes up to the next ':' (which is skipped), or to the end. False when there is no ':' and one is needed. */
static bool read_word(rem_slice *cursor, bool last, rem_slice *ret_word) {
  const uint8_t *colon = cursor->size ? memchr(cursor->data, ':', cursor->size) : NULL;
  if (last ? colon != NULL : colon == NULL)
    return false;
  size_t size = colon ? (size_t)(colon - cursor->data) : cursor->size;
  *ret_word = rem_slice_of(cursor->data, size);
  size_t step = size + (colon != NULL);
  *cursor = rem_slice_of(cursor->data + step, cursor->size - step);
  return size > 0;
}

static bool read_number(rem_slice word, uint64_t *ret_number) {
  uint64_t number = 0;
  for (size_t i = 0; i < word.size; i++) {
    if (word.data[i] < '0' || word.data[i] > '9' || __builtin_mul_overflow(number, 10u, &number) ||
        __builtin_add_overflow(number, (uint64_t)(word.data[i] - '0'), &number))
      return false;
  }
  *ret_number = number;
  return word.size > 0;
}

static const key_shape *find_shape(rem_slice kind) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (rem_slice_equal(kind, rem_slice_text(shapes[i].kind)))
      return &shapes[i];
  return NULL;
}

/* wal:{tenant}:entry:{20 digits}: the number is the sequence. */
static bool parse_log(rem_key_parts *parts) {
  static const char entry[] = "entry:";
  if (!rem_slice_starts_with(parts->rest, rem_slice_text(entry)))
    return true;
  rem_slice digits = rem_slice_of(parts->rest.data + sizeof entry - 1, parts->rest.size - (sizeof entry - 1));
  return digits.size == 20 && read_number(digits, &parts->number);
}

static bool parse_parts(rem_slice cursor, const char *shape, rem_key_parts *parts) {
  for (; *shape != '*' && *shape != '|'; shape++) {
    rem_slice word;
    if (!read_word(&cursor, shape[1] == '|', &word))
      return false;
    if (*shape == 't')
      parts->tenant = word;
    else if (*shape == 'b')
      parts->table = word;
    else if (!read_number(word, &parts->number))
      return false;
  }
  parts->rest = cursor;
  return *shape == '*' || cursor.size == 0;
}

bool rem_key_parse(rem_slice key, rem_key_parts *ret_parts) {
  rem_key_parts parts = {0};
  rem_slice cursor = key;
  const uint8_t *colon = key.size ? memchr(key.data, ':', key.size) : NULL;
  if (!read_word(&cursor, !colon, &parts.kind))
    return false;
  const key_shape *shape = find_shape(parts.kind);
  if (!shape || !parse_parts(cursor, shape->parts, &parts))
    return false;
  if (strcmp(shape->kind, "wal") == 0 && !parse_log(&parts))
    return false;
  *ret_parts = parts;
  return true;
}

const uint8_t *rem_key_id(rem_slice key) {
  return key.size >= 16 ? key.data + key.size - 16 : NULL;
}

/* ---- edges ---- */

/* Unescaped texts while the buffer may still move. */
typedef struct text_span {
  size_t start, size;
} text_span;

static bool read_span(rem_slice *cursor, rem_buffer *buffer, text_span *ret_span) {
  ret_span->start = buffer->size;
  if (!rem_key_read_text(cursor, buffer))
    return false;
  ret_span->size = buffer->size - ret_span->start;
  return !buffer->failure;
}

static rem_slice span_slice(const rem_buffer *buffer, text_span span) {
  return rem_slice_of(buffer->data ? buffer->data + span.start : NULL, span.size);
}

static bool read_id(rem_slice *cursor, uint8_t ret_id[16]) {
  if (cursor->size < 16)
    return false;
  memcpy(ret_id, cursor->data, 16);
  *cursor = rem_slice_of(cursor->data + 16, cursor->size - 16);
  return true;
}

typedef struct edge_spans {
  text_span type, table, key;
} edge_spans;

static bool read_target(rem_slice *cursor, rem_buffer *buffer, rem_key_target *target, edge_spans *spans) {
  if (!cursor->size)
    return false;
  target->kind = (rem_key_target_kind)cursor->data[0];
  *cursor = rem_slice_of(cursor->data + 1, cursor->size - 1);
  switch (target->kind) {
  case REM_TARGET_ID:
    return read_id(cursor, target->id);
  case REM_TARGET_TABLE_KEY:
    return read_span(cursor, buffer, &spans->table) && read_span(cursor, buffer, &spans->key);
  case REM_TARGET_KEY:
    return read_span(cursor, buffer, &spans->key);
  default:
    return false;
  }
}

static bool edge_rest(rem_slice key, rem_slice *ret_rest) {
  rem_key_parts parts;
  if (!rem_key_parse(key, &parts) || !rem_slice_equal(parts.kind, rem_slice_text("edge")))
    return false;
  *ret_rest = parts.rest;
  return true;
}

static void resolve(const rem_buffer *buffer, const edge_spans *spans, rem_slice *ret_type, rem_key_target *target) {
  *ret_type = span_slice(buffer, spans->type);
  target->table = span_slice(buffer, spans->table);
  target->key = span_slice(buffer, spans->key);
}

bool rem_key_parse_edge(rem_slice key, rem_buffer *buffer, uint8_t ret_source[16], rem_slice *ret_type,
                        rem_key_target *ret_target) {
  rem_slice cursor;
  edge_spans spans = {0};
  *ret_target = (rem_key_target){0};
  if (!edge_rest(key, &cursor) || !read_id(&cursor, ret_source) || !read_span(&cursor, buffer, &spans.type) ||
      !read_target(&cursor, buffer, ret_target, &spans) || cursor.size)
    return false;
  resolve(buffer, &spans, ret_type, ret_target);
  return true;
}

bool rem_key_parse_edge_reverse(rem_slice key, rem_buffer *buffer, uint8_t ret_source[16], rem_slice *ret_type,
                                rem_key_target *ret_target) {
  rem_slice cursor;
  edge_spans spans = {0};
  *ret_target = (rem_key_target){0};
  if (!edge_rest(key, &cursor) || !read_target(&cursor, buffer, ret_target, &spans) ||
      !read_span(&cursor, buffer, &spans.type) || !read_id(&cursor, ret_source) || cursor.size)
    return false;
  resolve(buffer, &spans, ret_type, ret_target);
  return true;
}
