/* SPDX-License-Identifier: Apache-2.0 */
#include "ann/recent.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash_map.h"

#define CHUNK_VECTORS 256
#define MAX_CHANGES ((size_t)1 << 30)

void rem_recent_deinit(rem_recent *recent) {
  for (size_t i = 0; i < recent->chunk_count; i++)
    rem_free(recent->chunks[i]);
  rem_free(recent->chunks);
  rem_free(recent->ops);
  rem_free(recent->ids);
  rem_free(recent->first_seqs);
  rem_free(recent->last_ops);
  rem_free(recent->table);
  *recent = (rem_recent){.dimension = recent->dimension};
}

/* ---- room for one more ---- */

static rem_status grow(void **memory, size_t capacity, size_t item_size, rem_error *err) {
  void *grown = rem_realloc(*memory, capacity * item_size);
  if (!grown)
    return rem_error_nomem(err);
  *memory = grown;
  return REM_OK;
}

static rem_status room_for_op(rem_recent *recent, rem_error *err) {
  if (recent->op_count < recent->op_capacity)
    return REM_OK;
  if (recent->op_count >= MAX_CHANGES)
    return rem_error_set(err, REM_LIMIT, "too many changes of vectors since the index was made");
  size_t capacity = recent->op_capacity ? recent->op_capacity * 2 : 64;
  REM_TRY(grow((void **)&recent->ops, capacity, sizeof *recent->ops, err));
  recent->op_capacity = capacity;
  return REM_OK;
}

static rem_status room_for_vector(rem_recent *recent, rem_error *err) {
  if (recent->vector_count < recent->chunk_count * CHUNK_VECTORS)
    return REM_OK;
  REM_TRY(grow((void **)&recent->chunks, recent->chunk_count + 1, sizeof *recent->chunks, err));
  float *chunk = rem_alloc(CHUNK_VECTORS * recent->dimension * sizeof *chunk);
  if (!chunk)
    return rem_error_nomem(err);
  recent->chunks[recent->chunk_count++] = chunk;
  return REM_OK;
}

static float *vector_at(const rem_recent *recent, size_t index) {
  return recent->chunks[index / CHUNK_VECTORS] + index % CHUNK_VECTORS * recent->dimension;
}

const float *rem_recent_vector(const rem_recent *recent, const rem_recent_op *op) {
  return op->vector == REM_RECENT_GONE ? NULL : vector_at(recent, op->vector);
}

/* ---- the ids ---- */

/* The cell that holds `id`, or the free one where it belongs. */
static uint32_t *find_cell(uint32_t *table, size_t size, const uint8_t (*ids)[16], const uint8_t id[16]) {
  size_t at = (size_t)rem_hash_bytes(id, 16) & (size - 1);
  while (table[at] && memcmp(ids[table[at] - 1], id, 16) != 0)
    at = (at + 1) & (size - 1);
  return &table[at];
}

static rem_status grow_table(rem_recent *recent, rem_error *err) {
  size_t size = recent->table_size ? recent->table_size * 2 : 256;
  uint32_t *table = rem_calloc(size, sizeof *table);
  if (!table)
    return rem_error_nomem(err);
  for (size_t i = 0; i < recent->id_count; i++)
    *find_cell(table, size, (const uint8_t(*)[16])recent->ids, recent->ids[i]) = (uint32_t)i + 1;
  rem_free(recent->table);
  recent->table = table;
  recent->table_size = size;
  return REM_OK;
}

static rem_status room_for_id(rem_recent *recent, rem_error *err) {
  if (2 * (recent->id_count + 1) > recent->table_size)
    REM_TRY(grow_table(recent, err));
  if (recent->id_count < recent->id_capacity)
    return REM_OK;
  size_t capacity = recent->id_capacity ? recent->id_capacity * 2 : 64;
  REM_TRY(grow((void **)&recent->ids, capacity, sizeof *recent->ids, err));
  REM_TRY(grow((void **)&recent->first_seqs, capacity, sizeof *recent->first_seqs, err));
  REM_TRY(grow((void **)&recent->last_ops, capacity, sizeof *recent->last_ops, err));
  recent->id_capacity = capacity;
  return REM_OK;
}

/* ---- adding ---- */

static void add_id(rem_recent *recent, uint32_t *cell, const uint8_t id[16], uint64_t seq) {
  memcpy(recent->ids[recent->id_count], id, 16);
  recent->first_seqs[recent->id_count] = seq;
  *cell = (uint32_t)++recent->id_count;
}

rem_status rem_recent_add(rem_recent *recent, const uint8_t id[16], const float *vector, uint64_t seq, rem_error *err) {
  REM_TRY(room_for_op(recent, err));
  REM_TRY(room_for_id(recent, err));
  if (vector)
    REM_TRY(room_for_vector(recent, err));
  rem_recent_op *op = &recent->ops[recent->op_count];
  *op = (rem_recent_op){.seq = seq, .until = UINT64_MAX, .vector = REM_RECENT_GONE};
  memcpy(op->id, id, 16);
  if (vector) {
    op->vector = (uint32_t)recent->vector_count++;
    memcpy(vector_at(recent, op->vector), vector, recent->dimension * sizeof *vector);
  }
  uint32_t *cell = find_cell(recent->table, recent->table_size, (const uint8_t(*)[16])recent->ids, id);
  if (*cell)
    recent->ops[recent->last_ops[*cell - 1]].until = seq;
  else
    add_id(recent, cell, id, seq);
  recent->last_ops[*cell - 1] = (uint32_t)recent->op_count++;
  return REM_OK;
}

size_t rem_recent_changed(const rem_recent *recent, uint64_t seq) {
  size_t low = 0, high = recent->id_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (recent->first_seqs[middle] <= seq)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* ---- searching ---- */

static int compare_ids(const void *a, const void *b) {
  return memcmp(a, b, 16);
}

static bool counts(const rem_recent_scan *scan, const rem_recent_op *op) {
  if (op->vector == REM_RECENT_GONE || op->seq > scan->seq || op->until <= scan->seq)
    return false;
  if (scan->ids && !bsearch(op->id, scan->ids, scan->id_count, sizeof *scan->ids, compare_ids))
    return false;
  return !scan->accept || scan->accept(scan->accept_context, op->id);
}

rem_status rem_recent_search(const rem_recent *recent, const rem_recent_scan *scan, rem_top_k *top, uint64_t *ret_scored,
                             rem_error *err) {
  uint64_t scored = 0;
  for (size_t i = 0; i < recent->op_count && recent->ops[i].seq <= scan->seq; i++) {
    const rem_recent_op *op = &recent->ops[i];
    if (!counts(scan, op))
      continue;
    double score = rem_query_score(scan->query, vector_at(recent, op->vector));
    scored++;
    bool passes = !scan->has_threshold || !rem_metric_better(scan->query->metric, scan->threshold, score);
    if (passes && !rem_top_k_rejects(top, score))
      REM_TRY(rem_top_k_add(top, op->id, score, err));
  }
  *ret_scored = scored;
  return REM_OK;
}

/* ---- forgetting ---- */

rem_status rem_recent_drop(rem_recent *recent, size_t count, rem_error *err) {
  rem_recent rest = {.dimension = recent->dimension};
  for (size_t i = count; i < recent->op_count; i++) {
    const rem_recent_op *op = &recent->ops[i];
    rem_status status = rem_recent_add(&rest, op->id, rem_recent_vector(recent, op), op->seq, err);
    if (status < 0) {
      rem_recent_deinit(&rest);
      return status;
    }
  }
  rem_recent_deinit(recent);
  *recent = rest;
  return REM_OK;
}

uint64_t rem_recent_memory_bytes(const rem_recent *recent) {
  size_t each = sizeof *recent->ids + sizeof *recent->first_seqs + sizeof *recent->last_ops;
  return recent->op_capacity * sizeof *recent->ops + recent->id_capacity * each + recent->table_size * sizeof *recent->table +
         recent->chunk_count * CHUNK_VECTORS * recent->dimension * sizeof(float);
}
