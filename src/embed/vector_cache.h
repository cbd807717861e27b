/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cache of vectors by the text they were made of, shared by all processes and databases that use one P8_CACHE_DIR.
 *
 * A file for each model: {P8_CACHE_DIR}/embeddings/{16 hex digits of its identity}.vectors. It holds hashes and vectors, no texts.
 *
 *   header   64 bytes: "REMVEC1\0", u32 dimension, u32 buckets (a power of two), identity[32], u32 0, u32 0, u32 0, u32 CRC-32C of the former
 *   bucket   8 heads of 32 bytes: key[16], u32 CRC-32C of key and values, u32 seconds since 1970 of its last use, u64 0
 *            8 vectors of float32[dimension]
 *
 * A text has one bucket, by its key. A full bucket doubles the file while it may grow, else its oldest vector goes: so the size is bounded, and there is
 * nothing to compact.
 *
 * Nothing is synced or locked to be read: whatever a kill, a crash or another process left half-written fails its checksum and is a miss. Writers take
 * flock() on the file; doubling writes another file and renames it, which those who have the old one open notice before they write. It is read with
 * pread(), never mapped: a file that somebody cuts short must not end the host process.
 */
#ifndef REM_EMBED_VECTOR_CACHE_H
#define REM_EMBED_VECTOR_CACHE_H

#include "base/buffer.h"

#define REM_VECTOR_CACHE_KEY_SIZE 16

typedef struct rem_vector_cache rem_vector_cache;

/* The key of a text in its role. */
void rem_vector_cache_key(rem_role role, rem_slice text, uint8_t ret_key[REM_VECTOR_CACHE_KEY_SIZE]);

/* The cache of one model in `folder` (P8_CACHE_DIR; made when something is put). `max_bytes` bounds the files of all models together. No file is touched.
 * Owned: rem_vector_cache_close(). Any number of threads. */
REM_CHECKED rem_status rem_vector_cache_open(const char *folder, uint64_t max_bytes, const uint8_t identity[32],
                                             uint32_t dimension, rem_vector_cache **ret_cache, rem_error *err);
void rem_vector_cache_close(rem_vector_cache *cache);

/* Copies the vector of `key`; false when there is none. */
bool rem_vector_cache_get(rem_vector_cache *cache, const uint8_t *key, float *ret_values);
/* Stores `count` vectors, or what of them can be stored: a cache that cannot be written is passed over, as is one that another process keeps locked. `keys`: one after
 * the other; `values[i]`: a vector. */
void rem_vector_cache_put(rem_vector_cache *cache, const uint8_t *keys, const float *const *values, size_t count);

/* Takes `count` keys out of the files of all models in `folder`. REM_IO when that cannot be made sure. */
REM_CHECKED rem_status rem_vector_cache_forget(const char *folder, const uint8_t *keys, size_t count, rem_error *err);

#endif
