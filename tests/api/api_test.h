/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this module share: a database in a temporary folder, and short ways to write and read it through the
 * public functions (they are linked with the api module).
 */
#ifndef REM_TESTS_API_TEST_H
#define REM_TESTS_API_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "rem.h"

#define OK(call)                                                                                   \
  do {                                                                                             \
    rem_error ok_error = {0};                                                                      \
    rem_error *err = &ok_error;                                                                    \
    rem_status ok_status = (call);                                                                 \
    if (ok_status < 0)                                                                             \
      fail_msg("%s: %s (%s) hint: %s", #call, ok_error.message, rem_status_name(ok_status), ok_error.hint); \
  } while (0)

typedef struct test_db {
  char folder[64];
  char path[128];
  rem_config *config;
  rem_db *db;
} test_db;

static void test_reopen(test_db *test, rem_mode mode, const char *tenant) {
  rem_open_options options;
  if (test->db)
    OK(rem_close(test->db, err));
  test->db = NULL;
  rem_open_options_init(&options);
  options.mode = mode;
  options.config = test->config;
  options.tenant = tenant;
  options.durability = REM_OS;
  OK(rem_open(test->path, &options, &test->db, err));
}

static int test_setup(void **state) {
  test_db *test = calloc(1, sizeof *test);
  snprintf(test->folder, sizeof test->folder, "/tmp/rem-api-XXXXXX");
  assert_non_null(mkdtemp(test->folder));
  snprintf(test->path, sizeof test->path, "%s/test.db", test->folder);
  OK(rem_config_load(&test->config, err));
  /* The models are those installed on this machine, whatever folder the rest is moved to. */
  char *models = strdup(rem_config_get(test->config, "P8_MODELS_DIR"));
  OK(rem_config_set(test->config, "P8_HOME", test->folder, err));
  OK(rem_config_set(test->config, "P8_MODELS_DIR", models, err));
  free(models);
  rem_create_options create;
  rem_create_options_init(&create);
  create.path = test->path;
  OK(rem_create(test->config, "test", &create, NULL, err));
  test_reopen(test, REM_WRITE, NULL);
  *state = test;
  return 0;
}

static int test_teardown(void **state) {
  test_db *test = *state;
  char command[128];
  OK(rem_close(test->db, err));
  rem_config_free(test->config);
  snprintf(command, sizeof command, "rm -rf '%s'", test->folder);
  assert_int_equal(system(command), 0);
  free(test);
  return 0;
}

static inline rem_write_result put(test_db *test, const char *table, const char *json) {
  rem_write_result result = {0};
  OK(rem_put(test->db, table, json, strlen(json), &result, err));
  return result;
}

static inline void add_schema(test_db *test, const char *json) {
  rem_bytes result = {0};
  OK(rem_schema_add(test->db, json, strlen(json), NULL, &result, err));
  rem_bytes_free(&result);
}

/* The entity as JSON, or NULL when there is none. Owned. */
static inline json_t *get(test_db *test, const char *table, const char *key) {
  rem_row *row;
  rem_bytes json = {0};
  rem_error error = {0};
  OK(rem_row_new(test->db, &row, err));
  rem_status status = rem_get(test->db, table, key, strlen(key), false, row, &error);
  if (status < 0)
    fail_msg("get %s: %s", key, error.message);
  json_t *parsed = NULL;
  if (status == REM_OK) {
    OK(rem_row_json(row, 0, &json, err));
    parsed = json_loadb(json.data, json.size, 0, NULL);
    assert_non_null(parsed);
    rem_bytes_free(&json);
  }
  rem_row_free(row);
  return parsed;
}

static inline json_t *run_job(rem_job *job) {
  rem_bytes json = {0};
  for (rem_status status = REM_ROW; status == REM_ROW;)
    OK(status = rem_job_step(job, NULL, err));
  OK(rem_job_result(job, &json, err));
  rem_job_free(job);
  json_t *parsed = json_loadb(json.data, json.size, 0, NULL);
  rem_bytes_free(&json);
  assert_non_null(parsed);
  return parsed;
}

/* Every invariant holds. */
static inline void check_whole(test_db *test) {
  rem_job *job;
  OK(rem_check(test->db, false, &job, err));
  json_t *result = run_job(job);
  if (!json_is_true(json_object_get(result, "ok")))
    fail_msg("check: %s", json_dumps(result, JSON_INDENT(1)));
  json_decref(result);
}

static inline int64_t count_cursor(rem_db *db, rem_cursor *cursor) {
  rem_row *row;
  int64_t count = 0;
  OK(rem_row_new(db, &row, err));
  for (rem_status status = REM_ROW; status == REM_ROW;) {
    OK(status = rem_cursor_next(cursor, row, err));
    count += status == REM_ROW;
  }
  rem_row_free(row);
  rem_cursor_free(cursor);
  return count;
}

static inline int64_t count_list(test_db *test, const char *table, const char *where) {
  rem_cursor *cursor;
  rem_read_options options;
  rem_read_options_init(&options);
  options.where_json = where;
  OK(rem_list(test->db, table, &options, &cursor, err));
  return count_cursor(test->db, cursor);
}

static inline int64_t count_lookup(test_db *test, const char *key, unsigned flags) {
  rem_cursor *cursor;
  OK(rem_lookup(test->db, key, strlen(key), flags, -1, &cursor, err));
  return count_cursor(test->db, cursor);
}

#endif
