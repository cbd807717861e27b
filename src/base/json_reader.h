/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way through well-formed JSON.
 *
 * jansson's parser takes text byte by byte through a stream and copies every token twice; reading a row of ten fields that way was half of
 * what an insert costs beside the store. This reader goes over the bytes in place and builds the same values with
 * jansson's own constructors, at about a third of the cost. It is only ever a shortcut: whatever it does not take (an error, an escape of a code point, a
 * repeated key) it leaves to jansson from the start, whose answer counts.
 */
#ifndef REM_BASE_JSON_READER_H
#define REM_BASE_JSON_READER_H

#include <jansson.h>
#include <stddef.h>

/* The value of `text`, which is valid UTF-8 and at most REM_JSON_MAX_DEPTH deep; NULL: ask jansson. Owned: json_decref(). */
json_t *rem_json__read(const char *text, size_t size);

#endif
