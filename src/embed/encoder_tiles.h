/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions of the tile unit. In assembly, since the intrinsics of gcc 12 do not tell the compiler that memory is read. Numbers of
 * registers are literals, addresses are in bytes. A test puts an emulation in place of these.
 */
#ifndef REM_EMBED_ENCODER_TILES_H
#define REM_EMBED_ENCODER_TILES_H

#include <stdint.h>

/* Intel SDM, volume 1, table 18-1: palette 1, eight registers of 16 rows x 64 bytes. */
typedef struct tile_configuration {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_configuration;

#define TILE_CONFIGURE(configuration) __asm__ volatile("ldtilecfg %0" ::"m"(*(configuration)))
#define TILE_RELEASE() __asm__ volatile("tilerelease" ::)
#define TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t ::)
#define TILE_LOAD(t, address, stride)                                                              \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t ::"r"(address), "r"((intptr_t)(stride)) : "memory")
#define TILE_STORE(t, address, stride)                                                             \
  __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" ::"r"(address), "r"((intptr_t)(stride)) : "memory")
/* c += a x b: pairs of bfloat16 to float32, quads of signed bytes to 32-bit integers. */
#define TILE_DOT_BF16(c, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c ::)
#define TILE_DOT_INT8(c, a, b) __asm__ volatile("tdpbssd %%tmm" #b ", %%tmm" #a ", %%tmm" #c ::)

#endif
