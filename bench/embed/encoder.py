#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The embedder here beside onnxruntime and sentence-transformers: same texts, same weights, one thread, CPU time.

    bench/embed/encoder.py <build folder> <models folder> <model source> [--rounds N] [--venv FOLDER]

The build folder (configured with -DREM_BENCH=ON) holds bench_embedder; the models folder our installed all-MiniLM-L6-v2; the model source
is the same model as published (the folder with config.json and model.safetensors). Every candidate turns texts into
normalised vectors, tokenising included, each in the way its users run it: sentence-transformers and onnxruntime sort by length and pad
batches of 32. Candidates are processes of their own that take turns, so that a change of the machine's speed meets all; the median counts.

The others are installed by pip from the configured index into <build folder>/peers, unless --venv names a Python environment that
has them: torch, sentence-transformers, onnxruntime, onnx. That is a download of about 3 GB where the index
has torch only with CUDA.
"""
import argparse
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import time

PACKAGES = ["torch", "sentence-transformers", "onnxruntime", "onnx"]
LENGTHS = (16, 64, 128, 256)
BATCH = 32
HERE = os.path.dirname(os.path.abspath(__file__))


# ---------------------------------------------------------------------------------------------
# A candidate in Python: the same commands as bench_embedder.


def export_onnx(source, path):
    import torch
    from transformers import AutoModel

    class Hidden(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = AutoModel.from_pretrained(source, attn_implementation="eager").eval()

        def forward(self, ids, mask, types):
            return self.model(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state

    ids = torch.ones(2, 8, dtype=torch.long)
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        Hidden(), (ids, ids, torch.zeros_like(ids)), path, dynamo=False, opset_version=17,
        input_names=["input_ids", "attention_mask", "token_type_ids"], output_names=["hidden"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "token_type_ids": axes, "hidden": axes})
    try:  # onnxruntime's own fusions for BERT, what its documentation recommends
        from onnxruntime.transformers import optimizer

        optimizer.optimize_model(path, "bert", num_heads=12, hidden_size=384).save_model_to_file(path)
    except ImportError as missing:
        print(f"onnxruntime runs without its transformer fusions: {missing}", file=sys.stderr)


def onnx_encoder(source, path):
    import numpy
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    tokenizer = Tokenizer.from_file(os.path.join(source, "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()

    def encode(texts):
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        vectors = numpy.empty((len(texts), 384), numpy.float32)
        for first in range(0, len(order), BATCH):
            some = order[first:first + BATCH]
            batch = tokenizer.encode_batch([texts[i] for i in some])
            ids = numpy.array([e.ids for e in batch], numpy.int64)
            mask = numpy.array([e.attention_mask for e in batch], numpy.int64)
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
            hidden = session.run(["hidden"], {n: inputs[n] for n in names})[0]
            weight = mask[:, :, None].astype(numpy.float32)
            mean = (hidden * weight).sum(1) / weight.sum(1)
            vectors[some] = mean / numpy.linalg.norm(mean, axis=1, keepdims=True)
        return vectors

    return encode


def torch_encoder(source, kind):
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(source, device="cpu")
    model = model.to(torch.bfloat16) if kind == "bf16" else model

    def encode(texts):
        with torch.inference_mode():
            vectors = model.encode(texts, batch_size=BATCH, normalize_embeddings=True, convert_to_tensor=True)
        return vectors.float().numpy()

    return encode


def serve(kind, source, onnx_path):
    import numpy

    if kind == "export":
        return export_onnx(source, onnx_path)
    encode = onnx_encoder(source, onnx_path) if kind == "onnxruntime" else torch_encoder(source, kind)
    for line in sys.stdin:
        command, path, *output = line.split()
        texts = read_texts(path)
        start = time.process_time()
        vectors = encode(texts)
        seconds = time.process_time() - start
        if command == "vectors":
            numpy.asarray(vectors, numpy.float32).tofile(output[0])
        print(json.dumps({"seconds": seconds}), flush=True)


# ---------------------------------------------------------------------------------------------
# Texts


def write_texts(path, texts):
    with open(path, "wb") as file:
        for text in texts:
            encoded = text.encode()
            file.write(struct.pack("<I", len(encoded)) + encoded)


def read_texts(path):
    texts, at = [], 0
    content = open(path, "rb").read()
    while at < len(content):
        (size,) = struct.unpack_from("<I", content, at)
        texts.append(content[at + 4:at + 4 + size].decode())
        at += 4 + size
    return texts


def make_sets(source, folder):
    """Texts of exactly so many tokens, out of words that are one token each; the reference texts; one short query."""
    vocabulary = open(os.path.join(source, "vocab.txt"), encoding="utf-8").read().split("\n")
    words = [w for w in vocabulary if w.isascii() and w.isalpha() and w.islower() and len(w) > 2]
    rng = random.Random(7)
    sets = {f"{n} tokens": [" ".join(rng.choices(words, k=n - 2)) for _ in range(64)] for n in LENGTHS}
    reference = os.path.join(HERE, "../../tests/data/minilm/reference.jsonl")
    sets["reference texts"] = [json.loads(line)["text"] for line in open(reference, encoding="utf-8")]
    sets["one query of 10"] = [" ".join(rng.choices(words, k=8))]
    paths = {}
    for name, texts in sets.items():
        paths[name] = os.path.join(folder, name.replace(" ", "_"))
        write_texts(paths[name], texts)
    return sets, paths


# ---------------------------------------------------------------------------------------------
# The driver


class Candidate:
    def __init__(self, name, command, env=None):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended without an answer")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def make_environment(build, venv):
    folder = venv or os.path.join(build, "peers")
    python = os.path.join(folder, "bin/python")
    if not os.path.exists(python):
        print(f"installing {', '.join(PACKAGES)} into {folder}", file=sys.stderr)
        subprocess.check_call([sys.executable, "-m", "venv", folder])
        subprocess.check_call([python, "-m", "pip", "install", "-q", *PACKAGES])
    return python


def worst_cosine(folder, candidates, path, count):
    """Of every candidate's vectors to those of the float32 torch model: that all do the same work."""
    vectors = {}
    for candidate in candidates:
        out = os.path.join(folder, "vectors")
        candidate.ask("vectors", path, out)
        flat = struct.unpack(f"<{count * 384}f", open(out, "rb").read())
        vectors[candidate.name] = [flat[i * 384:(i + 1) * 384] for i in range(count)]
    truth = vectors["sentence-transformers float32"]
    return {name: min(sum(a * b for a, b in zip(x, y)) for x, y in zip(rows, truth)) for name, rows in vectors.items()}


def measure(candidates, paths, rounds):
    """Median seconds by set and candidate; every round runs all candidates one after the other."""
    medians = {}
    for name, path in paths.items():
        repeats = 10 if "query" in name else 1
        times = {c.name: [] for c in candidates}
        for candidate in candidates:
            candidate.ask("run", path)
        for _ in range(rounds):
            for candidate in candidates:
                times[candidate.name] += [candidate.ask("run", path)["seconds"] for _ in range(repeats)]
        medians[name] = {who: statistics.median(seconds) for who, seconds in times.items()}
    return medians


def report(sets, medians, cosines, ours):
    names = list(cosines)
    print(f"{'texts/s (ratio of ours to it)':30}" + "".join(f"{n:>22}" for n in sets))
    for who in names:
        cells = ""
        for name, texts in sets.items():
            seconds = medians[name][who]
            ratio = "" if who in ours else " (" + ", ".join(f"{seconds / medians[name][o]:.1f}" for o in ours) + ")"
            speed = f"{seconds * 1e3:.2f} ms" if len(texts) == 1 else f"{len(texts) / seconds:.1f}"
            cells += f"{speed + ratio:>22}"
        print(f"{who:30}{cells}   worst cosine {cosines[who]:.6f}")


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--serve":
        return serve(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("models")
    parser.add_argument("source")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--venv")
    args = parser.parse_args()
    python = make_environment(args.build, args.venv)
    folder = os.path.join(args.build, "bench-encoder")
    os.makedirs(folder, exist_ok=True)
    onnx_path = os.path.join(folder, "model.onnx")
    script = [python, os.path.abspath(__file__), "--serve"]
    if not os.path.exists(onnx_path):
        subprocess.check_call([*script, "export", args.source, onnx_path])
    sets, paths = make_sets(args.source, folder)
    one_thread = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    program = [os.path.join(args.build, "bench_embedder"), args.models]
    ours = ["here, best level", "here, float32"]
    candidates = [
        Candidate(ours[0], program),
        Candidate(ours[1], program, {"REM_CPU_LEVEL": "avx512vnni"}),
        Candidate("onnxruntime float32", [*script, "onnxruntime", args.source, onnx_path], one_thread),
        Candidate("sentence-transformers float32", [*script, "float32", args.source, onnx_path], one_thread),
        Candidate("sentence-transformers bfloat16", [*script, "bf16", args.source, onnx_path], one_thread),
    ]
    cosines = worst_cosine(folder, candidates, paths["reference texts"], len(sets["reference texts"]))
    kernel = candidates[0].ask("vectors", paths["one query of 10"], os.path.join(folder, "vectors"))["kernel"]
    print(f"best level here: {kernel}; ratios are to both of ours, in that order", file=sys.stderr)
    report(sets, measure(candidates, paths, args.rounds), cosines, ours)
    for candidate in candidates:
        candidate.close()


main()
