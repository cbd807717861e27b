/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings and keys. The four forms differ in two things, whether backslashes mean something and whether lines
 * may be spanned:
 *
 *              one line    several lines
 *   basic      "…"         """…"""            escapes
 *   literal    '…'         triple apostrophes none
 *
 * Line ends in multi-line strings become LF. A string that spans lines may end in up to two quotes of its own
 * before the closing three.
 */
#include "base/toml_internal.h"

#include "base/utf8.h"

typedef struct form {
  char quote;
  bool is_long; /* three quotes */
} form;

static int hex_value(int c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/* \uXXXX or \UXXXXXXXX; the place is behind the letter. */
static rem_status read_unicode(rem_toml_reader *reader, int digits, size_t start) {
  uint32_t character = 0;
  char bytes[4];
  for (int i = 0; i < digits; i++, reader->offset++) {
    int value = hex_value(rem_toml__peek(reader));
    if (value < 0)
      return rem_toml__fail(reader, start, "%d hex digits are expected in this escape", digits);
    character = character << 4 | (uint32_t)value;
  }
  if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
    return rem_toml__fail(reader, start, "U+%04X is not a character", character);
  rem_buffer_append(&reader->scratch, bytes, rem_utf8_encode(character, bytes));
  return REM_OK;
}

/* A backslash at the end of a line: the line end and all blank space after it vanish. False when it is none. */
static bool skip_folded_lines(rem_toml_reader *reader) {
  size_t start = reader->offset;
  rem_toml__skip_blanks(reader);
  if (rem_toml__peek(reader) < 0 || !rem_toml__is_line_end(reader)) {
    reader->offset = start;
    return false;
  }
  for (;;) {
    rem_toml__skip_blanks(reader);
    if (rem_toml__peek(reader) < 0 || !rem_toml__is_line_end(reader))
      return true;
    reader->offset += rem_toml__peek(reader) == '\n' ? 1 : 2;
  }
}

/* The place is at the backslash. */
static rem_status read_escape(rem_toml_reader *reader, form f) {
  static const char letters[] = "btnfr\"\\", meanings[] = "\b\t\n\f\r\"\\";
  size_t start = reader->offset++;
  if (f.is_long && skip_folded_lines(reader))
    return REM_OK;
  int c = rem_toml__peek(reader);
  if (c == 'u' || c == 'U') {
    reader->offset++;
    return read_unicode(reader, c == 'u' ? 4 : 8, start);
  }
  const char *letter = c > 0 ? strchr(letters, c) : NULL;
  if (!letter)
    return rem_toml__fail(reader, start, "there is no such escape; write \\\\ for a backslash");
  reader->offset++;
  rem_buffer_append_byte(&reader->scratch, (uint8_t)meanings[letter - letters]);
  return REM_OK;
}

/* Whether the string ends here; steps behind the closing quotes if so. */
static bool close_string(rem_toml_reader *reader, form f) {
  if (!f.is_long)
    return rem_toml__skip(reader, f.quote);
  size_t run = 0;
  while (run < 5 && reader->offset + run < reader->size && reader->text[reader->offset + run] == f.quote)
    run++;
  if (run < 3)
    return false;
  rem_buffer_append(&reader->scratch, reader->text + reader->offset, run - 3);
  reader->offset += run;
  return true;
}

/* One character, escape or line end of the content. */
static rem_status read_piece(rem_toml_reader *reader, form f, size_t start) {
  int c = rem_toml__peek(reader);
  if (c < 0)
    return rem_toml__fail(reader, start, "this string has no end");
  if (c == '\\' && f.quote == '"')
    return read_escape(reader, f);
  if (rem_toml__is_line_end(reader)) {
    if (!f.is_long)
      return rem_toml__fail(reader, start, "this string does not end in its line");
    reader->offset += c == '\n' ? 1 : 2;
    rem_buffer_append_byte(&reader->scratch, '\n');
    return REM_OK;
  }
  if ((c < 0x20 && c != '\t') || c == 0x7F)
    return rem_toml__fail(reader, reader->offset, "control character 0x%02x in a string", (unsigned)c);
  reader->offset++;
  rem_buffer_append_byte(&reader->scratch, (uint8_t)c);
  return REM_OK;
}

rem_status rem_toml__read_string(rem_toml_reader *reader, bool may_span_lines) {
  size_t start = reader->offset;
  form f = {.quote = reader->text[start]};
  char quotes[3] = {f.quote, f.quote, f.quote};
  f.is_long = rem_toml__starts_with(reader, quotes, 3);
  if (f.is_long && !may_span_lines)
    return rem_toml__fail(reader, start, "a multi-line string cannot be a key");
  reader->offset += f.is_long ? 3 : 1;
  if (f.is_long && rem_toml__peek(reader) >= 0 && rem_toml__is_line_end(reader)) /* right after the opening: trimmed */
    reader->offset += rem_toml__peek(reader) == '\n' ? 1 : 2;
  rem_buffer_reset(&reader->scratch);
  while (!close_string(reader, f))
    REM_TRY(read_piece(reader, f, start));
  return rem_buffer_status(&reader->scratch, reader->err);
}

static bool is_bare(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

rem_status rem_toml__read_key(rem_toml_reader *reader, rem_toml_key *ret_key) {
  size_t start = reader->offset;
  int c = rem_toml__peek(reader);
  if (c == '"' || c == '\'') {
    REM_TRY(rem_toml__read_string(reader, false));
    const char *text = reader->scratch.size ? (const char *)reader->scratch.data : "";
    if (memchr(text, 0, reader->scratch.size))
      return rem_toml__fail(reader, start, "a key may not contain U+0000");
    *ret_key = (rem_toml_key){text, reader->scratch.size, start};
    return REM_OK;
  }
  while (is_bare(rem_toml__peek(reader)))
    reader->offset++;
  if (reader->offset == start)
    return rem_toml__fail(reader, start, "a key is expected here");
  *ret_key = (rem_toml_key){reader->text + start, reader->offset - start, start};
  return REM_OK;
}
