/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What BERT's normaliser and pre-tokeniser do to each character, as tables (tokenizer_unicode.c, generated).
 *
 * No Unicode library is asked: the reference tokenizer uses several Unicode versions at once (cleaning, marks, decomposition,
 * case and punctuation each have their own tables), so its behaviour was recorded character by character.
 */
#ifndef REM_EMBED_TOKENIZER_UNICODE_H
#define REM_EMBED_TOKENIZER_UNICODE_H

#include <stddef.h>
#include <stdint.h>

enum {
  REM_TOKENIZER_KEEP = 0,    /* part of a word, as it is */
  REM_TOKENIZER_DROP = 1,    /* vanishes: controls, private use, most combining marks */
  REM_TOKENIZER_BREAK = 2,   /* vanishes, but ends a run of combining marks */
  REM_TOKENIZER_SPACE = 3,   /* ends a word */
  REM_TOKENIZER_ALONE = 4,   /* a word of its own: punctuation and CJK */
  REM_TOKENIZER_ORDERED = 5, /* a combining mark that stays, sorted by rank within its run */
  REM_TOKENIZER_HANGUL = 6,  /* a syllable: becomes its two or three jamo, all KEEP */
  REM_TOKENIZER_MAPPED = 7,  /* this and above: index of its replacement in rem_tokenizer__mapped, plus 7 */
};

/* By byte: 0: ask the tables below; 1: space; 2: stands alone; else part of a word: its lower case. */
extern const uint8_t rem_tokenizer__ascii[256];

extern const uint8_t rem_tokenizer__stage[0x110000 / 128];
extern const uint16_t rem_tokenizer__values[][128];

/* A replacement is one or more of these: character, what it is (KEEP, ALONE or ORDERED) at bit 24, bit 31 on the last. */
extern const uint32_t rem_tokenizer__mapped[];

/* The characters that are ORDERED, ascending. Canonical ordering sorts a run of them stably by rank. */
typedef struct rem_tokenizer__order {
  uint32_t character;
  uint32_t rank;
} rem_tokenizer__order;
extern const rem_tokenizer__order rem_tokenizer__ordered[];
extern const size_t rem_tokenizer__ordered_count;

/* For cased models, of which the normaliser takes away controls only: KEEP, DROP, SPACE or ALONE; and by byte, as above. */
extern const uint8_t rem_tokenizer__cased_stage[0x110000 / 128];
extern const uint8_t rem_tokenizer__cased_values[][128];
extern const uint8_t rem_tokenizer__cased_ascii[256];

static inline uint16_t rem_tokenizer__value(uint32_t character) {
  return rem_tokenizer__values[rem_tokenizer__stage[character >> 7]][character & 127];
}

static inline uint16_t rem_tokenizer__cased_value(uint32_t character) {
  return rem_tokenizer__cased_values[rem_tokenizer__cased_stage[character >> 7]][character & 127];
}

#endif
