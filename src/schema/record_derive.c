/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from a row: its key (D8-D10), the labels under which the key index holds it (D11) and the text to embed (D17).
 */
#include "schema/record_internal.h"

/* ---------------------------------------------------------------------------------------------- */
/* Key                                                                                             */

/* Appends a part of the key. REM_NOT_FOUND for absent, null and empty. */
static rem_status append_part(const rem_record *record, const rem_table *table, uint16_t number, rem_buffer *buffer,
                              rem_error *err) {
  rem_value value = rem_record_field(record, number);
  if (value.type == REM_TYPE_JSON) {
    rem_error_set(err, REM_INVALID, "the key field '%s' holds a list or an object", table->fields[number].name);
    rem_error_hint(err, "A key is text, a number, an instant, a UUID or a boolean.");
    return REM_INVALID;
  }
  size_t start = buffer->size;
  (void)rem_value_append_text(&value, buffer);
  REM_TRY(rem_buffer_status(buffer, err));
  return buffer->size > start ? REM_OK : REM_NOT_FOUND;
}

/* Escapes ':' and '\' in what was appended since `start` (D9). */
static void escape_from(rem_buffer *buffer, size_t start) {
  size_t specials = 0;
  for (size_t i = start; i < buffer->size; i++)
    specials += buffer->data[i] == ':' || buffer->data[i] == '\\';
  if (specials == 0) return;
  size_t from = buffer->size, to = from + specials;
  if (rem_buffer_extend(buffer, specials) == NULL) return;
  while (from > start) {
    uint8_t byte = buffer->data[--from];
    buffer->data[--to] = byte;
    if (byte == ':' || byte == '\\') buffer->data[--to] = '\\';
  }
}

static rem_status composite_key(const rem_record *record, const rem_table *table, rem_buffer *buffer, rem_error *err) {
  for (size_t i = 0; i < table->key_field_count; i++) {
    if (i > 0) rem_buffer_append_byte(buffer, ':');
    size_t start = buffer->size;
    rem_status status = append_part(record, table, table->key_fields[i], buffer, err);
    if (status != REM_OK) return status;
    escape_from(buffer, start);
  }
  return rem_buffer_status(buffer, err);
}

/* The two built-in forms: both parts as they are, `missing` in place of an absent second one. */
static rem_status pair_key(const rem_record *record, const rem_table *table, const char *missing, rem_buffer *buffer,
                           rem_error *err) {
  rem_status status = append_part(record, table, table->key_fields[0], buffer, err);
  if (status != REM_OK) return status;
  rem_buffer_append_byte(buffer, ':');
  status = append_part(record, table, table->key_fields[1], buffer, err);
  if (status != REM_NOT_FOUND || missing == NULL) return status;
  rem_buffer_append_text(buffer, missing);
  return rem_buffer_status(buffer, err);
}

/* A field of the precedence list, in the schema or outside; what is not a scalar does not count. */
static rem_status named_part(const rem_record *record, const rem_table *table, const char *name, rem_buffer *buffer,
                             rem_error *err) {
  rem_buffer scratch REM_AUTO_BUFFER = {0};
  rem_value value = {.type = REM_TYPE_NULL};
  const rem_field *field = rem_table_field(table, name, strlen(name));
  if (field != NULL && rem_record_has(record, field->number))
    value = rem_record_field(record, field->number);
  else
    REM_TRY(rem_record_tail_field(record, name, strlen(name), &scratch, &value, err));
  size_t start = buffer->size;
  (void)rem_value_append_text(&value, buffer);
  REM_TRY(rem_buffer_status(buffer, err));
  return buffer->size > start ? REM_OK : REM_NOT_FOUND;
}

static rem_status precedence_key(const rem_record *record, const rem_table *table, rem_buffer *buffer, rem_error *err) {
  static const char *const names[] = {"uri", "key", "name"};
  rem_status status = REM_NOT_FOUND;
  for (size_t i = 0; i < 3 && status == REM_NOT_FOUND; i++)
    status = named_part(record, table, names[i], buffer, err);
  return status;
}

static rem_status key_by_rule(const rem_record *record, const rem_table *table, rem_buffer *buffer, rem_error *err) {
  switch (table->key_rule) {
  case REM_KEY_FIELD: return append_part(record, table, table->key_fields[0], buffer, err);
  case REM_KEY_FIELDS: return composite_key(record, table, buffer, err);
  case REM_KEY_RESOURCE: return pair_key(record, table, "0", buffer, err);
  case REM_KEY_MOMENT: return pair_key(record, table, NULL, buffer, err);
  case REM_KEY_PRECEDENCE: break;
  }
  return REM_NOT_FOUND;
}

rem_status rem_record_key(const rem_record *record, const rem_table *table, rem_buffer *buffer, rem_error *err) {
  size_t start = buffer->size;
  rem_status status = key_by_rule(record, table, buffer, err);
  if (status == REM_NOT_FOUND) {
    buffer->size = start; /* what a half-made composite left */
    status = precedence_key(record, table, buffer, err);
  }
  if (status != REM_OK) {
    buffer->size = start;
    return status;
  }
  size_t size = buffer->size - start;
  if (size <= REM_RECORD_KEY_MAX) return REM_OK;
  buffer->size = start;
  rem_error_set(err, REM_LIMIT, "the row's key is %zu bytes long; at most %zu are allowed", size, REM_RECORD_KEY_MAX);
  rem_error_hint(err, "Choose a shorter key field in the schema of '%s'.", table->name);
  return REM_LIMIT;
}

/* ---------------------------------------------------------------------------------------------- */
/* Labels                                                                                          */

typedef struct label_list {
  rem_buffer *buffer;
  struct {
    size_t start, size;
    uint8_t labels;
  } items[REM_RECORD_LABEL_MAX];
  size_t count;
} label_list;

/* Makes a label of what was appended since `start`; equal values share one. */
static void add_label(label_list *list, size_t start, uint8_t label) {
  size_t size = list->buffer->size - start;
  for (size_t i = 0; i < list->count; i++) {
    bool equal = list->items[i].size == size &&
                 memcmp(list->buffer->data + list->items[i].start, list->buffer->data + start, size) == 0;
    if (!equal) continue;
    list->items[i].labels |= label;
    list->buffer->size = start;
    return;
  }
  list->items[list->count].start = start;
  list->items[list->count].size = size;
  list->items[list->count].labels = label;
  list->count++;
}

static rem_status add_key_label(label_list *list, const rem_record *record, const rem_table *table, rem_error *err) {
  size_t start = list->buffer->size;
  rem_status status = rem_record_key(record, table, list->buffer, err);
  if (status == REM_OK) add_label(list, start, REM_LABEL_KEY);
  return status == REM_NOT_FOUND ? REM_OK : status;
}

/* The first part of the two built-in keys: all chunks of a file, all moments of a name. */
static rem_status add_part_label(label_list *list, const rem_record *record, const rem_table *table, rem_error *err) {
  bool resource = table->key_rule == REM_KEY_RESOURCE;
  if (!resource && table->key_rule != REM_KEY_MOMENT) return REM_OK;
  size_t start = list->buffer->size;
  rem_status status = append_part(record, table, table->key_fields[0], list->buffer, err);
  if (status == REM_OK && list->buffer->size - start <= REM_RECORD_KEY_MAX)
    add_label(list, start, resource ? REM_LABEL_URI : REM_LABEL_NAME);
  return status == REM_NOT_FOUND ? REM_OK : status;
}

static rem_status add_id_label(label_list *list, const uint8_t id[16], rem_error *err) {
  char text[REM_UUID_TEXT_SIZE + 1];
  size_t start = list->buffer->size;
  rem_uuid_format(id, text);
  rem_buffer_append(list->buffer, text, REM_UUID_TEXT_SIZE);
  REM_TRY(rem_buffer_status(list->buffer, err));
  add_label(list, start, REM_LABEL_ID);
  return REM_OK;
}

rem_status rem_record_labels(const rem_record *record, const rem_table *table, const uint8_t id[16], rem_buffer *buffer,
                             rem_record_label ret_labels[REM_RECORD_LABEL_MAX], size_t *ret_count, rem_error *err) {
  label_list list = {.buffer = buffer};
  REM_TRY(add_key_label(&list, record, table, err));
  REM_TRY(add_id_label(&list, id, err));
  REM_TRY(add_part_label(&list, record, table, err));
  for (size_t i = 0; i < list.count; i++) {
    ret_labels[i].value = rem_slice_of(buffer->data + list.items[i].start, list.items[i].size);
    ret_labels[i].labels = list.items[i].labels;
  }
  *ret_count = list.count;
  return REM_OK;
}

/* ---------------------------------------------------------------------------------------------- */
/* Embedded text                                                                                   */

bool rem_record_embedded_text(const rem_record *record, const rem_table *table, rem_buffer *buffer) {
  size_t start = buffer->size;
  for (size_t i = 0; i < table->embedding_field_count; i++) {
    rem_value value = rem_record_field(record, table->embedding_fields[i]);
    if (value.type != REM_TYPE_TEXT || value.text_size == 0) continue;
    if (buffer->size > start) rem_buffer_append_text(buffer, "\n\n");
    rem_buffer_append(buffer, value.text, value.text_size);
  }
  return buffer->size > start;
}
