/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Top k: the best of a stream of hits, in a bounded heap.
 *
 * The order is total: better score first, then smaller id; so the same data give the same answer whatever the order in
 * which they are seen, and results of several threads merge exactly. Ids are unique within one stream.
 */
#ifndef REM_VECTOR_TOP_K_H
#define REM_VECTOR_TOP_K_H

#include "base/buffer.h"
#include "vector/similarity.h"

typedef struct rem_vector_hit {
  uint8_t id[16];
  double score;
} rem_vector_hit;

typedef struct rem_top_k {
  rem_metric metric;
  size_t k;             /* 0: keep all */
  rem_vector_hit *hits; /* a heap with the worst kept one on top, once k are there */
  size_t count, capacity;
} rem_top_k;

/* Keeps the best `k`; 0: all of them. Takes no memory yet. */
void rem_top_k_init(rem_top_k *top, rem_metric metric, size_t k);
void rem_top_k_deinit(rem_top_k *top);
/* Does nothing when the hit is not among the best. */
REM_CHECKED rem_status rem_top_k_add(rem_top_k *top, const uint8_t id[16], double score, rem_error *err);
/* Would a hit of this score be left out whatever its id? Lets a scan skip the call. */
static inline bool rem_top_k_rejects(const rem_top_k *top, double score) {
  return top->k != 0 && top->count == top->k && rem_metric_better(top->metric, top->hits[0].score, score);
}
/* All hits of `from` into `top`. */
REM_CHECKED rem_status rem_top_k_merge(rem_top_k *top, const rem_top_k *from, rem_error *err);
/* Sorts best first, in place; after that only reading and deinit. */
void rem_top_k_finish(rem_top_k *top);

#endif
