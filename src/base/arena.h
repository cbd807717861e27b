/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: many small allocations that die together (a parsed document, a batch, a result).
 *
 *   chunk -> chunk -> NULL      each: [next][capacity][used] bytes …
 *
 * Allocation is a bump; a piece larger than a chunk gets a chunk of its own. Not thread-safe.
 */
#ifndef REM_BASE_ARENA_H
#define REM_BASE_ARENA_H

#include <stddef.h>

#include "base/alloc.h"

typedef struct rem_arena_chunk rem_arena_chunk;

/* Zero-initialised it is empty, with chunks of 4 KiB growing to 1 MiB and no maximum. */
typedef struct rem_arena {
  rem_arena_chunk *current;
  size_t total_bytes; /* of all chunks */
  size_t max_bytes;   /* 0: none */
} rem_arena;

void rem_arena_init(rem_arena *arena, size_t max_bytes);
void rem_arena_deinit(rem_arena *arena);
/* Forgets the content and keeps the largest chunk for the next use. */
void rem_arena_reset(rem_arena *arena);
/* Aligned to 16; NULL when memory or the maximum is exhausted. Not zeroed. */
void *rem_arena_alloc(rem_arena *arena, size_t size);
void *rem_arena_calloc(rem_arena *arena, size_t count, size_t size);
void *rem_arena_memdup(rem_arena *arena, const void *data, size_t size);
/* Copies and adds a NUL. */
char *rem_arena_strndup(rem_arena *arena, const char *text, size_t size);
char *rem_arena_strdup(rem_arena *arena, const char *text);

#define REM_AUTO_ARENA REM_CLEANUP(rem_arena_deinit)

#endif
