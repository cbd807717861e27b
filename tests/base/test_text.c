/* SPDX-License-Identifier: Apache-2.0 */
/* Distances between words, the nearest candidate, places in a text. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void distances_count_edits_and_swaps(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    size_t distance;
  } cases[] = {{"", "", 0},      {"a", "", 1},       {"abc", "abc", 0},    {"abc", "abd", 1},       {"abc", "acb", 1},
               {"abc", "bc", 1}, {"ca", "abc", 3},   {"kitten", "sitting", 3}, {"tenant", "tennat", 1}, {"ab", "ba", 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(rem_text_distance(cases[i].a, cases[i].b, 10), cases[i].distance);
    assert_int_equal(rem_text_distance(cases[i].b, cases[i].a, 10), cases[i].distance);
  }
}

static void the_limit_cuts_the_distance(void **state) {
  (void)state;
  assert_int_equal(rem_text_distance("kitten", "sitting", 3), 3);
  assert_int_equal(rem_text_distance("kitten", "sitting", 2), 3);
  assert_int_equal(rem_text_distance("kitten", "sitting", 1), 2);
  assert_int_equal(rem_text_distance("aaaaaaaaaa", "bbbbbbbbbb", 2), 3);
  char longest[300];
  memset(longest, 'x', sizeof longest);
  longest[299] = 0;
  assert_int_equal(rem_text_distance(longest, longest + 1, 4), 5);
}

static void the_nearest_candidate_is_within_a_third(void **state) {
  (void)state;
  static const char *const names[] = {"resources", "files", "moments", "schema"};
  assert_string_equal(rem_text_nearest("resorces", names, 4), "resources");
  assert_string_equal(rem_text_nearest("file", names, 4), "files");
  assert_string_equal(rem_text_nearest("momnets", names, 4), "moments");
  assert_string_equal(rem_text_nearest("schema", names, 4), "schema");
  assert_null(rem_text_nearest("people", names, 4));
  assert_null(rem_text_nearest("", names, 4));
  assert_null(rem_text_nearest("x", names, 0));
}

static void places_count_lines_and_characters_from_one(void **state) {
  (void)state;
  const char *text = "a\n\u00e9b\r\nc";
  static const size_t expected[][3] = {{0, 1, 1}, {1, 1, 2}, {2, 2, 1}, {4, 2, 2}, {5, 2, 3}, {7, 3, 1}, {8, 3, 2}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    rem_text_place at = rem_text_place_of(text, expected[i][0]);
    assert_int_equal(at.line, expected[i][1]);
    assert_int_equal(at.column, expected[i][2]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(distances_count_edits_and_swaps),
      cmocka_unit_test(the_limit_cuts_the_distance),
      cmocka_unit_test(the_nearest_candidate_is_within_a_third),
      cmocka_unit_test(places_count_lines_and_characters_from_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
