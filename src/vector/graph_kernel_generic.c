/* SPDX-License-Identifier: Apache-2.0 */
/* Graph kernels in plain C, for any CPU: also what the others are tested against. */
#include "vector/graph_kernel.h"

#include <string.h>

#define KERNEL_NAME "generic"
#define KERNEL_TABLE rem_graph_kernel__generic

static inline uint32_t key_4(const int8_t *query, size_t lines, const uint8_t *code) {
  int32_t sum = 0;
  for (size_t line = 0; line < lines; line++) {
    const uint8_t *c = code + line * 64;
    const int8_t *q = query + line * 128;
    for (size_t i = 0; i < 64; i++)
      sum += (c[i] & 15) * q[i] + (c[i] >> 4) * q[64 + i];
  }
  return REM_GRAPH_BIAS - (uint32_t)sum;
}

static inline void keys4_4(const int8_t *query, size_t lines, const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d,
                           uint32_t *ret_keys) {
  ret_keys[0] = key_4(query, lines, a);
  ret_keys[1] = key_4(query, lines, b);
  ret_keys[2] = key_4(query, lines, c);
  ret_keys[3] = key_4(query, lines, d);
}

static inline uint32_t key_8(const int8_t *query, size_t lines, const uint8_t *code) {
  int32_t sum = 0;
  for (size_t i = 0; i < lines * 64; i++)
    sum += code[i] * query[i];
  return REM_GRAPH_BIAS - (uint32_t)sum;
}

static inline void keys4_8(const int8_t *query, size_t lines, const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d,
                           uint32_t *ret_keys) {
  ret_keys[0] = key_8(query, lines, a);
  ret_keys[1] = key_8(query, lines, b);
  ret_keys[2] = key_8(query, lines, c);
  ret_keys[3] = key_8(query, lines, d);
}

static inline int32_t dots_offset(const uint8_t *vector, size_t bytes) {
  (void)vector;
  (void)bytes;
  return 0;
}

static inline int32_t dot_one(const uint8_t *a, const uint8_t *b, size_t bytes) {
  int32_t sum = 0;
  for (size_t i = 0; i < bytes; i++)
    sum += (a[i] - 128) * (b[i] - 128);
  return sum;
}

static inline void dots4(const uint8_t *vector, int32_t offset, size_t bytes, const uint8_t *a, const uint8_t *b, const uint8_t *c,
                         const uint8_t *d, int32_t *ret) {
  ret[0] = dot_one(vector, a, bytes) - offset;
  ret[1] = dot_one(vector, b, bytes) - offset;
  ret[2] = dot_one(vector, c, bytes) - offset;
  ret[3] = dot_one(vector, d, bytes) - offset;
}

static inline size_t pool_insert(uint64_t *pool, size_t count, uint64_t entry) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (pool[middle] < entry)
      low = middle + 1;
    else
      high = middle;
  }
  memmove(pool + low + 1, pool + low, (count - low) * sizeof *pool);
  pool[low] = entry;
  return low;
}

static inline uint32_t near_mask(const uint32_t *keys, size_t count, uint32_t bound) {
  uint32_t mask = 0;
  for (size_t i = 0; i < count; i++)
    mask |= (uint32_t)(keys[i] <= bound) << i;
  return mask;
}

/* Sixteen sums side by side: compilers make vectors of them. */
static float fold(const float *sums) {
  float sum = 0;
  for (size_t i = 0; i < 16; i++)
    sum += sums[i];
  return sum;
}

static void products(const float *query, const int16_t *values, size_t count, float *ret_dot, float *ret_norm) {
  float dots[16] = {0}, norms[16] = {0};
  for (size_t i = 0; i < count; i += 16) {
    for (size_t j = 0; j < 16; j++) {
      float value = values[i + j];
      dots[j] += query[i + j] * value;
      norms[j] += value * value;
    }
  }
  *ret_dot = fold(dots);
  *ret_norm = fold(norms);
}

static float value_dot(const int16_t *a, const int16_t *b, size_t count) {
  float sums[16] = {0};
  for (size_t i = 0; i < count; i += 16) {
    for (size_t j = 0; j < 16; j++)
      sums[j] += (float)(a[i + j] * b[i + j]);
  }
  return fold(sums);
}

static float squares(const float *query, const int16_t *values, float step, size_t count) {
  float sums[16] = {0};
  for (size_t i = 0; i < count; i += 16) {
    for (size_t j = 0; j < 16; j++) {
      float difference = query[i + j] - step * values[i + j];
      sums[j] += difference * difference;
    }
  }
  return fold(sums);
}

#include "vector/graph_kernel_template.h"
