/* SPDX-License-Identifier: Apache-2.0 */
/* Files of SQL. */
#ifndef CLI_SCRIPT_FILE_H
#define CLI_SCRIPT_FILE_H

#include "cli.h"

/* All of a file, at most 64 MiB. CLI_DONE, or the exit code of a reported failure. `ret_text` owned: cli_text_free(). */
int cli_script_read(cli *cli, const char *path, cli_text *ret_text);

#endif
