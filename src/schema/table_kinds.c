/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds: what type of value the JSON Schema of a field admits.
 *
 * Every keyword that speaks of types narrows a set of kinds: `type`, `format`, `enum`, `const` and `$ref` intersect, anyOf
 * and oneOf unite their branches, allOf intersects them. What is left names the kind: Optional[int] is {int, null}, thus
 * INT and nullable; {int, real} is REAL; strings of several formats are TEXT; anything wider is ANY.
 * The validator has the last word on values; the kind only chooses how they are stored and indexed.
 */
#include "schema/table_kinds.h"

#include "schema/table_internal.h"

enum {
  KIND_NULL = 1 << 0,
  KIND_BOOL = 1 << 1,
  KIND_INT = 1 << 2,
  KIND_REAL = 1 << 3,
  KIND_TEXT = 1 << 4,
  KIND_INSTANT = 1 << 5,
  KIND_UUID = 1 << 6,
  KIND_LIST = 1 << 7,
  KIND_OBJECT = 1 << 8,
  KIND_NUMBER = KIND_INT | KIND_REAL,
  KIND_STRING = KIND_TEXT | KIND_INSTANT | KIND_UUID,
  KIND_ALL = (1 << 9) - 1,
};

static unsigned kinds_of_type_name(const char *type) {
  static const struct {
    const char *name;
    unsigned kinds;
  } types[] = {
      {"null", KIND_NULL},     {"boolean", KIND_BOOL}, {"integer", KIND_INT},  {"number", KIND_NUMBER},
      {"string", KIND_STRING}, {"array", KIND_LIST},   {"object", KIND_OBJECT},
  };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    if (strcmp(type, types[i].name) == 0) return types[i].kinds;
  }
  return KIND_ALL;
}

static unsigned kinds_of_type(const json_t *type) {
  if (json_is_string(type)) return kinds_of_type_name(json_string_value(type));
  if (!json_is_array(type)) return KIND_ALL;
  unsigned kinds = 0;
  for (size_t i = 0; i < json_array_size(type); i++) {
    const char *name = json_string_value(json_array_get(type, i));
    kinds |= name != NULL ? kinds_of_type_name(name) : KIND_ALL;
  }
  return kinds;
}

/* A format speaks of strings only. */
static unsigned kinds_of_format(const json_t *format) {
  const char *name = json_string_value(format);
  if (name == NULL) return KIND_ALL;
  if (strcmp(name, "date-time") == 0) return (KIND_ALL & ~(unsigned)KIND_STRING) | KIND_INSTANT;
  if (strcmp(name, "uuid") == 0) return (KIND_ALL & ~(unsigned)KIND_STRING) | KIND_UUID;
  return KIND_ALL;
}

static unsigned kinds_of_value(const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_NULL: return KIND_NULL;
  case JSON_TRUE:
  case JSON_FALSE: return KIND_BOOL;
  case JSON_INTEGER: return KIND_INT;
  case JSON_REAL: return KIND_NUMBER;
  case JSON_STRING: return KIND_STRING;
  case JSON_ARRAY: return KIND_LIST;
  case JSON_OBJECT: return KIND_OBJECT;
  }
  return KIND_ALL;
}

static unsigned kinds_of_enum(const json_t *values) {
  if (!json_is_array(values)) return KIND_ALL;
  unsigned kinds = 0;
  for (size_t i = 0; i < json_array_size(values); i++)
    kinds |= kinds_of_value(json_array_get(values, i));
  return kinds;
}

/* A schema may refer to itself in branches: the walk ends after a fixed number of visits, and what it has not seen may be anything. */
typedef struct walk {
  const json_t *document;
  unsigned visits_left;
} walk;
enum { WALK_MAX_VISITS = 2000 };

static unsigned kinds_of(walk *w, const json_t *schema, unsigned depth);

static unsigned kinds_of_union(walk *w, const json_t *branches, unsigned depth) {
  if (!json_is_array(branches) || json_array_size(branches) == 0) return KIND_ALL;
  unsigned kinds = 0;
  for (size_t i = 0; i < json_array_size(branches); i++)
    kinds |= kinds_of(w, json_array_get(branches, i), depth);
  return kinds;
}

static unsigned kinds_of_all(walk *w, const json_t *branches, unsigned depth) {
  unsigned kinds = KIND_ALL;
  for (size_t i = 0; i < json_array_size(branches); i++)
    kinds &= kinds_of(w, json_array_get(branches, i), depth);
  return kinds;
}

static unsigned kinds_of(walk *w, const json_t *schema, unsigned depth) {
  if (depth == REM_TABLE_MAX_REFERENCES || !json_is_object(schema) || w->visits_left == 0) return KIND_ALL;
  w->visits_left--;
  unsigned kinds = kinds_of_type(json_object_get(schema, "type"));
  kinds &= kinds_of_format(json_object_get(schema, "format"));
  kinds &= kinds_of_enum(json_object_get(schema, "enum"));
  const json_t *constant = json_object_get(schema, "const");
  if (constant != NULL) kinds &= kinds_of_value(constant);
  if (json_object_get(schema, "$ref") != NULL)
    kinds &= kinds_of(w, rem_table__resolve(w->document, schema), depth + 1);
  kinds &= kinds_of_union(w, json_object_get(schema, "anyOf"), depth + 1);
  kinds &= kinds_of_union(w, json_object_get(schema, "oneOf"), depth + 1);
  return kinds & kinds_of_all(w, json_object_get(schema, "allOf"), depth + 1);
}

static bool within(unsigned kinds, unsigned limit) {
  return kinds != 0 && (kinds & ~limit) == 0;
}

static rem_field_kind kind_of_set(unsigned kinds) {
  kinds &= ~(unsigned)KIND_NULL;
  if (within(kinds, KIND_BOOL)) return REM_FIELD_BOOL;
  if (within(kinds, KIND_INT)) return REM_FIELD_INT;
  if (within(kinds, KIND_NUMBER)) return REM_FIELD_REAL;
  if (within(kinds, KIND_INSTANT)) return REM_FIELD_INSTANT;
  if (within(kinds, KIND_UUID)) return REM_FIELD_UUID;
  if (within(kinds, KIND_STRING)) return REM_FIELD_TEXT;
  if (within(kinds, KIND_LIST)) return REM_FIELD_LIST;
  if (within(kinds, KIND_OBJECT)) return REM_FIELD_OBJECT;
  return REM_FIELD_ANY;
}

rem_field_kind rem_table__kind(const json_t *document, const json_t *schema, bool *ret_nullable) {
  walk w = {document, WALK_MAX_VISITS};
  unsigned kinds = kinds_of(&w, schema, 0);
  *ret_nullable = (kinds & KIND_NULL) != 0;
  return kind_of_set(kinds);
}

/* The `items` of a list, wherever the field's schema says it. */
static const json_t *items_of(walk *w, const json_t *schema, unsigned depth) {
  if (depth == REM_TABLE_MAX_REFERENCES || !json_is_object(schema) || w->visits_left == 0) return NULL;
  w->visits_left--;
  const json_t *items = json_object_get(schema, "items");
  if (json_is_object(items)) return items;
  if (json_object_get(schema, "$ref") != NULL)
    items = items_of(w, rem_table__resolve(w->document, schema), depth + 1);
  static const char *const unions[] = {"anyOf", "oneOf", "allOf"};
  for (size_t u = 0; u < 3 && !json_is_object(items); u++) {
    const json_t *branches = json_object_get(schema, unions[u]);
    for (size_t i = 0; i < json_array_size(branches) && !json_is_object(items); i++)
      items = items_of(w, json_array_get(branches, i), depth + 1);
  }
  return items;
}

rem_field_kind rem_table__element_kind(const json_t *document, const json_t *schema) {
  walk w = {document, WALK_MAX_VISITS};
  const json_t *items = items_of(&w, schema, 0);
  return items == NULL ? REM_FIELD_ANY : kind_of_set(kinds_of(&w, items, 0));
}

/* A member or item of `json` by one token of a JSON pointer (RFC 6901). */
static const json_t *step(const json_t *json, const char *token, size_t size) {
  if (size >= 512) return NULL;
  char key[512];
  size_t used = 0;
  for (size_t i = 0; i < size; i++) {
    bool escaped = token[i] == '~' && i + 1 < size && (token[i + 1] == '0' || token[i + 1] == '1');
    key[used++] = !escaped ? token[i] : token[i + 1] == '0' ? '~' : '/';
    if (escaped) i++;
  }
  if (json_is_object(json)) return json_object_getn(json, key, used);
  size_t index = 0;
  for (size_t i = 0; i < used; i++) {
    if (key[i] < '0' || key[i] > '9' || index > 1000000) return NULL;
    index = index * 10 + (size_t)(key[i] - '0');
  }
  return used > 0 ? json_array_get(json, index) : NULL;
}

const json_t *rem_table__resolve(const json_t *document, const json_t *schema) {
  for (unsigned i = 0; i < REM_TABLE_MAX_REFERENCES; i++) {
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference == NULL) return schema;
    if (reference[0] != '#') return NULL;
    schema = document;
    for (const char *token = reference + 1; *token == '/' && schema != NULL;) {
      size_t size = strcspn(++token, "/");
      schema = step(schema, token, size);
      token += size;
    }
  }
  return NULL;
}

const json_t *rem_table__root(const json_t *schema) {
  if (json_object_get(schema, "properties") != NULL) return schema;
  const json_t *target = rem_table__resolve(schema, schema);
  return json_is_object(target) ? target : schema;
}
