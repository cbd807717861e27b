/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/entry_list.h"

static int compare(const rem_entry_node *node, rem_kv_family family, rem_slice key) {
  if (node->family != family)
    return node->family < family ? -1 : 1;
  return rem_slice_compare(node->key, key);
}

/* On every level the link that leads to the first node at or behind the key. */
static void find(const rem_entry_list *list, rem_kv_family family, rem_slice key, rem_entry_node **ret_links[REM_ENTRY_LIST_LEVELS]) {
  rem_entry_node **links = (rem_entry_node **)list->first;
  for (int level = REM_ENTRY_LIST_LEVELS - 1; level >= 0; level--) {
    while (links[level] && compare(links[level], family, key) < 0)
      links = links[level]->next;
    ret_links[level] = &links[level];
  }
}

rem_entry_node *rem_entry_list_seek(const rem_entry_list *list, rem_kv_family family, rem_slice key) {
  rem_entry_node **links[REM_ENTRY_LIST_LEVELS];
  find(list, family, key, links);
  rem_entry_node *node = *links[0];
  return node && node->family == family ? node : NULL;
}

rem_entry_node *rem_entry_list_next(const rem_entry_node *node) {
  rem_entry_node *next = node->next[0];
  return next && next->family == node->family ? next : NULL;
}

/* One level, and each further one with a chance of a quarter. */
static int throw_levels(rem_entry_list *list) {
  list->coin = list->coin * 6364136223846793005u + 1442695040888963407u;
  int levels = 1;
  for (uint64_t bits = list->coin >> 24; levels < REM_ENTRY_LIST_LEVELS && (bits & 3) == 0; bits >>= 2)
    levels++;
  return levels;
}

static bool copy(rem_arena *arena, rem_slice bytes, rem_slice *ret_copy) {
  void *made = rem_arena_memdup(arena, bytes.size ? (const void *)bytes.data : "", bytes.size);
  *ret_copy = rem_slice_of(made, bytes.size);
  return made != NULL;
}

bool rem_entry_list_put(rem_entry_list *list, rem_arena *arena, rem_kv_family family, rem_slice key, rem_slice value, const void *owner) {
  rem_entry_node **links[REM_ENTRY_LIST_LEVELS];
  rem_slice kept;
  find(list, family, key, links);
  rem_entry_node *node = *links[0];
  if (node && compare(node, family, key) == 0) {
    if (!rem_slice_equal(node->value, value)) {
      if (!copy(arena, value, &kept))
        return false;
      node->value = kept;
    }
    node->owner = owner;
    return true;
  }
  int levels = throw_levels(list);
  node = rem_arena_alloc(arena, sizeof *node + (size_t)levels * sizeof *node->next);
  if (!node || !copy(arena, key, &node->key) || !copy(arena, value, &node->value))
    return false;
  node->family = family;
  node->owner = owner;
  for (int level = 0; level < levels; level++) {
    node->next[level] = *links[level];
    *links[level] = node;
  }
  list->count++;
  return true;
}
