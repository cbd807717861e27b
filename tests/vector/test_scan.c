/* SPDX-License-Identifier: Apache-2.0 */
/* The exact scan over a real store, against a brute force in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "storage/key.h"
#include "vector/scan.h"

enum { ROWS = 3000, DIMENSION = 48 };

typedef struct fixture {
  char folder[64];
  rem_kv *kv;
  rem_thread_pool *pool;
  uint8_t ids[ROWS][16]; /* ascending */
  float vectors[ROWS][DIMENSION];
  float query[DIMENSION];
} fixture;

static uint64_t seed = 4711;

static uint32_t next_random(void) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(seed >> 32);
}

static void random_vector(float *values) {
  for (size_t i = 0; i < DIMENSION; i++)
    values[i] = (float)next_random() / 2147483648.0f - 1.0f;
}

static int compare_ids(const void *a, const void *b) {
  return memcmp(a, b, 16);
}

static void put_vector(rem_kv_batch *batch, const char *tenant, const char *table, unsigned slot, const uint8_t *id,
                       const void *value, size_t size) {
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_key_vector(&key, tenant, table, slot, id);
  rem_kv_batch_put(batch, REM_CF_VECTORS, rem_buffer_slice(&key), rem_slice_of(value, size));
}

/* Vectors of other tenants, tables and slots lie around those that count, all of them equal to the query. */
static void put_neighbours(fixture *f, rem_kv_batch *batch, const uint8_t *id) {
  put_vector(batch, "t", "doc", 1, id, f->query, sizeof f->query);
  put_vector(batch, "t", "docs", 0, id, f->query, sizeof f->query);
  put_vector(batch, "t2", "doc", 0, id, f->query, sizeof f->query);
  put_vector(batch, "s", "doc", 0, id, f->query, sizeof f->query);
}

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  print_message("seed %llu\n", (unsigned long long)seed);
  strcpy(f->folder, "/tmp/rem-test-scan-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  char *path = rem_path_join(f->folder, "t.db");
  rem_kv_options options;
  rem_kv_options_init(&options);
  options.mode = REM_KV_CREATE;
  rem_error err = {0};
  if (rem_kv_open(path, &options, &f->kv, &err) != REM_OK) fail_msg("%s", err.message);
  rem_free(path);
  assert_int_equal(rem_thread_pool_new(3, &f->pool, NULL), REM_OK);
  random_vector(f->query);
  for (size_t i = 0; i < ROWS; i++)
    for (size_t b = 0; b < 16; b++)
      f->ids[i][b] = (uint8_t)next_random();
  memset(f->ids[0], 0, 16);
  memset(f->ids[1], 0xff, 16);
  qsort(f->ids, ROWS, 16, compare_ids);
  rem_kv_batch *batch REM_AUTO_BATCH = NULL;
  assert_int_equal(rem_kv_batch_new(f->kv, &batch, NULL), REM_OK);
  for (size_t i = 0; i < ROWS; i++) {
    random_vector(f->vectors[i]);
    if (i % 100 == 7) memcpy(f->vectors[i], f->vectors[7], sizeof f->vectors[i]); /* ties */
    if (i % 500 == 9) memset(f->vectors[i], 0, sizeof f->vectors[i]);
    put_vector(batch, "t", "doc", 0, f->ids[i], f->vectors[i], sizeof f->vectors[i]);
    if (i % 50 == 0) put_neighbours(f, batch, f->ids[i]);
  }
  assert_int_equal(rem_kv_write(f->kv, batch, false, NULL), REM_OK);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  rem_thread_pool_free(f->pool);
  assert_int_equal(rem_kv_close(f->kv, NULL), REM_OK);
  assert_int_equal(rem_file_remove_tree(f->folder, NULL), REM_OK);
  free(f);
  return 0;
}

static rem_vector_scan scan_of(fixture *f, rem_metric metric, size_t k) {
  return (rem_vector_scan){.kv = f->kv, .tenant = "t", .table = "doc", .metric = metric,
                           .query = f->query, .dimension = DIMENSION, .k = k,
                           .parallel_bytes = 1};
}

/* ---------------------------------------------------------------------------------------------- */
/* Brute force                                                                                     */

typedef struct expected {
  size_t row;
  double score;
} expected;

static double reference_score(const fixture *f, rem_metric metric, size_t row) {
  double dot = 0, a = 0, b = 0, l2 = 0;
  for (size_t i = 0; i < DIMENSION; i++) {
    double x = f->query[i], y = f->vectors[row][i];
    dot += x * y;
    a += x * x;
    b += y * y;
    l2 += (x - y) * (x - y);
  }
  if (metric == REM_METRIC_L2) return sqrt(l2);
  if (metric == REM_METRIC_INNER_PRODUCT) return dot;
  return b > 0 ? dot / sqrt(a * b) : 0;
}

static rem_metric order_metric;

static int best_first(const void *a, const void *b) {
  const expected *x = a, *y = b;
  if (fabs(x->score - y->score) > 1e-12) return rem_metric_better(order_metric, x->score, y->score) ? -1 : 1;
  return x->row < y->row ? -1 : 1;
}

static bool row_counts(const rem_vector_scan *scan, const uint8_t *id) {
  if (scan->accept != NULL && !scan->accept(scan->accept_context, id)) return false;
  return scan->ids == NULL || bsearch(id, scan->ids, scan->id_count, 16, compare_ids) != NULL;
}

static void assert_exact(fixture *f, const rem_vector_scan *scan) {
  expected *all = calloc(ROWS, sizeof *all);
  assert_non_null(all);
  size_t count = 0;
  for (size_t i = 0; i < ROWS; i++) {
    double score = reference_score(f, scan->metric, i);
    bool passes = !scan->has_threshold || !rem_metric_better(scan->metric, scan->threshold, score);
    if (passes && row_counts(scan, f->ids[i])) all[count++] = (expected){i, score};
  }
  order_metric = scan->metric;
  qsort(all, count, sizeof *all, best_first);
  if (scan->k != 0 && scan->k < count) count = scan->k;
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  rem_error err = {0};
  if (rem_vector_scan_run(scan, &hits, &err) != REM_OK) fail_msg("%s", err.message);
  assert_int_equal(hits.count, count);
  for (size_t i = 0; i < count; i++) {
    assert_true(fabs(hits.hits[i].score - all[i].score) < 1e-5);
    assert_memory_equal(hits.hits[i].id, f->ids[all[i].row], 16);
  }
  free(all);
}

static const rem_metric METRICS[] = {REM_METRIC_COSINE, REM_METRIC_INNER_PRODUCT, REM_METRIC_L2};

static void the_k_best_are_found_exactly(void **state) {
  fixture *f = *state;
  const size_t ks[] = {1, 10, 100, 2999, 5000, 0};
  for (size_t m = 0; m < 3; m++) {
    for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
      rem_vector_scan scan = scan_of(f, METRICS[m], ks[i]);
      assert_exact(f, &scan);
      scan.pool = f->pool;
      assert_exact(f, &scan);
    }
  }
}

static void a_threshold_gives_every_match(void **state) {
  fixture *f = *state;
  const double thresholds[] = {0.2, 1.5, 5.5};
  for (size_t m = 0; m < 3; m++) {
    rem_vector_scan scan = scan_of(f, METRICS[m], 0);
    scan.has_threshold = true;
    scan.threshold = thresholds[m];
    assert_exact(f, &scan);
    scan.pool = f->pool;
    assert_exact(f, &scan);
    scan.k = 5;
    assert_exact(f, &scan);
  }
}

static bool even_ids(void *context, const uint8_t id[16]) {
  (void)context;
  return id[5] % 2 == 0;
}

static void filters_never_cost_matches(void **state) {
  fixture *f = *state;
  uint8_t(*ids)[16] = calloc(ROWS + 20, 16);
  assert_non_null(ids);
  const size_t strides[] = {1, 3, 40, 700, ROWS};
  for (size_t s = 0; s < 5; s++) {
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i += strides[s])
      memcpy(ids[count++], f->ids[i], 16);
    for (size_t i = 0; i < 20; i++) /* and some that are not there */
      for (size_t b = 0; b < 16; b++)
        ids[count + i][b] = (uint8_t)next_random();
    count += 20;
    qsort(ids, count, 16, compare_ids);
    rem_vector_scan scan = scan_of(f, REM_METRIC_COSINE, 10);
    scan.ids = (const uint8_t(*)[16])ids;
    scan.id_count = count;
    assert_exact(f, &scan);
    scan.pool = f->pool;
    assert_exact(f, &scan);
    scan.accept = even_ids;
    assert_exact(f, &scan);
  }
  rem_vector_scan scan = scan_of(f, REM_METRIC_L2, 10);
  scan.accept = even_ids;
  assert_exact(f, &scan);
  scan.ids = (const uint8_t(*)[16])ids;
  scan.id_count = 0;
  assert_exact(f, &scan);
  free(ids);
}

static void a_snapshot_hides_what_came_later(void **state) {
  fixture *f = *state;
  rem_kv_snapshot *snapshot REM_AUTO_SNAPSHOT = NULL;
  assert_int_equal(rem_kv_snapshot_acquire(f->kv, &snapshot, NULL), REM_OK);
  rem_kv_batch *batch REM_AUTO_BATCH = NULL;
  assert_int_equal(rem_kv_batch_new(f->kv, &batch, NULL), REM_OK);
  const uint8_t id[16] = {0x80, 1};
  put_vector(batch, "t", "doc", 0, id, f->query, sizeof f->query);
  assert_int_equal(rem_kv_write(f->kv, batch, false, NULL), REM_OK);
  rem_vector_scan scan = scan_of(f, REM_METRIC_COSINE, 1);
  rem_vector_hits hits = {0};
  assert_int_equal(rem_vector_scan_run(&scan, &hits, NULL), REM_OK);
  assert_memory_equal(hits.hits[0].id, id, 16);
  assert_int_equal(hits.scanned, ROWS + 1);
  rem_vector_hits_deinit(&hits);
  scan.snapshot = snapshot;
  scan.pool = f->pool;
  assert_exact(f, &scan);
  rem_kv_batch_clear(batch);
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_key_vector(&key, "t", "doc", 0, id);
  rem_kv_batch_delete(batch, REM_CF_VECTORS, rem_buffer_slice(&key));
  assert_int_equal(rem_kv_write(f->kv, batch, false, NULL), REM_OK);
}

static void an_empty_table_has_no_hits(void **state) {
  fixture *f = *state;
  rem_vector_scan scan = scan_of(f, REM_METRIC_COSINE, 10);
  scan.table = "none";
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  assert_int_equal(rem_vector_scan_run(&scan, &hits, NULL), REM_OK);
  assert_int_equal(hits.count, 0);
  assert_int_equal(hits.scanned, 0);
}

static void failures_are_told(void **state) {
  fixture *f = *state;
  rem_error err = {0};
  rem_vector_hits hits = {0};
  atomic_bool cancel = true;
  for (int with_pool = 0; with_pool < 2; with_pool++) {
    rem_vector_scan scan = scan_of(f, REM_METRIC_COSINE, 10);
    scan.pool = with_pool ? f->pool : NULL;
    scan.cancel = &cancel;
    assert_int_equal(rem_vector_scan_run(&scan, &hits, &err), REM_CANCELLED);
    scan.cancel = NULL;
    scan.dimension = DIMENSION - 1;
    assert_int_equal(rem_vector_scan_run(&scan, &hits, &err), REM_CORRUPT);
    assert_non_null(strstr(err.message, "'doc'"));
  }
  rem_vector_scan scan = scan_of(f, REM_METRIC_COSINE, 10);
  float bad[DIMENSION] = {NAN};
  scan.query = bad;
  assert_int_equal(rem_vector_scan_run(&scan, &hits, &err), REM_INVALID);
  assert_null(hits.hits);
}

static void every_failed_allocation_is_told(void **state) {
  fixture *f = *state;
  rem_vector_scan scan = scan_of(f, REM_METRIC_COSINE, 100);
  for (int64_t n = 1;; n++) {
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
    size_t before = rem_alloc_live_count();
    rem_alloc_fail_at(n, 1);
    rem_status status = rem_vector_scan_run(&scan, &hits, NULL);
    rem_alloc_fail_at(0, 0);
    if (status == REM_OK) break;
    assert_int_equal(status, REM_NOMEM);
    assert_int_equal(rem_alloc_live_count(), before);
    assert_true(n < 200);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_k_best_are_found_exactly),
      cmocka_unit_test(a_threshold_gives_every_match),
      cmocka_unit_test(filters_never_cost_matches),
      cmocka_unit_test(a_snapshot_hides_what_came_later),
      cmocka_unit_test(an_empty_table_has_no_hits),
      cmocka_unit_test(failures_are_told),
      cmocka_unit_test(every_failed_allocation_is_told),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
