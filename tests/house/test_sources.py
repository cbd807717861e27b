# SPDX-License-Identifier: Apache-2.0
"""What every file of the repository must have and must not have."""
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = {".c", ".h", ".py", ".cmake", ".sh"}
# Put together so that this file does not find itself.
FORBIDDEN = [re.compile(pattern, re.I) for pattern in (
    r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bX" + r"XX\b", r"/work" + r"/(main|shared)", r"\.\./sha" + r"red",
    r"\bco-authored" + r"-by\b", r"\bclau" + r"de\b(?!-3)", r"\bsub" + r"agent")]


def tracked():
    """Files of the repository; of the tree when there is no git."""
    try:
        output = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], check=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL).stdout
        return [ROOT / name for name in output.decode().split("\0") if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and not path.parts[len(ROOT.parts)].startswith((".git", "build"))]


def is_script(path):
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def is_code(path):
    return path.suffix in CODE or path.name in ("CMakeLists.txt", "Makefile") or is_script(path)


def is_data(path):
    parts = path.relative_to(ROOT).parts
    return parts[:2] == ("tests", "data") or "corpus" in parts or parts[0] == "examples"


class Sources(unittest.TestCase):
    def test_code_names_its_licence_in_its_first_lines(self):
        wrong = [str(path.relative_to(ROOT)) for path in tracked() if is_code(path) and not is_data(path)
                 and "SPDX-License-Identifier: Apache-2.0" not in "\n".join(path.read_text(errors="replace").splitlines()[:2])]
        self.assertEqual(wrong, [])

    def test_no_forbidden_words(self):
        wrong = []
        for path in tracked():
            if is_data(path) or path.name == "specification.md":
                continue
            text = path.read_bytes().decode(errors="replace")
            for pattern in FORBIDDEN:
                match = pattern.search(text)
                if match:
                    wrong.append(f"{path.relative_to(ROOT)}: {match.group(0)}")
        self.assertEqual(wrong, [])

    def test_library_neither_prints_nor_exits(self):
        call = re.compile(r"(?<![\w.>])(printf|puts|putchar|fprintf|perror|exit|abort|_exit)\s*\(")
        wrong = []
        for path in (ROOT / "src").rglob("*.c"):
            if path.parent.name == "cli":
                continue
            code = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', "", path.read_text(), flags=re.S)
            wrong += [f"{path.relative_to(ROOT)}: {name}" for name in call.findall(code)]
        self.assertEqual(wrong, [])

    def test_no_compiler_conditions_inside_functions(self):
        wrong = []
        for path in (ROOT / "src").rglob("*.c"):
            depth = 0
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if depth > 0 and re.match(r"\s*#\s*if", line):
                    wrong.append(f"{path.relative_to(ROOT)}:{number}")
                if line.startswith("}"):
                    depth = 0
                elif line.rstrip().endswith("{") and not line.startswith((" ", "\t", "#", "extern")):
                    depth = 1
        self.assertEqual(wrong, [])

    def test_every_module_has_its_page(self):
        missing = [path.name for path in (ROOT / "src").iterdir()
                   if path.is_dir() and any(path.glob("*.c")) and not (path / "README.md").exists()]
        self.assertEqual(missing, [])

    def test_no_file_is_longer_than_a_noun_needs(self):
        """Tables of numbers, which nobody reads, are not counted."""
        longest, wrong = 800, []
        for path in (ROOT / "src").rglob("*.[ch]"):
            count = sum(1 for line in path.read_text().splitlines() if not re.fullmatch(r"[\s{}()0-9xXA-Fa-f,uUlL.+-]+", line))
            if count > longest:
                wrong.append(f"{path.relative_to(ROOT)}: {count}")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
