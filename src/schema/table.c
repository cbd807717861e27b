/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: making, sharing, validating rows, applying defaults. */
#include "schema/table.h"

#include <stdatomic.h>

#include "schema/table_internal.h"
#include "schema/validator.h"

static void table_free(rem_table *table) {
  if (table == NULL) return;
  json_decref((json_t *)table->schema);
  if (table->private_parts != NULL) {
    rem_validator_free(atomic_load(&table->private_parts->validator));
    rem_hash_map_deinit(&table->private_parts->by_name);
    rem_arena_deinit(&table->private_parts->arena);
    rem_free(table->private_parts);
  }
  rem_free(table);
}

rem_table *rem_table_ref(rem_table *table) {
  atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
  return table;
}

void rem_table_unref(rem_table *table) {
  if (table == NULL) return;
  if (atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) == 1) table_free(table);
}

static void table_cleanup(rem_table **table) {
  rem_table_unref(*table);
}

static rem_status copy_text(rem_table *table, const char *text, const char **ret_text, rem_error *err) {
  *ret_text = NULL;
  if (text == NULL) return REM_OK;
  *ret_text = rem_arena_strdup(&table->private_parts->arena, text);
  return *ret_text != NULL ? REM_OK : rem_error_nomem(err);
}

static rem_status copy_slots(rem_table *table, const rem_slot slots[REM_SLOT_COUNT], rem_slot ret_slots[REM_SLOT_COUNT],
                             rem_error *err) {
  for (size_t i = 0; i < REM_SLOT_COUNT; i++) {
    ret_slots[i].area = slots[i].model != NULL ? slots[i].area : (uint8_t)i;
    if (slots[i].model == NULL) continue;
    REM_TRY(copy_text(table, slots[i].model, &ret_slots[i].model, err));
    REM_TRY(copy_text(table, slots[i].sha256, &ret_slots[i].sha256, err));
    ret_slots[i].dimension = slots[i].dimension;
  }
  return REM_OK;
}

static bool same_text(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool rem_slot_same(const rem_slot *a, const rem_slot *b) {
  return a->area == b->area && a->dimension == b->dimension && same_text(a->model, b->model) &&
         same_text(a->sha256, b->sha256);
}

bool rem_table_same_slots(const rem_table *a, const rem_table *b) {
  for (size_t i = 0; i < REM_SLOT_COUNT; i++) {
    if (!rem_slot_same(&a->slots[i], &b->slots[i]) || !rem_slot_same(&a->moving[i], &b->moving[i])) return false;
  }
  return true;
}

/* Descriptive texts stay in the schema, which the table holds. */
static rem_status read_texts(rem_table *table, rem_error *err) {
  struct {
    const char *key, **place;
  } texts[] = {{"title", &table->title},
               {"category", &table->category},
               {"version", &table->version},
               {"description", &table->description}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    REM_TRY(rem_table__text(table, texts[i].key, texts[i].place, err));
    if (*texts[i].place == NULL) *texts[i].place = "";
  }
  return REM_OK;
}

static rem_table *table_alloc(json_t *schema) {
  rem_table *table = rem_calloc(1, sizeof *table);
  if (table == NULL) return NULL;
  table->references = 1;
  table->private_parts = rem_calloc(1, sizeof *table->private_parts);
  if (table->private_parts == NULL) {
    rem_free(table);
    return NULL;
  }
  table->schema = json_incref(schema);
  table->private_parts->root = rem_table__root(schema);
  return table;
}

rem_status rem_table__build(const rem_table_parts *parts, rem_table **ret_table, rem_error *err) {
  rem_table *table REM_CLEANUP(table_cleanup) = table_alloc(parts->schema);
  if (table == NULL) return rem_error_nomem(err);
  REM_TRY(copy_text(table, parts->name, &table->name, err));
  REM_TRY(copy_text(table, parts->type, &table->type, err));
  table->generation = parts->generation;
  table->builtin = rem_table__is_builtin_name(table->name);
  REM_TRY(copy_slots(table, parts->slots, table->slots, err));
  REM_TRY(copy_slots(table, parts->moving, table->moving, err));
  REM_TRY(read_texts(table, err));
  REM_TRY(rem_table__read_fields(table, parts->prior, parts->prior_count, err));
  REM_TRY(rem_table__read_indexes(table, err));
  REM_TRY(rem_table__read_key(table, err));
  REM_TRY(rem_table__read_embedding(table, err));
  *ret_table = REM_TAKE(table);
  return REM_OK;
}

rem_status rem_table__priors(const rem_table *previous, rem_table_prior **ret_prior, rem_error *err) {
  rem_table_prior *prior = rem_calloc(previous->field_count, sizeof *prior);
  if (prior == NULL) return rem_error_nomem(err);
  for (size_t i = 0; i < previous->field_count; i++)
    prior[i] = (rem_table_prior){previous->fields[i].name, previous->fields[i].removed};
  *ret_prior = prior;
  return REM_OK;
}

rem_status rem_table_new(const json_t *schema, const char *name_override, const rem_table *previous,
                         rem_table **ret_table, rem_error *err) {
  if (!json_is_object(schema))
    return rem_error_set(err, REM_INVALID, "a schema must be an object, not %s", rem_json_type_name(schema));
  rem_arena arena REM_AUTO_ARENA = {0};
  rem_table_parts parts = {.generation = 1};
  REM_TRY(rem_table__derive_name(schema, name_override, &arena, &parts.name, &parts.type, err));
  rem_table_prior *prior REM_AUTO_FREE = NULL;
  if (previous != NULL) {
    REM_TRY(rem_table__priors(previous, &prior, err));
    parts.prior_count = previous->field_count;
    parts.generation = previous->generation + 1;
    memcpy(parts.slots, previous->slots, sizeof parts.slots);
    memcpy(parts.moving, previous->moving, sizeof parts.moving);
  }
  parts.prior = prior;
  json_t *copy REM_AUTO_JSON = json_deep_copy(schema);
  if (copy == NULL) return rem_error_nomem(err);
  parts.schema = copy;
  return rem_table__build(&parts, ret_table, err);
}

rem_status rem_table_with_slot(const rem_table *table, size_t slot, const rem_slot *model, const rem_slot *moving,
                               rem_table **ret_table, rem_error *err) {
  rem_table_prior *prior REM_AUTO_FREE = NULL;
  REM_TRY(rem_table__priors(table, &prior, err));
  json_t *copy REM_AUTO_JSON = json_deep_copy(table->schema);
  if (copy == NULL) return rem_error_nomem(err);
  rem_table_parts parts = {.schema = copy,
                           .name = table->name,
                           .type = table->type,
                           .generation = table->generation,
                           .prior = prior,
                           .prior_count = table->field_count};
  memcpy(parts.slots, table->slots, sizeof parts.slots);
  memcpy(parts.moving, table->moving, sizeof parts.moving);
  parts.slots[slot] = model != NULL ? *model : (rem_slot){0};
  parts.moving[slot] = moving != NULL ? *moving : (rem_slot){0};
  return rem_table__build(&parts, ret_table, err);
}

const rem_field *rem_table_field(const rem_table *table, const char *name, size_t name_size) {
  return rem_hash_map_get(&table->private_parts->by_name, rem_slice_of(name, name_size));
}

static rem_status drop_system_required(json_t *root, rem_error *err) {
  json_t *required = json_object_get(root, "required");
  if (!json_is_array(required)) return REM_OK;
  json_t *kept REM_AUTO_JSON = json_array();
  for (size_t i = 0; i < json_array_size(required); i++) {
    json_t *name = json_array_get(required, i);
    bool system = json_is_string(name) && rem_table_is_system_field(json_string_value(name), json_string_length(name));
    if (!system && json_array_append(kept, name) != 0) return rem_error_nomem(err);
  }
  return json_object_set(root, "required", kept) == 0 ? REM_OK : rem_error_nomem(err);
}

/* The rows validated carry no system fields, so a schema that lists them is compiled without them. */
static rem_status drop_system_fields(json_t *root, rem_error *err) {
  json_t *properties = json_object_get(root, "properties");
  const char *name;
  json_t *value;
  void *next;
  json_object_foreach_safe(properties, next, name, value) {
    if (rem_table_is_system_field(name, strlen(name))) json_object_del(properties, name);
  }
  return drop_system_required(root, err);
}

/* A copy in any case: the validator counts references on what it is given, and those of a shared table stay untouched. */
static rem_status schema_of_rows(const rem_table *table, json_t **ret_schema, rem_error *err) {
  json_t *copy REM_AUTO_JSON = json_deep_copy(table->schema);
  if (copy == NULL) return rem_error_nomem(err);
  if (table->private_parts->declares_system) REM_TRY(drop_system_fields((json_t *)rem_table__root(copy), err));
  *ret_schema = REM_TAKE(copy);
  return REM_OK;
}

/* Two threads may compile at once; the first to be done is kept. */
static rem_status table_validator(rem_table *table, const rem_validator **ret_validator, rem_error *err) {
  rem_validator *validator = atomic_load_explicit(&table->private_parts->validator, memory_order_acquire);
  if (validator == NULL) {
    json_t *schema REM_AUTO_JSON = NULL;
    REM_TRY(schema_of_rows(table, &schema, err));
    REM_TRY(rem_validator_new(schema, &validator, err));
    rem_validator *first = NULL;
    if (!atomic_compare_exchange_strong(&table->private_parts->validator, &first, validator)) {
      rem_validator_free(validator);
      validator = first;
    }
  }
  *ret_validator = validator;
  return REM_OK;
}

rem_status rem_table_check_schema(rem_table *table, rem_error *err) {
  const json_t *type = json_object_get(table->private_parts->root, "type");
  const rem_validator *validator = NULL;
  if (type != NULL && !(json_is_string(type) && strcmp(json_string_value(type), "object") == 0)) {
    rem_error_set(err, REM_INVALID, "at '/type': the schema of a table describes objects, so its type is \"object\"");
    rem_error_hint(err, "write \"type\": \"object\", and the fields under \"properties\"");
    return REM_INVALID;
  }
  return table_validator(table, &validator, err);
}

rem_status rem_table_validate(rem_table *table, const json_t *properties, rem_error *err) {
  const rem_validator *validator = NULL;
  REM_TRY(table_validator(table, &validator, err));
  return rem_validator_check(validator, properties, err);
}

static rem_status rename_chunk_ordinal(json_t *properties, rem_error *err) {
  json_t *value = json_object_get(properties, "chunk_ordinal");
  if (value == NULL || json_object_get(properties, "ordinal") != NULL) return REM_OK;
  if (json_object_set(properties, "ordinal", value) != 0) return rem_error_nomem(err);
  json_object_del(properties, "chunk_ordinal");
  return REM_OK;
}

rem_status rem_table_apply_defaults(rem_table *table, json_t *properties, rem_error *err) {
  if (table->key_rule == REM_KEY_RESOURCE) REM_TRY(rename_chunk_ordinal(properties, err));
  const rem_validator *validator = NULL;
  REM_TRY(table_validator(table, &validator, err));
  return rem_validator_apply_defaults(validator, properties, err);
}
