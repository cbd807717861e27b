/* SPDX-License-Identifier: Apache-2.0 */
/* db delete: soft delete by keys or ids, or of what a condition matches. */
#include <string.h>

#include "command.h"
#include "entity.h"
#include "output.h"
#include "signals.h"

#define BATCH_ROWS 1000

typedef struct deletion {
  int64_t deleted, missing;
} deletion;

static int delete_keys(cli *cli, const char *table, deletion *counts) {
  for (size_t i = 1; i < cli->args.word_count; i++) {
    const char *key = cli->args.words[i];
    rem_error err = {0};
    rem_status status = rem_delete(cli->db, table, key, strlen(key), NULL, &err);
    if (status < 0)
      return cli_fail(cli, &err);
    if (status == REM_NOT_FOUND)
      cli_fail_with(cli, status, NULL, "'%s' has no row '%s'", table, key);
    counts->missing += status == REM_NOT_FOUND;
    counts->deleted += status != REM_NOT_FOUND;
    if (cli_signal_received())
      return cli_stopped(cli);
  }
  return CLI_DONE;
}

static void append_id(const uint8_t *id, cli_text *text) {
  cli_text_clear(text);
  for (int i = 0; i < 16; i++)
    cli_text_printf(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
}

static rem_status commit(rem_batch *batch, deletion *counts, rem_error *err) {
  rem_batch_result result = {0};
  rem_status status = rem_batch_commit(batch, &result, NULL, err);
  if (status >= 0) counts->deleted += result.deleted;
  return status;
}

/* The cursor reads one snapshot, so rows deleted on the way do not disturb it. */
static rem_status delete_found(rem_cursor *cursor, rem_row *row, rem_batch *batch, const char *table, deletion *counts,
                               rem_error *err) {
  cli_text id = {0};
  rem_status status = REM_OK;
  while (status >= 0 && !cli_signal_received()) {
    status = rem_cursor_next(cursor, row, err);
    if (status != REM_ROW)
      break;
    append_id(rem_row_id(row), &id);
    status = rem_batch_delete(batch, table, id.data, id.size, err);
    if (status >= 0 && rem_batch_count(batch) >= BATCH_ROWS) status = commit(batch, counts, err);
  }
  if (status >= 0) status = commit(batch, counts, err);
  cli_text_free(&id);
  return status;
}

static int delete_where(cli *cli, const char *table, const char *where, deletion *counts) {
  rem_error err = {0};
  rem_cursor *cursor = NULL;
  rem_row *row = NULL;
  rem_batch *batch = NULL;
  rem_read_options options;
  rem_read_options_init(&options);
  options.where_json = where;
  options.limit = -1;
  rem_status status = rem_list(cli->db, table, &options, &cursor, &err);
  if (status == REM_OK) status = rem_row_new(cli->db, &row, &err);
  if (status == REM_OK) status = rem_batch_new(cli->db, &batch, &err);
  if (status == REM_OK) status = delete_found(cursor, row, batch, table, counts, &err);
  rem_batch_free(batch);
  rem_row_free(row);
  rem_cursor_free(cursor);
  if (status < 0)
    return cli_fail(cli, &err);
  return cli_signal_received() ? cli_stopped(cli) : CLI_DONE;
}

static void print_counts(cli *cli, const deletion *counts) {
  if (cli->format == CLI_TABLE) {
    cli_print_line(cli, "%lld deleted", (long long)counts->deleted);
    return;
  }
  cli_text json = {0};
  cli_text_printf(&json, "{\"deleted\":%lld,\"missing\":%lld}", (long long)counts->deleted, (long long)counts->missing);
  cli_print_object(cli, json.data, json.size);
  cli_text_free(&json);
}

int cli_run_delete(cli *cli) {
  bool conditional = cli_args_flag(&cli->args, "where");
  int code = cli_want_words(cli, conditional ? 1 : 2, conditional ? 1 : SIZE_MAX);
  if (code == CLI_DONE) code = cli_open(cli, REM_WRITE);
  if (code)
    return code;
  deletion counts = {0};
  cli_text where = {0};
  const char *table = cli->args.words[0];
  if (conditional) code = cli_where_json(cli, table, &where);
  if (code == CLI_DONE)
    code = conditional ? delete_where(cli, table, where.data, &counts) : delete_keys(cli, table, &counts);
  if (code == CLI_DONE || counts.deleted) print_counts(cli, &counts);
  if (code == CLI_DONE && (counts.missing || counts.deleted == 0)) code = CLI_NOT_FOUND;
  cli_text_free(&where);
  return code;
}
