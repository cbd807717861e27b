/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats of JSON Schema, asserted.
 *
 * date-time and time may lack a zone, which then is UTC, and date-time may be a date alone (D19): that is what Pydantic
 * accepts and, for naive values, writes. All other formats follow their RFC; email takes non-ASCII letters too (RFC 6531).
 */
#ifndef REM_SCHEMA_FORMAT_H
#define REM_SCHEMA_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rem_format {
  const char *name;     /* "date-time" */
  const char *expected; /* for messages: "a date and time such as 2025-10-01T09:00:00Z" */
  bool (*matches)(const char *text, size_t size);
} rem_format;

/* NULL for a format that is not asserted. Static. */
const rem_format *rem_format_find(const char *name);

#endif
