/* SPDX-License-Identifier: Apache-2.0 */
#include "api/locate.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"

#define NAME_MAX_SIZE 128
#define LISTED_MAX 64
#define SUFFIX ".db"

static bool is_database(const char *path) {
  char *current REM_AUTO_FREE = rem_path_join(path, "CURRENT");
  return current && rem_file_exists(current);
}

static rem_status check_name(const char *name, rem_error *err) {
  size_t size = strlen(name);
  bool good = size > 0 && size <= NAME_MAX_SIZE && name[0] != '.' && name[0] != '-';
  for (size_t i = 0; i < size && good; i++) {
    unsigned char c = (unsigned char)name[i];
    good = c >= 0x80 || isalnum(c) || c == '_' || c == '-' || c == '.' || c == ' ';
  }
  if (good)
    return REM_OK;
  rem_error_set(err, REM_INVALID, "'%s' cannot be the name of a database", name);
  rem_error_hint(err, "use up to %d letters, digits, '-', '_' and '.', or give a folder by --path", NAME_MAX_SIZE);
  return REM_INVALID;
}

rem_status rem_locate_by_name(const rem_config *config, const char *name, char **ret_path, rem_error *err) {
  REM_TRY(check_name(name, err));
  rem_buffer file REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_buffer_append_text(&file, name);
  size_t size = strlen(name);
  if (size <= strlen(SUFFIX) || strcmp(name + size - strlen(SUFFIX), SUFFIX) != 0)
    rem_buffer_append_text(&file, SUFFIX);
  rem_buffer_append_byte(&file, 0);
  REM_TRY(rem_buffer_status(&file, err));
  *ret_path = rem_path_join(rem_config_text(config, REM_CONFIG_DB_PATH), (const char *)file.data);
  return *ret_path ? REM_OK : rem_error_nomem(err);
}

/* ------------------------------------------------------------------------------------------- */

/* The names of the databases under P8_DB_PATH, without suffix, sorted. */
typedef struct name_list {
  char *names[LISTED_MAX];
  size_t count;
} name_list;

static void name_list_deinit(name_list *list) {
  for (size_t i = 0; i < list->count; i++)
    rem_free(list->names[i]);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_names(const rem_config *config, name_list *list) {
  const char *parent = rem_config_text(config, REM_CONFIG_DB_PATH);
  DIR *folder = opendir(parent);
  if (!folder)
    return;
  for (struct dirent *entry; (entry = readdir(folder)) && list->count < LISTED_MAX;) {
    size_t size = strlen(entry->d_name);
    bool named = size > strlen(SUFFIX) && strcmp(entry->d_name + size - strlen(SUFFIX), SUFFIX) == 0;
    char *path REM_AUTO_FREE = named ? rem_path_join(parent, entry->d_name) : NULL;
    if (!path || !is_database(path))
      continue;
    char *name = rem_strndup(entry->d_name, size - strlen(SUFFIX));
    if (name)
      list->names[list->count++] = name;
  }
  closedir(folder);
  qsort(list->names, list->count, sizeof *list->names, compare_names);
}

static void hint_candidates(const rem_config *config, const char *wanted, rem_error *err) {
  name_list list REM_CLEANUP(name_list_deinit) = {0};
  list_names(config, &list);
  if (list.count == 0) {
    rem_error_hint(err, "there is no database under '%s': make one with 'db init <name>'",
                   rem_config_text(config, REM_CONFIG_DB_PATH));
    return;
  }
  const char *nearest = wanted ? rem_text_nearest(wanted, (const char *const *)list.names, list.count) : NULL;
  rem_buffer text REM_CLEANUP(rem_buffer_deinit) = {0};
  if (nearest)
    rem_buffer_append_format(&text, "did you mean '%s'? ", nearest);
  rem_buffer_append_text(&text, "there are: ");
  for (size_t i = 0; i < list.count; i++)
    rem_buffer_append_format(&text, "%s%s", i ? ", " : "", list.names[i]);
  rem_buffer_append_text(&text, "; choose one by --db or 'db use'");
  rem_buffer_append_byte(&text, 0);
  if (text.failure == REM_OK)
    rem_error_hint(err, "%s", (const char *)text.data);
}

static char *current_file(const rem_config *config) {
  return rem_path_join(rem_config_text(config, REM_CONFIG_HOME), "current");
}

/* REM_NOT_FOUND when none is remembered or what is remembered is gone. */
static rem_status read_current(const rem_config *config, char **ret_path, rem_error *err) {
  char *file REM_AUTO_FREE = current_file(config);
  if (!file)
    return rem_error_nomem(err);
  rem_bytes content = {0};
  if (rem_file_read(file, 8192, &content, NULL) < 0)
    return REM_NOT_FOUND;
  content.data[strcspn(content.data, "\n")] = 0;
  rem_status status = content.data[0] && is_database(content.data) ? REM_OK : REM_NOT_FOUND;
  if (status == REM_OK && !(*ret_path = rem_strdup(content.data)))
    status = rem_error_nomem(err);
  rem_bytes_free(&content);
  return status;
}

rem_status rem_locate_set_current(const rem_config *config, const char *path, rem_error *err) {
  char *file REM_AUTO_FREE = current_file(config);
  rem_buffer line REM_CLEANUP(rem_buffer_deinit) = {0};
  if (!file)
    return rem_error_nomem(err);
  rem_buffer_append_text(&line, path);
  rem_buffer_append_byte(&line, '\n');
  REM_TRY(rem_buffer_status(&line, err));
  REM_TRY(rem_file_make_folders(rem_config_text(config, REM_CONFIG_HOME), 0700, err));
  return rem_file_write_atomic(file, line.data, line.size, 0600, err);
}

static rem_status locate_without_name(const rem_config *config, char **ret_path, rem_error *err) {
  rem_status status = read_current(config, ret_path, err);
  if (status != REM_NOT_FOUND)
    return status;
  name_list list REM_CLEANUP(name_list_deinit) = {0};
  list_names(config, &list);
  if (list.count == 1)
    return rem_locate_by_name(config, list.names[0], ret_path, err);
  rem_error_set(err, REM_UNKNOWN, list.count ? "it is not said which of %zu databases is meant" : "there is no database yet",
                list.count);
  hint_candidates(config, NULL, err);
  return REM_UNKNOWN;
}

rem_status rem_locate(const rem_config *config, const char *name, char **ret_path, rem_error *err) {
  if (!name || !name[0])
    name = rem_config_text(config, REM_CONFIG_DB);
  if (!name || !name[0])
    return locate_without_name(config, ret_path, err);
  char *path REM_AUTO_FREE = NULL;
  bool is_path = strchr(name, '/') || name[0] == '~' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
  if (!is_path)
    REM_TRY(rem_locate_by_name(config, name, &path, err));
  if (is_path || !is_database(path)) {
    /* A folder given by its path; a bare word may be one in the working directory. */
    char *given REM_AUTO_FREE = rem_path_absolute(name);
    if (!given)
      return rem_error_nomem(err);
    if (is_path || is_database(given)) {
      rem_free(path);
      path = REM_TAKE(given);
    }
  }
  if (is_database(path)) {
    *ret_path = REM_TAKE(path);
    return REM_OK;
  }
  rem_error_set(err, REM_UNKNOWN, "there is no database '%s'", name);
  hint_candidates(config, name, err);
  return REM_UNKNOWN;
}
