# SPDX-License-Identifier: Apache-2.0
"""Several programs at one database; signals, kills and closed pipes."""
import json
import os
import random
import signal
import threading
import time

from program import ISSUE, LOCKED, PATIENCE_S, ProgramTest

SCALE = int(os.environ.get("REM_TEST_SCALE", "1"))


class Sharing(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)

    def writer(self):
        """An upsert that holds the database and waits for more input."""
        process = self.start("upsert", "--schema", "issue", "--batch-size", "1")
        process.stdin.write(self.issues(3).encode())
        process.stdin.flush()
        deadline = time.monotonic() + PATIENCE_S
        while self.run_db("get", "issue", "TAP-0").code != 0:
            self.assertLess(time.monotonic(), deadline)
        return process

    def test_locked_database_names_the_holder(self):
        process = self.writer()
        result = self.fails("insert", "issue", '{"key": "X", "title": "x"}', code=LOCKED, says=str(process.pid))
        self.assertEqual(self.db("insert", "issue", '{"key": "X", "title": "x"}', "--json", code=LOCKED).error["code"], "locked")
        process.stdin.close()
        process.wait(PATIENCE_S)
        self.assertEqual(process.returncode, 0, result)
        self.db("insert", "issue", '{"key": "X", "title": "x"}')

    def test_readers_work_beside_a_writer(self):
        process = self.writer()
        self.assertGreaterEqual(len(self.db("list", "issue").json), 1)
        self.db("lookup", "TAP-0")
        self.db("stats")
        process.kill()
        process.wait()

    def test_a_lock_whose_holder_was_killed_is_free(self):
        process = self.writer()
        process.kill()
        process.wait()
        self.db("insert", "issue", '{"key": "X", "title": "x"}')
        self.assertTrue(self.db("check").json["ok"])

    def test_readers_beside_a_writer_without_pause_never_fail(self):
        stop = threading.Event()
        failures, seen = [], []

        def read():
            last = 0
            while not stop.is_set():
                result = self.run_db("list", "issue", "--format", "jsonl")
                if result.code:
                    failures.append(result)
                    return
                now = len(result.lines)
                if now < last:
                    failures.append(f"{now} rows after {last}")
                last = now
                seen.append(now)
        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        part = 0
        # On until the readers had their turn too, however the machine shares itself out.
        while part < 4 * SCALE or (len(seen) <= 2 and not failures and part < 100):
            self.db("upsert", "--schema", "issue", "--batch-size", 50, input=self.issues(1000, start=1000 * part))
            part += 1
        stop.set()
        for reader in readers:
            reader.join()
        self.assertEqual(failures, [])
        self.assertGreater(len(seen), 2)


class Signals(ProgramTest):
    def setUp(self):
        super().setUp()
        self.init()
        self.add_schema(ISSUE)

    def interrupted(self, number):
        start = 1000 * number
        process = self.start("upsert", "--schema", "issue", "--batch-size", "10")
        process.stdin.write(self.issues(95, start=start).encode())
        process.stdin.flush()
        deadline = time.monotonic() + PATIENCE_S
        while self.run_db("get", "issue", f"TAP-{start + 79}").code != 0:
            self.assertLess(time.monotonic(), deadline)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, json.loads(out), err.decode()

    def test_interrupt_leaves_a_whole_number_of_batches(self):
        before = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            code, result, err = self.interrupted(number)
            self.assertEqual(code, 128 + number)
            self.assertTrue(err.startswith("db: "), err)
            stored = self.count("issue")
            self.assertEqual(stored % 10, 0)
            self.assertEqual(result["inserted"], stored - before)
            before = stored

    def test_closed_pipe_ends_quietly(self):
        self.db("upsert", "--schema", "issue", input=self.issues(5000))
        process = self.start("list", "issue")
        process.stdout.read(100)
        process.stdout.close()
        err = process.stderr.read()
        self.assertEqual((process.wait(PATIENCE_S), err), (0, b""))


class Kills(ProgramTest):
    """kill -9 at random moments: acknowledged batches are there, whole, and every index agrees."""

    def test_killed_upserts_lose_nothing_acknowledged(self):
        seed = int(os.environ.get("REM_TEST_SEED", random.randrange(1 << 30)))
        chance = random.Random(seed)
        self.init()
        self.add_schema(ISSUE)
        for round in range(6 * SCALE):
            with self.subTest(seed=seed, round=round):
                self.kill_one(round, chance)

    def kill_one(self, round, chance):
        start = round * 2000
        before = self.count("issue")
        process = self.start("upsert", "--schema", "issue", "--batch-size", "20")
        feeder = threading.Thread(target=self.feed, args=(process, start))
        feeder.start()
        time.sleep(chance.uniform(0.05, 0.6))
        process.kill()
        process.wait()
        feeder.join()
        stored = {row["properties"]["points"] for row in self.db("list", "issue", "--format", "jsonl").lines
                  if row["properties"]["points"] >= start}
        self.assertEqual(len(stored) % 20, 0)
        self.assertEqual(stored, set(range(start, start + len(stored))))
        check = self.db("check").json
        self.assertTrue(check["ok"], check)
        self.assertEqual(self.count("issue"), before + len(stored))
        if stored:
            self.assertEqual(len(self.db("lookup", f"TAP-{start}").json), 1)

    def feed(self, process, start):
        try:
            process.stdin.write(self.issues(2000, start=start).encode())
            process.stdin.close()
        except (BrokenPipeError, ValueError):
            pass
