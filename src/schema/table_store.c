/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stored form of a table (table.h): JSON in the `meta` family, written by the registering transaction and read when the
 * table is first used. Field numbers stand in it, because the schema alone does not give them.
 */
#include "schema/table_internal.h"

static void append_key(rem_buffer *buffer, const char *key) {
  rem_json_append_string(buffer, key, strlen(key));
  rem_buffer_append_byte(buffer, ':');
}

static void append_text(rem_buffer *buffer, const char *key, const char *text) {
  append_key(buffer, key);
  if (text == NULL)
    rem_buffer_append_text(buffer, "null");
  else
    rem_json_append_string(buffer, text, strlen(text));
}

static void append_fields(const rem_table *table, rem_buffer *buffer) {
  for (size_t i = 0; i < table->field_count; i++) {
    const rem_field *field = &table->fields[i];
    rem_buffer_append_text(buffer, i == 0 ? "{" : ",{");
    append_text(buffer, "name", field->name);
    rem_buffer_append_format(buffer, ",\"number\":%u,\"indexed\":%s", field->number, field->indexed ? "true" : "false");
    rem_buffer_append_text(buffer, field->removed ? ",\"removed\":true}" : "}");
  }
}

static void append_slots(const rem_slot slots[REM_SLOT_COUNT], rem_buffer *buffer) {
  for (size_t i = 0; i < REM_SLOT_COUNT; i++) {
    const rem_slot *slot = &slots[i];
    if (i > 0) rem_buffer_append_byte(buffer, ',');
    if (slot->model == NULL) {
      rem_buffer_append_text(buffer, "null");
      continue;
    }
    rem_buffer_append_byte(buffer, '{');
    append_text(buffer, "model", slot->model);
    rem_buffer_append_byte(buffer, ',');
    append_text(buffer, "sha256", slot->sha256);
    rem_buffer_append_format(buffer, ",\"dimension\":%u", slot->dimension);
    if (slot->area != i) rem_buffer_append_format(buffer, ",\"area\":%u", slot->area);
    rem_buffer_append_byte(buffer, '}');
  }
}

static bool is_moving(const rem_table *table) {
  for (size_t i = 0; i < REM_SLOT_COUNT; i++) {
    if (table->moving[i].model != NULL) return true;
  }
  return false;
}

rem_status rem_table_store(const rem_table *table, rem_buffer *buffer, rem_error *err) {
  rem_buffer_append_byte(buffer, '{');
  append_text(buffer, "name", table->name);
  rem_buffer_append_byte(buffer, ',');
  append_text(buffer, "type", table->type);
  rem_buffer_append_format(buffer, ",\"generation\":%u,\"schema\":", table->generation);
  REM_TRY(rem_json_append(buffer, table->schema, err));
  rem_buffer_append_text(buffer, ",\"fields\":[");
  append_fields(table, buffer);
  rem_buffer_append_text(buffer, "],\"slots\":[");
  append_slots(table->slots, buffer);
  if (is_moving(table)) {
    rem_buffer_append_text(buffer, "],\"moving\":[");
    append_slots(table->moving, buffer);
  }
  rem_buffer_append_text(buffer, "]}");
  return rem_buffer_status(buffer, err);
}

static rem_status damaged(const char *what, rem_error *err) {
  rem_error_set(err, REM_CORRUPT, "a stored schema is damaged: %s", what);
  rem_error_hint(err, "Restore the database from a backup, or register the schema again.");
  return REM_CORRUPT;
}

static rem_status load_priors(const json_t *fields, rem_table_prior **ret_prior, rem_error *err) {
  size_t count = json_array_size(fields);
  if (!json_is_array(fields) || count > REM_TABLE_MAX_NUMBERS) return damaged("no list of fields", err);
  rem_table_prior *prior REM_AUTO_FREE = rem_calloc(count, sizeof *prior);
  if (prior == NULL) return rem_error_nomem(err);
  for (size_t i = 0; i < count; i++) {
    const json_t *field = json_array_get(fields, i);
    const json_t *number = json_object_get(field, "number");
    prior[i].name = json_string_value(json_object_get(field, "name"));
    prior[i].removed = json_is_true(json_object_get(field, "removed"));
    if (prior[i].name == NULL || !json_is_integer(number) || json_integer_value(number) != (json_int_t)i)
      return damaged("field numbers out of order", err);
  }
  *ret_prior = REM_TAKE(prior);
  return REM_OK;
}

static rem_status load_slots(const json_t *slots, rem_slot ret_slots[REM_SLOT_COUNT], rem_error *err) {
  for (size_t i = 0; i < REM_SLOT_COUNT; i++) {
    const json_t *slot = json_array_get(slots, i);
    if (!json_is_object(slot)) continue;
    json_int_t dimension = json_integer_value(json_object_get(slot, "dimension"));
    ret_slots[i].model = json_string_value(json_object_get(slot, "model"));
    ret_slots[i].sha256 = json_string_value(json_object_get(slot, "sha256"));
    const json_t *area = json_object_get(slot, "area");
    json_int_t number = area != NULL ? json_integer_value(area) : (json_int_t)i;
    if (ret_slots[i].model == NULL || dimension < 0 || dimension > 1 << 20 || number < 0 || number >= REM_AREA_COUNT)
      return damaged("bad embedding slot", err);
    ret_slots[i].dimension = (uint32_t)dimension;
    ret_slots[i].area = (uint8_t)number;
  }
  return REM_OK;
}

/* Every live field must have had its number: a table that is only read never gives away new ones. */
static rem_status check_loaded(const rem_table *table, size_t prior_count, const rem_table_prior *prior, rem_error *err) {
  if (table->field_count != prior_count) return damaged("a field has no number", err);
  for (size_t i = 0; i < prior_count; i++) {
    if (table->fields[i].removed != prior[i].removed) return damaged("a field is not in the schema", err);
  }
  return REM_OK;
}

static rem_status load_parts(const json_t *stored, rem_table **ret_table, rem_error *err) {
  rem_table_parts parts = {.schema = json_object_get(stored, "schema"),
                           .name = json_string_value(json_object_get(stored, "name")),
                           .type = json_string_value(json_object_get(stored, "type"))};
  json_int_t generation = json_integer_value(json_object_get(stored, "generation"));
  if (parts.name == NULL || parts.type == NULL || !json_is_object(parts.schema) || generation < 1 ||
      generation > UINT32_MAX)
    return damaged("name, type, generation or schema missing", err);
  parts.generation = (uint32_t)generation;
  rem_table_prior *prior REM_AUTO_FREE = NULL;
  REM_TRY(load_priors(json_object_get(stored, "fields"), &prior, err));
  parts.prior = prior;
  parts.prior_count = json_array_size(json_object_get(stored, "fields"));
  REM_TRY(load_slots(json_object_get(stored, "slots"), parts.slots, err));
  REM_TRY(load_slots(json_object_get(stored, "moving"), parts.moving, err));
  rem_table *table = NULL;
  REM_TRY(rem_table__build(&parts, &table, err));
  rem_status status = check_loaded(table, parts.prior_count, prior, err);
  if (status < 0)
    rem_table_unref(table);
  else
    *ret_table = table;
  return status;
}

rem_status rem_table_load(const char *stored, size_t stored_size, rem_table **ret_table, rem_error *err) {
  rem_error reason = {0};
  json_t *json REM_AUTO_JSON = NULL;
  rem_status status = rem_json_parse_object(stored, stored_size, &json, &reason);
  if (status == REM_OK) status = load_parts(json, ret_table, &reason);
  if (status == REM_OK) return REM_OK;
  if (status == REM_NOMEM) return rem_error_nomem(err);
  if (status != REM_CORRUPT) return damaged(reason.message, err);
  if (err != NULL) *err = reason;
  return REM_CORRUPT;
}
