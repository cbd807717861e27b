/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, reflected 0x82F63B78), as in RFC 3720; by SSE4.2 where the CPU has it, else by table. */
#ifndef REM_BASE_CRC32C_H
#define REM_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc 0; the result of one call continues in the next. */
uint32_t rem_crc32c(uint32_t crc, const void *data, size_t size);

#endif
