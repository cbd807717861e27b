/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sheet.h"

#define DEEPEST 16

bool cli_wants_json(const cli *cli) {
  return cli->format == CLI_JSON || cli->format == CLI_JSONL;
}

bool cli_output_broken(void) {
  return ferror(stdout) != 0;
}

void cli_array_begin(cli *cli) {
  cli->array_count = 0;
  if (cli->format == CLI_JSON) fputs("[", stdout);
}

void cli_array_item(cli *cli, const char *json, size_t size) {
  if (cli->format == CLI_JSON) fputs(cli->array_count ? ",\n" : "\n", stdout);
  fwrite(json, 1, size, stdout);
  if (cli->format == CLI_JSONL) putchar('\n');
  cli->array_count++;
}

void cli_array_end(cli *cli) {
  if (cli->format == CLI_JSON) fputs(cli->array_count ? "\n]\n" : "]\n", stdout);
}

/* ------------------------------------------------------------------------------------------- */

static bool is_plain(const json_t *value) {
  return !json_is_object(value) && !json_is_array(value);
}

static void append_value(cli_text *text, const json_t *value);

static void append_list(cli_text *text, const json_t *list) {
  size_t index;
  json_t *item;
  json_array_foreach(list, index, item) {
    if (index) cli_text_append_string(text, ", ");
    append_value(text, item);
  }
}

static void append_value(cli_text *text, const json_t *value) {
  if (json_is_string(value)) {
    cli_text_append_printable(text, json_string_value(value), json_string_length(value));
  } else if (json_is_real(value)) {
    cli_text_append_double(text, json_real_value(value));
  } else if (!json_is_null(value)) {
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (dumped) cli_text_append_printable(text, dumped, strlen(dumped));
    free(dumped);
  }
}

static bool all_plain(const json_t *list) {
  size_t index;
  json_t *item;
  json_array_foreach(list, index, item) {
    if (!is_plain(item))
      return false;
  }
  return true;
}

static size_t name_width(const json_t *object) {
  size_t width = 0;
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)object, name, value) {
    size_t size = cli_text_width(name, strlen(name));
    if (size > width && is_plain(value)) width = size;
  }
  return width;
}

static size_t value_width(const json_t *value) {
  cli_text text = {0};
  append_value(&text, value);
  size_t width = text.size ? cli_text_width(text.data, text.size) : 0;
  cli_text_free(&text);
  return width;
}

/* One column of a list of objects: the widest of its values and its name. */
static size_t column_width(const json_t *list, const char *name) {
  size_t width = cli_text_width(name, strlen(name)), index;
  json_t *item;
  json_array_foreach(list, index, item) {
    size_t wanted = value_width(json_object_get(item, name));
    width = wanted > width ? wanted : width;
  }
  return width;
}

/* A list of objects as a small table with the members of the first one as columns. */
static void append_rows(cli_text *text, const json_t *list, size_t depth) {
  json_t *first = json_array_get(list, 0), *item, *value;
  const char *name;
  size_t index;
  cli_text_printf(text, "\n%*s", (int)(2 * depth + 2), "");
  json_object_foreach(first, name, value) {
    cli_text_append_printable(text, name, strlen(name));
    cli_text_printf(text, "%*s", (int)(column_width(list, name) - cli_text_width(name, strlen(name)) + 2), "");
  }
  json_array_foreach(list, index, item) {
    cli_text_printf(text, "\n%*s", (int)(2 * depth + 2), "");
    json_object_foreach(first, name, value) {
      json_t *cell = json_object_get(item, name);
      append_value(text, cell);
      cli_text_printf(text, "%*s", (int)(column_width(list, name) - value_width(cell) + 2), "");
    }
  }
  cli_text_append_byte(text, '\n');
}

static bool all_objects(const json_t *list) {
  size_t index;
  json_t *item;
  json_array_foreach(list, index, item) {
    if (!json_is_object(item))
      return false;
  }
  return json_array_size(list) > 0;
}

static void append_tree(cli_text *text, const json_t *object, size_t depth);

static void append_member(cli_text *text, const char *name, const json_t *value, size_t width, size_t depth) {
  cli_text_printf(text, "%*s", (int)(2 * depth), "");
  cli_text_append_printable(text, name, strlen(name));
  bool list = json_is_array(value) && all_plain(value);
  if ((json_is_object(value) && json_object_size(value) == 0) || (json_is_array(value) && json_array_size(value) == 0)) {
    cli_text_append_string(text, "  (none)\n");
  } else if (json_is_object(value) && depth < DEEPEST) {
    cli_text_append_byte(text, '\n');
    append_tree(text, value, depth + 1);
  } else if (all_objects(value)) {
    append_rows(text, value, depth);
  } else if (json_is_array(value) && !list && depth < DEEPEST) {
    size_t index;
    json_t *item;
    json_array_foreach(value, index, item) {
      cli_text_append_string(text, index ? "" : "\n");
      cli_text_printf(text, "%*s", (int)(2 * depth + 2), "");
      append_value(text, item);
      cli_text_append_byte(text, '\n');
    }
  } else {
    size_t used = cli_text_width(name, strlen(name));
    cli_text_printf(text, "%*s", (int)(width > used ? width - used + 2 : 2), "");
    list ? append_list(text, value) : append_value(text, value);
    cli_text_append_byte(text, '\n');
  }
}

static void append_tree(cli_text *text, const json_t *object, size_t depth) {
  size_t width = name_width(object);
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)object, name, value) {
    append_member(text, name, value, width, depth);
  }
}

static void print_object_csv(cli *cli, const json_t *object) {
  static const char *names[] = {"name", "value"};
  cli_sheet sheet;
  cli_sheet_begin(&sheet, cli, names, 2);
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)object, name, value) {
    cli_sheet_cell_string(&sheet, name);
    cli_sheet_cell_json(&sheet, value);
  }
  cli_sheet_end(&sheet);
}

void cli_print_object(cli *cli, const char *json, size_t size) {
  json_t *object = cli_wants_json(cli) ? NULL : json_loadb(json, size, JSON_ALLOW_NUL, NULL);
  if (!object) {
    fwrite(json, 1, size, stdout);
    putchar('\n');
  } else if (cli->format == CLI_CSV) {
    print_object_csv(cli, object);
  } else {
    cli_text text = {0};
    append_tree(&text, object, 0);
    fwrite(text.data ? text.data : "", 1, text.size, stdout);
    cli_text_free(&text);
  }
  json_decref(object);
}

static void print_items(cli *cli, const json_t *array, size_t size, const char *json) {
  if (cli->format == CLI_JSON || !array) {
    fwrite(json, 1, size, stdout);
    putchar('\n');
    return;
  }
  size_t index;
  json_t *item;
  json_array_foreach(array, index, item) {
    char *line = json_dumps(item, JSON_COMPACT | JSON_ENCODE_ANY);
    puts(line ? line : "null");
    free(line);
  }
}

static void print_item_sheet(cli *cli, const json_t *array, const char *const *columns) {
  size_t column_count = 0;
  while (columns[column_count])
    column_count++;
  cli_sheet sheet;
  cli_sheet_begin(&sheet, cli, (const char **)columns, column_count);
  size_t index;
  json_t *item;
  json_array_foreach(array, index, item) {
    for (size_t c = 0; c < column_count; c++)
      cli_sheet_cell_json(&sheet, json_object_get(item, columns[c]));
  }
  cli_sheet_end(&sheet);
}

void cli_print_objects(cli *cli, const char *json, size_t size, const char *const *columns) {
  json_t *array = cli->format == CLI_JSON ? NULL : json_loadb(json, size, JSON_ALLOW_NUL, NULL);
  if (cli_wants_json(cli) || !array)
    print_items(cli, array, size, json);
  else
    print_item_sheet(cli, array, columns);
  if (array) cli->row_count = (int64_t)json_array_size(array);
  json_decref(array);
}

void cli_print_line(cli *cli, const char *format, ...) {
  if (cli->format != CLI_TABLE)
    return;
  cli_text made = {0}, line = {0};
  va_list arguments;
  va_start(arguments, format);
  cli_text_vprintf(&made, format, arguments);
  va_end(arguments);
  cli_text_append_printable(&line, made.data, made.size);
  puts(line.data ? line.data : "");
  cli_text_free(&line);
  cli_text_free(&made);
}

/* Whoever read has enough. Asked of the pipe itself, as errno of the write that met it is long gone. */
static bool pipe_is_closed(void) {
  struct pollfd output = {.fd = STDOUT_FILENO};
  return poll(&output, 1, 0) == 1 && (output.revents & POLLERR);
}

int cli_output_finish(cli *cli, int code) {
  errno = 0;
  bool failed = fflush(stdout) != 0 || ferror(stdout);
  if (!failed || errno == EPIPE || pipe_is_closed())
    return code;
  int failure = cli_fail_with(cli, errno == ENOSPC ? REM_FULL : REM_IO, NULL, "cannot write the output%s%s",
                              errno ? ": " : "", errno ? strerror(errno) : "");
  return code == CLI_DONE ? failure : code;
}
