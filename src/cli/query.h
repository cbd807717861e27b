/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of SQL run and shown: what `db query` and `db shell` share.
 *
 * Reading statements run on a handle opened for reading, others on one for writing; the shell changes between them, so that it holds the
 * database only while it writes or is in a transaction.
 */
#ifndef CLI_QUERY_H
#define CLI_QUERY_H

#include "cli.h"

/* A value for a parameter. */
typedef struct cli_parameter {
  char *name;  /* owned: without its sign, or a number; NULL: the next by position */
  char *value; /* owned */
} cli_parameter;

typedef struct cli_query {
  cli *cli;
  rem_session *session; /* NULL until the first statement */
  rem_mode mode;
  int64_t timeout_ms;   /* -1: as configured */
  bool explain;         /* show how statements would be carried out */
  bool single;          /* the one statement of db query: a transaction's word gives [] too */
  cli_parameter *parameters;
  size_t parameter_count;
} cli_query;

void cli_query_init(cli_query *query, cli *cli);
/* Ends the session; the database stays open. */
void cli_query_free(cli_query *query);

/* The option --timeout in milliseconds; `*timeout_ms` stays as it is without it. Reports. */
int cli_query_want_timeout(cli *cli, int64_t *timeout_ms);

/* Adds "NAME=VALUE"; without a NAME, or with `positional`, the next by position. A second value for a name replaces the first. */
void cli_query_add_parameter(cli_query *query, const char *text, bool positional);
void cli_query_remove_parameter(cli_query *query, const char *name);

/* Opens the database as `mode` asks unless it is open so already, and a session. CLI_DONE or the exit code of a reported failure. */
int cli_query_open(cli_query *query, rem_mode mode);

/* Runs the statement at source->text[at], of `size` bytes, and prints what it gives. An error points into the whole source. */
int cli_query_run(cli_query *query, const cli_source *source, size_t at, size_t size);
/* Runs every statement of the source, until one fails. */
int cli_query_run_script(cli_query *query, const cli_source *source);

/* query_print.c: steps through the statement and prints its rows. */
rem_status cli_query_print(cli_query *query, rem_statement *statement, rem_error *err);
/* query_parameter.c: gives the statement its parameters, each of which must have a value. */
rem_status cli_query_bind(cli_query *query, rem_statement *statement, rem_error *err);

#endif
