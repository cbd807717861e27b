# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the program while it writes, again and again on the same database.

What a reader saw, or a command that ended acknowledged, is there after every kill; each commit is there wholly or not at
all; `db check` finds nothing; and work that is taken up again ends where uninterrupted work does.

20 kills a test; 200 with REM_SOAK=1 or REM_TEST_SCALE past 1. REM_TEST_SEED repeats a run.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ISSUE, PROGRAM, ProgramTest, needs_model  # noqa: E402
import program  # noqa: E402

SOAK = os.environ.get("REM_SOAK") == "1" or int(os.environ.get("REM_TEST_SCALE", "1")) > 1
KILLS = 200 if SOAK else 20
SEED = int(os.environ.get("REM_TEST_SEED", random.randrange(1 << 32)))

STEP = {
    "title": "Step", "short_name": "step", "type": "object", "description": "A numbered row.", "key_field": "number",
    "indexed_fields": ["round"], "required": ["number", "round"],
    "properties": {"number": {"type": "integer"}, "round": {"type": "integer"}, "text": {"type": "string"}},
}


class KillTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(f"{SEED} {self.id()}")
        print(f"{self.id()}: REM_TEST_SEED={SEED}", file=sys.stderr)

    def uninterrupted(self, *arguments):
        """Seconds that a run takes, to choose the moments of kills from."""
        begun = time.monotonic()
        self.db(*arguments, "--quiet")
        return time.monotonic() - begun

    def kill_within(self, seconds, *arguments, observe=None):
        """Starts the program and kills it at a random moment; what `observe` saw before that, and whether it was killed."""
        moment = self.random.uniform(0, seconds)
        begun = time.monotonic()
        process = self.start(*arguments, "--quiet")
        process.stdin.close()
        seen = None
        if observe and self.random.random() < 0.5:
            time.sleep(self.random.uniform(0, moment))
            seen = observe()
        time.sleep(max(0, begun + moment - time.monotonic()))
        process.send_signal(signal.SIGKILL)
        error = process.stderr.read().decode(errors="replace")
        process.stdout.read()
        code = process.wait()
        self.assertIn(code, (0, -signal.SIGKILL), error)
        return seen, code != 0

    def assert_whole(self):
        report = self.db("check").json
        self.assertTrue(report["ok"], report)

    def rows(self, table, *arguments, **more):
        return self.db("list", table, "--format", "jsonl", *arguments, **more).lines


class Upsert(KillTest):
    ROWS, BATCH = 2000, 50

    def input(self, number):
        rows = [{"number": n, "round": number, "text": f"row {n} of round {number} " * (1 + n % 7),
                 "edges": [str((n * 7 + number) % self.ROWS)]} for n in range(self.ROWS)]
        return self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def stored(self):
        return {row["properties"]["number"]: row["properties"]["round"] for row in self.rows("step")}

    def expect_prefix(self, before, after, number, least):
        """Whole batches of this round, in order, over what was there before; at least as many rows as were seen."""
        done = sum(value == number for value in after.values())
        self.assertTrue(done % self.BATCH == 0 and done >= least, f"round {number}: {done} rows, {least} were seen")
        self.assertEqual(after, {**before, **{n: number for n in range(done)}}, f"round {number}")

    def test_batches_are_whole_and_in_order(self):
        self.init()
        self.add_schema(STEP)
        arguments = ("upsert", "--schema", "step", "--batch-size", self.BATCH)
        seconds = self.uninterrupted(*arguments, self.input(0))
        before, killed, number = self.stored(), 0, 0
        self.expect_prefix({}, before, 0, self.ROWS)
        while killed < KILLS and number < 3 * KILLS:
            number += 1
            path = self.input(number)
            seen, was_killed = self.kill_within(seconds, *arguments, path, observe=lambda: len(
                self.rows("step", "--where", f"round={number}")))
            killed += was_killed
            self.assert_whole()
            after = self.stored()
            self.expect_prefix(before, after, number, self.ROWS if not was_killed else seen or 0)
            before = after
        result = self.db(*arguments, self.input(number)).json
        self.assertEqual(result["inserted"] + result["updated"] + result["unchanged"], self.ROWS)
        self.assertEqual(self.stored(), {n: number for n in range(self.ROWS)})
        self.assert_whole()


class Transactions(KillTest):
    """Scripts of SQL transactions: each is there wholly, what it inserted and what it changed, or not at all; and in order."""
    TRANSACTIONS, ROWS = 40, 15

    def script(self, number):
        lines = []
        for t in range(self.TRANSACTIONS):
            rows = ", ".join(f"({number * 1000000 + t * 1000 + n}, {number}, 'new')" for n in range(self.ROWS))
            lines.append(f"BEGIN; INSERT INTO step(number, round, text) VALUES {rows}; SAVEPOINT s; DELETE FROM step WHERE round = {number}; ROLLBACK TO s;"
                         f" UPDATE step SET text = 'done {t}' WHERE round = {number} AND text = 'new'; UPDATE step SET text = '{t}' WHERE number = -{number}; COMMIT;")
        return self.file("script.sql", f"INSERT INTO step(number, round, text) VALUES (-{number}, 0, '-1');\n" + "\n".join(lines))

    def test_transactions_are_whole_and_in_order(self):
        self.init()
        self.add_schema(STEP)
        seconds = self.uninterrupted("query", "--file", self.script(0))
        killed, number = 0, 0
        while killed < KILLS and number < 3 * KILLS:
            number += 1
            _, was_killed = self.kill_within(seconds, "query", "--file", self.script(number))
            killed += was_killed
            self.assert_whole()
            stored = [entity["properties"] for entity in self.rows("step", "--where", f"round={number}")]
            last = [entity["properties"]["text"] for entity in self.rows("step", "--where", f"number=-{number}")]
            done = len(stored) // self.ROWS
            self.assertEqual(sorted(row["text"] for row in stored), sorted(f"done {t}" for t in range(done) for _ in range(self.ROWS)))
            self.assertIn(last, ([str(done - 1)],) if done else ([], ["-1"]))
            if not was_killed:
                self.assertEqual(done, self.TRANSACTIONS)


class Insert(KillTest):
    def test_acknowledged_rows_stay(self):
        self.init()
        self.add_schema(ISSUE)
        acknowledged = {}
        seconds = self.uninterrupted("insert", "issue", json.dumps({"key": "first", "title": "first"}))
        for n in range(KILLS):
            key, version = f"TAP-{self.random.randrange(30)}", f"version {n}"
            row = json.dumps({"key": key, "title": version})
            if self.random.random() < 0.5:
                self.db("insert", "issue", row)
                acknowledged[key] = {version}
            else:
                _, was_killed = self.kill_within(seconds, "insert", "issue", row)
                acknowledged[key] = (acknowledged.get(key, {None}) if was_killed else set()) | {version}
            stored = {entity["properties"]["key"]: entity["properties"]["title"] for entity in self.rows("issue")}
            for name, versions in acknowledged.items():
                self.assertIn(stored.get(name), versions, name)
                acknowledged[name] = {stored.get(name)}
            self.assert_whole()


class Ingest(KillTest):
    FILES, LARGE = 60, 1400

    def write(self, name, sections):
        word = self.random.choice(["apple", "pear", "plum", "quince", "medlar"])
        self.file(f"docs/{name}", "".join(f"# Section {i}\n\nParagraph {i} of {name} is about the {word}.\n\n"
                                          for i in range(sections)))

    def change(self):
        """New, changed and removed files, and a large one that needs several commits."""
        for n in self.random.sample(range(self.FILES), self.FILES // 4):
            self.write(f"{n % 7}/{n:03}.md", self.random.randrange(12))
        for path in self.random.sample(sorted((self.home / "docs").glob("*/*.md")), 3):
            path.unlink()
        self.write("large.md", self.LARGE + self.random.randrange(-300, 300))

    def ingest_arguments(self):
        return "ingest", "--folder", self.home / "docs", "--prune"

    def state(self, **more):
        """Everything that ingestion stores, but for times."""
        return {table: sorted(((row["id"], row["edges"], row["properties"]) for row in self.rows(table, **more)),
                              key=lambda row: row[0]) for table in ("files", "resources")}

    def reference(self):
        """The state after an uninterrupted run into a new database."""
        home = self.home / "reference"
        values = {"P8_HOME": str(home)}
        self.db("init", "reference", env=values)
        self.db(*self.ingest_arguments(), "--quiet", "--durability", "os", env=values)
        state = self.state(env=values)
        shutil.rmtree(home)
        return state

    def completed(self):
        return {row["id"]: row["properties"]["content_hash"] for row in self.rows("files", "--where", "status=completed")}

    def assert_files_whole(self, seen):
        """A completed File has its chunks, all of them and no more, and one that was seen completed still is."""
        state = self.state()
        chunks = {}
        for row_id, _, properties in state["resources"]:
            chunks.setdefault(properties["uri"], {})[properties["ordinal"]] = row_id
        for row_id, edges, properties in state["files"]:
            if properties["status"] == "completed":
                ids = chunks.get(properties["uri"], {})
                self.assertEqual(len(ids), properties["chunk_count"], properties)
                self.assertEqual([ids.get(n) for n in range(len(ids))], edges, properties["uri"])
            else:
                self.assertEqual(properties["status"], "processing", properties)
        completed = {row_id: properties["content_hash"] for row_id, _, properties in state["files"]
                     if properties["status"] == "completed"}
        for row_id, content_hash in (seen or {}).items():
            self.assertEqual(completed.get(row_id), content_hash)

    def seen_current(self):
        """Files that were completed with the content that is on disk: the run will not touch them again."""
        return {row_id: content_hash for row_id, content_hash in self.completed().items() if row_id in self.current
                and self.current[row_id] == content_hash}

    def resume_again_and_again(self, kills):
        self.init()
        for n in range(self.FILES):
            self.write(f"{n % 7}/{n:03}.md", self.random.randrange(1, 12))
        self.change()
        seconds = self.uninterrupted(*self.ingest_arguments())
        killed = runs = 0
        while killed < kills and runs < 3 * kills:
            self.change()
            expected = self.reference()
            self.current = {row_id: properties["content_hash"] for row_id, _, properties in expected["files"]}
            was_killed = True
            while was_killed and killed < kills and self.random.random() < 0.8:
                seen, was_killed = self.kill_within(seconds, *self.ingest_arguments(), observe=self.seen_current)
                runs += 1
                killed += was_killed
                self.assert_whole()
                self.assert_files_whole(seen)
            self.db(*self.ingest_arguments(), "--quiet")
            self.assertEqual(self.state(), expected)
            self.assert_whole()


class IngestWithoutModel(Ingest):
    def test_ingestion_is_taken_up_again(self):
        self.resume_again_and_again(KILLS)


@needs_model
class IngestWithModel(Ingest):
    models = program.MODELS
    FILES, LARGE = 20, 1100

    def test_ingestion_with_vectors_is_taken_up_again(self):
        self.resume_again_and_again(max(3, KILLS // 10))


del Ingest  # not a test of its own


@needs_model
class VectorIndex(KillTest):
    """Kills while vectors are inserted, the graph is built or written, and its file named: searches stay complete."""
    models = program.MODELS
    ROWS, LEAST = 120, 40
    KILLS = 500 if SOAK else 12

    def setUp(self):
        super().setUp()
        self.environment["P8_VECTOR_INDEX_MIN_ROWS"] = str(self.LEAST)

    def input(self, number):
        words = ["harbour", "violin", "tax", "orchid", "glacier", "engine", "poem", "bridge"]
        rows = [{"uri": f"file:///{n}", "name": f"note {n}",
                 "content": f"{words[(n + number) % 8]} and {words[n // 8 % 8]}, note {n} of round {number if n % 3 else 0}"}
                for n in range(self.ROWS)]
        return self.file("notes.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def search(self, *arguments, **env):
        hits = self.db("search", "a poem about a bridge", "--schema", "resources", "--format", "json", *arguments, env=env).json
        return [(hit["entity"]["id"], round(hit["score"], 5)) for hit in hits]

    def assert_complete(self):
        """Exact answers agree with a scan of the stored vectors; a walk gives as many rows as there are."""
        for limit in (1, 10, 1000):
            flat = self.search("--limit", limit, P8_VECTOR_INDEX_TYPE="flat")
            self.assertEqual(self.search("--limit", limit, "--exact"), flat)
            walked = self.search("--limit", limit)
            self.assertEqual(len(walked), len(flat))
            self.assertEqual(len(set(walked)), len(walked))
            if limit == 1000:
                self.assertEqual(sorted(walked), sorted(flat))

    def test_searches_stay_complete(self):
        self.init()
        arguments = ("upsert", "--schema", "resources", "--batch-size", 30)
        seconds = self.uninterrupted(*arguments, self.input(0))
        killed = number = 0
        while killed < self.KILLS and number < 3 * self.KILLS:
            number += 1
            if self.random.random() < 0.2:
                self.run_db("delete", "resources", f"file:///{self.random.randrange(self.ROWS)}:0")
            begun = time.monotonic()
            _, was_killed = self.kill_within(seconds * 1.2, *arguments, self.input(number))
            if not was_killed:  # it takes less than when it was measured: most moments shall lie within it
                seconds = min(seconds, time.monotonic() - begun)
            killed += was_killed
            self.assert_whole()
            self.assert_complete()
        self.db(*arguments, self.input(number), "--quiet")
        self.assert_complete()
        self.assert_whole()
        folder = next((self.home / "p8" / "db").glob("*.db")) / "vectors"
        self.assertLessEqual(len(list(folder.iterdir())), 3)


if __name__ == "__main__":
    unittest.main()
