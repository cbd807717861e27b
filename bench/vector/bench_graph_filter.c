/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filtered searches of a graph file: recall@10, mean CPU time and plans, for matches drawn at random, nearest to the query, around a far
 * vector, and farthest of all, over shares of all rows. Filters are prepared; the time of preparing is printed beside.
 *
 * The yardstick is the larger of two: the same search without a filter, and a scan of the matches' codes that does nothing but keep the ten smallest
 * keys. Both are measured beside each search; of each, and of ours, the best of
 * five passes in a row counts. `cold`: one pass of each, with nothing of the graph in the CPU's caches.
 *
 *   bench_graph_filter graph.rem queries.f32 [count [mapped|memory [cold]]]       `mapped`: the file is searched where it is
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "vector/graph_file.h"
#include "vector/graph_internal.h"

#define K 10
#define PASSES 5
#define SWEPT (64 << 20) /* bytes read to empty the caches */
#define ALLOWED 2.2 /* times the yardstick */

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
  double search_us, plain_us, scan_us, prepare_us, scored;
} tally;

/* Keys of all matches, and the ten smallest of them: what no scan can do without. */
static uint32_t scan_only(const rem_graph_run *run, uint32_t *keys) {
  const rem_graph *g = run->g;
  uint32_t best[K + 1];
  size_t have = 0;
  g->kernel->keys[g->codec.bits == 8](run->scratch->query, g->codec.lines, (const uint8_t *)g->records.data + 4 * g->link_count, g->stride,
                                      run->match.nodes, run->match.node_count, keys);
  for (size_t i = 0; i < run->match.node_count; i++) {
    if (have == K && keys[i] >= best[K - 1]) continue;
    size_t at = have < K ? have++ : K - 1;
    for (; at > 0 && best[at - 1] > keys[i]; at--)
      best[at] = best[at - 1];
    best[at] = keys[i];
  }
  return have > 0 ? best[have - 1] : 0;
}

static uint8_t *swept; /* NULL: caches stay warm */

static void sweep(void) {
  for (size_t i = 0; swept != NULL && i < SWEPT; i += 64)
    swept[i]++;
}

static double search_once(rem_graph *graph, const rem_graph_search *search, rem_vector_hits *hits, rem_graph_report *report) {
  rem_vector_hits_deinit(hits);
  sweep();
  double begun = now();
  need(rem_graph_search_run(graph, search, hits, report, &err), &err);
  return now() - begun;
}

static double scan_once(const rem_graph_run *run, uint32_t *keys) {
  sweep();
  double begun = now();
  uint32_t worst = scan_only(run, keys);
  double spent = now() - begun;
  if (worst == UINT32_MAX) printf("no match\n"); /* so that the scan is made */
  return spent;
}

static double least(double a, double b) {
  return a < b ? a : b;
}

static void measure(rem_graph *graph, const float *query, const rem_graph_filter *filter, rem_vector_hits *hits, rem_graph_report *report, tally *t) {
  rem_graph_search plain = {.query = query, .k = K}, filtered = {.query = query, .k = K, .filter = filter};
  rem_graph_run run = {.g = graph, .search = &filtered};
  rem_vector_hits others = {0};
  int passes = swept != NULL ? 1 : PASSES;
  double ours = 1e12, unfiltered = 1e12, scan = 1e12;
  need(rem_graph__match_init(graph, &filtered, atomic_load(&graph->sequence), &run.match, &err), &err);
  need(rem_graph__scratch_take(graph, 64, &run.scratch, &err), &err);
  run.query.values = run.scratch->query;
  rem_graph_direction(query, graph->options.dimension, run.scratch->direction);
  rem_graph_codec_query(&graph->codec, run.scratch->direction, &run.query);
  uint32_t *keys = malloc((run.match.node_count + 4) * sizeof *keys);
  /* Not in turns: what comes after a scan finds nothing in the cache. */
  for (int i = 0; i < passes; i++)
    ours = least(ours, search_once(graph, &filtered, hits, report));
  for (int i = 0; i < passes; i++)
    scan = least(scan, scan_once(&run, keys));
  for (int i = 0; i < passes; i++)
    unfiltered = least(unfiltered, search_once(graph, &plain, &others, NULL));
  t->search_us += ours;
  t->plain_us += unfiltered;
  t->scan_us += scan;
  t->scored += (double)report->scored;
  free(keys);
  rem_vector_hits_deinit(&others);
  rem_graph__match_deinit(&run.match);
  rem_graph__scratch_give(graph, run.scratch);
}

static void run_one(rem_graph *graph, const float *query, const rem_vector_hits *order, uint8_t (*ids)[16], size_t count, tally *t) {
  rem_graph_filter *filter;
  double begun = now();
  need(rem_graph_filter_new(graph, (const uint8_t(*)[16])ids, count, 0, &filter, &err), &err);
  t->prepare_us += now() - begun;
  rem_vector_hits hits = {0};
  rem_graph_report report;
  measure(graph, query, filter, &hits, &report, t);
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

#define KINDS  4
#define SHARES 9

static void show(size_t queries, tally tallies[KINDS][SHARES], const double *shares) {
  static const char *const kinds[KINDS] = {"random", "near", "far cluster", "farthest"};
  int outside = 0;
  printf("matches      share     recall  short       us  unfiltered     scan  ratio  within %.1f   scored  prepare us  walk keep hop codes exact\n", ALLOWED);
  for (int kind = 0; kind < KINDS; kind++) {
    for (size_t s = 0; s < SHARES; s++) {
      const tally *t = &tallies[kind][s];
      double n = (double)queries, yardstick = t->plain_us > t->scan_us ? t->plain_us : t->scan_us, ratio = t->search_us / yardstick;
      double recall = t->wanted > 0 ? (double)t->found / (double)t->wanted : 1;
      bool good = ratio <= ALLOWED && recall >= 0.95 && t->short_ones == 0;
      outside += !good;
      printf("%-12s %6.2f %%  %.4f  %5zu  %7.1f     %7.1f  %7.1f  %5.2f  %-10s  %7.0f  %10.1f  %zu %zu %zu %zu %zu\n", kinds[kind], 100 * shares[s], recall,
             t->short_ones, t->search_us / n, t->plain_us / n, t->scan_us / n, ratio, good ? "yes" : "NO", t->scored / n, t->prepare_us / n, t->plans[0],
             t->plans[1], t->plans[2], t->plans[3], t->plans[4]);
    }
  }
  printf("%d of %d cases outside\n", outside, KINDS * SHARES);
}

int main(int argc, char **argv) {
  static const double shares[SHARES] = {1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001, 0.0001};
  if (argc < 3) {
    fprintf(stderr, "usage: bench_graph_filter graph.rem queries.f32 [count [mapped|memory [cold]]]\n");
    return 2;
  }
  size_t queries = argc > 3 ? (size_t)atol(argv[3]) : 200;
  bool mapped = argc > 4 && strcmp(argv[4], "mapped") == 0;
  if (argc > 5 && strcmp(argv[5], "cold") == 0) swept = calloc(SWEPT, 1);
  rem_graph *graph;
  need(mapped ? rem_graph_file_open(argv[1], NULL, &graph, &err) : rem_graph_file_load(argv[1], NULL, &graph, &err), &err);
  rem_graph_stats stats;
  rem_graph_stats_get(graph, &stats);
  FILE *file = fopen(argv[2], "rb");
  float *values = malloc(queries * stats.dimension * sizeof *values);
  if (file == NULL || fread(values, sizeof *values * stats.dimension, queries, file) != queries) return 1;
  uint8_t(*ids)[16] = malloc(stats.rows * 16);
  static tally tallies[KINDS][SHARES];
  for (size_t q = 0; q < queries; q++) {
    const float *query = values + q * stats.dimension;
    rem_vector_hits order = order_by(graph, query);
    /* The far vector is the next query: glosses of unrelated words. */
    rem_vector_hits far = order_by(graph, values + (q + 1) % queries * stats.dimension);
    for (int kind = 0; kind < KINDS; kind++) {
      for (size_t s = 0; s < SHARES; s++) {
        size_t count = (size_t)(shares[s] * (double)stats.rows);
        choose(kind, &order, &far, count > 0 ? count : 1, ids);
        run_one(graph, query, &order, ids, count > 0 ? count : 1, &tallies[kind][s]);
      }
    }
    rem_vector_hits_deinit(&order);
    rem_vector_hits_deinit(&far);
  }
  printf("%s, %s, kernel %s, %s, %s; %llu rows, %zu queries, code error %.5f\n", rem_cpu_name(), rem_cpu_level(), graph->kernel->name, mapped ? "mapped" : "in memory", swept != NULL ? "cold" : "warm",
         (unsigned long long)stats.rows, queries, stats.code_error);
  show(queries, tallies, shares);
  rem_graph_free(graph);
  return 0;
}
