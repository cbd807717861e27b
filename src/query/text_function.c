/* SPDX-License-Identifier: Apache-2.0 */
#include "query/text_function.h"

#define MOST_COMPARISONS ((uint64_t)1 << 31) /* of bytes: about a second */

bool rem_text_is_matchable(size_t pattern_size, size_t text_size) {
  return pattern_size == 0 || text_size <= MOST_COMPARISONS / pattern_size;
}

static void refuse(sqlite3_context *context, const char *what, size_t size, size_t text_size) {
  rem_error err;
  rem_error_set(&err, REM_LIMIT, "%s of %zu bytes with a text of %zu bytes would take too long", what, size, text_size);
  rem_error_hint(&err, "shorten one of them; instr(text, part) finds a part of any length");
  (void)rem_session__fail(sqlite3_user_data(context), REM_LIMIT, &err);
  sqlite3_result_error(context, err.message, -1);
}

/* The bytes of a blob are read as they are: asking for its text would turn the value itself into one, for all later calls. */
static rem_slice text_of(sqlite3_value *value) {
  bool blob = sqlite3_value_type(value) == SQLITE_BLOB;
  const char *text = blob ? sqlite3_value_blob(value) : (const char *)sqlite3_value_text(value);
  if (blob && !text)
    text = "";
  return rem_slice_of(text, text ? (size_t)sqlite3_value_bytes(value) : 0);
}

static size_t character_size(const uint8_t *text, size_t size) {
  size_t at = 1;
  while (at < size && text[0] >= 0xc0 && (text[at] & 0xc0) == 0x80)
    at++;
  return at;
}

/* ------------------------------------------------------------------------------------------- */
/* LIKE and GLOB                                                                                */

#define MARK '\x01' /* escapes in patterns whose own escape is a wildcard */

/* The pattern with MARK for its escape, which is '%' or '_'. NULL: no memory. */
static char *with_mark(rem_slice pattern, char escape) {
  char *made = rem_alloc(2 * pattern.size + 1), *at = made;
  for (size_t i = 0; made && i < pattern.size; i++) {
    char c = (char)pattern.data[i];
    if (c == escape || c == MARK) *at++ = MARK;
    if (c != escape)
      *at++ = c;
    else if (i + 1 < pattern.size) /* an escape at the end matches nothing */
      *at++ = (char)pattern.data[++i];
  }
  if (made) *at = 0;
  return made;
}

/* The one character of ESCAPE; false: it is not one. */
static bool read_escape(sqlite3_value *value, unsigned *ret_escape) {
  rem_slice text = text_of(value);
  text.size = text.data ? strnlen((const char *)text.data, text.size) : 0;
  if (text.size == 0 || character_size(text.data, text.size) != text.size)
    return false;
  const uint8_t *c = text.data;
  unsigned code = c[0];
  if (text.size == 2) code = (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
  if (text.size == 3) code = (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
  if (text.size == 4) code = (c[0] & 0x07u) << 18 | (c[1] & 0x3fu) << 12 | (c[2] & 0x3fu) << 6 | (c[3] & 0x3fu);
  *ret_escape = code;
  return text.size <= 4;
}

/* A blob is like nothing. */
static bool has_blob(sqlite3_context *context, sqlite3_value **arguments) {
  if (sqlite3_value_type(arguments[0]) != SQLITE_BLOB && sqlite3_value_type(arguments[1]) != SQLITE_BLOB)
    return false;
  sqlite3_result_int(context, 0);
  return true;
}

static void match(sqlite3_context *context, sqlite3_value **arguments, bool glob, unsigned escape) {
  rem_slice pattern = text_of(arguments[0]), text = text_of(arguments[1]);
  int longest = sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LIKE_PATTERN_LENGTH, -1);
  if (pattern.size > (size_t)longest || !rem_text_is_matchable(pattern.size, text.size)) {
    refuse(context, glob ? "GLOB with a pattern" : "LIKE with a pattern", pattern.size, text.size);
    return;
  }
  if (!pattern.data || !text.data)
    return;
  const char *plain = (const char *)pattern.data;
  char *marked REM_AUTO_FREE = !glob && (escape == '%' || escape == '_') ? with_mark(pattern, (char)escape) : NULL;
  if (marked) {
    plain = marked;
    escape = MARK;
  }
  int other = glob ? sqlite3_strglob(plain, (const char *)text.data) : sqlite3_strlike(plain, (const char *)text.data, escape);
  sqlite3_result_int(context, other == 0);
}

static void like(sqlite3_context *context, int count, sqlite3_value **arguments) {
  unsigned escape = 0;
  if (has_blob(context, arguments))
    return;
  if (count == 3 && sqlite3_value_type(arguments[2]) == SQLITE_NULL)
    return;
  if (count == 3 && !read_escape(arguments[2], &escape)) {
    sqlite3_result_error(context, "ESCAPE expression must be a single character", -1);
    return;
  }
  match(context, arguments, false, escape);
}

static void glob(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  if (!has_blob(context, arguments))
    match(context, arguments, true, 0);
}

/* ------------------------------------------------------------------------------------------- */
/* instr and replace                                                                            */

static const uint8_t *find(rem_slice text, size_t from, rem_slice part) {
  return from > text.size ? NULL : memmem(text.data + from, text.size - from, part.data, part.size);
}

static bool is_null(sqlite3_value *value) {
  return sqlite3_value_type(value) == SQLITE_NULL;
}

/* Characters are counted from 1; bytes, where both are blobs. */
static void instr(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  if (is_null(arguments[0]) || is_null(arguments[1]))
    return;
  bool bytes = sqlite3_value_type(arguments[0]) == SQLITE_BLOB && sqlite3_value_type(arguments[1]) == SQLITE_BLOB;
  rem_slice text = text_of(arguments[0]), part = text_of(arguments[1]);
  if (!text.data || !part.data) {
    sqlite3_result_error_nomem(context);
    return;
  }
  const uint8_t *found = find(text, 0, part);
  int64_t place = found != NULL;
  for (const uint8_t *c = text.data; found && c < found; c++)
    place += bytes || (*c & 0xc0) != 0x80 || c == text.data;
  sqlite3_result_int64(context, place);
}

static void fill_replaced(char *at, rem_slice text, rem_slice part, rem_slice other) {
  const uint8_t *from = text.data;
  for (const uint8_t *next; (next = find(text, (size_t)(from - text.data), part)) != NULL; from = next + part.size) {
    memcpy(at, from, (size_t)(next - from));
    at += next - from;
    if (other.size) memcpy(at, other.data, other.size);
    at += other.size;
  }
  memcpy(at, from, text.size - (size_t)(from - text.data));
}

static void replace(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  rem_slice text = text_of(arguments[0]), part = text_of(arguments[1]);
  if (!text.data || !part.data)
    return;
  if (part.size == 0 || part.data[0] == 0) {
    (void)sqlite3_value_text(arguments[0]);
    sqlite3_result_value(context, arguments[0]);
    return;
  }
  rem_slice other = text_of(arguments[2]);
  if (!other.data)
    return;
  uint64_t places = 0;
  for (const uint8_t *at = text.data; (at = find(text, (size_t)(at - text.data), part)) != NULL; at += part.size)
    places++;
  uint64_t size = text.size - places * part.size + places * other.size;
  if (size > (uint64_t)sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LENGTH, -1)) {
    sqlite3_result_error_toobig(context);
    return;
  }
  char *made = rem_alloc(size + 1);
  if (!made) {
    sqlite3_result_error_nomem(context);
    return;
  }
  fill_replaced(made, text, part, other);
  sqlite3_result_text64(context, made, size, rem_free, SQLITE_UTF8);
}

/* ------------------------------------------------------------------------------------------- */
/* trim                                                                                         */

/* The size of the character of `set` that the text begins or ends with; 0: none. */
static size_t end_size(rem_slice text, rem_slice set, bool front) {
  for (size_t i = 0, size; i < set.size; i += size) {
    size = character_size(set.data + i, set.size - i);
    if (size <= text.size && memcmp(front ? text.data : text.data + text.size - size, set.data + i, size) == 0)
      return size;
  }
  return 0;
}

static void trim_ends(sqlite3_context *context, sqlite3_value **arguments, bool front, bool back) {
  if (is_null(arguments[0]))
    return;
  rem_slice text = text_of(arguments[0]), set = text_of(arguments[1]);
  if (!text.data || !set.data)
    return;
  set.size = strnlen((const char *)set.data, set.size);
  if (!rem_text_is_matchable(set.size, text.size)) {
    refuse(context, "trim() with characters", set.size, text.size);
    return;
  }
  for (size_t size; front && (size = end_size(text, set, true)) > 0;)
    text = rem_slice_of(text.data + size, text.size - size);
  for (size_t size; back && (size = end_size(text, set, false)) > 0;)
    text.size -= size;
  sqlite3_result_text64(context, (const char *)text.data, text.size, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void trim(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  trim_ends(context, arguments, true, true);
}

static void trim_front(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  trim_ends(context, arguments, true, false);
}

static void trim_back(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  trim_ends(context, arguments, false, true);
}

/* ------------------------------------------------------------------------------------------- */

rem_status rem_text_functions_add(rem_session *session, rem_error *err) {
  static const struct {
    const char *name;
    int arguments;
    void (*call)(sqlite3_context *, int, sqlite3_value **);
  } functions[] = {{"like", 2, like},       {"like", 3, like}, {"glob", 2, glob},        {"instr", 2, instr},
                   {"replace", 3, replace}, {"trim", 2, trim}, {"ltrim", 2, trim_front}, {"rtrim", 2, trim_back}};
  int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, code = SQLITE_OK;
  for (size_t i = 0; i < sizeof functions / sizeof *functions && code == SQLITE_OK; i++)
    code = sqlite3_create_function_v2(session->sqlite, functions[i].name, functions[i].arguments, flags, session, functions[i].call, NULL, NULL, NULL);
  return code == SQLITE_OK ? REM_OK : rem_error_nomem(err);
}
