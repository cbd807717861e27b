/* SPDX-License-Identifier: Apache-2.0 */
/* Formats: a table of names and predicates; the larger grammars are in format_uri.c and format_host.c. */
#include "schema/format.h"

#include <string.h>

#include "base/error.h"
#include "base/instant.h"
#include "base/uuid.h"
#include "schema/format_internal.h"
#include "schema/pattern.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool matches_date_time(const char *text, size_t size) {
  int64_t instant;
  return rem_instant_parse(text, size, true, &instant);
}

static bool matches_date(const char *text, size_t size) {
  int64_t instant;
  return size == 10 && rem_instant_parse(text, size, true, &instant);
}

/* A leap second is 23:59:60 in UTC; written with an offset it is another local time. */
static bool leap_second_fits(const char *time, const char *zone, size_t zone_size) {
  int minutes = (time[0] - '0') * 600 + (time[1] - '0') * 60 + (time[3] - '0') * 10 + (time[4] - '0');
  if (zone_size == 6) {
    int ahead = (zone[1] - '0') * 600 + (zone[2] - '0') * 60 + (zone[4] - '0') * 10 + (zone[5] - '0');
    minutes = (minutes + (zone[0] == '-' ? ahead : 1440 - ahead)) % 1440;
  }
  return minutes == 1439;
}

/* The time of a day that exists in every calendar, so that the reader of instants does the work. */
static bool matches_time(const char *text, size_t size) {
  char instant_text[80] = "1970-01-02T";
  int64_t instant;
  if (size < 8 || size > 60 || text[2] != ':' || text[5] != ':') return false;
  memcpy(instant_text + 11, text, size);
  if (!rem_instant_parse(instant_text, 11 + size, true, &instant)) return false;
  if (text[6] != '6') return true;
  size_t zone = 8;
  while (zone < size && (is_digit(text[zone]) || text[zone] == '.'))
    zone++;
  return leap_second_fits(text, text + zone, size - zone);
}

/* Reads the parts of a duration in the order of `units`, each at most once; seconds may have a fraction. Returns how many. */
static size_t read_parts(const char **text, const char *end, const char *units) {
  size_t count = 0;
  while (*text < end && is_digit(**text)) {
    const char *p = *text;
    while (p < end && is_digit(*p))
      p++;
    bool fraction = p + 1 < end && *p == '.' && is_digit(p[1]);
    if (fraction) {
      for (p++; p < end && is_digit(*p);)
        p++;
    }
    const char *unit = p < end ? strchr(units, *p) : NULL;
    if (unit == NULL || *unit == 0 || (fraction && *unit != 'S')) return 0;
    units = unit + 1;
    *text = p + 1;
    count++;
  }
  return count;
}

/* ISO 8601 as RFC 3339, appendix A has it, with the sign and the fraction of seconds that Pydantic writes. */
static bool matches_duration(const char *text, size_t size) {
  const char *end = text + size;
  if (text < end && *text == '-') text++;
  if (text == end || *text++ != 'P') return false;
  const char *start = text;
  if (read_parts(&text, end, "W") == 1 && text == end) return true;
  text = start;
  size_t days = read_parts(&text, end, "YMD");
  if (text == end) return days > 0;
  if (*text++ != 'T') return false;
  return read_parts(&text, end, "HMS") > 0 && text == end;
}

static bool matches_uuid(const char *text, size_t size) {
  uint8_t bytes[16];
  return rem_uuid_parse(text, size, bytes);
}

static bool matches_regex(const char *text, size_t size) {
  rem_pattern *pattern = NULL;
  bool good = rem_pattern_new(text, size, &pattern, NULL) == REM_OK;
  rem_pattern_free(pattern);
  return good;
}

/* RFC 6901: empty, or tokens after slashes, with ~ only as ~0 and ~1. */
static bool matches_json_pointer(const char *text, size_t size) {
  if (size > 0 && text[0] != '/') return false;
  for (size_t i = 0; i < size; i++) {
    if (text[i] == '~' && (i + 1 == size || (text[i + 1] != '0' && text[i + 1] != '1'))) return false;
  }
  return true;
}

static bool matches_relative_json_pointer(const char *text, size_t size) {
  size_t digits = 0;
  while (digits < size && is_digit(text[digits]))
    digits++;
  if (digits == 0 || (digits > 1 && text[0] == '0')) return false;
  if (digits + 1 == size && text[digits] == '#') return true;
  return matches_json_pointer(text + digits, size - digits);
}

static const rem_format FORMATS[] = {
    {"date-time", "a date and time such as 2025-10-01T09:00:00Z", matches_date_time},
    {"date", "a date such as 2025-10-01", matches_date},
    {"time", "a time such as 09:00:00Z", matches_time},
    {"duration", "a duration such as P1DT2H", matches_duration},
    {"uuid", "a UUID such as 550e8400-e29b-41d4-a716-446655440000", matches_uuid},
    {"uri", "a URI such as https://example.com/a", rem_format__uri},
    {"uri-reference", "a URI or a relative reference such as ../a", rem_format__uri_reference},
    {"iri", "an IRI such as https://example.com/a", rem_format__iri},
    {"iri-reference", "an IRI or a relative reference such as ../a", rem_format__iri_reference},
    {"email", "an email address such as a@example.com", rem_format__email},
    {"idn-email", "an email address such as a@example.com", rem_format__email},
    {"hostname", "a host name such as www.example.com", rem_format__hostname},
    {"ipv4", "an IPv4 address such as 192.0.2.1", rem_format__ipv4},
    {"ipv6", "an IPv6 address such as 2001:db8::1", rem_format__ipv6},
    {"regex", "a regular expression", matches_regex},
    {"json-pointer", "a JSON pointer such as /a/0", matches_json_pointer},
    {"relative-json-pointer", "a relative JSON pointer such as 1/a", matches_relative_json_pointer},
};

const rem_format *rem_format_find(const char *name) {
  for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++) {
    if (strcmp(FORMATS[i].name, name) == 0) return &FORMATS[i];
  }
  return NULL;
}
