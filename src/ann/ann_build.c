/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A graph from the store: the vectors of the live rows of one snapshot. Vectors and rows are both in the order of ids, so one pass over both
 * tells which vectors count.
 */
#include "ann/ann_internal.h"
#include "schema/record.h"
#include "storage/key.h"

typedef struct build_run {
  rem_ann__index *index;
  rem_kv_snapshot *snapshot;
  uint64_t seq;
  size_t dimension;
  rem_graph *graph;
  rem_kv_iterator *vectors, *rows;
  size_t rows_prefix, vectors_prefix; /* sizes of the prefixes */
  float *vector;                      /* one, aligned */
  uint64_t count;
} build_run;

static void build_run_deinit(build_run *run) {
  rem_kv_iterator_free(run->vectors);
  rem_kv_iterator_free(run->rows);
  rem_graph_free(run->graph);
  rem_free(run->vector);
  rem_kv_snapshot_release(run->snapshot);
}

static bool cancelled(const rem_ann *ann) {
  return ann->options.cancel && atomic_load_explicit(ann->options.cancel, memory_order_relaxed);
}

static rem_status open_iterators(build_run *run, rem_error *err) {
  const rem_ann__index *index = run->index;
  rem_buffer vectors REM_AUTO_BUFFER = {0}, rows REM_AUTO_BUFFER = {0};
  rem_kv *kv = index->ann->options.kv;
  rem_key_vector_prefix(&vectors, index->tenant, index->table, index->area);
  rem_key_entity_prefix(&rows, index->tenant, index->table);
  REM_TRY(rem_buffer_status(&vectors, err));
  REM_TRY(rem_buffer_status(&rows, err));
  run->vectors_prefix = vectors.size;
  run->rows_prefix = rows.size;
  REM_TRY(rem_kv_iterator_scan(kv, run->snapshot, REM_CF_VECTORS, rem_buffer_slice(&vectors), false, &run->vectors, err));
  REM_TRY(rem_kv_iterator_scan(kv, run->snapshot, REM_CF_ENTITIES, rem_buffer_slice(&rows), false, &run->rows, err));
  rem_kv_iterator_first(run->vectors);
  rem_kv_iterator_first(run->rows);
  return REM_OK;
}

/* Is there a live row of this id? The iterator over the rows goes along. */
static rem_status is_live(build_run *run, const uint8_t id[16], bool *ret_live, rem_error *err) {
  *ret_live = false;
  for (; rem_kv_iterator_valid(run->rows); rem_kv_iterator_next(run->rows)) {
    rem_slice key = rem_kv_iterator_key(run->rows);
    int order = key.size == run->rows_prefix + 16 ? memcmp(key.data + run->rows_prefix, id, 16) : -1;
    if (order > 0)
      return REM_OK;
    if (order < 0)
      continue;
    rem_record record;
    rem_slice value = rem_kv_iterator_value(run->rows);
    REM_TRY(rem_record_open(value.data, value.size, &record, err));
    *ret_live = !rem_record_is_deleted(&record);
    return REM_OK;
  }
  return rem_kv_iterator_status(run->rows, err);
}

static rem_status add_vector(build_run *run, rem_error *err) {
  rem_slice key = rem_kv_iterator_key(run->vectors), value = rem_kv_iterator_value(run->vectors);
  bool live;
  if (key.size != run->vectors_prefix + 16 || value.size != run->dimension * sizeof *run->vector)
    return rem_error_set(err, REM_CORRUPT, "a vector of '%s' is of another size", run->index->table);
  const uint8_t *id = key.data + run->vectors_prefix;
  REM_TRY(is_live(run, id, &live, err));
  if (!live)
    return REM_OK;
  memcpy(run->vector, value.data, value.size);
  REM_TRY(rem_graph_insert(run->graph, id, run->vector, run->seq, err));
  run->count++;
  return REM_OK;
}

static rem_status collect(build_run *run, rem_error *err) {
  const rem_ann *ann = run->index->ann;
  rem_graph_options options = {
      .dimension = run->dimension, .m = ann->options.m, .build_ef = ann->options.build_ef, .search_ef = ann->options.search_ef};
  int64_t rows = atomic_load(&run->index->live_rows);
  run->vector = rem_alloc(run->dimension * sizeof *run->vector);
  if (!run->vector)
    return rem_error_nomem(err);
  REM_TRY(rem_graph_new(&options, &run->graph, err));
  if (rows > 0)
    REM_TRY(rem_graph_reserve(run->graph, (size_t)rows, err));
  REM_TRY(open_iterators(run, err));
  for (; rem_kv_iterator_valid(run->vectors); rem_kv_iterator_next(run->vectors)) {
    if (cancelled(ann))
      return rem_error_set(err, REM_CANCELLED, "interrupted");
    REM_TRY(add_vector(run, err));
  }
  return rem_kv_iterator_status(run->vectors, err);
}

static rem_status begin(build_run *run, rem_error *err) {
  pthread_rwlock_rdlock(&run->index->lock);
  run->dimension = run->index->dimension;
  pthread_rwlock_unlock(&run->index->lock);
  return rem_ann__latest(run->index, &run->snapshot, &run->seq, err);
}

rem_status rem_ann__build(rem_ann__index *index, rem_error *err) {
  const rem_ann *ann = index->ann;
  build_run run REM_CLEANUP(build_run_deinit) = {.index = index};
  REM_TRY(begin(&run, err));
  REM_TRY(collect(&run, err));
  atomic_store(&index->live_rows, (int64_t)run.count);
  if (run.count < rem_ann__min_rows(ann))
    return REM_NOT_FOUND;
  REM_TRY(rem_graph_build(run.graph, ann->options.pool, ann->options.cancel, NULL, err));
  rem_graph_set_sequence(run.graph, run.seq);
  rem_ann__record record = {.seq = run.seq, .rows = run.count};
  REM_TRY(rem_ann__random(&record.incarnation, err));
  return rem_ann__install(index, REM_TAKE(run.graph), &record, false, err);
}
