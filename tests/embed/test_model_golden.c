/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models of every kind that can be installed against the reference library: small ones with random weights (tests/data/encoders, made by
 * tools/encoder_golden.py), which differ in architecture, pooling, prompts, case and activation; and all-mpnet-base-v2 where it is
 * installed. Ids must be equal, vectors nearly so, at every level of the CPU and in every precision.
 */
#include <math.h>
#include <unistd.h>

#include "base/cpu.h"
#include "embed/encoder.h"
#include "embed/model_fixture.h"
#include "embed/model_gate.h"
#include "embed/model_installer.h"

#define WIDEST 768
#define LONGEST 384

static char models_dir[64];
static const char *const levels[] = {"generic", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "amx"};

static int make_folder(void **state) {
  (void)state;
  snprintf(models_dir, sizeof models_dir, "/tmp/rem-test-golden-XXXXXX");
  return mkdtemp(models_dir) != NULL ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  rem_error error = {0};
  return rem_file_remove_tree(models_dir, &error) == REM_OK ? 0 : -1;
}

static void install(const char *source, const char *name) {
  rem_error error = {0};
  rem_model_installer *installer = NULL;
  rem_status status = rem_model_installer_new(models_dir, source, &(rem_model_installer_options){.name = name}, &installer, &error);
  while (status == REM_OK || status == REM_ROW)
    status = rem_model_installer_step(installer, NULL, &error);
  if (status != REM_DONE)
    fail_msg("%s: %s; %s", source, error.message, error.hint);
  rem_model_installer_free(installer);
}

/* One line of a golden file, and what became of its text. */
typedef struct golden {
  json_t *line;
  uint32_t ids[LONGEST];
  uint32_t length;
} golden;

static void compare_ids(const rem_model *model, golden *line) {
  const json_t *text = json_object_get(line->line, "text"), *wanted = json_object_get(line->line, "ids");
  const char *role = json_string_value(json_object_get(line->line, "role"));
  rem_slice bytes = rem_slice_of(json_string_value(text), json_string_length(text));
  line->length = (uint32_t)rem_model_encode(model, role != NULL && strcmp(role, "query") == 0 ? REM_QUERY : REM_PASSAGE, bytes,
                                            line->ids, NULL);
  if (line->length != json_array_size(wanted))
    fail_msg("'%.60s': %u ids, not %zu", json_string_value(text), line->length, json_array_size(wanted));
  for (size_t i = 0; i < line->length; i++)
    if (line->ids[i] != (uint32_t)json_integer_value(json_array_get(wanted, i)))
      fail_msg("'%.60s': id %zu is %u, not %u", json_string_value(text), i, line->ids[i],
               (uint32_t)json_integer_value(json_array_get(wanted, i)));
}

static double cosine_to(const float *vector, const json_t *wanted, size_t count) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < count; i++) {
    double b = json_number_value(json_array_get(wanted, i));
    ab += (double)vector[i] * b;
    aa += (double)vector[i] * (double)vector[i];
    bb += b * b;
  }
  return ab / sqrt(aa * bb);
}

/* The worst cosine of the lines' vectors. Each runs alone, so that a failure names its text. */
static double worst_cosine(const rem_model *model, const golden *lines, size_t count, double *ret_mean) {
  rem_error error = {0};
  rem_encoder_scratch *scratch = NULL;
  const rem_encoder *encoder = rem_model_encoder(model);
  size_t dimension = rem_model_get_info(model)->dimension;
  float vector[WIDEST];
  double worst = 1, sum = 0;
  assert_int_equal(rem_encoder_scratch_new(encoder, 0, &scratch, &error), REM_OK);
  for (size_t i = 0; i < count; i++) {
    const json_t *wanted = json_object_get(lines[i].line, "embedding");
    assert_int_equal(json_array_size(wanted), dimension);
    assert_int_equal(rem_encoder_run(encoder, scratch, lines[i].ids, &lines[i].length, 1, vector, &error), REM_OK);
    double similarity = cosine_to(vector, wanted, dimension);
    worst = fmin(worst, similarity);
    sum += similarity / (double)count;
  }
  rem_encoder_scratch_free(scratch);
  *ret_mean = sum;
  return worst;
}

/* Bounds by precision; int8 only where the gate let it through. */
static void check_precision(const char *dir, const char *name, rem_model_precision precision, golden *lines, size_t count,
                            double bound) {
  rem_error error = {0};
  rem_model *model = NULL;
  rem_status status = rem_model_open_as(dir, name, precision, &model, &error);
  if (precision == REM_MODEL_INT8 && status == REM_MODEL) {
    assert_non_null(strstr(error.message, "int8"));
    print_message("%s: %s\n", name, error.message);
    return;
  }
  if (status < 0)
    fail_msg("%s", error.message);
  for (size_t i = 0; i < count; i++)
    compare_ids(model, &lines[i]);
  double mean, worst = worst_cosine(model, lines, count, &mean);
  print_message("%-18s %-20s worst cosine %.6f, mean %.6f\n", name, rem_encoder_kernel_name(rem_model_encoder(model)), worst, mean);
  if (!(worst >= bound))
    fail_msg("%s: worst cosine %.7f", name, worst);
  rem_model_close(model);
}

static size_t read_lines(const char *path, golden *lines, size_t capacity) {
  rem_error error = {0};
  rem_bytes content = {0};
  size_t count = 0;
  if (rem_file_read(path, 16 << 20, &content, &error) < 0)
    fail_msg("%s", error.message);
  for (const char *at = content.data, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
    assert_true(count < capacity);
    if (rem_json_parse_object(at, (size_t)(end - at), &lines[count].line, &error) < 0)
      fail_msg("%s", error.message);
    count++;
  }
  rem_free(content.data);
  return count;
}

/* `level_count` levels from the best one down. */
static void check_model(const char *dir, const char *name, const char *path, size_t level_count, double int8_bound) {
  static golden lines[80];
  size_t count = read_lines(path, lines, 80), seen = 0;
  assert_true(count > 0);
  for (size_t l = sizeof levels / sizeof levels[0]; l-- > 0 && seen < level_count;) {
    rem_cpu_set_level(levels[l]);
    if (strcmp(rem_cpu_level(), levels[l]) != 0) {
      print_message("this CPU has no %s\n", levels[l]);
      continue;
    }
    seen++;
    check_precision(dir, name, REM_MODEL_FLOAT32, lines, count, 0.9999);
    check_precision(dir, name, REM_MODEL_BFLOAT16, lines, count, 0.999);
    check_precision(dir, name, REM_MODEL_INT8, lines, count, int8_bound);
  }
  rem_cpu_set_level(NULL);
  for (size_t i = 0; i < count; i++)
    json_decref(lines[i].line);
}

static void check_small(const char *name) {
  char source[256], path[300];
  snprintf(source, sizeof source, REM_TEST_DATA "/encoders/%s", name);
  snprintf(path, sizeof path, "%s/golden.jsonl", source);
  install(source, name);
  check_model(models_dir, name, path, SIZE_MAX, 0.95);
}

static void cls_pooling_and_a_query_prompt_equal_the_reference(void **state) {
  (void)state;
  check_small("cls");
}

static void prompts_for_both_roles_equal_the_reference(void **state) {
  (void)state;
  check_small("prompts");
}

static void a_cased_model_with_tanh_gelu_equals_the_reference(void **state) {
  (void)state;
  check_small("cased");
}

static void mpnet_equals_the_reference(void **state) {
  (void)state;
  check_small("mpnet");
}

static void distilbert_equals_the_reference(void **state) {
  (void)state;
  check_small("distilbert");
}

/* The real one is 440 MB, so that it is not everywhere. It runs at the best level only. */
static void all_mpnet_base_v2_equals_the_reference_where_it_is_installed(void **state) {
  (void)state;
  rem_error error = {0};
  rem_model *model = NULL;
  if (rem_model_open(fixture_models_dir(), "all-mpnet-base-v2", &model, &error) < 0) {
    print_message("NOT TESTED: all-mpnet-base-v2 is not installed (%s)\n", error.message);
    return;
  }
  rem_model_close(model);
  check_model(fixture_models_dir(), "all-mpnet-base-v2", REM_TEST_DATA "/mpnet/reference.jsonl", 1, 0.97);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cls_pooling_and_a_query_prompt_equal_the_reference),
      cmocka_unit_test(prompts_for_both_roles_equal_the_reference),
      cmocka_unit_test(a_cased_model_with_tanh_gelu_equals_the_reference),
      cmocka_unit_test(mpnet_equals_the_reference),
      cmocka_unit_test(distilbert_equals_the_reference),
      cmocka_unit_test(all_mpnet_base_v2_equals_the_reference_where_it_is_installed),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
