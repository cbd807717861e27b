/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard: what of SQLite's language a session may do. The dialect refuses most of this before, with better words; this is the second door, which no text gets around.
 */
#include <strings.h>

#include "query/session_internal.h"

static int refuse(rem_session *session, rem_status code, const char *message, const char *hint) {
  rem_error err;
  rem_error_set(&err, code, "%s", message);
  rem_error_hint(&err, "%s", hint);
  (void)rem_session__fail(session, code, &err);
  return SQLITE_DENY;
}

/* SQLite's own tables are empty here: reading them would tell nothing. */
static int judge_table(rem_session *session, const char *name) {
  if (!name || strncasecmp(name, "sqlite_", 7) != 0)
    return SQLITE_OK;
  return refuse(session, REM_UNKNOWN, "there is no table of that name", "tables and their columns are rows of 'schema'");
}

static int judge_write(rem_session *session, const char *name) {
  if (session->options.read_only)
    return refuse(session, REM_READONLY, "this session is for reading", "open one that may write");
  return judge_table(session, name);
}

static int judge_function(rem_session *session, const char *name) {
  static const char *const refused[] = {"load_extension", "fts3_tokenizer", "writefile", "readfile", "edit", "sqlite_log"};
  for (size_t i = 0; name && i < sizeof refused / sizeof *refused; i++)
    if (strcasecmp(name, refused[i]) == 0)
      return refuse(session, REM_UNSUPPORTED, "a function that reaches outside the database", "use it outside SQL");
  return SQLITE_OK;
}

static int judge(void *context, int action, const char *first, const char *second, const char *database, const char *trigger) {
  rem_session *session = context;
  (void)database;
  (void)trigger;
  if (session->declaring)
    return SQLITE_OK;
  switch (action) {
  case SQLITE_SELECT:
  case SQLITE_RECURSIVE:
  case SQLITE_TRANSACTION:
  case SQLITE_SAVEPOINT: return SQLITE_OK;
  case SQLITE_READ: return judge_table(session, first);
  case SQLITE_FUNCTION: return judge_function(session, second);
  case SQLITE_INSERT:
  case SQLITE_UPDATE:
  case SQLITE_DELETE: return judge_write(session, first);
  default:
    return refuse(session, REM_UNSUPPORTED, "SQL here reads and writes rows; it does not define tables, attach or set",
                  "tables are made by 'db schema add'");
  }
}

static int stop(void *context) {
  rem_session *session = context;
  rem_error err;
  rem_status status = rem_session__check(session, &err);
  return status < 0 && rem_session__fail(session, status, &err);
}

#define OPERATIONS_BETWEEN_CHECKS 4000 /* of SQLite's machine: well under a millisecond */

rem_status rem_session__add_guard(rem_session *session, rem_error *err) {
  sqlite3 *sqlite = session->sqlite;
  const rem_session_options *options = &session->options;
  int64_t length = options->memory_bytes < 1000000000 ? options->memory_bytes : 1000000000;
  sqlite3_limit(sqlite, SQLITE_LIMIT_LENGTH, (int)length);
  sqlite3_limit(sqlite, SQLITE_LIMIT_SQL_LENGTH, 16 << 20); /* of what the dialect makes; the caller's text has a limit of its own */
  sqlite3_limit(sqlite, SQLITE_LIMIT_EXPR_DEPTH, options->max_depth);
  sqlite3_limit(sqlite, SQLITE_LIMIT_COLUMN, options->max_columns);
  sqlite3_limit(sqlite, SQLITE_LIMIT_COMPOUND_SELECT, 200);
  sqlite3_limit(sqlite, SQLITE_LIMIT_VDBE_OP, 5000000);
  sqlite3_limit(sqlite, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(sqlite, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50000);
  sqlite3_limit(sqlite, SQLITE_LIMIT_VARIABLE_NUMBER, 32766);
  sqlite3_limit(sqlite, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
  sqlite3_limit(sqlite, SQLITE_LIMIT_WORKER_THREADS, 0);
  (void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  (void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  (void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DQS_DML, 0, NULL); /* "x" is a name, never a text */
  (void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  sqlite3_progress_handler(sqlite, OPERATIONS_BETWEEN_CHECKS, stop, session);
  if (sqlite3_set_authorizer(sqlite, judge, session) != SQLITE_OK)
    return rem_error_nomem(err);
  return REM_OK;
}
