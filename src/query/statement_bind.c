/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters. */
#include "base/instant.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "query/session_internal.h"

static bool is_live(const rem_statement *statement) {
  return statement && statement->session && statement->prepared;
}

int rem_statement_parameter_count(const rem_statement *statement) {
  return is_live(statement) ? sqlite3_bind_parameter_count(statement->prepared) : 0;
}

const char *rem_statement_parameter_name(const rem_statement *statement, int index) {
  for (size_t i = 0; is_live(statement) && i < statement->parameter_count; i++)
    if (statement->parameters[i].number == index)
      return statement->parameters[i].name;
  return NULL;
}

int rem_statement_parameter_index(const rem_statement *statement, const char *name) {
  for (size_t i = 0; name && is_live(statement) && i < statement->parameter_count; i++) {
    const char *given = statement->parameters[i].name;
    if (given && (strcmp(given, name) == 0 || strcmp(given + 1, name) == 0))
      return statement->parameters[i].number;
  }
  return 0;
}

static int bind_text(sqlite3_stmt *prepared, int index, const char *text, size_t size) {
  return sqlite3_bind_text64(prepared, index, text ? text : "", size, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int bind_value(sqlite3_stmt *prepared, int index, const rem_value *value) {
  char text[40];
  switch (value->type) {
  case REM_TYPE_NULL: return sqlite3_bind_null(prepared, index);
  case REM_TYPE_BOOL: return sqlite3_bind_int(prepared, index, value->integer != 0);
  case REM_TYPE_INT: return sqlite3_bind_int64(prepared, index, value->integer);
  case REM_TYPE_REAL: return sqlite3_bind_double(prepared, index, value->real);
  case REM_TYPE_TEXT:
  case REM_TYPE_JSON: return bind_text(prepared, index, value->text, value->text_size);
  case REM_TYPE_INSTANT: return bind_text(prepared, index, text, rem_instant_format_fixed(value->integer, text));
  case REM_TYPE_UUID: rem_uuid_format(value->uuid, text); return bind_text(prepared, index, text, 36);
  case REM_TYPE_BLOB:
    return sqlite3_bind_blob64(prepared, index, value->text_size ? value->text : "", value->text_size, SQLITE_TRANSIENT);
  }
  return SQLITE_MISUSE;
}

/* As SQLite will see it; `text` has room for what is written down. */
static rem_dialect_constant constant_of(const rem_value *value, char text[40]) {
  switch (value->type) {
  case REM_TYPE_BOOL: return (rem_dialect_constant){REM_DIALECT_CONSTANT_BOOL, value->integer ? "true" : "false", value->integer ? 4 : 5};
  case REM_TYPE_INT: return (rem_dialect_constant){REM_DIALECT_CONSTANT_INTEGER, text, (size_t)snprintf(text, 40, "%lld", (long long)value->integer)};
  case REM_TYPE_REAL: return (rem_dialect_constant){REM_DIALECT_CONSTANT_REAL, text, (size_t)snprintf(text, 40, "%.15g", value->real)};
  case REM_TYPE_TEXT:
  case REM_TYPE_JSON: return (rem_dialect_constant){REM_DIALECT_CONSTANT_TEXT, value->text, value->text_size};
  case REM_TYPE_INSTANT: return (rem_dialect_constant){REM_DIALECT_CONSTANT_TEXT, text, rem_instant_format_fixed(value->integer, text)};
  case REM_TYPE_UUID: rem_uuid_format(value->uuid, text); return (rem_dialect_constant){REM_DIALECT_CONSTANT_TEXT, text, 36};
  case REM_TYPE_BLOB: return (rem_dialect_constant){REM_DIALECT_CONSTANT_BLOB, "a blob", 6};
  case REM_TYPE_NULL: break;
  }
  return (rem_dialect_constant){.kind = REM_DIALECT_CONSTANT_NULL};
}

static rem_status refuse(const rem_statement *statement, const rem_dialect_demand *demand, const rem_dialect_constant *constant, rem_error *err) {
  char number[16];
  const char *name = rem_statement_parameter_name(statement, (int)demand->parameter);
  snprintf(number, sizeof number, "?%u", demand->parameter);
  return rem_dialect_refuse(demand, constant, name ? name : number, err);
}

/* The first demand on a parameter that is compared with lists and objects alone; NULL: it is not. */
static const rem_dialect_demand *demand_of_json(const rem_statement *statement, int index) {
  const rem_dialect_demand *first = NULL;
  for (size_t i = 0; i < statement->demand_count; i++) {
    const rem_dialect_demand *demand = &statement->demands[i];
    if ((int)demand->parameter != index)
      continue;
    if (demand->type != REM_DIALECT_LIST && demand->type != REM_DIALECT_OBJECT)
      return NULL;
    first = first ? first : demand;
  }
  return first;
}

/* Then it is bound as they are stored, whatever blanks it was written with. */
static rem_status bind_json(rem_statement *statement, int index, const rem_value *value, rem_buffer *canonical, rem_error *err) {
  json_t *json REM_AUTO_JSON = NULL;
  bool text = value->type == REM_TYPE_TEXT || value->type == REM_TYPE_JSON;
  const rem_dialect_demand *demand = text ? demand_of_json(statement, index) : NULL;
  if (!demand)
    return REM_OK;
  const rem_dialect_constant constant = {REM_DIALECT_CONSTANT_TEXT, value->text, value->text_size};
  rem_status status = rem_json_parse(value->text, value->text_size, &json, NULL);
  if (status < 0)
    return status == REM_NOMEM ? rem_error_nomem(err) : refuse(statement, demand, &constant, err);
  REM_TRY(rem_json_append(canonical, json, err));
  return rem_buffer_status(canonical, err);
}

/* A parameter that is compared in several places (`name = :x OR priority = :x`) need fit one of them: the others are not true then, as is meant. */
static rem_status check_demands(const rem_statement *statement, int index, const rem_value *value, rem_error *err) {
  const rem_dialect_demand *first = NULL;
  char text[40];
  if (value->type == REM_TYPE_NULL || statement->demand_count == 0)
    return REM_OK;
  const rem_dialect_constant constant = constant_of(value, text);
  for (size_t i = 0; i < statement->demand_count; i++) {
    const rem_dialect_demand *demand = &statement->demands[i];
    if ((int)demand->parameter != index)
      continue;
    if (rem_dialect_fits(demand, &constant))
      return REM_OK;
    first = first ? first : demand;
  }
  if (!first)
    return REM_OK;
  return refuse(statement, first, &constant, err);
}

rem_status rem_statement_bind(rem_statement *statement, int index, const rem_value *value, rem_error *err) {
  REM_CHECK_ARG(is_live(statement) && value && !statement->running, err);
  bool text = value->type == REM_TYPE_TEXT || value->type == REM_TYPE_JSON;
  if (text && !rem_utf8_valid(value->text, value->text_size))
    return rem_error_set(err, REM_INVALID, "parameter %d is not valid UTF-8", index);
  REM_TRY(check_demands(statement, index, value, err));
  rem_buffer canonical REM_CLEANUP(rem_buffer_deinit) = {0};
  REM_TRY(bind_json(statement, index, value, &canonical, err));
  const rem_value json = {.type = REM_TYPE_TEXT, .text = (const char *)canonical.data, .text_size = canonical.size};
  switch (bind_value(statement->prepared, index, canonical.size ? &json : value)) {
  case SQLITE_OK: return REM_OK;
  case SQLITE_RANGE:
    rem_error_set(err, REM_UNKNOWN, "the statement has no parameter %d", index);
    rem_error_hint(err, "it has %d", rem_statement_parameter_count(statement));
    return REM_UNKNOWN;
  case SQLITE_TOOBIG: return rem_error_set(err, REM_LIMIT, "parameter %d is too large", index);
  case SQLITE_MISUSE: return rem_error_set(err, REM_MISUSE, "parameter %d cannot be bound now", index);
  default: return rem_error_nomem(err);
  }
}

void rem_statement_unbind_all(rem_statement *statement) {
  if (is_live(statement))
    (void)sqlite3_clear_bindings(statement->prepared);
}
