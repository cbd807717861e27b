/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs, which become selections:
 *
 *   LOOKUP 'k' [, 'k2' …] [IN table] [LIMIT n]
 *   SEARCH 'text' [IN table] [MIN x] [WHERE condition] [LIMIT n [OFFSET m]]
 *   FUZZY 'text' [IN table] [MIN x] [WHERE condition] [LIMIT n [OFFSET m]]
 *   TRAVERSE FROM 'key' [DEPTH n] [DIRECTION out|in|both] [TYPE 't'] [WHERE condition] [LIMIT n [OFFSET m]]
 */
#include "dialect/dialect_internal.h"

#define KEY_COUNT_MAX 200u

typedef struct verb {
  rem_word word;
  uint32_t block;
  uint32_t keys[KEY_COUNT_MAX]; /* tokens */
  uint32_t key_count;
  uint32_t table;     /* token after IN; NONE */
  uint32_t reference; /* of that table, in SEARCH; NONE */
  rem_token_range minimum, depth, type, where, limit;
  uint32_t direction; /* token; NONE */
  rem_dialect_table found;
} verb;

static const char *usage_of(rem_word word) {
  switch (word) {
  case REM_WORD_LOOKUP:
    return "LOOKUP 'key' [, 'key' …] [IN table] [LIMIT n]";
  case REM_WORD_SEARCH:
    return "SEARCH 'text' [IN table] [MIN 0.5] [WHERE …] [LIMIT n]";
  case REM_WORD_FUZZY:
    return "FUZZY 'text' [IN table] [MIN 0.3] [WHERE …] [LIMIT n]";
  default:
    return "TRAVERSE FROM 'key' [DEPTH n] [DIRECTION out|in|both] [TYPE 'type'] [WHERE …] [LIMIT n]";
  }
}

static rem_status misuse(rem_dialect *d, const verb *v, uint32_t at, const char *what, rem_error *err) {
  rem_dialect__fail(d, at, REM_INVALID, err, "%s", what);
  rem_error_hint(err, "%s", usage_of(v->word));
  return REM_INVALID;
}

/* A text, a parameter, or a number with its sign. */
static bool parse_value(const rem_dialect *d, uint32_t *at, rem_token_range *ret_range) {
  uint32_t i = *at;
  if (rem_dialect__kind(d, i) == REM_TOKEN_OPERATOR && rem_dialect__kind(d, i + 1) == REM_TOKEN_NUMBER) i++;
  rem_token_kind kind = rem_dialect__kind(d, i);
  if (kind != REM_TOKEN_TEXT && kind != REM_TOKEN_PARAMETER && kind != REM_TOKEN_NUMBER)
    return false;
  *ret_range = (rem_token_range){*at, i + 1};
  *at = i + 1;
  return true;
}

static rem_status parse_keys(rem_dialect *d, verb *v, uint32_t *at, rem_error *err) {
  for (;;) {
    rem_token_range key;
    uint32_t begin = *at;
    if (!parse_value(d, at, &key) || key.end - key.begin != 1)
      return misuse(d, v, begin, v->word == REM_WORD_SEARCH || v->word == REM_WORD_FUZZY ? "a text in single quotes is missing here"
                                                                                       : "a key in single quotes is missing here", err);
    if (v->key_count == KEY_COUNT_MAX)
      return rem_dialect__fail(d, begin, REM_LIMIT, err, "more than %u keys", KEY_COUNT_MAX);
    v->keys[v->key_count++] = begin;
    if (v->word != REM_WORD_LOOKUP || rem_dialect__kind(d, *at) != REM_TOKEN_COMMA)
      return REM_OK;
    ++*at;
  }
}

static rem_status parse_in(rem_dialect *d, verb *v, uint32_t *at, rem_error *err) {
  v->table = *at + 1;
  if (!rem_dialect__is_name(d, v->table))
    return misuse(d, v, v->table, "a table's name is missing here", err);
  REM_TRY(rem_dialect__find_table(d, v->table, &v->found, err));
  *at += 2;
  if (v->word != REM_WORD_SEARCH)
    return REM_OK;
  if (!v->found.embedded) {
    rem_dialect__fail(d, v->table, REM_INVALID, err, "table '%s' has no vectors", v->found.name);
    rem_error_hint(err, v->found.read_only ? "SEARCH 'text' without IN finds in every table" : "its schema needs embedding_fields: [\"…\"]");
    return REM_INVALID;
  }
  rem_reference reference = {.kind = REM_REFERENCE_TABLE, .name = v->table, .alias = NONE, .whole = {v->table, v->table + 1},
                             .table = v->found};
  REM_TRY(rem_dialect__add_reference(d, v->block, &reference, err));
  v->reference = d->references.count - 1;
  d->blocks.items[v->block].scored = v->reference;
  return REM_OK;
}

static rem_status parse_direction(rem_dialect *d, verb *v, uint32_t *at, rem_error *err) {
  v->direction = *at + 1;
  const char *text = rem_dialect__unquoted(d, v->direction);
  if (!text)
    return rem_error_nomem(err);
  bool known = rem_dialect__kind(d, v->direction) == REM_TOKEN_TEXT || rem_dialect__kind(d, v->direction) == REM_TOKEN_PARAMETER ||
               rem_dialect__names(d, v->direction, "out") || rem_dialect__names(d, v->direction, "in") ||
               rem_dialect__names(d, v->direction, "both");
  if (!known)
    return misuse(d, v, v->direction, "a direction is out, in or both", err);
  *at += 2;
  return REM_OK;
}

static rem_status parse_option_value(rem_dialect *d, verb *v, uint32_t *at, rem_token_range *ret_range, rem_error *err) {
  uint32_t value = ++*at;
  return parse_value(d, at, ret_range) ? REM_OK : misuse(d, v, value, "a value is missing here", err);
}

static rem_status parse_clause(rem_dialect *d, const verb *v, uint32_t *at, rem_token_range *ret_range, rem_error *err) {
  uint32_t begin = ++*at;
  REM_TRY(rem_dialect__scan(d, at, d->tokens.count - 1, v->block, REM_STOP_CLAUSE, err));
  *ret_range = (rem_token_range){begin, *at};
  if (begin == *at)
    return misuse(d, v, begin, "something is missing here", err);
  return REM_OK;
}

/* One option at *at; *ret_known is false when none of the verb's is there. */
static rem_status parse_option(rem_dialect *d, verb *v, uint32_t *at, bool *ret_known, rem_error *err) {
  bool traverse = v->word == REM_WORD_TRAVERSE, lookup = v->word == REM_WORD_LOOKUP;
  rem_word word = (rem_word)rem_dialect__token(d, *at)->word;
  *ret_known = true;
  if (word == REM_WORD_IN && !traverse && v->table == NONE)
    return parse_in(d, v, at, err);
  if (word == REM_WORD_MIN && !traverse && !lookup)
    return parse_option_value(d, v, at, &v->minimum, err);
  if (word == REM_WORD_DEPTH && traverse)
    return parse_option_value(d, v, at, &v->depth, err);
  if (word == REM_WORD_TYPE && traverse)
    return parse_option_value(d, v, at, &v->type, err);
  if (word == REM_WORD_DIRECTION && traverse)
    return parse_direction(d, v, at, err);
  if (word == REM_WORD_WHERE && !lookup)
    return parse_clause(d, v, at, &v->where, err);
  if (word == REM_WORD_LIMIT)
    return parse_clause(d, v, at, &v->limit, err);
  *ret_known = false;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

static bool given(rem_token_range range) {
  return range.end > range.begin;
}

/* `, value` or `, NULL`. */
static rem_status put_argument(rem_dialect *d, rem_edit *edit, rem_token_range value, rem_error *err) {
  REM_TRY(rem_dialect__put(d, edit, err, given(value) ? ", " : ", NULL"));
  return rem_dialect__copy(d, edit, value, NULL, err);
}

static rem_status put_key(rem_dialect *d, rem_edit *edit, uint32_t token, rem_error *err) {
  return rem_dialect__copy(d, edit, (rem_token_range){token, token + 1}, NULL, err);
}

static rem_status put_tail(rem_dialect *d, rem_edit *edit, const verb *v, rem_error *err) {
  bool by_default = v->word == REM_WORD_SEARCH && !given(v->minimum);
  if (given(v->limit)) {
    REM_TRY(rem_dialect__put(d, edit, err, " LIMIT "));
    return rem_dialect__copy(d, edit, v->limit, NULL, err);
  }
  if (!by_default)
    return REM_OK;
  d->statement.default_limit = true;
  return rem_dialect__put(d, edit, err, " LIMIT %d", REM_DIALECT_DEFAULT_LIMIT);
}

static rem_status put_where(rem_dialect *d, rem_edit *edit, const verb *v, const char *before, rem_error *err) {
  if (!given(v->where))
    return REM_OK;
  REM_TRY(rem_dialect__put(d, edit, err, "%s(", before));
  REM_TRY(rem_dialect__copy(d, edit, v->where, NULL, err));
  return rem_dialect__put(d, edit, err, ")");
}

/* SEARCH … IN table: the table itself. */
static rem_status put_table_search(rem_dialect *d, rem_edit *edit, const verb *v, rem_error *err) {
  rem_token_range name = {v->table, v->table + 1};
  REM_TRY(rem_dialect__put(d, edit, err, "SELECT *, _score FROM "));
  REM_TRY(rem_dialect__copy(d, edit, name, NULL, err));
  REM_TRY(rem_dialect__put(d, edit, err, " WHERE _cosine = "));
  REM_TRY(put_key(d, edit, v->keys[0], err));
  if (given(v->minimum)) {
    REM_TRY(rem_dialect__put(d, edit, err, " AND _min_score = "));
    REM_TRY(rem_dialect__copy(d, edit, v->minimum, NULL, err));
    REM_TRY(rem_dialect__put(d, edit, err, " AND _score >= "));
    REM_TRY(rem_dialect__copy(d, edit, v->minimum, NULL, err));
  }
  REM_TRY(put_where(d, edit, v, " AND ", err));
  REM_TRY(rem_dialect__put(d, edit, err, " ORDER BY _score DESC"));
  return put_tail(d, edit, v, err);
}

static rem_status put_lookup(rem_dialect *d, rem_edit *edit, const verb *v, rem_error *err) {
  for (uint32_t i = 0; i < v->key_count; i++) {
    REM_TRY(rem_dialect__put(d, edit, err, i ? " UNION ALL SELECT * FROM lookup(" : "SELECT * FROM lookup("));
    REM_TRY(put_key(d, edit, v->keys[i], err));
    REM_TRY(rem_dialect__put(d, edit, err, ")"));
    if (v->table != NONE) REM_TRY(rem_dialect__put(d, edit, err, " WHERE \"table\" = '%s'", v->found.name));
  }
  return put_tail(d, edit, v, err);
}

static rem_status put_function(rem_dialect *d, rem_edit *edit, const verb *v, rem_error *err) {
  bool traverse = v->word == REM_WORD_TRAVERSE;
  REM_TRY(rem_dialect__put(d, edit, err, "SELECT * FROM %s(", traverse ? "traverse" : v->word == REM_WORD_FUZZY ? "fuzzy" : "search"));
  REM_TRY(put_key(d, edit, v->keys[0], err));
  if (traverse) {
    REM_TRY(put_argument(d, edit, v->depth, err));
    const char *direction = v->direction == NONE ? "NULL" : NULL;
    bool bare = v->direction != NONE && rem_dialect__kind(d, v->direction) == REM_TOKEN_NAME;
    REM_TRY(rem_dialect__put(d, edit, err, direction ? ", NULL" : bare ? ", '" : ", "));
    if (!direction) REM_TRY(put_key(d, edit, v->direction, err));
    REM_TRY(rem_dialect__put(d, edit, err, bare ? "'" : ""));
    REM_TRY(put_argument(d, edit, v->type, err));
  } else {
    if (v->table != NONE)
      REM_TRY(rem_dialect__put(d, edit, err, ", '%s'", v->found.name));
    else
      REM_TRY(rem_dialect__put(d, edit, err, ", NULL"));
    REM_TRY(put_argument(d, edit, v->minimum, err));
  }
  REM_TRY(rem_dialect__put(d, edit, err, ")"));
  REM_TRY(put_where(d, edit, v, " WHERE ", err));
  return put_tail(d, edit, v, err);
}

rem_status rem_dialect__parse_verb(rem_dialect *d, uint32_t at, rem_error *err) {
  verb v = {.word = (rem_word)rem_dialect__token(d, at)->word, .table = NONE, .reference = NONE, .direction = NONE};
  uint32_t query = NONE, begin = at++;
  REM_TRY(rem_dialect__new_query(d, NONE, &query, err));
  REM_TRY(rem_dialect__new_block(d, query, NONE, &v.block, err));
  d->queries.items[query].first_block = v.block;
  d->queries.items[query].block_count = 1;
  if (v.word == REM_WORD_TRAVERSE) {
    if (!rem_dialect__is(d, at, REM_WORD_FROM))
      return misuse(d, &v, at, "FROM is missing here", err);
    at++;
  }
  REM_TRY(parse_keys(d, &v, &at, err));
  for (bool known = true; known;)
    REM_TRY(parse_option(d, &v, &at, &known, err));
  rem_token_kind kind = rem_dialect__kind(d, at);
  if (kind != REM_TOKEN_END && kind != REM_TOKEN_SEMICOLON)
    return misuse(d, &v, at, "this does not belong here", err);
  if (d->calls.count > 0)
    return misuse(d, &v, d->calls.items[0].whole.begin, "a verb takes no further search", err);
  d->statement.searches |= v.word == REM_WORD_SEARCH;
  d->blocks.items[v.block].where = v.where;
  d->queries.items[query].whole = (rem_token_range){begin, at};
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){begin, at}, &edit, err));
  if (v.word == REM_WORD_LOOKUP)
    return put_lookup(d, edit, &v, err);
  return v.reference != NONE ? put_table_search(d, edit, &v, err) : put_function(d, edit, &v, err);
}
