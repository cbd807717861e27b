/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders and the trees below them. Trees are walked by fts, physically: links are seen as links and never
 * followed, so removing a tree cannot reach outside it.
 */
#include "base/file.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void fts_cleanup(FTS **tree) {
  if (*tree)
    fts_close(*tree);
}
#define AUTO_FTS REM_CLEANUP(fts_cleanup)

static FTS *open_tree(const char *path) {
  char *const roots[] = {(char *)path, NULL};
  return fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
}

bool rem_file_is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static rem_status make_folder(const char *path, mode_t mode, rem_error *err) {
  if (mkdir(path, mode) == 0 || (errno == EEXIST && rem_file_is_folder(path)))
    return REM_OK;
  /* A read-only or foreign parent may answer otherwise for a folder that is there. */
  int number = errno;
  return rem_file_is_folder(path) ? REM_OK : rem_error_errno(err, number, "cannot make the folder", path);
}

rem_status rem_file_make_folders(const char *path, mode_t mode, rem_error *err) {
  char *copy REM_AUTO_FREE = rem_strdup(path);
  if (!copy)
    return rem_error_nomem(err);
  if (rem_file_is_folder(path))
    return REM_OK;
  for (char *slash = strchr(copy + (*copy == '/'), '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (*copy)
      REM_TRY(make_folder(copy, mode, err));
    *slash = '/';
  }
  return make_folder(path, mode, err);
}

static rem_status remove_entry(const FTSENT *entry, rem_error *err) {
  switch (entry->fts_info) {
  case FTS_D: return REM_OK; /* comes again as FTS_DP, when it is empty */
  case FTS_DNR:
  case FTS_ERR:
    if (entry->fts_errno == ENOENT)
      return REM_OK;
    return rem_error_errno(err, entry->fts_errno, "cannot remove", entry->fts_path);
  case FTS_DP:
    if (rmdir(entry->fts_accpath) == 0 || errno == ENOENT)
      return REM_OK;
    return rem_error_errno(err, errno, "cannot remove", entry->fts_path);
  default:
    if (unlink(entry->fts_accpath) == 0 || errno == ENOENT)
      return REM_OK;
    return rem_error_errno(err, errno, "cannot remove", entry->fts_path);
  }
}

rem_status rem_file_remove_tree(const char *path, rem_error *err) {
  FTS *tree AUTO_FTS = open_tree(path);
  if (!tree)
    return errno == ENOENT ? REM_OK : rem_error_errno(err, errno, "cannot remove", path);
  for (FTSENT *entry; errno = 0, (entry = fts_read(tree));)
    REM_TRY(remove_entry(entry, err));
  return errno == 0 ? REM_OK : rem_error_errno(err, errno, "cannot remove", path);
}

int64_t rem_file_tree_bytes(const char *path) {
  int64_t total = 0;
  FTS *tree AUTO_FTS = open_tree(path);
  if (!tree)
    return 0;
  for (FTSENT *entry; (entry = fts_read(tree));)
    if (entry->fts_info == FTS_F)
      total += entry->fts_statp->st_size;
  return total;
}
