/* SPDX-License-Identifier: Apache-2.0 */
/* Rankings stepped lazily: every row comes once, best first, whatever the first pass looked for. */
#include "api_test.h"

#include "entity/ranking.h"

#define ROWS 60

typedef struct fixture {
  test_db *test;
  rem_table *table;
  rem_kv_snapshot *snapshot;
  float *query;
  size_t dimension;
} fixture;

static void fill(test_db *test) {
  static const char *const subjects[] = {"bread", "a database", "the night train", "rain in autumn", "an old violin", "tax law"};
  static const char *const verbs[] = {"is described by", "was left behind by", "reminds one of", "is compared with", "comes before"};
  for (int i = 0; i < ROWS; i++) {
    char json[256];
    snprintf(json, sizeof json, "{\"uri\":\"file:///%d\",\"name\":\"n\",\"content\":\"%s %s %s, %d\"}", i, subjects[i % 6],
             verbs[i / 6 % 5], subjects[i / 12 % 6], i);
    put(test, "resources", json);
  }
}

static fixture begin(test_db *test) {
  fixture f = {.test = test};
  rem_engine *engine = test->db->engine;
  OK(rem_registry_table(engine->registry, test->db->tenant, "resources", &f.table, err));
  OK(rem_kv_snapshot_acquire(engine->kv, &f.snapshot, err));
  f.dimension = f.table->slots[0].dimension;
  assert_true(f.dimension > 0);
  f.query = calloc(f.dimension, sizeof *f.query);
  size_t dimension;
  OK(rem_embed(test->db, "how is bread made", 17, REM_QUERY, NULL, f.query, f.dimension, &dimension, err));
  return f;
}

static void end(fixture *f) {
  rem_kv_snapshot_release(f->snapshot);
  rem_table_unref(f->table);
  free(f->query);
}

typedef struct walk {
  uint8_t ids[ROWS][16];
  double scores[ROWS];
  size_t count;
  rem_ranking_report report;
} walk;

static walk run(fixture *f, rem_ranking_options *options) {
  walk found = {0};
  rem_ranking *ranking;
  options->query = f->query;
  options->dimension = f->dimension;
  OK(rem_ranking_open(f->test->db->engine, f->test->db->tenant, f->table, f->snapshot, options, &ranking, err));
  for (rem_status status = REM_ROW; status == REM_ROW;) {
    uint8_t id[16];
    double score;
    OK(status = rem_ranking_next(ranking, id, &score, err));
    if (status != REM_ROW)
      break;
    assert_true(found.count < ROWS);
    memcpy(found.ids[found.count], id, 16);
    found.scores[found.count++] = score;
  }
  rem_ranking_report_get(ranking, &found.report);
  rem_ranking_close(ranking);
  return found;
}

static void stepping_on_gives_every_row_once_and_in_order(void **state) {
  test_db *test = *state;
  fill(test);
  OK(rem_delete(test->db, "resources", "file:///7:0", 11, NULL, err));
  OK(rem_delete(test->db, "resources", "file:///31:0", 12, NULL, err));
  fixture f = begin(test);
  rem_ranking_options options;
  rem_ranking_options_init(&options);
  options.wanted = ROWS;
  walk whole = run(&f, &options);
  assert_int_equal(whole.count, ROWS - 2);
  assert_int_equal(whole.report.passes, 1);
  for (size_t first = 1; first < 40; first += 3) {
    options.wanted = first;
    walk lazy = run(&f, &options);
    assert_int_equal(lazy.count, whole.count);
    assert_memory_equal(lazy.ids, whole.ids, sizeof lazy.ids);
    assert_true(lazy.report.passes > 1);
  }
  options.include_deleted = true;
  assert_int_equal(run(&f, &options).count, ROWS);
  end(&f);
}

static bool accepts_even(void *context, const uint8_t id[16]) {
  (*(int *)context)++;
  return id[15] % 2 == 0;
}

static void filters_and_thresholds_are_answered_in_full(void **state) {
  test_db *test = *state;
  fill(test);
  fixture f = begin(test);
  rem_ranking_options options;
  rem_ranking_options_init(&options);
  walk whole = run(&f, &options);
  assert_int_equal(whole.count, ROWS);
  int asked = 0;
  size_t even = 0;
  for (size_t i = 0; i < ROWS; i++)
    even += whole.ids[i][15] % 2 == 0;
  options.accept = accepts_even;
  options.accept_context = &asked;
  options.wanted = 3;
  assert_int_equal(run(&f, &options).count, even);
  assert_true(asked > 0);
  rem_ranking_options_init(&options);
  options.has_threshold = true;
  options.threshold = whole.scores[24];
  walk above = run(&f, &options);
  assert_int_equal(above.count, 25);
  options.wanted = 5;
  assert_int_equal(run(&f, &options).count, 25);
  rem_ranking_options_init(&options);
  options.ids = (const uint8_t(*)[16])whole.ids[3];
  options.id_count = 1;
  assert_int_equal(run(&f, &options).count, 1);
  options.id_count = 0;
  assert_int_equal(run(&f, &options).count, 0);
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(stepping_on_gives_every_row_once_and_in_order, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(filters_and_thresholds_are_answered_in_full, test_setup, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
