/* SPDX-License-Identifier: Apache-2.0 */
/* Names: which table reference a qualifier means, which references see deleted rows, and how SQLite must see them. */
#include "dialect/dialect_internal.h"

#include <stdio.h>
#include <strings.h>

uint32_t rem_dialect__visible_name(const rem_reference *reference) {
  return reference->alias != NONE ? reference->alias : reference->name;
}

uint32_t rem_dialect__find_reference(const rem_dialect *d, uint32_t block, uint32_t qualifier) {
  for (uint32_t b = block; b != NONE; b = d->blocks.items[b].parent)
    for (uint32_t r = d->blocks.items[b].first_reference; r != NONE; r = d->references.items[r].next) {
      const rem_reference *reference = &d->references.items[r];
      bool named = reference->kind != REM_REFERENCE_SUBQUERY || reference->alias != NONE;
      if (named && rem_dialect__same_name(d, rem_dialect__visible_name(reference), qualifier))
        return r;
    }
  return NONE;
}

bool rem_dialect__has_column(const rem_dialect *d, const rem_dialect_table *table, const char *name) {
  bool hidden;
  for (size_t i = 0;; i++) {
    const char *column = d->catalog->column_name(d->catalog->context, table, i, &hidden);
    if (!column)
      return false;
    if (strcasecmp(column, name) == 0)
      return true;
  }
}

bool rem_dialect__is_column_of(rem_dialect *d, uint32_t block, uint32_t name, uint32_t reference) {
  if (rem_dialect__kind(d, name + 1) == REM_TOKEN_DOT)
    return rem_dialect__find_reference(d, block, name) == reference;
  const char *text = rem_dialect__unquoted(d, name);
  bool own = false, other = false;
  for (uint32_t r = d->blocks.items[block].first_reference; text && r != NONE; r = d->references.items[r].next) {
    const rem_reference *each = &d->references.items[r];
    bool has = each->kind != REM_REFERENCE_TABLE || rem_dialect__has_column(d, &each->table, text);
    own |= has && r == reference;
    other |= has && r != reference;
  }
  return own && !other;
}

/* deleted_at without a qualifier: of every table in the nearest block that reads tables. */
static void mark_block(rem_dialect *d, uint32_t block) {
  for (uint32_t b = block; b != NONE; b = d->blocks.items[b].parent) {
    bool found = false;
    for (uint32_t r = d->blocks.items[b].first_reference; r != NONE; r = d->references.items[r].next) {
      rem_reference *reference = &d->references.items[r];
      if (reference->kind == REM_REFERENCE_TABLE) reference->deleted = true;
      found |= reference->kind != REM_REFERENCE_FUNCTION;
    }
    if (found)
      return;
  }
}

/* `… AS deleted_at` gives a result that name, and reads no column. */
static bool is_alias(const rem_dialect *d, const rem_mark *mark) {
  const rem_block *block = &d->blocks.items[mark->block];
  bool inside = !block->writes && mark->token > block->results.begin && mark->token < block->results.end;
  return inside && rem_dialect__item_alias(d, (rem_token_range){mark->token - 1, mark->token + 1}) == mark->token;
}

rem_status rem_dialect__resolve_deleted(rem_dialect *d, rem_error *err) {
  (void)err;
  for (uint32_t i = 0; i < d->marks.count; i++) {
    const rem_mark *mark = &d->marks.items[i];
    if (mark->kind != REM_MARK_DELETED_AT)
      continue;
    if (mark->qualifier == NONE) {
      if (!is_alias(d, mark)) mark_block(d, mark->block);
      continue;
    }
    uint32_t r = rem_dialect__find_reference(d, mark->block, mark->qualifier);
    if (r != NONE && d->references.items[r].kind == REM_REFERENCE_TABLE) d->references.items[r].deleted = true;
  }
  return REM_OK;
}

static bool is_written_canonically(rem_dialect *d, const rem_reference *reference) {
  const rem_token *token = rem_dialect__token(d, reference->name);
  const char *name = reference->table.name;
  size_t size = token->end - token->begin;
  if (token->kind == REM_TOKEN_NAME)
    return strncasecmp(d->text + token->begin, name, size) == 0 && name[size] == 0;
  const char *text = rem_dialect__unquoted(d, reference->name);
  return text && strcasecmp(text, name) == 0;
}

rem_status rem_dialect__edit_references(rem_dialect *d, rem_error *err) {
  for (uint32_t r = 0; r < d->references.count; r++) {
    const rem_reference *reference = &d->references.items[r];
    if (reference->kind != REM_REFERENCE_TABLE || (!reference->deleted && is_written_canonically(d, reference)))
      continue;
    rem_edit *edit;
    REM_TRY(rem_dialect__edit_tokens(d, (rem_token_range){reference->whole.begin, reference->name + 1}, &edit, err));
    REM_TRY(rem_dialect__put(d, edit, err, "\"%s%s\"", reference->table.name, reference->deleted ? "+deleted" : ""));
    if (reference->alias != NONE)
      continue;
    REM_TRY(rem_dialect__put(d, edit, err, " AS "));
    REM_TRY(rem_dialect__put_token(d, edit, reference->name, err));
  }
  return REM_OK;
}
