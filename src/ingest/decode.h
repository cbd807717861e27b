/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding: the bytes of a text file as valid UTF-8 without NUL, or a clear refusal.
 *
 * Accepted: UTF-8 with or without a byte order mark, UTF-16 with one. Anything else is refused with the offset of the
 * first offending byte rather than guessed at: text in a wrong encoding would be stored, embedded and never found.
 */
#ifndef REM_INGEST_DECODE_H
#define REM_INGEST_DECODE_H

#include "base/buffer.h"

/* Owned: rem_free(ret_text). The byte order mark is not part of the text. REM_INVALID with err->offset: binary, or another encoding. */
REM_CHECKED rem_status rem_decode_text(const void *data, size_t size, char **ret_text, size_t *ret_size,
                                       rem_error *err);

/* Whether the first bytes look like text of an encoding rem_decode_text() accepts. */
bool rem_decode_is_text(const void *data, size_t size);

#endif
