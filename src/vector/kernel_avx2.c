/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels for AVX2 with FMA: eight lanes, four sums; the rest is loaded under a mask, which reads nothing beyond the vector. */
#include "vector/kernel_plain.h"

#include <immintrin.h>
#include <stdint.h>

static inline __m256i tail_mask(size_t count) {
  static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(ones + 8 - count));
}

static inline float fold(__m256 s0, __m256 s1, __m256 s2, __m256 s3) {
  __m256 sum = _mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3));
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

static float dot(const float *a, const void *bytes, size_t dimension) {
  const float *b = bytes;
  __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
  size_t i = 0;
  for (; i + 32 <= dimension; i += 32) {
    s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
    s1 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), s1);
    s2 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 16), _mm256_loadu_ps(b + i + 16), s2);
    s3 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 24), _mm256_loadu_ps(b + i + 24), s3);
  }
  for (; i + 8 <= dimension; i += 8)
    s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
  __m256i mask = tail_mask(dimension - i);
  s1 = _mm256_fmadd_ps(_mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask), s1);
  return fold(s0, s1, s2, s3);
}

static inline __m256 add_square(__m256 x, __m256 y, __m256 sum) {
  __m256 difference = _mm256_sub_ps(x, y);
  return _mm256_fmadd_ps(difference, difference, sum);
}

static float l2(const float *a, const void *bytes, size_t dimension) {
  const float *b = bytes;
  __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
  size_t i = 0;
  for (; i + 32 <= dimension; i += 32) {
    s0 = add_square(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
    s1 = add_square(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), s1);
    s2 = add_square(_mm256_loadu_ps(a + i + 16), _mm256_loadu_ps(b + i + 16), s2);
    s3 = add_square(_mm256_loadu_ps(a + i + 24), _mm256_loadu_ps(b + i + 24), s3);
  }
  for (; i + 8 <= dimension; i += 8)
    s0 = add_square(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
  __m256i mask = tail_mask(dimension - i);
  s1 = add_square(_mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask), s1);
  return fold(s0, s1, s2, s3);
}

/* Two vectors of eight a step: eight sums in flight. */
static void dot_norm(const float *a, const void *bytes, size_t dimension, float *ret_dot, float *ret_norm) {
  const float *b = bytes;
  __m256 zero = _mm256_setzero_ps();
  __m256 d[4] = {zero, zero, zero, zero}, n[4] = {zero, zero, zero, zero};
  size_t i = 0;
  for (; i + 32 <= dimension; i += 32) {
    for (size_t s = 0; s < 4; s++) {
      __m256 y = _mm256_loadu_ps(b + i + 8 * s);
      d[s] = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8 * s), y, d[s]);
      n[s] = _mm256_fmadd_ps(y, y, n[s]);
    }
  }
  for (; i + 8 <= dimension; i += 8) {
    __m256 y = _mm256_loadu_ps(b + i);
    d[0] = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), y, d[0]);
    n[0] = _mm256_fmadd_ps(y, y, n[0]);
  }
  __m256i mask = tail_mask(dimension - i);
  __m256 rest = _mm256_maskload_ps(b + i, mask);
  d[1] = _mm256_fmadd_ps(_mm256_maskload_ps(a + i, mask), rest, d[1]);
  n[1] = _mm256_fmadd_ps(rest, rest, n[1]);
  *ret_dot = fold(d[0], d[1], d[2], d[3]);
  *ret_norm = fold(n[0], n[1], n[2], n[3]);
}

const rem_kernel rem_kernel__avx2 = {"avx2", dot, l2, dot_norm, largest, scale, levels};
