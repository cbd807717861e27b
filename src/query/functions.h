/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions: what every connection of a session has beside SQLite's own.
 *
 *   rem_instant          the collation of date-time columns (D19)
 *   _rem_instant(x)      the text x as canonical as they are
 *   _rem_has(list, x)    and its kin: list_function.h
 *   like(p, x)           and others of SQLite's, bounded: text_function.h
 */
#ifndef REM_QUERY_FUNCTIONS_H
#define REM_QUERY_FUNCTIONS_H

#include "query/session_internal.h"

REM_CHECKED rem_status rem_functions_add(rem_session *session, rem_error *err);
/* The failure of comparing a date-time with a text that is none. */
rem_status rem_functions_no_instant(rem_slice text, rem_error *err);

#endif
