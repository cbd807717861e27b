#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The vector libraries beside ours, on the same vectors, in one run, one thread, by CPU time.

usage: bench/vector/peers.py build-bench folder [--rounds 3] [--peers hnswlib,svs,...] [--dimension 384] [--prefix glosses]

The folder holds what bench_make_glosses writes (prefix.f32, prefix.tune.*, prefix.report.*). Needs numpy and the peers (hnswlib, scalable-vs,
pyglass-portable, faiss-cpu, usearch); those not installed are left out. Every peer builds once; then, in each round, every peer and ours answer all
queries at all of their search parameters in turn. The best round of each counts. Between the parameters, QPS at a recall is interpolated on
log QPS over log (1 - recall); parameters are chosen on the queries of `tune`, figures are those of `report`.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np

TARGETS = (0.95, 0.98, 0.99)
K = 10


def recall(found, truth):
    return float(np.mean([len(set(a[:K].tolist()) & set(b[:K].tolist())) / K for a, b in zip(found, truth)]))


class Hnswlib:
    name = "hnswlib M=16 efc=200"
    parameters = (10, 15, 20, 25, 30, 40, 50, 64, 80, 100, 130, 160, 200, 300)

    def __init__(self, vectors):
        import hnswlib
        self.index = hnswlib.Index("ip", vectors.shape[1])
        self.index.init_index(len(vectors), M=16, ef_construction=200)
        self.index.set_num_threads(1)
        self.index.add_items(vectors, num_threads=1)

    def set(self, value):
        self.index.set_ef(value)

    def search(self, queries):
        return self.index.knn_query(queries, K, num_threads=1)[0]


class Faiss:
    name = "faiss HNSW16 SQ8 efc=200"
    parameters = Hnswlib.parameters

    def __init__(self, vectors):
        import faiss
        faiss.omp_set_num_threads(1)
        self.index = faiss.index_factory(vectors.shape[1], "HNSW16_SQ8", faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = 200
        self.index.train(vectors[:20000])
        self.index.add(vectors)

    def set(self, value):
        self.index.hnsw.efSearch = value

    def search(self, queries):
        return self.index.search(queries, K)[1]


class Usearch:
    name = "usearch M=16 efc=200 i8"
    parameters = Hnswlib.parameters

    def __init__(self, vectors):
        from usearch.index import Index
        self.index = Index(ndim=vectors.shape[1], metric="cos", dtype="i8", connectivity=16, expansion_add=200)
        self.index.add(np.arange(len(vectors)), vectors, threads=1)

    def set(self, value):
        self.index.expansion_search = value

    def search(self, queries):
        return self.index.search(queries, K, threads=1).keys


class Glass:
    name = "glass HNSW R=32 L=200 SQ8"
    parameters = (10, 14, 18, 22, 28, 36, 48, 64, 80, 100, 140, 200, 300)

    def __init__(self, vectors):
        import glass
        self.graph = glass.Index("HNSW", "IP", "SQ8U", R=32, L=200).build(vectors)
        self.searcher = glass.Searcher(self.graph, vectors, "IP", "SQ8U", "FP16")
        self.searcher.optimize(1)

    def set(self, value):
        self.searcher.set_ef(value)

    def search(self, queries):
        found = self.searcher.batch_search(queries, K, 1)
        return np.asarray(found[0] if isinstance(found, tuple) else found).reshape(len(queries), K)


class Svs:
    parameters = (10, 11, 12, 13, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 50, 60, 80, 100)

    def __init__(self, vectors):
        import svs
        loader = self.loader(svs, vectors)
        parameters = svs.VamanaBuildParameters(graph_max_degree=64, window_size=200, alpha=0.95)
        self.index = svs.Vamana.build(parameters, loader, svs.DistanceType.MIP, num_threads=1)

    def set(self, value):
        self.index.search_window_size = value

    def search(self, queries):
        return self.index.search(queries, K)[0]


class SvsLvq(Svs):
    """LVQ runs on Intel CPUs only; elsewhere the library ends the process."""

    def loader(self, svs, vectors):
        if "GenuineIntel" not in pathlib.Path("/proc/cpuinfo").read_text():
            raise RuntimeError("LVQ needs an Intel CPU")
        path = f"{os.environ.get('TMPDIR', '/tmp')}/rem-bench-{os.getpid()}.fvecs"
        svs.write_vecs(vectors, path)
        try:
            return svs.LVQLoader(svs.VectorDataLoader(path, svs.DataType.float32, dims=vectors.shape[1]), **self.levels)
        finally:
            os.unlink(path)


class SvsLvq4x8(SvsLvq):
    name = "svs Vamana LVQ4x8"
    levels = {"primary": 4, "residual": 8}


class SvsLvq8(SvsLvq):
    name = "svs Vamana LVQ8"
    levels = {"primary": 8}


class SvsHalf(Svs):
    name = "svs Vamana float16"

    def loader(self, svs, vectors):
        return vectors.astype(np.float16)


PEERS = {"hnswlib": Hnswlib, "svs4x8": SvsLvq4x8, "svs8": SvsLvq8, "svs16": SvsHalf, "glass": Glass, "faiss": Faiss, "usearch": Usearch}


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def measure(peer, sets, best):
    for value in peer.parameters:
        peer.set(value)
        for name, (queries, truth) in sets.items():
            begun = time.process_time()
            found = peer.search(queries)
            seconds = time.process_time() - begun
            row = best.setdefault((name, value), [0.0, 0.0])
            row[0] = recall(found, truth)
            row[1] = max(row[1], len(queries) / seconds)


def at_recall(best, target):
    """QPS on `report` where `tune` reaches the target: both curves are read at the parameter interpolated on `tune`."""
    tune = sorted((value, *row) for (name, value), row in best.items() if name == "tune")
    for (v0, r0, _), (v1, r1, _) in zip(tune, tune[1:]):
        if r0 < target <= r1:
            t = (math.log(1 - target) - math.log(1 - r0)) / (math.log(1 - r1 + 1e-9) - math.log(1 - r0))
            a, b = best[("report", v0)], best[("report", v1)]
            qps = math.exp(math.log(a[1]) * (1 - t) + math.log(b[1]) * t)
            return qps, a[0] * (1 - t) + b[0] * t
    if tune and tune[0][1] >= target:
        row = best[("report", tune[0][0])]
        return row[1], row[0]
    return None, None


def ours(folder, data, prefix, dimension, rounds_best, level, keep):
    """One round of ours: bench_graph builds anew each time, which also gives the build's cost."""
    files = [str(data / f"{prefix}{suffix}") for suffix in (".f32", ".tune.f32", ".tune.i32", ".report.f32", ".report.i32")]
    environment = dict(os.environ)
    if level:
        environment["REM_CPU_LEVEL"] = level
    output = subprocess.run([str(folder / "bench_graph"), files[0], str(dimension), *files[1:], "1", *keep], env=environment, check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    facts = {}
    for line in output.splitlines():
        row = json.loads(line)
        if "recall" in row:
            slot = rounds_best.setdefault(row["library"], {}).setdefault((row["set"], row["parameter"]), [0.0, 0.0])
            slot[0], slot[1] = row["recall"], max(slot[1], row["qps"])
        else:
            facts.update(row)
    return facts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--prefix", default="glosses")
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--level", default="", help="REM_CPU_LEVEL for ours")
    options = parser.parse_args()
    read = lambda name, kind: np.fromfile(options.data / f"{options.prefix}.{name}", dtype=kind)
    vectors = read("f32", np.float32).reshape(-1, options.dimension)
    sets = {name: (read(f"{name}.f32", np.float32).reshape(-1, options.dimension), read(f"{name}.i32", np.int32).reshape(-1, 100))
            for name in ("tune", "report")}
    peers, results, builds = [], {}, {}
    for key in filter(None, options.peers.split(",")):
        kind = PEERS[key]
        before, begun = resident(), time.process_time()
        try:
            peer = kind(vectors)
        except (ImportError, AttributeError, TypeError, RuntimeError, ValueError) as error:
            print(f"{key}: left out: {error}", file=sys.stderr)
            continue
        builds[kind.name] = (time.process_time() - begun, (resident() - before) / len(vectors))
        peers.append(peer)
        print(f"built {kind.name}: {builds[kind.name][0]:.1f} s", file=sys.stderr, flush=True)
    facts = {}
    for _ in range(options.rounds):
        for peer in peers:
            measure(peer, sets, results.setdefault(peer.name, {}))
        facts = ours(options.build, options.data, options.prefix, options.dimension, results, options.level, [])
        builds["rem memory"] = (min(facts["build_cpu_s"], builds.get("rem memory", (1e9,))[0]), facts["bytes_per_vector"])
    print(f"{facts.get('cpu')}, kernel {facts.get('kernel')}, {len(vectors)} x {options.dimension}, one thread, CPU time, recall@10")
    print(f"{'':28}" + "".join(f"QPS at {t:<14}" for t in TARGETS) + "build s   bytes/vector")
    for name, best in results.items():
        cells = []
        for target in TARGETS:
            qps, got = at_recall(best, target)
            cells.append(f"{qps:7.0f} ({got:.4f})  " if qps else "-".ljust(19))
        cost = builds.get(name)
        print(f"{name:28}" + "".join(f"{cell:21}" for cell in cells) + (f"{cost[0]:7.1f}   {cost[1]:7.0f}" if cost else ""))
    print(json.dumps({"results": {name: {f"{s}/{v}": row for (s, v), row in best.items()} for name, best in results.items()},
                      "builds": builds, "facts": facts}))


if __name__ == "__main__":
    main()
