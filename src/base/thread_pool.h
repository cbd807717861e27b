/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread pool: a fixed number of workers, one bounded queue, and a parallel for.
 *
 * Threads are started on first use, not at creation, so that a command that never needs them does not pay.
 * Workers block all signals.
 */
#ifndef REM_BASE_THREAD_POOL_H
#define REM_BASE_THREAD_POOL_H

#include <stddef.h>

#include "base/error.h"

typedef struct rem_thread_pool rem_thread_pool;

/* `thread_count` 1 to 256; 0: the CPUs this process may run on. Owned: rem_thread_pool_free(). */
REM_CHECKED rem_status rem_thread_pool_new(size_t thread_count, rem_thread_pool **ret_pool, rem_error *err);
/* Finishes what is queued, then joins. */
void rem_thread_pool_free(rem_thread_pool *pool);
size_t rem_thread_pool_size(const rem_thread_pool *pool);

/* Queues one task; blocks while the queue (1,024) is full, except in a worker of the pool, which then runs the
 * task itself. REM_INTERNAL when no thread could be started. */
REM_CHECKED rem_status rem_thread_pool_submit(rem_thread_pool *pool, void (*run)(void *context), void *context,
                                              rem_error *err);

/*
 * Calls run(context, index, worker) for every index below `count` and returns when all are done; the caller
 * works too. `worker` is below rem_thread_pool_size() + 1 and is unique among the calls of this loop running at
 * the same time, for per-worker scratch; two loops running at once use the same numbers, so scratch belongs to
 * the loop's context, not to the pool. Indexes are handed out one by one. May be called by several threads at
 * once and from within a task or a loop (it never waits for a free worker).
 */
void rem_thread_pool_for(rem_thread_pool *pool, size_t count,
                         void (*run)(void *context, size_t index, size_t worker), void *context);

#endif
