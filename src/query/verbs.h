/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs as table-valued functions:
 *
 *   lookup(key [, how])                 "table", match, id, key, entity            how: 'ignore-case', 'prefix', 'fuzzy'
 *   search(text [, table [, least]])    "table", score, id, key, entity            best first, lazily no more than SQLite takes
 *   fuzzy(text [, table [, least]])     "table", score, match, id, key, entity     keys and names like the text
 *   traverse(start [, depth [, direction [, type]]])
 *                                       depth, "table", id, key, source, type, direction, entity
 *
 * All of them read the statement's snapshot with what its transaction has written, and what they give counts as read (D29).
 */
#ifndef REM_QUERY_VERBS_H
#define REM_QUERY_VERBS_H

#include "entity/cursor.h"
#include "query/list_module.h"

#define REM_VERB_SEARCH_MOST 1000 /* rows of a search without a threshold */

/* A row of an answer: "table", what sets it apart, id, key, entity. */
typedef enum rem_hit_form { REM_HIT_MATCH, REM_HIT_SCORE, REM_HIT_BOTH } rem_hit_form;

REM_CHECKED rem_status rem_verbs_add(rem_session *session, rem_error *err);
/* Of the `index`th, NULL past the last. */
const char *rem_verb_name(size_t index);

/* Between the files of this module. */
extern const rem_list_function rem_verb_traverse;
/* All rows of a cursor, which is taken; in `table` only when that is not empty, and none worse than `least`. */
REM_CHECKED rem_status rem_verb__add_hits(rem_session *session, rem_cursor *cursor, rem_hit_form form, rem_slice table, double least,
                                          rem_made_rows *list, rem_error *err);
/* search() where the transaction has written: `table` may be NULL, `least` NAN. */
REM_CHECKED rem_status rem_verb__search_written(rem_session *session, rem_view *view, sqlite3_value **arguments, const char *table, double least,
                                                rem_made_rows *list, rem_error *err);
/* Rows are about to be read: a commit must find them unchanged. */
void rem_verb__reads(rem_view *view);
/* The key of a row into `ret_value`, NULL when it has none; and its entity as JSON. */
REM_CHECKED rem_status rem_verb__key(rem_made_rows *list, const rem_row *row, rem_value *ret_value, rem_error *err);
REM_CHECKED rem_status rem_verb__entity(rem_made_rows *list, const rem_row *row, rem_value *ret_value, rem_error *err);
REM_CHECKED rem_status rem_verb__id(rem_made_rows *list, const uint8_t id[16], rem_value *ret_value, rem_error *err);
/* The text of an argument; `ret_text` empty with data NULL when it is missing or NULL. */
rem_slice rem_verb__argument(sqlite3_value *argument);

#endif
