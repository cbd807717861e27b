/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to search for, as a vector: a text is embedded by the model of the table's slot, a blob of float32 values or a JSON array of numbers is one already.
 */
#ifndef REM_QUERY_SEARCH_VECTOR_H
#define REM_QUERY_SEARCH_VECTOR_H

#include "query/session_internal.h"

typedef struct rem_sought {
  const float *values; /* borrowed from the session until the next call */
  size_t dimension;
} rem_sought;

/*
 * REM_OK, or REM_NOT_FOUND for NULL: nothing is like it. The last text is remembered, so that a search that begins anew for every row of a join embeds it
 * once. REM_INVALID: not a vector, or of another dimension than the slot's; REM_MODEL, REM_PROVIDER.
 */
REM_CHECKED rem_status rem_search_vector_of(rem_session *session, const rem_table *table, unsigned slot, sqlite3_value *value,
                                            rem_sought *ret_vector, rem_error *err);
/* The vectors of texts that are to be found, as rows are embedded; `ret_vectors` has room for `count` of the slot's dimension. */
REM_CHECKED rem_status rem_search_embed_rows(rem_session *session, const rem_table *table, unsigned slot, const rem_slice *texts,
                                             size_t count, float *ret_vectors, rem_error *err);
void rem_search_vector_forget(rem_session *session);

#endif
