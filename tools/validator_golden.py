#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random schemas and instances with the verdict of Python's `jsonschema`, in the form tests/schema/test_validator.c reads.

    validator_golden.py SEED SCHEMAS [INSTANCES] > tests/data/schema/random.json

Needs `pip install jsonschema`. Left out is what the two judge differently on purpose: multiples of decimal fractions (we go by
decimals, jsonschema by doubles) and patterns beyond what Python's `re` and ECMA-262 share.
"""
import json
import random
import sys

from jsonschema import Draft202012Validator

NAMES = ["a", "b", "c", "kind"]
STRINGS = ["", "a", "ab", "abc", "x1", "é", "日本語", "2025-10-01"]
PATTERNS = ["^a", "b$", "^[a-c]+$", "[0-9]", "^.{2,3}$", "(a|x)"]
NUMBERS = [0, 1, 2, 3, -1, 1.5, 2.0, 7, 10, -0.5, 1e3]


def pick(r, most, least=0):
    return r.randint(least, most)


def instance(r, depth=3):
    kind = r.randrange(8 if depth > 0 else 5)
    if kind == 0:
        return None
    if kind == 1:
        return r.choice([True, False])
    if kind in (2, 3):
        return r.choice(NUMBERS)
    if kind == 4:
        return r.choice(STRINGS)
    if kind == 5:
        return [instance(r, depth - 1) for _ in range(pick(r, 4))]
    return {r.choice(NAMES): instance(r, depth - 1) for _ in range(pick(r, 4))}


def subschema(r, depth):
    if depth == 0 or r.random() < 0.08:
        return r.choice([True, False, True, {}, {"type": "integer"}, {"type": "string"}, {"$ref": "#/$defs/n"},
                         {"$ref": "#/$defs/t"}])
    return schema(r, depth - 1)


def keyword(r, depth):
    def sub():
        return subschema(r, depth)

    makers = [
        lambda: {"type": r.choice(["null", "boolean", "integer", "number", "string", "array", "object"])},
        lambda: {"type": r.sample(["null", "boolean", "integer", "number", "string", "array", "object"], 2)},
        lambda: {"enum": [instance(r, 1) for _ in range(pick(r, 4, 1))]},
        lambda: {"const": instance(r, 1)},
        lambda: {"minimum": r.choice(NUMBERS)},
        lambda: {"maximum": r.choice(NUMBERS)},
        lambda: {"exclusiveMinimum": r.choice(NUMBERS)},
        lambda: {"exclusiveMaximum": r.choice(NUMBERS)},
        lambda: {"multipleOf": r.choice([1, 2, 3, 0.5, 2.5])},
        lambda: {"minLength": pick(r, 3)},
        lambda: {"maxLength": pick(r, 3)},
        lambda: {"pattern": r.choice(PATTERNS)},
        lambda: {"minItems": pick(r, 2)},
        lambda: {"maxItems": pick(r, 3)},
        lambda: {"uniqueItems": r.random() < 0.8},
        lambda: {"items": sub()},
        lambda: {"prefixItems": [sub() for _ in range(pick(r, 2, 1))]},
        lambda: {"contains": sub(), **({"minContains": pick(r, 2)} if r.random() < 0.4 else {}),
                 **({"maxContains": pick(r, 3)} if r.random() < 0.3 else {})},
        lambda: {"properties": {n: sub() for n in r.sample(NAMES, pick(r, 3, 1))}},
        lambda: {"patternProperties": {r.choice(["^a", "k", "[bc]"]): sub()}},
        lambda: {"additionalProperties": sub()},
        lambda: {"propertyNames": r.choice([{"maxLength": 1}, {"enum": ["a", "b"]}, {"pattern": "^[a-c]"}])},
        lambda: {"required": r.sample(NAMES, pick(r, 2, 1))},
        lambda: {"minProperties": pick(r, 2)},
        lambda: {"maxProperties": pick(r, 3)},
        lambda: {"dependentRequired": {r.choice(NAMES): r.sample(NAMES, 1)}},
        lambda: {"dependentSchemas": {r.choice(NAMES): sub()}},
        lambda: {"if": sub(), "then": sub(), "else": sub()},
        lambda: {"allOf": [sub() for _ in range(pick(r, 2, 1))]},
        lambda: {"anyOf": [sub() for _ in range(pick(r, 3, 1))]},
        lambda: {"oneOf": [sub() for _ in range(pick(r, 3, 1))]},
        lambda: {"not": sub()},
        lambda: {"$ref": r.choice(["#/$defs/n", "#/$defs/t"])},
        lambda: {"unevaluatedProperties": r.choice([False, {"type": "integer"}])},
        lambda: {"unevaluatedItems": r.choice([False, {"type": "integer"}])},
    ]
    return r.choice(makers)()


def schema(r, depth):
    out = {}
    for _ in range(pick(r, 3, 1)):
        out.update(keyword(r, depth))
    return out


def case(r, number, instances):
    definitions = {
        "n": {"type": ["object", "integer"], "properties": {"a": {"$ref": "#/$defs/n"}}},
        "t": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/t"}]}},
    }
    whole = {"$defs": definitions, **schema(r, 3)}
    validator = Draft202012Validator(whole)
    tests = []
    for _ in range(instances * 20):
        data = instance(r)
        valid = validator.is_valid(data)
        # As many valid as invalid ones, as far as twenty tries for each find them.
        if sum(t["valid"] == valid for t in tests) < (instances + 1) // 2:
            tests.append({"data": data, "valid": valid})
    return {"description": f"random {number}", "schema": whole, "tests": tests}


def main():
    seed, schemas = int(sys.argv[1]), int(sys.argv[2])
    instances = int(sys.argv[3]) if len(sys.argv) > 3 else 6
    r = random.Random(seed)
    lines = ["  " + json.dumps(case(r, i, instances), ensure_ascii=False) for i in range(schemas)]
    print("[\n" + ",\n".join(lines) + "\n]")


if __name__ == "__main__":
    main()
