/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reals as text, always in the C locale: the host process may have set one with another decimal point, and
 * strtod and printf would follow it.
 */
#ifndef REM_BASE_REAL_H
#define REM_BASE_REAL_H

#include <stddef.h>

#define REM_REAL_TEXT_SIZE 32 /* with NUL: -2.2250738585072014e-308 and to spare */

/* The nearest double to the number `text` begins with; infinite when it is out of range. `ret_end` (may be
 * NULL) is where the number ends. */
double rem_real_parse(const char *text, const char **ret_end);
/* A finite real by the fewest digits that read back as the same double: 15 do for what people write, 17 always
 * do. There is always a point or an exponent ("3.0", "1e+20"). Returns the length. */
size_t rem_real_format(double value, char ret_text[REM_REAL_TEXT_SIZE]);

#endif
