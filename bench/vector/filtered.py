#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Filtered and plain vector searches of a database of 100,000 texts, through rem.h and in SQL, beside databases that do the same, by CPU time.

usage: bench/vector/filtered.py build-bench DATABASE folder [--rounds 5] [--queries 40]

DATABASE holds, as resources, the first 100,000 texts of what bench_make_glosses wrote to `folder`, row i with the category noun (i < 80,000), verb
(< 93,000) or adj: write them as JSON lines with --rows and load them with `db upsert`. Needs numpy, and sqlite-vec, lancedb and zvec where they are to be asked.
Each database answers the same queries: the ten nearest, and the ten nearest verbs (13 %). rem remembers which rows are verbs until one is written; "fresh" is the time where
it cannot, since a row was. All take turns, one round of queries each; a figure is the median of the rounds. Threads count: the CPU time of the whole process does.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

ROWS, K = 100_000, 10


def category(row):
    return "noun" if row < 80_000 else "verb" if row < 93_000 else "adj"


def write_rows(folder):
    for row, text in zip(range(ROWS), open(folder / "glosses.txt")):
        print(json.dumps({"uri": f"file:///gloss/{row}", "name": f"gloss {row}", "category": category(row), "content": text.strip()}))


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(ask, queries, truth):
    for query in queries[:10]:
        ask(query)
    begun, began = cpu(), time.perf_counter()
    answers = [ask(query) for query in queries]
    spent, passed = cpu() - begun, time.perf_counter() - began
    recall = np.mean([len(set(a) & set(b.tolist())) / K for a, b in zip(answers, truth)])
    return {"ms": 1000 * passed / len(queries), "cpu_ms": 1000 * spent / len(queries), "recall": round(float(recall), 4)}


def sqlite_vec(vectors):
    import sqlite3
    import sqlite_vec
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    sqlite_vec.load(db)
    db.execute(f"create virtual table rows using vec0(id integer primary key, vector float[{vectors.shape[1]}] distance_metric=cosine, category text)")
    with db:
        db.executemany("insert into rows values (?, ?, ?)", ((i, v.tobytes(), category(i)) for i, v in enumerate(vectors)))
    plain = lambda q: [r[0] for r in db.execute("select id from rows where vector match ? and k = ?", (q.tobytes(), K))]
    verbs = lambda q: [r[0] for r in db.execute("select id from rows where vector match ? and k = ? and category = 'verb'", (q.tobytes(), K))]
    return plain, verbs


def lance(vectors):
    import lancedb
    import pyarrow as pa
    from lancedb.index import Bitmap, HnswSq
    db = lancedb.connect(tempfile.mkdtemp(prefix="lance-"))
    values = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    table = db.create_table("rows", pa.table({"id": pa.array(range(len(vectors)), pa.int32()), "vector": values,
                                              "category": [category(i) for i in range(len(vectors))]}))
    table.create_index("vector", config=HnswSq(distance_type="cosine", num_partitions=1, m=16, ef_construction=200))
    table.create_index("category", config=Bitmap())

    def search(q):
        return table.search(q).distance_type("cosine").ef(64).refine_factor(2).limit(K).select(["id"])
    plain = lambda q: search(q).to_arrow()["id"].to_pylist()
    verbs = lambda q: search(q).where("category = 'verb'", prefilter=True).to_arrow()["id"].to_pylist()
    return plain, verbs


def zvec(vectors):
    import zvec
    schema = zvec.CollectionSchema(
        name="rows",
        fields=[zvec.FieldSchema("category", zvec.DataType.STRING, index_param=zvec.InvertIndexParam())],
        vectors=zvec.VectorSchema("vector", zvec.DataType.VECTOR_FP32, vectors.shape[1],
                                  index_param=zvec.HnswIndexParam(metric_type=zvec.MetricType.COSINE, m=16, ef_construction=200)))
    rows = zvec.create_and_open(path=os.path.join(tempfile.mkdtemp(prefix="zvec-"), "rows"), schema=schema)
    for first in range(0, len(vectors), 1000):
        rows.insert([zvec.Doc(id=str(i), fields={"category": category(i)}, vectors={"vector": vectors[i].tolist()})
                     for i in range(first, min(first + 1000, len(vectors)))])
    rows.optimize()

    def search(q, **more):
        query = zvec.VectorQuery("vector", vector=q.tolist(), param=zvec.HnswQueryParam(ef=64))
        return [int(doc.id) for doc in rows.query(query, topk=K, **more)]
    return search, lambda q: search(q, filter="category = 'verb'")


def ours(arguments, queries, way, where):
    """One round in a process of its own; `where` is a list of arguments. CPU time is that of the queries alone."""
    with tempfile.NamedTemporaryFile(suffix=".f32") as file:
        queries.tofile(file.name)
        command = [arguments.build / "bench_filtered", arguments.database, file.name, "384", way, *where]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def show(name, what, rounds):
    figures = {key: float(np.median([figures[key] for figures in rounds])) for key in ("ms", "cpu_ms", "recall")}
    print(f"{name:12} {what:14} cpu {figures['cpu_ms']:8.3f} ms  wall {figures['ms']:8.3f} ms  recall {figures['recall']:.3f}", flush=True)
    print(json.dumps({"benchmark": "filtered", "name": name, "what": what, **figures}), flush=True)


def contestants(arguments, vectors):
    """(name, what, ask) of all: ask(queries, truth, truth_verbs) gives the figures of one round."""
    found = []
    for way in ("api", "sql"):
        for what, where in (("plain", []), ("verbs", ["category", "verb"]), ("verbs, fresh", ["category", "verb", "fresh"])):
            found.append((f"rem {way}", what, lambda q, t, v, way=way, where=where: ours(arguments, q, way, where)))
    for make in [sqlite_vec, lance, zvec] if not arguments.peers else [globals()[name] for name in arguments.peers.split(",")]:
        try:
            plain, verbs = make(vectors)
        except (ImportError, AttributeError) as missing:
            print(f"{make.__name__}: left out ({missing})")
            continue
        found.append((make.__name__, "plain", lambda q, t, v, ask=plain: measure(ask, q, t)))
        found.append((make.__name__, "verbs", lambda q, t, v, ask=verbs: measure(ask, q, v)))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("database", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--queries", type=int, default=40, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", help="some of sqlite_vec,lance,zvec; default: all")
    parser.add_argument("--rows", action="store_true", help="print the rows to load, and do nothing else")
    arguments = parser.parse_args()
    if arguments.rows:
        return write_rows(arguments.folder)
    vectors = np.fromfile(arguments.folder / "glosses.f32", np.float32).reshape(-1, 384)[:ROWS]
    queries = np.fromfile(arguments.folder / "glosses.report.f32", np.float32).reshape(-1, 384)[:arguments.queries * arguments.rounds]
    scores = queries @ vectors.T
    truth = np.argsort(-scores, axis=1)[:, :K]
    verbs = np.array([category(i) == "verb" for i in range(ROWS)])
    truth_verbs = np.argsort(np.where(verbs, -scores, np.inf), axis=1)[:, :K]
    asked = contestants(arguments, vectors)
    rounds = [[] for _ in asked]
    for i in range(arguments.rounds):
        part = slice(i * arguments.queries, (i + 1) * arguments.queries)
        for figures, (_, _, ask) in zip(rounds, asked):
            figures.append(ask(queries[part], truth[part], truth_verbs[part]))
    for figures, (name, what, _) in zip(rounds, asked):
        show(name, what, figures)


if __name__ == "__main__":
    sys.exit(main())
