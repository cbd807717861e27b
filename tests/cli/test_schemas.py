# SPDX-License-Identifier: Apache-2.0
"""schema add, list, show, remove."""
import json

from program import ALICE, ALICE_ID, ISSUE, LOCKED, NOT_FOUND, PERSON, PYDANTIC, ProgramTest, needs_pydantic

PYTHON_PERSON = '''
from typing import Optional
from pydantic import BaseModel, Field, ConfigDict

class Person(BaseModel):
    """A person entity."""

    model_config = ConfigDict(
        json_schema_extra={
            "fully_qualified_name": "myapp.Person",
            "version": "1.0.0",
            "category": "user",
            "indexed_fields": ["email", "role"],
            "embedding_fields": ["bio"],
            "embedding_provider": "default",
            "key_field": "email",
        }
    )

    name: str = Field(description="Full name")
    email: str = Field(description="Email address")
    role: str = Field(description="Job role")
    bio: Optional[str] = Field(None, description="Biography (will be embedded)")
'''


class Schemas(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()

    def test_add_from_json_and_again(self):
        path = self.file("person.json", json.dumps(PERSON))
        self.assertEqual(self.db("schema", "add", path).json["outcome"], "added")
        result = self.db("schema", "add", path).json
        self.assertEqual((result["table"], result["outcome"]), ("person", "unchanged"))

    def test_add_from_yaml(self):
        path = self.file("note.yaml", "title: Note\ntype: object\nkey_field: slug\nproperties:\n  slug: {type: string}\n"
                                      "  stars: {type: integer, minimum: 0}\nrequired: [slug]\n")
        self.assertEqual(self.db("schema", "add", path).json["table"], "note")
        self.fails("insert", "note", '{"slug": "a", "stars": -1}', says="stars")
        self.db("insert", "note", '{"slug": "a", "stars": 1}')

    def test_nested_extension_keys_are_accepted(self):
        schema = {"title": "Team", "type": "object", "properties": {"slug": {"type": "string"}},
                  "json_schema_extra": {"short_name": "team", "key_field": "slug", "indexed_fields": ["slug"]}}
        self.assertEqual(self.add_schema(schema).json["table"], "team")
        self.db("insert", "team", '{"slug": "core"}')
        self.db("get", "team", "core")

    def test_name_is_the_class_name_in_snake_case(self):
        schema = dict(PERSON, title="HTTPServerLog")
        table = self.add_schema(schema).json["table"]
        self.assertRegex(table, r"^[a-z_]+$")
        self.assertEqual(self.db("schema", "add", "-", "--name", "people", input=json.dumps(PERSON)).json["table"], "people")

    def test_list_and_show(self):
        self.add_schema(PERSON)
        listed = next(row for row in self.db("schema", "list").json if row["name"] == "person")
        self.assertEqual(listed, {"name": "person", "category": "user", "version": "1.0.0", "entities": 0,
                                  "description": "A person entity."})
        shown = self.db("schema", "show", "person").json
        self.assertEqual(shown["properties"]["email"], PERSON["properties"]["email"])
        self.assertEqual(shown["key_field"], "email")
        self.assertEqual(shown["required"], PERSON["required"])
        self.assertEqual(self.db("schema", "show", "resource").json, self.db("schema", "show", "resources").json)
        self.fails("schema", "show", "nothing", code=NOT_FOUND, says="'nothing'")

    def test_show_for_people_is_indented_json(self):
        out = self.db("schema", "show", "resources", "--format", "table").out
        self.assertIn('\n  "properties": {\n', out)
        self.assertEqual(json.loads(out), self.db("schema", "show", "resources").json)

    def test_compatible_change_keeps_the_data(self):
        self.add_schema(ISSUE)
        self.db("upsert", "--schema", "issue", input=self.issues(50))
        changed = json.loads(json.dumps(ISSUE))
        changed["properties"]["owner"] = {"type": "string"}
        changed["indexed_fields"] = ["status", "points"]
        result = self.add_schema(changed).json
        self.assertEqual(result["outcome"], "updated")
        self.assertTrue(result["changes"])
        self.assertEqual(len(self.db("list", "issue", "--where", "points=7").json), 1)
        self.db("update", "issue", "TAP-7", '{"owner": "alice"}')
        self.assertTrue(self.db("check").json["ok"])

    def test_incompatible_change_is_refused_with_the_differences(self):
        self.add_schema(ISSUE)
        self.db("upsert", "--schema", "issue", input=self.issues(3))
        changed = json.loads(json.dumps(ISSUE))
        changed["properties"]["points"] = {"type": "string"}
        self.fails("schema", "add", "-", input=json.dumps(changed), code=LOCKED, says="points")
        self.assertEqual(self.db("schema", "show", "issue").json["properties"]["points"], {"type": "integer"})

    def test_remove(self):
        self.add_schema(ISSUE)
        self.db("schema", "remove", "issue")
        self.fails("schema", "remove", "issue", code=NOT_FOUND, says="'issue'")
        self.add_schema(ISSUE)
        self.db("upsert", "--schema", "issue", input=self.issues(3))
        self.fails("schema", "remove", "issue", code=LOCKED, hints="--with-rows")
        self.db("schema", "remove", "issue", "--with-rows")
        self.db("lookup", "TAP-1", code=NOT_FOUND)
        self.add_schema(ISSUE)
        self.assertEqual(self.count("issue"), 0)
        self.assertTrue(self.db("check").json["ok"])

    def test_unusable_schemas_are_refused(self):
        base = {"title": "T", "type": "object", "properties": {"a": {"type": "string"}}}
        for change, words in (({"type": "array"}, "object"), ({"key_field": "b"}, "'b'"),
                              ({"indexed_fields": ["zz"]}, "'zz'"), ({"short_name": "select from"}, "select from"),
                              ({"short_name": "entities"}, "entities"), ({"short_name": "sqlite_x"}, "sqlite_x"),
                              ({"properties": {"_a": {"type": "string"}}}, "_a"),
                              ({"properties": {"A": {"type": "string"}, "a": {"type": "string"}}}, "case"),
                              ({"properties": {"a": {"type": "strin"}}}, "strin")):
            result = self.run_db("schema", "add", "-", input=json.dumps(dict(base, **change)))
            self.assertEqual(result.code, 1, f"{change}: {result!r}")
            self.assertIn(words, result.err, change)
        self.fails("schema", "add", "-", input="{")
        self.fails("schema", "add", self.home / "missing.json", says="missing.json")
        self.fails("schema", "add", self.file("x.txt", "hello"), says="x.txt")

    def test_built_in_schemas_accept_compatible_fields(self):
        schema = self.db("schema", "show", "resources").json
        schema["properties"]["status"] = {"type": "string"}
        self.db("schema", "add", "-", "--name", "resources", input=json.dumps(schema))
        self.db("insert", "resources", '{"uri": "file:///a", "name": "a", "content": "c", "status": "active"}')
        self.assertEqual(len(self.db("list", "resources", "--where", "status=active").json), 1)
        self.assertEqual(self.run_db("schema", "remove", "resources").code, 1)

    @needs_pydantic
    def test_add_from_a_pydantic_class(self):
        path = self.file("person.py", PYTHON_PERSON)
        result = self.db("schema", "add", f"{path}::Person", "--python", PYDANTIC).json
        self.assertEqual((result["table"], result["outcome"]), ("person", "added"))
        entity = self.db("insert", "person", json.dumps(ALICE)).json
        self.assertEqual((entity["id"], entity["type"], entity["properties"]), (ALICE_ID, "person", ALICE))
        shown = self.db("schema", "show", "person").json
        self.assertEqual(shown["embedding_fields"], ["bio"])
        self.assertEqual(shown["properties"]["email"], PERSON["properties"]["email"])

    @needs_pydantic
    def test_python_errors_are_told(self):
        path = self.file("broken.py", "class Person\n")
        self.fails("schema", "add", f"{path}::Person", "--python", PYDANTIC, says="broken.py")
        path = self.file("person.py", PYTHON_PERSON)
        self.fails("schema", "add", f"{path}::Persn", "--python", PYDANTIC, says="Persn")

    def test_missing_python_is_told(self):
        path = self.file("person.py", PYTHON_PERSON)
        self.fails("schema", "add", f"{path}::Person", "--python", "/nonexistent/python", says="/nonexistent/python")
