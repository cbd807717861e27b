/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/read_notes.h"

#include <string.h>

#include "base/hash_map.h"
#include "base/alloc.h"

void rem_read_notes_deinit(rem_read_notes *notes) {
  rem_free(notes->items);
  rem_free(notes->slots);
  *notes = (rem_read_notes){0};
}

/* The slot of the row, or the free one where it belongs. */
static uint32_t *slot_of(const rem_read_notes *notes, uint32_t table, const uint8_t id[16]) {
  uint8_t name[20];
  memcpy(name, id, 16);
  memcpy(name + 16, &table, sizeof table);
  size_t mask = notes->capacity * 2 - 1;
  for (size_t i = rem_hash_bytes(name, sizeof name) & mask;; i = (i + 1) & mask) {
    uint32_t place = notes->slots[i];
    if (place == 0)
      return &notes->slots[i];
    const rem_read_note *note = &notes->items[place - 1];
    if (note->table == table && memcmp(note->id, id, 16) == 0)
      return &notes->slots[i];
  }
}

static bool grow(rem_read_notes *notes) {
  size_t capacity = notes->capacity ? notes->capacity * 2 : 64;
  if (capacity > REM_READ_NOTES_MOST)
    return false;
  rem_read_note *items = rem_realloc(notes->items, capacity * sizeof *items);
  if (items)
    notes->items = items;
  uint32_t *slots = items ? rem_calloc(capacity * 2, sizeof *slots) : NULL;
  if (!slots)
    return false;
  rem_free(notes->slots);
  notes->slots = slots;
  notes->capacity = capacity;
  for (size_t i = 0; i < notes->count; i++)
    *slot_of(notes, items[i].table, items[i].id) = (uint32_t)i + 1;
  return true;
}

void rem_read_notes_add(rem_read_notes *notes, uint32_t table, const uint8_t id[16], uint64_t seq) {
  if (notes->lost)
    return;
  if (notes->capacity && *slot_of(notes, table, id))
    return;
  if (notes->count == notes->capacity && !grow(notes)) {
    notes->lost = true;
    return;
  }
  uint32_t *slot = slot_of(notes, table, id);
  rem_read_note *note = &notes->items[notes->count++];
  *note = (rem_read_note){.seq = seq, .table = table};
  memcpy(note->id, id, 16);
  *slot = (uint32_t)notes->count;
}
