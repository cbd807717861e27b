/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "signals.h"

#define REDRAW_US 100000
#define BAR_COLUMNS 20

void cli_progress_begin(cli_progress *progress, cli *cli, const char *unit) {
  *progress = (cli_progress){.cli = cli, .unit = unit, .begun_us = cli_now_us()};
}

static void append_bar(cli_text *line, double part) {
  int full = (int)(part * BAR_COLUMNS + 0.5);
  cli_text_append_byte(line, '[');
  for (int i = 0; i < BAR_COLUMNS; i++)
    cli_text_append_byte(line, i < full ? '#' : '.');
  cli_text_printf(line, "] %3.0f%%  ", part * 100);
}

static void append_remaining(cli_text *line, double seconds) {
  if (seconds < 100)
    cli_text_printf(line, "  %.0f s left", seconds);
  else if (seconds < 6000)
    cli_text_printf(line, "  %.0f min left", seconds / 60);
  else
    cli_text_printf(line, "  %.1f h left", seconds / 3600);
}

/* The part done, 0..1, by bytes where they are known, as they are the finer measure; -1 when nothing is. */
static double part_done(const rem_progress *state) {
  double part = -1;
  if (state->bytes_total > 0)
    part = (double)state->bytes_done / (double)state->bytes_total;
  else if (state->total > 0)
    part = (double)state->done / (double)state->total;
  return part > 1 ? 1 : part;
}

static void compose(const cli_progress *progress, const rem_progress *state, double seconds, cli_text *line) {
  double part = part_done(state);
  if (part >= 0) append_bar(line, part);
  if (state->phase[0]) cli_text_printf(line, "%s: ", state->phase);
  cli_text_printf(line, "%lld", (long long)state->done);
  if (state->total > 0) cli_text_printf(line, "/%lld", (long long)state->total);
  cli_text_printf(line, " %s", progress->unit);
  if (seconds > 0.5) cli_text_printf(line, "  %.0f/s", (double)state->done / seconds);
  if (seconds > 1 && part > 0.01 && part < 1) append_remaining(line, seconds * (1 - part) / part);
  if (state->item[0]) {
    cli_text_append_string(line, "  ");
    cli_text_append_printable(line, state->item, strlen(state->item));
  }
}

static void draw(const cli_text *line) {
  struct winsize window;
  size_t room = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 ? window.ws_col - 1u : 79;
  size_t end = 0, used = 0;
  while (end < line->size) {
    unsigned code = 0;
    size_t length = cli_utf8_decode(line->data + end, line->size - end, &code);
    size_t columns = cli_text_width(line->data + end, length ? length : 1);
    if (used + columns > room)
      break;
    used += columns;
    end += length ? length : 1;
  }
  fprintf(stderr, "\r\033[K%.*s", (int)end, line->data);
  fflush(stderr);
}

void cli_progress_show(cli_progress *progress, const rem_progress *state) {
  int64_t now_us = cli_now_us();
  if (!progress->cli->error_terminal || progress->cli->quiet || now_us - progress->drawn_us < REDRAW_US)
    return;
  cli_text line = {0};
  compose(progress, state, (double)(now_us - progress->begun_us) / 1e6, &line);
  draw(&line);
  cli_text_free(&line);
  progress->drawn_us = now_us;
  progress->shown = true;
}

void cli_progress_wipe(cli_progress *progress) {
  if (progress->shown) fputs("\r\033[K", stderr);
  progress->shown = false;
}

static int step_to_end(cli *cli, rem_job *job, cli_progress *progress) {
  for (;;) {
    rem_progress state = {0};
    rem_error err = {0};
    rem_status status = rem_job_step(job, &state, &err);
    if (status == REM_DONE)
      return CLI_DONE;
    if (status < 0) {
      cli_progress_wipe(progress);
      return cli_fail(cli, &err);
    }
    cli_progress_show(progress, &state);
    if (cli_signal_received()) {
      cli_progress_wipe(progress);
      return cli_stopped(cli);
    }
  }
}

int cli_job_run(cli *cli, rem_job *job, const char *unit, rem_bytes *ret_json) {
  cli_progress progress;
  cli_progress_begin(&progress, cli, unit);
  int code = step_to_end(cli, job, &progress);
  cli_progress_wipe(&progress);
  rem_error err = {0};
  if (rem_job_result(job, ret_json, &err) < 0 && code == CLI_DONE) code = cli_fail(cli, &err);
  rem_job_free(job);
  return code;
}
