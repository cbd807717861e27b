/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filtered searches of a graph file: recall@10, mean CPU time and plans, for matches drawn at random, nearest to the query, around a far
 * vector, and farthest of all, over shares of all rows. Filters are prepared; the time of preparing is printed beside.
 *
 *   bench_graph_filter graph.rem queries.f32 [count]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "vector/graph_file.h"

#define K 10

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static void need(rem_status status, const rem_error *err) {
  if (status >= 0) return;
  fprintf(stderr, "bench_graph_filter: %s\n", err->message);
  exit(1);
}

static rem_error err;

static rem_vector_hits order_by(rem_graph *graph, const float *query) {
  rem_vector_hits hits = {0};
  rem_graph_search search = {.query = query, .k = 0, .exact = true};
  need(rem_graph_search_run(graph, &search, &hits, NULL, &err), &err);
  return hits;
}

static uint64_t random_state = 5;
static uint32_t random_below(uint32_t bound) {
  random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(((random_state >> 32) * bound) >> 32);
}

/* `count` ids of a kind: 0 random, 1 nearest, 2 around a far one (its own order), 3 farthest. */
static void choose(int kind, const rem_vector_hits *order, const rem_vector_hits *far, size_t count, uint8_t (*ret_ids)[16]) {
  for (size_t i = 0; i < count && kind != 0; i++) {
    const rem_vector_hit *hit = kind == 1 ? &order->hits[i] : kind == 2 ? &far->hits[i] : &order->hits[order->count - 1 - i];
    memcpy(ret_ids[i], hit->id, 16);
  }
  if (kind != 0) return;
  size_t left = count;
  for (size_t i = 0; i < order->count && left > 0; i++) {
    if (random_below((uint32_t)(order->count - i)) < left) memcpy(ret_ids[--left], order->hits[i].id, 16);
  }
}

static int by_bytes(const void *a, const void *b) {
  return memcmp(a, b, 16);
}

typedef struct tally {
  size_t found, wanted, short_ones, plans[8];
  double search_us, prepare_us;
} tally;

static void run_one(rem_graph *graph, const float *query, const rem_vector_hits *order, uint8_t (*ids)[16], size_t count, tally *t) {
  rem_graph_filter *filter;
  double begun = now();
  need(rem_graph_filter_new(graph, (const uint8_t(*)[16])ids, count, 0, &filter, &err), &err);
  t->prepare_us += now() - begun;
  double best = 1e12;
  rem_vector_hits hits = {0};
  rem_graph_report report;
  for (int i = 0; i < 2; i++) {
    rem_graph_search search = {.query = query, .k = K, .filter = filter};
    rem_vector_hits_deinit(&hits);
    begun = now();
    need(rem_graph_search_run(graph, &search, &hits, &report, &err), &err);
    double spent = now() - begun;
    best = spent < best ? spent : best;
  }
  t->search_us += best;
  t->plans[report.plan]++;
  t->short_ones += hits.count < (count < K ? count : K);
  qsort(ids, count, 16, by_bytes);
  size_t wanted = 0;
  for (size_t i = 0; i < order->count && wanted < K; i++) {
    if (bsearch(order->hits[i].id, ids, count, 16, by_bytes) == NULL) continue;
    wanted++;
    for (size_t j = 0; j < hits.count; j++)
      t->found += memcmp(hits.hits[j].id, order->hits[i].id, 16) == 0;
  }
  t->wanted += wanted;
  rem_vector_hits_deinit(&hits);
  rem_graph_filter_free(filter);
}

int main(int argc, char **argv) {
  static const char *const kinds[] = {"random", "near", "far cluster", "farthest"};
  static const double shares[] = {1, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001, 0.0001};
  if (argc < 3) {
    fprintf(stderr, "usage: bench_graph_filter graph.rem queries.f32 [count]\n");
    return 2;
  }
  size_t queries = argc > 3 ? (size_t)atol(argv[3]) : 40;
  rem_graph *graph;
  need(rem_graph_file_load(argv[1], NULL, &graph, &err), &err);
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  FILE *file = fopen(argv[2], "rb");
  float *values = malloc(queries * stats.dimension * sizeof *values);
  if (file == NULL || fread(values, sizeof *values * stats.dimension, queries, file) != queries) return 1;
  uint8_t(*ids)[16] = malloc(stats.rows * 16);
  static tally tallies[4][8];
  double plain = 0;
  for (size_t q = 0; q < queries; q++) {
    const float *query = values + q * stats.dimension;
    rem_vector_hits order = order_by(graph, query);
    /* The far vector is the next query: glosses of unrelated words. */
    rem_vector_hits far = order_by(graph, values + (q + 1) % queries * stats.dimension);
    double best = 1e12;
    for (int i = 0; i < 3; i++) {
      rem_graph_search search = {.query = query, .k = K};
      rem_vector_hits hits = {0};
      double begun = now();
      need(rem_graph_search_run(graph, &search, &hits, NULL, &err), &err);
      double spent = now() - begun;
      best = spent < best ? spent : best;
      rem_vector_hits_deinit(&hits);
    }
    plain += best;
    for (int kind = 0; kind < 4; kind++) {
      for (size_t s = 0; s < 8; s++) {
        size_t count = (size_t)(shares[s] * (double)stats.rows);
        choose(kind, &order, &far, count > 0 ? count : 1, ids);
        run_one(graph, query, &order, ids, count > 0 ? count : 1, &tallies[kind][s]);
      }
    }
    rem_vector_hits_deinit(&order);
    rem_vector_hits_deinit(&far);
  }
  printf("%s, %s; %llu rows, %zu queries; unfiltered %.1f us\n", rem_cpu_name(), rem_cpu_level(), (unsigned long long)stats.rows, queries,
         plain / (double)queries);
  printf("matches      share     recall  short  us       prepare us  walk keep hop codes exact\n");
  for (int kind = 0; kind < 4; kind++) {
    for (size_t s = 0; s < 8; s++) {
      const tally *t = &tallies[kind][s];
      printf("%-12s %7.2f %%  %.4f  %5zu  %7.1f  %9.1f   %zu %zu %zu %zu %zu\n", kinds[kind], 100 * shares[s],
             t->wanted > 0 ? (double)t->found / (double)t->wanted : 1, t->short_ones, t->search_us / (double)queries,
             t->prepare_us / (double)queries, t->plans[0], t->plans[1], t->plans[2], t->plans[3], t->plans[4]);
    }
  }
  rem_graph_free(graph);
  return 0;
}
