/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the real data set of the vector benchmarks: the glosses of WordNet (Debian's package wordnet-base, about 117,000 short
 * English texts), embedded by the library's own encoder.
 *
 * Two times 1,000 texts are held out as queries, one set to tune with and one to report on; a held-out text occurs nowhere else in the data.
 * For each query the 100 nearest rows are found exactly.
 *
 *   glosses.f32                   float32 rows, one per line of glosses.txt
 *   glosses.txt                   the texts of the rows
 *   glosses.tune.f32, .report.f32 the queries
 *   glosses.tune.txt, .report.txt their texts
 *   glosses.tune.i32, .report.i32 100 row numbers (int32) a query, best first, equal ones by number
 *
 * usage: bench_make_glosses DICTIONARY-FOLDER OUTPUT-FOLDER      (usually /usr/share/wordnet)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/hash_map.h"
#include "config/config.h"
#include "embed/embedder.h"
#include "measure.h"
#include "rows.h"
#include "vector/kernel.h"

enum {
  HELD_OUT = 1000,   /* texts in each set of queries */
  NEIGHBOURS = 100,
  EMBED_BATCH = 2048,
  SCAN_ROWS = 256,   /* rows compared with all queries while they are in the cache */
  SCAN_QUERIES = 50, /* queries of one task */
};

typedef struct texts {
  rem_slice *items;
  size_t count, capacity;
} texts;

static void add_text(texts *list, rem_slice text) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 1 << 16;
    list->items = realloc(list->items, list->capacity * sizeof *list->items);
    if (!list->items) measure_fail("no memory for the texts");
  }
  list->items[list->count++] = text;
}

/* A synset is a line "offset … | gloss  "; lines of the licence begin with a space. */
static void read_glosses(const char *folder, const char *part, texts *list) {
  char path[1024];
  snprintf(path, sizeof path, "%s/data.%s", folder, part);
  FILE *file = fopen(path, "r");
  if (!file) measure_fail("the dictionary is not there; install Debian's wordnet-base");
  char *line = NULL;
  size_t capacity = 0;
  ssize_t size;
  while ((size = getline(&line, &capacity, file)) > 0) {
    char *gloss = line[0] == ' ' ? NULL : strstr(line, "| ");
    if (!gloss) continue;
    gloss += 2;
    char *end = line + size;
    while (end > gloss && (end[-1] == ' ' || end[-1] == '\n')) end--;
    char *copy = strndup(gloss, (size_t)(end - gloss));
    if (!copy) measure_fail("no memory for a text");
    add_text(list, rem_slice_text(copy));
  }
  free(line);
  fclose(file);
}

typedef struct ranked {
  uint64_t rank;
  size_t index;
} ranked;

static int compare_ranked(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Cuts the two sets of queries out of `all`: in a well-mixed order that is always the same, among texts that occur once. */
static void hold_out(texts *all, texts queries[2]) {
  rem_hash_map seen = {0};
  rem_error err = {0};
  ranked *order = calloc(all->count, sizeof *order);
  bool *taken = calloc(all->count, 1);
  if (!order || !taken) measure_fail("no memory to choose the queries");
  for (size_t i = 0; i < all->count; i++) {
    order[i] = (ranked){rows_mix(i + 1), i};
    uintptr_t times = (uintptr_t)rem_hash_map_get(&seen, all->items[i]);
    measure_need(rem_hash_map_put(&seen, all->items[i], (void *)(times + 1), NULL, &err), &err);
  }
  qsort(order, all->count, sizeof *order, compare_ranked);
  for (size_t i = 0; i < all->count && queries[1].count < HELD_OUT; i++) {
    size_t index = order[i].index;
    if ((uintptr_t)rem_hash_map_get(&seen, all->items[index]) != 1) continue;
    taken[index] = true;
    add_text(&queries[queries[0].count < HELD_OUT ? 0 : 1], all->items[index]);
  }
  size_t kept = 0;
  for (size_t i = 0; i < all->count; i++)
    if (!taken[i]) all->items[kept++] = all->items[i];
  all->count = kept;
  rem_hash_map_deinit(&seen);
  free(order);
  free(taken);
}

static FILE *create(const char *folder, const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  if (!file) measure_fail("the output folder cannot be written to");
  return file;
}

static void finish(FILE *file) {
  if (ferror(file) || fclose(file) != 0) measure_fail("writing failed");
}

static float *embed(rem_embedder *embedder, const texts *list, const char *what) {
  rem_error err = {0};
  size_t dimension = rem_embedder_info(embedder)->dimension;
  float *vectors = malloc(list->count * dimension * sizeof *vectors);
  if (!vectors) measure_fail("no memory for the vectors");
  for (size_t first = 0; first < list->count; first += EMBED_BATCH) {
    size_t count = list->count - first < EMBED_BATCH ? list->count - first : EMBED_BATCH;
    rem_embed_request request = {.role = REM_PASSAGE, .texts = list->items + first, .count = count};
    rem_embed_result result = {.vectors = vectors + first * dimension};
    measure_need(rem_embedder_embed(embedder, &request, &result, &err), &err);
    fprintf(stderr, "%s: %zu of %zu embedded\n", what, first + count, list->count);
  }
  return vectors;
}

static void save(const char *folder, const char *stem, const texts *list, const float *vectors, size_t dimension) {
  char name[64];
  snprintf(name, sizeof name, "%s.txt", stem);
  FILE *file = create(folder, name);
  for (size_t i = 0; i < list->count; i++) fprintf(file, "%.*s\n", (int)list->items[i].size, (const char *)list->items[i].data);
  finish(file);
  snprintf(name, sizeof name, "%s.f32", stem);
  file = create(folder, name);
  fwrite(vectors, sizeof *vectors * dimension, list->count, file);
  finish(file);
}

/* ------------------------------------------------------------------------------------------- */
/* The truth                                                                                    */

typedef struct nearest {
  float score[NEIGHBOURS];
  int32_t row[NEIGHBOURS]; /* best first */
  int count;
} nearest;

typedef struct truth {
  const float *rows, *queries;
  size_t row_count, dimension;
  nearest *found; /* one a query */
} truth;

static void offer(nearest *best, int32_t row, float score) {
  if (best->count == NEIGHBOURS && score <= best->score[NEIGHBOURS - 1]) return;
  int place = best->count < NEIGHBOURS ? best->count++ : NEIGHBOURS - 1;
  for (; place > 0 && best->score[place - 1] < score; place--) {
    best->score[place] = best->score[place - 1];
    best->row[place] = best->row[place - 1];
  }
  best->score[place] = score;
  best->row[place] = row;
}

static void scan_some(void *context, size_t index, size_t worker) {
  (void)worker;
  truth *t = context;
  const rem_kernel *kernel = rem_kernel_get();
  for (size_t first = 0; first < t->row_count; first += SCAN_ROWS)
    for (size_t q = index * SCAN_QUERIES; q < (index + 1) * SCAN_QUERIES; q++)
      for (size_t row = first; row < t->row_count && row < first + SCAN_ROWS; row++)
        offer(&t->found[q], (int32_t)row, kernel->dot(t->queries + q * t->dimension, t->rows + row * t->dimension, t->dimension));
}

static void save_truth(const char *folder, const char *stem, rem_thread_pool *pool, const texts *list, const float *rows,
                       size_t row_count, const float *queries, size_t dimension) {
  truth t = {.rows = rows, .queries = queries, .row_count = row_count, .dimension = dimension};
  t.found = calloc(list->count, sizeof *t.found);
  if (!t.found) measure_fail("no memory for the neighbours");
  rem_thread_pool_for(pool, list->count / SCAN_QUERIES, scan_some, &t);
  char name[64];
  snprintf(name, sizeof name, "%s.i32", stem);
  FILE *file = create(folder, name);
  for (size_t q = 0; q < list->count; q++) fwrite(t.found[q].row, sizeof t.found[q].row, 1, file);
  finish(file);
  free(t.found);
}

/* ------------------------------------------------------------------------------------------- */

int main(int argc, char **argv) {
  static const char *const parts[] = {"noun", "verb", "adj", "adv"};
  static const char *const stems[] = {"glosses.tune", "glosses.report"};
  if (argc != 3) {
    fprintf(stderr, "usage: bench_make_glosses DICTIONARY-FOLDER OUTPUT-FOLDER\n");
    return 2;
  }
  rem_error err = {0};
  rem_config *config = NULL;
  rem_thread_pool *pool = NULL;
  rem_embedder *embedder = NULL;
  measure_need(rem_config_load(&config, &err), &err);
  measure_need(rem_thread_pool_new(0, &pool, &err), &err);
  measure_need(rem_embedder_open(config, pool, NULL, &embedder, &err), &err);
  size_t dimension = rem_embedder_info(embedder)->dimension;

  texts all = {0}, queries[2] = {{0}, {0}};
  for (size_t i = 0; i < 4; i++) read_glosses(argv[1], parts[i], &all);
  hold_out(&all, queries);
  float *rows = embed(embedder, &all, "glosses");
  save(argv[2], "glosses", &all, rows, dimension);
  for (size_t set = 0; set < 2; set++) {
    float *vectors = embed(embedder, &queries[set], stems[set]);
    save(argv[2], stems[set], &queries[set], vectors, dimension);
    save_truth(argv[2], stems[set], pool, &queries[set], rows, all.count, vectors, dimension);
    free(vectors);
  }
  printf("%zu rows, 2 x %zu queries, %zu dimensions\n", all.count, queries[0].count, dimension);
  free(rows);
  rem_embedder_close(embedder);
  rem_thread_pool_free(pool);
  rem_config_free(config);
  return 0;
}
