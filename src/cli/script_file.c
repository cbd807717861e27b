/* SPDX-License-Identifier: Apache-2.0 */
#include "script_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "signals.h"

#define SCRIPT_SIZE_MAX ((size_t)64 << 20)

static int read_all(cli *cli, FILE *file, const char *path, cli_text *text) {
  char chunk[65536];
  size_t count;
  while ((count = fread(chunk, 1, sizeof chunk, file)) > 0) {
    cli_text_append(text, chunk, count);
    if (text->size > SCRIPT_SIZE_MAX)
      return cli_fail_with(cli, REM_LIMIT, NULL, "'%s' is larger than 64 MiB", path);
  }
  if (cli_signal_received())
    return cli_stopped(cli);
  return ferror(file) ? cli_fail_with(cli, REM_IO, NULL, "cannot read '%s': %s", path, strerror(errno)) : CLI_DONE;
}

int cli_script_read(cli *cli, const char *path, cli_text *ret_text) {
  FILE *file = fopen(path, "re");
  if (!file)
    return cli_fail_with(cli, REM_IO, NULL, "cannot open '%s': %s", path, strerror(errno));
  int code = read_all(cli, file, path, ret_text);
  fclose(file);
  return code;
}
