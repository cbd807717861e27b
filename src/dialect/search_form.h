/* SPDX-License-Identifier: Apache-2.0 */
/* A block with searches being formed: what search_form.c, search_star.c and search_table.c share. */
#ifndef REM_DIALECT_SEARCH_FORM_H
#define REM_DIALECT_SEARCH_FORM_H

#include "dialect/dialect_internal.h"

typedef struct rem_form {
  rem_dialect *d;
  uint32_t block;
  uint32_t rank;  /* the call that ranks; NONE */
  uint32_t lead;  /* the call whose order the rows have: rank, or the first other search; NONE: values only */
  bool ranked_table, join; /* the form, as above; of a ranked table whether it is in a join */
  rem_edit *outer_limit; /* of a ranked table in a join: what LIMIT becomes outside; NULL */
  bool score_used, vector_used[2]; /* of the table that ranks, outside of it */
} rem_form;

static inline const rem_call *rem_form__call(const rem_form *f, uint32_t i) {
  return &f->d->calls.items[i];
}
static inline const rem_call *rem_form__leader(const rem_form *f, const rem_call *call) {
  return rem_form__call(f, call->leader);
}
static inline bool rem_form__empty(rem_token_range range) {
  return range.begin == range.end;
}
static inline bool rem_form__contains(rem_token_range range, uint32_t i) {
  return i >= range.begin && i < range.end;
}
static inline const rem_query *rem_form__query(const rem_form *f) {
  return &f->d->queries.items[f->d->blocks.items[f->block].query];
}
static inline const char *rem_form__direction(const rem_call *call) {
  return call->metric == REM_METRIC_L2 ? "ASC" : "DESC";
}

/* The name of the reference, then `text`. */
rem_status rem_form__put_of(rem_form *f, rem_edit *edit, uint32_t reference, const char *text, rem_error *err);
/* r._cosine = q [AND r._min_score = x] */
rem_status rem_form__put_constraint(rem_form *f, rem_edit *edit, uint32_t leader, rem_error *err);
/* The condition that is the call `i`, or is compared with it. */
rem_status rem_form__edit_condition(rem_form *f, uint32_t i, rem_edit **ret_edit, rem_error *err);

/* search_star.c: `*` beside a search (D26) */
bool rem_form__has_star(const rem_form *f);
/* Does `*` show the score? Only in the list that the statement gives, and once. */
bool rem_form__star_shows_score(const rem_form *f);
rem_status rem_form__edit_stars_in_place(rem_form *f, rem_error *err);
/* `*` of a ranked table that has columns beyond those of its `*`. */
rem_status rem_form__edit_stars_of_table(rem_form *f, rem_error *err);

/* search_table.c: the block reads a ranked table. */
rem_status rem_form__ranked_table(rem_form *f, rem_error *err);

#endif
