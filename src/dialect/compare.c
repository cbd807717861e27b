/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons: = <> < <= > >= IS, [NOT] BETWEEN, [NOT] IN with lists and CASE x WHEN, wherever they stand.
 *
 *   priority = 'high'                    refused: a number is compared with a text that is none (D35)
 *   priority = :p                        a demand, which whoever binds :p looks at
 *   max(start_time) > '2025-10-01'       max(start_time) COLLATE rem_instant > …: an expression has lost the collation of its column (D19)
 *
 * An operand is taken for one only when the tokens around it leave no doubt that it is the whole: what `a = b || c` compares is not looked at.
 */
#include "dialect/dialect_internal.h"

#include <string.h>

#include "base/json.h"

/* ------------------------------------------------------------------------------------------- */
/* Operands                                                                                     */

/* Does the AND at `i` belong to a BETWEEN? */
static bool is_of_between(const rem_dialect *d, uint32_t i) {
  while (i > d->body) {
    const rem_token *token = rem_dialect__token(d, --i);
    if (token->partner != NONE && token->partner < i) {
      i = token->partner;
      continue;
    }
    if (token->kind == REM_TOKEN_OPEN || token->kind == REM_TOKEN_COMMA)
      return false;
    switch (token->kind == REM_TOKEN_NAME ? token->word : REM_WORD_NONE) {
    case REM_WORD_BETWEEN: return true;
    case REM_WORD_AND:
    case REM_WORD_OR:
    case REM_WORD_WHERE:
    case REM_WORD_ON:
    case REM_WORD_HAVING:
    case REM_WORD_CASE:
    case REM_WORD_WHEN:
    case REM_WORD_THEN:
    case REM_WORD_ELSE:
    case REM_WORD_SELECT:
    case REM_WORD_SET:
    case REM_WORD_BY: return false;
    default: break;
    }
  }
  return false;
}

/* May an operand begin right behind token `i`, whatever operator follows it? */
static bool begins_behind(const rem_dialect *d, uint32_t i) {
  while (i > d->body && rem_dialect__is(d, i, REM_WORD_NOT))
    i--;
  const rem_token *token = rem_dialect__token(d, i);
  if (token->kind == REM_TOKEN_OPEN || token->kind == REM_TOKEN_COMMA)
    return true;
  switch (token->kind == REM_TOKEN_NAME ? token->word : REM_WORD_NONE) {
  case REM_WORD_WHERE:
  case REM_WORD_OR:
  case REM_WORD_ON:
  case REM_WORD_HAVING:
  case REM_WORD_WHEN:
  case REM_WORD_THEN:
  case REM_WORD_ELSE:
  case REM_WORD_SELECT:
  case REM_WORD_DISTINCT: return true;
  case REM_WORD_BY: return rem_dialect__is(d, i - 1, REM_WORD_ORDER) || rem_dialect__is(d, i - 1, REM_WORD_GROUP);
  case REM_WORD_AND: return !is_of_between(d, i);
  default: return false;
  }
}

/* May an operand end right before token `i`, whatever operator stands before it? */
static bool ends_before(const rem_dialect *d, uint32_t i) {
  const rem_token *token = rem_dialect__token(d, i);
  switch (token->kind) {
  case REM_TOKEN_END:
  case REM_TOKEN_CLOSE:
  case REM_TOKEN_COMMA:
  case REM_TOKEN_SEMICOLON: return true;
  case REM_TOKEN_NAME: break;
  default: return false;
  }
  switch (token->word) {
  case REM_WORD_AND:
  case REM_WORD_OR:
  case REM_WORD_AS:
  case REM_WORD_ASC:
  case REM_WORD_DESC:
  case REM_WORD_WHEN:
  case REM_WORD_THEN:
  case REM_WORD_ELSE:
  case REM_WORD_END:
  case REM_WORD_FROM:
  case REM_WORD_WHERE:
  case REM_WORD_GROUP:
  case REM_WORD_HAVING:
  case REM_WORD_ORDER:
  case REM_WORD_LIMIT:
  case REM_WORD_UNION:
  case REM_WORD_EXCEPT:
  case REM_WORD_INTERSECT:
  case REM_WORD_JOIN:
  case REM_WORD_INNER:
  case REM_WORD_LEFT:
  case REM_WORD_CROSS:
  case REM_WORD_NATURAL: return true;
  default: return false;
  }
}

/* Behind the names of a chain `a.b.c` that begins at `i`. */
static uint32_t behind_chain(const rem_dialect *d, uint32_t i) {
  while (rem_dialect__kind(d, i + 1) == REM_TOKEN_DOT)
    i += 2;
  return i + 1;
}

/* FILTER (…) and OVER (…) or OVER window behind a call. */
static uint32_t behind_window(const rem_dialect *d, uint32_t i) {
  if (rem_dialect__is(d, i, REM_WORD_FILTER) && rem_dialect__kind(d, i + 1) == REM_TOKEN_OPEN) i = rem_dialect__token(d, i + 1)->partner + 1;
  if (!rem_dialect__is(d, i, REM_WORD_OVER))
    return i;
  return rem_dialect__kind(d, i + 1) == REM_TOKEN_OPEN ? rem_dialect__token(d, i + 1)->partner + 1 : i + 2;
}

static bool is_bracketed(const rem_dialect *d, uint32_t i) {
  const rem_token *token = rem_dialect__token(d, i);
  return token->kind == REM_TOKEN_QUOTED && d->text[token->begin] == '[';
}

/* The operand that begins at `i`: a name, a call, a constant, what is in parentheses, a CASE. Empty: none of these. */
static rem_token_range operand_at(const rem_dialect *d, uint32_t i) {
  rem_token_range range = {i, i};
  const rem_token *token = rem_dialect__token(d, i);
  bool any = token->kind == REM_TOKEN_NAME && (token->word == REM_WORD_ANY || token->word == REM_WORD_ALL);
  if (token->kind == REM_TOKEN_OPERATOR && rem_dialect__kind(d, i + 1) == REM_TOKEN_NUMBER &&
      (d->text[token->begin] == '-' || d->text[token->begin] == '+') && token->end - token->begin == 1)
    range.end = i + 2;
  else if (token->kind == REM_TOKEN_OPEN || rem_dialect__is(d, i, REM_WORD_CASE))
    range.end = token->partner == NONE ? i : token->partner + 1;
  else if (token->kind == REM_TOKEN_TEXT || token->kind == REM_TOKEN_NUMBER || token->kind == REM_TOKEN_PARAMETER ||
           token->kind == REM_TOKEN_BLOB || rem_dialect__is(d, i, REM_WORD_NULL))
    range.end = i + 1;
  else if (rem_dialect__is_name(d, i) && !is_bracketed(d, i) && !(any && rem_dialect__kind(d, i + 1) == REM_TOKEN_OPEN)) {
    range.end = behind_chain(d, i);
    if (rem_dialect__kind(d, range.end) == REM_TOKEN_OPEN) range.end = behind_window(d, rem_dialect__token(d, range.end)->partner + 1);
  }
  return range;
}

/* Its first token is looked for from behind, then it is read as it stands. */
rem_token_range rem_dialect__primary_before(const rem_dialect *d, uint32_t end) {
  rem_token_range none = {end, end};
  uint32_t i = end;
  for (bool more = true; more && i > d->body;) {
    const rem_token *token = rem_dialect__token(d, i - 1);
    i = token->partner != NONE && token->partner < i - 1 ? token->partner : i - 1;
    uint32_t before = i > d->body ? i - 1 : i;
    const rem_token *left = rem_dialect__token(d, before);
    /* What is part of the operand with what stands there: f (…), a.b, FILTER (…), OVER w, -5. */
    more = before < i && (left->kind == REM_TOKEN_DOT || rem_dialect__is(d, before, REM_WORD_OVER) || rem_dialect__is(d, before, REM_WORD_FILTER) ||
                          (left->kind == REM_TOKEN_CLOSE && (rem_dialect__is(d, i, REM_WORD_OVER) || rem_dialect__is(d, i, REM_WORD_FILTER))) ||
                          (rem_dialect__kind(d, i) == REM_TOKEN_DOT) || (left->kind == REM_TOKEN_OPERATOR && rem_dialect__kind(d, i) == REM_TOKEN_NUMBER) ||
                          (rem_dialect__kind(d, i) == REM_TOKEN_OPEN && (rem_dialect__is_name(d, before) || left->kind == REM_TOKEN_DOT)));
  }
  rem_token_range range = i == end ? none : operand_at(d, i);
  return range.end == end ? range : none;
}

/* The operand that ends right before `end`. Empty: it cannot be told. */
static rem_token_range operand_before(const rem_dialect *d, uint32_t end) {
  rem_token_range range = rem_dialect__primary_before(d, end);
  bool whole = range.begin > d->body && begins_behind(d, range.begin - 1);
  return whole ? range : (rem_token_range){end, end};
}

static bool empty(rem_token_range range) {
  return range.end <= range.begin;
}

/* ------------------------------------------------------------------------------------------- */
/* Constants                                                                                    */

static rem_token_range unwrapped(const rem_dialect *d, rem_token_range r) {
  while (!empty(r) && rem_dialect__kind(d, r.begin) == REM_TOKEN_OPEN && rem_dialect__token(d, r.begin)->partner + 1 == r.end)
    r = (rem_token_range){r.begin + 1, r.end - 1};
  return r;
}

/* TRUE and FALSE are constants where no column is called so. */
static bool is_truth(rem_dialect *d, uint32_t block, uint32_t i) {
  if (rem_dialect__kind(d, i) != REM_TOKEN_NAME || (!rem_dialect__names(d, i, "true") && !rem_dialect__names(d, i, "false")))
    return false;
  for (uint32_t b = block; b != NONE; b = d->blocks.items[b].parent)
    for (uint32_t r = d->blocks.items[b].first_reference; r != NONE; r = d->references.items[r].next) {
      const rem_reference *reference = &d->references.items[r];
      const char *name = rem_dialect__unquoted(d, i);
      if (reference->kind != REM_REFERENCE_TABLE || !name || rem_dialect__has_column(d, &reference->table, name))
        return false;
    }
  return true;
}

static bool is_whole(const rem_dialect *d, const rem_token *number) {
  for (uint32_t i = number->begin; i < number->end; i++)
    if (d->text[i] == '.' || (d->text[i] | 0x20) == 'e')
      return number->end - number->begin > 2 && (d->text[number->begin + 1] | 0x20) == 'x';
  return true;
}

bool rem_dialect__constant_of(rem_dialect *d, uint32_t block, rem_token_range range, rem_dialect_constant *ret_constant) {
  rem_token_range r = unwrapped(d, range);
  uint32_t last = r.end - 1;
  if (empty(r) || r.end - r.begin > 2)
    return false;
  const rem_token *token = rem_dialect__token(d, last);
  bool sign = r.end - r.begin == 2;
  if (sign && (token->kind != REM_TOKEN_NUMBER || rem_dialect__kind(d, r.begin) != REM_TOKEN_OPERATOR))
    return false;
  rem_dialect_constant constant = {.text = d->text + rem_dialect__token(d, r.begin)->begin, .size = token->end - rem_dialect__token(d, r.begin)->begin};
  if (token->kind == REM_TOKEN_NUMBER) {
    constant.kind = is_whole(d, token) ? REM_DIALECT_CONSTANT_INTEGER : REM_DIALECT_CONSTANT_REAL;
  } else if (token->kind == REM_TOKEN_TEXT) {
    constant.kind = REM_DIALECT_CONSTANT_TEXT;
    constant.text = rem_dialect__unquoted(d, last);
    constant.size = constant.text ? strlen(constant.text) : 0;
  } else if (token->kind == REM_TOKEN_BLOB) {
    constant.kind = REM_DIALECT_CONSTANT_BLOB;
  } else if (rem_dialect__is(d, last, REM_WORD_NULL)) {
    constant.kind = REM_DIALECT_CONSTANT_NULL;
  } else if (is_truth(d, block, last)) {
    constant.kind = REM_DIALECT_CONSTANT_BOOL;
  } else {
    return false;
  }
  *ret_constant = constant;
  return true;
}

/* ------------------------------------------------------------------------------------------- */
/* What is compared with what                                                                   */

typedef struct comparison {
  rem_dialect *d;
  uint32_t block;
  bool ordered;
} comparison;

/* Lists and objects are compared as the text that they are stored as, so what is written with other blanks is made the same. */
static rem_status compare_as_json(rem_dialect *d, const rem_dialect_demand *made, const rem_dialect_constant *constant, rem_token_range other,
                                  rem_error *err) {
  json_t *json REM_AUTO_JSON = NULL;
  rem_buffer canonical REM_AUTO_BUFFER = {0};
  rem_edit *edit;
  rem_token_range one = unwrapped(d, other);
  rem_status status = rem_json_parse(constant->text, constant->size, &json, NULL);
  if (status < 0)
    return status == REM_NOMEM ? rem_error_nomem(err) : rem_dialect_refuse(made, constant, NULL, err);
  REM_TRY(rem_json_append(&canonical, json, err));
  REM_TRY(rem_buffer_status(&canonical, err));
  if (rem_slice_equal(rem_buffer_slice(&canonical), rem_slice_of(constant->text, constant->size)))
    return REM_OK;
  REM_TRY(rem_dialect__edit_tokens(d, one, &edit, err));
  /* A quote inside is written twice: each part ends with one, and the next begins with one. */
  for (size_t i = 0; i < canonical.size;) {
    const uint8_t *quote = memchr(canonical.data + i, '\'', canonical.size - i);
    size_t end = quote ? (size_t)(quote - canonical.data) + 1 : canonical.size;
    REM_TRY(rem_dialect__put(d, edit, err, "'%.*s", (int)(end - i), (const char *)canonical.data + i));
    i = end;
  }
  return rem_dialect__put(d, edit, err, "'");
}

static rem_status refuse_or_adapt(rem_dialect *d, const rem_dialect_demand *made, const rem_dialect_constant *constant, rem_token_range other,
                                  rem_error *err) {
  bool json = made->type == REM_DIALECT_LIST || made->type == REM_DIALECT_OBJECT;
  if (!rem_dialect_fits(made, constant))
    return rem_dialect_refuse(made, constant, NULL, err);
  return json && constant->kind == REM_DIALECT_CONSTANT_TEXT ? compare_as_json(d, made, constant, other, err) : REM_OK;
}

/* The operand `asked`, whose type is known, is compared with `other`. */
static rem_status demand(const comparison *c, rem_token_range asked, const rem_typed *typed, rem_token_range other, rem_error *err) {
  rem_dialect *d = c->d;
  rem_dialect_constant constant;
  if (typed->type == REM_DIALECT_ANY || empty(other))
    return REM_OK;
  rem_token_range one = unwrapped(d, other);
  const rem_token *first = rem_dialect__token(d, asked.begin);
  rem_dialect_demand made = {.offset = rem_dialect__token(d, other.begin)->begin,
                             .type = typed->type,
                             .ordered = c->ordered,
                             .converts = typed->converts,
                             .what = d->text + first->begin,
                             .what_size = rem_dialect__token(d, asked.end - 1)->end - first->begin};
  if (rem_dialect__constant_of(d, c->block, other, &constant))
    return refuse_or_adapt(d, &made, &constant, other, err);
  if (one.end - one.begin != 1 || rem_dialect__kind(d, one.begin) != REM_TOKEN_PARAMETER)
    return REM_OK;
  rem_dialect_demand *kept;
  made.parameter = rem_dialect__token(d, one.begin)->number;
  REM_DIALECT_PUSH(d->demands, kept, err);
  *kept = made;
  return REM_OK;
}

/* Instants that are no column's any more are compared as instants by a collation of their own. */
static rem_status compare_as_instants(rem_dialect *d, rem_token_range operand, rem_error *err) {
  rem_edit *edit;
  rem_token *first = &d->tokens.items[operand.begin];
  REM_TRY(rem_dialect__edit_tokens(d, operand, &edit, err));
  if (operand.end - operand.begin == 1 && first->kind == REM_TOKEN_PARAMETER) {
    first->made = true;
    return rem_dialect__put(d, edit, err, "?%u COLLATE rem_instant", first->number);
  }
  REM_TRY(rem_dialect__copy(d, edit, operand, NULL, err));
  return rem_dialect__put(d, edit, err, " COLLATE rem_instant");
}

/* Is one side instants without the collation of a column, and the other nothing that must be text? */
static bool loses_collation(const rem_typed *left, const rem_typed *right) {
  bool left_is = left->type == REM_DIALECT_INSTANT, right_is = right->type == REM_DIALECT_INSTANT;
  if (!left_is && !right_is)
    return false;
  if ((left_is && left->column) || (right_is && right->column) || left->null || right->null)
    return false;
  const rem_typed *other = left_is ? right : left;
  return !(other->column && other->type != REM_DIALECT_ANY && other->type != REM_DIALECT_INSTANT);
}

static rem_status check_pair(const comparison *c, rem_token_range left, rem_token_range right, rem_error *err) {
  rem_typed a = rem_dialect__type_of(c->d, c->block, left), b = rem_dialect__type_of(c->d, c->block, right);
  REM_TRY(demand(c, left, &a, right, err));
  REM_TRY(demand(c, right, &b, left, err));
  return loses_collation(&a, &b) ? compare_as_instants(c->d, left, err) : REM_OK;
}

/* `col = …` of UPDATE … SET gives a value, it does not compare. */
static void pass_over_assignments(rem_dialect *d) {
  for (uint32_t b = 0; b < d->blocks.count; b++) {
    rem_token_range rest = d->blocks.items[b].results, item;
    while (d->blocks.items[b].writes && rem_dialect__next_item(d, &rest, &item))
      for (uint32_t i = item.begin; i < item.end; i = rem_dialect__step(d, i))
        if (rem_dialect__kind(d, i) == REM_TOKEN_EQUAL) {
          d->tokens.items[i].made = true;
          break;
        }
  }
}

/* IS [NOT] [DISTINCT FROM]: behind its words. IS TRUE asks something else. */
static uint32_t behind_is(const rem_dialect *d, uint32_t i) {
  i++;
  if (rem_dialect__is(d, i, REM_WORD_NOT)) i++;
  if (rem_dialect__is(d, i, REM_WORD_DISTINCT) && rem_dialect__is(d, i + 1, REM_WORD_FROM)) i += 2;
  return i;
}

static rem_status check_operator(comparison *c, uint32_t token, rem_error *err) {
  const rem_dialect *d = c->d;
  bool is = rem_dialect__is(d, token, REM_WORD_IS);
  uint32_t next = is ? behind_is(d, token) : token + 1;
  rem_token_range left = operand_before(d, token), right = operand_at(d, next);
  if (empty(left) || empty(right) || !ends_before(d, right.end) || (is && is_truth(c->d, c->block, next)))
    return REM_OK;
  rem_token_kind kind = rem_dialect__kind(d, token);
  c->ordered = kind >= REM_TOKEN_LESS && kind <= REM_TOKEN_GREATER_EQUAL;
  return check_pair(c, left, right, err);
}

/* The operand before `token`, or before the NOT there. */
static rem_token_range operand_before_not(const rem_dialect *d, uint32_t token) {
  return operand_before(d, rem_dialect__is(d, token - 1, REM_WORD_NOT) ? token - 1 : token);
}

static rem_status check_between(comparison *c, uint32_t token, rem_error *err) {
  rem_dialect *d = c->d;
  rem_token_range left = operand_before_not(d, token), low = operand_at(d, token + 1);
  if (empty(left) || empty(low) || !rem_dialect__is(d, low.end, REM_WORD_AND))
    return REM_OK;
  rem_token_range high = operand_at(d, low.end + 1);
  if (empty(high) || !ends_before(d, high.end))
    return REM_OK;
  c->ordered = true;
  rem_typed a = rem_dialect__type_of(d, c->block, left), b = rem_dialect__type_of(d, c->block, low), e = rem_dialect__type_of(d, c->block, high);
  REM_TRY(demand(c, left, &a, low, err));
  REM_TRY(demand(c, left, &a, high, err));
  REM_TRY(demand(c, low, &b, left, err));
  REM_TRY(demand(c, high, &e, left, err));
  return loses_collation(&a, &b) || loses_collation(&a, &e) ? compare_as_instants(d, left, err) : REM_OK;
}

/* IN (VALUES (1), (2)): a list in other words. */
static rem_status check_values(const comparison *c, rem_token_range left, const rem_typed *typed, rem_token_range rows, rem_error *err) {
  const rem_dialect *d = c->d;
  rem_token_range row;
  while (rem_dialect__next_item(d, &rows, &row))
    if (row.begin < row.end && rem_dialect__kind(d, row.begin) == REM_TOKEN_OPEN && rem_dialect__token(d, row.begin)->partner + 1 == row.end)
      REM_TRY(demand(c, left, typed, (rem_token_range){row.begin + 1, row.end - 1}, err));
  return REM_OK;
}

static rem_status check_in(comparison *c, uint32_t token, rem_error *err) {
  rem_dialect *d = c->d;
  rem_token_range left = operand_before_not(d, token), item;
  if (empty(left) || rem_dialect__kind(d, token + 1) != REM_TOKEN_OPEN)
    return REM_OK;
  rem_typed typed = rem_dialect__type_of(d, c->block, left);
  rem_token_range rest = {token + 2, rem_dialect__token(d, token + 1)->partner};
  if (rem_dialect__is(d, rest.begin, REM_WORD_VALUES))
    REM_TRY(check_values(c, left, &typed, (rem_token_range){rest.begin + 1, rest.end}, err));
  if (rem_dialect__starts_query(d, rest.begin)) {
    rem_typed given = rem_dialect__type_of(d, c->block, (rem_token_range){token + 1, rest.end + 1});
    return loses_collation(&typed, &given) ? compare_as_instants(d, left, err) : REM_OK;
  }
  while (rem_dialect__next_item(d, &rest, &item))
    REM_TRY(demand(c, left, &typed, item, err));
  return typed.type == REM_DIALECT_INSTANT && !typed.column ? compare_as_instants(d, left, err) : REM_OK;
}

/* CASE x WHEN 'a' THEN …: x is compared with each. */
static rem_status check_case(comparison *c, uint32_t token, rem_error *err) {
  rem_dialect *d = c->d;
  rem_token_range base = operand_at(d, token + 1);
  uint32_t end = rem_dialect__token(d, token)->partner;
  if (empty(base) || end == NONE || !rem_dialect__is(d, base.end, REM_WORD_WHEN))
    return REM_OK;
  rem_typed typed = rem_dialect__type_of(d, c->block, base);
  for (uint32_t i = base.end; i < end; i = rem_dialect__step(d, i)) {
    rem_token_range value = {i + 1, i + 1};
    if (!rem_dialect__is(d, i, REM_WORD_WHEN))
      continue;
    while (value.end < end && !rem_dialect__is(d, value.end, REM_WORD_THEN))
      value.end = rem_dialect__step(d, value.end);
    REM_TRY(demand(c, base, &typed, value, err));
  }
  return typed.type == REM_DIALECT_INSTANT && !typed.column ? compare_as_instants(d, base, err) : REM_OK;
}

/* ORDER BY over a UNION names its results, not the columns of the first block. */
static bool is_in_compound_order(const rem_dialect *d, const rem_place *place) {
  const rem_query *query = &d->queries.items[d->blocks.items[place->block].query];
  return query->block_count > 1 && place->token >= query->order.begin && place->token < query->order.end;
}

rem_status rem_dialect__check_comparisons(rem_dialect *d, rem_error *err) {
  pass_over_assignments(d);
  for (uint32_t i = 0; d->catalog->column_type && i < d->comparisons.count; i++) {
    const rem_place *place = &d->comparisons.items[i];
    comparison c = {.d = d, .block = place->block};
    if (is_in_compound_order(d, place) || rem_dialect__token(d, place->token)->made)
      continue;
    if (rem_dialect__is(d, place->token, REM_WORD_BETWEEN))
      REM_TRY(check_between(&c, place->token, err));
    else if (rem_dialect__is(d, place->token, REM_WORD_IN))
      REM_TRY(check_in(&c, place->token, err));
    else
      REM_TRY(check_operator(&c, place->token, err));
  }
  for (uint32_t i = 0; d->catalog->column_type && i < d->choices.count; i++) {
    const rem_place *place = &d->choices.items[i];
    comparison c = {.d = d, .block = place->block};
    if (rem_dialect__is(d, place->token, REM_WORD_CASE) && !is_in_compound_order(d, place)) REM_TRY(check_case(&c, place->token, err));
  }
  return REM_OK;
}
