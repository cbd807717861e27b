/* SPDX-License-Identifier: Apache-2.0 */
/* db edges: what an entity points to and what points to it. */
#include <string.h>

#include "command.h"
#include "output.h"

static int want_direction(cli *cli, rem_direction *ret_direction) {
  static const struct {
    const char *name;
    rem_direction direction;
  } names[] = {{"out", REM_OUT}, {"in", REM_IN}, {"both", REM_BOTH}};
  const char *text = cli_args_value(&cli->args, "direction");
  *ret_direction = REM_BOTH;
  if (!text)
    return CLI_DONE;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i].name, text) == 0) {
      *ret_direction = names[i].direction;
      return CLI_DONE;
    }
  return cli_fail_usage(cli, NULL, "option '--direction' is out, in or both, not '%.100s'", text);
}

int cli_run_edges(cli *cli) {
  rem_direction direction;
  int code = cli_want_words(cli, 2, 2);
  if (code == CLI_DONE) code = want_direction(cli, &direction);
  if (code == CLI_DONE) code = cli_open(cli, REM_READ);
  if (code)
    return code;
  static const char *const columns[] = {"direction", "type", "table", "key", "weight", "dangling", "source", "target",
                                        NULL};
  const char *table = cli->args.words[0], *key = cli->args.words[1];
  rem_error err = {0};
  rem_bytes json = {0};
  rem_status status = rem_edges(cli->db, table, key, strlen(key), direction, &json, &err);
  if (status == REM_NOT_FOUND)
    return cli_fail_with(cli, status, "db lookup KEY searches every table", "'%s' has no row '%s'", table, key);
  if (status < 0)
    return cli_fail(cli, &err);
  cli_print_objects(cli, json.data, json.size, columns);
  rem_bytes_free(&json);
  return CLI_DONE;
}
