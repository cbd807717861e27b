/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ANN: the graphs of a database's vectors, one for each (tenant, table, area) that is large enough, kept in step with the store.
 *
 * The store is the truth; a graph is derived from it and may be missing, damaged or behind at any time. What makes answers agree
 * with a snapshot all the same:
 *
 *   graph     the rows as they were at its sequence number F: mapped from a file, or in memory and following
 *   recent    every change after F, in order (recent.h); fed by commits, else read from `vector_log`
 *   floor     the oldest snapshot that graph and recent can still answer for; an older one gets no answer here
 *
 *   a search at sequence s:   graph without the ids that changed in (F, s]   +   what recent has of them at s
 *
 * A graph holds the vectors of live rows only: a soft delete takes a row out, its coming back puts it in. When no graph can answer, a search is
 * told so (REM_NOT_FOUND) and its caller scans.
 *
 * Files are `<database>/vectors/<16 hex digits>.graph`, written whole and never changed. `meta` names the current one, in the batch that trims
 * `vector_log` up to it, so whoever reads both under one snapshot can join them. The file before it stays for a while, for readers
 * whose snapshot names it.
 *
 * A writer makes graphs by itself: in the background once a table has grown, and again when much has changed; on close when more than
 * max(min_rows, 5 %) rows have changed since the file. A reader never writes.
 *
 * Threads. All functions may be called from many threads at once, but for new and close.
 */
#ifndef REM_ANN_ANN_H
#define REM_ANN_ANN_H

#include <stdatomic.h>

#include "ann/ids.h"
#include "base/thread_pool.h"
#include "storage/commit.h"
#include "storage/identity.h"
#include "vector/graph.h"

#define REM_ANN_MIN_ROWS 10000

typedef struct rem_ann rem_ann;

typedef struct rem_ann_options {
  rem_kv *kv;                 /* borrowed, as what follows */
  rem_committer *committer;   /* NULL: a reader */
  rem_thread_pool *pool;
  const rem_identity *identity;
  const atomic_bool *cancel;  /* ends builds and searches early */
  bool flat;                  /* P8_VECTOR_INDEX_TYPE=flat: no graphs */
  size_t min_rows;            /* live vectors from which a graph pays; 0: REM_ANN_MIN_ROWS */
  unsigned m, build_ef;       /* of new graphs; 0: the graph's own defaults */
  unsigned search_ef;         /* pool of a search; not 0: fixed by the user, and raised to what a graph takes (10) */
  uint64_t memory_bytes;      /* that graphs in memory may take together; 0: a quarter of the machine's */
  double recall_target;       /* that the default pool is chosen for at checkpoints; 0: 0.95 */
} rem_ann_options;

/* Cheap: nothing is read yet. Owned: rem_ann_close(). */
REM_CHECKED rem_status rem_ann_new(const rem_ann_options *options, rem_ann **ret_ann, rem_error *err);
/* Waits for work in the background. A writer first makes the checkpoints that are due unless `discard`. NULL is fine. A checkpoint that
 * fails costs later readers time and nothing else, so there is no status. */
void rem_ann_close(rem_ann *ann, bool discard);

/* Makes the checkpoints that are due now; what a close does without being asked. Ends early when cancelled. */
void rem_ann_settle(rem_ann *ann);

/* Which vectors. Texts are borrowed during the call. */
typedef struct rem_ann_target {
  const char *tenant, *table;
  unsigned area;          /* of the keys: vector:{tenant}:{table}:{area}: */
  size_t dimension;
  const char *model_hash; /* of the model that made them; NULL or empty: not known */
} rem_ann_target;

/* ------------------------------------------------------------------------------------------- */
/* Following commits                                                                            */

typedef struct rem_ann_change {
  uint8_t id[16];
  uint64_t seq;
  bool gone;           /* no longer found: deleted, or its vector is */
  const float *vector; /* borrowed; NULL: what the store has */
} rem_ann_change;

/* After a write, in commit order: what it did to one target's vectors, ascending by seq; `changes` NULL: nobody knows what. `live_rows` is how many live vectors there are now. Never fails: an index
 * that cannot follow is dropped from memory. */
void rem_ann_committed(rem_ann *ann, const rem_ann_target *target, const rem_ann_change *changes, size_t count,
                       int64_t live_rows);
/* After a write, in commit order: all changes of `tenant` up to `seq` have been handed over. */
void rem_ann_advance(rem_ann *ann, const char *tenant, uint64_t seq);
/* After a commit, in the thread that waited for it: puts changes into graphs in memory, and starts what is due in the background. */
void rem_ann_upkeep(rem_ann *ann, const char *tenant);
/* A target's index, in memory and on disk, is no longer to be used: its vectors were changed past this interface, or are gone. The caller
 * holds the schema lock or is alone. */
REM_CHECKED rem_status rem_ann_drop(rem_ann *ann, const char *tenant, const char *table, unsigned area, rem_error *err);
/* The target's vectors are new as a whole: its graph is made when there is time, on close at the latest. */
void rem_ann_want(rem_ann *ann, const rem_ann_target *target);
/* Is a table of so many live vectors large enough for a graph? */
bool rem_ann_pays(const rem_ann *ann, int64_t live_rows);

/* ------------------------------------------------------------------------------------------- */
/* Searching                                                                                    */

/* Initialise with {0} and fill in. Borrowed during the call. */
typedef struct rem_ann_query {
  rem_metric metric;
  const float *vector; /* of the target's dimension */
  size_t k;            /* 0: all, exactly */
  size_t ef;           /* 0: the index's own */
  bool has_threshold;
  double threshold;
  const uint8_t (*ids)[16]; /* sorted; the rows that count */
  size_t id_count;
  rem_ann_ids *shared;      /* what `ids` is of, when other searches will ask for the same; else NULL */
  bool (*accept)(void *context, const uint8_t id[16]);
  void *accept_context;
  bool exact, approximate;
} rem_ann_query;

typedef struct rem_ann_report {
  rem_graph_report graph;
  uint64_t recent; /* vectors compared outside the graph */
} rem_ann_report;

/*
 * The live rows nearest to the query as `snapshot` has them. REM_OK: min(k, matches) hits, best first. REM_NOT_FOUND: no index can answer for
 * this snapshot, or a good part of all rows is wanted, which a scan gives sooner. REM_INVALID: an unusable query; REM_CANCELLED; REM_NOMEM.
 */
REM_CHECKED rem_status rem_ann_search(rem_ann *ann, const rem_ann_target *target, const rem_kv_snapshot *snapshot,
                                      const rem_ann_query *query, rem_vector_hits *ret_hits, rem_ann_report *ret_report,
                                      rem_error *err);

/* ------------------------------------------------------------------------------------------- */
/* Upkeep on request, and figures                                                               */

/* Makes the target's graph anew (`rebuild`), or brings its file up to date, now. REM_READONLY for readers. */
REM_CHECKED rem_status rem_ann_checkpoint(rem_ann *ann, const rem_ann_target *target, bool rebuild, rem_error *err);

typedef struct rem_ann_stats {
  const char *state;     /* "none", "file" (mapped), "memory"; "damaged"; "outdated": of another version; static */
  rem_graph_stats graph; /* zeros when none is open */
  uint64_t file_bytes;
  uint64_t file_seq;     /* the sequence the file reflects */
  uint64_t recent;       /* changes the graph does not reflect */
  uint64_t memory_bytes;
} rem_ann_stats;
/* Opens the file when nothing is open yet. */
void rem_ann_stats_get(rem_ann *ann, const rem_ann_target *target, rem_ann_stats *ret_stats);

/* What graphs in memory take, all together and when it was last looked, and may take. */
void rem_ann_memory_get(rem_ann *ann, uint64_t *ret_bytes, uint64_t *ret_limit);

/*
 * Compares the target's file with the store under `snapshot`, every block and every row. REM_OK: they agree, or there is no file;
 * REM_CORRUPT: what is wrong, in `err`. `ret_rows` is how many rows were compared.
 */
REM_CHECKED rem_status rem_ann_check(rem_ann *ann, const rem_ann_target *target, const rem_kv_snapshot *snapshot,
                                     uint64_t *ret_rows, rem_error *err);

/* What happened without anyone asking ("the vector index of 'x' was damaged and is built anew"), oldest first, once. REM_OK, or REM_NOT_FOUND. */
rem_status rem_ann_notice(rem_ann *ann, char *ret_text, size_t capacity);

#endif
