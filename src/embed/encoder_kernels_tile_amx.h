/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tile on a tile unit (AMX), in place of encoder_kernels_tile.h. A register of the unit holds 16 rows of 64 bytes:
 *
 *              B6 (16 outputs)  B7          A step takes 64 bytes of each row (32 inputs in bfloat16, 64 in int8) and 16 steps of
 *   A4  16     C0               C1          128 bytes of the panel, of which B6 is the left half and B7 the right one: the panels
 *   A5  rows   C2               C3          of the other units are those of this one, read with a stride of 128.
 *
 * Rows beyond the last are computed and dropped. The unit takes 64 bytes always, so where `inner` ends in half a step (int8 with an odd multiple
 * of 32) that half goes through buffers with zeros behind it. The macros TILE_* are the instructions (encoder_tiles.h).
 */
#include "embed/encoder_kernels_names.h"

#define STEP_BYTES 64
#define STEP_PANEL_BYTES 2048

#ifndef AMX_STEPS
#define AMX_STEPS
/* One step for one or two groups of 16 rows; strides in bytes. */
#define AMX_STEP(dot, a, stride, b, two)                                                           \
  do {                                                                                             \
    TILE_LOAD(6, b, 128);                                                                          \
    TILE_LOAD(4, a, stride);                                                                       \
    dot(0, 4, 6);                                                                                  \
    TILE_LOAD(7, (b) + 64, 128);                                                                   \
    dot(1, 4, 7);                                                                                  \
    if (two) {                                                                                     \
      TILE_LOAD(5, (a) + 16 * (stride), stride);                                                   \
      dot(2, 5, 6);                                                                                \
      dot(3, 5, 7);                                                                                \
    }                                                                                              \
  } while (0)
#endif

/* The last `bytes` (below STEP_BYTES) of each row, and their part of the panel. */
static void K(half_step)(const uint8_t *a, size_t stride, const uint8_t *b, size_t bytes, size_t rows, bool two) {
  uint8_t left[32 * STEP_BYTES] __attribute__((aligned(64))) = {0}, right[STEP_PANEL_BYTES] __attribute__((aligned(64))) = {0};
  for (size_t r = 0; r < rows; r++)
    memcpy(left + r * STEP_BYTES, a + r * stride, bytes);
  memcpy(right, b, bytes / STEP_BYTES * STEP_PANEL_BYTES + bytes % STEP_BYTES * (STEP_PANEL_BYTES / STEP_BYTES));
  AMX_STEP(K(tile_dot), left, STEP_BYTES, right, two);
}

/* rows (1 to TILE_ROWS) x one whole panel; writes 16 or 32 rows of `c`. `ahead` moves on. */
static __attribute__((noinline)) void K(panel_tile)(size_t rows, const OPERAND *a, size_t a_stride, const OPERAND *panel, size_t inner,
                                                    float *c, size_t c_stride, rem_encoder_ahead *ahead) {
  const uint8_t *left = (const uint8_t *)a, *right = (const uint8_t *)panel;
  size_t stride = a_stride * sizeof(OPERAND), bytes = inner * sizeof(OPERAND);
  const bool two = rows > 16;
  TILE_ZERO(0);
  TILE_ZERO(1);
  TILE_ZERO(2);
  TILE_ZERO(3);
  for (; bytes >= STEP_BYTES; bytes -= STEP_BYTES, left += STEP_BYTES, right += STEP_PANEL_BYTES) {
    for (size_t line = 0; line < ahead->step; line += 64)
      __builtin_prefetch((const void *)(ahead->address + line), 0, 2);
    ahead->address += ahead->step;
    AMX_STEP(K(tile_dot), left, stride, right, two);
  }
  if (bytes > 0)
    K(half_step)(left, stride, right, bytes, rows, two);
  TILE_STORE(0, c, c_stride * sizeof(float));
  TILE_STORE(1, c + 16, c_stride * sizeof(float));
  if (two) {
    TILE_STORE(2, c + 16 * c_stride, c_stride * sizeof(float));
    TILE_STORE(3, c + 16 * c_stride + 16, c_stride * sizeof(float));
  }
}

INLINE size_t K(tile_height)(size_t row, size_t row_count) {
  size_t left = row_count - row;
  return left < TILE_ROWS ? left : TILE_ROWS;
}

/* The panel after this one, spread over the steps of all tiles. */
INLINE rem_encoder_ahead K(ahead_of)(const OPERAND *panel, size_t inner, size_t row_count) {
  size_t tiles = (row_count + TILE_ROWS - 1) / TILE_ROWS;
  return (rem_encoder_ahead){(uintptr_t)panel + inner * PANEL * sizeof(OPERAND), (STEP_PANEL_BYTES + tiles - 1) / tiles};
}

#undef STEP_BYTES
#undef STEP_PANEL_BYTES
