/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/document.h"

#include "base/hash_map.h"
#include "base/uuid.h"

void rem_document_deinit(rem_document *document) {
  json_decref(document->properties);
  json_decref(document->edges);
  *document = (rem_document){0};
}

static rem_status take_id(json_t *json, rem_document *document, rem_error *err) {
  const json_t *id = json_object_get(json, "id");
  if (!id)
    return REM_OK;
  if (!json_is_null(id)) {
    if (!json_is_string(id) ||
        !rem_uuid_parse(json_string_value(id), json_string_length(id), document->id)) {
      rem_error_set(err, REM_INVALID, "at '/id': expected a UUID, found %s%s%s", rem_json_type_name(id),
                    json_is_string(id) ? " " : "", json_is_string(id) ? json_string_value(id) : "");
      rem_error_hint(err, "leave 'id' out: it follows from the key, or is random when there is none");
      return REM_INVALID;
    }
    document->has_id = true;
  }
  json_object_del(json, "id");
  return REM_OK;
}

/* Fields the database keeps itself. A schema may declare them (D27); what a document says there is not stored. */
static rem_status drop_kept_fields(const rem_table *table, json_t *json, rem_error *err) {
  static const char *const kept[] = {"created_at", "modified_at", "deleted_at"};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    const json_t *value = json_object_get(json, kept[i]);
    if (!value)
      continue;
    if (!json_is_null(value) && !rem_table_field(table, kept[i], strlen(kept[i]))) {
      rem_error_set(err, REM_INVALID, "at '/%s': this field is set by the database", kept[i]);
      rem_error_hint(err, "leave '%s' out of the document", kept[i]);
      return REM_INVALID;
    }
    json_object_del(json, kept[i]);
  }
  return REM_OK;
}

static rem_status refuse_vectors(const rem_table *table, json_t *json, rem_error *err) {
  static const char *const names[] = {"embedding", "embedding_alt"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const json_t *value = json_object_get(json, names[i]);
    if (!value || rem_table_field(table, names[i], strlen(names[i])))
      continue;
    if (json_is_null(value)) {
      json_object_del(json, names[i]);
      continue;
    }
    rem_error_set(err, REM_INVALID, "at '/%s': vectors are made by the database from the embedding fields", names[i]);
    rem_error_hint(err, "leave '%s' out; set 'embedding_fields' in the schema to say what is embedded", names[i]);
    return REM_INVALID;
  }
  return REM_OK;
}

static void rename_synonym(const rem_table *table, json_t *json) {
  json_t *ordinal = json_object_get(json, "chunk_ordinal");
  if (!ordinal || table->key_rule != REM_KEY_RESOURCE)
    return;
  if (!json_object_get(json, "ordinal"))
    json_object_set(json, "ordinal", ordinal);
  json_object_del(json, "chunk_ordinal");
}

rem_status rem_document_split(const rem_table *table, json_t *json, rem_document *ret_document, rem_error *err) {
  rem_document document = {.properties = json};
  rem_status status = take_id(json, &document, err);
  if (status >= 0)
    status = drop_kept_fields(table, json, err);
  if (status >= 0)
    status = refuse_vectors(table, json, err);
  const json_t *edges = json_object_get(json, "edges");
  if (status >= 0 && edges && !json_is_null(edges))
    status = rem_edges_normalise(edges, &document.edges, err);
  if (status < 0) {
    rem_document_deinit(&document);
    return status;
  }
  if (edges)
    json_object_del(json, "edges");
  rename_synonym(table, json);
  *ret_document = document;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status bad_edge(rem_error *err, size_t index, const char *where, const char *expected,
                           const json_t *found) {
  rem_error_set(err, REM_INVALID, "at '/edges/%zu%s': expected %s, found %s", index, where, expected,
                found ? rem_json_type_name(found) : "nothing");
  rem_error_hint(err, "an edge is an id or key as a string, or {\"target\": …, \"table\": …, \"type\": …, "
                      "\"weight\": …, \"properties\": …}");
  return REM_INVALID;
}

static rem_status check_edge_object(const json_t *edge, size_t index, rem_error *err) {
  const char *name;
  json_t *value;
  const json_t *target = json_object_get(edge, "target");
  if (!json_is_string(target) || json_string_length(target) == 0)
    return bad_edge(err, index, "/target", "a non-empty string", target);
  json_object_foreach((json_t *)edge, name, value) {
    bool is_text = strcmp(name, "target") == 0 || strcmp(name, "table") == 0 || strcmp(name, "type") == 0;
    if (is_text && !json_is_string(value) && !json_is_null(value))
      return bad_edge(err, index, name[1] == 'y' ? "/type" : "/table", "a string", value);
    if (strcmp(name, "weight") == 0 && !json_is_number(value) && !json_is_null(value))
      return bad_edge(err, index, "/weight", "a number", value);
    if (strcmp(name, "properties") == 0 && !json_is_object(value) && !json_is_null(value))
      return bad_edge(err, index, "/properties", "an object", value);
    if (!is_text && strcmp(name, "weight") != 0 && strcmp(name, "properties") != 0) {
      rem_error_set(err, REM_INVALID, "at '/edges/%zu': an edge has no field '%s'", index, name);
      rem_error_hint(err, "fields of an edge are target, table, type, weight and properties");
      return REM_INVALID;
    }
  }
  return REM_OK;
}

/* The identity of an edge within its source: target, table and type, each ended by NUL. */
static void edge_identity(const json_t *edge, rem_buffer *buffer) {
  rem_buffer_reset(buffer);
  if (json_is_string(edge)) {
    rem_buffer_append(buffer, json_string_value(edge), json_string_length(edge));
    rem_buffer_append(buffer, "\0\0", 3);
    return;
  }
  static const char *const parts[] = {"target", "table", "type"};
  for (size_t i = 0; i < 3; i++) {
    const json_t *part = json_object_get(edge, parts[i]);
    if (json_is_string(part))
      rem_buffer_append(buffer, json_string_value(part), json_string_length(part));
    rem_buffer_append_byte(buffer, 0);
  }
}

static json_t *without_nulls(const json_t *edge) {
  json_t *copy = json_copy((json_t *)edge);
  const char *name;
  json_t *value;
  void *next;
  json_object_foreach_safe(copy, next, name, value) {
    if (json_is_null(value))
      json_object_del(copy, name);
  }
  return copy;
}

/* Appends `edge` to `edges`, or replaces the same edge there; `seen` maps identities to index + 1. */
static rem_status add_edge(json_t *edges, rem_hash_map *seen, const json_t *edge, rem_error *err) {
  rem_buffer identity REM_CLEANUP(rem_buffer_deinit) = {0};
  edge_identity(edge, &identity);
  REM_TRY(rem_buffer_status(&identity, err));
  json_t *copy = json_is_object(edge) ? without_nulls(edge) : json_incref((json_t *)edge);
  uintptr_t place = (uintptr_t)rem_hash_map_get(seen, rem_buffer_slice(&identity));
  if (place)
    return json_array_set_new(edges, place - 1, copy) ? rem_error_nomem(err) : REM_OK;
  if (json_array_append_new(edges, copy))
    return rem_error_nomem(err);
  return rem_hash_map_put(seen, rem_buffer_slice(&identity), (void *)(uintptr_t)json_array_size(edges), NULL, err);
}

static rem_status add_edges(json_t *edges, rem_hash_map *seen, const json_t *more, rem_error *err) {
  size_t index;
  json_t *edge;
  json_array_foreach((json_t *)more, index, edge)
    REM_TRY(add_edge(edges, seen, edge, err));
  return REM_OK;
}

rem_status rem_edges_normalise(const json_t *edges, json_t **ret_edges, rem_error *err) {
  if (!json_is_array(edges)) {
    rem_error_set(err, REM_INVALID, "at '/edges': expected an array, found %s", rem_json_type_name(edges));
    return REM_INVALID;
  }
  size_t index;
  json_t *edge;
  json_array_foreach((json_t *)edges, index, edge) {
    if (json_is_object(edge))
      REM_TRY(check_edge_object(edge, index, err));
    else if (!json_is_string(edge) || json_string_length(edge) == 0)
      return bad_edge(err, index, "", "a non-empty string or an object", edge);
  }
  return rem_edges_merge(NULL, edges, ret_edges, err);
}

rem_status rem_edges_merge(const json_t *stored, const json_t *given, json_t **ret_edges, rem_error *err) {
  json_t *edges REM_AUTO_JSON = json_array();
  if (!edges)
    return rem_error_nomem(err);
  rem_hash_map seen REM_CLEANUP(rem_hash_map_deinit) = {0};
  if (stored)
    REM_TRY(add_edges(edges, &seen, stored, err));
  REM_TRY(add_edges(edges, &seen, given, err));
  *ret_edges = REM_TAKE(edges);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

rem_status rem_document_merge_patch(json_t *target, const json_t *patch, rem_error *err) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)patch, name, value) {
    if (json_is_null(value)) {
      json_object_del(target, name);
      continue;
    }
    json_t *old = json_object_get(target, name);
    if (!json_is_object(value)) {
      if (json_object_set_new(target, name, json_deep_copy(value)))
        return rem_error_nomem(err);
      continue;
    }
    if (!json_is_object(old)) {
      json_t *fresh = json_object();
      if (!fresh || json_object_set_new(target, name, fresh))
        return rem_error_nomem(err);
      old = fresh;
    }
    /* Parsed JSON is at most REM_JSON_MAX_DEPTH deep, so this recursion is bounded. */
    REM_TRY(rem_document_merge_patch(old, value, err));
  }
  return REM_OK;
}
