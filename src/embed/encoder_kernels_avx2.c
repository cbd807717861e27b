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

/* Signed times signed: the sign of the operand moves over to the weight's, so that one side is unsigned. Sums of two products
 * stay within 16 bits: 2 x 127 x 127. */
typedef uint8_t int8_operand;
typedef ivec int8_panel;
#define int8_STEP 4
#define INT8_SHIFT 0

INLINE ivec int8_broadcast(const uint8_t *a) {
  int32_t quad;
  memcpy(&quad, a, sizeof quad);
  return (ivec)_mm256_set1_epi32(quad);
}

INLINE ivec int8_load_panel(const uint8_t *b) {
  ivec quads;
  memcpy(&quads, b, sizeof quads);
  return quads;
}

INLINE vec int8_dot(vec sum, ivec a, ivec b) {
  __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)b), _mm256_sign_epi8((__m256i)a, (__m256i)b));
  return (vec)((ivec)sum + (ivec)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

#define LAYOUT int8
#define LAYOUT_ID REM_ENCODER_LAYOUT_INT8
#define VALUE f32
#define TILE_ROWS 4
#define TILE_VECS 2
#define BLOCK_TOKENS 128
#include "embed/encoder_kernels_int8.h"
