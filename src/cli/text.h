/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growable text and the two JSON writers the program needs: escaping a string and indenting a compact
 * value. The program stops with an error when memory is exhausted: unlike the library it is a
 * process of its own, and a database is never left half-written by a process that ends.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Owned by the caller; `data[size]` is 0 once something was appended. */
typedef struct cli_text {
  char *data;
  size_t size, capacity;
} cli_text;

void cli_text_free(cli_text *text);
void cli_text_clear(cli_text *text);
void cli_text_append(cli_text *text, const char *data, size_t size);
void cli_text_append_string(cli_text *text, const char *string);
void cli_text_append_byte(cli_text *text, char byte);
void cli_text_vprintf(cli_text *text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
void cli_text_printf(cli_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void cli_text_append_json(cli_text *text, const char *string, size_t size);
/* The shortest decimal form that reads back as the same double; null for NaN and infinities. */
void cli_text_append_double(cli_text *text, double value);
/* Valid JSON, indented by two spaces a level; numbers and strings are kept byte for byte. */
void cli_text_append_indented(cli_text *text, const char *json, size_t size);
/* For a terminal: control characters (escape sequences among them) and bad UTF-8 become harmless. */
void cli_text_append_printable(cli_text *text, const char *string, size_t size);

/* As malloc, realloc and strndup, but they end the program (exit 1) without memory. */
void *cli_allocate(size_t size);
void *cli_reallocate(void *memory, size_t size);
char *cli_copy(const char *string, size_t size);

/* Decodes one character: its length in bytes, 0 when the bytes there are not UTF-8. */
size_t cli_utf8_decode(const char *data, size_t size, unsigned *ret_code_point);
/* Columns that UTF-8 text takes on a terminal. */
size_t cli_text_width(const char *data, size_t size);

#endif
