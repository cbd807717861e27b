/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plan: how a cursor will find the rows of a table, as xBestIndex chooses it and xFilter carries it out.
 *
 * A plan travels in SQLite's idxStr: first the words that EXPLAIN QUERY PLAN shows, ended by NUL, then the structure itself:
 *
 *   "index role = ?; filter age > ?" 00 … padding to 16 … [rem_plan]        idxNum: the offset of the structure
 *
 * so the words and what is done are made together and cannot part.
 */
#ifndef REM_QUERY_PLAN_H
#define REM_QUERY_PLAN_H

#include "query/session_internal.h"
#include "query/term.h"

typedef enum rem_path {
  REM_PATH_SCAN,   /* all rows, in id order */
  REM_PATH_NONE,   /* no row can match */
  REM_PATH_COUNT,  /* as many rows as there are live ones; no column is read */
  REM_PATH_ID,     /* id = ?, or IN */
  REM_PATH_KEY,    /* the key's field = ?, or IN */
  REM_PATH_LABEL,  /* a resource's uri or a moment's name, by the key index */
  REM_PATH_INDEX,  /* a range of one field's index, or IN */
  REM_PATH_SEARCH, /* best first */
} rem_path;

typedef enum rem_plan_role {
  REM_ROLE_FILTER,  /* judged row by row */
  REM_ROLE_ACCESS,  /* the value of the path: id, key, =, IS, or a function of a list */
  REM_ROLE_IN,      /* the same, all values of an IN at once */
  REM_ROLE_LOWER,   /* of a range */
  REM_ROLE_UPPER,
  REM_ROLE_PREFIX,  /* LIKE 'x%', GLOB 'x*' */
  REM_ROLE_SECOND,  /* KEY: the second part of a resource's or a moment's key */
  REM_ROLE_MINIMUM, /* SEARCH: the least score */
  REM_ROLE_LIMIT,   /* SEARCH: how many rows will be taken, when that is known */
  REM_ROLE_OFFSET,
} rem_plan_role;

typedef struct rem_plan_term {
  uint16_t column;
  uint8_t op;
  uint8_t role;
} rem_plan_term;

#define REM_PLAN_MAX_TERMS 24

typedef struct rem_plan {
  uint8_t path;
  bool ordered;  /* the rows are promised in the order of the path */
  bool reverse;
  bool covered;  /* no column but those the index holds is read */
  bool exact;    /* ID, KEY: the IN is judged here and by SQLite no more */
  uint16_t column; /* of the path: INDEX, KEY, LABEL, SEARCH */
  uint8_t count;
  uint8_t together; /* INDEX: how many rows are worth being fetched at once at first */
  rem_plan_term terms[REM_PLAN_MAX_TERMS]; /* in the order of xFilter's arguments */
} rem_plan;

/* SQLite's xBestIndex for a table. */
int rem_plan_choose(rem_module *module, sqlite3_vtab *vtab, sqlite3_index_info *info);
/* The structure behind the words. */
static inline const rem_plan *rem_plan_of(int idx_num, const char *idx_str) {
  return (const rem_plan *)(const void *)(idx_str + idx_num);
}
/* Appends what EXPLAIN QUERY PLAN shows. */
void rem_plan__append_words(const rem_plan *plan, const rem_module *module, rem_buffer *words);
/* "=", ">", …; "?" for what has no sign. */
const char *rem_plan_operator(int op);

#define REM_FUNCTION_ANY SQLITE_INDEX_CONSTRAINT_FUNCTION /* _rem_has(list, value) */

#endif
