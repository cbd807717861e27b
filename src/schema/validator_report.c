/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures into messages: "at '/age': expected integer or null, found string 'x'", and a hint with what the schema says of the field.
 *
 * When no branch of an anyOf or oneOf passes, one of them was meant. If no branch takes the value's type, the types of all are
 * listed. Else the branch that got furthest into the value speaks: a branch that already fails on a constant of the value
 * itself (a discriminator such as `kind`) is only heard when there is no other.
 */
#include "base/text.h"
#include "schema/validator_internal.h"

enum { TYPES_DEPTH = 16, KNOWN_MAX = 12 };

static uint8_t types_of_list(const rem_node_list *list, unsigned depth) {
  uint8_t types = 0;
  for (size_t i = 0; i < list->count; i++)
    types |= rem_node__types(list->nodes[i], depth);
  return types;
}

static uint8_t types_of_choices(const json_t *choices) {
  uint8_t types = 0;
  for (size_t i = 0; i < json_array_size(choices); i++)
    types |= rem_value__types(json_array_get(choices, i));
  return types;
}

uint8_t rem_node__types(const rem_node *node, unsigned depth) {
  uint8_t types = node->types;
  if (depth == 0) return types;
  if (node->value != NULL && node->value->constant != NULL) types &= rem_value__types(node->value->constant);
  if (node->value != NULL && node->value->choices != NULL) types &= types_of_choices(node->value->choices);
  if (node->logic == NULL) return types;
  if (node->logic->reference != NULL) types &= rem_node__types(node->logic->reference, depth - 1);
  for (size_t i = 0; i < node->logic->all.count; i++)
    types &= rem_node__types(node->logic->all.nodes[i], depth - 1);
  if (node->logic->any.count > 0) types &= types_of_list(&node->logic->any, depth - 1);
  if (node->logic->one.count > 0) types &= types_of_list(&node->logic->one, depth - 1);
  return types;
}

/* Larger is more telling. */
static unsigned score_of(const rem_failure *failure, unsigned depth) {
  bool constant = failure->rule == REM_RULE_CONST || failure->rule == REM_RULE_ENUM;
  if (constant && failure->depth <= depth + 1) return 0;
  return 1 + 2 * failure->depth + (failure->rule != REM_RULE_TYPE);
}

/* All branches fail on a constant at the same place: a discriminator that has none of their values. */
static bool same_constant(const rem_failure *a, const rem_failure *b) {
  return a->rule == REM_RULE_CONST && b->rule == REM_RULE_CONST && a->depth == b->depth &&
         strcmp(a->pointer.text, b->pointer.text) == 0;
}

bool rem_run__branches(rem_run *run, const rem_node *node, const rem_node_list *branches, const json_t *value,
                       const rem_place *at) {
  rem_failure *outer = run->failure;
  if (outer == NULL || outer->set) return false;
  uint8_t found = rem_value__types(value);
  rem_failure best = {0};
  unsigned best_score = 0;
  size_t constants = 0;
  for (size_t i = 0; i < branches->count; i++) {
    if ((rem_node__types(branches->nodes[i], TYPES_DEPTH) & found) == 0) continue;
    rem_failure failure = {0};
    run->failure = &failure;
    rem_run__check(run, branches->nodes[i], value, at);
    unsigned score = failure.set ? score_of(&failure, outer->depth) : 0;
    if (failure.set && best.set && same_constant(&best, &failure)) constants++;
    if (!failure.set || (best.set && score <= best_score)) continue;
    best = failure;
    best_score = score;
    if (best.rule != REM_RULE_CONST) constants = 0;
  }
  run->failure = outer;
  if (run->trouble != REM_OK) return false;
  if (!best.set) return rem_run__fail(run, node, REM_RULE_ANY_OF, value, at);
  if (constants > 0 && best.rule == REM_RULE_CONST) best.number = constants;
  *outer = best;
  return false;
}

static void put_quoted(rem_line *line, const char *text, size_t size, size_t most) {
  bool cut = size > most;
  while (cut && most > 0 && ((unsigned char)text[most] & 0xC0) == 0x80)
    most--;
  rem_line__put(line, "'", 1);
  rem_line__put(line, text, cut ? most : size);
  if (cut) rem_line__put(line, "\xe2\x80\xa6", 3);
  rem_line__put(line, "'", 1);
}

/* A value of the schema or of the instance, briefly. */
static void put_value(rem_line *line, const json_t *value) {
  rem_buffer text REM_AUTO_BUFFER = {.max = 4096};
  if (json_is_string(value)) {
    put_quoted(line, json_string_value(value), json_string_length(value), 60);
    return;
  }
  if (rem_json_append(&text, value, NULL) == REM_OK && text.size <= 60)
    rem_line__put(line, (const char *)text.data, text.size);
  else
    rem_line__format(line, "%s", rem_json_type_name(value));
}

static void put_found(rem_line *line, const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_NULL: rem_line__format(line, "null"); break;
  case JSON_OBJECT: rem_line__format(line, "object"); break;
  case JSON_ARRAY: rem_line__format(line, "array of %zu item%s", json_array_size(value), json_array_size(value) == 1 ? "" : "s"); break;
  case JSON_REAL:
    rem_line__format(line, "number ");
    put_value(line, value);
    break;
  default:
    rem_line__format(line, "%s ", rem_json_type_name(value));
    put_value(line, value);
  }
}

static void put_types(rem_line *line, uint8_t types) {
  static const struct {
    uint8_t mask, bits;
    const char *name;
  } names[] = {
      {REM_NODE_STRING, REM_NODE_STRING, "string"},
      {REM_NODE_INTEGER | REM_NODE_REAL, REM_NODE_INTEGER, "integer"},
      {REM_NODE_REAL, REM_NODE_REAL, "number"},
      {REM_NODE_BOOLEAN, REM_NODE_BOOLEAN, "boolean"},
      {REM_NODE_ARRAY, REM_NODE_ARRAY, "array"},
      {REM_NODE_OBJECT, REM_NODE_OBJECT, "object"},
      {REM_NODE_NULL, REM_NODE_NULL, "null"},
  };
  bool first = true;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if ((types & names[i].mask) != names[i].bits) continue;
    rem_line__format(line, "%s%s", first ? "" : " or ", names[i].name);
    first = false;
  }
  if (first) rem_line__format(line, "no value at all");
}

static void put_choices(rem_line *line, const json_t *choices) {
  rem_line__format(line, "one of ");
  for (size_t i = 0; i < json_array_size(choices); i++) {
    if (i > 0) rem_line__format(line, ", ");
    if (i == KNOWN_MAX) {
      rem_line__format(line, "\xe2\x80\xa6");
      break;
    }
    put_value(line, json_array_get(choices, i));
  }
}

static void put_bound(rem_line *line, const char *words, const json_t *bound) {
  rem_line__format(line, "a number %s ", words);
  put_value(line, bound);
}

static void put_count(rem_line *line, const char *words, size_t count, const char *unit) {
  const char *plural = strcmp(unit, "property") == 0 ? "properties" : NULL;
  if (count == 1 || plural == NULL)
    rem_line__format(line, "%s %zu %s%s", words, count, unit, count == 1 ? "" : "s");
  else
    rem_line__format(line, "%s %zu %s", words, count, plural);
}

static void put_number_rule(rem_line *line, const rem_failure *f) {
  const rem_number_rules *rules = f->node->number;
  switch (f->rule) {
  case REM_RULE_MINIMUM: put_bound(line, ">=", rules->minimum); break;
  case REM_RULE_MAXIMUM: put_bound(line, "<=", rules->maximum); break;
  case REM_RULE_EXCLUSIVE_MINIMUM: put_bound(line, ">", rules->exclusive_minimum); break;
  case REM_RULE_EXCLUSIVE_MAXIMUM: put_bound(line, "<", rules->exclusive_maximum); break;
  default: put_bound(line, "that is a multiple of", rules->multiple_of);
  }
}

static void put_string_rule(rem_line *line, const rem_failure *f) {
  const rem_string_rules *rules = f->node->string;
  switch (f->rule) {
  case REM_RULE_MIN_LENGTH: put_count(line, "a string of at least", rules->min_length, "character"); break;
  case REM_RULE_MAX_LENGTH: put_count(line, "a string of at most", rules->max_length, "character"); break;
  case REM_RULE_FORMAT: rem_line__format(line, "%s", rules->format->expected); break;
  default: {
    const char *pattern = rem_pattern_text(rules->pattern);
    rem_line__format(line, "a string matching ");
    put_quoted(line, pattern, strlen(pattern), 120);
  }
  }
}

static void put_array_rule(rem_line *line, const rem_failure *f) {
  const rem_array_rules *rules = f->node->array;
  switch (f->rule) {
  case REM_RULE_MIN_ITEMS: put_count(line, "an array of at least", rules->min_items, "item"); break;
  case REM_RULE_MAX_ITEMS: put_count(line, "an array of at most", rules->max_items, "item"); break;
  case REM_RULE_CONTAINS: put_count(line, "an array with at least", rules->min_contains, "item"); break;
  case REM_RULE_MAX_CONTAINS: put_count(line, "an array with at most", rules->max_contains, "item"); break;
  case REM_RULE_UNIQUE: rem_line__format(line, "an item unlike item %zu", f->number); break;
  default: rem_line__format(line, "no further item");
  }
  if (f->rule == REM_RULE_CONTAINS || f->rule == REM_RULE_MAX_CONTAINS)
    rem_line__format(line, " as `contains` describes");
}

static void put_object_rule(rem_line *line, const rem_failure *f) {
  const rem_object_rules *rules = f->node->object;
  switch (f->rule) {
  case REM_RULE_MIN_PROPERTIES: put_count(line, "an object of at least", rules->min_properties, "property"); break;
  case REM_RULE_MAX_PROPERTIES: put_count(line, "an object of at most", rules->max_properties, "property"); break;
  case REM_RULE_NAMES: rem_line__format(line, "property names as `propertyNames` describes"); break;
  case REM_RULE_ADDITIONAL: rem_line__format(line, "no such field"); break;
  default: {
    uint8_t types = f->field != NULL ? rem_node__types(f->field, TYPES_DEPTH) : REM_NODE_ANY;
    if (types == REM_NODE_ANY)
      rem_line__format(line, "a value");
    else
      put_types(line, types);
  }
  }
}

static void put_expected(rem_line *line, const rem_failure *f) {
  switch (f->rule) {
  case REM_RULE_TYPE:
  case REM_RULE_ANY_OF: put_types(line, rem_node__types(f->node, TYPES_DEPTH)); break;
  case REM_RULE_NEVER: rem_line__format(line, "no value at all"); break;
  case REM_RULE_ENUM: put_choices(line, f->node->value->choices); break;
  case REM_RULE_CONST: put_value(line, f->node->value->constant); break;
  case REM_RULE_ONE_OF: rem_line__format(line, "a value that matches exactly one schema of `oneOf`"); break;
  case REM_RULE_NOT: rem_line__format(line, "a value that does not match `not`"); break;
  default:
    if (f->rule <= REM_RULE_MULTIPLE_OF)
      put_number_rule(line, f);
    else if (f->rule <= REM_RULE_FORMAT)
      put_string_rule(line, f);
    else if (f->rule <= REM_RULE_ITEMS)
      put_array_rule(line, f);
    else
      put_object_rule(line, f);
  }
  if (f->rule == REM_RULE_CONST && f->number > 0)
    rem_line__format(line, " or %zu other%s", f->number, f->number == 1 ? "" : "s");
}

static void put_what_was_found(rem_line *line, const rem_failure *f) {
  switch (f->rule) {
  case REM_RULE_REQUIRED: rem_line__format(line, "nothing (the field is required)"); break;
  case REM_RULE_DEPENDENT: rem_line__format(line, "nothing (required beside '%.60s')", f->other); break;
  case REM_RULE_NAMES: put_quoted(line, f->key, f->key_size, 60); break;
  case REM_RULE_MIN_LENGTH:
  case REM_RULE_MAX_LENGTH: {
    size_t characters = 0;
    for (size_t i = 0; i < json_string_length(f->found); i++)
      characters += ((unsigned char)json_string_value(f->found)[i] & 0xC0) != 0x80;
    put_count(line, "one of", characters, "character");
    break;
  }
  case REM_RULE_MIN_PROPERTIES:
  case REM_RULE_MAX_PROPERTIES: put_count(line, "one of", json_object_size(f->found), "property"); break;
  default: put_found(line, f->found);
  }
}

static const char *text_of(const rem_node *node, const char *key) {
  return node != NULL ? json_string_value(json_object_get(node->schema, key)) : NULL;
}

/* What the schema says of the field, itself or by what it refers to. */
static const char *description_of(const rem_node *node) {
  for (unsigned i = 0; node != NULL && i < TYPES_DEPTH; i++) {
    const char *text = text_of(node, "description");
    if (text != NULL && text[0] != 0) return text;
    node = node->logic != NULL ? node->logic->reference : NULL;
  }
  return NULL;
}

static void hint_known_fields(const rem_failure *f, rem_error *err) {
  const rem_object_rules *rules = f->node->object;
  const char *names[256];
  char word[128];
  size_t count = 0;
  rem_line known = {0};
  for (size_t i = 0; i < rules->property_count && count < 256; i++) {
    if (rules->properties[i].node != NULL) names[count++] = rules->properties[i].name;
  }
  snprintf(word, sizeof word, "%.*s", (int)(f->key_size < 100 ? f->key_size : 100), f->key);
  const char *nearest = count > 0 ? rem_text_nearest(word, names, count) : NULL;
  for (size_t i = 0; i < count && i <= KNOWN_MAX; i++)
    rem_line__format(&known, "%s%s%s%s", i > 0 ? ", " : "", i < KNOWN_MAX ? "'" : "",
                     i < KNOWN_MAX ? names[i] : "\xe2\x80\xa6", i < KNOWN_MAX ? "'" : "");
  if (nearest != NULL)
    rem_error_hint(err, "Did you mean '%s'? The schema allows no fields but its own.", nearest);
  else if (count > 0)
    rem_error_hint(err, "The schema allows no fields but its own: %s.", known.text);
  else
    rem_error_hint(err, "The schema allows no such field (`additionalProperties` is false).");
}

static const char *keyword_of(rem_rule rule) {
  static const char *const keywords[] = {
      [REM_RULE_TYPE] = "type",
      [REM_RULE_NEVER] = "false",
      [REM_RULE_ENUM] = "enum",
      [REM_RULE_CONST] = "const",
      [REM_RULE_MINIMUM] = "minimum",
      [REM_RULE_MAXIMUM] = "maximum",
      [REM_RULE_EXCLUSIVE_MINIMUM] = "exclusiveMinimum",
      [REM_RULE_EXCLUSIVE_MAXIMUM] = "exclusiveMaximum",
      [REM_RULE_MULTIPLE_OF] = "multipleOf",
      [REM_RULE_MIN_LENGTH] = "minLength",
      [REM_RULE_MAX_LENGTH] = "maxLength",
      [REM_RULE_PATTERN] = "pattern",
      [REM_RULE_FORMAT] = "format",
      [REM_RULE_MIN_ITEMS] = "minItems",
      [REM_RULE_MAX_ITEMS] = "maxItems",
      [REM_RULE_UNIQUE] = "uniqueItems",
      [REM_RULE_CONTAINS] = "contains",
      [REM_RULE_MAX_CONTAINS] = "maxContains",
      [REM_RULE_ITEMS] = "unevaluatedItems",
      [REM_RULE_MIN_PROPERTIES] = "minProperties",
      [REM_RULE_MAX_PROPERTIES] = "maxProperties",
      [REM_RULE_REQUIRED] = "required",
      [REM_RULE_DEPENDENT] = "dependentRequired",
      [REM_RULE_ADDITIONAL] = "additionalProperties",
      [REM_RULE_NAMES] = "propertyNames",
      [REM_RULE_ANY_OF] = "anyOf",
      [REM_RULE_ONE_OF] = "oneOf",
      [REM_RULE_NOT] = "not",
  };
  return keywords[rule];
}

/* A missing field may be there under a name that is nearly its own. */
static bool hint_misspelled(const rem_failure *f, rem_error *err) {
  const rem_object_rules *rules = f->node->object;
  const char *names[64];
  char word[128];
  size_t count = 0;
  json_t *members = (json_t *)f->found;
  for (void *i = json_object_iter(members); i != NULL && count < 64; i = json_object_iter_next(members, i)) {
    if (rem_object__find(rules, json_object_iter_key(i), json_object_iter_key_len(i)) == NULL)
      names[count++] = json_object_iter_key(i);
  }
  snprintf(word, sizeof word, "%.*s", (int)(f->key_size < 100 ? f->key_size : 100), f->key);
  const char *nearest = count > 0 ? rem_text_nearest(word, names, count) : NULL;
  if (nearest != NULL) rem_error_hint(err, "There is a field '%.100s': did you mean '%s'?", nearest, word);
  return nearest != NULL;
}

static void hint_rule(const rem_failure *f, const rem_node *root, rem_error *err) {
  const char *description = f->field != root ? description_of(f->field) : NULL;
  const char *title = text_of(root, "title");
  if (description != NULL)
    rem_error_hint(err, "The schema says of this field: %.400s", description);
  else if (title != NULL)
    rem_error_hint(err, "The rule is `%s` in the schema '%.200s'.", keyword_of(f->rule), title);
  else
    rem_error_hint(err, "The rule is `%s` in the schema.", keyword_of(f->rule));
}

rem_status rem_failure__report(const rem_failure *failure, const rem_node *root, rem_error *err) {
  if (!failure->set) return rem_error_set(err, REM_INTERNAL, "a document failed validation without a reason");
  rem_line expected = {0}, found = {0};
  put_expected(&expected, failure);
  put_what_was_found(&found, failure);
  bool top = failure->pointer.size == 0;
  rem_error_set(err, REM_INVALID, "%s%s%s: expected %s, found %s", top ? "at the top level" : "at '",
                failure->pointer.text, top ? "" : "'", expected.text, found.text);
  if (failure->rule == REM_RULE_ADDITIONAL)
    hint_known_fields(failure, err);
  else if (failure->rule != REM_RULE_REQUIRED || !hint_misspelled(failure, err))
    hint_rule(failure, root, err);
  return REM_INVALID;
}
