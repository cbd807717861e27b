/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "excerpt.h"
#include "signals.h"

int cli_exit_of(rem_status status) {
  switch (status) {
  case REM_OK:
  case REM_ROW:
  case REM_DONE:
    return CLI_DONE;
  case REM_NOT_FOUND:
    return CLI_NOT_FOUND;
  case REM_LOCKED:
  case REM_CONFLICT:
    return CLI_LOCKED;
  case REM_MODEL:
  case REM_PROVIDER:
    return CLI_MODEL;
  case REM_CORRUPT:
    return CLI_CORRUPT;
  case REM_CANCELLED:
    return CLI_SIGNAL + (cli_signal_received() ? cli_signal_received() : SIGINT);
  default:
    return CLI_ERROR;
  }
}

/* The error's name in JSON: "not_found" for REM_NOT_FOUND. Part of the JSON contract. */
static void append_code(cli_text *text, const char *name) {
  cli_text_append_string(text, "\"code\":\"");
  for (; *name; name++)
    cli_text_append_byte(text, *name == ' ' ? '_' : *name);
  cli_text_append_byte(text, '"');
}

/* One failure, as it is reported. */
typedef struct failure {
  const char *name, *message, *hint; /* hint may be NULL or empty */
  int64_t offset; /* a byte of the source; -1 */
  const cli_source *source; /* NULL: none */
} failure;

static void append_json_report(cli_text *line, const failure *f) {
  cli_text_append_string(line, "{\"error\":{");
  append_code(line, f->name);
  cli_text_append_string(line, ",\"message\":");
  cli_text_append_json(line, f->message, strlen(f->message));
  cli_text_append_string(line, ",\"hint\":");
  if (f->hint && f->hint[0])
    cli_text_append_json(line, f->hint, strlen(f->hint));
  else
    cli_text_append_string(line, "null");
  if (f->offset >= 0) cli_text_printf(line, ",\"offset\":%lld", (long long)f->offset);
  if (f->offset >= 0 && f->source) {
    cli_place place = cli_place_of(f->source->text, f->source->size, (size_t)f->offset);
    cli_text_printf(line, ",\"line\":%zu,\"column\":%zu", place.line, place.column);
  }
  cli_text_append_string(line, "}}");
}

static void append_report(cli_text *line, const failure *f) {
  const cli_source *source = f->source;
  cli_text_append_string(line, "db: ");
  if (source && source->name) {
    cli_text_append_printable(line, source->name, strlen(source->name));
    if (f->offset >= 0) cli_text_printf(line, ":%zu", cli_place_of(source->text, source->size, (size_t)f->offset).line);
    cli_text_append_string(line, ": ");
  }
  cli_text_append_printable(line, f->message, strlen(f->message));
  if (source && f->offset >= 0) {
    cli_text_append_byte(line, '\n');
    cli_excerpt_append(line, source->text, source->size, (size_t)f->offset);
  }
  if (f->hint && f->hint[0]) {
    cli_text_append_string(line, "\nhint: ");
    cli_text_append_printable(line, f->hint, strlen(f->hint));
  }
}

static void report_failure(cli *cli, const failure *f) {
  cli_text line = {0};
  if (cli->json_asked)
    append_json_report(&line, f);
  else
    append_report(&line, f);
  fflush(stdout);
  fprintf(stderr, "%s\n", line.data);
  cli_text_free(&line);
}

static void report(cli *cli, const char *name, const char *message, const char *hint) {
  report_failure(cli, &(failure){name, message, hint, -1, NULL});
}

int cli_fail_at(cli *cli, const rem_error *err, const cli_source *source) {
  if (err->code == REM_CANCELLED && cli_signal_received())
    return cli_stopped(cli);
  report_failure(cli, &(failure){rem_status_name(err->code), err->message, err->hint, err->offset, source});
  return cli_exit_of(err->code);
}

int cli_fail(cli *cli, const rem_error *err) {
  return cli_fail_at(cli, err, NULL);
}

int cli_fail_with(cli *cli, rem_status status, const char *hint, const char *format, ...) {
  cli_text message = {0};
  va_list arguments;
  va_start(arguments, format);
  cli_text_vprintf(&message, format, arguments);
  va_end(arguments);
  report(cli, rem_status_name(status), message.data, hint);
  cli_text_free(&message);
  return cli_exit_of(status);
}

int cli_fail_usage(cli *cli, const char *hint, const char *format, ...) {
  cli_text message = {0};
  va_list arguments;
  va_start(arguments, format);
  cli_text_vprintf(&message, format, arguments);
  va_end(arguments);
  report(cli, "usage", message.data, hint);
  cli_text_free(&message);
  return CLI_USAGE;
}

static void notice(cli *cli, const char *text, size_t size) {
  cli_text line = {0};
  if (cli->quiet)
    return;
  if (cli->json_asked) {
    cli_text_append_string(&line, "{\"notice\":");
    cli_text_append_json(&line, text, size);
    cli_text_append_byte(&line, '}');
  } else {
    cli_text_append_string(&line, "note: ");
    cli_text_append_printable(&line, text, size);
  }
  fflush(stdout);
  fprintf(stderr, "%s\n", line.data);
  cli_text_free(&line);
}

void cli_notice(cli *cli, const char *format, ...) {
  cli_text text = {0};
  va_list arguments;
  va_start(arguments, format);
  cli_text_vprintf(&text, format, arguments);
  va_end(arguments);
  notice(cli, text.data, text.size);
  cli_text_free(&text);
}

void cli_notice_pending(cli *cli, const char *format, ...) {
  rem_error reason = {0};
  cli_text text = {0};
  va_list arguments;
  va_start(arguments, format);
  cli_text_vprintf(&text, format, arguments);
  va_end(arguments);
  if (cli->db && rem_pending_reason(cli->db, &reason) < 0) cli_text_printf(&text, ": %s", reason.message);
  if (reason.code < 0 && reason.hint[0]) cli_text_printf(&text, "; %s", reason.hint);
  cli_text_append_string(&text, " (db embed --pending makes it)");
  notice(cli, text.data, text.size);
  cli_text_free(&text);
}

int cli_stopped(cli *cli) {
  int number = cli_signal_received();
  if (!cli->stop_reported)
    report(cli, rem_status_name(REM_CANCELLED), number == SIGTERM ? "stopped" : "interrupted",
           "what was reported as stored is stored; running the command again is safe");
  cli->stop_reported = true;
  return CLI_SIGNAL + number;
}

int64_t cli_now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void cli_report_time(cli *cli) {
  double elapsed_ms = (double)(cli_now_us() - cli->started_us) / 1000.0;
  fflush(stdout);
  if (cli->timing)
    fprintf(stderr, "time: %.1f ms\n", elapsed_ms);
  else if (cli->format == CLI_TABLE && cli->error_terminal && !cli->quiet && cli->row_count >= 0)
    fprintf(stderr, "(%lld %s, %.1f ms)\n", (long long)cli->row_count, cli->row_count == 1 ? "row" : "rows",
            elapsed_ms);
}
