/* SPDX-License-Identifier: Apache-2.0 */
/* SQL over the tables of an engine: rem.h's sessions and statements, for the API. All of it is as rem.h says. */
#ifndef REM_QUERY_SESSION_H
#define REM_QUERY_SESSION_H

#include "entity/engine.h"

/* `options` are whole. */
REM_CHECKED rem_status rem_query_open(rem_engine *engine, const char *tenant, const rem_session_options *options,
                                      rem_session **ret_session, rem_error *err);
void rem_query_close(rem_session *session);
REM_CHECKED rem_status rem_query_prepare(rem_session *session, rem_slice text, rem_statement **ret_statement, size_t *ret_used,
                                         rem_error *err);
REM_CHECKED rem_status rem_query_explain(rem_session *session, rem_slice text, rem_bytes *ret_text, rem_error *err);
REM_CHECKED rem_status rem_query_tables_json(rem_session *session, rem_bytes *ret_json, rem_error *err);

#endif
