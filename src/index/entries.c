/* SPDX-License-Identifier: Apache-2.0 */
#include "index/entries.h"

#include <stdlib.h>

#include "base/json.h"
#include "index/edge.h"
#include "storage/key.h"

void rem_index_entries_init(rem_index_entries *entries, rem_arena *arena) {
  *entries = (rem_index_entries){.arena = arena};
}

static rem_index_entry *new_entry(rem_index_entries *entries) {
  if (entries->count == entries->capacity) {
    size_t capacity = entries->capacity ? entries->capacity * 2 : 16;
    rem_index_entry *items = rem_arena_alloc(entries->arena, capacity * sizeof *items);
    if (!items)
      return NULL;
    if (entries->count)
      memcpy(items, entries->items, entries->count * sizeof *items);
    entries->items = items;
    entries->capacity = capacity;
  }
  return &entries->items[entries->count];
}

/* Copies key and value into the arena as one more entry. */
static rem_status add(rem_index_entries *entries, rem_kv_family family, const rem_buffer *key, rem_slice value,
                      bool long_value, rem_error *err) {
  REM_TRY(rem_buffer_status(key, err));
  rem_index_entry *entry = new_entry(entries);
  uint8_t *bytes = entry ? rem_arena_alloc(entries->arena, key->size + value.size) : NULL;
  if (!bytes)
    return rem_error_nomem(err);
  memcpy(bytes, key->data, key->size);
  if (value.size)
    memcpy(bytes + key->size, value.data, value.size);
  *entry = (rem_index_entry){.family = family, .long_value = long_value, .order = (uint32_t)entries->count};
  entry->key = rem_slice_of(bytes, key->size);
  entry->value = rem_slice_of(bytes + key->size, value.size);
  entries->count++;
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* key_index                                                                                    */

void rem_index_alias_key(rem_buffer *buffer, const char *tenant, const char *table, rem_slice key) {
  rem_buffer_append_text(buffer, "alias:");
  rem_buffer_append_text(buffer, tenant);
  rem_buffer_append_byte(buffer, ':');
  rem_buffer_append_text(buffer, table);
  rem_buffer_append_byte(buffer, ':');
  rem_key_append_text(buffer, key);
}

rem_status rem_index_id_is_derived(const char *tenant, const rem_table *table, const rem_record *record,
                                   const uint8_t id[16], bool *ret_derived, rem_buffer *ret_key, rem_error *err) {
  rem_buffer own REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_buffer *key = ret_key ? ret_key : &own;
  rem_buffer_reset(key);
  rem_status status = rem_record_key(record, table, key, err);
  REM_TRY(status);
  uint8_t derived[16];
  if (status == REM_OK)
    rem_uuid_of_key(tenant, table->name, key->data, key->size, derived);
  *ret_derived = status == REM_NOT_FOUND || memcmp(derived, id, sizeof derived) == 0;
  return REM_OK;
}

static rem_status add_alias(rem_index_entries *entries, const rem_index_row *row, rem_slice key, rem_error *err) {
  rem_buffer buffer REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_index_alias_key(&buffer, row->tenant, row->table->name, key);
  return add(entries, REM_CF_KEY_INDEX, &buffer, rem_slice_of(row->id, 16), false, err);
}

static rem_status add_key_entries(rem_index_entries *entries, const rem_index_row *row, bool deleted,
                                  rem_error *err) {
  rem_buffer texts REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_record_label labels[REM_RECORD_LABEL_MAX];
  size_t count = 0, name_size = strlen(row->table->name);
  REM_TRY(rem_record_labels(row->record, row->table, row->id, &texts, labels, &count, err));
  uint8_t value[2 + 64];
  memcpy(value + 2, row->table->name, name_size);
  value[1] = deleted;
  for (size_t i = 0; i < count; i++) {
    rem_buffer_reset(&key);
    REM_TRY(rem_key_key(&key, row->tenant, labels[i].value, row->id, err));
    value[0] = labels[i].labels;
    REM_TRY(add(entries, REM_CF_KEY_INDEX, &key, rem_slice_of(value, 2 + name_size), false, err));
    if ((labels[i].labels & REM_LABEL_KEY) && !row->id_derived)
      REM_TRY(add_alias(entries, row, labels[i].value, err));
  }
  return REM_OK;
}

bool rem_index_key_value(rem_slice value, uint8_t *ret_labels, bool *ret_deleted, rem_slice *ret_table) {
  if (value.size < 3)
    return false;
  *ret_labels = value.data[0];
  *ret_deleted = value.data[1] != 0;
  *ret_table = rem_slice_of(value.data + 2, value.size - 2);
  return true;
}

/* ------------------------------------------------------------------------------------------- */
/* field_index                                                                                  */

static rem_status add_field_value(rem_index_entries *entries, const rem_index_row *row, uint16_t number,
                                  const rem_value *value, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_index_prefix(&key, row->tenant, row->table->name, number);
  bool is_long = rem_key_append_value(&key, value);
  rem_buffer_append(&key, row->id, 16);
  REM_TRY(add(entries, REM_CF_FIELD_INDEX, &key, (rem_slice){0}, is_long, err));
  entries->fields++;
  entries->long_values += is_long;
  return REM_OK;
}

/* Equal elements give equal keys; sorting drops the second, so the counts are taken again there. */
static rem_status add_list(rem_index_entries *entries, const rem_index_row *row, uint16_t number,
                           const rem_value *list, rem_error *err) {
  json_t *json REM_AUTO_JSON = NULL;
  rem_buffer text REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_json_parse(list->text, list->text_size, &json, err));
  size_t index;
  json_t *element;
  entries->may_repeat = true;
  json_array_foreach(json, index, element) {
    rem_value value;
    REM_TRY(rem_value_of_json(element, &text, &value, err));
    REM_TRY(add_field_value(entries, row, number, &value, err));
  }
  return REM_OK;
}

rem_status rem_index_entries_add_fields(rem_index_entries *entries, const rem_index_row *row, const uint16_t *numbers,
                                        size_t number_count, rem_error *err) {
  rem_buffer scratch REM_CLEANUP(rem_buffer_deinit) = {0};
  for (size_t i = 0; i < number_count; i++) {
    uint16_t number = numbers[i];
    rem_value value;
    REM_TRY(rem_record_value(row->record, row->table, &row->table->fields[number], &scratch, &value, err));
    if (value.type == REM_TYPE_JSON && value.text_size && value.text[0] == '[')
      REM_TRY(add_list(entries, row, number, &value, err));
    else
      REM_TRY(add_field_value(entries, row, number, &value, err));
  }
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* edges                                                                                        */

static rem_status add_edge(rem_index_entries *entries, const rem_index_row *row, const json_t *json, rem_error *err) {
  rem_edge edge;
  rem_buffer data REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(rem_edge_of_json(json, &edge, &data, err));
  REM_TRY(rem_key_edge(&key, row->tenant, row->id, edge.type, &edge.target, err));
  REM_TRY(add(entries, REM_CF_EDGES, &key, rem_buffer_slice(&data), false, err));
  rem_buffer_reset(&key);
  REM_TRY(rem_key_edge_reverse(&key, row->tenant, row->id, edge.type, &edge.target, err));
  REM_TRY(add(entries, REM_CF_EDGES_REVERSE, &key, rem_buffer_slice(&data), false, err));
  entries->edges++;
  return REM_OK;
}

static rem_status add_edges(rem_index_entries *entries, const rem_index_row *row, rem_error *err) {
  rem_slice text = rem_record_edges(row->record);
  if (text.size == 0)
    return REM_OK;
  json_t *edges REM_AUTO_JSON = NULL;
  REM_TRY(rem_json_parse((const char *)text.data, text.size, &edges, err));
  size_t index;
  json_t *edge;
  entries->may_repeat = true;
  json_array_foreach(edges, index, edge)
    REM_TRY(add_edge(entries, row, edge, err));
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

rem_status rem_index_entries_add(rem_index_entries *entries, const rem_index_row *row, rem_error *err) {
  bool deleted = rem_record_is_deleted(row->record);
  REM_TRY(add_key_entries(entries, row, deleted, err));
  if (deleted)
    return REM_OK;
  REM_TRY(rem_index_entries_add_fields(entries, row, row->table->indexed, row->table->indexed_count, err));
  return add_edges(entries, row, err);
}

static int compare_entries(const void *a, const void *b) {
  const rem_index_entry *x = a, *y = b;
  if (x->family != y->family)
    return x->family < y->family ? -1 : 1;
  int order = rem_slice_compare(x->key, y->key);
  return order ? order : (x->order > y->order) - (x->order < y->order);
}

void rem_index_entries_sort(rem_index_entries *entries) {
  if (entries->count == 0)
    return;
  qsort(entries->items, entries->count, sizeof *entries->items, compare_entries);
  size_t kept = 0;
  entries->edges = entries->fields = entries->long_values = 0;
  for (size_t i = 0; i < entries->count; i++) {
    const rem_index_entry *entry = &entries->items[i];
    bool last = i + 1 == entries->count || entry->family != entry[1].family || !rem_slice_equal(entry->key, entry[1].key);
    if (!last)
      continue;
    entries->edges += entry->family == REM_CF_EDGES;
    entries->fields += entry->family == REM_CF_FIELD_INDEX;
    entries->long_values += entry->long_value;
    entries->items[kept++] = *entry;
  }
  entries->count = kept;
}
