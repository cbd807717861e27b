/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit: what must be stored for a row, besides its record; shared by check and reindex.
 */
#ifndef REM_ENTITY_AUDIT_H
#define REM_ENTITY_AUDIT_H

#include "entity/counters.h"
#include "entity/engine.h"
#include "entity/read.h"
#include "index/entries.h"

/* What follows from one row. Reused from row to row. */
typedef struct rem_audit {
  rem_arena arena;
  rem_index_entries entries; /* sorted */
  bool id_derived;
  bool has_text;
  rem_vector_state vectors[REM_SLOT_COUNT];
} rem_audit;

void rem_audit_deinit(rem_audit *audit);
/* Fills `audit` for `row`. */
REM_CHECKED rem_status rem_audit_row(rem_audit *audit, const char *tenant, const rem_row *row, rem_error *err);
/* Adds the row to the counters of its table. */
void rem_audit_count(const rem_audit *audit, const rem_row *row, rem_counters *counters);
/* Does the row call for this key with this value? Knows the index families, vectors, large and pending. */
bool rem_audit_expects(const rem_audit *audit, const rem_row *row, rem_kv_family family, rem_slice key, rem_slice value);

/*
 * The row that a stored entry belongs to, by its key and value alone: REM_OK, or REM_NOT_FOUND when the key is not understood or its table is unknown.
 * `ret_table` is an owned reference.
 */
REM_CHECKED rem_status rem_audit_owner(rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant,
                                       rem_kv_family family, rem_slice key, rem_slice value, rem_table **ret_table,
                                       uint8_t ret_id[16], rem_error *err);

/* The parts of the store that follow from rows: a family and the prefix of a tenant's keys in it. */
#define REM_AUDIT_AREA_COUNT 8
/* Area `index` of a tenant; the prefix is appended to `prefix`. Returns its family. */
rem_kv_family rem_audit_area(size_t index, const char *tenant, rem_buffer *prefix);

#endif
