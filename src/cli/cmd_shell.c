/* SPDX-License-Identifier: Apache-2.0 */
/* db shell: the loop over lines. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "command.h"
#include "output.h"
#include "shell.h"
#include "shell_edit.h"
#include "signals.h"

/* A statement longer than the library takes need not be collected. */
#define STATEMENT_SIZE_MAX ((size_t)8 << 20)

static bool begins_with(const char *text, size_t size, const char *word) {
  size_t length = strlen(word);
  while (size > 0 && isspace((unsigned char)*text)) {
    text++;
    size--;
  }
  return size >= length && strncasecmp(text, word, length) == 0 && (size == length || !isalnum((unsigned char)text[length]));
}

static int open_for(shell *s, const char *text, size_t size) {
  cli_query *query = &s->query;
  bool transaction = query->session && rem_session_in_transaction(query->session);
  bool writes = rem_sql_writes(text, size) || begins_with(text, size, "BEGIN") || begins_with(text, size, "SAVEPOINT");
  if (transaction)
    return CLI_DONE;
  /* A script that has written will write again. */
  if ((!s->terminal || s->depth > 0) && query->session && query->mode == REM_WRITE)
    return CLI_DONE;
  bool reads_again = query->session && query->mode == REM_READ && !writes;
  int code = cli_query_open(query, writes ? REM_WRITE : REM_READ);
  rem_error err = {0};
  if (code == CLI_DONE && reads_again && rem_refresh(s->cli->db, &err) < 0) code = cli_fail(s->cli, &err);
  return code;
}

int shell_let_go(shell *s) {
  bool held = s->terminal && s->depth == 0 && s->query.session && s->query.mode == REM_WRITE && !rem_session_in_transaction(s->query.session);
  return held ? cli_query_open(&s->query, REM_READ) : CLI_DONE;
}

int shell_run(shell *s, const cli_source *source, size_t at, size_t size) {
  cli *cli = s->cli;
  int64_t begun = cli_now_us();
  int code = open_for(s, source->text + at, size);
  if (code == CLI_DONE) code = cli_query_run(&s->query, source, at, size);
  if (s->timer) {
    fflush(stdout);
    fprintf(stderr, "time: %.1f ms", (double)(cli_now_us() - begun) / 1000.0);
    if (cli->row_count >= 0) fprintf(stderr, ", %lld row%s", (long long)cli->row_count, cli->row_count == 1 ? "" : "s");
    fputc('\n', stderr);
  }
  int failure = shell_let_go(s);
  fflush(stdout);
  return code == CLI_DONE ? failure : code;
}

static bool is_blank(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!isspace((unsigned char)text[i]))
      return false;
  return true;
}

/* Runs the whole statements among what was typed, and keeps the rest. */
static int run_typed(shell *s) {
  int code = CLI_DONE;
  size_t at = 0, size;
  cli_source source = {NULL, s->typed.data, s->typed.size};
  while (code == CLI_DONE && (size = rem_sql_statement_size(source.text + at, source.size - at)) > 0) {
    code = shell_run(s, &(cli_source){NULL, source.text + at, size}, 0, size);
    at += size;
  }
  if (at == source.size || is_blank(source.text + at, source.size - at) || code != CLI_DONE) {
    cli_text_clear(&s->typed);
    return code;
  }
  char *rest = cli_copy(source.text + at, source.size - at);
  cli_text_clear(&s->typed);
  cli_text_append_string(&s->typed, rest);
  free(rest);
  return code;
}

/* Words that newcomers try. */
static const char *plain_command(const char *line, size_t size) {
  static const char *const words[][2] = {{"help", ".help"}, {"quit", ".quit"}, {"exit", ".quit"}};
  while (size > 0 && (isspace((unsigned char)line[size - 1]) || line[size - 1] == ';'))
    size--;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strlen(words[i][0]) == size && strncasecmp(line, words[i][0], size) == 0)
      return words[i][1];
  return NULL;
}

int shell_feed(shell *s, const char *line, size_t size) {
  const char *plain = s->typed.size == 0 ? plain_command(line, size) : NULL;
  if (plain)
    return shell_command(s, plain);
  if (s->typed.size == 0 && size > 0 && line[0] == '.') {
    char *copy = cli_copy(line, size);
    int code = shell_command(s, copy);
    free(copy);
    return code;
  }
  if (s->typed.size == 0 && is_blank(line, size))
    return CLI_DONE;
  cli_text_append(&s->typed, line, size);
  cli_text_append_byte(&s->typed, '\n');
  if (s->typed.size > STATEMENT_SIZE_MAX) {
    cli_text_clear(&s->typed);
    return cli_fail_with(s->cli, REM_LIMIT, NULL, "the statement is longer than 8 MiB");
  }
  /* Only a line with a semicolon can end a statement. */
  return memchr(line, ';', size) ? run_typed(s) : CLI_DONE;
}

int shell_finish(shell *s) {
  int code = CLI_DONE;
  if (!is_blank(s->typed.data ? s->typed.data : "", s->typed.size)) {
    cli_source source = {NULL, s->typed.data, s->typed.size};
    code = shell_run(s, &source, 0, source.size);
  }
  cli_text_clear(&s->typed);
  return code;
}

/* ------------------------------------------------------------------------------------------- */

static shell_input read_plain(cli_text *line) {
  char *data = NULL;
  size_t capacity = 0;
  ssize_t size = getline(&data, &capacity, stdin);
  cli_text_clear(line);
  if (size > 0) cli_text_append(line, data, (size_t)size);
  free(data);
  return cli_signal_received() ? SHELL_INTERRUPTED : size > 0 ? SHELL_LINE : SHELL_END;
}

static int run_pipe(shell *s) {
  cli_text line = {0};
  int code = CLI_DONE;
  shell_input input = SHELL_LINE;
  while (code == CLI_DONE && !s->done && !cli_output_broken() && (input = read_plain(&line)) == SHELL_LINE) {
    size_t size = line.size - (line.data[line.size - 1] == '\n');
    code = shell_feed(s, line.data, size);
  }
  if (input == SHELL_INTERRUPTED) code = cli_stopped(s->cli);
  if (code == CLI_DONE && !s->done) code = shell_finish(s);
  cli_text_free(&line);
  return code;
}

static shell_input read_line(shell *s, shell_edit *edit, cli_text *line) {
  const char *prompt = s->typed.size ? "...> " : s->query.session && rem_session_in_transaction(s->query.session) ? "db*> " : "db> ";
  if (edit)
    return shell_edit_read(edit, prompt, line);
  fputs(prompt, stdout);
  fflush(stdout);
  return read_plain(line);
}

/* After Ctrl-C: the line or the statement is gone, the shell goes on. False: it was asked to end. */
static bool go_on(shell *s) {
  if (cli_signal_received() == SIGTERM)
    return false;
  cli_signals_reset();
  s->cli->stop_reported = false;
  cli_text_clear(&s->typed);
  return true;
}

static int run_terminal(shell *s, shell_edit *edit) {
  cli_text line = {0}, whole = {0};
  int code = CLI_DONE;
  while (!s->done) {
    shell_input input = read_line(s, edit, &line);
    if (input == SHELL_END)
      break;
    if (input == SHELL_INTERRUPTED) {
      puts("^C");
      cli_text_clear(&whole);
      if (!go_on(s))
        break;
      continue;
    }
    size_t size = line.size - (line.size > 0 && line.data[line.size - 1] == '\n');
    cli_text_append(&whole, line.data, size);
    (void)shell_feed(s, line.data, size);
    if (s->typed.size) {
      cli_text_append_byte(&whole, '\n');
    } else {
      if (edit && !is_blank(whole.data ? whole.data : "", whole.size)) shell_edit_remember(edit, whole.data);
      cli_text_clear(&whole);
    }
    if (cli_signal_received() && !go_on(s))
      break;
  }
  if (cli_signal_received()) code = cli_stopped(s->cli);
  if (!s->done) putchar('\n');
  cli_text_free(&line);
  cli_text_free(&whole);
  return code;
}

static int run_interactive(shell *s) {
  cli_text history = {0};
  const char *home = rem_config_get(s->cli->config, "P8_HOME");
  if (home) cli_text_printf(&history, "%s/shell_history", home);
  shell_edit *edit = shell_edit_open(s, history.data);
  if (!s->cli->quiet)
    fprintf(stderr, "db %s%s. A statement ends with a semicolon; .help says more.\n", rem_version(),
            edit ? "" : " (without line editing: libedit2 is not installed)");
  int code = run_terminal(s, edit);
  shell_edit_close(edit);
  cli_text_free(&history);
  return code;
}

int cli_run_shell(cli *cli) {
  shell s = {.cli = cli, .terminal = isatty(STDIN_FILENO) && cli->output_terminal, .timer = cli->timing};
  cli_query_init(&s.query, cli);
  cli->row_count = -1;
  int code = cli_want_words(cli, 0, 0);
  if (code == CLI_DONE) code = cli_query_want_timeout(cli, &s.query.timeout_ms);
  /* Now, so that a database that is not there is told before anything is typed. */
  if (code == CLI_DONE) code = cli_query_open(&s.query, REM_READ);
  if (code == CLI_DONE) code = s.terminal ? run_interactive(&s) : run_pipe(&s);
  cli_query_free(&s.query);
  cli_text_free(&s.typed);
  cli->row_count = -1;
  return code;
}
