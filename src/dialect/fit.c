/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a constant fit what it is compared with (D35)? SQLite compares anything with anything: a text that is no number is greater than every number, and nothing
 * equals it. A statement that says so is a mistake, and an answer to it would hide it.
 */
#include <ctype.h>
#include <string.h>

#include "base/instant.h"
#include "base/uuid.h"
#include "dialect/dialect.h"

/* A text that SQLite makes a number of where a column of numbers asks for one: blanks around it are allowed. */
static bool is_number(const char *text, size_t size) {
  size_t i = 0, digits = 0;
  while (i < size && isspace((unsigned char)text[i]))
    i++;
  while (size > i && isspace((unsigned char)text[size - 1]))
    size--;
  if (i < size && (text[i] == '+' || text[i] == '-')) i++;
  for (; i < size && isdigit((unsigned char)text[i]); i++)
    digits++;
  if (i < size && text[i] == '.') i++;
  for (; i < size && isdigit((unsigned char)text[i]); i++)
    digits++;
  if (digits == 0)
    return false;
  if (i < size && (text[i] | 0x20) == 'e') {
    i++;
    if (i < size && (text[i] == '+' || text[i] == '-')) i++;
    size_t exponent = i;
    while (i < size && isdigit((unsigned char)text[i]))
      i++;
    if (i == exponent)
      return false;
  }
  return i == size;
}

/* Ids are compared as text, and all that are stored are written like this. */
static bool is_canonical_id(const char *text, size_t size) {
  uint8_t id[16];
  char canonical[37];
  if (!rem_uuid_parse(text, size, id))
    return false;
  rem_uuid_format(id, canonical);
  return size == 36 && memcmp(canonical, text, 36) == 0;
}

/* Lists and objects are compared as the JSON they are; its first character tells enough. */
static bool begins_with(const char *text, size_t size, char first) {
  size_t i = 0;
  while (i < size && isspace((unsigned char)text[i]))
    i++;
  return i < size && text[i] == first;
}

static bool text_fits(const rem_dialect_demand *demand, const char *text, size_t size) {
  int64_t instant;
  switch (demand->type) {
  case REM_DIALECT_BOOL:
  case REM_DIALECT_NUMBER: return demand->converts && is_number(text, size);
  case REM_DIALECT_INSTANT: return rem_instant_parse(text, size, true, &instant);
  case REM_DIALECT_UUID: return demand->ordered || is_canonical_id(text, size);
  case REM_DIALECT_LIST: return begins_with(text, size, '[');
  case REM_DIALECT_OBJECT: return begins_with(text, size, '{');
  case REM_DIALECT_TEXT:
  case REM_DIALECT_ANY: break;
  }
  return true;
}

/* Is it of the form that the schema wants? Only what is sure to be refused is not. */
static bool can_be_written(const rem_dialect_demand *demand, const rem_dialect_constant *constant) {
  const char *text = constant->text ? constant->text : "";
  size_t size = constant->text ? constant->size : 0;
  uint8_t id[16];
  int64_t instant;
  switch (constant->kind) {
  case REM_DIALECT_CONSTANT_NULL: return true;
  case REM_DIALECT_CONSTANT_BOOL: return demand->type == REM_DIALECT_BOOL || demand->type == REM_DIALECT_NUMBER;
  case REM_DIALECT_CONSTANT_INTEGER:
    return demand->type == REM_DIALECT_NUMBER || (demand->type == REM_DIALECT_BOOL && size == 1 && (*text == '0' || *text == '1'));
  case REM_DIALECT_CONSTANT_REAL: return demand->type == REM_DIALECT_NUMBER;
  case REM_DIALECT_CONSTANT_BLOB: return false;
  case REM_DIALECT_CONSTANT_TEXT: break;
  }
  switch (demand->type) {
  case REM_DIALECT_TEXT: return true;
  case REM_DIALECT_INSTANT: return rem_instant_parse(text, size, true, &instant);
  case REM_DIALECT_UUID: return rem_uuid_parse(text, size, id);
  case REM_DIALECT_LIST: return begins_with(text, size, '[') || begins_with(text, size, 'n'); /* null */
  case REM_DIALECT_OBJECT: return begins_with(text, size, '{') || begins_with(text, size, 'n');
  default: return false;
  }
}

bool rem_dialect_fits(const rem_dialect_demand *demand, const rem_dialect_constant *constant) {
  bool numbers = demand->type == REM_DIALECT_NUMBER || demand->type == REM_DIALECT_BOOL;
  if (demand->type == REM_DIALECT_ANY)
    return true;
  if (demand->written)
    return can_be_written(demand, constant);
  switch (constant->kind) {
  case REM_DIALECT_CONSTANT_NULL: return true;
  case REM_DIALECT_CONSTANT_BOOL:
  case REM_DIALECT_CONSTANT_REAL: return numbers;
  /* A whole number that is bound to a column of texts is taken by its digits: the program gives `?` what looks like a number as one. */
  case REM_DIALECT_CONSTANT_INTEGER:
    return numbers || (demand->type == REM_DIALECT_TEXT && demand->parameter && demand->converts && !demand->ordered);
  case REM_DIALECT_CONSTANT_TEXT: return text_fits(demand, constant->text ? constant->text : "", constant->text ? constant->size : 0);
  case REM_DIALECT_CONSTANT_BLOB: break;
  }
  return false;
}

/* ------------------------------------------------------------------------------------------- */

static const struct {
  const char *is, *not_one;
} words[] = {
    [REM_DIALECT_ANY] = {"anything", "not"},
    [REM_DIALECT_BOOL] = {"true or false", "neither"},
    [REM_DIALECT_NUMBER] = {"a number", "none"},
    [REM_DIALECT_TEXT] = {"text", "none"},
    [REM_DIALECT_INSTANT] = {"a date-time", "none"},
    [REM_DIALECT_UUID] = {"an id", "none"},
    [REM_DIALECT_LIST] = {"a list", "none"},
    [REM_DIALECT_OBJECT] = {"an object", "none"},
};

/* At most this much of a name or text is shown, cut at a character. */
static int shown(const char *text, size_t size) {
  if (size <= 60)
    return (int)size;
  size = 60;
  while (size > 0 && (text[size] & 0xC0) == 0x80)
    size--;
  return (int)size;
}

static void hint_of_writing(const rem_dialect_demand *demand, const rem_dialect_constant *constant, rem_error *err) {
  int value = constant->text ? shown(constant->text, constant->size) : 0;
  if (constant->kind == REM_DIALECT_CONSTANT_BLOB) {
    rem_error_hint(err, "a blob cannot be stored; store it as text, hex() or base64 for example");
    return;
  }
  switch (demand->type) {
  case REM_DIALECT_BOOL: rem_error_hint(err, "write TRUE or FALSE, without quotes"); return;
  case REM_DIALECT_NUMBER:
    if (is_number(constant->text ? constant->text : "", constant->size))
      rem_error_hint(err, "write the number without quotes: %.*s", value, constant->text);
    else
      rem_error_hint(err, "write a number, or NULL for none");
    return;
  case REM_DIALECT_TEXT: rem_error_hint(err, "write it as text: '%.*s'", value, constant->text ? constant->text : ""); return;
  case REM_DIALECT_INSTANT: rem_error_hint(err, "write it as '2025-10-01', or '2025-10-01T09:00:00Z'"); return;
  case REM_DIALECT_UUID: rem_error_hint(err, "ids are written as '2b8afd88-062a-960f-575f-889fe1f87678'"); return;
  case REM_DIALECT_LIST: rem_error_hint(err, "lists are written as JSON: '[\"a\", \"b\"]'"); return;
  case REM_DIALECT_OBJECT: rem_error_hint(err, "objects are written as JSON: '{\"name\": 1}'"); return;
  case REM_DIALECT_ANY: return;
  }
}

static void hint(const rem_dialect_demand *demand, const rem_dialect_constant *constant, const char *parameter, rem_error *err) {
  int size = shown(demand->what, demand->what_size), value = constant->text ? shown(constant->text, constant->size) : 0;
  bool text = constant->kind == REM_DIALECT_CONSTANT_TEXT;
  switch (demand->type) {
  case REM_DIALECT_BOOL: rem_error_hint(err, "compare it with TRUE or FALSE, without quotes"); return;
  case REM_DIALECT_NUMBER:
    if (text && is_number(constant->text, constant->size))
      rem_error_hint(err, "write the number without quotes: %.*s", value, constant->text);
    else
      rem_error_hint(err, "compare it with a number; CAST(%.*s AS TEXT) is its text", size, demand->what);
    return;
  case REM_DIALECT_TEXT:
    if (parameter)
      rem_error_hint(err, "bind it as text; on the command line: \"5\", with its double quotes");
    else if (constant->text && constant->kind != REM_DIALECT_CONSTANT_BLOB)
      rem_error_hint(err, "write it as text, '%.*s', or compare CAST(%.*s AS NUMERIC)", value, constant->text, size, demand->what);
    else
      rem_error_hint(err, "compare it with a text in single quotes");
    return;
  case REM_DIALECT_INSTANT: rem_error_hint(err, "write it as '2025-10-01', or '2025-10-01T09:00:00Z'"); return;
  case REM_DIALECT_UUID: rem_error_hint(err, "ids are written as '2b8afd88-062a-960f-575f-889fe1f87678'; LOOKUP 'key' finds a row by its key or name"); return;
  case REM_DIALECT_LIST:
    if (text)
      rem_error_hint(err, "'%.*s' = ANY(%.*s) looks into a list", value, constant->text, size, demand->what);
    else
      rem_error_hint(err, "json_array_length(%.*s) is how many it has", size, demand->what);
    return;
  case REM_DIALECT_OBJECT: rem_error_hint(err, "%.*s ->> 'name' is a field of it", size, demand->what); return;
  case REM_DIALECT_ANY: return;
  }
}

rem_status rem_dialect_refuse(const rem_dialect_demand *demand, const rem_dialect_constant *constant, const char *parameter, rem_error *err) {
  int size = shown(demand->what, demand->what_size), value = constant->text ? shown(constant->text, constant->size) : 0;
  const char *quote = constant->kind == REM_DIALECT_CONSTANT_TEXT ? "'" : "";
  const char *text = constant->text ? constant->text : "";
  if (parameter)
    rem_error_set(err, REM_INVALID, "'%.*s' is %s, and parameter %s, %s%.*s%s, is %s", size, demand->what, words[demand->type].is, parameter, quote,
                  value, text, quote, words[demand->type].not_one);
  else
    rem_error_set(err, REM_INVALID, "'%.*s' is %s, and %s%.*s%s is %s", size, demand->what, words[demand->type].is, quote, value, text, quote,
                  words[demand->type].not_one);
  if (demand->written)
    hint_of_writing(demand, constant, err);
  else
    hint(demand, constant, parameter, err);
  if (err) err->offset = demand->offset;
  return REM_INVALID;
}
