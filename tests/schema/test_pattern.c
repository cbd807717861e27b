/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns: ECMA-262 as PCRE2 matches it, what is refused, limits, threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/pattern.h"

static void expect(const char *text, const char *subject, bool expected) {
  rem_pattern *pattern = NULL;
  rem_error err = {0};
  bool matches = !expected;
  if (rem_pattern_new(text, strlen(text), &pattern, &err) != REM_OK) fail_msg("%s: %s", text, err.message);
  if (rem_pattern_match(pattern, subject, strlen(subject), &matches, &err) != REM_OK)
    fail_msg("%s on '%s': %s", text, subject, err.message);
  if (matches != expected) fail_msg("%s on '%s' gave %d", text, subject, matches);
  assert_string_equal(rem_pattern_text(pattern), text);
  rem_pattern_free(pattern);
}

static void expect_refused(const char *text, const char *part) {
  rem_pattern *pattern = NULL;
  rem_error err = {0};
  rem_status status = rem_pattern_new(text, strlen(text), &pattern, &err);
  if (status != REM_INVALID || strstr(err.message, part) == NULL)
    fail_msg("%s gave %d '%s', not '%s'", text, status, err.message, part);
  assert_null(pattern);
}

static void syntax_shared_by_both_languages(void **state) {
  (void)state;
  expect("", "", true);
  expect("b", "abc", true);
  expect("^b", "abc", false);
  expect("^(?:a|b)+$", "abab", true);
  expect("^a{2,3}$", "aaaa", false);
  expect("^a{2,}?$", "aaaa", true);
  expect("^[a-f0-9]{4}$", "beef", true);
  expect("^(?!no)", "node", false);
  expect("(?<=\\$)[0-9]+", "cost $5", true);
  expect("(?<!\\$)\\b5", "$5", false);
  expect("^(a)(b)\\2\\1$", "abba", true);
  expect("^\\\\$", "\\", true);
  expect("^\\/a\\.b\\-$", "/a.b-", true);
}

static void the_ends_are_those_of_the_text(void **state) {
  (void)state;
  expect("^a$", "a\n", false);
  expect("^a$", "b\na", false);
  expect("(?m)^a$", "b\na\nc", true);
  expect("\\Aa\\z", "a", true);
}

static void characters_are_code_points_and_classes_ascii(void **state) {
  (void)state;
  expect("^.$", "\xf0\x9f\x92\xa9", true);
  expect("^.{3}$", "日本語", true);
  expect("^[日月]$", "月", true);
  expect("^\\d+$", "٣", false);
  expect("^\\w+$", "é", false);
  expect("^\\W$", "é", true);
  expect("^\\u00e9$", "é", true);
  expect("^\\u{1F4A9}$", "\xf0\x9f\x92\xa9", true);
  expect("^\\ud83d\\udca9$", "\xf0\x9f\x92\xa9", true);
  expect("^[\\u0041-\\u0043]$", "B", true);
  expect("^\\x41$", "A", true);
  expect("^\\cA$", "\x01", true);
  expect("^\\v\\f\\t$", "\x0b\x0c\t", true);
  expect("^\\v$", "\n", false);
  expect("^[\\b]$", "\b", true);
}

static void white_space_is_that_of_ecma(void **state) {
  (void)state;
  expect("^\\s+$", " \t\n\r\x0b\x0c\xc2\xa0\xef\xbb\xbf\xe2\x80\xa8\xe3\x80\x80", true);
  expect("\\s", "a\xe2\x80\x8bz", false);
  expect("^[\\s,]+$", "\xc2\xa0, ", true);
  expect("^[^\\s]$", "\xe3\x80\x80", false);
  expect("^\\S$", "\xe3\x80\x80", false);
  expect("^[\\S]$", "\xe3\x80\x80", false);
  expect("^[\\Sx]$", "é", true);
  expect("^.$", "\xe2\x80\xa8", false);
  expect("(?s)^.$", "\n", true);
}

static void properties_have_long_names(void **state) {
  (void)state;
  expect("^\\p{Letter}cole$", "École", true);
  expect("^\\p{digit}+$", "٣", true);
  expect("^\\p{gc=Uppercase_Letter}$", "É", true);
  expect("^\\P{Lu}$", "é", true);
  expect("^[\\p{L}\\p{N}]+$", "ab1", true);
  expect("^\\p{Greek}+$", "αβ", true);
}

static void classes_and_braces_may_hold_anything(void **state) {
  (void)state;
  expect("^[[]$", "[", true);
  expect("^[[:alpha:]]$", ":]", true);
  expect("[]", "a", false);
  expect("^[^]$", "\n", true);
  expect("^a{,2}$", "a{,2}", true);
  expect("^{x}$", "{x}", true);
  expect("^[.]$", "a", false);
  expect("^[\\]\\\\^-]+$", "]\\^-", true);
}

static void named_groups_in_both_spellings(void **state) {
  (void)state;
  expect("^(?<year>\\d{4})-\\k<year>$", "2020-2020", true);
  expect("^(?P<year>\\d{4})$", "2020", true);
  expect("^(?i)abc$", "ABC", true);
  expect("^a(?i:b)c$", "aBc", true);
}

static void what_ecma_does_not_have_is_refused(void **state) {
  (void)state;
  static const char *const escapes[] = {"\\a", "\\e", "\\h", "\\R", "\\K", "\\G", "\\X", "\\N", "\\Z", "\\C", "\\Qa\\E", "\\l"};
  for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
    expect_refused(escapes[i], "ECMA-262 has no such escape");
  static const char *const groups[] = {"(?R)", "(?1)", "(?&a)", "(?P>a)", "(?(1)a)", "(?C)", "(?#x)", "(?|a)", "(?>a)", "(?x)"};
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
    expect_refused(groups[i], "ECMA-262 has no such group");
  expect_refused("(*LIMIT_MATCH=1)a", "nothing stands before the quantifier");
  expect_refused("a++", "nothing stands before the quantifier");
  expect_refused("a**", "nothing stands before the quantifier");
  expect_refused("a{2}{3}", "nothing stands before the quantifier");
}

static void mistakes_are_told_with_their_place(void **state) {
  (void)state;
  expect_refused("é[a", "at character 2: the class is never closed");
  expect_refused("a\\", "at character 2: nothing follows the backslash");
  expect_refused("(a", "missing closing parenthesis");
  expect_refused("\\u12", "\\u needs four hex digits");
  expect_refused("\\ud800", "a lone surrogate");
  expect_refused("\\u{110000}", "no such code point");
  expect_refused("\\x4", "\\x needs two hex digits");
  expect_refused("\\p{Nonsense}", "property");
  expect_refused("\\pL", "needs a property in braces");
  expect_refused("\\p{L", "never closed");
  expect_refused("\\3", "reference to non-existent subpattern");
  expect_refused("\\01", "octal");
  expect_refused("[z-a]", "range out of order");
  expect_refused("\xff", "must be UTF-8");
}

static void costly_matches_end_in_an_error(void **state) {
  (void)state;
  static const char *const patterns[] = {"^(a+)+$", "^(a|aa)+$", "^(.*a){20}[bc]$", "(x+x+)+[yz]"};
  char subject[4001];
  memset(subject, 'a', sizeof subject - 1);
  subject[4000] = 0;
  memset(subject + 2000, 'x', 1999);
  subject[3999] = '!';
  for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
    rem_pattern *pattern = NULL;
    rem_error err = {0};
    bool matches;
    assert_int_equal(rem_pattern_new(patterns[i], strlen(patterns[i]), &pattern, &err), REM_OK);
    if (rem_pattern_match(pattern, subject, 4000, &matches, &err) != REM_LIMIT) fail_msg("%s ended", patterns[i]);
    assert_non_null(strstr(err.message, patterns[i]));
    assert_true(err.hint[0] != 0);
    /* The pattern is still good for other texts. */
    assert_int_equal(rem_pattern_match(pattern, "b", 1, &matches, &err), REM_OK);
    assert_false(matches);
    rem_pattern_free(pattern);
  }
}

static void sizes_are_bounded(void **state) {
  (void)state;
  rem_pattern *pattern = NULL;
  rem_error err = {0};
  bool matches;
  char *long_text = rem_alloc(REM_PATTERN_MAX_SUBJECT_SIZE + 1);
  assert_non_null(long_text);
  memset(long_text, 'a', REM_PATTERN_MAX_SUBJECT_SIZE + 1);
  assert_int_equal(rem_pattern_new(long_text, REM_PATTERN_MAX_SIZE + 1, &pattern, &err), REM_LIMIT);
  assert_int_equal(rem_pattern_new("a$", 2, &pattern, &err), REM_OK);
  assert_int_equal(rem_pattern_match(pattern, long_text, REM_PATTERN_MAX_SUBJECT_SIZE + 1, &matches, &err), REM_LIMIT);
  assert_int_equal(rem_pattern_match(pattern, long_text, REM_PATTERN_MAX_SUBJECT_SIZE, &matches, &err), REM_OK);
  assert_true(matches);
  assert_int_equal(rem_pattern_match(pattern, "\xff", 1, &matches, &err), REM_INVALID);
  rem_pattern_free(pattern);
  rem_free(long_text);
}

static void *match_often(void *argument) {
  const rem_pattern *pattern = argument;
  size_t wrong = 0;
  for (int i = 0; i < 20000; i++) {
    char subject[32];
    bool matches = false;
    int size = snprintf(subject, sizeof subject, i % 2 ? "k%d" : "%dk", i);
    wrong += rem_pattern_match(pattern, subject, (size_t)size, &matches, NULL) != REM_OK || matches != (i % 2 == 1);
  }
  return (void *)(uintptr_t)wrong;
}

static void one_pattern_serves_many_threads(void **state) {
  (void)state;
  rem_pattern *pattern = NULL;
  rem_error err = {0};
  pthread_t threads[4];
  assert_int_equal(rem_pattern_new("^k[0-9]+$", 9, &pattern, &err), REM_OK);
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, match_often, pattern), 0);
  for (size_t i = 0; i < 4; i++) {
    void *wrong;
    pthread_join(threads[i], &wrong);
    assert_null(wrong);
  }
  rem_pattern_free(pattern);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(syntax_shared_by_both_languages),
      cmocka_unit_test(the_ends_are_those_of_the_text),
      cmocka_unit_test(characters_are_code_points_and_classes_ascii),
      cmocka_unit_test(white_space_is_that_of_ecma),
      cmocka_unit_test(properties_have_long_names),
      cmocka_unit_test(classes_and_braces_may_hold_anything),
      cmocka_unit_test(named_groups_in_both_spellings),
      cmocka_unit_test(what_ecma_does_not_have_is_refused),
      cmocka_unit_test(mistakes_are_told_with_their_place),
      cmocka_unit_test(costly_matches_end_in_an_error),
      cmocka_unit_test(sizes_are_bounded),
      cmocka_unit_test(one_pattern_serves_many_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
