/* SPDX-License-Identifier: Apache-2.0 */
/* db get: one row of one table by key or id. */
#include <string.h>

#include "command.h"
#include "entity.h"
#include "output.h"

int cli_run_get(cli *cli) {
  int code = cli_want_words(cli, 2, 2);
  if (code == CLI_DONE) code = cli_open(cli, REM_READ);
  if (code)
    return code;
  const char *table = cli->args.words[0], *key = cli->args.words[1];
  rem_error err = {0};
  rem_row *row = NULL;
  rem_bytes json = {0};
  rem_status status = rem_row_new(cli->db, &row, &err);
  if (status == REM_OK)
    status = rem_get(cli->db, table, key, strlen(key), cli_args_flag(&cli->args, "include-deleted"), row, &err);
  if (status == REM_OK) status = cli_row_json(cli, row, &json, &err);
  if (status == REM_OK)
    cli_print_object(cli, json.data, json.size);
  else if (status == REM_NOT_FOUND)
    code = cli_fail_with(cli, status, "db lookup KEY searches every table", "'%s' has no row '%s'", table, key);
  else
    code = cli_fail(cli, &err);
  cli->row_count = status == REM_OK;
  rem_bytes_free(&json);
  rem_row_free(row);
  return code;
}
