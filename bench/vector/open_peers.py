#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long vector libraries take to open an index file, in the page cache, and answer once; beside bench_open.

usage: bench/vector/open_peers.py build-bench ROWS.f32 DIMENSION COUNT [LIBRARY...] [--folder FOLDER]

Needs numpy and the libraries that are to be measured (libraries.py); by default all that keep files. Built fast (ef 40, degree 32): opening does not
depend on it. With --folder indexes stay there and are used again; usearch is opened twice, mapped ("view") and loaded. The median of 15 openings.
"""
import argparse
import json
import pathlib
import resource
import subprocess
import tempfile
import time

import numpy as np

from libraries import Faiss, Glass, Hnswlib, Svs, Usearch

TIMES = 15
LIBRARIES = {
    "hnswlib": lambda: Hnswlib(ef=40),
    "faiss": lambda: Faiss("HNSW16_SQ8", ef=40),
    "usearch-view": lambda: Usearch("f32", ef=40),
    "usearch-load": lambda: Usearch("f32", ef=40),
    "svs": lambda: Svs(degree=32, window=40),
    "glass": lambda: Glass("SQ8U", "SQ8U", "FP16", ef=40),
}


def measure(open_and_ask):
    walls, cpus = [], []
    for _ in range(TIMES):
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        open_and_ask()
        walls.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 1000 * sorted(walls)[TIMES // 2], 1000 * sorted(cpus)[TIMES // 2]


def run(key, vectors, folder):
    library = LIBRARIES[key]()
    path = folder / key.split("-")[0]
    if not path.exists():
        library.build(vectors, 1)
        path.mkdir()
        library.save(path)
        library = LIBRARIES[key]()
    more = {"view": True} if key == "usearch-view" else {}

    def open_and_ask():
        library.load(path, vectors, **more)
        library.set(50)
        library.search(vectors[7:8])

    open_and_ask()  # what is loaded only once, and the page cache
    wall, cpu = measure(open_and_ask)
    size = sum(file.stat().st_size for file in path.rglob("*"))
    print(f"{key:12} {size / 1e6:8.1f} MB  open + first answer {wall:8.2f} ms, CPU {cpu:8.2f} ms", flush=True)
    print(json.dumps({"benchmark": "open", "name": key, "ms": wall, "cpu_ms": cpu}), flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("rows")
    parser.add_argument("dimension", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("libraries", nargs="*", default=list(LIBRARIES))
    parser.add_argument("--folder", type=pathlib.Path)
    options = parser.parse_args()
    vectors = np.memmap(options.rows, np.float32, mode="r").reshape(-1, options.dimension)[:options.count]
    with tempfile.TemporaryDirectory(prefix="open-") as temporary:
        folder = options.folder or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([options.build / "bench_open", options.rows, str(options.dimension), str(options.count), folder / "rem"], check=True)
        for key in options.libraries:
            try:
                run(key, np.asarray(vectors), folder)
            except ImportError as missing:
                print(f"{key}: left out ({missing})")


if __name__ == "__main__":
    main()
