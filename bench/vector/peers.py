#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The vector libraries beside ours, on the same vectors, in one run.

usage: bench/vector/peers.py build-bench folder [--rounds 3] [--peers hnswlib,svs16,...] [--dimension 384] [--prefix glosses] [--cache FOLDER]
                             [--threads 1] [--build-only] [--level avx2]

The folder holds what bench_make_glosses or make_vectors.py writes (prefix.f32, prefix.tune.*, prefix.report.*). Needs numpy and the peers (libraries.py);
those not installed are left out. Every peer and ours build once; then, in each round, each answers all queries at all of its search parameters, in turn,
a library's queries in one call where it has one. The best round of each counts. Between the parameters, QPS at a recall is interpolated on log QPS over
log (1 - recall); parameters are chosen on the queries of `tune`, figures are those of `report`. One thread: by CPU time.

--cache keeps each peer's index with what its build cost, so that a large comparison can be run again without building the peers again.
--threads N: by time on the wall, each parameter with one thread and with N in turn, builds with N threads; a third table is N threads to one.
"""
import argparse
import ctypes
import json
import math
import os
import pathlib
import subprocess
import sys
import time
import zlib

import numpy as np

from libraries import K, LIBRARIES

TARGETS = (0.95, 0.98, 0.99)
DEFAULT = "hnswlib,svs4x8,svs8,svs16,glass,faiss,usearch"


def recall(found, truth):
    return float(np.mean([len(set(a[:K].tolist()) & set(b[:K].tolist())) / K for a, b in zip(found, truth)]))


def resident():
    """Bytes of this process that are no pages of files, once what was freed has gone back."""
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:
        pages = file.read().split()
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")


class Cache:
    """FOLDER/<set>-<rows>x<dimension>-<crc>-<threads>t/<library>: its index and build.json."""

    def __init__(self, folder, prefix, vectors, threads):
        crc = zlib.crc32(memoryview(vectors).cast("B"))
        self.folder = folder / f"{prefix}-{len(vectors)}x{vectors.shape[1]}-{crc:08x}-{threads}t"

    def load(self, key, library, vectors):
        facts = self.folder / key / "build.json"
        if not facts.exists():
            return None
        library.load(self.folder / key, vectors)
        return json.loads(facts.read_text()) | {"earlier": True}

    def save(self, key, library, build):
        (self.folder / key).mkdir(parents=True, exist_ok=True)
        library.save(self.folder / key)
        (self.folder / key / "build.json").write_text(json.dumps(build))


def ready(key, vectors, cache, threads):
    """The library with its index, and what the build cost."""
    library = LIBRARIES[key]()
    before = resident()
    build = cache.load(key, library, vectors) if cache else None
    if not build:
        cpu, wall = time.process_time(), time.perf_counter()
        library.build(vectors, threads)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        build = {"cpu_s": cpu, "wall_s": wall, "bytes_per_vector": (resident() - before) / len(vectors)}
        if cache:
            cache.save(key, library, build)
    if hasattr(library, "tune"):
        library.tune()
    print(f"{library.name}: built in {build['cpu_s']:.1f} s of CPU{', earlier' if build.get('earlier') else ''}", file=sys.stderr, flush=True)
    return library, build


def note(results, library, threads, place, found_recall, qps):
    row = results.setdefault(threads, {}).setdefault(library, {}).setdefault(place, [0.0, 0.0])
    row[0], row[1] = found_recall, max(row[1], qps)


def measure(peer, sets, results, thread_counts):
    clock = time.process_time if thread_counts == (1,) else time.perf_counter
    for width in peer.widths:
        peer.set(width)
        for name, (queries, truth) in sets.items():
            for threads in thread_counts:
                begun = clock()
                found = peer.search(queries, threads)
                seconds = clock() - begun
                note(results, peer.name, threads, (name, width), recall(found, truth), len(queries) / seconds)


class Ours:
    """bench_graph, which builds and then makes one pass over the queries for each line of its input."""

    def __init__(self, options):
        files = [str(options.data / f"{options.prefix}{suffix}") for suffix in (".f32", ".tune.f32", ".tune.i32", ".report.f32", ".report.i32")]
        environment = dict(os.environ, **({"REM_CPU_LEVEL": options.level} if options.level else {}))
        command = [str(options.build / "bench_graph"), files[0], str(options.dimension), *files[1:], str(options.threads), "-"]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.process.stdout.readline())

    def measure(self, results, thread_counts):
        for threads in thread_counts:
            self.process.stdin.write(f"{threads}\n")
            self.process.stdin.flush()
            while "end" not in (row := json.loads(self.process.stdout.readline())):
                qps = row["qps"] if thread_counts == (1,) else row["qps_wall"]
                note(results, "rem", threads, (row["set"], row["parameter"]), row["recall"], qps)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


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


def print_table(results, builds):
    print(f"{'':34}" + "".join(f"QPS at {t:<14}" for t in TARGETS) + "build CPU s, wall s   bytes/vector")
    for name, best in results.items():
        found = [at_recall(best, target) for target in TARGETS]
        cells = [f"{qps:7.0f} ({got:.4f})" if qps else "-" for qps, got in found]
        build = builds[name]
        print(f"{name:34}" + "".join(f"{cell:21}" for cell in cells) + f"{build['cpu_s']:8.1f} {build['wall_s']:8.1f}{'*' if build.get('earlier') else ' '}"
              f"   {build['bytes_per_vector']:8.0f}")
    if any(build.get("earlier") for build in builds.values()):
        print("* built in an earlier run")


def print_ratios(results, title, by):
    """Ours to each peer, or N threads to one."""
    print(title)
    for name, best in results.items():
        other = by(name)
        if other is None:
            continue
        pairs = [(at_recall(other, target)[0], at_recall(best, target)[0]) for target in TARGETS]
        print(f"{name:34}" + "".join(f"{a / b if a and b else float('nan'):<21.2f}" for a, b in pairs))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=DEFAULT, help=", ".join(LIBRARIES))
    parser.add_argument("--prefix", default="glosses")
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--cache", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--build-only", action="store_true", help="fill the cache with the peers, measure nothing")
    parser.add_argument("--level", default="", help="REM_CPU_LEVEL for ours")
    options = parser.parse_args()
    read = lambda name, kind, width: np.memmap(options.data / f"{options.prefix}.{name}", dtype=kind, mode="r").reshape(-1, width)
    vectors = np.asarray(read("f32", np.float32, options.dimension))
    sets = {name: (np.array(read(f"{name}.f32", np.float32, options.dimension)), np.array(read(f"{name}.i32", np.int32, 100)))
            for name in ("tune", "report")}
    cache = Cache(options.cache, options.prefix, vectors, options.threads) if options.cache else None
    peers, results, builds = [], {}, {}
    for key in filter(None, options.peers.split(",")):
        try:
            library, build = ready(key, vectors, cache, options.threads)
        except (ImportError, AttributeError, TypeError, RuntimeError, ValueError) as error:
            print(f"{key}: left out: {error}", file=sys.stderr)
            continue
        if not options.build_only:
            peers.append(library)
            builds[library.name] = build
    if options.build_only:
        return
    ours = Ours(options)
    facts = ours.facts
    builds["rem"] = {"cpu_s": facts["build_cpu_s"], "wall_s": facts["build_wall_s"], "bytes_per_vector": facts["resident_bytes_per_vector"]}
    thread_counts = (1,) if options.threads == 1 else (1, options.threads)
    for _ in range(options.rounds):
        for peer in peers:
            measure(peer, sets, results, thread_counts)
        ours.measure(results, thread_counts)
    ours.close()
    for threads in thread_counts:
        print(f"{facts['cpu']}, kernel {facts['kernel']}, {len(vectors)} x {options.dimension}, searches by {threads} thread(s), "
              f"{'CPU time' if thread_counts == (1,) else 'time on the wall'}, builds by {options.threads}, recall@10")
        print_table(results[threads], builds)
        print_ratios(results[threads], "ours to each", lambda name: results[threads]["rem"] if name != "rem" else None)
    if len(thread_counts) > 1:
        print_ratios(results[1], f"{options.threads} threads to one", results[options.threads].get)
    print(json.dumps({"results": {f"{threads}/{name}/{s}/{width}": row for threads, libraries in results.items() for name, best in libraries.items()
                                  for (s, width), row in best.items()}, "builds": builds, "facts": facts}))


if __name__ == "__main__":
    main()
