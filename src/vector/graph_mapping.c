/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a graph file. The header and the table of checksums are checked at open; every other block when it is first touched, which a byte
 * for each block remembers. Two threads may check one block; that does no harm.
 */
#include "vector/graph_file.h"

#include <float.h>
#include <math.h>

#include "base/crc32c.h"
#include "vector/graph_layout.h"

static uint64_t blocks(uint64_t bytes) {
  return (bytes + REM_GRAPH_BLOCK - 1) / REM_GRAPH_BLOCK * REM_GRAPH_BLOCK;
}

void rem_graph__layout(const rem_graph_header *h, rem_graph_layout *ret_layout) {
  uint64_t code = (uint64_t)h->lines * REM_GRAPH_LINE, stride = 4 * (uint64_t)h->link_count + code;
  rem_graph_layout l;
  l.mean = REM_GRAPH_BLOCK;
  l.basis = l.mean + blocks(4 * ((uint64_t)h->dimension + h->code_dimension));
  uint64_t rows = h->has_basis ? h->code_dimension : 0;
  l.pivots = l.basis + blocks(rows * (((uint64_t)h->dimension + 63) / 64 * 64));
  l.pivot_codes = l.pivots + blocks(4 * REM_GRAPH_PIVOTS);
  l.records = l.pivot_codes + blocks(REM_GRAPH_PIVOTS * code);
  l.first_vector = l.records + blocks(h->node_count * stride);
  l.places = l.first_vector + blocks(4 * (uint64_t)h->node_count);
  l.rows = l.places + blocks(h->vector_count * sizeof(rem_graph_place));
  l.vectors = l.rows + blocks(h->row_count * sizeof(rem_graph_row));
  l.ids = l.vectors + blocks(h->vector_count * (((uint64_t)h->dimension + 31) / 32 * 64));
  l.sums = l.ids + blocks(4 * ((uint64_t)h->id_mask + 1));
  l.end = l.sums + (l.sums / REM_GRAPH_BLOCK - 1) * 4;
  *ret_layout = l;
}

/* ------------------------------------------------------------------------------------------- */
/* Blocks                                                                                       */

/* Block 0 is the header: sums and marks begin with block 1. */
static bool check_block(rem_graph_mapping *m, uint64_t block) {
  if (atomic_load_explicit(&m->checked[block - 1], memory_order_relaxed)) return true;
  if (rem_crc32c(0, m->file.data + block * REM_GRAPH_BLOCK, REM_GRAPH_BLOCK) != m->sums[block - 1]) {
    atomic_store(&m->damaged, true);
    return false;
  }
  if (atomic_exchange(&m->checked[block - 1], 1) == 0) atomic_fetch_add(&m->checked_count, 1);
  return true;
}

bool rem_graph__mapping_check(const rem_graph *g, const void *data, size_t bytes) {
  rem_graph_mapping *m = g->mapping;
  uint64_t begin = (uint64_t)((const uint8_t *)data - m->file.data);
  for (uint64_t block = begin / REM_GRAPH_BLOCK; block * REM_GRAPH_BLOCK < begin + bytes; block++) {
    if (block == 0 || block > m->block_count || !check_block(m, block)) return false;
  }
  return true;
}

void rem_graph__mapping_free(rem_graph_mapping *mapping) {
  if (mapping == NULL) return;
  rem_mapping_close(&mapping->file);
  rem_free(mapping->path);
  rem_free((void *)mapping->checked);
  rem_free(mapping);
}

/* ------------------------------------------------------------------------------------------- */
/* Header                                                                                       */

static rem_status corrupt(const char *path, const char *what, rem_error *err) {
  rem_error_set(err, REM_CORRUPT, "the vector index '%s' is damaged: %s", path, what);
  rem_error_hint(err, "It is built again from the stored vectors by the next write, or by 'db reindex'.");
  return REM_CORRUPT;
}

static bool in_range(uint32_t value, uint32_t least, uint32_t most) {
  return value >= least && value <= most;
}

static bool has_sound_counts(const rem_graph_header *h) {
  return in_range(h->dimension, REM_GRAPH_MIN_DIMENSION, REM_VECTOR_MAX_DIMENSION) && in_range(h->m, 4, 64) &&
         in_range(h->code_dimension, 1, h->dimension) && h->has_basis <= 1 && (h->has_basis || h->code_dimension == h->dimension) &&
         in_range(h->build_ef, 16, 4096) && in_range(h->search_ef, 10, 65536) && h->pivot_count <= REM_GRAPH_PIVOTS &&
         h->node_count <= REM_GRAPH_MAX_ROWS && h->row_count <= REM_GRAPH_MAX_ROWS && h->vector_count <= h->row_count &&
         h->node_count <= h->vector_count && (h->node_count == 0 || h->pivot_count > 0) && (h->id_mask & (h->id_mask + 1)) == 0 &&
         h->id_mask >= h->row_count && h->note_size <= sizeof h->note;
}

/* False for NaN. */
static bool is_between(double value, double least, double most) {
  return value >= least && value <= most;
}

/* What follows from the options must be so. */
static bool has_sound_shape(const rem_graph_header *h) {
  rem_graph_codec codec = {0};
  rem_graph_codec_shape(&codec, h->dimension, h->code_dimension);
  return h->lines == codec.lines && h->link_count == (2 * h->m + 15) / 16 * 16 && is_between(h->scale, 1e-3, 1e12) &&
         is_between(h->link_scale, 1e-3, 1e12) && is_between(h->basis_scale, 0, 1e12) && is_between(h->bias, -4, 4) &&
         is_between(h->error, 0, 4) && is_between(h->recall, 0, 1) && is_between(h->shortest, 0, INFINITY) &&
         is_between(h->longest, 0, INFINITY);
}

static rem_status read_header(const rem_mapping *file, const char *path, rem_graph_header *ret_header, rem_error *err) {
  rem_graph_header h;
  if (file->size < REM_GRAPH_BLOCK) return corrupt(path, "it is too short", err);
  memcpy(&h, file->data, sizeof h);
  if (memcmp(h.magic, "REMGRAPH", 8) != 0) return corrupt(path, "it is no index file", err);
  uint32_t crc = h.crc;
  h.crc = 0;
  bool sound = rem_crc32c(0, &h, sizeof h) == crc;
  if (h.version == 0 || h.version > REM_GRAPH_MOST_VERSION) return corrupt(path, "its header is wrong", err);
  if (h.version != REM_GRAPH_FILE_VERSION) {
    rem_error_set(err, REM_FORMAT, "the vector index '%s' has version %u, this program reads %u", path, h.version, REM_GRAPH_FILE_VERSION);
    return REM_FORMAT;
  }
  rem_graph_layout layout;
  if (!sound || !has_sound_counts(&h) || !has_sound_shape(&h)) return corrupt(path, "its header is wrong", err);
  rem_graph__layout(&h, &layout);
  if (h.file_bytes != layout.end || file->size != layout.end) return corrupt(path, "its length is wrong", err);
  if (rem_crc32c(0, file->data + layout.sums, layout.end - layout.sums) != h.sums_crc) return corrupt(path, "its checksums are wrong", err);
  *ret_header = h;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Open                                                                                         */

static void borrow(rem_graph_region *region, const rem_mapping *file, uint64_t begin, uint64_t end) {
  *region = (rem_graph_region){.data = (void *)(uintptr_t)(file->data + begin), .bytes = end - begin};
}

static void use_header(rem_graph *g, const rem_graph_header *h) {
  g->built = g->read_only = true;
  rem_graph_codec_shape(&g->codec, h->dimension, h->code_dimension);
  g->codec.scale = h->scale;
  g->codec.link_scale = h->link_scale;
  g->codec.basis_scale = h->basis_scale;
  g->codec.bias = h->bias;
  g->codec.error = h->error;
  g->node_count = g->node_capacity = h->node_count;
  g->row_count = g->row_capacity = h->row_count;
  g->vector_count = g->vector_capacity = h->vector_count;
  g->id_mask = h->id_mask;
  g->id_seed = h->id_seed;
  atomic_store(&g->recall, h->recall);
  atomic_store(&g->drift, h->drift);
  g->pivot_count = h->pivot_count;
  atomic_store(&g->live_rows, h->row_count);
  atomic_store(&g->linked_nodes, h->node_count);
  atomic_store(&g->sequence, h->sequence);
  atomic_store(&g->shortest, h->shortest);
  atomic_store(&g->longest, h->longest);
  memcpy(g->note, h->note, sizeof g->note);
  g->note_size = h->note_size;
}

/* Copied: a loaded graph outlives the mapping. */
static rem_status take_codec(rem_graph *g, const void *mean, const void *basis, const char *path, rem_error *err) {
  rem_graph_codec *codec = &g->codec;
  REM_TRY(rem_graph_codec_make_means(codec, err));
  memcpy(codec->mean, mean, (codec->dimension + codec->code_dimension) * sizeof(float));
  for (size_t i = 0; i < codec->dimension + codec->code_dimension; i++) {
    if (!is_between((double)codec->mean[i], -2, 2)) return corrupt(path, "its mean is wrong", err);
  }
  if (basis == NULL) return REM_OK;
  REM_TRY(rem_graph_codec_make_basis(codec, err));
  memcpy(codec->basis, basis, codec->code_dimension * codec->link_bytes);
  return REM_OK;
}

/* What every search needs is checked and taken now. */
static rem_status use_small_sections(rem_graph *g, const rem_graph_layout *l, rem_error *err) {
  rem_graph_mapping *m = g->mapping;
  const uint8_t *data = m->file.data;
  if (!rem_graph__mapping_check(g, data + l->mean, l->records - l->mean)) return corrupt(m->path, "a checksum is wrong", err);
  REM_TRY(take_codec(g, data + l->mean, l->basis < l->pivots ? data + l->basis : NULL, m->path, err));
  memcpy(g->pivots, data + l->pivots, sizeof g->pivots);
  for (uint32_t i = 0; i < g->pivot_count; i++) {
    if (g->pivots[i] >= g->node_count) return corrupt(m->path, "it begins at a node that is not there", err);
  }
  borrow(&g->pivot_codes, &m->file, l->pivot_codes, l->records);
  borrow(&g->records, &m->file, l->records, l->first_vector);
  borrow(&g->first_vector, &m->file, l->first_vector, l->places);
  borrow(&g->places, &m->file, l->places, l->rows);
  borrow(&g->rows, &m->file, l->rows, l->vectors);
  borrow(&g->vectors, &m->file, l->vectors, l->ids);
  borrow(&g->ids, &m->file, l->ids, l->sums);
  return REM_OK;
}

static rem_status open_mapping(const char *path, rem_graph_mapping **ret_mapping, rem_error *err) {
  rem_graph_mapping *m = rem_calloc(1, sizeof *m);
  if (m == NULL) return rem_error_nomem(err);
  m->path = rem_strdup(path);
  rem_status status = m->path == NULL ? rem_error_nomem(err) : rem_mapping_open(path, &m->file, err);
  if (status < 0)
    rem_graph__mapping_free(m);
  else
    *ret_mapping = m;
  return status;
}

static rem_status make_graph(rem_graph_mapping *m, const rem_graph_options *expect, rem_graph **ret_graph, rem_error *err) {
  rem_graph_header h;
  rem_graph_layout layout;
  REM_TRY(read_header(&m->file, m->path, &h, err));
  rem_graph__layout(&h, &layout);
  rem_graph_options options = {.dimension = h.dimension, .m = h.m, .build_ef = h.build_ef, .search_ef = h.search_ef};
  if (expect != NULL && expect->dimension != 0 && expect->dimension != h.dimension) return corrupt(m->path, "it is of another dimension", err);
  if (expect != NULL && expect->build_ef != 0) options.build_ef = expect->build_ef;
  if (expect != NULL && expect->search_ef != 0) options.search_ef = expect->search_ef;
  m->sums = (const uint32_t *)(const void *)(m->file.data + layout.sums);
  m->block_count = layout.sums / REM_GRAPH_BLOCK - 1;
  m->checked = rem_calloc(m->block_count + 1, 1);
  if (m->checked == NULL) return rem_error_nomem(err);
  rem_graph *g = NULL;
  REM_TRY(rem_graph_new(&options, &g, err));
  use_header(g, &h);
  rem_graph__shape(g);
  g->mapping = m;
  rem_status status = use_small_sections(g, &layout, err);
  if (status >= 0) {
    *ret_graph = g;
    return status;
  }
  g->mapping = NULL; /* the caller's */
  rem_graph_free(g);
  return status;
}

rem_status rem_graph_file_open(const char *path, const rem_graph_options *expect, rem_graph **ret_graph, rem_error *err) {
  rem_graph_mapping *m = NULL;
  REM_TRY(open_mapping(path, &m, err));
  rem_status status = make_graph(m, expect, ret_graph, err);
  if (status < 0) rem_graph__mapping_free(m);
  return status;
}

rem_slice rem_graph_file_note(const rem_graph *g) {
  return rem_slice_of(g->note, g->note_size);
}

rem_status rem_graph_file_verify(rem_graph *g, rem_error *err) {
  for (uint64_t block = 1; g->mapping != NULL && block <= g->mapping->block_count; block++) {
    if (check_block(g->mapping, block)) continue;
    rem_error_set(err, REM_CORRUPT, "the vector index '%s' is damaged in block %llu", g->mapping->path, (unsigned long long)block);
    rem_error_hint(err, "It is built again from the stored vectors by the next write, or by 'db reindex'.");
    return REM_CORRUPT;
  }
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Load                                                                                         */

/* Numbers are in the order in which they were written; anything else is damage. */
static bool has_sound_rows(const rem_graph *g, uint32_t vector, uint32_t *next_row) {
  uint32_t row = rem_graph__place(g, vector)->first_row, before = REM_GRAPH_NONE;
  if (row != *next_row) return false;
  for (; row != REM_GRAPH_NONE; before = row, row = rem_graph__row(g, row)->next) {
    if (row != *next_row || row >= g->row_count) return false;
    const rem_graph_row *r = rem_graph__row(g, row);
    if (r->vector != vector || r->previous != before || r->older != REM_GRAPH_NONE || r->death != REM_GRAPH_LATEST || r->birth == REM_GRAPH_LATEST)
      return false;
    ++*next_row;
  }
  return before != REM_GRAPH_NONE;
}

static bool has_sound_numbers(const rem_graph *g) {
  uint32_t next_vector = 0, next_row = 0;
  for (uint32_t node = 0; node < g->node_count; node++) {
    uint32_t first = rem_graph__first_vector(g, node), vector = first & ~REM_GRAPH_MORE;
    for (uint32_t i = 0; i < g->link_count; i++) {
      if (rem_graph__links(g, node)[i] >= g->node_count) return false;
    }
    if (vector != next_vector) return false;
    for (; vector != REM_GRAPH_NONE; vector = rem_graph__place(g, vector)->next) {
      if (vector != next_vector || vector >= g->vector_count || rem_graph__place(g, vector)->node != node) return false;
      if (!has_sound_rows(g, vector, &next_row)) return false;
      next_vector++;
    }
    if (((first & REM_GRAPH_MORE) != 0) != (next_vector - (first & ~REM_GRAPH_MORE) > 1)) return false;
  }
  return next_vector == g->vector_count && next_row == g->row_count;
}

static bool has_sound_vectors(const rem_graph *g) {
  for (uint32_t i = 0; i < g->vector_count; i++) {
    const int16_t *values = rem_graph__values(g, i);
    if (!rem_graph_unit_is_sound(rem_graph__place(g, i)->unit)) return false;
    for (size_t j = 0; j < g->vector_stride; j++) {
      if (values[j] == INT16_MIN) return false; /* times a large unit it is no float */
    }
  }
  return true;
}

static rem_status own(rem_graph_region *region, rem_error *err) {
  return rem_graph__region_grow(region, region->bytes, region->bytes > 0 ? region->bytes : REM_GRAPH_LINE, err);
}

static rem_status own_all(rem_graph *g, rem_error *err) {
  rem_graph_region *regions[] = {&g->records, &g->first_vector, &g->places, &g->rows, &g->vectors, &g->pivot_codes};
  for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
    REM_TRY(own(regions[i], err));
  REM_TRY(rem_graph__region_grow(&g->inverses, 0, (size_t)g->node_count * sizeof(float) + REM_GRAPH_LINE, err));
  REM_TRY(rem_graph__region_grow(&g->locks, 0, (size_t)g->node_count + REM_GRAPH_LINE, err));
  memset(g->locks.data, 0, g->locks.bytes);
  g->ids = (rem_graph_region){0};
  g->id_used = 0;
  return rem_graph__ensure(g, 0, 0, 0, err);
}

static void fill(rem_graph *g) {
  for (uint32_t node = 0; node < g->node_count; node++)
    rem_graph__set_inverse(g, node, rem_graph__first_vector(g, node) & ~REM_GRAPH_MORE);
  for (uint32_t row = 0; row < g->row_count; row++)
    rem_graph__id_put(g, row);
}

rem_status rem_graph_file_load(const char *path, const rem_graph_options *expect, rem_graph **ret_graph, rem_error *err) {
  rem_graph *g = NULL;
  REM_TRY(rem_graph_file_open(path, expect, &g, err));
  rem_status status = rem_graph_file_verify(g, err);
  if (status >= 0 && !(has_sound_numbers(g) && has_sound_vectors(g))) status = corrupt(path, "its numbers are wrong", err);
  rem_graph_mapping *m = g->mapping;
  g->mapping = NULL;
  g->read_only = false;
  if (status >= 0) status = own_all(g, err);
  if (status >= 0) fill(g);
  rem_graph__mapping_free(m);
  if (status < 0)
    rem_graph_free(g);
  else
    *ret_graph = g;
  return status;
}
