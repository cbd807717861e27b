/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL beside SQLite's own tables and beside loops written by hand over RocksDB, on the same rows: CPU time, in turns.
 *
 *   bench_query [rows] [rounds] [part of a question's name]
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "entity/engine.h"
#include "measure.h"
#include "place.h"
#include "query/loops.h"
#include "query/products.h"
#include "rows.h"

typedef struct world {
  uint64_t rows;
  size_t rounds;
  rem_db *db;
  rem_session *session;
  sqlite3 *sqlite;
} world;

/* One question: its text, how often a sample asks it, and what is bound. */
typedef struct question {
  const char *name, *sql;
  int times;
  enum { BIND_NOTHING, BIND_OWNER, BIND_ID } bind;
  const char *native_target, *loop_target; /* NULL: not compared */
} question;

static const char *bound_text(const world *w, const question *q, uint64_t seed, char text[40]) {
  char code[40];
  if (q->bind == BIND_OWNER)
    products_owner(rows_mix(seed) % w->rows, w->rows, text);
  else {
    products_code(rows_mix(seed) % w->rows, code);
    products_id(code, text);
  }
  return text;
}

static double ask_rem(const world *w, const question *q, uint64_t seed, int64_t *ret_sum) {
  rem_error err = {0};
  rem_statement *statement;
  char text[40];
  measure_need(rem_session_prepare(w->session, q->sql, strlen(q->sql), &statement, NULL, &err), &err);
  measure_time start = measure_now(), sum = {0};
  *ret_sum = 0;
  for (int i = 0; i < q->times; i++) {
    rem_status status;
    if (q->bind != BIND_NOTHING) {
      bound_text(w, q, seed + (uint64_t)i, text);
      const rem_value value = {.type = REM_TYPE_TEXT, .text = text, .text_size = strlen(text)};
      measure_need(rem_statement_bind(statement, 1, &value, &err), &err);
    }
    while ((status = rem_statement_step(statement, &err)) == REM_ROW) {
      rem_value value = rem_statement_value(statement, rem_statement_column_count(statement) - 1);
      *ret_sum += value.type == REM_TYPE_REAL ? (int64_t)value.real : value.integer;
    }
    measure_need(status, &err);
  }
  measure_since(start, &sum);
  rem_statement_free(statement);
  return (double)sum.cpu / q->times;
}

static double ask_sqlite(const world *w, const question *q, uint64_t seed, int64_t *ret_sum) {
  sqlite3_stmt *statement;
  char text[40];
  if (sqlite3_prepare_v2(w->sqlite, q->sql, -1, &statement, NULL) != SQLITE_OK)
    measure_fail(sqlite3_errmsg(w->sqlite));
  measure_time start = measure_now(), sum = {0};
  *ret_sum = 0;
  for (int i = 0; i < q->times; i++) {
    if (q->bind != BIND_NOTHING)
      sqlite3_bind_text(statement, 1, bound_text(w, q, seed + (uint64_t)i, text), -1, SQLITE_TRANSIENT);
    while (sqlite3_step(statement) == SQLITE_ROW)
      *ret_sum += sqlite3_column_int64(statement, sqlite3_column_count(statement) - 1);
    sqlite3_reset(statement);
  }
  measure_since(start, &sum);
  sqlite3_finalize(statement);
  return (double)sum.cpu / q->times;
}

static double ask_loop(const world *w, const question *q, uint64_t seed, int64_t *ret_sum) {
  char text[40];
  uint8_t id[16];
  measure_time start = measure_now(), sum = {0};
  *ret_sum = 0;
  for (int i = 0; i < q->times; i++) {
    if (q->bind != BIND_NOTHING)
      bound_text(w, q, seed + (uint64_t)i, text);
    if (q->bind == BIND_NOTHING)
      *ret_sum += loop_scan(w->db, 900);
    else if (q->bind == BIND_OWNER)
      *ret_sum += loop_owner(w->db, text);
    else {
      rem_uuid_parse(text, 36, id);
      *ret_sum += loop_id(w->db, id);
    }
  }
  measure_since(start, &sum);
  return (double)sum.cpu / q->times;
}

/* The loop is timed with values of its own: those that we have just asked for would be in the cache of blocks, which it shares with us. */
#define OF_THE_LOOP 500000

static void compare(const world *w, const question *q) {
  static measure_pair native, loop;
  char what[128];
  native.count = loop.count = 0;
  for (size_t round = 0; round <= w->rounds; round++) {
    int64_t ours, theirs, hand = 0;
    double a = ask_rem(w, q, round * 1000, &ours), b = ask_sqlite(w, q, round * 1000, &theirs);
    double c = q->loop_target ? ask_loop(w, q, round * 1000 + OF_THE_LOOP, &hand) : 0;
    if (q->loop_target && q->bind != BIND_NOTHING)
      (void)ask_loop(w, q, round * 1000, &hand);
    if (ours != theirs || (q->loop_target && hand != ours))
      measure_fail("the answers differ");
    if (round == 0)
      continue; /* warming up */
    measure_add(&native, a, b);
    if (q->loop_target)
      measure_add(&loop, a, c);
  }
  snprintf(what, sizeof what, "%s", q->name);
  measure_figure(what, measure_ours(&native) / 1000, "us", NULL);
  snprintf(what, sizeof what, "%s, of SQLite", q->name);
  measure_figure(what, measure_ratio(&native), "x", q->native_target);
  if (!q->loop_target)
    return;
  snprintf(what, sizeof what, "%s, of the loop", q->name);
  measure_figure(what, measure_ratio(&loop), "x", q->loop_target);
}

#define IN_KEYS 1000

/* The code number `i` of those that one side asks for in a round: spread over the table, each side its own, so that neither finds blocks that the other has just read. */
static void code_asked(const world *w, size_t round, uint64_t side, uint64_t i, char ret_code[40]) {
  uint64_t apart = w->rows / IN_KEYS ? w->rows / IN_KEYS : 1;
  products_code((rows_mix(round * 7919 + side) + i * apart) % w->rows, ret_code);
}

static double ask_in(const world *w, size_t round, int64_t *ret_sum) {
  static char text[64000];
  rem_error err = {0};
  rem_statement *statement;
  size_t size = (size_t)snprintf(text, sizeof text, "SELECT sum(qty) FROM product WHERE code IN (");
  for (uint64_t i = 0; i < IN_KEYS; i++) {
    char code[40];
    code_asked(w, round, 0, i, code);
    size += (size_t)snprintf(text + size, sizeof text - size, "%s'%s'", i ? "," : "", code);
  }
  size += (size_t)snprintf(text + size, sizeof text - size, ")");
  measure_time start = measure_now(), sum = {0};
  measure_need(rem_session_prepare(w->session, text, size, &statement, NULL, &err), &err);
  *ret_sum = 0;
  while (rem_statement_step(statement, &err) == REM_ROW)
    *ret_sum = rem_statement_value(statement, 0).integer;
  rem_statement_free(statement);
  measure_since(start, &sum);
  return (double)sum.cpu;
}

static double ask_one_by_one(const world *w, size_t round, uint64_t side, int64_t *ret_sum) {
  static const char one[] = "SELECT qty FROM product WHERE code = ?";
  rem_error err = {0};
  rem_statement *statement;
  measure_time start = measure_now(), sum = {0};
  measure_need(rem_session_prepare(w->session, one, sizeof one - 1, &statement, NULL, &err), &err);
  *ret_sum = 0;
  for (uint64_t i = 0; i < IN_KEYS; i++) {
    char code[40];
    code_asked(w, round, side, i, code);
    const rem_value value = {.type = REM_TYPE_TEXT, .text = code, .text_size = strlen(code)};
    measure_need(rem_statement_bind(statement, 1, &value, &err), &err);
    while (rem_statement_step(statement, &err) == REM_ROW)
      *ret_sum += rem_statement_value(statement, 0).integer;
  }
  rem_statement_free(statement);
  measure_since(start, &sum);
  return (double)sum.cpu;
}

/* IN of 1,000 keys beside 1,000 lookups with one prepared statement. */
static void compare_in(const world *w) {
  static measure_pair pair;
  pair.count = 0;
  for (size_t round = 0; round <= w->rounds; round++) {
    int64_t in, single, same;
    double many = ask_in(w, round, &in), one = ask_one_by_one(w, round, 1, &single);
    (void)ask_one_by_one(w, round, 0, &same);
    if (in != same)
      measure_fail("IN and single lookups differ");
    if (round)
      measure_add(&pair, one, many);
  }
  measure_figure("IN of 1,000 keys, a key", measure_theirs(&pair) / 1000 / IN_KEYS, "us", NULL);
  measure_figure("1,000 lookups, of IN of 1,000 keys", measure_ratio(&pair), "x", ">= 2");
}

int main(int argc, char **argv) {
  static const question questions[] = {
      {"scan with a filter", "SELECT count(*) FROM product WHERE qty > 900", 1, BIND_NOTHING, "<= 2.2", "<= 1.2"},
      {"indexed equality, 10 rows", "SELECT id, qty FROM product WHERE owner = ?", 200, BIND_OWNER, NULL, "<= 1.5"},
      {"point lookup by id", "SELECT name, qty FROM product WHERE id = ?", 500, BIND_ID, "us: <= 15", ""},
      {"GROUP BY", "SELECT category, avg(price), count(*) FROM product GROUP BY category", 1, BIND_NOTHING, "<= 1.6", NULL},
      {"COUNT(*)", "SELECT count(*) FROM product", 20, BIND_NOTHING, "us: <= 100", NULL},
      {"join by key", "SELECT sum(b.qty) FROM product a JOIN product b ON b.code = a.parent WHERE a.category = 'cat-07'", 1, BIND_NOTHING, "<= 3", NULL},
      {"ORDER BY LIMIT 10", "SELECT id, qty FROM product ORDER BY qty DESC, id LIMIT 10", 1, BIND_NOTHING, NULL, NULL},
  };
  world w = {.rows = argc > 1 ? strtoull(argv[1], NULL, 10) : measure_full() ? 1000000 : 100000, .rounds = argc > 2 ? (size_t)atoi(argv[2]) : 9};
  char path[4096];
  rem_error err = {0};
  rem_open_options options;
  rem_config *config = place_config();
  measure_begin("query");
  measure_need(rem_config_set(config, "P8_QUERY_TIMEOUT", "0", &err), &err);
  products_fill(config, w.rows);
  snprintf(path, sizeof path, "%s/products.sqlite", place_folder());
  products_fill_sqlite(path, w.rows);
  if (sqlite3_open(path, &w.sqlite) != SQLITE_OK)
    measure_fail("SQLite cannot open its file");
  sqlite3_exec(w.sqlite, "PRAGMA cache_size=-1000000; PRAGMA mmap_size=2000000000", NULL, NULL, NULL);
  rem_open_options_init(&options);
  options.mode = REM_WRITE;
  options.config = config;
  snprintf(path, sizeof path, "%s/query", place_folder());
  measure_need(rem_open(path, &options, &w.db, &err), &err);
  measure_need(rem_session_open(w.db, NULL, &w.session, &err), &err);
  for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
    if (argc < 4 || strstr(questions[i].name, argv[3]))
      compare(&w, &questions[i]);
  if (argc < 4 || strcmp(argv[3], "IN") == 0)
    compare_in(&w);
  rem_session_close(w.session);
  sqlite3_close(w.sqlite);
  measure_need(rem_close(w.db, &err), &err);
  rem_config_free(config);
  return 0;
}
