/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs: text form, random form, and the golden values of D7. */
#include "base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_key_uuid(const char *tenant, const char *table, const char *key, const char *expected) {
  uint8_t bytes[16];
  char text[37];
  rem_uuid_of_key(tenant, table, key, strlen(key), bytes);
  rem_uuid_format(bytes, text);
  assert_string_equal(text, expected);
}

static void key_uuids_are_the_golden_values_of_d7(void **state) {
  (void)state;
  assert_key_uuid("default", "person", "alice@example.com", "2b8afd88-062a-960f-575f-889fe1f87678");
  assert_key_uuid("default", "resources", "file:///docs/guide.md:0", "bbec75cb-9736-68a0-f03e-22fb39dd2c1f");
  assert_key_uuid("default", "resources", "file:///docs/guide.md:1", "1c4b784b-78ea-d319-0de3-d4222b57ac8b");
  assert_key_uuid("default", "moments", "Sprint 42:2025-10-01T00:00:00Z",
                  "bf7af608-797b-4b92-d4f8-767ef480f836");
}

static void text_form_round_trips_in_either_case(void **state) {
  (void)state;
  uint8_t bytes[16];
  char text[37];
  const char *upper = "2B8AFD88-062A-960F-575F-889FE1F87678";
  assert_true(rem_uuid_parse(upper, 36, bytes));
  assert_int_equal(bytes[0], 0x2b);
  assert_int_equal(bytes[15], 0x78);
  rem_uuid_format(bytes, text);
  assert_string_equal(text, "2b8afd88-062a-960f-575f-889fe1f87678");
}

static void anything_else_is_not_a_uuid(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "",
      "2b8afd88062a960f575f889fe1f87678",
      "{2b8afd88-062a-960f-575f-889fe1f87678}",
      "2b8afd88-062a-960f-575f-889fe1f8767",
      "2b8afd88-062a-960f-575f-889fe1f876780",
      "2b8afd88-062a-960f-575f-889fe1f8767g",
      "2b8afd880-62a-960f-575f-889fe1f87678",
      "2b8afd88-062a-960f-575f+889fe1f87678",
      " b8afd88-062a-960f-575f-889fe1f87678",
      "2b8afd8--062a-960f-575f-889fe1f87678",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    uint8_t bytes[16] = {7};
    assert_false(rem_uuid_parse(wrong[i], strlen(wrong[i]), bytes));
    assert_int_equal(bytes[0], 7);
  }
}

static void random_uuids_are_version_4_and_differ(void **state) {
  (void)state;
  uint8_t a[16], b[16];
  rem_error err = {0};
  assert_int_equal(rem_uuid_random(a, &err), REM_OK);
  assert_int_equal(rem_uuid_random(b, &err), REM_OK);
  assert_int_equal(a[6] >> 4, 4);
  assert_int_equal(a[8] >> 6, 2);
  assert_int_not_equal(memcmp(a, b, 16), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(key_uuids_are_the_golden_values_of_d7),
      cmocka_unit_test(text_form_round_trips_in_either_case),
      cmocka_unit_test(anything_else_is_not_a_uuid),
      cmocka_unit_test(random_uuids_are_version_4_and_differ),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
