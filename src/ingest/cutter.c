/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the end of a piece. A cut inside a sentence is a binary search over its word boundaries: about twelve counts of at
 * most `max_bytes` bytes. A count need not grow with the text (a WordPiece tokenizer turns a word of more than 100
 * characters into one token), so a boundary counts only once it was tried and fits.
 */
#include "ingest/cutter.h"

#include "base/utf8.h"
#include "ingest/sentence.h"

rem_status rem_cutter_init(rem_cutter *cutter, rem_token_counter counter, size_t max_bytes, rem_error *err) {
  *cutter = (rem_cutter){.counter = counter, .max_bytes = max_bytes};
  cutter->boundaries = rem_calloc(max_bytes + 1, sizeof *cutter->boundaries);
  return cutter->boundaries ? REM_OK : rem_error_nomem(err);
}

void rem_cutter_deinit(rem_cutter *cutter) {
  rem_free(cutter->boundaries);
  cutter->boundaries = NULL;
}

size_t rem_cutter_count(const rem_cutter *cutter, const char *text, size_t size) {
  if (!cutter->counter.count)
    return rem_chunk_estimate_tokens(text, size);
  return cutter->counter.count(cutter->counter.context, text, size);
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_lines(const rem_block *block) {
  return block->kind == REM_BLOCK_CODE || block->kind == REM_BLOCK_TABLE;
}

size_t rem_cutter_skip_space(const rem_block *block, size_t offset) {
  size_t at = offset;
  while (at < block->text_size && is_space(block->text[at])) {
    at++;
    if (block->text[at - 1] == '\n')
      offset = at;
  }
  /* In code the indentation of a line belongs to it, unless the cut was within the line. */
  bool keeps_indent = block->kind == REM_BLOCK_CODE && (offset == 0 || block->text[offset - 1] == '\n');
  return keeps_indent && at < block->text_size ? offset : at;
}

static bool fits(const rem_cutter *cutter, const char *text, size_t size, size_t tokens, size_t bytes, size_t *ret_tokens) {
  if (size > bytes)
    return false;
  *ret_tokens = rem_cutter_count(cutter, text, size);
  return *ret_tokens <= tokens;
}

/* Scripts written without spaces between words (CJK, Thai, Lao, Myanmar, Khmer) may be cut between any two characters. */
static bool has_no_spaces(uint32_t c) {
  return (c >= 0x2E80 && c <= 0xA4CF && !(c >= 0x3001 && c <= 0x3002)) || (c >= 0xE01 && c <= 0xEFF) ||
         (c >= 0x1000 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

/* Lists the places in [start, end] where words end, in order, `end` among them when `end_is_one`. */
static size_t word_boundaries(rem_cutter *cutter, const char *text, size_t start, size_t end, bool end_is_one) {
  size_t count = 0;
  for (size_t at = start; at < end;) {
    size_t next = at;
    uint32_t c = rem_utf8_next(text, end, &next);
    bool boundary = at > start && ((is_space(text[at]) && !is_space(text[at - 1])) ||
                                   (has_no_spaces(c) && rem_sentence_may_cut_before(c) && !is_space(text[at - 1])));
    if (boundary)
      cutter->boundaries[count++] = (uint32_t)(at - start);
    at = next;
  }
  if (end_is_one)
    cutter->boundaries[count++] = (uint32_t)(end - start);
  return count;
}

/* Lists the places in (start, end] between characters, with `whole` only those between a character with its marks and the next. */
static size_t character_boundaries(rem_cutter *cutter, const char *text, size_t start, size_t end, bool whole) {
  size_t count = 0;
  bool joined = false;
  for (size_t at = start; at < end;) {
    size_t next = at;
    uint32_t c = rem_utf8_next(text, end, &next);
    if (at > start && (!whole || (rem_sentence_may_cut_before(c) && !joined)))
      cutter->boundaries[count++] = (uint32_t)(at - start);
    joined = c == 0x200D;
    at = next;
  }
  cutter->boundaries[count++] = (uint32_t)(end - start);
  return count;
}

/* How many of the boundaries fit: an index + 1, or 0. */
static size_t search_boundaries(const rem_cutter *cutter, const char *text, size_t count, size_t tokens, size_t bytes,
                                size_t *ret_tokens) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low + 1) / 2, found = 0;
    if (fits(cutter, text, cutter->boundaries[middle - 1], tokens, bytes, &found)) {
      low = middle;
      *ret_tokens = found;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

/* The last newline in the second half of text[start, end), or `end`: lines are better cuts than words. */
static size_t prefer_newline(const char *text, size_t start, size_t end) {
  for (size_t at = end; at > start + (end - start) / 2; at--) {
    if (text[at - 1] == '\n')
      return at - 1;
  }
  return end;
}

/* As much of text[start, size) as fits, cut at words, else between characters, else between a character and its marks;
 * at least one character. */
static size_t cut_long(rem_cutter *cutter, const char *text, size_t size, size_t start, size_t tokens, size_t bytes,
                       size_t *ret_tokens) {
  size_t window = size - start < bytes ? size - start : bytes;
  size_t end = rem_utf8_floor(text, size, start + window);
  bool end_is_word = end == size || is_space(text[end]);
  size_t count = word_boundaries(cutter, text, start, end, end_is_word);
  size_t fitting = search_boundaries(cutter, text + start, count, tokens, bytes, ret_tokens);
  if (fitting == 0 && count > 0)
    end = start + cutter->boundaries[0];
  for (int whole = 1; fitting == 0 && whole >= 0; whole--) {
    count = character_boundaries(cutter, text, start, end, whole);
    fitting = search_boundaries(cutter, text + start, count, tokens, bytes, ret_tokens);
  }
  size_t cut = start + cutter->boundaries[fitting ? fitting - 1 : 0];
  size_t better = prefer_newline(text, start, cut);
  if (fitting == 0 || better != cut)
    *ret_tokens = rem_cutter_count(cutter, text + start, better - start);
  return better;
}

/* The end of the sentence or line at `start`, not beyond `limit`. */
static size_t unit_end(const rem_block *block, size_t start, size_t limit, bool *ret_found) {
  if (!is_lines(block))
    return rem_sentence_end(block->text, block->text_size, start, limit, ret_found);
  const char *newline = memchr(block->text + start, '\n', limit - start);
  *ret_found = newline || limit == block->text_size;
  return newline ? (size_t)(newline - block->text) : limit;
}

size_t rem_cutter_next(rem_cutter *cutter, const rem_block *block, size_t start, size_t tokens, size_t bytes,
                       size_t *ret_tokens) {
  const char *text = block->text;
  size_t size = block->text_size;
  if (bytes > cutter->max_bytes)
    bytes = cutter->max_bytes;
  bool at_beginning = rem_cutter_skip_space(block, 0) == start;
  if (at_beginning && fits(cutter, text + start, size - start, tokens, bytes, ret_tokens))
    return size;
  size_t limit = size - start < bytes ? size : rem_utf8_floor(text, size, start + bytes);
  bool found = false;
  size_t end = unit_end(block, start, limit, &found);
  if (found && end > start && fits(cutter, text + start, end - start, tokens, bytes, ret_tokens))
    return end;
  return cut_long(cutter, text, found && end > start ? end : size, start, tokens, bytes, ret_tokens);
}

size_t rem_cutter_tail(const rem_cutter *cutter, const rem_block *block, size_t start, size_t end, size_t tokens,
                       size_t *ret_tokens) {
  size_t starts[2] = {end, end}; /* of the last sentence but one, and of the last */
  for (size_t at = rem_cutter_skip_space(block, start); at < end;) {
    bool found = false;
    starts[0] = starts[1];
    starts[1] = at;
    at = rem_cutter_skip_space(block, rem_sentence_end(block->text, end, at, end, &found));
  }
  for (size_t i = starts[0] < starts[1] ? 0 : 1; i < 2; i++) {
    if (starts[i] < end && fits(cutter, block->text + starts[i], end - starts[i], tokens, cutter->max_bytes, ret_tokens))
      return starts[i];
  }
  return end;
}
