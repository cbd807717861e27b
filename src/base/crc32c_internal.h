/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REM_BASE_CRC32C_INTERNAL_H
#define REM_BASE_CRC32C_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

/* Both work on the inverted register: the caller inverts before and after. */
uint32_t rem_crc32c__table(uint32_t state, const uint8_t *p, size_t size);
uint32_t rem_crc32c__sse42(uint32_t state, const uint8_t *p, size_t size);

#endif
