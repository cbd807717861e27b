/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search() in a transaction that has written: each table is searched by the cursor that `embedding.cosine()` has, which knows the rows of the
 * transaction; the best of all tables are the answer.
 */
#include <math.h>

#include "query/cursor.h"
#include "query/verbs.h"

static int place_of(const rem_columns *columns, const char *name) {
  return (int)(rem_columns_find(columns, name, strlen(name)) - columns->items);
}

static rem_plan plan_of(const rem_columns *columns, bool threshold) {
  const uint16_t sought = (uint16_t)place_of(columns, "_cosine"), least = (uint16_t)place_of(columns, "_min_score");
  rem_plan plan = {.path = REM_PATH_SEARCH, .column = sought, .count = threshold ? 2 : 1};
  plan.terms[0] = (rem_plan_term){.column = sought, .op = SQLITE_INDEX_CONSTRAINT_EQ, .role = REM_ROLE_ACCESS};
  plan.terms[1] = (rem_plan_term){.column = least, .op = SQLITE_INDEX_CONSTRAINT_EQ, .role = REM_ROLE_MINIMUM};
  return plan;
}

static rem_status take_best(rem_table_cursor *cursor, double least, rem_cursor *hits, rem_error *err) {
  for (int64_t taken = 0; !isnan(least) || taken < REM_VERB_SEARCH_MOST; taken++) {
    REM_TRY(rem_table_cursor_step(cursor, err));
    if (cursor->eof || cursor->score < least)
      break;
    REM_TRY(rem_cursor__add_hit(hits, cursor->module->table, cursor->id, cursor->score, NULL, err));
  }
  return REM_OK;
}

static rem_status search_table(rem_session *session, rem_table *table, sqlite3_value **arguments, double least, rem_cursor *hits, rem_error *err) {
  rem_module module = {.session = session, .table = table, .references = 1};
  sqlite3_value *given[2] = {arguments[0], arguments[2]};
  REM_TRY(rem_columns_init(&module.columns, table, err));
  const rem_plan plan = plan_of(&module.columns, !isnan(least));
  rem_table_cursor cursor = {.module = &module};
  rem_status status = rem_table_cursor_begin(&cursor, &plan, plan.count, given, err);
  if (status >= 0)
    status = take_best(&cursor, least, hits, err);
  rem_table_cursor_deinit(&cursor);
  rem_columns_deinit(&module.columns);
  return status;
}

rem_status rem_verb__search_written(rem_session *session, rem_view *view, sqlite3_value **arguments, const char *table, double least,
                                    rem_made_rows *list, rem_error *err) {
  rem_table_list tables REM_AUTO_TABLE_LIST = {0};
  rem_cursor *hits;
  int64_t pending = session->pending;
  REM_TRY(rem_entity_searched_tables(session->engine, session->tenant, table, rem_verb__argument(arguments[0]), &tables, err));
  REM_TRY(rem_cursor__new(session->engine, session->tenant, view->snapshot, &hits, err));
  hits->transaction = view->transaction;
  rem_status status = REM_OK;
  for (size_t i = 0; i < tables.count && status >= 0; i++) {
    session->pending = 0;
    status = search_table(session, tables.tables[i], arguments, least, hits, err);
    pending += session->pending;
  }
  session->pending = pending;
  if (status < 0) {
    rem_entity_cursor_free(hits);
    return status;
  }
  rem_cursor__sort_by_score(hits);
  if (isnan(least))
    hits->left = REM_VERB_SEARCH_MOST;
  return rem_verb__add_hits(session, hits, REM_HIT_SCORE, (rem_slice){0}, NAN, list, err);
}
