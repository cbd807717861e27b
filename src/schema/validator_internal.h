/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validator, between its files.
 *
 *   validator.c              life, the two walks of a check
 *   validator_compile.c      documents into nodes: the walk over schemas, references, endless loops
 *   validator_keywords.c     what each keyword adds to a node
 *   validator_members.c      … those of an object's members
 *   validator_check.c        nodes against values: types, numbers, strings, arrays, logic
 *   validator_object.c       … objects
 *   validator_number.c       exact comparison and division
 *   validator_unique.c       uniqueItems
 *   validator_unevaluated.c  unevaluatedProperties and unevaluatedItems
 *   validator_report.c       failures into messages
 *   validator_defaults.c     `default`
 *
 * A node is one schema object. Its rules are grouped by the type of value they speak of, so that a string meets string rules only; a
 * group without rules is NULL. Nodes refer to each other by pointer, in cycles too; all of them live in one arena.
 */
#ifndef REM_SCHEMA_VALIDATOR_INTERNAL_H
#define REM_SCHEMA_VALIDATOR_INTERNAL_H

#include "base/arena.h"
#include "base/hash_map.h"
#include "schema/format.h"
#include "schema/pattern.h"
#include "schema/validator.h"

/* Bits of rem_node.types. A real without a fraction is both INTEGER and REAL. */
enum {
  REM_NODE_NULL = 1,
  REM_NODE_BOOLEAN = 2,
  REM_NODE_INTEGER = 4,
  REM_NODE_REAL = 8,
  REM_NODE_STRING = 16,
  REM_NODE_ARRAY = 32,
  REM_NODE_OBJECT = 64,
  REM_NODE_ANY = 127,
};

typedef struct rem_node rem_node;

typedef struct rem_node_list {
  rem_node **nodes;
  size_t count;
} rem_node_list;

/* NULL where the keyword is not given. */
typedef struct rem_number_rules {
  const json_t *minimum, *maximum, *exclusive_minimum, *exclusive_maximum, *multiple_of;
} rem_number_rules;

typedef struct rem_string_rules {
  size_t min_length, max_length; /* characters */
  const rem_pattern *pattern;
  const rem_format *format;
} rem_string_rules;

typedef struct rem_array_rules {
  rem_node_list prefix;
  rem_node *items;
  rem_node *contains;
  size_t min_contains, max_contains;
  size_t min_items, max_items;
  rem_node *unevaluated;
  bool unique;
} rem_array_rules;

/* A name in `properties` or `required`. */
typedef struct rem_property {
  const char *name;
  size_t name_size;
  rem_node *node; /* NULL: only required, not described */
  bool required;
} rem_property;

typedef struct rem_pattern_property {
  const rem_pattern *pattern;
  rem_node *node;
} rem_pattern_property;

/* When `name` is there: the names in `required`, and `node`. */
typedef struct rem_dependent {
  const char *name;
  size_t name_size;
  const json_t *required; /* array of strings or NULL */
  rem_node *node;         /* or NULL */
} rem_dependent;

typedef struct rem_object_rules {
  rem_property *properties;
  size_t property_count;
  uint32_t *slots; /* hash table over properties: index + 1, 0 is free */
  size_t slot_mask;
  size_t required_count;
  rem_pattern_property *patterns;
  size_t pattern_count;
  rem_node *additional;
  rem_node *names;
  rem_dependent *dependents;
  size_t dependent_count;
  size_t min_properties, max_properties;
  rem_node *unevaluated;
} rem_object_rules;

typedef struct rem_value_rules {
  const json_t *constant;
  const json_t *choices;        /* enum */
  const rem_hash_map *strings;  /* of a long enum of strings only: a set */
} rem_value_rules;

typedef struct rem_logic_rules {
  rem_node *reference;
  rem_node_list all, any, one;
  rem_node *negated;
  rem_node *condition, *consequence, *alternative; /* if, then, else */
} rem_logic_rules;

struct rem_node {
  uint8_t types;
  bool never;   /* the schema false */
  uint8_t mark; /* of the search for endless loops */
  const json_t *schema;
  rem_number_rules *number;
  rem_string_rules *string;
  rem_array_rules *array;
  rem_object_rules *object;
  rem_value_rules *value;
  rem_logic_rules *logic;
};

struct rem_validator {
  rem_arena arena;
  json_t *document;
  rem_node *root;
  rem_pattern **patterns; /* owned here, used by the nodes */
  size_t pattern_count, pattern_capacity;
  rem_hash_map **sets; /* of rem_value_rules.strings */
  size_t set_count, set_capacity;
};

/* A place in an instance or in a schema, as a chain on the stack: the root has no parent. */
typedef struct rem_place {
  const struct rem_place *parent;
  const char *key; /* NULL: an index */
  size_t key_size; /* or the index */
  const rem_node *node; /* that describes the value here; NULL in schemas */
} rem_place;

static inline rem_place rem_place_key(const rem_place *parent, const char *key, size_t size) {
  return (rem_place){parent, key, size, NULL};
}
static inline rem_place rem_place_index(const rem_place *parent, size_t index) {
  return (rem_place){parent, NULL, index, NULL};
}

/* One line of text of bounded length; what does not fit is cut at a character boundary and ends in "…". */
typedef struct rem_line {
  char text[320];
  size_t size;
  bool full;
} rem_line;
void rem_line__put(rem_line *line, const char *text, size_t size);
void rem_line__format(rem_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The JSON pointer of a place (RFC 6901). */
void rem_place__pointer(const rem_place *place, rem_line *line);

/* Compiling. */

typedef struct rem_pending rem_pending;
typedef struct rem_compiler {
  rem_validator *validator;
  rem_hash_map nodes;   /* address of a schema object -> node */
  rem_hash_map anchors; /* name -> schema object */
  rem_pending *pending; /* references to be resolved when all else is compiled */
  unsigned depth;
  size_t node_count;
  bool old_items; /* `$schema` is a draft in which `items` may be a list */
  rem_error *err;
} rem_compiler;

rem_status rem_compiler__fail(rem_compiler *c, const rem_place *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
rem_status rem_compiler__schema(rem_compiler *c, const json_t *schema, const rem_place *at, rem_node **ret_node);
/* Notes that `*slot` is to become what `reference`, borrowed from the document, names. */
rem_status rem_compiler__refer(rem_compiler *c, const char *reference, const rem_place *at, rem_node **slot);
void *rem_compiler__alloc(rem_compiler *c, size_t count, size_t size);
/* A pattern owned by the validator. */
rem_status rem_compiler__pattern(rem_compiler *c, const char *text, size_t size, const rem_place *at,
                                 const rem_pattern **ret_pattern);
/* Fails with "expected …, found …" unless `good`. */
rem_status rem_compiler__expect(rem_compiler *c, bool good, const char *expected, const json_t *value,
                                const rem_place *at);
/* The node's rem_object_rules, made when it has none. */
rem_status rem_compiler__object_rules(rem_compiler *c, rem_node *node, void **ret_rules);
/* Applies properties, required, patternProperties and dependencies. */
rem_status rem_compiler__members(rem_compiler *c, rem_node *node, const json_t *schema, const rem_place *at);
/* Applies all keywords of a schema object to its node. */
rem_status rem_compiler__keywords(rem_compiler *c, rem_node *node, const json_t *schema, const rem_place *at);

/* Checking. */

typedef enum rem_rule {
  REM_RULE_TYPE,
  REM_RULE_NEVER,
  REM_RULE_ENUM,
  REM_RULE_CONST,
  REM_RULE_MINIMUM,
  REM_RULE_MAXIMUM,
  REM_RULE_EXCLUSIVE_MINIMUM,
  REM_RULE_EXCLUSIVE_MAXIMUM,
  REM_RULE_MULTIPLE_OF,
  REM_RULE_MIN_LENGTH,
  REM_RULE_MAX_LENGTH,
  REM_RULE_PATTERN,
  REM_RULE_FORMAT,
  REM_RULE_MIN_ITEMS,
  REM_RULE_MAX_ITEMS,
  REM_RULE_UNIQUE,
  REM_RULE_CONTAINS,
  REM_RULE_MAX_CONTAINS,
  REM_RULE_ITEMS,
  REM_RULE_MIN_PROPERTIES,
  REM_RULE_MAX_PROPERTIES,
  REM_RULE_REQUIRED,
  REM_RULE_DEPENDENT,
  REM_RULE_ADDITIONAL,
  REM_RULE_NAMES,
  REM_RULE_ANY_OF,
  REM_RULE_ONE_OF,
  REM_RULE_NOT,
} rem_rule;

/* The first thing that was wrong. */
typedef struct rem_failure {
  bool set;
  rem_rule rule;
  const rem_node *node;  /* whose rule it is */
  const rem_node *field; /* that describes the value in question */
  const json_t *found;
  const char *key; /* a property: missing, unexpected or badly named */
  size_t key_size;
  const char *other; /* REM_RULE_DEPENDENT: the property that asks for it */
  size_t number;     /* a count or an index that belongs to the rule */
  unsigned depth;    /* of the place */
  rem_line pointer;
} rem_failure;

typedef struct rem_run {
  rem_failure *failure; /* NULL: only whether, not why */
  unsigned depth;
  uint64_t work;      /* nodes visited */
  rem_status trouble; /* not a verdict but a limit or the lack of memory; the walk ends */
  rem_error *err;
} rem_run;

/* True when `value` is valid, false when not or when run->trouble is set. */
bool rem_run__check(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at);
/* The same without counting depth and work. */
bool rem_run__apply(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at);
bool rem_run__object(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at);
/* Without a trace: is it valid? */
bool rem_run__would_pass(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at);
bool rem_run__matches(rem_run *run, const rem_pattern *pattern, const char *text, size_t size);
/* Records the first failure; always false. */
bool rem_run__fail(rem_run *run, const rem_node *node, rem_rule rule, const json_t *found, const rem_place *at);
bool rem_run__fail_key(rem_run *run, const rem_node *node, rem_rule rule, const json_t *found, const rem_place *at,
                       const char *key, size_t key_size);
bool rem_run__trouble(rem_run *run, rem_status status);
/* unevaluatedProperties and unevaluatedItems of a node whose other keywords have passed. */
bool rem_run__unevaluated(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at);

/* NULL when the object's rules know no such name. */
const rem_property *rem_object__find(const rem_object_rules *rules, const char *name, size_t size);
/* <0, 0, >0: exact, also between int64 and double. */
int rem_number__compare(const json_t *a, const json_t *b);
/* By the decimals as they are written: 0.3 is a multiple of 0.1. */
bool rem_number__is_multiple(const json_t *value, const json_t *of);
/* The indexes of the first two equal items; false when all differ. run->trouble without memory. */
bool rem_array__duplicate(rem_run *run, const json_t *array, size_t *ret_first, size_t *ret_second);
uint8_t rem_value__types(const json_t *value);

/* Puts message and hint of a failure into `err`; returns REM_INVALID. */
rem_status rem_failure__report(const rem_failure *failure, const rem_node *root, rem_error *err);
/* Picks the branch whose failure says most, of an anyOf or oneOf that none of its branches passes. */
bool rem_run__branches(rem_run *run, const rem_node *node, const rem_node_list *branches, const json_t *value,
                       const rem_place *at);
/* What the types of `node` and of what it refers to admit. */
uint8_t rem_node__types(const rem_node *node, unsigned depth);

#endif
