/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON at the edges: jansson, made strict, with our errors.
 *
 * Strict: duplicate keys, NaN, infinities and integers beyond int64 are errors; text must be valid UTF-8
 * without NUL bytes; nesting is limited; nothing may follow the value. `\u0000` in strings is accepted. Errors
 * carry the byte offset, line and column.
 */
#ifndef REM_BASE_JSON_H
#define REM_BASE_JSON_H

#include <jansson.h>

#include "base/buffer.h"

#define REM_JSON_MAX_DEPTH 512

/* Owned: json_decref(). Any JSON value at the top. */
REM_CHECKED rem_status rem_json_parse(const char *text, size_t size, json_t **ret_json, rem_error *err);
/* As above, and it must be an object. */
REM_CHECKED rem_status rem_json_parse_object(const char *text, size_t size, json_t **ret_json, rem_error *err);
/* Appends compact JSON, keys in their order, reals by the shortest form that reads back the same (1.0 stays a
 * real). */
REM_CHECKED rem_status rem_json_append(rem_buffer *buffer, const json_t *json, rem_error *err);
/* Appends a JSON string literal with quotes; `text` is valid UTF-8. */
void rem_json_append_string(rem_buffer *buffer, const char *text, size_t size);
/* Appends a finite real in the form above. */
void rem_json_append_real(rem_buffer *buffer, double value);
/* The text of a JSON value in NUL-terminated bytes. */
REM_CHECKED rem_status rem_json_text(const json_t *json, rem_bytes *ret_text, rem_error *err);
/* "string", "integer", "number", "object", …; static. */
const char *rem_json_type_name(const json_t *json);
/* Equality of JSON Schema: 1 and 1.0 are equal; objects without order. */
bool rem_json_equal(const json_t *a, const json_t *b);

static inline void rem_json_decref_cleanup(json_t **json) {
  json_decref(*json);
}
#define REM_AUTO_JSON REM_CLEANUP(rem_json_decref_cleanup)

#endif
