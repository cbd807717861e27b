/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact scan.
 *
 * Ids are hashes (D7) or random, thus spread evenly over their first byte: with a pool the range is cut by it into 64 parts,
 * handed out one by one, each worker with an iterator and a heap of its own; the heaps are merged at the end. All
 * parts read one snapshot.
 *
 * With a set of ids the iterator jumps: it steps while the next wanted id is near and seeks when it is not, so that few ids
 * cost few reads and many cost no more than the whole scan.
 */
#include "vector/scan.h"

#include "storage/key.h"

enum {
  PART_COUNT = 64,
  STEPS_BEFORE_SEEK = 8, /* a step is some ten times cheaper than a seek */
  CANCEL_INTERVAL = 256, /* rows between looks at the cancel flag */
};

/* Below this many bytes of vectors one thread is done before others have woken (about 5 ms). */
#define PARALLEL_BYTES ((uint64_t)8 << 20)

/* One thread's share of the work. */
typedef struct worker {
  const rem_vector_scan *scan;
  const rem_query *query;
  rem_kv_iterator *iterator; /* over the whole prefix, narrowed to a part */
  rem_top_k top;
  uint64_t scanned;
  rem_status status;
  rem_error error;
} worker;

typedef struct job {
  const rem_vector_scan *scan;
  const rem_kv_snapshot *snapshot;
  const rem_query *query;
  rem_slice prefix;
  bool keep; /* blocks stay in the cache */
  worker *workers;
  atomic_bool failed;
} job;

void rem_vector_hits_deinit(rem_vector_hits *hits) {
  rem_free(hits->hits);
  *hits = (rem_vector_hits){0};
}

static bool passes_threshold(const rem_vector_scan *scan, double score) {
  return !scan->has_threshold || !rem_metric_better(scan->metric, scan->threshold, score);
}

static rem_status compare_row(worker *w, const uint8_t *id, rem_slice value, rem_error *err) {
  const rem_vector_scan *scan = w->scan;
  if (value.size != scan->dimension * sizeof(float))
    return rem_error_set(err, REM_CORRUPT, "a vector of table '%s' has %zu bytes; %zu dimensions need %zu", scan->table,
                         value.size, scan->dimension, scan->dimension * sizeof(float));
  if (scan->accept != NULL && !scan->accept(scan->accept_context, id)) return REM_OK;
  double score = rem_query_score(w->query, value.data);
  w->scanned++;
  if (rem_top_k_rejects(&w->top, score) || !passes_threshold(scan, score)) return REM_OK;
  return rem_top_k_add(&w->top, id, score, err);
}

/* The key's id; REM_CORRUPT when the key is not a prefix and 16 bytes. */
static rem_status row_id(const job *j, rem_slice key, const uint8_t **ret_id, rem_error *err) {
  if (key.size != j->prefix.size + 16)
    return rem_error_set(err, REM_CORRUPT, "a vector key of table '%s' has %zu bytes", j->scan->table, key.size);
  *ret_id = key.data + j->prefix.size;
  return REM_OK;
}

static rem_status poll_cancel(const job *j, uint64_t step, rem_error *err) {
  if (step % CANCEL_INTERVAL != 0) return REM_OK;
  if (j->scan->cancel != NULL && atomic_load_explicit(j->scan->cancel, memory_order_relaxed))
    return rem_error_set(err, REM_CANCELLED, "the search was interrupted");
  return REM_OK;
}

static rem_status scan_all(const job *j, worker *w, rem_error *err) {
  rem_kv_iterator_first(w->iterator);
  for (uint64_t step = 0; rem_kv_iterator_valid(w->iterator); step++) {
    REM_TRY(poll_cancel(j, step, err));
    const uint8_t *id = NULL;
    REM_TRY(row_id(j, rem_kv_iterator_key(w->iterator), &id, err));
    REM_TRY(compare_row(w, id, rem_kv_iterator_value(w->iterator), err));
    rem_kv_iterator_next(w->iterator);
  }
  return rem_kv_iterator_status(w->iterator, err);
}

/* Moves the iterator to the first row whose id is `wanted` or later. */
static rem_status advance(const job *j, worker *w, const uint8_t *wanted, bool positioned, rem_error *err) {
  for (int step = 0; positioned && step < STEPS_BEFORE_SEEK; step++) {
    const uint8_t *id = NULL;
    if (!rem_kv_iterator_valid(w->iterator)) return REM_OK;
    REM_TRY(row_id(j, rem_kv_iterator_key(w->iterator), &id, err));
    if (memcmp(id, wanted, 16) >= 0) return REM_OK;
    rem_kv_iterator_next(w->iterator);
  }
  uint8_t key[512];
  if (j->prefix.size + 16 > sizeof key) return rem_error_set(err, REM_INTERNAL, "a vector key is too long");
  memcpy(key, j->prefix.data, j->prefix.size);
  memcpy(key + j->prefix.size, wanted, 16);
  rem_kv_iterator_seek(w->iterator, rem_slice_of(key, j->prefix.size + 16));
  return REM_OK;
}

/* The first of the sorted ids whose first byte is not below `byte`. */
static size_t first_id_from(const rem_vector_scan *scan, unsigned byte) {
  size_t low = 0, high = scan->id_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (scan->ids[middle][0] < byte)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static rem_status scan_ids(const job *j, worker *w, size_t first, size_t end, rem_error *err) {
  for (size_t i = first; i < end; i++) {
    const uint8_t *id = NULL;
    REM_TRY(poll_cancel(j, i - first, err));
    REM_TRY(advance(j, w, j->scan->ids[i], i > first, err));
    if (!rem_kv_iterator_valid(w->iterator)) return rem_kv_iterator_status(w->iterator, err);
    REM_TRY(row_id(j, rem_kv_iterator_key(w->iterator), &id, err));
    if (memcmp(id, j->scan->ids[i], 16) == 0)
      REM_TRY(compare_row(w, id, rem_kv_iterator_value(w->iterator), err));
  }
  return REM_OK;
}

/* Rows whose first id byte is in [first, end). */
static rem_status scan_range(const job *j, worker *w, unsigned first, unsigned end, rem_error *err) {
  if (w->iterator == NULL)
    REM_TRY(rem_kv_iterator_scan(j->scan->kv, j->snapshot, REM_CF_VECTORS, j->prefix, j->keep, &w->iterator, err));
  if (j->scan->ids != NULL)
    return scan_ids(j, w, first_id_from(j->scan, first), first_id_from(j->scan, end), err);
  if (first == 0 && end == 256) return scan_all(j, w, err);
  rem_buffer bounds REM_AUTO_BUFFER = {0};
  size_t size = j->prefix.size + 1;
  rem_buffer_append_slice(&bounds, j->prefix);
  rem_buffer_append_byte(&bounds, (uint8_t)first);
  if (end == 256) {
    rem_key_prefix_end(&bounds, j->prefix);
  } else {
    rem_buffer_append_slice(&bounds, j->prefix);
    rem_buffer_append_byte(&bounds, (uint8_t)end);
  }
  REM_TRY(rem_buffer_status(&bounds, err));
  REM_TRY(rem_kv_iterator_narrow(w->iterator, rem_slice_of(bounds.data, size),
                                 rem_slice_of(bounds.data + size, bounds.size - size), err));
  return scan_all(j, w, err);
}

static void run_part(void *context, size_t part, size_t worker_index) {
  job *j = context;
  worker *w = &j->workers[worker_index];
  if (atomic_load_explicit(&j->failed, memory_order_relaxed)) return;
  unsigned width = 256 / PART_COUNT, first = (unsigned)part * width;
  w->status = scan_range(j, w, first, first + width, &w->error);
  if (w->status < 0) atomic_store_explicit(&j->failed, true, memory_order_relaxed);
}

static void workers_free(worker *workers, size_t count) {
  for (size_t i = 0; workers != NULL && i < count; i++) {
    rem_kv_iterator_free(workers[i].iterator);
    rem_top_k_deinit(&workers[i].top);
  }
  rem_free(workers);
}

/* The workers' heaps into the first one; or the first failure. */
static rem_status gather(worker *workers, size_t count, rem_vector_hits *ret_hits, rem_error *err) {
  uint64_t scanned = 0;
  for (size_t i = 0; i < count; i++) {
    if (workers[i].status < 0) {
      if (err != NULL) *err = workers[i].error;
      return workers[i].status;
    }
    scanned += workers[i].scanned;
    if (i > 0) REM_TRY(rem_top_k_merge(&workers[0].top, &workers[i].top, err));
  }
  rem_top_k *top = &workers[0].top;
  rem_top_k_finish(top);
  *ret_hits = (rem_vector_hits){.hits = REM_TAKE(top->hits), .count = top->count, .scanned = scanned};
  return REM_OK;
}

/* The pool, when there is one and enough to do for it. */
static rem_status choose_pool(const job *j, rem_thread_pool **ret_pool, rem_error *err) {
  *ret_pool = NULL;
  if (j->scan->pool == NULL) return REM_OK;
  rem_buffer end REM_AUTO_BUFFER = {0};
  rem_key_prefix_end(&end, j->prefix);
  REM_TRY(rem_buffer_status(&end, err));
  /* Of what is in files the range's part is known, of what is in memory only the family's whole. */
  rem_kv_family_stats stats;
  REM_TRY(rem_kv_stats(j->scan->kv, REM_CF_VECTORS, &stats, err));
  uint64_t bytes = stats.memory_bytes;
  bytes += rem_kv_range_bytes(j->scan->kv, REM_CF_VECTORS, j->prefix, rem_buffer_slice(&end));
  uint64_t least = j->scan->parallel_bytes != 0 ? j->scan->parallel_bytes : PARALLEL_BYTES;
  if (bytes >= least) *ret_pool = j->scan->pool;
  return REM_OK;
}

static rem_status run_job(job *j, rem_vector_hits *ret_hits, rem_error *err) {
  rem_thread_pool *pool;
  REM_TRY(choose_pool(j, &pool, err));
  size_t count = pool != NULL ? rem_thread_pool_size(pool) + 1 : 1;
  j->workers = rem_calloc(count, sizeof *j->workers);
  if (j->workers == NULL) return rem_error_nomem(err);
  for (size_t i = 0; i < count; i++) {
    j->workers[i].scan = j->scan;
    j->workers[i].query = j->query;
    rem_top_k_init(&j->workers[i].top, j->scan->metric, j->scan->k);
  }
  if (pool != NULL)
    rem_thread_pool_for(pool, PART_COUNT, run_part, j);
  else
    j->workers[0].status = scan_range(j, &j->workers[0], 0, 256, &j->workers[0].error);
  rem_status status = gather(j->workers, count, ret_hits, err);
  workers_free(j->workers, count);
  return status;
}

rem_status rem_vector_scan_run(const rem_vector_scan *scan, rem_vector_hits *ret_hits, rem_error *err) {
  REM_TRY(rem_vector_check(scan->query, scan->dimension, err));
  rem_buffer prefix REM_AUTO_BUFFER = {0};
  rem_key_vector_prefix(&prefix, scan->tenant, scan->table, scan->slot);
  REM_TRY(rem_buffer_status(&prefix, err));
  rem_kv_snapshot *snapshot REM_AUTO_SNAPSHOT = NULL;
  if (scan->snapshot == NULL) REM_TRY(rem_kv_snapshot_acquire(scan->kv, &snapshot, err));
  rem_query query;
  rem_query_init(&query, scan->metric, scan->query, scan->dimension);
  job j = {.scan = scan,
           .snapshot = scan->snapshot != NULL ? scan->snapshot : snapshot,
           .query = &query,
           .prefix = rem_buffer_slice(&prefix),
           .keep = rem_kv_scan_again(scan->kv, REM_CF_VECTORS)};
  return run_job(&j, ret_hits, err);
}
