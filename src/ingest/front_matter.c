/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the fences, and the three fields that matter to search: title, description, summary. */
#include "ingest/front_matter.h"

#include "base/toml.h"
#include "base/yaml.h"

#define MAX_BYTES (64u << 10)

/* The size of a line that is the fence and white space, with its terminator; 0 when the line is another. */
static size_t fence_line(const char *text, size_t size, const char *fence) {
  if (size < 3 || memcmp(text, fence, 3) != 0)
    return 0;
  size_t at = 3;
  while (at < size && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r'))
    at++;
  if (at == size)
    return at;
  return text[at] == '\n' ? at + 1 : 0;
}

/* Offsets of the content between the fences and of what follows; false when there is no closing fence. */
static bool find(const char *text, size_t size, const char *fence, size_t *ret_start, size_t *ret_end, size_t *ret_body) {
  size_t start = fence_line(text, size, fence);
  if (!start)
    return false;
  size_t limit = size < MAX_BYTES ? size : MAX_BYTES;
  for (size_t line = start; line < limit;) {
    size_t closing = fence_line(text + line, size - line, fence);
    if (closing) {
      *ret_start = start;
      *ret_end = line;
      *ret_body = line + closing;
      return true;
    }
    const char *newline = memchr(text + line, '\n', limit - line);
    line = newline ? (size_t)(newline - text) + 1 : limit;
  }
  return false;
}

static rem_status parse(const char *text, size_t size, bool toml, json_t **ret_json) {
  rem_status status = toml ? rem_toml_parse(text, size, ret_json, NULL) : rem_yaml_parse(text, size, ret_json, NULL);
  if (status >= 0 && !json_is_object(*ret_json)) {
    json_decref(*ret_json);
    *ret_json = NULL;
    return REM_INVALID;
  }
  return status;
}

/* A one-span block with a copy of a text of the metadata; its place is the front matter. */
static rem_status add_text(rem_text_document *document, rem_block_kind kind, const json_t *value, size_t start, rem_error *err) {
  if (!json_is_string(value) || json_string_length(value) == 0)
    return REM_OK;
  size_t size = json_string_length(value);
  char *text = rem_arena_strndup(&document->arena, json_string_value(value), size);
  rem_text_span *span = rem_arena_alloc(&document->arena, sizeof *span);
  if (!text || !span)
    return rem_error_nomem(err);
  *span = (rem_text_span){0, (uint32_t)start, 0};
  if (kind == REM_BLOCK_HEADING) {
    document->title = text;
    document->title_size = size;
  }
  rem_block block = {.kind = kind, .text = text, .text_size = (uint32_t)size, .spans = span, .span_count = 1};
  return rem_text_document_add(document, block, err);
}

rem_status rem_front_matter_read(rem_text_document *document, size_t *ret_body, rem_error *err) {
  size_t start = 0, end = 0, body = 0;
  *ret_body = 0;
  bool toml = find(document->text, document->text_size, "+++", &start, &end, &body);
  if (!toml && !find(document->text, document->text_size, "---", &start, &end, &body))
    return REM_OK;
  json_t *metadata = NULL;
  rem_status status = parse(document->text + start, end - start, toml, &metadata);
  if (status == REM_NOMEM)
    return rem_error_nomem(err);
  if (status < 0)
    return REM_OK;
  document->metadata = metadata;
  *ret_body = body;
  REM_TRY(add_text(document, REM_BLOCK_HEADING, json_object_get(metadata, "title"), start, err));
  REM_TRY(add_text(document, REM_BLOCK_PARAGRAPH, json_object_get(metadata, "description"), start, err));
  return add_text(document, REM_BLOCK_PARAGRAPH, json_object_get(metadata, "summary"), start, err);
}
