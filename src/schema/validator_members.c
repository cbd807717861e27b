/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords that speak of an object's members: properties with those that are only required, patternProperties, and the three
 * spellings of dependencies. Names are looked up in a hash table that is never more than half full.
 */
#include "schema/validator_internal.h"

static const json_t *member(rem_compiler *c, const json_t *schema, const char *name, bool array, const rem_place *at,
                            rem_place *ret_place, rem_status *ret_status) {
  const json_t *value = json_object_get(schema, name);
  *ret_place = rem_place_key(at, name, strlen(name));
  *ret_status = REM_OK;
  if (value != NULL)
    *ret_status = array ? rem_compiler__expect(c, json_is_array(value), "array of names", value, ret_place)
                        : rem_compiler__expect(c, json_is_object(value), "object of schemas", value, ret_place);
  return value;
}

const rem_property *rem_object__find(const rem_object_rules *rules, const char *name, size_t size) {
  if (rules->slots == NULL) return NULL;
  for (size_t i = rem_hash_bytes(name, size) & rules->slot_mask; rules->slots[i] != 0; i = (i + 1) & rules->slot_mask) {
    const rem_property *property = &rules->properties[rules->slots[i] - 1];
    if (property->name_size == size && memcmp(property->name, name, size) == 0) return property;
  }
  return NULL;
}

/* The property of that name, made when it is new. The table is never more than half full. */
static rem_property *add_property(rem_object_rules *rules, const char *name, size_t size) {
  rem_property *property = (rem_property *)rem_object__find(rules, name, size);
  if (property != NULL) return property;
  property = &rules->properties[rules->property_count++];
  *property = (rem_property){.name = name, .name_size = size};
  size_t i = rem_hash_bytes(name, size) & rules->slot_mask;
  while (rules->slots[i] != 0)
    i = (i + 1) & rules->slot_mask;
  rules->slots[i] = (uint32_t)rules->property_count;
  return property;
}

static rem_status make_room(rem_compiler *c, rem_object_rules *rules, size_t count) {
  size_t slots = 4;
  while (slots < 2 * count)
    slots *= 2;
  rules->slot_mask = slots - 1;
  rules->properties = rem_compiler__alloc(c, count, sizeof *rules->properties);
  rules->slots = rem_compiler__alloc(c, slots, sizeof *rules->slots);
  return rules->properties != NULL && rules->slots != NULL ? REM_OK : rem_error_nomem(c->err);
}

static rem_status add_described(rem_compiler *c, rem_object_rules *rules, const json_t *properties, const rem_place *at) {
  for (void *i = json_object_iter((json_t *)properties); i != NULL; i = json_object_iter_next((json_t *)properties, i)) {
    const char *name = json_object_iter_key(i);
    size_t size = json_object_iter_key_len(i);
    rem_place place = rem_place_key(at, name, size);
    rem_property *property = add_property(rules, name, size);
    REM_TRY(rem_compiler__schema(c, json_object_iter_value(i), &place, &property->node));
  }
  return REM_OK;
}

static rem_status check_names(rem_compiler *c, const json_t *names, const rem_place *at) {
  for (size_t i = 0; i < json_array_size(names); i++) {
    rem_place item = rem_place_index(at, i);
    const json_t *name = json_array_get(names, i);
    REM_TRY(rem_compiler__expect(c, json_is_string(name), "the name of a property", name, &item));
  }
  return REM_OK;
}

static void add_required(rem_object_rules *rules, const json_t *required) {
  for (size_t i = 0; i < json_array_size(required); i++) {
    const json_t *name = json_array_get(required, i);
    rem_property *property = add_property(rules, json_string_value(name), json_string_length(name));
    rules->required_count += !property->required;
    property->required = true;
  }
}

static rem_status read_properties(rem_compiler *c, rem_node *node, const json_t *schema, const rem_place *at) {
  rem_place properties_at, required_at;
  rem_status status;
  const json_t *properties = member(c, schema, "properties", false, at, &properties_at, &status);
  REM_TRY(status);
  const json_t *required = member(c, schema, "required", true, at, &required_at, &status);
  REM_TRY(status);
  if (properties == NULL && required == NULL) return REM_OK;
  void *rules;
  REM_TRY(rem_compiler__object_rules(c, node, &rules));
  REM_TRY(make_room(c, rules, json_object_size(properties) + json_array_size(required)));
  REM_TRY(check_names(c, required, &required_at));
  REM_TRY(add_described(c, rules, properties, &properties_at));
  add_required(rules, required);
  return REM_OK;
}

static rem_status read_pattern_properties(rem_compiler *c, rem_node *node, const json_t *schema, const rem_place *at) {
  rem_place patterns_at;
  rem_status status;
  const json_t *patterns = member(c, schema, "patternProperties", false, at, &patterns_at, &status);
  REM_TRY(status);
  if (patterns == NULL) return REM_OK;
  void *rules;
  REM_TRY(rem_compiler__object_rules(c, node, &rules));
  rem_object_rules *object = rules;
  object->patterns = rem_compiler__alloc(c, json_object_size(patterns), sizeof *object->patterns);
  if (object->patterns == NULL) return rem_error_nomem(c->err);
  for (void *i = json_object_iter((json_t *)patterns); i != NULL; i = json_object_iter_next((json_t *)patterns, i)) {
    const char *text = json_object_iter_key(i);
    size_t size = json_object_iter_key_len(i);
    rem_place place = rem_place_key(&patterns_at, text, size);
    rem_pattern_property *entry = &object->patterns[object->pattern_count];
    REM_TRY(rem_compiler__pattern(c, text, size, &place, &entry->pattern));
    REM_TRY(rem_compiler__schema(c, json_object_iter_value(i), &place, &entry->node));
    object->pattern_count++;
  }
  return REM_OK;
}

/* `dependentRequired` gives lists, `dependentSchemas` schemas, and the `dependencies` of old either. */
static const char *const DEPENDENCIES[] = {"dependentRequired", "dependentSchemas", "dependencies"};

static rem_status add_dependent(rem_compiler *c, rem_dependent *dependent, const json_t *value, size_t kind,
                                const rem_place *at) {
  if (kind == 0 || (kind == 2 && json_is_array(value))) {
    REM_TRY(rem_compiler__expect(c, json_is_array(value), "array of names", value, at));
    dependent->required = value;
    return check_names(c, value, at);
  }
  return rem_compiler__schema(c, value, at, &dependent->node);
}

static rem_status read_dependencies(rem_compiler *c, rem_node *node, const json_t *schema, const rem_place *at) {
  size_t count = 0;
  for (size_t k = 0; k < 3; k++)
    count += json_object_size(json_object_get(schema, DEPENDENCIES[k]));
  void *rules;
  if (count > 0) {
    REM_TRY(rem_compiler__object_rules(c, node, &rules));
    node->object->dependents = rem_compiler__alloc(c, count, sizeof *node->object->dependents);
    if (node->object->dependents == NULL) return rem_error_nomem(c->err);
  }
  for (size_t k = 0; k < 3; k++) {
    rem_place group_at;
    rem_status status;
    json_t *members = (json_t *)member(c, schema, DEPENDENCIES[k], false, at, &group_at, &status);
    REM_TRY(status);
    for (void *i = json_object_iter(members); i != NULL; i = json_object_iter_next(members, i)) {
      rem_dependent *dependent = &node->object->dependents[node->object->dependent_count++];
      dependent->name = json_object_iter_key(i);
      dependent->name_size = json_object_iter_key_len(i);
      rem_place place = rem_place_key(&group_at, dependent->name, dependent->name_size);
      REM_TRY(add_dependent(c, dependent, json_object_iter_value(i), k, &place));
    }
  }
  return REM_OK;
}

rem_status rem_compiler__members(rem_compiler *c, rem_node *node, const json_t *schema, const rem_place *at) {
  REM_TRY(read_properties(c, node, schema, at));
  REM_TRY(read_pattern_properties(c, node, schema, at));
  return read_dependencies(c, node, schema, at);
}
