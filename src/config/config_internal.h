/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration, between its files: the table of keys, and values. */
#ifndef REM_CONFIG_CONFIG_INTERNAL_H
#define REM_CONFIG_CONFIG_INTERNAL_H

#include "config/config.h"

typedef enum rem_config_type {
  REM_CONFIG_TEXT,
  REM_CONFIG_LIST, /* text; in config.toml an array of strings too, which is joined by commas */
  REM_CONFIG_PATH, /* made absolute; "~" is the home folder */
  REM_CONFIG_INT,
  REM_CONFIG_REAL,
  REM_CONFIG_BOOL,
  REM_CONFIG_CHOICE,
} rem_config_type;

/* All there is to know about a key. */
typedef struct rem_config_key_info {
  const char *name;     /* of the environment variable */
  const char *synonym;  /* another one, asked when the first is not set; or NULL */
  const char *section;  /* in config.toml */
  const char *file_key;
  const char *fallback; /* the default as text; "{home}/x" is below P8_HOME; NULL: none */
  rem_config_type type;
  bool is_secret;
  double least, most;         /* int, real */
  const char *const *choices; /* choice: NULL-terminated, canonical spelling; case does not matter on input */
  const char *description;
} rem_config_key_info;

/* `key` is in range. */
const rem_config_key_info *rem_config__key_info(rem_config_key key);
/* By environment name or synonym; REM_CONFIG_KEY_COUNT when there is none. */
rem_config_key rem_config__find_name(const char *name);

typedef struct rem_config_value {
  char *text; /* owned, canonical; NULL: no value */
  union {
    int64_t integer;
    double real;
    bool is_true;
  };
  rem_config_origin origin;
} rem_config_value;

struct rem_config {
  rem_config_value values[REM_CONFIG_KEY_COUNT];
};

/*
 * Reads `text` as a value of `key` and puts it there, with its origin. `where` says for the message where the
 * text comes from ("the environment"). REM_INVALID tells name, value and what is allowed; the old value stays
 * then.
 */
REM_CHECKED rem_status rem_config__assign(rem_config *config, rem_config_key key, const char *text,
                                          rem_config_origin origin, const char *where, rem_error *err);
/* Puts the default back, resolved against the present P8_HOME. */
REM_CHECKED rem_status rem_config__assign_default(rem_config *config, rem_config_key key, rem_error *err);

/* Assigns what the file says; a missing file says nothing. Errors name file and line. */
REM_CHECKED rem_status rem_config__read_file(rem_config *config, const char *path, rem_error *err);

#endif
