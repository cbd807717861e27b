/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embedding all rows by another model, while searches and writers go on (slot_change.h).
 *
 *   begin   the model is pinned, or the slot begins to move to it
 *   move    every row that has a vector gets one of the new model, in the area that is being filled; those that have it already are passed over, so
 *           a job that was cut short is gone on with by the next of its kind
 *   switch  one commit; back to `move` when writers have left rows without. Rows whose texts the model refuses, and after a few passes those that writers keep changing,
 *           become pending in that commit: neither holds the rest up
 *   clear   the old vectors go
 *   fill    rows without a vector in the slot (pending, or older than the second slot) get one by the model that it has now
 */
#include "base/clock.h"
#include "base/json.h"
#include "entity/batch.h"
#include "entity/counters.h"
#include "entity/maintenance.h"
#include "entity/read.h"
#include "entity/slot_change.h"
#include "storage/key.h"
#include "storage/log.h"

#define PIECE 128 /* rows embedded and committed at once */
#define LOOKED_AT 20000 /* rows passed over in one piece */
#define PATIENT_PASSES 3 /* before rows are left behind for writers; then more and more with each */
#define PASSES_MAX 12
#define LEFT_MIN 256
#define LEFT_MAX 65536 /* in one commit */

typedef enum move_phase { MOVE_BEGIN, MOVE_ROWS, MOVE_SWITCH, MOVE_CLEAR, MOVE_FILL } move_phase;

typedef struct move_job {
  rem_engine *engine; /* owned reference */
  char tenant[REM_TENANT_SIZE];
  char model[REM_MODEL_NAME_MAX + 1];
  unsigned slot;
  rem_table_list tables;
  size_t table;
  move_phase phase;
  rem_table *current;     /* owned: the definition that is worked by */
  rem_embedder *embedder; /* borrowed from the engine */
  rem_row row;
  uint8_t cursor[16];
  unsigned passes;        /* over the table, ended */
  int64_t moved_in_pass;  /* rows given a vector since the pass began */
  uint64_t pass_seq;      /* of the tenant's log when it began */
  int64_t refused;        /* texts that the model will not take, in this pass */
  rem_error refusal;      /* of the last of them; code 0: none */
  int64_t embedded, total;
} move_job;

static void move_job_free(void *state) {
  move_job *job = state;
  rem_row__deinit(&job->row);
  rem_table_unref(job->current);
  rem_table_list_deinit(&job->tables);
  rem_engine_unref(job->engine, NULL);
  rem_free(job);
}

static const char *table_name(const move_job *job) {
  return job->tables.tables[job->table]->name;
}

static void enter(move_job *job, move_phase phase) {
  job->phase = phase;
  job->moved_in_pass = job->refused = 0;
  memset(job->cursor, 0, sizeof job->cursor);
}

static rem_status begin_pass(move_job *job, rem_error *err) {
  enter(job, MOVE_ROWS);
  return rem_log_last_seq(job->engine->kv, NULL, job->tenant, &job->pass_seq, err);
}

static rem_status next_table(move_job *job) {
  job->table++;
  job->passes = 0;
  enter(job, MOVE_BEGIN);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Pieces                                                                                       */

/* Rows to be embedded together. */
typedef struct piece {
  rem_arena arena;
  size_t count, looked_at;
  uint8_t ids[PIECE][16];
  rem_slice texts[PIECE]; /* in the arena */
  bool done[PIECE];
  bool end; /* of the table */
} piece;

static rem_status piece_new(piece **ret_piece, rem_error *err) {
  *ret_piece = rem_calloc(1, sizeof **ret_piece);
  return *ret_piece ? REM_OK : rem_error_nomem(err);
}

static void piece_free(piece *piece) {
  rem_arena_deinit(&piece->arena);
  rem_free(piece);
}

static rem_status has_moved(const move_job *job, bool *ret_moved, rem_error *err) {
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_key_vector(&key, job->tenant, job->current->name, job->current->moving[job->slot].area, job->row.id);
  REM_TRY(rem_buffer_status(&key, err));
  rem_status status = rem_kv_exists(job->engine->kv, NULL, REM_CF_VECTORS, rem_buffer_slice(&key), err);
  *ret_moved = status == REM_OK;
  return status < 0 ? status : REM_OK;
}

/* Does the row belong to the work of this phase? */
static rem_status is_wanted(const move_job *job, bool has_text, bool *ret_wanted, rem_error *err) {
  rem_record_system system;
  rem_record_system_get(&job->row.record, &system);
  rem_vector_state state = rem_record_vector_state(system.flags, has_text, job->slot);
  *ret_wanted = false;
  if (job->phase == MOVE_FILL) {
    *ret_wanted = has_text && state != REM_VECTOR_STORED && !rem_record_is_deleted(&job->row.record);
    return REM_OK;
  }
  if (state != REM_VECTOR_STORED)
    return REM_OK;
  bool moved;
  REM_TRY(has_moved(job, &moved, err));
  *ret_wanted = !moved;
  return REM_OK;
}

static rem_status consider(move_job *job, piece *piece, rem_error *err) {
  rem_buffer text REM_AUTO_BUFFER = {0};
  bool wanted;
  bool has_text = rem_record_embedded_text(&job->row.record, job->current, &text);
  REM_TRY(rem_buffer_status(&text, err));
  REM_TRY(is_wanted(job, has_text, &wanted, err));
  if (!wanted)
    return REM_OK;
  void *copy = rem_arena_memdup(&piece->arena, text.data, text.size);
  if (!copy)
    return rem_error_nomem(err);
  memcpy(piece->ids[piece->count], job->row.id, 16);
  piece->texts[piece->count++] = rem_slice_of(copy, text.size);
  return REM_OK;
}

/* The next rows of the table that this phase has work for. */
static rem_status collect(move_job *job, piece *piece, rem_error *err) {
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_buffer key REM_AUTO_BUFFER = {0};
  rem_key_entity_prefix(&key, job->tenant, job->current->name);
  REM_TRY(rem_buffer_status(&key, err));
  REM_TRY(rem_kv_iterator_prefix(job->engine->kv, NULL, REM_CF_ENTITIES, rem_buffer_slice(&key), &iterator, err));
  rem_buffer_append(&key, job->cursor, 16);
  REM_TRY(rem_buffer_status(&key, err));
  rem_kv_iterator_seek(iterator, rem_buffer_slice(&key));
  for (; rem_kv_iterator_valid(iterator) && piece->count < PIECE && piece->looked_at < LOOKED_AT;
       rem_kv_iterator_next(iterator), piece->looked_at++) {
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(iterator));
    REM_TRY(rem_read_value(job->engine, NULL, job->tenant, job->current, id, rem_kv_iterator_value(iterator), &job->row, err));
    REM_TRY(consider(job, piece, err));
  }
  piece->end = !rem_kv_iterator_valid(iterator);
  if (piece->end)
    return rem_kv_iterator_status(iterator, err);
  memcpy(job->cursor, rem_key_id(rem_kv_iterator_key(iterator)), 16);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Moving                                                                                       */

static rem_status embed_texts(move_job *job, piece *piece, float *values, rem_error *err) {
  rem_embed_request request = {.texts = piece->texts, .count = piece->count, .cancel = &job->engine->interrupted};
  rem_embed_result result = {.vectors = values, .done = piece->done};
  rem_error reason = {0};
  rem_status status = rem_embedder_embed(job->embedder, &request, &result, &reason);
  if (status >= 0)
    return REM_OK;
  if (result.refused == 0) {
    if (err)
      *err = reason;
    return status;
  }
  job->refused += (int64_t)result.refused;
  job->refusal = reason;
  return REM_OK;
}

static rem_status store_vectors(move_job *job, piece *piece, float *values, uint32_t dimension, rem_error *err) {
  rem_batch *batch;
  rem_batch_result result = {0};
  REM_TRY(rem_entity_batch_new(job->engine, job->tenant, &batch, err));
  rem_status status = REM_OK;
  for (size_t i = 0; i < piece->count && status >= 0; i++)
    if (piece->done[i])
      status = rem_entity_batch_move(batch, job->current, piece->ids[i], job->slot, piece->texts[i],
                                     values + i * dimension, dimension, err);
  if (status >= 0)
    status = rem_entity_batch_commit(batch, &result, NULL, err);
  rem_entity_batch_free(batch);
  job->moved_in_pass += result.updated;
  job->embedded += result.updated;
  return status;
}

/* The definition as it is now: its fields may be others, and another job may have set the slot another aim. */
static rem_status look_again(move_job *job, rem_error *err) {
  rem_table *now;
  REM_TRY(rem_registry_table(job->engine->registry, job->tenant, table_name(job), &now, err));
  rem_table_unref(job->current);
  job->current = now;
  return rem_slot_check_aim(now, job->slot, rem_embedder_info(job->embedder), err);
}

static rem_status move_rows(move_job *job, rem_error *err) {
  piece *piece;
  REM_TRY(look_again(job, err));
  if (!job->current->moving[job->slot].model) { /* another job was faster */
    enter(job, MOVE_CLEAR);
    return REM_OK;
  }
  uint32_t dimension = rem_embedder_info(job->embedder)->dimension;
  float *values REM_AUTO_FREE = rem_alloc((size_t)PIECE * dimension * sizeof *values);
  if (!values)
    return rem_error_nomem(err);
  REM_TRY(piece_new(&piece, err));
  rem_status status = collect(job, piece, err);
  if (status >= 0 && piece->count)
    status = embed_texts(job, piece, values, err);
  if (status >= 0 && piece->count)
    status = store_vectors(job, piece, values, dimension, err);
  if (status >= 0 && piece->end)
    job->phase = MOVE_SWITCH;
  piece_free(piece);
  return status;
}

/* How many rows may become pending by the switch. Refused ones will not be had by any more passes. */
static size_t most_left(const move_job *job) {
  if (job->refused)
    return LEFT_MAX;
  if (job->passes < PATIENT_PASSES)
    return 0;
  size_t most = (size_t)LEFT_MIN << (job->passes - PATIENT_PASSES);
  return most < LEFT_MAX ? most : LEFT_MAX;
}

static rem_status too_many(const move_job *job, rem_error *err) {
  if (job->refused) {
    if (err)
      *err = job->refusal;
    rem_error_prefix(err, "'%s' refuses %lld texts of '%s', too many to leave behind: ", job->model, (long long)job->refused, table_name(job));
    rem_error_hint(err, "searches go on with the old vectors; choose another model, or change those rows and run this again");
    return job->refusal.code;
  }
  rem_error_set(err, REM_CONFLICT, "rows of '%s' are written faster than '%s' can embed them", table_name(job), job->model);
  rem_error_hint(err, "run this again when fewer are written: it goes on where it was; searches go on with the old vectors");
  return REM_CONFLICT;
}

static rem_status make_switch(move_job *job, rem_error *err) {
  const rem_model_info *info = rem_embedder_info(job->embedder);
  job->passes++;
  rem_status status = rem_slot_end_move(job->engine, job->tenant, table_name(job), job->slot, info, most_left(job), err);
  REM_TRY(status);
  if (status == REM_DONE) {
    enter(job, MOVE_CLEAR);
    return REM_OK;
  }
  uint64_t seq;
  if (job->refused || job->passes >= PASSES_MAX)
    return too_many(job, err);
  REM_TRY(rem_log_last_seq(job->engine->kv, NULL, job->tenant, &seq, err));
  if (job->moved_in_pass == 0 && seq == job->pass_seq) { /* nothing to move, nobody wrote, and yet not complete */
    rem_error_set(err, REM_CORRUPT, "the vectors of '%s' are not as many as its counters say", table_name(job));
    rem_error_hint(err, "run 'db check --repair', then this again");
    return REM_CORRUPT;
  }
  return begin_pass(job, err);
}

/* ------------------------------------------------------------------------------------------- */
/* The rest                                                                                     */

static rem_status fill_rows(move_job *job, rem_error *err) {
  piece *piece;
  rem_batch *batch;
  rem_batch_result result = {0};
  REM_TRY(piece_new(&piece, err));
  rem_status status = rem_entity_batch_new(job->engine, job->tenant, &batch, err);
  if (status < 0) {
    piece_free(piece);
    return status;
  }
  status = collect(job, piece, err);
  for (size_t i = 0; i < piece->count && status >= 0; i++)
    status = rem_entity_batch_refresh(batch, job->current->name, piece->ids[i], err);
  if (status >= 0)
    status = rem_entity_batch_commit(batch, &result, NULL, err);
  if (status >= 0)
    job->embedded += result.inserted + result.updated + result.unchanged - result.pending;
  if (status >= 0 && batch->trouble.code && batch->refused_only)
    job->refusal = batch->trouble;
  if (status >= 0 && batch->trouble.code && !batch->refused_only) {
    status = batch->trouble.code;
    if (err)
      *err = batch->trouble;
  }
  bool end = piece->end;
  rem_entity_batch_free(batch);
  piece_free(piece);
  return status >= 0 && end ? next_table(job) : status;
}

static rem_status begin_table(move_job *job, rem_error *err) {
  rem_table *table;
  rem_table_unref(REM_TAKE(job->current));
  REM_TRY(rem_registry_table(job->engine->registry, job->tenant, table_name(job), &job->current, err));
  if (job->current->embedding_field_count == 0 || (job->slot && strcmp(job->current->name, "schema") == 0))
    return next_table(job);
  const rem_model_info *info = rem_embedder_info(job->embedder);
  REM_TRY(rem_slot_pin(job->engine, job->tenant, job->current, job->slot, info, false, &table, err));
  rem_table_unref(job->current);
  job->current = table;
  REM_TRY(rem_slot_begin_move(job->engine, job->tenant, table->name, job->slot, info, &table, err));
  rem_table_unref(job->current);
  job->current = table;
  if (table->moving[job->slot].model)
    return begin_pass(job, err);
  enter(job, MOVE_CLEAR); /* it is there already */
  return REM_OK;
}

/* Also after a move that a kill cut short behind its switch. */
static rem_status clear_table(move_job *job, rem_error *err) {
  REM_TRY(rem_slot_clear_areas(job->engine, job->tenant, table_name(job), err));
  rem_table_unref(REM_TAKE(job->current));
  REM_TRY(rem_registry_table(job->engine->registry, job->tenant, table_name(job), &job->current, err));
  enter(job, MOVE_FILL);
  return REM_OK;
}

static rem_status do_piece(move_job *job, rem_error *err) {
  REM_TRY(rem_engine_check_usable(job->engine, err));
  switch (job->phase) {
  case MOVE_BEGIN: return begin_table(job, err);
  case MOVE_ROWS: return move_rows(job, err);
  case MOVE_SWITCH: return make_switch(job, err);
  case MOVE_CLEAR: return clear_table(job, err);
  case MOVE_FILL: return fill_rows(job, err);
  }
  return rem_error_set(err, REM_INTERNAL, "a move without a phase");
}

static rem_status step(void *state, rem_progress *progress, rem_error *err) {
  move_job *job = state;
  int64_t deadline = rem_job_deadline_us();
  rem_progress_set_phase(progress, "embed");
  while (job->table < job->tables.count) {
    rem_progress_set_item(progress, table_name(job));
    REM_TRY(do_piece(job, err));
    if (rem_clock_monotonic_us() > deadline)
      break;
  }
  progress->done = job->embedded;
  progress->total = job->total;
  return job->table < job->tables.count ? REM_ROW : REM_DONE;
}

static rem_status result(void *state, rem_bytes *ret_json, rem_error *err) {
  const move_job *job = state;
  int64_t pending = 0;
  for (size_t i = 0; i < job->tables.count; i++) {
    rem_counters counters;
    REM_TRY(rem_counters_read(job->engine->kv, NULL, job->tenant, job->tables.tables[i]->name, &counters, err));
    pending += counters.pending[job->slot];
  }
  json_t *json REM_AUTO_JSON = json_pack("{s:s, s:I, s:I}", "model", job->model, "embedded", (json_int_t)job->embedded,
                                         "pending", (json_int_t)pending);
  if (json && pending && job->refusal.code && json_object_set_new(json, "reason", json_string(job->refusal.message)))
    return rem_error_nomem(err);
  return json ? rem_json_text(json, ret_json, err) : rem_error_nomem(err);
}

static const rem_job_type move_type = {.step = step, .result = result, .free = move_job_free};

static rem_status list_tables(move_job *job, const char *table, rem_error *err) {
  REM_TRY(rem_registry_select(job->engine->registry, job->tenant, table, &job->tables, err));
  if (!table || job->tables.tables[0]->embedding_field_count)
    return REM_OK;
  rem_error_set(err, REM_INVALID, "'%s' has no embedded fields", table);
  rem_error_hint(err, "set 'embedding_fields' or 'embedding_provider' in its schema");
  return REM_INVALID;
}

/* For the progress: rows that will be embedded, at most. */
static rem_status count_rows(move_job *job, rem_error *err) {
  for (size_t i = 0; i < job->tables.count; i++) {
    rem_counters counters;
    REM_TRY(rem_counters_read(job->engine->kv, NULL, job->tenant, job->tables.tables[i]->name, &counters, err));
    job->total += counters.vectors[0] + counters.pending[0];
  }
  return REM_OK;
}

static rem_status prepare(move_job *job, const char *model, const char *table, rem_error *err) {
  REM_TRY(rem_engine_embedder(job->engine, model, &job->embedder, err));
  REM_TRY(rem_embedder_ready(job->embedder, 0, &job->engine->interrupted, err));
  memcpy(job->model, rem_embedder_info(job->embedder)->name, sizeof job->model);
  REM_TRY(list_tables(job, table, err));
  return count_rows(job, err);
}

rem_status rem_maintenance_embed_all(rem_engine *engine, const char *tenant, const char *model, const char *table,
                                     unsigned slot, rem_job **ret_job, rem_error *err) {
  REM_TRY(rem_engine_check_writable(engine, err));
  move_job *job = rem_calloc(1, sizeof *job);
  if (!job)
    return rem_error_nomem(err);
  job->engine = rem_engine_ref(engine);
  job->slot = slot;
  memcpy(job->tenant, tenant, strlen(tenant) + 1);
  rem_row__init(&job->row, engine);
  rem_status status = prepare(job, model, table, err);
  if (status < 0) {
    move_job_free(job);
    return status;
  }
  return rem_job_new(&move_type, job, ret_job, err);
}
