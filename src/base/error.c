/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Shortens `text` (of `capacity` bytes) to end in "..." at a UTF-8 boundary when it was cut. */
static void end_cut_text(char *text, size_t capacity, int wanted) {
  if (wanted < 0 || (size_t)wanted < capacity)
    return;
  size_t end = capacity - 4;
  while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
    end--;
  memcpy(text + end, "...", 4);
}

static void blank_controls(char *text) {
  for (unsigned char *p = (unsigned char *)text; *p; p++)
    if (*p < 0x20 || *p == 0x7F)
      *p = ' ';
}

static void format_text(char *text, size_t capacity, const char *format, va_list arguments) {
  int wanted = vsnprintf(text, capacity, format, arguments);
  end_cut_text(text, capacity, wanted);
  blank_controls(text);
}

rem_status rem_error_set(rem_error *err, rem_status code, const char *format, ...) {
  if (!err)
    return code;
  /* The arguments may point into err->message (wrapping an error), so format aside. */
  char message[REM_ERROR_MESSAGE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  format_text(message, sizeof message, format, arguments);
  va_end(arguments);
  err->code = code;
  err->reserved = 0;
  err->offset = -1;
  err->hint[0] = 0;
  memcpy(err->message, message, sizeof message);
  return code;
}

void rem_error_hint(rem_error *err, const char *format, ...) {
  if (!err)
    return;
  char hint[REM_ERROR_HINT_SIZE];
  va_list arguments;
  va_start(arguments, format);
  format_text(hint, sizeof hint, format, arguments);
  va_end(arguments);
  memcpy(err->hint, hint, sizeof hint);
}

void rem_error_prefix(rem_error *err, const char *format, ...) {
  if (!err)
    return;
  char message[2 * REM_ERROR_MESSAGE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  format_text(message, REM_ERROR_MESSAGE_SIZE, format, arguments);
  va_end(arguments);
  size_t used = strlen(message);
  memcpy(message + used, err->message, strnlen(err->message, sizeof err->message - 1) + 1);
  int wanted = snprintf(err->message, sizeof err->message, "%s", message);
  end_cut_text(err->message, sizeof err->message, wanted);
}

rem_status rem_error_errno(rem_error *err, int number, const char *what, const char *path) {
  rem_status code = REM_IO;
  if (number == ENOSPC || number == EDQUOT)
    code = REM_FULL;
  else if (number == ENOMEM)
    code = REM_NOMEM;
  char reason[128];
  rem_error_set(err, code, "%s '%s': %s", what, path, strerror_r(number, reason, sizeof reason));
  if (code == REM_FULL)
    rem_error_hint(err, "free some space on the file system that holds it, then run the command again");
  return code;
}

rem_status rem_error_nomem(rem_error *err) {
  return rem_error_set(err, REM_NOMEM, "out of memory");
}

const char *rem_status_name(rem_status status) {
  switch (status) {
  case REM_OK: return "ok";
  case REM_ROW: return "row";
  case REM_DONE: return "done";
  case REM_NOT_FOUND: return "not found";
  case REM_INVALID: return "invalid";
  case REM_MISUSE: return "misuse";
  case REM_NOMEM: return "out of memory";
  case REM_IO: return "io";
  case REM_CORRUPT: return "corrupt";
  case REM_LOCKED: return "locked";
  case REM_CONFLICT: return "conflict";
  case REM_EXISTS: return "exists";
  case REM_FORMAT: return "format";
  case REM_UNKNOWN: return "unknown";
  case REM_MODEL: return "model";
  case REM_PROVIDER: return "provider";
  case REM_LIMIT: return "limit";
  case REM_CANCELLED: return "cancelled";
  case REM_TIMEOUT: return "timeout";
  case REM_FULL: return "full";
  case REM_READONLY: return "read-only";
  case REM_UNSUPPORTED: return "unsupported";
  case REM_INTERNAL: return "internal";
  }
  return "unknown status";
}
