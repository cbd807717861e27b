/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index entries of pending rows: what a row will be found by once it is committed, so that a transaction finds its own rows as it finds others.
 *
 * They are made when one is first looked for, of the newest state of each row written until then, and go on from there at the next look: a bulk load that never reads costs nothing. An
 * entry belongs to the state that had it last; it holds when that state is the newest of its row. A state that is superseded leaves its entries behind, dead. When a state is
 * taken back, the one before takes its entries into possession again.
 */
#include "entity/transaction_internal.h"

#include "index/entries.h"

static rem_status index_state(rem_transaction *transaction, const rem_pending_state *state, rem_error *err) {
  rem_arena scratch REM_AUTO_ARENA = {0};
  rem_index_entries entries;
  const rem_index_row row = {.tenant = transaction->tenant,
                             .table = state->row.table,
                             .id = state->row.id,
                             .record = &state->row.record,
                             .id_derived = true}; /* no alias: transaction.c keeps those */
  rem_index_entries_init(&entries, &scratch);
  REM_TRY(rem_index_entries_add(&entries, &row, err));
  for (size_t i = 0; i < entries.count; i++) {
    const rem_index_entry *entry = &entries.items[i];
    if (!rem_entry_list_put(&transaction->entries, &transaction->arena, entry->family, entry->key, entry->value, state)) {
      rem_error_set(err, REM_LIMIT, "the transaction has grown too large, or memory is out");
      rem_error_hint(err, "commit in smaller parts, or raise the memory of the session");
      return REM_LIMIT;
    }
  }
  return REM_OK;
}

static rem_status index_pending(rem_transaction *transaction, rem_error *err) {
  for (; transaction->indexed < transaction->state_count; transaction->indexed++) {
    const rem_pending_state *state = transaction->states[transaction->indexed];
    if (state->head->newest == state)
      REM_TRY(index_state(transaction, state, err));
  }
  return REM_OK;
}

void rem_transaction__unindex(rem_transaction *transaction, const rem_pending_state *state) {
  const rem_pending_state *newest = state->head->newest;
  if (transaction->indexed <= state->place)
    return;
  transaction->indexed = state->place;
  if (newest && index_state(transaction, newest, NULL) < 0)
    transaction->indexed = newest->place; /* at the next look, then */
}

rem_status rem_transaction_walk(rem_transaction *transaction, rem_kv_family family, rem_slice lower, rem_slice upper, rem_pending_walk *ret_walk,
                                rem_error *err) {
  *ret_walk = (rem_pending_walk){.transaction = transaction, .upper = upper};
  if (!transaction || transaction->state_count == 0)
    return REM_OK;
  REM_TRY(index_pending(transaction, err));
  ret_walk->node = rem_entry_list_seek(&transaction->entries, family, lower);
  return REM_OK;
}

bool rem_pending_walk_next(rem_pending_walk *walk) {
  while (walk->node) {
    const rem_entry_node *node = walk->node;
    const rem_pending_state *state = node->owner;
    if (rem_slice_compare(node->key, walk->upper) >= 0)
      break;
    walk->node = rem_entry_list_next(node);
    walk->transaction->seen++;
    if (state->head->newest != state)
      continue;
    walk->key = node->key;
    walk->value = node->value;
    walk->row = &state->row;
    return true;
  }
  walk->node = NULL;
  return false;
}

uint64_t rem_transaction_seen(const rem_transaction *transaction) {
  return transaction->seen;
}
