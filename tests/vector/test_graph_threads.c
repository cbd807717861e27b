/* SPDX-License-Identifier: Apache-2.0 */
/* Searches beside changes, and a build on several threads. */
#include "vector/graph_fixture.h"

#include <pthread.h>

enum { ROWS = 1600, DIMENSION = 32, SEARCHERS = 8, WRITERS = 2, CHANGES = 500 };

typedef struct shared {
  rem_graph *graph;
  float *values;
  _Atomic uint64_t seq;
  atomic_bool stop;
  _Atomic size_t searches;
} shared;

typedef struct worker {
  shared *s;
  unsigned number;
} worker;

static uint32_t step(uint64_t *random, uint32_t bound) {
  *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(((*random >> 32) * bound) >> 32);
}

/* Rows below ROWS / 2 never change: they must be found at any time, and their scores must be right. */
static void *search_on(void *context) {
  worker *w = context;
  shared *s = w->s;
  uint64_t random = w->number;
  while (!atomic_load(&s->stop)) {
    size_t row = step(&random, ROWS / 2);
    rem_graph_search search = {.query = s->values + row * DIMENSION, .k = 5};
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
    rem_error err = {0};
    if (rem_graph_search_run(s->graph, &search, &hits, NULL, &err) != REM_OK) abort();
    if (hits.count != 5 || hits.hits[0].score < 0.9999) abort();
    for (size_t i = 0; i < hits.count; i++) {
      if (number_of(hits.hits[i].id) >= ROWS) abort();
      for (size_t j = 0; j < i; j++) {
        if (memcmp(hits.hits[i].id, hits.hits[j].id, 16) == 0) abort();
      }
    }
    atomic_fetch_add(&s->searches, 1);
  }
  return NULL;
}

/* Each writer has rows of its own. */
static void *change(void *context) {
  worker *w = context;
  shared *s = w->s;
  uint64_t random = 1000 + w->number;
  rem_error err = {0};
  for (int i = 0; i < CHANGES; i++) {
    size_t row = ROWS / 2 + step(&random, ROWS / 2 / WRITERS) * WRITERS + w->number, vector = ROWS / 2 + step(&random, ROWS / 2);
    uint8_t id[16];
    make_id(id, row);
    uint64_t seq = atomic_fetch_add(&s->seq, 1) + 1;
    rem_status status = step(&random, 3) == 0 ? rem_graph_delete(s->graph, id, seq, &err)
                                              : rem_graph_insert(s->graph, id, s->values + vector * DIMENSION, seq, &err);
    if (status < 0) abort();
    if (i % 20 == 0 && rem_graph_purge(s->graph, seq > 50 ? seq - 50 : 0, 0, &err) < 0) abort();
  }
  return NULL;
}

static void searches_go_on_beside_changes(void **state) {
  (void)state;
  shared *s = calloc(1, sizeof *s);
  s->values = clustered(ROWS, DIMENSION, 20);
  s->graph = built_graph(s->values, ROWS, DIMENSION);
  s->seq = ROWS;
  pthread_t threads[SEARCHERS + WRITERS];
  worker workers[SEARCHERS + WRITERS];
  for (unsigned i = 0; i < SEARCHERS + WRITERS; i++) {
    workers[i] = (worker){s, i};
    assert_int_equal(pthread_create(&threads[i], NULL, i < WRITERS ? change : search_on, &workers[i]), 0);
  }
  for (unsigned i = 0; i < WRITERS; i++)
    pthread_join(threads[i], NULL);
  atomic_store(&s->stop, true);
  for (unsigned i = WRITERS; i < SEARCHERS + WRITERS; i++)
    pthread_join(threads[i], NULL);
  assert_true(s->searches > 0);
  must(rem_graph_purge(s->graph, s->seq, 0, err));
  assert_true(recall_of(s->graph, (rem_graph_search){.k = 10}, s->values, 100, DIMENSION) >= 0.95);
  rem_graph_free(s->graph);
  free(s->values);
  free(s);
}

static void a_build_uses_all_threads(void **state) {
  (void)state;
  float *values = clustered(ROWS * 2, DIMENSION, 20);
  memcpy(values + 1500 * DIMENSION, values + 1400 * DIMENSION, 100 * DIMENSION * sizeof *values); /* equal rows meet in two threads */
  rem_thread_pool *pool;
  must(rem_thread_pool_new(3, &pool, err));
  rem_graph *graph = new_graph(DIMENSION);
  for (size_t i = 0; i < ROWS * 2; i++)
    insert_row(graph, i, values + i * DIMENSION, i + 1);
  _Atomic uint64_t progress = 0;
  must(rem_graph_build(graph, pool, NULL, &progress, err));
  assert_int_equal(progress, ROWS * 2);
  assert_true(recall_of(graph, (rem_graph_search){.k = 10}, values, 100, DIMENSION) >= 0.97);
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  assert_int_equal(stats.rows, ROWS * 2);
  rem_thread_pool_free(pool);
  rem_graph_free(graph);
  free(values);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(searches_go_on_beside_changes),
      cmocka_unit_test(a_build_uses_all_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
