/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view walks one table after the other with the cursors of those tables (cursor.h), so visibility, transactions and reading in place are theirs. A
 * `"table" = ?` leaves the other tables out, an `id = ?` looks for the id in each.
 */
#include "query/entities_module.h"

#include <strings.h>

#include "query/cursor.h"

enum { COLUMN_ID, COLUMN_TABLE, COLUMN_KEY, COLUMN_NAME, COLUMN_TYPE, COLUMN_CREATED_AT, COLUMN_MODIFIED_AT, COLUMN_DELETED_AT, COLUMN_EDGES, COLUMN_DOC, COLUMN_COUNT };

static const char *const NAMES[COLUMN_COUNT] = {"id", "table", "key", "name", "type", "created_at", "modified_at", "deleted_at", "edges", "_doc"};

const char *rem_entities_column(size_t index, bool *ret_hidden) {
  if (index >= COLUMN_COUNT)
    return NULL;
  *ret_hidden = index == COLUMN_DOC;
  return NAMES[index];
}

rem_field_kind rem_entities_kind(size_t index) {
  static const rem_field_kind kinds[COLUMN_COUNT] = {
      [COLUMN_ID] = REM_FIELD_UUID,           [COLUMN_TABLE] = REM_FIELD_TEXT,         [COLUMN_KEY] = REM_FIELD_TEXT,
      [COLUMN_NAME] = REM_FIELD_TEXT,         [COLUMN_TYPE] = REM_FIELD_TEXT,          [COLUMN_CREATED_AT] = REM_FIELD_INSTANT,
      [COLUMN_MODIFIED_AT] = REM_FIELD_INSTANT, [COLUMN_DELETED_AT] = REM_FIELD_INSTANT, [COLUMN_EDGES] = REM_FIELD_LIST,
      [COLUMN_DOC] = REM_FIELD_OBJECT};
  return index < COLUMN_COUNT ? kinds[index] : REM_FIELD_ANY;
}

typedef struct entities_aux {
  rem_session *session; /* borrowed */
  bool deleted_too;
} entities_aux;

typedef struct entities_vtab {
  sqlite3_vtab base;
  entities_aux *aux; /* borrowed */
} entities_vtab;

typedef struct entities_cursor {
  sqlite3_vtab_cursor base;
  rem_table_list tables;
  size_t next_table;
  rem_table_cursor *inner; /* of the table before `next_table`; NULL: none */
  rem_plan plan;
  sqlite3_value *id;       /* owned copies; NULL: any */
  sqlite3_value *table;
  bool eof;
} entities_cursor;

static int connect_entities(sqlite3 *sqlite, void *context, int argument_count, const char *const *arguments, sqlite3_vtab **ret_vtab,
                            char **message) {
  entities_aux *aux = context;
  (void)argument_count;
  (void)arguments;
  (void)message;
  aux->session->declaring = true;
  int code = sqlite3_declare_vtab(sqlite, "CREATE TABLE x(id TEXT_UUID, \"table\" TEXT, key TEXT, name TEXT, type TEXT,"
                                          " created_at TEXT_INSTANT COLLATE rem_instant, modified_at TEXT_INSTANT COLLATE rem_instant,"
                                          " deleted_at TEXT_INSTANT COLLATE rem_instant, edges TEXT_JSON, _doc TEXT_JSON HIDDEN)");
  aux->session->declaring = false;
  entities_vtab *vtab = code == SQLITE_OK ? rem_calloc(1, sizeof *vtab) : NULL;
  if (!vtab)
    return code == SQLITE_OK ? SQLITE_NOMEM : code;
  vtab->aux = aux;
  *ret_vtab = &vtab->base;
  return SQLITE_OK;
}

static int disconnect_entities(sqlite3_vtab *vtab) {
  rem_free(vtab);
  return SQLITE_OK;
}

enum { BY_ID = 1, BY_TABLE = 2 };

static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  static const char *const words[] = {"all tables", "id, in all tables", "one table", "id, in one table"};
  int id = -1, table = -1, count = 0;
  (void)vtab;
  for (int i = 0; i < info->nConstraint; i++) {
    const char *collation = sqlite3_vtab_collation(info, i);
    if (!info->aConstraint[i].usable || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ || !collation ||
        strcasecmp(collation, "BINARY") != 0)
      continue;
    if (info->aConstraint[i].iColumn == COLUMN_ID)
      id = i;
    if (info->aConstraint[i].iColumn == COLUMN_TABLE)
      table = i;
  }
  if (id >= 0)
    info->aConstraintUsage[id].argvIndex = ++count;
  if (table >= 0)
    info->aConstraintUsage[table].argvIndex = ++count;
  info->idxNum = (id >= 0 ? BY_ID : 0) | (table >= 0 ? BY_TABLE : 0);
  info->idxStr = (char *)words[info->idxNum];
  info->estimatedRows = id >= 0 ? 1 : 10000;
  info->estimatedCost = id >= 0 ? 50 : table >= 0 ? 10000 : 100000;
  return SQLITE_OK;
}

static int open_entities(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor) {
  (void)vtab;
  entities_cursor *cursor = rem_calloc(1, sizeof *cursor);
  if (!cursor)
    return SQLITE_NOMEM;
  *ret_cursor = &cursor->base;
  return SQLITE_OK;
}

static void drop_inner(entities_cursor *cursor) {
  if (!cursor->inner)
    return;
  rem_module *module = cursor->inner->module;
  rem_table_cursor_deinit(cursor->inner);
  rem_free(REM_TAKE(cursor->inner));
  rem_module_unref(module);
}

static void forget(entities_cursor *cursor) {
  drop_inner(cursor);
  rem_table_list_deinit(&cursor->tables);
  cursor->tables = (rem_table_list){0};
  sqlite3_value_free(cursor->id);
  sqlite3_value_free(cursor->table);
  cursor->id = cursor->table = NULL;
}

static int close_entities(sqlite3_vtab_cursor *base) {
  forget((entities_cursor *)(void *)base);
  rem_free(base);
  return SQLITE_OK;
}

static rem_session *session_of(const entities_cursor *cursor) {
  return ((entities_vtab *)(void *)cursor->base.pVtab)->aux->session;
}

static bool wants_table(const entities_cursor *cursor, const char *name) {
  const char *wanted = cursor->table ? (const char *)sqlite3_value_text(cursor->table) : NULL;
  return !cursor->table || (wanted && strcmp(wanted, name) == 0);
}

static rem_status enter_table(entities_cursor *cursor, const char *name, rem_error *err) {
  const entities_aux *aux = ((entities_vtab *)(void *)cursor->base.pVtab)->aux;
  const rem_catalog_entry *entry = rem_catalog_peek(aux->session->catalog, name);
  if (!entry)
    return REM_OK; /* made since the statement began */
  cursor->inner = rem_calloc(1, sizeof *cursor->inner);
  if (!cursor->inner)
    return rem_error_nomem(err);
  rem_module *module = aux->deleted_too ? entry->all : entry->live;
  /* A statement prepared while this one is read may replace the modules: SQLite keeps those of its own tables, not these. */
  module->references++;
  cursor->inner->module = module;
  cursor->plan = (rem_plan){.path = REM_PATH_SCAN};
  if (cursor->id) {
    cursor->plan = (rem_plan){.path = REM_PATH_ID, .column = (uint16_t)module->columns.id, .count = 1};
    cursor->plan.terms[0] = (rem_plan_term){.column = (uint16_t)module->columns.id, .op = SQLITE_INDEX_CONSTRAINT_EQ, .role = REM_ROLE_ACCESS};
  }
  return rem_table_cursor_begin(cursor->inner, &cursor->plan, cursor->plan.count, &cursor->id, err);
}

static rem_status step(entities_cursor *cursor, rem_error *err) {
  for (;;) {
    if (cursor->inner) {
      REM_TRY(rem_table_cursor_step(cursor->inner, err));
      if (!cursor->inner->eof)
        return REM_OK;
      drop_inner(cursor);
    }
    if (cursor->next_table == cursor->tables.count) {
      cursor->eof = true;
      return REM_OK;
    }
    const char *name = cursor->tables.tables[cursor->next_table++]->name;
    if (wants_table(cursor, name))
      REM_TRY(enter_table(cursor, name, err));
  }
}

static rem_status begin(entities_cursor *cursor, int given, sqlite3_value **arguments, rem_error *err) {
  rem_session *session = session_of(cursor);
  forget(cursor);
  cursor->next_table = 0;
  cursor->eof = false;
  if (given & BY_ID)
    cursor->id = sqlite3_value_dup(*arguments++);
  if (given & BY_TABLE)
    cursor->table = sqlite3_value_dup(*arguments);
  if ((given & BY_ID && !cursor->id) || (given & BY_TABLE && !cursor->table))
    return rem_error_nomem(err);
  REM_TRY(rem_registry_list(session->engine->registry, session->tenant, &cursor->tables, err));
  return step(cursor, err);
}

static int finish(const entities_cursor *cursor, rem_status status, const rem_error *err) {
  return status < 0 ? rem_session__fail(session_of(cursor), status, err) : SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int given, const char *words, int argument_count, sqlite3_value **arguments) {
  entities_cursor *cursor = (entities_cursor *)(void *)base;
  rem_error err;
  (void)words;
  (void)argument_count;
  return finish(cursor, begin(cursor, given, arguments, &err), &err);
}

static int next(sqlite3_vtab_cursor *base) {
  entities_cursor *cursor = (entities_cursor *)(void *)base;
  rem_error err;
  return finish(cursor, step(cursor, &err), &err);
}

static int at_end(sqlite3_vtab_cursor *base) {
  return ((entities_cursor *)(void *)base)->eof;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status give_key(const rem_table_cursor *inner, sqlite3_context *context, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_status status = rem_record_key(&inner->record, inner->module->table, &key, err);
  REM_TRY(status);
  if (status == REM_OK)
    sqlite3_result_text64(context, (const char *)key.data, key.size, SQLITE_TRANSIENT, SQLITE_UTF8);
  return REM_OK;
}

/* A column that every table has, of the same name; `name` only where the schema has such a field. */
static rem_status give_column(rem_table_cursor *inner, sqlite3_context *context, const char *name, rem_error *err) {
  const rem_columns *columns = &inner->module->columns;
  const rem_column *column = rem_columns_find(columns, name, strlen(name));
  return column ? rem_table_cursor_column(inner, context, (int)(column - columns->items), err) : REM_OK;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int number) {
  entities_cursor *cursor = (entities_cursor *)(void *)base;
  rem_table_cursor *inner = cursor->inner;
  const rem_table *table = inner->module->table;
  rem_error err;
  switch (number) {
  case COLUMN_TABLE: sqlite3_result_text(context, table->name, -1, SQLITE_TRANSIENT); return SQLITE_OK;
  case COLUMN_TYPE: sqlite3_result_text(context, table->type, -1, SQLITE_TRANSIENT); return SQLITE_OK;
  case COLUMN_KEY: return finish(cursor, give_key(inner, context, &err), &err);
  default: return finish(cursor, give_column(inner, context, NAMES[number], &err), &err);
  }
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_id) {
  (void)base;
  *ret_id = 0;
  return SQLITE_OK;
}

static const sqlite3_module entities_module = {
    .iVersion = 1,
    .xConnect = connect_entities,
    .xBestIndex = best_index,
    .xDisconnect = disconnect_entities,
    .xDestroy = disconnect_entities,
    .xOpen = open_entities,
    .xClose = close_entities,
    .xFilter = filter,
    .xNext = next,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = row_id,
};

static rem_status add(rem_session *session, const char *name, bool deleted_too, rem_error *err) {
  entities_aux *aux = rem_alloc(sizeof *aux);
  if (!aux)
    return rem_error_nomem(err);
  *aux = (entities_aux){session, deleted_too};
  int code = sqlite3_create_module_v2(session->sqlite, name, &entities_module, aux, rem_free);
  return code == SQLITE_OK ? REM_OK : rem_error_nomem(err);
}

rem_status rem_entities_add(rem_session *session, rem_error *err) {
  REM_TRY(add(session, "entities", false, err));
  return add(session, "entities+deleted", true, err);
}
