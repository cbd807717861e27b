/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry list: index entries in key order, in memory, that can be added to while it is read.
 *
 * A skip list (Pugh, "Skip lists: a probabilistic alternative to balanced trees", 1990): a node is on as many levels as a coin says, so finding and adding
 * cost the logarithm of the count and nothing is ever moved. Nodes are never taken out: who owns the list knows which of them still hold.
 */
#ifndef REM_ENTITY_ENTRY_LIST_H
#define REM_ENTITY_ENTRY_LIST_H

#include "base/arena.h"
#include "storage/kv.h"

#define REM_ENTRY_LIST_LEVELS 16

typedef struct rem_entry_node {
  rem_kv_family family;
  rem_slice key, value; /* in the arena */
  const void *owner;    /* that had this entry last */
  struct rem_entry_node *next[]; /* of each level that the node is on */
} rem_entry_node;

/* Zero-initialised it is empty. */
typedef struct rem_entry_list {
  rem_entry_node *first[REM_ENTRY_LIST_LEVELS];
  uint64_t coin;
  size_t count;
} rem_entry_list;

/* The first entry of `family` at or behind `key`; NULL: none of that family. */
rem_entry_node *rem_entry_list_seek(const rem_entry_list *list, rem_kv_family family, rem_slice key);
/* The one behind `node`, of its family; NULL. */
rem_entry_node *rem_entry_list_next(const rem_entry_node *node);
/* Adds the entry, or gives the one of that key another value and owner. The bytes are copied into `arena`. False without memory. */
REM_CHECKED bool rem_entry_list_put(rem_entry_list *list, rem_arena *arena, rem_kv_family family, rem_slice key, rem_slice value,
                                    const void *owner);

#endif
