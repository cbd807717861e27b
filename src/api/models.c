/* SPDX-License-Identifier: Apache-2.0 */
/* Embedding models, and embedding for callers. */
#include "api/api_internal.h"
#include "base/json.h"
#include "base/utf8.h"
#include "config/config.h"
#include "embed/embedder.h"
#include "embed/model_installer.h"
#include "entity/engine.h"
#include "entity/job.h"

static const char *models_dir(const rem_config *config) {
  return rem_config_text(config, REM_CONFIG_MODELS_DIR);
}

static json_t *info_json(const rem_model_info *info) {
  return json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "name", info->name, "dimension", (json_int_t)info->dimension,
                   "max_tokens", (json_int_t)info->max_tokens, "size_bytes", (json_int_t)info->size_bytes, "sha256",
                   info->sha256, "query_prefix", info->prefixes[REM_QUERY], "passage_prefix", info->prefixes[REM_PASSAGE]);
}

/* ------------------------------------------------------------------------------------------- */
/* Installing                                                                                   */

static rem_status install_step(void *state, rem_progress *progress, rem_error *err) {
  rem_model_progress model = {.bytes_total = -1};
  rem_status status = rem_model_installer_step(state, &model, err);
  if (model.phase)
    rem_progress_set_phase(progress, model.phase);
  progress->done = progress->bytes_done = model.bytes_done;
  progress->total = progress->bytes_total = model.bytes_total;
  return status;
}

static rem_status install_result(void *state, rem_bytes *ret_json, rem_error *err) {
  rem_model_info info = {0};
  const char *path = NULL;
  rem_model_installer_result(state, &info, &path);
  json_t *json REM_AUTO_JSON = info_json(&info);
  if (!json || json_object_set_new(json, "path", path ? json_string(path) : json_null()))
    return rem_error_nomem(err);
  return rem_json_text(json, ret_json, err);
}

static void install_free(void *state) {
  rem_model_installer_free(state);
}

static const rem_job_type install_type = {.step = install_step, .result = install_result, .free = install_free};

void rem_model_install_options_init(rem_model_install_options *options) {
  *options = (rem_model_install_options){.struct_size = sizeof *options};
}

rem_status rem_model_install(const rem_config *config, const char *source, const rem_model_install_options *options,
                             rem_job **ret_job, rem_error *err) {
  REM_CHECK_ARG(config && source && ret_job, err);
  REM_READ_OPTIONS(rem_model_install_options, chosen, options);
  rem_model_installer *installer;
  const rem_model_installer_options given = {
      .name = chosen.name,
      .python = chosen.python ? chosen.python : rem_config_text(config, REM_CONFIG_PYTHON),
      .prefixes = {[REM_QUERY] = chosen.query_prefix, [REM_PASSAGE] = chosen.passage_prefix},
  };
  REM_TRY(rem_model_installer_new(models_dir(config), source, &given, &installer, err));
  return rem_job_new(&install_type, installer, ret_job, err);
}

/* ------------------------------------------------------------------------------------------- */

rem_status rem_model_list(const rem_config *config, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(config && ret_json, err);
  rem_model_info *models REM_AUTO_FREE = NULL;
  size_t count = 0;
  json_t *array REM_AUTO_JSON = json_array();
  const char *chosen = rem_config_text(config, REM_CONFIG_DEFAULT_EMBEDDING);
  REM_TRY(rem_model_scan(models_dir(config), &models, &count, err));
  for (size_t i = 0; i < count; i++) {
    json_t *item = info_json(&models[i]);
    bool is_default = chosen && strcmp(chosen, models[i].name) == 0;
    if (!item || json_object_set_new(item, "default", json_boolean(is_default)) || json_array_append_new(array, item))
      return rem_error_nomem(err);
  }
  return rem_json_text(array, ret_json, err);
}

rem_status rem_model_verify(const rem_config *config, const char *name, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(config && name && ret_json, err);
  rem_model_info info;
  REM_TRY(rem_model_check(models_dir(config), name, &info, err));
  json_t *json REM_AUTO_JSON = info_json(&info);
  if (!json || json_object_set_new(json, "ok", json_true()))
    return rem_error_nomem(err);
  return rem_json_text(json, ret_json, err);
}

rem_status rem_model_remove(const rem_config *config, const char *name, rem_error *err) {
  REM_CHECK_ARG(config && name, err);
  return rem_model_delete(models_dir(config), name, err);
}

rem_status rem_embed(rem_db *db, const char *text, size_t text_size, rem_role role, const char *model, float *ret_vector,
                     size_t capacity, size_t *ret_dimension, rem_error *err) {
  REM_CHECK_ARG(db && text && ret_vector && ret_dimension && (role == REM_PASSAGE || role == REM_QUERY), err);
  rem_embedder *embedder;
  rem_slice slice = rem_slice_of(text, text_size);
  if (!rem_utf8_valid(text, text_size))
    return rem_error_set(err, REM_INVALID, "the text to embed is not valid UTF-8");
  REM_TRY(rem_engine_embedder(db->engine, model, &embedder, err));
  REM_TRY(rem_embedder_ready(embedder, 0, &db->engine->interrupted, err));
  size_t dimension = rem_embedder_info(embedder)->dimension;
  if (capacity < dimension) {
    *ret_dimension = dimension;
    return rem_error_set(err, REM_LIMIT, "a vector has %zu values, there is room for %zu", dimension, capacity);
  }
  rem_embed_request request = {.role = role, .texts = &slice, .count = 1, .cancel = &db->engine->interrupted};
  rem_embed_result result = {.vectors = ret_vector};
  REM_TRY(rem_embedder_embed(embedder, &request, &result, err));
  *ret_dimension = dimension;
  return REM_OK;
}
