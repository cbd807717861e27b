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
#define REM_MODEL_PREFIX_MAX 159    /* bytes, without NUL */

/* What is known of a model; strings are NUL-terminated. */
typedef struct rem_model_info {
  char name[REM_MODEL_NAME_MAX + 1];
  char sha256[65];     /* of model.safetensors */
  char identity[65];   /* that of its vectors, beside the name: the same as sha256, or a hash of that and the prefixes where there are some; "" for services */
  uint32_t dimension;  /* float32 values of a vector */
  uint32_t max_tokens; /* of a text, with [CLS] and [SEP] */
  uint64_t size_bytes; /* of the file on disk */
  char prefixes[2][REM_MODEL_PREFIX_MAX + 1]; /* put before texts, by rem_role; mostly empty */
} rem_model_info;

/* What the encoder computes in. All of a model's vectors may be compared with one another, whatever they were computed in. */
typedef enum rem_model_precision {
  REM_MODEL_AUTO = 0, /* bfloat16 where the CPU has a unit for it, else float32 */
  REM_MODEL_FLOAT32,
  REM_MODEL_BFLOAT16,
  REM_MODEL_INT8, /* dense layers in 8 bits: the fastest, never chosen unasked */
} rem_model_precision;

typedef struct rem_model rem_model;
struct rem_encoder;

/*
 * Maps an installed model. REM_MODEL when it is not installed (hint: how to), or damaged or of another format version (the
 * message names the file, the hint says to install it again). Immutable, any number of threads. Owned: rem_model_close().
 */
REM_CHECKED rem_status rem_model_open(const char *models_dir, const char *name, rem_model **ret_model,
                                      rem_error *err);
/* As above, with weights of that precision. REM_MODEL for REM_MODEL_INT8 when the model has none: they did not pass the quality
 * gate at its installation (model_gate.h), or it was installed by a version without them. */
REM_CHECKED rem_status rem_model_open_as(const char *models_dir, const char *name, rem_model_precision precision,
                                         rem_model **ret_model, rem_error *err);
void rem_model_close(rem_model *model);
/* Borrowed from the model. */
const rem_model_info *rem_model_get_info(const rem_model *model);
const rem_tokenizer *rem_model_tokenizer(const rem_model *model);
const struct rem_encoder *rem_model_encoder(const rem_model *model);

/* The ids of a text in its role: framed, the role's prefix in front, cut to the window. `ids` has room for max_tokens of the
 * info. `ret_truncated` (may be NULL): tokens were left out. Returns how many ids there are. */
size_t rem_model_encode(const rem_model *model, rem_role role, rem_slice text, uint32_t *ids, bool *ret_truncated);

/* From sha256 and prefixes. */
void rem_model_identify(rem_model_info *info);

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
