/* SPDX-License-Identifier: Apache-2.0 */
/* The property shared by the readers: what they accept can be written as JSON and read back as the same value. */
#ifndef REM_TESTS_JSON_PROPERTY_H
#define REM_TESTS_JSON_PROPERTY_H

#include <stdlib.h>

#include "base/json.h"

/* Takes `json`; aborts when the property does not hold. */
static inline void check_round_trip(json_t *json) {
  rem_error err = {0};
  rem_bytes text = {0}, again = {0};
  json_t *copy = NULL;
  if (rem_json_text(json, &text, &err) != REM_OK || rem_json_parse(text.data, text.size, &copy, &err) != REM_OK)
    abort();
  if (!rem_json_equal(json, copy) || rem_json_text(copy, &again, &err) != REM_OK)
    abort();
  if (text.size != again.size || memcmp(text.data, again.data, text.size) != 0)
    abort();
  rem_bytes_free(&text);
  rem_bytes_free(&again);
  json_decref(copy);
  json_decref(json);
}

/* A failure has a code, a message, and an offset inside the text. */
static inline void check_error(rem_status status, const rem_error *err, size_t size) {
  if (status >= 0 || err->code != status || !err->message[0] || err->offset > (int64_t)size)
    abort();
}

#endif
