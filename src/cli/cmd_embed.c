/* SPDX-License-Identifier: Apache-2.0 */
/* db embed: the vector of a text, or the embeddings that are pending. */
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
  if (rem_embed(cli->db, text, strlen(text), vector, DIMENSION_MAX, &dimension, &err) < 0)
    code = cli_fail(cli, &err);
  cli_text json = {0};
  for (size_t i = 0; i < dimension; i++)
    cli_text_printf(&json, "%c%.9g", i ? ',' : '[', (double)vector[i]);
  if (code == CLI_DONE) printf("%s]\n", json.data ? json.data : "[");
  cli_text_free(&json);
  free(vector);
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
  rem_bytes json = {0};
  code = cli_job_run(cli, job, "rows", &json);
  if (json.data) cli_print_object(cli, json.data, json.size);
  rem_bytes_free(&json);
  return code;
}

int cli_run_embed(cli *cli) {
  bool pending = cli_args_flag(&cli->args, "pending");
  int code = cli_want_words(cli, pending ? 0 : 1, pending ? 0 : 1);
  if (code)
    return code;
  return pending ? embed_pending(cli) : embed_text(cli, cli->args.words[0]);
}
