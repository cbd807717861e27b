/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call goes through in chunks: equal texts of a chunk are one, those in the cache are taken from there, the rest goes to the provider.
 *
 *   texts    a b a c d          done
 *   first    0 1 0 3 4          the text each is equal to
 *   cached       b              copied
 *   missing  a c d       -----> provider -----> a c d     put where they belong, and into the cache
 *
 * Questions to a local model pass the cache by: embedding one costs about what looking it up does.
 */
#include "embed/embedder.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/blake3.h"
#include "embed/vector_cache.h"

#define CHUNK 512
#define KEY_SIZE REM_VECTOR_CACHE_KEY_SIZE

struct rem_embedder {
  rem_provider *provider; /* owned */
  pthread_mutex_t mutex;  /* guards the making of info and cache */
  rem_model_info info;
  char *cache_folder;     /* owned; NULL: no cache */
  uint64_t cache_bytes;
  rem_vector_cache *cache; /* owned; NULL: none, or not ready */
  _Atomic bool ready;      /* info.dimension is known and does not change, cache neither */
};

/* ---- life ---- */

void rem_embedder_close(rem_embedder *embedder) {
  if (embedder == NULL)
    return;
  if (embedder->provider != NULL)
    embedder->provider->type->close(embedder->provider);
  rem_vector_cache_close(embedder->cache);
  rem_free(embedder->cache_folder);
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
  return embedder->provider->type->service != NULL;
}

/* ---- getting ready ---- */

/* Everything that the values of a text's vector depend on, besides the text and its role. */
static void identify(const rem_embedder *embedder, uint8_t ret_identity[32]) {
  const rem_model_info *info = &embedder->info;
  const char *const parts[] = {embedder->provider->type->name, info->name,        info->sha256,
                               embedder->provider->variant,    info->prefixes[0], info->prefixes[1]};
  rem_blake3 hasher;
  rem_blake3_init(&hasher);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    rem_blake3_update(&hasher, parts[i], strlen(parts[i]) + 1);
  rem_blake3_update(&hasher, &info->dimension, sizeof info->dimension);
  rem_blake3_final(&hasher, ret_identity, 32);
}

static rem_status get_ready(rem_embedder *embedder, uint32_t known, const atomic_bool *cancel, rem_error *err) {
  rem_provider *provider = embedder->provider;
  uint8_t identity[32];
  if (atomic_load(&embedder->ready))
    return REM_OK;
  if (provider->info.dimension == 0) {
    if (known == 0)
      REM_TRY(provider->type->measure(provider, cancel, &known, err));
    provider->info.dimension = embedder->info.dimension = known;
  }
  identify(embedder, identity);
  if (embedder->cache_folder != NULL)
    REM_TRY(rem_vector_cache_open(embedder->cache_folder, embedder->cache_bytes, identity, embedder->info.dimension,
                                  &embedder->cache, err));
  atomic_store(&embedder->ready, true);
  return REM_OK;
}

rem_status rem_embedder_ready(rem_embedder *embedder, uint32_t known, const atomic_bool *cancel, rem_error *err) {
  if (!atomic_load(&embedder->ready)) {
    pthread_mutex_lock(&embedder->mutex);
    rem_status status = get_ready(embedder, known, cancel, err);
    pthread_mutex_unlock(&embedder->mutex);
    REM_TRY(status);
  }
  if (known == 0 || known == embedder->info.dimension)
    return REM_OK;
  return rem_error_set(err, REM_MODEL, "vectors of the model '%s' have %u values, not %u", embedder->info.name,
                       embedder->info.dimension, known);
}

/* ---- opening ---- */

static rem_status choose_cache(rem_embedder *embedder, const rem_config *config, rem_error *err) {
  embedder->cache_bytes = (uint64_t)rem_config_int(config, REM_CONFIG_CACHE_MAX_SIZE) << 20;
  if (!rem_config_bool(config, REM_CONFIG_ENABLE_CACHE) || embedder->cache_bytes == 0)
    return REM_OK;
  embedder->cache_folder = rem_strdup(rem_config_text(config, REM_CONFIG_CACHE_DIR));
  return embedder->cache_folder ? REM_OK : rem_error_nomem(err);
}

rem_status rem_embedder_open(const rem_config *config, rem_thread_pool *pool, const char *model_name,
                             rem_embedder **ret_embedder, rem_error *err) {
  if (model_name == NULL)
    model_name = rem_config_text(config, REM_CONFIG_DEFAULT_EMBEDDING);
  rem_embedder *embedder = rem_calloc(1, sizeof *embedder);
  if (embedder == NULL)
    return rem_error_nomem(err);
  pthread_mutex_init(&embedder->mutex, NULL);
  const rem_provider_type *type = rem_provider_type_of(model_name);
  rem_status status = type->open(type, config, pool, model_name, &embedder->provider, err);
  if (status >= 0) {
    embedder->info = embedder->provider->info;
    status = choose_cache(embedder, config, err);
  }
  if (status >= 0 && embedder->info.dimension != 0)
    status = get_ready(embedder, 0, NULL, err);
  if (status < 0) {
    rem_embedder_close(embedder);
    return status;
  }
  *ret_embedder = embedder;
  return REM_OK;
}

/* ---- work ---- */

/* Texts of a call that are looked at together. */
typedef struct chunk {
  uint8_t keys[CHUNK][KEY_SIZE];
  uint16_t order[CHUNK];   /* by key */
  uint16_t first[CHUNK];   /* the least index of an equal text */
  size_t missing_count;
  uint16_t missing[CHUNK]; /* those to embed */
  rem_slice texts[CHUNK];  /* of them */
  bool done[CHUNK];        /* of them */
  const float *values[CHUNK]; /* of those to be cached */
} chunk;

static int compare_keys(const void *a, const void *b, void *context) {
  const chunk *chunk = context;
  const uint16_t *x = a, *y = b;
  int order = memcmp(chunk->keys[*x], chunk->keys[*y], KEY_SIZE);
  return order ? order : (int)*x - (int)*y;
}

static void find_equal(chunk *chunk, const rem_embed_request *request) {
  for (size_t i = 0; i < request->count; i++) {
    rem_vector_cache_key(request->role, request->texts[i], chunk->keys[i]);
    chunk->order[i] = (uint16_t)i;
  }
  qsort_r(chunk->order, request->count, sizeof *chunk->order, compare_keys, chunk);
  for (size_t i = 0; i < request->count; i++) {
    uint16_t index = chunk->order[i], before = i > 0 ? chunk->order[i - 1] : index;
    bool equal = i > 0 && memcmp(chunk->keys[index], chunk->keys[before], KEY_SIZE) == 0;
    chunk->first[index] = equal ? chunk->first[before] : index;
  }
}

/* Takes what is cached, and lists the rest. */
static void look_up(rem_embedder *embedder, chunk *chunk, const rem_embed_request *request, rem_embed_result *result) {
  size_t dimension = embedder->info.dimension;
  for (size_t i = 0; i < request->count; i++) {
    if (chunk->first[i] != i)
      continue;
    if (embedder->cache != NULL && rem_vector_cache_get(embedder->cache, chunk->keys[i], result->vectors + i * dimension)) {
      result->done[i] = true;
      continue;
    }
    chunk->texts[chunk->missing_count] = request->texts[i];
    chunk->missing[chunk->missing_count++] = (uint16_t)i;
  }
}

static void store_new(rem_embedder *embedder, chunk *chunk, const float *made) {
  size_t count = 0, dimension = embedder->info.dimension;
  for (size_t i = 0; i < chunk->missing_count && embedder->cache != NULL; i++) {
    if (!chunk->done[i])
      continue;
    /* `missing` ascends, so keys move down over ones that are no longer needed. */
    memmove(chunk->keys[count], chunk->keys[chunk->missing[i]], KEY_SIZE);
    chunk->values[count++] = made + i * dimension;
  }
  if (count > 0)
    rem_vector_cache_put(embedder->cache, chunk->keys[0], chunk->values, count);
}

static rem_status embed_missing(rem_embedder *embedder, chunk *chunk, const rem_embed_request *request,
                                rem_embed_result *result, rem_error *err) {
  size_t dimension = embedder->info.dimension;
  float *made REM_AUTO_FREE = rem_alloc(chunk->missing_count * dimension * sizeof *made);
  if (made == NULL)
    return rem_error_nomem(err);
  rem_embed_request wanted = {
      .role = request->role, .texts = chunk->texts, .count = chunk->missing_count, .cancel = request->cancel};
  rem_embed_result given = {.vectors = made, .done = chunk->done};
  rem_status status = embedder->provider->type->embed(embedder->provider, &wanted, &given, err);
  for (size_t i = 0; i < chunk->missing_count; i++) {
    if (!chunk->done[i])
      continue;
    memcpy(result->vectors + chunk->missing[i] * dimension, made + i * dimension, dimension * sizeof *made);
    result->done[chunk->missing[i]] = true;
  }
  store_new(embedder, chunk, made);
  result->truncated += given.truncated;
  result->refused += given.refused;
  return status;
}

static rem_status embed_chunk(rem_embedder *embedder, const rem_embed_request *request, rem_embed_result *result,
                              rem_error *err) {
  size_t dimension = embedder->info.dimension;
  chunk *chunk REM_AUTO_FREE = rem_calloc(1, sizeof *chunk);
  if (chunk == NULL)
    return rem_error_nomem(err);
  find_equal(chunk, request);
  look_up(embedder, chunk, request, result);
  rem_status status = chunk->missing_count ? embed_missing(embedder, chunk, request, result, err) : REM_OK;
  for (size_t i = 0; i < request->count; i++) {
    size_t first = chunk->first[i];
    if (first == i || !result->done[first])
      continue;
    memcpy(result->vectors + i * dimension, result->vectors + first * dimension, dimension * sizeof(float));
    result->done[i] = true;
  }
  return status;
}

/* Chunk by chunk. A refused text does not keep the chunks behind it back; the first failure is the one reported. */
static rem_status embed_chunks(rem_embedder *embedder, const rem_embed_request *request, rem_embed_result *result,
                               rem_error *err) {
  rem_status status = REM_OK;
  rem_error reason = {0};
  for (size_t at = 0; at < request->count; at += CHUNK) {
    size_t left = request->count - at, refused = result->refused;
    rem_embed_request part = *request;
    part.texts += at;
    part.count = left < CHUNK ? left : CHUNK;
    rem_embed_result given = *result;
    given.vectors += at * embedder->info.dimension;
    given.done += at;
    rem_status ended = embed_chunk(embedder, &part, &given, status < 0 ? NULL : &reason);
    result->truncated = given.truncated;
    result->refused = given.refused;
    if (ended < 0 && status >= 0)
      status = ended;
    if (ended < 0 && given.refused == refused)
      break;
  }
  if (status < 0 && err != NULL)
    *err = reason;
  return status;
}

rem_status rem_embedder_embed(rem_embedder *embedder, const rem_embed_request *request, rem_embed_result *result,
                              rem_error *err) {
  if (!atomic_load(&embedder->ready))
    return rem_error_set(err, REM_MISUSE, "the dimension of the model '%s' is not known yet", embedder->info.name);
  bool *own_done REM_AUTO_FREE = NULL;
  rem_embed_result whole = {.vectors = result->vectors, .done = result->done};
  if (whole.done == NULL)
    whole.done = own_done = rem_calloc(request->count ? request->count : 1, sizeof *own_done);
  if (whole.done == NULL)
    return rem_error_nomem(err);
  bool direct = request->role == REM_QUERY && !rem_embedder_is_remote(embedder);
  rem_status status = direct ? embedder->provider->type->embed(embedder->provider, request, &whole, err)
                             : embed_chunks(embedder, request, &whole, err);
  result->truncated = whole.truncated;
  result->refused = whole.refused;
  return status;
}

/* ---- forgetting ---- */

void rem_embedder_text_keys(rem_slice text, uint8_t ret_keys[REM_EMBEDDER_TEXT_KEYS_SIZE]) {
  rem_vector_cache_key(REM_PASSAGE, text, ret_keys);
  rem_vector_cache_key(REM_QUERY, text, ret_keys + KEY_SIZE);
}

rem_status rem_embedder_forget(const rem_config *config, const uint8_t *keys, size_t text_count, rem_error *err) {
  return rem_vector_cache_forget(rem_config_text(config, REM_CONFIG_CACHE_DIR), keys, 2 * text_count, err);
}
