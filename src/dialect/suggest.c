/* SPDX-License-Identifier: Apache-2.0 */
/* Errors at a token, and hints with the nearest name. */
#include "dialect/dialect_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

rem_status rem_dialect__fail(rem_dialect *d, uint32_t token, rem_status code, rem_error *err, const char *format, ...) {
  char message[REM_ERROR_MESSAGE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  rem_error_set(err, code, "%s", message);
  if (err) err->offset = rem_dialect__token(d, token)->begin;
  return code;
}

void rem_dialect__suggest(const char *typed, const char *const *words, const char *otherwise, rem_error *err) {
  size_t count = 0;
  while (words[count])
    count++;
  const char *nearest = rem_text_nearest(typed, words, count);
  if (nearest)
    rem_error_hint(err, "did you mean %s?", nearest);
  else if (otherwise)
    rem_error_hint(err, "%s", otherwise);
}

#define CANDIDATE_COUNT_MAX 2000

void rem_dialect__suggest_table(rem_dialect *d, const char *typed, rem_error *err) {
  const char **names = rem_arena_alloc(&d->arena, CANDIDATE_COUNT_MAX * sizeof *names);
  if (!names)
    return;
  size_t count = 0;
  for (size_t i = 0; count < CANDIDATE_COUNT_MAX; i++) {
    const char *name = d->catalog->table_name(d->catalog->context, i);
    if (!name)
      break;
    names[count++] = name;
  }
  for (uint32_t i = 0; i < d->ctes.count && count < CANDIDATE_COUNT_MAX; i++) {
    const char *name = rem_dialect__unquoted(d, d->ctes.items[i].name);
    if (name) names[count++] = name;
  }
  const char *nearest = rem_text_nearest(typed, names, count);
  if (nearest)
    rem_error_hint(err, "did you mean '%s'?", nearest);
  else
    rem_error_hint(err, "tables come from schemas: db schema list shows them");
}
