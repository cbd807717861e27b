/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing the keywords of two schemas of a value, neither of them a reference or a union. A keyword the new schema lacks limits nothing
 * any more; one it has must be implied by the old schema's.
 *
 * How a value is stored follows from its type and from the formats date-time and uuid, so those two may not come or go.
 */
#include "schema/compat_internal.h"

static const json_t *get(const json_t *schema, const char *keyword) {
  return json_object_get(schema, keyword);
}

/* False when the types already rule the new schema out. */
static bool compare_types(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at) {
  uint8_t was = rem_compat__types(old_schema), is = rem_compat__declared_types(new_schema);
  bool narrowed = (was & ~is) != 0;
  if (!narrowed && rem_compat__declared_types(old_schema) == is) return true;
  rem_line from = {0}, to = {0};
  rem_compat__describe(old_schema, &from);
  rem_compat__describe(new_schema, &to);
  if (strcmp(from.text, to.text) != 0 || narrowed)
    rem_compat__note(c, at, !narrowed, "type", "type changed from %.100s to %.100s", from.text, to.text);
  return !narrowed;
}

static bool governs_storage(const char *format) {
  return format != NULL && (strcmp(format, "date-time") == 0 || strcmp(format, "uuid") == 0);
}

static void compare_format(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at) {
  const char *was = json_string_value(get(old_schema, "format")), *is = json_string_value(get(new_schema, "format"));
  if (was == is || (was != NULL && is != NULL && strcmp(was, is) == 0)) return;
  bool asserted = is != NULL && rem_format_find(is) != NULL;
  rem_compat__note(c, at, !asserted && !governs_storage(was), "format", "format changed from %.40s to %.40s",
                   was != NULL ? was : "none", is != NULL ? is : "none");
}

static bool is_among(const json_t *choices, const json_t *value) {
  for (size_t i = 0; i < json_array_size(choices); i++) {
    if (rem_json_equal(json_array_get(choices, i), value)) return true;
  }
  return false;
}

/* The values that enum and const leave; NULL when it has neither. Owned. */
static json_t *choices_of(const json_t *schema) {
  const json_t *choices = get(schema, "enum"), *constant = get(schema, "const");
  if (constant == NULL) return json_is_array(choices) ? json_incref((json_t *)choices) : NULL;
  json_t *list = json_array();
  if (!json_is_array(choices) || is_among(choices, constant)) json_array_append(list, (json_t *)constant);
  return list;
}

static void compare_choices(rem_compat *c, const json_t *old_schema, const json_t *new_schema,
                            const rem_compat_place *at) {
  json_t *was REM_AUTO_JSON = choices_of(old_schema), *is REM_AUTO_JSON = choices_of(new_schema);
  const char *keyword = get(new_schema, "enum") != NULL ? "enum" : "const";
  if (was == NULL && is == NULL) return;
  if (is == NULL) {
    rem_compat__note(c, at, true, keyword, "values are no longer limited to a list");
    return;
  }
  if (was == NULL) {
    rem_compat__note(c, at, false, keyword, "values are now limited to a list");
    return;
  }
  for (size_t i = 0; i < json_array_size(was); i++) {
    const json_t *value = json_array_get(was, i);
    if (is_among(is, value)) continue;
    rem_bytes text = {0};
    if (rem_json_text(value, &text, NULL) == REM_OK)
      rem_compat__note(c, at, false, keyword, "the value %.60s is no longer allowed", text.data);
    else
      rem_compat__note(c, at, false, keyword, "a value is no longer allowed");
    rem_bytes_free(&text);
    return;
  }
  if (json_array_size(is) > json_array_size(was)) rem_compat__note(c, at, true, keyword, "more values are allowed");
}

/* One end of a range. `sign` 1: the lower one; -1: the upper. */
typedef struct bound {
  const json_t *value; /* NULL: none */
  bool exclusive;
} bound;

/* Is `a` at least as strict as `b`? */
static bool is_stricter(bound a, bound b, int sign) {
  if (!json_is_number(b.value)) return true;
  if (!json_is_number(a.value)) return false;
  int order = sign * rem_number__compare(a.value, b.value);
  return order > 0 || (order == 0 && (a.exclusive || !b.exclusive));
}

static bound bound_of(const json_t *schema, const char *inclusive, const char *exclusive, int sign) {
  bound a = {get(schema, inclusive), false}, b = {get(schema, exclusive), true};
  if (b.value == NULL) return a;
  return a.value != NULL && is_stricter(a, b, sign) ? a : b;
}

static void compare_bound(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at,
                          int sign) {
  const char *inclusive = sign > 0 ? "minimum" : "maximum";
  const char *exclusive = sign > 0 ? "exclusiveMinimum" : "exclusiveMaximum";
  bound was = bound_of(old_schema, inclusive, exclusive, sign), is = bound_of(new_schema, inclusive, exclusive, sign);
  const char *keyword = is.exclusive ? exclusive : inclusive;
  if (!is_stricter(was, is, sign))
    rem_compat__note(c, at, false, keyword, "the %s is stricter", inclusive);
  else if (!is_stricter(is, was, sign))
    rem_compat__note(c, at, true, keyword, "the %s is relaxed", inclusive);
}

static void compare_multiple(rem_compat *c, const json_t *old_schema, const json_t *new_schema,
                             const rem_compat_place *at) {
  const json_t *was = get(old_schema, "multipleOf"), *is = get(new_schema, "multipleOf");
  if (!json_is_number(is)) {
    if (was != NULL) rem_compat__note(c, at, true, "multipleOf", "multipleOf is relaxed");
    return;
  }
  bool implied = json_is_number(was) && json_number_value(is) > 0 && rem_number__is_multiple(was, is);
  if (!implied)
    rem_compat__note(c, at, false, "multipleOf", "multipleOf is stricter");
  else if (rem_number__compare(was, is) != 0)
    rem_compat__note(c, at, true, "multipleOf", "multipleOf is relaxed");
}

static void compare_size(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const char *keyword, bool least,
                         const rem_compat_place *at) {
  const json_t *was = get(old_schema, keyword), *is = get(new_schema, keyword);
  double none = least ? 0 : 0x1p62;
  double from = json_is_number(was) ? json_number_value(was) : none, to = json_is_number(is) ? json_number_value(is) : none;
  if (from == to) return;
  bool relaxed = least ? to < from : to > from;
  rem_compat__note(c, at, relaxed, keyword, "%s is %s", keyword, relaxed ? "relaxed" : "stricter");
}

static void compare_sizes(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at) {
  static const char *const least[] = {"minLength", "minItems", "minProperties"};
  static const char *const most[] = {"maxLength", "maxItems", "maxProperties"};
  for (size_t i = 0; i < 3; i++) {
    compare_size(c, old_schema, new_schema, least[i], true, at);
    compare_size(c, old_schema, new_schema, most[i], false, at);
  }
}

/* The keyword is the same, and so is what it refers to. */
static bool same_keyword(const rem_compat *c, const json_t *old_schema, const json_t *new_schema, const char *keyword) {
  const json_t *was = get(old_schema, keyword), *is = get(new_schema, keyword);
  bool refers = strcmp(keyword, "$ref") == 0 && was != NULL;
  return rem_compat__same(c, was, is) && (!refers || c->same_definitions);
}

/* Keywords that are the same, gone, or beyond comparison. */
static void compare_opaque(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at) {
  static const char *const keywords[] = {"pattern",           "propertyNames",    "dependentRequired", "dependentSchemas",
                                         "dependencies",      "not",              "unevaluatedItems",  "unevaluatedProperties",
                                         "anyOf",             "oneOf",            "additionalItems"};
  for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
    const json_t *was = get(old_schema, keywords[i]), *is = get(new_schema, keywords[i]);
    if (rem_compat__same(c, was, is)) continue;
    if (is == NULL)
      rem_compat__note(c, at, true, keywords[i], "%s was removed", keywords[i]);
    else
      rem_compat__note(c, at, false, keywords[i], "%s %s", keywords[i], was == NULL ? "was added" : "changed");
  }
}

/* Beside other keywords a reference and each schema of allOf are one condition among others, compared in order. */
static void compare_conditions(rem_compat *c, const json_t *old_schema, const json_t *new_schema,
                               const rem_compat_place *at) {
  const char *was = json_string_value(get(old_schema, "$ref")), *is = json_string_value(get(new_schema, "$ref"));
  const json_t *old_all = get(old_schema, "allOf"), *new_all = get(new_schema, "allOf");
  rem_compat_place below = rem_compat__below(at, "allOf", NULL, 0);
  if (is != NULL && was == NULL) {
    rem_compat__note(c, at, false, "$ref", "$ref was added");
  } else if (is != NULL) {
    json_t *old_target REM_AUTO_JSON = json_pack("{s:s}", "$ref", was), *new_target REM_AUTO_JSON = json_pack("{s:s}", "$ref", is);
    rem_compat__schema(c, old_target, new_target, at);
  }
  if (json_array_size(new_all) > json_array_size(old_all)) {
    rem_compat__note(c, at, false, "allOf", "allOf has more schemas");
    return;
  }
  for (size_t i = 0; i < json_array_size(new_all); i++)
    rem_compat__schema(c, json_array_get(old_all, i), json_array_get(new_all, i), &below);
}

/* Keywords that only mean something together: all the same, or their leader gone. */
static void compare_group(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const char *const *group,
                          const rem_compat_place *at) {
  bool same = true;
  for (size_t i = 0; group[i] != NULL; i++)
    same = same && rem_compat__same(c, get(old_schema, group[i]), get(new_schema, group[i]));
  if (same) return;
  bool gone = get(new_schema, group[0]) == NULL;
  rem_compat__note(c, at, gone, group[0], "%s %s", group[0], gone ? "was removed" : "changed");
}

static void compare_unique(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at) {
  bool was = json_is_true(get(old_schema, "uniqueItems")), is = json_is_true(get(new_schema, "uniqueItems"));
  if (was != is)
    rem_compat__note(c, at, was, "uniqueItems", is ? "items must now differ" : "items need no longer differ");
}

/* What describes item `index`: prefixItems, then items, else anything. */
static const json_t *item_schema(const json_t *schema, size_t index, const json_t *anything) {
  const json_t *item = json_array_get(get(schema, "prefixItems"), index);
  if (item == NULL) item = get(schema, "items");
  return item != NULL ? item : anything;
}

static void compare_items(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at) {
  size_t was = json_array_size(get(old_schema, "prefixItems")), is = json_array_size(get(new_schema, "prefixItems"));
  json_t *anything REM_AUTO_JSON = json_true();
  rem_compat_place below = rem_compat__below(at, "items", NULL, 0);
  if (json_is_array(get(old_schema, "items")) || json_is_array(get(new_schema, "items"))) {
    if (!rem_compat__same(c, get(old_schema, "items"), get(new_schema, "items")))
      rem_compat__note(c, at, false, "items", "items changed");
    return;
  }
  for (size_t i = 0; i < was || i < is; i++) {
    rem_compat_place item = rem_compat__below(at, "prefixItems", NULL, 0);
    rem_line__format(&item.pointer, "/%zu", i);
    rem_compat__schema(c, item_schema(old_schema, i, anything), item_schema(new_schema, i, anything), &item);
  }
  size_t rest = was > is ? was : is;
  rem_compat__schema(c, item_schema(old_schema, rest, anything), item_schema(new_schema, rest, anything), &below);
}

static bool is_required(const json_t *schema, const char *name) {
  const json_t *required = get(schema, "required");
  for (size_t i = 0; i < json_array_size(required); i++) {
    const char *other = json_string_value(json_array_get(required, i));
    if (other != NULL && strcmp(other, name) == 0) return true;
  }
  return false;
}

static bool has_default(const rem_compat *c, const json_t *property) {
  return get(property, "default") != NULL || get(rem_compat__resolve(c->new_document, property), "default") != NULL;
}

static bool admits_more(const json_t *schema) {
  const json_t *more = get(schema, "additionalProperties"), *rest = get(schema, "unevaluatedProperties");
  return (more == NULL || json_is_true(more)) && (rest == NULL || json_is_true(rest)) &&
         get(schema, "patternProperties") == NULL;
}

static void compare_annotations(rem_compat *c, const json_t *old_schema, const json_t *new_schema,
                                const rem_compat_place *at) {
  static const char *const keywords[] = {"description", "default"};
  for (size_t i = 0; i < 2; i++) {
    const json_t *was = get(old_schema, keywords[i]), *is = get(new_schema, keywords[i]);
    bool same = was == is || (was != NULL && is != NULL && rem_json_equal(was, is));
    if (!same) rem_compat__note(c, at, true, keywords[i], "%s changed", keywords[i]);
  }
}

static void compare_property(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const char *name,
                             size_t size, const rem_compat_place *at) {
  const json_t *was = json_object_getn(get(old_schema, "properties"), name, size);
  const json_t *is = json_object_getn(get(new_schema, "properties"), name, size);
  rem_compat_place below = rem_compat__below(at, "properties", name, size);
  bool demanded = is_required(new_schema, name) && !is_required(old_schema, name);
  if (is == NULL) {
    rem_compat__note(c, &below, !at->root && admits_more(new_schema), "", "removed");
    return;
  }
  if (demanded && !has_default(c, is)) {
    rem_compat__note(c, &below, false, "", was != NULL ? "required now, without a default" : "added, required and without a default");
    return;
  }
  if (was == NULL) {
    rem_compat__note(c, &below, true, "", "added");
    return;
  }
  if (demanded) rem_compat__note(c, &below, true, "", "required now, with a default");
  if (!is_required(new_schema, name) && is_required(old_schema, name))
    rem_compat__note(c, &below, true, "", "no longer required");
  rem_compat__schema(c, was, is, &below);
  compare_annotations(c, was, is, &below);
}

static void compare_properties(rem_compat *c, const json_t *old_schema, const json_t *new_schema,
                               const rem_compat_place *at) {
  json_t *was = (json_t *)get(old_schema, "properties"), *is = (json_t *)get(new_schema, "properties");
  for (void *i = json_object_iter(was); i != NULL; i = json_object_iter_next(was, i))
    compare_property(c, old_schema, new_schema, json_object_iter_key(i), json_object_iter_key_len(i), at);
  for (void *i = json_object_iter(is); i != NULL; i = json_object_iter_next(is, i)) {
    if (json_object_getn(was, json_object_iter_key(i), json_object_iter_key_len(i)) == NULL)
      compare_property(c, old_schema, new_schema, json_object_iter_key(i), json_object_iter_key_len(i), at);
  }
  /* Names that are only required. */
  const json_t *required = get(new_schema, "required");
  for (size_t i = 0; i < json_array_size(required); i++) {
    const char *name = json_string_value(json_array_get(required, i));
    if (name == NULL || json_object_get(is, name) != NULL || is_required(old_schema, name)) continue;
    rem_compat__note(c, at, false, "required", "'%.100s' is required now", name);
  }
}

static void compare_additional(rem_compat *c, const json_t *old_schema, const json_t *new_schema,
                               const rem_compat_place *at) {
  const json_t *was = get(old_schema, "additionalProperties"), *is = get(new_schema, "additionalProperties");
  json_t *anything REM_AUTO_JSON = json_true();
  rem_compat_place below = rem_compat__below(at, "additionalProperties", NULL, 0);
  if (json_is_false(is) && !json_is_false(was))
    rem_compat__note(c, at, false, "additionalProperties", "further fields are no longer allowed");
  else if (json_is_false(was) && !json_is_false(is))
    rem_compat__note(c, at, true, "additionalProperties", "further fields are allowed now");
  else
    rem_compat__schema(c, was != NULL ? was : anything, is != NULL ? is : anything, &below);
  const json_t *old_patterns = get(old_schema, "patternProperties"), *new_patterns = get(new_schema, "patternProperties");
  if (rem_compat__same(c, old_patterns, new_patterns)) return;
  bool gone = new_patterns == NULL && admits_more(new_schema);
  rem_compat__note(c, at, gone, "patternProperties", gone ? "patternProperties was removed" : "patternProperties changed");
}

/* What a branch no longer covers falls to unevaluated…: with it, the branches must be the same. */
static void compare_unevaluated(rem_compat *c, const json_t *old_schema, const json_t *new_schema,
                                const rem_compat_place *at) {
  static const char *const covering[] = {"allOf", "anyOf", "oneOf", "$ref", "if", "then", "else", "dependentSchemas",
                                         "patternProperties", "additionalProperties", "prefixItems", "items",
                                         "contains"};
  const char *keyword = get(new_schema, "unevaluatedItems") != NULL ? "unevaluatedItems" : "unevaluatedProperties";
  if (get(new_schema, keyword) == NULL) return;
  for (size_t i = 0; i < sizeof covering / sizeof covering[0]; i++) {
    if (same_keyword(c, old_schema, new_schema, covering[i])) continue;
    rem_compat__note(c, at, false, keyword, "%s changed beside %s", covering[i], keyword);
    return;
  }
}

void rem_compat__keywords(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at) {
  static const char *const conditional[] = {"if", "then", "else", NULL};
  static const char *const containing[] = {"contains", "minContains", "maxContains", NULL};
  if (!compare_types(c, old_schema, new_schema, at)) return;
  compare_format(c, old_schema, new_schema, at);
  compare_choices(c, old_schema, new_schema, at);
  compare_bound(c, old_schema, new_schema, at, 1);
  compare_bound(c, old_schema, new_schema, at, -1);
  compare_multiple(c, old_schema, new_schema, at);
  compare_sizes(c, old_schema, new_schema, at);
  compare_opaque(c, old_schema, new_schema, at);
  compare_conditions(c, old_schema, new_schema, at);
  compare_unevaluated(c, old_schema, new_schema, at);
  compare_group(c, old_schema, new_schema, conditional, at);
  compare_group(c, old_schema, new_schema, containing, at);
  compare_unique(c, old_schema, new_schema, at);
  compare_items(c, old_schema, new_schema, at);
  compare_properties(c, old_schema, new_schema, at);
  compare_additional(c, old_schema, new_schema, at);
}
