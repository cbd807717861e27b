/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of statement it is, and the statements that are not queries. */
#include "dialect/dialect_internal.h"

static const char *const statement_words[] = {"SELECT",   "INSERT",    "UPDATE", "DELETE", "WITH",     "VALUES",  "REPLACE", "BEGIN", "COMMIT",
                                              "ROLLBACK", "SAVEPOINT", "RELEASE", "EXPLAIN", "LOOKUP", "SEARCH",  "FUZZY",  "TRAVERSE", NULL};

static rem_status unsupported(rem_dialect *d, uint32_t at, const char *hint, rem_error *err) {
  rem_dialect__fail(d, at, REM_UNSUPPORTED, err, "%.*s is not available", REM_DIALECT_SHOWN(d, at));
  rem_error_hint(err, "%s", hint);
  return REM_UNSUPPORTED;
}

static rem_status unknown_statement(rem_dialect *d, uint32_t at, rem_error *err) {
  const char *text = rem_dialect__unquoted(d, at);
  if (!text)
    return rem_error_nomem(err);
  rem_dialect__fail(d, at, REM_INVALID, err, "a statement does not begin with %.*s", REM_DIALECT_SHOWN(d, at));
  if (rem_dialect__names(d, at, "show") || rem_dialect__names(d, at, "describe"))
    rem_error_hint(err, "SELECT name, description FROM schema shows the tables; db schema show TABLE its fields");
  else
    rem_dialect__suggest(text, statement_words, "it begins with SELECT, INSERT, UPDATE, DELETE, LOOKUP, SEARCH, FUZZY or TRAVERSE", err);
  return REM_INVALID;
}

/* Clauses of writes that virtual tables do not have, wherever they stand at the statement's own level. */
static rem_status refuse_clauses(rem_dialect *d, uint32_t at, uint32_t limit, rem_error *err) {
  for (uint32_t i = at; i < limit; i = rem_dialect__step(d, i)) {
    if (rem_dialect__is(d, i, REM_WORD_RETURNING))
      return unsupported(d, i, "read the row afterwards: SELECT … WHERE id = …", err);
    if (rem_dialect__is(d, i, REM_WORD_ON) && rem_dialect__is(d, i + 1, REM_WORD_CONFLICT)) {
      rem_dialect__fail(d, i, REM_UNSUPPORTED, err, "ON CONFLICT is not available");
      rem_error_hint(err, "INSERT replaces the row of the same key; INSERT OR IGNORE keeps it");
      return REM_UNSUPPORTED;
    }
  }
  return REM_OK;
}

/* INSERT OR IGNORE and the like. */
static void skip_or(const rem_dialect *d, uint32_t *at) {
  if (rem_dialect__is(d, *at, REM_WORD_OR)) *at += 2;
}

static rem_status parse_insert(rem_dialect *d, uint32_t at, uint32_t limit, uint32_t query, rem_error *err) {
  uint32_t b = NONE;
  REM_TRY(refuse_clauses(d, at, limit, err));
  d->statement.kind = REM_DIALECT_INSERT;
  skip_or(d, &at);
  if (!rem_dialect__is(d, at, REM_WORD_INTO)) {
    rem_dialect__fail(d, at, REM_INVALID, err, "INTO is missing here");
    rem_error_hint(err, "INSERT INTO table (columns) VALUES (…)");
    return REM_INVALID;
  }
  at++;
  REM_TRY(rem_dialect__new_block(d, query, NONE, &b, err));
  d->blocks.items[b].writes = true;
  REM_TRY(rem_dialect__parse_target(d, &at, b, err));
  /* The list of columns: scanned for deleted_at alone. */
  if (rem_dialect__kind(d, at) == REM_TOKEN_OPEN) {
    uint32_t inside = at + 1, close = rem_dialect__token(d, at)->partner;
    d->target_columns = (rem_token_range){inside, close};
    REM_TRY(rem_dialect__scan(d, &inside, close, b, 0, err));
    at = close + 1;
  }
  d->source.begin = d->source.end = at;
  if (rem_dialect__starts_query(d, at))
    REM_TRY(rem_dialect__parse_query(d, &d->source.end, limit, query, NONE, false, err));
  return REM_OK;
}

/* The assignments and WHERE of an UPDATE; a DELETE has the last alone. */
static rem_status parse_change(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t b, rem_error *err) {
  if (rem_dialect__is(d, *at, REM_WORD_SET)) {
    uint32_t begin = ++*at;
    REM_TRY(rem_dialect__scan(d, at, limit, b, REM_STOP_CLAUSE, err));
    d->blocks.items[b].results = (rem_token_range){begin, *at};
  }
  /* SQLite reads every column of a row for it, hidden ones too, and no longer says which of them are set. */
  if (*at < limit && rem_dialect__is(d, *at, REM_WORD_FROM)) {
    rem_dialect__fail(d, *at, REM_UNSUPPORTED, err, "UPDATE … FROM is not available");
    rem_error_hint(err, "SET name = (SELECT … FROM …) WHERE id IN (SELECT …)");
    return REM_UNSUPPORTED;
  }
  if (*at < limit && rem_dialect__is(d, *at, REM_WORD_WHERE)) {
    uint32_t begin = ++*at;
    REM_TRY(rem_dialect__scan(d, at, limit, b, REM_STOP_CLAUSE, err));
    d->blocks.items[b].where = (rem_token_range){begin, *at};
  }
  while (*at < limit) {
    uint32_t before = *at;
    REM_TRY(rem_dialect__scan(d, at, limit, b, 0, err));
    if (*at == before) ++*at;
  }
  return REM_OK;
}

static rem_status parse_update(rem_dialect *d, uint32_t at, uint32_t limit, uint32_t query, rem_error *err) {
  uint32_t b = NONE;
  REM_TRY(refuse_clauses(d, at, limit, err));
  d->statement.kind = REM_DIALECT_UPDATE;
  skip_or(d, &at);
  REM_TRY(rem_dialect__new_block(d, query, NONE, &b, err));
  d->blocks.items[b].writes = true;
  REM_TRY(rem_dialect__parse_target(d, &at, b, err));
  return parse_change(d, &at, limit, b, err);
}

static rem_status parse_delete(rem_dialect *d, uint32_t at, uint32_t limit, uint32_t query, rem_error *err) {
  uint32_t b = NONE;
  REM_TRY(refuse_clauses(d, at, limit, err));
  d->statement.kind = REM_DIALECT_DELETE;
  if (!rem_dialect__is(d, at, REM_WORD_FROM)) {
    rem_dialect__fail(d, at, REM_INVALID, err, "FROM is missing here");
    rem_error_hint(err, "DELETE FROM table WHERE …");
    return REM_INVALID;
  }
  at++;
  REM_TRY(rem_dialect__new_block(d, query, NONE, &b, err));
  d->blocks.items[b].writes = true;
  REM_TRY(rem_dialect__parse_target(d, &at, b, err));
  return parse_change(d, &at, limit, b, err);
}

/* What may stand behind WITH. */
static rem_status parse_body(rem_dialect *d, uint32_t at, uint32_t limit, uint32_t query, rem_error *err) {
  switch (rem_dialect__token(d, at)->word) {
  case REM_WORD_INSERT:
  case REM_WORD_REPLACE:
    return parse_insert(d, at + 1, limit, query, err);
  case REM_WORD_UPDATE:
    return parse_update(d, at + 1, limit, query, err);
  case REM_WORD_DELETE:
    return parse_delete(d, at + 1, limit, query, err);
  default:
    d->statement.kind = REM_DIALECT_SELECT;
    return rem_dialect__parse_query(d, &at, limit, query, NONE, true, err);
  }
}

static rem_status parse_data(rem_dialect *d, uint32_t at, uint32_t limit, rem_error *err) {
  uint32_t query = NONE;
  REM_TRY(rem_dialect__new_query(d, NONE, &query, err));
  if (rem_dialect__is(d, at, REM_WORD_WITH)) REM_TRY(rem_dialect__parse_with(d, &at, limit, query, NONE, err));
  return parse_body(d, at, limit, query, err);
}

static rem_status dispatch(rem_dialect *d, uint32_t at, uint32_t limit, rem_error *err) {
  rem_token_kind kind = rem_dialect__kind(d, at);
  if (at >= limit)
    return d->statement.explain ? rem_dialect__fail(d, at, REM_INVALID, err, "EXPLAIN what?") : REM_OK;
  switch (kind == REM_TOKEN_NAME ? rem_dialect__token(d, at)->word : REM_WORD_NONE) {
  case REM_WORD_SELECT:
  case REM_WORD_VALUES:
  case REM_WORD_WITH:
  case REM_WORD_INSERT:
  case REM_WORD_REPLACE:
  case REM_WORD_UPDATE:
  case REM_WORD_DELETE:
    return parse_data(d, at, limit, err);
  case REM_WORD_LOOKUP:
  case REM_WORD_SEARCH:
  case REM_WORD_FUZZY:
  case REM_WORD_TRAVERSE:
    d->statement.kind = REM_DIALECT_SELECT;
    return rem_dialect__parse_verb(d, at, err);
  case REM_WORD_BEGIN:
    d->statement.kind = REM_DIALECT_BEGIN;
    return REM_OK;
  case REM_WORD_COMMIT:
  case REM_WORD_END:
    d->statement.kind = REM_DIALECT_COMMIT;
    return REM_OK;
  case REM_WORD_ROLLBACK:
    d->statement.kind = REM_DIALECT_ROLLBACK;
    for (uint32_t i = at; i < limit; i++)
      if (rem_dialect__is(d, i, REM_WORD_TO)) d->statement.kind = REM_DIALECT_SAVEPOINT;
    return REM_OK;
  case REM_WORD_SAVEPOINT:
  case REM_WORD_RELEASE:
    d->statement.kind = REM_DIALECT_SAVEPOINT;
    return REM_OK;
  case REM_WORD_CREATE:
  case REM_WORD_ALTER:
  case REM_WORD_DROP:
    return unsupported(d, at, "tables come from schemas: db schema add FILE, db schema remove TABLE", err);
  case REM_WORD_VACUUM:
    return unsupported(d, at, "db vacuum removes deleted rows for good", err);
  case REM_WORD_REINDEX:
  case REM_WORD_ANALYZE:
    return unsupported(d, at, "indexes and counts are kept by themselves; db reindex rebuilds them", err);
  case REM_WORD_ATTACH:
  case REM_WORD_DETACH:
    return unsupported(d, at, "a statement reads one database", err);
  case REM_WORD_PRAGMA:
    return unsupported(d, at, "settings are P8_* variables: db config shows them", err);
  default:
    return unknown_statement(d, at, err);
  }
}

rem_status rem_dialect__parse_statement(rem_dialect *d, rem_error *err) {
  uint32_t end = d->tokens.count - 1, limit = 0;
  while (limit < end && rem_dialect__kind(d, limit) != REM_TOKEN_SEMICOLON)
    limit++;
  uint32_t after = limit;
  while (after < end && rem_dialect__kind(d, after) == REM_TOKEN_SEMICOLON)
    after++;
  if (after < end) {
    rem_dialect__fail(d, after, REM_INVALID, err, "a second statement");
    rem_error_hint(err, "give them one at a time; a script runs with db query --file");
    return REM_INVALID;
  }
  d->statement.text_size = limit < end ? rem_dialect__token(d, end - 1)->end : d->text_size;
  uint32_t at = 0;
  if (rem_dialect__is(d, at, REM_WORD_EXPLAIN)) {
    d->statement.explain = true;
    at++;
    if (rem_dialect__is(d, at, REM_WORD_QUERY) && rem_dialect__is(d, at + 1, REM_WORD_PLAN)) at += 2;
  }
  d->body = at;
  return dispatch(d, at, limit, err);
}
