/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db shell: statements typed, or piped in, until the end.
 *
 *   a line -> a dot command (shell_command.c), or one more line of the statement -> each whole statement runs (query.h)
 *
 * On a terminal an error is reported and the shell goes on, lines are edited and remembered (shell_edit.h), and the database is
 * held for writing only while a statement writes or a transaction is open. Piped in, it is a script: the first error ends it.
 */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

#include "query.h"

struct shell_edit;

typedef struct shell {
  cli *cli;
  cli_query query;
  bool terminal;
  bool timer;
  bool done;      /* .quit */
  int depth;      /* of .read */
  cli_text typed; /* the statement so far */
} shell;

/* One line, without its end: CLI_DONE, or the exit code of a failure that was reported. */
int shell_feed(shell *s, const char *line, size_t size);
/* Runs what was typed although its semicolon is missing: the input is at its end. */
int shell_finish(shell *s);
/* Runs one statement, opening the database as it needs. */
int shell_run(shell *s, const cli_source *source, size_t at, size_t size);

/* Closes a database that is open for writing, unless a transaction or script is going on: others wait for it while the shell waits for a line. */
int shell_let_go(shell *s);

/* `line` begins with a dot. */
int shell_command(shell *s, const char *line);
/* The `index`th dot command, as ".tables"; NULL past the last. */
const char *shell_command_name(size_t index);

/* Tables and columns as rem_session_tables_json() gives them; NULL when it cannot be had. Owned: json_decref(). */
json_t *shell_tables(shell *s);

/* Words that may stand at the cursor, each once, sorted. */
typedef struct shell_words {
  char **items; /* owned */
  size_t count;
  size_t typed_size; /* bytes before the cursor that they complete */
} shell_words;
/* `text` is the statement with the line that is being typed, `cursor` a byte of it. */
void shell_complete(shell *s, const char *text, size_t size, size_t cursor, shell_words *ret_words);
void shell_words_free(shell_words *words);

#endif
