/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by their likeness to a text or a vector, best first (D18). */
#include <math.h>

#include "base/json.h"
#include "base/utf8.h"
#include "query/cursor.h"
#include "query/search_vector.h"
#include "storage/key.h"

static sqlite3_value *argument_of(const rem_table_cursor *cursor, rem_plan_role role, sqlite3_value **arguments) {
  for (int i = 0; i < cursor->plan->count; i++)
    if (cursor->plan->terms[i].role == role)
      return arguments[i];
  return NULL;
}

/* How many rows will be taken, when SQLite could say. */
static size_t wanted(const rem_table_cursor *cursor, sqlite3_value **arguments) {
  sqlite3_value *limit = argument_of(cursor, REM_ROLE_LIMIT, arguments), *offset = argument_of(cursor, REM_ROLE_OFFSET, arguments);
  int64_t count = limit ? sqlite3_value_int64(limit) : 0, skipped = offset ? sqlite3_value_int64(offset) : 0;
  if (count <= 0 || count > 100000 || skipped < 0 || skipped > 100000)
    return 0;
  return (size_t)(count + skipped);
}

/* What is no number is a mistake: no score is better than a text, so the search would find nothing. */
static rem_status set_threshold(const rem_table_cursor *cursor, sqlite3_value **arguments, rem_ranking_options *options, rem_error *err) {
  sqlite3_value *least = argument_of(cursor, REM_ROLE_MINIMUM, arguments);
  int type = least ? sqlite3_value_numeric_type(least) : SQLITE_NULL;
  options->has_threshold = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
  options->threshold = options->has_threshold ? sqlite3_value_double(least) : 0;
  if (options->has_threshold || type == SQLITE_NULL)
    return REM_OK;
  rem_error_set(err, REM_INVALID, "the score of a search is compared with what is no number");
  rem_error_hint(err, "write one: embedding.cosine('text') > 0.5");
  return REM_INVALID;
}

/* Text that JSON can say as it is. */
static bool is_plain(const rem_value *value) {
  return rem_utf8_valid(value->text, value->text_size) && !memchr(value->text, 0, value->text_size);
}

/* A term that an index answers: SQLite would reject every row that it leaves out. */
static bool is_answered(const rem_term *term) {
  const rem_column *column = term->column;
  bool equality = term->op == SQLITE_INDEX_CONSTRAINT_EQ || term->op == SQLITE_INDEX_CONSTRAINT_IS;
  if (!equality || term->operand != REM_OPERAND_VALUE || column->place != REM_COLUMN_FIELD || !column->field->indexed)
    return false;
  if (column->kind == REM_FIELD_INT)
    return term->value.type == REM_TYPE_INT;
  return column->kind == REM_FIELD_TEXT && term->value.type == REM_TYPE_TEXT && is_plain(&term->value);
}

/* One such term as a filter of the ranking, which then looks at its rows alone where they are few; NULL: none. */
static rem_status filter_of(rem_table_cursor *cursor, const char **ret_where, rem_error *err) {
  rem_buffer json REM_AUTO_BUFFER = {0};
  const rem_term *term = NULL;
  for (int i = 0; i < cursor->term_count && !term; i++)
    term = is_answered(&cursor->terms[i]) ? &cursor->terms[i] : NULL;
  if (!term || cursor->module->deleted_too)
    return REM_OK;
  rem_buffer_append_text(&json, "{");
  rem_json_append_string(&json, term->column->field->name, strlen(term->column->field->name));
  rem_buffer_append_text(&json, ":");
  if (term->value.type == REM_TYPE_INT)
    rem_buffer_append_format(&json, "%lld", (long long)term->value.integer);
  else
    rem_json_append_string(&json, term->value.text, term->value.text_size);
  rem_buffer_append_text(&json, "}");
  REM_TRY(rem_buffer_status(&json, err));
  *ret_where = rem_arena_strndup(&cursor->arena, (const char *)json.data, json.size);
  return *ret_where ? REM_OK : rem_error_nomem(err);
}

/* Is there anything that could be found? Rows that wait for a model that cannot be had are a failure, not an empty answer. */
static rem_status check_vectors(rem_table_cursor *cursor, const rem_column *column, sqlite3_value *value, bool *ret_any, rem_error *err) {
  rem_session *session = cursor->module->session;
  rem_table *table = cursor->module->table;
  rem_counters counters;
  rem_embedder *embedder;
  if (!table->embedding_field_count) {
    rem_error_set(err, REM_INVALID, "'%s' has no embedded fields to search", table->name);
    rem_error_hint(err, "set 'embedding_fields' or 'embedding_provider' in its schema");
    return REM_INVALID;
  }
  REM_TRY(rem_counters_read(cursor->view->engine->kv, cursor->view->snapshot, session->tenant, table->name, &counters, err));
  int64_t pending = rem_counters_pending(&counters, column->slot);
  session->pending = pending;
  *ret_any = counters.vectors[column->slot] > 0 || cursor->view->transaction;
  if (!*ret_any && pending > 0 && sqlite3_value_type(value) == SQLITE_TEXT)
    return rem_engine_table_embedder(session->engine, table, column->slot, &embedder, err);
  return REM_OK;
}

rem_status rem_table_cursor__begin_search(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
  const rem_column *column = &cursor->module->columns.items[cursor->plan->column];
  rem_session *session = cursor->module->session;
  rem_sought vector;
  bool any;
  cursor->metric = (rem_metric)column->metric;
  cursor->query = (rem_query){0};
  REM_TRY(check_vectors(cursor, column, arguments[0], &any, err));
  if (!any)
    return REM_OK;
  rem_status status = rem_search_vector_of(session, cursor->module->table, column->slot, arguments[0], &vector, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  float *query = rem_arena_memdup(&cursor->arena, vector.values, vector.dimension * sizeof *query);
  if (!query)
    return rem_error_nomem(err);
  rem_query_init(&cursor->query, cursor->metric, query, vector.dimension);
  if (!cursor->module->table->slots[column->slot].model)
    return REM_OK; /* nothing was ever embedded; there may be rows of the transaction */
  rem_ranking_options options;
  rem_ranking_options_init(&options);
  options.slot = column->slot;
  options.metric = cursor->metric;
  options.query = query;
  options.dimension = vector.dimension;
  options.wanted = wanted(cursor, arguments);
  options.include_deleted = cursor->module->deleted_too;
  REM_TRY(set_threshold(cursor, arguments, &options, err));
  REM_TRY(filter_of(cursor, &options.where_json, err));
  return rem_ranking_open(session->engine, session->tenant, cursor->module->table, cursor->view->snapshot, &options, &cursor->ranking, err);
}

rem_status rem_table_cursor__step_search(rem_table_cursor *cursor, rem_error *err) {
  bool passes = false;
  while (cursor->ranking) {
    REM_TRY(rem_table_cursor__check(cursor, err));
    rem_status status = rem_ranking_next(cursor->ranking, cursor->id, &cursor->score, err);
    REM_TRY(status);
    if (status == REM_DONE)
      break;
    REM_TRY(rem_table_cursor__fetch(cursor, &passes, err));
    if (passes)
      return REM_OK;
  }
  cursor->eof = true;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Rows of the transaction: they get their vectors when it is committed, so those are made here for the search alone. */

#define EMBEDDED_TOGETHER 32

static rem_status score_some(rem_table_cursor *cursor, rem_pending_place *places, size_t count, rem_error *err) {
  const rem_column *column = &cursor->module->columns.items[cursor->plan->column];
  rem_buffer texts REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_slice slices[EMBEDDED_TOGETHER];
  size_t ends[EMBEDDED_TOGETHER];
  float *vectors REM_AUTO_FREE = rem_alloc((count * cursor->query.dimension + 1) * sizeof *vectors);
  if (!vectors)
    return rem_error_nomem(err);
  for (size_t i = 0; i < count; i++) {
    bool has_text = rem_record_embedded_text(&places[i].row->record, cursor->module->table, &texts);
    places[i].score = has_text ? 0 : NAN;
    ends[i] = texts.size;
  }
  REM_TRY(rem_buffer_status(&texts, err));
  for (size_t i = 0; i < count; i++)
    slices[i] = rem_slice_of(texts.data + (i ? ends[i - 1] : 0), ends[i] - (i ? ends[i - 1] : 0));
  REM_TRY(rem_search_embed_rows(cursor->module->session, cursor->module->table, column->slot, slices, count, vectors, err));
  for (size_t i = 0; i < count; i++)
    if (!isnan(places[i].score))
      places[i].score = rem_query_score(&cursor->query, vectors + i * cursor->query.dimension);
  return REM_OK;
}

rem_status rem_table_cursor__score_pending(rem_table_cursor *cursor, rem_error *err) {
  size_t kept = 0;
  if (!cursor->query.values)
    cursor->place_count = 0;
  for (size_t i = 0; i < cursor->place_count; i += EMBEDDED_TOGETHER) {
    size_t count = cursor->place_count - i < EMBEDDED_TOGETHER ? cursor->place_count - i : EMBEDDED_TOGETHER;
    REM_TRY(score_some(cursor, cursor->places + i, count, err));
  }
  for (size_t i = 0; i < cursor->place_count; i++)
    if (!isnan(cursor->places[i].score))
      cursor->places[kept++] = cursor->places[i];
  cursor->place_count = kept;
  return REM_OK;
}
