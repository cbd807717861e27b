# SPDX-License-Identifier: Apache-2.0
"""The example agents, in C and in Python over the shared library, do what they show."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from program import MODELS, ROOT

LIBRARY = pathlib.Path(os.environ.get("REM_LIBRARY", ROOT / "build" / "librem.so")).resolve()


def sanitized():
    symbols = subprocess.run(["nm", "-D", str(LIBRARY)], stdout=subprocess.PIPE, text=True).stdout
    return "__asan" in symbols or "__tsan" in symbols or "__ubsan" in symbols


@unittest.skipUnless(LIBRARY.exists(), "there is no shared library")
@unittest.skipIf(LIBRARY.exists() and sanitized(), "a sanitized library cannot be loaded into a plain program")
class Agents(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, True)

    def run_agent(self, *command):
        environment = {**os.environ, "P8_HOME": str(self.folder / "home"), "REM_LIBRARY": str(LIBRARY),
                       "P8_MODELS_DIR": MODELS or str(self.folder / "none")}
        done = subprocess.run([*command, str(self.folder / "memory")], env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def check(self, lines):
        self.assertIn("roaster", lines[0])
        self.assertIn("the new grinder is too loud" if MODELS else "is not installed", lines[-1])

    def test_python(self):
        lines = self.run_agent(sys.executable, str(ROOT / "examples" / "agent.py"))
        self.check(lines)
        self.assertIn("['about', 'present']", lines[0])
        self.assertEqual(lines[1], "None")

    @unittest.skipUnless(shutil.which("cc"), "there is no compiler")
    def test_c(self):
        program = self.folder / "agent"
        subprocess.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", str(ROOT / "examples" / "agent.c"),
                        str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}", "-o", str(program)], check=True)
        lines = self.run_agent(str(program))
        self.check(lines)
        self.assertIn("I do not know Nobody.", lines)


if __name__ == "__main__":
    unittest.main()
