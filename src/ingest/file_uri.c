/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/file_uri.h"

#include "base/utf8.h"

static bool is_plain(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~/", c));
}

void rem_file_uri_append(rem_buffer *buffer, const char *absolute_path) {
  rem_buffer_append_text(buffer, "file://");
  for (const char *at = absolute_path; *at; at++) {
    if (is_plain((unsigned char)*at))
      rem_buffer_append_byte(buffer, (uint8_t)*at);
    else
      rem_buffer_append_format(buffer, "%%%02X", (unsigned char)*at);
  }
}

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte behind a '%' at `at`; -1: none, or NUL, which no path has. */
static int encoded_byte(rem_slice uri, size_t at) {
  if (at + 2 >= uri.size)
    return -1;
  int high = hex_digit(uri.data[at + 1]), low = hex_digit(uri.data[at + 2]);
  return high < 0 || low < 0 || high + low == 0 ? -1 : high << 4 | low;
}

bool rem_file_uri_path(rem_slice uri, rem_buffer *buffer) {
  static const char scheme[] = "file:///";
  if (!rem_slice_starts_with(uri, rem_slice_of(scheme, sizeof scheme - 1)))
    return false;
  for (size_t at = sizeof scheme - 2; at < uri.size; at++) {
    int byte = uri.data[at];
    if (byte == '%') {
      byte = encoded_byte(uri, at);
      at += 2;
    }
    if (byte <= 0)
      return false;
    rem_buffer_append_byte(buffer, (uint8_t)byte);
  }
  return true;
}

void rem_file_name_append(rem_buffer *buffer, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash && slash[1] ? slash + 1 : path;
  size_t size = strlen(name);
  for (size_t offset = 0; offset < size;) {
    char bytes[4];
    uint32_t character = rem_utf8_next(name, size, &offset);
    rem_buffer_append(buffer, bytes, rem_utf8_encode(character, bytes));
  }
}
