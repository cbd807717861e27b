/* SPDX-License-Identifier: Apache-2.0 */
/* Graph kernels for AVX2 with AVX-VNNI: 32 products an instruction. */
#include "vector/graph_kernel.h"

#include <immintrin.h>

#define KERNEL_NAME "avxvnni"
#define KERNEL_TABLE rem_graph_kernel__avxvnni

static inline __m256i dot_add(__m256i sum, __m256i unsigned_bytes, __m256i signed_bytes) {
  return _mm256_dpbusd_avx_epi32(sum, unsigned_bytes, signed_bytes);
}

#include "vector/graph_kernel_x256.h"

static inline __attribute__((always_inline)) void keys4_4(const int8_t *query, size_t lines, const uint8_t *a, const uint8_t *b,
                                                          const uint8_t *c, const uint8_t *d, uint32_t *ret_keys) {
  const __m256i low = _mm256_set1_epi8(15);
  const uint8_t *codes[4] = {a, b, c, d};
  __m256i sums[4];
#pragma GCC unroll 4
  for (size_t k = 0; k < 4; k++) {
    __m256i s = _mm256_setzero_si256(), t = s;
    for (size_t i = 0; i < lines; i++) {
      __m256i x = load(codes[k] + 64 * i), y = load(codes[k] + 64 * i + 32);
      s = dot_add(s, _mm256_and_si256(x, low), load(query + 128 * i));
      t = dot_add(t, _mm256_and_si256(_mm256_srli_epi16(x, 4), low), load(query + 128 * i + 64));
      s = dot_add(s, _mm256_and_si256(y, low), load(query + 128 * i + 32));
      t = dot_add(t, _mm256_and_si256(_mm256_srli_epi16(y, 4), low), load(query + 128 * i + 96));
    }
    sums[k] = _mm256_add_epi32(s, t);
  }
  store_keys(fold4(sums[0], sums[1], sums[2], sums[3]), ret_keys);
}

/* One side stays as it is stored, value + 128: 128 times the sum of the other is too much. */
static inline int32_t dots_offset(const uint8_t *vector, size_t bytes) {
  const __m256i flip = _mm256_set1_epi8((char)0x80);
  __m256i sum = _mm256_setzero_si256();
  for (size_t i = 0; i < bytes; i += 32)
    sum = dot_add(sum, flip, _mm256_xor_si256(load(vector + i), flip));
  __m128i all = fold4(sum, _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256());
  return _mm_cvtsi128_si32(all);
}

static inline __attribute__((always_inline)) void dots4(const uint8_t *vector, int32_t offset, size_t bytes, const uint8_t *a,
                                                        const uint8_t *b, const uint8_t *c, const uint8_t *d, int32_t *ret) {
  __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
  for (size_t i = 0; i < bytes; i += 32) {
    __m256i q = _mm256_xor_si256(load(vector + i), _mm256_set1_epi8((char)0x80));
    s0 = dot_add(s0, load(a + i), q);
    s1 = dot_add(s1, load(b + i), q);
    s2 = dot_add(s2, load(c + i), q);
    s3 = dot_add(s3, load(d + i), q);
  }
  _mm_storeu_si128((__m128i *)(void *)ret, _mm_sub_epi32(fold4(s0, s1, s2, s3), _mm_set1_epi32(offset)));
}

#include "vector/graph_kernel_template.h"
