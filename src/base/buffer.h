/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes: a borrowed slice, and a growable buffer with a maximum.
 */
#ifndef REM_BASE_BUFFER_H
#define REM_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

/* Borrowed bytes. `data` may be NULL when size is 0. */
typedef struct rem_slice {
  const uint8_t *data;
  size_t size;
} rem_slice;

static inline rem_slice rem_slice_of(const void *data, size_t size) {
  return (rem_slice){(const uint8_t *)data, size};
}
static inline rem_slice rem_slice_text(const char *text) {
  return rem_slice_of(text, strlen(text));
}
static inline bool rem_slice_equal(rem_slice a, rem_slice b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
static inline bool rem_slice_starts_with(rem_slice whole, rem_slice prefix) {
  return whole.size >= prefix.size && (prefix.size == 0 || memcmp(whole.data, prefix.data, prefix.size) == 0);
}
/* <0, 0, >0: bytewise, shorter first. */
int rem_slice_compare(rem_slice a, rem_slice b);

/*
 * A growable buffer that never passes `max` bytes. Failure is sticky: after a failed append all further ones do
 * nothing and rem_buffer_status() tells why, so that a chain of appends is checked once. Zero-initialised it is
 * empty with the default maximum of 1 GiB.
 */
typedef struct rem_buffer {
  uint8_t *data;
  size_t size;
  size_t capacity;
  size_t max;         /* 0: 1 GiB */
  rem_status failure; /* REM_OK, REM_NOMEM or REM_LIMIT */
} rem_buffer;

void rem_buffer_init(rem_buffer *buffer, size_t max);
void rem_buffer_deinit(rem_buffer *buffer);
/* Empties it, keeps the memory, forgets a failure. */
void rem_buffer_reset(rem_buffer *buffer);
/* Room for `size` bytes at the end, counted as appended; the caller fills them. NULL on failure. */
uint8_t *rem_buffer_extend(rem_buffer *buffer, size_t size);
void rem_buffer_append(rem_buffer *buffer, const void *data, size_t size);
void rem_buffer_append_slice(rem_buffer *buffer, rem_slice slice);
void rem_buffer_append_text(rem_buffer *buffer, const char *text);
void rem_buffer_append_byte(rem_buffer *buffer, uint8_t byte);
void rem_buffer_append_format(rem_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Fixed-width integers: little endian for values, big endian where byte order must be number order. */
void rem_buffer_append_u16le(rem_buffer *buffer, uint16_t value);
void rem_buffer_append_u32le(rem_buffer *buffer, uint32_t value);
void rem_buffer_append_u64le(rem_buffer *buffer, uint64_t value);
void rem_buffer_append_u64be(rem_buffer *buffer, uint64_t value);
/* REM_OK, or records REM_NOMEM or REM_LIMIT in `err`. */
rem_status rem_buffer_status(const rem_buffer *buffer, rem_error *err);
static inline rem_slice rem_buffer_slice(const rem_buffer *buffer) {
  return rem_slice_of(buffer->data, buffer->size);
}
/* Gives the content away as NUL-terminated rem_bytes and leaves the buffer empty. */
rem_status rem_buffer_take(rem_buffer *buffer, rem_bytes *ret_bytes, rem_error *err);

#define REM_AUTO_BUFFER REM_CLEANUP(rem_buffer_deinit)

static inline uint16_t rem_load_u16le(const void *p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline uint32_t rem_load_u32le(const void *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline uint64_t rem_load_u64le(const void *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline uint64_t rem_load_u64be(const void *p) {
  return __builtin_bswap64(rem_load_u64le(p));
}
static inline void rem_store_u16le(void *p, uint16_t v) {
  memcpy(p, &v, sizeof v);
}
static inline void rem_store_u32le(void *p, uint32_t v) {
  memcpy(p, &v, sizeof v);
}
static inline void rem_store_u64le(void *p, uint64_t v) {
  memcpy(p, &v, sizeof v);
}
static inline void rem_store_u64be(void *p, uint64_t v) {
  v = __builtin_bswap64(v);
  memcpy(p, &v, sizeof v);
}
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the codecs here assume a little-endian machine"
#endif

#include "base/alloc.h"

#endif
