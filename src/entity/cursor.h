/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors (rem.h's rem_cursor): rows one after the other, under one snapshot.
 *
 * A cursor is a source and an end: a walk over the rows of a table or over one value of a field index, or a list of hits that a lookup or search
 * has found already. Filters, deleted rows, offset and limit are seen to here, for every source.
 */
#ifndef REM_ENTITY_CURSOR_H
#define REM_ENTITY_CURSOR_H

#include "entity/engine.h"
#include "entity/filter.h"
#include "entity/ranking.h"
#include "entity/read.h"
#include "entity/transaction.h"

/* A row found, to be read when its turn comes. */
typedef struct rem_hit {
  rem_table *table; /* owned reference */
  uint8_t id[16];
  double score;      /* NaN: none */
  const char *match; /* static, or NULL */
} rem_hit;

/* How one table was searched. */
typedef struct rem_searched {
  rem_table *table; /* owned reference */
  rem_ranking_report report;
} rem_searched;

struct rem_cursor {
  rem_engine *engine; /* borrowed */
  char tenant[REM_TENANT_SIZE];
  rem_kv_snapshot *snapshot;
  bool snapshot_borrowed; /* of another cursor that outlives this one */
  rem_transaction *transaction; /* whose rows are seen too; borrowed; NULL: none. Of hits only */
  /* Walk. */
  rem_table *table; /* owned reference */
  rem_kv_iterator *iterator;
  bool by_index; /* the iterator shows field_index entries, not rows */
  bool started;
  rem_filter filter;
  bool include_deleted;
  int64_t left, to_skip; /* left -1: no limit */
  /* Hits. */
  rem_hit *hits; /* owned */
  size_t hit_count, hit_capacity, next_hit;
  rem_searched *searched; /* owned */
  size_t searched_count;
  /* A failure is given again by every later call. */
  rem_status failure;
  rem_error reason;
};

/* An empty cursor under `snapshot` (borrowed; NULL: a new one). Owned: rem_cursor_free() of rem.h, which is rem_entity_cursor_free(). */
REM_CHECKED rem_status rem_cursor__new(rem_engine *engine, const char *tenant, rem_kv_snapshot *snapshot,
                                      rem_cursor **ret_cursor, rem_error *err);
void rem_entity_cursor_free(rem_cursor *cursor);
/* Adds a hit; takes a reference of `table`. */
REM_CHECKED rem_status rem_cursor__add_hit(rem_cursor *cursor, rem_table *table, const uint8_t id[16], double score,
                                           const char *match, rem_error *err);

/* Notes how a table was searched. */
REM_CHECKED rem_status rem_cursor__add_searched(rem_cursor *cursor, rem_table *table, const rem_ranking_report *report,
                                                rem_error *err);
/* As rem_cursor_plan() of rem.h. */
REM_CHECKED rem_status rem_entity_cursor_plan(const rem_cursor *cursor, rem_bytes *ret_json, rem_error *err);

REM_CHECKED rem_status rem_entity_cursor_next(rem_cursor *cursor, rem_row *row, rem_error *err);
/* list.c, lookup.c, search.c: as rem.h says. `table` may be an alias. */
REM_CHECKED rem_status rem_entity_list(rem_engine *engine, const char *tenant, const char *table,
                                       const rem_read_options *options, rem_cursor **ret_cursor, rem_error *err);
REM_CHECKED rem_status rem_entity_lookup(rem_engine *engine, const char *tenant, rem_slice key, unsigned flags,
                                         int64_t limit, rem_cursor **ret_cursor, rem_error *err);
REM_CHECKED rem_status rem_entity_search(rem_engine *engine, const char *tenant, rem_slice text, const char *table,
                                         const rem_read_options *options, rem_cursor **ret_cursor,
                                         int64_t *ret_pending, rem_error *err);
REM_CHECKED rem_status rem_entity_search_vector(rem_engine *engine, const char *tenant, const float *vector,
                                                size_t dimension, const char *table, const rem_read_options *options,
                                                rem_cursor **ret_cursor, int64_t *ret_pending, rem_error *err);
/* The same under a snapshot of the caller's, borrowed until the cursor is freed; NULL: one of its own. A lookup sees what `transaction` (NULL: none) has written
 * under that snapshot, and notes the rows of the store that it gives. */
REM_CHECKED rem_status rem_entity_lookup_at(rem_engine *engine, const char *tenant, rem_kv_snapshot *snapshot, rem_transaction *transaction,
                                            rem_slice key, unsigned flags, int64_t limit, rem_cursor **ret_cursor, rem_error *err);
REM_CHECKED rem_status rem_entity_search_at(rem_engine *engine, const char *tenant, rem_kv_snapshot *snapshot, rem_slice text,
                                            const char *table, const rem_read_options *options, rem_cursor **ret_cursor,
                                            int64_t *ret_pending, rem_error *err);
/* The tables that such a search looks into: `table`, or those that have vectors, the best described when they are many. Owned: rem_table_list_deinit(), also on failure. */
REM_CHECKED rem_status rem_entity_searched_tables(rem_engine *engine, const char *tenant, const char *table, rem_slice text,
                                                  rem_table_list *ret_list, rem_error *err);
/* The hits best first, as such a search gives them. */
void rem_cursor__sort_by_score(rem_cursor *cursor);
/* The filtered walk over a given table, with the cursor's own snapshot. */
REM_CHECKED rem_status rem_cursor__walk(rem_cursor *cursor, rem_table *table, const rem_read_options *options,
                                        rem_error *err);

#endif
