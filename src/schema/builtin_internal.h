/* SPDX-License-Identifier: Apache-2.0 */
/* Built-in schemas, between their files: builtin.c (names), builtin_schemas.c (the documents). */
#ifndef REM_SCHEMA_BUILTIN_INTERNAL_H
#define REM_SCHEMA_BUILTIN_INTERNAL_H

#include "schema/builtin.h"

#define REM_BUILTIN_COUNT 4

extern const rem_builtin rem_builtin__all[REM_BUILTIN_COUNT];

#endif
