/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder kernels for AVX-512 BF16: as for AVX-512, two inputs in one vdpbf16ps; with VNNI, which every such CPU has, dense layers in
 * int8 and attention in bfloat16. */
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

typedef uint16_t bf16_operand;
typedef ivec bf16_panel;
#define bf16_STEP 2

INLINE ivec bf16_broadcast(const uint16_t *a) {
  int32_t pair;
  memcpy(&pair, a, sizeof pair);
  return (ivec)_mm512_set1_epi32(pair);
}

INLINE ivec bf16_load_panel(const uint16_t *b) {
  ivec pairs;
  memcpy(&pairs, b, sizeof pairs);
  return pairs;
}

INLINE vec bf16_dot(vec sum, ivec a, ivec b) {
  return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

INLINE vec bf16_widen(const uint16_t *values) {
  __m256i half;
  memcpy(&half, values, sizeof half);
  return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
}

INLINE void bf16_narrow(uint16_t *ret_values, vec v) {
  __m256bh half = _mm512_cvtneps_pbh(v);
  memcpy(ret_values, &half, sizeof half);
}

#define ISA avx512bf16
#define LAYOUT bf16
#define LAYOUT_ID REM_ENCODER_LAYOUT_BF16
#define TILE_ROWS 14
#define TILE_VECS 2
#define BLOCK_TOKENS 128
#include "embed/encoder_kernels_template.h"

#define INT8_SPLAT(x) _mm512_set1_epi32(x)
#define VNNI_DOT "vpdpbusd %2, %1, %0"
#define VNNI_REGISTER "v"
#include "embed/encoder_operand_vnni.h"
#define LAYOUT int8
#define LAYOUT_ID REM_ENCODER_LAYOUT_INT8
#define VALUE bf16
#define TILE_ROWS 14
#define TILE_VECS 2
#define BLOCK_TOKENS 128
#include "embed/encoder_kernels_int8.h"
