/* SPDX-License-Identifier: Apache-2.0 */
/* Source, between its files: source.c (which kind), source_python.c (running Python), source_script.c (what Python runs). */
#ifndef REM_SCHEMA_SOURCE_INTERNAL_H
#define REM_SCHEMA_SOURCE_INTERNAL_H

#include "schema/source.h"

#define REM_SOURCE_MAX_SIZE ((size_t)4 << 20) /* of a schema file, and of Python's answer */

/* The schema of `class_name` in the file `path`; `python` as in source.h. */
REM_CHECKED rem_status rem_source__python(const char *path, const char *class_name, const char *python,
                                          json_t **ret_schema, rem_error *err);

/* The Python program: `python -c SCRIPT path class`, its answer as one JSON object on descriptor 3. */
extern const char rem_source__script[];

#endif
