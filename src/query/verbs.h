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
 * All of them read the statement's snapshot; none sees what a transaction has written and not committed, so there they refuse.
 */
#ifndef REM_QUERY_VERBS_H
#define REM_QUERY_VERBS_H

#include "query/list_module.h"

REM_CHECKED rem_status rem_verbs_add(rem_session *session, rem_error *err);

/* Between the files of this module. */
extern const rem_list_function rem_verb_traverse;
/* REM_UNSUPPORTED when the transaction has written something. */
REM_CHECKED rem_status rem_verb__check(const rem_view *view, const char *name, rem_error *err);
/* The key of a row into `ret_value`, NULL when it has none; and its entity as JSON. */
REM_CHECKED rem_status rem_verb__key(rem_made_rows *list, const rem_row *row, rem_value *ret_value, rem_error *err);
REM_CHECKED rem_status rem_verb__entity(rem_made_rows *list, const rem_row *row, rem_value *ret_value, rem_error *err);
REM_CHECKED rem_status rem_verb__id(rem_made_rows *list, const uint8_t id[16], rem_value *ret_value, rem_error *err);
/* The text of an argument; `ret_text` empty with data NULL when it is missing or NULL. */
rem_slice rem_verb__argument(sqlite3_value *argument);

#endif
