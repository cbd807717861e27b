/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local models: hands texts to workers, each with a workspace of its own.
 *
 * A worker takes one text after the other from a shared counter, tokenises it behind the ones it holds, and runs the encoder
 * when it holds a block of tokens. So the work balances itself, whatever the lengths of the texts, and memory is a block
 * for each worker, whatever their number. Workspaces are kept for the next call.
 */
#include "embed/provider.h"

#include <pthread.h>
#include <stdio.h>

#include "embed/encoder.h"

/* Texts a worker holds at most: short ones fill a block slowly, and their vectors take room too. */
#define HELD_MAX 64
/* A batch that is too small to fill a block for each worker is dealt out in smaller ones, but not below this many tokens. */
#define SHARE_MIN 64
/* Threads that share a text on its own: more would wait for one another. */
#define SPLIT_MAX 4

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

typedef struct local {
  rem_provider base;
  rem_model *model;
  rem_thread_pool *pool; /* borrowed; NULL: none */
  pthread_mutex_t mutex; /* guards free_workspaces */
  workspace *free_workspaces;
} local;

/* One call of embed(). */
typedef struct embed_call {
  local *local;
  const rem_embed_request *request;
  rem_embed_result *result;
  size_t share_tokens;     /* a worker runs the encoder when it holds so many, or a block */
  atomic_size_t next;      /* text to take */
  atomic_size_t truncated;
  pthread_mutex_t mutex;   /* guards status and error */
  rem_status status;
  rem_error error;
} embed_call;

/* ---- life ---- */

/* Asked last, for what no service has claimed. */
static bool claims(const rem_provider_type *type, const char *model) {
  (void)type;
  (void)model;
  return true;
}

/* As P8_EMBEDDING_PRECISION says. */
static rem_model_precision precision_of(const rem_config *config) {
  static const char *const names[] = {
      [REM_MODEL_FLOAT32] = "float32", [REM_MODEL_BFLOAT16] = "bfloat16", [REM_MODEL_INT8] = "int8"};
  const char *wanted = rem_config_text(config, REM_CONFIG_EMBEDDING_PRECISION);
  for (size_t i = REM_MODEL_FLOAT32; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], wanted) == 0)
      return (rem_model_precision)i;
  return REM_MODEL_AUTO;
}

static rem_status local_open(const rem_provider_type *type, const rem_config *config, rem_thread_pool *pool,
                             const char *model, rem_provider **ret_provider, rem_error *err) {
  local *self = rem_calloc(1, sizeof *self);
  if (self == NULL)
    return rem_error_nomem(err);
  rem_status status = rem_model_open_as(rem_config_text(config, REM_CONFIG_MODELS_DIR), model, precision_of(config),
                                        &self->model, err);
  if (status < 0) {
    rem_free(self);
    return status;
  }
  self->pool = pool;
  self->base.type = type;
  self->base.info = *rem_model_get_info(self->model);
  self->base.tokenizer = rem_model_tokenizer(self->model);
  snprintf(self->base.variant, sizeof self->base.variant, "%s", rem_config_text(config, REM_CONFIG_EMBEDDING_PRECISION));
  pthread_mutex_init(&self->mutex, NULL);
  *ret_provider = &self->base;
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

static void local_close(rem_provider *provider) {
  local *self = (local *)provider;
  while (self->free_workspaces != NULL) {
    workspace *space = self->free_workspaces;
    self->free_workspaces = space->next;
    workspace_free(space);
  }
  pthread_mutex_destroy(&self->mutex);
  rem_model_close(self->model);
  rem_free(self);
}

/* ---- workspaces ---- */

static rem_status workspace_new(const local *self, workspace **ret_space, rem_error *err) {
  const rem_model_info *info = &self->base.info;
  workspace *space = rem_calloc(1, sizeof *space);
  if (space == NULL)
    return rem_error_nomem(err);
  rem_status status = rem_encoder_scratch_new(rem_model_encoder(self->model), 0, &space->scratch, err);
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

static rem_status workspace_take(local *self, workspace **ret_space, rem_error *err) {
  pthread_mutex_lock(&self->mutex);
  workspace *space = self->free_workspaces;
  if (space != NULL)
    self->free_workspaces = space->next;
  pthread_mutex_unlock(&self->mutex);
  if (space == NULL)
    return workspace_new(self, ret_space, err);
  *ret_space = space;
  return REM_OK;
}

static void workspace_give_back(local *self, workspace *space) {
  space->held = space->id_count = 0;
  pthread_mutex_lock(&self->mutex);
  space->next = self->free_workspaces;
  self->free_workspaces = space;
  pthread_mutex_unlock(&self->mutex);
}

/* ---- work ---- */

static void take_text(embed_call *call, workspace *space, size_t index) {
  const local *self = call->local;
  rem_slice text = call->request->texts[index];
  bool truncated = false;
  size_t length = rem_model_encode(self->model, call->request->role, text, space->ids + space->id_count, &truncated);
  if (truncated)
    atomic_fetch_add_explicit(&call->truncated, 1, memory_order_relaxed);
  space->indexes[space->held] = index;
  space->lengths[space->held++] = (uint32_t)length;
  space->id_count += length;
}

/* Runs the encoder over what the workspace holds and puts the vectors where they belong. */
static rem_status flush_texts(embed_call *call, workspace *space, rem_error *err) {
  const rem_encoder *encoder = rem_model_encoder(call->local->model);
  size_t dimension = call->local->base.info.dimension;
  REM_TRY(rem_encoder_run(encoder, space->scratch, space->ids, space->lengths, space->held, space->vectors, err));
  for (size_t i = 0; i < space->held; i++) {
    memcpy(call->result->vectors + space->indexes[i] * dimension, space->vectors + i * dimension, dimension * sizeof(float));
    call->result->done[space->indexes[i]] = true;
  }
  space->held = space->id_count = 0;
  return REM_OK;
}

static rem_status work_on(embed_call *call, workspace *space, rem_error *err) {
  size_t block_tokens = rem_encoder_scratch_block_tokens(space->scratch);
  if (call->share_tokens < block_tokens)
    block_tokens = call->share_tokens;
  for (;;) {
    size_t index = atomic_fetch_add_explicit(&call->next, 1, memory_order_relaxed);
    if (index >= call->request->count)
      break;
    take_text(call, space, index);
    if (space->id_count < block_tokens && space->held < HELD_MAX)
      continue;
    REM_TRY(flush_texts(call, space, err));
    if (call->request->cancel != NULL && atomic_load_explicit(call->request->cancel, memory_order_relaxed))
      return rem_error_set(err, REM_CANCELLED, "interrupted");
  }
  return space->held > 0 ? flush_texts(call, space, err) : REM_OK;
}

static void work(void *context, size_t index, size_t worker) {
  (void)index;
  (void)worker;
  embed_call *call = context;
  rem_error error = {0};
  workspace *space = NULL;
  rem_status status = workspace_take(call->local, &space, &error);
  if (status == REM_OK) {
    status = work_on(call, space, &error);
    workspace_give_back(call->local, space);
  }
  if (status >= 0)
    return;
  atomic_store(&call->next, call->request->count); /* the others need not go on */
  pthread_mutex_lock(&call->mutex);
  call->status = status;
  call->error = error;
  pthread_mutex_unlock(&call->mutex);
}

/* Half of what each worker gets if all get the same, by the rule of thumb of four bytes a token. */
static size_t share_of(const embed_call *call, size_t workers) {
  if (workers < 2)
    return SIZE_MAX;
  size_t limit = call->local->base.info.max_tokens, tokens = 0;
  for (size_t i = 0; i < call->request->count; i++) {
    size_t estimate = call->request->texts[i].size / 4 + 2;
    tokens += estimate < limit ? estimate : limit;
  }
  size_t share = tokens / (2 * workers);
  return share > SHARE_MIN ? share : SHARE_MIN;
}

/* A text on its own: its columns are split over the pool, for the sake of a query's answer. */
static rem_status embed_one(embed_call *call, rem_error *err) {
  local *self = call->local;
  workspace *spaces[SPLIT_MAX] = {NULL};
  rem_encoder_scratch *scratches[SPLIT_MAX];
  size_t wanted = rem_thread_pool_size(self->pool), count = 0;
  rem_status status = REM_OK;
  for (wanted = wanted < SPLIT_MAX ? wanted : SPLIT_MAX; count < wanted && status == REM_OK; count += status == REM_OK) {
    status = workspace_take(self, &spaces[count], err);
    scratches[count] = status == REM_OK ? spaces[count]->scratch : NULL;
  }
  if (status == REM_OK) {
    take_text(call, spaces[0], 0);
    status = rem_encoder_run_split(rem_model_encoder(self->model), scratches, count, self->pool, spaces[0]->ids, spaces[0]->lengths[0],
                                   call->result->vectors, err);
    call->result->done[0] = status == REM_OK;
  }
  for (size_t i = 0; i < count; i++)
    workspace_give_back(self, spaces[i]);
  return status;
}

static rem_status local_embed(rem_provider *provider, const rem_embed_request *request, rem_embed_result *result,
                              rem_error *err) {
  local *self = (local *)provider;
  embed_call call = {.local = self, .request = request, .result = result};
  pthread_mutex_init(&call.mutex, NULL);
  size_t workers = self->pool != NULL ? rem_thread_pool_size(self->pool) : 1;
  if (workers > request->count)
    workers = request->count;
  call.share_tokens = share_of(&call, workers);
  if (request->count == 1 && self->pool != NULL && rem_thread_pool_size(self->pool) > 1)
    call.status = embed_one(&call, &call.error);
  else if (workers > 1)
    rem_thread_pool_for(self->pool, workers, work, &call);
  else if (request->count > 0)
    work(&call, 0, 0);
  pthread_mutex_destroy(&call.mutex);
  result->truncated = call.truncated;
  if (call.status < 0 && err != NULL)
    *err = call.error;
  return call.status;
}

const rem_provider_type rem_provider_local = {
    .name = "local", .claims = claims, .open = local_open, .close = local_close, .embed = local_embed};
