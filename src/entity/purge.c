/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/purge.h"

#include "entity/batch.h"
#include "entity/read.h"
#include "entity/vector_index.h"
#include "storage/key.h"
#include "storage/log.h"

#define PIECE 1000 /* rows or entries a commit */

/* A piece of a purge under way. */
typedef struct purge_piece {
  rem_engine *engine;
  const char *tenant;
  rem_table *table;
  bool live_too;
  rem_batch *batch;
  rem_row row;
  rem_buffer text, keys; /* keys: of the texts in the cache of vectors */
  bool end;
} purge_piece;

/* Takes the row up. Its text, which is to be forgotten too, may be in `large`. */
static rem_status add_row(purge_piece *piece, const uint8_t *id, rem_slice value, rem_error *err) {
  REM_TRY(rem_read_value(piece->engine, NULL, piece->tenant, piece->table, id, value, &piece->row, err));
  rem_buffer_reset(&piece->text);
  if (rem_record_embedded_text(&piece->row.record, piece->table, &piece->text)) {
    uint8_t *keys = rem_buffer_extend(&piece->keys, REM_EMBEDDER_TEXT_KEYS_SIZE);
    if (keys)
      rem_embedder_text_keys(rem_buffer_slice(&piece->text), keys);
  }
  REM_TRY(rem_buffer_status(&piece->text, err));
  REM_TRY(rem_buffer_status(&piece->keys, err));
  return rem_entity_batch_purge(piece->batch, piece->table, id, piece->live_too, err);
}

/* Adds up to `limit` rows with ids from `cursor` on to the batch; all of them, or only deleted ones. */
static rem_status collect(purge_piece *piece, uint8_t cursor[16], size_t limit, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_entity_prefix(&key, piece->tenant, piece->table->name);
  REM_TRY(rem_buffer_status(&key, err));
  REM_TRY(rem_kv_iterator_prefix(piece->engine->kv, NULL, REM_CF_ENTITIES, rem_buffer_slice(&key), &iterator, err));
  rem_buffer_append(&key, cursor, 16);
  REM_TRY(rem_buffer_status(&key, err));
  rem_kv_iterator_seek(iterator, rem_buffer_slice(&key));
  size_t added = 0;
  for (; rem_kv_iterator_valid(iterator) && added < limit; rem_kv_iterator_next(iterator)) {
    rem_record record;
    rem_slice value = rem_kv_iterator_value(iterator);
    REM_TRY(rem_record_open(value.data, value.size, &record, err));
    if (!piece->live_too && !rem_record_is_deleted(&record))
      continue;
    REM_TRY(add_row(piece, rem_key_id(rem_kv_iterator_key(iterator)), value, err));
    added++;
  }
  piece->end = !rem_kv_iterator_valid(iterator);
  if (piece->end)
    return rem_kv_iterator_status(iterator, err);
  memcpy(cursor, rem_key_id(rem_kv_iterator_key(iterator)), 16);
  return REM_OK;
}

/* What follows from a row goes before the row does: a kill in between leaves a row that the next purge comes to. */
static rem_status run_piece(purge_piece *piece, uint8_t cursor[16], size_t limit, int64_t *ret_removed, rem_error *err) {
  rem_batch_result result = {0};
  REM_TRY(collect(piece, cursor, limit, err));
  REM_TRY(rem_embedder_forget(piece->engine->config, piece->keys.data, piece->keys.size / REM_EMBEDDER_TEXT_KEYS_SIZE, err));
  REM_TRY(rem_entity_batch_commit(piece->batch, &result, NULL, err));
  *ret_removed = result.deleted;
  return piece->end ? REM_DONE : REM_ROW;
}

static rem_status purge(rem_engine *engine, const char *tenant, rem_table *table, uint8_t cursor[16], size_t limit,
                        bool live_too, int64_t *ret_removed, rem_error *err) {
  purge_piece piece = {.engine = engine, .tenant = tenant, .table = table, .live_too = live_too};
  REM_TRY(rem_entity_batch_new(engine, tenant, &piece.batch, err));
  piece.batch->schema_change = live_too; /* the removal of a table holds the schema lock */
  rem_row__init(&piece.row, engine);
  rem_status status = run_piece(&piece, cursor, limit, ret_removed, err);
  rem_row__deinit(&piece.row);
  rem_buffer_deinit(&piece.text);
  rem_buffer_deinit(&piece.keys);
  rem_entity_batch_free(piece.batch);
  return status;
}

rem_status rem_purge_deleted(rem_engine *engine, const char *tenant, rem_table *table, uint8_t cursor[16], size_t limit,
                             int64_t *ret_removed, rem_error *err) {
  return purge(engine, tenant, table, cursor, limit, false, ret_removed, err);
}

static rem_status remove_definition(rem_engine *engine, const char *tenant, rem_table *table, rem_error *err) {
  rem_batch *batch;
  rem_table *schemas;
  uint8_t id[16];
  REM_TRY(rem_registry_table(engine->registry, tenant, "schema", &schemas, err));
  rem_status status = rem_entity_batch_new(engine, tenant, &batch, err);
  if (status < 0) {
    rem_table_unref(schemas);
    return status;
  }
  batch->schema_change = true;
  rem_uuid_of_key(tenant, schemas->name, table->name, strlen(table->name), id);
  status = rem_entity_batch_purge(batch, schemas, id, true, err);
  if (status >= 0)
    status = rem_entity_batch_untable(batch, table, err);
  if (status >= 0)
    status = rem_entity_batch_commit(batch, NULL, NULL, err);
  rem_entity_batch_free(batch);
  rem_table_unref(schemas);
  return status;
}

rem_status rem_purge_table(rem_engine *engine, const char *tenant, rem_table *table, rem_error *err) {
  uint8_t cursor[16] = {0};
  for (rem_status status = REM_ROW; status == REM_ROW;) {
    int64_t removed;
    status = purge(engine, tenant, table, cursor, PIECE, true, &removed, err);
    REM_TRY(status);
  }
  REM_TRY(rem_vector_index_drop(engine, tenant, table, err));
  return remove_definition(engine, tenant, table, err);
}

/* ------------------------------------------------------------------------------------------- */
/* The log                                                                                      */

/* Which rows are purged, and by which entry: "table\0id" -> sequence number. */
static rem_status row_name(const rem_log_payload *payload, rem_buffer *buffer, rem_error *err) {
  rem_buffer_reset(buffer);
  rem_buffer_append_slice(buffer, payload->table);
  rem_buffer_append_byte(buffer, 0);
  rem_buffer_append(buffer, payload->id, sizeof payload->id);
  return rem_buffer_status(buffer, err);
}

typedef struct blank_run {
  rem_engine *engine;
  const char *tenant;
  uint64_t seqs[PIECE];
  size_t count;
} blank_run;

static rem_status apply_blank(void *context, rem_commit_group *group, rem_error *err) {
  blank_run *run = context;
  for (size_t i = 0; i < run->count; i++)
    REM_TRY(rem_log_blank(group, run->tenant, run->seqs[i], err));
  return REM_OK;
}

static rem_status flush_blanks(blank_run *run, int64_t *blanked, rem_error *err) {
  if (run->count == 0)
    return REM_OK;
  rem_commit_request request = {.apply = apply_blank, .context = run, .sync = run->engine->durability == REM_SYNC};
  REM_TRY(rem_commit_submit(run->engine->committer, &request, err));
  *blanked += (int64_t)run->count;
  run->count = 0;
  return REM_OK;
}

/* Steps through the log and hands every entry that still has its payload to `visit`. */
static rem_status visit_log(rem_engine *engine, const char *tenant,
                            rem_status (*visit)(void *context, const rem_log_entry *entry, const rem_log_payload *payload,
                                                rem_error *err),
                            void *context, rem_error *err) {
  uint64_t floor;
  rem_log_reader *reader;
  REM_TRY(rem_log_floor(engine->kv, NULL, tenant, &floor, err));
  REM_TRY(rem_log_reader_new(engine->kv, NULL, tenant, floor, &reader, err));
  rem_log_entry entry;
  rem_status status;
  while ((status = rem_log_reader_next(reader, &entry, err)) == REM_ROW) {
    rem_log_payload payload;
    if (entry.flags & REM_LOG_BLANKED)
      continue;
    status = rem_log_payload_decode(entry.payload, &payload, err);
    if (status >= 0)
      status = visit(context, &entry, &payload, err);
    if (status < 0)
      break;
  }
  rem_log_reader_free(reader);
  return status < 0 ? status : REM_OK;
}

typedef struct log_pass {
  rem_hash_map purged;
  rem_buffer name;
  blank_run blanks;
  int64_t blanked;
} log_pass;

static rem_status note_purge(void *context, const rem_log_entry *entry, const rem_log_payload *payload,
                             rem_error *err) {
  log_pass *pass = context;
  if (entry->operation != REM_LOG_PURGE)
    return REM_OK;
  REM_TRY(row_name(payload, &pass->name, err));
  return rem_hash_map_put(&pass->purged, rem_buffer_slice(&pass->name), (void *)(uintptr_t)entry->seq, NULL, err);
}

static rem_status blank_purged(void *context, const rem_log_entry *entry, const rem_log_payload *payload,
                               rem_error *err) {
  log_pass *pass = context;
  bool holds_row = entry->operation == REM_LOG_PUT || entry->operation == REM_LOG_DELETE || entry->operation == REM_LOG_VECTOR;
  if (!holds_row)
    return REM_OK;
  REM_TRY(row_name(payload, &pass->name, err));
  if (entry->seq >= (uintptr_t)rem_hash_map_get(&pass->purged, rem_buffer_slice(&pass->name)))
    return REM_OK; /* not purged, or written again since */
  pass->blanks.seqs[pass->blanks.count++] = entry->seq;
  return pass->blanks.count == PIECE ? flush_blanks(&pass->blanks, &pass->blanked, err) : REM_OK;
}

rem_status rem_purge_log(rem_engine *engine, const char *tenant, int64_t *ret_blanked, rem_error *err) {
  log_pass *pass = rem_calloc(1, sizeof *pass);
  if (!pass)
    return rem_error_nomem(err);
  pass->blanks = (blank_run){.engine = engine, .tenant = tenant};
  rem_status status = visit_log(engine, tenant, note_purge, pass, err);
  if (status >= 0 && pass->purged.count)
    status = visit_log(engine, tenant, blank_purged, pass, err);
  if (status >= 0)
    status = flush_blanks(&pass->blanks, &pass->blanked, err);
  if (status >= 0)
    *ret_blanked = pass->blanked;
  rem_hash_map_deinit(&pass->purged);
  rem_buffer_deinit(&pass->name);
  rem_free(pass);
  return status;
}
