/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walker: the regular files below a folder, one folder a step, in bytewise order of their paths.
 *
 * Hidden files and folders (names that begin with a dot) are passed over, as are devices, pipes and sockets. Symbolic links are
 * followed, each target once: real entries come first, so a file that is also linked to keeps its own path, and a link
 * into a folder that was walked adds nothing. A link to a folder above itself is a loop and is reported. What cannot be read is reported and the walk
 * goes on.
 */
#ifndef REM_INGEST_WALKER_H
#define REM_INGEST_WALKER_H

#include "base/arena.h"
#include "base/buffer.h"

#define REM_WALKER_MAX_DEPTH 64
#define REM_WALKER_MAX_FILES 10000000

typedef struct rem_walker_file {
  const char *path; /* absolute; borrowed from the walker */
  int64_t size_bytes;
} rem_walker_file;

/* Something that could not be walked. */
typedef struct rem_walker_problem {
  const char *path;
  const char *message;
} rem_walker_problem;

typedef struct rem_walker rem_walker;

/* `path` is a file or a folder, relative or absolute. `exclude` (may be NULL) is a folder never entered: the database's own.
 * REM_NOT_FOUND is not used: a path that does not exist is REM_UNKNOWN. Owned: rem_walker_free(). */
REM_CHECKED rem_status rem_walker_new(const char *path, const char *exclude, rem_walker **ret_walker, rem_error *err);
void rem_walker_free(rem_walker *walker);

/* Reads one folder: REM_ROW while there are more, REM_DONE when the files are complete and sorted. REM_LIMIT: too many files. */
REM_CHECKED rem_status rem_walker_step(rem_walker *walker, rem_error *err);

/* The absolute path of the start, and whether it is a folder. */
const char *rem_walker_root(const rem_walker *walker);
bool rem_walker_is_folder(const rem_walker *walker);

/* What was found so far; sorted after REM_DONE. Borrowed from the walker. */
size_t rem_walker_file_count(const rem_walker *walker);
const rem_walker_file *rem_walker_file_at(const rem_walker *walker, size_t index);
int64_t rem_walker_total_bytes(const rem_walker *walker);
size_t rem_walker_problem_count(const rem_walker *walker);
const rem_walker_problem *rem_walker_problem_at(const rem_walker *walker, size_t index);

#endif
