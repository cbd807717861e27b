#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the precisions cost in retrieval: nDCG@10 and recall@100 on a labelled collection, and cosines to float32.

    bench/embed/retrieval.py <build folder> <models folder> <collection> [model]

The build folder (configured with -DREM_BENCH=ON) holds bench_embedder; the collection is a folder in BEIR layout (corpus.jsonl, queries.jsonl,
qrels/test.tsv), such as Cranfield. Needs numpy. A document is its title, a blank line and its text. Judgements are taken as binary.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy

import encoder_texts

PRECISIONS = ("float32", "bfloat16", "int8")


def embed(build, models, model, precision, texts, folder):
    """Rows of float32, and the kernels that made them."""
    source, target = os.path.join(folder, "texts"), os.path.join(folder, "vectors")
    encoder_texts.write(source, texts)
    env = {**os.environ, "P8_EMBEDDING_PRECISION": precision}
    answer = subprocess.run([os.path.join(build, "bench_embedder"), models, "1", model], input=f"vectors {source} {target}\n", env=env,
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    return numpy.fromfile(target, numpy.float32).reshape(len(texts), -1), json.loads(answer)["kernel"]


def read_collection(folder):
    def lines(name):
        return [json.loads(line) for line in open(os.path.join(folder, name), encoding="utf-8")]

    documents = {d["_id"]: f"{d['title']}\n\n{d['text']}" for d in lines("corpus.jsonl")}
    queries = {q["_id"]: q["text"] for q in lines("queries.jsonl")}
    relevant = {}
    for line in open(os.path.join(folder, "qrels/test.tsv"), encoding="utf-8").read().splitlines()[1:]:
        query, document, grade = line.split("\t")
        if int(grade) > 0:
            relevant.setdefault(query, set()).add(document)
    return documents, queries, relevant


def judge(found, wanted):
    gain = sum(1 / math.log2(i + 2) for i, name in enumerate(found[:10]) if name in wanted)
    ideal = sum(1 / math.log2(i + 2) for i in range(min(10, len(wanted))))
    return gain / ideal, len(wanted & set(found)) / len(wanted)


def main(build, models, collection, model="all-MiniLM-L6-v2"):
    documents, queries, relevant = read_collection(collection)
    names, asked = list(documents), [q for q in queries if relevant.get(q)]
    truth, base = None, None
    with tempfile.TemporaryDirectory() as folder:
        for precision in PRECISIONS:
            vectors, kernel = embed(build, models, model, precision, list(documents.values()) + [queries[q] for q in asked], folder)
            truth = vectors if truth is None else truth
            cosines = (vectors * truth).sum(1)
            ranked = numpy.argsort(-(vectors[len(names):] @ vectors[:len(names)].T), axis=1, kind="stable")[:, :100]
            judged = [judge([names[i] for i in row], relevant[q]) for row, q in zip(ranked, asked)]
            ndcg, recall = (sum(part) / len(asked) for part in zip(*judged))
            base = base or ndcg
            mean, least = float(cosines.mean()), float(cosines.min())
            print(f"{precision:9} {kernel:16} nDCG@10 {ndcg:.4f} ({100 * (ndcg / base - 1):+.2f} %)  recall@100 {recall:.4f}  "
                  f"cosine to float32 {mean:.6f} mean, {least:.6f} at least")
            print(json.dumps({"benchmark": "retrieval", "model": model, "precision": precision, "kernel": kernel, "ndcg_10": ndcg,
                              "recall_100": recall, "cosine_mean": mean, "cosine_least": least}))


main(*sys.argv[1:])
