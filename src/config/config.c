/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading goes from the weakest source to the strongest, each overwriting the one before, and ends with the
 * defaults of what nothing has set: those below P8_HOME can only be told when that is known.
 */
#include "config/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "config/config_internal.h"

static const char *const origin_names[] = {"default", "file", "environment", "flag"};

/* The variable's value, by name or synonym; NULL when neither is set to something. */
static const char *environment_value(rem_config_key key) {
  const rem_config_key_info *info = rem_config__key_info(key);
  const char *text = getenv(info->name);
  if ((!text || !*text) && info->synonym)
    text = getenv(info->synonym);
  return text && *text ? text : NULL;
}

static rem_status read_environment(rem_config *config, rem_error *err) {
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++) {
    const char *text = environment_value(key);
    if (text)
      REM_TRY(rem_config__assign(config, key, text, REM_CONFIG_FROM_ENVIRONMENT, "the environment", err));
  }
  return REM_OK;
}

/* The file below the home folder that the environment names. (One in the file itself moves the rest, not the
 * file.) */
static rem_status read_file(rem_config *config, rem_error *err) {
  const char *home = environment_value(REM_CONFIG_HOME);
  char *folder REM_AUTO_FREE = rem_path_absolute(home ? home : rem_config__key_info(REM_CONFIG_HOME)->fallback);
  char *path REM_AUTO_FREE = folder ? rem_path_join(folder, "config.toml") : NULL;
  return path ? rem_config__read_file(config, path, err) : rem_error_nomem(err);
}

/* P8_HOME comes first in the table, so what lies below it finds it. */
static rem_status fill_defaults(rem_config *config, rem_error *err) {
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++)
    if (config->values[key].origin == REM_CONFIG_FROM_DEFAULT)
      REM_TRY(rem_config__assign_default(config, key, err));
  return REM_OK;
}

static void config_cleanup(rem_config **config) {
  rem_config_free(*config);
}
#define AUTO_CONFIG REM_CLEANUP(config_cleanup)

rem_status rem_config_load(rem_config **ret_config, rem_error *err) {
  REM_CHECK_ARG(ret_config, err);
  rem_config *config AUTO_CONFIG = rem_calloc(1, sizeof *config);
  if (!config)
    return rem_error_nomem(err);
  REM_TRY(read_file(config, err));
  REM_TRY(read_environment(config, err));
  REM_TRY(fill_defaults(config, err));
  *ret_config = REM_TAKE(config);
  return REM_OK;
}

void rem_config_free(rem_config *config) {
  if (!config)
    return;
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++)
    rem_free(config->values[key].text);
  rem_free(config);
}

rem_status rem_config_copy(const rem_config *config, rem_config **ret_config, rem_error *err) {
  rem_config *copy AUTO_CONFIG = rem_calloc(1, sizeof *copy);
  if (!copy)
    return rem_error_nomem(err);
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++) {
    copy->values[key] = config->values[key];
    if (!config->values[key].text)
      continue;
    copy->values[key].text = rem_strdup(config->values[key].text);
    if (!copy->values[key].text)
      return rem_error_nomem(err);
  }
  *ret_config = REM_TAKE(copy);
  return REM_OK;
}

static rem_status fail_unknown_name(const char *name, rem_error *err) {
  const char *names[REM_CONFIG_KEY_COUNT];
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++)
    names[key] = rem_config_name(key);
  const char *nearest = rem_text_nearest(name, names, REM_CONFIG_KEY_COUNT);
  rem_error_set(err, REM_UNKNOWN, "there is no configuration value '%s'", name);
  if (nearest)
    rem_error_hint(err, "did you mean '%s'?", nearest);
  else
    rem_error_hint(err, "`db config` lists what can be configured");
  return REM_UNKNOWN;
}

rem_status rem_config_set(rem_config *config, const char *name, const char *value, rem_error *err) {
  REM_CHECK_ARG(config && name && value, err);
  rem_config_key key = rem_config__find_name(name);
  if (key == REM_CONFIG_KEY_COUNT)
    return fail_unknown_name(name, err);
  REM_TRY(rem_config__assign(config, key, value, REM_CONFIG_FROM_FLAG, "a flag", err));
  return key == REM_CONFIG_HOME ? fill_defaults(config, err) : REM_OK;
}

const char *rem_config_get(const rem_config *config, const char *name) {
  if (!config || !name)
    return NULL;
  rem_config_key key = rem_config__find_name(name);
  return key == REM_CONFIG_KEY_COUNT ? NULL : config->values[key].text;
}

const char *rem_config_text(const rem_config *config, rem_config_key key) {
  return config->values[key].text;
}

int64_t rem_config_int(const rem_config *config, rem_config_key key) {
  assert(rem_config__key_info(key)->type == REM_CONFIG_INT);
  return config->values[key].integer;
}

double rem_config_real(const rem_config *config, rem_config_key key) {
  assert(rem_config__key_info(key)->type == REM_CONFIG_REAL);
  return config->values[key].real;
}

bool rem_config_bool(const rem_config *config, rem_config_key key) {
  assert(rem_config__key_info(key)->type == REM_CONFIG_BOOL);
  return config->values[key].is_true;
}

rem_config_origin rem_config_origin_of(const rem_config *config, rem_config_key key) {
  return config->values[key].origin;
}

/* The value as JSON: numbers and booleans as such, a secret by its presence. */
static void append_value(rem_buffer *buffer, const rem_config_key_info *info, const rem_config_value *value) {
  bool is_bare = info->type == REM_CONFIG_INT || info->type == REM_CONFIG_REAL || info->type == REM_CONFIG_BOOL;
  if (!value->text)
    rem_buffer_append_text(buffer, "null");
  else if (is_bare)
    rem_buffer_append_text(buffer, value->text);
  else
    rem_json_append_string(buffer, info->is_secret ? "set" : value->text, info->is_secret ? 3 : strlen(value->text));
}

static void append_key(rem_buffer *buffer, const rem_config *config, rem_config_key key) {
  const rem_config_key_info *info = rem_config__key_info(key);
  rem_buffer_append_format(buffer, "%s\"%s\":{\"value\":", key > 0 ? "," : "", info->name);
  append_value(buffer, info, &config->values[key]);
  rem_buffer_append_format(buffer, ",\"origin\":\"%s\",\"description\":", origin_names[config->values[key].origin]);
  rem_json_append_string(buffer, info->description, strlen(info->description));
  rem_buffer_append_byte(buffer, '}');
}

rem_status rem_config_json(const rem_config *config, rem_bytes *ret_json, rem_error *err) {
  REM_CHECK_ARG(config && ret_json, err);
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  rem_buffer_append_byte(&buffer, '{');
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++)
    append_key(&buffer, config, key);
  rem_buffer_append_byte(&buffer, '}');
  return rem_buffer_take(&buffer, ret_json, err);
}
