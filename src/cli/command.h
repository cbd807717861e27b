/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: what main() runs and what help and completion print. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli.h"

typedef struct cli_command {
  const char *name;     /* "lookup", "schema add" */
  const char *synopsis; /* its arguments: "KEY" */
  const char *summary;  /* one line, lower case */
  const char *details;  /* further lines of the help; NULL: none */
  const char *examples; /* lines of the help; NULL: none */
  const cli_option *options; /* ends with a NULL name; NULL: none */
  int (*run)(cli *cli); /* returns the exit code */
} cli_command;

/* Ends with a NULL name; in the order help shows it. */
extern const cli_command cli_commands[];
extern const cli_option cli_global_options[];

/* The name of a command that the specification has and this version has not; false for any other word. */
bool cli_command_is_later(const char *word);

void cli_help_print(const cli_command *command);
void cli_help_print_overview(void);
/* The commands of a group ("schema"), when called without one of them. */
void cli_help_print_group(const char *group);

int cli_run_init(cli *cli);
int cli_run_use(cli *cli);
int cli_run_schema_add(cli *cli);
int cli_run_schema_list(cli *cli);
int cli_run_schema_show(cli *cli);
int cli_run_schema_remove(cli *cli);
int cli_run_insert(cli *cli);
int cli_run_query(cli *cli);
int cli_run_shell(cli *cli);
int cli_run_update(cli *cli);
int cli_run_delete(cli *cli);
int cli_run_upsert(cli *cli);
int cli_run_get(cli *cli);
int cli_run_list(cli *cli);
int cli_run_lookup(cli *cli);
int cli_run_search(cli *cli);
int cli_run_edges(cli *cli);
int cli_run_ingest(cli *cli);
int cli_run_embed(cli *cli);
int cli_run_model_install(cli *cli);
int cli_run_model_list(cli *cli);
int cli_run_model_verify(cli *cli);
int cli_run_model_remove(cli *cli);
int cli_run_stats(cli *cli);
int cli_run_check(cli *cli);
int cli_run_vacuum(cli *cli);
int cli_run_reindex(cli *cli);
int cli_run_config(cli *cli);
int cli_run_version(cli *cli);
int cli_run_help(cli *cli);
int cli_run_completion(cli *cli);

#endif
