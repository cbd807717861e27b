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
#include "dialect/dialect_internal.h"

#include <string.h>

/* A block being formed. */
typedef struct form {
  rem_dialect *d;
  uint32_t block;
  uint32_t rank;  /* the call that ranks; NONE */
  uint32_t lead;  /* the call whose order the rows have: rank, or the first other search; NONE: values only */
  bool ranked_table, join; /* the form, as above; of a ranked table whether it is in a join */
  rem_edit *outer_limit; /* of a ranked table in a join: what LIMIT becomes outside; NULL */
  bool score_used, vector_used[2]; /* of the table that ranks, outside of it */
} form;

static const rem_call *call_at(const form *f, uint32_t i) {
  return &f->d->calls.items[i];
}
static const rem_call *leader_of(const form *f, const rem_call *call) {
  return call_at(f, call->leader);
}
static bool is_searched(const form *f, const rem_call *call) {
  return leader_of(f, call)->role != REM_ROLE_SCORE;
}
static bool empty(rem_token_range range) {
  return range.begin == range.end;
}
static bool contains(rem_token_range range, uint32_t i) {
  return i >= range.begin && i < range.end;
}
static const rem_query *query_of(const form *f) {
  return &f->d->queries.items[f->d->blocks.items[f->block].query];
}
static const char *direction(const rem_call *call) {
  return call->metric == REM_METRIC_L2 ? "ASC" : "DESC";
}

/* The name of the reference, then `text`. */
static rem_status put_of(form *f, rem_edit *edit, uint32_t reference, const char *text, rem_error *err) {
  uint32_t name = rem_dialect__visible_name(&f->d->references.items[reference]);
  REM_TRY(rem_dialect__put_token(f->d, edit, name, err));
  return rem_dialect__put(f->d, edit, err, "%s", text);
}

static rem_status put_argument(form *f, rem_edit *edit, const rem_call *call, rem_error *err) {
  bool simple = call->argument.end - call->argument.begin == 1;
  if (!simple) REM_TRY(rem_dialect__put(f->d, edit, err, "("));
  REM_TRY(rem_dialect__copy(f->d, edit, call->argument, NULL, err));
  return simple ? REM_OK : rem_dialect__put(f->d, edit, err, ")");
}

/* ------------------------------------------------------------------------------------------- */
/* Calls where their value is wanted */

static rem_status edit_call(form *f, const rem_call *call, rem_error *err) {
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(f->d, call->whole, &edit, err));
  bool of_ranked = f->rank != NONE && call->reference == call_at(f, f->rank)->reference;
  if (is_searched(f, call)) {
    f->score_used |= of_ranked && call->role != REM_ROLE_RANK && call->role != REM_ROLE_THRESHOLD;
    REM_TRY(put_of(f, edit, call->reference, "._score", err));
  } else {
    f->vector_used[call->slot] |= of_ranked;
    REM_TRY(rem_dialect__put(f->d, edit, err, "_rem_score('%s', '%s', %d, ", rem_dialect__metric_names[call->metric],
                             f->d->references.items[call->reference].table.name, call->slot));
    REM_TRY(put_of(f, edit, call->reference, call->slot ? "._vector_alt, " : "._vector, ", err));
    REM_TRY(rem_dialect__copy(f->d, edit, call->argument, NULL, err));
    REM_TRY(rem_dialect__put(f->d, edit, err, ")"));
  }
  /* A term of ORDER BY without a direction ranks: best first. */
  rem_token_range self = rem_dialect__widened(f->d, call->whole);
  if (!contains(query_of(f)->order, call->whole.begin) || call->metric == REM_METRIC_L2)
    return REM_OK;
  rem_token_range rest = query_of(f)->order, item;
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
static rem_token_range bound_of(const form *f, const rem_call *call) {
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

/* r._cosine = q [AND r._min_score = x] */
static rem_status put_constraint(form *f, rem_edit *edit, uint32_t leader, rem_error *err) {
  const rem_call *call = call_at(f, leader);
  char column[32] = "._";
  strcat(strcat(strcat(column, rem_dialect__metric_names[call->metric]), call->slot ? "_alt" : ""), " = ");
  REM_TRY(put_of(f, edit, call->reference, column, err));
  REM_TRY(put_argument(f, edit, call, err));
  for (uint32_t i = 0; i < f->d->calls.count; i++) {
    const rem_call *other = call_at(f, i);
    if (other->leader != leader || other->role != REM_ROLE_THRESHOLD || empty(bound_of(f, other)))
      continue;
    REM_TRY(rem_dialect__put(f->d, edit, err, " AND "));
    REM_TRY(put_of(f, edit, call->reference, "._min_score = ", err));
    return rem_dialect__copy(f->d, edit, bound_of(f, other), NULL, err);
  }
  return REM_OK;
}

/* The condition that is a search, or is compared with one. */
static rem_status edit_condition(form *f, uint32_t i, rem_edit **ret_edit, rem_error *err) {
  const rem_call *call = call_at(f, i);
  bool leads = call->leader == i;
  bool in_table = f->ranked_table && f->join && call->leader == f->rank;
  if (call->role == REM_ROLE_THRESHOLD && !leads && !in_table)
    return REM_OK; /* r._score > x, as its call is edited */
  REM_TRY(rem_dialect__edit_tokens(f->d, call->condition, ret_edit, err));
  if (in_table || !leads)
    return rem_dialect__put(f->d, *ret_edit, err, "1");
  REM_TRY(rem_dialect__put(f->d, *ret_edit, err, "("));
  REM_TRY(put_constraint(f, *ret_edit, i, err));
  if (call->role == REM_ROLE_THRESHOLD) {
    REM_TRY(rem_dialect__put(f->d, *ret_edit, err, " AND "));
    REM_TRY(rem_dialect__copy(f->d, *ret_edit, call->condition, NULL, err));
  }
  return rem_dialect__put(f->d, *ret_edit, err, ")");
}

/* ORDER BY searches have no condition of their own. */
static rem_status add_condition(form *f, uint32_t leader, rem_error *err) {
  const rem_block *block = &f->d->blocks.items[f->block];
  rem_edit *edit;
  if (empty(block->where)) {
    REM_TRY(rem_dialect__edit_tokens(f->d, block->from, &edit, err));
    REM_TRY(rem_dialect__copy(f->d, edit, block->from, NULL, err));
    REM_TRY(rem_dialect__put(f->d, edit, err, " WHERE "));
    return put_constraint(f, edit, leader, err);
  }
  REM_TRY(rem_dialect__edit_tokens(f->d, block->where, &edit, err));
  REM_TRY(put_constraint(f, edit, leader, err));
  REM_TRY(rem_dialect__put(f->d, edit, err, " AND ("));
  REM_TRY(rem_dialect__copy(f->d, edit, block->where, NULL, err));
  return rem_dialect__put(f->d, edit, err, ")");
}

/* ------------------------------------------------------------------------------------------- */
/* `*` beside a search (D26) */

static bool is_star(const form *f, rem_token_range item, uint32_t *ret_reference) {
  const rem_dialect *d = f->d;
  *ret_reference = NONE;
  if (item.end == item.begin || rem_dialect__kind(d, item.end - 1) != REM_TOKEN_STAR)
    return false;
  if (item.end - item.begin == 1)
    return true;
  if (item.end - item.begin != 3 || rem_dialect__kind(d, item.begin + 1) != REM_TOKEN_DOT)
    return false;
  *ret_reference = rem_dialect__find_reference(d, f->block, item.begin);
  return true;
}

static bool has_star(const form *f) {
  rem_token_range rest = f->d->blocks.items[f->block].results, item;
  uint32_t reference;
  while (rem_dialect__next_item(f->d, &rest, &item))
    if (is_star(f, item, &reference))
      return true;
  return false;
}

static bool names_score(const form *f) {
  for (uint32_t i = 0; i < f->d->marks.count; i++)
    if (f->d->marks.items[i].kind == REM_MARK_SCORE && contains(f->d->blocks.items[f->block].results, f->d->marks.items[i].token))
      return true;
  return false;
}

/* Does `*` show the score? Only in the list that the statement gives, and once. */
static bool star_shows_score(const form *f) {
  return query_of(f)->outermost && query_of(f)->block_count == 1 && !names_score(f);
}

static rem_status edit_stars_in_place(form *f, rem_error *err) {
  rem_token_range rest = f->d->blocks.items[f->block].results, item;
  uint32_t starred, searched = call_at(f, f->lead)->reference;
  if (!star_shows_score(f))
    return REM_OK;
  while (rem_dialect__next_item(f->d, &rest, &item)) {
    if (!is_star(f, item, &starred) || (starred != NONE && starred != searched))
      continue;
    rem_edit *edit;
    REM_TRY(rem_dialect__edit_tokens(f->d, item, &edit, err));
    REM_TRY(rem_dialect__copy(f->d, edit, item, NULL, err));
    REM_TRY(rem_dialect__put(f->d, edit, err, ", "));
    return put_of(f, edit, searched, "._score", err);
  }
  return REM_OK;
}

static rem_status put_quoted(rem_dialect *d, rem_edit *edit, const char *name, rem_error *err) {
  char quoted[512];
  size_t size = 0;
  for (const char *c = name; *c && size + 3 < sizeof quoted; c++) {
    if (*c == '"') quoted[size++] = '"';
    quoted[size++] = *c;
  }
  quoted[size] = 0;
  return rem_dialect__put(d, edit, err, "\"%s\"", quoted);
}

/* r."a", r."b", …: what `r.*` gives when r is the table itself, and the score where `*` shows it. */
static rem_status put_columns(form *f, rem_edit *edit, uint32_t reference, rem_error *err) {
  rem_dialect *d = f->d;
  bool hidden, begun = false;
  const char *column;
  for (size_t i = 0; (column = d->catalog->column_name(d->catalog->context, &d->references.items[reference].table, i, &hidden)); i++) {
    if (hidden)
      continue;
    if (begun) REM_TRY(rem_dialect__put(d, edit, err, ", "));
    REM_TRY(put_of(f, edit, reference, ".", err));
    REM_TRY(put_quoted(d, edit, column, err));
    begun = true;
  }
  if (!star_shows_score(f))
    return REM_OK;
  REM_TRY(rem_dialect__put(d, edit, err, ", "));
  return put_of(f, edit, reference, "._score", err);
}

/* `*` of a ranked table that has columns beyond those of its `*`. */
static rem_status edit_stars_of_table(form *f, rem_error *err) {
  rem_dialect *d = f->d;
  rem_token_range rest = d->blocks.items[f->block].results, item;
  uint32_t starred, searched = call_at(f, f->rank)->reference;
  while (rem_dialect__next_item(d, &rest, &item)) {
    if (!is_star(f, item, &starred) || (starred != NONE && starred != searched))
      continue;
    rem_edit *edit;
    REM_TRY(rem_dialect__edit_tokens(d, item, &edit, err));
    for (uint32_t r = d->blocks.items[f->block].first_reference; r != NONE; r = d->references.items[r].next) {
      if (starred != NONE && r != searched)
        continue;
      const rem_reference *reference = &d->references.items[r];
      if (edit->first) REM_TRY(rem_dialect__put(d, edit, err, ", "));
      if (r == searched) {
        REM_TRY(put_columns(f, edit, r, err));
      } else if (reference->kind == REM_REFERENCE_SUBQUERY && reference->alias == NONE) {
        rem_dialect__fail(d, reference->name, REM_INVALID, err, "a query in FROM beside a search needs a name");
        rem_error_hint(err, "write (SELECT …) AS name");
        return REM_INVALID;
      } else {
        REM_TRY(put_of(f, edit, r, ".*", err));
      }
    }
  }
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* In place */

/* The query's own ORDER BY begins with the order of the search. */
static bool is_ordered_by(const form *f, const rem_call *lead) {
  const rem_dialect *d = f->d;
  rem_token_range rest = query_of(f)->order, item;
  if (!rem_dialect__next_item(d, &rest, &item) || item.begin == item.end)
    return false;
  bool best_is_low = lead->metric == REM_METRIC_L2;
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *call = call_at(f, i);
    rem_token_range self = rem_dialect__widened(d, call->whole);
    if (call->block == f->block && leader_of(f, call) == lead && self.begin == item.begin)
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
static rem_status edit_tail(form *f, rem_error *err) {
  const rem_query *query = query_of(f);
  const rem_call *lead = call_at(f, f->lead);
  bool orders = empty(query->order) && (f->rank != NONE || query->outermost || !empty(query->limit));
  bool limits = empty(query->limit) && f->rank != NONE;
  if (!orders && !limits)
    return REM_OK;
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(f->d, query->whole, &edit, err));
  REM_TRY(rem_dialect__copy(f->d, edit, (rem_token_range){query->whole.begin, query->end_of_blocks}, NULL, err));
  REM_TRY(rem_dialect__put(f->d, edit, err, " ORDER BY "));
  if (orders) {
    REM_TRY(put_of(f, edit, lead->reference, "._score ", err));
    REM_TRY(rem_dialect__put(f->d, edit, err, "%s", direction(lead)));
  } else {
    REM_TRY(rem_dialect__copy(f->d, edit, query->order, NULL, err));
  }
  if (limits) {
    f->d->statement.default_limit = true;
    return rem_dialect__put(f->d, edit, err, " LIMIT %d", REM_DIALECT_DEFAULT_LIMIT);
  }
  if (empty(query->limit))
    return REM_OK;
  REM_TRY(rem_dialect__put(f->d, edit, err, " LIMIT "));
  return rem_dialect__copy(f->d, edit, query->limit, NULL, err);
}

static rem_status form_in_place(form *f, rem_error *err) {
  rem_edit *edit;
  for (uint32_t i = 0; i < f->d->calls.count; i++) {
    const rem_call *call = call_at(f, i);
    if (call->block != f->block)
      continue;
    if (call->role == REM_ROLE_RANK || call->role == REM_ROLE_THRESHOLD) REM_TRY(edit_condition(f, i, &edit, err));
    if (call->role == REM_ROLE_ORDER && call->leader == i) REM_TRY(add_condition(f, i, err));
  }
  const rem_block *block = &f->d->blocks.items[f->block];
  REM_TRY(edit_stars_in_place(f, err));
  bool row_by_row = !block->distinct && !block->gathers && empty(block->group) && query_of(f)->block_count == 1;
  return row_by_row ? edit_tail(f, err) : REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* As a ranked table */

/* LIMIT of the ranked table: the query's own; of a UNION as many rows as all of it may give. */
static rem_status put_limit(form *f, rem_edit *edit, rem_error *err) {
  const rem_query *query = query_of(f);
  rem_dialect *d = f->d;
  if (empty(query->limit)) {
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
  REM_TRY(rem_dialect__put(d, edit, err, "CASE WHEN ("));
  REM_TRY(rem_dialect__copy(d, edit, count, NULL, err));
  REM_TRY(rem_dialect__put(d, edit, err, ") < 0 THEN -1 ELSE ("));
  REM_TRY(rem_dialect__copy(d, edit, count, NULL, err));
  REM_TRY(rem_dialect__put(d, edit, err, ") + max(0, ("));
  REM_TRY(rem_dialect__copy(d, edit, offset, NULL, err));
  return rem_dialect__put(d, edit, err, ")) END");
}

/* Does what is searched for depend on a row of this block? */
static bool depends_on_rows(const form *f, rem_token_range argument) {
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

static unsigned hidden_used(const form *f, uint32_t reference) {
  const rem_dialect *d = f->d;
  unsigned used = 0;
  rem_token_range whole = query_of(f)->whole;
  for (uint32_t i = 0; i < d->marks.count; i++) {
    const rem_mark *mark = &d->marks.items[i];
    if (mark->kind != REM_MARK_HIDDEN || !contains(whole, mark->token))
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

static rem_status put_hidden(form *f, rem_edit *edit, uint32_t reference, unsigned used, bool score, rem_error *err) {
  for (size_t k = 0; k < HIDDEN_COUNT; k++) {
    if (!(used & (1u << k)))
      continue;
    REM_TRY(rem_dialect__put(f->d, edit, err, ", "));
    REM_TRY(put_of(f, edit, reference, ".", err));
    REM_TRY(rem_dialect__put(f->d, edit, err, "%s AS %s", hidden[k], hidden[k]));
  }
  return score ? rem_dialect__put(f->d, edit, err, ", _score") : REM_OK;
}

static bool score_named(const form *f) {
  rem_token_range whole = query_of(f)->whole;
  for (uint32_t i = 0; i < f->d->marks.count; i++)
    if (f->d->marks.items[i].kind == REM_MARK_SCORE && contains(whole, f->d->marks.items[i].token))
      return true;
  return false;
}

/* Can the name at `i`, which begins a chain, only be of this reference? */
static bool is_name_of(const form *f, uint32_t i, uint32_t reference) {
  rem_dialect *d = f->d;
  if (rem_dialect__kind(d, i + 1) == REM_TOKEN_DOT)
    return rem_dialect__find_reference(d, f->block, i) == reference;
  const char *name = rem_dialect__unquoted(d, i);
  bool own = false, other = false;
  for (uint32_t r = d->blocks.items[f->block].first_reference; name && r != NONE; r = d->references.items[r].next) {
    const rem_reference *each = &d->references.items[r];
    bool has = each->kind != REM_REFERENCE_TABLE || rem_dialect__has_column(d, &each->table, name);
    own |= has && r == reference;
    other |= has && r != reference;
  }
  return own && !other;
}

/* The condition of the ranking call that begins at `i`; its end, or i. */
static uint32_t skip_ranking(const form *f, uint32_t i) {
  for (uint32_t k = 0; k < f->d->calls.count; k++) {
    const rem_call *call = call_at(f, k);
    bool ranks = call->block == f->block && call->leader == f->rank && (call->role == REM_ROLE_RANK || call->role == REM_ROLE_THRESHOLD);
    if (ranks && call->condition.begin == i)
      return call->condition.end;
  }
  return i;
}

/* Every row of the ranked table comes through the join, and WHERE looks at that table alone: then WHERE can stand inside as it is. */
static bool is_kept_by_join(const form *f) {
  const rem_dialect *d = f->d;
  const rem_block *block = &d->blocks.items[f->block];
  uint32_t reference = call_at(f, f->rank)->reference;
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
    if (head && !keyword && !is_name_of(f, i, reference))
      return false;
  }
  return true;
}

/* The conditions inside the ranked table. `conditions` are the edits of those that the join must not see. */
static rem_status put_conditions(form *f, rem_edit *edit, rem_edit *const *conditions, rem_error *err) {
  rem_dialect *d = f->d;
  const rem_block *block = &d->blocks.items[f->block];
  uint32_t reference = call_at(f, f->rank)->reference;
  if (!f->join)
    return rem_dialect__copy(d, edit, block->where, NULL, err);
  REM_TRY(put_constraint(f, edit, f->rank, err));
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *call = call_at(f, i);
    if (call->block != f->block || call->leader != f->rank || call->role != REM_ROLE_THRESHOLD)
      continue;
    REM_TRY(rem_dialect__put(d, edit, err, " AND "));
    REM_TRY(rem_dialect__copy(d, edit, call->condition, conditions[i], err));
  }
  if (is_kept_by_join(f)) {
    if (empty(block->where))
      return REM_OK;
    REM_TRY(rem_dialect__put(d, edit, err, " AND ("));
    REM_TRY(rem_dialect__copy(d, edit, block->where, NULL, err));
    return rem_dialect__put(d, edit, err, ")");
  }
  REM_TRY(rem_dialect__put(d, edit, err, " AND "));
  REM_TRY(put_of(f, edit, reference, ".id IN (SELECT ", err));
  REM_TRY(put_of(f, edit, reference, ".id FROM ", err));
  REM_TRY(rem_dialect__copy(d, edit, block->from, NULL, err));
  if (!empty(block->where)) {
    REM_TRY(rem_dialect__put(d, edit, err, " WHERE "));
    REM_TRY(rem_dialect__copy(d, edit, block->where, NULL, err));
  }
  return rem_dialect__put(d, edit, err, ")");
}

static rem_status edit_table(form *f, rem_edit *const *conditions, unsigned used, bool score, rem_error *err) {
  rem_dialect *d = f->d;
  const rem_call *rank = call_at(f, f->rank);
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
  REM_TRY(put_of(f, edit, rank->reference, "._score ", err));
  REM_TRY(rem_dialect__put(d, edit, err, "%s", direction(rank)));
  REM_TRY(put_limit(f, edit, err));
  REM_TRY(rem_dialect__put(d, edit, err, ") AS "));
  return put_of(f, edit, rank->reference, "", err);
}

/* Takes out a clause with its keyword of one word. */
static rem_status drop_clause(form *f, rem_token_range clause, rem_error *err) {
  rem_edit *edit;
  return empty(clause) ? REM_OK : rem_dialect__edit_tokens(f->d, (rem_token_range){clause.begin - 1, clause.end}, &edit, err);
}

/* LIMIT stands inside; what is left of it outside is the number of joined rows. */
static rem_status edit_outer_limit(form *f, rem_error *err) {
  const rem_query *query = query_of(f);
  const rem_block *block = &f->d->blocks.items[f->block];
  if (query->block_count > 1 || empty(query->limit))
    return REM_OK;
  if (!f->join || block->gathers || block->distinct || !empty(block->group))
    return drop_clause(f, query->limit, err);
  rem_token_range rest = query->limit, first, second;
  rem_dialect__next_item(f->d, &rest, &first);
  bool comma = rem_dialect__next_item(f->d, &rest, &second);
  rem_token_range count = comma ? second : (rem_token_range){query->limit.begin, rem_dialect__find_word(f->d, query->limit, REM_WORD_OFFSET)};
  REM_TRY(rem_dialect__edit_tokens(f->d, query->limit, &f->outer_limit, err));
  return rem_dialect__copy(f->d, f->outer_limit, count, NULL, err);
}

/* The expression that a name in WHERE stands for, when it is the alias of a result and no column; else empty. */
static rem_token_range aliased(const form *f, uint32_t name) {
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
static rem_status edit_aliases(form *f, rem_error *err) {
  rem_dialect *d = f->d;
  rem_token_range where = d->blocks.items[f->block].where;
  for (uint32_t i = where.begin; i < where.end; i++) {
    bool alone = rem_dialect__is_name(d, i) && rem_dialect__kind(d, i + 1) != REM_TOKEN_OPEN && rem_dialect__kind(d, i + 1) != REM_TOKEN_DOT &&
                 rem_dialect__kind(d, i - 1) != REM_TOKEN_DOT;
    rem_token_range expression = alone ? aliased(f, i) : (rem_token_range){0, 0};
    if (empty(expression))
      continue;
    const char *name = rem_dialect__unquoted(d, i);
    if (!name)
      return rem_error_nomem(err);
    if (rem_dialect__has_column(d, &d->references.items[call_at(f, f->rank)->reference].table, name))
      continue;
    rem_edit *edit;
    REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){i, i + 1}, &edit, err));
    REM_TRY(rem_dialect__put(d, edit, err, "("));
    REM_TRY(rem_dialect__copy(d, edit, expression, NULL, err));
    REM_TRY(rem_dialect__put(d, edit, err, ")"));
  }
  return REM_OK;
}

static rem_status form_ranked_table(form *f, rem_error *err) {
  rem_dialect *d = f->d;
  const rem_call *rank = call_at(f, f->rank);
  REM_TRY(edit_aliases(f, err));
  if (f->join && depends_on_rows(f, rank->argument)) {
    rem_dialect__fail(d, rank->argument.begin, REM_INVALID, err, "what a ranking searches for depends on another table, and the rows are counted or sorted");
    rem_error_hint(err, "leave out ORDER BY, GROUP BY, DISTINCT and aggregates, or put the search into a query of its own");
    return REM_INVALID;
  }
  rem_edit *conditions[REM_DIALECT_CALL_COUNT_MAX] = {NULL};
  for (uint32_t i = 0; i < d->calls.count; i++) {
    const rem_call *call = call_at(f, i);
    if (call->block == f->block && (call->role == REM_ROLE_RANK || call->role == REM_ROLE_THRESHOLD))
      REM_TRY(edit_condition(f, i, &conditions[i], err));
  }
  unsigned used = hidden_used(f, rank->reference);
  bool starred = has_star(f), shown = starred && star_shows_score(f);
  bool score = f->score_used || shown || score_named(f);
  REM_TRY(edit_outer_limit(f, err));
  REM_TRY(edit_table(f, conditions, used, score, err));
  if (!f->join) REM_TRY(drop_clause(f, d->blocks.items[f->block].where, err));
  bool spreads = starred && (used || (score && !shown));
  return spreads ? edit_stars_of_table(f, err) : REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

static bool is_in_place(const form *f) {
  const rem_block *block = &f->d->blocks.items[f->block];
  if (f->rank == NONE)
    return true;
  if (block->distinct || block->gathers || !empty(block->group) || !empty(block->having) || query_of(f)->block_count > 1)
    return false;
  return empty(query_of(f)->order) || is_ordered_by(f, call_at(f, f->rank));
}

rem_status rem_dialect__form_block(rem_dialect *d, uint32_t block, rem_error *err) {
  form f = {.d = d, .block = block, .rank = NONE, .lead = NONE};
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
  return f.ranked_table ? form_ranked_table(&f, err) : form_in_place(&f, err);
}
