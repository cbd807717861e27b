/* SPDX-License-Identifier: Apache-2.0 */
/* FROM lists and the targets of writes: which tables a block reads, under which names, and on which side of a join. */
#include "dialect/dialect_internal.h"

/* Tables that are functions. */
static const char *const table_functions[] = {"lookup", "search", "fuzzy", "traverse", "json_each", "json_tree", NULL};

rem_status rem_dialect__add_reference(rem_dialect *d, uint32_t b, const rem_reference *made, rem_error *err) {
  rem_reference *reference;
  if (d->blocks.items[b].reference_count >= REM_DIALECT_JOIN_COUNT_MAX)
    return rem_dialect__fail(d, made->name, REM_LIMIT, err, "more than %u tables in one FROM", REM_DIALECT_JOIN_COUNT_MAX);
  REM_DIALECT_PUSH(d->references, reference, err);
  *reference = *made;
  reference->block = b;
  reference->next = NONE;
  rem_block *block = &d->blocks.items[b];
  uint32_t r = d->references.count - 1;
  if (block->last_reference == NONE)
    block->first_reference = r;
  else
    d->references.items[block->last_reference].next = r;
  block->last_reference = r;
  block->reference_count++;
  return REM_OK;
}

static uint32_t find_cte(const rem_dialect *d, uint32_t query, uint32_t name) {
  for (uint32_t q = query; q != NONE; q = d->queries.items[q].parent)
    for (uint32_t i = 0; i < d->ctes.count; i++)
      if (d->ctes.items[i].query == q && rem_dialect__same_name(d, d->ctes.items[i].name, name))
        return i;
  return NONE;
}

rem_status rem_dialect__find_table(rem_dialect *d, uint32_t name, rem_dialect_table *ret_table, rem_error *err) {
  const char *text = rem_dialect__unquoted(d, name);
  if (!text)
    return rem_error_nomem(err);
  if (d->catalog->find_table(d->catalog->context, text, ret_table))
    return REM_OK;
  rem_dialect__fail(d, name, REM_UNKNOWN, err, "no table '%.*s'", REM_DIALECT_SHOWN(d, name));
  rem_dialect__suggest_table(d, text, err);
  return REM_UNKNOWN;
}

/* Steps over `main.`; another database is an error. */
static rem_status skip_database(rem_dialect *d, uint32_t *at, rem_error *err) {
  if (rem_dialect__kind(d, *at + 1) != REM_TOKEN_DOT)
    return REM_OK;
  if (!rem_dialect__names(d, *at, "main")) {
    rem_dialect__fail(d, *at, REM_UNKNOWN, err, "no database '%.*s'", REM_DIALECT_SHOWN(d, *at));
    rem_error_hint(err, "a statement reads one database; write the table's name alone");
    return REM_UNKNOWN;
  }
  *at += 2;
  return REM_OK;
}

static rem_status refuse_index_hint(rem_dialect *d, uint32_t at, rem_error *err) {
  bool hint = rem_dialect__is(d, at, REM_WORD_INDEXED) ||
              (rem_dialect__is(d, at, REM_WORD_NOT) && rem_dialect__is(d, at + 1, REM_WORD_INDEXED));
  if (!hint)
    return REM_OK;
  rem_dialect__fail(d, at, REM_UNSUPPORTED, err, "INDEXED BY is not available");
  rem_error_hint(err, "indexes are chosen by themselves; EXPLAIN shows which");
  return REM_UNSUPPORTED;
}

/* [AS] alias */
static void parse_alias(rem_dialect *d, uint32_t *at, uint32_t limit, rem_reference *reference) {
  uint32_t i = *at;
  if (i < limit && rem_dialect__is(d, i, REM_WORD_AS)) i++;
  if (i < limit && (rem_dialect__is_name(d, i) || rem_dialect__kind(d, i) == REM_TOKEN_TEXT)) {
    /* WINDOW and such are words that only their place makes keywords. */
    uint32_t probe = i;
    if (i == *at && rem_dialect__is(d, probe, REM_WORD_WINDOW) && rem_dialect__is(d, probe + 2, REM_WORD_AS))
      return;
    reference->alias = i;
    *at = i + 1;
  }
}

static rem_status parse_function(rem_dialect *d, uint32_t *at, uint32_t b, rem_reference *reference, rem_error *err) {
  const char *name = rem_dialect__unquoted(d, *at);
  if (!name)
    return rem_error_nomem(err);
  bool known = false;
  for (size_t i = 0; table_functions[i]; i++)
    known |= rem_dialect__names(d, *at, table_functions[i]);
  rem_dialect_table table;
  if (!known && d->catalog->find_table(d->catalog->context, name, &table)) {
    rem_dialect__fail(d, *at + 1, REM_INVALID, err, "'%.*s' is a table, not a function", REM_DIALECT_SHOWN(d, *at));
    rem_error_hint(err, "WHERE embedding.cosine('text') searches it");
    return REM_INVALID;
  }
  if (!known) {
    rem_dialect__fail(d, *at, REM_UNKNOWN, err, "no table-valued function '%.*s'", REM_DIALECT_SHOWN(d, *at));
    rem_dialect__suggest(name, table_functions, "there are lookup, search, fuzzy, traverse, json_each and json_tree", err);
    return REM_UNKNOWN;
  }
  reference->kind = REM_REFERENCE_FUNCTION;
  d->statement.searches |= rem_dialect__names(d, *at, "search");
  uint32_t inside = *at + 2, close = rem_dialect__token(d, *at + 1)->partner;
  while (inside < close) {
    uint32_t before = inside;
    REM_TRY(rem_dialect__scan(d, &inside, close, b, 0, err));
    if (inside == before) inside++;
  }
  *at = close + 1;
  return REM_OK;
}

static rem_status parse_named(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t b, rem_error *err) {
  rem_reference reference = {.alias = NONE};
  uint32_t begin = *at;
  REM_TRY(skip_database(d, at, err));
  reference.name = *at;
  if (rem_dialect__kind(d, *at + 1) == REM_TOKEN_OPEN && *at + 1 < limit) {
    REM_TRY(parse_function(d, at, b, &reference, err));
  } else {
    reference.cte = begin == *at ? find_cte(d, d->blocks.items[b].query, *at) : NONE;
    if (reference.cte != NONE)
      reference.kind = REM_REFERENCE_CTE;
    else
      REM_TRY(rem_dialect__find_table(d, *at, &reference.table, err));
    ++*at;
  }
  parse_alias(d, at, limit, &reference);
  REM_TRY(refuse_index_hint(d, *at, err));
  reference.whole = (rem_token_range){begin, *at};
  return rem_dialect__add_reference(d, b, &reference, err);
}

/* `( … )`: a query, or joins in parentheses, whose tables are the block's. */
static rem_status parse_parenthesis(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t b, rem_error *err) {
  uint32_t begin = *at, inside = *at + 1, close = rem_dialect__token(d, *at)->partner;
  rem_block *block = &d->blocks.items[b];
  if (++d->depth > REM_DIALECT_DEPTH_MAX)
    return rem_dialect__fail(d, begin, REM_LIMIT, err, "nested deeper than %u", REM_DIALECT_DEPTH_MAX);
  bool query = rem_dialect__starts_query(d, inside);
  if (query)
    /* A derived table sees what the block's surroundings see, not its neighbours. */
    REM_TRY(rem_dialect__parse_query(d, &inside, close, block->query, block->parent, false, err));
  else
    REM_TRY(rem_dialect__parse_from(d, &inside, close, b, err));
  d->depth--;
  *at = close + 1;
  rem_reference reference = {.kind = REM_REFERENCE_SUBQUERY, .name = begin, .alias = NONE};
  parse_alias(d, at, limit, &reference);
  reference.whole = (rem_token_range){begin, *at};
  return query ? rem_dialect__add_reference(d, b, &reference, err) : REM_OK;
}

static rem_status parse_reference(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t b, rem_error *err) {
  if (*at >= limit)
    return REM_OK;
  if (rem_dialect__kind(d, *at) == REM_TOKEN_OPEN)
    return parse_parenthesis(d, at, limit, b, err);
  if (rem_dialect__is_name(d, *at) || rem_dialect__kind(d, *at) == REM_TOKEN_TEXT)
    return parse_named(d, at, limit, b, err);
  return REM_OK;
}

/* What joins two tables, and so which side may be missing. */
typedef struct join {
  bool left_optional, right_optional;
} join;

static bool parse_join(const rem_dialect *d, uint32_t *at, uint32_t limit, join *ret_join) {
  uint32_t i = *at;
  *ret_join = (join){0};
  if (i < limit && rem_dialect__kind(d, i) == REM_TOKEN_COMMA) {
    *at = i + 1;
    return true;
  }
  for (; i < limit; i++) {
    rem_word word = (rem_word)rem_dialect__token(d, i)->word;
    if (word == REM_WORD_LEFT || word == REM_WORD_FULL) ret_join->right_optional = true;
    if (word == REM_WORD_RIGHT || word == REM_WORD_FULL) ret_join->left_optional = true;
    if (word == REM_WORD_JOIN) {
      *at = i + 1;
      return true;
    }
    if (word != REM_WORD_LEFT && word != REM_WORD_RIGHT && word != REM_WORD_FULL && word != REM_WORD_INNER &&
        word != REM_WORD_CROSS && word != REM_WORD_NATURAL && word != REM_WORD_OUTER)
      return false;
  }
  return false;
}

/* ON condition, or USING (columns): of the join whose right side ends with the block's last reference. */
static rem_status parse_on(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t b, bool outer, rem_error *err) {
  if (*at < limit && rem_dialect__is(d, *at, REM_WORD_USING) && rem_dialect__kind(d, *at + 1) == REM_TOKEN_OPEN)
    *at = rem_dialect__token(d, *at + 1)->partner + 1;
  if (*at >= limit || !rem_dialect__is(d, *at, REM_WORD_ON) || rem_dialect__is(d, *at + 1, REM_WORD_CONFLICT))
    return REM_OK;
  uint32_t begin = ++*at, r = d->blocks.items[b].last_reference;
  REM_TRY(rem_dialect__scan(d, at, limit, b, REM_STOP_CLAUSE | REM_STOP_JOIN, err));
  if (r == NONE)
    return REM_OK;
  d->references.items[r].on = (rem_token_range){begin, *at};
  d->references.items[r].on_outer = outer;
  return REM_OK;
}

static void mark_optional(rem_dialect *d, uint32_t begin, uint32_t end) {
  for (uint32_t r = begin; r != NONE && r != end; r = d->references.items[r].next)
    d->references.items[r].optional = true;
}

rem_status rem_dialect__parse_from(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t b, rem_error *err) {
  uint32_t before = d->blocks.items[b].last_reference;
  REM_TRY(parse_reference(d, at, limit, b, err));
  join join;
  while (parse_join(d, at, limit, &join)) {
    uint32_t last_left = d->blocks.items[b].last_reference;
    REM_TRY(parse_reference(d, at, limit, b, err));
    rem_block *block = &d->blocks.items[b];
    uint32_t right = last_left == NONE ? block->first_reference : d->references.items[last_left].next;
    uint32_t left = before == NONE ? block->first_reference : d->references.items[before].next;
    if (join.right_optional) mark_optional(d, right, NONE);
    if (join.left_optional) mark_optional(d, left, right);
    REM_TRY(parse_on(d, at, limit, b, join.left_optional || join.right_optional, err));
  }
  return REM_OK;
}

rem_status rem_dialect__parse_target(rem_dialect *d, uint32_t *at, uint32_t b, rem_error *err) {
  rem_reference reference = {.alias = NONE, .target = true};
  uint32_t begin = *at;
  if (!rem_dialect__is_name(d, *at) && rem_dialect__kind(d, *at) != REM_TOKEN_TEXT)
    return rem_dialect__fail(d, *at, REM_INVALID, err, "a table's name is missing here");
  REM_TRY(skip_database(d, at, err));
  reference.name = *at;
  REM_TRY(rem_dialect__find_table(d, *at, &reference.table, err));
  if (reference.table.read_only) {
    rem_dialect__fail(d, *at, REM_READONLY, err, "'%s' can only be read", reference.table.name);
    rem_error_hint(err, "write to the table itself");
    return REM_READONLY;
  }
  ++*at;
  if (rem_dialect__is(d, *at, REM_WORD_AS)) parse_alias(d, at, d->tokens.count - 1, &reference);
  REM_TRY(refuse_index_hint(d, *at, err));
  reference.whole = (rem_token_range){begin, *at};
  return rem_dialect__add_reference(d, b, &reference, err);
}
