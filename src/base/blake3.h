/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE3, unkeyed hash mode (Aumasson, Neves, O'Connor, Wilcox-O'Hearn: BLAKE3, 2021, section 2). */
#ifndef REM_BASE_BLAKE3_H
#define REM_BASE_BLAKE3_H

#include <stddef.h>
#include <stdint.h>

typedef struct rem_blake3 {
  uint32_t chaining_value[8];
  uint64_t chunk_counter;
  uint8_t block[64];
  uint8_t block_size;
  uint8_t blocks_compressed;
  uint8_t stack_depth;
  uint32_t stack[54][8]; /* 2^54 chunks of 1 KiB is every 64-bit length */
} rem_blake3;

void rem_blake3_init(rem_blake3 *hasher);
void rem_blake3_update(rem_blake3 *hasher, const void *data, size_t size);
/* Any output length; the hasher may go on being updated afterwards. */
void rem_blake3_final(const rem_blake3 *hasher, uint8_t *ret_hash, size_t hash_size);
void rem_blake3_hash(const void *data, size_t size, uint8_t *ret_hash, size_t hash_size);

#endif
