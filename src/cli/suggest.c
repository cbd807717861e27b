/* SPDX-License-Identifier: Apache-2.0 */
#include "suggest.h"

#include <stdint.h>
#include <string.h>

#define LONGEST_WORD 40

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace and swap of neighbours cost one each. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
  size_t row[3][LONGEST_WORD + 1];
  for (size_t j = 0; j <= b_size; j++)
    row[0][j] = j;
  for (size_t i = 1; i <= a_size; i++) {
    size_t *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
    now[0] = i;
    for (size_t j = 1; j <= b_size; j++) {
      size_t replace = before[j - 1] + (a[i - 1] != b[j - 1]);
      now[j] = least(replace, least(before[j], now[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = least(now[j], earlier[j - 2] + 1);
    }
  }
  return row[a_size % 3][b_size];
}

cli_suggestion cli_suggestion_start(const char *typed) {
  return (cli_suggestion){typed, NULL, SIZE_MAX};
}

void cli_suggestion_offer(cli_suggestion *best, const char *word) {
  size_t typed_size = strlen(best->typed), word_size = strlen(word);
  if (typed_size == 0 || typed_size > LONGEST_WORD || word_size > LONGEST_WORD)
    return;
  size_t distance = edit_distance(best->typed, typed_size, word, word_size);
  /* A word begun right ("inc" for "include") is meant even when most of it is missing. */
  if (typed_size >= 3 && strncmp(best->typed, word, typed_size) == 0) distance = 1;
  size_t tolerated = typed_size < 4 ? 1 : typed_size < 8 ? 2 : 3;
  if (distance <= tolerated && distance < best->distance) {
    best->distance = distance;
    best->word = word;
  }
}
