/* SPDX-License-Identifier: Apache-2.0 */
/* How well walks do: answers beside exact ones, for queries made of the graph's own vectors. */
#include "vector/graph_internal.h"

#define NEIGHBOURS 8 /* hits among which one that is another vector is looked for */

static size_t common_hits(const rem_vector_hits *a, const rem_vector_hits *b) {
  size_t common = 0;
  for (size_t i = 0; i < a->count; i++) {
    for (size_t j = 0; j < b->count; j++)
      common += memcmp(a->hits[i].id, b->hits[j].id, 16) == 0;
  }
  return common;
}

/* Copies a vector that has rows. */
static bool copy_vector(const rem_graph *g, uint32_t vector, float *ret_values) {
  if (vector >= atomic_load(&g->vector_count) || !rem_graph__touch_vector(g, vector) ||
      rem_graph__get(&rem_graph__place(g, vector)->first_row) == REM_GRAPH_NONE)
    return false;
  rem_graph__vector(g, vector, ret_values);
  return true;
}

/* The same by the id of a row. */
static bool copy_vector_of(const rem_graph *g, const uint8_t id[16], float *ret_values) {
  uint32_t row = rem_graph__find(g, id);
  return row != REM_GRAPH_NONE && copy_vector(g, rem_graph__get(&rem_graph__row(g, row)->vector), ret_values);
}

/* Of the best hits for `values` the first that is another vector. */
static rem_status find_neighbour(rem_graph *g, const float *values, float *ret_neighbour, bool *ret_found, rem_error *err) {
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  rem_graph_search search = {.query = values, .k = NEIGHBOURS};
  size_t bytes = g->options.dimension * sizeof(float);
  *ret_found = false;
  REM_TRY(rem_graph_search_run(g, &search, &hits, NULL, err));
  if (!g->read_only) pthread_rwlock_rdlock(&g->space);
  for (size_t i = 0; i < hits.count && !*ret_found; i++)
    *ret_found = copy_vector_of(g, hits.hits[i].id, ret_neighbour) && memcmp(ret_neighbour, values, bytes) != 0;
  if (!g->read_only) pthread_rwlock_unlock(&g->space);
  return REM_OK;
}

/*
 * A query as one that is not stored would be: a stored vector, moved by what parts another one from its nearest neighbour. So it is about as far
 * from the data as they are from each other, in a direction in which they differ, and no link was made for it. (A stored vector itself, or one near
 * it, is found too easily: its links lead to its neighbours.) `room` is for three vectors, the first of which becomes the query.
 */
static rem_status sample_query(rem_graph *g, size_t index, size_t count, float *room, bool *ret_made, rem_error *err) {
  size_t dimension = g->options.dimension;
  float *query = room, *other = room + dimension, *neighbour = other + dimension;
  if (!g->read_only) pthread_rwlock_rdlock(&g->space);
  uint32_t all = atomic_load(&g->vector_count), a = (uint32_t)((uint64_t)index * all / count);
  uint32_t b = (uint32_t)((uint64_t)(a + 1) * 2654435761u % all);
  *ret_made = copy_vector(g, a, query) && copy_vector(g, b, other);
  if (!g->read_only) pthread_rwlock_unlock(&g->space);
  if (!*ret_made) return REM_OK;
  REM_TRY(find_neighbour(g, other, neighbour, ret_made, err));
  for (size_t i = 0; *ret_made && i < dimension; i++)
    query[i] += other[i] - neighbour[i];
  *ret_made = *ret_made && rem_vector_check(query, dimension, NULL) == REM_OK; /* what is huge may have overflowed */
  return REM_OK;
}

rem_status rem_graph_estimate_recall(rem_graph *g, size_t query_count, size_t k, unsigned ef, double *ret_recall, rem_error *err) {
  float *query REM_AUTO_FREE = rem_alloc(3 * g->options.dimension * sizeof *query);
  if (query == NULL) return rem_error_nomem(err);
  size_t wanted = 0, found = 0;
  for (size_t i = 0; i < query_count && g->vector_count > 0; i++) {
    bool there;
    REM_TRY(sample_query(g, i, query_count, query, &there, err));
    if (!there) continue;
    rem_graph_search search = {.query = query, .k = k, .ef = ef};
    rem_vector_hits exact REM_AUTO_VECTOR_HITS = {0}, walked REM_AUTO_VECTOR_HITS = {0};
    REM_TRY(rem_graph_search_run(g, &search, &walked, NULL, err));
    search.exact = true;
    REM_TRY(rem_graph_search_run(g, &search, &exact, NULL, err));
    wanted += exact.count;
    found += common_hits(&walked, &exact);
  }
  *ret_recall = wanted > 0 ? (double)found / (double)wanted : 1;
  return REM_OK;
}
