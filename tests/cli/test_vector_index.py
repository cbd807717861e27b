# SPDX-License-Identifier: Apache-2.0
"""The vector index from outside: made by itself, complete whatever happens to its file, shown and mended by the commands."""
import json
import unittest

import program
from program import CORRUPT, ProgramTest, corrupt_file, needs_model

SUBJECTS = ["harbour", "violin", "tax law", "orchid", "glacier", "steam engine", "poem", "stone bridge"]


@needs_model
class VectorIndex(ProgramTest):
    models = program.MODELS
    ROWS = 96

    def setUp(self):
        super().setUp()
        self.environment["P8_VECTOR_INDEX_MIN_ROWS"] = "40"
        self.path = self.init()

    def notes(self, first, end):
        rows = [{"uri": f"file:///{n}", "name": f"note {n}", "category": "even" if n % 2 == 0 else "odd",
                 "content": f"A note on the {SUBJECTS[n % 8]} and the {SUBJECTS[n // 8 % 8]}, number {n}"} for n in range(first, end)]
        return self.file("notes.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def fill(self, first=0, end=ROWS):
        self.db("upsert", self.notes(first, end), "--schema", "resources")

    def graph_files(self):
        folder = self.path / "vectors"
        return sorted(folder.iterdir()) if folder.exists() else []

    def search(self, *arguments, **more):
        result = self.db("search", "crossing a river by a bridge", "--schema", "resources", "--format", "json", *arguments, **more)
        return [(hit["entity"]["id"], round(hit["score"], 5)) for hit in result.json], result.err

    def index(self, **env):
        table = next(table for table in self.db("stats", "--json", env=env).json["tables"] if table["name"] == "resources")
        return table["vector_index"]

    def assert_complete(self, notice=None):
        for arguments in (("--limit", 1), ("--limit", 20), ("--limit", 5000), ("--limit", 7, "--where", "category=odd"),
                          ("--limit", 3, "--where", "name=note 5"), ("--limit", 3, "--where", "name=nothing"),
                          ("--min-score", "0.3", "--limit", 5000)):
            flat, _ = self.search(*arguments, env={"P8_VECTOR_INDEX_TYPE": "flat"})
            exact, err = self.search("--exact", *arguments)
            self.assertEqual(exact, flat, arguments)
            walked, _ = self.search(*arguments)
            self.assertEqual(len(walked), len(flat), arguments)
            if notice and "--where" not in arguments:
                self.assertIn(notice, err)

    def test_small_tables_have_none_and_large_ones_get_one(self):
        self.fill(0, 39)
        self.assertEqual(self.index(), {"type": "flat"})
        self.assertEqual(self.graph_files(), [])
        self.fill(39, self.ROWS)
        index = self.index()
        self.assertEqual((index["type"], index["state"], index["rows"], index["ef_search"]), ("hnsw", "file", self.ROWS, 50))
        self.assertGreater(index["recall"], 0.9)
        self.assertEqual(len(self.graph_files()), 1)
        self.assert_complete()
        _, err = self.search("--explain")
        self.assertIn("'resources': walk", err)
        _, err = self.search("--explain", "--ef", 200)
        self.assertIn("ef 200", err)
        _, err = self.search("--explain", "--exact")
        self.assertIn("exact scan", err)
        self.assertEqual(self.index(P8_HNSW_EF_SEARCH="70")["ef_search"], 70)

    def test_later_changes_are_found_beside_the_file(self):
        self.fill()
        file = self.graph_files()
        self.fill(0, 3)
        self.db("insert", "resources", json.dumps({"uri": "file:///new", "name": "new", "content": "a bridge across a river"}))
        self.db("delete", "resources", "file:///7:0", "file:///15:0")
        self.assertEqual(self.graph_files(), file)
        self.assertEqual(self.index()["changes"], 3)
        best, _ = self.search("--limit", 1)
        self.assertGreater(best[0][1], 0.7)
        self.assert_complete()
        self.db("insert", "resources", json.dumps({"uri": "file:///7", "name": "note 7", "category": "odd",
                                                   "content": "A note on the stone bridge and the harbour, number 7"}))
        self.assert_complete()
        self.assertTrue(self.db("check").json["ok"])
        self.db("vacuum")
        self.assert_complete()
        self.assertTrue(self.db("check").json["ok"])

    def test_a_damaged_file_costs_time_and_not_answers(self):
        self.fill()
        corrupt_file(self.graph_files()[0], offset=8, count=8)
        self.assert_complete(notice="cannot be used")
        report = self.db("check", code=CORRUPT).json
        self.assertFalse(report["ok"])
        self.assertIn("vector index of 'resources'", report["problems"][0])
        self.assertTrue(self.db("check", "--repair").json["ok"])
        self.assertTrue(self.db("check").json["ok"])
        self.assert_complete()
        self.assertEqual(self.index()["state"], "file")
        self.graph_files()[0].unlink()
        self.assert_complete(notice="cannot be used")
        self.db("reindex", "resources")
        self.assert_complete()
        self.assertEqual(self.index()["state"], "file")

    def test_what_changes_the_vectors_as_a_whole_changes_the_index(self):
        self.fill()
        self.db("delete", "resources", *[f"file:///{n}:0" for n in range(80)])
        self.assert_complete()
        self.db("vacuum")
        self.assert_complete()
        self.fill()
        self.assert_complete()
        schema = {"title": "Note", "short_name": "note", "type": "object", "description": "A note.", "key_field": "key",
                  "required": ["key"], "embedding_fields": ["text"],
                  "properties": {"key": {"type": "string"}, "text": {"type": "string"}}}
        for round_number in range(2):
            self.add_schema(schema)
            rows = "".join(json.dumps({"key": str(n), "text": f"{SUBJECTS[n % 8]} {n} {round_number}"}) + "\n" for n in range(60))
            self.db("upsert", "-", "--schema", "note", input=rows)
            self.assertEqual(len(self.db("search", "a poem", "--schema", "note", "--limit", 100).json), 60)
            self.assertTrue(self.db("check").json["ok"])
            self.db("schema", "remove", "note", "--with-rows")
        self.assertTrue(self.db("check").json["ok"])


if __name__ == "__main__":
    unittest.main()
