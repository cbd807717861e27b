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
