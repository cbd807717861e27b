/* SPDX-License-Identifier: Apache-2.0 */
/* A table as a module of SQLite: the callbacks, each a thin coat over plan.h and cursor.h. */
#include "query/cursor.h"
#include "query/functions.h"
#include "query/list_function.h"
#include "query/table_write.h"

typedef struct table_vtab {
  sqlite3_vtab base;
  rem_module *module; /* borrowed: SQLite keeps the module as long as its tables */
} table_vtab;

static rem_module *module_of(sqlite3_vtab *vtab) {
  return ((table_vtab *)(void *)vtab)->module;
}

static rem_table_cursor *cursor_of(sqlite3_vtab_cursor *cursor) {
  return (rem_table_cursor *)(void *)cursor;
}

static int finish(rem_table_cursor *cursor, rem_status status, const rem_error *err) {
  return status < 0 ? rem_session__fail(cursor->module->session, status, err) : SQLITE_OK;
}

static int connect_table(sqlite3 *sqlite, void *aux, int argument_count, const char *const *arguments, sqlite3_vtab **ret_vtab,
                         char **message) {
  rem_module *module = aux;
  rem_buffer declaration REM_CLEANUP(rem_buffer_deinit) = {0};
  (void)argument_count;
  (void)arguments;
  (void)message;
  rem_columns_declare(&module->columns, &declaration);
  if (declaration.failure < 0)
    return SQLITE_NOMEM;
  /* The limit of columns is for what statements ask for, not for what tables have. */
  int limit = sqlite3_limit(sqlite, SQLITE_LIMIT_COLUMN, 2000);
  module->session->declaring = true;
  int code = sqlite3_declare_vtab(sqlite, (const char *)declaration.data);
  module->session->declaring = false;
  sqlite3_limit(sqlite, SQLITE_LIMIT_COLUMN, limit);
  if (code != SQLITE_OK)
    return code;
  table_vtab *vtab = rem_calloc(1, sizeof *vtab);
  if (!vtab)
    return SQLITE_NOMEM;
  (void)sqlite3_vtab_config(sqlite, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  vtab->module = module;
  *ret_vtab = &vtab->base;
  return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *vtab) {
  rem_free(vtab);
  return SQLITE_OK;
}

static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  return rem_plan_choose(module_of(vtab), vtab, info);
}

static int open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor) {
  rem_table_cursor *cursor = rem_calloc(1, sizeof *cursor);
  if (!cursor)
    return SQLITE_NOMEM;
  cursor->module = module_of(vtab);
  *ret_cursor = &cursor->base;
  return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base) {
  rem_table_cursor *cursor = cursor_of(base);
  rem_table_cursor_deinit(cursor);
  rem_free(cursor);
  return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int idx_num, const char *idx_str, int argument_count, sqlite3_value **arguments) {
  rem_table_cursor *cursor = cursor_of(base);
  rem_error err = {0};
  rem_status status = rem_table_cursor_begin(cursor, rem_plan_of(idx_num, idx_str), argument_count, arguments, &err);
  if (status >= 0)
    status = rem_table_cursor_step(cursor, &err);
  return finish(cursor, status, &err);
}

static int next(sqlite3_vtab_cursor *base) {
  rem_table_cursor *cursor = cursor_of(base);
  rem_error err;
  err.code = REM_OK;
  return finish(cursor, rem_table_cursor_step(cursor, &err), &err);
}

static int at_end(sqlite3_vtab_cursor *base) {
  return cursor_of(base)->eof;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int number) {
  rem_table_cursor *cursor = cursor_of(base);
  rem_error err;
  err.code = REM_OK;
  if (sqlite3_vtab_nochange(context))
    return SQLITE_OK;
  return finish(cursor, rem_table_cursor_column(cursor, context, number, &err), &err);
}

/* There are no row numbers; the callback is asked for all the same. */
static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_id) {
  (void)base;
  *ret_id = 0;
  return SQLITE_OK;
}

static int find_function(sqlite3_vtab *vtab, int argument_count, const char *name,
                         void (**ret_function)(sqlite3_context *, int, sqlite3_value **), void **ret_data) {
  (void)vtab;
  (void)ret_data;
  if (argument_count != 2 || strcmp(name, "_rem_has") != 0)
    return 0;
  *ret_function = rem_function_has;
  return SQLITE_INDEX_CONSTRAINT_FUNCTION;
}

/* ------------------------------------------------------------------------------------------- */
/* Writing                                                                                      */

static rem_session *session_of(sqlite3_vtab *vtab) {
  return module_of(vtab)->session;
}

static int outcome(sqlite3_vtab *vtab, rem_status status, const rem_error *err) {
  return status < 0 ? rem_session__fail(session_of(vtab), status, err) : SQLITE_OK;
}

static int update(sqlite3_vtab *vtab, int count, sqlite3_value **values, sqlite3_int64 *ret_row_id) {
  rem_error err;
  bool written = true;
  (void)ret_row_id;
  rem_status status = rem_table_write(module_of(vtab), count, values, &written, &err);
  /* INSERT OR IGNORE met a row: SQLite passes over it and does not count it. */
  return status >= 0 && !written ? SQLITE_CONSTRAINT : outcome(vtab, status, &err);
}

static int begin(sqlite3_vtab *vtab) {
  (void)vtab;
  return SQLITE_OK;
}

static int sync_all(sqlite3_vtab *vtab) {
  rem_error err;
  return outcome(vtab, rem_write_sync(session_of(vtab), &err), &err);
}

static int commit(sqlite3_vtab *vtab) {
  (void)vtab;
  return SQLITE_OK;
}

static int roll_back(sqlite3_vtab *vtab) {
  rem_write_rollback(session_of(vtab));
  return SQLITE_OK;
}

static int set_savepoint(sqlite3_vtab *vtab, int level) {
  rem_error err;
  return outcome(vtab, rem_write_savepoint(session_of(vtab), level, &err), &err);
}

static int release(sqlite3_vtab *vtab, int level) {
  rem_write_release(session_of(vtab), level);
  return SQLITE_OK;
}

static int roll_back_to(sqlite3_vtab *vtab, int level) {
  rem_write_rollback_to(session_of(vtab), level);
  return SQLITE_OK;
}

#define READING                                                                                    \
  .iVersion = 3, .xConnect = connect_table, .xBestIndex = best_index, .xDisconnect = disconnect_table,                 \
  .xDestroy = disconnect_table, .xOpen = open_cursor, .xClose = close_cursor, .xFilter = filter, .xNext = next,        \
  .xEof = at_end, .xColumn = column, .xRowid = row_id, .xFindFunction = find_function

/* SQLite itself refuses to write to a table whose module has no xUpdate. */
const sqlite3_module rem_table_module_read_only = {READING};
const sqlite3_module rem_table_module = {
    READING,
    .xUpdate = update,
    .xBegin = begin,
    .xSync = sync_all,
    .xCommit = commit,
    .xRollback = roll_back,
    .xSavepoint = set_savepoint,
    .xRelease = release,
    .xRollbackTo = roll_back_to,
};
