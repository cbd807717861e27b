#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/minilm/random_ids.bin: what the reference tokenizer makes of random strings.

    pip install tokenizers && tools/tokenizer_golden.py tokenizer.json > tests/data/minilm/random_ids.bin

The strings are not stored: tests/embed/golden_text.h makes the same ones from the seed, and must change with this file.
Stored are hashes (FNV-1a, 64 bits, over 32-bit little-endian numbers) of the ids and, for kinds of strings without combining
marks, of the byte spans of the tokens between [CLS] and [SEP]. Where marks change places the reference's spans are of no use.

    "REMGOLD1", u64 seed, u64 count, count * {u64 ids, u64 spans or 0}, 4352 * u64 ids of "a" + c + "b" for 256 characters each
"""
import struct
import sys

from tokenizers import Tokenizer

SEED, COUNT = 20251017, 20000
MASK = (1 << 64) - 1
MARKS = [(0x300, 0x36F), (0x483, 0x487), (0x591, 0x5BD), (0x610, 0x61A), (0x64B, 0x65F), (0x7EB, 0x7F3), (0x900, 0x963),
         (0xE38, 0xE4B), (0xF71, 0xF84), (0x135D, 0x135F), (0x1AB0, 0x1ACE), (0x1BF2, 0x1BF3), (0x1DC0, 0x1DFF),
         (0x20D0, 0x20F0), (0x302A, 0x302F), (0x3099, 0x309A), (0xA9C0, 0xA9C0), (0xFE20, 0xFE2F), (0x1D15E, 0x1D172),
         (0x1E000, 0x1E02A), (0x1E8D0, 0x1E8D6), (0x1E944, 0x1E94A)]
AMONG_MARKS = [0x61, 0x65, 0x4E2D, 0xD55C, 0x20, 0x2E, 0x34F, 0xE000]
SNIPPETS = ["hello", "World", "running", "unbelievable", "caf\u00e9", "\u00c9COLE", "na\u00efve", "Stra\u00dfe",
            "\u0130stanbul", "\u0391\u03a3", "\u4e2d\u6587", "\ud55c\uad6d\uc5b4", "\u0442\u0435\u0441\u0442", "[SEP]",
            "[MASK]", "[CLS]", "[UNK]", "[PAD]", "[sep]", "[", "]]", "[[SEP]]", "##ing", "a.b", "don't", "x" * 99,
            "z" * 100, "q" * 101, "\u2019s", "\u0e01\u0e33", "\uf900", "\U0001f600", "\ufffd", "\x00", "\x0b", "12,345.67",
            "e-mail@example.com", "https://x.org/?q=1"]
SEPARATORS = [" ", "", "\t", "\u00a0", "-", "\r\n"]


class Random:  # splitmix64
    def __init__(self, seed):
        self.state = seed & MASK

    def pick(self, count):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        return (z ^ z >> 31) % count


def scalar(c):
    return 0x61 if 0xD800 <= c < 0xE000 or c > 0x10FFFF else c


def make(index):
    random = Random(SEED + index)
    kind, length = random.pick(6), 1 + random.pick(40)
    if kind == 5:
        return kind, "".join(SNIPPETS[random.pick(len(SNIPPETS))] + SEPARATORS[random.pick(len(SEPARATORS))]
                             for _ in range(length))
    base = random.pick(0x11000) * 16
    characters = []
    for _ in range(length * 4 if kind == 2 else length):
        if kind == 0:
            c = random.pick(0x110000)
        elif kind == 1:
            c = random.pick(0x3000)
        elif kind == 2:
            c = random.pick(128)
        elif kind == 3:
            c = base + random.pick(64)
        elif random.pick(3) > 0:
            first, last = MARKS[random.pick(len(MARKS))]
            c = first + random.pick(last - first + 1)
        else:
            c = AMONG_MARKS[random.pick(len(AMONG_MARKS))]
        characters.append(chr(scalar(c)))
    return kind, "".join(characters)


def fnv(numbers):
    value = 0xCBF29CE484222325
    for byte in struct.pack(f"<{len(numbers)}I", *numbers):
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def main(path):
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    out = sys.stdout.buffer
    out.write(b"REMGOLD1" + struct.pack("<QQ", SEED, COUNT))
    strings = [make(i) for i in range(COUNT)]
    for (kind, text), encoding in zip(strings, tokenizer.encode_batch([text for _, text in strings])):
        spans = 0
        if kind in (2, 5):
            offsets = [0]
            for character in text:
                offsets.append(offsets[-1] + len(character.encode()))
            spans = fnv([offsets[edge] for span in encoding.offsets[1:-1] for edge in span])
        out.write(struct.pack("<QQ", fnv(encoding.ids), spans))
    for start in range(0, 0x110000, 256):
        texts = ["a" + chr(scalar(c)) + "b" for c in range(start, start + 256)]
        out.write(struct.pack("<Q", fnv([i for e in tokenizer.encode_batch(texts) for i in e.ids])))


main(sys.argv[1])
