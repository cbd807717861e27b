/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists in SQL: what `x op ANY (list)` and `x op ALL (list)` of the dialect become.
 *
 *   _rem_has(list, x)        x = ANY (column); two arguments, so that an index on the column can answer
 *   _rem_any(list, op, x)    x op ANY (list), op one of = <> < <= > >= LIKE
 *   _rem_all(list, op, x)
 *
 * A list is a JSON array. Logic is that of SQL: a comparison with null is unknown, and so is one with a list that is NULL. Numbers compare as numbers,
 * texts by their bytes, and a number is less than any text, as in SQLite.
 */
#ifndef REM_QUERY_LIST_FUNCTION_H
#define REM_QUERY_LIST_FUNCTION_H

#include "query/sqlite_lib.h"

REM_CHECKED rem_status rem_list_functions_add(sqlite3 *sqlite, rem_error *err);
/* _rem_has, for a table that answers it without an index. */
void rem_function_has(sqlite3_context *context, int count, sqlite3_value **arguments);

#endif
