/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML by way of libyaml's events, which become JSON values on an explicit stack:
 *
 *   event -> scalar / alias / end of container -> a finished value -> into the container on top of the stack
 *
 * libyaml knows the syntax, this file the meaning: the scalars of the core schema of YAML 1.2 (section 10.3.2).
 * The traps of 1.1 are not there: `no`, `on` and `12:30` are strings.
 *
 * An alias copies what its anchor names. Copies of copies grow exponentially ("billion laughs"), so all copying
 * of a document has one budget in bytes. An anchor is known once its value is complete, so nothing can contain
 * itself.
 */
#include "base/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include <yaml.h>

#include "base/hash_map.h"
#include "base/real.h"
#include "base/text.h"
#include "base/utf8.h"

#define LARGEST_TEXT ((size_t)64 << 20)
#define COPY_BUDGET  ((size_t)16 << 20)
#define NODE_COST    64 /* bytes a value takes besides its text, about */

/* A container being filled. */
typedef struct frame {
  json_t *container; /* owned until it is finished */
  char *key;         /* owned; of the value that comes next in an object, else NULL */
  size_t key_size;
  char *anchor;      /* owned; NULL: none */
} frame;

typedef struct reader {
  yaml_parser_t parser;
  const char *text;
  size_t size;
  frame *frames; /* REM_JSON_MAX_DEPTH of them */
  size_t depth;
  rem_hash_map anchors; /* name -> json_t *, owned */
  size_t copy_budget;
  json_t *root; /* owned; of the one document, once it is complete */
  rem_error *err;
} reader;

/* libyaml counts characters; the bytes before character `index`. */
static size_t offset_of(const reader *r, size_t index) {
  size_t offset = 0;
  for (; index > 0 && offset < r->size; index--)
    rem_utf8_next(r->text, r->size, &offset);
  return offset;
}

static rem_status fail_at(reader *r, rem_status code, size_t index, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static rem_status fail_at(reader *r, rem_status code, size_t index, const char *format, ...) {
  char reason[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  size_t offset = offset_of(r, index);
  rem_text_place at = rem_text_place_of(r->text, offset);
  rem_error_set(r->err, code, "invalid YAML at line %zu, column %zu: %s", at.line, at.column, reason);
  if (r->err)
    r->err->offset = (int64_t)offset;
  return code;
}

static rem_status parser_failure(reader *r) {
  const yaml_parser_t *parser = &r->parser;
  if (parser->error == YAML_MEMORY_ERROR)
    return rem_error_nomem(r->err);
  return fail_at(r, REM_INVALID, parser->problem_mark.index, "%s", parser->problem ? parser->problem : "not readable");
}

/* ---- scalars ---- */

static bool is_one_of(rem_slice text, const char *const *words) {
  for (; *words; words++)
    if (rem_slice_equal(text, rem_slice_text(*words)))
      return true;
  return false;
}

static size_t digit_run(const char *p, size_t size, const char *digits) {
  size_t run = 0;
  while (run < size && p[run] && strchr(digits, p[run]))
    run++;
  return run;
}

typedef enum number_kind { NO_NUMBER, DECIMAL, OCTAL, HEX, REAL } number_kind;

/* [-+]? ( .d+ | d+ [.d*] ) [e[-+]?d+], with what makes it an integer sorted out. */
static number_kind decimal_kind(const char *p, size_t size) {
  static const char digits[] = "0123456789";
  size_t at = size > 0 && (p[0] == '-' || p[0] == '+');
  size_t whole = digit_run(p + at, size - at, digits), part = 0;
  at += whole;
  if (at == size)
    return whole ? DECIMAL : NO_NUMBER;
  if (p[at] == '.') {
    at++;
    part = digit_run(p + at, size - at, digits);
    at += part;
  }
  if (whole + part == 0)
    return NO_NUMBER;
  if (at < size && (p[at] == 'e' || p[at] == 'E')) {
    at++;
    at += at < size && (p[at] == '-' || p[at] == '+');
    size_t exponent = digit_run(p + at, size - at, digits);
    if (exponent == 0)
      return NO_NUMBER;
    at += exponent;
  }
  return at == size ? REAL : NO_NUMBER;
}

static number_kind kind_of_number(rem_slice text) {
  const char *p = (const char *)text.data;
  if (text.size > 2 && p[0] == '0' && p[1] == 'o')
    return digit_run(p + 2, text.size - 2, "01234567") == text.size - 2 ? OCTAL : NO_NUMBER;
  if (text.size > 2 && p[0] == '0' && p[1] == 'x')
    return digit_run(p + 2, text.size - 2, "0123456789abcdefABCDEF") == text.size - 2 ? HEX : NO_NUMBER;
  return decimal_kind(p, text.size);
}

static rem_status fail_range(reader *r, const yaml_event_t *event, rem_slice text) {
  fail_at(r, REM_INVALID, event->start_mark.index, "the number '%.*s' is outside the range of 64 bits",
          (int)(text.size < 100 ? text.size : 100), (const char *)text.data);
  rem_error_hint(r->err, "put it in quotes to keep it as a string");
  return REM_INVALID;
}

/* `text` ends in a NUL (libyaml's does). */
static rem_status make_number(reader *r, const yaml_event_t *event, rem_slice text, number_kind kind, json_t **ret_value) {
  const char *p = (const char *)text.data;
  if (kind == REAL) {
    double real = rem_real_parse(p, NULL);
    if (!isfinite(real))
      return fail_range(r, event, text);
    *ret_value = json_real(real);
    return REM_OK;
  }
  errno = 0;
  long long integer = kind == DECIMAL ? strtoll(p, NULL, 10) : strtoll(p + 2, NULL, kind == HEX ? 16 : 8);
  if (errno == ERANGE)
    return fail_range(r, event, text);
  *ret_value = json_integer(integer);
  return REM_OK;
}

static rem_status make_plain(reader *r, const yaml_event_t *event, rem_slice text, json_t **ret_value) {
  static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
  static const char *const trues[] = {"true", "True", "TRUE", NULL};
  static const char *const falses[] = {"false", "False", "FALSE", NULL};
  static const char *const not_finite[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                           "-.Inf", "-.INF", ".nan", ".NaN", ".NAN", NULL};
  if (is_one_of(text, not_finite))
    return fail_at(r, REM_INVALID, event->start_mark.index, "numbers must be finite");
  if (is_one_of(text, nulls)) {
    *ret_value = json_null();
    return REM_OK;
  }
  bool is_true = is_one_of(text, trues);
  if (is_true || is_one_of(text, falses)) {
    *ret_value = json_boolean(is_true);
    return REM_OK;
  }
  number_kind kind = kind_of_number(text);
  if (kind != NO_NUMBER)
    return make_number(r, event, text, kind, ret_value);
  *ret_value = json_stringn_nocheck((const char *)text.data, text.size);
  return REM_OK;
}

/* Whether what came out is what the tag asked for; integers are reals too. */
static bool fits_tag(const char *tag, const json_t *value) {
  if (strcmp(tag, YAML_NULL_TAG) == 0)
    return json_is_null(value);
  if (strcmp(tag, YAML_BOOL_TAG) == 0)
    return json_is_boolean(value);
  if (strcmp(tag, YAML_INT_TAG) == 0)
    return json_is_integer(value);
  return strcmp(tag, YAML_FLOAT_TAG) == 0 && json_is_number(value);
}

static rem_status fail_tag(reader *r, const yaml_event_t *event, const char *tag) {
  fail_at(r, REM_INVALID, event->start_mark.index, "the tag '%.80s' does not fit here", tag);
  rem_error_hint(r->err, "leave the tag out; the tags understood are those of JSON: !!str !!int !!float !!bool !!null !!seq !!map");
  return REM_INVALID;
}

static rem_status make_scalar(reader *r, const yaml_event_t *event, json_t **ret_value) {
  rem_slice text = rem_slice_of(event->data.scalar.value, event->data.scalar.length);
  const char *tag = (const char *)event->data.scalar.tag;
  bool is_text = tag ? strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0
                     : event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  json_t *value REM_AUTO_JSON = NULL;
  if (is_text)
    value = json_stringn_nocheck((const char *)text.data, text.size);
  else
    REM_TRY(make_plain(r, event, text, &value));
  if (!value)
    return rem_error_nomem(r->err);
  if (tag && !is_text && !fits_tag(tag, value))
    return fail_tag(r, event, tag);
  /* "!!float 3" is the one conversion a tag asks for. */
  if (tag && strcmp(tag, YAML_FLOAT_TAG) == 0 && json_is_integer(value)) {
    *ret_value = json_real((double)json_integer_value(value));
    return *ret_value ? REM_OK : rem_error_nomem(r->err);
  }
  *ret_value = REM_TAKE(value);
  return REM_OK;
}

/* ---- anchors ---- */

/* Binds `name` to `value` (both borrowed); an anchor may be bound again. */
static rem_status bind_anchor(reader *r, const char *name, json_t *value) {
  void *old = NULL;
  REM_TRY(rem_hash_map_put(&r->anchors, rem_slice_text(name), value, &old, r->err));
  json_incref(value);
  json_decref(old);
  return REM_OK;
}

/* What copying a value costs, counted up to `limit`. */
static size_t copy_cost(const json_t *value, size_t limit) {
  size_t cost = NODE_COST + (json_is_string(value) ? json_string_length(value) : 0);
  if (json_is_object(value)) {
    json_t *members = (json_t *)value; /* iterators want it mutable and change nothing */
    for (void *i = json_object_iter(members); i && cost <= limit; i = json_object_iter_next(members, i))
      cost += json_object_iter_key_len(i) + copy_cost(json_object_iter_value(i), limit - cost);
  }
  for (size_t i = 0; i < json_array_size(value) && cost <= limit; i++)
    cost += copy_cost(json_array_get(value, i), limit - cost);
  return cost;
}

static size_t value_depth(const json_t *value) {
  size_t deepest = 0;
  json_t *members = (json_t *)value; /* as above */
  for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
    size_t depth = value_depth(json_object_iter_value(i));
    deepest = depth > deepest ? depth : deepest;
  }
  for (size_t i = 0; i < json_array_size(value); i++) {
    size_t depth = value_depth(json_array_get(value, i));
    deepest = depth > deepest ? depth : deepest;
  }
  return deepest + (json_is_object(value) || json_is_array(value));
}

static rem_status make_alias(reader *r, const yaml_event_t *event, json_t **ret_value) {
  const char *name = (const char *)event->data.alias.anchor;
  const json_t *named = rem_hash_map_get(&r->anchors, rem_slice_text(name));
  if (!named)
    return fail_at(r, REM_INVALID, event->start_mark.index, "nothing before is named '&%.80s'", name);
  size_t cost = copy_cost(named, r->copy_budget);
  if (cost > r->copy_budget)
    return fail_at(r, REM_LIMIT, event->start_mark.index, "the aliases expand to more than %zu bytes", COPY_BUDGET);
  r->copy_budget -= cost;
  if (r->depth + value_depth(named) > REM_JSON_MAX_DEPTH)
    return fail_at(r, REM_LIMIT, event->start_mark.index, "nested deeper than %d levels", REM_JSON_MAX_DEPTH);
  *ret_value = json_deep_copy(named);
  return *ret_value ? REM_OK : rem_error_nomem(r->err);
}

/* ---- containers ---- */

static rem_status take_key(reader *r, frame *top, const yaml_event_t *event, const json_t *key) {
  const char *text = json_string_value(key);
  size_t size = json_string_length(key);
  if (!text) {
    fail_at(r, REM_INVALID, event->start_mark.index, "a key must be a string, not %s", rem_json_type_name(key));
    rem_error_hint(r->err, "put the key in quotes");
    return REM_INVALID;
  }
  if (event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(text, "<<") == 0)
    return fail_at(r, REM_UNSUPPORTED, event->start_mark.index, "merge keys ('<<') are not supported");
  if (memchr(text, 0, size))
    return fail_at(r, REM_INVALID, event->start_mark.index, "a key may not contain U+0000");
  if (json_object_getn(top->container, text, size))
    return fail_at(r, REM_INVALID, event->start_mark.index, "the key '%.100s' appears twice", text);
  top->key = rem_strndup(text, size);
  top->key_size = size;
  return top->key ? REM_OK : rem_error_nomem(r->err);
}

/* Puts a finished value (taken) where it belongs: a key, a member, an element or the document. */
static rem_status place_value(reader *r, const yaml_event_t *event, json_t *finished) {
  json_t *value REM_AUTO_JSON = finished;
  if (r->depth == 0) {
    r->root = REM_TAKE(value);
    return REM_OK;
  }
  frame *top = &r->frames[r->depth - 1];
  if (json_is_object(top->container) && !top->key)
    return take_key(r, top, event, value);
  int failed = top->key ? json_object_setn_new_nocheck(top->container, top->key, top->key_size, REM_TAKE(value))
                        : json_array_append_new(top->container, REM_TAKE(value));
  rem_free(top->key);
  top->key = NULL;
  return failed ? rem_error_nomem(r->err) : REM_OK;
}

static rem_status begin_container(reader *r, const yaml_event_t *event, bool is_object) {
  const char *tag = (const char *)(is_object ? event->data.mapping_start.tag : event->data.sequence_start.tag);
  const char *anchor = (const char *)(is_object ? event->data.mapping_start.anchor : event->data.sequence_start.anchor);
  if (tag && strcmp(tag, is_object ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0 && strcmp(tag, "!") != 0)
    return fail_tag(r, event, tag);
  if (r->depth == REM_JSON_MAX_DEPTH)
    return fail_at(r, REM_LIMIT, event->start_mark.index, "nested deeper than %d levels", REM_JSON_MAX_DEPTH);
  frame *top = &r->frames[r->depth];
  *top = (frame){.container = is_object ? json_object() : json_array()};
  r->depth++; /* from here on the reader owns what is in the frame */
  if (anchor)
    top->anchor = rem_strdup(anchor);
  return top->container && (!anchor || top->anchor) ? REM_OK : rem_error_nomem(r->err);
}

static void frame_deinit(frame *f) {
  json_decref(f->container);
  rem_free(f->key);
  rem_free(f->anchor);
  *f = (frame){0};
}

static rem_status end_container(reader *r, const yaml_event_t *event) {
  frame *top = &r->frames[r->depth - 1];
  if (top->anchor)
    REM_TRY(bind_anchor(r, top->anchor, top->container));
  json_t *finished = REM_TAKE(top->container);
  frame_deinit(top);
  r->depth--;
  return place_value(r, event, finished);
}

static rem_status add_scalar(reader *r, const yaml_event_t *event) {
  json_t *value REM_AUTO_JSON = NULL;
  const char *anchor = (const char *)event->data.scalar.anchor;
  REM_TRY(make_scalar(r, event, &value));
  if (anchor)
    REM_TRY(bind_anchor(r, anchor, value));
  return place_value(r, event, REM_TAKE(value));
}

static rem_status add_alias(reader *r, const yaml_event_t *event) {
  json_t *value = NULL;
  REM_TRY(make_alias(r, event, &value));
  return place_value(r, event, value);
}

static rem_status handle(reader *r, const yaml_event_t *event) {
  switch (event->type) {
  case YAML_DOCUMENT_START_EVENT:
    if (r->root)
      return fail_at(r, REM_INVALID, event->start_mark.index, "a second document begins here; one is expected");
    return REM_OK;
  case YAML_SCALAR_EVENT: return add_scalar(r, event);
  case YAML_ALIAS_EVENT: return add_alias(r, event);
  case YAML_SEQUENCE_START_EVENT: return begin_container(r, event, false);
  case YAML_MAPPING_START_EVENT: return begin_container(r, event, true);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT: return end_container(r, event);
  default: return REM_OK;
  }
}

static rem_status read_events(reader *r) {
  for (bool is_end = false; !is_end;) {
    yaml_event_t event;
    if (!yaml_parser_parse(&r->parser, &event))
      return parser_failure(r);
    is_end = event.type == YAML_STREAM_END_EVENT;
    rem_status status = handle(r, &event);
    yaml_event_delete(&event);
    REM_TRY(status);
  }
  return r->root ? REM_OK : rem_error_set(r->err, REM_INVALID, "invalid YAML: the text holds no value");
}

static void reader_cleanup(reader *r) {
  size_t cursor = 0;
  for (rem_hash_entry *entry; (entry = rem_hash_map_next(&r->anchors, &cursor));)
    json_decref(entry->value);
  rem_hash_map_deinit(&r->anchors);
  while (r->depth > 0)
    frame_deinit(&r->frames[--r->depth]);
  rem_free(r->frames);
  json_decref(r->root);
  yaml_parser_delete(&r->parser);
}

rem_status rem_yaml_parse(const char *text, size_t size, json_t **ret_json, rem_error *err) {
  if (size > LARGEST_TEXT)
    return rem_error_set(err, REM_LIMIT, "a YAML text of %zu bytes is larger than the %zu allowed", size, LARGEST_TEXT);
  size_t valid = rem_utf8_valid_prefix(text, size);
  if (valid < size) {
    rem_error_set(err, REM_INVALID, "invalid YAML: byte 0x%02x at offset %zu is not UTF-8", (unsigned char)text[valid], valid);
    if (err)
      err->offset = (int64_t)valid;
    return REM_INVALID;
  }
  reader r REM_CLEANUP(reader_cleanup) = {.text = text, .size = size, .copy_budget = COPY_BUDGET, .err = err};
  r.frames = rem_calloc(REM_JSON_MAX_DEPTH, sizeof *r.frames);
  if (!r.frames || !yaml_parser_initialize(&r.parser))
    return rem_error_nomem(err);
  yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
  REM_TRY(read_events(&r));
  *ret_json = REM_TAKE(r.root);
  return REM_OK;
}
