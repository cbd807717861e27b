/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/file_rows.h"

#include <inttypes.h>

#include "base/json.h"
#include "base/utf8.h"
#include "ingest/file_uri.h"

static void append_field(rem_buffer *buffer, const char *name, const char *text, size_t size) {
  rem_buffer_append_format(buffer, ",\"%s\":", name);
  rem_json_append_string(buffer, text, size);
}

static void append_uri(rem_buffer *buffer, rem_slice uri) {
  rem_buffer_append_text(buffer, "{\"uri\":");
  rem_json_append_string(buffer, (const char *)uri.data, uri.size);
}

static rem_status append_name(rem_buffer *buffer, const char *path, rem_error *err) {
  rem_buffer name REM_AUTO_BUFFER = {0};
  rem_file_name_append(&name, path);
  REM_TRY(rem_buffer_status(&name, err));
  append_field(buffer, "name", (const char *)name.data, name.size);
  return REM_OK;
}

rem_status rem_file_row_append(const rem_file_row *row, rem_buffer *buffer, rem_error *err) {
  append_uri(buffer, row->uri);
  REM_TRY(append_name(buffer, row->path, err));
  append_field(buffer, "file_type", row->file_type, strlen(row->file_type));
  rem_buffer_append_format(buffer, ",\"size_bytes\":%" PRId64, row->size_bytes);
  if (row->content_hash[0])
    append_field(buffer, "content_hash", row->content_hash, strlen(row->content_hash));
  append_field(buffer, "status", row->status, strlen(row->status));
  rem_buffer_append_format(buffer, ",\"chunk_count\":%" PRId64 ",\"metadata\":", row->chunk_count);
  if (row->metadata)
    REM_TRY(rem_json_append(buffer, row->metadata, err));
  else
    rem_buffer_append_text(buffer, "{}");
  if (row->edges.size) {
    rem_buffer_append_text(buffer, ",\"edges\":");
    rem_buffer_append_slice(buffer, row->edges);
  }
  rem_buffer_append_byte(buffer, '}');
  return rem_buffer_status(buffer, err);
}

void rem_chunk_row_append(rem_slice uri, const rem_chunk *chunk, const char *category, rem_buffer *buffer) {
  append_uri(buffer, uri);
  rem_buffer_append_format(buffer, ",\"ordinal\":%zu", chunk->ordinal);
  append_field(buffer, "name", chunk->name, strlen(chunk->name));
  append_field(buffer, "content", chunk->content, chunk->content_size);
  if (category)
    append_field(buffer, "category", category, strlen(category));
  rem_buffer_append_text(buffer, ",\"metadata\":");
  rem_chunk_metadata_append(chunk, buffer);
  rem_buffer_append_byte(buffer, '}');
}

rem_status rem_file_metadata(const rem_text_document *document, json_t **ret_metadata, rem_error *err) {
  json_t *metadata = document->metadata ? json_copy(document->metadata) : json_object();
  if (!metadata)
    return rem_error_nomem(err);
  if (document->title_size && !json_object_get(metadata, "title") &&
      json_object_set_new(metadata, "title", json_stringn(document->title, document->title_size)) != 0) {
    json_decref(metadata);
    return rem_error_nomem(err);
  }
  *ret_metadata = metadata;
  return REM_OK;
}

json_t *rem_file_text_json(const char *text) {
  size_t size = strlen(text), offset = 0;
  rem_buffer valid REM_AUTO_BUFFER = {0};
  while (offset < size) {
    char bytes[4];
    rem_buffer_append(&valid, bytes, rem_utf8_encode(rem_utf8_next(text, size, &offset), bytes));
  }
  return valid.failure ? NULL : json_stringn(valid.data ? (const char *)valid.data : "", valid.size);
}
