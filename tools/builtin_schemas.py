#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/schema/builtin_schemas.c: the JSON Schemas of src/schema/builtin_models.py as C strings.

Run it with a Python that has Pydantic v2 after changing a built-in model, and commit what it writes.
"""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src" / "schema"
TABLES = [("schema", "schema", "Schema"), ("resources", "resource", "Resource"),
          ("files", "file", "File"), ("moments", "moment", "Moment")]
WIDTH = 96


def literal(text):
    """C string literals that concatenate to `text`, one short line each."""
    lines = []
    while text:
        piece, text = text[:WIDTH], text[WIDTH:]
        lines.append('    "' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return "\n".join(lines)


def main():
    sys.path.insert(0, str(FOLDER))
    import builtin_models

    out = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* Written by tools/builtin_schemas.py from builtin_models.py; not to be edited. */",
        '#include "schema/builtin_internal.h"',
        "",
        "/* Longer than the 4,095 characters that ISO C promises for a literal; every compiler takes far more. */",
        '#pragma GCC diagnostic ignored "-Woverlength-strings"',
    ]
    rows = []
    for table, kind, name in TABLES:
        schema = getattr(builtin_models, name).model_json_schema()
        text = json.dumps(schema, ensure_ascii=True, separators=(",", ":"))
        out += ["", f"static const char {table.upper()}[] =", literal(text) + ";"]
        rows.append(f'    {{"{table}", "{kind}", {table.upper()}, sizeof {table.upper()} - 1}},')
    out += ["", "const rem_builtin rem_builtin__all[REM_BUILTIN_COUNT] = {"] + rows + ["};"]
    (FOLDER / "builtin_schemas.c").write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
