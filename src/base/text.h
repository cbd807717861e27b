/* SPDX-License-Identifier: Apache-2.0 */
/* Text of people: how far apart two words are, and where in a text something stands. For messages. */
#ifndef REM_BASE_TEXT_H
#define REM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Optimal string alignment distance (insert, delete, replace, swap of neighbours), bytewise, at most `limit` +
 * 1. */
size_t rem_text_distance(const char *a, const char *b, size_t limit);
/* The nearest of `count` candidates within a third of the word's length (at least 1), or NULL: for "did you
 * mean". */
const char *rem_text_nearest(const char *word, const char *const *candidates, size_t count);

/* Where a byte is for a human: both count from 1, columns in characters. */
typedef struct rem_text_place {
  size_t line, column;
} rem_text_place;
/* The place of the byte at `offset`, which may be the end of the text. Walks the text: for error messages. */
rem_text_place rem_text_place_of(const char *text, size_t offset);

#endif
