#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/encoders: small sentence encoders with random weights and what the reference library makes of texts with them.

    pip install torch sentence-transformers && tools/encoder_golden.py tests/data/encoders

Each is a folder as sentence-transformers saves it (weights in half precision) with golden.jsonl: a line per text with its role, the
ids, and the vector in float32. The models differ in what published ones differ in: architecture, pooling, normalisation,
prompts, case, GELU. The seed is fixed; another version of the libraries may give other weights, so all files are made together.
"""
import json
import os
import shutil
import sys

import torch
from tokenizers import AddedToken
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer
from transformers import (BertConfig, BertModel, BertTokenizerFast, DistilBertConfig, DistilBertModel, MPNetConfig,
                          MPNetModel, MPNetTokenizerFast)

PIECES = ["the", "a", "query", "passage", "search", "for", "relevant", "of", "data", "base", "vector", "is", "in", "un", "##s", "##ing",
          "##base", "##a", "##b", "##ed", "Data", "The", "Zurich", "zurich", "\u00fc", "##\u00fc", "##rich", "z", "Z", "e", "caf", "##e",
          "##\u00e9", "\u4e2d", ".", ",", ":", "<", ">", "[", "]", "/", "unk", "un", "##k", "b", "c", "##c", "##d", "0", "1", "##0"]
TEXTS = ["", "the data base is a vector search", "The DATABASE, queries of passages.", "Z\u00fcrich caf\u00e9 \u4e2d\u4e2d in the data",
         "<unk> and <UNK> a<unk>b [UNK] [SEP] </s> <mask> the <pad> data", "<\u00fcnk> \u226eunk> <un k> <unk <unk>",
         "base " * 60, "a b c 0 1 unsearched", "vectoring the databases of searching 10"]
POSITIONS = 40


def vocabulary(specials):
    return specials + sorted(set(PIECES))


def bert_tokenizer(folder, lower):
    tokens = vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    path = os.path.join(folder, "vocab.txt")
    open(path, "w", encoding="utf-8").write("\n".join(tokens) + "\n")
    return BertTokenizerFast(vocab_file=path, vocab={t: i for i, t in enumerate(tokens)}, do_lower_case=lower), len(tokens)


def mpnet_tokenizer(folder):
    tokens = vocabulary(["<s>", "<pad>", "</s>", "<unk>", "[UNK]"]) + ["<mask>"]
    path = os.path.join(folder, "vocab.txt")
    open(path, "w", encoding="utf-8").write("\n".join(tokens) + "\n")
    tokenizer = MPNetTokenizerFast(vocab_file=path, vocab={t: i for i, t in enumerate(tokens)})
    # The published tokenizer has this one too, matched in the normalised text.
    tokenizer.backend_tokenizer.add_special_tokens([AddedToken("<unk>", normalized=True)])
    return tokenizer, len(tokens)


def sizes(vocab, hidden, heads, layers, **more):
    return dict(vocab_size=vocab, hidden_size=hidden, num_attention_heads=heads, num_hidden_layers=layers, intermediate_size=hidden,
                initializer_range=0.3, **more)


def build(name, folder):
    """The transformer with its tokenizer, the pooling mode, whether it normalises, prompts."""
    if name == "mpnet":
        tokenizer, count = mpnet_tokenizer(folder)
        return MPNetModel(MPNetConfig(**sizes(count, 64, 2, 1, max_position_embeddings=POSITIONS + 2, pad_token_id=1))), tokenizer, \
            "mean", True, None
    if name == "distilbert":
        tokenizer, count = bert_tokenizer(folder, True)
        return DistilBertModel(DistilBertConfig(vocab_size=count, dim=32, n_heads=1, n_layers=2, hidden_dim=64,
                                                max_position_embeddings=POSITIONS, initializer_range=0.3)), tokenizer, "mean", True, None
    lower = name != "cased"
    tokenizer, count = bert_tokenizer(folder, lower)
    act = "gelu_new" if name == "cased" else "gelu"
    model = BertModel(BertConfig(**sizes(count, 32, 1, 2, max_position_embeddings=POSITIONS, hidden_act=act)))
    if name == "cls":
        return model, tokenizer, "cls", True, {"query": "search for relevant passages: ", "document": ""}
    return model, tokenizer, "mean", False, {"query": "query: ", "passage": "passage: "}


def half(folder):
    path = os.path.join(folder, "model.safetensors")
    tensors = {k: v.half() if v.is_floating_point() else v for k, v in load_file(path).items()}
    save_file({k: v for k, v in tensors.items() if "pooler" not in k}, path, metadata={"format": "pt"})


def make(name, target):
    torch.manual_seed(20251017)
    if os.path.exists(target):
        shutil.rmtree(target)
    scratch = target + ".scratch"
    os.makedirs(scratch)
    transformer, tokenizer, pooling, normalise, prompts = build(name, scratch)
    transformer.save_pretrained(scratch)
    tokenizer.save_pretrained(scratch)
    half(scratch)
    word = Transformer(scratch, max_seq_length=32)
    modules = [word, Pooling(word.get_word_embedding_dimension(), pooling_mode=pooling)] + ([Normalize()] if normalise else [])
    model = SentenceTransformer(modules=modules, device="cpu", **({"prompts": prompts} if prompts else {}))
    model.save(target)
    half(target)
    if os.path.exists(os.path.join(scratch, "vocab.txt")) and not os.path.exists(os.path.join(target, "tokenizer.json")):
        sys.exit("no tokenizer.json was written")
    shutil.rmtree(scratch)
    model = SentenceTransformer(target, device="cpu").float().eval()
    with open(os.path.join(target, "golden.jsonl"), "w", encoding="utf-8") as out:
        for role in ("query", "passage"):
            for text in TEXTS:
                name = role if role in model.prompts else "document"  # the library adds an empty prompt for documents
                vector = model.encode([text], prompt_name=name)[0]
                vector = vector / max((vector ** 2).sum() ** 0.5, 1e-12)
                prefix = model.prompts[name]
                ids = model.tokenizer(prefix + text, truncation=True, max_length=32)["input_ids"]
                out.write(json.dumps({"role": role, "text": text, "ids": ids, "embedding": [float(f"{x:.6g}") for x in vector]}) + "\n")
    for extra in ("README.md",):
        path = os.path.join(target, extra)
        if os.path.exists(path):
            os.remove(path)


def main(folder):
    for name in ("cls", "prompts", "cased", "mpnet", "distilbert"):
        make(name, os.path.join(folder, name))


main(sys.argv[1])
