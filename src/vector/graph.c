/* SPDX-License-Identifier: Apache-2.0 */
/* A graph's life and state. */
#include "vector/graph.h"

#include "vector/graph_internal.h"

#include <float.h>

#define DEFAULT_M 16
#define DEFAULT_BUILD_EF 200
#define DEFAULT_SEARCH_EF 50

static rem_status check_range(const char *what, size_t value, size_t least, size_t most, rem_error *err) {
  if (value >= least && value <= most) return REM_OK;
  return rem_error_set(err, REM_INVALID, "%s of a vector index is %zu; %zu to %zu are allowed", what, value, least, most);
}

static rem_status check_options(rem_graph_options *o, rem_error *err) {
  o->m = o->m == 0 ? DEFAULT_M : o->m;
  o->build_ef = o->build_ef == 0 ? DEFAULT_BUILD_EF : o->build_ef;
  o->search_ef = o->search_ef == 0 ? DEFAULT_SEARCH_EF : o->search_ef;
  REM_TRY(check_range("the dimension", o->dimension, REM_GRAPH_MIN_DIMENSION, REM_VECTOR_MAX_DIMENSION, err));
  REM_TRY(check_range("m", o->m, 4, 64, err));
  REM_TRY(check_range("ef_construction", o->build_ef, 16, 4096, err));
  return check_range("ef_search", o->search_ef, 10, 65536, err);
}

void rem_graph__shape(rem_graph *g) {
  g->link_count = (2 * g->options.m + 15) / 16 * 16;
  g->stride = 4 * (size_t)g->link_count + g->codec.lines * REM_GRAPH_LINE;
  g->vector_stride = rem_graph_values_count(g->options.dimension);
}

/* Writers first: a search is short and they are many. */
static bool init_locks(rem_graph *g) {
  pthread_rwlockattr_t attributes;
  if (pthread_rwlockattr_init(&attributes) != 0) return false;
  (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  bool made = pthread_rwlock_init(&g->space, &attributes) == 0;
  pthread_rwlockattr_destroy(&attributes);
  return made && pthread_mutex_init(&g->change, NULL) == 0 && pthread_mutex_init(&g->scratch_lock, NULL) == 0;
}

rem_status rem_graph_new(const rem_graph_options *options, rem_graph **ret_graph, rem_error *err) {
  rem_graph_options checked = *options;
  REM_TRY(check_options(&checked, err));
  rem_graph *g = rem_calloc(1, sizeof *g);
  if (g == NULL) return rem_error_nomem(err);
  g->options = checked;
  atomic_init(&g->search_ef, checked.search_ef);
  g->kernel = rem_graph_kernel_get();
  g->id_seed = rem_hash_bytes("vector", 6);
  atomic_init(&g->shortest, DBL_MAX);
  rem_graph_codec_shape(&g->codec, checked.dimension, checked.dimension);
  rem_graph__shape(g);
  if (!init_locks(g)) {
    rem_free(g);
    return rem_error_set(err, REM_INTERNAL, "a lock could not be made");
  }
  *ret_graph = g;
  return REM_OK;
}

static void free_numbers(rem_graph_numbers *numbers) {
  rem_free(numbers->items);
}

void rem_graph_free(rem_graph *g) {
  if (g == NULL) return;
  rem_graph_region *regions[] = {&g->records, &g->first_vector, &g->link_codes, &g->link_norms, &g->inverses, &g->locks, &g->rows, &g->places, &g->vectors,
                                 &g->ids, &g->pivot_codes};
  for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
    rem_graph__region_free(regions[i]);
  rem_graph_numbers *numbers[] = {&g->free_nodes, &g->free_rows, &g->free_vectors, &g->limbo_nodes, &g->limbo_rows, &g->limbo_vectors,
                                  &g->dead};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    free_numbers(numbers[i]);
  rem_graph_codec_deinit(&g->codec);
  rem_graph__scratch_free_all(g);
  rem_graph__mapping_free(g->mapping);
  pthread_rwlock_destroy(&g->space);
  pthread_mutex_destroy(&g->change);
  pthread_mutex_destroy(&g->scratch_lock);
  rem_free(g);
}

rem_status rem_graph_reserve(rem_graph *g, size_t row_count, rem_error *err) {
  if (row_count > REM_GRAPH_MAX_ROWS) row_count = REM_GRAPH_MAX_ROWS;
  if (g->read_only || row_count <= g->row_count) return REM_OK;
  uint32_t more = (uint32_t)row_count - g->row_count;
  uint32_t nodes = g->built ? more : 0;
  pthread_mutex_lock(&g->change);
  rem_status status = rem_graph__ensure(g, more, more, nodes, err);
  pthread_mutex_unlock(&g->change);
  return status;
}

/* ------------------------------------------------------------------------------------------- */
/* State                                                                                        */

static uint64_t memory_bytes(const rem_graph *g) {
  const rem_graph_region *regions[] = {&g->records, &g->first_vector, &g->link_codes, &g->link_norms, &g->inverses, &g->locks, &g->rows, &g->places, &g->vectors,
                                       &g->ids, &g->pivot_codes};
  uint64_t sum = sizeof *g + (g->options.dimension + g->codec.code_dimension) * sizeof(float);
  if (g->codec.basis_allocation != NULL) sum += g->codec.code_dimension * g->codec.link_bytes;
  for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
    sum += regions[i]->allocation != NULL ? regions[i]->bytes : 0;
  if (g->mapping != NULL) sum += g->mapping->block_count;
  for (const rem_graph_scratch *s = g->scratch; s != NULL; s = s->next)
    sum += sizeof *s + s->visited_count + 8 * s->pool_capacity + 4 * (s->nodes.capacity + s->key_capacity + s->chosen.capacity);
  return sum;
}

/* Does not wait for changes or a file being written, which may take seconds. */
void rem_graph_stats_get(rem_graph *g, rem_graph_stats *ret_stats) {
  pthread_rwlock_rdlock(&g->space);
  pthread_mutex_lock(&g->scratch_lock);
  *ret_stats = (rem_graph_stats){
      .dimension = g->options.dimension,
      .m = g->options.m,
      .build_ef = g->options.build_ef,
      .search_ef = atomic_load(&g->search_ef),
      .built = g->built,
      .read_only = g->read_only,
      .code_bits = g->built ? g->codec.bits : 0,
      .code_dimension = (unsigned)g->codec.code_dimension,
      .sequence = atomic_load(&g->sequence),
      .rows = atomic_load(&g->live_rows),
      .dead_rows = atomic_load(&g->dead_rows),
      .nodes = atomic_load(&g->linked_nodes),
      .drift = atomic_load(&g->drift),
      .code_error = (double)g->codec.error,
      .recall = atomic_load(&g->recall),
      .memory_bytes = memory_bytes(g),
      .file_bytes = g->mapping != NULL ? g->mapping->file.size : 0,
  };
  pthread_mutex_unlock(&g->scratch_lock);
  pthread_rwlock_unlock(&g->space);
}

void rem_graph_set_sequence(rem_graph *g, uint64_t seq) {
  atomic_store(&g->sequence, seq);
}

uint64_t rem_graph_sequence(const rem_graph *g) {
  return atomic_load(&g->sequence);
}

void rem_graph_set_search_ef(rem_graph *g, unsigned search_ef, double recall) {
  atomic_store(&g->search_ef, search_ef < 10 ? 10 : search_ef > 65536 ? 65536 : search_ef);
  atomic_store(&g->recall, recall);
}

rem_status rem_graph_each(rem_graph *g,
                          rem_status (*visit)(void *context, const uint8_t id[16], const float *vector, uint64_t birth), void *context,
                          rem_error *err) {
  rem_status status = REM_OK;
  float *vector REM_AUTO_FREE = rem_alloc(g->options.dimension * sizeof *vector);
  if (vector == NULL) return rem_error_nomem(err);
  pthread_mutex_lock(&g->change);
  for (uint32_t i = 0; status == REM_OK && i < g->row_count; i++) {
    const rem_graph_row *row = rem_graph__row(g, i);
    if (!rem_graph__touch(g, row, sizeof *row)) status = rem_error_set(err, REM_CORRUPT, "the vector index is damaged");
    if (status < 0 || row->birth == REM_GRAPH_LATEST || row->death != REM_GRAPH_LATEST) continue;
    if (row->vector >= g->vector_count || !rem_graph__touch_vector(g, row->vector)) {
      status = rem_error_set(err, REM_CORRUPT, "the vector index is damaged");
      continue;
    }
    rem_graph__vector(g, row->vector, vector);
    status = visit(context, row->id, vector, row->birth);
  }
  pthread_mutex_unlock(&g->change);
  return status;
}

bool rem_graph_keeps(const float *kept, const float *vector, size_t dimension) {
  int16_t a[REM_VECTOR_MAX_DIMENSION], b[REM_VECTOR_MAX_DIMENSION];
  return rem_graph_values_encode(kept, dimension, a) == rem_graph_values_encode(vector, dimension, b) &&
         memcmp(a, b, dimension * sizeof *a) == 0;
}

const char *rem_graph_plan_name(rem_graph_plan plan) {
  static const char *const names[] = {"walk", "walk, keeping matches", "scan of codes", "exact scan"};
  return (unsigned)plan < sizeof names / sizeof *names ? names[plan] : "unknown";
}
