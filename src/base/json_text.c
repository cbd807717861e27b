/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON: every row printed passes here, so it appends straight to one buffer: strings are copied in runs
 * between the few bytes that need an escape (found eight at a time), integers and whole reals are printed by
 * hand.
 */
#include "base/json.h"

#include <math.h>

#include "base/real.h"

#define ONES  0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* High bit set in each byte of `word` that may be `"`, `\` or below 0x20; borrow may also mark the byte after
 * such a one. */
static uint64_t escape_marks(uint64_t word) {
  uint64_t quote = word ^ (ONES * '"'), slash = word ^ (ONES * '\\');
  uint64_t low = (word - ONES * 0x20) & ~word;
  return (((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) | low) & HIGHS;
}

static bool needs_escape(unsigned char c) {
  return c < 0x20 || c == '"' || c == '\\';
}

/* The length of the run at the start of `text` that is copied as it is. */
static size_t plain_run(const char *text, size_t size) {
  size_t run = 0;
  uint64_t word;
  while (run + sizeof word <= size) {
    memcpy(&word, text + run, sizeof word);
    uint64_t marks = escape_marks(word);
    if (marks) /* the lowest mark is always a true one */
      return run + (size_t)__builtin_ctzll(marks) / 8;
    run += sizeof word;
  }
  while (run < size && !needs_escape((unsigned char)text[run]))
    run++;
  return run;
}

static void append_escape(rem_buffer *buffer, unsigned char c) {
  static const char digits[] = "0123456789abcdef";
  switch (c) {
  case '"': rem_buffer_append(buffer, "\\\"", 2); return;
  case '\\': rem_buffer_append(buffer, "\\\\", 2); return;
  case '\b': rem_buffer_append(buffer, "\\b", 2); return;
  case '\f': rem_buffer_append(buffer, "\\f", 2); return;
  case '\n': rem_buffer_append(buffer, "\\n", 2); return;
  case '\r': rem_buffer_append(buffer, "\\r", 2); return;
  case '\t': rem_buffer_append(buffer, "\\t", 2); return;
  default: break;
  }
  char code[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
  rem_buffer_append(buffer, code, sizeof code);
}

void rem_json_append_string(rem_buffer *buffer, const char *text, size_t size) {
  rem_buffer_append_byte(buffer, '"');
  while (size > 0) {
    size_t run = plain_run(text, size);
    if (run)
      rem_buffer_append(buffer, text, run);
    if (run < size) {
      append_escape(buffer, (unsigned char)text[run]);
      run++;
    }
    text += run;
    size -= run;
  }
  rem_buffer_append_byte(buffer, '"');
}

static void append_integer(rem_buffer *buffer, int64_t value) {
  char text[20], *p = text + sizeof text;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do {
    *--p = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (value < 0)
    *--p = '-';
  rem_buffer_append(buffer, p, (size_t)(text + sizeof text - p));
}

void rem_json_append_real(rem_buffer *buffer, double value) {
  if (!isfinite(value)) { /* JSON has no word for it; the parsers let none in */
    rem_buffer_append(buffer, "null", 4);
    return;
  }
  char text[REM_REAL_TEXT_SIZE];
  size_t length = rem_real_format(value, text);
  rem_buffer_append(buffer, text, length);
}

static rem_status append_value(rem_buffer *buffer, const json_t *json, size_t depth, rem_error *err);

static rem_status append_object(rem_buffer *buffer, const json_t *json, size_t depth, rem_error *err) {
  json_t *members = (json_t *)json; /* iterators want it mutable and change nothing */
  char before = '{';
  for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
    rem_buffer_append_byte(buffer, (uint8_t)before);
    rem_json_append_string(buffer, json_object_iter_key(i), json_object_iter_key_len(i));
    rem_buffer_append_byte(buffer, ':');
    REM_TRY(append_value(buffer, json_object_iter_value(i), depth, err));
    before = ',';
  }
  if (before == '{')
    rem_buffer_append_byte(buffer, '{');
  rem_buffer_append_byte(buffer, '}');
  return REM_OK;
}

static rem_status append_array(rem_buffer *buffer, const json_t *json, size_t depth, rem_error *err) {
  size_t count = json_array_size(json);
  rem_buffer_append_byte(buffer, '[');
  for (size_t i = 0; i < count; i++) {
    if (i > 0)
      rem_buffer_append_byte(buffer, ',');
    REM_TRY(append_value(buffer, json_array_get(json, i), depth, err));
  }
  rem_buffer_append_byte(buffer, ']');
  return REM_OK;
}

/* `depth` is how many containers may still be opened; it also ends a value that contains itself. */
static rem_status append_value(rem_buffer *buffer, const json_t *json, size_t depth, rem_error *err) {
  if (!json)
    return rem_error_set(err, REM_MISUSE, "there is no JSON value to write");
  switch (json_typeof(json)) {
  case JSON_OBJECT:
  case JSON_ARRAY:
    if (depth == 0)
      return rem_error_set(err, REM_LIMIT, "a JSON value is nested too deep to be written");
    return json_is_object(json) ? append_object(buffer, json, depth - 1, err)
                                : append_array(buffer, json, depth - 1, err);
  case JSON_STRING:
    rem_json_append_string(buffer, json_string_value(json), json_string_length(json));
    return REM_OK;
  case JSON_INTEGER: append_integer(buffer, json_integer_value(json)); return REM_OK;
  case JSON_REAL: rem_json_append_real(buffer, json_real_value(json)); return REM_OK;
  case JSON_TRUE: rem_buffer_append(buffer, "true", 4); return REM_OK;
  case JSON_FALSE: rem_buffer_append(buffer, "false", 5); return REM_OK;
  case JSON_NULL: rem_buffer_append(buffer, "null", 4); return REM_OK;
  }
  return REM_OK;
}

rem_status rem_json_append(rem_buffer *buffer, const json_t *json, rem_error *err) {
  /* Twice what may come in: documents are wrapped in a few levels of our own. */
  REM_TRY(append_value(buffer, json, 2 * (size_t)REM_JSON_MAX_DEPTH, err));
  return rem_buffer_status(buffer, err);
}

rem_status rem_json_text(const json_t *json, rem_bytes *ret_text, rem_error *err) {
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  REM_TRY(rem_json_append(&buffer, json, err));
  return rem_buffer_take(&buffer, ret_text, err);
}
