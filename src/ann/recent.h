/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recent: the changes of vectors that a graph does not reflect yet, in the order of their sequence numbers, searched exactly.
 *
 * A change gives an id a vector, or takes it away. At sequence s an id that changed at or before s is answered here (by its last change up to s), and
 * whatever the graph has of it is hidden: those ids are a prefix of `ids`, since they are kept in the order of their first change.
 *
 *   ops    [seq id vector until] [seq id gone] …        until: the id's next change
 *   ids    [id first_seq last_op] …                     found by a hash table over the ids
 *
 * Not thread-safe: the index's lock covers it.
 */
#ifndef REM_ANN_RECENT_H
#define REM_ANN_RECENT_H

#include "vector/top_k.h"

#define REM_RECENT_GONE UINT32_MAX

typedef struct rem_recent_op {
  uint8_t id[16];
  uint64_t seq;
  uint64_t until;  /* the id's next change; UINT64_MAX: none yet */
  uint32_t vector; /* its place among the vectors; REM_RECENT_GONE: the id has none from seq on */
} rem_recent_op;

typedef struct rem_recent {
  size_t dimension;
  rem_recent_op *ops; /* ascending seq */
  size_t op_count, op_capacity;
  float **chunks; /* of vectors, so that they never move */
  size_t chunk_count, vector_count;
  uint8_t (*ids)[16]; /* ascending first_seqs */
  uint64_t *first_seqs;
  uint32_t *last_ops;
  size_t id_count, id_capacity;
  uint32_t *table; /* place in ids + 1 */
  size_t table_size;
} rem_recent;

/* Zero-initialised but for `dimension` it is empty. */
void rem_recent_deinit(rem_recent *recent);
/* `vector` (copied) is that of `id` from `seq` on; NULL: it has none. `seq` is not below that of any change before. On failure
 * nothing has changed. */
REM_CHECKED rem_status rem_recent_add(rem_recent *recent, const uint8_t id[16], const float *vector, uint64_t seq,
                                      rem_error *err);
/* How many of `ids` had changed by `seq`: the graph's rows of ids[0 .. n) do not count. */
size_t rem_recent_changed(const rem_recent *recent, uint64_t seq);
const float *rem_recent_vector(const rem_recent *recent, const rem_recent_op *op);

/* Which rows a scan looks at; all that is not given lets every row through. */
typedef struct rem_recent_scan {
  uint64_t seq;
  const rem_query *query;
  bool has_threshold;
  double threshold;
  bool (*accept)(void *context, const uint8_t id[16]);
  void *accept_context;
  const uint8_t (*ids)[16]; /* sorted */
  size_t id_count;
} rem_recent_scan;
/* Adds the vectors that ids have at `seq` to `top`; `ret_scored` counts those compared. */
REM_CHECKED rem_status rem_recent_search(const rem_recent *recent, const rem_recent_scan *scan, rem_top_k *top,
                                         uint64_t *ret_scored, rem_error *err);
/* Forgets the first `count` changes, which the graph reflects now. On failure nothing has changed. */
REM_CHECKED rem_status rem_recent_drop(rem_recent *recent, size_t count, rem_error *err);
uint64_t rem_recent_memory_bytes(const rem_recent *recent);

#endif
