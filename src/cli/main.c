/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command, parses its options, runs it, closes in order. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "output.h"
#include "signals.h"
#include "suggest.h"

/* The words of the command line that name the command. */
typedef struct naming {
  int positions[2];
  size_t count;
  const cli_command *command;
} naming;

static const cli_command *find_command(const char *first, const char *second) {
  for (const cli_command *c = cli_commands; c->name; c++) {
    size_t size = strlen(first);
    if (strncmp(c->name, first, size) != 0)
      continue;
    if (c->name[size] == 0 && !second)
      return c;
    if (c->name[size] == ' ' && second && strcmp(c->name + size + 1, second) == 0)
      return c;
  }
  return NULL;
}

static bool is_group(const char *word) {
  size_t size = strlen(word);
  for (const cli_command *c = cli_commands; c->name; c++)
    if (strncmp(c->name, word, size) == 0 && c->name[size] == ' ')
      return true;
  return false;
}

static int unknown_command(cli *cli, const char *word) {
  if (cli_command_is_later(word))
    return cli_fail_usage(cli, "db help lists the commands of this version", "the command '%s' is not in this version",
                          word);
  cli_suggestion best = cli_suggestion_start(word);
  for (const cli_command *c = cli_commands; c->name; c++)
    cli_suggestion_offer(&best, c->name);
  if (!best.word) cli_suggestion_offer(&best, "schema");
  if (!best.word) cli_suggestion_offer(&best, "model");
  cli_text hint = {0};
  if (best.word)
    cli_text_printf(&hint, "did you mean 'db %s'?", best.word);
  else
    cli_text_append_string(&hint, "db help lists the commands");
  int code = cli_fail_usage(cli, hint.data, "unknown command '%.100s'", word);
  cli_text_free(&hint);
  return code;
}

static int unknown_member(cli *cli, const char *group, const char *word) {
  cli_text typed = {0}, hint = {0};
  cli_text_printf(&typed, "%s %s", group, word);
  cli_suggestion best = cli_suggestion_start(typed.data);
  for (const cli_command *c = cli_commands; c->name; c++)
    if (strncmp(c->name, group, strlen(group)) == 0) cli_suggestion_offer(&best, c->name);
  cli_text_printf(&hint, best.word ? "did you mean 'db %s'?" : "db help %s lists its commands",
                  best.word ? best.word : group);
  int code = cli_fail_usage(cli, hint.data, "unknown command '%s %.100s'", group, word);
  cli_text_free(&typed);
  cli_text_free(&hint);
  return code;
}

/* Whether an option stands on the command line, before it is parsed. */
static bool has_option(int argc, char **argv, const char *name, const char *short_name) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], name) == 0 || (short_name && strcmp(argv[i], short_name) == 0))
      return true;
  return false;
}

/* CLI_DONE with the command found; or with none, when something else was printed; or an exit code. */
static int name_command(cli *cli, int argc, char **argv, naming *ret_naming) {
  int first = cli_args_first_word(argc, argv, 1, cli_global_options);
  if (first == argc) {
    if (has_option(argc, argv, "--version", NULL)) {
      printf("db %s\n", rem_version());
      return CLI_DONE;
    }
    bool help = has_option(argc, argv, "--help", "-h");
    if (!help && argc > 1)
      return cli_fail_usage(cli, "db help lists the commands", "a command is missing");
    cli_help_print_overview();
    return help ? CLI_DONE : CLI_USAGE;
  }
  ret_naming->positions[ret_naming->count++] = first;
  ret_naming->command = find_command(argv[first], NULL);
  if (ret_naming->command)
    return CLI_DONE;
  if (!is_group(argv[first]))
    return unknown_command(cli, argv[first]);
  int second = cli_args_first_word(argc, argv, first + 1, cli_global_options);
  if (second == argc) {
    cli_help_print_group(argv[first]);
    return has_option(argc, argv, "--help", "-h") ? CLI_DONE : CLI_USAGE;
  }
  ret_naming->positions[ret_naming->count++] = second;
  ret_naming->command = find_command(argv[first], argv[second]);
  return ret_naming->command ? CLI_DONE : unknown_member(cli, argv[first], argv[second]);
}

static int set_format(cli *cli) {
  static const struct {
    const char *name;
    cli_format format;
  } names[] = {{"table", CLI_TABLE}, {"json", CLI_JSON}, {"jsonl", CLI_JSONL}, {"csv", CLI_CSV}};
  const char *text = cli_args_value(&cli->args, "format");
  if (cli_args_flag(&cli->args, "json")) {
    cli->format = CLI_JSON;
    cli->json_asked = true;
  }
  if (!text)
    return CLI_DONE;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i].name, text) == 0) {
      cli->format = names[i].format;
      cli->json_asked = cli_wants_json(cli);
      return CLI_DONE;
    }
  return cli_fail_usage(cli, NULL, "option '--format' is table, json, jsonl or csv, not '%.100s'", text);
}

static int set_globals(cli *cli) {
  cli->quiet = cli_args_flag(&cli->args, "quiet");
  cli->timing = cli_args_flag(&cli->args, "timing");
  const char *durability = cli_args_value(&cli->args, "durability");
  int code = set_format(cli);
  if (code == CLI_DONE && durability && strcmp(durability, "sync") != 0 && strcmp(durability, "os") != 0)
    code = cli_fail_usage(cli, NULL, "option '--durability' is sync or os, not '%.100s'", durability);
  return code;
}

static int run(cli *cli, int argc, char **argv) {
  naming naming = {0};
  int code = name_command(cli, argc, argv, &naming);
  cli->command = naming.command;
  if (code || !naming.command)
    return code;
  char message[512], hint[512];
  bool parsed = cli_args_parse(argc, argv, naming.positions, naming.count, cli_global_options, cli->command->options,
                               &cli->args, message, hint, sizeof message);
  if (!parsed)
    return cli_fail_usage(cli, hint, "%s", message);
  if (cli_args_flag(&cli->args, "help")) {
    cli_help_print(cli->command);
    return CLI_DONE;
  }
  code = set_globals(cli);
  return code ? code : cli->command->run(cli);
}

int main(int argc, char **argv) {
  cli cli = {.started_us = cli_now_us(), .row_count = -1};
  cli.output_terminal = isatty(STDOUT_FILENO);
  cli.error_terminal = isatty(STDERR_FILENO);
  cli.format = cli.output_terminal ? CLI_TABLE : CLI_JSON;
  /* Before the options are parsed, for the errors of parsing them. */
  cli.json_asked = has_option(argc, argv, "--json", NULL);
  cli_signals_install();
  int code = run(&cli, argc, argv);
  code = cli_close(&cli, code);
  code = cli_output_finish(&cli, code);
  if (cli.command) cli_report_time(&cli);
  return code;
}
