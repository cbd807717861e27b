# SPDX-License-Identifier: Apache-2.0
"""The statements of the specification and of docs/sql.md, as printed there, against matching data and the real model."""
import json
import re
import unittest

from program import ROOT, MODELS, ProgramTest, needs_model

PERSON = {
    "title": "Person", "type": "object", "short_name": "person", "indexed_fields": ["role", "team"], "key_field": "email",
    "properties": {name: {"type": "string"} for name in ("name", "email", "role", "team")}, "required": ["name", "email", "role", "team"],
}
RESOURCES = [
    ("file:///docs/python.md", "tutorial", "active", "An introduction to Python programming: functions, classes and modules."),
    ("file:///docs/typing-python.md", "tutorial", "active", "Python tutorials: type hints and how to check them."),
    ("file:///docs/soup.md", "recipe", "active", "Cook the carrots and onions for an hour, then add the cream."),
    ("file:///docs/resources.md", "reference", "active", "Resources."),
    ("file:///docs/rust.md", "tutorial", "retired", "Ownership and borrowing in Rust."),
]
PEOPLE = [("Alice", "alice@company.com", "engineer", "core"), ("Bob Smith", "bobsmith@company.com", "lead", "core"), ("Carl", "carl@company.com", "engineer", "web")]
MOMENTS = [
    {"name": "Sprint 42", "moment_type": "period", "start_time": "2025-10-01T00:00:00Z", "end_time": "2025-10-14T23:59:59Z",
     "classifications": ["sprint", "development"], "description": "Performance optimization sprint"},
    {"name": "Sprint 43", "moment_type": "period", "start_time": "2025-11-01T00:00:00Z", "classifications": ["sprint"]},
    {"name": "Planning Meeting", "moment_type": "event", "start_time": "2025-10-01T10:00:00Z", "classifications": ["meeting"]},
]
PYTHON, TYPING, SOUP, REFERENCE, RUST = (row[0] for row in RESOURCES)

# Every statement, the column that tells rows apart, and the rows: a set, or a list of those that must come before all others.
STATEMENTS = {
    "SELECT * FROM resources WHERE category = 'tutorial'": ("uri", {PYTHON, TYPING, RUST}),
    "SELECT * FROM resources WHERE embedding.cosine('Python programming') LIMIT 10": ("uri", [PYTHON, TYPING]),
    "SELECT * FROM resources WHERE embedding.cosine('Python tutorials') LIMIT 10": ("uri", [TYPING, PYTHON]),
    "SELECT * FROM resources WHERE category = 'tutorial' LIMIT 10": ("uri", {PYTHON, TYPING, RUST}),
    "SELECT * FROM resources WHERE status = 'active' AND created_at >= '2025-10-17' AND embedding.cosine('resources') > 0.7 LIMIT 20":
        ("uri", {REFERENCE}),
    "SELECT * FROM resources WHERE status = 'active' LIMIT 20": ("uri", {PYTHON, TYPING, SOUP, REFERENCE}),
    "SELECT * FROM resources WHERE category = 'tutorial' AND uri LIKE '%python%'": ("uri", {PYTHON, TYPING}),
    "SELECT * FROM person WHERE role = 'engineer'": ("name", {"Alice", "Carl"}),
    "SELECT * FROM moment WHERE start_time >= '2025-10-01' AND start_time < '2025-11-01'": ("name", {"Sprint 42", "Planning Meeting"}),
    "SELECT * FROM moment WHERE 'sprint' = ANY(classifications)": ("name", {"Sprint 42", "Sprint 43"}),
    "SELECT * FROM entities WHERE name LIKE '%bob%'": ("name", {"Bob Smith"}),
}


def statements_of_the_specification():
    """Those in a `db query`, in a query plan, and in blocks of SQL apart from DuckDB's."""
    text = (ROOT / "docs" / "specification.md").read_text()
    found = set(re.findall(r'db query "([^"]+)"', text))
    found |= {query for query in re.findall(r'"(?:fallback_)?query": "(SELECT [^"]+)"', text)}
    for block in re.findall(r"```sql\n(.*?)```", text, re.S):
        if "parquet" not in block:
            found |= {line for line in block.splitlines() if line.startswith("SELECT")}
    return found


class Specification(ProgramTest):
    models = MODELS

    def test_no_statement_of_the_specification_is_left_out(self):
        self.assertEqual(statements_of_the_specification() - set(STATEMENTS), set())

    @needs_model
    def test_every_statement_runs_as_printed_with_the_right_rows(self):
        self.init()
        schema = self.db("schema", "show", "resources").json
        schema["properties"]["status"] = {"type": "string"}
        self.add_schema(schema)
        self.add_schema(PERSON)
        self.db("upsert", "--schema", "resources", input="".join(json.dumps(
            {"uri": uri, "name": uri, "category": category, "status": status, "content": content}) + "\n" for uri, category, status, content in RESOURCES))
        self.db("upsert", "--schema", "person", input="".join(json.dumps(dict(zip(PERSON["properties"], row))) + "\n" for row in PEOPLE))
        self.db("upsert", "--schema", "moment", input="".join(json.dumps(row) + "\n" for row in MOMENTS))
        for statement, (column, wanted) in STATEMENTS.items():
            rows = self.db("query", statement).json
            values = [row[column] for row in rows]
            if isinstance(wanted, set):
                self.assertEqual((set(values), len(values)), (wanted, len(wanted)), statement)
            else:
                self.assertEqual(set(values[:len(wanted)]), set(wanted), statement)
                self.assertEqual(len(values), len(RESOURCES), statement)
                scores = [row["_score"] for row in rows]
                self.assertEqual(scores, sorted(scores, reverse=True), statement)
            self.assertEqual("_score" in rows[0], "cosine" in statement, statement)
            self.assertNotIn("embedding", rows[0], statement)


class Guide(ProgramTest):
    """docs/sql.md: every example runs, in order, and shows something."""

    models = MODELS

    @needs_model
    def test_every_example_of_the_guide_gives_rows(self):
        self.init()
        examples = ROOT / "examples"
        self.db("ingest", "--folder", examples / "documents")
        self.db("schema", "add", examples / "person.json")
        self.db("upsert", examples / "people.jsonl", "--schema", "person")
        self.db("schema", "add", examples / "issue.yaml")
        self.db("upsert", examples / "issues.jsonl", "--schema", "issue")
        self.db("upsert", examples / "moments.jsonl", "--schema", "moments")
        blocks = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "sql.md").read_text(), re.S)
        statements = [part.strip() for block in blocks for part in block.split(";\n") if part.strip()]
        self.assertGreater(len(statements), 30)
        for statement in statements:
            rows = self.db("query", statement).json
            self.assertTrue(rows, statement)
            if "changes" in rows[0]:
                self.assertGreater(rows[0]["changes"], 0, statement)


if __name__ == "__main__":
    unittest.main()
