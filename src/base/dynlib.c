/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dynlib.h"

#include <dlfcn.h>

rem_status rem_dynlib_load(const char *soname, const char *package, const rem_dynlib_symbol *symbols,
                           size_t symbol_count, rem_error *err) {
  void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    rem_error_set(err, REM_UNSUPPORTED, "the library '%s' cannot be loaded", soname);
    rem_error_hint(err, "install the package %s", package);
    return REM_UNSUPPORTED;
  }
  for (size_t i = 0; i < symbol_count; i++)
    if (!dlsym(library, symbols[i].name)) {
      rem_error_set(err, REM_UNSUPPORTED, "the library '%s' has no function '%s'", soname, symbols[i].name);
      rem_error_hint(err, "install another version of the package %s", package);
      return REM_UNSUPPORTED;
    }
  for (size_t i = 0; i < symbol_count; i++) /* all or nothing */
    *symbols[i].target = dlsym(library, symbols[i].name);
  return REM_OK;
}
