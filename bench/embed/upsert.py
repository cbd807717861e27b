#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`db upsert` of many short texts with local embedding, end to end, and how much of its CPU time is the encoder's.

    bench/embed/upsert.py <build folder> <models folder> [texts, 10000] [words of a text, 18]

The build folder (configured with -DREM_BENCH=ON) holds db and bench_embedder. The encoder's share is the CPU time of embedding the very texts
in a process of its own over that of the whole command. Texts are distinct, so that nothing is embedded once for several.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import time

import encoder_texts

# A token each, so that a text has as many and the two of its frame.
WORDS = ("time year people way day man thing woman life child world school state family student group country problem hand part place case week "
         "company system program question work government number night point home water room mother area money story fact month lot right study "
         "book eye job word business issue side kind head house service friend father power hour game line end member law car city community "
         "name president team minute idea body information back parent face level office door health person art war history party result change").split()
SCHEMA = {"title": "Note", "type": "object", "properties": {"key": {"type": "string"}, "text": {"type": "string"}}, "required": ["key"],
          "short_name": "note", "key_field": "key", "embedding_fields": ["text"]}


def timed(command, env, **more):
    start = time.perf_counter()
    process = subprocess.Popen(command, env=env, **more)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        sys.exit(f"{command} failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def main(build, models, count="10000", words="18"):
    count = int(count)
    rng = random.Random(11)
    texts = [" ".join(rng.choices(WORDS, k=int(words))) for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "P8_HOME": folder, "P8_MODELS_DIR": models, "P8_ENABLE_CACHE": "false"}
        db = os.path.join(build, "db")
        schema, rows, plain = (os.path.join(folder, n) for n in ("note.json", "rows.jsonl", "texts"))
        json.dump(SCHEMA, open(schema, "w", encoding="utf-8"))
        with open(rows, "w", encoding="utf-8") as file:
            for i, text in enumerate(texts):
                file.write(json.dumps({"key": f"n{i}", "text": text}) + "\n")
        encoder_texts.write(plain, texts)
        subprocess.check_call([db, "init", "bench"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.check_call([db, "schema", "add", schema], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wall, cpu = timed([db, "upsert", rows, "--schema", "note"], env, stdout=subprocess.DEVNULL)
        answer = subprocess.run([os.path.join(build, "bench_embedder"), models, "1"], input=f"run {plain}\n", env=env, text=True,
                                stdout=subprocess.PIPE, check=True).stdout
        encoder = json.loads(answer)["seconds"]
    print(f"{count} texts: {count / wall:.0f} texts/s on the wall, {count / cpu:.0f} texts/s of CPU time; encoder {100 * encoder / cpu:.0f} % of it")
    print(json.dumps({"benchmark": "upsert_embedded", "texts": count, "wall_seconds": wall, "cpu_seconds": cpu, "encoder_cpu_seconds": encoder}))


main(*sys.argv[1:])
