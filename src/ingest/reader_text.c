/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain text, source code and CSV: blocks between blank lines.
 *
 * A block borrows the source where it can; only text with carriage returns is copied, line by line, without them.
 */
#include "ingest/reader_internal.h"

/* The end of the line that begins at `start`, its terminator (\n, \r\n, \r) not included. */
static size_t line_end(const char *text, size_t size, size_t start) {
  while (start < size && text[start] != '\n' && text[start] != '\r')
    start++;
  return start;
}

static size_t next_line(const char *text, size_t size, size_t end) {
  if (end < size && text[end] == '\r' && end + 1 < size && text[end + 1] == '\n')
    return end + 2;
  return end < size ? end + 1 : size;
}

static bool is_blank(const char *text, size_t start, size_t end) {
  for (; start < end; start++) {
    if (text[start] != ' ' && text[start] != '\t' && text[start] != '\f' && text[start] != '\v')
      return false;
  }
  return true;
}

/* Sets the block's text to source[start, end) as it stands. */
static rem_status borrow(rem_text_document *document, size_t start, size_t end, rem_block *block, rem_error *err) {
  rem_text_span *span = rem_arena_alloc(&document->arena, sizeof *span);
  if (!span)
    return rem_error_nomem(err);
  *span = (rem_text_span){0, (uint32_t)start, (uint32_t)(end - start)};
  block->text = document->text + start;
  block->text_size = (uint32_t)(end - start);
  block->spans = span;
  block->span_count = 1;
  return REM_OK;
}

static size_t count_lines(const char *text, size_t start, size_t end) {
  size_t count = 0;
  for (; start < end; count++)
    start = next_line(text, end, line_end(text, end, start));
  return count;
}

/* The same with every line terminator as \n, one span a line. */
static rem_status copy_lines(rem_text_document *document, size_t start, size_t end, rem_block *block, rem_error *err) {
  const char *source = document->text;
  size_t line_count = count_lines(source, start, end);
  rem_text_span *spans = rem_arena_alloc(&document->arena, line_count * sizeof *spans);
  char *text = rem_arena_alloc(&document->arena, end - start + 1);
  if (!spans || !text)
    return rem_error_nomem(err);
  size_t used = 0, index = 0;
  for (size_t line = start; line < end;) {
    size_t stop = line_end(source, end, line);
    memcpy(text + used, source + line, stop - line);
    spans[index++] = (rem_text_span){(uint32_t)used, (uint32_t)line, (uint32_t)(stop - line)};
    used += stop - line;
    line = next_line(source, end, stop);
    if (line < end)
      text[used++] = '\n';
  }
  block->text = text;
  block->text_size = (uint32_t)used;
  block->spans = spans;
  block->span_count = (uint32_t)index;
  return REM_OK;
}

static rem_status add_block(rem_text_document *document, rem_block_kind kind, size_t start, size_t end, rem_error *err) {
  rem_block block = {.kind = kind};
  if (memchr(document->text + start, '\r', end - start))
    REM_TRY(copy_lines(document, start, end, &block, err));
  else
    REM_TRY(borrow(document, start, end, &block, err));
  if (kind == REM_BLOCK_TABLE) {
    const char *newline = memchr(block.text, '\n', block.text_size);
    block.header_size = newline ? (uint32_t)(newline - block.text) + 1 : 0;
  }
  return rem_text_document_add(document, block, err);
}

/* One block for each run of lines that are not blank. */
static rem_status read_blocks(rem_text_document *document, rem_block_kind kind, rem_error *err) {
  const char *text = document->text;
  size_t size = document->text_size;
  for (size_t start = 0; start < size;) {
    size_t end = line_end(text, size, start);
    if (is_blank(text, start, end)) {
      start = next_line(text, size, end);
      continue;
    }
    size_t block_end = end;
    for (size_t line = next_line(text, size, end); line < size; line = next_line(text, size, end)) {
      end = line_end(text, size, line);
      if (is_blank(text, line, end))
        break;
      block_end = end;
    }
    REM_TRY(add_block(document, kind, start, block_end, err));
    start = next_line(text, size, end);
  }
  return REM_OK;
}

rem_status rem_reader__text(rem_text_document *document, rem_error *err) {
  return read_blocks(document, REM_BLOCK_PARAGRAPH, err);
}

rem_status rem_reader__code(rem_text_document *document, rem_error *err) {
  return read_blocks(document, REM_BLOCK_CODE, err);
}

/* The whole file is one table: a blank line inside a quoted field must not end it. */
rem_status rem_reader__csv(rem_text_document *document, rem_error *err) {
  size_t start = 0;
  while (start < document->text_size) {
    size_t end = line_end(document->text, document->text_size, start);
    if (!is_blank(document->text, start, end))
      break;
    start = next_line(document->text, document->text_size, end);
  }
  if (start == document->text_size)
    return REM_OK;
  return add_block(document, REM_BLOCK_TABLE, start, document->text_size, err);
}
