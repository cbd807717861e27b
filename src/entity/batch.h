/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch: writes on their way to the commit (rem.h's rem_batch).
 *
 * A change goes through three stages:
 *
 *   added      batch.c       the text is parsed, split, given defaults, validated, encoded; errors belong to this row
 *   embedded   embedding.c   texts that need a vector get one, in parallel, outside any lock
 *   applied    apply.c       in the one apply order: the stored row is read, the outcome decided, everything derived
 *
 * An update reads the stored row when it is added and remembers its sequence number; when the row has changed by the time it is applied, the
 * whole commit starts again from the stored rows (a lost race, not an error of the caller).
 */
#ifndef REM_ENTITY_BATCH_H
#define REM_ENTITY_BATCH_H

#include "base/arena.h"
#include "entity/counters.h"
#include "entity/document.h"
#include "entity/engine.h"
#include "schema/record.h"

typedef enum rem_change_kind {
  REM_CHANGE_PUT,
  REM_CHANGE_UPDATE,
  REM_CHANGE_DELETE,
  REM_CHANGE_TABLE, /* a table definition is stored: the first half of a schema change */
  REM_CHANGE_PURGE, /* a row goes for good, with everything that follows from it */
  REM_CHANGE_UNTABLE, /* a table definition goes; its rows are gone already */
  REM_CHANGE_MOVE, /* a vector of the model that a slot is moving to; the row stays as it is */
  REM_CHANGE_LEAVE, /* a row goes on without its vector of a slot: it is pending from then on */
} rem_change_kind;

/* What a change does for one slot. */
typedef struct rem_change_vector {
  bool wanted;        /* the slot is one that the row fills */
  bool must_embed;    /* the last apply found no stored vector to keep */
  bool no_model;      /* no vector can be had now: the row will be pending */
  float *values;      /* in the batch's arena; NULL: none made (kept, or pending) */
  uint32_t dimension; /* of the values */
} rem_change_vector;

typedef struct rem_change {
  rem_change_kind kind;
  rem_table *table; /* owned reference */
  rem_document document; /* PUT and UPDATE: what to store, whole; kept until the commit for edges that must be merged */
  rem_slice patch;       /* UPDATE: the text given, to start again with; in the batch's arena */
  rem_slice key;         /* the row's key, or for UPDATE and DELETE the key or id given; in the arena; empty: none */
  uint8_t id[16];        /* resolved for PUT with key or id, random otherwise; DELETE and UPDATE resolve it in apply */
  bool id_given;         /* the document named its id */
  bool id_derived;       /* follows from the key (D7) */
  bool replaces_edges;   /* the edges given take the place of those stored: an UPDATE that gives some, a PUT that says so */
  bool live_too;         /* PURGE */
  unsigned slot;         /* MOVE, LEAVE */
  bool edges_merged;     /* apply has encoded the record with the stored edges merged in */
  uint64_t expected_seq; /* UPDATE: the sequence number of the row it was merged into */
  rem_buffer record;     /* encoded, system part not filled in yet */
  rem_counters delta;    /* TABLE */
  /* Embedding. */
  rem_slice text;        /* what to embed; in the arena; size 0 and has_text false: nothing */
  bool has_text;
  rem_change_vector vectors[REM_SLOT_COUNT];
  rem_write_result result;
} rem_change;

struct rem_batch {
  rem_engine *engine; /* borrowed: the handle outlives the batch */
  char tenant[REM_TENANT_SIZE];
  rem_change *changes;
  size_t count, capacity;
  size_t outcome_count;  /* changes kept from the last commit for rem_batch_outcome() */
  rem_arena arena;
  rem_hash_map places;   /* for updates: table, NUL, 'i' and id or 'k' and key -> place + 1 of the last change of that row */
  size_t placed;         /* changes that are in `places` */
  size_t document_bytes; /* of the texts added, for the bound */
  bool committed;        /* the next add starts afresh */
  bool schema_change;    /* its committer holds the schema lock and has seen to the tenant */
  bool begins_tenant;    /* marks the tenant as complete */
  rem_error trouble;     /* why vectors of the last commit could not be had; code 0: all could */
  bool refused_only;     /* it was only that the model refuses single texts */
  int64_t truncated;     /* texts cut to their model's window */
  const struct rem_transaction *transaction; /* whose reads must still hold when this is applied; borrowed, may be NULL */
};

#define REM_BATCH_MAX_BYTES ((size_t)512 << 20)
#define REM_BATCH_MAX_COUNT ((size_t)1 << 20)

REM_CHECKED rem_status rem_entity_batch_new(rem_engine *engine, const char *tenant, rem_batch **ret_batch, rem_error *err);
void rem_entity_batch_free(rem_batch *batch);
REM_CHECKED rem_status rem_entity_batch_put(rem_batch *batch, const char *table, const char *json, size_t json_size,
                                            rem_error *err);
/* The same with a parsed object, taken. For ingestion and schema changes. */
REM_CHECKED rem_status rem_entity_batch_put_json(rem_batch *batch, const char *table, json_t *json, rem_error *err);
/* The same for rows of callers: 'schema' is refused. */
REM_CHECKED rem_status rem_entity_batch_put_row(rem_batch *batch, const char *table, json_t *json, rem_error *err);
/* A put whose edges take the place of those stored, where a put merges them (D12). For ingestion. */
REM_CHECKED rem_status rem_entity_batch_replace(rem_batch *batch, const char *table, const char *json, size_t json_size,
                                                rem_error *err);
REM_CHECKED rem_status rem_entity_batch_update(rem_batch *batch, const char *table, rem_slice key, rem_slice json,
                                               rem_error *err);
/* Writes the row `id` again as it is, to make its vector; a row that is gone is passed over. */
REM_CHECKED rem_status rem_entity_batch_refresh(rem_batch *batch, const char *table, const uint8_t id[16], rem_error *err);
REM_CHECKED rem_status rem_entity_batch_delete(rem_batch *batch, const char *table, rem_slice key, rem_error *err);
/* Stores `table` (taken) as the tenant's definition of its name; `delta` (may be NULL) is what its changed indexes do to the counters. */
REM_CHECKED rem_status rem_entity_batch_table(rem_batch *batch, rem_table *table, const rem_counters *delta,
                                              rem_error *err);
/* The row `id` of `table` (borrowed) goes for good; a live one only when `live_too`, else nothing happens (it came back). */
REM_CHECKED rem_status rem_entity_batch_purge(rem_batch *batch, rem_table *table, const uint8_t id[16], bool live_too,
                                              rem_error *err);
/* The vector (borrowed until the commit) that the row `id` will have in `slot`, which is moving to another model; `text` is what it was made of. Nothing
 * happens when the row has another text by then or no vector in that slot. */
REM_CHECKED rem_status rem_entity_batch_move(rem_batch *batch, rem_table *table, const uint8_t id[16], unsigned slot,
                                             rem_slice text, float *values, uint32_t dimension, rem_error *err);
/* The row `id` loses its vector of `slot` and is pending from then on. Nothing happens when it has none. */
REM_CHECKED rem_status rem_entity_batch_leave(rem_batch *batch, rem_table *table, const uint8_t id[16], unsigned slot,
                                              rem_error *err);
/* The definition of `table` (borrowed) goes, with its counters. */
REM_CHECKED rem_status rem_entity_batch_untable(rem_batch *batch, rem_table *table, rem_error *err);
/* How many changes were added since the last commit; and back to such a number: what came after it is forgotten. */
size_t rem_entity_batch_count(const rem_batch *batch);
void rem_entity_batch_truncate(rem_batch *batch, size_t count);
/* Makes the vectors of what was added so far, so that the work of a large batch can be spread before its commit. */
REM_CHECKED rem_status rem_entity_batch_embed(rem_batch *batch, rem_error *err);
/* All or nothing. `ret_failed_index` may be NULL. */
REM_CHECKED rem_status rem_entity_batch_commit(rem_batch *batch, rem_batch_result *ret_result, int64_t *ret_failed_index,
                                               rem_error *err);

#endif
