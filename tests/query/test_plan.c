/* SPDX-License-Identifier: Apache-2.0 */
/* Which way rows are found, and that every way finds the same. */
#include <math.h>
#include <time.h>

#include "entity/engine.h"
#include "query/selectivity.h"
#include "query/session_internal.h"
#include "query_test.h"

static const char ITEM[] =
    "{\"title\":\"Item\",\"short_name\":\"item\",\"type\":\"object\",\"key_field\":\"code\",\"indexed_fields\":[\"part\",\"state\",\"size\"],\"properties\":{"
    "\"code\":{\"type\":\"string\"},\"part\":{\"type\":\"string\"},\"state\":{\"type\":\"string\"},\"size\":{\"type\":\"integer\"},"
    "\"note\":{\"type\":\"string\"}}}";

/* Rows 0 to 2,999: `part` has 1,000 values of three rows each; `state` is 'open' in nearly all rows, 'lost' in eight; `size` is the row's number. */
static int fill(void **state) {
  test_setup(state);
  test_db *test = *state;
  add_schema(test, ITEM);
  rem_session *s = open_session(test);
  do_sql(s, "INSERT INTO item (code, part, state, size) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999)"
            " SELECT 'c' || i, 'p' || (i % 1000), CASE WHEN i % 400 = 199 THEN 'lost' ELSE 'open' END, i FROM n");
  rem_session_close(s);
  return 0;
}

/* Few rows of an index are fetched at first, more as the walk goes on. */
static void a_walk_of_an_index_gives_every_row_once_wherever_it_ends(void **state) {
  test_db *test = *state;
  rem_session *s = open_session(test);
  expect(s, "SELECT count(*) AS n, sum(size) AS s, count(DISTINCT code) AS d FROM item WHERE state = 'open'", "{\"n\":2992,\"s\":4485708,\"d\":2992}\n");
  expect(s, "SELECT count(*) AS n, sum(size) AS s FROM item WHERE state = 'lost' AND note IS NULL", "{\"n\":8,\"s\":12792}\n");
  static const int limits[] = {1, 2, 4, 5, 20, 21, 84, 85, 148, 149, 700};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    char sql[200], rows[200];
    int n = limits[i];
    snprintf(sql, sizeof sql, "SELECT count(note) + count(*) AS n, min(size) AS a, max(size) AS b FROM (SELECT * FROM item WHERE size >= 100 ORDER BY size LIMIT %d)", n);
    snprintf(rows, sizeof rows, "{\"n\":%d,\"a\":100,\"b\":%d}\n", n, 99 + n);
    expect(s, sql, rows);
    snprintf(sql, sizeof sql, "SELECT count(note) + count(*) AS n, min(size) AS a, max(size) AS b FROM (SELECT * FROM item WHERE size < 2000 ORDER BY size DESC LIMIT %d)", n);
    snprintf(rows, sizeof rows, "{\"n\":%d,\"a\":%d,\"b\":1999}\n", n, 2000 - n);
    expect(s, sql, rows);
  }
  rem_session_close(s);
}

/* There the rows that the transaction has written are merged in at their places. */
static void in_a_transaction_its_rows_stand_among_the_others(void **state) {
  test_db *test = *state;
  rem_session *s = open_session(test);
  do_sql(s, "BEGIN");
  do_sql(s, "UPDATE item SET size = 5000 WHERE code = 'c150'");
  do_sql(s, "DELETE FROM item WHERE code = 'c151'");
  do_sql(s, "INSERT INTO item (code, part, state, size) VALUES ('x', 'px', 'open', 151)");
  expect(s, "SELECT code, note, size FROM item WHERE size BETWEEN 149 AND 153 ORDER BY size",
         "{\"code\":\"c149\",\"note\":null,\"size\":149}\n{\"code\":\"x\",\"note\":null,\"size\":151}\n{\"code\":\"c152\",\"note\":null,\"size\":152}\n"
         "{\"code\":\"c153\",\"note\":null,\"size\":153}\n");
  expect(s, "SELECT count(*) AS n, sum(size) AS s FROM item WHERE state = 'open'", "{\"n\":2992,\"s\":4490558}\n");
  do_sql(s, "ROLLBACK");
  rem_session_close(s);
}

/* The words of the plan. Owned: free(). */
static char *plan_of(rem_session *s, const char *sql) {
  rem_bytes text = {0};
  OK(rem_session_explain(s, sql, strlen(sql), &text, err));
  char *copy = strdup(text.data);
  rem_bytes_free(&text);
  return copy;
}

static void expect_plan(rem_session *s, const char *sql, const char *words) {
  char *plan = plan_of(s, sql);
  if (!strstr(plan, words))
    fail_msg("%s\n--- wanted: %s\n--- plan: %s", sql, words, plan);
  free(plan);
}

static void of_two_indexes_the_one_that_picks_fewer_rows_is_taken(void **state) {
  rem_session *s = open_session(*state);
  static const struct {
    const char *where, *words;
  } cases[] = {
      {"part = 'p7' AND state = 'open'", "index of part: part = ?"},
      {"state = 'open' AND part = 'p7'", "index of part: part = ?"},
      {"part = 'p7' AND state = 'lost'", "index of part: part = ?"}, /* three rows and eight */
      {"size > 5 AND state = 'lost'", "index of state: state = ?"},
      {"size > 2990 AND state = 'open'", "index of size: size > ?"},
      {"size BETWEEN 40 AND 43 AND state = 'lost'", "index of size: size >= ? AND size <= ?"},
      {"part LIKE 'p99%' AND size >= 5", "index of part: part LIKE ?"},
      {"part = ? AND state = ?", "index of part: part = ?"},
      {"state = ?2 AND part = ?1", "index of part: part = ?"},
      {"state = 'open'", "all rows; filter: state = ?"}, /* nearly all: fetching them one by one costs more */
      {"state = 'lost'", "index of state: state = ?"},
      {"state = 'none' AND part = 'p7'", "index of state: state = ?"},
      {"code = 'c5' AND state = 'lost'", "key: code = ?"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT note FROM item WHERE %s", cases[i].where);
    expect_plan(s, sql, cases[i].words);
  }
  rem_session_close(s);
}

static double mean_of(rem_module *module, const char *column) {
  const rem_comparison unknown = {.op = SQLITE_INDEX_CONSTRAINT_EQ};
  for (int i = 0; i < module->columns.id; i++)
    if (strcmp(module->columns.items[i].name, column) == 0)
      return rem_selectivity_equal(module, i, &unknown);
  return -2;
}

static void rows_a_value_are_told_from_a_sample(void **state) {
  rem_session *s = open_session(*state);
  rem_catalog_entry *entry;
  do_sql(s, "SELECT 1 FROM item LIMIT 1");
  OK(rem_catalog_find(s->catalog, "item", &entry, err));
  assert_true(fabs(mean_of(entry->live, "part") - 3) < 1e-9);
  assert_true(fabs(mean_of(entry->live, "size") - 1) < 1e-9);
  /* Two values, one of 2,992 rows: the mean is between 2 (each value counts the same) and 2,992 (each row does), told from both ends of the ids. */
  double mean = mean_of(entry->live, "state");
  if (mean < 100 || mean > 3000)
    fail_msg("%g", mean);
  rem_session_close(s);
}

/* More entries than are looked at are told from how close the ids at both ends lie; ids may be hashes or times. */
static void many_rows_of_a_value_are_told_from_their_ids(void **state) {
  test_db *test = *state;
  rem_session *s = open_session(test);
  rem_catalog_entry *entry;
  static const char *const ids[] = {"printf('%08x-0000-7000-8000-%012x', 26214400 + i, i)", "printf('0196%04x-%04x-7000-8000-%012x', i / 7, i % 7, i)"};
  for (int kind = 0; kind < 2; kind++) {
    char sql[400], name[16];
    snprintf(name, sizeof name, "timed%d", kind);
    snprintf(sql, sizeof sql, "{\"title\":\"T\",\"short_name\":\"%s\",\"type\":\"object\",\"indexed_fields\":[\"kind\"],\"properties\":{\"kind\":{\"type\":\"string\"}}}", name);
    add_schema(test, sql);
    snprintf(sql, sizeof sql, "INSERT INTO %s (id, kind) WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT %s, 'same' FROM n", name, kind * 5000,
             kind * 5000 + 1999, ids[kind]);
    do_sql(s, sql);
    OK(rem_catalog_find(s->catalog, name, &entry, err));
    double rows = mean_of(entry->live, "kind");
    if (rows < 1500 || rows > 2000)
      fail_msg("%s: %g of 2000", name, rows);
  }
  rem_session_close(s);
}

/* However the FROM is written. */
static void a_join_begins_where_the_fewest_rows_are(void **state) {
  rem_session *s = open_session(*state);
  static const char *const statements[] = {
      "SELECT few.note, many.note FROM item many JOIN item few ON few.part = many.part WHERE few.state = 'lost' AND many.state = 'open'",
      "SELECT few.note, many.note FROM item few JOIN item many ON few.part = many.part WHERE few.state = 'lost' AND many.state = 'open'",
  };
  for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
    char *plan = plan_of(s, statements[i]);
    const char *few = strstr(plan, "few"), *many = strstr(plan, "many");
    if (!few || !many || few > many || !strstr(plan, "index of part: part = ?"))
      fail_msg("%s: %s", statements[i], plan);
    free(plan);
  }
  rem_session_close(s);
}

static void the_same_rows_give_the_same_plan(void **state) {
  test_db *test = *state;
  static const char sql[] = "SELECT a.note FROM item a JOIN item b ON b.part = a.part JOIN item c ON c.state = b.state AND c.size = a.size WHERE a.state = ?";
  rem_session *s = open_session(test);
  char *first = plan_of(s, sql), *again = plan_of(s, sql);
  assert_string_equal(first, again);
  rem_session_close(s);
  OK(rem_kv_flush(test->db->engine->kv, err));
  OK(rem_kv_compact(test->db->engine->kv, REM_CF_FIELD_INDEX, (rem_slice){0}, (rem_slice){0}, err));
  s = open_session(test);
  char *laid_out_anew = plan_of(s, sql);
  assert_string_equal(first, laid_out_anew);
  rem_session_close(s);
  free(first);
  free(again);
  free(laid_out_anew);
}

/* ---- IN: SQLite does not look the rows up in a plain list of keys again ---- */

/* The rows that a list picks by their key are those that it picks of an expression, which no index serves; it has the same affinity. */
static void same_by_key(rem_session *s, const char *list) {
  char by_key[1200], by_scan[1200];
  snprintf(by_key, sizeof by_key, "SELECT code, size FROM item WHERE code IN (%s) ORDER BY 1, 2", list);
  snprintf(by_scan, sizeof by_scan, "SELECT code, size FROM item WHERE CAST(code AS TEXT) IN (%s) ORDER BY 1, 2", list);
  char *expected = run(s, by_scan);
  expect(s, by_key, expected);
  free(expected);
}

static void odd_rows(rem_session *s) {
  do_sql(s, "INSERT INTO item (code, size) VALUES ('', 9001), ('17', 9002), ('1.5', 9003), ('x''y', 9004), ('c1 ', 9005)");
  do_sql(s, "INSERT INTO item (size) VALUES (9006)");
  do_sql(s, "INSERT INTO item (id, code, size) VALUES ('11111111-1111-4111-8111-111111111111', 'own', 9007)");
}

static void a_list_of_keys_picks_what_a_scan_picks(void **state) {
  rem_session *s = open_session(*state);
  static const char *const fixed[] = {"'c1'",         "'c1','c1','c2'", "'','c3'",       "''",            "16+1,'c4'",     "1.0+0.5, 16+1",
                                      "'own','c5'",   "'c6', NULL",     "'c7', zeroblob(2)", "'c1 ','C1'",    "'c8', 0-1",     "'x''y',''",
                                      "'', NULL, 16+1", "'none','no'",  "'c9','c' || 9", "'c8', 9+1.0",   "'17.0',16+1.0", "'c7', lower('C7')"};
  odd_rows(s);
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
      same_by_key(s, fixed[i]);
    if (round == 0) {
      do_sql(s, "BEGIN");
      do_sql(s, "UPDATE item SET size = 100000 WHERE code IN ('c1', 'c7', '17', 'own')");
      do_sql(s, "DELETE FROM item WHERE code IN ('c3', 'c8', '1.5')");
      do_sql(s, "INSERT INTO item (code, size) VALUES ('no', 9100), ('18', 9101)");
      do_sql(s, "INSERT INTO item (id, code, size) VALUES ('22222222-2222-4222-8222-222222222222', 'none', 9102)");
    }
  }
  do_sql(s, "ROLLBACK");
  rem_session_close(s);
}

static void lists_drawn_at_random_pick_what_a_scan_picks(void **state) {
  rem_session *s = open_session(*state);
  const char *given = getenv("REM_TEST_SEED");
  unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
  print_message("seed %u\n", seed);
  odd_rows(s);
  for (int i = 0; i < 60; i++) {
    static const char *const odd[] = {"''", "16+1", "NULL", "'own'", "1+0.5", "x'00' || x''", "'C5'", "'17'"};
    char list[1000] = "";
    int count = 1 + rand_r(&seed) % 40;
    for (int k = 0; k < count; k++) {
      int kind = rand_r(&seed) % 12;
      size_t size = strlen(list);
      if (kind < 2)
        snprintf(list + size, sizeof list - size, "%s%s", k ? "," : "", odd[rand_r(&seed) % 8]);
      else
        snprintf(list + size, sizeof list - size, "%s'c%d'", k ? "," : "", rand_r(&seed) % 3300);
    }
    same_by_key(s, list);
  }
  rem_session_close(s);
}

static void other_forms_of_in_pick_what_they_mean(void **state) {
  rem_session *s = open_session(*state);
  odd_rows(s);
  /* Beside a column of numbers texts compare as numbers; so the query's side decides, and SQLite judges the rows. */
  expect(s, "SELECT code FROM item WHERE code IN (SELECT size - 8985 FROM item WHERE size = 9002)", "{\"code\":\"17\"}\n");
  expect(s, "SELECT code FROM item -- it's\n WHERE code IN (SELECT size - 8985 FROM item WHERE size = 9002) -- it's", "{\"code\":\"17\"}\n");
  expect(s, "SELECT code AS \"it's\" FROM item WHERE code IN (SELECT size - 8985 FROM item WHERE size = 9002) AND note IS NOT 'it''s'", "{\"it's\":\"17\"}\n");
  expect(s, "SELECT code FROM item WHERE code = 'c1' OR code = 'c2' ORDER BY 1", "{\"code\":\"c1\"}\n{\"code\":\"c2\"}\n");
  expect(s, "SELECT count(*) AS n FROM item WHERE code NOT IN ('c1', 'c2')", "{\"n\":3004}\n");
  expect(s, "SELECT count(*) AS n FROM item WHERE code IN ('C1', 'C2') COLLATE NOCASE", "{\"n\":0}\n");
  expect(s, "SELECT count(*) AS n FROM item WHERE code COLLATE NOCASE IN ('C1', 'C2')", "{\"n\":2}\n");
  expect(s, "SELECT a.code, b.code AS other FROM item a LEFT JOIN item b ON b.size = a.size + 1 AND b.code IN ('c2', 'c5') WHERE a.code IN ('c1', 'c2') ORDER BY 1",
         "{\"code\":\"c1\",\"other\":\"c2\"}\n{\"code\":\"c2\",\"other\":null}\n");
  expect(s, "SELECT size FROM item WHERE id IN ('11111111-1111-4111-8111-111111111111', upper('aaaaaaaa-1111-4111-8111-111111111111'), 3 + 4, NULL)", "{\"size\":9007}\n");
  rem_session_close(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_walk_of_an_index_gives_every_row_once_wherever_it_ends, fill, test_teardown),
      cmocka_unit_test_setup_teardown(in_a_transaction_its_rows_stand_among_the_others, fill, test_teardown),
      cmocka_unit_test_setup_teardown(of_two_indexes_the_one_that_picks_fewer_rows_is_taken, fill, test_teardown),
      cmocka_unit_test_setup_teardown(rows_a_value_are_told_from_a_sample, fill, test_teardown),
      cmocka_unit_test_setup_teardown(many_rows_of_a_value_are_told_from_their_ids, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(a_join_begins_where_the_fewest_rows_are, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_list_of_keys_picks_what_a_scan_picks, fill, test_teardown),
      cmocka_unit_test_setup_teardown(lists_drawn_at_random_pick_what_a_scan_picks, fill, test_teardown),
      cmocka_unit_test_setup_teardown(other_forms_of_in_pick_what_they_mean, fill, test_teardown),
      cmocka_unit_test_setup_teardown(the_same_rows_give_the_same_plan, fill, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
