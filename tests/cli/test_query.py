# SPDX-License-Identifier: Apache-2.0
"""db query: rows in every format, parameters, scripts, and errors that mark the word at fault."""
import json
import os
import signal
import time
import unittest

from program import ALICE, ALICE_ID, DONE, ERROR, ISSUE, LOCKED, PATIENCE_S, PERSON, USAGE, ProgramTest, wait_until_working

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


class QueryTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(PERSON)
        self.add_schema(ISSUE)
        self.db("insert", "person", json.dumps(ALICE))
        self.db("insert", "person", json.dumps({"name": "Bob", "email": "bob@example.com", "role": "lead"}))
        self.db("upsert", "--schema", "issue", input="".join(json.dumps(row) + "\n" for row in (
            {"key": "TAP-1", "title": "Größe prüfen", "status": "open", "points": 3, "tags": ["db", "q\"uote"], "seen": "2025-10-17T09:00:00.25Z"},
            {"key": "TAP-2", "title": "a,b\n\"c\"", "status": "closed", "points": 5, "tags": []},
            {"key": "TAP-3", "title": "third"})))

    def query(self, sql, *arguments, **more):
        return self.db("query", sql, *arguments, **more).json


class Rows(QueryTest):
    def test_rows_are_objects_in_column_order(self):
        self.assertEqual(self.query("SELECT key, points, status, seen FROM issue ORDER BY key"), [
            {"key": "TAP-1", "points": 3, "status": "open", "seen": "2025-10-17T09:00:00.25Z"},
            {"key": "TAP-2", "points": 5, "status": "closed", "seen": None}, {"key": "TAP-3", "points": None, "status": None, "seen": None}])
        row = self.db("query", "SELECT points, key, tags FROM issue WHERE key = 'TAP-1'").out
        self.assertEqual(row, '[\n{"points":3,"key":"TAP-1","tags":["db","q\\"uote"]}\n]\n')

    def test_star_gives_fields_then_system_fields_without_vectors(self):
        row, = self.query("SELECT * FROM person WHERE email = 'alice@example.com'")
        self.assertEqual(list(row), ["name", "email", "role", "bio", "id", "type", "created_at", "modified_at", "deleted_at", "edges"])
        self.assertEqual((row["id"], row["type"], row["edges"]), (ALICE_ID, "person", []))

    def test_a_repeated_name_is_numbered(self):
        self.assertEqual(self.db("query", "SELECT key, key, 1 AS key FROM issue LIMIT 1").out, '[\n{"key":"TAP-1","key:1":"TAP-1","key:2":1}\n]\n'.replace(
            "TAP-1", self.query("SELECT key FROM issue LIMIT 1")[0]["key"]))

    def test_no_rows_are_an_empty_array(self):
        self.assertEqual(self.query("SELECT * FROM issue WHERE key = 'none'"), [])
        self.assertEqual(self.db("query", "SELECT 1 WHERE 0", "--format", "jsonl").out, "")

    def test_every_format(self):
        sql = "SELECT key, title, points, tags, seen FROM issue ORDER BY key LIMIT 2"
        self.assertEqual([row["key"] for row in self.db("query", sql, "--format", "jsonl").lines], ["TAP-1", "TAP-2"])
        self.assertEqual(self.db("query", sql, "--format", "csv").out,
                         'key,title,points,tags,seen\nTAP-1,Größe prüfen,3,"[""db"",""q\\""uote""]",2025-10-17T09:00:00.25Z\n'
                         'TAP-2,"a,b\n""c""",5,[],\n')
        table = self.db("query", "SELECT key, points FROM issue ORDER BY key", "--format", "table").out.splitlines()
        self.assertEqual(table[0].split(), ["key", "points"])
        self.assertEqual([line.split() for line in table[2:]], [["TAP-1", "3"], ["TAP-2", "5"], ["TAP-3"]])
        self.assertEqual(self.db("query", "SELECT 1 AS a WHERE 0", "--format", "csv").out, "a\n")

    def test_counting_grouping_joining(self):
        self.assertEqual(self.query("SELECT count(*) FROM issue"), [{"count(*)": 3}])
        self.assertEqual(self.query("SELECT status, sum(points) AS s FROM issue GROUP BY status ORDER BY s DESC"),
                         [{"status": "closed", "s": 5}, {"status": "open", "s": 3}, {"status": None, "s": None}])
        self.assertEqual(self.query("SELECT p.name, i.key FROM person p JOIN issue i ON i.points = length(p.name) ORDER BY 1"),
                         [{"name": "Bob", "key": "TAP-1"}])

    def test_values_of_expressions_have_their_types(self):
        self.assertEqual(self.query("SELECT 1 AS i, 1.5 AS r, 'x' AS t, NULL AS n, x'00ff' AS b, json_array(1, 'a') AS j"),
                         [{"i": 1, "r": 1.5, "t": "x", "n": None, "b": "00ff", "j": [1, "a"]}])

    def test_a_terminal_gets_a_table_and_the_time(self):
        code, shown = self.on_terminal("query", "SELECT key FROM issue WHERE points > 4")
        self.assertEqual(code, DONE)
        self.assertIn("TAP-2", shown)
        self.assertIn("(1 row,", shown)

    def test_rows_stream_and_a_closed_pipe_ends_quietly(self):
        process = self.start("query", ENDLESS.replace("count(*)", "x"), "--format", "jsonl")
        self.assertEqual(process.stdout.readline(), b'{"x":1}\n')
        process.stdout.close()
        self.assertEqual(process.wait(PATIENCE_S), DONE)
        self.assertEqual(process.stderr.read(), b"")


class Parameters(QueryTest):
    def test_by_position_by_name_and_by_number(self):
        sql = "SELECT key FROM issue WHERE status = ? AND points > ?"
        self.assertEqual(self.query(sql, "open", "2"), [{"key": "TAP-1"}])
        self.assertEqual(self.query("SELECT key FROM issue WHERE status = :s OR points = @p ORDER BY key", "--param", "s=open", "--param", "p=5"),
                         [{"key": "TAP-1"}, {"key": "TAP-2"}])
        self.assertEqual(self.query("SELECT ?2 AS b, ?1 AS a", "--param", "2=two", "--param", "1=one"), [{"b": "two", "a": "one"}])
        self.assertEqual(self.query("SELECT ? AS v", "--param", "x"), [{"v": "x"}])

    def test_values_are_text_numbers_or_constants(self):
        for given, value in (("5", 5), ("-7", -7), ("2.5", 2.5), ("007", "007"), ("1e5", "1e5"), ("true", 1), ("null", None), ('"5"', "5"),
                             ("a=b", "a=b"), ("", ""), ("9223372036854775808", "9223372036854775808"), ("größe", "größe"), ("[1]", "[1]")):
            row, = self.query("SELECT ? AS v", "--", given)
            self.assertEqual(row["v"], value, given)

    def test_nothing_is_bound_that_was_not_given_and_nothing_given_is_ignored(self):
        self.fails("query", "SELECT ?", says="parameter 1 has no value", hints="--param 1=")
        self.fails("query", "SELECT :q", says="the parameter :q has no value", hints="--param q=")
        self.fails("query", "SELECT ?", "a", "b", says="has 1 parameter", hints="?")
        self.fails("query", "SELECT ?", "a", "--param", "x=1", says="no parameter 'x'")


class Errors(QueryTest):
    def excerpt(self, sql):
        """The line shown and what is marked in it."""
        lines = self.db("query", sql, code=ERROR).err.splitlines()
        at = next(i for i, line in enumerate(lines) if set(line) <= set(" |^") and "^" in line)
        mark = lines[at]
        return lines[at - 1][mark.index("^"):mark.rindex("^") + 1], lines

    def test_the_word_at_fault_is_marked(self):
        for sql, marked in (("SELECT naem FROM issue", "naem"), ("SELECT i.naem FROM issue i", "i.naem"), ("SELECT key FROM isue", "isue"),
                            ("SELECT key FROM issue WHERE nope('größe') = 1", "nope"), ("SELECT 'größe', naem FROM issue", "naem")):
            self.assertEqual(self.excerpt(sql)[0], marked, sql)

    def test_what_can_never_be_equal_is_marked(self):
        for sql, marked in (("SELECT key FROM issue WHERE points = 'many'", "'many'"), ("SELECT key FROM issue i WHERE i.status = 5", "5"),
                            ("SELECT key FROM issue WHERE points IN (1, 'two', 3)", "'two'"), ("SELECT key FROM issue WHERE tags = 'db'", "'db'"),
                            ("SELECT key FROM issue WHERE seen BETWEEN '2025-01-01' AND 'größer'", "'größer'"),
                            ("SELECT status FROM issue GROUP BY status HAVING max(seen) > 'soon'", "'soon'"),
                            ("UPDATE issue SET title = 'x' WHERE points > 'many'", "'many'")):
            self.assertEqual(self.excerpt(sql)[0], marked, sql)
        for sql, marked in (("INSERT INTO issue (key, points) VALUES ('n', 1), ('m', 'many')", "'many'"), ("UPDATE issue SET points = '5'", "'5'"),
                            ("SELECT points[0] FROM issue", "["), ("SELECT key FROM issue WHERE 'x' = ANY(points)", "points")):
            self.assertEqual(self.excerpt(sql)[0], marked, sql)
        # What is wrong inside a JSON is no place in the statement.
        self.assertNotIn("offset", self.db("query", "UPDATE issue SET tags = '[1,'", "--json", code=ERROR).error)
        self.fails("query", "SELECT key FROM issue WHERE tags = 'db'", says="'tags' is a list, and 'db' is none", hints="'db' = ANY(tags)")
        self.fails("query", "SELECT key FROM issue WHERE points = :p", "--param", "p=many", says="'points' is a number, and parameter :p, 'many', is none")
        self.fails("query", "SELECT key FROM issue WHERE points > ?", "many", says="parameter ?1, 'many'")
        self.fails("query", "SELECT key FROM issue WHERE title > ?", "5", says="'title' is text, and parameter ?1, 5, is none", hints='"5"')
        self.assertEqual(self.query("SELECT key FROM issue WHERE title = ?", "5"), [])
        self.assertEqual(self.query("SELECT key FROM issue WHERE points = '3' OR title = :x OR points = :x ORDER BY key", "--param", "x=third"), [{"key": "TAP-1"}, {"key": "TAP-3"}])

    def test_the_mark_stands_right_under_wide_characters_and_in_its_line(self):
        _, lines = self.excerpt("SELECT '漢字', naem FROM issue")
        # Two columns a character: the mark is four to the right of where it stands in the text.
        self.assertEqual(lines[2].index("^"), lines[1].index("naem") + 2)
        marked, lines = self.excerpt("SELECT key\nFROM issue\nWHERE\tnaem = 1\nORDER BY 1")
        self.assertEqual(marked, "naem")
        self.assertTrue(lines[1].startswith("  3 | WHERE naem"), lines)

    def test_a_long_line_is_shown_around_the_mark(self):
        marked, lines = self.excerpt("SELECT " + "1, " * 500 + "naem" + ", 1" * 500 + " FROM issue")
        self.assertEqual(marked, "naem")
        self.assertLess(len(lines[1]), 140)
        self.assertIn("…", lines[1])

    def test_errors_have_hints_and_as_json_their_place(self):
        self.fails("query", "SELECT naem FROM person", says="naem", hints="name")
        self.fails("query", "SELECT name FROM persn", says="no table 'persn'", hints="person")
        error = self.db("query", "SELECT 'ö',\n naem FROM person", "--json", code=ERROR).error
        self.assertEqual((error["code"], error["offset"], error["line"], error["column"]), ("unknown", 14, 2, 2))

    def test_what_is_not_the_languages_is_refused(self):
        for sql, says in (("CREATE TABLE x(a)", "CREATE"), ("PRAGMA user_version", "PRAGMA"), ("ATTACH 'x' AS y", "ATTACH"), ("DROP TABLE person", "DROP"),
                          ("SELECT 1; SELECT 2", "second statement"), ("SELECT load_extension('x')", "outside"),
                          ("SELECT * FROM sqlite_master", "sqlite_master"), ("INSERT INTO person(name) VALUES ('x') RETURNING id", "RETURNING"),
                          ("SELECT name FROM person WHERE role = \"lead\"", "lead"), ("SELEC 1", "SELEC"), ("", "statement"), ("/* nothing */", "statement")):
            result = self.db("query", sql, code=ERROR)
            self.assertIn(says, result.err, sql)

    def test_types_that_do_not_fit_are_errors(self):
        self.fails("query", "SELECT key FROM issue WHERE seen > 'yesterday'", says="date-time")
        self.fails("query", "INSERT INTO issue(key, title, points) VALUES ('TAP-9', 'x', 'many')", says="points")


class Scripts(QueryTest):
    def test_a_file_runs_statement_by_statement(self):
        path = self.file("a.sql", "-- first\nSELECT 1 AS a;\n\nSELECT ';' AS b; SELECT key FROM issue\nWHERE points = 5")
        self.assertEqual(self.db("query", "--file", path, "--format", "jsonl").lines, [{"a": 1}, {"b": ";"}, {"key": "TAP-2"}])
        self.assertEqual(self.db("query", "--file", "-", "--format", "jsonl", input="SELECT 2 AS a;").lines, [{"a": 2}])

    def test_the_first_error_ends_it_and_names_file_and_line(self):
        path = self.file("b.sql", "SELECT 1 AS a;\nSELECT 2 AS a;\nSELECT naem\nFROM issue;\nSELECT 3 AS a;")
        result = self.db("query", "--file", path, "--format", "jsonl", code=ERROR)
        self.assertEqual(result.lines, [{"a": 1}, {"a": 2}])
        error = self.db("query", "--file", path, "--json", code=ERROR).error
        self.assertEqual((error["line"], error["column"]), (3, 8))
        shown = self.db("query", "--file", path, "--format", "table", code=ERROR).err
        self.assertIn(f"{path}:3: ", shown)
        self.assertIn("3 | SELECT naem", shown)

    def test_a_script_that_writes_is_one_transaction_when_it_says_so(self):
        script = "BEGIN;\nINSERT INTO issue(key, title) VALUES ('TAP-7', 'x');\nSELECT key FROM issue WHERE key = 'TAP-7';\n{};\n"
        self.assertEqual(self.db("query", "--file", "-", "--format", "jsonl", input=script.format("ROLLBACK")).lines[-1], {"key": "TAP-7"})
        self.assertEqual(self.query("SELECT key FROM issue WHERE key = 'TAP-7'"), [])
        self.db("query", "--file", "-", input=script.format("COMMIT"))
        self.assertEqual(self.query("SELECT key FROM issue WHERE key = 'TAP-7'"), [{"key": "TAP-7"}])

    def test_a_missing_file_is_told(self):
        self.fails("query", "--file", "nowhere.sql", says="nowhere.sql")


class Writes(QueryTest):
    def test_writes_say_how_many_rows_changed(self):
        self.assertEqual(self.query("INSERT INTO issue(key, title) VALUES ('TAP-4', 'four'), ('TAP-5', 'five')"), [{"changes": 2}])
        self.assertEqual(self.query("UPDATE issue SET points = 8 WHERE key IN ('TAP-4', 'TAP-5')"), [{"changes": 2}])
        self.assertEqual(self.query("DELETE FROM issue WHERE key = ?", "TAP-4"), [{"changes": 1}])
        self.assertEqual(self.query("SELECT key, points FROM issue WHERE points = 8"), [{"key": "TAP-5", "points": 8}])
        self.assertIn("1 row changed", self.db("query", "DELETE FROM issue WHERE key = 'TAP-5'", "--format", "table").err)
        self.assertEqual(self.query("DELETE FROM issue WHERE key = 'TAP-5'"), [{"changes": 0}])

    def test_a_writer_elsewhere_holds_only_writers_up(self):
        writer = self.start("upsert", "--schema", "issue")
        writer.stdin.write(self.issues(1, 100).encode())
        writer.stdin.flush()
        for _ in range(200):
            result = self.run_db("query", "INSERT INTO issue(key, title) VALUES ('TAP-1', 'again')")
            if result.code == LOCKED:
                break
            time.sleep(0.05)
        self.assertEqual(result.code, LOCKED, repr(result))
        self.assertEqual(len(self.query("SELECT key FROM issue WHERE key = 'TAP-2'")), 1)
        writer.stdin.close()
        self.assertEqual(writer.wait(60), DONE)


class Limits(QueryTest):
    def test_a_statement_that_takes_too_long_is_given_up(self):
        self.fails("query", ENDLESS, "--timeout", "0.2", says="0.2", code=ERROR)
        self.fails("query", "SELECT 1", "--timeout", "soon", code=USAGE, says="'--timeout'")
        self.assertEqual(self.db("query", "SELECT 1 AS a", "--timeout", "0").json, [{"a": 1}])

    def test_control_c_ends_a_statement(self):
        process = self.start("query", ENDLESS, "--timeout", "0")
        wait_until_working(process.pid)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE_S), 130)
        self.assertIn(b"interrupted", process.stderr.read())

    def test_explain_shows_the_way_and_does_nothing(self):
        steps = self.db("query", "SELECT key FROM issue WHERE status = 'open'", "--explain").json
        self.assertIn("status", steps[0]["step"])
        self.assertEqual(steps[0]["depth"], 0)
        self.db("query", "DELETE FROM issue", "--explain")
        self.assertEqual(len(self.query("SELECT key FROM issue")), 3)
        self.assertIn("status", self.db("query", "SELECT key FROM issue WHERE status = 'open'", "--explain", "--format", "table").out)


if __name__ == "__main__":
    unittest.main()
