/* SPDX-License-Identifier: Apache-2.0 */
/* config.json, sentence_bert_config.json, modules.json and the pooling's config.json of a model folder. */
#include "embed/model_config.h"

#include <math.h>

#include "base/file.h"
#include "base/json.h"

static rem_status read_file(const char *folder, const char *name, char **ret_path, rem_bytes *ret_content, rem_error *err) {
  char *path REM_AUTO_FREE = rem_path_join(folder, name);
  if (path == NULL)
    return rem_error_nomem(err);
  if (!rem_file_exists(path))
    return REM_NOT_FOUND;
  REM_TRY(rem_file_read(path, REM_MODEL__JSON_MAX, ret_content, err));
  *ret_path = REM_TAKE(path);
  return REM_OK;
}

rem_status rem_model__json_read(const char *folder, const char *name, json_t **ret_json, rem_error *err) {
  char *path REM_AUTO_FREE = NULL;
  rem_bytes content = {0};
  rem_status status = read_file(folder, name, &path, &content, err);
  if (status != REM_OK)
    return status;
  status = rem_json_parse(content.data, content.size, ret_json, err);
  if (status < 0)
    rem_error_prefix(err, "'%s': ", path);
  rem_free(content.data);
  return status;
}

rem_status rem_model__tokenizer_config_read(const char *folder, json_t **ret_json, rem_error *err) {
  char *path REM_AUTO_FREE = NULL;
  rem_bytes content = {0};
  rem_status status = read_file(folder, "tokenizer_config.json", &path, &content, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  json_error_t failure;
  json_t *json = json_loadb(content.data, content.size, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &failure);
  rem_free(content.data);
  if (json == NULL)
    return rem_error_set(err, REM_INVALID, "'%s' is not JSON: %s in line %d", path, failure.text, failure.line);
  *ret_json = json;
  return REM_OK;
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

static rem_status unsupported(rem_error *err, const char *name, const char *value, const char *known) {
  rem_error_set(err, REM_UNSUPPORTED, "config.json of the model: '%s' is '%s'; only %s can be used", name, value, known);
  rem_error_hint(err, "sentence-transformers models of the BERT family work, such as " REM_MODEL_DEFAULT
                      ", all-mpnet-base-v2, bge-small-en-v1.5, e5-small-v2 or gte-small.");
  return REM_UNSUPPORTED;
}

/* The architectures and how their configuration names things; NULL: it does not say, since there is but one value. */
typedef struct family {
  const char *model_type;
  rem_encoder_family number;
  const char *layers, *hidden, *heads, *ff, *activation, *types;
  uint32_t first_position; /* rows of the position table before that of the first token */
} family;

static const family families[] = {
    {"bert", REM_ENCODER_BERT, "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "hidden_act",
     "type_vocab_size", 0},
    {"mpnet", REM_ENCODER_MPNET, "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "hidden_act",
     NULL, 2},
    {"distilbert", REM_ENCODER_DISTILBERT, "n_layers", "dim", "n_heads", "hidden_dim", "activation", NULL, 0},
};
#define MPNET_PADDING_ID 1 /* whatever the configuration says: the library has it fixed */

static rem_status find_family(const json_t *config, const family **ret_family, rem_error *err) {
  const char *type = json_string_value(json_object_get(config, "model_type"));
  if (type == NULL)
    return rem_error_set(err, REM_INVALID, "config.json of the model does not say its model_type");
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    if (strcmp(families[i].model_type, type) == 0) {
      *ret_family = &families[i];
      return REM_OK;
    }
  return unsupported(err, "model_type", type, "'bert', 'mpnet' and 'distilbert'");
}

static rem_status read_activation(const json_t *config, const char *name, rem_encoder_activation *ret_activation,
                                  rem_error *err) {
  static const struct {
    const char *name;
    rem_encoder_activation activation;
  } known[] = {
      {"gelu", REM_ENCODER_GELU},
      {"gelu_python", REM_ENCODER_GELU},
      {"gelu_new", REM_ENCODER_GELU_TANH},
      {"gelu_fast", REM_ENCODER_GELU_TANH},
      {"gelu_pytorch_tanh", REM_ENCODER_GELU_TANH},
      {"gelu_accurate", REM_ENCODER_GELU_TANH},
  };
  const char *value = json_string_value(json_object_get(config, name));
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (value == NULL || strcmp(value, known[i].name) == 0) { /* a missing one is the first */
      *ret_activation = known[i].activation;
      return REM_OK;
    }
  return unsupported(err, name, value, "'gelu' and its tanh form");
}

/* What exists in one family alone. */
static rem_status read_positions(const json_t *config, const family *kind, rem_encoder_shape *shape, rem_error *err) {
  const char *type = json_string_value(json_object_get(config, "position_embedding_type"));
  if (type != NULL && strcmp(type, "absolute") != 0)
    return unsupported(err, "position_embedding_type", type, "'absolute'");
  REM_TRY(read_number(config, "max_position_embeddings", &shape->positions, err));
  if (shape->positions < kind->first_position + REM_MODEL__TOKENS_MIN)
    return rem_error_set(err, REM_INVALID, "config.json of the model: 'max_position_embeddings' is not usable");
  shape->positions -= kind->first_position;
  shape->first_position = kind->first_position;
  shape->padding_id = kind->first_position > 0 ? MPNET_PADDING_ID : 0;
  if (kind->number == REM_ENCODER_MPNET)
    REM_TRY(read_number(config, "relative_attention_num_buckets", &shape->relative_buckets, err));
  return REM_OK;
}

static rem_status read_shape(const json_t *config, rem_encoder_shape *shape, rem_error *err) {
  const family *kind = NULL;
  REM_TRY(find_family(config, &kind, err));
  shape->family = kind->number;
  REM_TRY(read_activation(config, kind->activation, &shape->activation, err));
  REM_TRY(read_number(config, kind->layers, &shape->layers, err));
  REM_TRY(read_number(config, kind->hidden, &shape->hidden, err));
  REM_TRY(read_number(config, kind->heads, &shape->heads, err));
  REM_TRY(read_number(config, kind->ff, &shape->ff, err));
  REM_TRY(read_number(config, "vocab_size", &shape->vocab, err));
  if (kind->types != NULL)
    REM_TRY(read_number(config, kind->types, &shape->types, err));
  REM_TRY(read_positions(config, kind, shape, err));
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
  uint32_t positions = ret_config->shape.positions;
  ret_config->max_tokens = positions < 512 ? positions : 512;
  json_t *json REM_AUTO_JSON = NULL;
  json_t *tokenizer REM_AUTO_JSON = NULL;
  REM_TRY(rem_model__json_read(folder, "sentence_bert_config.json", &json, err));
  int64_t limit = get_count(json, "max_seq_length", positions);
  if (limit < 0) {
    REM_TRY(rem_model__tokenizer_config_read(folder, &tokenizer, err));
    double length = json_number_value(json_object_get(tokenizer, "model_max_length"));
    limit = length >= 1 && length <= positions ? (int64_t)length : -1;
  }
  if (limit >= REM_MODEL__TOKENS_MIN)
    ret_config->max_tokens = (uint32_t)limit;
  return REM_OK;
}

/* ---- prompts ---- */

rem_status rem_model__prefix_check(const char *prefix, rem_error *err) {
  size_t size = strlen(prefix);
  if (size == 0 || (size <= REM_MODEL_PREFIX_MAX && (prefix[size - 1] == ' ' || prefix[size - 1] == '\n')))
    return REM_OK;
  rem_error_set(err, REM_UNSUPPORTED, "the prefix '%.40s%s' cannot be used: it is longer than %d bytes or does not end in a blank",
                prefix, size > 40 ? "..." : "", REM_MODEL_PREFIX_MAX);
  rem_error_hint(err, "give the model its prefixes with --query-prefix and --passage-prefix.");
  return REM_UNSUPPORTED;
}

/* The prompt of the first of `names` that says anything (the reference library writes an empty one for documents into every file);
 * else the default one. */
static rem_status read_prefix(const json_t *json, const char *const *names, char *ret_prefix, rem_error *err) {
  const json_t *prompts = json_object_get(json, "prompts");
  const char *default_name = json_string_value(json_object_get(json, "default_prompt_name"));
  const char *prompt = NULL;
  for (; *names != NULL && (prompt == NULL || prompt[0] == 0); names++) {
    const char *named = json_string_value(json_object_get(prompts, *names));
    prompt = named != NULL ? named : prompt;
  }
  if (prompt == NULL && default_name != NULL)
    prompt = json_string_value(json_object_get(prompts, default_name));
  if (prompt == NULL)
    return REM_OK;
  REM_TRY(rem_model__prefix_check(prompt, err));
  memcpy(ret_prefix, prompt, strlen(prompt) + 1);
  return REM_OK;
}

static rem_status read_prefixes(const char *folder, rem_model__config *ret_config, rem_error *err) {
  static const char *const query_names[] = {"query", NULL};
  static const char *const passage_names[] = {"document", "passage", "corpus", NULL};
  json_t *json REM_AUTO_JSON = NULL;
  REM_TRY(rem_model__json_read(folder, "config_sentence_transformers.json", &json, err));
  REM_TRY(read_prefix(json, query_names, ret_config->prefixes[REM_QUERY], err));
  return read_prefix(json, passage_names, ret_config->prefixes[REM_PASSAGE], err);
}

/* ---- pooling ---- */

/* Modes as a set: 1 mean, 2 CLS, 4 anything else. Older files have a truth value for each, newer ones the name of one. */
static unsigned pooling_modes(const json_t *json) {
  const char *name, *mode = json_string_value(json_object_get(json, "pooling_mode"));
  const json_t *value;
  unsigned modes = 0;
  if (mode != NULL)
    return strcmp(mode, "mean") == 0 ? 1 : strcmp(mode, "cls") == 0 ? 2 : 4;
  json_object_foreach((json_t *)json, name, value) {
    if (strncmp(name, "pooling_mode_", 13) != 0 || !json_is_true(value))
      continue;
    modes |= strcmp(name, "pooling_mode_mean_tokens") == 0 ? 1 : strcmp(name, "pooling_mode_cls_token") == 0 ? 2 : 4;
  }
  return modes;
}

static rem_status read_pooling(const char *folder, const char *pooling_folder, rem_model__config *ret_config,
                               rem_error *err) {
  char *path REM_AUTO_FREE = rem_path_join(folder, pooling_folder);
  if (path == NULL)
    return rem_error_nomem(err);
  json_t *json REM_AUTO_JSON = NULL;
  rem_status status = rem_model__json_read(path, "config.json", &json, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND)
    return rem_error_set(err, REM_INVALID, "the model lacks the file '%s/config.json' that modules.json names",
                         pooling_folder);
  unsigned modes = pooling_modes(json);
  if (modes != 1 && modes != 2)
    return rem_error_set(err, REM_UNSUPPORTED, "the pooling of the model is neither mean nor CLS");
  bool has_prefix = ret_config->prefixes[0][0] != 0 || ret_config->prefixes[1][0] != 0;
  if (modes == 1 && has_prefix && json_is_false(json_object_get(json, "include_prompt")))
    return rem_error_set(err, REM_UNSUPPORTED, "the model leaves its prompts out of the mean, which cannot be done here");
  ret_config->shape.pooling = modes == 1 ? REM_ENCODER_POOL_MEAN : REM_ENCODER_POOL_CLS;
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
static rem_status read_modules(const char *folder, rem_model__config *ret_config, rem_error *err) {
  ret_config->shape.pooling = REM_ENCODER_POOL_MEAN;
  ret_config->shape.normalise = true; /* the library promises vectors of length 1 of every model */
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
    REM_TRY(read_pooling(folder, path, ret_config, err));
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
  REM_TRY(read_prefixes(folder, &result, err));
  REM_TRY(read_modules(folder, &result, err));
  REM_TRY(rem_encoder_shape_check(&result.shape, err));
  read_source_name(config, &result);
  *ret_config = result;
  return REM_OK;
}
