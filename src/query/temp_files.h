/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Temporary files: what a sort, a group or a DISTINCT of a session does not keep in memory, up to a limit.
 *
 * SQLite writes them through an interface of its own ("VFS"), in a folder it finds by SQLITE_TMPDIR, TMPDIR, else /var/tmp, /tmp. A session's connection gets one that counts what its files hold and refuses to let
 * them grow past the limit: the statement ends with an error that names it, the disk stays free for commits. No other file can be opened through it. SQLite
 * removes each file's name when it is made, so nothing stays behind a process that is killed.
 */
#ifndef REM_QUERY_TEMP_FILES_H
#define REM_QUERY_TEMP_FILES_H

#include "query/sqlite_lib.h"

typedef struct rem_temp_files {
  sqlite3_vfs vfs;   /* first: SQLite's methods get it */
  sqlite3_vfs *real; /* borrowed */
  char name[40];
  struct rem_session *session; /* borrowed; is told why */
  int64_t limit, used; /* bytes */
} rem_temp_files;

/* REM_OK once SQLite is loaded. Nothing is opened before a statement needs it. Must outlive the session's connection. */
REM_CHECKED rem_status rem_temp_files_init(rem_temp_files *files, struct rem_session *session, int64_t limit, rem_error *err);
/* Opens a connection that uses them. Owned: sqlite3_close(). */
REM_CHECKED rem_status rem_temp_files_connect(rem_temp_files *files, sqlite3 **ret_sqlite, rem_error *err);

#endif
