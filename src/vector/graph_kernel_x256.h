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

static inline __m256 load_values(const int16_t *values) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_load_si128((const __m128i *)(const void *)values)));
}

static inline float sum_of(__m256 sums) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}

static void products(const float *query, const int16_t *values, size_t count, float *ret_dot, float *ret_norm) {
  __m256 d0 = _mm256_setzero_ps(), d1 = d0, n0 = d0, n1 = d0;
  for (size_t i = 0; i < count; i += 16) {
    __m256 x = load_values(values + i), y = load_values(values + i + 8);
    d0 = _mm256_fmadd_ps(_mm256_load_ps(query + i), x, d0);
    d1 = _mm256_fmadd_ps(_mm256_load_ps(query + i + 8), y, d1);
    n0 = _mm256_fmadd_ps(x, x, n0);
    n1 = _mm256_fmadd_ps(y, y, n1);
  }
  *ret_dot = sum_of(_mm256_add_ps(d0, d1));
  *ret_norm = sum_of(_mm256_add_ps(n0, n1));
}

static float squares(const float *query, const int16_t *values, float step, size_t count) {
  __m256 s0 = _mm256_setzero_ps(), s1 = s0, unit = _mm256_set1_ps(step);
  for (size_t i = 0; i < count; i += 16) {
    __m256 x = _mm256_fnmadd_ps(load_values(values + i), unit, _mm256_load_ps(query + i));
    __m256 y = _mm256_fnmadd_ps(load_values(values + i + 8), unit, _mm256_load_ps(query + i + 8));
    s0 = _mm256_fmadd_ps(x, x, s0);
    s1 = _mm256_fmadd_ps(y, y, s1);
  }
  return sum_of(_mm256_add_ps(s0, s1));
}

/* Two products fit 32 bits, since no value is -2^15; sums of more need not. */
static inline float value_dot(const int16_t *a, const int16_t *b, size_t count) {
  __m256 s0 = _mm256_setzero_ps(), s1 = s0;
  for (size_t i = 0; i < count; i += 32) {
    s0 = _mm256_add_ps(s0, _mm256_cvtepi32_ps(_mm256_madd_epi16(load(a + i), load(b + i))));
    s1 = _mm256_add_ps(s1, _mm256_cvtepi32_ps(_mm256_madd_epi16(load(a + i + 16), load(b + i + 16))));
  }
  return sum_of(_mm256_add_ps(s0, s1));
}
