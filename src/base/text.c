/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The distance is that of Damerau in its restricted form: three rows of the table are kept, since a swap looks
 * two rows back. Words compared are names typed by people; longer ones than MAX_WORD are taken to be unlike
 * anything.
 */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORD 128

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* One row of the table: distances of the first `i` bytes of a to every prefix of b. Returns the smallest in it. */
static size_t fill_row(const char *a, const char *b, size_t b_size, size_t i, size_t *const rows[3]) {
  size_t *now = rows[0], *above = rows[1], *above_that = rows[2];
  size_t smallest = now[0] = i;
  for (size_t j = 1; j <= b_size; j++) {
    size_t cost = a[i - 1] != b[j - 1];
    size_t distance = least(least(above[j] + 1, now[j - 1] + 1), above[j - 1] + cost);
    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
      distance = least(distance, above_that[j - 2] + 1);
    now[j] = distance;
    smallest = least(smallest, distance);
  }
  return smallest;
}

size_t rem_text_distance(const char *a, const char *b, size_t limit) {
  size_t a_size = strlen(a), b_size = strlen(b);
  size_t difference = a_size > b_size ? a_size - b_size : b_size - a_size;
  if (a_size > MAX_WORD || b_size > MAX_WORD || difference > limit)
    return limit + 1;
  size_t room[3][MAX_WORD + 1];
  size_t *rows[3] = {room[0], room[1], room[2]};
  for (size_t j = 0; j <= b_size; j++)
    rows[0][j] = j;
  size_t smallest_before = 0;
  for (size_t i = 1; i <= a_size; i++) {
    size_t *oldest = rows[2];
    rows[2] = rows[1];
    rows[1] = rows[0];
    rows[0] = oldest;
    size_t smallest = fill_row(a, b, b_size, i, rows);
    /* A swap skips one row, so two rows beyond the limit are needed to be sure. */
    if (smallest > limit && smallest_before > limit)
      return limit + 1;
    smallest_before = smallest;
  }
  return least(rows[0][b_size], limit + 1);
}

const char *rem_text_nearest(const char *word, const char *const *candidates, size_t count) {
  const char *nearest = NULL;
  size_t limit = strlen(word) / 3;
  if (limit < 1)
    limit = 1;
  for (size_t i = 0; i < count; i++) {
    size_t distance = rem_text_distance(word, candidates[i], limit);
    if (distance > limit)
      continue;
    nearest = candidates[i];
    if (distance == 0)
      break;
    limit = distance - 1; /* the first of equals stays */
  }
  return nearest;
}

rem_text_place rem_text_place_of(const char *text, size_t offset) {
  rem_text_place at = {1, 1};
  for (size_t i = 0; i < offset; i++) {
    if (text[i] == '\n')
      at = (rem_text_place){at.line + 1, 1};
    else if (((unsigned char)text[i] & 0xC0) != 0x80)
      at.column++;
  }
  return at;
}
