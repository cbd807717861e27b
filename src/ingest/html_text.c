/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner over tags and entities. The entity names are those of HTML 4 that occur in prose. */
#include "ingest/html_text.h"

#include <ctype.h>
#include <strings.h>

#include "base/utf8.h"

static const struct {
  const char *name;
  uint32_t character;
} entities[] = {
    {"amp", '&'},        {"lt", '<'},         {"gt", '>'},         {"quot", '"'},       {"apos", '\''},
    {"nbsp", 0xA0},      {"copy", 0xA9},      {"reg", 0xAE},       {"trade", 0x2122},   {"deg", 0xB0},
    {"plusmn", 0xB1},    {"para", 0xB6},      {"sect", 0xA7},      {"middot", 0xB7},    {"frac12", 0xBD},
    {"frac14", 0xBC},    {"frac34", 0xBE},    {"times", 0xD7},     {"divide", 0xF7},    {"micro", 0xB5},
    {"laquo", 0xAB},     {"raquo", 0xBB},     {"iquest", 0xBF},    {"iexcl", 0xA1},     {"cent", 0xA2},
    {"pound", 0xA3},     {"yen", 0xA5},       {"euro", 0x20AC},    {"szlig", 0xDF},     {"ntilde", 0xF1},
    {"Agrave", 0xC0},    {"Aacute", 0xC1},    {"Acirc", 0xC2},     {"Auml", 0xC4},      {"Aring", 0xC5},
    {"AElig", 0xC6},     {"Ccedil", 0xC7},    {"Egrave", 0xC8},    {"Eacute", 0xC9},    {"Ecirc", 0xCA},
    {"Euml", 0xCB},      {"Iacute", 0xCD},    {"Icirc", 0xCE},     {"Ntilde", 0xD1},    {"Oacute", 0xD3},
    {"Ocirc", 0xD4},     {"Ouml", 0xD6},      {"Oslash", 0xD8},    {"Uacute", 0xDA},    {"Uuml", 0xDC},
    {"agrave", 0xE0},    {"aacute", 0xE1},    {"acirc", 0xE2},     {"atilde", 0xE3},    {"auml", 0xE4},
    {"aring", 0xE5},     {"aelig", 0xE6},     {"ccedil", 0xE7},    {"egrave", 0xE8},    {"eacute", 0xE9},
    {"ecirc", 0xEA},     {"euml", 0xEB},      {"igrave", 0xEC},    {"iacute", 0xED},    {"icirc", 0xEE},
    {"iuml", 0xEF},      {"oacute", 0xF3},    {"ograve", 0xF2},    {"ocirc", 0xF4},     {"otilde", 0xF5},
    {"ouml", 0xF6},      {"oslash", 0xF8},    {"ugrave", 0xF9},    {"uacute", 0xFA},    {"ucirc", 0xFB},
    {"uuml", 0xFC},      {"yacute", 0xFD},    {"ndash", 0x2013},   {"mdash", 0x2014},   {"lsquo", 0x2018},
    {"rsquo", 0x2019},   {"sbquo", 0x201A},   {"ldquo", 0x201C},   {"rdquo", 0x201D},   {"bdquo", 0x201E},
    {"bull", 0x2022},    {"hellip", 0x2026},  {"prime", 0x2032},   {"lsaquo", 0x2039},  {"rsaquo", 0x203A},
    {"larr", 0x2190},    {"uarr", 0x2191},    {"rarr", 0x2192},    {"darr", 0x2193},    {"harr", 0x2194},
    {"rArr", 0x21D2},    {"minus", 0x2212},   {"infin", 0x221E},   {"asymp", 0x2248},   {"ne", 0x2260},
    {"le", 0x2264},      {"ge", 0x2265},      {"check", 0x2713},   {"alpha", 0x3B1},    {"beta", 0x3B2},
    {"gamma", 0x3B3},    {"delta", 0x3B4},    {"lambda", 0x3BB},   {"mu", 0x3BC},       {"pi", 0x3C0},
    {"sigma", 0x3C3},    {"Sigma", 0x3A3},    {"omega", 0x3C9},    {"Omega", 0x3A9},    {"Delta", 0x394},
    {"ensp", 0x2002},    {"emsp", 0x2003},    {"thinsp", 0x2009},  {"zwnj", 0x200C},    {"zwj", 0x200D},
    {"shy", 0xAD},       {"colon", ':'},      {"lbrace", '{'},     {"rbrace", '}'},     {"lbrack", '['},
    {"rbrack", ']'},     {"lpar", '('},       {"rpar", ')'},       {"ast", '*'},        {"num", '#'},
    {"vert", '|'},       {"grave", '`'},      {"lowbar", '_'},     {"bsol", '\\'},      {"dollar", '$'},
};

/* The number of "#8212" or "#x2014"; 0 when it is none or no character. */
static uint32_t numeric_entity(const char *body, size_t size) {
  bool hex = size > 1 && (body[1] == 'x' || body[1] == 'X');
  uint32_t value = 0;
  for (size_t i = hex ? 2 : 1; i < size; i++) {
    if (!(hex ? isxdigit((unsigned char)body[i]) : isdigit((unsigned char)body[i])))
      return 0;
    uint32_t digit = isdigit((unsigned char)body[i]) ? (uint32_t)(body[i] - '0')
                                                     : (uint32_t)(tolower((unsigned char)body[i]) - 'a' + 10);
    value = value * (hex ? 16 : 10) + digit;
    if (value > 0x10FFFF)
      return 0;
  }
  return value >= 0xD800 && value <= 0xDFFF ? 0 : value;
}

static uint32_t named_entity(const char *body, size_t size) {
  for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
    if (strlen(entities[i].name) == size && memcmp(entities[i].name, body, size) == 0)
      return entities[i].character;
  }
  return 0;
}

void rem_html_entity_append(rem_buffer *buffer, const char *entity, size_t size) {
  uint32_t character = 0;
  if (size > 2 && entity[0] == '&' && entity[size - 1] == ';')
    character = entity[1] == '#' ? numeric_entity(entity + 1, size - 2) : named_entity(entity + 1, size - 2);
  if (!character) {
    rem_buffer_append(buffer, entity, size);
    return;
  }
  char bytes[4];
  rem_buffer_append(buffer, bytes, rem_utf8_encode(character, bytes));
}

/* The offset behind the first `needle` at or after `from`, or `size`. */
static size_t find_behind(const char *html, size_t size, size_t from, const char *needle) {
  size_t length = strlen(needle);
  const char *found = from < size ? memmem(html + from, size - from, needle, length) : NULL;
  return found ? (size_t)(found - html) + length : size;
}

/* The same for "</name", without regard to case; the tag's rest follows. */
static size_t find_end_tag(const char *html, size_t size, size_t from, const char *name) {
  size_t length = strlen(name);
  for (size_t at = from; at + length + 2 <= size; at++) {
    if (html[at] == '<' && html[at + 1] == '/' && strncasecmp(html + at + 2, name, length) == 0)
      return at;
  }
  return size;
}

static bool tag_is(const char *html, size_t size, size_t name_at, const char *name) {
  size_t length = strlen(name);
  return size - name_at >= length && strncasecmp(html + name_at, name, length) == 0 &&
         (size - name_at == length || !isalnum((unsigned char)html[name_at + length]));
}

static bool separates_lines(const char *html, size_t size, size_t name_at) {
  static const char *const names[] = {"br", "p",  "div", "li", "tr", "ul", "ol",    "table",   "h1",      "h2",     "h3",
                                      "h4", "h5", "h6",  "hr", "dt", "dd", "pre",   "section", "article", "header", "footer",
                                      "summary", "details", "blockquote"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (tag_is(html, size, name_at, names[i]))
      return true;
  }
  return false;
}

/* A piece of HTML being read; `no_close` once no '>' is left, so that a run of '<' costs one search and not one each. */
typedef struct scanner {
  const char *html;
  size_t size;
  bool no_close;
} scanner;

/* Behind the tag that begins at `at`, or `at` itself when it is none. A '>' in an attribute's value ends the tag: what is
 * left of the value is kept as text rather than text lost to an unclosed quote. */
static size_t skip_tag(scanner *in, size_t at) {
  size_t name_at = at + 1 < in->size && in->html[at + 1] == '/' ? at + 2 : at + 1;
  if (in->no_close || name_at >= in->size)
    return at;
  char first = in->html[name_at];
  if (!isalpha((unsigned char)first) && first != '!' && first != '?')
    return at;
  const char *close = memchr(in->html + name_at, '>', in->size - name_at);
  in->no_close = !close;
  return close ? (size_t)(close - in->html) + 1 : at;
}

static void newline(rem_buffer *buffer) {
  if (buffer->size && buffer->data[buffer->size - 1] != '\n')
    rem_buffer_append_byte(buffer, '\n');
}

/* Handles what begins with '<' and returns the offset behind it. */
static size_t append_markup(rem_buffer *buffer, scanner *in, size_t at) {
  if (in->size - at >= 4 && memcmp(in->html + at, "<!--", 4) == 0)
    return find_behind(in->html, in->size, at + 4, "-->");
  size_t behind = skip_tag(in, at);
  if (behind == at) {
    rem_buffer_append_byte(buffer, '<');
    return at + 1;
  }
  if (tag_is(in->html, in->size, at + 1, "script"))
    return find_end_tag(in->html, in->size, behind, "script");
  if (tag_is(in->html, in->size, at + 1, "style"))
    return find_end_tag(in->html, in->size, behind, "style");
  if (separates_lines(in->html, in->size, in->html[at + 1] == '/' ? at + 2 : at + 1))
    newline(buffer);
  return behind;
}

static size_t append_entity(rem_buffer *buffer, const char *html, size_t size, size_t at) {
  size_t end = at + 1;
  while (end < size && end - at < 32 && (isalnum((unsigned char)html[end]) || html[end] == '#'))
    end++;
  if (end >= size || html[end] != ';') {
    rem_buffer_append_byte(buffer, '&');
    return at + 1;
  }
  rem_html_entity_append(buffer, html + at, end + 1 - at);
  return end + 1;
}

void rem_html_text_append(rem_buffer *buffer, const char *html, size_t size) {
  scanner in = {.html = html, .size = size};
  for (size_t at = 0; at < size;) {
    if (html[at] == '<') {
      at = append_markup(buffer, &in, at);
      continue;
    }
    if (html[at] == '&') {
      at = append_entity(buffer, html, size, at);
      continue;
    }
    size_t start = at;
    while (at < size && html[at] != '<' && html[at] != '&')
      at++;
    rem_buffer_append(buffer, html + start, at - start);
  }
}
