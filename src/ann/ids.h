/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids: a set of ids that many searches share, and with it where a graph has their rows. Looking up 13,000 ids takes a graph milliseconds and the search among them a
 * hundredth of that, so what was looked up is kept with the set as long as it holds for the graph.
 *
 * The set never changes. Any number of threads hold references.
 */
#ifndef REM_ANN_IDS_H
#define REM_ANN_IDS_H

#include "vector/graph.h"

typedef struct rem_ann_ids rem_ann_ids;

/* Takes `ids` (sorted, without doubles, made by rem_alloc) unless it fails. Owned: rem_ann_ids_unref(). */
REM_CHECKED rem_status rem_ann_ids_new(uint8_t (*ids)[16], size_t count, rem_ann_ids **ret_set, rem_error *err);
rem_ann_ids *rem_ann_ids_ref(rem_ann_ids *set);
void rem_ann_ids_unref(rem_ann_ids *set); /* NULL is fine */
/* Borrowed as long as the set. */
const uint8_t (*rem_ann_ids_items(const rem_ann_ids *set))[16];
size_t rem_ann_ids_count(const rem_ann_ids *set);
/* With what is kept beside the ids. */
size_t rem_ann_ids_bytes(rem_ann_ids *set);

/*
 * The set's rows in a graph, ready for searches under `snapshot`; `serial` is never that of two graphs. Several sets of rows may be in use at once, the one
 * made last is kept. Owned: rem_ann_rows_release().
 */
typedef struct rem_ann_rows rem_ann_rows;
REM_CHECKED rem_status rem_ann_ids_rows(rem_ann_ids *set, rem_graph *graph, uint64_t serial, uint64_t snapshot, rem_ann_rows **ret_rows,
                                        rem_error *err);
const rem_graph_filter *rem_ann_rows_filter(const rem_ann_rows *rows);
void rem_ann_rows_release(rem_ann_rows *rows); /* NULL is fine */

#endif
