/* SPDX-License-Identifier: Apache-2.0 */
/* strtod and printf follow the locale of the thread, so that is changed around them; it costs two stores. */
#include "base/real.h"

#include <locale.h>
#include <pthread.h>
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

size_t rem_real_format(double value, char ret_text[REM_REAL_TEXT_SIZE]) {
  static const char *const formats[] = {"%.15g", "%.16g", "%.17g"};
  locale_t before = enter_c_locale();
  size_t length = 0;
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
