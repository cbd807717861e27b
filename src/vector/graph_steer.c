/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies around a query, before a walk under a filter is chosen or left: the share of matches there. Two ways to walk with a filter were tried and left for a plain walk
 * with a wider pool: to go on until the pool is full of matches (as hnswlib does), and to go from match to match through one that does not match (as ACORN does).
 * Both found as much in three to five times the time, since the kernel's walk asks nobody on its way.
 */
#include "vector/graph_internal.h"

static uint32_t link_of(const rem_graph *g, uint32_t node, uint32_t at) {
  uint32_t link = __atomic_load_n(&rem_graph__links(g, node)[at], __ATOMIC_ACQUIRE);
  return link < g->node_capacity ? link : g->node_capacity - 1;
}

/* A node's record may be read. */
static bool ready(rem_graph_run *run, uint32_t node) {
  if (rem_graph__touch(run->g, rem_graph__links(run->g, node), run->g->stride)) return true;
  run->failed = true;
  return false;
}

static void prefetch_links(const rem_graph *g, uint32_t node) {
  const uint8_t *links = (const uint8_t *)rem_graph__links(g, node);
  for (uint32_t i = 0; i < 4 * g->link_count; i += REM_GRAPH_LINE)
    __builtin_prefetch(links + i);
}

static void keys_of(rem_graph_run *run, const uint32_t *nodes, size_t count, uint32_t *ret_keys) {
  const rem_graph *g = run->g;
  for (size_t i = 0; i < count && !run->failed; i++)
    (void)ready(run, nodes[i]);
  if (run->failed || count == 0) return;
  g->kernel->keys[g->codec.bits == 8](run->scratch->query, g->codec.lines, (const uint8_t *)g->records.data + 4 * g->link_count, g->stride,
                                      nodes, count, ret_keys);
  run->report.visited += count;
}

double rem_graph__local_rate(rem_graph_run *run) {
  rem_graph *g = run->g;
  uint32_t key, entry = rem_graph__find_entry(g, run->scratch->query, &key);
  /* Downhill first: what lies around the pivot says little about the query's place. */
  for (bool nearer = true; nearer && ready(run, entry);) {
    uint32_t nodes[REM_GRAPH_MAX_LINKS], keys[REM_GRAPH_MAX_LINKS];
    for (uint32_t i = 0; i < g->link_count; i++)
      nodes[i] = link_of(g, entry, i);
    keys_of(run, nodes, g->link_count, keys);
    nearer = false;
    for (uint32_t i = 0; i < g->link_count && !run->failed; i++) {
      if (keys[i] >= key) continue;
      key = keys[i];
      entry = nodes[i];
      nearer = true;
    }
  }
  uint32_t seen = 0, matching = 0;
  for (uint32_t i = 0; i < g->link_count && !run->failed; i++)
    prefetch_links(g, link_of(g, entry, i));
  for (uint32_t i = 0; i < g->link_count && !run->failed; i++) {
    uint32_t node = link_of(g, entry, i);
    if (!ready(run, node)) break;
    /* Every fourth of the second neighbours: a sample is enough. */
    for (uint32_t j = 0; j < g->link_count; j += 4, seen++)
      matching += rem_graph__node_matches(&run->match, link_of(g, node, j));
  }
  return seen > 0 ? (double)matching / seen : 0;
}
