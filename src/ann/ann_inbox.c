/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inbox: what commits hand over while an index is being searched.
 *
 * A commit hands its changes over inside the one order of all commits, and there it must not wait: a search holds the index's lock from beginning to end, which is
 * tens of milliseconds where it scans. So a commit that cannot have the lock at once leaves its changes here, and whoever next holds the lock alone moves them on:
 * the next commit, or the next search, which needs them. In a search's sight nothing changes: what is here is not known yet.
 *
 *   commit   lock free: inbox -> recent, then its own changes -> recent      lock held: its own changes -> inbox
 *   search   inbox filled: alone for a moment, inbox -> recent               then shared
 *
 * The mutex is taken inside the lock, or alone.
 */
#include "ann/ann_internal.h"

static rem_status read_stored(const rem_ann__index *index, const uint8_t id[16], size_t dimension, float **ret_vector, rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_status status = rem_ann__stored(index, NULL, id, &key, &pin, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND || pin.size != dimension * sizeof(float))
    return rem_error_set(err, REM_CORRUPT, "the vector of a row of '%s' is missing", index->table);
  *ret_vector = rem_memdup(pin.data, pin.size);
  return *ret_vector ? REM_OK : rem_error_nomem(err);
}

/* A vector that the change does not bring is in the store: the last one of the group of commits just written, between which no snapshot can be taken. */
static rem_status remember(const rem_ann__index *index, rem_recent *recent, const rem_ann_change *change) {
  float *stored REM_AUTO_FREE = NULL;
  const float *vector = change->vector;
  if (!change->gone && !vector) {
    REM_TRY(read_stored(index, change->id, recent->dimension, &stored, NULL));
    vector = stored;
  }
  return rem_recent_add(recent, change->id, change->gone ? NULL : vector, change->seq, NULL);
}

/* ---- out of it ---- */

static bool is_following(const rem_ann__index *index) {
  return index->state != REM_ANN__NONE && !index->broken;
}

/* lock held alone. */
static void move_changes(rem_ann__index *index, const rem_recent *changes) {
  for (size_t i = 0; i < changes->op_count && is_following(index); i++) {
    const rem_recent_op *op = &changes->ops[i];
    if (op->seq > index->known && rem_recent_add(&index->recent, op->id, rem_recent_vector(changes, op), op->seq, NULL) < 0)
      index->broken = true;
  }
}

void rem_ann__flush(rem_ann__index *index) {
  if (!atomic_load(&index->inbox.filled))
    return;
  pthread_mutex_lock(&index->inbox.lock);
  rem_recent changes = index->inbox.changes;
  uint64_t known = index->inbox.known;
  bool broken = index->inbox.broken;
  rem_ann__model model = index->inbox.model;
  index->inbox.changes = (rem_recent){0};
  index->inbox.model = (rem_ann__model){0};
  index->inbox.broken = false;
  atomic_store(&index->inbox.filled, false);
  pthread_mutex_unlock(&index->inbox.lock);
  if (model.dimension)
    rem_ann__set_model(index, &model);
  index->broken |= broken && index->state != REM_ANN__NONE;
  move_changes(index, &changes);
  if (is_following(index) && index->known < known)
    index->known = known;
  rem_recent_deinit(&changes);
}

void rem_ann__flush_filled(rem_ann__index *index) {
  if (!atomic_load(&index->inbox.filled))
    return;
  pthread_rwlock_wrlock(&index->lock);
  rem_ann__flush(index);
  pthread_rwlock_unlock(&index->lock);
}

/* ---- into it, or past it ---- */

static void put_in(rem_ann__index *index, const rem_ann_target *target, const rem_ann_change *changes, size_t count) {
  pthread_mutex_lock(&index->inbox.lock);
  rem_recent *inbox = &index->inbox.changes;
  rem_ann__model model = rem_ann__model_of(target);
  bool same = index->inbox.model.dimension == 0 || memcmp(&model, &index->inbox.model, sizeof model) == 0;
  index->inbox.model = model;
  if (!inbox->op_count)
    inbox->dimension = model.dimension;
  /* Without memory, without a word of what changed, or with vectors of two models the index is of no more use. */
  bool kept = changes && same;
  for (size_t i = 0; kept && i < count; i++)
    kept = remember(index, inbox, &changes[i]) >= 0;
  index->inbox.broken |= !kept;
  atomic_store(&index->inbox.filled, true);
  pthread_mutex_unlock(&index->inbox.lock);
}

void rem_ann__hand_over(rem_ann__index *index, const rem_ann_target *target, const rem_ann_change *changes, size_t count) {
  if (pthread_rwlock_trywrlock(&index->lock) != 0) {
    put_in(index, target, changes, count);
    return;
  }
  rem_ann__flush(index);
  rem_ann__model model = rem_ann__model_of(target);
  rem_ann__set_model(index, &model);
  if (!changes)
    index->broken = index->state != REM_ANN__NONE;
  for (size_t i = 0; i < count && is_following(index); i++)
    if (changes[i].seq > index->known && remember(index, &index->recent, &changes[i]) < 0)
      index->broken = true;
  pthread_rwlock_unlock(&index->lock);
}

void rem_ann__hand_over_to(rem_ann__index *index, uint64_t seq) {
  if (pthread_rwlock_trywrlock(&index->lock) == 0) {
    rem_ann__flush(index);
    if (is_following(index) && index->known < seq)
      index->known = seq;
    pthread_rwlock_unlock(&index->lock);
    return;
  }
  pthread_mutex_lock(&index->inbox.lock);
  if (index->inbox.known < seq)
    index->inbox.known = seq;
  atomic_store(&index->inbox.filled, true);
  pthread_mutex_unlock(&index->inbox.lock);
}
