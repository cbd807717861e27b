# SPDX-License-Identifier: Apache-2.0
"""ingest and search."""
import json
import math
import os

from program import ALICE, ERROR, ISSUE, MODELS, PERSON, ProgramTest, needs_model

GUIDE = """# Guide

Introduction to the guide.

## Installing

Run the installer and wait until it says that it is done.

## Removing

Delete the folder.
"""


class Ingest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()

    def test_file_becomes_one_file_and_its_chunks(self):
        path = self.file("docs/guide.md", GUIDE)
        result = self.db("ingest", "--file", path).json
        self.assertEqual((result["files"], result["failed"], result["errors"]), (1, 0, []))
        self.assertGreater(result["chunks"], 0)
        file = self.db("list", "files").json[0]
        uri = f"file://{path}"
        self.assertEqual(file["type"], "file")
        self.assertEqual((file["properties"]["uri"], file["properties"]["name"], file["properties"]["status"]),
                         (uri, "guide.md", "completed"))
        self.assertEqual((file["properties"]["size_bytes"], file["properties"]["chunk_count"]), (len(GUIDE), result["chunks"]))
        chunks = self.db("list", "resources").json
        self.assertEqual({chunk["id"] for chunk in chunks}, set(file["edges"]))
        self.assertEqual({chunk["properties"]["uri"] for chunk in chunks}, {uri})
        self.assertEqual(sorted(chunk["properties"]["ordinal"] for chunk in chunks), list(range(len(chunks))))
        text = "\n".join(chunk["properties"]["content"] for chunk in chunks)
        self.assertIn("wait until it says that it is done", text)
        self.assertEqual({hit["table"] for hit in self.db("lookup", uri).json}, {"files", "resources"})
        self.assertEqual(len(self.db("lookup", uri).json), 1 + len(chunks))

    def test_unchanged_files_are_skipped_and_changed_ones_replaced(self):
        path = self.file("docs/guide.md", GUIDE)
        self.db("ingest", path)
        result = self.db("ingest", path).json
        self.assertEqual((result["skipped"], result["chunks"]), (1, 0))
        self.assertEqual(self.db("ingest", path, "--force").json["skipped"], 0)
        path.write_text("# Guide\n\nShort now.\n")
        self.db("ingest", path)
        self.assertEqual([chunk["properties"]["content"].split()[-1] for chunk in self.db("list", "resources").json], ["now."])
        self.assertEqual(len(self.db("list", "files").json), 1)
        self.assertTrue(self.db("check").json["ok"])

    def test_folder_category_and_prune(self):
        for n in range(5):
            self.file(f"docs/part{n % 2}/doc{n}.md", f"# Document {n}\n\nText number {n}.\n")
        result = self.db("ingest", "--folder", self.home / "docs", "--category", "tutorial").json
        self.assertEqual(result["files"], 5)
        self.assertEqual(len(self.db("list", "resources", "--where", "category=tutorial").json), result["chunks"])
        os.remove(self.home / "docs" / "part0" / "doc0.md")
        self.assertEqual(self.db("ingest", "--folder", self.home / "docs").json["removed"], 0)
        result = self.db("ingest", "--folder", self.home / "docs", "--prune").json
        self.assertEqual((result["removed"], result["skipped"]), (1, 4))
        self.assertEqual(len(self.db("list", "files").json), 4)

    def test_form_for_people(self):
        self.file("docs/guide.md", GUIDE)
        self.assertRegex(self.db("ingest", "docs", "--format", "table").out, r"^1 files, \d+ chunks, 0 skipped, 0 failed, 0 removed\n$")


class Plan(ProgramTest):
    KEYS = ["query_type", "query", "confidence", "explanation", "follow_up_question", "fallback_query"]

    def setUp(self):
        super().setUp()
        self.init()

    def test_vector_plan_is_the_specifications(self):
        plan = self.db("search", "Python tutorials", "--schema", "resources", "--plan").json
        self.assertEqual(list(plan), self.KEYS)
        self.assertEqual(plan["query_type"], "vector")
        self.assertEqual(plan["query"], "SELECT * FROM resources WHERE embedding.cosine('Python tutorials') LIMIT 10")
        self.assertTrue(0 <= plan["confidence"] <= 1)

    def test_low_confidence_is_explained(self):
        plan = self.db("search", "Python tutorials", "--plan").json
        self.assertEqual(plan["confidence"] < 0.8, plan["explanation"] is not None)

    def test_options_are_part_of_the_plan(self):
        plan = self.db("search", "it's", "--schema", "resources", "--where", "category=tutorial", "--min-score", "0.7", "--limit",
                       "20", "--plan").json
        self.assertEqual(plan["query_type"], "hybrid")
        self.assertEqual(plan["query"], "SELECT * FROM resources WHERE category = 'tutorial' AND embedding.cosine('it''s') > 0.7 "
                                        "LIMIT 20")
        self.assertEqual(plan["fallback_query"], "SELECT * FROM resources WHERE category = 'tutorial' LIMIT 20")

    def test_key_is_a_lookup(self):
        self.add_schema(ISSUE)
        self.db("insert", "issue", '{"key": "TAP-1234", "title": "t"}')
        plan = self.db("search", "TAP-1234", "--plan").json
        self.assertEqual((plan["query_type"], plan["query"], plan["confidence"]), ("entity_lookup", "LOOKUP 'TAP-1234'", 1.0))


@needs_model
class Search(ProgramTest):
    models = MODELS

    DOCUMENTS = {"cooking": "Boil the pasta in salted water, then fry onions and tomatoes for the sauce.",
                 "space": "The rocket carried a telescope into orbit around the Earth to study distant galaxies.",
                 "money": "The central bank raised interest rates to slow down inflation.",
                 "music": "The orchestra tuned its violins before the symphony began."}

    def setUp(self):
        super().setUp()
        self.assertFalse(self.db("init", "notes").json["pending"])

    def store(self):
        lines = "".join(json.dumps({"uri": f"file:///{name}.md", "name": name, "content": text,
                                    "category": "science" if name == "space" else "life"}) + "\n"
                        for name, text in self.DOCUMENTS.items())
        self.db("upsert", "--schema", "resources", input=lines)

    def names(self, *arguments):
        return [hit["entity"]["properties"]["name"] for hit in self.db("search", *arguments).json]

    def test_meaning_decides(self):
        self.store()
        for text, name in (("astronomy and satellites", "space"), ("how do I prepare dinner", "cooking"),
                           ("economic policy", "money"), ("classical concert", "music")):
            found = self.db("search", text, "--schema", "resources").json
            self.assertEqual([list(hit) for hit in found], [["table", "score", "entity"]] * 4)
            self.assertEqual(found[0]["entity"]["properties"]["name"], name)
            scores = [hit["score"] for hit in found]
            self.assertEqual(scores, sorted(scores, reverse=True))
            self.assertTrue(all(-1 <= score <= 1 for score in scores))

    def test_options(self):
        self.store()
        self.assertEqual(len(self.names("anything", "--limit", 2)), 2)
        everything = self.names("the orchestra", "--schema", "resources")
        self.assertEqual(self.names("the orchestra", "--schema", "resources", "--offset", 1, "--limit", 2), everything[1:3])
        self.assertEqual(self.names("the orchestra", "--where", "category=science", "--schema", "resources"), ["space"])
        self.assertEqual(self.names("the orchestra", "--min-score", "0.999"), [])
        best = self.db("search", self.DOCUMENTS["music"], "--limit", 1).json[0]
        self.assertAlmostEqual(best["score"], 1, places=2)

    def test_nothing_stored_is_done_and_empty(self):
        self.assertEqual(self.db("search", "anything", "--schema", "resources").json, [])

    def test_several_tables_are_merged_by_score(self):
        self.store()
        self.add_schema(dict(PERSON, embedding_fields=["bio"], embedding_provider="default"))
        self.db("insert", "person", json.dumps(dict(ALICE, bio="Violinist in a symphony orchestra.")))
        found = self.db("search", "violin players", "--limit", 3).json
        self.assertEqual(found[0]["table"], "person")
        self.assertIn("resources", {hit["table"] for hit in found})

    def test_deleted_rows_are_not_found(self):
        self.store()
        self.db("delete", "resources", "--where", "name=space")
        self.assertNotIn("space", self.names("rockets in orbit"))
        self.assertIn("space", self.names("rockets in orbit", "--include-deleted", "--schema", "resources"))

    def test_pending_rows_are_counted_and_embedded_later(self):
        env = {"P8_MODELS_DIR": str(self.home / "none")}
        row = json.dumps({"uri": "file:///late.md", "name": "late", "content": "Penguins live in Antarctica."})
        self.assertIn("pending", self.db("insert", "resources", row, env=env).err)
        result = self.db("search", "polar birds", "--schema", "resources")
        self.assertEqual(result.json, [])
        self.assertIn("1 row", result.err)
        self.assertEqual(self.db("embed", "--pending").json["embedded"], 1)
        self.assertEqual(self.names("polar birds", "--schema", "resources"), ["late"])

    def test_embed_prints_a_unit_vector(self):
        vector = self.db("embed", "hello world").json
        self.assertEqual(len(vector), 384)
        self.assertAlmostEqual(math.fsum(x * x for x in vector), 1, places=3)

    def test_with_embedding(self):
        self.store()
        entity = self.db("get", "resources", "file:///space.md:0", "--with-embedding").json
        self.assertEqual(list(entity)[-2:], ["embedding", "embedding_alt"])
        self.assertEqual(len(entity["embedding"]), 384)
        self.assertIsNone(entity["embedding_alt"])
        self.assertNotIn("embedding", self.db("get", "resources", "file:///space.md:0").json)

    def test_form_for_people(self):
        self.store()
        out = self.db("search", "rockets", "--limit", "1", "--format", "table").out
        self.assertRegex(out, r"^score +table +key +text\n")
        self.assertIn("file:///space.md:0", out)
        self.assertEqual(self.run_db("search", "x", "--schema", "nothing").code, ERROR)
