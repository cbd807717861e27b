/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embedding what is pending: rows that were stored while their model could not be had (D17).
 *
 * The work list is the pending entries in `meta`, slot by slot. A row is written again as it is, which makes its vector and takes it off the list in one commit, so
 * a job that is cut short has lost nothing. It ends with the first provider that cannot be reached; a single text that a model refuses is passed over.
 */
#include "base/clock.h"
#include "base/json.h"
#include "entity/batch.h"
#include "entity/counters.h"
#include "entity/maintenance.h"
#include "storage/key.h"

#define PIECE 64

typedef struct embed_job {
  rem_engine *engine; /* owned reference */
  char tenant[REM_TENANT_SIZE];
  rem_table_list tables;
  size_t table;
  unsigned slot;
  uint8_t cursor[16];
  int64_t embedded, total;
  rem_error refusal; /* of a text; code 0: none */
} embed_job;

static void embed_job_free(void *state) {
  embed_job *job = state;
  rem_table_list_deinit(&job->tables);
  rem_engine_unref(job->engine, NULL);
  rem_free(job);
}

/* Adds up to PIECE pending rows from the cursor on. */
static rem_status collect(embed_job *job, const rem_table *table, rem_batch *batch, bool *ret_end, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_pending_prefix(&key, job->tenant, table->name, job->slot);
  REM_TRY(rem_buffer_status(&key, err));
  REM_TRY(rem_kv_iterator_prefix(job->engine->kv, NULL, REM_CF_META, rem_buffer_slice(&key), &iterator, err));
  rem_buffer_append(&key, job->cursor, 16);
  REM_TRY(rem_buffer_status(&key, err));
  rem_kv_iterator_seek(iterator, rem_buffer_slice(&key));
  size_t added = 0;
  for (; rem_kv_iterator_valid(iterator) && added < PIECE; rem_kv_iterator_next(iterator), added++)
    REM_TRY(rem_entity_batch_refresh(batch, table->name, rem_key_id(rem_kv_iterator_key(iterator)), err));
  *ret_end = !rem_kv_iterator_valid(iterator);
  if (!*ret_end)
    memcpy(job->cursor, rem_key_id(rem_kv_iterator_key(iterator)), 16);
  return *ret_end ? rem_kv_iterator_status(iterator, err) : REM_OK;
}

/* Commits a piece: what of it could be embedded is, also when it fails in the end. */
static rem_status commit_piece(embed_job *job, rem_batch *batch, rem_error *err) {
  rem_batch_result result = {0};
  REM_TRY(rem_entity_batch_commit(batch, &result, NULL, err));
  job->embedded += result.inserted + result.updated + result.unchanged - result.pending;
  if (batch->trouble.code == REM_OK)
    return REM_OK;
  if (batch->refused_only) {
    job->refusal = batch->trouble;
    return REM_OK;
  }
  if (err)
    *err = batch->trouble;
  return batch->trouble.code;
}

static rem_status embed_piece(embed_job *job, rem_error *err) {
  rem_table *table = job->tables.tables[job->table];
  rem_counters counters;
  REM_TRY(rem_counters_read(job->engine->kv, NULL, job->tenant, table->name, &counters, err));
  bool end = counters.pending[job->slot] == 0;
  if (!end) {
    rem_embedder *embedder;
    rem_batch *batch;
    REM_TRY(rem_engine_table_embedder(job->engine, table, job->slot, &embedder, err));
    REM_TRY(rem_entity_batch_new(job->engine, job->tenant, &batch, err));
    rem_status status = collect(job, table, batch, &end, err);
    if (status >= 0)
      status = commit_piece(job, batch, err);
    rem_entity_batch_free(batch);
    REM_TRY(status);
  }
  if (!end)
    return REM_OK;
  memset(job->cursor, 0, sizeof job->cursor);
  if (++job->slot == REM_SLOT_COUNT) {
    job->slot = 0;
    job->table++;
  }
  return REM_OK;
}

static rem_status step(void *state, rem_progress *progress, rem_error *err) {
  embed_job *job = state;
  int64_t deadline = rem_job_deadline_us();
  rem_progress_set_phase(progress, "embed");
  while (job->table < job->tables.count) {
    rem_progress_set_item(progress, job->tables.tables[job->table]->name);
    REM_TRY(embed_piece(job, err));
    if (rem_clock_monotonic_us() > deadline)
      break;
  }
  progress->done = job->embedded;
  progress->total = job->total;
  return job->table < job->tables.count ? REM_ROW : REM_DONE;
}

static rem_status count_pending(embed_job *job, int64_t *ret_pending, rem_error *err) {
  *ret_pending = 0;
  for (size_t i = 0; i < job->tables.count; i++) {
    rem_counters counters;
    REM_TRY(rem_counters_read(job->engine->kv, NULL, job->tenant, job->tables.tables[i]->name, &counters, err));
    for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
      *ret_pending += counters.pending[slot];
  }
  return REM_OK;
}

static rem_status result(void *state, rem_bytes *ret_json, rem_error *err) {
  embed_job *job = state;
  int64_t pending;
  REM_TRY(count_pending(job, &pending, err));
  json_t *json REM_AUTO_JSON =
      json_pack("{s:I, s:I}", "embedded", (json_int_t)job->embedded, "pending", (json_int_t)pending);
  if (json && job->refusal.code && json_object_set_new(json, "reason", json_string(job->refusal.message)))
    return rem_error_nomem(err);
  return json ? rem_json_text(json, ret_json, err) : rem_error_nomem(err);
}

static const rem_job_type embed_type = {.step = step, .result = result, .free = embed_job_free};

rem_status rem_maintenance_embed_pending(rem_engine *engine, const char *tenant, rem_job **ret_job, rem_error *err) {
  REM_TRY(rem_engine_check_writable(engine, err));
  embed_job *job = rem_calloc(1, sizeof *job);
  if (!job)
    return rem_error_nomem(err);
  job->engine = rem_engine_ref(engine);
  memcpy(job->tenant, tenant, strlen(tenant) + 1);
  rem_status status = rem_registry_list(engine->registry, tenant, &job->tables, err);
  if (status >= 0)
    status = count_pending(job, &job->total, err);
  if (status < 0) {
    embed_job_free(job);
    return status;
  }
  return rem_job_new(&embed_type, job, ret_job, err);
}

static rem_status embed_descriptions(embed_job *job, rem_error *err) {
  rem_error reason = {0};
  while (job->table == 0 && job->slot == 0) {
    rem_status status = embed_piece(job, &reason);
    if (status == REM_PROVIDER || status == REM_MODEL)
      return REM_OK; /* they stay pending; rem_pending_reason() tells why */
    if (status < 0) {
      if (err)
        *err = reason;
      return status;
    }
  }
  return REM_OK;
}

rem_status rem_maintenance_embed_descriptions(rem_engine *engine, const char *tenant, bool *ret_pending, rem_error *err) {
  rem_table *schemas[1] = {NULL};
  rem_counters counters;
  REM_TRY(rem_registry_table(engine->registry, tenant, "schema", &schemas[0], err));
  embed_job job = {.engine = engine, .tables = {.tables = schemas, .count = 1}};
  memcpy(job.tenant, tenant, strlen(tenant) + 1);
  rem_status status = rem_engine_slot_is_remote(engine, schemas[0], 0) ? embed_descriptions(&job, err) : REM_OK;
  rem_table_unref(schemas[0]);
  REM_TRY(status);
  REM_TRY(rem_counters_read(engine->kv, NULL, tenant, "schema", &counters, err));
  if (ret_pending)
    *ret_pending = counters.pending[0] > 0;
  return REM_OK;
}
