/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes over one table: each finds the best k, exactly or by the graph; the hits not yet given are given.
 *
 * Vectors of soft-deleted rows are still stored, so an exact scan is asked for as many more as there are of them and they are
 * passed over here.
 */
#include "entity/ranking.h"

#include <stdlib.h>

#include "entity/counters.h"
#include "entity/filter_ids.h"
#include "entity/read.h"
#include "entity/vector_index.h"
#include "schema/record.h"
#include "storage/key.h"
#include "storage/log.h"

#define FIRST_PASS 16  /* hits looked for when the caller does not say */
#define WIDEN 4        /* growth of k from pass to pass */
#define FIRST_TESTED 2 /* to the rows wanted: how many are tested at first */
#define FEW_MATCHES 1000 /* an index that names so few rows answers the filter */
#define SOON_ANSWERED 20000 /* ids that are read from an index at once */
#define MOST_TESTED 250  /* rows tested against the filter before it is answered for all rows; in smaller tables an eighth of them */
#define MOST_INDEXED 40  /* where an index answers it without reading rows */

struct rem_ranking {
  rem_engine *engine; /* borrowed, as tenant's copy is not */
  char tenant[REM_TENANT_SIZE];
  rem_table *table;                 /* borrowed */
  const rem_kv_snapshot *snapshot;  /* borrowed */
  rem_ranking_options options;
  float *query;                     /* owned copy */
  /* A filter on fields. */
  char *where_json;                 /* owned copy; NULL: none */
  rem_filter filter;
  bool testing;                     /* rows are tested as they come */
  size_t tested, passed;
  rem_row row;
  rem_ann_ids *matches;             /* owned reference: what options.ids borrows once the filter was answered; NULL before */
  rem_filter_spot spot;             /* of the filter, for the cache */
  rem_counters counters;
  rem_vector_hits hits;             /* of the last pass, without those given before it */
  size_t next, k;
  bool complete;                    /* the last pass found all there are */
  uint8_t (*given)[16];             /* owned: ids given by earlier passes, sorted */
  size_t given_count;
  rem_ranking_report report;
};

void rem_ranking_options_init(rem_ranking_options *options) {
  *options = (rem_ranking_options){0};
}

static rem_status check_dimension(const rem_table *table, const rem_ranking_options *options, rem_error *err) {
  const rem_slot *slot = &table->slots[options->slot];
  if (slot->dimension == 0 || options->dimension == slot->dimension)
    return REM_OK;
  rem_error_set(err, REM_INVALID, "the vector has %zu values, those of '%s' have %u", options->dimension, table->name,
                slot->dimension);
  rem_error_hint(err, "make it with the model '%s'", slot->model ? slot->model : "");
  return REM_INVALID;
}

static void choose_first_k(rem_ranking *ranking) {
  const rem_ranking_options *options = &ranking->options;
  size_t vectors = (size_t)ranking->counters.vectors[options->slot];
  ranking->k = options->wanted ? options->wanted : options->has_threshold ? 0 : FIRST_PASS;
  if (ranking->k >= vectors)
    ranking->k = 0;
  ranking->complete = vectors == 0 || (options->ids && options->id_count == 0);
}

/* ------------------------------------------------------------------------------------------- */
/* The filter                                                                                   */

/* The search looks at the matching rows only from now on. Taken: `matches`. */
static void use_matches(rem_ranking *ranking, rem_ann_ids *matches) {
  rem_ranking_options *options = &ranking->options;
  ranking->testing = false;
  ranking->matches = matches;
  options->ids = rem_ann_ids_items(matches);
  options->id_count = rem_ann_ids_count(matches);
  ranking->complete = ranking->complete || options->id_count == 0;
}

static rem_status answer_filter(rem_ranking *ranking, rem_error *err) {
  const rem_ranking_options *options = &ranking->options;
  rem_id_list list REM_AUTO_ID_LIST = {0};
  rem_ann_ids *matches;
  REM_TRY(rem_filter_ids(ranking->engine, ranking->tenant, ranking->snapshot, ranking->table, &ranking->filter,
                         ranking->where_json, options->include_deleted, &list, err));
  REM_TRY(rem_ann_ids_new(list.ids, list.count, &matches, err));
  list = (rem_id_list){0};
  if (!options->include_deleted)
    rem_filter_cache_keep(ranking->engine->filters, &ranking->spot, matches);
  use_matches(ranking, matches);
  /* What has passed the tests is found once more. */
  if (ranking->k != 0)
    ranking->k = (options->wanted ? options->wanted : FIRST_PASS) + ranking->passed;
  return REM_OK;
}

/* Has a search before this one asked for the same rows? */
static rem_status recall_filter(rem_ranking *ranking, rem_error *err) {
  ranking->spot = (rem_filter_spot){.tenant = ranking->tenant, .table = ranking->table, .where_json = ranking->where_json};
  if (ranking->options.include_deleted)
    return REM_OK;
  REM_TRY(rem_log_last_seq(ranking->engine->kv, ranking->snapshot, ranking->tenant, &ranking->spot.seq, err));
  rem_ann_ids *matches = rem_filter_cache_find(ranking->engine->filters, &ranking->spot);
  if (matches)
    use_matches(ranking, matches);
  return REM_OK;
}

/* An index gives thousands of ids in the time in which rows are read to be tested a hundred at a time. */
static bool is_soon_answered(const rem_ranking *ranking, int64_t live) {
  return rem_filter_is_indexed(&ranking->filter, ranking->options.include_deleted) &&
         rem_filter_estimate(ranking->engine, ranking->tenant, &ranking->filter, (size_t)live) <= SOON_ANSWERED;
}

/* Testing pays when many rows match and a graph gives the best ones first. */
static rem_status choose_filter(rem_ranking *ranking, rem_error *err) {
  const rem_ranking_options *options = &ranking->options;
  const rem_counters *counters = &ranking->counters;
  bool few;
  ranking->where_json = rem_strdup(options->where_json);
  if (!ranking->where_json)
    return rem_error_nomem(err);
  REM_TRY(rem_filter_parse(ranking->table, ranking->where_json, &ranking->filter, err));
  REM_TRY(recall_filter(ranking, err));
  if (ranking->matches)
    return REM_OK;
  REM_TRY(rem_filter_is_few(ranking->engine, ranking->tenant, ranking->snapshot, &ranking->filter, FEW_MATCHES, &few, err));
  int64_t live = counters->vectors[options->slot] - counters->deleted_vectors[options->slot];
  ranking->testing = !few && ranking->k != 0 && rem_ann_pays(ranking->engine->ann, live) && !is_soon_answered(ranking, live);
  if (ranking->testing)
    ranking->k = ranking->k < FIRST_PASS ? FIRST_TESTED * FIRST_PASS : FIRST_TESTED * ranking->k;
  return ranking->testing || ranking->complete ? REM_OK : answer_filter(ranking, err);
}

static rem_status passes(rem_ranking *ranking, const uint8_t id[16], bool *ret_passes, rem_error *err) {
  *ret_passes = true;
  if (!ranking->testing)
    return REM_OK;
  rem_status status = rem_read_id(ranking->engine, ranking->snapshot, ranking->tenant, ranking->table, id, &ranking->row, err);
  if (status == REM_NOT_FOUND)
    return rem_error_set(err, REM_CORRUPT, "the vector index of '%s' names a row that does not exist", ranking->table->name);
  REM_TRY(status);
  REM_TRY(rem_filter_match(&ranking->filter, id, &ranking->row.record, ret_passes, err));
  ranking->tested++;
  ranking->passed += *ret_passes;
  return REM_OK;
}

/* Few of those tested pass: the others are better asked for by name. */
static bool is_tested_enough(const rem_ranking *ranking) {
  size_t eighth = (size_t)ranking->counters.vectors[ranking->options.slot] / 8;
  size_t least = rem_filter_is_indexed(&ranking->filter, ranking->options.include_deleted) ? MOST_INDEXED : MOST_TESTED;
  size_t most = eighth < least ? eighth : least;
  return ranking->testing && ranking->tested >= most && ranking->passed < ranking->tested / 16;
}

rem_status rem_ranking_open(rem_engine *engine, const char *tenant, rem_table *table, const rem_kv_snapshot *snapshot,
                           const rem_ranking_options *options, rem_ranking **ret_ranking, rem_error *err) {
  REM_TRY(rem_vector_check(options->query, options->dimension, err));
  REM_TRY(check_dimension(table, options, err));
  rem_ranking *ranking = rem_calloc(1, sizeof *ranking);
  if (!ranking)
    return rem_error_nomem(err);
  ranking->engine = engine;
  ranking->table = table;
  ranking->snapshot = snapshot;
  ranking->options = *options;
  memcpy(ranking->tenant, tenant, strlen(tenant) + 1);
  ranking->query = rem_memdup(options->query, options->dimension * sizeof *options->query);
  rem_status status = ranking->query ? rem_counters_read(engine->kv, snapshot, tenant, table->name, &ranking->counters, err)
                                    : rem_error_nomem(err);
  if (status < 0) {
    rem_ranking_close(ranking);
    return status;
  }
  ranking->options.query = ranking->query;
  rem_row__init(&ranking->row, engine);
  ranking->report.plan = "none";
  choose_first_k(ranking);
  if (options->where_json)
    status = choose_filter(ranking, err);
  if (status < 0) {
    rem_ranking_close(ranking);
    return status;
  }
  *ret_ranking = ranking;
  return REM_OK;
}

void rem_ranking_close(rem_ranking *ranking) {
  if (!ranking)
    return;
  rem_vector_hits_deinit(&ranking->hits);
  if (ranking->row.engine)
    rem_row__deinit(&ranking->row);
  rem_filter_deinit(&ranking->filter);
  rem_free(ranking->where_json);
  rem_ann_ids_unref(ranking->matches);
  rem_free(ranking->given);
  rem_free(ranking->query);
  rem_free(ranking);
}

void rem_ranking_report_get(const rem_ranking *ranking, rem_ranking_report *ret_report) {
  *ret_report = ranking->report;
}

/* ------------------------------------------------------------------------------------------- */
/* The exact pass                                                                               */

static rem_status is_deleted(rem_ranking *ranking, const uint8_t id[16], bool *ret_deleted, rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_record record;
  rem_key_entity(&key, ranking->tenant, ranking->table->name, id);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status status = rem_kv_get(ranking->engine->kv, ranking->snapshot, REM_CF_ENTITIES, rem_buffer_slice(&key), &pin, err);
  if (status == REM_NOT_FOUND) {
    rem_error_set(err, REM_CORRUPT, "a vector of '%s' belongs to no row", ranking->table->name);
    rem_error_hint(err, "run 'db check --repair'");
    return REM_CORRUPT;
  }
  REM_TRY(status);
  REM_TRY(rem_record_open(pin.data, pin.size, &record, err));
  *ret_deleted = rem_record_is_deleted(&record);
  return REM_OK;
}

/* Takes the deleted rows out of the hits, and what is then beyond k. */
static rem_status drop_deleted(rem_ranking *ranking, rem_vector_hits *hits, rem_error *err) {
  size_t kept = 0;
  for (size_t i = 0; i < hits->count && (ranking->k == 0 || kept < ranking->k); i++) {
    bool deleted = false;
    REM_TRY(is_deleted(ranking, hits->hits[i].id, &deleted, err));
    if (!deleted)
      hits->hits[kept++] = hits->hits[i];
  }
  hits->count = kept;
  return REM_OK;
}

static rem_status scan(rem_ranking *ranking, rem_vector_hits *ret_hits, rem_error *err) {
  const rem_ranking_options *options = &ranking->options;
  int64_t deleted = options->include_deleted ? 0 : ranking->counters.deleted_vectors[options->slot];
  rem_vector_scan run = {
      .kv = ranking->engine->kv,
      .snapshot = ranking->snapshot,
      .tenant = ranking->tenant,
      .table = ranking->table->name,
      .slot = ranking->table->slots[options->slot].area,
      .metric = options->metric,
      .query = options->query,
      .dimension = options->dimension,
      .k = ranking->k ? ranking->k + (size_t)(deleted > 0 ? deleted : 0) : 0,
      .has_threshold = options->has_threshold,
      .threshold = options->threshold,
      .ids = options->ids,
      .id_count = options->id_count,
      .accept = options->accept,
      .accept_context = options->accept_context,
      .cancel = &ranking->engine->interrupted,
      .pool = options->accept ? NULL : ranking->engine->pool,
  };
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  REM_TRY(rem_vector_scan_run(&run, &hits, err));
  ranking->complete = run.k == 0 || hits.count < run.k;
  ranking->report.plan = "exact scan";
  ranking->report.visited += hits.scanned;
  if (deleted > 0)
    REM_TRY(drop_deleted(ranking, &hits, err));
  *ret_hits = hits;
  hits = (rem_vector_hits){0};
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* The pass over the graph                                                                      */

/* REM_NOT_FOUND: there is no graph, or none for this snapshot. */
static rem_status search_graph(rem_ranking *ranking, rem_vector_hits *ret_hits, rem_error *err) {
  const rem_ranking_options *options = &ranking->options;
  rem_engine *engine = ranking->engine;
  const rem_counters *counters = &ranking->counters;
  int64_t live = counters->vectors[options->slot] - counters->deleted_vectors[options->slot];
  rem_ann_target target;
  rem_ann_report report;
  if (options->include_deleted || !rem_ann_pays(engine->ann, live) ||
      !rem_vector_index_target(ranking->tenant, ranking->table, options->slot, &target) ||
      target.dimension != options->dimension)
    return REM_NOT_FOUND;
  rem_ann_query query = {
      .metric = options->metric,
      .vector = options->query,
      .k = ranking->k,
      .ef = options->ef,
      .has_threshold = options->has_threshold,
      .threshold = options->threshold,
      .ids = options->ids,
      .id_count = options->id_count,
      .shared = ranking->matches,
      .accept = options->accept,
      .accept_context = options->accept_context,
      .exact = options->exact,
      .approximate = options->approximate,
  };
  rem_status status = rem_ann_search(engine->ann, &target, ranking->snapshot, &query, ret_hits, &report, err);
  if (status != REM_OK)
    return status;
  ranking->complete = ranking->k == 0 || ret_hits->count < ranking->k;
  ranking->report.plan = rem_graph_plan_name(report.graph.plan);
  ranking->report.ef = report.graph.ef;
  ranking->report.visited += ret_hits->scanned;
  ranking->report.recent += report.recent;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* From pass to pass                                                                            */

static int compare_ids(const void *a, const void *b) {
  return memcmp(a, b, 16);
}

/* The ids of the pass that ends are remembered: the next one finds them again. */
static rem_status remember_given(rem_ranking *ranking, rem_error *err) {
  if (ranking->hits.count == 0)
    return REM_OK;
  size_t count = ranking->given_count + ranking->hits.count;
  uint8_t(*given)[16] = rem_realloc(ranking->given, count * sizeof *given);
  if (!given)
    return rem_error_nomem(err);
  for (size_t i = 0; i < ranking->hits.count; i++)
    memcpy(given[ranking->given_count + i], ranking->hits.hits[i].id, 16);
  qsort(given, count, sizeof *given, compare_ids);
  ranking->given = given;
  ranking->given_count = count;
  return REM_OK;
}

static void drop_given(rem_ranking *ranking, rem_vector_hits *hits) {
  size_t kept = 0;
  for (size_t i = 0; ranking->given_count && i < hits->count; i++)
    if (!bsearch(hits->hits[i].id, ranking->given, ranking->given_count, sizeof *ranking->given, compare_ids))
      hits->hits[kept++] = hits->hits[i];
  if (ranking->given_count)
    hits->count = kept;
}

/* A pass that would find a good part of the table finds all of it. */
static void widen(rem_ranking *ranking) {
  size_t most = (size_t)ranking->counters.vectors[ranking->options.slot] / WIDEN;
  size_t k = ranking->k < FIRST_PASS ? FIRST_PASS : ranking->k;
  ranking->k = k >= most / WIDEN ? 0 : k * WIDEN;
}

static rem_status pass(rem_ranking *ranking, rem_error *err) {
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  rem_status status = search_graph(ranking, &hits, err);
  if (status == REM_NOT_FOUND)
    status = scan(ranking, &hits, err);
  REM_TRY(status);
  ranking->report.passes++;
  drop_given(ranking, &hits);
  rem_vector_hits_deinit(&ranking->hits);
  ranking->hits = hits;
  ranking->next = 0;
  hits = (rem_vector_hits){0};
  return REM_OK;
}

/* The next pass, when the last one has given all it found. */
static rem_status look_further(rem_ranking *ranking, rem_error *err) {
  if (ranking->report.passes) {
    REM_TRY(remember_given(ranking, err));
    if (is_tested_enough(ranking))
      REM_TRY(answer_filter(ranking, err));
    else
      widen(ranking);
  }
  REM_TRY(rem_engine_check_usable(ranking->engine, err));
  return ranking->complete ? REM_OK : pass(ranking, err);
}

rem_status rem_ranking_next(rem_ranking *ranking, uint8_t ret_id[16], double *ret_score, rem_error *err) {
  for (;;) {
    bool passed;
    while (ranking->next == ranking->hits.count) {
      if (ranking->complete)
        return REM_DONE;
      REM_TRY(look_further(ranking, err));
    }
    const rem_vector_hit *hit = &ranking->hits.hits[ranking->next++];
    REM_TRY(passes(ranking, hit->id, &passed, err));
    if (!passed)
      continue;
    memcpy(ret_id, hit->id, 16);
    *ret_score = hit->score;
    return REM_ROW;
  }
}
