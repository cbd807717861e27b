/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tail: fields outside the schema, one compact JSON object that this library has written.
 *
 * A field is found by stepping over members without building anything. Names are compared in their written form: the writer
 * escapes in one way only, so equal names are equal bytes. Stepping never leaves the text, whatever it holds.
 */
#include "schema/record_internal.h"

#include "base/instant.h"

/* The end of the string that starts at `at`, or `size`. */
static size_t skip_string(const uint8_t *text, size_t size, size_t at) {
  for (at++; at < size && text[at] != '"'; at++) {
    if (text[at] == '\\') at++;
  }
  return at < size ? at + 1 : size;
}

/* The end of the value that starts at `at`: the comma or brace that ends its member, or `size`. */
static size_t skip_value(const uint8_t *text, size_t size, size_t at) {
  size_t depth = 0;
  while (at < size) {
    uint8_t c = text[at];
    if (c == '"') {
      at = skip_string(text, size, at);
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}')) return at;
    depth += c == '{' || c == '[';
    depth -= c == '}' || c == ']';
    at++;
  }
  return size;
}

/* The value of the member whose written name is `literal`; size 0 when there is none. */
static rem_slice find_member(rem_slice tail, rem_slice literal) {
  size_t at = 1;
  while (at < tail.size && tail.data[at] == '"') {
    size_t name_end = skip_string(tail.data, tail.size, at);
    size_t value = name_end + 1, end = skip_value(tail.data, tail.size, value);
    if (value > tail.size) break;
    if (rem_slice_equal(rem_slice_of(tail.data + at, name_end - at), literal))
      return rem_slice_of(tail.data + value, end - value);
    at = end + 1;
  }
  return rem_slice_of(NULL, 0);
}

static rem_status string_value(rem_slice literal, rem_buffer *scratch, rem_value *ret_value, rem_error *err) {
  const char *text = (const char *)literal.data + 1;
  size_t size = literal.size - 2;
  if (memchr(text, '\\', size) != NULL) {
    json_t *json REM_AUTO_JSON = NULL;
    REM_TRY(rem_json_parse((const char *)literal.data, literal.size, &json, err));
    size_t start = scratch->size;
    size = json_string_length(json);
    rem_buffer_append(scratch, json_string_value(json), size);
    REM_TRY(rem_buffer_status(scratch, err));
    text = (const char *)scratch->data + start;
  }
  *ret_value = (rem_value){.type = REM_TYPE_TEXT, .text_size = size, .text = text};
  return REM_OK;
}

rem_status rem_value_of_json(const json_t *json, rem_buffer *text, rem_value *ret_value, rem_error *err) {
  rem_value value = {.type = REM_TYPE_NULL};
  if (json_is_boolean(json)) {
    value = (rem_value){.type = REM_TYPE_BOOL, .integer = json_is_true(json)};
  } else if (json_is_integer(json)) {
    value = (rem_value){.type = REM_TYPE_INT, .integer = json_integer_value(json)};
  } else if (json_is_real(json)) {
    value = (rem_value){.type = REM_TYPE_REAL, .real = json_real_value(json)};
  } else if (json_is_string(json)) {
    value = (rem_value){.type = REM_TYPE_TEXT, .text = json_string_value(json)};
    value.text_size = json_string_length(json);
  } else if (json && !json_is_null(json)) {
    rem_buffer_reset(text);
    REM_TRY(rem_json_append(text, json, err));
    value = (rem_value){.type = REM_TYPE_JSON, .text = (const char *)text->data, .text_size = text->size};
  }
  *ret_value = value;
  return REM_OK;
}

/* A number, true, false or null. */
static rem_status scalar_value(rem_slice literal, rem_value *ret_value, rem_error *err) {
  json_t *json REM_AUTO_JSON = NULL;
  rem_buffer unused REM_AUTO_BUFFER = {0};
  REM_TRY(rem_json_parse((const char *)literal.data, literal.size, &json, err));
  return rem_value_of_json(json, &unused, ret_value, err);
}

rem_status rem_record_tail_field(const rem_record *record, const char *name, size_t name_size, rem_buffer *scratch,
                                 rem_value *ret_value, rem_error *err) {
  rem_slice tail = rem_record_tail(record);
  if (tail.size < 2) return REM_NOT_FOUND;
  rem_buffer literal REM_AUTO_BUFFER = {0};
  rem_json_append_string(&literal, name, name_size);
  REM_TRY(rem_buffer_status(&literal, err));
  rem_slice found = find_member(tail, rem_buffer_slice(&literal));
  if (found.size == 0) return REM_NOT_FOUND;
  uint8_t first = found.data[0];
  if (first == '{' || first == '[') {
    *ret_value = (rem_value){.type = REM_TYPE_JSON, .text_size = found.size, .text = (const char *)found.data};
    return REM_OK;
  }
  rem_error reason = {0};
  bool is_string = first == '"' && found.size >= 2 && found.data[found.size - 1] == '"';
  rem_status status = is_string ? string_value(found, scratch, ret_value, &reason) : scalar_value(found, ret_value, &reason);
  if (status == REM_OK) return REM_OK;
  if (status == REM_NOMEM || status == REM_LIMIT) return rem_error_set(err, status, "%s", reason.message);
  return rem_error_set(err, REM_CORRUPT, "a stored row is damaged: %s", reason.message);
}

/* A text that stood outside the schema, in the form the field now has. */
static rem_status convert(const rem_field *field, rem_buffer *scratch, rem_value *value, rem_error *err) {
  int64_t instant;
  uint8_t uuid[16];
  if (value->type != REM_TYPE_TEXT) return REM_OK;
  if (field->kind == REM_FIELD_INSTANT && rem_instant_parse(value->text, value->text_size, true, &instant)) {
    *value = (rem_value){.type = REM_TYPE_INSTANT, .integer = instant};
  } else if (field->kind == REM_FIELD_UUID && rem_uuid_parse(value->text, value->text_size, uuid)) {
    size_t start = scratch->size;
    rem_buffer_append(scratch, uuid, sizeof uuid);
    REM_TRY(rem_buffer_status(scratch, err));
    *value = (rem_value){.type = REM_TYPE_UUID, .uuid = scratch->data + start};
  }
  return REM_OK;
}

/* The row is older than the field: a field of that name that was removed before, else the tail. */
static rem_status older_value(const rem_record *record, const rem_table *table, const rem_field *field,
                              rem_buffer *scratch, rem_value *ret_value, rem_error *err) {
  for (uint16_t i = 0; i < record->field_count; i++) {
    const rem_field *other = &table->fields[i];
    bool same = other->name_size == field->name_size && memcmp(other->name, field->name, field->name_size) == 0;
    if (!same || !rem_record_has(record, i)) continue;
    *ret_value = rem_record_field(record, i);
    return convert(field, scratch, ret_value, err);
  }
  rem_value value = {.type = REM_TYPE_NULL};
  REM_TRY(rem_record_tail_field(record, field->name, field->name_size, scratch, &value, err));
  REM_TRY(convert(field, scratch, &value, err));
  *ret_value = value;
  return REM_OK;
}

rem_status rem_record_value(const rem_record *record, const rem_table *table, const rem_field *field,
                            rem_buffer *scratch, rem_value *ret_value, rem_error *err) {
  if (field->number >= record->field_count && record->field_count <= table->field_count)
    return older_value(record, table, field, scratch, ret_value, err);
  *ret_value = rem_record_field(record, field->number);
  return REM_OK;
}
