/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a graph: regions that grow, lists of numbers, scratch of searches. */
#include "vector/graph_internal.h"

#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* Huge pages save a walk a fifth of its time: it touches memory everywhere. Advice only. */
static void advise(void *data, size_t bytes) {
  uintptr_t begin = ((uintptr_t)data + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1), end = ((uintptr_t)data + bytes) & ~(HUGE_PAGE - 1);
  if (end > begin) (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

rem_status rem_graph__region_grow(rem_graph_region *region, size_t kept_bytes, size_t bytes, rem_error *err) {
  size_t align = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : REM_GRAPH_LINE;
  uint8_t *allocation = rem_alloc(bytes + align);
  if (allocation == NULL) return rem_error_nomem(err);
  void *data = (void *)(((uintptr_t)allocation + align - 1) & ~(uintptr_t)(align - 1));
  advise(data, bytes);
  if (kept_bytes > 0) memcpy(data, region->data, kept_bytes);
  rem_free(region->allocation);
  *region = (rem_graph_region){data, allocation, bytes};
  return REM_OK;
}

void rem_graph__region_free(rem_graph_region *region) {
  rem_free(region->allocation);
  *region = (rem_graph_region){0};
}

rem_status rem_graph__numbers_reserve(rem_graph_numbers *numbers, size_t count, rem_error *err) {
  if (count <= numbers->capacity) return REM_OK;
  size_t capacity = numbers->capacity * 2 > count ? numbers->capacity * 2 : count + 64;
  uint32_t *items = rem_realloc(numbers->items, capacity * sizeof *items);
  if (items == NULL) return rem_error_nomem(err);
  numbers->items = items;
  numbers->capacity = capacity;
  return REM_OK;
}

rem_status rem_graph__numbers_push(rem_graph_numbers *numbers, uint32_t number, rem_error *err) {
  REM_TRY(rem_graph__numbers_reserve(numbers, numbers->count + 1, err));
  numbers->items[numbers->count++] = number;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Capacity                                                                                     */

static uint64_t mix(uint64_t x) {
  x ^= x >> 32;
  x *= UINT64_C(0xd6e8feb86659fd93);
  x ^= x >> 32;
  x *= UINT64_C(0xd6e8feb86659fd93);
  return x ^ x >> 32;
}

uint64_t rem_graph__id_hash(uint64_t seed, const uint8_t id[16]) {
  return mix(mix(rem_load_u64le(id) ^ seed) + rem_load_u64le(id + 8));
}

static void id_place(uint32_t *slots, uint32_t mask, uint64_t hash, uint32_t row) {
  uint32_t at = (uint32_t)hash & mask;
  while (slots[at] != REM_GRAPH_NONE)
    at = (at + 1) & mask;
  slots[at] = row;
}

/* A table of ids of twice the rows, without removed places. */
static rem_status grow_ids(rem_graph *g, size_t rows, rem_error *err) {
  size_t slots = 64;
  while (slots < rows * 2)
    slots *= 2;
  rem_graph_region fresh = {0};
  REM_TRY(rem_graph__region_grow(&fresh, 0, slots * sizeof(uint32_t), err));
  memset(fresh.data, 0xff, fresh.bytes);
  uint32_t used = 0;
  for (size_t i = 0; g->ids.data != NULL && i <= g->id_mask; i++) {
    uint32_t row = ((uint32_t *)g->ids.data)[i];
    if (row >= REM_GRAPH_GONE) continue;
    id_place(fresh.data, (uint32_t)slots - 1, rem_graph__id_hash(g->id_seed, rem_graph__row(g, row)->id), row);
    used++;
  }
  rem_graph__region_free(&g->ids);
  g->ids = fresh;
  g->id_mask = (uint32_t)slots - 1;
  g->id_used = used;
  return REM_OK;
}

static uint32_t next_capacity(uint32_t capacity, uint32_t needed) {
  uint64_t grown = (uint64_t)capacity + capacity / 2 + 64;
  if (grown > REM_GRAPH_MAX_ROWS) grown = REM_GRAPH_MAX_ROWS;
  return grown > needed ? (uint32_t)grown : needed;
}

static rem_status grow_nodes(rem_graph *g, uint32_t needed, rem_error *err) {
  if (needed <= g->node_capacity) return REM_OK;
  size_t capacity = next_capacity(g->node_capacity, needed), kept = g->node_count;
  REM_TRY(rem_graph__region_grow(&g->records, kept * g->stride, capacity * g->stride, err));
  REM_TRY(rem_graph__region_grow(&g->first_vector, kept * sizeof(uint32_t), capacity * sizeof(uint32_t), err));
  REM_TRY(rem_graph__region_grow(&g->inverses, kept * sizeof(float), capacity * sizeof(float), err));
  REM_TRY(rem_graph__region_grow(&g->locks, 0, capacity, err));
  memset(g->locks.data, 0, capacity);
  g->node_capacity = (uint32_t)capacity;
  return REM_OK;
}

static rem_status grow_rows(rem_graph *g, uint32_t rows, uint32_t vectors, rem_error *err) {
  if (rows > g->row_capacity) {
    size_t capacity = next_capacity(g->row_capacity, rows);
    REM_TRY(rem_graph__region_grow(&g->rows, g->row_count * sizeof(rem_graph_row), capacity * sizeof(rem_graph_row), err));
    g->row_capacity = (uint32_t)capacity;
  }
  if (vectors > g->vector_capacity) {
    size_t capacity = next_capacity(g->vector_capacity, vectors), bytes = g->vector_stride * sizeof(int16_t);
    REM_TRY(rem_graph__region_grow(&g->places, g->vector_count * sizeof(rem_graph_place), capacity * sizeof(rem_graph_place), err));
    REM_TRY(rem_graph__region_grow(&g->vectors, g->vector_count * bytes, capacity * bytes, err));
    g->vector_capacity = (uint32_t)capacity;
  }
  return REM_OK;
}

static bool has_room(const rem_graph *g, uint32_t rows, uint32_t vectors, uint32_t nodes) {
  return rows <= g->row_capacity && vectors <= g->vector_capacity && nodes <= g->node_capacity &&
         g->ids.data != NULL && ((uint64_t)g->id_used + rows - g->row_count) * 3 <= ((uint64_t)g->id_mask + 1) * 2;
}

rem_status rem_graph__ensure(rem_graph *g, uint32_t rows, uint32_t vectors, uint32_t nodes, rem_error *err) {
  uint64_t row_total = (uint64_t)g->row_count + rows;
  if (row_total > REM_GRAPH_MAX_ROWS) {
    rem_error_set(err, REM_LIMIT, "a vector index holds at most %u rows", REM_GRAPH_MAX_ROWS);
    return REM_LIMIT;
  }
  uint32_t row_goal = (uint32_t)row_total, vector_goal = g->vector_count + vectors, node_goal = g->node_count + nodes;
  if (has_room(g, row_goal, vector_goal, node_goal)) return REM_OK;
  pthread_rwlock_wrlock(&g->space);
  rem_status status = grow_rows(g, row_goal, vector_goal, err);
  if (status >= 0) status = grow_nodes(g, node_goal, err);
  if (status >= 0 && !has_room(g, row_goal, vector_goal, node_goal))
    status = grow_ids(g, g->row_capacity > row_goal ? g->row_capacity : row_goal, err);
  pthread_rwlock_unlock(&g->space);
  return status;
}

/* ------------------------------------------------------------------------------------------- */
/* Ids                                                                                          */

uint32_t rem_graph__find(const rem_graph *g, const uint8_t id[16]) {
  if (g->ids.data == NULL) return REM_GRAPH_NONE;
  const uint32_t *slots = g->ids.data;
  uint32_t at = (uint32_t)rem_graph__id_hash(g->id_seed, id) & g->id_mask;
  for (uint32_t steps = 0; steps <= g->id_mask; steps++, at = (at + 1) & g->id_mask) {
    if (!rem_graph__touch(g, &slots[at], sizeof *slots)) return REM_GRAPH_NONE;
    uint32_t row = __atomic_load_n(&slots[at], __ATOMIC_ACQUIRE);
    if (row == REM_GRAPH_NONE) return REM_GRAPH_NONE;
    if (row >= g->row_capacity || !rem_graph__touch(g, rem_graph__row(g, row), sizeof(rem_graph_row))) continue;
    if (memcmp(rem_graph__row(g, row)->id, id, 16) == 0) return row;
  }
  return REM_GRAPH_NONE;
}

void rem_graph__id_put(rem_graph *g, uint32_t row) {
  uint32_t *slots = g->ids.data;
  const uint8_t *id = rem_graph__row(g, row)->id;
  uint32_t at = (uint32_t)rem_graph__id_hash(g->id_seed, id) & g->id_mask;
  for (;; at = (at + 1) & g->id_mask) {
    uint32_t there = slots[at];
    if (there == REM_GRAPH_NONE) g->id_used++;
    if (there == REM_GRAPH_NONE || (there < REM_GRAPH_GONE && memcmp(rem_graph__row(g, there)->id, id, 16) == 0)) {
      __atomic_store_n(&slots[at], row, __ATOMIC_RELEASE);
      return;
    }
  }
}

void rem_graph__id_remove(rem_graph *g, const uint8_t id[16]) {
  uint32_t *slots = g->ids.data;
  uint32_t at = (uint32_t)rem_graph__id_hash(g->id_seed, id) & g->id_mask;
  for (; slots[at] != REM_GRAPH_NONE; at = (at + 1) & g->id_mask) {
    if (slots[at] >= REM_GRAPH_GONE || memcmp(rem_graph__row(g, slots[at])->id, id, 16) != 0) continue;
    __atomic_store_n(&slots[at], REM_GRAPH_GONE, __ATOMIC_RELEASE);
    return;
  }
}

/* ------------------------------------------------------------------------------------------- */
/* Scratch                                                                                      */

static void scratch_free(rem_graph_scratch *scratch) {
  if (scratch == NULL) return;
  rem_free(scratch->visited);
  rem_free(scratch->pool);
  rem_free(scratch->query_allocation);
  rem_free(scratch->direction);
  rem_free(scratch->nodes.items);
  rem_free(scratch->keys);
  rem_free(scratch->chosen.items);
  rem_free(scratch);
}

void rem_graph__scratch_free_all(rem_graph *g) {
  while (g->scratch != NULL) {
    rem_graph_scratch *first = g->scratch;
    g->scratch = first->next;
    scratch_free(first);
  }
}

rem_status rem_graph__scratch_pool(rem_graph_scratch *scratch, size_t ef, rem_error *err) {
  if (ef + REM_GRAPH_POOL_SLACK <= scratch->pool_capacity) return REM_OK;
  rem_free(scratch->pool);
  scratch->pool_capacity = 0;
  scratch->pool = rem_alloc((ef + REM_GRAPH_POOL_SLACK) * sizeof *scratch->pool);
  if (scratch->pool == NULL) return rem_error_nomem(err);
  scratch->pool_capacity = ef + REM_GRAPH_POOL_SLACK;
  return REM_OK;
}

rem_status rem_graph__scratch_keys(rem_graph_scratch *scratch, size_t count, rem_error *err) {
  if (count <= scratch->key_capacity) return REM_OK;
  rem_free(scratch->keys);
  scratch->key_capacity = 0;
  scratch->keys = rem_alloc(count * sizeof *scratch->keys);
  if (scratch->keys == NULL) return rem_error_nomem(err);
  scratch->key_capacity = count;
  return REM_OK;
}

void rem_graph__scratch_epoch(rem_graph_scratch *scratch) {
  if (++scratch->epoch != 0) return;
  memset(scratch->visited, 0, scratch->visited_count);
  scratch->epoch = 1;
}

static rem_status scratch_new(rem_graph *g, rem_graph_scratch **ret_scratch, rem_error *err) {
  rem_graph_scratch *scratch = rem_calloc(1, sizeof *scratch);
  if (scratch == NULL) return rem_error_nomem(err);
  size_t query_bytes = REM_VECTOR_MAX_DIMENSION + 2 * 128; /* whole lines */
  scratch->query_allocation = rem_alloc(query_bytes + g->vector_stride * sizeof *scratch->values + REM_GRAPH_LINE);
  scratch->direction = rem_calloc(g->vector_stride, sizeof *scratch->direction);
  if (scratch->query_allocation == NULL || scratch->direction == NULL) {
    scratch_free(scratch);
    return rem_error_nomem(err);
  }
  scratch->query = (int8_t *)(((uintptr_t)scratch->query_allocation + REM_GRAPH_LINE - 1) & ~(uintptr_t)(REM_GRAPH_LINE - 1));
  scratch->values = (float *)(void *)(scratch->query + query_bytes);
  *ret_scratch = scratch;
  return REM_OK;
}

static rem_status scratch_visited(rem_graph *g, rem_graph_scratch *scratch, rem_error *err) {
  if (scratch->visited_count >= g->node_capacity && scratch->visited != NULL) return REM_OK;
  uint8_t *visited = rem_calloc((size_t)g->node_capacity + REM_GRAPH_LINE, 1);
  if (visited == NULL) return rem_error_nomem(err);
  rem_free(scratch->visited);
  scratch->visited = visited;
  scratch->visited_count = g->node_capacity;
  scratch->epoch = 0;
  return REM_OK;
}

rem_status rem_graph__scratch_take(rem_graph *g, size_t ef, rem_graph_scratch **ret_scratch, rem_error *err) {
  pthread_mutex_lock(&g->scratch_lock);
  rem_graph_scratch *scratch = g->scratch;
  if (scratch != NULL) g->scratch = scratch->next;
  pthread_mutex_unlock(&g->scratch_lock);
  if (scratch == NULL) REM_TRY(scratch_new(g, &scratch, err));
  rem_status status = scratch_visited(g, scratch, err);
  if (status >= 0) status = rem_graph__scratch_pool(scratch, ef, err);
  if (status < 0)
    scratch_free(scratch);
  else
    *ret_scratch = scratch;
  return status;
}

void rem_graph__scratch_give(rem_graph *g, rem_graph_scratch *scratch) {
  if (scratch == NULL) return;
  pthread_mutex_lock(&g->scratch_lock);
  scratch->next = g->scratch;
  g->scratch = scratch;
  pthread_mutex_unlock(&g->scratch_lock);
}
