/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pattern: a regular expression of JSON Schema (ECMA-262 with the u flag), matched by PCRE2 with limits.
 *
 * Accepted beyond ECMA-262, since other validators' patterns have them and they mean the same everywhere: \A, \z,
 * (?P<name>…) and the inline flags i, m and s. What PCRE2 alone knows (recursion, verbs, callouts, \Q, \K, …) is refused.
 * Compiled patterns are immutable and may be used by any number of threads.
 */
#ifndef REM_SCHEMA_PATTERN_H
#define REM_SCHEMA_PATTERN_H

#include "base/buffer.h"

#define REM_PATTERN_MAX_SIZE ((size_t)32 << 10)        /* of the expression */
#define REM_PATTERN_MAX_SUBJECT_SIZE ((size_t)1 << 20) /* of the text; longer ones are REM_LIMIT */

typedef struct rem_pattern rem_pattern;

/* REM_INVALID says what is wrong with the expression and at which character. Owned: rem_pattern_free(). */
REM_CHECKED rem_status rem_pattern_new(const char *text, size_t size, rem_pattern **ret_pattern, rem_error *err);
void rem_pattern_free(rem_pattern *pattern);

/* Does it match anywhere in `subject`? REM_LIMIT when that takes too many steps or too much memory to find out. Thread-safe. */
REM_CHECKED rem_status rem_pattern_match(const rem_pattern *pattern, const char *subject, size_t size,
                                         bool *ret_matches, rem_error *err);
/* The expression as given; borrowed from the pattern. */
const char *rem_pattern_text(const rem_pattern *pattern);

#endif
