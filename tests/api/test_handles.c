/* SPDX-License-Identifier: Apache-2.0 */
/* Lives of handles, options and ids: what a binding of another language leans on. */
#include "api_test.h"

#define ID "abcdef00-1111-2222-3333-444444444444"

static void what_was_handed_out_outlives_its_handle(void **state) {
  test_db *test = *state;
  rem_row *row;
  rem_cursor *cursor;
  rem_batch *batch;
  rem_job *job;
  rem_db *tenant;
  rem_read_options options;
  const char *file = "{\"uri\":\"u\",\"name\":\"n\",\"file_type\":\"text\",\"size_bytes\":1}";
  put(test, "files", file);
  rem_read_options_init(&options);
  OK(rem_db_tenant(test->db, "acme", &tenant, err));
  OK(rem_row_new(test->db, &row, err));
  OK(rem_get(test->db, "files", "u", 1, false, row, err));
  OK(rem_list(test->db, "files", &options, &cursor, err));
  OK(rem_batch_new(test->db, &batch, err));
  OK(rem_batch_put(batch, "files", file, strlen(file), err));
  OK(rem_check(test->db, false, &job, err));
  OK(rem_close(test->db, err));
  test->db = NULL;
  OK(rem_close(tenant, err));
  json_decref(run_job(job));
  rem_batch_result result;
  OK(rem_batch_commit(batch, &result, NULL, err));
  assert_int_equal(result.unchanged, 1);
  rem_batch_free(batch);
  assert_string_equal(rem_row_table(row), "files");
  rem_status status = REM_OK;
  OK(status = rem_cursor_next(cursor, row, err));
  assert_int_equal(status, REM_ROW);
  rem_cursor_free(cursor);
  rem_value value;
  OK(rem_row_field(row, "name", &value, err));
  assert_int_equal(value.text_size, 1);
  /* Still open, for the row: another writer would have to wait. */
  rem_open_options open;
  rem_error error = {0};
  rem_open_options_init(&open);
  open.mode = REM_WRITE;
  open.config = test->config;
  open.lock_wait_ms = 0;
  assert_int_equal(rem_open(test->path, &open, &test->db, &error), REM_LOCKED);
  rem_row_free(row);
  OK(rem_open(test->path, &open, &test->db, err));
  assert_int_equal(count_list(test, "files", NULL), 1);
}

static void options_that_were_never_initialised_are_misuse(void **state) {
  test_db *test = *state;
  rem_read_options read = {.limit = 5};
  rem_open_options open = {.mode = REM_WRITE};
  rem_cursor *cursor = NULL;
  rem_db *db = NULL;
  rem_error error = {0};
  assert_int_equal(rem_list(test->db, "files", &read, &cursor, &error), REM_MISUSE);
  assert_int_equal(rem_open(test->path, &open, &db, &error), REM_MISUSE);
  assert_null(cursor);
  assert_null(db);
  /* What a newer header has beyond this one is passed over. */
  struct {
    rem_read_options known;
    int64_t unknown[4];
  } newer = {0};
  rem_read_options_init(&newer.known);
  newer.known.struct_size = sizeof newer;
  newer.unknown[0] = -1;
  OK(rem_list(test->db, "files", &newer.known, &cursor, err));
  rem_cursor_free(cursor);
}

static void ids_are_text_and_bytes(void **state) {
  (void)state;
  uint8_t id[16];
  char text[REM_ID_TEXT_SIZE];
  assert_true(rem_id_parse("ABCDEF00-1111-2222-3333-444444444444", 36, id));
  assert_int_equal(id[0], 0xab);
  rem_id_format(id, text);
  assert_string_equal(text, ID);
  assert_false(rem_id_parse("abc", 3, id));
  assert_false(rem_id_parse(NULL, 0, id));
}

static void a_database_can_be_made_by_its_path_alone(void **state) {
  test_db *test = *state;
  rem_create_options options;
  rem_create_result result;
  rem_bytes current = {0};
  rem_error error = {0};
  char path[160];
  snprintf(path, sizeof path, "%s/agent/memory", test->folder);
  rem_create_options_init(&options);
  assert_int_equal(rem_create(test->config, NULL, &options, NULL, &error), REM_MISUSE);
  options.path = path;
  options.keep_current = true;
  OK(rem_create(test->config, NULL, &options, &result, err));
  assert_string_equal(result.path.data, path);
  rem_bytes_free(&result.path);
  OK(rem_resolve(test->config, NULL, &current, err));
  assert_string_equal(current.data, test->path);
  rem_bytes_free(&current);
  assert_int_equal(rem_create(test->config, NULL, &options, NULL, &error), REM_EXISTS);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, test_setup, test_teardown)
  const struct CMUnitTest tests[] = {
      T(what_was_handed_out_outlives_its_handle),
      T(options_that_were_never_initialised_are_misuse),
      T(ids_are_text_and_bytes),
      T(a_database_can_be_made_by_its_path_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
