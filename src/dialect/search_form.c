/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a block with searches becomes (D18). With r the table searched and q what is searched for:
 *
 * In place, when rows come out one by one in the order of the search: a condition becomes `r._cosine = q` (with a threshold
 * `r._cosine = q AND r._min_score = x AND r._score > x`), and the query gets ORDER BY r._score DESC, LIMIT 10 unless it has its own.
 *
 * As a ranked table, when a ranking block counts, groups, sorts or is part of a UNION: the LIMIT then chooses the rows that are counted,
 * grouped or sorted, so r becomes
 *
 *   (SELECT * FROM r WHERE r._cosine = q AND … ORDER BY r._score DESC LIMIT n) AS r
 *
 * with all conditions of the block inside. In a join they cannot move there as they are; instead
 * `r.id IN (SELECT r.id FROM <the same join> WHERE <the same conditions>)` stands there, so that rows without a partner are not counted (unless
 * the others are joined by LEFT JOIN and WHERE does not look at them).
 *
 * (Windows of LIMIT over joined rows would need all columns renamed; the ids do not.)
 */
#include "dialect/search_form.h"

#include <string.h>

static bool is_searched(const rem_form *f, const rem_call *call) {
  return rem_form__leader(f, call)->role != REM_ROLE_SCORE;
}

/* The name of the reference, then `text`. */
rem_status rem_form__put_of(rem_form *f, rem_edit *edit, uint32_t reference, const char *text, rem_error *err) {
  uint32_t name = rem_dialect__visible_name(&f->d->references.items[reference]);
  REM_TRY(rem_dialect__put_token(f->d, edit, name, err));
  return rem_dialect__put(f->d, edit, err, "%s", text);
}

static rem_status put_argument(rem_form *f, rem_edit *edit, const rem_call *call, rem_error *err) {
  bool simple = call->argument.end - call->argument.begin == 1;
  if (!simple) REM_TRY(rem_dialect__put(f->d, edit, err, "("));
  REM_TRY(rem_dialect__copy(f->d, edit, call->argument, NULL, err));
  return simple ? REM_OK : rem_dialect__put(f->d, edit, err, ")");
}

/* ------------------------------------------------------------------------------------------- */
/* Calls where their value is wanted */

static rem_status edit_call(rem_form *f, const rem_call *call, rem_error *err) {
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(f->d, call->whole, &edit, err));
  bool of_ranked = f->rank != NONE && call->reference == rem_form__call(f, f->rank)->reference;
  if (is_searched(f, call)) {
    f->score_used |= of_ranked && call->role != REM_ROLE_RANK && call->role != REM_ROLE_THRESHOLD;
    REM_TRY(rem_form__put_of(f, edit, call->reference, "._score", err));
  } else {
    f->vector_used[call->slot] |= of_ranked;
    REM_TRY(rem_dialect__put(f->d, edit, err, "_rem_score('%s', '%s', %d, ", rem_dialect__metric_names[call->metric],
                             f->d->references.items[call->reference].table.name, call->slot));
    REM_TRY(rem_form__put_of(f, edit, call->reference, call->slot ? "._vector_alt, " : "._vector, ", err));
    REM_TRY(rem_dialect__copy(f->d, edit, call->argument, NULL, err));
    REM_TRY(rem_dialect__put(f->d, edit, err, ")"));
  }
  /* A term of ORDER BY without a direction ranks: best first. */
  rem_token_range self = rem_dialect__widened(f->d, call->whole);
  if (!rem_form__contains(rem_form__query(f)->order, call->whole.begin) || call->metric == REM_METRIC_L2)
    return REM_OK;
  rem_token_range rest = rem_form__query(f)->order, item;
  while (rem_dialect__next_item(f->d, &rest, &item)) {
    bool term = item.begin == self.begin && (item.end == self.end || rem_dialect__kind(f->d, self.end) == REM_TOKEN_NAME);
    if (term && !rem_dialect__is(f->d, self.end, REM_WORD_ASC) && !rem_dialect__is(f->d, self.end, REM_WORD_DESC)) {
      REM_TRY(rem_dialect__edit_tokens(f->d, self, &edit, err));
      REM_TRY(rem_dialect__copy(f->d, edit, self, NULL, err));
      return rem_dialect__put(f->d, edit, err, " DESC");
    }
  }
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Conditions */

/* What a threshold compares with, when it is a number or a parameter and the comparison says "at least this good"; else empty. */
static rem_token_range bound_of(const rem_form *f, const rem_call *call) {
  const rem_dialect *d = f->d;
  rem_token_range self = rem_dialect__widened(d, call->whole), c = call->condition, bound;
  bool left = self.begin == c.begin;
  uint32_t op = left ? self.end : self.begin - 1;
  bound = left ? (rem_token_range){op + 1, c.end} : (rem_token_range){c.begin, op};
  rem_token_kind kind = rem_dialect__kind(d, op);
  bool greater = kind == REM_TOKEN_GREATER || kind == REM_TOKEN_GREATER_EQUAL;
  bool less = kind == REM_TOKEN_LESS || kind == REM_TOKEN_LESS_EQUAL;
  bool good = (left == (call->metric != REM_METRIC_L2)) ? greater : less;
  uint32_t last = bound.end - 1, size = bound.end - bound.begin;
  rem_token_kind value = size == 0 ? REM_TOKEN_END : rem_dialect__kind(d, last);
  bool simple = (size == 1 && (value == REM_TOKEN_NUMBER || value == REM_TOKEN_PARAMETER)) ||
                (size == 2 && value == REM_TOKEN_NUMBER && rem_dialect__kind(d, bound.begin) == REM_TOKEN_OPERATOR);
  return good && simple ? bound : (rem_token_range){0, 0};
}

/* No score is better or worse than a text: a search compared with one would find nothing, or everything. */
static rem_status check_threshold(const rem_form *f, const rem_call *call, rem_error *err) {
  rem_dialect *d = f->d;
  rem_token_range self = rem_dialect__widened(d, call->whole), c = call->condition;
  uint32_t i = self.begin == c.begin ? self.end + 1 : c.begin;
  if (i + 1 != (self.begin == c.begin ? c.end : self.begin - 1) || rem_dialect__kind(d, i) != REM_TOKEN_TEXT)
    return REM_OK;
  static const rem_dialect_demand number = {.type = REM_DIALECT_NUMBER, .ordered = true, .converts = true};
  rem_dialect_constant constant = {.kind = REM_DIALECT_CONSTANT_TEXT, .text = rem_dialect__unquoted(d, i)};
  if (!constant.text)
    return rem_error_nomem(err);
  constant.size = strlen(constant.text);
  if (rem_dialect_fits(&number, &constant))
    return REM_OK;
  rem_dialect__fail(d, i, REM_INVALID, err, "%.*s is no number", REM_DIALECT_SHOWN(d, i));
  rem_error_hint(err, "a score is compared with one: embedding.%s('text') %s", rem_dialect__metric_names[call->metric],
                 call->metric == REM_METRIC_L2 ? "< 0.9" : "> 0.7");
  return REM_INVALID;
}

/* r._cosine = q [AND r._min_score = x] */
rem_status rem_form__put_constraint(rem_form *f, rem_edit *edit, uint32_t leader, rem_error *err) {
  const rem_call *call = rem_form__call(f, leader);
  char column[32] = "._";
  strcat(strcat(strcat(column, rem_dialect__metric_names[call->metric]), call->slot ? "_alt" : ""), " = ");
  REM_TRY(rem_form__put_of(f, edit, call->reference, column, err));
  REM_TRY(put_argument(f, edit, call, err));
  for (uint32_t i = 0; i < f->d->calls.count; i++) {
    const rem_call *other = rem_form__call(f, i);
    if (other->leader != leader || other->role != REM_ROLE_THRESHOLD)
      continue;
    REM_TRY(check_threshold(f, other, err));
    if (rem_form__empty(bound_of(f, other)))
      continue;
    REM_TRY(rem_dialect__put(f->d, edit, err, " AND "));
    REM_TRY(rem_form__put_of(f, edit, call->reference, "._min_score = ", err));
    return rem_dialect__copy(f->d, edit, bound_of(f, other), NULL, err);
  }
  return REM_OK;
}

/* The condition that is a search, or is compared with one. */
rem_status rem_form__edit_condition(rem_form *f, uint32_t i, rem_edit **ret_edit, rem_error *err) {
  const rem_call *call = rem_form__call(f, i);
  bool leads = call->leader == i;
  bool in_table = f->ranked_table && f->join && call->leader == f->rank;
  if (call->role == REM_ROLE_THRESHOLD && !leads && !in_table)
    return REM_OK; /* r._score > x, as its call is edited */
  REM_TRY(rem_dialect__edit_tokens(f->d, call->condition, ret_edit, err));
  if (in_table || !leads)
    return rem_dialect__put(f->d, *ret_edit, err, "1");
  REM_TRY(rem_dialect__put(f->d, *ret_edit, err, "("));
  REM_TRY(rem_form__put_constraint(f, *ret_edit, i, err));
  if (call->role == REM_ROLE_THRESHOLD) {
    REM_TRY(rem_dialect__put(f->d, *ret_edit, err, " AND "));
    REM_TRY(rem_dialect__copy(f->d, *ret_edit, call->condition, NULL, err));
  }
  return rem_dialect__put(f->d, *ret_edit, err, ")");
}

/* ORDER BY searches have no condition of their own. */
static rem_status add_condition(rem_form *f, uint32_t leader, rem_error *err) {
  const rem_block *block = &f->d->blocks.items[f->block];
  rem_edit *edit;
  if (rem_form__empty(block->where)) {
    REM_TRY(rem_dialect__edit_tokens(f->d, block->from, &edit, err));
    REM_TRY(rem_dialect__copy(f->d, edit, block->from, NULL, err));
    REM_TRY(rem_dialect__put(f->d, edit, err, " WHERE "));
    return rem_form__put_constraint(f, edit, leader, err);
  }
  REM_TRY(rem_dialect__edit_tokens(f->d, block->where, &edit, err));
  REM_TRY(rem_form__put_constraint(f, edit, leader, err));
  REM_TRY(rem_dialect__put(f->d, edit, err, " AND ("));
  REM_TRY(rem_dialect__copy(f->d, edit, block->where, NULL, err));
  return rem_dialect__put(f->d, edit, err, ")");
}

/* ------------------------------------------------------------------------------------------- */
/* In place */

/* The query's own ORDER BY begins with the order of the search. */
static bool is_ordered_by(const rem_form *f, const rem_call *lead) {
  const rem_dialect *d = f->d;
  rem_token_range rest = rem_form__query(f)->order, item;
  if (!rem_dialect__next_item(d, &rest, &item) || item.begin == item.end)
    return false;
  bool best_is_low = lead->metric == REM_METRIC_L2;
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *call = rem_form__call(f, i);
    rem_token_range self = rem_dialect__widened(d, call->whole);
    if (call->block == f->block && rem_form__leader(f, call) == lead && self.begin == item.begin)
      return self.end == item.end || rem_dialect__is(d, self.end, best_is_low ? REM_WORD_ASC : REM_WORD_DESC);
  }
  uint32_t name = item.begin;
  if (rem_dialect__kind(d, name + 1) == REM_TOKEN_DOT) {
    if (rem_dialect__find_reference(d, f->block, name) != lead->reference)
      return false;
    name += 2;
  }
  if (name >= item.end || !rem_dialect__names(d, name, "_score"))
    return false;
  return name + 1 == item.end ? best_is_low : rem_dialect__is(d, name + 1, best_is_low ? REM_WORD_ASC : REM_WORD_DESC);
}

/* Adds what the query lacks of ORDER BY and LIMIT. */
static rem_status edit_tail(rem_form *f, rem_error *err) {
  const rem_query *query = rem_form__query(f);
  const rem_call *lead = rem_form__call(f, f->lead);
  bool orders = rem_form__empty(query->order) && (f->rank != NONE || query->outermost || !rem_form__empty(query->limit));
  bool limits = rem_form__empty(query->limit) && f->rank != NONE;
  if (!orders && !limits)
    return REM_OK;
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(f->d, query->whole, &edit, err));
  REM_TRY(rem_dialect__copy(f->d, edit, (rem_token_range){query->whole.begin, query->end_of_blocks}, NULL, err));
  REM_TRY(rem_dialect__put(f->d, edit, err, " ORDER BY "));
  if (orders) {
    REM_TRY(rem_form__put_of(f, edit, lead->reference, "._score ", err));
    REM_TRY(rem_dialect__put(f->d, edit, err, "%s", rem_form__direction(lead)));
  } else {
    REM_TRY(rem_dialect__copy(f->d, edit, query->order, NULL, err));
  }
  if (limits) {
    f->d->statement.default_limit = true;
    return rem_dialect__put(f->d, edit, err, " LIMIT %d", REM_DIALECT_DEFAULT_LIMIT);
  }
  if (rem_form__empty(query->limit))
    return REM_OK;
  REM_TRY(rem_dialect__put(f->d, edit, err, " LIMIT "));
  return rem_dialect__copy(f->d, edit, query->limit, NULL, err);
}

static rem_status form_in_place(rem_form *f, rem_error *err) {
  rem_edit *edit;
  for (uint32_t i = 0; i < f->d->calls.count; i++) {
    const rem_call *call = rem_form__call(f, i);
    if (call->block != f->block)
      continue;
    if (call->role == REM_ROLE_RANK || call->role == REM_ROLE_THRESHOLD) REM_TRY(rem_form__edit_condition(f, i, &edit, err));
    if (call->role == REM_ROLE_ORDER && call->leader == i) REM_TRY(add_condition(f, i, err));
  }
  const rem_block *block = &f->d->blocks.items[f->block];
  REM_TRY(rem_form__edit_stars_in_place(f, err));
  bool row_by_row = !block->distinct && !block->gathers && rem_form__empty(block->group) && rem_form__query(f)->block_count == 1;
  return row_by_row ? edit_tail(f, err) : REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

static bool is_in_place(const rem_form *f) {
  const rem_block *block = &f->d->blocks.items[f->block];
  if (f->rank == NONE)
    return true;
  if (block->distinct || block->gathers || !rem_form__empty(block->group) || !rem_form__empty(block->having) || rem_form__query(f)->block_count > 1)
    return false;
  return rem_form__empty(rem_form__query(f)->order) || is_ordered_by(f, rem_form__call(f, f->rank));
}

rem_status rem_dialect__form_block(rem_dialect *d, uint32_t block, rem_error *err) {
  rem_form f = {.d = d, .block = block, .rank = NONE, .lead = NONE};
  bool any = false;
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *call = &d->calls.items[i];
    if (call->block != block)
      continue;
    any = true;
    if (call->leader != i || call->role == REM_ROLE_SCORE)
      continue;
    if (call->role == REM_ROLE_RANK) f.rank = i;
    if (f.lead == NONE || call->role == REM_ROLE_RANK) f.lead = i;
  }
  if (!any)
    return REM_OK;
  for (uint32_t i = 0; i < d->calls.count; i++)
    if (d->calls.items[i].block == block) REM_TRY(edit_call(&f, &d->calls.items[i], err));
  if (f.lead == NONE)
    return REM_OK;
  f.ranked_table = !is_in_place(&f);
  f.join = d->blocks.items[block].reference_count > 1;
  return f.ranked_table ? rem_form__ranked_table(&f, err) : form_in_place(&f, err);
}
