/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits -> recent -> graph.
 *
 * A commit only appends to recent, which takes a copy of the vector and no time. The thread that waited for the commit then moves what is in recent into
 * the graph, when that is in memory: the cost of an insert is borne by who inserts, and whoever finds somebody at it leaves it to them. A row is in the
 * graph before it leaves recent, and while it is in both, recent's word counts.
 */
#include "ann/ann_internal.h"
#include "base/instant.h"

enum {
  PIECE_LEAST = 128,
  PIECE_MOST = 16384,
  LAST_PIECE = 32,        /* so few are moved while commits wait */
  QUEUE_MOST = 20000,     /* changes in recent from which committing threads wait for their turn to move them */
  DEAD_LEAST = 1000,      /* dead rows worth a purge */
  ROUNDS_MOST = 1000,
};

/* ---- commits ---- */

void rem_ann_committed(rem_ann *ann, const rem_ann_target *target, const rem_ann_change *changes, size_t count,
                       int64_t live_rows) {
  rem_ann__index *index = rem_ann__find_place(ann, target, true);
  if (!index)
    return; /* nothing is open for it: it is read from the log one day */
  atomic_store(&index->dropped, false);
  atomic_store(&index->live_rows, live_rows);
  atomic_fetch_add(&index->changes, count);
  atomic_fetch_add(&index->since_file, count);
  rem_ann__hand_over(index, target, changes, count);
}

void rem_ann_advance(rem_ann *ann, const char *tenant, uint64_t seq) {
  for (rem_ann__index *index = rem_ann__first_of(ann, tenant); index; index = index->next_of_tenant)
    if (atomic_load(&index->open) || atomic_load(&index->inbox.filled))
      rem_ann__hand_over_to(index, seq);
}

/* ---- into the graph ---- */

static rem_status move_op(rem_graph *graph, const rem_recent *recent, const rem_recent_op *op, rem_error *err) {
  if (op->vector != REM_RECENT_GONE)
    return rem_graph_insert(graph, op->id, rem_recent_vector(recent, op), op->seq, err);
  rem_status status = rem_graph_delete(graph, op->id, op->seq, err);
  return status == REM_NOT_FOUND ? REM_OK : status;
}

/*
 * The first changes of recent, copied; their vectors stay where they are until they are dropped, which only the holder of work does. Dropping copies
 * what is left, so a piece is a good part of it: a log of 100,000 changes read after a crash is moved in 20 steps, not in 800.
 */
typedef struct piece {
  rem_recent_op *ops;     /* owned */
  const float **vectors;  /* owned */
  size_t count, left, capacity;
} piece;

static void piece_deinit(piece *taken) {
  rem_free(taken->ops);
  rem_free(taken->vectors);
}

static rem_status room_in_piece(piece *taken, size_t count, rem_error *err) {
  if (count <= taken->capacity)
    return REM_OK;
  rem_recent_op *ops = rem_realloc(taken->ops, count * sizeof *ops);
  if (!ops)
    return rem_error_nomem(err);
  taken->ops = ops;
  const float **vectors = rem_realloc(taken->vectors, count * sizeof *vectors);
  if (!vectors)
    return rem_error_nomem(err);
  taken->vectors = vectors;
  taken->capacity = count;
  return REM_OK;
}

static rem_status take_piece(rem_ann__index *index, piece *taken, rem_error *err) {
  pthread_rwlock_rdlock(&index->lock);
  size_t all = index->recent.op_count, count = all / 4;
  count = count < PIECE_LEAST ? PIECE_LEAST : count > PIECE_MOST ? PIECE_MOST : count;
  count = count < all ? count : all;
  rem_status status = room_in_piece(taken, count, err);
  taken->count = status >= 0 ? count : 0;
  taken->left = all - taken->count;
  for (size_t i = 0; i < taken->count; i++) {
    taken->ops[i] = index->recent.ops[i];
    taken->vectors[i] = rem_recent_vector(&index->recent, &taken->ops[i]);
  }
  pthread_rwlock_unlock(&index->lock);
  return status;
}

static rem_status move_piece(rem_ann__index *index, piece *taken, rem_error *err) {
  rem_status status = REM_OK;
  for (size_t i = 0; i < taken->count && status >= 0; i++) {
    const rem_recent_op *op = &taken->ops[i];
    if (op->vector != REM_RECENT_GONE)
      status = rem_graph_insert(index->graph, op->id, taken->vectors[i], op->seq, err);
    else
      status = rem_graph_delete(index->graph, op->id, op->seq, err);
    if (status == REM_NOT_FOUND)
      status = REM_OK;
  }
  pthread_rwlock_wrlock(&index->lock);
  if (status >= 0)
    status = rem_recent_drop(&index->recent, taken->count, err);
  if (status >= 0 && taken->count)
    index->drained = taken->ops[taken->count - 1].seq;
  index->broken |= status < 0;
  pthread_rwlock_unlock(&index->lock);
  return status;
}

/* What is left is moved while commits wait. */
static rem_status move_rest(rem_ann__index *index, uint64_t *ret_seq, rem_error *err) {
  rem_status status = REM_OK;
  pthread_rwlock_wrlock(&index->lock);
  rem_ann__flush(index);
  for (size_t i = 0; i < index->recent.op_count && status >= 0; i++)
    status = move_op(index->graph, &index->recent, &index->recent.ops[i], err);
  if (status >= 0) {
    rem_recent_deinit(&index->recent);
    index->drained = index->known;
  }
  index->broken |= status < 0;
  *ret_seq = index->known;
  pthread_rwlock_unlock(&index->lock);
  return status;
}

/*
 * lock held alone. Up to where dead rows may go without a living snapshot losing them, or 0: not yet. Snapshots know the second they were taken in and no sequence number; but one
 * that is taken after the graph has reached a number sees that number or a later one. So the number is written down with the time, and serves when all
 * snapshots that live are younger.
 */
static uint64_t purge_horizon(rem_ann__index *index, bool forced) {
  int64_t oldest = rem_kv_oldest_snapshot_s(index->ann->options.kv);
  uint64_t horizon = oldest == 0 || forced ? index->drained : index->purge_to && oldest > index->purge_after_s ? index->purge_to : 0;
  if (horizon) {
    index->purge_to = 0;
  } else if (!index->purge_to) {
    index->purge_to = index->drained;
    index->purge_after_s = rem_instant_now() / 1000000;
  }
  return horizon;
}

/* Rows that died are taken out once they are many. While an old snapshot lives they may become half of all; then it is scanned for. */
static rem_status purge_dead(rem_ann__index *index, rem_error *err) {
  rem_graph_stats stats;
  rem_graph_stats_get(index->graph, &stats);
  if (stats.dead_rows < DEAD_LEAST || stats.dead_rows < stats.rows / 8)
    return REM_OK;
  pthread_rwlock_wrlock(&index->lock);
  uint64_t horizon = purge_horizon(index, stats.dead_rows > stats.rows);
  if (index->floor < horizon)
    index->floor = horizon;
  pthread_rwlock_unlock(&index->lock);
  return horizon ? rem_graph_purge(index->graph, horizon, 0, err) : REM_OK;
}

rem_status rem_ann__drain(rem_ann__index *index, bool all, uint64_t *ret_seq, rem_error *err) {
  piece taken REM_CLEANUP(piece_deinit) = {0};
  for (size_t round = 0; round < ROUNDS_MOST; round++) {
    REM_TRY(take_piece(index, &taken, err));
    if (taken.count == 0 || (all && taken.count + taken.left <= LAST_PIECE))
      break;
    REM_TRY(move_piece(index, &taken, err));
  }
  REM_TRY(purge_dead(index, err));
  return all ? move_rest(index, ret_seq, err) : REM_OK;
}

/* ---- after a commit ---- */

static void drain_if_free(rem_ann__index *index, size_t queued) {
  if (queued > QUEUE_MOST)
    pthread_mutex_lock(&index->work);
  else if (pthread_mutex_trylock(&index->work) != 0)
    return;
  pthread_rwlock_rdlock(&index->lock);
  bool go = index->state == REM_ANN__MEMORY && !index->broken;
  pthread_rwlock_unlock(&index->lock);
  if (go)
    (void)!rem_ann__drain(index, false, NULL, NULL); /* a failure has marked the index broken: it is opened anew when next used */
  pthread_mutex_unlock(&index->work);
}

static void upkeep_index(rem_ann__index *index) {
  pthread_rwlock_rdlock(&index->lock);
  size_t queued = index->state == REM_ANN__MEMORY ? index->recent.op_count : 0;
  pthread_rwlock_unlock(&index->lock);
  if (queued)
    drain_if_free(index, queued);
  bool large = atomic_load(&index->live_rows) >= (int64_t)rem_ann__min_rows(index->ann);
  if (large && atomic_load(&index->changes) >= atomic_load(&index->look_at))
    rem_ann__schedule(index);
}

void rem_ann_upkeep(rem_ann *ann, const char *tenant) {
  rem_ann__index *index = ann->options.flat ? NULL : rem_ann__first_of(ann, tenant);
  for (; index; index = index->next_of_tenant)
    upkeep_index(index);
}
