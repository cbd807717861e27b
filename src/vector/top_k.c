/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap with the worst kept hit on top: a hit that is not among the best costs one comparison. */
#include "vector/top_k.h"

#include <stdlib.h>

/* Does `a` come before `b` in the answer? */
static bool before(rem_metric metric, const rem_vector_hit *a, const rem_vector_hit *b) {
  if (a->score != b->score) return rem_metric_better(metric, a->score, b->score);
  return memcmp(a->id, b->id, sizeof a->id) < 0;
}

void rem_top_k_init(rem_top_k *top, rem_metric metric, size_t k) {
  *top = (rem_top_k){.metric = metric, .k = k};
}

void rem_top_k_deinit(rem_top_k *top) {
  rem_free(top->hits);
  *top = (rem_top_k){.metric = top->metric};
}

/* Grows by doubling up to k, so that a large k costs only what is found. */
static rem_status make_room(rem_top_k *top, rem_error *err) {
  if (top->count < top->capacity) return REM_OK;
  if (top->capacity > SIZE_MAX / sizeof *top->hits / 2) return rem_error_nomem(err);
  size_t capacity = top->capacity == 0 ? 16 : 2 * top->capacity;
  rem_vector_hit *hits = rem_realloc(top->hits, capacity * sizeof *hits);
  if (hits == NULL) return rem_error_nomem(err);
  top->hits = hits;
  top->capacity = capacity;
  return REM_OK;
}

static void swap(rem_vector_hit *a, rem_vector_hit *b) {
  rem_vector_hit kept = *a;
  *a = *b;
  *b = kept;
}

/* The hit at `child` moves up while it is worse than its parent. */
static void sift_up(rem_top_k *top, size_t child) {
  while (child > 0) {
    size_t parent = (child - 1) / 2;
    if (!before(top->metric, &top->hits[parent], &top->hits[child])) return;
    swap(&top->hits[parent], &top->hits[child]);
    child = parent;
  }
}

/* The hit on top moves down while a child is worse. */
static void sift_down(rem_top_k *top) {
  size_t parent = 0;
  for (;;) {
    size_t worst = parent, left = 2 * parent + 1;
    for (size_t child = left; child < left + 2 && child < top->count; child++) {
      if (before(top->metric, &top->hits[worst], &top->hits[child])) worst = child;
    }
    if (worst == parent) return;
    swap(&top->hits[parent], &top->hits[worst]);
    parent = worst;
  }
}

rem_status rem_top_k_add(rem_top_k *top, const uint8_t id[16], double score, rem_error *err) {
  rem_vector_hit hit = {.score = score};
  memcpy(hit.id, id, sizeof hit.id);
  if (top->k != 0 && top->count == top->k) {
    if (!before(top->metric, &hit, &top->hits[0])) return REM_OK;
    top->hits[0] = hit;
    sift_down(top);
    return REM_OK;
  }
  REM_TRY(make_room(top, err));
  top->hits[top->count++] = hit;
  if (top->k != 0) sift_up(top, top->count - 1);
  return REM_OK;
}

rem_status rem_top_k_merge(rem_top_k *top, const rem_top_k *from, rem_error *err) {
  for (size_t i = 0; i < from->count; i++)
    REM_TRY(rem_top_k_add(top, from->hits[i].id, from->hits[i].score, err));
  return REM_OK;
}

static int compare_hits(const void *a, const void *b, void *metric) {
  return before(*(const rem_metric *)metric, a, b) ? -1 : 1;
}

void rem_top_k_finish(rem_top_k *top) {
  if (top->count > 1) qsort_r(top->hits, top->count, sizeof *top->hits, compare_hits, &top->metric);
}
