/* SPDX-License-Identifier: Apache-2.0 */
/* From the arguments of xFilter to what the cursor will walk. */
#include "query/cursor.h"
#include "query/functions.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "index/entries.h"
#include "storage/key.h"

/* ------------------------------------------------------------------------------------------- */
/* Stretches of an index                                                                        */

static rem_status keep(rem_table_cursor *cursor, const rem_buffer *bytes, rem_slice *ret_copy, rem_error *err) {
  REM_TRY(rem_buffer_status(bytes, err));
  void *copy = rem_arena_memdup(&cursor->arena, bytes->data, bytes->size);
  if (!copy)
    return rem_error_nomem(err);
  *ret_copy = rem_slice_of(copy, bytes->size);
  return REM_OK;
}

/* The index's prefix, then `value` (NULL: nothing more). True: the value is one whose entries are by prefix and hash. */
static bool put_value(rem_table_cursor *cursor, rem_buffer *bytes, const rem_value *value) {
  rem_buffer_reset(bytes);
  rem_buffer_append_slice(bytes, rem_buffer_slice(&cursor->iterator_prefix));
  return value && rem_key_append_value(bytes, value);
}

/* The first 512 bytes of a long text: all that begin so lie together, in no order. */
static void put_long(rem_table_cursor *cursor, rem_buffer *bytes, const rem_value *value) {
  rem_buffer_reset(bytes);
  rem_buffer_append_slice(bytes, rem_buffer_slice(&cursor->iterator_prefix));
  (void)rem_key_append_value_prefix(bytes, rem_slice_of(value->text, REM_KEY_VALUE_MAX));
}

static void to_end(rem_buffer *bytes) {
  rem_buffer end REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_key_prefix_end(&end, rem_buffer_slice(bytes));
  rem_buffer_reset(bytes);
  rem_buffer_append_slice(bytes, rem_buffer_slice(&end));
}

static rem_status lower_bound(rem_table_cursor *cursor, const rem_term *term, rem_buffer *bytes, rem_error *err) {
  if (put_value(cursor, bytes, &term->value))
    put_long(cursor, bytes, &term->value);
  else if (term->op == SQLITE_INDEX_CONSTRAINT_GT)
    to_end(bytes);
  return rem_buffer_status(bytes, err);
}

static rem_status upper_bound(rem_table_cursor *cursor, const rem_term *term, rem_buffer *bytes, rem_error *err) {
  if (put_value(cursor, bytes, &term->value)) {
    put_long(cursor, bytes, &term->value);
    to_end(bytes);
  } else if (term->op == SQLITE_INDEX_CONSTRAINT_LE) {
    to_end(bytes);
  }
  return rem_buffer_status(bytes, err);
}

static rem_status add_stretch(rem_table_cursor *cursor, const rem_buffer *lower, const rem_buffer *upper, rem_error *err) {
  rem_stretch *stretch = &cursor->stretches[cursor->stretch_count];
  REM_TRY(keep(cursor, lower, &stretch->lower, err));
  REM_TRY(keep(cursor, upper, &stretch->upper, err));
  if (rem_slice_compare(stretch->lower, stretch->upper) < 0)
    cursor->stretch_count++;
  return REM_OK;
}

/* All entries of one value; NULL's own when `value` is NULL. */
static rem_status add_value(rem_table_cursor *cursor, const rem_value *value, rem_error *err) {
  rem_buffer lower REM_CLEANUP(rem_buffer_deinit) = {0}, upper REM_CLEANUP(rem_buffer_deinit) = {0};
  static const rem_value null = {.type = REM_TYPE_NULL};
  (void)put_value(cursor, &lower, value ? value : &null);
  rem_buffer_append_slice(&upper, rem_buffer_slice(&lower));
  to_end(&upper);
  return add_stretch(cursor, &lower, &upper, err);
}

static rem_status room_for_stretches(rem_table_cursor *cursor, size_t count, rem_error *err) {
  cursor->stretches = rem_arena_alloc(&cursor->arena, count * sizeof *cursor->stretches);
  cursor->stretch_count = cursor->next_stretch = 0;
  return cursor->stretches ? REM_OK : rem_error_nomem(err);
}

/* An index of booleans holds them as such; a number that is neither is no boolean. */
static bool as_indexed(const rem_column *column, rem_value *value) {
  if (column->kind != REM_FIELD_BOOL)
    return true;
  bool whole = value->type == REM_TYPE_INT || (value->type == REM_TYPE_REAL && (value->real == 0 || value->real == 1));
  int64_t integer = value->type == REM_TYPE_REAL ? (int64_t)value->real : value->integer;
  *value = (rem_value){.type = REM_TYPE_BOOL, .integer = integer};
  return whole && (integer == 0 || integer == 1);
}

/* ------------------------------------------------------------------------------------------- */
/* LIKE and GLOB                                                                                */

/* How much of a pattern is plain text. */
static size_t plain_size(const char *pattern, size_t size, const char *wild) {
  size_t plain = 0;
  while (plain < size && !memchr(wild, pattern[plain], strlen(wild)))
    plain++;
  return plain;
}

/* Texts that LIKE takes for equal lie between the prefix in capitals and the prefix in small letters; what else lies there is passed over. */
static rem_status prefix_bounds(rem_table_cursor *cursor, const rem_term *term, const char *pattern, size_t size,
                                rem_buffer *lower, rem_buffer *upper, rem_error *err) {
  bool like = term->op == SQLITE_INDEX_CONSTRAINT_LIKE;
  size_t plain = plain_size(pattern, size, like ? "%_" : "*?[");
  if (plain > REM_KEY_VALUE_MAX)
    plain = REM_KEY_VALUE_MAX;
  char small[REM_KEY_VALUE_MAX], large[REM_KEY_VALUE_MAX];
  for (size_t i = 0; i < plain; i++) {
    bool ascii = like && (unsigned char)pattern[i] < 128;
    small[i] = ascii ? (char)tolower(pattern[i]) : pattern[i];
    large[i] = ascii ? (char)toupper(pattern[i]) : pattern[i];
  }
  (void)put_value(cursor, lower, NULL);
  (void)rem_key_append_value_prefix(lower, rem_slice_of(large, plain));
  (void)put_value(cursor, upper, NULL);
  (void)rem_key_append_value_prefix(upper, rem_slice_of(small, plain));
  to_end(upper);
  REM_TRY(rem_buffer_status(upper, err));
  if (!like || plain == 0)
    return REM_OK;
  char *copy = rem_arena_memdup(&cursor->arena, small, plain);
  if (!copy)
    return rem_error_nomem(err);
  cursor->folded_prefix = rem_slice_of(copy, plain);
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* Paths                                                                                        */

/* The argument is nothing the path can use: all rows, in the order that was promised. */
static void fall_back(rem_table_cursor *cursor) {
  if (!cursor->ordered || cursor->path != REM_PATH_INDEX)
    cursor->path = REM_PATH_SCAN;
  cursor->covered = cursor->covered && cursor->path == REM_PATH_INDEX;
  cursor->folded_prefix = (rem_slice){0};
}

static rem_status begin_range(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
  rem_buffer lower REM_CLEANUP(rem_buffer_deinit) = {0}, upper REM_CLEANUP(rem_buffer_deinit) = {0};
  bool bounded = false;
  (void)put_value(cursor, &lower, NULL);
  rem_buffer_append_slice(&upper, rem_buffer_slice(&lower));
  to_end(&upper);
  for (int i = 0; i < cursor->plan->count; i++) {
    const rem_term *term = &cursor->terms[i];
    rem_plan_role role = cursor->plan->terms[i].role;
    if (role == REM_ROLE_LOWER || role == REM_ROLE_UPPER) {
      if (term->operand == REM_OPERAND_NEVER)
        return REM_OK;
      if (term->operand != REM_OPERAND_VALUE)
        continue;
      rem_buffer bound REM_CLEANUP(rem_buffer_deinit) = {0};
      REM_TRY(role == REM_ROLE_LOWER ? lower_bound(cursor, term, &bound, err) : upper_bound(cursor, term, &bound, err));
      rem_buffer *side = role == REM_ROLE_LOWER ? &lower : &upper;
      int order = rem_slice_compare(rem_buffer_slice(&bound), rem_buffer_slice(side));
      if (role == REM_ROLE_LOWER ? order > 0 : order < 0) {
        rem_buffer_reset(side);
        rem_buffer_append_slice(side, rem_buffer_slice(&bound));
      }
      bounded = true;
    } else if (role == REM_ROLE_PREFIX && !bounded) {
      if (sqlite3_value_type(arguments[i]) == SQLITE_NULL)
        return REM_OK;
      const char *pattern = (const char *)sqlite3_value_text(arguments[i]);
      if (!pattern)
        return rem_error_nomem(err);
      REM_TRY(prefix_bounds(cursor, term, pattern, (size_t)sqlite3_value_bytes(arguments[i]), &lower, &upper, err));
      bounded = true;
    }
  }
  if (bounded && cursor->folded_prefix.size == 0 && lower.size == cursor->iterator_prefix.size)
    rem_buffer_append_byte(&lower, 1); /* NULLs compare with nothing */
  REM_TRY(room_for_stretches(cursor, 1, err));
  return add_stretch(cursor, &lower, &upper, err);
}

/* _rem_has(list, value): an element is found by its own kind. */
static bool element_value(sqlite3_value *argument, rem_value *value) {
  switch (sqlite3_value_type(argument)) {
  case SQLITE_INTEGER: *value = (rem_value){.type = REM_TYPE_INT, .integer = sqlite3_value_int64(argument)}; return true;
  case SQLITE_FLOAT: *value = (rem_value){.type = REM_TYPE_REAL, .real = sqlite3_value_double(argument)}; return true;
  case SQLITE_TEXT:
    *value = (rem_value){.type = REM_TYPE_TEXT,
                         .text = (const char *)sqlite3_value_text(argument),
                         .text_size = (size_t)sqlite3_value_bytes(argument)};
    return value->text != NULL;
  default: return false;
  }
}

/* An index of a list holds true apart from 1, ANY() takes them for the same: then the index cannot serve. */
static bool may_be_boolean(sqlite3_value *argument) {
  rem_value value;
  if (!element_value(argument, &value) || value.type == REM_TYPE_TEXT)
    return false;
  return value.type == REM_TYPE_REAL ? value.real == 0 || value.real == 1 : value.integer == 0 || value.integer == 1;
}

static rem_status begin_equality(rem_table_cursor *cursor, sqlite3_value *argument, rem_error *err) {
  rem_term *term = &cursor->terms[0];
  REM_TRY(room_for_stretches(cursor, 1, err));
  if (term->op == REM_FUNCTION_ANY) {
    rem_value value;
    return element_value(argument, &value) ? add_value(cursor, &value, err) : REM_OK;
  }
  if (term->operand == REM_OPERAND_NEVER)
    return REM_OK;
  if (term->operand == REM_OPERAND_NULL)
    return add_value(cursor, NULL, err);
  rem_value value = term->value;
  return as_indexed(term->column, &value) ? add_value(cursor, &value, err) : REM_OK;
}

static int compare_stretches(const void *a, const void *b) {
  return rem_slice_compare(((const rem_stretch *)a)->lower, ((const rem_stretch *)b)->lower);
}

/* Each value of the IN, once; `ret_usable` false when one of them cannot be told. */
static rem_status begin_in(rem_table_cursor *cursor, sqlite3_value *argument, bool *ret_usable, rem_error *err) {
  const rem_column *column = cursor->terms[0].column;
  sqlite3_value *item;
  size_t capacity = 0, room = 0;
  for (int code = sqlite3_vtab_in_first(argument, &item); code == SQLITE_OK && item; code = sqlite3_vtab_in_next(argument, &item))
    capacity++;
  REM_TRY(room_for_stretches(cursor, capacity + 1, err));
  *ret_usable = true;
  for (int code = sqlite3_vtab_in_first(argument, &item); code == SQLITE_OK && item && room < capacity;
       code = sqlite3_vtab_in_next(argument, &item), room++) {
    rem_term term;
    rem_term_init(&term, column, SQLITE_INDEX_CONSTRAINT_EQ, item);
    if (term.operand == REM_OPERAND_UNKNOWN)
      *ret_usable = false;
    rem_value value = term.value;
    if (term.operand == REM_OPERAND_VALUE && as_indexed(column, &value))
      REM_TRY(add_value(cursor, &value, err));
  }
  qsort(cursor->stretches, cursor->stretch_count, sizeof *cursor->stretches, compare_stretches);
  size_t kept = 0;
  for (size_t i = 0; i < cursor->stretch_count; i++)
    if (kept == 0 || !rem_slice_equal(cursor->stretches[kept - 1].lower, cursor->stretches[i].lower))
      cursor->stretches[kept++] = cursor->stretches[i];
  cursor->stretch_count = kept;
  return REM_OK;
}

static rem_status open_iterator(rem_table_cursor *cursor, rem_kv_family family, rem_error *err) {
  rem_slice prefix = rem_buffer_slice(&cursor->iterator_prefix);
  REM_TRY(rem_buffer_status(&cursor->iterator_prefix, err));
  if (cursor->iterator && cursor->iterator_family == family)
    return REM_OK;
  rem_kv_iterator_free(REM_TAKE(cursor->iterator));
  cursor->iterator_family = family;
  rem_kv *kv = cursor->view->engine->kv;
  if (family != REM_CF_ENTITIES)
    return rem_kv_iterator_prefix(kv, cursor->view->snapshot, family, prefix, &cursor->iterator, err);
  return rem_kv_iterator_scan(kv, cursor->view->snapshot, family, prefix, rem_kv_scan_again(kv, family),
                              &cursor->iterator, err);
}

static rem_status begin_scan(rem_table_cursor *cursor, rem_error *err) {
  rem_buffer_reset(&cursor->iterator_prefix);
  rem_key_entity_prefix(&cursor->iterator_prefix, cursor->module->session->tenant, cursor->module->table->name);
  REM_TRY(open_iterator(cursor, REM_CF_ENTITIES, err));
  REM_TRY(room_for_stretches(cursor, 1, err));
  /* The whole of the iterator, whose own bounds cost nothing. */
  cursor->stretches[cursor->stretch_count++] = (rem_stretch){0};
  return REM_OK;
}

static rem_status begin_index(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
  const rem_column *column = &cursor->module->columns.items[cursor->plan->column];
  rem_plan_role first = cursor->plan->count ? (rem_plan_role)cursor->plan->terms[0].role : REM_ROLE_FILTER;
  rem_buffer_reset(&cursor->iterator_prefix);
  rem_key_index_prefix(&cursor->iterator_prefix, cursor->module->session->tenant, cursor->module->table->name,
                       column->field->number);
  bool usable = true;
  if (first == REM_ROLE_IN)
    REM_TRY(begin_in(cursor, arguments[0], &usable, err));
  else if (first == REM_ROLE_ACCESS)
    usable = cursor->terms[0].op == REM_FUNCTION_ANY ? !may_be_boolean(arguments[0]) : cursor->terms[0].operand != REM_OPERAND_UNKNOWN;
  if (!usable)
    fall_back(cursor);
  if (cursor->path == REM_PATH_SCAN)
    return begin_scan(cursor, err);
  REM_TRY(open_iterator(cursor, REM_CF_FIELD_INDEX, err));
  if (first == REM_ROLE_IN)
    return REM_OK;
  if (first == REM_ROLE_ACCESS && usable)
    return begin_equality(cursor, arguments[0], err);
  return begin_range(cursor, arguments, err);
}

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

/* Both rows that may have the key: the one whose id follows from it, and one with an id of its own. */
static rem_status add_key(rem_table_cursor *cursor, rem_slice key, rem_error *err) {
  uint8_t id[16];
  rem_uuid_of_key(cursor->module->session->tenant, cursor->module->table->name, key.data, key.size, id);
  REM_TRY(add_id(cursor, id, err));
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

static int compare_ids(const void *a, const void *b) {
  return memcmp(a, b, 16);
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

static rem_status begin_ids(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
  bool usable = true;
  const rem_plan *plan = cursor->plan;
  if (plan->terms[0].role != REM_ROLE_IN) {
    const rem_term *second = plan->count > 1 && plan->terms[1].role == REM_ROLE_SECOND ? &cursor->terms[1] : NULL;
    REM_TRY(add_named(cursor, &cursor->terms[0], second, &usable, err));
  } else {
    sqlite3_value *item;
    for (int code = sqlite3_vtab_in_first(arguments[0], &item); code == SQLITE_OK && item && usable;
         code = sqlite3_vtab_in_next(arguments[0], &item)) {
      rem_term term;
      rem_term_init(&term, cursor->terms[0].column, SQLITE_INDEX_CONSTRAINT_EQ, item);
      REM_TRY(add_named(cursor, &term, NULL, &usable, err));
    }
  }
  sort_ids(cursor);
  if (usable)
    return REM_OK;
  cursor->id_count = 0;
  fall_back(cursor);
  return begin_scan(cursor, err);
}

/* ------------------------------------------------------------------------------------------- */
/* Labels                                                                                       */

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
  return rem_kv_iterator_status(cursor->iterator, err);
}

static bool is_label(const rem_term *term) {
  return term->operand == REM_OPERAND_VALUE && term->value.type == REM_TYPE_TEXT && term->value.text_size > 0 &&
         term->value.text_size <= REM_RECORD_KEY_MAX;
}

static rem_status begin_labels(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
  bool usable = true;
  rem_buffer_reset(&cursor->iterator_prefix);
  rem_key_key_prefix(&cursor->iterator_prefix, cursor->module->session->tenant);
  REM_TRY(open_iterator(cursor, REM_CF_KEY_INDEX, err));
  if (cursor->plan->terms[0].role != REM_ROLE_IN) {
    const rem_term *term = &cursor->terms[0];
    if (is_label(term))
      REM_TRY(add_labelled(cursor, rem_slice_of(term->value.text, term->value.text_size), err));
    else
      usable = term->operand == REM_OPERAND_NEVER;
  } else {
    sqlite3_value *item;
    for (int code = sqlite3_vtab_in_first(arguments[0], &item); code == SQLITE_OK && item && usable;
         code = sqlite3_vtab_in_next(arguments[0], &item)) {
      rem_term term;
      rem_term_init(&term, cursor->terms[0].column, SQLITE_INDEX_CONSTRAINT_EQ, item);
      if (is_label(&term))
        REM_TRY(add_labelled(cursor, rem_slice_of(term.value.text, term.value.text_size), err));
      else
        usable = term.operand == REM_OPERAND_NEVER;
    }
  }
  sort_ids(cursor);
  if (usable)
    return REM_OK;
  cursor->id_count = 0;
  fall_back(cursor);
  return begin_scan(cursor, err);
}

/* ------------------------------------------------------------------------------------------- */

static void release_pins(rem_table_cursor *cursor) {
  for (size_t i = 0; i < cursor->chunk_count; i++)
    rem_kv_pin_release(&cursor->pins[i]);
  cursor->chunk_start = cursor->chunk_count = 0;
}

static void forget(rem_table_cursor *cursor) {
  release_pins(cursor);
  rem_kv_pin_release(&cursor->pin);
  rem_ranking_close(REM_TAKE(cursor->ranking));
  rem_arena_reset(&cursor->arena);
  cursor->ids = NULL;
  cursor->id_count = cursor->id_capacity = cursor->next_id = 0;
  cursor->stretches = NULL;
  cursor->stretch_count = cursor->next_stretch = 0;
  cursor->positioned = cursor->eof = cursor->has_record = false;
  cursor->folded_prefix = (rem_slice){0};
}

/* Also where no row is there to be compared with, comparing a date-time with what is none is a mistake. */
static rem_status check_instant(const rem_term *term, sqlite3_value *argument, rem_error *err) {
  if (term->column->kind != REM_FIELD_INSTANT || term->operand != REM_OPERAND_UNKNOWN || sqlite3_value_type(argument) != SQLITE_TEXT)
    return REM_OK;
  return rem_functions_no_instant(rem_slice_text((const char *)sqlite3_value_text(argument)), err);
}

static rem_status bind_terms(rem_table_cursor *cursor, const rem_plan *plan, sqlite3_value **arguments, rem_error *err) {
  cursor->term_count = plan->count;
  for (int i = 0; i < plan->count; i++) {
    const rem_plan_term *term = &plan->terms[i];
    const rem_column *column = &cursor->module->columns.items[term->column];
    bool judged = rem_term_knows(term->op) && term->role != REM_ROLE_IN && rem_term_can_judge(column);
    cursor->terms[i] = (rem_term){.column = column, .op = term->op, .operand = REM_OPERAND_UNKNOWN};
    if (!judged)
      continue;
    rem_term_init(&cursor->terms[i], column, term->op, arguments[i]);
    REM_TRY(check_instant(&cursor->terms[i], arguments[i], err));
  }
  return REM_OK;
}

static rem_status begin_path(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
  switch (cursor->path) {
  case REM_PATH_SCAN: return begin_scan(cursor, err);
  case REM_PATH_INDEX: return begin_index(cursor, arguments, err);
  case REM_PATH_ID:
  case REM_PATH_KEY: return begin_ids(cursor, arguments, err);
  case REM_PATH_LABEL: return begin_labels(cursor, arguments, err);
  case REM_PATH_COUNT: return rem_view_count(cursor->view, cursor->module, &cursor->left, err);
  case REM_PATH_SEARCH: return rem_table_cursor__begin_search(cursor, arguments, err);
  case REM_PATH_NONE: break;
  }
  return REM_OK;
}

rem_status rem_table_cursor_begin(rem_table_cursor *cursor, const rem_plan *plan, int argument_count,
                                  sqlite3_value **arguments, rem_error *err) {
  rem_session *session = cursor->module->session;
  (void)argument_count;
  forget(cursor);
  if (!session->view)
    return rem_error_set(err, REM_INTERNAL, "a table is read outside a statement");
  if (cursor->view != session->view) {
    rem_view_unref(cursor->view);
    cursor->view = rem_view_ref(session->view);
    rem_kv_iterator_free(REM_TAKE(cursor->iterator));
  }
  cursor->plan = plan;
  cursor->path = plan->path;
  cursor->ordered = plan->ordered;
  cursor->reverse = plan->reverse;
  cursor->covered = plan->covered;
  REM_TRY(bind_terms(cursor, plan, arguments, err));
  /* Rows that are read to be written, or in a transaction, are noted with their sequence number, which only the record has. */
  if (cursor->view->transaction)
    cursor->covered = false;
  REM_TRY(begin_path(cursor, arguments, err));
  return rem_table_cursor__begin_pending(cursor, err);
}

void rem_table_cursor_deinit(rem_table_cursor *cursor) {
  forget(cursor);
  rem_free(cursor->pins);
  rem_kv_iterator_free(cursor->iterator);
  rem_buffer_deinit(&cursor->iterator_prefix);
  rem_buffer_deinit(&cursor->key);
  rem_buffer_deinit(&cursor->value_text);
  rem_buffer_deinit(&cursor->scratch);
  rem_arena_deinit(&cursor->arena);
  rem_view_unref(cursor->view);
}
