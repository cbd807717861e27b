/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph's own data, shared by its files:
 *
 *   graph.c         life, state                       graph_search.c   plans, scoring, answers
 *   graph_memory.c  arrays, ids, scratch
 *   graph_link.c    links: insert, unlink             graph_filter.c   which rows count
 *   graph_change.c  insert, delete, purge             graph_scan.c     scans over codes and vectors, graph_band.c what codes leave open
 *   graph_build.c   build on many threads             graph_file*.c    on disk
 *   graph_recall.c  recall, estimated                 graph_train.c    how codes are fitted
 *
 * Numbers. Nodes, vectors and rows are numbered on their own; REM_GRAPH_NONE is no number. A node has a list of vectors that are equal or nearly so
 * (first_vector, then vectors' next), a vector a list of rows that share it. Rows of one id are a list, newest first (older); the
 * table of ids knows the newest.
 *
 * Links are symmetric: v is in u's list when u is in v's. So a node's own list names all who point to it, and it can be taken out. Lists are
 * compact; unused places hold the node's own number, which a walk has always seen already.
 *
 * Memory. Arrays grow by moving, under `space` held for writing; searches hold it for reading, so arrays stay where they are during one.
 * Freed numbers wait in `limbo` until no search that may have seen them runs: whoever needs them takes `space` for writing once.
 * Of what changes beside searches, links, places, the lists, birth and death are read and written atomically, the rest is written before
 * it can be reached: a row counts from the moment its birth is set.
 */
#ifndef REM_VECTOR_GRAPH_INTERNAL_H
#define REM_VECTOR_GRAPH_INTERNAL_H

#include <pthread.h>

#include "base/file.h"
#include "base/hash_map.h"
#include "vector/graph.h"
#include "vector/graph_codec.h"
#include "vector/graph_values.h"

#define REM_GRAPH_NONE UINT32_MAX
#define REM_GRAPH_PIVOTS 128
#define REM_GRAPH_NOTE 512

typedef struct rem_graph_row {
  uint8_t id[16];
  uint64_t birth;    /* REM_GRAPH_LATEST: the number is free */
  uint64_t death;    /* REM_GRAPH_LATEST: it lives */
  uint32_t vector;
  uint32_t next, previous; /* rows of the same vector */
  uint32_t older;    /* version of the same id */
} rem_graph_row;

/* Where a vector is; its values are in another array. */
typedef struct rem_graph_place {
  uint32_t node;      /* NONE: not linked */
  uint32_t next;      /* vector of the same node */
  uint32_t first_row; /* NONE: the number is free */
  float unit;         /* of its values */
} rem_graph_place;

/* Set in first_vector[] of a node that has more than one. */
#define REM_GRAPH_MORE (UINT32_C(1) << 31)
/* Nearly equal vectors in one node; equal ones are any number. */
#define REM_GRAPH_MAX_JOINED 64

/* Memory at a cache line that grows; on huge pages where the system has them. */
typedef struct rem_graph_region {
  void *data;
  void *allocation; /* owned; NULL: borrowed from a mapping */
  size_t bytes;
} rem_graph_region;

typedef struct rem_graph_numbers {
  uint32_t *items;
  size_t count, capacity;
} rem_graph_numbers;

/* What one search needs; kept for the next one. */
typedef struct rem_graph_scratch {
  struct rem_graph_scratch *next;
  uint8_t *visited;
  size_t visited_count;
  uint8_t epoch;
  uint64_t *pool;
  size_t pool_capacity;
  int8_t *query;     /* at a cache line, in query_allocation */
  void *query_allocation;
  float *direction;
  float *values;     /* the query's, of rem_graph_measure; at a cache line, in query_allocation */
  rem_graph_numbers nodes; /* lists of scans and links */
  uint32_t *keys;
  size_t key_capacity;
  rem_graph_numbers chosen; /* nodes to be scored */
} rem_graph_scratch;

/* The file under a read-only graph. */
typedef struct rem_graph_mapping {
  rem_mapping file;
  char *path;
  const uint32_t *sums; /* of the blocks */
  _Atomic uint8_t *checked; /* of the blocks: 1 once the sum was right */
  uint64_t block_count;
  _Atomic uint64_t checked_count;
  atomic_bool damaged; /* a sum was wrong: no answer counts any more */
} rem_graph_mapping;

struct rem_graph {
  rem_graph_options options;
  uint32_t link_count; /* 2M, in whole lines of 16 */
  size_t stride;       /* of records */
  size_t vector_stride; /* values: the dimension in whole cache lines */
  rem_graph_codec codec;
  const rem_graph_kernel *kernel;
  bool built, read_only;

  rem_graph_region records;   /* node -> links, code */
  rem_graph_region first_vector; /* node -> uint32 vector, with REM_GRAPH_MORE; NONE: free */
  rem_graph_region link_codes; /* node -> int8 code; during a build */
  rem_graph_region link_norms; /* node -> int32; during a build */
  rem_graph_region inverses;   /* node -> float: 1 over the length of its first vector's values, 0 for zeros; only where links change */
  rem_graph_region locks;      /* node -> uint8 spin lock; the same */
  rem_graph_region rows;
  rem_graph_region places;    /* vector -> rem_graph_place */
  rem_graph_region vectors;   /* vector -> int16 x vector_stride (graph_values.h) */
  rem_graph_region ids;       /* open addressing, newest row of an id; NONE free; REM_GRAPH_GONE removed */
  uint64_t id_seed;
  uint32_t id_mask;           /* slots - 1 */
  uint32_t id_used;           /* slots not free */
  uint32_t node_count;                                   /* numbers given out */
  _Atomic uint32_t row_count, vector_count;              /* what they count is complete */
  uint32_t node_capacity, row_capacity, vector_capacity;
  rem_graph_numbers free_nodes, free_rows, free_vectors; /* to be given out again */
  rem_graph_numbers limbo_nodes, limbo_rows, limbo_vectors;
  rem_graph_numbers dead;                                /* rows in the order of their deaths, from dead_head on */
  size_t dead_head;
  _Atomic uint32_t live_rows, dead_rows, linked_nodes;
  _Atomic uint64_t sequence;
  _Atomic uint64_t generation; /* counts changes */
  _Atomic uint64_t drift;
  _Atomic double recall;
  _Atomic unsigned search_ef; /* the default; the options' own is where it begins */
  _Atomic double shortest, longest; /* lengths of the vectors */

  uint32_t pivots[REM_GRAPH_PIVOTS]; /* where walks may begin, and their codes */
  uint32_t pivot_count;
  rem_graph_region pivot_codes;

  pthread_rwlock_t space;
  pthread_mutex_t change; /* changes take turns */
  pthread_mutex_t scratch_lock;
  rem_graph_scratch *scratch;

  rem_graph_mapping *mapping;
  uint8_t note[REM_GRAPH_NOTE];
  size_t note_size;
};

#define REM_GRAPH_GONE (UINT32_MAX - 1)

/* ------------------------------------------------------------------------------------------- */
/* Access                                                                                       */

static inline uint32_t *rem_graph__links(const rem_graph *g, uint32_t node) {
  return (uint32_t *)(void *)((uint8_t *)g->records.data + node * g->stride);
}
static inline uint8_t *rem_graph__code(const rem_graph *g, uint32_t node) {
  return (uint8_t *)g->records.data + node * g->stride + 4 * g->link_count;
}
static inline uint8_t *rem_graph__link_code(const rem_graph *g, uint32_t node) {
  return (uint8_t *)g->link_codes.data + node * g->codec.link_bytes;
}
static inline rem_graph_row *rem_graph__row(const rem_graph *g, uint32_t row) {
  return (rem_graph_row *)g->rows.data + row;
}
static inline int16_t *rem_graph__values(const rem_graph *g, uint32_t vector) {
  return (int16_t *)g->vectors.data + vector * g->vector_stride;
}
static inline rem_graph_place *rem_graph__place(const rem_graph *g, uint32_t vector) {
  return (rem_graph_place *)g->places.data + vector;
}
/* A vector as the graph knows it: ret_vector is of its dimension. */
static inline void rem_graph__vector(const rem_graph *g, uint32_t vector, float *ret_vector) {
  rem_graph_values_decode(rem_graph__values(g, vector), rem_graph__place(g, vector)->unit, g->options.dimension, ret_vector);
}
/* Its direction. */
static inline void rem_graph__direction(const rem_graph *g, uint32_t vector, float *ret_direction) {
  rem_graph__vector(g, vector, ret_direction);
  rem_graph_direction(ret_direction, g->options.dimension, ret_direction);
}
static inline uint32_t rem_graph__first_vector(const rem_graph *g, uint32_t node) {
  return __atomic_load_n((uint32_t *)g->first_vector.data + node, __ATOMIC_ACQUIRE);
}
static inline void rem_graph__set_first_vector(const rem_graph *g, uint32_t node, uint32_t value) {
  __atomic_store_n((uint32_t *)g->first_vector.data + node, value, __ATOMIC_RELEASE);
}
/* Members of lists that searches follow. */
static inline uint32_t rem_graph__get(const uint32_t *member) {
  return __atomic_load_n(member, __ATOMIC_ACQUIRE);
}
static inline void rem_graph__set(uint32_t *member, uint32_t value) {
  __atomic_store_n(member, value, __ATOMIC_RELEASE);
}
static inline bool rem_graph__row_visible(const rem_graph_row *row, uint64_t snapshot) {
  return __atomic_load_n(&row->birth, __ATOMIC_ACQUIRE) <= snapshot && snapshot < __atomic_load_n(&row->death, __ATOMIC_ACQUIRE);
}

/* graph.c */
REM_CHECKED rem_status rem_graph__region_grow(rem_graph_region *region, size_t kept_bytes, size_t bytes, rem_error *err);
void rem_graph__region_free(rem_graph_region *region);
REM_CHECKED rem_status rem_graph__numbers_push(rem_graph_numbers *numbers, uint32_t number, rem_error *err);
REM_CHECKED rem_status rem_graph__numbers_reserve(rem_graph_numbers *numbers, size_t count, rem_error *err);
/* Room for more rows, vectors and nodes; takes `space` for writing when something has to move. */
REM_CHECKED rem_status rem_graph__ensure(rem_graph *g, uint32_t rows, uint32_t vectors, uint32_t nodes, rem_error *err);
/* Sets sizes that follow from options and codec. */
void rem_graph__shape(rem_graph *g);
/* The newest row of an id, or NONE. */
uint32_t rem_graph__find(const rem_graph *g, const uint8_t id[16]);
/* Makes `row` the newest of its id; room was made by rem_graph__ensure(). */
void rem_graph__id_put(rem_graph *g, uint32_t row);
/* Forgets an id. */
void rem_graph__id_remove(rem_graph *g, const uint8_t id[16]);
uint64_t rem_graph__id_hash(uint64_t seed, const uint8_t id[16]);
/* A scratch of the pool; give it back. */
REM_CHECKED rem_status rem_graph__scratch_take(rem_graph *g, size_t ef, rem_graph_scratch **ret_scratch, rem_error *err);
void rem_graph__scratch_give(rem_graph *g, rem_graph_scratch *scratch);
void rem_graph__scratch_free_all(rem_graph *g);
REM_CHECKED rem_status rem_graph__scratch_pool(rem_graph_scratch *scratch, size_t ef, rem_error *err);
REM_CHECKED rem_status rem_graph__scratch_keys(rem_graph_scratch *scratch, size_t count, rem_error *err);
/* A new epoch of visited marks. */
void rem_graph__scratch_epoch(rem_graph_scratch *scratch);

/* graph_link.c */
/*
 * Walks to the pool of the `ef` nodes nearest to the query in `scratch`; returns how many, sorted. *ret_failed: the file is damaged.
 */
size_t rem_graph__walk(rem_graph *g, rem_graph_scratch *scratch, size_t ef, uint64_t *compared, bool *ret_failed);
/* The walk and link codes of a node whose first vector this is. */
void rem_graph__set_codes(rem_graph *g, uint32_t node, uint32_t vector, const float *direction);
/* What distances from a node are computed with when there are no link codes. */
void rem_graph__set_inverse(rem_graph *g, uint32_t node, uint32_t vector);
/* Fills a node's list with its own number. */
void rem_graph__clear_links(rem_graph *g, uint32_t node);
/*
 * Links a node whose codes are set, or finds one so near to its direction that its vector should join that: returns it, else `node`.
 * `scratch` has a pool and a list for 2 x build_ef. Several threads may do so at once.
 */
uint32_t rem_graph__link_node(rem_graph *g, rem_graph_scratch *scratch, uint32_t node, const float *direction);
void rem_graph__unlink_node(rem_graph *g, uint32_t node);
/* Makes a node a place where walks begin, while there are fewer than 128. Wants no search to run. */
void rem_graph__add_pivot(rem_graph *g, uint32_t node);

void rem_graph__lock_node(const rem_graph *g, uint32_t node);
void rem_graph__unlock_node(const rem_graph *g, uint32_t node);

/* graph_change.c */
/*
 * Puts a vector into the list of `node`, where others may be. True: an equal one was there and has got its rows; the vector's
 * number is free.
 */
bool rem_graph__join(rem_graph *g, uint32_t vector, uint32_t node);

/* graph_filter.c */
/* Which rows count in one search. Zeroed: all. */
typedef struct rem_graph_match {
  const rem_graph *g;
  const rem_graph_search *search;
  uint64_t snapshot;
  const uint64_t *row_bits;    /* rows that count, or NULL: all that `accept` lets through */
  const uint64_t *node_bits;   /* nodes that have such rows; with row_bits */
  const uint32_t *nodes;       /* the same as a list; with row_bits */
  size_t node_count;
  const uint64_t *except_bits; /* rows that do not, or NULL */
  rem_graph_filter *own, *own_except; /* made for this search, or NULL */
  uint64_t matches;            /* rows in row_bits */
  bool everything;             /* no row is left out */
  bool failed;                 /* the file is damaged */
} rem_graph_match;
REM_CHECKED rem_status rem_graph__match_init(rem_graph *g, const rem_graph_search *search, uint64_t snapshot, rem_graph_match *match,
                                             rem_error *err);
void rem_graph__match_deinit(rem_graph_match *match);
/* Asks `accept` about every row, so that afterwards the match has bits and a list. */
REM_CHECKED rem_status rem_graph__match_resolve(rem_graph *g, rem_graph_match *match, rem_error *err);
bool rem_graph__row_matches(const rem_graph_match *match, uint32_t row);
bool rem_graph__node_matches(rem_graph_match *match, uint32_t node);

/* graph_search.c, graph_scan.c, graph_steer.c */
typedef struct rem_graph_run {
  rem_graph *g;
  const rem_graph_search *search;
  rem_graph_scratch *scratch;
  rem_graph_match match;
  rem_graph_query query;   /* codes */
  rem_graph_measure exact;
  rem_top_k top;
  rem_graph_report report;
  size_t ef;
  double score;            /* the last one */
  double cosines;          /* sums of what was reranked: cosines, keys */
  uint64_t keys;
  double good_from;        /* scores as good are counted in `good` */
  uint64_t good;
  bool failed;             /* the file is damaged */
} rem_graph_run;
/* Scores the matching rows of a node into `top`. */
REM_CHECKED rem_status rem_graph__score_node(rem_graph_run *run, uint32_t node, rem_error *err);
REM_CHECKED rem_status rem_graph__score_vector(rem_graph_run *run, uint32_t vector, rem_error *err);
/* A node's list of vectors, well before the other one, which looks into it and asks for its first vector. */
void rem_graph__prefetch_number(const rem_graph *g, uint32_t node);
void rem_graph__prefetch_node(const rem_graph *g, uint32_t node);
/* The cosine of the worst of the best k so far; -2 while there are fewer. */
double rem_graph__worst_cosine(const rem_graph_run *run);
/* Codes of the matching nodes, then the exact vectors of all that may be among the best k. */
REM_CHECKED rem_status rem_graph__scan_codes(rem_graph_run *run, rem_error *err);
REM_CHECKED rem_status rem_graph__scan_exact(rem_graph_run *run, rem_error *err);
/* The share of matches among the nodes two links from where this query lies. */
double rem_graph__local_rate(rem_graph_run *run);
uint32_t rem_graph__find_entry(const rem_graph *g, const int8_t *query, uint32_t *ret_key);

/* graph_mapping.c */
/* Checks the blocks under `bytes` at `data` of a mapped file, unless they were checked before; false: one is damaged. */
bool rem_graph__mapping_check(const rem_graph *g, const void *data, size_t bytes);
static inline bool rem_graph__touch(const rem_graph *g, const void *data, size_t bytes) {
  return g->mapping == NULL || rem_graph__mapping_check(g, data, bytes);
}
/* A vector's values and its place. */
static inline bool rem_graph__touch_vector(const rem_graph *g, uint32_t vector) {
  return rem_graph__touch(g, rem_graph__values(g, vector), g->vector_stride * sizeof(int16_t)) &&
         rem_graph__touch(g, rem_graph__place(g, vector), sizeof(rem_graph_place));
}
void rem_graph__mapping_free(rem_graph_mapping *mapping);

#endif
