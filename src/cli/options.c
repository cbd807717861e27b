/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"
#include "text.h"

static const cli_option *find(const cli_option *options, const char *name, size_t size) {
  for (const cli_option *o = options; o && o->name; o++) {
    bool same = strlen(o->name) == size && memcmp(o->name, name, size) == 0;
    bool synonym = o->synonym && strlen(o->synonym) == size && memcmp(o->synonym, name, size) == 0;
    if (same || synonym)
      return o;
  }
  return NULL;
}

static bool is_option(const char *argument) {
  return argument[0] == '-' && argument[1] != 0;
}

int cli_args_first_word(int argc, char **argv, int from, const cli_option *options) {
  for (int i = from; i < argc; i++) {
    if (!is_option(argv[i]))
      return i;
    if (strcmp(argv[i], "--") == 0)
      return argc;
    if (strncmp(argv[i], "--", 2) != 0 || strchr(argv[i], '='))
      continue;
    const cli_option *option = find(options, argv[i] + 2, strlen(argv[i] + 2));
    if (option && option->value) i++;
  }
  return argc;
}

/* The state of one parse. */
typedef struct parser {
  int argc, position;
  char **argv;
  const cli_option *globals, *own;
  cli_args *args;
  char *message, *hint;
  size_t capacity;
} parser;

static bool unknown_option(parser *p, const char *name, size_t size) {
  char text[128];
  snprintf(text, sizeof text, "%.*s", (int)(size < 100 ? size : 100), name);
  snprintf(p->message, p->capacity, "unknown option '--%s'", text);
  cli_suggestion best = cli_suggestion_start(text);
  for (const cli_option *o = p->own; o && o->name; o++)
    cli_suggestion_offer(&best, o->name);
  for (const cli_option *o = p->globals; o && o->name; o++)
    cli_suggestion_offer(&best, o->name);
  if (best.word) snprintf(p->hint, p->capacity, "did you mean --%s?", best.word);
  return false;
}

static void add_option(cli_args *args, const char *name, const char *value) {
  args->options = cli_reallocate(args->options, (args->option_count + 1) * sizeof *args->options);
  args->options[args->option_count].name = name;
  args->options[args->option_count++].value = value;
}

static bool take_option(parser *p) {
  const char *argument = p->argv[p->position];
  if (strcmp(argument, "-h") == 0) {
    add_option(p->args, "help", NULL);
    return true;
  }
  if (strncmp(argument, "--", 2) != 0) {
    snprintf(p->message, p->capacity, "unknown option '%.100s'", argument);
    snprintf(p->hint, p->capacity, "options begin with two dashes; put '--' before a value that begins with one");
    return false;
  }
  const char *name = argument + 2, *equals = strchr(name, '=');
  size_t size = equals ? (size_t)(equals - name) : strlen(name);
  const cli_option *option = find(p->own, name, size);
  if (!option) option = find(p->globals, name, size);
  if (!option)
    return unknown_option(p, name, size);
  if (!option->value && equals) {
    snprintf(p->message, p->capacity, "option '--%s' takes no value", option->name);
    return false;
  }
  const char *value = equals ? equals + 1 : NULL;
  if (option->value && !equals) {
    if (p->position + 1 >= p->argc) {
      snprintf(p->message, p->capacity, "option '--%s' needs a value: %s", option->name, option->value);
      return false;
    }
    value = p->argv[++p->position];
  }
  add_option(p->args, option->name, value);
  return true;
}

static bool skipped(int position, const int *skip, size_t skip_count) {
  for (size_t i = 0; i < skip_count; i++)
    if (skip[i] == position)
      return true;
  return false;
}

bool cli_args_parse(int argc, char **argv, const int *skip, size_t skip_count, const cli_option *globals,
                    const cli_option *own, cli_args *ret_args, char *message, char *hint, size_t capacity) {
  parser p = {argc, 1, argv, globals, own, ret_args, message, hint, capacity};
  message[0] = hint[0] = 0;
  *ret_args = (cli_args){.words = cli_allocate(sizeof(char *) * (size_t)(argc + 1))};
  bool only_words = false;
  for (; p.position < argc; p.position++) {
    if (skipped(p.position, skip, skip_count))
      continue;
    const char *argument = argv[p.position];
    if (!only_words && strcmp(argument, "--") == 0) {
      only_words = true;
    } else if (only_words || !is_option(argument)) {
      ret_args->words[ret_args->word_count++] = argument;
    } else if (!take_option(&p)) {
      return false;
    }
  }
  return true;
}

void cli_args_free(cli_args *args) {
  free(args->options);
  free(args->words);
  *args = (cli_args){0};
}

const char *cli_args_nth(const cli_args *args, const char *name, size_t index) {
  for (size_t i = 0; i < args->option_count; i++)
    if (strcmp(args->options[i].name, name) == 0 && index-- == 0)
      return args->options[i].value;
  return NULL;
}

const char *cli_args_value(const cli_args *args, const char *name) {
  const char *value = NULL;
  for (size_t i = 0; i < args->option_count; i++)
    if (strcmp(args->options[i].name, name) == 0)
      value = args->options[i].value;
  return value;
}

bool cli_args_flag(const cli_args *args, const char *name) {
  for (size_t i = 0; i < args->option_count; i++)
    if (strcmp(args->options[i].name, name) == 0)
      return true;
  return false;
}
