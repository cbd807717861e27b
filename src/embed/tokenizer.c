/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BERT WordPiece, as the reference does it, in one pass over the text.
 *
 * The reference cuts the text at added tokens ("[SEP]"), then runs each segment through four passes of normalisation, one that
 * splits words and one that splits pieces, each allocating. But every pass treats characters one by one (but for the
 * order of combining marks), so their composition is one table from characters to what becomes of them
 * (tokenizer_unicode.h), and words can be cut into pieces as they are met:
 *
 *   - An ASCII word, nearly all there are in English, is matched in the trie straight from the text, its letters lowered on the way.
 *   - Any other word is first gathered, normalised, in a buffer of REM_TOKENIZER_WORD_MAX characters; a word that overflows it
 *     is unknown anyway, so the buffer needs no more.
 *
 * A word is cut greedily into the longest pieces of the vocabulary; when no piece fits, the whole word is [UNK].
 */
#include "embed/tokenizer.h"

#include "base/utf8.h"
#include "embed/tokenizer_trie.h"
#include "embed/tokenizer_unicode.h"

#define WORD_MAX REM_TOKENIZER_WORD_MAX
#define NO_ADDED UINT32_MAX
#define FIRST_STRETCH 1024 /* bytes */
#define ASCII_ALONE 2 /* in rem_tokenizer__ascii: above it, part of a word */

/* Where the tokens of a word go: room for WORD_MAX of each; spans may be NULL. */
typedef struct token_sink {
  uint32_t *ids;
  rem_token_span *spans;
} token_sink;

/* A word that is not all ASCII, normalised. */
typedef struct gathered_word {
  size_t count; /* characters, also those beyond WORD_MAX, which are not kept */
  size_t start; /* in the text */
  size_t end;
  size_t run;   /* where the run of ORDERED characters at the end begins; == count: there is none */
  uint32_t characters[WORD_MAX];
  uint32_t ranks[WORD_MAX]; /* of ORDERED characters */
  rem_token_span sources[WORD_MAX];
} gathered_word;

static void put(token_sink sink, size_t index, uint32_t id, size_t start, size_t end) {
  sink.ids[index] = id;
  if (sink.spans != NULL)
    sink.spans[index] = (rem_token_span){start, end};
}

/*
 * The longest piece at the beginning of `text` from the state `base`: its size, and its id; 0 when there is none.
 * `fold` maps bytes to those of the vocabulary. The bound on the index keeps a damaged table from leading outside of it.
 */
static inline size_t longest_piece(const rem_tokenizer *tokenizer, uint32_t base, const uint8_t *text, size_t size,
                                   const uint8_t *fold, uint32_t *ret_id) {
  size_t longest = 0;
  uint32_t value_index = 0;
  for (size_t i = 0; i < size; i++) {
    uint8_t label = fold != NULL ? fold[text[i]] : text[i];
    uint32_t index = base ^ label;
    if (index >= tokenizer->unit_count)
      break;
    uint32_t unit = tokenizer->units[index];
    if ((unit & REM_TOKENIZER_TRIE_LABEL) != label)
      break;
    base = unit >> REM_TOKENIZER_TRIE_BASE_SHIFT;
    if (unit & REM_TOKENIZER_TRIE_VALUE) {
      longest = i + 1;
      value_index = base;
    }
  }
  if (longest == 0 || value_index >= tokenizer->unit_count)
    return 0;
  *ret_id = tokenizer->units[value_index] >> REM_TOKENIZER_TRIE_ID_SHIFT;
  return longest;
}

static inline const uint8_t *fold_of(const rem_tokenizer *tokenizer) {
  return tokenizer->cased ? rem_tokenizer__cased_ascii : rem_tokenizer__ascii;
}

static inline uint32_t value_of(const rem_tokenizer *tokenizer, uint32_t character) {
  return tokenizer->cased ? rem_tokenizer__cased_value(character) : rem_tokenizer__value(character);
}

/* ---- loose added tokens ---- */

/* Whether the character, normalised, goes on with what `wanted` has at `*at`, which moves on. One that vanishes does. */
static bool matches_next(const rem_tokenizer *tokenizer, uint32_t character, rem_slice wanted, size_t *at) {
  uint32_t value = value_of(tokenizer, character);
  if (value == REM_TOKENIZER_DROP || value == REM_TOKENIZER_BREAK)
    return true;
  if (value < REM_TOKENIZER_MAPPED) {
    if (value == REM_TOKENIZER_SPACE || value == REM_TOKENIZER_HANGUL || *at >= wanted.size ||
        wanted.data[*at] != character)
      return false;
    ++*at;
    return true;
  }
  for (const uint32_t *mapped = &rem_tokenizer__mapped[value - REM_TOKENIZER_MAPPED];; mapped++) {
    if (*at >= wanted.size || wanted.data[*at] != (*mapped & 0xffffff))
      return false;
    ++*at;
    if (*mapped >> 31)
      return true;
  }
}

/*
 * A loose token at `start`, where a character of its own begins: where it ends, else 0. Its letters are matched as normalised; what
 * vanishes may stand between them. The longest wins.
 */
static size_t match_loose(const rem_tokenizer *tokenizer, const uint8_t *text, size_t end, size_t start, uint32_t *ret_id) {
  size_t best = 0, best_size = 0;
  for (uint32_t i = 0; i < tokenizer->added_count; i++) {
    rem_slice wanted = tokenizer->added[i].text;
    if (!tokenizer->added[i].loose || wanted.size <= best_size)
      continue;
    size_t position = start, at = 0;
    while (position < end && at < wanted.size &&
           matches_next(tokenizer, rem_utf8_next((const char *)text, end, &position), wanted, &at))
      continue;
    if (at < wanted.size)
      continue;
    best = position;
    best_size = wanted.size;
    *ret_id = tokenizer->added[i].id;
  }
  return best;
}

/* ---- ASCII words ---- */

static size_t ascii_word(const rem_tokenizer *tokenizer, const uint8_t *text, size_t start, size_t end,
                         token_sink sink) {
  size_t count = 0;
  uint32_t base = tokenizer->word_base;
  for (size_t at = start; at < end && end - start <= WORD_MAX;) {
    uint32_t id = 0;
    size_t size = longest_piece(tokenizer, base, text + at, end - at, fold_of(tokenizer), &id);
    if (size == 0)
      break;
    put(sink, count++, id, at, at + size);
    at += size;
    base = tokenizer->continuation_base;
    if (at == end)
      return count;
  }
  put(sink, 0, tokenizer->specials.unknown, start, end);
  return 1;
}

/* ---- other words ---- */

static uint32_t rank_of(uint32_t character) {
  size_t low = 0, high = rem_tokenizer__ordered_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (rem_tokenizer__ordered[middle].character <= character)
      low = middle;
    else
      high = middle;
  }
  return rem_tokenizer__ordered[low].rank;
}

/* Adds a character. An ORDERED one moves in front of those of its run with a higher rank. */
static void gather(gathered_word *word, uint32_t character, bool ordered, rem_token_span source) {
  if (word->count == 0)
    word->start = source.start;
  word->end = source.end;
  if (word->count >= WORD_MAX) {
    word->count++;
    return;
  }
  size_t at = word->count++;
  uint32_t rank = ordered ? rank_of(character) : 0;
  if (ordered)
    for (; at > word->run && word->ranks[at - 1] > rank; at--) {
      word->characters[at] = word->characters[at - 1];
      word->ranks[at] = word->ranks[at - 1];
      word->sources[at] = word->sources[at - 1];
    }
  word->characters[at] = character;
  word->ranks[at] = rank;
  word->sources[at] = source;
  if (!ordered)
    word->run = word->count;
}

static size_t gathered_pieces(const rem_tokenizer *tokenizer, const gathered_word *word, token_sink sink) {
  uint8_t bytes[WORD_MAX * 4];
  uint8_t owners[WORD_MAX * 4]; /* the character each byte belongs to */
  size_t size = 0;
  for (size_t i = 0; i < word->count; i++) {
    size_t length = rem_utf8_encode(word->characters[i], (char *)bytes + size);
    memset(owners + size, (int)i, length);
    size += length;
  }
  size_t count = 0;
  uint32_t base = tokenizer->word_base;
  for (size_t at = 0; at < size;) {
    uint32_t id = 0;
    size_t piece = longest_piece(tokenizer, base, bytes + at, size - at, NULL, &id);
    if (piece == 0)
      return 0;
    put(sink, count++, id, word->sources[owners[at]].start, word->sources[owners[at + piece - 1]].end);
    at += piece;
    base = tokenizer->continuation_base;
  }
  return count;
}

/* The tokens of the word gathered; leaves it empty. */
static size_t finish_word(const rem_tokenizer *tokenizer, gathered_word *word, token_sink sink) {
  if (word->count == 0)
    return 0;
  size_t count = word->count <= WORD_MAX ? gathered_pieces(tokenizer, word, sink) : 0;
  if (count == 0) {
    put(sink, 0, tokenizer->specials.unknown, word->start, word->end);
    count = 1;
  }
  word->count = word->run = 0;
  return count;
}

static void gather_hangul(gathered_word *word, uint32_t syllable, rem_token_span source) {
  /* The Unicode Standard, section 3.12: 19 leading, 21 vowel and 27 trailing jamo. */
  uint32_t index = syllable - 0xac00;
  gather(word, 0x1100 + index / 588, false, source);
  gather(word, 0x1161 + index % 588 / 28, false, source);
  if (index % 28 != 0)
    gather(word, 0x11a7 + index % 28, false, source);
}

/*
 * Gathers one character. False: it ends the word; `*ret_alone` is then the character that is a word of its own, or 0.
 */
static bool gather_source(const rem_tokenizer *tokenizer, gathered_word *word, uint32_t character, rem_token_span source,
                          uint32_t *ret_alone) {
  uint32_t value = value_of(tokenizer, character);
  *ret_alone = 0;
  switch (value) {
  case REM_TOKENIZER_KEEP:
  case REM_TOKENIZER_ORDERED:
    gather(word, character, value == REM_TOKENIZER_ORDERED, source);
    return true;
  case REM_TOKENIZER_DROP:
    return true;
  case REM_TOKENIZER_BREAK:
    word->run = word->count;
    return true;
  case REM_TOKENIZER_SPACE:
    return false;
  case REM_TOKENIZER_ALONE:
    *ret_alone = character;
    return false;
  case REM_TOKENIZER_HANGUL:
    gather_hangul(word, character, source);
    return true;
  default:
    break;
  }
  const uint32_t *mapped = &rem_tokenizer__mapped[value - REM_TOKENIZER_MAPPED];
  for (;; mapped++) {
    uint32_t kind = *mapped >> 24 & 0x7f;
    if (kind == REM_TOKENIZER_ALONE) {
      *ret_alone = *mapped & 0xffffff;
      return false;
    }
    gather(word, *mapped & 0xffffff, kind == REM_TOKENIZER_ORDERED, source);
    if (*mapped >> 31)
      return true;
  }
}

/* Puts the loose token at `start` and moves the position behind it; false: there is none. */
static bool take_loose(const rem_tokenizer *tokenizer, const uint8_t *text, size_t end, size_t start, size_t *position,
                       token_sink sink) {
  uint32_t id = 0;
  size_t loose_end = match_loose(tokenizer, text, end, start, &id);
  if (loose_end == 0)
    return false;
  put(sink, 0, id, start, loose_end);
  *position = loose_end;
  return true;
}

/*
 * The next word from `*position` on, which may not be ASCII. Stops after at most one word, and steps over what ends it
 * unless that is a word itself. Returns the count of its tokens; 0 when there was nothing but what vanishes.
 */
static size_t slow_word(const rem_tokenizer *tokenizer, const uint8_t *text, size_t end, size_t *position,
                        token_sink sink) {
  gathered_word word;
  word.count = word.run = 0;
  while (*position < end) {
    rem_token_span source = {*position, *position};
    uint32_t character = rem_utf8_next((const char *)text, end, &source.end);
    uint32_t alone = 0;
    if (gather_source(tokenizer, &word, character, source, &alone)) {
      *position = source.end;
      continue;
    }
    if (alone != 0 && word.count > 0)
      break;
    if (alone != 0 && tokenizer->has_loose && take_loose(tokenizer, text, end, source.start, position, sink))
      return 1;
    *position = source.end;
    if (alone != 0)
      gather(&word, alone, false, source);
    if (word.count > 0)
      break;
    /* A space before any word ends a run of dropped marks, of which nothing is left. */
    word.run = 0;
  }
  return finish_word(tokenizer, &word, sink);
}

/* The next word of a segment. Returns the count of its tokens, which may be 0. `*position` < end. */
static inline size_t next_word(const rem_tokenizer *tokenizer, const uint8_t *text, size_t end, size_t *position,
                               token_sink sink) {
  const uint8_t *fold = fold_of(tokenizer);
  size_t start = *position;
  while (start < end && fold[text[start]] == 1)
    start++;
  size_t at = start;
  while (at < end && fold[text[at]] > ASCII_ALONE)
    at++;
  if (at < end && fold[text[at]] == 0) {
    *position = start;
    return slow_word(tokenizer, text, end, position, sink);
  }
  if (at == start && at < end) { /* punctuation */
    if (tokenizer->has_loose && take_loose(tokenizer, text, end, start, position, sink))
      return 1;
    uint32_t id = 0;
    at++;
    if (longest_piece(tokenizer, tokenizer->word_base, text + start, 1, NULL, &id) == 0)
      id = tokenizer->specials.unknown;
    put(sink, 0, id, start, at);
    *position = at;
    return 1;
  }
  *position = at;
  return at == start ? 0 : ascii_word(tokenizer, text, start, at, sink);
}

/* ---- the walk ---- */

/* The longest added token at the beginning of `text`, or NO_ADDED. */
static uint32_t match_added(const rem_tokenizer *tokenizer, rem_slice text) {
  uint32_t best = NO_ADDED;
  for (uint32_t i = 0; i < tokenizer->added_count; i++)
    if (!tokenizer->added[i].loose && rem_slice_starts_with(text, tokenizer->added[i].text) &&
        (best == NO_ADDED || tokenizer->added[i].text.size > tokenizer->added[best].text.size))
      best = i;
  return best;
}

/* Where the next byte is with which an added token may begin; `size` when there is none. Looks through one stretch for all of
 * them before the next, so that a byte that is frequent does not make the search for a rare one start again from far away. */
static size_t find_first(const rem_tokenizer *tokenizer, const uint8_t *text, size_t at, size_t size) {
  for (; at < size; at += FIRST_STRETCH) {
    size_t stretch = size - at < FIRST_STRETCH ? size - at : FIRST_STRETCH, nearest = stretch;
    for (uint32_t i = 0; i < tokenizer->first_count; i++) {
      const uint8_t *found = memchr(text + at, tokenizer->firsts[i], nearest);
      nearest = found != NULL ? (size_t)(found - text) - at : nearest;
    }
    if (nearest < stretch)
      return at + nearest;
  }
  return size;
}

/* Finds where the segment that begins at the cursor's position ends. */
static void find_segment(rem_token_cursor *cursor) {
  const rem_tokenizer *tokenizer = cursor->tokenizer;
  cursor->segment_end = cursor->size;
  cursor->segment_added = NO_ADDED;
  if (tokenizer->first_count == 0)
    return;
  for (size_t at = cursor->position;; at++) {
    at = find_first(tokenizer, cursor->text, at, cursor->size);
    if (at >= cursor->size)
      return;
    uint32_t added = match_added(tokenizer, rem_slice_of(cursor->text + at, cursor->size - at));
    if (added == NO_ADDED)
      continue;
    cursor->segment_end = at;
    cursor->segment_added = added;
    return;
  }
}

void rem_token_cursor_init(rem_token_cursor *cursor, const rem_tokenizer *tokenizer, const char *text, size_t size) {
  cursor->tokenizer = tokenizer;
  cursor->text = (const uint8_t *)text;
  cursor->size = size;
  cursor->position = 0;
  cursor->pending_count = cursor->pending_next = 0;
  find_segment(cursor);
}

static size_t drain_pending(rem_token_cursor *cursor, uint32_t *ids, rem_token_span *spans, size_t capacity) {
  size_t count = 0;
  for (; cursor->pending_next < cursor->pending_count && count < capacity; cursor->pending_next++, count++) {
    ids[count] = cursor->pending_ids[cursor->pending_next];
    if (spans != NULL)
      spans[count] = cursor->pending_spans[cursor->pending_next];
  }
  return count;
}

/* Steps over the added token that ends the segment; `sink` has room for one. */
static void take_added(rem_token_cursor *cursor, token_sink sink) {
  const rem_tokenizer_added *added = &cursor->tokenizer->added[cursor->segment_added];
  size_t end = cursor->position + added->text.size;
  put(sink, 0, added->id, cursor->position, end);
  cursor->position = end;
  find_segment(cursor);
}

size_t rem_token_cursor_next(rem_token_cursor *cursor, uint32_t *ids, rem_token_span *spans, size_t capacity) {
  size_t count = drain_pending(cursor, ids, spans, capacity);
  while (count < capacity) {
    token_sink sink = {ids + count, spans != NULL ? spans + count : NULL};
    if (cursor->position == cursor->segment_end) {
      if (cursor->segment_added == NO_ADDED)
        break;
      take_added(cursor, sink);
      count++;
      continue;
    }
    if (capacity - count >= WORD_MAX) {
      count += next_word(cursor->tokenizer, cursor->text, cursor->segment_end, &cursor->position, sink);
      continue;
    }
    token_sink pending = {cursor->pending_ids, spans != NULL ? cursor->pending_spans : NULL};
    cursor->pending_next = 0;
    cursor->pending_count =
        (uint32_t)next_word(cursor->tokenizer, cursor->text, cursor->segment_end, &cursor->position, pending);
    count += drain_pending(cursor, sink.ids, sink.spans, capacity - count);
  }
  return count;
}

size_t rem_tokenizer_encode(const rem_tokenizer *tokenizer, const char *text, size_t size, uint32_t *ids,
                            rem_token_span *spans, size_t max_ids, bool *ret_truncated) {
  rem_token_cursor cursor;
  rem_token_cursor_init(&cursor, tokenizer, text, size);
  ids[0] = tokenizer->specials.start;
  size_t count = 1;
  if (max_ids > 2)
    count += rem_token_cursor_next(&cursor, ids + 1, spans != NULL ? spans + 1 : NULL, max_ids - 2);
  uint32_t beyond;
  rem_token_span beyond_span;
  bool truncated = count == max_ids - 1 &&
                   rem_token_cursor_next(&cursor, &beyond, spans != NULL ? &beyond_span : NULL, 1) > 0;
  if (ret_truncated != NULL)
    *ret_truncated = truncated;
  ids[count] = tokenizer->specials.end;
  if (spans != NULL) {
    spans[0] = (rem_token_span){0, 0};
    spans[count] = (rem_token_span){size, size};
  }
  return count + 1;
}

size_t rem_tokenizer_count(const rem_tokenizer *tokenizer, const char *text, size_t size, size_t limit) {
  rem_token_cursor cursor;
  rem_token_cursor_init(&cursor, tokenizer, text, size);
  uint32_t ids[4 * WORD_MAX];
  size_t count = 0;
  while (count < limit) {
    size_t wanted = limit - count < sizeof ids / sizeof *ids ? limit - count : sizeof ids / sizeof *ids;
    size_t got = rem_token_cursor_next(&cursor, ids, NULL, wanted);
    if (got == 0)
      break;
    count += got;
  }
  return count;
}
