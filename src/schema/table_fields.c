/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a schema says of its fields, its key and its embedding (D8-D10, D17, D27).
 *
 * Numbers: a field keeps its number for good. Fields of the generation before come first, in their order; what the
 * schema no longer lists stays as `removed`; new fields follow in the order of the schema.
 */
#include "schema/table_internal.h"

#include <strings.h>

#include "base/text.h"

static const char *const SYSTEM_FIELDS[] = {"id",    "created_at", "modified_at",  "deleted_at",
                                            "edges", "embedding",  "embedding_alt"};
enum { SYSTEM_FIELD_COUNT = sizeof SYSTEM_FIELDS / sizeof SYSTEM_FIELDS[0] };

bool rem_table_is_system_field(const char *name, size_t name_size) {
  for (size_t i = 0; i < SYSTEM_FIELD_COUNT; i++) {
    if (strlen(SYSTEM_FIELDS[i]) == name_size && memcmp(SYSTEM_FIELDS[i], name, name_size) == 0) return true;
  }
  return false;
}

static const json_t *not_null(const json_t *json) {
  return json_is_null(json) ? NULL : json;
}

const json_t *rem_table__extension(const json_t *schema, const json_t *root, const char *key) {
  const json_t *places[] = {schema, json_object_get(schema, "json_schema_extra"), root,
                            json_object_get(root, "json_schema_extra")};
  for (size_t i = 0; i < 4; i++) {
    const json_t *value = not_null(json_object_get(places[i], key));
    if (value != NULL) return value;
  }
  return NULL;
}

const json_t *rem_table_extension(const rem_table *table, const char *key) {
  return rem_table__extension(table->schema, table->private_parts->root, key);
}

rem_status rem_table__text(const rem_table *table, const char *key, const char **ret_text, rem_error *err) {
  const json_t *value = rem_table_extension(table, key);
  if (value != NULL && !json_is_string(value))
    return rem_error_set(err, REM_INVALID, "`%s` of the schema must be a string, not %s", key, rem_json_type_name(value));
  *ret_text = json_string_value(value);
  return REM_OK;
}

/* A system field in the schema is the database's own when a value of its type fits (D27). */
static bool system_field_fits(const char *name, rem_field_kind kind) {
  if (kind == REM_FIELD_ANY) return true;
  if (strcmp(name, "id") == 0) return kind == REM_FIELD_UUID || kind == REM_FIELD_TEXT;
  if (strcmp(name, "edges") == 0 || strncmp(name, "embedding", 9) == 0) return kind == REM_FIELD_LIST;
  return kind == REM_FIELD_INSTANT;
}

static rem_status check_system_field(rem_table *table, const char *name, const json_t *schema, rem_error *err) {
  bool nullable;
  if (system_field_fits(name, rem_table__kind(table->schema, schema, &nullable))) {
    table->private_parts->declares_system = true;
    return REM_OK;
  }
  rem_error_set(err, REM_INVALID, "field '%s' has the name of a system field but not its type", name);
  rem_error_hint(err, "Rename the field; the database adds '%s' to every row itself.", name);
  return REM_INVALID;
}

static rem_status case_clash(const char *name, const char *other, rem_error *err) {
  return rem_error_set(err, REM_INVALID, "field '%s' differs only in case from the field '%s'", name, other);
}

static rem_status check_field_name(const char *name, size_t size, rem_error *err) {
  if (size == 0 || size > REM_TABLE_MAX_FIELD_NAME)
    return rem_error_set(err, REM_INVALID, "field name '%.60s' is %zu bytes long; 1 to %d are allowed", name, size,
                         REM_TABLE_MAX_FIELD_NAME);
  if (name[0] == '_') {
    rem_error_set(err, REM_INVALID, "field '%s' begins with '_', which is kept for the database", name);
    rem_error_hint(err, "Rename the field.");
    return REM_INVALID;
  }
  for (size_t i = 0; i < SYSTEM_FIELD_COUNT; i++) {
    if (strcasecmp(name, SYSTEM_FIELDS[i]) == 0) return case_clash(name, SYSTEM_FIELDS[i], err);
  }
  if (strcasecmp(name, "type") == 0 && strcmp(name, "type") != 0) return case_clash(name, "type", err);
  return REM_OK;
}

static rem_status check_case(const rem_table *table, rem_error *err) {
  rem_hash_map folded REM_CLEANUP(rem_hash_map_deinit) = {0};
  for (size_t i = 0; i < table->field_count; i++) {
    const rem_field *field = &table->fields[i];
    if (field->removed) continue;
    char name[REM_TABLE_MAX_FIELD_NAME];
    for (size_t c = 0; c < field->name_size; c++) {
      char byte = field->name[c];
      name[c] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    void *other = NULL;
    REM_TRY(rem_hash_map_put(&folded, rem_slice_of(name, field->name_size), (void *)field, &other, err));
    if (other != NULL) return case_clash(field->name, ((const rem_field *)other)->name, err);
  }
  return REM_OK;
}

static rem_status add_field(rem_table *table, const char *name, size_t size, const json_t *schema, rem_error *err) {
  if (table->field_count == REM_TABLE_MAX_NUMBERS)
    return rem_error_set(err, REM_LIMIT, "the table has used up its %d field numbers", REM_TABLE_MAX_NUMBERS);
  rem_field *field = &table->fields[table->field_count];
  *field = (rem_field){.number = (uint16_t)table->field_count, .name_size = size, .schema = schema,
                       .removed = schema == NULL};
  field->name = rem_arena_strndup(&table->private_parts->arena, name, size);
  if (field->name == NULL) return rem_error_nomem(err);
  table->field_count++;
  if (field->removed) return REM_OK;
  field->kind = rem_table__kind(table->schema, schema, &field->nullable);
  if (field->kind == REM_FIELD_LIST) field->element = rem_table__element_kind(table->schema, schema);
  return rem_hash_map_put(&table->private_parts->by_name, rem_slice_of(field->name, size), field, NULL, err);
}

/* Fields that have a number already: those still in the schema, and the removed ones. */
static rem_status add_prior(rem_table *table, const json_t *properties, const rem_table_prior *prior, size_t count,
                            rem_error *err) {
  for (size_t i = 0; i < count; i++) {
    const char *name = prior[i].name;
    const json_t *schema = prior[i].removed ? NULL : json_object_get(properties, name);
    REM_TRY(add_field(table, name, strlen(name), schema, err));
  }
  return REM_OK;
}

static rem_status add_new(rem_table *table, json_t *properties, rem_error *err) {
  const char *name;
  json_t *schema;
  json_object_foreach(properties, name, schema) {
    size_t size = strlen(name);
    if (rem_table_is_system_field(name, size)) {
      REM_TRY(check_system_field(table, name, schema, err));
      continue;
    }
    if (rem_table_field(table, name, size) != NULL) continue;
    REM_TRY(check_field_name(name, size, err));
    REM_TRY(add_field(table, name, size, schema, err));
  }
  return REM_OK;
}

rem_status rem_table__read_fields(rem_table *table, const rem_table_prior *prior, size_t prior_count,
                                  rem_error *err) {
  json_t *properties = json_object_get(table->private_parts->root, "properties");
  if (properties != NULL && !json_is_object(properties))
    return rem_error_set(err, REM_INVALID, "`properties` of the schema must be an object, not %s",
                         rem_json_type_name(properties));
  size_t count = json_object_size(properties);
  if (count > REM_TABLE_MAX_FIELDS)
    return rem_error_set(err, REM_LIMIT, "the schema has %zu fields; at most %d are allowed", count,
                         REM_TABLE_MAX_FIELDS);
  table->fields = rem_arena_calloc(&table->private_parts->arena, prior_count + count, sizeof *table->fields);
  if (table->fields == NULL) return rem_error_nomem(err);
  REM_TRY(add_prior(table, properties, prior, prior_count, err));
  REM_TRY(add_new(table, properties, err));
  return check_case(table, err);
}

static rem_status unknown_field(const rem_table *table, const char *key, const char *name, rem_error *err) {
  rem_error_set(err, REM_INVALID, "`%s` names '%s', which is not a field of the schema", key, name);
  const char **names = rem_alloc((table->field_count + 1) * sizeof *names);
  if (names == NULL) return REM_INVALID;
  size_t count = 0;
  for (size_t i = 0; i < table->field_count; i++) {
    if (!table->fields[i].removed) names[count++] = table->fields[i].name;
  }
  const char *nearest = rem_text_nearest(name, names, count);
  rem_free(names);
  if (nearest != NULL)
    rem_error_hint(err, "Did you mean '%s'?", nearest);
  else
    rem_error_hint(err, "Add the field to `properties`, or leave it out of `%s`.", key);
  return REM_INVALID;
}

/* The items of a list of field names; NULL and none when the key is absent. */
static rem_status name_list(const rem_table *table, const char *key, const json_t **ret_list, rem_error *err) {
  const json_t *list = rem_table_extension(table, key);
  if (list != NULL && !json_is_array(list))
    return rem_error_set(err, REM_INVALID, "`%s` must be a list of field names, not %s", key, rem_json_type_name(list));
  for (size_t i = 0; i < json_array_size(list); i++) {
    if (!json_is_string(json_array_get(list, i)))
      return rem_error_set(err, REM_INVALID, "`%s` must hold field names only; item %zu is %s", key, i + 1,
                           rem_json_type_name(json_array_get(list, i)));
  }
  *ret_list = list;
  return REM_OK;
}

static rem_status named_field(const rem_table *table, const char *key, const char *name, rem_field **ret_field,
                              rem_error *err) {
  const rem_field *field = rem_table_field(table, name, strlen(name));
  if (field == NULL) return unknown_field(table, key, name, err);
  *ret_field = &table->fields[field->number];
  return REM_OK;
}

static rem_status mark_indexed(rem_field *field, bool trigram, rem_error *err) {
  if (field->kind == REM_FIELD_OBJECT)
    return rem_error_set(err, REM_INVALID, "field '%s' holds objects and cannot be indexed", field->name);
  if (trigram)
    field->trigram = true;
  else
    field->indexed = true;
  return REM_OK;
}

/* System fields in these lists are passed over: the database has its own means for them. */
static rem_status read_index_list(rem_table *table, const char *key, bool trigram, rem_error *err) {
  const json_t *list;
  REM_TRY(name_list(table, key, &list, err));
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *name = json_string_value(json_array_get(list, i));
    if (rem_table_is_system_field(name, strlen(name))) continue;
    rem_field *field = NULL;
    REM_TRY(named_field(table, key, name, &field, err));
    REM_TRY(mark_indexed(field, trigram, err));
  }
  return REM_OK;
}

static rem_status read_trigram_length(rem_table *table, rem_error *err) {
  const json_t *length = rem_table_extension(table, "trigram_min_length");
  table->trigram_min_length = 3;
  if (length == NULL) return REM_OK;
  json_int_t value = json_integer_value(length);
  if (!json_is_integer(length) || value < 1 || value > 1000)
    return rem_error_set(err, REM_INVALID, "`trigram_min_length` must be an integer from 1 to 1000");
  table->trigram_min_length = (uint32_t)value;
  return REM_OK;
}

rem_status rem_table__read_indexes(rem_table *table, rem_error *err) {
  REM_TRY(read_index_list(table, "indexed_fields", false, err));
  REM_TRY(read_index_list(table, "trigram_fields", true, err));
  REM_TRY(read_trigram_length(table, err));
  uint16_t *numbers = rem_arena_alloc(&table->private_parts->arena, table->field_count * sizeof *numbers);
  if (numbers == NULL) return rem_error_nomem(err);
  for (size_t i = 0; i < table->field_count; i++) {
    if (table->fields[i].indexed) numbers[table->indexed_count++] = (uint16_t)i;
  }
  table->indexed = numbers;
  return REM_OK;
}

/* Appends a field to the key; what cannot be a part of one is refused. */
static rem_status add_key_field(rem_table *table, const char *key, const char *name, uint16_t *numbers,
                                rem_error *err) {
  rem_field *field = NULL;
  REM_TRY(named_field(table, key, name, &field, err));
  if (field->kind == REM_FIELD_LIST || field->kind == REM_FIELD_OBJECT)
    return rem_error_set(err, REM_INVALID, "`%s` names '%s', which holds lists or objects and cannot be a key", key, name);
  numbers[table->key_field_count++] = field->number;
  return REM_OK;
}

static rem_status read_key_fields(rem_table *table, const json_t *list, uint16_t *numbers, rem_error *err) {
  size_t count = json_array_size(list);
  if (count == 0 || count > REM_TABLE_MAX_KEY_FIELDS)
    return rem_error_set(err, REM_INVALID, "`key_fields` must name 1 to %d fields", REM_TABLE_MAX_KEY_FIELDS);
  for (size_t i = 0; i < count; i++)
    REM_TRY(add_key_field(table, "key_fields", json_string_value(json_array_get(list, i)), numbers, err));
  table->key_rule = REM_KEY_FIELDS;
  return REM_OK;
}

rem_status rem_table__read_key(rem_table *table, rem_error *err) {
  uint16_t *numbers = rem_arena_alloc(&table->private_parts->arena, REM_TABLE_MAX_KEY_FIELDS * sizeof *numbers);
  if (numbers == NULL) return rem_error_nomem(err);
  table->key_fields = numbers;
  bool resource = strcmp(table->name, "resources") == 0;
  if (resource || strcmp(table->name, "moments") == 0) {
    table->key_rule = resource ? REM_KEY_RESOURCE : REM_KEY_MOMENT;
    REM_TRY(add_key_field(table, "key", resource ? "uri" : "name", numbers, err));
    return add_key_field(table, "key", resource ? "ordinal" : "start_time", numbers, err);
  }
  const json_t *list;
  const char *name;
  REM_TRY(name_list(table, "key_fields", &list, err));
  REM_TRY(rem_table__text(table, "key_field", &name, err));
  if (list != NULL && name != NULL)
    return rem_error_set(err, REM_INVALID, "the schema gives both `key_field` and `key_fields`; one is allowed");
  if (list != NULL) return read_key_fields(table, list, numbers, err);
  /* The id is a key without being told (D8). */
  if (name == NULL || strcmp(name, "id") == 0) return REM_OK;
  table->key_rule = REM_KEY_FIELD;
  return add_key_field(table, "key_field", name, numbers, err);
}

static bool may_hold_text(const rem_field *field) {
  return field->kind == REM_FIELD_TEXT || field->kind == REM_FIELD_ANY;
}

/* The provider of one embedded field: its own annotation, else the schema's. */
static const char *provider_of(const rem_table *table, const rem_field *field) {
  const char *own = json_string_value(json_object_get(field->schema, "embedding_provider"));
  if (own == NULL)
    own = json_string_value(
        json_object_get(json_object_get(field->schema, "json_schema_extra"), "embedding_provider"));
  return own != NULL ? own : table->embedding_provider;
}

/* Without `embedding_fields`: fields with a provider of their own, and content and description when the schema has one. */
static size_t implied_embedding(const rem_table *table, uint16_t *numbers) {
  size_t count = 0;
  for (size_t i = 0; i < table->field_count; i++) {
    const rem_field *field = &table->fields[i];
    if (field->removed || !may_hold_text(field)) continue;
    const char *provider = provider_of(table, field);
    bool named = strcmp(field->name, "content") == 0 || strcmp(field->name, "description") == 0;
    if (provider != NULL && (named || provider != table->embedding_provider)) numbers[count++] = field->number;
  }
  return count;
}

static rem_status given_embedding(rem_table *table, const json_t *list, uint16_t *numbers, size_t *ret_count,
                                  rem_error *err) {
  size_t count = json_array_size(list);
  if (count > table->field_count)
    return rem_error_set(err, REM_INVALID, "`embedding_fields` names a field twice");
  for (size_t i = 0; i < count; i++) {
    rem_field *field = NULL;
    REM_TRY(named_field(table, "embedding_fields", json_string_value(json_array_get(list, i)), &field, err));
    if (!may_hold_text(field)) {
      rem_error_set(err, REM_INVALID, "`embedding_fields` names '%s', which does not hold text", field->name);
      rem_error_hint(err, "Only text can be embedded; leave the field out.");
      return REM_INVALID;
    }
    numbers[i] = field->number;
  }
  *ret_count = count;
  return REM_OK;
}

/* One model per slot: all embedded fields must agree (D17). */
static rem_status settle_provider(rem_table *table, rem_error *err) {
  const char *settled = NULL;
  for (size_t i = 0; i < table->embedding_field_count; i++) {
    const rem_field *field = &table->fields[table->embedding_fields[i]];
    const char *provider = provider_of(table, field);
    if (provider == NULL) provider = "default";
    if (settled != NULL && strcmp(settled, provider) != 0)
      return rem_error_set(err, REM_INVALID, "the embedded fields name two providers, '%s' and '%s'; one is allowed",
                           settled, provider);
    settled = provider;
  }
  if (settled != NULL) table->embedding_provider = settled;
  return REM_OK;
}

rem_status rem_table__read_embedding(rem_table *table, rem_error *err) {
  const json_t *list;
  REM_TRY(rem_table__text(table, "embedding_provider", &table->embedding_provider, err));
  REM_TRY(name_list(table, "embedding_fields", &list, err));
  uint16_t *numbers = rem_arena_alloc(&table->private_parts->arena, table->field_count * sizeof *numbers);
  if (numbers == NULL) return rem_error_nomem(err);
  table->embedding_fields = numbers;
  if (json_array_size(list) > 0)
    REM_TRY(given_embedding(table, list, numbers, &table->embedding_field_count, err));
  else
    table->embedding_field_count = implied_embedding(table, numbers);
  return settle_provider(table, err);
}
