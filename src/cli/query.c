/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "output.h"
#include "signals.h"

void cli_query_init(cli_query *query, cli *cli) {
  *query = (cli_query){.cli = cli, .timeout_ms = -1};
}

int cli_query_want_timeout(cli *cli, int64_t *timeout_ms) {
  const char *text = cli_args_value(&cli->args, "timeout");
  if (!text)
    return CLI_DONE;
  char *end = NULL;
  double seconds = strtod(text, &end);
  if (end == text || *end || !(seconds >= 0) || seconds > 1e9)
    return cli_fail_usage(cli, "0 means without a limit", "option '--timeout' needs a number of seconds, not '%.100s'", text);
  /* What rounds to nothing would be no limit. */
  *timeout_ms = seconds > 0 && seconds < 0.001 ? 1 : (int64_t)(seconds * 1000);
  return CLI_DONE;
}

static void end_session(cli_query *query) {
  rem_session_close(query->session);
  query->session = NULL;
}

void cli_query_free(cli_query *query) {
  end_session(query);
  for (size_t i = 0; i < query->parameter_count; i++) {
    free(query->parameters[i].name);
    free(query->parameters[i].value);
  }
  free(query->parameters);
  *query = (cli_query){0};
}

int cli_query_open(cli_query *query, rem_mode mode) {
  cli *cli = query->cli;
  rem_error err = {0};
  if (query->session && query->mode == mode)
    return CLI_DONE;
  end_session(query);
  int code = cli->db && query->mode == mode ? CLI_DONE : cli_reopen(cli, mode);
  if (code)
    return code;
  query->mode = mode;
  rem_session_options options;
  rem_session_options_init(&options);
  options.timeout_ms = query->timeout_ms;
  return rem_session_open(cli->db, &options, &query->session, &err) < 0 ? cli_fail(cli, &err) : CLI_DONE;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status explain(cli_query *query, const char *text, size_t size, rem_error *err) {
  rem_bytes plan = {0};
  rem_status status = rem_session_explain(query->session, text, size, &plan, err);
  if (status < 0)
    return status;
  if (!cli_wants_json(query->cli)) {
    fwrite(plan.data, 1, plan.size, stdout);
    rem_bytes_free(&plan);
    return REM_OK;
  }
  cli_array_begin(query->cli);
  for (const char *line = plan.data; *line;) {
    size_t length = strcspn(line, "\n"), indent = strspn(line, " ");
    cli_text row = {0};
    cli_text_printf(&row, "{\"depth\":%zu,\"step\":", indent / 2);
    cli_text_append_json(&row, line + indent, length - indent);
    cli_text_append_byte(&row, '}');
    cli_array_item(query->cli, row.data, row.size);
    cli_text_free(&row);
    line += length + (line[length] == '\n');
  }
  cli_array_end(query->cli);
  rem_bytes_free(&plan);
  return REM_OK;
}

static rem_status run(cli_query *query, const char *text, size_t size, rem_error *err) {
  if (query->explain)
    return explain(query, text, size, err);
  rem_statement *statement = NULL;
  rem_status status = rem_session_prepare(query->session, text, size, &statement, NULL, err);
  if (status == REM_DONE && query->single) {
    *err = (rem_error){.code = REM_INVALID, .offset = -1};
    snprintf(err->message, sizeof err->message, "there is no statement in the text");
    return REM_INVALID;
  }
  if (status == REM_OK) status = cli_query_bind(query, statement, err);
  if (status == REM_OK) status = cli_query_print(query, statement, err);
  rem_statement_free(statement);
  return status;
}

int cli_query_run(cli_query *query, const cli_source *source, size_t at, size_t size) {
  rem_error err = {.offset = -1};
  if (run(query, source->text + at, size, &err) >= 0)
    return cli_signal_received() ? cli_stopped(query->cli) : CLI_DONE;
  if (err.offset >= 0) err.offset += (int64_t)at;
  return cli_fail_at(query->cli, &err, source);
}

/* Nothing but blanks is left. */
static bool is_blank(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!isspace((unsigned char)text[i]))
      return false;
  return true;
}

int cli_query_run_script(cli_query *query, const cli_source *source) {
  int code = CLI_DONE;
  for (size_t at = 0; at < source->size && code == CLI_DONE && !cli_output_broken();) {
    size_t size = rem_sql_statement_size(source->text + at, source->size - at);
    if (size == 0) size = source->size - at;
    if (!is_blank(source->text + at, size)) code = cli_query_run(query, source, at, size);
    at += size;
  }
  return code;
}
