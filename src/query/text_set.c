/* SPDX-License-Identifier: Apache-2.0 */
#include "query/text_set.h"

#include "base/hash_map.h"

#define FIRST_CAPACITY 64

typedef struct rem_text_slot {
  uint64_t hash;
  rem_slice text; /* data NULL: free */
} rem_text_slot;

/* Where the text is, or would be. */
static rem_text_slot *find(const rem_text_set *set, rem_slice text, uint64_t hash) {
  size_t at = (size_t)hash & (set->capacity - 1);
  while (set->slots[at].text.data && (set->slots[at].hash != hash || !rem_slice_equal(set->slots[at].text, text)))
    at = (at + 1) & (set->capacity - 1);
  return &set->slots[at];
}

static rem_status grow(rem_text_set *set, rem_arena *arena, rem_error *err) {
  rem_text_set larger = {.capacity = set->capacity ? set->capacity * 4 : FIRST_CAPACITY, .count = set->count};
  larger.slots = rem_arena_alloc(arena, larger.capacity * sizeof *larger.slots);
  if (!larger.slots)
    return rem_error_nomem(err);
  memset(larger.slots, 0, larger.capacity * sizeof *larger.slots);
  for (size_t i = 0; i < set->capacity; i++)
    if (set->slots[i].text.data)
      *find(&larger, set->slots[i].text, set->slots[i].hash) = set->slots[i];
  *set = larger;
  return REM_OK;
}

rem_status rem_text_set_add(rem_text_set *set, rem_arena *arena, rem_slice text, rem_error *err) {
  uint64_t hash = rem_hash_bytes(text.data, text.size);
  if (set->count * 2 >= set->capacity)
    REM_TRY(grow(set, arena, err));
  rem_text_slot *slot = find(set, text, hash);
  if (slot->text.data)
    return REM_OK;
  char *copy = rem_arena_alloc(arena, text.size + 1);
  if (!copy)
    return rem_error_nomem(err);
  memcpy(copy, text.data, text.size);
  *slot = (rem_text_slot){hash, rem_slice_of(copy, text.size)};
  set->count++;
  return REM_OK;
}

bool rem_text_set_has(const rem_text_set *set, rem_slice text) {
  return set->count && find(set, text, rem_hash_bytes(text.data, text.size))->text.data;
}
