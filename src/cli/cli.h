/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: the command line of the REM database, a client of rem.h and nothing else of the library.
 *
 * A run is one `cli`: main() finds the command, parses its options, calls its function, closes what it opened
 * and gives its exit code. Data go to stdout (output.h), everything else to stderr (here). Commands read
 * with REM_READ and write with REM_WRITE; nothing is opened before a command asks for it, so that a cold lookup
 * costs what a lookup costs.
 */
#ifndef CLI_H
#define CLI_H

#include <jansson.h>
#include <rem.h>

#include "options.h"
#include "text.h"

typedef enum cli_exit {
  CLI_DONE = 0,
  CLI_ERROR = 1,
  CLI_USAGE = 2,
  CLI_NOT_FOUND = 3,
  CLI_LOCKED = 4, /* locked, or a conflict */
  CLI_MODEL = 5,  /* model missing, or a provider failed */
  CLI_CORRUPT = 6,
  CLI_SIGNAL = 128, /* plus the signal's number */
} cli_exit;

typedef enum cli_format { CLI_TABLE, CLI_JSON, CLI_JSONL, CLI_CSV } cli_format;

struct cli_command;

typedef struct cli {
  const struct cli_command *command;
  cli_args args;
  cli_format format;
  bool json_asked; /* by option: errors and notices are JSON too */
  bool quiet, timing;
  bool stop_reported; /* a signal is told once, however many calls it ends */
  bool output_terminal, error_terminal;
  rem_config *config; /* NULL until cli_config() */
  rem_db *db;         /* NULL until cli_open() */
  json_t *schemas;    /* those asked for so far, by table; see entity.h */
  int64_t started_us;
  int64_t row_count; /* what the timing line says; -1: no such line */
  size_t array_count; /* items of the JSON array being printed; see output.h */
} cli;

/* ------------------------------------------------------------------------------------------- */
/* Reports: one line on stderr, for people or as JSON. Those that return an int return the exit code. */

int cli_fail(cli *cli, const rem_error *err);
/* Where a text that was given came from, for errors at a byte of it. */
typedef struct cli_source {
  const char *name; /* of the file; NULL: none */
  const char *text; /* borrowed */
  size_t size;
} cli_source;
/* The same with the line at fault and a mark under it; err->offset is a byte of the source. */
int cli_fail_at(cli *cli, const rem_error *err, const cli_source *source);
int cli_fail_with(cli *cli, rem_status status, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int cli_fail_usage(cli *cli, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Silent with --quiet. */
void cli_notice(cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same about rows whose embedding is pending: adds why, when this run has met the reason, and what to do. */
void cli_notice_pending(cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_exit_of(rem_status status);
/* Ends as the signal that came asks (130, 143). */
int cli_stopped(cli *cli);
int64_t cli_now_us(void);
/* "(3 rows, 1.2 ms)" on a terminal; "time: 1.2 ms" with --timing. */
void cli_report_time(cli *cli);

/* ------------------------------------------------------------------------------------------- */
/* Session */

/* The configuration, with the command line's flags in it. REM_OK, or the failure is in `err`. */
rem_status cli_config(cli *cli, rem_error *err);
/* Opens the database the command line means. CLI_DONE, or the exit code of a failure already reported. */
int cli_open(cli *cli, rem_mode mode);
/* Closes the database, if one is open, and opens it again. */
int cli_reopen(cli *cli, rem_mode mode);
/* Closes what is open, in order. Returns `code`, or the exit code of a failure to close when that was CLI_DONE. */
int cli_close(cli *cli, int code);

/* ------------------------------------------------------------------------------------------- */
/* Arguments of commands. Those that return an int report what is wrong. */

int cli_want_words(cli *cli, size_t least, size_t most);
/* An integer option within [least, most]; `*value` stays as it is when the option was not given. */
int cli_want_integer(cli *cli, const char *name, int64_t least, int64_t most, int64_t *value);
/* --slot, when it is given, as rem_slot_name. */
int cli_want_slot(cli *cli, int64_t *slot);
/* The text of a JSON argument: the argument itself, or all of stdin for "-". Owned: cli_text_free(). */
int cli_want_document(cli *cli, const char *argument, cli_text *ret_text);

#endif
