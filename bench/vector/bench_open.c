/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a graph file and answering the first query, with the file in the page cache.
 *
 * The rows are those of a file of float32 vectors, as often as needed, each copy but the first displaced a little, so that no two are equal.
 *
 *   bench_open ROWS.f32 DIMENSION COUNT GRAPH-FILE      makes GRAPH-FILE when it is not there, and measures
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "measure.h"
#include "rows.h"
#include "vector/graph_file.h"

#define ROUNDS 31

typedef struct source {
  rem_mapping rows;
  size_t dimension, row_count;
} source;

static void make_row(const source *from, size_t number, float *ret_vector) {
  const float *row = (const float *)from->rows.data + number % from->row_count * from->dimension;
  size_t copy = number / from->row_count;
  double length = 0;
  for (size_t i = 0; i < from->dimension; i++) {
    double noise = copy ? (double)(int32_t)rows_mix(number * from->dimension + i) / 2147483648.0 : 0;
    ret_vector[i] = (float)(row[i] + 0.02 * noise);
    length += (double)ret_vector[i] * ret_vector[i];
  }
  for (size_t i = 0; i < from->dimension; i++)
    ret_vector[i] = (float)(ret_vector[i] / sqrt(length));
}

static void make_file(const source *from, size_t count, const char *path) {
  rem_error err = {0};
  rem_graph *graph;
  rem_thread_pool *pool;
  rem_graph_options options = {.dimension = from->dimension};
  float *vector = malloc(from->dimension * sizeof *vector);
  if (!vector)
    measure_fail("no memory");
  measure_need(rem_thread_pool_new(0, &pool, &err), &err);
  measure_need(rem_graph_new(&options, &graph, &err), &err);
  measure_need(rem_graph_reserve(graph, count, &err), &err);
  for (size_t i = 0; i < count; i++) {
    uint8_t id[16] = {0};
    make_row(from, i, vector);
    rem_store_u64le(id, rows_mix(i + 1));
    rem_store_u64le(id + 8, i);
    measure_need(rem_graph_insert(graph, id, vector, 1, &err), &err);
  }
  measure_time start = measure_now(), spent = {0};
  measure_need(rem_graph_build(graph, pool, NULL, NULL, &err), &err);
  measure_since(start, &spent);
  measure_figure("build, CPU", (double)spent.cpu / 1e9, "s", NULL);
  measure_need(rem_graph_file_write(graph, path, NULL, 0, &err), &err);
  rem_graph_free(graph);
  rem_thread_pool_free(pool);
  free(vector);
}

static void open_and_ask(const char *path, const float *query, measure_time *spent) {
  rem_error err = {0};
  rem_graph *graph;
  rem_vector_hits hits = {0};
  rem_graph_search search = {.query = query, .k = 10};
  measure_time start = measure_now();
  measure_need(rem_graph_file_open(path, NULL, &graph, &err), &err);
  measure_need(rem_graph_search_run(graph, &search, &hits, NULL, &err), &err);
  measure_since(start, spent);
  rem_vector_hits_deinit(&hits);
  rem_graph_free(graph);
}

int main(int argc, char **argv) {
  rem_error err = {0};
  source from = {0};
  if (argc != 5) {
    fprintf(stderr, "usage: bench_open ROWS.f32 DIMENSION COUNT GRAPH-FILE\n");
    return 2;
  }
  measure_begin("open");
  measure_need(rem_mapping_open(argv[1], &from.rows, &err), &err);
  from.dimension = (size_t)atoi(argv[2]);
  from.row_count = from.rows.size / (from.dimension * sizeof(float));
  if (!rem_file_exists(argv[4]))
    make_file(&from, (size_t)atoll(argv[3]), argv[4]);
  measure_figure("file", (double)rem_file_tree_bytes(argv[4]) / 1e6, "MB", NULL);
  float *query = malloc(from.dimension * sizeof *query);
  double wall[ROUNDS], cpu[ROUNDS];
  if (!query)
    measure_fail("no memory");
  for (size_t i = 0; i < ROUNDS; i++) {
    measure_time spent = {0};
    make_row(&from, from.row_count * 9 + i * 977, query);
    open_and_ask(argv[4], query, &spent);
    wall[i] = (double)spent.wall / 1e6;
    cpu[i] = (double)spent.cpu / 1e6;
  }
  measure_figure("open + first answer", measure_median(wall, ROUNDS), "ms", "<= 10");
  measure_figure("open + first answer, CPU", measure_median(cpu, ROUNDS), "ms", NULL);
  free(query);
  rem_mapping_close(&from.rows);
  return 0;
}
