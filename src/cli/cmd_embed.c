/* SPDX-License-Identifier: Apache-2.0 */
/* db embed: the vector of a text, the embeddings that are pending, or those of all rows by another model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "progress.h"

#define DIMENSION_MAX 16384

static int embed_text(cli *cli, const char *text) {
  int code = cli_open(cli, REM_READ);
  if (code)
    return code;
  float *vector = cli_allocate(DIMENSION_MAX * sizeof *vector);
  size_t dimension = 0;
  rem_error err = {0};
  rem_role role = cli_args_flag(&cli->args, "query") ? REM_QUERY : REM_PASSAGE;
  const char *model = cli_args_value(&cli->args, "model");
  if (rem_embed(cli->db, text, strlen(text), role, model, vector, DIMENSION_MAX, &dimension, &err) < 0)
    code = cli_fail(cli, &err);
  cli_text json = {0};
  for (size_t i = 0; i < dimension; i++)
    cli_text_printf(&json, "%c%.9g", i ? ',' : '[', (double)vector[i]);
  if (code == CLI_DONE) printf("%s]\n", json.data ? json.data : "[");
  cli_text_free(&json);
  free(vector);
  return code;
}

/* What is left pending after all has been tried is refused by the model: the result says why. */
static int finish(cli *cli, rem_job *job) {
  rem_bytes json = {0};
  int code = cli_job_run(cli, job, "rows", &json);
  if (json.data) cli_print_object(cli, json.data, json.size);
  rem_bytes_free(&json);
  return code;
}

static int embed_pending(cli *cli) {
  int code = cli_open(cli, REM_WRITE);
  if (code)
    return code;
  rem_error err = {0};
  rem_job *job = NULL;
  if (rem_embed_pending(cli->db, &job, &err) < 0)
    return cli_fail(cli, &err);
  return finish(cli, job);
}

static int embed_all(cli *cli) {
  rem_embed_all_options options;
  rem_embed_all_options_init(&options);
  options.model = cli_args_value(&cli->args, "model");
  options.table = cli_args_value(&cli->args, "schema");
  int code = options.model ? CLI_DONE
                           : cli_fail_usage(cli, "for example: db embed --all --model all-MiniLM-L6-v2",
                                            "'db embed --all' needs --model NAME");
  if (code == CLI_DONE) code = cli_want_slot(cli, &options.slot);
  if (code == CLI_DONE) code = cli_open(cli, REM_WRITE);
  if (code)
    return code;
  rem_error err = {0};
  rem_job *job = NULL;
  if (rem_embed_all(cli->db, &options, &job, &err) < 0)
    return cli_fail(cli, &err);
  return finish(cli, job);
}

int cli_run_embed(cli *cli) {
  bool pending = cli_args_flag(&cli->args, "pending"), all = cli_args_flag(&cli->args, "all");
  if (pending && all)
    return cli_fail_usage(cli, NULL, "one of --pending and --all, not both");
  int code = cli_want_words(cli, pending || all ? 0 : 1, pending || all ? 0 : 1);
  if (code)
    return code;
  return pending ? embed_pending(cli) : all ? embed_all(cli) : embed_text(cli, cli->args.words[0]);
}
