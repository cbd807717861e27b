/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder kernels for any CPU: compiler vectors of four lanes (SSE2, NEON), 6 x 8 sums. */
#include "embed/encoder_kernels.h"

#include <math.h>

#define VEC_LANES 4
typedef float vec __attribute__((vector_size(16)));
typedef int32_t ivec __attribute__((vector_size(16)));
#define VEC_SPLAT(x) splat(x)
#define VEC_FMA(a, b, c) ((a) * (b) + (c))
#define VEC_MAX(a, b) pick((a) > (b), a, b)
#define VEC_MIN(a, b) pick((a) < (b), a, b)

static inline __attribute__((always_inline)) vec splat(float x) {
  return (vec){x, x, x, x};
}

/* `mask` lanes are all ones (take a) or zero (take b). */
static inline __attribute__((always_inline)) vec pick(ivec mask, vec a, vec b) {
  return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
}

#include "embed/encoder_vector.h"

#define ISA generic

#include "embed/encoder_operand_f32.h"
#define LAYOUT f32
#define LAYOUT_ID REM_ENCODER_LAYOUT_F32
#define TILE_ROWS 6
#define TILE_VECS 2
#define BLOCK_TOKENS 128
#include "embed/encoder_kernels_template.h"

#include "embed/encoder_operand_bf16.h"
#define LAYOUT bf16
#define LAYOUT_ID REM_ENCODER_LAYOUT_BF16
#define TILE_ROWS 4
#define TILE_VECS 2
#define BLOCK_TOKENS 128
#include "embed/encoder_kernels_template.h"

#include "embed/encoder_operand_int8.h"
#define LAYOUT int8
#define LAYOUT_ID REM_ENCODER_LAYOUT_INT8
#define VALUE f32
#define TILE_ROWS 4
#define TILE_VECS 2
#define BLOCK_TOKENS 128
#include "embed/encoder_kernels_int8.h"
