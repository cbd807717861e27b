/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status and error inside the library: how a failure is recorded and passed on.
 *
 * rem_status and rem_error are public (rem.h). A function that fails fills the caller's rem_error once, at the
 * place where the reason is known, and returns the code; those above pass it on with REM_TRY.
 */
#ifndef REM_BASE_ERROR_H
#define REM_BASE_ERROR_H

#include "rem.h"

/* Records code and message (printf form, one line, lower case, user values quoted); clears the hint and sets
 * offset -1. Returns `code`. `err` may be NULL. Long messages end in an ellipsis at a character boundary;
 * control characters in user values are shown as spaces. */
rem_status rem_error_set(rem_error *err, rem_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the hint to an error already set: a sentence saying what to do next. */
void rem_error_hint(rem_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts text in front of the message already set ("line 7: "). */
void rem_error_prefix(rem_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets an error from errno-style `number`: ENOSPC and EDQUOT become REM_FULL, ENOMEM REM_NOMEM, the rest
 * REM_IO; the message is "<what> '<path>': <strerror>". Returns the code. */
rem_status rem_error_errno(rem_error *err, int number, const char *what, const char *path);

/* "out of memory"; returns REM_NOMEM. */
rem_status rem_error_nomem(rem_error *err);

/* Returns from the calling function when `expression` is a failure. */
#define REM_TRY(expression)                                                                        \
  do {                                                                                             \
    rem_status rem_try_status = (expression);                                                      \
    if (rem_try_status < 0)                                                                        \
      return rem_try_status;                                                                       \
  } while (0)

/* At the public boundary: a broken contract is a status, never a crash. */
#define REM_CHECK_ARG(condition, err)                                                              \
  do {                                                                                             \
    if (!(condition))                                                                              \
      return rem_error_set((err), REM_MISUSE, "%s: argument check failed: %s", __func__, #condition); \
  } while (0)

#endif
