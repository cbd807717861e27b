/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a folder in the Hugging Face layout says of its model:
 *
 *   config.json                 architecture and shape
 *   model.safetensors           weights
 *   tokenizer.json              tokenizer; or vocab.txt with tokenizer_config.json
 *   sentence_bert_config.json   the window, in tokens (the truncation inside tokenizer.json is another one); without it
 *                               tokenizer_config.json
 *   modules.json                pipeline of sentence-transformers; names the pooling folder
 *   config_sentence_transformers.json   prompts: what is put before queries and passages
 *
 * What the tokenizer and the encoder do not do is refused, never approximated.
 */
#ifndef REM_EMBED_MODEL_CONFIG_H
#define REM_EMBED_MODEL_CONFIG_H

#include "embed/encoder.h"
#include "embed/model.h"

#define REM_MODEL__WEIGHTS_FILE "model.safetensors"
#define REM_MODEL__TOKENS_MIN 3 /* positions of the smallest window: start, one token, end */
#define REM_MODEL__JSON_MAX (64u << 20)

typedef struct rem_model__config {
  rem_encoder_shape shape;
  uint32_t max_tokens;
  char source_name[REM_MODEL_NAME_MAX + 1]; /* the last part of _name_or_path; empty: none */
  char prefixes[2][REM_MODEL_PREFIX_MAX + 1]; /* by rem_role */
} rem_model__config;

/* REM_UNSUPPORTED: another architecture, pooling or pipeline; REM_INVALID: files are missing or make no sense. */
REM_CHECKED rem_status rem_model__config_read(const char *folder, rem_model__config *ret_config, rem_error *err);

/* Builds the tables of the tokenizer (rem_tokenizer_build) from the folder's files; appends to `tables`. `vocab_rows` is the
 * number of word embeddings. */
REM_CHECKED rem_status rem_model__vocabulary_read(const char *folder, uint32_t vocab_rows, rem_buffer *tables,
                                                  rem_error *err);

/* Whether a prefix can be used: short enough, and a blank at its end, so that its tokens are the same before any text. */
REM_CHECKED rem_status rem_model__prefix_check(const char *prefix, rem_error *err);

/* For the readers of both: the JSON object in a file of the folder. REM_NOT_FOUND when there is no such file; `*ret_json` is
 * then untouched. Owned: json_decref(). */
struct json_t;
REM_CHECKED rem_status rem_model__json_read(const char *folder, const char *name, struct json_t **ret_json,
                                            rem_error *err);
/* tokenizer_config.json, its numbers as reals: some are written beyond 64 bits ("no limit"). NULL when it is not there. */
REM_CHECKED rem_status rem_model__tokenizer_config_read(const char *folder, struct json_t **ret_json, rem_error *err);

#endif
