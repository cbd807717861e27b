# SPDX-License-Identifier: Apache-2.0
"""Which model embeds what: two slots, pinning, moving to another model, the cache of vectors."""
import json
import math
import signal
import threading

from fake_provider import DIMENSION, vector_of, wait_until
from program import DONE, ERROR, MODEL, USAGE
from test_providers import TEXT, ProviderTest


def texts_of(count):
    return [f"text number {n}" for n in range(count)]


class Priority(ProviderTest):
    """Field, schema, default (the specification's order)."""

    def schema(self, **more):
        return json.dumps({"title": "Note", "short_name": "note", "type": "object", "key_field": "name",
                           "properties": {"name": {"type": "string"}, "content": {"type": "string", **more.pop("field", {})},
                                          "description": {"type": "string"}}, **more})

    def model_of(self, **more):
        self.serve()
        self.init()
        self.db("schema", "add", "-", input=self.schema(**more))
        self.db("insert", "note", '{"name": "n", "content": "a text"}')
        return self.table("note")["model"]

    def test_field(self):
        self.assertEqual(self.model_of(field={"embedding_provider": "openai:of-field"}, embedding_provider="openai:of-schema",
                                       embedding_fields=["content"]), "openai:of-field")

    def test_schema(self):
        self.assertEqual(self.model_of(embedding_provider="openai:of-schema"), "openai:of-schema")

    def test_default(self):
        self.assertEqual(self.model_of(embedding_provider="default"), "openai:fake")

    def test_fields_in_the_order_given(self):
        provider = self.serve()
        self.init()
        self.db("schema", "add", "-", input=self.schema(embedding_fields=["description", "name"]))
        self.db("insert", "note", '{"name": "n", "content": "not this", "description": "first"}')
        self.assertEqual(provider.requests[-1].texts, ["first\n\nn"])

    def test_two_models_in_one_slot_are_refused(self):
        self.serve()
        self.init()
        schema = json.loads(self.schema(field={"embedding_provider": "openai:a"}, embedding_fields=["content", "description"]))
        schema["properties"]["description"]["embedding_provider"] = "openai:b"
        self.fails("schema", "add", "-", input=json.dumps(schema), says=("openai:a", "openai:b"))

    def test_nothing_without_a_provider(self):
        self.serve()
        self.init()
        self.db("schema", "add", "-", input=self.schema())
        self.db("insert", "note", '{"name": "n", "content": "a text"}')
        self.assertEqual((self.table("note")["vectors"], self.table("note")["pending"]), (0, 0))

    def test_a_pinned_model_stays_whatever_the_environment_says(self):
        provider = self.serve()
        self.init()
        self.db("insert", "resources", self.row("one", 1))
        self.environment["P8_DEFAULT_EMBEDDING"] = "openai:another"
        result = self.db("insert", "resources", self.row("two", 2))
        self.assertEqual(provider.requests[-1].json["model"], "fake")
        self.assertIn("'resources' keeps its model 'openai:fake', though P8_DEFAULT_EMBEDDING is 'openai:another'", result.err)
        self.assertEqual(self.table()["vectors"], 2)
        self.fails("search", "one", "--model", "openai:another", code=MODEL, says=("openai:fake", "openai:another"),
                   hints="db embed --all --model openai:another --table")
        self.assertEqual(len(self.db("search", "one", "--model", "openai:fake").json), 2)


class Alternative(ProviderTest):
    def setUp(self):
        super().setUp()
        self.provider = self.serve()
        self.init()

    def alt(self):
        return {name: value for name, value in self.table()["alt"].items() if name != "vector_index"}

    def test_both_slots_are_filled_and_searched(self):
        self.environment["P8_ALT_EMBEDDING"] = "text-embedding-3-small@16"
        self.db("upsert", "--schema", "resources", input=self.rows(texts_of(20)))
        self.assertEqual(self.alt(), {"model": "text-embedding-3-small@16", "dimension": 16, "vectors": 20, "pending": 0})
        for text, vector in self.stored("embedding_alt").items():
            self.assert_vector(vector, text, 16)
        for text, vector in self.stored("embedding").items():
            self.assert_vector(vector, text)
        del self.environment["P8_ALT_EMBEDDING"]  # pinned by now
        hit = self.db("search", "text number 3", "--slot", "alt").json[0]
        self.assertEqual((hit["entity"]["properties"]["content"], round(hit["score"], 5)), ("text number 3", 1))
        self.assertEqual(self.provider.requests[-1].json["model"], "text-embedding-3-small")
        self.db("insert", "resources", self.row("one more", 99))
        self.assertEqual(self.alt()["vectors"], 21)
        self.assertTrue(self.db("check").json["ok"])

    def test_life_of_a_row(self):
        self.environment["P8_ALT_EMBEDDING"] = "text-embedding-3-small@16"
        self.db("insert", "resources", self.row(TEXT))
        self.db("update", "resources", "doc0:0", '{"content": "changed"}')
        self.assert_vector(self.stored("embedding_alt")["changed"], "changed", 16)
        self.db("update", "resources", "doc0:0", '{"category": "kept"}')
        self.assertEqual(self.alt()["vectors"], 1)
        self.db("delete", "resources", "doc0:0")
        self.assertEqual(self.db("search", "changed", "--slot", "alt").json, [])
        self.assertTrue(self.db("check").json["ok"])
        self.db("insert", "resources", self.row("changed"))
        self.assertEqual(len(self.db("search", "changed", "--slot", "alt").json), 1)
        self.db("delete", "resources", "doc0:0")
        self.db("vacuum")
        self.assertEqual(self.alt()["vectors"], 0)
        self.assertTrue(self.db("check").json["ok"])

    def test_one_slot_pending_and_not_the_other(self):
        self.environment["P8_ALT_EMBEDDING"] = "text-embedding-3-small@16"
        self.provider.behave = lambda request, _: 503 if request.json["model"] != "fake" else None
        self.db("insert", "resources", self.row(TEXT))
        self.assertEqual((self.table()["vectors"], self.table()["pending"], self.alt()["pending"]), (1, 0, 1))
        self.assertEqual(len(self.db("search", TEXT).json), 1)
        self.assertTrue(self.db("check").json["ok"])
        self.provider.behave = None
        self.assertEqual(self.db("embed", "--pending").json, {"embedded": 1, "pending": 0})
        self.assert_vector(self.stored("embedding_alt")[TEXT], TEXT, 16)
        self.assertTrue(self.db("check").json["ok"])

    def test_rows_older_than_the_slot(self):
        self.db("upsert", "--schema", "resources", input=self.rows(texts_of(30)))
        self.fails("search", "x", "--slot", "alt", "--table", "resources", code=MODEL, says="no second embedding", hints="P8_ALT_EMBEDDING")
        self.environment["P8_ALT_EMBEDDING"] = "text-embedding-3-small@16"
        self.db("insert", "resources", self.row("new", 99))
        result = self.db("search", "new", "--slot", "alt")
        self.assertEqual(len(result.json), 1)
        self.assertIn("30 rows could not be searched", result.err)
        self.assertTrue(self.db("check").json["ok"])
        done = self.db("embed", "--all", "--slot", "alt", "--model", "text-embedding-3-small@16").json
        self.assertEqual((done["embedded"], done["pending"]), (30, 0))
        self.assertEqual(self.alt()["vectors"], 31)
        self.assertNotIn("could not be searched", self.db("search", "new", "--slot", "alt").err)
        self.assertTrue(self.db("check").json["ok"])

    def test_lost_vectors_are_made_again(self):
        self.environment["P8_ALT_EMBEDDING"] = "text-embedding-3-small@16"
        self.db("upsert", "--schema", "resources", input=self.rows(texts_of(5)))
        self.assertTrue(self.db("reindex").json["rows"] > 5)
        self.assertTrue(self.db("check").json["ok"])


class AlternativeInSql(ProviderTest):
    """embedding_alt by SQL: what it should give is ranked here, from the vectors that the service gives for the texts."""
    DIMENSION = 16
    TEXTS = texts_of(24)

    def setUp(self):
        super().setUp()
        self.provider = self.serve()
        self.environment["P8_ALT_EMBEDDING"] = f"text-embedding-3-small@{self.DIMENSION}"
        self.init()
        self.db("upsert", "--schema", "resources", input=self.rows(self.TEXTS))

    def scores(self, text, texts, slot="alt", metric="cosine"):
        dimension = self.DIMENSION if slot == "alt" else DIMENSION
        query = vector_of(text, dimension)
        score = (lambda v: -math.dist(query, v)) if metric == "l2" else (lambda v: sum(a * b for a, b in zip(query, v)))
        return {each: score(vector_of(each, dimension)) for each in texts}

    def ranked(self, text, texts=None, **how):
        scores = self.scores(text, self.TEXTS if texts is None else texts, **how)
        return sorted(scores, key=lambda each: -scores[each])

    def contents(self, sql, *arguments):
        return [row["content"] for row in self.db("query", sql, *arguments).json]

    def test_each_metric_ranks_by_the_second_vector(self):
        for metric in ("cosine", "inner_product", "l2"):
            self.assertEqual(self.contents(f"SELECT content FROM resources WHERE embedding_alt.{metric}('what') LIMIT 5"), self.ranked("what", metric=metric)[:5])
            order = "" if metric == "l2" else " DESC"
            self.assertEqual(self.contents(f"SELECT content FROM resources ORDER BY embedding_alt.{metric}('what'){order} LIMIT 4"), self.ranked("what", metric=metric)[:4])
        # The first vector ranks otherwise.
        self.assertEqual(self.contents("SELECT content FROM resources WHERE embedding.cosine('what') LIMIT 5"), self.ranked("what", slot="main")[:5])
        self.assertNotEqual(self.ranked("what", slot="main"), self.ranked("what"))

    def test_scores_and_thresholds_are_of_the_second_vector(self):
        scores, first = self.scores("what", self.TEXTS), self.scores("what", self.TEXTS, slot="main")
        for row in self.db("query", "SELECT content, _score FROM resources WHERE embedding_alt.cosine('what') > 0.1").json:
            self.assertAlmostEqual(row["_score"], scores[row["content"]], places=5)
        found = self.contents("SELECT content FROM resources WHERE embedding_alt.cosine('what') > 0.1")
        self.assertEqual(found, [each for each in self.ranked("what") if scores[each] > 0.1])
        # Both in one statement: one ranks, the other is a condition or a value.
        both = self.db("query", "SELECT content, embedding.cosine('what') AS a, embedding_alt.cosine('what') AS b FROM resources ORDER BY content").json
        for row in both:
            self.assertAlmostEqual(row["a"], first[row["content"]], places=5)
            self.assertAlmostEqual(row["b"], scores[row["content"]], places=5)
        found = self.contents("SELECT content FROM resources WHERE embedding_alt.cosine('what') AND embedding.cosine('what') > 0 LIMIT 100")
        self.assertEqual(found, [each for each in self.ranked("what") if first[each] > 0])

    def test_filters_parameters_and_joins_go_with_it(self):
        odd = [each for n, each in enumerate(self.TEXTS) if n % 2]
        names = ", ".join(f"'{each}'" for each in odd)
        self.assertEqual(self.contents(f"SELECT content FROM resources WHERE content IN ({names}) AND embedding_alt.cosine(?) LIMIT 3", "what"),
                         self.ranked("what", odd)[:3])
        vector = json.dumps(vector_of("what", self.DIMENSION))
        self.assertEqual(self.contents("SELECT content FROM resources WHERE embedding_alt.cosine(:v) LIMIT 3", "--param", f"v={vector}"), self.ranked("what")[:3])
        near = self.contents("SELECT r.content FROM resources r, resources o WHERE o.content = 'text number 3' AND r.embedding_alt.cosine(o.embedding_alt) LIMIT 4")
        self.assertEqual(near, self.ranked("text number 3")[:4])
        self.assertEqual(near[0], "text number 3")
        short = json.dumps(vector_of("what", DIMENSION))
        self.fails("query", "SELECT content FROM resources WHERE embedding_alt.cosine(?)", short, says=("8 values", "16"), hints="text-embedding-3-small@16")

    def test_a_transaction_finds_its_own_rows_by_it(self):
        script = self.home / "script.sql"
        script.write_text("BEGIN;\n"
                          "INSERT INTO resources(uri, name, content) VALUES ('new', 'new', 'what');\n"
                          "UPDATE resources SET content = 'changed' WHERE content = 'text number 3';\n"
                          "DELETE FROM resources WHERE content = 'text number 4';\n"
                          "SELECT content FROM resources WHERE embedding_alt.cosine('what') LIMIT 30;\n"
                          "COMMIT;\n"
                          "SELECT content FROM resources WHERE embedding_alt.cosine('what') LIMIT 30;\n")
        out = [json.loads(line) for line in self.db("query", "--file", str(script), "--format", "jsonl").out.splitlines()]
        found = [row["content"] for row in out if "content" in row]
        texts = [each for each in self.TEXTS if each not in ("text number 3", "text number 4")] + ["what", "changed"]
        self.assertEqual(found[:len(texts)], self.ranked("what", texts))
        self.assertEqual(found[len(texts):], self.ranked("what", texts))
        self.assertTrue(self.db("check").json["ok"])

    def test_rows_without_it_are_not_found_and_said_to_be_missing(self):
        self.provider.behave = lambda request, _: 503 if request.json["model"] != "fake" else None
        self.db("insert", "resources", self.row("later", 99))
        self.provider.behave = None
        result = self.db("query", "SELECT content FROM resources WHERE embedding_alt.cosine('later') LIMIT 100")
        self.assertEqual([row["content"] for row in result.json], self.ranked("later"))
        self.assertIn("1 row", result.err)
        self.assertEqual(self.contents("SELECT content FROM resources WHERE embedding.cosine('later') LIMIT 1"), ["later"])
        self.db("embed", "--pending")
        self.assertEqual(self.contents("SELECT content FROM resources WHERE embedding_alt.cosine('later') LIMIT 1"), ["later"])

    def test_a_table_without_a_second_embedding_says_so(self):
        del self.environment["P8_ALT_EMBEDDING"]
        self.db("insert", "moments", json.dumps({"name": "m", "moment_type": "event", "description": "what", "start_time": "2025-01-01T00:00:00Z"}))
        self.fails("query", "SELECT name FROM moments WHERE embedding_alt.cosine('what')", code=MODEL, says="no second embedding", hints="P8_ALT_EMBEDDING")


class Moving(ProviderTest):
    TO = "text-embedding-3-small@32"

    def setUp(self):
        super().setUp()
        self.provider = self.serve()
        self.init()
        self.environment["P8_EMBEDDING_BATCH_SIZE"] = "16"

    def fill(self, count=300):
        self.db("upsert", "--schema", "resources", input=self.rows(texts_of(count)))
        return count

    def asked(self, model="text-embedding-3-small"):
        return [text for request in self.provider.requests if request.json["model"] == model for text in request.texts]

    def move(self, *arguments, **more):
        return self.db("embed", "--all", "--model", self.TO, "--table", "resources", *arguments, **more)

    def assert_moved(self, texts):
        self.assertEqual((self.table()["model"], self.table()["dimension"]), (self.TO, 32))
        self.assertNotIn("moving_to", self.table())
        stored = self.stored()
        self.assertEqual(set(stored), set(texts))
        for text, vector in stored.items():
            self.assert_vector(vector, text, 32)
        hit = self.db("search", texts[0], "--table", "resources").json[0]
        self.assertEqual((hit["entity"]["properties"]["content"], round(hit["score"], 5)), (texts[0], 1))
        self.assertTrue(self.db("check").json["ok"])

    def test_all_rows_and_back(self):
        self.fill()
        self.assertEqual(self.move().json, {"model": self.TO, "embedded": 300, "pending": 0})
        self.assert_moved(texts_of(300))
        self.assertEqual(self.move().json["embedded"], 0)  # it is there already
        self.db("insert", "resources", self.row("a new text", 999))
        self.assertEqual(len(self.stored()["a new text"]), 32)
        self.db("embed", "--all", "--model", "openai:fake", "--table", "resources")
        self.assertEqual(self.table()["dimension"], DIMENSION)
        self.assertTrue(self.db("check").json["ok"])

    def test_every_table_without_the_option(self):
        self.fill(3)
        self.db("embed", "--all", "--model", self.TO)
        self.assertEqual({table["model"] for table in self.db("stats").json["tables"] if table["vectors"]}, {self.TO})
        self.assertTrue(self.db("check").json["ok"])

    def test_killed_in_the_middle_it_goes_on_and_searches_never_notice(self):
        self.fill()
        stuck = threading.Event()
        self.addCleanup(stuck.set)
        # The first of three pieces of 128 rows goes through, the second does not.
        self.provider.behave = lambda request, _: stuck.wait() and None if request.json["model"] != "fake" and len(self.asked()) > 160 else None
        process = self.start("embed", "--all", "--model", self.TO, "--table", "resources", env={"P8_PROVIDER_TIMEOUT": "600"})
        self.assertTrue(wait_until(lambda: len(self.asked()) > 160), "nothing was asked for")
        hit = self.db("search", "text number 9", "--table", "resources").json[0]
        self.assertEqual((hit["entity"]["properties"]["content"], round(hit["score"], 5)), ("text number 9", 1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        stuck.set()
        self.assertEqual((self.table()["model"], self.table()["moving_to"], self.table()["vectors"]), ("openai:fake", self.TO, 300))
        self.assertTrue(self.db("check").json["ok"])
        # Between the two runs rows are changed, added, deleted and purged, by the model that is still in use.
        self.db("update", "resources", "doc5:5", '{"content": "changed"}')
        self.db("insert", "resources", self.row("added", 1000))
        self.db("delete", "resources", "doc7:7", "doc8:8")
        self.db("vacuum")
        self.assert_vector(self.stored()["changed"], "changed")
        self.assertTrue(self.db("check").json["ok"])
        self.provider.behave = None
        before = len(self.asked())
        self.move(env={"P8_ENABLE_CACHE": "false"})
        self.assertLess(len(self.asked()) - before, 300 - 100)
        texts = [text for text in texts_of(300) if text not in ("text number 5", "text number 7", "text number 8")]
        self.assert_moved(texts + ["changed", "added"])

    def test_a_service_that_goes_away_leaves_the_old_vectors(self):
        self.fill()
        count = [0]

        def behave(request, handler):
            new = request.json["model"] == "text-embedding-3-small"
            count[0] += new
            return 503 if new and count[0] > 10 else None
        self.provider.behave = behave
        self.fails("embed", "--all", "--model", self.TO, "--table", "resources", code=MODEL, says="503")
        self.assertEqual(len(self.db("search", "text number 3", "--table", "resources").json), 10)
        self.provider.behave = None
        self.move()
        self.assert_moved(texts_of(300))

    def refuse(self, *bad):
        self.provider.behave = lambda request, _: 400 if set(bad) & set(request.texts) and request.json["model"] != "fake" else None

    def test_refused_texts_are_left_behind_and_told(self):
        self.fill(20)
        self.db("delete", "resources", "doc8:8")  # is not found, and keeps its vector
        self.refuse("text number 7", "text number 8")
        done = self.move().json
        self.assertEqual((done["model"], done["embedded"], done["pending"]), (self.TO, 18, 1))
        self.assertIn("answered 400", done["reason"])
        self.assertEqual((self.table()["model"], self.table()["pending"]), (self.TO, 1))
        self.assertEqual(self.db("search", "text number 3", "--table", "resources").json[0]["entity"]["properties"]["content"], "text number 3")
        self.assertTrue(self.db("check").json["ok"])
        self.assertEqual(self.db("embed", "--pending").json["pending"], 1)
        self.db("insert", "resources", self.row("text number 8", 8))  # comes back, without
        self.assertEqual(self.table()["pending"], 2)
        self.provider.behave = None
        self.assertEqual(self.db("embed", "--pending").json, {"embedded": 2, "pending": 0})
        self.assert_moved(texts_of(20))

    def test_refused_texts_of_the_other_slot(self):
        self.environment["P8_ALT_EMBEDDING"] = "text-embedding-3-small@16"
        self.fill(20)
        self.refuse("text number 7")
        done = self.move("--slot", "alt").json
        self.assertEqual((done["embedded"], done["pending"]), (19, 1))
        self.assertEqual(self.table()["pending"], 0)
        self.assertTrue(self.db("check").json["ok"])
        self.provider.behave = None
        self.assertEqual(self.db("embed", "--pending").json, {"embedded": 1, "pending": 0})
        self.assertTrue(self.db("check").json["ok"])

    def test_a_failure_is_no_refusal(self):
        """A service that refuses a text and then fails has not refused the rest."""
        self.fill(20)
        self.provider.behave = lambda request, _: None if request.json["model"] == "fake" else 400 if "text number 7" in request.texts else 503
        self.fails("embed", "--all", "--model", self.TO, "--table", "resources", code=MODEL, says="503", env={"P8_PROVIDER_PARALLEL": "1"})
        self.assertEqual((self.table()["model"], self.table()["pending"]), ("openai:fake", 0))

    def test_pending_rows_get_the_new_model(self):
        self.provider.behave = lambda request, _: 503 if request.json["model"] == "fake" else None
        self.fill(20)
        self.assertEqual(self.table()["pending"], 20)
        self.assertEqual(self.move().json, {"model": self.TO, "embedded": 20, "pending": 0})
        self.assert_moved(texts_of(20))

    def test_deleted_rows_come_back_with_the_new_model(self):
        self.fill(10)
        self.db("delete", "resources", "doc3:3")
        self.move()
        count = len(self.provider.requests)
        self.db("insert", "resources", self.row("text number 3", 3))
        self.assertEqual(len(self.provider.requests), count)
        self.assert_moved(texts_of(10))

    def test_another_aim_replaces_the_first(self):
        self.fill(20)
        self.provider.behave = lambda request, _: 503 if request.json.get("dimensions") == 64 else None
        self.fails("embed", "--all", "--model", "text-embedding-3-small@64", "--table", "resources", code=MODEL)
        self.assertEqual(self.table()["moving_to"], "text-embedding-3-small@64")
        self.move()
        self.assert_moved(texts_of(20))

    def test_usage(self):
        self.fails("embed", "--all", code=USAGE, says="--model NAME")
        self.fails("embed", "--all", "--pending", code=USAGE)
        self.fails("embed", "--all", "--model", self.TO, "--slot", "third", code=USAGE, says="main or alt")
        self.fails("embed", "--all", "--model", self.TO, "--table", "nothing", says="nothing")
        self.fails("embed", "--all", "--model", "no-such-model", code=MODEL, says="no-such-model")


class Cache(ProviderTest):
    def setUp(self):
        super().setUp()
        self.provider = self.serve()
        self.init()
        del self.provider.requests[:]

    def count(self, text):
        return self.provider.texts.count(text)

    def test_equal_texts_are_embedded_once(self):
        rows = self.rows([TEXT] * 50 + ["another"])
        self.db("upsert", "--schema", "resources", input=rows)
        self.assertEqual((self.count(TEXT), self.table()["vectors"]), (1, 51))
        self.db("insert", "resources", self.row(TEXT, 1000))  # another process
        self.assertEqual(self.count(TEXT), 1)
        self.init("other")
        self.db("insert", "resources", self.row(TEXT))  # another database
        self.assertEqual((self.count(TEXT), self.table()["vectors"]), (1, 1))
        self.assert_vector(self.stored()[TEXT], TEXT)

    def test_equal_questions_too(self):
        self.db("insert", "resources", self.row(TEXT))
        for _ in range(3):
            self.assertEqual(len(self.db("search", "a question").json), 1)
        self.assertEqual(self.count("a question"), 1)

    def test_it_can_be_switched_off(self):
        folder = self.home / "elsewhere"
        self.environment.update(P8_CACHE_DIR=str(folder), P8_ENABLE_CACHE="false")
        for _ in range(3):
            self.db("embed", "a question")
        self.assertEqual(self.count("a question"), 3)
        self.environment.update(P8_ENABLE_CACHE="true", P8_CACHE_MAX_SIZE="0")
        self.db("embed", "a question")
        self.assertFalse(folder.exists())
        self.environment["P8_CACHE_MAX_SIZE"] = "1"
        self.db("embed", "a question")
        self.assertTrue(folder.exists())

    def test_services_and_models_are_kept_apart(self):
        self.db("embed", "a question")
        self.db("embed", "a question", "--model", "openai:another")
        self.serve()
        self.db("embed", "a question")
        self.assertEqual(self.count("a question"), 2)

    def test_vacuum_reaches_it(self):
        large = "long " * 20000  # kept apart from other rows
        self.provider.behave = None
        self.db("upsert", "--schema", "resources", input=self.rows([TEXT, "kept", large]))
        self.db("delete", "resources", "doc0:0", "doc2:2")
        self.db("vacuum")
        self.db("upsert", "--schema", "resources", input=self.rows([TEXT, "kept", large]))
        self.assertEqual((self.count(TEXT), self.count("kept"), self.count(large)), (2, 1, 2))
        self.db("schema", "add", "-", input=json.dumps({"title": "Note", "short_name": "note", "type": "object", "key_field": "name",
                                                        "embedding_fields": ["name"], "properties": {"name": {"type": "string"}}}))
        self.db("insert", "note", '{"name": "of a table"}')
        self.db("schema", "remove", "note", "--with-rows")
        self.db("embed", "of a table")
        self.assertEqual(self.count("of a table"), 2)

    def test_it_holds_no_text(self):
        self.db("insert", "resources", self.row(TEXT))
        files = [path for path in (self.home / "p8" / "cache").rglob("*") if path.is_file()]
        self.assertTrue(files)
        for path in files:
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            self.assertNotIn(b"onyx goblin", path.read_bytes())

    def test_a_folder_that_cannot_be_written_is_no_failure(self):
        self.environment["P8_CACHE_DIR"] = "/proc/nowhere"
        self.db("insert", "resources", self.row(TEXT))
        self.assertEqual(self.table()["vectors"], 1)
