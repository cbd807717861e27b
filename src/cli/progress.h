/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A progress line on stderr, with rate and remaining time; only on a terminal and not with --quiet. It is redrawn at
 * most ten times a second and wiped before anything else is said.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli.h"

typedef struct cli_progress {
  cli *cli;
  const char *unit; /* "rows"; static */
  int64_t begun_us, drawn_us;
  bool shown;
} cli_progress;

void cli_progress_begin(cli_progress *progress, cli *cli, const char *unit);
void cli_progress_show(cli_progress *progress, const rem_progress *state);
void cli_progress_wipe(cli_progress *progress);

/*
 * Steps a job to its end under a progress line, stopping between steps when a signal came. Frees the job (taken).
 * CLI_DONE: `ret_json` has the result (owned: rem_bytes_free()); else the exit code of a reported failure, and the result so far
 * when there is one.
 */
int cli_job_run(cli *cli, rem_job *job, const char *unit, rem_bytes *ret_json);

#endif
