/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table-valued functions whose rows are made at once: a function fills a list, and this module hands it to SQLite.
 *
 * The arguments are hidden columns after the visible ones, so lookup('k') and lookup WHERE _key = 'k' are the same, and an argument may come from
 * another table of the join. Missing ones are NULL.
 */
#ifndef REM_QUERY_LIST_MODULE_H
#define REM_QUERY_LIST_MODULE_H

#include "query/session_internal.h"

#define REM_LIST_MAX_COLUMNS   10
#define REM_LIST_MAX_ARGUMENTS 4

/* One row; texts are in the list's arena. */
typedef struct rem_made_row {
  rem_value values[REM_LIST_MAX_COLUMNS];
} rem_made_row;

typedef struct rem_made_rows {
  rem_arena arena;
  rem_made_row *rows;
  size_t count, capacity;
  size_t max_bytes;
} rem_made_rows;

/* A zeroed row at the end. REM_LIMIT when the list has grown too large. */
REM_CHECKED rem_status rem_made_rows_add(rem_made_rows *list, rem_made_row **ret_row, rem_error *err);
/* A copy of the text in the list's arena as a value; NULL `text` gives NULL. */
REM_CHECKED rem_status rem_made_rows_text(rem_made_rows *list, const void *text, size_t size, rem_value *ret_value, rem_error *err);

typedef struct rem_list_function {
  const char *name;
  const char *declaration; /* CREATE TABLE x(…, _argument HIDDEN, …) */
  int column_count;        /* visible ones */
  int argument_count, required_count;
  double rows;             /* that a call is taken to give */
  const char *words;       /* for EXPLAIN QUERY PLAN */
  rem_status (*fill)(rem_session *session, rem_view *view, sqlite3_value **arguments, rem_made_rows *list, rem_error *err);
} rem_list_function;

/* Makes the function known to the session's connection. */
REM_CHECKED rem_status rem_list_module_add(rem_session *session, const rem_list_function *function, rem_error *err);

#endif
