/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlay: what a commit group has put so far, by family and key, with undo to the start of the current request.
 *
 *   table    [ round | entry number ]      open addressing; slots of earlier rounds count as free, so a reset costs nothing
 *   entries  [ key, value, state ]         in order of first appearance
 *   undo     [ entry number, old value ]   since the savepoint
 *
 * Keys and values live in an arena that is reset with the group. Not thread-safe: only the leader touches it.
 */
#ifndef REM_STORAGE_COMMIT_OVERLAY_H
#define REM_STORAGE_COMMIT_OVERLAY_H

#include "base/arena.h"
#include "storage/kv.h"

typedef enum rem_overlay_state {
  REM_OVERLAY_UNKNOWN = 0, /* ask the database */
  REM_OVERLAY_PRESENT,
  REM_OVERLAY_DELETED,
} rem_overlay_state;

typedef struct rem_overlay_value {
  const uint8_t *data;
  size_t size;
  uint64_t request; /* that put it */
  uint8_t state;
  bool late; /* not in the batch yet */
} rem_overlay_value;

typedef struct rem_overlay_entry {
  uint64_t hash;
  const uint8_t *key;
  uint32_t key_size;
  uint8_t family;
  rem_overlay_value value;
} rem_overlay_entry;

typedef struct rem_overlay_slot {
  uint32_t round, entry;
} rem_overlay_slot;

typedef struct rem_overlay_undo {
  uint32_t entry;
  rem_overlay_value value;
} rem_overlay_undo;

typedef struct rem_overlay {
  rem_arena arena;
  rem_overlay_slot *slots;
  uint32_t slot_count; /* a power of two, or 0 */
  uint32_t round;
  rem_overlay_entry *entries;
  uint32_t entry_count, entry_capacity;
  rem_overlay_undo *undo;
  uint32_t undo_count, undo_capacity;
  uint64_t request;
} rem_overlay;

void rem_overlay_init(rem_overlay *overlay, size_t max_bytes);
void rem_overlay_deinit(rem_overlay *overlay);
void rem_overlay_reset(rem_overlay *overlay);
/* Starts a request: a rollback goes back to here. */
void rem_overlay_savepoint(rem_overlay *overlay);
void rem_overlay_rollback(rem_overlay *overlay);
/* REM_OVERLAY_UNKNOWN when the group has not touched the key. The value is borrowed until the reset; a late one may be overwritten in place. */
rem_overlay_state rem_overlay_get(const rem_overlay *overlay, rem_kv_family family, rem_slice key, rem_slice *ret_value);
/* `value` NULL: deleted. False without memory. */
bool rem_overlay_set(rem_overlay *overlay, rem_kv_family family, rem_slice key, const rem_slice *value, bool late);

#endif
