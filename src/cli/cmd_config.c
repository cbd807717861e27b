/* SPDX-License-Identifier: Apache-2.0 */
/* db config: every setting, its value and where the value comes from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "sheet.h"
#include "suggest.h"

static int unknown_name(cli *cli, const json_t *all, const char *typed) {
  char upper[128], hint[192] = "db config shows every setting";
  snprintf(upper, sizeof upper, "%.100s", typed);
  for (char *p = upper; *p; p++)
    if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 32);
  cli_suggestion best = cli_suggestion_start(upper);
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)all, name, value) {
    cli_suggestion_offer(&best, name);
  }
  if (best.word) snprintf(hint, sizeof hint, "did you mean %s?", best.word);
  return cli_fail_with(cli, REM_UNKNOWN, hint, "there is no setting '%s'", typed);
}

static int print_one(cli *cli, const json_t *all, const char *name) {
  const json_t *setting = json_object_get(all, name);
  if (!setting)
    return unknown_name(cli, all, name);
  char *text = json_dumps(setting, JSON_COMPACT);
  /* As rem_config_json() shows it: a key of a provider is "set", never itself. */
  const json_t *value = json_object_get(setting, "value");
  char *literal = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
  if (cli->format == CLI_TABLE)
    cli_print_line(cli, "%s", json_is_string(value) ? json_string_value(value) : json_is_null(value) ? "" : literal);
  else if (text)
    cli_print_object(cli, text, strlen(text));
  free(literal);
  free(text);
  return CLI_DONE;
}

static void print_all(cli *cli, const json_t *all) {
  const char *columns[] = {"name", "value", "origin", "description"};
  cli_sheet sheet;
  cli_sheet_begin(&sheet, cli, columns, 4);
  const char *name;
  json_t *setting;
  json_object_foreach((json_t *)all, name, setting) {
    cli_sheet_cell_string(&sheet, name);
    for (size_t c = 1; c < 4; c++)
      cli_sheet_cell_json(&sheet, json_object_get(setting, columns[c]));
  }
  cli_sheet_end(&sheet);
}

int cli_run_config(cli *cli) {
  int code = cli_want_words(cli, 0, 1);
  if (code)
    return code;
  rem_error err = {0};
  rem_bytes json = {0};
  rem_status status = cli_config(cli, &err);
  if (status == REM_OK) status = rem_config_json(cli->config, &json, &err);
  if (status != REM_OK)
    return cli_fail(cli, &err);
  json_t *all = json_loadb(json.data, json.size, 0, NULL);
  if (cli->args.word_count)
    code = print_one(cli, all, cli->args.words[0]);
  else if (cli_wants_json(cli))
    cli_print_object(cli, json.data, json.size);
  else
    print_all(cli, all);
  json_decref(all);
  rem_bytes_free(&json);
  return code;
}
