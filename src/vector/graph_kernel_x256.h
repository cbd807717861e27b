/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The primitives of graph_kernel_template.h on 256-bit registers. The including file defines KERNEL_NAME, KERNEL_TABLE and
 *
 *   dot_add(sum, unsigned_bytes, signed_bytes)    lanes of int32 += four products each; bytes of any value
 */
#include <immintrin.h>

static inline __m128i fold4(__m256i a, __m256i b, __m256i c, __m256i d) {
  __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

static inline __m256i load(const void *at) {
  return _mm256_load_si256((const __m256i *)at);
}

static inline void store_keys(__m128i dots, uint32_t *ret_keys) {
  _mm_storeu_si128((__m128i *)(void *)ret_keys, _mm_sub_epi32(_mm_set1_epi32((int)REM_GRAPH_BIAS), dots));
}

static inline __attribute__((always_inline)) void keys4_8(const int8_t *query, size_t lines, const uint8_t *a, const uint8_t *b,
                                                          const uint8_t *c, const uint8_t *d, uint32_t *ret_keys) {
  __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
  for (size_t i = 0; i < lines * 64; i += 32) {
    __m256i q = load(query + i);
    s0 = dot_add(s0, load(a + i), q);
    s1 = dot_add(s1, load(b + i), q);
    s2 = dot_add(s2, load(c + i), q);
    s3 = dot_add(s3, load(d + i), q);
  }
  store_keys(fold4(s0, s1, s2, s3), ret_keys);
}

static inline size_t pool_insert(uint64_t *pool, size_t count, uint64_t entry) {
  /* Entries stay below 2^63, so that signed comparison serves. */
  __m256i key = _mm256_set1_epi64x((long long)entry);
  size_t at = count;
  while (at >= 4) {
    __m256i some = _mm256_loadu_si256((const __m256i *)(const void *)(pool + at - 4));
    unsigned larger = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(some, key)));
    if (larger != 15) break;
    _mm256_storeu_si256((__m256i *)(void *)(pool + at - 3), some);
    at -= 4;
  }
  while (at > 0 && pool[at - 1] > entry) {
    pool[at] = pool[at - 1];
    at--;
  }
  pool[at] = entry;
  return at;
}

static inline uint32_t near_mask(const uint32_t *keys, size_t count, uint32_t bound) {
  __m256i limit = _mm256_set1_epi32((int)bound);
  uint32_t mask = 0;
  for (size_t i = 0; i < count; i += 8) {
    __m256i some = _mm256_loadu_si256((const __m256i *)(const void *)(keys + i));
    __m256i near = _mm256_cmpeq_epi32(_mm256_max_epu32(some, limit), limit);
    mask |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(near)) << i;
  }
  return count == 32 ? mask : mask & ((1u << count) - 1);
}
