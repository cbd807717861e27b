/* SPDX-License-Identifier: Apache-2.0 */
/* db stats, check, vacuum, reindex: the state of a database and its upkeep. */
#include <stdlib.h>

#include "command.h"
#include "output.h"
#include "progress.h"

int cli_run_stats(cli *cli) {
  int code = cli_want_words(cli, 0, 0);
  if (code == CLI_DONE) code = cli_open(cli, REM_READ);
  if (code)
    return code;
  rem_error err = {0};
  rem_bytes json = {0};
  if (rem_stats(cli->db, &json, &err) < 0)
    return cli_fail(cli, &err);
  cli_print_object(cli, json.data, json.size);
  rem_bytes_free(&json);
  return CLI_DONE;
}

static int run_job(cli *cli, rem_job *job, const char *unit) {
  rem_bytes json = {0};
  int code = cli_job_run(cli, job, unit, &json);
  if (code == CLI_DONE) cli_print_object(cli, json.data, json.size);
  rem_bytes_free(&json);
  return code;
}

static void print_problems(cli *cli, const json_t *result) {
  const json_t *problems = json_object_get(result, "problems");
  size_t index;
  json_t *problem;
  json_array_foreach(problems, index, problem) {
    char *text = json_is_string(problem) ? NULL : json_dumps(problem, JSON_COMPACT | JSON_ENCODE_ANY);
    cli_print_line(cli, "%s", text ? text : json_string_value(problem));
    free(text);
  }
  size_t count = json_array_size(problems);
  if (count == 0)
    cli_print_line(cli, "ok");
  else
    cli_print_line(cli, "%zu %s", count, count == 1 ? "problem" : "problems");
}

int cli_run_check(cli *cli) {
  bool repair = cli_args_flag(&cli->args, "repair");
  int code = cli_want_words(cli, 0, 0);
  if (code == CLI_DONE) code = cli_open(cli, repair ? REM_WRITE : REM_READ);
  if (code)
    return code;
  rem_error err = {0};
  rem_job *job = NULL;
  if (rem_check(cli->db, repair, &job, &err) < 0)
    return cli_fail(cli, &err);
  rem_bytes json = {0};
  code = cli_job_run(cli, job, "entries", &json);
  json_t *result = json.data ? json_loadb(json.data, json.size, 0, NULL) : NULL;
  if (code == CLI_DONE && cli->format == CLI_TABLE)
    print_problems(cli, result);
  else if (code == CLI_DONE)
    cli_print_object(cli, json.data, json.size);
  if (code == CLI_DONE && !json_is_true(json_object_get(result, "ok"))) {
    code = CLI_CORRUPT;
    if (!repair) cli_notice(cli, "db check --repair rebuilds what can be derived");
  }
  json_decref(result);
  rem_bytes_free(&json);
  return code;
}

int cli_run_vacuum(cli *cli) {
  int code = cli_want_words(cli, 0, 0);
  if (code == CLI_DONE) code = cli_open(cli, REM_WRITE);
  if (code)
    return code;
  rem_error err = {0};
  rem_job *job = NULL;
  if (rem_vacuum(cli->db, &job, &err) < 0)
    return cli_fail(cli, &err);
  return run_job(cli, job, "rows");
}

int cli_run_reindex(cli *cli) {
  int code = cli_want_words(cli, 0, 1);
  if (code == CLI_DONE) code = cli_open(cli, REM_WRITE);
  if (code)
    return code;
  rem_error err = {0};
  rem_job *job = NULL;
  const char *table = cli->args.word_count ? cli->args.words[0] : NULL;
  if (rem_reindex(cli->db, table, &job, &err) < 0)
    return cli_fail(cli, &err);
  return run_job(cli, job, "rows");
}
