/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendar arithmetic on the proleptic Gregorian calendar, without the C library's time functions: those know
 * time zones, locales and errors, none of which are wanted. Days are counted in eras of 400 years that begin on
 * 1 March, so that the leap day comes last (the method of Howard Hinnant, "chrono-compatible low-level date
 * algorithms").
 */
#include "base/instant.h"

#include <string.h>
#include <time.h>

#define US_PER_SECOND ((int64_t)1000000)
#define US_PER_DAY    ((int64_t)86400 * US_PER_SECOND)
#define DAYS_PER_ERA  146097 /* 400 years */
#define DAYS_TO_1970  719468 /* from 0000-03-01 */

/* The first instant of year 1 and the first after year 9999. */
#define EARLIEST ((int64_t)-719162 * US_PER_DAY)
#define LATEST   ((int64_t)2932897 * US_PER_DAY - 1)

typedef struct date {
  int year, month, day;
} date;

static int64_t days_of_date(date d) {
  int64_t year = d.month <= 2 ? d.year - 1 : d.year; /* years begin in March; from 0 on, so division needs no care */
  int64_t era = year / 400, year_of_era = year % 400;
  int64_t month = (d.month + 9) % 12;
  int64_t day_of_year = (153 * month + 2) / 5 + d.day - 1;
  return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_TO_1970;
}

static date date_of_days(int64_t days) {
  int64_t shifted = days + DAYS_TO_1970;
  int64_t era = shifted / DAYS_PER_ERA, day_of_era = shifted % DAYS_PER_ERA;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month = (5 * day_of_year + 2) / 153;
  date d = {.day = (int)(day_of_year - (153 * month + 2) / 5 + 1), .month = (int)(month < 10 ? month + 3 : month - 9)};
  d.year = (int)(year_of_era + era * 400 + (d.month <= 2));
  return d;
}

static char *put_digits(char *p, int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; i--) {
    p[i] = (char)('0' + value % 10);
    value /= 10;
  }
  return p + digits;
}

/* With `fraction_digits` digits after the point, no point for 0. */
static size_t format_instant(int64_t microseconds, int fraction_digits, char ret_text[REM_INSTANT_TEXT_SIZE]) {
  int64_t days = microseconds / US_PER_DAY, rest = microseconds % US_PER_DAY;
  if (rest < 0) {
    rest += US_PER_DAY;
    days--;
  }
  date d = date_of_days(days);
  int64_t second = rest / US_PER_SECOND, fraction = rest % US_PER_SECOND;
  char *p = put_digits(ret_text, d.year, 4);
  *p++ = '-';
  p = put_digits(p, d.month, 2);
  *p++ = '-';
  p = put_digits(p, d.day, 2);
  *p++ = 'T';
  p = put_digits(p, second / 3600, 2);
  *p++ = ':';
  p = put_digits(p, second / 60 % 60, 2);
  *p++ = ':';
  p = put_digits(p, second % 60, 2);
  if (fraction_digits > 0) {
    for (int i = fraction_digits; i < 6; i++)
      fraction /= 10;
    *p++ = '.';
    p = put_digits(p, fraction, fraction_digits);
  }
  *p++ = 'Z';
  *p = 0;
  return (size_t)(p - ret_text);
}

static int64_t clamp(int64_t microseconds) {
  if (microseconds < EARLIEST)
    return EARLIEST;
  return microseconds > LATEST ? LATEST : microseconds;
}

size_t rem_instant_format(int64_t microseconds, char ret_text[REM_INSTANT_TEXT_SIZE]) {
  microseconds = clamp(microseconds);
  int64_t fraction = microseconds % US_PER_SECOND;
  int digits = fraction == 0 ? 0 : 6;
  for (; digits > 0 && fraction % 10 == 0; digits--)
    fraction /= 10;
  return format_instant(microseconds, digits, ret_text);
}

size_t rem_instant_format_fixed(int64_t microseconds, char ret_text[REM_INSTANT_TEXT_SIZE]) {
  return format_instant(clamp(microseconds), 6, ret_text);
}

/* A place in the text being read. */
typedef struct cursor {
  const char *p, *end;
} cursor;

static bool read_digits(cursor *at, int digits, int least, int most, int *ret_value) {
  int value = 0;
  if (at->end - at->p < digits)
    return false;
  for (int i = 0; i < digits; i++) {
    char c = at->p[i];
    if (c < '0' || c > '9')
      return false;
    value = value * 10 + (c - '0');
  }
  if (value < least || value > most)
    return false;
  at->p += digits;
  *ret_value = value;
  return true;
}

/* Steps over one character when it is `a` or `b`. */
static bool skip(cursor *at, char a, char b) {
  if (at->p == at->end || (*at->p != a && *at->p != b))
    return false;
  at->p++;
  return true;
}

static int days_in_month(int year, int month) {
  static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && is_leap);
}

static bool read_date(cursor *at, int64_t *ret_days) {
  date d;
  if (!read_digits(at, 4, 1, 9999, &d.year) || !skip(at, '-', '-') || !read_digits(at, 2, 1, 12, &d.month) ||
      !skip(at, '-', '-') || !read_digits(at, 2, 1, days_in_month(d.year, d.month), &d.day))
    return false;
  *ret_days = days_of_date(d);
  return true;
}

/* After the point: at least one digit, those beyond the sixth cut. */
static bool read_fraction(cursor *at, int64_t *ret_microseconds) {
  int64_t value = 0;
  int digits = 0;
  for (; at->p < at->end && *at->p >= '0' && *at->p <= '9'; at->p++, digits++)
    if (digits < 6)
      value = value * 10 + (*at->p - '0');
  for (int i = digits; i < 6; i++)
    value *= 10;
  *ret_microseconds = value;
  return digits > 0;
}

static bool read_time(cursor *at, bool lenient, int64_t *ret_microseconds) {
  int hour, minute, second = 0;
  int64_t fraction = 0;
  if (!read_digits(at, 2, 0, 23, &hour) || !skip(at, ':', ':') || !read_digits(at, 2, 0, 59, &minute))
    return false;
  if (skip(at, ':', ':')) {
    if (!read_digits(at, 2, 0, 60, &second) || (skip(at, '.', '.') && !read_fraction(at, &fraction)))
      return false;
  } else if (!lenient) {
    return false;
  }
  *ret_microseconds = ((int64_t)hour * 3600 + minute * 60 + second) * US_PER_SECOND + fraction;
  return true;
}

/* How far local time is ahead of UTC. */
static bool read_zone(cursor *at, bool lenient, int64_t *ret_microseconds) {
  int hours, minutes;
  *ret_microseconds = 0;
  if (at->p == at->end)
    return lenient;
  if (skip(at, 'Z', 'z'))
    return true;
  bool is_behind = *at->p == '-';
  if (!skip(at, '+', '-') || !read_digits(at, 2, 0, 23, &hours) || !skip(at, ':', ':') ||
      !read_digits(at, 2, 0, 59, &minutes))
    return false;
  int64_t ahead = ((int64_t)hours * 3600 + minutes * 60) * US_PER_SECOND;
  *ret_microseconds = is_behind ? -ahead : ahead;
  return true;
}

bool rem_instant_parse(const char *text, size_t size, bool lenient, int64_t *ret_microseconds) {
  cursor at = {text, text + size};
  int64_t days, time_of_day = 0, ahead = 0;
  if (!read_date(&at, &days))
    return false;
  if (at.p < at.end || !lenient) {
    if (!skip(&at, 'T', 't') && !skip(&at, ' ', ' '))
      return false;
    if (!read_time(&at, lenient, &time_of_day) || !read_zone(&at, lenient, &ahead) || at.p != at.end)
      return false;
  }
  int64_t instant = days * US_PER_DAY + time_of_day - ahead;
  if (instant < EARLIEST || instant > LATEST) /* an offset or a leap second leads out of the years 1 to 9999 */
    return false;
  *ret_microseconds = instant;
  return true;
}

int64_t rem_instant_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}
