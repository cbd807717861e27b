/* SPDX-License-Identifier: Apache-2.0 */
/* TOML 1.0 reader, into JSON values: tables are objects, date-times are strings in their own text. */
#ifndef REM_BASE_TOML_H
#define REM_BASE_TOML_H

#include "base/hash_map.h"
#include "base/json.h"

/* Errors carry line and column in the message and the byte offset. Owned: json_decref(). */
REM_CHECKED rem_status rem_toml_parse(const char *text, size_t size, json_t **ret_json, rem_error *err);

/* The same, and remembers in `places` (empty, owned by the caller) where each key stands, for messages about
 * its value. */
REM_CHECKED rem_status rem_toml_parse_places(const char *text, size_t size, json_t **ret_json, rem_hash_map *places,
                                             rem_error *err);
/* The line, from 1, of `key` in `table`, an object inside the value read; 0 when it was not read there. */
size_t rem_toml_line(const rem_hash_map *places, const json_t *table, const char *key);

#endif
