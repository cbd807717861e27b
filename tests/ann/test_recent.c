/* SPDX-License-Identifier: Apache-2.0 */
/* Recent changes answer for every sequence number as a plain list of all versions would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ann/recent.h"

#define DIMENSION 5
#define IDS 40
#define CHANGES 400

static uint64_t seed;

static uint32_t random_below(uint32_t end) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33) % end;
}

static void make_id(unsigned number, uint8_t ret_id[16]) {
  memset(ret_id, 0, 16);
  ret_id[0] = (uint8_t)(number * 37);
  ret_id[15] = (uint8_t)number;
}

typedef struct change {
  unsigned id;
  bool gone;
  float vector[DIMENSION];
  uint64_t seq;
} change;

static change random_change(uint64_t seq) {
  change made = {.id = random_below(IDS), .gone = random_below(4) == 0, .seq = seq};
  for (size_t i = 0; i < DIMENSION; i++)
    made.vector[i] = (float)random_below(1000) - 500;
  return made;
}

static void add(rem_recent *recent, const change *made) {
  rem_error err = {0};
  uint8_t id[16];
  make_id(made->id, id);
  assert_int_equal(rem_recent_add(recent, id, made->gone ? NULL : made->vector, made->seq, &err), REM_OK);
}

/* What a plain look at all changes says: the last change of each id up to `seq`. */
static void expect(const rem_recent *recent, const change *changes, size_t first, size_t count, uint64_t seq, size_t k) {
  static const float direction[DIMENSION] = {1, -2, 3, 0.5f, -1};
  rem_error err = {0};
  rem_query query;
  rem_top_k wanted, got;
  const change *last[IDS] = {0};
  size_t changed = 0;
  rem_query_init(&query, REM_METRIC_COSINE, direction, DIMENSION);
  rem_top_k_init(&wanted, REM_METRIC_COSINE, k);
  rem_top_k_init(&got, REM_METRIC_COSINE, k);
  for (size_t i = first; i < count && changes[i].seq <= seq; i++)
    last[changes[i].id] = &changes[i];
  for (unsigned i = 0; i < IDS; i++) {
    uint8_t id[16];
    make_id(i, id);
    changed += last[i] != NULL;
    if (last[i] && !last[i]->gone)
      assert_int_equal(rem_top_k_add(&wanted, id, rem_query_score(&query, last[i]->vector), &err), REM_OK);
  }
  uint64_t scored;
  rem_recent_scan scan = {.seq = seq, .query = &query};
  assert_int_equal(rem_recent_search(recent, &scan, &got, &scored, &err), REM_OK);
  assert_int_equal(rem_recent_changed(recent, seq), changed);
  rem_top_k_finish(&wanted);
  rem_top_k_finish(&got);
  assert_int_equal(got.count, wanted.count);
  if (wanted.count)
    assert_memory_equal(got.hits, wanted.hits, wanted.count * sizeof *wanted.hits);
  rem_top_k_deinit(&wanted);
  rem_top_k_deinit(&got);
}

static void every_sequence_sees_its_own_versions(void **state) {
  (void)state;
  static change changes[CHANGES];
  rem_recent recent = {.dimension = DIMENSION};
  seed = 20240501;
  for (size_t i = 0; i < CHANGES; i++) {
    changes[i] = random_change(10 + i * 2);
    add(&recent, &changes[i]);
    uint64_t seq = 5 + random_below((uint32_t)(2 * i + 10));
    expect(&recent, changes, 0, i + 1, seq, 1 + random_below(10));
  }
  for (uint64_t seq = 0; seq < 2 * CHANGES + 20; seq += 7)
    expect(&recent, changes, 0, CHANGES, seq, 0);
  rem_recent_deinit(&recent);
}

static void what_is_dropped_is_forgotten_and_the_rest_stays(void **state) {
  (void)state;
  static change changes[CHANGES];
  rem_recent recent = {.dimension = DIMENSION};
  rem_error err = {0};
  seed = 7;
  for (size_t i = 0; i < CHANGES; i++) {
    changes[i] = random_change(1 + i);
    add(&recent, &changes[i]);
  }
  for (size_t dropped = 0; dropped + 90 < CHANGES; dropped += 90) {
    assert_int_equal(rem_recent_drop(&recent, 90, &err), REM_OK);
    for (uint64_t seq = dropped; seq < CHANGES + 5; seq += 13)
      expect(&recent, changes, dropped + 90, CHANGES, seq, 7);
  }
  rem_recent_deinit(&recent);
  assert_int_equal(recent.op_count, 0);
}

static bool accepts_odd(void *context, const uint8_t id[16]) {
  (void)context;
  return id[15] % 2 == 1;
}

static void filters_and_thresholds_hold(void **state) {
  (void)state;
  static const float axis[DIMENSION] = {1};
  uint8_t ids[2][16];
  rem_recent recent = {.dimension = DIMENSION};
  rem_error err = {0};
  rem_query query;
  rem_top_k top;
  uint64_t scored;
  rem_query_init(&query, REM_METRIC_L2, axis, DIMENSION);
  for (unsigned i = 0; i < 10; i++) {
    change made = {.id = i, .seq = i + 1, .vector = {(float)i}};
    add(&recent, &made);
  }
  make_id(8, ids[0]); /* sorted: its first byte is the smaller one */
  make_id(3, ids[1]);
  rem_recent_scan scan = {.seq = 100, .query = &query, .ids = (const uint8_t(*)[16])ids, .id_count = 2};
  rem_top_k_init(&top, REM_METRIC_L2, 5);
  assert_int_equal(rem_recent_search(&recent, &scan, &top, &scored, &err), REM_OK);
  assert_int_equal(top.count, 2);
  rem_top_k_deinit(&top);
  scan = (rem_recent_scan){.seq = 100, .query = &query, .accept = accepts_odd, .has_threshold = true, .threshold = 2};
  rem_top_k_init(&top, REM_METRIC_L2, 5);
  assert_int_equal(rem_recent_search(&recent, &scan, &top, &scored, &err), REM_OK);
  assert_int_equal(top.count, 2); /* 1 and 3: at distances 0 and 2 */
  assert_int_equal(scored, 5);
  rem_top_k_deinit(&top);
  rem_recent_deinit(&recent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_sequence_sees_its_own_versions),
      cmocka_unit_test(what_is_dropped_is_forgotten_and_the_rest_stays),
      cmocka_unit_test(filters_and_thresholds_hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
