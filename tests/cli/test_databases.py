# SPDX-License-Identifier: Apache-2.0
"""Which database a command means (D5), and tenants (D6)."""
import json
import os
import stat

from program import ALICE, NOT_FOUND, PERSON, USAGE, ProgramTest


class Init(ProgramTest):
    def test_init_makes_a_private_folder_with_the_built_in_schemas(self):
        result = self.db("init", "notes").json
        self.assertEqual(result["name"], "notes")
        self.assertFalse(result["existed"])
        self.assertEqual(result["path"], str(self.home / "p8" / "db" / "notes.db"))
        self.assertEqual(stat.S_IMODE(os.stat(result["path"]).st_mode), 0o700)
        schemas = {schema["name"]: schema for schema in self.db("schema", "list").json}
        self.assertEqual(set(schemas), {"schema", "resources", "files", "moments"})
        self.assertEqual({schema["category"] for schema in schemas.values()}, {"system"})
        self.assertEqual(schemas["schema"]["entities"], 4)

    def test_init_says_for_people_that_it_is_the_current_one(self):
        out = self.db("init", "notes", "--format", "table").out
        self.assertIn("notes.db", out)
        self.assertIn("current", out)

    def test_without_a_model_init_succeeds_and_says_so(self):
        result = self.db("init", "notes")
        self.assertTrue(result.json["pending"])
        self.assertIn("db model install", result.err)
        self.assertEqual(self.db("init", "more", "--quiet").err, "")
        notice = json.loads(self.db("init", "third", "--json").err)
        self.assertEqual(set(notice), {"notice"})

    def test_init_on_an_existing_database_is_an_error(self):
        self.init()
        self.fails("init", "notes", says="notes", hints="--if-not-exists")
        self.assertTrue(self.db("init", "notes", "--if-not-exists").json["existed"])

    def test_init_at_a_path_of_its_own(self):
        folder = self.home / "elsewhere" / "mine"
        self.assertEqual(self.db("init", "mine", "--path", folder).json["path"], str(folder))
        self.assertEqual(len(self.db("schema", "list", "--db", folder).json), 4)
        self.assertEqual(len(self.db("schema", "list").json), 4)

    def test_bad_names_are_refused(self):
        for name in ("", "a/b", "..", "a" * 300, "a\nb"):
            self.fails("init", name)

    def test_db_path_moves_the_parent_folder(self):
        parent = self.home / "databases"
        env = {"P8_DB_PATH": str(parent)}
        self.assertEqual(self.db("init", "mydb", env=env).json["path"], str(parent / "mydb.db"))


class Which(ProgramTest):
    def setUp(self):
        super().setUp()
        for name in ("one", "two", "three"):
            self.init(name)
            self.db("schema", "add", "-", "--db", name, "--name", f"in_{name}",
                    input=json.dumps(dict(PERSON, title=f"In{name}")))

    def current(self, *arguments, **more):
        names = {schema["name"] for schema in self.db("schema", "list", *arguments, **more).json}
        return next(name for name in ("one", "two", "three") if f"in_{name}" in names)

    def test_the_last_one_made_is_the_current_one(self):
        self.assertEqual(self.current(), "three")

    def test_use_chooses(self):
        self.assertEqual(self.db("use", "one").json["path"], str(self.home / "p8" / "db" / "one.db"))
        self.assertEqual(self.current(), "one")
        self.assertEqual(self.db("use").json["path"], str(self.home / "p8" / "db" / "one.db"))
        self.fails("use", "four", says="four", hints="one")

    def test_flag_beats_environment_beats_current(self):
        self.db("use", "one")
        self.assertEqual(self.current(env={"P8_DB": "two"}), "two")
        self.assertEqual(self.current("--db", "three", env={"P8_DB": "two"}), "three")
        self.assertEqual(self.current("--db", self.home / "p8" / "db" / "two.db"), "two")

    def test_without_a_current_one_the_candidates_are_listed(self):
        for name in ("one", "two"):
            self.db("init", name, "--path", self.home / "bare" / f"{name}.db")
        env = {"P8_HOME": str(self.home / "other"), "P8_DB_PATH": str(self.home / "bare")}
        result = self.fails("schema", "list", env=env)
        self.assertIn("one", result.err)
        self.assertIn("two", result.err)

    def test_the_only_one_needs_no_choice(self):
        self.db("init", "single", "--path", self.home / "bare" / "single.db")
        env = {"P8_HOME": str(self.home / "other"), "P8_DB_PATH": str(self.home / "bare")}
        self.assertEqual(len(self.db("schema", "list", env=env).json), 4)

    def test_an_unknown_one_is_an_error_with_the_nearest(self):
        self.fails("list", "resources", "--db", "thre", says="thre", hints="three")

    def test_no_database_at_all_says_how_to_make_one(self):
        self.fails("lookup", "x", env={"P8_HOME": str(self.home / "empty")}, hints="db init")


class Tenants(ProgramTest):
    def test_a_tenant_sees_nothing_of_another(self):
        self.init()
        self.add_schema(PERSON)
        self.db("insert", "person", json.dumps(ALICE))
        self.db("lookup", "alice@example.com", "--tenant", "other", code=NOT_FOUND)
        self.assertEqual({s["name"] for s in self.db("schema", "list", "--tenant", "other").json},
                         {"schema", "resources", "files", "moments"})
        result = self.fails("get", "person", "alice@example.com", "--tenant", "other", says="person")
        self.assertNotIn("Alice", result.err)

    def test_ids_depend_on_the_tenant(self):
        self.init()
        row = json.dumps({"uri": "file:///a.md", "name": "a", "content": "text"})
        first = self.db("insert", "resources", row).json["id"]
        second = self.db("insert", "resources", row, "--tenant", "acme").json["id"]
        self.assertNotEqual(first, second)
        self.assertEqual(self.db("insert", "resources", row, env={"P8_DEFAULT_TENANT": "acme"}).json["id"], second)

    def test_bad_tenants_are_refused(self):
        self.init()
        for tenant in ("a b", "a:b", "x" * 65, ""):
            self.assertIn(self.run_db("schema", "list", "--tenant", tenant).code, (1, USAGE), tenant)
