/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk. Folders wait on a stack; links wait in a list until the stack is empty, and are then followed in order of
 * their paths. `seen` holds device and inode of every folder entered and, once the first link was followed, of every file.
 */
#include "ingest/walker.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash_map.h"

typedef struct identity {
  dev_t device;
  ino_t inode;
} identity;

typedef struct pending {
  const char *path;
  unsigned depth;
} pending;

/* A growable array; the walker has four. */
#define LIST(type)                                                                                                     \
  struct {                                                                                                             \
    type *items;                                                                                                       \
    size_t count, capacity;                                                                                            \
  }

struct rem_walker {
  char *root;
  bool is_folder;
  bool has_exclude;
  identity exclude;
  rem_arena arena;
  LIST(pending) folders;
  LIST(pending) links;
  size_t next_link;
  bool links_sorted;
  LIST(rem_walker_file) files;
  LIST(identity) file_identities; /* parallel to `files` */
  LIST(rem_walker_problem) problems;
  rem_hash_map seen;
  size_t files_in_seen; /* how many of `files` are in `seen` */
  int64_t total_bytes;
};

static rem_status reserve(void **items, size_t count, size_t *capacity, size_t item_size, rem_error *err) {
  if (count < *capacity)
    return REM_OK;
  size_t wanted = *capacity ? *capacity * 2 : 64;
  void *grown = rem_realloc(*items, wanted * item_size);
  if (!grown)
    return rem_error_nomem(err);
  *items = grown;
  *capacity = wanted;
  return REM_OK;
}

#define RESERVE(list, err)                                                                                             \
  reserve((void **)&(list).items, (list).count, &(list).capacity, sizeof *(list).items, err)

static identity identity_of(const struct stat *info) {
  identity result;
  memset(&result, 0, sizeof result);
  result.device = info->st_dev;
  result.inode = info->st_ino;
  return result;
}

static rem_slice identity_key(const identity *id) {
  return rem_slice_of(id, sizeof *id);
}

static bool is_seen(const rem_walker *walker, const struct stat *info) {
  identity id = identity_of(info);
  return rem_hash_map_get(&walker->seen, identity_key(&id)) != NULL;
}

static rem_status mark_seen(rem_walker *walker, identity id, rem_error *err) {
  return rem_hash_map_put(&walker->seen, identity_key(&id), walker, NULL, err);
}

static rem_status report(rem_walker *walker, const char *path, const char *message, rem_error *err) {
  REM_TRY(RESERVE(walker->problems, err));
  const char *kept_path = rem_arena_strdup(&walker->arena, path);
  const char *kept_message = rem_arena_strdup(&walker->arena, message);
  if (!kept_path || !kept_message)
    return rem_error_nomem(err);
  walker->problems.items[walker->problems.count++] = (rem_walker_problem){kept_path, kept_message};
  return REM_OK;
}

static rem_status add_file(rem_walker *walker, const char *path, const struct stat *info, rem_error *err) {
  if (walker->files.count >= REM_WALKER_MAX_FILES) {
    rem_error_set(err, REM_LIMIT, "'%s' holds more than %d files", walker->root, REM_WALKER_MAX_FILES);
    rem_error_hint(err, "ingest its folders one by one");
    return REM_LIMIT;
  }
  REM_TRY(RESERVE(walker->files, err));
  REM_TRY(RESERVE(walker->file_identities, err));
  const char *kept = rem_arena_strdup(&walker->arena, path);
  if (!kept)
    return rem_error_nomem(err);
  walker->files.items[walker->files.count++] = (rem_walker_file){kept, (int64_t)info->st_size};
  walker->file_identities.items[walker->file_identities.count++] = identity_of(info);
  walker->total_bytes += (int64_t)info->st_size;
  return REM_OK;
}

static rem_status push_folder(rem_walker *walker, const char *path, unsigned depth, rem_error *err) {
  REM_TRY(RESERVE(walker->folders, err));
  const char *kept = rem_arena_strdup(&walker->arena, path);
  if (!kept)
    return rem_error_nomem(err);
  walker->folders.items[walker->folders.count++] = (pending){kept, depth};
  return REM_OK;
}

static rem_status push_link(rem_walker *walker, const char *path, unsigned depth, rem_error *err) {
  REM_TRY(RESERVE(walker->links, err));
  const char *kept = rem_arena_strdup(&walker->arena, path);
  if (!kept)
    return rem_error_nomem(err);
  walker->links.items[walker->links.count++] = (pending){kept, depth};
  return REM_OK;
}

/* Takes a folder for walking unless it is the excluded one. */
static rem_status take_folder(rem_walker *walker, const char *path, const struct stat *info, unsigned depth, rem_error *err) {
  identity id = identity_of(info);
  if (walker->has_exclude && memcmp(&id, &walker->exclude, sizeof id) == 0)
    return REM_OK;
  if (depth > REM_WALKER_MAX_DEPTH)
    return report(walker, path, "the folder is nested too deeply", err);
  REM_TRY(mark_seen(walker, id, err));
  return push_folder(walker, path, depth, err);
}

static rem_status take_entry(rem_walker *walker, const char *folder, const char *name, unsigned depth, rem_error *err) {
  char *path REM_AUTO_FREE = rem_path_join(folder, name);
  if (!path)
    return rem_error_nomem(err);
  struct stat info;
  if (lstat(path, &info) != 0)
    return errno == ENOENT ? REM_OK : report(walker, path, strerror(errno), err);
  if (S_ISLNK(info.st_mode))
    return push_link(walker, path, depth, err);
  if (S_ISDIR(info.st_mode))
    return take_folder(walker, path, &info, depth, err);
  return S_ISREG(info.st_mode) ? add_file(walker, path, &info, err) : REM_OK;
}

static rem_status read_folder(rem_walker *walker, pending folder, rem_error *err) {
  DIR *stream = opendir(folder.path);
  if (!stream)
    return report(walker, folder.path, strerror(errno), err);
  rem_status status = REM_OK;
  while (status == REM_OK) {
    errno = 0;
    const struct dirent *entry = readdir(stream);
    if (!entry) {
      if (errno)
        status = report(walker, folder.path, strerror(errno), err);
      break;
    }
    if (entry->d_name[0] != '.')
      status = take_entry(walker, folder.path, entry->d_name, folder.depth + 1, err);
  }
  closedir(stream);
  return status;
}

/* Files found since the last call become known by identity. */
static rem_status note_files(rem_walker *walker, rem_error *err) {
  for (; walker->files_in_seen < walker->file_identities.count; walker->files_in_seen++)
    REM_TRY(mark_seen(walker, walker->file_identities.items[walker->files_in_seen], err));
  return REM_OK;
}

/* Whether the folder `info` is one of those that contain `path`. */
static bool is_above(const char *path, const struct stat *info) {
  char *folder REM_AUTO_FREE = rem_strdup(path);
  identity wanted = identity_of(info);
  for (char *slash = folder ? strrchr(folder, '/') : NULL; slash; slash = strrchr(folder, '/')) {
    *slash = 0;
    struct stat above;
    if (stat(*folder ? folder : "/", &above) != 0)
      return false;
    identity id = identity_of(&above);
    if (memcmp(&id, &wanted, sizeof id) == 0)
      return true;
  }
  return false;
}

static rem_status follow_link(rem_walker *walker, pending link, rem_error *err) {
  struct stat info;
  if (stat(link.path, &info) != 0)
    return report(walker, link.path, errno == ENOENT ? "the link points to nothing" : strerror(errno), err);
  REM_TRY(note_files(walker, err));
  if (S_ISDIR(info.st_mode) && is_above(link.path, &info))
    return report(walker, link.path, "the link points to a folder above itself", err);
  if (is_seen(walker, &info))
    return REM_OK;
  if (S_ISDIR(info.st_mode))
    return take_folder(walker, link.path, &info, link.depth, err);
  return S_ISREG(info.st_mode) ? add_file(walker, link.path, &info, err) : REM_OK;
}

static int compare_pending(const void *a, const void *b) {
  return strcmp(((const pending *)a)->path, ((const pending *)b)->path);
}

static int compare_files(const void *a, const void *b) {
  return strcmp(((const rem_walker_file *)a)->path, ((const rem_walker_file *)b)->path);
}

static int compare_problems(const void *a, const void *b) {
  return strcmp(((const rem_walker_problem *)a)->path, ((const rem_walker_problem *)b)->path);
}

/* The next link, in order of paths; links found behind a link are ordered among themselves. */
static rem_status follow_next_link(rem_walker *walker, rem_error *err) {
  if (!walker->links_sorted)
    qsort(walker->links.items + walker->next_link, walker->links.count - walker->next_link, sizeof(pending), compare_pending);
  walker->links_sorted = true;
  size_t count = walker->links.count;
  rem_status status = follow_link(walker, walker->links.items[walker->next_link++], err);
  walker->links_sorted = count == walker->links.count && walker->folders.count == 0;
  return status;
}

rem_status rem_walker_step(rem_walker *walker, rem_error *err) {
  if (walker->folders.count > 0) {
    REM_TRY(read_folder(walker, walker->folders.items[--walker->folders.count], err));
    return REM_ROW;
  }
  if (walker->next_link < walker->links.count) {
    REM_TRY(follow_next_link(walker, err));
    return REM_ROW;
  }
  if (walker->files.count)
    qsort(walker->files.items, walker->files.count, sizeof *walker->files.items, compare_files);
  if (walker->problems.count)
    qsort(walker->problems.items, walker->problems.count, sizeof *walker->problems.items, compare_problems);
  walker->file_identities.count = walker->files_in_seen = 0;
  return REM_DONE;
}

static rem_status start(rem_walker *walker, const char *path, const char *exclude, rem_error *err) {
  walker->root = rem_path_absolute(path);
  if (!walker->root)
    return rem_error_nomem(err);
  struct stat info;
  if (exclude && stat(exclude, &info) == 0) {
    walker->has_exclude = true;
    walker->exclude = identity_of(&info);
  }
  if (stat(walker->root, &info) != 0) {
    if (errno != ENOENT && errno != ENOTDIR)
      return rem_error_errno(err, errno, "cannot read", walker->root);
    rem_error_set(err, REM_UNKNOWN, "there is no file or folder '%s'", walker->root);
    rem_error_hint(err, "check the path; a relative one starts at the current folder");
    return REM_UNKNOWN;
  }
  walker->is_folder = S_ISDIR(info.st_mode);
  if (walker->is_folder)
    return take_folder(walker, walker->root, &info, 0, err);
  if (S_ISREG(info.st_mode))
    return add_file(walker, walker->root, &info, err);
  rem_error_set(err, REM_INVALID, "'%s' is neither a file nor a folder", walker->root);
  rem_error_hint(err, "give a regular file or a folder");
  return REM_INVALID;
}

rem_status rem_walker_new(const char *path, const char *exclude, rem_walker **ret_walker, rem_error *err) {
  rem_walker *walker = rem_calloc(1, sizeof *walker);
  if (!walker)
    return rem_error_nomem(err);
  rem_status status = start(walker, path, exclude, err);
  if (status < 0) {
    rem_walker_free(walker);
    return status;
  }
  *ret_walker = walker;
  return REM_OK;
}

void rem_walker_free(rem_walker *walker) {
  if (!walker)
    return;
  rem_free(walker->root);
  rem_free(walker->folders.items);
  rem_free(walker->links.items);
  rem_free(walker->files.items);
  rem_free(walker->file_identities.items);
  rem_free(walker->problems.items);
  rem_hash_map_deinit(&walker->seen);
  rem_arena_deinit(&walker->arena);
  rem_free(walker);
}

const char *rem_walker_root(const rem_walker *walker) {
  return walker->root;
}

bool rem_walker_is_folder(const rem_walker *walker) {
  return walker->is_folder;
}

size_t rem_walker_file_count(const rem_walker *walker) {
  return walker->files.count;
}

const rem_walker_file *rem_walker_file_at(const rem_walker *walker, size_t index) {
  return &walker->files.items[index];
}

int64_t rem_walker_total_bytes(const rem_walker *walker) {
  return walker->total_bytes;
}

size_t rem_walker_problem_count(const rem_walker *walker) {
  return walker->problems.count;
}

const rem_walker_problem *rem_walker_problem_at(const rem_walker *walker, size_t index) {
  return &walker->problems.items[index];
}
