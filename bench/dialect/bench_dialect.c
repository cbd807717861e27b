/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect: what translating a statement costs, beside nothing. A statement that SQLite understands as it is should cost about a microsecond.
 *
 *   bench_dialect [rounds]
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dialect/dialect.h"
#include "measure.h"

static bool find_table(void *context, const char *name, rem_dialect_table *ret_table) {
  static const char *const tables[] = {"resources", "files", "moments"};
  (void)context;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    if (strcasecmp(tables[i], name) == 0) {
      *ret_table = (rem_dialect_table){.name = tables[i], .handle = tables[i], .embedded = true};
      return true;
    }
  return false;
}

static const char *table_name(void *context, size_t index) {
  (void)context;
  return index == 0 ? "resources" : NULL;
}

static const char *column_name(void *context, const rem_dialect_table *table, size_t index, bool *ret_hidden) {
  static const char *const columns[] = {"name", "uri", "category", "id"};
  (void)context;
  (void)table;
  *ret_hidden = false;
  return index < sizeof columns / sizeof *columns ? columns[index] : NULL;
}

static rem_dialect_type column_type(void *context, const rem_dialect_table *table, size_t index) {
  (void)context;
  (void)table;
  return index == 3 ? REM_DIALECT_UUID : REM_DIALECT_TEXT;
}

/* Nanoseconds of CPU a statement, the median of ten runs. */
static double cost_ns(rem_dialect *dialect, const char *text, size_t rounds) {
  static const rem_dialect_catalog catalog = {NULL, find_table, table_name, column_name, column_type};
  double samples[10];
  size_t size = strlen(text);
  for (size_t k = 0; k < 10; k++) {
    measure_time start = measure_now(), spent = {0};
    for (size_t i = 0; i < rounds; i++) {
      rem_dialect_statement statement;
      rem_error err;
      measure_need(rem_dialect_rewrite(dialect, text, size, &catalog, &statement, &err), &err);
    }
    measure_since(start, &spent);
    samples[k] = (double)spent.cpu / (double)rounds;
  }
  return measure_median(samples, 10);
}

int main(int argc, char **argv) {
  static const struct {
    const char *what, *text, *target;
  } statements[] = {
      {"by id", "SELECT id, name FROM resources WHERE id = ?", "<= 1000"},
      {"with a filter", "SELECT * FROM resources WHERE category = 'tutorial' AND uri LIKE '%python%' ORDER BY name LIMIT 10", "<= 1000"},
      {"a join", "SELECT r.name, f.name FROM resources r JOIN files f ON f.uri = r.uri WHERE f.name = ? GROUP BY 1, 2", "<= 1000"},
      {"with ANY", "SELECT * FROM moments WHERE 'sprint' = ANY(classifications)", NULL},
      {"a search", "SELECT * FROM resources WHERE embedding.cosine('Python programming') LIMIT 10", NULL},
      {"a search that is counted", "SELECT count(*) FROM resources WHERE embedding.cosine('x') AND category = 'a'", NULL},
  };
  size_t rounds = argc > 1 ? (size_t)atol(argv[1]) : 20000;
  rem_dialect *dialect;
  rem_error err;
  measure_begin("dialect");
  measure_need(rem_dialect_new(&dialect, &err), &err);
  for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
    measure_figure(statements[i].what, cost_ns(dialect, statements[i].text, rounds), "ns", statements[i].target);
  rem_dialect_free(dialect);
  return 0;
}
