/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most reals people write have few digits after the point. Those are found by arithmetic: m / 10^k, with m
 * below 10^15 and k small, is rounded once, as reading the decimal is, so when it equals the value, the k
 * digits are the text; the smallest k is the shortest. The rest goes through printf with 15, 16 and 17 digits
 * until one reads back.
 *
 * strtod and printf follow the locale of the thread, so that is changed around them; it costs two stores.
 */
#include "base/real.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

/* Lives as long as the process. Without memory it stays 0, which uselocale() takes for "no change". */
static void make_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t enter_c_locale(void) {
  pthread_once(&locale_once, make_locale);
  return uselocale(c_locale);
}

double rem_real_parse(const char *text, const char **ret_end) {
  locale_t before = enter_c_locale();
  char *end;
  double value = strtod(text, &end);
  uselocale(before);
  if (ret_end)
    *ret_end = end;
  return value;
}

#define LEAST_PLAIN    1e-4 /* below it printf uses an exponent */
#define MOST_PLAIN     1e15
#define MOST_FRACTION  9 /* digits tried by arithmetic */

/* "12.050" for 12050 and 3 digits; at least one digit after the point. Returns the length. */
static size_t put_decimal(char *text, int64_t digits, int fraction_digits) {
  char reversed[REM_REAL_TEXT_SIZE], *p = reversed;
  if (fraction_digits == 0)
    *p++ = '0', *p++ = '.';
  for (int i = 0; digits > 0 || i <= fraction_digits; i++) {
    *p++ = (char)('0' + digits % 10);
    digits /= 10;
    if (i + 1 == fraction_digits)
      *p++ = '.';
  }
  size_t length = (size_t)(p - reversed);
  for (size_t i = 0; i < length; i++)
    text[i] = *--p;
  text[length] = 0;
  return length;
}

/* 0 when the value has no short decimal. */
static size_t format_decimal(double value, char *text) {
  double size = fabs(value), scale = 1;
  if (!(size >= LEAST_PLAIN && size < MOST_PLAIN))
    return 0;
  size_t sign = value < 0;
  text[0] = '-';
  for (int k = 0; k <= MOST_FRACTION && size * scale < MOST_PLAIN; k++, scale *= 10) {
    int64_t digits = (int64_t)(size * scale + 0.5);
    if ((double)digits / scale == size)
      return sign + put_decimal(text + sign, digits, k);
  }
  return 0;
}

size_t rem_real_format(double value, char ret_text[REM_REAL_TEXT_SIZE]) {
  static const char *const formats[] = {"%.15g", "%.16g", "%.17g"};
  size_t length = format_decimal(value, ret_text);
  if (length)
    return length;
  locale_t before = enter_c_locale();
  for (int i = 0; i < 3; i++) {
    length = (size_t)snprintf(ret_text, REM_REAL_TEXT_SIZE, formats[i], value);
    if (strtod(ret_text, NULL) == value)
      break;
  }
  uselocale(before);
  if (!strpbrk(ret_text, ".e")) {
    memcpy(ret_text + length, ".0", 3);
    length += 2;
  }
  return length;
}
