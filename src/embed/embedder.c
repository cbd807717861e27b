/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embedder: hands texts to workers, each with a workspace of its own.
 *
 * A worker takes one text after the other from a shared counter, tokenises it behind the ones it holds, and runs the encoder
 * when it holds a block of tokens. So the work balances itself, whatever the lengths of the texts, and memory is a block
 * for each worker, whatever their number. Workspaces are kept for the next call.
 */
#include "embed/embedder.h"

#include <pthread.h>
#include <stdatomic.h>

#include "config/config.h"
#include "embed/encoder.h"

/* Texts a worker holds at most: short ones fill a block slowly, and their vectors take room too. */
#define HELD_MAX 64
/* A batch that is too small to fill a block for each worker is dealt out in smaller ones, but not below this many tokens. */
#define SHARE_MIN 64

typedef struct workspace {
  struct workspace *next;
  rem_encoder_scratch *scratch;
  uint32_t *ids;    /* of the texts held, one after the other */
  float *vectors;   /* HELD_MAX of them */
  size_t id_count;
  size_t held;      /* texts */
  uint32_t lengths[HELD_MAX];
  size_t indexes[HELD_MAX]; /* of the texts in the call */
} workspace;

struct rem_embedder {
  rem_model *model;
  rem_thread_pool *pool; /* borrowed; NULL: none */
  pthread_mutex_t mutex; /* guards free_workspaces */
  workspace *free_workspaces;
};

/* One rem_embedder_embed(). */
typedef struct embed_call {
  rem_embedder *embedder;
  const rem_slice *texts;
  size_t count;
  float *vectors;
  size_t share_tokens;     /* a worker runs the encoder when it holds so many, or a block */
  atomic_size_t next;      /* text to take */
  atomic_size_t truncated;
  pthread_mutex_t mutex;   /* guards status and error */
  rem_status status;
  rem_error error;
} embed_call;

/* ---- life ---- */

rem_status rem_embedder_open(const rem_config *config, rem_thread_pool *pool, const char *model_name,
                             rem_embedder **ret_embedder, rem_error *err) {
  const char *models_dir = rem_config_text(config, REM_CONFIG_MODELS_DIR);
  if (model_name == NULL)
    model_name = rem_config_text(config, REM_CONFIG_DEFAULT_EMBEDDING);
  rem_embedder *embedder = rem_calloc(1, sizeof *embedder);
  if (embedder == NULL)
    return rem_error_nomem(err);
  embedder->pool = pool;
  rem_status status = rem_model_open(models_dir, model_name, &embedder->model, err);
  if (status < 0) {
    rem_free(embedder);
    return status;
  }
  pthread_mutex_init(&embedder->mutex, NULL);
  *ret_embedder = embedder;
  return REM_OK;
}

static void workspace_free(workspace *space) {
  if (space == NULL)
    return;
  rem_encoder_scratch_free(space->scratch);
  rem_free(space->ids);
  rem_free(space->vectors);
  rem_free(space);
}

void rem_embedder_close(rem_embedder *embedder) {
  if (embedder == NULL)
    return;
  while (embedder->free_workspaces != NULL) {
    workspace *space = embedder->free_workspaces;
    embedder->free_workspaces = space->next;
    workspace_free(space);
  }
  pthread_mutex_destroy(&embedder->mutex);
  rem_model_close(embedder->model);
  rem_free(embedder);
}

const rem_model_info *rem_embedder_info(const rem_embedder *embedder) {
  return rem_model_get_info(embedder->model);
}

const rem_tokenizer *rem_embedder_tokenizer(const rem_embedder *embedder) {
  return rem_model_tokenizer(embedder->model);
}

/* ---- workspaces ---- */

static rem_status workspace_new(const rem_embedder *embedder, workspace **ret_space, rem_error *err) {
  const rem_model_info *info = rem_embedder_info(embedder);
  workspace *space = rem_calloc(1, sizeof *space);
  if (space == NULL)
    return rem_error_nomem(err);
  rem_status status = rem_encoder_scratch_new(rem_model_encoder(embedder->model), 0, &space->scratch, err);
  if (status == REM_OK) {
    size_t id_capacity = rem_encoder_scratch_block_tokens(space->scratch) + info->max_tokens;
    space->ids = rem_alloc(id_capacity * sizeof *space->ids);
    space->vectors = rem_calloc(HELD_MAX, info->dimension * sizeof *space->vectors);
    if (space->ids == NULL || space->vectors == NULL)
      status = rem_error_nomem(err);
  }
  if (status < 0) {
    workspace_free(space);
    return status;
  }
  *ret_space = space;
  return REM_OK;
}

static rem_status workspace_take(rem_embedder *embedder, workspace **ret_space, rem_error *err) {
  pthread_mutex_lock(&embedder->mutex);
  workspace *space = embedder->free_workspaces;
  if (space != NULL)
    embedder->free_workspaces = space->next;
  pthread_mutex_unlock(&embedder->mutex);
  if (space == NULL)
    return workspace_new(embedder, ret_space, err);
  *ret_space = space;
  return REM_OK;
}

static void workspace_give_back(rem_embedder *embedder, workspace *space) {
  space->held = space->id_count = 0;
  pthread_mutex_lock(&embedder->mutex);
  space->next = embedder->free_workspaces;
  embedder->free_workspaces = space;
  pthread_mutex_unlock(&embedder->mutex);
}

/* ---- work ---- */

static void take_text(embed_call *call, workspace *space, size_t index) {
  const rem_embedder *embedder = call->embedder;
  rem_slice text = call->texts[index];
  bool truncated = false;
  size_t length = rem_tokenizer_encode(rem_embedder_tokenizer(embedder), (const char *)text.data, text.size,
                                       space->ids + space->id_count, NULL, rem_embedder_info(embedder)->max_tokens,
                                       &truncated);
  if (truncated)
    atomic_fetch_add_explicit(&call->truncated, 1, memory_order_relaxed);
  space->indexes[space->held] = index;
  space->lengths[space->held++] = (uint32_t)length;
  space->id_count += length;
}

/* Runs the encoder over what the workspace holds and puts the vectors where they belong. */
static rem_status flush_texts(embed_call *call, workspace *space, rem_error *err) {
  const rem_encoder *encoder = rem_model_encoder(call->embedder->model);
  size_t dimension = rem_embedder_info(call->embedder)->dimension;
  REM_TRY(rem_encoder_run(encoder, space->scratch, space->ids, space->lengths, space->held, space->vectors, err));
  for (size_t i = 0; i < space->held; i++)
    memcpy(call->vectors + space->indexes[i] * dimension, space->vectors + i * dimension, dimension * sizeof(float));
  space->held = space->id_count = 0;
  return REM_OK;
}

static rem_status work_on(embed_call *call, workspace *space, rem_error *err) {
  size_t block_tokens = rem_encoder_scratch_block_tokens(space->scratch);
  if (call->share_tokens < block_tokens)
    block_tokens = call->share_tokens;
  for (;;) {
    size_t index = atomic_fetch_add_explicit(&call->next, 1, memory_order_relaxed);
    if (index >= call->count)
      break;
    take_text(call, space, index);
    if (space->id_count >= block_tokens || space->held == HELD_MAX)
      REM_TRY(flush_texts(call, space, err));
  }
  return space->held > 0 ? flush_texts(call, space, err) : REM_OK;
}

static void work(void *context, size_t index, size_t worker) {
  (void)index;
  (void)worker;
  embed_call *call = context;
  rem_error error = {0};
  workspace *space = NULL;
  rem_status status = workspace_take(call->embedder, &space, &error);
  if (status == REM_OK) {
    status = work_on(call, space, &error);
    workspace_give_back(call->embedder, space);
  }
  if (status >= 0)
    return;
  atomic_store(&call->next, call->count); /* the others need not go on */
  pthread_mutex_lock(&call->mutex);
  call->status = status;
  call->error = error;
  pthread_mutex_unlock(&call->mutex);
}

/* Half of what each worker gets if all get the same, by the rule of thumb of four bytes a token. */
static size_t share_of(const embed_call *call, size_t workers) {
  if (workers < 2)
    return SIZE_MAX;
  size_t limit = rem_embedder_info(call->embedder)->max_tokens, tokens = 0;
  for (size_t i = 0; i < call->count; i++) {
    size_t estimate = call->texts[i].size / 4 + 2;
    tokens += estimate < limit ? estimate : limit;
  }
  size_t share = tokens / (2 * workers);
  return share > SHARE_MIN ? share : SHARE_MIN;
}

rem_status rem_embedder_embed(rem_embedder *embedder, const rem_slice *texts, size_t count, float *ret_vectors,
                              size_t *ret_truncated_count, rem_error *err) {
  embed_call call = {.embedder = embedder, .texts = texts, .count = count, .vectors = ret_vectors};
  pthread_mutex_init(&call.mutex, NULL);
  size_t workers = embedder->pool != NULL ? rem_thread_pool_size(embedder->pool) : 1;
  if (workers > count)
    workers = count;
  call.share_tokens = share_of(&call, workers);
  if (workers > 1)
    rem_thread_pool_for(embedder->pool, workers, work, &call);
  else if (count > 0)
    work(&call, 0, 0);
  pthread_mutex_destroy(&call.mutex);
  if (call.status < 0) {
    if (err != NULL)
      *err = call.error;
    return call.status;
  }
  if (ret_truncated_count != NULL)
    *ret_truncated_count = call.truncated;
  return REM_OK;
}
