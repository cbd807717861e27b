/* SPDX-License-Identifier: Apache-2.0 */
/* Shared libraries loaded on demand, so that what a command does not use costs it nothing at start. */
#ifndef REM_BASE_DYNLIB_H
#define REM_BASE_DYNLIB_H

#include <stddef.h>

#include "base/error.h"

typedef struct rem_dynlib_symbol {
  const char *name;
  void **target; /* a function pointer, set on success */
} rem_dynlib_symbol;

/* Loads `soname` ("libcrypto.so.3") and resolves every symbol. The library stays loaded. REM_UNSUPPORTED names the
 * library and hints at `package`. */
REM_CHECKED rem_status rem_dynlib_load(const char *soname, const char *package, const rem_dynlib_symbol *symbols,
                                       size_t symbol_count, rem_error *err);

#endif
