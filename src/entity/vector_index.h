/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector index: what the engine tells the graphs of ann/ about tables, settings and commits.
 */
#ifndef REM_ENTITY_VECTOR_INDEX_H
#define REM_ENTITY_VECTOR_INDEX_H

#include "entity/engine.h"

/* The engine's set of graphs, by its configuration; nothing is read yet. Ended by rem_ann_close(). */
REM_CHECKED rem_status rem_vector_index_open(rem_engine *engine, rem_ann **ret_ann, rem_error *err);
/* The vectors of one slot of a table; borrows from `tenant` and `table`. False when the slot has no model: there are none. */
bool rem_vector_index_target(const char *tenant, const rem_table *table, unsigned slot, rem_ann_target *ret_target);
/* After a commit, in commit order. `changes` NULL: there was no memory for them. */
void rem_vector_index_committed(rem_engine *engine, const char *tenant, const rem_table *table, unsigned slot,
                                const rem_ann_change *changes, size_t count, int64_t live_rows);
/* Every slot of a table: its graphs are of no more use. */
REM_CHECKED rem_status rem_vector_index_drop(rem_engine *engine, const char *tenant, const rem_table *table, rem_error *err);
/* Every slot of a table: its vectors are new as a whole, its graphs are to be made when there is time. */
void rem_vector_index_want(rem_engine *engine, const char *tenant, const rem_table *table);
/* Every slot of a table: makes its graphs from the stored vectors, where there are enough of them. */
REM_CHECKED rem_status rem_vector_index_rebuild(rem_engine *engine, const char *tenant, const rem_table *table, rem_error *err);

#endif
