/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction has read, each row once. */
#include "entity/read_notes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void name_row(uint8_t id[16], uint32_t number) {
  memset(id, 0, 16);
  memcpy(id + 12, &number, sizeof number);
}

static void rows_are_noted_once_however_often_they_are_read(void **state) {
  (void)state;
  rem_read_notes notes = {0};
  uint8_t id[16];
  for (uint32_t i = 0; i < 3 * REM_READ_NOTES_MOST; i++) {
    name_row(id, i % 1000);
    rem_read_notes_add(&notes, i % 2, id, 7 + i % 1000);
  }
  assert_false(notes.lost);
  assert_int_equal(notes.count, 1000); /* even numbers of one table, odd ones of the other */
  for (size_t i = 0; i < notes.count; i++) {
    name_row(id, (uint32_t)i);
    assert_memory_equal(notes.items[i].id, id, 16);
    assert_int_equal(notes.items[i].table, i % 2);
    assert_int_equal(notes.items[i].seq, 7 + i);
  }
  name_row(id, 0);
  rem_read_notes_add(&notes, 1, id, 0);
  assert_int_equal(notes.count, 1001); /* the same id in another table is another row */
  rem_read_notes_deinit(&notes);
}

static void too_many_rows_are_known_to_be_lost(void **state) {
  (void)state;
  rem_read_notes notes = {0};
  uint8_t id[16];
  for (uint32_t i = 0; i < REM_READ_NOTES_MOST; i++) {
    name_row(id, i);
    rem_read_notes_add(&notes, 0, id, i);
  }
  assert_false(notes.lost);
  assert_int_equal(notes.count, REM_READ_NOTES_MOST);
  name_row(id, 0);
  rem_read_notes_add(&notes, 0, id, 0);
  assert_false(notes.lost);
  name_row(id, REM_READ_NOTES_MOST);
  rem_read_notes_add(&notes, 0, id, 0);
  assert_true(notes.lost);
  rem_read_notes_deinit(&notes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_noted_once_however_often_they_are_read),
      cmocka_unit_test(too_many_rows_are_known_to_be_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
