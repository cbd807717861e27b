/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: messages, hints, prefixes, what is cut and what is blanked. */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void set_fills_code_and_message_and_clears_the_rest(void **state) {
  (void)state;
  rem_error err = {.offset = 7, .hint = "old"};
  assert_int_equal(rem_error_set(&err, REM_IO, "bad %d", 3), REM_IO);
  assert_int_equal(err.code, REM_IO);
  assert_string_equal(err.message, "bad 3");
  assert_string_equal(err.hint, "");
  assert_int_equal(err.offset, -1);
  rem_error_hint(&err, "do %s", "this");
  assert_string_equal(err.hint, "do this");
}

static void a_null_error_is_allowed_everywhere(void **state) {
  (void)state;
  assert_int_equal(rem_error_set(NULL, REM_INVALID, "x"), REM_INVALID);
  rem_error_hint(NULL, "x");
  rem_error_prefix(NULL, "x");
  assert_int_equal(rem_error_nomem(NULL), REM_NOMEM);
}

static void long_messages_end_in_an_ellipsis_at_a_character(void **state) {
  (void)state;
  char text[2000];
  for (size_t shift = 0; shift < 4; shift++) {
    rem_error err = {0};
    memset(text, 'x', sizeof text);
    for (size_t i = shift; i + 4 < sizeof text; i += 4)
      memcpy(text + i, "\U0001f600", 4);
    text[sizeof text - 8] = 0;
    rem_error_set(&err, REM_INVALID, "%s", text);
    size_t size = strlen(err.message);
    assert_true(size < sizeof err.message && size > sizeof err.message - 12);
    assert_string_equal(err.message + size - 3, "...");
    assert_true(rem_utf8_valid(err.message, size));
  }
}

static void control_characters_become_blanks(void **state) {
  (void)state;
  rem_error err = {0};
  rem_error_set(&err, REM_INVALID, "'%s'", "a\nb\x1b[1mc\x7f");
  assert_string_equal(err.message, "'a b [1mc '");
}

static void a_prefix_goes_in_front_and_keeps_the_hint(void **state) {
  (void)state;
  rem_error err = {0};
  rem_error_set(&err, REM_INVALID, "wrong");
  rem_error_hint(&err, "hint");
  rem_error_prefix(&err, "line %d: ", 4);
  assert_string_equal(err.message, "line 4: wrong");
  assert_string_equal(err.hint, "hint");
}

static void an_error_may_be_wrapped_in_itself(void **state) {
  (void)state;
  rem_error err = {0};
  rem_error_set(&err, REM_INVALID, "inner");
  rem_error_set(&err, REM_CORRUPT, "outer: %s", err.message);
  assert_string_equal(err.message, "outer: inner");
}

static void errno_values_have_their_status(void **state) {
  (void)state;
  rem_error err = {0};
  assert_int_equal(rem_error_errno(&err, ENOSPC, "cannot write", "/x"), REM_FULL);
  assert_true(err.hint[0] != 0);
  assert_int_equal(rem_error_errno(&err, ENOMEM, "cannot write", "/x"), REM_NOMEM);
  assert_int_equal(rem_error_errno(&err, EACCES, "cannot write", "/x"), REM_IO);
  assert_string_equal(err.message, "cannot write '/x': Permission denied");
}

static void every_status_has_a_name_of_its_own(void **state) {
  (void)state;
  for (int a = REM_INTERNAL; a <= REM_NOT_FOUND; a++)
    for (int b = REM_INTERNAL; b < a; b++)
      assert_string_not_equal(rem_status_name((rem_status)a), rem_status_name((rem_status)b));
  assert_string_equal(rem_status_name((rem_status)-99), "unknown status");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(set_fills_code_and_message_and_clears_the_rest),
      cmocka_unit_test(a_null_error_is_allowed_everywhere),
      cmocka_unit_test(long_messages_end_in_an_ellipsis_at_a_character),
      cmocka_unit_test(control_characters_become_blanks),
      cmocka_unit_test(a_prefix_goes_in_front_and_keeps_the_hint),
      cmocka_unit_test(an_error_may_be_wrapped_in_itself),
      cmocka_unit_test(errno_values_have_their_status),
      cmocka_unit_test(every_status_has_a_name_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
