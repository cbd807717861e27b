/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP for providers: JSON by POST to one address, several at a time, tried again while there is hope, over libcurl, which is loaded on
 * first use.
 *
 * A request ends in one of two ways: an answer of the server, whatever its status, or a failure (REM_PROVIDER) to get one. Tried again, after a pause that doubles and
 * is drawn at random up to itself, are 408, 409, 429 and 5xx and connections that break; a server that says when (Retry-After) is heeded. All attempts of one request
 * together end within `timeout_ms`; to find the host and connect an attempt has `connect_timeout_ms`. Redirects are never followed: they would carry texts and key elsewhere.
 */
#ifndef REM_EMBED_HTTP_H
#define REM_EMBED_HTTP_H

#include <stdatomic.h>

#include "base/buffer.h"

typedef struct rem_http rem_http;

/* Copied. */
typedef struct rem_http_options {
  const char *url;            /* http or https */
  const char *const *headers; /* "Name: value", NULL-terminated; secrets are wiped when the client is freed */
  const char *ca_file;        /* PEM certificates trusted instead of the system's; NULL: the system's */
  int64_t connect_timeout_ms, timeout_ms;
  size_t retries;  /* after the first attempt */
  size_t parallel; /* requests under way at once, 1 to 64 */
} rem_http_options;

/* REM_INVALID: not an address, or a header with a line break (which is not repeated in the message). Owned: rem_http_free(). Any number of threads. */
REM_CHECKED rem_status rem_http_new(const rem_http_options *options, rem_http **ret_http, rem_error *err);
void rem_http_free(rem_http *http);
/* "api.openai.com", or "localhost:8080": for messages; no user, path or query. Borrowed. */
const char *rem_http_host(const rem_http *http);

/* One request, as the caller's source gives it. */
typedef struct rem_http_request {
  rem_buffer body; /* taken */
  size_t reply_max; /* bytes; a longer reply is a failure */
  void *context;
} rem_http_request;

typedef struct rem_http_reply {
  long status;    /* 200, 429, … */
  rem_slice body; /* borrowed until ended() returns */
} rem_http_reply;

typedef struct rem_http_source {
  void *context;
  /* REM_ROW and a request, REM_DONE when there is none now (there may be one after another has ended), or a failure. */
  rem_status (*next)(void *context, rem_http_request *ret_request, rem_error *err);
  /* A request has ended with an answer, status outside 200-299 included. A failure ends the whole run with it. */
  rem_status (*ended)(void *context, void *request_context, const rem_http_reply *reply, rem_error *err);
} rem_http_source;

/*
 * Runs all requests of `source`, in the calling thread. The first failure abandons the rest: REM_PROVIDER when a request had no answer, REM_CANCELLED within
 * 0.1 s of `cancel`, or what the source said. `ret_retry_ms` is 0 or how long the server wants to be left alone.
 */
REM_CHECKED rem_status rem_http_run(rem_http *http, const rem_http_source *source, const atomic_bool *cancel,
                                    int64_t *ret_retry_ms, rem_error *err);

/* The pause before attempt `attempt` + 1 (0: the first repetition): a random time up to 0.5 s doubled each time, at most 8 s, `random` being uniform in [0, 1), and at least
 * a quarter of that. */
int64_t rem_http__pause_ms(size_t attempt, double random);

#endif
