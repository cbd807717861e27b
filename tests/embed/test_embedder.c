/* SPDX-License-Identifier: Apache-2.0 */
/* The embedder on the real model: vectors equal to the reference's at every level the CPU has, in any batch, by any thread. */
#include "embed/embedder.h"

#include <math.h>
#include <pthread.h>

#include "base/cpu.h"
#include "embed/encoder.h"
#include "embed/model_fixture.h"

#define THREADS 4

/* Without optimisation, or under a sanitizer, the encoder is up to a hundred times slower: such builds compare one text in ten. */
#if !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SLOW_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IS_SLOW_BUILD 1
#endif
#endif
#ifndef IS_SLOW_BUILD
#define IS_SLOW_BUILD 0
#endif

static rem_config *config;
static fixture_reference reference;
static rem_slice texts[FIXTURE_TEXTS];
static float wanted[FIXTURE_TEXTS][FIXTURE_DIMENSION];

static int load(void **state) {
  (void)state;
  rem_error error = {0};
  if (rem_config_load(&config, &error) < 0 || rem_config_set(config, "P8_MODELS_DIR", fixture_models_dir(), &error) < 0 ||
      rem_config_set(config, "P8_ENABLE_CACHE", "false", &error) < 0)
    fail_msg("%s", error.message);
  fixture_reference_load(&reference);
  for (size_t i = 0; i < FIXTURE_TEXTS; i++) {
    texts[i] = fixture_text(&reference, i);
    fixture_vector(&reference, i, wanted[i]);
  }
  return 0;
}

static int unload(void **state) {
  (void)state;
  fixture_reference_free(&reference);
  rem_config_free(config);
  return 0;
}

static rem_embedder *open_embedder(rem_thread_pool *pool) {
  rem_embedder *embedder = NULL;
  rem_error error = {0};
  if (rem_embedder_open(config, pool, REM_MODEL_DEFAULT, &embedder, &error) < 0)
    fail_msg("%s; %s", error.message, error.hint);
  return embedder;
}

static rem_thread_pool *new_pool(size_t threads) {
  rem_thread_pool *pool = NULL;
  rem_error error = {0};
  assert_int_equal(rem_thread_pool_new(threads, &pool, &error), REM_OK);
  return pool;
}

static void embed(rem_embedder *embedder, const rem_slice *some, size_t count, float *ret_vectors) {
  rem_error error = {0};
  rem_embed_result result = {.vectors = ret_vectors};
  if (rem_embedder_embed(embedder, &(rem_embed_request){.texts = some, .count = count}, &result, &error) < 0)
    fail_msg("%s", error.message);
}

static double cosine(const float *a, const float *b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < FIXTURE_DIMENSION; i++) {
    ab += (double)a[i] * b[i];
    aa += (double)a[i] * a[i];
    bb += (double)b[i] * b[i];
  }
  return ab / sqrt(aa * bb);
}

static double length_of(const float *a) {
  double sum = 0;
  for (size_t i = 0; i < FIXTURE_DIMENSION; i++)
    sum += (double)a[i] * a[i];
  return sqrt(sum);
}

/* The kernels a level chooses: several levels may share them. */
static const char *kernel_name(void) {
  rem_model *model = fixture_model();
  const char *name = rem_encoder_kernel_name(rem_model_encoder(model));
  rem_model_close(model);
  return name;
}

static void compare_with_reference(const char *kernel, const rem_slice *some, const size_t *indexes, size_t count) {
  bool is_float32 = rem_encoder_preferred_layout() == REM_ENCODER_LAYOUT_F32;
  rem_thread_pool *pool = new_pool(0);
  rem_embedder *embedder = open_embedder(pool);
  float *vectors = malloc(sizeof wanted);
  embed(embedder, some, count, vectors);
  double worst = 1;
  for (size_t i = 0; i < count; i++) {
    const float *vector = vectors + i * FIXTURE_DIMENSION;
    double similarity = cosine(vector, wanted[indexes[i]]);
    if (!(similarity >= (is_float32 ? 0.9999 : 0.999)))
      fail_msg("%s: text %zu has cosine %.6f to the reference", kernel, indexes[i], similarity);
    if (!(fabs(length_of(vector) - 1) < 1e-4))
      fail_msg("%s: the vector of text %zu has length %.6f", kernel, indexes[i], length_of(vector));
    worst = similarity < worst ? similarity : worst;
  }
  print_message("%s: worst cosine of %zu texts %.6f\n", kernel, count, worst);
  free(vectors);
  rem_embedder_close(embedder);
  rem_thread_pool_free(pool);
}

static void vectors_equal_the_reference_at_every_level_of_the_cpu(void **state) {
  (void)state;
  static const char *const levels[] = {"generic", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "amx"};
  const char *before = "";
  for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
    rem_cpu_set_level(levels[l]);
    if (strcmp(rem_cpu_level(), levels[l]) != 0) {
      print_message("this CPU has no %s\n", levels[l]);
      continue;
    }
    if (strcmp(kernel_name(), before) == 0) {
      print_message("%s has the kernels of the level below it: %s\n", levels[l], before);
      continue;
    }
    before = kernel_name();
    /* The slow level leaves out most long texts: they are all of the time. */
    rem_slice some[FIXTURE_TEXTS];
    size_t indexes[FIXTURE_TEXTS], count = 0;
    for (size_t i = 0; i < FIXTURE_TEXTS; i++) {
      if ((l == 0 && texts[i].size > 300 && i % 20 != 0) || (IS_SLOW_BUILD && i % 10 != 0))
        continue;
      some[count] = texts[i];
      indexes[count++] = i;
    }
    compare_with_reference(before, some, indexes, count);
  }
  rem_cpu_set_level(NULL);
}

static void info_pins_the_model(void **state) {
  (void)state;
  rem_embedder *embedder = open_embedder(NULL);
  const rem_model_info *info = rem_embedder_info(embedder);
  assert_string_equal(info->name, REM_MODEL_DEFAULT);
  assert_string_equal(info->sha256, FIXTURE_SHA256);
  assert_int_equal(info->dimension, FIXTURE_DIMENSION);
  assert_int_equal(info->max_tokens, FIXTURE_MAX_TOKENS);
  assert_int_equal(rem_tokenizer_count(rem_embedder_tokenizer(embedder), "Hello, world!", 13, 100), 4);
  rem_embedder_close(embedder);
}

static void a_text_has_the_same_vector_alone_and_in_any_batch(void **state) {
  (void)state;
  rem_thread_pool *pool = new_pool(3);
  rem_embedder *alone = open_embedder(NULL), *together = open_embedder(pool);
  float *batch = malloc(sizeof wanted), single[FIXTURE_DIMENSION];
  size_t count = IS_SLOW_BUILD ? 40 : FIXTURE_TEXTS;
  embed(together, texts, count, batch);
  for (size_t i = 0; i < count; i += 11) {
    embed(alone, &texts[i], 1, single);
    if (!(cosine(single, batch + i * FIXTURE_DIMENSION) > 0.99999))
      fail_msg("text %zu has another vector in a batch", i);
  }
  free(batch);
  rem_embedder_close(alone);
  rem_embedder_close(together);
  rem_thread_pool_free(pool);
}

static void empty_texts_and_empty_batches_are_fine(void **state) {
  (void)state;
  rem_embedder *embedder = open_embedder(NULL);
  float vectors[2 * FIXTURE_DIMENSION];
  const rem_slice both[] = {{NULL, 0}, {(const uint8_t *)" ", 1}};
  embed(embedder, both, 2, vectors);
  assert_true(fabs(length_of(vectors) - 1) < 1e-4);
  assert_true(cosine(vectors, vectors + FIXTURE_DIMENSION) > 0.99999); /* both are [CLS] [SEP] */
  rem_embed_result result = {.truncated = 9};
  rem_error error = {0};
  assert_int_equal(rem_embedder_embed(embedder, &(rem_embed_request){0}, &result, &error), REM_OK);
  assert_int_equal(result.truncated, 0);
  rem_embedder_close(embedder);
}

static void texts_beyond_the_window_are_cut_and_counted(void **state) {
  (void)state;
  rem_embedder *embedder = open_embedder(NULL);
  char fits[2 * 254], beyond[2 * 300];
  for (size_t i = 0; i < sizeof fits; i += 2)
    memcpy(fits + i, "a ", 2);
  for (size_t i = 0; i < sizeof beyond; i += 2)
    memcpy(beyond + i, "a ", 2);
  const rem_slice both[] = {rem_slice_of(fits, sizeof fits), rem_slice_of(beyond, sizeof beyond)};
  float vectors[2 * FIXTURE_DIMENSION];
  rem_embed_result result = {.vectors = vectors};
  rem_error error = {0};
  assert_int_equal(rem_embedder_embed(embedder, &(rem_embed_request){.texts = both, .count = 2}, &result, &error), REM_OK);
  assert_int_equal(result.truncated, 1);
  assert_true(cosine(vectors, vectors + FIXTURE_DIMENSION) > 0.99999);
  rem_embedder_close(embedder);
}

typedef struct thread_work {
  rem_embedder *embedder;
  size_t first;
  size_t wrong;
} thread_work;

static void *embed_in_thread(void *context) {
  thread_work *work = context;
  float vectors[10 * FIXTURE_DIMENSION];
  rem_error error = {0};
  for (size_t at = work->first; at + 10 <= FIXTURE_TEXTS; at += (IS_SLOW_BUILD ? 50 : 10) * THREADS) {
    rem_embed_result result = {.vectors = vectors};
    if (rem_embedder_embed(work->embedder, &(rem_embed_request){.texts = texts + at, .count = 10}, &result, &error) < 0)
      work->wrong += 1000;
    for (size_t i = 0; i < 10; i++)
      work->wrong += !(cosine(vectors + i * FIXTURE_DIMENSION, wanted[at + i]) >= 0.999);
  }
  return NULL;
}

static void many_threads_may_share_an_embedder(void **state) {
  (void)state;
  rem_thread_pool *pool = new_pool(2);
  rem_embedder *embedder = open_embedder(pool);
  pthread_t threads[THREADS];
  thread_work work[THREADS];
  for (size_t i = 0; i < THREADS; i++) {
    work[i] = (thread_work){embedder, 10 * i, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, embed_in_thread, &work[i]), 0);
  }
  for (size_t i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(work[i].wrong, 0);
  }
  rem_embedder_close(embedder);
  rem_thread_pool_free(pool);
}

/* The memory of a call is a block for each worker, so a batch of any size passes under a fixed cap. */
static void memory_is_bounded_whatever_the_batch(void **state) {
  (void)state;
  enum { COUNT = IS_SLOW_BUILD ? 300 : 1000 };
  static char words[COUNT][24];
  rem_thread_pool *pool = new_pool(2);
  rem_embedder *embedder = open_embedder(pool);
  rem_slice *many = malloc(COUNT * sizeof *many);
  float *vectors = malloc((size_t)COUNT * FIXTURE_DIMENSION * sizeof *vectors);
  for (size_t i = 0; i < COUNT; i++) { /* all different: equal ones are embedded once */
    snprintf(words[i], sizeof words[i], "short %zu", i);
    many[i] = rem_slice_text(words[i]);
  }
  rem_alloc_set_cap(rem_alloc_live_bytes() + (16 << 20));
  rem_error error = {0};
  rem_embed_result result = {.vectors = vectors};
  rem_status status = rem_embedder_embed(embedder, &(rem_embed_request){.texts = many, .count = COUNT}, &result, &error);
  rem_alloc_set_cap(0);
  assert_int_equal(status, REM_OK);
  assert_true(fabs(length_of(vectors + (size_t)(COUNT - 1) * FIXTURE_DIMENSION) - 1) < 1e-4);
  free(many);
  free(vectors);
  rem_embedder_close(embedder);
  rem_thread_pool_free(pool);
}

static void a_failed_allocation_is_told_and_nothing_leaks(void **state) {
  (void)state;
  size_t live = rem_alloc_live_count();
  rem_status status = REM_NOMEM;
  for (int64_t countdown = 1; status == REM_NOMEM; countdown++) {
    rem_embedder *embedder = NULL;
    rem_error error = {0};
    float vectors[2 * FIXTURE_DIMENSION];
    rem_alloc_fail_at(countdown, 0);
    status = rem_embedder_open(config, NULL, NULL, &embedder, &error);
    if (status == REM_OK)
      status = rem_embedder_embed(embedder, &(rem_embed_request){.texts = texts, .count = 2},
                                  &(rem_embed_result){.vectors = vectors}, &error);
    rem_alloc_fail_at(0, 0);
    rem_embedder_close(embedder);
    assert_int_equal(rem_alloc_live_count(), live);
    assert_true(status == REM_OK || error.code == REM_NOMEM);
    assert_true(countdown < 200);
    if (countdown == 1)
      assert_int_equal(status, REM_NOMEM);
  }
  assert_int_equal(status, REM_OK);
}

static void a_missing_model_is_told(void **state) {
  (void)state;
  rem_embedder *embedder = NULL;
  rem_error error = {0};
  assert_int_equal(rem_embedder_open(config, NULL, "no-such-model", &embedder, &error), REM_MODEL);
  assert_non_null(strstr(error.message, "'no-such-model'"));
  assert_null(embedder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(vectors_equal_the_reference_at_every_level_of_the_cpu),
      cmocka_unit_test(info_pins_the_model),
      cmocka_unit_test(a_text_has_the_same_vector_alone_and_in_any_batch),
      cmocka_unit_test(empty_texts_and_empty_batches_are_fine),
      cmocka_unit_test(texts_beyond_the_window_are_cut_and_counted),
      cmocka_unit_test(many_threads_may_share_an_embedder),
      cmocka_unit_test(memory_is_bounded_whatever_the_batch),
      cmocka_unit_test(a_failed_allocation_is_told_and_nothing_leaks),
      cmocka_unit_test(a_missing_model_is_told),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
