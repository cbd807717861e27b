#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sets of vectors for peers.py that are larger or longer than the real ones they are made from.

usage: bench/vector/make_vectors.py grow FOLDER SOURCE TARGET --dimension 384 --count 1000000
       bench/vector/make_vectors.py join FOLDER SOURCE,SOURCE TARGET --dimension 768,384 --length 1536
       bench/vector/make_vectors.py near FOLDER SOURCE --dimension 384 [--count 115659]

A set is what bench_make_glosses writes: FOLDER/NAME.f32, NAME.tune.* and NAME.report.*, with 100 true neighbours of each query.

grow: a new vector is a row displaced by the difference of two rows near it and by that of two near neighbours elsewhere in the data, each times a factor
drawn anew: so kin lie apart in the directions in which neighbours differ, some densely and some alone, and the spectrum stays. Moving rows towards
their neighbours, or by factors that are the same for all, makes data in which every neighbour is found at once. The factors were chosen so that a
set grown from 13,371 of the glosses to 115,659 is as hard as the 115,659 glosses (recall at equal ef). Queries are held-out children of the same kind.
join: the same texts as several models see them, side by side, and what fills up the length is a nonlinear function of them (tanh of random
projections); all of it turned at random, so that no component stands out. The texts held out are those of the sources.
near: how near neighbours are, to compare sets by: mean similarity of the queries of `report` with their 1st, 10th and 100th neighbour among as many rows.
"""
import argparse
import os
import pathlib

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np

NEIGHBOURS = 100  # of a query, in the .i32 files
KIN = 10          # near rows of a row that differences are taken of
KIN_STEP = 4      # found among every 4th row
NEARBY = (0.3, 1.5)     # factors of the difference of two of them
ELSEWHERE = (0.3, 1.0)  # factors of the difference of a row elsewhere and one of its kin
SEED = 1
HELD_OUT = 1000   # queries of each set
BLOCK = 4096      # rows at once


def load(folder, name, dimension, kind="f32"):
    return np.memmap(folder / f"{name}.{kind}", dtype=np.float32 if kind == "f32" else np.int32, mode="r").reshape(-1, dimension)


def normalise(vectors):
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def nearest(queries, rows, count):
    """The `count` best rows for each query, best first, exactly; in blocks of rows, so that memory stays small."""
    scores = np.full((len(queries), 0), 0, np.float32)
    ids = np.zeros((len(queries), 0), np.int32)
    for first in range(0, len(rows), 8 * BLOCK):
        block = queries @ rows[first:first + 8 * BLOCK].T
        keep = min(count, block.shape[1])
        best = np.argpartition(-block, keep - 1, axis=1)[:, :keep]
        scores = np.hstack([scores, np.take_along_axis(block, best, 1)])
        ids = np.hstack([ids, (best + first).astype(np.int32)])
        best = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        scores, ids = np.take_along_axis(scores, best, 1), np.take_along_axis(ids, best, 1)
    return ids, scores


def kin_of(rows):
    """KIN near rows of every row, itself aside where it is among those looked at."""
    kin = np.empty((len(rows), KIN), np.int32)
    for first in range(0, len(rows), BLOCK):
        ids = nearest(rows[first:first + BLOCK], rows[::KIN_STEP], KIN + 1)[0] * KIN_STEP
        itself = ids == np.arange(first, first + len(ids))[:, None]
        kin[first:first + BLOCK] = np.take_along_axis(ids, np.argsort(itself, axis=1, kind="stable")[:, :KIN], 1)
    return kin


def children(rows, kin, count, random):
    def factors(limits, n):
        return random.uniform(*limits, (n, 1)).astype(np.float32)

    for first in range(0, count, BLOCK):
        n = min(BLOCK, count - first)
        row, elsewhere = random.integers(len(rows), size=(2, n))
        one = random.integers(KIN, size=n)
        other = (one + random.integers(1, KIN, size=n)) % KIN
        nearby = rows[kin[row, one]] - rows[kin[row, other]]
        away = rows[elsewhere] - rows[kin[elsewhere, random.integers(KIN, size=n)]]
        yield normalise(rows[row] + factors(NEARBY, n) * nearby + factors(ELSEWHERE, n) * away)


def save_queries(folder, name, queries, rows):
    queries.tofile(folder / f"{name}.f32")
    nearest(queries, rows, NEIGHBOURS)[0].tofile(folder / f"{name}.i32")


def grow(options):
    dimension = int(options.dimension)
    source = np.array(load(options.folder, options.source, dimension))
    random = np.random.default_rng(SEED)
    kin = kin_of(source)
    with open(options.folder / f"{options.target}.f32", "wb") as file:
        for block in children(source, kin, options.count, random):
            block.tofile(file)
    rows = load(options.folder, options.target, dimension)
    for name in ("tune", "report"):
        save_queries(options.folder, f"{options.target}.{name}", np.vstack(list(children(source, kin, HELD_OUT, random))), rows)


def join(options):
    dimensions = [int(d) for d in options.dimension.split(",")]
    sources = options.source.split(",")
    random = np.random.default_rng(SEED)
    joined = sum(dimensions)
    mix = (random.standard_normal((joined, options.length - joined)) * 2).astype(np.float32)
    turn = np.linalg.qr(random.standard_normal((options.length, options.length)))[0].astype(np.float32)

    def lift(suffix):
        parts = [load(options.folder, source + suffix, dimension) for source, dimension in zip(sources, dimensions)]
        for first in range(0, len(parts[0]), BLOCK):
            side_by_side = np.hstack([part[first:first + BLOCK] for part in parts])
            yield normalise(np.hstack([side_by_side, np.tanh(side_by_side @ mix) * np.float32(1 / np.sqrt(joined))]) @ turn)

    with open(options.folder / f"{options.target}.f32", "wb") as file:
        for block in lift(""):
            block.tofile(file)
    rows = load(options.folder, options.target, options.length)
    for name in ("tune", "report"):
        save_queries(options.folder, f"{options.target}.{name}", np.vstack(list(lift(f".{name}"))), rows)


def near(options):
    dimension = int(options.dimension)
    rows = load(options.folder, options.source, dimension)[:options.count]
    scores = nearest(np.array(load(options.folder, f"{options.source}.report", dimension)), rows, NEIGHBOURS)[1]
    print(f"{options.source}: {len(rows)} rows; mean similarity of the 1st {scores[:, 0].mean():.4f}, 10th {scores[:, 9].mean():.4f}, "
          f"100th {scores[:, 99].mean():.4f} neighbour; standard deviation {scores[:, 0].std():.4f}, {scores[:, 9].std():.4f}, {scores[:, 99].std():.4f}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("what", choices=("grow", "join", "near"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("source")
    parser.add_argument("target", nargs="?")
    parser.add_argument("--dimension", default="384")
    parser.add_argument("--count", type=int)
    parser.add_argument("--length", type=int, default=1536)
    options = parser.parse_args()
    {"grow": grow, "join": join, "near": near}[options.what](options)


if __name__ == "__main__":
    main()
