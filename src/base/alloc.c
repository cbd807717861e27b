/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting uses malloc_usable_size, so no header is put in front of a block: pointers stay as aligned as malloc
 * gives them and valgrind and the sanitizers see the real blocks. The counters are relaxed atomics, and
 * per-thread exactness is not promised.
 */
#include "base/alloc.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static _Atomic size_t live_bytes, live_count, cap_bytes;
static _Atomic int64_t fail_countdown; /* 0: off */
static _Atomic int fail_sticky;

static bool must_fail(void) {
  int64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
  if (__builtin_expect(left == 0, 1))
    return false;
  if (left < 0)
    return true;
  left = atomic_fetch_sub(&fail_countdown, 1) - 1;
  if (left > 0)
    return false;
  atomic_store(&fail_countdown, atomic_load(&fail_sticky) ? -1 : 0);
  return true;
}

static bool over_cap(size_t size) {
  size_t cap = atomic_load_explicit(&cap_bytes, memory_order_relaxed);
  return cap && atomic_load_explicit(&live_bytes, memory_order_relaxed) + size > cap;
}

static void *counted(void *pointer) {
  if (pointer) {
    atomic_fetch_add_explicit(&live_bytes, malloc_usable_size(pointer), memory_order_relaxed);
    atomic_fetch_add_explicit(&live_count, 1, memory_order_relaxed);
  }
  return pointer;
}

void *rem_alloc(size_t size) {
  if (must_fail() || over_cap(size))
    return NULL;
  return counted(malloc(size ? size : 1));
}

void *rem_calloc(size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total) || must_fail() || over_cap(total))
    return NULL;
  return counted(calloc(1, total ? total : 1));
}

void *rem_realloc(void *pointer, size_t size) {
  if (!pointer)
    return rem_alloc(size);
  size_t old = malloc_usable_size(pointer);
  if (must_fail() || (size > old && over_cap(size - old)))
    return NULL;
  void *grown = realloc(pointer, size ? size : 1);
  if (!grown)
    return NULL;
  atomic_fetch_sub_explicit(&live_bytes, old, memory_order_relaxed);
  atomic_fetch_add_explicit(&live_bytes, malloc_usable_size(grown), memory_order_relaxed);
  return grown;
}

void rem_free(void *pointer) {
  if (!pointer)
    return;
  atomic_fetch_sub_explicit(&live_bytes, malloc_usable_size(pointer), memory_order_relaxed);
  atomic_fetch_sub_explicit(&live_count, 1, memory_order_relaxed);
  free(pointer);
}

void *rem_memdup(const void *data, size_t size) {
  void *copy = rem_alloc(size);
  if (copy && size)
    memcpy(copy, data, size);
  return copy;
}

char *rem_strndup(const char *text, size_t size) {
  char *copy = rem_alloc(size + 1);
  if (!copy)
    return NULL;
  if (size)
    memcpy(copy, text, size);
  copy[size] = 0;
  return copy;
}

char *rem_strdup(const char *text) {
  return rem_strndup(text, strlen(text));
}

size_t rem_alloc_live_bytes(void) {
  return atomic_load(&live_bytes);
}

size_t rem_alloc_live_count(void) {
  return atomic_load(&live_count);
}

void rem_alloc_set_cap(size_t bytes) {
  atomic_store(&cap_bytes, bytes);
}

void rem_alloc_fail_at(int64_t countdown, int sticky) {
  atomic_store(&fail_sticky, sticky);
  atomic_store(&fail_countdown, countdown);
}
