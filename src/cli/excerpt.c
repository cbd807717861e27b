/* SPDX-License-Identifier: Apache-2.0 */
#include "excerpt.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Columns shown on either side of the mark. */
#define BEFORE 60
#define AFTER 60

cli_place cli_place_of(const char *text, size_t size, size_t offset) {
  cli_place place = {1, 1};
  if (offset > size) offset = size;
  for (size_t i = 0; i < offset;) {
    unsigned code = 0;
    size_t length = cli_utf8_decode(text + i, size - i, &code);
    place.column++;
    if (text[i] == '\n') place = (cli_place){place.line + 1, 1};
    i += length ? length : 1;
  }
  return place;
}

static bool is_word(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* The end of the word that begins at `at`, or of the quoted text, within the line. */
static size_t word_end(const char *text, size_t at, size_t end) {
  if (at >= end)
    return at;
  size_t i = at + 1;
  if (text[at] == '\'' || text[at] == '"' || text[at] == '`') {
    while (i < end && text[i] != text[at])
      i++;
    return i < end ? i + 1 : end;
  }
  /* With what it qualifies: r.title. */
  if (is_word(text[at]))
    while (i < end && (is_word(text[i]) || (text[i] == '.' && i + 1 < end && is_word(text[i + 1]))))
      i++;
  return i;
}

static size_t width_of(const char *text, size_t size) {
  cli_text shown = {0};
  cli_text_append_string(&shown, "");
  cli_text_append_printable(&shown, text, size);
  size_t width = cli_text_width(shown.data, shown.size);
  cli_text_free(&shown);
  return width;
}

/* Steps back from `at` by at most `columns` columns, not before `begin`. */
static size_t step_back(const char *text, size_t begin, size_t at, size_t columns) {
  while (begin < at && width_of(text + begin, at - begin) > columns) {
    begin++;
    while (begin < at && ((unsigned char)text[begin] & 0xC0) == 0x80)
      begin++;
  }
  return begin;
}

static size_t step_on(const char *text, size_t at, size_t end, size_t columns) {
  while (end > at && width_of(text + at, end - at) > columns) {
    end--;
    while (end > at && ((unsigned char)text[end] & 0xC0) == 0x80)
      end--;
  }
  return end;
}

static void append_times(cli_text *out, const char *part, size_t count) {
  for (size_t i = 0; i < count; i++)
    cli_text_append_string(out, part);
}

void cli_excerpt_append(cli_text *out, const char *text, size_t size, size_t offset) {
  if (offset > size) offset = size;
  /* What is missing at the end is missing behind the last word. */
  size_t at = offset;
  while (offset == size && at > 0 && isspace((unsigned char)text[at - 1]))
    at--;
  size_t begin = at, end = at;
  while (begin > 0 && text[begin - 1] != '\n')
    begin--;
  while (end < size && text[end] != '\n')
    end++;
  /* Bytes beyond these cannot be on the line that is shown. */
  size_t least = at - begin > 4 * BEFORE ? at - 4 * BEFORE : begin, most = end - at > 8 * AFTER ? at + 8 * AFTER : end;
  size_t from = step_back(text, least, at, BEFORE), stop = word_end(text, at, most);
  size_t to = step_on(text, at, most, AFTER);
  if (stop > to) stop = to;
  char gutter[32] = "  ";
  bool many = memchr(text, '\n', at) || memchr(text + at, '\n', size - at);
  if (many) snprintf(gutter, sizeof gutter, "  %zu | ", cli_place_of(text, size, at).line);
  cli_text_append_string(out, gutter);
  if (from > begin) cli_text_append_string(out, "…");
  cli_text_append_printable(out, text + from, to - from);
  if (to < end) cli_text_append_string(out, "…");
  cli_text_append_byte(out, '\n');
  append_times(out, " ", strlen(gutter) - (many ? 2 : 0));
  if (many) cli_text_append_string(out, "| ");
  append_times(out, " ", (from > begin) + width_of(text + from, at - from));
  size_t mark = stop > at ? width_of(text + at, stop - at) : 1;
  append_times(out, "^", mark ? mark : 1);
}
