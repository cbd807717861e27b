/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk, written once. A file for an instruction set defines, before it includes this one,
 *
 *   KERNEL_NAME                                           "avx2"
 *   KERNEL_TABLE                                          rem_graph_kernel__avx2
 *   keys4_4(query, lines, a, b, c, d, ret_keys)           keys of four codes of 4 bits
 *   keys4_8(...)                                          of 8 bits
 *   dots4(vector, offset, bytes, a, b, c, d, ret)         dot products of four int8 vectors
 *   dots_offset(vector, bytes)                            what dots4 takes as offset
 *   pool_insert(pool, count, key)                         shifts larger entries up by one; returns the place
 *   near_mask(keys, count, bound)                         bit i: keys[i] <= bound, count <= 32; reads whole vectors
 *   products, squares                                     as in the table
 *   value_dot(a, b, count)                                the dot product of kept values
 *
 * and gets the table. `lines` is a constant in the hot instances (256, 384, 768, 1,024 and 1,536 components), so that the loops
 * over a code are unrolled.
 *
 * The walk keeps one sorted pool of ef entries, of which the first not yet expanded is taken next (Malkov and Yashunin 2018,
 * algorithm 2, with both of its queues in one). The next node is chosen, and the codes of its neighbours prefetched, before the keys of the present
 * batch are computed: memory is fetched while the CPU computes. Marking visited nodes is branch-free.
 */
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define AHEAD_LINES 96 /* on their way to the cache while others are computed with: most batches whole */

INLINE size_t ahead(size_t lines) {
  return lines * 8 <= AHEAD_LINES ? AHEAD_LINES / lines : 8;
}

INLINE void prefetch_lines(const uint8_t *at, size_t lines) {
  for (size_t i = 0; i < lines; i++)
    __builtin_prefetch(at + i * REM_GRAPH_LINE, 0, 3);
}

INLINE void keys4(size_t bits, const int8_t *query, size_t lines, const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d,
                  uint32_t *ret_keys) {
  if (bits == 4)
    keys4_4(query, lines, a, b, c, d, ret_keys);
  else
    keys4_8(query, lines, a, b, c, d, ret_keys);
}

/* `nodes` and `ret_keys` have room for three more; the missing ones of the last four are the first node again. */
INLINE void batch_keys(size_t bits, const int8_t *query, size_t lines, const uint8_t *codes, size_t stride, uint32_t *nodes, size_t count,
                       uint32_t *ret_keys) {
  nodes[count] = nodes[count + 1] = nodes[count + 2] = nodes[0];
  for (size_t i = 0; i < count; i += 4) {
    for (size_t j = i + ahead(lines); j < i + ahead(lines) + 4 && j < count; j++)
      prefetch_lines(codes + nodes[j] * stride, lines);
    keys4(bits, query, lines, codes + nodes[i] * stride, codes + nodes[i + 1] * stride, codes + nodes[i + 2] * stride,
          codes + nodes[i + 3] * stride, ret_keys + i);
  }
}

/* The neighbours of `node` not seen yet, now seen. */
INLINE size_t expand(const rem_graph_walk *w, uint32_t node, uint32_t *ret_nodes) {
  const uint32_t *links = (const uint32_t *)(const void *)(w->records + node * w->stride);
  uint8_t *visited = w->visited;
  uint8_t epoch = w->epoch;
  uint32_t last = w->node_bound - 1, link_count = w->link_count; /* a byte written may be any of *w */
  size_t count = 0;
  for (uint32_t i = 0; i < link_count; i++) {
    uint32_t next = __atomic_load_n(&links[i], __ATOMIC_ACQUIRE);
    next = next < last ? next : last;
    ret_nodes[count] = next;
    count += visited[next] != epoch;
    visited[next] = epoch;
  }
  return count;
}

/* Takes the first entry at or after *at that is not expanded: its unseen neighbours, their codes on the way to the cache. */
INLINE bool take_next(rem_graph_walk *w, size_t lines, size_t count, size_t *at, uint32_t *ret_nodes, size_t *ret_count) {
  uint64_t *pool = w->pool;
  size_t i = *at;
  while (i < count && (pool[i] & 1))
    i++;
  *at = i;
  *ret_count = 0;
  if (i == count) return false;
  uint32_t node = (uint32_t)pool[i] >> 1;
  pool[i] |= 1;
  size_t found = expand(w, node, ret_nodes);
  const uint8_t *codes = w->records + 4 * w->link_count;
  for (size_t j = 0; j < found && j < ahead(lines); j++)
    prefetch_lines(codes + ret_nodes[j] * w->stride, lines);
  *ret_count = found;
  return true;
}

/* Merges a batch into the pool; returns its new size, and lowers *low to the first place that changed. */
INLINE size_t merge(rem_graph_walk *w, size_t count, const uint32_t *nodes, const uint32_t *keys, size_t batch, size_t *low) {
  uint64_t *pool = w->pool;
  size_t ef = w->ef;
  uint32_t bound = count == ef ? (uint32_t)(pool[count - 1] >> 32) : UINT32_MAX;
  for (size_t i = 0; i < batch; i += 32) {
    uint32_t near = near_mask(keys + i, batch - i < 32 ? batch - i : 32, bound);
    while (near != 0) {
      size_t j = i + (size_t)__builtin_ctz(near);
      near &= near - 1;
      uint64_t entry = (uint64_t)keys[j] << 32 | (uint64_t)nodes[j] << 1;
      if (count == ef && entry >= pool[count - 1]) continue;
      size_t place = pool_insert(pool, count, entry);
      if (place < *low) *low = place;
      count += count < ef;
      const uint8_t *links = w->records + nodes[j] * w->stride;
      for (size_t line = 0; line < w->link_count; line += 16)
        __builtin_prefetch(links + 4 * line, 0, 3);
    }
  }
  return count;
}

INLINE size_t walk_any(rem_graph_walk *walk, size_t bits, size_t lines) {
  rem_graph_walk *w = walk;
  uint32_t room[2][REM_GRAPH_MAX_LINKS + 8];
  uint32_t keys[REM_GRAPH_MAX_LINKS + 32] __attribute__((aligned(64)));
  uint32_t *present = room[0], *next = room[1];
  const uint8_t *codes = w->records + 4 * w->link_count;
  size_t count = 1, at = 0, batch, next_batch;
  bool more = take_next(w, lines, count, &at, present, &batch);
  while (more) {
    if (w->guard != NULL && !w->guard(w->guard_context, present, batch)) {
      w->failed = true;
      break;
    }
    more = take_next(w, lines, count, &at, next, &next_batch);
    size_t low = SIZE_MAX;
    if (batch > 0) {
      batch_keys(bits, w->query, lines, codes, w->stride, present, batch, keys);
      count = merge(w, count, present, keys, batch, &low);
      w->compared += batch;
    }
    if (low < at) at = low;
    if (!more) more = take_next(w, lines, count, &at, next, &next_batch);
    uint32_t *swap = present;
    present = next;
    next = swap;
    batch = next_batch;
  }
  return count;
}

static size_t walk4(rem_graph_walk *walk) {
  switch (walk->lines) {
  case 2: return walk_any(walk, 4, 2);
  case 3: return walk_any(walk, 4, 3);
  case 6: return walk_any(walk, 4, 6);
  case 8: return walk_any(walk, 4, 8);
  case 12: return walk_any(walk, 4, 12);
  default: return walk_any(walk, 4, walk->lines);
  }
}

static size_t walk8(rem_graph_walk *walk) {
  return walk_any(walk, 8, walk->lines);
}

/* Any number of nodes, in batches. */
INLINE void many_keys(size_t bits, const int8_t *query, size_t lines, const uint8_t *codes, size_t stride, const uint32_t *nodes,
                      size_t count, uint32_t *ret_keys) {
  uint32_t some[64 + 4], keys[64 + 4];
  for (size_t i = 0; i < count; i += 64) {
    size_t batch = count - i < 64 ? count - i : 64;
    memcpy(some, nodes + i, batch * sizeof *some);
    batch_keys(bits, query, lines, codes, stride, some, batch, keys);
    memcpy(ret_keys + i, keys, batch * sizeof *keys);
  }
}

static void some_keys4(const int8_t *query, size_t lines, const uint8_t *codes, size_t stride, const uint32_t *nodes, size_t count,
                       uint32_t *ret_keys) {
  switch (lines) {
  case 2: many_keys(4, query, 2, codes, stride, nodes, count, ret_keys); return;
  case 3: many_keys(4, query, 3, codes, stride, nodes, count, ret_keys); return;
  default: many_keys(4, query, lines, codes, stride, nodes, count, ret_keys);
  }
}

static void some_keys8(const int8_t *query, size_t lines, const uint8_t *codes, size_t stride, const uint32_t *nodes, size_t count,
                       uint32_t *ret_keys) {
  many_keys(8, query, lines, codes, stride, nodes, count, ret_keys);
}

static size_t keep(const uint32_t *keys, size_t begin, size_t end, uint64_t *pool, size_t count, size_t most) {
  for (size_t i = begin; i < end; i += 32) {
    uint32_t near = near_mask(keys + i, end - i < 32 ? end - i : 32, count == most ? (uint32_t)(pool[count - 1] >> 32) : UINT32_MAX);
    for (; near != 0; near &= near - 1) {
      size_t j = i + (size_t)__builtin_ctz(near);
      uint64_t entry = (uint64_t)keys[j] << 32 | j;
      if (count == most && entry >= pool[count - 1]) continue;
      (void)pool_insert(pool, count, entry);
      count += count < most;
    }
  }
  return count;
}

static size_t between(const uint32_t *keys, size_t count, uint32_t least, uint32_t bound, size_t most, uint32_t *ret_places) {
  size_t found = 0;
  for (size_t i = 0; i < count && found < most; i += 32) {
    size_t some = count - i < 32 ? count - i : 32;
    uint32_t near = near_mask(keys + i, some, bound);
    if (near != 0 && least > 0) near &= ~near_mask(keys + i, some, least - 1);
    for (; near != 0; near &= near - 1)
      ret_places[found++] = (uint32_t)i + (uint32_t)__builtin_ctz(near);
  }
  return found;
}

INLINE void many_dots(const uint8_t *vector, const uint8_t *vectors, size_t bytes, const uint32_t *nodes, size_t count, int32_t *ret_dots) {
  int32_t offset = dots_offset(vector, bytes);
  size_t lines = bytes / REM_GRAPH_LINE;
  for (size_t j = 0; j < count && j < ahead(lines); j++)
    prefetch_lines(vectors + nodes[j] * bytes, lines);
  for (size_t i = 0; i < count; i += 4) {
    for (size_t j = i + ahead(lines); j < i + ahead(lines) + 4 && j < count; j++)
      prefetch_lines(vectors + nodes[j] * bytes, lines);
    size_t left = count - i < 4 ? count - i : 4;
    const uint8_t *at[4];
    for (size_t j = 0; j < 4; j++)
      at[j] = vectors + nodes[j < left ? i + j : i] * bytes;
    int32_t dots[4];
    dots4(vector, offset, bytes, at[0], at[1], at[2], at[3], dots);
    memcpy(ret_dots + i, dots, left * sizeof *dots);
  }
}

static void some_dots(const uint8_t *vector, const uint8_t *vectors, size_t bytes, const uint32_t *nodes, size_t count,
                      int32_t *ret_dots) {
  switch (bytes) {
  case 384: many_dots(vector, vectors, 384, nodes, count, ret_dots); return;
  case 768: many_dots(vector, vectors, 768, nodes, count, ret_dots); return;
  default: many_dots(vector, vectors, bytes, nodes, count, ret_dots);
  }
}

/* One after the other: the CPU sees what comes next by itself. */
INLINE void project_any(const uint8_t *vector, const uint8_t *rows, size_t bytes, size_t count, int32_t *ret_dots) {
  int32_t offset = dots_offset(vector, bytes), rest[4];
  size_t i = 0;
  for (; i + 4 <= count; i += 4, rows += 4 * bytes)
    dots4(vector, offset, bytes, rows, rows + bytes, rows + 2 * bytes, rows + 3 * bytes, ret_dots + i);
  for (; i < count; i++, rows += bytes) {
    dots4(vector, offset, bytes, rows, rows, rows, rows, rest);
    ret_dots[i] = rest[0];
  }
}

static void project(const uint8_t *vector, const uint8_t *rows, size_t bytes, size_t count, int32_t *ret_dots) {
  switch (bytes) {
  case 384: project_any(vector, rows, 384, count, ret_dots); return;
  case 768: project_any(vector, rows, 768, count, ret_dots); return;
  default: project_any(vector, rows, bytes, count, ret_dots);
  }
}

static void value_dots(const int16_t *values, const int16_t *vectors, size_t stride, const uint32_t *numbers, size_t count, float *ret_dots) {
  size_t lines = stride * sizeof *values / REM_GRAPH_LINE;
  for (size_t j = 0; j < count && j < ahead(lines); j++)
    prefetch_lines((const uint8_t *)(vectors + numbers[j] * stride), lines);
  for (size_t i = 0; i < count; i++) {
    if (i + ahead(lines) < count) prefetch_lines((const uint8_t *)(vectors + numbers[i + ahead(lines)] * stride), lines);
    ret_dots[i] = value_dot(values, vectors + numbers[i] * stride, stride);
  }
}

const rem_graph_kernel KERNEL_TABLE = {KERNEL_NAME, {walk4, walk8}, {some_keys4, some_keys8}, keep, between, some_dots, project, value_dots, products, squares};
