/* SPDX-License-Identifier: Apache-2.0 */
#include "sheet.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WINDOW_ROWS 200
#define GAP 2
#define NARROWEST 8
/* What of a cell is looked at for a table: enough for any terminal. */
#define CELL_SIZE_MAX 2000

void cli_sheet_begin(cli_sheet *sheet, cli *cli, const char **names, size_t column_count) {
  *sheet = (cli_sheet){.cli = cli, .names = names, .column_count = column_count, .tail_column = SIZE_MAX};
  sheet->cells = cli_allocate(sizeof(char *) * column_count * WINDOW_ROWS);
  sheet->widths = cli_allocate(sizeof(size_t) * column_count);
}

/* The terminal's width, else COLUMNS, else one that reads well in a log. */
static size_t line_columns(void) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
    return size.ws_col;
  const char *wanted = getenv("COLUMNS");
  long columns = wanted ? strtol(wanted, NULL, 10) : 0;
  return columns >= 20 && columns <= 10000 ? (size_t)columns : 120;
}

static void shrink(cli_sheet *sheet, size_t room) {
  for (;;) {
    size_t total = 0, widest = 0;
    for (size_t c = 0; c < sheet->column_count; c++) {
      total += sheet->widths[c] ? sheet->widths[c] + GAP : 0;
      if (sheet->widths[c] > sheet->widths[widest]) widest = c;
    }
    if (total <= room + GAP)
      return;
    if (sheet->last_is_optional && sheet->widths[sheet->column_count - 1]) {
      sheet->widths[sheet->column_count - 1] = 0;
      continue;
    }
    if (sheet->widths[widest] > NARROWEST) {
      sheet->widths[widest]--;
      continue;
    }
    size_t last = sheet->column_count - 1;
    while (last > 0 && sheet->widths[last] == 0)
      last--;
    if (last == 0)
      return;
    sheet->widths[last] = 0;
  }
}

static void measure(cli_sheet *sheet) {
  for (size_t c = 0; c < sheet->column_count; c++)
    sheet->widths[c] = cli_text_width(sheet->names[c], strlen(sheet->names[c]));
  for (size_t i = 0; i < sheet->cell_count; i++) {
    size_t *width = &sheet->widths[i % sheet->column_count];
    size_t wanted = cli_text_width(sheet->cells[i], strlen(sheet->cells[i]));
    if (wanted > *width) *width = wanted;
  }
  shrink(sheet, line_columns());
}

/* The bytes at the beginning of `text` that fit into `room` columns; `*used` columns. */
static size_t fitting_head(const char *text, size_t size, size_t room, size_t *used) {
  size_t end = 0;
  *used = 0;
  while (end < size) {
    unsigned code = 0;
    size_t length = cli_utf8_decode(text + end, size - end, &code);
    size_t columns = cli_text_width(text + end, length ? length : 1);
    if (*used + columns > room)
      break;
    *used += columns;
    end += length ? length : 1;
  }
  return end;
}

/* Prints a text that is too wide with an ellipsis where it is cut. Returns the columns used. */
static size_t print_cut(const char *text, size_t size, size_t width, bool keep_tail) {
  size_t used = 0;
  if (!keep_tail) {
    size_t end = fitting_head(text, size, width - 1, &used);
    printf("%.*s…", (int)end, text);
    return used + 1;
  }
  size_t all = cli_text_width(text, size), begin = 0;
  while (begin < size && all - used > width - 1) {
    unsigned code = 0;
    size_t length = cli_utf8_decode(text + begin, size - begin, &code);
    used += cli_text_width(text + begin, length ? length : 1);
    begin += length ? length : 1;
  }
  printf("…%s", text + begin);
  return all - used + 1;
}

/* Prints `text` in `width` columns; the last column is not padded. */
static void print_cell(const char *text, size_t width, bool keep_tail, bool pad) {
  size_t size = strlen(text), used = cli_text_width(text, size);
  if (used > width)
    used = print_cut(text, size, width, keep_tail);
  else
    fputs(text, stdout);
  for (; pad && used < width + GAP; used++)
    putchar(' ');
}

static size_t last_column(const cli_sheet *sheet) {
  size_t last = sheet->column_count - 1;
  while (last > 0 && sheet->widths[last] == 0)
    last--;
  return last;
}

static void print_table_row(const cli_sheet *sheet, const char *const *cells) {
  size_t last = last_column(sheet);
  for (size_t c = 0; c <= last; c++)
    if (sheet->widths[c]) print_cell(cells[c], sheet->widths[c], c == sheet->tail_column, c < last);
  putchar('\n');
}

static void print_table_heading(const cli_sheet *sheet) {
  print_table_row(sheet, sheet->names);
  size_t last = last_column(sheet);
  for (size_t c = 0; c <= last; c++) {
    for (size_t i = 0; i < sheet->widths[c]; i++)
      fputs("─", stdout);
    if (sheet->widths[c] && c < last) printf("%*s", GAP, "");
  }
  putchar('\n');
}

static void print_csv_cell(const char *text) {
  if (!text[strcspn(text, "\",\r\n")]) {
    fputs(text, stdout);
    return;
  }
  putchar('"');
  for (; *text; text++) {
    if (*text == '"') putchar('"');
    putchar(*text);
  }
  putchar('"');
}

static void print_csv_row(const cli_sheet *sheet, const char *const *cells) {
  for (size_t c = 0; c < sheet->column_count; c++) {
    if (c) putchar(',');
    print_csv_cell(cells[c]);
  }
  putchar('\n');
}

static void flush(cli_sheet *sheet) {
  bool csv = sheet->cli->format == CLI_CSV;
  if (!sheet->begun && csv)
    print_csv_row(sheet, sheet->names);
  if (!sheet->begun && !csv && sheet->cell_count) {
    measure(sheet);
    print_table_heading(sheet);
  }
  sheet->begun = true;
  for (size_t i = 0; i + sheet->column_count <= sheet->cell_count; i += sheet->column_count) {
    if (csv)
      print_csv_row(sheet, (const char *const *)sheet->cells + i);
    else
      print_table_row(sheet, (const char *const *)sheet->cells + i);
  }
  for (size_t i = 0; i < sheet->cell_count; i++)
    free(sheet->cells[i]);
  sheet->cell_count = 0;
}

void cli_sheet_cell(cli_sheet *sheet, const char *text, size_t size) {
  if (sheet->cell_count == sheet->column_count * WINDOW_ROWS) flush(sheet);
  char *cell = NULL;
  if (sheet->cli->format == CLI_CSV) {
    cell = cli_copy(text, size);
  } else {
    cli_text clean = {0};
    cli_text_append_string(&clean, "");
    cli_text_append_printable(&clean, text, size < CELL_SIZE_MAX ? size : CELL_SIZE_MAX);
    cell = clean.data;
  }
  sheet->cells[sheet->cell_count++] = cell;
  if (sheet->cell_count % sheet->column_count == 0) sheet->row_count++;
}

void cli_sheet_cell_string(cli_sheet *sheet, const char *text) {
  cli_sheet_cell(sheet, text ? text : "", text ? strlen(text) : 0);
}

void cli_sheet_cell_json(cli_sheet *sheet, const json_t *value) {
  if (!value || json_is_null(value)) {
    cli_sheet_cell_string(sheet, NULL);
  } else if (json_is_string(value)) {
    cli_sheet_cell(sheet, json_string_value(value), json_string_length(value));
  } else if (json_is_real(value)) {
    cli_text number = {0};
    cli_text_append_double(&number, json_real_value(value));
    cli_sheet_cell(sheet, number.data, number.size);
    cli_text_free(&number);
  } else {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    cli_sheet_cell_string(sheet, text);
    free(text);
  }
}

void cli_sheet_end(cli_sheet *sheet) {
  flush(sheet);
  free(sheet->cells);
  free(sheet->widths);
  *sheet = (cli_sheet){0};
}
