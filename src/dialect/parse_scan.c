/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions, read word by word: what the dialect must look at is noted as calls and marks; queries in parentheses are parsed.
 */
#include "dialect/dialect_internal.h"

#include <string.h>

bool rem_dialect__starts_query(const rem_dialect *d, uint32_t at) {
  return rem_dialect__is(d, at, REM_WORD_SELECT) || rem_dialect__is(d, at, REM_WORD_VALUES) ||
         rem_dialect__is(d, at, REM_WORD_WITH);
}

static bool stops_clause(const rem_dialect *d, uint32_t i) {
  switch (rem_dialect__token(d, i)->word) {
  case REM_WORD_WHERE:
  case REM_WORD_HAVING:
  case REM_WORD_LIMIT:
  case REM_WORD_UNION:
  case REM_WORD_EXCEPT:
  case REM_WORD_INTERSECT:
  case REM_WORD_RETURNING:
  case REM_WORD_SET:
  case REM_WORD_VALUES:
    return true;
  case REM_WORD_FROM: /* not that of IS DISTINCT FROM */
    return !(i >= 2 && rem_dialect__is(d, i - 1, REM_WORD_DISTINCT) &&
             (rem_dialect__is(d, i - 2, REM_WORD_IS) || rem_dialect__is(d, i - 2, REM_WORD_NOT)));
  case REM_WORD_GROUP:
  case REM_WORD_ORDER:
    return rem_dialect__is(d, i + 1, REM_WORD_BY);
  case REM_WORD_WINDOW:
    return rem_dialect__is_name(d, i + 1) && rem_dialect__is(d, i + 2, REM_WORD_AS);
  case REM_WORD_ON:
    return rem_dialect__is(d, i + 1, REM_WORD_CONFLICT);
  default:
    return false;
  }
}

static bool stops_join(const rem_dialect *d, uint32_t i) {
  switch (rem_dialect__token(d, i)->word) {
  case REM_WORD_ON:
  case REM_WORD_USING:
  case REM_WORD_JOIN:
    return true;
  case REM_WORD_LEFT:
  case REM_WORD_RIGHT:
  case REM_WORD_FULL:
  case REM_WORD_INNER:
  case REM_WORD_CROSS:
  case REM_WORD_NATURAL:
    return rem_dialect__kind(d, i + 1) == REM_TOKEN_NAME;
  default:
    return false;
  }
}

static bool stops(const rem_dialect *d, uint32_t i, unsigned wanted) {
  const rem_token *token = &d->tokens.items[i];
  if (token->kind == REM_TOKEN_SEMICOLON)
    return true;
  if (token->kind == REM_TOKEN_COMMA)
    return wanted & REM_STOP_JOIN;
  if (token->kind != REM_TOKEN_NAME || token->word == REM_WORD_NONE)
    return false;
  return ((wanted & REM_STOP_CLAUSE) && stops_clause(d, i)) || ((wanted & REM_STOP_JOIN) && stops_join(d, i));
}

/* ------------------------------------------------------------------------------------------- */

static rem_status add_mark(rem_dialect *d, rem_mark_kind kind, uint32_t block, uint32_t token, uint32_t qualifier,
                           rem_token_range whole, rem_error *err) {
  rem_mark *mark;
  REM_DIALECT_PUSH(d->marks, mark, err);
  *mark = (rem_mark){kind, block, token, qualifier, whole};
  return REM_OK;
}

/* Names that people write beside `cosine`; the second half is what they mean. */
static const char *const method_words[] = {"cosine", "inner_product", "l2", NULL};
#define METHODS_HINT "a vector has .cosine('text'), .inner_product('text') and .l2('text')"

static rem_status unknown_method(rem_dialect *d, uint32_t column, uint32_t method, rem_error *err) {
  const char *typed = rem_dialect__unquoted(d, method);
  if (!typed)
    return rem_error_nomem(err);
  rem_dialect__fail(d, method, REM_UNKNOWN, err, "'%.*s' has no method '%.*s'", REM_DIALECT_SHOWN(d, column),
                    REM_DIALECT_SHOWN(d, method));
  rem_dialect__suggest(typed, method_words, METHODS_HINT, err);
  return REM_UNKNOWN;
}

static int metric_of(const rem_dialect *d, uint32_t method) {
  for (int i = 0; i < REM_METRIC_COUNT; i++)
    if (rem_dialect__names(d, method, rem_dialect__metric_names[i]))
      return i;
  return -1;
}

static rem_status check_argument(rem_dialect *d, uint32_t open, uint32_t close, const char *method, rem_error *err) {
  if (open + 1 == close) {
    rem_dialect__fail(d, open, REM_INVALID, err, "%s() needs what to search for", method);
    rem_error_hint(err, "a text, a parameter or a vector: embedding.%s('how to brew coffee')", method);
    return REM_INVALID;
  }
  for (uint32_t i = open + 1; i < close; i++) {
    if (rem_dialect__kind(d, i) == REM_TOKEN_COMMA)
      return rem_dialect__fail(d, i, REM_INVALID, err, "%s() takes one argument", method);
    if (rem_dialect__kind(d, i) == REM_TOKEN_OPEN) i = rem_dialect__token(d, i)->partner;
  }
  return REM_OK;
}

/* `first … last (`, of two names or more: the method of a column. */
static rem_status add_call(rem_dialect *d, uint32_t block, uint32_t first, uint32_t last, rem_error *err) {
  uint32_t column = last - 2, open = last + 1, close = rem_dialect__token(d, open)->partner;
  bool alt = rem_dialect__names(d, column, "embedding_alt");
  if (!alt && !rem_dialect__names(d, column, "embedding")) {
    rem_dialect__fail(d, last, REM_UNKNOWN, err, "'%.*s' has no method '%.*s'", REM_DIALECT_SHOWN(d, column),
                      REM_DIALECT_SHOWN(d, last));
    rem_error_hint(err, "only vectors have methods: embedding.cosine('text'); a function is written %.*s(%.*s, …)",
                   REM_DIALECT_SHOWN(d, last), REM_DIALECT_SHOWN(d, column));
    return REM_UNKNOWN;
  }
  int metric = metric_of(d, last);
  if (metric < 0)
    return unknown_method(d, column, last, err);
  if (column > first + 2)
    return rem_dialect__fail(d, first, REM_INVALID, err, "a search is written TABLE.embedding.%s('text')",
                             rem_dialect__metric_names[metric]);
  REM_TRY(check_argument(d, open, close, rem_dialect__metric_names[metric], err));
  if (d->calls.count >= REM_DIALECT_CALL_COUNT_MAX)
    return rem_dialect__fail(d, first, REM_LIMIT, err, "more than %u searches", REM_DIALECT_CALL_COUNT_MAX);
  rem_call *call;
  REM_DIALECT_PUSH(d->calls, call, err);
  *call = (rem_call){.block = block, .whole = {first, close + 1}, .argument = {open + 1, close},
                     .qualifier = column > first ? first : NONE, .reference = NONE, .slot = alt, .metric = (uint8_t)metric,
                     .leader = d->calls.count - 1};
  d->statement.searches = true;
  return REM_OK;
}

/* Functions that are neither aggregates nor windows: with others in a result list the block gathers rows. */
static bool is_scalar_function(const rem_dialect *d, uint32_t name) {
  static const char *const scalar[] = {"lower", "upper", "length", "substr", "substring", "trim", "ltrim", "rtrim", "round", "abs",
                                       "coalesce", "ifnull", "nullif", "iif", "replace", "instr", "printf", "format", "date", "time",
                                       "datetime", "julianday", "strftime", "unixepoch", "json", "json_extract", "json_array",
                                       "json_object", "json_array_length", "json_type", "json_valid", "typeof", "cast", "hex",
                                       "char", "unicode", "quote"};
  for (size_t i = 0; i < sizeof scalar / sizeof scalar[0]; i++)
    if (rem_dialect__names(d, name, scalar[i]))
      return true;
  return false;
}

/* Operators and words whose operands have to fit one another. */
static rem_status note_place(rem_dialect *d, uint32_t block, uint32_t i, rem_error *err) {
  const rem_token *token = &d->tokens.items[i];
  rem_place *place;
  switch (token->kind == REM_TOKEN_NAME ? token->word : REM_WORD_NONE) {
  case REM_WORD_IN:
  case REM_WORD_IS:
  case REM_WORD_BETWEEN: break;
  case REM_WORD_CASE:
    REM_DIALECT_PUSH(d->choices, place, err);
    *place = (rem_place){block, i};
    return REM_OK;
  default:
    if (token->kind == REM_TOKEN_OPERATOR && d->text[token->begin] == '-' && token->end - token->begin > 1) {
      REM_DIALECT_PUSH(d->arrows, place, err);
      *place = (rem_place){block, i};
      return REM_OK;
    }
    if (token->kind < REM_TOKEN_EQUAL || token->kind > REM_TOKEN_GREATER_EQUAL)
      return REM_OK;
  }
  REM_DIALECT_PUSH(d->comparisons, place, err);
  *place = (rem_place){block, i};
  return REM_OK;
}

static rem_status note_function(rem_dialect *d, uint32_t block, uint32_t name, rem_error *err) {
  const rem_token *token = rem_dialect__token(d, name);
  bool list = token->word == REM_WORD_ANY || token->word == REM_WORD_ALL;
  if (token->kind == REM_TOKEN_NAME && list && name > 0) {
    rem_token_kind before = rem_dialect__kind(d, name - 1);
    if ((before >= REM_TOKEN_EQUAL && before <= REM_TOKEN_GREATER_EQUAL) ||
        (before == REM_TOKEN_NAME && (rem_dialect__is(d, name - 1, REM_WORD_LIKE))))
      return add_mark(d, REM_MARK_ANY, block, name, NONE, (rem_token_range){0, 0}, err);
  }
  if (!is_scalar_function(d, name)) d->blocks.items[block].gathers = true;
  rem_place *place;
  REM_DIALECT_PUSH(d->choices, place, err);
  *place = (rem_place){block, name};
  return REM_OK;
}

/* Hidden columns, which a derived table must be asked to hand on. */
static rem_status note_column(rem_dialect *d, uint32_t block, uint32_t first, uint32_t last, rem_error *err) {
  static const char *const hidden[] = {"_doc", "embedding", "embedding_alt", "_vector", "_vector_alt"};
  const rem_token *token = &d->tokens.items[last];
  const char *text = d->text + token->begin;
  /* Most names are none of these, and their first letter says so. */
  char letter = text[token->kind == REM_TOKEN_QUOTED] | 0x20;
  if (letter != 'd' && letter != '_' && text[token->kind == REM_TOKEN_QUOTED] != '_' && letter != 'e')
    return REM_OK;
  uint32_t qualifier = last > first ? last - 2 : NONE;
  rem_token_range whole = {first, last + 1};
  if (rem_dialect__names(d, last, "deleted_at"))
    return add_mark(d, REM_MARK_DELETED_AT, block, last, qualifier, whole, err);
  if (rem_dialect__names(d, last, "_score"))
    return add_mark(d, REM_MARK_SCORE, block, last, qualifier, whole, err);
  for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
    if (rem_dialect__names(d, last, hidden[i]))
      return add_mark(d, REM_MARK_HIDDEN, block, last, qualifier, whole, err);
  return REM_OK;
}

/* A bracketed token right behind what it follows: a subscript. */
static bool is_subscript(const rem_dialect *d, uint32_t i) {
  const rem_token *token = rem_dialect__token(d, i);
  return token->kind == REM_TOKEN_QUOTED && d->text[token->begin] == '[' && i > 0 &&
         d->tokens.items[i - 1].end == token->begin;
}

/* A name, alone or in a chain `a.b.c`, at *at; steps behind it. */
static rem_status scan_name(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t block, rem_error *err) {
  uint32_t first = *at, last = first;
  while (last + 2 < limit && rem_dialect__kind(d, last + 1) == REM_TOKEN_DOT &&
         (rem_dialect__kind(d, last + 2) == REM_TOKEN_NAME || rem_dialect__kind(d, last + 2) == REM_TOKEN_QUOTED))
    last += 2;
  *at = last + 1;
  if (rem_dialect__kind(d, last + 1) == REM_TOKEN_OPEN && last + 1 < limit)
    return last > first ? add_call(d, block, first, last, err) : note_function(d, block, first, err);
  /* Two names in a row are an expression and its alias. */
  REM_TRY(note_column(d, block, first, last, err));
  uint32_t end = last + 1;
  while (end < limit && is_subscript(d, end))
    end++;
  if (end == last + 1)
    return REM_OK;
  *at = end;
  return add_mark(d, REM_MARK_SUBSCRIPT, block, last + 1, NONE, (rem_token_range){first, end}, err);
}

/* `( … )` at *at; steps behind it. */
static rem_status scan_parentheses(rem_dialect *d, uint32_t *at, uint32_t block, rem_error *err) {
  uint32_t inside = *at + 1, close = d->tokens.items[*at].partner;
  if (++d->depth > REM_DIALECT_DEPTH_MAX)
    return rem_dialect__fail(d, *at, REM_LIMIT, err, "nested deeper than %u", REM_DIALECT_DEPTH_MAX);
  if (rem_dialect__starts_query(d, inside))
    REM_TRY(rem_dialect__parse_query(d, &inside, close, d->blocks.items[block].query, block, false, err));
  while (inside < close) {
    uint32_t before = inside;
    REM_TRY(rem_dialect__scan(d, &inside, close, block, 0, err));
    if (inside == before) inside++;
  }
  d->depth--;
  *at = close + 1;
  return REM_OK;
}

rem_status rem_dialect__scan(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t block, unsigned wanted, rem_error *err) {
  while (*at < limit) {
    uint32_t i = *at;
    const rem_token *token = &d->tokens.items[i];
    if (stops(d, i, wanted))
      return REM_OK;
    if (token->kind == REM_TOKEN_OPEN) {
      REM_TRY(scan_parentheses(d, at, block, err));
    } else if (rem_dialect__is_name(d, i) ||
               (token->kind == REM_TOKEN_NAME && token->word == REM_WORD_ALL && rem_dialect__kind(d, i + 1) == REM_TOKEN_OPEN)) {
      REM_TRY(scan_name(d, at, limit, block, err));
    } else {
      REM_TRY(note_place(d, block, i, err));
      ++*at;
    }
  }
  return REM_OK;
}
