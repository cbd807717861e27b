/* SPDX-License-Identifier: Apache-2.0 */
/* A line of a text with a mark under the word at fault. */
#ifndef CLI_EXCERPT_H
#define CLI_EXCERPT_H

#include "text.h"

/* Where a byte is for a person: both count from 1, columns in characters. */
typedef struct cli_place {
  size_t line, column;
} cli_place;

/* `offset` may be the end of the text. */
cli_place cli_place_of(const char *text, size_t size, size_t offset);

/* Appends the line of `offset`, shortened around it when it is long, and below it a mark as wide as the word there:
 *
 *     2 | WHERE naem = 'größe'
 *       |       ^^^^
 *
 * (without the number when the text is one line). Widths are those of the terminal; control characters become harmless. */
void cli_excerpt_append(cli_text *out, const char *text, size_t size, size_t offset);

#endif
