/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search by meaning over one or several tables (D18, D23): which tables, with which vector, and the best of all of them together.
 *
 * Complete: min(limit, matches) rows under one snapshot.
 */
#include <math.h>
#include <stdlib.h>

#include "entity/counters.h"
#include "entity/cursor.h"
#include "entity/ranking.h"

#define DEFAULT_LIMIT 10
#define MOST_TABLES 10  /* searched without asking which are meant */
#define BEST_TABLES 3   /* of more, those whose descriptions are nearest */

typedef struct search_run {
  rem_engine *engine;
  rem_cursor *cursor;
  const rem_read_options *options;
  rem_kv_snapshot *snapshot; /* of the caller, borrowed; NULL: the search takes one */
  rem_slice text;
  const float *vector; /* given by the caller, or NULL: made from the text by each table's model */
  size_t dimension;
  unsigned slot;
  int64_t pending;
  rem_embedder *embedder; /* that made `made`; borrowed from the engine */
  float *made;            /* owned: the text's vector; tables mostly share a model */
} search_run;

static int64_t wanted_count(const rem_read_options *options) {
  int64_t limit = options->limit < 0 ? DEFAULT_LIMIT : options->limit;
  int64_t offset = options->offset > 0 ? options->offset : 0;
  return limit > INT64_MAX - offset ? INT64_MAX : limit + offset;
}

/* With a threshold and no limit every match is wanted. */
static bool wants_all(const rem_read_options *options) {
  return options->limit < 0 && !isnan(options->min_score);
}

/* ------------------------------------------------------------------------------------------- */
/* One table                                                                                    */

/* As many hits as the options call for; all tables' are merged and cut afterwards. */
static rem_status take_hits(search_run *run, rem_table *table, rem_ranking *ranking, rem_error *err) {
  int64_t wanted = wants_all(run->options) ? INT64_MAX : wanted_count(run->options);
  for (int64_t taken = 0; taken < wanted; taken++) {
    uint8_t id[16];
    double score;
    rem_status status = rem_ranking_next(ranking, id, &score, err);
    if (status != REM_ROW)
      return status < 0 ? status : REM_OK;
    REM_TRY(rem_cursor__add_hit(run->cursor, table, id, score, NULL, err));
  }
  return REM_OK;
}

static rem_status rank_table(search_run *run, rem_table *table, const float *query, size_t dimension, rem_error *err) {
  rem_ranking_options options;
  rem_ranking_options_init(&options);
  options.slot = run->slot;
  options.query = query;
  options.dimension = dimension;
  options.wanted = wants_all(run->options) ? 0 : (size_t)wanted_count(run->options);
  options.include_deleted = run->options->include_deleted;
  options.ef = run->options->ef_search > 0 ? (unsigned)run->options->ef_search : 0;
  options.exact = run->options->exact;
  options.has_threshold = !isnan(run->options->min_score);
  options.threshold = options.has_threshold ? run->options->min_score : 0;
  options.where_json = run->options->where_json;
  rem_ranking *ranking;
  REM_TRY(rem_ranking_open(run->engine, run->cursor->tenant, table, run->cursor->snapshot, &options, &ranking, err));
  rem_status status = take_hits(run, table, ranking, err);
  rem_ranking_report report;
  rem_ranking_report_get(ranking, &report);
  rem_ranking_close(ranking);
  if (status >= 0)
    status = rem_cursor__add_searched(run->cursor, table, &report, err);
  return status;
}

static rem_status check_model(const search_run *run, const rem_table *table, rem_error *err) {
  const char *pinned = table->slots[run->slot].model, *wanted = run->options->model;
  if (!wanted || !pinned || rem_provider_same_model(wanted, pinned))
    return REM_OK;
  rem_error_set(err, REM_MODEL, "the vectors of '%s' were made by the model '%s', not by '%s'", table->name, pinned, wanted);
  rem_error_hint(err, "search with that model, or run 'db embed --all --model %s --table %s'", wanted, table->name);
  return REM_MODEL;
}

/* The vector of the text by the table's model. */
static rem_status embed_text(search_run *run, const rem_table *table, rem_error *err) {
  rem_embedder *embedder;
  REM_TRY(rem_engine_table_embedder(run->engine, table, run->slot, &embedder, err));
  if (embedder == run->embedder)
    return REM_OK;
  size_t dimension = rem_embedder_info(embedder)->dimension;
  float *made = rem_realloc(run->made, dimension * sizeof *made);
  if (!made)
    return rem_error_nomem(err);
  run->made = made;
  run->embedder = NULL;
  rem_embed_request request = {.role = REM_QUERY, .texts = &run->text, .count = 1, .cancel = &run->engine->interrupted};
  rem_embed_result result = {.vectors = made};
  REM_TRY(rem_embedder_embed(embedder, &request, &result, err));
  run->embedder = embedder;
  return REM_OK;
}

static rem_status search_table(search_run *run, rem_table *table, rem_error *err) {
  rem_counters counters;
  REM_TRY(rem_counters_read(run->engine->kv, run->cursor->snapshot, run->cursor->tenant, table->name, &counters, err));
  run->pending += rem_counters_pending(&counters, run->slot);
  REM_TRY(check_model(run, table, err));
  if (run->options->where_json) {
    /* An unusable filter is an error whether or not there is anything to search. */
    rem_filter filter REM_CLEANUP(rem_filter_deinit) = {0};
    REM_TRY(rem_filter_parse(table, run->options->where_json, &filter, err));
  }
  rem_embedder *embedder;
  /* Rows that wait for a model that cannot be had: nothing found would be a wrong answer. */
  if (counters.vectors[run->slot] == 0 && rem_counters_pending(&counters, run->slot) > 0 && !run->vector)
    return rem_engine_table_embedder(run->engine, table, run->slot, &embedder, err);
  if (counters.vectors[run->slot] == 0 || wanted_count(run->options) == 0)
    return REM_OK;
  if (run->vector)
    return rank_table(run, table, run->vector, run->dimension, err);
  REM_TRY(embed_text(run, table, err));
  return rank_table(run, table, run->made, rem_embedder_info(run->embedder)->dimension, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Which tables                                                                                 */

static bool is_searched(const rem_table *table) {
  return table->embedding_field_count && strcmp(table->name, "schema") != 0;
}

/* Keeps in `list` only the tables to search. */
static void drop_unsearched(rem_table_list *list) {
  size_t kept = 0;
  for (size_t i = 0; i < list->count; i++) {
    if (is_searched(list->tables[i]))
      list->tables[kept++] = list->tables[i];
    else
      rem_table_unref(list->tables[i]);
  }
  list->count = kept;
}

/* The tables whose descriptions are nearest to the text, by the vectors of `schema`. */
static rem_status keep_best_described(search_run *run, rem_table_list *list, rem_error *err) {
  rem_cursor *found;
  rem_row row;
  rem_read_options options;
  rem_read_options_init(&options);
  options.limit = (int64_t)list->count + 64;
  REM_TRY(rem_entity_search(run->engine, run->cursor->tenant, run->text, "schema", &options, &found, NULL, err));
  rem_row__init(&row, run->engine);
  size_t kept = 0;
  rem_status status = REM_OK;
  while (kept < BEST_TABLES && (status = rem_entity_cursor_next(found, &row, err)) == REM_ROW) {
    const rem_field *field = rem_table_field(row.table, "name", 4);
    rem_value name = field ? rem_record_field(&row.record, field->number) : (rem_value){0};
    for (size_t i = kept; name.type == REM_TYPE_TEXT && i < list->count; i++) {
      rem_table *table = list->tables[i];
      if (!rem_slice_equal(rem_slice_text(table->name), rem_slice_of(name.text, name.text_size)))
        continue;
      list->tables[i] = list->tables[kept];
      list->tables[kept++] = table;
      break;
    }
  }
  rem_row__deinit(&row);
  rem_entity_cursor_free(found);
  REM_TRY(status);
  while (list->count > kept && kept)
    rem_table_unref(list->tables[--list->count]);
  return REM_OK;
}

/* Keeps in `list` only the tables that have the fields of the filter: rows of others cannot match. When none has them, the filter is wrong. */
static rem_status drop_unmatched(search_run *run, rem_table_list *list, rem_error *err) {
  size_t kept = 0;
  rem_status status = REM_OK;
  rem_error reason = {0};
  for (size_t i = 0; i < list->count; i++) {
    rem_filter filter REM_CLEANUP(rem_filter_deinit) = {0};
    if (status >= 0 || status == REM_UNKNOWN)
      status = rem_filter_parse(list->tables[i], run->options->where_json, &filter, &reason);
    if (status >= 0)
      list->tables[kept++] = list->tables[i];
    else
      rem_table_unref(list->tables[i]);
  }
  bool wrong = kept == 0 && list->count > 0;
  list->count = kept;
  if (status >= 0 || (status == REM_UNKNOWN && !wrong))
    return REM_OK;
  if (err)
    *err = reason;
  return status;
}

static rem_status list_one(search_run *run, const char *tenant, const char *name, rem_table_list *list, rem_error *err) {
  list->tables = rem_calloc(1, sizeof *list->tables);
  if (!list->tables)
    return rem_error_nomem(err);
  REM_TRY(rem_registry_table(run->engine->registry, tenant, name, &list->tables[0], err));
  list->count = 1;
  return REM_OK;
}

rem_status rem_entity_searched_tables(rem_engine *engine, const char *tenant, const char *table, rem_slice text, rem_table_list *ret_list,
                                      rem_error *err) {
  search_run run = {.engine = engine, .text = text};
  rem_cursor cursor = {.engine = engine};
  memcpy(cursor.tenant, tenant, strlen(tenant) + 1);
  run.cursor = &cursor;
  if (table)
    return list_one(&run, tenant, table, ret_list, err);
  REM_TRY(rem_registry_list(engine->registry, tenant, ret_list, err));
  drop_unsearched(ret_list);
  return ret_list->count > MOST_TABLES ? keep_best_described(&run, ret_list, err) : REM_OK;
}

static rem_status search_all(search_run *run, rem_table_list *list, rem_error *err) {
  drop_unsearched(list);
  if (run->options->where_json)
    REM_TRY(drop_unmatched(run, list, err));
  if (list->count > MOST_TABLES)
    REM_TRY(keep_best_described(run, list, err));
  for (size_t i = 0; i < list->count; i++)
    REM_TRY(search_table(run, list->tables[i], err));
  return REM_OK;
}

static rem_status search_named(search_run *run, rem_table *table, rem_error *err) {
  if (table->embedding_field_count)
    return search_table(run, table, err);
  rem_error_set(err, REM_INVALID, "'%s' has no embedded fields to search", table->name);
  rem_error_hint(err, "set 'embedding_fields' or 'embedding_provider' in its schema, or use 'db list %s'", table->name);
  return REM_INVALID;
}

/* The snapshot, and the definitions that belong to it: of the table named, or of all. */
static rem_status open_view(search_run *run, const char *tenant, const char *table, rem_table_list *list,
                            rem_error *err) {
  pthread_rwlock_rdlock(&run->engine->view_lock);
  rem_status status = rem_cursor__new(run->engine, tenant, run->snapshot, &run->cursor, err);
  if (status >= 0)
    status = table ? list_one(run, tenant, table, list, err) : rem_registry_list(run->engine->registry, tenant, list, err);
  pthread_rwlock_unlock(&run->engine->view_lock);
  return status;
}

/* ------------------------------------------------------------------------------------------- */

static int compare_hits(const void *a, const void *b) {
  const rem_hit *x = a, *y = b;
  if (x->score != y->score)
    return x->score > y->score ? -1 : 1;
  int order = strcmp(x->table->name, y->table->name);
  return order ? order : memcmp(x->id, y->id, 16);
}

void rem_cursor__sort_by_score(rem_cursor *cursor) {
  if (cursor->hit_count)
    qsort(cursor->hits, cursor->hit_count, sizeof *cursor->hits, compare_hits);
}

/* Offset and limit over the hits of all tables together. */
static void cut_hits(rem_cursor *cursor, const rem_read_options *options) {
  rem_cursor__sort_by_score(cursor);
  size_t offset = options->offset > 0 ? (size_t)options->offset : 0;
  cursor->next_hit = offset < cursor->hit_count ? offset : cursor->hit_count;
  if (!wants_all(options))
    cursor->left = options->limit < 0 ? DEFAULT_LIMIT : options->limit;
}

static rem_status search(search_run *run, const char *tenant, const char *table, rem_cursor **ret_cursor,
                         int64_t *ret_pending, rem_error *err) {
  rem_table_list list REM_CLEANUP(rem_table_list_deinit) = {0};
  REM_TRY(rem_engine_check_usable(run->engine, err));
  if (run->options->slot < 0 || run->options->slot >= REM_SLOT_COUNT)
    return rem_error_set(err, REM_MISUSE, "there is no slot %lld", (long long)run->options->slot);
  run->slot = (unsigned)run->options->slot;
  rem_status status = open_view(run, tenant, table, &list, err);
  if (status >= 0)
    status = table ? search_named(run, list.tables[0], err) : search_all(run, &list, err);
  rem_free(run->made);
  if (status < 0) {
    rem_entity_cursor_free(run->cursor);
    return status;
  }
  cut_hits(run->cursor, run->options);
  if (ret_pending)
    *ret_pending = run->pending;
  *ret_cursor = run->cursor;
  return REM_OK;
}

rem_status rem_entity_search(rem_engine *engine, const char *tenant, rem_slice text, const char *table,
                             const rem_read_options *options, rem_cursor **ret_cursor, int64_t *ret_pending,
                             rem_error *err) {
  search_run run = {.engine = engine, .options = options, .text = text};
  return search(&run, tenant, table, ret_cursor, ret_pending, err);
}

rem_status rem_entity_search_at(rem_engine *engine, const char *tenant, rem_kv_snapshot *snapshot, rem_slice text, const char *table,
                                const rem_read_options *options, rem_cursor **ret_cursor, int64_t *ret_pending, rem_error *err) {
  search_run run = {.engine = engine, .options = options, .text = text, .snapshot = snapshot};
  return search(&run, tenant, table, ret_cursor, ret_pending, err);
}

rem_status rem_entity_search_vector(rem_engine *engine, const char *tenant, const float *vector, size_t dimension,
                                    const char *table, const rem_read_options *options, rem_cursor **ret_cursor,
                                    int64_t *ret_pending, rem_error *err) {
  search_run run = {.engine = engine, .options = options, .vector = vector, .dimension = dimension};
  REM_TRY(rem_vector_check(vector, dimension, err));
  return search(&run, tenant, table, ret_cursor, ret_pending, err);
}
