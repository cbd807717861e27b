/* SPDX-License-Identifier: Apache-2.0 */
#include "query/list_module.h"

/* What SQLite keeps for a function. */
typedef struct list_aux {
  rem_session *session; /* borrowed */
  const rem_list_function *function;
} list_aux;

typedef struct list_vtab {
  sqlite3_vtab base;
  list_aux *aux; /* borrowed */
} list_vtab;

typedef struct list_cursor {
  sqlite3_vtab_cursor base;
  rem_made_rows list;
  size_t next;
} list_cursor;

rem_status rem_made_rows_add(rem_made_rows *list, rem_made_row **ret_row, rem_error *err) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 16;
    bool allowed = capacity * sizeof *list->rows <= list->max_bytes;
    rem_made_row *rows = allowed ? rem_realloc(list->rows, capacity * sizeof *rows) : NULL;
    if (!rows)
      return allowed ? rem_error_nomem(err) : rem_error_set(err, REM_LIMIT, "the function gives more rows than memory allows");
    list->rows = rows;
    list->capacity = capacity;
  }
  *ret_row = &list->rows[list->count++];
  **ret_row = (rem_made_row){0};
  return REM_OK;
}

rem_status rem_made_rows_text(rem_made_rows *list, const void *text, size_t size, rem_value *ret_value, rem_error *err) {
  if (!text)
    return REM_OK;
  char *copy = rem_arena_memdup(&list->arena, text, size);
  if (!copy)
    return rem_error_set(err, REM_LIMIT, "the function gives more rows than memory allows");
  *ret_value = (rem_value){.type = REM_TYPE_TEXT, .text = copy, .text_size = size};
  return REM_OK;
}

static void list_clear(rem_made_rows *list) {
  rem_arena_deinit(&list->arena);
  rem_free(list->rows);
  *list = (rem_made_rows){0};
}

/* ------------------------------------------------------------------------------------------- */

static int connect_list(sqlite3 *sqlite, void *context, int argument_count, const char *const *arguments, sqlite3_vtab **ret_vtab,
                        char **message) {
  list_aux *aux = context;
  (void)argument_count;
  (void)arguments;
  (void)message;
  aux->session->declaring = true;
  int code = sqlite3_declare_vtab(sqlite, aux->function->declaration);
  aux->session->declaring = false;
  list_vtab *vtab = code == SQLITE_OK ? rem_calloc(1, sizeof *vtab) : NULL;
  if (!vtab)
    return code == SQLITE_OK ? SQLITE_NOMEM : code;
  vtab->aux = aux;
  *ret_vtab = &vtab->base;
  return SQLITE_OK;
}

static int disconnect_list(sqlite3_vtab *vtab) {
  rem_free(vtab);
  return SQLITE_OK;
}

/* The arguments that are given, in their order: idxNum has a bit for each. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  const rem_list_function *function = ((list_vtab *)(void *)base)->aux->function;
  int places[REM_LIST_MAX_ARGUMENTS], given = 0, count = 0;
  memset(places, -1, sizeof places);
  for (int i = 0; i < info->nConstraint; i++) {
    int argument = info->aConstraint[i].iColumn - function->column_count;
    if (argument < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
      continue;
    if (!info->aConstraint[i].usable)
      return SQLITE_CONSTRAINT;
    places[argument] = i;
  }
  for (int i = 0; i < function->argument_count; i++) {
    if (places[i] < 0)
      continue;
    given |= 1 << i;
    info->aConstraintUsage[places[i]].argvIndex = ++count;
    info->aConstraintUsage[places[i]].omit = 1;
  }
  if ((given & ((1 << function->required_count) - 1)) != (1 << function->required_count) - 1) {
    base->zErrMsg = sqlite3_mprintf("%s() wants %d argument%s", function->name, function->required_count,
                                    function->required_count == 1 ? "" : "s");
    return SQLITE_ERROR;
  }
  info->idxNum = given;
  info->idxStr = (char *)function->words;
  info->estimatedRows = (sqlite3_int64)function->rows;
  info->estimatedCost = function->rows * 10;
  return SQLITE_OK;
}

static int open_list(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor) {
  (void)vtab;
  list_cursor *cursor = rem_calloc(1, sizeof *cursor);
  if (!cursor)
    return SQLITE_NOMEM;
  *ret_cursor = &cursor->base;
  return SQLITE_OK;
}

static int close_list(sqlite3_vtab_cursor *base) {
  list_cursor *cursor = (list_cursor *)(void *)base;
  list_clear(&cursor->list);
  rem_free(cursor);
  return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int given, const char *words, int argument_count, sqlite3_value **arguments) {
  list_cursor *cursor = (list_cursor *)(void *)base;
  const list_aux *aux = ((list_vtab *)(void *)base->pVtab)->aux;
  rem_session *session = aux->session;
  sqlite3_value *all[REM_LIST_MAX_ARGUMENTS] = {0};
  rem_error err;
  (void)words;
  for (int i = 0, next = 0; i < aux->function->argument_count && next < argument_count; i++)
    if (given & 1 << i)
      all[i] = arguments[next++];
  list_clear(&cursor->list);
  rem_arena_init(&cursor->list.arena, (size_t)session->options.memory_bytes / 4);
  cursor->list.max_bytes = (size_t)session->options.memory_bytes / 4;
  cursor->next = 0;
  rem_status status = session->view ? aux->function->fill(session, session->view, all, &cursor->list, &err)
                                    : rem_error_set(&err, REM_INTERNAL, "a function is read outside a statement");
  return status < 0 ? rem_session__fail(session, status, &err) : SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base) {
  ((list_cursor *)(void *)base)->next++;
  return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base) {
  const list_cursor *cursor = (list_cursor *)(void *)base;
  return cursor->next >= cursor->list.count;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int number) {
  const list_cursor *cursor = (list_cursor *)(void *)base;
  if (number >= REM_LIST_MAX_COLUMNS)
    return SQLITE_OK;
  const rem_value *value = &cursor->list.rows[cursor->next].values[number];
  if (value->type == REM_TYPE_INT)
    sqlite3_result_int64(context, value->integer);
  else if (value->type == REM_TYPE_REAL)
    sqlite3_result_double(context, value->real);
  else if (value->type == REM_TYPE_TEXT)
    sqlite3_result_text64(context, value->text, value->text_size, SQLITE_TRANSIENT, SQLITE_UTF8);
  return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_id) {
  *ret_id = (sqlite3_int64)((list_cursor *)(void *)base)->next + 1;
  return SQLITE_OK;
}

static const sqlite3_module list_module = {
    .iVersion = 1,
    .xConnect = connect_list,
    .xBestIndex = best_index,
    .xDisconnect = disconnect_list,
    .xDestroy = disconnect_list,
    .xOpen = open_list,
    .xClose = close_list,
    .xFilter = filter,
    .xNext = next,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = row_id,
};

rem_status rem_list_module_add(rem_session *session, const rem_list_function *function, rem_error *err) {
  list_aux *aux = rem_alloc(sizeof *aux);
  if (!aux)
    return rem_error_nomem(err);
  *aux = (list_aux){session, function};
  /* The destructor runs also when this fails. */
  int code = sqlite3_create_module_v2(session->sqlite, function->name, &list_module, aux, rem_free);
  return code == SQLITE_OK ? REM_OK : rem_error_nomem(err);
}
