/* SPDX-License-Identifier: Apache-2.0 */
/* `SELECT count(*) FROM t` and nothing else: the table keeps count. */
#include "dialect/dialect_internal.h"

static bool empty(rem_token_range range) {
  return range.begin == range.end;
}

/* count(*), with or without an alias. */
static bool is_count(const rem_dialect *d, rem_token_range results) {
  uint32_t i = results.begin, size = results.end - results.begin;
  if (size < 4 || !rem_dialect__names(d, i, "count") || rem_dialect__kind(d, i + 1) != REM_TOKEN_OPEN ||
      rem_dialect__kind(d, i + 2) != REM_TOKEN_STAR || rem_dialect__kind(d, i + 3) != REM_TOKEN_CLOSE)
    return false;
  uint32_t alias = rem_dialect__item_alias(d, results);
  bool as = size == 6 && rem_dialect__is(d, i + 4, REM_WORD_AS);
  return size == 4 || (alias != NONE && (size == 5 || as));
}

/* The table that a block only counts; NONE. The view of all tables keeps no count. */
static uint32_t counted(const rem_dialect *d, const rem_block *block) {
  const rem_query *query = &d->queries.items[block->query];
  if (block->reference_count != 1 || block->distinct || !empty(block->where) || !empty(block->group) || !empty(block->having) ||
      !empty(block->window) || !empty(query->order) || !is_count(d, block->results))
    return NONE;
  const rem_reference *reference = &d->references.items[block->first_reference];
  bool alone = block->from.end - block->from.begin == reference->whole.end - reference->whole.begin;
  bool counts = reference->kind == REM_REFERENCE_TABLE && !reference->table.read_only;
  return alone && counts && !reference->deleted ? block->first_reference : NONE;
}

rem_status rem_dialect__edit_counts(rem_dialect *d, rem_error *err) {
  for (uint32_t b = 0; b < d->blocks.count; b++) {
    const rem_block *block = &d->blocks.items[b];
    /* Most blocks say so by their first word. */
    if (block->writes || block->values || !block->gathers)
      continue;
    uint32_t r = counted(d, block);
    if (r == NONE)
      continue;
    d->references.items[r].counted = true;
    rem_edit *edit;
    uint32_t begin = block->results.begin;
    REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){begin, begin + 4}, &edit, err));
    REM_TRY(rem_dialect__put(d, edit, err, "_count"));
    REM_TRY(rem_dialect__edit_tokens(d, d->references.items[r].whole, &edit, err));
    REM_TRY(rem_dialect__put(d, edit, err, "\"%s+count\"", d->references.items[r].table.name));
  }
  return REM_OK;
}
