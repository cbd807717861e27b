# SPDX-License-Identifier: Apache-2.0
"""Tables, JSON, JSON lines and CSV."""
import csv
import io
import json
import unicodedata

from program import ISSUE, NOT_FOUND, ProgramTest


class Output(ProgramTest):
    ROWS = [{"key": "plain", "title": "one", "points": 1},
            {"key": "comma, \"quote\"", "title": "two\nlines", "points": -2, "tags": ["a", "b"]},
            {"key": "\u65e5\u672c", "title": "\u00e4\u00f6\u00fc \U0001f600", "points": 3}]

    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)
        self.db("upsert", "--schema", "issue", input="".join(json.dumps(row) + "\n" for row in self.ROWS))

    def test_json_when_piped(self):
        rows = self.db("list", "issue").json
        self.assertEqual({row["properties"]["key"] for row in rows}, {row["key"] for row in self.ROWS})
        self.assertEqual(rows, self.db("list", "issue", "--json").json)
        self.assertEqual(rows, self.db("list", "issue", "--format", "json").json)

    def test_json_lines(self):
        self.assertEqual(self.db("list", "issue", "--format", "jsonl").lines, self.db("list", "issue").json)
        self.assertEqual(self.db("lookup", "plain", "--format", "jsonl").lines, self.db("lookup", "plain").json)
        self.assertEqual(len(self.db("schema", "list", "--format", "jsonl").lines), 5)

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.db("list", "issue", "--format", "csv").raw.decode(), newline="")))
        self.assertEqual(list(rows[0]), ["id", "key", "title", "status", "points", "tags", "seen", "created_at", "modified_at",
                                         "deleted_at"])
        by_key = {row["key"]: row for row in rows}
        self.assertEqual(by_key["comma, \"quote\""]["title"], "two\nlines")
        self.assertEqual(by_key["comma, \"quote\""]["tags"], '["a","b"]')
        self.assertEqual(by_key["plain"]["status"], "")
        found = list(csv.DictReader(io.StringIO(self.db("lookup", "plain", "--format", "csv").out)))
        self.assertEqual((found[0]["table"], found[0]["match"], json.loads(found[0]["properties"])["points"]), ("issue", "key", 1))

    def test_csv_of_nothing_has_its_heading(self):
        self.db("delete", "issue", "plain", "comma, \"quote\"", "\u65e5\u672c")
        self.assertTrue(self.db("list", "issue", "--format", "csv").out.startswith("id,key,title,"))
        self.assertEqual(self.db("list", "issue").out, "[]\n")

    def test_table_on_a_terminal(self):
        code, shown = self.on_terminal("list", "issue")
        self.assertEqual(code, 0)
        self.assertRegex(shown, r"^key +title +status +points")
        self.assertIn("two lines", shown)
        self.assertRegex(shown, r"\(3 rows, \d+\.\d ms\)\n$")
        self.assertNotIn("rows,", self.on_terminal("list", "issue", "--quiet")[1])

    def test_columns_line_up_whatever_the_script(self):
        _, shown = self.on_terminal("list", "issue", columns=200)
        lines = [line for line in shown.splitlines() if line and not line.startswith("(")]

        def column_of(line, word):
            return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line[:line.index(word)])
        titles = {"one": None, "two lines": None, "\u00e4\u00f6\u00fc": None, "title": None}
        for line in lines:
            for word in titles:
                if word in line:
                    titles[word] = column_of(line, word)
        self.assertEqual(len(set(titles.values())), 1, titles)

    def test_lines_fit_the_terminal(self):
        self.db("insert", "issue", json.dumps({"key": "long" * 50, "title": "word " * 100}))
        _, shown = self.on_terminal("list", "issue", columns=60)
        self.assertTrue(all(len(line) <= 60 for line in shown.splitlines()), shown)
        self.assertIn("\u2026", shown)

    def test_entity_on_a_terminal(self):
        _, shown = self.on_terminal("get", "issue", "plain")
        self.assertRegex(shown, r"(?m)^type +issue$")
        self.assertRegex(shown, r"(?m)^  title +one$")

    def test_errors_and_data_do_not_mix(self):
        result = self.db("get", "issue", "nothing", "--json", code=NOT_FOUND)
        self.assertEqual(result.out, "")
        self.assertEqual(result.error["code"], "not_found")
        self.assertIn("'nothing'", result.error["message"])

    def test_numbers_survive(self):
        self.db("insert", "issue", '{"key": "n", "title": "t", "a": 0.1, "b": 1e300, "c": 9007199254740993, "d": -0.5}')
        properties = self.db("get", "issue", "n").json["properties"]
        self.assertEqual((properties["a"], properties["b"], properties["c"], properties["d"]), (0.1, 1e300, 9007199254740993, -0.5))
