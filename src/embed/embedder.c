/* SPDX-License-Identifier: Apache-2.0 */
#include "embed/embedder.h"

#include <pthread.h>

struct rem_embedder {
  rem_provider *provider; /* owned */
  pthread_mutex_t mutex;  /* guards the making of info */
  rem_model_info info;
  _Atomic bool ready;     /* info.dimension is known and does not change */
};

rem_status rem_embedder_open(const rem_config *config, rem_thread_pool *pool, const char *model_name,
                             rem_embedder **ret_embedder, rem_error *err) {
  if (model_name == NULL)
    model_name = rem_config_text(config, REM_CONFIG_DEFAULT_EMBEDDING);
  rem_embedder *embedder = rem_calloc(1, sizeof *embedder);
  if (embedder == NULL)
    return rem_error_nomem(err);
  rem_status status = rem_provider_type_of(model_name)->open(config, pool, model_name, &embedder->provider, err);
  if (status < 0) {
    rem_free(embedder);
    return status;
  }
  pthread_mutex_init(&embedder->mutex, NULL);
  embedder->info = embedder->provider->info;
  atomic_init(&embedder->ready, embedder->info.dimension != 0);
  *ret_embedder = embedder;
  return REM_OK;
}

void rem_embedder_close(rem_embedder *embedder) {
  if (embedder == NULL)
    return;
  embedder->provider->type->close(embedder->provider);
  pthread_mutex_destroy(&embedder->mutex);
  rem_free(embedder);
}

const rem_model_info *rem_embedder_info(const rem_embedder *embedder) {
  return &embedder->info;
}

const rem_tokenizer *rem_embedder_tokenizer(const rem_embedder *embedder) {
  return embedder->provider->tokenizer;
}

bool rem_embedder_is_remote(const rem_embedder *embedder) {
  return embedder->provider->type->is_remote;
}

/* ---- the dimension ---- */

static rem_status settle_dimension(rem_embedder *embedder, uint32_t known, const atomic_bool *cancel, rem_error *err) {
  rem_provider *provider = embedder->provider;
  if (atomic_load(&embedder->ready))
    return REM_OK;
  if (known == 0)
    REM_TRY(provider->type->measure(provider, cancel, &known, err));
  provider->info.dimension = embedder->info.dimension = known;
  atomic_store(&embedder->ready, true);
  return REM_OK;
}

rem_status rem_embedder_ready(rem_embedder *embedder, uint32_t known, const atomic_bool *cancel, rem_error *err) {
  if (!atomic_load(&embedder->ready)) {
    pthread_mutex_lock(&embedder->mutex);
    rem_status status = settle_dimension(embedder, known, cancel, err);
    pthread_mutex_unlock(&embedder->mutex);
    REM_TRY(status);
  }
  if (known == 0 || known == embedder->info.dimension)
    return REM_OK;
  return rem_error_set(err, REM_MODEL, "vectors of the model '%s' have %u values, not %u", embedder->info.name,
                       embedder->info.dimension, known);
}

/* ---- work ---- */

rem_status rem_embedder_embed(rem_embedder *embedder, const rem_embed_request *request, rem_embed_result *result,
                              rem_error *err) {
  if (!atomic_load(&embedder->ready))
    return rem_error_set(err, REM_MISUSE, "the dimension of the model '%s' is not known yet", embedder->info.name);
  bool *own_done REM_AUTO_FREE = NULL;
  rem_embed_result whole = *result;
  if (whole.done == NULL)
    whole.done = own_done = rem_calloc(request->count ? request->count : 1, sizeof *own_done);
  if (whole.done == NULL)
    return rem_error_nomem(err);
  rem_status status = embedder->provider->type->embed(embedder->provider, request, &whole, err);
  result->truncated = whole.truncated;
  result->refused = whole.refused;
  return status;
}
