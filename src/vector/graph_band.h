/* SPDX-License-Identifier: Apache-2.0 */
/* Between the scan over codes and what it does with codes that do not tell. */
#ifndef REM_VECTOR_GRAPH_BAND_H
#define REM_VECTOR_GRAPH_BAND_H

#include "vector/graph_internal.h"

/* The key of a node that has its exact score. */
#define REM_GRAPH_DONE UINT32_MAX

/* graph_scan.c */
/* Exact scores of these nodes. */
REM_CHECKED rem_status rem_graph__score_nodes(rem_graph_run *run, const uint32_t *nodes, size_t count, rem_error *err);
/* The same of those at the places of the pool's first entries; their keys are then REM_GRAPH_DONE. */
REM_CHECKED rem_status rem_graph__score_pool(rem_graph_run *run, const uint32_t *nodes, uint32_t *keys, size_t count, rem_error *err);

/* The nodes of the match, whose keys are in scratch->keys: exact scores of all not DONE that may be among the best k. k or more are. */
REM_CHECKED rem_status rem_graph__scan_band(rem_graph_run *run, rem_error *err);

#endif
