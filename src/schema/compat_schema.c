/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing two schemas of a value: references are followed, unions split into branches, the rest goes keyword by keyword.
 *
 * A union is anyOf, oneOf whose branches exclude each other by type, or a list of types. Each branch of the old schema must be admitted
 * by one of the new: that is sufficient, and for unions as people write them also necessary.
 */
#include <stdio.h>

#include "schema/compat_internal.h"

enum { MAX_DEPTH = 100, MAX_WORK = 50000, MAX_BRANCHES = 64 };

/* What does not limit values: the words of JSON Schema for annotations, and ours. Every other key that JSON Schema knows does. */
static const char *const CONSTRAINTS[] = {
    "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "prefixItems", "items", "additionalItems",
    "contains", "minContains", "maxContains", "minProperties", "maxProperties", "properties", "patternProperties",
    "additionalProperties", "propertyNames", "required", "dependentRequired", "dependentSchemas", "dependencies",
    "unevaluatedItems", "unevaluatedProperties", "$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
};

bool rem_compat__constrains(const json_t *schema, const char *except) {
  for (size_t i = 0; i < sizeof CONSTRAINTS / sizeof CONSTRAINTS[0]; i++) {
    if (except != NULL && strcmp(CONSTRAINTS[i], except) == 0) continue;
    if (json_object_get(schema, CONSTRAINTS[i]) != NULL) return true;
  }
  return false;
}

/* One step of a JSON pointer with its escapes, for the references people write; others lead nowhere and so prove nothing. */
static const json_t *follow(const json_t *document, const char *reference) {
  if (reference[0] != '#') return NULL;
  const json_t *json = document;
  for (const char *token = reference + 1; *token == '/' && json != NULL;) {
    char key[512];
    size_t size = 0;
    for (token++; *token != 0 && *token != '/' && size + 1 < sizeof key; token++) {
      bool escape = *token == '~' && (token[1] == '0' || token[1] == '1');
      key[size++] = !escape ? *token : *++token == '0' ? '~' : '/';
    }
    if (*token != 0 && *token != '/') return NULL;
    json = json_object_getn(json, key, size);
  }
  return reference[1] == 0 || reference[1] == '/' ? json : NULL;
}

const json_t *rem_compat__resolve(const json_t *document, const json_t *schema) {
  for (unsigned i = 0; i < 64; i++) {
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    const json_t *all = json_object_get(schema, "allOf");
    if (reference != NULL && !rem_compat__constrains(schema, "$ref"))
      schema = follow(document, reference);
    else if (json_array_size(all) == 1 && !rem_compat__constrains(schema, "allOf"))
      schema = json_array_get(all, 0);
    else
      return schema;
    if (schema == NULL) return NULL;
  }
  return NULL;
}

static bool mentions_reference(const json_t *json, unsigned depth) {
  if (depth > MAX_DEPTH) return true;
  if (json_is_array(json)) {
    for (size_t i = 0; i < json_array_size(json); i++) {
      if (mentions_reference(json_array_get(json, i), depth + 1)) return true;
    }
    return false;
  }
  if (!json_is_object(json)) return false;
  json_t *members = (json_t *)json;
  for (void *i = json_object_iter(members); i != NULL; i = json_object_iter_next(members, i)) {
    if (strcmp(json_object_iter_key(i), "$ref") == 0 || mentions_reference(json_object_iter_value(i), depth + 1))
      return true;
  }
  return false;
}

bool rem_compat__same(const rem_compat *c, const json_t *old_value, const json_t *new_value) {
  if (old_value == NULL || new_value == NULL) return old_value == new_value;
  if (!rem_json_equal(old_value, new_value)) return false;
  return c->same_definitions || !mentions_reference(old_value, 0);
}

rem_compat_place rem_compat__below(const rem_compat_place *at, const char *keyword, const char *key, size_t key_size) {
  rem_compat_place below = {.label = at->label, .pointer = at->pointer};
  rem_line__format(&below.pointer, "/%s", keyword);
  if (key == NULL) return below;
  rem_line__format(&below.pointer, "/%.*s", (int)(key_size < 100 ? key_size : 100), key);
  below.label = (rem_line){0};
  if (at->root)
    rem_line__format(&below.label, "field '%.*s'", (int)(key_size < 100 ? key_size : 100), key);
  else
    rem_line__format(&below.label, "%.*s.%.*s'", (int)(at->label.size > 0 ? at->label.size - 1 : 0), at->label.text,
                     (int)(key_size < 100 ? key_size : 100), key);
  return below;
}

static uint8_t types_of_name(const char *name) {
  static const struct {
    const char *name;
    uint8_t types;
  } types[] = {{"null", REM_NODE_NULL},     {"boolean", REM_NODE_BOOLEAN}, {"integer", REM_NODE_INTEGER},
               {"string", REM_NODE_STRING}, {"array", REM_NODE_ARRAY},     {"object", REM_NODE_OBJECT},
               {"number", REM_NODE_INTEGER | REM_NODE_REAL}};
  for (size_t i = 0; name != NULL && i < sizeof types / sizeof types[0]; i++) {
    if (strcmp(types[i].name, name) == 0) return types[i].types;
  }
  return REM_NODE_ANY;
}

uint8_t rem_compat__declared_types(const json_t *schema) {
  const json_t *type = json_object_get(schema, "type");
  if (json_is_string(type)) return types_of_name(json_string_value(type));
  if (!json_is_array(type)) return REM_NODE_ANY;
  uint8_t types = 0;
  for (size_t i = 0; i < json_array_size(type); i++)
    types |= types_of_name(json_string_value(json_array_get(type, i)));
  return types;
}

uint8_t rem_compat__types(const json_t *schema) {
  const json_t *choices = json_object_get(schema, "enum"), *constant = json_object_get(schema, "const");
  uint8_t types = rem_compat__declared_types(schema), listed = 0;
  for (size_t i = 0; i < json_array_size(choices); i++)
    listed |= rem_value__types(json_array_get(choices, i));
  if (json_is_array(choices)) types &= listed;
  return constant != NULL ? types & rem_value__types(constant) : types;
}

static const char *last_token(const char *reference) {
  const char *slash = strrchr(reference, '/');
  return slash != NULL ? slash + 1 : reference;
}

static void describe_list(const json_t *list, rem_line *line) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i);
    if (i > 0) rem_line__format(line, " or ");
    if (json_is_string(item))
      rem_line__format(line, "%.40s", json_string_value(item));
    else
      rem_compat__describe(item, line);
    if (line->size > 100) return;
  }
}

void rem_compat__describe(const json_t *schema, rem_line *line) {
  const json_t *type = json_object_get(schema, "type"), *format = json_object_get(schema, "format"),
               *union_of = json_object_get(schema, "anyOf");
  const char *reference = json_string_value(json_object_get(schema, "$ref"));
  if (union_of == NULL) union_of = json_object_get(schema, "oneOf");
  if (reference != NULL)
    rem_line__format(line, "%.100s", last_token(reference));
  else if (json_is_array(union_of) && line->size < 200)
    describe_list(union_of, line);
  else if (json_is_array(type))
    describe_list(type, line);
  else if (json_is_string(type) && json_is_string(format))
    rem_line__format(line, "%.40s (%.40s)", json_string_value(type), json_string_value(format));
  else if (json_is_string(type))
    rem_line__format(line, "%.40s", json_string_value(type));
  else if (json_is_false(schema))
    rem_line__format(line, "nothing");
  else
    rem_line__format(line, json_object_get(schema, "enum") != NULL || json_object_get(schema, "const") != NULL
                               ? "fixed values"
                               : "any value");
}

/* The branches of a schema: itself when it is no union. Those made for a list of types are owned by `made`. */
typedef struct branches {
  const json_t *list[MAX_BRANCHES];
  size_t count;
  json_t *made;
} branches;

static void branches_deinit(branches *b) {
  json_decref(b->made);
}

static bool exclusive_by_type(const json_t *document, const json_t *list) {
  uint8_t seen = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *branch = rem_compat__resolve(document, json_array_get(list, i));
    uint8_t types = rem_compat__types(branch);
    if (branch == NULL || (seen & types) != 0) return false;
    seen |= types;
  }
  return true;
}

/* {"type": ["a", "b"], rest} is {"type": "a", rest} or {"type": "b", rest}. */
static bool split_types(const json_t *schema, branches *b) {
  const json_t *types = json_object_get(schema, "type");
  b->made = json_array();
  for (size_t i = 0; i < json_array_size(types) && i < MAX_BRANCHES; i++) {
    json_t *branch = json_copy((json_t *)schema);
    json_object_set(branch, "type", json_array_get(types, i));
    if (json_array_append_new(b->made, branch) != 0) return false;
    b->list[b->count++] = branch;
  }
  return true;
}

/* False when it is a union that cannot be taken apart. */
static bool split(const json_t *document, const json_t *schema, bool is_new, branches *b) {
  static const char *const unions[] = {"anyOf", "oneOf"};
  if (json_array_size(json_object_get(schema, "type")) > 1 && json_array_size(json_object_get(schema, "type")) <= 7 &&
      json_object_get(schema, "anyOf") == NULL && json_object_get(schema, "oneOf") == NULL)
    return split_types(schema, b);
  for (size_t u = 0; u < 2; u++) {
    const json_t *list = json_object_get(schema, unions[u]);
    if (list == NULL) continue;
    if (json_array_size(list) > MAX_BRANCHES || rem_compat__constrains(schema, unions[u])) return false;
    /* Of oneOf a value must not match two; as the old side it is only narrower than anyOf. */
    if (u == 1 && is_new && !exclusive_by_type(document, list)) return false;
    for (size_t i = 0; i < json_array_size(list); i++)
      b->list[b->count++] = json_array_get(list, i);
    return true;
  }
  b->list[b->count++] = schema;
  return true;
}

static bool admitted_by_any(rem_compat *c, const json_t *old_branch, const branches *news) {
  for (size_t i = 0; i < news->count; i++) {
    if (rem_compat__widens(c, old_branch, news->list[i])) return true;
  }
  return false;
}

/* One to one of the same kind: comparing them says more than "not admitted". */
static const json_t *counterpart(const rem_compat *c, const json_t *old_branch, const branches *news) {
  const json_t *found = NULL;
  uint8_t types = rem_compat__types(rem_compat__resolve(c->old_document, old_branch));
  for (size_t i = 0; i < news->count; i++) {
    const json_t *branch = rem_compat__resolve(c->new_document, news->list[i]);
    if (branch == NULL || (rem_compat__types(branch) & types) == 0) continue;
    if (found != NULL) return NULL;
    found = news->list[i];
  }
  return found;
}

static void note_new_branches(rem_compat *c, const branches *olds, const branches *news, const rem_compat_place *at) {
  for (size_t i = 0; i < news->count; i++) {
    bool known = false;
    for (size_t j = 0; j < olds->count && !known; j++)
      known = rem_compat__types(rem_compat__resolve(c->old_document, olds->list[j])) ==
                  rem_compat__types(rem_compat__resolve(c->new_document, news->list[i])) ||
              rem_compat__same(c, olds->list[j], news->list[i]);
    if (known) continue;
    rem_line what = {0};
    rem_compat__describe(news->list[i], &what);
    rem_compat__note(c, at, true, "", "now also accepts %s", what.text);
  }
}

static void compare_unions(rem_compat *c, const branches *olds, const branches *news, const rem_compat_place *at) {
  for (size_t i = 0; i < olds->count; i++) {
    const json_t *other = counterpart(c, olds->list[i], news);
    if (admitted_by_any(c, olds->list[i], news)) {
      /* The differences that widen are of interest too. */
      if (other != NULL && c->report != NULL && rem_compat__widens(c, olds->list[i], other))
        rem_compat__schema(c, olds->list[i], other, at);
      continue;
    }
    if (other != NULL) {
      rem_compat__schema(c, olds->list[i], other, at);
      continue;
    }
    rem_line was = {0}, is = {0};
    rem_compat__describe(olds->list[i], &was);
    for (size_t j = 0; j < news->count && is.size < 100; j++) {
      if (j > 0) rem_line__format(&is, " or ");
      rem_compat__describe(news->list[j], &is);
    }
    if (olds->count == 1 && news->count == 1)
      rem_compat__note(c, at, false, "type", "type changed from %.100s to %.100s", was.text, is.text);
    else
      rem_compat__note(c, at, false, "anyOf", "%.100s is no longer accepted, only %.100s", was.text, is.text);
  }
  note_new_branches(c, olds, news, at);
}

static void compare_resolved(rem_compat *c, const json_t *old_schema, const json_t *new_schema,
                             const rem_compat_place *at) {
  if (rem_compat__same(c, old_schema, new_schema)) return;
  if (json_is_false(old_schema)) {
    rem_compat__note(c, at, true, "", "values are accepted now");
    return;
  }
  if (json_is_false(new_schema)) {
    rem_compat__note(c, at, false, "", "no value is accepted any more");
    return;
  }
  branches olds REM_CLEANUP(branches_deinit) = {0}, news REM_CLEANUP(branches_deinit) = {0};
  if (!split(c->old_document, old_schema, false, &olds) || !split(c->new_document, new_schema, true, &news)) {
    rem_compat__keywords(c, old_schema, new_schema, at);
    return;
  }
  if (olds.count == 1 && news.count == 1 && olds.list[0] == old_schema && news.list[0] == new_schema)
    rem_compat__keywords(c, old_schema, new_schema, at);
  else
    compare_unions(c, &olds, &news, at);
}

static bool in_progress(const rem_compat *c, const json_t *old_schema, const json_t *new_schema) {
  for (const rem_compat_pair *pair = c->pairs; pair != NULL; pair = pair->outer) {
    if (pair->old_schema == old_schema && pair->new_schema == new_schema) return true;
  }
  return false;
}

void rem_compat__schema(rem_compat *c, const json_t *old_schema, const json_t *new_schema, const rem_compat_place *at) {
  const json_t *old_resolved = rem_compat__resolve(c->old_document, old_schema);
  const json_t *new_resolved = rem_compat__resolve(c->new_document, new_schema);
  if (old_resolved == NULL || new_resolved == NULL || c->depth == MAX_DEPTH || ++c->work > MAX_WORK) {
    rem_compat__note(c, at, false, "", "what changed is too involved to compare");
    return;
  }
  if (in_progress(c, old_resolved, new_resolved)) return;
  rem_compat_pair pair = {c->pairs, old_resolved, new_resolved};
  c->pairs = &pair;
  c->depth++;
  compare_resolved(c, old_resolved, new_resolved, at);
  c->depth--;
  c->pairs = pair.outer;
}

bool rem_compat__widens(rem_compat *c, const json_t *old_schema, const json_t *new_schema) {
  rem_schema_report *report = c->report;
  bool before = c->incompatible;
  rem_compat_place nowhere = {0};
  c->report = NULL;
  c->incompatible = false;
  rem_compat__schema(c, old_schema, new_schema, &nowhere);
  bool widens = !c->incompatible;
  c->report = report;
  c->incompatible = before;
  return widens;
}
