/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a safetensors file: the weights of a model as it is published.
 *
 *   [u64 size of the header][header: JSON, {"name": {"dtype", "shape", "data_offsets": [begin, end]}, …}][data]
 *
 * The file is mapped and its offsets are checked before use; it is untrusted.
 */
#ifndef REM_EMBED_SAFETENSORS_H
#define REM_EMBED_SAFETENSORS_H

#include "base/buffer.h"

typedef struct rem_safetensors rem_safetensors;

/* REM_INVALID when it is not a safetensors file. Owned: rem_safetensors_close(). */
REM_CHECKED rem_status rem_safetensors_open(const char *path, rem_safetensors **ret_file, rem_error *err);
void rem_safetensors_close(rem_safetensors *file);

/* The whole file, for hashing; borrowed. */
rem_slice rem_safetensors_bytes(const rem_safetensors *file);

/*
 * A tensor of exactly rows x columns (one row: a vector) as float32; F16 and BF16 are widened. Found under `name` or
 * the name of its family ("bert.") and it. Borrowed until the next call. REM_INVALID: not there, another shape or type, damaged.
 */
REM_CHECKED rem_status rem_safetensors_tensor(rem_safetensors *file, const char *name, size_t rows, size_t columns,
                                              const float **ret_values, rem_error *err);

#endif
