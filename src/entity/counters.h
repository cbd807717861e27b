/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters: how many rows, vectors and edges a table has, kept exact by every commit.
 *
 * Stored in `meta` under counter:{tenant}:{table}: a version byte, then each member below as int64 little endian, in this order; a
 * shorter record (an older version) reads as zero for what it lacks.
 */
#ifndef REM_ENTITY_COUNTERS_H
#define REM_ENTITY_COUNTERS_H

#include "base/buffer.h"
#include "schema/table.h"
#include "storage/kv.h"

typedef struct rem_counters {
  int64_t live;          /* rows that are not deleted */
  int64_t deleted;       /* soft-deleted rows, not yet vacuumed */
  int64_t explicit_ids;  /* rows, deleted ones too, whose id does not follow from their key: while there are
                            none, a key need not be searched for before a write */
  int64_t edges;         /* inline edges of live rows */
  int64_t index_entries; /* entries in field_index */
  int64_t long_values;   /* of them, values indexed by prefix and hash (D28): such an index claims no order */
  int64_t vectors[REM_SLOT_COUNT]; /* stored vectors, of deleted rows too */
  int64_t deleted_vectors[REM_SLOT_COUNT]; /* of them, of soft-deleted rows: what a search must pass over */
  int64_t pending[REM_SLOT_COUNT]; /* live rows whose embedding is still to be made */
} rem_counters;

#define REM_COUNTERS_STORED_SIZE (1 + sizeof(rem_counters))

void rem_counters_encode(const rem_counters *counters, uint8_t ret_bytes[REM_COUNTERS_STORED_SIZE]);
/* REM_CORRUPT for an unknown version. */
REM_CHECKED rem_status rem_counters_decode(rem_slice stored, rem_counters *ret_counters, rem_error *err);
/* `counters` plus `delta`. */
void rem_counters_add(rem_counters *counters, const rem_counters *delta);
/* Live rows with text that have no vector in `slot`. Those older than the second slot count as well: they cannot be found by it. */
int64_t rem_counters_pending(const rem_counters *counters, unsigned slot);
bool rem_counters_equal(const rem_counters *a, const rem_counters *b);
bool rem_counters_zero(const rem_counters *counters);
/* What is stored for a table; zeros when nothing is. */
REM_CHECKED rem_status rem_counters_read(rem_kv *kv, const rem_kv_snapshot *snapshot, const char *tenant,
                                         const char *table, rem_counters *ret_counters, rem_error *err);
/* Puts them into a batch that is written apart from commits. */
REM_CHECKED rem_status rem_counters_put(rem_kv_batch *batch, const char *tenant, const char *table,
                                        const rem_counters *counters, rem_error *err);

#endif
