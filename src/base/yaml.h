/* SPDX-License-Identifier: Apache-2.0 */
/* YAML 1.1 by libyaml, read into JSON values by the YAML 1.2 core schema (so `no` is a string). Bounded: depth,
 * size, alias expansion; keys must be strings and unique. */
#ifndef REM_BASE_YAML_H
#define REM_BASE_YAML_H

#include "base/json.h"

/* One document. Errors carry line and column. Owned: json_decref(). */
REM_CHECKED rem_status rem_yaml_parse(const char *text, size_t size, json_t **ret_json, rem_error *err);

#endif
