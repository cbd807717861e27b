/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values. Numbers, dates and words are first cut out as one token (everything up to a blank, comma, bracket,
 * comment or line end) and then judged as a whole, so that `1_000x` is one wrong value, not a number with
 * something behind it.
 *
 * JSON has no infinities, no NaN and no dates: the first two are refused, dates become their own text.
 */
#include "base/toml_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/instant.h"
#include "base/real.h"

#define LONGEST_NUMBER 400 /* more digits than any double needs to be told from its neighbour by people */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_digit_of(char c, int base) {
  if (base <= 10)
    return c >= '0' && c < '0' + base;
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Copies digits with single underscores between them, without those; steps `*p` behind them. False when there
 * is none, or an underscore has no digit on either side. */
static bool take_digits(const char **p, const char *end, int base, rem_buffer *digits) {
  bool had_digit = false;
  for (; *p < end; (*p)++) {
    if (is_digit_of(**p, base)) {
      rem_buffer_append_byte(digits, (uint8_t)**p);
      had_digit = true;
    } else if (**p == '_') {
      if (!had_digit || *p + 1 == end || !is_digit_of((*p)[1], base))
        return false;
      had_digit = false;
    } else {
      break;
    }
  }
  return had_digit;
}

static json_t *finish_integer(const char *digits, int base, bool *ret_overflow) {
  errno = 0;
  long long value = strtoll(digits, NULL, base);
  *ret_overflow = errno == ERANGE;
  return *ret_overflow ? NULL : json_integer(value);
}

/* 0x…, 0o…, 0b…; NULL when it is none, or too large. */
static json_t *parse_prefixed(const char *p, const char *end, rem_buffer *digits, bool *ret_overflow) {
  if (end - p < 3 || p[0] != '0' || !strchr("xob", p[1]))
    return NULL;
  int base = p[1] == 'x' ? 16 : p[1] == 'o' ? 8 : 2;
  p += 2;
  if (!take_digits(&p, end, base, digits) || p != end)
    return NULL;
  rem_buffer_append_byte(digits, 0);
  return digits->failure ? NULL : finish_integer((const char *)digits->data, base, ret_overflow);
}

static void take_sign(const char **p, const char *end, rem_buffer *digits) {
  if (*p == end || (**p != '+' && **p != '-'))
    return;
  if (**p == '-')
    rem_buffer_append_byte(digits, '-');
  (*p)++;
}

/* After the integer part: [.digits][e[sign]digits]. */
static bool take_fraction_and_exponent(const char **p, const char *end, rem_buffer *digits) {
  if (*p < end && **p == '.') {
    rem_buffer_append_byte(digits, '.');
    (*p)++;
    if (!take_digits(p, end, 10, digits))
      return false;
  }
  if (*p < end && (**p == 'e' || **p == 'E')) {
    rem_buffer_append_byte(digits, 'e');
    (*p)++;
    take_sign(p, end, digits);
    return take_digits(p, end, 10, digits);
  }
  return true;
}

static json_t *finish_real(const char *digits, bool *ret_overflow) {
  double value = rem_real_parse(digits, NULL);
  *ret_overflow = !isfinite(value);
  return *ret_overflow ? NULL : json_real(value);
}

static json_t *parse_decimal(const char *p, const char *end, rem_buffer *digits, bool *ret_overflow) {
  take_sign(&p, end, digits);
  if (end - p > 1 && p[0] == '0' && (is_digit(p[1]) || p[1] == '_'))
    return NULL; /* a leading zero */
  if (!take_digits(&p, end, 10, digits))
    return NULL;
  bool is_integer = p == end;
  if (!take_fraction_and_exponent(&p, end, digits) || p != end)
    return NULL;
  rem_buffer_append_byte(digits, 0);
  if (digits->failure)
    return NULL;
  return is_integer ? finish_integer((const char *)digits->data, 10, ret_overflow)
                    : finish_real((const char *)digits->data, ret_overflow);
}

static bool is_instant(const char *before, rem_slice token, const char *after, bool lenient) {
  char text[80];
  int64_t ignored;
  int size = snprintf(text, sizeof text, "%s%.*s%s", before, (int)token.size, (const char *)token.data, after);
  return size > 0 && (size_t)size < sizeof text && rem_instant_parse(text, (size_t)size, lenient, &ignored);
}

/* An offset or local date-time, a local date or a local time. */
static bool is_date_or_time(rem_slice token) {
  if (token.size < 8 || token.size > 60)
    return false;
  if (token.data[2] == ':')
    return is_instant("2000-01-01T", token, "Z", false);
  if (token.data[4] != '-')
    return false;
  return is_instant("", token, "", false) || is_instant("", token, token.size == 10 ? "T00:00:00Z" : "Z", false);
}

static bool ends_token(int c) {
  return c < 0 || (c != 0 && strchr(" \t\r\n,]}#=", c));
}

static rem_slice take_token(rem_toml_reader *reader) {
  size_t start = reader->offset;
  while (!ends_token(rem_toml__peek(reader)))
    reader->offset++;
  const char *date = reader->text + start;
  /* A date may be parted from its time by one blank. */
  if (reader->offset - start == 10 && date[4] == '-' && date[7] == '-' && rem_toml__peek(reader) == ' ' &&
      reader->offset + 1 < reader->size && is_digit(date[11]))
    for (reader->offset++; !ends_token(rem_toml__peek(reader));)
      reader->offset++;
  return rem_slice_of(reader->text + start, reader->offset - start);
}

static bool token_is(rem_slice token, const char *word) {
  return rem_slice_equal(token, rem_slice_text(word));
}

static rem_status fail_value(rem_toml_reader *reader, rem_slice token, const char *reason) {
  size_t start = (size_t)((const char *)token.data - reader->text);
  if (token.size == 0)
    return rem_toml__fail(reader, start, "a value is expected here");
  return rem_toml__fail(reader, start, "'%.*s' %s", (int)(token.size < 100 ? token.size : 100),
                        (const char *)token.data, reason);
}

static rem_status read_number(rem_toml_reader *reader, rem_slice token, json_t **ret_value) {
  const char *start = (const char *)token.data, *end = start + token.size;
  bool overflow = false;
  if (token.size > LONGEST_NUMBER)
    return fail_value(reader, token, "is too long for a number");
  rem_buffer_reset(&reader->scratch);
  json_t *value = parse_prefixed(start, end, &reader->scratch, &overflow);
  if (!value && !overflow) {
    rem_buffer_reset(&reader->scratch);
    value = parse_decimal(start, end, &reader->scratch, &overflow);
  }
  REM_TRY(rem_buffer_status(&reader->scratch, reader->err));
  if (overflow)
    return fail_value(reader, token, "is outside the range of 64 bits");
  if (!value)
    return fail_value(reader, token, "is not a value; text is written in quotes");
  *ret_value = value;
  return REM_OK;
}

static rem_status read_token(rem_toml_reader *reader, json_t **ret_value) {
  rem_slice token = take_token(reader);
  bool has_sign = token.size > 0 && (token.data[0] == '+' || token.data[0] == '-');
  rem_slice word = rem_slice_of(token.data + has_sign, token.size - has_sign);
  if (token_is(token, "true") || token_is(token, "false")) {
    *ret_value = json_boolean(token.data[0] == 't');
    return REM_OK;
  }
  if (token_is(word, "inf") || token_is(word, "nan"))
    return fail_value(reader, token, "is not accepted: numbers must be finite");
  if (!is_date_or_time(token))
    return read_number(reader, token, ret_value);
  json_t *text = json_stringn_nocheck((const char *)token.data, token.size);
  if (!text)
    return rem_error_nomem(reader->err);
  *ret_value = text;
  return REM_OK;
}

static rem_status read_string_value(rem_toml_reader *reader, json_t **ret_value) {
  REM_TRY(rem_toml__read_string(reader, true));
  const char *text = reader->scratch.size ? (const char *)reader->scratch.data : "";
  *ret_value = json_stringn_nocheck(text, reader->scratch.size);
  return *ret_value ? REM_OK : rem_error_nomem(reader->err);
}

static rem_status read_array(rem_toml_reader *reader, json_t **ret_value) {
  size_t start = reader->offset++;
  json_t *array REM_AUTO_JSON = json_array();
  REM_TRY(rem_toml__enter(reader));
  for (bool needs_comma = false;; needs_comma = true) {
    json_t *element = NULL;
    REM_TRY(rem_toml__skip_lines(reader));
    bool has_comma = needs_comma && rem_toml__skip(reader, ',');
    REM_TRY(rem_toml__skip_lines(reader));
    if (rem_toml__skip(reader, ']'))
      break;
    if (rem_toml__peek(reader) < 0)
      return rem_toml__fail(reader, start, "this array has no end");
    if (needs_comma && !has_comma)
      return rem_toml__fail(reader, reader->offset, "',' or ']' is expected here");
    REM_TRY(rem_toml__read_value(reader, &element));
    if (json_array_append_new(array, element) != 0)
      return rem_error_nomem(reader->err);
  }
  reader->depth--;
  *ret_value = REM_TAKE(array);
  return REM_OK;
}

static rem_status read_pairs(rem_toml_reader *reader, json_t *table) {
  rem_toml__skip_blanks(reader);
  if (rem_toml__skip(reader, '}'))
    return REM_OK;
  for (;;) {
    REM_TRY(rem_toml__read_pair(reader, table));
    rem_toml__skip_blanks(reader);
    if (rem_toml__skip(reader, '}'))
      return REM_OK;
    if (!rem_toml__skip(reader, ','))
      return rem_toml__fail(reader, reader->offset, "',' or '}' is expected here: an inline table stays in its line");
    rem_toml__skip_blanks(reader);
  }
}

static rem_status read_inline_table(rem_toml_reader *reader, json_t **ret_value) {
  json_t *table REM_AUTO_JSON = json_object();
  uintptr_t outer = reader->section;
  if (!table)
    return rem_error_nomem(reader->err);
  reader->offset++;
  REM_TRY(rem_toml__enter(reader));
  reader->section = ++reader->last_section;
  REM_TRY(read_pairs(reader, table));
  reader->section = outer;
  reader->depth--;
  *ret_value = REM_TAKE(table);
  return REM_OK;
}

rem_status rem_toml__read_value(rem_toml_reader *reader, json_t **ret_value) {
  switch (rem_toml__peek(reader)) {
  case '"':
  case '\'': return read_string_value(reader, ret_value);
  case '[': return read_array(reader, ret_value);
  case '{': return read_inline_table(reader, ret_value);
  default: return read_token(reader, ret_value);
  }
}
