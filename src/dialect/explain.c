/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite says of the text made, said of the caller's text. */
#include "dialect/dialect_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define CANDIDATE_COUNT_MAX 2000

/* SQLite's messages name what they mean after one of these. */
typedef enum trouble { COLUMN, NO_COLUMN_NAMED, FUNCTION, AMBIGUOUS, TABLE, NEAR, NO_PLAN, TOO_BIG, OTHER } trouble;

typedef struct message_form {
  trouble trouble;
  const char *begins, *holds; /* how the message begins, or what stands right before the name */
} message_form;

static const message_form forms[] = {
    {COLUMN, "no such column: ", NULL},
    {NO_COLUMN_NAMED, NULL, " has no column named "},
    {FUNCTION, "no such function: ", NULL},
    {FUNCTION, "wrong number of arguments to function ", NULL},
    {AMBIGUOUS, "ambiguous column name: ", NULL},
    {TABLE, "no such table: ", NULL},
    {NEAR, "near \"", NULL},
    {NO_PLAN, "no query solution", NULL},
    {TOO_BIG, "too many ", NULL},
    {TOO_BIG, "Expression tree is too large", NULL},
    {TOO_BIG, "parser stack overflow", NULL},
};

static trouble classify(const char *message, const char **ret_name) {
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    const char *begins = forms[i].begins, *at = begins ? NULL : strstr(message, forms[i].holds);
    if (begins && strncmp(message, begins, strlen(begins)) == 0) {
      *ret_name = message + strlen(begins);
      return forms[i].trouble;
    }
    if (at) {
      *ret_name = at + strlen(forms[i].holds);
      return forms[i].trouble;
    }
  }
  *ret_name = "";
  return OTHER;
}

/* The message without the names that only the text made has. */
static void clean_message(const char *message, char *cleaned, size_t capacity) {
  static const char *const inner[] = {"+deleted", "+count"};
  size_t size = 0;
  while (*message && size + 1 < capacity) {
    size_t skip = 0;
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
      if (strncmp(message, inner[i], strlen(inner[i])) == 0) skip = strlen(inner[i]);
    if (skip)
      message += skip;
    else
      cleaned[size++] = *message++;
  }
  cleaned[size] = 0;
}

/* The last part of a name like r.title. */
static const char *last_part(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

/* The token at a byte of the caller's text, else the first that is the name. */
static uint32_t find_token(const rem_dialect *d, int64_t offset, const char *name) {
  uint32_t by_name = NONE;
  for (uint32_t i = 0; i + 1 < d->tokens.count; i++) {
    const rem_token *token = &d->tokens.items[i];
    if (offset >= 0 && token->begin <= offset && offset < token->end)
      return i;
    if (by_name == NONE && rem_dialect__names(d, i, last_part(name))) by_name = i;
  }
  return offset < 0 ? by_name : NONE;
}

/* ------------------------------------------------------------------------------------------- */

static size_t add_columns(const rem_dialect *d, const rem_dialect_table *table, const char **names, size_t count) {
  bool hidden;
  for (size_t i = 0; count < CANDIDATE_COUNT_MAX; i++) {
    const char *name = d->catalog->column_name(d->catalog->context, table, i, &hidden);
    if (!name)
      break;
    if (!hidden) names[count++] = name;
  }
  return count;
}

/* `metadata.author`: a field of a column, where a table stands before a dot. */
static bool suggest_field(rem_dialect *d, const char *name, rem_error *err) {
  const char *dot = strchr(name, '.');
  if (!dot || dot == name || (size_t)(dot - name) > 63)
    return false;
  char column[64];
  snprintf(column, sizeof column, "%.*s", (int)(dot - name), name);
  for (uint32_t r = 0; r < d->references.count; r++) {
    const rem_reference *reference = &d->references.items[r];
    if (reference->kind != REM_REFERENCE_TABLE || !rem_dialect__has_column(d, &reference->table, column))
      continue;
    rem_error_hint(err, "a field inside a column is written %s ->> '%s'", column, dot + 1);
    return true;
  }
  return false;
}

static void suggest_column(rem_dialect *d, uint32_t token, const char *name, rem_error *err) {
  if (token != NONE && rem_dialect__kind(d, token) == REM_TOKEN_QUOTED && d->text[rem_dialect__token(d, token)->begin] == '"') {
    rem_error_hint(err, "text stands in single quotes: '%s'", last_part(name));
    return;
  }
  if (suggest_field(d, name, err))
    return;
  const char **names = rem_arena_alloc(&d->arena, CANDIDATE_COUNT_MAX * sizeof *names);
  if (!names)
    return;
  size_t count = 0;
  for (uint32_t r = 0; r < d->references.count; r++)
    if (d->references.items[r].kind == REM_REFERENCE_TABLE) count = add_columns(d, &d->references.items[r].table, names, count);
  const char *nearest = rem_text_nearest(last_part(name), names, count);
  if (nearest)
    rem_error_hint(err, "did you mean '%s'?", nearest);
  else if (d->references.count == 1 && d->references.items[0].kind == REM_REFERENCE_TABLE)
    rem_error_hint(err, "db schema show %s lists its fields; others are read with _doc ->> '$.properties.…'", d->references.items[0].table.name);
}

/* Functions and keywords of completion; `functions` chooses which. */
static const char *nearest_word(rem_dialect *d, const char *typed, bool functions) {
  const char **names = rem_arena_alloc(&d->arena, CANDIDATE_COUNT_MAX * sizeof *names);
  size_t count = 0;
  for (size_t i = 0; names && count < CANDIDATE_COUNT_MAX; i++) {
    const char *word = rem_dialect_word(i);
    if (!word)
      break;
    size_t size = strlen(word);
    bool function = word[size - 1] == '(';
    if (function == functions) names[count++] = function ? rem_arena_strndup(&d->arena, word, size - 1) : word;
    if (count > 0 && !names[count - 1])
      return NULL;
  }
  char folded[64];
  snprintf(folded, sizeof folded, "%s", typed);
  for (char *c = folded; *c; c++)
    if (functions ? (*c >= 'A' && *c <= 'Z') : (*c >= 'a' && *c <= 'z')) *c ^= 0x20;
  return count ? rem_text_nearest(folded, names, count) : NULL;
}

static void suggest_function(rem_dialect *d, const char *name, rem_error *err) {
  static const char *const elsewhere[][2] = {
      {"now", "datetime('now')"}, {"len", "length(…)"}, {"concat", "a || b"}, {"array_length", "json_array_length(…)"},
      {"cosine", "embedding.cosine('text')"}, {"l2", "embedding.l2('text')"}, {"inner_product", "embedding.inner_product('text')"},
      {"cardinality", "json_array_length(…)"}, {"to_char", "strftime(format, …)"}, {"date_trunc", "strftime(format, …)"}, {"left", "substr(text, 1, n)"}, {"if", "iif(condition, a, b)"},
      {"array_agg", "json_group_array(…)"}, {"string_agg", "group_concat(…)"}, {"regexp_matches", "LIKE or GLOB"}, {"any", "value = ANY(list)"}};
  for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
    if (strcasecmp(name, elsewhere[i][0]) == 0) {
      rem_error_hint(err, "here it is written %s", elsewhere[i][1]);
      return;
    }
  const char *nearest = nearest_word(d, name, true);
  if (nearest) rem_error_hint(err, "did you mean %s()?", nearest);
}

/* near "FORM": syntax error */
static void suggest_keyword(rem_dialect *d, uint32_t token, rem_error *err) {
  if (token == NONE)
    return;
  const char *typed = rem_dialect__unquoted(d, token);
  static const char *const foreign[][2] = {{"ilike", "LIKE ignores the case of ASCII letters"},
                                           {"top", "LIMIT n stands at the end"},
                                           {"fetch", "LIMIT n stands at the end"},
                                           {"qualify", "put the window function into a query in FROM, and its condition around it"}};
  for (size_t i = 0; typed && i < sizeof foreign / sizeof foreign[0]; i++)
    if (strcasecmp(typed, foreign[i][0]) == 0) {
      rem_error_hint(err, "%s", foreign[i][1]);
      return;
    }
  if (rem_dialect__kind(d, token) == REM_TOKEN_NAME && rem_word_is_reserved((rem_word)rem_dialect__token(d, token)->word)) {
    rem_error_hint(err, "something is missing before %.*s, or it is a name and wants double quotes", REM_DIALECT_SHOWN(d, token));
    return;
  }
  /* The word before may be the one that is misspelt: SELECT a FORM t ends at t. */
  for (uint32_t i = token; i + 2 > token && i < d->tokens.count; i--) {
    if (rem_dialect__kind(d, i) != REM_TOKEN_NAME || rem_dialect__token(d, i)->word != REM_WORD_NONE)
      continue;
    const char *word = rem_dialect__unquoted(d, i);
    const char *nearest = word && strlen(word) > 2 ? nearest_word(d, word, false) : NULL;
    if (nearest) {
      rem_error_hint(err, "did you mean %s instead of %s?", nearest, word);
      return;
    }
    if (i == 0)
      return;
  }
}

static void suggest_less(const char *message, rem_error *err) {
  if (strstr(message, "parser stack"))
    rem_error_hint(err, "put fewer parentheses, NOT and CASE inside each other");
  if (strstr(message, "Expression tree"))
    rem_error_hint(err, "write a chain of OR as IN (…), or ask in several statements");
}

rem_status rem_dialect_explain_error(rem_dialect *d, const char *message, int64_t offset, rem_error *err) {
  char cleaned[REM_ERROR_MESSAGE_SIZE];
  const char *name;
  clean_message(message, cleaned, sizeof cleaned);
  trouble trouble = classify(cleaned, &name);
  int64_t source = rem_dialect_source_offset(d, offset);
  uint32_t token = find_token(d, source, name);
  bool unknown = trouble == COLUMN || trouble == NO_COLUMN_NAMED || trouble == FUNCTION || trouble == TABLE;
  rem_status code = unknown ? REM_UNKNOWN : trouble == TOO_BIG ? REM_LIMIT : REM_INVALID;
  if (trouble == NO_PLAN)
    rem_error_set(err, code, "a search cannot be used like this");
  else
    rem_error_set(err, code, "%s", cleaned);
  if (err && source < 0 && token != NONE) source = rem_dialect__token(d, token)->begin;
  if (err) err->offset = source;
  if (trouble == COLUMN || trouble == NO_COLUMN_NAMED) suggest_column(d, token, name, err);
  if (trouble == FUNCTION) suggest_function(d, name, err);
  if (trouble == TABLE) rem_dialect__suggest_table(d, name, err);
  if (trouble == AMBIGUOUS) rem_error_hint(err, "more than one table has it: write TABLE.%s", name);
  if (trouble == TOO_BIG) suggest_less(cleaned, err);
  if (trouble == NEAR) suggest_keyword(d, token, err);
  if (trouble == NO_PLAN) rem_error_hint(err, "what is searched for may not depend on the row that is searched");
  return code;
}
