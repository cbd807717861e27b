/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one row: by id, by key, by either.
 *
 * A row is a record view over the pinned value; nothing is copied. A record past 64 KiB is a stub in `entities` and lies whole in `large`.
 */
#ifndef REM_ENTITY_READ_H
#define REM_ENTITY_READ_H

#include "entity/engine.h"
#include "schema/record.h"

/* rem.h's rem_row. */
struct rem_row {
  rem_engine *engine; /* borrowed: the handle outlives the row */
  rem_table *table;   /* owned reference; NULL: empty */
  uint8_t id[16];
  rem_kv_pin pin;
  rem_buffer copy;  /* when the record came from an iterator */
  rem_record record; /* over pin or copy */
  double score;      /* NaN: none */
  const char *match; /* static, or NULL */
  rem_buffer scratch; /* keys; and the value of a field that is not in the record as such */
  char tenant[REM_TENANT_SIZE];
};

void rem_row__init(rem_row *row, rem_engine *engine);
void rem_row__deinit(rem_row *row);
/* Empties it, keeps memory. */
void rem_row__reset(rem_row *row);

/* Shows a record that the caller keeps (borrowed): it outlives what is read from the row. */
void rem_row__show(rem_row *row, const char *tenant, rem_table *table, const uint8_t id[16], const rem_record *record);

/* Fills `row` with the row `id`, deleted or not: REM_OK, or REM_NOT_FOUND with the row empty. `snapshot` NULL: the latest. */
REM_CHECKED rem_status rem_read_id(rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant,
                                   rem_table *table, const uint8_t id[16], rem_row *row, rem_error *err);

/* By a text that is an id or a key; sets `ret_id` also when nothing is there (to the id such a key would have). */
REM_CHECKED rem_status rem_read_resolve(rem_engine *engine, const char *tenant, rem_table *table, rem_slice key,
                                        uint8_t ret_id[16], rem_row *row, rem_error *err);

/* Fills `row` from a value of `entities` that an iterator shows: the bytes are copied, a stub is replaced by the whole record. */
REM_CHECKED rem_status rem_read_value(rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant,
                                      rem_table *table, const uint8_t id[16], rem_slice value, rem_row *row,
                                      rem_error *err);

/* Vectors of a row into `buffer` (float32 after float32) and `ret_vectors` (values point into the buffer; NULL: none). */
REM_CHECKED rem_status rem_read_vectors(rem_engine *engine, const rem_row *row, rem_buffer *buffer,
                                        struct rem_record_vector *ret_vectors, rem_error *err);

#endif
