/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of one statement: cut, brackets matched, and compared with one another. */
#include "dialect/dialect_internal.h"

#include <string.h>
#include <strings.h>

rem_status rem_dialect__grow(void *items, uint32_t *count, uint32_t *capacity, size_t item_size, rem_error *err) {
  char **array = items;
  if (*count == *capacity) {
    uint32_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown = rem_realloc(*array, wanted * item_size);
    if (!grown)
      return rem_error_nomem(err);
    *array = grown;
    *capacity = wanted;
  }
  memset(*array + *count * item_size, 0, item_size);
  ++*count;
  return REM_OK;
}

bool rem_dialect__is_name(const rem_dialect *d, uint32_t i) {
  const rem_token *token = rem_dialect__token(d, i);
  return token->kind == REM_TOKEN_QUOTED || (token->kind == REM_TOKEN_NAME && !rem_word_is_reserved(token->word));
}

/* The bytes between the quotes. False: a quote is doubled inside, so they are not the name as it is. */
static bool bare_name(const rem_dialect *d, uint32_t i, const char **ret_text, size_t *ret_size) {
  const rem_token *token = rem_dialect__token(d, i);
  const char *text = d->text + token->begin;
  size_t size = token->end - token->begin;
  if (token->kind != REM_TOKEN_QUOTED && token->kind != REM_TOKEN_TEXT) {
    *ret_text = text;
    *ret_size = size;
    return true;
  }
  *ret_text = text + 1;
  *ret_size = size - 2;
  return text[0] == '[' || !memchr(text + 1, text[0], size - 2);
}

bool rem_dialect__names(const rem_dialect *d, uint32_t i, const char *name) {
  const rem_token *token = rem_dialect__token(d, i);
  if (token->kind != REM_TOKEN_NAME && token->kind != REM_TOKEN_QUOTED)
    return false;
  const char *text;
  size_t size;
  return bare_name(d, i, &text, &size) && size == strlen(name) && strncasecmp(text, name, size) == 0;
}

const char *rem_dialect__unquoted(rem_dialect *d, uint32_t i) {
  const char *text;
  size_t size;
  bool plain = bare_name(d, i, &text, &size);
  char *copy = rem_arena_strndup(&d->arena, text, size);
  if (plain || !copy)
    return copy;
  char quote = text[-1], *to = copy;
  for (size_t k = 0; k < size; k++) {
    *to++ = text[k];
    if (text[k] == quote && k + 1 < size && text[k + 1] == quote) k++;
  }
  *to = 0;
  return copy;
}

bool rem_dialect__same_name(const rem_dialect *d, uint32_t a, uint32_t b) {
  const char *ta, *tb;
  size_t sa, sb;
  /* Doubled quotes are compared as written: names that hold them are quoted the same way everywhere. */
  bare_name(d, a, &ta, &sa);
  bare_name(d, b, &tb, &sb);
  return sa == sb && strncasecmp(ta, tb, sa) == 0;
}

int rem_dialect__shown_size(const rem_dialect *d, uint32_t i) {
  const rem_token *token = rem_dialect__token(d, i);
  size_t size = token->end - token->begin;
  if (size <= 60)
    return (int)size;
  size = 60;
  while (size > 0 && (d->text[token->begin + size] & 0xC0) == 0x80)
    size--;
  return (int)size;
}

bool rem_dialect__same_tokens(const rem_dialect *d, rem_token_range a, rem_token_range b) {
  if (a.end - a.begin != b.end - b.begin)
    return false;
  for (uint32_t i = 0; i < a.end - a.begin; i++) {
    const rem_token *x = rem_dialect__token(d, a.begin + i), *y = rem_dialect__token(d, b.begin + i);
    size_t size = x->end - x->begin;
    if (x->kind != y->kind || size != y->end - y->begin || memcmp(d->text + x->begin, d->text + y->begin, size) != 0)
      return false;
    /* Two anonymous parameters are two values. */
    if (x->kind == REM_TOKEN_PARAMETER && size == 1)
      return false;
  }
  return true;
}

static rem_status bad_token(rem_dialect *d, uint32_t i, rem_error *err) {
  const rem_token *token = rem_dialect__token(d, i);
  unsigned char c = (unsigned char)d->text[token->begin];
  const char *hint = NULL;
  if (c == '\'' || c == '"' || c == '`' || c == '[') {
    rem_dialect__fail(d, i, REM_INVALID, err, "the quote %c is not closed", c);
    hint = c == '\'' ? "a quote inside a text is doubled: 'it''s'" : NULL;
  } else if (c == 'x' || c == 'X') {
    rem_dialect__fail(d, i, REM_INVALID, err, "not a blob: %.*s", REM_DIALECT_SHOWN(d, i));
    hint = "a blob is x'…' with an even number of hexadecimal digits";
  } else if (c >= '0' && c <= '9') {
    rem_dialect__fail(d, i, REM_INVALID, err, "not a number: %.*s", REM_DIALECT_SHOWN(d, i));
    hint = "a name that begins with a digit is quoted: \"1st\"";
  } else if (c == ':' || c == '@' || c == '$') {
    rem_dialect__fail(d, i, REM_INVALID, err, "a parameter has a name, as in %cname", c);
  } else if (c == 0) {
    rem_dialect__fail(d, i, REM_INVALID, err, "a NUL byte in the statement");
  } else if (c < 0x20) {
    rem_dialect__fail(d, i, REM_INVALID, err, "the control character 0x%02x in the statement", c);
  } else {
    rem_dialect__fail(d, i, REM_INVALID, err, "the character %c means nothing here", c);
    hint = c == '#' ? "a comment begins with --" : c == '\\' ? "a quote inside a text is doubled: 'it''s'" : NULL;
  }
  if (hint) rem_error_hint(err, "%s", hint);
  return REM_INVALID;
}

/* The brackets that are open, and their kinds: a CASE must not be closed by a parenthesis. */
typedef struct nesting {
  uint32_t open[REM_DIALECT_DEPTH_MAX];
  uint32_t depth;
} nesting;

static rem_status open_bracket(rem_dialect *d, nesting *n, uint32_t i, rem_error *err) {
  if (n->depth == REM_DIALECT_DEPTH_MAX)
    return rem_dialect__fail(d, i, REM_LIMIT, err, "nested deeper than %u", REM_DIALECT_DEPTH_MAX);
  n->open[n->depth++] = i;
  return REM_OK;
}

static void match(rem_dialect *d, uint32_t open, uint32_t close) {
  d->tokens.items[open].partner = close;
  d->tokens.items[close].partner = open;
}

static rem_status close_parenthesis(rem_dialect *d, nesting *n, uint32_t i, rem_error *err) {
  while (n->depth > 0) {
    uint32_t open = n->open[--n->depth];
    if (d->tokens.items[open].kind == REM_TOKEN_OPEN) {
      match(d, open, i);
      return REM_OK;
    }
    /* A CASE without its END: SQLite will say so. */
  }
  return rem_dialect__fail(d, i, REM_INVALID, err, "nothing is open that this ) could close");
}

/* One token into the brackets it opens or closes. END is also COMMIT's other name: with no CASE open it is a word. */
static rem_status nest(rem_dialect *d, nesting *n, uint32_t i, rem_error *err) {
  const rem_token *token = &d->tokens.items[i];
  if (token->kind == REM_TOKEN_OPEN || (token->kind == REM_TOKEN_NAME && token->word == REM_WORD_CASE))
    return open_bracket(d, n, i, err);
  if (token->kind == REM_TOKEN_CLOSE)
    return close_parenthesis(d, n, i, err);
  if (token->kind == REM_TOKEN_NAME && token->word == REM_WORD_END && n->depth > 0 &&
      d->tokens.items[n->open[n->depth - 1]].kind == REM_TOKEN_NAME)
    match(d, n->open[--n->depth], i);
  return REM_OK;
}

static rem_status check_closed(rem_dialect *d, const nesting *n, rem_error *err) {
  for (uint32_t k = 0; k < n->depth; k++)
    if (d->tokens.items[n->open[k]].kind == REM_TOKEN_OPEN)
      return rem_dialect__fail(d, n->open[k], REM_INVALID, err, "this ( is not closed");
  return REM_OK;
}

static rem_status add_token(rem_dialect *d, size_t begin, size_t size, rem_token_kind kind, rem_error *err) {
  rem_token *token;
  if (d->tokens.count >= REM_DIALECT_TOKEN_COUNT_MAX) {
    rem_error_set(err, REM_LIMIT, "the statement has more than %u words", REM_DIALECT_TOKEN_COUNT_MAX);
    if (err) err->offset = (int64_t)begin;
    return REM_LIMIT;
  }
  REM_DIALECT_PUSH(d->tokens, token, err);
  *token = (rem_token){.begin = (uint32_t)begin, .end = (uint32_t)(begin + size), .partner = NONE, .kind = (uint8_t)kind};
  if (kind == REM_TOKEN_NAME) token->word = (uint8_t)rem_word_of(d->text + begin, size);
  return REM_OK;
}

rem_status rem_dialect__tokenize(rem_dialect *d, rem_error *err) {
  nesting n;
  n.depth = 0;
  size_t at = 0;
  while (at < d->text_size) {
    rem_token_kind kind;
    size_t size = rem_token_cut(d->text + at, d->text_size - at, &kind);
    if (kind != REM_TOKEN_SPACE) {
      REM_TRY(add_token(d, at, size, kind, err));
      if (kind == REM_TOKEN_BAD)
        return bad_token(d, d->tokens.count - 1, err);
      if (kind == REM_TOKEN_OPEN || kind == REM_TOKEN_CLOSE || kind == REM_TOKEN_NAME)
        REM_TRY(nest(d, &n, d->tokens.count - 1, err));
    }
    at += size;
  }
  REM_TRY(check_closed(d, &n, err));
  return add_token(d, d->text_size, 0, REM_TOKEN_END, err);
}
