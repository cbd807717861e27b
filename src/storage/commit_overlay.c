/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/commit_overlay.h"

#include "base/hash_map.h"

#define LEAST_SLOTS 256u
#define COUNT_MAX (1u << 28)

void rem_overlay_init(rem_overlay *overlay, size_t max_bytes) {
  *overlay = (rem_overlay){.round = 1};
  rem_arena_init(&overlay->arena, max_bytes);
}

void rem_overlay_deinit(rem_overlay *overlay) {
  rem_arena_deinit(&overlay->arena);
  rem_free(overlay->slots);
  rem_free(overlay->entries);
  rem_free(overlay->undo);
  *overlay = (rem_overlay){0};
}

void rem_overlay_reset(rem_overlay *overlay) {
  rem_arena_reset(&overlay->arena);
  overlay->entry_count = 0;
  overlay->undo_count = 0;
  if (++overlay->round != 0)
    return;
  if (overlay->slot_count)
    memset(overlay->slots, 0, overlay->slot_count * sizeof *overlay->slots);
  overlay->round = 1;
}

void rem_overlay_savepoint(rem_overlay *overlay) {
  overlay->undo_count = 0;
  overlay->request++;
}

void rem_overlay_rollback(rem_overlay *overlay) {
  while (overlay->undo_count) {
    const rem_overlay_undo *undo = &overlay->undo[--overlay->undo_count];
    overlay->entries[undo->entry].value = undo->value;
  }
}

static uint64_t hash_of(rem_kv_family family, rem_slice key) {
  return rem_hash_bytes(key.data, key.size) ^ (uint64_t)family * 0x9E3779B97F4A7C15u;
}

static bool is_entry(const rem_overlay_entry *entry, uint64_t hash, rem_kv_family family, rem_slice key) {
  return entry->hash == hash && entry->family == family &&
         rem_slice_equal(rem_slice_of(entry->key, entry->key_size), key);
}

/* The slot that holds the key, or the free one where it would go. There is always a free one. */
static rem_overlay_slot *find_slot(const rem_overlay *overlay, uint64_t hash, rem_kv_family family, rem_slice key) {
  for (uint32_t at = (uint32_t)hash;; at++) {
    rem_overlay_slot *slot = &overlay->slots[at & (overlay->slot_count - 1)];
    if (slot->round != overlay->round || is_entry(&overlay->entries[slot->entry], hash, family, key))
      return slot;
  }
}

rem_overlay_state rem_overlay_get(const rem_overlay *overlay, rem_kv_family family, rem_slice key,
                                  rem_slice *ret_value) {
  if (!overlay->entry_count)
    return REM_OVERLAY_UNKNOWN;
  const rem_overlay_slot *slot = find_slot(overlay, hash_of(family, key), family, key);
  if (slot->round != overlay->round)
    return REM_OVERLAY_UNKNOWN;
  const rem_overlay_value *value = &overlay->entries[slot->entry].value;
  *ret_value = rem_slice_of(value->data, value->size);
  return (rem_overlay_state)value->state;
}

static bool grow_slots(rem_overlay *overlay) {
  if (overlay->slot_count / 2 > overlay->entry_count)
    return true;
  uint32_t count = overlay->slot_count ? overlay->slot_count * 2 : LEAST_SLOTS;
  rem_overlay_slot *slots = count <= COUNT_MAX ? rem_calloc(count, sizeof *slots) : NULL;
  if (!slots)
    return false;
  rem_free(overlay->slots);
  overlay->slots = slots;
  overlay->slot_count = count;
  for (uint32_t i = 0; i < overlay->entry_count; i++) {
    uint32_t at = (uint32_t)overlay->entries[i].hash;
    while (slots[at & (count - 1)].round == overlay->round)
      at++;
    slots[at & (count - 1)] = (rem_overlay_slot){overlay->round, i};
  }
  return true;
}

/* Room for one more element. */
static bool grow_array(void *array_pointer, uint32_t count, uint32_t *capacity, size_t element_size) {
  if (count < *capacity)
    return true;
  uint32_t wanted = *capacity ? *capacity * 2 : 64;
  void **array = array_pointer;
  void *larger = wanted <= COUNT_MAX ? rem_realloc(*array, wanted * element_size) : NULL;
  if (!larger)
    return false;
  *array = larger;
  *capacity = wanted;
  return true;
}

static rem_overlay_entry *add_entry(rem_overlay *overlay, rem_overlay_slot *slot, uint64_t hash, rem_kv_family family,
                                    rem_slice key) {
  uint8_t *copy = rem_arena_memdup(&overlay->arena, key.data, key.size);
  if (!copy)
    return NULL;
  *slot = (rem_overlay_slot){overlay->round, overlay->entry_count};
  rem_overlay_entry *entry = &overlay->entries[overlay->entry_count++];
  *entry = (rem_overlay_entry){.hash = hash, .key = copy, .key_size = (uint32_t)key.size, .family = (uint8_t)family};
  return entry;
}

/* A late value that this request put before is simply overwritten: counters and sequences change once a row. */
static bool overwrite(rem_overlay *overlay, rem_overlay_value *old, const rem_slice *value, bool late) {
  if (!value || !late || !old->late || old->state != REM_OVERLAY_PRESENT || old->request != overlay->request ||
      old->size != value->size)
    return false;
  memcpy((uint8_t *)old->data, value->data, value->size);
  return true;
}

static bool replace(rem_overlay *overlay, rem_overlay_entry *entry, const rem_slice *value, bool late) {
  rem_overlay_value fresh = {.request = overlay->request, .state = REM_OVERLAY_DELETED, .late = late};
  if (value) {
    fresh.data = rem_arena_memdup(&overlay->arena, value->data, value->size);
    fresh.size = value->size;
    fresh.state = REM_OVERLAY_PRESENT;
    if (!fresh.data)
      return false;
  }
  overlay->undo[overlay->undo_count++] =
      (rem_overlay_undo){(uint32_t)(entry - overlay->entries), entry->value};
  entry->value = fresh;
  return true;
}

bool rem_overlay_set(rem_overlay *overlay, rem_kv_family family, rem_slice key, const rem_slice *value, bool late) {
  if (!grow_slots(overlay) ||
      !grow_array(&overlay->entries, overlay->entry_count, &overlay->entry_capacity, sizeof *overlay->entries) ||
      !grow_array(&overlay->undo, overlay->undo_count, &overlay->undo_capacity, sizeof *overlay->undo))
    return false;
  uint64_t hash = hash_of(family, key);
  rem_overlay_slot *slot = find_slot(overlay, hash, family, key);
  rem_overlay_entry *entry = slot->round == overlay->round ? &overlay->entries[slot->entry]
                                                           : add_entry(overlay, slot, hash, family, key);
  if (!entry)
    return false;
  return overwrite(overlay, &entry->value, value, late) || replace(overlay, entry, value, late);
}
