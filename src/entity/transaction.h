/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transaction: writes that their author can read before anybody else does, and that are committed as one batch or not at all.
 *
 *   batch      what will be committed (batch.h)
 *   pending    the same, as rows to be read: by table, a head for each row written, its newest state on top
 *   reads      rows of the store that were read, with the sequence number they had (read_notes.h)
 *
 *   heads  [ id ] ── newest ── previous ── previous      one state a write; a rewind takes the last ones off again
 *
 *   entries    the index entries of the pending rows, made when one of them is first looked for (transaction_index.c)
 *
 * Reading is the caller's: it walks the store under the snapshot and lays the pending rows over it (collect, find). States live as long as
 * the transaction, also those taken back, so a reader that holds one never loses it.
 *
 * First committer wins (D29): in the apply order, before anything is applied, every row read or written must have the sequence number it had under the
 * snapshot. When nobody has committed to the tenant since the snapshot that is known without looking at a row.
 *
 * A transaction belongs to one thread at a time.
 */
#ifndef REM_ENTITY_TRANSACTION_H
#define REM_ENTITY_TRANSACTION_H

#include "entity/batch.h"
#include "entity/read.h"

typedef struct rem_transaction rem_transaction;

/* A row as the transaction has left it. */
typedef struct rem_pending_row {
  rem_table *table; /* borrowed from the transaction */
  uint8_t id[16];
  rem_record record; /* with its system part: times, deleted or not */
  bool was_live;     /* under the snapshot */
} rem_pending_row;

/* `snapshot` is borrowed and outlives the transaction. `max_bytes`: of what is pending; REM_LIMIT beyond. Owned: rem_transaction_free(). REM_READONLY. */
REM_CHECKED rem_status rem_transaction_new(rem_engine *engine, const char *tenant, const rem_kv_snapshot *snapshot,
                                           size_t max_bytes, rem_transaction **ret_transaction, rem_error *err);
void rem_transaction_free(rem_transaction *transaction);

/* ---- writing ---- */

/*
 * An insert (D12): `document` (taken) replaces the row of its key or id, or makes one. With `keep_old` a live row that is there already stays as it is:
 * `ret_written` (may be NULL) is false then.
 */
REM_CHECKED rem_status rem_transaction_put(rem_transaction *transaction, rem_table *table, json_t *document, bool keep_old,
                                           bool *ret_written, rem_error *err);
/* Sets fields of the row `id`: those in `fields` (taken) take the place of what it has, whole; the key cannot change. `edges` may be among them.
 * REM_NOT_FOUND: there is no such live row. */
REM_CHECKED rem_status rem_transaction_set(rem_transaction *transaction, rem_table *table, const uint8_t id[16], json_t *fields,
                                           rem_error *err);
/* REM_NOT_FOUND: there is no such live row. */
REM_CHECKED rem_status rem_transaction_delete(rem_transaction *transaction, rem_table *table, const uint8_t id[16], rem_error *err);

/* A place to come back to, and the way back: what was written since is forgotten. */
size_t rem_transaction_mark(const rem_transaction *transaction);
void rem_transaction_rewind(rem_transaction *transaction, size_t mark);

/* ---- reading ---- */

/* The row `id` of `table` as the transaction has left it; NULL: it has not written it. Borrowed. */
const rem_pending_row *rem_transaction_find(const rem_transaction *transaction, const rem_table *table, const uint8_t id[16]);
/* The row it has written that has this key but not the id that follows from it; NULL: none. Borrowed. */
const rem_pending_row *rem_transaction_find_key(const rem_transaction *transaction, const rem_table *table, rem_slice key);
/* The rows of `table` that the transaction has written, deleted ones too, sorted by id: an array in `arena` of `ret_count`. */
REM_CHECKED rem_status rem_transaction_collect(rem_transaction *transaction, const rem_table *table, rem_arena *arena,
                                               const rem_pending_row ***ret_rows, size_t *ret_count, rem_error *err);
/* The moment it is: it changes with every write and with everything that is taken back. */
uint64_t rem_transaction_moment(const rem_transaction *transaction);
/* Had it written the row `id` of `table` by that moment, and not taken back by then? */
bool rem_transaction_wrote(const rem_transaction *transaction, const rem_table *table, const uint8_t id[16], uint64_t moment);
/* Has it written a row of that id in any table? */
bool rem_transaction_wrote_id(const rem_transaction *transaction, const uint8_t id[16]);
/* As rem_read_id(), with what the transaction has written; a row of the store is noted as read. `transaction` NULL: none. A row that is pending is
 * borrowed from the transaction. */
REM_CHECKED rem_status rem_transaction_read(rem_transaction *transaction, rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant,
                                            rem_table *table, const uint8_t id[16], rem_row *row, rem_error *err);

/* The index entries of the rows as the transaction has left them, in key order: those of `family` from `lower` on and below `upper`. What index/entries.h makes of
 * a row, deleted ones too. Aliases are not among them. */
typedef struct rem_pending_walk {
  rem_transaction *transaction; /* borrowed */
  const struct rem_entry_node *node;
  rem_slice upper; /* borrowed from the caller */
  rem_slice key, value; /* of the entry; borrowed from the transaction */
  const rem_pending_row *row;
} rem_pending_walk;

/* Begins before the first entry. `transaction` NULL: there is none. What is written after is not seen for sure. */
REM_CHECKED rem_status rem_transaction_walk(rem_transaction *transaction, rem_kv_family family, rem_slice lower, rem_slice upper,
                                            rem_pending_walk *ret_walk, rem_error *err);
/* False at the end. */
bool rem_pending_walk_next(rem_pending_walk *walk);
/* How many entries and rows all walks and collections together have looked at, for tests of what they cost. */
uint64_t rem_transaction_seen(const rem_transaction *transaction);

/* How many more live rows the table has by it. */
int64_t rem_transaction_live_delta(const rem_transaction *transaction, const rem_table *table);
/* A row of the store was read; reading it again adds nothing. Never fails: beyond a bound of rows, or without memory, any commit of others will count
 * as a conflict. */
void rem_transaction_note(rem_transaction *transaction, const rem_table *table, const uint8_t id[16], uint64_t seq);

/* ---- the end ---- */

/*
 * Commits what was written as one batch. `checked`: REM_CONFLICT when a row read or written has changed since; otherwise rows are written whatever
 * they are now, as an API call does. The transaction can be read after, but no longer written.
 */
REM_CHECKED rem_status rem_transaction_commit(rem_transaction *transaction, bool checked, rem_batch_result *ret_result,
                                              rem_error *err);
/* Has it anything to commit? */
bool rem_transaction_is_empty(const rem_transaction *transaction);

/* For apply.c: REM_OK, or REM_CONFLICT. */
REM_CHECKED rem_status rem_transaction__check(const rem_transaction *transaction, rem_commit_group *group, rem_error *err);

#endif
