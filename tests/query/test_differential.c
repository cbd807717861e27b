/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated statements over generated rows: tables with indexes, the same without, and native tables of SQLite must give the same rows; and the rows
 * where a condition is true, false and unknown make up the table. REM_TEST_SEED repeats a run; REM_TEST_SCALE multiplies the statements.
 */
#include "query_test.h"

#include "chance.h"

#include "base/instant.h"
#include "base/uuid.h"
#include "query/sqlite_lib.h"

#define ROWS 240
#define STATEMENTS 1500

#define PICK(list) (list)[chance((uint32_t)(sizeof(list) / sizeof *(list)))]

/* ---- text under construction ---- */

typedef struct text {
  char data[16384];
  size_t size;
} text;

__attribute__((format(printf, 2, 3))) static void put_text(text *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(t->data + t->size, sizeof t->data - t->size, format, arguments);
  va_end(arguments);
  t->size += (size_t)size;
  assert_true(t->size < sizeof t->data);
}

/* ---- rows: (k, i, r, b, s, d, u, l), the same in all three ---- */

static const char *const WORDS[] = {"red", "Red", "green", "blue", "blau", "5", "5.0", "07", "", "a%b", "zebra", "Zoo", "\xc3\xa4pfel", "red shoe", "x_y"};
static const char *const INSTANTS[] = {"2020-01-01T00:00:00.000000Z", "2025-10-17T09:30:00.500000Z", "1969-12-31T23:59:59.000000Z",
                                       "2025-10-17T00:00:00.000000Z", "1999-06-05T04:03:02.000001Z"};
static const char *const LISTS[] = {"[]", "[\"red\"]", "[\"red\",\"blue\"]", "[1,2,3]", "[\"5\",5]"};

typedef struct row {
  char k[16];
  int64_t i;
  double r;
  int b;
  const char *s, *d, *l;
  char u[37];
  bool has_i, has_r, has_b, has_s, has_d, has_u, has_l;
} row;

static row make_row(int number) {
  row made = {.i = (int64_t)chance(40) - 10, .r = ((double)chance(64) - 20) / 4, .b = (int)chance(2), .s = PICK(WORDS), .d = PICK(INSTANTS), .l = PICK(LISTS)};
  snprintf(made.k, sizeof made.k, "k%03d", number);
  snprintf(made.u, sizeof made.u, "00000000-0000-0000-0000-0000000000%02x", chance(30));
  if (chance(30) == 0)
    made.i = chance(2) ? INT64_MAX - 1 : -(INT64_C(1) << 53) - 1;
  made.has_i = chance(8), made.has_r = chance(8), made.has_b = chance(8), made.has_s = chance(8);
  made.has_d = chance(8), made.has_u = chance(8), made.has_l = chance(4);
  return made;
}

static void put_row(test_db *test, const char *table, const row *r) {
  text t = {.size = 0};
  put_text(&t, "{\"k\":\"%s\"", r->k);
  if (r->has_i) put_text(&t, ",\"i\":%lld", (long long)r->i);
  if (r->has_r) put_text(&t, ",\"r\":%.17g", r->r);
  if (r->has_b) put_text(&t, ",\"b\":%s", r->b ? "true" : "false");
  if (r->has_s) put_text(&t, ",\"s\":\"%s\"", r->s);
  if (r->has_d) put_text(&t, ",\"d\":\"%s\"", r->d);
  if (r->has_u) put_text(&t, ",\"u\":\"%s\"", r->u);
  if (r->has_l) put_text(&t, ",\"l\":%s", r->l);
  put_text(&t, "}");
  put(test, table, t.data);
}

static void native(sqlite3 *sqlite, const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(sqlite, sql, NULL, NULL, &message) != SQLITE_OK)
    fail_msg("%s: %s", sql, message);
}

static void put_native(sqlite3 *sqlite, const char *table, const row *r) {
  text t = {.size = 0};
  put_text(&t, "INSERT INTO %s VALUES ('%s'", table, r->k);
  r->has_i ? put_text(&t, ",%lld", (long long)r->i) : put_text(&t, ",NULL");
  r->has_r ? put_text(&t, ",%.17g", r->r) : put_text(&t, ",NULL");
  r->has_b ? put_text(&t, ",%d", r->b) : put_text(&t, ",NULL");
  r->has_s ? put_text(&t, ",'%s'", r->s) : put_text(&t, ",NULL");
  r->has_d ? put_text(&t, ",'%s'", r->d) : put_text(&t, ",NULL");
  r->has_u ? put_text(&t, ",'%s'", r->u) : put_text(&t, ",NULL");
  r->has_l ? put_text(&t, ",'%s'", r->l) : put_text(&t, ",NULL");
  put_text(&t, ")");
  native(sqlite, t.data);
}

static void add_table(test_db *test, const char *name, bool indexed) {
  char schema[1024];
  snprintf(schema, sizeof schema,
           "{\"title\":\"%s\",\"short_name\":\"%s\",\"type\":\"object\",\"key_field\":\"k\",\"indexed_fields\":[%s],\"properties\":{\"k\":{\"type\":\"string\"},"
           "\"i\":{\"type\":\"integer\"},\"r\":{\"type\":\"number\"},\"b\":{\"type\":\"boolean\"},\"s\":{\"type\":\"string\"},"
           "\"d\":{\"type\":\"string\",\"format\":\"date-time\"},\"u\":{\"type\":\"string\",\"format\":\"uuid\"},\"l\":{\"type\":\"array\"}}}",
           name, name, indexed ? "\"i\",\"r\",\"b\",\"s\",\"d\",\"u\",\"l\"" : "");
  add_schema(test, schema);
}

/* ---- statements; @ and # stand for the two tables ---- */

static const char COLUMNS[] = {'k', 'i', 'r', 'b', 's', 'd', 'u'};

static void put_literal(text *t, char column) {
  switch (column) {
  case 'k': put_text(t, "'k%03u'", chance(ROWS + 20)); return;
  case 'i': chance(5) ? put_text(t, "%d", (int)chance(44) - 12) : put_text(t, "%s", chance(2) ? "'7'" : chance(2) ? "2.5" : "lower('abc')"); return;
  case 'r': chance(5) ? put_text(t, "%g", ((double)chance(64) - 20) / 4) : put_text(t, "%s", chance(2) ? "3" : "'1.5'"); return;
  case 'b': put_text(t, "%s", chance(2) ? "TRUE" : chance(2) ? "0" : "2"); return;
  case 's': chance(6) ? put_text(t, "'%s'", PICK(WORDS)) : put_text(t, "abs(%u)", chance(8)); return;
  case 'd': put_text(t, "'%s'", PICK(INSTANTS)); return;
  default: put_text(t, "'00000000-0000-0000-0000-0000000000%02x'", chance(32)); return;
  }
}

static void put_column(text *t, const char *alias, char column) {
  put_text(t, "%s.%c", alias, column);
}

static const char *const OPERATORS[] = {"=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT"};

static void put_condition(text *t, const char *alias, const char *other, int depth);

static void put_simple(text *t, const char *alias, const char *other) {
  char column = PICK(COLUMNS);
  switch (chance(other ? 13 : 11)) {
  case 0: put_column(t, alias, column); put_text(t, " IS %sNULL", chance(2) ? "NOT " : ""); return;
  case 1:
    put_column(t, alias, column);
    put_text(t, " %sBETWEEN ", chance(4) ? "" : "NOT ");
    put_literal(t, column);
    put_text(t, " AND ");
    put_literal(t, column);
    return;
  case 2:
  case 3:
    put_column(t, alias, column);
    put_text(t, " %sIN (", chance(4) ? "" : "NOT ");
    for (uint32_t i = 0, count = 1 + chance(4); i < count; i++) {
      put_text(t, i ? "," : "");
      chance(12) ? put_literal(t, column) : put_text(t, "NULL");
    }
    put_text(t, ")");
    return;
  case 4: {
    static const char *const patterns[] = {"re%", "RE%", "%e%", "b_u%", "%", "5%", "\xc3\xa4%", "z%o"};
    put_text(t, "%s.%s %s '%s'", alias, chance(3) ? "s" : "k", chance(4) ? "LIKE" : "NOT LIKE", PICK(patterns));
    return;
  }
  case 5: put_text(t, "%s.s GLOB '%s'", alias, chance(2) ? "re*" : "*o*"); return;
  case 6: put_text(t, "%s.%c %s (SELECT %s(z.%c) FROM # z)", alias, 'i', PICK(OPERATORS), chance(2) ? "max" : "min", 'i'); return;
  case 7: put_text(t, "EXISTS (SELECT 1 FROM # z WHERE z.%c = %s.%c AND z.i > %d)", column, alias, column, (int)chance(20)); return;
  case 8: put_text(t, "%s.%c IN (SELECT z.%c FROM # z WHERE z.i < %d)", alias, column, column, (int)chance(20)); return;
  case 9: {
    char second = PICK(COLUMNS);
    put_text(t, "(%s.%c, %s.%c) IN (SELECT z.%c, z.%c FROM # z WHERE z.i < %d)", alias, column, alias, second, column, second, (int)chance(20));
    return;
  }
  case 11:
  case 12:
    put_column(t, alias, column);
    put_text(t, " %s ", PICK(OPERATORS));
    put_column(t, other, column);
    return;
  default:
    put_column(t, alias, column);
    put_text(t, " %s ", PICK(OPERATORS));
    put_literal(t, column);
  }
}

static void put_condition(text *t, const char *alias, const char *other, int depth) {
  if (depth == 0 || chance(3) == 0) {
    put_simple(t, alias, other);
    return;
  }
  if (chance(5) == 0) {
    put_text(t, "NOT (");
    put_condition(t, alias, other, depth - 1);
    put_text(t, ")");
    return;
  }
  put_text(t, "(");
  put_condition(t, alias, other, depth - 1);
  put_text(t, chance(3) ? " AND " : " OR ");
  put_condition(t, alias, other, depth - 1);
  put_text(t, ")");
}

static void put_items(text *t, const char *alias) {
  static const char *const items[] = {"%s.k", "%s.i", "%s.r", "%s.b", "%s.s", "%s.d", "%s.u", "%s.l", "%s.i + 1", "%s.r / 2", "length(%s.s)", "coalesce(%s.s, %s.k)",
                                      "CASE WHEN %s.i > 5 THEN %s.s ELSE %s.d END", "upper(%s.s) || '!'", "typeof(%s.r)", "%s.i IS NULL", "json_array_length(%s.l)"};
  for (uint32_t i = 0, count = 1 + chance(4); i < count; i++) {
    const char *item = PICK(items);
    put_text(t, i ? ", " : "");
    for (const char *p = item; *p; p++)
      if (p[0] == '%') {
        put_text(t, "%s", alias);
        p++;
      } else {
        put_text(t, "%c", *p);
      }
  }
}

static void put_where(text *t, const char *alias, const char *other) {
  if (chance(8) == 0)
    return;
  put_text(t, " WHERE ");
  put_condition(t, alias, other, 2);
}

static void put_plain(text *t) {
  put_text(t, "SELECT %s", chance(6) ? "" : "DISTINCT ");
  put_items(t, "a");
  put_text(t, " FROM @ a");
  put_where(t, "a", NULL);
}

/* In an order that is total, so that LIMIT means the same. */
static void put_ordered(text *t) {
  put_text(t, "SELECT a.k, a.i, a.s FROM @ a");
  put_where(t, "a", NULL);
  put_text(t, " ORDER BY a.%c%s", PICK(COLUMNS), chance(2) ? "" : " DESC");
  put_text(t, ", a.k LIMIT %u", chance(30));
  if (chance(2))
    put_text(t, " OFFSET %u", chance(20));
}

static void put_single_order(text *t) {
  char column = PICK(COLUMNS);
  put_text(t, "SELECT a.%c FROM @ a", column);
  put_where(t, "a", NULL);
  put_text(t, " ORDER BY a.%c%s LIMIT %u OFFSET %u", column, chance(2) ? "" : " DESC", chance(30), chance(10));
}

static void put_join(text *t) {
  static const char *const JOINS[] = {"JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"};
  char column = PICK(COLUMNS);
  put_text(t, "SELECT a.k, b.k, ");
  put_items(t, chance(2) ? "a" : "b");
  put_text(t, " FROM @ a %s # b ON a.%c = b.%c", PICK(JOINS), column, column == 'd' || chance(6) ? column : 'k');
  if (chance(2)) {
    put_text(t, " AND ");
    put_condition(t, "a", "b", 1);
  }
  put_where(t, chance(2) ? "a" : "b", chance(2) ? "a" : "b");
}

static void put_group(text *t) {
  char column = PICK(COLUMNS);
  put_text(t, "SELECT a.%c, count(*), count(a.i), sum(a.r), min(a.s), max(a.d), min(a.i), count(DISTINCT a.s), total(a.b) FROM @ a", column);
  put_where(t, "a", NULL);
  put_text(t, " GROUP BY a.%c", column);
  if (chance(3) == 0)
    put_text(t, " HAVING count(*) > %u", chance(12));
}

static void put_aggregate(text *t) {
  put_text(t, "SELECT count(*), sum(a.r), min(a.%c), max(a.%c), avg(a.b) FROM @ a", PICK(COLUMNS), PICK(COLUMNS));
  put_where(t, "a", NULL);
}

static void put_window(text *t) {
  put_text(t, "SELECT a.k, row_number() OVER (PARTITION BY a.b ORDER BY a.%c, a.k), sum(a.r) OVER (ORDER BY a.k ROWS 3 PRECEDING), lag(a.s) OVER (ORDER BY a.k) FROM @ a", PICK(COLUMNS));
  put_where(t, "a", NULL);
}

static void put_set(text *t) {
  static const char *const operations[] = {"UNION", "UNION ALL", "EXCEPT", "INTERSECT"};
  char column = PICK(COLUMNS);
  put_text(t, "SELECT a.%c FROM @ a", column);
  put_where(t, "a", NULL);
  put_text(t, " %s SELECT c.%c FROM # c", PICK(operations), column);
  put_where(t, "c", NULL);
}

static void put_cte(text *t) {
  put_text(t, "WITH w(x, y, n) AS (SELECT a.k, a.s, count(*) FROM @ a");
  put_where(t, "a", NULL);
  put_text(t, " GROUP BY a.s) SELECT w.y, w.n, b.k FROM w JOIN # b ON b.s = w.y");
  put_where(t, "b", NULL);
}

static void put_recursive(text *t) {
  put_text(t, "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT c.n, a.k FROM c JOIN @ a ON a.i = c.n");
  put_where(t, "a", NULL);
}

static void put_statement(text *t) {
  static void (*const kinds[])(text *) = {put_plain, put_plain, put_plain, put_ordered, put_single_order, put_join, put_join, put_group,
                                          put_aggregate, put_window, put_set, put_cte, put_recursive};
  t->size = 0;
  PICK(kinds)(t);
}

/* ---- instants in expressions: ours in any form, SQLite's as canonical text ---- */

/* The instant in some form that means the same: with an offset, a blank for the T, fewer digits. */
static void put_form(text *t, const char *canonical) {
  int64_t instant;
  char shifted[REM_INSTANT_TEXT_SIZE];
  int minutes = (int)chance(29) * 60 - 14 * 60 + (chance(3) ? 0 : 30);
  assert_true(rem_instant_parse(canonical, strlen(canonical), false, &instant));
  if (chance(4) == 0) {
    put_text(t, "'%s'", canonical);
    return;
  }
  (void)rem_instant_format_fixed(instant + (int64_t)minutes * 60000000, shifted);
  bool whole = strcmp(shifted + 19, ".000000Z") == 0;
  shifted[10] = chance(3) ? 'T' : ' ';
  put_text(t, "'%.*s", whole && chance(2) ? 19 : 26, shifted);
  if (minutes == 0)
    put_text(t, "%s'", chance(2) ? "Z" : "");
  else
    put_text(t, "%c%02d:%02d'", minutes < 0 ? '-' : '+', abs(minutes) / 60, abs(minutes) % 60);
}

/* Both texts of one comparison; @ and # as above. */
static void put_instants(text *any, text *canonical) {
  static const char *const forms[] = {
      /* $ is a literal; one in an expression that it may become part of must be as canonical as the column */
      "SELECT a.s, max(a.d) FROM @ a GROUP BY a.s HAVING max(a.d) > $",
      "SELECT a.s FROM @ a GROUP BY a.s HAVING min(a.d) <= $ OR max(a.d) = $",
      "SELECT a.s, min(a.d) AS m FROM @ a GROUP BY a.s HAVING m < $",
      "SELECT a.k FROM @ a WHERE coalesce(a.d, $) >= $",
      "SELECT a.k, coalesce(a.d, $) FROM @ a ORDER BY coalesce(a.d, $), a.k LIMIT 30",
      "SELECT a.k FROM @ a WHERE CASE WHEN a.i > 5 THEN a.d ELSE $ END < $",
      "SELECT a.k FROM @ a WHERE CASE WHEN a.i > 5 THEN a.d END BETWEEN $ AND $",
      "SELECT a.k FROM @ a WHERE ifnull(a.d, $) NOT IN ($, $, $)",
      "SELECT a.k, CASE coalesce(a.d, $) WHEN $ THEN 1 WHEN $ THEN 2 ELSE 3 END FROM @ a",
      "SELECT a.s, CASE max(a.d) WHEN $ THEN 1 WHEN $ THEN 2 ELSE 3 END FROM @ a GROUP BY a.s",
      "SELECT a.k, CASE a.d WHEN $ THEN 1 WHEN $ THEN 2 ELSE 3 END FROM @ a",
      "SELECT a.k FROM @ a WHERE iif(a.b, a.d, $) <> $",
      "SELECT a.k FROM @ a WHERE $ < (SELECT max(z.d) FROM # z WHERE z.s = a.s)",
      "SELECT a.k FROM @ a WHERE (SELECT z.d FROM # z WHERE z.k = a.k) = $",
      "SELECT a.k FROM @ a WHERE $ IN (SELECT z.d FROM # z WHERE z.s = a.s)",
      "SELECT a.k FROM @ a WHERE $ IN (SELECT max(z.d) FROM # z GROUP BY z.s)",
      "SELECT x.m, x.s FROM (SELECT a.s, max(a.d) AS m FROM @ a GROUP BY a.s) x WHERE x.m >= $",
      "SELECT m, s FROM (SELECT a.s, max(a.d) AS m FROM @ a GROUP BY a.s) WHERE m NOT BETWEEN $ AND $",
      "WITH w(s, m) AS (SELECT a.s, min(a.d) FROM @ a GROUP BY a.s) SELECT w.s, b.k FROM w JOIN # b ON b.s = w.s AND w.m < $",
      "WITH w AS (SELECT a.k, coalesce(a.d, $) AS m FROM @ a), v AS (SELECT * FROM w) SELECT v.k FROM v WHERE v.m < $ OR v.m > $",
      "SELECT max(coalesce(a.d, $)), min(coalesce(a.d, $)), count(DISTINCT coalesce(a.d, $)) FROM @ a",
      "SELECT a.k FROM @ a WHERE max(a.d, $) = $",
      "SELECT a.k, lag(a.d, 1, $) OVER (ORDER BY a.k) < $ FROM @ a",
      "SELECT k FROM (SELECT a.k, lag(a.d, 1, $) OVER (ORDER BY a.k) AS before FROM @ a) WHERE before > $",
      "SELECT coalesce(a.d, $) AS m FROM @ a UNION SELECT c.d FROM # c WHERE coalesce(c.d, $) < $",
      "SELECT a.k FROM @ a WHERE coalesce(a.d, $) = (SELECT max(z.d) FROM # z WHERE z.d < $)",
      "SELECT a.k FROM @ a WHERE NOT coalesce(a.d, $) IS $ AND nullif(a.d, $) IS NOT NULL",
  };
  const char *form = PICK(forms);
  any->size = canonical->size = 0;
  for (const char *p = form; *p; p++) {
    if (*p != '$') {
      put_text(any, "%c", *p);
      put_text(canonical, "%c", *p);
      continue;
    }
    const char *instant = PICK(INSTANTS);
    put_form(any, instant);
    put_text(canonical, "'%s'", instant);
  }
}

/* ---- answers, as sorted lines ---- */

typedef struct answer {
  char **lines;
  size_t count, capacity;
} answer;

static void add_line(answer *a, const char *line) {
  if (a->count == a->capacity) {
    a->capacity = a->capacity ? a->capacity * 2 : 64;
    a->lines = realloc(a->lines, a->capacity * sizeof *a->lines);
  }
  a->lines[a->count++] = strdup(line);
}

static int compare_lines(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(answer *a) {
  if (a->count)
    qsort(a->lines, a->count, sizeof *a->lines, compare_lines);
}

static void free_answer(answer *a) {
  for (size_t i = 0; i < a->count; i++)
    free(a->lines[i]);
  free(a->lines);
  *a = (answer){0};
}

static void with_tables(const text *t, const char *first, const char *second, char *sql, size_t size) {
  size_t at = 0;
  for (size_t i = 0; i < t->size; i++) {
    const char *name = t->data[i] == '@' ? first : t->data[i] == '#' ? second : NULL;
    at += (size_t)snprintf(sql + at, size - at, name ? "%s" : "%.1s", name ? name : t->data + i);
    assert_true(at < size);
  }
}

static void put_value(text *line, rem_value value) {
  char instant[REM_INSTANT_TEXT_SIZE], id[37];
  switch (value.type) {
  case REM_TYPE_NULL: put_text(line, "|~"); return;
  case REM_TYPE_BOOL:
  case REM_TYPE_INT: put_text(line, "|i%lld", (long long)value.integer); return;
  case REM_TYPE_REAL: put_text(line, "|r%.15g", value.real); return;
  case REM_TYPE_INSTANT: rem_instant_format_fixed(value.integer, instant); put_text(line, "|t%s", instant); return;
  case REM_TYPE_UUID: rem_uuid_format(value.uuid, id); put_text(line, "|t%s", id); return;
  default: put_text(line, "|t%.*s", (int)value.text_size, value.text); return;
  }
}

static answer ask(rem_session *session, const text *t, const char *first, const char *second) {
  char sql[20000];
  rem_statement *statement;
  answer found = {0};
  rem_error error = {0};
  with_tables(t, first, second, sql, sizeof sql);
  if (rem_session_prepare(session, sql, strlen(sql), &statement, NULL, &error) < 0)
    fail_msg("%s: %s", sql, error.message);
  rem_status status;
  while ((status = rem_statement_step(statement, &error)) == REM_ROW) {
    text line = {.size = 0};
    line.data[0] = 0;
    for (int i = 0; i < rem_statement_column_count(statement); i++)
      put_value(&line, rem_statement_value(statement, i));
    add_line(&found, line.data);
  }
  if (status < 0)
    fail_msg("%s: %s", sql, error.message);
  rem_statement_free(statement);
  return found;
}

static answer ask_native(sqlite3 *sqlite, const text *t) {
  char sql[20000];
  sqlite3_stmt *statement;
  answer found = {0};
  with_tables(t, "np", "nq", sql, sizeof sql);
  if (sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
  while (sqlite3_step(statement) == SQLITE_ROW) {
    text line = {.size = 0};
    line.data[0] = 0;
    for (int i = 0; i < sqlite3_column_count(statement); i++)
      switch (sqlite3_column_type(statement, i)) {
      case SQLITE_NULL: put_text(&line, "|~"); break;
      case SQLITE_INTEGER: put_text(&line, "|i%lld", (long long)sqlite3_column_int64(statement, i)); break;
      case SQLITE_FLOAT: put_text(&line, "|r%.15g", sqlite3_column_double(statement, i)); break;
      default: put_text(&line, "|t%s", (const char *)sqlite3_column_text(statement, i)); break;
      }
    add_line(&found, line.data);
  }
  assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
  return found;
}

static void same(const text *t, const char *what, answer *wanted, answer *found) {
  size_t at = 0;
  while (at < wanted->count && at < found->count && strcmp(wanted->lines[at], found->lines[at]) == 0)
    at++;
  if (at < wanted->count || at < found->count)
    fail_msg("%s: %s\n%zu rows wanted, %zu found; row %zu: wanted %s, found %s", what, t->data, wanted->count, found->count, at,
             at < wanted->count ? wanted->lines[at] : "-", at < found->count ? found->lines[at] : "-");
}

/* ---- tests ---- */

typedef struct world {
  test_db *test;
  sqlite3 *sqlite;
  rem_session *session;
} world;

static world make_world(void **state) {
  world w = {.test = *state};
  OK(rem_sqlite_open(NULL, &w.sqlite, err));
  for (const char *p = "pq"; *p; p++) {
    char name[8], sql[256];
    snprintf(name, sizeof name, "%c", *p);
    add_table(w.test, name, true);
    snprintf(name, sizeof name, "%cn", *p);
    add_table(w.test, name, false);
    snprintf(sql, sizeof sql, "CREATE TABLE n%c(k TEXT, i INTEGER, r REAL, b BOOLEAN, s TEXT, d TEXT, u TEXT, l TEXT)", *p);
    native(w.sqlite, sql);
  }
  for (int i = 0; i < 2 * ROWS; i++) {
    row made = make_row(i % ROWS);
    put_row(w.test, i < ROWS ? "p" : "q", &made);
    put_row(w.test, i < ROWS ? "pn" : "qn", &made);
    put_native(w.sqlite, i < ROWS ? "np" : "nq", &made);
  }
  w.session = open_session(w.test);
  return w;
}

static void end_world(world *w) {
  rem_session_close(w->session);
  sqlite3_close_v2(w->sqlite);
}

/* Rows in their order where the statement gives one. */
static bool is_ordered(const text *t) {
  return strstr(t->data, " ORDER BY a.") && strstr(t->data, " LIMIT ");
}

static void compare_both(world *w, const text *t, const text *native) {
  answer wanted = ask_native(w->sqlite, native), indexed = ask(w->session, t, "p", "q"), plain = ask(w->session, t, "pn", "qn");
  if (!is_ordered(t)) {
    sort_lines(&wanted);
    sort_lines(&indexed);
    sort_lines(&plain);
  }
  same(t, "with indexes", &wanted, &indexed);
  same(t, "without indexes", &wanted, &plain);
  free_answer(&wanted);
  free_answer(&indexed);
  free_answer(&plain);
}

static void compare_all(world *w, const text *t) {
  compare_both(w, t, t);
}

static void instants_in_expressions_are_compared_as_instants(void **state) {
  begin_chance();
  world w = make_world(state);
  for (int i = 0, count = scaled(STATEMENTS / 3); i < count; i++) {
    text any, canonical;
    put_instants(&any, &canonical);
    compare_both(&w, &any, &canonical);
  }
  end_world(&w);
}

static void generated_statements_give_what_sqlite_gives(void **state) {
  begin_chance();
  world w = make_world(state);
  for (int i = 0, count = scaled(STATEMENTS); i < count; i++) {
    text t;
    put_statement(&t);
    compare_all(&w, &t);
  }
  end_world(&w);
}

/* The same with rows that are not committed yet, laid over those that are. */
static void a_transaction_gives_what_sqlite_gives(void **state) {
  begin_chance();
  world w = make_world(state);
  do_sql(w.session, "BEGIN");
  for (int i = 0; i < 60; i++) {
    char sql[256];
    int number = (int)chance(ROWS + 40);
    const char table = "pq"[chance(2)];
    row made = make_row(number);
    for (int form = 0; form < 3; form++) {
      const char *name = (const char *[]){"%c", "%cn", "n%c"}[form];
      char full[8];
      snprintf(full, sizeof full, strcmp(name, "%c") == 0 ? "%c" : strcmp(name, "%cn") == 0 ? "%cn" : "n%c", table);
      if (i % 3 == 0) {
        snprintf(sql, sizeof sql, "DELETE FROM %s WHERE k = '%s'", full, made.k);
      } else {
        snprintf(sql, sizeof sql, "UPDATE %s SET i = %lld, s = '%s', d = NULL, r = r + 1 WHERE k >= '%s' AND k < '%s9'", full, (long long)(made.i % 100), made.s, made.k, made.k);
      }
      form == 2 ? native(w.sqlite, sql) : do_sql(w.session, sql);
    }
  }
  for (int i = 0, count = scaled(STATEMENTS / 3); i < count; i++) {
    text t;
    put_statement(&t);
    compare_all(&w, &t);
  }
  do_sql(w.session, "COMMIT");
  for (int i = 0; i < 50; i++) {
    text t;
    put_statement(&t);
    compare_all(&w, &t);
  }
  end_world(&w);
  check_whole(*state);
}

static void conditions_part_the_table_in_three(void **state) {
  begin_chance();
  world w = make_world(state);
  for (int i = 0, count = scaled(STATEMENTS / 5); i < count; i++) {
    text condition = {.size = 0}, t = {.size = 0}, all = {.size = 0};
    put_condition(&condition, "a", NULL, 2);
    put_text(&t, "SELECT a.k FROM @ a WHERE %s UNION ALL SELECT a.k FROM @ a WHERE NOT (%s) UNION ALL SELECT a.k FROM @ a WHERE (%s) IS NULL", condition.data,
             condition.data, condition.data);
    put_text(&all, "SELECT k FROM @");
    answer wanted = ask(w.session, &all, "p", "q"), indexed = ask(w.session, &t, "p", "q");
    sort_lines(&wanted);
    sort_lines(&indexed);
    same(&t, "three parts", &wanted, &indexed);
    free_answer(&wanted);
    free_answer(&indexed);
  }
  end_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(generated_statements_give_what_sqlite_gives, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(a_transaction_gives_what_sqlite_gives, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(instants_in_expressions_are_compared_as_instants, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(conditions_part_the_table_in_three, test_setup, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
