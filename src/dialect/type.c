/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What expressions hold, as far as it can be told from their text and the catalog: columns, what functions and CASE give of their arguments, columns of
 * queries in FROM and WITH, queries in parentheses.
 *
 * It is used to refuse comparisons that make no sense and to compare instants as instants, so it never guesses: what is not understood, what
 * could be several things, and what is beyond the budget is of any type.
 */
#include "dialect/dialect_internal.h"

#include <strings.h>

#include "base/instant.h"

#define TYPE_DEPTH_MAX 40
#define TYPE_WORK_MAX  2000000u /* columns looked at for one statement */

/* Parts: what the values that an expression may give are. The low bits are those of the types. */
enum {
  PART_NULL = 1 << 8,
  PART_NUMBER = 1 << 9,   /* a number written */
  PART_INSTANT = 1 << 10, /* a text written that is an instant too */
  PART_TEXT = 1 << 11,    /* another text written */
  PART_PARAMETER = 1 << 12,
};
#define PARTS_OF_TYPES 0xff
#define PART_OF(type)  (1 << (type))

static rem_dialect_type settle(uint16_t parts) {
  uint16_t types = parts & PARTS_OF_TYPES;
  bool text = parts & (PART_INSTANT | PART_TEXT), number = parts & PART_NUMBER;
  switch (types) {
  case PART_OF(REM_DIALECT_INSTANT): return number || (parts & PART_TEXT) ? REM_DIALECT_ANY : REM_DIALECT_INSTANT;
  case PART_OF(REM_DIALECT_BOOL): return text || number || (parts & PART_PARAMETER) ? REM_DIALECT_ANY : REM_DIALECT_BOOL;
  case PART_OF(REM_DIALECT_NUMBER): return text || (parts & PART_PARAMETER) ? REM_DIALECT_ANY : REM_DIALECT_NUMBER;
  case PART_OF(REM_DIALECT_TEXT): return number || (parts & PART_PARAMETER) ? REM_DIALECT_ANY : REM_DIALECT_TEXT;
  case PART_OF(REM_DIALECT_UUID):
  case PART_OF(REM_DIALECT_LIST):
  case PART_OF(REM_DIALECT_OBJECT):
    for (int type = REM_DIALECT_UUID; type <= REM_DIALECT_OBJECT; type++)
      if (types == PART_OF(type) && !(parts & ~types & ~PART_NULL))
        return (rem_dialect_type)type;
    return REM_DIALECT_ANY;
  default: return REM_DIALECT_ANY;
  }
}

static rem_typed made_of(uint16_t parts) {
  return (rem_typed){.type = settle(parts), .parts = parts, .null = parts == PART_NULL};
}

static rem_typed anything(void) {
  return made_of(PART_OF(REM_DIALECT_ANY));
}

static rem_typed type_within(rem_dialect *d, uint32_t block, rem_token_range range, unsigned depth);

/* ------------------------------------------------------------------------------------------- */
/* Columns                                                                                      */

rem_dialect_type rem_dialect__column_type(rem_dialect *d, const rem_dialect_table *table, uint32_t token, bool *ret_has) {
  bool hidden;
  const char *name = rem_dialect__unquoted(d, token);
  *ret_has = !name; /* without memory nothing is sure */
  for (size_t i = 0; name; i++) {
    const char *column = d->catalog->column_name(d->catalog->context, table, i, &hidden);
    d->type_work++;
    if (!column)
      return REM_DIALECT_ANY;
    if ((column[0] | 0x20) != (name[0] | 0x20) || strcasecmp(column, name) != 0)
      continue;
    *ret_has = true;
    return d->catalog->column_type(d->catalog->context, table, i);
  }
  return REM_DIALECT_ANY;
}

static uint32_t query_in(const rem_dialect *d, uint32_t open) {
  for (uint32_t q = 0; q < d->queries.count; q++)
    if (d->queries.items[q].open == open && open != NONE)
      return q;
  return NONE;
}

/* The item without its alias. */
static rem_token_range without_alias(const rem_dialect *d, rem_token_range item) {
  uint32_t alias = rem_dialect__item_alias(d, item);
  if (alias == NONE)
    return item;
  return (rem_token_range){item.begin, alias - rem_dialect__is(d, alias - 1, REM_WORD_AS)};
}

/* The result of number `index` of a block; false: it cannot be told, for a star or a VALUES. */
static bool result_item(const rem_dialect *d, uint32_t b, uint32_t index, rem_token_range *ret_item) {
  const rem_block *block = &d->blocks.items[b];
  rem_token_range rest = block->results, item;
  if (block->values)
    return false;
  for (uint32_t i = 0; rem_dialect__next_item(d, &rest, &item); i++) {
    if (item.begin == item.end || rem_dialect__kind(d, item.end - 1) == REM_TOKEN_STAR)
      return false;
    if (i == index) {
      *ret_item = without_alias(d, item);
      return true;
    }
  }
  return false;
}

/* Column `index` of a query: what all of its blocks give there. */
static rem_typed type_of_result(rem_dialect *d, uint32_t q, uint32_t index, unsigned depth) {
  uint16_t parts = 0;
  bool converts = true;
  for (uint32_t b = d->queries.items[q].first_block; b != NONE; b = d->blocks.items[b].next) {
    rem_token_range item;
    if (!result_item(d, b, index, &item))
      return anything();
    rem_typed typed = type_within(d, b, item, depth + 1);
    parts |= typed.parts;
    converts = converts && typed.converts;
  }
  rem_typed typed = parts ? made_of(parts) : anything();
  typed.converts = converts;
  return typed;
}

static rem_typed type_of_name(rem_dialect *d, uint32_t block, uint32_t qualifier, uint32_t name, unsigned depth);

/* The column that a query names so: by alias, or as the column it is; a star hands on the columns of its tables. */
static rem_typed type_of_named_result(rem_dialect *d, uint32_t q, uint32_t name, bool *ret_has, unsigned depth) {
  uint32_t b = q == NONE ? NONE : d->queries.items[q].first_block;
  if (b == NONE || d->blocks.items[b].values)
    return anything();
  rem_token_range rest = d->blocks.items[b].results, item;
  bool star = false;
  for (uint32_t i = 0; rem_dialect__next_item(d, &rest, &item); i++) {
    uint32_t size = item.end - item.begin, alias = rem_dialect__item_alias(d, item);
    if (size == 0)
      return anything();
    bool column = alias == NONE && rem_dialect__is_name(d, item.begin) && (size == 1 || (size == 3 && rem_dialect__kind(d, item.begin + 1) == REM_TOKEN_DOT));
    star |= rem_dialect__kind(d, item.end - 1) == REM_TOKEN_STAR;
    uint32_t given = alias != NONE ? alias : column ? item.end - 1 : NONE;
    if (given != NONE && rem_dialect__same_name(d, given, name))
      return star ? anything() : type_of_result(d, q, i, depth);
  }
  bool alone = d->queries.items[q].block_count == 1 && d->blocks.items[b].results.end - d->blocks.items[b].results.begin == 1;
  *ret_has = star;
  return star && alone ? type_of_name(d, b, NONE, name, depth + 1) : anything();
}

/* name (a, b) AS (…): the columns have the names of the list. */
static rem_typed type_of_cte(rem_dialect *d, const rem_cte *cte, uint32_t name, bool *ret_has, unsigned depth) {
  uint32_t q = query_in(d, cte->open), list = cte->name + 1;
  if (q == NONE || rem_dialect__kind(d, list) != REM_TOKEN_OPEN || list == cte->open)
    return type_of_named_result(d, q, name, ret_has, depth);
  rem_token_range rest = {list + 1, rem_dialect__token(d, list)->partner}, item;
  for (uint32_t i = 0; rem_dialect__next_item(d, &rest, &item); i++)
    if (item.end - item.begin == 1 && rem_dialect__same_name(d, item.begin, name))
      return type_of_result(d, q, i, depth);
  *ret_has = false;
  return anything();
}

/* `ret_has` is false only where it is sure that the reference has no such column. */
static rem_typed type_in_reference(rem_dialect *d, const rem_reference *reference, uint32_t name, bool *ret_has, unsigned depth) {
  rem_typed typed = anything();
  *ret_has = true;
  switch (reference->kind) {
  case REM_REFERENCE_TABLE:
    typed = made_of((uint16_t)PART_OF(rem_dialect__column_type(d, &reference->table, name, ret_has)));
    typed.column = true;
    break;
  case REM_REFERENCE_SUBQUERY: typed = type_of_named_result(d, query_in(d, reference->name), name, ret_has, depth); break;
  case REM_REFERENCE_CTE: typed = type_of_cte(d, &d->ctes.items[reference->cte], name, ret_has, depth); break;
  case REM_REFERENCE_FUNCTION: break;
  }
  if (reference->kind != REM_REFERENCE_TABLE) typed.column = false;
  typed.converts = true; /* of a query it may not, which is for SQLite to know */
  return typed;
}

static bool is_called(const rem_dialect *d, const rem_reference *reference, uint32_t qualifier) {
  bool named = reference->kind != REM_REFERENCE_SUBQUERY || reference->alias != NONE;
  return named && rem_dialect__same_name(d, rem_dialect__visible_name(reference), qualifier);
}

/* WHERE, GROUP BY, HAVING and ORDER BY know the results by their aliases, where no column is called so. */
static rem_typed type_of_alias(rem_dialect *d, uint32_t b, uint32_t name, unsigned depth) {
  rem_token_range rest = d->blocks.items[b].results, item;
  if (d->blocks.items[b].values || d->blocks.items[b].writes || (name >= rest.begin && name < rest.end))
    return anything();
  while (rem_dialect__next_item(d, &rest, &item)) {
    uint32_t alias = rem_dialect__item_alias(d, item);
    if (alias != NONE && rem_dialect__same_name(d, alias, name))
      return type_within(d, b, without_alias(d, item), depth + 1);
  }
  return anything();
}

/* A name without a qualifier is looked for in its own block alone: around it, it could be an alias. */
static rem_typed type_of_name(rem_dialect *d, uint32_t block, uint32_t qualifier, uint32_t name, unsigned depth) {
  if (depth > TYPE_DEPTH_MAX || ++d->type_work > TYPE_WORK_MAX) /* a query may take its columns from itself */
    return anything();
  uint32_t found = qualifier == NONE ? NONE : rem_dialect__find_reference(d, block, qualifier);
  if (qualifier != NONE && found == NONE)
    return anything();
  uint32_t b = qualifier == NONE ? block : d->references.items[found].block;
  rem_typed typed = anything();
  uint32_t count = 0;
  for (uint32_t r = d->blocks.items[b].first_reference; r != NONE; r = d->references.items[r].next) {
    const rem_reference *reference = &d->references.items[r];
    bool has;
    if (qualifier != NONE && !is_called(d, reference, qualifier))
      continue;
    rem_typed one = type_in_reference(d, reference, name, &has, depth);
    if (has && count++ == 0) typed = one;
  }
  if (count == 0 && qualifier == NONE)
    return type_of_alias(d, b, name, depth);
  return count == 1 ? typed : anything();
}

/* ------------------------------------------------------------------------------------------- */
/* Functions and CASE                                                                           */

#define ALL_ARGUMENTS 0xffffffffu

static const struct {
  const char *name;
  rem_dialect_type type;  /* of what it gives, or */
  uint32_t arguments;     /* which of its arguments it gives */
} functions[] = {
    {"coalesce", 0, ALL_ARGUMENTS}, {"ifnull", 0, ALL_ARGUMENTS}, {"max", 0, ALL_ARGUMENTS}, {"min", 0, ALL_ARGUMENTS},
    {"iif", 0, ALL_ARGUMENTS & ~1u}, {"nullif", 0, 1}, {"first_value", 0, 1}, {"last_value", 0, 1}, {"nth_value", 0, 1}, {"lag", 0, 5}, {"lead", 0, 5},
    {"count", REM_DIALECT_NUMBER, 0}, {"sum", REM_DIALECT_NUMBER, 0}, {"total", REM_DIALECT_NUMBER, 0}, {"avg", REM_DIALECT_NUMBER, 0},
    {"length", REM_DIALECT_NUMBER, 0}, {"abs", REM_DIALECT_NUMBER, 0}, {"round", REM_DIALECT_NUMBER, 0}, {"instr", REM_DIALECT_NUMBER, 0},
    {"julianday", REM_DIALECT_NUMBER, 0}, {"unixepoch", REM_DIALECT_NUMBER, 0}, {"json_array_length", REM_DIALECT_NUMBER, 0},
    {"row_number", REM_DIALECT_NUMBER, 0}, {"rank", REM_DIALECT_NUMBER, 0}, {"dense_rank", REM_DIALECT_NUMBER, 0}, {"ntile", REM_DIALECT_NUMBER, 0},
    {"lower", REM_DIALECT_TEXT, 0}, {"upper", REM_DIALECT_TEXT, 0}, {"trim", REM_DIALECT_TEXT, 0}, {"ltrim", REM_DIALECT_TEXT, 0},
    {"rtrim", REM_DIALECT_TEXT, 0}, {"replace", REM_DIALECT_TEXT, 0}, {"hex", REM_DIALECT_TEXT, 0}, {"group_concat", REM_DIALECT_TEXT, 0},
    {"strftime", REM_DIALECT_TEXT, 0}, {"date", REM_DIALECT_TEXT, 0}, {"time", REM_DIALECT_TEXT, 0}, {"datetime", REM_DIALECT_TEXT, 0},
    {"printf", REM_DIALECT_TEXT, 0}, {"format", REM_DIALECT_TEXT, 0}, {"typeof", REM_DIALECT_TEXT, 0},
};
#define FUNCTION_COUNT (sizeof functions / sizeof functions[0])

static size_t find_function(const rem_dialect *d, uint32_t name) {
  size_t i = 0;
  while (i < FUNCTION_COUNT && !rem_dialect__names(d, name, functions[i].name))
    i++;
  return i;
}

/* What is done with each of the values that a choice may give. */
typedef rem_status (*visit_value)(rem_dialect *d, uint32_t block, rem_token_range value, void *context, rem_error *err);

/* The arguments of the function at `name` that it gives. */
static rem_status visit_arguments(rem_dialect *d, uint32_t block, uint32_t name, visit_value visit, void *context, rem_error *err) {
  rem_token_range rest = {name + 2, rem_dialect__token(d, name + 1)->partner}, item;
  size_t f = find_function(d, name);
  if (rem_dialect__is(d, rest.begin, REM_WORD_DISTINCT)) rest.begin++;
  for (uint32_t i = 0; f < FUNCTION_COUNT && rem_dialect__next_item(d, &rest, &item); i++)
    if (functions[f].arguments & (1u << (i < 31 ? i : 31))) REM_TRY(visit(d, block, item, context, err));
  return REM_OK;
}

/* What stands behind THEN and ELSE. */
static rem_status visit_branches(rem_dialect *d, uint32_t block, uint32_t open, visit_value visit, void *context, rem_error *err) {
  uint32_t end = rem_dialect__token(d, open)->partner;
  for (uint32_t i = open + 1; end != NONE && i < end; i = rem_dialect__step(d, i)) {
    if (!rem_dialect__is(d, i, REM_WORD_THEN) && !rem_dialect__is(d, i, REM_WORD_ELSE))
      continue;
    uint32_t stop = i + 1;
    while (stop < end && !rem_dialect__is(d, stop, REM_WORD_WHEN) && !rem_dialect__is(d, stop, REM_WORD_ELSE))
      stop = rem_dialect__step(d, stop);
    REM_TRY(visit(d, block, (rem_token_range){i + 1, stop}, context, err));
  }
  return REM_OK;
}

typedef struct gathering {
  uint16_t parts;
  unsigned depth;
} gathering;

static rem_status gather(rem_dialect *d, uint32_t block, rem_token_range value, void *context, rem_error *err) {
  gathering *g = context;
  (void)err;
  g->parts |= type_within(d, block, value, g->depth + 1).parts;
  return REM_OK;
}

static rem_typed type_of_call(rem_dialect *d, uint32_t block, rem_token_range range, unsigned depth) {
  size_t f = find_function(d, range.begin);
  uint32_t after = rem_dialect__token(d, range.begin + 1)->partner + 1;
  bool whole = after == range.end || rem_dialect__is(d, after, REM_WORD_FILTER) || rem_dialect__is(d, after, REM_WORD_OVER);
  gathering g = {.depth = depth};
  if (f == FUNCTION_COUNT || !whole)
    return anything();
  if (functions[f].type)
    return made_of((uint16_t)PART_OF(functions[f].type));
  (void)!visit_arguments(d, block, range.begin, gather, &g, NULL);
  return g.parts ? made_of(g.parts) : anything();
}

/* ------------------------------------------------------------------------------------------- */
/* Expressions                                                                                  */

static rem_typed type_of_text(rem_dialect *d, uint32_t token) {
  const char *text = rem_dialect__unquoted(d, token);
  int64_t instant;
  return made_of(text && rem_instant_parse(text, strlen(text), true, &instant) ? PART_INSTANT : PART_TEXT);
}

static rem_typed type_of_token(rem_dialect *d, uint32_t block, uint32_t i, unsigned depth) {
  switch (rem_dialect__kind(d, i)) {
  case REM_TOKEN_TEXT: return type_of_text(d, i);
  case REM_TOKEN_NUMBER: return made_of(PART_NUMBER);
  case REM_TOKEN_PARAMETER: return made_of(PART_PARAMETER);
  default: break;
  }
  if (rem_dialect__is(d, i, REM_WORD_NULL))
    return made_of(PART_NULL);
  return rem_dialect__is_name(d, i) ? type_of_name(d, block, NONE, i, depth) : anything();
}

/* A query in parentheses: what its one column is. One of more columns is a row value. */
static rem_typed type_of_query(rem_dialect *d, uint32_t q, unsigned depth) {
  uint32_t b = d->queries.items[q].first_block;
  rem_token_range rest = b == NONE ? (rem_token_range){0} : d->blocks.items[b].results, item;
  bool one = rem_dialect__next_item(d, &rest, &item) && !rem_dialect__next_item(d, &rest, &item);
  rem_typed typed = one ? type_of_result(d, q, 0, depth) : anything();
  typed.column = false;
  return typed;
}

static rem_typed type_within(rem_dialect *d, uint32_t block, rem_token_range r, unsigned depth) {
  if (depth > TYPE_DEPTH_MAX || ++d->type_work > TYPE_WORK_MAX || r.begin >= r.end)
    return anything();
  uint32_t size = r.end - r.begin;
  if (size == 1)
    return type_of_token(d, block, r.begin, depth);
  if (rem_dialect__kind(d, r.begin) == REM_TOKEN_OPEN && rem_dialect__token(d, r.begin)->partner + 1 == r.end) {
    uint32_t q = query_in(d, r.begin);
    return q != NONE ? type_of_query(d, q, depth) : type_within(d, block, (rem_token_range){r.begin + 1, r.end - 1}, depth + 1);
  }
  if (rem_dialect__is(d, r.begin, REM_WORD_CASE) && rem_dialect__token(d, r.begin)->partner + 1 == r.end) {
    gathering g = {.depth = depth};
    (void)!visit_branches(d, block, r.begin, gather, &g, NULL);
    return g.parts ? made_of(g.parts) : anything();
  }
  if (!rem_dialect__is_name(d, r.begin))
    return anything();
  if (rem_dialect__kind(d, r.begin + 1) == REM_TOKEN_OPEN)
    return type_of_call(d, block, r, depth);
  bool chain = size == 3 && rem_dialect__kind(d, r.begin + 1) == REM_TOKEN_DOT;
  return chain ? type_of_name(d, block, r.begin, r.begin + 2, depth) : anything();
}

rem_typed rem_dialect__type_of(rem_dialect *d, uint32_t block, rem_token_range range) {
  return d->catalog->column_type ? type_within(d, block, range, 0) : anything();
}

/* ------------------------------------------------------------------------------------------- */
/* Choices                                                                                      */

/* coalesce(start_time, '2025-10-01'): what comes out must be as canonical as the column, or it is sorted and compared as other text. */
static rem_status make_canonical(rem_dialect *d, uint32_t block, rem_token_range value, void *context, rem_error *err) {
  rem_edit *edit;
  int64_t instant;
  char canonical[REM_INSTANT_TEXT_SIZE];
  (void)block;
  (void)context;
  if (value.end - value.begin != 1)
    return REM_OK;
  if (rem_dialect__kind(d, value.begin) == REM_TOKEN_PARAMETER) {
    d->tokens.items[value.begin].made = true;
    REM_TRY(rem_dialect__edit_tokens(d, value, &edit, err));
    return rem_dialect__put(d, edit, err, "_rem_instant(?%u)", rem_dialect__token(d, value.begin)->number);
  }
  const char *text = rem_dialect__kind(d, value.begin) == REM_TOKEN_TEXT ? rem_dialect__unquoted(d, value.begin) : NULL;
  if (!text || !rem_instant_parse(text, strlen(text), true, &instant))
    return REM_OK;
  (void)rem_instant_format_fixed(instant, canonical);
  if (strcmp(canonical, text) == 0)
    return REM_OK;
  REM_TRY(rem_dialect__edit_tokens(d, value, &edit, err));
  return rem_dialect__put(d, edit, err, "'%s'", canonical);
}

rem_status rem_dialect__edit_choices(rem_dialect *d, rem_error *err) {
  for (uint32_t i = 0; d->catalog->column_type && i < d->choices.count; i++) {
    const rem_place place = d->choices.items[i];
    bool branches = rem_dialect__is(d, place.token, REM_WORD_CASE);
    gathering g = {0};
    REM_TRY(branches ? visit_branches(d, place.block, place.token, gather, &g, err) : visit_arguments(d, place.block, place.token, gather, &g, err));
    if (settle(g.parts) != REM_DIALECT_INSTANT || !(g.parts & (PART_INSTANT | PART_PARAMETER)))
      continue;
    REM_TRY(branches ? visit_branches(d, place.block, place.token, make_canonical, NULL, err)
                     : visit_arguments(d, place.block, place.token, make_canonical, NULL, err));
  }
  return REM_OK;
}
