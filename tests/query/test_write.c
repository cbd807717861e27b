/* SPDX-License-Identifier: Apache-2.0 */
/* Writing rows with SQL: documents, transactions, what they see of themselves, conflicts. */
#include "query_test.h"

static const char TASK[] =
    "{\"title\":\"Task\",\"short_name\":\"task\",\"type\":\"object\",\"key_field\":\"code\",\"indexed_fields\":[\"state\",\"points\"],"
    "\"properties\":{\"code\":{\"type\":\"string\"},\"state\":{\"type\":\"string\",\"default\":\"open\"},\"points\":{\"type\":\"integer\"},"
    "\"done\":{\"type\":\"boolean\"},\"tags\":{\"type\":\"array\"},\"due\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"note\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}},\"required\":[\"code\",\"note\"]}";

static int fill(void **state) {
  test_setup(state);
  add_schema(*state, TASK);
  return 0;
}

static void inserts_make_replace_and_ignore(void **state) {
  rem_session *s = open_session(*state);
  rem_batch_result result;
  expect(s, "INSERT INTO task(code, points, done, tags, due) VALUES ('a', 3, TRUE, '[\"x\"]', '2025-01-02'), ('b', 5, FALSE, NULL, NULL)", "");
  rem_session_commit_result(s, &result);
  assert_int_equal(result.inserted, 2);
  expect(s, "SELECT code, state, points, done, tags, due, note FROM task ORDER BY code",
         "{\"code\":\"a\",\"state\":\"open\",\"points\":3,\"done\":true,\"tags\":[\"x\"],\"due\":\"2025-01-02T00:00:00Z\",\"note\":null}\n"
         "{\"code\":\"b\",\"state\":\"open\",\"points\":5,\"done\":false,\"tags\":null,\"due\":null,\"note\":null}\n");
  expect(s, "INSERT INTO task(code, points) VALUES ('a', 4)", "");
  rem_session_commit_result(s, &result);
  assert_int_equal(result.updated, 1);
  expect(s, "SELECT points, done FROM task WHERE code = 'a'", "{\"points\":4,\"done\":null}\n");
  expect(s, "INSERT OR IGNORE INTO task(code, points) VALUES ('a', 9), ('c', 1)", "");
  expect(s, "SELECT code, points FROM task ORDER BY points", "{\"code\":\"c\",\"points\":1}\n{\"code\":\"a\",\"points\":4}\n{\"code\":\"b\",\"points\":5}\n");
  expect(s, "INSERT INTO task(_doc) VALUES ('{\"code\":\"d\",\"note\":\"n\",\"points\":7}')", "");
  expect(s, "INSERT INTO task(code, points) SELECT code || '2', points + 10 FROM task", "");
  expect(s, "SELECT count(*) AS n, sum(points) AS p FROM task", "{\"n\":8,\"p\":74}\n");
  rem_session_close(s);
  check_whole(*state);
}

static void updates_set_fields_and_deletes_hide_rows(void **state) {
  rem_session *s = open_session(*state);
  do_sql(s, "INSERT INTO task(code, points, note, tags) VALUES ('a', 1, 'n', '[1,2]'), ('b', 2, 'n', NULL), ('c', 3, 'n', NULL)");
  rem_statement *statement;
  OK(rem_session_prepare(s, "UPDATE task SET points = points + 10, note = NULL WHERE points >= 2", 67, &statement, NULL, err));
  assert_int_equal(rem_statement_step(statement, NULL), REM_DONE);
  assert_int_equal(rem_statement_changes(statement), 2);
  rem_statement_free(statement);
  expect(s, "SELECT code, points, note, tags FROM task ORDER BY code",
         "{\"code\":\"a\",\"points\":1,\"note\":\"n\",\"tags\":[1,2]}\n{\"code\":\"b\",\"points\":12,\"note\":null,\"tags\":null}\n"
         "{\"code\":\"c\",\"points\":13,\"note\":null,\"tags\":null}\n");
  expect(s, "DELETE FROM task WHERE state = 'open' AND points > 12", "");
  expect(s, "SELECT code FROM task ORDER BY 1", "{\"code\":\"a\"}\n{\"code\":\"b\"}\n");
  expect(s, "SELECT count(*) AS n, count(deleted_at) AS d FROM task", "{\"n\":3,\"d\":1}\n");
  expect(s, "SELECT code FROM task WHERE deleted_at IS NOT NULL", "{\"code\":\"c\"}\n");
  assert_int_equal(refuse(s, "UPDATE task SET code = 'z' WHERE code = 'a'", NULL), REM_INVALID);
  assert_int_equal(refuse(s, "UPDATE task SET id = '00000000-0000-0000-0000-000000000000'", NULL), REM_INVALID);
  assert_int_equal(refuse(s, "UPDATE task SET points = 'many'", NULL), REM_INVALID);
  assert_int_equal(refuse(s, "UPDATE task SET modified_at = '2020-01-01'", NULL), REM_INVALID);
  assert_int_equal(refuse(s, "INSERT INTO task(code, points) VALUES ('x', 1), ('y', 'no')", NULL), REM_INVALID);
  expect(s, "SELECT count(*) FROM task", "{\"count(*)\":2}\n");
  assert_int_equal(refuse(s, "INSERT INTO schema(name) VALUES ('x')", NULL), REM_INVALID);
  rem_session_close(s);
  check_whole(*state);
}

static void a_transaction_sees_what_it_wrote_and_nobody_else_does(void **state) {
  rem_session *s = open_session(*state), *other = open_session(*state);
  do_sql(s, "INSERT INTO task(code, points, state) VALUES ('a', 1, 'open'), ('b', 2, 'shut'), ('c', 3, 'open')");
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO task(code, points, state) VALUES ('d', 0, 'open')");
  do_sql(s, "UPDATE task SET points = 9, state = 'shut' WHERE code = 'a'");
  do_sql(s, "DELETE FROM task WHERE code = 'c'");
  expect(s, "SELECT code FROM task ORDER BY points", "{\"code\":\"d\"}\n{\"code\":\"b\"}\n{\"code\":\"a\"}\n");
  expect(s, "SELECT code FROM task ORDER BY points DESC LIMIT 2", "{\"code\":\"a\"}\n{\"code\":\"b\"}\n");
  expect(s, "SELECT code FROM task WHERE state = 'shut' ORDER BY code", "{\"code\":\"a\"}\n{\"code\":\"b\"}\n");
  expect(s, "SELECT code FROM task WHERE state = 'open'", "{\"code\":\"d\"}\n");
  expect(s, "SELECT points FROM task WHERE code = 'd'", "{\"points\":0}\n");
  expect(s, "SELECT count(*) FROM task", "{\"count(*)\":3}\n");
  expect(s, "SELECT count(*) FROM task WHERE code > ''", "{\"count(*)\":3}\n");
  expect(s, "SELECT points FROM task WHERE code IN ('a','b','c','d') ORDER BY points", "{\"points\":0}\n{\"points\":2}\n{\"points\":9}\n");
  expect(other, "SELECT code FROM task ORDER BY points", "{\"code\":\"a\"}\n{\"code\":\"b\"}\n{\"code\":\"c\"}\n");
  do_sql(s, "COMMIT");
  expect(other, "SELECT code FROM task ORDER BY points", "{\"code\":\"d\"}\n{\"code\":\"b\"}\n{\"code\":\"a\"}\n");
  rem_session_close(s);
  rem_session_close(other);
  check_whole(*state);
}

static void rollback_and_savepoints_take_back(void **state) {
  rem_session *s = open_session(*state);
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO task(code) VALUES ('a')");
  do_sql(s, "ROLLBACK");
  expect(s, "SELECT count(*) FROM task", "{\"count(*)\":0}\n");
  do_sql(s, "BEGIN");
  do_sql(s, "SAVEPOINT p");
  do_sql(s, "INSERT INTO task(code, points) VALUES ('a', 1)");
  do_sql(s, "SAVEPOINT q");
  do_sql(s, "INSERT INTO task(code) VALUES ('b')");
  do_sql(s, "UPDATE task SET points = 2 WHERE code = 'a'");
  expect(s, "SELECT code, points FROM task ORDER BY code", "{\"code\":\"a\",\"points\":2}\n{\"code\":\"b\",\"points\":null}\n");
  do_sql(s, "ROLLBACK TO q");
  expect(s, "SELECT code, points FROM task ORDER BY code", "{\"code\":\"a\",\"points\":1}\n");
  do_sql(s, "INSERT INTO task(code) VALUES ('c')");
  assert_int_equal(refuse(s, "INSERT INTO task(code, points) VALUES ('e', 1), ('f', 'bad')", NULL), REM_INVALID);
  expect(s, "SELECT code FROM task ORDER BY code", "{\"code\":\"a\"}\n{\"code\":\"c\"}\n");
  do_sql(s, "RELEASE p");
  do_sql(s, "INSERT INTO task(code) VALUES ('g')");
  do_sql(s, "COMMIT");
  expect(s, "SELECT code FROM task ORDER BY code", "{\"code\":\"a\"}\n{\"code\":\"c\"}\n{\"code\":\"g\"}\n");
  rem_session_close(s);
  check_whole(*state);
}

static void the_first_to_commit_wins(void **state) {
  rem_session *s = open_session(*state), *other = open_session(*state);
  do_sql(s, "INSERT INTO task(code, points) VALUES ('a', 1), ('b', 1)");
  do_sql(s, "BEGIN");
  expect(s, "SELECT points FROM task WHERE code = 'a'", "{\"points\":1}\n");
  do_sql(other, "UPDATE task SET points = points + 5 WHERE code = 'a'");
  expect(s, "SELECT points FROM task WHERE code = 'a'", "{\"points\":1}\n");
  do_sql(s, "UPDATE task SET points = 2 WHERE code = 'b'");
  assert_int_equal(refuse(s, "COMMIT", NULL), REM_CONFLICT);
  assert_false(rem_session_in_transaction(s));
  expect(s, "SELECT code, points FROM task ORDER BY code", "{\"code\":\"a\",\"points\":6}\n{\"code\":\"b\",\"points\":1}\n");
  do_sql(s, "BEGIN");
  do_sql(s, "UPDATE task SET points = 2 WHERE code = 'b'");
  do_sql(other, "INSERT INTO task(code) VALUES ('c')");
  do_sql(s, "COMMIT");
  expect(s, "SELECT code, points FROM task ORDER BY code", "{\"code\":\"a\",\"points\":6}\n{\"code\":\"b\",\"points\":2}\n{\"code\":\"c\",\"points\":null}\n");
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO task(code) VALUES ('new')");
  do_sql(other, "INSERT INTO task(code) VALUES ('new')");
  assert_int_equal(refuse(s, "COMMIT", NULL), REM_CONFLICT);
  rem_session_close(s);
  rem_session_close(other);
  check_whole(*state);
}

static void a_statement_keeps_its_view_over_a_commit(void **state) {
  rem_session *s = open_session(*state);
  rem_statement *reading;
  do_sql(s, "INSERT INTO task(code, points) VALUES ('a', 1), ('b', 2), ('c', 3)");
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO task(code, points) VALUES ('d', 4)");
  OK(rem_session_prepare(s, "SELECT code FROM task ORDER BY points", 37, &reading, NULL, err));
  assert_int_equal(rem_statement_step(reading, NULL), REM_ROW);
  do_sql(s, "UPDATE task SET points = 0 WHERE code = 'd'");
  do_sql(s, "COMMIT");
  int rows = 1;
  while (rem_statement_step(reading, NULL) == REM_ROW)
    rows++;
  assert_int_equal(rows, 4);
  rem_statement_free(reading);
  rem_session_close(s);
}

/* Of a table without indexes too: the plan that only counts rows is none for a write. */
static void every_row_is_updated_and_deleted(void **state) {
  static const char plain[] = "{\"title\":\"Plain\",\"short_name\":\"plain\",\"type\":\"object\",\"key_field\":\"code\",\"properties\":{\"code\":{\"type\":\"string\"}}}";
  static const char *const deletes[] = {"DELETE FROM plain", "DELETE FROM plain WHERE 1", "DELETE FROM plain WHERE (SELECT count(*) FROM task) = 0"};
  add_schema(*state, plain);
  rem_session *s = open_session(*state);
  for (size_t i = 0; i < sizeof deletes / sizeof *deletes; i++) {
    do_sql(s, "INSERT INTO plain(code) VALUES ('a'), ('b'), ('c')");
    do_sql(s, "UPDATE plain SET edges = '[\"x\"]'");
    expect(s, "SELECT count(*) AS n, min(edges) IS NOT NULL AS e FROM plain", "{\"n\":3,\"e\":1}\n");
    do_sql(s, deletes[i]);
    expect(s, "SELECT code FROM plain", "");
  }
  do_sql(s, "INSERT INTO plain(code) SELECT 'x' FROM plain UNION ALL SELECT 'y'");
  expect(s, "SELECT code FROM plain", "{\"code\":\"y\"}\n");
  rem_session_close(s);
  check_whole(*state);
}

/* By whatever name the table is read, a statement reads what was there when it began. */
static void inserted_rows_are_not_seen_by_their_own_statement(void **state) {
  rem_session *s = open_session(*state);
  static const char *const reads[] = {"(SELECT count(*) FROM task)", "(SELECT count(*) FROM task t WHERE t.code >= 'a' AND t.deleted_at IS NULL)",
                                      "(SELECT count(*) FROM entities WHERE \"table\" = 'task')", "(SELECT count(*) FROM lookup('a'))",
                                      "(SELECT count(*) FROM task WHERE points >= 0)"};
  for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
    char sql[512];
    snprintf(sql, sizeof sql, "INSERT INTO task(code, points) VALUES ('a', %s), ('b', %s), ('c', %s)", reads[i], reads[i], reads[i]);
    do_sql(s, sql);
    expect(s, "SELECT code, points FROM task ORDER BY code", "{\"code\":\"a\",\"points\":0}\n{\"code\":\"b\",\"points\":0}\n{\"code\":\"c\",\"points\":0}\n");
    do_sql(s, "DELETE FROM task");
  }
  do_sql(s, "INSERT INTO task(code, points) VALUES ('a', 1)");
  do_sql(s, "INSERT INTO task(code, points) SELECT 'b' || x.value, (SELECT sum(points + x.value) FROM task t WHERE t.deleted_at IS NULL) FROM json_each('[1, 2]') x");
  expect(s, "SELECT code, points FROM task ORDER BY code", "{\"code\":\"a\",\"points\":1}\n{\"code\":\"b1\",\"points\":2}\n{\"code\":\"b2\",\"points\":3}\n");
  rem_session_close(s);
}

static void a_read_only_session_has_no_way_to_write(void **state) {
  test_db *test = *state;
  rem_session *s;
  rem_session_options options;
  rem_session_options_init(&options);
  options.read_only = true;
  OK(rem_session_open(test->db, &options, &s, err));
  assert_int_equal(refuse(s, "INSERT INTO task(code) VALUES ('a')", NULL), REM_READONLY);
  assert_int_equal(refuse(s, "UPDATE task SET points = 1", NULL), REM_READONLY);
  assert_int_equal(refuse(s, "DELETE FROM task", NULL), REM_READONLY);
  do_sql(s, "BEGIN");
  expect(s, "SELECT count(*) FROM task", "{\"count(*)\":0}\n");
  do_sql(s, "COMMIT");
  rem_session_close(s);
}

/* Texts too long for an index have their place among the rows of a transaction all the same. */
static void long_texts_of_a_transaction_are_in_order(void **state) {
  rem_session *s = open_session(*state);
  do_sql(s, "INSERT INTO task(code, state) VALUES ('s', 'm')");
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO task(code, state) SELECT 'n' || value, printf('%.600c', 'k') || char(97 + value * 7 % 10) FROM json_each('[0,1,2,3,4,5,6,7,8,9]')");
  char *expected = run(s, "SELECT state FROM task ORDER BY +state LIMIT 20");
  expect(s, "SELECT state FROM task ORDER BY state LIMIT 20", expected);
  free(expected);
  expected = run(s, "SELECT state FROM task ORDER BY +state DESC LIMIT 20");
  expect(s, "SELECT state FROM task ORDER BY state DESC LIMIT 20", expected);
  free(expected);
  do_sql(s, "ROLLBACK");
  rem_session_close(s);
}

/* Rows with ids of their own are found by their keys while they are pending, and no more when they are taken back. */
static void pending_rows_with_ids_of_their_own_have_keys(void **state) {
  static const char by_key[] = "SELECT points FROM task WHERE code = 'k'";
  static const char by_scan[] = "SELECT points FROM task WHERE +code = 'k'";
  rem_session *s = open_session(*state);
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO task(id, code, points) VALUES ('11111111-1111-4111-8111-111111111111', 'k', 1)");
  do_sql(s, "SAVEPOINT one");
  do_sql(s, "INSERT INTO task(code, points) VALUES ('k', 2)");
  expect(s, by_key, "{\"points\":2}\n");
  expect(s, by_scan, "{\"points\":2}\n");
  do_sql(s, "DELETE FROM task WHERE code = 'k'");
  expect(s, by_key, "");
  do_sql(s, "ROLLBACK TO one");
  expect(s, by_key, "{\"points\":1}\n");
  do_sql(s, "UPDATE task SET points = 3 WHERE code = 'k'");
  expect(s, "SELECT id, points FROM task", "{\"id\":\"11111111-1111-4111-8111-111111111111\",\"points\":3}\n");
  do_sql(s, "ROLLBACK TO one");
  do_sql(s, "INSERT INTO task(code, points) VALUES ('k', 4), ('l', 5)");
  expect(s, "SELECT code, points FROM task ORDER BY points", "{\"code\":\"k\",\"points\":4}\n{\"code\":\"l\",\"points\":5}\n");
  do_sql(s, "COMMIT");
  expect(s, "SELECT count(*) AS n FROM task", "{\"n\":2}\n");
  expect(s, by_key, "{\"points\":4}\n");
  rem_session_close(s);
  check_whole(*state);
}

/* A deleted row keeps its key: it is found by it where deleted rows are, and an insert of that key brings it back. */
static void a_deleted_pending_row_keeps_its_key(void **state) {
  rem_session *s = open_session(*state);
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO task(id, code, points) VALUES ('11111111-1111-4111-8111-111111111111', 'k', 1)");
  do_sql(s, "DELETE FROM task WHERE code = 'k'");
  expect(s, "SELECT points FROM task WHERE code = 'k' AND deleted_at IS NOT NULL", "{\"points\":1}\n");
  expect(s, "SELECT points FROM task WHERE code = 'k'", "");
  do_sql(s, "INSERT INTO task(code, points) VALUES ('k', 2)");
  static const char back[] = "SELECT id, points FROM task WHERE code = 'k'", row[] = "{\"id\":\"11111111-1111-4111-8111-111111111111\",\"points\":2}\n";
  expect(s, back, row);
  do_sql(s, "COMMIT");
  expect(s, back, row);
  expect(s, "SELECT count(*) AS n FROM task", "{\"n\":1}\n");
  rem_session_close(s);
  check_whole(*state);
}

/* What an id of its own collides with is an error of its statement, and the transaction goes on. */
static void ids_and_keys_collide_where_they_are_written(void **state) {
  rem_session *s = open_session(*state);
  rem_error error;
  add_schema(*state, "{\"title\":\"Other\",\"short_name\":\"other\",\"type\":\"object\",\"key_field\":\"code\",\"properties\":{\"code\":{\"type\":\"string\"}}}");
  do_sql(s, "INSERT INTO task(code, points) VALUES ('stored', 1)");
  do_sql(s, "INSERT INTO other(id, code) VALUES ('33333333-3333-4333-8333-333333333333', 'o')");
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO task(code, points) VALUES ('pending', 2)");
  do_sql(s, "INSERT INTO task(id, code) VALUES ('11111111-1111-4111-8111-111111111111', 'own')");
  static const struct {
    const char *id, *code, *message;
  } collisions[] = {
      {"22222222-2222-4222-8222-222222222222", "stored", "id 22222222-2222-4222-8222-222222222222 cannot have the key 'stored' in 'task': row "},
      {"22222222-2222-4222-8222-222222222222", "pending", "id 22222222-2222-4222-8222-222222222222 cannot have the key 'pending' in 'task': row "},
      {"22222222-2222-4222-8222-222222222222", "own",
       "id 22222222-2222-4222-8222-222222222222 cannot have the key 'own' in 'task': row 11111111-1111-4111-8111-111111111111 has it"},
      {"11111111-1111-4111-8111-111111111111", "else", "row 11111111-1111-4111-8111-111111111111 of 'task' has the key 'own', and a key cannot change"},
      {"33333333-3333-4333-8333-333333333333", "new", "id 33333333-3333-4333-8333-333333333333 is that of a row of 'other'"},
  };
  for (size_t i = 0; i < sizeof collisions / sizeof *collisions; i++) {
    char sql[256];
    snprintf(sql, sizeof sql, "INSERT INTO task(id, code) VALUES ('44444444-4444-4444-8444-444444444444', 'fine'), ('%s', '%s')", collisions[i].id, collisions[i].code);
    assert_int_equal(refuse(s, sql, &error), REM_CONFLICT);
    assert_memory_equal(error.message, collisions[i].message, strlen(collisions[i].message));
    assert_true(rem_session_in_transaction(s));
  }
  do_sql(s, "INSERT INTO other(id, code) VALUES ('55555555-5555-4555-8555-555555555555', 'p')");
  assert_int_equal(refuse(s, "INSERT INTO task(id, code) VALUES ('55555555-5555-4555-8555-555555555555', 'q')", NULL), REM_CONFLICT);
  /* The row's own id with its own key is an update. */
  do_sql(s, "INSERT INTO task(id, code, points) VALUES ('11111111-1111-4111-8111-111111111111', 'own', 7)");
  do_sql(s, "COMMIT");
  expect(s, "SELECT code, points FROM task ORDER BY code", "{\"code\":\"own\",\"points\":7}\n{\"code\":\"pending\",\"points\":2}\n{\"code\":\"stored\",\"points\":1}\n");
  /* Alone, it is the same. */
  assert_int_equal(refuse(s, "INSERT INTO task(id, code) VALUES ('22222222-2222-4222-8222-222222222222', 'own')", NULL), REM_CONFLICT);
  rem_session_close(s);
  check_whole(*state);
}

/* Rows written between reads stay in the order of their ids, each once. */
static void reads_between_writes_see_all_of_them(void **state) {
  rem_session *s = open_session(*state);
  do_sql(s, "INSERT INTO task(code, points) SELECT 'k' || value, 1 FROM json_each('[1,2,3,4,5,6,7,8,9]')");
  do_sql(s, "BEGIN");
  for (int i = 1; i < 20; i += 2) {
    char sql[128], row[64];
    snprintf(sql, sizeof sql, "INSERT INTO task(code, points) VALUES ('k%d', 10), ('k%d', 10)", i, i + 1);
    do_sql(s, sql);
    snprintf(sql, sizeof sql, "UPDATE task SET points = points + 1 WHERE code = 'k%d'", i);
    do_sql(s, sql);
    snprintf(row, sizeof row, "{\"n\":%d,\"d\":%d}\n", i + 1 > 9 ? i + 1 : 9, i + 1 > 9 ? i + 1 : 9);
    expect(s, "SELECT count(*) AS n, count(DISTINCT id) AS d FROM task WHERE points > 0", row);
  }
  expect(s, "SELECT sum(points) AS p FROM task", "{\"p\":210}\n");
  char *expected = run(s, "SELECT id FROM task ORDER BY +id");
  expect(s, "SELECT id FROM task ORDER BY id", expected);
  free(expected);
  do_sql(s, "COMMIT");
  expect(s, "SELECT count(*) AS n, sum(points) AS p FROM task", "{\"n\":20,\"p\":210}\n");
  do_sql(s, "INSERT INTO task(code, points) WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000) SELECT 'c' || x, x FROM c");
  expect(s, "SELECT count(*) AS n, sum(points) AS p FROM task WHERE code IN (SELECT code FROM task)", "{\"n\":1020,\"p\":500710}\n");
  expect(s, "SELECT count(*) AS n, sum(points) AS p FROM task WHERE id IN (SELECT id FROM task WHERE points <= 300)", "{\"n\":320,\"p\":45360}\n");
  rem_session_close(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(inserts_make_replace_and_ignore, fill, test_teardown),
      cmocka_unit_test_setup_teardown(updates_set_fields_and_deletes_hide_rows, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_transaction_sees_what_it_wrote_and_nobody_else_does, fill, test_teardown),
      cmocka_unit_test_setup_teardown(rollback_and_savepoints_take_back, fill, test_teardown),
      cmocka_unit_test_setup_teardown(the_first_to_commit_wins, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_statement_keeps_its_view_over_a_commit, fill, test_teardown),
      cmocka_unit_test_setup_teardown(long_texts_of_a_transaction_are_in_order, fill, test_teardown),
      cmocka_unit_test_setup_teardown(pending_rows_with_ids_of_their_own_have_keys, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_deleted_pending_row_keeps_its_key, fill, test_teardown),
      cmocka_unit_test_setup_teardown(ids_and_keys_collide_where_they_are_written, fill, test_teardown),
      cmocka_unit_test_setup_teardown(reads_between_writes_see_all_of_them, fill, test_teardown),
      cmocka_unit_test_setup_teardown(every_row_is_updated_and_deleted, fill, test_teardown),
      cmocka_unit_test_setup_teardown(inserted_rows_are_not_seen_by_their_own_statement, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_read_only_session_has_no_way_to_write, fill, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
