/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction finds what it has written by every way rows are found: what LOOKUP, FUZZY, TRAVERSE and indexes give inside it is what they give once it is committed. REM_TEST_SEED
 * repeats a run.
 */
#include "query_test.h"

#include "chance.h"
#include "base/alloc.h"
#include "query/session_internal.h"

static const char NODE[] =
    "{\"title\":\"Node\",\"short_name\":\"node\",\"type\":\"object\",\"key_field\":\"code\",\"indexed_fields\":[\"kind\",\"weight\",\"tags\"],"
    "\"properties\":{\"code\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"},\"weight\":{\"type\":\"integer\"},"
    "\"tags\":{\"type\":\"array\"}},\"required\":[\"code\"]}";
static const char OTHER[] = "{\"title\":\"Other\",\"short_name\":\"other\",\"type\":\"object\",\"key_field\":\"code\",\"properties\":{\"code\":{\"type\":\"string\"}}}";

static int fill(void **state) {
  test_setup(state);
  add_schema(*state, NODE);
  add_schema(*state, OTHER);
  return 0;
}

/* ---- writes at random ---- */

static void write_at_random(rem_session *s) {
  char sql[1024];
  uint32_t code = chance(24);
  switch (chance(12)) {
  case 10: snprintf(sql, sizeof sql, "INSERT INTO moments(name, moment_type, start_time) VALUES ('m%u', 'event', '2025-01-0%u')", chance(6), 1 + chance(9)); break;
  case 11: snprintf(sql, sizeof sql, "DELETE FROM moments WHERE name = 'm%u' AND start_time < '2025-01-0%u'", chance(6), 1 + chance(9)); break;
  case 0: snprintf(sql, sizeof sql, "DELETE FROM node WHERE code = 'n%02u'", code); break;
  case 1: snprintf(sql, sizeof sql, "INSERT INTO other(code) VALUES ('n%02u'), ('o%u')", code, chance(4)); break;
  case 2: snprintf(sql, sizeof sql, "DELETE FROM other WHERE code = 'n%02u'", code); break;
  case 3: snprintf(sql, sizeof sql, "UPDATE node SET kind = 'k%u', tags = '[\"t%u\", %u]' WHERE code >= 'n%02u' AND code < 'n%02u'", chance(4), chance(4), chance(3), code, code + 3); break;
  case 4: snprintf(sql, sizeof sql, "UPDATE node SET edges = '[\"n%02u\", {\"target\": \"n%02u\", \"table\": \"other\", \"type\": \"likes\"}]' WHERE code = 'n%02u'", chance(24), chance(24), code); break;
  case 5: snprintf(sql, sizeof sql, "INSERT INTO node(id, code, kind) VALUES ('00000000-0000-4000-8000-0000000000%02x', 'x%02u', 'k%u')", code, code, chance(4)); break;
  default:
    snprintf(sql, sizeof sql, "INSERT INTO node(code, name, kind, weight, edges) VALUES ('n%02u', 'name %u', 'k%u', %u, '[{\"target\": \"n%02u\", \"type\": \"%s\", \"weight\": 0.5}, \"x%02u\"]')",
             code, chance(9), chance(4), chance(9), chance(24), chance(2) ? "knows" : "likes", chance(24));
  }
  do_sql(s, sql);
}

static void write_some(rem_session *s, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (chance(8)) {
      write_at_random(s);
      continue;
    }
    do_sql(s, "SAVEPOINT p");
    for (uint32_t k = 1 + chance(4); k > 0; k--)
      write_at_random(s);
    if (chance(3)) free(run(s, "SELECT count(*) FROM traverse('n00', 3, 'both')"));
    do_sql(s, chance(2) ? "ROLLBACK TO p" : "RELEASE p");
    if (chance(2)) free(run(s, "SELECT count(*) FROM node WHERE kind = 'k1'"));
  }
}

/* ---- questions ---- */

static void ask_at_random(char *sql, size_t size) {
  static const char *const directions[] = {"out", "in", "both"};
  switch (chance(11)) {
  case 9: snprintf(sql, size, "SELECT name, start_time FROM moments WHERE name IN ('m%u', 'm%u') ORDER BY 1, 2", chance(6), chance(6)); return;
  case 10: snprintf(sql, size, "SELECT code, kind FROM node WHERE code = 'x%02u'", chance(24)); return;
  case 0: snprintf(sql, size, "SELECT \"table\", match, id, key FROM lookup('n%02u')", chance(24)); return;
  case 1: snprintf(sql, size, "SELECT \"table\", match, id, key FROM lookup('%s', 'prefix')", chance(2) ? "n0" : "x"); return;
  case 2: snprintf(sql, size, "SELECT \"table\", match, id, key, score FROM fuzzy('n%02u')", chance(24)); return;
  case 3: snprintf(sql, size, "SELECT \"table\", match, key FROM lookup('N%02u', 'ignore-case')", chance(24)); return;
  case 4: snprintf(sql, size, "SELECT code, weight FROM node WHERE kind = 'k%u' ORDER BY code", chance(4)); return;
  case 5: snprintf(sql, size, "SELECT code FROM node WHERE weight BETWEEN %u AND %u ORDER BY weight, code", chance(5), 3 + chance(6)); return;
  case 6: snprintf(sql, size, "SELECT code FROM node WHERE %s = ANY(tags) ORDER BY code", chance(2) ? "'t1'" : "2"); return;
  default:
    snprintf(sql, size, "SELECT depth, \"table\", id, key, source, type, direction FROM traverse('%s%02u', %u, '%s'%s)", chance(5) ? "n" : "x", chance(24), 1 + chance(3),
             directions[chance(3)], chance(3) ? "" : ", 'likes'");
  }
}

#define QUESTIONS 60

static void what_is_found_inside_is_what_is_found_after(void **state) {
  begin_chance();
  rem_session *s = open_session(*state);
  for (int round = 0, rounds = scaled(12); round < rounds; round++) {
    static char questions[QUESTIONS][256];
    char *inside[QUESTIONS];
    do_sql(s, "BEGIN");
    write_some(s, 1 + chance(20));
    for (int i = 0; i < QUESTIONS; i++) {
      ask_at_random(questions[i], sizeof questions[i]);
      inside[i] = run(s, questions[i]);
      /* A write between two questions is seen by the second; the first is asked again below. */
      if (chance(10) == 0) {
        write_at_random(s);
        for (int k = 0; k <= i; k++) {
          free(inside[k]);
          inside[k] = run(s, questions[k]);
        }
      }
    }
    do_sql(s, "COMMIT");
    for (int i = 0; i < QUESTIONS; i++) {
      expect(s, questions[i], inside[i]);
      free(inside[i]);
    }
  }
  rem_session_close(s);
  check_whole(*state);
}

/* What was taken back is found no more, and what it had replaced is found again, whenever the entries were made. */
static void rows_taken_back_are_found_as_they_were(void **state) {
  rem_session *s = open_session(*state);
  do_sql(s, "INSERT INTO node(code, kind, name) VALUES ('s', 'old', 'stored')");
  for (int reads = 0; reads < 4; reads++) { /* before the savepoint, and inside it */
    do_sql(s, "BEGIN");
    do_sql(s, "INSERT INTO node(code, kind, name, edges) VALUES ('a', 'old', 'first', '[\"s\"]')");
    if (reads & 1) expect(s, "SELECT key FROM lookup('A', 'ignore-case')", "{\"key\":\"a\"}\n");
    do_sql(s, "SAVEPOINT p");
    do_sql(s, "UPDATE node SET kind = 'new', name = 'second' WHERE code IN ('a', 's')");
    do_sql(s, "UPDATE node SET edges = '[]' WHERE code = 'a'");
    do_sql(s, "INSERT INTO node(code, name) VALUES ('b', 'second')");
    if (reads & 2) expect(s, "SELECT code FROM node WHERE kind = 'new' ORDER BY code", "{\"code\":\"a\"}\n{\"code\":\"s\"}\n");
    if (reads & 2) expect(s, "LOOKUP 'b' IN other", "");
    do_sql(s, "ROLLBACK TO p");
    expect(s, "SELECT key FROM lookup('b')", "");
    expect(s, "SELECT key FROM lookup('A', 'ignore-case')", "{\"key\":\"a\"}\n");
    expect(s, "SELECT code FROM node WHERE kind = 'new'", "");
    expect(s, "SELECT code FROM node WHERE kind = 'old' ORDER BY code", "{\"code\":\"a\"}\n{\"code\":\"s\"}\n");
    expect(s, "SELECT key FROM traverse('s', 1, 'in')", "{\"key\":\"a\"}\n");
    do_sql(s, "ROLLBACK");
  }
  rem_session_close(s);
}

/* ---- conflicts ---- */

static void rows_that_verbs_give_count_as_read(void **state) {
  static const char *const readings[] = {"LOOKUP 'a'", "FUZZY 'a'", "TRAVERSE FROM 'b' DEPTH 1", "SELECT code FROM node WHERE kind = 'k'"};
  rem_session *s = open_session(*state), *other = open_session(*state);
  do_sql(s, "INSERT INTO node(code, kind) VALUES ('a', 'k')");
  do_sql(s, "INSERT INTO node(code, edges) VALUES ('b', '[\"a\"]')");
  for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
    char sql[128];
    do_sql(s, "BEGIN");
    do_sql(s, "INSERT INTO node(code) VALUES ('c')");
    free(run(s, readings[i]));
    snprintf(sql, sizeof sql, "UPDATE node SET weight = %zu WHERE code = 'a'", i);
    do_sql(other, sql);
    assert_int_equal(refuse(s, "COMMIT", NULL), REM_CONFLICT);
  }
  rem_session_close(s);
  rem_session_close(other);
}

/* ---- work ---- */

static uint64_t seen_by(const rem_session *s) {
  return rem_transaction_seen(s->transaction_view->transaction);
}

/* Finding a few rows of a transaction that has written many costs their entries, not all. */
static void a_lookup_costs_what_it_finds(void **state) {
  rem_session *s = open_session(*state);
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO node(code, kind, weight, name) WITH c(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM c WHERE x < 4999)"
            " SELECT printf('c%04d', x), 'kind ' || (x % 1000), x, 'name ' || x FROM c");
  uint64_t before = seen_by(s);
  for (int i = 0; i < 200; i++) {
    char sql[128], row[64];
    snprintf(sql, sizeof sql, "SELECT count(*) AS n FROM node WHERE kind = 'kind %d'", i);
    expect(s, sql, "{\"n\":5}\n");
    snprintf(sql, sizeof sql, "UPDATE node SET name = 'again' WHERE weight = %d", i);
    do_sql(s, sql);
    snprintf(sql, sizeof sql, "SELECT key FROM lookup('c%04d')", i);
    snprintf(row, sizeof row, "{\"key\":\"c%04d\"}\n", i);
    expect(s, sql, row);
  }
  do_sql(s, "INSERT INTO node(id, code) VALUES ('00000000-0000-4000-8000-000000000001', 'own')");
  do_sql(s, "INSERT INTO moments(name, moment_type, start_time) VALUES ('m', 'event', '2025-01-01')");
  expect(s, "SELECT count(*) AS n FROM node WHERE code IN ('own', 'c0001', 'none')", "{\"n\":2}\n");
  expect(s, "SELECT count(*) AS n FROM moments WHERE name = 'm'", "{\"n\":1}\n");
  /* 5 of a kind, one of a weight (and the one before it was changed, dead), one of a key. */
  assert_true(seen_by(s) - before <= 200 * 10);
  do_sql(s, "ROLLBACK");
  rem_session_close(s);
}

/* ---- memory ---- */

/* Runs the statements until one fails, as it may when memory is out; what it says then is that. */
static rem_status run_all(rem_session *s, rem_error *error) {
  static const char *const statements[] = {
      "BEGIN", "INSERT INTO node(code, kind, tags, edges) VALUES ('a', 'k', '[1,2]', '[\"s\"]'), ('b', 'k', '[1]', '[]')",
      "INSERT INTO node(id, code) VALUES ('11111111-1111-4111-8111-111111111111', 'own')", "SELECT * FROM lookup('a')",
      "SELECT * FROM traverse('s', 2, 'both')", "SAVEPOINT p", "UPDATE node SET kind = 'm' WHERE code IN ('a', 's', 'own')",
      "SELECT * FROM node WHERE kind = 'm' ORDER BY kind", "ROLLBACK TO p", "SELECT * FROM fuzzy('own')", "SELECT * FROM node WHERE 1 = ANY(tags) AND kind = 'k'",
      "SELECT max(created_at) > ?1, coalesce(modified_at, ?1) FROM node WHERE code = ?2 OR kind = ?2", "DELETE FROM node WHERE code = 's'", "SELECT * FROM lookup('s')", "ROLLBACK"};
  for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
    rem_statement *statement = NULL;
    rem_status status = rem_session_prepare(s, statements[i], strlen(statements[i]), &statement, NULL, error);
    const rem_value day = {.type = REM_TYPE_TEXT, .text = "2025-01-01", .text_size = 10};
    for (int k = 1; status == REM_OK && k <= rem_statement_parameter_count(statement); k++)
      status = rem_statement_bind(statement, k, &day, error);
    while (status >= 0 && status != REM_DONE)
      status = rem_statement_step(statement, error);
    rem_statement_free(statement);
    if (status < 0)
      return status;
  }
  return REM_OK;
}

static void memory_may_end_anywhere(void **state) {
  rem_session *s = open_session(*state);
  do_sql(s, "INSERT INTO node(code, kind) VALUES ('s', 'm')");
  rem_session_close(s);
  for (int64_t n = 1, passed = 0; passed < 5; n++) {
    rem_error error = {0};
    assert_true(n < 20000);
    s = open_session(*state);
    rem_alloc_fail_at(n, n % 2);
    rem_status status = run_all(s, &error);
    rem_alloc_fail_at(0, 0);
    if (status != REM_OK && status != REM_NOMEM && status != REM_LIMIT)
      fail_msg("allocation %d: %s: %s", (int)n, rem_status_name(status), error.message);
    if (rem_session_in_transaction(s))
      do_sql(s, "ROLLBACK");
    if (n % 16 == 0 || status == REM_OK)
      expect(s, "SELECT key, match FROM lookup('s')", "{\"key\":\"s\",\"match\":\"key\"}\n");
    rem_session_close(s);
    passed = status == REM_OK ? passed + 1 : 0;
  }
  check_whole(*state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_found_inside_is_what_is_found_after, fill, test_teardown),
      cmocka_unit_test_setup_teardown(rows_taken_back_are_found_as_they_were, fill, test_teardown),
      cmocka_unit_test_setup_teardown(rows_that_verbs_give_count_as_read, fill, test_teardown),
      cmocka_unit_test_setup_teardown(memory_may_end_anywhere, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_lookup_costs_what_it_finds, fill, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
