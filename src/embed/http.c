/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread drives all requests of a run through a multi handle of libcurl: no threads of our own, so cancelling and the order of events are plain.
 *
 *   source --next()--> [ idle -> running -> ended() ]   `parallel` transfers
 *                           ^        |
 *                           +-- waiting: a pause before the next attempt
 *
 * A session (the multi handle with its open connections, and the transfers) is kept for the next run; runs at the same time have one each.
 */
#include "embed/http.h"

#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#include "base/clock.h"
#include "embed/http_curl.h"

#define POLL_MS 100 /* ms: how late a cancellation may be noticed */
#define PAUSE_MS 500
#define PAUSE_MAX_MS 8000
#define RETRY_AFTER_MAX_MS ((int64_t)24 * 3600 * 1000)
#define HOST_SIZE 256

typedef enum transfer_state { IDLE, RUNNING, WAITING } transfer_state;

typedef struct transfer {
  transfer_state state;
  void *easy; /* owned; made for the first attempt of the first request */
  rem_http_request request;
  size_t attempt;
  int64_t due_us, deadline_us; /* monotonic: of the next attempt; of all attempts */
  int64_t retry_after_ms;      /* what the last answer said; -1: nothing */
  bool too_large;
  rem_buffer reply;
} transfer;

typedef struct session {
  struct session *next;
  void *multi; /* owned */
  size_t count;
  transfer transfers[];
} session;

struct rem_http {
  const rem_curl *curl; /* static; NULL until the first run */
  char *url, *ca_file;
  char host[HOST_SIZE];
  void *headers; /* owned, slist; made with the first session */
  char **lines;  /* owned: the headers as given */
  size_t line_count;
  rem_http_options options; /* its pointers are not used */
  pthread_mutex_t mutex;    /* guards curl, headers, free_sessions */
  session *free_sessions;
};

/* One rem_http_run(). */
typedef struct run {
  rem_http *http;
  session *session;
  const rem_http_source *source;
  const atomic_bool *cancel;
  int64_t retry_ms;
} run;

/* ------------------------------------------------------------------------------------------- */
/* The client                                                                                   */

/* scheme://[user@]host[:port][/…] */
static rem_status read_host(const char *url, char ret_host[HOST_SIZE], rem_error *err) {
  const char *start = strncasecmp(url, "https://", 8) == 0 ? url + 8 : strncasecmp(url, "http://", 7) == 0 ? url + 7 : NULL;
  size_t size = start ? strcspn(start, "/?#") : 0;
  for (size_t i = 0; i < size; i++)
    if (start[i] == '@') {
      start += i + 1;
      size -= i + 1;
      i = (size_t)-1;
    }
  if (!start || size == 0 || size >= HOST_SIZE) {
    rem_error_set(err, REM_INVALID, "the address of the service is not one of http or https");
    rem_error_hint(err, "give it as https://host/path");
    return REM_INVALID;
  }
  memcpy(ret_host, start, size);
  ret_host[size] = 0;
  return REM_OK;
}

static rem_status copy_headers(rem_http *http, const char *const *headers, rem_error *err) {
  size_t count = 0;
  while (headers[count])
    count++;
  http->lines = rem_calloc(count + 1, sizeof *http->lines);
  if (!http->lines)
    return rem_error_nomem(err);
  for (; http->line_count < count; http->line_count++) {
    const char *line = headers[http->line_count];
    if (strpbrk(line, "\r\n"))
      return rem_error_set(err, REM_INVALID, "a header of the requests to '%s' holds a line break", http->host);
    http->lines[http->line_count] = rem_strdup(line);
    if (!http->lines[http->line_count])
      return rem_error_nomem(err);
  }
  return REM_OK;
}

static rem_status fill(rem_http *http, rem_error *err) {
  REM_TRY(read_host(http->options.url, http->host, err));
  http->url = rem_strdup(http->options.url);
  http->ca_file = http->options.ca_file ? rem_strdup(http->options.ca_file) : NULL;
  if (!http->url || (http->options.ca_file && !http->ca_file))
    return rem_error_nomem(err);
  return copy_headers(http, http->options.headers, err);
}

rem_status rem_http_new(const rem_http_options *options, rem_http **ret_http, rem_error *err) {
  rem_http *http = rem_calloc(1, sizeof *http);
  if (!http)
    return rem_error_nomem(err);
  http->options = *options;
  pthread_mutex_init(&http->mutex, NULL);
  rem_status status = fill(http, err);
  if (status < 0) {
    rem_http_free(http);
    return status;
  }
  *ret_http = http;
  return REM_OK;
}

static void session_free(const rem_http *http, session *session) {
  if (!session)
    return;
  for (size_t i = 0; i < session->count; i++) {
    transfer *transfer = &session->transfers[i];
    rem_buffer_deinit(&transfer->reply);
    rem_buffer_deinit(&transfer->request.body);
    if (transfer->easy)
      http->curl->easy_cleanup(transfer->easy);
  }
  if (session->multi)
    http->curl->multi_cleanup(session->multi);
  rem_free(session);
}

void rem_http_free(rem_http *http) {
  if (!http)
    return;
  while (http->free_sessions) {
    session *session = http->free_sessions;
    http->free_sessions = session->next;
    session_free(http, session);
  }
  if (http->headers)
    http->curl->slist_free_all(http->headers);
  for (size_t i = 0; i < http->line_count; i++) {
    explicit_bzero(http->lines[i], strlen(http->lines[i]));
    rem_free(http->lines[i]);
  }
  rem_free(http->lines);
  rem_free(http->url);
  rem_free(http->ca_file);
  pthread_mutex_destroy(&http->mutex);
  rem_free(http);
}

const char *rem_http_host(const rem_http *http) {
  return http->host;
}

/* ------------------------------------------------------------------------------------------- */
/* Sessions                                                                                     */

/* With the mutex held. */
static rem_status load_locked(rem_http *http, rem_error *err) {
  if (!http->curl)
    REM_TRY(rem_curl_load(&http->curl, err));
  void *list = NULL;
  for (size_t i = 0; !http->headers && i < http->line_count; i++) {
    void *longer = http->curl->slist_append(list, http->lines[i]);
    if (!longer) {
      http->curl->slist_free_all(list);
      return rem_error_nomem(err);
    }
    list = longer;
  }
  if (list)
    http->headers = list;
  return REM_OK;
}

static rem_status session_new(rem_http *http, session **ret_session, rem_error *err) {
  size_t count = http->options.parallel;
  session *session = rem_calloc(1, sizeof *session + count * sizeof(transfer));
  if (!session)
    return rem_error_nomem(err);
  session->count = count;
  session->multi = http->curl->multi_init();
  if (!session->multi) {
    session_free(http, session);
    return rem_error_nomem(err);
  }
  *ret_session = session;
  return REM_OK;
}

static rem_status session_take(rem_http *http, session **ret_session, rem_error *err) {
  pthread_mutex_lock(&http->mutex);
  session *session = http->free_sessions;
  if (session)
    http->free_sessions = session->next;
  rem_status status = session ? REM_OK : load_locked(http, err);
  pthread_mutex_unlock(&http->mutex);
  if (!session)
    return status < 0 ? status : session_new(http, ret_session, err);
  *ret_session = session;
  return REM_OK;
}

static void transfer_end(const rem_http *http, session *session, transfer *transfer) {
  if (transfer->state == RUNNING)
    http->curl->multi_remove(session->multi, transfer->easy);
  transfer->state = IDLE;
  rem_buffer_deinit(&transfer->request.body);
  rem_buffer_reset(&transfer->reply);
}

static void session_give_back(rem_http *http, session *session) {
  for (size_t i = 0; i < session->count; i++)
    transfer_end(http, session, &session->transfers[i]);
  pthread_mutex_lock(&http->mutex);
  session->next = http->free_sessions;
  http->free_sessions = session;
  pthread_mutex_unlock(&http->mutex);
}

/* ------------------------------------------------------------------------------------------- */
/* One transfer                                                                                 */

static size_t take_body(char *data, size_t size, size_t count, void *context) {
  transfer *transfer = context;
  size_t bytes = size * count;
  if (bytes > transfer->request.reply_max - transfer->reply.size) {
    transfer->too_large = true;
    return 0; /* ends the transfer */
  }
  rem_buffer_append(&transfer->reply, data, bytes);
  return transfer->reply.failure < 0 ? 0 : bytes;
}

/* "Retry-After: 120", or a date. */
static void read_retry_after(transfer *transfer, const rem_curl *curl, const char *value) {
  char *end;
  while (*value == ' ' || *value == '\t')
    value++;
  if (isdigit((unsigned char)*value)) {
    long long seconds = strtoll(value, &end, 10);
    transfer->retry_after_ms = seconds > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : (int64_t)seconds * 1000;
    return;
  }
  time_t at = curl->getdate(value, NULL), now = time(NULL);
  if (at != (time_t)-1)
    transfer->retry_after_ms = at > now ? (int64_t)(at - now) * 1000 : 0;
  if (transfer->retry_after_ms > RETRY_AFTER_MAX_MS)
    transfer->retry_after_ms = RETRY_AFTER_MAX_MS;
}

static size_t take_header(char *data, size_t size, size_t count, void *context) {
  static const char name[] = "retry-after:";
  transfer *transfer = context;
  size_t bytes = size * count;
  char value[64];
  if (bytes < sizeof name || strncasecmp(data, name, sizeof name - 1) != 0)
    return bytes;
  size_t value_size = bytes - (sizeof name - 1);
  if (value_size >= sizeof value)
    return bytes;
  memcpy(value, data + sizeof name - 1, value_size);
  while (value_size && isspace((unsigned char)value[value_size - 1]))
    value_size--;
  value[value_size] = 0;
  const rem_curl *curl;
  if (rem_curl_load(&curl, NULL) == REM_OK)
    read_retry_after(transfer, curl, value);
  return bytes;
}

/* What is the same for every attempt. */
static rem_status prepare_easy(rem_http *http, transfer *transfer, rem_error *err) {
  const rem_curl *curl = http->curl;
  void *easy = transfer->easy = curl->easy_init();
  if (!easy)
    return rem_error_nomem(err);
  int failed = curl->easy_setopt(easy, CURLOPT_URL, http->url) | curl->easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers) |
               curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") |
               curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) | curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) |
               curl->easy_setopt(easy, CURLOPT_USERAGENT, "rem/" REM_VERSION_TEXT) |
               curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->options.connect_timeout_ms) |
               curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) |
               curl->easy_setopt(easy, CURLOPT_WRITEDATA, (void *)transfer) |
               curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) |
               curl->easy_setopt(easy, CURLOPT_HEADERDATA, (void *)transfer) |
               curl->easy_setopt(easy, CURLOPT_PRIVATE, (void *)transfer);
  if (!failed && http->ca_file)
    failed = curl->easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
  /* Else whoever gives a request up waits for its thread in getaddrinfo(), which may take half a minute. Versions before 7.87 do not know it. */
  (void)curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  if (!failed)
    return REM_OK;
  curl->easy_cleanup(easy);
  transfer->easy = NULL;
  return rem_error_set(err, REM_UNSUPPORTED, "this version of libcurl is too old");
}

static rem_status start_attempt(run *run, transfer *transfer, rem_error *err) {
  rem_http *http = run->http;
  const rem_curl *curl = http->curl;
  if (!transfer->easy)
    REM_TRY(prepare_easy(http, transfer, err));
  int64_t left_ms = (transfer->deadline_us - rem_clock_monotonic_us()) / 1000;
  rem_buffer_reset(&transfer->reply);
  transfer->retry_after_ms = -1;
  transfer->too_large = false;
  const rem_buffer *body = &transfer->request.body;
  int failed = curl->easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (int64_t)body->size) |
               curl->easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, (const char *)body->data) |
               curl->easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 1 ? left_ms : 1));
  if (failed || curl->multi_add(run->session->multi, transfer->easy))
    return rem_error_nomem(err);
  transfer->state = RUNNING;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Trying again                                                                                 */

static double random_unit(void) {
  uint32_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random)
    random = (uint32_t)rem_clock_monotonic_us() * 2654435761u;
  return (double)random / 4294967296.0;
}

int64_t rem_http__pause_ms(size_t attempt, double random) {
  int64_t most = attempt < 5 ? (int64_t)PAUSE_MS << attempt : PAUSE_MAX_MS;
  if (most > PAUSE_MAX_MS)
    most = PAUSE_MAX_MS;
  return most / 4 + (int64_t)((double)(most - most / 4) * random);
}

static bool worth_repeating_status(long status) {
  return status == 408 || status == 409 || status == 429 || (status >= 500 && status <= 599);
}

static bool worth_repeating_code(int code) {
  switch (code) {
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
  case CURLE_HTTP2:
  case CURLE_PARTIAL_FILE:
  case CURLE_OPERATION_TIMEDOUT:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_HTTP2_STREAM: return true;
  default: return false;
  }
}

/* Puts the transfer off, if there is an attempt and the time left. */
static bool repeat_later(run *run, transfer *transfer) {
  int64_t pause_ms = rem_http__pause_ms(transfer->attempt, random_unit());
  if (transfer->retry_after_ms > pause_ms)
    pause_ms = transfer->retry_after_ms;
  int64_t due_us = rem_clock_monotonic_us() + pause_ms * 1000;
  if (transfer->attempt >= run->http->options.retries || due_us >= transfer->deadline_us)
    return false;
  transfer->attempt++;
  transfer->due_us = due_us;
  transfer->state = WAITING;
  return true;
}

static const char *reason_of(const rem_curl *curl, int code) {
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST: return "its address cannot be found";
  case CURLE_COULDNT_CONNECT: return "no connection can be made";
  case CURLE_PARTIAL_FILE: return "the answer ended too early";
  case CURLE_GOT_NOTHING: return "it closed the connection without an answer";
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR: return "the connection broke";
  case CURLE_SSL_CONNECT_ERROR: return "no secure connection can be made";
  case CURLE_PEER_FAILED_VERIFICATION: return "its certificate is not valid or not trusted";
  case CURLE_SSL_CACERT_BADFILE: return "the certificates to trust cannot be read";
  default: return curl->easy_strerror(code);
  }
}

/* The time was over before a connection stood, or before the answer was whole. */
static rem_status timed_out(const run *run, const transfer *transfer, rem_error *err) {
  const rem_http_options *options = &run->http->options;
  double connected_s = 0;
  run->http->curl->easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME, &connected_s);
  int64_t connect_ms = options->connect_timeout_ms < options->timeout_ms ? options->connect_timeout_ms : options->timeout_ms;
  if (connected_s > 0)
    return rem_error_set(err, REM_PROVIDER, "no whole answer from '%s' within %.1f s", run->http->host,
                         (double)options->timeout_ms / 1000);
  return rem_error_set(err, REM_PROVIDER, "no connection to '%s' within %.1f s", run->http->host, (double)connect_ms / 1000);
}

static rem_status no_answer(const run *run, const transfer *transfer, int code, rem_error *err) {
  const char *host = run->http->host;
  if (transfer->reply.failure == REM_NOMEM || code == CURLE_OUT_OF_MEMORY)
    return rem_error_nomem(err);
  if (transfer->too_large)
    return rem_error_set(err, REM_PROVIDER, "the answer of '%s' is larger than the %zu bytes that can be right", host,
                         transfer->request.reply_max);
  if (code == CURLE_OPERATION_TIMEDOUT)
    return timed_out(run, transfer, err);
  rem_error_set(err, REM_PROVIDER, "no answer from '%s': %s", host, reason_of(run->http->curl, code));
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    rem_error_hint(err, "SSL_CERT_FILE names a file of certificates to trust instead of the system's");
  return REM_PROVIDER;
}

/* ------------------------------------------------------------------------------------------- */
/* The loop                                                                                     */

/* An attempt is over. */
static rem_status attempt_ended(run *run, transfer *transfer, int code, rem_error *err) {
  long status = 0;
  run->http->curl->multi_remove(run->session->multi, transfer->easy);
  transfer->state = IDLE;
  if (code == CURLE_OK)
    run->http->curl->easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  bool repeat = code == CURLE_OK ? worth_repeating_status(status) : worth_repeating_code(code);
  if (repeat && repeat_later(run, transfer))
    return REM_OK;
  if (transfer->retry_after_ms > run->retry_ms)
    run->retry_ms = transfer->retry_after_ms;
  if (code != CURLE_OK)
    return no_answer(run, transfer, code, err);
  rem_http_reply reply = {.status = status, .body = rem_buffer_slice(&transfer->reply)};
  rem_status ended = run->source->ended(run->source->context, transfer->request.context, &reply, err);
  transfer_end(run->http, run->session, transfer);
  return ended;
}

static rem_status read_messages(run *run, bool *ret_some, rem_error *err) {
  const rem_curl *curl = run->http->curl;
  rem_curl_message *message;
  int left;
  *ret_some = false;
  while ((message = curl->multi_info_read(run->session->multi, &left))) {
    if (message->kind != CURLMSG_DONE)
      continue;
    *ret_some = true;
    void *context = NULL;
    int code = message->data.result; /* the message is gone when the handle is removed */
    curl->easy_getinfo(message->easy, CURLINFO_PRIVATE, &context);
    REM_TRY(attempt_ended(run, context, code, err));
  }
  return REM_OK;
}

/* Starts what is due and fills idle transfers from the source. `ret_busy` is how many are not idle, `ret_due_us` when the first waiting one is due. */
static rem_status start_due(run *run, size_t *ret_busy, int64_t *ret_due_us, rem_error *err) {
  int64_t now = rem_clock_monotonic_us();
  bool dry = false;
  *ret_busy = 0;
  *ret_due_us = INT64_MAX;
  for (size_t i = 0; i < run->session->count; i++) {
    transfer *transfer = &run->session->transfers[i];
    if (transfer->state == WAITING && transfer->due_us <= now)
      REM_TRY(start_attempt(run, transfer, err));
    if (transfer->state == IDLE && !dry) {
      rem_status status = run->source->next(run->source->context, &transfer->request, err);
      REM_TRY(status);
      dry = status == REM_DONE;
      transfer->attempt = 0;
      transfer->deadline_us = now + run->http->options.timeout_ms * 1000;
      if (!dry)
        REM_TRY(start_attempt(run, transfer, err));
    }
    *ret_busy += transfer->state != IDLE;
    if (transfer->state == WAITING && transfer->due_us < *ret_due_us)
      *ret_due_us = transfer->due_us;
  }
  return REM_OK;
}

static rem_status wait_for_events(run *run, int64_t due_us, rem_error *err) {
  int64_t until_due_ms = due_us == INT64_MAX ? POLL_MS : (due_us - rem_clock_monotonic_us()) / 1000 + 1;
  int timeout_ms = until_due_ms < 0 ? 0 : until_due_ms < POLL_MS ? (int)until_due_ms : POLL_MS;
  if (run->http->curl->multi_poll(run->session->multi, NULL, 0, timeout_ms, NULL))
    return rem_error_set(err, REM_INTERNAL, "libcurl cannot wait for its connections");
  return REM_OK;
}

static rem_status drive(run *run, rem_error *err) {
  for (;;) {
    size_t busy;
    int64_t due_us;
    int running;
    if (run->cancel && atomic_load_explicit(run->cancel, memory_order_relaxed))
      return rem_error_set(err, REM_CANCELLED, "interrupted");
    REM_TRY(start_due(run, &busy, &due_us, err));
    if (busy == 0)
      return REM_OK;
    if (run->http->curl->multi_perform(run->session->multi, &running))
      return rem_error_set(err, REM_INTERNAL, "libcurl cannot go on with its connections");
    bool some_ended;
    REM_TRY(read_messages(run, &some_ended, err));
    if (!some_ended) /* else there may be more to start at once */
      REM_TRY(wait_for_events(run, due_us, err));
  }
}

/* OpenSSL writes to sockets with write(2): a peer that has gone must not be the end of the host process. */
static void block_sigpipe(sigset_t *ret_old, bool *ret_was_pending) {
  sigset_t pipe, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  *ret_was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe, ret_old);
}

static void unblock_sigpipe(const sigset_t *old, bool was_pending) {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  while (!was_pending && sigtimedwait(&pipe, NULL, &(struct timespec){0}) == SIGPIPE) {
  }
  pthread_sigmask(SIG_SETMASK, old, NULL);
}

rem_status rem_http_run(rem_http *http, const rem_http_source *source, const atomic_bool *cancel, int64_t *ret_retry_ms,
                        rem_error *err) {
  run run = {.http = http, .source = source, .cancel = cancel};
  sigset_t old;
  bool was_pending;
  REM_TRY(session_take(http, &run.session, err));
  block_sigpipe(&old, &was_pending);
  rem_status status = drive(&run, err);
  session_give_back(http, run.session);
  unblock_sigpipe(&old, was_pending);
  *ret_retry_ms = run.retry_ms;
  return status;
}
