/* SPDX-License-Identifier: Apache-2.0 */
#include "dialect/token.h"

#include <string.h>

enum { BLANK = 1, NAME = 2, DIGIT = 4, HEX = 8 };

#define B BLANK
#define N NAME
#define D (NAME | DIGIT | HEX)
#define H (NAME | HEX)
/* Classes of bytes, sixteen a line; every byte from 0x80 on is part of a name. */
static const uint8_t classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, B, B, 0, B, B, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    B, 0, 0, 0, N, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    D, D, D, D, D, D, D, D, D, D, 0, 0, 0, 0, 0, 0,
    0, H, H, H, H, H, H, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, 0, 0, 0, 0, N,
    0, H, H, H, H, H, H, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, 0, 0, 0, 0, 0,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
};
#undef B
#undef N
#undef D
#undef H

/* A text with the reading that SQLite has of it: a NUL behind the end. */
typedef struct span {
  const char *text;
  size_t size;
} span;

static unsigned char at(span s, size_t i) {
  return i < s.size ? (unsigned char)s.text[i] : 0;
}
static bool is(span s, size_t i, int class) {
  return i < s.size && (classes[(unsigned char)s.text[i]] & class);
}
static size_t skip(span s, size_t i, int class) {
  while (is(s, i, class))
    i++;
  return i;
}

static size_t cut_quoted(span s, char end, rem_token_kind kind, rem_token_kind *ret_kind) {
  char quote = s.text[0];
  for (size_t i = 1; i < s.size; i++) {
    if (s.text[i] != end)
      continue;
    /* A doubled quote is one of the text; brackets cannot be doubled. */
    if (quote != '[' && at(s, i + 1) == (unsigned char)quote) {
      i++;
      continue;
    }
    *ret_kind = kind;
    return i + 1;
  }
  *ret_kind = REM_TOKEN_BAD;
  return s.size;
}

static size_t cut_number(span s, rem_token_kind *ret_kind) {
  size_t i;
  *ret_kind = REM_TOKEN_NUMBER;
  if (s.text[0] == '0' && (at(s, 1) | 32) == 'x' && is(s, 2, HEX)) {
    i = skip(s, 3, HEX);
  } else {
    i = skip(s, 0, DIGIT);
    if (at(s, i) == '.') i = skip(s, i + 1, DIGIT);
    if ((at(s, i) | 32) == 'e') {
      size_t sign = at(s, i + 1) == '+' || at(s, i + 1) == '-';
      if (is(s, i + 1 + sign, DIGIT)) i = skip(s, i + 2 + sign, DIGIT);
    }
  }
  if (is(s, i, NAME)) {
    *ret_kind = REM_TOKEN_BAD;
    i = skip(s, i, NAME);
  }
  return i;
}

static size_t cut_blob(span s, rem_token_kind *ret_kind) {
  size_t i = skip(s, 2, HEX);
  *ret_kind = at(s, i) == '\'' && i % 2 == 0 ? REM_TOKEN_BLOB : REM_TOKEN_BAD;
  while (i < s.size && s.text[i] != '\'')
    i++;
  return i < s.size ? i + 1 : i;
}

/* `:a`, `@a`, `$a`, with the `::` and `(…)` that SQLite takes for TCL's sake. */
static size_t cut_named_parameter(span s, rem_token_kind *ret_kind) {
  size_t i = 1, count = 0;
  *ret_kind = REM_TOKEN_PARAMETER;
  for (; i < s.size; i++) {
    if (is(s, i, NAME)) {
      count++;
    } else if (s.text[i] == '(' && count > 0) {
      while (i < s.size && s.text[i] != ')' && !is(s, i, BLANK))
        i++;
      if (at(s, i) != ')') *ret_kind = REM_TOKEN_BAD;
      i += at(s, i) == ')';
      break;
    } else if (s.text[i] == ':' && at(s, i + 1) == ':') {
      i++;
    } else {
      break;
    }
  }
  if (count == 0) *ret_kind = REM_TOKEN_BAD;
  return i;
}

static size_t cut_line_comment(span s) {
  const char *end = memchr(s.text, '\n', s.size);
  return end ? (size_t)(end - s.text) : s.size;
}

static size_t cut_block_comment(span s) {
  for (size_t i = 3; i < s.size; i++)
    if (s.text[i] == '/' && s.text[i - 1] == '*')
      return i + 1;
  return s.size;
}

static size_t cut_operator(span s, rem_token_kind *ret_kind) {
  unsigned char next = at(s, 1);
  *ret_kind = REM_TOKEN_OPERATOR;
  switch (s.text[0]) {
  case '=':
    *ret_kind = REM_TOKEN_EQUAL;
    return next == '=' ? 2 : 1;
  case '!':
    *ret_kind = next == '=' ? REM_TOKEN_UNEQUAL : REM_TOKEN_BAD;
    return next == '=' ? 2 : 1;
  case '<':
    if (next == '<')
      return 2;
    *ret_kind = next == '=' ? REM_TOKEN_LESS_EQUAL : next == '>' ? REM_TOKEN_UNEQUAL : REM_TOKEN_LESS;
    return next == '=' || next == '>' ? 2 : 1;
  case '>':
    if (next == '>')
      return 2;
    *ret_kind = next == '=' ? REM_TOKEN_GREATER_EQUAL : REM_TOKEN_GREATER;
    return next == '=' ? 2 : 1;
  case '|':
    return next == '|' ? 2 : 1;
  case '-':
    return next != '>' ? 1 : at(s, 2) == '>' ? 3 : 2;
  default:
    return 1;
  }
}

static size_t cut_mark(span s, rem_token_kind *ret_kind) {
  switch (s.text[0]) {
  case '(':
    *ret_kind = REM_TOKEN_OPEN;
    return 1;
  case ')':
    *ret_kind = REM_TOKEN_CLOSE;
    return 1;
  case ',':
    *ret_kind = REM_TOKEN_COMMA;
    return 1;
  case ';':
    *ret_kind = REM_TOKEN_SEMICOLON;
    return 1;
  case '*':
    *ret_kind = REM_TOKEN_STAR;
    return 1;
  case '.':
    if (is(s, 1, DIGIT))
      return cut_number(s, ret_kind);
    *ret_kind = REM_TOKEN_DOT;
    return 1;
  case '?':
    *ret_kind = REM_TOKEN_PARAMETER;
    return skip(s, 1, DIGIT);
  case ':':
  case '@':
    return cut_named_parameter(s, ret_kind);
  case '=':
  case '<':
  case '>':
  case '!':
  case '|':
  case '-':
  case '+':
  case '/':
  case '%':
  case '&':
  case '~':
    return cut_operator(s, ret_kind);
  default:
    *ret_kind = REM_TOKEN_BAD;
    return 1;
  }
}

size_t rem_token_cut(const char *text, size_t size, rem_token_kind *ret_kind) {
  span s = {text, size};
  unsigned char c = (unsigned char)text[0];
  *ret_kind = REM_TOKEN_SPACE;
  if (classes[c] & BLANK)
    return skip(s, 1, BLANK);
  if (c == '-' && at(s, 1) == '-')
    return cut_line_comment(s);
  /* An asterisk that ends the text is an operator, as in SQLite. */
  if (c == '/' && at(s, 1) == '*' && size > 2)
    return cut_block_comment(s);
  if (c == 0xEF && at(s, 1) == 0xBB && at(s, 2) == 0xBF)
    return 3;
  if (c == '\'')
    return cut_quoted(s, '\'', REM_TOKEN_TEXT, ret_kind);
  if (c == '"' || c == '`')
    return cut_quoted(s, (char)c, REM_TOKEN_QUOTED, ret_kind);
  if (c == '[')
    return cut_quoted(s, ']', REM_TOKEN_QUOTED, ret_kind);
  if ((c == 'x' || c == 'X') && at(s, 1) == '\'')
    return cut_blob(s, ret_kind);
  if (classes[c] & DIGIT)
    return cut_number(s, ret_kind);
  if (c == '$')
    return cut_named_parameter(s, ret_kind);
  if (classes[c] & NAME) {
    *ret_kind = REM_TOKEN_NAME;
    return skip(s, 1, NAME);
  }
  return cut_mark(s, ret_kind);
}
