/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokenizer: BERT WordPiece, uncased or cased, with the ids of the reference tokenizer (Hugging Face `tokenizers`) on
 * every text. The vocabularies of BERT and MPNet differ in their special tokens only.
 *
 * A tokenizer is a view over tables that were built when the model was installed and are mapped with it, so making
 * one costs nothing. Immutable: any number of threads may use it at once. It never fails and never allocates; bytes that are
 * not UTF-8 count as U+FFFD, which the reference drops.
 */
#ifndef REM_EMBED_TOKENIZER_H
#define REM_EMBED_TOKENIZER_H

#include "base/buffer.h"

/* Ids of the tokens that frame a text, and of a word the vocabulary cannot spell. */
typedef struct rem_tokenizer_specials {
  uint32_t unknown;
  uint32_t start; /* [CLS] or <s> */
  uint32_t end;   /* [SEP] or </s> */
} rem_tokenizer_specials;

/* A token that is found in the text as written, before any normalisation ("[MASK]"); a loose one in the normalised text, so
 * that "<UNK>" is "<unk>". A loose one is ASCII and begins with punctuation. */
typedef struct rem_tokenizer_added {
  rem_slice text;
  uint32_t id;
  bool loose;
} rem_tokenizer_added;

#define REM_TOKENIZER_ADDED_MAX 16
#define REM_TOKENIZER_FIRST_MAX 4

/* Zero-initialised it is no tokenizer; rem_tokenizer_open() makes it one. Needs no closing. */
typedef struct rem_tokenizer {
  const uint32_t *units; /* the trie (tokenizer_trie.c); borrowed */
  uint32_t unit_count;
  uint32_t token_count;
  uint32_t word_base;         /* the trie's state at the start of a word */
  uint32_t continuation_base; /* … and after its first piece ("##") */
  rem_tokenizer_specials specials;
  bool cased;                 /* letters and marks stay as they are */
  rem_tokenizer_added added[REM_TOKENIZER_ADDED_MAX];
  uint32_t added_count;
  uint8_t firsts[REM_TOKENIZER_FIRST_MAX]; /* the bytes that added tokens which are not loose begin with */
  uint32_t first_count;
  bool has_loose;
} rem_tokenizer;

/* Where a token came from: bytes [start, end) of the original text. The specials that frame a text have the
 * empty spans at its beginning and end. */
typedef struct rem_token_span {
  size_t start;
  size_t end;
} rem_token_span;

/* Reads the tables made by rem_tokenizer_build(). `tables` is borrowed and must outlive the tokenizer. REM_CORRUPT when they do
 * not hold together. */
REM_CHECKED rem_status rem_tokenizer_open(rem_slice tables, rem_tokenizer *ret_tokenizer, rem_error *err);

/*
 * The ids of a text, framed by the tokens of start and end, cut to `max_ids` (at least 2; the room in `ids`). `spans` (room for
 * as many) and `ret_truncated` may be NULL. `ret_truncated`: tokens were left out. Returns how many ids there are.
 */
size_t rem_tokenizer_encode(const rem_tokenizer *tokenizer, const char *text, size_t size, uint32_t *ids,
                            rem_token_span *spans, size_t max_ids, bool *ret_truncated);

/* The number of tokens of a text without the two of the frame; stops counting at `limit`. */
size_t rem_tokenizer_count(const rem_tokenizer *tokenizer, const char *text, size_t size, size_t limit);

/* A word has at most this many characters; a longer one is unknown, as in the reference. */
#define REM_TOKENIZER_WORD_MAX 100

/* A walk over the tokens of a text of any length in bounded memory. Members are the tokenizer's own. */
typedef struct rem_token_cursor {
  const rem_tokenizer *tokenizer;
  const uint8_t *text; /* borrowed */
  size_t size;
  size_t position;  /* first byte not read */
  size_t segment_end; /* no word crosses it: the next added token, or the end */
  uint32_t segment_added; /* the added token that begins there, or UINT32_MAX */
  uint32_t pending_count; /* tokens of the last word that found no room */
  uint32_t pending_next;
  uint32_t pending_ids[REM_TOKENIZER_WORD_MAX];
  rem_token_span pending_spans[REM_TOKENIZER_WORD_MAX];
} rem_token_cursor;

void rem_token_cursor_init(rem_token_cursor *cursor, const rem_tokenizer *tokenizer, const char *text, size_t size);
/* The next tokens, at most `capacity` (at least 1), without frame; `spans` may be NULL if it is NULL in every call. 0 at the end. */
size_t rem_token_cursor_next(rem_token_cursor *cursor, uint32_t *ids, rem_token_span *spans, size_t capacity);

/* What a tokenizer is built from; everything is borrowed. */
typedef struct rem_tokenizer_vocabulary {
  const rem_slice *tokens; /* tokens[id] is the text of token `id`, "##" in front of continuations */
  size_t token_count;
  rem_tokenizer_specials specials;
  bool cased;
  const rem_tokenizer_added *added;
  size_t added_count;
} rem_tokenizer_vocabulary;

/* Builds the tables. REM_INVALID: an id is not one of the vocabulary, or there are too many tokens. Appends to `tables`. */
REM_CHECKED rem_status rem_tokenizer_build(const rem_tokenizer_vocabulary *vocabulary, rem_buffer *tables, rem_error *err);

#endif
