/* SPDX-License-Identifier: Apache-2.0 */
/* db query: a statement of SQL, or a script. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "query.h"
#include "script_file.h"

/* The statement of the command line, else the script of --file or standard input. */
static int want_source(cli *cli, cli_text *text, cli_source *ret_source) {
  const char *file = cli_args_value(&cli->args, "file");
  const char *word = cli->args.word_count > 0 ? cli->args.words[0] : NULL;
  if (!file && !word)
    return cli_fail_usage(cli, "usage: db query SQL [VALUE...], or db query --file FILE", "'db query' needs a statement");
  if (!file && strcmp(word, "-") != 0) {
    *ret_source = (cli_source){NULL, word, strlen(word)};
    return CLI_DONE;
  }
  if (file && strcmp(file, "-") != 0) {
    ret_source->name = file;
    int code = cli_script_read(cli, file, text);
    if (code)
      return code;
  } else {
    ret_source->name = "standard input";
    int code = cli_want_document(cli, "-", text);
    if (code)
      return code;
  }
  ret_source->text = text->data ? text->data : "";
  ret_source->size = text->size;
  return CLI_DONE;
}

static void add_parameters(cli *cli, cli_query *query) {
  size_t first = cli_args_value(&cli->args, "file") ? 0 : 1;
  for (size_t i = first; i < cli->args.word_count; i++)
    cli_query_add_parameter(query, cli->args.words[i], true);
  const char *value;
  for (size_t i = 0; (value = cli_args_nth(&cli->args, "param", i)); i++)
    cli_query_add_parameter(query, value, false);
}

int cli_run_query(cli *cli) {
  cli_query query;
  cli_source source = {0};
  cli_text text = {0};
  cli_query_init(&query, cli);
  query.explain = cli_args_flag(&cli->args, "explain");
  int code = cli_query_want_timeout(cli, &query.timeout_ms);
  if (code == CLI_DONE) code = want_source(cli, &text, &source);
  if (code == CLI_DONE) {
    query.single = !source.name;
    add_parameters(cli, &query);
    /* The plan of a write needs what a write needs. */
    code = cli_query_open(&query, rem_sql_writes(source.text, source.size) ? REM_WRITE : REM_READ);
  }
  if (code == CLI_DONE) code = query.single ? cli_query_run(&query, &source, 0, source.size) : cli_query_run_script(&query, &source);
  cli_query_free(&query);
  cli_text_free(&text);
  return code;
}
