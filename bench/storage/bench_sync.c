/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable inserts, one row each: what one costs beside appending the same number of bytes to a plain file with fdatasync, in turns; and how
 * many a second one thread and 64 threads make, with the syncs they needed.
 *
 *   bench_sync [inserts]
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "entity/engine.h"
#include "measure.h"
#include "place.h"
#include "rows.h"

#define JSON_SIZE 600
#define THREADS 64

static atomic_uint_fast64_t next_row;

static double put_one(rem_db *db, measure_time *time) {
  char json[JSON_SIZE];
  rows_row row;
  rem_error err = {0};
  rows_make(next_row++, &row);
  size_t size = rows_json(&row, json, sizeof json);
  measure_time start = measure_now(), spent = {0};
  measure_need(rem_put(db, ROWS_TABLE, json, size, NULL, &err), &err);
  measure_since(start, &spent);
  if (time)
    *time = (measure_time){time->wall + spent.wall, time->cpu + spent.cpu};
  return (double)spent.wall / 1e3;
}

static double append_one(int fd, const void *bytes, size_t size, measure_time *time) {
  measure_time start = measure_now(), spent = {0};
  if (write(fd, bytes, size) != (ssize_t)size || fdatasync(fd) != 0)
    measure_fail("cannot write the plain file");
  measure_since(start, &spent);
  *time = (measure_time){time->wall + spent.wall, time->cpu + spent.cpu};
  return (double)spent.wall / 1e3;
}

/* Bytes that one insert adds to RocksDB's log. */
static size_t bytes_of_insert(rem_db *db, const char *path) {
  long long before = place_bytes(path, ".log");
  for (int i = 0; i < 100; i++)
    put_one(db, NULL);
  long long grown = place_bytes(path, ".log") - before;
  return grown > 0 ? (size_t)grown / 100 : 1024;
}

static void compare_single(rem_db *db, const char *path, size_t inserts) {
  static measure_pair pair;
  static char bytes[1 << 16];
  double difference[MEASURE_MAX];
  measure_time our_time = {0}, their_time = {0};
  char file[320];
  size_t size = bytes_of_insert(db, path);
  size = size > sizeof bytes ? sizeof bytes : size;
  memset(bytes, 'x', size);
  snprintf(file, sizeof file, "%s/plain", place_folder());
  int fd = open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd < 0)
    measure_fail("cannot make the plain file");
  for (size_t i = 0; i < inserts && i < MEASURE_MAX; i++) {
    double ours = put_one(db, &our_time), theirs = append_one(fd, bytes, size, &their_time);
    measure_add(&pair, ours, theirs);
    difference[i] = ours - theirs;
  }
  close(fd);
  measure_figure("bytes an insert", (double)size, "B", NULL);
  measure_figure("durable insert", measure_ours(&pair), "us", NULL);
  measure_figure("append and fdatasync", measure_theirs(&pair), "us", NULL);
  measure_figure("insert over append", measure_ours(&pair) - measure_theirs(&pair), "us", "<= 50");
  measure_figure("insert over append, by CPU", (double)(our_time.cpu - their_time.cpu) / 1e3 / (double)pair.count, "us", NULL);
  measure_figure("insert over append, median of neighbours", measure_median(difference, pair.count), "us", NULL);
}

typedef struct crowd {
  rem_db *db;
  size_t each;
} crowd;

static void *work(void *context) {
  crowd *c = context;
  for (size_t i = 0; i < c->each; i++)
    put_one(c->db, NULL);
  return NULL;
}

static double run_threads(rem_db *db, size_t threads, size_t each) {
  pthread_t handles[THREADS];
  crowd c = {db, each};
  rem_commit_counters before, after;
  char what[64];
  rem_commit_counters_get(db->engine->committer, &before);
  int64_t start = measure_now_ns();
  for (size_t i = 0; i < threads; i++)
    if (pthread_create(&handles[i], NULL, work, &c) != 0)
      measure_fail("cannot start a thread");
  for (size_t i = 0; i < threads; i++)
    pthread_join(handles[i], NULL);
  double speed = (double)(threads * each) * 1e9 / (double)(measure_now_ns() - start);
  rem_commit_counters_get(db->engine->committer, &after);
  snprintf(what, sizeof what, "%zu threads", threads);
  measure_figure(what, speed, "rows/s", NULL);
  snprintf(what, sizeof what, "%zu threads, rows a sync", threads);
  measure_figure(what, (double)(after.requests - before.requests) / (double)(after.syncs - before.syncs), "", NULL);
  return speed;
}

int main(int argc, char **argv) {
  size_t inserts = argc > 1 ? (size_t)atol(argv[1]) : measure_full() ? 4000 : 1000;
  char path[300];
  rem_error err = {0};
  measure_begin("sync");
  rem_config *config = place_config();
  rem_db *db = place_database(config, "sync", REM_SYNC);
  snprintf(path, sizeof path, "%s/sync", place_folder());
  compare_single(db, path, inserts);
  double one = run_threads(db, 1, inserts), many = run_threads(db, THREADS, inserts / 10 + 1);
  measure_figure("64 threads / 1 thread", many / one, "x", NULL);
  measure_need(rem_close(db, &err), &err);
  rem_config_free(config);
  return 0;
}
