/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The array is walked in place: a scan calls these for every row, and parsing the whole list into values costs twenty times the comparison.
 * Elements are well-formed where lists come from rows; elsewhere a text that is no array is an error, and what an odd element is
 * called matters to nobody.
 */
#include "query/list_function.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "query/text_function.h"

/* ------------------------------------------------------------------------------------------- */
/* Walking an array                                                                             */

typedef struct walk {
  const char *at, *end;
  bool begun, bad;
} walk;

typedef struct element {
  const char *text; /* a string without its quotes, or anything else as it stands */
  size_t size;
  bool string, escaped;
} element;

static void skip_blank(walk *w) {
  while (w->at < w->end && (*w->at == ' ' || *w->at == '\t' || *w->at == '\n' || *w->at == '\r'))
    w->at++;
}

/* Over a string whose quote is at w->at; true when it holds escapes. */
static bool skip_string(walk *w) {
  bool escaped = false;
  for (w->at++; w->at < w->end && *w->at != '"'; w->at++)
    if (*w->at == '\\') {
      escaped = true;
      w->at++;
    }
  w->bad |= w->at >= w->end;
  if (w->at < w->end)
    w->at++;
  return escaped;
}

/* Over a number, a literal, or an object or array with all in it. */
static void skip_other(walk *w) {
  size_t depth = 0;
  while (w->at < w->end) {
    char c = *w->at;
    if (c == '"') {
      (void)skip_string(w);
      continue;
    }
    if (depth == 0 && (c == ',' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r'))
      return;
    depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    w->at++;
  }
  w->bad = true;
}

static bool next_element(walk *w, element *ret_element) {
  skip_blank(w);
  if (w->at >= w->end || (*w->at != (w->begun ? ',' : '['))) {
    w->bad |= !(w->begun && w->at < w->end && *w->at == ']');
    return false;
  }
  w->at++;
  skip_blank(w);
  if (!w->begun && w->at < w->end && *w->at == ']')
    return false;
  w->begun = true;
  const char *begin = w->at;
  bool string = w->at < w->end && *w->at == '"', escaped = false;
  if (string)
    escaped = skip_string(w);
  else
    skip_other(w);
  *ret_element = (element){begin + string, (size_t)(w->at - begin) - 2 * (size_t)string, string, escaped};
  w->bad |= w->at == begin;
  return !w->bad;
}

/* ------------------------------------------------------------------------------------------- */
/* Comparing                                                                                    */

typedef enum truth { FALSE, TRUE, UNKNOWN } truth;
typedef enum comparison { EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, LIKE } comparison;

static int compare_reals(double a, double b) {
  return a < b ? -1 : a > b;
}
/* Exact, where the integer has more digits than a double. */
static int compare_mixed(int64_t a, double b) {
  if (b >= 9223372036854775808.0)
    return -1;
  if (b < -9223372036854775808.0)
    return 1;
  int64_t whole = (int64_t)b;
  return a != whole ? (a < whole ? -1 : 1) : compare_reals(0, b - (double)whole);
}

/* <0, 0, >0: the value beside a number written in JSON. */
static int compare_number(sqlite3_value *value, const char *text, size_t size) {
  char digits[64];
  size_t copied = size < sizeof digits ? size : sizeof digits - 1;
  memcpy(digits, text, copied);
  digits[copied] = 0;
  errno = 0;
  int64_t whole = strtoll(digits, NULL, 10);
  bool integer = !strpbrk(digits, ".eE") && errno == 0;
  bool is_integer = sqlite3_value_type(value) == SQLITE_INTEGER;
  if (integer && is_integer) {
    int64_t a = sqlite3_value_int64(value);
    return a < whole ? -1 : a > whole;
  }
  if (is_integer)
    return compare_mixed(sqlite3_value_int64(value), strtod(digits, NULL));
  if (integer)
    return -compare_mixed(whole, sqlite3_value_double(value));
  return compare_reals(sqlite3_value_double(value), strtod(digits, NULL));
}

/* The value beside a text. */
static int compare_text(sqlite3_value *value, const char *text, size_t size) {
  int type = sqlite3_value_type(value);
  if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
    return -1;
  if (type == SQLITE_BLOB)
    return 1;
  const char *own = (const char *)sqlite3_value_text(value);
  return rem_slice_compare(rem_slice_of(own, own ? (size_t)sqlite3_value_bytes(value) : 0), rem_slice_of(text, size));
}

static bool holds(comparison op, int order) {
  switch (op) {
  case EQUAL: return order == 0;
  case UNEQUAL: return order != 0;
  case LESS: return order < 0;
  case LESS_EQUAL: return order <= 0;
  case GREATER: return order > 0;
  default: return order >= 0;
  }
}

static truth like(sqlite3_value *value, const char *pattern, size_t size) {
  char *copy REM_AUTO_FREE = rem_strndup(pattern, size);
  const char *text = (const char *)sqlite3_value_text(value);
  return copy && text ? (sqlite3_strlike(copy, text, 0) == 0 ? TRUE : FALSE) : UNKNOWN;
}

static truth compare_with_text(sqlite3_value *value, comparison op, const char *text, size_t size) {
  return op == LIKE ? like(value, text, size) : holds(op, compare_text(value, text, size)) ? TRUE : FALSE;
}

static truth compare_with_escaped(sqlite3_value *value, comparison op, const element *e) {
  json_t *string REM_AUTO_JSON = NULL;
  rem_error err;
  if (rem_json_parse(e->text - 1, e->size + 2, &string, &err) < 0)
    return UNKNOWN;
  return compare_with_text(value, op, json_string_value(string), json_string_length(string));
}

/* value op element */
static truth compare_element(sqlite3_value *value, comparison op, const element *e) {
  if (e->string)
    return e->escaped ? compare_with_escaped(value, op, e) : compare_with_text(value, op, e->text, e->size);
  if (e->size == 4 && memcmp(e->text, "null", 4) == 0)
    return UNKNOWN;
  bool is_true = e->size == 4 && memcmp(e->text, "true", 4) == 0, is_false = e->size == 5 && memcmp(e->text, "false", 5) == 0;
  const char *text = is_true ? "1" : is_false ? "0" : e->text;
  size_t size = is_true || is_false ? 1 : e->size;
  bool number = text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
  int type = sqlite3_value_type(value);
  if (!number || op == LIKE)
    return compare_with_text(value, op, text, size);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT)
    return holds(op, 1) ? TRUE : FALSE;
  return holds(op, compare_number(value, text, size)) ? TRUE : FALSE;
}

/* Any: true as soon as one is; all: false as soon as one is. Unknown when that did not come and one comparison was. */
static void answer(sqlite3_context *context, sqlite3_value *list, comparison op, sqlite3_value *value, bool any) {
  if (sqlite3_value_type(list) == SQLITE_NULL) {
    sqlite3_result_null(context);
    return;
  }
  const char *text = (const char *)sqlite3_value_text(list);
  walk w = {.at = text, .end = text ? text + sqlite3_value_bytes(list) : NULL};
  bool null = sqlite3_value_type(value) == SQLITE_NULL, unknown = false, decided = false;
  element e;
  if (op == LIKE && !rem_text_is_matchable((size_t)sqlite3_value_bytes(list), (size_t)sqlite3_value_bytes(value))) {
    sqlite3_result_error_toobig(context);
    return;
  }
  while (!decided && next_element(&w, &e)) {
    truth truth = null ? UNKNOWN : compare_element(value, op, &e);
    decided = truth == (any ? TRUE : FALSE);
    unknown |= truth == UNKNOWN;
  }
  if (w.bad)
    sqlite3_result_error(context, any ? "ANY() wants a list" : "ALL() wants a list", -1);
  else if (!decided && unknown)
    sqlite3_result_null(context);
  else
    sqlite3_result_int(context, decided == any);
}

/* ------------------------------------------------------------------------------------------- */
/* The functions                                                                                */

void rem_function_has(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  answer(context, arguments[0], EQUAL, arguments[1], true);
}

static void compare_list(sqlite3_context *context, int count, sqlite3_value **arguments) {
  static const char *const names[] = {"=", "<>", "<", "<=", ">", ">=", "LIKE"};
  const char *op = (const char *)sqlite3_value_text(arguments[1]);
  (void)count;
  for (size_t i = 0; op && i < sizeof names / sizeof names[0]; i++)
    if (strcmp(op, names[i]) == 0) {
      answer(context, arguments[0], (comparison)i, arguments[2], sqlite3_user_data(context) != NULL);
      return;
    }
  sqlite3_result_error(context, "unknown comparison with a list", -1);
}

rem_status rem_list_functions_add(sqlite3 *sqlite, rem_error *err) {
  static char any;
  int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  int code = sqlite3_create_function_v2(sqlite, "_rem_has", 2, flags, NULL, rem_function_has, NULL, NULL, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_create_function_v2(sqlite, "_rem_any", 3, flags, &any, compare_list, NULL, NULL, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_create_function_v2(sqlite, "_rem_all", 3, flags, NULL, compare_list, NULL, NULL, NULL);
  return code == SQLITE_OK ? REM_OK : rem_error_nomem(err);
}
