/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the library: one door, so that it can be counted, capped and made to fail.
 *
 * Memory of libraries underneath (RocksDB, jansson, …) does not pass here. Thread-safe.
 */
#ifndef REM_BASE_ALLOC_H
#define REM_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* NULL when memory or the cap is exhausted, or the fault hook says so. Size 0 gives a valid pointer. Free with
 * rem_free(). */
void *rem_alloc(size_t size) __attribute__((malloc, warn_unused_result));
/* Zeroed; NULL too when count * size overflows. */
void *rem_calloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
/* On failure NULL, and `pointer` stays as it was. */
void *rem_realloc(void *pointer, size_t size) __attribute__((warn_unused_result));
void rem_free(void *pointer);

/* Copies; NULL on failure. rem_strndup adds a NUL. */
void *rem_memdup(const void *data, size_t size) __attribute__((warn_unused_result));
char *rem_strdup(const char *text) __attribute__((warn_unused_result));
char *rem_strndup(const char *text, size_t size) __attribute__((warn_unused_result));

/* Counters, for tests and stats. */
size_t rem_alloc_live_bytes(void);
size_t rem_alloc_live_count(void);
/* 0: no cap. */
void rem_alloc_set_cap(size_t bytes);
/* The `countdown`-th allocation from now (1 = the next) fails, and every one after it when `sticky`; 0 switches
 * it off. */
void rem_alloc_fail_at(int64_t countdown, int sticky);

/* Declares the function that REM_CLEANUP(name) runs on a variable of `type` when it leaves its scope. */
#define REM_CLEANUP(function) __attribute__((cleanup(function)))

static inline void rem_free_cleanup(void *pointer_to_pointer) {
  rem_free(*(void **)pointer_to_pointer);
}
/* char *name REM_AUTO_FREE = …; freed at the end of the scope unless taken. */
#define REM_AUTO_FREE REM_CLEANUP(rem_free_cleanup)

/* Gives the pointer away and leaves NULL behind, so that the cleanup has nothing to do. */
#define REM_TAKE(pointer)                                                                          \
  __extension__({                                                                                  \
    __typeof__(pointer) rem_taken = (pointer);                                                     \
    (pointer) = NULL;                                                                              \
    rem_taken;                                                                                     \
  })

#endif
