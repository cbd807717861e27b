/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts: where statements end, and whether one of them writes. Only tokens are looked at. */
#include "dialect/dialect.h"
#include "dialect/token.h"

size_t rem_dialect_statement_size(const char *text, size_t text_size) {
  size_t at = 0;
  while (at < text_size) {
    rem_token_kind kind;
    at += rem_token_cut(text + at, text_size - at, &kind);
    if (kind == REM_TOKEN_SEMICOLON)
      return at;
  }
  return 0;
}

static bool is_write(rem_word word) {
  return word == REM_WORD_INSERT || word == REM_WORD_REPLACE || word == REM_WORD_UPDATE || word == REM_WORD_DELETE;
}

/* What was seen of a statement: its first word, how deep the parentheses are, the last word that may be its verb. */
typedef struct reading {
  bool begun;
  rem_word first, pending;
  int depth;
} reading;

/* True when the token makes the statement one that writes. */
static bool read_token(reading *r, rem_token_kind kind, rem_word word) {
  /* replace( is a function. */
  bool verb = is_write(r->pending) && kind != REM_TOKEN_OPEN;
  r->pending = REM_WORD_NONE;
  if (verb)
    return true;
  if (kind == REM_TOKEN_OPEN) r->depth++;
  if (kind == REM_TOKEN_CLOSE) r->depth--;
  if (!r->begun) {
    /* The plan of a write needs a handle that could write. */
    if (word == REM_WORD_EXPLAIN || word == REM_WORD_QUERY || word == REM_WORD_PLAN)
      return false;
    r->begun = true;
    r->first = word;
    if (is_write(word)) r->pending = word;
  } else if (r->first == REM_WORD_WITH && r->depth == 0 && is_write(word)) {
    r->pending = word;
  }
  return false;
}

bool rem_dialect_writes(const char *text, size_t text_size) {
  reading r = {0};
  for (size_t at = 0; at < text_size;) {
    rem_token_kind kind;
    size_t size = rem_token_cut(text + at, text_size - at, &kind);
    if (kind == REM_TOKEN_SEMICOLON) {
      if (is_write(r.pending))
        return true;
      r = (reading){0};
    } else if (kind != REM_TOKEN_SPACE && read_token(&r, kind, kind == REM_TOKEN_NAME ? rem_word_of(text + at, size) : REM_WORD_NONE)) {
      return true;
    }
    at += size;
  }
  return is_write(r.pending);
}
