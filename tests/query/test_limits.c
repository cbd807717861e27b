/* SPDX-License-Identifier: Apache-2.0 */
/* What stops a statement: its time, an interrupt, rows, memory, length; and that the session goes on after. */
#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include "entity/engine.h"

#include "query_test.h"

static const char ENDLESS[] = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";

static rem_session *limited(test_db *test, const rem_session_options *options) {
  rem_session *session;
  OK(rem_session_open(test->db, options, &session, err));
  return session;
}

static void fill(test_db *test) {
  add_schema(test, "{\"title\":\"Item\",\"short_name\":\"item\",\"type\":\"object\",\"key_field\":\"code\",\"properties\":{\"code\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"}}}");
  rem_session *session = open_session(test);
  do_sql(session, "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) INSERT INTO item(code, text) SELECT 'k' || n, 'text ' || n FROM c");
  rem_session_close(session);
}

static void time_ends_a_statement(void **state) {
  rem_session_options options;
  rem_error error;
  rem_session_options_init(&options);
  options.timeout_ms = 50;
  fill(*state);
  rem_session *s = limited(*state, &options);
  assert_int_equal(refuse(s, ENDLESS, &error), REM_TIMEOUT);
  assert_int_equal(refuse(s, "SELECT count(*) FROM item a, item b, item c, item d WHERE a.text < b.text AND c.text > d.text", NULL), REM_TIMEOUT);
  assert_int_equal(refuse(s, "INSERT INTO item(code) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT 'x' || n FROM c", NULL), REM_TIMEOUT);
  expect(s, "SELECT count(*) FROM item", "{\"count(*)\":500}\n");
  rem_session_close(s);
  check_whole(*state);
}

static void *interrupt_soon(void *db) {
  usleep(30000);
  rem_interrupt(db);
  return NULL;
}

static void an_interrupt_ends_a_statement(void **state) {
  test_db *test = *state;
  pthread_t thread;
  rem_session *s = open_session(test);
  assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, test->db), 0);
  assert_int_equal(refuse(s, ENDLESS, NULL), REM_CANCELLED);
  pthread_join(thread, NULL);
  assert_int_equal(refuse(s, "SELECT 1", NULL), REM_CANCELLED);
  rem_interrupt_clear(test->db);
  expect(s, "SELECT 1 AS n", "{\"n\":1}\n");
  rem_session_close(s);
}

static void rows_memory_and_text_are_bounded(void **state) {
  rem_session_options options;
  rem_session_options_init(&options);
  options.max_rows = 10;
  options.memory_bytes = 2 << 20;
  options.max_text_bytes = 2000;
  options.max_depth = 30;
  options.max_columns = 20;
  fill(*state);
  rem_session *s = limited(*state, &options);
  assert_int_equal(refuse(s, "SELECT code FROM item", NULL), REM_LIMIT);
  free(run(s, "SELECT code FROM item LIMIT 10"));
  assert_int_equal(refuse(s, "SELECT length(hex(zeroblob(4000000)))", NULL), REM_LIMIT);
  assert_int_equal(refuse(s, "INSERT INTO item(code, text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000) SELECT 'x' || n, 'some text' FROM c", NULL),
                   REM_LIMIT);
  char text[4096] = "SELECT 1";
  for (int i = 0; i < 60; i++)
    strcat(text, " + 1");
  assert_true(refuse(s, text, NULL) < 0);
  memset(text, ' ', 3000);
  strcpy(text + 3000, "SELECT 1");
  assert_true(refuse(s, text, NULL) < 0);
  strcpy(text, "SELECT 1");
  for (int i = 0; i < 30; i++)
    strcat(text, ", 1");
  assert_true(refuse(s, text, NULL) < 0);
  expect(s, "SELECT count(*) FROM item", "{\"count(*)\":500}\n");
  rem_session_close(s);
}

static void deep_statements_are_told_what_to_do(void **state) {
  char sql[4096] = "SELECT ";
  rem_error error;
  rem_session *s = open_session(*state);
  for (int i = 0; i < 95; i++)
    strcat(sql, "(");
  strcat(sql, "1");
  for (int i = 0; i < 95; i++)
    strcat(sql, ")");
  assert_int_equal(refuse(s, sql, &error), REM_LIMIT);
  assert_string_equal(error.hint, "put fewer parentheses, NOT and CASE inside each other");
  strcpy(sql, "SELECT 1");
  for (int i = 0; i < 250; i++)
    strcat(sql, " OR 1");
  assert_int_equal(refuse(s, sql, &error), REM_LIMIT);
  assert_string_equal(error.hint, "write a chain of OR as IN (…), or ask in several statements");
  rem_session_close(s);
}

static void the_limit_of_text_is_for_a_statement_not_for_a_script(void **state) {
  rem_session_options options;
  rem_statement *statement = NULL;
  rem_session_options_init(&options);
  options.max_text_bytes = 100;
  rem_session *s = limited(*state, &options);
  char script[8000] = "";
  for (int i = 0; i < 200; i++)
    strcat(script, "SELECT 1, 2, 3 AS n;\n   ");
  size_t size = strlen(script), at = 0, count = 0;
  while (at < size) {
    size_t used = 0;
    OK(rem_session_prepare(s, script + at, size - at, &statement, &used, err));
    assert_int_equal(used, 24);
    assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
    rem_statement_free(statement);
    at += used;
    count++;
  }
  assert_int_equal(count, 200);
  assert_int_equal(rem_session_prepare(s, script, size, &statement, NULL, NULL), REM_LIMIT);
  memset(script, ' ', 120);
  size_t used = 0;
  assert_int_equal(rem_session_prepare(s, script, size, &statement, &used, NULL), REM_LIMIT);
  rem_session_close(s);
}

static char temporary[] = "/tmp/rem-test-temporary-XXXXXX";

static size_t names_in(const char *folder) {
  size_t count = 0;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir));)
    count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

/* Files that the process has open in the folder, though they have no name there. */
static size_t open_in(const char *folder) {
  size_t count = 0;
  DIR *dir = opendir("/proc/self/fd");
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir));) {
    char link[300], target[400];
    snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
    ssize_t size = readlink(link, target, sizeof target - 1);
    count += size > 0 && strncmp(target, folder, strlen(folder)) == 0;
  }
  closedir(dir);
  return count;
}

/* A quarter of a million rows of 200 bytes, with 4 MiB of memory for them. */
#define LARGE_SORT "SELECT a.text || b.text || hex(zeroblob(90)) AS t FROM item a, item b ORDER BY t"

static void sorts_go_on_in_files_without_names(void **state) {
  rem_session_options options;
  rem_session_options_init(&options);
  options.memory_bytes = 4 << 20;
  fill(*state);
  rem_session *s = limited(*state, &options);
  rem_statement *statement;
  OK(rem_session_prepare(s, LARGE_SORT, strlen(LARGE_SORT), &statement, NULL, err));
  assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
  assert_true(open_in(temporary) > 0);
  assert_int_equal(names_in(temporary), 0);
  size_t rows = 1;
  for (rem_status status; (status = rem_statement_step(statement, NULL)) == REM_ROW;)
    rows++;
  assert_int_equal(rows, 250000);
  rem_statement_free(statement);
  assert_int_equal(open_in(temporary), 0);
  rem_session_close(s);
}

static void temporary_files_are_bounded(void **state) {
  rem_session_options options;
  rem_error error;
  rem_session_options_init(&options);
  options.memory_bytes = 4 << 20;
  options.temp_bytes = 8 << 20;
  fill(*state);
  rem_session *s = limited(*state, &options);
  static const char *const statements[] = {
      LARGE_SORT,
      "SELECT count(DISTINCT a.text || b.text || hex(zeroblob(90))) FROM item a, item b",
      "SELECT t, count(*) FROM (" LARGE_SORT ") GROUP BY t || 'x' ORDER BY 2",
      "SELECT count(*) FROM (SELECT a.text || b.text || hex(zeroblob(90)) AS t FROM item a, item b UNION SELECT code FROM item)",
  };
  for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
    assert_int_equal(refuse(s, statements[i], &error), REM_LIMIT);
    assert_string_equal(error.message, "the statement needs more than 8 MiB of temporary files");
    assert_non_null(strstr(error.hint, "P8_QUERY_TEMP_SIZE"));
    assert_int_equal(open_in(temporary), 0);
  }
  /* What was let go counts no more. */
  for (int i = 0; i < 5; i++)
    expect(s, "SELECT count(*) AS n FROM (SELECT DISTINCT a.text || b.text AS t FROM item a, item b LIMIT 100000)", "{\"n\":100000}\n");
  rem_session_close(s);
}

static void the_setting_bounds_temporary_files(void **state) {
  test_db *test = *state;
  rem_error error;
  fill(test);
  OK(rem_config_set(test->db->engine->config, "P8_QUERY_TEMP_SIZE", "2", err));
  rem_session_options options;
  rem_session_options_init(&options);
  options.memory_bytes = 4 << 20;
  rem_session *s = limited(test, &options);
  assert_int_equal(refuse(s, LARGE_SORT, &error), REM_LIMIT);
  assert_string_equal(error.message, "the statement needs more than 2 MiB of temporary files");
  rem_session_close(s);
}

static void statements_outlive_their_session_as_shells(void **state) {
  rem_statement *statement;
  rem_session *s = open_session(*state);
  OK(rem_session_prepare(s, "SELECT 1", 8, &statement, NULL, err));
  assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
  rem_session_close(s);
  assert_int_equal(rem_statement_step(statement, NULL), REM_MISUSE);
  assert_int_equal(rem_statement_column_count(statement), 0);
  rem_statement_free(statement);
}

int main(void) {
  /* SQLite asks for it once. */
  if (!mkdtemp(temporary) || setenv("SQLITE_TMPDIR", temporary, 1) != 0)
    return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(time_ends_a_statement, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(an_interrupt_ends_a_statement, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(rows_memory_and_text_are_bounded, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(deep_statements_are_told_what_to_do, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(the_limit_of_text_is_for_a_statement_not_for_a_script, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(sorts_go_on_in_files_without_names, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(temporary_files_are_bounded, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(the_setting_bounds_temporary_files, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(statements_outlive_their_session_as_shells, test_setup, test_teardown),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(temporary);
  return failed;
}
