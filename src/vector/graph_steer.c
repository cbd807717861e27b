/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks under a filter. "Keep" goes through all nodes and keeps the matching ones (as hnswlib and Qdrant do): right where a third or more of
 * the neighbourhood match. "Matches" goes from match to match, through one non-matching node (as ACORN does), with sampled matches as
 * further places to begin: right where fewer do. Both have a budget, since a walk that does not find its matches visits everything.
 */
#include "vector/graph_internal.h"

#define HOP_BATCH 32  /* matches taken from one node's surroundings */
#define SEEDS     32

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

static bool mark(rem_graph_scratch *s, uint32_t node) {
  bool fresh = s->visited[node] != s->epoch;
  s->visited[node] = s->epoch;
  return fresh;
}

static void prefetch_links(const rem_graph *g, uint32_t node) {
  const uint8_t *links = (const uint8_t *)rem_graph__links(g, node);
  for (uint32_t i = 0; i < 4 * g->link_count; i += REM_GRAPH_LINE)
    __builtin_prefetch(links + i);
}

static size_t pool_add(uint64_t *pool, size_t count, size_t ef, uint64_t entry, size_t *ret_place) {
  *ret_place = SIZE_MAX;
  if (count == ef && entry >= pool[count - 1]) return count;
  size_t at = count < ef ? count++ : count - 1;
  for (; at > 0 && pool[at - 1] > entry; at--)
    pool[at] = pool[at - 1];
  pool[at] = entry;
  *ret_place = at;
  return count;
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

double rem_graph__local_rate(rem_graph_run *run, uint32_t *ret_entry, uint32_t *ret_key) {
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
  *ret_entry = entry;
  *ret_key = key;
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

/* ------------------------------------------------------------------------------------------- */
/* Keep                                                                                         */

/* A heap of entries with the smallest on top, in the numbers' memory taken as uint64. */
typedef struct heap {
  uint64_t *entries;
  size_t count, capacity;
} heap;

static bool heap_push(heap *h, uint64_t entry) {
  if (h->count == h->capacity) {
    uint64_t *entries = rem_realloc(h->entries, (h->capacity * 2 + 256) * sizeof *entries);
    if (entries == NULL) return false;
    h->entries = entries;
    h->capacity = h->capacity * 2 + 256;
  }
  size_t at = h->count++;
  for (; at > 0 && h->entries[(at - 1) / 2] > entry; at = (at - 1) / 2)
    h->entries[at] = h->entries[(at - 1) / 2];
  h->entries[at] = entry;
  return true;
}

static uint64_t heap_pop(heap *h) {
  uint64_t top = h->entries[0], last = h->entries[--h->count];
  size_t at = 0;
  for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
    if (child + 1 < h->count && h->entries[child + 1] < h->entries[child]) child++;
    if (h->entries[child] >= last) break;
    h->entries[at] = h->entries[child];
  }
  h->entries[at] = last;
  return top;
}

static size_t unseen_links(rem_graph_run *run, uint32_t node, uint32_t *ret_nodes) {
  size_t count = 0;
  for (uint32_t i = 0; i < run->g->link_count; i++) {
    uint32_t next = link_of(run->g, node, i);
    if (mark(run->scratch, next)) ret_nodes[count++] = next;
  }
  return count;
}

static size_t keep_from(rem_graph_run *run, heap *h, size_t ef, uint64_t budget) {
  uint64_t *pool = run->scratch->pool, begun = run->report.visited;
  size_t count = 0, place;
  if (rem_graph__node_matches(&run->match, (uint32_t)h->entries[0] >> 1)) count = pool_add(pool, 0, ef, h->entries[0], &place);
  while (h->count > 0 && !run->failed) {
    uint64_t entry = heap_pop(h);
    if (count == ef && entry > pool[count - 1]) break;
    if (run->report.visited - begun > budget) return SIZE_MAX;
    uint32_t nodes[REM_GRAPH_MAX_LINKS], keys[REM_GRAPH_MAX_LINKS];
    size_t found = unseen_links(run, (uint32_t)entry >> 1, nodes);
    keys_of(run, nodes, found, keys);
    for (size_t i = 0; i < found && !run->failed; i++) {
      uint64_t next = (uint64_t)keys[i] << 32 | (uint64_t)nodes[i] << 1;
      if (count == ef && next >= pool[count - 1]) continue;
      if (!heap_push(h, next)) return SIZE_MAX; /* no memory: the scan needs less */
      prefetch_links(run->g, nodes[i]);
      if (rem_graph__node_matches(&run->match, nodes[i])) count = pool_add(pool, count, ef, next, &place);
    }
  }
  return count;
}

size_t rem_graph__walk_keep(rem_graph_run *run, uint32_t entry, uint32_t key, size_t ef, uint64_t budget) {
  heap h = {0};
  rem_graph__scratch_epoch(run->scratch);
  (void)mark(run->scratch, entry);
  size_t count = heap_push(&h, (uint64_t)key << 32 | (uint64_t)entry << 1) ? keep_from(run, &h, ef, budget) : SIZE_MAX;
  rem_free(h.entries);
  return count;
}

/* ------------------------------------------------------------------------------------------- */
/* Matches                                                                                      */

/* Unseen matches among the links of `node`, and among those of its non-matching links while there are few. */
static size_t matches_around(rem_graph_run *run, uint32_t node, uint32_t *ret_nodes) {
  rem_graph *g = run->g;
  uint32_t others[REM_GRAPH_MAX_LINKS];
  size_t count = 0, other_count = 0;
  for (uint32_t i = 0; i < g->link_count; i++) {
    uint32_t next = link_of(g, node, i);
    if (run->scratch->visited[next] == run->scratch->epoch) continue;
    if (rem_graph__node_matches(&run->match, next)) {
      if (mark(run->scratch, next)) ret_nodes[count++] = next;
    } else {
      others[other_count++] = next;
      prefetch_links(g, next);
    }
  }
  for (size_t i = 0; i < other_count && count < HOP_BATCH && !run->failed; i++) {
    if (!mark(run->scratch, others[i]) || !ready(run, others[i])) continue;
    for (uint32_t j = 0; j < g->link_count && count < REM_GRAPH_MAX_LINKS; j++) {
      uint32_t next = link_of(g, others[i], j);
      if (run->scratch->visited[next] == run->scratch->epoch || !rem_graph__node_matches(&run->match, next)) continue;
      (void)mark(run->scratch, next);
      ret_nodes[count++] = next;
    }
  }
  return count;
}

static size_t pool_merge(rem_graph_run *run, size_t count, size_t ef, const uint32_t *nodes, size_t found, size_t *low) {
  uint32_t keys[REM_GRAPH_MAX_LINKS];
  keys_of(run, nodes, found, keys);
  for (size_t i = 0; i < found && !run->failed; i++) {
    size_t place;
    count = pool_add(run->scratch->pool, count, ef, (uint64_t)keys[i] << 32 | (uint64_t)nodes[i] << 1, &place);
    if (place < *low) *low = place;
    if (place != SIZE_MAX) prefetch_links(run->g, nodes[i]);
  }
  return count;
}

/* Matches spread over all of them; none when they are not listed. */
static size_t seeds(rem_graph_run *run, uint32_t *ret_nodes) {
  const rem_graph_match *match = &run->match;
  size_t count = 0;
  for (size_t i = 0; i < SEEDS && match->node_count > 0; i++) {
    uint32_t node = match->nodes[i * match->node_count / SEEDS];
    if (mark(run->scratch, node)) ret_nodes[count++] = node;
  }
  return count;
}

size_t rem_graph__walk_matches(rem_graph_run *run, uint32_t entry, size_t ef, uint64_t budget) {
  uint32_t nodes[REM_GRAPH_MAX_LINKS + 4];
  uint64_t *pool = run->scratch->pool, begun = run->report.visited;
  size_t count = 0, at = 0, low = SIZE_MAX;
  rem_graph__scratch_epoch(run->scratch);
  (void)mark(run->scratch, entry);
  if (!ready(run, entry)) return 0;
  if (rem_graph__node_matches(&run->match, entry)) count = pool_merge(run, count, ef, &entry, 1, &low);
  count = pool_merge(run, count, ef, nodes, matches_around(run, entry, nodes), &low);
  count = pool_merge(run, count, ef, nodes, seeds(run, nodes), &low);
  while (at < count && !run->failed) {
    if (run->report.visited - begun > budget) return SIZE_MAX;
    uint32_t node = (uint32_t)pool[at] >> 1;
    pool[at] |= 1;
    low = at + 1;
    count = pool_merge(run, count, ef, nodes, matches_around(run, node, nodes), &low);
    at = low;
    while (at < count && (pool[at] & 1))
      at++;
  }
  return count;
}
