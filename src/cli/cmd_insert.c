/* SPDX-License-Identifier: Apache-2.0 */
/* db insert, db update: one row, given as JSON; the stored entity is printed. */
#include <string.h>

#include "command.h"
#include "entity.h"
#include "output.h"

static int print_stored(cli *cli, const char *table, const rem_write_result *written) {
  rem_error err = {0};
  rem_row *row = NULL;
  rem_bytes json = {0};
  rem_status status = rem_row_new(cli->db, &row, &err);
  if (status == REM_OK) status = rem_get_id(cli->db, table, written->id, true, row, &err);
  if (status == REM_OK) status = cli_row_json(cli, row, &json, &err);
  if (status == REM_OK) cli_print_object(cli, json.data, json.size);
  rem_bytes_free(&json);
  rem_row_free(row);
  if (status < 0)
    return cli_fail(cli, &err);
  if (written->pending) cli_notice_pending(cli, "stored without its embedding");
  return CLI_DONE;
}

int cli_run_insert(cli *cli) {
  int code = cli_want_words(cli, 2, 2);
  cli_text document = {0};
  if (code == CLI_DONE) code = cli_want_document(cli, cli->args.words[1], &document);
  if (code == CLI_DONE) code = cli_open(cli, REM_WRITE);
  if (code == CLI_DONE) {
    rem_error err = {0};
    rem_write_result written = {0};
    const char *table = cli->args.words[0];
    rem_status status = rem_put(cli->db, table, document.data ? document.data : "", document.size, &written, &err);
    code = status < 0 ? cli_fail(cli, &err) : print_stored(cli, table, &written);
  }
  cli_text_free(&document);
  return code;
}

int cli_run_update(cli *cli) {
  int code = cli_want_words(cli, 3, 3);
  cli_text document = {0};
  if (code == CLI_DONE) code = cli_want_document(cli, cli->args.words[2], &document);
  if (code == CLI_DONE) code = cli_open(cli, REM_WRITE);
  if (code == CLI_DONE) {
    rem_error err = {0};
    rem_write_result written = {0};
    const char *table = cli->args.words[0], *key = cli->args.words[1];
    rem_status status = rem_update(cli->db, table, key, strlen(key), document.data ? document.data : "",
                                   document.size, &written, &err);
    if (status == REM_NOT_FOUND)
      code = cli_fail_with(cli, status, "db insert makes a new row", "'%s' has no row '%s'", table, key);
    else
      code = status < 0 ? cli_fail(cli, &err) : print_stored(cli, table, &written);
  }
  cli_text_free(&document);
  return code;
}
