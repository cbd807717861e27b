/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compatibility: the report, and the keys with which a schema speaks to the database (indexes, key, embedding).
 *
 * The question for the JSON Schema part is containment: is every value the old schema admits admitted by the new one? That is
 * undecidable to look up and hard to decide, so each keyword is compared with itself, references are followed, unions are matched
 * branch by branch, and where that proves nothing the answer is no.
 */
#include "schema/compat.h"

#include <stdarg.h>
#include <stdio.h>

#include "schema/compat_internal.h"

#define MAX_CHANGES 1000

void rem_schema_report_deinit(rem_schema_report *report) {
  for (size_t i = 0; i < report->count; i++)
    rem_free((char *)report->changes[i].text);
  rem_free(report->changes);
  *report = (rem_schema_report){0};
}

rem_status rem_schema_report_json(const rem_schema_report *report, json_t **ret_array, rem_error *err) {
  json_t *array REM_AUTO_JSON = json_array();
  if (array == NULL) return rem_error_nomem(err);
  for (size_t i = 0; i < report->count; i++) {
    if (json_array_append_new(array, json_string(report->changes[i].text)) != 0) return rem_error_nomem(err);
  }
  *ret_array = REM_TAKE(array);
  return REM_OK;
}

static bool make_room(rem_compat *c) {
  if (c->report->count < c->report_capacity) return true;
  if (c->report->count == MAX_CHANGES) {
    c->failure = REM_LIMIT;
    return false;
  }
  size_t wanted = c->report_capacity > 0 ? c->report_capacity * 2 : 8;
  rem_schema_change *larger = rem_realloc(c->report->changes, wanted * sizeof *larger);
  if (larger == NULL) {
    c->failure = REM_NOMEM;
    return false;
  }
  c->report->changes = larger;
  c->report_capacity = wanted;
  return true;
}

void rem_compat__add(rem_compat *c, bool compatible, const char *text) {
  if (!compatible) c->incompatible = true;
  if (c->report == NULL || c->failure != REM_OK || !make_room(c)) return;
  char *copy = rem_strdup(text);
  if (copy == NULL) {
    c->failure = REM_NOMEM;
    return;
  }
  c->report->changes[c->report->count++] = (rem_schema_change){compatible, copy};
  c->report->incompatible_count += !compatible;
}

void rem_compat__note(rem_compat *c, const rem_compat_place *at, bool compatible, const char *keyword,
                      const char *format, ...) {
  if (!compatible) c->incompatible = true;
  if (c->report == NULL) return;
  char reason[256], text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  if (compatible)
    snprintf(text, sizeof text, "%s: %s", at->label.text, reason);
  else
    snprintf(text, sizeof text, "%s: %s (at '%s%s%s')", at->label.text, reason, at->pointer.text,
             keyword[0] != 0 ? "/" : "", keyword);
  rem_compat__add(c, compatible, text);
}

/* Keys beside JSON Schema stand at the top, or in a json_schema_extra of their own. */
static const json_t *extension(const json_t *schema, const char *key) {
  const json_t *value = json_object_get(schema, key);
  if (value == NULL) value = json_object_get(json_object_get(schema, "json_schema_extra"), key);
  return value == NULL || json_is_null(value) ? NULL : value;
}

static bool same_json(const json_t *a, const json_t *b) {
  return (a == NULL && b == NULL) || (a != NULL && b != NULL && rem_json_equal(a, b));
}

static bool holds(const json_t *list, const json_t *name) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    if (rem_json_equal(json_array_get(list, i), name)) return true;
  }
  return false;
}

static void compare_index_list(rem_compat *c, const char *key, const char *what) {
  const json_t *old_list = extension(c->old_document, key), *new_list = extension(c->new_document, key);
  char text[320];
  for (size_t i = 0; i < json_array_size(new_list); i++) {
    const json_t *name = json_array_get(new_list, i);
    if (!json_is_string(name) || holds(old_list, name)) continue;
    snprintf(text, sizeof text, "%s on '%.200s' was added", what, json_string_value(name));
    rem_compat__add(c, true, text);
  }
  for (size_t i = 0; i < json_array_size(old_list); i++) {
    const json_t *name = json_array_get(old_list, i);
    if (!json_is_string(name) || holds(new_list, name)) continue;
    snprintf(text, sizeof text, "%s on '%.200s' was removed", what, json_string_value(name));
    rem_compat__add(c, true, text);
  }
}

/* `key_fields`, else `key_field` as a list of one, else none. Owned. */
static json_t *key_of(const json_t *schema) {
  const json_t *fields = extension(schema, "key_fields"), *field = extension(schema, "key_field");
  if (json_is_array(fields)) return json_incref((json_t *)fields);
  json_t *list = json_array();
  if (json_is_string(field)) json_array_append(list, (json_t *)field);
  return list;
}

/* "'a', 'b'", or "none". */
static void put_names(rem_line *line, const json_t *names) {
  for (size_t i = 0; i < json_array_size(names); i++) {
    const char *name = json_string_value(json_array_get(names, i));
    rem_line__format(line, "%s'%.100s'", i > 0 ? ", " : "", name != NULL ? name : "?");
  }
  if (json_array_size(names) == 0) rem_line__format(line, "none");
}

/* The keys of the built-in tables are fixed (D9, D10), whatever a copy of their classes says. */
static bool is_builtin(const json_t *schema) {
  const char *name = json_string_value(extension(schema, "fully_qualified_name"));
  return name != NULL && strncmp(name, "rem.system.", 11) == 0;
}

static void compare_keys(rem_compat *c) {
  if (is_builtin(c->old_document)) return;
  json_t *old_key REM_AUTO_JSON = key_of(c->old_document), *new_key REM_AUTO_JSON = key_of(c->new_document);
  if (old_key == NULL || new_key == NULL) {
    c->failure = REM_NOMEM;
    return;
  }
  if (rem_json_equal(old_key, new_key)) return;
  rem_line was = {0}, is = {0};
  put_names(&was, old_key);
  put_names(&is, new_key);
  char text[768];
  snprintf(text, sizeof text, "the key changed from %s to %s (at '/key_field')", was.text, is.text);
  rem_compat__add(c, false, text);
}

/* The fields embedded (D17): those listed, or with a provider alone `content` and `description`. Owned. */
static json_t *embedded_of(const json_t *document) {
  const json_t *listed = extension(document, "embedding_fields");
  if (json_is_array(listed)) return json_incref((json_t *)listed);
  json_t *fields = json_array();
  if (extension(document, "embedding_provider") == NULL) return fields;
  static const char *const defaults[] = {"content", "description"};
  const json_t *root = rem_compat__resolve(document, document);
  for (size_t i = 0; i < 2; i++) {
    if (json_object_get(json_object_get(root, "properties"), defaults[i]) != NULL)
      json_array_append_new(fields, json_string(defaults[i]));
  }
  return fields;
}

static void compare_embedding(rem_compat *c) {
  json_t *old_fields REM_AUTO_JSON = embedded_of(c->old_document), *new_fields REM_AUTO_JSON = embedded_of(c->new_document);
  if (old_fields == NULL || new_fields == NULL) {
    c->failure = REM_NOMEM;
    return;
  }
  rem_line was = {0}, is = {0};
  char text[768];
  if (!rem_json_equal(old_fields, new_fields)) {
    put_names(&was, old_fields);
    put_names(&is, new_fields);
    snprintf(text, sizeof text, "the embedded fields changed from %s to %s (at '/embedding_fields')", was.text, is.text);
    rem_compat__add(c, false, text);
    return;
  }
  const json_t *old_provider = extension(c->old_document, "embedding_provider");
  const json_t *new_provider = extension(c->new_document, "embedding_provider");
  if (json_array_size(old_fields) == 0 || same_json(old_provider, new_provider)) return;
  const char *from = json_string_value(old_provider), *to = json_string_value(new_provider);
  snprintf(text, sizeof text,
           "the embedding provider changed from %.100s to %.100s (at '/embedding_provider'); "
           "use `db embed --all --model` to change the model",
           from != NULL ? from : "none", to != NULL ? to : "none");
  rem_compat__add(c, false, text);
}

/* What describes and does not govern rows. */
static void compare_texts(rem_compat *c) {
  static const char *const keys[] = {"title",  "description", "version", "category",           "fully_qualified_name",
                                     "tools",  "short_name",  "trigram_min_length"};
  char text[128];
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    if (same_json(extension(c->old_document, keys[i]), extension(c->new_document, keys[i]))) continue;
    snprintf(text, sizeof text, "%s changed", keys[i]);
    rem_compat__add(c, true, text);
  }
}

static bool same_definitions(const json_t *a, const json_t *b) {
  return same_json(json_object_get(a, "$defs"), json_object_get(b, "$defs")) &&
         same_json(json_object_get(a, "definitions"), json_object_get(b, "definitions"));
}

static void compare(rem_compat *c) {
  rem_compat_place root = {.root = true};
  rem_line__format(&root.label, "the schema");
  rem_compat__schema(c, c->old_document, c->new_document, &root);
  compare_keys(c);
  compare_embedding(c);
  compare_index_list(c, "indexed_fields", "index");
  compare_index_list(c, "trigram_fields", "trigram index");
  compare_texts(c);
  if (c->report->count == 0 && !rem_json_equal(c->old_document, c->new_document))
    rem_compat__add(c, true, "details that do not concern stored rows changed");
}

rem_status rem_schema_compare(const json_t *old_schema, const json_t *new_schema, rem_schema_report *ret_report,
                              rem_error *err) {
  rem_schema_report report REM_AUTO_SCHEMA_REPORT = {0};
  /* Comparing borrows parts by reference count, and other threads may be at work with the table whose schema this is. */
  json_t *old_copy REM_AUTO_JSON = json_deep_copy(old_schema), *new_copy REM_AUTO_JSON = json_deep_copy(new_schema);
  if (old_copy == NULL || new_copy == NULL) return rem_error_nomem(err);
  rem_compat c = {.old_document = old_copy, .new_document = new_copy, .report = &report};
  c.same_definitions = same_definitions(old_schema, new_schema);
  compare(&c);
  if (c.failure == REM_NOMEM) return rem_error_nomem(err);
  if (c.failure != REM_OK)
    return rem_error_set(err, c.failure, "the schemas differ in more than %d places", MAX_CHANGES);
  *ret_report = report;
  report = (rem_schema_report){0};
  return REM_OK;
}
