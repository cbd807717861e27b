/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch, between its files:
 *
 *   batch.c          life, adding changes
 *   batch_update.c   the row an update is merged into
 *   batch_commit.c   the commit loop
 *   embedding.c      the vectors of a batch
 *   apply.c          the apply order (apply_internal.h)
 */
#ifndef REM_ENTITY_BATCH_INTERNAL_H
#define REM_ENTITY_BATCH_INTERNAL_H

#include "entity/batch.h"

/* ---- batch.c ---- */

/* Room for one more change, zeroed, not yet counted. */
rem_status rem_batch__new_change(rem_batch *batch, size_t text_size, rem_change **ret_change, rem_error *err);
/* Counts a finished change, or takes an unfinished one apart. */
rem_status rem_batch__end_change(rem_batch *batch, rem_change *change, size_t text_size, rem_status status);
rem_status rem_batch__copy_slice(rem_batch *batch, rem_slice from, rem_slice *ret_copy, rem_error *err);
rem_status rem_batch__resolve_table(rem_batch *batch, const char *name, rem_table **ret_table, rem_error *err);
rem_status rem_batch__refuse_schema_table(const rem_table *table, const char *what, rem_error *err);
/* change_conflict.c: REM_CONFLICT, with what the change's id or key collides with. */
rem_status rem_change__key_taken(const rem_change *change, const uint8_t owner[16], rem_error *err);
rem_status rem_change__id_taken(const rem_change *change, rem_slice table, rem_error *err);
rem_status rem_change__key_changed(const rem_change *change, rem_slice key, rem_error *err);
/* Validates and encodes a document that has been split already. */
rem_status rem_batch__finish_document(rem_batch *batch, rem_change *change, rem_error *err);
void rem_batch__clear(rem_batch *batch);

/* ---- batch_update.c ---- */

/* Merges the change's patch into the row as it is now. */
rem_status rem_batch__prepare_update(rem_batch *batch, rem_change *change, rem_error *err);

/* ---- embedding.c ---- */

rem_status rem_batch__embed(rem_batch *batch, rem_error *err);

/* ---- apply.c ---- */

/* What apply found, besides failures: the commit must be prepared again. */
typedef enum rem_apply_verdict {
  REM_APPLY_DONE,
  REM_APPLY_AGAIN_UPDATE, /* a row changed under an update */
  REM_APPLY_AGAIN_EMBED,  /* a vector that was to be kept is not there */
  REM_APPLY_AGAIN_TABLE,  /* the table's definition changed */
} rem_apply_verdict;
rem_status rem_batch__apply(rem_batch *batch, bool want_sync, rem_apply_verdict *ret_verdict, int64_t *ret_failed_index,
                            rem_batch_result *ret_result, rem_error *err);

#endif
