/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists and JSON: `x op ANY (list)`, `x op ALL (list)` and subscripts `name[0]`, `name['key']`.
 *
 *   x = ANY (column)     _rem_has(column, x), which an index on the column can serve
 *   x > ANY (list)       _rem_any(list, '>', x)
 *   x = ANY (:list)      x IN (SELECT value FROM json_each(:list)), which an index on x can serve
 *   x = ANY (SELECT …)   x IN (SELECT …)
 *   tags[0], m['a'][-1]  json_extract(tags, '$[0]'), json_extract(m, '$."a"[#-1]')
 */
#include "dialect/dialect_internal.h"

#include <ctype.h>
#include <string.h>

/* Words that cannot be inside an operand of a comparison, so that one begins behind them. */
static bool ends_operand(const rem_dialect *d, uint32_t i) {
  const rem_token *token = rem_dialect__token(d, i);
  if (token->kind == REM_TOKEN_COMMA || token->kind == REM_TOKEN_OPEN || token->kind == REM_TOKEN_SEMICOLON ||
      token->kind == REM_TOKEN_EQUAL || token->kind == REM_TOKEN_UNEQUAL)
    return true;
  if (token->kind != REM_TOKEN_NAME)
    return false;
  switch (token->word) {
  case REM_WORD_NULL:
  case REM_WORD_COLLATE:
  case REM_WORD_EXISTS:
  case REM_WORD_END:
    return false;
  case REM_WORD_LIKE:
  case REM_WORD_GLOB:
  case REM_WORD_REGEXP:
  case REM_WORD_MATCH:
  case REM_WORD_BY:
    return true;
  default:
    return rem_word_is_reserved((rem_word)token->word);
  }
}

/* The left operand of the operator at `op`. */
static rem_token_range left_operand(const rem_dialect *d, uint32_t op) {
  uint32_t i = op;
  while (i > d->body) {
    uint32_t partner = rem_dialect__token(d, i - 1)->partner;
    if (partner != NONE && partner < i - 1) {
      i = partner; /* the whole parenthesis, or CASE */
      continue;
    }
    if (ends_operand(d, i - 1))
      break;
    i--;
  }
  return (rem_token_range){i, op};
}

static rem_status unsupported_subquery(rem_dialect *d, const rem_mark *mark, rem_error *err) {
  rem_dialect__fail(d, mark->token, REM_UNSUPPORTED, err, "%s of a query is available as = ANY and <> ALL only",
                    rem_word_text((rem_word)rem_dialect__token(d, mark->token)->word));
  rem_error_hint(err, "compare with (SELECT max(…) …) or (SELECT min(…) …)");
  return REM_UNSUPPORTED;
}

/* op ANY (SELECT …): an operator of its own. */
static rem_status edit_subquery(rem_dialect *d, const rem_mark *mark, rem_error *err) {
  bool any = rem_dialect__is(d, mark->token, REM_WORD_ANY);
  rem_token_kind op = rem_dialect__kind(d, mark->token - 1);
  if (op != (any ? REM_TOKEN_EQUAL : REM_TOKEN_UNEQUAL))
    return unsupported_subquery(d, mark, err);
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){mark->token - 1, mark->token + 1}, &edit, err));
  return rem_dialect__put(d, edit, err, any ? "IN" : "NOT IN");
}

static const char *operator_text(const rem_dialect *d, uint32_t i) {
  switch (rem_dialect__kind(d, i)) {
  case REM_TOKEN_EQUAL:
    return "=";
  case REM_TOKEN_UNEQUAL:
    return "<>";
  case REM_TOKEN_LESS:
    return "<";
  case REM_TOKEN_LESS_EQUAL:
    return "<=";
  case REM_TOKEN_GREATER:
    return ">";
  case REM_TOKEN_GREATER_EQUAL:
    return ">=";
  default:
    return "LIKE";
  }
}

static bool is_column(const rem_dialect *d, rem_token_range range) {
  uint32_t size = range.end - range.begin;
  bool literal = d->text[rem_dialect__token(d, range.begin)->begin] == '[';
  return !literal && rem_dialect__is_name(d, range.begin) &&
         (size == 1 || (size == 3 && rem_dialect__kind(d, range.begin + 1) == REM_TOKEN_DOT && rem_dialect__is_name(d, range.begin + 2)));
}

/* ANY (['a', 'b']): brackets, which are a quoted name to SQLite, as a JSON array. */
static rem_status edit_literal(rem_dialect *d, rem_token_range list, rem_error *err) {
  const rem_token *token = rem_dialect__token(d, list.begin);
  if (list.end - list.begin != 1 || token->kind != REM_TOKEN_QUOTED || d->text[token->begin] != '[')
    return REM_OK;
  char *json = rem_arena_strndup(&d->arena, d->text + token->begin, token->end - token->begin);
  rem_edit *edit;
  if (!json)
    return rem_error_nomem(err);
  for (char *c = json; *c; c++)
    if (*c == '\'') *c = '"';
  REM_TRY(rem_dialect__edit_tokens(d, list, &edit, err));
  return rem_dialect__put(d, edit, err, "'%s'", json);
}

static rem_status edit_any(rem_dialect *d, const rem_mark *mark, rem_error *err) {
  uint32_t op = mark->token - 1, open = mark->token + 1, close = rem_dialect__token(d, open)->partner;
  rem_token_range list = {open + 1, close}, left = left_operand(d, op);
  bool any = rem_dialect__is(d, mark->token, REM_WORD_ANY);
  if (list.begin == list.end || left.begin == left.end) {
    rem_dialect__fail(d, mark->token, REM_INVALID, err, "%s compares a value with a list", any ? "ANY" : "ALL");
    rem_error_hint(err, "as in 'sprint' = ANY(classifications)");
    return REM_INVALID;
  }
  if (rem_dialect__starts_query(d, list.begin))
    return edit_subquery(d, mark, err);
  REM_TRY(edit_literal(d, list, err));
  rem_edit *edit;
  bool given = list.end - list.begin == 1 && rem_dialect__kind(d, list.begin) == REM_TOKEN_PARAMETER;
  if (any && given && rem_dialect__kind(d, op) == REM_TOKEN_EQUAL) {
    REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){op, close + 1}, &edit, err));
    REM_TRY(rem_dialect__put(d, edit, err, "IN (SELECT value FROM json_each("));
    REM_TRY(rem_dialect__copy(d, edit, list, NULL, err));
    return rem_dialect__put(d, edit, err, "))");
  }
  bool has = any && rem_dialect__kind(d, op) == REM_TOKEN_EQUAL && is_column(d, list);
  REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){left.begin, close + 1}, &edit, err));
  REM_TRY(rem_dialect__put(d, edit, err, has ? "_rem_has(" : any ? "_rem_any(" : "_rem_all("));
  REM_TRY(rem_dialect__copy(d, edit, list, NULL, err));
  if (has)
    REM_TRY(rem_dialect__put(d, edit, err, ", "));
  else
    REM_TRY(rem_dialect__put(d, edit, err, ", '%s', ", operator_text(d, op)));
  REM_TRY(rem_dialect__copy(d, edit, left, NULL, err));
  return rem_dialect__put(d, edit, err, ")");
}

/* ------------------------------------------------------------------------------------------- */
/* Subscripts */

/* Appends the step of a JSON path that `[text]` means; false: it means none. */
static bool append_step(rem_buffer *path, const char *text, size_t size) {
  while (size > 0 && isspace((unsigned char)text[0])) {
    text++;
    size--;
  }
  while (size > 0 && isspace((unsigned char)text[size - 1]))
    size--;
  size_t digits = size > 0 && text[0] == '-';
  bool number = size > digits && size - digits <= 9;
  for (size_t i = digits; i < size; i++)
    number = number && isdigit((unsigned char)text[i]);
  if (number) {
    rem_buffer_append_format(path, digits ? "[#%.*s]" : "[%.*s]", (int)size, text);
    return true;
  }
  bool quoted = size >= 2 && (text[0] == '\'' || text[0] == '"') && text[size - 1] == text[0];
  if (!quoted || memchr(text + 1, '"', size - 2) || memchr(text + 1, '\'', size - 2))
    return false;
  rem_buffer_append_format(path, ".\"%.*s\"", (int)(size - 2), text + 1);
  return true;
}

static rem_status edit_subscript(rem_dialect *d, const rem_mark *mark, rem_error *err) {
  rem_buffer path REM_AUTO_BUFFER = {0};
  rem_buffer_append_text(&path, "$");
  for (uint32_t i = mark->token; i < mark->whole.end; i++) {
    const rem_token *token = rem_dialect__token(d, i);
    if (append_step(&path, d->text + token->begin + 1, token->end - token->begin - 2))
      continue;
    rem_dialect__fail(d, i, REM_INVALID, err, "%.*s is no subscript", REM_DIALECT_SHOWN(d, i));
    rem_error_hint(err, "a list has [0], [-1]; an object ['key']; an alias stands behind AS");
    return REM_INVALID;
  }
  REM_TRY(rem_buffer_status(&path, err));
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(d, mark->whole, &edit, err));
  REM_TRY(rem_dialect__put(d, edit, err, "json_extract("));
  REM_TRY(rem_dialect__copy(d, edit, (rem_token_range){mark->whole.begin, mark->token}, NULL, err));
  return rem_dialect__put(d, edit, err, ", '%.*s')", (int)path.size, (const char *)path.data);
}

rem_status rem_dialect__edit_lists(rem_dialect *d, rem_error *err) {
  for (uint32_t i = 0; i < d->marks.count; i++) {
    const rem_mark *mark = &d->marks.items[i];
    if (mark->kind == REM_MARK_ANY) REM_TRY(edit_any(d, mark, err));
    if (mark->kind == REM_MARK_SUBSCRIPT) REM_TRY(edit_subscript(d, mark, err));
  }
  return REM_OK;
}
