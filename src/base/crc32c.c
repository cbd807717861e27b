/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table form takes eight bytes a step from eight tables (slicing by 8, Kounavis and Berry 2005): table k
 * holds the CRC of a byte followed by k zero bytes. They are computed at first use, 8 KiB.
 */
#include "base/crc32c.h"

#include <pthread.h>
#include <string.h>

#include "base/cpu.h"
#include "base/crc32c_internal.h"

#define POLYNOMIAL 0x82F63B78u

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
    tables[0][byte] = crc;
  }
  for (int k = 1; k < 8; k++)
    for (int byte = 0; byte < 256; byte++)
      tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xFF];
}

uint32_t rem_crc32c__table(uint32_t state, const uint8_t *p, size_t size) {
  pthread_once(&tables_once, make_tables);
  for (; size >= 8; p += 8, size -= 8) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    word ^= state;
    state = 0;
    for (int k = 0; k < 8; k++)
      state ^= tables[7 - k][word >> (8 * k) & 0xFF];
  }
  for (; size > 0; p++, size--)
    state = state >> 8 ^ tables[0][(state ^ *p) & 0xFF];
  return state;
}

#if defined(__x86_64__)
#define HAS_SSE42() rem_cpu_has(REM_CPU_SSE42)
#else
#define HAS_SSE42() false
#define rem_crc32c__sse42 rem_crc32c__table
#endif

uint32_t rem_crc32c(uint32_t crc, const void *data, size_t size) {
  uint32_t state = ~crc;
  return ~(HAS_SSE42() ? rem_crc32c__sse42(state, data, size) : rem_crc32c__table(state, data, size));
}
