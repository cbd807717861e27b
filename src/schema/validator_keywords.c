/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords: a table of names, each with the function that reads its value and the place in the node where it goes.
 *
 * Those that work together are read after the others, when the whole schema object is known: validator_members.c.
 */
#include "base/text.h"
#include "schema/validator_internal.h"

typedef enum group { GROUP_NONE, GROUP_NUMBER, GROUP_STRING, GROUP_ARRAY, GROUP_OBJECT, GROUP_VALUE, GROUP_LOGIC } group;

typedef struct keyword keyword;
struct keyword {
  const char *name;
  rem_status (*read)(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value, const rem_place *at);
  group group;
  size_t offset; /* in the rules of the group */
};

#define LONG_ENUM 8 /* strings from which on a set is faster than a list */

static rem_status rules_of(rem_compiler *c, void **rules, size_t size, void **ret_rules) {
  if (*rules == NULL) *rules = rem_compiler__alloc(c, 1, size);
  *ret_rules = *rules;
  return *rules != NULL ? REM_OK : rem_error_nomem(c->err);
}

static rem_status string_rules(rem_compiler *c, rem_node *node, void **ret_rules) {
  bool fresh = node->string == NULL;
  REM_TRY(rules_of(c, (void **)&node->string, sizeof *node->string, ret_rules));
  if (fresh) node->string->max_length = SIZE_MAX;
  return REM_OK;
}

static rem_status array_rules(rem_compiler *c, rem_node *node, void **ret_rules) {
  bool fresh = node->array == NULL;
  REM_TRY(rules_of(c, (void **)&node->array, sizeof *node->array, ret_rules));
  if (fresh) {
    node->array->max_items = node->array->max_contains = SIZE_MAX;
    node->array->min_contains = 1;
  }
  return REM_OK;
}

rem_status rem_compiler__object_rules(rem_compiler *c, rem_node *node, void **ret_rules) {
  bool fresh = node->object == NULL;
  REM_TRY(rules_of(c, (void **)&node->object, sizeof *node->object, ret_rules));
  if (fresh) node->object->max_properties = SIZE_MAX;
  return REM_OK;
}

/* Where the keyword's value goes; its group is made when it is the first of it. */
static rem_status slot_of(rem_compiler *c, rem_node *node, const keyword *k, void **ret_slot) {
  void *rules = NULL;
  switch (k->group) {
  case GROUP_NUMBER: REM_TRY(rules_of(c, (void **)&node->number, sizeof *node->number, &rules)); break;
  case GROUP_STRING: REM_TRY(string_rules(c, node, &rules)); break;
  case GROUP_ARRAY: REM_TRY(array_rules(c, node, &rules)); break;
  case GROUP_OBJECT: REM_TRY(rem_compiler__object_rules(c, node, &rules)); break;
  case GROUP_VALUE: REM_TRY(rules_of(c, (void **)&node->value, sizeof *node->value, &rules)); break;
  case GROUP_LOGIC: REM_TRY(rules_of(c, (void **)&node->logic, sizeof *node->logic, &rules)); break;
  case GROUP_NONE: return rem_error_set(c->err, REM_INTERNAL, "keyword '%s' has no group", k->name);
  }
  *ret_slot = (char *)rules + k->offset;
  return REM_OK;
}

rem_status rem_compiler__expect(rem_compiler *c, bool good, const char *expected, const json_t *value, const rem_place *at) {
  return good ? REM_OK : rem_compiler__fail(c, at, "expected %s, found %s", expected, rem_json_type_name(value));
}

/* Reading values. */

static rem_status read_bound(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value, const rem_place *at) {
  void *slot;
  REM_TRY(rem_compiler__expect(c, json_is_number(value), "number", value, at));
  REM_TRY(slot_of(c, node, k, &slot));
  *(const json_t **)slot = value;
  return REM_OK;
}

static rem_status read_multiple(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                                const rem_place *at) {
  if (json_is_number(value) && json_number_value(value) <= 0)
    return rem_compiler__fail(c, at, "expected a number greater than 0");
  return read_bound(c, node, k, value, at);
}

static rem_status read_size(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value, const rem_place *at) {
  double number = json_number_value(value);
  bool whole = json_is_number(value) && number >= 0 && number < 0x1p53 && number == (double)(uint64_t)number;
  if (!whole) return rem_compiler__fail(c, at, "expected a whole number, 0 or greater");
  void *slot;
  REM_TRY(slot_of(c, node, k, &slot));
  *(size_t *)slot = (size_t)number;
  return REM_OK;
}

static rem_status read_flag(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value, const rem_place *at) {
  void *slot;
  REM_TRY(rem_compiler__expect(c, json_is_boolean(value), "boolean", value, at));
  REM_TRY(slot_of(c, node, k, &slot));
  *(bool *)slot = json_is_true(value);
  return REM_OK;
}

static rem_status read_schema(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                              const rem_place *at) {
  void *slot;
  REM_TRY(slot_of(c, node, k, &slot));
  return rem_compiler__schema(c, value, at, (rem_node **)slot);
}

static rem_status read_list(rem_compiler *c, const json_t *value, const rem_place *at, rem_node_list *ret_list) {
  REM_TRY(rem_compiler__expect(c, json_is_array(value), "array of schemas", value, at));
  ret_list->nodes = rem_compiler__alloc(c, json_array_size(value), sizeof *ret_list->nodes);
  if (ret_list->nodes == NULL) return rem_error_nomem(c->err);
  for (size_t i = 0; i < json_array_size(value); i++) {
    rem_place item = rem_place_index(at, i);
    REM_TRY(rem_compiler__schema(c, json_array_get(value, i), &item, &ret_list->nodes[i]));
    ret_list->count++;
  }
  return REM_OK;
}

static rem_status read_schemas(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                               const rem_place *at) {
  void *slot;
  if (json_is_array(value) && json_array_size(value) == 0)
    return rem_compiler__fail(c, at, "expected at least one schema");
  REM_TRY(slot_of(c, node, k, &slot));
  return read_list(c, value, at, slot);
}

/* `$defs`: compiled for their mistakes and for the references to them. */
static rem_status read_definitions(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                                   const rem_place *at) {
  (void)node;
  (void)k;
  REM_TRY(rem_compiler__expect(c, json_is_object(value), "object of schemas", value, at));
  for (void *i = json_object_iter((json_t *)value); i != NULL; i = json_object_iter_next((json_t *)value, i)) {
    rem_place place = rem_place_key(at, json_object_iter_key(i), json_object_iter_key_len(i));
    rem_node *ignored;
    REM_TRY(rem_compiler__schema(c, json_object_iter_value(i), &place, &ignored));
  }
  return REM_OK;
}

static const char *const TYPE_NAMES[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
static const uint8_t TYPE_BITS[] = {REM_NODE_NULL, REM_NODE_BOOLEAN, REM_NODE_INTEGER, REM_NODE_INTEGER | REM_NODE_REAL,
                                    REM_NODE_STRING, REM_NODE_ARRAY, REM_NODE_OBJECT};
enum { TYPE_COUNT = sizeof TYPE_NAMES / sizeof TYPE_NAMES[0] };

static rem_status add_type(rem_compiler *c, rem_node *node, const json_t *value, const rem_place *at) {
  const char *name = json_string_value(value);
  REM_TRY(rem_compiler__expect(c, name != NULL, "the name of a type", value, at));
  for (size_t i = 0; i < TYPE_COUNT; i++) {
    if (strcmp(TYPE_NAMES[i], name) != 0) continue;
    node->types |= TYPE_BITS[i];
    return REM_OK;
  }
  rem_compiler__fail(c, at, "there is no type '%.60s'", name);
  const char *nearest = rem_text_nearest(name, TYPE_NAMES, TYPE_COUNT);
  if (nearest != NULL)
    rem_error_hint(c->err, "Did you mean '%s'?", nearest);
  else
    rem_error_hint(c->err, "The types are null, boolean, integer, number, string, array and object.");
  return REM_INVALID;
}

static rem_status read_type(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value, const rem_place *at) {
  (void)k;
  node->types = 0;
  if (!json_is_array(value)) return add_type(c, node, value, at);
  for (size_t i = 0; i < json_array_size(value); i++) {
    rem_place item = rem_place_index(at, i);
    REM_TRY(add_type(c, node, json_array_get(value, i), &item));
  }
  return REM_OK;
}

static rem_status read_constant(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                                const rem_place *at) {
  (void)at;
  void *slot;
  REM_TRY(slot_of(c, node, k, &slot));
  *(const json_t **)slot = value;
  return REM_OK;
}

/* Room for one more in a list of the validator's, which owns what is in it. */
static rem_status grow(rem_compiler *c, void **list, size_t count, size_t *capacity) {
  if (count < *capacity) return REM_OK;
  size_t wanted = *capacity > 0 ? *capacity * 2 : 8;
  void *larger = rem_realloc(*list, wanted * sizeof(void *));
  if (larger == NULL) return rem_error_nomem(c->err);
  *list = larger;
  *capacity = wanted;
  return REM_OK;
}

static rem_status fill_set(rem_compiler *c, const json_t *strings, rem_hash_map *set) {
  for (size_t i = 0; i < json_array_size(strings); i++) {
    const json_t *item = json_array_get(strings, i);
    rem_slice text = rem_slice_of(json_string_value(item), json_string_length(item));
    REM_TRY(rem_hash_map_put(set, text, (void *)item, NULL, c->err));
  }
  return REM_OK;
}

static rem_status make_set(rem_compiler *c, const json_t *strings, const rem_hash_map **ret_set) {
  rem_validator *v = c->validator;
  REM_TRY(grow(c, (void **)&v->sets, v->set_count, &v->set_capacity));
  rem_hash_map *set = rem_calloc(1, sizeof *set);
  if (set == NULL) return rem_error_nomem(c->err);
  v->sets[v->set_count++] = set;
  *ret_set = set;
  return fill_set(c, strings, set);
}

static rem_status read_enum(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value, const rem_place *at) {
  REM_TRY(rem_compiler__expect(c, json_is_array(value), "array", value, at));
  REM_TRY(read_constant(c, node, k, value, at));
  bool strings = json_array_size(value) > LONG_ENUM;
  for (size_t i = 0; strings && i < json_array_size(value); i++)
    strings = json_is_string(json_array_get(value, i));
  return strings ? make_set(c, value, &node->value->strings) : REM_OK;
}

rem_status rem_compiler__pattern(rem_compiler *c, const char *text, size_t size, const rem_place *at,
                              const rem_pattern **ret_pattern) {
  rem_validator *v = c->validator;
  REM_TRY(grow(c, (void **)&v->patterns, v->pattern_count, &v->pattern_capacity));
  rem_status status = rem_pattern_new(text, size, &v->patterns[v->pattern_count], c->err);
  if (status < 0) {
    rem_line pointer = {0};
    rem_place__pointer(at, &pointer);
    rem_error_prefix(c->err, "schema at '%s': ", pointer.text);
    return status;
  }
  *ret_pattern = v->patterns[v->pattern_count++];
  return REM_OK;
}

static rem_status read_pattern(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                               const rem_place *at) {
  void *slot;
  REM_TRY(rem_compiler__expect(c, json_is_string(value), "string", value, at));
  REM_TRY(slot_of(c, node, k, &slot));
  return rem_compiler__pattern(c, json_string_value(value), json_string_length(value), at, slot);
}

static rem_status read_format(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                              const rem_place *at) {
  REM_TRY(rem_compiler__expect(c, json_is_string(value), "string", value, at));
  const rem_format *format = rem_format_find(json_string_value(value));
  if (format == NULL) return REM_OK;
  void *slot;
  REM_TRY(slot_of(c, node, k, &slot));
  *(const rem_format **)slot = format;
  return REM_OK;
}

static rem_status read_reference(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                                 const rem_place *at) {
  void *slot;
  REM_TRY(rem_compiler__expect(c, json_is_string(value), "string", value, at));
  REM_TRY(slot_of(c, node, k, &slot));
  return rem_compiler__refer(c, json_string_value(value), at, slot);
}

static rem_status read_anchor(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                              const rem_place *at) {
  (void)k;
  void *old = NULL;
  REM_TRY(rem_compiler__expect(c, json_is_string(value), "string", value, at));
  const char *name = json_string_value(value);
  if (name[0] == '#') name++;
  REM_TRY(rem_hash_map_put(&c->anchors, rem_slice_text(name), (void *)node->schema, &old, c->err));
  if (old != NULL && old != node->schema) return rem_compiler__fail(c, at, "there are two anchors '%.100s'", name);
  return REM_OK;
}

static rem_status refuse_keyword(rem_compiler *c, const rem_place *at, const char *reason, const char *hint) {
  rem_line pointer = {0};
  rem_place__pointer(at, &pointer);
  rem_error_set(c->err, REM_UNSUPPORTED, "schema at '%s': %s", pointer.text, reason);
  rem_error_hint(c->err, "%s", hint);
  return REM_UNSUPPORTED;
}

/* The document's own `$id` names it; further down it would begin another document. */
static rem_status read_id(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value, const rem_place *at) {
  REM_TRY(rem_compiler__expect(c, json_is_string(value), "string", value, at));
  if (node->schema == c->validator->document) return REM_OK;
  if (json_string_value(value)[0] == '#') return read_anchor(c, node, k, value, at);
  return refuse_keyword(c, at, "a `$id` below the top of the document is not supported",
                        "Remove it and refer to the schema by its JSON pointer.");
}

static rem_status read_dynamic(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value,
                               const rem_place *at) {
  (void)node;
  (void)k;
  (void)value;
  return refuse_keyword(c, at, "dynamic references are not supported", "Use `$ref`.");
}

/* `items` as a list is `prefixItems` of before 2020. */
static rem_status read_items(rem_compiler *c, rem_node *node, const keyword *k, const json_t *value, const rem_place *at) {
  if (!json_is_array(value)) return read_schema(c, node, k, value, at);
  if (!c->old_items) {
    rem_compiler__fail(c, at, "expected a schema, found array");
    rem_error_hint(c->err, "Use `prefixItems`, or name the older draft in `$schema`.");
    return REM_INVALID;
  }
  void *rules;
  REM_TRY(array_rules(c, node, &rules));
  REM_TRY(read_list(c, value, at, &node->array->prefix));
  const json_t *rest = json_object_get(node->schema, "additionalItems");
  if (rest == NULL) return REM_OK;
  rem_place place = rem_place_key(at->parent, "additionalItems", strlen("additionalItems"));
  return rem_compiler__schema(c, rest, &place, &node->array->items);
}

#define NUMBER(field) GROUP_NUMBER, offsetof(rem_number_rules, field)
#define STRING(field) GROUP_STRING, offsetof(rem_string_rules, field)
#define ARRAY(field)  GROUP_ARRAY, offsetof(rem_array_rules, field)
#define OBJECT(field) GROUP_OBJECT, offsetof(rem_object_rules, field)
#define VALUE(field)  GROUP_VALUE, offsetof(rem_value_rules, field)
#define LOGIC(field)  GROUP_LOGIC, offsetof(rem_logic_rules, field)

static const keyword KEYWORDS[] = {
    {"type", read_type, GROUP_NONE, 0},
    {"enum", read_enum, VALUE(choices)},
    {"const", read_constant, VALUE(constant)},
    {"minimum", read_bound, NUMBER(minimum)},
    {"maximum", read_bound, NUMBER(maximum)},
    {"exclusiveMinimum", read_bound, NUMBER(exclusive_minimum)},
    {"exclusiveMaximum", read_bound, NUMBER(exclusive_maximum)},
    {"multipleOf", read_multiple, NUMBER(multiple_of)},
    {"minLength", read_size, STRING(min_length)},
    {"maxLength", read_size, STRING(max_length)},
    {"pattern", read_pattern, STRING(pattern)},
    {"format", read_format, STRING(format)},
    {"minItems", read_size, ARRAY(min_items)},
    {"maxItems", read_size, ARRAY(max_items)},
    {"uniqueItems", read_flag, ARRAY(unique)},
    {"prefixItems", read_schemas, ARRAY(prefix)},
    {"items", read_items, ARRAY(items)},
    {"contains", read_schema, ARRAY(contains)},
    {"minContains", read_size, ARRAY(min_contains)},
    {"maxContains", read_size, ARRAY(max_contains)},
    {"unevaluatedItems", read_schema, ARRAY(unevaluated)},
    {"minProperties", read_size, OBJECT(min_properties)},
    {"maxProperties", read_size, OBJECT(max_properties)},
    {"additionalProperties", read_schema, OBJECT(additional)},
    {"propertyNames", read_schema, OBJECT(names)},
    {"unevaluatedProperties", read_schema, OBJECT(unevaluated)},
    {"$ref", read_reference, LOGIC(reference)},
    {"allOf", read_schemas, LOGIC(all)},
    {"anyOf", read_schemas, LOGIC(any)},
    {"oneOf", read_schemas, LOGIC(one)},
    {"not", read_schema, LOGIC(negated)},
    {"if", read_schema, LOGIC(condition)},
    {"then", read_schema, LOGIC(consequence)},
    {"else", read_schema, LOGIC(alternative)},
    {"$defs", read_definitions, GROUP_NONE, 0},
    {"definitions", read_definitions, GROUP_NONE, 0},
    {"$id", read_id, GROUP_NONE, 0},
    {"$anchor", read_anchor, GROUP_NONE, 0},
    {"$dynamicAnchor", read_anchor, GROUP_NONE, 0},
    {"$dynamicRef", read_dynamic, GROUP_NONE, 0},
    {"$recursiveRef", read_dynamic, GROUP_NONE, 0},
};

static const keyword *find_keyword(const char *name) {
  for (size_t i = 0; i < sizeof KEYWORDS / sizeof KEYWORDS[0]; i++) {
    if (strcmp(KEYWORDS[i].name, name) == 0) return &KEYWORDS[i];
  }
  return NULL;
}

rem_status rem_compiler__keywords(rem_compiler *c, rem_node *node, const json_t *schema, const rem_place *at) {
  for (void *i = json_object_iter((json_t *)schema); i != NULL; i = json_object_iter_next((json_t *)schema, i)) {
    const keyword *k = find_keyword(json_object_iter_key(i));
    if (k == NULL) continue;
    rem_place place = rem_place_key(at, k->name, strlen(k->name));
    REM_TRY(k->read(c, node, k, json_object_iter_value(i), &place));
  }
  return rem_compiler__members(c, node, schema, at);
}
