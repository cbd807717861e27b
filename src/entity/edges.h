/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edges of one row, out of it and into it, by either of its names (D15).
 */
#ifndef REM_ENTITY_EDGES_H
#define REM_ENTITY_EDGES_H

#include "base/json.h"
#include "entity/engine.h"
#include "entity/transaction.h"

/* As rem_edges() in rem.h says. */
REM_CHECKED rem_status rem_entity_edges(rem_engine *engine, const char *tenant, const char *table, rem_slice key,
                                        rem_direction direction, rem_bytes *ret_json, rem_error *err);
/* Those of the row `id` under a snapshot, with what `transaction` (NULL: none) has written (both borrowed), as an array: owned. Rows of the store that are read for it
 * are noted in the transaction. REM_NOT_FOUND: no such live row. */
REM_CHECKED rem_status rem_entity_edges_of(rem_engine *engine, const char *tenant, rem_kv_snapshot *snapshot, rem_transaction *transaction,
                                           rem_table *table, const uint8_t id[16], rem_direction direction, json_t **ret_array, rem_error *err);

#endif
