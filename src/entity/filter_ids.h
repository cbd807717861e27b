/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ids of the rows that a filter lets through, for searches that look at these rows only.
 */
#ifndef REM_ENTITY_FILTER_IDS_H
#define REM_ENTITY_FILTER_IDS_H

#include "entity/engine.h"
#include "entity/filter.h"

typedef struct rem_id_list {
  uint8_t (*ids)[16]; /* owned; sorted */
  size_t count, capacity;
} rem_id_list;
void rem_id_list_deinit(rem_id_list *list);
#define REM_AUTO_ID_LIST REM_CLEANUP(rem_id_list_deinit)

/* All rows of a table that `where_json` lets through, parsed as `filter`, under `snapshot`. One term with an index is answered by that alone; else
 * the rows are read that an index names, or all. */
REM_CHECKED rem_status rem_filter_ids(rem_engine *engine, const char *tenant, const rem_kv_snapshot *snapshot,
                                      rem_table *table, const rem_filter *filter, const char *where_json,
                                      bool include_deleted, rem_id_list *ret_ids, rem_error *err);
/* Does an index give all of them without a row being read? */
bool rem_filter_is_indexed(const rem_filter *filter, bool include_deleted);
/* About how many of `rows` rows those are, by what the index takes on disk; `rows` where that tells nothing. */
size_t rem_filter_estimate(rem_engine *engine, const char *tenant, const rem_filter *filter, size_t rows);
/* Does an index say that at most `most` rows can match? Reads no rows. */
REM_CHECKED rem_status rem_filter_is_few(rem_engine *engine, const char *tenant, const rem_kv_snapshot *snapshot,
                                         const rem_filter *filter, size_t most, bool *ret_few, rem_error *err);

#endif
