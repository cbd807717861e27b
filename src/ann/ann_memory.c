/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory graphs take, all indexes of a database together. Beyond the limit those not used for longest go back to their files: the answers are the same, changes are then
 * compared beside the mapped file, and the graph is loaded again when enough has changed. What the file does not have is written first; where that fails, and while somebody
 * works on it, a graph stays.
 */
#include <unistd.h>

#include "ann/ann_internal.h"
#include "base/clock.h"

#define SHARE 4 /* of the machine's memory, where no limit is set */

uint64_t rem_ann__memory_limit(const rem_ann *ann) {
  if (ann->options.memory_bytes)
    return ann->options.memory_bytes;
  long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes / SHARE : UINT64_MAX;
}

void rem_ann__note_use(rem_ann__index *index) {
  atomic_store_explicit(&index->used_us, rem_clock_monotonic_us(), memory_order_relaxed);
}

void rem_ann__note_memory(rem_ann__index *index) {
  rem_graph_stats stats = {0};
  pthread_rwlock_rdlock(&index->lock);
  if (index->state == REM_ANN__MEMORY)
    rem_graph_stats_get(index->graph, &stats);
  pthread_rwlock_unlock(&index->lock);
  atomic_store(&index->memory_bytes, stats.memory_bytes);
}

static uint64_t sum(rem_ann *ann) {
  uint64_t bytes = 0;
  rem_ann__index *index;
  for (size_t i = 0; (index = rem_ann__at(ann, i)); i++)
    bytes += atomic_load(&index->memory_bytes);
  return bytes;
}

void rem_ann_memory_get(rem_ann *ann, uint64_t *ret_bytes, uint64_t *ret_limit) {
  *ret_bytes = sum(ann);
  *ret_limit = rem_ann__memory_limit(ann);
}

/* Of those in memory the one used last before all others, after `last_us`. */
static rem_ann__index *next_oldest(rem_ann *ann, int64_t last_us) {
  rem_ann__index *index, *found = NULL;
  for (size_t i = 0; (index = rem_ann__at(ann, i)); i++) {
    int64_t used = atomic_load(&index->used_us);
    if (atomic_load(&index->memory_bytes) && used > last_us && (!found || used < atomic_load(&found->used_us)))
      found = index;
  }
  return found;
}

/* work held, graph in memory. */
static rem_status make_clean(rem_ann__index *index, rem_error *err) {
  pthread_rwlock_rdlock(&index->lock);
  bool on_file = index->has_record && !index->broken;
  pthread_rwlock_unlock(&index->lock);
  bool reader = !index->ann->options.committer;
  return reader || (on_file && atomic_load(&index->since_file) == 0) ? REM_OK : rem_ann__save(index, err);
}

static void give_back(rem_ann__index *index) {
  rem_error reason = {0};
  if (pthread_mutex_trylock(&index->work) != 0)
    return;
  pthread_rwlock_rdlock(&index->lock);
  bool there = index->state == REM_ANN__MEMORY;
  pthread_rwlock_unlock(&index->lock);
  rem_status status = there ? make_clean(index, &reason) : REM_OK;
  if (status == REM_OK) {
    pthread_rwlock_wrlock(&index->lock);
    if (index->state == REM_ANN__MEMORY)
      rem_ann__unload(index);
    pthread_rwlock_unlock(&index->lock);
    atomic_store(&index->memory_bytes, 0);
  }
  pthread_mutex_unlock(&index->work);
  rem_ann__report_failure(index, status, &reason);
}

void rem_ann__keep_within(rem_ann *ann) {
  uint64_t limit = rem_ann__memory_limit(ann);
  int64_t last_us = -1;
  for (rem_ann__index *index; sum(ann) > limit && (index = next_oldest(ann, last_us));) {
    last_us = atomic_load(&index->used_us);
    give_back(index);
  }
}
