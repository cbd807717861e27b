/* SPDX-License-Identifier: Apache-2.0 */
/* config.json, sentence_bert_config.json, modules.json and the pooling's config.json of a model folder. */
#include "embed/model_config.h"

#include <math.h>

#include "base/file.h"
#include "base/json.h"

#define JSON_FILE_MAX (64u << 20)

rem_status rem_model__json_read(const char *folder, const char *name, json_t **ret_json, rem_error *err) {
  char *path REM_AUTO_FREE = rem_path_join(folder, name);
  if (path == NULL)
    return rem_error_nomem(err);
  if (!rem_file_exists(path))
    return REM_NOT_FOUND;
  rem_bytes content = {0};
  REM_TRY(rem_file_read(path, JSON_FILE_MAX, &content, err));
  rem_status status = rem_json_parse(content.data, content.size, ret_json, err);
  if (status < 0)
    rem_error_prefix(err, "'%s': ", path);
  rem_free(content.data);
  return status;
}

/* A whole number of config.json within 0 to `max`; -1 when it is missing or out of that. */
static int64_t get_count(const json_t *config, const char *name, int64_t max) {
  const json_t *value = json_object_get(config, name);
  json_int_t number = json_integer_value(value);
  return json_is_integer(value) && number >= 0 && number <= max ? number : -1;
}

static rem_status read_number(const json_t *config, const char *name, uint32_t *ret_number, rem_error *err) {
  int64_t number = get_count(config, name, 1 << 24);
  if (number < 0)
    return rem_error_set(err, REM_INVALID, "config.json of the model: '%s' is missing or not usable", name);
  *ret_number = (uint32_t)number;
  return REM_OK;
}

/* That a text field has the value this encoder implements; a missing one has it. */
static rem_status require_text(const json_t *config, const char *name, const char *wanted, rem_error *err) {
  const char *value = json_string_value(json_object_get(config, name));
  if (value == NULL || strcmp(value, wanted) == 0)
    return REM_OK;
  rem_error_set(err, REM_UNSUPPORTED, "config.json of the model: '%s' is '%s'; only '%s' can be used", name, value,
                wanted);
  return REM_UNSUPPORTED;
}

static rem_status read_shape(const json_t *config, rem_encoder_shape *shape, rem_error *err) {
  if (json_object_get(config, "model_type") == NULL)
    return rem_error_set(err, REM_INVALID, "config.json of the model does not say its model_type");
  if (require_text(config, "model_type", "bert", err) < 0) {
    rem_error_hint(err, "sentence-transformers models of the BERT family work, such as " REM_MODEL_DEFAULT ".");
    return REM_UNSUPPORTED;
  }
  REM_TRY(require_text(config, "hidden_act", "gelu", err));
  REM_TRY(require_text(config, "position_embedding_type", "absolute", err));
  REM_TRY(read_number(config, "num_hidden_layers", &shape->layers, err));
  REM_TRY(read_number(config, "hidden_size", &shape->hidden, err));
  REM_TRY(read_number(config, "num_attention_heads", &shape->heads, err));
  REM_TRY(read_number(config, "intermediate_size", &shape->ff, err));
  REM_TRY(read_number(config, "vocab_size", &shape->vocab, err));
  REM_TRY(read_number(config, "max_position_embeddings", &shape->positions, err));
  REM_TRY(read_number(config, "type_vocab_size", &shape->types, err));
  const json_t *epsilon = json_object_get(config, "layer_norm_eps");
  shape->layer_norm_epsilon = json_is_number(epsilon) ? (float)json_number_value(epsilon) : 1e-12f;
  return REM_OK;
}

static void read_source_name(const json_t *config, rem_model__config *ret_config) {
  const char *path = json_string_value(json_object_get(config, "_name_or_path"));
  if (path == NULL)
    return;
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  if (rem_model_name_valid(name))
    memcpy(ret_config->source_name, name, strlen(name) + 1);
}

/* The window of the sentence model, which may be smaller than what the positions allow. */
static rem_status read_window(const char *folder, rem_model__config *ret_config, rem_error *err) {
  ret_config->max_tokens = ret_config->shape.positions < 512 ? ret_config->shape.positions : 512;
  json_t *json REM_AUTO_JSON = NULL;
  rem_status status = rem_model__json_read(folder, "sentence_bert_config.json", &json, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND)
    return REM_OK;
  int64_t limit = get_count(json, "max_seq_length", ret_config->shape.positions);
  if (limit >= 3)
    ret_config->max_tokens = (uint32_t)limit;
  return REM_OK;
}

static rem_status read_pooling(const char *folder, const char *pooling_folder, rem_encoder_shape *shape, rem_error *err) {
  char *path REM_AUTO_FREE = rem_path_join(folder, pooling_folder);
  if (path == NULL)
    return rem_error_nomem(err);
  json_t *json REM_AUTO_JSON = NULL;
  rem_status status = rem_model__json_read(path, "config.json", &json, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND)
    return rem_error_set(err, REM_INVALID, "the model lacks the file '%s/config.json' that modules.json names",
                         pooling_folder);
  const char *name;
  const json_t *value;
  unsigned modes = 0;
  json_object_foreach(json, name, value) {
    if (strncmp(name, "pooling_mode_", 13) != 0 || !json_is_true(value))
      continue;
    modes |= strcmp(name, "pooling_mode_mean_tokens") == 0  ? 1
             : strcmp(name, "pooling_mode_cls_token") == 0 ? 2
                                                           : 4;
  }
  if (modes != 1 && modes != 2)
    return rem_error_set(err, REM_UNSUPPORTED, "the pooling of the model is neither mean nor CLS");
  shape->pooling = modes == 1 ? REM_ENCODER_POOL_MEAN : REM_ENCODER_POOL_CLS;
  return REM_OK;
}

static bool ends_with(const char *text, const char *end) {
  size_t size = strlen(text), end_size = strlen(end);
  return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* A path that stays within the folder. */
static bool is_plain_name(const char *path) {
  return path[0] != 0 && path[0] != '/' && strstr(path, "..") == NULL;
}

/* The pipeline: Transformer, Pooling and perhaps Normalize. Without modules.json it is the plain model, pooled by its mean. */
static rem_status read_modules(const char *folder, rem_encoder_shape *shape, rem_error *err) {
  shape->pooling = REM_ENCODER_POOL_MEAN;
  shape->normalise = true; /* the library promises vectors of length 1 of every model */
  json_t *modules REM_AUTO_JSON = NULL;
  rem_status status = rem_model__json_read(folder, "modules.json", &modules, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND)
    return REM_OK;
  size_t index;
  const json_t *module;
  json_array_foreach(modules, index, module) {
    const char *type = json_string_value(json_object_get(module, "type"));
    const char *path = json_string_value(json_object_get(module, "path"));
    if (type == NULL || path == NULL)
      return rem_error_set(err, REM_INVALID, "modules.json of the model makes no sense");
    if (ends_with(type, ".Transformer") || ends_with(type, ".Normalize"))
      continue;
    if (!ends_with(type, ".Pooling") || !is_plain_name(path))
      return rem_error_set(err, REM_UNSUPPORTED, "the model has a module that cannot be used: '%s'", type);
    REM_TRY(read_pooling(folder, path, shape, err));
  }
  return REM_OK;
}

rem_status rem_model__config_read(const char *folder, rem_model__config *ret_config, rem_error *err) {
  rem_model__config result = {0};
  json_t *config REM_AUTO_JSON = NULL;
  rem_status status = rem_model__json_read(folder, "config.json", &config, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND)
    return rem_error_set(err, REM_INVALID, "'%s' is not a model: it has no config.json", folder);
  REM_TRY(read_shape(config, &result.shape, err));
  REM_TRY(read_window(folder, &result, err));
  REM_TRY(read_modules(folder, &result.shape, err));
  REM_TRY(rem_encoder_shape_check(&result.shape, err));
  read_source_name(config, &result);
  *ret_config = result;
  return REM_OK;
}
