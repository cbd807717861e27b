# SPDX-License-Identifier: Apache-2.0
"""Commands, options, help and suggestions: what needs no database."""
import json

from program import DONE, NOT_FOUND, USAGE, ProgramTest


class Help(ProgramTest):
    def test_help_lists_every_command(self):
        out = self.db("help").out
        for name in ("init", "use", "schema add", "schema list", "schema show", "schema remove", "insert", "upsert", "get",
                     "lookup", "list", "update", "delete", "edges", "ingest", "search", "embed", "model install",
                     "model list", "model remove", "model verify", "stats", "check", "vacuum", "reindex", "config", "version",
                     "help", "completion"):
            self.assertIn(f"\n  {name} ", out)

    def test_help_of_a_command_has_usage_options_and_examples(self):
        for arguments in (("help", "upsert"), ("upsert", "--help"), ("upsert", "-h"), ("upsert", "file", "--help")):
            out = self.db(*arguments).out
            self.assertTrue(out.startswith("usage: db upsert "), out)
            for words in ("--batch-size", "--on-error", "--atomic", "--dry-run", "--tenant", "examples:"):
                self.assertIn(words, out)

    def test_help_of_a_group(self):
        self.assertIn("schema remove", self.db("help", "schema").out)
        self.assertIn("schema remove", self.db("schema", code=USAGE).out)
        self.assertIn("schema remove", self.db("schema", "--help").out)

    def test_no_arguments_is_a_usage_error_with_help(self):
        self.assertIn("usage: db COMMAND", self.db(code=USAGE).out)

    def test_version(self):
        self.assertRegex(self.db("--version").out, r"^db \d+\.\d+\.\d+\n$")
        self.assertRegex(self.db("version", "--format", "table").out, r"^db \d+\.\d+\.\d+\n$")
        self.assertRegex(self.db("version").json["version"], r"^\d+\.\d+\.\d+$")

    def test_completion(self):
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("lookup", self.db("completion", shell).out)
        self.fails("completion", "tcsh", code=USAGE, says="'tcsh'")


class Suggestions(ProgramTest):
    def test_unknown_command_suggests_the_nearest(self):
        self.fails("lokup", "x", code=USAGE, says="unknown command 'lokup'", hints="db lookup")
        self.fails("serach", "x", code=USAGE, hints="db search")
        self.fails("schema", "shwo", "x", code=USAGE, hints="db schema show")
        self.fails("zzzzzzzz", code=USAGE, hints="db help")

    def test_unknown_option_suggests_the_nearest(self):
        self.fails("lookup", "--prefx", "x", code=USAGE, says="'--prefx'", hints="--prefix")
        self.fails("list", "person", "--tennant", "x", code=USAGE, hints="--tenant")
        self.fails("lookup", "-x", code=USAGE, says="'-x'")

    def test_commands_of_later_versions_are_named_as_such(self):
        for name in ("export", "serve", "fuzzy", "traverse", "backup", "restore", "replication", "doctor"):
            self.fails(name, "x", code=USAGE, says=f"'{name}' is not in this version")

    def test_unknown_setting_suggests_the_nearest(self):
        self.fails("config", "P8_DB_PAHT", says="P8_DB_PAHT", hints="P8_DB_PATH")


class Options(ProgramTest):
    def test_missing_and_surplus_arguments(self):
        self.fails("lookup", code=USAGE, says="'db lookup' needs an argument", hints="usage: db lookup KEY")
        self.fails("get", "person", code=USAGE, hints="usage: db get")
        self.fails("lookup", "a", "b", code=USAGE, says="'b'")
        self.fails("upsert", "x.jsonl", code=USAGE, says="--schema")
        self.fails("ingest", code=USAGE, says="--file")

    def test_values_of_options(self):
        self.fails("list", "person", "--limit", code=USAGE, says="needs a value")
        self.fails("list", "person", "--limit", "many", code=USAGE, says="'many'")
        self.fails("list", "person", "--limit=-1", code=USAGE, says="'-1'")
        self.fails("list", "person", "--limit=99999999999999999999", code=USAGE, says="--limit")
        self.fails("lookup", "x", "--prefix=yes", code=USAGE, says="takes no value")
        self.fails("lookup", "x", "--format", "xml", code=USAGE, says="'xml'")
        self.fails("lookup", "x", "--durability", "maybe", code=USAGE, says="'maybe'")
        self.fails("search", "x", "--min-score", "high", code=USAGE, says="'high'")
        self.fails("search", "x", "--strategy", "guess", code=USAGE, says="'guess'")
        self.fails("upsert", "--schema", "a", "--on-error", "ignore", code=USAGE, says="'ignore'")
        self.fails("upsert", "--schema", "a", "--atomic", "--on-error", "skip", code=USAGE, says="--atomic")
        self.fails("edges", "a", "b", "--direction", "up", code=USAGE, says="'up'")

    def test_errors_are_json_when_json_is_asked_for(self):
        for arguments in (("lookup", "--json"), ("--json", "lookup"), ("lokup", "--json")):
            result = self.db(*arguments, code=USAGE)
            self.assertEqual(result.out, "")
            self.assertEqual(set(json.loads(result.err)["error"]), {"code", "message", "hint"})
            self.assertEqual(result.error["code"], "usage")

    def test_two_dashes_end_the_options(self):
        self.init()
        self.db("lookup", "--", "--prefix", code=NOT_FOUND)
        self.db("lookup", "--json", "--", "-5", code=NOT_FOUND)

    def test_options_stand_anywhere(self):
        self.init()
        self.assertEqual(self.db("--format", "jsonl", "schema", "--tenant", "a", "list", code=DONE).lines[0].keys(),
                         {"name", "category", "version", "entities", "description"})

    def test_timing_is_said_on_stderr(self):
        result = self.db("version", "--timing")
        self.assertRegex(result.err, r"^time: \d+\.\d ms\n$")
        self.assertEqual(self.db("version").err, "")


class Config(ProgramTest):
    def test_every_value_has_its_origin(self):
        self.file("p8/config.toml", "[core]\ndefault_tenant = \"acme\"\n")
        values = self.db("config", env={"P8_WORKER_THREADS": "3"}).json
        self.assertEqual((values["P8_DEFAULT_TENANT"]["value"], values["P8_DEFAULT_TENANT"]["origin"]), ("acme", "file"))
        self.assertEqual(values["P8_WORKER_THREADS"]["origin"], "environment")
        self.assertEqual(values["P8_QUERY_TIMEOUT"]["origin"], "default")
        flag = self.db("config", "--tenant", "beta").json["P8_DEFAULT_TENANT"]
        self.assertEqual((flag["value"], flag["origin"]), ("beta", "flag"))

    def test_one_value_is_printed_bare(self):
        self.assertEqual(self.db("config", "P8_DEFAULT_TENANT", "--format", "table").out, "default\n")

    def test_keys_of_providers_are_never_printed(self):
        secret = {"OPENAI_API_KEY": "sk-proj-not-to-be-seen"}
        for arguments in ((), ("OPENAI_API_KEY",), ("--format", "table"), ("OPENAI_API_KEY", "--format", "table")):
            result = self.db("config", *arguments, env=secret)
            self.assertNotIn("not-to-be-seen", result.out + result.err)
            self.assertIn("set", result.out)

    def test_bad_value_names_the_variable(self):
        self.fails("config", env={"P8_WORKER_THREADS": "many"}, says="P8_WORKER_THREADS")

    def test_bad_file_names_file_and_line(self):
        self.file("p8/config.toml", "[core]\n\ndefault_tenant = = 1\n")
        self.fails("config", says=("config.toml", "line 3"))
