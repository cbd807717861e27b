/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite gives its table of functions to extensions only, so for one moment we are one: an automatic extension whose entry point
 * takes the table down. A connection that another part of the process opens in that moment runs the entry too, which does it no harm.
 */
#include "query/sqlite_lib.h"

#include <pthread.h>

#include "base/dynlib.h"

const sqlite3_api_routines *rem_sqlite_api;

/* sqlite3ext.h has made macros of these names. */
static int (*auto_extension)(void (*entry)(void));
static int (*cancel_auto_extension)(void (*entry)(void));
static int (*version_number)(void);
static int (*open_v2)(const char *name, sqlite3 **database, int flags, const char *vfs);
static int (*close_v2)(sqlite3 *database);

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static rem_error load_error;
static rem_status load_status;
static _Atomic(const sqlite3_api_routines *) noted;

static int note_table(sqlite3 *database, char **message, const sqlite3_api_routines *table) {
  (void)database;
  (void)message;
  noted = table;
  return SQLITE_OK;
}

static rem_status too_old(rem_error *err) {
  rem_error_set(err, REM_UNSUPPORTED, "the installed SQLite is too old for SQL: version number %d", version_number());
  rem_error_hint(err, "install libsqlite3-0 3.40 or later");
  return REM_UNSUPPORTED;
}

static rem_status take_table(rem_error *err) {
  sqlite3 *database = NULL;
  void (*entry)(void) = (void (*)(void))note_table;
  if (version_number() < REM_SQLITE_LEAST_VERSION)
    return too_old(err);
  int code = auto_extension(entry);
  if (code == SQLITE_OK)
    code = open_v2(":memory:", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
  (void)cancel_auto_extension(entry);
  (void)close_v2(database);
  if (code != SQLITE_OK || !noted)
    return rem_error_set(err, REM_NOMEM, "SQLite cannot be started");
  rem_sqlite_api = noted;
  return REM_OK;
}

static void load(void) {
  const rem_dynlib_symbol symbols[] = {
      {"sqlite3_auto_extension", (void **)&auto_extension},
      {"sqlite3_cancel_auto_extension", (void **)&cancel_auto_extension},
      {"sqlite3_libversion_number", (void **)&version_number},
      {"sqlite3_open_v2", (void **)&open_v2},
      {"sqlite3_close_v2", (void **)&close_v2},
  };
  load_status = rem_dynlib_load("libsqlite3.so.0", "libsqlite3-0", symbols, sizeof symbols / sizeof *symbols, &load_error);
  if (load_status == REM_OK)
    load_status = take_table(&load_error);
}

rem_status rem_sqlite_load(rem_error *err) {
  pthread_once(&load_once, load);
  if (load_status < 0 && err)
    *err = load_error;
  return load_status;
}

rem_status rem_sqlite_open(const char *vfs, sqlite3 **ret_sqlite, rem_error *err) {
  sqlite3 *database = NULL;
  REM_TRY(rem_sqlite_load(err));
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  if (open_v2(":memory:", &database, flags, vfs) != SQLITE_OK) {
    (void)close_v2(database);
    return rem_error_nomem(err);
  }
  *ret_sqlite = database;
  return REM_OK;
}
