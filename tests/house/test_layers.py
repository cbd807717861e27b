# SPDX-License-Identifier: Apache-2.0
"""The table of layers in ARCHITECTURE.md, the #include lines and the build's dependency lists say the same."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def table_of_layers():
    """{module: {modules it may include}} of the table `| … | module | may include | … |`."""
    layers, columns = {}, None
    for line in (ROOT / "ARCHITECTURE.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if "module" in cells and "may include" in cells:
            columns = cells.index("module"), cells.index("may include")
        elif columns and cells and not all(set(cell) <= set("-: ") for cell in cells):
            layers[cells[columns[0]]] = set(cells[columns[1]].split())
        elif not cells:
            columns = None
    return layers


def build_dependencies():
    text = (ROOT / "CMakeLists.txt").read_text()
    found = {}
    for match in re.finditer(r"rem_module\(([^)]*)\)", text):
        words = match.group(1).split()
        dependencies, collecting = set(), False
        for word in words[1:]:
            if word.isupper() and "::" not in word:
                collecting = word == "DEPS"
            elif collecting:
                dependencies.add(word)
        found[words[0]] = dependencies
    return found


def sources(module):
    return sorted(path for path in (ROOT / "src" / module).rglob("*") if path.suffix in (".c", ".h"))


def includes(path):
    return INCLUDE.findall(path.read_text(errors="replace"))


class Layers(unittest.TestCase):
    def setUp(self):
        self.layers = table_of_layers()

    def test_every_module_is_in_the_table(self):
        modules = {path.name for path in (ROOT / "src").iterdir() if path.is_dir() and sources(path.name)}
        self.assertLessEqual(modules, set(self.layers))

    def test_modules_include_only_what_the_table_allows(self):
        names = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
        wrong = []
        for module, allowed in self.layers.items():
            for path in sources(module):
                for _, name in includes(path):
                    target = name.split("/")[0]
                    if "/" in name and target in names and target != module and target not in allowed:
                        wrong.append(f"{path.relative_to(ROOT)} includes {name}")
        self.assertEqual(wrong, [])

    def test_the_table_points_downwards(self):
        order = list(self.layers)
        for module, allowed in self.layers.items():
            for other in allowed:
                self.assertLess(order.index(other), order.index(module), f"{module} -> {other}")

    def test_the_build_says_the_same(self):
        build = build_dependencies()
        self.assertEqual({m: a for m, a in self.layers.items() if m in build}, build)

    def test_clients_include_only_the_public_header(self):
        wrong = []
        for path in sources("cli"):
            for kind, name in includes(path):
                own = kind == '"' and (path.parent / name).exists()
                if not own and (kind == '"' or "/" in name and not name.startswith("sys/")) and name != "rem.h":
                    wrong.append(f"{path.relative_to(ROOT)} includes {name}")
        self.assertEqual(wrong, [])

    def test_rocksdb_is_included_by_the_kv_layer_alone(self):
        users = {path.relative_to(ROOT).as_posix() for path in (ROOT / "src").rglob("*.[ch]")
                 if any(name.startswith("rocksdb/") for _, name in includes(path))}
        self.assertEqual([user for user in users if not re.fullmatch(r"src/storage/kv[a-z0-9_]*\.[ch]", user)], [])

    def test_internal_headers_stay_in_their_module(self):
        wrong = []
        for path in (ROOT / "src").rglob("*.[ch]"):
            for _, name in includes(path):
                if name.endswith("_internal.h") and "/" in name and name.split("/")[0] != path.parent.name:
                    wrong.append(f"{path.relative_to(ROOT)} includes {name}")
        self.assertEqual(wrong, [])

    def test_a_source_file_includes_its_own_header_first(self):
        wrong = []
        for path in (ROOT / "src").rglob("*.c"):
            header, found = path.with_suffix(".h"), includes(path)
            own = (header.name, f"{path.stem}_internal.h", f"{path.parent.name}_internal.h")
            if header.exists() and found and pathlib.PurePath(found[0][1]).name not in own:
                wrong.append(str(path.relative_to(ROOT)))
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
