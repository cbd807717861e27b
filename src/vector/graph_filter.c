/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows count: a set of ids as bits over rows and nodes, a predicate asked when needed, visibility in a snapshot. */
#include "vector/graph_internal.h"

#define AT_ONCE 32 /* ids looked up together */

struct rem_graph_filter {
  const rem_graph *g;
  const uint8_t (*ids)[16]; /* borrowed */
  size_t id_count;
  uint64_t snapshot, generation;
  bool latest; /* no row was born after the snapshot */
  uint64_t *row_bits, *node_bits;
  rem_graph_numbers nodes;
  uint64_t matches;
  size_t bit_bytes;
};

static bool bit(const uint64_t *bits, uint32_t at) {
  return bits[at / 64] >> (at % 64) & 1;
}

/* True when it was not set. */
static bool set_bit(uint64_t *bits, uint32_t at) {
  bool fresh = !bit(bits, at);
  bits[at / 64] |= UINT64_C(1) << (at % 64);
  return fresh;
}

static uint64_t *new_bits(uint32_t count) {
  return rem_calloc((size_t)count / 64 + 1, sizeof(uint64_t));
}

/* The version of an id that the snapshot sees, or NONE. */
static uint32_t visible_version(const rem_graph *g, const uint8_t id[16], uint64_t snapshot) {
  uint32_t row = rem_graph__find(g, id);
  for (uint32_t steps = 0; row < g->row_count && steps < g->row_count; steps++) {
    const rem_graph_row *r = rem_graph__row(g, row);
    if (!rem_graph__touch(g, r, sizeof *r)) return REM_GRAPH_NONE;
    if (rem_graph__row_visible(r, snapshot)) return row;
    row = rem_graph__get(&r->older);
  }
  return REM_GRAPH_NONE;
}

/* ------------------------------------------------------------------------------------------- */
/* Filter                                                                                       */

void rem_graph_filter_free(rem_graph_filter *filter) {
  if (filter == NULL) return;
  rem_free(filter->row_bits);
  rem_free(filter->node_bits);
  rem_free(filter->nodes.items);
  rem_free(filter);
}

static void filter_row(rem_graph_filter *filter, uint32_t row) {
  const rem_graph *g = filter->g;
  if (!set_bit(filter->row_bits, row)) return;
  filter->matches++;
  uint32_t vector = rem_graph__get(&rem_graph__row(g, row)->vector);
  if (vector >= g->vector_capacity || !rem_graph__touch(g, rem_graph__place(g, vector), sizeof(rem_graph_place))) return;
  uint32_t node = rem_graph__get(&rem_graph__place(g, vector)->node);
  if (node < g->node_capacity) (void)set_bit(filter->node_bits, node);
}

/* In steps, so that no id waits for the memory of another: the table's slot, the row, where its vector is. */
static void filter_some(rem_graph_filter *filter, const uint8_t (*ids)[16], size_t count) {
  const rem_graph *g = filter->g;
  uint32_t rows[AT_ONCE];
  if (g->ids.data == NULL) return;
  const uint32_t *slots[AT_ONCE];
  for (size_t i = 0; i < count; i++) {
    slots[i] = (const uint32_t *)g->ids.data + ((uint32_t)rem_graph__id_hash(g->id_seed, ids[i]) & g->id_mask);
    __builtin_prefetch(slots[i]);
  }
  for (size_t i = 0; i < count; i++) {
    uint32_t row = __atomic_load_n(slots[i], __ATOMIC_ACQUIRE);
    if (row >= g->row_capacity) continue;
    __builtin_prefetch(rem_graph__row(g, row));
    __builtin_prefetch(&rem_graph__row(g, row)->older);
  }
  for (size_t i = 0; i < count; i++) {
    rows[i] = visible_version(g, ids[i], filter->snapshot);
    uint32_t vector = rows[i] != REM_GRAPH_NONE ? rem_graph__get(&rem_graph__row(g, rows[i])->vector) : REM_GRAPH_NONE;
    if (vector < g->vector_capacity) __builtin_prefetch(rem_graph__place(g, vector));
  }
  for (size_t i = 0; i < count; i++) {
    if (rows[i] != REM_GRAPH_NONE) filter_row(filter, rows[i]);
  }
}

/* The nodes as a list, in the order in which they lie in memory. */
static rem_status list_nodes(rem_graph_filter *filter, rem_error *err) {
  size_t words = (size_t)filter->g->node_capacity / 64 + 1, count = 0;
  for (size_t i = 0; i < words; i++)
    count += (size_t)__builtin_popcountll(filter->node_bits[i]);
  REM_TRY(rem_graph__numbers_reserve(&filter->nodes, count, err));
  for (size_t i = 0; i < words; i++) {
    for (uint64_t left = filter->node_bits[i]; left != 0; left &= left - 1)
      filter->nodes.items[filter->nodes.count++] = (uint32_t)(64 * i) + (uint32_t)__builtin_ctzll(left);
  }
  return REM_OK;
}

/* `space` is held. */
static rem_status filter_make(const rem_graph *g, uint64_t snapshot, rem_graph_filter **ret_filter, rem_error *err) {
  rem_graph_filter *filter = rem_calloc(1, sizeof *filter);
  if (filter == NULL) return rem_error_nomem(err);
  filter->g = g;
  filter->snapshot = snapshot;
  filter->generation = atomic_load(&g->generation);
  filter->latest = atomic_load(&g->sequence) <= snapshot;
  filter->bit_bytes = (g->row_capacity / 64 + g->node_capacity / 64 + 2) * sizeof(uint64_t);
  filter->row_bits = new_bits(g->row_capacity);
  filter->node_bits = new_bits(g->node_capacity);
  *ret_filter = filter;
  if (filter->row_bits != NULL && filter->node_bits != NULL) return REM_OK;
  rem_graph_filter_free(filter);
  return rem_error_nomem(err);
}

static rem_status filter_ids(const rem_graph *g, const uint8_t (*ids)[16], size_t count, uint64_t snapshot, rem_graph_filter **ret_filter,
                             rem_error *err) {
  rem_graph_filter *filter;
  REM_TRY(filter_make(g, snapshot, &filter, err));
  filter->ids = ids;
  filter->id_count = count;
  for (size_t i = 0; i < count; i += AT_ONCE)
    filter_some(filter, ids + i, count - i < AT_ONCE ? count - i : AT_ONCE);
  rem_status status = list_nodes(filter, err);
  if (status < 0)
    rem_graph_filter_free(filter);
  else
    *ret_filter = filter;
  return status;
}

rem_status rem_graph_filter_new(rem_graph *g, const uint8_t (*ids)[16], size_t id_count, uint64_t snapshot,
                                rem_graph_filter **ret_filter, rem_error *err) {
  if (!g->read_only) pthread_rwlock_rdlock(&g->space);
  uint64_t seen = snapshot == 0 || snapshot == REM_GRAPH_LATEST ? atomic_load(&g->sequence) : snapshot;
  rem_status status = filter_ids(g, ids, id_count, seen, ret_filter, err);
  if (!g->read_only) pthread_rwlock_unlock(&g->space);
  return status;
}

/* ------------------------------------------------------------------------------------------- */
/* Match                                                                                        */

bool rem_graph_filter_holds(const rem_graph *g, const rem_graph_filter *filter, uint64_t snapshot) {
  if (filter->generation != atomic_load(&g->generation)) return false;
  return g->read_only || filter->snapshot == snapshot || (filter->latest && atomic_load(&g->sequence) <= snapshot);
}

size_t rem_graph_filter_bytes(const rem_graph_filter *filter) {
  return sizeof *filter + filter->bit_bytes + filter->nodes.capacity * sizeof(uint32_t);
}

/* The prepared filter when it holds for this search, else one made of the ids for it (*ret_own); NULL: there are none. */
static rem_status choose_filter(const rem_graph_match *match, const rem_graph_filter *prepared, const uint8_t (*ids)[16], size_t id_count,
                                rem_graph_filter **ret_own, const rem_graph_filter **ret_filter, rem_error *err) {
  const rem_graph *g = match->g;
  *ret_filter = prepared;
  if (prepared == NULL && ids == NULL) return REM_OK;
  if (prepared != NULL && rem_graph_filter_holds(g, prepared, match->snapshot)) return REM_OK;
  REM_TRY(filter_ids(g, prepared != NULL ? prepared->ids : ids, prepared != NULL ? prepared->id_count : id_count, match->snapshot, ret_own,
                     err));
  *ret_filter = *ret_own;
  return REM_OK;
}

static void use_filter(rem_graph_match *match, const rem_graph_filter *filter) {
  match->row_bits = filter->row_bits;
  match->node_bits = filter->node_bits;
  match->nodes = filter->nodes.items;
  match->node_count = filter->nodes.count;
  match->matches = filter->matches;
}

rem_status rem_graph__match_init(rem_graph *g, const rem_graph_search *search, uint64_t snapshot, rem_graph_match *match,
                                 rem_error *err) {
  *match = (rem_graph_match){.g = g, .search = search, .snapshot = snapshot};
  const rem_graph_filter *filter = NULL, *except = NULL;
  const uint8_t(*none)[16] = search->except_count > 0 ? search->except : NULL;
  rem_status status = choose_filter(match, search->filter, search->ids, search->id_count, &match->own, &filter, err);
  if (status >= 0)
    status = choose_filter(match, search->except_filter, none, search->except_count, &match->own_except, &except, err);
  if (status >= 0 && filter != NULL) use_filter(match, filter);
  if (status >= 0 && except != NULL && except->matches > 0) match->except_bits = except->row_bits;
  match->everything = filter == NULL && search->accept == NULL && match->except_bits == NULL && atomic_load(&g->dead_rows) == 0 &&
                      atomic_load(&g->sequence) <= snapshot;
  if (status < 0) rem_graph__match_deinit(match);
  return status;
}

void rem_graph__match_deinit(rem_graph_match *match) {
  rem_graph_filter_free(match->own);
  rem_graph_filter_free(match->own_except);
  match->own = match->own_except = NULL;
}

rem_status rem_graph__match_resolve(rem_graph *g, rem_graph_match *match, rem_error *err) {
  if (match->row_bits != NULL) return REM_OK;
  rem_graph_filter *filter;
  REM_TRY(filter_make(g, match->snapshot, &filter, err));
  match->own = filter;
  for (uint32_t row = 0; row < g->row_count; row++) {
    if (!rem_graph__touch(g, rem_graph__row(g, row), sizeof(rem_graph_row))) {
      match->failed = true;
      return REM_OK;
    }
    if (rem_graph__row_matches(match, row)) filter_row(filter, row);
  }
  REM_TRY(list_nodes(filter, err));
  use_filter(match, filter);
  return REM_OK;
}

bool rem_graph__row_matches(const rem_graph_match *match, uint32_t row) {
  const rem_graph_row *r = rem_graph__row(match->g, row);
  if (match->except_bits != NULL && bit(match->except_bits, row)) return false;
  if (match->row_bits != NULL) return bit(match->row_bits, row);
  if (!rem_graph__row_visible(r, match->snapshot)) return false;
  return match->search->accept == NULL || match->search->accept(match->search->accept_context, r->id);
}

/* A list of a damaged file may be endless: no list is longer than there are vectors or rows. */
static bool vector_matches(rem_graph_match *match, uint32_t vector) {
  const rem_graph *g = match->g;
  const rem_graph_place *place = rem_graph__place(g, vector);
  uint32_t row = rem_graph__get(&place->first_row);
  for (uint32_t steps = 0; row < g->row_capacity && steps < g->row_capacity; steps++) {
    const rem_graph_row *r = rem_graph__row(g, row);
    if (!rem_graph__touch(g, r, sizeof *r)) {
      match->failed = true;
      return false;
    }
    if (rem_graph__row_matches(match, row)) return true;
    row = rem_graph__get(&r->next);
  }
  return false;
}

bool rem_graph__node_matches(rem_graph_match *match, uint32_t node) {
  const rem_graph *g = match->g;
  if (match->node_bits != NULL) return bit(match->node_bits, node);
  if (!rem_graph__touch(g, (const uint32_t *)g->first_vector.data + node, sizeof(uint32_t))) {
    match->failed = true;
    return false;
  }
  uint32_t vector = rem_graph__first_vector(g, node);
  if (vector == REM_GRAPH_NONE) return false;
  vector &= ~REM_GRAPH_MORE;
  for (uint32_t steps = 0; vector < g->vector_capacity && steps < g->vector_capacity; steps++) {
    if (!rem_graph__touch(g, rem_graph__place(g, vector), sizeof(rem_graph_place))) {
      match->failed = true;
      return false;
    }
    if (vector_matches(match, vector)) return true;
    vector = rem_graph__get(&rem_graph__place(g, vector)->next);
  }
  return false;
}
