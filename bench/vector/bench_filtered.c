/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches of a database through rem.h, with and without a filter on a field: CPU time a query and recall@10 beside the exact answer. For filtered.py, which asks other
 * databases the same.
 *
 *   bench_filtered DATABASE QUERIES.f32 DIMENSION [WHERE-JSON]
 *
 * Prints one line of JSON: {"ms", "cpu_ms", "recall", "rows"}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "measure.h"

#define LIMIT 10
#define MOST_QUERIES 1000

typedef struct answer {
  uint8_t ids[LIMIT][16];
  int count;
} answer;

static void ask(rem_db *db, rem_row *row, const float *query, size_t dimension, const char *where, bool exact, answer *ret_answer) {
  rem_error err = {0};
  rem_cursor *cursor;
  rem_read_options options;
  rem_read_options_init(&options);
  options.limit = LIMIT;
  options.where_json = where;
  options.exact = exact;
  measure_need(rem_search_vector(db, query, dimension, "resources", &options, &cursor, NULL, &err), &err);
  for (ret_answer->count = 0; ret_answer->count < LIMIT; ret_answer->count++) {
    rem_status status = rem_cursor_next(cursor, row, &err);
    measure_need(status, &err);
    if (status != REM_ROW)
      break;
    memcpy(ret_answer->ids[ret_answer->count], rem_row_id(row), 16);
  }
  rem_cursor_free(cursor);
}

static int count_common(const answer *a, const answer *b) {
  int common = 0;
  for (int i = 0; i < a->count; i++)
    for (int j = 0; j < b->count; j++)
      common += memcmp(a->ids[i], b->ids[j], 16) == 0;
  return common;
}

int main(int argc, char **argv) {
  rem_error err = {0};
  rem_mapping queries;
  rem_db *db;
  rem_row *row;
  rem_open_options options;
  static answer found[MOST_QUERIES];
  if (argc < 4 || argc > 5) {
    fprintf(stderr, "usage: bench_filtered DATABASE QUERIES.f32 DIMENSION [WHERE-JSON]\n");
    return 2;
  }
  const char *where = argc == 5 ? argv[4] : NULL;
  size_t dimension = (size_t)atoi(argv[3]);
  measure_need(rem_mapping_open(argv[2], &queries, &err), &err);
  size_t count = queries.size / (dimension * sizeof(float));
  if (count > MOST_QUERIES)
    count = MOST_QUERIES;
  rem_open_options_init(&options);
  measure_need(rem_open(argv[1], &options, &db, &err), &err);
  measure_need(rem_row_new(db, &row, &err), &err);
  const float *values = (const float *)queries.data;
  for (size_t i = 0; i < count / 10; i++) /* the file into the cache */
    ask(db, row, values + i * dimension, dimension, where, false, &found[i]);
  measure_time start = measure_now(), spent = {0};
  for (size_t i = 0; i < count; i++)
    ask(db, row, values + i * dimension, dimension, where, false, &found[i]);
  measure_since(start, &spent);
  int common = 0, wanted = 0;
  for (size_t i = 0; i < count; i += 20) {
    answer exact;
    ask(db, row, values + i * dimension, dimension, where, true, &exact);
    common += count_common(&found[i], &exact);
    wanted += exact.count;
  }
  printf("{\"ms\": %.4f, \"cpu_ms\": %.4f, \"recall\": %.4f, \"rows\": %d}\n", (double)spent.wall / 1e6 / (double)count,
         (double)spent.cpu / 1e6 / (double)count, wanted ? (double)common / wanted : 1, found[0].count);
  rem_row_free(row);
  measure_need(rem_close(db, &err), &err);
  rem_mapping_close(&queries);
  return 0;
}
