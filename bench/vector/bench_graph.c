/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph alone, as a peer of the libraries in peers.py: builds over a file of float32 vectors, then answers the queries of one file and of
 * another at every ef of a list, and prints recall@10 and queries a second for each, as JSON lines: `qps` of CPU time, `qps_wall` on the wall.
 *
 *   bench_graph vectors.f32 dimension tune.f32 tune.i32 report.f32 report.i32 [threads [file [rounds]]]
 *
 * .i32 holds 100 true neighbours a query. With `file` the graph is written there, opened and searched mapped as well. `file` "-": a pass is made for
 * each line of standard input, which says by how many threads. In `rounds`, a figure is that of the best of three passes; of a line, of one.
 * The build counts from the empty graph on; resident bytes are those of the process that are no file's, after the build less before it.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "vector/graph_file.h"
#include "vector/graph_kernel.h"

#define TRUTH 100
#define K     10

typedef struct data {
  const float *values;
  size_t count;
} data;

typedef struct set {
  data queries;
  const int32_t *truth;
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

/* Mapped for as long as the program runs. */
static const void *map_all(const char *path, size_t *ret_bytes) {
  rem_error err = {0};
  rem_mapping mapping;
  need(rem_mapping_open(path, &mapping, &err), &err);
  *ret_bytes = mapping.size;
  return mapping.data;
}

static data read_vectors(const char *path, size_t dimension) {
  size_t bytes;
  const float *values = map_all(path, &bytes);
  return (data){values, bytes / sizeof(float) / dimension};
}

static set read_set(const char *queries, const char *truth, size_t dimension) {
  size_t bytes;
  return (set){read_vectors(queries, dimension), map_all(truth, &bytes)};
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

#define CHUNK 50 /* queries that a thread takes at a time */
#define AGAIN 20 /* times that a pool is asked a set in one pass: a single time is over before all threads are awake */

/* One pass over a set, by one thread or by a pool's. */
typedef struct pass {
  rem_graph *graph;
  const set *set;
  size_t dimension, ef;
  _Atomic size_t found, visited;
} pass;

static void search_chunk(void *context, size_t chunk, size_t worker) {
  (void)worker;
  pass *p = context;
  rem_error err = {0};
  size_t found = 0, visited = 0;
  for (size_t i = chunk * CHUNK; i < (chunk + 1) * CHUNK; i++) {
    size_t q = i % p->set->queries.count;
    rem_graph_search search = {.query = p->set->queries.values + q * p->dimension, .k = K, .ef = p->ef};
    rem_graph_report report;
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
    need(rem_graph_search_run(p->graph, &search, &hits, &report, &err), &err);
    found += hits_of(&hits, p->set->truth + q * TRUTH);
    visited += report.visited;
  }
  p->found += found;
  p->visited += visited;
}

static void search_set(pass *p, rem_thread_pool *pool, size_t times, const char *form, const char *name) {
  size_t chunks = (p->set->queries.count * (pool ? AGAIN : 1) + CHUNK - 1) / CHUNK;
  double cpu = 1e9, wall = 1e9, count = (double)(chunks * CHUNK);
  for (size_t i = 0; i < times; i++) {
    p->found = p->visited = 0;
    double cpu_begun = now(CLOCK_PROCESS_CPUTIME_ID), wall_begun = now(CLOCK_MONOTONIC);
    if (pool) rem_thread_pool_for(pool, chunks, search_chunk, p);
    else
      for (size_t chunk = 0; chunk < chunks; chunk++)
        search_chunk(p, chunk, 0);
    double cpu_spent = now(CLOCK_PROCESS_CPUTIME_ID) - cpu_begun, wall_spent = now(CLOCK_MONOTONIC) - wall_begun;
    cpu = cpu_spent < cpu ? cpu_spent : cpu;
    wall = wall_spent < wall ? wall_spent : wall;
  }
  printf("{\"library\": \"rem %s\", \"set\": \"%s\", \"parameter\": %zu, \"recall\": %.4f, \"qps\": %.0f, \"qps_wall\": %.0f, \"visited\": %.0f}\n",
         form, name, p->ef, (double)p->found / ((double)K * count), count / cpu, count / wall, (double)p->visited / count);
  fflush(stdout);
}

static void search_all(rem_graph *graph, rem_thread_pool *pool, size_t times, const char *form, const set *tune, const set *report, size_t dimension) {
  static const size_t efs[] = {10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 50, 64, 80, 100, 120, 160, 200, 300};
  for (size_t i = 0; i < sizeof efs / sizeof *efs; i++) {
    search_set(&(pass){.graph = graph, .set = tune, .dimension = dimension, .ef = efs[i]}, pool, times, form, "tune");
    search_set(&(pass){.graph = graph, .set = report, .dimension = dimension, .ef = efs[i]}, pool, times, form, "report");
  }
}

static void search_as_told(rem_graph *graph, const set *tune, const set *report, size_t dimension) {
  rem_error err = {0};
  char line[32];
  while (fgets(line, sizeof line, stdin)) {
    size_t threads = (size_t)atol(line);
    rem_thread_pool *pool = NULL;
    if (threads > 1) need(rem_thread_pool_new(threads - 1, &pool, &err), &err);
    search_all(graph, pool, 1, "memory", tune, report, dimension);
    rem_thread_pool_free(pool);
    printf("{\"end\": true}\n");
    fflush(stdout);
  }
}

static void search_mapped(rem_graph *graph, const char *path, const set *tune, const set *report, size_t dimension) {
  rem_error err = {0};
  rem_graph *mapped;
  rem_graph_stats stats;
  (void)remove(path);
  need(rem_graph_file_write(graph, path, NULL, 0, &err), &err);
  double wall = now(CLOCK_MONOTONIC);
  need(rem_graph_file_open(path, NULL, &mapped, &err), &err);
  rem_graph_search search = {.query = report->queries.values, .k = K};
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  need(rem_graph_search_run(mapped, &search, &hits, NULL, &err), &err);
  printf("{\"library\": \"rem\", \"open_and_first_answer_ms\": %.3f}\n", 1e3 * (now(CLOCK_MONOTONIC) - wall));
  search_all(mapped, NULL, 3, "mapped", tune, report, dimension);
  rem_graph_stats_get(mapped, &stats);
  printf("{\"library\": \"rem\", \"file_bytes_per_vector\": %.0f}\n", (double)stats.file_bytes / (double)stats.rows);
  rem_graph_free(mapped);
}

/* Bytes of this process that are no pages of files, once what was freed has gone back. */
static double resident_bytes(void) {
  long total = 0, files = 0;
  malloc_trim(0);
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*d %ld %ld", &total, &files) != 2) return 0;
  fclose(file);
  return (double)(total - files) * (double)sysconf(_SC_PAGESIZE);
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
  double before = resident_bytes(), cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
  need(rem_graph_new(&options, &graph, &err), &err);
  need(rem_graph_reserve(graph, vectors.count, &err), &err);
  for (size_t i = 0; i < vectors.count; i++) {
    uint8_t id[16];
    make_id(id, i);
    need(rem_graph_insert(graph, id, vectors.values + i * dimension, i + 1, &err), &err);
  }
  rem_thread_pool *pool = NULL;
  if (threads > 1) need(rem_thread_pool_new(threads - 1, &pool, &err), &err);
  need(rem_graph_build(graph, pool, NULL, NULL, &err), &err);
  cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  wall = now(CLOCK_MONOTONIC) - wall;
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  printf("{\"library\": \"rem\", \"build_cpu_s\": %.2f, \"build_wall_s\": %.2f, \"threads\": %zu, \"rows\": %llu, \"nodes\": %llu, "
         "\"bytes_per_vector\": %.0f, \"resident_bytes_per_vector\": %.0f, \"code_error\": %.5f, \"kernel\": \"%s\", \"cpu\": \"%s\"}\n",
         cpu, wall, threads, (unsigned long long)stats.rows, (unsigned long long)stats.nodes,
         (double)stats.memory_bytes / (double)vectors.count, (resident_bytes() - before) / (double)vectors.count, stats.code_error, rem_graph_kernel_get()->name,
         rem_cpu_name());
  fflush(stdout);
  if (argc > 8 && strcmp(argv[8], "-") == 0) {
    search_as_told(graph, &tune, &report, dimension);
  } else {
    for (size_t i = 0; i < rounds; i++)
      search_all(graph, NULL, 3, "memory", &tune, &report, dimension);
    if (argc > 8) search_mapped(graph, argv[8], &tune, &report, dimension);
  }
  rem_graph_free(graph);
  rem_thread_pool_free(pool);
  return 0;
}
