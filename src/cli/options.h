/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as options and words. `--name value`, `--name=value`, flags without a value, `-h`, and
 * `--` after which everything is a word. Options may stand anywhere; one given twice is a list, and
 * a reader of a single value takes the last. Unknown options are an error with the nearest known name.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* One known option. A table of them ends with a NULL name. */
typedef struct cli_option {
  const char *name;    /* without the dashes */
  const char *synonym; /* a second name, or NULL */
  const char *value;   /* what the value is called in the help; NULL: a flag */
  const char *help;
} cli_option;

typedef struct cli_args {
  struct {
    const char *name; /* of the table, also when the synonym was given */
    const char *value; /* NULL for a flag; borrowed from argv */
  } *options;
  size_t option_count;
  const char **words; /* borrowed from argv */
  size_t word_count;
} cli_args;

/* The first word of the command line that is no option and no value of one of `options`; its position, or argc. */
int cli_args_first_word(int argc, char **argv, int from, const cli_option *options);

/* Parses argv[1..] except the positions in `skip` (the command's words) against two tables. False: `message` and
 * `hint` (each of `capacity` bytes) say what is wrong. Owned: cli_args_free(). */
bool cli_args_parse(int argc, char **argv, const int *skip, size_t skip_count, const cli_option *globals,
                    const cli_option *own, cli_args *ret_args, char *message, char *hint, size_t capacity);
void cli_args_free(cli_args *args);

bool cli_args_flag(const cli_args *args, const char *name);
/* The last value, borrowed from argv; NULL when it was not given. */
const char *cli_args_value(const cli_args *args, const char *name);
/* The `index`th value of a repeated option; NULL past the last. */
const char *cli_args_nth(const cli_args *args, const char *name, size_t index);

#endif
