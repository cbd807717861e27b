/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is reached into (D35): `x = ANY (list)`, `list[0]`, `object ->> 'key'`. A column that holds neither lists nor objects has no parts: SQLite would give NULL
 * for each of them, and the rows that were meant would be missing in silence. Texts may hold JSON.
 */
#include "dialect/dialect_internal.h"

#include <ctype.h>

static bool has_parts(rem_dialect_type type) {
  return type == REM_DIALECT_ANY || type == REM_DIALECT_TEXT || type == REM_DIALECT_LIST || type == REM_DIALECT_OBJECT;
}

static const char *what_is(rem_dialect_type type) {
  switch (type) {
  case REM_DIALECT_BOOL: return "true or false";
  case REM_DIALECT_NUMBER: return "a number";
  case REM_DIALECT_INSTANT: return "a date-time";
  case REM_DIALECT_UUID: return "an id";
  case REM_DIALECT_LIST: return "a list";
  case REM_DIALECT_OBJECT: return "an object";
  default: return "text";
  }
}

/* The operand as it is written, for messages; names are short, but an expression may not be. */
static int shown_size(const rem_dialect *d, rem_token_range range) {
  uint32_t size = rem_dialect__token(d, range.end - 1)->end - rem_dialect__token(d, range.begin)->begin;
  return size <= 60 ? (int)size : rem_dialect__shown_size(d, range.begin);
}
#define SHOWN(d, range) shown_size(d, range), (d)->text + rem_dialect__token(d, (range).begin)->begin

static rem_status check_any(rem_dialect *d, const rem_mark *mark, rem_error *err) {
  rem_token_range list = {mark->token + 2, rem_dialect__token(d, mark->token + 1)->partner};
  if (list.end <= list.begin || rem_dialect__starts_query(d, list.begin))
    return REM_OK;
  rem_typed typed = rem_dialect__type_of(d, mark->block, list);
  if (typed.type != REM_DIALECT_OBJECT && has_parts(typed.type))
    return REM_OK;
  rem_dialect__fail(d, list.begin, REM_INVALID, err, "'%.*s' is %s, and %s looks into a list", SHOWN(d, list), what_is(typed.type),
                    rem_word_text((rem_word)rem_dialect__token(d, mark->token)->word));
  rem_error_hint(err, "a list is a column of type array, a JSON array, or a parameter that holds one");
  return REM_INVALID;
}

/* [0] and [-1] are places of a list, ['key'] fields of an object. */
static rem_status check_subscript(rem_dialect *d, const rem_mark *mark, rem_error *err) {
  rem_token_range whole = {mark->whole.begin, mark->token};
  rem_typed typed = rem_dialect__type_of(d, mark->block, whole);
  const rem_token *token = rem_dialect__token(d, mark->token);
  uint32_t i = token->begin + 1;
  while (isspace((unsigned char)d->text[i]))
    i++;
  bool key = d->text[i] == '\'' || d->text[i] == '"';
  if (has_parts(typed.type) && !(typed.type == REM_DIALECT_LIST && key) && !(typed.type == REM_DIALECT_OBJECT && !key))
    return REM_OK;
  rem_dialect__fail(d, mark->token, REM_INVALID, err, "'%.*s' is %s, and has no %.*s", SHOWN(d, whole), what_is(typed.type),
                    REM_DIALECT_SHOWN(d, mark->token));
  rem_error_hint(err, "%s", typed.type == REM_DIALECT_LIST ? "a list has [0], [-1]" : typed.type == REM_DIALECT_OBJECT ? "an object has ['key']" : "lists have [0], [-1], objects ['key']");
  return REM_INVALID;
}

/* -> and ->> bind closest, so what stands right before them is reached into, unless another operator has it. */
static rem_status check_arrow(rem_dialect *d, const rem_place *place, rem_error *err) {
  rem_token_range left = rem_dialect__primary_before(d, place->token);
  if (left.end <= left.begin || (left.begin > d->body && rem_dialect__kind(d, left.begin - 1) == REM_TOKEN_OPERATOR))
    return REM_OK;
  rem_typed typed = rem_dialect__type_of(d, place->block, left);
  if (has_parts(typed.type))
    return REM_OK;
  rem_dialect__fail(d, place->token, REM_INVALID, err, "'%.*s' is %s, and has no parts", SHOWN(d, left), what_is(typed.type));
  rem_error_hint(err, "%.*s reads the parts of lists and objects", REM_DIALECT_SHOWN(d, place->token));
  return REM_INVALID;
}

rem_status rem_dialect__check_access(rem_dialect *d, rem_error *err) {
  for (uint32_t i = 0; d->catalog->column_type && i < d->marks.count; i++) {
    const rem_mark *mark = &d->marks.items[i];
    if (mark->kind == REM_MARK_ANY && rem_dialect__kind(d, mark->token + 1) == REM_TOKEN_OPEN) REM_TRY(check_any(d, mark, err));
    if (mark->kind == REM_MARK_SUBSCRIPT) REM_TRY(check_subscript(d, mark, err));
  }
  for (uint32_t i = 0; d->catalog->column_type && i < d->arrows.count; i++)
    REM_TRY(check_arrow(d, &d->arrows.items[i], err));
  return REM_OK;
}
