/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/audit.h"

#include "base/uuid.h"
#include "storage/key.h"

void rem_audit_deinit(rem_audit *audit) {
  rem_arena_deinit(&audit->arena);
}

rem_status rem_audit_row(rem_audit *audit, const char *tenant, const rem_row *row, rem_error *err) {
  rem_arena_reset(&audit->arena);
  rem_index_entries_init(&audit->entries, &audit->arena);
  rem_index_row source = {.tenant = tenant, .table = row->table, .id = row->id, .record = &row->record};
  REM_TRY(rem_index_id_is_derived(tenant, row->table, &row->record, row->id, &source.id_derived, NULL, err));
  REM_TRY(rem_index_entries_add(&audit->entries, &source, err));
  rem_index_entries_sort(&audit->entries);
  rem_buffer text REM_CLEANUP(rem_buffer_deinit) = {0};
  bool has_text = rem_record_embedded_text(&row->record, row->table, &text);
  REM_TRY(rem_buffer_status(&text, err));
  rem_record_system system;
  rem_record_system_get(&row->record, &system);
  audit->id_derived = source.id_derived;
  audit->has_text = has_text;
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    audit->vectors[slot] = rem_record_vector_state(system.flags, has_text, slot);
  return REM_OK;
}

void rem_audit_count(const rem_audit *audit, const rem_row *row, rem_counters *counters) {
  bool deleted = rem_record_is_deleted(&row->record);
  counters->live += !deleted;
  counters->deleted += deleted;
  counters->explicit_ids += !audit->id_derived;
  counters->edges += audit->entries.edges;
  counters->index_entries += audit->entries.fields;
  counters->long_values += audit->entries.long_values;
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    counters->vectors[slot] += audit->vectors[slot] == REM_VECTOR_STORED;
    counters->deleted_vectors[slot] += audit->vectors[slot] == REM_VECTOR_STORED && deleted;
    counters->pending[slot] += audit->vectors[slot] == REM_VECTOR_PENDING && !deleted;
  }
}

static bool expects_entry(const rem_audit *audit, rem_kv_family family, rem_slice key, rem_slice value) {
  size_t low = 0, high = audit->entries.count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    const rem_index_entry *entry = &audit->entries.items[middle];
    int order = entry->family != family ? (entry->family < family ? -1 : 1) : rem_slice_compare(entry->key, key);
    if (order == 0)
      return rem_slice_equal(entry->value, value);
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

/* A vector of one of the row's slots, or one made for the model that a slot is moving to. */
static bool expects_vector(const rem_audit *audit, const rem_row *row, uint64_t area, size_t size) {
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    const rem_slot *held = &row->table->slots[slot], *moving = &row->table->moving[slot];
    if (held->area == area && audit->vectors[slot] == REM_VECTOR_STORED)
      return size == held->dimension * sizeof(float);
    if (moving->model && moving->area == area && audit->has_text)
      return size == moving->dimension * sizeof(float);
  }
  return false;
}

bool rem_audit_expects(const rem_audit *audit, const rem_row *row, rem_kv_family family, rem_slice key, rem_slice value) {
  rem_key_parts parts;
  switch (family) {
  case REM_CF_LARGE: return row->record.size > REM_RECORD_INLINE_SIZE;
  case REM_CF_VECTORS: return rem_key_parse(key, &parts) && expects_vector(audit, row, parts.number, value.size);
  case REM_CF_META:
    return rem_key_parse(key, &parts) && parts.number < REM_SLOT_COUNT && !rem_record_is_deleted(&row->record) &&
           audit->vectors[parts.number] == REM_VECTOR_PENDING;
  default: return expects_entry(audit, family, key, value);
  }
}

/* ------------------------------------------------------------------------------------------- */

static rem_status table_of(rem_engine *engine, const char *tenant, rem_slice name, rem_table **ret_table,
                           rem_error *err) {
  char text[128];
  if (name.size == 0 || name.size >= sizeof text)
    return REM_NOT_FOUND;
  memcpy(text, name.data, name.size);
  text[name.size] = 0;
  rem_error reason = {0};
  rem_status status = rem_registry_table(engine->registry, tenant, text, ret_table, &reason);
  if (status == REM_UNKNOWN)
    return REM_NOT_FOUND;
  if (status < 0 && err)
    *err = reason;
  return status;
}

/* An edge's key names its source by id only: the key index says whose that is. */
static rem_status table_of_id(rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant,
                              const uint8_t id[16], rem_table **ret_table, rem_error *err) {
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  char text[37];
  rem_uuid_format(id, text);
  REM_TRY(rem_key_key(&key, tenant, rem_slice_text(text), id, err));
  rem_status status = rem_kv_get(engine->kv, snapshot, REM_CF_KEY_INDEX, rem_buffer_slice(&key), &pin, err);
  uint8_t labels;
  bool deleted;
  rem_slice table;
  if (status != REM_OK)
    return status;
  if (!rem_index_key_value(rem_kv_pin_slice(&pin), &labels, &deleted, &table))
    return REM_NOT_FOUND;
  return table_of(engine, tenant, table, ret_table, err);
}

/* alias:{tenant}:{table}:<key> -> id */
static rem_status owner_of_alias(rem_engine *engine, const char *tenant, rem_slice key, rem_slice value,
                                 rem_table **ret_table, uint8_t ret_id[16], rem_error *err) {
  size_t start = strlen("alias:") + strlen(tenant) + 1;
  const uint8_t *end = key.size > start ? memchr(key.data + start, ':', key.size - start) : NULL;
  if (!end || value.size != 16)
    return REM_NOT_FOUND;
  memcpy(ret_id, value.data, 16);
  return table_of(engine, tenant, rem_slice_of(key.data + start, (size_t)(end - key.data) - start), ret_table, err);
}

static rem_status owner_of_key(rem_engine *engine, const char *tenant, rem_slice key, rem_slice value,
                               rem_table **ret_table, uint8_t ret_id[16], rem_error *err) {
  uint8_t labels;
  bool deleted;
  rem_slice table;
  if (key.data[0] == 'a')
    return owner_of_alias(engine, tenant, key, value, ret_table, ret_id, err);
  if (!rem_index_key_value(value, &labels, &deleted, &table) || key.size < 16)
    return REM_NOT_FOUND;
  memcpy(ret_id, rem_key_id(key), 16);
  return table_of(engine, tenant, table, ret_table, err);
}

/* A key that cannot be parsed is nobody's; one there was no memory for is not judged. */
static rem_status nothing_unless_nomem(const rem_buffer *parts, rem_error *err) {
  REM_TRY(rem_buffer_status(parts, err));
  return REM_NOT_FOUND;
}

rem_status rem_audit_owner(rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant, rem_kv_family family,
                           rem_slice key, rem_slice value, rem_table **ret_table, uint8_t ret_id[16], rem_error *err) {
  rem_buffer parts REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_parts plain;
  rem_slice type;
  rem_key_target target;
  switch (family) {
  case REM_CF_KEY_INDEX: return owner_of_key(engine, tenant, key, value, ret_table, ret_id, err);
  case REM_CF_EDGES:
    if (!rem_key_parse_edge(key, &parts, ret_id, &type, &target))
      return nothing_unless_nomem(&parts, err);
    return table_of_id(engine, snapshot, tenant, ret_id, ret_table, err);
  case REM_CF_EDGES_REVERSE:
    if (!rem_key_parse_edge_reverse(key, &parts, ret_id, &type, &target))
      return nothing_unless_nomem(&parts, err);
    return table_of_id(engine, snapshot, tenant, ret_id, ret_table, err);
  default:
    if (!rem_key_parse(key, &plain) || plain.rest.size < 16)
      return REM_NOT_FOUND;
    memcpy(ret_id, rem_key_id(key), 16);
    return table_of(engine, tenant, plain.table, ret_table, err);
  }
}

rem_kv_family rem_audit_area(size_t index, const char *tenant, rem_buffer *prefix) {
  static const struct {
    rem_kv_family family;
    const char *kind;
  } areas[REM_AUDIT_AREA_COUNT] = {{REM_CF_KEY_INDEX, "key"},    {REM_CF_KEY_INDEX, "alias"},
                                   {REM_CF_FIELD_INDEX, "index"}, {REM_CF_EDGES, "edge"},
                                   {REM_CF_EDGES_REVERSE, "edge"}, {REM_CF_VECTORS, "vector"},
                                   {REM_CF_LARGE, "large"},       {REM_CF_META, "pending"}};
  rem_buffer_append_text(prefix, areas[index].kind);
  rem_buffer_append_byte(prefix, ':');
  rem_buffer_append_text(prefix, tenant);
  rem_buffer_append_byte(prefix, ':');
  return areas[index].family;
}
