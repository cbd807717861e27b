/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C: the values of RFC 3720, in pieces, and table and instruction alike. */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"

static void the_values_of_rfc_3720(void **state) {
  (void)state;
  uint8_t data[32];
  memset(data, 0, sizeof data);
  assert_int_equal(rem_crc32c(0, data, 32), 0x8A9136AA);
  memset(data, 0xFF, sizeof data);
  assert_int_equal(rem_crc32c(0, data, 32), 0x62A8AB43);
  for (int i = 0; i < 32; i++)
    data[i] = (uint8_t)i;
  assert_int_equal(rem_crc32c(0, data, 32), 0x46DD794E);
  for (int i = 0; i < 32; i++)
    data[i] = (uint8_t)(31 - i);
  assert_int_equal(rem_crc32c(0, data, 32), 0x113FDB5C);
  assert_int_equal(rem_crc32c(0, "123456789", 9), 0xE3069283);
  assert_int_equal(rem_crc32c(0, NULL, 0), 0);
}

static void pieces_continue_and_every_level_agrees(void **state) {
  (void)state;
  uint8_t data[300];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 167 + 13);
  for (size_t start = 0; start < 9; start++)
    for (size_t size = 0; size < 280; size++) {
      rem_cpu_set_level("generic");
      uint32_t whole = rem_crc32c(0, data + start, size);
      rem_cpu_set_level(NULL);
      assert_int_equal(rem_crc32c(0, data + start, size), whole);
      uint32_t first = rem_crc32c(0, data + start, size / 3);
      assert_int_equal(rem_crc32c(first, data + start + size / 3, size - size / 3), whole);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_values_of_rfc_3720),
      cmocka_unit_test(pieces_continue_and_every_level_agrees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
