/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of JSON, compared and divided exactly. jansson gives int64 or double; converting one to the other would lose digits
 * beyond 2^53.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/validator_internal.h"

static int compare_reals(double a, double b) {
  return a < b ? -1 : a > b;
}

/* The double's whole part is compared as an integer, then its fraction decides. */
static int compare_integer_real(int64_t a, double b) {
  if (b >= 0x1p63) return -1;
  if (b < -0x1p63) return 1;
  int64_t whole = (int64_t)b;
  if (a != whole) return a < whole ? -1 : 1;
  return compare_reals(0, b - (double)whole);
}

int rem_number__compare(const json_t *a, const json_t *b) {
  if (json_is_integer(a) && json_is_integer(b)) {
    json_int_t x = json_integer_value(a), y = json_integer_value(b);
    return x < y ? -1 : x > y;
  }
  if (json_is_integer(a)) return compare_integer_real(json_integer_value(a), json_real_value(b));
  if (json_is_integer(b)) return -compare_integer_real(json_integer_value(b), json_real_value(a));
  return compare_reals(json_real_value(a), json_real_value(b));
}

/* digits * 10^exponent, without trailing zeros in digits; sign left out, since multiples do not care. */
typedef struct decimal {
  uint64_t digits;
  int exponent;
} decimal;

/* The shortest decimal that reads back as this double: what someone wrote, or would write. */
static decimal decimal_of_real(double value) {
  char text[40];
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(text, sizeof text, "%.*e", precision - 1, fabs(value));
    if (strtod(text, NULL) == fabs(value)) break;
  }
  decimal d = {0, 0};
  const char *p = text;
  for (; *p != 0 && *p != 'e'; p++) {
    if (*p < '0' || *p > '9') continue; /* the point, whatever the locale calls it */
    d.digits = d.digits * 10 + (uint64_t)(*p - '0');
    if (p > text) d.exponent--;
  }
  if (*p == 'e') d.exponent += atoi(p + 1);
  return d;
}

static decimal decimal_of(const json_t *value) {
  decimal d = {0, 0};
  if (json_is_integer(value)) {
    json_int_t integer = json_integer_value(value);
    d.digits = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
  } else {
    d = decimal_of_real(json_real_value(value));
  }
  while (d.digits != 0 && d.digits % 10 == 0) {
    d.digits /= 10;
    d.exponent++;
  }
  return d;
}

__extension__ typedef unsigned __int128 wide;

/* digits * 10^power modulo m */
static uint64_t scaled_modulo(uint64_t digits, unsigned power, uint64_t m) {
  wide result = digits % m, base = 10 % m;
  for (; power > 0; power >>= 1) {
    if (power & 1) result = result * base % m;
    base = base * base % m;
  }
  return (uint64_t)result;
}

bool rem_number__is_multiple(const json_t *value, const json_t *of) {
  if (json_is_integer(value) && json_is_integer(of)) {
    json_int_t divisor = json_integer_value(of); /* positive: checked when compiled */
    return json_integer_value(value) % divisor == 0;
  }
  decimal a = decimal_of(value), b = decimal_of(of);
  if (a.digits == 0) return true;
  if (a.exponent >= b.exponent) return scaled_modulo(a.digits, (unsigned)(a.exponent - b.exponent), b.digits) == 0;
  /* Otherwise a's digits would have to be divisible by 10, and their trailing zeros are gone. */
  return false;
}
