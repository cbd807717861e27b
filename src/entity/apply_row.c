/* SPDX-License-Identifier: Apache-2.0 */
/* The stored row a change is about: finding it by id, by key, by alias, and reading it as the group sees it. */
#include "entity/apply_internal.h"

#include "base/uuid.h"
#include "index/entries.h"
#include "storage/key.h"

void rem_apply_row_deinit(rem_apply_row *row) {
  rem_kv_pin_release(&row->pin);
  rem_kv_pin_release(&row->large);
}

rem_status rem_apply__read_row(rem_apply *run, const rem_table *table, const uint8_t id[16], rem_apply_row *row,
                           rem_error *err) {
  rem_status status = rem_commit_get(run->group, REM_CF_ENTITIES, rem_apply__entity_key(run, table, id), &row->pin, err);
  row->found = status == REM_OK;
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  REM_TRY(rem_record_open(row->pin.data, row->pin.size, &row->record, err));
  if (rem_record_is_external(&row->record)) {
    status = rem_commit_get(run->group, REM_CF_LARGE, rem_apply__large_key(run, table, id), &row->large, err);
    if (status == REM_NOT_FOUND)
      return rem_error_set(err, REM_CORRUPT, "a row's large value is missing");
    REM_TRY(status);
    REM_TRY(rem_record_open(row->large.data, row->large.size, &row->record, err));
  }
  rem_record_system_get(&row->record, &row->system);
  return REM_OK;
}

rem_status rem_apply__row_key_is(rem_apply *run, const rem_table *table, const rem_apply_row *row, rem_slice key,
                             bool *ret_same, rem_error *err) {
  rem_buffer_reset(&run->key2);
  rem_status status = rem_record_key(&row->record, table, &run->key2, err);
  REM_TRY(status);
  *ret_same = rem_slice_equal(rem_buffer_slice(&run->key2), key);
  return REM_OK;
}

rem_status rem_apply__had_text(rem_apply *run, const rem_change *change, const rem_apply_row *old, bool *ret_had,
                           rem_error *err) {
  rem_buffer_reset(&run->text);
  *ret_had = old->found && rem_record_embedded_text(&old->record, change->table, &run->text);
  return rem_buffer_status(&run->text, err);
}

/* The row with an explicit id that has `key`: REM_OK or REM_NOT_FOUND. */
static rem_status find_alias(rem_apply *run, const rem_table *table, rem_slice key, uint8_t ret_id[16],
                             rem_error *err) {
  rem_apply_table *state;
  REM_TRY(rem_apply__table_state(run, (rem_table *)table, &state, err));
  if (state->counters.explicit_ids == 0)
    return REM_NOT_FOUND;
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  rem_buffer_reset(&run->key);
  rem_index_alias_key(&run->key, run->batch->tenant, table->name, key);
  rem_status status = rem_commit_get(run->group, REM_CF_KEY_INDEX, rem_apply__key(run), &pin, err);
  if (status != REM_OK)
    return status;
  if (pin.size != 16)
    return rem_error_set(err, REM_CORRUPT, "the alias entry of key '%.*s' is damaged", (int)key.size, key.data);
  memcpy(ret_id, pin.data, 16);
  return REM_OK;
}

/* A document with an explicit id: does its key belong to another row? (D8) */
static rem_status check_key_free(rem_apply *run, const rem_change *change, rem_error *err) {
  uint8_t owner[16];
  rem_status status = find_alias(run, change->table, change->key, owner, err);
  REM_TRY(status);
  if (status == REM_OK && memcmp(owner, change->id, 16) != 0)
    return rem_change__key_taken(change, owner, err);
  uint8_t derived[16];
  rem_uuid_of_key(run->batch->tenant, change->table->name, change->key.data, change->key.size, derived);
  if (memcmp(derived, change->id, 16) == 0)
    return REM_OK;
  rem_apply_row row AUTO_APPLY_ROW = {0};
  REM_TRY(rem_apply__read_row(run, change->table, derived, &row, err));
  bool same = false;
  if (row.found)
    REM_TRY(rem_apply__row_key_is(run, change->table, &row, change->key, &same, err));
  return same ? rem_change__key_taken(change, derived, err) : REM_OK;
}

/* An id that the document names for a new row: edges and lookups know rows by id alone, so no other table may have it. */
static rem_status check_id_free(rem_apply *run, const rem_change *change, rem_error *err) {
  rem_kv_pin pin REM_CLEANUP(rem_kv_pin_release) = {0};
  char text[37];
  rem_uuid_format(change->id, text);
  rem_buffer_reset(&run->key);
  REM_TRY(rem_key_key(&run->key, run->batch->tenant, rem_slice_text(text), change->id, err));
  rem_status status = rem_commit_get(run->group, REM_CF_KEY_INDEX, rem_apply__key(run), &pin, err);
  uint8_t labels;
  bool deleted;
  rem_slice table;
  if (status != REM_OK || !rem_index_key_value(rem_kv_pin_slice(&pin), &labels, &deleted, &table) ||
      rem_slice_equal(table, rem_slice_text(change->table->name)))
    return status < 0 ? status : REM_OK;
  return rem_change__id_taken(change, table, err);
}

rem_status rem_apply__find_replaced(rem_apply *run, rem_change *change, rem_apply_row *row, rem_error *err) {
  if (change->id_given && change->key.size)
    REM_TRY(check_key_free(run, change, err));
  REM_TRY(rem_apply__read_row(run, change->table, change->id, row, err));
  if (change->id_given && !row->found)
    return check_id_free(run, change, err);
  if (row->found || change->id_given || change->key.size == 0)
    return REM_OK;
  uint8_t id[16];
  rem_status status = find_alias(run, change->table, change->key, id, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  memcpy(change->id, id, sizeof id);
  change->id_derived = false;
  return rem_apply__read_row(run, change->table, id, row, err);
}

rem_status rem_apply__find_named(rem_apply *run, rem_change *change, rem_apply_row *row, rem_error *err) {
  uint8_t id[16];
  if (rem_uuid_parse((const char *)change->key.data, change->key.size, id)) {
    REM_TRY(rem_apply__read_row(run, change->table, id, row, err));
    if (row->found) {
      memcpy(change->id, id, sizeof id);
      return REM_OK;
    }
  }
  rem_uuid_of_key(run->batch->tenant, change->table->name, change->key.data, change->key.size, change->id);
  REM_TRY(rem_apply__read_row(run, change->table, change->id, row, err));
  bool same = false;
  if (row->found)
    REM_TRY(rem_apply__row_key_is(run, change->table, row, change->key, &same, err));
  if (same)
    return REM_OK;
  rem_apply_row_deinit(row);
  *row = (rem_apply_row){0};
  rem_status status = find_alias(run, change->table, change->key, id, err);
  if (status != REM_OK)
    return status < 0 ? status : REM_OK;
  memcpy(change->id, id, sizeof id);
  return rem_apply__read_row(run, change->table, id, row, err);
}
