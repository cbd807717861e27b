/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edge: one inline edge in the form the edge families store it (D15).
 *
 * A target written as a UUID is an id; anything else is a key, in any table or in the one named. What cannot be found when the edge is
 * written is not resolved: an edge to a key is found by that key from either side, now or when such a row appears.
 */
#ifndef REM_INDEX_EDGE_H
#define REM_INDEX_EDGE_H

#include "base/json.h"
#include "storage/key.h"

typedef struct rem_edge {
  rem_slice type;        /* empty: no type */
  rem_key_target target; /* slices borrowed from the JSON */
} rem_edge;

/* `json` is an item of stored edges (a string or an object); `data` gets {"weight", "properties"} as JSON text, or stays empty. */
REM_CHECKED rem_status rem_edge_of_json(const json_t *json, rem_edge *ret_edge, rem_buffer *data, rem_error *err);

#endif
