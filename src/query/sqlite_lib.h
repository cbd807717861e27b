/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite, loaded when the first session is opened, so that a command without SQL pays nothing for it.
 *
 * All of its functions are called through the table that SQLite hands to extensions: sqlite3ext.h makes sqlite3_step() mean
 * rem_sqlite_api->step(). Only src/query includes this header, and nothing includes sqlite3.h.
 */
#ifndef REM_QUERY_SQLITE_LIB_H
#define REM_QUERY_SQLITE_LIB_H

#include "base/error.h"

#define sqlite3_api rem_sqlite_api
#include <sqlite3ext.h>

/* NULL until rem_sqlite_load() has succeeded; does not change after. */
extern const sqlite3_api_routines *rem_sqlite_api;

#define REM_SQLITE_LEAST_VERSION 3038000 /* sqlite3_vtab_in(), sqlite3_error_offset() */

/* Once per process; thread-safe. REM_UNSUPPORTED: not installed, or too old. */
REM_CHECKED rem_status rem_sqlite_load(rem_error *err);
/* A connection to an empty database in memory, whose temporary files are those of the VFS of that name; NULL: SQLite's own. Owned: sqlite3_close(). */
REM_CHECKED rem_status rem_sqlite_open(const char *vfs, sqlite3 **ret_sqlite, rem_error *err);

#endif
