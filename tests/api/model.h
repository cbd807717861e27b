/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of test_model.c: what the database should hold, as a list of rows in memory and the rules of D7, D8, D12, D14 and D15
 * written down a second time, as plainly as possible.
 */
#ifndef REM_TESTS_API_MODEL_H
#define REM_TESTS_API_MODEL_H

#include "api_test.h"

#define MODEL_TENANTS 3
#define MODEL_TABLES 2
#define MODEL_ROWS 1200

/* item: keyed by `code`. note: no key of its own, so `name` when it has one (D8), embedded. */
enum { ITEM, NOTE };
static const char *const model_tenants[MODEL_TENANTS] = {"default", "acme", "b.c-d"};
static const char *const model_tables[MODEL_TABLES] = {"item", "note"};

typedef struct model_row {
  int tenant, table;
  char id[37];
  json_t *key;   /* owned string, or NULL */
  json_t *props; /* owned */
  json_t *edges; /* owned array */
  bool deleted;
} model_row;

typedef struct model {
  model_row rows[MODEL_ROWS];
  size_t count;
} model;

static void model_row_deinit(model_row *row) {
  json_decref(row->key);
  json_decref(row->props);
  json_decref(row->edges);
}

static void model_drop(model *m, size_t index) {
  model_row_deinit(&m->rows[index]);
  m->rows[index] = m->rows[--m->count];
}

static void model_clear(model *m) {
  while (m->count)
    model_drop(m, m->count - 1);
}

static model_row model_row_copy(const model_row *row) {
  model_row copy = *row;
  copy.key = json_incref(row->key);
  copy.props = json_deep_copy(row->props);
  copy.edges = json_deep_copy(row->edges);
  return copy;
}

static model *model_copy(const model *m) {
  model *copy = calloc(1, sizeof *copy);
  for (; copy->count < m->count; copy->count++)
    copy->rows[copy->count] = model_row_copy(&m->rows[copy->count]);
  return copy;
}

static void model_free(model *m) {
  model_clear(m);
  free(m);
}

/* ------------------------------------------------------------------------------------------- */

static model_row *model_by_id(model *m, int tenant, int table, const char *id) {
  for (size_t i = 0; i < m->count; i++)
    if (m->rows[i].tenant == tenant && m->rows[i].table == table && strcmp(m->rows[i].id, id) == 0)
      return &m->rows[i];
  return NULL;
}

static model_row *model_by_key(model *m, int tenant, int table, const json_t *key) {
  for (size_t i = 0; key && i < m->count; i++)
    if (m->rows[i].tenant == tenant && m->rows[i].table == table && json_equal(m->rows[i].key, key))
      return &m->rows[i];
  return NULL;
}

/* A text that is an id or a key. */
static model_row *model_named(model *m, int tenant, int table, const json_t *name) {
  model_row *row = model_by_id(m, tenant, table, json_string_value(name));
  return row ? row : model_by_key(m, tenant, table, name);
}

static json_t *model_key_of(int table, const json_t *props) {
  json_t *key = json_object_get(props, table == ITEM ? "code" : "name");
  return json_is_string(key) && json_string_length(key) ? json_incref(key) : NULL;
}

static const char *edge_part(const json_t *edge, const char *part) {
  const char *text = json_string_value(json_object_get(edge, part));
  if (json_is_string(edge) && strcmp(part, "target") == 0)
    text = json_string_value(edge);
  return text ? text : "";
}

static bool same_edge(const json_t *a, const json_t *b) {
  return strcmp(edge_part(a, "target"), edge_part(b, "target")) == 0 &&
         strcmp(edge_part(a, "table"), edge_part(b, "table")) == 0 && strcmp(edge_part(a, "type"), edge_part(b, "type")) == 0;
}

/* Adds those of `more`, each in the place of the same edge if it is there. */
static void model_merge_edges(json_t *edges, const json_t *more) {
  size_t i, j;
  json_t *edge;
  json_array_foreach((json_t *)more, i, edge) {
    for (j = 0; j < json_array_size(edges); j++)
      if (same_edge(json_array_get(edges, j), edge))
        break;
    if (j < json_array_size(edges))
      json_array_set(edges, j, edge);
    else
      json_array_append(edges, edge);
  }
}

static void model_patch(json_t *target, const json_t *patch) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)patch, name, value) {
    if (json_is_null(value)) {
      json_object_del(target, name);
    } else if (json_is_object(value)) {
      if (!json_is_object(json_object_get(target, name)))
        json_object_set_new(target, name, json_object());
      model_patch(json_object_get(target, name), value);
    } else {
      json_object_set_new(target, name, json_deep_copy(value));
    }
  }
}

static void model_defaults(int table, json_t *props) {
  if (table == ITEM && !json_object_get(props, "level"))
    json_object_set_new(props, "level", json_integer(3));
}

/* Null and absent read the same. */
static json_t *without_null(const json_t *props) {
  json_t *copy = json_copy((json_t *)props);
  const char *name;
  json_t *value;
  void *next;
  json_object_foreach_safe(copy, next, name, value) {
    if (json_is_null(value))
      json_object_del(copy, name);
  }
  return copy;
}

static bool same_props(const json_t *a, const json_t *b) {
  json_t *x = without_null(a), *y = without_null(b);
  bool same = json_equal(x, y);
  json_decref(x);
  json_decref(y);
  return same;
}

/* ------------------------------------------------------------------------------------------- */

/* Upsert. REM_OK, or REM_CONFLICT with nothing changed. `props` and `edges` are borrowed; `id` NULL: none given. `*ret_row` says which row it
 * became (its id is empty when the database chooses it); `*ret_same`: nothing changed. */
static rem_status model_put(model *m, int tenant, int table, const char *id, const json_t *props, const json_t *edges,
                            model_row **ret_row, rem_outcome *ret_outcome) {
  json_t *key = model_key_of(table, props);
  model_row *by_key = model_by_key(m, tenant, table, key), *by_id = id ? model_by_id(m, tenant, table, id) : NULL;
  bool taken = id && !by_id && model_by_id(m, tenant, !table, id); /* an id names one row in all tables */
  bool conflict = taken || (id && ((by_key && by_key != by_id) || (by_id && !json_equal(by_id->key, key) && (by_id->key || key))));
  if (conflict) {
    json_decref(key);
    return REM_CONFLICT;
  }
  json_t *wanted = json_deep_copy(props);
  model_defaults(table, wanted);
  model_row *row = by_id ? by_id : by_key;
  if (!row) {
    assert_true(m->count < MODEL_ROWS);
    row = &m->rows[m->count++];
    *row = (model_row){.tenant = tenant, .table = table, .key = json_incref(key), .props = wanted, .edges = json_array()};
    if (id)
      strcpy(row->id, id);
    model_merge_edges(row->edges, edges);
    *ret_outcome = REM_INSERTED;
  } else {
    json_t *merged = json_deep_copy(row->edges);
    model_merge_edges(merged, edges);
    bool same = same_props(row->props, wanted) && json_equal(merged, row->edges);
    *ret_outcome = row->deleted ? REM_INSERTED : same ? REM_UNCHANGED : REM_UPDATED;
    json_decref(row->props);
    json_decref(row->edges);
    row->props = wanted;
    row->edges = merged;
    row->deleted = false;
  }
  json_decref(key);
  *ret_row = row;
  return REM_OK;
}

/* Merges a patch. REM_NOT_FOUND, or REM_INVALID when it would change the key, with nothing changed. `edges` NULL: not given. */
static rem_status model_update(model *m, int tenant, int table, const json_t *name, const json_t *patch,
                               const json_t *edges, model_row **ret_row) {
  model_row *row = model_named(m, tenant, table, name);
  if (!row || row->deleted)
    return REM_NOT_FOUND;
  json_t *props = json_deep_copy(row->props);
  model_patch(props, patch);
  model_defaults(table, props);
  json_t *key = model_key_of(table, props);
  bool kept = key ? json_equal(key, row->key) : row->key == NULL;
  json_decref(key);
  if (!kept || (table == ITEM && !json_object_get(props, "code"))) {
    json_decref(props);
    return REM_INVALID;
  }
  json_decref(row->props);
  row->props = props;
  if (edges) {
    json_decref(row->edges);
    row->edges = json_array();
    model_merge_edges(row->edges, edges);
  }
  *ret_row = row;
  return REM_OK;
}

static rem_status model_delete(model *m, int tenant, int table, const json_t *name, model_row **ret_row) {
  model_row *row = model_named(m, tenant, table, name);
  if (!row || row->deleted)
    return REM_NOT_FOUND;
  row->deleted = true;
  *ret_row = row;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

/* Does the row have this value in the field? A list field has it when it contains it. */
static bool model_has(const model_row *row, const char *field, const json_t *value) {
  const json_t *stored = json_object_get(row->props, field);
  size_t i;
  json_t *element;
  if (json_is_null(value))
    return !stored || json_is_null(stored);
  if (!json_is_array(stored) || json_is_array(value))
    return json_is_number(stored) && json_is_number(value) ? json_number_value(stored) == json_number_value(value)
                                                           : json_equal(stored, value);
  json_array_foreach((json_t *)stored, i, element) {
    if (json_equal(element, value))
      return true;
  }
  return false;
}

static bool model_matches(const model_row *row, const json_t *where) {
  const char *field;
  json_t *value;
  json_object_foreach((json_t *)where, field, value) {
    if (!model_has(row, field, value))
      return false;
  }
  return true;
}

static bool is_uuid(const char *text) {
  return strlen(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' &&
         strspn(text, "0123456789abcdef-") == 36;
}

/* Is the row what the edge points to? Deleted rows are nothing. */
static bool edge_reaches(const json_t *edge, int tenant, const model_row *row) {
  const char *target = edge_part(edge, "target"), *table = edge_part(edge, "table");
  if (row->tenant != tenant || row->deleted)
    return false;
  if (strcmp(target, row->id) == 0)
    return true;
  if (is_uuid(target) || !row->key || strlen(target) != json_string_length(row->key) ||
      strcmp(target, json_string_value(row->key)) != 0)
    return false;
  return !*table || strcmp(table, model_tables[row->table]) == 0;
}

#endif
