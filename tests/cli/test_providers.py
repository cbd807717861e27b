# SPDX-License-Identifier: Apache-2.0
"""Embedding by services: right and wrong answers, and that neither a write nor a row is ever lost to them."""
import email.utils
import json
import pathlib
import signal
import threading
import time

from fake_provider import DIMENSION, Certificate, FakeProvider, encode, vector_of, wait_until
from program import DONE, ERROR, MODEL, PATIENCE_S, ProgramTest

KEY = "sk-secret-4711-never-shown"
TEXT = "the quick onyx goblin jumps over a lazy dwarf"


class ProviderTest(ProgramTest):
    model = "openai:fake"

    def setUp(self):
        super().setUp()
        self.environment.update(P8_DEFAULT_EMBEDDING=self.model, OPENAI_API_KEY=KEY, COHERE_API_KEY=KEY, P8_PROVIDER_RETRIES="0",
                                P8_PROVIDER_TIMEOUT="20", NO_PROXY="*", no_proxy="*")
        self.environment.pop("SSL_CERT_FILE", None)

    def serve(self, behave=None, **more):
        provider = FakeProvider(behave, **more)
        self.addCleanup(provider.close)
        self.environment.update(OPENAI_BASE_URL=provider.url + "/v1", COHERE_BASE_URL=provider.url)
        return provider

    def row(self, text, n=0):
        return json.dumps({"uri": f"doc{n}", "name": f"doc{n}", "content": text, "ordinal": n})

    def rows(self, texts):
        return "".join(self.row(text, n) + "\n" for n, text in enumerate(texts))

    def table(self, name="resources"):
        return next(table for table in self.db("stats").json["tables"] if table["name"] == name)

    def stored(self, field="embedding"):
        """{text: vector} of the resources."""
        return {row["properties"]["content"]: row[field] for row in self.db("list", "resources", "--with-embedding").json}

    def assert_vector(self, vector, text, dimension=DIMENSION):
        self.assertEqual(len(vector), dimension)
        for given, wanted in zip(vector, vector_of(text, dimension)):
            self.assertAlmostEqual(given, wanted, places=5)


class Good(ProviderTest):
    def test_rows_are_embedded_in_batches_and_found(self):
        provider = self.serve()
        self.init()
        texts = [f"text number {n}" for n in range(25)]
        self.db("upsert", "--schema", "resources", input=self.rows(texts), env={"P8_EMBEDDING_BATCH_SIZE": "10"})
        batches = [request.texts for request in provider.requests if request.texts[0].startswith("text number")]
        self.assertEqual(sorted(map(len, batches)), [5, 10, 10])
        self.assertEqual(provider.requests[0].headers["Authorization"], f"Bearer {KEY}")
        self.assertEqual(provider.requests[0].json["model"], "fake")
        for text, vector in self.stored().items():
            self.assert_vector(vector, text)
        hits = self.db("search", "text number 7", "--table", "resources").json
        self.assertEqual(hits[0]["entity"]["properties"]["content"], "text number 7")
        self.assertAlmostEqual(hits[0]["score"], 1, places=5)
        self.assertEqual((self.table()["model"], self.table()["dimension"]), (self.model, DIMENSION))
        self.assertTrue(self.db("check").json["ok"])

    def test_vectors_belong_to_their_texts_in_any_order_and_form(self):
        def backwards(request, handler):
            data = provider.answer(request)["data"]
            for item in data:
                item["embedding"] = vector_of(request.texts[item["index"]])
            return {"data": data[::-1]}
        provider = self.serve(backwards)
        self.init()
        texts = [f"text {n} äöü \u2603 \"quoted\" \\ \t" for n in range(12)]
        self.db("upsert", "--schema", "resources", input=self.rows(texts))
        stored = self.stored()
        self.assertEqual(len(stored), 12)
        for text in texts:
            self.assert_vector(stored[text], text)

    def test_vectors_are_brought_to_length_one(self):
        provider = self.serve(lambda request, _: provider.answer(request, [[3.0, 4.0] + [0.0] * 6 for _ in request.texts]))
        self.assertEqual([round(value, 6) for value in self.embed("x")[:3]], [0.6, 0.8, 0])

    def embed(self, text, *arguments, **more):
        self.init()
        return self.db("embed", text, *arguments, **more).json

    def test_known_models_and_shortened_vectors(self):
        provider = self.serve()
        self.assert_vector(self.embed("x", "--model", "text-embedding-3-large@256"), "x", 256)
        self.assertEqual((provider.requests[-1].json["model"], provider.requests[-1].json["dimensions"]), ("text-embedding-3-large", 256))
        self.assertNotIn("dimensions", provider.requests[0].json)
        self.fails("embed", "x", "--model", "text-embedding-ada-002@256", code=MODEL, says="cannot have vectors of 256 values")
        self.fails("embed", "x", "--model", "text-embedding-3-small@4000", code=MODEL, says="cannot have vectors of 4000 values")
        # A known model's dimension is known: a service that gives another is not believed.
        self.fails("embed", "x", "--model", "text-embedding-3-small", code=MODEL, says=("8 values", "1536"))

    def test_cohere_tells_questions_from_documents(self):
        provider = self.serve()
        self.environment["P8_DEFAULT_EMBEDDING"] = "embed-v4.0@64"
        self.init()
        self.db("insert", "resources", self.row(TEXT))
        self.assertEqual(self.db("search", TEXT).json[0]["entity"]["properties"]["content"], TEXT)
        documents = [request.json for request in provider.requests if request.json["input_type"] == "search_document"]
        questions = [request.json for request in provider.requests if request.json["input_type"] == "search_query"]
        self.assertEqual({request.path for request in provider.requests}, {"/v2/embed"})
        self.assertIn([TEXT], [document["texts"] for document in documents])
        self.assertEqual([question["texts"] for question in questions], [[TEXT]])
        self.assertEqual((questions[0]["output_dimension"], questions[0]["truncate"]), (64, "END"))
        self.db("embed", "x", "--query")
        self.assertEqual(provider.requests[-1].json["input_type"], "search_query")

    def test_own_servers_need_no_key_and_the_service_does(self):
        provider = self.serve()
        del self.environment["OPENAI_API_KEY"]
        self.assertEqual(len(self.embed("x")), DIMENSION)
        self.assertNotIn("Authorization", provider.requests[0].headers)
        del self.environment["OPENAI_BASE_URL"]
        self.fails("embed", "x", code=MODEL, says="needs a key of OpenAI", hints="OPENAI_API_KEY")

    def test_a_key_in_the_file_must_be_private(self):
        self.serve()
        del self.environment["OPENAI_API_KEY"]
        self.init()
        config = self.file("p8/config.toml", f"[providers]\nopenai_api_key = '{KEY}'\n")
        config.chmod(0o644)
        result = self.fails("embed", "x", says=("openai_api_key", "others"), hints="chmod 600")
        self.assertNotIn(KEY, result.err + result.out)
        config.chmod(0o600)
        self.assertEqual(len(self.db("embed", "x").json), DIMENSION)


class Repeated(ProviderTest):
    """What is tried again."""

    def times(self, first, headers=(), **more):
        """How many requests came, and the pause between the first two, when the first is answered so."""
        at = []

        def behave(request, handler):
            at.append(time.monotonic())
            if len(at) > 1:
                return None
            if callable(first):
                return first(request, handler)
            handler.reply({"error": {"code": "rate_limit_exceeded"}}, first, headers)
            return True
        self.serve(behave, **more)
        self.environment["P8_PROVIDER_RETRIES"] = "3"
        self.init(f"db{len(list(self.home.glob('p8/db/*')))}")
        return at

    def check(self, first, headers=(), least=0.0):
        self.environment["P8_DEFAULT_EMBEDDING"] = "openai:fake"
        at = self.times(first, headers)
        del at[:]
        self.db("embed", "x")
        self.assertGreaterEqual(len(at), 2)
        self.assertGreaterEqual(at[1] - at[0], least)

    def test_too_many_requests_with_seconds(self):
        self.check(429, [("Retry-After", "2")], least=1.9)

    def test_too_many_requests_with_a_date(self):
        date = email.utils.formatdate(time.time() + 4, usegmt=True)
        self.check(429, [("Retry-After", date)])

    def test_server_errors(self):
        for status in (408, 409, 429, 500, 502, 503):
            with self.subTest(status):
                self.check(status)

    def test_broken_connections(self):
        def hang_up(request, handler):
            handler.hang_up()
            return True
        self.check(hang_up)

    def test_a_longer_wait_than_there_is_time_for_is_not_begun(self):
        self.serve(lambda request, handler: handler.reply({}, 429, [("Retry-After", "3600")]) or True)
        self.environment["P8_PROVIDER_RETRIES"] = "3"
        self.init()
        self.fails("embed", "x", code=MODEL, says="429 (too many requests)")

    def test_what_is_wrong_for_good_is_not_repeated(self):
        for status, words in ((401, "the key is not valid"), (403, "not allowed"), (404, "no such model")):
            with self.subTest(status):
                provider = self.serve(lambda *_: status)
                self.environment["P8_PROVIDER_RETRIES"] = "3"
                self.init(f"db{status}")
                count = len(provider.requests)
                self.fails("embed", "x", code=MODEL, says=words)
                self.assertEqual(len(provider.requests), count + 1)


class Misbehaving(ProviderTest):
    """Each way to fail: the row is stored and pending, the reason is told, and the row is embedded when the service is well again."""

    def never(self, behave, *words, tls=None, env=None, dimension=DIMENSION):
        broken = [True]

        def answer(request, handler):
            return behave(request, handler, provider) if broken[0] else None
        provider = self.serve(answer, tls=tls, dimension=dimension)
        self.environment.update(env or {})
        broken[0] = False
        self.init()
        self.db("insert", "resources", self.row("a first text", 1))
        broken[0] = True
        result = self.db("insert", "resources", self.row(TEXT))
        for word in words:
            self.assertIn(word, result.err)
        self.assert_silent(result)
        self.assertEqual((self.table()["rows"], self.table()["pending"]), (2, 1))
        self.assertEqual(self.db("get", "resources", "doc0:0").json["properties"]["content"], TEXT)
        self.assert_silent(self.fails("embed", "--pending", code=MODEL, says=words))
        self.assertEqual(self.table()["pending"], 1)
        broken[0] = False
        self.assertEqual(self.db("embed", "--pending").json, {"embedded": 1, "pending": 0})
        self.assert_vector(self.stored()[TEXT], TEXT)
        self.assertTrue(self.db("check").json["ok"])

    def assert_silent(self, result):
        """Neither key nor text; the text is on stdout alone, where the row is printed."""
        self.assertNotIn(KEY, result.err + result.out)
        self.assertNotIn("onyx goblin", result.err)
        self.assertNotIn("must not be shown", result.err + result.out)

    def test_error_500(self):
        self.never(lambda *_: 500, "500 (internal error: server_error)")

    def test_key_and_text_in_its_error(self):
        def echo(request, handler, _):
            handler.reply({"error": {"message": f"bad key {KEY} for {request.texts}", "code": KEY, "type": request.texts[0]}}, 401)
            return True
        self.never(echo, "401 (the key is not valid)")

    def test_no_answer(self):
        def hang_up(request, handler, _):
            handler.hang_up()
            return True
        self.never(hang_up, "no answer from 'localhost:")

    def test_slow(self):
        self.never(lambda *_: time.sleep(4), "no whole answer from", "within 1.0 s", env={"P8_PROVIDER_TIMEOUT": "1"})

    def test_dripping(self):
        def drip(request, handler, provider):
            data = json.dumps(provider.answer(request)).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            try:
                for i in range(40):
                    handler.wfile.write(data[i:i + 1])
                    handler.wfile.flush()
                    time.sleep(0.1)
            except OSError:
                pass
            handler.close_connection = True
            return True
        self.never(drip, "no whole answer from", env={"P8_PROVIDER_TIMEOUT": "1"})

    def test_not_json(self):
        self.never(lambda *_: b"<html>" + TEXT.encode(), "the answer is not JSON")

    def test_cut_json(self):
        self.never(lambda request, _, provider: json.dumps(provider.answer(request)).encode()[:-20], "the answer is not JSON")

    def test_cut_reply(self):
        def cut(request, handler, provider):
            data = json.dumps(provider.answer(request)).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data[:-20])
            handler.close_connection = True
            return True
        self.never(cut, "the answer ended too early")

    def test_too_few_vectors(self):
        self.never(lambda *_: {"data": []}, "0 vectors for 1 texts")

    def test_too_many_vectors(self):
        self.never(lambda request, _, provider: {"data": provider.answer(request)["data"] + [{"index": 1, "embedding": [0.5] * 8}]},
                   "a vector for a text that was not sent")

    def test_two_vectors_for_one_text(self):
        self.never(lambda request, _, provider: {"data": provider.answer(request)["data"] * 2}, "two vectors for one text")

    def test_no_index(self):
        self.never(lambda *_: {"data": [{"embedding": [0.5] * 8}]}, "does not say which text it belongs to")

    def test_other_dimension(self):
        self.never(lambda request, _, provider: provider.answer(request, [[0.5] * 7]), "7 values", "8 were to be expected")

    def test_not_a_number(self):
        self.never(lambda request, _, provider: provider.answer(request, [[float("nan")] + [0.5] * 7]), "values that are not numbers")

    def test_infinite(self):
        self.never(lambda request, _, provider: provider.answer(request, [[float("inf")] * 8]), "values that are not numbers")

    def test_all_zeros(self):
        self.never(lambda request, _, provider: provider.answer(request, [[0.0] * 8]), "all zeros")

    def test_text_for_a_value(self):
        self.never(lambda *_: {"data": [{"index": 0, "embedding": ["0.5"] * 8}]}, "a value of a vector is")

    def test_bad_base64(self):
        self.never(lambda *_: {"data": [{"index": 0, "embedding": "*" * 43 + "="}]}, "not base64")

    def test_another_shape(self):
        self.never(lambda *_: ["data"], "has no 'data'")

    def test_huge_reply(self):
        def flood(request, handler, _):
            handler.send_response(200)
            handler.send_header("Content-Length", str(1 << 40))
            handler.end_headers()
            try:
                while True:
                    handler.wfile.write(b" " * (1 << 16))
            except OSError:
                handler.close_connection = True
            return True
        self.never(flood, "is larger than")

    def test_redirect(self):
        other = FakeProvider()
        self.addCleanup(other.close)

        def redirect(request, handler, _):
            handler.reply({}, 307, [("Location", other.url + "/v1/embeddings")])
            return True
        self.never(redirect, "307 (a redirect, which is not followed)")
        self.assertEqual(other.requests, [])


class Certificates(ProviderTest):
    def embed(self, certificate, **more):
        self.serve(tls=certificate)
        self.init()
        return self.run_db("embed", TEXT, **more)

    def test_one_that_is_trusted(self):
        certificate = Certificate(self.home)
        result = self.embed(certificate, env={"SSL_CERT_FILE": str(certificate.certificate)})
        self.assertEqual(result.code, DONE, repr(result))
        self.assert_vector(result.json, TEXT)

    def test_one_that_is_not(self):
        result = self.embed(Certificate(self.home))
        self.assertEqual(result.code, MODEL)
        self.assertIn("certificate is not valid or not trusted", result.err)
        self.assertIn("SSL_CERT_FILE", result.err)

    def test_one_that_has_expired(self):
        certificate = Certificate(self.home, expired=True)
        result = self.embed(certificate, env={"SSL_CERT_FILE": str(certificate.certificate)})
        self.assertEqual(result.code, MODEL)
        self.assertIn("certificate is not valid or not trusted", result.err)


class Refused(ProviderTest):
    def test_one_bad_text_keeps_no_other_back(self):
        provider = self.serve(lambda request, handler: 400 if any("poison" in text for text in request.texts) else None)
        self.init()
        texts = [f"text {n}" for n in range(40)] + ["poison"]
        result = self.db("upsert", "--schema", "resources", input=self.rows(texts))
        self.assertIn("1 rows are stored without their embedding", result.err)
        self.assertIn("400 (bad request", result.err)
        self.assertNotIn("poison", result.err)
        self.assertEqual((self.table()["vectors"], self.table()["pending"]), (40, 1))
        again = self.db("embed", "--pending").json
        self.assertEqual((again["embedded"], again["pending"]), (0, 1))
        self.assertIn("400 (bad request", again["reason"])

    def test_long_texts_are_cut(self):
        def behave(request, handler):
            return 400 if max(map(len, request.texts)) > 20000 else None
        provider = self.serve(behave)
        self.init()
        result = self.db("upsert", "--schema", "resources", input=self.rows(["word " * 20000, "short"]))
        self.assertIn("1 texts are longer than their model takes", result.err)
        self.assertEqual((self.table()["vectors"], self.table()["pending"]), (2, 0))
        self.assertLessEqual(min(len(text) for text in provider.texts if text.startswith("word")), 20000)


class Down(ProviderTest):
    def init_and_fill(self, count=150):
        self.db("init", "notes")
        return self.db("upsert", "--schema", "resources", input=self.rows([f"text {n}" for n in range(count)]))

    def test_writes_go_on_and_searches_tell(self):
        provider = self.serve()
        self.init()
        self.db("insert", "resources", self.row("a first text", 1000))
        provider.behave = lambda *_: 503
        result = self.db("upsert", "--schema", "resources", "--batch-size", 10, input=self.rows([f"text {n}" for n in range(150)]))
        self.assertEqual(result.json["inserted"], 150)
        self.assertIn("150 rows are stored without their embedding", result.err)
        self.assertIn("503", result.err)
        # It was not asked again for each of the fifteen batches.
        self.assertLess(len([text for text in provider.texts if text.startswith("text ")]), 150)
        stats = self.db("stats").json
        self.assertEqual((stats["pending"], self.table()["pending"]), (150, 150))
        provider.behave = None
        result = self.db("search", "a first text")
        self.assertEqual(len(result.json), 1)
        self.assertIn("150 rows could not be searched", result.err)

    def test_kill_while_the_queue_is_worked_off(self):
        self.environment["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"
        self.environment["P8_EMBEDDING_BATCH_SIZE"] = "8"
        self.init_and_fill()
        self.assertEqual((self.table()["rows"], self.table()["pending"]), (150, 150))

        stuck = threading.Event()
        self.addCleanup(stuck.set)
        provider = self.serve()
        provider.behave = lambda *_: stuck.wait() and None if len(provider.requests) > 12 else None
        process = self.start("embed", "--pending", env={"P8_PROVIDER_TIMEOUT": "600"})
        self.assertTrue(wait_until(lambda: len(provider.requests) > 12), "nothing was asked for")
        process.send_signal(signal.SIGKILL)
        process.wait()
        stuck.set()
        stats = self.table()
        self.assertEqual((stats["rows"], stats["vectors"] + stats["pending"]), (150, 150))
        self.assertTrue(self.db("check").json["ok"])
        provider.behave = None
        self.assertEqual(self.db("embed", "--pending").json["pending"], 0)
        stored = self.stored()
        self.assertEqual(len(stored), 150)
        for text, vector in stored.items():
            self.assert_vector(vector, text)

    def test_interrupt_ends_a_wait(self):
        provider = self.serve()
        self.init()
        provider.behave = lambda *_: time.sleep(60)
        del provider.requests[:]
        process = self.start("embed", "--pending") if self.table()["pending"] else self.start("embed", "x")
        self.assertTrue(wait_until(lambda: provider.requests))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=PATIENCE_S), 130)


class Silence(ProviderTest):
    def test_no_key_and_no_text_in_anything_that_is_left_behind(self):
        """At the most talkative level, after successes and failures; the database itself holds the texts, of course."""
        answers = iter([None] * 3 + [500, 400, 401, b"{"] * 20)
        provider = self.serve(lambda request, handler: next(answers))
        self.environment.update(P8_LOG_LEVEL="DEBUG", P8_LOG_PERFORMANCE="true")
        self.init()
        said = ""
        for n in range(8):
            said += self.run_db("insert", "resources", self.row(TEXT, n)).err
            said += self.run_db("search", TEXT).err
            said += self.run_db("embed", "--pending").err
        said += self.db("config").out
        for path in (self.home / "p8").rglob("*"):
            if path.is_file() and not any(parent.suffix == ".db" for parent in path.parents):
                said += path.read_bytes().decode(errors="replace")
        self.assertNotIn(KEY, said)
        self.assertNotIn("onyx goblin", said)
        self.assertGreater(len(provider.requests), 10)
        for path in (self.home / "p8").rglob("*"):
            if path.is_file():
                self.assertNotIn(KEY.encode(), path.read_bytes(), path)
