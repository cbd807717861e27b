# SPDX-License-Identifier: Apache-2.0
"""What strangers feed a program: each is a clear error, or is stored as it is; nothing crashes, nothing is half done."""
import json
import os
import subprocess
import tempfile

from program import ERROR, ISSUE, NOT_FOUND, PROGRAM, ProgramTest


class BadLines(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)

    def refused(self, line, *words, line_number=2):
        """The line is refused by number and reason; the line before it is not stored either (one batch)."""
        good = b'{"key": "good", "title": "t"}\n'
        line = line if isinstance(line, bytes) else line.encode()
        result = self.fails("upsert", "--schema", "issue", input=good + line + b"\n", says=(f"line {line_number}", *words))
        error = result.json["errors"]
        self.assertEqual(([e["line"] for e in error], result.json["inserted"]), ([line_number], 0))
        self.assertLess(len(error[0]["message"]), 1000)
        self.assertEqual(self.count("issue"), 0)
        skipped = self.db("upsert", "--schema", "issue", "--on-error", "skip", input=good + line + b"\n", code=ERROR).json
        self.assertEqual((skipped["inserted"], skipped["failed"]), (1, 1))
        return error[0]["message"]

    def test_malformed_json(self):
        self.refused('{"key": "a", "title": ')

    def test_not_an_object(self):
        self.refused("[1, 2]", "object")

    def test_two_values_on_a_line(self):
        self.refused('{"key": "a", "title": "b"} {"key": "c", "title": "d"}')

    def test_wrong_type(self):
        self.refused('{"key": "a", "title": 5}', "/title", "string", "integer")

    def test_missing_required_field(self):
        self.refused('{"key": "a"}', "title", "required")

    def test_duplicate_key(self):
        self.refused('{"key": "a", "title": "b", "title": "c"}', "title")

    def test_integer_beyond_int64(self):
        self.refused('{"key": "a", "title": "b", "points": 9223372036854775808}')

    def test_largest_integers_are_exact(self):
        for number in (9223372036854775807, -9223372036854775808):
            self.db("insert", "issue", json.dumps({"key": "n", "title": "b", "points": number}))
            self.assertEqual(self.db("get", "issue", "n").json["properties"]["points"], number)

    def test_not_a_number(self):
        self.refused('{"key": "a", "title": "b", "points": NaN}')

    def test_infinite_number(self):
        self.refused('{"key": "a", "title": "b", "x": 1e999}')

    def test_invalid_utf8(self):
        self.refused(b'{"key": "a", "title": "\xff\xfe"}', "UTF-8")

    def test_lone_surrogate(self):
        self.refused(b'{"key": "a", "title": "\\ud800"}')

    def test_json_100000_deep(self):
        self.refused('{"key": "a", "title": "b", "x": ' + "[" * 100000 + "]" * 100000 + "}")
        self.fails("insert", "issue", "-", input='{"a":' * 100000 + "1" + "}" * 100000)

    def test_bad_date_time(self):
        self.refused('{"key": "a", "title": "b", "seen": "2025-13-01T00:00:00Z"}', "/seen")

    def test_line_over_64_mib(self):
        line = b'{"key": "a", "title": "' + b"x" * (65 << 20) + b'"}\n'
        result = self.db("upsert", "--schema", "issue", "--on-error", "skip", input=line + self.issues(1).encode(), code=ERROR)
        self.assertEqual((result.json["inserted"], result.json["errors"][0]["line"]), (1, 1))
        self.assertIn("64 MiB", result.err)

    def test_unknown_schema(self):
        self.fails("upsert", "--schema", "isue", input=self.issues(1), says="'isue'", hints="issue")
        self.fails("upsert", "--schema", "isue", input="", says="'isue'")


class UnusualValues(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)

    def test_string_of_10_mb_is_stored_whole(self):
        text = "xyz \u00e9" * 2_000_000
        self.db("upsert", "--schema", "issue", input=json.dumps({"key": "big", "title": text}, ensure_ascii=False) + "\n")
        self.assertEqual(self.db("get", "issue", "big").json["properties"]["title"], text)
        self.db("insert", "issue", "-", input=json.dumps({"key": "big", "title": text + "!"}))
        self.assertEqual(len(self.db("get", "issue", "big").json["properties"]["title"]), len(text) + 1)

    def test_key_with_nul(self):
        self.db("upsert", "--schema", "issue", input='{"key": "a\\u0000b", "title": "nul"}\n{"key": "a", "title": "a"}\n')
        rows = {row["properties"]["key"]: row for row in self.db("list", "issue").json}
        self.assertEqual(set(rows), {"a", "a\0b"})
        self.assertEqual(len(self.db("lookup", "a").json), 1)
        self.assertEqual(self.db("get", "issue", rows["a\0b"]["id"]).json["properties"]["title"], "nul")

    def test_keys_with_colon_slash_and_more(self):
        keys = ["a:b", "a/b", "a", "a:", "file:///x/y.md:0", "..", "*", "%", "'; --", "\u00e4\u0301\U0001f600", " ", "a b", "\\"]
        for n, key in enumerate(keys):
            self.db("insert", "issue", json.dumps({"key": key, "title": f"t{n}"}))
        for n, key in enumerate(keys):
            self.assertEqual(self.db("get", "issue", "--", key).json["properties"]["title"], f"t{n}", key)
            self.assertEqual([hit["entity"]["properties"]["key"] for hit in self.db("lookup", "--", key).json], [key])
        self.assertEqual(self.count("issue"), len(keys))

    def test_key_of_5_kb_is_an_error(self):
        self.fails("insert", "issue", json.dumps({"key": "k" * 5000, "title": "t"}), says="key")
        self.db("insert", "issue", json.dumps({"key": "k" * 4000, "title": "t"}))
        self.assertEqual(len(self.db("lookup", "k" * 4000).json), 1)
        self.assertIn(self.run_db("lookup", "k" * 5000).code, (ERROR, NOT_FOUND))

    def test_empty_key_counts_as_absent(self):
        self.db("insert", "issue", '{"key": "", "title": "t"}')
        self.db("insert", "issue", '{"key": "", "title": "t"}')
        self.assertEqual(self.count("issue"), 2)

    def test_text_cannot_steer_the_terminal(self):
        self.db("insert", "issue", json.dumps({"key": "evil", "title": "\x1b]0;owned\x07\x1b[2J\u202eabc"}))
        for arguments in (("list", "issue"), ("lookup", "evil"), ("get", "issue", "evil")):
            _, shown = self.on_terminal(*arguments)
            self.assertNotIn("\x1b", shown)
            self.assertNotIn("\u202e", shown)
            self.assertIn("owned", shown)
        self.assertNotIn("\x1b", self.db("get", "issue", "\x1b[2J", code=NOT_FOUND).err)


class BadFiles(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()

    def test_empty_file(self):
        result = self.db("ingest", "--file", self.file("empty.md", "")).json
        self.assertEqual((result["failed"], result["chunks"]), (0, 0))

    def test_binary_file_renamed_to_md(self):
        path = self.file("photo.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 40)
        result = self.db("ingest", "--file", path, code=ERROR)
        self.assertEqual((result.json["failed"], result.json["chunks"]), (1, 0))
        self.assertIn("photo.md", result.json["errors"][0]["uri"] + result.json["errors"][0]["message"])
        self.assertEqual(self.db("list", "resources").json, [])

    def test_bad_file_in_a_folder_does_not_stop_the_others(self):
        self.file("docs/good.md", "# Good\n\nText of a good document.\n")
        self.file("docs/bad.md", b"\0\1\2\3" * 1000)
        result = self.db("ingest", "--folder", self.home / "docs", code=ERROR).json
        self.assertEqual((result["files"], result["failed"]), (1, 1))

    def test_missing_file_and_folder(self):
        self.fails("ingest", "--file", self.home / "missing.md", says="missing.md")
        self.fails("ingest", "--folder", self.home / "missing", says="missing")

    def test_unreadable_file(self):
        path = self.file("docs/secret.md", "text")
        self.file("docs/open.md", "# Open\n\nOpen text.\n")
        path.chmod(0)
        more = {}
        if os.geteuid() == 0:
            # Root reads everything: become nobody, in a home that nobody owns, with a program nobody may run.
            copy = self.home / "program"
            copy.write_bytes(PROGRAM.read_bytes())
            copy.chmod(0o755)
            for folder, folders, files in os.walk(self.home):
                for name in (*folders, *files):
                    os.chown(os.path.join(folder, name), 65534, 65534)
            os.chown(self.home, 65534, 65534)
            more = {"user": 65534, "group": 65534, "program": copy}
        result = self.db("ingest", "--folder", self.home / "docs", code=ERROR, **more)
        self.assertEqual((result.json["files"], result.json["failed"]), (1, 1))
        self.assertIn("secret.md", result.out)
        self.assertIn("ermission denied", result.out)

    def test_symlink_loop(self):
        self.file("docs/a.md", "# A\n\nText.\n")
        os.symlink("loop2", self.home / "docs" / "loop1")
        os.symlink("loop1", self.home / "docs" / "loop2")
        os.symlink("..", self.home / "docs" / "parent")
        os.symlink(".", self.home / "docs" / "self.md")
        result = self.run_db("ingest", "--folder", self.home / "docs")
        self.assertEqual(result.json["files"], 1, repr(result))

    def test_schema_file_that_is_no_schema(self):
        self.fails("schema", "add", self.file("a.json", b"\xff\xfe\x00"), says="a.json")
        self.fails("schema", "add", self.file("b.json", "[]"))
        self.fails("schema", "add", self.file("c.yaml", "a: &a [*a]\n"))


class FullDisk(ProgramTest):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("a small file system needs root")
        self.small = tempfile.mkdtemp(prefix="rem-small-")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", self.small], stderr=subprocess.DEVNULL)
        if done.returncode:
            self.skipTest("tmpfs cannot be mounted here")
        self.addCleanup(lambda: (subprocess.run(["umount", "-l", self.small]), os.rmdir(self.small)))

    def test_full_disk_is_told_and_nothing_acknowledged_is_lost(self):
        folder = os.path.join(self.small, "d")
        self.db("init", "small", "--path", folder)
        self.db("schema", "add", "-", "--db", folder, input=json.dumps(ISSUE))
        # Random text does not compress: 40 MB do not fit into 12.
        lines = "".join(json.dumps({"key": f"K{n}", "title": os.urandom(2000).hex()}) + "\n" for n in range(10000))
        result = self.db("upsert", "--db", folder, "--schema", "issue", "--batch-size", 100, input=lines, code=ERROR)
        self.assertRegex(result.err.lower(), "space|full")
        stored = result.json["inserted"]
        self.assertGreater(stored, 0)
        self.assertEqual(stored % 100, 0)
        rows = self.db("list", "issue", "--db", folder, "--format", "jsonl").lines
        # The batch whose commit failed may be there or not, whole.
        self.assertIn(len(rows), (stored, stored + 100))
        self.assertLessEqual({f"K{n}" for n in range(stored)}, {row["properties"]["key"] for row in rows})
        self.assertTrue(self.db("check", "--db", folder).json["ok"])


class FileSizeLimit(ProgramTest):
    def test_a_file_that_may_not_grow_is_told(self):
        import resource
        import signal

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
        self.init()
        self.add_schema(ISSUE)
        lines = "".join(json.dumps({"key": f"K{n}", "title": os.urandom(2000).hex()}) + "\n" for n in range(4000))
        result = self.db("upsert", "--schema", "issue", "--batch-size", 100, input=lines, code=ERROR, preexec_fn=limit)
        self.assertTrue(result.err.startswith("db: "), repr(result))
        stored = result.json["inserted"]
        self.assertIn(self.count("issue"), (stored, stored + 100))
        self.assertTrue(self.db("check").json["ok"])


