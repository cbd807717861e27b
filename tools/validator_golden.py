#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random schemas and instances with the verdict of Python's `jsonschema`, in the form tests/schema/test_validator.c reads.

    validator_golden.py SEED SCHEMAS [INSTANCES] > tests/data/schema/random.json
    validator_golden.py --variants SEED SCHEMAS  > tests/data/schema/variants.json

With --variants the schemas come in groups of 26 that differ by one change each, for tests/schema/test_compat.c.

Needs `pip install jsonschema`. Left out is what the two judge differently on purpose: multiples of decimal fractions (we go by
decimals, jsonschema by doubles) and patterns beyond what Python's `re` and ECMA-262 share.
"""
import copy
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


COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "minContains",
          "maxContains")


def places(node):
    """Every schema in a schema."""
    if not isinstance(node, dict):
        return []
    out = [node]
    for key in ("items", "contains", "additionalProperties", "not", "if", "then", "else", "unevaluatedProperties"):
        out += places(node.get(key))
    for key in ("allOf", "anyOf", "oneOf", "prefixItems"):
        for item in node.get(key, []):
            out += places(item)
    for key in ("properties", "$defs", "patternProperties"):
        for item in node.get(key, {}).values():
            out += places(item)
    return out


def changed(r, whole):
    """A copy with one keyword somewhere removed, added, replaced, or its value nudged."""
    whole = copy.deepcopy(whole)
    place = r.choice(places(whole))
    keys = [k for k in place if k != "$defs"]
    what = r.random()
    if what < 0.3 and keys:
        place.pop(r.choice(keys))
        return whole
    if what < 0.75 or not keys:
        place.update(keyword(r, 1))
        return whole
    key = r.choice(keys)
    value = place[key]
    if isinstance(value, bool):
        place[key] = not value
    elif isinstance(value, (int, float)):
        place[key] = value * 2 if key == "multipleOf" else value + 1 if key in COUNTS else value + r.choice([-1, 1, 0.5])
    elif isinstance(value, list) and len(value) > 1:
        value.pop()
    elif key == "type" and isinstance(value, str):
        place[key] = [value, "null"] if value != "null" else "null"
    return whole


def variants(r, schemas):
    cases = []
    while len(cases) < schemas:
        base = case(r, len(cases), 1)["schema"]
        for _ in range(26):
            variant = changed(r, base) if r.random() < 0.9 else base
            cases.append({"schema": variant, "tests": [{"data": instance(r)}]})
    return cases


def main():
    if sys.argv[1] == "--variants":
        cases = variants(random.Random(int(sys.argv[2])), int(sys.argv[3]))
    else:
        r = random.Random(int(sys.argv[1]))
        instances = int(sys.argv[3]) if len(sys.argv) > 3 else 6
        cases = [case(r, i, instances) for i in range(int(sys.argv[2]))]
    print("[\n" + ",\n".join("  " + json.dumps(c, ensure_ascii=False) for c in cases) + "\n]")


if __name__ == "__main__":
    main()
