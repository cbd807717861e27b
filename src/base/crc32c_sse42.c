/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crc32 instruction, eight bytes a step. One chain of them runs at a third of what three interleaved ones
 * reach (latency 3, throughput 1); records are short, and the joining of chains is not worth its tables here.
 */
#include "base/crc32c_internal.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <string.h>

uint32_t rem_crc32c__sse42(uint32_t state, const uint8_t *p, size_t size) {
  uint64_t wide = state;
  for (; size >= 8; p += 8, size -= 8) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    wide = _mm_crc32_u64(wide, word);
  }
  state = (uint32_t)wide;
  for (; size > 0; p++, size--)
    state = _mm_crc32_u8(state, *p);
  return state;
}
#endif
