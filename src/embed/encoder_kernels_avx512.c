/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder kernels for AVX-512: 14 x 32 sums in 28 of 32 registers (fewer where bfloat16 is widened by hand). */
#include "embed/encoder_kernels.h"

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

#define ISA avx512

#include "embed/encoder_operand_f32.h"
#define LAYOUT f32
#define LAYOUT_ID REM_ENCODER_LAYOUT_F32
#define TILE_ROWS 14
#define TILE_VECS 2
#define BLOCK_TOKENS 128
#include "embed/encoder_kernels_template.h"

#include "embed/encoder_operand_bf16.h"
#define LAYOUT bf16
#define LAYOUT_ID REM_ENCODER_LAYOUT_BF16
#define TILE_ROWS 12
#define TILE_VECS 2
#define BLOCK_TOKENS 128
#include "embed/encoder_kernels_template.h"
