/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by libcrypto, which is loaded on first use: what does not hash files does not pay for it at start. */
#ifndef REM_BASE_SHA256_H
#define REM_BASE_SHA256_H

#include "base/buffer.h"

typedef struct rem_sha256 rem_sha256;

/* REM_UNSUPPORTED when libcrypto cannot be loaded (hint: the package to install). Owned: rem_sha256_free(). */
REM_CHECKED rem_status rem_sha256_new(rem_sha256 **ret_hasher, rem_error *err);
void rem_sha256_free(rem_sha256 *hasher);
REM_CHECKED rem_status rem_sha256_update(rem_sha256 *hasher, const void *data, size_t size, rem_error *err);
/* 64 lower-case hex digits and NUL. Ends the hasher's use. */
REM_CHECKED rem_status rem_sha256_final(rem_sha256 *hasher, char ret_hex[65], rem_error *err);
/* A whole file, streamed. */
REM_CHECKED rem_status rem_sha256_file(const char *path, char ret_hex[65], rem_error *err);

#endif
