/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: WITH, blocks joined by UNION and the like, ORDER BY, LIMIT. */
#include "dialect/dialect_internal.h"

rem_status rem_dialect__new_query(rem_dialect *d, uint32_t parent, uint32_t *ret_query, rem_error *err) {
  rem_query *query;
  REM_DIALECT_PUSH(d->queries, query, err);
  query->parent = parent;
  query->first_block = query->open = NONE;
  *ret_query = d->queries.count - 1;
  return REM_OK;
}

rem_status rem_dialect__new_block(rem_dialect *d, uint32_t query, uint32_t parent, uint32_t *ret_block, rem_error *err) {
  rem_block *block;
  if (d->blocks.count >= REM_DIALECT_BLOCK_COUNT_MAX)
    return rem_error_set(err, REM_LIMIT, "the statement has more than %u SELECTs", REM_DIALECT_BLOCK_COUNT_MAX);
  REM_DIALECT_PUSH(d->blocks, block, err);
  *block = (rem_block){.query = query, .parent = parent, .next = NONE, .first_reference = NONE, .last_reference = NONE,
                        .scored = NONE};
  *ret_block = d->blocks.count - 1;
  return REM_OK;
}

/* name [(columns)] AS [[NOT] MATERIALIZED] (query) */
static rem_status parse_cte(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t query, uint32_t parent_block,
                            rem_error *err) {
  uint32_t i = *at;
  rem_cte *cte;
  if (d->ctes.count >= REM_DIALECT_CTE_COUNT_MAX)
    return rem_dialect__fail(d, i, REM_LIMIT, err, "more than %u queries in WITH", REM_DIALECT_CTE_COUNT_MAX);
  REM_DIALECT_PUSH(d->ctes, cte, err);
  uint32_t c = d->ctes.count - 1;
  *cte = (rem_cte){query, i++, NONE};
  if (rem_dialect__kind(d, i) == REM_TOKEN_OPEN) i = rem_dialect__token(d, i)->partner + 1;
  while (i < limit && rem_dialect__kind(d, i) == REM_TOKEN_NAME)
    i++;
  *at = i;
  if (i >= limit || rem_dialect__kind(d, i) != REM_TOKEN_OPEN)
    return REM_OK;
  uint32_t inside = i + 1, close = rem_dialect__token(d, i)->partner;
  if (!rem_dialect__starts_query(d, inside))
    return rem_dialect__fail(d, inside, REM_UNSUPPORTED, err, "WITH takes queries only");
  if (++d->depth > REM_DIALECT_DEPTH_MAX)
    return rem_dialect__fail(d, i, REM_LIMIT, err, "nested deeper than %u", REM_DIALECT_DEPTH_MAX);
  d->ctes.items[c].open = i;
  REM_TRY(rem_dialect__parse_query(d, &inside, close, query, parent_block, false, err));
  d->depth--;
  *at = close + 1;
  return REM_OK;
}

rem_status rem_dialect__parse_with(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t query, uint32_t parent_block,
                                   rem_error *err) {
  uint32_t i = *at + 1;
  if (rem_dialect__is(d, i, REM_WORD_RECURSIVE)) i++;
  while (i < limit && rem_dialect__is_name(d, i)) {
    REM_TRY(parse_cte(d, &i, limit, query, parent_block, err));
    if (i >= limit || rem_dialect__kind(d, i) != REM_TOKEN_COMMA)
      break;
    i++;
  }
  *at = i;
  return REM_OK;
}

/* A clause from behind its keyword (`words` of them) to the next clause. */
static rem_status parse_clause(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t block, uint32_t words,
                               rem_token_range *ret_range, rem_error *err) {
  rem_token_range range = {*at + words, 0};
  *at = range.begin;
  REM_TRY(rem_dialect__scan(d, at, limit, block, REM_STOP_CLAUSE, err));
  range.end = *at;
  *ret_range = range;
  return REM_OK;
}

/* The clauses behind FROM, in any order: SQLite minds the order. */
static rem_status parse_clauses(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t b, rem_error *err) {
  rem_token_range where = {0}, group = {0}, having = {0}, window = {0};
  for (bool more = true; more && *at < limit;) {
    switch (rem_dialect__token(d, *at)->word) {
    case REM_WORD_WHERE:
      REM_TRY(parse_clause(d, at, limit, b, 1, &where, err));
      break;
    case REM_WORD_GROUP:
      REM_TRY(parse_clause(d, at, limit, b, 2, &group, err));
      break;
    case REM_WORD_HAVING:
      REM_TRY(parse_clause(d, at, limit, b, 1, &having, err));
      break;
    case REM_WORD_WINDOW:
      REM_TRY(parse_clause(d, at, limit, b, 1, &window, err));
      break;
    default:
      more = false;
    }
  }
  rem_block *block = &d->blocks.items[b];
  block->where = where;
  block->group = group;
  block->having = having;
  block->window = window;
  return REM_OK;
}

static rem_status parse_select(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t b, rem_error *err) {
  uint32_t begin = ++*at;
  if (rem_dialect__is(d, begin, REM_WORD_DISTINCT) || rem_dialect__is(d, begin, REM_WORD_ALL)) {
    d->blocks.items[b].distinct = rem_dialect__is(d, begin, REM_WORD_DISTINCT);
    begin = ++*at;
  }
  REM_TRY(rem_dialect__scan(d, at, limit, b, REM_STOP_CLAUSE, err));
  d->blocks.items[b].results = (rem_token_range){begin, *at};
  if (*at < limit && rem_dialect__is(d, *at, REM_WORD_FROM)) {
    uint32_t from = ++*at;
    REM_TRY(rem_dialect__parse_from(d, at, limit, b, err));
    d->blocks.items[b].from = (rem_token_range){from, *at};
  }
  return parse_clauses(d, at, limit, b, err);
}

static rem_status parse_block(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t b, rem_error *err) {
  uint32_t begin = *at;
  if (rem_dialect__is(d, begin, REM_WORD_VALUES)) {
    d->blocks.items[b].values = true;
    ++*at;
    REM_TRY(rem_dialect__scan(d, at, limit, b, REM_STOP_CLAUSE, err));
    d->blocks.items[b].results = (rem_token_range){begin + 1, *at};
  } else {
    REM_TRY(parse_select(d, at, limit, b, err));
  }
  d->blocks.items[b].whole = (rem_token_range){begin, *at};
  return REM_OK;
}

/* Steps over UNION [ALL] and the like; false when none is there. */
static bool skip_compound(const rem_dialect *d, uint32_t *at, uint32_t limit) {
  if (*at >= limit)
    return false;
  rem_word word = (rem_word)rem_dialect__token(d, *at)->word;
  if (word != REM_WORD_UNION && word != REM_WORD_EXCEPT && word != REM_WORD_INTERSECT)
    return false;
  ++*at;
  if (rem_dialect__is(d, *at, REM_WORD_ALL)) ++*at;
  return true;
}

static rem_status parse_blocks(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t q, uint32_t parent_block,
                               rem_error *err) {
  uint32_t previous = NONE;
  do {
    if (!rem_dialect__is(d, *at, REM_WORD_SELECT) && !rem_dialect__is(d, *at, REM_WORD_VALUES))
      return REM_OK; /* not a query: SQLite will say so */
    uint32_t b = NONE;
    REM_TRY(rem_dialect__new_block(d, q, parent_block, &b, err));
    if (previous == NONE)
      d->queries.items[q].first_block = b;
    else
      d->blocks.items[previous].next = b;
    d->queries.items[q].block_count++;
    previous = b;
    REM_TRY(parse_block(d, at, limit, b, err));
  } while (skip_compound(d, at, limit));
  return REM_OK;
}

/* ORDER BY and LIMIT belong to the query; what stands in them is noted as the first block's. */
static rem_status parse_tail(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t q, rem_error *err) {
  uint32_t b = d->queries.items[q].first_block;
  rem_token_range range;
  if (*at < limit && rem_dialect__is(d, *at, REM_WORD_ORDER)) {
    REM_TRY(parse_clause(d, at, limit, b, 2, &range, err));
    d->queries.items[q].order = range;
  }
  if (*at < limit && rem_dialect__is(d, *at, REM_WORD_LIMIT)) {
    REM_TRY(parse_clause(d, at, limit, b, 1, &range, err));
    d->queries.items[q].limit = range;
  }
  return REM_OK;
}

rem_status rem_dialect__parse_query(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t parent_query,
                                    uint32_t parent_block, bool outermost, rem_error *err) {
  uint32_t q = NONE;
  REM_TRY(rem_dialect__new_query(d, parent_query, &q, err));
  if (*at > 0 && rem_dialect__kind(d, *at - 1) == REM_TOKEN_OPEN) d->queries.items[q].open = *at - 1;
  if (rem_dialect__is(d, *at, REM_WORD_WITH)) REM_TRY(rem_dialect__parse_with(d, at, limit, q, parent_block, err));
  uint32_t begin = *at;
  REM_TRY(parse_blocks(d, at, limit, q, parent_block, err));
  d->queries.items[q].end_of_blocks = *at;
  if (d->queries.items[q].first_block != NONE) REM_TRY(parse_tail(d, at, limit, q, err));
  d->queries.items[q].whole = (rem_token_range){begin, *at};
  d->queries.items[q].outermost = outermost;
  return REM_OK;
}
