/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unevaluatedProperties and unevaluatedItems: what no keyword of the schema has looked at, nor any of the schemas it applies to the
 * same value and that the value passes.
 *
 * Rather than carry notes through every check, the rare schema that asks is walked once more when all else has passed: mark()
 * sets a bit for each member or item that some keyword covers. Branches of anyOf, oneOf and if count when the value passes them.
 */
#include "schema/validator_internal.h"

/* One bit for each member (in the order of iteration) or item. */
typedef struct coverage {
  rem_run *run;
  const json_t *value;
  const rem_place *at;
  uint64_t *bits;
  size_t count;
} coverage;

static void cover(coverage *cov, size_t index) {
  cov->bits[index / 64] |= (uint64_t)1 << (index % 64);
}

static bool is_covered(const coverage *cov, size_t index) {
  return (cov->bits[index / 64] >> (index % 64) & 1) != 0;
}

static void cover_range(coverage *cov, size_t end) {
  for (size_t i = 0; i < end && i < cov->count; i++)
    cover(cov, i);
}

static void mark_items(coverage *cov, const rem_array_rules *rules) {
  cover_range(cov, rules->items != NULL || rules->unevaluated != NULL ? cov->count : rules->prefix.count);
  for (size_t i = 0; rules->contains != NULL && i < cov->count; i++) {
    rem_place item = {cov->at, NULL, i, rules->contains};
    if (rem_run__would_pass(cov->run, rules->contains, json_array_get(cov->value, i), &item)) cover(cov, i);
  }
}

static bool describes(rem_run *run, const rem_object_rules *rules, const char *name, size_t size) {
  const rem_property *property = rem_object__find(rules, name, size);
  if (property != NULL && property->node != NULL) return true;
  for (size_t i = 0; i < rules->pattern_count; i++) {
    if (rem_run__matches(run, rules->patterns[i].pattern, name, size)) return true;
  }
  return false;
}

static void mark_members(coverage *cov, const rem_object_rules *rules) {
  json_t *members = (json_t *)cov->value;
  size_t index = 0;
  if (rules->additional != NULL || rules->unevaluated != NULL) {
    cover_range(cov, cov->count);
    return;
  }
  for (void *i = json_object_iter(members); i != NULL; i = json_object_iter_next(members, i), index++) {
    if (describes(cov->run, rules, json_object_iter_key(i), json_object_iter_key_len(i))) cover(cov, index);
  }
}

static void mark(coverage *cov, const rem_node *node, bool own_unevaluated);

static void mark_if_passed(coverage *cov, const rem_node *node) {
  if (rem_run__would_pass(cov->run, node, cov->value, cov->at)) mark(cov, node, true);
}

static void mark_logic(coverage *cov, const rem_logic_rules *logic) {
  if (logic->reference != NULL) mark(cov, logic->reference, true);
  for (size_t i = 0; i < logic->all.count; i++)
    mark(cov, logic->all.nodes[i], true);
  for (size_t i = 0; i < logic->any.count; i++)
    mark_if_passed(cov, logic->any.nodes[i]);
  for (size_t i = 0; i < logic->one.count; i++)
    mark_if_passed(cov, logic->one.nodes[i]);
  if (logic->condition == NULL) return;
  const rem_node *next = logic->alternative;
  if (rem_run__would_pass(cov->run, logic->condition, cov->value, cov->at)) {
    mark(cov, logic->condition, true);
    next = logic->consequence;
  }
  if (next != NULL) mark(cov, next, true);
}

/* Without `own_unevaluated` the keyword that asks does not answer itself. */
static void mark(coverage *cov, const rem_node *node, bool own_unevaluated) {
  if (cov->run->trouble != REM_OK) return;
  cov->run->work++;
  if (node->array != NULL && json_is_array(cov->value)) {
    rem_array_rules rules = *node->array;
    if (!own_unevaluated) rules.unevaluated = NULL;
    mark_items(cov, &rules);
  }
  if (node->object != NULL && json_is_object(cov->value)) {
    rem_object_rules rules = *node->object;
    if (!own_unevaluated) rules.unevaluated = NULL;
    mark_members(cov, &rules);
    for (size_t i = 0; i < rules.dependent_count; i++) {
      const rem_dependent *dependent = &rules.dependents[i];
      if (dependent->node != NULL && json_object_getn(cov->value, dependent->name, dependent->name_size) != NULL)
        mark(cov, dependent->node, true);
    }
  }
  if (node->logic != NULL) mark_logic(cov, node->logic);
}

static bool check_rest_of_array(coverage *cov, const rem_node *node) {
  const rem_node *rest = node->array->unevaluated;
  for (size_t i = 0; i < cov->count; i++) {
    if (is_covered(cov, i)) continue;
    rem_place item = {cov->at, NULL, i, rest};
    const json_t *value = json_array_get(cov->value, i);
    if (rest->never) return rem_run__fail(cov->run, node, REM_RULE_ITEMS, value, &item);
    if (!rem_run__check(cov->run, rest, value, &item)) return false;
  }
  return true;
}

static bool check_rest_of_object(coverage *cov, const rem_node *node) {
  const rem_node *rest = node->object->unevaluated;
  json_t *members = (json_t *)cov->value;
  size_t index = 0;
  for (void *i = json_object_iter(members); i != NULL; i = json_object_iter_next(members, i), index++) {
    if (is_covered(cov, index)) continue;
    rem_place place = {cov->at, json_object_iter_key(i), json_object_iter_key_len(i), rest};
    const json_t *value = json_object_iter_value(i);
    if (rest->never)
      return rem_run__fail_key(cov->run, node, REM_RULE_ADDITIONAL, value, &place, place.key, place.key_size);
    if (!rem_run__check(cov->run, rest, value, &place)) return false;
  }
  return true;
}

bool rem_run__unevaluated(rem_run *run, const rem_node *node, const json_t *value, const rem_place *at) {
  bool array = json_is_array(value) && node->array != NULL && node->array->unevaluated != NULL;
  bool object = json_is_object(value) && node->object != NULL && node->object->unevaluated != NULL;
  if (!array && !object) return true;
  coverage cov = {.run = run, .value = value, .at = at};
  cov.count = array ? json_array_size(value) : json_object_size(value);
  uint64_t *bits REM_AUTO_FREE = rem_calloc(cov.count / 64 + 1, sizeof *bits);
  if (bits == NULL) return rem_run__trouble(run, rem_error_nomem(run->err));
  cov.bits = bits;
  mark(&cov, node, false);
  if (run->trouble != REM_OK) return false;
  return array ? check_rest_of_array(&cov, node) : check_rest_of_object(&cov, node);
}
