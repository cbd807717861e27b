/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors in clusters, as embeddings lie, and graphs over them; a brute force to compare with. */
#ifndef REM_TESTS_VECTOR_GRAPH_FIXTURE_H
#define REM_TESTS_VECTOR_GRAPH_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vector/graph.h"

static uint64_t fixture_seed = 20260731;

static inline uint32_t random_below(uint32_t bound) {
  fixture_seed = fixture_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(((fixture_seed >> 32) * bound) >> 32);
}

/* Near enough to normal: a sum of four. */
static inline float random_normal(void) {
  float sum = 0;
  for (int i = 0; i < 4; i++)
    sum += (float)random_below(1 << 20) / (float)(1 << 20) - 0.5f;
  return sum * 1.73f;
}

static inline void normalise(float *v, size_t dimension) {
  double squares = 0;
  for (size_t i = 0; i < dimension; i++)
    squares += (double)v[i] * (double)v[i];
  for (size_t i = 0; i < dimension; i++)
    v[i] = (float)((double)v[i] / sqrt(squares > 0 ? squares : 1));
}

/* `count` unit vectors around `clusters` centres drawn from fixed seeds, so that sets made apart share them. */
static inline float *clustered(size_t count, size_t dimension, size_t clusters) {
  float *centres = malloc(clusters * dimension * sizeof *centres), *values = malloc((count + 1) * dimension * sizeof *values);
  assert_non_null(centres);
  assert_non_null(values);
  uint64_t kept = fixture_seed;
  fixture_seed = 99;
  for (size_t i = 0; i < clusters * dimension; i++)
    centres[i] = random_normal();
  fixture_seed = kept;
  for (size_t i = 0; i < count; i++) {
    const float *centre = centres + random_below((uint32_t)clusters) * dimension;
    for (size_t j = 0; j < dimension; j++)
      values[i * dimension + j] = centre[j] + 0.9f * random_normal();
    normalise(values + i * dimension, dimension);
  }
  free(centres);
  return values;
}

static inline void make_id(uint8_t id[16], size_t number) {
  memset(id, 0x5a, 16);
  for (int i = 0; i < 8; i++)
    id[i] = (uint8_t)(number >> (8 * (7 - i)));
}

static inline size_t number_of(const uint8_t id[16]) {
  size_t number = 0;
  for (int i = 0; i < 8; i++)
    number = number << 8 | id[i];
  return number;
}

#define must(call)                                                    \
  do {                                                                \
    rem_error must_err = {0};                                         \
    rem_error *err = &must_err;                                       \
    if ((call) < 0) fail_msg("%s: %s", #call, must_err.message);      \
  } while (0)

static inline rem_graph *new_graph(size_t dimension) {
  rem_graph *graph = NULL;
  const rem_graph_options options = {.dimension = dimension, .build_ef = 100};
  must(rem_graph_new(&options, &graph, err));
  return graph;
}

static inline void insert_row(rem_graph *graph, size_t number, const float *vector, uint64_t seq) {
  uint8_t id[16];
  make_id(id, number);
  must(rem_graph_insert(graph, id, vector, seq, err));
}

static inline void delete_row(rem_graph *graph, size_t number, uint64_t seq) {
  uint8_t id[16];
  make_id(id, number);
  must(rem_graph_delete(graph, id, seq, err));
}

/* A built graph of rows 0 to count - 1, born at 1 to count. */
static inline rem_graph *built_graph(const float *values, size_t count, size_t dimension) {
  rem_graph *graph = new_graph(dimension);
  for (size_t i = 0; i < count; i++)
    insert_row(graph, i, values + i * dimension, i + 1);
  must(rem_graph_build(graph, NULL, NULL, NULL, err));
  return graph;
}

static inline rem_vector_hits find(rem_graph *graph, const rem_graph_search *search, rem_graph_report *ret_report) {
  rem_vector_hits hits = {0};
  must(rem_graph_search_run(graph, search, &hits, ret_report, err));
  return hits;
}

static inline size_t common(const rem_vector_hits *a, const rem_vector_hits *b) {
  size_t found = 0;
  for (size_t i = 0; i < a->count; i++) {
    for (size_t j = 0; j < b->count; j++)
      found += memcmp(a->hits[i].id, b->hits[j].id, 16) == 0;
  }
  return found;
}

/* The share of the exact answers that a search finds, over `count` queries; all hits are checked to be in order and scored exactly. */
static inline double recall_of(rem_graph *graph, rem_graph_search search, const float *queries, size_t count, size_t dimension) {
  size_t wanted = 0, found = 0;
  for (size_t i = 0; i < count; i++) {
    search.query = queries + i * dimension;
    search.exact = false;
    rem_vector_hits walked REM_AUTO_VECTOR_HITS = find(graph, &search, NULL);
    search.exact = true;
    rem_vector_hits exact REM_AUTO_VECTOR_HITS = find(graph, &search, NULL);
    assert_int_equal(walked.count, exact.count);
    for (size_t j = 1; j < walked.count; j++)
      assert_false(rem_metric_better(search.metric, walked.hits[j].score, walked.hits[j - 1].score));
    for (size_t j = 0; j < walked.count; j++)
      assert_false(rem_metric_better(search.metric, walked.hits[j].score, exact.hits[j].score));
    wanted += exact.count;
    found += common(&walked, &exact);
  }
  return wanted > 0 ? (double)found / (double)wanted : 1;
}

#endif
