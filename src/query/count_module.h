/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "table+count": a table of one row and one column, _count, the number of live rows out of the counters. SQLite counts the rows of a virtual table by stepping
 * over them; what is only to be counted is therefore asked here.
 */
#ifndef REM_QUERY_COUNT_MODULE_H
#define REM_QUERY_COUNT_MODULE_H

#include "query/sqlite_lib.h"

/* Its aux is a rem_module. */
extern const sqlite3_module rem_count_module;

#endif
