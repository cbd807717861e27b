/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>

#define DEFAULT_MAX ((size_t)1 << 30)
#define FIRST_CAPACITY 256 /* most keys and many records fit: growing costs more than what stays unused */

int rem_slice_compare(rem_slice a, rem_slice b) {
  size_t shared = a.size < b.size ? a.size : b.size;
  int order = shared ? memcmp(a.data, b.data, shared) : 0;
  return order ? order : (a.size > b.size) - (a.size < b.size);
}

void rem_buffer_init(rem_buffer *buffer, size_t max) {
  *buffer = (rem_buffer){.max = max};
}

void rem_buffer_deinit(rem_buffer *buffer) {
  rem_free(buffer->data);
  *buffer = (rem_buffer){.max = buffer->max};
}

void rem_buffer_reset(rem_buffer *buffer) {
  buffer->size = 0;
  buffer->failure = REM_OK;
}

static bool grow(rem_buffer *buffer, size_t needed) {
  size_t max = buffer->max ? buffer->max : DEFAULT_MAX;
  if (needed > max) {
    buffer->failure = REM_LIMIT;
    return false;
  }
  size_t capacity = buffer->capacity ? buffer->capacity * 2 : FIRST_CAPACITY;
  while (capacity < needed)
    capacity *= 2;
  if (capacity > max)
    capacity = max; /* room beyond the maximum would be used */
  uint8_t *data = rem_realloc(buffer->data, capacity);
  if (!data) {
    buffer->failure = REM_NOMEM;
    return false;
  }
  buffer->data = data;
  buffer->capacity = capacity;
  return true;
}

uint8_t *rem_buffer_extend(rem_buffer *buffer, size_t size) {
  size_t needed;
  if (buffer->failure)
    return NULL;
  if (__builtin_add_overflow(buffer->size, size, &needed)) {
    buffer->failure = REM_LIMIT;
    return NULL;
  }
  if ((needed > buffer->capacity || !buffer->data) && !grow(buffer, needed))
    return NULL;
  uint8_t *room = buffer->data + buffer->size;
  buffer->size = needed;
  return room;
}

void rem_buffer_append(rem_buffer *buffer, const void *data, size_t size) {
  uint8_t *room = rem_buffer_extend(buffer, size);
  if (room && size)
    memcpy(room, data, size);
}

void rem_buffer_append_slice(rem_buffer *buffer, rem_slice slice) {
  rem_buffer_append(buffer, slice.data, slice.size);
}

void rem_buffer_append_text(rem_buffer *buffer, const char *text) {
  rem_buffer_append(buffer, text, strlen(text));
}

void rem_buffer_append_byte(rem_buffer *buffer, uint8_t byte) {
  rem_buffer_append(buffer, &byte, 1);
}

void rem_buffer_append_format(rem_buffer *buffer, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  /* One byte more for the NUL that vsnprintf insists on; it is given back. */
  char *room = length < 0 ? NULL : (char *)rem_buffer_extend(buffer, (size_t)length + 1);
  if (room) {
    vsnprintf(room, (size_t)length + 1, format, again);
    buffer->size--;
  }
  va_end(again);
}

void rem_buffer_append_u16le(rem_buffer *buffer, uint16_t value) {
  rem_buffer_append(buffer, &value, sizeof value);
}

void rem_buffer_append_u32le(rem_buffer *buffer, uint32_t value) {
  rem_buffer_append(buffer, &value, sizeof value);
}

void rem_buffer_append_u64le(rem_buffer *buffer, uint64_t value) {
  rem_buffer_append(buffer, &value, sizeof value);
}

void rem_buffer_append_u64be(rem_buffer *buffer, uint64_t value) {
  value = __builtin_bswap64(value);
  rem_buffer_append(buffer, &value, sizeof value);
}

rem_status rem_buffer_status(const rem_buffer *buffer, rem_error *err) {
  if (buffer->failure == REM_NOMEM)
    return rem_error_nomem(err);
  if (buffer->failure == REM_LIMIT)
    return rem_error_set(err, REM_LIMIT, "more than %zu bytes in one piece",
                         buffer->max ? buffer->max : DEFAULT_MAX);
  return REM_OK;
}

rem_status rem_buffer_take(rem_buffer *buffer, rem_bytes *ret_bytes, rem_error *err) {
  rem_buffer_append_byte(buffer, 0);
  REM_TRY(rem_buffer_status(buffer, err));
  *ret_bytes = (rem_bytes){(char *)buffer->data, buffer->size - 1};
  *buffer = (rem_buffer){.max = buffer->max};
  return REM_OK;
}

void rem_bytes_free(rem_bytes *bytes) {
  if (!bytes)
    return;
  rem_free(bytes->data);
  *bytes = (rem_bytes){0};
}
