/* SPDX-License-Identifier: Apache-2.0 */
/* Building keys: readable prefixes, then raw parts. */
#include "storage/key.h"

#include <string.h>

static void append_word(rem_buffer *buffer, const char *word) {
  rem_buffer_append_text(buffer, word);
  rem_buffer_append_byte(buffer, ':');
}

static void append_number(rem_buffer *buffer, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do
    digits[--at] = (char)('0' + number % 10);
  while (number /= 10);
  rem_buffer_append(buffer, digits + at, sizeof digits - at);
}

static void append_table_prefix(rem_buffer *buffer, const char *kind, const char *tenant, const char *table) {
  append_word(buffer, kind);
  append_word(buffer, tenant);
  append_word(buffer, table);
}

static void append_numbered_prefix(rem_buffer *buffer, const char *kind, const char *tenant, const char *table,
                                   unsigned number) {
  append_table_prefix(buffer, kind, tenant, table);
  append_number(buffer, number);
  rem_buffer_append_byte(buffer, ':');
}

void rem_key_entity_prefix(rem_buffer *buffer, const char *tenant, const char *table) {
  append_table_prefix(buffer, "entity", tenant, table);
}

void rem_key_large_prefix(rem_buffer *buffer, const char *tenant, const char *table) {
  append_table_prefix(buffer, "large", tenant, table);
}

void rem_key_vector_prefix(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot) {
  append_numbered_prefix(buffer, "vector", tenant, table, slot);
}

void rem_key_vector_log_prefix(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot) {
  append_numbered_prefix(buffer, "vlog", tenant, table, slot);
}

void rem_key_index_prefix(rem_buffer *buffer, const char *tenant, const char *table, unsigned field_number) {
  append_numbered_prefix(buffer, "index", tenant, table, field_number);
}

void rem_key_pending_prefix(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot) {
  append_numbered_prefix(buffer, "pending", tenant, table, slot);
}

void rem_key_key_prefix(rem_buffer *buffer, const char *tenant) {
  append_word(buffer, "key");
  append_word(buffer, tenant);
}

void rem_key_edge_prefix(rem_buffer *buffer, const char *tenant) {
  append_word(buffer, "edge");
  append_word(buffer, tenant);
}

void rem_key_log_prefix(rem_buffer *buffer, const char *tenant) {
  append_table_prefix(buffer, "wal", tenant, "entry");
}

void rem_key_table_prefix(rem_buffer *buffer, const char *tenant) {
  append_word(buffer, "table");
  append_word(buffer, tenant);
}

void rem_key_entity(rem_buffer *buffer, const char *tenant, const char *table, const uint8_t id[16]) {
  rem_key_entity_prefix(buffer, tenant, table);
  rem_buffer_append(buffer, id, 16);
}

void rem_key_large(rem_buffer *buffer, const char *tenant, const char *table, const uint8_t id[16]) {
  rem_key_large_prefix(buffer, tenant, table);
  rem_buffer_append(buffer, id, 16);
}

void rem_key_vector(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot, const uint8_t id[16]) {
  rem_key_vector_prefix(buffer, tenant, table, slot);
  rem_buffer_append(buffer, id, 16);
}

void rem_key_vector_log(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot, uint64_t seq) {
  rem_key_vector_log_prefix(buffer, tenant, table, slot);
  rem_buffer_append_u64be(buffer, seq);
}

void rem_key_pending(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot, const uint8_t id[16]) {
  rem_key_pending_prefix(buffer, tenant, table, slot);
  rem_buffer_append(buffer, id, 16);
}

static rem_status check_length(rem_slice text, const char *what, rem_error *err) {
  if (text.size <= REM_KEY_TEXT_MAX)
    return REM_OK;
  rem_error_set(err, REM_LIMIT, "the %s is %zu bytes long; at most %d are possible", what, text.size, REM_KEY_TEXT_MAX);
  rem_error_hint(err, "use a shorter %s, for example a hash of the long one", what);
  return REM_LIMIT;
}

rem_status rem_key_key(rem_buffer *buffer, const char *tenant, rem_slice value, const uint8_t *id, rem_error *err) {
  REM_TRY(check_length(value, "key", err));
  rem_key_key_prefix(buffer, tenant);
  rem_key_append_text(buffer, value);
  if (id)
    rem_buffer_append(buffer, id, 16);
  return rem_buffer_status(buffer, err);
}

void rem_key_log_entry(rem_buffer *buffer, const char *tenant, uint64_t seq) {
  rem_key_log_prefix(buffer, tenant);
  uint8_t *digits = rem_buffer_extend(buffer, 20);
  for (int i = 19; digits && i >= 0; i--, seq /= 10)
    digits[i] = (uint8_t)('0' + seq % 10);
}

void rem_key_log_seq(rem_buffer *buffer, const char *tenant) {
  append_word(buffer, "wal");
  append_word(buffer, tenant);
  rem_buffer_append_text(buffer, "seq");
}

void rem_key_log_floor(rem_buffer *buffer, const char *tenant) {
  append_word(buffer, "wal");
  append_word(buffer, tenant);
  rem_buffer_append_text(buffer, "floor");
}

void rem_key_table(rem_buffer *buffer, const char *tenant, const char *table) {
  rem_key_table_prefix(buffer, tenant);
  rem_buffer_append_text(buffer, table);
}

void rem_key_counter(rem_buffer *buffer, const char *tenant, const char *table) {
  append_word(buffer, "counter");
  append_word(buffer, tenant);
  rem_buffer_append_text(buffer, table);
}

void rem_key_tenant(rem_buffer *buffer, const char *tenant) {
  append_word(buffer, "tenant");
  rem_buffer_append_text(buffer, tenant);
}

void rem_key_graph(rem_buffer *buffer, const char *tenant, const char *table, unsigned slot) {
  append_table_prefix(buffer, "graph", tenant, table);
  append_number(buffer, slot);
}

void rem_key_prefix_end(rem_buffer *ret_end, rem_slice prefix) {
  while (prefix.size && prefix.data[prefix.size - 1] == 0xFF)
    prefix.size--;
  if (!prefix.size)
    return;
  rem_buffer_append(ret_end, prefix.data, prefix.size - 1);
  rem_buffer_append_byte(ret_end, (uint8_t)(prefix.data[prefix.size - 1] + 1));
}

/* ---- edges ---- */

void rem_key_append_target(rem_buffer *buffer, const rem_key_target *target) {
  rem_buffer_append_byte(buffer, (uint8_t)target->kind);
  if (target->kind == REM_TARGET_ID) {
    rem_buffer_append(buffer, target->id, 16);
    return;
  }
  if (target->kind == REM_TARGET_TABLE_KEY)
    rem_key_append_text(buffer, target->table);
  rem_key_append_text(buffer, target->key);
}

static rem_status check_edge(rem_slice type, const rem_key_target *target, rem_error *err) {
  REM_TRY(check_length(type, "edge type", err));
  if (target->kind == REM_TARGET_ID)
    return REM_OK;
  if (target->kind == REM_TARGET_TABLE_KEY)
    REM_TRY(check_length(target->table, "table name", err));
  return check_length(target->key, "key", err);
}

rem_status rem_key_edge(rem_buffer *buffer, const char *tenant, const uint8_t source[16], rem_slice type,
                        const rem_key_target *target, rem_error *err) {
  REM_TRY(check_edge(type, target, err));
  rem_key_edge_prefix(buffer, tenant);
  rem_buffer_append(buffer, source, 16);
  rem_key_append_text(buffer, type);
  rem_key_append_target(buffer, target);
  return rem_buffer_status(buffer, err);
}

rem_status rem_key_edge_reverse(rem_buffer *buffer, const char *tenant, const uint8_t source[16], rem_slice type,
                                const rem_key_target *target, rem_error *err) {
  REM_TRY(check_edge(type, target, err));
  rem_key_edge_prefix(buffer, tenant);
  rem_key_append_target(buffer, target);
  rem_key_append_text(buffer, type);
  rem_buffer_append(buffer, source, 16);
  return rem_buffer_status(buffer, err);
}
