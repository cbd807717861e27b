/* SPDX-License-Identifier: Apache-2.0 */
/* db help, db version, db completion: what the program says about itself, all from the command table. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

static void print_options(const char *heading, const cli_option *options) {
  if (!options || !options->name)
    return;
  printf("\n%s:\n", heading);
  for (const cli_option *o = options; o->name; o++) {
    char left[80];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-28s %s\n", left, o->help);
    if (o->synonym) printf("  %-28s (--%s means the same)\n", "", o->synonym);
  }
}

static void print_indented(const char *heading, const char *lines) {
  if (!lines)
    return;
  printf("\n%s:\n", heading);
  for (const char *line = lines; *line;) {
    size_t size = strcspn(line, "\n");
    printf("  %.*s\n", (int)size, line);
    line += size + (line[size] == '\n');
  }
}

void cli_help_print(const cli_command *command) {
  printf("usage: db %s%s%s [options]\n\n%s\n", command->name, command->synopsis[0] ? " " : "", command->synopsis,
         command->summary);
  if (command->details) printf("%s\n", command->details);
  print_options("options", command->options);
  print_options("global options", cli_global_options);
  print_indented("examples", command->examples);
}

void cli_help_print_overview(void) {
  puts("usage: db COMMAND [arguments] [options]\n\n"
       "An embedded database for AI memory: resources, entities and moments.\n\ncommands:");
  for (const cli_command *c = cli_commands; c->name; c++)
    printf("  %-14s %s\n", c->name, c->summary);
  print_options("global options", cli_global_options);
  puts("\nexit codes: 0 done, 1 error, 2 usage, 3 not found, 4 locked or conflict, 5 model or provider,\n"
       "            6 corruption, 130 and 143 by signal\n\n"
       "db help COMMAND says more about one command.");
}

void cli_help_print_group(const char *group) {
  size_t size = strlen(group);
  printf("usage: db %s COMMAND [arguments] [options]\n\ncommands:\n", group);
  for (const cli_command *c = cli_commands; c->name; c++)
    if (strncmp(c->name, group, size) == 0 && c->name[size] == ' ')
      printf("  %-28s %s\n", c->name, c->summary);
}

static bool is_group(const char *word) {
  size_t size = strlen(word);
  for (const cli_command *c = cli_commands; c->name; c++)
    if (strncmp(c->name, word, size) == 0 && c->name[size] == ' ')
      return true;
  return false;
}

int cli_run_help(cli *cli) {
  cli_text name = {0};
  for (size_t i = 0; i < cli->args.word_count; i++)
    cli_text_printf(&name, "%s%s", i ? " " : "", cli->args.words[i]);
  const cli_command *found = NULL;
  for (const cli_command *c = cli_commands; c->name && name.size; c++)
    if (strcmp(c->name, name.data) == 0) found = c;
  int code = CLI_DONE;
  if (!name.size)
    cli_help_print_overview();
  else if (found)
    cli_help_print(found);
  else if (is_group(name.data))
    cli_help_print_group(name.data);
  else
    code = cli_fail_usage(cli, "db help lists the commands", "there is no command '%s'", name.data);
  cli_text_free(&name);
  return code;
}

int cli_run_version(cli *cli) {
  int code = cli_want_words(cli, 0, 0);
  if (code)
    return code;
  if (cli->format == CLI_TABLE) {
    cli_print_line(cli, "db %s", rem_version());
    return CLI_DONE;
  }
  rem_error err = {0};
  rem_bytes json = {0};
  if (rem_version_json(&json, &err) < 0)
    return cli_fail(cli, &err);
  cli_print_object(cli, json.data, json.size);
  rem_bytes_free(&json);
  return CLI_DONE;
}

/* ------------------------------------------------------------------------------------------- */

/* The first words of commands, each once. */
static void print_first_words(void) {
  const char *last = "";
  for (const cli_command *c = cli_commands; c->name; c++) {
    size_t size = strcspn(c->name, " ");
    if (strncmp(c->name, last, size) != 0 || last[size] != ' ') printf("%.*s ", (int)size, c->name);
    last = c->name;
  }
}

static void print_option_words(const cli_option *options) {
  for (const cli_option *o = options; o && o->name; o++)
    printf("--%s ", o->name);
}

static void print_bash_cases(void) {
  for (const cli_command *c = cli_commands; c->name; c++) {
    const char *space = strchr(c->name, ' ');
    if (space && (c == cli_commands || strncmp(c[-1].name, c->name, (size_t)(space - c->name) + 1) != 0)) {
      printf("    %.*s) words=\"", (int)(space - c->name), c->name);
      for (const cli_command *s = c; s->name && strncmp(s->name, c->name, (size_t)(space - c->name) + 1) == 0; s++)
        printf("%s ", strchr(s->name, ' ') + 1);
      puts("\" ;;");
    }
    if (!space && c->options) {
      printf("    %s) options=\"$options ", c->name);
      print_option_words(c->options);
      puts("\" ;;");
    }
  }
}

static void print_bash(void) {
  fputs("_db_complete() {\n  local current=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\" options=\"", stdout);
  print_option_words(cli_global_options);
  fputs("\"\n  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"", stdout);
  print_first_words();
  puts("\"; fi\n  case \"${COMP_WORDS[1]}\" in");
  print_bash_cases();
  puts("  esac\n"
       "  case \"$current\" in -*) words=\"$options\" ;; esac\n"
       "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
       "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$current\"))\n"
       "}\ncomplete -F _db_complete db rem");
}

static void print_zsh(void) {
  puts("#compdef db rem\nautoload -U +X bashcompinit && bashcompinit");
  print_bash();
}

/* A word in single quotes for fish. */
static void print_fish_text(const char *text) {
  putchar('\'');
  for (; *text; text++) {
    if (*text == '\'' || *text == '\\') putchar('\\');
    putchar(*text);
  }
  putchar('\'');
}

static void print_fish_options(const cli_option *options, const char *command) {
  for (const cli_option *o = options; o && o->name; o++) {
    fputs("complete -c db", stdout);
    if (command) printf(" -n '__fish_seen_subcommand_from %s'", command);
    printf(" -l %s%s -d ", o->name, o->value ? " -r" : "");
    print_fish_text(o->help);
    putchar('\n');
  }
}

static void print_fish(void) {
  print_fish_options(cli_global_options, NULL);
  for (const cli_command *c = cli_commands; c->name; c++) {
    const char *space = strchr(c->name, ' ');
    if (space)
      printf("complete -c db -n '__fish_seen_subcommand_from %.*s' -a %s -d ", (int)(space - c->name), c->name, space + 1);
    else
      printf("complete -c db -n __fish_use_subcommand -a %s -d ", c->name);
    print_fish_text(c->summary);
    putchar('\n');
    if (space)
      printf("complete -c db -n __fish_use_subcommand -a %.*s\n", (int)(space - c->name), c->name);
    else
      print_fish_options(c->options, c->name);
  }
  puts("complete -c rem -w db");
}

int cli_run_completion(cli *cli) {
  int code = cli_want_words(cli, 1, 1);
  if (code)
    return code;
  const char *shell = cli->args.words[0];
  if (strcmp(shell, "bash") == 0)
    print_bash();
  else if (strcmp(shell, "zsh") == 0)
    print_zsh();
  else if (strcmp(shell, "fish") == 0)
    print_fish();
  else
    return cli_fail_usage(cli, NULL, "completion is for bash, zsh or fish, not '%.100s'", shell);
  return CLI_DONE;
}
