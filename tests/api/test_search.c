/* SPDX-License-Identifier: Apache-2.0 */
/* Search by meaning with the real model: completeness under limits, filters, deletes; pending rows. */
#include "api_test.h"

static void put_resource(test_db *test, int number, const char *category, const char *content) {
  char json[512];
  snprintf(json, sizeof json, "{\"uri\":\"file:///%d\",\"name\":\"n\",\"category\":\"%s\",\"content\":\"%s\"}", number, category, content);
  put(test, "resources", json);
}

/* These tests need the real model; without it they fail, and say how to get it. */
static void fill(test_db *test) {
  rem_bytes list = {0};
  OK(rem_model_list(test->config, &list, err));
  if (!strstr(list.data, "all-MiniLM-L6-v2"))
    fail_msg("the model is not installed in '%s': run 'make model'", rem_config_get(test->config, "P8_MODELS_DIR"));
  rem_bytes_free(&list);
  put_resource(test, 0, "cooking", "Bake the bread at 220 degrees for forty minutes.");
  put_resource(test, 1, "cooking", "Whisk the eggs with sugar until the cream is pale.");
  put_resource(test, 2, "computing", "The database writes a log before it changes a page.");
  put_resource(test, 3, "computing", "Backups are taken every night and restored once a month.");
  put_resource(test, 4, "travel", "The night train to Vienna leaves from platform nine.");
}

typedef struct hits {
  char uris[16][32];
  double scores[16];
  size_t count;
  int64_t pending;
} hits;

static hits search(test_db *test, const char *text, const char *table, const char *where, int64_t limit, double least) {
  hits found = {0};
  rem_read_options options;
  rem_cursor *cursor;
  rem_row *row;
  rem_read_options_init(&options);
  options.where_json = where;
  options.limit = limit;
  options.min_score = least;
  OK(rem_search(test->db, text, strlen(text), table, &options, &cursor, &found.pending, err));
  OK(rem_row_new(test->db, &row, err));
  for (rem_status status = REM_ROW; status == REM_ROW;) {
    OK(status = rem_cursor_next(cursor, row, err));
    if (status != REM_ROW)
      break;
    rem_value uri;
    OK(rem_row_field(row, "uri", &uri, err));
    snprintf(found.uris[found.count], sizeof found.uris[0], "%.*s", (int)uri.text_size, uri.text);
    found.scores[found.count++] = rem_row_score(row);
  }
  rem_row_free(row);
  rem_cursor_free(cursor);
  return found;
}

static void the_best_answer_comes_first(void **state) {
  test_db *test = *state;
  fill(test);
  assert_string_equal(search(test, "how do I make bread", NULL, NULL, 3, NAN).uris[0], "file:///0");
  assert_string_equal(search(test, "railway connection to Austria", "resources", NULL, 3, NAN).uris[0], "file:///4");
  hits all = search(test, "write-ahead logging", "resources", NULL, 10, NAN);
  assert_int_equal(all.count, 5);
  assert_string_equal(all.uris[0], "file:///2");
  for (size_t i = 1; i < all.count; i++)
    assert_true(all.scores[i - 1] >= all.scores[i]);
  check_whole(test);
}

static void limits_count_rows_that_satisfy_everything(void **state) {
  test_db *test = *state;
  fill(test);
  hits cooking = search(test, "database", "resources", "{\"category\":\"cooking\"}", 2, NAN);
  assert_int_equal(cooking.count, 2);
  OK(rem_delete(test->db, "resources", "file:///2:0", 11, NULL, err));
  OK(rem_delete(test->db, "resources", "file:///3:0", 11, NULL, err));
  hits live = search(test, "database backup", "resources", NULL, 3, NAN);
  assert_int_equal(live.count, 3);
  hits none = search(test, "database", "resources", "{\"category\":\"none\"}", 3, NAN);
  assert_int_equal(none.count, 0);
  check_whole(test);
}

static void a_threshold_gives_every_match(void **state) {
  test_db *test = *state;
  fill(test);
  hits some = search(test, "The night train to Vienna leaves from platform nine.", "resources", NULL, -1, 0.9);
  assert_int_equal(some.count, 1);
  assert_true(some.scores[0] > 0.99);
  assert_int_equal(search(test, "x", "resources", NULL, -1, -1.0).count, 5);
}

static void a_changed_text_has_a_changed_vector(void **state) {
  test_db *test = *state;
  fill(test);
  put_resource(test, 4, "travel", "Sourdough starter needs feeding twice a day.");
  assert_true(search(test, "feeding a sourdough starter", "resources", NULL, 1, NAN).scores[0] > 0.7);
  assert_string_equal(search(test, "feeding a sourdough starter", "resources", NULL, 1, NAN).uris[0], "file:///4");
  OK(rem_update(test->db, "resources", "file:///4:0", 11, "{\"category\":\"moved\"}", 20, NULL, err));
  assert_string_equal(search(test, "feeding a sourdough starter", "resources", NULL, 1, NAN).uris[0], "file:///4");
  check_whole(test);
}

static void a_filter_over_all_tables_is_for_those_that_have_its_fields(void **state) {
  test_db *test = *state;
  rem_error error = {0};
  rem_cursor *cursor;
  rem_read_options options;
  fill(test);
  hits found = search(test, "bread and cream", NULL, "{\"category\":\"cooking\",\"ordinal\":0}", 5, NAN);
  assert_int_equal(found.count, 2);
  rem_read_options_init(&options);
  options.where_json = "{\"categori\":\"cooking\"}";
  assert_int_equal(rem_search(test->db, "bread", 5, NULL, &options, &cursor, NULL, &error), REM_UNKNOWN);
  assert_non_null(strstr(error.message, "'categori'"));
  options.where_json = "{\"category\":";
  assert_int_equal(rem_search(test->db, "bread", 5, NULL, &options, &cursor, NULL, &error), REM_INVALID);
}

static void without_a_model_rows_are_stored_and_pending(void **state) {
  test_db *test = *state;
  char models[256];
  rem_job *job;
  rem_error error = {0};
  snprintf(models, sizeof models, "%s", rem_config_get(test->config, "P8_MODELS_DIR"));
  OK(rem_config_set(test->config, "P8_MODELS_DIR", "/nonexistent", err));
  test_reopen(test, REM_WRITE, NULL);
  rem_write_result result = put(test, "resources", "{\"uri\":\"u\",\"name\":\"n\",\"content\":\"late\"}");
  assert_true(result.pending);
  check_whole(test);
  rem_cursor *cursor;
  OK(rem_embed_pending(test->db, &job, err));
  assert_int_equal(rem_job_step(job, NULL, &error), REM_MODEL);
  rem_job_free(job);
  assert_int_equal(rem_search(test->db, "late", 4, "schema", NULL, &cursor, NULL, &error), REM_MODEL);
  assert_true(error.hint[0] != 0);
  OK(rem_config_set(test->config, "P8_MODELS_DIR", models, err));
  test_reopen(test, REM_WRITE, NULL);
  assert_int_equal(search(test, "late", "resources", NULL, 5, NAN).pending, 1);
  OK(rem_embed_pending(test->db, &job, err));
  json_t *done = run_job(job);
  assert_int_equal(json_integer_value(json_object_get(done, "embedded")), 1);
  assert_int_equal(json_integer_value(json_object_get(done, "pending")), 0);
  json_decref(done);
  hits found = search(test, "late", "resources", NULL, 5, NAN);
  assert_int_equal(found.count, 1);
  assert_int_equal(found.pending, 0);
  check_whole(test);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, test_setup, test_teardown)
  const struct CMUnitTest tests[] = {
      T(the_best_answer_comes_first),   T(limits_count_rows_that_satisfy_everything),
      T(a_threshold_gives_every_match), T(a_changed_text_has_a_changed_vector),
      T(a_filter_over_all_tables_is_for_those_that_have_its_fields),
      T(without_a_model_rows_are_stored_and_pending),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
