#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long vector libraries take to open an index file, in the page cache, and answer once; beside bench_open.

usage: bench/vector/open_peers.py build-bench ROWS.f32 DIMENSION COUNT

Needs numpy, and hnswlib, faiss-cpu and usearch where they are to be measured. Built fast (ef_construction 40): opening does not depend on it.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np


def measure(open_and_ask):
    walls, cpus = [], []
    for _ in range(7):
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        open_and_ask()
        walls.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 1000 * sorted(walls)[3], 1000 * sorted(cpus)[3]


def hnswlib(vectors, path):
    import hnswlib
    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), M=16, ef_construction=40)
    index.add_items(vectors)
    index.save_index(path)

    def run():
        opened = hnswlib.Index("ip", vectors.shape[1])
        opened.load_index(path)
        opened.set_ef(50)
        opened.knn_query(vectors[7], 10)
    return run


def faiss(vectors, path):
    import faiss
    index = faiss.index_factory(vectors.shape[1], "HNSW16_SQ8", faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 40
    index.train(vectors[:20000])
    index.add(vectors)
    faiss.write_index(index, path)
    return lambda: faiss.read_index(path).search(vectors[7:8], 10)


def usearch(vectors, path):
    from usearch.index import Index
    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32", connectivity=16, expansion_add=40)
    index.add(np.arange(len(vectors)), vectors)
    index.save(path)
    return lambda: Index.restore(path, view=True).search(vectors[7], 10)


def main():
    build, rows, dimension, count = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    vectors = np.fromfile(rows, np.float32).reshape(-1, dimension)[:count]
    with tempfile.TemporaryDirectory(prefix="open-") as folder:
        subprocess.run([build / "bench_open", rows, str(dimension), str(count), os.path.join(folder, "rem")], check=True)
        for make in (hnswlib, faiss, usearch):
            path = os.path.join(folder, make.__name__)
            try:
                run = make(vectors, path)
            except ImportError as missing:
                print(f"{make.__name__}: left out ({missing})")
                continue
            wall, cpu = measure(run)
            print(f"{make.__name__:10} {os.path.getsize(path) / 1e6:8.1f} MB  open + first answer {wall:8.2f} ms, CPU {cpu:8.2f} ms", flush=True)
            print(json.dumps({"benchmark": "open", "name": make.__name__, "ms": wall, "cpu_ms": cpu}), flush=True)


if __name__ == "__main__":
    main()
