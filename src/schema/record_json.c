/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records to JSON: the entity of D26, written straight from the record's bytes, and properties as a jansson object for
 * those who change them.
 *
 * Properties come in the order of the field numbers, which is the schema's; a field that is null is shown as null, an
 * absent one is left out. Lists, objects, edges and the tail are JSON text already and are copied.
 */
#include "schema/record_internal.h"

#include <math.h>

#include "base/instant.h"
#include "base/utf8.h"

/* The range rem_instant_format() is made for; a damaged value is shown as null. */
#define INSTANT_FIRST INT64_C(-62135596800000000)
#define INSTANT_LAST  INT64_C(253402300799999999)

static bool instant_is_sound(int64_t instant) {
  return instant >= INSTANT_FIRST && instant <= INSTANT_LAST;
}

static void append_quoted_instant(rem_buffer *buffer, int64_t instant) {
  if (!instant_is_sound(instant)) {
    rem_buffer_append_text(buffer, "null");
    return;
  }
  char text[REM_INSTANT_TEXT_SIZE + 2];
  text[0] = '"';
  size_t size = rem_instant_format(instant, text + 1);
  text[1 + size] = '"';
  rem_buffer_append(buffer, text, size + 2);
}

static void append_quoted_uuid(rem_buffer *buffer, const uint8_t uuid[16]) {
  char text[REM_UUID_TEXT_SIZE + 3];
  rem_uuid_format(uuid, text + 1);
  text[0] = text[1 + REM_UUID_TEXT_SIZE] = '"';
  rem_buffer_append(buffer, text, REM_UUID_TEXT_SIZE + 2);
}

static void append_integer(rem_buffer *buffer, int64_t value) {
  char digits[20], *p = digits + sizeof digits;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do {
    *--p = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (value < 0) *--p = '-';
  rem_buffer_append(buffer, p, (size_t)(digits + sizeof digits - p));
}

static void append_real(rem_buffer *buffer, double real) {
  if (isfinite(real))
    rem_json_append_real(buffer, real);
  else
    rem_buffer_append_text(buffer, "null");
}

static void append_quoted_hex(rem_buffer *buffer, const rem_value *value) {
  static const char digits[] = "0123456789abcdef";
  rem_buffer_append_byte(buffer, '"');
  for (size_t i = 0; i < value->text_size; i++) {
    uint8_t byte = (uint8_t)value->text[i];
    rem_buffer_append_byte(buffer, (uint8_t)digits[byte >> 4]);
    rem_buffer_append_byte(buffer, (uint8_t)digits[byte & 15]);
  }
  rem_buffer_append_byte(buffer, '"');
}

void rem_value_append_json(const rem_value *value, rem_buffer *buffer) {
  switch (value->type) {
  case REM_TYPE_NULL: rem_buffer_append_text(buffer, "null"); return;
  case REM_TYPE_BOOL: rem_buffer_append_text(buffer, value->integer ? "true" : "false"); return;
  case REM_TYPE_INT: append_integer(buffer, value->integer); return;
  case REM_TYPE_REAL: append_real(buffer, value->real); return;
  case REM_TYPE_TEXT: rem_json_append_string(buffer, value->text, value->text_size); return;
  case REM_TYPE_INSTANT: append_quoted_instant(buffer, value->integer); return;
  case REM_TYPE_UUID: append_quoted_uuid(buffer, value->uuid); return;
  case REM_TYPE_JSON: rem_buffer_append(buffer, value->text, value->text_size); return;
  case REM_TYPE_BLOB: append_quoted_hex(buffer, value); return;
  }
}

bool rem_value_append_text(const rem_value *value, rem_buffer *buffer) {
  char text[REM_UUID_TEXT_SIZE + 1];
  switch (value->type) {
  case REM_TYPE_NULL:
  case REM_TYPE_BLOB:
  case REM_TYPE_JSON: return false;
  case REM_TYPE_TEXT: rem_buffer_append(buffer, value->text, value->text_size); return true;
  case REM_TYPE_UUID:
    rem_uuid_format(value->uuid, text);
    rem_buffer_append(buffer, text, REM_UUID_TEXT_SIZE);
    return true;
  case REM_TYPE_INSTANT:
    if (!instant_is_sound(value->integer)) return false;
    rem_buffer_append(buffer, text, rem_instant_format(value->integer, text));
    return true;
  case REM_TYPE_BOOL:
  case REM_TYPE_INT:
  case REM_TYPE_REAL: rem_value_append_json(value, buffer); return true;
  }
  return false;
}

static rem_status check_numbers(const rem_record *record, const rem_table *table, rem_error *err) {
  if (record->field_count <= table->field_count) return REM_OK;
  return rem_error_set(err, REM_CORRUPT, "a stored row of '%s' has %u fields, its schema only %zu", table->name,
                       record->field_count, table->field_count);
}

/* The tail's members after those of the schema: the object without its braces. */
static void append_tail(const rem_record *record, rem_buffer *buffer, char separator) {
  rem_slice tail = rem_record_tail(record);
  if (tail.size > 2) {
    rem_buffer_append_byte(buffer, (uint8_t)separator);
    rem_buffer_append(buffer, tail.data + 1, tail.size - 1);
    return;
  }
  rem_buffer_append_text(buffer, separator == '{' ? "{}" : "}");
}

static void append_properties(const rem_record *record, const rem_table *table, rem_buffer *buffer) {
  char separator = '{';
  for (uint16_t i = 0; i < record->field_count; i++) {
    if (!rem_record_has(record, i)) continue;
    rem_value value = rem_record_field(record, i);
    rem_buffer_append_byte(buffer, (uint8_t)separator);
    rem_json_append_string(buffer, table->fields[i].name, table->fields[i].name_size);
    rem_buffer_append_byte(buffer, ':');
    rem_value_append_json(&value, buffer);
    separator = ',';
  }
  append_tail(record, buffer, separator);
}

/*
 * The fewest decimal digits that read back as the same float: the nearest multiple of 10^-digits, when that is the number. What
 * lies outside (very small or large values) is written as the double it is.
 */
static void append_float(rem_buffer *buffer, float value) {
  static const double scales[] = {1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
  if (fabsf(value) < 1e3f) {
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
      double candidate = round((double)value * scales[i]) / scales[i];
      if ((float)candidate == value) {
        append_real(buffer, candidate);
        return;
      }
    }
  }
  append_real(buffer, (double)value);
}

static void append_vector(rem_buffer *buffer, const char *key, const rem_record_vector *vector) {
  rem_buffer_append_text(buffer, key);
  if (vector->values == NULL) {
    rem_buffer_append_text(buffer, "null");
    return;
  }
  for (size_t i = 0; i < vector->dimension; i++) {
    rem_buffer_append_byte(buffer, i == 0 ? '[' : ',');
    append_float(buffer, vector->values[i]);
  }
  rem_buffer_append_text(buffer, vector->dimension == 0 ? "[]" : "]");
}

rem_status rem_record_append_entity(const rem_record *record, const rem_table *table, const uint8_t id[16],
                                    const rem_record_vector *vectors, rem_buffer *buffer, rem_error *err) {
  REM_TRY(check_numbers(record, table, err));
  rem_record_system system;
  rem_record_system_get(record, &system);
  rem_buffer_append_text(buffer, "{\"id\":");
  append_quoted_uuid(buffer, id);
  rem_buffer_append_text(buffer, ",\"type\":");
  rem_json_append_string(buffer, table->type, strlen(table->type));
  rem_buffer_append_text(buffer, ",\"created_at\":");
  append_quoted_instant(buffer, system.created_at);
  rem_buffer_append_text(buffer, ",\"modified_at\":");
  append_quoted_instant(buffer, system.modified_at);
  rem_buffer_append_text(buffer, ",\"deleted_at\":");
  if (rem_record_is_deleted(record))
    append_quoted_instant(buffer, system.deleted_at);
  else
    rem_buffer_append_text(buffer, "null");
  rem_slice edges = rem_record_edges(record);
  rem_buffer_append_text(buffer, ",\"edges\":");
  rem_buffer_append_slice(buffer, edges.size > 0 ? edges : rem_slice_text("[]"));
  rem_buffer_append_text(buffer, ",\"properties\":");
  append_properties(record, table, buffer);
  if (vectors != NULL) {
    append_vector(buffer, ",\"embedding\":", &vectors[0]);
    append_vector(buffer, ",\"embedding_alt\":", &vectors[1]);
  }
  rem_buffer_append_byte(buffer, '}');
  return rem_buffer_status(buffer, err);
}

static rem_status value_to_json(const rem_value *value, json_t **ret_json, rem_error *err) {
  if (value->type == REM_TYPE_JSON) return rem_json_parse(value->text, value->text_size, ret_json, err);
  if (value->type == REM_TYPE_TEXT && !rem_utf8_valid(value->text, value->text_size))
    return rem_error_set(err, REM_CORRUPT, "a text is not UTF-8");
  char text[REM_UUID_TEXT_SIZE + 1];
  json_t *json = NULL;
  switch (value->type) {
  case REM_TYPE_BOOL: json = json_boolean(value->integer); break;
  case REM_TYPE_INT: json = json_integer(value->integer); break;
  case REM_TYPE_REAL: json = isfinite(value->real) ? json_real(value->real) : json_null(); break;
  case REM_TYPE_TEXT: json = json_stringn_nocheck(value->text, value->text_size); break;
  case REM_TYPE_INSTANT:
    json = instant_is_sound(value->integer) ? json_stringn(text, rem_instant_format(value->integer, text)) : json_null();
    break;
  case REM_TYPE_UUID:
    rem_uuid_format(value->uuid, text);
    json = json_stringn(text, REM_UUID_TEXT_SIZE);
    break;
  default: json = json_null(); break;
  }
  if (json == NULL) return rem_error_nomem(err);
  *ret_json = json;
  return REM_OK;
}

static rem_status add_fields(const rem_record *record, const rem_table *table, json_t *properties, rem_error *err) {
  for (uint16_t i = 0; i < record->field_count; i++) {
    if (!rem_record_has(record, i)) continue;
    rem_value value = rem_record_field(record, i);
    json_t *json = NULL;
    REM_TRY(value_to_json(&value, &json, err));
    if (json_object_set_new(properties, table->fields[i].name, json) != 0) return rem_error_nomem(err);
  }
  return REM_OK;
}

static rem_status add_tail(const rem_record *record, json_t *properties, rem_error *err) {
  rem_slice text = rem_record_tail(record);
  if (text.size == 0) return REM_OK;
  json_t *tail REM_AUTO_JSON = NULL;
  REM_TRY(rem_json_parse_object((const char *)text.data, text.size, &tail, err));
  return json_object_update(properties, tail) == 0 ? REM_OK : rem_error_nomem(err);
}

rem_status rem_record_properties(const rem_record *record, const rem_table *table, json_t **ret_properties,
                                 rem_error *err) {
  REM_TRY(check_numbers(record, table, err));
  json_t *properties REM_AUTO_JSON = json_object();
  if (properties == NULL) return rem_error_nomem(err);
  rem_error reason = {0};
  rem_status status = add_fields(record, table, properties, &reason);
  if (status >= 0) status = add_tail(record, properties, &reason);
  if (status == REM_NOMEM) return rem_error_nomem(err);
  if (status < 0)
    return rem_error_set(err, REM_CORRUPT, "a stored row of '%s' is damaged: %s", table->name, reason.message);
  *ret_properties = REM_TAKE(properties);
  return REM_OK;
}
