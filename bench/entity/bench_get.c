/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one row by id, by key, and as JSON, beside rocksdb_get_pinned_cf() of the same records: the same open handle and cache, random rows, blocks
 * of 1,000 in turns.
 *
 *   bench_get [rows] [blocks]
 *
 * The rows are on disk and in the block cache. A get through rem.h fills a rem_row: names resolved, the record checked, its system part readable.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "entity/engine.h"
#include "measure.h"
#include "place.h"
#include "rows.h"
#include "storage/key.h"
#include "storage/kv_internal.h"

#define BLOCK 1000
#define JSON_SIZE 600

typedef struct wanted {
  uint8_t id[16];
  char key[48];
  size_t key_size;
  uint8_t stored_key[128];
  size_t stored_key_size;
} wanted;

static void fill(const rem_config *config, size_t rows) {
  rem_error err = {0};
  rem_batch *batch = NULL;
  rem_db *db = place_database(config, "get", REM_OS);
  measure_need(rem_batch_new(db, &batch, &err), &err);
  for (size_t i = 0; i < rows; i++) {
    char json[JSON_SIZE];
    rows_row row;
    rows_make(i, &row);
    measure_need(rem_batch_put(batch, ROWS_TABLE, json, rows_json(&row, json, sizeof json), &err), &err);
    if (rem_batch_count(batch) == 1000 || i + 1 == rows)
      measure_need(rem_batch_commit(batch, NULL, NULL, &err), &err);
  }
  rem_batch_free(batch);
  measure_need(rem_kv_flush(db->engine->kv, &err), &err);
  measure_need(rem_kv_compact(db->engine->kv, REM_CF_ENTITIES, (rem_slice){0}, (rem_slice){0}, &err), &err);
  measure_need(rem_close(db, &err), &err);
}

/* A block of random rows, all that each way of reading needs made beforehand. */
static void choose(rem_db *db, size_t rows, uint64_t seed, wanted *block) {
  for (size_t i = 0; i < BLOCK; i++) {
    rows_row row;
    rem_buffer key = {0};
    rows_make(rows_mix(seed + i) % rows, &row);
    block[i].key_size = strlen(row.email);
    memcpy(block[i].key, row.email, block[i].key_size + 1);
    rem_uuid_of_key(db->tenant, ROWS_TABLE, row.email, block[i].key_size, block[i].id);
    rem_key_entity(&key, db->tenant, ROWS_TABLE, block[i].id);
    block[i].stored_key_size = key.size;
    memcpy(block[i].stored_key, key.data, key.size);
    rem_buffer_deinit(&key);
  }
}

static double by_rocksdb(rem_db *db, const wanted *block) {
  const rem_kv_handle *handle = db->engine->kv->handle;
  size_t bytes = 0, size;
  int64_t start = measure_now_ns();
  for (size_t i = 0; i < BLOCK; i++) {
    char *message = NULL;
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned_cf(handle->db, handle->read_options, handle->families[REM_CF_ENTITIES],
                              (const char *)block[i].stored_key, block[i].stored_key_size, &message);
    if (!slice || !rocksdb_pinnableslice_value(slice, &size))
      measure_fail("a row is missing");
    bytes += size;
    rocksdb_pinnableslice_destroy(slice);
  }
  double spent = (double)(measure_now_ns() - start);
  return bytes ? spent / BLOCK : 0;
}

typedef enum way { BY_ID, BY_KEY, BY_KEY_JSON } way;

static double by_library(rem_db *db, rem_row *row, const wanted *block, way how) {
  rem_error err = {0};
  int64_t start = measure_now_ns();
  for (size_t i = 0; i < BLOCK; i++) {
    const wanted *w = &block[i];
    rem_status status = how == BY_ID ? rem_get_id(db, ROWS_TABLE, w->id, false, row, &err)
                                     : rem_get(db, ROWS_TABLE, w->key, w->key_size, false, row, &err);
    if (status != REM_OK)
      measure_fail("a row is missing");
    if (how != BY_KEY_JSON)
      continue;
    rem_bytes json = {0};
    measure_need(rem_row_json(row, 0, &json, &err), &err);
    rem_bytes_free(&json);
  }
  return (double)(measure_now_ns() - start) / BLOCK;
}

int main(int argc, char **argv) {
  size_t rows = argc > 1 ? (size_t)atol(argv[1]) : measure_full() ? 200000 : 50000;
  size_t blocks = argc > 2 ? (size_t)atol(argv[2]) : 200;
  static measure_pair pairs[3]; /* by way; as speeds, so that more is better */
  static wanted block[BLOCK];
  char path[300];
  rem_error err = {0};
  rem_db *db = NULL;
  rem_row *row = NULL;
  measure_begin("get");
  rem_config *config = place_config();
  fill(config, rows);
  snprintf(path, sizeof path, "%s/get", place_folder());
  rem_open_options options;
  rem_open_options_init(&options);
  options.config = config;
  measure_need(rem_open(path, &options, &db, &err), &err);
  measure_need(rem_row_new(db, &row, &err), &err);
  for (size_t b = 0; b < 4 * rows / BLOCK; b++) { /* warm the cache */
    choose(db, rows, b * BLOCK, block);
    by_rocksdb(db, block);
  }
  for (size_t b = 0; b < blocks; b++) {
    choose(db, rows, rows_mix(b), block);
    by_rocksdb(db, block);
    for (int how = 0; how < 3; how++)
      measure_add(&pairs[how], 1e9 / by_library(db, row, block, (way)how), 1e9 / by_rocksdb(db, block));
  }
  measure_figure("rocksdb_get_pinned_cf", 1e9 / measure_theirs(&pairs[BY_ID]), "ns", NULL);
  measure_figure("rem_get_id", 1e9 / measure_ours(&pairs[BY_ID]), "ns", NULL);
  measure_figure("rem_get", 1e9 / measure_ours(&pairs[BY_KEY]), "ns", NULL);
  measure_figure("rem_get and rem_row_json", 1e9 / measure_ours(&pairs[BY_KEY_JSON]), "ns", NULL);
  measure_figure("rem_get_id / RocksDB", measure_ratio(&pairs[BY_ID]), "x", ">= 0.8");
  measure_figure("rem_get / RocksDB", measure_ratio(&pairs[BY_KEY]), "x", ">= 0.5");
  measure_figure("rem_get and rem_row_json / RocksDB", measure_ratio(&pairs[BY_KEY_JSON]), "x", NULL);
  rem_row_free(row);
  measure_need(rem_close(db, &err), &err);
  rem_config_free(config);
  return 0;
}
