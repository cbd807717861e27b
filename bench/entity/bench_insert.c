/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inserting rows without embeddings: 1,000 a batch, three indexed fields, through rem.h with JSON in.
 *
 *   bench_insert [rows] [rounds]            in cache: librem, bare RocksDB with the very same key-values, SQLite, in turns
 *   bench_insert --beyond [rows]            beyond the cache: librem and SQLite in turns, a batch each
 *
 * Each of log on and off, synced at every batch. Beyond the cache both may use the same little memory; the full size (REM_BENCH_FULL=1) is 10 million rows
 * in the default memory, the reduced size 600,000 in 48 MiB. What the operating system caches it caches for both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entity/engine.h"
#include "measure.h"
#include "place.h"
#include "replay.h"
#include "rows.h"
#include "sqlite_rows.h"

#define BATCH_ROWS 1000
#define JSON_SIZE 600
#define MIB ((size_t)1 << 20)
#define CACHE_MIB 512u

typedef struct json_rows {
  char text[BATCH_ROWS][JSON_SIZE];
  size_t sizes[BATCH_ROWS];
} json_rows;

static json_rows made;

/* Rows [first, first + BATCH_ROWS) in one batch; adds its time. */
static void insert_batch(rem_batch *batch, uint64_t first, measure_time *time) {
  rem_error err = {0};
  for (size_t i = 0; i < BATCH_ROWS; i++) {
    rows_row row;
    rows_make(first + i, &row);
    made.sizes[i] = rows_json(&row, made.text[i], JSON_SIZE);
  }
  measure_time start = measure_now();
  for (size_t i = 0; i < BATCH_ROWS; i++)
    measure_need(rem_batch_put(batch, ROWS_TABLE, made.text[i], made.sizes[i], &err), &err);
  measure_need(rem_batch_commit(batch, NULL, NULL, &err), &err);
  measure_since(start, time);
}

static measure_time insert_all(rem_db *db, size_t rows) {
  rem_error err = {0};
  rem_batch *batch = NULL;
  measure_need(rem_batch_new(db, &batch, &err), &err);
  measure_time spent = {0};
  for (size_t i = 0; i < rows; i += BATCH_ROWS)
    insert_batch(batch, i, &spent);
  rem_batch_free(batch);
  measure_time start = measure_now();
  measure_need(rem_flush(db, &err), &err);
  measure_since(start, &spent);
  return spent;
}

static void options_of(rem_kv_options *ret_options) {
  rem_kv_options_init(ret_options);
  ret_options->write_buffer_bytes = 64 * MIB;
  ret_options->cache_bytes = (CACHE_MIB - 64) * MIB;
}

static void remove_sqlite(const char *name) {
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  char file[64], path[300];
  for (size_t i = 0; i < 3; i++) {
    snprintf(file, sizeof file, "%s%s", name, suffixes[i]);
    place_path(file, path, sizeof path);
  }
}

static measure_time sqlite_all(size_t rows, bool sync, size_t cache_bytes) {
  char path[300];
  remove_sqlite("rows.sqlite");
  place_path("rows.sqlite", path, sizeof path);
  sqlite_rows *sqlite = sqlite_rows_open(path, sync, cache_bytes);
  measure_time spent = {0};
  for (size_t i = 0; i < rows; i += BATCH_ROWS)
    sqlite_rows_insert(sqlite, i, BATCH_ROWS, &spent);
  if (!sync)
    sqlite_rows_finish(sqlite, &spent);
  sqlite_rows_close(sqlite);
  remove_sqlite("rows.sqlite");
  return spent;
}

/* Speeds in rows a second; CPU in rows a CPU second. */
typedef struct round_results {
  measure_pair raw, sqlite, raw_cpu, sqlite_cpu;
  double row_bytes, row_puts;
} round_results;

static double speed(size_t rows, int64_t ns) {
  return (double)rows * 1e9 / (double)ns;
}

static void run_round(const rem_config *config, size_t rows, bool sync, round_results *results) {
  char path[300];
  rem_error err = {0};
  rem_kv_options options;
  options_of(&options);
  rem_db *db = place_database(config, "insert", sync ? REM_SYNC : REM_OS);
  measure_time ours = insert_all(db, rows);
  replay *captured = replay_capture(db->engine->kv, db->tenant, ROWS_TABLE, BATCH_ROWS);
  measure_need(rem_close(db, &err), &err);
  place_path("raw", path, sizeof path);
  measure_time raw = replay_run(captured, path, &options, sync);
  place_path("raw", path, sizeof path);
  measure_time sqlite = sqlite_all(rows, sync, CACHE_MIB * MIB);
  measure_add(&results->raw, speed(rows, ours.wall), speed(rows, raw.wall));
  measure_add(&results->sqlite, speed(rows, ours.wall), speed(rows, sqlite.wall));
  measure_add(&results->raw_cpu, speed(rows, ours.cpu), speed(rows, raw.cpu));
  measure_add(&results->sqlite_cpu, speed(rows, ours.cpu), speed(rows, sqlite.cpu));
  results->row_bytes = replay_row_bytes(captured);
  results->row_puts = replay_row_puts(captured);
  replay_free(captured);
}

static void figure(const char *what, bool log, bool sync, double value, const char *unit, const char *target) {
  char name[120];
  snprintf(name, sizeof name, "%s, log %s, %s", what, log ? "on" : "off", sync ? "synced" : "unsynced");
  measure_figure(name, value, unit, target);
}

static void in_cache(rem_config *config, size_t rows, size_t rounds, bool log, bool sync) {
  static round_results results;
  rem_error err = {0};
  memset(&results, 0, sizeof results);
  measure_need(rem_config_set(config, "P8_ENABLE_WAL", log ? "true" : "false", &err), &err);
  for (size_t i = 0; i < rounds; i++)
    run_round(config, rows, sync, &results);
  figure("librem", log, sync, measure_ours(&results.raw), "rows/s", NULL);
  figure("RocksDB, same key-values", log, sync, measure_theirs(&results.raw), "rows/s", NULL);
  figure("SQLite", log, sync, measure_theirs(&results.sqlite), "rows/s", NULL);
  figure("librem, CPU a row", log, sync, 1e6 / measure_ours(&results.raw_cpu), "us", NULL);
  figure("RocksDB, CPU a row", log, sync, 1e6 / measure_theirs(&results.raw_cpu), "us", NULL);
  figure("SQLite, CPU a row", log, sync, 1e6 / measure_theirs(&results.sqlite_cpu), "us", NULL);
  figure("puts a row", log, sync, results.row_puts, "", NULL);
  figure("bytes a row", log, sync, results.row_bytes, "B", NULL);
  figure("librem / RocksDB", log, sync, measure_ratio(&results.raw), "x", ">= 0.6");
  figure("librem / RocksDB, by CPU", log, sync, measure_ratio(&results.raw_cpu), "x", NULL);
  figure("librem / SQLite", log, sync, measure_ratio(&results.sqlite), "x", ">= 1");
  figure("librem / SQLite, by CPU", log, sync, measure_ratio(&results.sqlite_cpu), "x", NULL);
}

/* Batches in turns, into databases that grow past the cache; the last tenth counts. */
static void beyond_cache(rem_config *config, size_t rows) {
  char path[300], budget[16];
  rem_error err = {0};
  unsigned mib = measure_full() ? CACHE_MIB : 48;
  snprintf(budget, sizeof budget, "%u", mib);
  measure_need(rem_config_set(config, "P8_MEMORY_BUDGET_MB", budget, &err), &err);
  rem_db *db = place_database(config, "beyond", REM_SYNC);
  place_path("beyond.sqlite", path, sizeof path);
  sqlite_rows *sqlite = sqlite_rows_open(path, true, mib * MIB);
  rem_batch *batch = NULL;
  measure_need(rem_batch_new(db, &batch, &err), &err);
  measure_time ours[2] = {0}, theirs[2] = {0}; /* the first nine tenths, and the last */
  size_t late_from = rows - rows / 10;
  for (size_t i = 0; i < rows; i += BATCH_ROWS) {
    insert_batch(batch, i, &ours[i >= late_from]);
    sqlite_rows_insert(sqlite, i, BATCH_ROWS, &theirs[i >= late_from]);
  }
  rem_batch_free(batch);
  measure_figure("rows", (double)rows, "", NULL);
  measure_figure("memory of each", (double)mib, "MiB", NULL);
  int64_t our_sum = ours[0].wall + ours[1].wall, their_sum = theirs[0].wall + theirs[1].wall;
  measure_figure("librem, whole load", speed(rows, our_sum), "rows/s", NULL);
  measure_figure("SQLite, whole load", speed(rows, their_sum), "rows/s", NULL);
  measure_figure("librem / SQLite, whole load", (double)their_sum / (double)our_sum, "x", ">= 2");
  measure_figure("librem / SQLite, last tenth", (double)theirs[1].wall / (double)ours[1].wall, "x", ">= 2");
  sqlite_rows_close(sqlite);
  measure_need(rem_close(db, &err), &err);
}

int main(int argc, char **argv) {
  bool beyond = argc > 1 && strcmp(argv[1], "--beyond") == 0;
  int at = beyond ? 2 : 1;
  size_t rows = argc > at ? (size_t)atol(argv[at]) : beyond ? (measure_full() ? 10000000 : 600000) : 100000;
  size_t rounds = argc > at + 1 ? (size_t)atol(argv[at + 1]) : measure_full() ? 9 : 3;
  rows = rows < BATCH_ROWS ? BATCH_ROWS : rows / BATCH_ROWS * BATCH_ROWS;
  measure_begin(beyond ? "insert beyond cache" : "insert");
  rem_config *config = place_config();
  if (beyond) {
    beyond_cache(config, rows);
  } else {
    in_cache(config, rows, rounds, true, true);
    in_cache(config, rows, rounds, false, true);
    in_cache(config, rows, rounds, true, false);
    in_cache(config, rows, rounds, false, false);
  }
  rem_config_free(config);
  return 0;
}
