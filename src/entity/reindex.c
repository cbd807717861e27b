/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reindex: brings everything that follows from rows into line with the rows, while readers and writers go on.
 *
 *   rows      every entry that a row calls for is put; a row whose vector is gone becomes pending
 *   entries   every stored entry that no row calls for is deleted
 *   count     the counters are taken again
 *   vectors   the graphs of vectors, dropped before anything else, are made anew
 *
 * Each step holds the schema lock, so that rows do not change under it, and writes what it found; cut short, the job has only improved things.
 */
#include "base/clock.h"
#include "base/json.h"
#include "entity/audit.h"
#include "entity/maintenance.h"
#include "entity/vector_index.h"
#include "storage/key.h"

#define PIECE_BYTES ((size_t)1 << 20)

typedef enum reindex_phase { PHASE_DROP, PHASE_ROWS, PHASE_ENTRIES, PHASE_COUNT, PHASE_VECTORS, PHASE_END } reindex_phase;

typedef struct reindex {
  rem_engine *engine; /* owned reference */
  char tenant[REM_TENANT_SIZE];
  rem_table_list tables;
  bool all;
  reindex_phase phase;
  size_t table, area;
  rem_buffer cursor; /* the key to go on from; empty: from the start of the area */
  rem_kv_batch *batch;
  rem_row row;
  rem_audit audit;
  int64_t rows, entries, dropped;
} reindex;

static void reindex_free(void *state) {
  reindex *job = state;
  rem_row__deinit(&job->row);
  rem_audit_deinit(&job->audit);
  rem_buffer_deinit(&job->cursor);
  rem_kv_batch_free(job->batch);
  rem_table_list_deinit(&job->tables);
  rem_engine_unref(job->engine, NULL);
  rem_free(job);
}

static rem_status write_batch(reindex *job, rem_error *err) {
  REM_TRY(rem_kv_write(job->engine->kv, job->batch, job->engine->durability == REM_SYNC, err));
  rem_filter_cache_clear(job->engine->filters);
  rem_kv_batch_clear(job->batch);
  return REM_OK;
}

/* Puts the iterator where the last step stopped. */
static void resume(reindex *job, rem_kv_iterator *iterator) {
  if (job->cursor.size)
    rem_kv_iterator_seek(iterator, rem_buffer_slice(&job->cursor));
  else
    rem_kv_iterator_first(iterator);
}

/* Remembers where to go on; true at the end of the area. */
static bool pause_at(reindex *job, rem_kv_iterator *iterator) {
  rem_buffer_reset(&job->cursor);
  if (!rem_kv_iterator_valid(iterator))
    return true;
  rem_buffer_append_slice(&job->cursor, rem_kv_iterator_key(iterator));
  return false;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status put_record(reindex *job, rem_slice record, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  uint8_t stub[REM_RECORD_HEADER_SIZE];
  bool external = record.size > REM_RECORD_INLINE_SIZE;
  rem_record_make_stub(record.data, stub);
  rem_key_large(&key, job->tenant, job->row.table->name, job->row.id);
  REM_TRY(rem_buffer_status(&key, err));
  if (external)
    rem_kv_batch_put(job->batch, REM_CF_LARGE, rem_buffer_slice(&key), record);
  rem_buffer_reset(&key);
  rem_key_entity(&key, job->tenant, job->row.table->name, job->row.id);
  REM_TRY(rem_buffer_status(&key, err));
  rem_kv_batch_put(job->batch, REM_CF_ENTITIES, rem_buffer_slice(&key),
                   external ? rem_slice_of(stub, sizeof stub) : record);
  return REM_OK;
}

/* Is the vector of a slot that should be stored gone? */
static rem_status is_vector_gone(reindex *job, unsigned slot, bool *ret_gone, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  *ret_gone = false;
  if (job->audit.vectors[slot] != REM_VECTOR_STORED)
    return REM_OK;
  rem_key_vector(&key, job->tenant, job->row.table->name, job->row.table->slots[slot].area, job->row.id);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status status = rem_kv_exists(job->engine->kv, NULL, REM_CF_VECTORS, rem_buffer_slice(&key), err);
  *ret_gone = status == REM_NOT_FOUND;
  return status < 0 ? status : REM_OK;
}

/* Where the stored vector of a row is gone the row becomes pending. */
static rem_status check_vectors(reindex *job, rem_error *err) {
  rem_record_system system;
  bool changed = false;
  rem_record_system_get(&job->row.record, &system);
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    bool gone;
    REM_TRY(is_vector_gone(job, slot, &gone, err));
    if (!gone)
      continue;
    system.flags &= (uint8_t)~rem_record_vector_flags(REM_VECTOR_STORED, slot);
    system.flags |= rem_record_vector_flags(REM_VECTOR_PENDING, slot);
    job->audit.vectors[slot] = REM_VECTOR_PENDING;
    changed = true;
  }
  if (!changed)
    return REM_OK;
  rem_buffer copy REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_buffer_append(&copy, job->row.record.data, job->row.record.size);
  REM_TRY(rem_buffer_status(&copy, err));
  rem_record_system_set(copy.data, &system);
  return put_record(job, rem_buffer_slice(&copy), err);
}

static rem_status put_pending(reindex *job, unsigned slot, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_pending(&key, job->tenant, job->row.table->name, slot, job->row.id);
  REM_TRY(rem_buffer_status(&key, err));
  rem_kv_batch_put(job->batch, REM_CF_META, rem_buffer_slice(&key), (rem_slice){0});
  return REM_OK;
}

static rem_status put_row(reindex *job, rem_error *err) {
  REM_TRY(rem_audit_row(&job->audit, job->tenant, &job->row, err));
  for (size_t i = 0; i < job->audit.entries.count; i++) {
    const rem_index_entry *entry = &job->audit.entries.items[i];
    rem_kv_batch_put(job->batch, entry->family, entry->key, entry->value);
  }
  job->entries += (int64_t)job->audit.entries.count;
  job->rows++;
  REM_TRY(check_vectors(job, err));
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    if (job->audit.vectors[slot] == REM_VECTOR_PENDING && !rem_record_is_deleted(&job->row.record))
      REM_TRY(put_pending(job, slot, err));
  return REM_OK;
}

static rem_status rows_step(reindex *job, int64_t deadline, rem_error *err) {
  rem_table *table = job->tables.tables[job->table];
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_entity_prefix(&prefix, job->tenant, table->name);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(job->engine->kv, NULL, REM_CF_ENTITIES, rem_buffer_slice(&prefix), &iterator, err));
  for (resume(job, iterator); rem_kv_iterator_valid(iterator);) {
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(iterator));
    REM_TRY(rem_read_value(job->engine, NULL, job->tenant, table, id, rem_kv_iterator_value(iterator), &job->row, err));
    REM_TRY(put_row(job, err));
    rem_kv_iterator_next(iterator);
    if (rem_kv_batch_size(job->batch) > PIECE_BYTES || rem_clock_monotonic_us() > deadline)
      break;
  }
  REM_TRY(rem_kv_iterator_status(iterator, err));
  if (pause_at(job, iterator) && ++job->table == job->tables.count)
    job->phase = PHASE_ENTRIES;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

static bool covers(const reindex *job, const rem_table *table) {
  for (size_t i = 0; i < job->tables.count; i++)
    if (strcmp(job->tables.tables[i]->name, table->name) == 0)
      return true;
  return false;
}

/* Deletes the entry when no row calls for it. */
static rem_status judge_entry(reindex *job, rem_kv_family family, rem_slice key, rem_slice value, rem_error *err) {
  rem_table *table = NULL;
  uint8_t id[16];
  rem_status status = rem_audit_owner(job->engine, NULL, job->tenant, family, key, value, &table, id, err);
  REM_TRY(status);
  bool orphan = status == REM_NOT_FOUND && job->all;
  if (status == REM_OK && covers(job, table)) {
    bool same = job->row.table && job->row.table == table && memcmp(job->row.id, id, 16) == 0;
    if (!same) {
      status = rem_read_id(job->engine, NULL, job->tenant, table, id, &job->row, err);
      if (status == REM_OK)
        status = rem_audit_row(&job->audit, job->tenant, &job->row, err);
    }
    orphan = status == REM_NOT_FOUND ||
             (status == REM_OK && !rem_audit_expects(&job->audit, &job->row, family, key, value));
  }
  rem_table_unref(table);
  REM_TRY(status);
  if (orphan) {
    rem_kv_batch_delete(job->batch, family, key);
    job->dropped++;
  }
  return REM_OK;
}

static rem_status entries_step(reindex *job, int64_t deadline, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_kv_family family = rem_audit_area(job->area, job->tenant, &prefix);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(job->engine->kv, NULL, family, rem_buffer_slice(&prefix), &iterator, err));
  rem_row__reset(&job->row);
  for (resume(job, iterator); rem_kv_iterator_valid(iterator);) {
    REM_TRY(judge_entry(job, family, rem_kv_iterator_key(iterator), rem_kv_iterator_value(iterator), err));
    rem_kv_iterator_next(iterator);
    if (rem_clock_monotonic_us() > deadline)
      break;
  }
  REM_TRY(rem_kv_iterator_status(iterator, err));
  if (pause_at(job, iterator) && ++job->area == REM_AUDIT_AREA_COUNT) {
    job->phase = PHASE_COUNT;
    job->table = 0;
  }
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

/* One table in one step: counters must be of one moment. */
static rem_status count_step(reindex *job, rem_error *err) {
  rem_table *table = job->tables.tables[job->table];
  rem_counters counters = {0};
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer prefix REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_entity_prefix(&prefix, job->tenant, table->name);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_prefix(job->engine->kv, NULL, REM_CF_ENTITIES, rem_buffer_slice(&prefix), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator)) {
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(iterator));
    REM_TRY(rem_engine_check_usable(job->engine, err));
    REM_TRY(rem_read_value(job->engine, NULL, job->tenant, table, id, rem_kv_iterator_value(iterator), &job->row, err));
    REM_TRY(rem_audit_row(&job->audit, job->tenant, &job->row, err));
    rem_audit_count(&job->audit, &job->row, &counters);
  }
  REM_TRY(rem_kv_iterator_status(iterator, err));
  REM_TRY(rem_counters_put(job->batch, job->tenant, table->name, &counters, err));
  if (++job->table == job->tables.count) {
    job->phase = PHASE_VECTORS;
    job->table = 0;
  }
  return REM_OK;
}

/* What is put right below is not told to the graphs. */
static rem_status drop_graphs(reindex *job, rem_error *err) {
  for (size_t i = 0; i < job->tables.count; i++)
    REM_TRY(rem_vector_index_drop(job->engine, job->tenant, job->tables.tables[i], err));
  job->phase = PHASE_ROWS;
  return REM_OK;
}

/* One table in one step, while rows may change: a graph follows what happens as it is made. */
static rem_status vectors_step(reindex *job, rem_error *err) {
  REM_TRY(rem_vector_index_rebuild(job->engine, job->tenant, job->tables.tables[job->table], err));
  if (++job->table == job->tables.count)
    job->phase = PHASE_END;
  return REM_OK;
}

static rem_status locked_step(reindex *job, rem_error *err) {
  int64_t deadline = rem_job_deadline_us();
  REM_TRY(rem_engine_check_usable(job->engine, err));
  if (job->phase == PHASE_DROP)
    return drop_graphs(job, err);
  if (job->phase == PHASE_ROWS)
    REM_TRY(rows_step(job, deadline, err));
  else if (job->phase == PHASE_ENTRIES)
    REM_TRY(entries_step(job, deadline, err));
  else
    REM_TRY(count_step(job, err));
  rem_row__reset(&job->row);
  REM_TRY(rem_buffer_status(&job->cursor, err));
  return write_batch(job, err);
}

static rem_status step(void *state, rem_progress *progress, rem_error *err) {
  static const char *const names[] = {"vectors", "rows", "entries", "count", "vectors"};
  reindex *job = state;
  if (job->phase == PHASE_END || job->tables.count == 0)
    return REM_DONE;
  rem_progress_set_phase(progress, names[job->phase]);
  if (job->phase != PHASE_ENTRIES)
    rem_progress_set_item(progress, job->tables.tables[job->table]->name);
  rem_status status;
  if (job->phase == PHASE_VECTORS) {
    status = vectors_step(job, err);
  } else {
    pthread_rwlock_wrlock(&job->engine->schema_lock);
    status = locked_step(job, err);
    pthread_rwlock_unlock(&job->engine->schema_lock);
  }
  progress->done = job->rows;
  REM_TRY(status);
  return job->phase == PHASE_END ? REM_DONE : REM_ROW;
}

static rem_status result(void *state, rem_bytes *ret_json, rem_error *err) {
  const reindex *job = state;
  json_t *json REM_AUTO_JSON = json_pack("{s:I, s:I, s:I}", "rows", (json_int_t)job->rows, "entries",
                                         (json_int_t)job->entries, "dropped", (json_int_t)job->dropped);
  return json ? rem_json_text(json, ret_json, err) : rem_error_nomem(err);
}

static const rem_job_type reindex_type = {.step = step, .result = result, .free = reindex_free};

rem_status rem_maintenance_reindex(rem_engine *engine, const char *tenant, const char *table, rem_job **ret_job,
                                   rem_error *err) {
  REM_TRY(rem_engine_check_writable(engine, err));
  reindex *job = rem_calloc(1, sizeof *job);
  if (!job)
    return rem_error_nomem(err);
  job->engine = rem_engine_ref(engine);
  job->all = table == NULL;
  memcpy(job->tenant, tenant, strlen(tenant) + 1);
  rem_row__init(&job->row, engine);
  rem_status status = rem_registry_select(engine->registry, tenant, table, &job->tables, err);
  if (status >= 0)
    status = rem_kv_batch_new(engine->kv, &job->batch, err);
  if (status < 0) {
    reindex_free(job);
    return status;
  }
  return rem_job_new(&reindex_type, job, ret_job, err);
}
