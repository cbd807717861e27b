/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stretches of a field's index that a walk reads: one of a comparison or a prefix, one of each value of an IN.
 *
 * An argument that the index cannot serve (a number for an index of texts) gives way to a scan, or to the whole index where its order was promised.
 */
#include <ctype.h>
#include <stdlib.h>

#include "query/cursor.h"
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

rem_status rem_table_cursor__room_for_stretches(rem_table_cursor *cursor, size_t count, rem_error *err) {
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
  REM_TRY(rem_table_cursor__room_for_stretches(cursor, 1, err));
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
  REM_TRY(rem_table_cursor__room_for_stretches(cursor, 1, err));
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
  REM_TRY(rem_table_cursor__room_for_stretches(cursor, capacity + 1, err));
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

rem_status rem_table_cursor__begin_index(rem_table_cursor *cursor, sqlite3_value **arguments, rem_error *err) {
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
    rem_table_cursor__fall_back(cursor);
  if (cursor->path == REM_PATH_SCAN)
    return rem_table_cursor__begin_scan(cursor, err);
  REM_TRY(rem_table_cursor__open_iterator(cursor, REM_CF_FIELD_INDEX, err));
  if (first == REM_ROLE_IN)
    return REM_OK;
  if (first == REM_ROLE_ACCESS && usable)
    return begin_equality(cursor, arguments[0], err);
  return begin_range(cursor, arguments, err);
}
