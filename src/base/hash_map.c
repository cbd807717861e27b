/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   hashes   [ h | 0 | 1 | h | h | 0 | … ]     0 free, 1 removed, else the key's hash: probes compare these first
 *   entries  [ e |   |   | e | e |   | … ]     parallel to it
 *
 * A probe ends at a free slot, so at most 3/4 of the slots are ever used, removed ones included; a map whose
 * use comes from removed ones is rebuilt at the same size. Growth happens before anything is changed: a failed
 * put leaves the map as it was.
 *
 * Keys come from users, so the hash is seeded per process: nobody can prepare keys that all fall into one slot
 * run. It is the folded 64x64->128 multiplication of wyhash and its relatives (Wang Yi, 2019): a few cycles for
 * short keys, and quality enough for linear probing.
 */
#include "base/hash_map.h"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>

#define SLOT_FREE    0u
#define SLOT_REMOVED 1u
#define LEAST_CAPACITY 8u

/* Odd constants with about half their bits set: the fractional digits of pi. */
#define MIX_A 0x243F6A8885A308D3u
#define MIX_B 0x13198A2E03707345u

static uint64_t process_seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void) {
  if (getrandom(&process_seed, sizeof process_seed, GRND_NONBLOCK) == (ssize_t)sizeof process_seed)
    return;
  /* Early boot only: time and address layout are the next best thing. */
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  process_seed = (uint64_t)now.tv_nsec * MIX_A ^ (uint64_t)(uintptr_t)&now;
}

static uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 wide;
  wide product = (wide)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The last 0 to 8 bytes as a number. */
static uint64_t load_tail(const uint8_t *p, size_t size) {
  uint64_t tail = 0;
  if (size)
    memcpy(&tail, p, size);
  return tail;
}

uint64_t rem_hash_bytes(const void *data, size_t size) {
  pthread_once(&seed_once, make_seed);
  const uint8_t *p = data;
  uint64_t state = process_seed ^ fold(size ^ MIX_A, MIX_B);
  for (; size > 16; p += 16, size -= 16)
    state = fold(rem_load_u64le(p) ^ MIX_A, rem_load_u64le(p + 8) ^ state);
  uint64_t first = load_tail(p, size < 8 ? size : 8);
  uint64_t second = size > 8 ? load_tail(p + 8, size - 8) : 0;
  return fold(fold(first ^ MIX_A, second ^ state) ^ MIX_B, state ^ MIX_A);
}

/* A hash that is neither of the two marks. */
static uint64_t slot_hash(rem_slice key) {
  uint64_t hash = rem_hash_bytes(key.data, key.size);
  return hash > SLOT_REMOVED ? hash : hash + 2;
}

/* The slot of `key`, or capacity when it is absent. */
static size_t find(const rem_hash_map *map, rem_slice key, uint64_t hash) {
  if (map->capacity == 0)
    return 0;
  size_t mask = map->capacity - 1;
  for (size_t i = hash & mask; map->hashes[i] != SLOT_FREE; i = (i + 1) & mask)
    if (map->hashes[i] == hash && rem_slice_equal(map->entries[i].key, key))
      return i;
  return map->capacity;
}

/* Puts an entry known to be absent into the first slot that holds none. */
static void place(rem_hash_map *map, rem_hash_entry entry, uint64_t hash) {
  size_t mask = map->capacity - 1, i = hash & mask;
  while (map->hashes[i] > SLOT_REMOVED)
    i = (i + 1) & mask;
  map->used += map->hashes[i] == SLOT_FREE;
  map->hashes[i] = hash;
  map->entries[i] = entry;
  map->count++;
}

static rem_status rebuild(rem_hash_map *map, size_t capacity, rem_error *err) {
  rem_hash_map fresh = {.capacity = capacity};
  fresh.entries = rem_calloc(capacity, sizeof *fresh.entries);
  fresh.hashes = rem_calloc(capacity, sizeof *fresh.hashes);
  if (!fresh.entries || !fresh.hashes) {
    rem_free(fresh.entries);
    rem_free(fresh.hashes);
    return rem_error_nomem(err);
  }
  for (size_t i = 0; i < map->capacity; i++)
    if (map->hashes[i] > SLOT_REMOVED)
      place(&fresh, map->entries[i], map->hashes[i]);
  rem_free(map->entries);
  rem_free(map->hashes);
  *map = fresh;
  return REM_OK;
}

static rem_status make_room(rem_hash_map *map, rem_error *err) {
  if (map->capacity == 0)
    return rebuild(map, LEAST_CAPACITY, err);
  if ((map->used + 1) * 4 <= map->capacity * 3)
    return REM_OK;
  bool is_full = (map->count + 1) * 2 > map->capacity;
  return rebuild(map, is_full ? map->capacity * 2 : map->capacity, err);
}

rem_status rem_hash_map_put(rem_hash_map *map, rem_slice key, void *value, void **ret_old, rem_error *err) {
  uint64_t hash = slot_hash(key);
  size_t slot = find(map, key, hash);
  void *old = NULL;
  if (slot < map->capacity) {
    old = map->entries[slot].value;
    map->entries[slot].value = value;
  } else {
    REM_TRY(make_room(map, err));
    uint8_t *copy = rem_memdup(key.data, key.size);
    if (!copy)
      return rem_error_nomem(err);
    place(map, (rem_hash_entry){rem_slice_of(copy, key.size), value}, hash);
  }
  if (ret_old)
    *ret_old = old;
  return REM_OK;
}

void *rem_hash_map_get(const rem_hash_map *map, rem_slice key) {
  if (map->count == 0)
    return NULL;
  size_t slot = find(map, key, slot_hash(key));
  return slot < map->capacity ? map->entries[slot].value : NULL;
}

void *rem_hash_map_remove(rem_hash_map *map, rem_slice key) {
  size_t slot = find(map, key, slot_hash(key));
  if (slot >= map->capacity)
    return NULL;
  void *value = map->entries[slot].value;
  rem_free((void *)map->entries[slot].key.data);
  map->entries[slot] = (rem_hash_entry){0};
  map->hashes[slot] = SLOT_REMOVED;
  map->count--;
  return value;
}

void rem_hash_map_clear(rem_hash_map *map) {
  for (size_t i = 0; i < map->capacity; i++)
    if (map->hashes[i] > SLOT_REMOVED)
      rem_free((void *)map->entries[i].key.data);
  if (map->capacity) {
    memset(map->hashes, 0, map->capacity * sizeof *map->hashes);
    memset(map->entries, 0, map->capacity * sizeof *map->entries);
  }
  map->count = map->used = 0;
}

void rem_hash_map_deinit(rem_hash_map *map) {
  rem_hash_map_clear(map);
  rem_free(map->entries);
  rem_free(map->hashes);
  *map = (rem_hash_map){0};
}

rem_hash_entry *rem_hash_map_next(const rem_hash_map *map, size_t *cursor) {
  while (*cursor < map->capacity) {
    size_t slot = (*cursor)++;
    if (map->hashes[slot] > SLOT_REMOVED)
      return &map->entries[slot];
  }
  return NULL;
}
