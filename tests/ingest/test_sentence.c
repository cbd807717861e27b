/* SPDX-License-Identifier: Apache-2.0 */
/* Where sentences end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ingest/sentence.h"

/* `marked` has a '|' where a sentence must end. */
static void splits(const char *marked) {
  char text[512], found_marks[512];
  size_t size = 0, used = 0;
  for (const char *at = marked; *at; at++) {
    if (*at != '|')
      text[size++] = *at;
  }
  text[size] = 0;
  for (size_t at = 0; at < size;) {
    bool found = false;
    size_t end = rem_sentence_end(text, size, at, size, &found);
    assert_true(found);
    assert_true(end > at);
    memcpy(found_marks + used, text + at, end - at);
    used += end - at;
    found_marks[used++] = '|';
    at = end;
    while (at < size && (text[at] == ' ' || text[at] == '\n'))
      found_marks[used++] = text[at++];
  }
  found_marks[used] = 0;
  assert_string_equal(found_marks, marked);
}

static void stops_before_white_space_end_a_sentence(void **state) {
  (void)state;
  splits("One two.| Three!| Four?| Five|");
  splits("He said \"stop.\"| She did.|");
  splits("Wait...| What?!| Done|");
  splits("It costs 3.14 euros in v1.2.3 today.| Yes.|");
  splits("See example.com/a.b now.|");
  splits("no stop at all|");
}

static void abbreviations_initials_and_numbers_do_not(void **state) {
  (void)state;
  splits("Dr. Smith met J. Doe, e.g. at noon.| Fine.|");
  splits("See Fig. 3 and vs. others.| End.|");
  splits("1. First point here.| Then more.|");
  splits("Use tools (e.g. Vim) etc. and so on.|");
  splits("approx. 5 min. of work.| OK.|");
  splits("It was me and I.| Next.|");
}

static void other_scripts_have_their_own_stops(void **state) {
  (void)state;
  splits("今日は晴れです。|明日は雨でしょう。|");
  splits("他说：「好。」|然后走了！|");
  splits("यह पहला है।| यह दूसरा है।|");
  splits("Γιατί\xCD\xBE| هل هذا؟| نعم.|");
}

static void a_blank_line_ends_a_sentence(void **state) {
  (void)state;
  splits("first part|\n\nsecond part|");
  splits("one line\nnext line|");
}

static void nothing_ends_before_the_limit(void **state) {
  (void)state;
  bool found = true;
  assert_int_equal(rem_sentence_end("abc def ghi. Jkl.", 17, 0, 6, &found), 6);
  assert_false(found);
  assert_int_equal(rem_sentence_end("abc def ghi. Jkl.", 17, 0, 14, &found), 12);
  assert_true(found);
}

static void a_megabyte_of_stops_takes_no_time(void **state) {
  (void)state;
  size_t size = 1 << 20;
  char *dots = malloc(size);
  assert_non_null(dots);
  memset(dots, '.', size);
  dots[size - 1] = 'x';
  bool found = false;
  assert_int_equal(rem_sentence_end(dots, size, 0, size, &found), size);
  free(dots);
}

static void cuts_are_not_made_before_marks(void **state) {
  (void)state;
  assert_true(rem_sentence_may_cut_before('a'));
  assert_true(rem_sentence_may_cut_before(0x4E2D));
  assert_false(rem_sentence_may_cut_before(0x301));
  assert_false(rem_sentence_may_cut_before(0x200D));
  assert_false(rem_sentence_may_cut_before(0x1F3FD));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stops_before_white_space_end_a_sentence),
      cmocka_unit_test(abbreviations_initials_and_numbers_do_not),
      cmocka_unit_test(other_scripts_have_their_own_stops),
      cmocka_unit_test(a_blank_line_ends_a_sentence),
      cmocka_unit_test(nothing_ends_before_the_limit),
      cmocka_unit_test(a_megabyte_of_stops_takes_no_time),
      cmocka_unit_test(cuts_are_not_made_before_marks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
