/* SPDX-License-Identifier: Apache-2.0 */
/* Graph files: what comes back, and what a damaged one does. */
#include "vector/graph_fixture.h"

#include <unistd.h>

#include "base/file.h"
#include "fault_sweep.h"
#include "vector/graph_file.h"

enum { ROWS = 1200, DIMENSION = 40, QUERIES = 20, BLOCK = 4096 };

static char folder[64], good[96];
static float *values, *queries;
static rem_graph *made;
static rem_bytes content; /* of `good` */

static void path_of(const char *name, char path[96]) {
  snprintf(path, 96, "%s/%s", folder, name);
}

static int set_up(void **state) {
  (void)state;
  strcpy(folder, "/tmp/rem-test-graph-XXXXXX");
  assert_non_null(mkdtemp(folder));
  path_of("good", good);
  values = clustered(ROWS, DIMENSION, 15);
  queries = clustered(QUERIES, DIMENSION, 15);
  memcpy(values + 30 * DIMENSION, values, DIMENSION * sizeof *values); /* equal rows: lists of more than one */
  memcpy(values + 31 * DIMENSION, values, DIMENSION * sizeof *values);
  made = built_graph(values, ROWS, DIMENSION);
  for (size_t i = 100; i < 140; i++)
    delete_row(made, i, 2000 + i); /* not purged: must not be in the file */
  rem_graph_set_search_ef(made, 60, 0.97);
  must(rem_graph_file_write(made, good, "note", 4, err));
  must(rem_file_read(good, 1 << 30, &content, err));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  rem_graph_free(made);
  free(values);
  free(queries);
  rem_bytes_free(&content);
  assert_int_equal(rem_file_remove_tree(folder, NULL), REM_OK);
  return 0;
}

static void write_copy(const char *path, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(content.data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static rem_graph *open_good(bool load) {
  rem_graph *graph = NULL;
  must(load ? rem_graph_file_load(good, NULL, &graph, err) : rem_graph_file_open(good, NULL, &graph, err));
  return graph;
}

/* Both answer alike: exactly the same rows and scores for scans; walks go over other numbers, so recall is compared. */
static void assert_same_answers(rem_graph *graph) {
  for (size_t i = 0; i < QUERIES; i++) {
    rem_graph_search search = {.query = queries + i * DIMENSION, .k = 50, .exact = true};
    rem_vector_hits a REM_AUTO_VECTOR_HITS = find(made, &search, NULL), b REM_AUTO_VECTOR_HITS = find(graph, &search, NULL);
    assert_int_equal(a.count, b.count);
    for (size_t j = 0; j < a.count; j++) {
      assert_memory_equal(a.hits[j].id, b.hits[j].id, 16);
      assert_true(a.hits[j].score == b.hits[j].score);
    }
  }
  assert_true(recall_of(graph, (rem_graph_search){.k = 10}, queries, QUERIES, DIMENSION) >= 0.95);
}

static void a_file_opens_mapped_and_answers_alike(void **state) {
  (void)state;
  rem_graph *graph = open_good(false);
  assert_same_answers(graph);
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  assert_int_equal(stats.rows, ROWS - 40);
  assert_int_equal(stats.dead_rows, 0);
  assert_int_equal(stats.search_ef, 60);
  assert_true(stats.recall == 0.97 && stats.read_only && stats.built);
  assert_int_equal(stats.file_bytes, content.size);
  assert_int_equal(stats.sequence, 2139);
  assert_true(rem_slice_equal(rem_graph_file_note(graph), rem_slice_text("note")));
  must(rem_graph_file_verify(graph, err));
  uint8_t id[16] = {0};
  assert_int_equal(rem_graph_insert(graph, id, values, 1, NULL), REM_READONLY);
  assert_int_equal(rem_graph_delete(graph, id, 1, NULL), REM_READONLY);
  assert_int_equal(rem_graph_purge(graph, 1, 0, NULL), REM_READONLY);
  assert_int_equal(rem_graph_build(graph, NULL, NULL, NULL, NULL), REM_READONLY);
  rem_graph_free(graph);
}

static void a_file_is_never_replaced(void **state) {
  (void)state;
  assert_int_equal(rem_graph_file_write(made, good, NULL, 0, NULL), REM_EXISTS);
  char path[96];
  path_of("none", path);
  rem_graph *graph = NULL;
  assert_int_equal(rem_graph_file_open(path, NULL, &graph, NULL), REM_UNKNOWN);
  rem_graph *unbuilt = new_graph(DIMENSION);
  assert_int_equal(rem_graph_file_write(unbuilt, path, NULL, 0, NULL), REM_MISUSE);
  assert_false(rem_file_exists(path));
  rem_graph_free(unbuilt);
}

static void a_loaded_graph_goes_on_changing(void **state) {
  (void)state;
  rem_graph *graph = open_good(true);
  assert_same_answers(graph);
  for (size_t i = 100; i < 140; i++)
    insert_row(graph, i, values + i * DIMENSION, 3000 + i);
  for (size_t i = 500; i < 600; i++)
    delete_row(graph, i, 4000 + i);
  must(rem_graph_purge(graph, 5000, 0, err));
  assert_true(recall_of(graph, (rem_graph_search){.k = 10}, queries, QUERIES, DIMENSION) >= 0.95);
  char path[96];
  path_of("second", path);
  must(rem_graph_file_write(graph, path, NULL, 0, err));
  rem_graph *again = NULL;
  must(rem_graph_file_load(path, NULL, &again, err));
  rem_graph_stats stats;
  rem_graph_stats_get(again, &stats);
  assert_int_equal(stats.rows, ROWS - 100);
  assert_int_equal(stats.sequence, 4599);
  rem_graph_free(again);
  rem_graph_free(graph);
}

static void an_empty_graph_has_a_file_too(void **state) {
  (void)state;
  rem_graph *graph = built_graph(values, 0, DIMENSION), *again = NULL;
  char path[96];
  path_of("empty", path);
  must(rem_graph_file_write(graph, path, NULL, 0, err));
  must(rem_graph_file_load(path, NULL, &again, err));
  insert_row(again, 1, values, 1);
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = find(again, &(rem_graph_search){.query = values, .k = 3}, NULL);
  assert_int_equal(hits.count, 1);
  rem_graph_free(again);
  must(rem_graph_file_open(path, NULL, &again, err));
  rem_vector_hits none REM_AUTO_VECTOR_HITS = find(again, &(rem_graph_search){.query = values, .k = 3}, NULL);
  assert_int_equal(none.count, 0);
  rem_graph_free(again);
  rem_graph_free(graph);
}

/* ------------------------------------------------------------------------------------------- */
/* Damage                                                                                       */

/* Opened or loaded, a damaged file says so, or answers as the good one does. Returns whether anything was noticed. */
static bool try_damaged(const char *path) {
  bool noticed = false;
  rem_graph *graph = NULL;
  rem_error err = {0};
  rem_status status = rem_graph_file_open(path, NULL, &graph, &err);
  if (status < 0) {
    assert_true(status == REM_CORRUPT || status == REM_FORMAT);
    assert_null(graph);
    assert_true(strstr(err.message, path) != NULL);
    noticed = true;
  }
  for (size_t i = 0; status >= 0 && i < 6; i++) {
    uint8_t ids[3][16];
    for (size_t j = 0; j < 3; j++)
      make_id(ids[j], 200 * i + j);
    rem_graph_search search = {.query = queries + i % 3 * DIMENSION, .k = 10, .exact = i % 3 == 2};
    if (i % 3 == 1) search.ids = (const uint8_t(*)[16])ids, search.id_count = 3;
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
    rem_status found = rem_graph_search_run(graph, &search, &hits, NULL, &err);
    if (found < 0) {
      assert_int_equal(found, REM_CORRUPT);
      noticed = true;
      continue;
    }
    rem_vector_hits right REM_AUTO_VECTOR_HITS = find(made, &search, NULL);
    assert_int_equal(hits.count, right.count);
    for (size_t j = 0; j < hits.count; j++) {
      if (search.exact) assert_memory_equal(hits.hits[j].id, right.hits[j].id, 16);
      assert_true(number_of(hits.hits[j].id) < ROWS);
    }
  }
  rem_graph_free(graph);
  graph = NULL;
  assert_int_equal(rem_graph_file_load(path, NULL, &graph, NULL) < 0, true);
  assert_null(graph);
  return noticed;
}

static void every_block_flipped_is_noticed_or_harmless(void **state) {
  (void)state;
  char path[96];
  path_of("flipped", path);
  size_t noticed = 0, blocks = content.size / BLOCK;
  for (size_t block = 0; block <= blocks; block++) {
    size_t begin = block * BLOCK, size = block < blocks ? BLOCK : content.size % BLOCK;
    if (size == 0) continue;
    /* The header is a struct at the start of block 0; the rest of that block is filler. */
    size_t at = begin + random_below((uint32_t)(block == 0 ? 128 : size));
    char mask = (char)(1 << random_below(8));
    content.data[at] ^= mask;
    write_copy(path, content.size);
    noticed += try_damaged(path);
    content.data[at] ^= mask;
  }
  assert_true(noticed > blocks / 2);
}

static void every_truncation_is_noticed(void **state) {
  (void)state;
  char path[96];
  path_of("cut", path);
  for (size_t size = 0; size < content.size; size += size < 3 * BLOCK ? 701 : BLOCK * 3 + 17) {
    write_copy(path, size);
    assert_true(try_damaged(path));
  }
  write_copy(path, content.size - 1);
  assert_true(try_damaged(path));
}

static void another_version_is_another_format(void **state) {
  (void)state;
  char path[96];
  path_of("version", path);
  content.data[8]++;
  write_copy(path, content.size);
  content.data[8]--;
  rem_graph *graph = NULL;
  assert_int_equal(rem_graph_file_open(path, NULL, &graph, NULL), REM_FORMAT);
  const rem_graph_options expect = {.dimension = DIMENSION + 1};
  assert_int_equal(rem_graph_file_open(good, &expect, &graph, NULL), REM_CORRUPT);
}

static rem_status round_trip(void *context, rem_error *err) {
  (void)context;
  char path[96];
  path_of("faults", path);
  (void)unlink(path);
  rem_graph *graph = NULL;
  rem_status status = rem_graph_file_write(made, path, NULL, 0, err);
  if (status >= 0) status = rem_graph_file_load(path, NULL, &graph, err);
  rem_graph_free(graph);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(fault_sweep(round_trip, NULL) > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_opens_mapped_and_answers_alike),
      cmocka_unit_test(a_file_is_never_replaced),
      cmocka_unit_test(a_loaded_graph_goes_on_changing),
      cmocka_unit_test(an_empty_graph_has_a_file_too),
      cmocka_unit_test(every_block_flipped_is_noticed_or_harmless),
      cmocka_unit_test(every_truncation_is_noticed),
      cmocka_unit_test(another_version_is_another_format),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
