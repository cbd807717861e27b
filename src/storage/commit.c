/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue and its leader.
 *
 * Callers line up in a list. Whoever is at its head while nobody leads becomes the leader, works for itself and all behind it, and
 * hands over to the new head. While the leader waits for the disk the line grows, which is what makes one sync serve many.
 *
 * The batch, the overlay and the scratch buffers belong to the leader of the moment; `leading`, changed under the lock, passes
 * them on.
 */
#include "storage/commit.h"

#include <pthread.h>

#include "storage/commit_overlay.h"
#include "storage/commit_puts.h"

#define GROUP_BYTES ((size_t)8 << 20)
#define GROUP_REQUESTS 4096
#define OVERLAY_BYTES ((size_t)1 << 30)
#define PUTS_BYTES ((size_t)4 << 20) /* what is held back to be sorted, at most */

typedef struct waiter {
  const rem_commit_request *request;
  rem_status (*exclusive)(void *context, rem_error *err); /* instead of a request */
  void *context;
  rem_error *err;
  rem_status status;
  bool done;
  pthread_cond_t wake;
  struct waiter *next;
} waiter;

struct rem_commit_group {
  rem_kv *kv;
  rem_kv_batch *batch;
  rem_overlay overlay;
  rem_puts puts; /* of the request at hand, not yet in the batch */
  rem_buffer scratch[REM_COMMIT_SCRATCH_COUNT + REM_COMMIT_SCRATCH_OWN];
  rem_status failure; /* of a put, kept for the end of apply() */
  waiter *first, *last; /* whose apply() has run */
  bool sync;
};

struct rem_committer {
  rem_commit_group group;
  size_t group_bytes;
  pthread_mutex_t lock; /* head, tail, leading, counters */
  waiter *head, *tail;
  bool leading;
  rem_commit_counters counters;
};

/* ---- life ---- */

rem_status rem_committer_new(rem_kv *kv, size_t group_bytes, rem_committer **ret_committer, rem_error *err) {
  rem_committer *committer = rem_calloc(1, sizeof *committer);
  if (!committer)
    return rem_error_nomem(err);
  rem_status status = rem_kv_batch_new(kv, &committer->group.batch, err);
  if (status < 0) {
    rem_free(committer);
    return status;
  }
  committer->group.kv = kv;
  committer->group_bytes = group_bytes ? group_bytes : GROUP_BYTES;
  rem_overlay_init(&committer->group.overlay, OVERLAY_BYTES);
  pthread_mutex_init(&committer->lock, NULL);
  *ret_committer = committer;
  return REM_OK;
}

void rem_committer_free(rem_committer *committer) {
  if (!committer)
    return;
  rem_kv_batch_free(committer->group.batch);
  rem_overlay_deinit(&committer->group.overlay);
  rem_puts_deinit(&committer->group.puts);
  for (size_t i = 0; i < sizeof committer->group.scratch / sizeof *committer->group.scratch; i++)
    rem_buffer_deinit(&committer->group.scratch[i]);
  pthread_mutex_destroy(&committer->lock);
  rem_free(committer);
}

rem_kv *rem_committer_kv(const rem_committer *committer) {
  return committer->group.kv;
}

void rem_commit_counters_get(rem_committer *committer, rem_commit_counters *ret_counters) {
  pthread_mutex_lock(&committer->lock);
  *ret_counters = committer->counters;
  for (const waiter *w = committer->head; w; w = w->next)
    ret_counters->waiting++;
  pthread_mutex_unlock(&committer->lock);
}

/* ---- the group ---- */

static void group_reset(rem_commit_group *group) {
  rem_kv_batch_clear(group->batch);
  rem_overlay_reset(&group->overlay);
  group->first = group->last = NULL;
  group->sync = false;
}

static void group_add(rem_commit_group *group, waiter *member) {
  member->next = NULL;
  if (group->last)
    group->last->next = member;
  else
    group->first = member;
  group->last = member;
}

static rem_status put_failure(const rem_commit_group *group, rem_error *err) {
  return group->failure == REM_NOMEM ? rem_error_nomem(err)
                                     : rem_error_set(err, group->failure, "the transaction is too large");
}

static void apply_member(rem_commit_group *group, waiter *member) {
  const rem_commit_request *request = member->request;
  group->failure = REM_OK;
  rem_kv_batch_savepoint(group->batch);
  rem_overlay_savepoint(&group->overlay);
  member->status = request->apply(request->context, group, member->err);
  if (member->status >= 0 && group->failure < 0)
    member->status = put_failure(group, member->err);
  if (member->status < 0) {
    rem_puts_reset(&group->puts);
    rem_kv_batch_rollback(group->batch);
    rem_overlay_rollback(&group->overlay);
    return;
  }
  rem_puts_emit(&group->puts, group->batch);
  rem_kv_batch_keep(group->batch);
  group->sync |= request->sync;
}

static void put_late_values(rem_commit_group *group) {
  const rem_overlay *overlay = &group->overlay;
  for (uint32_t i = 0; i < overlay->entry_count; i++) {
    const rem_overlay_entry *entry = &overlay->entries[i];
    rem_slice key = rem_slice_of(entry->key, entry->key_size);
    if (!entry->value.late)
      continue;
    if (entry->value.state == REM_OVERLAY_PRESENT)
      rem_kv_batch_put(group->batch, (rem_kv_family)entry->family, key,
                       rem_slice_of(entry->value.data, entry->value.size));
    else if (entry->value.state == REM_OVERLAY_DELETED)
      rem_kv_batch_delete(group->batch, (rem_kv_family)entry->family, key);
  }
}

/* Tells every member whose apply() went well how the write ended, in commit order. */
static void group_conclude(rem_commit_group *group, rem_status written, const rem_error *reason) {
  for (waiter *member = group->first; member; member = member->next) {
    const rem_commit_request *request = member->request;
    if (member->status < 0)
      continue;
    if (written == REM_OK) {
      if (request->committed)
        request->committed(request->context);
      continue;
    }
    member->status = written;
    if (member->err)
      *member->err = *reason;
    if (request->failed)
      request->failed(request->context);
  }
}

static void group_write(rem_commit_group *group) {
  rem_error reason = {0};
  put_late_values(group);
  rem_status written = rem_kv_write(group->kv, group->batch, group->sync, &reason);
  group_conclude(group, written, &reason);
}

/* ---- the queue ---- */

/* Under the lock: the next request for this group, or NULL when it should be written. */
static waiter *take_next(rem_committer *committer, size_t taken) {
  waiter *next = committer->head;
  if (!next || next->exclusive || taken >= GROUP_REQUESTS)
    return NULL;
  if (taken && rem_kv_batch_size(committer->group.batch) >= committer->group_bytes)
    return NULL;
  committer->head = next->next;
  if (!committer->head)
    committer->tail = NULL;
  return next;
}

/* Under the lock, which is given up while working. */
static void lead_group(rem_committer *committer) {
  rem_commit_group *group = &committer->group;
  group_reset(group);
  size_t taken = 0;
  for (waiter *member; (member = take_next(committer, taken)); taken++) {
    pthread_mutex_unlock(&committer->lock);
    apply_member(group, member);
    group_add(group, member);
    pthread_mutex_lock(&committer->lock);
  }
  pthread_mutex_unlock(&committer->lock);
  group_write(group);
  pthread_mutex_lock(&committer->lock);
  committer->counters.requests += taken;
  committer->counters.groups++;
  committer->counters.syncs += group->sync;
}

/* Under the lock. A waiter is gone once it has seen `done`. */
static void wake_members(rem_commit_group *group) {
  for (waiter *member = group->first, *next; member; member = next) {
    next = member->next;
    member->done = true;
    pthread_cond_signal(&member->wake);
  }
  group->first = group->last = NULL;
}

/* Under the lock, at the head of the queue. */
static void lead_exclusive(rem_committer *committer, waiter *self) {
  committer->head = self->next;
  if (!committer->head)
    committer->tail = NULL;
  pthread_mutex_unlock(&committer->lock);
  self->status = self->exclusive(self->context, self->err);
  pthread_mutex_lock(&committer->lock);
}

static rem_status line_up(rem_committer *committer, waiter *self) {
  pthread_cond_init(&self->wake, NULL);
  pthread_mutex_lock(&committer->lock);
  if (committer->tail)
    committer->tail->next = self;
  else
    committer->head = self;
  committer->tail = self;
  while (!self->done && (committer->leading || committer->head != self))
    pthread_cond_wait(&self->wake, &committer->lock);
  if (!self->done) {
    committer->leading = true;
    if (self->exclusive)
      lead_exclusive(committer, self);
    else
      lead_group(committer);
    committer->leading = false;
    wake_members(&committer->group);
    if (committer->head)
      pthread_cond_signal(&committer->head->wake);
  }
  pthread_mutex_unlock(&committer->lock);
  pthread_cond_destroy(&self->wake);
  return self->status;
}

rem_status rem_commit_submit(rem_committer *committer, const rem_commit_request *request, rem_error *err) {
  REM_TRY(rem_kv_failed(committer->group.kv, err));
  waiter self = {.request = request, .err = err};
  return line_up(committer, &self);
}

rem_status rem_commit_exclusive(rem_committer *committer, rem_status (*run)(void *context, rem_error *err),
                                void *context, rem_error *err) {
  waiter self = {.exclusive = run, .context = context, .err = err};
  return line_up(committer, &self);
}

/* ---- inside apply() ---- */

rem_kv *rem_commit_kv(rem_commit_group *group) {
  return group->kv;
}

void *rem_commit_alloc(rem_commit_group *group, size_t size) {
  return rem_arena_alloc(&group->overlay.arena, size);
}

rem_buffer *rem_commit_scratch(rem_commit_group *group, size_t index) {
  rem_buffer *buffer = &group->scratch[index];
  rem_buffer_reset(buffer);
  return buffer;
}

rem_status rem_commit_get(rem_commit_group *group, rem_kv_family family, rem_slice key, rem_kv_pin *ret_pin,
                          rem_error *err) {
  rem_slice value;
  rem_overlay_state state = rem_overlay_get(&group->overlay, family, key, &value);
  if (state == REM_OVERLAY_UNKNOWN)
    return rem_kv_get(group->kv, NULL, family, key, ret_pin, err);
  rem_kv_pin_release(ret_pin);
  if (state == REM_OVERLAY_DELETED)
    return REM_NOT_FOUND;
  *ret_pin = (rem_kv_pin){.data = value.data, .size = value.size};
  return REM_OK;
}

static bool remember(rem_commit_group *group, rem_kv_family family, rem_slice key, const rem_slice *value,
                     rem_commit_flags flags) {
  if (flags == REM_COMMIT_BLIND)
    return true;
  if (rem_overlay_set(&group->overlay, family, key, value, flags == REM_COMMIT_LATE))
    return flags != REM_COMMIT_LATE;
  group->failure = REM_NOMEM;
  return false;
}

/* `parts` NULL: a deletion. */
static void hold(rem_commit_group *group, rem_kv_family family, rem_slice key, const rem_slice *parts, size_t part_count) {
  if (!rem_puts_add(&group->puts, family, key, parts, part_count))
    group->failure = REM_NOMEM;
  if (group->puts.bytes >= PUTS_BYTES)
    rem_puts_emit(&group->puts, group->batch);
}

void rem_commit_put(rem_commit_group *group, rem_kv_family family, rem_slice key, rem_slice value,
                    rem_commit_flags flags) {
  if (remember(group, family, key, &value, flags))
    hold(group, family, key, &value, 1);
}

void rem_commit_put_parts(rem_commit_group *group, rem_kv_family family, rem_slice key, const rem_slice *parts,
                          size_t part_count) {
  hold(group, family, key, parts, part_count);
}

void rem_commit_delete(rem_commit_group *group, rem_kv_family family, rem_slice key, rem_commit_flags flags) {
  if (remember(group, family, key, NULL, flags))
    hold(group, family, key, NULL, 0);
}

void rem_commit_delete_range(rem_commit_group *group, rem_kv_family family, rem_slice lower, rem_slice upper) {
  rem_puts_emit(&group->puts, group->batch); /* only what was put before goes with the range */
  rem_kv_batch_delete_range(group->batch, family, lower, upper);
}

size_t rem_commit_size(const rem_commit_group *group) {
  return rem_kv_batch_size(group->batch) + group->puts.bytes;
}
