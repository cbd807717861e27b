/* SPDX-License-Identifier: Apache-2.0 */
/* Embedding through the public functions, by a small service in this process: vectors for callers, slots, and moving a table to another model
 * under the hands of writers and searches. */
#include "api/api_test.h"
#include "embed/embedding_server.h"
#include "entity/job.h"

enum { ROWS = 150, DIMENSION = 4 };

static int setup(void **state) {
  char url[64];
  if (!server_start() || test_setup(state) != 0)
    return -1;
  test_db *test = *state;
  snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", server.port);
  OK(rem_config_set(test->config, "OPENAI_BASE_URL", url, err));
  OK(rem_config_set(test->config, "P8_DEFAULT_EMBEDDING", "openai:a", err));
  OK(rem_config_set(test->config, "P8_PROVIDER_RETRIES", "0", err));
  OK(rem_config_set(test->config, "P8_ENABLE_CACHE", "false", err));
  test_reopen(test, REM_WRITE, NULL);
  add_schema(test, "{\"title\":\"Note\",\"short_name\":\"note\",\"type\":\"object\",\"key_field\":\"name\",\"embedding_fields\":[\"content\"],"
                   "\"properties\":{\"name\":{\"type\":\"string\"},\"content\":{\"type\":\"string\"}}}");
  return 0;
}

static int teardown(void **state) {
  server_stop();
  return test_teardown(state);
}

static void put_note(test_db *test, int number, size_t length) {
  char json[1024];
  int at = snprintf(json, sizeof json, "{\"name\":\"n%d\",\"content\":\"", number);
  memset(json + at, 'x', length);
  snprintf(json + at + length, sizeof json - (size_t)at - length, "\"}");
  put(test, "note", json);
}

/* The length of the best row's text for a text of `length`, and its score. */
static size_t best_length(test_db *test, size_t length, double *ret_score) {
  char text[512];
  rem_cursor *cursor;
  rem_row *row;
  rem_value value = {0};
  rem_read_options options;
  rem_read_options_init(&options);
  options.limit = 1;
  memset(text, 'x', length);
  OK(rem_search(test->db, text, length, "note", &options, &cursor, NULL, err));
  OK(rem_row_new(test->db, &row, err));
  rem_status status;
  OK(status = rem_cursor_next(cursor, row, err));
  assert_int_equal(status, REM_ROW);
  OK(rem_row_field(row, "content", &value, err));
  size_t size = value.text_size;
  *ret_score = rem_row_score(row);
  rem_row_free(row);
  rem_cursor_free(cursor);
  return size;
}

static rem_job *start_move(test_db *test, const char *model) {
  rem_job *job;
  rem_embed_all_options options;
  rem_embed_all_options_init(&options);
  options.model = model;
  options.table = "note";
  OK(rem_embed_all(test->db, &options, &job, err));
  return job;
}

/* Of all notes: how many have a vector of model "b", (0, 0, cos n/100, sin n/100). */
static int count_moved(test_db *test) {
  rem_cursor *cursor;
  rem_row *row;
  int count = 0;
  OK(rem_list(test->db, "note", NULL, &cursor, err));
  OK(rem_row_new(test->db, &row, err));
  for (rem_status status = REM_ROW;;) {
    OK(status = rem_cursor_next(cursor, row, err));
    if (status == REM_DONE)
      break;
    rem_bytes json = {0};
    OK(rem_row_json(row, REM_WITH_EMBEDDING, &json, err));
    json_t *entity = json_loadb(json.data, json.size, 0, NULL);
    size_t length = json_string_length(json_object_get(json_object_get(entity, "properties"), "content"));
    double third = json_number_value(json_array_get(json_object_get(entity, "embedding"), 2));
    count += fabs(third - cos((double)length / 100)) < 1e-5;
    json_decref(entity);
    rem_bytes_free(&json);
  }
  rem_row_free(row);
  rem_cursor_free(cursor);
  return count;
}

/* ------------------------------------------------------------------------------------------- */

static void a_vector_for_the_caller(void **state) {
  test_db *test = *state;
  float vector[DIMENSION];
  size_t dimension = 0;
  rem_error error = {0};
  OK(rem_embed(test->db, "abc", 3, REM_PASSAGE, "openai:b", vector, DIMENSION, &dimension, err));
  assert_int_equal(dimension, DIMENSION);
  assert_true(fabs(vector[2] - cos(0.03)) < 1e-6);
  OK(rem_embed(test->db, "abc", 3, REM_QUERY, NULL, vector, DIMENSION, &dimension, err));
  assert_true(fabs(vector[0] - cos(0.03)) < 1e-6);
  dimension = 0;
  assert_int_equal(rem_embed(test->db, "x", 1, REM_QUERY, NULL, vector, 3, &dimension, &error), REM_LIMIT);
  assert_int_equal(dimension, DIMENSION);
  assert_int_equal(rem_embed(test->db, "\xff", 1, REM_QUERY, NULL, vector, 4, &dimension, &error), REM_INVALID);
  assert_int_equal(rem_embed(test->db, "x", 1, (rem_role)7, NULL, vector, 4, &dimension, &error), REM_MISUSE);
  assert_int_equal(rem_embed(test->db, "x", 1, REM_QUERY, "nowhere", vector, 4, &dimension, &error), REM_MODEL);
}

static void why_rows_are_pending_is_told(void **state) {
  test_db *test = *state;
  rem_error reason = {0};
  assert_int_equal(rem_pending_reason(test->db, &reason), REM_OK);
  OK(rem_config_set(test->config, "OPENAI_BASE_URL", "http://127.0.0.1:1/v1", err));
  test_reopen(test, REM_WRITE, NULL);
  put_note(test, 1, 5);
  assert_int_equal(rem_pending_reason(test->db, &reason), REM_PROVIDER);
  assert_non_null(strstr(reason.message, "127.0.0.1:1"));
}

static void another_slot_and_another_model_are_asked_for(void **state) {
  test_db *test = *state;
  rem_cursor *cursor;
  rem_error error = {0};
  rem_read_options options;
  rem_read_options_init(&options);
  put_note(test, 1, 5);
  options.slot = 2;
  assert_int_equal(rem_search(test->db, "x", 1, "note", &options, &cursor, NULL, &error), REM_MISUSE);
  options.slot = REM_EMBEDDING;
  options.model = "openai:b";
  assert_int_equal(rem_search(test->db, "x", 1, "note", &options, &cursor, NULL, &error), REM_MODEL);
  options.model = "openai:a";
  OK(rem_search(test->db, "x", 1, "note", &options, &cursor, NULL, err));
  assert_int_equal(count_cursor(test->db, cursor), 1);
}

typedef struct searcher {
  test_db *test;
  atomic_bool stop;
  _Atomic int searches, wrong;
} searcher;

/* Texts 301 to 310 bytes long are never changed: each is its own best match, by whichever model. */
static void *search_all_the_time(void *context) {
  searcher *searcher = context;
  for (size_t i = 0; !searcher->stop; i = (i + 1) % 10) {
    double score;
    size_t best = best_length(searcher->test, 301 + i, &score);
    searcher->wrong += best != 301 + i || score < 0.99999;
    searcher->searches++;
  }
  return NULL;
}

static void *write_all_the_time(void *context) {
  searcher *writer = context;
  for (int i = 0; !writer->stop; i = (i + 7) % ROWS) {
    put_note(writer->test, i, 1 + (size_t)(writer->searches++ % 200));
    if (i % 10 == 0) {
      char key[16];
      snprintf(key, sizeof key, "n%d", i);
      OK(rem_delete(writer->test->db, "note", key, strlen(key), NULL, err));
    }
  }
  return NULL;
}

static void a_table_moves_under_searches_and_writers(void **state) {
  test_db *test = *state;
  searcher reading = {.test = test}, writing = {.test = test};
  pthread_t reader, writer;
  for (int i = 0; i < ROWS; i++)
    put_note(test, i, 1 + (size_t)i);
  for (int i = 0; i < 10; i++)
    put_note(test, 1000 + i, 301 + (size_t)i);
  rem_job_set_step_us(-1);
  rem_job *job = start_move(test, "openai:b");
  assert_int_equal(pthread_create(&reader, NULL, search_all_the_time, &reading), 0);
  assert_int_equal(pthread_create(&writer, NULL, write_all_the_time, &writing), 0);
  while (reading.searches < 3 || writing.searches < 3)
    usleep(1000);
  json_decref(run_job(job));
  int searches = reading.searches;
  while (reading.searches < searches + 20) /* and after the switch */
    usleep(1000);
  reading.stop = writing.stop = true;
  pthread_join(reader, NULL);
  pthread_join(writer, NULL);
  rem_job_set_step_us(100000);
  assert_int_equal(reading.wrong, 0);
  rem_cursor *cursor;
  OK(rem_list(test->db, "note", NULL, &cursor, err));
  assert_int_equal(count_moved(test), count_cursor(test->db, cursor));
  check_whole(test);
}

static void a_move_that_was_cut_short_goes_on(void **state) {
  test_db *test = *state;
  for (int i = 0; i < 300; i++)
    put_note(test, i, 1 + (size_t)i);
  rem_job_set_step_us(-1);
  rem_job *job = start_move(test, "openai:b");
  rem_status status;
  for (int steps = 0; steps < 3; steps++) /* begin, and two pieces */
    OK(status = rem_job_step(job, NULL, err));
  rem_job_free(job);
  assert_int_equal(count_moved(test), 0); /* what is seen are the old ones */
  check_whole(test);
  test_reopen(test, REM_WRITE, NULL);
  int before = server.requests;
  json_t *result = run_job(start_move(test, "openai:b"));
  rem_job_set_step_us(100000);
  assert_true(server.requests - before < 300 / 32);
  assert_int_equal(json_integer_value(json_object_get(result, "pending")), 0);
  json_decref(result);
  assert_int_equal(count_moved(test), 300);
  check_whole(test);
}

/* A move to "c" goes on, unaware, after another to "b" has begun: vectors of "c" must not get among those of "b". */
static void two_moves_at_once_do_not_mix(void **state) {
  test_db *test = *state;
  rem_status status;
  rem_error error = {0};
  for (int i = 0; i < 300; i++)
    put_note(test, i, 1 + (size_t)i);
  rem_job_set_step_us(-1);
  rem_job *first = start_move(test, "openai:c"), *second = start_move(test, "openai:b");
  OK(status = rem_job_step(first, NULL, err)); /* begins */
  OK(status = rem_job_step(first, NULL, err)); /* a piece */
  OK(status = rem_job_step(second, NULL, err));
  while ((status = rem_job_step(first, NULL, &error)) == REM_ROW) {
  }
  assert_int_equal(status, REM_CONFLICT);
  assert_non_null(strstr(error.message, "openai:b"));
  rem_job_free(first);
  json_decref(run_job(second));
  rem_job_set_step_us(100000);
  assert_int_equal(count_moved(test), 300);
  check_whole(test);
}

/* Each pass finds a row that was written since: in the end the move leaves that one behind, and fills it by the new model after the switch. */
static void writers_do_not_hold_a_move_up_for_ever(void **state) {
  test_db *test = *state;
  rem_status status;
  int steps = 0;
  for (int i = 0; i < 20; i++)
    put_note(test, i, 1 + (size_t)i);
  rem_job_set_step_us(-1);
  rem_job *job = start_move(test, "openai:b");
  do {
    put_note(test, steps % 2, 100 + (size_t)steps);
    OK(status = rem_job_step(job, NULL, err));
    assert_true(++steps < 100);
  } while (status == REM_ROW);
  rem_job_free(job);
  rem_job_set_step_us(100000);
  assert_int_equal(count_moved(test), 20);
  check_whole(test);
}

/* Back to the model in use: the move that was under way is given up. */
static void a_move_back_gives_up_the_move(void **state) {
  test_db *test = *state;
  rem_status status;
  rem_error error = {0};
  put_note(test, 1, 5);
  rem_job_set_step_us(-1);
  rem_job *job = start_move(test, "openai:b");
  OK(status = rem_job_step(job, NULL, err));
  json_decref(run_job(start_move(test, "openai:a")));
  while ((status = rem_job_step(job, NULL, &error)) == REM_ROW) {
  }
  rem_job_set_step_us(100000);
  assert_int_equal(status, REM_CONFLICT);
  rem_job_free(job);
  assert_int_equal(count_moved(test), 0);
  check_whole(test);
}

typedef struct registration {
  test_db *test;
  _Atomic bool done;
} registration;

static void *register_a_schema(void *context) {
  static const char schema[] = "{\"title\":\"Plain\",\"short_name\":\"plain\",\"type\":\"object\",\"description\":\"d\",\"key_field\":\"name\","
                               "\"properties\":{\"name\":{\"type\":\"string\"}}}";
  registration *registration = context;
  rem_bytes result = {0};
  (void)!rem_schema_add(registration->test->db, schema, sizeof schema - 1, NULL, &result, NULL); /* it is interrupted in the end */
  rem_bytes_free(&result);
  registration->done = true;
  return NULL;
}

/* The service takes the request for the new schema's description and says nothing: a row of that very schema is stored all the same. */
static void a_silent_service_keeps_no_writer_waiting_for_the_schema_lock(void **state) {
  test_db *test = *state;
  registration registration = {.test = test};
  pthread_t thread;
  OK(rem_config_set(test->config, "P8_PROVIDER_TIMEOUT", "20", err));
  test_reopen(test, REM_WRITE, "other"); /* the first tenant's schemas were embedded by the local model */
  put(test, "resources", "{\"uri\":\"u\",\"name\":\"n\",\"content\":\"c\"}");
  int before = server.requests;
  server.silent = true;
  assert_int_equal(pthread_create(&thread, NULL, register_a_schema, &registration), 0);
  while (server.requests == before)
    usleep(1000);
  put(test, "plain", "{\"name\":\"a\"}");
  assert_false(registration.done);
  rem_interrupt(test->db);
  pthread_join(thread, NULL);
  rem_interrupt_clear(test->db);
  server.silent = false;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_vector_for_the_caller, setup, teardown),
      cmocka_unit_test_setup_teardown(why_rows_are_pending_is_told, setup, teardown),
      cmocka_unit_test_setup_teardown(another_slot_and_another_model_are_asked_for, setup, teardown),
      cmocka_unit_test_setup_teardown(a_table_moves_under_searches_and_writers, setup, teardown),
      cmocka_unit_test_setup_teardown(a_move_that_was_cut_short_goes_on, setup, teardown),
      cmocka_unit_test_setup_teardown(two_moves_at_once_do_not_mix, setup, teardown),
      cmocka_unit_test_setup_teardown(writers_do_not_hold_a_move_up_for_ever, setup, teardown),
      cmocka_unit_test_setup_teardown(a_move_back_gives_up_the_move, setup, teardown),
      cmocka_unit_test_setup_teardown(a_silent_service_keeps_no_writer_waiting_for_the_schema_lock, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
