#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tokenizer here beside the Hugging Face fast tokenizer: same texts, one thread, interleaved runs, CPU time.

    pip install tokenizers
    bench/embed/tokenizer.py <bench_tokenizer> <models folder> <tokenizer.json> [file of texts, one a line]

Without a file the texts are those of tests/data/minilm/reference.jsonl, forty times over. The reference is measured by its fastest way,
encode_batch_fast (ids without offsets) with parallelism off; the fastest of all rounds counts on both sides.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer, __version__  # noqa: E402

ROUNDS = 7


def main(program, models, definition, path=None):
    if path:
        texts = [line for line in open(path, encoding="utf-8").read().split("\n") if line]
    else:
        data = os.path.join(os.path.dirname(__file__), "../../tests/data/minilm/reference.jsonl")
        texts = [json.loads(line)["text"] for line in open(data, encoding="utf-8")] * 40
    tokenizer = Tokenizer.from_file(definition)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encode = getattr(tokenizer, "encode_batch_fast", tokenizer.encode_batch)
    ours, theirs, tokens = [], [], 0
    with tempfile.NamedTemporaryFile() as file:
        for text in texts:
            encoded = text.encode()
            file.write(struct.pack("<I", len(encoded)) + encoded)
        file.flush()
        for _ in range(ROUNDS):
            result = json.loads(subprocess.check_output([program, models, file.name, "5"]))
            ours.append(result["seconds"])
            start = time.process_time()
            encodings = encode(texts)
            theirs.append(time.process_time() - start)
            tokens = sum(len(e.ids) for e in encodings)
            del encodings
    if tokens != result["tokens"]:
        sys.exit(f"the counts of tokens differ: {result['tokens']} here, {tokens} there")
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(texts)} texts, {size:.1f} MB, {tokens} tokens; model opened in {result['open_us']} us")
    for name, seconds in (("here", min(ours)), (f"tokenizers {__version__}", min(theirs))):
        print(f"{name:20} {size / seconds:8.1f} MB/s {tokens / seconds / 1e6:8.2f} M tokens/s")
    print(f"ratio                {min(theirs) / min(ours):8.1f}")


main(*sys.argv[1:])
