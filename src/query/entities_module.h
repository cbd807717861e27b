/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entities: the read-only view over all tables (D1).
 *
 *   id, table, key, name, type, created_at, modified_at, deleted_at, edges, hidden: _doc
 */
#ifndef REM_QUERY_ENTITIES_MODULE_H
#define REM_QUERY_ENTITIES_MODULE_H

#include "query/session_internal.h"

/* "entities" and "entities+deleted". */
REM_CHECKED rem_status rem_entities_add(rem_session *session, rem_error *err);
/* The `index`th column, NULL past the last. */
const char *rem_entities_column(size_t index, bool *ret_hidden);
rem_field_kind rem_entities_kind(size_t index);

#endif
