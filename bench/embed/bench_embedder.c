/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts to vectors, for encoder.py and retrieval.py, which run other libraries beside it.
 *
 *   bench_embedder <models folder> [threads, 1] [model]
 *
 * P8_EMBEDDING_PRECISION and REM_CPU_LEVEL choose the kernels. Reads commands, one a line, and answers each with a line of JSON:
 *
 *   run <file>            embeds the file's texts once: {"seconds"} of CPU time, {"wall"} on the wall
 *   vectors <file> <out>  embeds them and writes the float32 vectors: {"kernel"}
 *
 * A file holds texts, each after its size as a 32-bit little-endian number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "embed/embedder.h"
#include "embed/encoder.h"

#define MAX_TEXTS 65536

typedef struct texts {
  rem_bytes content;
  rem_slice *items;
  size_t count;
} texts;

static void stop(const rem_error *error) {
  fprintf(stderr, "%s; %s\n", error->message, error->hint);
  exit(1);
}

static void *must_have(void *memory) {
  if (memory == NULL) exit(1);
  return memory;
}

static texts read_texts(const char *path) {
  rem_error error = {0};
  texts read = {.items = must_have(calloc(MAX_TEXTS, sizeof(rem_slice)))};
  if (rem_file_read(path, (size_t)1 << 30, &read.content, &error) < 0) stop(&error);
  for (size_t at = 0; at + 4 <= read.content.size && read.count < MAX_TEXTS;) {
    size_t size = rem_load_u32le(read.content.data + at);
    read.items[read.count++] = rem_slice_of(read.content.data + at + 4, size);
    at += 4 + size;
  }
  return read;
}

static void free_texts(texts *read) {
  free(read->items);
  rem_free(read->content.data);
}

static float *embed(rem_embedder *embedder, const texts *read, double *ret_seconds, double *ret_wall) {
  rem_error error = {0};
  float *vectors = must_have(malloc((read->count + 1) * rem_embedder_info(embedder)->dimension * sizeof *vectors));
  int64_t start = rem_clock_cpu_us(), wall_start = rem_clock_monotonic_us();
  rem_embed_request request = {.texts = read->items, .count = read->count};
  rem_embed_result result = {.vectors = vectors};
  if (rem_embedder_embed(embedder, &request, &result, &error) < 0) stop(&error);
  *ret_seconds = (double)(rem_clock_cpu_us() - start) * 1e-6;
  *ret_wall = (double)(rem_clock_monotonic_us() - wall_start) * 1e-6;
  return vectors;
}

static void answer(rem_embedder *embedder, const char *path, const char *output, const char *kernel) {
  texts read = read_texts(path);
  double seconds, wall;
  float *vectors = embed(embedder, &read, &seconds, &wall);
  if (output[0] == 0) {
    printf("{\"seconds\": %.6f, \"wall\": %.6f}\n", seconds, wall);
  } else {
    FILE *file = must_have(fopen(output, "wb"));
    fwrite(vectors, rem_embedder_info(embedder)->dimension * sizeof *vectors, read.count, file);
    fclose(file);
    printf("{\"kernel\": \"%s\"}\n", kernel);
  }
  fflush(stdout);
  free(vectors);
  free_texts(&read);
}

/* The embedder does not tell the kernels of its model; another handle on the same model has the same. */
static const char *kernel_of(const rem_config *config, const char *name) {
  static const char *const precisions[] = {"auto", "float32", "bfloat16", "int8"};
  rem_error error = {0};
  rem_model *model = NULL;
  int precision = 3;
  while (precision > 0 && strcmp(precisions[precision], rem_config_text(config, REM_CONFIG_EMBEDDING_PRECISION)) != 0)
    precision--;
  if (rem_model_open_as(rem_config_text(config, REM_CONFIG_MODELS_DIR), name, (rem_model_precision)precision, &model, &error) < 0)
    stop(&error);
  const char *kernel = rem_encoder_kernel_name(rem_model_encoder(model));
  rem_model_close(model);
  return kernel;
}

int main(int argc, char **argv) {
  rem_error error = {0};
  rem_config *config = NULL;
  rem_embedder *embedder = NULL;
  rem_thread_pool *pool = NULL;
  char line[4096], path[2048], output[2048];
  if (argc < 2 || argc > 4) {
    fprintf(stderr, "usage: bench_embedder <models folder> [threads] [model]\n");
    return 2;
  }
  size_t threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
  const char *name = argc > 3 ? argv[3] : REM_MODEL_DEFAULT;
  if (rem_config_load(&config, &error) < 0 || rem_config_set(config, "P8_MODELS_DIR", argv[1], &error) < 0 ||
      rem_config_set(config, "P8_ENABLE_CACHE", "false", &error) < 0 ||
      (threads > 1 && rem_thread_pool_new(threads, &pool, &error) < 0) ||
      rem_embedder_open(config, pool, name, &embedder, &error) < 0)
    stop(&error);
  const char *kernel = kernel_of(config, name);
  while (fgets(line, sizeof line, stdin) != NULL) {
    output[0] = 0;
    if (sscanf(line, "run %2047s", path) == 1 || sscanf(line, "vectors %2047s %2047s", path, output) == 2)
      answer(embedder, path, output, kernel);
  }
  rem_embedder_close(embedder);
  rem_thread_pool_free(pool);
  rem_config_free(config);
  return 0;
}
