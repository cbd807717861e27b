/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of filtered searches over a graph of 4-bit codes: wide walks, and bands of codes that do not tell. */
#include "graph_fixture.h"

#include <unistd.h>

#include "vector/graph_file.h"

enum { ROWS = 9000, DIMENSION = 200, QUERIES = 12 };

static rem_graph *shared, *mapped;
static float *values, *queries;
static char path[64];

static int set_up(void **state) {
  (void)state;
  print_message("seed %llu\n", (unsigned long long)fixture_seed);
  values = clustered(ROWS, DIMENSION, 400);
  queries = clustered(QUERIES, DIMENSION, 400);
  shared = built_graph(values, ROWS, DIMENSION);
  snprintf(path, sizeof path, "/tmp/rem-test-filter-%d.graph", (int)getpid());
  must(rem_graph_file_write(shared, path, NULL, 0, err));
  must(rem_graph_file_open(path, NULL, &mapped, err));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  rem_graph_free(shared);
  rem_graph_free(mapped);
  unlink(path);
  free(values);
  free(queries);
  return 0;
}

/* The `count` rows farthest from the query. */
static uint8_t (*farthest(const float *query, size_t count))[16] {
  uint8_t(*ids)[16] = calloc(count, 16);
  rem_vector_hits all REM_AUTO_VECTOR_HITS = find(shared, &(rem_graph_search){.query = query, .exact = true}, NULL);
  assert_int_equal(all.count, ROWS);
  for (size_t i = 0; i < count; i++)
    memcpy(ids[i], all.hits[ROWS - 1 - i].id, 16);
  return ids;
}

typedef struct sum {
  double recall;
  uint64_t scored;
} sum;

static sum search_farthest(rem_graph *graph, rem_metric metric, size_t count) {
  sum all = {0};
  for (size_t q = 0; q < QUERIES; q++) {
    const float *query = queries + q * DIMENSION;
    uint8_t(*ids)[16] = farthest(query, count);
    rem_graph_search search = {.metric = metric, .query = query, .k = 10, .ids = (const uint8_t(*)[16])ids, .id_count = count};
    rem_graph_report report;
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graph, &search, &report);
    assert_int_equal(hits.count, 10);
    assert_int_equal(report.plan, REM_GRAPH_SCAN_CODES);
    assert_int_equal(report.matches, count);
    all.scored += report.scored;
    all.recall += recall_of(graph, search, query, 1, DIMENSION) / QUERIES;
    free(ids);
  }
  return all;
}

static void the_farthest_half_is_found_without_looking_at_it_all(void **state) {
  (void)state;
  for (int metric = REM_METRIC_COSINE; metric <= REM_METRIC_L2; metric++) {
    for (size_t share = 2; share <= 100; share *= 7) {
      sum memory = search_farthest(shared, (rem_metric)metric, ROWS / share), file = search_farthest(mapped, (rem_metric)metric, ROWS / share);
      if (memory.recall < 0.95 || file.recall < 0.95) fail_msg("recall %.3f, mapped %.3f of the farthest 1/%zu", memory.recall, file.recall, share);
      /* The 8-bit codes of the graph in memory leave a few; without them some are beyond the end. */
      if (share == 2 && memory.scored >= QUERIES * ROWS / share / 3) fail_msg("%llu scored in memory", (unsigned long long)memory.scored);
      if (share == 2) assert_true(file.scored < QUERIES * ROWS / share);
    }
  }
}

static bool is_even(void *context, const uint8_t id[16]) {
  ++*(uint64_t *)context;
  return number_of(id) % 2 == 0;
}

static void half_the_rows_are_found_by_a_wider_walk(void **state) {
  (void)state;
  rem_graph *graphs[] = {shared, mapped};
  for (size_t g = 0; g < 2; g++) {
    uint64_t asked = 0;
    double recall = 0;
    for (size_t q = 0; q < QUERIES; q++) {
      rem_graph_search search = {.query = queries + q * DIMENSION, .k = 10, .accept = is_even, .accept_context = &asked};
      rem_graph_report report;
      asked = 0;
      rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(graphs[g], &search, &report);
      assert_int_equal(report.plan, REM_GRAPH_WALK_KEEP);
      assert_true(report.ef >= 50);
      assert_true(asked < ROWS / 4);
      assert_int_equal(hits.count, 10);
      recall += recall_of(graphs[g], search, search.query, 1, DIMENSION) / QUERIES;
    }
    assert_true(recall >= 0.95);
  }
}

static void an_approximate_walk_may_come_back_short(void **state) {
  (void)state;
  uint64_t asked = 0;
  rem_graph_search search = {.query = queries, .k = 60, .ef = 60, .accept = is_even, .accept_context = &asked, .approximate = true};
  rem_graph_report report;
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(shared, &search, &report);
  assert_true(hits.count > 0 && hits.count <= 60);
  for (size_t i = 0; i < hits.count; i++)
    assert_int_equal(number_of(hits.hits[i].id) % 2, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_farthest_half_is_found_without_looking_at_it_all),
      cmocka_unit_test(half_the_rows_are_found_by_a_wider_walk),
      cmocka_unit_test(an_approximate_walk_may_come_back_short),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
