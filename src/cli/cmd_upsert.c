/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db upsert: JSON lines of any number into a table.
 *
 * Batches of --batch-size rows are committed in input order, so that an interrupted run leaves a whole number of
 * batches. Two batches take turns: while one is committed by a second thread (embedding, apply, sync), the
 * main thread reads, parses and validates the next. There is never more than one commit under way, which keeps the order.
 *
 * A bad line is found while its batch is being filled. With --on-error stop the batch is dropped and the run
 * ends; with skip the line is reported and left out. A row that only the commit refuses (a conflict with a
 * stored row) fails its whole batch, and skip makes the batch again without it from the kept text.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "lines.h"
#include "output.h"
#include "progress.h"
#include "signals.h"

/* A batch is also full at this many bytes of input: it is held in memory twice. */
#define BATCH_BYTES_MAX ((size_t)64 << 20)
/* One transaction (--atomic) holds at most this much input. */
#define ATOMIC_BYTES_MAX ((size_t)512 << 20)
#define ATOMIC_ROWS_MAX 1000000
/* The result lists so many bad lines; all are counted. */
#define ERRORS_LISTED 1000

typedef struct line_ref {
  int64_t number;
  size_t begin, size; /* within the batch's kept text */
} line_ref;

/* One batch being filled or committed. */
typedef struct load {
  rem_batch *batch;  /* owned */
  line_ref *lines;   /* owned: one per row of the batch */
  size_t capacity;
  size_t bytes;
  cli_text text;     /* the lines themselves; kept with --on-error skip only */
  rem_batch_result result;
  rem_error err;
  int64_t failed_index;
  rem_status status;
} load;

typedef struct upsert {
  cli *cli;
  const char *table;
  int64_t batch_rows;
  bool skip, atomic, dry_run;
  load loads[2];
  int filling;      /* which of the two is being filled; the other one is being committed or empty */
  bool committing;
  pthread_t thread; /* commits loads[1 - filling] */
  int64_t inserted, updated, unchanged, pending, truncated, failed, valid;
  cli_text errors;  /* items of the result's array */
  cli_progress progress;
} upsert;

static int64_t stored_rows(const upsert *u) {
  return u->inserted + u->updated + u->unchanged;
}

/* ------------------------------------------------------------------------------------------- */
/* Bad lines */

static void note_bad_line(upsert *u, int64_t number, const rem_error *err) {
  u->failed++;
  cli_progress_wipe(&u->progress);
  if (u->failed <= ERRORS_LISTED) {
    if (u->errors.size) cli_text_append_byte(&u->errors, ',');
    cli_text_printf(&u->errors, "{\"line\":%lld,\"message\":", (long long)number);
    cli_text_append_json(&u->errors, err->message, strlen(err->message));
    cli_text_append_byte(&u->errors, '}');
    if (u->skip) cli_fail_with(u->cli, err->code, err->hint, "line %lld: %s", (long long)number, err->message);
  } else if (u->failed == ERRORS_LISTED + 1 && u->skip) {
    cli_notice(u->cli, "further bad lines are counted, not listed");
  }
}

static int stop_at_line(upsert *u, int64_t number, const rem_error *err) {
  note_bad_line(u, number, err);
  const char *action = u->dry_run ? "would be stored" : "are stored";
  int64_t rows = u->dry_run ? u->valid : stored_rows(u);
  cli_fail_with(u->cli, err->code, err->hint[0] ? err->hint : "--on-error skip stores the good lines and reports the bad ones",
                "line %lld: %s (%lld rows %s)", (long long)number, err->message, (long long)rows, action);
  return cli_exit_of(err->code) == CLI_LOCKED ? CLI_LOCKED : CLI_ERROR;
}

/* Whether the failure is one line's own; a full disk or an unknown table is not. */
static bool is_of_the_row(rem_status status) {
  return status == REM_INVALID || status == REM_LIMIT || status == REM_CONFLICT;
}

/* ------------------------------------------------------------------------------------------- */
/* Filling and committing */

static void load_reset(load *l) {
  l->bytes = 0;
  cli_text_clear(&l->text);
}

static void load_free(load *l) {
  rem_batch_free(l->batch);
  free(l->lines);
  cli_text_free(&l->text);
  *l = (load){0};
}

static rem_status load_add(upsert *u, load *l, int64_t number, const char *line, size_t size, rem_error *err) {
  rem_status status = l->batch ? REM_OK : rem_batch_new(u->cli->db, &l->batch, err);
  if (status >= 0) status = rem_batch_put(l->batch, u->table, line, size, err);
  if (status < 0)
    return status;
  size_t count = rem_batch_count(l->batch);
  if (count > l->capacity) {
    l->capacity = count * 2 < 64 ? 64 : count * 2;
    l->lines = cli_reallocate(l->lines, l->capacity * sizeof *l->lines);
  }
  l->lines[count - 1] = (line_ref){number, l->text.size, size};
  if (u->skip) cli_text_append(&l->text, line, size);
  l->bytes += size;
  return REM_OK;
}

/* Makes the batch again without row `bad`, whose commit was refused. */
static rem_status load_rebuild(upsert *u, load *l, size_t bad, rem_error *err) {
  load fresh = {0};
  size_t count = rem_batch_count(l->batch);
  for (size_t i = 0; i < count; i++) {
    const line_ref *line = &l->lines[i];
    rem_status status = i == bad ? REM_OK
                                 : load_add(u, &fresh, line->number, l->text.data + line->begin, line->size, err);
    if (status < 0) {
      load_free(&fresh);
      return status;
    }
  }
  load_free(l);
  *l = fresh;
  return REM_OK;
}

static void *commit_thread(void *argument) {
  load *l = argument;
  l->failed_index = -1;
  l->err = (rem_error){0};
  l->status = rem_batch_commit(l->batch, &l->result, &l->failed_index, &l->err);
  return NULL;
}

static void count_committed(upsert *u, load *l) {
  u->inserted += l->result.inserted;
  u->updated += l->result.updated;
  u->unchanged += l->result.unchanged;
  u->pending += l->result.pending;
  u->truncated += l->result.truncated;
  load_reset(l);
}

/* Drops the refused row and commits again, until the rest is stored or something else is wrong. */
static int commit_without_bad_rows(upsert *u, load *l) {
  while (l->status < 0) {
    bool known = l->failed_index >= 0 && (size_t)l->failed_index < rem_batch_count(l->batch);
    if (!known || !is_of_the_row(l->status))
      return cli_fail(u->cli, &l->err);
    size_t bad = (size_t)l->failed_index;
    int64_t number = l->lines[bad].number;
    if (!u->skip || u->atomic)
      return stop_at_line(u, number, &l->err);
    note_bad_line(u, number, &l->err);
    rem_error err = {0};
    if (load_rebuild(u, l, bad, &err) < 0)
      return cli_fail(u->cli, &err);
    if (!l->batch)
      return CLI_DONE;
    commit_thread(l);
  }
  count_committed(u, l);
  return CLI_DONE;
}

/* Waits for the commit under way and takes its outcome. */
static int finish_commit(upsert *u) {
  if (!u->committing)
    return CLI_DONE;
  pthread_join(u->thread, NULL);
  u->committing = false;
  return commit_without_bad_rows(u, &u->loads[1 - u->filling]);
}

static int start_commit(upsert *u) {
  int code = finish_commit(u);
  if (code)
    return code;
  load *full = &u->loads[u->filling];
  u->filling = 1 - u->filling;
  if (!full->batch || rem_batch_count(full->batch) == 0)
    return CLI_DONE;
  u->committing = pthread_create(&u->thread, NULL, commit_thread, full) == 0;
  if (u->committing)
    return CLI_DONE;
  commit_thread(full);
  return commit_without_bad_rows(u, full);
}

/* ------------------------------------------------------------------------------------------- */
/* The run */

static bool is_blank(const char *line, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (line[i] != ' ' && line[i] != '\t')
      return false;
  return true;
}

static int check_line(upsert *u, int64_t number, const rem_error *err) {
  if (u->skip && !u->atomic && is_of_the_row(err->code)) {
    note_bad_line(u, number, err);
    return CLI_DONE;
  }
  /* The commit under way is of earlier lines: what it stores counts. */
  int code = finish_commit(u);
  if (code)
    return code;
  return is_of_the_row(err->code) ? stop_at_line(u, number, err) : cli_fail(u->cli, err);
}

static int take_line(upsert *u, int64_t number, const char *line, size_t size) {
  if (is_blank(line, size))
    return CLI_DONE;
  load *l = &u->loads[u->filling];
  rem_error err = {0};
  if (load_add(u, l, number, line, size, &err) < 0)
    return check_line(u, number, &err);
  u->valid++;
  size_t count = rem_batch_count(l->batch);
  if (u->atomic) {
    if (count <= ATOMIC_ROWS_MAX && l->bytes <= ATOMIC_BYTES_MAX)
      return CLI_DONE;
    return cli_fail_with(u->cli, REM_LIMIT, "leave --atomic out: batches are stored one by one, in order",
                         "--atomic holds at most %d rows or 512 MiB in one transaction; nothing is stored",
                         ATOMIC_ROWS_MAX);
  }
  if (count < (size_t)u->batch_rows && l->bytes < BATCH_BYTES_MAX)
    return CLI_DONE;
  if (!u->dry_run)
    return start_commit(u);
  rem_batch_free(l->batch);
  l->batch = NULL;
  load_reset(l);
  return CLI_DONE;
}

static int line_too_long(upsert *u, int64_t number) {
  rem_error err = {.code = REM_LIMIT, .offset = -1};
  snprintf(err.message, sizeof err.message, "the line is longer than 64 MiB");
  return check_line(u, number, &err);
}

static int take_lines(upsert *u, cli_lines *lines) {
  int code = CLI_DONE;
  while (code == CLI_DONE) {
    const char *line = NULL;
    size_t size = 0;
    switch (cli_lines_next(lines, &line, &size)) {
    case CLI_LINE_OK:
      code = take_line(u, lines->number, line, size);
      break;
    case CLI_LINE_TOO_LONG:
      code = line_too_long(u, lines->number);
      break;
    case CLI_LINE_END:
      return CLI_DONE;
    case CLI_LINE_STOPPED:
      return cli_stopped(u->cli);
    case CLI_LINE_FAILED:
      return cli_fail_with(u->cli, REM_IO, NULL, "cannot read the input after line %lld: %s",
                           (long long)lines->number - 1, strerror(errno));
    }
    rem_progress state = {.done = u->valid, .total = -1, .bytes_done = lines->bytes_read,
                          .bytes_total = lines->bytes_total};
    cli_progress_show(&u->progress, &state);
  }
  return code;
}

static int make_durable(upsert *u) {
  rem_error err = {0};
  return rem_flush(u->cli->db, &err) < 0 ? cli_fail(u->cli, &err) : CLI_DONE;
}

static int run(upsert *u, cli_lines *lines) {
  int code = take_lines(u, lines);
  if (code == CLI_DONE && !u->dry_run) code = start_commit(u);
  /* After a failure too: what an earlier batch stored is to be counted. */
  int last = finish_commit(u);
  if (code == CLI_DONE) code = last;
  if (code == CLI_DONE && !u->dry_run) code = make_durable(u);
  cli_progress_wipe(&u->progress);
  return code == CLI_DONE && u->failed ? CLI_ERROR : code;
}

static void print_result(upsert *u) {
  if (u->cli->format != CLI_TABLE) {
    cli_text json = {0};
    cli_text_printf(&json, "{\"inserted\":%lld,\"updated\":%lld,\"unchanged\":%lld,\"failed\":%lld,",
                    (long long)u->inserted, (long long)u->updated, (long long)u->unchanged, (long long)u->failed);
    if (u->dry_run) cli_text_printf(&json, "\"valid\":%lld,", (long long)u->valid);
    cli_text_printf(&json, "\"errors\":[%s]}", u->errors.size ? u->errors.data : "");
    cli_print_object(u->cli, json.data, json.size);
    cli_text_free(&json);
  } else if (u->dry_run) {
    cli_print_line(u->cli, "%lld valid, %lld failed; nothing was stored", (long long)u->valid, (long long)u->failed);
  } else {
    cli_print_line(u->cli, "%lld inserted, %lld updated, %lld unchanged, %lld failed", (long long)u->inserted,
                   (long long)u->updated, (long long)u->unchanged, (long long)u->failed);
  }
  if (u->pending)
    cli_notice_pending(u->cli, "%lld rows are stored without their embedding", (long long)u->pending);
  if (u->truncated)
    cli_notice(u->cli, "%lld texts are longer than their model takes: what is beyond its window was not embedded",
               (long long)u->truncated);
  u->cli->row_count = u->dry_run ? u->valid : stored_rows(u);
}

static int want_options(upsert *u) {
  cli *cli = u->cli;
  const char *on_error = cli_args_value(&cli->args, "on-error");
  u->table = cli_args_value(&cli->args, "schema");
  u->batch_rows = 1000;
  u->atomic = cli_args_flag(&cli->args, "atomic");
  u->dry_run = cli_args_flag(&cli->args, "dry-run");
  u->skip = on_error && strcmp(on_error, "skip") == 0;
  if (!u->table)
    return cli_fail_usage(cli, "for example: db upsert people.jsonl --schema person", "'db upsert' needs --schema TABLE");
  if (on_error && !u->skip && strcmp(on_error, "stop") != 0)
    return cli_fail_usage(cli, NULL, "option '--on-error' is stop or skip, not '%.100s'", on_error);
  if (u->atomic && u->skip)
    return cli_fail_usage(cli, NULL, "--atomic stores all lines or none: it does not go with --on-error skip");
  return cli_want_integer(cli, "batch-size", 1, 1000000, &u->batch_rows);
}

/* An unknown table is told at once, also when the input is empty. */
static int want_table(upsert *u) {
  rem_read_options options;
  rem_read_options_init(&options);
  options.limit = 1;
  rem_cursor *cursor = NULL;
  rem_error err = {0};
  rem_status status = rem_list(u->cli->db, u->table, &options, &cursor, &err);
  rem_cursor_free(cursor);
  return status < 0 ? cli_fail(u->cli, &err) : CLI_DONE;
}

int cli_run_upsert(cli *cli) {
  upsert u = {.cli = cli};
  int code = cli_want_words(cli, 0, 1);
  if (code == CLI_DONE) code = want_options(&u);
  if (code)
    return code;
  cli_lines lines;
  const char *path = cli->args.word_count ? cli->args.words[0] : NULL;
  if (!cli_lines_open(&lines, path))
    return cli_fail_with(cli, REM_IO, NULL, "cannot read '%s': %s", path, strerror(errno));
  if (lines.file == STDIN_FILENO && isatty(STDIN_FILENO))
    cli_notice(cli, "reading JSON lines from the terminal; Ctrl-D ends them");
  code = cli_open(cli, REM_WRITE);
  if (code == CLI_DONE) code = want_table(&u);
  if (code == CLI_DONE) {
    cli_progress_begin(&u.progress, cli, "rows");
    code = run(&u, &lines);
    print_result(&u);
  }
  load_free(&u.loads[0]);
  load_free(&u.loads[1]);
  cli_text_free(&u.errors);
  cli_lines_close(&lines);
  return code;
}
