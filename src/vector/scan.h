/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scan: exact search. Every stored vector of one (tenant, table, slot) is compared with the query, in key order, in place.
 *
 * Complete by construction: min(k, matches) hits, and with a threshold every match. Under one snapshot the answer is a function
 * of the data alone (order: top_k.h), with or without threads.
 */
#ifndef REM_VECTOR_SCAN_H
#define REM_VECTOR_SCAN_H

#include <stdatomic.h>

#include "base/thread_pool.h"
#include "storage/kv.h"
#include "vector/top_k.h"

/* Initialise with {0} and fill in. Everything is borrowed during the call. */
typedef struct rem_vector_scan {
  rem_kv *kv;
  const rem_kv_snapshot *snapshot; /* NULL: the latest; taken once for the whole scan */
  const char *tenant, *table;
  unsigned slot;
  rem_metric metric;
  const float *query;
  size_t dimension;
  size_t k;            /* 0: all (that pass the threshold) */
  bool has_threshold;
  double threshold;    /* least similarity, or greatest distance; a score equal to it passes */
  /* The rows that count: both NULL: all. */
  bool (*accept)(void *context, const uint8_t id[16]); /* called from several threads at once when `pool` is given */
  void *accept_context;
  const uint8_t (*ids)[16]; /* sorted ascending, without doubles */
  size_t id_count;
  const atomic_bool *cancel; /* polled; REM_CANCELLED */
  rem_thread_pool *pool;     /* NULL: this thread alone */
  uint64_t parallel_bytes;   /* size of the stored vectors from which on the pool is used; 0: 8 MiB */
} rem_vector_scan;

typedef struct rem_vector_hits {
  rem_vector_hit *hits; /* best first */
  size_t count;
  uint64_t scanned; /* vectors compared */
} rem_vector_hits;
void rem_vector_hits_deinit(rem_vector_hits *hits);
#define REM_AUTO_VECTOR_HITS REM_CLEANUP(rem_vector_hits_deinit)

/*
 * REM_INVALID: the query is not usable (rem_vector_check()); REM_CORRUPT: a stored vector has another dimension;
 * REM_CANCELLED; REM_NOMEM.
 */
REM_CHECKED rem_status rem_vector_scan_run(const rem_vector_scan *scan, rem_vector_hits *ret_hits, rem_error *err);

#endif
