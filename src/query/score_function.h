/* SPDX-License-Identifier: Apache-2.0 */
/* _rem_score(metric, table, slot, vector, q): the score of one vector against what is searched for; NULL when either is NULL. */
#ifndef REM_QUERY_SCORE_FUNCTION_H
#define REM_QUERY_SCORE_FUNCTION_H

#include "query/session_internal.h"

REM_CHECKED rem_status rem_score_function_add(rem_session *session, rem_error *err);

#endif
