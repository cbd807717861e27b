/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutter: the smallest pieces a chunk is packed from. A piece is a stretch of one block that fits a budget: the whole
 * block, else its next sentence or line, else as many words as fit, else as many characters.
 */
#ifndef REM_INGEST_CUTTER_H
#define REM_INGEST_CUTTER_H

#include "ingest/chunker.h"

typedef struct rem_cutter {
  rem_token_counter counter;
  size_t max_bytes;      /* the most a piece may ever have */
  uint32_t *boundaries;  /* scratch, max_bytes + 1 of them */
} rem_cutter;

REM_CHECKED rem_status rem_cutter_init(rem_cutter *cutter, rem_token_counter counter, size_t max_bytes, rem_error *err);
void rem_cutter_deinit(rem_cutter *cutter);

size_t rem_cutter_count(const rem_cutter *cutter, const char *text, size_t size);

/* Where the next piece may begin at or after `offset`: behind white space, or, in code, behind blank lines. The size when nothing is left. */
size_t rem_cutter_skip_space(const rem_block *block, size_t offset);

/* The end of the piece that begins at `start` (a result of rem_cutter_skip_space() below the block's size), and
 * its tokens. It has at most `tokens` tokens and `bytes` bytes, except for a single character that has more. */
size_t rem_cutter_next(rem_cutter *cutter, const rem_block *block, size_t start, size_t tokens, size_t bytes,
                       size_t *ret_tokens);

/* The start of the last sentences, two at most, of the block's text [start, end) that together have at most `tokens`; `end` when there are none. */
size_t rem_cutter_tail(const rem_cutter *cutter, const rem_block *block, size_t start, size_t end, size_t tokens,
                       size_t *ret_tokens);

#endif
