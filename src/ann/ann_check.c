/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file beside the store: every block sound; every row of the file that did not change since stands in the store with the same vector and lives; and there are
 * as many such rows as the store has live vectors that did not change since.
 */
#include "ann/ann_internal.h"
#include "base/uuid.h"
#include "schema/record.h"
#include "storage/key.h"
#include "storage/log.h"

typedef struct check_run {
  const rem_ann__index *index;
  const rem_kv_snapshot *snapshot;
  rem_hash_map changed; /* ids that the log names after the file */
  rem_buffer key;
  uint64_t rows;        /* of the file, unchanged */
  float *stored;        /* owned: a vector */
  rem_error *err;
} check_run;

static void check_run_deinit(check_run *run) {
  rem_hash_map_deinit(&run->changed);
  rem_buffer_deinit(&run->key);
  rem_free(run->stored);
}

static rem_status note_changed(check_run *run, uint64_t after, rem_error *err) {
  rem_buffer lower REM_AUTO_BUFFER = {0}, prefix REM_AUTO_BUFFER = {0}, upper REM_AUTO_BUFFER = {0};
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  const rem_ann__index *index = run->index;
  rem_key_vector_log(&lower, index->tenant, index->table, index->area, after + 1);
  rem_key_vector_log_prefix(&prefix, index->tenant, index->table, index->area);
  REM_TRY(rem_buffer_status(&prefix, err));
  rem_key_prefix_end(&upper, rem_buffer_slice(&prefix));
  REM_TRY(rem_buffer_status(&lower, err));
  REM_TRY(rem_buffer_status(&upper, err));
  REM_TRY(rem_kv_iterator_new(index->ann->options.kv, run->snapshot, REM_CF_VECTOR_LOG, rem_buffer_slice(&lower),
                              rem_buffer_slice(&upper), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator)) {
    rem_slice value = rem_kv_iterator_value(iterator);
    if (value.size != 17)
      return rem_error_set(err, REM_CORRUPT, "an entry of the vector log of '%s' is damaged", index->table);
    REM_TRY(rem_hash_map_put(&run->changed, rem_slice_of(value.data + 1, 16), run, NULL, err));
  }
  return rem_kv_iterator_status(iterator, err);
}

static rem_status lives(check_run *run, const uint8_t id[16], bool *ret_lives, rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_record record;
  *ret_lives = false;
  rem_buffer_reset(&run->key);
  rem_key_entity(&run->key, run->index->tenant, run->index->table, id);
  REM_TRY(rem_buffer_status(&run->key, err));
  rem_status status = rem_kv_get(run->index->ann->options.kv, run->snapshot, REM_CF_ENTITIES, rem_buffer_slice(&run->key), &pin, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  REM_TRY(rem_record_open(pin.data, pin.size, &record, err));
  *ret_lives = !rem_record_is_deleted(&record);
  return REM_OK;
}

static rem_status check_row(void *context, const uint8_t id[16], const float *vector, uint64_t birth) {
  check_run *run = context;
  rem_kv_pin pin REM_AUTO_PIN = {0};
  char text[37];
  bool live;
  (void)birth;
  if (rem_hash_map_get(&run->changed, rem_slice_of(id, 16)))
    return REM_OK;
  rem_uuid_format(id, text);
  run->rows++;
  REM_TRY(lives(run, id, &live, run->err));
  rem_status status = rem_ann__stored(run->index, run->snapshot, id, &run->key, &pin, run->err);
  REM_TRY(status);
  if (!live || status == REM_NOT_FOUND)
    return rem_error_set(run->err, REM_CORRUPT, "it holds row %s, which is gone", text);
  if (pin.size != run->index->dimension * sizeof(float))
    return rem_error_set(run->err, REM_CORRUPT, "the stored vector of row %s has another dimension", text);
  memcpy(run->stored, pin.data, pin.size);
  if (!rem_graph_keeps(vector, run->stored, run->index->dimension))
    return rem_error_set(run->err, REM_CORRUPT, "its vector of row %s is not the stored one", text);
  return REM_OK;
}

/* Live rows with a vector that the log does not name. */
static rem_status count_stored(check_run *run, uint64_t *ret_count, rem_error *err) {
  rem_buffer prefix REM_AUTO_BUFFER = {0};
  rem_kv_iterator *iterator REM_AUTO_ITERATOR = NULL;
  rem_key_vector_prefix(&prefix, run->index->tenant, run->index->table, run->index->area);
  REM_TRY(rem_buffer_status(&prefix, err));
  REM_TRY(rem_kv_iterator_scan(run->index->ann->options.kv, run->snapshot, REM_CF_VECTORS, rem_buffer_slice(&prefix), false,
                               &iterator, err));
  *ret_count = 0;
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator)) {
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(iterator));
    bool live = false;
    if (id && !rem_hash_map_get(&run->changed, rem_slice_of(id, 16)))
      REM_TRY(lives(run, id, &live, err));
    *ret_count += live;
  }
  return rem_kv_iterator_status(iterator, err);
}

static rem_status check_file(check_run *run, const rem_ann__record *record, rem_error *err) {
  char path[REM_ANN__PATH_SIZE];
  uint8_t note[REM_ANN__NOTE_SIZE];
  rem_graph *graph = NULL;
  rem_graph_options expect = {.dimension = run->index->dimension};
  uint64_t stored;
  rem_ann__path(run->index->ann, record->file, path);
  rem_ann__note(run->index, record, note);
  REM_TRY(rem_graph_file_open(path, &expect, &graph, err));
  rem_status status = rem_graph_file_verify(graph, err);
  if (status >= 0 && (!rem_slice_equal(rem_graph_file_note(graph), rem_slice_of(note, sizeof note)) ||
                      rem_graph_sequence(graph) != record->seq))
    status = rem_error_set(err, REM_CORRUPT, "its file belongs to other vectors");
  if (status >= 0)
    status = rem_graph_each(graph, check_row, run, err);
  rem_graph_free(graph);
  REM_TRY(status);
  REM_TRY(count_stored(run, &stored, err));
  if (stored == run->rows)
    return REM_OK;
  return rem_error_set(err, REM_CORRUPT, "it holds %llu rows where the table has %llu", (unsigned long long)run->rows,
                       (unsigned long long)stored);
}

/* A file that the snapshot names may be gone when a later one has taken its place. */
static bool was_superseded(const rem_ann__index *index, const rem_ann__record *record) {
  rem_ann__record latest;
  return rem_ann__record_read(index, NULL, &latest, NULL) != REM_OK || latest.file != record->file;
}

rem_status rem_ann_check(rem_ann *ann, const rem_ann_target *target, const rem_kv_snapshot *snapshot, uint64_t *ret_rows,
                         rem_error *err) {
  rem_ann__index *index = rem_ann__find(ann, target);
  rem_ann__record record;
  rem_error reason = {0};
  *ret_rows = 0;
  if (!index)
    return rem_error_nomem(err);
  rem_status status = rem_ann__record_read(index, snapshot, &record, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  check_run run REM_CLEANUP(check_run_deinit) = {.index = index, .snapshot = snapshot, .err = &reason};
  run.stored = rem_alloc(index->dimension * sizeof *run.stored);
  status = run.stored ? note_changed(&run, record.seq, &reason) : rem_error_nomem(&reason);
  if (status >= 0)
    status = check_file(&run, &record, &reason);
  *ret_rows = run.rows;
  if (status == REM_FORMAT || (status == REM_UNKNOWN && was_superseded(index, &record)))
    return REM_OK; /* nothing that any search would use */
  if (status >= 0 || status == REM_NOMEM || status == REM_CANCELLED) {
    if (status < 0 && err)
      *err = reason;
    return status;
  }
  return rem_error_set(err, REM_CORRUPT, "the vector index of '%s' does not match its vectors: %s", index->table,
                       reason.message);
}
