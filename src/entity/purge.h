/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purging: rows gone for good, with everything that follows from them.
 *
 * A purge is a commit like any other: the record, its index entries, vectors and counters go in one batch; the log says so (REM_LOG_PURGE) and the payloads
 * that still hold the row's data are blanked (D14).
 */
#ifndef REM_ENTITY_PURGE_H
#define REM_ENTITY_PURGE_H

#include "entity/engine.h"

/* Purges up to `limit` soft-deleted rows of a table with ids from `*cursor` on (16 bytes, zero at first; moved on). REM_ROW while there may be
 * more, REM_DONE at the end. `ret_removed` is how many went. */
REM_CHECKED rem_status rem_purge_deleted(rem_engine *engine, const char *tenant, rem_table *table, uint8_t cursor[16],
                                         size_t limit, int64_t *ret_removed, rem_error *err);
/* Purges every row of a table, then its definition and its row in `schema`. The caller holds the schema lock. */
REM_CHECKED rem_status rem_purge_table(rem_engine *engine, const char *tenant, rem_table *table, rem_error *err);
/* Blanks the payloads of all log entries that hold data of purged rows. The log itself says which rows those are, so a pass that was cut short is made up for by
 * the next. */
REM_CHECKED rem_status rem_purge_log(rem_engine *engine, const char *tenant, int64_t *ret_blanked, rem_error *err);

#endif
