#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/schema/source_script.c: src/schema/source_script.py as a C string. Run it after changing that file."""
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src" / "schema"


def main():
    lines = [line for line in (FOLDER / "source_script.py").read_text().splitlines() if not line.startswith("#")]
    out = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* Written by tools/source_script.py from source_script.py; not to be edited. */",
        '#include "schema/source_internal.h"',
        "",
        "/* Longer than the 4,095 characters that ISO C promises for a literal; every compiler takes far more. */",
        '#pragma GCC diagnostic ignored "-Woverlength-strings"',
        "",
        "const char rem_source__script[] =",
    ]
    out += ['    "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for line in lines]
    out[-1] += ";"
    (FOLDER / "source_script.c").write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
