/* SPDX-License-Identifier: Apache-2.0 */
#include "ann/ids.h"

#include <pthread.h>

#include "base/alloc.h"

struct rem_ann_rows {
  _Atomic int references;
  uint64_t serial; /* of the graph */
  rem_graph_filter *filter;
};

struct rem_ann_ids {
  _Atomic int references;
  uint8_t (*ids)[16]; /* owned */
  size_t count;
  pthread_mutex_t lock; /* guards what follows */
  rem_ann_rows *rows;   /* owned reference; NULL: none yet */
};

rem_status rem_ann_ids_new(uint8_t (*ids)[16], size_t count, rem_ann_ids **ret_set, rem_error *err) {
  rem_ann_ids *set = rem_calloc(1, sizeof *set);
  if (!set)
    return rem_error_nomem(err);
  atomic_init(&set->references, 1);
  set->ids = ids;
  set->count = count;
  pthread_mutex_init(&set->lock, NULL);
  *ret_set = set;
  return REM_OK;
}

rem_ann_ids *rem_ann_ids_ref(rem_ann_ids *set) {
  atomic_fetch_add(&set->references, 1);
  return set;
}

void rem_ann_rows_release(rem_ann_rows *rows) {
  if (!rows || atomic_fetch_sub(&rows->references, 1) > 1)
    return;
  rem_graph_filter_free(rows->filter);
  rem_free(rows);
}

void rem_ann_ids_unref(rem_ann_ids *set) {
  if (!set || atomic_fetch_sub(&set->references, 1) > 1)
    return;
  rem_ann_rows_release(set->rows);
  pthread_mutex_destroy(&set->lock);
  rem_free(set->ids);
  rem_free(set);
}

const uint8_t (*rem_ann_ids_items(const rem_ann_ids *set))[16] {
  return (const uint8_t(*)[16])set->ids;
}

size_t rem_ann_ids_count(const rem_ann_ids *set) {
  return set->count;
}

size_t rem_ann_ids_bytes(rem_ann_ids *set) {
  pthread_mutex_lock(&set->lock);
  size_t bytes = sizeof *set + 16 * set->count + (set->rows ? rem_graph_filter_bytes(set->rows->filter) : 0);
  pthread_mutex_unlock(&set->lock);
  return bytes;
}

static rem_status make_rows(const rem_ann_ids *set, rem_graph *graph, uint64_t serial, uint64_t snapshot, rem_ann_rows **ret_rows, rem_error *err) {
  rem_ann_rows *rows = rem_calloc(1, sizeof *rows);
  if (!rows)
    return rem_error_nomem(err);
  atomic_init(&rows->references, 1);
  rows->serial = serial;
  rem_status status = rem_graph_filter_new(graph, (const uint8_t(*)[16])set->ids, set->count, snapshot, &rows->filter, err);
  if (status < 0)
    rem_free(rows);
  else
    *ret_rows = rows;
  return status;
}

/* A reference to what is kept, if it serves. */
static rem_ann_rows *find_rows(rem_ann_ids *set, rem_graph *graph, uint64_t serial, uint64_t snapshot) {
  pthread_mutex_lock(&set->lock);
  rem_ann_rows *rows = set->rows;
  if (rows && (rows->serial != serial || !rem_graph_filter_holds(graph, rows->filter, snapshot)))
    rows = NULL;
  if (rows)
    atomic_fetch_add(&rows->references, 1);
  pthread_mutex_unlock(&set->lock);
  return rows;
}

rem_status rem_ann_ids_rows(rem_ann_ids *set, rem_graph *graph, uint64_t serial, uint64_t snapshot, rem_ann_rows **ret_rows, rem_error *err) {
  *ret_rows = find_rows(set, graph, serial, snapshot);
  if (*ret_rows)
    return REM_OK;
  REM_TRY(make_rows(set, graph, serial, snapshot, ret_rows, err));
  atomic_fetch_add(&(*ret_rows)->references, 1);
  pthread_mutex_lock(&set->lock);
  rem_ann_rows *old = set->rows;
  set->rows = *ret_rows;
  pthread_mutex_unlock(&set->lock);
  rem_ann_rows_release(old);
  return REM_OK;
}

const rem_graph_filter *rem_ann_rows_filter(const rem_ann_rows *rows) {
  return rows->filter;
}
