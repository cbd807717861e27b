/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast texts become ids, for tokenizer.py, which runs the reference tokenizer beside it.
 *
 *   bench_tokenizer <models folder> <file> <repeats>
 *
 * The file holds texts, each after its size as a 32-bit little-endian number. Prints {"seconds", "tokens", "bytes"}: CPU time of the
 * fastest pass over all of them, without limit on length; and the time of opening the model.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "embed/model.h"

#define ID_MAX (1u << 20)

static size_t encode_all(const rem_tokenizer *tokenizer, rem_bytes content, uint32_t *ids) {
  size_t tokens = 0;
  for (size_t at = 0; at + 4 <= content.size;) {
    size_t size = rem_load_u32le(content.data + at);
    tokens += rem_tokenizer_encode(tokenizer, content.data + at + 4, size, ids, NULL, ID_MAX, NULL);
    at += 4 + size;
  }
  return tokens;
}

int main(int argc, char **argv) {
  rem_error error = {0};
  rem_model *model = NULL;
  rem_bytes content = {0};
  if (argc != 4) {
    fprintf(stderr, "usage: bench_tokenizer <models folder> <file> <repeats>\n");
    return 2;
  }
  int64_t open_start = rem_clock_monotonic_us();
  rem_status status = rem_model_open(argv[1], REM_MODEL_DEFAULT, &model, &error);
  int64_t open_us = rem_clock_monotonic_us() - open_start;
  if (status < 0 || rem_file_read(argv[2], (size_t)1 << 30, &content, &error) < 0) {
    fprintf(stderr, "%s; %s\n", error.message, error.hint);
    return 1;
  }
  uint32_t *ids = malloc(ID_MAX * sizeof *ids);
  int64_t best_us = INT64_MAX;
  size_t tokens = 0;
  for (int i = atoi(argv[3]); i > 0 && ids != NULL; i--) {
    int64_t start = rem_clock_cpu_us();
    tokens = encode_all(rem_model_tokenizer(model), content, ids);
    int64_t spent = rem_clock_cpu_us() - start;
    best_us = spent < best_us ? spent : best_us;
  }
  printf("{\"seconds\": %.6f, \"tokens\": %zu, \"bytes\": %zu, \"open_us\": %lld}\n", (double)best_us * 1e-6, tokens, content.size,
         (long long)open_us);
  free(ids);
  rem_free(content.data);
  rem_model_close(model);
  return 0;
}
