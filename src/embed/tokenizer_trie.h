/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary as a double-array trie over bytes, searched where it is mapped.
 *
 * A unit is 32 bits:
 *
 *    31                      9   8   7         0
 *   [ base of the children     | v |   label    ]     v: a token ends here; its id is in unit[base]
 *   [ id of the token               |     0     ]     such a value: label 0, which no text byte has
 *
 * The child for byte c of a state is unit[base ^ c], if that unit's label is c. No two states share a base, so a label that fits is
 * a child and not a stranger. States are placed in breadth-first order: the first letters of all words share a few cache lines.
 * Two roots: one for beginnings of words, one for what follows them ("##" in the vocabulary).
 */
#ifndef REM_EMBED_TOKENIZER_TRIE_H
#define REM_EMBED_TOKENIZER_TRIE_H

#include "base/buffer.h"

#define REM_TOKENIZER_TRIE_LABEL 0xffu
#define REM_TOKENIZER_TRIE_VALUE 0x100u
#define REM_TOKENIZER_TRIE_BASE_SHIFT 9
#define REM_TOKENIZER_TRIE_ID_SHIFT 8

typedef struct rem_tokenizer__trie_entry {
  rem_slice text; /* not empty, without zero bytes */
  uint32_t root;  /* 0 or 1 */
  uint32_t id;
} rem_tokenizer__trie_entry;

typedef struct rem_tokenizer__trie {
  uint32_t *units; /* owned: rem_free() */
  uint32_t unit_count; /* a multiple of 256 */
  uint32_t root_bases[2];
} rem_tokenizer__trie;

/* Sorts `entries` and builds the trie. Of equal texts the one with the highest id wins. REM_INVALID: too large. */
REM_CHECKED rem_status rem_tokenizer__trie_build(rem_tokenizer__trie_entry *entries, size_t entry_count,
                                                 rem_tokenizer__trie *ret_trie, rem_error *err);

#endif
