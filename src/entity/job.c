/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/job.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"

static _Atomic int64_t step_us = 100000;

struct rem_job {
  const rem_job_type *type;
  void *state; /* owned */
  rem_status ended; /* REM_OK: more to do; REM_DONE; or the failure */
  rem_error reason;
};

rem_status rem_job_new(const rem_job_type *type, void *state, rem_job **ret_job, rem_error *err) {
  rem_job *job = rem_calloc(1, sizeof *job);
  if (!job) {
    type->free(state);
    return rem_error_nomem(err);
  }
  job->type = type;
  job->state = state;
  *ret_job = job;
  return REM_OK;
}

rem_status rem_job_step(rem_job *job, rem_progress *ret_progress, rem_error *err) {
  REM_CHECK_ARG(job, err);
  if (job->ended == REM_DONE)
    return REM_DONE;
  if (job->ended < 0) {
    if (err)
      *err = job->reason;
    return job->ended;
  }
  rem_progress progress = {.total = -1, .bytes_total = -1};
  rem_status status = job->type->step(job->state, &progress, &job->reason);
  if (status == REM_DONE || status < 0)
    job->ended = status;
  if (status < 0 && err)
    *err = job->reason;
  if (status >= 0 && ret_progress)
    *ret_progress = progress;
  return status;
}

rem_status rem_job_result(rem_job *job, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(job && ret_json, err);
  return job->type->result(job->state, ret_json, err);
}

void rem_job_free(rem_job *job) {
  if (!job)
    return;
  job->type->free(job->state);
  rem_free(job);
}

int64_t rem_job_deadline_us(void) {
  return rem_clock_monotonic_us() + atomic_load_explicit(&step_us, memory_order_relaxed);
}

void rem_job_set_step_us(int64_t duration_us) {
  atomic_store_explicit(&step_us, duration_us, memory_order_relaxed);
}

void rem_progress_set_item(rem_progress *progress, const char *item) {
  size_t size = strlen(item);
  if (size >= sizeof progress->item)
    size = rem_utf8_floor(item, size, sizeof progress->item - 1);
  memcpy(progress->item, item, size);
  progress->item[size] = 0;
}

void rem_progress_set_phase(rem_progress *progress, const char *phase) {
  snprintf(progress->phase, sizeof progress->phase, "%s", phase);
}
