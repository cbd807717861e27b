/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this module share: the installed default model, and the reference texts with their ids and vectors. */
#ifndef REM_TESTS_EMBED_MODEL_FIXTURE_H
#define REM_TESTS_EMBED_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "embed/model.h"

#define FIXTURE_DIMENSION 384
#define FIXTURE_MAX_TOKENS 256
#define FIXTURE_TEXTS 220
#define FIXTURE_SHA256 "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

/* P8_MODELS_DIR, else ~/.p8/models; for the life of the program. */
static inline const char *fixture_models_dir(void) {
  static char path[4096];
  const char *given = getenv("P8_MODELS_DIR"), *home = getenv("HOME");
  if (given != NULL && given[0] != 0)
    snprintf(path, sizeof path, "%s", given);
  else
    snprintf(path, sizeof path, "%s/.p8/models", home != NULL ? home : "");
  return path;
}

/* The installed model. A test that needs it fails without it: it is never passed over. */
static inline rem_model *fixture_model(void) {
  rem_model *model = NULL;
  rem_error error = {0};
  if (rem_model_open(fixture_models_dir(), REM_MODEL_DEFAULT, &model, &error) < 0)
    fail_msg("%s; %s (or set P8_MODELS_DIR)", error.message, error.hint);
  return model;
}

/* tests/data/minilm/reference.jsonl: {"text", "ids", "embedding"} a line, made with sentence-transformers in float32. */
typedef struct fixture_reference {
  json_t *lines[FIXTURE_TEXTS];
} fixture_reference;

static inline void fixture_reference_load(fixture_reference *reference) {
  rem_error error = {0};
  rem_bytes content = {0};
  if (rem_file_read(REM_TEST_DATA "/minilm/reference.jsonl", 16 << 20, &content, &error) < 0)
    fail_msg("%s", error.message);
  const char *at = content.data;
  for (size_t i = 0; i < FIXTURE_TEXTS; i++) {
    const char *end = strchr(at, '\n');
    assert_non_null(end);
    if (rem_json_parse_object(at, (size_t)(end - at), &reference->lines[i], &error) < 0)
      fail_msg("line %zu: %s", i + 1, error.message);
    at = end + 1;
  }
  assert_int_equal(*at, 0);
  rem_free(content.data);
}

static inline void fixture_reference_free(fixture_reference *reference) {
  for (size_t i = 0; i < FIXTURE_TEXTS; i++)
    json_decref(reference->lines[i]);
}

static inline rem_slice fixture_text(const fixture_reference *reference, size_t index) {
  const json_t *text = json_object_get(reference->lines[index], "text");
  return rem_slice_of(json_string_value(text), json_string_length(text));
}

static inline void fixture_vector(const fixture_reference *reference, size_t index, float *ret_vector) {
  const json_t *vector = json_object_get(reference->lines[index], "embedding");
  assert_int_equal(json_array_size(vector), FIXTURE_DIMENSION);
  for (size_t i = 0; i < FIXTURE_DIMENSION; i++)
    ret_vector[i] = (float)json_number_value(json_array_get(vector, i));
}

#endif
