/* SPDX-License-Identifier: Apache-2.0 */
/* Services as providers, beside a small server in this process: names, keys, failed allocations, threads, cancelling. What a service can do wrong is tested through
 * the program (tests/cli/test_providers.py). */
#include "embed/embedder.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "embed/embedding_server.h"
#include "embed/http.h"
#include "embed/provider_remote.h"

#define DIMENSION 4
#define SECRET "sk-never-shown"

static rem_config *config;

static void set(const char *name, const char *value) {
  rem_error error = {0};
  if (rem_config_set(config, name, value, &error) < 0)
    fail_msg("%s", error.message);
}

static int start(void **state) {
  (void)state;
  char url[64];
  if (!server_start() || rem_config_load(&config, NULL) < 0)
    return -1;
  snprintf(url, sizeof url, "http://someone:" SECRET "@127.0.0.1:%d/v1/", server.port);
  set("OPENAI_BASE_URL", url);
  set("OPENAI_API_KEY", SECRET);
  set("P8_ENABLE_CACHE", "false");
  set("P8_PROVIDER_RETRIES", "0");
  set("P8_EMBEDDING_BATCH_SIZE", "8");
  return 0;
}

static int stop(void **state) {
  (void)state;
  server_stop();
  rem_config_free(config);
  return 0;
}

static rem_embedder *open_model(const char *name) {
  rem_embedder *embedder = NULL;
  rem_error error = {0};
  if (rem_embedder_open(config, NULL, name, &embedder, &error) < 0)
    fail_msg("%s", error.message);
  return embedder;
}

/* Texts of 1, 2, … bytes. */
enum { COUNT = 100 };
static char letters[COUNT + 1];
static rem_slice texts[COUNT];

static void make_texts(void) {
  memset(letters, 'x', COUNT);
  for (size_t i = 0; i < COUNT; i++)
    texts[i] = rem_slice_of(letters, i + 1);
}

static bool is_right(const float *vector, size_t size) {
  return fabs(vector[0] - cos((double)size / 100)) < 1e-5 && fabs(vector[1] - sin((double)size / 100)) < 1e-5;
}

/* ------------------------------------------------------------------------------------------- */

static void names_say_where_a_model_runs(void **state) {
  (void)state;
  static const struct {
    const char *name;
    const rem_provider_type *type;
  } cases[] = {
      {"all-MiniLM-L6-v2", &rem_provider_local},          {"text-embedding-3-small", &rem_provider_openai},
      {"text-embedding-ada-002", &rem_provider_openai},   {"openai:nomic-embed-text:v1.5", &rem_provider_openai},
      {"embed-v4.0", &rem_provider_cohere},               {"cohere:whatever", &rem_provider_cohere},
      {"text-embedder", &rem_provider_local},             {"my-openai:x", &rem_provider_local},
      {"", &rem_provider_local},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_ptr_equal(rem_provider_type_of(cases[i].name), cases[i].type);
}

static void a_known_model_has_one_name(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"text-embedding-3-small", "text-embedding-3-small"},
                                         {"openai:text-embedding-3-small", "text-embedding-3-small"},
                                         {"openai:nomic", "openai:nomic"}};
  for (size_t i = 0; i < 3; i++) {
    rem_embedder *embedder = open_model(cases[i][0]);
    assert_string_equal(rem_embedder_info(embedder)->name, cases[i][1]);
    assert_string_equal(rem_embedder_info(embedder)->sha256, "");
    assert_null(rem_embedder_tokenizer(embedder));
    rem_embedder_close(embedder);
  }
}

static void names_and_keys_that_cannot_be_used(void **state) {
  (void)state;
  static const struct {
    const char *model, *key, *url, *part;
    rem_status status;
  } cases[] = {
      {"text-embedding-ada-002@10", SECRET, NULL, "cannot have vectors of 10 values", REM_MODEL},
      {"text-embedding-3-small@0", SECRET, NULL, "cannot have vectors of 0 values", REM_MODEL},
      {"openai:", SECRET, NULL, "is not the name of a model", REM_MODEL},
      {"openai:@5", SECRET, NULL, "is not the name of a model", REM_MODEL},
      {"openai:x", SECRET, "ftp://host/", "not one of http or https", REM_INVALID},
      {"openai:x", SECRET, "https:///v1", "not one of http or https", REM_INVALID},
  };
  const char *old = rem_config_get(config, "OPENAI_BASE_URL");
  char *url = strdup(old);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rem_embedder *embedder = NULL;
    rem_error error = {0};
    set("OPENAI_API_KEY", cases[i].key);
    set("OPENAI_BASE_URL", cases[i].url ? cases[i].url : url);
    assert_int_equal(rem_embedder_open(config, NULL, cases[i].model, &embedder, &error), cases[i].status);
    if (!strstr(error.message, cases[i].part) || strstr(error.message, SECRET))
      fail_msg("%s", error.message);
  }
  set("OPENAI_API_KEY", SECRET);
  set("OPENAI_BASE_URL", url);
  free(url);
}

static void a_header_with_a_line_break_is_refused_unseen(void **state) {
  (void)state;
  rem_http *http = NULL;
  rem_error error = {0};
  const char *headers[] = {"Authorization: Bearer " SECRET "\r\nX: y", NULL};
  rem_http_options options = {.url = "http://user:" SECRET "@host:80/path?q", .headers = headers, .parallel = 1};
  assert_int_equal(rem_http_new(&options, &http, &error), REM_INVALID);
  assert_null(strstr(error.message, SECRET));
  assert_non_null(strstr(error.message, "'host:80'"));
}

static void pauses_double_and_are_bounded(void **state) {
  (void)state;
  for (size_t attempt = 0; attempt < 100; attempt++) {
    int64_t least = rem_http__pause_ms(attempt, 0), most = rem_http__pause_ms(attempt, 0.999999);
    int64_t bound = attempt < 4 ? 500 << attempt : 8000;
    assert_true(least >= bound / 4 && least < most && most <= bound);
  }
}

static void vectors_come_to_their_texts(void **state) {
  (void)state;
  float vectors[COUNT * DIMENSION];
  bool done[COUNT] = {false};
  rem_embedder *embedder = open_model("openai:any");
  rem_error error = {0};
  rem_embed_request request = {.texts = texts, .count = COUNT};
  rem_embed_result result = {.vectors = vectors, .done = done};
  assert_int_equal(rem_embedder_embed(embedder, &request, &result, &error), REM_MISUSE); /* the dimension is not known */
  assert_int_equal(rem_embedder_ready(embedder, 0, NULL, &error), REM_OK);
  assert_int_equal(rem_embedder_info(embedder)->dimension, DIMENSION);
  assert_int_equal(rem_embedder_ready(embedder, 5, NULL, &error), REM_MODEL);
  assert_int_equal(rem_embedder_embed(embedder, &request, &result, &error), REM_OK);
  for (size_t i = 0; i < COUNT; i++)
    assert_true(done[i] && is_right(vectors + i * DIMENSION, i + 1));
  rem_embedder_close(embedder);
}

static void what_is_not_utf8_is_refused(void **state) {
  (void)state;
  float vector[DIMENSION];
  rem_embedder *embedder = open_model("openai:any");
  rem_error error = {0};
  rem_slice bad = rem_slice_of("\xff", 1);
  assert_int_equal(rem_embedder_ready(embedder, DIMENSION, NULL, &error), REM_OK);
  assert_int_equal(rem_embedder_embed(embedder, &(rem_embed_request){.texts = &bad, .count = 1},
                                      &(rem_embed_result){.vectors = vector}, &error),
                   REM_INVALID);
  rem_embedder_close(embedder);
}

/* Every allocation fails once: the call says so, or goes through, and nothing leaks. */
static void a_failed_allocation_is_told_and_nothing_leaks(void **state) {
  (void)state;
  float vectors[20 * DIMENSION];
  size_t live = rem_alloc_live_count();
  for (int64_t at = 1;; at++) {
    rem_embedder *embedder = NULL;
    rem_error error = {0};
    rem_alloc_fail_at(at, 0);
    rem_status status = rem_embedder_open(config, NULL, "openai:any", &embedder, &error);
    if (status >= 0)
      status = rem_embedder_ready(embedder, DIMENSION, NULL, &error);
    if (status >= 0)
      status = rem_embedder_embed(embedder, &(rem_embed_request){.texts = texts, .count = 20},
                                  &(rem_embed_result){.vectors = vectors}, &error);
    rem_alloc_fail_at(0, 0);
    rem_embedder_close(embedder);
    assert_int_equal(rem_alloc_live_count(), live);
    if (status == REM_OK && at > 20)
      break;
    assert_true(status == REM_OK || status == REM_NOMEM);
  }
}

typedef struct caller {
  rem_embedder *embedder;
  pthread_t thread;
  size_t wrong;
} caller;

static void *call_often(void *context) {
  caller *caller = context;
  float vectors[COUNT * DIMENSION];
  for (int round = 0; round < 5; round++) {
    rem_embed_result result = {.vectors = vectors};
    if (rem_embedder_ready(caller->embedder, 0, NULL, NULL) < 0 ||
        rem_embedder_embed(caller->embedder, &(rem_embed_request){.texts = texts, .count = COUNT}, &result, NULL) < 0)
      caller->wrong += COUNT;
    for (size_t i = 0; i < COUNT; i++)
      caller->wrong += !is_right(vectors + i * DIMENSION, i + 1);
  }
  return NULL;
}

static void many_threads_may_share_one(void **state) {
  (void)state;
  caller callers[4];
  rem_embedder *embedder = open_model("openai:any");
  for (size_t i = 0; i < 4; i++) {
    callers[i] = (caller){.embedder = embedder};
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    pthread_join(callers[i].thread, NULL);
    assert_int_equal(callers[i].wrong, 0);
  }
  rem_embedder_close(embedder);
}

typedef struct canceller {
  int before; /* requests until now */
  atomic_bool cancel;
} canceller;

static void *cancel_once_asked(void *context) {
  canceller *canceller = context;
  while (server.requests == canceller->before)
    usleep(1000);
  atomic_store(&canceller->cancel, true);
  return NULL;
}

static void a_wait_can_be_cancelled(void **state) {
  (void)state;
  float vector[DIMENSION];
  canceller canceller = {0};
  pthread_t thread;
  rem_error error = {0};
  rem_embedder *embedder = open_model("openai:any");
  assert_int_equal(rem_embedder_ready(embedder, DIMENSION, NULL, &error), REM_OK);
  server.silent = true;
  canceller.before = server.requests;
  assert_int_equal(pthread_create(&thread, NULL, cancel_once_asked, &canceller), 0);
  rem_embed_request request = {.texts = texts, .count = 1, .cancel = &canceller.cancel};
  rem_status status = rem_embedder_embed(embedder, &request, &(rem_embed_result){.vectors = vector}, &error);
  pthread_join(thread, NULL);
  server.silent = false;
  assert_int_equal(status, REM_CANCELLED);
  /* That was no failure of the service: it is asked again at once. */
  request.cancel = NULL;
  assert_int_equal(rem_embedder_embed(embedder, &request, &(rem_embed_result){.vectors = vector}, &error), REM_OK);
  rem_embedder_close(embedder);
}

static void a_service_that_failed_is_left_alone_but_for_questions(void **state) {
  (void)state;
  float vector[DIMENSION];
  rem_error error = {0};
  char *url = strdup(rem_config_get(config, "OPENAI_BASE_URL"));
  set("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
  rem_embedder *embedder = open_model("openai:any");
  set("OPENAI_BASE_URL", url);
  free(url);
  assert_int_equal(rem_embedder_ready(embedder, DIMENSION, NULL, &error), REM_OK);
  rem_embed_request request = {.texts = texts, .count = 1};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(rem_embedder_embed(embedder, &request, &(rem_embed_result){.vectors = vector}, &error), REM_PROVIDER);
    assert_non_null(strstr(error.message, "no answer from '127.0.0.1:1'"));
  }
  request.role = REM_QUERY;
  assert_int_equal(rem_embedder_embed(embedder, &request, &(rem_embed_result){.vectors = vector}, &error), REM_PROVIDER);
  rem_embedder_close(embedder);
}

int main(void) {
  make_texts();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_say_where_a_model_runs),
      cmocka_unit_test(a_known_model_has_one_name),
      cmocka_unit_test(names_and_keys_that_cannot_be_used),
      cmocka_unit_test(a_header_with_a_line_break_is_refused_unseen),
      cmocka_unit_test(pauses_double_and_are_bounded),
      cmocka_unit_test(vectors_come_to_their_texts),
      cmocka_unit_test(what_is_not_utf8_is_refused),
      cmocka_unit_test(a_failed_allocation_is_told_and_nothing_leaks),
      cmocka_unit_test(many_threads_may_share_one),
      cmocka_unit_test(a_wait_can_be_cancelled),
      cmocka_unit_test(a_service_that_failed_is_left_alone_but_for_questions),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
