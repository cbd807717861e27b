/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of an INSERT are all made before the first is written, so that the statement reads what was there when it began.
 *
 * SQLite sees to that where the rows come from the very table that is written. It cannot know that the table is also read under another of its names: with
 * its deleted rows, through its counter, through the view of all tables, and through the verbs.
 *
 *   INSERT INTO t SELECT … entities …    INSERT INTO t WITH _rem_rows AS MATERIALIZED (SELECT … entities …) SELECT * FROM _rem_rows
 */
#include "dialect/dialect_internal.h"

#include <string.h>

static const rem_reference *target_of(const rem_dialect *d) {
  for (uint32_t r = 0; r < d->references.count; r++)
    if (d->references.items[r].target)
      return &d->references.items[r];
  return NULL;
}

static bool is_verb(const rem_dialect *d, const rem_reference *reference) {
  return reference->kind == REM_REFERENCE_FUNCTION && !rem_dialect__names(d, reference->name, "json_each") &&
         !rem_dialect__names(d, reference->name, "json_tree");
}

/* May `reference` read what is written to `target`, unknown to SQLite? */
static bool reads_unseen(const rem_dialect *d, const rem_reference *reference, const rem_reference *target) {
  if (reference->target || reference->kind != REM_REFERENCE_TABLE)
    return is_verb(d, reference);
  if (reference->table.read_only)
    return true;
  return (reference->counted || reference->deleted != target->deleted) && strcmp(reference->table.name, target->table.name) == 0;
}

rem_status rem_dialect__edit_source(rem_dialect *d, rem_error *err) {
  const rem_reference *target = d->statement.kind == REM_DIALECT_INSERT ? target_of(d) : NULL;
  bool unseen = false;
  for (uint32_t r = 0; target && r < d->references.count; r++)
    unseen = unseen || reads_unseen(d, &d->references.items[r], target);
  if (!unseen || d->source.begin == d->source.end)
    return REM_OK;
  rem_edit *edit;
  REM_TRY(rem_dialect__edit_tokens(d, d->source, &edit, err));
  REM_TRY(rem_dialect__put(d, edit, err, "WITH _rem_rows AS MATERIALIZED ("));
  REM_TRY(rem_dialect__copy(d, edit, d->source, NULL, err));
  return rem_dialect__put(d, edit, err, ") SELECT * FROM _rem_rows");
}
