/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building and dropping field indexes of stored rows.
 *
 * The caller holds the schema lock exclusively, so rows do not change meanwhile. Work is written in pieces, straight to the kv: an index that is not yet in a stored
 * definition is read by nobody, so a crash in between leaves nothing half-built to be seen. What it changes in the counters is handed back, to be
 * committed together with the definition.
 */
#ifndef REM_ENTITY_INDEX_BUILD_H
#define REM_ENTITY_INDEX_BUILD_H

#include "entity/counters.h"
#include "entity/engine.h"

/* Clears what an earlier, cut-short build left, fills the indexes of these fields and adds their number to `delta`. */
REM_CHECKED rem_status rem_index_build(rem_engine *engine, const char *tenant, rem_table *table, const uint16_t *numbers,
                                       size_t number_count, rem_counters *delta, rem_error *err);
/* Only counts what these indexes hold, and takes it off `delta`. */
REM_CHECKED rem_status rem_index_count_off(rem_engine *engine, const char *tenant, rem_table *table,
                                           const uint16_t *numbers, size_t number_count, rem_counters *delta,
                                           rem_error *err);
/* Removes every entry of these fields. */
REM_CHECKED rem_status rem_index_clear(rem_engine *engine, const char *tenant, const rem_table *table,
                                       const uint16_t *numbers, size_t number_count, rem_error *err);

#endif
