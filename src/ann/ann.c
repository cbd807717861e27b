/* SPDX-License-Identifier: Apache-2.0 */
#include "ann/ann_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"

/* ---- life ---- */

static void index_free(rem_ann__index *index) {
  rem_ann__unload(index);
  rem_recent_deinit(&index->inbox.changes);
  pthread_rwlock_destroy(&index->lock);
  pthread_mutex_destroy(&index->inbox.lock);
  pthread_mutex_destroy(&index->work);
  rem_free(index);
}

static void set_free(rem_ann *ann) {
  for (size_t i = 0; i < ann->index_count; i++)
    index_free(ann->indexes[i]);
  rem_free(ann->indexes);
  rem_hash_map_deinit(&ann->by_name);
  rem_hash_map_deinit(&ann->by_tenant);
  rem_free(ann->folder);
  pthread_mutex_destroy(&ann->files);
  pthread_cond_destroy(&ann->idle);
  pthread_mutex_destroy(&ann->lock);
  rem_free(ann);
}

rem_status rem_ann_new(const rem_ann_options *options, rem_ann **ret_ann, rem_error *err) {
  rem_ann *ann = rem_calloc(1, sizeof *ann);
  if (!ann)
    return rem_error_nomem(err);
  ann->options = *options;
  if (ann->options.search_ef && ann->options.search_ef < REM_ANN__LEAST_EF)
    ann->options.search_ef = REM_ANN__LEAST_EF; /* what a graph takes */
  pthread_mutex_init(&ann->lock, NULL);
  pthread_mutex_init(&ann->files, NULL);
  pthread_cond_init(&ann->idle, NULL);
  ann->folder = rem_path_join(rem_kv_path(options->kv), "vectors");
  if (!ann->folder) {
    set_free(ann);
    return rem_error_nomem(err);
  }
  *ret_ann = ann;
  return REM_OK;
}

void rem_ann_close(rem_ann *ann, bool discard) {
  if (!ann)
    return;
  pthread_mutex_lock(&ann->lock);
  ann->closing = true;
  while (ann->tasks)
    pthread_cond_wait(&ann->idle, &ann->lock);
  pthread_mutex_unlock(&ann->lock);
  if (!discard)
    rem_ann_settle(ann);
  set_free(ann);
}

void rem_ann_settle(rem_ann *ann) {
  rem_ann__index *index;
  for (size_t i = 0; ann->options.committer && (index = rem_ann__at(ann, i)); i++)
    rem_ann__settle(index);
  if (ann->options.committer && rem_ann__at(ann, 0)) {
    pthread_mutex_lock(&ann->files);
    rem_ann__sweep(ann);
    pthread_mutex_unlock(&ann->files);
  }
}

bool rem_ann_pays(const rem_ann *ann, int64_t live_rows) {
  return !ann->options.flat && live_rows >= (int64_t)rem_ann__min_rows(ann);
}

size_t rem_ann__min_rows(const rem_ann *ann) {
  return ann->options.min_rows ? ann->options.min_rows : REM_ANN_MIN_ROWS;
}

/* ---- indexes ---- */

static rem_ann__index *index_new(rem_ann *ann, const rem_ann_target *target) {
  rem_ann__index *index = rem_calloc(1, sizeof *index);
  if (!index)
    return NULL;
  index->ann = ann;
  snprintf(index->tenant, sizeof index->tenant, "%s", target->tenant);
  snprintf(index->table, sizeof index->table, "%s", target->table);
  index->area = target->area;
  atomic_init(&index->live_rows, -1);
  atomic_init(&index->look_at, REM_ANN__FIRST_LOOK);
  pthread_mutex_init(&index->work, NULL);
  pthread_mutex_init(&index->inbox.lock, NULL);
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  /* Commits are not kept waiting by ever new searches; nobody takes the lock twice. */
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&index->lock, &attributes);
  pthread_rwlockattr_destroy(&attributes);
  return index;
}

static bool add_index(rem_ann *ann, rem_slice name, rem_ann__index *index) {
  if (ann->index_count == ann->index_capacity) {
    size_t capacity = ann->index_capacity ? ann->index_capacity * 2 : 8;
    rem_ann__index **indexes = rem_realloc(ann->indexes, capacity * sizeof(rem_ann__index *));
    if (!indexes)
      return false;
    ann->indexes = indexes;
    ann->index_capacity = capacity;
  }
  if (rem_hash_map_put(&ann->by_name, name, index, NULL, NULL) < 0)
    return false;
  rem_slice tenant = rem_slice_text(index->tenant);
  index->next_of_tenant = rem_hash_map_get(&ann->by_tenant, tenant);
  if (rem_hash_map_put(&ann->by_tenant, tenant, index, NULL, NULL) < 0) {
    (void)rem_hash_map_remove(&ann->by_name, name);
    return false;
  }
  ann->indexes[ann->index_count++] = index;
  return true;
}

static const char *hash_of(const rem_ann_target *target) {
  return target->model_hash ? target->model_hash : "";
}

bool rem_ann__is_of(const rem_ann__index *index, const rem_ann_target *target) {
  return index->dimension == target->dimension && strncmp(index->model_hash, hash_of(target), sizeof index->model_hash - 1) == 0;
}

rem_ann__model rem_ann__model_of(const rem_ann_target *target) {
  rem_ann__model model = {.dimension = target->dimension};
  strncpy(model.hash, hash_of(target), 64);
  return model;
}

void rem_ann__set_model(rem_ann__index *index, const rem_ann__model *model) {
  if (index->dimension == model->dimension && strcmp(index->model_hash, model->hash) == 0)
    return;
  index->broken = index->state != REM_ANN__NONE;
  index->dimension = model->dimension;
  snprintf(index->model_hash, sizeof index->model_hash, "%.64s", model->hash);
}

static void check_model(rem_ann__index *index, const rem_ann_target *target) {
  pthread_rwlock_rdlock(&index->lock);
  bool same = rem_ann__is_of(index, target);
  pthread_rwlock_unlock(&index->lock);
  if (same)
    return;
  rem_ann__model model = rem_ann__model_of(target);
  pthread_rwlock_wrlock(&index->lock);
  rem_ann__set_model(index, &model);
  pthread_rwlock_unlock(&index->lock);
}

rem_ann__index *rem_ann__find_place(rem_ann *ann, const rem_ann_target *target, bool make) {
  char name[192];
  int size = snprintf(name, sizeof name, "%s:%s:%u", target->tenant, target->table, target->area);
  if (size < 0 || (size_t)size >= sizeof name)
    return NULL;
  rem_slice key = rem_slice_of(name, (size_t)size);
  pthread_mutex_lock(&ann->lock);
  rem_ann__index *index = rem_hash_map_get(&ann->by_name, key);
  if (!index && make) {
    index = index_new(ann, target);
    if (index && !add_index(ann, key, index)) {
      index_free(index);
      index = NULL;
    }
  }
  pthread_mutex_unlock(&ann->lock);
  return index;
}

rem_ann__index *rem_ann__find(rem_ann *ann, const rem_ann_target *target) {
  rem_ann__index *index = rem_ann__find_place(ann, target, true);
  if (index)
    check_model(index, target);
  return index;
}

void rem_ann_want(rem_ann *ann, const rem_ann_target *target) {
  rem_ann__index *index = ann->options.flat ? NULL : rem_ann__find(ann, target);
  if (!index || !ann->options.committer)
    return;
  atomic_store(&index->dropped, false);
  atomic_store(&index->wanted, true);
  rem_ann__schedule(index);
}

rem_ann__index *rem_ann__at(rem_ann *ann, size_t i) {
  pthread_mutex_lock(&ann->lock);
  rem_ann__index *index = i < ann->index_count ? ann->indexes[i] : NULL;
  pthread_mutex_unlock(&ann->lock);
  return index;
}

rem_ann__index *rem_ann__first_of(rem_ann *ann, const char *tenant) {
  pthread_mutex_lock(&ann->lock);
  rem_ann__index *index = rem_hash_map_get(&ann->by_tenant, rem_slice_text(tenant));
  pthread_mutex_unlock(&ann->lock);
  return index;
}

/* ---- work in the background ---- */

static void run_task(void *context) {
  rem_ann__index *index = context;
  rem_ann *ann = index->ann;
  rem_ann__task(index);
  atomic_store(&index->scheduled, false);
  pthread_mutex_lock(&ann->lock);
  if (--ann->tasks == 0)
    pthread_cond_signal(&ann->idle);
  pthread_mutex_unlock(&ann->lock);
}

void rem_ann__schedule(rem_ann__index *index) {
  rem_ann *ann = index->ann;
  if (!ann->options.pool || atomic_exchange(&index->scheduled, true))
    return;
  pthread_mutex_lock(&ann->lock);
  bool go = !ann->closing;
  ann->tasks += go;
  pthread_mutex_unlock(&ann->lock);
  if (go && rem_thread_pool_submit(ann->options.pool, run_task, index, NULL) >= 0)
    return;
  atomic_store(&index->scheduled, false);
  if (!go)
    return;
  pthread_mutex_lock(&ann->lock);
  if (--ann->tasks == 0)
    pthread_cond_signal(&ann->idle);
  pthread_mutex_unlock(&ann->lock);
}

/* ---- notices ---- */

void rem_ann__notify(rem_ann *ann, const char *format, ...) {
  va_list arguments;
  pthread_mutex_lock(&ann->lock);
  size_t place = (ann->notice_first + ann->notice_count) % REM_ANN__NOTICES;
  if (ann->notice_count == REM_ANN__NOTICES)
    ann->notice_first = (ann->notice_first + 1) % REM_ANN__NOTICES;
  else
    ann->notice_count++;
  va_start(arguments, format);
  vsnprintf(ann->notices[place], sizeof ann->notices[place], format, arguments);
  va_end(arguments);
  pthread_mutex_unlock(&ann->lock);
}

rem_status rem_ann_notice(rem_ann *ann, char *ret_text, size_t capacity) {
  rem_status status = REM_NOT_FOUND;
  pthread_mutex_lock(&ann->lock);
  if (ann->notice_count) {
    snprintf(ret_text, capacity, "%s", ann->notices[ann->notice_first]);
    ann->notice_first = (ann->notice_first + 1) % REM_ANN__NOTICES;
    ann->notice_count--;
    status = REM_OK;
  }
  pthread_mutex_unlock(&ann->lock);
  return status;
}

/* ---- figures ---- */

void rem_ann_stats_get(rem_ann *ann, const rem_ann_target *target, rem_ann_stats *ret_stats) {
  static const char *const states[] = {"none", "file", "memory"};
  *ret_stats = (rem_ann_stats){.state = states[0]};
  rem_ann__index *index = rem_ann__find(ann, target);
  rem_kv_snapshot *snapshot REM_AUTO_SNAPSHOT = NULL;
  uint64_t seq;
  if (!index)
    return;
  if (rem_ann__latest(index, &snapshot, &seq, NULL) >= 0)
    (void)!rem_ann__prepare(index, snapshot, seq, NULL);
  pthread_rwlock_rdlock(&index->lock);
  ret_stats->state = states[index->state];
  if (atomic_load(&index->bad_file) && index->state == REM_ANN__NONE)
    ret_stats->state = atomic_load(&index->bad_is_old) ? "outdated" : "damaged";
  if (index->graph)
    rem_graph_stats_get(index->graph, &ret_stats->graph);
  if (index->has_record)
    ret_stats->file_seq = index->record.seq;
  ret_stats->recent = index->recent.op_count;
  ret_stats->memory_bytes = ret_stats->graph.memory_bytes + rem_recent_memory_bytes(&index->recent);
  char path[REM_ANN__PATH_SIZE];
  rem_ann__path(ann, index->record.file, path);
  if (index->has_record)
    ret_stats->file_bytes = (uint64_t)rem_file_tree_bytes(path);
  pthread_rwlock_unlock(&index->lock);
}
