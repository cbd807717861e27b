/* SPDX-License-Identifier: Apache-2.0 */
#include "query/columns.h"

#include <strings.h>

#include "vector/similarity.h"

static const struct {
  const char *name;
  rem_column_place place;
  rem_field_kind kind;
  uint8_t slot, metric;
  bool hidden;
} SYSTEM[] = {
    {"id", REM_COLUMN_ID, REM_FIELD_UUID, 0, 0, false},
    {"type", REM_COLUMN_TYPE, REM_FIELD_TEXT, 0, 0, false},
    {"created_at", REM_COLUMN_CREATED_AT, REM_FIELD_INSTANT, 0, 0, false},
    {"modified_at", REM_COLUMN_MODIFIED_AT, REM_FIELD_INSTANT, 0, 0, false},
    {"deleted_at", REM_COLUMN_DELETED_AT, REM_FIELD_INSTANT, 0, 0, false},
    {"edges", REM_COLUMN_EDGES, REM_FIELD_LIST, 0, 0, false},
    {"_doc", REM_COLUMN_DOC, REM_FIELD_OBJECT, 0, 0, true},
    {"_score", REM_COLUMN_SCORE, REM_FIELD_REAL, 0, 0, true},
    {"_min_score", REM_COLUMN_MIN_SCORE, REM_FIELD_REAL, 0, 0, true},
    {"embedding", REM_COLUMN_EMBEDDING, REM_FIELD_LIST, 0, 0, true},
    {"embedding_alt", REM_COLUMN_EMBEDDING, REM_FIELD_LIST, 1, 0, true},
    {"_vector", REM_COLUMN_VECTOR, REM_FIELD_ANY, 0, 0, true},
    {"_vector_alt", REM_COLUMN_VECTOR, REM_FIELD_ANY, 1, 0, true},
    {"_cosine", REM_COLUMN_SEARCH, REM_FIELD_ANY, 0, REM_METRIC_COSINE, true},
    {"_inner_product", REM_COLUMN_SEARCH, REM_FIELD_ANY, 0, REM_METRIC_INNER_PRODUCT, true},
    {"_l2", REM_COLUMN_SEARCH, REM_FIELD_ANY, 0, REM_METRIC_L2, true},
    {"_cosine_alt", REM_COLUMN_SEARCH, REM_FIELD_ANY, 1, REM_METRIC_COSINE, true},
    {"_inner_product_alt", REM_COLUMN_SEARCH, REM_FIELD_ANY, 1, REM_METRIC_INNER_PRODUCT, true},
    {"_l2_alt", REM_COLUMN_SEARCH, REM_FIELD_ANY, 1, REM_METRIC_L2, true},
};
#define SYSTEM_COUNT ((int)(sizeof SYSTEM / sizeof *SYSTEM))

static bool is_required(const rem_table *table, const rem_field *field) {
  size_t index;
  json_t *name;
  json_array_foreach(json_object_get(table->schema, "required"), index, name)
    if (json_is_string(name) && strcmp(json_string_value(name), field->name) == 0)
      return true;
  return false;
}

static int add_fields(rem_column *items, const rem_table *table) {
  int count = 0;
  for (size_t i = 0; i < table->field_count; i++) {
    const rem_field *field = &table->fields[i];
    if (field->removed || rem_table_is_system_field(field->name, field->name_size))
      continue;
    items[count++] = (rem_column){.name = field->name,
                                  .place = REM_COLUMN_FIELD,
                                  .field = field,
                                  .kind = field->kind,
                                  .required = is_required(table, field)};
  }
  return count;
}

static void add_system(rem_column *items, bool has_type) {
  for (int i = 0; i < SYSTEM_COUNT; i++) {
    items[i] = (rem_column){.name = SYSTEM[i].name,
                            .place = SYSTEM[i].place,
                            .kind = SYSTEM[i].kind,
                            .slot = SYSTEM[i].slot,
                            .metric = SYSTEM[i].metric,
                            .hidden = SYSTEM[i].hidden};
    if (has_type && items[i].place == REM_COLUMN_TYPE)
      items[i].name = "_type"; /* D2 */
  }
}

rem_status rem_columns_init(rem_columns *columns, const rem_table *table, rem_error *err) {
  *columns = (rem_columns){0};
  rem_column *items = rem_arena_calloc(&columns->arena, table->field_count + SYSTEM_COUNT, sizeof *items);
  if (!items)
    return rem_error_nomem(err);
  int count = add_fields(items, table);
  add_system(items + count, rem_table_field(table, "type", 4) != NULL);
  columns->items = items;
  columns->id = count;
  columns->count = count + SYSTEM_COUNT;
  return REM_OK;
}

void rem_columns_deinit(rem_columns *columns) {
  rem_arena_deinit(&columns->arena);
  *columns = (rem_columns){0};
}

/* "TEXT_INSTANT" and its like have the affinity of text; "INT" must not be in them. */
const char *rem_columns_type_name(rem_field_kind kind) {
  switch (kind) {
  case REM_FIELD_BOOL: return "BOOLEAN";
  case REM_FIELD_INT: return "INTEGER";
  case REM_FIELD_REAL: return "REAL";
  case REM_FIELD_TEXT: return "TEXT";
  case REM_FIELD_INSTANT: return "TEXT_INSTANT";
  case REM_FIELD_UUID: return "TEXT_UUID";
  case REM_FIELD_LIST:
  case REM_FIELD_OBJECT: return "TEXT_JSON";
  case REM_FIELD_ANY: break;
  }
  return "";
}

typedef struct declared_type {
  const char *name;
  rem_type type;
  rem_field_kind kind; /* TEXT_JSON is that of lists too */
} declared_type;

/* The last one is for what is none of them. */
static const declared_type declared_types[] = {
    {"BOOLEAN", REM_TYPE_BOOL, REM_FIELD_BOOL},
    {"INTEGER", REM_TYPE_INT, REM_FIELD_INT},
    {"REAL", REM_TYPE_REAL, REM_FIELD_REAL},
    {"TEXT", REM_TYPE_TEXT, REM_FIELD_TEXT},
    {"TEXT_INSTANT", REM_TYPE_INSTANT, REM_FIELD_INSTANT},
    {"TEXT_UUID", REM_TYPE_UUID, REM_FIELD_UUID},
    {"TEXT_JSON", REM_TYPE_JSON, REM_FIELD_OBJECT},
    {NULL, REM_TYPE_NULL, REM_FIELD_ANY},
};

static const declared_type *find_declared(const char *declared) {
  const declared_type *type = declared_types;
  while (type->name && !(declared && strcmp(declared, type->name) == 0))
    type++;
  return type;
}

rem_type rem_columns_type_of(const char *declared) {
  return find_declared(declared)->type;
}

rem_field_kind rem_columns_kind_of(const char *declared) {
  return find_declared(declared)->kind;
}

void rem_columns_append_quoted(rem_buffer *buffer, const char *name) {
  rem_buffer_append_byte(buffer, '"');
  for (; *name; name++) {
    if (*name == '"')
      rem_buffer_append_byte(buffer, '"');
    rem_buffer_append_byte(buffer, (uint8_t)*name);
  }
  rem_buffer_append_byte(buffer, '"');
}

/* The collations need no word but this one: instants are compared as instants whatever form the other side has (D19). */
void rem_columns_declare(const rem_columns *columns, rem_buffer *buffer) {
  rem_buffer_append_text(buffer, "CREATE TABLE x(");
  for (int i = 0; i < columns->count; i++) {
    const rem_column *column = &columns->items[i];
    rem_buffer_append_text(buffer, i ? "," : "");
    rem_columns_append_quoted(buffer, column->name);
    rem_buffer_append_byte(buffer, ' ');
    rem_buffer_append_text(buffer, rem_columns_type_name(column->kind));
    if (column->kind == REM_FIELD_INSTANT)
      rem_buffer_append_text(buffer, " COLLATE rem_instant");
    if (column->hidden)
      rem_buffer_append_text(buffer, " HIDDEN");
    if (column->place == REM_COLUMN_ID)
      rem_buffer_append_text(buffer, " PRIMARY KEY NOT NULL");
  }
  rem_buffer_append_text(buffer, ") WITHOUT ROWID");
  rem_buffer_append_byte(buffer, 0);
}

const rem_column *rem_columns_find(const rem_columns *columns, const char *name, size_t name_size) {
  for (int i = 0; i < columns->count; i++)
    if (strlen(columns->items[i].name) == name_size && strncasecmp(columns->items[i].name, name, name_size) == 0)
      return &columns->items[i];
  return NULL;
}
