/* SPDX-License-Identifier: Apache-2.0 */
/* Top k against a full sort, with ties, in any order of arrival. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vector/top_k.h"

enum { HITS = 500 };
static rem_vector_hit hits[HITS];
static uint64_t seed = 42;

static uint32_t next_random(void) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(seed >> 33);
}

/* Few distinct scores, so that ids decide often. */
static void make_hits(void) {
  for (size_t i = 0; i < HITS; i++) {
    memset(hits[i].id, 0, 16);
    hits[i].id[0] = (uint8_t)(i * 37);
    rem_store_u32le(hits[i].id + 8, (uint32_t)i);
    hits[i].score = (double)(next_random() % 20) / 10.0 - 1.0;
  }
}

static void shuffle(void) {
  for (size_t i = HITS - 1; i > 0; i--) {
    size_t j = next_random() % (i + 1);
    rem_vector_hit kept = hits[i];
    hits[i] = hits[j];
    hits[j] = kept;
  }
}

static int best_first(const void *a, const void *b) {
  const rem_vector_hit *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  return memcmp(x->id, y->id, 16);
}

static int nearest_first(const void *a, const void *b) {
  const rem_vector_hit *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? -1 : 1;
  return memcmp(x->id, y->id, 16);
}

static void assert_best(rem_metric metric, size_t k) {
  rem_vector_hit sorted[HITS];
  memcpy(sorted, hits, sizeof hits);
  qsort(sorted, HITS, sizeof *sorted, metric == REM_METRIC_L2 ? nearest_first : best_first);
  rem_top_k top;
  rem_top_k_init(&top, metric, k);
  for (size_t i = 0; i < HITS; i++)
    assert_int_equal(rem_top_k_add(&top, hits[i].id, hits[i].score, NULL), REM_OK);
  rem_top_k_finish(&top);
  assert_int_equal(top.count, k == 0 || k > HITS ? HITS : k);
  for (size_t i = 0; i < top.count; i++) {
    assert_memory_equal(top.hits[i].id, sorted[i].id, 16);
    assert_true(top.hits[i].score == sorted[i].score);
  }
  rem_top_k_deinit(&top);
}

static void the_best_k_are_kept_in_order(void **state) {
  (void)state;
  print_message("seed %llu\n", (unsigned long long)seed);
  make_hits();
  const size_t ks[] = {1, 2, 10, 99, 499, 500, 501, 0};
  for (size_t round = 0; round < 10; round++) {
    shuffle();
    for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
      assert_best(REM_METRIC_COSINE, ks[i]);
      assert_best(REM_METRIC_L2, ks[i]);
    }
  }
}

static void merging_parts_is_the_same_as_one_stream(void **state) {
  (void)state;
  make_hits();
  rem_top_k whole, parts[3];
  rem_top_k_init(&whole, REM_METRIC_COSINE, 25);
  for (size_t p = 0; p < 3; p++)
    rem_top_k_init(&parts[p], REM_METRIC_COSINE, 25);
  for (size_t i = 0; i < HITS; i++) {
    assert_int_equal(rem_top_k_add(&whole, hits[i].id, hits[i].score, NULL), REM_OK);
    assert_int_equal(rem_top_k_add(&parts[i % 3], hits[i].id, hits[i].score, NULL), REM_OK);
  }
  assert_int_equal(rem_top_k_merge(&parts[0], &parts[1], NULL), REM_OK);
  assert_int_equal(rem_top_k_merge(&parts[0], &parts[2], NULL), REM_OK);
  rem_top_k_finish(&whole);
  rem_top_k_finish(&parts[0]);
  assert_int_equal(parts[0].count, 25);
  for (size_t i = 0; i < 25; i++)
    assert_memory_equal(whole.hits[i].id, parts[0].hits[i].id, 16);
  for (size_t p = 0; p < 3; p++)
    rem_top_k_deinit(&parts[p]);
  rem_top_k_deinit(&whole);
}

static void only_what_cannot_enter_is_rejected_early(void **state) {
  (void)state;
  rem_top_k top;
  const uint8_t low[16] = {1}, high[16] = {9};
  rem_top_k_init(&top, REM_METRIC_COSINE, 1);
  assert_false(rem_top_k_rejects(&top, -1));
  assert_int_equal(rem_top_k_add(&top, high, 0.5, NULL), REM_OK);
  assert_true(rem_top_k_rejects(&top, 0.4));
  assert_false(rem_top_k_rejects(&top, 0.5)); /* a smaller id may still win */
  assert_int_equal(rem_top_k_add(&top, low, 0.5, NULL), REM_OK);
  rem_top_k_finish(&top);
  assert_int_equal(top.count, 1);
  assert_int_equal(top.hits[0].id[0], 1);
  rem_top_k_deinit(&top);
}

static void running_out_of_memory_is_told(void **state) {
  (void)state;
  rem_top_k top;
  const uint8_t id[16] = {0};
  rem_error err = {0};
  rem_top_k_init(&top, REM_METRIC_COSINE, 0);
  rem_alloc_fail_at(1, 0);
  assert_int_equal(rem_top_k_add(&top, id, 1, &err), REM_NOMEM);
  rem_alloc_fail_at(0, 0);
  assert_int_equal(rem_top_k_add(&top, id, 1, &err), REM_OK);
  assert_int_equal(top.count, 1);
  rem_top_k_deinit(&top);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_best_k_are_kept_in_order),
      cmocka_unit_test(merging_parts_is_the_same_as_one_stream),
      cmocka_unit_test(only_what_cannot_enter_is_rejected_early),
      cmocka_unit_test(running_out_of_memory_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
