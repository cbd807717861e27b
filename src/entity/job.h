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

/* When the step that begins now should stop. A step does one piece of work (a row, a chunk, a file) in any case, so that a job ends however
 * slow the machine is. */
int64_t rem_job_deadline_us(void);
/* How long steps last from now on, in the whole process. For tests of what holds between two steps: at -1 a step is one piece of work, on a
 * machine of any speed. */
void rem_job_set_step_us(int64_t duration_us);

/* Copies `item` into a progress, shortened at a character boundary. */
void rem_progress_set_item(rem_progress *progress, const char *item);
void rem_progress_set_phase(rem_progress *progress, const char *phase);

#endif
