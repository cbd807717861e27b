/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes against objects: one pass over the members of the value, each looked up once among the properties known. As the members'
 * names differ, counting those that are required tells whether all of them are there.
 */
#include "schema/validator_internal.h"

static bool check_name(rem_run *run, const rem_node *node, const char *name, size_t size, const json_t *object,
                       const rem_place *at) {
  json_t *text REM_AUTO_JSON = json_stringn_nocheck(name, size);
  if (text == NULL) return rem_run__trouble(run, rem_error_nomem(run->err));
  if (rem_run__would_pass(run, node->object->names, text, at)) return true;
  return rem_run__fail_key(run, node, REM_RULE_NAMES, object, at, name, size);
}

/* A member that `properties` does not describe, or does: patterns apply to all, additionalProperties to what nothing describes. */
static bool check_member(rem_run *run, const rem_node *node, const rem_property *property, const json_t *value,
                         rem_place *at) {
  const rem_object_rules *rules = node->object;
  bool described = property != NULL && property->node != NULL;
  if (described) {
    at->node = property->node;
    if (!rem_run__check(run, property->node, value, at)) return false;
  }
  for (size_t i = 0; i < rules->pattern_count; i++) {
    if (!rem_run__matches(run, rules->patterns[i].pattern, at->key, at->key_size)) continue;
    described = true;
    at->node = rules->patterns[i].node;
    if (!rem_run__check(run, rules->patterns[i].node, value, at)) return false;
  }
  if (described || rules->additional == NULL) return run->trouble == REM_OK;
  if (rules->additional->never)
    return rem_run__fail_key(run, node, REM_RULE_ADDITIONAL, value, at, at->key, at->key_size);
  at->node = rules->additional;
  return rem_run__check(run, rules->additional, value, at);
}

static bool fail_missing(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_object_rules *rules = node->object;
  if (run->failure == NULL || run->failure->set) return false;
  for (size_t i = 0; i < rules->property_count; i++) {
    const rem_property *property = &rules->properties[i];
    if (!property->required || json_object_getn(value, property->name, property->name_size) != NULL) continue;
    rem_place place = {at, property->name, property->name_size, property->node};
    return rem_run__fail_key(run, node, REM_RULE_REQUIRED, value, &place, property->name, property->name_size);
  }
  return false;
}

static bool check_members(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_object_rules *rules = node->object;
  json_t *members = (json_t *)value; /* jansson's iterators are not const */
  size_t required = 0;
  for (void *i = json_object_iter(members); i != NULL; i = json_object_iter_next(members, i)) {
    rem_place place = {at, json_object_iter_key(i), json_object_iter_key_len(i), NULL};
    const rem_property *property = rem_object__find(rules, place.key, place.key_size);
    required += property != NULL && property->required;
    if (rules->names != NULL && !check_name(run, node, place.key, place.key_size, value, at)) return false;
    if (!check_member(run, node, property, json_object_iter_value(i), &place)) return false;
  }
  return required == rules->required_count || fail_missing(run, node, value, at);
}

static bool check_dependent(rem_run *run, const rem_node *node, const rem_dependent *dependent, const json_t *value,
                            const rem_place *at) {
  for (size_t i = 0; i < json_array_size(dependent->required); i++) {
    const json_t *name = json_array_get(dependent->required, i);
    const char *text = json_string_value(name);
    size_t size = json_string_length(name);
    if (json_object_getn(value, text, size) != NULL) continue;
    rem_place place = {at, text, size, NULL};
    bool fresh = run->failure != NULL && !run->failure->set;
    rem_run__fail_key(run, node, REM_RULE_DEPENDENT, value, &place, text, size);
    if (fresh) run->failure->other = dependent->name;
    return false;
  }
  return dependent->node == NULL || rem_run__check(run, dependent->node, value, at);
}

bool rem_run__object(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  const rem_object_rules *rules = node->object;
  size_t size = json_object_size(value);
  if (size < rules->min_properties) return rem_run__fail(run, node, REM_RULE_MIN_PROPERTIES, value, at);
  if (size > rules->max_properties) return rem_run__fail(run, node, REM_RULE_MAX_PROPERTIES, value, at);
  if (!check_members(run, node, value, at)) return false;
  for (size_t i = 0; i < rules->dependent_count; i++) {
    const rem_dependent *dependent = &rules->dependents[i];
    if (json_object_getn(value, dependent->name, dependent->name_size) == NULL) continue;
    if (!check_dependent(run, node, dependent, value, at)) return false;
  }
  return true;
}
