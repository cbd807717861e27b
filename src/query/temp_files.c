/* SPDX-License-Identifier: Apache-2.0 */
#include "query/temp_files.h"

#include <inttypes.h>
#include <stdio.h>

#include "query/session_internal.h"

typedef struct temp_file {
  sqlite3_file base; /* first: SQLite knows the file by it */
  rem_temp_files *files;
  int64_t size;
  int64_t real[]; /* the file itself, as the VFS beneath knows it; SQLite aligns files to 8 bytes */
} temp_file;

static temp_file *file_of(sqlite3_file *base) {
  return (temp_file *)(void *)base;
}

static sqlite3_file *real_of(sqlite3_file *base) {
  return (sqlite3_file *)(void *)file_of(base)->real;
}

/* ---- growing ---- */

static int refuse(const rem_temp_files *files) {
  rem_error err;
  rem_error_set(&err, REM_LIMIT, "the statement needs more than %" PRId64 " MiB of temporary files", files->limit >> 20);
  rem_error_hint(&err, "narrow it, add an index to what it sorts by, or raise P8_QUERY_TEMP_SIZE");
  (void)rem_session__fail(files->session, REM_LIMIT, &err);
  return SQLITE_FULL;
}

static void set_size(temp_file *file, int64_t size) {
  file->files->used += size - file->size;
  file->size = size;
}

static int file_write(sqlite3_file *base, const void *data, int amount, sqlite3_int64 offset) {
  temp_file *file = file_of(base);
  int64_t end = offset + amount;
  if (end > file->size && end - file->size > file->files->limit - file->files->used)
    return refuse(file->files);
  int code = real_of(base)->pMethods->xWrite(real_of(base), data, amount, offset);
  if (code == SQLITE_OK && end > file->size)
    set_size(file, end);
  return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
  int code = real_of(base)->pMethods->xTruncate(real_of(base), size);
  if (code == SQLITE_OK && size < file_of(base)->size)
    set_size(file_of(base), size);
  return code;
}

static int file_close(sqlite3_file *base) {
  set_size(file_of(base), 0);
  return real_of(base)->pMethods->xClose(real_of(base));
}

/* ---- the rest is the real file's ---- */

static int file_read(sqlite3_file *base, void *data, int amount, sqlite3_int64 offset) {
  return real_of(base)->pMethods->xRead(real_of(base), data, amount, offset);
}

static int file_sync(sqlite3_file *base, int flags) {
  return real_of(base)->pMethods->xSync(real_of(base), flags);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size) {
  return real_of(base)->pMethods->xFileSize(real_of(base), ret_size);
}

static int file_lock(sqlite3_file *base, int level) {
  return real_of(base)->pMethods->xLock(real_of(base), level);
}

static int file_unlock(sqlite3_file *base, int level) {
  return real_of(base)->pMethods->xUnlock(real_of(base), level);
}

static int file_is_reserved(sqlite3_file *base, int *ret_reserved) {
  return real_of(base)->pMethods->xCheckReservedLock(real_of(base), ret_reserved);
}

/* Hints at a size to come would make the file larger unseen. */
static int file_control(sqlite3_file *base, int operation, void *argument) {
  if (operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE)
    return SQLITE_NOTFOUND;
  return real_of(base)->pMethods->xFileControl(real_of(base), operation, argument);
}

static int file_sector_size(sqlite3_file *base) {
  return real_of(base)->pMethods->xSectorSize(real_of(base));
}

static int file_characteristics(sqlite3_file *base) {
  return real_of(base)->pMethods->xDeviceCharacteristics(real_of(base));
}

/* Version 1: no shared memory, and no mapping, by which a file could grow unseen. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

/* ---- opening ---- */

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags) {
  rem_temp_files *files = (rem_temp_files *)(void *)vfs;
  temp_file *file = file_of(base);
  base->pMethods = NULL;
  if (name || !(flags & SQLITE_OPEN_DELETEONCLOSE))
    return SQLITE_CANTOPEN; /* only files without a name are temporary */
  file->files = files;
  file->size = 0;
  int code = files->real->xOpen(files->real, NULL, real_of(base), flags, ret_flags);
  if (code == SQLITE_OK)
    base->pMethods = &methods;
  return code;
}

rem_status rem_temp_files_init(rem_temp_files *files, rem_session *session, int64_t limit, rem_error *err) {
  REM_TRY(rem_sqlite_load(err));
  sqlite3_vfs *real = sqlite3_vfs_find(NULL);
  if (!real)
    return rem_error_set(err, REM_INTERNAL, "SQLite has no way to files");
  *files = (rem_temp_files){.vfs = *real, .real = real, .session = session, .limit = limit};
  snprintf(files->name, sizeof files->name, "rem-temporary-%p", (void *)files);
  files->vfs.pNext = NULL;
  files->vfs.zName = files->name;
  files->vfs.szOsFile = (int)sizeof(temp_file) + real->szOsFile;
  files->vfs.xOpen = open_file;
  return REM_OK;
}

/* A connection keeps its VFS, so the name need not be known longer than it takes to open it. */
rem_status rem_temp_files_connect(rem_temp_files *files, sqlite3 **ret_sqlite, rem_error *err) {
  if (sqlite3_vfs_register(&files->vfs, 0) != SQLITE_OK)
    return rem_error_nomem(err);
  rem_status status = rem_sqlite_open(files->name, ret_sqlite, err);
  (void)sqlite3_vfs_unregister(&files->vfs);
  return status;
}
