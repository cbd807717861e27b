/* SPDX-License-Identifier: Apache-2.0 */
#include "entity/read.h"

#include <math.h>

#include "base/json.h"
#include "base/uuid.h"
#include "index/entries.h"
#include "storage/key.h"

void rem_row__init(rem_row *row, rem_engine *engine) {
  *row = (rem_row){.engine = engine, .score = NAN};
}

void rem_row__reset(rem_row *row) {
  rem_kv_pin_release(&row->pin);
  rem_table_unref(REM_TAKE(row->table));
  row->record = (rem_record){0};
  row->score = NAN;
  row->match = NULL;
}

void rem_row__deinit(rem_row *row) {
  rem_row__reset(row);
  rem_buffer_deinit(&row->copy);
  rem_buffer_deinit(&row->scratch);
}

static rem_status damaged(const rem_table *table, const uint8_t id[16], rem_error *err) {
  char text[37];
  rem_uuid_format(id, text);
  rem_error_prefix(err, "row %s of '%s': ", text, table->name);
  return REM_CORRUPT;
}

/* The record is known to be whole: remembers whose it is. */
static void own(rem_row *row, const char *tenant, rem_table *table, const uint8_t id[16]) {
  row->table = rem_table_ref(table);
  memcpy(row->id, id, sizeof row->id);
  memcpy(row->tenant, tenant, strlen(tenant) + 1);
}

void rem_row__show(rem_row *row, const char *tenant, rem_table *table, const uint8_t id[16], const rem_record *record) {
  rem_row__reset(row);
  row->record = *record;
  own(row, tenant, table, id);
}

/* A stub was found: the whole record is in `large`. */
static rem_status read_large(rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant,
                             const rem_table *table, const uint8_t id[16], rem_row *row, rem_error *err) {
  rem_buffer_reset(&row->scratch);
  rem_key_large(&row->scratch, tenant, table->name, id);
  REM_TRY(rem_buffer_status(&row->scratch, err));
  rem_status status =
      rem_kv_get(engine->kv, snapshot, REM_CF_LARGE, rem_buffer_slice(&row->scratch), &row->pin, err);
  REM_TRY(status);
  if (status == REM_NOT_FOUND) {
    rem_error_set(err, REM_CORRUPT, "its large value is missing");
    return damaged(table, id, err);
  }
  if (rem_record_open(row->pin.data, row->pin.size, &row->record, err) < 0)
    return damaged(table, id, err);
  return REM_OK;
}

rem_status rem_read_id(rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant, rem_table *table,
                       const uint8_t id[16], rem_row *row, rem_error *err) {
  rem_row__reset(row);
  rem_buffer_reset(&row->scratch);
  rem_key_entity(&row->scratch, tenant, table->name, id);
  REM_TRY(rem_buffer_status(&row->scratch, err));
  rem_status status =
      rem_kv_get(engine->kv, snapshot, REM_CF_ENTITIES, rem_buffer_slice(&row->scratch), &row->pin, err);
  if (status != REM_OK)
    return status;
  if (rem_record_open(row->pin.data, row->pin.size, &row->record, err) < 0)
    return damaged(table, id, err);
  if (rem_record_is_external(&row->record))
    REM_TRY(read_large(engine, snapshot, tenant, table, id, row, err));
  own(row, tenant, table, id);
  return REM_OK;
}

rem_status rem_read_value(rem_engine *engine, const rem_kv_snapshot *snapshot, const char *tenant, rem_table *table,
                          const uint8_t id[16], rem_slice value, rem_row *row, rem_error *err) {
  rem_row__reset(row);
  rem_buffer_reset(&row->copy);
  rem_buffer_append_slice(&row->copy, value);
  REM_TRY(rem_buffer_status(&row->copy, err));
  if (rem_record_open(row->copy.data, row->copy.size, &row->record, err) < 0)
    return damaged(table, id, err);
  if (rem_record_is_external(&row->record))
    REM_TRY(read_large(engine, snapshot, tenant, table, id, row, err));
  own(row, tenant, table, id);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

/* Does the row just read have this key? */
static rem_status has_key(rem_row *row, rem_slice key, bool *ret_equal, rem_error *err) {
  rem_buffer_reset(&row->scratch);
  rem_status status = rem_record_key(&row->record, row->table, &row->scratch, err);
  REM_TRY(status);
  *ret_equal = status == REM_OK && rem_slice_equal(rem_buffer_slice(&row->scratch), key);
  return REM_OK;
}

/* The id of the row with an explicit id that has this key, by its alias entry. */
static rem_status find_alias(rem_engine *engine, const char *tenant, const rem_table *table, rem_slice key,
                             uint8_t ret_id[16], rem_error *err) {
  rem_buffer alias REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  rem_index_alias_key(&alias, tenant, table->name, key);
  REM_TRY(rem_buffer_status(&alias, err));
  rem_status status = rem_kv_get(engine->kv, NULL, REM_CF_KEY_INDEX, rem_buffer_slice(&alias), &pin, err);
  if (status != REM_OK)
    return status;
  if (pin.size != 16)
    return rem_error_set(err, REM_CORRUPT, "the alias entry of key '%.*s' is damaged", (int)key.size, key.data);
  memcpy(ret_id, pin.data, 16);
  return REM_OK;
}

static rem_status read_key(rem_engine *engine, const char *tenant, rem_table *table, rem_slice key, uint8_t ret_id[16],
                           rem_row *row, rem_error *err) {
  bool equal = false;
  rem_uuid_of_key(tenant, table->name, key.data, key.size, ret_id);
  rem_status status = rem_read_id(engine, NULL, tenant, table, ret_id, row, err);
  if (status == REM_OK)
    REM_TRY(has_key(row, key, &equal, err));
  REM_TRY(status);
  if (equal)
    return REM_OK;
  rem_row__reset(row);
  uint8_t alias[16];
  status = find_alias(engine, tenant, table, key, alias, err);
  if (status != REM_OK)
    return status;
  memcpy(ret_id, alias, sizeof alias);
  return rem_read_id(engine, NULL, tenant, table, alias, row, err);
}

rem_status rem_read_resolve(rem_engine *engine, const char *tenant, rem_table *table, rem_slice key, uint8_t ret_id[16],
                            rem_row *row, rem_error *err) {
  uint8_t id[16];
  bool is_id = rem_uuid_parse((const char *)key.data, key.size, id);
  if (is_id) {
    rem_status status = rem_read_id(engine, NULL, tenant, table, id, row, err);
    if (status != REM_NOT_FOUND) {
      memcpy(ret_id, id, sizeof id);
      return status;
    }
  }
  rem_status status = read_key(engine, tenant, table, key, ret_id, row, err);
  if (status == REM_NOT_FOUND && is_id)
    memcpy(ret_id, id, sizeof id);
  return status;
}

/* ------------------------------------------------------------------------------------------- */

rem_status rem_read_vectors(rem_engine *engine, const rem_row *row, rem_buffer *buffer, rem_record_vector *ret_vectors,
                            rem_error *err) {
  size_t offsets[REM_SLOT_COUNT];
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++) {
    rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
    rem_buffer_reset(&key);
    rem_key_vector(&key, row->tenant, row->table->name, row->table->slots[slot].area, row->id);
    REM_TRY(rem_buffer_status(&key, err));
    ret_vectors[slot] = (rem_record_vector){0};
    offsets[slot] = buffer->size;
    rem_status status = rem_kv_get(engine->kv, NULL, REM_CF_VECTORS, rem_buffer_slice(&key), &pin, err);
    REM_TRY(status);
    if (status == REM_NOT_FOUND)
      continue;
    rem_buffer_append(buffer, pin.data, pin.size);
    ret_vectors[slot].dimension = pin.size / sizeof(float);
  }
  REM_TRY(rem_buffer_status(buffer, err));
  for (unsigned slot = 0; slot < REM_SLOT_COUNT; slot++)
    if (ret_vectors[slot].dimension)
      ret_vectors[slot].values = (const float *)(const void *)(buffer->data + offsets[slot]);
  return REM_OK;
}
