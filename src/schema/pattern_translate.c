/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECMA-262 regular expressions (u flag) in PCRE2's words.
 *
 * Both languages agree on most of their syntax; one pass over the text rewrites the rest:
 *
 *   .             [^\n\r\x{2028}\x{2029}]        unless the s flag is set inline
 *   \s  \S        the white space of ECMA-262, which PCRE2 without UCP does not know
 *   \v            U+000B (PCRE2: any vertical space)
 *   \uXXXX \u{X}  \x{X}, surrogate pairs joined
 *   \p{Letter}    \p{L}: the long names of general categories
 *   \0  \3        \x{0}  \g{3}
 *   {  [ in []    escaped where they stand for themselves
 *
 * Whatever else PCRE2 gives a meaning of its own is refused, so that no expression means here what it does not mean
 * elsewhere.
 */
#include "schema/pattern_internal.h"

#include "base/utf8.h"

#define WHITE_RANGES "\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
#define NOT_WHITE_RANGES                                                                                       \
  "\\x{0}-\\x{8}\\x{e}-\\x{1f}!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}" \
  "\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

typedef struct reader {
  const char *text;
  size_t size, at;
  bool in_class;
  bool dot_is_all; /* an inline s flag */
  rem_buffer *out;
  rem_error *err;
} reader;

static rem_status refuse(const reader *r, size_t at, const char *reason) {
  size_t character = 1;
  for (size_t i = 0; i < at && i < r->size; i++)
    character += ((unsigned char)r->text[i] & 0xC0) != 0x80;
  return rem_error_set(r->err, REM_INVALID, "invalid regular expression '%.*s' at character %zu: %s",
                       (int)rem_utf8_floor(r->text, r->size, r->size < 120 ? r->size : 120), r->text, character, reason);
}

static int peek(const reader *r, size_t ahead) {
  return r->at + ahead < r->size ? (unsigned char)r->text[r->at + ahead] : -1;
}

static bool looking_at(const reader *r, const char *word) {
  size_t size = strlen(word);
  return r->size - r->at >= size && memcmp(r->text + r->at, word, size) == 0;
}

static bool is_digit(int c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_value(int c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads `digits` hex digits at `at`; false when they are not there. */
static bool read_hex(const reader *r, size_t at, size_t digits, uint32_t *ret_value) {
  uint32_t value = 0;
  for (size_t i = 0; i < digits; i++) {
    int digit = at + i < r->size ? hex_value((unsigned char)r->text[at + i]) : -1;
    if (digit < 0) return false;
    value = value * 16 + (uint32_t)digit;
  }
  *ret_value = value;
  return true;
}

static void put_character(reader *r, uint32_t character) {
  rem_buffer_append_format(r->out, "\\x{%x}", (unsigned)character);
}

/* `\u{…}`; r->at is at the brace. */
static rem_status read_braced(reader *r, uint32_t *ret_value) {
  size_t start = r->at++;
  uint32_t value = 0;
  size_t digits = 0;
  for (; peek(r, 0) != '}'; r->at++, digits++) {
    int digit = hex_value(peek(r, 0));
    if (digit < 0 || digits == 8) return refuse(r, start, "a code point such as \\u{1F600} was expected");
    value = value * 16 + (uint32_t)digit;
  }
  r->at++;
  if (digits == 0 || value > 0x10FFFF) return refuse(r, start, "there is no such code point");
  *ret_value = value;
  return REM_OK;
}

/* After `\u`. A high surrogate must be followed by `\u` and a low one. */
static rem_status translate_unicode(reader *r) {
  size_t start = r->at;
  uint32_t value = 0, low;
  if (peek(r, 0) == '{') {
    REM_TRY(read_braced(r, &value));
  } else {
    if (!read_hex(r, r->at, 4, &value)) return refuse(r, start, "\\u needs four hex digits");
    r->at += 4;
    if (value >= 0xD800 && value < 0xDC00 && looking_at(r, "\\u") && read_hex(r, r->at + 2, 4, &low) &&
        low >= 0xDC00 && low < 0xE000) {
      value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
      r->at += 6;
    }
  }
  if (value >= 0xD800 && value < 0xE000) return refuse(r, start, "a lone surrogate matches nothing");
  put_character(r, value);
  return REM_OK;
}

/* Long names of general categories (Unicode, PropertyValueAliases.txt), which ECMA-262 allows and PCRE2 does not know. */
static const char *const CATEGORIES[][2] = {
    {"Other", "C"}, {"Control", "Cc"}, {"cntrl", "Cc"}, {"Format", "Cf"}, {"Unassigned", "Cn"}, {"Private_Use", "Co"},
    {"Surrogate", "Cs"}, {"Letter", "L"}, {"Cased_Letter", "L&"}, {"LC", "L&"}, {"Lowercase_Letter", "Ll"},
    {"Modifier_Letter", "Lm"}, {"Other_Letter", "Lo"}, {"Titlecase_Letter", "Lt"}, {"Uppercase_Letter", "Lu"},
    {"Mark", "M"}, {"Combining_Mark", "M"}, {"Spacing_Mark", "Mc"}, {"Enclosing_Mark", "Me"},
    {"Nonspacing_Mark", "Mn"}, {"Number", "N"}, {"Decimal_Number", "Nd"}, {"digit", "Nd"}, {"Letter_Number", "Nl"},
    {"Other_Number", "No"}, {"Punctuation", "P"}, {"punct", "P"}, {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"}, {"Close_Punctuation", "Pe"}, {"Final_Punctuation", "Pf"},
    {"Initial_Punctuation", "Pi"}, {"Other_Punctuation", "Po"}, {"Open_Punctuation", "Ps"}, {"Symbol", "S"},
    {"Currency_Symbol", "Sc"}, {"Modifier_Symbol", "Sk"}, {"Math_Symbol", "Sm"}, {"Other_Symbol", "So"},
    {"Separator", "Z"}, {"Line_Separator", "Zl"}, {"Paragraph_Separator", "Zp"}, {"Space_Separator", "Zs"},
};

static const char *after_prefix(const char *name, size_t *size) {
  static const char *const prefixes[] = {"gc=", "General_Category="};
  for (size_t i = 0; i < 2; i++) {
    size_t length = strlen(prefixes[i]);
    if (*size > length && memcmp(name, prefixes[i], length) == 0) {
      *size -= length;
      return name + length;
    }
  }
  return name;
}

/* After `\p` or `\P`. Names PCRE2 does not know it refuses itself. */
static rem_status translate_property(reader *r, int letter) {
  if (peek(r, 0) != '{') return refuse(r, r->at, "\\p needs a property in braces, such as \\p{L}");
  const char *name = r->text + r->at + 1;
  const char *end = memchr(name, '}', r->size - r->at - 1);
  if (end == NULL) return refuse(r, r->at, "the brace is never closed");
  size_t size = (size_t)(end - name);
  r->at += size + 2;
  name = after_prefix(name, &size);
  for (size_t i = 0; i < sizeof CATEGORIES / sizeof CATEGORIES[0]; i++) {
    if (strlen(CATEGORIES[i][0]) == size && memcmp(CATEGORIES[i][0], name, size) == 0) {
      name = CATEGORIES[i][1];
      size = strlen(name);
      break;
    }
  }
  rem_buffer_append_format(r->out, "\\%c{%.*s}", letter, (int)size, name);
  return REM_OK;
}

static rem_status translate_white(reader *r, bool negated) {
  const char *ranges = negated ? NOT_WHITE_RANGES : WHITE_RANGES;
  if (r->in_class)
    rem_buffer_append_text(r->out, ranges);
  else
    rem_buffer_append_format(r->out, "[%s]", ranges);
  return REM_OK;
}

/* A back reference; r->at is behind its first digit. */
static rem_status translate_number(reader *r, int first) {
  size_t start = r->at;
  if (first == '0') {
    if (is_digit(peek(r, 0))) return refuse(r, start, "octal escapes are not allowed");
    put_character(r, 0);
    return REM_OK;
  }
  if (r->in_class) return refuse(r, start, "a back reference cannot stand in a class");
  unsigned number = (unsigned)(first - '0');
  for (; is_digit(peek(r, 0)); r->at++) {
    number = number * 10 + (unsigned)(peek(r, 0) - '0');
    if (number > 9999) return refuse(r, start, "there is no such group");
  }
  rem_buffer_append_format(r->out, "\\g{%u}", number);
  return REM_OK;
}

/* \k<name> */
static rem_status translate_named(reader *r) {
  const char *end = peek(r, 0) == '<' ? memchr(r->text + r->at, '>', r->size - r->at) : NULL;
  if (end == NULL || r->in_class) return refuse(r, r->at, "\\k needs the name of a group: \\k<name>");
  size_t size = (size_t)(end + 1 - (r->text + r->at));
  rem_buffer_append_text(r->out, "\\k");
  rem_buffer_append(r->out, r->text + r->at, size);
  r->at += size;
  return REM_OK;
}

static rem_status translate_letter(reader *r, int c) {
  uint32_t value;
  switch (c) {
  case 'd': case 'D': case 'w': case 'W': case 't': case 'n': case 'r': case 'f':
    break;
  case 'b':
    break; /* in a class a backspace, in both languages */
  case 'B': case 'A': case 'z':
    if (r->in_class) return refuse(r, r->at, "this escape cannot stand in a class");
    break;
  case 's': case 'S':
    return translate_white(r, c == 'S');
  case 'v':
    put_character(r, 0x0b);
    return REM_OK;
  case 'u':
    return translate_unicode(r);
  case 'x':
    if (!read_hex(r, r->at, 2, &value)) return refuse(r, r->at, "\\x needs two hex digits");
    r->at += 2;
    put_character(r, value);
    return REM_OK;
  case 'c':
    if (!is_letter(peek(r, 0))) return refuse(r, r->at, "\\c needs a letter");
    put_character(r, (uint32_t)r->text[r->at++] % 32);
    return REM_OK;
  case 'p': case 'P':
    return translate_property(r, c);
  case 'k':
    return translate_named(r);
  default:
    return refuse(r, r->at, "ECMA-262 has no such escape");
  }
  rem_buffer_append_format(r->out, "\\%c", c);
  return REM_OK;
}

/* r->at is at the backslash. */
static rem_status translate_escape(reader *r) {
  int c = peek(r, 1);
  if (c < 0) return refuse(r, r->at, "nothing follows the backslash");
  r->at += 2;
  if (is_letter(c)) return translate_letter(r, c);
  if (is_digit(c)) return translate_number(r, c);
  /* Punctuation and space stand for themselves; a character beyond ASCII needs no escape. */
  if (c < 0x80) rem_buffer_append_byte(r->out, '\\');
  rem_buffer_append_byte(r->out, (uint8_t)c);
  return REM_OK;
}

static rem_status translate_class(reader *r) {
  size_t start = r->at++;
  r->in_class = true;
  rem_buffer_append_byte(r->out, '[');
  if (peek(r, 0) == '^') {
    rem_buffer_append_byte(r->out, '^');
    r->at++;
  }
  while (peek(r, 0) != ']') {
    int c = peek(r, 0);
    if (c < 0) return refuse(r, start, "the class is never closed");
    if (c == '\\') {
      REM_TRY(translate_escape(r));
      continue;
    }
    if (c == '[') rem_buffer_append_byte(r->out, '\\');
    rem_buffer_append_byte(r->out, (uint8_t)c);
    r->at++;
  }
  rem_buffer_append_byte(r->out, ']');
  r->at++;
  r->in_class = false;
  return REM_OK;
}

/* (?ims), (?i: … ), (?i-s); r->at is behind "(?". The group itself is left to PCRE2. */
static bool is_flag_group(const reader *r, size_t *ret_size) {
  size_t i = 0;
  while (peek(r, i) == 'i' || peek(r, i) == 'm' || peek(r, i) == 's' || peek(r, i) == '-')
    i++;
  *ret_size = i;
  return i > 0 && (peek(r, i) == ')' || peek(r, i) == ':');
}

/* r->at is at the parenthesis. */
static rem_status translate_group(reader *r) {
  static const char *const groups[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!"};
  size_t flags;
  if (peek(r, 1) == '*') return refuse(r, r->at + 1, "nothing stands before the quantifier");
  if (peek(r, 1) != '?') {
    rem_buffer_append_byte(r->out, '(');
    r->at++;
    return REM_OK;
  }
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    if (!looking_at(r, groups[i])) continue;
    rem_buffer_append_text(r->out, groups[i]);
    r->at += strlen(groups[i]);
    return REM_OK;
  }
  bool python = looking_at(r, "(?P<");
  if (python || looking_at(r, "(?<")) {
    rem_buffer_append_text(r->out, "(?<");
    r->at += python ? 4 : 3;
    return REM_OK;
  }
  r->at += 2;
  if (!is_flag_group(r, &flags)) return refuse(r, r->at - 1, "ECMA-262 has no such group");
  rem_buffer_append_text(r->out, "(?");
  rem_buffer_append(r->out, r->text + r->at, flags + 1);
  r->at += flags + 1;
  return REM_OK;
}

/* Does a quantifier {n}, {n,} or {n,m} stand here? */
static bool at_quantifier(const reader *r) {
  size_t i = 1;
  while (is_digit(peek(r, i)))
    i++;
  if (i == 1) return false;
  if (peek(r, i) == ',') i++;
  while (is_digit(peek(r, i)))
    i++;
  return peek(r, i) == '}';
}

/* An inline s flag anywhere decides for the whole expression: that is where PCRE2's own dot is left standing. */
static bool has_dot_all(const reader *whole) {
  reader r = *whole;
  for (; r.at + 2 < r.size; r.at++) {
    size_t size;
    if (r.text[r.at] == '\\') {
      r.at++;
      continue;
    }
    if (!looking_at(&r, "(?")) continue;
    r.at += 2;
    if (is_flag_group(&r, &size) && memchr(r.text + r.at, 's', size) != NULL) return true;
  }
  return false;
}

/* A quantifier, which may be followed by '?' (lazy) and by no other: PCRE2 would read a '+' there as possessive. */
static rem_status translate_quantifier(reader *r) {
  size_t start = r->at, end = r->at + 1;
  if (r->text[start] == '{') {
    while (r->text[end - 1] != '}')
      end++;
  }
  if (end < r->size && r->text[end] == '?') end++;
  rem_buffer_append(r->out, r->text + start, end - start);
  r->at = end;
  if (peek(r, 0) == '*' || peek(r, 0) == '+' || peek(r, 0) == '?' || (peek(r, 0) == '{' && at_quantifier(r)))
    return refuse(r, r->at, "nothing stands before the quantifier");
  return REM_OK;
}

static rem_status translate_one(reader *r) {
  int c = peek(r, 0);
  if (c == '*' || c == '+' || c == '?' || (c == '{' && at_quantifier(r))) return translate_quantifier(r);
  if (c == '\\') return translate_escape(r);
  if (c == '[') return translate_class(r);
  if (c == '(') return translate_group(r);
  if (c == '.')
    rem_buffer_append_text(r->out, r->dot_is_all ? "." : "[^\\n\\r\\x{2028}\\x{2029}]");
  else if (c == '{')
    rem_buffer_append_text(r->out, "\\{");
  else
    rem_buffer_append_byte(r->out, (uint8_t)c);
  r->at++;
  return REM_OK;
}

rem_status rem_pattern__translate(const char *text, size_t size, rem_buffer *ret_pcre, rem_error *err) {
  reader r = {.text = text, .size = size, .out = ret_pcre, .err = err};
  r.dot_is_all = has_dot_all(&r);
  while (r.at < r.size)
    REM_TRY(translate_one(&r));
  return rem_buffer_status(ret_pcre, err);
}
