/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URIs by RFC 3986, appendix A:  [scheme ":"] ["//" authority] path ["?" query] ["#" fragment]
 *
 * The delimiters split the text first; then each part is checked against the characters it may hold.
 */
#include <string.h>

#include "schema/format_internal.h"

typedef struct part {
  const char *text;
  size_t size;
} part;

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Only unreserved characters, sub-delimiters, percent escapes, those of `extra`, and with `international` what is beyond ASCII. */
static bool holds_only(part p, const char *extra, bool international) {
  for (size_t i = 0; i < p.size; i++) {
    char c = p.text[i];
    if (c == '%') {
      if (p.size - i < 3 || !is_hex(p.text[i + 1]) || !is_hex(p.text[i + 2])) return false;
      i += 2;
      continue;
    }
    bool beyond = (unsigned char)c >= 0x80;
    if (beyond ? international : c != 0 && (is_letter(c) || is_digit(c) || strchr("-._~!$&'()*+,;=", c) || strchr(extra, c)))
      continue;
    return false;
  }
  return true;
}

/* IPv6, or "v" version "." address. */
static bool literal_good(part p) {
  if (p.size > 0 && (p.text[0] == 'v' || p.text[0] == 'V')) {
    const char *dot = memchr(p.text, '.', p.size);
    if (dot == NULL || dot == p.text + 1 || dot + 1 == p.text + p.size) return false;
    for (const char *c = p.text + 1; c < dot; c++) {
      if (!is_hex(*c)) return false;
    }
    part rest = {dot + 1, (size_t)(p.text + p.size - dot - 1)};
    return memchr(rest.text, '%', rest.size) == NULL && holds_only(rest, ":", false);
  }
  return rem_format__ipv6(p.text, p.size);
}

static bool port_good(part p) {
  for (size_t i = 0; i < p.size; i++) {
    if (!is_digit(p.text[i])) return false;
  }
  return true;
}

/* [userinfo "@"] host [":" port] */
static bool authority_good(part p, bool international) {
  const char *end = p.text + p.size;
  const char *at = memchr(p.text, '@', p.size);
  if (at != NULL) {
    if (!holds_only((part){p.text, (size_t)(at - p.text)}, ":", international)) return false;
    p = (part){at + 1, (size_t)(end - at - 1)};
  }
  if (p.size > 0 && p.text[0] == '[') {
    const char *close = memchr(p.text, ']', p.size);
    if (close == NULL || !literal_good((part){p.text + 1, (size_t)(close - p.text - 1)})) return false;
    p = (part){close + 1, (size_t)(end - close - 1)};
    return p.size == 0 || (p.text[0] == ':' && port_good((part){p.text + 1, p.size - 1}));
  }
  const char *colon = memchr(p.text, ':', p.size);
  part host = {p.text, colon != NULL ? (size_t)(colon - p.text) : p.size};
  return holds_only(host, "", international) &&
         (colon == NULL || port_good((part){colon + 1, (size_t)(end - colon - 1)}));
}

/* The length of the scheme, or 0. */
static size_t scheme_size(part p) {
  if (p.size == 0 || !is_letter(p.text[0])) return 0;
  for (size_t i = 1; i < p.size; i++) {
    char c = p.text[i];
    if (c == ':') return i;
    if (!is_letter(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return 0;
  }
  return 0;
}

/* Cuts `p` at the first `delimiter`; what follows it must hold only what a query and a fragment may. */
static bool cut(part *p, char delimiter, bool international) {
  const char *at = memchr(p->text, delimiter, p->size);
  if (at == NULL) return true;
  part rest = {at + 1, (size_t)(p->text + p->size - at - 1)};
  p->size = (size_t)(at - p->text);
  return holds_only(rest, ":@/?", international);
}

static bool reference_good(const char *text, size_t size, bool absolute, bool international) {
  part p = {text, size};
  if (size == 0) return !absolute;
  if (!cut(&p, '#', international) || !cut(&p, '?', international)) return false;
  size_t scheme = scheme_size(p);
  if (absolute && scheme == 0) return false;
  if (scheme > 0) p = (part){p.text + scheme + 1, p.size - scheme - 1};
  if (p.size >= 2 && p.text[0] == '/' && p.text[1] == '/') {
    part authority = {p.text + 2, p.size - 2};
    const char *slash = memchr(authority.text, '/', authority.size);
    if (slash != NULL) authority.size = (size_t)(slash - authority.text);
    if (!authority_good(authority, international)) return false;
    p = (part){authority.text + authority.size, p.size - 2 - authority.size};
  } else if (scheme == 0) {
    /* The first segment of a relative path has no colon, or it would be a scheme. */
    const char *slash = memchr(p.text, '/', p.size);
    if (memchr(p.text, ':', slash != NULL ? (size_t)(slash - p.text) : p.size) != NULL) return false;
  }
  return holds_only(p, ":@/", international);
}

bool rem_format__uri(const char *text, size_t size) {
  return reference_good(text, size, true, false);
}

bool rem_format__uri_reference(const char *text, size_t size) {
  return reference_good(text, size, false, false);
}

bool rem_format__iri(const char *text, size_t size) {
  return reference_good(text, size, true, true);
}

bool rem_format__iri_reference(const char *text, size_t size) {
  return reference_good(text, size, false, true);
}
