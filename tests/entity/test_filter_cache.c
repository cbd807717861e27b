/* SPDX-License-Identifier: Apache-2.0 */
/* What filters let through is remembered for the snapshots it is right for, and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "entity/filter_cache.h"

static rem_filter_cache *cache;
static rem_table tables[2];

static int set_up(void **state) {
  (void)state;
  tables[0] = (rem_table){.name = (char *)"books", .generation = 1};
  tables[1] = (rem_table){.name = (char *)"films", .generation = 1};
  return rem_filter_cache_new(&cache, NULL);
}

static int tear_down(void **state) {
  (void)state;
  rem_filter_cache_free(cache);
  return 0;
}

static rem_filter_spot spot(const char *tenant, int table, const char *where, uint64_t seq) {
  return (rem_filter_spot){.tenant = tenant, .table = &tables[table], .where_json = where, .seq = seq};
}

/* Ids whose first byte tells the sets apart. */
static void keep_counted(rem_filter_spot at, uint8_t mark, size_t count) {
  uint8_t(*ids)[16] = rem_calloc(count ? count : 1, 16);
  rem_ann_ids *set;
  assert_non_null(ids);
  for (size_t i = 0; i < count; i++)
    ids[i][0] = mark;
  assert_int_equal(rem_ann_ids_new(ids, count, &set, NULL), REM_OK);
  rem_filter_cache_keep(cache, &at, set);
  rem_ann_ids_unref(set);
}

static void keep(rem_filter_spot at, uint8_t mark) {
  rem_filter_spot asked = at;
  rem_ann_ids_unref(rem_filter_cache_find(cache, &asked));
  keep_counted(asked, mark, 3);
}

/* The mark of what is found; 0: nothing. */
static uint8_t found(rem_filter_spot at) {
  rem_ann_ids *set = rem_filter_cache_find(cache, &at);
  uint8_t mark = set ? rem_ann_ids_items(set)[0][0] : 0;
  rem_ann_ids_unref(set);
  return mark;
}

static bool is_table(const void *context, const char *table) {
  return strcmp(context, table) == 0;
}

static void commit(const char *tenant, uint64_t seq, const char *table) {
  rem_filter_cache_committed(cache, tenant, seq, is_table, table);
}

static void it_is_found_for_the_same_question_alone(void **state) {
  (void)state;
  keep(spot("t", 0, "{\"a\":1}", 5), 7);
  assert_int_equal(found(spot("t", 0, "{\"a\":1}", 5)), 7);
  assert_int_equal(found(spot("t", 0, "{\"a\":2}", 5)), 0);
  assert_int_equal(found(spot("t", 1, "{\"a\":1}", 5)), 0);
  assert_int_equal(found(spot("u", 0, "{\"a\":1}", 5)), 0);
  assert_int_equal(found(spot("t", 0, "{\"a\":1}", 4)), 0);
  assert_int_equal(found(spot("t", 0, "{\"a\":1}", 6)), 0);
  tables[0].generation = 2;
  assert_int_equal(found(spot("t", 0, "{\"a\":1}", 5)), 0);
}

static void commits_of_other_tables_leave_it_right(void **state) {
  (void)state;
  keep(spot("t", 0, "w", 5), 7);
  commit("t", 6, "films");
  assert_int_equal(found(spot("t", 0, "w", 6)), 7);
  assert_int_equal(found(spot("t", 0, "w", 7)), 0); /* a snapshot that nobody has told of yet */
  commit("t", 9, "films");
  for (uint64_t seq = 5; seq <= 9; seq++)
    assert_int_equal(found(spot("t", 0, "w", seq)), 7);
  commit("u", 50, "books"); /* another tenant's */
  assert_int_equal(found(spot("t", 0, "w", 9)), 7);
  assert_int_equal(found(spot("t", 0, "w", 50)), 0);
}

static void a_commit_of_the_table_ends_it_for_later_snapshots(void **state) {
  (void)state;
  keep(spot("t", 0, "w", 5), 7);
  commit("t", 6, "films");
  commit("t", 8, "books");
  commit("t", 9, "films");
  assert_int_equal(found(spot("t", 0, "w", 6)), 7); /* a snapshot that lives */
  assert_int_equal(found(spot("t", 0, "w", 8)), 0);
  assert_int_equal(found(spot("t", 0, "w", 9)), 0);
  keep(spot("t", 0, "w", 9), 8);
  commit("t", 10, "films");
  assert_int_equal(found(spot("t", 0, "w", 10)), 8);
  assert_int_equal(found(spot("t", 0, "w", 6)), 0); /* the newer one took its place */
}

/* The ids were gathered under an old snapshot, while commits went by. */
static void what_is_late_is_right_for_its_own_snapshot_alone(void **state) {
  (void)state;
  commit("t", 7, "books");
  keep(spot("t", 0, "w", 5), 7);
  commit("t", 8, "films");
  assert_int_equal(found(spot("t", 0, "w", 5)), 7);
  for (uint64_t seq = 6; seq <= 8; seq++)
    assert_int_equal(found(spot("t", 0, "w", seq)), 0);
}

/* Seen before it was told: the commit is in the snapshot already. */
static void a_commit_told_late_does_not_end_what_has_it(void **state) {
  (void)state;
  keep(spot("t", 0, "w", 8), 7);
  commit("t", 8, "books");
  commit("t", 9, "films");
  assert_int_equal(found(spot("t", 0, "w", 8)), 7);
  assert_int_equal(found(spot("t", 0, "w", 9)), 7);
}

static void what_was_gathered_before_a_clearing_is_not_kept(void **state) {
  (void)state;
  rem_filter_spot at = spot("t", 0, "w", 5);
  assert_null(rem_filter_cache_find(cache, &at));
  rem_filter_cache_clear(cache);
  keep_counted(at, 7, 3);
  assert_int_equal(found(spot("t", 0, "w", 5)), 0);
  keep(spot("t", 0, "w", 5), 8);
  assert_int_equal(found(spot("t", 0, "w", 5)), 8);
  rem_filter_cache_clear(cache);
  assert_int_equal(found(spot("t", 0, "w", 5)), 0);
}

static void number_and_bytes_are_bounded(void **state) {
  (void)state;
  char where[32];
  for (int i = 0; i < 3 * REM_FILTER_CACHE_ENTRIES; i++) {
    snprintf(where, sizeof where, "w%d", i);
    keep(spot("t", 0, where, 5), 7);
    assert_int_equal(found(spot("t", 0, "w0", 5)), 7); /* used each time, so it stays */
  }
  rem_filter_cache_stats stats;
  rem_filter_cache_stats_get(cache, &stats);
  assert_int_equal(stats.entries, REM_FILTER_CACHE_ENTRIES);
  keep_counted(spot("t", 0, "huge", 5), 7, REM_FILTER_CACHE_BYTES / 16);
  assert_int_equal(found(spot("t", 0, "huge", 5)), 0);
  for (int i = 0; i < 8; i++) {
    snprintf(where, sizeof where, "large%d", i);
    keep_counted(spot("t", 0, where, 5), 7, REM_FILTER_CACHE_BYTES / 16 / 5);
    rem_filter_cache_stats_get(cache, &stats);
    assert_true(stats.bytes <= REM_FILTER_CACHE_BYTES);
    assert_int_equal(found(spot("t", 0, where, 5)), 7);
  }
}

int main(void) {
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      test(it_is_found_for_the_same_question_alone),
      test(commits_of_other_tables_leave_it_right),
      test(a_commit_of_the_table_ends_it_for_later_snapshots),
      test(what_is_late_is_right_for_its_own_snapshot_alone),
      test(a_commit_told_late_does_not_end_what_has_it),
      test(what_was_gathered_before_a_clearing_is_not_kept),
      test(number_and_bytes_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
