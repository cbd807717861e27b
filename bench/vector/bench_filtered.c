/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches of a database through rem.h, with and without a filter on a field: CPU time a query and recall@10 beside the exact answer. For filtered.py, which asks other
 * databases the same.
 *
 *   bench_filtered DATABASE QUERIES.f32 DIMENSION api|sql [FIELD VALUE [fresh]]
 *
 * api: rem_search_vector() and the rows' ids; sql: a prepared statement, SELECT id FROM resources WHERE embedding.cosine(?1) AND FIELD = ?2 LIMIT 10. `fresh`: the rows of
 * VALUE are found anew for each query, where else the first query's are remembered: before each the database is written to, which is not in the time.
 *
 * Prints one line of JSON: {"ms", "cpu_ms", "recall", "rows"}.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "measure.h"

#define LIMIT 10
#define MOST_QUERIES 1000

typedef struct answer {
  char texts[LIMIT][40]; /* ids */
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
    rem_id_format(rem_row_id(row), ret_answer->texts[ret_answer->count]);
  }
  rem_cursor_free(cursor);
}

typedef struct asker {
  rem_db *db;
  rem_row *row;
  rem_session *session;
  rem_statement *statement; /* NULL: through rem_search_vector() */
  const char *where, *value; /* NULL: no filter */
  size_t dimension;
  bool fresh;
} asker;

static rem_statement *prepare(rem_session *session, const char *field) {
  char text[256];
  rem_error err = {0};
  rem_statement *statement;
  int size = snprintf(text, sizeof text, "SELECT id FROM resources WHERE embedding.cosine(?1)%s%s%s LIMIT 10", field ? " AND " : "", field ? field : "",
                      field ? " = ?2" : "");
  measure_need(rem_session_prepare(session, text, (size_t)size, &statement, NULL, &err), &err);
  return statement;
}

static void ask_sql(const asker *a, const float *query, answer *ret_answer) {
  rem_error err = {0};
  rem_value vector = {.type = REM_TYPE_BLOB, .text = (const char *)query, .text_size = a->dimension * sizeof *query};
  measure_need(rem_statement_bind(a->statement, 1, &vector, &err), &err);
  if (a->value) {
    rem_value value = {.type = REM_TYPE_TEXT, .text = a->value, .text_size = strlen(a->value)};
    measure_need(rem_statement_bind(a->statement, 2, &value, &err), &err);
  }
  for (ret_answer->count = 0; ret_answer->count < LIMIT; ret_answer->count++) {
    rem_status status = rem_statement_step(a->statement, &err);
    measure_need(status, &err);
    if (status != REM_ROW)
      break;
    rem_value id = rem_statement_value(a->statement, 0);
    rem_id_format(id.uuid, ret_answer->texts[ret_answer->count]);
  }
  rem_statement_reset(a->statement);
}

/* Any write to the table makes what was found before the past. */
static void touch(const asker *a, size_t number) {
  char json[160];
  rem_error err = {0};
  int size = snprintf(json, sizeof json, "{\"uri\":\"file:///touched\",\"name\":\"%zu\",\"category\":\"none\",\"content\":\"Touched.\"}", number);
  measure_need(rem_put(a->db, "resources", json, (size_t)size, NULL, &err), &err);
}

static void ask_any(const asker *a, const float *query, bool exact, answer *ret_answer) {
  if (a->statement && !exact)
    ask_sql(a, query, ret_answer);
  else
    ask(a->db, a->row, query, a->dimension, a->where, exact, ret_answer);
}

static int count_common(const answer *a, const answer *b) {
  int common = 0;
  for (int i = 0; i < a->count; i++)
    for (int j = 0; j < b->count; j++)
      common += strcmp(a->texts[i], b->texts[j]) == 0;
  return common;
}

static void open_asker(asker *a, char **argv, int argc) {
  static char where[256];
  rem_error err = {0};
  rem_open_options options;
  rem_session_options session;
  rem_open_options_init(&options);
  rem_session_options_init(&session);
  a->fresh = argc > 7;
  options.mode = a->fresh ? REM_WRITE : REM_READ;
  measure_need(rem_open(argv[1], &options, &a->db, &err), &err);
  measure_need(rem_row_new(a->db, &a->row, &err), &err);
  a->dimension = (size_t)atoi(argv[3]);
  if (argc > 6) {
    snprintf(where, sizeof where, "{\"%s\":\"%s\"}", argv[5], argv[6]);
    a->where = where;
    a->value = argv[6];
  }
  if (strcmp(argv[4], "sql") != 0)
    return;
  measure_need(rem_session_open(a->db, &session, &a->session, &err), &err);
  a->statement = prepare(a->session, argc > 6 ? argv[5] : NULL);
}

static void close_asker(asker *a) {
  rem_error err = {0};
  rem_statement_free(a->statement);
  rem_session_close(a->session);
  rem_row_free(a->row);
  measure_need(rem_close(a->db, &err), &err);
}

int main(int argc, char **argv) {
  rem_error err = {0};
  rem_mapping queries;
  asker a = {0};
  static answer found[MOST_QUERIES];
  if (argc < 5 || argc > 8 || argc == 6) {
    fprintf(stderr, "usage: bench_filtered DATABASE QUERIES.f32 DIMENSION api|sql [FIELD VALUE [fresh]]\n");
    return 2;
  }
  measure_need(rem_mapping_open(argv[2], &queries, &err), &err);
  open_asker(&a, argv, argc);
  size_t count = queries.size / (a.dimension * sizeof(float));
  if (count > MOST_QUERIES)
    count = MOST_QUERIES;
  const float *values = (const float *)queries.data;
  for (size_t i = 0; i < count / 10; i++) /* the file into the cache */
    ask_any(&a, values + i * a.dimension, false, &found[i]);
  measure_time spent = {0};
  for (size_t i = 0; i < count; i++) {
    if (a.fresh)
      touch(&a, i);
    measure_time start = measure_now();
    ask_any(&a, values + i * a.dimension, false, &found[i]);
    measure_since(start, &spent);
  }
  int common = 0, wanted = 0;
  for (size_t i = 0; i < count; i += 20) {
    answer exact;
    ask_any(&a, values + i * a.dimension, true, &exact);
    common += count_common(&found[i], &exact);
    wanted += exact.count;
  }
  printf("{\"ms\": %.4f, \"cpu_ms\": %.4f, \"recall\": %.4f, \"rows\": %d}\n", (double)spent.wall / 1e6 / (double)count,
         (double)spent.cpu / 1e6 / (double)count, wanted ? (double)common / wanted : 1, found[0].count);
  close_asker(&a);
  rem_mapping_close(&queries);
  return 0;
}
