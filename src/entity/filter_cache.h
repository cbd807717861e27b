/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filter cache: the ids that filters let through, kept for the next search with the same filter.
 *
 * What is kept is known to be right for a range of a tenant's sequence numbers: from the one it was made at up to the last before a commit that wrote to the
 * table. Commits tell the cache, in their order, which tables they wrote to; a snapshot outside the range gets nothing. A snapshot can be newer than what the cache
 * has been told: it gets nothing either.
 *
 *   made at s0      [s0, s0]
 *   a commit up to L of other tables     [s0, L]
 *   a commit up to L of this table       [s0, .) stays as it is, for snapshots that live
 *
 * A reader's view moves without commits of its own, so there a range has one number.
 *
 * Bounded by number and bytes, least recently used first. Any number of threads.
 */
#ifndef REM_ENTITY_FILTER_CACHE_H
#define REM_ENTITY_FILTER_CACHE_H

#include "ann/ids.h"
#include "schema/table.h"

#define REM_FILTER_CACHE_ENTRIES 32
#define REM_FILTER_CACHE_BYTES ((size_t)64 << 20)

typedef struct rem_filter_cache rem_filter_cache;

REM_CHECKED rem_status rem_filter_cache_new(rem_filter_cache **ret_cache, rem_error *err);
void rem_filter_cache_free(rem_filter_cache *cache);

/* A filter on a table as a snapshot sees both. Texts are borrowed. */
typedef struct rem_filter_spot {
  const char *tenant;
  const rem_table *table;
  const char *where_json;
  uint64_t seq;    /* of the snapshot */
  uint64_t ticket; /* set by the look for it: what is found later is kept only if nothing was cleared meanwhile */
} rem_filter_spot;

/* The ids of the living rows that the filter lets through; owned: rem_ann_ids_unref(). NULL: not known. */
rem_ann_ids *rem_filter_cache_find(rem_filter_cache *cache, rem_filter_spot *spot);
/* Keeps them, if there is room; failing is fine. */
void rem_filter_cache_keep(rem_filter_cache *cache, const rem_filter_spot *spot, rem_ann_ids *ids);

/* A commit has written to tables of a tenant, up to `seq`; in commit order. `is_written(context, table)` tells which. */
void rem_filter_cache_committed(rem_filter_cache *cache, const char *tenant, uint64_t seq,
                                bool (*is_written)(const void *context, const char *table), const void *context);
/* Forgets everything: rows, entries or definitions were changed past commits. */
void rem_filter_cache_clear(rem_filter_cache *cache);

typedef struct rem_filter_cache_stats {
  uint64_t entries, bytes, hits, misses;
} rem_filter_cache_stats;
void rem_filter_cache_stats_get(rem_filter_cache *cache, rem_filter_cache_stats *ret_stats);

#endif
