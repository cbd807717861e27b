/* SPDX-License-Identifier: Apache-2.0 */
/* The shell's own commands: a line that begins with a dot. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "script_file.h"
#include "sheet.h"
#include "shell.h"
#include "suggest.h"

#define READ_DEPTH_MAX 10

typedef struct command {
  const char *name, *arguments, *help;
  int (*run)(shell *s, char *argument); /* what follows the name, "" when nothing does */
} command;

static int run_help(shell *s, char *argument);

static int run_tables(shell *s, char *argument) {
  static const char *const columns[] = {"name", "entities", "category", "description", NULL};
  rem_error err = {0};
  rem_bytes json = {0};
  (void)argument;
  int code = cli_query_open(&s->query, s->query.session ? s->query.mode : REM_READ);
  if (code)
    return code;
  if (rem_schema_list(s->cli->db, &json, &err) < 0)
    return cli_fail(s->cli, &err);
  cli_print_objects(s->cli, json.data, json.size, columns);
  rem_bytes_free(&json);
  return CLI_DONE;
}

json_t *shell_tables(shell *s) {
  rem_bytes json = {0};
  if (!s->query.session && cli_query_open(&s->query, REM_READ) != CLI_DONE)
    return NULL;
  if (rem_session_tables_json(s->query.session, &json, NULL) < 0)
    return NULL;
  json_t *tables = json_loadb(json.data, json.size, JSON_ALLOW_NUL, NULL);
  rem_bytes_free(&json);
  return tables;
}

static void print_columns(shell *s, const json_t *table) {
  static const char *names[] = {"column", "type", "indexed"};
  cli_sheet sheet;
  size_t index;
  json_t *column;
  cli_print_line(s->cli, "%s", json_string_value(json_object_get(table, "table")));
  cli_sheet_begin(&sheet, s->cli, names, 3);
  json_array_foreach(json_object_get(table, "columns"), index, column) {
    if (json_is_true(json_object_get(column, "hidden")))
      continue;
    cli_sheet_cell_json(&sheet, json_object_get(column, "name"));
    cli_sheet_cell_json(&sheet, json_object_get(column, "type"));
    cli_sheet_cell_string(&sheet, json_is_true(json_object_get(column, "indexed")) ? "yes" : "");
  }
  cli_sheet_end(&sheet);
}

static int run_schema(shell *s, char *argument) {
  json_t *tables = shell_tables(s), *table;
  size_t index;
  bool found = false;
  if (!tables)
    return s->query.session ? cli_fail_with(s->cli, REM_INTERNAL, NULL, "the tables cannot be listed") : CLI_ERROR;
  if (cli_wants_json(s->cli)) cli_array_begin(s->cli);
  json_array_foreach(tables, index, table) {
    const char *name = json_string_value(json_object_get(table, "table"));
    if (!name || (argument[0] && strcmp(name, argument) != 0))
      continue;
    found = true;
    if (!cli_wants_json(s->cli)) {
      print_columns(s, table);
      continue;
    }
    char *json = json_dumps(table, JSON_COMPACT);
    if (json) cli_array_item(s->cli, json, strlen(json));
    free(json);
  }
  if (cli_wants_json(s->cli)) cli_array_end(s->cli);
  json_decref(tables);
  return found ? CLI_DONE : cli_fail_with(s->cli, REM_UNKNOWN, ".tables lists the tables", "no table '%s'", argument);
}

static int run_mode(shell *s, char *argument) {
  static const struct {
    const char *name;
    cli_format format;
  } modes[] = {{"table", CLI_TABLE}, {"json", CLI_JSON}, {"jsonl", CLI_JSONL}, {"csv", CLI_CSV}};
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (!argument[0] && modes[i].format == s->cli->format)
      cli_notice(s->cli, "mode: %s", modes[i].name);
    if (strcmp(modes[i].name, argument) == 0) {
      s->cli->format = modes[i].format;
      return CLI_DONE;
    }
  }
  return argument[0] ? cli_fail_usage(s->cli, NULL, "a mode is table, json, jsonl or csv, not '%.100s'", argument) : CLI_DONE;
}

static int run_timer(shell *s, char *argument) {
  bool on = strcmp(argument, "on") == 0;
  if (!on && strcmp(argument, "off") != 0)
    return cli_fail_usage(s->cli, NULL, ".timer is on or off");
  s->timer = on;
  return CLI_DONE;
}

static int feed_lines(shell *s, const cli_text *script) {
  int code = CLI_DONE;
  for (size_t at = 0; at < script->size && code == CLI_DONE && !s->done;) {
    const char *line = script->data + at, *end = memchr(line, '\n', script->size - at);
    size_t size = end ? (size_t)(end - line) : script->size - at;
    code = shell_feed(s, line, size);
    at += size + 1;
  }
  return code == CLI_DONE ? shell_finish(s) : code;
}

static int run_read(shell *s, char *argument) {
  cli_text script = {0};
  if (!argument[0])
    return cli_fail_usage(s->cli, NULL, ".read needs a file");
  if (s->depth >= READ_DEPTH_MAX)
    return cli_fail_with(s->cli, REM_LIMIT, NULL, ".read is nested deeper than %d", READ_DEPTH_MAX);
  int code = cli_script_read(s->cli, argument, &script);
  s->depth++;
  if (code == CLI_DONE) code = feed_lines(s, &script);
  s->depth--;
  cli_text_clear(&s->typed);
  cli_text_free(&script);
  int failure = shell_let_go(s);
  return code == CLI_DONE ? failure : code;
}

static int run_explain(shell *s, char *argument) {
  cli_source source = {NULL, argument, strlen(argument)};
  if (!argument[0])
    return cli_fail_usage(s->cli, NULL, ".explain needs a statement");
  s->query.explain = true;
  int code = shell_run(s, &source, 0, source.size);
  s->query.explain = false;
  return code;
}

static int run_set(shell *s, char *argument) {
  size_t name = strcspn(argument, " \t=");
  if (name == 0 || !argument[name])
    return cli_fail_usage(s->cli, NULL, ".set needs a name and a value");
  char *value = argument + name + 1 + strspn(argument + name + 1, " \t");
  cli_text pair = {0};
  cli_text_printf(&pair, "%.*s=%s", (int)name, argument, value);
  cli_query_add_parameter(&s->query, pair.data, false);
  cli_text_free(&pair);
  return CLI_DONE;
}

static int run_unset(shell *s, char *argument) {
  cli_query_remove_parameter(&s->query, argument + (argument[0] == ':'));
  return CLI_DONE;
}

static int run_params(shell *s, char *argument) {
  (void)argument;
  for (size_t i = 0; i < s->query.parameter_count; i++)
    fprintf(stderr, ":%s = %s\n", s->query.parameters[i].name ? s->query.parameters[i].name : "?", s->query.parameters[i].value);
  return CLI_DONE;
}

static int run_quit(shell *s, char *argument) {
  (void)argument;
  s->done = true;
  return CLI_DONE;
}

static const command commands[] = {
    {".explain", "STATEMENT", "show how a statement would be carried out", run_explain},
    {".exit", "", "the same as .quit", run_quit},
    {".help", "", "show this", run_help},
    {".mode", "table|json|jsonl|csv", "how rows are shown", run_mode},
    {".params", "", "show the values of parameters", run_params},
    {".quit", "", "end the shell (Ctrl-D does too)", run_quit},
    {".read", "FILE", "run the lines of a file", run_read},
    {".schema", "[TABLE]", "show columns", run_schema},
    {".set", "NAME VALUE", "give the parameter :NAME a value", run_set},
    {".tables", "", "list the tables", run_tables},
    {".timer", "on|off", "say how long statements take", run_timer},
    {".unset", "NAME", "take the value away", run_unset},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static int run_help(shell *s, char *argument) {
  (void)s;
  (void)argument;
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    char left[64];
    snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].arguments);
    printf("%-32s %s\n", left, commands[i].help);
  }
  puts("\nA statement ends with a semicolon and may go over many lines: SELECT, INSERT, UPDATE, DELETE, BEGIN, COMMIT,\n"
       "LOOKUP 'key'; SEARCH 'text' IN table; FUZZY 'text'; TRAVERSE FROM 'key' DEPTH 2;\n"
       "Tab completes, Ctrl-R searches what was typed before, Ctrl-C gives up a line or a running statement.");
  return CLI_DONE;
}

const char *shell_command_name(size_t index) {
  return index < COMMAND_COUNT ? commands[index].name : NULL;
}

int shell_command(shell *s, const char *line) {
  size_t size = strcspn(line, " \t\r");
  const char *rest = line + size + strspn(line + size, " \t\r");
  size_t end = strlen(rest);
  while (end > 0 && (isspace((unsigned char)rest[end - 1]) || rest[end - 1] == ';'))
    end--;
  char *name = cli_copy(line, size), *argument = cli_copy(rest, end);
  int code = -1;
  if (size > 0 && name[size - 1] == ';') name[size - 1] = 0;
  for (size_t i = 0; i < COMMAND_COUNT && code < 0; i++)
    if (strcmp(name, commands[i].name) == 0) code = commands[i].run(s, argument);
  if (code < 0) {
    cli_suggestion best = cli_suggestion_start(name);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
      cli_suggestion_offer(&best, commands[i].name);
    char hint[64];
    snprintf(hint, sizeof hint, best.word ? "did you mean %s?" : ".help lists the commands", best.word);
    code = cli_fail_usage(s->cli, hint, "unknown command '%.100s'", name);
  }
  free(name);
  free(argument);
  return code;
}
