/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a statement as they come: JSON from the library, tables and CSV from the values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "query.h"
#include "sheet.h"
#include "signals.h"

/* RFC 3339 in UTC with as many digits of the second as are needed. */
static void append_instant(cli_text *text, int64_t instant_us) {
  int64_t days = instant_us / 86400000000, rest = instant_us % 86400000000;
  if (rest < 0) {
    rest += 86400000000;
    days--;
  }
  /* Civil from days: years begin in March, so that the leap day is the last. */
  int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  int64_t day = shifted - era * 146097, year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  int64_t of_year = day - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
  int64_t civil_month = month < 10 ? month + 3 : month - 9;
  cli_text_printf(text, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld", (long long)(year + era * 400 + (civil_month <= 2)),
                  (long long)civil_month, (long long)(of_year - (153 * month + 2) / 5 + 1), (long long)(rest / 3600000000),
                  (long long)(rest / 60000000 % 60), (long long)(rest / 1000000 % 60));
  if (rest % 1000000) {
    char digits[16];
    int size = snprintf(digits, sizeof digits, ".%06lld", (long long)(rest % 1000000));
    while (digits[size - 1] == '0')
      size--;
    cli_text_append(text, digits, (size_t)size);
  }
  cli_text_append_byte(text, 'Z');
}

static void append_value(cli_text *text, const rem_value *value) {
  char id[REM_ID_TEXT_SIZE];
  switch (value->type) {
  case REM_TYPE_NULL:
    return;
  case REM_TYPE_BOOL:
    cli_text_append_string(text, value->integer ? "true" : "false");
    return;
  case REM_TYPE_INT:
    cli_text_printf(text, "%lld", (long long)value->integer);
    return;
  case REM_TYPE_REAL:
    cli_text_append_double(text, value->real);
    return;
  case REM_TYPE_INSTANT:
    append_instant(text, value->integer);
    return;
  case REM_TYPE_UUID:
    rem_id_format(value->uuid, id);
    cli_text_append_string(text, id);
    return;
  case REM_TYPE_BLOB:
    for (size_t i = 0; i < value->text_size; i++)
      cli_text_printf(text, "%02x", (unsigned char)value->text[i]);
    return;
  default:
    cli_text_append(text, value->text, value->text_size);
  }
}

/* Where the rows go. */
typedef struct printer {
  cli *cli;
  bool json;
  cli_sheet sheet;
  const char **names; /* owned array of owned names: those of the statement end with its first step */
  int column_count;
} printer;

static void printer_begin(printer *p, cli *cli, rem_statement *statement) {
  *p = (printer){.cli = cli, .json = cli_wants_json(cli), .column_count = rem_statement_column_count(statement)};
  if (p->json) {
    cli_array_begin(cli);
    return;
  }
  p->names = cli_allocate(sizeof *p->names * (size_t)p->column_count);
  for (int i = 0; i < p->column_count; i++) {
    const char *name = rem_statement_column_name(statement, i);
    p->names[i] = cli_copy(name ? name : "", name ? strlen(name) : 0);
  }
  cli_sheet_begin(&p->sheet, cli, p->names, (size_t)p->column_count);
}

static rem_status print_row(printer *p, rem_statement *statement, rem_error *err) {
  if (p->json) {
    rem_bytes json = {0};
    rem_status status = rem_statement_row_json(statement, &json, err);
    if (status < 0)
      return status;
    cli_array_item(p->cli, json.data, json.size);
    rem_bytes_free(&json);
    return REM_OK;
  }
  cli_text text = {0};
  for (int i = 0; i < p->column_count; i++) {
    rem_value value = rem_statement_value(statement, i);
    cli_text_clear(&text);
    append_value(&text, &value);
    cli_sheet_cell(&p->sheet, text.data ? text.data : "", text.size);
  }
  cli_text_free(&text);
  return REM_OK;
}

static void printer_end(printer *p) {
  if (p->json) {
    cli_array_end(p->cli);
    return;
  }
  cli_sheet_end(&p->sheet);
  for (int i = 0; i < p->column_count; i++)
    free((char *)p->names[i]);
  free(p->names);
}

static rem_status print_rows(cli *cli, rem_statement *statement, rem_error *err) {
  printer p;
  /* The first step before anything is printed: most failures come with it. */
  rem_status status = rem_statement_step(statement, err);
  if (status < 0)
    return status;
  printer_begin(&p, cli, statement);
  while (status == REM_ROW && !cli_output_broken()) {
    if ((status = print_row(&p, statement, err)) < 0)
      break;
    cli->row_count++;
    status = rem_statement_step(statement, err);
  }
  printer_end(&p);
  return status < 0 ? status : REM_OK;
}

/* What a statement without rows has done: to programs a row, to people a word on stderr. */
static void print_changes(cli_query *query, bool writes, int64_t changes) {
  cli *cli = query->cli;
  if (!writes && !query->single)
    return;
  if (cli->format == CLI_TABLE) {
    if (writes) cli_notice(cli, "%lld row%s changed", (long long)changes, changes == 1 ? "" : "s");
    return;
  }
  if (cli->format == CLI_CSV) {
    if (writes) printf("changes\n%lld\n", (long long)changes);
    return;
  }
  char row[64];
  int size = snprintf(row, sizeof row, "{\"changes\":%lld}", (long long)changes);
  cli_array_begin(cli);
  if (writes) cli_array_item(cli, row, (size_t)size);
  cli_array_end(cli);
}

rem_status cli_query_print(cli_query *query, rem_statement *statement, rem_error *err) {
  cli *cli = query->cli;
  rem_status status = REM_OK;
  cli->row_count = 0;
  if (rem_statement_column_count(statement) > 0) {
    status = print_rows(cli, statement, err);
  } else {
    do
      status = rem_statement_step(statement, err);
    while (status == REM_ROW);
    if (status >= 0) print_changes(query, !rem_statement_read_only(statement), rem_statement_changes(statement));
    cli->row_count = -1;
  }
  int64_t pending = status < 0 ? 0 : rem_statement_pending(statement);
  if (pending > 0) cli_notice_pending(cli, "%lld rows could not be searched: their embedding is pending", (long long)pending);
  return status < 0 ? status : REM_OK;
}
