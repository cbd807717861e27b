/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_reader.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

typedef struct reader {
  const char *at, *end;
} reader;

static json_t *read_value(reader *r);

static void skip_space(reader *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
    r->at++;
}

/* Passes over `c`, with space on both sides. */
static bool take(reader *r, char c) {
  skip_space(r);
  if (r->at == r->end || *r->at != c)
    return false;
  r->at++;
  skip_space(r);
  return true;
}

/* ---- strings ---- */

/* The bytes between quotes when they stand for themselves: no escape, no control character. `at` is behind the closing quote then. */
static bool take_plain(reader *r, const char **ret_text, size_t *ret_size) {
  if (r->at == r->end || *r->at != '"')
    return false;
  const char *start = r->at + 1, *at = start;
  while (at < r->end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
    at++;
  if (at == r->end || *at != '"')
    return false;
  *ret_text = start;
  *ret_size = (size_t)(at - start);
  r->at = at + 1;
  return true;
}

/* What a backslash and `c` mean; 0: not of one byte, or not an escape. */
static char unescape(char c) {
  switch (c) {
  case 'n': return '\n';
  case 't': return '\t';
  case 'r': return '\r';
  case 'b': return '\b';
  case 'f': return '\f';
  case '"':
  case '\\':
  case '/': return c;
  default: return 0;
  }
}

/* Undoes escapes of one byte from `from` into `to`; false for others. `*size` becomes that of the result. */
static bool unescape_all(const char *from, const char *end, char *to, size_t *ret_size) {
  const char *start = to;
  while (from < end) {
    if (*from != '\\') {
      *to++ = *from++;
      continue;
    }
    *to = unescape(from[1]); /* there is one: `end` is a quote that no backslash is before */
    if (!*to++)
      return false;
    from += 2;
  }
  *ret_size = (size_t)(to - start);
  return true;
}

static json_t *read_escaped(reader *r) {
  const char *start = r->at + 1, *at = start;
  while (at < r->end && *at != '"') {
    if ((unsigned char)*at < 0x20)
      return NULL;
    at += *at == '\\' ? 2 : 1;
  }
  if (at >= r->end)
    return NULL;
  size_t size = 0;
  char *plain = rem_alloc((size_t)(at - start) + 1);
  json_t *json = plain && unescape_all(start, at, plain, &size) ? json_stringn_nocheck(plain, size) : NULL;
  rem_free(plain);
  r->at = at + 1;
  return json;
}

static json_t *read_string(reader *r) {
  const char *text;
  size_t size;
  return take_plain(r, &text, &size) ? json_stringn_nocheck(text, size) : read_escaped(r);
}

/* ---- numbers and words ---- */

/* A real is jansson's to read, by itself: one rounding, one set of limits. */
static json_t *read_real(const char *start, reader *r) {
  while (r->at < r->end && ((*r->at >= '0' && *r->at <= '9') || strchr("+-.eE", *r->at)))
    r->at++;
  return json_loadb(start, (size_t)(r->at - start), JSON_DECODE_ANY, NULL);
}

static json_t *read_number(reader *r) {
  const char *start = r->at;
  bool negative = *r->at == '-';
  r->at += negative;
  const char *digits = r->at;
  uint64_t value = 0;
  for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
    value = value * 10 + (uint64_t)(*r->at - '0');
  size_t count = (size_t)(r->at - digits);
  if (count == 0 || (count > 1 && *digits == '0'))
    return NULL;
  if (r->at < r->end && *r->at && strchr(".eE", *r->at))
    return read_real(start, r);
  if (count > 18) /* perhaps beyond int64 */
    return NULL;
  return json_integer(negative ? -(json_int_t)value : (json_int_t)value);
}

static json_t *read_word(reader *r, const char *word, json_t *value) {
  size_t size = strlen(word);
  if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0)
    return NULL;
  r->at += size;
  return value;
}

/* ---- objects and arrays ---- */

static bool read_member(reader *r, json_t *object) {
  const char *name;
  size_t size, count = json_object_size(object);
  if (!take_plain(r, &name, &size) || !take(r, ':'))
    return false;
  json_t *value = read_value(r);
  /* A key that was there before leaves the count as it is. */
  return value && json_object_setn_new_nocheck(object, name, size, value) == 0 && json_object_size(object) == count + 1;
}

static json_t *read_object(reader *r) {
  json_t *object = json_object();
  r->at++;
  skip_space(r);
  if (!object || take(r, '}'))
    return object;
  do {
    if (!read_member(r, object)) {
      json_decref(object);
      return NULL;
    }
  } while (take(r, ','));
  if (take(r, '}'))
    return object;
  json_decref(object);
  return NULL;
}

static json_t *read_array(reader *r) {
  json_t *array = json_array();
  r->at++;
  skip_space(r);
  if (!array || take(r, ']'))
    return array;
  do {
    json_t *value = read_value(r);
    if (!value || json_array_append_new(array, value) != 0) {
      json_decref(array);
      return NULL;
    }
  } while (take(r, ','));
  if (take(r, ']'))
    return array;
  json_decref(array);
  return NULL;
}

/* Its recursion is bounded by the caller, who has counted the nesting. */
static json_t *read_value(reader *r) {
  if (r->at == r->end)
    return NULL;
  switch (*r->at) {
  case '{': return read_object(r);
  case '[': return read_array(r);
  case '"': return read_string(r);
  case 't': return read_word(r, "true", json_true());
  case 'f': return read_word(r, "false", json_false());
  case 'n': return read_word(r, "null", json_null());
  default: return read_number(r);
  }
}

json_t *rem_json__read(const char *text, size_t size) {
  reader r = {text, text + size};
  skip_space(&r);
  json_t *json = read_value(&r);
  skip_space(&r);
  if (r.at == r.end)
    return json;
  json_decref(json);
  return NULL;
}
