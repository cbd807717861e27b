/* SPDX-License-Identifier: Apache-2.0 */
/* db model install, list, verify, remove: the embedding models in P8_MODELS_DIR. */
#include <string.h>

#include "command.h"
#include "output.h"
#include "progress.h"

static int want_config(cli *cli) {
  rem_error err = {0};
  return cli_config(cli, &err) == REM_OK ? CLI_DONE : cli_fail(cli, &err);
}

int cli_run_model_install(cli *cli) {
  int code = cli_want_words(cli, 1, 1);
  if (code == CLI_DONE) code = want_config(cli);
  if (code)
    return code;
  rem_error err = {0};
  rem_job *job = NULL;
  rem_model_install_options options;
  rem_model_install_options_init(&options);
  options.name = cli_args_value(&cli->args, "name");
  options.python = cli_args_value(&cli->args, "python");
  options.query_prefix = cli_args_value(&cli->args, "query-prefix");
  options.passage_prefix = cli_args_value(&cli->args, "passage-prefix");
  rem_status status = rem_model_install(cli->config, cli->args.words[0], &options, &job, &err);
  if (status < 0)
    return cli_fail(cli, &err);
  rem_bytes json = {0};
  code = cli_job_run(cli, job, "steps", &json);
  if (code == CLI_DONE) cli_print_object(cli, json.data, json.size);
  rem_bytes_free(&json);
  return code;
}

int cli_run_model_list(cli *cli) {
  static const char *const columns[] = {"name", "dimension", "max_tokens", "size_bytes", "default", "sha256", NULL};
  int code = cli_want_words(cli, 0, 0);
  if (code == CLI_DONE) code = want_config(cli);
  if (code)
    return code;
  rem_error err = {0};
  rem_bytes json = {0};
  if (rem_model_list(cli->config, &json, &err) < 0)
    return cli_fail(cli, &err);
  cli_print_objects(cli, json.data, json.size, columns);
  rem_bytes_free(&json);
  return CLI_DONE;
}

int cli_run_model_verify(cli *cli) {
  int code = cli_want_words(cli, 0, 1);
  if (code == CLI_DONE) code = want_config(cli);
  if (code)
    return code;
  const char *name = cli->args.word_count ? cli->args.words[0] : rem_config_get(cli->config, "P8_DEFAULT_EMBEDDING");
  rem_error err = {0};
  rem_bytes json = {0};
  rem_status status = rem_model_verify(cli->config, name, &json, &err);
  if (status == REM_NOT_FOUND)
    return cli_fail_with(cli, REM_MODEL, "db model install SOURCE installs one", "the model '%s' is not installed", name);
  if (status < 0)
    return cli_fail(cli, &err);
  cli_print_object(cli, json.data, json.size);
  rem_bytes_free(&json);
  return CLI_DONE;
}

int cli_run_model_remove(cli *cli) {
  int code = cli_want_words(cli, 1, 1);
  if (code == CLI_DONE) code = want_config(cli);
  if (code)
    return code;
  const char *name = cli->args.words[0];
  rem_error err = {0};
  rem_status status = rem_model_remove(cli->config, name, &err);
  if (status == REM_NOT_FOUND)
    return cli_fail_with(cli, status, "db model list shows what is installed", "the model '%s' is not installed", name);
  if (status < 0)
    return cli_fail(cli, &err);
  cli_text json = {0};
  cli_text_append_string(&json, "{\"name\":");
  cli_text_append_json(&json, name, strlen(name));
  cli_text_append_string(&json, ",\"outcome\":\"removed\"}");
  if (cli->format == CLI_TABLE)
    cli_print_line(cli, "model '%s' removed", name);
  else
    cli_print_object(cli, json.data, json.size);
  cli_text_free(&json);
  return CLI_DONE;
}
