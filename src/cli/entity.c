/* SPDX-License-Identifier: Apache-2.0 */
#include "entity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const json_t *cli_entity_schema(cli *cli, const char *table) {
  if (!cli->schemas) cli->schemas = json_object();
  json_t *known = json_object_get(cli->schemas, table);
  if (known)
    return json_is_object(known) ? known : NULL;
  rem_bytes text = {0};
  json_t *schema = NULL;
  if (rem_schema_show(cli->db, table, &text, NULL) == REM_OK) schema = json_loadb(text.data, text.size, 0, NULL);
  rem_bytes_free(&text);
  json_object_set_new(cli->schemas, table, schema ? schema : json_null());
  return schema;
}

const char *cli_entity_title(cli *cli, const char *table) {
  const json_t *schema = cli_entity_schema(cli, table);
  const char *title = json_string_value(json_object_get(schema, "title"));
  return title && title[0] ? title : table;
}

const json_t *cli_entity_column(const json_t *entity, const char *name) {
  const json_t *value = json_object_get(json_object_get(entity, "properties"), name);
  return value ? value : json_object_get(entity, name);
}

static void append_scalar(cli_text *text, const json_t *value) {
  if (json_is_string(value))
    cli_text_append(text, json_string_value(value), json_string_length(value));
  else if (json_is_integer(value))
    cli_text_printf(text, "%lld", (long long)json_integer_value(value));
  else if (json_is_real(value))
    cli_text_append_double(text, json_real_value(value));
}

static bool append_field(cli_text *text, const json_t *entity, const char *name) {
  size_t before = text->size;
  if (name) append_scalar(text, cli_entity_column(entity, name));
  return text->size > before;
}

/* The parts of a composite key, joined as the database joins them, less the escapes. */
static bool append_composite(cli_text *text, const json_t *entity, const json_t *names) {
  size_t index, before = text->size;
  json_t *name;
  json_array_foreach(names, index, name) {
    if (index) cli_text_append_byte(text, ':');
    append_field(text, entity, json_string_value(name));
  }
  return text->size > before + (index ? index - 1 : 0);
}

void cli_entity_append_key(cli *cli, const char *table, const json_t *entity, cli_text *text) {
  if (strcmp(table, "resources") == 0 && append_field(text, entity, "uri")) {
    cli_text_append_byte(text, ':');
    if (!append_field(text, entity, "ordinal")) cli_text_append_byte(text, '0');
    return;
  }
  const json_t *schema = cli_entity_schema(cli, table);
  const json_t *parts = json_object_get(schema, "key_fields");
  if (json_array_size(parts) && append_composite(text, entity, parts))
    return;
  const char *names[] = {json_string_value(json_object_get(schema, "key_field")), "uri", "key", "name"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (append_field(text, entity, names[i]))
      return;
  append_field(text, entity, "id");
}

void cli_entity_append_label(const json_t *entity, const char *key, cli_text *text) {
  static const char *const names[] = {"title",   "summary", "name",    "full_name", "subject",
                                      "label", "description", "content", "bio",       "text"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *value = json_string_value(cli_entity_column(entity, names[i]));
    if (!value || !value[0] || (key && strcmp(value, key) == 0))
      continue;
    cli_text_append_string(text, value);
    return;
  }
}

const char **cli_entity_columns(cli *cli, const char *table, size_t *ret_count) {
  const json_t *fields = json_object_get(cli_entity_schema(cli, table), "properties");
  const char **names = cli_allocate(sizeof(char *) * (json_object_size(fields) + 5));
  size_t count = 0;
  const char *name;
  json_t *field;
  if (cli->format == CLI_CSV) names[count++] = "id";
  json_object_foreach((json_t *)fields, name, field) {
    if (strcmp(name, "id") != 0 && strcmp(name, "edges") != 0) names[count++] = name;
  }
  if (cli->format == CLI_CSV) {
    names[count++] = "created_at";
    names[count++] = "modified_at";
    names[count++] = "deleted_at";
  } else {
    names[count++] = "id";
  }
  *ret_count = count;
  return names;
}

rem_status cli_row_json(cli *cli, rem_row *row, rem_bytes *ret_json, rem_error *err) {
  unsigned flags = cli_args_flag(&cli->args, "with-embedding") ? REM_WITH_EMBEDDING : 0;
  return rem_row_json(row, flags, ret_json, err);
}

/* ------------------------------------------------------------------------------------------- */

static bool type_is(const json_t *type, const char *name) {
  if (json_is_string(type))
    return strcmp(json_string_value(type), name) == 0;
  size_t index;
  json_t *item;
  json_array_foreach(type, index, item) {
    if (type_is(item, name))
      return true;
  }
  return false;
}

/* Whether a field's values are strings: its type says so, or that of its items or of one of its alternatives. */
static bool is_string_field(const json_t *field) {
  if (!field)
    return false;
  if (type_is(json_object_get(field, "type"), "string") || is_string_field(json_object_get(field, "items")))
    return true;
  size_t index;
  json_t *option;
  json_array_foreach(json_object_get(field, "anyOf"), index, option) {
    if (is_string_field(option))
      return true;
  }
  return false;
}

static void append_condition(cli *cli, const char *table, const char *name, size_t name_size, const char *value,
                             cli_text *json) {
  char *field_name = cli_copy(name, name_size);
  const json_t *fields = table ? json_object_get(cli_entity_schema(cli, table), "properties") : NULL;
  bool string = is_string_field(json_object_get(fields, field_name));
  json_t *literal = string ? NULL : json_loads(value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
  bool quoted = value[0] == '"' && !literal && (literal = json_loads(value, JSON_DECODE_ANY, NULL));
  cli_text_append_json(json, name, name_size);
  cli_text_append_byte(json, ':');
  if (literal && (quoted || !json_is_object(literal)))
    cli_text_append_string(json, value);
  else
    cli_text_append_json(json, value, strlen(value));
  json_decref(literal);
  free(field_name);
}

int cli_where_json(cli *cli, const char *table, cli_text *ret_json) {
  const char *condition;
  for (size_t i = 0; (condition = cli_args_nth(&cli->args, "where", i)); i++) {
    const char *equals = strchr(condition, '=');
    if (!equals || equals == condition)
      return cli_fail_usage(cli, "for example --where status=open; give --where again for a further condition",
                            "option '--where' needs FIELD=VALUE, not '%.200s'", condition);
    cli_text_append_byte(ret_json, i ? ',' : '{');
    append_condition(cli, table, condition, (size_t)(equals - condition), equals + 1, ret_json);
  }
  if (ret_json->size) cli_text_append_byte(ret_json, '}');
  return CLI_DONE;
}

static bool value_matches(const json_t *stored, const json_t *wanted) {
  if (json_equal(stored, wanted))
    return true;
  size_t index;
  json_t *item;
  json_array_foreach(stored, index, item) {
    if (json_equal(item, wanted))
      return true;
  }
  return json_is_number(stored) && json_is_number(wanted) && json_number_value(stored) == json_number_value(wanted);
}

bool cli_where_matches(const char *where_json, const json_t *entity) {
  json_t *where = where_json ? json_loads(where_json, 0, NULL) : NULL;
  bool matches = true;
  const char *name;
  json_t *wanted;
  json_object_foreach(where, name, wanted) {
    const json_t *stored = cli_entity_column(entity, name);
    matches = matches && (stored ? value_matches(stored, wanted) : json_is_null(wanted));
  }
  json_decref(where);
  return matches;
}
