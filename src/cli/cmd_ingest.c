/* SPDX-License-Identifier: Apache-2.0 */
/* db ingest: documents into files and resources. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "progress.h"

/* Adds up the results of several paths: integers are summed, lists joined. */
static void merge(json_t *total, const json_t *part) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)part, name, value) {
    json_t *known = json_object_get(total, name);
    if (json_is_integer(value))
      json_object_set_new(total, name, json_integer(json_integer_value(known) + json_integer_value(value)));
    else if (json_is_array(known) && json_is_array(value))
      json_array_extend(known, value);
    else
      json_object_set_new(total, name, json_deep_copy(value));
  }
}

static int ingest(cli *cli, const char *path, const rem_ingest_options *options, json_t *total) {
  rem_error err = {0};
  rem_job *job = NULL;
  if (rem_ingest(cli->db, path, options, &job, &err) < 0)
    return cli_fail(cli, &err);
  rem_bytes json = {0};
  int code = cli_job_run(cli, job, "files", &json);
  json_t *part = json.data ? json_loadb(json.data, json.size, 0, NULL) : NULL;
  merge(total, part);
  json_decref(part);
  rem_bytes_free(&json);
  return code;
}

static long long count_of(const json_t *total, const char *name) {
  return (long long)json_integer_value(json_object_get(total, name));
}

static void print_errors(cli *cli, const json_t *total) {
  size_t index;
  json_t *item;
  json_array_foreach(json_object_get(total, "errors"), index, item) {
    const char *uri = json_string_value(json_object_get(item, "uri"));
    const char *message = json_string_value(json_object_get(item, "message"));
    cli_fail_with(cli, REM_INVALID, NULL, "%s: %s", uri ? uri : "?", message ? message : "failed");
  }
}

static void print_total(cli *cli, const json_t *total) {
  print_errors(cli, total);
  cli->row_count = count_of(total, "chunks");
  if (cli->format == CLI_TABLE) {
    cli_print_line(cli, "%lld files, %lld chunks, %lld skipped, %lld failed, %lld removed", count_of(total, "files"),
                   count_of(total, "chunks"), count_of(total, "skipped"), count_of(total, "failed"),
                   count_of(total, "removed"));
  } else {
    char *text = json_dumps(total, JSON_COMPACT);
    if (text) cli_print_object(cli, text, strlen(text));
    free(text);
  }
  if (count_of(total, "pending"))
    cli_notice_pending(cli, "%lld chunks are stored without their embedding", count_of(total, "pending"));
}

static int ingest_all(cli *cli, const char *option, const rem_ingest_options *options, json_t *total) {
  const char *path;
  int code = CLI_DONE;
  for (size_t i = 0; code == CLI_DONE && (path = cli_args_nth(&cli->args, option, i)); i++)
    code = ingest(cli, path, options, total);
  return code;
}

int cli_run_ingest(cli *cli) {
  const cli_args *args = &cli->args;
  int code = cli_want_words(cli, 0, SIZE_MAX);
  if (code == CLI_DONE && !args->word_count && !cli_args_flag(args, "file") && !cli_args_flag(args, "folder"))
    return cli_fail_usage(cli, "for example: db ingest --folder docs", "'db ingest' needs --file PATH or --folder PATH");
  if (code == CLI_DONE) code = cli_open(cli, REM_WRITE);
  if (code)
    return code;
  rem_ingest_options options;
  rem_ingest_options_init(&options);
  options.category = cli_args_value(args, "category");
  options.force = cli_args_flag(args, "force");
  options.prune = cli_args_flag(args, "prune");
  json_t *total = json_pack("{sisisisisis[]}", "files", 0, "chunks", 0, "skipped", 0, "failed", 0, "removed", 0,
                            "errors");
  code = ingest_all(cli, "file", &options, total);
  if (code == CLI_DONE) code = ingest_all(cli, "folder", &options, total);
  for (size_t i = 0; code == CLI_DONE && i < args->word_count; i++)
    code = ingest(cli, args->words[i], &options, total);
  print_total(cli, total);
  if (code == CLI_DONE && count_of(total, "failed")) code = CLI_ERROR;
  json_decref(total);
  return code;
}
