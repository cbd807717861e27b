/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the folder, seen from outside RocksDB: where the manifest stands, and what may be cleared away.
 *
 * CURRENT names the manifest, to which every flush and compaction appends; log files grow with every write. Reading them needs no lock,
 * so any of them may vanish between two calls: that counts as movement.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "storage/kv_internal.h"

#define PROBE_BYTES ((size_t)1 << 20)

static void close_folder(DIR **folder) {
  if (*folder)
    closedir(*folder);
}

/* The content of CURRENT without its newline; empty when it does not hold a manifest's name. */
static rem_status read_current(int folder, const char *path, char ret_name[64], rem_error *err) {
  int file = openat(folder, "CURRENT", O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return errno == ENOENT ? REM_NOT_FOUND : rem_error_errno(err, errno, "cannot read CURRENT of", path);
  char text[64];
  ssize_t size = read(file, text, sizeof text - 1);
  int number = errno;
  close(file);
  if (size < 0)
    return rem_error_errno(err, number, "cannot read CURRENT of", path);
  text[size] = 0;
  text[strcspn(text, "\n")] = 0;
  memcpy(ret_name, text, sizeof text);
  return REM_OK;
}

/* RocksDB's logs are named {number}.log. */
static bool is_log(const char *name, uint64_t *ret_number) {
  char *end;
  if (name[0] < '0' || name[0] > '9')
    return false;
  *ret_number = strtoull(name, &end, 10);
  return strcmp(end, ".log") == 0;
}

static void measure_logs(DIR *folder, rem_kv_position *position) {
  struct stat status;
  uint64_t number;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (!is_log(entry->d_name, &number) || fstatat(dirfd(folder), entry->d_name, &status, 0) != 0)
      continue;
    position->log_bytes += status.st_size;
    if (number > position->log_number)
      position->log_number = number;
  }
}

rem_status rem_kv__position_read(const char *path, rem_kv_position *ret_position, rem_error *err) {
  DIR *folder REM_CLEANUP(close_folder) = opendir(path);
  if (!folder)
    return errno == ENOENT || errno == ENOTDIR ? REM_NOT_FOUND : rem_error_errno(err, errno, "cannot open", path);
  rem_kv_position position = {.manifest_bytes = -1};
  rem_status found = read_current(dirfd(folder), path, position.manifest, err);
  if (found != REM_OK)
    return found;
  struct stat status;
  if (position.manifest[0] && fstatat(dirfd(folder), position.manifest, &status, 0) == 0)
    position.manifest_bytes = status.st_size;
  measure_logs(folder, &position);
  *ret_position = position;
  return REM_OK;
}

bool rem_kv_is_database(const char *path) {
  char *current REM_AUTO_FREE = rem_path_join(path, "CURRENT");
  return current && rem_file_exists(current);
}

bool rem_kv__position_same_manifest(const rem_kv_position *a, const rem_kv_position *b) {
  return a->manifest_bytes == b->manifest_bytes && strcmp(a->manifest, b->manifest) == 0;
}

bool rem_kv__position_same(const rem_kv_position *a, const rem_kv_position *b) {
  return rem_kv__position_same_manifest(a, b) && a->log_bytes == b->log_bytes && a->log_number == b->log_number;
}

/* Every read-write open leaves an empty log and perhaps an old info log; RocksDB itself looks for the former once in six hours. The newest
 * log is in use. kv_options.c says why options are never finished. */
static bool is_litter(int folder, const char *name, uint64_t newest_log) {
  uint64_t number;
  struct stat status;
  if (strncmp(name, "LOG.old.", 8) == 0 || strncmp(name, "OPTIONS-", 8) == 0)
    return true;
  return is_log(name, &number) && number < newest_log && fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(status.st_mode) && status.st_size == 0;
}

void rem_kv__files_tidy(const char *path) {
  DIR *folder REM_CLEANUP(close_folder) = opendir(path);
  if (!folder)
    return;
  rem_kv_position position = {0};
  measure_logs(folder, &position);
  rewinddir(folder);
  for (struct dirent *entry; (entry = readdir(folder));)
    if (is_litter(dirfd(folder), entry->d_name, position.log_number))
      unlinkat(dirfd(folder), entry->d_name, 0);
}

/* fallocate() finds out about full disks, quotas and file size limits without writing; where it is not supported, writing does. */
static int reserve(int file) {
  static const uint8_t zeros[4096];
  if (fallocate(file, 0, 0, PROBE_BYTES) == 0)
    return 0;
  if (errno != EOPNOTSUPP && errno != ENOSYS)
    return errno;
  for (size_t done = 0; done < PROBE_BYTES; done += sizeof zeros)
    if (pwrite(file, zeros, sizeof zeros, (off_t)done) != (ssize_t)sizeof zeros)
      return errno ? errno : ENOSPC;
  return 0;
}

rem_status rem_kv__files_check_space(const char *path, rem_error *err) {
  char *probe REM_AUTO_FREE = rem_path_join(path, "rem.probe");
  if (!probe)
    return rem_error_nomem(err);
  int file = open(probe, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0)
    return rem_error_errno(err, errno, "cannot write to", path);
  int number = reserve(file);
  unlink(probe);
  close(file);
  if (!number)
    return REM_OK;
  rem_error_errno(err, number, "cannot write to", path);
  rem_error_hint(err, "free some space, then try again");
  return number == ENOSPC || number == EDQUOT || number == EFBIG ? REM_FULL : err ? err->code : REM_IO;
}

size_t rem_kv__files_log_count(const char *path) {
  DIR *folder REM_CLEANUP(close_folder) = opendir(path);
  if (!folder)
    return 0;
  size_t count = 0;
  uint64_t number;
  for (struct dirent *entry; (entry = readdir(folder));)
    count += is_log(entry->d_name, &number);
  return count;
}
