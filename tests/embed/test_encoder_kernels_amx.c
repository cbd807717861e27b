/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels for the tile unit over an emulation of its instructions, by the letter of their definitions, against the kernels of AVX-512: so
 * that what is wrong with a tile's place, stride or configuration is found on CPUs without the unit. The rest of these kernels
 * is code for AVX-512 with bfloat16, which the CPU must have; else this is not tested, and says so.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the unit ---- */

typedef struct tile_configuration {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_configuration;
_Static_assert(sizeof(tile_configuration) == 64, "ldtilecfg reads 64 bytes");

static struct unit {
  bool configured;
  uint8_t tiles[8][16][64];
} unit;

static void emulate_configure(const tile_configuration *configuration) {
  assert_int_equal(configuration->palette, 1);
  assert_int_equal(configuration->start_row, 0);
  for (int i = 0; i < 16; i++) {
    assert_int_equal(configuration->row_bytes[i], i < 8 ? 64 : 0);
    assert_int_equal(configuration->rows[i], i < 8 ? 16 : 0);
  }
  memset(&unit, 0, sizeof unit);
  unit.configured = true;
}

/* Without a configuration the instructions raise an exception. */
static void emulate_load(int tile, const void *address, intptr_t stride) {
  assert_true(unit.configured);
  for (int row = 0; row < 16; row++)
    memcpy(unit.tiles[tile][row], (const uint8_t *)address + row * stride, 64);
}

static void emulate_store(int tile, void *address, intptr_t stride) {
  assert_true(unit.configured);
  for (int row = 0; row < 16; row++)
    memcpy((uint8_t *)address + row * stride, unit.tiles[tile][row], 64);
}

static void emulate_zero(int tile) {
  assert_true(unit.configured);
  memset(unit.tiles[tile], 0, sizeof unit.tiles[tile]);
}

static float widen(const uint8_t *bytes) {
  uint16_t half;
  memcpy(&half, bytes, sizeof half);
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void emulate_dot_bf16(int c, int a, int b) {
  assert_true(unit.configured);
  for (int m = 0; m < 16; m++)
    for (int k = 0; k < 16; k++)
      for (int n = 0; n < 16; n++) {
        float sum;
        memcpy(&sum, &unit.tiles[c][m][4 * n], sizeof sum);
        sum += widen(&unit.tiles[a][m][4 * k]) * widen(&unit.tiles[b][k][4 * n]);
        sum += widen(&unit.tiles[a][m][4 * k + 2]) * widen(&unit.tiles[b][k][4 * n + 2]);
        memcpy(&unit.tiles[c][m][4 * n], &sum, sizeof sum);
      }
}

static void emulate_dot_int8(int c, int a, int b) {
  assert_true(unit.configured);
  for (int m = 0; m < 16; m++)
    for (int k = 0; k < 16; k++)
      for (int n = 0; n < 16; n++) {
        int32_t sum;
        memcpy(&sum, &unit.tiles[c][m][4 * n], sizeof sum);
        for (int i = 0; i < 4; i++)
          sum += (int8_t)unit.tiles[a][m][4 * k + i] * (int8_t)unit.tiles[b][k][4 * n + i];
        memcpy(&unit.tiles[c][m][4 * n], &sum, sizeof sum);
      }
}

#define TILE_CONFIGURE(configuration) emulate_configure(configuration)
#define TILE_RELEASE() (unit.configured = false)
#define TILE_ZERO(t) emulate_zero(t)
#define TILE_LOAD(t, address, stride) emulate_load(t, address, (intptr_t)(stride))
#define TILE_STORE(t, address, stride) emulate_store(t, address, (intptr_t)(stride))
#define TILE_DOT_BF16(c, a, b) emulate_dot_bf16(c, a, b)
#define TILE_DOT_INT8(c, a, b) emulate_dot_int8(c, a, b)
#define ISA emulated
#define rem_encoder__amx_check emulated_check
extern const struct rem_encoder_kernels rem_encoder__kernels_emulated_bf16;
extern const struct rem_encoder_kernels rem_encoder__kernels_emulated_int8;
#include "embed/encoder_kernels_amx.c"

#include "base/cpu.h"
#include "embed/encoder_internal.h"

/* ---- a random model ---- */

static rem_status source(void *context, const char *name, size_t rows, size_t columns, const float **ret_values, rem_error *err) {
  (void)err;
  float **buffer = context;
  uint64_t state = 5381;
  for (const char *at = name; *at; at++)
    state = state * 33 + (uint8_t)*at;
  *buffer = realloc(*buffer, rows * columns * sizeof **buffer);
  assert_non_null(*buffer);
  bool gamma = strstr(name, "LayerNorm.weight") != NULL, matrix = strstr(name, "encoder.layer") && rows > 1;
  double size = matrix ? 2.5 / sqrt((double)columns) : 0.4;
  for (size_t i = 0; i < rows * columns; i++) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    (*buffer)[i] = (float)((gamma ? 1 : 0) + size * ((double)(state >> 11) / 9007199254740992.0 - 0.5));
  }
  *ret_values = *buffer;
  return REM_OK;
}

static void embed(rem_encoder *encoder, const uint32_t *ids, const uint32_t *lengths, size_t count, float *ret_vectors) {
  rem_encoder_scratch *scratch = NULL;
  assert_int_equal(rem_encoder_scratch_new(encoder, 0, &scratch, NULL), REM_OK);
  assert_int_equal(rem_encoder_run(encoder, scratch, ids, lengths, count, ret_vectors, NULL), REM_OK);
  rem_encoder_scratch_free(scratch);
}

static double cosine(const float *a, const float *b, size_t count) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < count; i++) {
    ab += (double)a[i] * (double)b[i];
    aa += (double)a[i] * (double)a[i];
    bb += (double)b[i] * (double)b[i];
  }
  return ab / sqrt(aa * bb);
}

/* Lengths around the borders of tiles, alone and in blocks that end in the middle of one. */
static void check(rem_encoder_shape shape, rem_encoder_layout layout, const rem_encoder_kernels *kernels) {
  static const uint32_t lengths[] = {1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 80, 2, 3};
  enum { COUNT = sizeof lengths / sizeof *lengths, TOKENS = 438 };
  size_t size;
  float *buffer = NULL;
  rem_encoder *encoder = NULL;
  uint32_t ids[TOKENS];
  float *vectors = malloc(2 * COUNT * shape.hidden * sizeof *vectors), *others = vectors + COUNT * shape.hidden;
  for (size_t i = 0; i < TOKENS; i++)
    ids[i] = (uint32_t)(i * 7 % shape.vocab);
  assert_int_equal(rem_encoder_packed_size(&shape, layout, &size, NULL), REM_OK);
  void *packed = aligned_alloc(REM_ENCODER_ALIGNMENT, (size + 63) / 64 * 64);
  assert_int_equal(rem_encoder_pack(&shape, layout, source, &buffer, packed, NULL), REM_OK);
  assert_int_equal(rem_encoder_open(&shape, layout, packed, size, &encoder, NULL), REM_OK);
  assert_string_not_equal(rem_encoder_kernel_name(encoder), kernels->name);
  embed(encoder, ids, lengths, COUNT, vectors);
  encoder->kernels = kernels;
  embed(encoder, ids, lengths, COUNT, others);
  for (size_t s = 0; s < COUNT; s++) {
    double similarity = cosine(vectors + s * shape.hidden, others + s * shape.hidden, shape.hidden);
    if (!(similarity >= 0.9999))
      fail_msg("%s, length %u, width %u: cosine %.7f", kernels->name, lengths[s], shape.hidden, similarity);
  }
  assert_false(unit.configured);
  rem_encoder_close(encoder);
  free(packed);
  free(buffer);
  free(vectors);
}

static const rem_encoder_shape base_shape = {
    .family = REM_ENCODER_BERT, .layers = 2, .hidden = 64, .heads = 2, .ff = 160, .vocab = 50, .positions = 80, .types = 2,
    .layer_norm_epsilon = 1e-12F, .pooling = REM_ENCODER_POOL_MEAN, .normalise = true,
};

static void test_bf16_equals_the_kernels_of_avx512(void **state) {
  (void)state;
  rem_encoder_shape wide = base_shape;
  wide.hidden = 192;
  wide.heads = 2;
  wide.ff = 800;
  check(base_shape, REM_ENCODER_LAYOUT_BF16, &rem_encoder__kernels_emulated_bf16);
  check(wide, REM_ENCODER_LAYOUT_BF16, &rem_encoder__kernels_emulated_bf16);
}

/* 96 and 416 inputs end in half a step. */
static void test_int8_equals_the_kernels_of_avx512(void **state) {
  (void)state;
  rem_encoder_shape odd = base_shape;
  odd.hidden = 96;
  odd.heads = 3;
  odd.ff = 416;
  check(base_shape, REM_ENCODER_LAYOUT_INT8, &rem_encoder__kernels_emulated_int8);
  check(odd, REM_ENCODER_LAYOUT_INT8, &rem_encoder__kernels_emulated_int8);
}

static void test_the_check_before_use_passes(void **state) {
  (void)state;
  assert_true(emulated_check());
  assert_false(unit.configured);
}

int main(void) {
  if (!rem_cpu_has(REM_CPU_AVX512_BF16) || !rem_cpu_has(REM_CPU_AVX512_VNNI)) {
    printf("NOT TESTED: this CPU has no AVX-512 with bfloat16, in which the rest of these kernels is written\n");
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bf16_equals_the_kernels_of_avx512),
      cmocka_unit_test(test_int8_equals_the_kernels_of_avx512),
      cmocka_unit_test(test_the_check_before_use_passes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
