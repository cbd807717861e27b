/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a table: xUpdate and the callbacks of transactions.
 *
 * SQLite tells every table that a transaction has touched of its beginning, savepoints and end. All tables of a session share one transaction (that of the
 * running statement's view), so the first table that is told acts and for the others there is nothing left to do.
 */
#ifndef REM_QUERY_TABLE_WRITE_H
#define REM_QUERY_TABLE_WRITE_H

#include "query/session_internal.h"

/* What xUpdate asks for, on `module`. */
REM_CHECKED rem_status rem_table_write(rem_module *module, int count, sqlite3_value **values, bool *ret_written, rem_error *err);

/* COMMIT: the one batch is written. */
REM_CHECKED rem_status rem_write_sync(rem_session *session, rem_error *err);
void rem_write_rollback(rem_session *session);
/* Savepoints by SQLite's number, from 0. */
REM_CHECKED rem_status rem_write_savepoint(rem_session *session, int level, rem_error *err);
void rem_write_release(rem_session *session, int level);
void rem_write_rollback_to(rem_session *session, int level);

#endif
