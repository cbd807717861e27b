/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "signals.h"

/* A document of more than this is refused by the library too (rem_put: 64 MiB a row). */
#define DOCUMENT_SIZE_MAX ((size_t)64 << 20)

rem_status cli_config(cli *cli, rem_error *err) {
  if (cli->config)
    return REM_OK;
  rem_status status = rem_config_load(&cli->config, err);
  const char *tenant = cli_args_value(&cli->args, "tenant");
  if (status == REM_OK && tenant) status = rem_config_set(cli->config, "P8_DEFAULT_TENANT", tenant, err);
  return status;
}

static rem_status open_database(cli *cli, rem_mode mode, rem_error *err) {
  rem_status status = cli_config(cli, err);
  if (status != REM_OK)
    return status;
  rem_bytes path = {0};
  status = rem_resolve(cli->config, cli_args_value(&cli->args, "db"), &path, err);
  if (status != REM_OK)
    return status;
  rem_open_options options;
  rem_open_options_init(&options);
  options.mode = mode;
  options.config = cli->config;
  options.tenant = cli_args_value(&cli->args, "tenant");
  const char *durability = cli_args_value(&cli->args, "durability");
  if (durability) options.durability = strcmp(durability, "os") == 0 ? REM_OS : REM_SYNC;
  status = rem_open(path.data, &options, &cli->db, err);
  rem_bytes_free(&path);
  return status;
}

int cli_open(cli *cli, rem_mode mode) {
  rem_error err = {0};
  if (open_database(cli, mode, &err) != REM_OK)
    return cli_fail(cli, &err);
  cli_signals_watch(cli->db);
  return CLI_DONE;
}

static void tell_notices(cli *cli) {
  rem_bytes text = {0};
  while (rem_notice(cli->db, &text, NULL) == REM_OK) {
    cli_notice(cli, "%s", text.data);
    rem_bytes_free(&text);
  }
}

static int close_database(cli *cli) {
  rem_error err = {0};
  int code = CLI_DONE;
  if (cli->db) {
    /* While a signal still ends it; after one, the index is left to the next writer. */
    if (rem_checkpoint(cli->db, &err) < 0) err = (rem_error){0};
    tell_notices(cli);
  }
  cli_signals_watch(NULL);
  if (cli->db) {
    if (rem_close(cli->db, &err) < 0) code = cli_fail(cli, &err);
  }
  cli->db = NULL;
  return code;
}

int cli_reopen(cli *cli, rem_mode mode) {
  int code = close_database(cli);
  return code == CLI_DONE ? cli_open(cli, mode) : code;
}

int cli_close(cli *cli, int code) {
  json_decref(cli->schemas);
  cli->schemas = NULL;
  int failure = close_database(cli);
  if (code == CLI_DONE) code = failure;
  rem_config_free(cli->config);
  cli->config = NULL;
  cli_args_free(&cli->args);
  return code;
}

/* ------------------------------------------------------------------------------------------- */

int cli_want_words(cli *cli, size_t least, size_t most) {
  size_t count = cli->args.word_count;
  if (count >= least && count <= most)
    return CLI_DONE;
  char hint[256];
  snprintf(hint, sizeof hint, "usage: db %s %s", cli->command->name, cli->command->synopsis);
  if (count < least)
    return cli_fail_usage(cli, hint, "'db %s' needs %s", cli->command->name,
                          least == 1 ? "an argument" : "more arguments");
  return cli_fail_usage(cli, hint, "'db %s' does not take the argument '%.200s'", cli->command->name,
                        cli->args.words[most]);
}

int cli_want_integer(cli *cli, const char *name, int64_t least, int64_t most, int64_t *value) {
  const char *text = cli_args_value(&cli->args, name);
  if (!text)
    return CLI_DONE;
  char *end = NULL;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  if (errno || end == text || *end || number < least || number > most)
    return cli_fail_usage(cli, NULL, "option '--%s' needs a whole number of at least %lld, not '%.100s'", name,
                          (long long)least, text);
  *value = number;
  return CLI_DONE;
}

int cli_want_slot(cli *cli, int64_t *slot) {
  const char *text = cli_args_value(&cli->args, "slot");
  if (!text || strcmp(text, "main") == 0)
    return CLI_DONE;
  if (strcmp(text, "alt") != 0)
    return cli_fail_usage(cli, NULL, "option '--slot' is main or alt, not '%.100s'", text);
  *slot = REM_EMBEDDING_ALT;
  return CLI_DONE;
}

static int read_input(cli *cli, cli_text *text) {
  char chunk[65536];
  for (;;) {
    ssize_t count = read(STDIN_FILENO, chunk, sizeof chunk);
    if (count == 0)
      return CLI_DONE;
    if (cli_signal_received())
      return cli_stopped(cli);
    if (count < 0 && errno != EINTR)
      return cli_fail_with(cli, REM_IO, NULL, "cannot read standard input: %s", strerror(errno));
    if (count > 0) cli_text_append(text, chunk, (size_t)count);
    if (text->size > DOCUMENT_SIZE_MAX)
      return cli_fail_with(cli, REM_LIMIT, NULL, "the document on standard input is larger than 64 MiB");
  }
}

int cli_want_document(cli *cli, const char *argument, cli_text *ret_text) {
  if (strcmp(argument, "-") == 0)
    return read_input(cli, ret_text);
  cli_text_append_string(ret_text, argument);
  return CLI_DONE;
}
