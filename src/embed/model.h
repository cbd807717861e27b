/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models on disk: {models_dir}/{name}/model.rem is one mapped file with everything an encoder needs.
 *
 * Installing (model_installer.h) makes it; opening maps it and checks its header, which costs microseconds whatever
 * its size; verifying reads all of it. The format is pictured in model_file.h.
 */
#ifndef REM_EMBED_MODEL_H
#define REM_EMBED_MODEL_H

#include "embed/tokenizer.h"

#define REM_MODEL_NAME_MAX 95      /* bytes, without NUL */
#define REM_MODEL_DEFAULT "all-MiniLM-L6-v2"

/* What is known of a model; strings are NUL-terminated. */
typedef struct rem_model_info {
  char name[REM_MODEL_NAME_MAX + 1];
  char sha256[65];     /* of model.safetensors: with the name, the identity of its vectors */
  uint32_t dimension;  /* float32 values of a vector */
  uint32_t max_tokens; /* of a text, with [CLS] and [SEP] */
  uint64_t size_bytes; /* of the file on disk */
} rem_model_info;

typedef struct rem_model rem_model;
struct rem_encoder;

/*
 * Maps an installed model. REM_MODEL when it is not installed (hint: how to), or damaged or of another format version (the
 * message names the file, the hint says to install it again). Immutable, any number of threads. Owned: rem_model_close().
 */
REM_CHECKED rem_status rem_model_open(const char *models_dir, const char *name, rem_model **ret_model,
                                      rem_error *err);
void rem_model_close(rem_model *model);
/* Borrowed from the model. */
const rem_model_info *rem_model_get_info(const rem_model *model);
const rem_tokenizer *rem_model_tokenizer(const rem_model *model);
const struct rem_encoder *rem_model_encoder(const rem_model *model);

/* Whether a name may be one of a model: letters, digits, "._-", not beginning with a dot. */
bool rem_model_name_valid(const char *name);

/* The installed models, by name; damaged ones are left out. `*ret_models` is owned: rem_free(). */
REM_CHECKED rem_status rem_model_scan(const char *models_dir, rem_model_info **ret_models, size_t *ret_count,
                                      rem_error *err);
/* Reads the whole file and compares every hash. REM_MODEL: missing or damaged. */
REM_CHECKED rem_status rem_model_check(const char *models_dir, const char *name, rem_model_info *ret_info,
                                       rem_error *err);
/* Removes an installed model. REM_NOT_FOUND (positive) when there is none. */
REM_CHECKED rem_status rem_model_delete(const char *models_dir, const char *name, rem_error *err);

#endif
