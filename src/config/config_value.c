/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: from text, whatever its source, to a checked value with canonical text. One way in, so a flag, a
 * variable and a line of config.toml obey the same rules and get the same message.
 */
#include "config/config_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/real.h"
#include "base/utf8.h"

#define HOME_MARK "{home}"

/* What a value of the key may be: "an integer from 1 to 256". */
static void describe_range(const rem_config_key_info *info, char *ret_text, size_t capacity) {
  size_t used = 0;
  switch (info->type) {
  case REM_CONFIG_INT:
    snprintf(ret_text, capacity, "an integer from %.0f to %.0f", info->least, info->most);
    return;
  case REM_CONFIG_REAL: snprintf(ret_text, capacity, "a number from %g to %g", info->least, info->most); return;
  case REM_CONFIG_BOOL: snprintf(ret_text, capacity, "true or false"); return;
  case REM_CONFIG_CHOICE:
    snprintf(ret_text, capacity, "one of");
    for (const char *const *choice = info->choices; *choice; choice++) {
      used = strlen(ret_text);
      snprintf(ret_text + used, capacity - used, "%s %s", choice == info->choices ? "" : ",", *choice);
    }
    return;
  default: snprintf(ret_text, capacity, "a value that is not empty");
  }
}

static rem_status fail_value(const rem_config_key_info *info, const char *text, const char *where, rem_error *err) {
  char range[256];
  describe_range(info, range, sizeof range);
  rem_error_set(err, REM_INVALID, "%s is '%s' in %s: it must be %s", info->name, info->is_secret ? "…" : text, where,
                range);
  if (info->fallback)
    rem_error_hint(err, "leave it out to get the default, %s", info->fallback);
  return REM_INVALID;
}

/* The readers below fill the typed value and give the canonical text, owned; NULL when the text is no value, or
 * memory is short, which the caller tells apart by `*ret_valid`. */

static char *read_integer(const rem_config_key_info *info, const char *text, rem_config_value *value, bool *ret_valid) {
  char canonical[24], *end;
  errno = 0;
  long long integer = strtoll(text, &end, 10);
  bool starts_well = (*text >= '0' && *text <= '9') || *text == '-' || *text == '+';
  *ret_valid = starts_well && *end == 0 && errno == 0 && (double)integer >= info->least && (double)integer <= info->most;
  value->integer = integer;
  snprintf(canonical, sizeof canonical, "%lld", integer);
  return *ret_valid ? rem_strdup(canonical) : NULL;
}

static char *read_real(const rem_config_key_info *info, const char *text, rem_config_value *value, bool *ret_valid) {
  char canonical[REM_REAL_TEXT_SIZE];
  const char *end;
  double real = rem_real_parse(text, &end);
  bool starts_well = *text && strchr("0123456789+-.", *text);
  *ret_valid = starts_well && *end == 0 && isfinite(real) && real >= info->least && real <= info->most;
  if (!*ret_valid)
    return NULL;
  value->real = real;
  rem_real_format(real, canonical);
  return rem_strdup(canonical);
}

static char *read_bool(const char *text, rem_config_value *value, bool *ret_valid) {
  static const struct {
    const char *word;
    bool is_true;
  } words[] = {{"true", true},   {"1", true},  {"yes", true}, {"on", true},
               {"false", false}, {"0", false}, {"no", false}, {"off", false}};
  *ret_valid = false;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strcasecmp(text, words[i].word) != 0)
      continue;
    *ret_valid = true;
    value->is_true = words[i].is_true;
    return rem_strdup(words[i].is_true ? "true" : "false");
  }
  return NULL;
}

static char *read_choice(const rem_config_key_info *info, const char *text, bool *ret_valid) {
  *ret_valid = false;
  for (const char *const *choice = info->choices; *choice; choice++)
    if (strcasecmp(text, *choice) == 0) {
      *ret_valid = true;
      return rem_strdup(*choice);
    }
  return NULL;
}

static char *read_value(const rem_config_key_info *info, const char *text, rem_config_value *value, bool *ret_valid) {
  *ret_valid = *text != 0;
  if (!*text)
    return NULL;
  switch (info->type) {
  case REM_CONFIG_INT: return read_integer(info, text, value, ret_valid);
  case REM_CONFIG_REAL: return read_real(info, text, value, ret_valid);
  case REM_CONFIG_BOOL: return read_bool(text, value, ret_valid);
  case REM_CONFIG_CHOICE: return read_choice(info, text, ret_valid);
  case REM_CONFIG_PATH: return rem_path_absolute(text);
  default: return rem_strdup(text);
  }
}

/* Values go into messages, JSON and HTTP headers: they are one line of UTF-8. */
static bool is_one_line(const char *text) {
  for (const char *p = text; *p; p++)
    if ((unsigned char)*p < 0x20 || *p == 0x7F)
      return false;
  return rem_utf8_valid(text, strlen(text));
}

static void put_value(rem_config *config, rem_config_key key, rem_config_value value) {
  rem_free(config->values[key].text);
  config->values[key] = value;
}

rem_status rem_config__assign(rem_config *config, rem_config_key key, const char *text, rem_config_origin origin,
                              const char *where, rem_error *err) {
  const rem_config_key_info *info = rem_config__key_info(key);
  rem_config_value value = {.origin = origin};
  bool is_valid;
  if (!is_one_line(text))
    return rem_error_set(err, REM_INVALID, "%s in %s is not one line of UTF-8 text", info->name, where);
  if (!*text && !info->fallback) { /* takes a value away, where none is a possibility */
    put_value(config, key, value);
    return REM_OK;
  }
  value.text = read_value(info, text, &value, &is_valid);
  if (!is_valid)
    return fail_value(info, text, where, err);
  if (!value.text)
    return rem_error_nomem(err);
  put_value(config, key, value);
  return REM_OK;
}

rem_status rem_config__assign_default(rem_config *config, rem_config_key key, rem_error *err) {
  const char *text = rem_config__key_info(key)->fallback;
  size_t mark_size = strlen(HOME_MARK);
  if (!text)
    text = "";
  if (strncmp(text, HOME_MARK "/", mark_size + 1) != 0)
    return rem_config__assign(config, key, text, REM_CONFIG_FROM_DEFAULT, "the defaults", err);
  char *path REM_AUTO_FREE = rem_path_join(config->values[REM_CONFIG_HOME].text, text + mark_size + 1);
  if (!path)
    return rem_error_nomem(err);
  return rem_config__assign(config, key, path, REM_CONFIG_FROM_DEFAULT, "the defaults", err);
}
