/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A graph to a file, and when.
 *
 *   drain                  the graph has all up to sequence c
 *   choose the pool        the smallest whose recall, sampled beside exact answers, reaches the target
 *   write and sync         under a new name; nobody knows it yet
 *   one commit             `meta` names it, `vector_log` up to c goes
 *   sweep                  files that nothing names any more
 *
 * Cut short anywhere, what `meta` names is whole and the log begins right behind it. Inserting one row must not rewrite a file of 200 MB, and
 * a reader should not have much to read beside it: so a file is due on close beyond max(min_rows, 5 %) changes, and during a long load
 * beyond a quarter.
 */
#include <stdio.h>

#include "ann/ann_internal.h"
#include "base/file.h"
#include "base/instant.h"
#include "storage/key.h"
#include "storage/log.h"

#define RECALL_K 10
#define RECALL_TARGET 0.95

/* ---- the pool of a search ---- */

static const unsigned pools[] = {50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 800};

/* Fewer queries for more rows: their exact answers are what it costs. */
static size_t sample_size(uint64_t rows) {
  uint64_t queries = rows ? 20000000 / rows : 200;
  return queries < 32 ? 32 : queries > 200 ? 200 : (size_t)queries;
}

static rem_status choose_pool(const rem_ann *ann, rem_graph *graph, rem_error *err) {
  double target = ann->options.recall_target > 0 ? ann->options.recall_target : RECALL_TARGET;
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  size_t queries = sample_size(stats.rows);
  double recall = 0;
  unsigned chosen = ann->options.search_ef;
  if (stats.rows <= RECALL_K)
    return REM_OK;
  if (chosen)
    REM_TRY(rem_graph_estimate_recall(graph, queries, RECALL_K, chosen, &recall, err));
  for (size_t i = 0; !ann->options.search_ef && i < sizeof pools / sizeof *pools && recall < target; i++) {
    chosen = pools[i];
    REM_TRY(rem_graph_estimate_recall(graph, queries, RECALL_K, chosen, &recall, err));
  }
  rem_graph_set_search_ef(graph, chosen, recall);
  return REM_OK;
}

/* ---- the file ---- */

typedef struct naming {
  rem_ann__index *index;
  rem_ann__record record;
} naming;

/* The record, and no more log up to it: one batch. */
static rem_status apply_naming(void *context, rem_commit_group *group, rem_error *err) {
  naming *run = context;
  const rem_ann__index *index = run->index;
  rem_buffer key REM_AUTO_BUFFER = {0}, value REM_AUTO_BUFFER = {0}, lower REM_AUTO_BUFFER = {0}, upper REM_AUTO_BUFFER = {0};
  rem_ann__record_key(index, &key);
  rem_ann__record_encode(&run->record, &value);
  rem_key_vector_log_prefix(&lower, index->tenant, index->table, index->area);
  rem_key_vector_log(&upper, index->tenant, index->table, index->area, run->record.seq + 1);
  REM_TRY(rem_buffer_status(&key, err));
  REM_TRY(rem_buffer_status(&value, err));
  REM_TRY(rem_buffer_status(&lower, err));
  REM_TRY(rem_buffer_status(&upper, err));
  rem_commit_put(group, REM_CF_META, rem_buffer_slice(&key), rem_buffer_slice(&value), REM_COMMIT_BLIND);
  rem_commit_delete_range(group, REM_CF_VECTOR_LOG, rem_buffer_slice(&lower), rem_buffer_slice(&upper));
  return REM_OK;
}

static rem_status write_file(rem_ann__index *index, naming *run, rem_error *err) {
  char path[REM_ANN__PATH_SIZE];
  uint8_t note[REM_ANN__NOTE_SIZE];
  REM_TRY(rem_file_make_folders(index->ann->folder, 0700, err));
  REM_TRY(rem_ann__random(&run->record.file, err));
  pthread_rwlock_rdlock(&index->lock);
  rem_ann__note(index, &run->record, note);
  pthread_rwlock_unlock(&index->lock);
  rem_ann__path(index->ann, run->record.file, path);
  REM_TRY(rem_graph_file_write(index->graph, path, note, sizeof note, err));
  rem_commit_request request = {.apply = apply_naming, .context = run};
  rem_status status = rem_commit_submit(index->ann->options.committer, &request, err);
  if (status < 0)
    remove(path);
  return status;
}

/* The file there is now becomes the one before. */
static rem_status begin_record(rem_ann__index *index, naming *run, rem_error *err) {
  rem_ann__record old;
  rem_graph_stats stats;
  rem_graph_stats_get(index->graph, &stats);
  run->record.rows = stats.rows;
  rem_status status = rem_ann__record_read(index, NULL, &old, err);
  REM_TRY(status);
  if (status == REM_OK) {
    run->record.previous = old.file;
    run->record.superseded_at = rem_instant_now();
  }
  return REM_OK;
}

rem_status rem_ann__save(rem_ann__index *index, rem_error *err) {
  naming run = {.index = index};
  uint64_t before = atomic_load(&index->since_file);
  REM_TRY(rem_ann__drain(index, true, &run.record.seq, err));
  rem_graph_set_sequence(index->graph, run.record.seq);
  REM_TRY(choose_pool(index->ann, index->graph, err));
  pthread_rwlock_rdlock(&index->lock);
  run.record.incarnation = index->record.incarnation;
  pthread_rwlock_unlock(&index->lock);
  REM_TRY(begin_record(index, &run, err));
  pthread_mutex_lock(&index->ann->files);
  rem_ann__sweep(index->ann); /* what attempts that were cut short have left may be what fills the disk */
  rem_status status = write_file(index, &run, err);
  if (status >= 0)
    rem_ann__sweep(index->ann);
  pthread_mutex_unlock(&index->ann->files);
  REM_TRY(status);
  pthread_rwlock_wrlock(&index->lock);
  index->record = run.record;
  index->has_record = true;
  pthread_rwlock_unlock(&index->lock);
  atomic_store(&index->wanted, false);
  atomic_fetch_sub(&index->since_file, before);
  return REM_OK;
}

/* ---- when ---- */

static uint64_t limit(const rem_ann__index *index, uint64_t share) {
  int64_t rows = atomic_load(&index->live_rows);
  uint64_t least = rem_ann__min_rows(index->ann), part = rows > 0 ? (uint64_t)rows / share : 0;
  return part > least ? part : least;
}

/* work held. Is there a file that can be loaded? */
static bool has_file(const rem_ann__index *index) {
  rem_ann__record record;
  return rem_ann__record_read(index, NULL, &record, NULL) == REM_OK && record.file != atomic_load(&index->bad_file);
}

/* work held. */
static bool is_in_memory(rem_ann__index *index) {
  pthread_rwlock_rdlock(&index->lock);
  bool there = index->state == REM_ANN__MEMORY && !index->broken;
  pthread_rwlock_unlock(&index->lock);
  return there;
}

/* work held: has the graph on file or in memory, else makes it. */
static rem_status bring_up(rem_ann__index *index, rem_error *err) {
  rem_status status = rem_ann__to_memory(index, err);
  if (status == REM_NOT_FOUND)
    status = rem_ann__build(index, err);
  return status;
}

/*
 * work held, graph in memory. The codes were fitted to the rows of the build; when most rows have come since, they are chosen anew. A table that grows is
 * built again each time it is four times as large, which adds a third of a build to what its inserts cost.
 */
static rem_status renew(rem_ann__index *index, rem_error *err) {
  rem_graph_stats stats;
  rem_graph_stats_get(index->graph, &stats);
  pthread_rwlock_rdlock(&index->lock);
  uint64_t waiting = index->recent.op_count; /* to be moved in */
  pthread_rwlock_unlock(&index->lock);
  uint64_t rows = stats.rows + waiting;
  if (stats.drift + waiting <= rows - rows / 4)
    return REM_OK;
  rem_status status = rem_ann__build(index, err);
  return status == REM_NOT_FOUND && is_in_memory(index) ? REM_OK : status;
}

/* work held: to memory, fitted, and to a file. */
static rem_status bring_up_and_save(rem_ann__index *index, rem_error *err) {
  rem_status status = bring_up(index, err);
  if (status == REM_OK)
    status = renew(index, err);
  return status == REM_OK ? rem_ann__save(index, err) : status;
}

void rem_ann__report_failure(rem_ann__index *index, rem_status status, const rem_error *reason) {
  if (status < 0 && status != REM_CANCELLED)
    rem_ann__notify(index->ann, "the vector index of '%s' could not be brought up to date: %s", index->table, reason->message);
}

void rem_ann__task(rem_ann__index *index) {
  rem_error reason = {0};
  rem_status status = REM_OK;
  bool writer = index->ann->options.committer != NULL;
  pthread_mutex_lock(&index->work);
  bool missing = writer && !is_in_memory(index) && !has_file(index);
  bool much = writer && atomic_load(&index->since_file) > limit(index, 4);
  bool move = atomic_load(&index->recent_scored) > 0 || is_in_memory(index);
  if (atomic_load(&index->dropped))
    missing = much = move = false;
  if (missing || much)
    status = bring_up_and_save(index, &reason);
  else if (move)
    status = writer ? bring_up(index, &reason) : rem_ann__to_memory(index, &reason);
  if (status == REM_OK && move && !missing && !much)
    status = rem_ann__drain(index, false, NULL, &reason);
  atomic_store(&index->look_at, atomic_load(&index->changes) + limit(index, 4) / 8);
  rem_ann__note_memory(index);
  pthread_mutex_unlock(&index->work);
  rem_ann__keep_within(index->ann);
  rem_ann__report_failure(index, status, &reason);
}

/* ---- on close ---- */

/* How many changes the log holds after `seq`, counted up to `most`. */
static rem_status count_log(const rem_ann__index *index, uint64_t seq, uint64_t most, uint64_t *ret_count, rem_error *err) {
  rem_buffer lower REM_AUTO_BUFFER = {0}, prefix REM_AUTO_BUFFER = {0}, upper REM_AUTO_BUFFER = {0};
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  uint64_t last;
  *ret_count = 0;
  REM_TRY(rem_log_last_seq(index->ann->options.kv, NULL, index->tenant, &last, err));
  if (last - seq <= most)
    return REM_OK; /* a change is at least one number */
  rem_key_vector_log(&lower, index->tenant, index->table, index->area, seq + 1);
  rem_key_vector_log_prefix(&prefix, index->tenant, index->table, index->area);
  REM_TRY(rem_buffer_status(&prefix, err));
  rem_key_prefix_end(&upper, rem_buffer_slice(&prefix));
  REM_TRY(rem_buffer_status(&lower, err));
  REM_TRY(rem_buffer_status(&upper, err));
  REM_TRY(rem_kv_iterator_new(index->ann->options.kv, NULL, REM_CF_VECTOR_LOG, rem_buffer_slice(&lower),
                              rem_buffer_slice(&upper), &iterator, err));
  rem_kv_iterator_first(iterator);
  for (; rem_kv_iterator_valid(iterator) && *ret_count <= most; rem_kv_iterator_next(iterator))
    ++*ret_count;
  return rem_kv_iterator_status(iterator, err);
}

static rem_status apply_forget(void *context, rem_commit_group *group, rem_error *err) {
  const rem_ann__index *index = context;
  rem_buffer key REM_AUTO_BUFFER = {0}, lower REM_AUTO_BUFFER = {0}, upper REM_AUTO_BUFFER = {0};
  rem_ann__record_key(index, &key);
  REM_TRY(rem_buffer_status(&key, err));
  rem_key_vector_log_prefix(&lower, index->tenant, index->table, index->area);
  REM_TRY(rem_buffer_status(&lower, err));
  rem_key_prefix_end(&upper, rem_buffer_slice(&lower));
  REM_TRY(rem_buffer_status(&upper, err));
  rem_commit_delete(group, REM_CF_META, rem_buffer_slice(&key), REM_COMMIT_BLIND);
  rem_commit_delete_range(group, REM_CF_VECTOR_LOG, rem_buffer_slice(&lower), rem_buffer_slice(&upper));
  return REM_OK;
}

/* work held. No file and no log any more, in one batch: a file whose log is gone would be taken for the present. */
static rem_status forget(rem_ann__index *index, rem_error *err) {
  rem_commit_request request = {.apply = apply_forget, .context = index};
  REM_TRY(rem_commit_submit(index->ann->options.committer, &request, err));
  pthread_rwlock_wrlock(&index->lock);
  rem_ann__unload(index);
  pthread_rwlock_unlock(&index->lock);
  return REM_OK;
}

/* work held: a table too small for a graph, or without one by configuration, has a log that nothing reads. */
static rem_status forget_unread(rem_ann__index *index, uint64_t seq, rem_error *err) {
  uint64_t most = limit(index, 20), count;
  REM_TRY(count_log(index, seq, most, &count, err));
  return count > most ? forget(index, err) : REM_OK;
}

/* work held. */
static rem_status settle(rem_ann__index *index, rem_error *err) {
  rem_ann__record record = {0};
  uint64_t count = 0;
  bool flat = index->ann->options.flat;
  bool large = !flat && atomic_load(&index->live_rows) >= (int64_t)rem_ann__min_rows(index->ann);
  rem_status status = rem_ann__record_read(index, NULL, &record, err);
  REM_TRY(status);
  status = status == REM_OK && !flat ? rem_ann__can_open(index, &record, err) : REM_NOT_FOUND;
  REM_TRY(status);
  bool usable = status == REM_OK;
  if (!usable && !large && !atomic_load(&index->wanted))
    return forget_unread(index, record.seq, err);
  if (usable)
    REM_TRY(count_log(index, record.seq, limit(index, 20), &count, err));
  if (usable && count <= limit(index, 20))
    return REM_OK;
  status = bring_up_and_save(index, err);
  if (status != REM_NOT_FOUND)
    return status;
  atomic_store(&index->wanted, false); /* too few rows after all */
  return forget_unread(index, record.seq, err);
}

void rem_ann__settle(rem_ann__index *index) {
  if (atomic_load(&index->dropped) || (atomic_load(&index->changes) == 0 && !atomic_load(&index->wanted)))
    return;
  rem_error reason = {0};
  pthread_mutex_lock(&index->work);
  rem_status status = settle(index, &reason);
  pthread_mutex_unlock(&index->work);
  rem_ann__report_failure(index, status, &reason); /* the next writer tries again */
}

rem_status rem_ann_checkpoint(rem_ann *ann, const rem_ann_target *target, bool rebuild, rem_error *err) {
  rem_ann__index *index = rem_ann__find(ann, target);
  if (!index)
    return rem_error_nomem(err);
  if (!ann->options.committer)
    return rem_error_set(err, REM_READONLY, "the database was opened for reading");
  pthread_mutex_lock(&index->work);
  atomic_store(&index->dropped, false);
  rem_status status = rebuild ? rem_ann__build(index, err) : bring_up_and_save(index, err);
  if (status == REM_OK && rebuild)
    status = rem_ann__save(index, err);
  rem_ann__note_memory(index);
  pthread_mutex_unlock(&index->work);
  rem_ann__keep_within(ann);
  return status;
}

/* ---- an end ---- */

rem_status rem_ann_drop(rem_ann *ann, const char *tenant, const char *table, unsigned area, rem_error *err) {
  rem_ann_target target = {.tenant = tenant, .table = table, .area = area};
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_key_graph(&key, tenant, table, area);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status there = rem_kv_exists(ann->options.kv, NULL, REM_CF_META, rem_buffer_slice(&key), err);
  REM_TRY(there);
  rem_ann__index *index = rem_ann__find_place(ann, &target, there == REM_OK);
  if (!index)
    return there == REM_OK ? rem_error_nomem(err) : REM_OK;
  pthread_mutex_lock(&index->work);
  rem_status status = REM_OK;
  atomic_store(&index->dropped, true); /* work that is waiting for its turn must not build from what is left */
  if (there == REM_OK)
    status = forget(index, err);
  if (status >= 0) {
    pthread_rwlock_wrlock(&index->lock);
    rem_ann__unload(index);
    pthread_rwlock_unlock(&index->lock);
    atomic_store(&index->live_rows, 0);
    atomic_store(&index->wanted, false);
  } else {
    atomic_store(&index->dropped, false);
  }
  pthread_mutex_unlock(&index->work);
  return status < 0 ? status : REM_OK;
}
