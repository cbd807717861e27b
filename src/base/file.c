/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files, read and written.
 *
 * An atomic write goes to `<path>.tmp-<pid>-<number>` beside its target, is synced, renamed over it, and the
 * folder is synced: after a crash there is the old file or the new one, and at worst a temporary file more.
 * Errors of close and fsync count, since they are where a full disk shows.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_cleanup(int *fd) {
  if (*fd >= 0)
    close(*fd);
}
#define AUTO_CLOSE REM_CLEANUP(close_cleanup)

static rem_status open_failure(const char *path, rem_error *err) {
  int number = errno;
  if (number == ENOENT || number == ENOTDIR)
    return rem_error_set(err, REM_UNKNOWN, "there is no file '%s'", path);
  return rem_error_errno(err, number, "cannot open", path);
}

/* Opens a regular file for reading and tells its size. */
static rem_status open_regular(const char *path, int *ret_fd, size_t *ret_size, rem_error *err) {
  struct stat info;
  /* O_NONBLOCK: opening a pipe without a writer would wait for ever. */
  int fd AUTO_CLOSE = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return open_failure(path, err);
  if (fstat(fd, &info) != 0)
    return rem_error_errno(err, errno, "cannot read", path);
  if (!S_ISREG(info.st_mode))
    return rem_error_set(err, REM_IO, "'%s' is not a regular file", path);
  *ret_fd = fd;
  *ret_size = (size_t)info.st_size;
  fd = -1;
  return REM_OK;
}

/* Up to `size` bytes; fewer only at the end of the file. */
static rem_status read_fully(int fd, char *data, size_t size, size_t *ret_got, const char *path, rem_error *err) {
  size_t got = 0;
  while (got < size) {
    ssize_t n = read(fd, data + got, size - got);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return rem_error_errno(err, errno, "cannot read", path);
    if (n == 0)
      break;
    got += (size_t)n;
  }
  *ret_got = got;
  return REM_OK;
}

rem_status rem_file_read(const char *path, size_t max, rem_bytes *ret_content, rem_error *err) {
  int fd AUTO_CLOSE = -1;
  size_t size = 0, got = 0;
  REM_TRY(open_regular(path, &fd, &size, err));
  if (size > max)
    return rem_error_set(err, REM_LIMIT, "the file '%s' has %zu bytes, more than the %zu allowed", path, size, max);
  char *data REM_AUTO_FREE = rem_alloc(size + 1);
  if (!data)
    return rem_error_nomem(err);
  REM_TRY(read_fully(fd, data, size, &got, path, err));
  data[got] = 0; /* shorter when someone cut the file meanwhile */
  *ret_content = (rem_bytes){REM_TAKE(data), got};
  return REM_OK;
}

static rem_status write_fully(int fd, const char *data, size_t size, const char *path, rem_error *err) {
  while (size > 0) {
    ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return rem_error_errno(err, errno, "cannot write", path);
    data += n;
    size -= (size_t)n;
  }
  if (fsync(fd) != 0)
    return rem_error_errno(err, errno, "cannot sync", path);
  return REM_OK;
}

/* The folder part of a path, as rem_alloc text: "." when there is none. */
static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash)
    return rem_strdup(".");
  return slash == path ? rem_strdup("/") : rem_strndup(path, (size_t)(slash - path));
}

/* Makes a rename in the folder of `path` durable. */
static rem_status sync_folder(const char *path, rem_error *err) {
  char *folder REM_AUTO_FREE = folder_of(path);
  if (!folder)
    return rem_error_nomem(err);
  int fd AUTO_CLOSE = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return rem_error_errno(err, errno, "cannot open", folder);
  /* Some file systems cannot sync folders and say so with EINVAL: nothing to be done there. */
  if (fsync(fd) != 0 && errno != EINVAL)
    return rem_error_errno(err, errno, "cannot sync", folder);
  return REM_OK;
}

static char *temporary_name(const char *path) {
  static atomic_uint counter;
  size_t size = strlen(path) + 48;
  char *name = rem_alloc(size);
  if (name)
    snprintf(name, size, "%s.tmp-%ld-%u", path, (long)getpid(), atomic_fetch_add(&counter, 1));
  return name;
}

static rem_status write_new_file(const char *path, const void *data, size_t size, mode_t mode, rem_error *err) {
  int fd AUTO_CLOSE = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0)
    return rem_error_errno(err, errno, "cannot create", path);
  REM_TRY(write_fully(fd, data, size, path, err));
  int closed = close(fd);
  fd = -1;
  return closed == 0 ? REM_OK : rem_error_errno(err, errno, "cannot close", path);
}

rem_status rem_file_write_atomic(const char *path, const void *data, size_t size, mode_t mode, rem_error *err) {
  char *temporary REM_AUTO_FREE = temporary_name(path);
  if (!temporary)
    return rem_error_nomem(err);
  rem_status status = write_new_file(temporary, data, size, mode, err);
  if (status == REM_OK && rename(temporary, path) != 0)
    status = rem_error_errno(err, errno, "cannot replace", path);
  if (status != REM_OK) {
    unlink(temporary);
    return status;
  }
  return sync_folder(path, err);
}

bool rem_file_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0;
}

rem_status rem_mapping_open(const char *path, rem_mapping *ret_mapping, rem_error *err) {
  int fd AUTO_CLOSE = -1;
  size_t size = 0;
  REM_TRY(open_regular(path, &fd, &size, err));
  if (size == 0) { /* mmap refuses nothing */
    *ret_mapping = (rem_mapping){NULL, 0};
    return REM_OK;
  }
  void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED)
    return rem_error_errno(err, errno, "cannot map", path);
  *ret_mapping = (rem_mapping){data, size};
  return REM_OK;
}

void rem_mapping_close(rem_mapping *mapping) {
  if (mapping->data)
    munmap((void *)mapping->data, mapping->size);
  *mapping = (rem_mapping){0};
}
