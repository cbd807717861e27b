# SPDX-License-Identifier: Apache-2.0
"""db shell: from a pipe, and typed on a terminal."""
import json
import os
import pty
import re
import select
import signal
import stat
import termios
import time
import unittest

from program import ALICE, DONE, ERROR, PATIENCE_S, PERSON, PROGRAM, ProgramTest, wait_until_working

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;"


class ShellTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(PERSON)
        self.db("insert", "person", json.dumps(ALICE))


class Piped(ShellTest):
    def shell(self, script, *arguments, **more):
        return self.db("shell", *arguments, input=script, **more)

    def test_statements_go_over_lines_and_share_lines(self):
        self.assertEqual(self.shell("SELECT 1\n AS a\n;SELECT 2 AS a; SELECT ';' AS a;\n\n-- the end\nSELECT 4 AS a", "--format", "jsonl").lines,
                         [{"a": 1}, {"a": 2}, {"a": ";"}, {"a": 4}])

    def test_the_first_error_ends_it(self):
        result = self.shell("SELECT 1 AS a;\nSELECT naem FROM person;\nSELECT 2 AS a;", "--format", "jsonl", code=ERROR)
        self.assertEqual(result.lines, [{"a": 1}])
        self.assertIn("naem", result.error["message"])
        self.assertIn(".tables", self.shell(".tabels", code=2).err)

    def test_dot_commands(self):
        script = ".mode csv\nSELECT name, role FROM person;\n.mode jsonl\n.set r engineer\nSELECT name FROM person WHERE role = :r;\n.unset r\n" \
                 "SELECT count(*) AS n FROM person;\n.quit\nSELECT 1 AS a;\n"
        self.assertEqual(self.shell(script).out, 'name,role\nAlice Smith,engineer\n{"name":"Alice Smith"}\n{"n":1}\n')
        self.assertEqual({table["name"] for table in self.shell(".tables", "--json").json}, {"schema", "resources", "files", "moments", "person"})
        shown = self.shell(".schema person", "--format", "table").out
        self.assertRegex(shown, r"(?m)^email +\w+ +yes")
        [view], [function] = self.shell(".schema entities", "--json").json, self.shell(".schema lookup", "--json").json
        self.assertEqual((view["kind"], [column["name"] for column in view["columns"] if not column["hidden"]]),
                         ("view", ["id", "table", "key", "name", "type", "created_at", "modified_at", "deleted_at", "edges"]))
        self.assertEqual((function["kind"], [(column["name"], column["type"]) for column in function["columns"] if not column["hidden"]]),
                         ("function", [("table", "text"), ("match", "text"), ("id", "uuid"), ("key", "text"), ("entity", "object")]))
        self.assertIn("time: ", self.shell(".timer on\nSELECT 1;").err)
        for name in (".tables", ".schema", ".mode", ".timer", ".read", ".help", ".quit"):
            self.assertIn(name, self.shell(".help").out)
        self.assertIn("role", self.shell(".explain SELECT name FROM person WHERE role = 'x'").out)

    def test_read_runs_a_file(self):
        inner = self.file("inner.sql", "SELECT 2 AS a;\n.mode csv\nSELECT 3 AS a")
        self.file("outer.sql", f"SELECT 1 AS a;\n.read {inner}\n")
        self.assertEqual(self.shell(f".read {self.home / 'outer.sql'}\n", "--format", "jsonl").out, '{"a":1}\n{"a":2}\na\n3\n')
        loop = self.file("loop.sql", f".read {self.home / 'loop.sql'}\n")
        self.assertIn("nested", self.shell(f".read {loop}", code=ERROR).err)

    def test_writes_and_transactions(self):
        self.shell("INSERT INTO person(name, email, role) VALUES ('B', 'b@x', 'lead');\nBEGIN;\nDELETE FROM person;\nROLLBACK;\n")
        self.assertEqual(self.shell("SELECT count(*) AS n FROM person;", "--format", "jsonl").lines, [{"n": 2}])


class Terminal(ShellTest):
    """A shell on a terminal of its own: type, and wait for what is shown."""

    def open_shell(self):
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(self.home)
            os.execve(PROGRAM, ["db", "shell"], dict(self.environment, TERM="xterm", COLUMNS="100"))
        self.pid, self.shown = pid, ""
        self.addCleanup(self.end, pid, self.terminal)
        self.wait_for("db> ")

    def end(self, pid, terminal):
        os.close(terminal)
        if self.pid == pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def wait_for(self, pattern, seconds=PATIENCE_S):
        """Reads until `pattern` is shown, and forgets what came up to it."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.shown)):
            ready, _, _ = select.select([self.terminal], [], [], 0.1)
            if ready:
                try:
                    self.shown += os.read(self.terminal, 65536).decode(errors="replace")
                except OSError:
                    self.fail(f"the shell ended before {pattern!r}: {self.shown!r}")
            if time.monotonic() > deadline:
                self.fail(f"{pattern!r} was not shown: {self.shown!r}")
        self.shown = self.shown[match.end():]
        return match.group(0)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def exit_code(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            ready, _, _ = select.select([self.terminal], [], [], 0.05)
            if ready:
                try:
                    os.read(self.terminal, 65536)
                except OSError:
                    pass
        self.fail("the shell does not end")

    def test_lines_are_typed_completed_recalled_and_kept(self):
        self.open_shell()
        self.type("select na\t from person\r")
        self.wait_for(r"\.\.\.> ")
        self.type("where email is not null;\r")
        self.wait_for("no such column|Alice Smith")
        self.wait_for("db> ")
        self.type("SELECT emai\t FROM per\t;\r")
        self.wait_for("alice@")
        self.wait_for("db> ")
        self.type("SELECT p.em\t FROM person p;\x01\x1b[C\x1b[C\r")
        self.wait_for("p\\.em|alice@")
        self.wait_for("db> ")
        self.type("\x1b[A\x1b[A\r")
        self.wait_for("alice@")
        self.wait_for("db> ")
        self.type(".schema per\t\r")
        self.wait_for("deleted_at")
        self.wait_for("db> ")
        self.type(".quit\r")
        self.assertEqual(self.exit_code(), DONE)
        history = self.home / "p8" / "shell_history"
        self.assertEqual(stat.S_IMODE(history.stat().st_mode), 0o600)
        self.assertIn("person", history.read_text())
        self.open_shell()
        self.type("\x1b[A\x1b[A\r")
        self.wait_for("deleted_at")

    def test_an_error_is_marked_and_the_shell_goes_on(self):
        self.open_shell()
        self.type("SELECT 'größe', naem FROM person;\r")
        self.wait_for("no such column")
        self.wait_for(r"\^\^\^\^")
        self.wait_for("db> ")
        self.type("SELECT 41 + 1 AS answer;\r")
        self.wait_for("42")

    def test_control_c_gives_up_a_line_and_a_running_statement(self):
        self.open_shell()
        self.type("SELECT nothing,\r")
        self.wait_for(r"\.\.\.> ")
        self.type("\x03")
        self.wait_for("db> ")
        self.type("SELECT 41 + 1 AS answer;\r")
        self.wait_for("42")
        self.wait_for("db> ")
        self.type(ENDLESS + "\r")
        wait_until_working(self.pid)
        self.type("\x03")
        self.wait_for("interrupted")
        self.wait_for("db> ")
        self.type("SELECT 6 * 7 AS answer;\r")
        self.wait_for("42")
        self.wait_for("db> ")
        # Until the shell has the terminal in its hands, an end of input is the line discipline's.
        while termios.tcgetattr(self.terminal)[3] & termios.ICANON:
            time.sleep(0.01)
        self.type("\x04")
        self.assertEqual(self.exit_code(), DONE)

    def test_the_database_is_held_only_while_a_transaction_is_open(self):
        self.open_shell()
        self.type("BEGIN;\r")
        self.wait_for(r"db\*> ")
        self.type("INSERT INTO person(name, email, role) VALUES ('B', 'b@x', 'lead');\r")
        self.wait_for("1 row changed")
        self.assertEqual(self.run_db("insert", "person", json.dumps(dict(ALICE, role="x"))).code, 4)
        self.type("COMMIT;\r")
        self.wait_for("db> ")
        self.db("insert", "person", json.dumps(dict(ALICE, role="guest")))
        self.type("SELECT role FROM person ORDER BY role;\r")
        self.wait_for("guest")
        self.wait_for("lead")
        self.wait_for("db> ")
        self.file("many.sql", "".join(f"INSERT INTO person(name, email, role) VALUES ('n', '{n}@x', 'many');\n" for n in range(20)))
        self.type(".read many.sql\r")
        for _ in range(20):
            self.wait_for("1 row changed")
        self.wait_for("db> ")
        self.db("insert", "person", json.dumps(ALICE))


if __name__ == "__main__":
    unittest.main()
