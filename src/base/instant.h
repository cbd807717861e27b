/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instants: microseconds since 1970-01-01T00:00:00Z as int64, years 0001 to 9999; text is RFC 3339 (D10, D19).
 */
#ifndef REM_BASE_INSTANT_H
#define REM_BASE_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REM_INSTANT_TEXT_SIZE 28 /* with NUL: 2025-10-01T00:00:00.123456Z */

/* UTC, "2025-10-01T00:00:00Z", with as many fraction digits as needed (0 to 6). Returns the length. Outside the
 * years 1 to 9999 it gives the nearest instant within. */
size_t rem_instant_format(int64_t microseconds, char ret_text[REM_INSTANT_TEXT_SIZE]);
/* Always six fraction digits: text order is time order. */
size_t rem_instant_format_fixed(int64_t microseconds, char ret_text[REM_INSTANT_TEXT_SIZE]);
/* RFC 3339 date-time: 'T', 't' or a space; zone 'Z', 'z' or an offset; leap second 60 counts as the next
 * second; digits beyond microseconds are cut. `lenient` accepts also a date alone, missing seconds and a
 * missing zone (UTC). */
bool rem_instant_parse(const char *text, size_t size, bool lenient, int64_t *ret_microseconds);
/* The system clock. */
int64_t rem_instant_now(void);

#endif
