/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out anywhere in following, searching, loading or saving costs at most an answer of the graph, never a wrong one. */
#include "ann_test.h"

#define ROWS 150
#define MIN_ROWS 60

/* As world_commit(), but a commit that cannot be made is none; true when it was. */
static bool try_commit(world *w, const world_op *op) {
  rem_error err = {0};
  world_commit_run *run = calloc(1, sizeof *run);
  *run = (world_commit_run){.w = w, .ops = op, .count = 1};
  rem_commit_request request = {.apply = world_apply, .committed = world_committed, .context = run};
  rem_status status = rem_commit_submit(w->committer, &request, &err);
  assert_true(status == REM_OK || status == REM_NOMEM);
  rem_ann_upkeep(w->ann, TENANT);
  free(run);
  return status == REM_OK;
}

static void try_search(world *w, const float *query) {
  rem_ann_target target = world_target();
  rem_ann_query search = {.vector = query, .k = 5};
  rem_vector_hits hits = {0};
  rem_kv_snapshot *snapshot = NULL;
  rem_error err = {0};
  if (rem_kv_snapshot_acquire(w->kv, &snapshot, &err) < 0)
    return;
  rem_status status = rem_ann_search(w->ann, &target, snapshot, &search, &hits, NULL, &err);
  assert_true(status == REM_OK || status == REM_NOT_FOUND || status == REM_NOMEM);
  rem_vector_hits_deinit(&hits);
  rem_kv_snapshot_release(snapshot);
}

static void expect_right(world *w, uint64_t number) {
  float query[DIMENSION];
  rem_kv_snapshot *snapshot = world_snapshot(w);
  make_vector(number, query);
  (void)world_compare(w, snapshot, query, 8, true, NULL);
  (void)world_compare(w, snapshot, query, 8, false, NULL);
  rem_kv_snapshot_release(snapshot);
}

static void sweep(bool with_file, bool saving, int step) {
  world *w = world_new(MIN_ROWS);
  float query[DIMENSION];
  rem_ann_target target = world_target();
  world_fill(w, 0, ROWS);
  if (with_file) {
    world_detach(w, false);
    world_attach(w, true);
    w->live = ROWS;
  }
  for (int n = 1; n < 250; n += step) {
    world_op op = {PUT, (uint32_t)n % ROWS, 50000 + (uint64_t)n};
    rem_error err = {0};
    make_vector((uint64_t)n, query);
    rem_alloc_fail_at(n, 0);
    (void)try_commit(w, &op);
    try_search(w, query);
    if (saving)
      (void)!rem_ann_checkpoint(w->ann, &target, false, &err);
    rem_alloc_fail_at(0, 0);
    expect_right(w, (uint64_t)n);
  }
  world_checkpoint(w);
  expect_right(w, 1);
  world_check(w);
  world_free(w);
}

static void following_and_searching(void **state) {
  (void)state;
  sweep(true, false, 1);
}

static void loading_and_saving(void **state) {
  (void)state;
  sweep(false, true, test_scale() > 1 ? 1 : 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(following_and_searching),
      cmocka_unit_test(loading_and_saving),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
