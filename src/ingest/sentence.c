/* SPDX-License-Identifier: Apache-2.0 */
/* Stops, closers and abbreviations. */
#include "ingest/sentence.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

/* Stops that end a sentence only before white space. */
static bool is_western_stop(uint32_t c) {
  return c == '.' || c == '!' || c == '?' || c == 0x2026 || c == 0x203D || c == 0x37E /* Greek question mark */ ||
         c == 0x61F || c == 0x6D4 /* Arabic */ || c == 0x589 /* Armenian */ || c == 0x1362 /* Ethiopic */;
}

/* Stops of scripts that put no space behind them. */
static bool is_immediate_stop(uint32_t c) {
  return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF61 || c == 0xFF0E || c == 0x964 || c == 0x965 ||
         c == 0x104A || c == 0x104B || c == 0x17D4;
}

static bool is_closer(uint32_t c) {
  return c == ')' || c == ']' || c == '}' || c == '"' || c == '\'' || c == '*' || c == 0x2019 || c == 0x201D ||
         c == 0xBB || c == 0x203A || c == 0x300D || c == 0x300F || c == 0x3011 || c == 0xFF09;
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_abbreviation(const char *word, size_t size) {
  static const char *const known[] = {
      "mr",  "mrs", "ms",  "dr",  "prof", "rev",  "hon", "st",   "sr",   "jr",   "vs",   "etc",  "eg",   "ie",   "cf",   "al",
      "fig", "figs", "eq", "eqs", "sec",  "ch",   "vol", "no",   "nos",  "pp",   "pg",   "ed",   "eds",  "ca",   "approx", "est",
      "inc", "ltd", "co",  "corp", "dept", "univ", "gen", "col",  "lt",   "sgt",  "capt", "gov",  "sen",  "rep",  "jan",  "feb",
      "mar", "apr", "jun", "jul", "aug",  "sep",  "sept", "oct", "nov",  "dec",  "mon",  "tue",  "wed",  "thu",  "fri",  "sat",
      "min", "max", "avg", "tel", "ext",  "ref",  "resp", "incl", "excl", "z.b", "bzw",  "usw",  "nr",   "str",  "abs",
      "mme", "mlle", "p.ex", "sra", "e.g", "i.e", "u.s", "u.k", "a.m",  "p.m",  "ph.d", "d.h"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strlen(known[i]) == size && strncasecmp(known[i], word, size) == 0)
      return true;
  }
  return false;
}

/* Whether the full stop at `stop` belongs to the word before it: an abbreviation, an initial ("J."), the number of a list item ("3."). */
static bool stop_belongs_to_word(const char *text, size_t start, size_t stop) {
  size_t word = stop;
  while (word > start && stop - word < 16 && !is_space(text[word - 1]) && text[word - 1] != '(' && text[word - 1] != '"')
    word--;
  size_t size = stop - word;
  if (size == 0)
    return false;
  bool first = word == start;
  if (size <= 3 && first) {
    size_t digits = 0;
    while (digits < size && isdigit((unsigned char)text[word + digits]))
      digits++;
    if (digits == size)
      return true;
  }
  if (size == 1 && isupper((unsigned char)text[word]) && text[word] != 'I')
    return true;
  return is_abbreviation(text + word, size);
}

/* Behind the stops and closers that follow a stop. */
static size_t skip_closers(const char *text, size_t size, size_t at) {
  while (at < size) {
    size_t next = at;
    uint32_t c = rem_utf8_next(text, size, &next);
    if (!is_closer(c) && !is_western_stop(c) && !is_immediate_stop(c))
      break;
    at = next;
  }
  return at;
}

static bool small_letter_follows(const char *text, size_t size, size_t at) {
  while (at < size && is_space(text[at]))
    at++;
  return at < size && islower((unsigned char)text[at]);
}

/* Whether the stop `c`, whose bytes are [at, next) and whose closers reach to `end`, ends the sentence. */
static bool ends(const char *text, size_t size, size_t start, size_t at, size_t next, uint32_t c, size_t end) {
  if (is_immediate_stop(c))
    return true;
  if (end < size && !is_space(text[end]))
    return false;
  if (c != '.')
    return true;
  bool single = end == next;
  return !(single && stop_belongs_to_word(text, start, at)) && !small_letter_follows(text, size, end);
}

static bool is_blank_line(const char *text, size_t size, size_t newline) {
  size_t at = newline + 1;
  while (at < size && (text[at] == ' ' || text[at] == '\t'))
    at++;
  return at < size && text[at] == '\n';
}

size_t rem_sentence_end(const char *text, size_t size, size_t start, size_t limit, bool *ret_found) {
  *ret_found = true;
  for (size_t at = start; at < limit;) {
    size_t next = at;
    uint32_t c = rem_utf8_next(text, size, &next);
    if (c == '\n' && at > start && is_blank_line(text, size, at))
      return at;
    if (is_western_stop(c) || is_immediate_stop(c)) {
      size_t end = skip_closers(text, limit, next);
      if (ends(text, size, start, at, next, c, end))
        return end;
      next = end;
    }
    at = next;
  }
  if (limit == size)
    return size;
  *ret_found = false;
  return limit;
}

bool rem_sentence_may_cut_before(unsigned c) {
  bool mark = (c >= 0x300 && c <= 0x36F) || (c >= 0x483 && c <= 0x489) || (c >= 0x591 && c <= 0x5BD) ||
              (c >= 0x610 && c <= 0x61A) || (c >= 0x64B && c <= 0x65F) || (c >= 0x93A && c <= 0x94F) ||
              (c >= 0xE31 && c <= 0xE4E && c != 0xE32 && c != 0xE33 && (c < 0xE3B || c > 0xE46)) ||
              (c >= 0x1AB0 && c <= 0x1AFF) || (c >= 0x1DC0 && c <= 0x1DFF) || (c >= 0x20D0 && c <= 0x20FF) ||
              (c >= 0x3099 && c <= 0x309A) || (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xFE20 && c <= 0xFE2F) ||
              (c >= 0x1F3FB && c <= 0x1F3FF) || (c >= 0xE0020 && c <= 0xE007F) || (c >= 0xE0100 && c <= 0xE01EF) ||
              c == 0x200D;
  return !mark;
}
