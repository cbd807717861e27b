/* SPDX-License-Identifier: Apache-2.0 */
/* Graph kernels for AVX-512 with VNNI: 64 products an instruction. */
#include "vector/graph_kernel.h"

#include <immintrin.h>

#define KERNEL_NAME "avx512vnni"
#define KERNEL_TABLE rem_graph_kernel__avx512vnni

/* By hand: gcc 12 moves the accumulators of the intrinsic to memory and back. */
static inline __m512i dot_add(__m512i sum, __m512i unsigned_bytes, __m512i signed_bytes) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "vm"(signed_bytes));
  return sum;
}

/* The four sums of the lanes of four vectors. */
static inline __m128i fold4(__m512i a, __m512i b, __m512i c, __m512i d) {
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

static inline void store_keys(__m128i dots, uint32_t *ret_keys) {
  _mm_storeu_si128((__m128i *)(void *)ret_keys, _mm_sub_epi32(_mm_set1_epi32((int)REM_GRAPH_BIAS), dots));
}

static inline __attribute__((always_inline)) void keys4_4(const int8_t *query, size_t lines, const uint8_t *a, const uint8_t *b,
                                                          const uint8_t *c, const uint8_t *d, uint32_t *ret_keys) {
  const __m512i low = _mm512_set1_epi8(15);
  __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
#pragma GCC unroll 12
  for (size_t i = 0; i < lines; i++) {
    __m512i q0 = _mm512_load_si512(query + 128 * i), q1 = _mm512_load_si512(query + 128 * i + 64);
    __m512i x0 = _mm512_load_si512(a + 64 * i), x1 = _mm512_load_si512(b + 64 * i);
    __m512i x2 = _mm512_load_si512(c + 64 * i), x3 = _mm512_load_si512(d + 64 * i);
    s0 = dot_add(s0, _mm512_and_si512(x0, low), q0);
    s1 = dot_add(s1, _mm512_and_si512(x1, low), q0);
    s2 = dot_add(s2, _mm512_and_si512(x2, low), q0);
    s3 = dot_add(s3, _mm512_and_si512(x3, low), q0);
    s0 = dot_add(s0, _mm512_and_si512(_mm512_srli_epi16(x0, 4), low), q1);
    s1 = dot_add(s1, _mm512_and_si512(_mm512_srli_epi16(x1, 4), low), q1);
    s2 = dot_add(s2, _mm512_and_si512(_mm512_srli_epi16(x2, 4), low), q1);
    s3 = dot_add(s3, _mm512_and_si512(_mm512_srli_epi16(x3, 4), low), q1);
  }
  store_keys(fold4(s0, s1, s2, s3), ret_keys);
}

static inline __attribute__((always_inline)) void keys4_8(const int8_t *query, size_t lines, const uint8_t *a, const uint8_t *b,
                                                          const uint8_t *c, const uint8_t *d, uint32_t *ret_keys) {
  __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
  for (size_t i = 0; i < lines; i++) {
    __m512i q = _mm512_load_si512(query + 64 * i);
    s0 = dot_add(s0, _mm512_load_si512(a + 64 * i), q);
    s1 = dot_add(s1, _mm512_load_si512(b + 64 * i), q);
    s2 = dot_add(s2, _mm512_load_si512(c + 64 * i), q);
    s3 = dot_add(s3, _mm512_load_si512(d + 64 * i), q);
  }
  store_keys(fold4(s0, s1, s2, s3), ret_keys);
}

/* One side stays as it is stored, value + 128: 128 times the sum of the other is too much. */
static inline int32_t dots_offset(const uint8_t *vector, size_t bytes) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  __m512i sum = _mm512_setzero_si512();
  for (size_t i = 0; i < bytes; i += 64)
    sum = dot_add(sum, flip, _mm512_xor_si512(_mm512_load_si512(vector + i), flip));
  return _mm512_reduce_add_epi32(sum);
}

static inline __attribute__((always_inline)) void dots4(const uint8_t *vector, int32_t offset, size_t bytes, const uint8_t *a,
                                                        const uint8_t *b, const uint8_t *c, const uint8_t *d, int32_t *ret) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
#pragma GCC unroll 6
  for (size_t i = 0; i < bytes; i += 64) {
    __m512i q = _mm512_xor_si512(_mm512_load_si512(vector + i), flip);
    s0 = dot_add(s0, _mm512_load_si512(a + i), q);
    s1 = dot_add(s1, _mm512_load_si512(b + i), q);
    s2 = dot_add(s2, _mm512_load_si512(c + i), q);
    s3 = dot_add(s3, _mm512_load_si512(d + i), q);
  }
  _mm_storeu_si128((__m128i *)(void *)ret, _mm_sub_epi32(fold4(s0, s1, s2, s3), _mm_set1_epi32(offset)));
}

/* From the end, eight entries at a time, until one is not larger. No step waits for the one before: that all eight are larger is guessed by the branch. */
static inline size_t pool_insert(uint64_t *pool, size_t count, uint64_t entry) {
  __m512i key = _mm512_set1_epi64((long long)entry);
  size_t at = count;
  while (at >= 8) {
    __m512i some = _mm512_loadu_si512(pool + at - 8);
    __mmask8 larger = _mm512_cmpgt_epu64_mask(some, key);
    if (larger != 0xff) {
      _mm512_mask_storeu_epi64(pool + at - 7, larger, some);
      at -= (size_t)__builtin_popcount(larger);
      pool[at] = entry;
      return at;
    }
    _mm512_storeu_si512(pool + at - 7, some);
    at -= 8;
  }
  __mmask8 left = (__mmask8)((1u << at) - 1);
  __m512i some = _mm512_maskz_loadu_epi64(left, pool);
  __mmask8 larger = _mm512_mask_cmpgt_epu64_mask(left, some, key);
  _mm512_mask_storeu_epi64(pool + 1, larger, some);
  at -= (size_t)__builtin_popcount(larger);
  pool[at] = entry;
  return at;
}

static inline uint32_t near_mask(const uint32_t *keys, size_t count, uint32_t bound) {
  __m512i limit = _mm512_set1_epi32((int)bound);
  uint32_t valid = count == 32 ? UINT32_MAX : (1u << count) - 1;
  uint32_t low = _mm512_cmple_epu32_mask(_mm512_loadu_si512(keys), limit);
  uint32_t high = _mm512_cmple_epu32_mask(_mm512_loadu_si512(keys + 16), limit);
  return (low | high << 16) & valid;
}

/* Two products fit 32 bits, since no value is -2^15; sums of more need not. */
static inline float value_dot(const int16_t *a, const int16_t *b, size_t count) {
  __m512 s0 = _mm512_setzero_ps(), s1 = s0;
  size_t i = 0;
  for (; i + 64 <= count; i += 64) {
    s0 = _mm512_add_ps(s0, _mm512_cvtepi32_ps(_mm512_madd_epi16(_mm512_load_si512(a + i), _mm512_load_si512(b + i))));
    s1 = _mm512_add_ps(s1, _mm512_cvtepi32_ps(_mm512_madd_epi16(_mm512_load_si512(a + i + 32), _mm512_load_si512(b + i + 32))));
  }
  for (; i < count; i += 32)
    s0 = _mm512_add_ps(s0, _mm512_cvtepi32_ps(_mm512_madd_epi16(_mm512_load_si512(a + i), _mm512_load_si512(b + i))));
  return _mm512_reduce_add_ps(_mm512_add_ps(s0, s1));
}

static inline __m512 load_values(const int16_t *values) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_load_si256((const __m256i *)(const void *)values)));
}

static void products(const float *query, const int16_t *values, size_t count, float *ret_dot, float *ret_norm) {
  __m512 d0 = _mm512_setzero_ps(), d1 = d0, n0 = d0, n1 = d0;
  for (size_t i = 0; i < count; i += 32) {
    __m512 x = load_values(values + i), y = load_values(values + i + 16);
    d0 = _mm512_fmadd_ps(_mm512_load_ps(query + i), x, d0);
    d1 = _mm512_fmadd_ps(_mm512_load_ps(query + i + 16), y, d1);
    n0 = _mm512_fmadd_ps(x, x, n0);
    n1 = _mm512_fmadd_ps(y, y, n1);
  }
  *ret_dot = _mm512_reduce_add_ps(_mm512_add_ps(d0, d1));
  *ret_norm = _mm512_reduce_add_ps(_mm512_add_ps(n0, n1));
}

static float squares(const float *query, const int16_t *values, float step, size_t count) {
  __m512 s0 = _mm512_setzero_ps(), s1 = s0, unit = _mm512_set1_ps(step);
  for (size_t i = 0; i < count; i += 32) {
    __m512 x = _mm512_fnmadd_ps(load_values(values + i), unit, _mm512_load_ps(query + i));
    __m512 y = _mm512_fnmadd_ps(load_values(values + i + 16), unit, _mm512_load_ps(query + i + 16));
    s0 = _mm512_fmadd_ps(x, x, s0);
    s1 = _mm512_fmadd_ps(y, y, s1);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(s0, s1));
}

#include "vector/graph_kernel_template.h"
