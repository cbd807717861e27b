/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes are text, and what the others are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "ingest/decode.h"

#define DECODES(bytes, expected) decodes(bytes, sizeof bytes - 1, expected)
static void decodes(const char *bytes, size_t size, const char *expected) {
  char *text = NULL;
  size_t text_size = 0;
  rem_error err = {0};
  assert_int_equal(rem_decode_text(bytes, size, &text, &text_size, &err), REM_OK);
  assert_string_equal(text, expected);
  assert_int_equal(text_size, strlen(expected));
  rem_free(text);
}

#define REFUSES(bytes, offset, part) refuses(bytes, sizeof bytes - 1, offset, part)
static void refuses(const char *bytes, size_t size, int64_t offset, const char *part) {
  char *text = (char *)bytes;
  size_t text_size = 77;
  rem_error err = {0};
  assert_int_equal(rem_decode_text(bytes, size, &text, &text_size, &err), REM_INVALID);
  assert_int_equal(err.offset, offset);
  assert_non_null(strstr(err.message, part));
  assert_true(err.hint[0] != 0);
  assert_ptr_equal(text, bytes);
  assert_int_equal(text_size, 77);
}

static void utf8_is_taken_as_it_is_without_its_mark(void **state) {
  (void)state;
  DECODES("", "");
  DECODES("plain", "plain");
  DECODES("\xEF\xBB\xBFmarked", "marked");
  DECODES("\xEF\xBB\xBF", "");
  DECODES("caf\xC3\xA9 \xF0\x9F\x98\x80", "caf\xC3\xA9 \xF0\x9F\x98\x80");
}

static void utf16_with_a_mark_is_converted(void **state) {
  (void)state;
  DECODES("\xFF\xFEh\0\xE9\0", "h\xC3\xA9");
  DECODES("\xFE\xFF\0h\0\xE9", "h\xC3\xA9");
  DECODES("\xFF\xFE\x3D\xD8\x00\xDE", "\xF0\x9F\x98\x80");
  DECODES("\xFF\xFE", "");
}

static void broken_utf16_is_refused_at_its_place(void **state) {
  (void)state;
  REFUSES("\xFF\xFEh\0\x3D\xD8", 4, "UTF-16");
  REFUSES("\xFF\xFEh\0\x00\xDE", 4, "UTF-16");
  REFUSES("\xFF\xFEh\0i", 4, "UTF-16");
  REFUSES("\xFF\xFE\0\0h\0\0\0", 0, "UTF-32");
}

static void binary_and_other_encodings_are_refused_at_their_place(void **state) {
  (void)state;
  REFUSES("PK\x03\x04\0\0", 4, "binary");
  REFUSES("caf\xE9 au lait", 3, "0xe9 at offset 3");
  REFUSES("\xEF\xBB\xBF" "abc\xFF", 6, "0xff at offset 6");
  REFUSES("cut \xF0\x9F\x98", 4, "0xf0");
}

static void sniffing_accepts_text_that_is_cut_within_a_character(void **state) {
  (void)state;
  static char sample[10000];
  memset(sample, 'a', sizeof sample);
  memcpy(sample + 8190, "\xE2\x82\xAC", 3);
  assert_true(rem_decode_is_text(sample, sizeof sample));
  sample[100] = 0;
  assert_false(rem_decode_is_text(sample, sizeof sample));
  assert_false(rem_decode_is_text("\x89PNG\r\n", 6));
  assert_true(rem_decode_is_text("\xFF\xFEh\0", 4));
  assert_true(rem_decode_is_text("", 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(utf8_is_taken_as_it_is_without_its_mark),
      cmocka_unit_test(utf16_with_a_mark_is_converted),
      cmocka_unit_test(broken_utf16_is_refused_at_its_place),
      cmocka_unit_test(binary_and_other_encodings_are_refused_at_their_place),
      cmocka_unit_test(sniffing_accepts_text_that_is_cut_within_a_character),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
