/* SPDX-License-Identifier: Apache-2.0 */
/* TOML 1.0 reader, into JSON values: tables are objects, date-times are strings in their own text. */
#ifndef REM_BASE_TOML_H
#define REM_BASE_TOML_H

#include "base/json.h"

/* Errors carry line and column in the message and the byte offset. Owned: json_decref(). */
REM_CHECKED rem_status rem_toml_parse(const char *text, size_t size, json_t **ret_json, rem_error *err);

#endif
