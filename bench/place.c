/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure.h"
#include "rows.h"

static char folder[256];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
  (void)info;
  (void)type;
  (void)at;
  return remove(path);
}

static void remove_tree(const char *path) {
  nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_folder(void) {
  remove_tree(folder);
}

const char *place_folder(void) {
  if (*folder)
    return folder;
  const char *parent = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/rem-bench-XXXXXX", parent ? parent : "/var/tmp");
  if (!mkdtemp(folder))
    measure_fail("cannot make a scratch folder");
  atexit(remove_folder);
  return folder;
}

void place_path(const char *name, char *ret_path, size_t capacity) {
  snprintf(ret_path, capacity, "%s/%s", place_folder(), name);
  remove_tree(ret_path);
}

static long long file_bytes(const char *path, const char *name) {
  char file[600];
  struct stat info;
  snprintf(file, sizeof file, "%s/%s", path, name);
  return stat(file, &info) == 0 && S_ISREG(info.st_mode) ? (long long)info.st_size : 0;
}

long long place_bytes(const char *path, const char *suffix) {
  long long bytes = 0;
  DIR *dir = opendir(path);
  size_t suffix_size = suffix ? strlen(suffix) : 0;
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    size_t size = strlen(entry->d_name);
    if (size >= suffix_size && (!suffix || strcmp(entry->d_name + size - suffix_size, suffix) == 0))
      bytes += file_bytes(path, entry->d_name);
  }
  if (dir)
    closedir(dir);
  return bytes;
}

rem_config *place_config(void) {
  rem_config *config = NULL;
  rem_error err = {0};
  measure_need(rem_config_load(&config, &err), &err);
  measure_need(rem_config_set(config, "P8_HOME", place_folder(), &err), &err);
  return config;
}

rem_db *place_database(const rem_config *config, const char *name, rem_durability durability) {
  char path[300];
  rem_error err = {0};
  place_path(name, path, sizeof path);
  rem_create_options create;
  rem_create_options_init(&create);
  create.path = path;
  rem_create_result made = {0};
  measure_need(rem_create(config, name, &create, &made, &err), &err);
  rem_bytes_free(&made.path);
  rem_open_options open;
  rem_open_options_init(&open);
  open.mode = REM_WRITE;
  open.durability = durability;
  open.config = config;
  rem_db *db = NULL;
  measure_need(rem_open(path, &open, &db, &err), &err);
  rem_bytes report = {0};
  measure_need(rem_schema_add(db, rows_schema, strlen(rows_schema), NULL, &report, &err), &err);
  rem_bytes_free(&report);
  return db;
}
