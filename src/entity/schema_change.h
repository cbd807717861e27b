/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema changes: registering, changing and removing tables.
 *
 * A change holds the schema lock exclusively: commits of rows wait, readers do not. A new index is filled before the definition that names it is committed,
 * so it is never used half-built; a build that is cut short leaves entries nobody reads, which the next build clears away first.
 */
#ifndef REM_ENTITY_SCHEMA_CHANGE_H
#define REM_ENTITY_SCHEMA_CHANGE_H

#include "base/json.h"
#include "entity/engine.h"

/* `schema` is borrowed; `name` may be NULL. The result as rem_schema_add() in rem.h says. */
REM_CHECKED rem_status rem_schema_register(rem_engine *engine, const char *tenant, const json_t *schema, const char *name,
                                           rem_bytes *ret_json, rem_error *err);
REM_CHECKED rem_status rem_schema_unregister(rem_engine *engine, const char *tenant, const char *table, bool with_rows,
                                             rem_error *err);
REM_CHECKED rem_status rem_schema_list_json(rem_engine *engine, const char *tenant, rem_bytes *ret_json, rem_error *err);
REM_CHECKED rem_status rem_schema_show_json(rem_engine *engine, const char *tenant, const char *table, rem_bytes *ret_json,
                                            rem_error *err);

/* The document that stands for a table in `schema`. Owned. */
REM_CHECKED rem_status rem_schema_document(const rem_table *table, json_t **ret_document, rem_error *err);

#endif
