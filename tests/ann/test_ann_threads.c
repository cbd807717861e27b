/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight threads search while two write, one checkpoints and the index is loaded and drained behind them: every hit is a row that the searching
 * thread's snapshot has, with its true score, and none is missing.
 */
#include "ann_test.h"

#include <pthread.h>
#include <semaphore.h>

#define ROWS 1500
#define MIN_ROWS 300
#define SEARCHERS 8
#define WRITERS 2
#define COMMITS 60

typedef struct shared {
  world *w;
  _Atomic int writing;
  _Atomic int answered, asked;
  _Atomic int writers, searchers; /* started */
  rem_ann_ids *sets[2];           /* of rows, that searches share */
} shared;

static void *write_rows(void *context) {
  shared *s = context;
  uint32_t mine = (uint32_t)s->writers++;
  randoms r = {1000 + mine};
  bool hidden[ROWS] = {0};
  for (int i = 0; i < COMMITS; i++) {
    world_op ops[8];
    for (size_t j = 0; j < 8; j++) {
      /* Writers have rows of their own, so that each knows what its rows are. */
      uint32_t row = (uint32_t)next_random(&r, ROWS / WRITERS) * WRITERS + mine;
      ops[j] = (world_op){PUT, row, next_random(&r, 1 << 20)};
      if (next_random(&r, 4) == 0)
        ops[j].kind = hidden[row] ? SHOW : HIDE;
      s->w->live += hidden[row] - (ops[j].kind == HIDE);
      hidden[row] = ops[j].kind == HIDE;
    }
    world_commit(s->w, ops, 8);
    while (s->asked < i * SEARCHERS / 2)
      usleep(100); /* searches go on among the writes, however fast the machine */
  }
  s->writing--;
  return NULL;
}

static void *search_rows(void *context) {
  shared *s = context;
  randoms r = {(uint64_t)s->searchers++ * 7919};
  do {
    float query[DIMENSION];
    rem_kv_snapshot *snapshot = world_snapshot(s->w);
    make_vector(next_random(&r, 1 << 20), query);
    s->asked++;
    size_t filter = next_random(&r, 4);
    s->answered += world_compare_of(s->w, snapshot, query, 1 + next_random(&r, 12), next_random(&r, 3) == 0, filter < 2 ? s->sets[filter] : NULL,
                                    NULL) == REM_OK;
    rem_kv_snapshot_release(snapshot);
  } while (s->writing > 0);
  return NULL;
}

static void *make_files(void *context) {
  shared *s = context;
  while (s->writing > 0) {
    world_checkpoint(s->w);
    usleep(2000);
  }
  return NULL;
}

static void searches_agree_with_their_snapshots_while_others_write(void **state) {
  (void)state;
  pthread_t threads[SEARCHERS + WRITERS + 1];
  shared s = {.w = world_new(MIN_ROWS), .writing = WRITERS};
  world_fill(s.w, 0, ROWS);
  world_checkpoint(s.w);
  s.sets[0] = world_ids(ROWS, 2);
  s.sets[1] = world_ids(ROWS, 25);
  for (size_t i = 0; i < WRITERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, write_rows, &s), 0);
  for (size_t i = 0; i < SEARCHERS; i++)
    assert_int_equal(pthread_create(&threads[WRITERS + i], NULL, search_rows, &s), 0);
  assert_int_equal(pthread_create(&threads[SEARCHERS + WRITERS], NULL, make_files, &s), 0);
  for (size_t i = 0; i < SEARCHERS + WRITERS + 1; i++)
    pthread_join(threads[i], NULL);
  rem_ann_ids_unref(s.sets[0]);
  rem_ann_ids_unref(s.sets[1]);
  assert_true(s.answered > s.asked / 10);
  print_message("%d of %d searches answered by the graph\n", s.answered, s.asked);
  world_check(s.w);
  world_detach(s.w, false);
  world_attach(s.w, true);
  world_check(s.w);
  float query[DIMENSION];
  make_vector(99, query);
  rem_kv_snapshot *snapshot = world_snapshot(s.w);
  assert_int_equal(world_compare(s.w, snapshot, query, 20, true, NULL), REM_OK);
  rem_kv_snapshot_release(snapshot);
  world_free(s.w);
}

typedef struct slow_search {
  world *w;
  sem_t begun, go;
  _Atomic bool waited;
  rem_status status;
  size_t count;
} slow_search;

/* The first row that is asked about waits until it is let go. */
static bool wait_and_accept(void *context, const uint8_t id[16]) {
  slow_search *s = context;
  (void)id;
  if (!atomic_exchange(&s->waited, true)) {
    sem_post(&s->begun);
    sem_wait(&s->go);
  }
  return true;
}

static void *search_slowly(void *context) {
  slow_search *s = context;
  float query[DIMENSION];
  rem_kv_snapshot *snapshot = world_snapshot(s->w);
  rem_ann_target target = world_target();
  make_vector(1, query);
  rem_ann_query asked = {.vector = query, .k = 10, .accept = wait_and_accept, .accept_context = s};
  rem_vector_hits hits = {0};
  s->status = rem_ann_search(s->w->ann, &target, snapshot, &asked, &hits, NULL, NULL);
  s->count = hits.count;
  rem_vector_hits_deinit(&hits);
  rem_kv_snapshot_release(snapshot);
  return NULL;
}

/* It would never come back if it waited: the search is let go after it. */
static void a_commit_does_not_wait_for_a_search(void **state) {
  (void)state;
  slow_search s = {.w = world_new(MIN_ROWS)};
  world_fill(s.w, 0, ROWS);
  world_checkpoint(s.w);
  sem_init(&s.begun, 0, 0);
  sem_init(&s.go, 0, 0);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, search_slowly, &s), 0);
  sem_wait(&s.begun);
  for (uint32_t i = 0; i < 20; i++) {
    world_op ops[2] = {{PUT, i % 3, 9000 + i}, {i % 2 ? HIDE : SHOW, 100, 0}};
    world_commit(s.w, ops, i == 0 ? 1 : 2);
  }
  sem_post(&s.go);
  pthread_join(thread, NULL);
  assert_int_equal(s.status, REM_OK);
  assert_int_equal(s.count, 10);
  rem_kv_snapshot *snapshot = world_snapshot(s.w);
  for (uint64_t i = 0; i < 20; i++) {
    float query[DIMENSION];
    make_vector(9000 + i, query);
    assert_int_equal(world_compare(s.w, snapshot, query, 10, true, NULL), REM_OK);
  }
  rem_kv_snapshot_release(snapshot);
  world_check(s.w);
  sem_destroy(&s.begun);
  sem_destroy(&s.go);
  world_free(s.w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_commit_does_not_wait_for_a_search),
      cmocka_unit_test(searches_agree_with_their_snapshots_while_others_write),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
