/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scans. Over codes: all keys, then exact scores of the best, then of every further one that may be as good (graph_band.c): where many are equally near,
 * a fixed number would miss them. Over vectors: every score.
 */
#include "vector/graph_band.h"

#include <stdlib.h>

#define POLL 4096 /* vectors between two looks at `cancel` */
#define FIRST_SCORED 30 /* nodes at least whose exact scores say where the others must lie */
#define FAR_AHEAD 32
#define AHEAD 8 /* nodes on their way to the cache while one is scored */

static rem_status poll_cancel(const rem_graph_run *run, size_t at, rem_error *err) {
  const atomic_bool *cancel = run->search->cancel;
  if (at % POLL != 0 || cancel == NULL || !atomic_load_explicit(cancel, memory_order_relaxed)) return REM_OK;
  return rem_error_set(err, REM_CANCELLED, "the search was interrupted");
}

rem_status rem_graph__score_nodes(rem_graph_run *run, const uint32_t *nodes, size_t count, rem_error *err) {
  for (size_t i = 0; i < count && i < FAR_AHEAD; i++)
    rem_graph__prefetch_number(run->g, nodes[i]);
  for (size_t i = 0; i < count && i < AHEAD; i++)
    rem_graph__prefetch_node(run->g, nodes[i]);
  for (size_t i = 0; i < count && !run->failed; i++) {
    if (i + FAR_AHEAD < count) rem_graph__prefetch_number(run->g, nodes[i + FAR_AHEAD]);
    if (i + AHEAD < count) rem_graph__prefetch_node(run->g, nodes[i + AHEAD]);
    REM_TRY(rem_graph__score_node(run, nodes[i], err));
  }
  return REM_OK;
}

rem_status rem_graph__score_pool(rem_graph_run *run, const uint32_t *nodes, uint32_t *keys, size_t count, rem_error *err) {
  const uint64_t *pool = run->scratch->pool;
  rem_graph_numbers *chosen = &run->scratch->chosen;
  REM_TRY(rem_graph__numbers_reserve(chosen, count, err));
  for (size_t i = 0; i < count; i++) {
    chosen->items[i] = nodes[(uint32_t)pool[i]];
    keys[(uint32_t)pool[i]] = REM_GRAPH_DONE;
  }
  return rem_graph__score_nodes(run, chosen->items, count, err);
}

static bool touch_nodes(rem_graph_run *run, const uint32_t *nodes, size_t count) {
  const rem_graph *g = run->g;
  if (g->mapping == NULL || atomic_load(&g->mapping->checked_count) == g->mapping->block_count) return true;
  for (size_t i = 0; i < count; i++) {
    if (!rem_graph__touch(g, rem_graph__links(g, nodes[i]), g->stride)) return false;
  }
  return true;
}

/* Keys of all matching nodes into scratch->keys, the `best` smallest into the pool. */
static rem_status all_keys(rem_graph_run *run, size_t best, size_t *ret_have, rem_error *err) {
  const rem_graph *g = run->g;
  const uint32_t *nodes = run->match.nodes;
  size_t count = run->match.node_count;
  *ret_have = 0;
  REM_TRY(rem_graph__scratch_pool(run->scratch, best, err));
  REM_TRY(rem_graph__scratch_keys(run->scratch, count + REM_GRAPH_KEY_SLACK, err));
  for (size_t i = 0; i < count; i += POLL) {
    size_t some = count - i < POLL ? count - i : POLL;
    REM_TRY(poll_cancel(run, i, err));
    run->failed = !touch_nodes(run, nodes + i, some);
    if (run->failed) return REM_OK;
    g->kernel->keys[g->codec.bits == 8](run->scratch->query, g->codec.lines, (const uint8_t *)g->records.data + 4 * g->link_count,
                                        g->stride, nodes + i, some, run->scratch->keys + i);
    *ret_have = g->kernel->keep(run->scratch->keys, i, i + some, run->scratch->pool, *ret_have, best);
  }
  run->report.visited += count;
  return REM_OK;
}

rem_status rem_graph__scan_codes(rem_graph_run *run, rem_error *err) {
  size_t best = 2 * run->search->k > FIRST_SCORED ? 2 * run->search->k : FIRST_SCORED, have;
  run->report.plan = REM_GRAPH_SCAN_CODES;
  REM_TRY(all_keys(run, best, &have, err));
  if (run->failed) return REM_OK;
  REM_TRY(rem_graph__score_pool(run, run->match.nodes, run->scratch->keys, have, err));
  return have < best || run->failed ? REM_OK : rem_graph__scan_band(run, err);
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
