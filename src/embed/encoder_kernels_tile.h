/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tile: some rows times one panel in registers, for operands of one type. Included once for each table, before the
 * rest of its template, with the macros that encoder_kernels_template.h names.
 *
 *            b0   b1        A step loads TILE_VECS vectors of the panel and multiplies them by one broadcast operand of each row.
 *      a0    s00  s01       The panel (32 outputs x inner) stays in the second-level cache while all row tiles pass;
 *      a1    s10  s11       the rows of a tile stay in the first-level cache while the panel's vectors pass. Finished tiles
 *      ..    ..   ..        go through a small buffer to the epilogue (bias, GELU, addition).
 *
 * Sums are lanes of 32 bits: float32 or, for int8, integers (all bits zero is zero in both).
 */
#include "embed/encoder_kernels_names.h"

/* `rows` (a constant at each call) x TILE_VECS vectors of sums. `c` has rows of `c_stride` floats. */
INLINE void K(tile_rows)(size_t rows, const OPERAND *a, size_t a_stride, const OPERAND *b, size_t inner, float *c,
                         size_t c_stride, rem_encoder_ahead ahead) {
  vec sums[TILE_ROWS][TILE_VECS];
  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t v = 0; v < TILE_VECS; v++)
      sums[r][v] = VEC_SPLAT(0.0F);
  }
  for (size_t k = 0; k < inner; k += STEP) {
    K(panel) panel[TILE_VECS];
    /* Both lines of the widest step: with few rows a step of this panel meets one of the next. */
    __builtin_prefetch((const void *)ahead.address, 0, 2);
    __builtin_prefetch((const void *)(ahead.address + 64), 0, 2);
    ahead.address += ahead.step;
    UNROLL for (size_t v = 0; v < TILE_VECS; v++)
      panel[v] = K(load_panel)(b + k * PANEL + v * VEC_LANES * STEP);
    UNROLL for (size_t r = 0; r < rows; r++) {
      K(panel) left = K(broadcast)(a + r * a_stride + k);
      UNROLL for (size_t v = 0; v < TILE_VECS; v++)
        sums[r][v] = K(dot)(sums[r][v], left, panel[v]);
    }
  }
  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t v = 0; v < TILE_VECS; v++)
      vec_store(c + r * c_stride + v * VEC_LANES, sums[r][v]);
  }
}

#define TILE_CASE(n)                                                                               \
  case n:                                                                                          \
    K(tile_rows)(n <= TILE_ROWS ? n : 1, a, a_stride, b, inner, c, c_stride, ahead);               \
    break;

/* rows (1 to TILE_ROWS) x TILE_VECS vectors. */
static __attribute__((noinline)) void K(tile)(size_t rows, const OPERAND *a, size_t a_stride, const OPERAND *b,
                                              size_t inner, float *c, size_t c_stride,
                                              rem_encoder_ahead ahead) {
  switch (rows) {
    TILE_CASE(1)
    TILE_CASE(2)
    TILE_CASE(3)
    TILE_CASE(4)
    TILE_CASE(5)
    TILE_CASE(6)
    TILE_CASE(7)
    TILE_CASE(8)
    TILE_CASE(9)
    TILE_CASE(10)
    TILE_CASE(11)
    TILE_CASE(12)
    TILE_CASE(13)
    TILE_CASE(14)
  default:
    break;
  }
}
#undef TILE_CASE

/* rows x one whole panel. `ahead` moves on. */
INLINE void K(panel_tile)(size_t rows, const OPERAND *a, size_t a_stride, const OPERAND *panel, size_t inner, float *c,
                          size_t c_stride, rem_encoder_ahead *ahead) {
  for (size_t v = 0; v < PANEL_VECS; v += TILE_VECS) {
    K(tile)(rows, a, a_stride, panel + v * VEC_LANES * STEP, inner, c + v * VEC_LANES, c_stride, *ahead);
    ahead->address += ahead->step * (inner / STEP);
  }
}

/* How many rows the tile at `row` takes: tiles are of equal height within one, so that none is a thin rest. */
INLINE size_t K(tile_height)(size_t row, size_t row_count) {
  size_t left = row_count - row;
  size_t tiles = (left + TILE_ROWS - 1) / TILE_ROWS;
  return (left + tiles - 1) / tiles;
}

/* Spreads the fetching of the panel after this one over all steps of this one, so that it comes from memory
 * while the unit works. It may point past the weights: a prefetch never faults. */
INLINE rem_encoder_ahead K(ahead_of)(const OPERAND *panel, size_t inner, size_t row_count) {
  size_t tiles = (row_count + TILE_ROWS - 1) / TILE_ROWS * (PANEL_VECS / TILE_VECS);
  size_t step_bytes = PANEL * STEP * sizeof(OPERAND);
  return (rem_encoder_ahead){(uintptr_t)panel + inner * PANEL * sizeof(OPERAND), (step_bytes + tiles - 1) / tiles};
}
