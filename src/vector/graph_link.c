/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links. A new node walks to its neighbourhood by walk codes, looks again by finer distances, and keeps those neighbours that no kept one is
 * much nearer to than it is itself: of candidates in order of distance, c is left out when for a kept r
 *
 *   ALPHA x d(c, r) < d(c, node)          (d: squared distance of directions; Subramanya et al. 2019)
 *
 * An r whose list is full and that has no link to c does not count: it leads elsewhere. (Recall is the better for it, and among rows that lie about one other
 * row, all nearest to that one, it keeps more than the first few connected.)
 *
 * Every link is made on both sides. A full list makes room by the same rule: what the rule would leave out goes, on both sides too.
 * Two locks are taken in order of number; a third only when it is free.
 */
#include "vector/graph_internal.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>

#define ALPHA 1.1
#define LEAST_LINKS 6 /* no list is cut below it */
#define BATCH 8
#define DISTANCES 64 /* computed together */
/* Squared distances as parts of the walk code's own squared error: below JOIN a vector joins a node, below CLUMP they are in one clump. */
#define JOIN  1.0
#define CLUMP 4.0
#define MOST_CLUMPED 12
#define RELEASED 8 /* links let go when a list is full */

/* ------------------------------------------------------------------------------------------- */
/* Walk                                                                                         */

static bool guard_nodes(void *context, const uint32_t *nodes, size_t count) {
  const rem_graph *g = context;
  for (size_t i = 0; i < count; i++) {
    if (!rem_graph__touch(g, rem_graph__links(g, nodes[i]), g->stride)) return false;
  }
  return true;
}

/* The pivot nearest to the query, and its key. */
uint32_t rem_graph__find_entry(const rem_graph *g, const int8_t *query, uint32_t *ret_key) {
  uint32_t numbers[REM_GRAPH_PIVOTS], keys[REM_GRAPH_PIVOTS], best = 0;
  for (uint32_t i = 0; i < g->pivot_count; i++)
    numbers[i] = i;
  g->kernel->keys[g->codec.bits == 8](query, g->codec.lines, g->pivot_codes.data, g->codec.lines * REM_GRAPH_LINE, numbers,
                                      g->pivot_count, keys);
  for (uint32_t i = 1; i < g->pivot_count; i++)
    best = keys[i] < keys[best] ? i : best;
  *ret_key = keys[best];
  return g->pivots[best];
}

size_t rem_graph__walk(rem_graph *g, rem_graph_scratch *scratch, size_t ef, uint64_t *compared, bool *ret_failed) {
  *ret_failed = false;
  if (g->pivot_count == 0) return 0;
  uint32_t key, entry = rem_graph__find_entry(g, scratch->query, &key);
  bool trusted = g->mapping == NULL || atomic_load(&g->mapping->checked_count) == g->mapping->block_count;
  rem_graph_scratch *s = scratch;
  rem_graph__scratch_epoch(s);
  rem_graph_walk walk = {
      .records = g->records.data,
      .stride = g->stride,
      .link_count = g->link_count,
      .node_bound = g->node_capacity,
      .lines = g->codec.lines,
      .query = s->query,
      .visited = s->visited,
      .epoch = s->epoch,
      .pool = s->pool,
      .ef = ef,
      .guard = trusted ? NULL : guard_nodes,
      .guard_context = g,
  };
  if (!trusted && !guard_nodes(g, &entry, 1)) {
    *ret_failed = true;
    return 0;
  }
  s->pool[0] = (uint64_t)key << 32 | (uint64_t)entry << 1;
  s->visited[entry] = s->epoch;
  size_t count = g->kernel->walk[g->codec.bits == 8](&walk);
  *compared += walk.compared + g->pivot_count;
  *ret_failed = walk.failed;
  return count;
}

/* ------------------------------------------------------------------------------------------- */
/* Lists                                                                                        */

void rem_graph__lock_node(const rem_graph *g, uint32_t node) {
  uint8_t *lock = (uint8_t *)g->locks.data + node;
  while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0)
    sched_yield();
}

static bool try_lock_node(const rem_graph *g, uint32_t node) {
  return __atomic_exchange_n((uint8_t *)g->locks.data + node, 1, __ATOMIC_ACQUIRE) == 0;
}

void rem_graph__unlock_node(const rem_graph *g, uint32_t node) {
  __atomic_store_n((uint8_t *)g->locks.data + node, 0, __ATOMIC_RELEASE);
}

static uint32_t link_at(const rem_graph *g, uint32_t node, uint32_t at) {
  return __atomic_load_n(&rem_graph__links(g, node)[at], __ATOMIC_RELAXED);
}

static void set_link(const rem_graph *g, uint32_t node, uint32_t at, uint32_t to) {
  __atomic_store_n(&rem_graph__links(g, node)[at], to, __ATOMIC_RELEASE);
}

static uint32_t degree(const rem_graph *g, uint32_t node) {
  uint32_t count = 0;
  while (count < g->link_count && link_at(g, node, count) != node)
    count++;
  return count;
}

static bool is_linked(const rem_graph *g, uint32_t from, uint32_t to) {
  for (uint32_t i = 0; i < g->link_count; i++) {
    if (link_at(g, from, i) == to) return true;
  }
  return false;
}

static void drop_link(const rem_graph *g, uint32_t from, uint32_t to) {
  uint32_t count = degree(g, from);
  for (uint32_t i = 0; i < count; i++) {
    if (link_at(g, from, i) != to) continue;
    set_link(g, from, i, link_at(g, from, count - 1));
    set_link(g, from, count - 1, from);
    return;
  }
}

void rem_graph__clear_links(rem_graph *g, uint32_t node) {
  for (uint32_t i = 0; i < g->link_count; i++)
    __atomic_store_n(&rem_graph__links(g, node)[i], node, __ATOMIC_RELEASE);
}

void rem_graph__set_inverse(rem_graph *g, uint32_t node, uint32_t vector) {
  float square;
  g->kernel->value_dots(rem_graph__values(g, vector), rem_graph__values(g, 0), g->vector_stride, &vector, 1, &square);
  ((float *)g->inverses.data)[node] = square > 0 ? 1 / sqrtf(square) : 0;
}

void rem_graph__set_codes(rem_graph *g, uint32_t node, uint32_t vector, const float *direction) {
  rem_graph_codec_encode(&g->codec, direction, rem_graph__code(g, node));
  rem_graph__set_inverse(g, node, vector);
  if (g->link_codes.data == NULL) return;
  ((int32_t *)g->link_norms.data)[node] = rem_graph_codec_encode_link(&g->codec, direction, rem_graph__link_code(g, node));
}

/* ------------------------------------------------------------------------------------------- */
/* Distances of directions: squared, in units of the link scale. By link codes in a build, where millions are needed; else by the vectors themselves. */

static int32_t norm_of(const rem_graph *g, uint32_t node) {
  return ((const int32_t *)g->link_norms.data)[node];
}

static float inverse_of(const rem_graph *g, uint32_t node) {
  return ((const float *)g->inverses.data)[node];
}

/* A node that has a vector: nobody but the one change under way gives or takes them, but in a build, which does not come here. */
static uint32_t vector_of(const rem_graph *g, uint32_t node) {
  return rem_graph__first_vector(g, node) & ~REM_GRAPH_MORE;
}

static void value_distances(const rem_graph *g, uint32_t from, const uint32_t *nodes, size_t count, uint32_t *ret_distances) {
  uint32_t vectors[DISTANCES];
  float dots[DISTANCES], squares = g->codec.link_scale * g->codec.link_scale, inverse = inverse_of(g, from);
  for (size_t i = 0; i < count; i++)
    vectors[i] = vector_of(g, nodes[i]);
  g->kernel->value_dots(rem_graph__values(g, vector_of(g, from)), g->vectors.data, g->vector_stride, vectors, count, dots);
  for (size_t i = 0; i < count; i++) {
    float distance = (2 - 2 * dots[i] * inverse * inverse_of(g, nodes[i])) * squares;
    ret_distances[i] = distance > 0 ? distance < (float)INT32_MAX ? (uint32_t)distance : INT32_MAX : 0;
  }
}

/* Of at most DISTANCES nodes. */
static void some_distances(const rem_graph *g, uint32_t from, const uint32_t *nodes, size_t count, uint32_t *ret_distances) {
  int32_t dots[DISTANCES];
  if (g->link_codes.data == NULL) {
    value_distances(g, from, nodes, count, ret_distances);
    return;
  }
  g->kernel->dots(rem_graph__link_code(g, from), g->link_codes.data, g->codec.link_bytes, nodes, count, dots);
  for (size_t i = 0; i < count; i++)
    ret_distances[i] = (uint32_t)(norm_of(g, from) + norm_of(g, nodes[i]) - 2 * dots[i]);
}

/* distance << 32 | node << 1 of each. */
static void distances(const rem_graph *g, uint32_t from, const uint32_t *nodes, size_t count, uint64_t *ret_keys) {
  uint32_t found[DISTANCES];
  for (size_t i = 0; i < count; i += DISTANCES) {
    size_t some = count - i < DISTANCES ? count - i : DISTANCES;
    some_distances(g, from, nodes + i, some, found);
    for (size_t j = 0; j < some; j++)
      ret_keys[i + j] = (uint64_t)found[j] << 32 | (uint64_t)nodes[i + j] << 1;
  }
}

/* Nearly sorted as a rule: the walk's order is close to that of link codes. */
static void sort_keys(uint64_t *keys, size_t count) {
  for (size_t i = 1; i < count; i++) {
    uint64_t key = keys[i];
    size_t j = i;
    for (; j > 0 && keys[j - 1] > key; j--)
      keys[j] = keys[j - 1];
    keys[j] = key;
  }
}

static uint32_t node_of(uint64_t key) {
  return (uint32_t)key >> 1;
}

/* A node with a full list leads to those in it alone. */
static bool leads_to(const rem_graph *g, uint32_t from, uint32_t node) {
  return link_at(g, from, g->link_count - 1) == from || is_linked(g, from, node);
}

/* Is a kept one much nearer to `node` than `distance`? */
static bool is_covered(const rem_graph *g, uint32_t node, uint32_t distance, const uint32_t *kept, size_t count) {
  double least = (double)distance / ALPHA;
  for (size_t i = 0; i < count; i += BATCH) {
    uint32_t found[BATCH];
    size_t some = count - i < BATCH ? count - i : BATCH;
    some_distances(g, node, kept + i, some, found);
    for (size_t j = 0; j < some; j++) {
      if ((double)found[j] < least && leads_to(g, kept[i + j], node)) return true;
    }
  }
  return false;
}

/* Squared distance, in units of the link scale, of vectors that the walk's code cannot tell apart, times `factor`. */
static uint32_t unresolved(const rem_graph *g, double factor) {
  double error = (double)g->codec.error * (double)g->codec.link_scale;
  double squares = error * error * (double)g->codec.dimension * factor;
  return squares < INT32_MAX ? (uint32_t)squares : INT32_MAX;
}

/*
 * The rule above over sorted keys; returns how many of at most `most` were kept. Those in one clump with the node are not held to it: all are covered by the
 * clump's middle, whose list is soon full, and the clump would fall apart. But only a few of them: else its list would lead nowhere else, and a walk that
 * comes to the clump would stay there.
 */
static size_t choose(const rem_graph *g, const uint64_t *keys, size_t count, size_t most, uint32_t *ret_nodes) {
  size_t kept = 0, clumped = 0;
  uint32_t clump = unresolved(g, CLUMP);
  for (size_t i = 0; i < count && kept < most; i++) {
    uint32_t node = node_of(keys[i]), distance = (uint32_t)(keys[i] >> 32);
    if (distance <= clump ? clumped == MOST_CLUMPED : is_covered(g, node, distance, ret_nodes, kept)) continue;
    clumped += distance <= clump;
    ret_nodes[kept++] = node;
  }
  return kept;
}

/* ------------------------------------------------------------------------------------------- */
/* Linking                                                                                      */

static bool contains(const uint32_t *nodes, size_t count, uint32_t node) {
  for (size_t i = 0; i < count; i++) {
    if (nodes[i] == node) return true;
  }
  return false;
}

/* Unlinks `node` and `other`, both full or not, when the other can spare it; `node` is locked. */
static bool release_link(const rem_graph *g, uint32_t node, uint32_t other) {
  if (!try_lock_node(g, other)) return false;
  bool spare = degree(g, other) > LEAST_LINKS;
  if (spare) {
    drop_link(g, node, other);
    drop_link(g, other, node);
  }
  rem_graph__unlock_node(g, other);
  return spare;
}

/*
 * Room in the full list of `node` for a link to `fresh`: what the rule leaves out of both goes. False: it is `fresh` itself that goes, and nothing
 * was changed. `must`: then the farthest goes instead.
 */
static bool make_room(const rem_graph *g, uint32_t node, uint32_t fresh, bool must) {
  uint32_t nodes[REM_GRAPH_MAX_LINKS + 1], kept[REM_GRAPH_MAX_LINKS + 1];
  uint64_t keys[REM_GRAPH_MAX_LINKS + 1];
  uint32_t count = g->link_count;
  for (uint32_t i = 0; i < count; i++)
    nodes[i] = link_at(g, node, i);
  nodes[count] = fresh;
  distances(g, node, nodes, count + 1, keys);
  sort_keys(keys, count + 1);
  size_t kept_count = choose(g, keys, count + 1, count, kept);
  if (!must && !contains(kept, kept_count, fresh)) return false;
  uint32_t room = 0;
  for (uint32_t i = count + 1; room < RELEASED && i-- > 0;) {
    uint32_t other = node_of(keys[i]);
    if (other != fresh && !contains(kept, kept_count, other)) room += release_link(g, node, other);
  }
  for (uint32_t i = count + 1; room == 0 && must && i-- > 0;) {
    if (node_of(keys[i]) != fresh) room = release_link(g, node, node_of(keys[i]));
  }
  return room > 0;
}

/* A link on both sides between `node`, which may be full, and the new `fresh`. */
static void link_both(rem_graph *g, uint32_t node, uint32_t fresh, bool must) {
  uint32_t first = node < fresh ? node : fresh, second = node < fresh ? fresh : node;
  rem_graph__lock_node(g, first);
  rem_graph__lock_node(g, second);
  if (!is_linked(g, node, fresh) && degree(g, fresh) < g->link_count &&
      (degree(g, node) < g->link_count || make_room(g, node, fresh, must))) {
    set_link(g, node, degree(g, node), fresh);
    set_link(g, fresh, degree(g, fresh), node);
  }
  rem_graph__unlock_node(g, second);
  rem_graph__unlock_node(g, first);
}

static bool may_join(const rem_graph *g, uint32_t node) {
  size_t count = 0;
  uint32_t first = rem_graph__first_vector(g, node);
  if (first == REM_GRAPH_NONE) return false;
  for (uint32_t v = first & ~REM_GRAPH_MORE; v != REM_GRAPH_NONE && count < REM_GRAPH_MAX_JOINED; count++)
    v = rem_graph__get(&rem_graph__place(g, v)->next);
  return count < REM_GRAPH_MAX_JOINED;
}

/* Sorted keys of the nodes in scratch->nodes, in the pool. */
static void sort_candidates(const rem_graph *g, rem_graph_scratch *scratch, uint32_t node) {
  distances(g, node, scratch->nodes.items, scratch->nodes.count, scratch->pool);
  sort_keys(scratch->pool, scratch->nodes.count);
}

/* When a clump fills the pool: the links that lead out of it are candidates too. */
static void look_beyond_clump(rem_graph *g, rem_graph_scratch *scratch, uint32_t node) {
  rem_graph_numbers *nodes = &scratch->nodes;
  size_t count = nodes->count;
  if (count < 16 || (uint32_t)(scratch->pool[count / 2] >> 32) > unresolved(g, CLUMP)) return;
  rem_graph__scratch_epoch(scratch);
  scratch->visited[node] = scratch->epoch;
  for (size_t i = 0; i < count; i++)
    scratch->visited[node_of(scratch->pool[i])] = scratch->epoch;
  for (size_t i = 0; i < count; i++) {
    for (uint32_t j = 0; j < g->link_count && nodes->count < 2 * (size_t)g->options.build_ef; j++) {
      uint32_t next = link_at(g, node_of(scratch->pool[i]), j);
      if (scratch->visited[next] == scratch->epoch) continue;
      scratch->visited[next] = scratch->epoch;
      nodes->items[nodes->count++] = next;
    }
  }
  sort_candidates(g, scratch, node);
}

uint32_t rem_graph__link_node(rem_graph *g, rem_graph_scratch *scratch, uint32_t node, const float *direction) {
  rem_graph_query query = {.values = scratch->query};
  uint64_t compared = 0;
  bool failed;
  rem_graph_codec_query(&g->codec, direction, &query);
  size_t found = rem_graph__walk(g, scratch, g->options.build_ef, &compared, &failed);
  uint32_t kept[REM_GRAPH_MAX_LINKS], near = unresolved(g, JOIN);
  scratch->nodes.count = 0;
  for (size_t i = 0; i < found; i++) {
    if (node_of(scratch->pool[i]) != node) scratch->nodes.items[scratch->nodes.count++] = node_of(scratch->pool[i]);
  }
  sort_candidates(g, scratch, node);
  for (size_t i = 0; i < scratch->nodes.count && (uint32_t)(scratch->pool[i] >> 32) <= near; i++) {
    if (may_join(g, node_of(scratch->pool[i]))) return node_of(scratch->pool[i]);
  }
  look_beyond_clump(g, scratch, node);
  size_t kept_count = choose(g, scratch->pool, scratch->nodes.count, g->link_count * 5 / 8, kept);
  for (size_t i = 0; i < kept_count; i++)
    link_both(g, kept[i], node, i < 2);
  /* Never without a link: a node that nobody points to is lost. */
  for (size_t i = 0; i < scratch->nodes.count && link_at(g, node, 0) == node; i++)
    link_both(g, node_of(scratch->pool[i]), node, true);
  return node;
}

/* ------------------------------------------------------------------------------------------- */
/* Unlinking                                                                                    */

/* One link from `node` to the nearest of the others that lost a neighbour too, unless a link of its own covers it. */
static void bridge(rem_graph *g, uint32_t node, const uint32_t *others, size_t count) {
  uint64_t own[REM_GRAPH_MAX_LINKS], keys[REM_GRAPH_MAX_LINKS];
  uint32_t nodes[REM_GRAPH_MAX_LINKS], have = degree(g, node);
  if (have >= g->link_count) return;
  for (uint32_t i = 0; i < have; i++)
    nodes[i] = link_at(g, node, i);
  distances(g, node, nodes, have, own);
  distances(g, node, others, count, keys);
  sort_keys(keys, count);
  for (size_t i = 0; i < count; i++) {
    uint32_t other = node_of(keys[i]), nearer[REM_GRAPH_MAX_LINKS];
    size_t nearer_count = 0;
    if (other == node || contains(nodes, have, other) || degree(g, other) >= g->link_count) continue;
    for (uint32_t j = 0; j < have; j++) {
      if (own[j] < keys[i]) nearer[nearer_count++] = nodes[j];
    }
    if (have >= LEAST_LINKS && is_covered(g, other, (uint32_t)(keys[i] >> 32), nearer, nearer_count)) continue;
    set_link(g, node, have, other);
    set_link(g, other, degree(g, other), node);
    return;
  }
}

/* A walk may no longer begin at `node`: it begins at a neighbour. */
static void replace_pivot(rem_graph *g, uint32_t node, uint32_t neighbour) {
  for (uint32_t i = 0; i < g->pivot_count; i++) {
    if (g->pivots[i] != node) continue;
    size_t bytes = g->codec.lines * REM_GRAPH_LINE;
    uint8_t *codes = g->pivot_codes.data;
    pthread_rwlock_wrlock(&g->space);
    if (neighbour != REM_GRAPH_NONE && !contains(g->pivots, g->pivot_count, neighbour)) {
      g->pivots[i] = neighbour;
      memcpy(codes + i * bytes, rem_graph__code(g, neighbour), bytes);
    } else {
      uint32_t last = --g->pivot_count;
      g->pivots[i] = g->pivots[last];
      memmove(codes + i * bytes, codes + last * bytes, bytes);
    }
    pthread_rwlock_unlock(&g->space);
    return;
  }
}

void rem_graph__add_pivot(rem_graph *g, uint32_t node) {
  if (g->pivot_count == REM_GRAPH_PIVOTS) return;
  size_t bytes = g->codec.lines * REM_GRAPH_LINE;
  memcpy((uint8_t *)g->pivot_codes.data + g->pivot_count * bytes, rem_graph__code(g, node), bytes);
  g->pivots[g->pivot_count++] = node;
}

void rem_graph__unlink_node(rem_graph *g, uint32_t node) {
  uint32_t others[REM_GRAPH_MAX_LINKS], count = degree(g, node);
  for (uint32_t i = 0; i < count; i++)
    others[i] = link_at(g, node, i);
  replace_pivot(g, node, count > 0 ? others[0] : REM_GRAPH_NONE);
  for (uint32_t i = 0; i < count; i++)
    drop_link(g, others[i], node);
  rem_graph__clear_links(g, node);
  for (uint32_t i = 0; i < count; i++)
    bridge(g, others[i], others, count);
}
