/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels for AVX-512: sixteen lanes, four sums; the rest is loaded under a mask, which reads nothing beyond the vector. */
#include "vector/kernel_plain.h"

#include <immintrin.h>

static inline float fold(__m512 s0, __m512 s1, __m512 s2, __m512 s3) {
  return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

static inline __mmask16 tail_mask(size_t count) {
  return (__mmask16)((1u << count) - 1);
}

static float dot(const float *a, const void *bytes, size_t dimension) {
  const float *b = bytes;
  __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
  size_t i = 0;
  for (; i + 64 <= dimension; i += 64) {
    s0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
    s1 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), s1);
    s2 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 32), _mm512_loadu_ps(b + i + 32), s2);
    s3 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 48), _mm512_loadu_ps(b + i + 48), s3);
  }
  for (; i + 16 <= dimension; i += 16)
    s0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
  __mmask16 mask = tail_mask(dimension - i);
  s1 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i), s1);
  return fold(s0, s1, s2, s3);
}

static inline __m512 add_square(__m512 x, __m512 y, __m512 sum) {
  __m512 difference = _mm512_sub_ps(x, y);
  return _mm512_fmadd_ps(difference, difference, sum);
}

static float l2(const float *a, const void *bytes, size_t dimension) {
  const float *b = bytes;
  __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
  size_t i = 0;
  for (; i + 64 <= dimension; i += 64) {
    s0 = add_square(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
    s1 = add_square(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), s1);
    s2 = add_square(_mm512_loadu_ps(a + i + 32), _mm512_loadu_ps(b + i + 32), s2);
    s3 = add_square(_mm512_loadu_ps(a + i + 48), _mm512_loadu_ps(b + i + 48), s3);
  }
  for (; i + 16 <= dimension; i += 16)
    s0 = add_square(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
  __mmask16 mask = tail_mask(dimension - i);
  s1 = add_square(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i), s1);
  return fold(s0, s1, s2, s3);
}

static void dot_norm(const float *a, const void *bytes, size_t dimension, float *ret_dot, float *ret_norm) {
  const float *b = bytes;
  __m512 zero = _mm512_setzero_ps();
  __m512 d[4] = {zero, zero, zero, zero}, n[4] = {zero, zero, zero, zero};
  size_t i = 0;
  for (; i + 64 <= dimension; i += 64) {
    for (size_t s = 0; s < 4; s++) {
      __m512 y = _mm512_loadu_ps(b + i + 16 * s);
      d[s] = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16 * s), y, d[s]);
      n[s] = _mm512_fmadd_ps(y, y, n[s]);
    }
  }
  for (; i + 16 <= dimension; i += 16) {
    __m512 y = _mm512_loadu_ps(b + i);
    d[0] = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), y, d[0]);
    n[0] = _mm512_fmadd_ps(y, y, n[0]);
  }
  __mmask16 mask = tail_mask(dimension - i);
  __m512 rest = _mm512_maskz_loadu_ps(mask, b + i);
  d[1] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i), rest, d[1]);
  n[1] = _mm512_fmadd_ps(rest, rest, n[1]);
  *ret_dot = fold(d[0], d[1], d[2], d[3]);
  *ret_norm = fold(n[0], n[1], n[2], n[3]);
}

const rem_kernel rem_kernel__avx512 = {"avx512", dot, l2, dot_norm, largest, scale, levels};
