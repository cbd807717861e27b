/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder kernels for AVX2 with FMA: 6 x 16 sums in 12 of 16 registers (fewer where bfloat16 is widened by hand). */
#include "embed/encoder_kernels.h"

#include <immintrin.h>
#include <math.h>

#define VEC_LANES 8
typedef __m256 vec;
typedef int32_t ivec __attribute__((vector_size(VEC_LANES * 4)));
#define VEC_SPLAT(x) _mm256_set1_ps(x)
#define VEC_FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define VEC_MAX(a, b) _mm256_max_ps(a, b)
#define VEC_MIN(a, b) _mm256_min_ps(a, b)
#include "embed/encoder_vector.h"

#define ISA avx2

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
