/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graph kernels for AVX2: vpmaddubsw multiplies unsigned by signed bytes and adds pairs in 16 bits. For 4-bit codes a sum of
 * eight pairs stays below 2^15 (8 x 2 x 15 x 127), so it is widened once for four lines; 8-bit products would overflow, and are taken
 * apart into 16 bits.
 */
#include "vector/graph_kernel.h"

#include <immintrin.h>

#define KERNEL_NAME "avx2"
#define KERNEL_TABLE rem_graph_kernel__avx2

static inline __m256i dot_add(__m256i sum, __m256i unsigned_bytes, __m256i signed_bytes) {
  const __m256i even = _mm256_set1_epi16(0xff);
  __m256i products = _mm256_madd_epi16(_mm256_and_si256(unsigned_bytes, even),
                                       _mm256_srai_epi16(_mm256_slli_epi16(signed_bytes, 8), 8));
  __m256i others = _mm256_madd_epi16(_mm256_srli_epi16(unsigned_bytes, 8), _mm256_srai_epi16(signed_bytes, 8));
  return _mm256_add_epi32(sum, _mm256_add_epi32(products, others));
}

#include "vector/graph_kernel_x256.h"

/* Of at most four lines, two halves each: eight products of a register's low halves, eight of its high ones. */
static inline __attribute__((always_inline)) __m256i sum_some(const int8_t *query, size_t lines, const uint8_t *code) {
  const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
  __m256i s = _mm256_setzero_si256(), t = s;
#pragma GCC unroll 4
  for (size_t i = 0; i < lines; i++) {
    __m256i x = load(code + 64 * i), y = load(code + 64 * i + 32);
    s = _mm256_add_epi16(s, _mm256_maddubs_epi16(_mm256_and_si256(x, low), load(query + 128 * i)));
    t = _mm256_add_epi16(t, _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(x, 4), low), load(query + 128 * i + 64)));
    s = _mm256_add_epi16(s, _mm256_maddubs_epi16(_mm256_and_si256(y, low), load(query + 128 * i + 32)));
    t = _mm256_add_epi16(t, _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(y, 4), low), load(query + 128 * i + 96)));
  }
  return _mm256_add_epi32(_mm256_madd_epi16(s, ones), _mm256_madd_epi16(t, ones));
}

static inline __attribute__((always_inline)) __m256i sum_all(const int8_t *query, size_t lines, const uint8_t *code) {
  __m256i sum = sum_some(query, lines < 4 ? lines : 4, code);
  for (size_t i = 4; i < lines; i += 4)
    sum = _mm256_add_epi32(sum, sum_some(query + 128 * i, lines - i < 4 ? lines - i : 4, code + 64 * i));
  return sum;
}

static inline __attribute__((always_inline)) void keys4_4(const int8_t *query, size_t lines, const uint8_t *a, const uint8_t *b,
                                                          const uint8_t *c, const uint8_t *d, uint32_t *ret_keys) {
  store_keys(fold4(sum_all(query, lines, a), sum_all(query, lines, b), sum_all(query, lines, c), sum_all(query, lines, d)), ret_keys);
}

static inline int32_t dots_offset(const uint8_t *vector, size_t bytes) {
  (void)vector;
  (void)bytes;
  return 0;
}

/* |a| x (b with the sign of a): values are within 127, so two products fit 16 bits. */
static inline __attribute__((always_inline)) __m256i signed_add(__m256i sum, __m256i magnitude, __m256i signs, const uint8_t *at) {
  __m256i b = _mm256_xor_si256(load(at), _mm256_set1_epi8((char)0x80));
  __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(b, signs));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static inline __attribute__((always_inline)) void dots4(const uint8_t *vector, int32_t offset, size_t bytes, const uint8_t *a,
                                                        const uint8_t *b, const uint8_t *c, const uint8_t *d, int32_t *ret) {
  __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
  for (size_t i = 0; i < bytes; i += 32) {
    __m256i signs = _mm256_xor_si256(load(vector + i), _mm256_set1_epi8((char)0x80)), magnitude = _mm256_abs_epi8(signs);
    s0 = signed_add(s0, magnitude, signs, a + i);
    s1 = signed_add(s1, magnitude, signs, b + i);
    s2 = signed_add(s2, magnitude, signs, c + i);
    s3 = signed_add(s3, magnitude, signs, d + i);
  }
  _mm_storeu_si128((__m128i *)(void *)ret, _mm_sub_epi32(fold4(s0, s1, s2, s3), _mm_set1_epi32(offset)));
}

#include "vector/graph_kernel_template.h"
