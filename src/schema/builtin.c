/* SPDX-License-Identifier: Apache-2.0 */
/* Built-in schemas: their names and aliases (D1). */
#include "schema/builtin.h"

#include <strings.h>

#include "schema/builtin_internal.h"

size_t rem_builtin_count(void) {
  return REM_BUILTIN_COUNT;
}

const rem_builtin *rem_builtin_at(size_t index) {
  return index < REM_BUILTIN_COUNT ? &rem_builtin__all[index] : NULL;
}

const rem_builtin *rem_builtin_find(const char *name) {
  for (size_t i = 0; i < REM_BUILTIN_COUNT; i++) {
    if (strcasecmp(name, rem_builtin__all[i].table) == 0 || strcasecmp(name, rem_builtin__all[i].type) == 0)
      return &rem_builtin__all[i];
  }
  /* The one alias that is neither. */
  return strcasecmp(name, "schemas") == 0 ? &rem_builtin__all[0] : NULL;
}

const char *rem_builtin_canonical(const char *name) {
  const rem_builtin *builtin = rem_builtin_find(name);
  return builtin != NULL ? builtin->table : NULL;
}
