/* SPDX-License-Identifier: Apache-2.0 */
/* Slices and the growable buffer: growth, maximum, sticky failure. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fault_sweep.h"

static void appends_of_every_kind_follow_each_other(void **state) {
  (void)state;
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  rem_bytes bytes = {0};
  rem_error err = {0};
  rem_buffer_append_text(&buffer, "ab");
  rem_buffer_append_byte(&buffer, 'c');
  rem_buffer_append_format(&buffer, "%d-%s", 12, "x");
  rem_buffer_append_slice(&buffer, rem_slice_text("!"));
  rem_buffer_append(&buffer, NULL, 0);
  assert_int_equal(rem_buffer_take(&buffer, &bytes, &err), REM_OK);
  assert_string_equal(bytes.data, "abc12-x!");
  assert_int_equal(bytes.size, 8);
  assert_int_equal(buffer.size, 0);
  rem_bytes_free(&bytes);
  assert_null(bytes.data);
}

static void integers_have_their_byte_order(void **state) {
  (void)state;
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  static const uint8_t expected[] = {2, 1, 6, 5, 4, 3, 14, 13, 12, 11, 10, 9, 8, 7, 1, 2, 3, 4, 5, 6, 7, 8};
  rem_buffer_append_u16le(&buffer, 0x0102);
  rem_buffer_append_u32le(&buffer, 0x03040506);
  rem_buffer_append_u64le(&buffer, 0x0708090A0B0C0D0E);
  rem_buffer_append_u64be(&buffer, 0x0102030405060708);
  assert_int_equal(buffer.size, sizeof expected);
  assert_memory_equal(buffer.data, expected, sizeof expected);
  assert_int_equal(rem_load_u64be(buffer.data + 14), 0x0102030405060708);
}

static void passing_the_maximum_is_a_failure_that_stays(void **state) {
  (void)state;
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  rem_error err = {0};
  rem_buffer_init(&buffer, 10);
  rem_buffer_append(&buffer, "0123456789", 10);
  assert_int_equal(rem_buffer_status(&buffer, &err), REM_OK);
  rem_buffer_append_byte(&buffer, 'x');
  rem_buffer_append(&buffer, "", 0);
  assert_null(rem_buffer_extend(&buffer, 1));
  assert_int_equal(rem_buffer_status(&buffer, &err), REM_LIMIT);
  assert_int_equal(buffer.size, 10);
  rem_buffer_reset(&buffer);
  assert_int_equal(rem_buffer_status(&buffer, &err), REM_OK);
  assert_null(rem_buffer_extend(&buffer, SIZE_MAX));
  assert_int_equal(rem_buffer_status(&buffer, &err), REM_LIMIT);
}

static void comparison_is_bytewise_and_shorter_first(void **state) {
  (void)state;
  assert_true(rem_slice_compare(rem_slice_text("a"), rem_slice_text("b")) < 0);
  assert_true(rem_slice_compare(rem_slice_text("ab"), rem_slice_text("a")) > 0);
  assert_true(rem_slice_compare(rem_slice_text("\x7f"), rem_slice_text("\x80")) < 0);
  assert_int_equal(rem_slice_compare(rem_slice_of(NULL, 0), rem_slice_text("")), 0);
  assert_true(rem_slice_starts_with(rem_slice_text("abc"), rem_slice_text("ab")));
  assert_false(rem_slice_starts_with(rem_slice_text("a"), rem_slice_text("ab")));
  assert_true(rem_slice_starts_with(rem_slice_of(NULL, 0), rem_slice_of(NULL, 0)));
}

static rem_status fill(void *context, rem_error *err) {
  rem_buffer buffer REM_AUTO_BUFFER = {0};
  rem_bytes bytes = {0};
  (void)context;
  for (int i = 0; i < 1000; i++)
    rem_buffer_append_format(&buffer, "%d,", i);
  rem_status status = rem_buffer_take(&buffer, &bytes, err);
  rem_bytes_free(&bytes);
  return status;
}

static void growth_survives_every_allocation_failure(void **state) {
  (void)state;
  assert_true(fault_sweep(fill, NULL) >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(appends_of_every_kind_follow_each_other),
      cmocka_unit_test(integers_have_their_byte_order),
      cmocka_unit_test(passing_the_maximum_is_a_failure_that_stays),
      cmocka_unit_test(comparison_is_bytewise_and_shorter_first),
      cmocka_unit_test(growth_survives_every_allocation_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
