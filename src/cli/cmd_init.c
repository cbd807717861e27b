/* SPDX-License-Identifier: Apache-2.0 */
/* db init, db use: making a database and choosing the current one. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

static void print_created(cli *cli, const char *name, const rem_create_result *result) {
  if (cli_wants_json(cli) || cli->format == CLI_CSV) {
    cli_text json = {0};
    cli_text_append_string(&json, "{\"name\":");
    cli_text_append_json(&json, name, strlen(name));
    cli_text_append_string(&json, ",\"path\":");
    cli_text_append_json(&json, result->path.data, result->path.size);
    cli_text_printf(&json, ",\"existed\":%s,\"pending\":%s}", result->existed ? "true" : "false",
                    result->pending ? "true" : "false");
    cli_print_object(cli, json.data, json.size);
    cli_text_free(&json);
  }
  cli_print_line(cli, "%s database '%s' at %s", result->existed ? "found" : "initialised", name, result->path.data);
  cli_print_line(cli, "it is now the current database");
  if (result->pending)
    cli_notice(cli, "no embedding model is installed: schema descriptions are pending "
                    "(db model install SOURCE, then db embed --pending)");
}

int cli_run_init(cli *cli) {
  int code = cli_want_words(cli, 1, 1);
  if (code)
    return code;
  rem_error err = {0};
  rem_create_options options;
  rem_create_options_init(&options);
  options.path = cli_args_value(&cli->args, "path");
  options.if_not_exists = cli_args_flag(&cli->args, "if-not-exists");
  rem_create_result result = {0};
  rem_status status = cli_config(cli, &err);
  if (status == REM_OK) status = rem_create(cli->config, cli->args.words[0], &options, &result, &err);
  if (status == REM_EXISTS && !err.hint[0])
    snprintf(err.hint, sizeof err.hint, "db use %s makes it the current one; --if-not-exists is for scripts",
             cli->args.words[0]);
  if (status != REM_OK)
    return cli_fail(cli, &err);
  print_created(cli, cli->args.words[0], &result);
  rem_bytes_free(&result.path);
  return CLI_DONE;
}

int cli_run_use(cli *cli) {
  int code = cli_want_words(cli, 0, 1);
  if (code)
    return code;
  rem_error err = {0};
  const char *name = cli->args.word_count ? cli->args.words[0] : cli_args_value(&cli->args, "db");
  rem_bytes path = {0};
  rem_status status = cli_config(cli, &err);
  if (status == REM_OK && cli->args.word_count) status = rem_use(cli->config, name, &err);
  if (status == REM_OK) status = rem_resolve(cli->config, name, &path, &err);
  if (status != REM_OK)
    return cli_fail(cli, &err);
  cli_text json = {0};
  cli_text_append_string(&json, "{\"path\":");
  cli_text_append_json(&json, path.data, path.size);
  cli_text_append_byte(&json, '}');
  if (cli->format == CLI_TABLE)
    cli_print_line(cli, "%s", path.data);
  else
    cli_print_object(cli, json.data, json.size);
  cli_text_free(&json);
  rem_bytes_free(&path);
  return CLI_DONE;
}
