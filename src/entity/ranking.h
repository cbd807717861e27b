/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranking: the rows of one table by similarity to a vector, best first, one at a time (D18).
 *
 * Lazy: it finds as many hits as its caller expects to need, and looks further (k grows fourfold, in the end without bound) only when
 * more are asked for. Complete: stepped to its end it has given every row that has a vector, passes the filter and the threshold, and is seen by
 * the snapshot; so the first n steps are min(n, matches) rows.
 *
 * Filters. A filter on fields is answered first when an index says that few rows match, and the search looks at these only; else the rows are
 * tested as they come, best first, and only when too few of many pass is the filter answered after all.
 *
 * Order. Exact passes give the total order of top_k.h. A walk of the graph may overlook a row and a later, wider pass find it: such a row
 * comes late, with a better score than the one before it, rather than never.
 *
 * A ranking belongs to one thread at a time.
 */
#ifndef REM_ENTITY_RANKING_H
#define REM_ENTITY_RANKING_H

#include "entity/engine.h"
#include "vector/scan.h"

typedef struct rem_ranking rem_ranking;

/* Initialise with rem_ranking_options_init() and fill in. */
typedef struct rem_ranking_options {
  unsigned slot;      /* 0 embedding, 1 embedding_alt */
  rem_metric metric;
  const float *query; /* copied */
  size_t dimension;   /* that of the slot, else REM_INVALID */
  size_t wanted;      /* how many rows the caller expects to take (LIMIT + OFFSET); 0: not known, or, with a threshold, all */
  bool has_threshold;
  double threshold;   /* least similarity, or greatest distance; a score equal to it passes */
  bool include_deleted;
  /* The rows that count; borrowed until the close. Both NULL: all. */
  const uint8_t (*ids)[16]; /* sorted ascending, without doubles */
  size_t id_count;
  bool (*accept)(void *context, const uint8_t id[16]); /* in the thread that steps; may be asked more than once for a row */
  void *accept_context;
  const char *where_json; /* equality on fields (rem.h); may be given beside neither of the two above; borrowed during the open */
  /* How the graph is used. */
  unsigned ef;        /* pool of a walk; 0: the index's own */
  bool exact;         /* no graph */
  bool approximate;   /* with a filter: may give fewer rows than match rather than scan */
} rem_ranking_options;
void rem_ranking_options_init(rem_ranking_options *options);

/* Begins; nothing is compared yet. `table`, `snapshot` and `engine` are borrowed until the close; the table's definition belongs to the snapshot
 * (engine.h: view_lock). REM_INVALID: an unusable vector. Owned: rem_ranking_close(). */
REM_CHECKED rem_status rem_ranking_open(rem_engine *engine, const char *tenant, rem_table *table,
                                       const rem_kv_snapshot *snapshot, const rem_ranking_options *options,
                                       rem_ranking **ret_ranking, rem_error *err);
/* REM_ROW with the next row's id and score, or REM_DONE. The row is there under the snapshot: reading it finds it. */
REM_CHECKED rem_status rem_ranking_next(rem_ranking *ranking, uint8_t ret_id[16], double *ret_score, rem_error *err);
void rem_ranking_close(rem_ranking *ranking);

/* How the rows given so far were found. */
typedef struct rem_ranking_report {
  const char *plan;   /* "exact scan" (of the stored vectors), or how the graph was used ("walk", …); static */
  size_t ef;          /* of the last walk; 0: none */
  uint64_t visited;   /* codes and vectors compared, all passes */
  uint64_t recent;    /* of them, of rows that changed after the graph was made */
  unsigned passes;
} rem_ranking_report;
void rem_ranking_report_get(const rem_ranking *ranking, rem_ranking_report *ret_report);

#endif
