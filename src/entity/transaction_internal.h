/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction holds, between transaction.c and transaction_index.c. */
#ifndef REM_ENTITY_TRANSACTION_INTERNAL_H
#define REM_ENTITY_TRANSACTION_INTERNAL_H

#include "entity/batch_internal.h"
#include "entity/entry_list.h"
#include "entity/read_notes.h"
#include "entity/transaction.h"

typedef struct rem_pending_state {
  rem_pending_row row; /* first: what readers hold */
  struct rem_pending_state *previous;
  struct rem_pending_state *older; /* the one before in the history of the row, also when it was taken back */
  struct rem_pending_head *head;
  uint64_t written, taken_back; /* moments; UINT64_MAX: it was not */
  size_t place; /* among the transaction's states */
  rem_slice key; /* of a row whose id does not follow from it; else empty */
  struct rem_pending_state *same_key; /* the one before with this key */
} rem_pending_state;

typedef struct rem_pending_head {
  rem_pending_state *newest;  /* NULL: all of it was taken back */
  rem_pending_state *history; /* all that were ever made, the last first */
  uint8_t id[16];
  bool was_live;
} rem_pending_head;

typedef struct rem_pending_table {
  rem_table *table; /* owned reference */
  rem_pending_head **heads; /* the first `sorted` of them by id */
  size_t count, sorted, capacity;
} rem_pending_table;

struct rem_transaction {
  rem_engine *engine; /* borrowed */
  const rem_kv_snapshot *snapshot;
  char tenant[REM_TENANT_SIZE];
  rem_batch *batch; /* owned; NULL after the commit */
  rem_arena arena;  /* heads, states, records, entries */
  rem_hash_map rows; /* table number (4 bytes), id -> rem_pending_head * */
  rem_hash_map aliases; /* table number, key -> the last rem_pending_state * that has such a `key` */
  rem_pending_table *tables;
  size_t table_count;
  rem_pending_state **states; /* in the order of the writes; as many as the batch has changes */
  size_t state_count, state_capacity;
  uint64_t moment;
  rem_read_notes reads;
  uint64_t first_seq; /* the tenant's last number under the snapshot */
  rem_row row;        /* scratch */
  rem_entry_list entries; /* of the states before `indexed`; whose owner is the newest state of its row holds */
  size_t indexed;
  uint64_t seen;
};

rem_pending_table *rem_transaction__table(const rem_transaction *transaction, const rem_table *table, uint32_t *ret_number);
rem_pending_head *rem_transaction__head(const rem_transaction *transaction, const rem_table *table, const uint8_t id[16]);
/* `state` was taken back, and its row is what it was before. */
void rem_transaction__unindex(rem_transaction *transaction, const rem_pending_state *state);

#endif
