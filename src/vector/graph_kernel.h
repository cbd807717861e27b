/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graph kernels: the inner loops over codes, one table for each instruction set, chosen once.
 *
 * A node's record is its links and its code, in whole cache lines:
 *
 *   links   uint32 x link_count    neighbours, then the node's own number as filler
 *   code    64 bytes x lines       4 bits: byte j of a line holds components j (low half) and 64 + j (high half) of 128
 *                                  8 bits: byte j of a line is component j of 64
 *
 * A code is unsigned, the query's is signed int8 in the same order (4 bits: 64 low, then 64 high of a line), zero where the code is
 * padding. key = REM_GRAPH_BIAS - dot(code, query): smaller is nearer. In a pool an entry is key << 32 | node << 1 | expanded, so that
 * entries sort by key, then node.
 */
#ifndef REM_VECTOR_GRAPH_KERNEL_H
#define REM_VECTOR_GRAPH_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REM_GRAPH_BIAS (UINT32_C(1) << 30)
#define REM_GRAPH_MAX_LINKS 128
#define REM_GRAPH_LINE 64
/* Pools end in so much room, which vector stores may overwrite. */
#define REM_GRAPH_POOL_SLACK 16
/* Lists of keys, and of places in them, end in so much room. */
#define REM_GRAPH_KEY_SLACK 32

/* One walk: from an entry to the `ef` nearest nodes it can find. */
typedef struct rem_graph_walk {
  const uint8_t *records; /* at a cache line */
  size_t stride;          /* of records, bytes: a multiple of 64 */
  uint32_t link_count;    /* a multiple of 8 */
  uint32_t node_bound;    /* links are held below it */
  size_t lines;           /* of a code */
  const int8_t *query;    /* at a cache line; lines x 128 (4 bits) or 64 (8 bits) */
  uint8_t *visited;       /* node_bound bytes; those equal to `epoch` are seen already */
  uint8_t epoch;
  uint64_t *pool;         /* ef + REM_GRAPH_POOL_SLACK entries, aligned to 8; holds the entry point, marked in visited */
  size_t ef;
  uint64_t compared;      /* codes, added to */
  /* Called with nodes before their records are read, where the file may be damaged; false ends the walk. NULL: trusted. */
  bool (*guard)(void *context, const uint32_t *nodes, size_t count);
  void *guard_context;
  bool failed; /* the guard said no */
} rem_graph_walk;

typedef struct rem_graph_kernel {
  const char *name; /* "generic", "avx2", "avxvnni", "avx512vnni" */
  /* The number of entries in the pool, sorted, all expanded. By code bits: [0] 4, [1] 8. */
  size_t (*walk[2])(rem_graph_walk *walk);
  /* Keys of the codes at records + stride * nodes[i]. */
  void (*keys[2])(const int8_t *query, size_t lines, const uint8_t *codes, size_t stride, const uint32_t *nodes, size_t count,
                  uint32_t *ret_keys);
  /*
   * Takes the entries keys[i] << 32 | i of `begin` <= i < `end` into a sorted pool of at most `most` (with REM_GRAPH_POOL_SLACK), of which `count` are there; returns
   * how many there are then. Keys are followed by REM_GRAPH_KEY_SLACK that may be read.
   */
  size_t (*keep)(const uint32_t *keys, size_t begin, size_t end, uint64_t *pool, size_t count, size_t most);
  /* The places from `begin` on, at most `most` and REM_GRAPH_KEY_SLACK more, of keys of at least `least` and at most `bound`; how many. */
  size_t (*between)(const uint32_t *keys, size_t count, uint32_t least, uint32_t bound, size_t most, uint32_t *ret_places);
  /* Dot products of int8 vectors stored as value + 128; `bytes` a multiple of 64, all at cache lines. */
  void (*dots)(const uint8_t *vector, const uint8_t *vectors, size_t bytes, const uint32_t *nodes, size_t count, int32_t *ret_dots);
  /* The same of `count` vectors that follow one another. */
  void (*project)(const uint8_t *vector, const uint8_t *rows, size_t bytes, size_t count, int32_t *ret_dots);
  /* Dot products of kept values: `values`, and those at vectors + stride * numbers[i]; `stride` values of each, a multiple of 32, at cache lines. */
  void (*value_dots)(const int16_t *values, const int16_t *vectors, size_t stride, const uint32_t *numbers, size_t count, float *ret_dots);
  /* Of a query and kept values (graph_values.h), both at cache lines, `count` a multiple of 32: their dot product and that of the values with themselves. */
  void (*products)(const float *query, const int16_t *values, size_t count, float *ret_dot, float *ret_norm);
  /* The sum of (query - step x value)^2. */
  float (*squares)(const float *query, const int16_t *values, float step, size_t count);
} rem_graph_kernel;

/* The best this CPU offers, under REM_CPU_LEVEL. Static. */
const rem_graph_kernel *rem_graph_kernel_get(void);
/* By name, for tests: NULL when this CPU cannot run it. */
const rem_graph_kernel *rem_graph_kernel_by_name(const char *name);

extern const rem_graph_kernel rem_graph_kernel__generic;
extern const rem_graph_kernel rem_graph_kernel__avx2;
extern const rem_graph_kernel rem_graph_kernel__avxvnni;
extern const rem_graph_kernel rem_graph_kernel__avx512vnni;

#endif
