/* SPDX-License-Identifier: Apache-2.0 */
/* What threads do to each other: no update is lost, and an index that comes or goes is never read half. */
#include "api_test.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 5
#define UPDATES 30
#define ROWS 40

static const char indexed[] = "{\"type\":\"object\",\"short_name\":\"item\",\"key_field\":\"code\",\"indexed_fields\":[\"n\"],"
                              "\"properties\":{\"code\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}}}";
static const char plain[] = "{\"type\":\"object\",\"short_name\":\"item\",\"key_field\":\"code\",\"indexed_fields\":[],"
                            "\"properties\":{\"code\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}}}";

typedef struct worker {
  pthread_t thread;
  test_db *test;
  rem_db *db;
  int number;
  atomic_bool *stop;
  int64_t done, wrong;
  rem_error error; /* of the first failure */
} worker;

static void start(worker *workers, int count, test_db *test, atomic_bool *stop, void *(*run)(void *)) {
  for (int i = 0; i < count; i++) {
    workers[i] = (worker){.test = test, .db = test->db, .number = i, .stop = stop};
    assert_int_equal(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
  }
}

static void join(worker *workers, int count) {
  for (int i = 0; i < count; i++) {
    pthread_join(workers[i].thread, NULL);
    if (workers[i].error.code)
      fail_msg("thread %d: %s", i, workers[i].error.message);
    assert_int_equal(workers[i].wrong, 0);
  }
}

/* ------------------------------------------------------------------------------------------- */

static void *update_one_row(void *context) {
  worker *w = context;
  char json[64];
  for (int i = 0; i < UPDATES && !w->error.code; i++) {
    snprintf(json, sizeof json, "{\"f%d_%d\":%d}", w->number, i, i);
    if (rem_update(w->db, "item", "a", 1, json, strlen(json), NULL, &w->error) >= 0)
      w->error.code = REM_OK;
  }
  return NULL;
}

static void updates_of_one_row_are_all_kept(void **state) {
  test_db *test = *state;
  worker workers[THREADS];
  add_schema(test, plain);
  put(test, "item", "{\"code\":\"a\"}");
  start(workers, THREADS, test, NULL, update_one_row);
  join(workers, THREADS);
  json_t *row = get(test, "item", "a");
  json_t *properties = json_object_get(row, "properties");
  for (int t = 0; t < THREADS; t++)
    for (int i = 0; i < UPDATES; i++) {
      char name[32];
      snprintf(name, sizeof name, "f%d_%d", t, i);
      assert_int_equal(json_integer_value(json_object_get(properties, name)), i);
    }
  json_decref(row);
  check_whole(test);
}

/* ------------------------------------------------------------------------------------------- */

static rem_status count_ones(rem_db *db, int64_t *ret_count, rem_error *error) {
  rem_read_options options;
  rem_cursor *cursor;
  rem_row *row;
  rem_read_options_init(&options);
  options.where_json = "{\"n\":1}";
  rem_status status = rem_list(db, "item", &options, &cursor, error);
  if (status < 0)
    return status;
  status = rem_row_new(db, &row, error);
  *ret_count = 0;
  while (status >= 0 && (status = rem_cursor_next(cursor, row, error)) == REM_ROW)
    ++*ret_count;
  rem_row_free(row);
  rem_cursor_free(cursor);
  return status;
}

static void *read_filtered(void *context) {
  worker *w = context;
  while (!atomic_load(w->stop) && !w->error.code) {
    int64_t count = 0;
    if (count_ones(w->db, &count, &w->error) < 0)
      break;
    w->wrong += count != ROWS;
    w->done++;
  }
  return NULL;
}

static void put_rows(test_db *test) {
  for (int i = 0; i < 2 * ROWS; i++) {
    char json[64];
    snprintf(json, sizeof json, "{\"code\":\"c%d\",\"n\":%d}", i, i % 2);
    put(test, "item", json);
  }
}

/* Registers the schema with and without the index, in turn. */
static void toggle(test_db *test, int count) {
  for (int i = 0; i < count; i++)
    add_schema(test, i % 2 ? plain : indexed);
}

static void filtered_reads_are_whole_while_an_index_comes_and_goes(void **state) {
  test_db *test = *state;
  worker workers[THREADS];
  atomic_bool stop = false;
  add_schema(test, plain);
  put_rows(test);
  start(workers, THREADS, test, &stop, read_filtered);
  toggle(test, 60);
  atomic_store(&stop, true);
  join(workers, THREADS);
  check_whole(test);
}

static void *refresh(void *context) {
  worker *w = context;
  while (!atomic_load(w->stop) && !w->error.code) {
    if (rem_refresh(w->db, &w->error) >= 0)
      w->error.code = REM_OK;
    w->done++;
  }
  return NULL;
}

static void filtered_reads_of_another_handle_are_whole_too(void **state) {
  test_db *test = *state;
  worker readers[3], refresher;
  atomic_bool stop = false;
  add_schema(test, plain);
  put_rows(test);
  test_db reader = *test;
  reader.db = NULL;
  test_reopen(&reader, REM_READ, NULL);
  start(readers, 3, &reader, &stop, read_filtered);
  start(&refresher, 1, &reader, &stop, refresh);
  toggle(test, 40);
  atomic_store(&stop, true);
  join(readers, 3);
  join(&refresher, 1);
  OK(rem_close(reader.db, err));
  check_whole(test);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, test_setup, test_teardown)
  const struct CMUnitTest tests[] = {
      T(updates_of_one_row_are_all_kept),
      T(filtered_reads_are_whole_while_an_index_comes_and_goes),
      T(filtered_reads_of_another_handle_are_whole_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
