# SPDX-License-Identifier: Apache-2.0
"""Vector libraries behind one interface, for peers.py and open_peers.py: build, save, load, set the search's width, search.

A library is named by a key of LIBRARIES; its object is made for it when it is used, so that those not installed cost nothing. Scores are inner
products of unit vectors. What is compared beside the codes of a library, where it offers that (refinement), is switched on.
"""
import os
import pathlib
import shutil
import tempfile

import numpy as np

K = 10
WIDTHS = (10, 15, 20, 25, 30, 40, 50, 64, 80, 100, 130, 160, 200, 300)


class Hnswlib:
    widths = WIDTHS

    def __init__(self, m=16, ef=200):
        self.m, self.ef, self.name = m, ef, f"hnswlib M={m} efc={ef}"

    def build(self, vectors, threads):
        import hnswlib
        self.index = hnswlib.Index("ip", vectors.shape[1])
        self.index.init_index(len(vectors), M=self.m, ef_construction=self.ef)
        self.index.add_items(vectors, num_threads=threads)

    def save(self, folder):
        self.index.save_index(str(folder / "index"))

    def load(self, folder, vectors):
        import hnswlib
        self.index = hnswlib.Index("ip", vectors.shape[1])
        self.index.load_index(str(folder / "index"))

    def set(self, width):
        self.index.set_ef(width)

    def search(self, queries, threads=1):
        return self.index.knn_query(queries, K, num_threads=threads)[0]


class Faiss:
    widths = WIDTHS

    def __init__(self, factory, ef=200):
        self.factory, self.ef, self.name = factory, ef, f"faiss {factory} efc={ef}"

    def build(self, vectors, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        self.index = faiss.index_factory(vectors.shape[1], self.factory, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = self.ef
        self.index.train(vectors[:20000])
        self.index.add(vectors)

    def save(self, folder):
        import faiss
        faiss.write_index(self.index, str(folder / "index"))

    def load(self, folder, vectors):
        import faiss
        self.index = faiss.read_index(str(folder / "index"))

    def set(self, width):
        self.index.hnsw.efSearch = width

    def search(self, queries, threads=1):
        import faiss
        faiss.omp_set_num_threads(threads)
        return self.index.search(queries, K)[1]


class Usearch:
    widths = WIDTHS

    def __init__(self, kind, m=16, ef=200):
        self.kind, self.m, self.ef, self.name = kind, m, ef, f"usearch M={m} efc={ef} {kind}"

    def build(self, vectors, threads):
        from usearch.index import Index
        self.index = Index(ndim=vectors.shape[1], metric="cos", dtype=self.kind, connectivity=self.m, expansion_add=self.ef)
        self.index.add(np.arange(len(vectors)), vectors, threads=threads)

    def save(self, folder):
        self.index.save(str(folder / "index"))

    def load(self, folder, vectors, view=False):
        from usearch.index import Index
        self.index = Index.restore(str(folder / "index"), view=view)

    def set(self, width):
        self.index.expansion_search = width

    def search(self, queries, threads=1):
        return self.index.search(queries, K, threads=threads).keys


class Glass:
    """The graph alone is in a file, the codes are made anew from the vectors. A searcher takes the graph's links away: so it is saved before."""
    widths = (10, 14, 18, 22, 28, 36, 48, 64, 80, 100, 140, 200, 300)

    def __init__(self, build_codes, codes, refine, r=32, ef=200):
        self.build_codes, self.codes, self.refine, self.r, self.ef = build_codes, codes, refine, r, ef
        self.name = f"glass HNSW R={r} L={ef} {codes}"

    def build(self, vectors, threads):
        import glass
        glass.set_num_threads(threads)
        graph = glass.Index("HNSW", "IP", self.build_codes, R=self.r, L=self.ef).build(vectors)
        self.file = tempfile.NamedTemporaryFile(prefix="rem-bench-")
        graph.save(self.file.name)
        self.searcher = glass.Searcher(graph, vectors, "IP", self.codes, self.refine)

    def save(self, folder):
        shutil.copy(self.file.name, folder / "graph")

    def load(self, folder, vectors):
        import glass
        self.searcher = glass.Searcher(glass.Graph(str(folder / "graph")), vectors, "IP", self.codes, self.refine)

    def tune(self):
        self.searcher.optimize(1)

    def set(self, width):
        self.searcher.set_ef(width)

    def search(self, queries, threads=1):
        found = self.searcher.batch_search(queries, K, threads)
        return np.asarray(found[0] if isinstance(found, tuple) else found).reshape(len(queries), K)


class Svs:
    """Vamana over float16."""
    codes = "float16"
    widths = (10, 11, 12, 13, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 50, 60, 80, 100, 130, 160, 200)

    def __init__(self, alpha=0.95, degree=64, window=200):
        self.alpha, self.degree, self.window = alpha, degree, window
        self.name = f"svs {self.codes} R={degree} L={window} a={alpha}"

    def data(self, svs, vectors):
        return vectors.astype(np.float16)

    def build(self, vectors, threads):
        import svs
        parameters = svs.VamanaBuildParameters(graph_max_degree=self.degree, window_size=self.window, alpha=self.alpha)
        self.index = svs.Vamana.build(parameters, self.data(svs, vectors), svs.DistanceType.MIP, num_threads=threads)

    def save(self, folder):
        self.index.save(*(str(folder / part) for part in ("config", "graph", "data")))

    def load(self, folder, vectors):
        import svs
        data = svs.VectorDataLoader(str(folder / "data"), svs.DataType.float16, dims=vectors.shape[1])
        self.index = svs.Vamana(str(folder / "config"), svs.GraphLoader(str(folder / "graph")), data, svs.DistanceType.MIP)

    def set(self, width):
        self.index.search_window_size = width

    def search(self, queries, threads=1):
        if self.index.num_threads != threads:
            self.index.num_threads = threads
        return self.index.search(queries, K)[0]


class SvsLvq(Svs):
    """LVQ runs on Intel CPUs only; elsewhere the library ends the process."""

    def __init__(self, codes, primary, residual):
        self.codes, self.levels = codes, {"primary": primary, "residual": residual}
        super().__init__()

    def data(self, svs, vectors):
        if "GenuineIntel" not in pathlib.Path("/proc/cpuinfo").read_text():
            raise RuntimeError("LVQ needs an Intel CPU")
        path = f"{os.environ.get('TMPDIR', '/tmp')}/rem-bench-{os.getpid()}.fvecs"
        svs.write_vecs(vectors, path)
        try:
            return svs.LVQLoader(svs.VectorDataLoader(path, svs.DataType.float32, dims=vectors.shape[1]), **self.levels)
        finally:
            os.unlink(path)

    def load(self, folder, vectors):
        import svs
        data = svs.LVQLoader(str(folder / "data"))
        self.index = svs.Vamana(str(folder / "config"), svs.GraphLoader(str(folder / "graph")), data, svs.DistanceType.MIP)


LIBRARIES = {
    "hnswlib": lambda: Hnswlib(),
    "hnswlib32": lambda: Hnswlib(32),
    "svs4x8": lambda: SvsLvq("LVQ4x8", 4, 8),
    "svs8": lambda: SvsLvq("LVQ8", 8, 0),
    "svs16": lambda: Svs(),
    "svs16-r32": lambda: Svs(degree=32),
    "svs16-a90": lambda: Svs(alpha=0.9),
    "svs16-r128": lambda: Svs(degree=128),
    "svs16-l128": lambda: Svs(window=128),
    "glass": lambda: Glass("SQ8U", "SQ8U", "FP16"),
    "glass4": lambda: Glass("SQ8U", "SQ4U", "FP16"),
    "faiss": lambda: Faiss("HNSW16_SQ8"),
    "faiss32": lambda: Faiss("HNSW32_SQ8"),
    "faiss16": lambda: Faiss("HNSW32_SQfp16"),
    "usearch": lambda: Usearch("i8"),
    "usearch16": lambda: Usearch("f16"),
    "usearchb16": lambda: Usearch("bf16"),
    "usearch32": lambda: Usearch("f32"),
}
