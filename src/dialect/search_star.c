/* SPDX-License-Identifier: Apache-2.0 */
/* `*` beside a search (D26): it shows the score too, in the result list of the statement, and never what a ranked table hands on besides. */
#include "dialect/search_form.h"

#include <string.h>

static bool is_star(const rem_form *f, rem_token_range item, uint32_t *ret_reference) {
  const rem_dialect *d = f->d;
  *ret_reference = NONE;
  if (item.end == item.begin || rem_dialect__kind(d, item.end - 1) != REM_TOKEN_STAR)
    return false;
  if (item.end - item.begin == 1)
    return true;
  if (item.end - item.begin != 3 || rem_dialect__kind(d, item.begin + 1) != REM_TOKEN_DOT)
    return false;
  *ret_reference = rem_dialect__find_reference(d, f->block, item.begin);
  return true;
}

bool rem_form__has_star(const rem_form *f) {
  rem_token_range rest = f->d->blocks.items[f->block].results, item;
  uint32_t reference;
  while (rem_dialect__next_item(f->d, &rest, &item))
    if (is_star(f, item, &reference))
      return true;
  return false;
}

static bool names_score(const rem_form *f) {
  for (uint32_t i = 0; i < f->d->marks.count; i++)
    if (f->d->marks.items[i].kind == REM_MARK_SCORE && rem_form__contains(f->d->blocks.items[f->block].results, f->d->marks.items[i].token))
      return true;
  return false;
}

/* Does `*` show the score? Only in the list that the statement gives, and once. */
bool rem_form__star_shows_score(const rem_form *f) {
  return rem_form__query(f)->outermost && rem_form__query(f)->block_count == 1 && !names_score(f);
}

rem_status rem_form__edit_stars_in_place(rem_form *f, rem_error *err) {
  rem_token_range rest = f->d->blocks.items[f->block].results, item;
  uint32_t starred, searched = rem_form__call(f, f->lead)->reference;
  if (!rem_form__star_shows_score(f))
    return REM_OK;
  while (rem_dialect__next_item(f->d, &rest, &item)) {
    if (!is_star(f, item, &starred) || (starred != NONE && starred != searched))
      continue;
    rem_edit *edit;
    REM_TRY(rem_dialect__edit_tokens(f->d, item, &edit, err));
    REM_TRY(rem_dialect__copy(f->d, edit, item, NULL, err));
    REM_TRY(rem_dialect__put(f->d, edit, err, ", "));
    return rem_form__put_of(f, edit, searched, "._score", err);
  }
  return REM_OK;
}

static rem_status put_quoted(rem_dialect *d, rem_edit *edit, const char *name, rem_error *err) {
  char *quoted = rem_arena_alloc(&d->arena, 2 * strlen(name) + 1), *to = quoted;
  if (!quoted)
    return rem_error_nomem(err);
  for (const char *c = name; *c; c++) {
    if (*c == '"') *to++ = '"';
    *to++ = *c;
  }
  *to = 0;
  return rem_dialect__put(d, edit, err, "\"%s\"", quoted);
}

/* r."a", r."b", …: what `r.*` gives when r is the table itself, and the score where `*` shows it. */
static rem_status put_columns(rem_form *f, rem_edit *edit, uint32_t reference, rem_error *err) {
  rem_dialect *d = f->d;
  bool hidden, begun = false;
  const char *column;
  for (size_t i = 0; (column = d->catalog->column_name(d->catalog->context, &d->references.items[reference].table, i, &hidden)); i++) {
    if (hidden)
      continue;
    if (begun) REM_TRY(rem_dialect__put(d, edit, err, ", "));
    REM_TRY(rem_form__put_of(f, edit, reference, ".", err));
    REM_TRY(put_quoted(d, edit, column, err));
    begun = true;
  }
  if (!rem_form__star_shows_score(f))
    return REM_OK;
  REM_TRY(rem_dialect__put(d, edit, err, ", "));
  return rem_form__put_of(f, edit, reference, "._score", err);
}

/* `*` of a ranked table that has columns beyond those of its `*`. */
rem_status rem_form__edit_stars_of_table(rem_form *f, rem_error *err) {
  rem_dialect *d = f->d;
  rem_token_range rest = d->blocks.items[f->block].results, item;
  uint32_t starred, searched = rem_form__call(f, f->rank)->reference;
  while (rem_dialect__next_item(d, &rest, &item)) {
    if (!is_star(f, item, &starred) || (starred != NONE && starred != searched))
      continue;
    rem_edit *edit;
    REM_TRY(rem_dialect__edit_tokens(d, item, &edit, err));
    for (uint32_t r = d->blocks.items[f->block].first_reference; r != NONE; r = d->references.items[r].next) {
      if (starred != NONE && r != searched)
        continue;
      const rem_reference *reference = &d->references.items[r];
      if (edit->first) REM_TRY(rem_dialect__put(d, edit, err, ", "));
      if (r == searched) {
        REM_TRY(put_columns(f, edit, r, err));
      } else if (reference->kind == REM_REFERENCE_SUBQUERY && reference->alias == NONE) {
        rem_dialect__fail(d, reference->name, REM_INVALID, err, "a query in FROM beside a search needs a name");
        rem_error_hint(err, "write (SELECT …) AS name");
        return REM_INVALID;
      } else {
        REM_TRY(rem_form__put_of(f, edit, r, ".*", err));
      }
    }
  }
  return REM_OK;
}
