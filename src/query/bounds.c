/* SPDX-License-Identifier: Apache-2.0 */
#include "query/bounds.h"

#include <ctype.h>

#include "storage/key.h"

/* Turns a prefix into the end of all keys that start with it. */
static void to_end(rem_buffer *bytes) {
  rem_buffer end REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_prefix_end(&end, rem_buffer_slice(bytes));
  rem_buffer_reset(bytes);
  rem_buffer_append_slice(bytes, rem_buffer_slice(&end));
}

/* True: the value is one whose entries are by prefix and hash. */
static bool put_value(rem_buffer *bytes, rem_slice prefix, const rem_value *value) {
  rem_buffer_reset(bytes);
  rem_buffer_append_slice(bytes, prefix);
  return rem_key_append_value(bytes, value);
}

/* The first 512 bytes of a long text. */
static void put_long(rem_buffer *bytes, rem_slice prefix, const rem_value *value) {
  rem_buffer_reset(bytes);
  rem_buffer_append_slice(bytes, prefix);
  (void)rem_key_append_value_prefix(bytes, rem_slice_of(value->text, REM_KEY_VALUE_MAX));
}

void rem_bounds_all(rem_slice prefix, rem_buffer *lower, rem_buffer *upper) {
  rem_buffer_reset(lower);
  rem_buffer_append_slice(lower, prefix);
  rem_buffer_reset(upper);
  rem_buffer_append_slice(upper, prefix);
  to_end(upper);
}

void rem_bounds_equal(rem_slice prefix, const rem_value *value, rem_buffer *lower, rem_buffer *upper) {
  static const rem_value null = {.type = REM_TYPE_NULL};
  (void)put_value(lower, prefix, value ? value : &null);
  rem_buffer_reset(upper);
  rem_buffer_append_slice(upper, rem_buffer_slice(lower));
  to_end(upper);
}

static void take(rem_buffer *side, const rem_buffer *bound) {
  if (bound->failure < 0) {
    side->failure = bound->failure;
    return;
  }
  rem_buffer_reset(side);
  rem_buffer_append_slice(side, rem_buffer_slice(bound));
}

void rem_bounds_narrow(rem_slice prefix, const rem_term *term, rem_buffer *lower, rem_buffer *upper) {
  rem_buffer bound REM_CLEANUP(rem_buffer_deinit) = {0};
  bool is_long = put_value(&bound, prefix, &term->value);
  if (is_long)
    put_long(&bound, prefix, &term->value);
  bool from = term->op == SQLITE_INDEX_CONSTRAINT_GT || term->op == SQLITE_INDEX_CONSTRAINT_GE;
  if (from ? !is_long && term->op == SQLITE_INDEX_CONSTRAINT_GT : is_long || term->op == SQLITE_INDEX_CONSTRAINT_LE)
    to_end(&bound);
  rem_buffer *side = from ? lower : upper;
  int order = rem_slice_compare(rem_buffer_slice(&bound), rem_buffer_slice(side));
  if (from ? order > 0 : order < 0)
    take(side, &bound);
}

void rem_bounds_leave_nulls(rem_slice prefix, rem_buffer *lower) {
  if (lower->size == prefix.size)
    rem_buffer_append_byte(lower, 1);
}

bool rem_bounds_as_indexed(const rem_column *column, rem_value *value) {
  if (column->kind != REM_FIELD_BOOL)
    return true;
  bool whole = value->type == REM_TYPE_INT || (value->type == REM_TYPE_REAL && (value->real == 0 || value->real == 1));
  int64_t integer = value->type == REM_TYPE_REAL ? (int64_t)value->real : value->integer;
  *value = (rem_value){.type = REM_TYPE_BOOL, .integer = integer};
  return whole && (integer == 0 || integer == 1);
}

/* How much of a pattern is plain text. */
static size_t plain_size(rem_slice pattern, const char *wild) {
  size_t plain = 0;
  while (plain < pattern.size && plain < REM_KEY_VALUE_MAX && !memchr(wild, pattern.data[plain], strlen(wild)))
    plain++;
  return plain;
}

size_t rem_bounds_like(rem_slice prefix, int op, rem_slice pattern, char ret_folded[REM_KEY_VALUE_MAX], rem_buffer *lower, rem_buffer *upper) {
  bool like = op == SQLITE_INDEX_CONSTRAINT_LIKE;
  size_t plain = plain_size(pattern, like ? "%_" : "*?[");
  char large[REM_KEY_VALUE_MAX];
  for (size_t i = 0; i < plain; i++) {
    bool ascii = like && pattern.data[i] < 128;
    ret_folded[i] = (char)(ascii ? tolower(pattern.data[i]) : pattern.data[i]);
    large[i] = (char)(ascii ? toupper(pattern.data[i]) : pattern.data[i]);
  }
  rem_buffer_reset(lower);
  rem_buffer_append_slice(lower, prefix);
  (void)rem_key_append_value_prefix(lower, rem_slice_of(large, plain));
  rem_buffer_reset(upper);
  rem_buffer_append_slice(upper, prefix);
  (void)rem_key_append_value_prefix(upper, rem_slice_of(ret_folded, plain));
  to_end(upper);
  return plain;
}

bool rem_bounds_element(sqlite3_value *argument, rem_value *value) {
  switch (sqlite3_value_type(argument)) {
  case SQLITE_INTEGER: *value = (rem_value){.type = REM_TYPE_INT, .integer = sqlite3_value_int64(argument)}; return true;
  case SQLITE_FLOAT: *value = (rem_value){.type = REM_TYPE_REAL, .real = sqlite3_value_double(argument)}; return true;
  case SQLITE_TEXT:
    *value = (rem_value){.type = REM_TYPE_TEXT,
                         .text = (const char *)sqlite3_value_text(argument),
                         .text_size = (size_t)sqlite3_value_bytes(argument)};
    return value->text != NULL;
  default: return false;
  }
}

bool rem_bounds_may_be_boolean(sqlite3_value *argument) {
  rem_value value;
  if (!rem_bounds_element(argument, &value) || value.type == REM_TYPE_TEXT)
    return false;
  return value.type == REM_TYPE_REAL ? value.real == 0 || value.real == 1 : value.integer == 0 || value.integer == 1;
}
