# SPDX-License-Identifier: Apache-2.0
"""Files of texts, as bench_embedder reads them: each text after its size as a 32-bit little-endian number."""
import struct


def write(path, texts):
    with open(path, "wb") as file:
        for text in texts:
            encoded = text.encode()
            file.write(struct.pack("<I", len(encoded)) + encoded)


def read(path):
    texts, at = [], 0
    content = open(path, "rb").read()
    while at < len(content):
        (size,) = struct.unpack_from("<I", content, at)
        texts.append(content[at + 4:at + 4 + size].decode())
        at += 4 + size
    return texts
