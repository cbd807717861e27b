/* SPDX-License-Identifier: Apache-2.0 */
/* Host names, addresses of hosts, addresses of mail. */
#include <string.h>

#include "schema/format_internal.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_beyond_ascii(char c) {
  return (unsigned char)c >= 0x80;
}

/* Labels of letters, digits and inner hyphens, 63 bytes each and 253 in all. */
static bool host_good(const char *text, size_t size, bool international) {
  size_t label = 0;
  if (size == 0 || size > 253) return false;
  for (size_t i = 0; i <= size; i++) {
    if (i == size || text[i] == '.') {
      if (label == 0 || label > 63 || text[i - 1] == '-' || text[i - label] == '-') return false;
      label = 0;
      continue;
    }
    char c = text[i];
    if (!is_letter(c) && !is_digit(c) && c != '-' && !(international && is_beyond_ascii(c))) return false;
    label++;
  }
  return true;
}

bool rem_format__hostname(const char *text, size_t size) {
  return host_good(text, size, false);
}

bool rem_format__ipv4(const char *text, size_t size) {
  size_t at = 0;
  for (int octet = 0; octet < 4; octet++) {
    if (octet > 0 && (at == size || text[at++] != '.')) return false;
    size_t start = at;
    int value = 0;
    for (; at < size && is_digit(text[at]) && at - start < 3; at++)
      value = value * 10 + (text[at] - '0');
    if (at == start || value > 255 || (at - start > 1 && text[start] == '0')) return false;
  }
  return at == size;
}

static size_t hex_digits(const char *text, size_t size) {
  size_t count = 0;
  while (count < size && count < 5 &&
         (is_digit(text[count]) || (text[count] >= 'a' && text[count] <= 'f') || (text[count] >= 'A' && text[count] <= 'F')))
    count++;
  return count;
}

/*
 * Groups of up to four hex digits between colons, eight of them, or fewer when "::" stands for the missing ones, which may be one or
 * more; the last two may be an IPv4 address.
 */
bool rem_format__ipv6(const char *text, size_t size) {
  size_t at = 0, groups = 0;
  bool gap = false;
  if (size >= 2 && text[0] == ':' && text[1] == ':') {
    gap = true;
    at = 2;
  }
  while (at < size) {
    size_t digits = hex_digits(text + at, size - at);
    if (groups <= 6 && rem_format__ipv4(text + at, size - at)) {
      groups += 2;
      at = size;
      break;
    }
    if (digits == 0 || digits > 4 || ++groups > 8) return false;
    at += digits;
    if (at == size) break;
    if (text[at++] != ':' || at == size) return false;
    if (text[at] == ':') {
      if (gap) return false;
      gap = true;
      at++;
    }
  }
  return gap ? groups < 8 : groups == 8;
}

static bool is_atom(char c) {
  return is_letter(c) || is_digit(c) || is_beyond_ascii(c) || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool dotted_good(const char *text, size_t size) {
  if (size == 0 || text[0] == '.' || text[size - 1] == '.') return false;
  for (size_t i = 0; i < size; i++) {
    if (text[i] == '.' ? text[i - 1] == '.' : !is_atom(text[i])) return false;
  }
  return true;
}

/* The text between the quotes: printable, with quotes and backslashes escaped. */
static bool quoted_good(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (text[i] == '"') return false;
    if (text[i] == '\\' && ++i == size) return false;
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return false;
  }
  return true;
}

static bool local_good(const char *text, size_t size) {
  if (size >= 2 && text[0] == '"' && text[size - 1] == '"') return quoted_good(text + 1, size - 2);
  return dotted_good(text, size);
}

static bool domain_good(const char *text, size_t size) {
  if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
    text++;
    size -= 2;
    if (size > 5 && memcmp(text, "IPv6:", 5) == 0) return rem_format__ipv6(text + 5, size - 5);
    return rem_format__ipv4(text, size);
  }
  return host_good(text, size, true);
}

bool rem_format__email(const char *text, size_t size) {
  const char *at = memrchr(text, '@', size);
  if (at == NULL) return false;
  size_t local = (size_t)(at - text);
  return local <= 64 && local_good(text, local) && domain_good(at + 1, size - local - 1);
}
