/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the services have in common: names, keys, batches, requests side by side, checking of replies. A service is a dialect of it.
 *
 * Neither a key, nor a text, nor anything else a service sends back gets into a message: of its errors only known codes are repeated.
 */
#ifndef REM_EMBED_PROVIDER_REMOTE_H
#define REM_EMBED_PROVIDER_REMOTE_H

#include "base/json.h"
#include "embed/provider.h"

#define REM_REMOTE_DIMENSION_MAX 16384

typedef struct rem_remote_model {
  const char *name;
  uint32_t dimension, max_tokens;
  bool shortens; /* "@n" may follow its name */
} rem_remote_model;

/* What one request asks for. */
typedef struct rem_remote_call {
  const char *model;    /* as the service calls it */
  uint32_t shortened;   /* the dimension asked for; 0: the model's own */
  rem_role role;
  const rem_slice *texts; /* valid UTF-8, none of them empty */
  size_t count;
} rem_remote_call;

/* Where a reply's vectors are put. */
typedef struct rem_remote_vectors {
  size_t count;       /* wanted */
  uint32_t dimension; /* of each; 0: the first one says */
  float *values;      /* owned: rem_free() */
  bool *have;         /* owned: rem_free() */
} rem_remote_vectors;

struct rem_remote_dialect {
  const char *service; /* for people: "OpenAI" */
  const char *prefix;  /* "openai:" before the name of any model */
  const char *family;  /* what its models' names begin with */
  const rem_remote_model *models; /* known ones; ended by a NULL name */
  rem_config_key url_key, secret_key;
  const char *path;      /* after the address */
  size_t batch_max;      /* texts in one request */
  bool cuts;             /* the service cuts long texts itself */
  /* Appends the body of a request. */
  void (*write)(const rem_remote_call *call, rem_buffer *body);
  /* Reads a reply of status 200: rem_remote_place() for every vector. REM_PROVIDER. */
  rem_status (*read)(const json_t *reply, rem_remote_vectors *vectors, rem_error *err);
};

extern const rem_remote_dialect rem_remote_openai, rem_remote_cohere;

/* All there is to a reply of status 200: the vectors of `vectors->count` texts, each of length 1. REM_PROVIDER: it is not to be believed; the message says why and quotes
 * nothing of it. `vectors` is to be freed in any case: rem_remote_vectors_deinit(). */
REM_CHECKED rem_status rem_remote_read(const rem_remote_dialect *dialect, rem_slice body, rem_remote_vectors *vectors, rem_error *err);
void rem_remote_vectors_deinit(rem_remote_vectors *vectors);

/* Room for the vector of text `index`. REM_PROVIDER when there is no such text, it has its vector already, or the dimension is another. */
REM_CHECKED rem_status rem_remote_place(rem_remote_vectors *vectors, int64_t index, size_t dimension, float **ret_values,
                                        rem_error *err);
/* Puts a JSON array of numbers there. */
REM_CHECKED rem_status rem_remote_place_array(rem_remote_vectors *vectors, int64_t index, const json_t *array, rem_error *err);
/* Appends `texts` as an array of JSON strings. */
void rem_remote_append_texts(rem_buffer *body, const rem_slice *texts, size_t count);

/* The functions of the type of every service. */
bool rem_remote_claims(const rem_provider_type *type, const char *model);
REM_CHECKED rem_status rem_remote_open(const rem_provider_type *type, const rem_config *config, rem_thread_pool *pool,
                                       const char *model, rem_provider **ret_provider, rem_error *err);
void rem_remote_close(rem_provider *provider);
REM_CHECKED rem_status rem_remote_embed(rem_provider *provider, const rem_embed_request *request, rem_embed_result *result,
                                        rem_error *err);
REM_CHECKED rem_status rem_remote_measure(rem_provider *provider, const atomic_bool *cancel, uint32_t *ret_dimension,
                                          rem_error *err);

#endif
