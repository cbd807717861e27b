/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apply, between its files:
 *
 *   apply.c          the order of the changes, the commit request, what the registry learns of it
 *   apply_row.c      the stored row a change is about
 *   apply_put.c      put and update; vectors on their own
 *   apply_delete.c   delete and purge
 *   apply_table.c    counters, generations, definitions
 *   apply_entries.c  record, index entries, vector and log entry
 *
 * All of it runs in the apply order, one change after the other, with one `rem_apply` a batch.
 */
#ifndef REM_ENTITY_APPLY_INTERNAL_H
#define REM_ENTITY_APPLY_INTERNAL_H

#include "entity/batch_internal.h"
#include "storage/log.h"

#define REM_APPLY_MAX_TABLES 64 /* different tables in one batch */

/* A table the batch writes to. */
typedef struct rem_apply_table {
  rem_table *table; /* borrowed from a change; the first of that name */
  rem_counters counters, loaded;
} rem_apply_table;

/* A change of a vector, told to the index once it is committed. */
typedef struct rem_apply_vector {
  const rem_table *table; /* borrowed from the change */
  unsigned slot;
  rem_ann_change change;  /* its vector borrowed from the batch */
} rem_apply_vector;

typedef struct rem_apply {
  rem_batch *batch;
  rem_commit_group *group;
  rem_apply_verdict verdict;
  int64_t failed_index;
  rem_batch_result result;
  rem_apply_table tables[REM_APPLY_MAX_TABLES];
  size_t table_count;
  uint64_t transaction_seq; /* of the first log entry; 0: none yet */
  int64_t now;              /* microseconds */
  rem_arena arena;          /* entries of one change */
  rem_apply_vector *vectors; /* owned; ascending sequence numbers */
  size_t vector_count, vector_capacity;
  rem_buffer key, key2, text;
  rem_status key_failure; /* of a key that could not be built */
} rem_apply;

/* One stored row, as the group sees it. */
typedef struct rem_apply_row {
  bool found;
  rem_kv_pin pin, large;
  rem_record record;
  rem_record_system system;
} rem_apply_row;

void rem_apply_row_deinit(rem_apply_row *row);
#define AUTO_APPLY_ROW REM_CLEANUP(rem_apply_row_deinit)

/* ---- apply_row.c ---- */

/* REM_OK also when there is none: see `found`. */
rem_status rem_apply__read_row(rem_apply *run, const rem_table *table, const uint8_t id[16], rem_apply_row *row,
                               rem_error *err);
/* Leaves the row's key in run->key2. */
rem_status rem_apply__row_key_is(rem_apply *run, const rem_table *table, const rem_apply_row *row, rem_slice key,
                                 bool *ret_same, rem_error *err);
/* Does the stored row have text to embed? It is left in run->text. */
rem_status rem_apply__had_text(rem_apply *run, const rem_change *change, const rem_apply_row *old, bool *ret_had,
                               rem_error *err);
/* Finds the row a put replaces and settles the change's id. */
rem_status rem_apply__find_replaced(rem_apply *run, rem_change *change, rem_apply_row *row, rem_error *err);
/* Finds the row a text names: an id, or a key. */
rem_status rem_apply__find_named(rem_apply *run, rem_change *change, rem_apply_row *row, rem_error *err);

/* ---- apply_table.c ---- */

rem_status rem_apply__table_state(rem_apply *run, rem_table *table, rem_apply_table **ret_state, rem_error *err);
rem_status rem_apply__store_counters(rem_apply *run, rem_error *err);
/* Ends this apply: the change was prepared on ground that has moved. */
rem_status rem_apply__again(rem_apply *run, rem_apply_verdict verdict, rem_error *err);
/* Was the change prepared under the definition that is stored now? */
rem_status rem_apply__check_generation(rem_apply *run, const rem_table *table, rem_error *err);
rem_status rem_apply__put_definition(rem_apply *run, rem_change *change, rem_error *err);
rem_status rem_apply__remove_definition(rem_apply *run, rem_change *change, rem_error *err);

/* ---- apply_put.c, apply_delete.c ---- */

rem_status rem_apply__put(rem_apply *run, rem_change *change, rem_error *err);
rem_status rem_apply__delete(rem_apply *run, rem_change *change, rem_error *err);
rem_status rem_apply__purge(rem_apply *run, rem_change *change, rem_error *err);
rem_status rem_apply__move(rem_apply *run, rem_change *change, rem_error *err);
rem_status rem_apply__leave(rem_apply *run, rem_change *change, rem_error *err);

/* ---- apply_entries.c ---- */

/* What was built in run->key. One that could not be built fails the apply in the end, whatever was decided by it. */
rem_slice rem_apply__key(rem_apply *run);
rem_slice rem_apply__entity_key(rem_apply *run, const rem_table *table, const uint8_t id[16]);
rem_slice rem_apply__large_key(rem_apply *run, const rem_table *table, const uint8_t id[16]);
/* The index entries of a row go from those of `old` (NULL: none) to those of `new` (NULL: none). */
rem_status rem_apply__put_entries(rem_apply *run, const rem_change *change, const rem_record *old,
                                  const rem_record *new, bool derived, rem_counters *counters, rem_error *err);
void rem_apply__put_record(rem_apply *run, const rem_change *change, const uint8_t *data, size_t size,
                           bool was_external);
void rem_apply__put_vector(rem_apply *run, const rem_change *change, unsigned slot, uint64_t seq);
void rem_apply__delete_vector(rem_apply *run, const rem_change *change, unsigned slot, uint64_t seq);
/* The stored vector stays: its row is no longer found (deleted), or is found again. */
void rem_apply__hide_vector(rem_apply *run, const rem_change *change, unsigned slot, uint64_t seq);
void rem_apply__show_vector(rem_apply *run, const rem_change *change, unsigned slot, uint64_t seq);
/* The mark of a row that waits for its vector. */
void rem_apply__put_pending(rem_apply *run, const rem_change *change, unsigned slot);
void rem_apply__delete_pending(rem_apply *run, const rem_change *change, unsigned slot);
/* The vector made for the model that the slot is moving to, if it is. */
void rem_apply__put_moving(rem_apply *run, const rem_change *change, uint64_t seq);
void rem_apply__delete_moving(rem_apply *run, const rem_change *change, unsigned slot);
/* `new_vectors`: bit s is set when the entry holds the change's vector of slot s. */
rem_status rem_apply__put_log(rem_apply *run, const rem_change *change, rem_log_operation operation, rem_slice record,
                              unsigned new_vectors, uint64_t *ret_seq, rem_error *err);

#endif
