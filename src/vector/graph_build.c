/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build: codes for all vectors, then their links, in an order drawn at random so that early nodes are spread over the data. The first
 * thousand are linked one after the other, the rest on all threads at once.
 */
#include "vector/graph_internal.h"

#define SAMPLE 8192
#define ALONE  1000
#define CHUNK  64

typedef struct build_run {
  rem_graph *g;
  uint32_t *order; /* vectors, shuffled; node i is that of the i-th vector in use */
  uint32_t *nodes; /* vector -> node */
  uint32_t count;
  const atomic_bool *cancel;
  _Atomic uint64_t *progress;
  rem_graph_scratch **scratches; /* by worker */
} build_run;

static rem_status train(rem_graph *g, const uint32_t *vectors, uint32_t count, rem_error *err) {
  size_t taken = count < SAMPLE ? count : SAMPLE, dimension = g->options.dimension;
  float *sample REM_AUTO_FREE = rem_alloc((taken > 0 ? taken : 1) * dimension * sizeof *sample);
  if (sample == NULL) return rem_error_nomem(err);
  for (size_t i = 0; i < taken; i++)
    rem_graph__direction(g, vectors[i * count / taken], sample + i * dimension);
  rem_graph_codec_deinit(&g->codec);
  REM_TRY(rem_graph_codec_train(&g->codec, dimension, sample, taken, err));
  rem_graph__shape(g);
  return REM_OK;
}

/* Forgets all nodes. */
static void reset(rem_graph *g) {
  g->built = false;
  g->node_count = g->node_capacity = 0;
  g->free_nodes.count = g->limbo_nodes.count = 0;
  g->pivot_count = 0;
  atomic_store(&g->drift, 0);
  atomic_store(&g->linked_nodes, 0);
  rem_graph_region *regions[] = {&g->records, &g->first_vector, &g->link_codes, &g->link_norms, &g->inverses, &g->locks, &g->pivot_codes};
  for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
    rem_graph__region_free(regions[i]);
  for (uint32_t i = 0; i < g->vector_count; i++) {
    rem_graph_place *place = rem_graph__place(g, i);
    place->node = place->next = REM_GRAPH_NONE;
  }
  rem_graph__scratch_free_all(g);
}

static bool is_cancelled(const build_run *run) {
  return run->cancel != NULL && atomic_load_explicit(run->cancel, memory_order_relaxed);
}

static void encode_chunk(void *context, size_t index, size_t worker) {
  build_run *run = context;
  rem_graph *g = run->g;
  float *direction = run->scratches[worker]->direction;
  for (size_t i = index * CHUNK; i < (index + 1) * CHUNK && i < run->count && !is_cancelled(run); i++) {
    uint32_t vector = run->order[i], node = run->nodes[vector];
    rem_graph__direction(g, vector, direction);
    rem_graph__set_codes(g, node, vector, direction);
    rem_graph__clear_links(g, node);
    rem_graph__set_first_vector(g, node, REM_GRAPH_NONE);
  }
}

static void link_one(build_run *run, size_t index, rem_graph_scratch *scratch) {
  rem_graph *g = run->g;
  uint32_t vector = run->order[index], node = run->nodes[vector];
  rem_graph__direction(g, vector, scratch->direction);
  rem_graph__set_first_vector(g, node, vector);
  rem_graph__set(&rem_graph__place(g, vector)->node, node);
  uint32_t target = rem_graph__link_node(g, scratch, node, scratch->direction);
  if (target != node) {
    rem_graph__set_first_vector(g, node, REM_GRAPH_NONE);
    (void)rem_graph__join(g, vector, target);
  } else if (index < ALONE) {
    rem_graph__add_pivot(g, node);
  }
  if (run->progress != NULL) atomic_fetch_add_explicit(run->progress, 1, memory_order_relaxed);
}

static void link_chunk(void *context, size_t index, size_t worker) {
  build_run *run = context;
  size_t begin = ALONE + index * CHUNK;
  for (size_t i = begin; i < begin + CHUNK && i < run->count && !is_cancelled(run); i++)
    link_one(run, i, run->scratches[worker]);
}

static void for_each_chunk(build_run *run, rem_thread_pool *pool, size_t count, void (*work)(void *, size_t, size_t)) {
  size_t chunks = (count + CHUNK - 1) / CHUNK;
  if (pool != NULL) {
    rem_thread_pool_for(pool, chunks, work, run);
    return;
  }
  for (size_t i = 0; i < chunks; i++)
    work(run, i, 0);
}

/* Numbers without use go to the free lists; a build ends with none in limbo. */
static rem_status collect_free(rem_graph *g, rem_error *err) {
  g->free_vectors.count = g->limbo_vectors.count = 0;
  for (uint32_t i = 0; i < g->vector_count; i++) {
    if (rem_graph__place(g, i)->first_row == REM_GRAPH_NONE) REM_TRY(rem_graph__numbers_push(&g->free_vectors, i, err));
  }
  for (uint32_t i = 0; i < g->node_count; i++) {
    if (rem_graph__first_vector(g, i) == REM_GRAPH_NONE) REM_TRY(rem_graph__numbers_push(&g->free_nodes, i, err));
  }
  atomic_store(&g->linked_nodes, g->node_count - (uint32_t)g->free_nodes.count);
  return REM_OK;
}

static void shuffle(uint32_t *items, uint32_t count) {
  uint64_t random = 7;
  for (uint32_t i = count; i > 1; i--) {
    random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint32_t j = (uint32_t)((random >> 33) % i), kept = items[i - 1];
    items[i - 1] = items[j];
    items[j] = kept;
  }
}

static rem_status make_scratches(build_run *run, size_t workers, rem_error *err) {
  size_t most = 2 * (size_t)run->g->options.build_ef;
  for (size_t i = 0; i < workers; i++) {
    REM_TRY(rem_graph__scratch_take(run->g, most, &run->scratches[i], err));
    REM_TRY(rem_graph__numbers_reserve(&run->scratches[i]->nodes, most, err));
  }
  return REM_OK;
}

/* Everything is there: no call below can fail but by the caller's wish. */
static rem_status link_all(build_run *run, rem_thread_pool *pool, rem_error *err) {
  for_each_chunk(run, pool, run->count, encode_chunk);
  for (size_t i = 0; i < run->count && i < ALONE && !is_cancelled(run); i++)
    link_one(run, i, run->scratches[0]);
  if (run->count > ALONE) for_each_chunk(run, pool, run->count - ALONE, link_chunk);
  if (is_cancelled(run)) return rem_error_set(err, REM_CANCELLED, "building the vector index was interrupted");
  return collect_free(run->g, err);
}

static rem_status prepare(build_run *run, size_t workers, rem_error *err) {
  rem_graph *g = run->g;
  for (uint32_t i = 0; i < g->vector_count; i++) {
    if (rem_graph__place(g, i)->first_row == REM_GRAPH_NONE) continue;
    run->nodes[i] = run->count;
    run->order[run->count++] = i;
  }
  REM_TRY(train(g, run->order, run->count, err));
  REM_TRY(rem_graph__ensure(g, 0, 0, run->count, err));
  REM_TRY(rem_graph__region_grow(&g->pivot_codes, 0, REM_GRAPH_PIVOTS * g->codec.lines * REM_GRAPH_LINE, err));
  REM_TRY(rem_graph__region_grow(&g->link_codes, 0, (run->count + 1) * g->codec.link_bytes, err));
  REM_TRY(rem_graph__region_grow(&g->link_norms, 0, (run->count + 1) * sizeof(int32_t), err));
  g->node_count = run->count;
  shuffle(run->order, run->count);
  return make_scratches(run, workers, err);
}

static rem_status build(rem_graph *g, rem_thread_pool *pool, const atomic_bool *cancel, _Atomic uint64_t *progress, rem_error *err) {
  size_t workers = pool != NULL ? rem_thread_pool_size(pool) + 1 : 1, room = (size_t)g->vector_count + 1;
  uint32_t *order REM_AUTO_FREE = rem_alloc(room * sizeof *order), *nodes REM_AUTO_FREE = rem_alloc(room * sizeof *nodes);
  rem_graph_scratch **scratches REM_AUTO_FREE = rem_calloc(workers, sizeof *scratches);
  if (order == NULL || nodes == NULL || scratches == NULL) return rem_error_nomem(err);
  build_run run = {.g = g, .order = order, .nodes = nodes, .cancel = cancel, .progress = progress, .scratches = scratches};
  reset(g);
  rem_status status = prepare(&run, workers, err);
  if (status >= 0) status = link_all(&run, pool, err);
  for (size_t i = 0; i < workers; i++)
    rem_graph__scratch_give(g, scratches[i]);
  rem_graph__region_free(&g->link_codes);
  rem_graph__region_free(&g->link_norms);
  g->built = status >= 0;
  if (status < 0) reset(g);
  return status;
}

rem_status rem_graph_build(rem_graph *g, rem_thread_pool *pool, const atomic_bool *cancel, _Atomic uint64_t *progress, rem_error *err) {
  if (g->read_only) return rem_error_set(err, REM_READONLY, "the vector index was opened for reading");
  pthread_mutex_lock(&g->change);
  rem_status status = build(g, pool, cancel, progress, err);
  atomic_fetch_add(&g->generation, 1);
  pthread_mutex_unlock(&g->change);
  return status;
}
