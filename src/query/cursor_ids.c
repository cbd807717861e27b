/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of the rows that a comparison with an id, a key or a label names. */
#include <stdlib.h>

#include "query/cursor.h"

#include "base/instant.h"
#include "base/uuid.h"
#include "index/entries.h"
#include "storage/key.h"

/* ------------------------------------------------------------------------------------------- */
/* Ids                                                                                          */

static rem_status add_id(rem_table_cursor *cursor, const uint8_t id[16], rem_error *err) {
  if (cursor->id_count == cursor->id_capacity) {
    size_t capacity = cursor->id_capacity ? cursor->id_capacity * 4 : 2;
    uint8_t(*ids)[16] = rem_arena_alloc(&cursor->arena, capacity * sizeof *ids);
    if (!ids)
      return rem_error_nomem(err);
    if (cursor->id_count)
      memcpy(ids, cursor->ids, cursor->id_count * sizeof *ids);
    cursor->ids = ids;
    cursor->id_capacity = capacity;
  }
  memcpy(cursor->ids[cursor->id_count++], id, 16);
  return REM_OK;
}

/* The id of the row with an explicit id that has this key: REM_OK or REM_NOT_FOUND. */
static rem_status find_alias(rem_table_cursor *cursor, rem_slice key, uint8_t ret_id[16], rem_error *err) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_buffer_reset(&cursor->key);
  rem_index_alias_key(&cursor->key, cursor->module->session->tenant, cursor->module->table->name, key);
  REM_TRY(rem_buffer_status(&cursor->key, err));
  rem_status status = rem_kv_get(cursor->view->engine->kv, cursor->view->snapshot, REM_CF_KEY_INDEX,
                                 rem_buffer_slice(&cursor->key), &pin, err);
  if (status != REM_OK)
    return status;
  if (pin.size != 16)
    return rem_error_set(err, REM_CORRUPT, "the alias entry of key '%.*s' is damaged", (int)key.size, key.data);
  memcpy(ret_id, pin.data, 16);
  return REM_OK;
}

/* The rows that may have the key: the one whose id follows from it, and those with an id of their own, in the store or of the transaction. */
static rem_status add_key(rem_table_cursor *cursor, rem_slice key, rem_error *err) {
  uint8_t id[16];
  rem_uuid_of_key(cursor->module->session->tenant, cursor->module->table->name, key.data, key.size, id);
  REM_TRY(add_id(cursor, id, err));
  const rem_pending_row *row = cursor->view->transaction ? rem_transaction_find_key(cursor->view->transaction, cursor->module->table, key) : NULL;
  if (row)
    REM_TRY(add_id(cursor, row->id, err));
  if (!cursor->module->explicit_ids)
    return REM_OK;
  rem_status status = find_alias(cursor, key, id, err);
  return status == REM_OK ? add_id(cursor, id, err) : status < 0 ? status : REM_OK;
}

/* The key that the terms spell. False: not a key at all, or none that can be told. */
static bool spell_key(const rem_term *first, const rem_term *second, rem_buffer *key) {
  if (first->operand != REM_OPERAND_VALUE || first->value.type != REM_TYPE_TEXT || first->value.text_size == 0)
    return false;
  rem_buffer_append(key, first->value.text, first->value.text_size);
  if (!second)
    return true;
  if (second->operand != REM_OPERAND_VALUE)
    return false;
  /* An ordinal may be given as 3.0; the key has it as 3. */
  rem_value part = second->value;
  if (second->column->kind == REM_FIELD_INT && part.type != REM_TYPE_INT)
    return false;
  rem_buffer_append_byte(key, ':');
  return rem_value_append_text(&part, key);
}

/* As memcmp() has it, by two words: a long IN spends a fortieth of its time here. */
static int compare_ids(const void *a, const void *b) {
  uint64_t x[2], y[2];
  memcpy(x, a, 16);
  memcpy(y, b, 16);
  int i = x[0] == y[0];
  uint64_t p = __builtin_bswap64(x[i]), q = __builtin_bswap64(y[i]);
  return (p > q) - (p < q);
}

/* ---- an IN that SQLite does not judge again ---- */

/* The keys of a plain list. All are text by now, or nothing that a text is equal to; the empty text is no key but may be a value of the field. */
static rem_status add_asked(rem_table_cursor *cursor, sqlite3_value *argument, bool *ret_usable, rem_error *err) {
  sqlite3_value *item;
  for (int code = sqlite3_vtab_in_first(argument, &item); code == SQLITE_OK && item; code = sqlite3_vtab_in_next(argument, &item)) {
    int type = sqlite3_value_type(item);
    if (type == SQLITE_NULL || type == SQLITE_BLOB)
      continue;
    const char *text = (const char *)sqlite3_value_text(item);
    if (!text)
      return rem_error_nomem(err);
    rem_slice key = rem_slice_of(text, (size_t)sqlite3_value_bytes(item));
    REM_TRY(rem_text_set_add(&cursor->asked, &cursor->arena, key, err));
    *ret_usable = *ret_usable && key.size > 0;
    if (*ret_usable)
      REM_TRY(add_key(cursor, key, err));
  }
  return REM_OK;
}

/* A value that is no text, as SQLite makes text of it for a column of texts. False: it is equal to no text. */
static bool as_text(const rem_value *value, char ret_text[64]) {
  switch (value->type) {
  case REM_TYPE_BOOL:
  case REM_TYPE_INT: sqlite3_snprintf(64, ret_text, "%lld", (long long)value->integer); return true;
  case REM_TYPE_REAL: sqlite3_snprintf(64, ret_text, "%!.15g", value->real); return true;
  case REM_TYPE_INSTANT: ret_text[rem_instant_format_fixed(value->integer, ret_text)] = 0; return true;
  case REM_TYPE_UUID: rem_uuid_format(value->uuid, ret_text); return true;
  default: return false;
  }
}

bool rem_table_cursor__is_asked(rem_table_cursor *cursor, const rem_record *record) {
  rem_value value;
  char text[64];
  rem_buffer_reset(&cursor->scratch);
  if (rem_record_value(record, cursor->module->table, cursor->terms[0].column->field, &cursor->scratch, &value, NULL) != REM_OK)
    return false;
  if (value.type == REM_TYPE_TEXT || value.type == REM_TYPE_JSON)
    return rem_text_set_has(&cursor->asked, rem_slice_of(value.text, value.text_size));
  return as_text(&value, text) && rem_text_set_has(&cursor->asked, rem_slice_text(text));
}

static void sort_ids(rem_table_cursor *cursor) {
  size_t kept = 0;
  if (cursor->id_count < 2)
    return;
  qsort(cursor->ids, cursor->id_count, 16, compare_ids);
  for (size_t i = 0; i < cursor->id_count; i++)
    if (kept == 0 || memcmp(cursor->ids[kept - 1], cursor->ids[i], 16) != 0)
      memmove(cursor->ids[kept++], cursor->ids[i], 16);
  cursor->id_count = kept;
}

/* One value of an id or a key. `ret_usable` false: it cannot be told which row is meant. */
static rem_status add_named(rem_table_cursor *cursor, const rem_term *term, const rem_term *second, bool *ret_usable,
                            rem_error *err) {
  *ret_usable = true;
  if (term->operand == REM_OPERAND_NEVER || (second && second->operand == REM_OPERAND_NEVER))
    return REM_OK;
  if (cursor->path == REM_PATH_ID) {
    /* What is not an id in its canonical form is no row's. */
    bool is_id = term->operand == REM_OPERAND_VALUE;
    return is_id ? add_id(cursor, term->value.uuid, err) : REM_OK;
  }
  /* The cursor's key buffer is find_alias()'s. */
  rem_buffer *key = &cursor->value_text;
  rem_buffer_reset(key);
  *ret_usable = spell_key(term, second, key);
  REM_TRY(rem_buffer_status(key, err));
  return *ret_usable ? add_key(cursor, rem_buffer_slice(key), err) : REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Labels                                                                                       */

/* Those of the transaction. */
static rem_status add_written(rem_table_cursor *cursor, rem_slice lower, rem_slice upper, uint8_t wanted, rem_error *err) {
  rem_pending_walk walk;
  uint8_t labels;
  bool deleted;
  rem_slice table;
  REM_TRY(rem_transaction_walk(cursor->view->transaction, REM_CF_KEY_INDEX, lower, upper, &walk, err));
  while (rem_pending_walk_next(&walk))
    if (rem_index_key_value(walk.value, &labels, &deleted, &table) && (labels & wanted) &&
        rem_slice_equal(table, rem_slice_text(cursor->module->table->name)))
      REM_TRY(add_id(cursor, walk.row->id, err));
  return REM_OK;
}

/* The rows of this table that the key index holds under `value` as a URI or a name. */
static rem_status add_labelled(rem_table_cursor *cursor, rem_slice value, rem_error *err) {
  uint8_t wanted = cursor->module->table->key_rule == REM_KEY_RESOURCE ? REM_LABEL_URI : REM_LABEL_NAME;
  rem_buffer upper REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_buffer_reset(&cursor->key);
  REM_TRY(rem_key_key(&cursor->key, cursor->module->session->tenant, value, NULL, err));
  rem_key_prefix_end(&upper, rem_buffer_slice(&cursor->key));
  REM_TRY(rem_buffer_status(&upper, err));
  REM_TRY(rem_kv_iterator_narrow(cursor->iterator, rem_buffer_slice(&cursor->key), rem_buffer_slice(&upper), err));
  for (rem_kv_iterator_first(cursor->iterator); rem_kv_iterator_valid(cursor->iterator); rem_kv_iterator_next(cursor->iterator)) {
    uint8_t labels;
    bool deleted;
    rem_slice table;
    const uint8_t *id = rem_key_id(rem_kv_iterator_key(cursor->iterator));
    if (!id || !rem_index_key_value(rem_kv_iterator_value(cursor->iterator), &labels, &deleted, &table))
      return rem_error_set(err, REM_CORRUPT, "an entry of the key index is damaged");
    if (!(labels & wanted) || !rem_slice_equal(table, rem_slice_text(cursor->module->table->name)))
      continue;
    REM_TRY(add_id(cursor, id, err));
  }
  REM_TRY(rem_kv_iterator_status(cursor->iterator, err));
  return add_written(cursor, rem_buffer_slice(&cursor->key), rem_buffer_slice(&upper), wanted, err);
}

static rem_status add_label(rem_table_cursor *cursor, const rem_term *term, const rem_term *second, bool *ret_usable, rem_error *err) {
  (void)second;
  bool is_label = term->operand == REM_OPERAND_VALUE && term->value.type == REM_TYPE_TEXT && term->value.text_size > 0 &&
                  term->value.text_size <= REM_RECORD_KEY_MAX;
  *ret_usable = is_label || term->operand == REM_OPERAND_NEVER;
  return is_label ? add_labelled(cursor, rem_slice_of(term->value.text, term->value.text_size), err) : REM_OK;
}

/* ------------------------------------------------------------------------------------------- */

typedef rem_status (*add_value)(rem_table_cursor *cursor, const rem_term *term, const rem_term *second, bool *ret_usable, rem_error *err);

/* The ids that the first term names, each of its values by `add`; all rows when one of them cannot be told. */
static rem_status add_all(rem_table_cursor *cursor, sqlite3_value *argument, add_value add, rem_error *err) {
  const rem_plan *plan = cursor->plan;
  bool usable = true;
  if (plan->terms[0].role != REM_ROLE_IN) {
    const rem_term *second = plan->count > 1 && plan->terms[1].role == REM_ROLE_SECOND ? &cursor->terms[1] : NULL;
    REM_TRY(add(cursor, &cursor->terms[0], second, &usable, err));
  } else if (plan->exact && cursor->path == REM_PATH_KEY) {
    REM_TRY(add_asked(cursor, argument, &usable, err));
  } else {
    sqlite3_value *item;
    for (int code = sqlite3_vtab_in_first(argument, &item); code == SQLITE_OK && item && usable;
         code = sqlite3_vtab_in_next(argument, &item)) {
      rem_term term;
      rem_term_init(&term, cursor->terms[0].column, SQLITE_INDEX_CONSTRAINT_EQ, item);
      REM_TRY(add(cursor, &term, NULL, &usable, err));
    }
  }
  sort_ids(cursor);
  if (usable)
    return REM_OK;
  cursor->id_count = 0;
  rem_table_cursor__fall_back(cursor);
  return rem_table_cursor__begin_scan(cursor, err);
}

rem_status rem_table_cursor__begin_ids(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
  return add_all(cursor, arguments[0], add_named, err);
}

rem_status rem_table_cursor__begin_labels(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
  rem_buffer_reset(&cursor->iterator_prefix);
  rem_key_key_prefix(&cursor->iterator_prefix, cursor->module->session->tenant);
  REM_TRY(rem_table_cursor__open_iterator(cursor, REM_CF_KEY_INDEX, err));
  return add_all(cursor, arguments[0], add_label, err);
}
