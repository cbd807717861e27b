/* SPDX-License-Identifier: Apache-2.0 */
/* The graph beside exact answers: building, changing, filtering, snapshots. */
#include "vector/graph_fixture.h"

#include "fault_sweep.h"

enum { ROWS = 4000, DIMENSION = 48, QUERIES = 60 };

static float *values, *queries;
static rem_graph *shared; /* built over `values`; tests that change something make their own */

static int set_up(void **state) {
  (void)state;
  print_message("seed %llu\n", (unsigned long long)fixture_seed);
  values = clustered(ROWS, DIMENSION, 40);
  queries = clustered(QUERIES, DIMENSION, 40);
  shared = built_graph(values, ROWS, DIMENSION);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  rem_graph_free(shared);
  free(values);
  free(queries);
  return 0;
}

static void walks_find_what_a_scan_finds(void **state) {
  (void)state;
  assert_true(recall_of(shared, (rem_graph_search){.k = 10}, queries, QUERIES, DIMENSION) >= 0.97);
  assert_true(recall_of(shared, (rem_graph_search){.k = 10, .ef = 300}, queries, QUERIES, DIMENSION) >= 0.995);
  rem_graph_report report;
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(shared, &(rem_graph_search){.query = queries, .k = 10}, &report);
  assert_int_equal(hits.count, 10);
  assert_int_equal(report.plan, REM_GRAPH_WALK);
  assert_int_equal(report.ef, 50);
  assert_true(report.visited < ROWS);
}

static void every_row_finds_itself(void **state) {
  (void)state;
  for (size_t i = 0; i < ROWS; i++) {
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(shared, &(rem_graph_search){.query = values + i * DIMENSION, .k = 1}, NULL);
    assert_int_equal(hits.count, 1);
    assert_true(hits.hits[0].score > 0.999999);
    assert_int_equal(number_of(hits.hits[0].id), i);
  }
}

static void an_unbuilt_graph_answers_exactly(void **state) {
  (void)state;
  rem_graph *graph = new_graph(DIMENSION);
  rem_graph_report report;
  rem_vector_hits none REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = queries, .k = 5}, &report);
  assert_int_equal(none.count, 0);
  for (size_t i = 0; i < 300; i++)
    insert_row(graph, i, values + i * DIMENSION, i + 1);
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = values + 7 * DIMENSION, .k = 5}, &report);
  assert_int_equal(hits.count, 5);
  assert_int_equal(number_of(hits.hits[0].id), 7);
  assert_int_equal(report.plan, REM_GRAPH_SCAN_EXACT);
  rem_graph_free(graph);
}

static void a_graph_may_be_empty_or_tiny(void **state) {
  (void)state;
  for (size_t count = 0; count < 5; count++) {
    rem_graph *graph = built_graph(values, count, DIMENSION);
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = queries, .k = 10}, NULL);
    assert_int_equal(hits.count, count);
    insert_row(graph, 100, values + 100 * DIMENSION, 200);
    rem_vector_hits more REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = queries, .k = 10}, NULL);
    assert_int_equal(more.count, count + 1);
    for (size_t i = 500; i < 1500; i++) /* it may grow all the same */
      insert_row(graph, i, values + i * DIMENSION, i);
    assert_true(recall_of(graph, (rem_graph_search){.k = 10}, queries, 20, DIMENSION) >= 0.95);
    rem_graph_free(graph);
  }
}

static void any_dimension_will_do(void **state) {
  (void)state;
  const size_t dimensions[] = {2, 3, 17, 64, 128, 192, 193, 256, 384, 1000, 4096};
  for (size_t d = 0; d < sizeof dimensions / sizeof *dimensions; d++) {
    size_t dimension = dimensions[d], count = dimension > 1000 ? 300 : 1200;
    float *some = clustered(count, dimension, 10), *asked = clustered(20, dimension, 10);
    rem_graph *graph = built_graph(some, count, dimension);
    double recall = recall_of(graph, (rem_graph_search){.k = 10}, asked, 20, dimension);
    if (recall < 0.9) fail_msg("recall %.3f in %zu dimensions", recall, dimension);
    rem_graph_free(graph);
    free(some);
    free(asked);
  }
}

static void options_out_of_range_are_refused(void **state) {
  (void)state;
  const rem_graph_options wrong[] = {{.dimension = 1}, {.dimension = 4097}, {.dimension = 8, .m = 3}, {.dimension = 8, .m = 65},
                                     {.dimension = 8, .build_ef = 15}, {.dimension = 8, .search_ef = 9}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    rem_graph *graph = NULL;
    rem_error err = {0};
    assert_int_equal(rem_graph_new(&wrong[i], &graph, &err), REM_INVALID);
    assert_null(graph);
  }
  uint8_t id[16] = {0};
  float bad[DIMENSION] = {NAN};
  rem_vector_hits hits;
  assert_int_equal(rem_graph_insert(shared, id, bad, 1, NULL), REM_INVALID);
  assert_int_equal(rem_graph_search_run(shared, &(rem_graph_search){.query = bad, .k = 1}, &hits, NULL, NULL), REM_INVALID);
}

static void zero_vectors_have_the_score_zero(void **state) {
  (void)state;
  static const float zero[DIMENSION];
  rem_graph *graph = built_graph(values, 500, DIMENSION);
  insert_row(graph, 1000, zero, 1000);
  insert_row(graph, 1001, zero, 1001);
  rem_vector_hits all REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = queries, .k = 502, .exact = true}, NULL);
  assert_int_equal(all.count, 502);
  size_t zeros = 0;
  for (size_t i = 0; i < all.count; i++)
    zeros += number_of(all.hits[i].id) >= 1000 && all.hits[i].score == 0;
  assert_int_equal(zeros, 2);
  rem_vector_hits of_zero REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = zero, .k = 10}, NULL);
  assert_int_equal(of_zero.count, 10);
  rem_graph_free(graph);
}

/* ------------------------------------------------------------------------------------------- */
/* Metrics                                                                                      */

static void all_metrics_agree_with_the_scan_when_lengths_differ(void **state) {
  (void)state;
  rem_graph *graph = new_graph(DIMENSION);
  float *scaled = malloc(1500 * DIMENSION * sizeof *scaled);
  for (size_t i = 0; i < 1500; i++) {
    float factor = 0.1f + (float)random_below(100) / 10;
    for (size_t j = 0; j < DIMENSION; j++)
      scaled[i * DIMENSION + j] = factor * values[i * DIMENSION + j];
    insert_row(graph, i, scaled + i * DIMENSION, i + 1);
  }
  must(rem_graph_build(graph, NULL, NULL, NULL, err));
  for (int metric = REM_METRIC_COSINE; metric <= REM_METRIC_L2; metric++) {
    double recall = recall_of(graph, (rem_graph_search){.k = 10, .metric = (rem_metric)metric}, queries, 30, DIMENSION);
    assert_true(recall >= (metric == REM_METRIC_COSINE ? 0.97 : 1));
  }
  free(scaled);
  rem_graph_free(graph);
}

static void all_metrics_walk_when_lengths_are_one(void **state) {
  (void)state;
  for (int metric = REM_METRIC_COSINE; metric <= REM_METRIC_L2; metric++) {
    rem_graph_search search = {.query = queries, .k = 10, .metric = (rem_metric)metric};
    rem_graph_report report;
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(shared, &search, &report);
    assert_int_equal(hits.count, 10);
    assert_int_equal(report.plan, REM_GRAPH_WALK);
    assert_true(recall_of(shared, search, queries, QUERIES, DIMENSION) >= 0.97);
  }
}

static void a_threshold_alone_gives_every_match(void **state) {
  (void)state;
  rem_query exact;
  rem_query_init(&exact, REM_METRIC_COSINE, queries, DIMENSION);
  /* Rows that miss it by less than what the graph's own vectors are rounded by may be there too. */
  size_t expected = 0, most = 0;
  for (size_t i = 0; i < ROWS; i++) {
    double score = rem_query_score(&exact, values + i * DIMENSION);
    expected += score >= 0.3;
    most += score >= 0.2995;
  }
  rem_vector_hits hits REM_AUTO_VECTOR_HITS =
      find(shared, &(rem_graph_search){.query = queries, .has_threshold = true, .threshold = 0.3}, NULL);
  assert_in_range(hits.count, expected, most);
  assert_true(expected > 0);
  for (size_t i = 0; i < hits.count; i++)
    assert_true(hits.hits[i].score > 0.2995);
}

static void a_limit_beyond_ef_is_answered_completely(void **state) {
  (void)state;
  const size_t limits[] = {60, 500, 2000, ROWS, ROWS + 10};
  for (size_t i = 0; i < 5; i++) {
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(shared, &(rem_graph_search){.query = queries, .k = limits[i]}, NULL);
    assert_int_equal(hits.count, limits[i] < ROWS ? limits[i] : ROWS);
  }
}

/* ------------------------------------------------------------------------------------------- */
/* Filters                                                                                      */

static int by_number(const void *a, const void *b) {
  return memcmp(a, b, 16);
}

/* The rows nearest to, or farthest from, the query, or any. */
static uint8_t (*some_ids(size_t count, int kind, const float *query))[16] {
  uint8_t(*ids)[16] = calloc(count, 16);
  bool *taken = calloc(ROWS, 1);
  rem_vector_hits all REM_AUTO_VECTOR_HITS = find(shared, &(rem_graph_search){.query = query, .k = ROWS, .exact = true}, NULL);
  for (size_t i = 0; i < count; i++) {
    size_t row = random_below(ROWS);
    if (kind == 0) {
      while (taken[row])
        row = (row + 1) % ROWS;
      taken[row] = true;
      make_id(ids[i], row);
    } else {
      memcpy(ids[i], all.hits[kind == 1 ? i : ROWS - 1 - i].id, 16);
    }
  }
  qsort(ids, count, 16, by_number);
  free(taken);
  return ids;
}

static bool is_in(void *context, const uint8_t id[16]) {
  const rem_graph_search *set = context;
  return bsearch(id, set->ids, set->id_count, 16, by_number) != NULL;
}

static void filters_never_cost_a_match(void **state) {
  (void)state;
  const size_t counts[] = {1, 4, 40, 400, 2000, 3300, 3999};
  for (int kind = 0; kind < 3; kind++) {
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
      double recall = 0;
      for (size_t q = 0; q < 8; q++) {
        const float *query = queries + q * DIMENSION;
        uint8_t(*ids)[16] = some_ids(counts[c], kind, query);
        rem_graph_search search = {.k = 10, .ids = (const uint8_t(*)[16])ids, .id_count = counts[c]};
        rem_graph_search asked = {.k = 10, .accept = is_in, .accept_context = &search};
        rem_graph_filter *filter;
        must(rem_graph_filter_new(shared, search.ids, counts[c], 0, &filter, err));
        rem_graph_search prepared = {.k = 10, .filter = filter};
        recall += recall_of(shared, search, query, 1, DIMENSION) + recall_of(shared, asked, query, 1, DIMENSION) +
                  recall_of(shared, prepared, query, 1, DIMENSION);
        rem_graph_filter_free(filter);
        free(ids);
      }
      if (recall / 24 < 0.95) fail_msg("recall %.3f with %zu matches, kind %d", recall / 24, counts[c], kind);
    }
  }
}

static void rows_excepted_do_not_count(void **state) {
  (void)state;
  rem_vector_hits before REM_AUTO_VECTOR_HITS = find(shared, &(rem_graph_search){.query = queries, .k = 10}, NULL);
  uint8_t except[10][16];
  for (size_t i = 0; i < 10; i++)
    memcpy(except[i], before.hits[i].id, 16);
  rem_graph_search search = {.query = queries, .k = 10, .except = (const uint8_t(*)[16])except, .except_count = 10};
  rem_vector_hits after REM_AUTO_VECTOR_HITS = find(shared, &search, NULL);
  assert_int_equal(after.count, 10);
  assert_int_equal(common(&before, &after), 0);
  assert_true(recall_of(shared, search, queries, QUERIES, DIMENSION) >= 0.96);
}

static void unknown_ids_match_nothing(void **state) {
  (void)state;
  uint8_t ids[2][16];
  make_id(ids[0], 123456);
  make_id(ids[1], 5);
  rem_graph_search search = {.query = queries, .k = 10, .ids = (const uint8_t(*)[16])ids, .id_count = 1};
  rem_vector_hits none REM_AUTO_VECTOR_HITS = find(shared, &search, NULL);
  assert_int_equal(none.count, 0);
  search.id_count = 2;
  rem_vector_hits one REM_AUTO_VECTOR_HITS = find(shared, &search, NULL);
  assert_int_equal(one.count, 1);
}

/* ------------------------------------------------------------------------------------------- */
/* Changes                                                                                      */

static void a_snapshot_sees_its_own_versions(void **state) {
  (void)state;
  rem_graph *graph = built_graph(values, 1000, DIMENSION);
  const float *old = values + 3 * DIMENSION, *fresh = values + 2000 * DIMENSION;
  insert_row(graph, 3, fresh, 2000);
  delete_row(graph, 4, 2001);
  insert_row(graph, 5000, values + 2001 * DIMENSION, 2002);
  struct {
    uint64_t snapshot;
    const float *query;
    bool there;
    size_t row;
  } cases[] = {
      {1000, old, true, 3},    {1999, old, true, 3},   {2000, old, false, 3},  {0, old, false, 3},
      {1999, fresh, false, 3}, {2000, fresh, true, 3}, {2000, values + 4 * DIMENSION, true, 4}, {2001, values + 4 * DIMENSION, false, 4},
      {2001, values + 2001 * DIMENSION, false, 5000},  {2002, values + 2001 * DIMENSION, true, 5000},
      {2, old, false, 3},      {4, old, true, 3},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int exact = 0; exact < 2; exact++) {
      rem_graph_search search = {.query = cases[i].query, .k = 10, .snapshot = cases[i].snapshot, .exact = exact};
      rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &search, NULL);
      bool there = hits.count > 0 && number_of(hits.hits[0].id) == cases[i].row && hits.hits[0].score > 0.9999;
      if (there != cases[i].there) fail_msg("case %zu", i);
      assert_int_equal(hits.count, cases[i].snapshot == 2 ? 2 : cases[i].snapshot == 4 ? 4 : 10);
    }
  }
  assert_int_equal(rem_graph_delete(graph, (const uint8_t[16]){1}, 2002, NULL), REM_NOT_FOUND);
  must(rem_graph_purge(graph, 1999, 0, err));
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  assert_int_equal(stats.dead_rows, 2);
  must(rem_graph_purge(graph, 2001, 0, err));
  rem_graph_stats_get(graph, &stats);
  assert_int_equal(stats.dead_rows, 0);
  assert_int_equal(stats.rows, 1000);
  assert_int_equal(stats.sequence, 2002);
  rem_graph_free(graph);
}

static void churn_keeps_recall_and_space(void **state) {
  (void)state;
  enum { COUNT = 1500 };
  rem_graph *graph = built_graph(values, COUNT, DIMENSION);
  double first = recall_of(graph, (rem_graph_search){.k = 10}, queries, QUERIES, DIMENSION);
  rem_graph_stats before, after;
  rem_graph_stats_get(graph, &before);
  uint64_t seq = COUNT;
  for (int churn = 0; churn < 4; churn++) {
    for (size_t begin = 0; begin < COUNT; begin += 150) {
      for (size_t i = begin; i < begin + 150; i++)
        delete_row(graph, i * 7 % COUNT, ++seq);
      must(rem_graph_purge(graph, seq, 0, err));
      for (size_t i = begin; i < begin + 150; i++)
        insert_row(graph, i * 7 % COUNT, values + i * 7 % COUNT * DIMENSION, ++seq);
    }
  }
  rem_graph_stats_get(graph, &after);
  assert_int_equal(after.rows, COUNT);
  assert_int_equal(after.nodes, before.nodes);
  assert_true(after.memory_bytes < before.memory_bytes * 2);
  double last = recall_of(graph, (rem_graph_search){.k = 10}, queries, QUERIES, DIMENSION);
  if (last < first - 0.02) fail_msg("recall fell from %.4f to %.4f", first, last);
  for (size_t i = 0; i < COUNT; i++) {
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = values + i * DIMENSION, .k = 1}, NULL);
    assert_int_equal(number_of(hits.hits[0].id), i);
  }
  rem_graph_free(graph);
}

/* 800 equal rows and 800 nearly equal ones among 1,500 others. */
static void clumps_hide_nothing(void **state) {
  (void)state;
  enum { COUNT = 1500, CLUMP = 800 };
  for (int built_first = 0; built_first < 2; built_first++) {
    rem_graph *graph = new_graph(DIMENSION);
    for (size_t i = 0; i < COUNT; i++)
      insert_row(graph, i, values + i * DIMENSION, i + 1);
    if (built_first) must(rem_graph_build(graph, NULL, NULL, NULL, err));
    for (size_t i = 0; i < 2 * CLUMP; i++) {
      float near[DIMENSION];
      memcpy(near, values + (i < CLUMP ? 10 : 20) * DIMENSION, sizeof near);
      for (size_t j = 0; i >= CLUMP && j < DIMENSION; j++)
        near[j] += 0.0005f * random_normal();
      insert_row(graph, COUNT + i, near, COUNT + i + 1);
    }
    if (!built_first) must(rem_graph_build(graph, NULL, NULL, NULL, err));
    rem_vector_hits equal REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = values + 10 * DIMENSION, .k = CLUMP + 1}, NULL);
    assert_int_equal(equal.count, CLUMP + 1);
    for (size_t i = 0; i <= CLUMP; i++)
      assert_true(equal.hits[i].score > 0.999999);
    rem_graph_search near = {.query = values + 20 * DIMENSION, .has_threshold = true, .threshold = 0.99, .k = CLUMP + 1};
    rem_vector_hits nearly REM_AUTO_VECTOR_HITS = find(graph, &near, NULL);
    assert_true(nearly.count >= CLUMP);
    for (size_t i = 0; i < COUNT; i++) {
      rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = values + i * DIMENSION, .k = 1}, NULL);
      if (hits.hits[0].score <= 0.999999) fail_msg("row %zu finds %.6f, built first %d", i, hits.hits[0].score, built_first);
    }
    assert_true(recall_of(graph, (rem_graph_search){.k = 10}, queries, QUERIES, DIMENSION) >= 0.96);
    rem_graph_stats stats;
    rem_graph_stats_get(graph, &stats);
    assert_true(stats.nodes < COUNT + CLUMP / 4);
    rem_graph_free(graph);
  }
}

/* Two thousand rows about a seventh of their length apart, whose codes can hardly be told from each other, asked for their like. */
static void a_wide_clump_is_searched_through(void **state) {
  (void)state;
  enum { COUNT = 2500, CLUMP = 2000, LONG = 256, ASKED = 50 };
  float *around = clustered(COUNT, LONG, 40), *near = malloc((CLUMP + ASKED) * LONG * sizeof *near);
  for (size_t i = 0; i < (CLUMP + ASKED) * LONG; i++)
    near[i] = around[7 * LONG + i % LONG] + 0.1f / sqrtf(LONG) * random_normal();
  rem_graph *graph = built_graph(around, COUNT, LONG);
  for (size_t i = 0; i < CLUMP; i++)
    insert_row(graph, COUNT + i, near + i * LONG, COUNT + i + 1);
  double found = recall_of(graph, (rem_graph_search){.k = 10}, near + CLUMP * LONG, ASKED, LONG);
  if (found < 0.9) fail_msg("recall within the clump is %.4f", found);
  rem_graph_free(graph);
  free(around);
  free(near);
}

/* Vectors of one direction and many lengths: the node stays where its first vector was. */
static void lengths_do_not_part_a_node(void **state) {
  (void)state;
  enum { COUNT = 1500, CLUMP = 60 };
  rem_graph *graph = built_graph(values, COUNT, DIMENSION);
  rem_graph_stats before, after;
  rem_graph_stats_get(graph, &before);
  for (size_t i = 0; i < CLUMP; i++) {
    float near[DIMENSION];
    for (size_t j = 0; j < DIMENSION; j++)
      near[j] = values[20 * DIMENSION + j] * (1 + 0.1f * (float)i);
    insert_row(graph, COUNT + i, near, COUNT + i + 1);
  }
  rem_graph_stats_get(graph, &after);
  assert_int_equal(after.nodes, before.nodes);
  for (size_t i = 0; i < CLUMP; i += 2) /* and the first of them may go */
    delete_row(graph, i == 0 ? 20 : COUNT + i, 2 * COUNT + i);
  must(rem_graph_purge(graph, 3 * COUNT, 0, err));
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = values + 20 * DIMENSION, .k = CLUMP / 2 + 1}, NULL);
  assert_int_equal(hits.count, CLUMP / 2 + 1);
  for (size_t i = 0; i < hits.count; i++)
    assert_true(hits.hits[i].score > 0.99999);
  insert_row(graph, 20, values + 20 * DIMENSION, 4 * COUNT);
  rem_graph_stats_get(graph, &after);
  assert_int_equal(after.nodes, before.nodes);
  rem_graph_free(graph);
}

static void equal_rows_are_deleted_one_by_one(void **state) {
  (void)state;
  rem_graph *graph = built_graph(values, 500, DIMENSION);
  for (size_t i = 0; i < 50; i++)
    insert_row(graph, 1000 + i, values, 1000 + i);
  for (size_t i = 0; i < 50; i += 2)
    delete_row(graph, 1000 + i, 2000 + i);
  delete_row(graph, 0, 2100);
  must(rem_graph_purge(graph, 2100, 0, err));
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = values, .k = 40}, NULL);
  for (size_t i = 0; i < 25; i++) {
    assert_true(hits.hits[i].score > 0.999999);
    assert_int_equal(number_of(hits.hits[i].id), 1001 + 2 * i);
  }
  assert_true(hits.hits[25].score < 0.9999);
  rem_graph_free(graph);
}

static void a_second_build_keeps_every_row(void **state) {
  (void)state;
  rem_graph *graph = built_graph(values, 1000, DIMENSION);
  for (size_t i = 1000; i < 2000; i++)
    insert_row(graph, i, values + i * DIMENSION, i + 1);
  for (size_t i = 0; i < 500; i++)
    delete_row(graph, i, 3000 + i);
  rem_thread_pool *pool;
  must(rem_thread_pool_new(2, &pool, err));
  must(rem_graph_build(graph, pool, NULL, NULL, err));
  assert_true(recall_of(graph, (rem_graph_search){.k = 10}, queries, QUERIES, DIMENSION) >= 0.96);
  assert_true(recall_of(graph, (rem_graph_search){.k = 10, .snapshot = 2000}, queries, QUERIES, DIMENSION) >= 0.96);
  must(rem_graph_purge(graph, 4000, 0, err));
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  assert_int_equal(stats.rows, 1500);
  assert_int_equal(stats.nodes, 1500);
  assert_true(recall_of(graph, (rem_graph_search){.k = 10}, queries, QUERIES, DIMENSION) >= 0.96);
  rem_thread_pool_free(pool);
  rem_graph_free(graph);
}

static void a_build_can_be_interrupted(void **state) {
  (void)state;
  rem_graph *graph = new_graph(DIMENSION);
  for (size_t i = 0; i < 2000; i++)
    insert_row(graph, i, values + i * DIMENSION, i + 1);
  atomic_bool cancel = true;
  _Atomic uint64_t progress = 0;
  assert_int_equal(rem_graph_build(graph, NULL, &cancel, &progress, NULL), REM_CANCELLED);
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = values, .k = 5}, NULL);
  assert_int_equal(hits.count, 5);
  cancel = false;
  must(rem_graph_build(graph, NULL, &cancel, &progress, err));
  assert_int_equal(progress, 2000);
  rem_vector_hits again REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = values, .k = 5}, NULL);
  assert_int_equal(common(&hits, &again), 5);
  rem_graph_free(graph);
}

static void recall_is_estimated(void **state) {
  (void)state;
  double low, high;
  must(rem_graph_estimate_recall(shared, 50, 10, 10, &low, err));
  must(rem_graph_estimate_recall(shared, 50, 10, 300, &high, err));
  assert_true(high >= 0.98 && high <= 1 && low <= high);
  /* As for queries that were never stored, of which a short pool overlooks some: no better than it is. */
  double estimated, held_out = recall_of(shared, (rem_graph_search){.k = 10, .ef = 12}, queries, QUERIES, DIMENSION);
  must(rem_graph_estimate_recall(shared, 200, 10, 12, &estimated, err));
  if (estimated > held_out + 0.004 || estimated < held_out - 0.04) fail_msg("estimated %.4f, held out %.4f", estimated, held_out);
}

/* ------------------------------------------------------------------------------------------- */
/* Properties, faults                                                                           */

enum { MODEL_ROWS = 300 };

/* Random changes beside a plain table of what each row's vector is. */
static void random_changes_agree_with_a_table(void **state) {
  (void)state;
  const char *scale = getenv("REM_TEST_SCALE");
  int steps = 1500 * (scale != NULL ? atoi(scale) : 1);
  size_t vector_of[MODEL_ROWS]; /* ROWS: not there */
  rem_graph *graph = new_graph(DIMENSION);
  uint64_t seq = 0;
  for (size_t i = 0; i < MODEL_ROWS; i++)
    vector_of[i] = ROWS;
  print_message("seed %llu\n", (unsigned long long)fixture_seed);
  for (int step = 0; step < steps; step++) {
    size_t row = random_below(MODEL_ROWS), vector = random_below(200);
    uint32_t what = random_below(100);
    if (what < 55) {
      insert_row(graph, row, values + vector * DIMENSION, ++seq);
      vector_of[row] = vector;
    } else if (what < 90 && vector_of[row] < ROWS) {
      delete_row(graph, row, ++seq);
      vector_of[row] = ROWS;
    } else if (what < 96) {
      rem_error err = {0};
      assert_true(rem_graph_purge(graph, seq - (seq > 5 ? random_below(5) : 0), 1 + random_below(30), &err) >= 0);
    } else if (what == 96 && step % 5 == 0) {
      must(rem_graph_build(graph, NULL, NULL, NULL, err));
    }
    if (step % 10 != 0) continue;
    size_t alive = 0, same = 0;
    for (size_t i = 0; i < MODEL_ROWS; i++) {
      alive += vector_of[i] < ROWS;
      same += vector_of[i] == vector;
    }
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &(rem_graph_search){.query = values + vector * DIMENSION, .k = 20}, NULL);
    assert_int_equal(hits.count, alive < 20 ? alive : 20);
    for (size_t i = 0; i < hits.count; i++)
      assert_true(vector_of[number_of(hits.hits[i].id)] < ROWS);
    for (size_t i = 0; i < same && i < 20; i++)
      assert_int_equal(vector_of[number_of(hits.hits[i].id)], vector);
  }
  rem_graph_free(graph);
}

static rem_status make_and_search(void *context, rem_error *err) {
  (void)context;
  rem_graph *graph = NULL;
  const rem_graph_options options = {.dimension = DIMENSION, .build_ef = 16};
  rem_status status = rem_graph_new(&options, &graph, err);
  uint8_t id[16];
  for (size_t i = 0; status >= 0 && i < 40; i++) {
    make_id(id, i);
    status = rem_graph_insert(graph, id, values + i * DIMENSION, i + 1, err);
    if (status >= 0 && i == 20) status = rem_graph_build(graph, NULL, NULL, NULL, err);
  }
  make_id(id, 3);
  if (status >= 0) status = rem_graph_delete(graph, id, 100, err);
  if (status >= 0) status = rem_graph_purge(graph, 100, 0, err);
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  rem_graph_search search = {.query = queries, .k = 10, .ids = (const uint8_t(*)[16])&id, .id_count = 1};
  if (status >= 0) status = rem_graph_search_run(graph, &search, &hits, NULL, err);
  rem_graph_free(graph);
  return status < 0 ? status : REM_OK;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(fault_sweep(make_and_search, NULL) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(walks_find_what_a_scan_finds),
      cmocka_unit_test(every_row_finds_itself),
      cmocka_unit_test(an_unbuilt_graph_answers_exactly),
      cmocka_unit_test(a_graph_may_be_empty_or_tiny),
      cmocka_unit_test(any_dimension_will_do),
      cmocka_unit_test(options_out_of_range_are_refused),
      cmocka_unit_test(zero_vectors_have_the_score_zero),
      cmocka_unit_test(all_metrics_agree_with_the_scan_when_lengths_differ),
      cmocka_unit_test(all_metrics_walk_when_lengths_are_one),
      cmocka_unit_test(a_threshold_alone_gives_every_match),
      cmocka_unit_test(a_limit_beyond_ef_is_answered_completely),
      cmocka_unit_test(filters_never_cost_a_match),
      cmocka_unit_test(rows_excepted_do_not_count),
      cmocka_unit_test(unknown_ids_match_nothing),
      cmocka_unit_test(a_snapshot_sees_its_own_versions),
      cmocka_unit_test(churn_keeps_recall_and_space),
      cmocka_unit_test(clumps_hide_nothing),
      cmocka_unit_test(a_wide_clump_is_searched_through),
      cmocka_unit_test(lengths_do_not_part_a_node),
      cmocka_unit_test(equal_rows_are_deleted_one_by_one),
      cmocka_unit_test(a_second_build_keeps_every_row),
      cmocka_unit_test(a_build_can_be_interrupted),
      cmocka_unit_test(recall_is_estimated),
      cmocka_unit_test(random_changes_agree_with_a_table),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
