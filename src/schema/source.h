/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source: where a schema is read from.
 *
 *   person.json, person.yaml, person.yml     the document itself
 *   person.py::Person, pkg/mod.py::A.B       a Pydantic v2 model, asked for its JSON Schema in a separate Python process
 *
 * The Python process runs without a shell, with the embedded script of source_python.py, 30 seconds and 4 MiB of answer at most. It
 * executes the user's file, as importing it would.
 */
#ifndef REM_SCHEMA_SOURCE_H
#define REM_SCHEMA_SOURCE_H

#include "base/json.h"

/*
 * Reads the schema `source` names. `python` is the interpreter for .py files; NULL: P8_PYTHON, else that of the active virtual
 * environment, else python3. REM_UNKNOWN: no such file, class or interpreter (the hint suggests one);
 * REM_INVALID: not a schema, or the Python file failed; REM_UNSUPPORTED: Pydantic 2 is not installed; REM_TIMEOUT; REM_LIMIT.
 * Owned: json_decref().
 */
REM_CHECKED rem_status rem_schema_source_read(const char *source, const char *python, json_t **ret_schema,
                                              rem_error *err);

#endif
