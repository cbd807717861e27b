/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graph: the index of the vectors of one (tenant, table, slot). A walk over compact codes finds candidates, and their vectors,
 * which the graph keeps too, in 16 bits a component, decide. What a walk cannot answer in full, a scan inside the graph does, so a search
 * never comes back short (README.md has the structure).
 *
 * Words. A *row* is one version of the vector of one id, alive from the sequence number of its birth up to, and without, that of
 * its death. A *node* is a place in the graph; rows whose vectors are equal, or equal but for rounding, share one, so a page copied 5,000
 * times is one node. A graph starts *unbuilt*: rows are only collected, and searched exactly; rem_graph_build() links them, from then on
 * insert links at once.
 *
 * Metrics. The graph links vectors by direction (cosine). Scores and their order come from the kept vectors (graph_values.h), in all three metrics;
 * they are off by half a unit a component at most, 3e-6 of a cosine in 384 dimensions. "Exact" below means: but for that. While all vectors have one length (embeddings do) the three orders are the same and all metrics
 * walk; when lengths differ by more than 0.1 %, inner product and L2 scan.
 *
 * Threads. Searches run beside each other and beside insert, delete and write; changes take turns among themselves. Build
 * and free want the graph alone; figures can be had and the setters used at any time. A graph opened from a file (graph_file.h) is read-only: changes are REM_READONLY.
 */
#ifndef REM_VECTOR_GRAPH_H
#define REM_VECTOR_GRAPH_H

#include <stdatomic.h>

#include "base/thread_pool.h"
#include "vector/scan.h"

#define REM_GRAPH_MIN_DIMENSION 2
#define REM_GRAPH_MAX_ROWS (UINT32_C(1) << 30)
/* The death of a row that lives, and the snapshot that sees what is newest. */
#define REM_GRAPH_LATEST UINT64_MAX

typedef struct rem_graph rem_graph;

typedef struct rem_graph_options {
  size_t dimension; /* 2 to 4,096 */
  unsigned m;       /* P8_HNSW_M: half the links of a node, 4 to 64; 0: 16 */
  unsigned build_ef; /* P8_HNSW_EF_CONSTRUCTION: pool of a walk that inserts, 16 to 4,096; 0: 200 */
  unsigned search_ef; /* pool of a search that names none, 10 to 65,536; 0: 50 */
} rem_graph_options;

/* An empty, unbuilt graph. Owned: rem_graph_free(). REM_INVALID: an option out of its range. */
REM_CHECKED rem_status rem_graph_new(const rem_graph_options *options, rem_graph **ret_graph, rem_error *err);
void rem_graph_free(rem_graph *graph);

/* ------------------------------------------------------------------------------------------- */
/* Change                                                                                       */

/* Memory for so many rows in all at once; a hint that saves growing by doubling. */
REM_CHECKED rem_status rem_graph_reserve(rem_graph *graph, size_t row_count, rem_error *err);

/*
 * The vector of `id` from `seq` on; a version that lives ends at `seq`, unless it is kept as the same. Copies the vector. Linked at once when the graph is built,
 * else collected. REM_INVALID: a component is not finite; REM_LIMIT: too many rows; REM_NOMEM; REM_READONLY.
 */
REM_CHECKED rem_status rem_graph_insert(rem_graph *graph, const uint8_t id[16], const float *vector, uint64_t seq, rem_error *err);
/* Ends the living version of `id` at `seq`. REM_NOT_FOUND: there is none. */
REM_CHECKED rem_status rem_graph_delete(rem_graph *graph, const uint8_t id[16], uint64_t seq, rem_error *err);
/*
 * Takes out rows that died at or before `horizon`, the oldest snapshot still in use: unlinks their nodes and gives the space to the
 * next inserts. At most `max_rows` of them (0: all); REM_ROW when more are left, else REM_OK.
 */
REM_CHECKED rem_status rem_graph_purge(rem_graph *graph, uint64_t horizon, size_t max_rows, rem_error *err);
/*
 * Links all that was collected, on the threads of `pool` and this one (NULL: this one alone); of a built graph: chooses codes anew and
 * links everything again. Wants the graph alone. REM_CANCELLED leaves it unbuilt, with all rows. With one thread the result is a function of the
 * rows and their order. `progress` (may be NULL) counts linked rows.
 */
REM_CHECKED rem_status rem_graph_build(rem_graph *graph, rem_thread_pool *pool, const atomic_bool *cancel,
                                       _Atomic uint64_t *progress, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Search                                                                                       */

typedef enum rem_graph_plan {
  REM_GRAPH_WALK = 0,     /* walk, every row counts */
  REM_GRAPH_WALK_KEEP,    /* walk with a wider pool, of which those that match are kept */
  REM_GRAPH_SCAN_CODES,   /* codes of the matches, then the exact vectors of the best */
  REM_GRAPH_SCAN_EXACT,   /* every exact vector */
} rem_graph_plan;
/* "walk", "walk, keeping matches", …; static. */
const char *rem_graph_plan_name(rem_graph_plan plan);

/*
 * The rows of a set of ids, found once for many searches (about 0.05 us an id). The ids (any order) are borrowed as long as it lives. It holds as long as the graph does not
 * change, for its own snapshot and, when it was made for the latest, for every later one; where it does not, each search looks the ids up anew. Owned: rem_graph_filter_free().
 */
typedef struct rem_graph_filter rem_graph_filter;
REM_CHECKED rem_status rem_graph_filter_new(rem_graph *graph, const uint8_t (*ids)[16], size_t id_count, uint64_t snapshot,
                                            rem_graph_filter **ret_filter, rem_error *err);
/* Will a search of `graph`, for which it was made, under `snapshot` use it as it is? */
bool rem_graph_filter_holds(const rem_graph *graph, const rem_graph_filter *filter, uint64_t snapshot);
size_t rem_graph_filter_bytes(const rem_graph_filter *filter);
void rem_graph_filter_free(rem_graph_filter *filter);

/* Initialise with {0} and fill in. Everything is borrowed during the call. */
typedef struct rem_graph_search {
  rem_metric metric;
  const float *query; /* of the graph's dimension */
  size_t k;           /* 0: all (that pass the threshold), by an exact scan */
  size_t ef;          /* pool of the walk; 0: the graph's; at least k is used */
  bool has_threshold;
  /* Least similarity, or greatest distance. A row passes when the vector it was made of may reach it, so some may miss it by that rounding. With k: of the
   * best k those that pass. */
  double threshold;
  uint64_t snapshot;  /* rows with birth <= snapshot < death; 0: the latest */
  /* The rows that count; at most one of `accept`, `filter` and `ids`. */
  bool (*accept)(void *context, const uint8_t id[16]); /* may be asked more than once for a row */
  void *accept_context;
  const rem_graph_filter *filter;
  const uint8_t (*ids)[16]; /* any order */
  size_t id_count;
  /* Rows that do not count, whatever the above says: changed since the graph's sequence, answered by the caller. Any order. */
  const uint8_t (*except)[16];
  size_t except_count;
  const rem_graph_filter *except_filter; /* in place of `except` */
  bool exact;       /* no walk: every score is computed */
  bool approximate; /* a filtered walk may come back short instead of scanning */
  const atomic_bool *cancel; /* polled; REM_CANCELLED */
} rem_graph_search;

typedef struct rem_graph_report {
  rem_graph_plan plan; /* the one that gave the answer */
  size_t ef;           /* 0 when no walk was made */
  uint64_t visited;    /* codes compared */
  uint64_t scored;     /* exact vectors compared */
  uint64_t matches;    /* rows that pass the filter, where they were counted, else 0 */
} rem_graph_report;

/*
 * Best first, ties by id; at most one hit an id. min(k, matches) hits unless `approximate`; which ones, is as good as the walk (recall) for
 * plans 0 to 3 and exact for the last. Scores are those of the kept vectors. `ret_report` may be NULL.
 * REM_INVALID: the query is not usable; REM_CORRUPT: a block of the mapped file is damaged (the caller rebuilds); REM_CANCELLED;
 * REM_NOMEM.
 */
REM_CHECKED rem_status rem_graph_search_run(rem_graph *graph, const rem_graph_search *search, rem_vector_hits *ret_hits,
                                            rem_graph_report *ret_report, rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* State                                                                                        */

typedef struct rem_graph_stats {
  size_t dimension;
  unsigned m, build_ef, search_ef;
  bool built, read_only;
  unsigned code_bits;       /* of one component in the walk's codes, 4 or 8; 0: unbuilt */
  unsigned code_dimension;  /* components of a code: the dimension, or fewer when projected */
  uint64_t sequence;        /* of the last change it reflects */
  uint64_t rows;            /* that live */
  uint64_t dead_rows;       /* not purged */
  uint64_t nodes;           /* linked */
  uint64_t drift;           /* rows inserted since the build */
  double code_error;        /* standard deviation of a code's similarity around the exact one */
  double recall;            /* estimated at the last checkpoint for search_ef; 0: not yet */
  uint64_t memory_bytes;    /* allocated; of a mapped file: what is not in the file */
  uint64_t file_bytes;      /* of the file it was opened from, else 0 */
} rem_graph_stats;
void rem_graph_stats_get(rem_graph *graph, rem_graph_stats *ret_stats);

/* The sequence it reflects: insert and delete raise it; the caller sets it where changes of other kinds passed by. */
void rem_graph_set_sequence(rem_graph *graph, uint64_t seq);
uint64_t rem_graph_sequence(const rem_graph *graph);
/* The default ef and the recall it was found to give; stored in the file. */
void rem_graph_set_search_ef(rem_graph *graph, unsigned search_ef, double recall);
/*
 * Recall@k of the default search with pool `ef` (0: the graph's), over `query_count` of its own vectors chosen evenly, each displaced by
 * as much as parts another one from its nearest neighbour, so that it is like a query that is not stored, beside exact answers. For checkpoints: costs
 * query_count exact scans.
 */
REM_CHECKED rem_status rem_graph_estimate_recall(rem_graph *graph, size_t query_count, size_t k, unsigned ef, double *ret_recall,
                                                 rem_error *err);
/* Calls visit(context, id, vector, birth) for every row that lives, in no order, until it returns other than REM_OK, which is passed on. */
REM_CHECKED rem_status rem_graph_each(rem_graph *graph,
                                      rem_status (*visit)(void *context, const uint8_t id[16], const float *vector, uint64_t birth),
                                      void *context, rem_error *err);
/* Is `kept`, as rem_graph_each() gave it, what a graph keeps of `vector`? */
bool rem_graph_keeps(const float *kept, const float *vector, size_t dimension);

#endif
