/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of text cells as a table for people or as CSV.
 *
 * A table's column widths come from its first 200 rows, so that a listing of any length streams in bounded
 * memory; the widest columns shrink until a line fits. Cells are cleaned of control characters:
 * stored text cannot steer the reader's terminal.
 */
#ifndef CLI_SHEET_H
#define CLI_SHEET_H

#include "cli.h"

typedef struct cli_sheet {
  cli *cli;
  const char **names; /* borrowed: column headings */
  size_t column_count;
  char **cells; /* owned: rows waiting for the widths */
  size_t cell_count, row_count;
  size_t *widths; /* 0: the column is left out */
  bool last_is_optional; /* leave the last column out of a table rather than cut cells */
  size_t tail_column; /* cut cells of this column keep their end: a path's end says more; SIZE_MAX: none */
  bool begun;
} cli_sheet;

/* `names` is borrowed until cli_sheet_end(). */
void cli_sheet_begin(cli_sheet *sheet, cli *cli, const char **names, size_t column_count);
/* The next cell, row by row; copied. NULL is an empty one. */
void cli_sheet_cell(cli_sheet *sheet, const char *text, size_t size);
void cli_sheet_cell_string(cli_sheet *sheet, const char *text);
/* Strings as they are, null as nothing, everything else as compact JSON. */
void cli_sheet_cell_json(cli_sheet *sheet, const json_t *value);
/* Prints what waits and frees it. */
void cli_sheet_end(cli_sheet *sheet);

#endif
