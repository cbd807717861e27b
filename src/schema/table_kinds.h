/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of fields, from their JSON Schema. */
#ifndef REM_SCHEMA_TABLE_KINDS_H
#define REM_SCHEMA_TABLE_KINDS_H

#include "schema/table.h"

/* The kind of a field whose schema stands in `document` ($ref is resolved there). */
rem_field_kind rem_table__kind(const json_t *document, const json_t *schema, bool *ret_nullable);
/* The kind of the items of a list; ANY when it says nothing of them. */
rem_field_kind rem_table__element_kind(const json_t *document, const json_t *schema);
/* Follows $ref from `schema`, inside `document`; NULL when it leads nowhere or in circles. */
const json_t *rem_table__resolve(const json_t *document, const json_t *schema);
/* The object that holds `properties`: the schema itself, or what its $ref names. */
const json_t *rem_table__root(const json_t *schema);

#endif
