/* SPDX-License-Identifier: Apache-2.0 */
/* Pattern, between its files: pattern.c (compiling and matching), pattern_translate.c (ECMA-262 into PCRE2). */
#ifndef REM_SCHEMA_PATTERN_INTERNAL_H
#define REM_SCHEMA_PATTERN_INTERNAL_H

#include "schema/pattern.h"

/* Appends the PCRE2 form of an ECMA-262 expression, which is valid UTF-8. REM_INVALID says what is wrong and where. */
REM_CHECKED rem_status rem_pattern__translate(const char *text, size_t size, rem_buffer *ret_pcre, rem_error *err);

#endif
