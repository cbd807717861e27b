/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: many callers, one order, one write batch, one sync.
 *
 * A caller submits a request whose apply() reads old state, decides, and puts what follows from it. One caller at a time leads: it
 * takes the waiting requests in order, runs each apply() in its own thread into one shared batch, writes it once
 * (synced when any of them asks for it) and wakes everybody with a status of their own. So apply() never runs twice at the same
 * time, and sees all that earlier requests of the same group have put, through the group's overlay.
 *
 * A request whose apply() fails leaves no trace (savepoints of batch and overlay) and does not harm the others. When the write
 * fails, all of the group fail and the store refuses writes (kv.h).
 *
 *   submit -> queue -> [leader: apply, apply, … -> one batch -> write] -> committed(), committed(), … -> wake
 */
#ifndef REM_STORAGE_COMMIT_H
#define REM_STORAGE_COMMIT_H

#include "storage/kv.h"

typedef struct rem_committer rem_committer;
typedef struct rem_commit_group rem_commit_group;

/* `group_bytes`: a group takes no further request once its batch is this large; 0: 8 MiB. Owned: rem_committer_free(). */
REM_CHECKED rem_status rem_committer_new(rem_kv *kv, size_t group_bytes, rem_committer **ret_committer, rem_error *err);
/* No call may be running. Before rem_kv_close(). */
void rem_committer_free(rem_committer *committer);
rem_kv *rem_committer_kv(const rem_committer *committer);

typedef struct rem_commit_request {
  /* Puts the request's changes. Runs in the leader's thread: must not block for long, must not submit. */
  rem_status (*apply)(void *context, rem_commit_group *group, rem_error *err);
  /* After the write, in commit order, before the caller is woken; NULL: none. In-memory subscribers are fed here. */
  void (*committed)(void *context);
  /* Instead of committed(), when the write failed after a successful apply(); NULL: none. */
  void (*failed)(void *context);
  void *context;
  bool sync; /* on disk when this returns */
} rem_commit_request;

/* Returns when the request is committed, or failed: apply's own status, or that of the write. A positive status of apply commits and is handed on. */
REM_CHECKED rem_status rem_commit_submit(rem_committer *committer, const rem_commit_request *request, rem_error *err);

/* Runs `run` alone, with no group under way: for work that must not race with commits (reopen, switching files). */
REM_CHECKED rem_status rem_commit_exclusive(rem_committer *committer,
                                            rem_status (*run)(void *context, rem_error *err), void *context,
                                            rem_error *err);

/* ---- inside apply() ---- */

rem_kv *rem_commit_kv(rem_commit_group *group);
/* Memory that lives until the group is written; NULL without memory. Not given back by a rollback. */
void *rem_commit_alloc(rem_commit_group *group, size_t size);
/* A buffer to build keys and values in, emptied by this call; `index` below REM_COMMIT_SCRATCH_COUNT. Its memory is reused from request to
 * request, so that puts cost no allocation. */
rem_buffer *rem_commit_scratch(rem_commit_group *group, size_t index);
#define REM_COMMIT_SCRATCH_COUNT 8
#define REM_COMMIT_SCRATCH_OWN 3 /* further ones, for this module's own use */

/*
 * What the key holds now: the group's own change, else the database. REM_OK or REM_NOT_FOUND. The pin may be kept until the
 * group is written at most (a LATE value is overwritten by the next put: read it out at once); release it as ever. Only
 * changes put with REM_COMMIT_SEEN or REM_COMMIT_LATE are seen.
 */
REM_CHECKED rem_status rem_commit_get(rem_commit_group *group, rem_kv_family family, rem_slice key,
                                      rem_kv_pin *ret_pin, rem_error *err);

typedef enum rem_commit_flags {
  REM_COMMIT_BLIND = 0, /* straight to the batch: for keys that no apply() of the group reads */
  REM_COMMIT_SEEN = 1,  /* and visible to rem_commit_get() in this group */
  REM_COMMIT_LATE = 2,  /* visible, and written once, with its last value, when the group is complete: counters, sequences */
} rem_commit_flags;

/* Copies key and value. Failures (memory) are kept and reported after apply(). */
void rem_commit_put(rem_commit_group *group, rem_kv_family family, rem_slice key, rem_slice value,
                    rem_commit_flags flags);
/* The value in up to 8 parts, always blind. */
void rem_commit_put_parts(rem_commit_group *group, rem_kv_family family, rem_slice key, const rem_slice *parts,
                          size_t part_count);
void rem_commit_delete(rem_commit_group *group, rem_kv_family family, rem_slice key, rem_commit_flags flags);
/* Blind; [lower, upper). */
void rem_commit_delete_range(rem_commit_group *group, rem_kv_family family, rem_slice lower, rem_slice upper);
/* Bytes put so far by this group. */
size_t rem_commit_size(const rem_commit_group *group);

typedef struct rem_commit_counters {
  uint64_t requests, groups, syncs;
  size_t waiting; /* requests in line now */
} rem_commit_counters;
void rem_commit_counters_get(rem_committer *committer, rem_commit_counters *ret_counters);

#endif
