/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search: the choice of a plan, exact scores of what it found, the answer.
 *
 *   everything counts, or nearly       walk
 *   few match                          scan of their codes
 *   few match around the query,        scan of their codes: they are elsewhere
 *     by their share in all
 *   else                               walk with a pool so wide that enough of it match; a scan of their codes where that is cheaper
 *
 * A walk whose pool has too few matches, or ends within the codes' error of the k-th score, is made again with a wider one, and in the end followed by the scan.
 */
#include "vector/graph_internal.h"

#include <math.h>

#define SCAN_ROWS   3000 /* as fast as a walk */
#define ELSEWHERE   0.25 /* share around the query to share in all */
#define MOSTLY      0.9  /* a plain walk, then leave out */
#define WIDTH       2.5  /* matches that a pool is to hold, to k */
#define MOST_POOL   16384
#define ROWS_A_PLACE 40  /* of a scan: what a place in a pool costs */
#define PROBES      256
#define FIRST_PROBES 32  /* enough to see that nearly all match */
#define ROOMY       4    /* pool to k from which a pool without an end in sight is widened */
#define WIDEST      2048
#define WIDEN       4
#define AHEAD       8    /* vectors on their way to the cache while one is scored */
#define FAR_AHEAD   32   /* numbers of vectors */
#define MOST_WALKED 1000 /* k from which a scan is faster than a pool */
#define SAME_LENGTH 1.002 /* longest to shortest, squared */

/* ------------------------------------------------------------------------------------------- */
/* Scores                                                                                       */

/* In three steps, so that none waits for another: the vector's number, where its rows are and its values, then the first row. */
void rem_graph__prefetch_number(const rem_graph *g, uint32_t node) {
  __builtin_prefetch((const uint32_t *)g->first_vector.data + node);
}

void rem_graph__prefetch_node(const rem_graph *g, uint32_t node) {
  uint32_t vector = rem_graph__first_vector(g, node) & ~REM_GRAPH_MORE;
  if (vector >= g->vector_capacity) return;
  __builtin_prefetch(rem_graph__place(g, vector));
  const uint8_t *values = (const uint8_t *)rem_graph__values(g, vector);
  for (size_t i = 0; i < g->vector_stride * sizeof(int16_t); i += REM_GRAPH_LINE)
    __builtin_prefetch(values + i);
}

/* What is not checked yet leads to some other address at worst. */
static void prefetch_row(const rem_graph *g, uint32_t node) {
  uint32_t vector = rem_graph__first_vector(g, node) & ~REM_GRAPH_MORE;
  if (vector >= g->vector_capacity) return;
  const rem_graph_row *row = rem_graph__row(g, rem_graph__get(&rem_graph__place(g, vector)->first_row));
  __builtin_prefetch(row);
  __builtin_prefetch(&row->vector); /* the next line, for every other row */
}

static bool usable(rem_graph_run *run, const void *data, size_t bytes) {
  if (rem_graph__touch(run->g, data, bytes)) return true;
  run->failed = true;
  return false;
}

static rem_status add_rows(rem_graph_run *run, uint32_t first, double score, rem_error *err) {
  const rem_graph *g = run->g;
  uint32_t row = first;
  for (uint32_t steps = 0; row < g->row_capacity && steps < g->row_capacity; steps++) {
    const rem_graph_row *r = rem_graph__row(g, row);
    if (!usable(run, r, sizeof *r)) return REM_OK;
    if (rem_graph__row_matches(&run->match, row)) REM_TRY(rem_top_k_add(&run->top, r->id, score, err));
    row = rem_graph__get(&r->next);
  }
  return REM_OK;
}

/* Or may do so, by the vector that the values were made of. */
static bool reaches_threshold(const rem_graph_run *run, uint32_t vector, double score) {
  const rem_graph_search *search = run->search;
  if (!search->has_threshold || !rem_metric_better(search->metric, search->threshold, score)) return true;
  double error = rem_graph_measure_error(&run->exact, rem_graph__values(run->g, vector), rem_graph__place(run->g, vector)->unit);
  return fabs(score - search->threshold) <= error;
}

rem_status rem_graph__score_vector(rem_graph_run *run, uint32_t vector, rem_error *err) {
  const rem_graph *g = run->g;
  if (!rem_graph__touch_vector(g, vector)) {
    run->failed = true;
    return REM_OK;
  }
  float unit = rem_graph__place(g, vector)->unit;
  if (!rem_graph_unit_is_sound(unit)) {
    run->failed = true; /* a file may say anything */
    return REM_OK;
  }
  double score = rem_graph_measure_score(&run->exact, rem_graph__values(g, vector), unit);
  run->report.scored++;
  run->score = score;
  run->good += !rem_metric_better(run->search->metric, run->good_from, score);
  if (rem_top_k_rejects(&run->top, score) || !reaches_threshold(run, vector, score)) return REM_OK;
  return add_rows(run, rem_graph__get(&rem_graph__place(g, vector)->first_row), score, err);
}

rem_status rem_graph__score_node(rem_graph_run *run, uint32_t node, rem_error *err) {
  const rem_graph *g = run->g;
  if (!usable(run, (const uint32_t *)g->first_vector.data + node, sizeof(uint32_t))) return REM_OK;
  uint32_t first = rem_graph__first_vector(g, node), vector = first & ~REM_GRAPH_MORE;
  if (first == REM_GRAPH_NONE || vector >= g->vector_capacity) return REM_OK;
  REM_TRY(rem_graph__score_vector(run, vector, err));
  for (uint32_t steps = 0; (first & REM_GRAPH_MORE) && !run->failed && steps < g->vector_capacity; steps++) {
    if (!usable(run, rem_graph__place(g, vector), sizeof(rem_graph_place))) break;
    vector = rem_graph__get(&rem_graph__place(g, vector)->next);
    if (vector >= g->vector_capacity) break;
    REM_TRY(rem_graph__score_vector(run, vector, err));
  }
  return REM_OK;
}

/* Only where all vectors have one length do other metrics come here. */
static double cosine_of(const rem_graph_run *run, double score) {
  if (run->search->metric == REM_METRIC_COSINE) return score;
  double squares = atomic_load(&run->g->longest), length = sqrt(squares) * run->exact.length;
  if (!(length > 0)) return score;
  if (run->search->metric == REM_METRIC_INNER_PRODUCT) return score / length;
  return (squares + run->exact.length * run->exact.length - score * score) / (2 * length);
}

double rem_graph__worst_cosine(const rem_graph_run *run) {
  return run->top.count < run->top.k || run->top.count == 0 ? -2 : cosine_of(run, run->top.hits[0].score);
}

/* ------------------------------------------------------------------------------------------- */
/* Plans                                                                                        */

static size_t rerank_count(const rem_graph_run *run, size_t found) {
  size_t wanted = run->search->k + (run->search->k > 10 ? run->search->k : 10);
  return wanted < found ? wanted : found;
}

static rem_status rerank(rem_graph_run *run, size_t begin, size_t end, rem_error *err) {
  const uint64_t *pool = run->scratch->pool;
  for (size_t i = begin; i < end && i < begin + FAR_AHEAD; i++)
    rem_graph__prefetch_number(run->g, (uint32_t)pool[i] >> 1);
  for (size_t i = begin; i < end && i < begin + AHEAD; i++)
    rem_graph__prefetch_node(run->g, (uint32_t)pool[i] >> 1);
  for (size_t i = begin; i < end && !run->failed; i++) {
    if (i + FAR_AHEAD < end) rem_graph__prefetch_number(run->g, (uint32_t)pool[i + FAR_AHEAD] >> 1);
    if (i + AHEAD < end) rem_graph__prefetch_node(run->g, (uint32_t)pool[i + AHEAD] >> 1);
    if (i + AHEAD / 2 < end) prefetch_row(run->g, (uint32_t)pool[i + AHEAD / 2] >> 1);
    REM_TRY(rem_graph__score_node(run, (uint32_t)pool[i] >> 1, err));
    run->cosines += cosine_of(run, run->score);
    run->keys += pool[i] >> 32;
  }
  return REM_OK;
}

/*
 * Keys up to this stand for similarities that are `deviations` of the code's error below the worst of the best k, or better. The error's mean is that of the usual
 * neighbours; codes of vectors that are much nearer say too little, by as much as those of the `first` of the pool do.
 */
static uint32_t band(const rem_graph_run *run, double deviations, size_t first) {
  double count = first > 0 ? (double)first : 1;
  double shortfall = run->cosines / count - rem_graph_query_similarity(&run->query, (uint32_t)((double)run->keys / count));
  if (shortfall > 0)
    shortfall += (double)run->g->codec.error; /* the first are those whose codes say most */
  else
    shortfall = 0;
  return rem_graph_query_key(&run->query, rem_graph__worst_cosine(run) - shortfall - deviations * (double)run->g->codec.error);
}

/*
 * The first so many of the pool, then those that look as good as the worst of the best k: there are many where vectors lie close together.
 * *ret_open: the whole pool does, so there may be more outside.
 */
static rem_status rerank_pool(rem_graph_run *run, size_t found, bool *ret_open, rem_error *err) {
  size_t first = rerank_count(run, found), last = first;
  run->cosines = 0;
  run->keys = 0;
  REM_TRY(rerank(run, 0, first, err));
  uint32_t bound = band(run, 2, first);
  while (run->top.count == run->top.k && last < found && (uint32_t)(run->scratch->pool[last] >> 32) <= bound)
    last++;
  *ret_open = last == found;
  return rerank(run, first, last, err);
}

static void start_over(rem_graph_run *run) {
  run->top.count = 0;
}

static rem_status scan_matches(rem_graph_run *run, rem_error *err) {
  start_over(run);
  if (!run->match.everything) REM_TRY(rem_graph__match_resolve(run->g, &run->match, err));
  if (run->match.failed) return REM_OK;
  run->report.matches = run->match.matches;
  return run->match.everything ? rem_graph__scan_exact(run, err) : rem_graph__scan_codes(run, err);
}

static bool came_short(const rem_graph_run *run) {
  size_t rows = atomic_load(&run->g->live_rows), wanted = rows < run->search->k ? rows : run->search->k;
  return run->top.count < wanted && !run->search->has_threshold && !run->search->approximate;
}

/* Walk, and leave out afterwards what does not count; *ret_enough is false when fewer than `least` are left. */
static rem_status walk_once(rem_graph_run *run, size_t least, bool *ret_enough, bool *ret_open, rem_error *err) {
  size_t found = rem_graph__walk(run->g, run->scratch, run->ef, &run->report.visited, &run->failed), kept = 0;
  uint64_t *pool = run->scratch->pool;
  run->report.ef = run->ef;
  *ret_enough = true;
  *ret_open = false;
  if (run->failed) return REM_OK;
  for (size_t i = 0; i < found && !run->match.everything; i++) {
    if (rem_graph__node_matches(&run->match, (uint32_t)pool[i] >> 1)) pool[kept++] = pool[i];
  }
  if (run->match.everything) kept = found;
  *ret_enough = kept >= least;
  if (!*ret_enough) return REM_OK;
  REM_TRY(rerank_pool(run, kept, ret_open, err));
  *ret_open = *ret_open && found == run->ef;
  return REM_OK;
}

/* Among many nearly equal vectors a pool is full before the right ones are in it: it is widened. */
static rem_status plain_walk(rem_graph_run *run, bool *ret_enough, rem_error *err) {
  bool open;
  run->report.plan = REM_GRAPH_WALK;
  REM_TRY(walk_once(run, run->ef * 3 / 4, ret_enough, &open, err));
  while (*ret_enough && open && !run->failed && run->ef >= ROOMY * run->search->k && run->ef < WIDEST) {
    run->ef *= WIDEN;
    start_over(run);
    REM_TRY(rem_graph__scratch_pool(run->scratch, run->ef, err));
    REM_TRY(walk_once(run, run->ef * 3 / 4, ret_enough, &open, err));
  }
  return REM_OK;
}

/* The share of rows that match, of so many spread over all; exact for a set of ids. */
static double match_share(rem_graph_run *run, uint32_t most) {
  const rem_graph *g = run->g;
  double all = (double)atomic_load(&g->live_rows) + (double)atomic_load(&g->dead_rows);
  if (run->match.row_bits != NULL) return all > 0 ? (double)run->match.matches / all : 0;
  uint32_t matching = 0, rows = atomic_load(&g->row_count), probes = rows < most ? rows : most;
  for (uint32_t i = 0; i < probes && !run->failed; i++) {
    uint32_t row = (uint32_t)((uint64_t)i * rows / probes);
    if (usable(run, rem_graph__row(g, row), sizeof(rem_graph_row))) matching += rem_graph__row_matches(&run->match, row);
  }
  return probes > 0 ? (double)matching / probes : 0;
}

/* The pool of which so many are expected to match that the best k are among them. */
static size_t wide_pool(const rem_graph_run *run, double share) {
  double ef = WIDTH * (double)run->search->k / share;
  return ef > MOST_POOL ? MOST_POOL : ef > (double)run->ef ? (size_t)ef : run->ef;
}

/* A walk compares a dozen codes for a place in its pool, all over memory; a scan goes through them in order, but first asks about every row when matches are not listed. */
static bool is_scan_cheaper(const rem_graph_run *run, size_t ef, double matching) {
  double rows = run->match.row_bits != NULL ? matching : matching + (double)atomic_load(&run->g->row_count);
  return (double)ef * ROWS_A_PLACE >= rows;
}

static rem_status filtered_walk(rem_graph_run *run, double share, rem_error *err) {
  double local = rem_graph__local_rate(run), matching = share * (double)atomic_load(&run->g->linked_nodes);
  if (run->failed) return REM_OK;
  if (local < ELSEWHERE * share) return scan_matches(run, err);
  size_t least = run->search->approximate ? 1 : run->search->k + run->search->k / 2;
  bool enough = false, open = true;
  run->ef = wide_pool(run, local);
  while ((!enough || open) && !is_scan_cheaper(run, run->ef, matching)) {
    start_over(run);
    run->report.plan = REM_GRAPH_WALK_KEEP;
    REM_TRY(rem_graph__scratch_pool(run->scratch, run->ef, err));
    REM_TRY(walk_once(run, least, &enough, &open, err));
    if (run->failed || run->match.failed) return REM_OK;
    open = open && !run->search->approximate;
    run->ef *= WIDEN;
  }
  return enough && !open && !came_short(run) ? REM_OK : scan_matches(run, err);
}

static bool can_walk(const rem_graph_run *run) {
  const rem_graph *g = run->g;
  const rem_graph_search *search = run->search;
  bool one_length = atomic_load(&g->longest) <= atomic_load(&g->shortest) * SAME_LENGTH;
  return g->built && !search->exact && search->k != 0 && search->k <= MOST_WALKED && run->exact.length > 0 &&
         (search->metric == REM_METRIC_COSINE || one_length);
}

static rem_status run_plan(rem_graph_run *run, rem_error *err) {
  if (!can_walk(run)) return rem_graph__scan_exact(run, err);
  rem_graph_codec_query(&run->g->codec, run->scratch->direction, &run->query);
  double share = run->match.everything ? 1 : match_share(run, FIRST_PROBES);
  if (share >= MOSTLY && !run->failed) {
    bool enough;
    REM_TRY(plain_walk(run, &enough, err));
    if (run->failed || (enough && !came_short(run))) return REM_OK;
    if (run->match.everything) return scan_matches(run, err);
  }
  share = match_share(run, PROBES);
  double matching = share * (double)atomic_load(&run->g->linked_nodes);
  if (run->failed) return REM_OK;
  start_over(run);
  if (matching <= SCAN_ROWS) return scan_matches(run, err);
  return filtered_walk(run, share, err);
}

/* ------------------------------------------------------------------------------------------- */
/* A search                                                                                     */

static rem_status prepare(rem_graph_run *run, rem_error *err) {
  rem_graph *g = run->g;
  const rem_graph_search *search = run->search;
  uint64_t latest = atomic_load(&g->sequence);
  uint64_t snapshot = search->snapshot == 0 || search->snapshot == REM_GRAPH_LATEST ? latest : search->snapshot;
  run->ef = search->ef != 0 ? search->ef : atomic_load(&g->search_ef);
  if (run->ef < search->k + search->k / 4) run->ef = search->k + search->k / 4;
  if (run->ef < 10) run->ef = 10;
  REM_TRY(rem_graph__scratch_take(g, run->ef, &run->scratch, err));
  rem_graph_measure_init(&run->exact, search->metric, search->query, g->options.dimension, run->scratch->values);
  run->query.values = run->scratch->query;
  rem_graph_direction(search->query, g->options.dimension, run->scratch->direction);
  return rem_graph__match_init(g, search, snapshot, &run->match, err);
}

static rem_status finish(rem_graph_run *run, rem_status status, rem_vector_hits *ret_hits, rem_graph_report *ret_report, rem_error *err) {
  bool damaged = run->g->mapping != NULL && atomic_load(&run->g->mapping->damaged);
  if (status >= 0 && (run->failed || run->match.failed || damaged)) {
    status = rem_error_set(err, REM_CORRUPT, "the vector index '%s' is damaged", run->g->mapping != NULL ? run->g->mapping->path : "");
    rem_error_hint(err, "It is built again from the stored vectors by the next write, or by 'db reindex'.");
  }
  if (status < 0) return status;
  rem_top_k_finish(&run->top);
  *ret_hits = (rem_vector_hits){run->top.hits, run->top.count, run->report.visited + run->report.scored};
  run->top.hits = NULL;
  if (ret_report != NULL) *ret_report = run->report;
  return REM_OK;
}

rem_status rem_graph_search_run(rem_graph *g, const rem_graph_search *search, rem_vector_hits *ret_hits, rem_graph_report *ret_report,
                                rem_error *err) {
  REM_TRY(rem_vector_check(search->query, g->options.dimension, err));
  rem_graph_run run = {.g = g, .search = search};
  rem_top_k_init(&run.top, search->metric, search->k);
  if (!g->read_only) pthread_rwlock_rdlock(&g->space);
  rem_status status = prepare(&run, err);
  if (status >= 0) status = run_plan(&run, err);
  rem_graph__match_deinit(&run.match);
  if (!g->read_only) pthread_rwlock_unlock(&g->space);
  status = finish(&run, status, ret_hits, ret_report, err);
  rem_top_k_deinit(&run.top);
  rem_graph__scratch_give(g, run.scratch);
  return status;
}
