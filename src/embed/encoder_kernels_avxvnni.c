/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder kernels for AVX2 with AVX-VNNI: dense layers in int8, as on AVX-512 in vectors half as wide; attention in float32. */
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

#include "embed/encoder_operand_bf16.h"
#define INT8_SPLAT(x) _mm256_set1_epi32(x)
#define VNNI_DOT "%{vex%} vpdpbusd %2, %1, %0"
#define VNNI_REGISTER "x"
#include "embed/encoder_operand_vnni.h"

#define ISA avxvnni

#include "embed/encoder_operand_f32.h"
#define LAYOUT f32
#define TILE_ROWS 6
#define TILE_VECS 2
#include "embed/encoder_kernels_tile.h"
#include "embed/encoder_kernels_attention.h"
#include "embed/encoder_kernels_end.h"

#define LAYOUT int8
#define LAYOUT_ID REM_ENCODER_LAYOUT_INT8
#define VALUE f32
#define TILE_ROWS 6
#define TILE_VECS 2
#define BLOCK_TOKENS 128
#include "embed/encoder_kernels_int8.h"
