/* SPDX-License-Identifier: Apache-2.0 */
#include "dialect/dialect.h"

#include <string.h>

#include "dialect/dialect_internal.h"

rem_status rem_dialect_new(rem_dialect **ret_dialect, rem_error *err) {
  rem_dialect *d = rem_calloc(1, sizeof *d);
  if (!d)
    return rem_error_nomem(err);
  rem_buffer_init(&d->output, REM_DIALECT_OUTPUT_SIZE_MAX);
  *ret_dialect = d;
  return REM_OK;
}

void rem_dialect_free(rem_dialect *d) {
  if (!d)
    return;
  rem_arena_deinit(&d->arena);
  rem_buffer_deinit(&d->output);
  rem_free(d->tokens.items);
  rem_free(d->queries.items);
  rem_free(d->blocks.items);
  rem_free(d->references.items);
  rem_free(d->ctes.items);
  rem_free(d->calls.items);
  rem_free(d->marks.items);
  rem_free(d->edits.items);
  rem_free(d->segments.items);
  rem_free(d->parameters.items);
  rem_free(d->comparisons.items);
  rem_free(d->choices.items);
  rem_free(d->arrows.items);
  rem_free(d->demands.items);
  rem_free(d);
}

static void reset(rem_dialect *d, const char *text, size_t text_size, const rem_dialect_catalog *catalog) {
  d->text = text;
  d->text_size = text_size;
  d->catalog = catalog;
  d->statement = (rem_dialect_statement){.kind = REM_DIALECT_EMPTY};
  rem_arena_reset(&d->arena);
  rem_buffer_reset(&d->output);
  d->tokens.count = d->queries.count = d->blocks.count = d->references.count = d->ctes.count = d->calls.count = 0;
  d->marks.count = d->edits.count = d->segments.count = d->parameters.count = 0;
  d->comparisons.count = d->choices.count = d->arrows.count = d->demands.count = 0;
  d->body = d->depth = d->type_work = 0;
  d->source = d->target_columns = (rem_token_range){0};
}

/* ------------------------------------------------------------------------------------------- */
/* Parameters */

#define PARAMETER_COUNT_MAX 32766u /* SQLite's */
#define NAMED_COUNT_MAX 500u       /* names are compared one by one */

static rem_dialect_parameter *find_named(rem_dialect *d, const char *name, size_t size) {
  for (uint32_t i = 0; i < d->parameters.count; i++) {
    rem_dialect_parameter *parameter = &d->parameters.items[i];
    if (parameter->name && parameter->name_size == size && memcmp(parameter->name, name, size) == 0)
      return parameter;
  }
  return NULL;
}

/* What the digits say; the text may end with them, without a NUL. More than 6 are too large in any case. */
static uint32_t read_number(const char *digits, size_t size) {
  uint32_t number = 0;
  for (size_t i = 0; i < size && i < 7; i++)
    number = number * 10 + (uint32_t)(digits[i] - '0');
  return number;
}

/* The number of one parameter; `highest` is the greatest so far. */
static rem_status number_of(rem_dialect *d, uint32_t token, uint32_t *highest, uint32_t *ret_number, rem_error *err) {
  const rem_token *t = &d->tokens.items[token];
  const char *text = d->text + t->begin;
  size_t size = t->end - t->begin;
  bool anonymous = text[0] == '?';
  uint32_t number = anonymous ? read_number(text + 1, size - 1) : 0;
  if (anonymous && size > 1 && (number == 0 || number > PARAMETER_COUNT_MAX || size > 7))
    return rem_dialect__fail(d, token, REM_LIMIT, err, "parameters have numbers from 1 to %u", PARAMETER_COUNT_MAX);
  rem_dialect_parameter *known = anonymous ? NULL : find_named(d, text, size);
  if (known) number = known->number;
  if (number == 0) number = *highest + 1;
  if (number > PARAMETER_COUNT_MAX || (!anonymous && !known && d->parameters.count >= NAMED_COUNT_MAX && number > NAMED_COUNT_MAX * 4))
    return rem_dialect__fail(d, token, REM_LIMIT, err, "too many parameters");
  bool seen = known || (anonymous && size > 1 && number <= *highest);
  if (number > *highest) *highest = number;
  *ret_number = number;
  if (seen)
    return REM_OK;
  rem_dialect_parameter *parameter;
  REM_DIALECT_PUSH(d->parameters, parameter, err);
  *parameter = (rem_dialect_parameter){.number = number, .name = anonymous ? NULL : text, .name_size = anonymous ? 0 : size};
  return REM_OK;
}

/* Lists the parameters; in a text that is made anew each is written as its number, for its place may have changed. */
static rem_status number_parameters(rem_dialect *d, bool edit_them, rem_error *err) {
  uint32_t highest = 0, number = 0;
  for (uint32_t i = 0; i < d->tokens.count; i++) {
    if (d->tokens.items[i].kind != REM_TOKEN_PARAMETER)
      continue;
    REM_TRY(number_of(d, i, &highest, &number, err));
    d->tokens.items[i].number = (uint16_t)number;
    if (!edit_them || d->tokens.items[i].made)
      continue;
    rem_edit *edit;
    REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){i, i + 1}, &edit, err));
    REM_TRY(rem_dialect__put(d, edit, err, "?%u", number));
  }
  d->statement.parameters = d->parameters.items;
  d->statement.parameter_count = d->parameters.count;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

/* EXPLAIN alone would list SQLite's instructions, which are nobody's answer. */
static rem_status edit_explain(rem_dialect *d, rem_error *err) {
  if (!d->statement.explain || d->body != 1)
    return REM_OK;
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){0, 1}, &edit, err));
  return rem_dialect__put(d, edit, err, "EXPLAIN QUERY PLAN");
}

static rem_status translate(rem_dialect *d, rem_error *err) {
  REM_TRY(rem_dialect__tokenize(d, err));
  REM_TRY(rem_dialect__parse_statement(d, err));
  REM_TRY(rem_dialect__resolve_deleted(d, err));
  REM_TRY(number_parameters(d, false, err));
  REM_TRY(rem_dialect__check_comparisons(d, err));
  REM_TRY(rem_dialect__check_access(d, err));
  REM_TRY(rem_dialect__check_written(d, err));
  d->statement.demands = d->demands.items;
  d->statement.demand_count = d->demands.count;
  REM_TRY(rem_dialect__edit_choices(d, err));
  REM_TRY(rem_dialect__edit_references(d, err));
  REM_TRY(rem_dialect__edit_lists(d, err));
  REM_TRY(rem_dialect__edit_row_values(d, err));
  REM_TRY(rem_dialect__plan_searches(d, err));
  REM_TRY(rem_dialect__edit_counts(d, err));
  REM_TRY(rem_dialect__edit_source(d, err));
  REM_TRY(edit_explain(d, err));
  d->statement.sql = d->text;
  d->statement.sql_size = d->text_size;
  if (d->edits.count == 0)
    return REM_OK;
  REM_TRY(rem_dialect__keep_result_names(d, err));
  if (d->parameters.count > 0) {
    d->parameters.count = 0;
    REM_TRY(number_parameters(d, true, err));
  }
  REM_TRY(rem_dialect__render(d, 0, (uint32_t)d->text_size, err));
  d->statement.sql = (const char *)d->output.data;
  d->statement.sql_size = d->output.size;
  return REM_OK;
}

rem_status rem_dialect_rewrite(rem_dialect *d, const char *text, size_t text_size, const rem_dialect_catalog *catalog,
                               rem_dialect_statement *ret_statement, rem_error *err) {
  if (text_size > REM_DIALECT_TEXT_SIZE_MAX)
    return rem_error_set(err, REM_LIMIT, "a statement of %zu bytes; at most %u are possible", text_size, REM_DIALECT_TEXT_SIZE_MAX);
  reset(d, text, text_size, catalog);
  REM_TRY(translate(d, err));
  *ret_statement = d->statement;
  return REM_OK;
}
