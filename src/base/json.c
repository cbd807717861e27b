/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON: what jansson does not refuse by itself, or refuses in a way nobody could act on, is checked
 * before it runs.
 *
 *   bytes -> valid UTF-8, no NUL? -> nesting <= 512? -> jansson (strict flags) -> value
 *               |                         |                    |
 *               `-- our error, with byte offset, line and column; jansson's reason put into our words
 *
 * The nesting is counted beforehand, without recursion, so that a hostile text never reaches the recursive
 * parser. A text no longer than the limit cannot exceed it and is not scanned.
 *
 * json_reader.c takes what is well-formed; jansson what that leaves.
 *
 * jansson reports where its lexer stood, which is behind the token to blame; error_offset() steps back to where
 * it begins.
 */
#include "base/json.h"

#include "base/json_reader.h"
#include "base/text.h"
#include "base/utf8.h"

static rem_status fail_at(rem_error *err, rem_status code, const char *text, size_t offset,
                          const char *reason) {
  rem_text_place at = rem_text_place_of(text, offset);
  rem_error_set(err, code, "invalid JSON at line %zu, column %zu: %s", at.line, at.column, reason);
  if (err)
    err->offset = (int64_t)offset;
  return code;
}

/* jansson passes over a NUL byte between tokens. */
static rem_status check_nul(const char *text, size_t size, rem_error *err) {
  const char *nul = size ? memchr(text, 0, size) : NULL;
  return nul ? fail_at(err, REM_INVALID, text, (size_t)(nul - text), "NUL bytes are not allowed") : REM_OK;
}

static rem_status check_utf8(const char *text, size_t size, rem_error *err) {
  size_t valid = rem_utf8_valid_prefix(text, size);
  if (valid == size)
    return REM_OK;
  char reason[80];
  snprintf(reason, sizeof reason, "byte 0x%02x at offset %zu is not UTF-8",
           (unsigned char)text[valid], valid);
  fail_at(err, REM_INVALID, text, valid, reason);
  rem_error_hint(err, "save the text as UTF-8");
  return REM_INVALID;
}

/* The offset behind the string literal whose opening quote is at `offset`, or `size`. */
static size_t skip_string(const char *text, size_t size, size_t offset) {
  for (offset++; offset < size; offset++) {
    if (text[offset] == '"')
      return offset + 1;
    if (text[offset] == '\\')
      offset++;
  }
  return size;
}

static rem_status check_depth(const char *text, size_t size, rem_error *err) {
  size_t depth = 0, offset = 0;
  if (size <= REM_JSON_MAX_DEPTH)
    return REM_OK;
  while (offset < size) {
    char c = text[offset];
    if (c == '"') {
      offset = skip_string(text, size, offset);
      continue;
    }
    if (c == '[' || c == '{') {
      if (++depth > REM_JSON_MAX_DEPTH)
        return fail_at(err, REM_LIMIT, text, offset, "nested deeper than 512 levels");
    } else if ((c == ']' || c == '}') && depth > 0) {
      depth--;
    }
    offset++;
  }
  return REM_OK;
}

static bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '+' || c == '.' || c == '_';
}

/* The opening quote of the literal whose closing quote is at `offset`: the first quote before it that no odd
 * run of backslashes escapes. */
static size_t string_start(const char *text, size_t offset) {
  while (offset > 0) {
    offset--;
    if (text[offset] != '"')
      continue;
    size_t slashes = 0;
    while (slashes < offset && text[offset - 1 - slashes] == '\\')
      slashes++;
    if (slashes % 2 == 0)
      return offset;
  }
  return 0;
}

/* The start of the token that ends before `end`. */
static size_t token_start(const char *text, size_t end) {
  if (end == 0)
    return 0;
  size_t offset = end - 1;
  if (text[offset] == '"')
    return string_start(text, offset);
  while (offset > 0 && is_word(text[offset]) && is_word(text[offset - 1]))
    offset--;
  return offset;
}

static size_t error_offset(const char *text, size_t size, const json_error_t *failure) {
  size_t end = failure->position > 0 ? (size_t)failure->position : 0;
  if (end > size)
    end = size;
  switch (json_error_code(failure)) {
  case json_error_premature_end_of_input: return size;
  case json_error_duplicate_key:
  case json_error_numeric_overflow:
  case json_error_end_of_input_expected:
  case json_error_null_byte_in_key: return token_start(text, end);
  default: break;
  }
  /* "… expected", "invalid token" and "invalid Unicode …" blame a whole token, the rest the byte at hand inside a
   * string, which an invalid escape has already taken. */
  if (strstr(failure->text, "expected") || strstr(failure->text, "token") || strstr(failure->text, "Unicode"))
    return token_start(text, end);
  return strstr(failure->text, "escape") && end > 0 ? end - 1 : end;
}

/* jansson's words up to its own excerpt of the text. */
static void own_words(const char *theirs, char *ret_reason, size_t capacity) {
  const char *end = strstr(theirs, " near '");
  int length = end ? (int)(end - theirs) : (int)strlen(theirs);
  snprintf(ret_reason, capacity, "%.*s", length, theirs);
}

static bool is_real(const char *text, size_t size, size_t offset) {
  for (; offset < size && is_word(text[offset]); offset++)
    if (text[offset] == '.' || text[offset] == 'e' || text[offset] == 'E')
      return true;
  return false;
}

static rem_status parse_failure(const char *text, size_t size, const json_error_t *failure,
                                rem_error *err) {
  char reason[240];
  size_t offset = error_offset(text, size, failure);
  size_t end = failure->position > 0 && (size_t)failure->position <= size ? (size_t)failure->position : size;
  int token_size = end > offset ? (int)(end - offset < 100 ? end - offset : 100) : 0;
  switch (json_error_code(failure)) {
  case json_error_out_of_memory: return rem_error_nomem(err);
  case json_error_premature_end_of_input:
    return fail_at(err, REM_INVALID, text, offset,
                   size ? "the text ends before the value does" : "the text is empty");
  case json_error_duplicate_key:
    snprintf(reason, sizeof reason, "the key %.*s appears twice in one object", token_size, text + offset);
    return fail_at(err, REM_INVALID, text, offset, reason);
  case json_error_numeric_overflow:
    snprintf(reason, sizeof reason, "the number %.*s is outside the range of %s", token_size, text + offset,
             is_real(text, size, offset) ? "a 64-bit real" : "a 64-bit integer");
    fail_at(err, REM_INVALID, text, offset, reason);
    rem_error_hint(err, "store it as a string");
    return REM_INVALID;
  case json_error_null_byte_in_key:
    return fail_at(err, REM_INVALID, text, offset, "an object key may not contain \\u0000");
  case json_error_end_of_input_expected:
    return fail_at(err, REM_INVALID, text, offset, "something follows the end of the value");
  default: own_words(failure->text, reason, sizeof reason);
  }
  return fail_at(err, REM_INVALID, text, offset, reason);
}

rem_status rem_json_parse(const char *text, size_t size, json_t **ret_json, rem_error *err) {
  json_error_t failure;
  REM_TRY(check_utf8(text, size, err));
  REM_TRY(check_nul(text, size, err));
  REM_TRY(check_depth(text, size, err));
  json_t *json = rem_json__read(text, size);
  if (!json)
    json = json_loadb(size ? text : "", size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &failure);
  if (!json)
    return parse_failure(text, size, &failure, err);
  *ret_json = json;
  return REM_OK;
}

rem_status rem_json_parse_object(const char *text, size_t size, json_t **ret_json, rem_error *err) {
  json_t *json REM_AUTO_JSON = NULL;
  REM_TRY(rem_json_parse(text, size, &json, err));
  if (!json_is_object(json))
    return rem_error_set(err, REM_INVALID, "a JSON object is expected, not %s", rem_json_type_name(json));
  *ret_json = REM_TAKE(json);
  return REM_OK;
}

const char *rem_json_type_name(const json_t *json) {
  if (!json)
    return "nothing";
  switch (json_typeof(json)) {
  case JSON_OBJECT: return "object";
  case JSON_ARRAY: return "array";
  case JSON_STRING: return "string";
  case JSON_INTEGER: return "integer";
  case JSON_REAL: return "number";
  case JSON_TRUE:
  case JSON_FALSE: return "boolean";
  case JSON_NULL: return "null";
  }
  return "nothing";
}

/* Equal as numbers, exactly: not by way of a double that cannot hold every int64. */
static bool integer_equals_real(json_int_t integer, double real) {
  return real >= -0x1p63 && real < 0x1p63 && (double)(json_int_t)real == real && (json_int_t)real == integer;
}

static bool numbers_equal(const json_t *a, const json_t *b) {
  if (json_is_integer(a) && json_is_integer(b))
    return json_integer_value(a) == json_integer_value(b);
  if (json_is_real(a) && json_is_real(b))
    return json_real_value(a) == json_real_value(b);
  return json_is_integer(a) ? integer_equals_real(json_integer_value(a), json_real_value(b))
                            : integer_equals_real(json_integer_value(b), json_real_value(a));
}

static bool objects_equal(const json_t *a, const json_t *b) {
  if (json_object_size(a) != json_object_size(b))
    return false;
  json_t *members = (json_t *)a; /* iterators want it mutable and change nothing */
  for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
    const json_t *other = json_object_getn(b, json_object_iter_key(i), json_object_iter_key_len(i));
    if (!other || !rem_json_equal(json_object_iter_value(i), other))
      return false;
  }
  return true;
}

static bool arrays_equal(const json_t *a, const json_t *b) {
  if (json_array_size(a) != json_array_size(b))
    return false;
  for (size_t i = 0; i < json_array_size(a); i++)
    if (!rem_json_equal(json_array_get(a, i), json_array_get(b, i)))
      return false;
  return true;
}

bool rem_json_equal(const json_t *a, const json_t *b) {
  if (json_is_number(a) && json_is_number(b))
    return numbers_equal(a, b);
  if (!a || !b || json_typeof(a) != json_typeof(b))
    return false;
  switch (json_typeof(a)) {
  case JSON_OBJECT: return objects_equal(a, b);
  case JSON_ARRAY: return arrays_equal(a, b);
  case JSON_STRING:
    return rem_slice_equal(rem_slice_of(json_string_value(a), json_string_length(a)),
                           rem_slice_of(json_string_value(b), json_string_length(b)));
  default: return true; /* true, false and null are their type */
  }
}
