# SPDX-License-Identifier: Apache-2.0
"""The program under test, seen from outside: a home of its own, its output, its exit code."""
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("REM_DB_PROGRAM", ROOT / "build" / "db")).resolve()
MODELS = os.environ.get("REM_TEST_MODELS")
PYDANTIC = os.environ.get("REM_TEST_PYTHON")
# After so long a program hangs; on a machine that is merely slow it does not take so long.
PATIENCE_S = 1200

needs_model = unittest.skipUnless(MODELS, "REM_TEST_MODELS is not set")
needs_pydantic = unittest.skipUnless(PYDANTIC, "REM_TEST_PYTHON is not set")

DONE, ERROR, USAGE, NOT_FOUND, LOCKED, MODEL, CORRUPT = range(7)

# The specification's Person, as Pydantic v2 emits it.
PERSON = {
    "title": "Person", "description": "A person entity.", "type": "object",
    "fully_qualified_name": "myapp.Person", "version": "1.0.0", "category": "user",
    "indexed_fields": ["email", "role"], "key_field": "email",
    "properties": {
        "name": {"description": "Full name", "title": "Name", "type": "string"},
        "email": {"description": "Email address", "title": "Email", "type": "string"},
        "role": {"description": "Job role", "title": "Role", "type": "string"},
        "bio": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Bio",
                "description": "Biography (will be embedded)"},
    },
    "required": ["name", "email", "role"],
}
ALICE = {"name": "Alice Smith", "email": "alice@example.com", "role": "engineer",
         "bio": "Software engineer with 10 years experience..."}
ALICE_ID = "2b8afd88-062a-960f-575f-889fe1f87678"

ISSUE = {
    "title": "Issue", "short_name": "issue", "type": "object", "description": "A ticket.", "key_field": "key",
    "indexed_fields": ["status"], "required": ["key", "title"],
    "properties": {"key": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "string"},
                   "points": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}},
                   "seen": {"type": "string", "format": "date-time"}},
}


class Result:
    """What one run gave."""

    def __init__(self, code, out, err):
        self.code, self.raw, self.err = code, out, err.decode(errors="replace")
        self.out = out.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.raw)

    @property
    def lines(self):
        return [json.loads(line) for line in self.raw.splitlines()]

    @property
    def error(self):
        """The error that was printed as JSON."""
        return next(value["error"] for value in map(json.loads, self.err.splitlines()) if "error" in value)

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out[:3000]}\n--- stderr\n{self.err[:3000]}"


def cpu_of(pid):
    """Seconds of CPU that a process has used in its own code."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def wait_until_working(pid, seconds=0.3):
    """Waits until a process has used so much CPU from now on: it is at work then, on a machine of any speed."""
    enough, end = cpu_of(pid) + seconds, time.monotonic() + PATIENCE_S
    while cpu_of(pid) < enough and time.monotonic() < end:
        time.sleep(0.02)


class ProgramTest(unittest.TestCase):
    """Every test has a home and databases of its own; nothing of the caller's environment reaches the program."""

    models = None

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="rem-cli-"))
        self.addCleanup(self.remove_home)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("P8_", "REM_", "XDG_", "OPENAI_", "COHERE_"))}
        self.environment.update(HOME=str(self.home), P8_HOME=str(self.home / "p8"))
        if self.models:
            self.environment["P8_MODELS_DIR"] = self.models

    def remove_home(self):
        for folder, _, _ in os.walk(self.home):
            os.chmod(folder, 0o700)
        shutil.rmtree(self.home, ignore_errors=True)

    def run_db(self, *arguments, input=None, env=None, timeout=PATIENCE_S, program=PROGRAM, **more):
        values = dict(self.environment, **(env or {}))
        if isinstance(input, str):
            input = input.encode()
        done = subprocess.run([str(program), *map(str, arguments)], input=input if input is not None else b"", env=values,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, cwd=self.home, **more)
        self.assertGreaterEqual(done.returncode, 0, f"killed by signal: {done}")
        return Result(done.returncode, done.stdout, done.stderr)

    def db(self, *arguments, code=DONE, **more):
        """Runs and expects this exit code."""
        result = self.run_db(*arguments, **more)
        self.assertEqual(result.code, code, f"db {' '.join(map(str, arguments))[:500]}\n{result!r}")
        return result

    def fails(self, *arguments, code=ERROR, says=(), hints=(), **more):
        """Runs and expects a failure whose message and hint have these words; also as JSON."""
        result = self.db(*arguments, code=code, **more)
        self.assertTrue(result.err.startswith("db: "), repr(result))
        self.assertNotIn("AddressSanitizer", result.err)
        message, _, hint = result.err.partition("\nhint: ")
        for words in (says,) if isinstance(says, str) else says:
            self.assertIn(words, message, repr(result))
        for words in (hints,) if isinstance(hints, str) else hints:
            self.assertIn(words, hint, repr(result))
        return result

    def start(self, *arguments, env=None, **more):
        """A running program with pipes; ended with the test."""
        process = subprocess.Popen([str(PROGRAM), *map(str, arguments)], env=dict(self.environment, **(env or {})), cwd=self.home,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

        def end():
            if process.poll() is None:
                process.kill()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream and not stream.closed:
                    try:
                        stream.close()
                    except OSError:
                        pass
            process.wait()
        self.addCleanup(end)
        return process

    def on_terminal(self, *arguments, columns=100, env=None):
        """stdout and stderr as a terminal shows them, and the exit code."""
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen([str(PROGRAM), *map(str, arguments)], env=dict(self.environment, **(env or {})), cwd=self.home,
                                   stdin=subprocess.DEVNULL, stdout=child, stderr=child)
        os.close(child)
        output = b""
        while True:
            ready, _, _ = select.select([parent], [], [], 60)
            try:
                chunk = os.read(parent, 65536) if ready else b""
            except OSError:
                break
            if not chunk:
                break
            output += chunk
        os.close(parent)
        return process.wait(), output.decode(errors="replace").replace("\r\n", "\n")

    def file(self, name, content):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def init(self, name="notes"):
        result = self.db("init", name)
        return pathlib.Path(result.json["path"])

    def add_schema(self, schema):
        return self.db("schema", "add", "-", input=json.dumps(schema))

    def issues(self, count, start=0):
        """JSON lines of `count` issues."""
        return "".join(json.dumps({"key": f"TAP-{n}", "title": f"Issue number {n}", "points": n}) + "\n"
                       for n in range(start, start + count))

    def count(self, table):
        return len(self.db("list", table, "--format", "jsonl").lines)


def corrupt_file(path, offset=None, count=64):
    """Flips bytes in the middle of a file."""
    size = path.stat().st_size
    at = size // 3 if offset is None else offset
    with open(path, "r+b") as file:
        file.seek(at)
        old = file.read(count)
        file.seek(at)
        file.write(bytes(byte ^ 0xA5 for byte in old))
