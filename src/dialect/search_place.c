/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a search stands, and so what it means (D18): alone as a condition it ranks, compared it is a threshold, as the first term of ORDER BY it
 * orders, in a result list it is a value. Anywhere else it is an error that says what to do.
 */
#include "dialect/dialect_internal.h"

uint32_t rem_dialect__step(const rem_dialect *d, uint32_t i) {
  uint32_t partner = rem_dialect__token(d, i)->partner;
  return partner != NONE && partner > i ? partner + 1 : i + 1;
}

uint32_t rem_dialect__find_word(const rem_dialect *d, rem_token_range range, rem_word word) {
  bool between = false;
  for (uint32_t i = range.begin; i < range.end; i = rem_dialect__step(d, i)) {
    if (rem_dialect__is(d, i, REM_WORD_BETWEEN)) between = true;
    if (!rem_dialect__is(d, i, word))
      continue;
    if (word != REM_WORD_AND || !between)
      return i;
    between = false;
  }
  return range.end;
}

bool rem_dialect__next_item(const rem_dialect *d, rem_token_range *rest, rem_token_range *ret_item) {
  if (rest->begin >= rest->end)
    return false;
  uint32_t i = rest->begin;
  while (i < rest->end && rem_dialect__kind(d, i) != REM_TOKEN_COMMA)
    i = rem_dialect__step(d, i);
  *ret_item = (rem_token_range){rest->begin, i};
  rest->begin = i + 1;
  return true;
}

static bool contains(rem_token_range range, uint32_t i) {
  return i >= range.begin && i < range.end;
}
static bool same_range(rem_token_range a, rem_token_range b) {
  return a.begin == b.begin && a.end == b.end;
}

/* The call with the parentheses around it alone. */
rem_token_range rem_dialect__widened(const rem_dialect *d, rem_token_range r) {
  while (r.begin > 0 && rem_dialect__kind(d, r.begin - 1) == REM_TOKEN_OPEN &&
         rem_dialect__token(d, r.begin - 1)->partner == r.end && !(r.begin > 1 && rem_dialect__is_name(d, r.begin - 2)))
    r = (rem_token_range){r.begin - 1, r.end + 1};
  return r;
}

static rem_status misplaced(rem_dialect *d, const rem_call *call, const char *where, rem_error *err) {
  rem_dialect__fail(d, call->whole.begin, REM_INVALID, err, "a search cannot stand %s", where);
  rem_error_hint(err, "as a condition it stands alone or compared with a number, joined to others by AND: "
                      "WHERE category = 'a' AND embedding.cosine('text') > 0.7");
  return REM_INVALID;
}

/* ------------------------------------------------------------------------------------------- */
/* Conditions */

/* The one of the conditions joined by AND that holds the call. */
static rem_status find_condition(rem_dialect *d, const rem_call *call, rem_token_range clause, rem_token_range *ret_condition,
                                 rem_error *err) {
  for (;;) {
    if (rem_dialect__find_word(d, clause, REM_WORD_OR) < clause.end)
      return misplaced(d, call, "under OR", err);
    rem_token_range one = {clause.begin, rem_dialect__find_word(d, clause, REM_WORD_AND)};
    while (one.end < clause.end && !contains(one, call->whole.begin)) {
      rem_token_range rest = {one.end + 1, clause.end};
      one = (rem_token_range){rest.begin, rem_dialect__find_word(d, rest, REM_WORD_AND)};
    }
    bool whole = rem_dialect__kind(d, one.begin) == REM_TOKEN_OPEN && rem_dialect__token(d, one.begin)->partner + 1 == one.end;
    if (!whole || same_range(one, rem_dialect__widened(d, call->whole))) {
      *ret_condition = one;
      return REM_OK;
    }
    clause = (rem_token_range){one.begin + 1, one.end - 1};
  }
}

static bool is_comparison(const rem_dialect *d, uint32_t i) {
  rem_token_kind kind = rem_dialect__kind(d, i);
  return (kind >= REM_TOKEN_EQUAL && kind <= REM_TOKEN_GREATER_EQUAL) || rem_dialect__is(d, i, REM_WORD_BETWEEN);
}

/* Another search at the beginning of the condition, which then is the threshold and this one a value. */
static bool another_leads(const rem_dialect *d, const rem_call *call, rem_token_range condition) {
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *other = &d->calls.items[i];
    if (other != call && other->block == call->block && rem_dialect__widened(d, other->whole).begin == condition.begin)
      return true;
  }
  return false;
}

static rem_status place_condition(rem_dialect *d, rem_call *call, rem_token_range clause, rem_error *err) {
  rem_token_range condition, self = rem_dialect__widened(d, call->whole);
  REM_TRY(find_condition(d, call, clause, &condition, err));
  call->condition = condition;
  if (same_range(condition, self)) {
    call->role = REM_ROLE_RANK;
    return REM_OK;
  }
  if (rem_dialect__is(d, condition.begin, REM_WORD_NOT))
    return misplaced(d, call, "under NOT", err);
  if (self.begin == condition.begin && is_comparison(d, self.end)) {
    call->role = REM_ROLE_THRESHOLD;
    return REM_OK;
  }
  if (self.end == condition.end && self.begin > condition.begin && is_comparison(d, self.begin - 1)) {
    call->role = another_leads(d, call, condition) ? REM_ROLE_SCORE : REM_ROLE_THRESHOLD;
    return REM_OK;
  }
  return misplaced(d, call, "inside an expression", err);
}

/* ------------------------------------------------------------------------------------------- */
/* ORDER BY */

/* `range` is all of an item of ORDER BY but its direction. */
static bool is_whole_term(const rem_dialect *d, rem_token_range item, rem_token_range range) {
  return range.begin == item.begin && (range.end == item.end || rem_dialect__kind(d, range.end) == REM_TOKEN_NAME);
}

/* Rows come out one by one, as they are scanned: then an order of the block is an order of its scan. */
static bool is_row_by_row(const rem_block *block) {
  return !block->distinct && !block->gathers && block->group.begin == block->group.end;
}

static void place_order(rem_dialect *d, rem_call *call) {
  const rem_block *block = &d->blocks.items[call->block];
  rem_token_range rest = d->queries.items[block->query].order, item, self = rem_dialect__widened(d, call->whole);
  bool first = rem_dialect__next_item(d, &rest, &item) && is_whole_term(d, item, self);
  call->role = first && is_row_by_row(block) ? REM_ROLE_ORDER : REM_ROLE_SCORE;
  call->condition = self;
}

/* A value whose alias is the first term of ORDER BY, best first, with a LIMIT: then it is a search too. */
static void place_alias(rem_dialect *d, rem_call *call) {
  const rem_query *query = &d->queries.items[d->blocks.items[call->block].query];
  rem_token_range rest = d->blocks.items[call->block].results, item, order = query->order, first;
  if (!is_row_by_row(&d->blocks.items[call->block]) || query->limit.begin == query->limit.end || !rem_dialect__next_item(d, &order, &first))
    return;
  while (rem_dialect__next_item(d, &rest, &item)) {
    uint32_t alias = rem_dialect__item_alias(d, item);
    rem_word wanted = call->metric == REM_METRIC_L2 ? REM_WORD_ASC : REM_WORD_DESC;
    if (!contains(item, call->whole.begin) || alias == NONE || item.begin != call->whole.begin ||
        !rem_dialect__same_name(d, alias, first.begin) || first.end - first.begin > 2)
      continue;
    bool stated = first.end - first.begin == 2;
    if (stated ? !rem_dialect__is(d, first.begin + 1, wanted) : call->metric != REM_METRIC_L2)
      continue;
    if (call->whole.end == alias || (call->whole.end + 1 == alias && rem_dialect__is(d, call->whole.end, REM_WORD_AS))) {
      call->role = REM_ROLE_ORDER;
      call->condition = call->whole;
    }
  }
}

/* ------------------------------------------------------------------------------------------- */
/* The table that is searched */

static rem_status no_vectors(rem_dialect *d, const rem_call *call, uint32_t r, rem_error *err) {
  const rem_reference *reference = &d->references.items[r];
  uint32_t name = rem_dialect__visible_name(reference);
  if (reference->kind == REM_REFERENCE_TABLE) {
    rem_dialect__fail(d, call->whole.begin, REM_INVALID, err, "table '%s' has no vectors", reference->table.name);
    rem_error_hint(err, reference->table.read_only ? "SEARCH 'text' finds in every table"
                                                   : "its schema needs embedding_fields: [\"…\"]");
    return REM_INVALID;
  }
  if (reference->kind == REM_REFERENCE_SUBQUERY && reference->alias == NONE)
    rem_dialect__fail(d, call->whole.begin, REM_INVALID, err, "a search needs a table, not a query in FROM");
  else
    rem_dialect__fail(d, call->whole.begin, REM_INVALID, err, "a search needs a table; '%.*s' is %s", REM_DIALECT_SHOWN(d, name),
                      reference->kind == REM_REFERENCE_FUNCTION ? "a function" : "a query");
  rem_error_hint(err, "put the search into the query that reads the table");
  return REM_INVALID;
}

/* Without a qualifier: the one table of the block that has vectors. */
static rem_status find_unqualified(rem_dialect *d, const rem_call *call, uint32_t block, uint32_t *ret_reference,
                                   rem_error *err) {
  uint32_t found = NONE, other = d->blocks.items[block].first_reference;
  for (uint32_t r = other; r != NONE; r = d->references.items[r].next) {
    const rem_reference *reference = &d->references.items[r];
    if (reference->kind != REM_REFERENCE_TABLE || !reference->table.embedded)
      continue;
    if (found != NONE) {
      uint32_t a = rem_dialect__visible_name(&d->references.items[found]), b = rem_dialect__visible_name(reference);
      rem_dialect__fail(d, call->whole.begin, REM_INVALID, err, "'embedding' could be of '%.*s' or of '%.*s'",
                        REM_DIALECT_SHOWN(d, a), REM_DIALECT_SHOWN(d, b));
      rem_error_hint(err, "write %.*s.embedding.%s(…)", REM_DIALECT_SHOWN(d, a), rem_dialect__metric_names[call->metric]);
      return REM_INVALID;
    }
    found = r;
  }
  if (found == NONE && other != NONE)
    return no_vectors(d, call, other, err);
  *ret_reference = found;
  return REM_OK;
}

static rem_status find_searched(rem_dialect *d, rem_call *call, rem_error *err) {
  uint32_t r = NONE;
  if (call->qualifier != NONE) {
    r = rem_dialect__find_reference(d, call->block, call->qualifier);
    if (r == NONE) {
      rem_dialect__fail(d, call->qualifier, REM_UNKNOWN, err, "nothing in FROM is called '%.*s'",
                        REM_DIALECT_SHOWN(d, call->qualifier));
      return REM_UNKNOWN;
    }
  } else {
    for (uint32_t b = call->block; b != NONE && r == NONE; b = d->blocks.items[b].parent)
      REM_TRY(find_unqualified(d, call, b, &r, err));
    if (r == NONE)
      return rem_dialect__fail(d, call->whole.begin, REM_INVALID, err, "a search needs a table in FROM");
  }
  const rem_reference *reference = &d->references.items[r];
  if (reference->kind != REM_REFERENCE_TABLE || !reference->table.embedded)
    return no_vectors(d, call, r, err);
  call->reference = r;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

/* The condition of ON in which the call stands; NONE. */
static uint32_t find_on(const rem_dialect *d, const rem_call *call) {
  for (uint32_t r = d->blocks.items[call->block].first_reference; r != NONE; r = d->references.items[r].next)
    if (contains(d->references.items[r].on, call->whole.begin))
      return r;
  return NONE;
}

static rem_status refuse_write(rem_dialect *d, const rem_call *call, rem_error *err) {
  const rem_reference *target = &d->references.items[call->reference];
  rem_dialect__fail(d, call->whole.begin, REM_INVALID, err, "UPDATE and DELETE take no search");
  rem_error_hint(err, "choose the rows first: WHERE id IN (SELECT id FROM %s WHERE embedding.%s('text') LIMIT 10)",
                 target->table.name, rem_dialect__metric_names[call->metric]);
  return REM_INVALID;
}

static rem_status place_in_clause(rem_dialect *d, rem_call *call, rem_error *err) {
  const rem_block *block = &d->blocks.items[call->block];
  const rem_query *query = &d->queries.items[block->query];
  uint32_t i = call->whole.begin, on = find_on(d, call);
  if (contains(block->results, i)) {
    if (block->values)
      return misplaced(d, call, "in VALUES", err);
    place_alias(d, call);
    return REM_OK;
  }
  if (contains(block->where, i))
    return place_condition(d, call, block->where, err);
  if (on != NONE && d->references.items[on].on_outer)
    return misplaced(d, call, "in the ON of an outer join", err);
  if (on != NONE)
    return place_condition(d, call, d->references.items[on].on, err);
  if (contains(query->order, i)) {
    if (query->block_count > 1)
      return misplaced(d, call, "in the ORDER BY of a UNION", err);
    place_order(d, call);
    return REM_OK;
  }
  return misplaced(d, call, contains(block->group, i) ? "in GROUP BY" : contains(block->having, i) ? "in HAVING" : "here", err);
}

/* What is searched for must be known before the table is read. */
static rem_status refuse_own_rows(rem_dialect *d, const rem_call *call, rem_error *err) {
  for (uint32_t i = call->argument.begin; i < call->argument.end; i++) {
    if (rem_dialect__kind(d, i) == REM_TOKEN_OPEN && rem_dialect__starts_query(d, i + 1)) {
      i = rem_dialect__token(d, i)->partner;
      continue;
    }
    bool vector = d->text[rem_dialect__token(d, i)->begin] == '[';
    if (!rem_dialect__is_name(d, i) || vector || rem_dialect__kind(d, i + 1) == REM_TOKEN_OPEN || rem_dialect__kind(d, i - 1) == REM_TOKEN_DOT)
      continue;
    if (!rem_dialect__is_column_of(d, call->block, i, call->reference))
      continue;
    rem_dialect__fail(d, i, REM_INVALID, err, "what is searched for may not depend on the row that is searched");
    rem_error_hint(err, "it is a text, a parameter, a vector, or a column of another table");
    return REM_INVALID;
  }
  return REM_OK;
}

rem_status rem_dialect__place_call(rem_dialect *d, rem_call *call, rem_error *err) {
  REM_TRY(find_searched(d, call, err));
  if (d->blocks.items[call->block].writes)
    return refuse_write(d, call, err);
  REM_TRY(place_in_clause(d, call, err));
  const rem_reference *reference = &d->references.items[call->reference];
  if (call->role == REM_ROLE_SCORE)
    return REM_OK;
  REM_TRY(refuse_own_rows(d, call, err));
  bool optional = reference->optional, outside = reference->block != call->block;
  if (call->role == REM_ROLE_ORDER && (optional || outside)) {
    call->role = REM_ROLE_SCORE;
    return REM_OK;
  }
  if (optional)
    return misplaced(d, call, "on the optional side of a join", err);
  if (outside)
    return misplaced(d, call, "in a query inside the one that reads its table", err);
  return REM_OK;
}
