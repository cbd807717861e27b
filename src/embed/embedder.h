/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embedder: texts in, unit vectors out, by a local model. The door through which the layers above see this module.
 */
#ifndef REM_EMBED_EMBEDDER_H
#define REM_EMBED_EMBEDDER_H

#include "base/thread_pool.h"
#include "embed/model.h"

typedef struct rem_embedder rem_embedder;

/*
 * Opens the model `model_name` (NULL: P8_DEFAULT_EMBEDDING) of P8_MODELS_DIR. `config` is borrowed during the
 * call; `pool` (NULL: work in the calling thread) must outlive the embedder. REM_MODEL as rem_model_open(). Cheap. Owned:
 * rem_embedder_close(). Thread-safe in use.
 */
REM_CHECKED rem_status rem_embedder_open(const rem_config *config, rem_thread_pool *pool, const char *model_name,
                                         rem_embedder **ret_embedder, rem_error *err);
void rem_embedder_close(rem_embedder *embedder);

/* Name, dimension, limit and hash; borrowed. Name and sha256 together pin the model (D17). */
const rem_model_info *rem_embedder_info(const rem_embedder *embedder);
const rem_tokenizer *rem_embedder_tokenizer(const rem_embedder *embedder);

/*
 * The vectors of `count` texts: `ret_vectors` has room for count * dimension float32 values, text after text, each of length 1.
 * A text beyond the model's window is cut to it; how many were is counted in `ret_truncated_count` (may be NULL).
 * An empty text is fine. Memory beyond the result is bounded whatever `count` is.
 */
REM_CHECKED rem_status rem_embedder_embed(rem_embedder *embedder, const rem_slice *texts, size_t count,
                                          float *ret_vectors, size_t *ret_truncated_count, rem_error *err);

#endif
