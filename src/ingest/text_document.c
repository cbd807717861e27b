/* SPDX-License-Identifier: Apache-2.0 */
/* The list of blocks of a document and the map from their text back to the source. */
#include "ingest/text_document.h"

void rem_text_document_deinit(rem_text_document *document) {
  if (!document)
    return;
  json_decref(document->metadata);
  rem_free(document->blocks);
  rem_free(document->text);
  rem_arena_deinit(&document->arena);
  *document = (rem_text_document){0};
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static rem_status grow(rem_text_document *document, rem_error *err) {
  if (document->block_count < document->block_capacity)
    return REM_OK;
  if (document->block_count >= REM_TEXT_DOCUMENT_MAX_BLOCKS)
    return rem_error_set(err, REM_LIMIT, "the document has more than %u blocks", REM_TEXT_DOCUMENT_MAX_BLOCKS);
  size_t capacity = document->block_capacity ? document->block_capacity * 2 : 64;
  rem_block *blocks = rem_realloc(document->blocks, capacity * sizeof *blocks);
  if (!blocks)
    return rem_error_nomem(err);
  document->blocks = blocks;
  document->block_capacity = capacity;
  return REM_OK;
}

/* A heading's own `heading` is the nearest one of a lower level. */
static int32_t enclosing_heading(const rem_text_document *document, int level_below) {
  for (int level = level_below - 1; level >= 0; level--) {
    if (document->open_headings[level])
      return document->open_headings[level] - 1;
  }
  return -1;
}

rem_status rem_text_document_add(rem_text_document *document, rem_block block, rem_error *err) {
  while (block.text_size > 0 && is_space(block.text[block.text_size - 1]))
    block.text_size--;
  if (block.text_size == 0)
    return REM_OK;
  REM_TRY(grow(document, err));
  bool heading = block.kind == REM_BLOCK_HEADING;
  block.heading = enclosing_heading(document, heading ? block.level : 7);
  if (block.header_size > block.text_size)
    block.header_size = 0;
  if (heading) {
    for (int level = block.level; level <= 6; level++)
      document->open_headings[level] = 0;
    document->open_headings[block.level] = (int32_t)document->block_count + 1;
  }
  document->blocks[document->block_count++] = block;
  return REM_OK;
}

size_t rem_block_source_offset(const rem_block *block, size_t offset) {
  size_t low = 0, high = block->span_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (block->spans[middle].text_offset <= offset)
      low = middle;
    else
      high = middle;
  }
  const rem_text_span *span = &block->spans[low];
  if (offset <= span->text_offset)
    return span->source_offset;
  size_t into = offset - span->text_offset;
  return span->source_offset + (into < span->size ? into : span->size);
}
