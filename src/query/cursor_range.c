/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stretches of a field's index that a walk reads: one of a comparison or a prefix, one of each value of an IN.
 *
 * An argument that the index cannot serve (a number for an index of texts) gives way to a scan, or to the whole index where its order was promised.
 */
#include <stdlib.h>

#include "query/bounds.h"
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

static rem_slice prefix_of(const rem_table_cursor *cursor) {
  return rem_buffer_slice(&cursor->iterator_prefix);
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
  rem_bounds_equal(prefix_of(cursor), value, &lower, &upper);
  return add_stretch(cursor, &lower, &upper, err);
}

rem_status rem_table_cursor__room_for_stretches(rem_table_cursor *cursor, size_t count, rem_error *err) {
  cursor->stretches = rem_arena_alloc(&cursor->arena, count * sizeof *cursor->stretches);
  cursor->stretch_count = cursor->next_stretch = 0;
  return cursor->stretches ? REM_OK : rem_error_nomem(err);
}

/* Of LIKE and GLOB; what lies between the bounds and is no such text is passed over by its folded prefix. */
static rem_status prefix_bounds(rem_table_cursor *cursor, const rem_term *term, rem_slice pattern, rem_buffer *lower, rem_buffer *upper,
                                rem_error *err) {
  char folded[REM_KEY_VALUE_MAX];
  size_t plain = rem_bounds_like(prefix_of(cursor), term->op, pattern, folded, lower, upper);
  REM_TRY(rem_buffer_status(upper, err));
  if (term->op != SQLITE_INDEX_CONSTRAINT_LIKE || plain == 0)
    return REM_OK;
  char *copy = rem_arena_memdup(&cursor->arena, folded, plain);
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
  rem_bounds_all(prefix_of(cursor), &lower, &upper);
  for (int i = 0; i < cursor->plan->count; i++) {
    const rem_term *term = &cursor->terms[i];
    rem_plan_role role = cursor->plan->terms[i].role;
    if (role == REM_ROLE_LOWER || role == REM_ROLE_UPPER) {
      if (term->operand == REM_OPERAND_NEVER)
        return REM_OK;
      if (term->operand != REM_OPERAND_VALUE)
        continue;
      rem_bounds_narrow(prefix_of(cursor), term, &lower, &upper);
      bounded = true;
    } else if (role == REM_ROLE_PREFIX && !bounded) {
      if (sqlite3_value_type(arguments[i]) == SQLITE_NULL)
        return REM_OK;
      const char *pattern = (const char *)sqlite3_value_text(arguments[i]);
      if (!pattern)
        return rem_error_nomem(err);
      rem_slice text = rem_slice_of(pattern, (size_t)sqlite3_value_bytes(arguments[i]));
      REM_TRY(prefix_bounds(cursor, term, text, &lower, &upper, err));
      bounded = true;
    }
  }
  if (bounded && cursor->folded_prefix.size == 0)
    rem_bounds_leave_nulls(prefix_of(cursor), &lower);
  REM_TRY(rem_table_cursor__room_for_stretches(cursor, 1, err));
  return add_stretch(cursor, &lower, &upper, err);
}

static rem_status begin_equality(rem_table_cursor *cursor, sqlite3_value *argument, rem_error *err) {
  rem_term *term = &cursor->terms[0];
  REM_TRY(rem_table_cursor__room_for_stretches(cursor, 1, err));
  if (term->op == REM_FUNCTION_ANY) {
    rem_value value;
    return rem_bounds_element(argument, &value) ? add_value(cursor, &value, err) : REM_OK;
  }
  if (term->operand == REM_OPERAND_NEVER)
    return REM_OK;
  if (term->operand == REM_OPERAND_NULL)
    return add_value(cursor, NULL, err);
  rem_value value = term->value;
  return rem_bounds_as_indexed(term->column, &value) ? add_value(cursor, &value, err) : REM_OK;
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
    if (term.operand == REM_OPERAND_VALUE && rem_bounds_as_indexed(column, &value))
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
    usable = cursor->terms[0].op == REM_FUNCTION_ANY ? !rem_bounds_may_be_boolean(arguments[0]) : cursor->terms[0].operand != REM_OPERAND_UNKNOWN;
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
