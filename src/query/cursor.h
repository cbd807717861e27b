/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursor: one walk of a plan over a table's rows, for SQLite.
 *
 *   xFilter   arguments -> terms; the path's bounds, ids or entries        cursor_begin.c, cursor_range.c, cursor_ids.c
 *   xNext     the next row of the path that all terms let pass             cursor_step.c, cursor_chunk.c, cursor_pending.c
 *   xColumn   a value of it, out of the record in place                    cursor_column.c
 *
 * The record lies in the iterator's block or in a pin; nothing is copied before SQLite asks for a value. When an argument turns out to be nothing
 * that the path can use (a number for an index of texts), the cursor walks all rows instead: the filters of SQLite decide.
 */
#ifndef REM_QUERY_CURSOR_H
#define REM_QUERY_CURSOR_H

#include "entity/ranking.h"
#include "query/plan.h"
#include "query/text_set.h"

#define REM_CURSOR_CHUNK 128 /* rows fetched together, at most */
#define REM_CURSOR_EXACT INT64_C(9000000000000000) /* integers up to here are given as reals by a column of reals */

/* Encoded bounds of one stretch of an index; an IN has one for each of its values. */
typedef struct rem_stretch {
  rem_slice lower, upper; /* in the cursor's arena */
} rem_stretch;

/* A row of the transaction, at its place in the order of the walk. */
typedef struct rem_pending_place {
  const rem_pending_row *row;
  rem_slice key; /* what it is ordered by, when the walk is */
  double score;  /* SEARCH */
} rem_pending_place;

/* Rows whose ids are known before they are asked for: fetched together, given one by one. */
typedef struct rem_chunk {
  uint8_t ids[REM_CURSOR_CHUNK][16];
  rem_kv_pin pins[REM_CURSOR_CHUNK]; /* their records; without data: there is no such row */
  size_t count, next;
} rem_chunk;

typedef struct rem_table_cursor {
  sqlite3_vtab_cursor base; /* first: SQLite knows the cursor by it */
  rem_module *module;       /* borrowed */
  rem_view *view;           /* owned reference; NULL before xFilter */
  const rem_plan *plan;     /* borrowed from the statement */
  rem_path path;            /* the plan's, or SCAN when its argument was of no use */
  bool ordered, reverse, covered;
  rem_term terms[REM_PLAN_MAX_TERMS];
  int term_count;
  rem_arena arena; /* of what xFilter made */

  /* Sources. */
  rem_kv_iterator *iterator; /* SCAN, INDEX, LABEL; kept from one xFilter to the next */
  rem_kv_family iterator_family;
  rem_buffer iterator_prefix;
  rem_stretch *stretches;
  size_t stretch_count, next_stretch;
  bool positioned;           /* the iterator stands on the row last given */
  rem_slice folded_prefix;   /* of a LIKE, in lower case: entries that do not start so are passed over */
  uint8_t (*ids)[16];        /* ID, KEY, in order, each once */
  size_t id_count, id_capacity, next_id;
  rem_text_set asked;        /* of an exact plan by key: the values of the IN */
  rem_chunk *chunk;          /* owned; NULL until more than one row is fetched */
  size_t together;           /* INDEX: how many rows the next chunk is to have */
  int64_t left;              /* COUNT */
  rem_ranking *ranking;      /* SEARCH; NULL: nothing is found */

  /* Rows of the transaction (cursor_pending.c). */
  uint64_t moment;                 /* of the transaction, when the walk began */
  rem_pending_place *places;       /* those to be given */
  size_t place_count, next_place;
  bool held, store_done;           /* a row of the store waits for those before it */
  uint8_t held_id[16];
  double held_score;
  rem_record held_record;

  /* The current row. */
  bool eof;
  uint8_t id[16];
  rem_record record;
  rem_kv_pin pin;          /* of a record fetched by itself */
  rem_value covered_value; /* of the index, when `covered` */
  bool has_record;
  double score;            /* SEARCH, by `metric` */
  rem_metric metric;
  rem_query query;         /* SEARCH; its values are in the arena; NULL: nothing is searched for */
  rem_buffer key, value_text, scratch;
  unsigned steps; /* since the last look at the clock */
} rem_table_cursor;

REM_CHECKED rem_status rem_table_cursor_begin(rem_table_cursor *cursor, const rem_plan *plan, int argument_count,
                                              sqlite3_value **arguments, rem_error *err);
/* Moves to the next row, or sets `eof`. */
REM_CHECKED rem_status rem_table_cursor_step(rem_table_cursor *cursor, rem_error *err);
REM_CHECKED rem_status rem_table_cursor_column(rem_table_cursor *cursor, sqlite3_context *context, int column, rem_error *err);
void rem_table_cursor_deinit(rem_table_cursor *cursor);

/* Between the files: what xFilter does for each path. */
REM_CHECKED rem_status rem_table_cursor__begin_scan(rem_table_cursor *cursor, rem_error *err);
REM_CHECKED rem_status rem_table_cursor__begin_index(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err);
REM_CHECKED rem_status rem_table_cursor__begin_ids(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err);
REM_CHECKED rem_status rem_table_cursor__begin_labels(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err);
REM_CHECKED rem_status rem_table_cursor__begin_search(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err);
/* The argument is nothing the path can use: all rows, in the order that was promised. */
void rem_table_cursor__fall_back(rem_table_cursor *cursor);
/* Makes the iterator one over `iterator_prefix`. */
REM_CHECKED rem_status rem_table_cursor__open_iterator(rem_table_cursor *cursor, rem_kv_family family, rem_error *err);
REM_CHECKED rem_status rem_table_cursor__room_for_stretches(rem_table_cursor *cursor, size_t count, rem_error *err);

/* And what xNext does. */
REM_CHECKED rem_status rem_table_cursor__check(rem_table_cursor *cursor, rem_error *err);
/* The next entry of the index that can be a row's, from stretch to stretch; borrowed until the next call. `ret_there` false: there is none. */
REM_CHECKED rem_status rem_table_cursor__next_entry(rem_table_cursor *cursor, bool *ret_there, rem_slice *ret_entry, rem_error *err);
/* Opens the record of the row `cursor->id` and tells whether it counts: it is visible and every term lets it pass; `judged`: the terms were asked already. */
REM_CHECKED rem_status rem_table_cursor__open(rem_table_cursor *cursor, rem_slice record, bool judged, bool *ret_passes, rem_error *err);
/* Do all terms let a visible row pass, and an IN that nobody else judges? */
bool rem_table_cursor__judge(rem_table_cursor *cursor, const uint8_t id[16], const rem_record *record);
/* Is the key's field of the row among the values of the IN, compared as texts? */
bool rem_table_cursor__is_asked(rem_table_cursor *cursor, const rem_record *record);
/* Fetches the row `cursor->id`, which must be there. */
REM_CHECKED rem_status rem_table_cursor__fetch(rem_table_cursor *cursor, bool *ret_passes, rem_error *err);
/* An index that names a row which does not exist. */
rem_status rem_table_cursor__index_is_wrong(rem_table_cursor *cursor, rem_error *err);
/* Rows of known ids, and rows that the entries of an index name. */
REM_CHECKED rem_status rem_table_cursor__step_ids(rem_table_cursor *cursor, rem_error *err);
REM_CHECKED rem_status rem_table_cursor__step_entries(rem_table_cursor *cursor, rem_error *err);
void rem_table_cursor__release_chunk(rem_table_cursor *cursor);
REM_CHECKED rem_status rem_table_cursor__step_search(rem_table_cursor *cursor, rem_error *err);

/* Rows of the transaction. */
REM_CHECKED rem_status rem_table_cursor__begin_pending(rem_table_cursor *cursor, rem_error *err);
/* Their scores, into `places`; those that have none are taken out. */
REM_CHECKED rem_status rem_table_cursor__score_pending(rem_table_cursor *cursor, rem_error *err);
REM_CHECKED rem_status rem_table_cursor__step_store(rem_table_cursor *cursor, rem_error *err);
REM_CHECKED rem_status rem_table_cursor__step_merged(rem_table_cursor *cursor, rem_error *err);

#endif
