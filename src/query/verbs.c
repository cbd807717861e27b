/* SPDX-License-Identifier: Apache-2.0 */
#include "query/verbs.h"

#include <math.h>

#include "base/uuid.h"
#include "entity/cursor.h"
#include "entity/likeness.h"

/* ------------------------------------------------------------------------------------------- */
/* Shared                                                                                       */

void rem_verb__reads(rem_view *view) {
  view->reads = view->reads || view->transaction;
}

rem_slice rem_verb__argument(sqlite3_value *argument) {
  if (!argument || sqlite3_value_type(argument) == SQLITE_NULL)
    return (rem_slice){0};
  const char *text = (const char *)sqlite3_value_text(argument);
  return rem_slice_of(text, text ? (size_t)sqlite3_value_bytes(argument) : 0);
}

rem_status rem_verb__id(rem_made_rows *list, const uint8_t id[16], rem_value *ret_value, rem_error *err) {
  char text[37];
  rem_uuid_format(id, text);
  return rem_made_rows_text(list, text, 36, ret_value, err);
}

rem_status rem_verb__key(rem_made_rows *list, const rem_row *row, rem_value *ret_value, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_status status = rem_record_key(&row->record, row->table, &key, err);
  REM_TRY(status);
  return status == REM_OK ? rem_made_rows_text(list, key.data, key.size, ret_value, err) : REM_OK;
}

rem_status rem_verb__entity(rem_made_rows *list, const rem_row *row, rem_value *ret_value, rem_error *err) {
  rem_buffer json REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_record_append_entity(&row->record, row->table, row->id, NULL, &json, err));
  REM_TRY(rem_buffer_status(&json, err));
  return rem_made_rows_text(list, json.data, json.size, ret_value, err);
}

static rem_status add_hit(rem_made_rows *list, const rem_row *row, rem_hit_form form, rem_error *err) {
  rem_made_row *added;
  REM_TRY(rem_made_rows_add(list, &added, err));
  rem_value *value = added->values;
  REM_TRY(rem_made_rows_text(list, row->table->name, strlen(row->table->name), value++, err));
  if (form != REM_HIT_MATCH)
    *value++ = isnan(row->score) ? (rem_value){0} : (rem_value){.type = REM_TYPE_REAL, .real = row->score};
  if (form != REM_HIT_SCORE)
    REM_TRY(rem_made_rows_text(list, row->match, row->match ? strlen(row->match) : 0, value++, err));
  REM_TRY(rem_verb__id(list, row->id, value++, err));
  REM_TRY(rem_verb__key(list, row, value++, err));
  return rem_verb__entity(list, row, value, err);
}

rem_status rem_verb__add_hits(rem_session *session, rem_cursor *cursor, rem_hit_form form, rem_slice table, double least, rem_made_rows *list, rem_error *err) {
  rem_row row;
  rem_row__init(&row, session->engine);
  rem_status status;
  while ((status = rem_entity_cursor_next(cursor, &row, err)) == REM_ROW) {
    bool wanted = (!table.data || rem_slice_equal(table, rem_slice_text(row.table->name))) && !(row.score < least);
    status = wanted ? add_hit(list, &row, form, err) : REM_OK;
    if (status >= 0)
      status = rem_session__check(session, err);
    if (status < 0)
      break;
  }
  rem_row__deinit(&row);
  rem_entity_cursor_free(cursor);
  return status < 0 ? status : REM_OK;
}

/* The canonical name of a table argument. REM_UNKNOWN with a hint. */
static rem_status table_argument(rem_session *session, sqlite3_value *argument, char name[REM_TABLE_NAME_SIZE], rem_slice *ret_table,
                                 rem_error *err) {
  rem_slice given = rem_verb__argument(argument);
  rem_table *table;
  *ret_table = (rem_slice){0};
  if (!given.data)
    return REM_OK;
  REM_TRY(rem_registry_table(session->engine->registry, session->tenant, (const char *)given.data, &table, err));
  snprintf(name, REM_TABLE_NAME_SIZE, "%s", table->name);
  rem_table_unref(table);
  *ret_table = rem_slice_text(name);
  return REM_OK;
}

/* The least score, NAN when none is given. What is no number is a mistake: leaving it out would give rows that were not wanted. */
static rem_status score_argument(sqlite3_value *argument, double *ret_score, rem_error *err) {
  *ret_score = NAN;
  int type = argument ? sqlite3_value_numeric_type(argument) : SQLITE_NULL;
  if (type == SQLITE_NULL)
    return REM_OK;
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT)
    return rem_error_set(err, REM_INVALID, "the least score of a search is a number");
  *ret_score = sqlite3_value_double(argument);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* lookup, fuzzy, search                                                                        */

static rem_status lookup_flags(rem_slice how, unsigned *ret_flags, rem_error *err) {
  static const struct {
    const char *name;
    unsigned flag;
  } ways[] = {{"ignore-case", REM_LOOKUP_IGNORE_CASE}, {"prefix", REM_LOOKUP_PREFIX}, {"fuzzy", REM_LOOKUP_FUZZY}};
  *ret_flags = 0;
  if (!how.data)
    return REM_OK;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
    if (rem_slice_equal(how, rem_slice_text(ways[i].name))) {
      *ret_flags = ways[i].flag;
      return REM_OK;
    }
  rem_error_set(err, REM_INVALID, "lookup() knows no way '%.*s'", (int)how.size, how.data);
  rem_error_hint(err, "it is 'ignore-case', 'prefix' or 'fuzzy'");
  return REM_INVALID;
}

static rem_status fill_lookup(rem_session *session, rem_view *view, sqlite3_value **arguments, rem_made_rows *list, rem_error *err) {
  rem_slice key = rem_verb__argument(arguments[0]);
  rem_cursor *cursor;
  unsigned flags;
  rem_verb__reads(view);
  REM_TRY(lookup_flags(rem_verb__argument(arguments[1]), &flags, err));
  if (!key.data)
    return REM_OK;
  REM_TRY(rem_entity_lookup_at(session->engine, session->tenant, view->snapshot, view->transaction, key, flags, -1, &cursor, err));
  return rem_verb__add_hits(session, cursor, REM_HIT_MATCH, (rem_slice){0}, NAN, list, err);
}

static rem_status fill_fuzzy(rem_session *session, rem_view *view, sqlite3_value **arguments, rem_made_rows *list, rem_error *err) {
  rem_slice text = rem_verb__argument(arguments[0]), table;
  char name[REM_TABLE_NAME_SIZE];
  rem_cursor *cursor;
  rem_verb__reads(view);
  REM_TRY(table_argument(session, arguments[1], name, &table, err));
  if (!text.data)
    return REM_OK;
  double least;
  REM_TRY(score_argument(arguments[2], &least, err));
  unsigned flags = REM_LOOKUP_FUZZY | REM_LOOKUP_IGNORE_CASE;
  REM_TRY(rem_entity_lookup_at(session->engine, session->tenant, view->snapshot, view->transaction, text, flags, -1, &cursor, err));
  return rem_verb__add_hits(session, cursor, REM_HIT_BOTH, table, least, list, err);
}

static rem_status fill_search(rem_session *session, rem_view *view, sqlite3_value **arguments, rem_made_rows *list, rem_error *err) {
  rem_slice text = rem_verb__argument(arguments[0]), table;
  char name[REM_TABLE_NAME_SIZE];
  rem_cursor *cursor;
  rem_read_options options;
  int64_t pending = 0;
  rem_verb__reads(view);
  REM_TRY(table_argument(session, arguments[1], name, &table, err));
  if (!text.data)
    return REM_OK;
  rem_read_options_init(&options);
  REM_TRY(score_argument(arguments[2], &options.min_score, err));
  if (view->transaction && !rem_transaction_is_empty(view->transaction))
    return rem_verb__search_written(session, view, arguments, table.data ? name : NULL, options.min_score, list, err);
  if (isnan(options.min_score))
    options.limit = REM_VERB_SEARCH_MOST;
  REM_TRY(rem_entity_search_at(session->engine, session->tenant, view->snapshot, text, table.data ? name : NULL, &options, &cursor, &pending,
                               err));
  session->pending += pending;
  return rem_verb__add_hits(session, cursor, REM_HIT_SCORE, (rem_slice){0}, NAN, list, err);
}

/* ------------------------------------------------------------------------------------------- */

static const rem_list_function lookup = {
    .name = "lookup",
    .declaration = "CREATE TABLE x(\"table\" TEXT, match TEXT, id TEXT_UUID, key TEXT, entity TEXT_JSON, _key HIDDEN, _how HIDDEN)",
    .column_count = 5,
    .argument_count = 2,
    .required_count = 1,
    .rows = 2,
    .words = "the key index",
    .fill = fill_lookup,
};

static const rem_list_function search = {
    .name = "search",
    .declaration = "CREATE TABLE x(\"table\" TEXT, score REAL, id TEXT_UUID, key TEXT, entity TEXT_JSON, _text HIDDEN, _in HIDDEN, _min HIDDEN)",
    .column_count = 5,
    .argument_count = 3,
    .required_count = 1,
    .rows = 32,
    .words = "search of all tables with vectors",
    .fill = fill_search,
};

static const rem_list_function fuzzy = {
    .name = "fuzzy",
    .declaration = "CREATE TABLE x(\"table\" TEXT, score REAL, match TEXT, id TEXT_UUID, key TEXT, entity TEXT_JSON, _text HIDDEN, _in HIDDEN, _min HIDDEN)",
    .column_count = 6,
    .argument_count = 3,
    .required_count = 1,
    .rows = 16,
    .words = "all entries of the key index",
    .fill = fill_fuzzy,
};

static const rem_list_function *const functions[] = {&lookup, &search, &fuzzy, &rem_verb_traverse};
#define FUNCTION_COUNT (sizeof functions / sizeof *functions)

rem_status rem_verbs_add(rem_session *session, rem_error *err) {
  for (size_t i = 0; i < FUNCTION_COUNT; i++)
    REM_TRY(rem_list_module_add(session, functions[i], err));
  return REM_OK;
}

const char *rem_verb_name(size_t index) {
  return index < FUNCTION_COUNT ? functions[index]->name : NULL;
}
