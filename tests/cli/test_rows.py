# SPDX-License-Identifier: Apache-2.0
"""insert, get, list, lookup, update, delete, edges: shapes, ids and options."""
import json
import re

from program import ALICE, ALICE_ID, ISSUE, NOT_FOUND, PERSON, ProgramTest

INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")


class Person(ProgramTest):
    """The specification's own example, with the ids of D7."""

    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(PERSON)

    def test_stored_entity_has_the_documented_shape_and_id(self):
        entity = self.db("insert", "person", json.dumps(ALICE)).json
        self.assertEqual(list(entity), ["id", "type", "created_at", "modified_at", "deleted_at", "edges", "properties"])
        self.assertEqual(entity["id"], ALICE_ID)
        self.assertEqual(entity["type"], "person")
        self.assertRegex(entity["created_at"], INSTANT)
        self.assertEqual(entity["created_at"], entity["modified_at"])
        self.assertIsNone(entity["deleted_at"])
        self.assertEqual(entity["edges"], [])
        self.assertEqual(entity["properties"], ALICE)
        self.assertEqual(list(entity["properties"]), ["name", "email", "role", "bio"])
        self.assertEqual(self.db("get", "person", "alice@example.com").json, entity)
        self.assertEqual(self.db("get", "person", ALICE_ID).json, entity)

    def test_insert_is_upsert(self):
        first = self.db("insert", "person", json.dumps(ALICE)).json
        second = self.db("insert", "person", json.dumps(dict(ALICE, role="lead"))).json
        self.assertEqual(second["id"], first["id"])
        self.assertEqual(second["created_at"], first["created_at"])
        self.assertGreater(second["modified_at"], first["modified_at"])
        self.assertEqual(second["properties"]["role"], "lead")
        self.assertEqual(self.count("person"), 1)
        self.assertEqual(self.db("insert", "person", json.dumps(dict(ALICE, role="lead"))).json, second)

    def test_insert_reads_standard_input(self):
        self.assertEqual(self.db("insert", "person", "-", input=json.dumps(ALICE)).json["id"], ALICE_ID)

    def test_defaults_and_fields_outside_the_schema(self):
        entity = self.db("insert", "person", '{"name": "B", "email": "b@x", "role": "r", "shoe": 43.5}').json
        self.assertEqual(entity["properties"]["shoe"], 43.5)
        self.assertEqual(self.db("get", "person", "b@x").json["properties"]["shoe"], 43.5)

    def test_update_merges_and_keeps_keys(self):
        self.db("insert", "person", json.dumps(ALICE))
        entity = self.db("update", "person", "alice@example.com", '{"role": "lead", "bio": null}').json
        self.assertEqual(entity["properties"]["role"], "lead")
        self.assertIsNone(entity["properties"].get("bio"))
        self.assertEqual(entity["properties"]["name"], "Alice Smith")
        self.assertEqual(self.run_db("update", "person", "alice@example.com", '{"email": "x@y"}').code, 1)
        self.fails("update", "person", "nobody", "{}", code=NOT_FOUND, says="'nobody'")

    def test_delete_hides_and_insert_brings_back(self):
        self.db("insert", "person", json.dumps(ALICE))
        self.assertEqual(self.db("delete", "person", "alice@example.com").json, {"deleted": 1, "missing": 0})
        self.fails("get", "person", "alice@example.com", code=NOT_FOUND, says="alice@example.com")
        self.assertEqual(self.db("list", "person").json, [])
        self.assertEqual(self.db("lookup", "alice@example.com", code=NOT_FOUND).json, [])
        deleted = self.db("get", "person", "alice@example.com", "--include-deleted").json
        self.assertRegex(deleted["deleted_at"], INSTANT)
        self.assertEqual(len(self.db("list", "person", "--include-deleted").json), 1)
        self.assertEqual(len(self.db("lookup", "alice@example.com", "--include-deleted").json), 1)
        again = self.db("insert", "person", json.dumps(ALICE)).json
        self.assertIsNone(again["deleted_at"])
        self.assertEqual(again["created_at"], deleted["created_at"])

    def test_delete_of_nothing(self):
        result = self.fails("delete", "person", "nobody", code=NOT_FOUND, says="'nobody'")
        self.assertEqual(result.json, {"deleted": 0, "missing": 1})
        self.db("delete", "person", "--where", "role=pilot", code=NOT_FOUND)

    def test_unknown_table_suggests_the_nearest(self):
        self.fails("get", "persn", "x", says="'persn'", hints="person")
        self.fails("insert", "persons", "{}", says="'persons'", hints="person")
        self.fails("list", "resourcs", hints="resources")


class GoldenIds(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()

    def test_resources(self):
        row = {"uri": "file:///docs/guide.md", "name": "guide", "content": "Introduction to..."}
        self.assertEqual(self.db("insert", "resources", json.dumps(row)).json["id"], "bbec75cb-9736-68a0-f03e-22fb39dd2c1f")
        self.assertEqual(self.db("insert", "resource", json.dumps(dict(row, ordinal=1))).json["id"],
                         "1c4b784b-78ea-d319-0de3-d4222b57ac8b")
        self.assertEqual(len(self.db("lookup", "file:///docs/guide.md").json), 2)
        self.assertEqual(self.db("get", "resources", "file:///docs/guide.md:1").json["properties"]["ordinal"], 1)

    def test_moments(self):
        row = {"name": "Sprint 42", "moment_type": "period", "start_time": "2025-10-01T00:00:00Z",
               "end_time": "2025-10-14T23:59:59Z", "classifications": ["sprint", "development"],
               "description": "Performance optimization sprint"}
        entity = self.db("insert", "moment", json.dumps(row)).json
        self.assertEqual(entity["id"], "bf7af608-797b-4b92-d4f8-767ef480f836")
        self.assertEqual(entity["type"], "moment")
        self.assertEqual(self.db("lookup", "Sprint 42").json[0]["match"], "name")
        other = dict(row, start_time="2025-10-15T00:00:00+00:00")
        self.assertNotEqual(self.db("insert", "moments", json.dumps(other)).json["id"], entity["id"])

    def test_specification_upsert_example(self):
        self.db("insert", "resources", json.dumps({"uri": "file:///doc.txt", "ordinal": 0, "name": "Doc chunk 1",
                                                   "content": "First paragraph..."}))
        self.db("insert", "resources", json.dumps({"uri": "file:///doc.txt", "ordinal": 0, "name": "Doc chunk 1 (updated)",
                                                   "content": "Updated first paragraph..."}))
        rows = self.db("list", "resources").json
        self.assertEqual([row["properties"]["name"] for row in rows], ["Doc chunk 1 (updated)"])

    def test_specification_jsonl_example(self):
        lines = ('{"uri": "file:///doc1.txt", "ordinal": 0, "name": "Doc 1", "content": "..."}\n'
                 '{"uri": "file:///doc2.txt", "ordinal": 0, "name": "Doc 2", "content": "..."}\n')
        path = self.file("data.jsonl", lines)
        self.assertEqual(self.db("upsert", path, "--schema=resources").json,
                         {"inserted": 2, "updated": 0, "unchanged": 0, "failed": 0, "errors": []})
        entity = self.db("lookup", "file:///doc1.txt").json[0]["entity"]
        self.assertEqual(entity["type"], "resource")
        self.assertEqual(entity["properties"]["name"], "Doc 1")
        self.assertEqual(entity["properties"]["content"], "...")

    def test_explicit_id(self):
        wanted = "550e8400-e29b-41d4-a716-446655440000"
        row = {"id": wanted, "uri": "file:///x", "name": "x", "content": "y"}
        self.assertEqual(self.db("insert", "resources", json.dumps(row)).json["id"], wanted)
        self.fails("insert", "resources", json.dumps(dict(row, id="not-a-uuid", uri="file:///z")), says="not-a-uuid")
        self.run_db("insert", "resources", json.dumps(dict(row, id=ALICE_ID)))
        self.assertEqual(len(self.db("lookup", "file:///x").json), 1)


class Lookup(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)
        self.add_schema(dict(ISSUE, title="Document", short_name="document"))
        self.db("insert", "issue", '{"key": "TAP-1234", "title": "Database performance optimization"}')
        self.db("insert", "document", '{"key": "TAP-1234", "title": "TAP-1234-analysis.pdf"}')
        self.db("insert", "issue", '{"key": "TAP-1299", "title": "Other"}')

    def test_all_tables_are_searched(self):
        found = self.db("lookup", "TAP-1234").json
        self.assertEqual({(hit["table"], hit["match"]) for hit in found}, {("issue", "key"), ("document", "key")})
        self.assertEqual([list(hit) for hit in found], [["table", "match", "entity"]] * 2)

    def test_form_for_people(self):
        out = self.db("lookup", "TAP-1234", "--format", "table").out
        self.assertTrue(out.startswith("Found 2 entities:\n"), out)
        self.assertIn("  • Issue (type: issue)         - TAP-1234: Database performance optimization\n", out)
        self.assertIn("  • Document (type: document)   - TAP-1234: TAP-1234-analysis.pdf\n", out)
        self.assertTrue(self.db("lookup", "TAP-1299", "--format", "table").out.startswith("Found 1 entity:\n"))

    def test_nothing_found(self):
        self.assertEqual(self.db("lookup", "tap-1234", code=NOT_FOUND).json, [])
        self.fails("lookup", "tap-1234", "--format", "table", code=NOT_FOUND, says="'tap-1234'", hints="--ignore-case")

    def test_wider_forms_say_how_they_matched(self):
        self.assertEqual({hit["match"] for hit in self.db("lookup", "tap-1234", "--ignore-case").json}, {"ignore-case"})
        prefix = self.db("lookup", "TAP-12", "--prefix").json
        self.assertEqual((len(prefix), {hit["match"] for hit in prefix}), (3, {"prefix"}))
        self.assertIn("TAP-1234", {hit["entity"]["properties"]["key"] for hit in self.db("lookup", "TAP-1243", "--fuzzy").json})
        self.assertEqual(len(self.db("lookup", "TAP-12", "--prefix", "--limit", 2).json), 2)

    def test_by_id(self):
        wanted = self.db("get", "issue", "TAP-1299").json["id"]
        self.assertEqual([(hit["match"], hit["entity"]["id"]) for hit in self.db("lookup", wanted).json], [("id", wanted)])


class List(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)
        rows = [{"key": f"K-{n}", "title": f"T{n}", "status": "open" if n % 3 else "done", "points": n,
                 "tags": ["even"] if n % 2 == 0 else ["odd", "x"]} for n in range(30)]
        self.db("upsert", "--schema", "issue", input="".join(json.dumps(row) + "\n" for row in rows))

    def keys(self, *arguments):
        return {row["properties"]["key"] for row in self.db("list", "issue", *arguments).json}

    def test_where(self):
        self.assertEqual(self.keys("--where", "status=done"), {f"K-{n}" for n in range(0, 30, 3)})
        self.assertEqual(self.keys("--where", "points=7"), {"K-7"})
        self.assertEqual(self.keys("--where", "tags=even"), {f"K-{n}" for n in range(0, 30, 2)})
        self.assertEqual(self.keys("--where", "status=done", "--where", "tags=odd"), {f"K-{n}" for n in range(3, 30, 6)})
        self.assertEqual(self.keys("--where", "status=DONE"), set())

    def test_unknown_field_is_an_error(self):
        self.fails("list", "issue", "--where", "stauts=open", says="stauts", hints="status")
        self.fails("list", "issue", "--where", "status", code=2, says="FIELD=VALUE")

    def test_limit_and_offset_walk_in_id_order(self):
        everything = [row["id"] for row in self.db("list", "issue").json]
        self.assertEqual(everything, sorted(everything))
        pages = [self.db("list", "issue", "--limit", 12, "--offset", start).json for start in (0, 12, 24)]
        self.assertEqual([row["id"] for page in pages for row in page], everything)
        self.assertEqual(self.db("list", "issue", "--limit", 0).json, [])

    def test_delete_where(self):
        self.assertEqual(self.db("delete", "issue", "--where", "status=done").json["deleted"], 10)
        self.assertEqual(len(self.keys()), 20)


class Edges(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)
        self.db("insert", "issue", '{"key": "B", "title": "b"}')
        self.db("insert", "issue", json.dumps({"key": "A", "title": "a", "edges": [
            "B", "later", {"target": "B", "table": "issue", "type": "blocks", "weight": 0.5, "properties": {"why": "x"}}]}))

    def test_both_directions_are_there_at_once(self):
        out = self.db("edges", "issue", "A", "--direction", "out").json
        self.assertEqual(len(out), 3)
        blocks = next(edge for edge in out if edge["type"] == "blocks")
        self.assertEqual((blocks["weight"], blocks["properties"], blocks["dangling"]), (0.5, {"why": "x"}, False))
        self.assertTrue(next(edge for edge in out if edge["key"] == "later")["dangling"])
        into = self.db("edges", "issue", "B", "--direction", "in").json
        self.assertEqual(len(into), 2)
        self.assertEqual({(edge["direction"], edge["table"], edge["key"]) for edge in into}, {("in", "issue", "A")})

    def test_an_edge_by_id_shows_the_key_of_the_row(self):
        row_id = self.db("get", "issue", "B").json["id"]
        self.db("insert", "issue", json.dumps({"key": "C", "title": "c", "edges": [row_id, "00000000-0000-4000-8000-000000000009"]}))
        out = {edge["target"]: edge for edge in self.db("edges", "issue", "C", "--direction", "out").json}
        self.assertEqual((out[row_id]["table"], out[row_id]["key"], out[row_id]["dangling"]), ("issue", "B", False))
        gone = out["00000000-0000-4000-8000-000000000009"]
        self.assertEqual((gone["table"], gone["key"], gone["dangling"]), (None, None, True))

    def test_a_dangling_edge_resolves_when_its_target_appears(self):
        self.db("insert", "issue", '{"key": "later", "title": "l"}')
        self.assertFalse(any(edge["dangling"] for edge in self.db("edges", "issue", "A", "--direction", "out").json))
        self.assertEqual(len(self.db("edges", "issue", "later").json), 1)

    def test_missing_row(self):
        self.fails("edges", "issue", "nothing", code=NOT_FOUND, says="'nothing'")
