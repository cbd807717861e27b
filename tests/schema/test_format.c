/* SPDX-License-Identifier: Apache-2.0 */
/* Formats: the table. The cases of each format are in tests/data/schema/keywords.json, which test_validator.c runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/format.h"

static void known_formats_are_found_and_others_not(void **state) {
  (void)state;
  static const char *const known[] = {"date-time", "date", "time", "uuid", "uri", "uri-reference", "email", "ipv4",
                                      "ipv6", "hostname", "regex", "duration", "json-pointer"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    const rem_format *format = rem_format_find(known[i]);
    assert_non_null(format);
    assert_string_equal(format->name, known[i]);
    assert_true(format->expected[0] != 0);
  }
  assert_null(rem_format_find("password"));
  assert_null(rem_format_find("Date-Time"));
  assert_null(rem_format_find(""));
}

/* What a message gives as an example must itself be of the format. */
static void examples_in_messages_are_valid(void **state) {
  (void)state;
  static const char *const names[] = {"date-time", "date", "time", "duration", "uuid", "uri", "uri-reference", "iri", "email",
                                      "hostname", "ipv4", "ipv6", "json-pointer", "relative-json-pointer"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const rem_format *format = rem_format_find(names[i]);
    const char *example = strrchr(format->expected, ' ') + 1;
    if (!format->matches(example, strlen(example))) fail_msg("%s: %s", names[i], example);
  }
}

/* A text is its bytes and its size, not what stands before a NUL; a heap copy lets a sanitizer see reads beyond it. */
static void only_the_given_bytes_are_read(void **state) {
  (void)state;
  static const char *const texts[] = {"2025-10-01T09:00:00.123456+02:00", "09:00:60+01:00", "P1Y2M3DT4H5M6.7S",
                                      "550e8400-e29b-41d4-a716-446655440000", "https://u:p@[2001:db8::1]:80/a%20b?c=d#e",
                                      "\"a\\\"b\"@[IPv6:::1]", "a.b+c@d-e.f", "1:2:3:4:5:6:1.2.3.4", "/a~0/b~1", "12/a~0",
                                      "^[a-z]+\\u0041(?<n>b)\\k<n>$", "://", "@", "[", "%", "P", "-", "\\"};
  static const char *const names[] = {"date-time", "date", "time", "duration", "uuid", "uri", "uri-reference", "iri",
                                      "iri-reference", "email", "hostname", "ipv4", "ipv6", "regex", "json-pointer",
                                      "relative-json-pointer"};
  size_t accepted = 0;
  for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
    for (size_t size = 0; size <= strlen(texts[t]); size++) {
      char *copy = malloc(size > 0 ? size : 1);
      assert_non_null(copy);
      memcpy(copy, texts[t], size);
      for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        accepted += rem_format_find(names[i])->matches(copy, size);
      free(copy);
    }
  }
  assert_true(accepted > 100);
  assert_false(rem_format_find("date")->matches("2025-10-01\0", 11));
  assert_false(rem_format_find("hostname")->matches("a\0b", 3));
  assert_false(rem_format_find("uri")->matches("a:b\0c", 5));
  assert_false(rem_format_find("email")->matches("a\0b@c.d", 7));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_formats_are_found_and_others_not),
      cmocka_unit_test(examples_in_messages_are_valid),
      cmocka_unit_test(only_the_given_bytes_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
