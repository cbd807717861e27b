/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes against values: types, constants, numbers, strings, arrays, and the logic that combines schemas. */
#include <math.h>

#include "schema/validator_internal.h"

uint8_t rem_value__types(const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_NULL: return REM_NODE_NULL;
  case JSON_TRUE:
  case JSON_FALSE: return REM_NODE_BOOLEAN;
  case JSON_INTEGER: return REM_NODE_INTEGER;
  case JSON_REAL: {
    double real = json_real_value(value);
    return floor(real) == real ? REM_NODE_INTEGER | REM_NODE_REAL : REM_NODE_REAL;
  }
  case JSON_STRING: return REM_NODE_STRING;
  case JSON_ARRAY: return REM_NODE_ARRAY;
  case JSON_OBJECT: return REM_NODE_OBJECT;
  }
  return 0;
}

static bool is_choice(const rem_value_rules *rules, const json_t *value) {
  if (rules->strings != NULL)
    return json_is_string(value) &&
           rem_hash_map_get(rules->strings, rem_slice_of(json_string_value(value), json_string_length(value))) != NULL;
  for (size_t i = 0; i < json_array_size(rules->choices); i++) {
    if (rem_json_equal(json_array_get(rules->choices, i), value)) return true;
  }
  return false;
}

static bool check_value(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_value_rules *rules = node->value;
  if (rules->constant != NULL && !rem_json_equal(rules->constant, value))
    return rem_run__fail(run, node, REM_RULE_CONST, value, at);
  if (rules->choices != NULL && !is_choice(rules, value)) return rem_run__fail(run, node, REM_RULE_ENUM, value, at);
  return true;
}

static bool check_number(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_number_rules *rules = node->number;
  if (rules->minimum != NULL && rem_number__compare(value, rules->minimum) < 0)
    return rem_run__fail(run, node, REM_RULE_MINIMUM, value, at);
  if (rules->maximum != NULL && rem_number__compare(value, rules->maximum) > 0)
    return rem_run__fail(run, node, REM_RULE_MAXIMUM, value, at);
  if (rules->exclusive_minimum != NULL && rem_number__compare(value, rules->exclusive_minimum) <= 0)
    return rem_run__fail(run, node, REM_RULE_EXCLUSIVE_MINIMUM, value, at);
  if (rules->exclusive_maximum != NULL && rem_number__compare(value, rules->exclusive_maximum) >= 0)
    return rem_run__fail(run, node, REM_RULE_EXCLUSIVE_MAXIMUM, value, at);
  if (rules->multiple_of != NULL && !rem_number__is_multiple(value, rules->multiple_of))
    return rem_run__fail(run, node, REM_RULE_MULTIPLE_OF, value, at);
  return true;
}

static size_t count_characters(const char *text, size_t size) {
  size_t count = 0;
  for (size_t i = 0; i < size; i++)
    count += ((unsigned char)text[i] & 0xC0) != 0x80;
  return count;
}

static bool check_string(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_string_rules *rules = node->string;
  const char *text = json_string_value(value);
  size_t size = json_string_length(value);
  if (rules->min_length > 0 && (size < rules->min_length || count_characters(text, size) < rules->min_length))
    return rem_run__fail(run, node, REM_RULE_MIN_LENGTH, value, at);
  if (size > rules->max_length && count_characters(text, size) > rules->max_length)
    return rem_run__fail(run, node, REM_RULE_MAX_LENGTH, value, at);
  if (rules->format != NULL && !rules->format->matches(text, size))
    return rem_run__fail(run, node, REM_RULE_FORMAT, value, at);
  if (rules->pattern != NULL && !rem_run__matches(run, rules->pattern, text, size))
    return rem_run__fail(run, node, REM_RULE_PATTERN, value, at);
  return true;
}

static bool check_items(rem_run *run, const rem_array_rules *rules, const json_t *value, const rem_place *at) {
  size_t size = json_array_size(value);
  for (size_t i = 0; i < size; i++) {
    const rem_node *node = i < rules->prefix.count ? rules->prefix.nodes[i] : rules->items;
    if (node == NULL) return true;
    rem_place item = {at, NULL, i, node};
    if (!rem_run__check(run, node, json_array_get(value, i), &item)) return false;
  }
  return true;
}

static bool check_contains(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_array_rules *rules = node->array;
  size_t size = json_array_size(value), matching = 0;
  for (size_t i = 0; i < size && matching <= rules->max_contains; i++) {
    rem_place item = {at, NULL, i, rules->contains};
    matching += rem_run__would_pass(run, rules->contains, json_array_get(value, i), &item);
    if (matching >= rules->min_contains && rules->max_contains == SIZE_MAX) return true;
  }
  if (matching < rules->min_contains) return rem_run__fail(run, node, REM_RULE_CONTAINS, value, at);
  if (matching > rules->max_contains) return rem_run__fail(run, node, REM_RULE_MAX_CONTAINS, value, at);
  return true;
}

static bool check_unique(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  size_t first, second;
  if (!rem_array__duplicate(run, value, &first, &second)) return run->trouble == REM_OK;
  rem_place item = {at, NULL, second, NULL};
  rem_run__fail(run, node, REM_RULE_UNIQUE, json_array_get(value, second), &item);
  if (run->failure != NULL && run->failure->rule == REM_RULE_UNIQUE) run->failure->number = first;
  return false;
}

static bool check_array(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_array_rules *rules = node->array;
  if (json_array_size(value) < rules->min_items) return rem_run__fail(run, node, REM_RULE_MIN_ITEMS, value, at);
  if (json_array_size(value) > rules->max_items) return rem_run__fail(run, node, REM_RULE_MAX_ITEMS, value, at);
  if (!check_items(run, rules, value, at)) return false;
  if (rules->contains != NULL && !check_contains(run, node, value, at)) return false;
  return !rules->unique || check_unique(run, node, value, at);
}

static bool passes_any(rem_run *run, const rem_node_list *branches, const json_t *value, const rem_place *at) {
  for (size_t i = 0; i < branches->count; i++) {
    if (rem_run__would_pass(run, branches->nodes[i], value, at)) return true;
  }
  return false;
}

static bool check_one_of(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_node_list *branches = &node->logic->one;
  size_t passed = 0;
  for (size_t i = 0; i < branches->count && passed < 2; i++)
    passed += rem_run__would_pass(run, branches->nodes[i], value, at);
  if (passed == 1) return true;
  return passed == 0 ? rem_run__branches(run, node, branches, value, at)
                     : rem_run__fail(run, node, REM_RULE_ONE_OF, value, at);
}

static bool check_condition(rem_run *run, const rem_logic_rules *logic, const json_t *value, const rem_place *at) {
  const rem_node *next =
      rem_run__would_pass(run, logic->condition, value, at) ? logic->consequence : logic->alternative;
  return next == NULL || rem_run__check(run, next, value, at);
}

static bool check_logic(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_logic_rules *logic = node->logic;
  if (logic->reference != NULL && !rem_run__check(run, logic->reference, value, at)) return false;
  for (size_t i = 0; i < logic->all.count; i++) {
    if (!rem_run__check(run, logic->all.nodes[i], value, at)) return false;
  }
  if (logic->any.count > 0 && !passes_any(run, &logic->any, value, at))
    return rem_run__branches(run, node, &logic->any, value, at);
  if (logic->one.count > 0 && !check_one_of(run, node, value, at)) return false;
  if (logic->negated != NULL && rem_run__would_pass(run, logic->negated, value, at))
    return rem_run__fail(run, node, REM_RULE_NOT, value, at);
  return logic->condition == NULL || check_condition(run, logic, value, at);
}

static bool check_by_type(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  switch (json_typeof(value)) {
  case JSON_INTEGER:
  case JSON_REAL: return node->number == NULL || check_number(run, node, value, at);
  case JSON_STRING: return node->string == NULL || check_string(run, node, value, at);
  case JSON_ARRAY: return node->array == NULL || check_array(run, node, value, at);
  case JSON_OBJECT: return node->object == NULL || rem_run__object(run, node, value, at);
  default: return true;
  }
}

bool rem_run__apply(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  if ((rem_value__types(value) & node->types) == 0)
    return rem_run__fail(run, node, node->never ? REM_RULE_NEVER : REM_RULE_TYPE, value, at);
  if (node->value != NULL && !check_value(run, node, value, at)) return false;
  if (!check_by_type(run, node, value, at)) return false;
  if (node->logic != NULL && !check_logic(run, node, value, at)) return false;
  if ((node->array != NULL && node->array->unevaluated != NULL) ||
      (node->object != NULL && node->object->unevaluated != NULL)) {
    if (!rem_run__unevaluated(run, node, value, at)) return false;
  }
  return run->trouble == REM_OK;
}
