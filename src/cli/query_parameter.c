/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters from the command line. A value is text unless it is written as a whole number, as a decimal number, or as null, true or false;
 * "…" with its double quotes is text whatever it holds.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"

static bool is_name(const char *text, size_t size) {
  size_t begin = size > 0 && (text[0] == ':' || text[0] == '@' || text[0] == '$');
  for (size_t i = begin; i < size; i++)
    if (!isalnum((unsigned char)text[i]) && text[i] != '_')
      return false;
  return size > begin;
}

void cli_query_remove_parameter(cli_query *query, const char *name) {
  for (size_t i = 0; i < query->parameter_count; i++) {
    cli_parameter *p = &query->parameters[i];
    if (!p->name || strcmp(p->name, name) != 0)
      continue;
    free(p->name);
    free(p->value);
    *p = query->parameters[--query->parameter_count];
    return;
  }
}

void cli_query_add_parameter(cli_query *query, const char *text, bool positional) {
  const char *equals = positional ? NULL : strchr(text, '=');
  bool named = equals && is_name(text, (size_t)(equals - text));
  size_t sign = named && !isalnum((unsigned char)text[0]) && text[0] != '_';
  char *name = named ? cli_copy(text + sign, (size_t)(equals - text) - sign) : NULL;
  const char *value = named ? equals + 1 : text;
  if (name) cli_query_remove_parameter(query, name);
  query->parameters = cli_reallocate(query->parameters, sizeof *query->parameters * (query->parameter_count + 1));
  query->parameters[query->parameter_count++] = (cli_parameter){name, cli_copy(value, strlen(value))};
}

/* ------------------------------------------------------------------------------------------- */

static bool is_integer(const char *text, int64_t *ret_value) {
  const char *digits = text + (text[0] == '-');
  /* 007 is no number but somebody's key. */
  if (!isdigit((unsigned char)digits[0]) || (digits[0] == '0' && digits[1]) || digits[strspn(digits, "0123456789")])
    return false;
  errno = 0;
  *ret_value = strtoll(text, NULL, 10);
  return errno == 0;
}

static bool is_decimal(const char *text, double *ret_value) {
  const char *digits = text + (text[0] == '-');
  size_t whole = strspn(digits, "0123456789");
  if (whole == 0 || (digits[0] == '0' && whole > 1) || digits[whole] != '.')
    return false;
  size_t fraction = strspn(digits + whole + 1, "0123456789");
  if (fraction == 0 || digits[whole + 1 + fraction])
    return false;
  *ret_value = strtod(text, NULL);
  return true;
}

/* `unquoted` is what the value borrows when it is text in double quotes. Owned: json_decref(). */
static rem_value value_of(const char *text, json_t **unquoted) {
  rem_value value = {.type = REM_TYPE_TEXT, .text_size = strlen(text), .text = text};
  if (is_integer(text, &value.integer)) {
    value.type = REM_TYPE_INT;
  } else if (is_decimal(text, &value.real)) {
    value.type = REM_TYPE_REAL;
  } else if (strcmp(text, "null") == 0) {
    value.type = REM_TYPE_NULL;
  } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
    value.type = REM_TYPE_BOOL;
    value.integer = text[0] == 't';
  } else if (text[0] == '"' && (*unquoted = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)) && json_is_string(*unquoted)) {
    value.text = json_string_value(*unquoted);
    value.text_size = json_string_length(*unquoted);
  } else {
    value.text = text;
  }
  return value;
}

/* The value for the parameter of this number, and of this name (with its sign; NULL: none). */
static const cli_parameter *find(const cli_query *query, int number, const char *name) {
  int position = 0;
  const cli_parameter *by_position = NULL;
  for (size_t i = 0; i < query->parameter_count; i++) {
    const cli_parameter *p = &query->parameters[i];
    if (!p->name) {
      if (++position == number) by_position = p;
      continue;
    }
    if (name ? strcmp(p->name, name + 1) == 0 : atoi(p->name) == number)
      return p;
  }
  return by_position;
}

static rem_status fail(rem_error *err, const char *message, const char *hint) {
  *err = (rem_error){.code = REM_INVALID, .offset = -1};
  snprintf(err->message, sizeof err->message, "%s", message);
  snprintf(err->hint, sizeof err->hint, "%s", hint);
  return REM_INVALID;
}

static rem_status no_value(int number, const char *name, rem_error *err) {
  char message[256], hint[256];
  if (name) {
    snprintf(message, sizeof message, "the parameter %.100s has no value", name);
    snprintf(hint, sizeof hint, "give it with --param %.100s=VALUE (.set %.100s VALUE in the shell)", name + 1, name + 1);
  } else {
    snprintf(message, sizeof message, "parameter %d has no value", number);
    snprintf(hint, sizeof hint, "give it behind the statement, or with --param %d=VALUE", number);
  }
  return fail(err, message, hint);
}

/* A value that no parameter of the one statement takes is a mistake. */
static rem_status check_used(const cli_query *query, int count, const bool *used, rem_error *err) {
  for (size_t i = 0; query->single && i < query->parameter_count; i++) {
    const cli_parameter *p = &query->parameters[i];
    char message[256];
    if (used[i])
      continue;
    if (p->name)
      snprintf(message, sizeof message, "the statement has no parameter '%.100s'", p->name);
    else
      snprintf(message, sizeof message, "the statement has %d parameter%s, and a value more was given: '%.100s'", count,
               count == 1 ? "" : "s", p->value);
    return fail(err, message, "a parameter is written ?, ?1 or :name in the statement");
  }
  return REM_OK;
}

rem_status cli_query_bind(cli_query *query, rem_statement *statement, rem_error *err) {
  int count = rem_statement_parameter_count(statement);
  bool *used = cli_allocate(query->parameter_count + 1);
  rem_status status = REM_OK;
  for (int i = 1; i <= count && status == REM_OK; i++) {
    const char *name = rem_statement_parameter_name(statement, i);
    if (name && name[0] == '?') name = NULL;
    const cli_parameter *found = find(query, i, name);
    if (!found) {
      status = no_value(i, name, err);
      break;
    }
    json_t *unquoted = NULL;
    rem_value value = value_of(found->value, &unquoted);
    status = rem_statement_bind(statement, i, &value, err);
    json_decref(unquoted);
    used[found - query->parameters] = true;
  }
  if (status == REM_OK) status = check_used(query, count, used, err);
  free(used);
  return status;
}
