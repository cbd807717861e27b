/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world of vectors for the tests of ann/: a database with rows that are nothing but a header, commits that put, delete, bring back and purge
 * them as the engine would, and the plain answer to any search by looking at everything a snapshot has.
 */
#ifndef REM_TESTS_ANN_TEST_H
#define REM_TESTS_ANN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ann/ann.h"
#include "base/file.h"
#include "schema/record.h"
#include "storage/key.h"
#include "storage/log.h"

#define TENANT "t"
#define TABLE "notes"
#define DIMENSION 24
#define CLUSTERS 12

/* Said at once: what cmocka holds back is lost when the thread is not the test's own. */
#define FAIL(...)                                                                                                      \
  do {                                                                                                                 \
    fprintf(stderr, __VA_ARGS__);                                                                                      \
    fprintf(stderr, " (%s:%d)\n", __FILE__, __LINE__);                                                                 \
    fail();                                                                                                            \
  } while (0)

#define OK(call)                                                                                                       \
  do {                                                                                                                 \
    rem_error ok_error = {0};                                                                                          \
    rem_error *err = &ok_error;                                                                                        \
    rem_status ok_status = (call);                                                                                     \
    if (ok_status < 0)                                                                                                 \
      FAIL("%s: %s (%s)", #call, ok_error.message, rem_status_name(ok_status));                                        \
  } while (0)

typedef struct world {
  char path[64];
  rem_kv *kv;
  rem_committer *committer; /* NULL: a reader */
  rem_identity identity;
  rem_thread_pool *pool;
  rem_ann_options options;
  rem_ann *ann;
  _Atomic int64_t live;
} world;

typedef struct world_op {
  enum { PUT, HIDE, SHOW, PURGE } kind;
  uint32_t row;
  uint64_t version; /* PUT: which vector */
} world_op;

/* ---- numbers ---- */

static inline uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

typedef struct randoms {
  uint64_t state;
} randoms;

static inline uint64_t next_random(randoms *r, uint64_t below) {
  return mix(r->state++) % below;
}

static inline void row_id(uint32_t row, uint8_t ret_id[16]) {
  uint64_t high = mix(row), low = mix(high);
  memcpy(ret_id, &high, 8);
  memcpy(ret_id + 8, &low, 8);
  memcpy(ret_id + 12, &row, 4);
}

static inline uint32_t id_row(const uint8_t id[16]) {
  uint32_t row;
  memcpy(&row, id + 12, 4);
  return row;
}

/* Numbers from here on: vectors that differ in their last bits. */
#define NEARLY_EQUAL (UINT64_C(1) << 40)

/* A unit vector near one of a few centres, as embeddings are. */
static inline void make_vector(uint64_t number, float ret_vector[DIMENSION]) {
  double length = 0;
  if (number >= NEARLY_EQUAL) {
    uint64_t step = mix(number) % 1024; /* not in the order of numbers */
    make_vector(5, ret_vector);
    ret_vector[0] += (float)step * 0x1p-23f;
    ret_vector[1] -= (float)(number % 7) * 0x1p-23f;
    return;
  }
  for (size_t i = 0; i < DIMENSION; i++) {
    double centre = (double)(mix(number % CLUSTERS * 977 + i) % 2001) / 1000 - 1;
    double own = (double)(mix(number * 131 + i) % 2001) / 1000 - 1;
    ret_vector[i] = (float)(centre + 0.7 * own);
    length += (double)ret_vector[i] * ret_vector[i];
  }
  for (size_t i = 0; i < DIMENSION; i++)
    ret_vector[i] = (float)(ret_vector[i] / __builtin_sqrt(length));
}

/* ---- life ---- */

static inline void world_attach(world *w, bool writer) {
  rem_kv_options options;
  rem_kv_options_init(&options);
  options.mode = writer ? REM_KV_WRITE : REM_KV_READ;
  options.write_buffer_bytes = (size_t)4 << 20;
  OK(rem_kv_open(w->path, &options, &w->kv, err));
  OK(rem_identity_load(w->kv, &w->identity, err));
  if (writer)
    OK(rem_committer_new(w->kv, 0, &w->committer, err));
  OK(rem_thread_pool_new(2, &w->pool, err));
  w->options.kv = w->kv;
  w->options.committer = w->committer;
  w->options.pool = w->pool;
  w->options.identity = &w->identity;
  OK(rem_ann_new(&w->options, &w->ann, err));
}

static inline void world_detach(world *w, bool discard) {
  rem_ann_close(w->ann, discard);
  rem_thread_pool_free(w->pool);
  rem_committer_free(w->committer);
  OK(rem_kv_close(w->kv, err));
  w->ann = NULL;
  w->pool = NULL;
  w->committer = NULL;
  w->kv = NULL;
}

static inline world *world_new(size_t min_rows) {
  world *w = calloc(1, sizeof *w);
  const char *base = getenv("TMPDIR");
  snprintf(w->path, sizeof w->path, "%.40s/rem-ann-XXXXXX", base && *base ? base : "/tmp");
  assert_non_null(mkdtemp(w->path));
  rem_kv_options options;
  rem_kv_batch *batch;
  rem_kv_options_init(&options);
  options.mode = REM_KV_CREATE;
  OK(rem_kv_open(w->path, &options, &w->kv, err));
  OK(rem_kv_batch_new(w->kv, &batch, err));
  OK(rem_identity_create(batch, &w->identity, err));
  OK(rem_kv_write(w->kv, batch, false, err));
  rem_kv_batch_free(batch);
  OK(rem_kv_close(w->kv, err));
  w->options.min_rows = min_rows;
  world_attach(w, true);
  return w;
}

static inline void world_free(world *w) {
  world_detach(w, true);
  OK(rem_file_remove_tree(w->path, err));
  free(w);
}

/* A reader of the same database; the model of it is the store itself. */
static inline world *world_reader(const world *of) {
  world *w = calloc(1, sizeof *w);
  memcpy(w->path, of->path, sizeof w->path);
  w->options.min_rows = of->options.min_rows;
  world_attach(w, false);
  return w;
}

static inline void world_reader_free(world *w) {
  world_detach(w, true);
  free(w);
}

static inline rem_ann_target world_target(void) {
  return (rem_ann_target){.tenant = TENANT, .table = TABLE, .dimension = DIMENSION, .model_hash = "model"};
}

/* ---- commits ---- */

typedef struct world_commit_run {
  world *w;
  const world_op *ops;
  size_t count;
  rem_ann_change changes[64];
  float vectors[64][DIMENSION];
  uint64_t last;
} world_commit_run;

static inline void put_header(rem_commit_group *group, const uint8_t id[16], bool deleted) {
  uint8_t whole[REM_RECORD_HEADER_SIZE] = {REM_RECORD_VERSION}, stub[REM_RECORD_HEADER_SIZE];
  rem_buffer *key = rem_commit_scratch(group, 0);
  whole[1] = deleted ? REM_RECORD_DELETED : 0;
  rem_record_make_stub(whole, stub);
  rem_key_entity(key, TENANT, TABLE, id);
  rem_commit_put(group, REM_CF_ENTITIES, rem_buffer_slice(key), rem_slice_of(stub, sizeof stub), REM_COMMIT_BLIND);
}

static inline void put_log(rem_commit_group *group, const rem_ann_change *change) {
  uint8_t value[17];
  rem_buffer *key = rem_commit_scratch(group, 1);
  value[0] = change->gone ? 2 : 1;
  memcpy(value + 1, change->id, 16);
  rem_key_vector_log(key, TENANT, TABLE, 0, change->seq);
  rem_commit_put(group, REM_CF_VECTOR_LOG, rem_buffer_slice(key), rem_slice_of(value, sizeof value), REM_COMMIT_BLIND);
}

static inline rem_status world_apply(void *context, rem_commit_group *group, rem_error *err) {
  world_commit_run *run = context;
  for (size_t i = 0; i < run->count; i++) {
    const world_op *op = &run->ops[i];
    rem_ann_change *change = &run->changes[i];
    rem_log_append append = {.tenant = TENANT, .operation = REM_LOG_PUT, .epoch = 1};
    *change = (rem_ann_change){.gone = op->kind == HIDE || op->kind == PURGE};
    row_id(op->row, change->id);
    REM_TRY(rem_log_put(group, &append, &change->seq, err));
    rem_buffer *key = rem_commit_scratch(group, 2), *row = rem_commit_scratch(group, 3);
    rem_key_vector(key, TENANT, TABLE, 0, change->id);
    rem_key_entity(row, TENANT, TABLE, change->id);
    if (op->kind == PUT) {
      make_vector(op->version, run->vectors[i]);
      change->vector = run->vectors[i];
      rem_commit_put(group, REM_CF_VECTORS, rem_buffer_slice(key), rem_slice_of(run->vectors[i], sizeof run->vectors[i]), REM_COMMIT_BLIND);
    }
    if (op->kind == PURGE) {
      rem_commit_delete(group, REM_CF_VECTORS, rem_buffer_slice(key), REM_COMMIT_BLIND);
      rem_commit_delete(group, REM_CF_ENTITIES, rem_buffer_slice(row), REM_COMMIT_BLIND);
    } else {
      put_header(group, change->id, op->kind == HIDE);
    }
    put_log(group, change);
    run->last = change->seq;
  }
  return REM_OK;
}

static inline void world_committed(void *context) {
  world_commit_run *run = context;
  rem_ann_target target = world_target();
  rem_ann_committed(run->w->ann, &target, run->changes, run->count, run->w->live);
  rem_ann_advance(run->w->ann, TENANT, run->last);
}

/* At most 64 ops. `w->live` is the caller's to keep. */
static inline void world_commit(world *w, const world_op *ops, size_t count) {
  world_commit_run *run = calloc(1, sizeof *run);
  *run = (world_commit_run){.w = w, .ops = ops, .count = count};
  rem_commit_request request = {.apply = world_apply, .committed = world_committed, .context = run};
  OK(rem_commit_submit(w->committer, &request, err));
  rem_ann_upkeep(w->ann, TENANT);
  free(run);
}

static inline void world_fill(world *w, uint32_t first, uint32_t end) {
  for (uint32_t row = first; row < end; row += 64) {
    world_op ops[64];
    size_t count = end - row < 64 ? end - row : 64;
    for (size_t i = 0; i < count; i++)
      ops[i] = (world_op){.kind = PUT, .row = row + (uint32_t)i, .version = row + i};
    w->live += (int64_t)count;
    world_commit(w, ops, count);
  }
}

/* ---- answers ---- */

static inline bool is_live(world *w, const rem_kv_snapshot *snapshot, const uint8_t id[16]) {
  rem_kv_pin pin = {0};
  rem_buffer key = {0};
  rem_key_entity(&key, TENANT, TABLE, id);
  rem_status status;
  OK(status = rem_kv_get(w->kv, snapshot, REM_CF_ENTITIES, rem_buffer_slice(&key), &pin, err));
  bool live = status == REM_OK && (pin.data[1] & REM_RECORD_DELETED) == 0;
  rem_kv_pin_release(&pin);
  rem_buffer_deinit(&key);
  return live;
}

static inline int compare_ids(const void *a, const void *b) {
  return memcmp(a, b, 16);
}

/* The ids of every `step`-th row up to `end`, as a set that searches share. */
static inline rem_ann_ids *world_ids(uint32_t end, uint32_t step) {
  uint8_t(*ids)[16] = rem_alloc((end / step + 1) * sizeof *ids);
  rem_ann_ids *set = NULL;
  size_t count = 0;
  assert_non_null(ids);
  for (uint32_t row = 0; row < end; row += step)
    row_id(row, ids[count++]);
  qsort(ids, count, sizeof *ids, compare_ids);
  OK(rem_ann_ids_new(ids, count, &set, err));
  return set;
}

static inline bool is_of(const rem_ann_ids *set, const uint8_t id[16]) {
  return !set || bsearch(id, rem_ann_ids_items(set), rem_ann_ids_count(set), 16, compare_ids);
}

/* All live rows of the snapshot that are of the set (NULL: all) with their scores, best first. */
static inline rem_vector_hits plain_answer(world *w, const rem_kv_snapshot *snapshot, const float *query, const rem_ann_ids *set) {
  rem_vector_scan scan = {.kv = w->kv, .snapshot = snapshot, .tenant = TENANT, .table = TABLE, .query = query, .dimension = DIMENSION};
  rem_vector_hits hits = {0};
  OK(rem_vector_scan_run(&scan, &hits, err));
  size_t kept = 0;
  for (size_t i = 0; i < hits.count; i++)
    if (is_of(set, hits.hits[i].id) && is_live(w, snapshot, hits.hits[i].id))
      hits.hits[kept++] = hits.hits[i];
  hits.count = kept;
  return hits;
}

/* How the answers of a search compare with the plain ones: REM_NOT_FOUND when no index could answer. An exact search must give the very same hits; a walk
 * rows that live, with their true scores, and as many as there are. `ret_recall` (may be NULL) is the share of the true ones. */
static inline rem_status world_compare_of(world *w, const rem_kv_snapshot *snapshot, const float *vector, size_t k, bool exact, rem_ann_ids *set,
                                          double *ret_recall) {
  rem_ann_target target = world_target();
  rem_ann_query query = {.vector = vector, .k = k, .exact = exact, .shared = set};
  if (set) {
    query.ids = rem_ann_ids_items(set);
    query.id_count = rem_ann_ids_count(set);
  }
  rem_vector_hits hits = {0};
  rem_status status;
  OK(status = rem_ann_search(w->ann, &target, snapshot, &query, &hits, NULL, err));
  if (status == REM_NOT_FOUND)
    return status;
  rem_vector_hits wanted = plain_answer(w, snapshot, vector, set);
  size_t count = k && k < wanted.count ? k : wanted.count, common = 0;
  if (hits.count != count)
    FAIL("%zu hits where there are %zu", hits.count, count);
  for (size_t i = 0; i < count; i++) {
    size_t place = 0;
    while (place < wanted.count && memcmp(wanted.hits[place].id, hits.hits[i].id, 16) != 0)
      place++;
    if (place == wanted.count)
      FAIL("row %u is not in the snapshot", id_row(hits.hits[i].id));
    if (__builtin_fabs(wanted.hits[place].score - hits.hits[i].score) > 1e-5)
      FAIL("row %u scores %.9g instead of %.9g", id_row(hits.hits[i].id), hits.hits[i].score, wanted.hits[place].score);
    common += place < count;
    if (exact && place != i)
      FAIL("row %u is at place %zu instead of %zu", id_row(hits.hits[i].id), i, place);
  }
  if (ret_recall)
    *ret_recall = count ? (double)common / (double)count : 1;
  rem_vector_hits_deinit(&wanted);
  rem_vector_hits_deinit(&hits);
  return REM_OK;
}

static inline rem_status world_compare(world *w, const rem_kv_snapshot *snapshot, const float *vector, size_t k, bool exact, double *ret_recall) {
  return world_compare_of(w, snapshot, vector, k, exact, NULL, ret_recall);
}

static inline rem_kv_snapshot *world_snapshot(world *w) {
  rem_kv_snapshot *snapshot = NULL;
  OK(rem_kv_snapshot_acquire(w->kv, &snapshot, err));
  return snapshot;
}

static inline rem_ann_stats world_stats(world *w) {
  rem_ann_target target = world_target();
  rem_ann_stats stats;
  rem_ann_stats_get(w->ann, &target, &stats);
  return stats;
}

static inline void world_checkpoint(world *w) {
  rem_ann_target target = world_target();
  OK(rem_ann_checkpoint(w->ann, &target, false, err));
}

/* The file agrees with the store. */
static inline void world_check(world *w) {
  rem_ann_target target = world_target();
  uint64_t rows;
  rem_kv_snapshot *snapshot = world_snapshot(w);
  OK(rem_ann_check(w->ann, &target, snapshot, &rows, err));
  rem_kv_snapshot_release(snapshot);
}

static inline uint64_t test_scale(void) {
  const char *text = getenv("REM_TEST_SCALE");
  return text && atoi(text) > 0 ? (uint64_t)atoi(text) : 1;
}

#endif
