/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constants that are written: the rows of VALUES in an INSERT, the assignments of an UPDATE. The schema is what judges a document, when the statement runs; what it is sure to
 * refuse is refused here, at its byte.
 */
#include "dialect/dialect_internal.h"

#include <string.h>

static const rem_reference *target_of(const rem_dialect *d, uint32_t block) {
  uint32_t r = d->blocks.items[block].first_reference;
  return r != NONE && d->references.items[r].target ? &d->references.items[r] : NULL;
}

static rem_status check_value(rem_dialect *d, uint32_t block, rem_dialect_type type, const char *what, size_t what_size, rem_token_range value,
                              rem_error *err) {
  rem_dialect_constant constant;
  if (type == REM_DIALECT_ANY || value.begin >= value.end || !rem_dialect__constant_of(d, block, value, &constant))
    return REM_OK;
  const rem_dialect_demand demand = {
      .offset = rem_dialect__token(d, value.begin)->begin, .type = type, .written = true, .what = what, .what_size = what_size};
  return rem_dialect_fits(&demand, &constant) ? REM_OK : rem_dialect_refuse(&demand, &constant, NULL, err);
}

/* SET a = 1, b = 'x' */
static rem_status check_assignments(rem_dialect *d, uint32_t block, const rem_dialect_table *table, rem_error *err) {
  rem_token_range rest = d->blocks.items[block].results, item;
  bool has;
  while (rem_dialect__next_item(d, &rest, &item)) {
    if (item.end - item.begin < 3 || !rem_dialect__is_name(d, item.begin) || rem_dialect__kind(d, item.begin + 1) != REM_TOKEN_EQUAL)
      continue;
    const rem_token *name = rem_dialect__token(d, item.begin);
    REM_TRY(check_value(d, block, rem_dialect__column_type(d, table, item.begin, &has), d->text + name->begin, name->end - name->begin,
                        (rem_token_range){item.begin + 2, item.end}, err));
  }
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

/* A column that an INSERT writes. */
typedef struct written {
  rem_dialect_type type;
  const char *name;
  size_t size;
} written;

/* Those of the list, or of the table in their order. */
static uint32_t list_columns(rem_dialect *d, const rem_dialect_table *table, written *columns, uint32_t most) {
  rem_token_range rest = d->target_columns, item;
  uint32_t count = 0;
  bool hidden, has, listed = rest.begin < rest.end;
  for (; listed && count < most && rem_dialect__next_item(d, &rest, &item); count++) {
    const rem_token *name = rem_dialect__token(d, item.begin);
    bool named = item.end - item.begin == 1 && rem_dialect__is_name(d, item.begin);
    columns[count] = (written){named ? rem_dialect__column_type(d, table, item.begin, &has) : REM_DIALECT_ANY, d->text + name->begin,
                               name->end - name->begin};
  }
  for (size_t i = 0; !listed && count < most; i++) {
    const char *name = d->catalog->column_name(d->catalog->context, table, i, &hidden);
    if (!name)
      break;
    if (!hidden) columns[count++] = (written){d->catalog->column_type(d->catalog->context, table, i), name, strlen(name)};
  }
  return count;
}

#define COLUMN_COUNT_MAX 2000u

static rem_status check_rows(rem_dialect *d, uint32_t block, const rem_dialect_table *table, rem_error *err) {
  rem_token_range rows = {d->source.begin + 1, d->source.end}, row, value;
  written *columns = rem_arena_alloc(&d->arena, COLUMN_COUNT_MAX * sizeof *columns);
  if (!columns)
    return rem_error_nomem(err);
  uint32_t count = list_columns(d, table, columns, COLUMN_COUNT_MAX);
  while (rem_dialect__next_item(d, &rows, &row)) {
    if (row.begin >= row.end || rem_dialect__kind(d, row.begin) != REM_TOKEN_OPEN || rem_dialect__token(d, row.begin)->partner + 1 != row.end)
      return REM_OK;
    rem_token_range values = {row.begin + 1, row.end - 1};
    for (uint32_t i = 0; i < count && rem_dialect__next_item(d, &values, &value); i++)
      REM_TRY(check_value(d, block, columns[i].type, columns[i].name, columns[i].size, value, err));
  }
  return REM_OK;
}

rem_status rem_dialect__check_written(rem_dialect *d, rem_error *err) {
  if (!d->catalog->column_type || (d->statement.kind != REM_DIALECT_INSERT && d->statement.kind != REM_DIALECT_UPDATE))
    return REM_OK;
  for (uint32_t b = 0; b < d->blocks.count; b++) {
    const rem_reference *target = d->blocks.items[b].writes ? target_of(d, b) : NULL;
    if (!target)
      continue;
    const rem_dialect_table table = target->table;
    if (d->statement.kind == REM_DIALECT_UPDATE)
      return check_assignments(d, b, &table, err);
    return rem_dialect__is(d, d->source.begin, REM_WORD_VALUES) ? check_rows(d, b, &table, err) : REM_OK;
  }
  return REM_OK;
}
