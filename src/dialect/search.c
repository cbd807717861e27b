/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches of a statement: where each stands, which share one search, what they search for, and where `_score` is of one.
 * What a block becomes then is search_form.c's.
 */
#include "dialect/dialect_internal.h"

const char *const rem_dialect__metric_names[REM_METRIC_COUNT] = {"cosine", "inner_product", "l2"};

/* `[0.1, 0.2]`, which is a quoted name to SQLite. */
static bool is_vector(const rem_dialect *d, rem_token_range argument) {
  return argument.end - argument.begin == 1 && rem_dialect__kind(d, argument.begin) == REM_TOKEN_QUOTED &&
         d->text[rem_dialect__token(d, argument.begin)->begin] == '[';
}

/* What is searched for, as SQLite must see it: a vector is text, and the vector of a row its blob. */
static rem_status edit_argument(rem_dialect *d, const rem_call *call, rem_error *err) {
  rem_token_range argument = call->argument;
  rem_edit *edit;
  if (is_vector(d, argument)) {
    const rem_token *token = rem_dialect__token(d, argument.begin);
    REM_TRY(rem_dialect__edit_tokens(d, argument, &edit, err));
    /* No quote can be inside: then it would be no vector, and say so when it is read. */
    for (uint32_t i = token->begin; i < token->end; i++)
      if (d->text[i] == '\'')
        return rem_dialect__fail(d, argument.begin, REM_INVALID, err, "a vector is a list of numbers: [0.1, 0.2]");
    return rem_dialect__put(d, edit, err, "'%.*s'", (int)(token->end - token->begin), d->text + token->begin);
  }
  uint32_t size = argument.end - argument.begin, column = argument.end - 1;
  bool one = size == 1 || (size == 3 && rem_dialect__kind(d, argument.begin + 1) == REM_TOKEN_DOT);
  bool alt = rem_dialect__names(d, column, "embedding_alt");
  if (!one || (!alt && !rem_dialect__names(d, column, "embedding")))
    return REM_OK;
  REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){column, column + 1}, &edit, err));
  return rem_dialect__put(d, edit, err, alt ? "_vector_alt" : "_vector");
}

static bool same_search(const rem_dialect *d, const rem_call *a, const rem_call *b) {
  return a->reference == b->reference && a->metric == b->metric && a->slot == b->slot &&
         rem_dialect__same_tokens(d, a->argument, b->argument);
}

/* Of the searches of one block that are the same one leads: the one with the strongest role. */
static void choose_leaders(rem_dialect *d) {
  static const uint8_t strength[] = {[REM_ROLE_SCORE] = 0, [REM_ROLE_ORDER] = 1, [REM_ROLE_THRESHOLD] = 2, [REM_ROLE_RANK] = 3};
  for (uint32_t i = 0; i < d->calls.count; i++) {
    rem_call *call = &d->calls.items[i];
    for (uint32_t k = 0; k < d->calls.count; k++) {
      const rem_call *other = &d->calls.items[k];
      if (other->block != call->block || !same_search(d, call, other))
        continue;
      const rem_call *leader = &d->calls.items[call->leader];
      if (strength[other->role] > strength[leader->role] || (strength[other->role] == strength[leader->role] && k < call->leader))
        call->leader = k;
    }
  }
}

/* The one search that a scan of a table can be; the others on it are values that are compared. */
static rem_status settle_block(rem_dialect *d, uint32_t block, rem_error *err) {
  uint32_t rank = NONE;
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *call = &d->calls.items[i];
    if (call->block != block || call->role != REM_ROLE_RANK || call->leader != i)
      continue;
    if (rank != NONE) {
      rem_dialect__fail(d, call->whole.begin, REM_INVALID, err, "a second ranking search");
      rem_error_hint(err, "one ranks: give the other a threshold (> 0.5), or put it into a query of its own");
      return REM_INVALID;
    }
    rank = i;
  }
  for (uint32_t i = 0; i < d->calls.count; i++) {
    rem_call *call = &d->calls.items[i];
    if (call->block != block || call->leader != i || call->role == REM_ROLE_SCORE || call->role == REM_ROLE_RANK)
      continue;
    bool taken = false;
    for (uint32_t k = 0; k < d->calls.count; k++) {
      const rem_call *other = &d->calls.items[k];
      bool stronger = other->role == REM_ROLE_RANK || (other->role == REM_ROLE_THRESHOLD && (call->role == REM_ROLE_ORDER || k < i)) ||
                      (other->role == REM_ROLE_ORDER && call->role == REM_ROLE_ORDER && k < i);
      taken |= k != i && other->leader == k && other->block == block && other->reference == call->reference && stronger;
    }
    if (!taken)
      continue;
    for (uint32_t k = 0; k < d->calls.count; k++)
      if (d->calls.items[k].leader == i) d->calls.items[k].role = REM_ROLE_SCORE;
  }
  return REM_OK;
}

/* The search whose score `_score` without a qualifier is, in this block or around it; NONE. */
static uint32_t scored_reference(const rem_dialect *d, uint32_t block, uint32_t qualified) {
  uint32_t found = d->blocks.items[block].scored;
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *call = &d->calls.items[i];
    if (call->block != block || call->role == REM_ROLE_SCORE || (qualified != NONE && call->reference != qualified))
      continue;
    if (found == NONE) found = call->reference;
  }
  return found;
}

static bool all_tables(const rem_dialect *d, uint32_t block) {
  bool any = false;
  for (uint32_t r = d->blocks.items[block].first_reference; r != NONE; r = d->references.items[r].next) {
    if (d->references.items[r].kind != REM_REFERENCE_TABLE)
      return false;
    any = true;
  }
  return any;
}

/* Every table has a hidden `_score`, so that in a join the name alone would be ambiguous: it is that of the search. */
static rem_status resolve_score(rem_dialect *d, const rem_mark *mark, rem_error *err) {
  if (mark->qualifier != NONE) {
    uint32_t r = rem_dialect__find_reference(d, mark->block, mark->qualifier);
    if (r == NONE || d->references.items[r].kind != REM_REFERENCE_TABLE || scored_reference(d, d->references.items[r].block, r) != NONE)
      return REM_OK;
  } else {
    for (uint32_t b = mark->block; b != NONE; b = d->blocks.items[b].parent) {
      uint32_t r = scored_reference(d, b, NONE);
      if (r != NONE) {
        rem_edit *edit;
        uint32_t name = rem_dialect__visible_name(&d->references.items[r]);
        REM_TRY(rem_dialect__edit_tokens(d, mark->whole, &edit, err));
        REM_TRY(rem_dialect__put_token(d, edit, name, err));
        return rem_dialect__put(d, edit, err, "._score");
      }
      if (!all_tables(d, b) && d->blocks.items[b].first_reference != NONE)
        return REM_OK; /* a column of a query or function */
    }
  }
  rem_dialect__fail(d, mark->token, REM_INVALID, err, "_score without a search");
  rem_error_hint(err, "WHERE embedding.cosine('text') searches, and _score is how near a row is");
  return REM_INVALID;
}

rem_status rem_dialect__plan_searches(rem_dialect *d, rem_error *err) {
  for (uint32_t i = 0; i < d->calls.count; i++) {
    REM_TRY(rem_dialect__place_call(d, &d->calls.items[i], err));
    REM_TRY(edit_argument(d, &d->calls.items[i], err));
  }
  choose_leaders(d);
  for (uint32_t b = 0; d->calls.count > 0 && b < d->blocks.count; b++)
    REM_TRY(settle_block(d, b, err));
  for (uint32_t i = 0; i < d->marks.count; i++)
    if (d->marks.items[i].kind == REM_MARK_SCORE) REM_TRY(resolve_score(d, &d->marks.items[i], err));
  for (uint32_t b = 0; d->calls.count > 0 && b < d->blocks.count; b++)
    REM_TRY(rem_dialect__form_block(d, b, err));
  return REM_OK;
}
