/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph alone, as a peer of the libraries in peers.py: builds over a file of float32 vectors, then answers the queries of one file and of
 * another at every ef of a list, and prints recall@10 and queries a second of CPU time for each, as JSON lines.
 *
 *   bench_graph vectors.f32 dimension tune.f32 tune.i32 report.f32 report.i32 [threads [file [rounds]]]
 *
 * .i32 holds 100 true neighbours a query. With `file` the graph is written there, opened and searched mapped as well; a file that exists is
 * loaded in place of a build. "best" is the sum over the queries of the best time of each in all rounds, which other work on the machine disturbs least.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "vector/graph_file.h"
#include "vector/graph_kernel.h"

#define TRUTH 100
#define K     10

typedef struct data {
  float *values;
  size_t count;
} data;

typedef struct set {
  data queries;
  int32_t *truth;
} set;

static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void need(rem_status status, const rem_error *err) {
  if (status >= 0) return;
  fprintf(stderr, "bench_graph: %s\n", err->message);
  exit(1);
}

static void *read_all(const char *path, size_t *ret_bytes) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
    fprintf(stderr, "bench_graph: cannot read %s\n", path);
    exit(1);
  }
  size_t bytes = (size_t)ftell(file);
  rewind(file);
  void *data = aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (data == NULL || fread(data, 1, bytes, file) != bytes) exit(1);
  fclose(file);
  *ret_bytes = bytes;
  return data;
}

static data read_vectors(const char *path, size_t dimension) {
  size_t bytes;
  float *values = read_all(path, &bytes);
  return (data){values, bytes / sizeof(float) / dimension};
}

static set read_set(const char *queries, const char *truth, size_t dimension) {
  size_t bytes;
  return (set){read_vectors(queries, dimension), read_all(truth, &bytes)};
}

static void make_id(uint8_t id[16], size_t row) {
  memset(id, 0, 16);
  for (int i = 0; i < 8; i++)
    id[15 - i] = (uint8_t)(row >> 8 * i);
}

static size_t row_of(const uint8_t id[16]) {
  size_t row = 0;
  for (int i = 8; i < 16; i++)
    row = row << 8 | id[i];
  return row;
}

static size_t hits_of(const rem_vector_hits *hits, const int32_t *truth) {
  size_t common = 0;
  for (size_t i = 0; i < hits->count; i++) {
    for (size_t j = 0; j < K; j++)
      common += (size_t)truth[j] == row_of(hits->hits[i].id);
  }
  return common;
}

static void search_set(rem_graph *graph, const char *form, const char *name, const set *s, size_t dimension, size_t ef) {
  size_t found = 0;
  uint64_t visited = 0;
  double best = 1e9;
  rem_error err = {0};
  for (int round = 0; round < 3; round++) {
    found = visited = 0;
    double begun = now(CLOCK_THREAD_CPUTIME_ID);
    for (size_t q = 0; q < s->queries.count; q++) {
      rem_graph_search search = {.query = s->queries.values + q * dimension, .k = K, .ef = ef};
      rem_graph_report report;
      rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
      need(rem_graph_search_run(graph, &search, &hits, &report, &err), &err);
      found += hits_of(&hits, s->truth + q * TRUTH);
      visited += report.visited;
    }
    double seconds = now(CLOCK_THREAD_CPUTIME_ID) - begun;
    best = seconds < best ? seconds : best;
  }
  double count = (double)s->queries.count;
  printf("{\"library\": \"rem %s\", \"set\": \"%s\", \"parameter\": %zu, \"recall\": %.4f, \"qps\": %.0f, \"visited\": %.0f}\n", form, name, ef,
         (double)found / (K * count), count / best, (double)visited / count);
  fflush(stdout);
}

static void search_all(rem_graph *graph, const char *form, const set *tune, const set *report, size_t dimension) {
  static const size_t efs[] = {10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 50, 64, 80, 100, 120, 160, 200, 300};
  for (size_t i = 0; i < sizeof efs / sizeof *efs; i++) {
    search_set(graph, form, "tune", tune, dimension, efs[i]);
    search_set(graph, form, "report", report, dimension, efs[i]);
  }
}

int main(int argc, char **argv) {
  if (argc < 7) {
    fprintf(stderr, "usage: bench_graph vectors.f32 dimension tune.f32 tune.i32 report.f32 report.i32 [threads [file [rounds]]]\n");
    return 2;
  }
  size_t dimension = (size_t)atol(argv[2]), threads = argc > 7 ? (size_t)atol(argv[7]) : 1, rounds = argc > 9 ? (size_t)atol(argv[9]) : 1;
  data vectors = read_vectors(argv[1], dimension);
  set tune = read_set(argv[3], argv[4], dimension), report = read_set(argv[5], argv[6], dimension);
  rem_error err = {0};
  const char *ef = getenv("REM_BENCH_BUILD_EF"), *m = getenv("REM_BENCH_M");
  rem_graph_options options = {.dimension = dimension, .build_ef = ef ? (unsigned)atoi(ef) : 0, .m = m ? (unsigned)atoi(m) : 0};
  rem_graph *graph;
  need(rem_graph_new(&options, &graph, &err), &err);
  need(rem_graph_reserve(graph, vectors.count, &err), &err);
  for (size_t i = 0; i < vectors.count; i++) {
    uint8_t id[16];
    make_id(id, i);
    need(rem_graph_insert(graph, id, vectors.values + i * dimension, i + 1, &err), &err);
  }
  rem_thread_pool *pool = NULL;
  if (threads > 1) need(rem_thread_pool_new(threads - 1, &pool, &err), &err);
  double cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
  need(rem_graph_build(graph, pool, NULL, NULL, &err), &err);
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  printf("{\"library\": \"rem\", \"build_cpu_s\": %.2f, \"build_wall_s\": %.2f, \"threads\": %zu, \"rows\": %llu, \"nodes\": %llu, "
         "\"bytes_per_vector\": %.0f, \"code_error\": %.5f, \"kernel\": \"%s\", \"cpu\": \"%s\"}\n",
         now(CLOCK_PROCESS_CPUTIME_ID) - cpu, now(CLOCK_MONOTONIC) - wall, threads, (unsigned long long)stats.rows,
         (unsigned long long)stats.nodes, (double)stats.memory_bytes / (double)vectors.count, stats.code_error, rem_graph_kernel_get()->name,
         rem_cpu_name());
  fflush(stdout);
  free(vectors.values);
  for (size_t i = 0; i < rounds; i++)
    search_all(graph, "memory", &tune, &report, dimension);
  if (argc > 8) {
    rem_graph *mapped;
    (void)remove(argv[8]);
    need(rem_graph_file_write(graph, argv[8], NULL, 0, &err), &err);
    wall = now(CLOCK_MONOTONIC);
    need(rem_graph_file_open(argv[8], NULL, &mapped, &err), &err);
    rem_graph_search search = {.query = report.queries.values, .k = K};
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
    need(rem_graph_search_run(mapped, &search, &hits, NULL, &err), &err);
    printf("{\"library\": \"rem\", \"open_and_first_answer_ms\": %.3f}\n", 1e3 * (now(CLOCK_MONOTONIC) - wall));
    search_all(mapped, "mapped", &tune, &report, dimension);
    rem_graph_stats_get(mapped, &stats);
    printf("{\"library\": \"rem\", \"file_bytes_per_vector\": %.0f}\n", (double)stats.file_bytes / (double)vectors.count);
    rem_graph_free(mapped);
  }
  rem_graph_free(graph);
  rem_thread_pool_free(pool);
  return 0;
}
