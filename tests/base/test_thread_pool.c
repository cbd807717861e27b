/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pool: tasks, loops, loops in loops, several callers, worker numbers. */
#include "base/thread_pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"

static rem_thread_pool *new_pool(size_t threads) {
  rem_thread_pool *pool = NULL;
  rem_error err = {0};
  assert_int_equal(rem_thread_pool_new(threads, &pool, &err), REM_OK);
  return pool;
}

static void count_up(void *context) {
  atomic_fetch_add((atomic_int *)context, 1);
}

static void free_finishes_every_task_that_was_queued(void **state) {
  (void)state;
  atomic_int done = 0;
  rem_error err = {0};
  rem_thread_pool *pool = new_pool(3);
  for (int i = 0; i < 5000; i++) /* more than the queue holds */
    assert_int_equal(rem_thread_pool_submit(pool, count_up, &done, &err), REM_OK);
  rem_thread_pool_free(pool);
  assert_int_equal(atomic_load(&done), 5000);
}

#define COUNT 3000

typedef struct loop_record {
  rem_thread_pool *pool;
  atomic_int calls[COUNT];
  atomic_int in_use[257]; /* by worker number */
  atomic_int clashes;
} loop_record;

static void record_call(void *context, size_t index, size_t worker) {
  loop_record *record = context;
  if (worker > rem_thread_pool_size(record->pool) || atomic_exchange(&record->in_use[worker], 1))
    atomic_fetch_add(&record->clashes, 1);
  atomic_fetch_add(&record->calls[index], 1);
  atomic_store(&record->in_use[worker], 0);
}

static void assert_each_called(loop_record *record, int times) {
  for (size_t i = 0; i < COUNT; i++)
    assert_int_equal(atomic_load(&record->calls[i]), times);
  assert_int_equal(atomic_load(&record->clashes), 0);
}

static void for_calls_every_index_once_with_a_worker_number_of_its_own(void **state) {
  (void)state;
  for (size_t threads = 1; threads <= 4; threads++) {
    loop_record *record = rem_calloc(1, sizeof *record);
    assert_non_null(record);
    record->pool = new_pool(threads);
    rem_thread_pool_for(record->pool, COUNT, record_call, record);
    assert_each_called(record, 1);
    rem_thread_pool_free(record->pool);
    rem_free(record);
  }
}

static void *run_loops(void *context) {
  loop_record *record = context;
  for (int i = 0; i < 5; i++)
    rem_thread_pool_for(record->pool, COUNT, record_call, record);
  return NULL;
}

static void several_threads_may_call_for_at_once(void **state) {
  (void)state;
  enum { CALLERS = 4 };
  rem_thread_pool *pool = new_pool(2);
  pthread_t threads[CALLERS];
  loop_record *records[CALLERS];
  for (int i = 0; i < CALLERS; i++) {
    records[i] = rem_calloc(1, sizeof *records[i]);
    assert_non_null(records[i]);
    records[i]->pool = pool;
    assert_int_equal(pthread_create(&threads[i], NULL, run_loops, records[i]), 0);
  }
  for (int i = 0; i < CALLERS; i++) {
    pthread_join(threads[i], NULL);
    assert_each_called(records[i], 5);
    rem_free(records[i]);
  }
  rem_thread_pool_free(pool);
}

typedef struct nest {
  rem_thread_pool *pool;
  int depth;
  atomic_int *leaves;
} nest;

static void run_nested(void *context, size_t index, size_t worker) {
  const nest *outer = context;
  (void)index;
  (void)worker;
  if (outer->depth == 0) {
    atomic_fetch_add(outer->leaves, 1);
    return;
  }
  nest inner = {outer->pool, outer->depth - 1, outer->leaves};
  rem_thread_pool_for(outer->pool, 4, run_nested, &inner);
}

static void loops_in_loops_end(void **state) {
  (void)state;
  for (size_t threads = 1; threads <= 3; threads++) {
    atomic_int leaves = 0;
    nest top = {new_pool(threads), 5, &leaves};
    rem_thread_pool_for(top.pool, 4, run_nested, &top);
    assert_int_equal(atomic_load(&leaves), 4 * 4 * 4 * 4 * 4 * 4);
    rem_thread_pool_free(top.pool);
  }
}

typedef struct spawn {
  rem_thread_pool *pool;
  atomic_int done, failures;
} spawn;

static void count_task(void *context) {
  atomic_fetch_add(&((spawn *)context)->done, 1);
}

static void submit_many(void *context) {
  spawn *record = context;
  for (int i = 0; i < 3000; i++)
    if (rem_thread_pool_submit(record->pool, count_task, record, NULL) != REM_OK)
      atomic_fetch_add(&record->failures, 1);
}

static void tasks_may_submit_more_than_the_queue_holds(void **state) {
  (void)state;
  rem_error err = {0};
  spawn record = {.pool = new_pool(1)};
  assert_int_equal(rem_thread_pool_submit(record.pool, submit_many, &record, &err), REM_OK);
  rem_thread_pool_free(record.pool);
  assert_int_equal(atomic_load(&record.failures), 0);
  assert_int_equal(atomic_load(&record.done), 3000);
}

static void ask_for_signals(void *context) {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  atomic_store((atomic_int *)context, sigismember(&blocked, SIGINT) + 2 * sigismember(&blocked, SIGTERM));
}

static void workers_block_signals_and_their_starter_does_not(void **state) {
  (void)state;
  atomic_int seen = 0;
  rem_error err = {0};
  rem_thread_pool *pool = new_pool(1);
  assert_int_equal(rem_thread_pool_submit(pool, ask_for_signals, &seen, &err), REM_OK);
  rem_thread_pool_free(pool);
  assert_int_equal(atomic_load(&seen), 3);
  ask_for_signals(&seen);
  assert_int_equal(atomic_load(&seen), 0);
}

static void an_unused_pool_has_a_size_and_no_threads(void **state) {
  (void)state;
  rem_thread_pool *pool = new_pool(0);
  assert_true(rem_thread_pool_size(pool) >= 1);
  rem_thread_pool_free(pool);
  pool = new_pool(100000);
  assert_int_equal(rem_thread_pool_size(pool), 256);
  rem_thread_pool_free(pool);
  rem_thread_pool_free(NULL);
}

static void creation_survives_every_allocation_failure(void **state) {
  (void)state;
  size_t live = rem_alloc_live_count();
  rem_status status = REM_NOMEM;
  int rounds = 0;
  for (int64_t n = 1; status != REM_OK; n++, rounds++) {
    rem_thread_pool *pool = NULL;
    rem_error err = {0};
    rem_alloc_fail_at(n, 0);
    status = rem_thread_pool_new(2, &pool, &err);
    rem_alloc_fail_at(0, 0);
    assert_true(status == REM_OK ? pool != NULL : pool == NULL && err.code == REM_NOMEM);
    rem_thread_pool_free(pool);
    assert_int_equal(rem_alloc_live_count(), live);
  }
  assert_int_equal(rounds, 3);
}

int main(void) {
  alarm(300); /* a deadlock ends as a failure */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(free_finishes_every_task_that_was_queued),
      cmocka_unit_test(for_calls_every_index_once_with_a_worker_number_of_its_own),
      cmocka_unit_test(several_threads_may_call_for_at_once),
      cmocka_unit_test(loops_in_loops_end),
      cmocka_unit_test(tasks_may_submit_more_than_the_queue_holds),
      cmocka_unit_test(workers_block_signals_and_their_starter_does_not),
      cmocka_unit_test(an_unused_pool_has_a_size_and_no_threads),
      cmocka_unit_test(creation_survives_every_allocation_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
