/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Provider: one embedding model, wherever it runs. What embedder.c stands on, and the seam for further services.
 *
 * A kind of provider is a rem_provider_type; provider.c holds the table of them. A name of a model says by itself which kind it is for:
 *
 *   text-embedding-3-small, text-embedding-3-large, text-embedding-ada-002, openai:NAME    OpenAI, or what OPENAI_BASE_URL points to
 *   embed-…, cohere:NAME                                                                     Cohere
 *   anything else                                                                            a model in P8_MODELS_DIR
 *
 * so a text leaves the machine only for a model that is named as a service's. A name may end in "@" and a number for services that shorten vectors:
 * "text-embedding-3-large@1024". The whole name pins the model (D17).
 */
#ifndef REM_EMBED_PROVIDER_H
#define REM_EMBED_PROVIDER_H

#include <stdatomic.h>

#include "base/thread_pool.h"
#include "config/config.h"
#include "embed/model.h"

/* One call. Everything is borrowed during it. */
typedef struct rem_embed_request {
  rem_role role;
  const rem_slice *texts; /* UTF-8 */
  size_t count;
  const atomic_bool *cancel; /* polled; REM_CANCELLED; NULL: never */
} rem_embed_request;

/* What came of it, filled also when the call fails. */
typedef struct rem_embed_result {
  float *vectors;   /* room for count * dimension, text after text; the caller's */
  bool *done;       /* count of them, false at first: which vectors are there; the caller's */
  size_t truncated; /* texts cut to the model's window */
  size_t refused;   /* texts that the model will not take: trying again is of no use; above 0 only when all that have no vector are such */
} rem_embed_result;

typedef struct rem_provider rem_provider;
typedef struct rem_provider_type rem_provider_type;
typedef struct rem_remote_dialect rem_remote_dialect; /* provider_remote.h */

struct rem_provider_type {
  const char *name;
  const rem_remote_dialect *service; /* NULL: it runs in this process */
  /* Is `model` the name of one of its models? */
  bool (*claims)(const rem_provider_type *type, const char *model);
  /* `config` is borrowed during the call, `pool` (may be NULL) outlives the provider. Cheap; no connection is made. REM_MODEL: not installed or no such
   * model; REM_PROVIDER: no key. */
  rem_status (*open)(const rem_provider_type *type, const rem_config *config, rem_thread_pool *pool, const char *model,
                     rem_provider **ret_provider, rem_error *err);
  void (*close)(rem_provider *provider);
  /* Vectors of length 1. By any number of threads at once. REM_PROVIDER: not all texts have their vectors. */
  rem_status (*embed)(rem_provider *provider, const rem_embed_request *request, rem_embed_result *result, rem_error *err);
  /* Finds out info.dimension when it is 0; NULL when it never is. */
  rem_status (*measure)(rem_provider *provider, const atomic_bool *cancel, uint32_t *ret_dimension, rem_error *err);
};

/* The head of every provider. */
struct rem_provider {
  const rem_provider_type *type;
  rem_model_info info;            /* sha256 is "" for services; dimension 0: not known yet */
  const rem_tokenizer *tokenizer; /* NULL for services */
  char variant[256];              /* what else the values depend on (precision, address): vectors are cached apart by it */
};

/* The kind that claims `model`; there always is one. Static. */
const rem_provider_type *rem_provider_type_of(const char *model);

/* Do two names mean the same model, one with its service's prefix and one without? */
bool rem_provider_same_model(const char *a, const char *b);

extern const rem_provider_type rem_provider_local, rem_provider_openai, rem_provider_cohere;

#endif
