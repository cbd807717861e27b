/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads on one handle: every index exact afterwards, no acknowledged write lost, one writer a database. */
#include "api_test.h"

#include <pthread.h>

#define THREADS 8
#define KEYS 40
#define ROUNDS 60

static const char item[] =
    "{\"title\":\"Item\",\"type\":\"object\",\"short_name\":\"item\",\"key_field\":\"k\",\"indexed_fields\":[\"n\",\"tags\"],"
    "\"properties\":{\"k\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"},\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}";

typedef struct worker {
  test_db *test;
  int number;
  int64_t written;
  char failure[REM_ERROR_MESSAGE_SIZE];
} worker;

static unsigned next_random(unsigned *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static rem_status one_write(worker *w, unsigned *seed, rem_error *err) {
  char key[16], json[256];
  rem_write_result result = {0};
  snprintf(key, sizeof key, "key-%u", next_random(seed) % KEYS);
  snprintf(json, sizeof json, "{\"k\":\"%s\",\"n\":%u,\"tags\":[\"t%u\",\"t%u\"],\"edges\":[\"key-%u\"]}", key,
           next_random(seed) % 1000, next_random(seed) % 5, next_random(seed) % 5, next_random(seed) % KEYS);
  unsigned kind = next_random(seed) % 10;
  rem_status status;
  if (kind == 0)
    status = rem_delete(w->test->db, "item", key, strlen(key), &result, err);
  else if (kind == 1)
    status = rem_update(w->test->db, "item", key, strlen(key), "{\"n\":-1}", 8, &result, err);
  else
    status = rem_put(w->test->db, "item", json, strlen(json), &result, err);
  w->written += status == REM_OK && result.seq != 0;
  /* A row deleted by another thread while it was being updated: first come, first served (D29). */
  return status == REM_CONFLICT && kind == 1 ? REM_OK : status;
}

static void *write_rows(void *context) {
  worker *w = context;
  rem_error error = {0};
  unsigned seed = 4711u + (unsigned)w->number;
  for (int i = 0; i < ROUNDS; i++)
    if (one_write(w, &seed, &error) < 0) {
      memcpy(w->failure, error.message, sizeof w->failure);
      break;
    }
  return NULL;
}

/* No thread may outlive the test, so all are joined before the first failure is told. */
static void join_all(pthread_t *threads, worker *workers, int count) {
  for (int i = 0; i < count; i++)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < count; i++)
    assert_string_equal(workers[i].failure, "");
}

static void eight_threads_on_the_same_keys_leave_every_index_exact(void **state) {
  test_db *test = *state;
  worker workers[THREADS];
  pthread_t threads[THREADS];
  add_schema(test, item);
  rem_write_result start = put(test, "item", "{\"k\":\"first\"}");
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (worker){.test = test, .number = i};
    assert_int_equal(pthread_create(&threads[i], NULL, write_rows, &workers[i]), 0);
  }
  int64_t written = 0;
  join_all(threads, workers, THREADS);
  for (int i = 0; i < THREADS; i++)
    written += workers[i].written;
  /* Each acknowledged write has a number of its own. */
  rem_write_result end = put(test, "item", "{\"k\":\"last\"}");
  assert_int_equal(end.seq - start.seq - 1, written);
  check_whole(test);
}

static void *register_schemas(void *context) {
  worker *w = context;
  for (int i = 0; i < 10; i++) {
    json_t *schema = json_loads(item, 0, NULL);
    if (i % 2)
      json_array_append_new(json_object_get(schema, "indexed_fields"), json_string("k"));
    char *text = json_dumps(schema, 0);
    rem_bytes result = {0};
    rem_error error = {0};
    if (rem_schema_add(w->test->db, text, strlen(text), NULL, &result, &error) < 0)
      memcpy(w->failure, error.message, sizeof w->failure);
    rem_bytes_free(&result);
    free(text);
    json_decref(schema);
  }
  return NULL;
}

static void indexes_come_and_go_beside_writers(void **state) {
  test_db *test = *state;
  worker workers[4];
  pthread_t threads[4];
  add_schema(test, item);
  for (int i = 0; i < 4; i++) {
    workers[i] = (worker){.test = test, .number = i};
    assert_int_equal(pthread_create(&threads[i], NULL, i == 0 ? register_schemas : write_rows, &workers[i]), 0);
  }
  join_all(threads, workers, 4);
  check_whole(test);
}

static void *read_rows(void *context) {
  worker *w = context;
  for (int i = 0; i < 30; i++) {
    rem_cursor *cursor;
    rem_error error = {0};
    rem_read_options options;
    rem_read_options_init(&options);
    options.where_json = "{\"tags\":\"t1\"}";
    if (rem_list(w->test->db, "item", &options, &cursor, &error) < 0) {
      memcpy(w->failure, error.message, sizeof w->failure);
      return NULL;
    }
    count_cursor(w->test->db, cursor); /* an index that disagrees with the rows is an error */
  }
  return NULL;
}

static void readers_see_rows_and_indexes_of_one_moment(void **state) {
  test_db *test = *state;
  worker workers[4];
  pthread_t threads[4];
  add_schema(test, item);
  for (int i = 0; i < 4; i++) {
    workers[i] = (worker){.test = test, .number = i};
    assert_int_equal(pthread_create(&threads[i], NULL, i < 2 ? write_rows : read_rows, &workers[i]), 0);
  }
  join_all(threads, workers, 4);
}

static void a_second_writer_is_refused(void **state) {
  test_db *test = *state;
  rem_open_options options;
  rem_db *second;
  rem_error error = {0};
  rem_open_options_init(&options);
  options.mode = REM_WRITE;
  options.config = test->config;
  options.lock_wait_ms = 0;
  assert_int_equal(rem_open(test->path, &options, &second, &error), REM_LOCKED);
  assert_non_null(strstr(error.message, "this process"));
}

static void an_interrupt_ends_calls_until_it_is_cleared(void **state) {
  test_db *test = *state;
  add_schema(test, item);
  rem_interrupt(test->db);
  assert_int_equal(rem_put(test->db, "item", "{\"k\":\"a\"}", 9, NULL, NULL), REM_CANCELLED);
  rem_interrupt_clear(test->db);
  put(test, "item", "{\"k\":\"a\"}");
  check_whole(test);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, test_setup, test_teardown)
  const struct CMUnitTest tests[] = {
      T(eight_threads_on_the_same_keys_leave_every_index_exact),
      T(indexes_come_and_go_beside_writers),
      T(readers_see_rows_and_indexes_of_one_moment),
      T(a_second_writer_is_refused),
      T(an_interrupt_ends_calls_until_it_is_cleared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
