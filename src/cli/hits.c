/* SPDX-License-Identifier: Apache-2.0 */
#include "hits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entity.h"
#include "output.h"
#include "sheet.h"
#include "signals.h"

static rem_status add(cli *cli, cli_hits *hits, rem_row *row, rem_error *err) {
  cli_hit hit = {.match = rem_row_match(row), .score = rem_row_score(row)};
  rem_status status = cli_row_json(cli, row, &hit.json, err);
  if (status < 0)
    return status;
  const char *table = rem_row_table(row);
  hit.table = cli_copy(table, strlen(table));
  if (hits->parse || !cli_wants_json(cli)) hit.entity = json_loadb(hit.json.data, hit.json.size, JSON_ALLOW_NUL, NULL);
  /* Grows at powers of two. */
  if ((hits->count & (hits->count - 1)) == 0)
    hits->items = cli_reallocate(hits->items, sizeof hit * (hits->count ? hits->count * 2 : 1));
  hits->items[hits->count++] = hit;
  return REM_OK;
}

int cli_hits_collect(cli *cli, rem_cursor *cursor, cli_hits *hits) {
  rem_error err = {0};
  rem_row *row = NULL;
  rem_status status = rem_row_new(cli->db, &row, &err);
  while (status >= 0 && !cli_signal_received()) {
    status = rem_cursor_next(cursor, row, &err);
    if (status == REM_DONE)
      break;
    if (status == REM_ROW) status = add(cli, hits, row, &err);
  }
  rem_row_free(row);
  if (status < 0)
    return cli_fail(cli, &err);
  return cli_signal_received() ? cli_stopped(cli) : CLI_DONE;
}

static void print_json(cli *cli, const cli_hits *hits) {
  cli_text item = {0};
  cli_array_begin(cli);
  for (size_t i = 0; i < hits->count; i++) {
    const cli_hit *hit = &hits->items[i];
    cli_text_clear(&item);
    cli_text_append_string(&item, "{\"table\":");
    cli_text_append_json(&item, hit->table, strlen(hit->table));
    if (hits->shows_match) {
      const char *match = hit->match ? hit->match : "key";
      cli_text_append_string(&item, ",\"match\":");
      cli_text_append_json(&item, match, strlen(match));
    } else {
      cli_text_append_string(&item, ",\"score\":");
      cli_text_append_double(&item, hit->score);
    }
    cli_text_append_string(&item, ",\"entity\":");
    cli_text_append(&item, hit->json.data, hit->json.size);
    cli_text_append_byte(&item, '}');
    cli_array_item(cli, item.data, item.size);
  }
  cli_array_end(cli);
  cli_text_free(&item);
}

static void cell_of_score(cli_sheet *sheet, const cli_hits *hits, const cli_hit *hit) {
  char score[32] = "";
  if (!isnan(hit->score)) snprintf(score, sizeof score, sheet->cli->format == CLI_CSV ? "%.9g" : "%.3f", hit->score);
  cli_sheet_cell_string(sheet, hits->shows_match ? hit->match : score);
}

static void print_csv(cli *cli, const cli_hits *hits) {
  const char *names[] = {"table",      hits->shows_match ? "match" : "score", "id", "type", "created_at", "modified_at",
                         "deleted_at", "edges", "properties"};
  cli_sheet sheet;
  cli_sheet_begin(&sheet, cli, names, 9);
  for (size_t i = 0; i < hits->count; i++) {
    const cli_hit *hit = &hits->items[i];
    cli_sheet_cell_string(&sheet, hit->table);
    cell_of_score(&sheet, hits, hit);
    for (size_t c = 2; c < 9; c++)
      cli_sheet_cell_json(&sheet, json_object_get(hit->entity, names[c]));
  }
  cli_sheet_end(&sheet);
}

static const char *text_of(const json_t *entity) {
  static const char *const names[] = {"content", "description", "bio", "summary", "text", "body", "title", "name"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *text = json_string_value(cli_entity_column(entity, names[i]));
    if (text && text[0])
      return text;
  }
  return NULL;
}

static void print_table(cli *cli, const cli_hits *hits) {
  static const char *names[] = {"score", "table", "key", "text"};
  cli_sheet sheet;
  cli_sheet_begin(&sheet, cli, names, 4);
  sheet.tail_column = 2;
  for (size_t i = 0; i < hits->count; i++) {
    const cli_hit *hit = &hits->items[i];
    cli_text key = {0};
    cli_entity_append_key(cli, hit->table, hit->entity, &key);
    cell_of_score(&sheet, hits, hit);
    cli_sheet_cell_string(&sheet, hit->table);
    cli_sheet_cell_string(&sheet, key.data);
    cli_sheet_cell_string(&sheet, text_of(hit->entity));
    cli_text_free(&key);
  }
  cli_sheet_end(&sheet);
}

void cli_hits_print(cli *cli, const cli_hits *hits) {
  if (cli_wants_json(cli))
    print_json(cli, hits);
  else if (cli->format == CLI_CSV)
    print_csv(cli, hits);
  else
    print_table(cli, hits);
}

void cli_hits_free(cli_hits *hits) {
  for (size_t i = 0; i < hits->count; i++) {
    free(hits->items[i].table);
    rem_bytes_free(&hits->items[i].json);
    json_decref(hits->items[i].entity);
  }
  free(hits->items);
  *hits = (cli_hits){0};
}
