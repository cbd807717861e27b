/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes to rows. A row is complete before a search can reach it, and its birth lies beyond the sequence that running searches see, so
 * that they see either the old version of an id or the new one. What dies stays until purge.
 */
#include "vector/graph_internal.h"

#define LIMBO_LEAST 64 /* freed numbers wait for company before searches are held up for them */

static rem_status check_writable(const rem_graph *g, rem_error *err) {
  if (!g->read_only) return REM_OK;
  return rem_error_set(err, REM_READONLY, "the vector index was opened for reading");
}

/* ------------------------------------------------------------------------------------------- */
/* Numbers                                                                                      */

static rem_status settle(rem_graph_numbers *limbo, rem_graph_numbers *free, rem_error *err) {
  REM_TRY(rem_graph__numbers_reserve(free, free->count + limbo->count, err));
  if (limbo->count > 0) memcpy(free->items + free->count, limbo->items, limbo->count * sizeof *limbo->items);
  free->count += limbo->count;
  limbo->count = 0;
  return REM_OK;
}

static void mark_free(rem_graph *g) {
  for (size_t i = 0; i < g->limbo_rows.count; i++)
    __atomic_store_n(&rem_graph__row(g, g->limbo_rows.items[i])->birth, REM_GRAPH_LATEST, __ATOMIC_RELEASE);
  for (size_t i = 0; i < g->limbo_nodes.count; i++)
    rem_graph__set_first_vector(g, g->limbo_nodes.items[i], REM_GRAPH_NONE);
}

/* Numbers that were freed, once no search runs that may have seen them. */
static rem_status settle_limbo(rem_graph *g, rem_error *err) {
  if (g->limbo_rows.count + g->limbo_vectors.count + g->limbo_nodes.count < LIMBO_LEAST) return REM_OK;
  pthread_rwlock_wrlock(&g->space);
  mark_free(g);
  rem_status status = settle(&g->limbo_rows, &g->free_rows, err);
  if (status >= 0) status = settle(&g->limbo_vectors, &g->free_vectors, err);
  if (status >= 0) status = settle(&g->limbo_nodes, &g->free_nodes, err);
  pthread_rwlock_unlock(&g->space);
  return status;
}

/* A row, a vector and, when built, a node can be taken afterwards. */
static rem_status make_room(rem_graph *g, rem_error *err) {
  REM_TRY(settle_limbo(g, err));
  uint32_t nodes = g->built && g->free_nodes.count == 0;
  REM_TRY(rem_graph__numbers_reserve(&g->free_nodes, g->free_nodes.count + 1, err));
  REM_TRY(rem_graph__numbers_reserve(&g->free_vectors, g->free_vectors.count + 1, err));
  REM_TRY(rem_graph__numbers_reserve(&g->dead, g->dead.count + 1, err));
  return rem_graph__ensure(g, 1, g->free_vectors.count == 0, nodes, err);
}

/* A new number is counted by the caller, once what it stands for is complete. */
static uint32_t take_number(rem_graph_numbers *free, uint32_t count) {
  return free->count > 0 ? free->items[--free->count] : count;
}

/* ------------------------------------------------------------------------------------------- */
/* Lists                                                                                        */

static bool equal_vectors(const rem_graph *g, uint32_t a, uint32_t b) {
  return rem_graph__place(g, a)->unit == rem_graph__place(g, b)->unit &&
         memcmp(rem_graph__values(g, a), rem_graph__values(g, b), g->vector_stride * sizeof(int16_t)) == 0;
}

/* All rows of `from` become rows of `to`. */
static void move_rows(rem_graph *g, uint32_t from, uint32_t to) {
  rem_graph_place *source = rem_graph__place(g, from), *target = rem_graph__place(g, to);
  uint32_t first = source->first_row, last = first;
  for (uint32_t row = first; row != REM_GRAPH_NONE; row = rem_graph__row(g, row)->next) {
    rem_graph__set(&rem_graph__row(g, row)->vector, to);
    last = row;
  }
  uint32_t behind = target->first_row;
  rem_graph__set(&rem_graph__row(g, last)->next, behind);
  if (behind != REM_GRAPH_NONE) rem_graph__row(g, behind)->previous = last;
  rem_graph__set(&target->first_row, first);
  rem_graph__set(&source->first_row, REM_GRAPH_NONE);
}

bool rem_graph__join(rem_graph *g, uint32_t vector, uint32_t node) {
  bool merged = false;
  rem_graph__lock_node(g, node);
  uint32_t first = rem_graph__first_vector(g, node);
  uint32_t head = first == REM_GRAPH_NONE ? first : first & ~REM_GRAPH_MORE;
  for (uint32_t v = head; v != REM_GRAPH_NONE && !merged; v = rem_graph__place(g, v)->next) {
    merged = equal_vectors(g, v, vector);
    if (merged) move_rows(g, vector, v);
  }
  if (!merged) {
    /* Behind the first, which stands for the node when distances are computed. */
    rem_graph_place *place = rem_graph__place(g, vector), *before = head == REM_GRAPH_NONE ? NULL : rem_graph__place(g, head);
    rem_graph__set(&place->next, before == NULL ? REM_GRAPH_NONE : before->next);
    rem_graph__set(&place->node, node);
    if (before != NULL) rem_graph__set(&before->next, vector);
    rem_graph__set_first_vector(g, node, before == NULL ? vector : head | REM_GRAPH_MORE);
  }
  rem_graph__unlock_node(g, node);
  return merged;
}

static void leave_node(rem_graph *g, uint32_t vector) {
  rem_graph_place *place = rem_graph__place(g, vector);
  uint32_t node = place->node, head = rem_graph__first_vector(g, node) & ~REM_GRAPH_MORE;
  if (head == vector) {
    head = place->next;
    if (head != REM_GRAPH_NONE) rem_graph__set_inverse(g, node, head);
  } else {
    uint32_t before = head;
    while (rem_graph__place(g, before)->next != vector)
      before = rem_graph__place(g, before)->next;
    rem_graph__set(&rem_graph__place(g, before)->next, place->next);
  }
  bool more = head != REM_GRAPH_NONE && rem_graph__place(g, head)->next != REM_GRAPH_NONE;
  rem_graph__set_first_vector(g, node, more ? head | REM_GRAPH_MORE : head);
}

/* ------------------------------------------------------------------------------------------- */
/* Insert                                                                                       */

static void note_length(rem_graph *g, const float *vector) {
  double squares = 0;
  for (size_t i = 0; i < g->options.dimension; i++)
    squares += (double)vector[i] * (double)vector[i];
  if (squares < atomic_load(&g->shortest)) atomic_store(&g->shortest, squares);
  if (squares > atomic_load(&g->longest)) atomic_store(&g->longest, squares);
}

/* All but its birth. */
static void set_row(rem_graph *g, uint32_t row, uint32_t vector, const uint8_t id[16], uint32_t older) {
  rem_graph_row *r = rem_graph__row(g, row);
  __atomic_store_n(&r->birth, REM_GRAPH_LATEST, __ATOMIC_RELEASE);
  memcpy(r->id, id, sizeof r->id);
  __atomic_store_n(&r->death, REM_GRAPH_LATEST, __ATOMIC_RELEASE);
  rem_graph__set(&r->vector, vector);
  rem_graph__set(&r->next, REM_GRAPH_NONE);
  r->previous = REM_GRAPH_NONE;
  rem_graph__set(&r->older, older);
  if (row == atomic_load(&g->row_count)) atomic_store(&g->row_count, row + 1);
}

static void set_vector(rem_graph *g, uint32_t vector, uint32_t row, const float *components) {
  rem_graph_place *place = rem_graph__place(g, vector);
  place->unit = rem_graph_values_encode(components, g->options.dimension, rem_graph__values(g, vector));
  rem_graph__set(&place->node, REM_GRAPH_NONE);
  rem_graph__set(&place->next, REM_GRAPH_NONE);
  rem_graph__set(&place->first_row, row);
  if (vector == atomic_load(&g->vector_count)) atomic_store(&g->vector_count, vector + 1);
}

static void link_vector(rem_graph *g, rem_graph_scratch *scratch, uint32_t vector) {
  uint32_t node = take_number(&g->free_nodes, g->node_count);
  g->node_count += node == g->node_count;
  rem_graph__direction(g, vector, scratch->direction);
  rem_graph__clear_links(g, node);
  rem_graph__set_codes(g, node, vector, scratch->direction);
  rem_graph__set(&rem_graph__place(g, vector)->node, node);
  rem_graph__set_first_vector(g, node, vector);
  uint32_t target = rem_graph__link_node(g, scratch, node, scratch->direction);
  if (target != node) {
    rem_graph__set_first_vector(g, node, REM_GRAPH_NONE);
    g->free_nodes.items[g->free_nodes.count++] = node;
    if (rem_graph__join(g, vector, target)) g->free_vectors.items[g->free_vectors.count++] = vector;
    return;
  }
  atomic_fetch_add(&g->linked_nodes, 1);
  if (g->pivot_count < REM_GRAPH_PIVOTS) {
    pthread_rwlock_wrlock(&g->space);
    rem_graph__add_pivot(g, node);
    pthread_rwlock_unlock(&g->space);
  }
}

static void end_row(rem_graph *g, uint32_t row, uint64_t seq) {
  g->dead.items[g->dead.count++] = row;
  __atomic_store_n(&rem_graph__row(g, row)->death, seq, __ATOMIC_RELEASE);
  atomic_fetch_sub(&g->live_rows, 1);
  atomic_fetch_add(&g->dead_rows, 1);
}

static void changed(rem_graph *g, uint64_t seq) {
  atomic_fetch_add(&g->generation, 1);
  if (seq > atomic_load(&g->sequence)) atomic_store(&g->sequence, seq);
}

/* Would these components be kept as that vector is? */
static bool holds(const rem_graph *g, uint32_t vector, const float *components) {
  int16_t values[REM_VECTOR_MAX_DIMENSION];
  return rem_graph_values_encode(components, g->options.dimension, values) == rem_graph__place(g, vector)->unit &&
         memcmp(values, rem_graph__values(g, vector), g->vector_stride * sizeof *values) == 0;
}

static bool is_alive(const rem_graph *g, uint32_t row) {
  return row != REM_GRAPH_NONE && rem_graph__row(g, row)->death == REM_GRAPH_LATEST;
}

static rem_status insert_row(rem_graph *g, const uint8_t id[16], const float *values, uint64_t seq, rem_error *err) {
  rem_graph_scratch *scratch = NULL;
  uint32_t old = rem_graph__find(g, id);
  if (is_alive(g, old) && holds(g, rem_graph__row(g, old)->vector, values)) return REM_OK;
  REM_TRY(make_room(g, err));
  if (g->built) {
    size_t most = 2 * (size_t)g->options.build_ef;
    REM_TRY(rem_graph__scratch_take(g, most, &scratch, err));
    rem_status status = rem_graph__numbers_reserve(&scratch->nodes, most, err);
    if (status < 0) {
      rem_graph__scratch_give(g, scratch);
      return status;
    }
  }
  uint32_t row = take_number(&g->free_rows, g->row_count), vector = take_number(&g->free_vectors, g->vector_count);
  set_row(g, row, vector, id, old);
  set_vector(g, vector, row, values);
  note_length(g, values);
  if (g->built) {
    link_vector(g, scratch, vector);
    atomic_fetch_add(&g->drift, 1);
  }
  rem_graph__scratch_give(g, scratch);
  __atomic_store_n(&rem_graph__row(g, row)->birth, seq, __ATOMIC_RELEASE);
  rem_graph__id_put(g, row);
  if (is_alive(g, old)) end_row(g, old, seq);
  atomic_fetch_add(&g->live_rows, 1);
  return REM_OK;
}

rem_status rem_graph_insert(rem_graph *g, const uint8_t id[16], const float *vector, uint64_t seq, rem_error *err) {
  REM_TRY(check_writable(g, err));
  REM_TRY(rem_vector_check(vector, g->options.dimension, err));
  pthread_mutex_lock(&g->change);
  rem_status status = insert_row(g, id, vector, seq, err);
  if (status >= 0) changed(g, seq);
  pthread_mutex_unlock(&g->change);
  return status;
}

/* ------------------------------------------------------------------------------------------- */
/* Delete, purge                                                                                */

rem_status rem_graph_delete(rem_graph *g, const uint8_t id[16], uint64_t seq, rem_error *err) {
  REM_TRY(check_writable(g, err));
  pthread_mutex_lock(&g->change);
  uint32_t row = rem_graph__find(g, id);
  rem_status status = is_alive(g, row) ? rem_graph__numbers_reserve(&g->dead, g->dead.count + 1, err) : REM_NOT_FOUND;
  if (status == REM_OK) end_row(g, row, seq);
  if (status >= 0) changed(g, seq);
  pthread_mutex_unlock(&g->change);
  return status;
}

static void forget_version(rem_graph *g, uint32_t row) {
  const rem_graph_row *r = rem_graph__row(g, row);
  uint32_t newest = rem_graph__find(g, r->id);
  if (newest == row && r->older == REM_GRAPH_NONE) {
    rem_graph__id_remove(g, r->id);
  } else if (newest == row) {
    rem_graph__id_put(g, r->older);
  } else {
    while (newest != REM_GRAPH_NONE && rem_graph__row(g, newest)->older != row)
      newest = rem_graph__row(g, newest)->older;
    if (newest != REM_GRAPH_NONE) rem_graph__set(&rem_graph__row(g, newest)->older, r->older);
  }
}

/* Room in the limbo lists was made. */
static void remove_row(rem_graph *g, uint32_t row) {
  rem_graph_row *r = rem_graph__row(g, row);
  rem_graph_place *place = rem_graph__place(g, r->vector);
  forget_version(g, row);
  if (r->previous != REM_GRAPH_NONE)
    rem_graph__set(&rem_graph__row(g, r->previous)->next, r->next);
  else
    rem_graph__set(&place->first_row, r->next);
  if (r->next != REM_GRAPH_NONE) rem_graph__row(g, r->next)->previous = r->previous;
  g->limbo_rows.items[g->limbo_rows.count++] = row;
  atomic_fetch_sub(&g->dead_rows, 1);
  if (place->first_row != REM_GRAPH_NONE) return;
  uint32_t node = place->node;
  g->limbo_vectors.items[g->limbo_vectors.count++] = r->vector;
  if (node == REM_GRAPH_NONE) return;
  leave_node(g, r->vector);
  if (rem_graph__first_vector(g, node) != REM_GRAPH_NONE) return;
  rem_graph__unlink_node(g, node);
  g->limbo_nodes.items[g->limbo_nodes.count++] = node;
  atomic_fetch_sub(&g->linked_nodes, 1);
}

static rem_status purge_one(rem_graph *g, rem_error *err) {
  rem_graph_numbers *limbos[] = {&g->limbo_rows, &g->limbo_vectors, &g->limbo_nodes};
  for (size_t i = 0; i < 3; i++)
    REM_TRY(rem_graph__numbers_reserve(limbos[i], limbos[i]->count + 1, err));
  remove_row(g, g->dead.items[g->dead_head++]);
  if (g->dead_head == g->dead.count) g->dead_head = g->dead.count = 0;
  return REM_OK;
}

static bool has_died(const rem_graph *g, uint64_t horizon) {
  return g->dead_head < g->dead.count && rem_graph__row(g, g->dead.items[g->dead_head])->death <= horizon;
}

rem_status rem_graph_purge(rem_graph *g, uint64_t horizon, size_t max_rows, rem_error *err) {
  REM_TRY(check_writable(g, err));
  pthread_mutex_lock(&g->change);
  rem_status status = REM_OK;
  for (size_t i = 0; status >= 0 && has_died(g, horizon); i++) {
    if (max_rows != 0 && i == max_rows) {
      status = REM_ROW;
      break;
    }
    status = purge_one(g, err);
  }
  atomic_fetch_add(&g->generation, 1);
  pthread_mutex_unlock(&g->change);
  return status;
}
