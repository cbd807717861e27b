/* SPDX-License-Identifier: Apache-2.0 */
/* modules: embed */
/*
 * Any bytes as text: ids lie in the vocabulary, spans in the text and in order, and a cursor gives the same in pieces. With an odd
 * first byte the bytes are tables instead: those that open may be used, whatever is in them.
 */
#include <stdlib.h>

#include "embed/tokenizer.h"

#include "fuzz/fuzz.h"

#define TEXT_MAX 4096
/* A character gives at most three tokens (the jamo of a syllable). */
#define TOKENS_MAX (3 * TEXT_MAX + 2)

static void must(bool condition) {
  if (!condition)
    abort();
}

static const char *const words[] = {"[UNK]", "[CLS]", "[SEP]", "[MASK]", "ab",     "##c", "abcd", "a",       "##bx",  "\u4e2d",
                                    ".",     "##a",   "##b",   "the",    "\u1112", "e",   "##e",  "##\u1161", "caf", "\u302e"};
#define WORD_COUNT (sizeof words / sizeof words[0])

/* Built once, kept for the life of the process. */
static const rem_tokenizer *fixed_tokenizer(void) {
  static rem_tokenizer tokenizer;
  static rem_buffer tables;
  if (tokenizer.units != NULL)
    return &tokenizer;
  rem_slice tokens[WORD_COUNT];
  for (size_t i = 0; i < WORD_COUNT; i++)
    tokens[i] = rem_slice_text(words[i]);
  const rem_tokenizer_added added[] = {{tokens[2], 2, false}, {tokens[3], 3, false}, {rem_slice_text("<e>"), 15, true}};
  const rem_tokenizer_vocabulary vocabulary = {
      .tokens = tokens, .token_count = WORD_COUNT, .specials = {0, 1, 2}, .added = added, .added_count = 3};
  must(rem_tokenizer_build(&vocabulary, &tables, NULL) == REM_OK);
  must(rem_tokenizer_open(rem_buffer_slice(&tables), &tokenizer, NULL) == REM_OK);
  return &tokenizer;
}

static void check_pieces(const rem_tokenizer *tokenizer, const char *text, size_t size, const uint32_t *ids,
                         const rem_token_span *spans, size_t count, size_t capacity) {
  uint32_t piece[128];
  rem_token_span piece_spans[128];
  rem_token_cursor cursor;
  rem_token_cursor_init(&cursor, tokenizer, text, size);
  size_t at = 0, got;
  while ((got = rem_token_cursor_next(&cursor, piece, piece_spans, capacity)) > 0) {
    must(at + got <= count);
    for (size_t i = 0; i < got; i++, at++)
      must(piece[i] == ids[at] && piece_spans[i].start == spans[at].start && piece_spans[i].end == spans[at].end);
  }
  must(at == count);
}

static void check_text(const rem_tokenizer *tokenizer, const char *text, size_t size, size_t capacity) {
  static uint32_t ids[TOKENS_MAX];
  static rem_token_span spans[TOKENS_MAX];
  bool truncated = true;
  size_t count = rem_tokenizer_encode(tokenizer, text, size, ids, spans, TOKENS_MAX, &truncated);
  must(count >= 2 && !truncated);
  for (size_t i = 1; i + 1 < count; i++)
    must(ids[i] < tokenizer->token_count && spans[i].start <= spans[i].end && spans[i].end <= size);
  must(rem_tokenizer_count(tokenizer, text, size, SIZE_MAX) == count - 2);
  check_pieces(tokenizer, text, size, ids + 1, spans + 1, count - 2, capacity);
}

static void check_tables(const uint8_t *data, size_t size) {
  /* A copy, so that the sanitizer sees reads beyond the end, and aligned as a mapping is. */
  uint8_t *copy = malloc(size + 1);
  must(copy != NULL);
  memcpy(copy, data, size);
  rem_tokenizer tokenizer;
  uint32_t ids[64];
  const char *text = "abc The [SEP] caf\u00e9 \u1112\u1161 \u4e2d.";
  if (rem_tokenizer_open(rem_slice_of(copy, size), &tokenizer, NULL) == REM_OK)
    must(rem_tokenizer_encode(&tokenizer, text, strlen(text), ids, NULL, 64, NULL) >= 2);
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > TEXT_MAX)
    return 0;
  if (data[0] & 1)
    check_tables(data + 1, size - 1);
  else
    check_text(fixed_tokenizer(), (const char *)data + 1, size - 1, 1 + data[0] / 2);
  return 0;
}
