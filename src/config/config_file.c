/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.toml. Every key of the file must be known: a misspelt one that is passed over in silence costs its
 * author an afternoon. So the file is walked, not the table of keys, and a stranger is an error with its line
 * and the nearest known name.
 */
#include "config/config_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "base/toml.h"

#define LARGEST_FILE ((size_t)1 << 20)

typedef struct reader {
  rem_config *config;
  const char *path;
  rem_hash_map places; /* line of each key */
  rem_error *err;
} reader;

/* Puts "configuration file '…', line 3: " in front of the message, for the place of `key` in `table`. */
static rem_status say_where(reader *r, const json_t *table, const char *key, rem_status status) {
  rem_error_prefix(r->err, "configuration file '%s', line %zu: ", r->path, rem_toml_line(&r->places, table, key));
  return status;
}

static rem_config_key find_key(const char *section, const char *name) {
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++) {
    const rem_config_key_info *info = rem_config__key_info(key);
    if (strcmp(info->section, section) == 0 && strcmp(info->file_key, name) == 0)
      return key;
  }
  return REM_CONFIG_KEY_COUNT;
}

static bool is_section(const char *name) {
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++)
    if (strcmp(rem_config__key_info(key)->section, name) == 0)
      return true;
  return false;
}

/* The hint for "section.key": the key in its right section, or the nearest by spelling. */
static void hint_nearest(reader *r, const char *dotted) {
  char names[REM_CONFIG_KEY_COUNT][64];
  const char *candidates[REM_CONFIG_KEY_COUNT];
  const char *dot = strchr(dotted, '.'), *nearest = NULL;
  for (rem_config_key key = 0; key < REM_CONFIG_KEY_COUNT; key++) {
    const rem_config_key_info *info = rem_config__key_info(key);
    snprintf(names[key], sizeof names[key], "%s.%s", info->section, info->file_key);
    candidates[key] = names[key];
    if (!nearest && strcmp(info->file_key, dot ? dot + 1 : dotted) == 0)
      nearest = names[key];
  }
  if (!nearest)
    nearest = rem_text_nearest(dotted, candidates, REM_CONFIG_KEY_COUNT);
  if (nearest)
    rem_error_hint(r->err, "did you mean '%s'?", nearest);
  else
    rem_error_hint(r->err, "`db config` lists what can be configured");
}

static rem_status fail_unknown(reader *r, const json_t *table, const char *key, const char *dotted) {
  rem_error_set(r->err, REM_INVALID, "there is no key '%s'", dotted);
  hint_nearest(r, dotted);
  return say_where(r, table, key, REM_INVALID);
}

/* ["a", "b"] as "a,b"; false when something else is in it. */
static bool append_list(rem_buffer *text, const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *item = json_string_value(json_array_get(list, i));
    if (!item)
      return false;
    if (i > 0)
      rem_buffer_append_byte(text, ',');
    rem_buffer_append_text(text, item);
  }
  return true;
}

/* The value as text for the common checks; false when its type cannot be right. */
static rem_status append_value(reader *r, rem_buffer *text, const rem_config_key_info *info, const json_t *value,
                               bool *ret_fits) {
  bool is_text = info->type == REM_CONFIG_TEXT || info->type == REM_CONFIG_LIST || info->type == REM_CONFIG_PATH ||
                 info->type == REM_CONFIG_CHOICE;
  *ret_fits = json_is_string(value) || (!is_text && (json_is_number(value) || json_is_boolean(value))) ||
              (info->type == REM_CONFIG_LIST && json_is_array(value));
  if (!*ret_fits)
    return REM_OK;
  if (json_is_array(value))
    *ret_fits = append_list(text, value);
  else if (json_is_string(value))
    rem_buffer_append_text(text, json_string_value(value));
  else
    REM_TRY(rem_json_append(text, value, r->err));
  rem_buffer_append_byte(text, 0);
  return rem_buffer_status(text, r->err);
}

/* A key of a service in a file that others may read is theirs too. */
static rem_status check_private(reader *r, const char *dotted) {
  struct stat info;
  if (stat(r->path, &info) != 0 || (info.st_mode & 077) == 0)
    return REM_OK;
  rem_error_set(r->err, REM_INVALID, "the file holds '%s' and others may read it", dotted);
  rem_error_hint(r->err, "run: chmod 600 '%s'", r->path);
  return REM_INVALID;
}

static rem_status read_key(reader *r, const json_t *section, const char *section_name, const char *name,
                           const json_t *value) {
  char dotted[160];
  rem_buffer text REM_AUTO_BUFFER = {0};
  rem_config_key key = find_key(section_name, name);
  bool fits;
  snprintf(dotted, sizeof dotted, "%.60s.%.90s", section_name, name);
  if (key == REM_CONFIG_KEY_COUNT)
    return fail_unknown(r, section, name, dotted);
  REM_TRY(append_value(r, &text, rem_config__key_info(key), value, &fits));
  if (!fits) {
    rem_error_set(r->err, REM_INVALID, "'%s' cannot be of type %s", dotted, rem_json_type_name(value));
    if (!json_is_object(value) && !json_is_array(value))
      rem_error_hint(r->err, "put the value in quotes");
    return say_where(r, section, name, REM_INVALID);
  }
  if (text.data[0] == 0) /* empty counts as unset, as in the environment */
    return REM_OK;
  if (rem_config__key_info(key)->is_secret && check_private(r, dotted) < 0)
    return say_where(r, section, name, REM_INVALID);
  rem_status status = rem_config__assign(r->config, key, (const char *)text.data, REM_CONFIG_FROM_FILE, "this file", r->err);
  return status == REM_OK ? REM_OK : say_where(r, section, name, status);
}

static rem_status read_section(reader *r, json_t *root, const char *name, json_t *section) {
  if (!json_is_object(section) || (!is_section(name) && json_object_size(section) == 0))
    return fail_unknown(r, root, name, name);
  for (void *i = json_object_iter(section); i; i = json_object_iter_next(section, i))
    REM_TRY(read_key(r, section, name, json_object_iter_key(i), json_object_iter_value(i)));
  return REM_OK;
}

static rem_status read_text(reader *r, rem_bytes content) {
  json_t *root REM_AUTO_JSON = NULL;
  rem_status status = rem_toml_parse_places(content.data, content.size, &root, &r->places, r->err);
  if (status != REM_OK) {
    rem_error_prefix(r->err, "configuration file '%s': ", r->path);
    return status;
  }
  for (void *i = json_object_iter(root); i; i = json_object_iter_next(root, i))
    REM_TRY(read_section(r, root, json_object_iter_key(i), json_object_iter_value(i)));
  return REM_OK;
}

rem_status rem_config__read_file(rem_config *config, const char *path, rem_error *err) {
  rem_bytes content REM_CLEANUP(rem_bytes_free) = {0};
  rem_status status = rem_file_read(path, LARGEST_FILE, &content, err);
  if (status == REM_UNKNOWN)
    return REM_OK;
  if (status != REM_OK)
    return status;
  reader r = {.config = config, .path = path, .err = err};
  status = read_text(&r, content);
  rem_hash_map_deinit(&r.places);
  return status;
}
