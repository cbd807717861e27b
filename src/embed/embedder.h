/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embedder: texts in, unit vectors out, by a local model or a service. The door through which the layers above see this module.
 */
#ifndef REM_EMBED_EMBEDDER_H
#define REM_EMBED_EMBEDDER_H

#include "embed/provider.h"

typedef struct rem_embedder rem_embedder;

/*
 * Opens the model `model_name` (NULL: P8_DEFAULT_EMBEDDING), see provider.h for names, with the cache of P8_CACHE_DIR. `config` is borrowed during the
 * call; `pool` (NULL: work in the calling thread) must outlive the embedder. REM_MODEL as rem_model_open(), REM_PROVIDER without a key. Cheap. Owned:
 * rem_embedder_close(). Thread-safe in use.
 */
REM_CHECKED rem_status rem_embedder_open(const rem_config *config, rem_thread_pool *pool, const char *model_name,
                                         rem_embedder **ret_embedder, rem_error *err);
void rem_embedder_close(rem_embedder *embedder);

/* Name, dimension, limit and hash; borrowed. Name and sha256 (empty for a service) together pin the model (D17). The dimension is that of
 * rem_embedder_ready(). */
const rem_model_info *rem_embedder_info(const rem_embedder *embedder);
/* NULL for a service. */
const rem_tokenizer *rem_embedder_tokenizer(const rem_embedder *embedder);
bool rem_embedder_is_remote(const rem_embedder *embedder);

/*
 * Makes sure that the dimension is known: of a service's model that is not in our tables `known` says it (a pinned slot's; 0: nobody has), else the service is
 * asked. REM_MODEL when `known` is another than the model has.
 */
REM_CHECKED rem_status rem_embedder_ready(rem_embedder *embedder, uint32_t known, const atomic_bool *cancel, rem_error *err);

/*
 * The vectors of the texts of `request`. A text beyond the model's window is cut to it and counted. An empty text is fine. Equal texts are embedded
 * once, and not again while they are in the cache. Memory beyond the result is bounded whatever the count is. On failure `result->done` tells which vectors are there all the same;
 * `done` may be NULL. REM_MISUSE before rem_embedder_ready(), which only models of services need.
 */
REM_CHECKED rem_status rem_embedder_embed(rem_embedder *embedder, const rem_embed_request *request,
                                          rem_embed_result *result, rem_error *err);

/* For what must not be found any more: the keys under which the vectors of a text are cached, and taking those of `text_count` texts out of the cache, of all
 * models. REM_IO when that cannot be made sure. */
#define REM_EMBEDDER_TEXT_KEYS_SIZE 32
void rem_embedder_text_keys(rem_slice text, uint8_t ret_keys[REM_EMBEDDER_TEXT_KEYS_SIZE]);
REM_CHECKED rem_status rem_embedder_forget(const rem_config *config, const uint8_t *keys, size_t text_count, rem_error *err);

#endif
