/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoder kernels for AMX: products on the tile unit in bfloat16 and int8, everything else as on AVX-512 with bfloat16. The unit is used through
 * the macros of encoder_tiles.h alone; tests compile this file over an emulation of them.
 */
#include "embed/encoder_kernels.h"

#include <stdbool.h>

#include <immintrin.h>
#include <math.h>

#define VEC_LANES 16
typedef __m512 vec;
typedef int32_t ivec __attribute__((vector_size(VEC_LANES * 4)));
#define VEC_SPLAT(x) _mm512_set1_ps(x)
#define VEC_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define VEC_MAX(a, b) _mm512_max_ps(a, b)
#define VEC_MIN(a, b) _mm512_min_ps(a, b)
#include "embed/encoder_vector.h"

typedef uint16_t bf16_operand;
#define bf16_STEP 2

INLINE vec bf16_widen(const uint16_t *values) {
  __m256i half;
  memcpy(&half, values, sizeof half);
  return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
}

INLINE void bf16_narrow(uint16_t *ret_values, vec v) {
  __m256bh half = _mm512_cvtneps_pbh(v);
  memcpy(ret_values, &half, sizeof half);
}

#ifndef TILE_LOAD
#include "embed/encoder_tiles.h"
#endif

static void enter(void) {
  static const tile_configuration whole = {
      .palette = 1,
      .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
      .rows = {16, 16, 16, 16, 16, 16, 16, 16},
  };
  TILE_CONFIGURE(&whole);
}

static void leave(void) {
  TILE_RELEASE();
}

#define KERNEL_ENTER enter
#define KERNEL_LEAVE leave
#ifndef ISA
#define ISA amx
#endif

#define bf16_tile_dot TILE_DOT_BF16
#define TILE_FILE "embed/encoder_kernels_tile_amx.h"
#define LAYOUT bf16
#define LAYOUT_ID REM_ENCODER_LAYOUT_BF16
#define TILE_ROWS 32
#define BLOCK_TOKENS 256
#include "embed/encoder_kernels_template.h"

typedef uint8_t int8_operand; /* signed bytes */
#define int8_STEP 4
#define INT8_SHIFT 0
#define int8_tile_dot TILE_DOT_INT8
#define TILE_FILE "embed/encoder_kernels_tile_amx.h"
#define LAYOUT int8
#define LAYOUT_ID REM_ENCODER_LAYOUT_INT8
#define VALUE bf16
#define TILE_ROWS 32
#define BLOCK_TOKENS 512
#include "embed/encoder_kernels_int8.h"

/* ---- the check ---- */

enum { CHECK_ROWS = 32, CHECK_INNER = 64, CHECK_OUTPUTS = REM_ENCODER_PANEL };

/* Small whole numbers, exact in every type. */
static int check_left(int row, int k) {
  return (row * 7 + k * 3) % 11 - 5;
}

static int check_right(int output, int k) {
  return (output * 5 + k * 13) % 15 - 7;
}

static int check_sum(int row, int output) {
  int sum = 0;
  for (int k = 0; k < CHECK_INNER; k++)
    sum += check_left(row, k) * check_right(output, k);
  return sum;
}

static uint16_t check_bf16(int number) {
  float value = (float)number;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)(bits >> 16);
}

bool rem_encoder__amx_check(void) {
  uint16_t left16[CHECK_ROWS * CHECK_INNER], right16[CHECK_OUTPUTS * CHECK_INNER];
  uint8_t left8[CHECK_ROWS * CHECK_INNER], right8[CHECK_OUTPUTS * CHECK_INNER];
  float sums[2][CHECK_ROWS * CHECK_OUTPUTS];
  rem_encoder_ahead nothing = {(uintptr_t)right8, 0};
  for (int k = 0; k < CHECK_INNER; k++) {
    for (int row = 0; row < CHECK_ROWS; row++) {
      left16[row * CHECK_INNER + k] = check_bf16(check_left(row, k));
      left8[row * CHECK_INNER + k] = (uint8_t)check_left(row, k);
    }
    for (int output = 0; output < CHECK_OUTPUTS; output++) {
      right16[k / 2 * 2 * CHECK_OUTPUTS + output * 2 + k % 2] = check_bf16(check_right(output, k));
      right8[k / 4 * 4 * CHECK_OUTPUTS + output * 4 + k % 4] = (uint8_t)check_right(output, k);
    }
  }
  enter();
  bf16_panel_tile(CHECK_ROWS, left16, CHECK_INNER, right16, CHECK_INNER, sums[0], CHECK_OUTPUTS, &nothing);
  int8_panel_tile(CHECK_ROWS, left8, CHECK_INNER, right8, CHECK_INNER, sums[1], CHECK_OUTPUTS, &nothing);
  leave();
  for (int i = 0; i < CHECK_ROWS * CHECK_OUTPUTS; i++) {
    int32_t integer;
    memcpy(&integer, &sums[1][i], sizeof integer);
    int wanted = check_sum(i / CHECK_OUTPUTS, i % CHECK_OUTPUTS);
    if (sums[0][i] != (float)wanted || integer != wanted)
      return false;
  }
  return true;
}
