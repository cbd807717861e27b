/* SPDX-License-Identifier: Apache-2.0 */
/* db lookup: every entity of every table that has a key. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "entity.h"
#include "hits.h"
#include "output.h"

#define LABEL_CHARACTERS 80

/* What is printed before the dash of one hit: "Issue (type: issue)". */
static void append_heading(cli *cli, const cli_hit *hit, cli_text *text) {
  const char *type = json_string_value(json_object_get(hit->entity, "type"));
  const char *title = cli_entity_title(cli, hit->table);
  cli_text_append_printable(text, title, strlen(title));
  cli_text_printf(text, " (type: %s)", type ? type : hit->table);
}

/* A first impression of a text: enough for one line, cut between characters. */
static void append_beginning(const char *label, size_t size, cli_text *text) {
  size_t end = 0, count = 0;
  while (end < size && count++ < LABEL_CHARACTERS) {
    unsigned code = 0;
    size_t length = cli_utf8_decode(label + end, size - end, &code);
    end += length ? length : 1;
  }
  cli_text_append_printable(text, label, end);
  if (end < size) cli_text_append_string(text, "…");
}

static void append_description(cli *cli, const cli_hit *hit, cli_text *text) {
  cli_text key = {0}, label = {0};
  cli_entity_append_key(cli, hit->table, hit->entity, &key);
  cli_entity_append_label(hit->entity, key.data, &label);
  if (key.size) cli_text_append_printable(text, key.data, key.size);
  if (label.size) {
    cli_text_append_string(text, ": ");
    append_beginning(label.data, label.size, text);
  }
  bool widened = hit->match && (strcmp(hit->match, "ignore-case") == 0 || strcmp(hit->match, "prefix") == 0 ||
                                strcmp(hit->match, "fuzzy") == 0);
  if (widened) cli_text_printf(text, "  [%s]", hit->match);
  if (!json_is_null(json_object_get(hit->entity, "deleted_at"))) cli_text_append_string(text, "  [deleted]");
  cli_text_free(&key);
  cli_text_free(&label);
}

/* By table; chunks of a document in their order. */
static int compare_hits(const void *left, const void *right) {
  const cli_hit *a = left, *b = right;
  int tables = strcmp(a->table, b->table);
  if (tables)
    return tables;
  json_int_t first = json_integer_value(cli_entity_column(a->entity, "ordinal"));
  json_int_t second = json_integer_value(cli_entity_column(b->entity, "ordinal"));
  return (first > second) - (first < second);
}

static void print_for_people(cli *cli, cli_hits *hits) {
  if (hits->count == 0)
    return;
  qsort(hits->items, hits->count, sizeof *hits->items, compare_hits);
  cli_text line = {0};
  size_t width = 0;
  for (size_t i = 0; i < hits->count; i++) {
    cli_text_clear(&line);
    append_heading(cli, &hits->items[i], &line);
    size_t wanted = cli_text_width(line.data, line.size);
    width = wanted > width ? wanted : width;
  }
  cli_print_line(cli, "Found %zu %s:", hits->count, hits->count == 1 ? "entity" : "entities");
  for (size_t i = 0; i < hits->count; i++) {
    cli_text_clear(&line);
    append_heading(cli, &hits->items[i], &line);
    size_t used = cli_text_width(line.data, line.size);
    cli_text_printf(&line, "%*s- ", (int)(width - used + 3), "");
    append_description(cli, &hits->items[i], &line);
    cli_print_line(cli, "  • %s", line.data);
  }
  cli_text_free(&line);
}

static int lookup(cli *cli, unsigned flags, int64_t limit, cli_hits *hits) {
  const char *key = cli->args.words[0];
  rem_error err = {0};
  rem_cursor *cursor = NULL;
  if (rem_lookup(cli->db, key, strlen(key), flags, limit, &cursor, &err) < 0)
    return cli_fail(cli, &err);
  int code = cli_hits_collect(cli, cursor, hits);
  rem_cursor_free(cursor);
  return code;
}

int cli_run_lookup(cli *cli) {
  static const struct {
    const char *name;
    unsigned flag;
  } names[] = {{"ignore-case", REM_LOOKUP_IGNORE_CASE},
               {"prefix", REM_LOOKUP_PREFIX},
               {"fuzzy", REM_LOOKUP_FUZZY},
               {"include-deleted", REM_LOOKUP_DELETED}};
  unsigned flags = 0;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    flags |= cli_args_flag(&cli->args, names[i].name) ? names[i].flag : 0;
  int64_t limit = -1;
  int code = cli_want_words(cli, 1, 1);
  if (code == CLI_DONE) code = cli_want_integer(cli, "limit", 0, INT64_MAX, &limit);
  if (code == CLI_DONE) code = cli_open(cli, REM_READ);
  if (code)
    return code;
  cli_hits hits = {.shows_match = true};
  code = lookup(cli, flags, limit, &hits);
  if (code == CLI_DONE && cli->format == CLI_TABLE)
    print_for_people(cli, &hits);
  else if (code == CLI_DONE)
    cli_hits_print(cli, &hits);
  if (code == CLI_DONE && hits.count == 0)
    code = cli_wants_json(cli) ? CLI_NOT_FOUND
                               : cli_fail_with(cli, REM_NOT_FOUND, "--ignore-case, --prefix and --fuzzy look wider",
                                               "no entity has the key '%s'", cli->args.words[0]);
  cli->row_count = (int64_t)hits.count;
  cli_hits_free(&hits);
  return code;
}
