/* SPDX-License-Identifier: Apache-2.0 */
/* db list: the rows of a table, filtered. */
#include <stdlib.h>

#include "command.h"
#include "entity.h"
#include "output.h"
#include "sheet.h"
#include "signals.h"

/* Where the rows go: the JSON array, or a sheet with the table's columns. */
typedef struct listing {
  cli *cli;
  bool json;
  cli_sheet sheet;
  const char **columns; /* owned */
  size_t column_count;
} listing;

static void listing_begin(listing *l, cli *cli, const char *table) {
  *l = (listing){.cli = cli, .json = cli_wants_json(cli)};
  if (l->json) {
    cli_array_begin(cli);
    return;
  }
  l->columns = cli_entity_columns(cli, table, &l->column_count);
  cli_sheet_begin(&l->sheet, cli, l->columns, l->column_count);
  /* The id: half of one is of no use. */
  l->sheet.last_is_optional = l->column_count > 1;
}

static void listing_add(listing *l, const rem_bytes *json) {
  if (l->json) {
    cli_array_item(l->cli, json->data, json->size);
    return;
  }
  json_t *entity = json_loadb(json->data, json->size, JSON_ALLOW_NUL, NULL);
  for (size_t i = 0; i < l->column_count; i++)
    cli_sheet_cell_json(&l->sheet, cli_entity_column(entity, l->columns[i]));
  json_decref(entity);
}

static void listing_end(listing *l) {
  if (l->json)
    cli_array_end(l->cli);
  else
    cli_sheet_end(&l->sheet);
  free(l->columns);
}

static int print_rows(cli *cli, listing *l, rem_cursor *cursor, rem_row *row) {
  rem_error err = {0};
  cli->row_count = 0;
  while (!cli_output_broken()) {
    rem_bytes json = {0};
    rem_status status = rem_cursor_next(cursor, row, &err);
    if (status == REM_DONE)
      return CLI_DONE;
    if (status == REM_ROW) status = cli_row_json(cli, row, &json, &err);
    if (status < 0)
      return cli_fail(cli, &err);
    listing_add(l, &json);
    rem_bytes_free(&json);
    cli->row_count++;
    if (cli_signal_received())
      return cli_stopped(cli);
  }
  return CLI_DONE;
}

static int list(cli *cli, const rem_read_options *options) {
  const char *table = cli->args.words[0];
  rem_error err = {0};
  rem_cursor *cursor = NULL;
  rem_row *row = NULL;
  rem_status status = rem_list(cli->db, table, options, &cursor, &err);
  if (status == REM_OK) status = rem_row_new(cli->db, &row, &err);
  int code = CLI_DONE;
  if (status != REM_OK) {
    code = cli_fail(cli, &err);
  } else {
    listing l;
    listing_begin(&l, cli, table);
    code = print_rows(cli, &l, cursor, row);
    listing_end(&l);
  }
  rem_row_free(row);
  rem_cursor_free(cursor);
  return code;
}

int cli_run_list(cli *cli) {
  rem_read_options options;
  rem_read_options_init(&options);
  options.limit = -1;
  options.include_deleted = cli_args_flag(&cli->args, "include-deleted");
  int code = cli_want_words(cli, 1, 1);
  if (code == CLI_DONE) code = cli_want_integer(cli, "limit", 0, INT64_MAX, &options.limit);
  if (code == CLI_DONE) code = cli_want_integer(cli, "offset", 0, INT64_MAX, &options.offset);
  if (code == CLI_DONE) code = cli_open(cli, REM_READ);
  cli_text where = {0};
  if (code == CLI_DONE) code = cli_where_json(cli, cli->args.words[0], &where);
  options.where_json = where.data;
  if (code == CLI_DONE) code = list(cli, &options);
  cli_text_free(&where);
  return code;
}
