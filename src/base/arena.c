/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#define FIRST_CHUNK ((size_t)4096)
#define LARGEST_CHUNK ((size_t)1 << 20)
#define ALIGNMENT ((size_t)16)

struct rem_arena_chunk {
  rem_arena_chunk *next;
  size_t capacity;
  size_t used;
  size_t padding; /* keeps bytes[] aligned to 16 */
  uint8_t bytes[];
};

void rem_arena_init(rem_arena *arena, size_t max_bytes) {
  *arena = (rem_arena){.max_bytes = max_bytes};
}

void rem_arena_deinit(rem_arena *arena) {
  for (rem_arena_chunk *chunk = arena->current, *next; chunk; chunk = next) {
    next = chunk->next;
    rem_free(chunk);
  }
  *arena = (rem_arena){.max_bytes = arena->max_bytes};
}

void rem_arena_reset(rem_arena *arena) {
  rem_arena_chunk *largest = NULL;
  for (rem_arena_chunk *chunk = arena->current, *next; chunk; chunk = next) {
    next = chunk->next;
    if (largest && largest->capacity >= chunk->capacity) {
      rem_free(chunk);
      continue;
    }
    rem_free(largest);
    largest = chunk;
  }
  arena->current = largest;
  arena->total_bytes = 0;
  if (largest) {
    largest->next = NULL;
    largest->used = 0;
    arena->total_bytes = largest->capacity;
  }
}

static rem_arena_chunk *add_chunk(rem_arena *arena, size_t least) {
  size_t capacity = arena->current ? arena->current->capacity * 2 : FIRST_CHUNK;
  if (capacity > LARGEST_CHUNK)
    capacity = LARGEST_CHUNK;
  if (capacity < least)
    capacity = least;
  if (arena->max_bytes && capacity > arena->max_bytes - arena->total_bytes)
    capacity = least; /* what is left may still hold this piece */
  if (arena->max_bytes && capacity > arena->max_bytes - arena->total_bytes)
    return NULL;
  rem_arena_chunk *chunk = rem_alloc(sizeof *chunk + capacity);
  if (!chunk)
    return NULL;
  *chunk = (rem_arena_chunk){.next = arena->current, .capacity = capacity};
  arena->current = chunk;
  arena->total_bytes += capacity;
  return chunk;
}

void *rem_arena_alloc(rem_arena *arena, size_t size) {
  if (size > SIZE_MAX / 2)
    return NULL;
  size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  rem_arena_chunk *chunk = arena->current;
  if (!chunk || chunk->capacity - chunk->used < size)
    chunk = add_chunk(arena, size);
  if (!chunk)
    return NULL;
  void *piece = chunk->bytes + chunk->used;
  chunk->used += size;
  return piece;
}

void *rem_arena_calloc(rem_arena *arena, size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total))
    return NULL;
  void *piece = rem_arena_alloc(arena, total);
  return piece ? memset(piece, 0, total) : NULL;
}

void *rem_arena_memdup(rem_arena *arena, const void *data, size_t size) {
  void *piece = rem_arena_alloc(arena, size);
  if (piece && size)
    memcpy(piece, data, size);
  return piece;
}

char *rem_arena_strndup(rem_arena *arena, const char *text, size_t size) {
  char *copy = rem_arena_alloc(arena, size + 1);
  if (!copy)
    return NULL;
  if (size)
    memcpy(copy, text, size);
  copy[size] = 0;
  return copy;
}

char *rem_arena_strdup(rem_arena *arena, const char *text) {
  return rem_arena_strndup(arena, text, strlen(text));
}
