/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call is cut into ranges of texts, a request each, which run side by side. A range that the service refuses as bad input (400, 413, 422) is halved until the
 * texts that are to blame stand alone; a text that is refused because it is too long is cut and tried again. So one bad text costs a few
 * requests, and not the vectors of all others. Any other failure ends the call.
 *
 *   next()   the range on top of the stack -> body of a request
 *   ended()  200: vectors to their places    400: halves back on the stack    else: failure
 *
 * A service that failed is left alone for a while: passages fail at once, so that writes go on at their own speed while it is down; the rows are pending and
 * are embedded later. Queries are always tried: somebody waits for the answer.
 */
#include "embed/provider_remote.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "embed/http.h"

#define CONNECT_TIMEOUT_MS 3000 /* a host that is not there should not cost the first write much */
#define RANGE_BYTES ((size_t)256 << 10) /* of text in a request: services limit tokens too */
#define REST_MS 30000    /* how long a service that failed is left alone; doubled with each failure after it */
#define REST_MAX_MS 600000
#define REFUSED_MAX 16   /* refused texts in one call, before it is given up */
#define REPLY_MIN ((size_t)64 << 10)
#define NUMBER_BYTES 32  /* of a value in a reply, at most */
#define SHORTEST_CUT 256 /* bytes */

typedef struct remote {
  rem_provider base;
  const rem_remote_dialect *dialect;
  char model[REM_MODEL_NAME_MAX + 1]; /* as the service calls it */
  uint32_t shortened;                 /* 0: no "@n" */
  size_t batch_size;
  rem_http *http; /* owned */
  pthread_mutex_t mutex; /* guards those below */
  unsigned failures;     /* since the last success */
  int64_t rest_until_us; /* monotonic */
  rem_error rest_reason;
} remote;

/* Texts of one request. */
typedef struct range {
  size_t first, count;
  size_t cut; /* bytes a single text is cut to; 0: whole */
} range;

/* One call of embed(). */
typedef struct call {
  remote *remote;
  const rem_embed_request *request;
  rem_embed_result *result;
  range *stack; /* owned */
  size_t stack_count, stack_capacity;
  rem_arena arena;   /* ranges under way */
  rem_error refusal; /* of the first refused text */
  uint32_t measured; /* the dimension of what came, for measure() */
} call;

/* ------------------------------------------------------------------------------------------- */
/* Names and keys                                                                               */

bool rem_remote_claims(const rem_provider_type *type, const char *model) {
  const rem_remote_dialect *dialect = type->service;
  return strncmp(model, dialect->prefix, strlen(dialect->prefix)) == 0 ||
         strncmp(model, dialect->family, strlen(dialect->family)) == 0;
}

/* "name@512" is the model shortened to 512 values. False when what follows '@' is no number (then it belongs to the name). */
static bool read_shortening(const char *name, size_t *ret_name_size, uint32_t *ret_shortened) {
  const char *at = strrchr(name, '@');
  if (!at || at[1] == 0 || strspn(at + 1, "0123456789") != strlen(at + 1) || strlen(at + 1) > 6)
    return false;
  *ret_name_size = (size_t)(at - name);
  *ret_shortened = (uint32_t)strtoul(at + 1, NULL, 10);
  return true;
}

static rem_status read_model(remote *self, const char *given, rem_error *err) {
  const rem_remote_dialect *dialect = self->dialect;
  bool prefixed = strncmp(given, dialect->prefix, strlen(dialect->prefix)) == 0;
  const char *name = prefixed ? given + strlen(dialect->prefix) : given;
  size_t size = strlen(name);
  bool shortened = read_shortening(name, &size, &self->shortened);
  if (size == 0 || strlen(given) > REM_MODEL_NAME_MAX || !rem_utf8_valid(given, strlen(given)))
    return rem_error_set(err, REM_MODEL, "'%.100s' is not the name of a model", given);
  memcpy(self->model, name, size);
  const rem_remote_model *model = dialect->models;
  while (model->name && strcmp(model->name, self->model) != 0)
    model++;
  if (shortened && (!model->shortens || self->shortened == 0 || self->shortened > REM_REMOTE_DIMENSION_MAX ||
                    (model->dimension && self->shortened > model->dimension))) {
    rem_error_set(err, REM_MODEL, "the model '%s' cannot have vectors of %u values", self->model, self->shortened);
    if (model->dimension)
      rem_error_hint(err, "its own have %u: leave out '@%u'", model->dimension, self->shortened);
    return REM_MODEL;
  }
  /* A model that is known has one name, with or without the prefix. */
  snprintf(self->base.info.name, sizeof self->base.info.name, "%s", model->name ? name : given);
  self->base.info.dimension = self->shortened ? self->shortened : model->dimension;
  self->base.info.max_tokens = model->max_tokens;
  return REM_OK;
}

static rem_status no_key(const remote *self, rem_error *err) {
  rem_error_set(err, REM_PROVIDER, "the model '%s' needs a key of %s, and %s is not set", self->base.info.name,
                self->dialect->service, rem_config_name(self->dialect->secret_key));
  rem_error_hint(err, "set %s in the environment, or choose a local model (db model list)",
                 rem_config_name(self->dialect->secret_key));
  return REM_PROVIDER;
}

static rem_status make_client(remote *self, const rem_config *config, rem_error *err) {
  const rem_remote_dialect *dialect = self->dialect;
  const char *base = rem_config_text(config, dialect->url_key), *secret = rem_config_text(config, dialect->secret_key);
  bool is_default = rem_config_origin_of(config, dialect->url_key) == REM_CONFIG_FROM_DEFAULT;
  char url[2048], authorization[4096] = "";
  size_t base_size = strlen(base);
  while (base_size && base[base_size - 1] == '/')
    base_size--;
  if (!secret && is_default) /* servers of one's own often want none */
    return no_key(self, err);
  if ((size_t)snprintf(url, sizeof url, "%.*s%s", (int)base_size, base, dialect->path) >= sizeof url)
    return rem_error_set(err, REM_INVALID, "%s is too long", rem_config_name(dialect->url_key));
  if (secret && (size_t)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", secret) >= sizeof authorization)
    return rem_error_set(err, REM_INVALID, "%s is too long", rem_config_name(dialect->secret_key));
  /* Without "Expect:" large bodies wait for a consent that many servers never give. */
  const char *headers[] = {"Content-Type: application/json", "Accept: application/json", "Expect:",
                           secret ? authorization : NULL, NULL};
  rem_http_options options = {
      .url = url,
      .headers = headers,
      .ca_file = rem_config_text(config, REM_CONFIG_SSL_CERT_FILE),
      .connect_timeout_ms = CONNECT_TIMEOUT_MS,
      .timeout_ms = rem_config_int(config, REM_CONFIG_PROVIDER_TIMEOUT) * 1000,
      .retries = (size_t)rem_config_int(config, REM_CONFIG_PROVIDER_RETRIES),
      .parallel = (size_t)rem_config_int(config, REM_CONFIG_PROVIDER_PARALLEL),
  };
  rem_status status = rem_http_new(&options, &self->http, err);
  explicit_bzero(authorization, sizeof authorization);
  if (status == REM_INVALID)
    rem_error_prefix(err, "%s: ", rem_config_name(dialect->url_key));
  return status;
}

rem_status rem_remote_open(const rem_provider_type *type, const rem_config *config, rem_thread_pool *pool,
                           const char *model, rem_provider **ret_provider, rem_error *err) {
  (void)pool;
  const rem_remote_dialect *dialect = type->service;
  remote *self = rem_calloc(1, sizeof *self);
  if (!self)
    return rem_error_nomem(err);
  self->base.type = type;
  self->dialect = dialect;
  pthread_mutex_init(&self->mutex, NULL);
  size_t batch_size = (size_t)rem_config_int(config, REM_CONFIG_EMBEDDING_BATCH_SIZE);
  self->batch_size = batch_size < dialect->batch_max ? batch_size : dialect->batch_max;
  rem_status status = read_model(self, model, err);
  if (status >= 0)
    status = make_client(self, config, err);
  if (status < 0) {
    rem_remote_close(&self->base);
    return status;
  }
  snprintf(self->base.variant, sizeof self->base.variant, "%s", rem_http_host(self->http));
  *ret_provider = &self->base;
  return REM_OK;
}

void rem_remote_close(rem_provider *provider) {
  remote *self = (remote *)provider;
  rem_http_free(self->http);
  pthread_mutex_destroy(&self->mutex);
  rem_free(self);
}

/* ------------------------------------------------------------------------------------------- */
/* Reading replies                                                                              */

rem_status rem_remote_place(rem_remote_vectors *vectors, int64_t index, size_t dimension, float **ret_values,
                            rem_error *err) {
  if (index < 0 || (uint64_t)index >= vectors->count)
    return rem_error_set(err, REM_PROVIDER, "the answer has a vector for a text that was not sent");
  if (vectors->have && vectors->have[index])
    return rem_error_set(err, REM_PROVIDER, "the answer has two vectors for one text");
  if (dimension == 0 || dimension > REM_REMOTE_DIMENSION_MAX || (vectors->dimension && dimension != vectors->dimension))
    return rem_error_set(err, REM_PROVIDER, "a vector of the answer has %zu values, and %u were to be expected", dimension,
                         vectors->dimension);
  if (!vectors->have)
    vectors->have = rem_calloc(vectors->count, sizeof *vectors->have);
  if (!vectors->values)
    vectors->values = rem_calloc(vectors->count, dimension * sizeof *vectors->values);
  if (!vectors->have || !vectors->values)
    return rem_error_nomem(err);
  vectors->dimension = (uint32_t)dimension;
  vectors->have[index] = true;
  *ret_values = vectors->values + (size_t)index * dimension;
  return REM_OK;
}

rem_status rem_remote_place_array(rem_remote_vectors *vectors, int64_t index, const json_t *array, rem_error *err) {
  float *values;
  if (!json_is_array(array))
    return rem_error_set(err, REM_PROVIDER, "a vector of the answer is %s", rem_json_type_name(array));
  REM_TRY(rem_remote_place(vectors, index, json_array_size(array), &values, err));
  for (size_t i = 0; i < json_array_size(array); i++) {
    const json_t *number = json_array_get(array, i);
    if (!json_is_number(number))
      return rem_error_set(err, REM_PROVIDER, "a value of a vector is %s", rem_json_type_name(number));
    values[i] = (float)json_number_value(number);
  }
  return REM_OK;
}

static rem_status normalise(float *values, size_t dimension, rem_error *err) {
  double sum = 0;
  for (size_t i = 0; i < dimension; i++)
    sum += (double)values[i] * (double)values[i];
  if (!isfinite(sum))
    return rem_error_set(err, REM_PROVIDER, "a vector of the answer holds values that are not numbers");
  if (!(sum > 0))
    return rem_error_set(err, REM_PROVIDER, "a vector of the answer is all zeros");
  double scale = 1 / sqrt(sum);
  for (size_t i = 0; i < dimension; i++)
    values[i] = (float)(values[i] * scale);
  return REM_OK;
}

static rem_status check_vectors(rem_remote_vectors *vectors, rem_error *err) {
  size_t count = 0;
  for (size_t i = 0; i < vectors->count && vectors->have; i++)
    count += vectors->have[i];
  if (count != vectors->count)
    return rem_error_set(err, REM_PROVIDER, "the answer has %zu vectors for %zu texts", count, vectors->count);
  for (size_t i = 0; i < count; i++)
    REM_TRY(normalise(vectors->values + i * vectors->dimension, vectors->dimension, err));
  return REM_OK;
}

rem_status rem_remote_read(const rem_remote_dialect *dialect, rem_slice body, rem_remote_vectors *vectors, rem_error *err) {
  json_t *reply REM_AUTO_JSON = NULL;
  /* What the parser says may quote the reply, and a reply may quote texts. */
  rem_status status = rem_json_parse((const char *)body.data, body.size, &reply, NULL);
  if (status < 0)
    return status == REM_NOMEM ? rem_error_nomem(err) : rem_error_set(err, REM_PROVIDER, "the answer is not JSON");
  REM_TRY(dialect->read(reply, vectors, err));
  return check_vectors(vectors, err);
}

void rem_remote_vectors_deinit(rem_remote_vectors *vectors) {
  rem_free(vectors->values);
  rem_free(vectors->have);
}

/* ------------------------------------------------------------------------------------------- */
/* Answers that are none                                                                        */

/* Codes of errors that may be shown: anything else in an error could quote a text or the key. */
static const char *const shown_codes[] = {
    "invalid_api_key",    "insufficient_quota",     "rate_limit_exceeded",        "model_not_found", "context_length_exceeded",
    "invalid_request_error", "billing_hard_limit_reached", "account_deactivated", "server_error",    "unsupported_country_region_territory"};

static const char *known_code(rem_slice body) {
  json_t *reply REM_AUTO_JSON = NULL;
  if (rem_json_parse((const char *)body.data, body.size, &reply, NULL) < 0)
    return NULL;
  const json_t *error = json_object_get(reply, "error");
  const char *given[] = {json_string_value(json_object_get(error, "code")), json_string_value(json_object_get(error, "type"))};
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; given[i] && j < sizeof shown_codes / sizeof *shown_codes; j++)
      if (strcmp(given[i], shown_codes[j]) == 0)
        return shown_codes[j];
  return NULL;
}

static const char *meaning_of(long status) {
  switch (status) {
  case 400: return "bad request";
  case 401: return "the key is not valid";
  case 403: return "not allowed";
  case 404: return "no such model or address";
  case 408: return "timeout";
  case 413: return "too large";
  case 429: return "too many requests";
  case 500: return "internal error";
  case 502:
  case 503:
  case 504: return "not available";
  default: return status >= 300 && status < 400 ? "a redirect, which is not followed" : "failure";
  }
}

static rem_status refuse(const remote *self, long status, rem_slice body, rem_error *err) {
  const char *code = known_code(body);
  rem_error_set(err, REM_PROVIDER, "'%s' answered %ld (%s%s%s) for the model '%s'", rem_http_host(self->http), status,
                meaning_of(status), code ? ": " : "", code ? code : "", self->base.info.name);
  if (status == 401 || status == 403)
    rem_error_hint(err, "check %s", rem_config_name(self->dialect->secret_key));
  else if (status == 404 || (status >= 300 && status < 400))
    rem_error_hint(err, "check %s and the name of the model", rem_config_name(self->dialect->url_key));
  return REM_PROVIDER;
}

/* Does the refusal concern the length? Texts within the window are never too long: a token is at least a byte. */
static bool may_be_too_long(const call *call, const range *range, long status) {
  size_t size = range->cut ? range->cut : call->request->texts[range->first].size;
  return !call->remote->dialect->cuts && range->count == 1 && status != 422 && size > SHORTEST_CUT &&
         size > call->remote->base.info.max_tokens;
}

/* ------------------------------------------------------------------------------------------- */
/* Ranges                                                                                       */

static rem_status push(call *call, range range, rem_error *err) {
  if (call->stack_count == call->stack_capacity) {
    size_t capacity = call->stack_capacity ? call->stack_capacity * 2 : 32;
    void *stack = rem_realloc(call->stack, capacity * sizeof *call->stack);
    if (!stack)
      return rem_error_nomem(err);
    call->stack = stack;
    call->stack_capacity = capacity;
  }
  call->stack[call->stack_count++] = range;
  return REM_OK;
}

/* The texts that have no vector yet, in ranges; the first ones on top. */
static rem_status push_all(call *call, rem_error *err) {
  size_t end = call->request->count;
  while (end > 0) {
    size_t first = end, bytes = 0;
    while (first > 0 && end - first < call->remote->batch_size && (first == end || bytes < RANGE_BYTES))
      bytes += call->request->texts[--first].size;
    REM_TRY(push(call, (range){.first = first, .count = end - first}, err));
    end = first;
  }
  return REM_OK;
}

/* A service takes no empty text; a space is as good as none. */
static rem_slice sendable(rem_slice text, size_t cut) {
  if (cut && cut < text.size)
    text.size = rem_utf8_floor((const char *)text.data, text.size, cut);
  return text.size ? text : rem_slice_text(" ");
}

void rem_remote_append_texts(rem_buffer *body, const rem_slice *texts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    rem_buffer_append_byte(body, i ? ',' : '[');
    rem_json_append_string(body, (const char *)texts[i].data, texts[i].size);
  }
  rem_buffer_append_byte(body, ']');
}

static rem_status write_request(const call *call, const range *range, rem_http_request *request, rem_error *err) {
  const remote *self = call->remote;
  rem_slice *texts REM_AUTO_FREE = rem_alloc(range->count * sizeof *texts);
  if (!texts)
    return rem_error_nomem(err);
  size_t bytes = 0;
  for (size_t i = 0; i < range->count; i++) {
    texts[i] = sendable(call->request->texts[range->first + i], range->cut);
    bytes += texts[i].size;
    if (!rem_utf8_valid((const char *)texts[i].data, texts[i].size))
      return rem_error_set(err, REM_INVALID, "a text to embed is not UTF-8");
  }
  rem_remote_call wanted = {.model = self->model, .shortened = self->shortened, .role = call->request->role,
                            .texts = texts, .count = range->count};
  request->body = (rem_buffer){0};
  self->dialect->write(&wanted, &request->body);
  size_t dimension = self->base.info.dimension ? self->base.info.dimension : REM_REMOTE_DIMENSION_MAX;
  /* Some services send the texts back, which as JSON may be six times as long. */
  request->reply_max = REPLY_MIN + range->count * dimension * NUMBER_BYTES + bytes * 6;
  rem_status status = rem_buffer_status(&request->body, err);
  if (status < 0)
    rem_buffer_deinit(&request->body);
  return status;
}

static rem_status next_request(void *context, rem_http_request *ret_request, rem_error *err) {
  call *call = context;
  if (call->stack_count == 0)
    return REM_DONE;
  range *under_way = rem_arena_alloc(&call->arena, sizeof *under_way);
  if (!under_way)
    return rem_error_nomem(err);
  *under_way = call->stack[--call->stack_count];
  REM_TRY(write_request(call, under_way, ret_request, err));
  ret_request->context = under_way;
  return REM_ROW;
}

/* ------------------------------------------------------------------------------------------- */
/* Answers                                                                                      */

static rem_status take_vectors(call *call, const range *range, rem_slice body, rem_error *err) {
  const remote *self = call->remote;
  rem_remote_vectors vectors REM_CLEANUP(rem_remote_vectors_deinit) = {.count = range->count, .dimension = self->base.info.dimension};
  rem_status status = rem_remote_read(self->dialect, body, &vectors, err);
  if (status == REM_PROVIDER)
    rem_error_prefix(err, "'%s' is not to be used: ", rem_http_host(self->http));
  REM_TRY(status);
  call->measured = vectors.dimension;
  call->result->truncated += range->cut != 0;
  if (!call->result->vectors)
    return REM_OK;
  memcpy(call->result->vectors + range->first * vectors.dimension, vectors.values,
         range->count * vectors.dimension * sizeof(float));
  memset(call->result->done + range->first, true, range->count);
  return REM_OK;
}

/* The input is refused: halves, a shorter text, or a text that has to go without a vector. */
static rem_status take_refusal(call *call, const range *bad, long status, rem_slice body, rem_error *err) {
  if (bad->count > 1) {
    size_t half = bad->count / 2;
    REM_TRY(push(call, (range){.first = bad->first + half, .count = bad->count - half}, err));
    return push(call, (range){.first = bad->first, .count = half}, err);
  }
  if (may_be_too_long(call, bad, status)) {
    size_t size = bad->cut ? bad->cut : call->request->texts[bad->first].size;
    size_t window = (size_t)call->remote->base.info.max_tokens * 4; /* bytes, as text mostly goes */
    size_t cut = size > window ? window : size / 2;
    return push(call, (range){.first = bad->first, .count = 1, .cut = cut}, err);
  }
  if (call->result->refused == 0)
    (void)!refuse(call->remote, status, body, &call->refusal);
  if (++call->result->refused > REFUSED_MAX)
    return refuse(call->remote, status, body, err);
  return REM_OK;
}

static rem_status request_ended(void *context, void *request_context, const rem_http_reply *reply, rem_error *err) {
  call *call = context;
  const range *range = request_context;
  if (reply->status == 200)
    return take_vectors(call, range, reply->body, err);
  if (reply->status == 400 || reply->status == 413 || reply->status == 422)
    return take_refusal(call, range, reply->status, reply->body, err);
  return refuse(call->remote, reply->status, reply->body, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Calls                                                                                        */

static rem_status check_rest(remote *self, const rem_embed_request *request, rem_error *err) {
  rem_status status = REM_OK;
  pthread_mutex_lock(&self->mutex);
  if (request->role != REM_QUERY && rem_clock_monotonic_us() < self->rest_until_us) {
    status = self->rest_reason.code;
    if (err)
      *err = self->rest_reason;
  }
  pthread_mutex_unlock(&self->mutex);
  return status;
}

static void note_outcome(remote *self, rem_status status, int64_t retry_ms, const rem_error *reason) {
  pthread_mutex_lock(&self->mutex);
  if (status == REM_PROVIDER) {
    int64_t rest_ms = (int64_t)REST_MS << (self->failures < 5 ? self->failures : 5);
    if (retry_ms > rest_ms)
      rest_ms = retry_ms;
    if (rest_ms > REST_MAX_MS)
      rest_ms = REST_MAX_MS;
    self->failures++;
    self->rest_until_us = rem_clock_monotonic_us() + rest_ms * 1000;
    self->rest_reason = *reason;
  } else if (status >= 0) {
    self->rest_until_us = 0;
    self->failures = 0;
  }
  pthread_mutex_unlock(&self->mutex);
}

static rem_status make_requests(call *call, rem_error *err) {
  remote *self = call->remote;
  rem_http_source source = {.context = call, .next = next_request, .ended = request_ended};
  rem_error reason = {0};
  int64_t retry_ms = 0;
  REM_TRY(check_rest(self, call->request, err));
  rem_status status = push_all(call, &reason);
  if (status >= 0)
    status = rem_http_run(self->http, &source, call->request->cancel, &retry_ms, &reason);
  if (status == REM_UNSUPPORTED) /* no libcurl: to those above the same as no service */
    status = reason.code = REM_PROVIDER;
  note_outcome(self, status, retry_ms, &reason);
  if (status < 0)
    call->result->refused = 0; /* what has no vector has not all been refused */
  if (status >= 0 && call->result->refused) {
    status = REM_PROVIDER;
    reason = call->refusal;
  }
  if (status < 0 && err)
    *err = reason;
  return status;
}

static rem_status run_call(call *call, rem_error *err) {
  rem_status status = make_requests(call, err);
  rem_free(call->stack);
  rem_arena_deinit(&call->arena);
  return status;
}

rem_status rem_remote_embed(rem_provider *provider, const rem_embed_request *request, rem_embed_result *result,
                            rem_error *err) {
  call call = {.remote = (remote *)provider, .request = request, .result = result};
  return run_call(&call, err);
}

rem_status rem_remote_measure(rem_provider *provider, const atomic_bool *cancel, uint32_t *ret_dimension, rem_error *err) {
  rem_slice text = rem_slice_text("dimension");
  rem_embed_request request = {.role = REM_PASSAGE, .texts = &text, .count = 1, .cancel = cancel};
  rem_embed_result result = {0};
  call call = {.remote = (remote *)provider, .request = &request, .result = &result};
  REM_TRY(run_call(&call, err));
  *ret_dimension = call.measured;
  return REM_OK;
}
