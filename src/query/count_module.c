/* SPDX-License-Identifier: Apache-2.0 */
#include "query/count_module.h"

#include "query/session_internal.h"

typedef struct count_vtab {
  sqlite3_vtab base;
  rem_module *module; /* borrowed */
} count_vtab;

typedef struct count_cursor {
  sqlite3_vtab_cursor base;
  bool given;
  int64_t count;
} count_cursor;

static int connect_count(sqlite3 *sqlite, void *aux, int argument_count, const char *const *arguments, sqlite3_vtab **ret_vtab,
                         char **message) {
  (void)argument_count;
  (void)arguments;
  (void)message;
  rem_session *session = ((rem_module *)aux)->session;
  session->declaring = true;
  int code = sqlite3_declare_vtab(sqlite, "CREATE TABLE x(_count INTEGER)");
  session->declaring = false;
  count_vtab *vtab = code == SQLITE_OK ? rem_calloc(1, sizeof *vtab) : NULL;
  if (!vtab)
    return code == SQLITE_OK ? SQLITE_NOMEM : code;
  vtab->module = aux;
  *ret_vtab = &vtab->base;
  return SQLITE_OK;
}

static int disconnect_count(sqlite3_vtab *vtab) {
  rem_free(vtab);
  return SQLITE_OK;
}

static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  (void)vtab;
  info->estimatedCost = 1;
  info->estimatedRows = 1;
  info->idxStr = (char *)"the counter of rows";
  return SQLITE_OK;
}

static int open_count(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor) {
  (void)vtab;
  count_cursor *cursor = rem_calloc(1, sizeof *cursor);
  if (!cursor)
    return SQLITE_NOMEM;
  *ret_cursor = &cursor->base;
  return SQLITE_OK;
}

static int close_count(sqlite3_vtab_cursor *cursor) {
  rem_free(cursor);
  return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int idx_num, const char *idx_str, int argument_count, sqlite3_value **arguments) {
  count_cursor *cursor = (count_cursor *)(void *)base;
  rem_module *module = ((count_vtab *)(void *)base->pVtab)->module;
  rem_error err;
  (void)idx_num;
  (void)idx_str;
  (void)argument_count;
  (void)arguments;
  rem_status status = rem_view_count(module->session->view, module, &cursor->count, &err);
  cursor->given = false;
  return status < 0 ? rem_session__fail(module->session, status, &err) : SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base) {
  ((count_cursor *)(void *)base)->given = true;
  return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base) {
  return ((count_cursor *)(void *)base)->given;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int number) {
  (void)number;
  sqlite3_result_int64(context, ((count_cursor *)(void *)base)->count);
  return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_id) {
  (void)base;
  *ret_id = 1;
  return SQLITE_OK;
}

const sqlite3_module rem_count_module = {
    .iVersion = 1,
    .xConnect = connect_count,
    .xBestIndex = best_index,
    .xDisconnect = disconnect_count,
    .xDestroy = disconnect_count,
    .xOpen = open_count,
    .xClose = close_count,
    .xFilter = filter,
    .xNext = next,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = row_id,
};
