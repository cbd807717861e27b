/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static _Noreturn void out_of_memory(void) {
  fputs("db: out of memory\n", stderr);
  _Exit(1);
}

void *cli_allocate(size_t size) {
  void *memory = calloc(1, size ? size : 1);
  if (!memory) out_of_memory();
  return memory;
}

void *cli_reallocate(void *memory, size_t size) {
  void *grown = realloc(memory, size ? size : 1);
  if (!grown) out_of_memory();
  return grown;
}

char *cli_copy(const char *string, size_t size) {
  char *copy = cli_allocate(size + 1);
  memcpy(copy, string, size);
  return copy;
}

void cli_text_free(cli_text *text) {
  free(text->data);
  *text = (cli_text){0};
}

void cli_text_clear(cli_text *text) {
  text->size = 0;
  if (text->data) text->data[0] = 0;
}

static void reserve(cli_text *text, size_t more) {
  size_t needed = text->size + more + 1;
  if (needed <= text->capacity)
    return;
  size_t capacity = text->capacity ? text->capacity : 256;
  while (capacity < needed)
    capacity *= 2;
  text->data = cli_reallocate(text->data, capacity);
  text->capacity = capacity;
}

void cli_text_append(cli_text *text, const char *data, size_t size) {
  reserve(text, size);
  if (size) memcpy(text->data + text->size, data, size);
  text->size += size;
  text->data[text->size] = 0;
}

void cli_text_append_string(cli_text *text, const char *string) {
  cli_text_append(text, string, strlen(string));
}

void cli_text_append_byte(cli_text *text, char byte) {
  cli_text_append(text, &byte, 1);
}

void cli_text_vprintf(cli_text *text, const char *format, va_list arguments) {
  char *made = NULL;
  int size = vasprintf(&made, format, arguments);
  if (size < 0) out_of_memory();
  cli_text_append(text, made, (size_t)size);
  free(made);
}

void cli_text_printf(cli_text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cli_text_vprintf(text, format, arguments);
  va_end(arguments);
}

size_t cli_utf8_decode(const char *data, size_t size, unsigned *ret_code_point) {
  const unsigned char *p = (const unsigned char *)data;
  if (size == 0)
    return 0;
  if (p[0] < 0x80) {
    *ret_code_point = p[0];
    return 1;
  }
  size_t length = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
  if (p[0] < 0xC2 || p[0] > 0xF4 || size < length)
    return 0;
  unsigned code = p[0] & (0x7Fu >> length);
  for (size_t i = 1; i < length; i++) {
    if ((p[i] & 0xC0) != 0x80)
      return 0;
    code = code << 6 | (p[i] & 0x3Fu);
  }
  bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
    return 0;
  *ret_code_point = code;
  return length;
}

static void append_json_escape(cli_text *text, unsigned char byte) {
  static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
  for (const char *pair = letters; *pair; pair += 2)
    if ((unsigned char)pair[0] == byte) {
      cli_text_printf(text, "\\%c", pair[1]);
      return;
    }
  cli_text_printf(text, "\\u%04x", byte);
}

void cli_text_append_json(cli_text *text, const char *string, size_t size) {
  cli_text_append_byte(text, '"');
  for (size_t i = 0; i < size;) {
    unsigned code = 0;
    size_t length = cli_utf8_decode(string + i, size - i, &code);
    if (length == 0) {
      cli_text_append_string(text, "\xEF\xBF\xBD");
      i++;
      continue;
    }
    if (code < 0x20 || code == '"' || code == '\\')
      append_json_escape(text, (unsigned char)code);
    else
      cli_text_append(text, string + i, length);
    i += length;
  }
  cli_text_append_byte(text, '"');
}

void cli_text_append_double(cli_text *text, double value) {
  if (!isfinite(value)) {
    cli_text_append_string(text, "null");
    return;
  }
  char digits[40];
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, value);
    if (strtod(digits, NULL) == value)
      break;
  }
  cli_text_append_string(text, digits);
}

/* ------------------------------------------------------------------------------------------- */

static void new_line(cli_text *text, size_t depth) {
  cli_text_append_byte(text, '\n');
  for (size_t i = 0; i < depth; i++)
    cli_text_append(text, "  ", 2);
}

/* The length of the string literal that begins at json[0], quotes included. */
static size_t literal_size(const char *json, size_t size) {
  size_t i = 1;
  while (i < size && json[i] != '"')
    i += json[i] == '\\' ? 2 : 1;
  return i < size ? i + 1 : size;
}

void cli_text_append_indented(cli_text *text, const char *json, size_t size) {
  size_t depth = 0;
  for (size_t i = 0; i < size; i++) {
    char c = json[i];
    bool empty = i + 1 < size && (json[i + 1] == '}' || json[i + 1] == ']');
    if (c == '"') {
      size_t length = literal_size(json + i, size - i);
      cli_text_append(text, json + i, length);
      i += length - 1;
    } else if ((c == '{' || c == '[') && empty) {
      cli_text_append(text, json + i, 2);
      i++;
    } else if (c == '{' || c == '[') {
      cli_text_append_byte(text, c);
      new_line(text, ++depth);
    } else if (c == '}' || c == ']') {
      new_line(text, depth ? --depth : 0);
      cli_text_append_byte(text, c);
    } else if (c == ',') {
      cli_text_append_byte(text, c);
      new_line(text, depth);
    } else if (c == ':') {
      cli_text_append_string(text, ": ");
    } else if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
      cli_text_append_byte(text, c);
    }
  }
}

/* ------------------------------------------------------------------------------------------- */

void cli_text_append_printable(cli_text *text, const char *string, size_t size) {
  for (size_t i = 0; i < size;) {
    unsigned code = 0;
    size_t length = cli_utf8_decode(string + i, size - i, &code);
    bool space = length == 1 && (code == '\n' || code == '\t' || code == '\r');
    bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    /* Marks that reorder or hide text could make one value look like another. */
    bool disguise = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    if (space)
      cli_text_append_byte(text, ' ');
    else if (length == 0 || control || disguise)
      cli_text_append_string(text, "\xEF\xBF\xBD");
    else
      cli_text_append(text, string + i, length);
    i += length ? length : 1;
  }
}

size_t cli_text_width(const char *data, size_t size) {
  /* wcwidth() needs a UTF-8 locale; loading one costs a cold `lookup | jq` nothing, as only tables ask. */
  static bool ready;
  if (!ready) {
    ready = true;
    if (!setlocale(LC_CTYPE, "C.UTF-8")) setlocale(LC_CTYPE, "");
  }
  size_t width = 0;
  for (size_t i = 0; i < size;) {
    unsigned code = 0;
    size_t length = cli_utf8_decode(data + i, size - i, &code);
    int columns = length ? wcwidth((wchar_t)code) : 1;
    width += columns > 0 ? (size_t)columns : 0;
    i += length ? length : 1;
  }
  return width;
}
