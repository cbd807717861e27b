# SPDX-License-Identifier: Apache-2.0
"""Searches in SQL give what their definition says (D18), however the statement is built: compared with scores ranked here."""
import json
import os
import random
import unittest

from program import ERROR, MODELS, ProgramTest, needs_model

WORDS = ("coffee machine filter water train night ticket python function type database index query snapshot garden soup onion bread bicycle river "
         "mountain winter contract invoice password key rotation painting violin orchestra").split()
QUESTIONS = ("how to brew coffee", "railway journey", "programming language", "storage engine", "cooking dinner")
SCALE = int(os.environ.get("REM_TEST_SCALE", "1"))


class Searches(ProgramTest):
    models = MODELS

    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 32)
        self.random = random.Random(self.seed)
        self.init()
        self.rows = []
        for n in range(60):
            words = self.random.sample(WORDS, 4)
            self.rows.append({"name": f"r{n:02d}", "uri": f"file:///f{n % 7}", "ordinal": n, "category": self.random.choice("abc"), "content": " ".join(words)})
        self.files = [{"uri": f"file:///f{n}", "name": f"f{n}", "file_type": "text", "size_bytes": n, "status": "odd" if n % 2 else "even"} for n in range(5)]
        self.db("upsert", "--schema", "resources", input="".join(json.dumps(row) + "\n" for row in self.rows))
        self.db("upsert", "--schema", "files", input="".join(json.dumps(row) + "\n" for row in self.files))
        self.scores = {}
        for question in QUESTIONS:
            found = self.query(f"SELECT name, _score FROM resources WHERE embedding.cosine('{question}') > -2")
            self.assertEqual(len(found), len(self.rows))
            self.scores[question] = {row["name"]: row["_score"] for row in found}

    def query(self, sql):
        return self.db("query", sql).json

    def ranked(self, question, keep=lambda row: True):
        return sorted((row for row in self.rows if keep(row)), key=lambda row: -self.scores[question][row["name"]])

    def filter(self, alias=""):
        """A condition on resources, as SQL and as a function."""
        dot = alias + "." if alias else ""
        letter, bound = self.random.choice("abc"), self.random.randrange(60)
        return self.random.choice([
            ("1", lambda row: True),
            (f"{dot}category = '{letter}'", lambda row: row["category"] == letter),
            (f"{dot}ordinal > {bound}", lambda row: row["ordinal"] > bound),
            (f"({dot}category = '{letter}' OR {dot}ordinal < {bound})", lambda row: row["category"] == letter or row["ordinal"] < bound),
            (f"{dot}name LIKE '%{bound % 10}' AND NOT {dot}category = '{letter}'", lambda row: row["name"].endswith(str(bound % 10)) and row["category"] != letter),
        ])

    def window(self):
        """LIMIT and OFFSET as SQL, and the slice they are."""
        count, skip = self.random.choice((None, 1, 3, 10, 25)), self.random.choice((0, 0, 2))
        if count is None:
            return "", slice(0, 10)
        return f" LIMIT {count} OFFSET {skip}" if skip else f" LIMIT {count}", slice(skip, skip + count)

    def check(self, sql, wanted, key=None):
        found = [tuple(row.values()) for row in self.query(sql)]
        wanted = [value if isinstance(value, tuple) else (value,) for value in wanted]
        if key == "set":
            found, wanted = sorted(found), sorted(wanted)
        self.assertEqual(found, wanted, f"seed {self.seed}: {sql}")

    def partner(self, row):
        return next((file for file in self.files if file["uri"] == row["uri"]), None)

    @needs_model
    def test_one_table(self):
        for _ in range(4 * SCALE):
            q, (where, keep), (limit, chosen) = self.random.choice(QUESTIONS), self.filter(), self.window()
            ranked = self.ranked(q, keep)
            rows, search = ranked[chosen], f"FROM resources WHERE {where} AND embedding.cosine('{q}')"
            names = [row["name"] for row in rows]
            self.check(f"SELECT name {search}{limit}", names)
            self.check(f"SELECT count(*) {search}{limit}", [len(rows)])
            self.check(f"SELECT name {search} ORDER BY name DESC{limit}", sorted(names, reverse=True))
            self.check(f"SELECT category, count(*) {search} GROUP BY category{limit}",
                       {(row["category"], sum(other["category"] == row["category"] for other in rows)) for row in rows}, "set")
            self.check(f"SELECT DISTINCT category {search}{limit}", {row["category"] for row in rows}, "set")
            self.check(f"SELECT name, row_number() OVER (ORDER BY name) {search}{limit}", [(name, n + 1) for n, name in enumerate(sorted(names))], "set")
            self.check(f"SELECT name FROM resources WHERE id IN (SELECT id {search}{limit}) ORDER BY name", sorted(names))
            self.check(f"WITH w AS (SELECT name, _score AS s {search}{limit}) SELECT name FROM w ORDER BY s DESC", names)
            self.check(f"SELECT max(_score) {search}{limit}", [self.scores[q][names[0]] if names else None])
            if limit:
                self.check(f"SELECT name FROM resources WHERE {where} ORDER BY embedding.cosine('{q}'){limit}", names)
                self.check(f"SELECT name FROM (SELECT name, embedding.cosine('{q}') AS s FROM resources WHERE {where} ORDER BY s DESC{limit})", names)

    @needs_model
    def test_thresholds_are_conditions_like_others(self):
        for _ in range(5 * SCALE):
            q, (where, keep) = self.random.choice(QUESTIONS), self.filter()
            bound = round(self.random.uniform(-0.1, 0.4), 3)
            rows = [row for row in self.ranked(q, keep) if self.scores[q][row["name"]] > bound]
            search = f"FROM resources WHERE embedding.cosine('{q}') > {bound} AND {where}"
            names = [row["name"] for row in rows]
            self.check(f"SELECT name {search}", names)
            self.check(f"SELECT count(*) {search}", [len(rows)])
            self.check(f"SELECT name {search} ORDER BY name LIMIT 3", sorted(names)[:3])
            self.check(f"SELECT name {search} LIMIT 3", names[:3])
            other = self.random.choice(QUESTIONS)
            both = {row["name"] for row in rows if self.scores[other][row["name"]] > bound}
            if other != q:
                self.check(f"SELECT name {search} AND embedding.cosine('{other}') > {bound}", both, "set")
            ranks = self.ranked(q, lambda row: keep(row) and self.scores[q][row["name"]] > bound)[:4]
            self.check(f"SELECT name {search} AND embedding.cosine('{q}') ORDER BY name LIMIT 4", sorted(row["name"] for row in ranks))
        for sql in ("SELECT name FROM resources WHERE embedding.cosine('x') > 'much'", "SELECT count(*) FROM resources WHERE embedding.l2('x') < :least",
                    "SEARCH 'x' IN resources MIN 'much'"):
            refused = self.db("query", sql, *(["--param", "least=much"] if ":least" in sql else []), code=ERROR)
            self.assertIn("number", refused.err, sql)

    @needs_model
    def test_joins(self):
        for _ in range(4 * SCALE):
            q, (where, keep), (limit, chosen) = self.random.choice(QUESTIONS), self.filter("r"), self.window()
            status = self.random.choice(("odd", "even"))
            ranked = [(row, self.partner(row)) for row in self.ranked(q, keep)]
            inner = [(row, file) for row, file in ranked if file and file["status"] == status]
            search = f"FROM resources r JOIN files f ON f.uri = r.uri WHERE {where} AND r.embedding.cosine('{q}') AND f.status = '{status}'"
            rows = inner[chosen]
            self.check(f"SELECT r.name, f.name {search}{limit}", [(row["name"], file["name"]) for row, file in rows])
            self.check(f"SELECT count(*) {search}{limit}", [len(rows)])
            self.check(f"SELECT f.name, count(*) {search} GROUP BY f.name{limit}",
                       {(file["name"], sum(other is file for _, other in rows)) for _, file in rows}, "set")
            self.check(f"SELECT r.name {search} ORDER BY f.name DESC, r.name{limit}",
                       [row["name"] for row, file in sorted(rows, key=lambda pair: (-pair[1]["size_bytes"], pair[0]["name"]))])
            left = ranked[chosen]
            search = f"FROM resources r LEFT JOIN files f ON f.uri = r.uri WHERE {where} AND r.embedding.cosine('{q}')"
            self.check(f"SELECT r.name, f.name {search}{limit}", [(row["name"], file and file["name"]) for row, file in left])
            self.check(f"SELECT count(*), count(f.id) {search}{limit}", [(len(left), sum(file is not None for _, file in left))])
            alone = [(row, file) for row, file in ranked if not file or file["status"] == status][chosen]
            self.check(f"SELECT count(*) {search} AND (f.status = '{status}' OR f.id IS NULL){limit}", [len(alone)])

    @needs_model
    def test_unions_take_the_best_of_each(self):
        for _ in range(4 * SCALE):
            one, two = self.random.sample(QUESTIONS, 2)
            count, skip = self.random.choice((3, 8)), self.random.choice((0, 2))
            merged = sorted([(row["name"], self.scores[q][row["name"]]) for q in (one, two) for row in self.ranked(q)[:count + skip]], key=lambda pair: -pair[1])
            block = "SELECT name, _score FROM resources WHERE embedding.cosine('{}')"
            self.check(f"{block.format(one)} UNION ALL {block.format(two)} ORDER BY 2 DESC LIMIT {count} OFFSET {skip}", merged[skip:skip + count])

    @needs_model
    def test_values_in_the_result_list_filter_nothing(self):
        one, two = QUESTIONS[:2]
        rows = self.query(f"SELECT name, embedding.cosine('{two}') AS two FROM resources WHERE embedding.cosine('{one}') LIMIT 60")
        self.assertEqual([row["name"] for row in rows], [row["name"] for row in self.ranked(one)])
        for row in rows:
            self.assertAlmostEqual(row["two"], self.scores[two][row["name"]], places=5)
        self.db("query", "INSERT INTO resources(uri, name, content) VALUES ('file:///empty', 'empty', '')")
        self.assertEqual(self.query(f"SELECT embedding.cosine('{one}') AS v FROM resources WHERE name = 'empty'"), [{"v": None}])
        self.assertEqual(len(self.query(f"SELECT name FROM resources WHERE embedding.cosine('{one}') LIMIT 100")), 60)

    @needs_model
    def test_vectors_and_the_other_measures(self):
        vector = self.query("SELECT embedding FROM resources WHERE name = 'r07'")[0]["embedding"]
        text = json.dumps(vector)
        for rows in (self.db("query", "SELECT name, _score FROM resources WHERE embedding.cosine(:v) LIMIT 2", "--param", f"v={text}").json,
                     self.query(f"SELECT name, _score FROM resources WHERE embedding.cosine({text}) LIMIT 2"),
                     self.query("SELECT a.name, a._score FROM resources a, resources b WHERE b.name = 'r07' AND a.embedding.cosine(b.embedding) LIMIT 2"),
                     self.query("SELECT name, _score FROM resources WHERE embedding.cosine((SELECT embedding FROM resources WHERE name = 'r07')) LIMIT 2")):
            self.assertEqual(rows[0]["name"], "r07")
            self.assertAlmostEqual(rows[0]["_score"], 1, places=4)
        q = QUESTIONS[1]
        near = self.query(f"SELECT name, _score FROM resources WHERE embedding.l2('{q}') LIMIT 60")
        self.assertEqual([row["name"] for row in near], [row["name"] for row in self.ranked(q)])
        for row in near:
            self.assertAlmostEqual(row["_score"] ** 2, 2 - 2 * self.scores[q][row["name"]], places=3)
        bound = near[9]["_score"]
        self.assertEqual(len(self.query(f"SELECT name FROM resources WHERE embedding.l2('{q}') < {bound}")), 9)
        product = self.query(f"SELECT name, _score FROM resources WHERE embedding.inner_product('{q}') LIMIT 3")
        self.assertEqual([row["name"] for row in product], [row["name"] for row in self.ranked(q)[:3]])

    @needs_model
    def test_deleted_rows_are_found_only_when_asked_for(self):
        q = QUESTIONS[0]
        best = self.ranked(q)[0]["name"]
        self.db("query", f"DELETE FROM resources WHERE name = '{best}'")
        self.assertEqual(self.query(f"SELECT name FROM resources WHERE embedding.cosine('{q}') LIMIT 1"), [{"name": self.ranked(q)[1]["name"]}])
        self.assertEqual(self.query(f"SELECT name FROM resources WHERE embedding.cosine('{q}') AND deleted_at IS NOT NULL"), [{"name": best}])
        self.assertEqual(self.query("SELECT count(*) AS n FROM resources"), [{"n": 59}])
        # Each reference by itself: one names deleted_at, the other does not.
        self.assertEqual(self.query("SELECT count(*) AS n FROM resources a, resources b WHERE a.name = b.name AND a.deleted_at IS NOT NULL"), [{"n": 0}])
        self.assertEqual(self.query(f"SELECT (SELECT count(*) FROM resources) AS n FROM resources WHERE name = '{best}' AND deleted_at IS NOT NULL"), [{"n": 59}])
        self.assertEqual(self.query("SELECT count(*) AS n FROM resources WHERE id IN (SELECT id FROM resources r WHERE r.deleted_at > '2000-01-01')"), [{"n": 0}])


if __name__ == "__main__":
    unittest.main()
