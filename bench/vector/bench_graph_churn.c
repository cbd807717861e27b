/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Churn and clumps: a graph over a file of vectors, all of whose rows are deleted and inserted again, some at a time, so often; then 5,000 equal
 * and 5,000 nearly equal rows. Recall@10 by exact scans of the graph itself.
 *
 *   bench_graph_churn vectors.f32 dimension queries.f32 rows [churns]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "vector/graph_file.h"

#define QUERIES 1000
#define CLUMP   5000
#define ASKED   200

static rem_error err;
static rem_graph *graph;
static float *values, *queries;
static size_t dimension, rows;
static uint64_t seq;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void need(rem_status status) {
  if (status >= 0) return;
  fprintf(stderr, "bench_graph_churn: %s\n", err.message);
  exit(1);
}

static void make_id(uint8_t id[16], size_t row) {
  memset(id, 0, 16);
  for (int i = 0; i < 8; i++)
    id[i] = (uint8_t)(row >> 8 * i);
}

static void insert(size_t row, const float *vector) {
  uint8_t id[16];
  make_id(id, row);
  need(rem_graph_insert(graph, id, vector, ++seq, &err));
}

static float *read_some(const char *path, size_t count) {
  FILE *file = fopen(path, "rb");
  float *data = malloc(count * dimension * sizeof *data);
  if (file == NULL || data == NULL || fread(data, dimension * sizeof *data, count, file) != count) exit(1);
  fclose(file);
  return data;
}

/* Every stored row asks for itself. */
static size_t lost_rows(size_t step) {
  size_t lost = 0;
  for (size_t i = 0; i < rows; i += step) {
    rem_graph_search search = {.query = values + i * dimension, .k = 1};
    rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
    need(rem_graph_search_run(graph, &search, &hits, NULL, &err));
    lost += hits.count != 1 || hits.hits[0].score < 0.999999;
  }
  return lost;
}

static double recall_of(const float *asked, size_t count, size_t ef) {
  size_t found = 0;
  for (size_t q = 0; q < count; q++) {
    rem_graph_search search = {.query = asked + q * dimension, .k = 10, .ef = ef};
    rem_vector_hits walked REM_AUTO_VECTOR_HITS = {0}, exact REM_AUTO_VECTOR_HITS = {0};
    need(rem_graph_search_run(graph, &search, &walked, NULL, &err));
    search.exact = true;
    need(rem_graph_search_run(graph, &search, &exact, NULL, &err));
    for (size_t i = 0; i < 10; i++) {
      for (size_t j = 0; j < 10; j++)
        found += memcmp(walked.hits[i].id, exact.hits[j].id, 16) == 0;
    }
  }
  return (double)found / (10.0 * (double)count);
}

static double recall(size_t ef) {
  return recall_of(queries, QUERIES, ef);
}

static void report(const char *what, double delete_us, double insert_us) {
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  printf("%-14s recall at ef 50 %.4f, at 100 %.4f; %zu of %zu do not find themselves; %llu nodes, %.0f bytes a row; delete %.0f us, insert %.0f us\n",
         what, recall(50), recall(100), lost_rows(7), (rows + 6) / 7, (unsigned long long)stats.nodes,
         (double)stats.memory_bytes / (double)stats.rows, delete_us, insert_us);
  fflush(stdout);
}

static void churn(int number) {
  char name[32];
  double deleting = 0, inserting = 0;
  size_t batch = rows / 100 > 0 ? rows / 100 : 1;
  for (size_t begin = 0; begin < rows; begin += batch) {
    double begun = now();
    for (size_t i = begin; i < begin + batch && i < rows; i++) {
      uint8_t id[16];
      make_id(id, i * 7919 % rows);
      need(rem_graph_delete(graph, id, ++seq, &err));
    }
    need(rem_graph_purge(graph, seq, 0, &err));
    deleting += now() - begun;
    begun = now();
    for (size_t i = begin; i < begin + batch && i < rows; i++)
      insert(i * 7919 % rows, values + i * 7919 % rows * dimension);
    inserting += now() - begun;
  }
  snprintf(name, sizeof name, "churn %d", number);
  report(name, 1e6 * deleting / (double)rows, 1e6 * inserting / (double)rows);
}

static float noise(void) {
  float sum = 0;
  for (int i = 0; i < 4; i++)
    sum += (float)rand() / (float)RAND_MAX - 0.5f;
  return 1.73f * sum;
}

static void near_by(const float *centre, float relative, float *ret_near) {
  for (size_t i = 0; i < dimension; i++)
    ret_near[i] = centre[i] + relative / sqrtf((float)dimension) * noise();
}

/* Rows around one vector, `relative` of its length away; then all of them are asked for at once, and the nearest of others like them. */
static void clump(const char *what, size_t first_id, const float *centre, float relative) {
  float *near = malloc(ASKED * dimension * sizeof *near);
  double begun = now();
  for (size_t i = 0; i < CLUMP; i++) {
    near_by(centre, relative, near);
    insert(first_id + i, near);
  }
  double inserting = now() - begun;
  rem_graph_search search = {.query = centre, .k = CLUMP};
  rem_vector_hits hits REM_AUTO_VECTOR_HITS = {0};
  need(rem_graph_search_run(graph, &search, &hits, NULL, &err));
  size_t found = 0;
  for (size_t i = 0; i < hits.count; i++) {
    size_t row = 0;
    for (int j = 7; j >= 0; j--)
      row = row << 8 | hits.hits[i].id[j];
    found += row >= first_id || row == 11;
  }
  for (size_t i = 0; i < ASKED; i++)
    near_by(centre, relative, near + i * dimension);
  printf("%-14s %zu of the %d best are of the clump; recall within it %.4f at ef 50, %.4f at 100\n", what, found, CLUMP,
         relative > 0 ? recall_of(near, ASKED, 50) : 1, relative > 0 ? recall_of(near, ASKED, 100) : 1);
  report(what, 0, 1e6 * inserting / CLUMP);
  free(near);
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: bench_graph_churn vectors.f32 dimension queries.f32 rows [churns]\n");
    return 2;
  }
  dimension = (size_t)atol(argv[2]);
  rows = (size_t)atol(argv[4]);
  values = read_some(argv[1], rows);
  queries = read_some(argv[3], QUERIES);
  rem_graph_options options = {.dimension = dimension};
  need(rem_graph_new(&options, &graph, &err));
  for (size_t i = 0; i < rows; i++)
    insert(i, values + i * dimension);
  double begun = now();
  need(rem_graph_build(graph, NULL, NULL, NULL, &err));
  printf("%s, %s; %zu rows\n", rem_cpu_name(), rem_cpu_level(), rows);
  report("built", 0, 1e6 * (now() - begun) / (double)rows);
  for (int i = 1; i <= (argc > 5 ? atoi(argv[5]) : 10); i++)
    churn(i);
  clump("equal", rows, values + 11 * dimension, 0);
  clump("near by 0.01", rows + CLUMP, values + 500 * dimension, 0.01f);
  clump("near by 0.1", rows + 2 * CLUMP, values + 900 * dimension, 0.1f);
  clump("near by 0.2", rows + 3 * CLUMP, values + 1300 * dimension, 0.2f);
  clump("near by 0.3", rows + 4 * CLUMP, values + 1700 * dimension, 0.3f);
  rem_graph_free(graph);
  return 0;
}
