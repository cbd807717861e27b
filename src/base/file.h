/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole reads with a bound, atomic writes, folders, mappings. Errors name the path. */
#ifndef REM_BASE_FILE_H
#define REM_BASE_FILE_H

#include <sys/types.h>

#include "base/buffer.h"

/* Reads a regular file of at most `max` bytes. REM_UNKNOWN when it does not exist, REM_LIMIT when it is larger. */
REM_CHECKED rem_status rem_file_read(const char *path, size_t max, rem_bytes *ret_content, rem_error *err);
/* Writes through a temporary file in the same folder, synced, renamed, folder synced: all of it or the old one. */
REM_CHECKED rem_status rem_file_write_atomic(const char *path, const void *data, size_t size, mode_t mode, rem_error *err);
/* mkdir -p; new folders get `mode`. An existing folder is REM_OK. */
REM_CHECKED rem_status rem_file_make_folders(const char *path, mode_t mode, rem_error *err);
/* Removes a file or a whole folder tree (never follows links); a missing one is REM_OK. */
REM_CHECKED rem_status rem_file_remove_tree(const char *path, rem_error *err);
bool rem_file_exists(const char *path);
bool rem_file_is_folder(const char *path);
/* The sum of the sizes of the regular files below a folder. */
int64_t rem_file_tree_bytes(const char *path);
/* "a/b" of "a" and "b"; "b" when b is absolute. Owned: rem_free(); NULL without memory. */
char *rem_path_join(const char *folder, const char *name);
/* Absolute, without "." and "..", links not resolved; "~" at the start is the home folder. Owned: rem_free();
 * NULL without memory. */
char *rem_path_absolute(const char *path);

/* A file mapped for reading. */
typedef struct rem_mapping {
  const uint8_t *data;
  size_t size;
} rem_mapping;
REM_CHECKED rem_status rem_mapping_open(const char *path, rem_mapping *ret_mapping, rem_error *err);
void rem_mapping_close(rem_mapping *mapping);

#endif
