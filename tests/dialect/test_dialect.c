/* SPDX-License-Identifier: Apache-2.0 */
/* Positions, parameters, kinds, limits, and statements put together at random. */
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/utf8.h"
#include "dialect_fixture.h"
#include "fault_sweep.h"

static rem_dialect *dialect;
static rem_error err;

static int set_up(void **state) {
  (void)state;
  err = (rem_error){0};
  return rem_dialect_new(&dialect, &err);
}
static int tear_down(void **state) {
  (void)state;
  rem_dialect_free(dialect);
  return 0;
}

static rem_dialect_statement rewrite(const char *text) {
  rem_dialect_statement statement;
  if (rem_dialect_rewrite(dialect, text, strlen(text), &fixture_catalog, &statement, &err) != REM_OK)
    fail_msg("%s\n%s", text, err.message);
  return statement;
}

static rem_status refuse(const char *text) {
  rem_dialect_statement statement;
  err = (rem_error){0};
  return rem_dialect_rewrite(dialect, text, strlen(text), &fixture_catalog, &statement, &err);
}

/* ------------------------------------------------------------------------------------------- */

static void positions_lead_back_to_the_text(void **state) {
  (void)state;
  const char *text = "SELECT namme FROM resource WHERE embedding.cosine('größe') AND ordinal > 3 GROUP BY naame";
  rem_dialect_statement s = rewrite(text);
  static const char *const words[] = {"namme", "größe", "ordinal", "naame"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    const char *made = strstr(s.sql, words[i]);
    assert_non_null(made);
    assert_ptr_equal(text + rem_dialect_source_offset(dialect, made - s.sql), strstr(text, words[i]));
  }
  /* What the text does not have comes from the place that called for it. */
  const char *made = strstr(s.sql, "ORDER BY");
  assert_ptr_equal(text + rem_dialect_source_offset(dialect, made - s.sql), strstr(text, "resource"));
  assert_int_equal(rem_dialect_source_offset(dialect, -1), -1);
  assert_int_equal(rem_dialect_source_offset(dialect, 1 << 20), strlen(text));
  rewrite("SELECT 1");
  assert_int_equal(rem_dialect_source_offset(dialect, 5), 5);
}

static void errors_of_sqlite_come_back_with_place_and_hint(void **state) {
  (void)state;
  static const struct {
    const char *text, *message;
    const char *made_at; /* where in the text made; NULL: SQLite gives no place */
    const char *told, *at, *hint;
    rem_status code;
  } cases[] = {
      {"SELECT naem FROM resource", "no such column: naem", "naem", "no such column: naem", "naem", "did you mean 'name'?", REM_UNKNOWN},
      {"SELECT r.categori FROM resource r", "no such column: r.categori", "r.categori", "no such column: r.categori", "r.categori",
       "did you mean 'category'?", REM_UNKNOWN},
      {"SELECT name FROM resource WHERE category = \"tutorial\"", "no such column: tutorial", "\"tutorial\"",
       "no such column: tutorial", "\"tutorial\"", "text stands in single quotes: 'tutorial'", REM_UNKNOWN},
      {"SELECT metadata.author FROM resource", "no such column: metadata.author", "metadata.author",
       "no such column: metadata.author", "metadata.author", "a field inside a column is written metadata ->> 'author'", REM_UNKNOWN},
      {"SELECT lenth(name) FROM resource", "no such function: lenth", "lenth", "no such function: lenth", "lenth",
       "did you mean length()?", REM_UNKNOWN},
      {"SELECT now()", "no such function: now", "now", "no such function: now", "now", "here it is written datetime('now')", REM_UNKNOWN},
      {"INSERT INTO person(name, mail) VALUES ('a', 'b')", "table person has no column named mail", NULL,
       "table person has no column named mail", "mail", "did you mean 'email'?", REM_UNKNOWN},
      {"SELECT name FORM person", "near \"person\": syntax error", "person", "near \"person\": syntax error", "person",
       "did you mean FROM instead of FORM?", REM_INVALID},
      {"SELECT name FROM person WHERE", "incomplete input", NULL, "incomplete input", NULL, "", REM_INVALID},
      {"SELECT name FROM person p, files f", "ambiguous column name: name", "name", "ambiguous column name: name", "name",
       "more than one table has it: write TABLE.name", REM_INVALID},
      {"SELECT x FROM resources WHERE deleted_at IS NULL", "no such column: resources+deleted.x", NULL, "no such column: resources.x", "x", "",
       REM_UNKNOWN},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *text = cases[i].text;
    rem_dialect_statement s = rewrite(text);
    const char *made = cases[i].made_at ? strstr(s.sql, cases[i].made_at) : NULL;
    err = (rem_error){0};
    assert_int_equal(rem_dialect_explain_error(dialect, cases[i].message, made ? made - s.sql : -1, &err), cases[i].code);
    assert_string_equal(err.message, cases[i].told);
    if (cases[i].hint[0]) assert_string_equal(err.hint, cases[i].hint);
    assert_int_equal(err.offset, cases[i].at ? strstr(text, cases[i].at) - text : -1);
  }
}

static void parameters_keep_their_numbers(void **state) {
  (void)state;
  /* The LIMIT moves in front of the second parameter. */
  rem_dialect_statement s = rewrite("SELECT count(*) FROM resources WHERE embedding.cosine(:q) AND name = ? AND uri = :q GROUP BY ?9 LIMIT :n");
  assert_int_equal(s.parameter_count, 4);
  static const struct {
    uint32_t number;
    const char *name;
  } expected[] = {{1, ":q"}, {2, NULL}, {9, NULL}, {10, ":n"}};
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(s.parameters[i].number, expected[i].number);
    assert_true((s.parameters[i].name == NULL) == (expected[i].name == NULL));
    if (expected[i].name) assert_memory_equal(s.parameters[i].name, expected[i].name, s.parameters[i].name_size);
  }
  assert_non_null(strstr(s.sql, "_cosine = ?1"));
  assert_non_null(strstr(s.sql, "uri = ?1"));
  assert_non_null(strstr(s.sql, "LIMIT ?10"));
  assert_null(strchr(s.sql, ':'));
  s = rewrite("SELECT ?, ?2, ?");
  assert_int_equal(s.parameter_count, 3);
  assert_int_equal(s.parameters[2].number, 3);
  assert_int_equal(refuse("SELECT ?0"), REM_LIMIT);
  assert_int_equal(refuse("SELECT ?99999"), REM_LIMIT);
}

static void statements_have_kinds(void **state) {
  (void)state;
  static const struct {
    const char *text;
    rem_dialect_kind kind;
    bool explain;
  } cases[] = {{"", REM_DIALECT_EMPTY, false},
               {" -- nothing\n /* at all */ ;", REM_DIALECT_EMPTY, false},
               {"SELECT 1", REM_DIALECT_SELECT, false},
               {"(SELECT 1)", REM_DIALECT_EMPTY, false},
               {"VALUES (1), (2)", REM_DIALECT_SELECT, false},
               {"with a as (select 1) select * from a", REM_DIALECT_SELECT, false},
               {"WITH a AS (SELECT 1) INSERT INTO person(name) SELECT * FROM a", REM_DIALECT_INSERT, false},
               {"REPLACE INTO person(name) VALUES ('x')", REM_DIALECT_INSERT, false},
               {"INSERT OR IGNORE INTO person(name) VALUES ('x')", REM_DIALECT_INSERT, false},
               {"UPDATE person SET name = 'x'", REM_DIALECT_UPDATE, false},
               {"DELETE FROM person", REM_DIALECT_DELETE, false},
               {"BEGIN IMMEDIATE", REM_DIALECT_BEGIN, false},
               {"COMMIT", REM_DIALECT_COMMIT, false},
               {"END", REM_DIALECT_COMMIT, false},
               {"ROLLBACK", REM_DIALECT_ROLLBACK, false},
               {"ROLLBACK TO a", REM_DIALECT_SAVEPOINT, false},
               {"SAVEPOINT a", REM_DIALECT_SAVEPOINT, false},
               {"RELEASE a", REM_DIALECT_SAVEPOINT, false},
               {"EXPLAIN QUERY PLAN SELECT 1", REM_DIALECT_SELECT, true},
               {"EXPLAIN DELETE FROM person", REM_DIALECT_DELETE, true}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    if (cases[i].text[0] == '(') {
      assert_int_equal(refuse(cases[i].text), REM_INVALID);
      continue;
    }
    rem_dialect_statement s = rewrite(cases[i].text);
    assert_int_equal(s.kind, cases[i].kind);
    assert_int_equal(s.explain, cases[i].explain);
    assert_int_equal(s.text_size, strlen(cases[i].text));
  }
  assert_true(rewrite("SELECT id FROM resources WHERE embedding.cosine('x')").default_limit);
  assert_true(rewrite("SELECT id FROM resources WHERE embedding.cosine('x')").searches);
  assert_false(rewrite("SELECT id FROM resources WHERE embedding.cosine('x') LIMIT 1").default_limit);
  assert_false(rewrite("SELECT id FROM resources").searches);
  assert_true(rewrite("SELECT id FROM resources WHERE (name, uri) IN (SELECT name, uri FROM files)").row_lists);
  assert_true(rewrite("SELECT id FROM resources WHERE (name, uri) = ANY (SELECT name, uri FROM files)").row_lists);
  assert_false(rewrite("SELECT id FROM resources WHERE (name, uri) = (SELECT name, uri FROM files) AND max(1, 2) IN (1) AND (name) IN (uri, id)").row_lists);
}

static void scripts_are_cut_at_their_semicolons(void **state) {
  (void)state;
  const char *script = "SELECT ';' ; -- a;b\n SELECT \"x;\" /* ; */ ; ;SELECT 1";
  static const char *const parts[] = {"SELECT ';' ;", " -- a;b\n SELECT \"x;\" /* ; */ ;", " ;"};
  for (size_t i = 0; i < 3; i++) {
    size_t size = rem_dialect_statement_size(script, strlen(script));
    assert_int_equal(size, strlen(parts[i]));
    assert_memory_equal(script, parts[i], size);
    script += size;
  }
  assert_int_equal(rem_dialect_statement_size(script, strlen(script)), 0);
  assert_int_equal(rem_dialect_statement_size("SELECT 'a;", 10), 0);
  assert_int_equal(rem_dialect_statement_size("SELECT 1 -- ;", 13), 0);
  assert_int_equal(rem_dialect_statement_size("", 0), 0);
}

static void scripts_that_write_are_told_from_those_that_read(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool writes;
  } cases[] = {{"SELECT replace(name, 'a', 'b') FROM person", false}, {"select 1; insert into person values (1)", true},
               {"EXPLAIN DELETE FROM person", true}, {"EXPLAIN QUERY PLAN SELECT 1", false}, {"EXPLAIN QUERY PLAN WITH a AS (SELECT 1) UPDATE person SET name = 1", true}, {"WITH a AS (SELECT 1) SELECT replace(x, 1, 2)", false},
               {"WITH a AS (SELECT 1) DELETE FROM person", true}, {"WITH a AS (DELETE FROM x) SELECT 1", false}, {"BEGIN; SELECT 1; COMMIT", false},
               {"-- DELETE\nSELECT 'INSERT'", false}, {"REPLACE INTO person VALUES (1)", true}, {"delete", true}, {"", false}, {"LOOKUP 'update'", false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (rem_dialect_writes(cases[i].text, strlen(cases[i].text)) != cases[i].writes) fail_msg("%s", cases[i].text);
}

/* ------------------------------------------------------------------------------------------- */

static char *repeated(const char *before, const char *part, size_t count, const char *after) {
  size_t size = strlen(part);
  char *text = malloc(strlen(before) + size * count + strlen(after) + 1), *at = text + strlen(before);
  strcpy(text, before);
  for (size_t i = 0; i < count; i++, at += size)
    memcpy(at, part, size);
  strcpy(at, after);
  return text;
}

static void beyond_the_limits_is_an_error(void **state) {
  (void)state;
  static const struct {
    const char *before, *part, *after;
    size_t count;
  } cases[] = {{"SELECT ", "(", "", 200},
               {"SELECT ", "CASE ", "", 200},
               {"SELECT ", "1,", "1", 60000},
               {"SELECT '", "xxxxxxxxxx", "'", 110000},
               {"SELECT * FROM person p0", ", person", "", 61},
               {"SELECT 1", " UNION ALL SELECT 1", "", 501},
               {"SELECT 1 FROM resources WHERE 1", " AND embedding.cosine('x') > 0", "", 201},
               {"LOOKUP 'a'", ", 'a'", "", 201},
               {"WITH a AS (SELECT 1)", ", a AS (SELECT 1)", " SELECT 1", 201}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *text = repeated(cases[i].before, cases[i].part, cases[i].count, cases[i].after);
    if (refuse(text) != REM_LIMIT) fail_msg("%s%s… gave %d: %s", cases[i].before, cases[i].part, err.code, err.message);
    free(text);
  }
  /* Rankings in joins copy what they are nested in: the text must not grow without end. */
  char nested[8192] = "SELECT id FROM resources";
  for (size_t i = 0; i < 30 && refuse(nested) == REM_OK; i++) {
    char inner[8192];
    strcpy(inner, nested);
    snprintf(nested, sizeof nested, "SELECT count(*) FROM resources r JOIN files f ON f.id = r.id WHERE r.embedding.cosine('x') AND f.id IN (%.7900s)", inner);
  }
  assert_int_equal(err.code, REM_LIMIT);
}

static void nul_and_control_bytes_are_refused(void **state) {
  (void)state;
  rem_dialect_statement statement;
  assert_int_equal(rem_dialect_rewrite(dialect, "SELECT\0 1", 9, &fixture_catalog, &statement, &err), REM_INVALID);
  assert_int_equal(err.offset, 6);
  assert_int_equal(refuse("SELECT \x01"), REM_INVALID);
  assert_int_equal(err.offset, 7);
}

/* ------------------------------------------------------------------------------------------- */

static rem_status rewrite_once(void *context, rem_error *error) {
  rem_dialect *made;
  rem_dialect_statement statement;
  const char *text = context;
  REM_TRY(rem_dialect_new(&made, error));
  rem_status status = rem_dialect_rewrite(made, text, strlen(text), &fixture_catalog, &statement, error);
  rem_dialect_free(made);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  static const char *const texts[] = {
      "SELECT 1",
      ("SELECT *, tags[0], 'a' = ANY(tags) FROM resource r JOIN files f USING (uri) WHERE r.embedding.cosine(:q) AND r.deleted_at IS NULL "
      "AND f.name IN (SELECT name FROM files) GROUP BY 1 LIMIT ?"),
      "TRAVERSE FROM 'a' DEPTH 2 DIRECTION out WHERE depth > 1", "LOOKUP 'a', 'b' IN person LIMIT 2"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    fault_sweep(rewrite_once, (void *)texts[i]);
}

/* ------------------------------------------------------------------------------------------- */

static uint64_t seed;
static uint32_t next_random(uint32_t bound) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33) % bound;
}

/* Statements of the dialect's own words in any order: never a crash, and errors that point into the text. */
static void words_in_any_order_are_translated_or_refused(void **state) {
  (void)state;
  static const char *const words[] = {
      "SELECT", "*", "FROM", "resources", "r", "JOIN", "LEFT", "files", "ON", "WHERE", "AND", "OR", "NOT", "(", ")", ",", "embedding.cosine('x')",
      "r.embedding.l2(?)", "embedding.cosine(", ">", "0.5", "= ANY(tags)", "tags[0]", "ORDER BY", "_score", "DESC", "LIMIT", "3", "GROUP BY", "name", "AS",
      "UNION ALL", "WITH", "deleted_at", "count(*)", "CASE", "END", "UPDATE", "SET", "=", "'text'", "\"q\"", "[x]", ":p", "BETWEEN", "IN (SELECT", "DISTINCT",
      "USING", "OFFSET", ".", "EXPLAIN", "SEARCH", "LOOKUP", ";", "--", "/*", "VALUES", "HAVING", "ALL(", "RETURNING", "INSERT INTO", "DELETE"};
  const char *scale = getenv("REM_TEST_SCALE");
  size_t rounds = 20000 * (size_t)(scale ? atoi(scale) : 1);
  seed = (uint64_t)(uintptr_t)&rounds ^ 0x9E3779B97F4A7C15u;
  printf("seed %llu\n", (unsigned long long)seed);
  size_t translated = 0;
  for (size_t round = 0; round < rounds; round++) {
    char text[2048] = "SELECT";
    uint32_t count = 1 + next_random(24);
    if (next_random(4) == 0) text[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
      strcat(text, " ");
      strcat(text, words[next_random(sizeof words / sizeof words[0])]);
    }
    rem_dialect_statement statement;
    rem_status status = rem_dialect_rewrite(dialect, text, strlen(text), &fixture_catalog, &statement, &err);
    if (status < 0) {
      assert_int_equal(err.code, status);
      assert_true(err.offset >= -1 && err.offset <= (int64_t)strlen(text));
      continue;
    }
    translated++;
    for (size_t i = 0; i <= statement.sql_size; i += 7) {
      int64_t at = rem_dialect_source_offset(dialect, (int64_t)i);
      assert_true(at >= 0 && at <= (int64_t)strlen(text));
    }
  }
  assert_true(translated > rounds / 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(positions_lead_back_to_the_text),
      cmocka_unit_test(errors_of_sqlite_come_back_with_place_and_hint),
      cmocka_unit_test(parameters_keep_their_numbers),
      cmocka_unit_test(statements_have_kinds),
      cmocka_unit_test(scripts_that_write_are_told_from_those_that_read),
      cmocka_unit_test(scripts_are_cut_at_their_semicolons),
      cmocka_unit_test(beyond_the_limits_is_an_error),
      cmocka_unit_test(nul_and_control_bytes_are_refused),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(words_in_any_order_are_translated_or_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
