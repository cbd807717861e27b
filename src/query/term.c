/* SPDX-License-Identifier: Apache-2.0 */
#include "query/term.h"

#include <math.h>

#include "base/instant.h"
#include "base/uuid.h"

bool rem_term_knows(int op) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_EQ:
  case SQLITE_INDEX_CONSTRAINT_GT:
  case SQLITE_INDEX_CONSTRAINT_LE:
  case SQLITE_INDEX_CONSTRAINT_LT:
  case SQLITE_INDEX_CONSTRAINT_GE:
  case SQLITE_INDEX_CONSTRAINT_NE:
  case SQLITE_INDEX_CONSTRAINT_IS:
  case SQLITE_INDEX_CONSTRAINT_ISNOT:
  case SQLITE_INDEX_CONSTRAINT_ISNULL:
  case SQLITE_INDEX_CONSTRAINT_ISNOTNULL: return true;
  default: return false;
  }
}

bool rem_term_can_judge(const rem_column *column) {
  switch (column->place) {
  case REM_COLUMN_FIELD:
  case REM_COLUMN_ID:
  case REM_COLUMN_CREATED_AT:
  case REM_COLUMN_MODIFIED_AT:
  case REM_COLUMN_DELETED_AT: return true;
  default: return false;
  }
}

/* ---- the other side ---- */

/* A text that is a number is compared as one with a column of numbers. The copy is because asking converts what is asked. */
static bool set_number(rem_term *term, sqlite3_value *argument) {
  bool text = sqlite3_value_type(argument) == SQLITE_TEXT, known = true;
  sqlite3_value *value = text ? sqlite3_value_dup(argument) : argument;
  switch (value ? sqlite3_value_numeric_type(value) : SQLITE_NULL) {
  case SQLITE_INTEGER: term->value = (rem_value){.type = REM_TYPE_INT, .integer = sqlite3_value_int64(value)}; break;
  case SQLITE_FLOAT: term->value = (rem_value){.type = REM_TYPE_REAL, .real = sqlite3_value_double(value)}; break;
  default: known = false;
  }
  if (text)
    sqlite3_value_free(value);
  return known;
}

static bool set_text(rem_term *term, sqlite3_value *argument) {
  if (sqlite3_value_type(argument) != SQLITE_TEXT)
    return false;
  const char *text = (const char *)sqlite3_value_text(argument);
  term->value = (rem_value){.type = REM_TYPE_TEXT, .text = text, .text_size = (size_t)sqlite3_value_bytes(argument)};
  return text != NULL;
}

static bool set_instant(rem_term *term) {
  int64_t instant;
  if (!rem_instant_parse(term->value.text, term->value.text_size, true, &instant))
    return false;
  term->value = (rem_value){.type = REM_TYPE_INSTANT, .integer = instant};
  return true;
}

/* Ids are compared as text, so only their canonical form stands for the bytes. */
static bool set_uuid(rem_term *term) {
  char canonical[37];
  if (!rem_uuid_parse(term->value.text, term->value.text_size, term->uuid))
    return false;
  rem_uuid_format(term->uuid, canonical);
  if (memcmp(canonical, term->value.text, 36) != 0)
    return false;
  term->value = (rem_value){.type = REM_TYPE_UUID, .uuid = term->uuid};
  return true;
}

static bool set_value(rem_term *term, sqlite3_value *argument) {
  switch (term->column->kind) {
  case REM_FIELD_BOOL:
  case REM_FIELD_INT:
  case REM_FIELD_REAL: return set_number(term, argument);
  case REM_FIELD_INSTANT: return set_text(term, argument) && set_instant(term);
  case REM_FIELD_UUID: return set_text(term, argument) && set_uuid(term);
  case REM_FIELD_TEXT:
  case REM_FIELD_LIST:
  case REM_FIELD_OBJECT: return set_text(term, argument);
  case REM_FIELD_ANY: return sqlite3_value_type(argument) == SQLITE_TEXT ? set_text(term, argument) : set_number(term, argument);
  }
  return false;
}

static bool takes_null(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_IS || op == SQLITE_INDEX_CONSTRAINT_ISNOT;
}

void rem_term_init(rem_term *term, const rem_column *column, int op, sqlite3_value *argument) {
  *term = (rem_term){.column = column, .op = (uint8_t)op, .operand = REM_OPERAND_UNKNOWN};
  if (op == SQLITE_INDEX_CONSTRAINT_ISNULL || op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL)
    term->operand = REM_OPERAND_NULL;
  else if (sqlite3_value_type(argument) == SQLITE_NULL)
    term->operand = takes_null(op) ? REM_OPERAND_NULL : REM_OPERAND_NEVER;
  else if (set_value(term, argument))
    term->operand = REM_OPERAND_VALUE;
  term->peeked = term->operand != REM_OPERAND_UNKNOWN && column->place == REM_COLUMN_FIELD;
  term->field = term->peeked ? column->field->number : 0;
}

/* ---- judging ---- */

/* Exact for every int64 and finite double. */
static int compare_int_real(int64_t a, double b) {
  if (b >= 9223372036854775808.0)
    return -1;
  if (b < -9223372036854775808.0)
    return 1;
  int64_t whole = (int64_t)b;
  if (a != whole)
    return a < whole ? -1 : 1;
  double rest = b - (double)whole;
  return rest > 0 ? -1 : rest < 0;
}

static int compare_numbers(const rem_value *a, const rem_value *b) {
  bool a_real = a->type == REM_TYPE_REAL, b_real = b->type == REM_TYPE_REAL;
  if (!a_real && !b_real)
    return a->integer < b->integer ? -1 : a->integer > b->integer;
  if (a_real && b_real)
    return a->real < b->real ? -1 : a->real > b->real;
  return a_real ? -compare_int_real(b->integer, a->real) : compare_int_real(a->integer, b->real);
}

static bool is_number(rem_type type) {
  return type == REM_TYPE_INT || type == REM_TYPE_REAL || type == REM_TYPE_BOOL;
}

static bool is_text(rem_type type) {
  return type == REM_TYPE_TEXT || type == REM_TYPE_JSON;
}

/* False: values of kinds whose order is not ours to tell. */
static bool compare(const rem_value *a, const rem_value *b, int *ret_order) {
  if (is_number(a->type) && is_number(b->type)) {
    *ret_order = compare_numbers(a, b);
    return true;
  }
  if (is_text(a->type) && is_text(b->type)) {
    *ret_order = rem_slice_compare(rem_slice_of(a->text, a->text_size), rem_slice_of(b->text, b->text_size));
    return true;
  }
  if (a->type != b->type)
    return false;
  if (a->type == REM_TYPE_INSTANT)
    *ret_order = a->integer < b->integer ? -1 : a->integer > b->integer;
  else if (a->type == REM_TYPE_UUID)
    *ret_order = memcmp(a->uuid, b->uuid, 16);
  else
    return false;
  return true;
}

static bool holds(uint8_t op, int order) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_EQ:
  case SQLITE_INDEX_CONSTRAINT_IS: return order == 0;
  case SQLITE_INDEX_CONSTRAINT_GT: return order > 0;
  case SQLITE_INDEX_CONSTRAINT_GE: return order >= 0;
  case SQLITE_INDEX_CONSTRAINT_LT: return order < 0;
  case SQLITE_INDEX_CONSTRAINT_LE: return order <= 0;
  case SQLITE_INDEX_CONSTRAINT_NE:
  case SQLITE_INDEX_CONSTRAINT_ISNOT: return order != 0;
  default: return true;
  }
}

static bool holds_for_null(const rem_term *term) {
  switch (term->op) {
  case SQLITE_INDEX_CONSTRAINT_ISNOT: return term->operand == REM_OPERAND_VALUE;
  case SQLITE_INDEX_CONSTRAINT_IS:
  case SQLITE_INDEX_CONSTRAINT_ISNULL: return term->operand == REM_OPERAND_NULL;
  default: return false; /* comparing NULL gives NULL */
  }
}

static bool holds_against_null(uint8_t op) {
  return op == SQLITE_INDEX_CONSTRAINT_ISNOT || op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL;
}

static bool read_value(const rem_term *term, const rem_table *table, const uint8_t id[16], const rem_record *record,
                       rem_buffer *scratch, rem_value *value) {
  rem_record_system system;
  if (term->column->place == REM_COLUMN_FIELD)
    return rem_record_value(record, table, term->column->field, scratch, value, NULL) == REM_OK;
  if (term->column->place == REM_COLUMN_ID) {
    *value = (rem_value){.type = REM_TYPE_UUID, .uuid = id};
    return true;
  }
  rem_record_system_get(record, &system);
  *value = (rem_value){.type = REM_TYPE_INSTANT};
  switch (term->column->place) {
  case REM_COLUMN_CREATED_AT: value->integer = system.created_at; return true;
  case REM_COLUMN_MODIFIED_AT: value->integer = system.modified_at; return true;
  default: break;
  }
  value->integer = system.deleted_at;
  value->type = rem_record_is_deleted(record) ? REM_TYPE_INSTANT : REM_TYPE_NULL;
  return true;
}

static bool judge(const rem_term *term, const rem_value *value) {
  int order;
  /* The commonest first: a scan's filter spends its time here. */
  if (value->type == REM_TYPE_INT && term->value.type == REM_TYPE_INT && term->operand == REM_OPERAND_VALUE)
    return holds(term->op, (value->integer > term->value.integer) - (value->integer < term->value.integer));
  if (value->type == REM_TYPE_NULL)
    return holds_for_null(term);
  if (term->operand == REM_OPERAND_NULL)
    return holds_against_null(term->op);
  return !compare(value, &term->value, &order) || holds(term->op, order);
}

bool rem_term_passes(const rem_term *term, const rem_table *table, const uint8_t id[16], const rem_record *record,
                     rem_buffer *scratch) {
  rem_value value;
  if (term->operand == REM_OPERAND_UNKNOWN)
    return true;
  if (term->operand == REM_OPERAND_NEVER)
    return false;
  return !read_value(term, table, id, record, scratch, &value) || judge(term, &value);
}

rem_verdict rem_term_peek(const rem_term *term, const uint8_t *record, size_t size) {
  rem_value value;
  if (!term->peeked || !rem_record_peek(record, size, term->field, &value))
    return REM_VERDICT_UNTOLD;
  return term->operand != REM_OPERAND_NEVER && judge(term, &value) ? REM_VERDICT_PASSES : REM_VERDICT_REJECTS;
}

bool rem_term_passes_value(const rem_term *term, const uint8_t id[16], const rem_value *value) {
  if (term->operand == REM_OPERAND_UNKNOWN)
    return true;
  if (term->operand == REM_OPERAND_NEVER)
    return false;
  const rem_value own = {.type = REM_TYPE_UUID, .uuid = id};
  return judge(term, term->column->place == REM_COLUMN_ID ? &own : value);
}
