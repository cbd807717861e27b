/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_rows.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "rows.h"

struct sqlite_rows {
  sqlite3 *db;
  sqlite3_stmt *insert;
  rows_row *made; /* of one transaction, made outside the clock */
  size_t capacity;
};

static const char tables[] =
    "CREATE TABLE person(email TEXT PRIMARY KEY, name TEXT, role TEXT, team TEXT, score INTEGER, start TEXT, bio TEXT,"
    " created_at INTEGER, modified_at INTEGER, deleted_at INTEGER);"
    "CREATE INDEX person_role ON person(role); CREATE INDEX person_team ON person(team);"
    "CREATE INDEX person_score ON person(score);";
static const char upsert[] =
    "INSERT INTO person VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?8,NULL) ON CONFLICT(email) DO UPDATE SET name=excluded.name,"
    " role=excluded.role, team=excluded.team, score=excluded.score, start=excluded.start, bio=excluded.bio,"
    " modified_at=excluded.modified_at";

static void need(sqlite_rows *rows, int code) {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
    measure_fail(sqlite3_errmsg(rows->db));
}

static void run(sqlite_rows *rows, const char *sql) {
  need(rows, sqlite3_exec(rows->db, sql, NULL, NULL, NULL));
}

sqlite_rows *sqlite_rows_open(const char *path, bool sync, size_t cache_bytes) {
  sqlite_rows *rows = calloc(1, sizeof *rows);
  if (!rows)
    measure_fail("out of memory");
  char pragma[80];
  need(rows, sqlite3_open(path, &rows->db));
  run(rows, "PRAGMA journal_mode=WAL");
  run(rows, sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
  snprintf(pragma, sizeof pragma, "PRAGMA cache_size=-%zu", cache_bytes / 1024);
  run(rows, pragma);
  run(rows, tables);
  need(rows, sqlite3_prepare_v2(rows->db, upsert, -1, &rows->insert, NULL));
  return rows;
}

static void bind_text(sqlite_rows *rows, int column, const char *text) {
  sqlite3_bind_text(rows->insert, column, text, -1, SQLITE_STATIC);
}

static void insert_one(sqlite_rows *rows, const rows_row *row) {
  bind_text(rows, 1, row->email);
  bind_text(rows, 2, row->name);
  bind_text(rows, 3, row->role);
  bind_text(rows, 4, row->team);
  sqlite3_bind_int64(rows->insert, 5, row->score);
  bind_text(rows, 6, row->start);
  bind_text(rows, 7, row->bio);
  sqlite3_bind_int64(rows->insert, 8, 1700000000000000);
  need(rows, sqlite3_step(rows->insert));
  sqlite3_reset(rows->insert);
}

void sqlite_rows_insert(sqlite_rows *rows, uint64_t first, size_t count, measure_time *time) {
  if (count > rows->capacity) {
    rows->made = realloc(rows->made, count * sizeof *rows->made);
    rows->capacity = count;
  }
  if (!rows->made)
    measure_fail("out of memory");
  for (size_t i = 0; i < count; i++)
    rows_make(first + i, &rows->made[i]);
  measure_time start = measure_now();
  run(rows, "BEGIN IMMEDIATE");
  for (size_t i = 0; i < count; i++)
    insert_one(rows, &rows->made[i]);
  run(rows, "COMMIT");
  measure_since(start, time);
}

void sqlite_rows_finish(sqlite_rows *rows, measure_time *time) {
  measure_time start = measure_now();
  run(rows, "PRAGMA synchronous=FULL");
  run(rows, "PRAGMA wal_checkpoint(TRUNCATE)");
  measure_since(start, time);
}

void sqlite_rows_close(sqlite_rows *rows) {
  sqlite3_finalize(rows->insert);
  sqlite3_close(rows->db);
  free(rows->made);
  free(rows);
}
