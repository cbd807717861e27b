/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: what is valid, stepping, encoding. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_valid_prefix(const char *text, size_t size, size_t expected) {
  /* At every distance from the end of the text, for the eight-byte steps. */
  char padded[64];
  for (size_t before = 0; before <= 17; before++) {
    memset(padded, 'x', before);
    memcpy(padded + before, text, size);
    assert_int_equal(rem_utf8_valid_prefix(padded, before + size), before + expected);
  }
}

static void valid_text_is_valid_to_its_end(void **state) {
  (void)state;
  static const char *const texts[] = {"", "a", "\x7f", "\u00e9", "\u0800", "\ud7ff", "\ue000", "\uffff",
                                      "\U00010000", "\U0010ffff", "a\u00e9\U0001f600z", "plain ascii text of some length"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_valid_prefix(texts[i], strlen(texts[i]), strlen(texts[i]));
}

static void invalid_bytes_are_found_where_they_are(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t valid;
  } cases[] = {
      {"\x80", 0},         {"a\xbf", 1},         {"\xc0\xaf", 0},     {"\xc1\xbf", 0},     {"\xe0\x9f\xbf", 0},
      {"\xed\xa0\x80", 0}, {"\xed\xbf\xbf", 0},  {"\xf0\x8f\xbf\xbf", 0}, {"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0},
      {"\xff", 0},         {"ab\xfe", 2},        {"\xc3", 0},         {"\xe2\x82", 0},     {"\xf0\x9f\x98", 0},
      {"\xe2\x82z", 0},    {"\xc3\xa9\xc3", 2},  {"\xf0\x9f\x98\x80\x80", 4},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_valid_prefix(cases[i].text, strlen(cases[i].text), cases[i].valid);
}

static void every_character_encodes_validates_and_decodes(void **state) {
  (void)state;
  for (uint32_t c = 0; c <= 0x10FFFF; c++) {
    char bytes[4];
    size_t offset = 0;
    if (c >= 0xD800 && c <= 0xDFFF)
      continue;
    size_t size = rem_utf8_encode(c, bytes);
    if (!rem_utf8_valid(bytes, size) || rem_utf8_next(bytes, size, &offset) != c || offset != size)
      fail_msg("U+%04X", c);
  }
}

static void surrogates_encoded_are_not_valid(void **state) {
  (void)state;
  for (uint32_t c = 0xD800; c <= 0xDFFF; c++) {
    char bytes[4];
    assert_false(rem_utf8_valid(bytes, rem_utf8_encode(c, bytes)));
  }
}

static void next_replaces_an_invalid_byte_and_goes_on(void **state) {
  (void)state;
  const char *text = "a\xc3z";
  size_t offset = 0;
  assert_int_equal(rem_utf8_next(text, 3, &offset), 'a');
  assert_int_equal(rem_utf8_next(text, 3, &offset), 0xFFFD);
  assert_int_equal(offset, 2);
  assert_int_equal(rem_utf8_next(text, 3, &offset), 'z');
}

static void floor_is_a_character_boundary(void **state) {
  (void)state;
  const char *text = "a\u00e9\U0001f600b"; /* 1 + 2 + 4 + 1 bytes */
  static const size_t expected[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
  for (size_t offset = 0; offset < 10; offset++)
    assert_int_equal(rem_utf8_floor(text, 8, offset), expected[offset]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(valid_text_is_valid_to_its_end),
      cmocka_unit_test(invalid_bytes_are_found_where_they_are),
      cmocka_unit_test(every_character_encodes_validates_and_decodes),
      cmocka_unit_test(surrogates_encoded_are_not_valid),
      cmocka_unit_test(next_replaces_an_invalid_byte_and_goes_on),
      cmocka_unit_test(floor_is_a_character_boundary),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
