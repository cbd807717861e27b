/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Document: what a reader makes of a file and what the chunker cuts: a title, metadata and a list of blocks.
 *
 *   source bytes ──decode──▶ UTF-8 text ──reader──▶ blocks: HEADING 1 "Guide"
 *                                                            PARAGRAPH "…"        heading ──▶ "Guide"
 *                                                            HEADING 2 "Install"  heading ──▶ "Guide"
 *                                                            CODE "…"             heading ──▶ "Install"
 *
 * A block's text is what a person reads: Markdown markup is gone, link targets stand in parentheses, table cells are
 * separated by " | ". `spans` say where stretches of that text stand in the source, so that a chunk can name its bytes.
 * Blocks of plain text borrow the source; everything else lives in the document's arena.
 */
#ifndef REM_INGEST_TEXT_DOCUMENT_H
#define REM_INGEST_TEXT_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/json.h"

typedef enum rem_block_kind {
  REM_BLOCK_HEADING,
  REM_BLOCK_PARAGRAPH,
  REM_BLOCK_QUOTE,
  REM_BLOCK_LIST_ITEM,
  REM_BLOCK_CODE,  /* cut at lines, indentation kept */
  REM_BLOCK_TABLE, /* one row a line, the first `header_size` bytes are repeated when it is cut */
} rem_block_kind;

/* `text_offset` bytes into the block's text stands the source's byte `source_offset`, and so on for `size` bytes. */
typedef struct rem_text_span {
  uint32_t text_offset;
  uint32_t source_offset;
  uint32_t size;
} rem_text_span;

typedef struct rem_block {
  rem_block_kind kind;
  uint8_t level;        /* HEADING: 0 (title from the front matter) to 6 */
  int32_t heading;      /* index of the heading block above it, -1: none */
  const char *text;     /* valid UTF-8, no white space at the end, not empty */
  uint32_t text_size;
  uint32_t header_size; /* TABLE: with its newline; 0: no header */
  const rem_text_span *spans; /* ascending, at least one */
  uint32_t span_count;
} rem_block;

#define REM_TEXT_DOCUMENT_MAX_BLOCKS (16u << 20)

/* Zero-initialised it is empty. */
typedef struct rem_text_document {
  const char *title;    /* NULL: none in the content */
  size_t title_size;
  json_t *metadata;     /* front matter as an object; NULL: none */
  rem_block *blocks;    /* owned array */
  size_t block_count;
  size_t block_capacity;
  int32_t open_headings[7]; /* while reading: the innermost heading of each level, plus 1 */
  char *text;           /* decoded text, owned; offsets count from its start */
  size_t text_size;
  rem_arena arena;
} rem_text_document;

void rem_text_document_deinit(rem_text_document *document);

/* Appends a block. Text and spans are borrowed until the document ends (make them in its arena); text is trimmed
 * at its end, and an empty one adds nothing. REM_LIMIT beyond REM_TEXT_DOCUMENT_MAX_BLOCKS. */
REM_CHECKED rem_status rem_text_document_add(rem_text_document *document, rem_block block, rem_error *err);

/* Where byte `offset` of the block's text stands in the source; made-up text takes the place of what precedes it. */
size_t rem_block_source_offset(const rem_block *block, size_t offset);

#endif
