/* SPDX-License-Identifier: Apache-2.0 */
/* db schema add, list, show, remove. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

static void print_outcome(cli *cli, const rem_bytes *result) {
  json_t *object = json_loadb(result->data, result->size, 0, NULL);
  const char *table = json_string_value(json_object_get(object, "table"));
  const char *outcome = json_string_value(json_object_get(object, "outcome"));
  if (cli->format == CLI_TABLE) {
    cli_print_line(cli, "schema '%s' %s", table ? table : "?", outcome ? outcome : "done");
    size_t index;
    json_t *change;
    json_array_foreach(json_object_get(object, "changes"), index, change) {
      if (json_is_string(change)) cli_print_line(cli, "  %s", json_string_value(change));
    }
  } else {
    cli_print_object(cli, result->data, result->size);
  }
  if (json_is_true(json_object_get(object, "pending")))
    cli_notice_pending(cli, "the description of '%s' is stored without its embedding", table ? table : "?");
  json_decref(object);
}

static rem_status add(cli *cli, const char *source, const rem_schema_options *options, const cli_text *document,
                      rem_bytes *ret_json, rem_error *err) {
  if (strcmp(source, "-") == 0)
    return rem_schema_add(cli->db, document->data ? document->data : "", document->size, options, ret_json, err);
  return rem_schema_add_source(cli->db, source, options, ret_json, err);
}

int cli_run_schema_add(cli *cli) {
  int code = cli_want_words(cli, 1, 1);
  if (code)
    return code;
  const char *source = cli->args.words[0];
  cli_text document = {0};
  if (strcmp(source, "-") == 0) code = cli_want_document(cli, source, &document);
  if (code == CLI_DONE) code = cli_open(cli, REM_WRITE);
  if (code == CLI_DONE) {
    rem_error err = {0};
    rem_bytes result = {0};
    rem_schema_options options;
    rem_schema_options_init(&options);
    options.name = cli_args_value(&cli->args, "name");
    options.python = cli_args_value(&cli->args, "python");
    if (add(cli, source, &options, &document, &result, &err) < 0)
      code = cli_fail(cli, &err);
    else
      print_outcome(cli, &result);
    rem_bytes_free(&result);
  }
  cli_text_free(&document);
  return code;
}

int cli_run_schema_list(cli *cli) {
  int code = cli_want_words(cli, 0, 0);
  if (code == CLI_DONE) code = cli_open(cli, REM_READ);
  if (code)
    return code;
  static const char *const columns[] = {"name", "category", "version", "entities", "description", NULL};
  rem_error err = {0};
  rem_bytes json = {0};
  if (rem_schema_list(cli->db, &json, &err) < 0)
    return cli_fail(cli, &err);
  cli_print_objects(cli, json.data, json.size, columns);
  rem_bytes_free(&json);
  return CLI_DONE;
}

int cli_run_schema_show(cli *cli) {
  int code = cli_want_words(cli, 1, 1);
  if (code == CLI_DONE) code = cli_open(cli, REM_READ);
  if (code)
    return code;
  rem_error err = {0};
  rem_bytes json = {0};
  rem_status status = rem_schema_show(cli->db, cli->args.words[0], &json, &err);
  if (status == REM_NOT_FOUND)
    return cli_fail_with(cli, status, "db schema list shows the schemas there are", "there is no schema '%s'",
                         cli->args.words[0]);
  if (status < 0)
    return cli_fail(cli, &err);
  /* A schema is a document: for people it is indented, not turned into a table. */
  cli_text text = {0};
  if (cli_wants_json(cli))
    cli_text_append(&text, json.data, json.size);
  else
    cli_text_append_indented(&text, json.data, json.size);
  fwrite(text.data, 1, text.size, stdout);
  putchar('\n');
  cli_text_free(&text);
  rem_bytes_free(&json);
  return CLI_DONE;
}

int cli_run_schema_remove(cli *cli) {
  int code = cli_want_words(cli, 1, 1);
  if (code == CLI_DONE) code = cli_open(cli, REM_WRITE);
  if (code)
    return code;
  rem_error err = {0};
  const char *table = cli->args.words[0];
  rem_status status = rem_schema_remove(cli->db, table, cli_args_flag(&cli->args, "with-rows"), &err);
  if (status == REM_NOT_FOUND)
    return cli_fail_with(cli, status, "db schema list shows the schemas there are", "there is no schema '%s'", table);
  if (status < 0)
    return cli_fail(cli, &err);
  if (cli->format == CLI_TABLE) {
    cli_print_line(cli, "schema '%s' removed", table);
    return CLI_DONE;
  }
  cli_text json = {0};
  cli_text_append_string(&json, "{\"table\":");
  cli_text_append_json(&json, table, strlen(table));
  cli_text_append_string(&json, ",\"outcome\":\"removed\"}");
  cli_print_object(cli, json.data, json.size);
  cli_text_free(&json);
  return CLI_DONE;
}
