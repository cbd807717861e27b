/* SPDX-License-Identifier: Apache-2.0 */
/* Small text helpers shared by messages and name checks. */
#ifndef REM_BASE_TEXT_H
#define REM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Optimal string alignment distance (insert, delete, replace, swap of neighbours), bytewise, at most `limit` + 1. */
size_t rem_text_distance(const char *a, const char *b, size_t limit);
/* The nearest of `count` candidates within a third of the word's length (at least 1), or NULL: for "did you mean". */
const char *rem_text_nearest(const char *word, const char *const *candidates, size_t count);

#endif
