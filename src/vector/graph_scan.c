/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scans. Over codes: all keys, then exact scores of the best, then of every further one whose key is within three standard deviations of the
 * code's error of the k-th exact score: where many are equally near, a fixed number would miss them. Over vectors: every score.
 */
#include "vector/graph_internal.h"

#include <stdlib.h>

#define POLL 4096 /* vectors between two looks at `cancel` */

static rem_status poll_cancel(const rem_graph_run *run, size_t at, rem_error *err) {
  const atomic_bool *cancel = run->search->cancel;
  if (at % POLL != 0 || cancel == NULL || !atomic_load_explicit(cancel, memory_order_relaxed)) return REM_OK;
  return rem_error_set(err, REM_CANCELLED, "the search was interrupted");
}

/* Keys of all matching nodes, into scratch->keys. */
static rem_status all_keys(rem_graph_run *run, rem_error *err) {
  const rem_graph *g = run->g;
  const uint32_t *nodes = run->match.nodes;
  size_t count = run->match.node_count;
  REM_TRY(rem_graph__scratch_keys(run->scratch, count + 4, err));
  for (size_t i = 0; i < count; i += POLL) {
    size_t some = count - i < POLL ? count - i : POLL;
    REM_TRY(poll_cancel(run, i, err));
    for (size_t j = i; j < i + some && g->mapping != NULL; j++) {
      if (!rem_graph__touch(g, rem_graph__links(g, nodes[j]), g->stride)) {
        run->failed = true;
        return REM_OK;
      }
    }
    g->kernel->keys[g->codec.bits == 8](run->scratch->query, g->codec.lines, (const uint8_t *)g->records.data + 4 * g->link_count,
                                        g->stride, nodes + i, some, run->scratch->keys + i);
  }
  run->report.visited += count;
  return REM_OK;
}

/* The `best` smallest entries, sorted, in the pool; returns how many. */
static size_t smallest(rem_graph_run *run, size_t best) {
  uint64_t *pool = run->scratch->pool;
  size_t have = 0, count = run->match.node_count;
  for (size_t i = 0; i < count; i++) {
    uint64_t entry = (uint64_t)run->scratch->keys[i] << 32 | (uint32_t)i;
    if (have == best && entry >= pool[have - 1]) continue;
    size_t at = have < best ? have++ : have - 1;
    for (; at > 0 && pool[at - 1] > entry; at--)
      pool[at] = pool[at - 1];
    pool[at] = entry;
  }
  return have;
}

rem_status rem_graph__scan_codes(rem_graph_run *run, rem_error *err) {
  const rem_graph *g = run->g;
  const uint32_t *nodes = run->match.nodes;
  size_t count = run->match.node_count, best = 2 * run->search->k > 30 ? 2 * run->search->k : 30;
  run->report.plan = REM_GRAPH_SCAN_CODES;
  REM_TRY(rem_graph__scratch_pool(run->scratch, best, err));
  REM_TRY(all_keys(run, err));
  if (run->failed) return REM_OK;
  size_t have = smallest(run, best);
  for (size_t i = 0; i < have && i < 4; i++)
    rem_graph__prefetch_node(g, nodes[(uint32_t)run->scratch->pool[i]]);
  for (size_t i = 0; i < have && !run->failed; i++) {
    if (i + 4 < have) rem_graph__prefetch_node(g, nodes[(uint32_t)run->scratch->pool[i + 4]]);
    REM_TRY(rem_graph__score_node(run, nodes[(uint32_t)run->scratch->pool[i]], err));
  }
  if (have < best) return REM_OK;
  uint64_t last = run->scratch->pool[have - 1];
  uint32_t bound = rem_graph_query_key(&run->query, rem_graph__worst_cosine(run) - 3 * (double)g->codec.error);
  for (size_t i = 0; i < count && !run->failed && (uint32_t)(last >> 32) <= bound; i++) {
    if (run->scratch->keys[i] <= bound && ((uint64_t)run->scratch->keys[i] << 32 | (uint32_t)i) > last)
      REM_TRY(rem_graph__score_node(run, nodes[i], err));
  }
  return REM_OK;
}

rem_status rem_graph__scan_exact(rem_graph_run *run, rem_error *err) {
  const rem_graph *g = run->g;
  run->report.plan = REM_GRAPH_SCAN_EXACT;
  uint32_t count = atomic_load(&g->vector_count);
  for (uint32_t i = 0; i < count && !run->failed; i++) {
    REM_TRY(poll_cancel(run, i, err));
    if (!rem_graph__touch(g, rem_graph__place(g, i), sizeof(rem_graph_place)))
      run->failed = true;
    else if (rem_graph__get(&rem_graph__place(g, i)->first_row) != REM_GRAPH_NONE)
      REM_TRY(rem_graph__score_vector(run, i, err));
  }
  return REM_OK;
}
