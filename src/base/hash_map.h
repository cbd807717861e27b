/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map from bytes to pointers: open addressing, linear probing, keys copied. Not thread-safe.
 */
#ifndef REM_BASE_HASH_MAP_H
#define REM_BASE_HASH_MAP_H

#include "base/buffer.h"

typedef struct rem_hash_entry {
  rem_slice key; /* owned by the map */
  void *value;
} rem_hash_entry;

/* Zero-initialised it is empty. */
typedef struct rem_hash_map {
  rem_hash_entry *entries;
  uint64_t *hashes; /* 0: free, 1: removed */
  size_t capacity;  /* a power of two */
  size_t count;
  size_t used;      /* with removed ones */
} rem_hash_map;

void rem_hash_map_deinit(rem_hash_map *map); /* values are the owner's to free */
/* Sets; the old value, or NULL, through `ret_old` (may be NULL). */
REM_CHECKED rem_status rem_hash_map_put(rem_hash_map *map, rem_slice key, void *value, void **ret_old, rem_error *err);
/* NULL when absent. */
void *rem_hash_map_get(const rem_hash_map *map, rem_slice key);
/* The removed value, or NULL. */
void *rem_hash_map_remove(rem_hash_map *map, rem_slice key);
void rem_hash_map_clear(rem_hash_map *map);
/* Steps through the entries: start with *cursor = 0; NULL at the end. */
rem_hash_entry *rem_hash_map_next(const rem_hash_map *map, size_t *cursor);
/* A 64-bit hash of bytes, seeded per process. */
uint64_t rem_hash_bytes(const void *data, size_t size);

#endif
