/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mutex guards everything; the tasks handed out are coarse (a chunk of a matrix, a document), so it is not
 * contended.
 *
 *   submit --> queue [ task | task | … ]  bounded ring       \
 *                                                              >  workers: first the loops, then the queue
 *   for    --> loops -> loop -> loop      a linked list       /
 *
 * A parallel for is a `loop` on its caller's stack, put on the list while it has indexes to hand out. The
 * caller takes indexes like any worker and then waits only for indexes that are being run by others at that
 * moment. It waits for no free worker, so a loop started inside a task or a loop always ends: at worst its
 * caller does all of it. (Waiting for one another in a circle is impossible: whoever is waited for runs an
 * index of a loop that was started later, further down the same stacks.)
 *
 * Worker numbers: a thread of the pool has its own, 0 to size-1. A caller from outside needs one too, unique in
 * its own loop only, since scratch belongs to the loop's context: it takes `size`. A worker that calls a loop
 * keeps its number.
 *
 * Rejected: work stealing and lock-free queues (nothing here is short enough to notice); spinning (a busy
 * machine is the normal case).
 */
#include "base/thread_pool.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include "base/alloc.h"

#define QUEUE_CAPACITY 1024u
#define MOST_THREADS   256u

typedef struct task {
  void (*run)(void *context);
  void *context;
} task;

typedef struct loop {
  struct loop *next;
  void (*run)(void *context, size_t index, size_t worker);
  void *context;
  size_t count;
  size_t next_index; /* the next one to hand out */
  size_t running;    /* handed out and not finished */
  pthread_cond_t finished;
} loop;

struct rem_thread_pool {
  pthread_mutex_t mutex;
  pthread_cond_t work;  /* something for a worker, or the end */
  pthread_cond_t space; /* the queue has room again */
  task *queue;          /* ring of QUEUE_CAPACITY */
  size_t queue_head, queue_count;
  loop *loops; /* with indexes left to hand out */
  size_t size;
  size_t numbered; /* threads that have taken their number */
  size_t created;  /* of `threads`; final once has_started */
  bool has_started; /* all are started at the first use */
  bool is_ending;
  pthread_t threads[]; /* size */
};

/* Which pool this thread works for, and its number there. */
static __thread rem_thread_pool *own_pool;
static __thread size_t own_number;

static size_t cpu_count(void) {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
    return 1;
  int count = CPU_COUNT(&cpus);
  return count < 1 ? 1 : (size_t)count;
}

rem_status rem_thread_pool_new(size_t thread_count, rem_thread_pool **ret_pool, rem_error *err) {
  size_t size = thread_count ? thread_count : cpu_count();
  if (size > MOST_THREADS)
    size = MOST_THREADS;
  rem_thread_pool *pool = rem_calloc(1, sizeof *pool + size * sizeof pool->threads[0]);
  if (!pool)
    return rem_error_nomem(err);
  pool->queue = rem_calloc(QUEUE_CAPACITY, sizeof *pool->queue);
  if (!pool->queue) {
    rem_free(pool);
    return rem_error_nomem(err);
  }
  pool->size = size;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->work, NULL);
  pthread_cond_init(&pool->space, NULL);
  *ret_pool = pool;
  return REM_OK;
}

size_t rem_thread_pool_size(const rem_thread_pool *pool) {
  return pool->size;
}

static void unlink_loop(rem_thread_pool *pool, loop *done) {
  loop **link = &pool->loops;
  while (*link && *link != done)
    link = &(*link)->next;
  if (*link)
    *link = done->next;
}

/* Runs one index of `work`; the mutex is held on entry and exit, and free in between. */
static void run_one_index(rem_thread_pool *pool, loop *work, size_t worker) {
  size_t index = work->next_index++;
  if (work->next_index == work->count)
    unlink_loop(pool, work);
  work->running++;
  pthread_mutex_unlock(&pool->mutex);
  work->run(work->context, index, worker);
  pthread_mutex_lock(&pool->mutex);
  work->running--;
  /* Under the mutex: the caller cannot leave, and take `work` with it, before this is done. */
  if (work->running == 0 && work->next_index == work->count)
    pthread_cond_signal(&work->finished);
}

static void run_one_task(rem_thread_pool *pool) {
  task next = pool->queue[pool->queue_head];
  pool->queue_head = (pool->queue_head + 1) % QUEUE_CAPACITY;
  pool->queue_count--;
  pthread_cond_signal(&pool->space);
  pthread_mutex_unlock(&pool->mutex);
  next.run(next.context);
  pthread_mutex_lock(&pool->mutex);
}

static void work_until_end(rem_thread_pool *pool, size_t number) {
  for (;;) {
    if (pool->loops)
      run_one_index(pool, pool->loops, number);
    else if (pool->queue_count > 0)
      run_one_task(pool);
    else if (pool->is_ending)
      return;
    else
      pthread_cond_wait(&pool->work, &pool->mutex);
  }
}

static void *worker_main(void *argument) {
  rem_thread_pool *pool = argument;
  pthread_mutex_lock(&pool->mutex);
  own_pool = pool;
  own_number = pool->numbered++;
  work_until_end(pool, own_number);
  pthread_mutex_unlock(&pool->mutex);
  return NULL;
}

/* Starts all threads, once, with the mutex held. Fewer than wanted is no error: loops run in their callers at
 * worst. */
static void start_threads(rem_thread_pool *pool) {
  sigset_t all, before;
  if (pool->has_started)
    return;
  pool->has_started = true;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the threads */
  while (pool->created < pool->size &&
         pthread_create(&pool->threads[pool->created], NULL, worker_main, pool) == 0)
    pool->created++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void rem_thread_pool_free(rem_thread_pool *pool) {
  if (!pool)
    return;
  pthread_mutex_lock(&pool->mutex);
  assert(!pool->loops && "a loop outlives its pool");
  pool->is_ending = true;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
  for (size_t i = 0; i < pool->created; i++)
    pthread_join(pool->threads[i], NULL);
  pthread_cond_destroy(&pool->space);
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->mutex);
  rem_free(pool->queue);
  rem_free(pool);
}

/* Queues with the mutex held; false when a worker of the pool would have to wait for room that only workers
 * make. */
static bool enqueue(rem_thread_pool *pool, task added) {
  while (pool->queue_count == QUEUE_CAPACITY) {
    if (own_pool == pool)
      return false;
    pthread_cond_wait(&pool->space, &pool->mutex);
  }
  pool->queue[(pool->queue_head + pool->queue_count) % QUEUE_CAPACITY] = added;
  pool->queue_count++;
  pthread_cond_signal(&pool->work);
  return true;
}

rem_status rem_thread_pool_submit(rem_thread_pool *pool, void (*run)(void *context), void *context,
                                  rem_error *err) {
  pthread_mutex_lock(&pool->mutex);
  start_threads(pool);
  bool can_run = pool->created > 0;
  bool is_queued = can_run && enqueue(pool, (task){run, context});
  pthread_mutex_unlock(&pool->mutex);
  if (!can_run)
    return rem_error_set(err, REM_INTERNAL, "no worker thread could be started");
  if (!is_queued)
    run(context);
  return REM_OK;
}

/* One worker for each index the caller will not take itself. */
static void wake_workers(rem_thread_pool *pool, size_t count) {
  size_t wanted = count - 1 < pool->created ? count - 1 : pool->created;
  for (size_t i = 0; i < wanted; i++)
    pthread_cond_signal(&pool->work);
}

void rem_thread_pool_for(rem_thread_pool *pool, size_t count,
                         void (*run)(void *context, size_t index, size_t worker), void *context) {
  size_t worker = own_pool == pool ? own_number : pool->size;
  if (count <= 1) {
    if (count == 1)
      run(context, 0, worker);
    return;
  }
  loop work = {.run = run, .context = context, .count = count};
  pthread_cond_init(&work.finished, NULL);
  pthread_mutex_lock(&pool->mutex);
  start_threads(pool);
  work.next = pool->loops;
  pool->loops = &work;
  wake_workers(pool, count);
  while (work.next_index < count)
    run_one_index(pool, &work, worker);
  while (work.running > 0)
    pthread_cond_wait(&work.finished, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
  pthread_cond_destroy(&work.finished);
}
