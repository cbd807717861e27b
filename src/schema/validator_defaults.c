/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults (D12): for each property a node describes and the object lacks, a copy of its `default`; then into the objects
 * and lists that are there. Which schema describes an object is followed through $ref and allOf, and through anyOf and oneOf when
 * all but one of their branches are null: more would be guessing.
 *
 * Values come from the schema, so what is added is not entered again; the walk is as deep as the instance.
 */
#include "schema/validator_internal.h"

enum { MAX_DEPTH = 1200 };

typedef struct filling {
  unsigned depth;
  rem_error *err;
} filling;

static rem_status fill(filling *f, const rem_node *node, json_t *value);

/* A property's default stands beside its type, or in what it refers to. */
static const json_t *default_of(const rem_node *node) {
  for (unsigned i = 0; node != NULL && i < 32; i++) {
    const json_t *value = json_object_get(node->schema, "default");
    if (value != NULL) return value;
    node = node->logic != NULL ? node->logic->reference : NULL;
  }
  return NULL;
}

static rem_status fill_property(filling *f, const rem_property *property, json_t *object) {
  json_t *value = json_object_getn(object, property->name, property->name_size);
  if (value != NULL) return fill(f, property->node, value);
  const json_t *given = default_of(property->node);
  if (given == NULL) return REM_OK;
  json_t *copy = json_deep_copy(given);
  if (copy == NULL || json_object_setn_new_nocheck(object, property->name, property->name_size, copy) != 0)
    return rem_error_nomem(f->err);
  return REM_OK;
}

static rem_status fill_object(filling *f, const rem_object_rules *rules, json_t *object) {
  for (size_t i = 0; i < rules->property_count; i++) {
    if (rules->properties[i].node != NULL) REM_TRY(fill_property(f, &rules->properties[i], object));
  }
  if (rules->additional == NULL || rules->pattern_count > 0) return REM_OK;
  for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i)) {
    const rem_property *known = rem_object__find(rules, json_object_iter_key(i), json_object_iter_key_len(i));
    if (known == NULL || known->node == NULL) REM_TRY(fill(f, rules->additional, json_object_iter_value(i)));
  }
  return REM_OK;
}

static rem_status fill_array(filling *f, const rem_array_rules *rules, json_t *array) {
  for (size_t i = 0; i < json_array_size(array); i++) {
    const rem_node *node = i < rules->prefix.count ? rules->prefix.nodes[i] : rules->items;
    if (node == NULL) return REM_OK;
    REM_TRY(fill(f, node, json_array_get(array, i)));
  }
  return REM_OK;
}

/* The one branch that is not null; NULL when there are several. */
static const rem_node *only_branch(const rem_node_list *branches) {
  const rem_node *only = NULL;
  for (size_t i = 0; i < branches->count; i++) {
    if (branches->nodes[i]->types == REM_NODE_NULL) continue;
    if (only != NULL) return NULL;
    only = branches->nodes[i];
  }
  return only;
}

static rem_status fill_logic(filling *f, const rem_logic_rules *logic, json_t *value) {
  const rem_node *any = only_branch(&logic->any), *one = only_branch(&logic->one);
  if (logic->reference != NULL) REM_TRY(fill(f, logic->reference, value));
  for (size_t i = 0; i < logic->all.count; i++)
    REM_TRY(fill(f, logic->all.nodes[i], value));
  if (any != NULL) REM_TRY(fill(f, any, value));
  return one != NULL ? fill(f, one, value) : REM_OK;
}

static rem_status fill(filling *f, const rem_node *node, json_t *value) {
  if (!json_is_object(value) && !json_is_array(value)) return REM_OK;
  if (f->depth == MAX_DEPTH) return rem_error_set(f->err, REM_LIMIT, "the document is nested too deeply");
  f->depth++;
  if (node->object != NULL && json_is_object(value)) REM_TRY(fill_object(f, node->object, value));
  if (node->array != NULL && json_is_array(value)) REM_TRY(fill_array(f, node->array, value));
  if (node->logic != NULL) REM_TRY(fill_logic(f, node->logic, value));
  f->depth--;
  return REM_OK;
}

rem_status rem_validator_apply_defaults(const rem_validator *validator, json_t *instance, rem_error *err) {
  filling f = {.err = err};
  return fill(&f, validator->root, instance);
}
