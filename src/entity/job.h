/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job: long work in steps (rem.h's rem_job). A kind of work brings its own state and three functions.
 */
#ifndef REM_ENTITY_JOB_H
#define REM_ENTITY_JOB_H

#include "base/error.h"

typedef struct rem_job_type {
  /* About 0.1 s of work, committed: REM_ROW or REM_DONE. `progress` is zeroed with totals -1 and never NULL. */
  rem_status (*step)(void *state, rem_progress *progress, rem_error *err);
  /* The result so far, as a JSON object. */
  rem_status (*result)(void *state, rem_bytes *ret_json, rem_error *err);
  void (*free)(void *state);
} rem_job_type;

/* Takes `state`, also on failure. Owned: rem_job_free(). */
REM_CHECKED rem_status rem_job_new(const rem_job_type *type, void *state, rem_job **ret_job, rem_error *err);

/* The part of a step's time that is left: steps stop when it is used up. */
int64_t rem_job_deadline_us(void);

/* Copies `item` into a progress, shortened at a character boundary. */
void rem_progress_set_item(rem_progress *progress, const char *item);
void rem_progress_set_phase(rem_progress *progress, const char *phase);

#endif
