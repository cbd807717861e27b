# SPDX-License-Identifier: Apache-2.0
"""The library exports what rem.h declares; the manual names every command and option."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = os.environ.get("REM_LIBRARY", str(ROOT / "build" / "librem.so"))
PROGRAM = os.environ.get("REM_DB_PROGRAM", str(ROOT / "build" / "db"))


def declared():
    header = re.sub(r"/\*.*?\*/", "", (ROOT / "include" / "rem.h").read_text(), flags=re.S)
    return set(re.findall(r"^REM_API\b[^;(]*?\b(rem_\w+)\(", header, re.M))


class Interface(unittest.TestCase):
    def test_library_exports_exactly_the_declared_functions(self):
        output = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], check=True, stdout=subprocess.PIPE, text=True).stdout
        exported = {line.split()[-1].split("@")[0] for line in output.splitlines() if line.split()[-2] in "TWDBRV"}
        self.assertEqual(exported, declared())

    def test_header_stands_alone_in_c_and_cpp(self):
        for language in ("c", "c++"):
            compiler = "gcc" if language == "c" else "g++"
            if subprocess.run(["which", compiler], stdout=subprocess.DEVNULL).returncode:
                continue
            done = subprocess.run([compiler, "-x", language, "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                                   str(ROOT / "include" / "rem.h")], stderr=subprocess.PIPE, text=True)
            # A header as the main file is what gcc warns of by "#pragma once" only.
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_library_links_nothing_forbidden(self):
        output = subprocess.run(["readelf", "-d", LIBRARY, PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout
        needed = set(re.findall(r"\(NEEDED\).*\[(.*?)\]", output))
        for name in ("readline", "poppler", "mupdf", "openblas", "gomp", "python", "onnx"):
            self.assertEqual([lib for lib in needed if name in lib], [])

    def test_the_program_is_one_binary(self):
        """What has an archive is inside; what is left is the C library, and what Debian has as shared libraries only."""
        output = subprocess.run(["readelf", "-d", PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout
        needed = {name.split(".so")[0] for name in re.findall(r"\(NEEDED\).*\[(.*?)\]", output)}
        self.assertLessEqual(needed, {"libc", "libm", "ld-linux-x86-64", "libmd4c"})

    def test_only_the_program_links_jemalloc(self):
        output = subprocess.run(["readelf", "-d", LIBRARY], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.assertNotIn("jemalloc", output)

    def test_manual_names_every_command_and_option(self):
        manual = (ROOT / "docs" / "db.1").read_text().replace("\\-", "-")
        table = (ROOT / "src" / "cli" / "command_table.c").read_text()
        commands = re.findall(r'^    \{"([a-z ]+)", ".*", "', table, re.M)
        self.assertGreater(len(commands), 20)
        options = set(re.findall(r'\{"([a-z-]+)", (?:NULL|"[a-z]+"), (?:NULL|"[^"]+"),', table))
        self.assertEqual([name for name in commands if f"db {name}" not in manual], [])
        self.assertEqual([name for name in options if f"--{name}" not in manual], [])

    def test_completion_scripts_are_valid_shell(self):
        for shell in ("bash", "zsh"):
            script = subprocess.run([PROGRAM, "completion", shell], check=True, stdout=subprocess.PIPE).stdout
            with tempfile.NamedTemporaryFile() as file:
                file.write(script)
                file.flush()
                self.assertEqual(subprocess.run(["bash", "-n", file.name]).returncode, 0)


if __name__ == "__main__":
    unittest.main()
