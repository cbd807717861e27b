/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of tables and tenants (D1, D2, D27).
 *
 * A table is named by an override, else by the schema's short_name, else by its class name (title, or the last part of
 * fully_qualified_name) in snake case. The four built-in tables have a short name of their own, which is their alias.
 */
#include "schema/table_internal.h"

#include "schema/builtin.h"

/* Verbs (which are table-valued functions too) and the view over all tables. */
static const char *const RESERVED[] = {"lookup", "search", "fuzzy", "traverse", "entities"};

static bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

static bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

const char *rem_table_canonical_name(const char *name, char buffer[REM_TABLE_NAME_SIZE]) {
  size_t size = strnlen(name, REM_TABLE_NAME_SIZE);
  if (size == REM_TABLE_NAME_SIZE) return name;
  for (size_t i = 0; i <= size; i++)
    buffer[i] = is_upper(name[i]) ? (char)(name[i] - 'A' + 'a') : name[i];
  const char *builtin = rem_builtin_canonical(buffer);
  if (builtin != NULL) return builtin;
  return strcmp(buffer, name) == 0 ? name : buffer;
}

bool rem_table__is_builtin_name(const char *name) {
  const rem_builtin *builtin = rem_builtin_find(name);
  return builtin != NULL && strcmp(builtin->table, name) == 0;
}

/* The type of a canonical name: the short name of a built-in table, else the name itself. */
static const char *type_of(const char *name) {
  const rem_builtin *builtin = rem_builtin_find(name);
  return builtin != NULL ? builtin->type : name;
}

/*
 * Snake case: "HTTPServer" -> http_server, "OrderV2" -> order_v2, "Sales Order" -> sales_order. A word begins
 * at a capital after a small letter or digit, and at the last capital of a run that a small letter follows.
 */
static void append_snake(rem_buffer *buffer, const char *text, size_t size) {
  size_t start = buffer->size;
  for (size_t i = 0; i < size; i++) {
    char c = text[i];
    bool plain = is_lower(c) || is_upper(c) || is_digit(c);
    bool after_small = i > 0 && (is_lower(text[i - 1]) || is_digit(text[i - 1]));
    bool ends_run = i > 0 && is_upper(text[i - 1]) && i + 1 < size && is_lower(text[i + 1]);
    bool boundary = !plain || (is_upper(c) && (after_small || ends_run));
    if (boundary && buffer->size > start && buffer->data[buffer->size - 1] != '_')
      rem_buffer_append_byte(buffer, '_');
    if (plain) rem_buffer_append_byte(buffer, (uint8_t)(is_upper(c) ? c - 'A' + 'a' : c));
  }
  while (buffer->size > start && buffer->data[buffer->size - 1] == '_')
    buffer->size--;
}

static const char *last_part(const char *qualified) {
  for (const char *c = qualified; *c != 0; c++) {
    if (*c == '.' || *c == ':' || *c == '/') qualified = c + 1;
  }
  return qualified;
}

static const char *extension_text(const json_t *schema, const char *key) {
  const json_t *value = rem_table__extension(schema, rem_table__root(schema), key);
  const char *text = json_string_value(value);
  return text != NULL && text[0] != 0 ? text : NULL;
}

static rem_status snake_name(const json_t *schema, rem_arena *arena, const char **ret_name, rem_error *err) {
  const char *class_name = extension_text(schema, "title");
  if (class_name == NULL) {
    class_name = extension_text(schema, "fully_qualified_name");
    if (class_name != NULL) class_name = last_part(class_name);
  }
  rem_buffer snake REM_AUTO_BUFFER = {.max = 4096};
  if (class_name != NULL) append_snake(&snake, class_name, strnlen(class_name, 1024));
  REM_TRY(rem_buffer_status(&snake, err));
  if (snake.size == 0) {
    rem_error_set(err, REM_INVALID, "the schema has neither a short_name nor a title to name its table by");
    rem_error_hint(err, "Give the schema a `short_name`, or name the table when registering it.");
    return REM_INVALID;
  }
  const char *name = rem_arena_strndup(arena, (const char *)snake.data, snake.size);
  if (name == NULL) return rem_error_nomem(err);
  *ret_name = name;
  return REM_OK;
}

rem_status rem_table__derive_name(const json_t *schema, const char *override, rem_arena *arena, const char **ret_name,
                                  const char **ret_type, rem_error *err) {
  const char *given = override != NULL ? override : extension_text(schema, "short_name");
  if (given == NULL) REM_TRY(snake_name(schema, arena, &given, err));
  if (rem_builtin_canonical(given) != NULL) given = rem_builtin_canonical(given);
  REM_TRY(rem_table_check_name(given, err));
  char *name = rem_arena_strdup(arena, given);
  if (name == NULL) return rem_error_nomem(err);
  *ret_name = name;
  *ret_type = type_of(name);
  return REM_OK;
}

static rem_status bad_shape(const char *name, rem_error *err) {
  rem_error_set(err, REM_INVALID, "'%.100s' cannot name a table", name);
  rem_buffer snake REM_AUTO_BUFFER = {.max = 256};
  append_snake(&snake, name, strnlen(name, 128));
  bool usable = snake.size > 0 && snake.size < REM_TABLE_NAME_SIZE && !is_digit((char)snake.data[0]);
  if (snake.failure == REM_OK && usable)
    rem_error_hint(err, "Use lower-case letters, digits and '_', at most 63, for example '%.*s'.", (int)snake.size,
                   (const char *)snake.data);
  else
    rem_error_hint(err, "Use lower-case letters, digits and '_', at most 63, not beginning with a digit.");
  return REM_INVALID;
}

static rem_status reserved_name(const char *name, rem_error *err) {
  rem_error_set(err, REM_INVALID, "'%s' is a reserved name and cannot name a table", name);
  rem_error_hint(err, "Choose another name, for example 'my_%s'.", name);
  return REM_INVALID;
}

rem_status rem_table_check_name(const char *name, rem_error *err) {
  size_t size = strnlen(name, REM_TABLE_NAME_SIZE);
  bool good = size > 0 && size < REM_TABLE_NAME_SIZE && !is_digit(name[0]);
  for (size_t i = 0; good && i < size; i++)
    good = is_lower(name[i]) || is_digit(name[i]) || name[i] == '_';
  if (!good) return bad_shape(name, err);
  if (strncmp(name, "sqlite_", 7) == 0) return reserved_name(name, err);
  for (size_t i = 0; i < sizeof RESERVED / sizeof RESERVED[0]; i++) {
    if (strcmp(name, RESERVED[i]) == 0) return reserved_name(name, err);
  }
  const char *builtin = rem_builtin_canonical(name);
  if (builtin != NULL && strcmp(builtin, name) != 0)
    return rem_error_set(err, REM_INVALID, "'%s' is another name of the table '%s'", name, builtin);
  return REM_OK;
}

rem_status rem_tenant_check_name(const char *tenant, rem_error *err) {
  size_t size = strnlen(tenant, 65);
  bool good = size >= 1 && size <= 64;
  for (size_t i = 0; good && i < size; i++) {
    char c = tenant[i];
    good = is_lower(c) || is_upper(c) || is_digit(c) || memchr("_.@-", c, 4) != NULL;
  }
  if (good) return REM_OK;
  rem_error_set(err, REM_INVALID, "'%.100s' cannot name a tenant", tenant);
  rem_error_hint(err, "Use 1 to 64 letters, digits and the characters _ . @ and -.");
  return REM_INVALID;
}
