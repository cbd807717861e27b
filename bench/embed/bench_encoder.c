/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the encoder runs, as a share of what the CPU could do: for every level and layout the speed on texts
 * of one length, beside the measured peak of the arithmetic unit used; and the time of a single short query.
 *
 *   bench_encoder [level] [block tokens]
 *
 * The model has the shape of all-MiniLM-L6-v2 and random weights (zeros would run faster than real ones). One
 * thread. Times are CPU time, so that a busy machine disturbs less, and the median of the repeats; the peak is
 * the best of many short runs before and after.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "embed/encoder.h"
#include "embed/peak.h"

#define BATCH_TOKENS 4096
#define MAX_REPEATS 400

static const rem_encoder_shape minilm = {
    .family = REM_ENCODER_BERT, .layers = 6, .hidden = 384, .heads = 12, .ff = 1536, .vocab = 30522, .positions = 512, .types = 2,
    .layer_norm_epsilon = 1e-12F, .pooling = REM_ENCODER_POOL_MEAN, .normalise = true,
};

/* Uniform, of the size that trained weights have. */
static rem_status random_tensor(void *context, const char *name, size_t rows, size_t columns, const float **ret_values,
                                rem_error *err) {
  float **buffer = context;
  float *grown = realloc(*buffer, rows * columns * sizeof *grown);
  if (grown == NULL) return rem_error_nomem(err);
  *buffer = grown;
  float middle = strstr(name, "LayerNorm.weight") ? 1.0F : 0.0F;
  for (size_t i = 0; i < rows * columns; i++)
    grown[i] = middle + 0.1F * ((float)rand() / (float)RAND_MAX - 0.5F);
  *ret_values = grown;
  return REM_OK;
}

static int compare_times(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Seconds for one run of `count` sequences of `length` tokens: the median over about `budget_s`. */
static double time_run(const rem_encoder *encoder, rem_encoder_scratch *scratch, const uint32_t *ids, size_t length,
                       size_t count, double budget_s) {
  static float vectors[BATCH_TOKENS * 384];
  static double times[MAX_REPEATS];
  uint32_t lengths[BATCH_TOKENS];
  int repeats = 0;
  for (size_t i = 0; i < count; i++)
    lengths[i] = (uint32_t)length;
  for (double spent = 0; repeats < MAX_REPEATS && (spent < budget_s || repeats < 3); repeats++) {
    int64_t start = rem_clock_cpu_us();
    if (rem_encoder_run(encoder, scratch, ids, lengths, count, vectors, NULL) != REM_OK) exit(1);
    times[repeats] = (double)(rem_clock_cpu_us() - start) * 1e-6;
    spent += times[repeats];
  }
  qsort(times, (size_t)repeats, sizeof *times, compare_times);
  return times[repeats / 2];
}

static void measure_lengths(const rem_encoder *encoder, rem_encoder_scratch *scratch, const uint32_t *ids) {
  static const size_t lengths[] = {16, 64, 128, 256};
  const char *name = rem_encoder_kernel_name(encoder);
  double peak = bench_peak_flops(name);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    size_t count = BATCH_TOKENS / lengths[i];
    double seconds = time_run(encoder, scratch, ids, lengths[i], count, 1.0) / (double)count;
    double speed = rem_encoder_flops(&minilm, lengths[i]) / seconds;
    peak = fmax(peak, bench_peak_flops(name));
    printf("%-16s %4zu tokens  %8.1f texts/s  %7.1f GFLOP/s  %5.1f %% of %.1f\n", name, lengths[i], 1 / seconds,
           speed * 1e-9, 100 * speed / peak, peak * 1e-9);
  }
  printf("%-16s one query of 10 tokens: %.3f ms\n", name, 1e3 * time_run(encoder, scratch, ids, 10, 1, 0.3));
}

/* Whether the kernels are those of `level`: a level without kernels of its own for a layout has those of a
 * lower one. */
static bool is_new(const rem_encoder *encoder, const char *level) {
  const char *name = rem_encoder_kernel_name(encoder);
  return strncmp(name, level, strlen(level)) == 0 && name[strlen(level)] == '/';
}

static void measure_level(rem_encoder_layout layout, const void *packed, size_t size, size_t block_tokens,
                          const uint32_t *ids) {
  rem_error err = {0};
  rem_encoder *encoder = NULL;
  rem_encoder_scratch *scratch = NULL;
  if (rem_encoder_open(&minilm, layout, packed, size, &encoder, &err) == REM_OK &&
      rem_encoder_scratch_new(encoder, block_tokens, &scratch, &err) == REM_OK) {
    if (is_new(encoder, rem_cpu_level())) measure_lengths(encoder, scratch, ids);
  } else
    fprintf(stderr, "%s\n", err.message);
  rem_encoder_scratch_free(scratch);
  rem_encoder_close(encoder);
}

static void measure_layout(rem_encoder_layout layout, const char *only, size_t block_tokens, const uint32_t *ids) {
  static const char *const levels[] = {"generic", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16"};
  rem_error err = {0};
  size_t size = 0;
  float *buffer = NULL;
  void *packed = NULL;
  if (rem_encoder_packed_size(&minilm, layout, &size, &err) != REM_OK) return;
  packed = aligned_alloc(REM_ENCODER_ALIGNMENT, (size + 63) / 64 * 64);
  if (packed != NULL && rem_encoder_pack(&minilm, layout, random_tensor, &buffer, packed, &err) == REM_OK)
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
      rem_cpu_set_level(levels[i]);
      if (strcmp(rem_cpu_level(), levels[i]) == 0 && (only == NULL || strcmp(only, levels[i]) == 0))
        measure_level(layout, packed, size, block_tokens, ids);
    }
  free(packed);
  free(buffer);
}

int main(int argc, char **argv) {
  static uint32_t ids[BATCH_TOKENS];
  const char *only = argc > 1 && strcmp(argv[1], "all") != 0 ? argv[1] : NULL;
  size_t block_tokens = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
  for (size_t i = 0; i < BATCH_TOKENS; i++)
    ids[i] = 1000 + (uint32_t)rand() % 29000;
  printf("%s, level %s\n", rem_cpu_name(), rem_cpu_level());
  measure_layout(REM_ENCODER_LAYOUT_F32, only, block_tokens, ids);
  measure_layout(REM_ENCODER_LAYOUT_BF16, only, block_tokens, ids);
  measure_layout(REM_ENCODER_LAYOUT_INT8, only, block_tokens, ids);
  return 0;
}
