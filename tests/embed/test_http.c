/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of waiting: for a host that takes no connection, and for a name server that says nothing. What answers can be like is tested through the program
 * (tests/cli/test_providers.py). */
#include "embed/http.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_S 20
#define SLOW_HOST "slow.test"

static const char *const no_headers[] = {NULL};

static rem_http *new_client(const char *url, int64_t connect_timeout_ms) {
  rem_http *http = NULL;
  rem_error error = {0};
  rem_http_options options = {
      .url = url, .headers = no_headers, .connect_timeout_ms = connect_timeout_ms, .timeout_ms = 60000, .parallel = 1};
  if (rem_http_new(&options, &http, &error) < 0)
    fail_msg("%s", error.message);
  return http;
}

/* One request. */
static rem_status give_one(void *context, rem_http_request *ret_request, rem_error *err) {
  bool *given = context;
  (void)err;
  if (*given)
    return REM_DONE;
  *given = true;
  *ret_request = (rem_http_request){.reply_max = 1000};
  rem_buffer_append_text(&ret_request->body, "{}");
  return REM_ROW;
}

static rem_status take_none(void *context, void *request_context, const rem_http_reply *reply, rem_error *err) {
  (void)context;
  (void)request_context;
  (void)reply;
  return rem_error_set(err, REM_INTERNAL, "an answer out of nowhere");
}

static rem_status ask(rem_http *http, const atomic_bool *cancel, rem_error *err) {
  bool given = false;
  int64_t retry_ms;
  rem_http_source source = {.context = &given, .next = give_one, .ended = take_none};
  return rem_http_run(http, &source, cancel, &retry_ms, err);
}

/* ------------------------------------------------------------------------------------------- */

/* A listener whose queue is full: what else knocks gets no answer at all. */
static void a_host_that_takes_no_connection(void **state) {
  (void)state;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0), knocking[8];
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 0), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
  for (size_t i = 0; i < 8; i++) {
    knocking[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)!connect(knocking[i], (struct sockaddr *)&address, sizeof address);
  }
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
  setenv("no_proxy", "*", 1);
  rem_http *http = new_client(url, 200);
  rem_error error = {0};
  assert_int_equal(ask(http, NULL, &error), REM_PROVIDER);
  if (!strstr(error.message, "no connection to '127.0.0.1:") || !strstr(error.message, "within 0.2 s"))
    fail_msg("%s", error.message);
  rem_http_free(http);
  for (size_t i = 0; i < 8; i++)
    close(knocking[i]);
  close(listener);
}

/* ------------------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool asked, released, in_time, left;
static atomic_bool cancel;

/* libcurl finds this one: looking up SLOW_HOST takes until the test says so. */
__attribute__((visibility("default"))) int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict res) {
  if (!node || strcmp(node, SLOW_HOST) != 0) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, res);
  }
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += PATIENCE_S;
  pthread_mutex_lock(&mutex);
  asked = true;
  atomic_store(&cancel, true);
  int waited = 0;
  while (!released && waited == 0)
    waited = pthread_cond_timedwait(&changed, &mutex, &until);
  in_time = waited == 0;
  left = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  return EAI_AGAIN;
}

static void a_name_server_that_says_nothing_does_not_hold_up_the_end(void **state) {
  (void)state;
  rem_http *http = new_client("http://" SLOW_HOST "/", 60000);
  rem_error error = {0};
  assert_int_equal(ask(http, &cancel, &error), REM_CANCELLED);
  rem_http_free(http);
  pthread_mutex_lock(&mutex);
  assert_true(asked);
  released = true;
  pthread_cond_broadcast(&changed);
  while (!left)
    pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
  assert_true(in_time);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_host_that_takes_no_connection),
      cmocka_unit_test(a_name_server_that_says_nothing_does_not_hold_up_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
