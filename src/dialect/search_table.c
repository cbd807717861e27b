/* SPDX-License-Identifier: Apache-2.0 */
/* The second form of search_form.c: the table that is searched becomes a ranked, limited table of its own. */
#include "dialect/search_form.h"

/* LIMIT of the ranked table: the query's own; of a UNION as many rows as all of it may give. */
static rem_status put_limit(rem_form *f, rem_edit *edit, rem_error *err) {
  const rem_query *query = rem_form__query(f);
  rem_dialect *d = f->d;
  if (rem_form__empty(query->limit)) {
    d->statement.default_limit = true;
    return rem_dialect__put(d, edit, err, " LIMIT %d", REM_DIALECT_DEFAULT_LIMIT);
  }
  REM_TRY(rem_dialect__put(d, edit, err, " LIMIT "));
  if (query->block_count == 1)
    return rem_dialect__copy(d, edit, query->limit, f->outer_limit, err);
  rem_token_range rest = query->limit, first, second;
  rem_dialect__next_item(d, &rest, &first);
  bool comma = rem_dialect__next_item(d, &rest, &second);
  uint32_t word = rem_dialect__find_word(d, query->limit, REM_WORD_OFFSET);
  rem_token_range count = comma ? second : (rem_token_range){query->limit.begin, word};
  rem_token_range offset = comma ? first : (rem_token_range){word + 1, query->limit.end};
  if (!comma && word >= query->limit.end)
    return rem_dialect__copy(d, edit, count, NULL, err);
  /* Halves of what an integer holds, so that the sum is one. */
  REM_TRY(rem_dialect__put(d, edit, err, "CASE WHEN ("));
  REM_TRY(rem_dialect__copy(d, edit, count, NULL, err));
  REM_TRY(rem_dialect__put(d, edit, err, ") < 0 THEN -1 ELSE min(("));
  REM_TRY(rem_dialect__copy(d, edit, count, NULL, err));
  REM_TRY(rem_dialect__put(d, edit, err, "), 4611686018427387904) + min(max(0, ("));
  REM_TRY(rem_dialect__copy(d, edit, offset, NULL, err));
  return rem_dialect__put(d, edit, err, ")), 4611686018427387903) END");
}

/* Does what is searched for depend on a row of this block? */
static bool depends_on_rows(const rem_form *f, rem_token_range argument) {
  const rem_dialect *d = f->d;
  for (uint32_t i = argument.begin; i < argument.end; i++) {
    if (rem_dialect__kind(d, i) == REM_TOKEN_OPEN && rem_dialect__starts_query(d, i + 1)) {
      i = rem_dialect__token(d, i)->partner;
      continue;
    }
    if (rem_dialect__is_name(d, i) && rem_dialect__kind(d, i + 1) != REM_TOKEN_OPEN)
      return true;
  }
  return false;
}

/* The hidden columns that the block uses of a table; bits by position in `hidden`. */
static const char *const hidden[] = {"_doc", "embedding", "embedding_alt", "_vector", "_vector_alt"};
#define HIDDEN_COUNT (sizeof hidden / sizeof hidden[0])

static unsigned hidden_used(const rem_form *f, uint32_t reference) {
  const rem_dialect *d = f->d;
  unsigned used = 0;
  rem_token_range whole = rem_form__query(f)->whole;
  for (uint32_t i = 0; i < d->marks.count; i++) {
    const rem_mark *mark = &d->marks.items[i];
    if (mark->kind != REM_MARK_HIDDEN || !rem_form__contains(whole, mark->token))
      continue;
    if (mark->qualifier != NONE && rem_dialect__find_reference(d, mark->block, mark->qualifier) != reference)
      continue;
    for (size_t k = 0; k < HIDDEN_COUNT; k++)
      if (rem_dialect__names(d, mark->token, hidden[k])) used |= 1u << k;
  }
  if (f->vector_used[0]) used |= 1u << 3;
  if (f->vector_used[1]) used |= 1u << 4;
  return used;
}

static rem_status put_hidden(rem_form *f, rem_edit *edit, uint32_t reference, unsigned used, bool score, rem_error *err) {
  for (size_t k = 0; k < HIDDEN_COUNT; k++) {
    if (!(used & (1u << k)))
      continue;
    REM_TRY(rem_dialect__put(f->d, edit, err, ", "));
    REM_TRY(rem_form__put_of(f, edit, reference, ".", err));
    REM_TRY(rem_dialect__put(f->d, edit, err, "%s AS %s", hidden[k], hidden[k]));
  }
  return score ? rem_dialect__put(f->d, edit, err, ", _score") : REM_OK;
}

static bool score_named(const rem_form *f) {
  rem_token_range whole = rem_form__query(f)->whole;
  for (uint32_t i = 0; i < f->d->marks.count; i++)
    if (f->d->marks.items[i].kind == REM_MARK_SCORE && rem_form__contains(whole, f->d->marks.items[i].token))
      return true;
  return false;
}

/* The condition of the ranking call that begins at `i`; its end, or i. */
static uint32_t skip_ranking(const rem_form *f, uint32_t i) {
  for (uint32_t k = 0; k < f->d->calls.count; k++) {
    const rem_call *call = rem_form__call(f, k);
    bool ranks = call->block == f->block && call->leader == f->rank && (call->role == REM_ROLE_RANK || call->role == REM_ROLE_THRESHOLD);
    if (ranks && call->condition.begin == i)
      return call->condition.end;
  }
  return i;
}

/* Every row of the ranked table comes through the join, and WHERE looks at that table alone: then WHERE can stand inside as it is. */
static bool is_kept_by_join(const rem_form *f) {
  const rem_dialect *d = f->d;
  const rem_block *block = &d->blocks.items[f->block];
  uint32_t reference = rem_form__call(f, f->rank)->reference;
  for (uint32_t r = block->first_reference; r != NONE; r = d->references.items[r].next)
    if (r != reference && !d->references.items[r].optional)
      return false;
  for (uint32_t i = block->where.begin; i < block->where.end; i++) {
    uint32_t after = skip_ranking(f, i);
    if (after > i) {
      i = after - 1;
      continue;
    }
    if (rem_dialect__starts_query(d, i))
      return false;
    bool head = rem_dialect__is_name(d, i) && rem_dialect__kind(d, i + 1) != REM_TOKEN_OPEN && rem_dialect__kind(d, i - 1) != REM_TOKEN_DOT;
    bool keyword = rem_dialect__kind(d, i) == REM_TOKEN_NAME && rem_dialect__token(d, i)->word != REM_WORD_NONE;
    if (head && !keyword && !rem_dialect__is_column_of(f->d, f->block, i, reference))
      return false;
  }
  return true;
}

/* The conditions inside the ranked table. `conditions` are the edits of those that the join must not see. */
static rem_status put_conditions(rem_form *f, rem_edit *edit, rem_edit *const *conditions, rem_error *err) {
  rem_dialect *d = f->d;
  const rem_block *block = &d->blocks.items[f->block];
  uint32_t reference = rem_form__call(f, f->rank)->reference;
  if (!f->join)
    return rem_dialect__copy(d, edit, block->where, NULL, err);
  REM_TRY(rem_form__put_constraint(f, edit, f->rank, err));
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *call = rem_form__call(f, i);
    if (call->block != f->block || call->leader != f->rank || call->role != REM_ROLE_THRESHOLD)
      continue;
    REM_TRY(rem_dialect__put(d, edit, err, " AND "));
    REM_TRY(rem_dialect__copy(d, edit, call->condition, conditions[i], err));
  }
  if (is_kept_by_join(f)) {
    if (rem_form__empty(block->where))
      return REM_OK;
    REM_TRY(rem_dialect__put(d, edit, err, " AND ("));
    REM_TRY(rem_dialect__copy(d, edit, block->where, NULL, err));
    return rem_dialect__put(d, edit, err, ")");
  }
  REM_TRY(rem_dialect__put(d, edit, err, " AND "));
  REM_TRY(rem_form__put_of(f, edit, reference, ".id IN (SELECT ", err));
  REM_TRY(rem_form__put_of(f, edit, reference, ".id FROM ", err));
  REM_TRY(rem_dialect__copy(d, edit, block->from, NULL, err));
  if (!rem_form__empty(block->where)) {
    REM_TRY(rem_dialect__put(d, edit, err, " WHERE "));
    REM_TRY(rem_dialect__copy(d, edit, block->where, NULL, err));
  }
  return rem_dialect__put(d, edit, err, ")");
}

static rem_status edit_table(rem_form *f, rem_edit *const *conditions, unsigned used, bool score, rem_error *err) {
  rem_dialect *d = f->d;
  const rem_call *rank = rem_form__call(f, f->rank);
  rem_token_range whole = d->references.items[rank->reference].whole;
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(d, whole, &edit, err));
  REM_TRY(rem_dialect__put(d, edit, err, "(SELECT *"));
  REM_TRY(put_hidden(f, edit, rank->reference, used, score, err));
  REM_TRY(rem_dialect__put(d, edit, err, " FROM "));
  REM_TRY(rem_dialect__copy(d, edit, whole, NULL, err));
  REM_TRY(rem_dialect__put(d, edit, err, " WHERE "));
  REM_TRY(put_conditions(f, edit, conditions, err));
  REM_TRY(rem_dialect__put(d, edit, err, " ORDER BY "));
  REM_TRY(rem_form__put_of(f, edit, rank->reference, "._score ", err));
  REM_TRY(rem_dialect__put(d, edit, err, "%s", rem_form__direction(rank)));
  REM_TRY(put_limit(f, edit, err));
  REM_TRY(rem_dialect__put(d, edit, err, ") AS "));
  return rem_form__put_of(f, edit, rank->reference, "", err);
}

/* Takes out a clause with its keyword of one word. */
static rem_status drop_clause(rem_form *f, rem_token_range clause, rem_error *err) {
  rem_edit *edit;
  return rem_form__empty(clause) ? REM_OK : rem_dialect__edit_tokens(f->d, (rem_token_range){clause.begin - 1, clause.end}, &edit, err);
}

/* LIMIT stands inside; what is left of it outside is the number of joined rows. */
static rem_status edit_outer_limit(rem_form *f, rem_error *err) {
  const rem_query *query = rem_form__query(f);
  const rem_block *block = &f->d->blocks.items[f->block];
  if (query->block_count > 1 || rem_form__empty(query->limit))
    return REM_OK;
  if (!f->join || block->gathers || block->distinct || !rem_form__empty(block->group))
    return drop_clause(f, query->limit, err);
  rem_token_range rest = query->limit, first, second;
  rem_dialect__next_item(f->d, &rest, &first);
  bool comma = rem_dialect__next_item(f->d, &rest, &second);
  rem_token_range count = comma ? second : (rem_token_range){query->limit.begin, rem_dialect__find_word(f->d, query->limit, REM_WORD_OFFSET)};
  REM_TRY(rem_dialect__edit_tokens(f->d, query->limit, &f->outer_limit, err));
  return rem_dialect__copy(f->d, f->outer_limit, count, NULL, err);
}

/* The expression that a name in WHERE stands for, when it is the alias of a result and no column; else empty. */
static rem_token_range aliased(const rem_form *f, uint32_t name) {
  const rem_dialect *d = f->d;
  rem_token_range rest = d->blocks.items[f->block].results, item;
  while (rem_dialect__next_item(d, &rest, &item)) {
    uint32_t alias = rem_dialect__item_alias(d, item);
    if (alias == NONE || !rem_dialect__same_name(d, alias, name))
      continue;
    return (rem_token_range){item.begin, alias - rem_dialect__is(d, alias - 1, REM_WORD_AS)};
  }
  return (rem_token_range){0, 0};
}

/* SQLite lets WHERE use aliases of results; where it moves into the ranked table there are none, so they are written out. */
static rem_status edit_aliases(rem_form *f, rem_error *err) {
  rem_dialect *d = f->d;
  rem_token_range where = d->blocks.items[f->block].where;
  for (uint32_t i = where.begin; i < where.end; i++) {
    bool alone = rem_dialect__is_name(d, i) && rem_dialect__kind(d, i + 1) != REM_TOKEN_OPEN && rem_dialect__kind(d, i + 1) != REM_TOKEN_DOT &&
                 rem_dialect__kind(d, i - 1) != REM_TOKEN_DOT;
    rem_token_range expression = alone ? aliased(f, i) : (rem_token_range){0, 0};
    if (rem_form__empty(expression))
      continue;
    const char *name = rem_dialect__unquoted(d, i);
    if (!name)
      return rem_error_nomem(err);
    if (rem_dialect__has_column(d, &d->references.items[rem_form__call(f, f->rank)->reference].table, name))
      continue;
    rem_edit *edit;
    REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){i, i + 1}, &edit, err));
    REM_TRY(rem_dialect__put(d, edit, err, "("));
    REM_TRY(rem_dialect__copy(d, edit, expression, NULL, err));
    REM_TRY(rem_dialect__put(d, edit, err, ")"));
  }
  return REM_OK;
}

rem_status rem_form__ranked_table(rem_form *f, rem_error *err) {
  rem_dialect *d = f->d;
  const rem_call *rank = rem_form__call(f, f->rank);
  REM_TRY(edit_aliases(f, err));
  if (f->join && depends_on_rows(f, rank->argument)) {
    rem_dialect__fail(d, rank->argument.begin, REM_INVALID, err, "what a ranking searches for depends on another table, and the rows are counted or sorted");
    rem_error_hint(err, "leave out ORDER BY, GROUP BY, DISTINCT and aggregates, or put the search into a query of its own");
    return REM_INVALID;
  }
  rem_edit *conditions[REM_DIALECT_CALL_COUNT_MAX] = {NULL};
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *call = rem_form__call(f, i);
    if (call->block == f->block && (call->role == REM_ROLE_RANK || call->role == REM_ROLE_THRESHOLD))
      REM_TRY(rem_form__edit_condition(f, i, &conditions[i], err));
  }
  unsigned used = hidden_used(f, rank->reference);
  bool starred = rem_form__has_star(f), shown = starred && rem_form__star_shows_score(f);
  bool score = f->score_used || shown || score_named(f);
  REM_TRY(edit_outer_limit(f, err));
  REM_TRY(edit_table(f, conditions, used, score, err));
  if (!f->join) REM_TRY(drop_clause(f, d->blocks.items[f->block].where, err));
  bool spreads = starred && (used || (score && !shown));
  return spreads ? rem_form__edit_stars_of_table(f, err) : REM_OK;
}
