/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of a slot: pinning the first one (D17), and moving to another.
 *
 * A slot's vectors are in an area, a number in their keys. Moving fills another area, row by row, while searches go on in the old one and writers
 * keep both in step (a row whose text changes loses what was prepared for it). When every vector of the slot has its counterpart one commit makes the new
 * area the slot's; a few that have none, of texts that the new model refuses or of rows that writers change all the time, need not hold it up: their rows become pending
 * in that commit. What is left in the old one nobody reads; it is cleared after that.
 *
 *   slots[s]  {A, area 0}                  {A, area 0}                    {B, area 2}
 *   moving[s]  none        --begin-->      {B, area 2}    --end-->         none             --clear--> area 0 is empty
 */
#ifndef REM_ENTITY_SLOT_CHANGE_H
#define REM_ENTITY_SLOT_CHANGE_H

#include "entity/engine.h"

/*
 * Records `model` as the one of a table's slot, unless one is recorded: first come, first served. `ret_table` is the definition as it is then
 * (owned reference). `locked`: the caller holds the schema lock.
 */
REM_CHECKED rem_status rem_slot_pin(rem_engine *engine, const char *tenant, const rem_table *table, unsigned slot,
                                    const rem_model_info *model, bool locked, rem_table **ret_table, rem_error *err);

/* Begins to move a pinned slot to `model`, or goes on with that; a move to yet another model is given up, and none is begun to the slot's own. `ret_table` likewise. */
REM_CHECKED rem_status rem_slot_begin_move(rem_engine *engine, const char *tenant, const char *table, unsigned slot,
                                           const rem_model_info *model, rem_table **ret_table, rem_error *err);
/*
 * Makes the move to `model` if every vector has its counterpart, or all but `most_left`: the rows of those are pending from that commit on. REM_DONE, also when it
 * was made before; REM_ROW: too many are without. REM_CONFLICT: the slot is moving to yet another model.
 */
REM_CHECKED rem_status rem_slot_end_move(rem_engine *engine, const char *tenant, const char *table, unsigned slot,
                                         const rem_model_info *model, size_t most_left, rem_error *err);
/* Is the slot still moving to `model`, or there? REM_CONFLICT when not. */
REM_CHECKED rem_status rem_slot_check_aim(const rem_table *table, unsigned slot, const rem_model_info *model, rem_error *err);
/* Deletes what is in areas that no slot has and none is moving to. */
REM_CHECKED rem_status rem_slot_clear_areas(rem_engine *engine, const char *tenant, const char *table, rem_error *err);

/* Has the table's definition this area for a slot, or as the aim of a move? */
bool rem_slot_area_used(const rem_table *table, uint64_t area);

#endif
