# SPDX-License-Identifier: Apache-2.0
"""db upsert: batches, bad lines, atomicity (D13)."""
import json
import os
import subprocess

from program import ERROR, ISSUE, PATIENCE_S, PROGRAM, ProgramTest

BAD = '{"key": "X", "title": 5}\n'


class Upsert(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)

    def upsert(self, lines, *arguments, code=0, **more):
        return self.db("upsert", "--schema", "issue", *arguments, input=lines, code=code, **more)

    def test_outcomes_are_counted(self):
        empty = {"failed": 0, "errors": []}
        self.assertEqual(self.upsert(self.issues(10)).json, {"inserted": 10, "updated": 0, "unchanged": 0, **empty})
        self.assertEqual(self.upsert(self.issues(12)).json, {"inserted": 2, "updated": 0, "unchanged": 10, **empty})
        self.assertEqual(self.upsert('{"key": "TAP-1", "title": "New"}\n').json["updated"], 1)
        self.assertEqual(self.upsert(self.issues(12), "--format", "table").out,
                         "0 inserted, 1 updated, 11 unchanged, 0 failed\n")

    def test_file_and_dash(self):
        path = self.file("data.jsonl", self.issues(3))
        self.assertEqual(self.db("upsert", path, "--schema", "issue").json["inserted"], 3)
        self.assertEqual(self.db("upsert", "-", "--table", "issue", input=self.issues(3)).json["unchanged"], 3)
        self.fails("upsert", self.home / "missing.jsonl", "--schema", "issue", says="missing.jsonl")
        self.fails("upsert", self.home, "--schema", "issue", says="directory")

    def test_blank_lines_carriage_returns_and_byte_order_mark(self):
        text = b"\xef\xbb\xbf" + b'{"key": "A", "title": "a"}\r\n\r\n   \n{"key": "B", "title": "b"}'
        self.assertEqual(self.upsert(text).json["inserted"], 2)

    def test_empty_input_is_done(self):
        self.assertEqual(self.upsert("").json, {"inserted": 0, "updated": 0, "unchanged": 0, "failed": 0, "errors": []})

    def test_stop_keeps_whole_batches_and_says_how_many(self):
        lines = self.issues(25) + BAD + self.issues(5, start=25)
        result = self.upsert(lines, "--batch-size", 10, code=ERROR)
        self.assertEqual(result.json["inserted"], 20)
        self.assertEqual(result.json["errors"][0]["line"], 26)
        self.assertIn("line 26", result.err)
        self.assertIn("20 rows are stored", result.err)
        self.assertEqual(self.count("issue"), 20)
        self.assertEqual(self.upsert(lines.replace(BAD, "")).json, {"inserted": 10, "updated": 0, "unchanged": 20, "failed": 0,
                                                                    "errors": []})

    def test_skip_stores_the_good_rows_and_reports_the_bad_ones(self):
        lines = "".join(BAD if n % 7 == 3 else self.issues(1, start=n) for n in range(40))
        result = self.upsert(lines, "--on-error", "skip", "--batch-size", 10, code=ERROR)
        bad = [n + 1 for n in range(40) if n % 7 == 3]
        self.assertEqual((result.json["inserted"], result.json["failed"]), (40 - len(bad), len(bad)))
        self.assertEqual([error["line"] for error in result.json["errors"]], bad)
        self.assertEqual(self.count("issue"), 40 - len(bad))

    def test_atomic_stores_all_or_nothing(self):
        self.upsert(self.issues(2000) + BAD, "--atomic", code=ERROR)
        self.assertEqual(self.count("issue"), 0)
        self.assertEqual(self.upsert(self.issues(2000), "--atomic").json["inserted"], 2000)

    def test_dry_run_stores_nothing(self):
        result = self.upsert(self.issues(5), "--dry-run").json
        self.assertEqual((result["valid"], result["inserted"]), (5, 0))
        result = self.upsert(self.issues(2) + BAD + self.issues(2, start=2), "--dry-run", "--on-error", "skip", code=ERROR).json
        self.assertEqual((result["valid"], result["failed"]), (4, 1))
        self.assertEqual(self.count("issue"), 0)

    def test_same_key_twice_the_last_wins(self):
        self.upsert('{"key": "A", "title": "first"}\n{"key": "A", "title": "second"}\n')
        self.assertEqual(self.db("get", "issue", "A").json["properties"]["title"], "second")
        self.assertEqual(self.count("issue"), 1)

    def test_later_batches_win_over_earlier_ones(self):
        lines = "".join(json.dumps({"key": f"K{n % 7}", "title": f"round {n // 7}"}) + "\n" for n in range(700))
        self.upsert(lines, "--batch-size", 10)
        self.assertEqual({row["properties"]["title"] for row in self.db("list", "issue").json}, {"round 99"})

    def test_many_rows_arrive_whole(self):
        result = self.upsert(self.issues(20000), "--durability", "os")
        self.assertEqual(result.json["inserted"], 20000)
        rows = self.db("list", "issue", "--format", "jsonl").lines
        self.assertEqual({row["properties"]["key"] for row in rows}, {f"TAP-{n}" for n in range(20000)})
        self.assertTrue(self.db("check").json["ok"])

    def test_result_on_a_full_output_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([str(PROGRAM), "upsert", "--schema", "issue"], input=b'{"key": "A", "title": "a"}\n', stdout=full,
                                  stderr=subprocess.PIPE, env=self.environment)
        self.assertEqual(done.returncode, ERROR)
        self.assertIn(b"cannot write the output", done.stderr)
        self.assertEqual(self.count("issue"), 1)

    def test_input_from_a_slow_pipe(self):
        process = self.start("upsert", "--schema", "issue")
        for n in range(5):
            process.stdin.write(self.issues(1, start=n).encode()[:20])
            process.stdin.flush()
            process.stdin.write(self.issues(1, start=n).encode()[20:])
            process.stdin.flush()
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((process.returncode, json.loads(out)["inserted"]), (0, 5), err)
        self.assertFalse(os.path.exists(self.home / "core"))
