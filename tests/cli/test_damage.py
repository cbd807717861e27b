# SPDX-License-Identifier: Apache-2.0
"""Damaged and foreign databases, damaged and missing models, upkeep."""
import json
import os
import shutil
import struct

import rocks
from program import ALICE, CORRUPT, ERROR, ISSUE, MODEL, MODELS, PERSON, ProgramTest, corrupt_file, needs_model

EMBEDDED = dict(PERSON, embedding_fields=["bio"], embedding_provider="default")


class Damage(ProgramTest):
    def setUp(self):
        super().setUp()
        self.folder = self.init()
        self.add_schema(ISSUE)

    def test_database_of_a_newer_format(self):
        rocks.put(self.folder, "meta", b"format", b"REM\0" + struct.pack("<II", 999, 0))
        for arguments in (("list", "issue"), ("insert", "issue", '{"key": "a", "title": "b"}'), ("check",)):
            self.fails(*arguments, code=ERROR, says="999", hints="newer version")

    def test_corrupt_sst_names_the_file(self):
        lines = "".join(json.dumps({"key": f"K{n}", "title": os.urandom(100).hex()}) + "\n" for n in range(5000))
        self.db("upsert", "--schema", "issue", input=lines)
        self.db("vacuum")
        tables = sorted(self.folder.glob("*.sst"), key=lambda path: path.stat().st_size)
        self.assertTrue(tables, os.listdir(self.folder))
        largest = tables[-1]
        corrupt_file(largest)
        results = [self.run_db("list", "issue"), self.run_db("check")]
        self.assertIn(CORRUPT, [result.code for result in results])
        for result in results:
            if result.code:
                self.assertEqual(result.code, CORRUPT, repr(result))
                self.assertIn(largest.name, result.err + result.out)

    def test_missing_manifest_is_corruption(self):
        (self.folder / "CURRENT").write_text("MANIFEST-999999\n")
        self.assertIn(self.run_db("list", "issue").code, (CORRUPT, ERROR))

    def test_folder_that_is_no_database(self):
        empty = self.home / "empty.db"
        empty.mkdir()
        self.file("text.db", "hello")
        for path in (empty, self.home / "text.db", self.home / "missing.db"):
            result = self.fails("list", "issue", "--db", path)
            self.assertIn(path.name, result.err)
        self.assertEqual(os.listdir(empty), [])

    def test_database_that_may_not_be_read(self):
        if os.geteuid() == 0:
            self.skipTest("root reads everything")
        os.chmod(self.folder, 0)
        self.fails("list", "issue", says="notes.db")


class Upkeep(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)
        self.db("upsert", "--schema", "issue", input=self.issues(300))

    def test_check_of_a_sound_database(self):
        self.assertEqual(self.db("check").json["problems"], [])
        self.assertEqual(self.db("check", "--format", "table").out, "ok\n")
        self.assertTrue(self.db("check", "--repair").json["ok"])

    def test_reindex_keeps_every_answer(self):
        before = self.db("list", "issue").json
        self.db("reindex")
        self.db("reindex", "issue")
        self.assertEqual(self.db("list", "issue").json, before)
        self.assertEqual(len(self.db("lookup", "TAP-7").json), 1)
        self.assertTrue(self.db("check").json["ok"])
        self.fails("reindex", "isue", says="isue")

    def test_vacuum_removes_deleted_rows_for_good(self):
        self.db("delete", "issue", *[f"TAP-{n}" for n in range(50)])
        self.assertEqual(len(self.db("list", "issue", "--include-deleted").json), 300)
        self.assertEqual(self.db("vacuum").json["removed"], 50)
        self.assertEqual(len(self.db("list", "issue", "--include-deleted").json), 250)
        self.assertEqual(self.db("vacuum").json["removed"], 0)
        self.assertTrue(self.db("check").json["ok"])

    def test_stats(self):
        stats = self.db("stats").json
        self.assertIsInstance(stats, dict)
        self.assertIn("issue", json.dumps(stats))
        self.assertTrue(self.db("stats", "--format", "table").out)


class MissingModel(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()

    def test_search_says_how_to_install_one(self):
        self.db("insert", "resources", '{"uri": "file:///a", "name": "a", "content": "b"}')
        self.fails("search", "anything at all", "--schema", "resources", code=MODEL, says="all-MiniLM-L6-v2",
                   hints="db model install")

    def test_embed_says_how_to_install_one(self):
        self.fails("embed", "text", code=MODEL, hints="db model install")

    def test_rows_are_stored_and_pending(self):
        self.add_schema(EMBEDDED)
        result = self.db("insert", "person", json.dumps(ALICE))
        self.assertIn("pending", result.err)
        self.assertEqual(self.db("get", "person", "alice@example.com").json["properties"], ALICE)
        result = self.db("upsert", "--schema", "person", input='{"name": "B", "email": "b@x", "role": "r", "bio": "text"}\n')
        self.assertIn("pending", result.err)
        self.assertTrue(self.db("check").json["ok"])

    def test_embedding_what_is_pending_needs_one(self):
        self.add_schema(EMBEDDED)
        self.db("insert", "person", json.dumps(ALICE))
        self.fails("embed", "--pending", code=MODEL, hints="db model install")

    def test_a_search_for_a_key_needs_none(self):
        self.add_schema(PERSON)
        self.db("insert", "person", json.dumps(ALICE))
        self.assertEqual([hit["score"] for hit in self.db("search", "alice@example.com").json], [1])

    def test_verify_list_and_remove(self):
        self.fails("model", "verify", code=MODEL, says="all-MiniLM-L6-v2", hints="db model install")
        self.assertEqual(self.db("model", "list").json, [])
        self.fails("model", "remove", "nothing", code=3, says="'nothing'")

    def test_what_is_no_model_is_refused(self):
        self.assertIn(self.run_db("model", "install", self.home / "missing.whl").code, (ERROR, MODEL))
        bad = self.file("bad.whl", b"PK\x03\x04 this is no archive")
        result = self.run_db("model", "install", bad)
        self.assertIn(result.code, (ERROR, MODEL), repr(result))
        self.assertIn("bad.whl", result.err)
        folder = self.home / "model"
        folder.mkdir()
        self.assertIn(self.run_db("model", "install", folder).code, (ERROR, MODEL))
        self.assertEqual(self.db("model", "list").json, [])


@needs_model
class DamagedModel(ProgramTest):
    def setUp(self):
        super().setUp()
        copy = self.home / "models"
        shutil.copytree(MODELS, copy)
        self.environment["P8_MODELS_DIR"] = str(copy)
        self.weights = max((path for path in copy.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)

    def test_verify_finds_a_flipped_byte(self):
        self.assertTrue(self.db("model", "verify").json["ok"])
        corrupt_file(self.weights, count=1)
        result = self.db("model", "verify", code=MODEL)
        self.assertIn("all-MiniLM-L6-v2", result.err)

    def test_truncated_model_is_refused(self):
        os.truncate(self.weights, self.weights.stat().st_size // 2)
        self.init()
        self.fails("embed", "text", code=MODEL, hints="db model install")

    def test_bad_header_is_refused(self):
        corrupt_file(self.weights, offset=0)
        self.init()
        self.fails("embed", "text", code=MODEL, hints="db model install")

    def test_remove(self):
        name = self.db("model", "list").json[0]["name"]
        self.db("model", "remove", name)
        self.assertEqual(self.db("model", "list").json, [])
