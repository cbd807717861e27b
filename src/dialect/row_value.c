/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `(a, b) IN (…)`.
 *
 * SQLite offers each part of such a condition to a table as an equality by itself, and carries out a plan that uses some once for every combination of their
 * values. The engine is told that there may be parts (`row_lists`), and uses none as a filter.
 *
 * Beside a RIGHT or FULL JOIN SQLite 3.40 is wrong: for the rows without a partner it walks the list a second time, but whole, and gives a row once for every
 * element that agrees in that part alone; native tables with an index have the same fault. A `+` before the condition changes nothing of its value and
 * keeps it away from the tables. (Found by comparing with the same condition on the finished join.)
 */
#include "dialect/dialect_internal.h"

static bool has_right_join(const rem_dialect *d) {
  for (uint32_t i = d->body; i < d->tokens.count; i++)
    if (rem_dialect__is(d, i, REM_WORD_RIGHT) || rem_dialect__is(d, i, REM_WORD_FULL))
      return true;
  return false;
}

/* May a condition begin behind token `i`? */
static bool begins_condition(const rem_dialect *d, uint32_t i) {
  const rem_token *token = rem_dialect__token(d, i);
  if (token->kind == REM_TOKEN_OPEN)
    return true;
  if (token->kind != REM_TOKEN_NAME)
    return false;
  switch (token->word) {
  case REM_WORD_WHERE:
  case REM_WORD_ON:
  case REM_WORD_AND:
  case REM_WORD_OR:
  case REM_WORD_NOT: return true;
  default: return false;
  }
}

/* The OPEN of the row value that ends before token `end`; NONE: there is another operand. */
static uint32_t row_value(const rem_dialect *d, uint32_t end) {
  uint32_t open = end > d->body ? rem_dialect__token(d, end - 1)->partner : NONE;
  if (open == NONE || rem_dialect__kind(d, open) != REM_TOKEN_OPEN || open == d->body || !begins_condition(d, open - 1))
    return NONE;
  for (uint32_t i = open + 1; i < end - 1; i = rem_dialect__step(d, i))
    if (rem_dialect__kind(d, i) == REM_TOKEN_COMMA)
      return open;
  return NONE;
}

/* The row value before IN, or `= ANY`, at token `i`; NONE: there is none. */
static uint32_t listed(const rem_dialect *d, uint32_t i) {
  if (rem_dialect__is(d, i, REM_WORD_IN))
    return row_value(d, i);
  bool any = rem_dialect__is(d, i, REM_WORD_ANY) && i > d->body && rem_dialect__kind(d, i - 1) == REM_TOKEN_EQUAL;
  return any ? row_value(d, i - 1) : NONE;
}

/* Behind the list: in parentheses, or a table or function. */
static uint32_t end_of_list(const rem_dialect *d, uint32_t i) {
  while (rem_dialect__is_name(d, i) || rem_dialect__kind(d, i) == REM_TOKEN_DOT)
    i++;
  return rem_dialect__kind(d, i) == REM_TOKEN_OPEN ? rem_dialect__token(d, i)->partner + 1 : i;
}

static rem_status keep_away(rem_dialect *d, rem_token_range condition, rem_error *err) {
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(d, condition, &edit, err));
  REM_TRY(rem_dialect__put(d, edit, err, "+("));
  REM_TRY(rem_dialect__copy(d, edit, condition, NULL, err));
  return rem_dialect__put(d, edit, err, ")");
}

rem_status rem_dialect__edit_row_values(rem_dialect *d, rem_error *err) {
  bool right = has_right_join(d);
  for (uint32_t i = d->body; i < d->tokens.count; i++) {
    uint32_t open = listed(d, i);
    if (open == NONE)
      continue;
    d->statement.row_lists = true;
    if (right)
      REM_TRY(keep_away(d, (rem_token_range){open, end_of_list(d, i + 1)}, err));
  }
  return REM_OK;
}
