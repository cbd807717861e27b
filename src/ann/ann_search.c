/* SPDX-License-Identifier: Apache-2.0 */
/* One search: what the graph has, without what changed since, and what recent has of that. */
#include "ann/ann_internal.h"
#include "storage/log.h"

/* A mapped file is worth loading into memory, where changes flow into the graph, when searches have compared this many times its rows beside it. */
#define LOAD_WORTH 4
#define RECENT_LEAST 256

typedef struct view {
  const rem_ann_target *target;
  const rem_kv_snapshot *snapshot;
  uint64_t seq;
  rem_ann__record record; /* what the snapshot names; readers only */
  bool has_record;
} view;

static rem_status open_view(const rem_ann__index *index, const rem_kv_snapshot *snapshot, view *ret_view, rem_error *err) {
  ret_view->snapshot = snapshot;
  REM_TRY(rem_log_last_seq(index->ann->options.kv, snapshot, index->tenant, &ret_view->seq, err));
  if (index->ann->options.committer)
    return REM_OK;
  rem_status status = rem_ann__record_read(index, snapshot, &ret_view->record, err);
  REM_TRY(status);
  ret_view->has_record = status == REM_OK;
  return REM_OK;
}

/* lock held. A reader uses only what its snapshot names: the writer may have dropped it, or made it anew from changes that are not in the log. */
static bool can_answer(const rem_ann__index *index, const view *seen) {
  if (index->state == REM_ANN__NONE || index->broken || index->known < seen->seq || index->floor > seen->seq ||
      !rem_ann__is_of(index, seen->target))
    return false;
  return index->ann->options.committer || (seen->has_record && seen->record.incarnation == index->record.incarnation);
}

/* The best `k` as the graph has them. */
static rem_status run_graph(rem_ann__index *index, const view *seen, const rem_ann_query *query, size_t k,
                            rem_vector_hits *ret_hits, rem_graph_report *report, rem_error *err) {
  rem_graph_search search = {
      .metric = query->metric,
      .query = query->vector,
      .k = k,
      .ef = query->ef,
      .has_threshold = query->has_threshold,
      .threshold = query->threshold,
      .snapshot = seen->seq < index->drained ? seen->seq : index->drained,
      .accept = query->accept,
      .accept_context = query->accept_context,
      .ids = query->ids,
      .id_count = query->id_count,
      .except = (const uint8_t(*)[16])index->recent.ids,
      .except_count = rem_recent_changed(&index->recent, seen->seq),
      .exact = query->exact,
      .approximate = query->approximate,
      .cancel = index->ann->options.cancel,
  };
  rem_ann_rows *rows = NULL;
  if (query->shared) {
    REM_TRY(rem_ann_ids_rows(query->shared, index->graph, index->serial, search.snapshot, &rows, err));
    search.filter = rem_ann_rows_filter(rows);
    search.ids = NULL;
  }
  rem_status status = rem_graph_search_run(index->graph, &search, ret_hits, report, err);
  rem_ann_rows_release(rows);
  return status;
}

/* What may be as good as the k-th, or as the threshold, in place of `hits`: rounding may have hidden any number of rows that are nearly equal. */
static rem_status search_again(rem_ann__index *index, const view *seen, const rem_ann_query *query, rem_vector_hits *hits,
                               rem_ann_report *report, rem_error *err) {
  rem_graph_report first = report->graph;
  rem_ann_query all = *query;
  all.has_threshold = true;
  if (hits->count == query->k)
    all.threshold = hits->hits[query->k - 1].score;
  rem_vector_hits_deinit(hits);
  *hits = (rem_vector_hits){0};
  REM_TRY(run_graph(index, seen, &all, 0, hits, &report->graph, err));
  report->graph.visited += first.visited;
  report->graph.scored += first.scored;
  return rem_ann__make_exact(index, seen->snapshot, &all, hits, err);
}

/* REM_NOT_FOUND: the store is better scanned. */
static rem_status search_graph(rem_ann__index *index, const view *seen, const rem_ann_query *query, rem_vector_hits *ret_hits,
                               rem_ann_report *report, rem_error *err) {
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  size_t wanted = rem_ann__exact_k(query->k), rows = (size_t)index->record.rows;
  bool all = query->k == 0 && !query->has_threshold && !query->ids && !query->accept;
  if (all && !rem_ann__exact_pays(rows, rows))
    return REM_NOT_FOUND;
  REM_TRY(run_graph(index, seen, query, wanted, &hits, &report->graph, err));
  if (query->k == 0 && !rem_ann__exact_pays(hits.count, rows))
    return REM_NOT_FOUND;
  bool cut = wanted && hits.count == wanted;
  REM_TRY(rem_ann__make_exact(index, seen->snapshot, query, &hits, err));
  if (cut && (query->exact || hits.count < query->k))
    REM_TRY(search_again(index, seen, query, &hits, report, err));
  *ret_hits = hits;
  hits = (rem_vector_hits){0};
  return REM_OK;
}

static rem_status add_hits(rem_top_k *top, const rem_vector_hits *hits, rem_error *err) {
  for (size_t i = 0; i < hits->count; i++)
    REM_TRY(rem_top_k_add(top, hits->hits[i].id, hits->hits[i].score, err));
  return REM_OK;
}

/* lock held. Puts together what graph and recent have found. */
static rem_status add_recent(rem_ann__index *index, const view *seen, const rem_ann_query *query, rem_vector_hits *hits,
                             rem_ann_report *report, rem_error *err) {
  rem_query measure;
  rem_top_k top;
  rem_query_init(&measure, query->metric, query->vector, index->dimension);
  rem_recent_scan scan = {
      .seq = seen->seq,
      .query = &measure,
      .has_threshold = query->has_threshold,
      .threshold = query->threshold,
      .accept = query->accept,
      .accept_context = query->accept_context,
      .ids = query->ids,
      .id_count = query->id_count,
  };
  rem_top_k_init(&top, query->metric, query->k);
  rem_status status = add_hits(&top, hits, err);
  if (status >= 0)
    status = rem_recent_search(&index->recent, &scan, &top, &report->recent, err);
  if (status >= 0) {
    rem_top_k_finish(&top);
    rem_vector_hits_deinit(hits);
    *hits = (rem_vector_hits){.hits = REM_TAKE(top.hits), .count = top.count};
  }
  rem_top_k_deinit(&top);
  return status;
}

/* lock held. */
static rem_status search_all(rem_ann__index *index, const view *seen, const rem_ann_query *query, rem_vector_hits *ret_hits,
                             rem_ann_report *report, rem_error *err) {
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  rem_status status = search_graph(index, seen, query, &hits, report, err);
  if (status != REM_OK)
    return status;
  if (index->recent.op_count)
    REM_TRY(add_recent(index, seen, query, &hits, report, err));
  hits.scanned = report->graph.visited + report->graph.scored + report->recent;
  *ret_hits = hits;
  hits = (rem_vector_hits){0};
  return REM_OK;
}

/* lock held shared. Would the changes in recent be better off in a graph in memory? */
static bool is_worth_moving(rem_ann__index *index, uint64_t scored) {
  if (index->recent.op_count < RECENT_LEAST)
    return false;
  if (index->state == REM_ANN__MEMORY)
    return true;
  uint64_t sum = atomic_fetch_add(&index->recent_scored, scored) + scored;
  return sum > LOAD_WORTH * index->record.rows;
}

static void mark_damaged(rem_ann__index *index, const rem_graph *graph, const rem_error *reason) {
  pthread_rwlock_wrlock(&index->lock);
  if (index->graph == graph)
    rem_ann__refuse(index, reason);
  pthread_rwlock_unlock(&index->lock);
}

/* REM_ROW: not ready to answer. */
static rem_status try_search(rem_ann__index *index, const view *seen, const rem_ann_query *query, rem_vector_hits *ret_hits,
                             rem_ann_report *report, rem_error *err) {
  rem_error reason = {0};
  rem_ann__flush_filled(index);
  pthread_rwlock_rdlock(&index->lock);
  const rem_graph *graph = index->graph;
  bool ready = can_answer(index, seen), move = false;
  rem_status status = ready ? search_all(index, seen, query, ret_hits, report, &reason) : REM_ROW;
  if (ready)
    rem_ann__note_use(index);
  if (status == REM_OK)
    move = is_worth_moving(index, report->recent);
  pthread_rwlock_unlock(&index->lock);
  if (move)
    rem_ann__schedule(index);
  if (status == REM_CORRUPT) {
    mark_damaged(index, graph, &reason);
    return REM_NOT_FOUND;
  }
  if (status < 0 && err)
    *err = reason;
  return status;
}

rem_status rem_ann_search(rem_ann *ann, const rem_ann_target *target, const rem_kv_snapshot *snapshot,
                          const rem_ann_query *query, rem_vector_hits *ret_hits, rem_ann_report *ret_report,
                          rem_error *err) {
  rem_ann__index *index = ann->options.flat ? NULL : rem_ann__find(ann, target);
  rem_ann_report report = {0};
  view seen = {.target = target};
  if (!index)
    return REM_NOT_FOUND;
  REM_TRY(open_view(index, snapshot, &seen, err));
  rem_status status = try_search(index, &seen, query, ret_hits, &report, err);
  if (status == REM_ROW && rem_ann__prepare(index, snapshot, seen.seq, NULL) == REM_OK)
    status = try_search(index, &seen, query, ret_hits, &report, err);
  if (status == REM_OK && ret_report)
    *ret_report = report;
  return status == REM_ROW ? REM_NOT_FOUND : status;
}
