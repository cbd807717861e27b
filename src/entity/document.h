/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Document: what a caller writes, taken apart.
 *
 * A document is one flat JSON object: the schema's fields, further fields where the schema allows them, and the two system
 * fields a caller may give, `id` and `edges`. This file separates them and brings edges into their stored form; it
 * knows nothing of what is stored.
 */
#ifndef REM_ENTITY_DOCUMENT_H
#define REM_ENTITY_DOCUMENT_H

#include "base/json.h"
#include "schema/table.h"

typedef struct rem_document {
  json_t *properties; /* owned; an object without system fields */
  json_t *edges;      /* owned; stored form, or NULL when the document gave none */
  bool has_id;
  uint8_t id[16];
} rem_document;

/* Takes `json` (an object, also on failure). REM_INVALID names the field by JSON pointer. */
REM_CHECKED rem_status rem_document_split(const rem_table *table, json_t *json, rem_document *ret_document, rem_error *err);
void rem_document_deinit(rem_document *document);

/*
 * Edges (D15). Stored form: an array whose items are strings (an id or a key) or objects {target, table?, type?, weight?,
 * properties?}; the last of several with the same target, table and type wins.
 */
REM_CHECKED rem_status rem_edges_normalise(const json_t *edges, json_t **ret_edges, rem_error *err);
/* `stored` with `given` merged in: the same edge is replaced in place, new ones come after. Both in stored form. Owned. */
REM_CHECKED rem_status rem_edges_merge(const json_t *stored, const json_t *given, json_t **ret_edges, rem_error *err);

/* RFC 7396: `patch` merged into `target` (an object, changed in place). */
REM_CHECKED rem_status rem_document_merge_patch(json_t *target, const json_t *patch, rem_error *err);

#endif
