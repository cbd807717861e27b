/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest known word to one that is not known, by edit distance with transpositions. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

typedef struct cli_suggestion {
  const char *typed;
  const char *word; /* the nearest offered so far that is near enough, or NULL; borrowed */
  size_t distance;
} cli_suggestion;

cli_suggestion cli_suggestion_start(const char *typed);
void cli_suggestion_offer(cli_suggestion *best, const char *word);

#endif
