/* SPDX-License-Identifier: Apache-2.0 */
/* modules: ingest */
/* Any bytes as a Markdown file: blocks are valid text, their spans lie in the source, headings nest. */
#include <stdlib.h>

#include "base/utf8.h"
#include "ingest/reader.h"

#include "fuzz/fuzz.h"

static void must(bool condition) {
  if (!condition)
    abort();
}

static void check_block(const rem_text_document *document, size_t index) {
  const rem_block *block = &document->blocks[index];
  must(block->text_size > 0 && rem_utf8_valid(block->text, block->text_size));
  must(block->span_count > 0 && block->header_size <= block->text_size && block->level <= 6);
  must(block->heading >= -1 && block->heading < (int32_t)index);
  must(block->heading < 0 || document->blocks[block->heading].kind == REM_BLOCK_HEADING);
  for (size_t i = 0; i < block->span_count; i++)
    must((size_t)block->spans[i].source_offset + block->spans[i].size <= document->text_size);
  must(rem_block_source_offset(block, block->text_size) <= document->text_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rem_text_document document = {0};
  rem_error err = {0};
  rem_status status = rem_reader_read_text("markdown", data, size, &document, &err);
  if (status < 0) {
    must(status == REM_INVALID && err.message[0]);
    return 0;
  }
  for (size_t i = 0; i < document.block_count; i++)
    check_block(&document, i);
  rem_text_document_deinit(&document);
  return 0;
}
