/* SPDX-License-Identifier: Apache-2.0 */
/* From a text to a statement of SQLite over modules that are there. */
#include <ctype.h>
#include <strings.h>

#include "query/entities_module.h"
#include "query/session.h"
#include "query/session_internal.h"

#define MOST_USES 256

static rem_status add_use(rem_statement *statement, rem_catalog_entry *entry, rem_error *err) {
  for (size_t i = 0; i < statement->use_count; i++)
    if (statement->uses[i].entry == entry)
      return REM_OK;
  if (statement->use_count == MOST_USES)
    return rem_error_set(err, REM_LIMIT, "a statement names at most %d tables", MOST_USES);
  rem_statement_use *uses = rem_realloc(statement->uses, (statement->use_count + 1) * sizeof *uses);
  if (!uses)
    return rem_error_nomem(err);
  statement->uses = uses;
  uses[statement->use_count++] = (rem_statement_use){.entry = entry, .version = entry->version};
  return REM_OK;
}

/* ------------------------------------------------------------------------------------------- */
/* What the dialect asks                                                                        */

typedef struct catalog_asked {
  rem_statement *statement;
  rem_status failed; /* of a question: its answer was "no" */
  rem_error failure;
  rem_table_list names; /* loaded when the first is asked for */
  bool named;
} catalog_asked;

static bool note_failure(catalog_asked *asked, rem_status status, const rem_error *err) {
  if (asked->failed == REM_OK) {
    asked->failed = status;
    asked->failure = *err;
  }
  return false;
}

static bool find_table(void *context, const char *name, rem_dialect_table *ret_table) {
  catalog_asked *asked = context;
  rem_catalog_entry *entry;
  rem_error err;
  if (strcasecmp(name, "entities") == 0) {
    *ret_table = (rem_dialect_table){.name = "entities", .read_only = true};
    asked->statement->all_tables = true;
    return true;
  }
  rem_status status = rem_catalog_find(asked->statement->session->catalog, name, &entry, &err);
  if (status == REM_OK)
    status = add_use(asked->statement, entry, &err);
  if (status < 0)
    return note_failure(asked, status, &err);
  if (status == REM_NOT_FOUND)
    return false;
  *ret_table = (rem_dialect_table){.name = entry->name, .handle = entry, .embedded = entry->table->embedding_field_count > 0};
  return true;
}

static const char *table_name(void *context, size_t index) {
  catalog_asked *asked = context;
  rem_session *session = asked->statement->session;
  if (!asked->named)
    asked->named = rem_registry_list(session->engine->registry, session->tenant, &asked->names, NULL) == REM_OK;
  if (index < asked->names.count)
    return asked->names.tables[index]->name;
  return index == asked->names.count ? "entities" : NULL;
}

static const char *column_name(void *context, const rem_dialect_table *table, size_t index, bool *ret_hidden) {
  const rem_catalog_entry *entry = table->handle;
  (void)context;
  if (!entry)
    return rem_entities_column(index, ret_hidden);
  const rem_columns *columns = &entry->live->columns;
  if (index >= (size_t)columns->count)
    return NULL;
  *ret_hidden = columns->items[index].hidden;
  return columns->items[index].name;
}

static rem_dialect_type type_of_kind(rem_field_kind kind) {
  switch (kind) {
  case REM_FIELD_BOOL: return REM_DIALECT_BOOL;
  case REM_FIELD_INT:
  case REM_FIELD_REAL: return REM_DIALECT_NUMBER;
  case REM_FIELD_TEXT: return REM_DIALECT_TEXT;
  case REM_FIELD_INSTANT: return REM_DIALECT_INSTANT;
  case REM_FIELD_UUID: return REM_DIALECT_UUID;
  case REM_FIELD_LIST: return REM_DIALECT_LIST;
  case REM_FIELD_OBJECT: return REM_DIALECT_OBJECT;
  case REM_FIELD_ANY: break;
  }
  return REM_DIALECT_ANY;
}

static rem_dialect_type column_type(void *context, const rem_dialect_table *table, size_t index) {
  const rem_catalog_entry *entry = table->handle;
  (void)context;
  return type_of_kind(entry ? entry->live->columns.items[index].kind : rem_entities_kind(index));
}

/* ------------------------------------------------------------------------------------------- */

static void read_columns(rem_statement *statement) {
  rem_free(statement->types);
  int count = sqlite3_column_count(statement->prepared);
  statement->types = rem_calloc((size_t)count + 1, sizeof *statement->types);
  for (int i = 0; statement->types && i < count; i++)
    statement->types[i] = rem_columns_type_of(sqlite3_column_decltype(statement->prepared, i));
}

static void forget_parameters(rem_statement *statement) {
  for (size_t i = 0; i < statement->parameter_count; i++)
    rem_free(statement->parameters[i].name);
  rem_free(REM_TAKE(statement->parameters));
  statement->parameter_count = 0;
}

static rem_status keep_parameters(rem_statement *statement, const rem_dialect_statement *made, rem_error *err) {
  forget_parameters(statement);
  statement->parameters = rem_calloc(made->parameter_count + 1, sizeof *statement->parameters);
  if (!statement->parameters)
    return rem_error_nomem(err);
  for (size_t i = 0; i < made->parameter_count; i++) {
    rem_statement_parameter *parameter = &statement->parameters[statement->parameter_count++];
    parameter->number = (int)made->parameters[i].number;
    parameter->name = made->parameters[i].name ? rem_strndup(made->parameters[i].name, made->parameters[i].name_size) : NULL;
    if (made->parameters[i].name && !parameter->name)
      return rem_error_nomem(err);
  }
  return REM_OK;
}

void rem_statement__forget_demands(rem_statement *statement) {
  for (size_t i = 0; i < statement->demand_count; i++)
    rem_free((char *)statement->demands[i].what);
  rem_free(REM_TAKE(statement->demands));
  statement->demand_count = 0;
}

static rem_status keep_demands(rem_statement *statement, const rem_dialect_statement *made, rem_error *err) {
  rem_statement__forget_demands(statement);
  if (made->demand_count == 0)
    return REM_OK;
  statement->demands = rem_calloc(made->demand_count, sizeof *statement->demands);
  if (!statement->demands)
    return rem_error_nomem(err);
  for (size_t i = 0; i < made->demand_count; i++) {
    rem_dialect_demand *demand = &statement->demands[statement->demand_count++];
    *demand = made->demands[i];
    demand->what = rem_strndup(made->demands[i].what, made->demands[i].what_size);
    if (!demand->what)
      return rem_error_nomem(err);
  }
  return REM_OK;
}

static bool writes(rem_dialect_kind kind) {
  return kind == REM_DIALECT_INSERT || kind == REM_DIALECT_UPDATE || kind == REM_DIALECT_DELETE;
}

/* SQLite's own table-valued functions declare their columns when they are first named, and to the guard that looks like DDL. */
static rem_status know_json(rem_session *session, const char *sql, rem_error *err) {
  if (session->knows_json || (!strcasestr(sql, "json_each") && !strcasestr(sql, "json_tree")))
    return REM_OK;
  session->declaring = true;
  int code = sqlite3_exec(session->sqlite, "SELECT 0 FROM json_each('[]'), json_tree('[]')", NULL, NULL, NULL);
  session->declaring = false;
  session->knows_json = code == SQLITE_OK;
  return code == SQLITE_NOMEM ? rem_error_nomem(err) : REM_OK;
}

static bool has_word(const char *sql, size_t size, const char *word) {
  size_t word_size = strlen(word);
  for (size_t at = 0; at + word_size <= size; at++)
    if ((sql[at] | 0x20) == (word[0] | 0x20) && strncasecmp(sql + at, word, word_size) == 0)
      return true;
  return false;
}

/* Are the words of an outer join in the text? In a string or a name they do no harm. */
static bool has_outer_joins(const char *sql, size_t size) {
  static const char *const words[] = {"LEFT", "RIGHT", "FULL", "OUTER"};
  if (!has_word(sql, size, "JOIN"))
    return false;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (has_word(sql, size, words[i]))
      return true;
  return false;
}

static bool is_word_byte(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

/* Does a list of values open here, behind IN? A query or the name of a table does not begin so. */
static bool opens_list(const char *sql, size_t size, size_t at) {
  while (at < size && isspace((unsigned char)sql[at]))
    at++;
  if (at == size || sql[at++] != '(')
    return false;
  while (at < size && isspace((unsigned char)sql[at]))
    at++;
  return at < size && (isdigit((unsigned char)sql[at]) || memchr("'?:@$+-", sql[at], 7));
}

/* Where the string or quoted name that opens at `at` ends; `size`: nowhere. */
static size_t end_of_quoted(const char *sql, size_t size, size_t at) {
  const char *end = memchr(sql + at + 1, sql[at] == '[' ? ']' : sql[at], size - at - 1);
  return end ? (size_t)(end - sql) : size;
}

static bool is_quote(char c) {
  return c == '\'' || c == '"' || c == '`' || c == '[';
}

/* Is every IN of the text one of a list of values, and is there no OR, of which SQLite makes an IN? No is no more than slower, so a comment is taken for a no. */
static bool has_plain_lists(const char *sql, size_t size) {
  bool any = false;
  for (size_t at = 0; at + 2 <= size; at++) {
    if (is_quote(sql[at])) {
      at = end_of_quoted(sql, size, at);
      continue;
    }
    if ((sql[at] == '-' && sql[at + 1] == '-') || (sql[at] == '/' && sql[at + 1] == '*'))
      return false;
    char first = (char)(sql[at] | 0x20), second = (char)(sql[at + 1] | 0x20);
    bool in = first == 'i' && second == 'n', either = first == 'o' && second == 'r';
    if ((!in && !either) || (at && is_word_byte(sql[at - 1])) || (at + 2 < size && is_word_byte(sql[at + 2])))
      continue;
    if (either || !opens_list(sql, size, at + 2))
      return false;
    any = true;
  }
  return any;
}

/* What SQLite makes of the text of the dialect. */
static rem_status compile(rem_statement *statement, const rem_dialect_statement *made, rem_error *err) {
  rem_session *session = statement->session;
  sqlite3_stmt *prepared = NULL;
  session->failed = REM_OK;
  session->preparations++;
  session->deadline_us = rem_session__deadline(session);
  REM_TRY(know_json(session, made->sql, err));
  statement->shape = (rem_statement_shape){.outer_joins = has_outer_joins(made->sql, made->sql_size),
                                           .row_lists = made->row_lists,
                                           .plain_lists = has_plain_lists(made->sql, made->sql_size),
                                           .writes = writes(made->kind)};
  session->shape = statement->shape;
  int code = sqlite3_prepare_v3(session->sqlite, made->sql, (int)made->sql_size, SQLITE_PREPARE_PERSISTENT, &prepared, NULL);
  if (code != SQLITE_OK && session->failed == REM_OK && (code & 0xff) == SQLITE_ERROR)
    return rem_dialect_explain_error(session->dialect, sqlite3_errmsg(session->sqlite), sqlite3_error_offset(session->sqlite), err);
  if (code != SQLITE_OK)
    return rem_statement__failure(session, code, err);
  if (statement->prepared && prepared)
    (void)sqlite3_transfer_bindings(statement->prepared, prepared);
  (void)sqlite3_finalize(statement->prepared);
  statement->prepared = prepared;
  if (!prepared)
    return REM_DONE;
  read_columns(statement);
  REM_TRY(keep_parameters(statement, made, err));
  REM_TRY(keep_demands(statement, made, err));
  return statement->types ? REM_OK : rem_error_nomem(err);
}

static rem_status rewrite(rem_statement *statement, catalog_asked *asked, rem_error *err) {
  const rem_dialect_catalog catalog = {asked, find_table, table_name, column_name, column_type};
  rem_dialect_statement made;
  rem_session *session = statement->session;
  statement->use_count = 0;
  statement->all_tables = false;
  rem_status status = rem_dialect_rewrite(session->dialect, statement->text, statement->text_size, &catalog, &made, err);
  if (asked->failed < 0) {
    if (err)
      *err = asked->failure;
    return asked->failed;
  }
  REM_TRY(status);
  if (made.kind == REM_DIALECT_EMPTY)
    return REM_DONE;
  if (writes(made.kind) && session->options.read_only)
    return rem_session__refuse_write(session, err);
  return compile(statement, &made, err);
}

rem_status rem_statement__compile(rem_statement *statement, rem_error *err) {
  catalog_asked asked = {.statement = statement};
  rem_status status = rewrite(statement, &asked, err);
  rem_table_list_deinit(&asked.names);
  return status;
}

static size_t skip_blank(rem_slice text, size_t at) {
  while (at < text.size && isspace(text.data[at]))
    at++;
  return at;
}

static rem_status new_statement(rem_session *session, rem_slice text, rem_statement **ret_statement, rem_error *err) {
  rem_statement *statement = rem_calloc(1, sizeof *statement);
  if (!statement)
    return rem_error_nomem(err);
  statement->text = rem_strndup((const char *)text.data, text.size);
  statement->text_size = text.size;
  statement->session = session;
  statement->next = session->statements;
  if (statement->next)
    statement->next->previous = statement;
  session->statements = statement;
  *ret_statement = statement;
  return statement->text ? REM_OK : rem_error_nomem(err);
}

/* The first statement, when others may follow. */
static rem_slice first_statement(rem_slice text) {
  size_t size = rem_dialect_statement_size((const char *)text.data, text.size);
  return rem_slice_of(text.data, size ? size : text.size);
}

static rem_status prepare(rem_session *session, rem_slice text, rem_statement **statement, rem_error *err) {
  REM_TRY(new_statement(session, text, statement, err));
  return rem_statement__compile(*statement, err);
}

rem_status rem_query_prepare(rem_session *session, rem_slice text, rem_statement **ret_statement, size_t *ret_used, rem_error *err) {
  rem_statement *statement = NULL;
  rem_slice first = ret_used ? first_statement(text) : text;
  if (first.size > (size_t)session->options.max_text_bytes)
    return rem_error_set(err, REM_LIMIT, "the statement is longer than %lld bytes", (long long)session->options.max_text_bytes);
  rem_status status = prepare(session, first, &statement, err);
  if (status >= 0 && ret_used)
    *ret_used = skip_blank(text, first.size);
  if (status == REM_OK)
    *ret_statement = statement;
  else
    rem_statement_free(statement);
  return status;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status append_step(rem_statement *plan, int64_t *parents, int *depths, size_t *count, rem_buffer *text) {
  rem_value id = rem_statement_value(plan, 0), parent = rem_statement_value(plan, 1), detail = rem_statement_value(plan, 3);
  int depth = 0;
  for (size_t i = 0; i < *count; i++)
    if (parents[i] == parent.integer)
      depth = depths[i] + 1;
  if (*count < 256) {
    parents[*count] = id.integer;
    depths[(*count)++] = depth;
  }
  for (int i = 0; i < depth; i++)
    rem_buffer_append_text(text, "  ");
  rem_buffer_append(text, detail.text, detail.type == REM_TYPE_TEXT ? detail.text_size : 0);
  rem_buffer_append_byte(text, '\n');
  return REM_OK;
}

rem_status rem_query_explain(rem_session *session, rem_slice text, rem_bytes *ret_text, rem_error *err) {
  static const char before[] = "EXPLAIN QUERY PLAN ";
  rem_buffer whole REM_CLEANUP(rem_buffer_deinit) = {0}, steps REM_CLEANUP(rem_buffer_deinit) = {0};
  rem_statement *plan = NULL;
  int64_t parents[256];
  int depths[256];
  size_t count = 0;
  rem_buffer_append_text(&whole, before);
  rem_buffer_append_slice(&whole, text);
  REM_TRY(rem_buffer_status(&whole, err));
  rem_status status = rem_query_prepare(session, rem_buffer_slice(&whole), &plan, NULL, err);
  if (status < 0 && err && err->offset >= 0)
    err->offset = err->offset > (int64_t)strlen(before) ? err->offset - (int64_t)strlen(before) : 0;
  while (status >= 0 && plan && (status = rem_statement_step(plan, err)) == REM_ROW)
    (void)append_step(plan, parents, depths, &count, &steps);
  rem_statement_free(plan);
  REM_TRY(status);
  return rem_buffer_take(&steps, ret_text, err);
}
